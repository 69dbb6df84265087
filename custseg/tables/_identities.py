"""One customer behind several ids: the key table of aliases."""

from functools import partial

import narwhals as nw

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._ids import missing
from custseg.tables._journeys import ALIAS, KNOWN
from custseg.tables._open import ROW, is_dask, open_table

__all__ = ["with_identities"]

_FOUND = "_custseg_found"
_TEXT = (nw.String, nw.Categorical, nw.Enum)


def with_identities(native, table, name, identities, unknown):
    """Put the customers that a key table knows in the place of their aliases.

    Parameters
    ----------
    native : frame
        Events, as given.
    table : Table
        The same, opened; no id is missing.
    name : str
        Column of ids of the events.
    identities : frame
        Two columns: an alias, and the customer behind it.
    unknown : {"refuse", "keep"}
        What becomes of events whose id is neither an alias nor a customer.

    Returns
    -------
    native : same kind as `native`
        With customers in the column `name`, and the columns `ALIAS` (the id before)
        and `KNOWN` (1 where the key table has it).
    """
    keys = open_table(identities, "identities")
    same = is_dask(native) == is_dask(identities)
    if not same or table.frame.implementation is not keys.frame.implementation:
        theirs, ours = type(identities), type(native)
        raise SchemaError(
            "identities must be a table of the kind that the events are, "
            f"{ours.__module__}.{ours.__qualname__}. Got "
            f"{theirs.__module__}.{theirs.__qualname__} instead. Convert one of them."
        )
    if len(keys.columns) != 2:
        raise SchemaError(
            "identities must have two columns, an alias and the customer behind it. "
            f"Got {len(keys.columns)} instead. Select the two, in this order."
        )
    if table.frame.implementation.is_polars():
        keys = table.with_frame(keys.frame)  # lazy or not, as the events are
    _check_keys(keys)
    _check_types(table.schema[name], keys, name, unknown)
    lookup = _lookup(keys)
    if unknown == "refuse":
        _refuse_unknown(table, lookup, name)
    events = table.run(_with_alias, name=name)
    kept = unknown == "keep"
    return _together(_identified, events, ALIAS, lookup, ALIAS, name=name, keep=kept)


# -- the key table ---------------------------------------------------------------------


def _check_keys(keys):
    alias, customer = keys.columns
    figures = keys.figures(_key_figures, by=alias)
    for name in (alias, customer):
        absent = figures[f"absent_{'alias' if name == alias else 'customer'}"]
        if absent:
            raise DataQualityError(
                f"Column {name!r} of identities must hold an id in every row. Got "
                f"{absent:,} of {figures['n_rows']:,} rows without instead. Drop "
                "them, because they identify nobody."
            )
    if figures["n_shared"]:
        raise DataQualityError(
            f"Column {alias!r} of identities must name one customer for each alias. "
            f"Got {figures['n_shared']:,} aliases of several customers instead. "
            "Decide whose they are, or drop them."
        )


def _key_figures(frame):
    schema = frame.collect_schema()
    alias, customer = schema.names()
    rows = frame.select(
        alias=nw.col(alias),
        customer=nw.col(customer),
        absent_alias=missing(nw.col(alias), schema[alias]).cast(nw.Int64),
        absent_customer=missing(nw.col(customer), schema[customer]).cast(nw.Int64),
    )
    each = rows.group_by("alias").agg(
        nw.len().alias("n"),
        nw.col("customer").n_unique().alias("n_customers"),
        nw.col("absent_alias").sum(),
        nw.col("absent_customer").sum(),
    )
    return each.with_columns(
        shared=((nw.col("n_customers") > 1) & (nw.col("absent_alias") == 0)).cast(
            nw.Int64
        )
    ).select(
        nw.col("n").sum().alias("n_rows_sum"),
        nw.col("absent_alias").sum().alias("absent_alias_sum"),
        nw.col("absent_customer").sum().alias("absent_customer_sum"),
        nw.col("shared").sum().alias("n_shared_sum"),
    )


def _kind(dtype):
    if isinstance(dtype, _TEXT):
        return "text"
    if dtype == nw.UInt64:
        return "unsigned 64-bit integers"
    return "integers" if dtype.is_integer() else str(dtype)


def _holds_ids(dtype):
    return isinstance(dtype, _TEXT) or dtype.is_integer()


def _check_types(dtype, keys, name, unknown):
    alias, customer = (keys.schema[one] for one in keys.columns)
    if _kind(alias) != _kind(dtype) or not _holds_ids(dtype):
        raise SchemaError(
            f"Column {keys.columns[0]!r} of identities must hold ids of the type of "
            f"column {name!r} of the events, integers or text in both. Got "
            f"{_kind(alias)} and {_kind(dtype)} instead. Convert one of them."
        )
    if not _holds_ids(customer):
        raise SchemaError(
            f"Column {keys.columns[1]!r} of identities must hold customer ids as "
            f"integers or text. Got {customer} instead. Convert it first."
        )
    if unknown == "keep" and _kind(customer) != _kind(alias):
        raise SchemaError(
            "identities must hold aliases and customers of one type to keep unknown "
            f"aliases as customers. Got {_kind(alias)} and {_kind(customer)} instead. "
            "Convert the customers."
        )


