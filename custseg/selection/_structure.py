"""Whether customers are separated better than dependence alone would have it."""

from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral

import joblib
import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.utils import check_random_state

from custseg._sklearn import single_threaded
from custseg._utils._result import Result
from custseg._utils._seeds import draw_seed
from custseg.exceptions import DegenerateFitError
from custseg.selection._labelings import encoded
from custseg.selection._null import LEVEL, check_whole, null_model_of, table_to_test
from custseg.selection._silhouette import silhouettes_of

_NO_SPREAD = 1e-9  # standard deviation of silhouettes that are all the same


@dataclass(frozen=True, eq=False, repr=False)
class StructureTest(Result):
    """Silhouettes of customers beside those of customers without segments.

    Made by `structure_test`. It holds no customer.

    Attributes
    ----------
    p_value : float
        Share of the tables, the draws and the one tested, in which segments stand out
        at least as far.
    statistic : float
        Largest `z` over the numbers of segments.
    n_segments : int
        Number of segments at which `z` is largest.
    numbers : tuple of int
        Numbers of segments that were tried.
    silhouettes : ndarray of shape (n_numbers,)
        Mean silhouette of k-means with each number of segments.
    null_means, null_sds : ndarray of shape (n_numbers,)
        Mean and standard deviation of the silhouettes of the draws.
    n_draws : int
        Tables without segments that were drawn.
    n_customers : int
        Customers that were tested.

    See Also
    --------
    structure_test : Makes it.
    UnimodalityTest : Whether segments are separated by a gap.

    Examples
    --------
    >>> from sklearn.datasets import make_blobs
    >>> from custseg.selection import structure_test
    >>> X, _ = make_blobs(150, n_features=4, centers=3, random_state=0)
    >>> test = structure_test(X, n_segments=(2, 3), n_draws=19, random_state=0)
    >>> test.p_value, test.n_segments
    (0.05, 3)
    >>> test.frame().columns.tolist()
    ['n_segments', 'silhouette', 'null_mean', 'null_sd', 'z']
    """

    p_value: float
    statistic: float
    n_segments: int
    numbers: tuple
    silhouettes: np.ndarray
    null_means: np.ndarray
    null_sds: np.ndarray
    n_draws: int
    n_customers: int

    @property
    def verdict(self):
        """One sentence with the figures; structure is found up to a p-value of .05."""
        draws = (
            f"{self.n_draws} draws with the same margins and correlations and no "
            "segments"
        )
        if self.p_value <= LEVEL:
            return (
                f"Structure (p = {self.p_value:.2g}): {self.n_customers:,} customers "
                f"are better separated than those of {draws}, most so in "
                f"{self.n_segments} segments (z = {self.statistic:.1f})."
            )
        return (
            f"No structure found (p = {self.p_value:.2g}): {self.n_customers:,} "
            f"customers are no better separated than those of {draws}."
        )

    def frame(self):
        """Return one row a number of segments.

        Returns
        -------
        frame : DataFrame
            ``n_segments``, ``silhouette``, ``null_mean`` and ``null_sd`` of the draws,
            and ``z``, the silhouette in standard deviations above that mean.
        """
        return pd.DataFrame(
            {
                "n_segments": self.numbers,
                "silhouette": self.silhouettes,
                "null_mean": self.null_means,
                "null_sd": self.null_sds,
                "z": _standardized(self.silhouettes, self.null_means, self.null_sds),
            }
        )


