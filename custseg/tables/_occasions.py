"""One row per customer: at what times, and for what, orders are made."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from numbers import Real

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._lines import DAY, missing, open_table, plain_numbers
from custseg.tables._summary import observation_end, order_keys, purchase_lines

__all__ = ["summarize_occasions"]

_DAYPARTS = {"morning": 6, "afternoon": 12, "evening": 18, "night": 22}
_MONTHS = {
    "northern": {
        "spring": (3, 4, 5),
        "summer": (6, 7, 8),
        "autumn": (9, 10, 11),
        "winter": (12, 1, 2),
    },
    "southern": {
        "spring": (9, 10, 11),
        "summer": (12, 1, 2),
        "autumn": (3, 4, 5),
        "winter": (6, 7, 8),
    },
}
_WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
_MOST_LEVELS = 50
_NO_LEVEL = "missing"
_NO_HOLIDAY = "none"


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
    observation_period_end=None,
):
    """Make one row per customer of the occasions of their orders.

    Parameters
    ----------
    tx : pandas.DataFrame or polars.DataFrame
        Transaction table, as `clean_transactions` gives it back and
        `summarize_transactions` takes it. It is not changed.
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
    observation_period_end : str, date, datetime or pandas.Timestamp, default=None
        Until when customers were observed, as in `summarize_transactions`; what comes
        after is left out.

    Returns
    -------
    customers : same kind as `tx`
        One row per customer, ordered by `customer_id`: `customer_id`, `frequency`
        (number of orders), and a column for each occasion: `daypart_morning`,
        `week_workday`, `week_weekend`, `season_spring`, `holiday_christmas`,
        `holiday_none`, `purpose_gift`, ... The shares of one kind of occasion add up to
        1, the counts to `frequency`. Shares of a customer whose orders were all
        returned are missing.

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
        If `tx` is no pandas or polars frame.

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
    occasions = _read_occasions(dayparts, weekend, seasons, holidays)
    frame, give_back = open_table(tx, columns)
    further = _read_by(frame, by, occasions)
    lines = purchase_lines(frame, columns)
    for place, (codes, _) in enumerate(further.values()):
        series = nw.new_series(f"by_{place}", codes, backend=frame.implementation)
        lines = lines.with_columns(series)
    _, limit = observation_end(lines, observation_period_end)
    lines = lines.filter(nw.col("when") <= limit)
    if lines.is_empty():
        raise DataQualityError(
            "observation_period_end must not come before the first line of the table. "
            f"Got {observation_period_end!r} instead. Check the year, and the order of "
            "day and month."
        )
    orders = _orders(lines, further)
    customers = _customers(orders, _places(orders, occasions, further), counts)
    return give_back(
        nw.maybe_reset_index(plain_numbers(customers, keys=("customer_id",)))
    )


# -- parameters ----------------------------------------------------------------------


def _read_occasions(dayparts, weekend, seasons, holidays):
    """Return names and rule of each kind of occasion that goes by time."""
    occasions = {}
    if dayparts is not None:
        occasions["daypart"] = _read_dayparts(dayparts)
    if weekend is not None:
        occasions["week"] = _read_weekend(weekend)
    if seasons is not None:
        occasions["season"] = _read_seasons(seasons)
    if holidays is not None:
        occasions["holiday"] = _read_holidays(holidays)
    return occasions


def _read_dayparts(dayparts):
    """Return the names of parts of the day, and a function from times to parts."""
    parts = _DAYPARTS if isinstance(dayparts, str) else dayparts
    known = dayparts == "standard" if isinstance(dayparts, str) else True
    if known and isinstance(parts, Mapping) and len(parts) > 1:
        known = all(
            isinstance(hour, Real) and 0 <= hour < 24 for hour in parts.values()
        )
        known = known and len(set(parts.values())) == len(parts)
    else:
        known = False
    if not known:
        raise ValueError(
            "dayparts must be 'standard', None or a mapping of two or more names and "
            "the different hours, from 0 to below 24, at which they begin. Got "
            f'{dayparts!r} instead. Write {{"day": 6, "night": 22}}.'
        )
    names = list(parts)
    starts = np.array([float(parts[name]) for name in names])
    order = np.argsort(starts)

    def part_of(times):
        hours = (times % DAY) / (DAY / 24)
        # Before the first part begins it is still the last, which -1 stands for.
        return order[np.searchsorted(starts[order], hours, side="right") - 1]

    return names, part_of


