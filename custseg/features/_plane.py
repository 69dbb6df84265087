"""Numbers that belong together: what they are and what they learn."""

import warnings
from typing import Any, NamedTuple

import numpy as np

from custseg.columns import check_observed

__all__ = ["FrozenPlane", "Plane", "learn_plane"]


class Plane(NamedTuple):
    """Numbers that belong together and share one scale, as sine and cosine do.

    Attributes
    ----------
    name : str
        Of the whole.
    names : tuple of str
        Of the numbers: names of output columns.
    values : ndarray of shape (n_customers, n_numbers)
        NaN where missing.
    weight : float
        Total variance that they get together: how many customer columns they stand
        for.
    """

    name: str
    names: tuple
    values: Any
    weight: float = 1.0
    kind: str = "plane"


class FrozenPlane(NamedTuple):
    """What a plane has learned.

    Attributes
    ----------
    names : tuple of str
    fill : ndarray of shape (n_numbers,)
        Means, which replace missing values.
    mean : ndarray of shape (n_numbers,)
        Subtracted.
    scale : float
        Divides all of them; infinite where all are constant.
    """

    names: tuple
    fill: Any
    mean: Any
    scale: float


def learn_plane(plane, scale):
    """Learn means and the one figure that divides."""
    check_observed([plane.name], [plane.values])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a number always missing
        fill = np.nan_to_num(np.nanmean(plane.values, axis=0))
    if not scale:
        return FrozenPlane(plane.names, fill, np.zeros_like(fill), 1.0)
    filled = np.where(np.isnan(plane.values), fill, plane.values)
    variance = float(np.sum(np.mean((filled - fill) ** 2, axis=0)))
    size = float(np.max(np.abs(filled), initial=0.0))
    constant = variance <= (32 * np.finfo(np.float64).eps * size) ** 2
    divisor = np.inf if constant else np.sqrt(variance / plane.weight)
    return FrozenPlane(plane.names, fill, fill, float(divisor))
