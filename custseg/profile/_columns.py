"""A customer table as columns to describe: numbers, dates, or levels."""

from datetime import date
from decimal import Decimal
from numbers import Real
from typing import NamedTuple

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custseg._utils._ids import id_rank, is_id_name
from custseg.exceptions import DataQualityError, SchemaError

MAX_LEVELS = 20


class Column(NamedTuple):
    """One column of a customer table, its type settled.

    Attributes
    ----------
    name : str
    kind : {"number", "date", "boolean", "level"}
    values : ndarray of shape (n_customers,)
        Float64 with NaN where missing; days before the latest date for "date". For
        "boolean" and "level" the position of each customer's level, -1 where missing.
    levels : tuple of str
        The levels; empty for "number" and "date".
    ordered : bool
        Whether the order of the levels means something.
    statistic : str
        What is said of the column in a segment.
    """

    name: str
    kind: str
    values: np.ndarray
    levels: tuple = ()
    ordered: bool = False
    statistic: str = "mean"


class Table(NamedTuple):
    """A customer table as unread columns: names as the caller has them, and series."""

    names: list
    series: list
    n_customers: int

    def take(self, rows):
        """Keep the customers at some positions."""
        return Table(self.names, [series[rows] for series in self.series], len(rows))

    def text_name(self, name):
        """Name of a column as text; "x0", "x1", ... in an array."""
        is_array = isinstance(self.series[0], np.ndarray)
        return f"x{name}" if is_array else str(name)


def quoted(names, limit=12):
    """Join names for a message: `'a', 'b' and 3 more`."""
    names = [repr(name) for name in names]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more


# -- the table and the columns asked for -------------------------------------------


def read_table(customers):
    """Split a table in memory into its columns.

    Parameters
    ----------
    customers : frame or array-like of shape (n_customers, n_columns)

    Returns
    -------
    Table

    Raises
    ------
    SchemaError
        If it is a lazy frame, not two-dimensional, without rows or columns, or has a
        column name twice.
    """
    if nw.dependencies.is_polars_lazyframe(customers):
        raise SchemaError(
            "customers must be in memory. Got a LazyFrame instead. Call .collect() "
            "first."
        )
    if nw.dependencies.is_into_dataframe(customers):
        return _read_frame(customers)
    if isinstance(customers, np.ma.MaskedArray):
        # A plain array would show what stands behind the mask.
        mask = np.ma.getmaskarray(customers)
        customers = np.where(mask, None, customers.data.astype(object))
    if isinstance(customers, list | tuple):
        # NumPy writes the numbers of a mixed list as text: keep them numbers.
        customers = np.asarray(customers, dtype=object)
    array = np.asarray(customers)
    if array.ndim != 2 or 0 in array.shape:
        raise SchemaError(
            "customers must have one row a customer and at least one column. Got "
            f"shape {array.shape} instead. Give a frame or a two-dimensional array."
        )
    return Table(list(range(array.shape[1])), list(array.T), len(array))


def _read_frame(customers):
    if isinstance(customers, pd.DataFrame):
        names = list(customers.columns)
        doubled = customers.columns[customers.columns.map(str).duplicated()].unique()
        if len(doubled):
            raise SchemaError(
                f"Column names must be unique. Got {quoted(doubled)} more than once "
                "instead. Rename or leave out one of each."
            )
        # Names that are not text would be read as positions further down.
        customers = customers.set_axis([str(name) for name in names], axis=1)
    frame = nw.from_native(customers, eager_only=True)
    if not isinstance(customers, pd.DataFrame):
        names = frame.columns
    if 0 in frame.shape:
        raise SchemaError(
            "customers must have one row a customer and at least one column. Got "
            f"shape {frame.shape} instead. Give a frame with customers."
        )
    return Table(names, list(frame.iter_columns()), len(frame))