def structure_test(
    X,
    *,
    n_segments=range(2, 9),
    n_draws=99,
    ordinal="auto",
    sample_size=2_000,
    n_init=3,
    n_jobs=None,
    random_state=None,
):
    """Test whether there are segments at all, beyond margins and correlations.

    The null hypothesis is a table with the margins and the dependence that were
    observed, and no segments. Such tables are drawn, all are cut into segments by
    k-means, and silhouettes tell whether the observed one stands out.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        Two numeric columns or more, on the scales that segments are made on.
    n_segments : sequence of int, default=range(2, 9)
        Numbers of segments to try.
    n_draws : int, default=99
        Tables to draw. The p-value is at least ``1 / (n_draws + 1)``.
    ordinal : "auto" or sequence of column names or positions, default="auto"
        Columns of answers in steps, for which correlations are polychoric. "auto"
        takes those in which ties cost normal scores more than one per cent of their
        variance: few different answers, or many customers with the same.
    sample_size : int, default=2000
        Customers to test, drawn at random where there are more; None for all.
    n_init : int, default=3
        Starts of k-means for each table and number of segments.
    n_jobs : int, default=None
        Processes for the draws, as joblib counts them; the result is the same.
    random_state : int, RandomState instance or None, default=None
        Seed of everything.

    Returns
    -------
    test : StructureTest

    Raises
    ------
    ValueError
        If a parameter is out of range, or `ordinal` names no column.
    DataQualityError
        If values are missing, or a column has one value only.
    DegenerateFitError
        If there is one column, fewer than twenty customers, no more customers than
        columns, or fewer different customers than segments to try.

    See Also
    --------
    unimodality_test : Asks for more: a gap between segments.

    Notes
    -----
    **The null.** A Gaussian copula: the ranks of correlated normal variables, filled
    in each column with the values observed, so that every draw has all margins of the
    table, ties and outliers included. Correlations are those of normal scores, raised
    by what ranks lose of them, and with a column in steps polychoric by two-step
    maximum likelihood (Olsson, 1979; the other column is cut into classes if need be).
    Where the correlations of pairs do not fit together, the nearest that do are taken.
    Normal variables have these correlations exactly, not on average, as a table has
    those estimated from it.

    **The statistic** is that of Hennig and Lin (2015): the mean silhouette of each
    number of segments, standardised by its values in the draws, and the largest of
    these over the numbers. Each of the ``n_draws + 1`` tables is standardised by all
    others, so that none is set apart, and the p-value is the share of tables with a
    statistic at least as large. It is exact where the null and its correlations are
    known, and close to it with estimated ones.

    **What it does not say.** A rejection says that dependence is of another form than
    that of one cloud: segments, but also curved dependence, outliers in several
    columns at once, columns that exclude each other, and respondents who tick the same
    answer throughout. Where segments lie in line along all columns, part of what tells
    them apart is in the margins, which the draws have as well: see `unimodality_test`.

    Weights are not taken: the p-value counts independent customers.

    References
    ----------
    Hennig, C. and Lin, C.-J. (2015). Flexible parametric bootstrap for testing
    homogeneity against clustering and assessing the number of clusters. Statistics and
    Computing 25, 821-833. https://doi.org/10.1007/s11222-015-9566-5

    Olsson, U. (1979). Maximum likelihood estimation of the polychoric correlation
    coefficient. Psychometrika 44, 443-460. https://doi.org/10.1007/BF02296207

    Examples
    --------
    >>> import numpy as np
    >>> from custseg.selection import structure_test
    >>> rng = np.random.default_rng(0)
    >>> wealth = rng.normal(size=(300, 1))
    >>> spend = np.exp(wealth + rng.normal(size=(300, 3)))
    >>> structure_test(spend, n_segments=(2, 3), n_draws=19, random_state=0)
    <StructureTest: No structure found (p = 0.8): 300 customers are no better separated
    than those of 19 draws with the same margins and correlations and no segments.>
    """
    numbers = _checked_numbers(n_segments)
    check_whole("n_draws", n_draws, 1)
    check_whole("n_init", n_init, 1)
    rng = check_random_state(random_state)
    X, steps = table_to_test(X, ordinal, sample_size, rng)
    _check_size(X, numbers)
    null = null_model_of(X, steps)
    seeds = np.random.SeedSequence(draw_seed(rng)).spawn(n_draws + 1)
    observed = _silhouettes(X, numbers, n_init, np.random.default_rng(seeds[0]))
    drawn = joblib.Parallel(n_jobs=n_jobs)(
        joblib.delayed(_silhouettes_of_draw)(null, numbers, n_init, seed)
        for seed in seeds[1:]
    )
    statistics, at = largest_deviations(np.vstack([observed, drawn]))
    return StructureTest(
        p_value=float(np.mean(statistics >= statistics[0])),
        statistic=float(statistics[0]),
        n_segments=numbers[at[0]],
        numbers=numbers,
        silhouettes=observed,
        null_means=np.mean(drawn, axis=0),
        null_sds=_spread(np.array(drawn)),
        n_draws=n_draws,
        n_customers=len(X),
    )


def _checked_numbers(n_segments):
    """Return numbers of segments as a tuple in ascending order."""
    numbers = list(n_segments) if isinstance(n_segments, Iterable) else [n_segments]
    wrong = [k for k in numbers if not isinstance(k, Integral) or k < 2]
    if wrong or not numbers:
        raise ValueError(
            "n_segments must be integers from 2 up. Got "
            f"{', '.join(map(repr, wrong)) or 'none'} instead. One segment is what "
            "they are compared with."
        )
    return tuple(sorted({int(k) for k in numbers}))


def _check_size(X, numbers):
    n_customers, n_features = X.shape
    if n_features < 2:
        raise DegenerateFitError(
            "structure_test must have two columns or more. Got 1 instead. For one "
            "column use unimodality_test."
        )
    if n_customers <= n_features:
        raise DegenerateFitError(
            "structure_test must have more customers than columns. Got "
            f"{n_customers} and {n_features} instead. Leave columns out, or test "
            "more customers."
        )
    n_distinct = len(np.unique(X, axis=0))
    if n_distinct < numbers[-1]:
        raise DegenerateFitError(
            f"structure_test must have {numbers[-1]} different customers or more, as "
            f"n_segments asks for. Got {n_distinct} instead. Try fewer segments."
        )


def _silhouettes_of_draw(null, numbers, n_init, seed):
    rng = np.random.default_rng(seed)
    return _silhouettes(null.draw(rng), numbers, n_init, rng)


def _silhouettes(X, numbers, n_init, rng):
    """Mean silhouette of k-means with each number of segments."""
    seed = int(rng.integers(2**31))
    distinct, code = np.unique(X, axis=0, return_inverse=True)
    with single_threaded():
        labelings = [
            KMeans(k, n_init=n_init, random_state=seed).fit(X).labels_
            if k < len(distinct)
            else code.ravel()
            for k in numbers
        ]
    labelings = [encoded(labels, len(X)) for labels in labelings]
    values = silhouettes_of(X, labelings, dtype="float32")
    return np.array([one.mean() for one in values])


def largest_deviations(values):
    """Standardise each row by all others and take the largest value of it.

    Parameters
    ----------
    values : ndarray of shape (n_tables, n_numbers)

    Returns
    -------
    statistics : ndarray of shape (n_tables,)
    at : ndarray of shape (n_tables,)
        Position of the largest.
    """
    deviations = np.array(
        [
            _standardized(row, others.mean(axis=0), _spread(others))
            for row, others in (
                (values[i], np.delete(values, i, axis=0)) for i in range(len(values))
            )
        ]
    )
    return deviations.max(axis=1), deviations.argmax(axis=1)


def _spread(values):
    """Return the standard deviation of each column, 0 for one row."""
    return values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])


def _standardized(values, means, sds):
    return np.divide(
        values - means, sds, out=np.zeros(len(values)), where=sds > _NO_SPREAD
    )
