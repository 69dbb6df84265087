"""Factor analysis of items: maximum likelihood, varimax, promax, factor scores."""

import warnings
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from custseg._utils._result import Result
from custseg.columns import quoted
from custseg.exceptions import DegenerateFitError, SegmentWarning
from custseg.surveys._factorability import parallel_analysis
from custseg.surveys._items import correlations_of_items, read_answers

__all__ = [
    "FactorSolution",
    "factor_analysis",
    "maximum_likelihood",
    "promax",
    "solution_of",
    "varimax",
    "warn_of_factors",
]

_LEAST_UNIQUENESS = 0.005
_PROMAX_POWER = 4
_ROTATIONS = ("varimax", "promax", None)
_SCORES = ("regression", "bartlett")


@dataclass(frozen=True, eq=False, repr=False)
class FactorSolution(Result):
    """Factors that items have in common.

    Made by `factor_analysis` and kept by `PsychographicTransformer` with
    ``output="factors"``. It holds no customer.

    Attributes
    ----------
    loadings : DataFrame of shape (n_items, n_factors)
        Weights of the factors in each standardised item (the pattern). Factors are in
        the order of the variance that they account for, each turned so that its
        loadings sum to a positive number.
    factor_correlations : DataFrame of shape (n_factors, n_factors)
        Of the factors; the identity unless rotated by promax.
    uniquenesses : Series of shape (n_items,)
        Share of each item's variance that no factor accounts for.
    score_weights : DataFrame of shape (n_items, n_factors)
        Factor scores are standardised items times these.
    retained_variance : float
        Share of the items' total variance that the factors account for.
    discrepancy : float
        Minimum of the maximum likelihood discrepancy; 0 for a perfect fit.
    df : int
        Degrees of freedom that the model leaves.
    n_customers : int
        Customers who answered any item.

    See Also
    --------
    factor_analysis : Makes it.

    Examples
    --------
    >>> from custseg.datasets import make_customers
    >>> from custseg.surveys import factor_analysis
    >>> simulated = make_customers(800, n_segments=3, random_state=0)
    >>> answers = simulated.customers[list(simulated.item_columns)]
    >>> factors = factor_analysis(answers, 4, rotation="promax")
    >>> factors.loadings.shape, factors.df
    ((20, 4), 116)
    """

    loadings: pd.DataFrame
    factor_correlations: pd.DataFrame
    uniquenesses: pd.Series
    score_weights: pd.DataFrame
    retained_variance: float
    discrepancy: float
    df: int
    n_customers: int

    def frame(self):
        """Return one row per item.

        Returns
        -------
        frame : DataFrame
            ``item``, its loading on each factor, and its ``uniqueness``.
        """
        frame = self.loadings.assign(uniqueness=self.uniquenesses)
        return frame.rename_axis(index="item").reset_index()

    def summary(self):
        """Return how much of the items the factors account for, in a sentence.

        Returns
        -------
        summary : str
        """
        n_items, n_factors = self.loadings.shape
        return (
            f"{n_factors} factor{'s' * (n_factors != 1)} of {n_items} items account "
            f"for {self.retained_variance:.0%} of their variance."
        )


# -- maximum likelihood --------------------------------------------------------------


def maximum_likelihood(correlations, n_factors):
    """Fit factors to correlations by maximum likelihood (Jöreskog, 1967).

    Given the unique variances the best loadings are known, so the discrepancy is
    minimised over unique variances alone, between .005 and 1.

    Parameters
    ----------
    correlations : ndarray of shape (n_items, n_items)
        Positive definite.
    n_factors : int

    Returns
    -------
    loadings : ndarray of shape (n_items, n_factors)
        Not rotated.
    uniquenesses : ndarray of shape (n_items,)
    discrepancy : float
    """
    start = (1 - 0.5 * n_factors / len(correlations)) / np.diag(
        np.linalg.inv(correlations)
    )
    found = minimize(
        _discrepancy,
        np.clip(start, _LEAST_UNIQUENESS, 1.0),
        args=(correlations, n_factors),
        jac=True,
        method="L-BFGS-B",
        bounds=[(_LEAST_UNIQUENESS, 1.0)] * len(correlations),
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 2000, "maxfun": 5000},
    )
    values, scaled = _scaled_loadings(found.x, correlations, n_factors)
    loadings = np.sqrt(found.x)[:, np.newaxis] * scaled
    return loadings, found.x, max(_misfit(values, n_factors), 0.0)


