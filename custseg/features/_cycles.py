"""Columns that go round, as hours do: how long a round is."""

from numbers import Real

import numpy as np

from custseg.scoring import Cyclic

__all__ = ["cyclic_of", "read_rounds"]


def read_rounds(cyclic):
    """Check how long rounds are."""
    for name, period in (cyclic or {}).items():
        if not isinstance(period, Real) or not 0 < period < np.inf:
            raise ValueError(
                f"The round of cyclic column {name!r} must be a number above zero. Got "
                f"{period!r} instead. Give 24 for hours, 7 for weekdays, 12 for months."
            )
    return {str(name): float(period) for name, period in (cyclic or {}).items()}


def cyclic_of(name, position, period):
    """Return the derivation of a column that goes round."""
    return Cyclic((f"{name}_sin", f"{name}_cos"), position, name, period)
