"""A customer table, a frame or an array, by the roles of its columns.

Pure functions for the segmentation model, which alone knows what the columns are for.
"""

import warnings
from dataclasses import dataclass, replace
from numbers import Real

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from sklearn.utils import check_array

from custseg._utils._frames import as_frame, as_known_frame
from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning


def columns_of(table, names, role):
    """Return the named columns of a frame, or the numbered ones of an array."""
    names = list(names)
    if not names:
        raise SchemaError(
            f"The {role} must be one column or more. Got none instead. Leave {role} "
            "out to take all columns."
        )
    frame = as_frame(table)
    known = range(table.shape[1]) if frame is None else list(frame.columns)
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


def as_table(X):
    """Return a frame that scikit-learn knows, or else a two-dimensional array."""
    if as_frame(X) is not None:
        return as_known_frame(X)
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


def check_ids(table, customer_id):
    """Refuse a table in which ids are missing or repeat."""
    wrong = wrong_ids(table, customer_id)
    if wrong:
        raise DataQualityError(
            f"Column {customer_id!r} must have one id a customer. Got {wrong} instead. "
            "Bring the table to one row a customer, for example by "
            "custseg.tables.summarize_transactions."
        )


def warn_of_customers(customers, descriptors, often_missing, customer_id):
    """Say of how many customers an answer rests on what was not known.

    Parameters
    ----------
    customers : frame or array
        With the ids, where there are any.
    descriptors : frame or array
        Their descriptor columns.
    often_missing : ndarray of bool of shape (n_descriptors,)
        Columns of which a gap is an answer.
    customer_id : str or None
    """
    wrong = customer_id and wrong_ids(customers, customer_id)
    if wrong:
        warnings.warn(
            f"Column {customer_id!r} must have one id a customer. Got {wrong} instead; "
            "each row is answered by itself. Bring the table to one row a customer.",
            SegmentWarning,
            stacklevel=3,
        )
    missing = are_missing(descriptors)
    all_missing = missing.all(axis=1)
    rows = np.flatnonzero(all_missing | missing[:, ~often_missing].any(axis=1))
    if len(rows):
        warnings.warn(
            "Descriptors must be known for an answer about the customer. Got "
            f"{len(rows)} of {len(missing)} rows (first: row {rows[0]}) without "
            "one that was known at fitting, "
            f"{np.count_nonzero(all_missing)} of them without any, instead. What "
            "stands in for it (a median, a level `missing`) decides there, however "
            "probable the segment is said to be. Find the values, or leave these "
            "rows out.",
            SegmentWarning,
            stacklevel=3,
        )


def columns_of_fit(table, model):
    """Return the columns that a model without a basis was fitted on, or say which lack.

    Parameters
    ----------
    table : frame or array
    model : fitted SegmentationModel
    """
    if model.basis is not None:
        return table
    names = getattr(model, "feature_names_in_", None)
    if names is not None and as_frame(table) is not None:
        return columns_of(table, names.tolist(), "fitted")
    if table.shape[1] != model.n_features_in_:
        raise SchemaError(
            "The table must have the columns that the model was fitted on. Got "
            f"{table.shape[1]} columns in place of {model.n_features_in_} instead. "
            "Bring the table to the columns of fit, in their order."
        )
    return table


def ids_are_text(table, customer_id):
    """Whether the ids of a table are text."""
    ids = columns_of(table, [customer_id], "id")[customer_id].to_list()
    return isinstance(ids[0], str)


def check_margin(border_margin):
    """Refuse a margin that no difference of probabilities can be compared with."""
    if not (isinstance(border_margin, Real) and 0 <= border_margin <= 1):
        raise ValueError(
            "border_margin must be between 0 and 1. Got "
            f"{border_margin!r} instead. The default is 0.2."
        )


def near_border(margin, border_margin):
    """Whether margins are below a limit; None where there is none."""
    flags = margin < border_margin
    unknown = np.isnan(margin)
    if not unknown.any():
        return flags
    flags = flags.astype(object)
    flags[unknown] = None
    return flags


def answers_table(customers, customer_id, **columns):
    """Return columns, with the ids if there are any, as the customers' frame."""
    frame = as_frame(customers)
    if customer_id is not None:
        ids = columns_of(customers, [customer_id], "id")[customer_id]
        columns = {"customer_id": ids, **columns}
    flags = columns["near_border"]
    if frame is not None and frame.implementation.is_polars():
        polars = nw.get_native_namespace(frame)
        dtypes = {"near_border": polars.Boolean, "override": polars.String}
        for name in dtypes.keys() & columns:
            cells = columns[name].tolist()
            columns[name] = polars.Series(name, cells, dtype=dtypes[name])
        return polars.DataFrame(columns)
    if flags.dtype == object:
        columns["near_border"] = pd.array(flags, dtype="boolean")
    index = customers.index if isinstance(customers, pd.DataFrame) else None
    if "override" in columns:
        # A series of objects, so that what is missing is None in pandas 2 and 3 alike.
        reasons = columns["override"]
        columns["override"] = pd.Series(reasons, index=index, dtype=object)
    return pd.DataFrame(columns, index=index)


def positions_by_type(table, split_by):
    """Return the rows of each customer type, by type.

    Parameters
    ----------
    table : frame
    split_by : str
        Column with the types.

    Returns
    -------
    positions : dict of ndarray
        Types ascending.

    Raises
    ------
    SchemaError
        If the column is not there.
    DataQualityError
        If a customer has no type.
    """
    cells = as_frame(columns_of(table, [split_by], "split_by"))[split_by].to_list()
    codes, kinds = pd.factorize(np.array(cells, dtype=object))
    if (codes < 0).any():
        raise DataQualityError(
            f"Column {split_by!r} must have a type for every customer. Got "
            f"{np.count_nonzero(codes < 0)} missing in {len(codes)} rows (first: row "
            f"{np.flatnonzero(codes < 0)[0]}) instead. Fill them, or leave these "
            "customers out."
        )
    found = {kind: np.flatnonzero(codes == code) for code, kind in enumerate(kinds)}
    return dict(sorted(found.items(), key=lambda item: _by_kind(item[0])))


def _by_kind(kind):
    """Order types; numbers and text in one column must not keep them from it."""
    return isinstance(kind, str), kind


@dataclass(frozen=True)
class ModelColumns:
    """Which columns a model learns segments on, and which it may assign by.

    Attributes
    ----------
    basis, descriptors : sequence of column names or None
        As a `SegmentationModel` has them.
    aside : frozenset of str
        Columns of ids and types, which are in neither unless named.
    """

    basis: object
    descriptors: object
    aside: frozenset

    @classmethod
    def of_model(cls, model):
        """Return those of a model's parameters."""
        aside = frozenset({model.customer_id, model.split_by} - {None})
        return cls(model.basis, model.descriptors, aside)

    def in_basis(self, X):
        """Return the columns that segments are learned on."""
        if self.basis is not None:
            return columns_of(X, self.basis, "basis")
        if as_frame(X) is None or not self.aside & set(X.columns):
            return X
        names = [name for name in X.columns if name not in self.aside]
        return columns_of(X, names, "basis")

    def candidates(self, X):
        """Return the columns that the assigner may learn from."""
        if self.descriptors is None:
            return self.in_basis(X)
        return columns_of(X, self.descriptors, "descriptor")

    def named(self, X):
        """Name the basis columns, whichever others later tables have."""
        if self.basis is not None or as_frame(X) is None:
            return self
        return replace(self, basis=list(self.in_basis(X).columns))
