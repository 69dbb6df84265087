"""Checks of columns of dates: rows that are stale, dates that lie ahead."""

import narwhals as nw
import numpy as np
import pandas as pd

from custseg.exceptions import SchemaError

__all__ = ["dates_of", "stale"]


def dates_of(customers, names):
    """Read columns of dates.

    Parameters
    ----------
    customers : DataFrame
    names : list of str

    Returns
    -------
    dates : dict of str to pandas.Series
        Without time zones; NaT where missing or where a cell is no date.
    """
    if not names:
        return {}
    frame = nw.from_native(customers, eager_only=True)
    read = {}
    for name in names:
        values = pd.Series(list(frame[name].to_list()), dtype=object)
        dates = pd.to_datetime(values, errors="coerce", utc=True)
        read[name] = dates.dt.tz_localize(None)
    return read


def stale(dates, updated, as_of, max_age_days):
    """Find rows that were not confirmed for long, and dates that lie ahead."""
    if updated is not None and updated not in dates:
        raise SchemaError(
            f"Column {updated!r} must hold dates. Got something else instead. Turn it "
            "into dates first (pandas.to_datetime with its format)."
        )
    end = _end(dates.get(updated), as_of)
    if end is None:
        return []
    found = []
    for name, column in dates.items():
        ahead = int(np.count_nonzero(column > end))
        if ahead:
            text = f"{ahead} dates after {end:%Y-%m-%d}"
            found.append(("impossible", "error", name, ahead, text))
    if updated is not None:
        age = (end - dates[updated]).dt.total_seconds() / 86_400
        old = int(np.count_nonzero(age > max_age_days))
        if old:
            text = f"{old} rows not updated for {max_age_days:g} days or longer"
            found.append(("stale", "warning", updated, old, text))
        never = int(dates[updated].isna().sum())
        if never:
            text = f"{never} rows have no date of an update"
            found.append(("stale", "warning", updated, never, text))
    return found


def _end(updated, as_of):
    """Return the last moment of the day of the check."""
    day = as_of
    if day is None:
        if updated is None or updated.isna().all():
            return None
        day = updated.max()
    try:
        day = pd.Timestamp(day)
    except (TypeError, ValueError):
        raise ValueError(
            f"as_of must be a date. Got {as_of!r} instead. Give one such as "
            "'2024-12-31'."
        ) from None
    if day.tz is not None:
        day = day.tz_convert("UTC").tz_localize(None)
    return day.normalize() + pd.Timedelta(days=1) - pd.Timedelta(nanoseconds=1)
