"""Cells and columns of dates: by the clock on the wall of their own zone."""

import datetime

import numpy as np

from custseg.columns import is_missing

_NOT_A_TIME = np.datetime64("NaT", "us")


def date_of(cell):
    """Return a cell as datetime64, NaT where it is missing, None if it is no date."""
    if is_missing(cell):
        return _NOT_A_TIME
    if isinstance(cell, datetime.datetime):
        cell = cell.replace(tzinfo=None)
        if hasattr(cell, "to_datetime64"):  # of pandas, with its nanoseconds
            cell = cell.to_datetime64()
    elif not isinstance(cell, datetime.date | np.datetime64):
        return None
    return np.datetime64(cell, "us")


def as_dates(values):
    """Return an array as datetime64, NaT where missing; None if it has others."""
    if values.dtype.kind == "M":
        return values.astype("datetime64[us]")
    if values.dtype.kind == "f" and np.isnan(values).all():
        return np.full(len(values), _NOT_A_TIME)
    if values.dtype.kind != "O":
        return None
    dates = list(map(date_of, values.tolist()))
    if any(date is None for date in dates):
        return None
    return np.array(dates, dtype="datetime64[us]")