def _scaled_loadings(uniquenesses, correlations, n_factors):
    """Eigenvalues, and best loadings divided by the roots of unique variances."""
    inverse = 1 / np.sqrt(uniquenesses)
    values, vectors = np.linalg.eigh(correlations * np.outer(inverse, inverse))
    lengths = np.sqrt(np.maximum(values[: -n_factors - 1 : -1] - 1, 0.0))
    return values, vectors[:, : -n_factors - 1 : -1] * lengths


def _misfit(values, n_factors):
    rest = values[:-n_factors]
    return float(np.sum(rest - np.log(rest) - 1))


def _discrepancy(uniquenesses, correlations, n_factors):
    """Discrepancy given the unique variances, and its derivatives."""
    values, scaled = _scaled_loadings(uniquenesses, correlations, n_factors)
    common = uniquenesses * np.sum(scaled**2, axis=1)
    residual = common + uniquenesses - np.diag(correlations)
    return _misfit(values, n_factors), residual / uniquenesses**2


# -- rotation ------------------------------------------------------------------------


def varimax(loadings, *, normalize=True, tol=1e-10, max_iter=200):
    """Rotate so that the squared loadings of a factor vary as much as possible.

    Two factors at a time are turned by the angle that is best for them (Kaiser, 1958),
    which does not get stuck where the criterion is flat.

    Parameters
    ----------
    loadings : ndarray of shape (n_items, n_factors)
    normalize : bool, default=True
        Whether each item counts alike whatever its communality.
    tol : float, default=1e-10
        Radians; it ends when no two factors are turned by more.
    max_iter : int, default=200
        Rounds over all pairs of factors.

    Returns
    -------
    rotated : ndarray of shape (n_items, n_factors)
    rotation : ndarray of shape (n_factors, n_factors)
        Orthogonal; ``rotated = loadings @ rotation``.
    """
    n_factors = loadings.shape[1]
    rotation = np.eye(n_factors)
    lengths = np.sqrt(np.sum(loadings**2, axis=1, keepdims=True))
    unit = loadings / np.where(normalize & (lengths > 0), lengths, 1.0)
    for _ in range(max_iter):
        widest = 0.0
        for i, j in combinations(range(n_factors), 2):
            angle = _best_angle(*(unit @ rotation[:, [i, j]]).T)
            cosine, sine = np.cos(angle), np.sin(angle)
            rotation[:, [i, j]] @= np.array([[cosine, -sine], [sine, cosine]])
            widest = max(widest, abs(angle))
        if widest <= tol:
            break
    return loadings @ rotation, rotation


def _best_angle(x, y):
    """Angle of the varimax criterion's maximum for two factors."""
    u, v = x**2 - y**2, 2 * x * y
    across = 2 * np.sum(u * v) - 2 * np.sum(u) * np.sum(v) / len(x)
    along = np.sum(u**2 - v**2) - (np.sum(u) ** 2 - np.sum(v) ** 2) / len(x)
    return np.arctan2(across, along) / 4


