"""The border of this stage: a user's table in, checked lines out.

Inside the stage a line has fixed names: `row` (position in the table), `customer`,
`date` as given, `when` (microseconds of wall-clock time in the column's own zone),
`amount` and, where they exist, `transaction`, `product`, `quantity`, `unit_price`.
"""

from datetime import UTC, datetime, timedelta
from numbers import Integral
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np

from custseg.exceptions import SchemaError
from custseg.tables._columns import TransactionColumns

DAY = 86_400_000_000  # microseconds
EPOCH = datetime(1970, 1, 1)

# How pandas, NumPy and Python write a missing value when a column is made text.
_TEXT_FOR_MISSING = ["", "nan", "NaN", "None", "<NA>", "NaT"]


def open_table(tx, columns):
    """Take a pandas or polars frame through the border.

    Returns the eager narwhals frame, with a plain index, and a function that turns a
    narwhals frame into the kind that was given.
    """
    if not isinstance(columns, TransactionColumns):
        raise TypeError(
            f"columns must be a TransactionColumns. Got {type(columns).__name__} "
            "instead. Say with it which column is which."
        )
    _check_column_names(tx)
    frame = nw.from_native(tx, pass_through=True)
    known = isinstance(frame, nw.DataFrame | nw.LazyFrame)
    if not known or not (
        frame.implementation.is_pandas() or frame.implementation.is_polars()
    ):
        raise TypeError(
            "A transaction table must be a pandas or polars data frame. Got "
            f"{type(tx).__module__}.{type(tx).__qualname__} instead. Convert it first, "
            "e.g. with its to_pandas()."
        )
    lazy = isinstance(frame, nw.LazyFrame)
    if lazy:
        frame = frame.collect()
    _check_columns_are_there(frame, columns)
    return nw.maybe_reset_index(frame), _give_back_lazy if lazy else nw.to_native


def _give_back_lazy(frame):
    return frame.lazy().to_native()


def _check_column_names(tx):
    names = getattr(tx, "columns", None) if hasattr(tx, "iloc") else None
    if names is None or names.is_unique:
        return
    twice = sorted({str(name) for name in names[names.duplicated()]})
    raise SchemaError(
        f"Columns of a transaction table must have different names. Got {twice} more "
        "than once instead. Rename or drop the copies."
    )


def _check_columns_are_there(frame, columns):
    named = columns.named()
    there = frame.columns
    absent = [f"{name!r} ({role})" for role, name in named.items() if name not in there]
    if absent:
        raise SchemaError(
            "A transaction table must have the columns that TransactionColumns names. "
            f"Got a table without {', '.join(absent)} instead; it has "
            f"{', '.join(map(repr, there))}. Name the columns as they are in the table."
        )


def as_lines(frame, columns, numbers):
    """Columns of the table under fixed names, with their types checked.

    `numbers` are the parts that hold numbers, with the names of their columns.
    """
    schema = frame.schema
    _check_customer_type(columns.customer_id, schema[columns.customer_id])
    zone = zone_of(frame, columns.date)
    _check_date_type(columns.date, schema[columns.date], zone)
    parts = {
        "customer": nw.col(columns.customer_id),
        "date": nw.col(columns.date),
        "when": _wall_clock(nw.col(columns.date), zone),
    }
    keys = {"transaction": columns.transaction_id, "product": columns.product}
    keys = {part: name for part, name in keys.items() if name is not None}
    for part, name in keys.items():
        _check_key_type(part, name, frame)
        parts[part] = nw.col(name)
    for part, name in numbers.items():
        _check_number_type(name, schema[name])
        parts[part] = nw.col(name).cast(nw.Float64)
    lines = plain_numbers(frame.select(**parts), keys=("customer", "when", *keys))
    lines = lines.with_row_index("row")
    if "amount" not in numbers:
        lines = lines.with_columns(amount=nw.col("quantity") * nw.col("unit_price"))
    return lines


def number_columns(columns):
    """Roles that hold numbers and are used; a unit price is not, beside an amount."""
    named = columns.named()
    used = (
        ["quantity", "unit_price"] if columns.amount is None else ["amount", "quantity"]
    )
    return {role: named[role] for role in used if role in named}


def zone_of(frame, name):
    """Time zone of a column, a tzinfo; None where there is none.

    The type that pandas gives knows its zone where narwhals does not read its name.
    """
    zone = getattr(frame[name].to_native().dtype, "tz", None)
    zone = zone or getattr(frame.schema[name], "time_zone", None)
    return ZoneInfo(zone) if isinstance(zone, str) else zone


def _wall_clock(date, zone):
    """Microseconds since 1970 as the clock on the wall showed them."""
    if zone is not None:
        date = date.dt.replace_time_zone(None)
    return date.dt.timestamp("us")


