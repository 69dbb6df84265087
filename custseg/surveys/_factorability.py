"""Whether items have anything in common, and how many factors: KMO, Bartlett, Horn."""

import numpy as np
import pandas as pd
from scipy.stats import chi2
from sklearn.utils import check_random_state

from custseg.surveys._items import (
    correlations_of_items,
    pairwise_counts,
    read_answers,
)

__all__ = ["bartlett_sphericity", "kaiser_meyer_olkin", "parallel_analysis"]


def kaiser_meyer_olkin(X, *, correlation="pearson"):
    """Return Kaiser, Meyer and Olkin's measure of sampling adequacy.

    The share of squared correlations in squared correlations and squared partial
    correlations: near 1 where items are correlated because of something that several
    of them have in common, near .5 or below where only pairs are. Above .8 is
    called meritorious, .7 middling, .6 mediocre, below .5 unacceptable (Kaiser, 1974).

    Parameters
    ----------
    X : array-like or frame of shape (n_customers, n_items)
        Numeric answers, one row a customer; missing answers allowed. Keying does not
        matter.
    correlation : {"pearson", "polychoric"}, default="pearson"
        Correlations of answers, or of the normal variables behind them.

    Returns
    -------
    overall : float
        Of all items together, from 0 to 1.
    items : Series of shape (n_items,)
        Of each item, by its name.

    Raises
    ------
    SchemaError
        If a column does not hold numbers, or names are not unique.
    DataQualityError
        If an answer is infinite, or nobody answered an item.
    DegenerateFitError
        If an item is constant or a sum of others.
    ValueError
        If there are fewer than two items.

    Notes
    -----
    Each correlation is over the customers who answered both items, as in R's psych.

    References
    ----------
    Kaiser, H. F. and Rice, J. (1974). Little Jiffy, Mark IV. Educational and
    Psychological Measurement 34(1), 111-117.
    https://doi.org/10.1177/001316447403400115

    Kaiser, H. F. (1974). An index of factorial simplicity. Psychometrika 39, 31-36.
    https://doi.org/10.1007/BF02291575

    Examples
    --------
    >>> from custseg.datasets import make_customers
    >>> from custseg.surveys import kaiser_meyer_olkin
    >>> simulated = make_customers(500, n_segments=3, random_state=0)
    >>> answers = simulated.customers[list(simulated.item_columns)]
    >>> overall, items = kaiser_meyer_olkin(answers)
    >>> bool(overall > 0.8), items.idxmin() in answers
    (True, True)
    """
    names, answers = read_answers(X)
    correlations = correlations_of_items(names, answers, correlation)
    inverse = np.linalg.inv(correlations)
    sizes = np.sqrt(np.diag(inverse))
    partial = inverse / np.outer(sizes, sizes)
    squares, partial_squares = np.square(correlations), np.square(partial)
    np.fill_diagonal(squares, 0.0)
    np.fill_diagonal(partial_squares, 0.0)
    shared = squares.sum(axis=0)
    items = shared / (shared + partial_squares.sum(axis=0))
    overall = squares.sum() / (squares.sum() + partial_squares.sum())
    return float(overall), pd.Series(items, index=names, name="adequacy")


def bartlett_sphericity(X, *, correlation="pearson"):
    """Test whether items are correlated at all (Bartlett's test of sphericity).

    Parameters
    ----------
    X : array-like or frame of shape (n_customers, n_items)
        Numeric answers, one row a customer; missing answers allowed.
    correlation : {"pearson", "polychoric"}, default="pearson"
        Correlations of answers, or of the normal variables behind them.

    Returns
    -------
    statistic : float
        Distributed as chi-square where no item is correlated with another.
    df : int
        Its degrees of freedom.
    pvalue : float
        Probability of a statistic as large without any correlation.

    Raises
    ------
    SchemaError
        If a column does not hold numbers, or names are not unique.
    DataQualityError
        If an answer is infinite, or nobody answered an item.
    DegenerateFitError
        If an item is constant or a sum of others.
    ValueError
        If there are fewer than two items.

    Notes
    -----
    Each correlation is over the customers who answered both items, and the number of
    customers is that of all who answered anything, as in R's psych: where many answers
    are missing, the statistic is too large. With hundreds of customers the test rejects
    whatever one asks; it is a floor, not a recommendation.

    References
    ----------
    Bartlett, M. S. (1951). The effect of standardization on a chi-square approximation
    in factor analysis. Biometrika 38, 337-344.
    https://doi.org/10.1093/biomet/38.3-4.337

    Examples
    --------
    >>> import numpy as np
    >>> from custseg.surveys import bartlett_sphericity
    >>> answers = np.random.default_rng(0).integers(1, 6, (200, 4))
    >>> statistic, df, pvalue = bartlett_sphericity(answers)
    >>> df, pvalue > 0.05
    (6, True)
    """
    names, answers = read_answers(X)
    correlations = correlations_of_items(names, answers, correlation)
    n_items = len(names)
    n_customers = np.count_nonzero(~np.isnan(answers).all(axis=1))
    factor = n_customers - 1 - (2 * n_items + 5) / 6
    statistic = -factor * np.linalg.slogdet(correlations)[1]
    df = n_items * (n_items - 1) // 2
    return float(statistic), df, float(chi2.sf(statistic, df))