def promax(loadings, *, power=_PROMAX_POWER):
    """Rotate so that factors may be correlated (Hendrickson and White, 1964).

    Varimax loadings are raised to a power with their sign, and the factors turned,
    each for itself, to come nearest to that target.

    Parameters
    ----------
    loadings : ndarray of shape (n_items, n_factors)
    power : float, default=4

    Returns
    -------
    pattern : ndarray of shape (n_items, n_factors)
    factor_correlations : ndarray of shape (n_factors, n_factors)
    """
    rotated, _ = varimax(loadings)
    if loadings.shape[1] < 2:
        return rotated, np.eye(1)
    target = rotated * np.abs(rotated) ** (power - 1)
    turn = np.linalg.lstsq(rotated, target, rcond=None)[0]
    turn *= np.sqrt(np.diag(np.linalg.inv(turn.T @ turn)))
    return rotated @ turn, np.linalg.inv(turn.T @ turn)


def _rotated(loadings, rotation):
    """Rotate, order and turn factors; returns pattern and factor correlations."""
    between = np.eye(loadings.shape[1])
    if rotation == "varimax":
        loadings, _ = varimax(loadings)
    elif rotation == "promax":
        loadings, between = promax(loadings)
    order = np.argsort(-np.diag(between @ loadings.T @ loadings), kind="stable")
    signs = np.where(loadings[:, order].sum(axis=0) < 0, -1.0, 1.0)
    between = between[np.ix_(order, order)] * np.outer(signs, signs)
    return loadings[:, order] * signs, between


# -- the whole -----------------------------------------------------------------------


def _score_weights(loadings, between, uniquenesses, scores):
    """Weights of standardised items in the factor scores."""
    if scores == "bartlett":
        weighted = loadings / uniquenesses[:, np.newaxis]
        return weighted @ np.linalg.inv(loadings.T @ weighted)
    structure = loadings @ between
    return np.linalg.solve(structure @ loadings.T + np.diag(uniquenesses), structure)


def _checked_number(n_factors, n_items):
    """Return the degrees of freedom, or refuse more factors than can be told."""
    most = max(
        (m for m in range(1, n_items) if (n_items - m) ** 2 >= n_items + m), default=0
    )
    if not 1 <= n_factors <= most:
        raise ValueError(
            f"n_factors must be from 1 to {most} for {n_items} items. Got "
            f"{n_factors!r} instead. Three items or more are needed for a factor."
        )
    return ((n_items - n_factors) ** 2 - n_items - n_factors) // 2


def _warn_of_bounds(names, uniquenesses):
    """Warn of items without a variance of their own (Heywood cases)."""
    bound = np.array(names)[uniquenesses <= _LEAST_UNIQUENESS * (1 + 1e-6)]
    if len(bound):
        warnings.warn(
            "Items must have a variance of their own beside the factors. Got none for "
            f"{quoted(bound)} instead, held at {_LEAST_UNIQUENESS}. Ask for fewer "
            "factors, or leave out an item that repeats another.",
            SegmentWarning,
            stacklevel=4,
        )


def solution_of(names, answers, n_factors, rotation, correlation, scores):
    """Analyse answers read already, as `factor_analysis` does."""
    if n_factors is None:
        n_factors = int(parallel_analysis(answers)["kept"].sum())
        if not n_factors:
            raise DegenerateFitError(
                "Items must have something in common. Got no factor beyond chance "
                "(parallel analysis) instead. Use the items themselves, or give "
                "n_factors."
            )
    df = _checked_number(n_factors, len(names))
    correlations = correlations_of_items(names, answers, correlation)
    loadings, uniquenesses, discrepancy = maximum_likelihood(correlations, n_factors)
    _warn_of_bounds(names, uniquenesses)
    pattern, between = _rotated(loadings, rotation)
    weights = _score_weights(pattern, between, uniquenesses, scores)
    factors = [f"factor_{number}" for number in range(1, n_factors + 1)]
    items = pd.Index(names, dtype=object)
    return FactorSolution(
        loadings=pd.DataFrame(pattern, index=items, columns=factors),
        factor_correlations=pd.DataFrame(between, index=factors, columns=factors),
        uniquenesses=pd.Series(uniquenesses, index=items, name="uniqueness"),
        score_weights=pd.DataFrame(weights, index=items, columns=factors),
        retained_variance=float(1 - np.mean(uniquenesses)),
        discrepancy=discrepancy,
        df=df,
        n_customers=int(np.count_nonzero(~np.isnan(answers).all(axis=1))),
    )


