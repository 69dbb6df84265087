"""One row per customer of what buy-till-you-die models are fitted to."""

from numbers import Real

import narwhals as nw

from custseg.exceptions import DataQualityError
from custseg.tables._calendar import day_of
from custseg.tables._clock import DAY, read_end, zone_of
from custseg.tables._lines import after_cleaning, open_transactions
from custseg.tables._listed import with_listed
from custseg.tables._parts import of_customers
from custseg.tables._purchases import observed_period, purchase_lines

__all__ = ["summarize_btyd"]

_DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}


def summarize_btyd(
    tx,
    columns,
    *,
    time_unit="week",
    calibration_end=None,
    count_free=False,
    older_days=30,
    customers=None,
    observation_period_end=None,
):
    """Make one row per customer of repeat purchases, for models of customer lifetimes.

    Parameters
    ----------
    tx : frame
        Transaction table, as `clean_transactions` gives it back: a pandas or polars
        data frame (also a lazy one), a pyarrow table, a DuckDB relation, or a Spark or
        Dask data frame. It is not changed.
    columns : TransactionColumns
        Which column is which.
    time_unit : {"day", "week", "month", "year"}, default="week"
        What times are counted in. A week is 7 days, a year 365.25 and a month a
        twelfth of that.
    calibration_end : str, date, datetime or pandas.Timestamp, default=None
        Last day of the calibration period. What comes after is the holdout, to the end
        of the observation. None takes all for calibration.
    count_free : bool, default=False
        Whether a line that costs nothing, and was not returned, is a purchase.
    older_days : float, default=30
        Customers who first buy within so many days from the first of the table may
        have bought before it begins.
    customers : frame or sequence, default=None
        Customers that are to have a row though they have no purchase, as in
        `summarize_transactions`. Their `x` is 0, all else is missing, `x_holdout` too:
        some may first buy in the holdout.
    observation_period_end : str, date, datetime or pandas.Timestamp, default=None
        Last day of the observation. None takes the latest date of the table.

    Returns
    -------
    customers : same kind as `tx`
        One row per customer who bought (in the calibration period), ordered by
        `customer_id`; a query that has not run yet where the engine is lazy:

        - `customer_id`: as given;
        - `x`: int, repeat purchases: days with a purchase after the first;
        - `t_x`: float, time units from the first purchase to the last, 0 without a
          repeat;
        - `T`: float, time units from the first purchase to the end;
        - `monetary_value`: float, mean currency of a repeat purchase, the first left
          out; missing without a repeat;
        - `first_date`: date of the first purchase;
        - `maybe_older`: bool, whether it lies within `older_days` of the first of the
          table;
        - `x_holdout`: int, purchase days in the holdout (only with `calibration_end`,
          as the next two);
        - `T_holdout`: float, time units of the holdout, the same for all;
        - `monetary_value_holdout`: float, mean currency of a purchase in it, missing
          without any.

    Raises
    ------
    SchemaError
        If a column is missing, occurs twice or has the wrong type.
    DataQualityError
        If the table holds what `clean_transactions` settles, or has no purchase, or
        the calibration does not end within the observation.
    ValueError
        If `time_unit` is none of its words, a date cannot be read, or `older_days` is
        negative.

    See Also
    --------
    summarize_transactions : Recency, frequency and money as RFM counts them.

    Notes
    -----
    The names are those of the models [1]_ [2]_, whose frequency is one less than the
    number of purchases and whose recency runs from the first purchase and not to the
    end: `x` and `t_x` are kept apart from `frequency` and `recency`.

    All purchases of a customer on one day, of the clock on the wall, are one. Returns
    are never repeats, and a purchase that was returned in full is none: clean the table
    with ``returns="net"``. The first purchase is left out of `monetary_value`, because
    a model of spend [3]_ describes repeats, and first purchases often differ.

    Times are differences of days, so a purchase on the last day has `T` 0, and the
    models' customers are observed to the end of `observation_period_end`. Customers
    whose first purchase comes after `calibration_end` are not in the table.

    A customer whom the table knows since its beginning may be older than the table;
    `x` and `T` then say less than the truth. Fit the model without such customers, or
    with those alone whose beginning is known.

    References
    ----------
    .. [1] Schmittlein, D. C., Morrison, D. G. and Colombo, R. (1987). Counting your
       customers: who are they and what will they do next? Management Science 33(1),
       1-24. https://doi.org/10.1287/mnsc.33.1.1
    .. [2] Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). "Counting your
       customers" the easy way: an alternative to the Pareto/NBD model. Marketing
       Science 24(2), 275-284. https://doi.org/10.1287/mksc.1040.0098
    .. [3] Fader, P. S., Hardie, B. G. S. and Lee, K. L. (2005). RFM and CLV: using
       iso-value curves for customer base analysis. Journal of Marketing Research 42(4),
       415-430. https://doi.org/10.1509/jmkr.2005.42.4.415

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import TransactionColumns, summarize_btyd
    >>> tx = pd.DataFrame({
    ...     "customer_id": ["a", "a", "a", "b"],
    ...     "date": pd.to_datetime(
    ...         ["2024-01-01", "2024-01-08", "2024-01-22", "2024-01-22"]),
    ...     "eur": [30.0, 10.0, 20.0, 5.0],
    ... })
    >>> summarize_btyd(
    ...     tx, TransactionColumns(amount="eur"), observation_period_end="2024-02-05"
    ... ).drop(columns=["first_date", "maybe_older"])
      customer_id  x  t_x    T  monetary_value
    0           a  2  3.0  5.0            15.0
    1           b  0  0.0  2.0             NaN
    """
    if time_unit not in _DAYS:
        raise ValueError(
            f"time_unit must be one of {', '.join(map(repr, _DAYS))}. Got "
            f"{time_unit!r} instead."
        )
    is_number = isinstance(older_days, Real) and not isinstance(older_days, bool)
    if not is_number or not older_days >= 0:
        raise ValueError(
            "older_days must be a number of days, 0 or more. Got "
            f"{older_days!r} instead."
        )
    table, columns = open_transactions(tx, columns)
    columns = after_cleaning(columns, table.columns)
    period = observed_period(table, columns, observation_period_end)
    last = (period.limit - period.limit % DAY) // DAY
    split = None
    if calibration_end is not None:
        split = _split(table, columns, calibration_end, period, last)
    plan = {
        "columns": columns,
        "period": period,
        "last": last,
        "split": split,
        "unit": _DAYS[time_unit],
        "older": older_days,
        "count_free": bool(count_free),
    }
    found = table.run(_summarize, by=columns.customer_id, **plan)
    return with_listed(found, customers, columns.customer_id, ("x",))


