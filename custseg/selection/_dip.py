"""The dip: how far a sample is from the nearest distribution with one mode."""

from functools import lru_cache

import numpy as np
from sklearn.isotonic import isotonic_regression
from sklearn.utils import check_array

_SMALLEST = 1e-200  # gap, of the range, below which a slope would be infinite


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
