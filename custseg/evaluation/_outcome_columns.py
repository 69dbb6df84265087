"""What outcomes are read from: a column in the order of the customers, or by id."""

import warnings

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from custseg._utils._frames import as_frame
from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning

_SAME = 0.999  # correlation with a column from which an outcome is taken for a copy
_RFM = ("recency", "frequency", "monetary_value")

# What each customer must have, and what to do.
_OUTCOME = (
    "an outcome",
    "Pass the customers of X to summarize_outcome, or leave the others out of X.",
)
_OF_RFM = ("a row of rfm", "Leave the others out of X.")


def outcome_values(model, X, outcome, column):
    """Read the outcome, in the order of the customers.

    Parameters
    ----------
    model : fitted SegmentationModel
    X : frame or array of shape (n_customers, n_columns)
    outcome : array-like, Series or frame
    column : str or None
        Which column of a frame.

    Returns
    -------
    name : str
    values : ndarray of float of shape (n_customers,)
    """
    frame = as_frame(outcome)
    if frame is None:
        if column is not None:
            raise SchemaError(
                "column must name one of a frame of outcomes. Got "
                f"{column!r} and outcomes of type {type(outcome).__name__} instead. "
                "Leave column out."
            )
        name = str(getattr(outcome, "name", None) or "outcome")
        values = _in_order(model, X, outcome)
    else:
        name = column or "outcome_monetary_total"
        values = _matched(model, X, frame, name)
    columns = as_frame(X)
    if columns is not None and name in columns.columns:
        raise SchemaError(
            f"The outcome must be none of the columns of X. Got {name!r}, which is, "
            "instead. Leave it out of X: segments must not know what they are to tell."
        )
    if values.ndim != 1 or len(values) != len(X):
        raise SchemaError(
            "There must be one outcome a customer. Got shape "
            f"{values.shape} for {len(X)} customers instead. Pass them in the order of "
            "X, or a frame with customer ids."
        )
    values = _numbers(values, f"Outcome {name!r}", "numbers, or True and False")
    _refuse_unknown(values, name)
    return name, values


def _numbers(values, what, kind):
    """Cells as floats, where what is missing is NaN."""
    refused = values.dtype.kind not in "biufOUST"
    try:
        if values.dtype.kind == "O":
            values = np.where(pd.isna(values), np.nan, values)
        numbers = values if refused else values.astype(np.float64)
    except (TypeError, ValueError):
        refused = True
    if refused:
        raise SchemaError(
            f"{what} must hold {kind}. Got type {values.dtype} instead. Convert it."
        )
    return numbers


def _refuse_unknown(values, name):
    wrong = ~np.isfinite(values)
    if wrong.any():
        raise DataQualityError(
            f"Outcome {name!r} must be known. Got missing or infinite values for "
            f"{np.count_nonzero(wrong)} of {len(values)} customers (first: row "
            f"{np.flatnonzero(wrong)[0]}) instead. Leave these customers out, or put "
            "zero where nothing was bought."
        )
    if (values == values[0]).all():
        raise DataQualityError(
            f"Outcome {name!r} must differ between customers. Got {values[0]:g} for "
            f"all {len(values)} instead. Take a longer window, or another outcome."
        )


# -- matching --------------------------------------------------------------------------


def _in_order(model, X, outcome):
    """Values that stand in the order of X, or in a Series that is indexed by id."""
    values = np.asarray(outcome)
    customers, key = as_frame(X), model.customer_id
    if not isinstance(outcome, pd.Series) or customers is None:
        return values
    if key is not None and outcome.index.name in (key, "customer_id"):
        what = "The index of the outcomes"
        return values[_places(customers, key, outcome.index, what)]
    own = [X.index] if isinstance(X, pd.DataFrame) else []
    if key is not None and not pd.api.types.is_numeric_dtype(outcome.index.dtype):
        own.append(pd.Index(customers[key].to_list()))
    for index in own:
        same = len(index) == len(outcome) and index.is_unique
        moved = same and not outcome.index.equals(index)
        if moved and (outcome.index.get_indexer(index) >= 0).all():
            raise SchemaError(
                "A Series of outcomes must be in the order of X. Got its index in "
                "another order instead. Sort it by the index of X, or pass a frame "
                "with customer ids."
            )
    return values


