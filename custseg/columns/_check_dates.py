"""Checks of columns of dates: rows that are stale, dates that lie ahead."""

import numpy as np
import pandas as pd

from custseg.exceptions import SchemaError

__all__ = ["dates_of", "stale"]


def dates_of(columns):
    """Return the columns of dates, each as a Series with NaT where missing."""
    return {
        column.name: pd.Series(column.values)
        for column in columns
        if column.kind == "date" and column.values is not None
    }


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
    next_day = day.tz_localize(None).normalize() + pd.Timedelta(days=1)
    return next_day - pd.Timedelta(microseconds=1)
