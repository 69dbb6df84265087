"""What the values of a column look like."""

import re

import pandas as pd
from pandas.api import types

DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].*)?")
NUMBER = re.compile(
    r"[-+(]?[$€£¥]?\s?[-+]?\d[\d.,' \u00a0]*\s?[)%$€£¥]?(?:\s?[A-Z]{3})?"
)
SIGN_NAMES = {".": "point", ",": "comma"}
_SIGNS = "".join(SIGN_NAMES)
_SWAPPED = str.maketrans(".,", ",.")


def is_text(column):
    """Whether all known values are text, in any of the types pandas has for it."""
    if types.is_numeric_dtype(column) or types.is_datetime64_any_dtype(column):
        return False
    known = column.dropna()
    return len(known) > 0 and all(isinstance(value, str) for value in known)


def looks_like(column, pattern):
    """Whether every known text of a column has a form."""
    return all(pattern.fullmatch(value.strip()) for value in column.dropna().unique())


def numbers_rows(column):
    """Whether whole numbers go up by one from row to row."""
    if not types.is_integer_dtype(column) or len(column) < 2:
        return False
    return bool((column.diff().iloc[1:] == 1).all())


def read_numbers(column, decimal="."):
    """Find the decimal sign by which a text column is numbers most often.

    Parameters
    ----------
    column : Series
    decimal : {".", ","}
        Decimal sign of the file, which wins a tie.

    Returns
    -------
    rows : list of int
        Rows, from 1, in which no number stands; blanks do not count.
    sign : {".", ","}
    """
    wrong = {sign: _rows_without_numbers(column, sign) for sign in decimal + _SIGNS}
    sign = min(wrong, key=lambda one: len(wrong[one]))
    return wrong[sign], sign


def _rows_without_numbers(column, decimal):
    text = column.astype(object)
    if decimal == ",":
        text = text.map(
            lambda one: one.translate(_SWAPPED) if isinstance(one, str) else one
        )
    wrong = pd.to_numeric(text, errors="coerce").isna() & column.notna()
    return (wrong.to_numpy().nonzero()[0] + 1).tolist()
