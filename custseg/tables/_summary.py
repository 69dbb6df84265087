"""One row per customer: how recently, how often, for how much, how regularly."""

import narwhals as nw

from custseg.tables._clock import with_clock
from custseg.tables._groups import GROUPS
from custseg.tables._lines import after_cleaning, open_transactions
from custseg.tables._listed import with_listed
from custseg.tables._orders_group import breadth_parts, order_parts, return_parts
from custseg.tables._parts import joined, of_customers
from custseg.tables._purchases import observed_period, orders_of, purchase_lines
from custseg.tables._settings import SummarySettings
from custseg.tables._settling import (
    check_columns,
    check_levels,
    check_period,
    learned_settings,
    numbers_of,
)


def summarize_transactions(
    tx,
    columns,
    *,
    groups=(),
    settings=None,
    customers=None,
    observation_period_end=None,
):
    """Make one row per customer of cleaned transactions.

    Parameters
    ----------
    tx : frame
        Transaction table, as `clean_transactions` gives it back: a pandas or polars
        data frame (also a lazy one), a pyarrow table, a DuckDB relation, or a Spark or
        Dask data frame. It is not changed. Where `columns.amount` is None, the column
        `amount` that cleaning adds is the currency of a line, or quantity times unit
        price if there is none.
    columns : TransactionColumns
        Which column is which.
    groups : tuple of str, default=()
        Groups of columns beside those below, with the measures that
        `SummarySettings` has by default: "products", "category", "channel",
        "weekday", "hour", "season", "promotion", "price", "margin", "returns",
        "regularity", "trend", "recent", "wholesale". The notes list their columns.
        "holiday" needs a calendar, which only `settings` have.
    settings : SummarySettings, default=None
        Groups and their measures, in place of `groups`; those of last month make the
        same columns again.
    customers : frame or sequence, default=None
        Customers that are to have a row though they have no line: a table of the same
        kind with the ids in the column `columns.customer_id` or `customer_id`, or,
        for pandas, polars and pyarrow, a sequence of ids. Their numbers of orders,
        products and the like and their sums of currency are 0, all else is missing.
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
        One row per customer, ordered by `customer_id`. For a lazy frame, a relation,
        Spark and Dask, it is a query that has not run yet; the checks and the end of
        the period have been worked out by one query before:

        - `customer_id`: as given; with `customers`, categories come as text;
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
        If `observation_period_end` cannot be read as a date, a group is unknown, or
        both `groups` and `settings` are given.
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

    Groups add these columns. A share of currency is of `monetary_total`, a share of
    orders of `frequency`; shares are missing for a customer without orders. Entropies
    are Shannon's, of shares of currency, in nats; their exponential is the effective
    number of levels. Levels that the settings do not have are left out of
    them and of numbers of levels.

    - "products": `product_entropy`;
    - "category", "channel": `category_<level>_spend_share` and `..._order_share` (an
      order counts for each level that it has a line of, so these may add up to more
      than 1), `n_categories`, `category_entropy`; for channels also
      `online_spend_share`, `online_order_share`. Lines without a level are the level
      "missing";
    - "weekday", "hour", "season", "holiday": `weekday_monday_spend_share`,
      `..._order_share` and so on, by the time of the order;
    - "promotion": `promotion_spend_share`, `promotion_order_share` (lines on promotion,
      or with a discount where no promotion is named), `discount_depth`, the share of
      the value at list prices that was taken off (with `list_price` and `quantity`, or
      `discount`);
    - "price": `price_index`, currency over what the same units cost at the usual price
      of their categories, and `price_low_spend_share`, `price_middle_...`,
      `price_high_...`, by the price of a line against that usual price, which is the
      mean over all units sold until the end;
    - "margin": `margin_total`, currency kept above `unit_cost`, and `margin_share`;
    - "returns": `n_returned_orders`, orders of which something came back, and
      `return_order_share`, over the orders that were paid;
    - "regularity": `gap_cv`, standard deviation over mean of the gaps between orders,
      and `recency_in_gaps`, recency in mean gaps;
    - "trend": `spend_trend`, the slope of the value of orders over time by least
      squares, in currency per order and 30 days; missing with fewer than three orders,
      or if all lie within a day;
    - "recent": for each window `frequency_last_90d`, `frequency_before_90d`,
      `monetary_total_last_90d`, `monetary_total_before_90d`, and `spend_change_90d`,
      the difference of currency a day in and before the window over their sum, from
      -1 to 1; missing for a tenure no longer than the window;
    - "wholesale": `lines_per_order`, `order_value_max`, `order_value_cv`; with
      quantities `units_per_order`, `large_line_spend_share`; with packs
      `pack_spend_share`, of lines that are whole packs; `standing_order_share`;
      `on_time_share`, lines delivered by the end of the promised day over those with
      both dates; `contact_<level>_spend_share` and `..._order_share`.

    If all times of the table are midnight, or the column holds dates, an order
    counts as the end of its day, and so does the end whatever its time: an order on
    the day of the end has recency 0, one on the day before 1. With times, an order
    at 18:00 on the last day, observed to the end of that day, has recency 0.25.
    Days are those of the clock on the wall in the column's own time zone, so a day
    on which the clocks change is one day as well. DuckDB and Spark hold moments, which
    they read off the clock of their session's zone.

    All amounts of a table must be in one currency, which a column named
    `columns.currency` proves.

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
    table, columns = open_transactions(tx, columns)
    columns = after_cleaning(columns, table.columns)
    settings = _settled(settings, groups, columns)
    period = observed_period(
        table, columns, observation_period_end, numbers=numbers_of(settings, columns)
    )
    check_period(settings, period)
    check_levels(settings, table, columns, period.limit)
    settings = learned_settings(settings, table, columns, period.limit)
    parts = _parts(settings, columns, period)
    found = table.run(
        _summarize,
        by=columns.customer_id,
        columns=columns,
        period=period,
        settings=settings,
    )
    return with_listed(found, customers, columns.customer_id, parts.zeros)


def _settled(settings, groups, columns):
    if settings is None:
        settings = SummarySettings(groups=groups)
    elif not isinstance(settings, SummarySettings):
        raise TypeError(
            "settings must be SummarySettings. Got "
            f"{type(settings).__name__} instead. Write SummarySettings(groups=...)."
        )
    elif groups:
        raise ValueError(
            "groups must be left out where settings name them. Got both instead. Give "
            "SummarySettings(groups=...)."
        )
    check_columns(settings, columns)
    return settings


def _summarize(frame, columns, period, settings):
    """Make the summary of a table whose period and settings are settled."""
    parts = _parts(settings, columns, period)
    lines = purchase_lines(frame, columns, period, parts.roles)
    if parts.lines:
        lines = lines.with_columns(**parts.lines)
    orders = orders_of(lines, period, parts.sums, parts.least, parts.most)
    for marks in parts.marks:
        orders = marks(orders) if callable(marks) else orders.with_columns(**marks)
    customers = orders.group_by("customer").agg(
        *(_total(name, *of) for name, of in parts.totals.items())
    )
    for end in ("first", "last"):  # dates again as times: one column less a line
        customers = with_clock(customers, f"{end}_date", end)
    for branch, roles in parts.branches:
        own = branch(purchase_lines(frame, columns, period, roles))
        customers = customers.join(own, on="customer", how="left")
    return of_customers(customers, parts.figures)


def _total(name, column, how):
    column = nw.col(column)
    total = column.std(ddof=1) if how == "std" else getattr(column, how)()
    return total.alias(name)


def _parts(settings, columns, period):
    """Return what all groups need together."""
    breadth = [] if columns.product is None else [breadth_parts()]
    found = [order_parts(period), *breadth, return_parts()]
    for group in settings.groups:
        made = GROUPS[group].make(settings, columns, period)
        found += made if isinstance(made, list) else [made]
    return joined(found)
