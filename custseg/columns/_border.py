"""The one border between customer tables and the library: a table to typed columns.

A frame or an array comes in; a list of `Column` goes on, and after that no stage asks
again which library a table came from. `numbers` then reads a column as numbers or
refuses it, and `level_codes` reads it as levels.
"""

import datetime
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from custseg._sklearn import validate_data
from custseg.columns._core import (
    EXACT_INTEGERS,
    count_numeric,
    level_text,
    level_texts,
    looks_numeric,
    quoted,
    refuse,
    repeated,
)
from custseg.exceptions import DataQualityError, SchemaError

__all__ = [
    "Column",
    "check_observed",
    "level_codes",
    "numbers",
    "read_column",
    "read_columns",
    "refuse_numeric_text",
    "split_table",
]

_DATES = (nw.Date, nw.Datetime, nw.Duration, nw.Time)
_DATE_CELLS = (
    datetime.date,
    datetime.time,
    datetime.timedelta,
    np.datetime64,
    np.timedelta64,
)


class CellTypeError(SchemaError, TypeError):
    """A cell is neither text nor a number: a wrong type inside a column."""


class Column(NamedTuple):
    """One column of a customer table, its type settled.

    Attributes
    ----------
    name : str
        The column's name; "x0", "x1", ... in a table without names.
    kind : {"number", "boolean", "text", "mixed", "category", "ordered", "date", \
            "empty"}
        What the column holds. "mixed" is text beside numbers or booleans, "empty" an
        untyped column in which everything is missing.
    values : ndarray of shape (n_customers,) or None
        Float64 with NaN for "number", "boolean" and "empty"; for "date" datetime64 in
        microseconds with NaT, of the clock on the wall in the column's own zone, and
        None for durations and times of day; objects for the others.
    levels : tuple or None
        The levels that a "category" or "ordered" column declares, in their order.
    """

    name: str
    kind: str
    values: Any
    levels: tuple | None = None

    @property
    def order(self):
        """The levels of an "ordered" column, lowest first; else None."""
        return self.levels if self.kind == "ordered" else None


# -- a table to columns ------------------------------------------------------------


def read_columns(estimator, X, *, reset):
    """Split a customer table into typed columns, checked as scikit-learn checks.

    Parameters
    ----------
    estimator : estimator
        Gets `n_features_in_` and `feature_names_in_` when `reset` is True; the table
        is compared with them when it is False.
    X : array-like or frame of shape (n_customers, n_features)
        NumPy array, nested list, pandas, polars or Arrow table.
    reset : bool
        True in `fit`.

    Returns
    -------
    list of Column
        In the order of the table.

    Raises
    ------
    SchemaError
        If two columns share a name, the frame is lazy, or a cell is neither text,
        number, boolean, date nor missing.
    ValueError
        If the table has no rows or columns, or the columns differ from those of `fit`.
    """
    if _is_frame(X):
        names, series = _split_frame(X)
        # Not every scikit-learn reads the names of every kind of frame: hand it a
        # pandas header, and the names are the same whichever is installed.
        header = X if isinstance(X, pd.DataFrame) else pd.DataFrame(columns=names)
        validate_data(estimator, header, reset=reset, skip_check_array=True)
        if not series or not len(series[0]):
            raise ValueError(
                "A customer table must have at least one row and one column. Got "
                f"{len(X)} rows and {len(series)} columns instead."
            )
    else:
        table = validate_data(
            estimator, _cells_of(X), reset=reset, dtype=None, ensure_all_finite=False
        )
        series = list(table.T)
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = [f"x{position}" for position in range(len(series))]
    return list(map(read_column, map(str, names), series))


def split_table(X, what="customers"):
    """Split a customer table in memory into columns that are not read yet.

    Parameters
    ----------
    X : array-like or frame of shape (n_customers, n_features)
    what : str
        What messages call the table.

    Returns
    -------
    names : list
        As the caller has them; positions in a table without names.
    texts : list of str
        The same as text; "x0", "x1", ... in a table without names.
    series : list of narwhals.Series or ndarray of shape (n_customers,)
        For `read_column`.

    Raises
    ------
    SchemaError
        If the frame is lazy, two columns have one name, or the table does not have
        two dimensions, a row and a column.
    """
    if _is_frame(X):
        names, series = _split_frame(X)
        texts = list(map(str, names))
        shape = (len(series[0]) if series else len(X), len(series))
    else:
        table = np.asarray(_cells_of(X))
        shape = table.shape
        series = list(table.T) if table.ndim == 2 else []
        names = list(range(len(series)))
        texts = [f"x{name}" for name in names]
    if len(shape) != 2 or 0 in shape:
        raise SchemaError(
            f"{what} must have one row per customer and at least one column. Got "
            f"shape {shape} instead. Give a frame or a two-dimensional array."
        )
    return names, texts, series