def warn_of_factors(solution):
    """Warn of segments in factor scores, and say what is retained."""
    n_items, n_factors = solution.loadings.shape
    warnings.warn(
        "Segments must not be looked for in factor scores alone, in which what items "
        f"do not share is lost. Got {n_factors} factors that retain "
        f"{solution.retained_variance:.0%} of the variance of {n_items} items instead. "
        "Cluster scale scores or items; keep factors for looking at the questionnaire.",
        SegmentWarning,
        stacklevel=5,
    )


def factor_analysis(
    X,
    n_factors=None,
    *,
    rotation="varimax",
    correlation="pearson",
    scores="regression",
):
    """Find the factors that items have in common, by maximum likelihood.

    It tells what a questionnaire measures. Factor scores are a poor base for
    segments: see `PsychographicTransformer`.

    Parameters
    ----------
    X : array-like or frame of shape (n_customers, n_items)
        Numeric answers, one row a customer; missing answers allowed.
    n_factors : int or None, default=None
        Number of factors; None takes that of `parallel_analysis`.
    rotation : {"varimax", "promax"} or None, default="varimax"
        "varimax" keeps factors uncorrelated, "promax" lets them be correlated.
    correlation : {"pearson", "polychoric"}, default="pearson"
        Correlations of answers, or of the normal variables behind answers in at most
        20 steps. Each is over the customers who answered both items.
    scores : {"regression", "bartlett"}, default="regression"
        How `score_weights` are found: "regression" (Thurstone) comes nearest to the
        factors, "bartlett" is unbiased given the factors.

    Returns
    -------
    factors : FactorSolution
        Loadings, correlations of the factors, unique variances, score weights.

    Raises
    ------
    SchemaError
        If a column does not hold numbers, or names are not unique.
    DataQualityError
        If an answer is infinite, nobody answered an item, or an item has too many
        steps for polychoric correlations.
    DegenerateFitError
        If an item is constant or a sum of others (as ipsatised items are), or no
        factor stands out from chance.
    ValueError
        If a parameter is none of those above, or there are too few items for the
        number of factors.

    Warns
    -----
    SegmentWarning
        If an item has no variance of its own beside the factors (Heywood case).

    References
    ----------
    Jöreskog, K. G. (1967). Some contributions to maximum likelihood factor analysis.
    Psychometrika 32, 443-482. https://doi.org/10.1007/BF02289658

    Kaiser, H. F. (1958). The varimax criterion for analytic rotation in factor
    analysis. Psychometrika 23, 187-200. https://doi.org/10.1007/BF02289233

    Hendrickson, A. E. and White, P. O. (1964). Promax: a quick method for rotation to
    oblique simple structure. British Journal of Statistical Psychology 17, 65-70.
    https://doi.org/10.1111/j.2044-8317.1964.tb00244.x

    Examples
    --------
    >>> from custseg.datasets import make_customers
    >>> from custseg.surveys import factor_analysis
    >>> simulated = make_customers(800, n_segments=3, random_state=0)
    >>> answers = simulated.customers[list(simulated.item_columns)]
    >>> factor_analysis(answers)
    <FactorSolution: 5 factors of 20 items account for 57% of their variance.>

    Four factors were planted; the fifth is agreeing to everything.
    """
    for name, value, known in (
        ("rotation", rotation, _ROTATIONS),
        ("correlation", correlation, ("pearson", "polychoric")),
        ("scores", scores, _SCORES),
    ):
        if value not in known:
            raise ValueError(
                f"{name} must be one of {', '.join(map(repr, known))}. Got {value!r} "
                f"instead. Use {known[0]!r}."
            )
    names, answers = read_answers(X)
    return solution_of(names, answers, n_factors, rotation, correlation, scores)
