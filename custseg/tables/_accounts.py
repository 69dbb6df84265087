"""Accounts of one company to one row: `roll_up_accounts`."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._memory import hold
from custseg.tables._parents import find_tops, is_missing, read_ids, read_parents

__all__ = ["open_accounts", "roll_up_accounts"]

_COUNT = "n_accounts"
_WEIGHTED = ("mean", "most")
_ARITHMETIC = ("sum", "mean")
_RULES = ("sum", "mean", "min", "max", "most", "distinct", "own", "drop")
_ORDERED_CELLS = (bool, int, Decimal, date)  # of columns of Python objects
_LISTED = ", ".join(map(repr, _RULES))


def roll_up_accounts(customers, *, parent_id, how, customer_id="customer_id"):
    """Make one row per company of a table with one row per account.

    An account belongs to its parent, the parent to its own, and so on to the company at
    the top. An account without a parent stands for itself.

    Parameters
    ----------
    customers : frame
        One row an account: a pandas or polars data frame (also a lazy one), a pyarrow
        table, a DuckDB relation, or a Spark or Dask data frame. It is not changed. It
        is read whole, whatever its kind, because chains of parents can be of any
        length; a table of accounts fits into memory where one of orders may not.
    parent_id : str
        Column of the ids of parents; missing for an account without one. A parent
        need not be an account itself.
    how : mapping of str to str or tuple
        The rule of each other column; none is left out unless it is said:

        - `"sum"`, `"mean"`, `"min"`, `"max"` of the accounts; ``("mean", "spend")``
          weighs the accounts by a column;
        - `"most"`: the value that most accounts have; ``("most", "spend")`` the one
          with the largest sum of a column;
        - `"distinct"`: how many different values there are;
        - `"own"`: the value of the account at the top, such as its name;
        - `"drop"`: the column is left out.
    customer_id : str, default="customer_id"
        Column of the ids of accounts, as integers or text, each once.

    Returns
    -------
    companies : same kind as `customers`
        One row per company at the top, ordered by its id: `customer_id` under the name
        it had, the columns of `how` in the order of the table, and `n_accounts`, the
        number of accounts. Missing where no account has a value.

    Raises
    ------
    SchemaError
        If a column is missing, occurs twice, has the wrong type for its rule or no
        rule, or ids of accounts and parents are of different types.
    DataQualityError
        If ids are missing or repeat, parents go round in a circle, weights are missing
        or negative, or numbers are infinite.
    ValueError
        If a rule is none of those above.
    TypeError
        If `customers` is no such frame, or `how` no mapping.

    See Also
    --------
    custseg.features.FirmographicTransformer : Columns of companies to numbers.

    Notes
    -----
    Missing values are left out of every rule: a mean is over the accounts that have a
    value. Where all weights of a company are zero, its accounts count alike. Ties of
    `"most"` go to the value that more accounts have, then to the one that comes first
    in ascending order. An account whose parent is itself has none.

    Which rule is right follows from what the column is. Amounts and counts add up
    ("sum"), days since the last order do not: the company's are those of its latest
    account ("min"). Averages per order are weighed by the number of orders. Sums of
    distinct counts, such as products bought, count twice what two accounts bought; go
    back to the transactions for these, and summarise them by company.

    Sums of whole numbers stay whole. Figures do not depend on the order of the rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import roll_up_accounts
    >>> accounts = pd.DataFrame(
    ...     {
    ...         "customer_id": ["grand", "bistro", "lounge", "corner"],
    ...         "parent_id": [None, "grand", "bistro", None],
    ...         "trade": ["hotel", "restaurant", "restaurant", "cafe"],
    ...         "spend": [900, 400, 100, 50],
    ...         "recency": [12.0, 3.0, 40.0, 8.0],
    ...     }
    ... )
    >>> roll_up_accounts(
    ...     accounts,
    ...     parent_id="parent_id",
    ...     how={"trade": ("most", "spend"), "spend": "sum", "recency": "min"},
    ... )
      customer_id trade  spend  recency  n_accounts
    0      corner  cafe     50      8.0           1
    1       grand hotel   1400      3.0           3
    """
    frame, give_back, ordered = open_accounts(customers)
    rules = _read_rules(frame, how, customer_id, parent_id)
    ids = read_ids(frame, customer_id, ordered)
    parents = read_parents(frame, parent_id, customer_id, ids, ordered)
    names, top = find_tops(ids, parents, parent_id, ordered)
    # Sums over accounts in the order of ids do not depend on the order of the rows.
    order = np.argsort(ids)
    frame, top = frame[order], top[order]
    groups = _Groups(top, names[top] == ids[order])
    columns = [_new_series(frame, customer_id, names[groups.tops])]
    for name, (rule, weight) in rules.items():
        if rule != "drop":
            columns.append(_roll_up(frame, name, rule, weight, groups))
    columns.append(_new_series(frame, _COUNT, groups.sizes))
    return give_back(nw.concat([one.to_frame() for one in columns], how="horizontal"))


# -- the border --------------------------------------------------------------------


def open_accounts(customers):
    """Read a table of accounts, which must have rows; see `hold`."""
    frame, give_back, ordered = hold(customers, "A customer table")
    if frame.is_empty():
        raise DataQualityError(
            "A customer table must have at least one row. Got 0 rows instead. Check "
            "how it was read."
        )
    return frame, give_back, ordered


def _read_rules(frame, how, customer_id, parent_id):
    """Return rule and weight of each column but the ids, in the order of the table."""
    if not isinstance(how, Mapping):
        raise TypeError(
            f"how must be a dict of column and rule. Got {type(how).__name__} instead. "
            'Write {"spend": "sum", "recency": "min"}.'
        )
    there, ids = frame.columns, [customer_id, parent_id]
    rules = {name: _read_rule(name, rule) for name, rule in how.items()}
    weights = [weight for _, weight in rules.values() if weight is not None]
    absent = [name for name in [*ids, *rules, *weights] if name not in there]
    if absent:
        raise SchemaError(
            "A customer table must have the columns of ids, rules and weights. Got a "
            f"table without {_quoted(absent)} instead; it has {_quoted(there)}. Name "
            "the columns as they are in the table."
        )
    given = [name for name in ids if name in rules]
    if given or customer_id == parent_id:
        raise SchemaError(
            "customer_id and parent_id must be two columns without a rule. Got "
            f"{_quoted(given or ids[:1])} otherwise instead. Leave them out of how."
        )
    if rules.get(_COUNT, ("drop", None))[0] != "drop" or customer_id == _COUNT:
        raise SchemaError(
            f"{_COUNT!r} must be free for the number of accounts. Got a column of that "
            "name instead. Rename it, or give it the rule 'drop'."
        )
    left = [name for name in there if name not in {*rules, *ids}]
    if left:
        raise SchemaError(
            f"how must give every column a rule. Got none for {_quoted(left)} instead. "
            f"Give one of {_LISTED}; 'drop' leaves a column out."
        )
    return {name: rules[name] for name in there if name in rules}


def _read_rule(name, rule):
    """Return a rule and the column that weighs, None without one."""
    pair = rule if isinstance(rule, tuple) and len(rule) == 2 else (rule, None)
    known = isinstance(pair[0], str) and pair[0] in _RULES
    if not known or (pair[1] is not None and pair[0] not in _WEIGHTED):
        raise ValueError(
            f"The rule of column {name!r} must be one of {_LISTED}, or 'mean' or "
            f"'most' with the column that weighs. Got {rule!r} instead. Write "
            '("most", "spend") for the latter.'
        )
    return pair


def _quoted(names):
    return ", ".join(repr(str(name)) for name in names)


class _Groups:
    """Which accounts, in the order of their ids, are of which company.

    Attributes
    ----------
    tops : ndarray of shape (n_companies,)
        Ascending.
    codes : ndarray of shape (n_accounts,)
        Company of each account.
    sizes : ndarray of shape (n_companies,)
    own : ndarray of shape (n_companies,)
        The account at the top; -1 where there is none.
    """

    def __init__(self, top, is_top):
        self.tops, self.codes, self.sizes = np.unique(
            top, return_inverse=True, return_counts=True
        )
        self.own = np.full(len(self.tops), -1)
        self.own[self.codes[is_top]] = np.flatnonzero(is_top)


# -- one column --------------------------------------------------------------------


def _roll_up(frame, name, rule, weight, groups):
    """Return one column of companies."""
    if rule == "own":
        return _pick(frame, name, groups.own)
    rows = np.flatnonzero(~is_missing(frame, name))
    codes, observed = groups.codes[rows], frame[name][rows]
    n_companies = len(groups.tops)
    if rule in _ARITHMETIC:
        values = _numbers(observed, f"{name!r}, of which the {rule} is wanted,")
        if rule == "sum":
            figures = _sums(values, codes, n_companies)
        else:
            figures = _means(values, _weights(frame, weight)[rows], codes, n_companies)
        there = np.bincount(codes, minlength=n_companies) > 0
        return _masked(_new_series(frame, name, figures), there)
    levels = _levels(observed, name, rule)
    if rule == "distinct":
        width = max(levels, default=0) + 1
        pairs = np.unique(codes * width + levels) // width
        return _new_series(frame, name, np.bincount(pairs, minlength=n_companies))
    if rule == "most":
        order = _by_weight(codes, levels, _weights(frame, weight)[rows])
    else:
        order = np.lexsort((levels if rule == "min" else -levels, codes))
    companies, first = np.unique(codes[order], return_index=True)
    picked = np.full(n_companies, -1)
    picked[companies] = rows[order[first]]
    return _pick(frame, name, picked)


def _numbers(series, what):
    """Return numbers or booleans, none missing, as int64 or float64."""
    dtype = series.dtype
    if not (dtype.is_numeric() or isinstance(dtype, nw.Boolean)):
        raise SchemaError(
            f"Column {what} must hold numbers. Got {dtype} instead. Parse it first, "
            "or give it a rule such as 'most'."
        )
    whole = dtype.is_integer() and not isinstance(dtype, nw.UInt64)
    whole = whole or isinstance(dtype, nw.Boolean)
    values = series.cast(nw.Int64 if whole else nw.Float64).to_numpy()
    values = values.astype(np.int64 if whole else np.float64)
    infinite = np.count_nonzero(np.isinf(values))
    if infinite:
        raise DataQualityError(
            f"Column {what} must hold finite numbers. Got infinite ones in "
            f"{infinite:,} rows instead. Correct them or mark them as missing."
        )
    return values


def _weights(frame, name):
    """Return the weight of each account: ones without a column that weighs."""
    if name is None:
        return np.ones(len(frame))
    none = is_missing(frame, name)
    weights = np.zeros(len(frame))
    weights[~none] = _numbers(frame[name].filter(~none), f"{name!r}, which weighs,")
    bad = np.count_nonzero(none | (weights < 0))
    if bad:
        raise DataQualityError(
            f"Column {name!r}, which weighs, must hold a number of 0 or more in every "
            f"row. Got {bad:,} of {len(frame):,} rows otherwise instead. Fill what is "
            "missing, and set to 0 what is negative, if an account is to count for "
            "nothing."
        )
    return weights


def _sums(values, codes, n_companies):
    """Add up; whole numbers stay whole where they fit."""
    if np.sum(np.abs(values.astype(np.float64))) >= 2.0**62:
        values = values.astype(np.float64)
    sums = np.zeros(n_companies, dtype=values.dtype)
    np.add.at(sums, codes, values)
    return sums


def _means(values, weights, codes, n_companies):
    """Weighted means; where all weights are zero, accounts count alike."""
    totals = np.bincount(codes, weights, n_companies)
    weights = np.where(totals[codes] > 0, weights, 1.0)
    totals = np.bincount(codes, weights, n_companies)
    sums = np.bincount(codes, weights * values, n_companies)
    return sums / np.where(totals > 0, totals, 1.0)


def _levels(series, name, rule):
    """Return the rank of each value among the different ones."""
    dtype = series.dtype
    if isinstance(dtype, nw.Datetime | nw.Date):
        values = series.dt.timestamp("us").to_numpy()
    elif dtype.is_integer():
        values = series.to_numpy()
    elif dtype.is_numeric() or isinstance(dtype, nw.Boolean):
        values = _numbers(series, repr(name))
    else:
        if _has_text(dtype):
            series = series.cast(nw.String)
        values = series.to_list()
        ordered = rule in ("min", "max")
        kinds = set(map(type, values))
        if len(kinds) > 1 or not all(
            issubclass(kind, _ORDERED_CELLS if ordered else (*_ORDERED_CELLS, str))
            for kind in kinds
        ):
            raise SchemaError(
                f"Column {name!r}, of which the {rule} is wanted, must hold numbers, "
                f"dates{'' if ordered else ', text'} or booleans. Got {dtype} instead. "
                "Convert it first, or give it another rule."
            )
        values = np.array(values, dtype=object)
    return np.unique(values, return_inverse=True)[1]


def _has_text(dtype):
    return isinstance(dtype, nw.String | nw.Categorical | nw.Enum)


def _by_weight(codes, levels, weights):
    """Order accounts so that the first of a company has the value with most weight.

    Ties go to the value of more accounts, then to the lowest.
    """
    _, pair, counts = np.unique(
        codes * (max(levels, default=0) + 1) + levels,
        return_inverse=True,
        return_counts=True,
    )
    weight = np.bincount(pair, weights, len(counts))
    return np.lexsort((levels, -counts[pair], -weight[pair], codes))


# -- series of companies -----------------------------------------------------------


def _new_series(frame, name, values):
    if values.dtype == object:
        values = values.tolist()
    return nw.new_series(name, values, backend=frame.implementation)


def _pick(frame, name, rows):
    """Return a column at rows, missing where a row is negative; its type is kept."""
    there = rows >= 0
    return _masked(frame[name][np.where(there, rows, 0)], there)


def _masked(series, there):
    """Make values missing where they are not there."""
    series = nw.maybe_reset_index(series)
    if there.all():
        return series
    if series.dtype.is_integer() and series.implementation.is_pandas():
        # NumPy's integers have no missing value, and floats cannot tell large ones.
        native = series.to_native()
        if isinstance(native.dtype, np.dtype):
            series = nw.from_native(native.astype("Int64"), series_only=True)
    frame = series.to_frame().with_columns(
        nw.new_series("_there", there, backend=series.implementation)
    )
    return frame.select(nw.when(nw.col("_there")).then(nw.col(series.name)))[
        series.name
    ]
