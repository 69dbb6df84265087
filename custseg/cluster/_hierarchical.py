"""Segments cut from a tree of customers."""

import warnings
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state

from custseg._sklearn import (
    Interval,
    StrOptions,
    check_is_fitted,
    check_weights,
    fit_context,
    validate_data,
)
from custseg.cluster._linkage import MATRIX_BYTES, cut_tree, grow_tree
from custseg.cluster._micro import distinct_customers, micro_segments
from custseg.cluster._prototypes import segment_prototypes
from custseg.cluster._segmenter import SegmenterMixin, canonical_order
from custseg.engine import ArraySource, nearest_point, segment_sums
from custseg.exceptions import DegenerateFitError, SegmentWarning
from custseg.scoring import Nearest

_MAX_BYTES = 4 * 2**30
_EXACT = 20_000  # customers up to which "auto" grows the tree of them all
_MICRO = 1_000  # micro-segments that "auto" makes beyond
_WARD_DRAWS = 4
_LOW_AGREEMENT = 0.9
_LOST_SEGMENT = 0.5
_ROWS = 2**14
_COMPARED_ROWS = 1_000


def _check_memory(n_customers, linkage):
    """Refuse, before anything is allocated, a tree that would not fit in memory."""
    n_bytes = MATRIX_BYTES * n_customers**2
    if linkage in ("complete", "average") and n_bytes > _MAX_BYTES:
        raise DegenerateFitError(
            f"A tree must need at most {_MAX_BYTES / 2**30:.0f} GiB for the distances "
            f"of all pairs. Got {n_customers} distinct customers, which need "
            f"{n_bytes / 2**30:.1f} GiB instead ({linkage} linkage). Set "
            f"n_micro={_MICRO} to join micro-segments, or use Ward's linkage, which "
            "holds no pairs."
        )


def _nearest(X, points):
    """Index of the nearest point of each row, on threads."""
    return ArraySource(X).joined(nearest_point, points=points)[0]


