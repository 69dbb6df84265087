"""Parts of the day, days of the week, seasons and holidays.

Each `read_*` takes what a user gave and returns the names of the places and a function
from microseconds of the wall clock, and the dates themselves, to the place of each.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from numbers import Real

import narwhals as nw
import numpy as np

from custseg.tables._clock import DAY

__all__ = [
    "read_dayparts",
    "read_holidays",
    "read_seasons",
    "read_weekdays",
    "read_weekend",
]

NO_HOLIDAY = "none"
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
_WEEKS = 5218  # a hundred years


def _counted(when):
    """Count from a day in 1869: some engines round what is negative towards zero."""
    return when + _WEEKS * 7 * DAY


def day_of(when):
    """Return the day, counted from 1970, of microseconds of the wall clock.

    It is right from 1870 on.
    """
    when = _counted(when)
    return (when - when % DAY) // DAY - _WEEKS * 7


def read_dayparts(dayparts):
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
    starts = sorted((float(parts[name]), i) for i, name in enumerate(names))

    def place(when, date=None):
        hours = (_counted(when) % DAY) / (DAY / 24)
        found = nw.lit(starts[-1][1])  # before the first begins it is still the last
        for start, i in starts:
            found = nw.when(hours >= start).then(i).otherwise(found)
        return found

    return names, place


def read_weekdays():
    """Return the days of the week, and a function from times to days."""
    return list(_WEEK), _weekday


def _weekday(when, date=None):
    return (day_of(when) + _WEEKS * 7 + _EPOCH_WEEKDAY) % 7


def read_weekend(weekend):
    """Return workday and weekend, and a function from times to these."""
    days = (weekend,) if isinstance(weekend, str) else tuple(weekend)
    unknown = [day for day in days if str(day).lower() not in _WEEK]
    if unknown or not days:
        raise ValueError(
            "weekend must be a tuple of days in English, such as ('saturday', "
            f"'sunday'). Got {weekend!r} instead."
        )
    free = sorted({_WEEK.index(str(day).lower()) for day in days})

    def place(when, date=None):
        return _weekday(when).is_in(free).cast(nw.Int64)

    return ["workday", "weekend"], place


def read_seasons(seasons):
    """Return the names of seasons, and a function from times to seasons."""
    months = _MONTHS.get(seasons) if isinstance(seasons, str) else seasons
    listed = []
    if isinstance(months, Mapping):
        listed = [month for one in months.values() for month in one]
    if sorted(listed) != list(range(1, 13)):
        raise ValueError(
            "seasons must be 'northern', 'southern', None or a mapping of names and "
            f"months that has each of the months 1 to 12 once. Got {seasons!r} instead."
        )

    def place(when, date):
        month, found = date.dt.month(), nw.lit(0)
        for i, one in enumerate(months.values()):
            found = nw.when(month.is_in(list(one))).then(i).otherwise(found)
        return found

    return list(months), place


def read_holidays(holidays):
    """Return the names of holidays, and a function from times to holidays."""
    if not isinstance(holidays, Mapping) or NO_HOLIDAY in holidays or not holidays:
        raise ValueError(
            f"holidays must be a mapping of names, none of them {NO_HOLIDAY!r}, and "
            f"days. Got {holidays!r} instead. Write "
            '{"easter": ["2024-03-31", "2024-04-01"]}.'
        )
    holiday_of = {}
    for i, (name, days) in enumerate(holidays.items()):
        for day in _days_of(name, days):
            if holiday_of.setdefault(day, i) != i:
                other = list(holidays)[holiday_of[day]]
                raise ValueError(
                    f"holidays must give each day to one holiday. Got {name!r} and "
                    f"{other!r} on one day instead. Shorten one of them."
                )
    days_of = [
        sorted(day for day, one in holiday_of.items() if one == i)
        for i in range(len(holidays))
    ]

    def place(when, date=None):
        day, found = day_of(when), nw.lit(len(days_of))
        for i, days in enumerate(days_of):
            found = nw.when(day.is_in(days)).then(i).otherwise(found)
        return found

    return [*map(str, holidays), NO_HOLIDAY], place


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
