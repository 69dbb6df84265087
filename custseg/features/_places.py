"""A table of places, frozen, and its columns joined to customers by a key."""

from collections.abc import Mapping
from typing import NamedTuple

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from custseg.columns import Column, check_names, count_unseen, level_codes, read_columns
from custseg.exceptions import DataQualityError, SchemaError

__all__ = ["PlaceTable", "join_places", "read_places"]


class PlaceTable(NamedTuple):
    """What is known of places.

    Attributes
    ----------
    key : str
        Name of the column that customers and places share.
    row_of : dict of str to int
        Row of each place by its key.
    columns : list of Column
        With one row more, in which everything is missing.
    """

    key: str
    row_of: dict
    columns: list


def read_places(places, key, wanted):
    """Read and check a table of places.

    Parameters
    ----------
    places : frame or mapping of str to sequence
        One row a place.
    key : str
        Column that tells places apart.
    wanted : tuple of str or None
        Columns to keep; None keeps all but the key.

    Returns
    -------
    PlaceTable

    Raises
    ------
    ValueError
        If the table is neither a frame nor a mapping, or has no rows.
    SchemaError
        If a column is missing or holds dates, or there is none but the key.
    DataQualityError
        If keys are missing or repeat.
    """
    columns = {column.name: column for column in _columns_of(places)}
    check_names("place", [key], columns, "a column of places")
    names = [name for name in columns if name != key] if wanted is None else wanted
    check_names("place_columns", names, columns, "columns of places")
    names = [name for name in names if name != key]
    if not names:
        raise SchemaError(
            "places must have columns beside its key. Got none instead. Give what is "
            "to be joined."
        )
    dates = [name for name in names if columns[name].kind == "date"]
    if dates:
        raise SchemaError(
            f"Column {dates[0]!r} of places must hold numbers or categories. Got dates "
            "or durations instead. Leave it out with place_columns."
        )
    row_of = _rows_by_key(columns[key])
    return PlaceTable(key, row_of, [_with_missing(columns[name]) for name in names])


def _columns_of(places):
    if isinstance(places, Mapping):
        places = pd.DataFrame({str(name): list(one) for name, one in places.items()})
    if not nw.dependencies.is_into_dataframe(places):
        raise ValueError(
            "places must be a data frame, or a mapping of names and columns. Got "
            f"{type(places).__name__} instead."
        )
    return read_columns(BaseEstimator(), places, reset=True)


def _rows_by_key(column):
    """Return the row of each key, refusing those that do not tell one place."""
    codes, levels = level_codes(column)
    blank = np.count_nonzero(codes < 0)
    if blank:
        raise DataQualityError(
            f"Column {column.name!r} of places must hold a key in every row. Got "
            f"{blank} of {len(codes)} rows without instead. Leave these rows out."
        )
    counts = np.bincount(codes, minlength=len(levels))
    if np.any(counts > 1):
        raise DataQualityError(
            f"Column {column.name!r} of places must hold each key once. Got "
            f"{np.count_nonzero(counts > 1)} keys more than once, in "
            f"{counts[counts > 1].sum()} of {len(codes)} rows, instead. Keep one row "
            "a place; '1' and 1 are one key, as is text with spaces at its ends."
        )
    return {levels[code]: row for row, code in enumerate(codes.tolist())}


def _with_missing(column):
    last = np.nan if column.kind in ("number", "boolean", "empty") else None
    values = np.empty(len(column.values) + 1, dtype=column.values.dtype)
    values[:-1], values[-1] = column.values, last
    return column._replace(values=values)


def join_places(column, table):
    """Return the columns of places for customers.

    Parameters
    ----------
    column : Column
        The customers' keys.
    table : PlaceTable

    Returns
    -------
    joined : list of Column
        Missing where the key is missing or not in the table.
    unmatched : dict of str to int
        Customers by key that is not in the table, "missing" included.
    """
    codes, levels = level_codes(column)
    found = np.array([table.row_of.get(level, -1) for level in levels] + [-1])
    rows = found[codes]  # the last entry serves the code -1, the last row what is -1
    joined = [
        Column(one.name, one.kind, one.values[rows], one.levels)
        for one in table.columns
    ]
    return joined, count_unseen(codes, levels, found, missing=True)