def read_columns(table, columns, categorical):
    """Read the columns asked for, or all that can be described.

    Parameters
    ----------
    table : Table
    columns : sequence of column names or None
    categorical : sequence of column names
        Columns of codes, to be read as levels.

    Returns
    -------
    read : list of Column
    left_out : dict of str to str
        Columns that tell customers apart and not segments, and why. Only when
        `columns` is None; else they are an error.

    Raises
    ------
    SchemaError
        If a name is not in the table, a column cannot be described, or none is left.
    DataQualityError
        If a column has infinite values.
    """
    _check_names("columns", columns, table.names)
    _check_names("categorical", categorical, table.names)
    read, left_out = [], {}
    for name, series in zip(table.names, table.series, strict=True):
        if columns is not None and name not in columns:
            continue
        text = table.text_name(name)
        column = _read_column(text, series, name in categorical)
        reason = _why_no_trait(column, series)
        if reason and columns is not None:
            raise SchemaError(
                f"Column {text!r} must have values that customers share. Got {reason} "
                "instead. Leave it out of columns=."
            )
        if reason:
            left_out[text] = reason
        else:
            read.append((name, column))
    if not read:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise SchemaError(
            "customers must have a column to describe. Got none instead "
            f"({reasons or 'columns= is empty'}). Give what is known of customers."
        )
    if columns is not None:
        read.sort(key=lambda pair: list(columns).index(pair[0]))
    return [column for _, column in read], left_out


def _check_names(parameter, wanted, names):
    if isinstance(wanted, str):
        raise SchemaError(
            f"{parameter} must be a sequence of column names. Got the text {wanted!r} "
            f"instead. Write {parameter}=[{wanted!r}]."
        )
    wanted = list(wanted or ())
    doubled = [name for name in dict.fromkeys(wanted) if wanted.count(name) > 1]
    if doubled:
        raise SchemaError(
            f"{parameter} must name each column once. Got {quoted(doubled)} more often "
            "instead. Leave out the repetitions."
        )
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise SchemaError(
            f"{parameter} must name columns of the table. Got {quoted(unknown)} "
            f"instead. There are {quoted(names)}."
        )


def _why_no_trait(column, series):
    """Why a column tells customers apart and not segments; "" if it does not."""
    # A bare `customer` that differs between two customers says yes or no.
    named_id = is_id_name(column.name)
    named_id &= id_rank(column.name) != 2 or len(column.values) > 2
    if column.kind == "level":
        known = column.values[column.values >= 0]
        distinct = len(column.levels) == len(known) > 1
        if distinct and named_id and len(known) == len(column.values):
            return "customer ids"
        if distinct and len(known) > MAX_LEVELS:
            return "a different text for every customer"
    elif column.kind == "number" and named_id:
        values = column.values
        whole = np.array_equal(values, np.floor(values))  # False where any is missing
        if whole and len(np.unique(values)) == len(values) > 1:
            return "customer ids"
    return ""


# -- one column --------------------------------------------------------------------


def _read_column(name, series, categorical):
    """Type one column by its dtype, or by its cells where the dtype does not tell."""
    if isinstance(series, np.ndarray):
        series = pd.Series(series)
    series = nw.from_native(series, series_only=True, pass_through=True)
    dtype = series.dtype
    if isinstance(dtype, nw.Categorical | nw.Enum):
        return _declared_levels(name, series)
    if isinstance(dtype, nw.Date | nw.Datetime):
        if isinstance(dtype, nw.Datetime) and dtype.time_zone is not None:
            series = series.dt.replace_time_zone(None)
        dates = series.cast(nw.Datetime("us")).to_numpy()
        return _codes(name, dates) if categorical else _dates(name, dates)
    if isinstance(dtype, nw.Boolean):
        return _booleans(name, series.cast(nw.Float64).to_numpy())
    if dtype.is_numeric():
        numbers = series.cast(nw.Float64).to_numpy().astype(np.float64)
        return _codes(name, numbers) if categorical else _numbers(name, numbers)
    if dtype.is_nested() or isinstance(dtype, nw.Duration | nw.Time | nw.Binary):
        raise _cannot_be_described(name, dtype)
    return _objects(name, series.to_numpy().astype(object), categorical)


def _cannot_be_described(name, what):
    return SchemaError(
        f"Column {name!r} must hold numbers, text, categories, booleans or dates. Got "
        f"{what} instead. Convert it, a duration to days for example, or leave it out "
        "with columns=."
    )


def _numbers(name, numbers):
    n_infinite = np.count_nonzero(np.isinf(numbers))
    if n_infinite:
        raise DataQualityError(
            f"Column {name!r} must hold finite numbers. Got {n_infinite} infinite "
            "values instead. Correct them or mark them as missing."
        )
    return Column(name, "number", numbers)


