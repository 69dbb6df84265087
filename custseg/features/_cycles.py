"""Columns that go round, as hours do: points on a circle."""

from numbers import Real

import numpy as np

from custseg.columns import numbers
from custseg.exceptions import DataQualityError
from custseg.features._mixed import Plane

__all__ = ["on_circle", "read_rounds"]


def read_rounds(cyclic):
    """Check how long rounds are."""
    for name, period in (cyclic or {}).items():
        if not isinstance(period, Real) or not 0 < period < np.inf:
            raise ValueError(
                f"The round of cyclic column {name!r} must be a number above zero. Got "
                f"{period!r} instead. Give 24 for hours, 7 for weekdays, 12 for months."
            )
    return {str(name): float(period) for name, period in (cyclic or {}).items()}


def on_circle(column, period):
    """Return the sine and cosine of a column that goes round."""
    values = numbers(column, "Give hours, weekdays or months as numbers.")
    outside = np.flatnonzero((values < 0) | (values > period))
    if len(outside):
        raise DataQualityError(
            f"Cyclic column {column.name!r} must lie between 0 and {period:g}, the "
            f"length of its round. Got others in {len(outside)} of {len(values)} rows "
            f"instead (first: row {outside[0]}). Correct them, or the round."
        )
    # What is a whole round is none: sin(2 pi) would be 2e-16 off.
    angle = 2 * np.pi * (np.where(values == period, 0.0, values) / period)
    return Plane(
        column.name,
        (f"{column.name}_sin", f"{column.name}_cos"),
        np.column_stack([np.sin(angle), np.cos(angle)]),
    )
