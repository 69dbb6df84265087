"""Numbers to ordered bands: cut points, their names, and the band of a number."""

from itertools import pairwise
from numbers import Real
from typing import NamedTuple

import numpy as np

from custseg.columns import level_text

__all__ = ["SME", "Bands", "band_of", "read_bands"]


class Bands(NamedTuple):
    """Half-open bands of a number.

    Attributes
    ----------
    edges : tuple of float
        Ascending. An edge belongs to the band above it.
    names : tuple of str
        One more than edges, lowest band first.
    lowest : float
        Numbers below it are impossible.
    """

    edges: tuple
    names: tuple
    lowest: float = -np.inf


# Commission Recommendation 2003/361/EC, annex, article 2, by persons employed.
SME = Bands((10.0, 50.0, 250.0), ("micro", "small", "medium", "large"), 0.0)


def read_bands(name, edges):
    """Check the edges of a column's bands and name the bands.

    Parameters
    ----------
    name : str
        Of the column.
    edges : tuple or list of float

    Returns
    -------
    Bands
        `under 18`, `18-29`, ..., `60+` where all edges are whole numbers (a band of
        one whole number is named by it), and else `0.5 to under 1.5`.

    Raises
    ------
    ValueError
        If the edges are not one or more finite numbers in ascending order.
    """
    if not _is_ascending(edges):
        raise ValueError(
            f"The bands of column {name!r} must be a tuple of numbers in ascending "
            f"order, where a band begins. Got {edges!r} instead. Write (18, 30, 45) "
            "for 'under 18', '18-29', '30-44' and '45+'."
        )
    write = _whole if all(float(edge).is_integer() for edge in edges) else _open_above
    return Bands(
        tuple(float(edge) for edge in edges),
        (
            f"under {level_text(edges[0])}",
            *(write(low, high) for low, high in pairwise(edges)),
            f"{level_text(edges[-1])}+",
        ),
    )


def _is_ascending(edges):
    if not isinstance(edges, tuple | list) or not edges:
        return False
    known = all(isinstance(edge, Real) and np.isfinite(edge) for edge in edges)
    return known and all(low < high for low, high in pairwise(edges))


def _whole(low, high):
    """Name a band of whole numbers by its first and last."""
    if high - low == 1:
        return level_text(low)
    dash = " to " if low < 0 else "-"
    return f"{level_text(low)}{dash}{level_text(high - 1)}"


def _open_above(low, high):
    return f"{level_text(low)} to under {level_text(high)}"


def band_of(values, bands):
    """Return the band of each number by name.

    Parameters
    ----------
    values : ndarray of shape (n_customers,)
        NaN where missing.
    bands : Bands

    Returns
    -------
    names : ndarray of shape (n_customers,)
        Objects; None where the number is missing or impossible.
    impossible : ndarray of int
        The rows below `bands.lowest`.
    """
    impossible = values < bands.lowest
    place = np.searchsorted(bands.edges, values, side="right")
    place[np.isnan(values) | impossible] = len(bands.names)
    return np.array([*bands.names, None], dtype=object)[place], np.flatnonzero(
        impossible
    )
