"""The core of the columns, with NumPy alone: names, cells, levels.

A level is text once it has passed `level_text`, so that a code is the same level
whether a table holds it as 1, 1.0 or "1".
"""

import datetime
import re
import unicodedata
from collections import Counter
from decimal import Decimal
from math import inf, isfinite
from numbers import Integral, Real
from types import MappingProxyType

import numpy as np

from custseg.exceptions import DataQualityError, SchemaError

__all__ = [
    "EXACT_INTEGERS",
    "MISSING",
    "MISSING_CODE",
    "OTHER",
    "UNSEEN_CODE",
    "Levels",
    "as_category",
    "as_level",
    "as_number",
    "check_names",
    "check_output_names",
    "count_numeric",
    "count_unseen",
    "counted",
    "each_once",
    "is_missing",
    "level_text",
    "level_texts",
    "looks_like_dates",
    "looks_numeric",
    "order_texts",
    "pool_levels",
    "quoted",
    "refuse",
    "refuse_column",
    "repeated",
]

OTHER, MISSING = "other", "missing"
MISSING_CODE, UNSEEN_CODE = -2, -1
# Integer columns that span no more are looked up in a table, not sorted.
_SPAN = 2**16
# Digits with any decimal and thousands signs: "34", "1,5", "1 200.50", "2e3", "40%".
_NUMERIC_TEXT = re.compile(r"[+-]?(?=.*\d)[\d.,'\s]+([eE][+-]?\d+)?\s?%?")
_DATE_TEXT = re.compile(r"\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([ T]\d{1,2}:.*)?")
# From here on, neighbouring integers are one and the same float64.
EXACT_INTEGERS = 2.0**53

_DATES = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
)
_NOT_MISSING = (str, bool, int, float, np.generic, Decimal, *_DATES[:3])


# -- names -------------------------------------------------------------------------


def quoted(names, limit=5):
    """Join names for a message: `'a', 'b' and 3 more`."""
    names = list(names)
    text = ", ".join(repr(str(name)) for name in names[:limit])
    return text if len(names) <= limit else f"{text} and {len(names) - limit} more"


def refuse(what, wrong, must, remedy, got="others", error=DataQualityError):
    """Raise where rows are wrong, with their count and the first of them.

    Parameters
    ----------
    what : str
        Subject of the sentence.
    wrong : ndarray of bool, shape (n_rows,)
    must : str
        The constraint.
    remedy : str
    got : str, default="others"
        What stands in the rows instead.
    error : type, default=DataQualityError
    """
    rows = np.flatnonzero(wrong)
    if len(rows):
        raise error(
            f"{what} must {must}. Got {got} in {len(rows)} of {len(wrong)} rows "
            f"instead (first: row {rows[0]}). {remedy}"
        )


def refuse_column(name, wrong, constraint, remedy, got="others"):
    """Raise where a column has values that it must not have."""
    refuse(f"Column {name!r}", wrong, f"have {constraint}", remedy, got)


def repeated(names):
    """Return the names that occur more than once, in their order."""
    return [name for name, count in Counter(names).items() if count > 1]


def each_once(parameter, names):
    """Refuse a parameter that names a column twice, or a text in place of names.

    Returns
    -------
    list
        The names.
    """
    if isinstance(names, str):
        raise SchemaError(
            f"{parameter} must be a sequence of column names. Got the text {names!r} "
            f"instead. Write {parameter}=[{names!r}]."
        )
    names = list(names)
    twice = repeated(names)
    if twice:
        raise SchemaError(
            f"{parameter} must name each column once. Got {quoted(twice)} more often "
            "instead. Leave out the repetitions."
        )
    return names


def check_names(parameter, wanted, names, what="columns", remedy=""):
    """Refuse a parameter that names columns which the table does not have."""
    names = list(names)
    known = set(names)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SchemaError(
            f"{parameter} must name {what} of the table. Got {quoted(unknown)} "
            f"instead. There are {quoted(names, limit=12) or 'none'}."
            + f" {remedy}"
            * bool(remedy)
        )


def check_output_names(names):
    """Refuse outputs of one name, as of columns `gender` and `gender=f`."""
    twice = sorted(repeated(names))
    if twice:
        raise SchemaError(
            f"Output columns must have names of their own. Got {quoted(twice)} more "
            "than once instead. Rename the column that has that name already."
        )


# -- cells -------------------------------------------------------------------------


def is_missing(cell):
    """Whether a cell is None, NaN or a frame library's own mark of a missing value."""
    if cell is None:
        return True
    if isinstance(cell, _NOT_MISSING):
        return bool(cell != cell)
    return type(cell).__name__ in ("NAType", "NaTType")


def level_text(value):
    """Write a level as text, so that equal levels are equal text.

    Text is brought to Unicode NFC and stripped of spaces at both ends, its case kept.
    Numbers that are whole are written without a decimal point (`1`, `1.0` and "1" are
    one level), booleans as "True" and "False", days without a time, anything else as
    `str` does.
    """
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value).strip()
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, np.datetime64):
        day = value.astype("datetime64[D]")
        whole = day == value
        return str(day if whole else value.astype("datetime64[s]")).replace("T", " ")
    if isinstance(value, np.timedelta64):
        return str(value)
    if isinstance(value, Integral):
        return str(int(value))
    if isinstance(value, Real | Decimal):
        if not isfinite(value):
            return repr(float(value))
        return str(int(value)) if value == int(value) else repr(float(value))
    return str(value)


def level_texts(values):
    """Write several levels as text."""
    return [level_text(value) for value in values]


def as_number(name, cell):
    """Read a cell as a float, NaN where it is missing."""
    if is_missing(cell):
        return np.nan
    if isinstance(cell, _DATES) or not isinstance(cell, Real | Decimal | np.bool_):
        raise SchemaError(
            f"Column {name!r} must hold numbers. Got {_kind(cell)} instead. Send a "
            "number, or None where it is not known."
        )
    try:
        number = float(cell)
    except OverflowError:
        number = inf
    if not isfinite(number):
        raise DataQualityError(
            f"Column {name!r} must hold finite numbers. Got an infinite value instead. "
            "Correct it, or send None where it is not known."
        )
    return number


def as_level(name, cell):
    """Write a cell as `level_text` does; None if it is missing or blank."""
    if isinstance(cell, str):
        return level_text(cell) or None
    if is_missing(cell):
        return None
    number = isinstance(cell, Real | Decimal | np.bool_)
    if not number or isinstance(cell, _DATES):
        raise SchemaError(
            f"Column {name!r} must hold text, numbers or booleans to be read as "
            f"levels. Got {_kind(cell)} instead. Send text, or None where it is not "
            "known."
        )
    if abs(cell) >= EXACT_INTEGERS:
        raise SchemaError(
            f"Column {name!r} must hold codes below 2**53 to be read as levels. "
            "Got a larger number instead. Send it as text."
        )
    return level_text(cell)


def as_category(name, cell):
    """Return a cell as it is, to be looked up; None if missing."""
    if isinstance(cell, str):
        return cell
    if is_missing(cell):
        return None
    if isinstance(cell, np.generic):
        return cell.item()
    if isinstance(cell, Real):
        return cell
    raise SchemaError(
        f"Column {name!r} must hold text, numbers or booleans. Got {_kind(cell)} "
        "instead. Send text, or None where it is not known."
    )


def _kind(cell):
    if isinstance(cell, str):
        return "text"
    if isinstance(cell, _DATES):
        return "a date or duration"
    return f"a {type(cell).__name__}"


READINGS = {"level": as_level, "category": as_category}


# -- levels ------------------------------------------------------------------------


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
