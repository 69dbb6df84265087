"""K-means segments."""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_array, check_random_state

from custseg._sklearn import (
    Interval,
    StrOptions,
    check_is_fitted,
    check_weights,
    fit_context,
    validate_data,
)
from custseg._utils._seeds import draw_seed
from custseg.cluster._batches import BatchedCustomers, lloyd_over
from custseg.cluster._limits import Limits, hold_limits
from custseg.cluster._segmenter import SegmenterMixin, canonical_order
from custseg.cluster._starts import (
    best_distinct,
    draw_rows,
    lloyd,
    move_singles,
    n_found_best,
    run_starts,
)
from custseg.engine import (
    NEAREST_SUMS,
    ArraySource,
    Source,
    nearest_point,
    segment_sums,
)
from custseg.exceptions import DataQualityError, DegenerateFitError
from custseg.scoring import Nearest

_TAKEN_ON = 3  # solutions of a draw that are compared on all customers
_ONE_SOLUTION = 0.95  # adjusted Rand index above which two are not both compared
_SINGLES = 5_000  # customers up to which they are also moved one by one
_AT_MEAN = 1e-2  # of the columns' mean standard deviation


class KMeansSegmenter(SegmenterMixin, BaseEstimator):
    """Segments of customers around k means.

    Minimises the sum of squared distances of customers to the centre of their
    segment (Lloyd's algorithm from k-means++ starts, then single customers are moved;
    the best of many runs is kept). A distance
    is only as good as the scale of the columns: put a transformer of
    `custseg.features` or a scaler before it.

    Parameters
    ----------
    n_clusters : int, default=4
        Number of segments.
    init : {"k-means++", "random"} or array-like of shape (n_clusters, n_features), \
default="k-means++"
        Where runs start. An array, such as the ``segment_centers_`` of last month's
        model, is run once.
    n_init : int or "auto", default="auto"
        Number of runs from different starts; the best is kept. With "auto" runs are
        made until it can be expected that every good solution was seen, 8 at least
        and 60 at most: see Notes.
    max_iter : int, default=300
        Iterations of one run at most.
    tol : float, default=1e-4
        A run ends when the centres move less than this, relative to the mean variance
        of the columns.
    start_size : int or None, default=20000
        Beyond so many customers runs are made on a random draw of so many. Of the best
        three different solutions the one that is best on all customers after one step
        is then run on all. None runs every start on all customers.
    min_segment_size : int or float, default=None
        Least number of customers of a segment, or sum of their weights; between 0 and
        1 their least share.
    min_segment_value : float, default=None
        Least share that a segment has of the `customer_value` given to `fit`.
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
        Centre of each segment: the mean of its customers, unless a least size or
        value holds it back.
    held_back_ : ndarray of shape (n_segments,), bool
        Whether a least size or value keeps the centre from the mean of its customers.
        All False without such limits.
    inertia_ : float
        Sum of (weighted) squared distances of customers to their segment's centre.
    n_iter_ : int
        Iterations of the best run, on all customers.
    n_starts_ : int
        Runs that were made.
    n_best_starts_ : int
        Runs that ended in the best solution, by inertias equal to a millionth; counted
        on the draw, where there is one. When it is 1, another fit may well find
        better: see `segment_multiplicity`.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    See Also
    --------
    GaussianMixtureSegmenter : Segments of unequal spread and direction.
    HierarchicalSegmenter : Segments cut from a tree.
    segment_multiplicity : Tells when the answer is one of many.
    custseg.selection.SegmentSearch : Chooses the number of segments.

    Notes
    -----
    `fit` holds the solver to one thread, so the same seed gives the same bits on any
    machine load; `predict` starts no thread. Batches are gone over once for the draw,
    once per step and once for the labels, of which there is one in memory per customer.

    **Starts.** Solutions with an inertia within 1 % of the best are rivals. When n of
    the runs ended in w different rivals, the expected number of all rivals is
    w (n - 1) / (n - w - 2) (Boender and Rinnooy Kan, 1987). "auto" stops when less
    than half a rival is expected to be unseen: after 8 such runs when all ended in
    one, 17 with two, 30 with three. Sixty runs, the most it makes, miss a solution in
    which one start of twenty ends with a probability of 5 %.

    **Single customers.** Lloyd's steps stop at many solutions that a better place for
    a single customer would improve. With up to 5,000 customers a run from a random
    start therefore ends in moves of single customers until none lowers the inertia
    (Hartigan, 1975). Runs from an array do not, so that weights count as repeated
    customers do.

    **Least sizes and values.** Segments remain what is nearest to their centres, so
    that one customer can be predicted alone. A run that breaks a limit is mended:
    centres are moved into segments with customers to spare until all limits hold, and
    from there towards the means of their customers, each as far as the limits hold.
    (The constrained k-means of Bradley, Bennett and Demiriz, 2000, keeps sizes by
    giving customers to centres that are not their nearest, which says nothing about
    a new customer.) Of all runs the one with the least inertia is kept. A segment that
    is smaller than it may be is often a few outliers: then they remain far from any
    centre, and `held_back_` tells which centre does not stand for its mean.

    References
    ----------
    Lloyd, S. P. (1982). Least squares quantization in PCM. IEEE Transactions on
    Information Theory 28(2), 129-137. https://doi.org/10.1109/TIT.1982.1056489

    Arthur, D. and Vassilvitskii, S. (2007). k-means++: the advantages of careful
    seeding. Proceedings of the 18th ACM-SIAM Symposium on Discrete Algorithms,
    1027-1035.

    Hartigan, J. A. (1975). Clustering Algorithms. Wiley, New York.

    Boender, C. G. E. and Rinnooy Kan, A. H. G. (1987). Bayesian stopping rules for
    multistart global optimization methods. Mathematical Programming 37, 59-80.
    https://doi.org/10.1007/BF02591684

    Bradley, P. S., Bennett, K. P. and Demiriz, A. (2000). Constrained k-means
    clustering. Microsoft Research, MSR-TR-2000-65.

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
        "n_init": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "start_size": [Interval(Integral, 1, None, closed="left"), None],
        "min_segment_size": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
            None,
        ],
        "min_segment_value": [Interval(Real, 0, 1, closed="neither"), None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_clusters=4,
        *,
        init="k-means++",
        n_init="auto",
        max_iter=300,
        tol=1e-4,
        start_size=20_000,
        min_segment_size=None,
        min_segment_value=None,
        random_state=None,
        verbose=0,
    ):
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.start_size = start_size
        self.min_segment_size = min_segment_size
        self.min_segment_value = min_segment_value
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None, customer_value=None):
        """Learn the segments.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features) or engine.BatchSource
            Numeric columns on comparable scales, without missing values; or batches
            of them, or of them and weights, for more than memory holds. Starts are
            then run on a draw of `start_size`, and its best solution on all.
        y : None
            Ignored; here for scikit-learn's sake.
        sample_weight : array-like of shape (n_customers,), default=None
            Weight of each customer, zero or more. With batches they come in these.
        customer_value : array-like of shape (n_customers,), default=None
            Value of each customer, zero or more, such as revenue; for
            `min_segment_value` alone.

        Returns
        -------
        self : KMeansSegmenter

        Raises
        ------
        DegenerateFitError
            If there are fewer distinct customers of positive weight than segments, or
            no segments are found that keep `min_segment_size` and
            `min_segment_value`.
        DataQualityError
            If a weight or value is negative, or all are zero.
        ValueError
            If `min_segment_value` is set and no `customer_value` is given, or batches
            are given with `sample_weight`, a least size or a least value.
        """
        if isinstance(X, Source):
            return self._fit_batches(X, sample_weight)
        X, sample_weight = self._check_customers(X, self.n_clusters, sample_weight)
        limits = self._limits(X, sample_weight, customer_value)
        rng = check_random_state(self.random_state)
        best = self._best_run(X, sample_weight, limits, rng)
        self._set_run(ArraySource(X, sample_weight), sample_weight, best)
        if limits is not None:
            means = segment_sums(X, self.labels_, self.n_clusters, sample_weight).means
            away = np.square(means - self.segment_centers_).sum(axis=1)
            self.held_back_ = away > _AT_MEAN**2 * X.var(axis=0).mean()
        return self

    def _fit_batches(self, batches, sample_weight):
        """Run starts on a draw of the customers, and Lloyd's steps on all."""
        limits = (self.min_segment_size, self.min_segment_value)
        if sample_weight is not None or limits != (None, None):
            raise ValueError(
                "X must be in memory with sample_weight, min_segment_size and "
                "min_segment_value. Got batches instead. Give weights in the batches, "
                "as tuples of customers and weights, and leave out the limits."
            )
        source = BatchedCustomers(batches)
        rng = check_random_state(self.random_state)
        X, weights, is_all = source.draw(self.start_size, rng)
        X, weights = self._check_customers(X, self.n_clusters, weights)
        if is_all:
            rng = check_random_state(self.random_state)
            source, run = ArraySource(X, weights), self._best_run(X, weights, None, rng)
        else:
            runs, _ = self._runs(X, weights, None, slice(None), self._n_init(), rng)
            settings = {"max_iter": self.max_iter, "tol": self.tol}
            weights = source.weights
            run = lloyd_over(source, self._taken_on(source, runs)[0], **settings)
        self._set_run(source, weights, run)
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

    def _scorer_step(self):
        return Nearest(self.segment_centers_, np.arange(self.n_segments_)), np.arange(
            self.n_segments_
        )

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

    def _best_run(self, X, weights, limits, rng):
        """Run starts on a draw of the customers, and the best of them on all."""
        rows = slice(None)
        n_init = self._n_init()
        if isinstance(self.init, str) and self.n_clusters > 1:
            rows = draw_rows(X, weights, self.start_size, self.n_clusters, rng)
        runs, misses = self._runs(X, weights, limits, rows, n_init, rng)
        if isinstance(rows, slice):
            if runs:
                return min(runs, key=lambda run: run.inertia)
            raise self._limits_error(max(misses))
        for centers in self._taken_on(ArraySource(X, weights), runs):
            run = self._run(X, weights, limits, draw_seed(rng), centers, misses)
            if run is not None:
                return run
        raise self._limits_error(max(misses))

    def _n_init(self):
        fixed = not isinstance(self.init, str) or self.n_clusters == 1
        return 1 if fixed else self.n_init

    def _taken_on(self, source, runs):
        """Return the best solutions of a draw, after one step on all customers."""
        k = self.n_clusters
        kept = best_distinct(runs, k, most=_TAKEN_ON, same=_ONE_SOLUTION)
        if len(kept) == 1:
            return [runs[kept[0]].centers]
        stepped = []
        for i in kept:
            sums, _ = source.total(NEAREST_SUMS, points=runs[i].centers)
            some = sums.weights[:, np.newaxis] > 0
            centers = np.where(some, sums.means, runs[i].centers)
            stepped.append((sums.within().sum(), centers))
        return [centers for _, centers in sorted(stepped, key=lambda one: one[0])]

    def _runs(self, X, weights, limits, rows, n_init, rng):
        """Run starts on some rows; also return by how much limits were missed."""
        misses = []
        drawn = X[rows]
        of_drawn = None if weights is None else weights[rows]
        limits = limits if limits is None else limits.of_rows(rows)

        def run(seed):
            return self._run(drawn, of_drawn, limits, seed, self.init, misses)

        runs, self.n_starts_ = run_starts(run, n_init, rng)
        if runs:
            self.n_best_starts_ = n_found_best([run.inertia for run in runs])
        return runs, misses

    def _run(self, X, weights, limits, seed, init, misses):
        """Make one run inside the limits; None, and a miss, where there is none."""
        settings = {"max_iter": self.max_iter, "tol": self.tol, "verbose": self.verbose}
        run = lloyd(X, weights, self.n_clusters, seed, init=init, **settings)
        if isinstance(init, str) and len(X) <= _SINGLES:
            run = move_singles(X, weights, run)
        if limits is None:
            return run
        rng = check_random_state(seed)
        run, miss = hold_limits(X, weights, limits, run, rng, self.max_iter)
        if run is None:
            misses.append(miss)
        return run

    def _set_run(self, source, weights, run):
        """Set segments by size, and label all customers as `predict` does."""

        def assign(order):
            nonlocal squared
            labels, squared = source.joined(_labelled, points=centers[order])
            return labels

        squared, centers = None, run.centers
        if run.labels is not None:
            # By the run's own sizes first, so that one pass will mostly do.
            sizes = np.bincount(run.labels, weights, self.n_clusters)
            centers = centers[np.argsort(-sizes, kind="stable")]
        order, labels, sizes = canonical_order(assign, centers, weights)
        self._set_segments(labels, sizes, centers[order])
        self.inertia_ = float(squared.sum() if weights is None else squared @ weights)
        self.n_iter_ = run.n_iter
        self.held_back_ = np.zeros(len(sizes), dtype=bool)

    def _limits(self, X, weights, customer_value):
        """Return what each segment must have at least, or None."""
        weights = np.ones(len(X)) if weights is None else weights
        amounts, least = [], []
        if self.min_segment_size is not None:
            is_share = self.min_segment_size < 1
            amounts.append(weights)
            least.append(self.min_segment_size * (weights.sum() if is_share else 1))
        if self.min_segment_value is not None:
            value = weights * _checked_value(customer_value, X)
            amounts.append(value)
            least.append(self.min_segment_value * value.sum())
        if not amounts:
            return None
        limits = Limits(np.array(amounts), np.array(least))
        share = limits.amounts.sum(axis=1) / (self.n_clusters * limits.least)
        if share.min() < 1:
            raise self._limits_error(share.min())
        return limits

    def _limits_error(self, nearest_miss):
        wanted = [
            f"{name}={getattr(self, name)}"
            for name in ("min_segment_size", "min_segment_value")
            if getattr(self, name) is not None
        ]
        return DegenerateFitError(
            f"Each of {self.n_clusters} segments must keep {' and '.join(wanted)}. Got "
            f"at best a segment with {nearest_miss:.0%} of that instead. Ask for fewer "
            "segments, lower the limit, or look for outliers."
        )


def _labelled(X, weights, *, points):
    return nearest_point(X, points)


def _checked_value(customer_value, X):
    """Values of customers as float64; refuse negative ones and only zeros."""
    if customer_value is None:
        raise ValueError(
            "customer_value must be given with min_segment_value. Got None instead. "
            "Call fit(X, customer_value=revenue)."
        )
    value = check_array(
        customer_value, dtype=np.float64, ensure_2d=False, input_name="customer_value"
    )
    if value.shape != (len(X),):
        raise ValueError(
            f"customer_value must have one value a customer, shape ({len(X)},). Got "
            f"shape {value.shape} instead. Give the values of the rows of X."
        )
    n_negative = np.count_nonzero(value < 0)
    if n_negative or not value.any():
        found = f"{n_negative} negative values" if n_negative else "only zeros"
        raise DataQualityError(
            f"customer_value must not be negative and have a positive sum. Got {found} "
            "instead. Give a value of zero or more, such as revenue before returns."
        )
    return value
