"""The day at which years and days are counted."""

from datetime import date, datetime

import numpy as np

__all__ = ["read_reference_date"]


def read_reference_date(value, parameter, purpose):
    """Read the day at which years are counted.

    Parameters
    ----------
    value : str, date, datetime, pandas.Timestamp, datetime64 or None
        Text is read as ISO 8601; a time of day is left out.
    parameter : str
        The parameter's name, for errors.
    purpose : str
        What needs it, for the error about None.

    Returns
    -------
    datetime.date

    Raises
    ------
    ValueError
        If it is None or cannot be read. It is never today: what a customer is would
        then depend on the day on which one asks.
    """
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError as error:
            raise ValueError(
                f"{parameter} must be a date in the form 2024-12-31. Got {value!r} "
                "instead."
            ) from error
    if value is None or value != value:  # NaT differs from itself
        raise ValueError(
            f"{parameter} must be a date when {purpose}. Got {value} instead. Give the "
            "day at which years are to be counted, such as that of the data; it is "
            "never today by itself."
        )
    return date(value.year, value.month, value.day)
