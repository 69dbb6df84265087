"""Dates of events to days until the next and since the last, at a reference date."""

from datetime import date

import numpy as np

from custseg.exceptions import SchemaError

__all__ = ["days_around", "read_dates"]


def read_dates(column):
    """Read a column as days.

    Parameters
    ----------
    column : Column

    Returns
    -------
    ndarray of shape (n_customers,)
        Dates without time, NaT where missing.

    Raises
    ------
    SchemaError
        If the column does not hold dates.
    """
    if column.kind == "empty":
        return np.full(len(column.values), np.datetime64("NaT", "D"))
    if column.kind != "date" or column.values is None:
        what = "durations or times of day" if column.kind == "date" else column.kind
        raise SchemaError(
            f"Column {column.name!r} must hold dates of events. Got {what} instead. "
            "Parse it first, e.g. with pandas.to_datetime."
        )
    return column.values.astype("datetime64[D]")


def days_around(dates, reference, window, *, yearly):
    """Return days until the next event and since the last one.

    Parameters
    ----------
    dates : list of ndarray of shape (n_customers,)
        Days of events, NaT where there is none.
    reference : datetime.date
    window : tuple of int
        The longest time until and since an event.
    yearly : bool
        Whether the days come again each year.

    Returns
    -------
    until, since : ndarray of shape (n_customers,)
        Float64; the length of the window where there is no event in it. On the day
        itself an event is 0 days since.
    """
    until = np.full(len(dates[0]), float(window[0]))
    since = np.full(len(dates[0]), float(window[1]))
    for first in dates:
        for day in _anniversaries(first, reference) if yearly else [first]:
            ahead = (day - np.datetime64(reference, "D")).astype(np.float64)
            ahead[np.isnat(day)] = np.nan
            until = np.fmin(until, np.where(ahead > 0, ahead, np.nan))
            since = np.fmin(since, np.where(ahead <= 0, -ahead, np.nan))
    return until, since


def _anniversaries(first, reference):
    """Yield the days of this year, the last and the next, from the first event on."""
    month = first.astype("datetime64[M]")
    day = (first - month.astype("datetime64[D]")).astype(np.int64)
    month_of_year = (
        month - first.astype("datetime64[Y]").astype("datetime64[M]")
    ).astype(np.int64)
    known = ~np.isnat(first)
    for year in range(reference.year - 1, reference.year + 2):
        # 29 February is 1 March in other years.
        january = np.datetime64(date(year, 1, 1), "M")
        start = january + np.where(known, month_of_year, 0)
        again = start.astype("datetime64[D]") + np.where(known, day, 0)
        again[~known | (again < first)] = np.datetime64("NaT", "D")
        yield again
