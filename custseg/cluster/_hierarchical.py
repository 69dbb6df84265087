"""Segments cut from a tree of customers."""

import warnings
from numbers import Integral

import numpy as np
from scipy.cluster.hierarchy import linkage
from sklearn.base import BaseEstimator

from custseg._sklearn import (
    Interval,
    StrOptions,
    check_is_fitted,
    fit_context,
    validate_data,
)
from custseg.cluster._prototypes import segment_prototypes
from custseg.cluster._segmenter import SegmenterMixin, canonical_order
from custseg.engine import nearest_point
from custseg.exceptions import DegenerateFitError, SegmentWarning

_MAX_BYTES = 4 * 2**30
_LOW_AGREEMENT = 0.9
_LOST_SEGMENT = 0.5


def _check_memory(n_customers):
    """Refuse, before anything is allocated, a tree that would not fit in memory."""
    # SciPy holds every pair's distance twice: as given and as it works on them.
    n_bytes = n_customers * (n_customers - 1) // 2 * 8 * 2
    if n_bytes > _MAX_BYTES:
        raise DegenerateFitError(
            f"A tree must need at most {_MAX_BYTES / 2**30:.0f} GiB for the distances "
            f"of all pairs. Got {n_customers} customers, which need "
            f"{n_bytes / 2**30:.0f} GiB instead. Fit the tree on a random sample of "
            "customers and predict the others, or use KMeansSegmenter."
        )


def cut_tree(merges, n_segments):
    """Labels of the customers when the last ``n_segments - 1`` merges are undone.

    Parameters
    ----------
    merges : ndarray of shape (n_customers - 1, 4)
        As SciPy's `linkage` returns it, sorted by height.
    n_segments : int

    Returns
    -------
    labels : ndarray of shape (n_customers,)
        0 to ``n_segments - 1``, in no particular order.
    """
    n_customers = len(merges) + 1
    n_kept = n_customers - n_segments
    parent = np.arange(n_customers + n_kept)
    parent[merges[:n_kept, :2].astype(np.intp)] = (
        n_customers + np.arange(n_kept)[:, np.newaxis]
    )
    # A parent's number is above its children's: one pass from the top finds roots.
    for node in range(len(parent) - 1, -1, -1):
        parent[node] = parent[parent[node]]
    return np.unique(parent[:n_customers], return_inverse=True)[1]