def _split(table, columns, end, period, last):
    """Return the last day of the calibration, counted from 1970."""
    zone = zone_of(table.frame, columns.date)
    limit, _ = read_end(end, "calibration_end", zone)
    day = limit // DAY
    if not period.first // DAY <= day < last:
        raise DataQualityError(
            "calibration_end must lie between the first line of the table and the last "
            f"day of the observation. Got {end!r} instead. Check the year, and the "
            "order of day and month."
        )
    return day


def _summarize(frame, columns, period, last, split, unit, older, count_free):
    """Make the summary of a table whose period is settled."""
    days = _purchase_days(frame, columns, period, count_free)
    end = last if split is None else split
    in_time = (nw.col("day") <= end).cast(nw.Int64)
    repeats = in_time * (nw.col("day") > nw.col("first")).cast(nw.Int64)
    days = days.filter(nw.col("first") <= end).with_columns(
        repeat=repeats,
        repeat_kept=repeats * nw.col("kept"),
        calibration_day=nw.when(in_time == 1).then(nw.col("day")),
        later=1 - in_time,
        later_kept=(1 - in_time) * nw.col("kept"),
    )
    customers = days.group_by("customer").agg(
        nw.col("first").min().alias("first"),
        nw.col("calibration_day").max().alias("latest"),
        nw.col("date").min().alias("first_date"),
        *(nw.col(n).sum() for n in ("repeat", "repeat_kept", "later", "later_kept")),
    )
    x, later = nw.col("repeat"), nw.col("later")
    begins = (period.first - period.first % DAY) // DAY
    figures = {
        "x": x.cast(nw.Int64),
        "t_x": (nw.col("latest") - nw.col("first")) / unit,
        "T": (end - nw.col("first")) / unit,
        "monetary_value": nw.when(x > 0).then(nw.col("repeat_kept") / x),
        "first_date": nw.col("first_date"),
        "maybe_older": nw.col("first") < begins + older,
    }
    if split is not None:
        figures |= {
            "x_holdout": later.cast(nw.Int64),
            "T_holdout": nw.lit((last - split) / unit),
            "monetary_value_holdout": nw.when(later > 0).then(
                nw.col("later_kept") / later
            ),
        }
    return of_customers(customers, figures)


def _purchase_days(frame, columns, period, count_free):
    """One row per customer and day with a purchase, and the customer's first day."""
    lines = purchase_lines(frame, columns, period, ("quantity",))
    bought = nw.col("kept") > 0
    if count_free:
        free = (nw.col("amount") == 0) & (nw.col("returned") == 0)
        if columns.quantity is not None:
            free = free & (nw.col("quantity") > 0)
        bought = bought | free
    lines = lines.filter(bought)
    days = (
        lines.with_columns(day=day_of(nw.col("when")))
        .group_by("customer", "day")
        .agg(nw.col("kept").sum(), nw.col("date").min())
    )
    return days.with_columns(first=nw.col("day").min().over("customer"))
