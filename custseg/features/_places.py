"""A table of places, frozen, and its columns joined to customers by a key."""

from collections.abc import Mapping

import narwhals as nw
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from custseg.columns import Levels, check_names, level_codes, read_columns
from custseg.exceptions import DataQualityError, SchemaError
from custseg.scoring import Joined

__all__ = ["read_places"]


def read_places(places, key, wanted, position, strict):
    """Read and check a table of places.

    Parameters
    ----------
    places : frame or mapping of str to sequence
        One row a place.
    key : str
        Column that tells places apart.
    wanted : tuple of str or None
        Columns to keep; None keeps all but the key.
    position : int
        Of the key among the customers' columns.
    strict : bool

    Returns
    -------
    Joined

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
    keys = Levels(_keys_by_row(columns[key]), "level")
    figures = zip(*(_with_missing(columns[name]) for name in names), strict=True)
    return Joined(tuple(names), position, keys, *map(tuple, figures), strict)


def _columns_of(places):
    if isinstance(places, Mapping):
        places = pd.DataFrame({str(name): list(one) for name, one in places.items()})
    if not nw.dependencies.is_into_dataframe(places):
        raise ValueError(
            "places must be a data frame, or a mapping of names and columns. Got "
            f"{type(places).__name__} instead."
        )
    return read_columns(BaseEstimator(), places, reset=True)


def _keys_by_row(column):
    """Return the key of each row, refusing those that do not tell one place."""
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
    return [levels[code] for code in codes.tolist()]


def _with_missing(column):
    """Return values with a missing one at the end, levels, kind and order."""
    if column.kind in ("number", "empty"):
        return np.append(column.values, np.nan), None, "number", None
    codes, levels = level_codes(column)
    kind = "category" if column.kind == "boolean" else column.kind
    return np.append(codes, -1), tuple(levels), kind, column.order
