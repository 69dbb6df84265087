"""How regularly customers buy: the group's rhythm, and each customer's own.

Intervals between orders are taken as gamma variables about the customer's own mean,
and the means as inverse gamma variables about the group's. Pure functions.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq, minimize
from scipy.special import gammaincinv, gammaln

__all__ = ["Rhythm", "learn_rhythm", "limits_of_silence"]

# Regularity: 1 is as irregular as calls at random; above the largest, hardly a spread.
_LEAST_REGULAR, _MOST_REGULAR = 0.05, 50.0
_MOST_CUSTOMERS = 20_000  # of whom the prior is learned
_FEWEST = 5


class Rhythm(NamedTuple):
    """The rhythm of a group of customers.

    Attributes
    ----------
    regularity : float
        Shape of the gamma distribution of intervals; 1 is exponential.
    shape, scale : float
        Of the inverse gamma distribution of customers' mean intervals, in days.
    n_customers : int
        Of whom it was learned: those with two orders or more.
    """

    regularity: float
    shape: float
    scale: float
    n_customers: int

    @property
    def typical(self):
        """Mean interval of a customer of whom nothing is known, in days."""
        return self.scale / (self.shape - 1.0)


def learn_rhythm(n_gaps, gap_mean, gap_sd):
    """Learn the rhythm of a group.

    Parameters
    ----------
    n_gaps : ndarray of shape (n_customers,)
        Intervals between orders, one or more.
    gap_mean, gap_sd : ndarray of shape (n_customers,)
        Their mean, above zero, and sample standard deviation, NaN where unknown, in
        days.

    Returns
    -------
    rhythm : Rhythm or None
        None with fewer than five customers.
    """
    if len(n_gaps) < _FEWEST:
        return None
    n_customers = len(n_gaps)
    order = np.lexsort((gap_sd, n_gaps, gap_mean))  # the rows' order does not matter
    n_gaps, gap_mean, gap_sd = n_gaps[order], gap_mean[order], gap_sd[order]
    regularity = _learn_regularity(n_gaps, gap_mean, gap_sd)
    if n_customers > _MOST_CUSTOMERS:
        evenly = np.linspace(0, n_customers - 1, _MOST_CUSTOMERS).astype(int)
        n_gaps, gap_mean = n_gaps[evenly], gap_mean[evenly]
    shape, scale = _learn_means(n_gaps, gap_mean, regularity)
    return Rhythm(regularity, shape, scale, n_customers)


def _learn_regularity(n_gaps, gap_mean, gap_sd):
    """Shape of the intervals, from the spread of each customer's about their mean.

    The squared ratio of standard deviation and mean of n gamma intervals of shape k
    has the expectation n / (n k + 1): their mean does not depend on their ratios.
    """
    known = (n_gaps >= 2) & np.isfinite(gap_sd)
    if not known.any():
        return 1.0
    n, weights = n_gaps[known], n_gaps[known] - 1.0
    found = np.sum(weights * (gap_sd[known] / gap_mean[known]) ** 2)

    def excess(shape):
        return np.sum(weights * n / (n * shape + 1.0)) - found

    if excess(_LEAST_REGULAR) <= 0:
        return _LEAST_REGULAR
    if excess(_MOST_REGULAR) >= 0:
        return _MOST_REGULAR
    return float(brentq(excess, _LEAST_REGULAR, _MOST_REGULAR))


def _learn_means(n_gaps, gap_mean, regularity):
    """Shape and scale of the customers' means, of largest likelihood."""
    shapes = n_gaps * regularity
    typical = np.median(gap_mean)
    sums = regularity * n_gaps * gap_mean / typical

    def misfit(logs):
        shape, scale = 1.0 + np.exp(logs[0]), np.exp(logs[1])
        return -np.mean(
            shape * np.log(scale)
            - gammaln(shape)
            + gammaln(shape + shapes)
            - (shape + shapes) * np.log(scale + sums)
        )

    bounds = [(-6.0, 6.0), (-8.0, 8.0)]
    found = minimize(misfit, [0.0, 0.0], method="L-BFGS-B", bounds=bounds)
    return 1.0 + float(np.exp(found.x[0])), float(np.exp(found.x[1]) * typical)


def limits_of_silence(rhythm, shares):
    """Return how many own intervals only a share of intervals exceeds.

    Parameters
    ----------
    rhythm : Rhythm
    shares : sequence of float

    Returns
    -------
    tuple of float
    """
    return tuple(
        float(gammaincinv(rhythm.regularity, 1.0 - share) / rhythm.regularity)
        for share in shares
    )
