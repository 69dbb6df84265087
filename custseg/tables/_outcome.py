"""What customers did after the observation: the outcome that segments are held to."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from numbers import Integral

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._clock import DAY, EPOCH, read_end, zone_of
from custseg.tables._ids import (
    check_whole_ids,
    missing,
    not_whole,
    settle_ids,
    settled_ids,
)
from custseg.tables._lines import after_cleaning, open_transactions
from custseg.tables._open import is_dask, open_table
from custseg.tables._purchases import observed_period, orders_of, purchase_lines

_MOST_DAYS = 36_500  # a hundred years


def summarize_outcome(
    orders,
    columns,
    *,
    observation_period_end,
    outcome_days=90,
    customers=None,
    data_end=None,
):
    """Make one row per customer of what was bought in the days after the observation.

    The outcome window begins right after `observation_period_end`, where
    `summarize_transactions` stops to look, so that no line is in both tables.

    Parameters
    ----------
    orders : frame
        Transaction table that covers the observation and the window, as
        `clean_transactions` gives it back: a pandas or polars data frame (also a lazy
        one), a pyarrow table, a DuckDB relation, or a Spark or Dask data frame. It is
        not changed.
    columns : TransactionColumns
        Which column is which.
    observation_period_end : str, date, datetime or pandas.Timestamp
        Until when customers were observed, as given to `summarize_transactions`. A
        date without a time, or a time of midnight, means the end of that day.
    outcome_days : int, default=90
        Length of the window in days.
    customers : frame, Series or sequence, default=None
        Customers to tell of: their ids, or a table that has them in a column
        `customer_id` or in that of `columns`, each once. They come in this order. For
        DuckDB, Spark and Dask it must be a table of the same kind, and they come in
        any order. None takes all customers with a line in the observation, ordered by
        id, which are those of `summarize_transactions`.
    data_end : str, date, datetime or pandas.Timestamp, default=None
        Until when all orders are in the table. None takes the day of its latest line.
        Cleaning can remove the latest lines: `report.last_date` of the report of
        `clean_transactions` remembers them.

    Returns
    -------
    outcome : same kind as `orders`
        One row per customer; a query that has not run yet where the engine is lazy:

        - `customer_id`: as given;
        - `outcome_orders`: int, number of orders in the window;
        - `outcome_monetary_total`: float, currency kept of them;
        - `active`: bool, whether there is an order.

        Zeros for customers who bought nothing in the window.

    Raises
    ------
    SchemaError
        If a column is missing, occurs twice or has the wrong type, a date has a time
        zone and the dates of the table have none, or `customers` are no ids of the
        type that the table has, or no table of its kind.
    DataQualityError
        If the window reaches beyond the data or nothing was bought in it, if nobody
        was observed before, if ids among `customers` are missing or repeat, or if ids,
        dates or amounts of the table are missing or impossible.
    ValueError
        If `outcome_days` is no whole number from 1 to 36,500, or a date cannot be read.
    TypeError
        If a date is of another type, or `customers` is a text or a single value.

    See Also
    --------
    summarize_transactions : Describes customers until the end of the observation.
    custseg.evaluation.outcome_report : How well segments tell an outcome beforehand.

    Notes
    -----
    An order is in the window if its earliest line is, and has no line counted that
    comes after. What counts as an order and as kept is as in `summarize_transactions`.

    Netting returns looks back: a return of May reduces a purchase of March. The
    observation must therefore be cut off *before* it is cleaned, and the table for the
    outcome at the end of the window, unless returns are dropped; see the guide.

    If all times of the table are midnight, the window has the `outcome_days` days
    after that of the end.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import TransactionColumns, summarize_outcome
    >>> orders = pd.DataFrame({
    ...     "customer_id": ["a", "b", "a", "c", "a"],
    ...     "date": pd.to_datetime(
    ...         ["2024-01-05", "2024-01-31", "2024-02-01", "2024-02-07", "2024-02-10"]),
    ...     "eur": [30.0, 10.0, 20.0, 5.0, 7.0],
    ... })
    >>> summarize_outcome(
    ...     orders,
    ...     TransactionColumns(amount="eur"),
    ...     observation_period_end="2024-01-31",
    ...     outcome_days=10,
    ... )
      customer_id  outcome_orders  outcome_monetary_total  active
    0           a               2                    27.0    True
    1           b               0                     0.0   False

    `c` was not observed: a customer who came in the window is no outcome of anybody.
    """
    _check_days(outcome_days)
    table, columns = open_transactions(orders, columns)
    columns = after_cleaning(columns, table.columns)
    if observation_period_end is None:
        raise ValueError(
            "observation_period_end must be given for an outcome. Got None instead. "
            "Pass the end that was given to summarize_transactions."
        )
    period = observed_period(table, columns, None)
    zone = zone_of(table.frame, columns.date)
    start = _limit(observation_period_end, "observation_period_end", zone, period)
    # The table is taken to have its last day whole.
    last = period.limit + DAY - 1 - period.limit % DAY
    if data_end is not None:
        last = _limit(data_end, "data_end", zone, period)
    end = start + int(outcome_days) * DAY
    if end > last:
        _refuse_window(start, end, last, outcome_days)
    if customers is None:
        _check_observed(period, start, observation_period_end)
        ids = None
    else:
        ids = _listed(customers, columns, table, orders)
    plan = {"columns": columns, "period": replace(period, limit=end), "start": start}
    if not table.figures(_n_bought, by=columns.customer_id, **plan)["n_orders"]:
        raise DataQualityError(
            "The outcome window must have at least one order. Got none in the "
            f"{outcome_days} days after {_day(start)} instead. Check "
            "observation_period_end, or make outcome_days longer."
        )
    if ids is not None and is_dask(orders):
        found = table.run(_totals, by=columns.customer_id, **plan)
        return _joined_dask(ids, found)
    return table.run(_outcome, by=columns.customer_id, ids=ids, **plan)


# -- the window ------------------------------------------------------------------------


def _check_days(outcome_days):
    whole = isinstance(outcome_days, Integral) and not isinstance(outcome_days, bool)
    if not whole or not 1 <= outcome_days <= _MOST_DAYS:
        raise ValueError(
            f"outcome_days must be a whole number of days from 1 to {_MOST_DAYS:,}. "
            f"Got {outcome_days!r} instead. A quarter has about 90."
        )


def _limit(end, name, zone, period):
    """Return the last microsecond of a period that ends as is said."""
    limit, _ = read_end(end, name, zone)
    return limit - limit % DAY if period.daily else limit


def _check_observed(period, start, observation_period_end):
    if period.first > start:
        raise DataQualityError(
            "observation_period_end must not come before the first line of the table. "
            f"Got {observation_period_end!r} instead. Check the year, and the order of "
            "day and month."
        )


def _refuse_window(start, end, last, outcome_days):
    longest = max((last - start) // DAY, 0)
    shorter = f"outcome_days to {longest} at most, or " if longest else ""
    raise DataQualityError(
        "The outcome window must end with the data or before. Got a window to "
        f"{_day(end)} and data to {_day(last)} instead, which makes customers look "
        f"lost who were not observed. Set {shorter}observation_period_end to "
        f"{_day(last - outcome_days * DAY)} at the latest; if the table has all "
        "orders to a later day, name it as data_end."
    )


def _day(microseconds):
    return (EPOCH + timedelta(microseconds=int(microseconds))).date().isoformat()


# -- customers asked for ---------------------------------------------------------------


def _listed(customers, columns, table, orders):
    """Return the ids asked for, refused if they are none.

    A lazy frame of the table's engine, with `customer` and, where they have an order,
    `row`; for Dask a Dask frame of `customer_id`.
    """
    schema = table.frame.select(customer=nw.col(columns.customer_id)).collect_schema()
    dtype = schema["customer"]
    if dtype.is_float() or isinstance(dtype, nw.Object):
        dtype = nw.Int64()  # as settled
    if not table.ordered:
        return _listed_elsewhere(customers, columns.customer_id, orders, dtype)
    ids = _given_ids(customers, columns.customer_id, table.frame.implementation, dtype)
    return ids.to_frame().with_row_index("row").lazy()


def _given_ids(customers, name, backend, dtype):
    """Return ids held in memory, in their order, as a series.

    They are made the type of the table's ids, and refused if they are of another kind.
    """
    ids = _id_values(customers, name)
    try:
        given = nw.new_series("customer", ids, backend=backend)
    except Exception as error:
        raise SchemaError(
            "customers must have ids of one type. Got a mixture instead. Convert them, "
            "e.g. with .astype(str)."
        ) from error
    frame = given.to_frame()
    absent = missing(nw.col("customer"), given.dtype).cast(nw.Int64)
    n_missing = int(frame.select(absent=absent)["absent"].sum())
    _check_once(n_missing, given.n_unique(), len(given))
    given = settle_ids(given, "customer_id")
    _check_same_kind(given.dtype, dtype)
    try:
        return given.cast(dtype)
    except Exception as error:
        raise SchemaError(
            f"customers must have ids of the type that the orders have, {dtype}. Got "
            f"{given.dtype} that does not fit into it instead. Convert the column of "
            "the orders."
        ) from error


def _listed_elsewhere(customers, name, orders, dtype):
    """Return ids of a table of an engine whose rows have no order."""
    engine = _engine(orders)
    if _engine(customers) != engine:
        raise SchemaError(
            "customers must be a table of the kind that the orders are, "
            f"{engine}. Got {type(customers).__name__} instead. Make such a table of "
            "the ids."
        )
    listed = open_table(customers, "A table of customers")
    column = _id_column(listed.columns, name)
    theirs = listed.schema[column]
    found = listed.figures(_id_figures, by=column, column=column)
    _check_once(found["n_missing"] or 0, found["n_different"], found["n_rows"])
    check_whole_ids(column, theirs, found.get("n_fractions"))
    _check_same_kind(nw.Int64() if theirs.is_float() else theirs, dtype)
    if is_dask(customers):
        return customers[[column]].rename(columns={column: "customer_id"})
    ids = listed.frame.select(customer=nw.col(column))
    return settled_ids(ids, column).with_columns(nw.col("customer").cast(dtype))


def _engine(native):
    """Return the name of a table's engine, None of what is no table."""
    if is_dask(native):
        return "dask"
    frame = nw.from_native(native, pass_through=True)
    return str(frame.implementation) if isinstance(frame, nw.LazyFrame) else None


