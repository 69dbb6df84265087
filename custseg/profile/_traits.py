"""A customer table as columns to describe: numbers, dates, or levels."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from custseg.columns import (
    check_names,
    each_once,
    is_identifier,
    level_codes,
    level_text,
    numbers,
    read_column,
    split_table,
)
from custseg.exceptions import SchemaError

MAX_LEVELS = 20


class Trait(NamedTuple):
    """One column of a customer table as it is described.

    Attributes
    ----------
    name : str
    kind : {"number", "date", "boolean", "level"}
    values : ndarray of shape (n_customers,)
        Float64 with NaN where missing; days before the latest date for "date". For
        "boolean" and "level" the position of each customer's level, -1 where missing.
    levels : tuple of str
        The levels; empty for "number" and "date".
    ordered : bool
        Whether the order of the levels means something.
    statistic : str
        What is said of the column in a segment.
    """

    name: str
    kind: str
    values: np.ndarray
    levels: tuple = ()
    ordered: bool = False
    statistic: str = "mean"


class UnreadTable(NamedTuple):
    """A customer table as unread columns: names as the caller has them and as text."""

    names: list
    texts: list
    series: list
    n_customers: int

    def take(self, rows):
        """Keep the customers at some positions."""
        series = [one[rows] for one in self.series]
        return UnreadTable(self.names, self.texts, series, len(rows))


def read_table(customers):
    """Split a table in memory into its columns, as `split_table` does."""
    names, texts, series = split_table(customers)
    return UnreadTable(names, texts, series, len(series[0]))


def read_traits(table, columns, categorical):
    """Read the columns asked for, or all that can be described.

    Parameters
    ----------
    table : UnreadTable
    columns : sequence of column names or None
    categorical : sequence of column names
        Columns of codes, to be read as levels.

    Returns
    -------
    read : list of Trait
    left_out : dict of str to str
        Columns that tell customers apart and not segments, and why. Only when
        `columns` is None; else they are an error.

    Raises
    ------
    SchemaError
        If a name is not in the table, a column cannot be described, or none is left.
    DataQualityError
        If a column has infinite values.
    """
    for parameter, wanted in (("columns", columns), ("categorical", categorical)):
        check_names(parameter, each_once(parameter, wanted or ()), table.names)
    read, left_out = [], {}
    for name, text, series in zip(*table[:3], strict=True):
        if columns is not None and name not in columns:
            continue
        column = _trait_of(read_column(text, series), name in categorical)
        reason = _why_no_trait(column)
        if reason and columns is not None:
            raise SchemaError(
                f"Column {text!r} must have values that customers share. Got {reason} "
                "instead. Leave it out of columns=."
            )
        if reason:
            left_out[text] = reason
        else:
            read.append((name, column))
    if not read:
        reasons = "; ".join(f"{name}: {why}" for name, why in left_out.items())
        raise SchemaError(
            "customers must have a column to describe. Got none instead "
            f"({reasons or 'columns= is empty'}). Give what is known of customers."
        )
    if columns is not None:
        read.sort(key=lambda pair: list(columns).index(pair[0]))
    return [column for _, column in read], left_out


def _why_no_trait(trait):
    """Why a column tells customers apart and not segments; "" if it does not."""
    values = trait.values
    if trait.kind == "level":
        known = values[values >= 0]
        n_known, n_distinct = len(known), len(np.unique(known))
    elif trait.kind == "number" and np.array_equal(values, np.floor(values)):
        n_known, n_distinct = len(values), len(np.unique(values))
    else:
        return ""
    if is_identifier(trait.name, n_distinct, n_known):
        return "customer ids"
    if trait.kind == "level" and n_distinct == n_known > MAX_LEVELS:
        return "a different text for every customer"
    return ""


# -- one column --------------------------------------------------------------------


def _trait_of(column, categorical):
    """Turn a column into what is described of it."""
    name, kind, values = column.name, column.kind, column.values
    if kind == "date":
        if values is None:
            raise SchemaError(
                f"Column {name!r} must hold numbers, text, categories, booleans or "
                "dates. Got durations, times of day, or dates beside other cells "
                "instead. Convert it, a duration to days for example, or leave it out "
                "with columns=."
            )
        return _codes_of_dates(name, values) if categorical else _days(name, values)
    if kind == "boolean":
        codes = np.select([values == 1, values == 0], [0, 1], default=-1)
        return Trait(name, "boolean", codes, ("True", "False"), True, "share")
    if kind in ("number", "empty") and not categorical:
        return Trait(name, "number", numbers(column, ""))
    codes, levels = level_codes(column)
    if kind == "number":
        return _in_order(name, codes, levels, sorted(levels, key=float))
    declared = list(map(level_text, column.levels or ()))
    if len(set(declared)) < len(declared) or not declared:
        return Trait(name, "level", codes, tuple(levels), False, "share")
    return _in_order(name, codes, levels, declared)


def _in_order(name, codes, levels, order):
    """Give levels their codes by an order that means something."""
    place = {level: code for code, level in enumerate(order)}
    # The last entry serves the code -1.
    table = np.array([place[level] for level in levels] + [-1])
    return Trait(name, "level", table[codes], tuple(order), True, "share")


def _codes_of_dates(name, dates):
    codes, distinct = pd.factorize(dates, sort=True)
    levels = tuple(level_text(one) for one in np.asarray(distinct))
    return Trait(name, "level", codes, levels, True, "share")


def _days(name, dates):
    """Dates as days before the latest of them, a number that has a mean."""
    dates = pd.DatetimeIndex(dates)
    if dates.isna().all():
        return Trait(name, "number", np.full(len(dates), np.nan))
    latest = dates.max()
    days = ((latest - dates) / pd.Timedelta(days=1)).to_numpy(dtype=np.float64)
    statistic = f"mean days before {latest:%Y-%m-%d}"
    return Trait(name, "date", days, statistic=statistic)
