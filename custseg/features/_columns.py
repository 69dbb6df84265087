"""The border of the feature stage: a customer table to typed columns.

A frame or an array comes in; a list of `Column` goes on, and after that nobody asks
again which library a table came from. `numbers` then reads a column as numbers or
refuses it; `custseg.features._levels` reads it as levels.
"""

import datetime
from decimal import Decimal
from numbers import Real
from typing import Any, NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd

from custseg._sklearn import validate_data
from custseg.exceptions import DataQualityError, SchemaError

__all__ = [
    "Column",
    "check_names",
    "check_observed",
    "check_output_names",
    "numbers",
    "quoted",
    "read_columns",
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
    order : tuple or None
        The levels of an "ordered" column, lowest first.
    """

    name: str
    kind: str
    values: Any
    order: tuple | None = None


def quoted(names, limit=5):
    """Join names for a message: `'a', 'b' and 3 more`."""
    names = list(names)
    text = ", ".join(repr(str(name)) for name in names[:limit])
    return text if len(names) <= limit else f"{text} and {len(names) - limit} more"


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
    if nw.dependencies.is_polars_lazyframe(X):
        raise SchemaError(
            "The customer table must be in memory. Got a LazyFrame instead. "
            "Call .collect() first."
        )
    if nw.dependencies.is_into_dataframe(X):
        series = _series_of_frame(estimator, X, reset)
        read = _column_of_series
    else:
        series = _arrays_of_array(estimator, X, reset)
        read = _column_of_array
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = [f"x{position}" for position in range(len(series))]
    return [read(str(name), one) for name, one in zip(names, series, strict=True)]


def _series_of_frame(estimator, X, reset):
    """Return the columns of a frame as narwhals series."""
    if isinstance(X, pd.DataFrame) and not X.columns.is_unique:
        doubled = X.columns[X.columns.duplicated()].unique()
        raise SchemaError(
            f"Column names must be unique. Got {quoted(doubled)} more than once "
            "instead. Rename or leave out one of each."
        )
    frame = nw.from_native(X, eager_only=True)
    # Not every scikit-learn reads the names of every kind of frame: hand it a pandas
    # header, and the names are the same whichever is installed.
    header = X if isinstance(X, pd.DataFrame) else pd.DataFrame(columns=frame.columns)
    validate_data(estimator, header, reset=reset, skip_check_array=True)
    if 0 in frame.shape:
        raise ValueError(
            "A customer table must have at least one row and one column. Got "
            f"{frame.shape[0]} rows and {frame.shape[1]} columns instead."
        )
    return list(frame.iter_columns())


def _arrays_of_array(estimator, X, reset):
    """Return the columns of an array or a nested list as 1-D arrays."""
    if isinstance(X, np.ma.MaskedArray):
        # A plain array would show what stands behind the mask.
        X = np.where(np.ma.getmaskarray(X), None, X.data.astype(object))
    elif isinstance(X, list | tuple) and np.asarray(X).dtype.kind in "US":
        # NumPy writes the numbers of a mixed list as text: keep them numbers.
        X = np.asarray(X, dtype=object)
    table = validate_data(
        estimator, X, reset=reset, dtype=None, ensure_all_finite=False
    )
    return [table[:, position] for position in range(table.shape[1])]


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
        ordered, levels = native.cat.ordered, native.cat.categories
        values = native.astype(object).to_numpy()
    else:
        ordered = isinstance(series.dtype, nw.Enum)
        levels = series.dtype.categories if ordered else ()
        values = series.cast(nw.String).to_numpy().astype(object)
    if ordered:
        return Column(name, "ordered", values, tuple(levels))
    return Column(name, "category", values)


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
    infinite = np.flatnonzero(np.isinf(column.values))
    if len(infinite):
        raise DataQualityError(
            f"Column {column.name!r} must hold finite numbers. Got infinite values in "
            f"{len(infinite)} of {len(column.values)} rows instead (first: row "
            f"{infinite[0]}). Correct them or mark them as missing."
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


# -- checks over columns -----------------------------------------------------------


def check_observed(names, values):
    """Refuse columns that have no value at all in `fit`."""
    empty = [n for n, x in zip(names, values, strict=True) if np.all(np.isnan(x))]
    if empty:
        raise DataQualityError(
            "Each column must have at least one value in fit. Got only missing values "
            f"in {quoted(empty)} instead. Leave out what is empty."
        )


def check_names(parameter, wanted, names, what="columns", remedy=""):
    """Refuse a parameter that names columns which the table does not have."""
    names = list(names)
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise SchemaError(
            f"{parameter} must name {what} of the table. Got {quoted(unknown)} "
            f"instead. There are {quoted(names, limit=12) or 'none'}."
            + f" {remedy}"
            * bool(remedy)
        )


def check_output_names(names):
    """Refuse outputs of one name, as of columns `gender` and `gender=f`."""
    names = list(names)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SchemaError(
            f"Output columns must have names of their own. Got {quoted(twice)} more "
            "than once instead. Rename the column that has that name already."
        )
