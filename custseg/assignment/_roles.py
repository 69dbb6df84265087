"""A customer table, a frame or an array, by the roles of its columns.

Pure functions for the segmentation model, which alone knows what the columns are for.
"""

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from sklearn.utils import check_array

from custseg.exceptions import SchemaError


def as_frame(table):
    """Return the table as a narwhals frame, or None if it is no frame."""
    frame = nw.from_native(table, eager_only=True, pass_through=True)
    return frame if isinstance(frame, nw.DataFrame) else None


def columns_of(table, names, role):
    """Return the named columns of a frame, or the numbered ones of an array."""
    names = list(names)
    if not names:
        raise SchemaError(
            f"The {role} must be one column or more. Got none instead. Leave {role} "
            "out to take all columns."
        )
    frame = as_frame(table)
    known = range(table.shape[1]) if frame is None else list(table.columns)
    missing = [name for name in names if name not in known]
    if missing:
        them = "it" if len(missing) == 1 else "them"
        remedy = f"Add {them}, or fit the model without {them}."
        if frame is None:
            remedy += " An array's columns are numbered from 0."
        raise SchemaError(
            f"The table must have all {role} columns. Got no "
            f"{', '.join(map(repr, missing))} among its {len(known)} columns instead. "
            f"{remedy}"
        )
    if frame is None:
        return table[:, names]
    return table[names] if frame.implementation.is_pandas() else table.select(names)


def rows_at(table, positions):
    frame = as_frame(table)
    return table[positions] if frame is None else frame[positions].to_native()


def as_table(X):
    """Return a frame as it is, and anything else as a two-dimensional array."""
    if as_frame(X) is not None:
        return X
    return check_array(X, dtype=None, ensure_all_finite=False)


def are_missing(table):
    """Whether each cell of the table is missing: null, None or NaN."""
    frame = as_frame(table)
    if frame is None:
        return pd.isna(table)
    cells = [pd.isna(frame[name].to_numpy()) for name in frame.columns]
    return np.column_stack(cells)


def wrong_ids(table, customer_id):
    """Count ids that are missing or repeat, in words; "" if there are none."""
    ids = nw.from_native(columns_of(table, [customer_id], "id"))[customer_id]
    missing = ids.is_null() | ids.is_nan() if ids.dtype.is_float() else ids.is_null()
    n_missing = int(missing.sum())
    n_repeated = len(ids) - n_missing - ids.filter(~missing).n_unique()
    if not (n_missing or n_repeated):
        return ""
    return f"{n_missing} missing and {n_repeated} repeated ids in {len(ids)} rows"