def _id_figures(frame, column):
    """Count ids, different ones, and what is none."""
    ids = frame.select(customer=nw.col(column))
    dtype = ids.collect_schema()["customer"]
    counts = {"n_missing_sum": missing(nw.col("customer"), dtype)}
    fraction = not_whole(dtype)
    if fraction is not None:
        counts["n_fractions_sum"] = fraction.fill_null(False)
    counts = {name: holds.cast(nw.Int64) for name, holds in counts.items()}
    return ids.with_columns(**counts).select(
        *(nw.col(name).sum() for name in counts),
        nw.col("customer").n_unique().alias("n_different_sum"),
        nw.len().alias("n_rows_sum"),
    )


def _check_once(n_missing, n_different, n_rows):
    n_repeated = n_rows - n_different
    if n_missing or n_repeated or not n_rows:
        raise DataQualityError(
            "customers must have one id each. Got "
            f"{n_missing} missing and {n_repeated} repeated ids in {n_rows} "
            "instead. Bring them to one row a customer."
        )


def _check_same_kind(theirs, dtype):
    if theirs.is_integer() != dtype.is_integer():
        raise SchemaError(
            f"customers must have ids of the type that the orders have, {dtype}. Got "
            f"{theirs} instead. Convert one of them, so that ids can be found."
        )


