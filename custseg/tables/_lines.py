"""Lines of a transaction table under fixed names, and what they must be like.

A line has `customer`, `date` as given, `when` (microseconds of wall-clock time in the
column's own zone), `amount` and, where they are asked for, `transaction`, `product`
and the other roles of `TransactionColumns` under their own names. A line fit to be
counted has also `kept`, `paid` and `returned`, in currency.
"""

from dataclasses import replace
from datetime import datetime

import narwhals as nw

from custseg.exceptions import SchemaError
from custseg.tables._clock import DAY, on_the_wall, start_of_clocks, with_clock, zone_of
from custseg.tables._columns import TransactionColumns
from custseg.tables._ids import TEXT_FOR_MISSING, check_customer_type
from custseg.tables._open import ROW
from custseg.tables._roles import open_with_roles

NUMBERS = (
    "amount",
    "quantity",
    "unit_price",
    "unit_cost",
    "list_price",
    "discount",
    "pack_size",
)

FLAGS = ("promotion", "standing")

LEVELS = ("category", "channel", "contact", "currency")

DATES = ("promised", "delivered")

_NO = ("", "nan", "none", "<na>", "nat", "no", "n", "false", "f", "0")

_WHEN = "_custseg_when"

_PARTS = {"customer_id": "customer", "transaction_id": "transaction"}


def open_transactions(tx, columns):
    """Take a transaction table through the border, and see that its columns are there.

    Returns the table and the columns.
    """
    what = "A transaction table"
    return open_with_roles(tx, columns, TransactionColumns, what), columns


def after_cleaning(columns, there):
    """Columns of a table that may have been cleaned: its `amount` is what was kept."""
    if columns.amount is None and "amount" in there:
        return replace(columns, amount="amount")
    return columns


def as_lines(frame, columns, roles=(), extra=(), keep=()):
    """Columns of the table under fixed names, with their types checked.

    `roles` are those wanted beside the customer, the date and the amount; `extra` are
    columns of numbers that keep their own names, `keep` columns that stay as they are.
    """
    if ROW in frame.collect_schema().names() and ROW not in keep:
        extra = (*extra, ROW)
    frame = with_clock(_checked(frame, columns, roles), columns.date, _WHEN)
    named = columns.named()
    dates = [role for role in DATES if role in roles and role in named]
    for role in dates:
        frame = with_clock(frame, named[role], f"{_WHEN}_{role}")
    schema = frame.collect_schema()
    parts = {"date": nw.col(columns.date), "when": nw.col(_WHEN)}
    numbers = list(extra)
    for role in wanted_roles(columns, roles):
        part, name = _PARTS.get(role, role), named[role]
        parts[part] = nw.col(name)
        if role in DATES:
            parts[part] = nw.col(f"{_WHEN}_{role}")
        elif role in NUMBERS:
            numbers.append(part)
            parts[part] = nw.col(name).cast(nw.Float64)
        elif role in FLAGS:
            parts[part] = plain_flag(nw.col(name), schema[name])
        elif role in LEVELS:
            parts[part] = plain_level(nw.col(name), schema[name])
    parts |= {name: nw.col(name) for name in (*extra, *keep)}
    lines = _plain(frame.select(**parts), numbers)
    if columns.amount is None:
        amount = nw.col("quantity") * nw.col("unit_price")
        lines = lines.with_columns(amount=amount)
    return lines


def wanted_roles(columns, roles=()):
    """Roles that are used: those asked for, and what the amount is made of."""
    amount = ("quantity", "unit_price") if columns.amount is None else ("amount",)
    wanted = {"customer_id", *amount, *roles}
    return [role for role in columns.named() if role in wanted and role != "date"]


def _checked(frame, columns, roles):
    """Return the frame if its columns have the types that they must have."""
    schema, named = frame.collect_schema(), columns.named()
    check_customer_type(columns.customer_id, schema[columns.customer_id])
    dates = [role for role in DATES if role in roles and role in named]
    for role in ("date", *dates):
        check_date_type(named[role], frame)
    _check_one_zone([named[role] for role in dates], frame)
    for role in wanted_roles(columns, roles):
        dtype, name = schema[named[role]], named[role]
        if role in NUMBERS and not dtype.is_numeric():
            raise SchemaError(
                f"Column {name!r} must hold numbers. Got {dtype} instead. Parse it "
                "first, e.g. with pandas.to_numeric or "
                "polars.Expr.cast(polars.Float64)."
            )
        objects = isinstance(dtype, nw.Object) and not frame.implementation.is_pandas()
        if role not in NUMBERS and (dtype.is_nested() or objects):
            raise SchemaError(
                f"Column {name!r} must hold one {_PARTS.get(role, role)} a line, as "
                f"text or a number. Got {dtype} instead. Convert it first."
            )
    return frame