def plain_numbers(frame, keys=()):
    """Give number columns, but for the keys, NumPy's own types where pandas has more.

    pandas' nullable types would otherwise run on through every figure.
    """
    if not frame.implementation.is_pandas():
        return frame
    types = {
        name: "int64" if dtype.is_integer() else "float64"
        for name, dtype in frame.schema.items()
        if dtype.is_numeric() and name not in keys
    }
    return nw.from_native(frame.to_native().astype(types), eager_only=True)


def missing(column, dtype):
    """Where a key is missing: null, not a number, blank text or text for missing."""
    is_missing = column.is_null()
    if dtype.is_float():
        is_missing = is_missing | column.is_nan()
    if isinstance(dtype, nw.String | nw.Categorical | nw.Enum):
        text = column.cast(nw.String).str.strip_chars()
        is_missing = is_missing | text.is_in(_TEXT_FOR_MISSING)
    return is_missing.fill_null(True)


def not_finite(column):
    """Where a number is null, not a number or infinite."""
    return column.is_null() | ~column.is_finite()


def impossible_date(zone):
    """Where a date stands for none: to 1900, from 2100, or the time clocks start."""
    when, start = nw.col("when"), on_the_wall(datetime(1970, 1, 1, tzinfo=UTC), zone)
    impossible = (
        (when < on_the_wall(datetime(1901, 1, 1), zone))
        | (when >= on_the_wall(datetime(2100, 1, 1), zone))
        | ((when >= 0) & (when < DAY))
        | (when == start)
    )
    return impossible.fill_null(False)


def settle_ids(ids, name):
    """Ids as integers or text; a float id becomes the integer that it stands for."""
    dtype = ids.dtype
    if dtype.is_float():
        values = ids.to_numpy().astype(float)
        limit = 2**24 if isinstance(dtype, nw.Float32) else 2**53
        bad = (values != np.floor(values)) | (np.abs(values) >= limit)
        if bad.any():
            raise SchemaError(
                f"Column {name!r} must hold whole numbers below 2**"
                f"{int(np.log2(limit))} when customer ids are {dtype}. Got "
                f"others in {np.count_nonzero(bad):,} rows instead. Read the column as "
                "integers or text, because a float cannot tell large ids apart."
            )
        return ids.cast(nw.Int64)
    if isinstance(dtype, nw.Object):
        return _settle_objects(ids, name)
    return ids


def _settle_objects(ids, name):
    values = ids.to_list()
    whole = all(isinstance(v, Integral) and not isinstance(v, bool) for v in values)
    if not whole or any(not -(2**63) <= v < 2**63 for v in values):
        kinds = sorted({type(v).__name__ for v in values})
        raise SchemaError(
            f"Column {name!r} must hold customer ids of one type, 64-bit integers or "
            f"text. Got objects of type {', '.join(kinds)} instead. Convert it first, "
            "e.g. with .astype(str)."
        )
    values = np.array(values, dtype=np.int64)
    return nw.new_series(ids.name, values, backend=ids.implementation)


def on_the_wall(time, zone):
    """Microseconds since 1970 that the clock on the wall of a zone shows at a time."""
    if time.tzinfo is not None and zone is not None:
        time = time.astimezone(zone)
    return (time.replace(tzinfo=None) - EPOCH) // timedelta(microseconds=1)


def _check_customer_type(name, dtype):
    kinds = nw.String | nw.Categorical | nw.Enum | nw.Object
    if not (dtype.is_integer() or dtype.is_float() or isinstance(dtype, kinds)):
        raise SchemaError(
            f"Column {name!r} must hold customer ids as integers or text. Got {dtype} "
            "instead. Convert it first."
        )


def _check_date_type(name, dtype, zone):
    if zone is not None or isinstance(dtype, nw.Date | nw.Datetime):
        return
    raise SchemaError(
        f"Column {name!r} must hold dates. Got {dtype} instead. Parse it first, e.g. "
        "with pandas.to_datetime or polars.Expr.str.to_datetime; one column holds "
        "dates of one time zone, or all without."
    )


def _check_number_type(name, dtype):
    if not dtype.is_numeric():
        raise SchemaError(
            f"Column {name!r} must hold numbers. Got {dtype} instead. Parse it first, "
            "e.g. with pandas.to_numeric or polars.Expr.cast(polars.Float64)."
        )


def _check_key_type(part, name, frame):
    dtype = frame.schema[name]
    objects = isinstance(dtype, nw.Object) and frame.implementation.is_polars()
    if dtype.is_nested() or objects:
        raise SchemaError(
            f"Column {name!r} must hold one {part} a line, as text or a number. Got "
            f"{dtype} instead. Convert it first."
        )
