"""One row per customer: how recently, how often, for how much, how regularly."""

from dataclasses import replace
from datetime import date, datetime, time

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._lines import (
    DAY,
    as_lines,
    impossible_date,
    missing,
    not_finite,
    number_columns,
    on_the_wall,
    open_table,
    plain_numbers,
    settle_ids,
    zone_of,
)


def summarize_transactions(tx, columns, *, observation_period_end=None):
    """Make one row per customer of cleaned transactions.

    Parameters
    ----------
    tx : pandas.DataFrame or polars.DataFrame
        Transaction table, as `clean_transactions` gives it back. It is not changed.
        Where `columns.amount` is None, the column `amount` that cleaning adds is
        the currency of a line, or quantity times unit price if there is none.
    columns : TransactionColumns
        Which column is which.
    observation_period_end : str, date, datetime or pandas.Timestamp, default=None
        Until when customers were observed; what comes after is left out. A date
        without a time, or a time of midnight, means the end of that day, inclusive.
        Text is read as ISO 8601. None takes the latest date of `tx` as it is given,
        never today; after returns were netted or dropped, that is the latest date of
        a purchase line. To count to the latest date before cleaning, give
        `report.last_date` of the report of `clean_transactions`. An end without a
        time zone is read in the zone of the date column.

    Returns
    -------
    customers : same kind as `tx`
        One row per customer, ordered by `customer_id`:

        - `customer_id`: as given;
        - `recency`: float, days from the last order to the end;
        - `frequency`: int, number of orders;
        - `monetary_value`: float, mean currency kept per order (0 without orders);
        - `monetary_total`: float, currency kept;
        - `tenure`: float, days from the first order to the end;
        - `first_date`, `last_date`: dates of the first and last order;
        - `gap_mean`: float, mean days between orders, missing with one order;
        - `gap_sd`: float, sample standard deviation of the days between orders,
          missing with fewer than three orders;
        - `n_products`: int, distinct products of which something was kept (only
          when `columns.product` is given);
        - `return_share`: float, returned currency over purchased currency, missing
          if nothing was purchased for money.

    Raises
    ------
    SchemaError
        If a column is missing, occurs twice or has the wrong type, or if the end has
        a time zone and the dates have none.
    DataQualityError
        If customer ids, dates or amounts are missing or impossible, which
        `clean_transactions` settles; if the table has no rows; or if none is on or
        before the end.
    ValueError
        If `observation_period_end` cannot be read as a date.
    TypeError
        If `observation_period_end` is of another type.

    Notes
    -----
    An order is the lines of one customer with one transaction id; without
    transaction ids, the lines of one customer at one date (or date and time). Its
    date is its earliest line. Only an order of which something was kept (an amount
    above zero) counts for dates, recency, tenure, frequency and gaps. A customer
    whose orders were all returned stays, with frequency 0, monetary figures 0 and
    return share 1, the rest missing. A customer whose lines all come after the end is
    not in the table.

    Negative lines, which `clean_transactions(returns="separate")` keeps, count as
    returned currency and not in the monetary figures. The share can then exceed 1,
    when something was returned that had been bought before the table begins.

    If all times of the table are midnight, or the column holds dates, an order
    counts as the end of its day, and so does the end whatever its time: an order on
    the day of the end has recency 0, one on the day before 1. With times, an order
    at 18:00 on the last day, observed to the end of that day, has recency 0.25.
    Days are those of the clock on the wall in the column's own time zone, so a day
    on which the clocks change is one day as well.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import TransactionColumns, summarize_transactions
    >>> tx = pd.DataFrame({
    ...     "customer_id": ["a", "a", "a", "b"],
    ...     "date": pd.to_datetime(
    ...         ["2024-01-01", "2024-01-03", "2024-01-09", "2024-01-10"]),
    ...     "eur": [30.0, 10.0, 20.0, 5.0],
    ... })
    >>> customers = summarize_transactions(
    ...     tx, TransactionColumns(amount="eur"), observation_period_end="2024-01-10")
    >>> customers[["customer_id", "recency", "frequency", "monetary_value", "gap_mean"]]
      customer_id  recency  frequency  monetary_value  gap_mean
    0           a      1.0          3            20.0       4.0
    1           b      0.0          1             5.0       NaN

    A return on the 30th is netted, and its line with it. The observation lasted until
    then all the same:

    >>> from custseg.tables import clean_transactions
    >>> tx.loc[4] = ["a", pd.Timestamp("2024-01-30"), -20.0]
    >>> columns = TransactionColumns(amount="eur")
    >>> table, report = clean_transactions(tx, columns)
    >>> summarize_transactions(table, columns)["recency"].tolist()
    [7.0, 0.0]
    >>> summarize_transactions(
    ...     table, columns, observation_period_end=report.last_date)["recency"].tolist()
    [27.0, 20.0]
    """
    frame, give_back = open_table(tx, columns)
    lines = purchase_lines(frame, columns)
    end, limit = observation_end(lines, observation_period_end)
    lines = lines.filter(nw.col("when") <= limit)
    if lines.is_empty():
        raise DataQualityError(
            "observation_period_end must not come before the first line of the table. "
            f"Got {observation_period_end!r} instead. Check the year, and the order of "
            "day and month."
        )
    customers = _customers(orders_of(lines))
    if "product" in lines.columns:
        customers = customers.join(_breadth(lines), on="customer", how="left")
    figures = _figures(customers, end).sort("customer_id")
    return give_back(
        nw.maybe_reset_index(plain_numbers(figures, keys=("customer_id",)))
    )