def _is_frame(X):
    if nw.dependencies.is_polars_lazyframe(X):
        raise SchemaError(
            "The customer table must be in memory. Got a LazyFrame instead. "
            "Call .collect() first."
        )
    return nw.dependencies.is_into_dataframe(X)


def _split_frame(X):
    """Return the names of a frame, as it has them, and its columns."""
    names = None
    if isinstance(X, pd.DataFrame):
        names = list(X.columns)
        doubled = repeated(map(str, names))
        if doubled:
            raise SchemaError(
                f"Column names must be unique. Got {quoted(doubled)} more than once "
                "instead. Rename or leave out one of each."
            )
        # Names that are not text would be read as positions further down.
        X = X.set_axis([str(name) for name in names], axis=1)
    frame = nw.from_native(X, eager_only=True)
    return names or frame.columns, list(frame.iter_columns())


def _cells_of(X):
    """Return an array or list such that every cell keeps its type and its mask."""
    if isinstance(X, np.ma.MaskedArray):
        # A plain array would show what stands behind the mask.
        return np.where(np.ma.getmaskarray(X), None, X.data.astype(object))
    if isinstance(X, list | tuple) and np.asarray(X).dtype.kind in "US":
        # NumPy writes the numbers of a mixed list as text: keep them numbers.
        return np.asarray(X, dtype=object)
    return X


def read_column(name, series):
    """Type one column: a narwhals or native series, or an array.

    Parameters
    ----------
    name : str
    series : series or ndarray of shape (n_customers,)

    Returns
    -------
    Column

    Raises
    ------
    SchemaError
        If a cell is neither text, number, boolean, date nor missing.
    """
    if isinstance(series, np.ndarray):
        return _column_of_array(name, series)
    return _column_of_series(name, nw.from_native(series, series_only=True))


def _column_of_series(name, series):
    """Type one column of a frame."""
    dtype = series.dtype
    if isinstance(dtype, nw.Enum | nw.Categorical):
        return _column_of_categories(name, series)
    if isinstance(dtype, _DATES):
        return Column(name, "date", _dates_of_series(series))
    if isinstance(dtype, nw.Boolean):
        return Column(name, "boolean", _floats(series.cast(nw.Float64).to_numpy()))
    if dtype.is_numeric():
        return Column(name, "number", _floats(series.cast(nw.Float64).to_numpy()))
    return _column_of_array(name, series.to_numpy())


def _dates_of_series(series):
    """Return the dates of a frame's column; None for durations and times of day."""
    if not isinstance(series.dtype, nw.Date | nw.Datetime):
        return None
    if getattr(series.dtype, "time_zone", None) is not None:
        series = series.dt.replace_time_zone(None)
    return series.cast(nw.Datetime("us")).to_numpy().astype("datetime64[us]")


def _column_of_categories(name, series):
    """Type a column of declared categories; an order is kept."""
    native = nw.to_native(series)
    if isinstance(native, pd.Series) and hasattr(native, "cat"):
        ordered, levels = native.cat.ordered, tuple(native.cat.categories)
        values = native.astype(object).to_numpy()
    else:
        ordered = isinstance(series.dtype, nw.Enum)
        levels = tuple(series.dtype.categories) if ordered else None
        values = series.cast(nw.String).to_numpy().astype(object)
    return Column(name, "ordered" if ordered else "category", values, levels)


def _column_of_array(name, values):
    """Type one column of an array."""
    if values.dtype.kind in "iuf":
        return Column(name, "number", _floats(values))
    if values.dtype.kind == "b":
        return Column(name, "boolean", _floats(values))
    if values.dtype.kind in "Mm":
        dates = values.dtype.kind == "M"
        return Column(name, "date", values.astype("datetime64[us]") if dates else None)
    return _column_of_objects(name, values.astype(object))


def _floats(values):
    """Return float64 in one stretch: vectorised logarithms then round alike."""
    return np.ascontiguousarray(values, dtype=np.float64)


def _column_of_objects(name, values):
    """Type a column of Python objects by the cells that are not missing."""
    missing = pd.isna(values)
    types = set(map(type, values[~missing].tolist()))
    kinds = {_cell_kind(one) for one in types}
    if None in kinds:
        _refuse_cells(name, values[~missing])
    if not kinds:
        return Column(name, "empty", np.full(len(values), np.nan))
    if "date" in kinds:
        dates = all(issubclass(one, datetime.date | np.datetime64) for one in types)
        return Column(name, "date", _dates_of_cells(values, missing) if dates else None)
    if len(kinds) > 1:
        return Column(name, "mixed", np.where(missing, None, values))
    (kind,) = kinds
    if kind == "text":
        return Column(name, kind, np.where(missing, None, values))
    return Column(name, kind, np.where(missing, np.nan, values).astype(np.float64))


