"""The columns that every summary has: recency, frequency, money, rhythm, returns."""

import narwhals as nw
import numpy as np

from custseg.tables._clock import DAY
from custseg.tables._ids import TEXT_FOR_MISSING, missing
from custseg.tables._parts import Parts, share

__all__ = ["breadth_parts", "order_parts", "return_parts", "with_gaps"]


def order_parts(period):
    """Recency, frequency, money, tenure, dates and gaps."""
    n, total = nw.col("frequency"), nw.col("monetary_total")
    first, last = nw.col("first"), nw.col("last")
    is_order = nw.col("is_order") == 1
    at_order = {
        "time": nw.when(is_order).then(nw.col("order_time")),
        "date": nw.when(is_order).then(nw.col("order_date")),
    }
    return Parts(
        marks=(at_order, with_gaps),
        totals={
            "frequency": ("is_order", "sum"),
            "monetary_total": ("kept", "sum"),
            "first_date": ("date", "min"),
            "last_date": ("date", "max"),
            "gap_sd": ("gap", "std"),
        },
        figures={
            "recency": (period.reference - last) / DAY,
            "frequency": n.cast(nw.Int64),
            "monetary_value": nw.when(n > 0).then(total / n).otherwise(0.0),
            "monetary_total": total,
            "tenure": (period.reference - first) / DAY,
            "first_date": nw.col("first_date"),
            "last_date": nw.col("last_date"),
            "gap_mean": nw.when(n > 1).then((last - first) / (n - 1) / DAY),
            "gap_sd": nw.col("gap_sd"),
        },
        zeros=frozenset({"frequency", "monetary_value", "monetary_total"}),
    )


def with_gaps(orders):
    """Add the days since the customer's order before.

    An order that was sent back has no time, and so no gap on either side of it. pandas
    and polars sort once, which is faster than a window for each customer.
    """
    engine = orders.implementation
    if engine.is_pandas():
        native = orders.to_native().sort_values(["customer", "time"])
        ids = native["customer"]
        same = ids == ids.shift(1)
        if isinstance(ids.dtype, np.dtype) and ids.dtype.kind in "iu" and len(ids):
            # NumPy's integers become floats when shifted, and large ones then equal.
            same = np.append(False, ids.to_numpy()[1:] == ids.to_numpy()[:-1])
        gap = native["time"].diff().where(same) / DAY
        return nw.from_native(native.assign(gap=gap).reset_index(drop=True)).lazy()
    if engine.is_polars():
        import polars as pl

        native, keys = orders.to_native(), ["customer", "time"]
        if orders.collect_schema()["customer"].is_integer():
            # The streaming engine sorts by one number much faster than by two columns.
            one = pl.col("customer").cast(pl.Int128) * 2**60 + pl.col("time")
            native, keys = native.with_columns(key=one), ["key"]
        native = native.sort(keys)
        same = pl.col("customer") == pl.col("customer").shift(1)
        gap = pl.when(same).then(pl.col("time").diff() / DAY)
        return nw.from_native(native.with_columns(gap=gap))
    before = nw.col("time").shift(1).over("customer", order_by="time")
    return orders.with_columns(gap=(nw.col("time") - before) / DAY)


def return_parts():
    """Share of the currency paid that was returned."""
    returned, paid = nw.col("returned_total"), nw.col("paid_total")
    return Parts(
        marks=(_with_paid,),
        totals={"paid_total": ("paid", "sum"), "returned_total": ("returned", "sum")},
        figures={"return_share": share(returned, paid)},
    )


def _with_paid(orders):
    """Take what was kept for what was paid, where nothing was taken off.

    It comes after the gaps, for which engines would carry it along.
    """
    there = orders.collect_schema().names()
    return orders if "paid" in there else orders.with_columns(paid=nw.col("kept"))


def breadth_parts():
    """Distinct products of which something was kept."""
    n_products = nw.col("n_products").fill_null(0).cast(nw.Int64)
    return Parts(
        branches=((_breadth, ("product",)),),
        figures={"n_products": n_products},
        zeros=frozenset({"n_products"}),
    )


def _breadth(lines):
    engine = lines.implementation
    if engine.is_pandas():
        return _breadth_by_codes(lines.to_native())
    named = _is_named(nw.col("product"), lines.collect_schema()["product"], engine)
    named = (nw.col("kept") > 0) & named
    kept = lines.select("customer", "product", named=named).filter(nw.col("named"))
    if engine.is_polars():
        n_products = nw.col("product").n_unique().alias("n_products")
        return kept.group_by("customer").agg(n_products)
    # DuckDB and Spark group twice in less time than they count what is distinct.
    products = kept.group_by("customer", "product").agg(nw.len().alias("n_lines"))
    return products.group_by("customer").agg(nw.len().alias("n_products"))


def _is_named(product, dtype, engine):
    """Tell products with a name; in SQL, text that may be none is looked up alone."""
    named = ~missing(product, dtype)
    if engine.is_polars() or not isinstance(dtype, nw.String):
        return named
    longest = max(map(len, TEXT_FOR_MISSING))
    suspect = (product.str.len_chars() <= longest) | (product < "!")
    for blank in " \t\n\r":
        suspect = suspect | product.str.ends_with(blank)
    return ~product.is_null() & nw.when(suspect).then(named).otherwise(True)


def _breadth_by_codes(native):
    """Count in pandas, where numbers of products are faster than their names."""
    import pandas as pd

    products, names = native["product"].factorize()
    names = nw.from_native(pd.DataFrame({"name": names}), eager_only=True)
    absent = names.select(a=missing(nw.col("name"), names.schema["name"]))["a"]
    named = np.append(~absent.to_numpy().astype(bool), False)  # -1 stands for null
    here = named[products] & (native["kept"] > 0).to_numpy()
    customers, ids = native.loc[here, "customer"].factorize()
    n = max(1, len(names))
    pairs = np.sort(customers * n + products[here])  # faster than a look-up of each
    pairs = pairs[np.diff(pairs, prepend=-1) > 0]
    counts = np.bincount(pairs // n, minlength=len(ids))
    found = pd.DataFrame({"customer": ids, "n_products": counts})
    return nw.from_native(found).lazy()