def purchase_lines(frame, columns):
    """Lines fit to be counted, with what was kept, paid and returned of each."""
    if frame.is_empty():
        raise DataQualityError(
            "A transaction table must have at least one row. Got 0 rows instead. Check "
            "how it was read, and in the report of clean_transactions what was dropped."
        )
    if columns.amount is None and "amount" in frame.columns:
        columns = replace(columns, amount="amount", quantity=None, unit_price=None)
    numbers = number_columns(columns)
    if "returned_amount" in frame.columns:
        numbers["returned_amount"] = "returned_amount"
    lines = as_lines(frame, columns, numbers)
    _refuse_unsettled(lines, columns, numbers)
    # No date is missing from here on, so that times fit NumPy's integers.
    lines = plain_numbers(lines, keys=("customer", "transaction", "product"))
    ids = settle_ids(lines["customer"], columns.customer_id)
    taken_off = (
        nw.col("returned_amount") if "returned_amount" in numbers else nw.lit(0.0)
    )
    kept = nw.when(nw.col("amount") > 0).then(nw.col("amount")).otherwise(0.0)
    return lines.with_columns(ids, kept=kept).with_columns(
        paid=nw.col("kept") + taken_off,
        returned=nw.col("kept") - nw.col("amount") + taken_off,
    )


def _refuse_unsettled(lines, columns, numbers):
    """Raise for what cleaning drops and counts."""
    schema = lines.schema
    questions = {
        (columns.customer_id, "a customer id"): missing(
            nw.col("customer"), schema["customer"]
        ),
        (columns.date, "a date"): nw.col("date").is_null(),
        (columns.date, "a date of the years 1901 to 2099, and not 1970-01-01,"): (
            impossible_date(zone_of(lines, "date"))
        ),
    }
    for part, name in numbers.items():
        questions[name, "a finite number"] = not_finite(nw.col(part))
    if "returned_amount" in numbers:
        below = nw.col("returned_amount") < 0
        questions["returned_amount", "currency of 0 or more"] = below
    for (name, constraint), bad in questions.items():
        rows = np.flatnonzero(lines.select(bad=bad)["bad"].to_numpy().astype(bool))
        if len(rows):
            where = ", ".join(map(str, rows[:5])) + ", ..." * (len(rows) > 5)
            raise DataQualityError(
                f"Column {name!r} must hold {constraint} in every row. Got "
                f"{len(rows):,} of {len(lines):,} rows without instead (row {where}). "
                "Use clean_transactions, which drops and counts them."
            )


def observation_end(lines, end, name="observation_period_end"):
    """Time that recency runs to, and the last time that counts, in microseconds.

    `name` is that of the parameter, for errors.
    """
    when = lines["when"]
    daily = not (when % DAY != 0).any()
    if end is None:
        last = int(when.max())
        return last, last
    end, zone = _read_end(end, name), zone_of(lines, "date")
    if end.tzinfo is not None and zone is None:
        raise SchemaError(
            f"{name} must have no time zone when the date column has none. Got the "
            f"zone {end.tzinfo} instead. Leave the zone out, or give the column its "
            "zone."
        )
    reference = limit = on_the_wall(end, zone)
    if end.time() == time():
        reference, limit = reference + DAY, reference + DAY - 1
    if daily:
        reference = limit = limit - limit % DAY
    return reference, limit


def _is_missing(end):
    """Tell None, NaT and nan, which differ from themselves, and pandas.NA."""
    differs = end != end
    if end is None or differs is end:  # pandas.NA answers with itself
        return True
    return isinstance(differs, bool | np.bool_) and bool(differs)


