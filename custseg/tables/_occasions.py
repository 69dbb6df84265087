"""One row per customer: at what times, and for what, orders are made."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import narwhals as nw

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._calendar import (
    read_dayparts,
    read_holidays,
    read_seasons,
    read_weekend,
)
from custseg.tables._clock import DAY
from custseg.tables._ids import missing
from custseg.tables._lines import after_cleaning, open_transactions
from custseg.tables._listed import with_listed
from custseg.tables._purchases import observed_period, orders_of, purchase_lines

__all__ = ["summarize_occasions"]

_READERS = {
    "daypart": read_dayparts,
    "week": read_weekend,
    "season": read_seasons,
    "holiday": read_holidays,
}
_MOST_LEVELS = 50
_NO_LEVEL = "missing"


def summarize_occasions(
    tx,
    columns,
    *,
    dayparts="standard",
    weekend=("saturday", "sunday"),
    seasons="northern",
    holidays=None,
    by=None,
    counts=False,
    customers=None,
    observation_period_end=None,
):
    """Make one row per customer of the occasions of their orders.

    Parameters
    ----------
    tx : frame
        Transaction table, as `clean_transactions` gives it back and
        `summarize_transactions` takes it: a pandas or polars data frame (also a lazy
        one), a pyarrow table, a DuckDB relation, or a Spark or Dask data frame. It is
        not changed.
    columns : TransactionColumns
        Which column is which.
    dayparts : "standard", mapping of str to float, or None, default="standard"
        At which hour each part of the day begins; the last lasts until the first
        begins again. "standard" is ``{"morning": 6, "afternoon": 12, "evening": 18,
        "night": 22}``. None leaves parts of the day out, as is needed where dates have
        no time.
    weekend : tuple of str or None, default=("saturday", "sunday")
        Days of the weekend, in English; all others are workdays. None leaves it out.
    seasons : {"northern", "southern"}, mapping of str to tuple of int, or None, \
            default="northern"
        The months of each season, 1 to 12, each month in one: ``{"dry": (11, 12, 1, 2,
        3, 4), "wet": (5, 6, 7, 8, 9, 10)}``. The two hemispheres have the
        meteorologists' seasons of three whole months. None leaves seasons out.
    holidays : mapping of str to sequence, or None, default=None
        The days of each holiday, as dates or as pairs of first and last day:
        ``{"christmas": [("2010-11-25", "2010-12-24")]}``. Text is read as ISO 8601.
        Orders of all other days are `none`.
    by : str, tuple of str, mapping of str to str, or None, default=None
        Columns of `tx` with further occasions, such as a product category that stands
        for a purpose, the place of delivery or the format of the store; a mapping
        gives them names: ``{"purpose": "category"}``.
    counts : bool, default=False
        Whether numbers of orders are given instead of shares.
    customers : frame or sequence, default=None
        Customers that are to have a row though they have no line, as in
        `summarize_transactions`. Their numbers of orders are 0 and their shares
        missing.
    observation_period_end : str, date, datetime or pandas.Timestamp, default=None
        Until when customers were observed, as in `summarize_transactions`; what comes
        after is left out.

    Returns
    -------
    customers : same kind as `tx`
        One row per customer, ordered by `customer_id`; a query that has not run yet
        where the engine is lazy:

        - `customer_id`: as given;
        - `frequency`: int, number of orders;
        - a column for each occasion, such as `daypart_morning`, `week_weekend`,
          `season_spring`, `holiday_christmas`, `holiday_none` or `purpose_gift`: float,
          share of the orders, missing for a customer whose orders were all returned;
          with `counts` int, their number. The shares of one kind of occasion add up to
          1, the counts to `frequency`.

    Raises
    ------
    SchemaError
        If a column is missing, occurs twice or has the wrong type, or two results
        would have one name.
    DataQualityError
        If `tx` is as `summarize_transactions` does not take it, if parts of the day
        are wanted of dates without times, or a column of `by` has more than 50 levels.
    ValueError
        If dayparts, weekend, seasons or holidays cannot be read, leave a month out or
        have one twice, or two holidays share a day.
    TypeError
        If `tx` is no such frame.

    See Also
    --------
    summarize_transactions : How recently, how often and for how much.
    custseg.features.OccasionTransformer : These columns to numbers.

    Notes
    -----
    What an order is, and which orders count, is as in `summarize_transactions`: only
    orders of which something was kept. Its time is that of its earliest line, on the
    clock on the wall in the column's own time zone. An order over several levels of a
    column of `by` belongs to the one on which most currency was kept, with a tie to the
    one that comes first by name; one whose lines have no level is `missing`.

    A time belongs to where it was written. Orders of customers in other time zones
    than the shop's have the shop's hours.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import TransactionColumns, summarize_occasions
    >>> tx = pd.DataFrame({
    ...     "customer_id": ["a", "a", "b", "b"],
    ...     "date": pd.to_datetime([
    ...         "2024-01-05 08:30", "2024-01-06 19:00",
    ...         "2024-01-08 23:15", "2024-01-09 02:00"]),
    ...     "eur": [30.0, 10.0, 20.0, 5.0],
    ... })
    >>> occasions = summarize_occasions(
    ...     tx, TransactionColumns(amount="eur"), seasons=None)
    >>> occasions.set_index("customer_id").T
    customer_id          a    b
    frequency          2.0  2.0
    daypart_morning    0.5  0.0
    daypart_afternoon  0.0  0.0
    daypart_evening    0.5  0.0
    daypart_night      0.0  1.0
    week_workday       0.5  1.0
    week_weekend       0.5  0.0
    """
    given = dict(zip(_READERS, (dayparts, weekend, seasons, holidays), strict=True))
    calendar = {kind: _frozen(one) for kind, one in given.items() if one is not None}
    names = {kind: _READERS[kind](one)[0] for kind, one in calendar.items()}
    table, columns = open_transactions(tx, columns)
    columns = after_cleaning(columns, table.columns)
    further = _read_by(table, by, calendar)
    period = observed_period(table, columns, observation_period_end)
    plan = {"columns": columns, "period": period, "further": further}
    if further or "daypart" in calendar:
        found = table.figures(_figures, by=columns.customer_id, **plan)
        if "daypart" in calendar:
            _check_times(found)
        further = _with_missing(further, found)
    names |= {one.kind: one.names for one in further}
    _check_names(names)
    plan |= {"further": further, "calendar": calendar, "counts": bool(counts)}
    zeros = _columns_of(names) if counts else ()
    found = table.run(_summarize, by=columns.customer_id, **plan)
    return with_listed(found, customers, columns.customer_id, ("frequency", *zeros))


# -- what was asked for ----------------------------------------------------------------


def _frozen(value):
    """Return what was given in a form that can be read again."""
    if isinstance(value, Mapping):
        return {name: _frozen(one) for name, one in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return tuple(value)
    return value


class _Further(NamedTuple):
    """A kind of occasion that a column tells.

    Attributes
    ----------
    kind : str
        What it is called.
    column : str
        Column of the table.
    levels : tuple of tuple
        The values that each level is written as.
    names : tuple of str
        Names of the levels, in ascending order, and the one for none if there is need
        of it.
    """

    kind: str
    column: str
    levels: tuple
    names: tuple


def _read_by(table, by, calendar):
    """Return the further kinds of occasion, with the levels that the table has."""
    if by is None:
        return ()
    names = {by: by} if isinstance(by, str) else by
    if not isinstance(names, Mapping):
        names = {name: name for name in names}
    absent = [name for name in names.values() if name not in table.columns]
    if absent:
        raise SchemaError(
            "by must name columns of the transaction table. Got "
            f"{', '.join(map(repr, absent))} instead; there are "
            f"{', '.join(map(repr, table.columns))}."
        )
    taken = [name for name in names if name in calendar]
    if taken:
        raise SchemaError(
            "by must have names that other occasions do not have. Got "
            f"{', '.join(map(repr, taken))} instead. Give another name, as in "
            'by={"purpose": "category"}.'
        )
    return tuple(
        _Further(str(kind), column, *_levels(table, column))
        for kind, column in names.items()
    )


def _levels(table, name):
    """Return the values of each level, and the names of the levels."""
    dtype = table.schema[name]
    texts = nw.String | nw.Categorical | nw.Enum
    objects = isinstance(dtype, nw.Object) and table.frame.implementation.is_pandas()
    known = isinstance(dtype, texts | nw.Boolean) or dtype.is_numeric()
    if not (known or objects):
        raise SchemaError(
            f"Column {name!r} must hold one level a line, as text or a number. Got "
            f"{dtype} instead. Convert it first."
        )
    values_of = {}
    for row in table.rows(_values, column=name):
        value = row["value"]
        value = value.item() if hasattr(value, "item") else value
        level = str(bool(value)) if isinstance(dtype, nw.Boolean) else _text(value)
        values_of.setdefault(level, set()).add(value)
    if len(values_of) > _MOST_LEVELS or not values_of:
        raise DataQualityError(
            f"Column {name!r} must have from 1 to {_MOST_LEVELS} levels to be an "
            f"occasion. Got {len(values_of):,} instead. Map products to a few purposes "
            "first."
        )
    levels = sorted(values_of)
    return tuple(tuple(values_of[level]) for level in levels), tuple(levels)


def _text(value):
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def _values(frame, column):
    """Return the different values of a column, without those that stand for none."""
    dtype = frame.collect_schema()[column]
    there = frame.filter(~missing(nw.col(column), dtype))
    return there.select(value=_comparable(column, dtype)).unique()


def _comparable(name, dtype):
    """Return a column as text or numbers, which every engine can compare."""
    column = nw.col(name)
    if isinstance(dtype, nw.Categorical | nw.Enum):
        return column.cast(nw.String)
    if isinstance(dtype, nw.Boolean):
        return column.cast(nw.Int64)
    return column.cast(nw.Float64) if isinstance(dtype, nw.Decimal) else column


def _columns_of(names):
    """Return the names of all columns of occasions: list of str."""
    return [f"{kind}_{name}" for kind, levels in names.items() for name in levels]


def _check_names(names):
    called = ["customer_id", "frequency", *_columns_of(names)]
    twice = sorted({name for name in called if called.count(name) > 1})
    if twice:
        raise SchemaError(
            "Occasions must have names of their own. Got "
            f"{', '.join(map(repr, twice))} more than once instead. Name the levels "
            "apart."
        )


# -- orders ----------------------------------------------------------------------------


def _orders(frame, columns, period, further):
    """One row per order: its time, and the place of each further kind of occasion."""
    schema, sums = frame.collect_schema(), {}
    for place, one in enumerate(further):
        column = _comparable(one.column, schema[one.column])
        frame = frame.with_columns(column.alias(_alias(place)))
        for code, values in enumerate(one.levels):
            here = nw.col(_alias(place)).is_in(list(values)).fill_null(False)
            kept = nw.when(here).then(nw.col("kept")).otherwise(0.0)
            sums[f"kept_{place}_{code}"] = kept
    keep = tuple(_alias(place) for place in range(len(further)))
    lines = purchase_lines(frame, columns, period, keep=keep)
    if sums:
        lines = lines.with_columns(**sums)
    orders = orders_of(lines, period, tuple(sums))
    for place, one in enumerate(further):
        orders = _with_place(orders, place, len(one.levels))
    return orders


def _alias(place):
    return f"_custseg_by_{place}"


def _with_place(orders, place, n_levels):
    """Add the level on which most was kept, the first of equals; else `n_levels`."""
    parts = [nw.col(f"kept_{place}_{code}") for code in range(n_levels)]
    most = nw.max_horizontal(*parts) if n_levels > 1 else parts[0]
    orders = orders.with_columns(most=most)
    found = nw.lit(n_levels)
    for code in reversed(range(n_levels)):
        is_most = (parts[code] == nw.col("most")) & (nw.col("most") > 0)
        found = nw.when(is_most).then(code).otherwise(found)
    return orders.with_columns(found.alias(f"by_{place}"))


def _figures(frame, columns, period, further):
    """Count orders, those with a time of day, and those without a level."""
    orders = _orders(frame, columns, period, further)
    is_order = nw.col("is_order")
    counts = {
        "n_orders_sum": is_order,
        "timed_sum": is_order * (nw.col("order_time") % DAY != 0).cast(nw.Int64),
    }
    for place, one in enumerate(further):
        none = nw.col(f"by_{place}") == len(one.levels)
        counts[f"none_{place}_sum"] = is_order * none.cast(nw.Int64)
    return orders.select(**counts).select(nw.col(name).sum() for name in counts)


def _check_times(found):
    if not found["timed"]:
        raise DataQualityError(
            "Dates must have times of day to tell parts of the day. Got midnight for "
            f"all {found['n_orders'] or 0:,} orders instead. Set dayparts=None."
        )


def _with_missing(further, found):
    """Add a name for orders without a level where there are any."""
    return tuple(
        one._replace(names=(*one.names, _NO_LEVEL)) if found[f"none_{place}"] else one
        for place, one in enumerate(further)
    )


# -- customers -------------------------------------------------------------------------


def _summarize(frame, columns, period, further, calendar, counts):
    """Count orders at each occasion, or tell which share they are."""
    orders = _orders(frame, columns, period, further)
    names = {}
    for kind, given in calendar.items():
        names[kind], place_of = _READERS[kind](given)
        place = place_of(nw.col("order_time"), nw.col("order_date"))
        orders = orders.with_columns(place.alias(f"place {kind}"))
    for place, one in enumerate(further):
        names[one.kind] = one.names
        orders = orders.with_columns(nw.col(f"by_{place}").alias(f"place {one.kind}"))
    marks = {
        f"{kind}_{name}": nw.col("is_order")
        * (nw.col(f"place {kind}") == code).cast(nw.Int64)
        for kind, levels in names.items()
        for code, name in enumerate(levels)
    }
    orders = orders.select("customer", frequency=nw.col("is_order"), **marks)
    customers = orders.group_by("customer").agg(
        nw.col("frequency").sum(), *(nw.col(name).sum() for name in marks)
    )
    n = nw.col("frequency").cast(nw.Int64)
    numbers = {name: nw.col(name).cast(nw.Int64) for name in marks}
    if not counts:
        numbers = {name: nw.when(n > 0).then(one / n) for name, one in numbers.items()}
    return customers.select(
        nw.col("customer").alias("customer_id"), frequency=n, **numbers
    ).sort("customer_id")
