"""The levels of a nominal or ordered column: how they are written, pooled, counted.

Pure functions. A level is text once it has passed `level_text`, so that a code is the
same level whether a table holds it as 1, 1.0 or "1".
"""

import re
import unicodedata
from collections import Counter
from decimal import Decimal
from math import isfinite
from numbers import Real

import numpy as np
import pandas as pd

from custseg.exceptions import SchemaError
from custseg.features._columns import quoted

__all__ = [
    "MISSING",
    "OTHER",
    "count_unseen",
    "counted",
    "labels",
    "level_text",
    "looks_like_dates",
    "looks_numeric",
    "order_texts",
    "pool_levels",
    "refuse_numeric_text",
]

OTHER, MISSING = "other", "missing"
# Above this, neighbouring integers are one and the same float64.
_EXACT_INTEGERS = 2.0**53
# Digits with any decimal and thousands signs: "34", "1,5", "1 200.50", "2e3", "40%".
_NUMERIC_TEXT = re.compile(r"[+-]?(?=.*\d)[\d.,'\s]+([eE][+-]?\d+)?\s?%?")
_DATE_TEXT = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T]\d{1,2}:.*)?")


def labels(column):
    """Read a column as levels.

    Parameters
    ----------
    column : Column
        Any column but one of dates.

    Returns
    -------
    codes : ndarray of shape (n_customers,)
        Position of each customer's level in `levels`; -1 where missing or blank.
    levels : list of str
        The distinct levels as `level_text` writes them.

    Raises
    ------
    SchemaError
        If the column holds dates, or integers too large to be told apart.
    """
    if column.kind == "date":
        raise SchemaError(
            f"Column {column.name!r} must hold categories or numbers. Got dates or "
            "durations instead. Turn them into an age in years, a month or a band "
            "first."
        )
    values = column.values
    if column.kind == "number" and np.any(np.abs(values) >= _EXACT_INTEGERS):
        raise SchemaError(
            f"Column {column.name!r} must hold codes below 2**53 to be read as levels. "
            "Got larger numbers instead. Turn the column into text first."
        )
    if column.kind == "boolean":
        values = np.array([False, True, None], dtype=object)[
            np.where(np.isnan(values), 2, values).astype(int)
        ]
    elif column.kind == "mixed":
        # True and 1 are equal and share a hash: tell them apart before factorising.
        values = np.array([v if v is None else level_text(v) for v in values], object)
    codes, distinct = pd.factorize(values)
    return _merge_equal_levels(codes, [level_text(one) for one in distinct])


def _merge_equal_levels(codes, texts):
    """Give levels that are written alike one code, and blank ones -1."""
    levels = sorted(set(texts) - {""})
    position = {level: code for code, level in enumerate(levels)}
    # The last entry serves the code -1.
    table = np.array([position.get(text, -1) for text in texts] + [-1])
    return table[codes], levels


def level_text(value):
    """Write a level as text, so that equal levels are equal text.

    Text is brought to Unicode NFC and stripped of spaces at both ends, its case kept.
    Numbers that are whole are written without a decimal point (`1`, `1.0` and "1" are
    one level), booleans as "True" and "False", anything else as `str` does.
    """
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip()
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, Real | Decimal):
        number = float(value)
        whole = isfinite(number) and number == int(number)
        return str(int(number)) if whole else repr(number)
    return str(value)


def order_texts(name, levels):
    """Write the levels of an order as text, each once and none blank."""
    # A bare text is one level, not its letters.
    texts = (levels,) if isinstance(levels, str) else tuple(map(level_text, levels))
    if (
        isinstance(levels, str)
        or len(set(texts)) < len(texts)
        or "" in texts
        or not texts
    ):
        raise ValueError(
            f"The order of column {name!r} must be a tuple that lists each level once. "
            f"Got {quoted(texts, limit=12) or 'none'} instead. Leave out blanks and "
            "repetitions."
        )
    return texts


def looks_like_dates(levels):
    """Tell whether more than half the levels read as dates in digits."""
    return 2 * sum(1 for level in levels if _DATE_TEXT.fullmatch(level)) > len(levels)


def looks_numeric(levels):
    """Tell whether half the levels or more read as numbers."""
    numeric = _count_numeric(levels)
    return numeric > 0 and 2 * numeric >= len(levels)


def _count_numeric(levels):
    return sum(1 for level in levels if _NUMERIC_TEXT.fullmatch(level))


def refuse_numeric_text(column):
    """Refuse text that looks like numbers and was not declared to be levels."""
    levels = labels(column)[1]
    if looks_numeric(levels):
        numeric = _count_numeric(levels)
        raise SchemaError(
            f"Column {column.name!r} must hold numbers or named levels. Got text in "
            f"which {numeric} of {len(levels)} values read as numbers instead. Convert "
            "it (pandas.to_numeric), or declare it in nominal= or ordered=."
        )


def pool_levels(codes, levels, min_share):
    """Choose the output levels of a nominal column.

    Parameters
    ----------
    codes : ndarray of shape (n_customers,)
        Positions in `levels`; -1 where missing.
    levels : list of str
        Sorted.
    min_share : float
        Levels with a smaller share of all customers are pooled.

    Returns
    -------
    kept : tuple of str
        Sorted levels, then "other" and "missing" where they are needed.
    pooled : tuple of str
        The levels behind "other".
    shares : ndarray of shape (len(kept),)
        Share of the customers in each of `kept`.
    """
    sizes = np.bincount(codes[codes >= 0], minlength=len(levels))
    counts = Counter(dict(zip(levels, map(int, sizes), strict=True)))
    counts[MISSING] += int(np.count_nonzero(codes < 0))
    ends = (OTHER, MISSING)
    rare = {
        level
        for level, count in counts.items()
        if level not in ends and count / len(codes) < min_share
    }
    counts[OTHER] += sum(counts[level] for level in rare)
    named = [level for level in sorted(counts) if level not in rare | set(ends)]
    kept = tuple(named + [level for level in ends if counts[level]])
    shares = np.array([counts[level] / len(codes) for level in kept])
    return kept, tuple(sorted(rare)), shares


def count_unseen(codes, levels, table, *, missing):
    """Count the customers whose level has no place, by level.

    Parameters
    ----------
    codes : ndarray of shape (n_customers,)
        Positions in `levels`; -1 where missing.
    levels : list of str
    table : ndarray of shape (n_levels,) or longer
        Place of each level; -1 if it has none.
    missing : bool
        Whether missing values have no place either.

    Returns
    -------
    dict of str to int
    """
    sizes = np.bincount(codes + 1, minlength=len(levels) + 1)
    counts = {
        level: int(size)
        for level, size, place in zip(levels, sizes[1:], table, strict=False)
        if place < 0
    }
    if missing and sizes[0]:
        counts[MISSING] = int(sizes[0])
    return counts


def counted(counts):
    """Write counts of levels for a message: `3 ('x', 'y')`."""
    return f"{sum(counts.values())} ({quoted(counts, limit=3)})"