def _read_end(end, name):
    """Read the end of a period as a datetime."""
    if isinstance(end, np.datetime64):
        end = end.astype("datetime64[us]").item()
    if isinstance(end, str):
        try:
            return datetime.fromisoformat(end)
        except ValueError as error:
            raise ValueError(
                f"{name} must be a date in the form 2024-12-31, with or without a "
                f"time. Got {end!r} instead."
            ) from error
    if _is_missing(end):
        raise ValueError(
            f"{name} must be a date. Got a missing one instead. Leave it out to take "
            "the latest date of the table."
        )
    if isinstance(end, datetime):
        parts = (end.hour, end.minute, end.second, end.microsecond, end.tzinfo)
        return datetime(end.year, end.month, end.day, *parts, fold=end.fold)
    if isinstance(end, date):
        return datetime(end.year, end.month, end.day)
    raise TypeError(
        f"{name} must be a str, date, datetime or pandas.Timestamp. Got "
        f"{type(end).__name__} instead."
    )


def orders_of(lines):
    """One row per order: its date and what was kept, paid and returned."""
    lines, keys = order_keys(lines)
    orders = (
        lines.with_columns(order_time=nw.col("when"))
        .group_by(keys)
        .agg(
            nw.col("order_time").min(),
            nw.col("date").min(),
            nw.col("kept").sum(),
            nw.col("paid").sum(),
            nw.col("returned").sum(),
        )
    )
    is_order = nw.col("kept") > 0
    return orders.with_columns(is_order=is_order.cast(nw.Int64)).with_columns(
        gap=nw.when(nw.col("is_order") == 1).then(_days_since_order_before()),
        order_time=nw.when(nw.col("is_order") == 1).then(nw.col("order_time")),
        date=nw.when(nw.col("is_order") == 1).then(nw.col("date")),
    )


def order_keys(lines):
    """Columns that tell orders apart; a line without an id goes by its time."""
    if "transaction" not in lines.columns:
        return lines, ["customer", "when"]
    absent = missing(nw.col("transaction"), lines.schema["transaction"])
    lines = lines.with_columns(no_id=absent)
    if not lines["no_id"].any():
        return lines, ["customer", "transaction"]
    own_time = nw.when(nw.col("no_id")).then(nw.col("when")).otherwise(0)
    return lines.with_columns(own_time=own_time), [
        "customer",
        "transaction",
        "own_time",
    ]


def _days_since_order_before():
    before = (
        nw.col("order_time")
        .shift(1)
        .over("customer", "is_order", order_by="order_time")
    )
    return (nw.col("order_time") - before) / DAY


def _customers(orders):
    """One row per customer: sums and extremes over the orders."""
    return orders.group_by("customer").agg(
        nw.col("is_order").sum().alias("frequency"),
        nw.col("kept").sum().alias("monetary_total"),
        nw.col("paid").sum(),
        nw.col("returned").sum(),
        nw.col("order_time").min().alias("first"),
        nw.col("order_time").max().alias("last"),
        nw.col("date").min().alias("first_date"),
        nw.col("date").max().alias("last_date"),
        nw.col("gap").std(ddof=1).alias("gap_sd"),
    )


def _breadth(lines):
    """Distinct products per customer of which something was kept."""
    has_product = ~missing(nw.col("product"), lines.schema["product"])
    return (
        lines.filter(nw.col("kept") > 0, has_product)
        .select("customer", "product")
        .unique()
        .group_by("customer")
        .agg(nw.len().alias("n_products"))
    )


def _figures(customers, end):
    """Make the columns of the summary from sums and extremes."""
    n, total = nw.col("frequency"), nw.col("monetary_total")
    figures = {
        "customer_id": nw.col("customer"),
        "recency": (end - nw.col("last")) / DAY,
        "frequency": n.cast(nw.Int64),
        "monetary_value": nw.when(n > 0).then(total / n).otherwise(0.0),
        "monetary_total": total,
        "tenure": (end - nw.col("first")) / DAY,
        "first_date": nw.col("first_date"),
        "last_date": nw.col("last_date"),
        "gap_mean": nw.when(n > 1).then(
            (nw.col("last") - nw.col("first")) / (n - 1) / DAY
        ),
        "gap_sd": nw.col("gap_sd"),
        "return_share": nw.when(nw.col("paid") > 0).then(
            nw.col("returned") / nw.col("paid")
        ),
    }
    if "n_products" in customers.columns:
        share = figures.pop("return_share")
        breadth = nw.col("n_products").fill_null(0).cast(nw.Int64)
        figures |= {"n_products": breadth, "return_share": share}
    return customers.select(**figures)