def check_date_type(name, frame):
    """Raise if a column holds no dates."""
    dtype = frame.collect_schema()[name]
    if isinstance(dtype, nw.Date | nw.Datetime) or zone_of(frame, name) is not None:
        return
    how = (
        "Parse it first, e.g. with pandas.to_datetime, polars.Expr.str.to_datetime or "
        "SQL's CAST; one column holds dates of one time zone, or all without."
    )
    if dtype.is_numeric():
        how = (
            "Say what the numbers count: pandas.to_datetime(..., unit='s'), or 'ms', "
            "'us' or 'ns', for time since 1970, and format='%Y%m%d' for 20241231 made "
            "text."
        )
    raise SchemaError(f"Column {name!r} must hold dates. Got {dtype} instead. {how}")


def _check_one_zone(names, frame):
    """Raise if dates of which the days are compared have different time zones."""
    zones = {name: zone_of(frame, name) for name in names}
    found = {str(zone) for zone in zones.values() if zone is not None}
    if len(found) > 1:
        raise SchemaError(
            f"Columns {' and '.join(map(repr, names))} must have one time zone, so "
            f"that their days can be compared. Got {' and '.join(sorted(found))} "
            "instead. Convert one of them, e.g. with dt.tz_convert."
        )


def plain_flag(column, dtype):
    """Return 1 where something holds and 0 where not."""
    if isinstance(dtype, nw.Boolean):
        holds = column
    elif dtype.is_numeric():
        number = column.cast(nw.Float64)
        holds = (number > 0) & ~number.is_nan()  # which some engines call the largest
    else:
        text = column.cast(nw.String).str.strip_chars().str.to_lowercase()
        holds = ~text.is_in(list(_NO)) & ~column.is_null()
    return holds.fill_null(False).cast(nw.Int64)


def plain_level(column, dtype):
    """Return a level as plain text, missing where it stands for none."""
    if isinstance(dtype, nw.Boolean):
        return (
            nw.when(column)
            .then(nw.lit("true"))
            .otherwise(nw.when(~column).then(nw.lit("false")))
        )
    if dtype.is_float():
        # pandas makes floats of whole numbers with gaps; "1" and not "1.0" is meant.
        there = column.is_finite().fill_null(False)
        number = nw.when(there & (column.abs() < 2**53)).then(column).otherwise(0.5)
        whole = number.floor()
        text = nw.when(number == whole).then(whole.cast(nw.Int64).cast(nw.String))
        return nw.when(there).then(text.otherwise(column.cast(nw.String)))
    text = column.cast(nw.String).str.strip_chars()
    return nw.when(~text.is_in(TEXT_FOR_MISSING)).then(text)


def _plain(lines, numbers):
    """Give number columns NumPy's own types where pandas has more.

    pandas' nullable types would otherwise run on through every figure.
    """
    if not lines.implementation.is_pandas():
        return lines
    types = {name: "int64" if name == ROW else "float64" for name in numbers}
    return nw.from_native(lines.to_native().astype(types)).lazy()


def not_finite(column):
    """Where a number is null, not a number or infinite."""
    return column.is_null() | ~column.is_finite()


def impossible_dates(zone, column="when"):
    """Return the rules of dates that stand for none, as expressions on a column."""
    when = nw.col(column)
    early = on_the_wall(datetime(1901, 1, 1), zone)
    late = on_the_wall(datetime(2100, 1, 1), zone)
    clocks = start_of_clocks(zone)
    rules = {
        "ancient_date": when < early,
        "epoch_date": ((when >= 0) & (when < 31 * DAY)) | (when == clocks),
        "distant_date": when >= late,
    }
    return {rule: holds.fill_null(False) for rule, holds in rules.items()}
