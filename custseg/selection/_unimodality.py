"""Whether a gap separates the customers, or one mode is enough."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.utils import check_random_state

from custseg._sklearn import single_threaded
from custseg._utils._result import Result
from custseg._utils._seeds import draw_seed
from custseg.cluster import has_distinct_rows
from custseg.selection._dip import dip_p_value
from custseg.selection._null import LEVEL, check_whole, table_to_test

_STARTS = 5


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
