"""Years from a date to a reference date: ages of people and of firms."""

from datetime import date, datetime

import numpy as np

from custseg.columns import numbers

__all__ = ["read_reference_date", "years_until"]


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


def years_until(reference, column, longest):
    """Count the years from each customer's date or year to the reference date.

    Parameters
    ----------
    reference : datetime.date
    column : Column
        Dates, or years as numbers.
    longest : int
        More years than this are impossible, as are fewer than none.

    Returns
    -------
    years : ndarray of shape (n_customers,)
        Float64. From a date, the years completed, as one tells an age; from a year,
        the difference of the years. NaN where missing or impossible.
    impossible : ndarray of int
        The rows that were impossible.

    Raises
    ------
    SchemaError
        If the column holds text, durations or times of day.
    DataQualityError
        If a year is infinite.
    """
    if column.kind == "date" and column.values is not None:
        years = _completed_years(column.values, reference)
    else:
        years = reference.year - numbers(
            column,
            "Give dates parsed, as by pandas.to_datetime, or years as numbers.",
        )
    impossible = (years < 0) | (years > longest)
    years = np.where(impossible, np.nan, years)
    return years, np.flatnonzero(impossible)


def _completed_years(dates, reference):
    """Return completed years; who was born on 29 February turns on 1 March."""
    year = dates.astype("datetime64[Y]")
    month = dates.astype("datetime64[M]")
    months = (month - year.astype("datetime64[M]")).astype(np.float64) + 1
    days = (dates.astype("datetime64[D]") - month.astype("datetime64[D]")).astype(
        np.float64
    ) + 1
    missing = np.isnat(dates)
    years = reference.year - (year.astype(np.float64) + 1970)
    to_come = 100 * months + days > 100 * reference.month + reference.day
    return np.where(missing, np.nan, years - to_come)
