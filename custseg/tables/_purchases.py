"""Lines and orders of a period, fit to be counted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import narwhals as nw

from custseg.exceptions import DataQualityError
from custseg.tables._clock import (
    DAY,
    EPOCH,
    on_the_wall,
    read_end,
    start_of_clocks,
    with_clock,
    zone_of,
)
from custseg.tables._ids import check_whole_ids, missing, not_whole, settled_ids
from custseg.tables._lines import as_lines, impossible_dates, not_finite
from custseg.tables._questions import Question, bad_counts, refuse_bad, sums_of

_REMEDY = "Use clean_transactions, which drops and counts them."
_NUMBER_REMEDY = "Fill them in, or leave out what needs the column."
_DATES_PLACE = 2  # of the question whether dates are impossible


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
    first, last : int
        The first and the last microsecond of the table.
    """

    reference: int
    limit: int
    daily: bool
    by_time: bool
    first: int
    last: int


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
    refuse_bad(table, figures, _ask, **plan)
    dtype = table.schema[columns.customer_id]
    check_whole_ids(columns.customer_id, dtype, figures.get("fraction"))
    if columns.currency is not None:
        _check_one_currency(columns.currency, figures)
    daily = not figures["timed"]
    by_time = bool(figures.get("no_id", 0))
    first, last = figures["first"], figures["last"]
    if end is None:
        return Period(last, last, daily, by_time, first, last)
    limit, reference = read_end(end, name, zone_of(table.frame, columns.date))
    if daily:
        reference = limit = limit - limit % DAY
    if first > limit:
        raise DataQualityError(
            f"{name} must not come before the first line of the table. Got {end!r} "
            "instead. Check the year, and the order of day and month."
        )
    return Period(reference, limit, daily, by_time, first, last)


def _ask(frame, columns, numbers):
    """Return lines, and what none of them may be like."""
    there = frame.collect_schema().names()
    extra = ("returned_amount",) if "returned_amount" in there else ()
    roles = ("transaction_id", "currency", *numbers)
    lines = as_lines(frame, columns, roles, extra)
    schema, named = lines.collect_schema(), columns.named()
    ancient, epoch, distant = impossible_dates(zone_of(lines, "date")).values()
    years = "a date of the years 1901 to 2099, and not of January 1970,"
    questions = {
        (columns.customer_id, "a customer id"): missing(
            nw.col("customer"), schema["customer"]
        ),
        (columns.date, "a date"): nw.col("date").is_null(),
        (columns.date, years): ancient | epoch | distant,
    }
    amount = ("amount",) if columns.amount else ("quantity", "unit_price")
    for role in amount:
        questions[named[role], "a finite number"] = not_finite(nw.col(role))
    for name in extra:
        questions[name, "a finite number"] = not_finite(nw.col(name))
        questions[name, "currency of 0 or more"] = nw.col(name) < 0
    asked = {Question(*one, _REMEDY): bad for one, bad in questions.items()}
    for role in numbers:
        if role not in amount:
            question = Question(named[role], "a finite number", _NUMBER_REMEDY)
            asked[question] = not_finite(nw.col(role))
    return lines, asked


def _is_suspect(figures, zone):
    """Tell whether the first or the last date may stand for none."""
    first, last = figures["first"], figures["last"]
    if first is None:
        return False
    late = on_the_wall(datetime(2100, 1, 1), zone)
    return first < max(31 * DAY, start_of_clocks(zone) + 1) or last >= late


def _figures(frame, columns, numbers, dates=False):
    """Count what no line may be like; impossible dates only if they are asked for."""
    lines, questions = _ask(frame, columns, numbers)
    schema = lines.collect_schema()
    counts = bad_counts(questions, () if dates else (_DATES_PLACE,))
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
        *sums_of(counts),
    )


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


def purchase_lines(frame, columns, period, roles=(), keep=()):
    """Lines of the period, with what was kept, paid and returned of each.

    `keep` are columns that stay as they are.
    """
    there = frame.collect_schema().names()
    extra = ("returned_amount",) if "returned_amount" in there else ()
    lines = as_lines(frame, columns, ("transaction_id", *roles), extra, keep)
    lines = settled_ids(lines, columns.customer_id)
    kept = nw.when(nw.col("amount") > 0).then(nw.col("amount")).otherwise(0.0)
    # A query may run when there are more lines; those of pandas are here, and copied.
    if period.last > period.limit or not lines.implementation.is_pandas():
        lines = lines.filter(_until(lines, period.limit))
    lines = lines.with_columns(kept=kept)
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
    lines = lines.with_columns(
        transaction=nw.when(~absent).then(nw.col("transaction")),
        own_time=nw.when(absent).then(nw.col("when")).otherwise(0),
    )
    return lines, ["customer", "transaction", "own_time"]


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