def _read_weekend(weekend):
    days = (weekend,) if isinstance(weekend, str) else tuple(weekend)
    unknown = [day for day in days if str(day).lower() not in _WEEK]
    if unknown or not days:
        raise ValueError(
            "weekend must be a tuple of days in English, such as ('saturday', "
            f"'sunday'). Got {weekend!r} instead."
        )
    free = np.zeros(7, dtype=int)
    free[[_WEEK.index(str(day).lower()) for day in days]] = 1
    return ["workday", "weekend"], lambda times: free[
        (times // DAY + _EPOCH_WEEKDAY) % 7
    ]


def _read_seasons(seasons):
    months = _MONTHS.get(seasons) if isinstance(seasons, str) else seasons
    listed = []
    if isinstance(months, Mapping):
        listed = [month for one in months.values() for month in one]
    if sorted(listed) != list(range(1, 13)):
        raise ValueError(
            "seasons must be 'northern', 'southern', None or a mapping of names and "
            f"months that has each of the months 1 to 12 once. Got {seasons!r} instead."
        )
    season = np.zeros(13, dtype=int)
    for place, one in enumerate(months.values()):
        season[list(one)] = place

    def season_of(times):
        months = times.astype("datetime64[us]").astype("datetime64[M]").astype(int)
        return season[months % 12 + 1]

    return list(months), season_of


def _read_holidays(holidays):
    """Return the names of holidays, and a function from times to holidays."""
    if not isinstance(holidays, Mapping) or _NO_HOLIDAY in holidays or not holidays:
        raise ValueError(
            f"holidays must be a mapping of names, none of them {_NO_HOLIDAY!r}, and "
            f"days. Got {holidays!r} instead. Write "
            '{"easter": ["2024-03-31", "2024-04-01"]}.'
        )
    holiday_of = {}
    for place, (name, days) in enumerate(holidays.items()):
        for day in _days_of(name, days):
            if holiday_of.setdefault(day, place) != place:
                other = list(holidays)[holiday_of[day]]
                raise ValueError(
                    f"holidays must give each day to one holiday. Got {name!r} and "
                    f"{other!r} on one day instead. Shorten one of them."
                )
    days = np.array(sorted(holiday_of), dtype=np.int64)
    places = np.array([holiday_of[day] for day in days.tolist()] + [len(holidays)])

    def find(times):
        at = np.searchsorted(days, times // DAY)
        found = days[np.minimum(at, len(days) - 1)] == times // DAY
        return places[np.where(found, at, len(days))]

    return [*map(str, holidays), _NO_HOLIDAY], find


def _days_of(name, days):
    """Return the days of a holiday, counted from 1970."""
    found = []
    if isinstance(days, str) or not isinstance(days, Iterable):
        days = [days]
    for one in days:
        first, last = (
            one if isinstance(one, tuple | list) and len(one) == 2 else (one,) * 2
        )
        first, last = _day(name, first), _day(name, last)
        if last < first:
            raise ValueError(
                f"The days of holiday {name!r} must end when they have begun. Got "
                f"{one!r} instead. Write the first day first."
            )
        found += range(first, last + 1)
    if not found:
        raise ValueError(f"Holiday {name!r} must have days. Got none instead.")
    return found


def _day(name, value):
    """Return one day, counted from 1970."""
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, str):
        with suppress(ValueError):  # refused below
            value = datetime.fromisoformat(value)
    if not isinstance(value, date) or value != value:  # NaT differs from itself
        raise ValueError(
            f"The days of holiday {name!r} must be dates in the form 2024-12-31, or "
            f"pairs of first and last. Got {value!r} instead."
        )
    return (date(value.year, value.month, value.day) - date(1970, 1, 1)).days


# -- columns of further occasions ------------------------------------------------------


def _read_by(frame, by, occasions):
    """Return codes and levels of each further kind of occasion."""
    if by is None:
        return {}
    names = {by: by} if isinstance(by, str) else by
    if not isinstance(names, Mapping):
        names = {name: name for name in names}
    absent = [name for name in names.values() if name not in frame.columns]
    if absent:
        raise SchemaError(
            "by must name columns of the transaction table. Got "
            f"{', '.join(map(repr, absent))} instead; there are "
            f"{', '.join(map(repr, frame.columns))}."
        )
    taken = [name for name in names if name in occasions]
    if taken:
        raise SchemaError(
            "by must have names that other occasions do not have. Got "
            f"{', '.join(map(repr, taken))} instead. Give another name, as in "
            'by={"purpose": "category"}.'
        )
    return {str(name): _levels(frame, column) for name, column in names.items()}


def _levels(frame, name):
    """Return the code of each line's level, -1 without one, and the levels' names."""
    dtype = frame.schema[name]
    kinds = nw.String | nw.Categorical | nw.Enum | nw.Boolean | nw.Object
    if not (isinstance(dtype, kinds) or dtype.is_numeric()):
        raise SchemaError(
            f"Column {name!r} must hold one level a line, as text or a number. Got "
            f"{dtype} instead. Convert it first."
        )
    absent = frame.select(m=missing(nw.col(name), dtype))["m"].to_numpy().astype(bool)
    values = [
        None if none else _text(value)
        for none, value in zip(absent, frame[name].to_list(), strict=True)
    ]
    levels = sorted(set(values) - {None})
    if len(levels) > _MOST_LEVELS or not levels:
        raise DataQualityError(
            f"Column {name!r} must have from 1 to {_MOST_LEVELS} levels to be an "
            f"occasion. Got {len(levels):,} instead. Map products to a few purposes "
            "first."
        )
    code_of = {level: code for code, level in enumerate(levels)} | {None: -1}
    return np.array([code_of[value] for value in values], dtype=np.int64), levels


def _text(value):
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


# -- orders and customers --------------------------------------------------------------


def _orders(lines, further):
    """One row per order: its time, and what was kept of each further level."""
    lines = lines.with_columns(order_time=nw.col("when"))
    lines, keys = order_keys(lines)
    sums = {}
    for place, (_, levels) in enumerate(further.values()):
        for code in range(len(levels)):
            of_level = nw.col(f"by_{place}") == code
            sums[f"kept_{place}_{code}"] = (
                nw.when(of_level).then(nw.col("kept")).otherwise(0.0)
            )
    orders = (
        lines.with_columns(**sums)
        .group_by(keys)
        .agg(
            nw.col("order_time").min(),
            nw.col("kept").sum(),
            *(nw.col(name).sum() for name in sums),
        )
    )
    return orders.with_columns(is_order=(nw.col("kept") > 0).cast(nw.Int64))


def _places(orders, occasions, further):
    """Return names of levels and the level of each order, by kind of occasion."""
    times = orders["order_time"].to_numpy().astype(np.int64)
    counted = orders["is_order"].to_numpy() == 1
    if "daypart" in occasions and not np.any(times[counted] % DAY):
        raise DataQualityError(
            "Dates must have times of day to tell parts of the day. Got midnight for "
            f"all {np.count_nonzero(counted):,} orders instead. Set dayparts=None."
        )
    found = {kind: (names, rule(times)) for kind, (names, rule) in occasions.items()}
    for place, (kind, (_, levels)) in enumerate(further.items()):
        kept = [
            orders[f"kept_{place}_{code}"].to_numpy() for code in range(len(levels))
        ]
        level = np.argmax(kept, axis=0)  # the first of equals
        none = np.max(kept, axis=0) <= 0
        if np.any(none & counted):
            level, levels = np.where(none, len(levels), level), [*levels, _NO_LEVEL]
        found[kind] = levels, level
    return found


def _customers(orders, places, counts):
    """One row per customer: how many orders at each occasion, or which share."""
    is_order = orders["is_order"].to_numpy()
    names = ["customer_id", "frequency"]
    columns = []
    for kind, (levels, level) in places.items():
        for place, called in enumerate(levels):
            names.append(f"{kind}_{called}")
            columns.append(
                nw.new_series(
                    names[-1],
                    (is_order * (level == place)).astype(np.int64),
                    backend=orders.implementation,
                )
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SchemaError(
            "Occasions must have names of their own. Got "
            f"{', '.join(map(repr, twice))} more than once instead. Name the levels "
            "apart."
        )
    orders = nw.maybe_reset_index(
        orders.select(customer_id=nw.col("customer"), frequency=nw.col("is_order"))
    ).with_columns(*columns)
    customers = (
        orders.group_by("customer_id")
        .agg(*(nw.col(name).sum() for name in names[1:]))
        .sort("customer_id")
    )
    if counts:
        return customers
    n = nw.col("frequency")
    return customers.with_columns(
        **{name: nw.when(n > 0).then(nw.col(name) / n) for name in names[2:]}
    )
