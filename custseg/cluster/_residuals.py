"""Which two columns latent classes do not explain."""

from itertools import combinations

import numpy as np
import pandas as pd

from custseg.cluster._latent_class import LatentClassSegmenter
from custseg.cluster._mixture_segmenter import memberships
from custseg.cluster._parameter_errors import checked_mixture
from custseg.engine import ArraySource

_TINY = 1e-12


def bivariate_residuals(segmenter, X, *, sample_weight=None):
    """How far two columns go together beyond what their classes explain.

    Within a class, columns ought to be independent. For two columns of levels the table
    of both, as counted, is compared with the table that the classes expect. A residual
    well above one says that the two have something of their own in common: two
    questions that are one, or a class too few.

    Parameters
    ----------
    segmenter : fitted LatentClassSegmenter
        Or a fitted Pipeline that ends in one.
    X : frame or array-like of shape (n_customers, n_features)
        The customers that it was fitted on.
    sample_weight : array-like of shape (n_customers,), default=None
        As it was in `fit`.

    Returns
    -------
    residuals : DataFrame
        One row a pair, the largest residual first: `column`, `other`, `n_customers`
        (who answered both, by weight), `chi_square`, `df`, `residual` (chi-square by
        its degrees of freedom).

    Raises
    ------
    TypeError
        If the segmenter is no LatentClassSegmenter.

    Notes
    -----
    For two columns of levels chi-square is Pearson's, with (levels - 1)(levels - 1)
    degrees of freedom (Vermunt and Magidson, 2005). For a pair with a count or a number
    it is that of the covariance of what the class leaves of both, summed over classes,
    against its variance if they were independent. Parameters were estimated from the
    same customers, so residuals are a little too small for a test: they are for looking
    at, in order.

    References
    ----------
    Vermunt, J. K. and Magidson, J. (2005). Technical Guide for Latent GOLD 4.0: Basic
    and Advanced. Statistical Innovations, Belmont, Massachusetts.

    Oberski, D. L., van Kollenburg, G. H. and Vermunt, J. K. (2013). A Monte Carlo
    evaluation of three methods to detect local dependence in binary data latent class
    models. Advances in Data Analysis and Classification 7(3), 267-279.
    https://doi.org/10.1007/s11634-013-0146-2

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from custseg.cluster import LatentClassSegmenter, bivariate_residuals
    >>> rng = np.random.default_rng(0)
    >>> loyal = rng.random(600) < 0.5
    >>> answers = (rng.random((600, 8)) < np.where(loyal, 0.8, 0.2)[:, None]) * 1
    >>> table = pd.DataFrame(answers, columns=list("abcdefgh"))
    >>> table["b"] = np.where(rng.random(600) < 0.3, table["a"], table["b"])
    >>> segmenter = LatentClassSegmenter(2, random_state=0).fit(table)
    >>> bivariate_residuals(segmenter, table).head(2).round(0)
      column other  n_customers  chi_square  df  residual
    0      a     b        600.0        14.0   1      14.0
    1      a     d        600.0         2.0   1       2.0
    """
    last, read, weights = checked_mixture(segmenter, X, sample_weight)
    if not isinstance(last, LatentClassSegmenter):
        raise TypeError(
            "segmenter must be a LatentClassSegmenter, in whose classes columns are "
            f"independent. Got {type(last).__name__} instead. Look at covariances_."
        )
    inside = _memberships(last, read, weights)
    columns = _residual_columns(last, read)
    rows = [
        (one.name, other.name, *_chi_square(one, other, inside))
        for one, other in combinations(columns, 2)
    ]
    names = ["column", "other", "n_customers", "chi_square", "df"]
    table = pd.DataFrame(rows, columns=names)
    table["residual"] = table["chi_square"] / table["df"].where(table["df"] > 0)
    return table.sort_values("residual", ascending=False, ignore_index=True)


def _memberships(last, read, weights):
    """Probability of each class for each customer, by weight."""
    settings = {"joint": last._joint(), "n_components": len(last.weights_)}
    found = ArraySource(*read, axis=-1).joined(memberships, axis=1, **settings)
    return found if weights is None else found * weights