class HierarchicalSegmenter(SegmenterMixin, BaseEstimator):
    """Segments cut from a tree that joins the most similar customers first.

    Agglomerative clustering on Euclidean distances: exact up to 20,000 customers,
    beyond them in two stages, micro-segments first and then the tree of these. New
    customers go to the segment of the nearest prototype, a few of which stand for each
    segment; the training customers' `labels_` follow the same rule, and `tree_labels_`
    keeps what the tree itself said.

    Parameters
    ----------
    n_clusters : int, default=4
        Number of segments. `cut` gives others from the same tree.
    linkage : {"ward", "complete", "average", "single"}, default="ward"
        What two groups are compared by: the growth of the sum of squares within, or
        the largest, mean or smallest distance between their customers. Average and
        single linkage tend to peel off a few outliers instead of finding segments.
    n_prototypes : int, default=10
        Prototypes of one segment at most; each is placed for eight customers or more,
        then moved a little for customers near the border. More of them keep more of
        the cut of overlapping segments, and make `predict` slower.
    n_micro : int, None or "auto", default="auto"
        Micro-segments to join in two stages, where there are more customers than
        that; None always joins the customers themselves. "auto" is None up to 20,000
        customers and 1,000 beyond.
    random_state : int, RandomState instance or None, default=None
        Seed of the draws that micro-segments are placed by. An exact tree draws
        nothing.

    Attributes
    ----------
    labels_ : ndarray of shape (n_customers,)
        Segment of each training customer, the same as ``predict(X)``.
    tree_labels_ : ndarray of shape (n_customers,)
        Segment of each training customer as the tree was cut, numbered alike.
        Customers of weight zero are in no tree and have that of `labels_`.
    tree_agreement_ : float
        (Weighted) share of training customers for whom `labels_` and `tree_labels_`
        agree. The prototypes were placed for them: of others it would be a little
        less.
    merges_ : ndarray of shape (n_leaves - 1, 4)
        The tree, as `scipy.cluster.hierarchy.linkage` returns it. Leaves are the
        distinct training customers, or the micro-segments.
    leaves_ : ndarray of shape (n_customers,)
        Leaf of each training customer; -1 for a weight of zero.
    leaf_sizes_ : ndarray of shape (n_leaves,)
        Customers of each leaf, or the sum of their weights.
    n_micro_ : int or None
        Number of micro-segments; None where the tree is exact.
    n_segments_ : int
        Number of segments.
    segment_sizes_ : ndarray of shape (n_segments,)
        Customers in each segment, or the sum of their weights; largest first.
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

    See Also
    --------
    custseg.plotting.DendrogramDisplay : The top of the tree as a picture.
    KMeansSegmenter : Segments around means, of any number of customers.

    Notes
    -----
    **Exact trees.** Time grows with the square of the number of customers. Ward's and
    single linkage need memory for the customers alone, complete and average linkage
    for all pairs: more than 4 GiB (23,170 distinct customers) is refused. Heights are
    SciPy's; where several pairs are equally near, the tree is one of several that are
    right. Customers who are the same are one leaf with their weights added, so whole
    weights and repeated rows give the same segments.

    **Two stages.** Micro-segments are placed by k-means on a random draw of 20
    customers for each of them, and every customer joins the nearest. Ward's tree joins
    them with their weights, each merge at the cost it has for the customers
    themselves; of four draws the one with the best tree is kept. On segments that can
    be told apart the sum of squares within a cut is that of the exact tree to a few
    thousandths. Where segments overlap, which customers are in which can differ much,
    as it does between exact trees of two draws of customers, and the sum of squares
    was lower than that of the exact tree more often than not. Complete, average and
    single linkage see a micro-segment as a point at its mean, average linkage with its
    weight: their heights are approximate. Groups of fewer customers than a
    micro-segment has may be lost in one.

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
    >>> segmenter.cut(visits_and_spend, 3).tree_labels_
    array([0, 0, 1, 2, 1])
    """

    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "linkage": [StrOptions({"ward", "complete", "average", "single"})],
        "n_prototypes": [Interval(Integral, 1, None, closed="left")],
        "n_micro": [
            StrOptions({"auto"}),
            Interval(Integral, 2, None, closed="left"),
            None,
        ],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters=4,
        *,
        linkage="ward",
        n_prototypes=10,
        n_micro="auto",
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.linkage = linkage
        self.n_prototypes = n_prototypes
        self.n_micro = n_micro
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Grow the tree, cut it and find the prototypes.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Numeric columns on comparable scales, without missing values.
        y : None
            Ignored; here for scikit-learn's sake.
        sample_weight : array-like of shape (n_customers,), default=None
            How many customers each row stands for, zero or more.

        Returns
        -------
        self : HierarchicalSegmenter

        Raises
        ------
        DegenerateFitError
            If there are fewer distinct customers of positive weight, or fewer
            micro-segments, than segments; or an exact tree of complete or average
            linkage would need more than 4 GiB.
        DataQualityError
            If a weight is negative, or all are zero.
        """
        X, weights = self._check_customers(
            X, self.n_clusters, sample_weight, min_customers=2
        )
        rows = slice(None) if weights is None else np.flatnonzero(weights > 0)
        groups, points, totals = self._grouped(
            X[rows], None if weights is None else weights[rows]
        )
        self._check_leaves(len(points), self.n_clusters)
        self.merges_ = grow_tree(points, totals, self.linkage)
        self.leaves_ = np.full(len(X), -1)
        self.leaves_[rows] = groups
        self.leaf_sizes_ = totals.astype(np.intp) if weights is None else totals
        self._set_cut(X, weights, points)
        return self

    def cut(self, X, n_clusters, *, sample_weight=None):
        """Cut the same tree at another number of segments.

        Costs no new tree. As the segmenter keeps no customers, `fit`'s are to be given
        again.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            The customers of `fit`, in the same order.
        n_clusters : int
            Number of segments, at most that of the tree's leaves.
        sample_weight : array-like of shape (n_customers,), default=None
            Weights, if `fit` had some.

        Returns
        -------
        segmenter : HierarchicalSegmenter
            Another one, fitted, as if `fit` had been asked for so many segments with
            the same draws.

        Raises
        ------
        DegenerateFitError
            If the tree has fewer leaves than segments.
        ValueError
            If `X` or the weights are not those of `fit`, as far as a look at a
            thousand customers tells.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, order="C", reset=False)
        weights = None if sample_weight is None else check_weights(sample_weight, X)
        self._check_same_customers(X, weights)
        self._check_leaves(len(self.leaf_sizes_), n_clusters)
        other = clone(self).set_params(n_clusters=n_clusters)
        other._validate_params()
        for name in ("merges_", "leaves_", "leaf_sizes_", "n_micro_"):
            setattr(other, name, getattr(self, name))
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                setattr(other, name, getattr(self, name))
        if self.n_micro_ is None:
            placed = self.leaves_ >= 0
            points = np.empty((len(self.leaf_sizes_), X.shape[1]))
            points[self.leaves_[placed]] = X[placed]
        else:
            points = segment_sums(X, self.leaves_, self.n_micro_, weights).means
        other._set_cut(X, weights, points)
        return other

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

    def _scorer_step(self):
        return Nearest(self.prototypes_, self.prototype_segments_), np.arange(
            self.n_segments_
        )

    def _grouped(self, X, weights):
        """Return the leaf of each customer, and the leaves with their sizes."""
        n_micro = self.n_micro
        if n_micro == "auto":
            n_micro = None if len(X) <= _EXACT else max(_MICRO, 10 * self.n_clusters)
        if n_micro is None or n_micro >= len(X):
            self.n_micro_ = None
            groups, points, totals = distinct_customers(X, weights)
            _check_memory(len(points), self.linkage)
        else:
            rng = check_random_state(self.random_state)
            n_draws = _WARD_DRAWS if self.linkage == "ward" else 1
            groups, points, totals = micro_segments(
                X, weights, n_micro, rng, n_draws=n_draws
            )
            self.n_micro_ = len(points)
        return groups, points, totals

    @staticmethod
    def _check_leaves(n_leaves, n_segments):
        if n_leaves < n_segments:
            raise DegenerateFitError(
                f"{n_segments} segments must have a tree with at least as many leaves. "
                f"Got {n_leaves} instead. Ask for fewer segments or raise n_micro."
            )

    def _check_same_customers(self, X, weights):
        remedy = "Give cut the table and the weights that fit had, in the same order."
        if len(X) != len(self.leaves_):
            raise ValueError(
                f"X must have the customers of fit, {len(self.leaves_)} rows. Got "
                f"{len(X)} instead. {remedy}"
            )
        rows = np.linspace(0, len(X) - 1, min(len(X), _COMPARED_ROWS)).astype(np.intp)
        labels = self.prototype_segments_[nearest_point(X[rows], self.prototypes_)[0]]
        n_other = np.count_nonzero(labels != self.labels_[rows])
        if n_other:
            raise ValueError(
                "X must have the customers of fit. Got other labels for "
                f"{n_other} of {len(rows)} customers looked at instead. {remedy}"
            )
        placed = self.leaves_ >= 0
        of_placed = None if weights is None else weights[placed]
        sizes = np.bincount(self.leaves_[placed], of_placed)
        if not np.allclose(sizes, self.leaf_sizes_):
            raise ValueError(
                f"sample_weight must be that of fit, with a sum of "
                f"{self.leaf_sizes_.sum():g}. Got weights with a sum of "
                f"{sizes.sum():g} for the same customers instead. {remedy}"
            )

    def _set_cut(self, X, weights, points):
        """Cut the tree of these leaves and learn to predict its segments."""
        n_segments = self.n_clusters
        cut = cut_tree(self.merges_, n_segments)
        sums = segment_sums(points, cut, n_segments, self.leaf_sizes_)
        # By size already: then the order is final at the first look.
        rank = np.lexsort((*sums.means.T[::-1], -sums.weights))
        cut, centers = np.argsort(rank)[cut], sums.means[rank]
        prototypes, segments = segment_prototypes(
            points, cut, self.leaf_sizes_, n_prototypes=self.n_prototypes
        )

        def arranged(order):
            place = np.argsort(order)[segments]
            rows = np.argsort(place, kind="stable")
            return prototypes[rows], place[rows]

        def by_prototype(order):
            points, segments = arranged(order)
            return segments[_nearest(X, points)]

        order, labels, sizes = canonical_order(by_prototype, centers, weights)
        self.prototypes_, self.prototype_segments_ = arranged(order)
        means = segment_sums(X, labels, n_segments, weights).means
        centers = np.where(sizes[:, np.newaxis] > 0, means, centers[order])
        self._set_segments(labels, sizes, centers)
        of_leaves = np.argsort(order)[cut]
        self.tree_labels_ = np.where(self.leaves_ >= 0, of_leaves[self.leaves_], labels)
        self._compare(weights)

    def _compare(self, weights):
        """Tell, and warn of, what share of the cut's segments labels_ kept."""
        agrees = self.labels_ == self.tree_labels_
        self.tree_agreement_ = float(np.average(agrees, weights=weights))
        weights = np.ones(len(agrees)) if weights is None else weights
        kept = np.bincount(self.tree_labels_, agrees * weights)
        kept /= np.bincount(self.tree_labels_, weights)
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
            stacklevel=4,
        )