def _matched(model, X, frame, name):
    """Values of a frame's column, matched by customer id."""
    key = model.customer_id
    if key is None or as_frame(X) is None:
        raise SchemaError(
            "A frame of outcomes must be matched by customer id. Got a model without "
            "customer_id instead. Fit it with customer_id, or pass one column in the "
            "order of X."
        )
    ids_name = key if key in frame.columns else "customer_id"
    for wanted in (ids_name, name):
        if wanted not in frame.columns:
            raise SchemaError(
                f"The frame of outcomes must have a column {wanted!r}. Got "
                f"{', '.join(map(repr, frame.columns))} instead. Name it by column=."
            )
    ids = pd.Index(frame[ids_name].to_list())
    what = f"Column {ids_name!r} of the outcomes"
    places = _places(as_frame(X), key, ids, what)
    return np.array(frame[name].to_list())[places]


def _places(customers, key, ids, what, sought=_OUTCOME):
    """Row of each customer among ids, each of which must be there once."""
    if ids.hasnans or ids.has_duplicates:
        n_wrong = int(ids.isna().sum() + ids.duplicated().sum())
        raise DataQualityError(
            f"{what} must have one id a row. Got {n_wrong} missing or repeated ids "
            f"in {len(ids)} rows instead. Bring it to one row a customer."
        )
    places = ids.get_indexer(customers[key].to_list())
    if (places < 0).any():
        raise SchemaError(
            f"Every customer must have {sought[0]}. Got none for "
            f"{np.count_nonzero(places < 0)} of {len(places)} ids (first: row "
            f"{np.flatnonzero(places < 0)[0]}) instead. {sought[1]}"
        )
    return places


# -- copies ----------------------------------------------------------------------------


def warn_of_copies(X, name, values):
    """Tell of columns of X that are the outcome over again."""
    frame = as_frame(X)
    if frame is None:
        columns = ((f"column {k}", X[:, k]) for k in range(X.shape[1]))
    else:
        schema = frame.schema
        columns = (
            (repr(name), frame[name].to_numpy())
            for name in frame.columns
            if schema[name].is_numeric() or schema[name] == nw.Boolean
        )
    copies = [told for told, column in columns if _is_copy(column, values)]
    if copies:
        warnings.warn(
            f"Outcome {name!r} should come after what is known of customers. Got "
            f"{', '.join(copies)} in X, correlated with it by {_SAME} or more, "
            "instead. Check that its window begins when the observation has ended.",
            SegmentWarning,
            stacklevel=3,
        )


def _is_copy(column, values):
    try:
        column = _numbers(np.asarray(column), "It", "numbers")
    except SchemaError:
        return False
    known = np.isfinite(column)
    if known.sum() < 3 or np.ptp(column[known]) == 0 or np.ptp(values[known]) == 0:
        return False
    return bool(abs(np.corrcoef(column[known], values[known])[0, 1]) >= _SAME)


# -- RFM -------------------------------------------------------------------------------


def rfm_columns(model, X, rfm):
    """Recency, frequency and monetary value, larger is better.

    Parameters
    ----------
    model : fitted SegmentationModel
    X : frame or array of shape (n_customers, n_columns)
    rfm : frame, sequence of three str, or None

    Returns
    -------
    columns : ndarray of shape (n_customers, 3) or None
        None if nothing was asked for and X has none.
    """
    table, rows, names = as_frame(rfm), slice(None), rfm
    if table is not None:
        rows, names = _rows_beside(model, X, table), None
    else:
        table = as_frame(X)
    there = [] if table is None else table.columns
    if names is None:
        total_only = "monetary_value" not in there and "monetary_total" in there
        names = (*_RFM[:2], "monetary_total" if total_only else "monetary_value")
    names = [names] if isinstance(names, str) else list(names)
    missing = [name for name in names if name not in there]
    if missing and rfm is None:
        return None
    if missing or len(names) != 3:
        raise SchemaError(
            "rfm must name three columns of X, or have them: recency, frequency and "
            f"monetary value. Got {', '.join(map(repr, missing or names))} instead. "
            "Leave it out to go without RFM."
        )
    columns = [
        _numbers(table[name].to_numpy(), f"Column {name!r} of rfm", "numbers")
        for name in names
    ]
    return (np.column_stack(columns) * [-1, 1, 1])[rows]


def _rows_beside(model, X, table):
    """Rows of a table beside X: by id where both have one, else in the order of X."""
    key, customers = model.customer_id, as_frame(X)
    if key is not None and customers is not None:
        for ids_name in {key, "customer_id"} & set(table.columns):
            ids = pd.Index(table[ids_name].to_list())
            return _places(customers, key, ids, f"Column {ids_name!r} of rfm", _OF_RFM)
    if len(table) != len(X):
        raise SchemaError(
            "rfm must have one row a customer. Got "
            f"{len(table)} rows for {len(X)} customers instead. Give it the customers "
            "of X, or a column of ids that the model knows by customer_id."
        )
    return np.arange(len(table))