class _Residuals:
    """A column, and what the classes leave of it.

    Attributes
    ----------
    name : str
    values : ndarray of shape (n_customers,)
        Codes of levels, or numbers.
    known : ndarray of bool, shape (n_customers,)
    is_levels : bool
    means : ndarray of shape (n_components, n_marks)
        Of the number, or of an indicator of each level.
    covariances : ndarray of shape (n_components, n_marks, n_marks)
    """

    def __init__(self, name, values, known, means, covariances, *, is_levels):
        self.name, self.values, self.known = name, values, known
        self.means, self.covariances = means, covariances
        self.is_levels = is_levels

    @property
    def n_free(self):
        """Marks that the others do not determine."""
        return self.means.shape[1] - self.is_levels

    def marks(self):
        """Return indicators of levels, or the number, (n_customers, n_marks)."""
        if not self.is_levels:
            return np.where(self.known, self.values, 0.0)[:, np.newaxis]
        return (self.values[:, np.newaxis] == np.arange(self.means.shape[1])) * 1.0


def _residual_columns(last, read):
    """Return the columns of a fitted segmenter, as it read them."""
    probabilities, rates, means, variances = (
        part[0] for part in last._state.by_distribution()
    )
    columns = last._state.columns
    by_name = {}
    start = 0
    each = zip(columns.levels.items(), read.codes, strict=True)
    for (name, levels), codes in each:
        p = probabilities[:, start : start + len(levels)]
        start += len(levels)
        spread = p[:, :, np.newaxis] * (np.eye(len(levels)) - p[:, np.newaxis])
        by_name[name] = _Residuals(name, codes, codes >= 0, p, spread, is_levels=True)
    numeric = [
        *zip(columns.of("poisson"), read.counts, rates.T, rates.T, strict=True),
        *zip(columns.of("gaussian"), read.numbers, means.T, variances.T, strict=True),
    ]
    for name, values, mean, variance in numeric:
        known = ~np.isnan(values)
        of_class = (mean[:, np.newaxis], variance[:, np.newaxis, np.newaxis])
        by_name[name] = _Residuals(name, values, known, *of_class, is_levels=False)
    return [by_name[name] for name in last.distributions_]


def _chi_square(one, other, memberships):
    """Return who answered both, chi-square, and its degrees of freedom."""
    both = one.known & other.known
    inside = memberships if both.all() else memberships[:, both]
    totals = inside.sum(axis=1)
    n_customers = float(totals.sum())
    df = one.n_free * other.n_free
    if df == 0 or n_customers == 0:
        return n_customers, 0.0, df
    if one.is_levels and other.is_levels:
        counts = inside.sum(axis=0)
        shape = (one.means.shape[1], other.means.shape[1])
        cells = one.values[both] * shape[1] + other.values[both]
        observed = np.bincount(cells, counts, shape[0] * shape[1]).reshape(shape)
        expected = (one.means * totals[:, np.newaxis]).T @ other.means
        gaps = np.square(observed - expected)
        return n_customers, float((gaps / np.maximum(expected, _TINY)).sum()), df
    return n_customers, _of_covariances(one, other, both, inside, totals), df


def _of_covariances(one, other, both, inside, totals):
    """Chi-square of the summed covariances of residuals within classes."""
    marks, other_marks = one.marks()[both], other.marks()[both]
    shape = (marks.shape[1], other_marks.shape[1])
    summed, variance = np.zeros(shape), 0.0
    for k, weights in enumerate(inside):
        residuals = (marks - one.means[k]) * weights[:, np.newaxis]
        summed += residuals.T @ (other_marks - other.means[k])
        variance += totals[k] * np.kron(one.covariances[k], other.covariances[k])
    flat = summed.ravel()
    # Indicators of levels sum to one: their covariance has no full rank.
    return float(flat @ np.linalg.pinv(variance, hermitian=True) @ flat)
