"""Coverage: a customer table against the customers that it is meant to stand for."""

import narwhals as nw
import numpy as np
import pandas as pd

from custseg.columns._border import read_column, split_table
from custseg.columns._check_columns import unlike
from custseg.columns._core import EXACT_INTEGERS, check_names, level_text
from custseg.exceptions import SchemaError

__all__ = ["codes_of_ids", "coverage", "read_table"]


def read_table(customers):
    """Read all columns of a customer table."""
    _, names, series = split_table(customers)
    return list(map(read_column, names, series))


# -- ids -----------------------------------------------------------------------------


def codes_of_ids(table, place):
    """Read the column of ids of a table.

    Parameters
    ----------
    table : frame or array-like of shape (n_customers, n_features)
    place : int
        Where the column stands.

    Returns
    -------
    codes : ndarray of shape (n_customers,)
        One whole number a distinct id, -1 where missing or blank.
    ids : ndarray
        Distinct ids: integers, or text as `level_text` writes it.
    """
    if not nw.dependencies.is_into_dataframe(table):
        return _codes(np.asarray(table)[:, place])
    native = nw.from_native(table, eager_only=True)[:, place].to_native()
    return _codes(native)


def _codes(ids):
    """Tell ids apart: 1, 1.0 and "1" are one."""
    if not nw.dependencies.is_into_series(ids):
        # Not NumPy's own reading of a list, to which 1 and "1" are text.
        ids = pd.Series(ids if isinstance(ids, np.ndarray) else list(ids))
    series = nw.from_native(ids, series_only=True)
    known = ~series.is_null().to_numpy()
    codes = np.full(len(known), -1)
    # Without gaps integers stay integers, however large.
    codes[known], distinct = pd.factorize(series.drop_nulls().to_numpy())
    distinct = np.asarray(distinct)
    if distinct.dtype.kind in "iu":
        return codes, distinct
    if distinct.dtype.kind == "f" and _all_whole(distinct):
        return codes, distinct.astype(np.int64)
    return _merged(codes, [level_text(one) for one in distinct.tolist()])


def _all_whole(numbers):
    return bool(
        np.all((numbers == np.round(numbers)) & (np.abs(numbers) < EXACT_INTEGERS))
    )


def _merged(codes, texts):
    """Give ids that are written alike one code, and blank ones -1."""
    places, distinct = pd.factorize(np.array([t or None for t in texts], dtype=object))
    # The last entry serves the code -1.
    return np.append(places, -1)[codes], np.asarray(distinct)


def _n_inside(own, base):
    """Count the ids that are in the base."""
    if own.dtype.kind != base.dtype.kind:
        own, base = _texts(own), _texts(base)
    return int(np.count_nonzero(pd.Index(own).isin(base)))


def _texts(ids):
    return ids if ids.dtype == object else np.array(list(map(str, ids.tolist())), "O")


# -- the table against its base -------------------------------------------------------


def coverage(used, own_ids, customer_id, n_customers, base):
    """Compare the table with the customers that it is meant to stand for.

    Parameters
    ----------
    used : list of Column
        The columns of the table.
    own_ids : ndarray or None
        Distinct ids of the table, as `codes_of_ids` gives them.
    customer_id : str or None
    n_customers : int
        Rows of the table.
    base : int, array-like or frame
        Number of the customers, their ids, or a table of them.

    Returns
    -------
    list of tuple
        Findings.
    """
    n_own = n_customers if own_ids is None else len(own_ids)
    if isinstance(base, int | np.integer):
        return _covered(n_own, 0, int(base))
    if not hasattr(base, "columns") and not hasattr(base, "column_names"):
        if own_ids is None:
            raise SchemaError(
                "customer_id must be given to compare ids with customer_base. Got None "
                "instead. Name the column of ids, or give the number of customers."
            )
        return _ids_covered(own_ids, _codes(base)[1])
    others = read_table(base)
    if own_ids is None:
        found = _covered(n_customers, 0, len(base))
    else:
        known = [column.name for column in others]
        check_names("customer_id", [customer_id], known, "columns of customer_base")
        found = _ids_covered(own_ids, codes_of_ids(base, known.index(customer_id))[1])
    by_name = {column.name: column for column in others}
    for column in used:
        if column.name in by_name:
            found += unlike(column, by_name[column.name])
    return found


def _ids_covered(own, base):
    inside = _n_inside(own, base)
    return _covered(inside, len(own) - inside, len(base))


def _covered(inside, outside, n_base):
    if inside > n_base:
        text = (
            f"{inside} customers, more than the {n_base} of the base: the base is not "
            "all of them, or customers are there more than once"
        )
        return [("coverage", "error", "", inside, text)]
    share = f" ({inside / n_base:.0%})" if n_base else ""
    text = f"{inside} of the {n_base} customers of the base{share}"
    found = [("coverage", "note", "", inside, text)]
    if outside:
        text = f"{outside} customers are not in the base"
        found.append(("coverage", "warning", "", outside, text))
    return found
