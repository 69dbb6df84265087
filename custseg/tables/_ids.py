"""What tells customers apart: integers or text, never floats."""

from numbers import Integral

import narwhals as nw
import numpy as np

from custseg.exceptions import SchemaError

# How pandas, NumPy and Python write a missing value when a column is made text.
TEXT_FOR_MISSING = ["", "nan", "NaN", "None", "<NA>", "NaT"]


def check_customer_type(name, dtype):
    kinds = nw.String | nw.Categorical | nw.Enum | nw.Object
    if not (dtype.is_integer() or dtype.is_float() or isinstance(dtype, kinds)):
        raise SchemaError(
            f"Column {name!r} must hold customer ids as integers or text. Got {dtype} "
            "instead. Convert it first."
        )


def missing(column, dtype):
    """Where a key is missing: null, not a number, blank text or text for missing."""
    is_missing = column.is_null()
    if dtype.is_float():
        is_missing = is_missing | column.is_nan()
    if isinstance(dtype, nw.String | nw.Categorical | nw.Enum):
        text = column.cast(nw.String).str.strip_chars()
        is_missing = is_missing | text.is_in(TEXT_FOR_MISSING)
    return is_missing.fill_null(True)


def n_present(name, dtype):
    """Return the aggregation that counts keys that are not missing."""
    if dtype.is_integer():
        return nw.col(name).count()
    return (~missing(nw.col(name), dtype)).cast(nw.Int64).sum()


def settle_ids(ids, name):
    """Return a series of ids as integers or text, never as floats."""
    frame = ids.alias("customer").to_frame()
    fraction = not_whole(ids.dtype)
    if fraction is not None:
        n_bad = frame.select(bad=fraction.cast(nw.Int64))["bad"].sum()
        check_whole_ids(name, ids.dtype, int(n_bad))
    return settled_ids(frame.lazy(), name).collect()["customer"].alias(ids.name)


def settled_ids(lines, name):
    """Make ids integers or text; a float id becomes the integer that it stands for.

    `float_limit` says from where on floats cannot tell ids apart. Ids are not missing
    any more.
    """
    dtype = lines.collect_schema()["customer"]
    if dtype.is_float():
        return lines.with_columns(nw.col("customer").cast(nw.Int64))
    if isinstance(dtype, nw.Object):
        ids = lines.collect()["customer"]
        return lines.with_columns(_settled_objects(ids, name))
    return lines


def not_whole(dtype):
    """Where a float id stands for no integer; None for ids that are no floats."""
    if not dtype.is_float():
        return None
    column = nw.col("customer").cast(nw.Float64)
    limit = float(float_limit(dtype))
    fraction = (column != column.floor()) | (column >= limit) | (column <= -limit)
    return fraction & ~column.is_nan()


def float_limit(dtype):
    """From where on floats cannot tell integers apart."""
    return 2**24 if isinstance(dtype, nw.Float32) else 2**53


def check_whole_ids(name, dtype, n_bad):
    """Raise if float ids stand for no integers."""
    if n_bad:
        raise SchemaError(
            f"Column {name!r} must hold whole numbers below 2**"
            f"{int(np.log2(float_limit(dtype)))} when customer ids are {dtype}. Got "
            f"others in {n_bad:,} rows instead. Read the column as integers or text, "
            "because a float cannot tell large ids apart."
        )


def _settled_objects(ids, name):
    values = ids.to_list()
    whole = all(isinstance(v, Integral) and not isinstance(v, bool) for v in values)
    if not whole or any(not -(2**63) <= v < 2**63 for v in values):
        kinds = sorted({type(v).__name__ for v in values})
        raise SchemaError(
            f"Column {name!r} must hold customer ids of one type, 64-bit integers or "
            f"text. Got objects of type {', '.join(kinds)} instead. Convert it first, "
            "e.g. with .astype(str)."
        )
    values = np.array(values, dtype=np.int64)
    return nw.new_series(ids.name, values, backend=ids.implementation)
