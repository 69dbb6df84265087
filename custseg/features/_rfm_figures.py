"""Recency, frequency, monetary value and intervals of customers, checked."""

from typing import Any, NamedTuple

import numpy as np

from custseg.exceptions import DataQualityError

__all__ = ["Figures", "checked_figures", "own_interval", "typical_interval"]


class Figures(NamedTuple):
    """What is scored of each customer, the larger the better.

    Attributes
    ----------
    values : ndarray of shape (3, n_customers)
        Recency negative, so that larger is better; NaN without orders.
    ordered : ndarray of bool, shape (n_customers,)
        Who has orders.
    gaps, n_gaps : ndarray of shape (n_customers,) or None
        Mean days between orders, NaN for none or zero, and how many gaps there are.
    """

    values: Any
    ordered: Any
    gaps: Any = None
    n_gaps: Any = None


def checked_figures(recency, frequency, monetary, gap):
    """Check columns of numbers, each with its name, against each other."""
    for name, values in (recency, frequency, *([gap] if gap else [])):
        _refuse(
            name,
            values < 0,
            "no number below 0",
            "Negative values in data of days and orders are mistakes: correct them.",
        )
    without = np.isnan(recency[1]) & (frequency[1] == 0)
    for name, values in (recency, frequency, monetary):
        _refuse(
            name,
            np.isnan(values) & ~without,
            "no missing value (NaN)",
            "Fill them in, or leave the rows out; a customer without orders has a "
            "frequency of 0 and no recency.",
        )
    values = np.array([-recency[1], frequency[1], monetary[1]])
    values[:, without] = np.nan
    if gap is None:
        return Figures(values, ~without)
    n_gaps = np.maximum(frequency[1] - 1.0, 0.0)
    absent = np.isnan(gap[1])
    _refuse(
        gap[0],
        absent & (n_gaps >= 1),
        "no missing value (NaN) where there are two orders or more",
        "Fill them in, or set relative=False.",
    )
    gaps = np.where(absent | (gap[1] == 0) | (n_gaps < 1), np.nan, gap[1])
    return Figures(values, ~without, gaps, n_gaps)


def _refuse(name, wrong, constraint, remedy):
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise DataQualityError(
            f"Column {name!r} must have {constraint}. Got such in {len(rows)} of "
            f"{len(wrong)} rows instead (first: row {rows[0]}). {remedy}"
        )


def typical_interval(gaps, n_gaps):
    """Take the median of customers with three orders, else of those with two; or NaN.

    Equal halves of an even number are averaged.
    """
    for least in (2, 1):
        known = gaps[(n_gaps >= least) & ~np.isnan(gaps)]
        if len(known):
            return float(np.median(known))
    return np.nan


def own_interval(gaps, n_gaps, typical):
    """Take a customer's own interval from three orders on, half of it with two."""
    own = np.where(n_gaps >= 2, gaps, (gaps + typical) / 2)
    return np.where(np.isnan(gaps), typical, own)