def _lookup(keys):
    """Return the customer of every id that is known; a customer is their own.

    The table has the columns `ALIAS` and `_FOUND`, each alias once.
    """
    alias, customer = keys.columns
    of_one_kind = _kind(keys.schema[alias]) == _kind(keys.schema[customer])
    lookup = keys.run(_as_keys, by=alias, of_one_kind=of_one_kind)
    if not of_one_kind:
        return lookup
    chains = _together(_chains, lookup, _FOUND, lookup, ALIAS)
    n_chained = open_table(chains, "identities").figures(_count)["n"]
    if n_chained:
        raise DataQualityError(
            f"Column {customer!r} of identities must hold customers, not aliases of "
            f"others. Got {n_chained:,} rows with such instead. Put the last customer "
            "of each chain beside every alias."
        )
    return _together(_with_own, lookup, _FOUND, lookup, ALIAS)


def _as_keys(frame, of_one_kind):
    schema = frame.collect_schema()
    alias, customer = schema.names()
    one = _one_type(schema[alias])
    to = one if of_one_kind else _one_type(schema[customer])
    keys = frame.select(
        nw.col(alias).cast(one).alias(ALIAS), nw.col(customer).cast(to).alias(_FOUND)
    )
    return keys.unique(subset=[ALIAS], keep="any")


def _one_type(dtype):
    if isinstance(dtype, _TEXT):
        return nw.String
    return nw.UInt64 if dtype == nw.UInt64 else nw.Int64


def _chains(keys, again):
    """Keys whose customer is an alias of another."""
    again = again.select(nw.col(ALIAS).alias(_FOUND), nw.col(_FOUND).alias("further"))
    chains = keys.join(again, on=_FOUND, how="inner")
    return chains.filter(nw.col("further") != nw.col(_FOUND))


def _with_own(keys, again):
    """Add customers who are no aliases as their own."""
    own = keys.select(nw.col(_FOUND).alias(ALIAS)).unique(subset=[ALIAS], keep="any")
    own = own.join(again, on=ALIAS, how="anti")
    own = own.select(ALIAS, nw.col(ALIAS).alias(_FOUND))
    return nw.concat([again.select(ALIAS, _FOUND), own], how="vertical")


def _count(frame):
    return frame.select(nw.len().alias("n_sum"))


# -- events ----------------------------------------------------------------------------


def _with_alias(frame, name):
    one = _one_type(frame.collect_schema()[name])
    return frame.with_columns(nw.col(name).cast(one).alias(ALIAS))


def _identified(events, lookup, name, keep):
    """Events under their customers; those not found, if kept, under their own ids.

    No left join: where an id is not found, it makes floats of whole numbers.
    """
    order = [one for one in events.collect_schema().names() if one != ALIAS]
    found = _selected(events.join(lookup, on=ALIAS, how="inner"), order, name, _FOUND)
    found = found.with_columns(nw.lit(1).alias(KNOWN))
    if not keep:
        return found
    others = _selected(events.join(lookup, on=ALIAS, how="anti"), order, name, ALIAS)
    others = others.with_columns(nw.lit(0).alias(KNOWN))
    return nw.concat([found, others], how="vertical")


def _selected(events, order, name, who):
    return events.select(
        *(nw.col(who).alias(one) if one == name else nw.col(one) for one in order),
        ALIAS,
    )


def _strangers(events, lookup):
    return events.join(lookup, on=ALIAS, how="anti")


def _refuse_unknown(table, lookup, name):
    events = table.run(_with_alias, name=name)
    others = _together(_strangers, events, ALIAS, lookup, ALIAS)
    n_unknown = open_table(others, table.what).figures(_count)["n"]
    if not n_unknown:
        return
    n_rows = table.figures(_count)["n"]
    where = ""
    if table.ordered:
        events = _with_alias(table.with_rows().frame, name)
        others = _strangers(events, open_table(lookup).frame)
        found = others.select(ROW).sort(ROW).head(6).collect()[ROW].to_list()
        where = f" (row {', '.join(map(str, found[:5]))}{', ...' * (len(found) > 5)})"
    raise DataQualityError(
        f"Column {name!r} must hold aliases of identities in every row. Got "
        f"{n_unknown:,} of {n_rows:,} rows without instead{where}. Complete "
        "identities, or keep them as customers of their own with "
        'unknown_aliases="keep".'
    )


# -- two tables of one engine ----------------------------------------------------------


def _together(function, left, left_on, right, right_on, **plan):
    """Return `function(left, right, **plan)` for rows that meet by these columns."""
    if not is_dask(left):
        return function(nw.from_native(left), nw.from_native(right), **plan).to_native()
    from dask.dataframe.utils import meta_nonempty

    n_parts = max(left.npartitions, right.npartitions)
    left = left.shuffle(left_on, npartitions=n_parts)
    right = right.shuffle(right_on, npartitions=n_parts)
    part = partial(_part, function=function, plan=plan)
    meta = part(meta_nonempty(left._meta), meta_nonempty(right._meta)).iloc[:0]
    return left.map_partitions(part, right, meta=meta, align_dataframes=False)


def _part(left, right, *, function, plan):
    frames = [nw.from_native(one.reset_index(drop=True)) for one in (left, right)]
    return function(*frames, **plan).to_native().reset_index(drop=True)
