"""Bands of numbers: cut points and their names."""

from itertools import pairwise
from numbers import Real

import numpy as np

from custseg.columns import level_text

__all__ = ["SME", "read_bands"]


# Commission Recommendation 2003/361/EC, annex, article 2, by persons employed.
# Fewer than none are impossible.
SME = ((10.0, 50.0, 250.0), ("micro", "small", "medium", "large"), 0.0)


def read_bands(name, edges):
    """Check the edges of a column's bands and name the bands.

    Parameters
    ----------
    name : str
        Of the column.
    edges : tuple or list of float

    Returns
    -------
    edges : tuple of float
    bands : tuple of str
        `under 18`, `18-29`, ..., `60+` where all edges are whole numbers (a band of
        one whole number is named by it), and else `0.5 to under 1.5`.
    lowest : float
        Numbers below it are impossible.

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
    return (
        tuple(float(edge) for edge in edges),
        (
            f"under {level_text(edges[0])}",
            *(write(low, high) for low, high in pairwise(edges)),
            f"{level_text(edges[-1])}+",
        ),
        -np.inf,
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
