"""K-means segments."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans

from custseg._sklearn import (
    Interval,
    StrOptions,
    check_is_fitted,
    check_weights,
    fit_context,
    single_threaded,
    validate_data,
)
from custseg.cluster._segmenter import SegmenterMixin, canonical_order
from custseg.engine import nearest_point


class KMeansSegmenter(SegmenterMixin, BaseEstimator):
    """Segments of customers around k means.

    Minimises the sum of squared distances of customers to the centre of their
    segment (Lloyd's algorithm, k-means++ starts, the best of `n_init` runs). A
    distance is only as good as the scale of the columns: put a transformer of
    `custseg.features` or a scaler before it.

    Parameters
    ----------
    n_clusters : int, default=4
        Number of segments.
    init : {"k-means++", "random"} or array-like of shape (n_clusters, n_features), \
default="k-means++"
        Where runs start. An array, such as the ``segment_centers_`` of last month's
        model, is run once.
    n_init : int, default=10
        Number of runs from different starts; the best is kept.
    max_iter : int, default=300
        Iterations of one run at most.
    tol : float, default=1e-4
        A run ends when the centres move less than this, relative to the mean variance
        of the columns.
    random_state : int, RandomState instance or None, default=None
        Seed of the starts. With an int a fit repeats bit for bit.
    verbose : int, default=0
        Above 0 the solver prints its progress.

    Attributes
    ----------
    labels_ : ndarray of shape (n_customers,)
        Segment of each training customer, the same as ``predict(X)``.
    n_segments_ : int
        Number of segments.
    segment_sizes_ : ndarray of shape (n_segments,)
        Customers in each segment, or the sum of their weights; largest first.
    segment_centers_ : ndarray of shape (n_segments, n_features)
        Centre of each segment.
    inertia_ : float
        Sum of (weighted) squared distances of customers to their segment's centre.
    n_iter_ : int
        Iterations of the best run.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    See Also
    --------
    GaussianMixtureSegmenter : Segments of unequal spread and direction.
    HierarchicalSegmenter : Segments cut from a tree.
    custseg.selection.SegmentSearch : Chooses the number of segments.

    Notes
    -----
    `fit` holds the solver to one thread, so the same seed gives the same bits on any
    machine load; `predict` starts no thread.

    References
    ----------
    Lloyd, S. P. (1982). Least squares quantization in PCM. IEEE Transactions on
    Information Theory 28(2), 129-137. https://doi.org/10.1109/TIT.1982.1056489

    Arthur, D. and Vassilvitskii, S. (2007). k-means++: the advantages of careful
    seeding. Proceedings of the 18th ACM-SIAM Symposium on Discrete Algorithms,
    1027-1035.

    Examples
    --------
    >>> import numpy as np
    >>> from custseg.cluster import KMeansSegmenter
    >>> visits_and_spend = np.array([[1, 10], [2, 12], [9, 95], [8, 99], [9, 91]])
    >>> segmenter = KMeansSegmenter(n_clusters=2, random_state=0).fit(visits_and_spend)
    >>> segmenter.labels_
    array([1, 1, 0, 0, 0])
    >>> segmenter.segment_centers_.round(2)
    array([[ 8.67, 95.  ],
           [ 1.5 , 11.  ]])
    >>> segmenter.predict([[3, 20]])
    array([1])
    """

    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"k-means++", "random"}), "array-like"],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_clusters=4,
        *,
        init="k-means++",
        n_init=10,
        max_iter=300,
        tol=1e-4,
        random_state=None,
        verbose=0,
    ):
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn the segments.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Numeric columns on comparable scales, without missing values.
        y : None
            Ignored; here for scikit-learn's sake.
        sample_weight : array-like of shape (n_customers,), default=None
            Weight of each customer, zero or more.

        Returns
        -------
        self : KMeansSegmenter

        Raises
        ------
        DegenerateFitError
            If there are fewer distinct customers of positive weight than segments.
        DataQualityError
            If a weight is negative or all are zero.
        """
        X, sample_weight = self._check_customers(X, self.n_clusters, sample_weight)
        solver = KMeans(
            self.n_clusters,
            init=self.init,
            n_init=self.n_init if isinstance(self.init, str) else 1,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=self.random_state,
            verbose=self.verbose,
        )
        with single_threaded():
            solver.fit(X, sample_weight=sample_weight)
        centers = solver.cluster_centers_
        order, labels, sizes = canonical_order(
            lambda order: nearest_point(X, centers[order])[0], centers, sample_weight
        )
        self._set_segments(labels, sizes, centers[order])
        squared = nearest_point(X, self.segment_centers_)[1]
        if sample_weight is not None:
            squared *= sample_weight
        self.inertia_ = float(squared.sum())
        self.n_iter_ = solver.n_iter_
        return self

    def predict(self, X):
        """Give each customer the segment with the nearest centre.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        labels : ndarray of shape (n_customers,)
        """
        return self._nearest_center(X)[0]

    def score(self, X, y=None, sample_weight=None):
        """Return minus the (weighted) sum of squared distances to the nearest centres.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.
        y : None
            Ignored; here for scikit-learn's sake.
        sample_weight : array-like of shape (n_customers,), default=None
            Weight of each customer, zero or more.

        Returns
        -------
        score : float
            The larger, the better the centres stand for these customers.
        """
        squared = self._nearest_center(X)[1]
        if sample_weight is not None:
            squared *= check_weights(sample_weight, squared)
        return -float(squared.sum())

    def _nearest_center(self, X):
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return nearest_point(X, self.segment_centers_)