def _dates_of_cells(values, missing):
    """Return dates held as Python objects."""
    dates = np.full(len(values), np.datetime64("NaT", "us"))
    for row in np.flatnonzero(~missing).tolist():
        cell = values[row]
        if isinstance(cell, datetime.datetime):
            cell = cell.replace(tzinfo=None)
            if isinstance(cell, pd.Timestamp):
                cell = cell.to_datetime64()
        dates[row] = np.datetime64(cell, "us")
    return dates


def _cell_kind(cell_type):
    """Name the kind of a cell by its type; None if it has none."""
    if issubclass(cell_type, str):
        return "text"
    if issubclass(cell_type, bool | np.bool_):
        return "boolean"
    if issubclass(cell_type, Real | Decimal):
        return "number"
    return "date" if issubclass(cell_type, _DATE_CELLS) else None


def _refuse_cells(name, cells):
    wrong = [type(cell).__name__ for cell in cells if _cell_kind(type(cell)) is None]
    raise CellTypeError(
        f"Column {name!r}: each cell of the argument must be text (a string), a number,"
        f" a boolean or missing. Got {len(wrong)} of type {wrong[0]} instead. "
        "Turn the column into text or numbers, or leave it out."
    )


# -- a column as numbers -----------------------------------------------------------


def numbers(column, remedy):
    """Read a column as numbers.

    Parameters
    ----------
    column : Column
        A column of numbers, booleans (0 and 1) or nothing but missing values.
    remedy : str
        The last sentence of the error about text.

    Returns
    -------
    ndarray of shape (n_customers,)
        Float64, NaN where missing. It may be the caller's memory: not to be changed.

    Raises
    ------
    SchemaError
        If the column holds text, categories or dates. Text that looks like numbers
        is not read: the decimal sign would be a guess.
    DataQualityError
        If a number is infinite.
    """
    if column.kind == "date":
        raise SchemaError(
            f"Column {column.name!r} must hold numbers. Got dates or durations "
            "instead. Turn them into numbers first, such as days since a fixed date."
        )
    if column.kind not in ("number", "boolean", "empty"):
        raise SchemaError(
            f"Column {column.name!r} must hold numbers. Got {_no_numbers(column)} "
            f"instead. {remedy}"
        )
    refuse(
        f"Column {column.name!r}",
        np.isinf(column.values),
        "hold finite numbers",
        "Correct them or mark them as missing.",
        "infinite values",
    )
    return column.values


def _no_numbers(column):
    """Say what stands in which rows: text, or else numbers written as text."""
    values = column.values
    rows = known = np.flatnonzero(~pd.isna(values)).tolist()
    what = "categories"
    if column.kind in ("text", "mixed"):
        what = "text"
        rows = [row for row in known if not _reads_as_number(values[row])]
    if not rows:
        what = "numbers written as text"
        rows = [row for row in known if isinstance(values[row], str)]
    return f"{what} in {len(rows)} of {len(column.values)} rows (first: row {rows[0]})"


def _reads_as_number(cell):
    try:
        float(cell)
    except (TypeError, ValueError):
        return False
    return True


# -- a column as levels -----------------------------------------------------------


def level_codes(column):
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
    if column.kind == "number" and np.any(np.abs(values) >= EXACT_INTEGERS):
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
    return _merge_equal_levels(codes, level_texts(distinct))


def _merge_equal_levels(codes, texts):
    """Give levels that are written alike one code, and blank ones -1."""
    levels = sorted(set(texts) - {""})
    position = {level: code for code, level in enumerate(levels)}
    # The last entry serves the code -1.
    table = np.array([position.get(text, -1) for text in texts] + [-1])
    return table[codes], levels


def refuse_numeric_text(column):
    """Refuse text that looks like numbers and was not declared to be levels."""
    levels = level_codes(column)[1]
    if looks_numeric(levels):
        numeric = count_numeric(levels)
        raise SchemaError(
            f"Column {column.name!r} must hold numbers or named levels. Got text in "
            f"which {numeric} of {len(levels)} values read as numbers instead. Convert "
            "it (pandas.to_numeric), or declare it in nominal= or ordered=."
        )


# -- checks over columns -----------------------------------------------------------


def check_observed(names, values):
    """Refuse columns that have no value at all in `fit`."""
    empty = [n for n, x in zip(names, values, strict=True) if np.all(np.isnan(x))]
    if empty:
        raise DataQualityError(
            "Each column must have at least one value in fit. Got only missing values "
            f"in {quoted(empty)} instead. Leave out what is empty."
        )
