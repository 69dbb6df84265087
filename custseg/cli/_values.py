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
_MAX_CODES = 10
_CODES_PER_CUSTOMER = 0.1  # in a table of 30, three whole numbers may be codes


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


def are_days(column):
    """Whether whole numbers are days written together, such as 20240131."""
    known = column.dropna()
    if not known.between(19_000_101, 21_001_231).all():
        return False
    days = known.astype("int64").astype(str)
    return bool(pd.to_datetime(days, format="%Y%m%d", errors="coerce").notna().all())


def n_codes(column):
    """Count distinct whole numbers where they may be codes of categories; else 0."""
    known = column.dropna()
    if types.is_float_dtype(column) and (known % 1 != 0).any():
        return 0
    distinct = known.nunique()
    most = max(2, min(_MAX_CODES, int(_CODES_PER_CUSTOMER * len(column))))
    return distinct if distinct <= most else 0


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
