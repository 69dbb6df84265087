"""Customers of a list who have no rows in a table are kept."""

from collections.abc import Iterable

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._ids import missing
from custseg.tables._open import is_dask

__all__ = ["with_listed"]

_TEXTS = (nw.String, nw.Categorical, nw.Enum)


def with_listed(found, customers, name, zeros):
    """Add the customers of a list to a table of customers.

    Parameters
    ----------
    found : frame
        One row per customer, with `customer_id`, of any engine.
    customers : frame or sequence, or None
        A frame of the same engine with the column `name` or `customer_id`; for
        pandas, polars and pyarrow also a sequence of ids. None adds nobody.
    name : str
        Column of ids of the table that `found` was made of.
    zeros : iterable of str
        Columns that are 0 for a customer without rows. Others are missing.

    Returns
    -------
    table : same kind as `found`
        Customers of `found` and of the list, each once, ordered by `customer_id`.

    Raises
    ------
    SchemaError
        If the list is of another engine, has no such column or ids of another type.
    DataQualityError
        If ids of the list are missing.
    """
    if customers is None or (isinstance(customers, list | tuple) and not customers):
        return found
    if is_dask(found):
        return _with_listed_dask(found, customers, name, zeros)
    given = nw.from_native(found)
    table = given.lazy()
    listed = _listed(customers, given, name)
    dtype = table.collect_schema()["customer_id"]
    _check_ids(listed, dtype)
    listed = _of_one_type(listed, dtype)
    if isinstance(dtype, _TEXTS):  # categories take in no others
        text = nw.col("customer_id").cast(nw.String)
        listed, table = listed.with_columns(text), table.with_columns(text)
    both = _outer(listed.unique(subset=["customer_id"], keep="any"), table)
    schema = table.collect_schema()
    zeros = set(zeros)
    filled = [
        nw.col(column).fill_null(0).cast(kind) if column in zeros else nw.col(column)
        for column, kind in schema.items()
        if column != "customer_id"
    ]
    whole = both.select("customer_id", *filled).sort("customer_id")
    if isinstance(given, nw.LazyFrame):
        return whole.to_native()
    return nw.maybe_reset_index(whole.collect()).to_native()


def _outer(listed, table):
    """Join ids and a table; in pandas, narwhals would make floats of whole ids."""
    if table.implementation.is_pandas():
        ids, native = _of_one_kind(listed.to_native(), table.to_native())
        return nw.from_native(ids.merge(native, on="customer_id", how="outer")).lazy()
    both = listed.join(table, on="customer_id", how="full", suffix="_found")
    ids = nw.coalesce(nw.col("customer_id"), nw.col("customer_id_found"))
    return both.with_columns(customer_id=ids)


def _of_one_kind(ids, found):
    """Give ids of pandas or Dask the very type of the table's; text for categories."""
    kind = found["customer_id"].dtype
    if kind == "category":  # takes in no others
        kind, found = "str", found.astype({"customer_id": "str"})
    return ids.astype({"customer_id": kind}), found


def _with_listed_dask(found, customers, name, zeros):
    """Add customers where both tables are dealt out alike, part by part."""
    if not is_dask(customers):
        raise SchemaError(
            "customers must be a table of the kind that the other is, Dask. "
            f"Got {type(customers).__name__} instead. Convert it with "
            "dask.dataframe.from_pandas."
        )
    there = list(customers.columns)
    column = next((one for one in (name, "customer_id") if one in there), None)
    listed = _listed(nw.from_native(customers._meta), nw.from_native(found._meta), name)
    dtype = nw.from_native(found._meta).schema["customer_id"]
    _of_one_type(listed, dtype)
    ids = customers[[column]].rename(columns={column: "customer_id"})
    n_missing = int(ids["customer_id"].isna().sum().compute())
    _check_none_is_missing(n_missing)
    if dtype.is_integer():
        theirs = ids["customer_id"]
        _check_range(theirs.min().compute(), theirs.max().compute(), dtype)
    ids, found = _of_one_kind(ids, found)
    both = ids.drop_duplicates().merge(found, on="customer_id", how="outer")
    kinds = {one: found._meta[one].dtype for one in zeros}
    return both.fillna(dict.fromkeys(zeros, 0)).astype(kinds)[list(found.columns)]


def _listed(customers, found, name):
    """Return the ids of the list as a lazy frame of the table's engine."""
    frame = nw.from_native(customers, pass_through=True, allow_series=True)
    if isinstance(frame, nw.DataFrame | nw.LazyFrame):
        if frame.implementation is not found.implementation:
            raise SchemaError(
                "customers must be a table of the kind that the other is, "
                f"{found.implementation}. Got {frame.implementation} instead. Convert "
                "one of them."
            )
        there = frame.collect_schema().names()
        for column in (name, "customer_id"):
            if column in there:
                return frame.lazy().select(customer_id=nw.col(column))
        raise SchemaError(
            f"customers must have a column {name!r} or 'customer_id'. Got neither "
            f"among {', '.join(map(repr, there))} instead. Pass the column of ids."
        )
    return _sequence(frame, found)


def _sequence(ids, found):
    if isinstance(ids, nw.Series):
        ids = ids.to_list()
    if isinstance(ids, str) or not isinstance(ids, Iterable):
        raise TypeError(
            "customers must be a frame, a Series or a sequence of ids. Got "
            f"{type(ids).__name__} instead. Put a single id into a list."
        )
    engine = found.implementation
    if not (isinstance(found, nw.DataFrame) or engine.is_polars()):
        raise SchemaError(
            "customers must be a table of the kind that the other is, "
            f"{engine}. Got {type(ids).__name__} instead. Make a table of the ids."
        )
    values = ids.tolist() if isinstance(ids, np.ndarray) else list(ids)
    return nw.from_dict({"customer_id": values}, backend=engine).lazy()


def _check_ids(listed, dtype):
    """Raise if ids are missing, or are integers that the type does not hold."""
    theirs = listed.collect_schema()["customer_id"]
    ids = nw.col("customer_id")
    figures = [missing(ids, theirs).cast(nw.Int64).sum().alias("absent")]
    if theirs.is_integer() and dtype.is_integer() and theirs != dtype:
        figures += [ids.min().alias("least"), ids.max().alias("most")]
    row = listed.select(*figures).collect().rows(named=True)[0]
    _check_none_is_missing(int(row["absent"] or 0))
    _check_range(row.get("least"), row.get("most"), dtype)


def _check_range(least, most, dtype):
    if least is None or least != least or dtype in (nw.Int128, nw.UInt128):
        return
    held = np.iinfo(str(dtype).lower())
    if least < held.min or most > held.max:
        raise SchemaError(
            "customers must have ids that fit into the type that the table has, "
            f"{dtype}. Got ids from {least} to {most} instead. Give the table's ids "
            "the wider type."
        )


def _check_none_is_missing(n_missing):
    if n_missing:
        raise DataQualityError(
            "customers must have an id in every row. Got "
            f"{n_missing:,} rows without instead. Drop them, or find their ids."
        )


def _of_one_type(listed, dtype):
    theirs = listed.collect_schema()["customer_id"]
    if theirs == dtype:
        return listed
    whole = theirs.is_integer() and dtype.is_integer()
    text = isinstance(theirs, _TEXTS) and isinstance(dtype, _TEXTS)
    if text:
        return listed
    if not whole:
        raise SchemaError(
            f"customers must have ids of the type that the table has, {dtype}. "
            f"Got {theirs} instead. Convert one of them, so that ids can be found."
        )
    return listed.with_columns(nw.col("customer_id").cast(dtype))
