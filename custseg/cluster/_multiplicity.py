"""Whether the answer of k-means is one or one of many."""

from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils import check_random_state

from custseg._utils._pipelines import last_step
from custseg._utils._result import Result
from custseg.cluster._kmeans import KMeansSegmenter
from custseg.cluster._partitions import (
    adjusted_rand,
    best_match,
    crossed,
    moved_share,
)
from custseg.cluster._starts import draw_rows

_ALIKE = 0.999  # adjusted Rand index above which two partitions are one solution
_HARDLY = 0.05  # share of customers moved up to which solutions hardly differ


@dataclass(frozen=True, eq=False, repr=False)
class SegmentMultiplicity(Result):
    """Different k-means solutions that are about as good as the best.

    Made by `segment_multiplicity`. Solutions come by inertia, the best first, and each
    numbers its segments as they match those of the best. It holds centres and sizes,
    and no customer.

    Attributes
    ----------
    inertias : ndarray of shape (n_solutions,)
        Sum of (weighted) squared distances to the nearest centre.
    start_counts : ndarray of shape (n_solutions,)
        Starts that ended in the solution.
    adjusted_rand : ndarray of shape (n_solutions,)
        Adjusted Rand index with the best solution; customers count once each.
    moved : ndarray of shape (n_solutions,)
        Share of customers (by weight) that are in another segment than in the best
        solution.
    sizes : ndarray of shape (n_solutions, n_segments)
        Customers in each segment, or the sum of their weights.
    centers : ndarray of shape (n_solutions, n_segments, n_features)
        Centres of the segments. ``KMeansSegmenter(k, init=multiplicity.centers[i])``
        fits solution i.
    n_starts : int
        Starts that were made.
    tolerance : float
        Relative excess over the best inertia up to which solutions are kept.
    n_customers : int
        Customers that starts were run on.

    See Also
    --------
    segment_multiplicity : Makes it.
    custseg.plotting.MultiplicityDisplay : The solutions as a picture.

    Examples
    --------
    >>> from custseg.cluster import KMeansSegmenter, segment_multiplicity
    >>> square = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> multiplicity = segment_multiplicity(
    ...     square, KMeansSegmenter(2), n_starts=20, random_state=0
    ... )
    >>> multiplicity.sizes
    array([[2., 2.],
           [2., 2.]])
    >>> multiplicity.frame()[["inertia", "adjusted_rand", "moved_share"]]
       inertia  adjusted_rand  moved_share
    0      1.0            1.0          0.0
    1      1.0           -0.5          0.5
    """

    inertias: np.ndarray
    start_counts: np.ndarray
    adjusted_rand: np.ndarray
    moved: np.ndarray
    sizes: np.ndarray
    centers: np.ndarray
    n_starts: int
    tolerance: float
    n_customers: int

    @property
    def n_solutions(self):
        """Number of different solutions within the tolerance."""
        return len(self.inertias)

    @property
    def verdict(self):
        """Whether the answer is one or one of many, with the figures, as a sentence."""
        within = f"within {100 * self.tolerance:g} % of the best inertia"
        found = f"{self.start_counts[0]} of {self.n_starts} starts found the best"
        if self.n_solutions == 1:
            return f"One answer: no other solution is {within}; {found}."
        furthest = self.moved.argmax()
        moved = f"{100 * self.moved[furthest]:.2g} % of customers"
        if self.moved[furthest] <= _HARDLY:
            return (
                f"One answer, nearly: {self.n_solutions} solutions {within} differ "
                f"from the best in {moved} at most; {found}."
            )
        excess = f"{self._excess_percent()[furthest]:.2g} % above the best"
        return (
            f"One of {self.n_solutions} answers: so many different solutions are "
            f"{within}, and one of them, {excess}, moves {moved} to another segment; "
            f"{found}."
        )

    def frame(self):
        """Return one row a solution, the best first.

        Returns
        -------
        frame : DataFrame
            ``inertia``, ``excess_percent`` over the best, ``start_share``,
            ``adjusted_rand`` with the best, ``moved_share`` of customers, ``sizes``.
        """
        return pd.DataFrame(
            {
                "inertia": self.inertias,
                "excess_percent": self._excess_percent(),
                "start_share": self.start_counts / self.n_starts,
                "adjusted_rand": self.adjusted_rand,
                "moved_share": self.moved,
                "sizes": [tuple(sizes.tolist()) for sizes in self.sizes],
            }
        )

    def _excess_percent(self):
        best = self.inertias[0]
        return 100 * (self.inertias / best - 1) if best > 0 else 0 * self.inertias


