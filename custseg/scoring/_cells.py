"""Cells of a customer table, one by one: as a number, and as a level."""

import datetime
import unicodedata
from decimal import Decimal
from math import inf, isfinite
from numbers import Real

import numpy as np

from custseg.exceptions import DataQualityError, SchemaError

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
    """Write a cell as text, so that equal levels are equal text; None if missing.

    Text is brought to Unicode NFC and stripped of spaces at both ends; 1, 1.0 and "1"
    are one level. A blank is missing.
    """
    if isinstance(cell, str):
        return unicodedata.normalize("NFC", cell).strip() or None
    if is_missing(cell):
        return None
    if isinstance(cell, bool | np.bool_):
        return str(bool(cell))
    if isinstance(cell, Real | Decimal) and not isinstance(cell, _DATES):
        number = float(cell)
        if abs(number) >= 2.0**53:
            raise SchemaError(
                f"Column {name!r} must hold codes below 2**53 to be read as levels. "
                "Got a larger number instead. Send it as text."
            )
        return str(int(number)) if number == int(number) else repr(number)
    raise SchemaError(
        f"Column {name!r} must hold text, numbers or booleans to be read as levels. "
        f"Got {_kind(cell)} instead. Send text, or None where it is not known."
    )


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
