"""Lines and orders of a period, fit to be counted."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import narwhals as nw
import numpy as np

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
from custseg.tables._ids import (
    check_whole_ids,
    missing,
    n_present,
    not_whole,
    settled_ids,
)
from custseg.tables._lines import as_lines, impossible_dates, not_finite
from custseg.tables._questions import Question, bad_counts, refuse_bad, sums_of

_REMEDY = "Use clean_transactions, which drops and counts them."
_NUMBER_REMEDY = "Fill them in, or leave out what needs the column."
_KNOWN, _TOTAL, _LEAST = "known ", "total ", "least "


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
    if not figures["n_rows"]:
        raise DataQualityError(
            f"{table.what} must have at least one row. Got 0 rows instead. Check how "
            "it was read, and in the report of clean_transactions what was dropped."
        )
    if _is_suspect(figures, zone_of(table.frame, columns.date)):
        refuse_bad(table, table.figures(_counts, **plan), _ask, **plan)
    dtype = table.schema[columns.customer_id]
    check_whole_ids(columns.customer_id, dtype, figures.get("fraction"))
    if columns.currency is not None:
        _check_one_currency(columns.currency, figures)
    daily = not figures["timed"]
    n_ids = _named(figures, _KNOWN).get("transaction", figures["n_rows"])
    by_time = n_ids < figures["n_rows"]
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
    lines = _lines(frame, columns, numbers)
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
    for name in _returned(frame):
        questions[name, "a finite number"] = not_finite(nw.col(name))
        questions[name, "currency of 0 or more"] = nw.col(name) < 0
    asked = {Question(*one, _REMEDY): bad for one, bad in questions.items()}
    for role in numbers:
        if role not in amount:
            question = Question(named[role], "a finite number", _NUMBER_REMEDY)
            asked[question] = not_finite(nw.col(role))
    return lines, asked


def _lines(frame, columns, numbers):
    roles = ("transaction_id", "currency", *numbers)
    return as_lines(frame, columns, roles, _returned(frame))


def _returned(frame):
    there = frame.collect_schema().names()
    return ("returned_amount",) if "returned_amount" in there else ()


def _counts(frame, columns, numbers):
    """Count the lines that answer each question badly."""
    lines, questions = _ask(frame, columns, numbers)
    return lines.select(nw.len().alias("n_rows_sum"), *sums_of(bad_counts(questions)))


def _figures(frame, columns, numbers):
    """Read how far lines go, and sums that show whether any may be bad.

    Sizes add up to a finite number, of as many as there are lines, if all are finite.
    """
    lines = _lines(frame, columns, numbers)
    schema = lines.collect_schema()
    when = nw.col("when")
    found = {
        "n_rows_sum": nw.len(),
        "first_min": when.min(),
        "last_max": when.max(),
        "timed_max": (when % DAY).max(),
        f"{_KNOWN}date_sum": nw.col("date").count(),
    }
    for part in ("customer", "transaction"):
        if part in schema.names():
            found[f"{_KNOWN}{part}_sum"] = n_present(part, schema[part])
    fraction = not_whole(schema["customer"])
    if fraction is not None:
        found["fraction_sum"] = fraction.cast(nw.Int64).sum()
    if columns.currency is not None:
        code = nw.col("currency").fill_null("")
        found |= {"code_min": code.min(), "last_code_max": code.max()}
        found["no_code_sum"] = nw.col("currency").is_null().cast(nw.Int64).sum()
    for name in _returned(frame):
        found[f"{_LEAST}{name}_min"] = nw.col(name).min()
    for name in dict.fromkeys(("amount", *numbers, *_returned(frame))):
        found[f"{_KNOWN}{name}_sum"] = nw.col(name).count()
        found[f"{_TOTAL}{name}_sum"] = nw.col(name).abs().sum()
    return lines.select(**found)


def _is_suspect(figures, zone):
    """Tell whether some line may have no id, no possible date or no finite number."""
    n, first, last = figures["n_rows"], figures["first"], figures["last"]
    known = _named(figures, _KNOWN)
    known.pop("transaction", None)  # a line without one goes by its time
    if any(one < n for one in known.values()):
        return True
    late = on_the_wall(datetime(2100, 1, 1), zone)
    if first < max(31 * DAY, start_of_clocks(zone) + 1) or last >= late:
        return True
    totals = _named(figures, _TOTAL).values()
    if any(one is None or not np.isfinite(one) for one in totals):
        return True
    return any(one < 0 for one in _named(figures, _LEAST).values())


def _named(figures, kind):
    """Return the figures of one kind, by column."""
    return {k.removeprefix(kind): v for k, v in figures.items() if k.startswith(kind)}


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
    extra = _returned(frame)
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
    return orders.with_columns(is_order=(nw.col("kept") > 0).cast(nw.Int64))
