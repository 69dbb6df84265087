"""Which company each account belongs to: ids, parents, and the way to the top."""

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._ids import (
    missing,
    settle_ids,
)

__all__ = [
    "find_tops",
    "is_missing",
    "links_of",
    "read_ids",
    "read_parents",
]


def is_missing(frame, name):
    """Return where a column has no value, ndarray of bool."""
    none = missing(nw.col(name), frame.schema[name])
    return frame.select(none=none)["none"].to_numpy().astype(bool)


def read_ids(frame, name, ordered=True):
    """Return the ids of accounts, each once and none missing, int64 or text objects.

    `ordered` says whether rows have positions, for errors.
    """
    what = f"Column {name!r} must hold an id of each account"
    remedy = "Leave such rows out, or give them an id."
    _refuse_rows(is_missing(frame, name), what, "none", remedy, ordered)
    ids = _plain_ids(frame[name], name)
    _, place, counts = np.unique(ids, return_inverse=True, return_counts=True)
    remedy = "Make one row of each account first."
    twice = counts[place] > 1
    _refuse_rows(twice, f"{what}, each once", "ids that repeat", remedy, ordered)
    return ids


def read_parents(frame, name, customer_id, ids, ordered=True):
    """Return the ids of parents as objects, None where there is none."""
    none = is_missing(frame, name)
    parents = np.full(len(none), None, dtype=object)
    if none.all():
        return parents
    given = _plain_ids(frame[name].filter(~none), name)
    if given.dtype != ids.dtype:
        kinds = ["text" if one.dtype == object else "integers" for one in (ids, given)]
        raise SchemaError(
            f"Columns {customer_id!r} and {name!r} must hold ids of one type. Got "
            f"{kinds[0]} and {kinds[1]} instead. Turn both into text or both into "
            "integers."
        )
    parents[~none] = given
    if ids.dtype == object:
        _refuse_near_misses(ids, parents, name, customer_id, ordered)
    return parents


def _plain_ids(ids, name):
    """Return ids as 64-bit integers or as text, never as floats."""
    dtype = ids.dtype
    text = isinstance(dtype, nw.String | nw.Categorical | nw.Enum)
    if text:
        ids = ids.cast(nw.String)
    elif isinstance(dtype, nw.Object):
        text = all(isinstance(one, str) for one in ids.to_list())
    elif not dtype.is_numeric():
        raise SchemaError(
            f"Column {name!r} must hold ids as integers or text. Got {dtype} instead. "
            "Convert it first."
        )
    if text:
        return np.array(ids.to_list(), dtype=object)
    ids = settle_ids(ids, name)
    if ids.max() >= 2**63:
        raise SchemaError(
            f"Column {name!r} must hold ids below 2**63. Got larger integers instead. "
            "Turn them into text."
        )
    return ids.to_numpy().astype(np.int64)


def _refuse_near_misses(ids, parents, name, customer_id, ordered):
    """Refuse parents that are written like an account but for spaces and case."""
    exact = set(ids)
    about = {one.strip().casefold() for one in exact}
    near = [
        one is not None and one not in exact and one.strip().casefold() in about
        for one in parents
    ]
    _refuse_rows(
        near,
        f"Column {name!r} must write ids as {customer_id!r} does",
        "others that differ by spaces or case alone",
        "Write them alike.",
        ordered,
    )


def _refuse_rows(bad, constraint, got, remedy, ordered):
    """Raise if any account is bad, with their number and the first rows."""
    rows = np.flatnonzero(bad)
    if len(rows):
        first = ", ".join(map(str, rows[:5])) + ", ..." * (len(rows) > 5)
        where = f" (row {first})" if ordered else ""
        raise DataQualityError(
            f"{constraint}. Got {got} in {len(rows):,} of {len(bad):,} rows instead"
            f"{where}. {remedy}"
        )


def links_of(ids, parents):
    """Give ids and parents numbers.

    Parameters
    ----------
    ids : ndarray of shape (n_accounts,)
    parents : ndarray of shape (n_accounts,)
        None where there is none.

    Returns
    -------
    names : ndarray of shape (n_names,)
        All ids, of accounts and of parents, in ascending order.
    account : ndarray of shape (n_accounts,)
        Position of each account in `names`.
    up : ndarray of shape (n_names,)
        Position of the parent of each, of itself where there is none.
    """
    known = np.not_equal(parents, None)
    given = parents[known].astype(ids.dtype)
    names, place = np.unique(np.concatenate([ids, given]), return_inverse=True)
    account = place[: len(ids)]
    up = np.arange(len(names))
    up[account[known]] = place[len(ids) :]
    return names, account, up


def find_tops(ids, parents, name, ordered=True):
    """Follow the parents to the top.

    Parameters
    ----------
    ids : ndarray of shape (n_accounts,)
    parents : ndarray of shape (n_accounts,)
    name : str
        Of the column of parents, for errors.
    ordered : bool, default=True
        Whether rows have positions, for errors.

    Returns
    -------
    names : ndarray
        All ids, of accounts and of parents, in ascending order.
    top : ndarray of shape (n_accounts,)
        Position in `names` of each account's company.

    Raises
    ------
    DataQualityError
        If parents go round in a circle.
    """
    names, account, up = links_of(ids, parents)
    # Each step doubles the way gone, so that no chain is longer than all steps.
    top = up
    for _ in range(len(names).bit_length()):
        top = top[top]
    _refuse_rows(
        up[top[account]] != top[account],
        f"Column {name!r} must lead to a company without a parent",
        "parents that go round in a circle",
        "Take its parent from one account of each circle.",
        ordered,
    )
    return names, top[account]