def _id_values(customers, name):
    if is_dask(customers):
        customers = customers.compute()
    frame = nw.from_native(customers, pass_through=True, allow_series=True)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    if isinstance(frame, nw.Series):
        return frame.to_list()
    if not isinstance(frame, nw.DataFrame):
        if isinstance(customers, str) or not isinstance(customers, Iterable):
            raise TypeError(
                "customers must be a frame, a Series or a sequence of ids. Got "
                f"{type(customers).__name__} instead. Put a single id into a list."
            )
        is_array = isinstance(customers, np.ndarray)
        return customers.tolist() if is_array else [*customers]
    return frame[_id_column(frame.columns, name)].to_list()


def _id_column(there, name):
    for column in (name, "customer_id"):
        if column in there:
            return column
    raise SchemaError(
        f"customers must have a column {name!r} or 'customer_id'. Got neither among "
        f"{', '.join(map(repr, there))} instead. Pass the column of ids."
    )


# -- one row a customer ----------------------------------------------------------------


def _orders_after(frame, columns, period, start):
    """One row per order until the end of the window; `after` marks those within."""
    orders = orders_of(purchase_lines(frame, columns, period), period)
    after = (nw.col("order_time") > start).cast(nw.Int64)
    return orders.with_columns(after=after)


def _n_bought(frame, columns, period, start):
    orders = _orders_after(frame, columns, period, start)
    return orders.select(nw.col("after").sum().alias("n_orders_sum"))


def _totals(frame, columns, period, start):
    """One row per customer with a line until the end of the window."""
    orders = _orders_after(frame, columns, period, start).with_columns(
        n_after=nw.col("after") * nw.col("is_order"),
        kept_after=nw.col("after") * nw.col("kept"),
    )
    return (
        orders.group_by("customer")
        .agg(
            nw.col("order_time").min().alias("first"),
            nw.col("n_after").sum(),
            nw.col("kept_after").sum(),
        )
        .select(
            "first",
            customer_id=nw.col("customer"),
            outcome_orders=nw.col("n_after").cast(nw.Int64),
            outcome_monetary_total=nw.col("kept_after"),
        )
    )


def _outcome(frame, columns, period, start, ids):
    """Make the outcome of a table whose window is settled."""
    totals = _totals(frame, columns, period, start)
    if ids is None:
        table, by = totals.filter(nw.col("first") <= start), "customer_id"
    else:
        ids = ids.rename({"customer": "customer_id"})
        table = ids.join(totals, on="customer_id", how="left")
        by = "row" if "row" in ids.collect_schema().names() else "customer_id"
    n_orders = nw.col("outcome_orders").fill_null(0).cast(nw.Int64)
    return table.sort(by).select(
        "customer_id",
        outcome_orders=n_orders,
        outcome_monetary_total=nw.col("outcome_monetary_total").fill_null(0.0),
        active=n_orders > 0,
    )


def _joined_dask(ids, found):
    """Join ids and outcomes that lie in parts."""
    kind = found.dtypes["customer_id"]
    if kind == "category":  # which may have no place for the ids asked for
        kind = "str"
        found = found.astype({"customer_id": kind})
    ids = ids.astype({"customer_id": kind})
    table = ids.merge(found, on="customer_id", how="left")
    zeros = {"outcome_orders": 0, "outcome_monetary_total": 0.0}
    table = table.fillna(zeros).astype({"outcome_orders": "int64"})
    table = table.assign(active=table["outcome_orders"] > 0)
    return table[["customer_id", *zeros, "active"]]