def segment_multiplicity(
    X,
    segmenter,
    *,
    n_starts=100,
    tolerance=1e-3,
    sample_weight=None,
    customer_value=None,
    random_state=None,
):
    """Tell how many different solutions of k-means are about as good as the best.

    `KMeansSegmenter` keeps the best of many runs. Where another solution has nearly
    the same inertia and puts many customers elsewhere, the data do not decide between
    them, and the segments should be chosen by what they are used for.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        What the segmenter is fitted on.
    segmenter : KMeansSegmenter, or Pipeline that ends in one
        Fitted or not; it is not changed. The steps before it are fitted on `X`.
    n_starts : int, default=100
        Runs from different random starts, also where `init` is an array.
    tolerance : float, default=0.001
        Relative excess over the best inertia up to which a solution is kept.
    sample_weight : array-like of shape (n_customers,), default=None
        Weight of each customer, zero or more.
    customer_value : array-like of shape (n_customers,), default=None
        Value of each customer, where the segmenter has a `min_segment_value`.
    random_state : int, RandomState instance or None, default=None
        Seed of the starts; None uses that of the segmenter.

    Returns
    -------
    multiplicity : SegmentMultiplicity

    Raises
    ------
    TypeError
        If `segmenter` is or ends in something else than a `KMeansSegmenter`.
    ValueError
        If `n_starts` or `tolerance` is out of range.
    DegenerateFitError
        If there are fewer distinct customers of positive weight than segments, or no
        run keeps the segmenter's least sizes and values.

    Notes
    -----
    Runs are those that `fit` makes, each to the end (``tol=0``). Beyond `start_size`
    customers they are made on a random draw of so many, and all figures are of that
    draw. Solutions with an adjusted Rand index above .999 are one. Segments are matched
    to those of the best so that most customers stay (Kuhn, 1955).

    A solution that no start found is not counted: the number of solutions is one that
    there are at least.

    References
    ----------
    Steinley, D. (2003). Local optima in k-means clustering: what you don't know may
    hurt you. Psychological Methods 8(3), 294-304.
    https://doi.org/10.1037/1082-989X.8.3.294

    Kuhn, H. W. (1955). The Hungarian method for the assignment problem. Naval Research
    Logistics Quarterly 2, 83-97. https://doi.org/10.1002/nav.3800020109

    Examples
    --------
    >>> from custseg.cluster import KMeansSegmenter, segment_multiplicity
    >>> visits = [[1], [2], [3], [11], [12], [13]]
    >>> segment_multiplicity(visits, KMeansSegmenter(2), n_starts=20, random_state=0)
    <SegmentMultiplicity: One answer: no other solution is within 0.1 % of the best
    inertia; 20 of 20 starts found the best.>
    """
    X, model = _prepared(X, segmenter)
    _check_number("n_starts", n_starts, Integral, 1)
    _check_number("tolerance", tolerance, Real, 0)
    rng = check_random_state(
        model.random_state if random_state is None else random_state
    )
    k = model.n_clusters
    X, weights = model._check_customers(X, k, sample_weight)
    limits = model._limits(X, weights, customer_value)
    rows = draw_rows(X, weights, model.start_size, k, rng)
    runs, misses = model._runs(X, weights, limits, rows, n_starts, rng)
    if not runs:
        raise model._limits_error(max(misses))
    weights = np.ones(len(X)) if weights is None else weights
    solutions, counts = _distinct(runs, weights[rows], k, tolerance)
    return SegmentMultiplicity(
        inertias=np.array([run.inertia for run in solutions]),
        start_counts=counts,
        n_starts=n_starts,
        tolerance=tolerance,
        n_customers=len(X[rows]),
        **_compared(solutions, weights[rows], k),
    )


def _prepared(X, segmenter):
    """Return what the k-means segmenter gets, and a copy of it for single runs."""
    model = last_step(segmenter)
    if not isinstance(model, KMeansSegmenter):
        raise TypeError(
            "segmenter must be a KMeansSegmenter or a Pipeline that ends in one. Got "
            f"{type(model).__name__} instead. Other segmenters have no starts to "
            "compare."
        )
    while hasattr(segmenter, "steps"):
        if len(segmenter.steps) > 1:
            X = clone(segmenter[:-1]).fit_transform(X)
        segmenter = segmenter[-1]
    init = model.init if isinstance(model.init, str) else "k-means++"
    return X, clone(model).set_params(init=init, tol=0)


def _check_number(name, value, kind, least):
    if not isinstance(value, kind) or isinstance(value, bool) or not value >= least:
        word = "an integer" if kind is Integral else "a number"
        raise ValueError(
            f"{name} must be {word} of {least} or more. Got {value!r} instead. The "
            "default is a good start."
        )


def _distinct(runs, weights, n_segments, tolerance):
    """Return different solutions within the tolerance, and how many runs found each."""
    runs = sorted(runs, key=lambda run: run.inertia)
    most = runs[0].inertia * (1 + tolerance)
    present = weights > 0
    solutions, counts = [], []
    for run in runs:
        if run.inertia > most:
            break
        for i, solution in enumerate(solutions):
            table = crossed(solution.labels[present], run.labels[present], n_segments)
            if adjusted_rand(table) > _ALIKE:
                counts[i] += 1
                break
        else:
            solutions.append(run)
            counts.append(1)
    return solutions, np.array(counts)


def _compared(solutions, weights, n_segments):
    """Match the segments of each solution to those of the best, and compare."""
    best = solutions[0]
    sizes = np.bincount(best.labels, weights, n_segments)
    order = np.lexsort((*best.centers.T[::-1], -sizes))
    rank = np.argsort(order)
    present = weights > 0
    compared = {"adjusted_rand": [], "moved": [], "sizes": [], "centers": []}
    for solution in solutions:
        table = crossed(rank[best.labels], solution.labels, n_segments, weights)
        counts = crossed(best.labels[present], solution.labels[present], n_segments)
        match = best_match(table)
        compared["adjusted_rand"].append(adjusted_rand(counts))
        compared["moved"].append(moved_share(table, match))
        compared["sizes"].append(table[:, match].sum(axis=0))
        compared["centers"].append(solution.centers[match])
    return {name: np.array(values) for name, values in compared.items()}
