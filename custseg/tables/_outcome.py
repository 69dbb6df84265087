"""What customers did after the observation: the outcome that segments are held to."""

from collections.abc import Iterable
from datetime import timedelta
from numbers import Integral

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._lines import DAY, EPOCH, missing, open_table, settle_ids
from custseg.tables._summary import observation_end, orders_of, purchase_lines

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
    orders : pandas.DataFrame or polars.DataFrame
        Transaction table that covers the observation and the window, as
        `clean_transactions` gives it back. It is not changed.
    columns : TransactionColumns
        Which column is which.
    observation_period_end : str, date, datetime or pandas.Timestamp
        Until when customers were observed, as given to `summarize_transactions`. A
        date without a time, or a time of midnight, means the end of that day.
    outcome_days : int, default=90
        Length of the window in days.
    customers : frame, Series or sequence, default=None
        Customers to tell of: their ids, or a table that has them in a column
        `customer_id` or in that of `columns`, each once. They come in this order. None
        takes all customers with a line in the observation, ordered by id, which are
        those of `summarize_transactions`.
    data_end : str, date, datetime or pandas.Timestamp, default=None
        Until when all orders are in the table. None takes the day of its latest line.
        Cleaning can remove the latest lines: `report.last_date` of the report of
        `clean_transactions` remembers them.

    Returns
    -------
    outcome : same kind as `orders`
        One row per customer:

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
        type that the table has.
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
    custseg.assignment.validate_on : How well segments tell an outcome beforehand.

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
    frame, give_back = open_table(orders, columns)
    lines = purchase_lines(frame, columns)
    start, end = _window(lines, observation_period_end, outcome_days, data_end)
    observed = lines.filter(nw.col("when") <= start)
    if customers is None:
        ids = _observed_ids(observed, observation_period_end)
    else:
        ids = _given_ids(customers, columns, lines)
    bought = orders_of(lines.filter(nw.col("when") <= end))
    bought = bought.filter(nw.col("order_time") > start)
    if bought.is_empty():
        raise DataQualityError(
            "The outcome window must have at least one order. Got none in the "
            f"{outcome_days} days after {_day(start)} instead. Check "
            "observation_period_end, or make outcome_days longer."
        )
    return give_back(nw.maybe_reset_index(_per_customer(ids, bought)))


def _check_days(outcome_days):
    whole = isinstance(outcome_days, Integral) and not isinstance(outcome_days, bool)
    if not whole or not 1 <= outcome_days <= _MOST_DAYS:
        raise ValueError(
            f"outcome_days must be a whole number of days from 1 to {_MOST_DAYS:,}. "
            f"Got {outcome_days!r} instead. A quarter has about 90."
        )


def _window(lines, observation_period_end, outcome_days, data_end):
    """Time after which, and until which, orders count, in microseconds."""
    if observation_period_end is None:
        raise ValueError(
            "observation_period_end must be given for an outcome. Got None instead. "
            "Pass the end that was given to summarize_transactions."
        )
    _, start = observation_end(lines, observation_period_end)
    end = start + int(outcome_days) * DAY
    if data_end is None:
        last = int(lines["when"].max())
        last += DAY - 1 - last % DAY  # the table is taken to have that day whole
    else:
        _, last = observation_end(lines, data_end, "data_end")
    if end > last:
        _refuse_window(start, end, last, outcome_days)
    return start, end


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


def _observed_ids(observed, observation_period_end):
    if observed.is_empty():
        raise DataQualityError(
            "observation_period_end must not come before the first line of the table. "
            f"Got {observation_period_end!r} instead. Check the year, and the order of "
            "day and month."
        )
    return observed["customer"].unique().sort()


def _given_ids(customers, columns, lines):
    """Ids of the customers asked for, in their order, as a series of the table's kind.

    They are made the type of the table's ids, and refused if they are of another kind.
    """
    ids = _id_values(customers, columns.customer_id)
    dtype, backend = lines.schema["customer"], lines.implementation
    try:
        given = nw.new_series("customer", ids, backend=backend)
    except Exception as error:
        raise SchemaError(
            "customers must have ids of one type. Got a mixture instead. Convert them, "
            "e.g. with .astype(str)."
        ) from error
    n_missing = int(
        given.to_frame().select(m=missing(nw.col("customer"), given.dtype))["m"].sum()
    )
    n_repeated = len(given) - given.n_unique()
    if n_missing or n_repeated or not len(given):
        raise DataQualityError(
            "customers must have one id each. Got "
            f"{n_missing} missing and {n_repeated} repeated ids in {len(given)} "
            "instead. Bring them to one row a customer."
        )
    given = settle_ids(given, "customer_id")
    if given.dtype.is_integer() != dtype.is_integer():
        raise SchemaError(
            f"customers must have ids of the type that the orders have, {dtype}. Got "
            f"{given.dtype} instead. Convert one of them, so that ids can be found."
        )
    try:
        return given.cast(dtype)
    except Exception as error:
        raise SchemaError(
            f"customers must have ids of the type that the orders have, {dtype}. Got "
            f"{given.dtype} that does not fit into it instead. Convert the column of "
            "the orders."
        ) from error


def _id_values(customers, name):
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
        return np.asarray(customers).tolist() if _is_array(customers) else [*customers]
    for column in (name, "customer_id"):
        if column in frame.columns:
            return frame[column].to_list()
    raise SchemaError(
        f"customers must have a column {name!r} or 'customer_id'. Got neither among "
        f"{', '.join(map(repr, frame.columns))} instead. Pass the column of ids."
    )


def _is_array(customers):
    return isinstance(customers, np.ndarray)


def _per_customer(ids, bought):
    """One row a customer, with zeros where nothing was bought."""
    figures = bought.group_by("customer").agg(
        nw.col("is_order").sum().alias("outcome_orders"),
        nw.col("kept").sum().alias("outcome_monetary_total"),
    )
    table = ids.alias("customer").to_frame().with_row_index("row")
    table = table.join(figures, on="customer", how="left").sort("row")
    n_orders = nw.col("outcome_orders").fill_null(0).cast(nw.Int64)
    return table.select(
        customer_id=nw.col("customer"),
        outcome_orders=n_orders,
        outcome_monetary_total=nw.col("outcome_monetary_total").fill_null(0.0),
        active=n_orders > 0,
    )
