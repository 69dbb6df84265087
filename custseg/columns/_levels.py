"""Levels of a nominal or ordered column: how they are known, pooled and counted.

Pure functions and one class, with NumPy alone. A level is text once it has passed
`level_text`, so that a code is the same level whether a table holds it as 1, 1.0 or
"1".
"""

import re
from collections import Counter
from types import MappingProxyType

import numpy as np

from custseg.columns._cells import EXACT_INTEGERS, READINGS, level_text
from custseg.columns._names import quoted

__all__ = [
    "EXACT_INTEGERS",
    "MISSING",
    "MISSING_CODE",
    "OTHER",
    "UNSEEN_CODE",
    "Levels",
    "count_numeric",
    "count_unseen",
    "counted",
    "level_text",
    "looks_like_dates",
    "looks_numeric",
    "order_texts",
    "pool_levels",
]

OTHER, MISSING = "other", "missing"
MISSING_CODE, UNSEEN_CODE = -2, -1
# Integer columns that span no more are looked up in a table, not sorted.
_SPAN = 2**16
# Digits with any decimal and thousands signs: "34", "1,5", "1 200.50", "2e3", "40%".
_NUMERIC_TEXT = re.compile(r"[+-]?(?=.*\d)[\d.,'\s]+([eE][+-]?\d+)?\s?%?")
_DATE_TEXT = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T]\d{1,2}:.*)?")


class Levels:
    """The levels known of a column: code 0 for the first; -1 unseen, -2 missing.

    Parameters
    ----------
    levels : sequence of str, float, bool or None
        None has a code where missing values are a level of their own.
    reading : {"level", "category"}
        As text in which 1 and "1" are the same, or as they are.
    """

    __slots__ = ("_codes", "levels", "read", "reading")

    def __init__(self, levels, reading="level"):
        codes = {level: code for code, level in enumerate(levels)}
        codes.setdefault(None, MISSING_CODE)
        self.levels, self.reading = tuple(levels), reading
        self.read = READINGS[reading]
        self._codes = MappingProxyType(codes)

    def __reduce__(self):
        return Levels, (self.levels, self.reading)

    def code_of(self, name, cell):
        """Return the code of one cell of the column `name`."""
        return self._codes.get(self.read(name, cell), UNSEEN_CODE)

    def codes_of_cells(self, name, cells):
        """Return the codes of a few cells."""
        return np.array([self.code_of(name, cell) for cell in cells], dtype=np.intp)

    def codes_of_objects(self, name, cells):
        """Return the codes of Python objects, each distinct one looked up once."""
        cells = cells.tolist()
        # True and 1 are equal and share a hash, so their types go with them.
        keys = list(zip(cells, map(type, cells), strict=True))
        looked_up = _LookedUp(self, name)
        return np.fromiter(map(looked_up.__getitem__, keys), np.intp, len(keys))

    def codes_of_numbers(self, name, values):
        """Return the codes of numbers or booleans, NaN where missing."""
        if values.dtype.kind in "iu" and len(values):
            least, most = int(values.min()), int(values.max())
            if most - least < _SPAN:
                table = self.codes_of_cells(name, range(least, most + 1))
                return table[values - np.array(least, values.dtype)]
        distinct, codes = np.unique(values, return_inverse=True)
        return self.codes_of_cells(name, distinct.tolist())[codes]


class _LookedUp(dict):
    def __init__(self, levels, name):
        super().__init__()
        self._levels, self._name = levels, name

    def __missing__(self, key):
        code = self._levels.code_of(self._name, key[0])
        self[key] = code
        return code


# -- what levels look like ---------------------------------------------------------


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
    numeric = count_numeric(levels)
    return numeric > 0 and 2 * numeric >= len(levels)


def count_numeric(levels):
    """Count the levels that read as numbers."""
    return sum(1 for level in levels if _NUMERIC_TEXT.fullmatch(level))


# -- pooling and counting -----------------------------------------------------------


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
