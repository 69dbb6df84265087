"""What the values of a column look like, before anything is made of them."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from custseg.columns._border import (
    CellTypeError,
    level_codes,
    read_column,
    split_table,
)
from custseg.columns._core import looks_like_dates, looks_numeric
from custseg.columns._name_words import words_of

__all__ = ["ColumnFacts", "count_other_texts", "facts_of", "numbers_as_text"]

_COMMON_SHARE = 0.01  # transformers pool levels that are rarer
_FEWEST_COUNTS = 4
_FIRST_DAY, _LAST_DAY = 19_000_101, 21_001_231


class ColumnFacts(NamedTuple):
    """What a column looks like.

    Attributes
    ----------
    name : str
    kind : str
        As `custseg.columns.Column` has it; "other" where cells are of other types.
    words : list of str
        The name in lower-case words.
    n_customers, n_known, n_distinct : int
    common : float
        Share of the customers in values that 1 % of them or more share.
    whole : bool
        Numbers, all of them whole.
    low, high : float
        NaN where they are no numbers.
    falling : bool
        Whole numbers from 0, which is half of them or more, and the higher the rarer.
    levels : tuple of str
        The levels where there are two.
    days : bool
        Whole numbers that are days written together, such as 20240131.
    numeric_text, date_text : bool
    other_rows, other_texts : int
        Rows of text, and different texts in them, that do not read as numbers.
    """

    name: str
    kind: str
    words: list
    n_customers: int
    n_known: int = 0
    n_distinct: int = 0
    common: float = 0.0
    whole: bool = False
    low: float = np.nan
    high: float = np.nan
    falling: bool = False
    levels: tuple = ()
    days: bool = False
    numeric_text: bool = False
    date_text: bool = False
    other_rows: int = 0
    other_texts: int = 0


def facts_of(customers):
    """Look at each column of a customer table.

    Parameters
    ----------
    customers : frame or array-like of shape (n_customers, n_features)

    Returns
    -------
    list of ColumnFacts
    """
    _, names, series = split_table(customers)
    return [_facts(name, cells) for name, cells in zip(names, series, strict=True)]


def _facts(name, cells):
    """Look at one column."""
    try:
        column = read_column(name, cells)
    except CellTypeError:
        return ColumnFacts(name, "other", words_of(name), len(cells), len(cells))
    if column.kind == "date":
        # Durations and times of day are not read.
        dates = column.values
        if dates is None:
            dates = pd.Series(
                cells.tolist() if isinstance(cells, np.ndarray) else cells.to_list()
            )
        seen = _sizes(pd.factorize(dates)[0])
        n = len(dates)
    elif column.kind in ("number", "boolean", "empty"):
        seen, n = _facts_of_numbers(column.values), len(column.values)
    else:
        seen, n = _facts_of_levels(column), len(column.values)
    return ColumnFacts(column.name, column.kind, words_of(column.name), n, **seen)


def _sizes(codes):
    """Count customers and values; a code of -1 is missing."""
    counts = np.bincount(codes[codes >= 0])
    n_known = int(counts.sum())
    common = counts[counts >= _COMMON_SHARE * n_known].sum()
    return {
        "n_known": n_known,
        "n_distinct": len(counts),
        "common": float(common / max(n_known, 1)),
    }


def _facts_of_numbers(values):
    values = values[np.isfinite(values)]
    if not len(values):
        return {}
    distinct, codes = np.unique(values, return_inverse=True)
    counts = np.bincount(codes.ravel())
    low, high = float(distinct[0]), float(distinct[-1])
    whole = bool(np.all(distinct == np.round(distinct)))
    falling = (
        whole
        and low == 0
        and len(distinct) >= _FEWEST_COUNTS
        and 2 * counts[0] >= len(values)
        and bool(np.all(np.diff(counts) <= 0))
    )
    return {
        **_sizes(codes.ravel()),
        "whole": whole,
        "low": low,
        "high": high,
        "falling": falling,
        "days": whole and _are_days(distinct),
    }


def _are_days(distinct):
    """Tell whether whole numbers are days written together: 20240131."""
    if not (distinct[0] >= _FIRST_DAY and distinct[-1] <= _LAST_DAY):
        return False
    days = distinct.astype(np.int64).astype(str)
    return bool(pd.to_datetime(days, format="%Y%m%d", errors="coerce").notna().all())


def _facts_of_levels(column):
    codes, levels = level_codes(column)
    seen = _sizes(codes)
    seen["levels"] = tuple(levels) if len(levels) == 2 else ()
    if column.kind not in ("text", "mixed"):
        return seen
    seen["date_text"] = looks_like_dates(levels)
    seen["numeric_text"] = not seen["date_text"] and looks_numeric(levels)
    seen["other_rows"], seen["other_texts"] = count_other_texts(codes, levels)
    return seen


def count_other_texts(codes, levels):
    """Count rows of text, and the texts in them, that do not read as numbers."""
    other = np.array([not looks_numeric([level]) for level in levels], dtype=bool)
    rows = int(np.count_nonzero(other[codes[codes >= 0]]))
    return rows, int(np.count_nonzero(other))


def numbers_as_text(other_rows, other_texts, n_known):
    """Say how a column of numbers written as text becomes one of numbers."""
    if not other_rows:
        return "numbers written as text: convert them first (pandas.to_numeric)"
    return (
        f"numbers written as text, but for {other_rows} of {n_known} customers with "
        f"{other_texts} other texts, which a conversion would lose: map these to "
        "numbers or to missing first, then convert (pandas.to_numeric)"
    )
