"""Lines of a transaction table under fixed names, and what they must be like.

A line has `customer`, `date` as given, `when` (microseconds of wall-clock time in the
column's own zone), `amount` and, where they are asked for, `transaction`, `product`
and the other roles of `TransactionColumns` under their own names. A line fit to be
counted has also `kept`, `paid` and `returned`, in currency.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from numbers import Integral

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._clock import (
    DAY,
    EPOCH,
    on_the_wall,
    read_end,
    start_of_clocks,
    with_clock,
    zone_of,
)
from custseg.tables._columns import TransactionColumns
from custseg.tables._open import ROW, open_table

# How pandas, NumPy and Python write a missing value when a column is made text.
_TEXT_FOR_MISSING = ["", "nan", "NaN", "None", "<NA>", "NaT"]
_NO = ("", "nan", "none", "<na>", "nat", "no", "n", "false", "f", "0")

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
_WHEN = "_custseg_when"
_PARTS = {"customer_id": "customer", "transaction_id": "transaction"}


def open_transactions(tx, columns):
    """Take a transaction table through the border, and see that its columns are there.

    Returns the table and the columns; an `amount` that cleaning has made is among
    them.
    """
    if not isinstance(columns, TransactionColumns):
        raise TypeError(
            f"columns must be a TransactionColumns. Got {type(columns).__name__} "
            "instead. Say with it which column is which."
        )
    table = open_table(tx)
    named, there = columns.named(), table.columns
    absent = [f"{name!r} ({role})" for role, name in named.items() if name not in there]
    if absent:
        raise SchemaError(
            "A transaction table must have the columns that TransactionColumns names. "
            f"Got a table without {', '.join(absent)} instead; it has "
            f"{', '.join(map(repr, there))}. Name the columns as they are in the table."
        )
    return table, columns


def after_cleaning(columns, there):
    """Columns of a table that may have been cleaned: its `amount` is what was kept."""
    if columns.amount is None and "amount" in there:
        return replace(columns, amount="amount")
    return columns


# -- columns under fixed names ---------------------------------------------------------


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


def check_customer_type(name, dtype):
    kinds = nw.String | nw.Categorical | nw.Enum | nw.Object
    if not (dtype.is_integer() or dtype.is_float() or isinstance(dtype, kinds)):
        raise SchemaError(
            f"Column {name!r} must hold customer ids as integers or text. Got {dtype} "
            "instead. Convert it first."
        )


def check_date_type(name, frame):
    """Raise if a column holds no dates."""
    dtype = frame.collect_schema()[name]
    if isinstance(dtype, nw.Date | nw.Datetime) or zone_of(frame, name) is not None:
        return
    how = (
        "Parse it first, e.g. with pandas.to_datetime or "
        "polars.Expr.str.to_datetime; one column holds dates of one time zone, or all "
        "without."
    )
    if dtype.is_numeric():
        how = (
            "Say what the numbers count: pandas.to_datetime(..., unit='s'), or 'ms', "
            "'us' or 'ns', for time since 1970, and format='%Y%m%d' for 20241231."
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
        holds = column > 0
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
        number = nw.when(there).then(column).otherwise(0.0)
        whole = number.cast(nw.Int64).cast(nw.String)
        text = nw.when(number % 1 == 0).then(whole).otherwise(number.cast(nw.String))
        return nw.when(there).then(text)
    text = column.cast(nw.String).str.strip_chars()
    return nw.when(~text.is_in(_TEXT_FOR_MISSING)).then(text)


def _plain(lines, numbers):
    """Give number columns NumPy's own types where pandas has more.

    pandas' nullable types would otherwise run on through every figure.
    """
    if not lines.implementation.is_pandas():
        return lines
    types = {name: "int64" if name == ROW else "float64" for name in numbers}
    return nw.from_native(lines.to_native().astype(types)).lazy()


# -- what is missing or impossible -----------------------------------------------------


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


def impossible_dates(zone):
    """Return the rules of dates that stand for none, as expressions on `when`."""
    when = nw.col("when")
    early = on_the_wall(datetime(1901, 1, 1), zone)
    late = on_the_wall(datetime(2100, 1, 1), zone)
    clocks = start_of_clocks(zone)
    rules = {
        "ancient_date": when < early,
        "epoch_date": ((when >= 0) & (when < 31 * DAY)) | (when == clocks),
        "distant_date": when >= late,
    }
    return {rule: holds.fill_null(False) for rule, holds in rules.items()}


# -- ids -------------------------------------------------------------------------------


def settled_ids(lines, name):
    """Make ids integers or text; a float id becomes the integer that it stands for.

    `float_limit` says from where on floats cannot tell ids apart. Ids are not missing
    any more.
    """
    dtype = lines.collect_schema()["customer"]
    if dtype.is_float():
        return lines.with_columns(nw.col("customer").cast(nw.Int64))
    if isinstance(dtype, nw.Object):
        ids = lines.collect()["customer"]
        return lines.with_columns(_settled_objects(ids, name))
    return lines


def not_whole(dtype):
    """Where a float id stands for no integer; None for ids that are no floats."""
    if not dtype.is_float():
        return None
    column = nw.col("customer").cast(nw.Float64)
    limit = float(float_limit(dtype))
    fraction = ((column % 1) != 0) | (column >= limit) | (column <= -limit)
    return fraction & ~column.is_nan()


def float_limit(dtype):
    """From where on floats cannot tell integers apart."""
    return 2**24 if isinstance(dtype, nw.Float32) else 2**53


def check_whole_ids(name, dtype, n_bad):
    """Raise if float ids stand for no integers."""
    if n_bad:
        raise SchemaError(
            f"Column {name!r} must hold whole numbers below 2**"
            f"{int(np.log2(float_limit(dtype)))} when customer ids are {dtype}. Got "
            f"others in {n_bad:,} rows instead. Read the column as integers or text, "
            "because a float cannot tell large ids apart."
        )


def _settled_objects(ids, name):
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


# -- lines fit to be counted -----------------------------------------------------------


@dataclass(frozen=True)
class Period:
    """What of a table counts, and from where times are counted.

    Attributes
    ----------
    reference : int
        Where recency is counted from, in microseconds.
    limit : int
        The last microsecond that counts.
    daily : bool
        Whether all times are midnight.
    by_time : bool
        Whether some lines have no transaction id, and go by their time.
    first : int
        The first microsecond of the table.
    """

    reference: int
    limit: int
    daily: bool
    by_time: bool
    first: int


def observed_period(table, columns, end, name="observation_period_end", numbers=()):
    """Read a table once: refuse what cleaning settles, and find the period.

    `name` is that of the parameter, for errors; `numbers` are roles that must hold
    finite numbers beside the amount.
    """
    plan = {"columns": columns, "numbers": tuple(numbers)}
    figures = table.figures(_figures, **plan)
    if _is_suspect(figures, zone_of(table.frame, columns.date)):
        figures = table.figures(_figures, dates=True, **plan)
    if not figures["n_rows"]:
        raise DataQualityError(
            f"{table.what} must have at least one row. Got 0 rows instead. Check how "
            "it was read, and in the report of clean_transactions what was dropped."
        )
    _refuse_unsettled(table, columns, figures, tuple(numbers))
    daily = not figures["timed"]
    by_time = bool(figures.get("no_id", 0))
    if end is None:
        last = figures["last"]
        return Period(last, last, daily, by_time, figures["first"])
    limit, reference = read_end(end, name, zone_of(table.frame, columns.date))
    if daily:
        reference = limit = limit - limit % DAY
    if figures["first"] > limit:
        raise DataQualityError(
            f"{name} must not come before the first line of the table. Got {end!r} "
            "instead. Check the year, and the order of day and month."
        )
    return Period(reference, limit, daily, by_time, figures["first"])


_DATES_PLACE = 2  # of the question whether dates are impossible


def _questions(lines, columns, numbers):
    """Return what no line may be like, by name of the column and what it must hold."""
    schema = lines.collect_schema()
    named = columns.named()
    ancient, epoch, distant = impossible_dates(zone_of(lines, "date")).values()
    questions = {
        (columns.customer_id, "a customer id"): missing(
            nw.col("customer"), schema["customer"]
        ),
        (columns.date, "a date"): nw.col("date").is_null(),
        (columns.date, "a date of the years 1901 to 2099, and not of January 1970,"): (
            ancient | epoch | distant
        ),
    }
    amount = ("amount",) if columns.amount else ("quantity", "unit_price")
    for role in (*amount, *numbers):
        questions[named[role], "a finite number"] = not_finite(nw.col(role))
    if "returned_amount" in schema.names():
        name = "returned_amount"
        questions[name, "a finite number"] = not_finite(nw.col(name))
        questions[name, "currency of 0 or more"] = nw.col(name) < 0
    return questions


def _checked_lines(frame, columns, numbers):
    there = frame.collect_schema().names()
    extra = ("returned_amount",) if "returned_amount" in there else ()
    return as_lines(frame, columns, ("transaction_id", "currency", *numbers), extra)


def _is_suspect(figures, zone):
    """Tell whether the first or the last date may stand for none."""
    first, last = figures["first"], figures["last"]
    if first is None:
        return False
    late = on_the_wall(datetime(2100, 1, 1), zone)
    return first < max(31 * DAY, start_of_clocks(zone) + 1) or last >= late


def _figures(frame, columns, numbers, dates=False):
    """Count what no line may be like; impossible dates only if they are asked for."""
    lines = _checked_lines(frame, columns, numbers)
    schema = lines.collect_schema()
    counts = {
        f"bad_{place}_sum": bad
        for place, bad in enumerate(_questions(lines, columns, numbers).values())
        if dates or place != _DATES_PLACE
    }
    if "transaction" in schema.names():
        counts["no_id_sum"] = missing(nw.col("transaction"), schema["transaction"])
    counts["timed_sum"] = nw.col("when") % DAY != 0
    fraction = not_whole(schema["customer"])
    if fraction is not None:
        counts["fraction_sum"] = fraction
    extremes = []
    if columns.currency is not None:
        code = nw.col("currency").fill_null("")
        extremes = [code.min().alias("code_min"), code.max().alias("last_code_max")]
        counts["no_code_sum"] = nw.col("currency").is_null()
    return lines.select(
        *extremes,
        nw.len().alias("n_rows_sum"),
        nw.col("when").min().alias("first_min"),
        nw.col("when").max().alias("last_max"),
        *(
            holds.fill_null(False).cast(nw.Int64).sum().alias(name)
            for name, holds in counts.items()
        ),
    )


def _refuse_unsettled(table, columns, figures, numbers):
    """Raise for what cleaning drops and counts."""
    lines = _checked_lines(table.frame, columns, numbers)
    n_rows = figures["n_rows"]
    for place, (name, constraint) in enumerate(_questions(lines, columns, numbers)):
        n_bad = figures.get(f"bad_{place}")
        if n_bad:
            where = _where(table, place, columns, numbers)
            raise DataQualityError(
                f"Column {name!r} must hold {constraint} in every row. Got "
                f"{n_bad:,} of {n_rows:,} rows without instead{where}. Use "
                "clean_transactions, which drops and counts them."
            )
    dtype = lines.collect_schema()["customer"]
    check_whole_ids(columns.customer_id, dtype, figures.get("fraction"))
    if columns.currency is not None:
        _check_one_currency(columns.currency, figures)


def _check_one_currency(name, figures):
    if figures["no_code"] or figures["code"] != figures["last_code"]:
        found = "several"
        if figures["no_code"]:
            found = f"none in {figures['no_code']:,} of {figures['n_rows']:,} rows"
        raise DataQualityError(
            f"Column {name!r} must hold one currency in every row. Got {found} "
            "instead. Convert the amounts to one currency first, at the rates of "
            "their days."
        )


def _where(table, place, columns, numbers):
    """Name the first rows, where rows have an order."""
    if not table.ordered:
        return ""
    table = table.with_rows()
    found = table.rows(_bad_rows, place=place, columns=columns, numbers=numbers)
    rows = sorted(int(row[ROW]) for row in found)
    return f" (row {', '.join(map(str, rows[:5]))}{', ...' * (len(rows) > 5)})"


def _bad_rows(frame, place, columns, numbers):
    lines = _checked_lines(frame, columns, numbers)
    bad = list(_questions(lines, columns, numbers).values())[place]
    return lines.filter(bad).select(ROW).head(6)


def purchase_lines(frame, columns, period, roles=(), keep=()):
    """Lines of the period, with what was kept, paid and returned of each.

    `keep` are columns that stay as they are.
    """
    there = frame.collect_schema().names()
    extra = ("returned_amount",) if "returned_amount" in there else ()
    lines = as_lines(frame, columns, ("transaction_id", *roles), extra, keep)
    lines = settled_ids(lines, columns.customer_id)
    kept = nw.when(nw.col("amount") > 0).then(nw.col("amount")).otherwise(0.0)
    lines = lines.filter(_until(lines, period.limit)).with_columns(kept=kept)
    returned = nw.col("kept") - nw.col("amount")
    if not extra:  # what was paid is what was kept
        return lines.with_columns(returned=returned)
    taken_off = nw.col("returned_amount")
    return lines.with_columns(
        paid=nw.col("kept") + taken_off, returned=returned + taken_off
    )


def _until(lines, limit):
    """Tell lines until a time; engines compare plain dates in their files."""
    dtype = lines.collect_schema()["date"]
    plain = isinstance(dtype, nw.Datetime) and zone_of(lines, "date") is None
    if plain and not lines.implementation.is_pandas():
        return nw.col("date") <= EPOCH + timedelta(microseconds=limit)
    return nw.col("when") <= limit


def order_keys(lines, period):
    """Lines, and the columns that tell orders apart; one without an id has its time."""
    schema = lines.collect_schema()
    if "transaction" not in schema.names():
        return lines, ["customer", "when"]
    if not period.by_time:
        return lines, ["customer", "transaction"]
    absent = missing(nw.col("transaction"), schema["transaction"])
    own_time = nw.when(absent).then(nw.col("when")).otherwise(0)
    return lines.with_columns(own_time=own_time), [
        "customer",
        "transaction",
        "own_time",
    ]


def orders_of(lines, period, sums=(), least=(), most=()):
    """One row per order: its date, and sums and extremes of columns of its lines.

    What was kept, paid and returned is always among the sums. `order_time` is in
    microseconds; `is_order` is 1 if something was kept, else 0.
    """
    has_paid = "paid" in lines.collect_schema().names()
    own = ("kept", "paid", "returned") if has_paid else ("kept", "returned")
    lines, keys = order_keys(lines, period)
    orders = lines.group_by(keys).agg(
        nw.col("date").min().alias("order_date"),
        *(nw.col(name).sum() for name in (*own, *sums)),
        *(nw.col(name).min() for name in least),
        *(nw.col(name).max() for name in most),
    )
    orders = with_clock(orders, "order_date", "order_time")
    if not has_paid:
        orders = orders.with_columns(paid=nw.col("kept"))
    return orders.with_columns(is_order=(nw.col("kept") > 0).cast(nw.Int64))