def _dates(name, dates):
    """Dates as days before the latest of them, a number that has a mean."""
    dates = pd.DatetimeIndex(dates)
    if dates.isna().all():
        return Column(name, "number", np.full(len(dates), np.nan))
    latest = dates.max()
    days = ((latest - dates) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64)
    statistic = f"mean days before {latest:%Y-%m-%d}"
    return Column(name, "date", days, statistic=statistic)


def _booleans(name, flags):
    flags = np.asarray(flags, dtype=np.float64)
    codes = np.select([flags == 1, flags == 0], [0, 1], default=-1)
    return Column(name, "boolean", codes, ("True", "False"), True, "share")


def _declared_levels(name, series):
    """Levels in the order in which the column declares them, where it does."""
    native = series.to_native()
    if isinstance(native, pd.Series) and hasattr(native, "cat"):
        levels = [level_text(level) for level in native.cat.categories]
        if len(set(levels)) == len(levels):
            codes = native.cat.codes.to_numpy().astype(np.int64)
            return Column(name, "level", codes, tuple(levels), True, "share")
        return _texts(name, native.astype(object).to_numpy())
    texts = series.cast(nw.String).to_numpy().astype(object)
    if isinstance(series.dtype, nw.Enum):
        levels = tuple(series.dtype.categories)
        codes = pd.Index(levels).get_indexer(texts)
        return Column(name, "level", codes, levels, True, "share")
    return _texts(name, texts)


def _codes(name, values):
    """Codes of categories, in the order of the codes."""
    if values.dtype.kind == "f" and np.any(np.abs(values) >= 2.0**53):
        raise SchemaError(
            f"Column {name!r} must hold codes below 2**53. Got larger ones instead, "
            "which cannot be told apart as numbers. Turn the column into text first."
        )
    codes, distinct = pd.factorize(values, sort=True)
    levels = tuple(level_text(code) for code in distinct)
    return Column(name, "level", codes, levels, True, "share")


def _texts(name, values):
    """Text as levels; what differs only in spaces at the ends is one level."""
    codes, distinct = pd.factorize(values)
    texts = [level_text(value) for value in distinct]
    levels = sorted(set(texts) - {""})
    place = {level: code for code, level in enumerate(levels)}
    # The last entry serves the code -1.
    table = np.array([place.get(text, -1) for text in texts] + [-1])
    return Column(name, "level", table[codes], tuple(levels), False, "share")


def _objects(name, values, categorical):
    """Type a column of Python objects by the cells that are not missing."""
    missing = pd.isna(values)
    kinds = {_cell_kind(one) for one in set(map(type, values[~missing].tolist()))}
    wrong = [
        kind for kind in kinds if kind not in ("number", "boolean", "date", "text")
    ]
    if wrong:
        raise _cannot_be_described(name, f"objects of type {wrong[0]}")
    if kinds == {"boolean"}:
        return _booleans(name, np.where(missing, np.nan, values))
    if kinds == {"number"}:
        numbers = np.where(missing, np.nan, values).astype(np.float64)
        return _codes(name, numbers) if categorical else _numbers(name, numbers)
    if kinds == {"date"} and not categorical:
        return _dates(name, _wall_clock(values, missing))
    # True and 1 are equal and share a hash: tell them apart before factorising.
    texts = values if kinds == {"text"} else list(map(level_text, values))
    return _texts(name, np.where(missing, None, np.asarray(texts, dtype=object)))


def _wall_clock(values, missing):
    dates = pd.Series(pd.NaT, index=range(len(values)), dtype="datetime64[us]")
    known = [pd.Timestamp(value).tz_localize(None) for value in values[~missing]]
    dates[~missing] = known
    return dates.to_numpy()


def _cell_kind(cell_type):
    """Name the kind of a cell by its type; the type's name if it has none."""
    if issubclass(cell_type, str):
        return "text"
    if issubclass(cell_type, bool | np.bool_):
        return "boolean"
    if issubclass(cell_type, Real | Decimal):
        return "number"
    return "date" if issubclass(cell_type, date | np.datetime64) else cell_type.__name__


def level_text(value):
    """Write a level as text: `1` and `1.0` alike, spaces at the ends left out."""
    if isinstance(value, Real) and not isinstance(value, bool | np.bool_):
        whole = np.isfinite(value) and value == np.floor(value)
        return str(int(value)) if whole else repr(float(value))
    if isinstance(value, np.datetime64):
        return str(pd.Timestamp(value)).removesuffix(" 00:00:00")
    return str(value).strip()
