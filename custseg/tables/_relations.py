"""One row per customer of whom they know and whom they brought."""

from numbers import Real

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._ids import check_customer_type, missing, settle_ids
from custseg.tables._listed import with_listed
from custseg.tables._memory import hold
from custseg.tables._pagerank import pagerank

__all__ = ["summarize_relations"]

_WHAT = "A table of relations"
_KINDS = ("directed", "mutual", "referral")


def summarize_relations(
    relations,
    *,
    source="source",
    target="target",
    weight=None,
    kind="directed",
    damping=0.85,
    customers=None,
):
    """Make one row per customer of their place among who knows or brought whom.

    Parameters
    ----------
    relations : frame
        One row for each relation: a pandas or polars data frame (also a lazy one), a
        pyarrow table, a DuckDB relation, or a Spark or Dask data frame. It is not
        changed. It is read whole, so two ids and a weight of each row must fit into
        memory.
    source, target : str, default="source", "target"
        Columns of ids, integers or text: who follows, writes to or brought whom.
    weight : str or None, default=None
        Column of numbers above zero, such as messages sent. None gives each row 1.
    kind : {"directed", "mutual", "referral"}, default="directed"
        Whether a row goes one way, as following does; both ways, as friendship does;
        or says who brought whom.
    damping : float, default=0.85
        Probability that PageRank's walker follows a relation, 0 to below 1.
    customers : frame or sequence, default=None
        Customers that are to have a row though they have no relation, as in
        `summarize_transactions`. Their counts and weights are 0, all else is missing:
        PageRank is of those who have relations.

    Returns
    -------
    customers : same kind as `relations`
        One row for each customer of either column, ordered by `customer_id`. Rows that
        repeat a pair are one relation of their weights together.

        - `customer_id`: as given;
        - `n_relations`: int, different customers related in either direction;
        - `relation_weight`: float, sum of weights in both directions;
        - `n_outgoing`, `n_incoming`: int, customers pointed to and from (not of kind
          "mutual", as the next two);
        - `outgoing_weight`, `incoming_weight`: float, their weights;
        - `reciprocity`: float, share of those pointed to who point back, missing
          without any (only of kind "directed");
        - `referrals_made`: int, customers brought, and `n_referrers`: int, customers
          by whom one was brought (of kind "referral", in place of `n_outgoing` and
          `n_incoming`);
        - `pagerank`: float, share of time that a walker spends there, in all 1.

    Raises
    ------
    SchemaError
        If a column is missing or has the wrong type, or the two ids are of different
        types.
    DataQualityError
        If ids are missing, a weight is missing or not above zero, a row relates a
        customer to the same one, or there are no rows.
    ValueError
        If `kind` or `damping` is out of its range.

    Warns
    -----
    SegmentWarning
        If PageRank has not settled to a sum of errors of 1e-12 after 100,000 steps,
        which only a damping near 1 can do.

    See Also
    --------
    summarize_referrals : Chains of referrals, where each customer names who brought
        them.
    custseg.features.SocialTransformer : Takes the columns.

    Notes
    -----
    PageRank [1]_ is high for customers to whom many point who are themselves pointed
    to. The walker goes from a customer along a relation in proportion to its weight,
    and with probability ``1 - damping``, or where there is none, to any customer. For
    referrals it points from who was brought to who brought, so that it is high for
    those who stand behind many.

    References
    ----------
    .. [1] Page, L., Brin, S., Motwani, R. and Winograd, T. (1999). The PageRank
       citation ranking: bringing order to the web. Technical report, Stanford
       InfoLab. http://ilpubs.stanford.edu:8090/422/

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import summarize_relations
    >>> follows = pd.DataFrame({
    ...     "source": ["b", "c", "a"], "target": ["a", "a", "b"]})
    >>> summarize_relations(follows)[
    ...     ["customer_id", "n_outgoing", "n_incoming", "reciprocity", "pagerank"]
    ... ].round(3)
      customer_id  n_outgoing  n_incoming  reciprocity  pagerank
    0           a           1           2          1.0     0.486
    1           b           1           1          1.0     0.464
    2           c           1           0          0.0     0.050
    """
    if kind not in _KINDS:
        raise ValueError(
            f"kind must be one of {', '.join(map(repr, _KINDS))}. Got {kind!r} instead."
        )
    is_number = isinstance(damping, Real) and not isinstance(damping, bool)
    if not is_number or not 0 <= damping < 1:
        raise ValueError(
            f"damping must be a number from 0 to below 1. Got {damping!r} instead."
        )
    frame, give_back, ordered = hold(relations, _WHAT)
    _check_columns(frame, source, target, weight)
    weights = _weights(frame, weight, ordered)
    ids, ends = _codes(frame, source, target, ordered)
    begin, end, weights = _pairs(*ends, weights, len(ids), kind)
    figures = _figures(begin, end, weights, len(ids), kind, damping)
    columns = {"customer_id": ids} | {
        name: nw.new_series(name, values, backend=frame.implementation)
        for name, values in figures.items()
    }
    table = nw.concat([one.to_frame() for one in columns.values()], how="horizontal")
    zeros = [n for n in figures if n not in ("reciprocity", "pagerank")]
    return with_listed(give_back(table), customers, source, zeros)


