"""Whether a gap separates the customers, or one mode is enough."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.isotonic import isotonic_regression
from sklearn.utils import check_array, check_random_state

from custseg._sklearn import single_threaded
from custseg._utils._result import Result
from custseg._utils._seeds import draw_seed
from custseg.cluster import has_distinct_rows
from custseg.selection._null import LEVEL, check_whole, table_to_test

_STARTS = 5
_SMALLEST = 1e-200  # gap, of the range, below which a slope would be infinite


@dataclass(frozen=True, eq=False, repr=False)
class UnimodalityTest(Result):
    """Dips of customers projected on the line between two segments.

    Made by `unimodality_test`. It holds no customer.

    Attributes
    ----------
    p_value : float
        Twice the median of `p_values`, at most 1; for one column the only one.
    statistic : float
        Median of `dips`.
    dips : ndarray of shape (n_splits,)
        Dip of each split.
    p_values : ndarray of shape (n_splits,)
        p-value of each dip against a uniform distribution.
    n_customers : int
        Customers that were tested.

    See Also
    --------
    unimodality_test : Makes it.
    StructureTest : Whether there is more than margins and correlations.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from custseg.selection import unimodality_test
    >>> X, _ = make_blobs(300, n_features=4, centers=3, random_state=0)
    >>> test = unimodality_test(X, n_draws=199, random_state=0)
    >>> test.p_value
    0.01
    >>> test.frame().columns.tolist()
    ['dip', 'p_value']
    """

    p_value: float
    statistic: float
    dips: np.ndarray
    p_values: np.ndarray
    n_customers: int

    @property
    def verdict(self):
        """One sentence with the figures; modes are found up to a p-value of .05."""
        figures = f"(dip {self.statistic:.3f}, p = {self.p_value:.2g})"
        if self.p_value <= LEVEL:
            return (
                f"More than one mode {figures}: a gap runs through the "
                f"{self.n_customers:,} customers."
            )
        return (
            f"One mode is enough {figures}: no gap shows between two segments of the "
            f"{self.n_customers:,} customers."
        )

    def frame(self):
        """Return one row a split.

        Returns
        -------
        frame : DataFrame
            ``dip`` and its ``p_value``.
        """
        return pd.DataFrame({"dip": self.dips, "p_value": self.p_values})


def unimodality_test(
    X,
    *,
    ordinal="auto",
    n_splits=11,
    n_draws=999,
    sample_size=10_000,
    random_state=None,
):
    """Test whether a gap separates the customers, conservatively.

    The null hypothesis is that customers have a single mode along every line. A third
    of them is cut in two by k-means, the others are projected on the line through the
    two centres, and the dip tells whether one mode is enough there.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        Numeric columns, on the scales that segments are made on.
    ordinal : "auto" or sequence of column names or positions, default="auto"
        Columns of answers in steps, which are spread out before. "auto" takes those
        with few different answers, or many customers with the same.
    n_splits : int, default=11
        Random splits into the third and the others.
    n_draws : int, default=999
        Uniform samples that a dip is compared with.
    sample_size : int, default=10000
        Customers to test, drawn at random where there are more; None for all.
    random_state : int, RandomState instance or None, default=None
        Seed of draws, splits and starts.

    Returns
    -------
    test : UnimodalityTest

    Raises
    ------
    ValueError
        If a parameter is out of range, or `ordinal` names no column.
    DataQualityError
        If values are missing, or a column has one value only.
    DegenerateFitError
        If there are fewer than twenty customers.

    See Also
    --------
    structure_test : Finds segments that overlap, too.
    dip_statistic : The dip of one column.

    Notes
    -----
    The line is chosen by customers that the dip does not see, so choosing it costs
    nothing. All others are projected on it, not those of two among many segments:
    within such a pair even a uniform cloud may look like an hourglass.

    A dip is compared with those of uniform samples of the same size, the unimodal
    distribution that dips most when samples are large. Of n splits, twice the median
    p-value is one (Meinshausen, Meier and Bühlmann, 2009), however they depend on each
    other. Both make the test conservative: in clouds without segments it rejects far
    less often than in one of twenty.

    An answer in steps stands for a range of what is felt. Each is spread out evenly
    half the way to the answers next to it, anew for each split; answers that have one
    mode keep it, and none is made by ties alone. With one column there is no line to
    choose, and all customers are in a single dip.

    It asks for modes on the scale given. Segments that are apart in logarithms need
    not be so in currency: transform first. A share of customers at exactly zero beside
    a mode elsewhere are two modes. Weights are not taken.

    References
    ----------
    Hartigan, J. A. and Hartigan, P. M. (1985). The dip test of unimodality. The Annals
    of Statistics 13(1), 70-84. https://doi.org/10.1214/aos/1176346577

    Meinshausen, N., Meier, L. and Bühlmann, P. (2009). p-values for high-dimensional
    regression. Journal of the American Statistical Association 104(488), 1671-1681.
    https://doi.org/10.1198/jasa.2009.tm08647

    Examples
    --------
    >>> import numpy as np
    >>> from custseg.selection import unimodality_test
    >>> cloud = np.random.default_rng(0).normal(size=(300, 3))
    >>> unimodality_test(cloud, n_draws=199, random_state=0)
    <UnimodalityTest: One mode is enough (dip 0.019, p = 1): no gap shows between two
    segments of the 300 customers.>
    """
    check_whole("n_splits", n_splits, 1)
    check_whole("n_draws", n_draws, 1)
    rng = check_random_state(random_state)
    X, steps = table_to_test(X, ordinal, sample_size, rng)
    if X.shape[1] == 1:
        n_splits = 1
    seeds = np.random.SeedSequence(draw_seed(rng)).spawn(n_splits)
    found = [_dip_of_split(X, steps, n_draws, np.random.default_rng(s)) for s in seeds]
    dips, p_values = np.array(found).T
    factor = 1 if n_splits == 1 else 2
    return UnimodalityTest(
        p_value=float(min(1, factor * np.median(p_values))),
        statistic=float(np.median(dips)),
        dips=dips,
        p_values=p_values,
        n_customers=len(X),
    )


def _dip_of_split(X, steps, n_draws, rng):
    """Choose a line by a third of the customers, and return the dip of the others."""
    X = spread_out(X, steps, rng)
    if X.shape[1] == 1:
        return dip_p_value(X[:, 0], n_draws)
    chooses = np.zeros(len(X), dtype=bool)
    chooses[rng.permutation(len(X))[: len(X) // 3]] = True
    if not has_distinct_rows(X[chooses], 2):
        return 0.0, 1.0
    solver = KMeans(2, n_init=_STARTS, random_state=int(rng.integers(2**31)))
    with single_threaded():
        one, other = solver.fit(X[chooses]).cluster_centers_
    # By elements: the sum over columns is the same on every machine's BLAS.
    return dip_p_value((X[~chooses] * (other - one)).sum(axis=1), n_draws)


def spread_out(X, steps, rng):
    """Spread answers in steps evenly, half the way to the answers next to them.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    steps : ndarray of bool, shape (n_features,)
    rng : Generator

    Returns
    -------
    X : ndarray of shape (n_customers, n_features)
    """
    X = X.copy()
    for column in np.flatnonzero(steps):
        values, code = np.unique(X[:, column], return_inverse=True)
        gaps = np.diff(values)
        below, above = np.append(gaps[0], gaps), np.append(gaps, gaps[-1])
        X[:, column] += rng.uniform(-below[code] / 2, above[code] / 2)
    return X


def dip_statistic(x):
    """Distance of a sample from the nearest distribution with a single mode.

    Parameters
    ----------
    x : array-like of shape (n_customers,)
        Numbers, in any order; equal ones are one step of the distribution function.

    Returns
    -------
    dip : float
        Largest vertical distance between the empirical distribution function and the
        unimodal one for which it is least: between ``1 / (2 * n_customers)`` and 1/4.
        0 if all numbers are equal.

    Raises
    ------
    ValueError
        If `x` is empty or not one-dimensional, or has a missing or infinite value.

    See Also
    --------
    unimodality_test : Tests many columns with it.

    Notes
    -----
    A unimodal distribution function is convex up to its mode and concave from there
    on. The algorithm narrows down the interval of the mode, with the greatest convex
    minorant to its left and the least concave majorant to its right, until these are
    no further apart than the sample has already been found to be from them. The
    result is exact.

    References
    ----------
    Hartigan, J. A. and Hartigan, P. M. (1985). The dip test of unimodality. The Annals
    of Statistics 13(1), 70-84. https://doi.org/10.1214/aos/1176346577

    Examples
    --------
    >>> from custseg.selection import dip_statistic
    >>> dip_statistic([1, 2, 3, 4, 5])
    0.1
    >>> dip_statistic([0, 0, 1, 1])
    0.25
    """
    x = check_array(x, dtype=np.float64, ensure_2d=False, input_name="x")
    if x.ndim != 1:
        raise ValueError(
            f"x must be one-dimensional. Got shape {x.shape} instead. Give one column."
        )
    return _dip(x)


def _dip(x):
    """Work out the dip of a checked sample."""
    values, counts = np.unique(x, return_counts=True)
    if len(values) == 1:
        return 0.0
    # Halves first: the difference of two large numbers of unlike sign overflows.
    values = values / 2 - values[0] / 2
    values /= values[-1]
    upper = np.cumsum(counts)  # customers at a value or below it
    lower = upper - counts  # customers below it
    dip = 1  # twice the dip, in customers: a step of one is half a customer away
    first, last = 0, len(values) - 1
    while first < last:
        part = slice(first, last + 1)
        minorant, under = _hull(values[part], lower[part], increasing=True)
        majorant, over = _hull(values[part], upper[part], increasing=False)
        gaps = majorant - minorant
        touched = np.union1d(under, over)
        widest = touched[gaps[touched].argmax()]
        if gaps[widest] <= dip:
            break
        # Where the two are furthest apart, one touches; the other touches nearby.
        new_first = under[np.searchsorted(under, widest, side="right") - 1]
        new_last = over[np.searchsorted(over, widest)]
        # At the ends of the new interval the nearest function may still step.
        left = (upper[part] - minorant)[:new_first]
        right = (majorant - lower[part])[new_last + 1 :]
        dip = max(dip, left.max(initial=1), right.max(initial=1))
        first, last = first + new_first, first + new_last
    return float(dip / (2 * len(x)))


def _hull(values, heights, *, increasing):
    """Largest convex function below points, or least concave one above them.

    Its slopes are the isotonic regression of the slopes between neighbours, weighted
    by the gaps between them.

    Returns
    -------
    hull : ndarray of shape (n_values,)
    touched : ndarray of int
        Positions of the points it goes through, where its slope changes, and its ends.
    """
    gaps = np.maximum(np.diff(values), _SMALLEST)
    slopes = isotonic_regression(
        np.diff(heights) / gaps, sample_weight=gaps, increasing=increasing
    )
    touched = np.concatenate(
        ([0], np.flatnonzero(np.diff(slopes)) + 1, [len(values) - 1])
    )
    return np.interp(values, values[touched], heights[touched]), touched


@lru_cache(maxsize=64)
def uniform_dips(n_customers, n_draws):
    """Dips of samples of a uniform distribution, in ascending order.

    Their seed is fixed, so that a dip always has the same p-value.
    """
    rng = np.random.default_rng([n_customers, n_draws])
    dips = np.sort([_dip(rng.random(n_customers)) for _ in range(n_draws)])
    dips.flags.writeable = False
    return dips


def dip_p_value(x, n_draws):
    """Dip of a sample, and how often one of a uniform distribution is as large."""
    dip = _dip(x)
    dips = uniform_dips(len(x), n_draws)
    n_larger = n_draws - np.searchsorted(dips, dip * (1 - 1e-9))
    return dip, (1 + n_larger) / (1 + n_draws)