class HierarchicalSegmenter(SegmenterMixin, BaseEstimator):
    """Segments cut from a tree that joins the most similar customers first.

    Exact agglomerative clustering on Euclidean distances. New customers go to the
    segment of the nearest prototype, a few of which stand for each segment; the
    training customers' `labels_` follow the same rule, and `tree_labels_` keeps what
    the tree itself said.

    Parameters
    ----------
    n_clusters : int, default=4
        Number of segments.
    linkage : {"ward", "complete", "average", "single"}, default="ward"
        What two groups are compared by: the growth of the sum of squares within, or
        the largest, mean or smallest distance between their customers. Average and
        single linkage tend to peel off a few outliers instead of finding segments.
    n_prototypes : int, default=10
        Prototypes of one segment at most; none stands for fewer than eight customers.

    Attributes
    ----------
    labels_ : ndarray of shape (n_customers,)
        Segment of each training customer, the same as ``predict(X)``.
    tree_labels_ : ndarray of shape (n_customers,)
        Segment of each training customer as the tree was cut, numbered alike.
    tree_agreement_ : float
        Share of training customers for whom `labels_` and `tree_labels_` agree.
    merges_ : ndarray of shape (n_customers - 1, 4)
        The tree, as `scipy.cluster.hierarchy.linkage` returns it; SciPy's
        `dendrogram` draws it.
    n_segments_ : int
        Number of segments.
    segment_sizes_ : ndarray of shape (n_segments,)
        Customers in each segment; largest first.
    segment_centers_ : ndarray of shape (n_segments, n_features)
        Mean of the customers in each segment.
    prototypes_ : ndarray of shape (n_prototypes, n_features)
        The points that `predict` compares customers with.
    prototype_segments_ : ndarray of shape (n_prototypes,)
        The segment each prototype stands for.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    Warns
    -----
    SegmentWarning
        If `labels_` and the tree's cut agree for fewer than nine customers in ten, or
        for fewer than half of those that the cut puts in some segment.

    References
    ----------
    Ward, J. H. (1963). Hierarchical grouping to optimize an objective function.
    Journal of the American Statistical Association 58(301), 236-244.
    https://doi.org/10.1080/01621459.1963.10500845

    Examples
    --------
    >>> import numpy as np
    >>> from custseg.cluster import HierarchicalSegmenter
    >>> visits_and_spend = np.array([[1, 10], [2, 12], [9, 95], [8, 99], [9, 91]])
    >>> segmenter = HierarchicalSegmenter(n_clusters=2).fit(visits_and_spend)
    >>> segmenter.tree_labels_
    array([1, 1, 0, 0, 0])
    >>> segmenter.predict([[3, 20]])
    array([1])
    >>> segmenter.tree_agreement_
    1.0
    """

    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "linkage": [StrOptions({"ward", "complete", "average", "single"})],
        "n_prototypes": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_clusters=4, *, linkage="ward", n_prototypes=10):
        self.n_clusters = n_clusters
        self.linkage = linkage
        self.n_prototypes = n_prototypes

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Grow the tree, cut it and find the prototypes.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Numeric columns on comparable scales, without missing values. Memory
            grows with the square of the number of customers.
        y : None
            Ignored; here for scikit-learn's sake.

        Returns
        -------
        self : HierarchicalSegmenter

        Raises
        ------
        DegenerateFitError
            If there are fewer distinct customers than segments, or the distances of
            all pairs of customers would need more than 4 GiB.
        """
        X, _ = self._check_customers(X, self.n_clusters, min_customers=2)
        _check_memory(len(X))
        self.merges_ = linkage(X, method=self.linkage)
        cut = cut_tree(self.merges_, self.n_clusters)
        points, segments = segment_prototypes(X, cut, n_prototypes=self.n_prototypes)
        centers = np.vstack([X[cut == s].mean(axis=0) for s in range(self.n_clusters)])

        def arranged(order):
            place = np.argsort(order)[segments]
            rows = np.argsort(place, kind="stable")
            return points[rows], place[rows]

        def by_prototype(order):
            points, segments = arranged(order)
            return segments[nearest_point(X, points)[0]]

        order, labels, sizes = canonical_order(by_prototype, centers)
        self.prototypes_, self.prototype_segments_ = arranged(order)
        centers = centers[order]
        for segment in np.flatnonzero(sizes):
            centers[segment] = X[labels == segment].mean(axis=0)
        self._set_segments(labels, sizes, centers)
        self.tree_labels_ = np.argsort(order)[cut]
        agrees = self.labels_ == self.tree_labels_
        self.tree_agreement_ = float(agrees.mean())
        kept = np.bincount(self.tree_labels_, agrees) / np.bincount(self.tree_labels_)
        self._warn_of_disagreement(kept)
        return self

    def predict(self, X):
        """Give each customer the segment of the nearest prototype.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        labels : ndarray of shape (n_customers,)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.prototype_segments_[nearest_point(X, self.prototypes_)[0]]

    def _warn_of_disagreement(self, kept):
        """Warn if labels_ lose customers of the cut, in all or from one segment."""
        worst = int(kept.argmin())
        if self.tree_agreement_ >= _LOW_AGREEMENT and kept[worst] >= _LOST_SEGMENT:
            return
        warnings.warn(
            f"labels_ and the tree's cut must agree for {_LOW_AGREEMENT:.0%} of "
            f"customers, and for {_LOST_SEGMENT:.0%} of each segment's, to be taken "
            f"for each other. Got {self.tree_agreement_:.1%}, and {kept[worst]:.1%} "
            f"for segment {worst}, instead ({self.linkage} linkage, {self.n_clusters} "
            "segments). Raise n_prototypes, or use Ward linkage or k-means.",
            SegmentWarning,
            stacklevel=3,
        )