def _check_columns(frame, source, target, weight):
    wanted = [name for name in (source, target, weight) if name is not None]
    absent = [name for name in wanted if name not in frame.columns]
    if absent or source == target:
        raise SchemaError(
            f"{_WHAT} must have two columns of ids, and the weight that is named. Got "
            f"{', '.join(map(repr, absent or [source, target]))} to look for instead; "
            f"it has {', '.join(map(repr, frame.columns))}. Name the columns as they "
            "are in the table."
        )
    if frame.is_empty():
        raise DataQualityError(
            f"{_WHAT} must have at least one row. Got 0 rows instead. Check how it was "
            "read."
        )
    for name in (source, target):
        check_customer_type(name, frame.schema[name])


def _weights(frame, name, ordered):
    if name is None:
        return np.ones(len(frame))
    dtype = frame.schema[name]
    if not dtype.is_numeric():
        raise SchemaError(
            f"Column {name!r} must hold numbers. Got {dtype} instead. Parse it first."
        )
    values = frame[name].cast(nw.Float64).to_numpy().astype(float)
    _refuse(~(values > 0) | np.isinf(values), name, "a weight above zero", ordered)
    return values


def _refuse(bad, name, constraint, ordered):
    rows = np.flatnonzero(bad)
    if len(rows):
        where = ", ".join(map(str, rows[:5])) + ", ..." * (len(rows) > 5)
        raise DataQualityError(
            f"Column {name!r} must hold {constraint} in every row. Got {len(rows):,} "
            f"of {len(bad):,} rows without instead"
            f"{f' (row {where})' if ordered else ''}. Drop or mend them."
        )


def _codes(frame, source, target, ordered):
    """Return the ids, in order, as a series, and their places in both columns."""
    import pandas as pd

    for name in (source, target):
        absent = frame.select(m=missing(nw.col(name), frame.schema[name]))["m"]
        _refuse(absent.to_numpy().astype(bool), name, "a customer id", ordered)
    ends = [settle_ids(frame[name], name) for name in (source, target)]
    dtype = _one_type(ends, source, target)
    if dtype == nw.String:
        values = [pd.Series(end.cast(nw.String).to_list()) for end in ends]
    else:
        kind = "uint64" if dtype == nw.UInt64 else "int64"
        values = [pd.Series(end.to_numpy().astype(kind)) for end in ends]
    codes, ids = pd.factorize(pd.concat(values), sort=True)
    begin, end = codes[: len(frame)], codes[len(frame) :]
    _refuse(begin == end, target, "another customer than the source", ordered)
    ids = nw.new_series(
        "customer_id", ids.tolist(), dtype, backend=frame.implementation
    )
    return ids, (begin.astype(np.int64), end.astype(np.int64))


def _one_type(ends, source, target):
    """Return the type that holds the ids of both columns."""
    kinds = [end.dtype for end in ends]
    if not any(kind.is_integer() for kind in kinds):
        return nw.String
    if all(kind.is_integer() for kind in kinds):
        least, most = min(end.min() for end in ends), max(end.max() for end in ends)
        if most < 2**63:
            return nw.Int64
        if least >= 0 and most < 2**64:
            return nw.UInt64
    raise SchemaError(
        f"Columns {source!r} and {target!r} must hold ids of one type. Got "
        f"{kinds[0]} and {kinds[1]} instead. Convert one of them."
    )


def _pairs(begin, end, weights, n, kind):
    """Make rows that repeat a pair one; of mutual relations both directions."""
    if kind == "mutual":
        begin, end = np.r_[begin, end], np.r_[end, begin]
        weights = np.r_[weights, weights]
    keys, place = np.unique(begin * n + end, return_inverse=True)
    return keys // n, keys % n, np.bincount(place, weights=weights)


def _figures(begin, end, weights, n, kind, damping):
    out, into = np.bincount(begin, minlength=n), np.bincount(end, minlength=n)
    keys, back = begin * n + end, end * n + begin
    returned = np.isin(back, keys)
    twice = np.bincount(begin[returned], minlength=n)
    given = np.bincount(begin, weights=weights, minlength=n)
    taken = np.bincount(end, weights=weights, minlength=n)
    if kind == "mutual":
        rank = pagerank(begin, end, weights, n, damping=damping)
        return {"n_relations": out, "relation_weight": given, "pagerank": rank}
    names = ("n_outgoing", "n_incoming")
    ends = (begin, end)
    if kind == "referral":
        names, ends = ("referrals_made", "n_referrers"), (end, begin)
    figures = {
        "n_relations": out + into - twice,
        "relation_weight": given + taken,
        names[0]: out,
        names[1]: into,
        "outgoing_weight": given,
        "incoming_weight": taken,
    }
    if kind == "directed":
        known = np.maximum(out, 1)
        figures["reciprocity"] = np.where(out > 0, twice / known, np.nan)
    figures["pagerank"] = pagerank(*ends, weights, n, damping=damping)
    return figures