def parallel_analysis(X, *, n_draws=1000, quantile=0.95, random_state=0):
    """Return how many factors stand out from chance (Horn's parallel analysis).

    As many factors are kept as the first eigenvalues of the correlations exceed those
    of answers that have nothing in common.

    Parameters
    ----------
    X : array-like or frame of shape (n_customers, n_items)
        Numeric answers, one row a customer; missing answers allowed.
    n_draws : int, default=1000
        Tables of uncorrelated normal variables that are drawn.
    quantile : float, default=0.95
        Of the drawn eigenvalues, which those of the answers must exceed. Horn took the
        mean; the 95th percentile keeps fewer factors that are none [2]_.
    random_state : int, RandomState instance or None, default=0
        Seed of the draws.

    Returns
    -------
    DataFrame of shape (n_items, 3)
        A row a factor, numbered from 1: `eigenvalue`, `chance` (the quantile of the
        drawn ones) and `kept`, whether it and all before it are larger than chance.
        The number of factors is the sum of `kept`.

    Raises
    ------
    SchemaError
        If a column does not hold numbers, or names are not unique.
    DataQualityError
        If an answer is infinite, or nobody answered an item.
    DegenerateFitError
        If an item is constant or a sum of others.
    ValueError
        If there are fewer than two items, or a parameter is out of range.

    Notes
    -----
    Correlations are Pearson's in the answers and in the draws, over the customers who
    answered both items; polychoric ones find about the same number [3]_. A draw has as
    many customers as the harmonic mean over pairs of items. Its correlations are drawn
    at once, from their distribution, so that a million customers cost no more than a
    thousand. Many customers make small factors stand out: what stands out is not yet
    of use.

    References
    ----------
    .. [1] Horn, J. L. (1965). A rationale and test for the number of factors in factor
       analysis. Psychometrika 30, 179-185. https://doi.org/10.1007/BF02289447
    .. [2] Glorfeld, L. W. (1995). An improvement on Horn's parallel analysis
       methodology for selecting the correct number of factors to retain. Educational
       and Psychological Measurement 55(3), 377-393.
       https://doi.org/10.1177/0013164495055003002
    .. [3] Cho, S.-J., Li, F. and Bandalos, D. (2009). Accuracy of the parallel analysis
       procedure with polychoric correlations. Educational and Psychological Measurement
       69(5), 748-759. https://doi.org/10.1177/0013164409332229

    Examples
    --------
    >>> from custseg.datasets import make_customers
    >>> from custseg.surveys import parallel_analysis
    >>> simulated = make_customers(
    ...     800, n_segments=3, response_styles=False, random_state=0
    ... )
    >>> factors = parallel_analysis(simulated.customers[list(simulated.item_columns)])
    >>> int(factors["kept"].sum())
    4
    """
    _check_draws(n_draws, quantile)
    names, answers = read_answers(X)
    correlations = correlations_of_items(names, answers)
    eigenvalues = np.linalg.eigvalsh(correlations)[::-1]
    drawn = _chance_eigenvalues(
        len(names), effective_customers(answers), n_draws, random_state
    )
    chance = np.quantile(drawn, quantile, axis=0)
    kept = np.logical_and.accumulate(eigenvalues > chance)
    return pd.DataFrame(
        {"eigenvalue": eigenvalues, "chance": chance, "kept": kept},
        index=pd.RangeIndex(1, len(names) + 1),
    )


def effective_customers(answers):
    """Harmonic mean over pairs of items of the customers who answered both."""
    counts = pairwise_counts(answers)
    pairs = counts[np.triu_indices(len(counts), 1)]
    return len(pairs) / np.sum(1.0 / pairs)


def _check_draws(n_draws, quantile):
    if not n_draws >= 1:
        raise ValueError(
            f"n_draws must be 1 or more. Got {n_draws!r} instead. Draw 100 or more."
        )
    if not 0 < quantile < 1:
        raise ValueError(
            f"quantile must be between 0 and 1. Got {quantile!r} instead. Use .95."
        )


def _chance_eigenvalues(n_items, n_customers, n_draws, random_state):
    """Eigenvalues of sample correlations of independent normal variables.

    Cross-products of n customers about their means have Wishart's distribution with
    n - 1 degrees of freedom, drawn by Bartlett's decomposition.
    """
    rng = check_random_state(random_state)
    degrees = np.maximum(n_customers - 1.0 - np.arange(n_items), 1.0)
    eigenvalues = np.empty((n_draws, n_items))
    for draw in range(n_draws):
        root = np.tril(rng.standard_normal((n_items, n_items)), -1)
        root[np.diag_indices(n_items)] = np.sqrt(rng.chisquare(degrees))
        root /= np.sqrt(np.sum(root**2, axis=1, keepdims=True))
        eigenvalues[draw] = np.linalg.svd(root, compute_uv=False) ** 2
    return eigenvalues
