"""What a numeric column learns in `fit`, and how it is applied: pure functions.

A column is filled with its median, passed through a signed logarithm if it is skewed,
and standardised. `learn_scaling` finds the figures of one column at a time, which
`custseg.scoring` applies: no customer's numbers depend on the rest of a batch.
"""

from typing import NamedTuple

import numpy as np

from custseg.columns import (
    check_names,
    log_unit,
    mean_and_sd,
    signed_log,
    tail_skewness,
)

__all__ = [
    "Scaling",
    "learn_scaling",
    "wants_log",
]

_MAX_SKEWNESS = 1.0
_UNIT_QUANTILE = 0.05


class Scaling(NamedTuple):
    """The frozen figures of one numeric column.

    Attributes
    ----------
    median : float
        Replaces missing values, in the column's own unit.
    unit : float
        Unit of the signed logarithm; NaN for a column left as it is.
    mean : float
        Subtracted after the logarithm.
    scale : float
        Divides what is left; infinite for a constant column, which becomes zeros.
    indicator_scale : float
        Divides the 0/1 column that tells missing values; NaN if there is none.
    """

    median: float
    unit: float
    mean: float
    scale: float
    indicator_scale: float


def wants_log(log, names, what="columns"):
    """Turn the parameter `log` into one wish a column: True, False or None (auto)."""
    if isinstance(log, str):
        return [{"all": True, "none": False, "auto": None}[log]] * len(names)
    check_names("log", log, names, what)
    return [name in log for name in names]


def learn_scaling(values, *, log, scale, add_indicator=False):
    """Learn the figures of one numeric column.

    Parameters
    ----------
    values : ndarray of shape (n_customers,)
        NaN where missing; at least one value is not.
    log : bool or None
        Whether to take the signed logarithm; None decides by `tail_skewness` above 1.
    scale : bool
        Whether to bring the column, its indicator included, to a variance of one.
    add_indicator : bool, default=False
        Whether a column with missing values gets a 0/1 column that tells them.

    Returns
    -------
    Scaling
    """
    missing = np.isnan(values)
    observed = values[~missing]
    median = float(np.median(observed))
    if log is None:
        log = tail_skewness(observed) > _MAX_SKEWNESS
    unit = log_unit(observed) if log else np.nan
    indicated = add_indicator and bool(missing.any())
    if not scale:
        return Scaling(median, unit, 0.0, 1.0, 1.0 if indicated else np.nan)

    filled = np.where(missing, median, values)
    mean, sd = mean_and_sd(signed_log(filled, unit) if log else filled)
    if not indicated:
        return Scaling(median, unit, mean, sd, np.nan)
    # The column (variance 1, or 0 if constant) and its indicator share the one.
    share = float(np.mean(missing))
    together = np.sqrt(float(np.isfinite(sd)) + share * (1.0 - share))
    return Scaling(median, unit, mean, sd * together, together)
