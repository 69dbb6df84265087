"""Cells of a customer table, one by one: as a number, and as a level."""

import datetime
import unicodedata
from decimal import Decimal
from math import inf, isfinite
from numbers import Integral, Real

import numpy as np

from custseg.exceptions import DataQualityError, SchemaError

__all__ = ["EXACT_INTEGERS", "READINGS", "as_number", "is_missing", "level_text"]

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


READINGS = {"level": as_level, "category": as_category}


def _kind(cell):
    if isinstance(cell, str):
        return "text"
    if isinstance(cell, _DATES):
        return "a date or duration"
    return f"a {type(cell).__name__}"
