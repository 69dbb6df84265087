"""A profile as a table for reading."""

import numpy as np
import pandas as pd

from custseg.profile._statistics import MISSING


def number_text(value):
    """Write a mean with three digits or more: `12,346`, `46.2`, `0.0312`."""
    if np.isnan(value):
        return ""
    if value == 0 or abs(value) >= 1e15:
        return f"{value:.3g}"
    decimals = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    return f"{value:,.{min(decimals, 8)}f}"


def share_text(value):
    """Write a share as a percentage: `35 %`, `0.4 %`."""
    percent = 100 * value
    return f"{percent:.1f} %" if 0 < percent < 9.95 else f"{percent:.0f} %"


def wide_table(items, headings, sizes):
    """Lay out a profile with one column a segment and one of the total, as text.

    Parameters
    ----------
    items : sequence of Item
    headings : list of str
        Names of the segments.
    sizes : ndarray of shape (n_segments,)

    Returns
    -------
    table : DataFrame of str
        Indexed by column and level.
    """
    n_customers = sizes.sum()
    # A list: a column may be called "customers" as well.
    labels = [("customers", ""), ("share of customers", "")]
    rows = [
        [*map(_size_text, sizes), _size_text(n_customers)],
        [*map(share_text, sizes / n_customers), "100 %"],
    ]
    for item in items:
        write = share_text if item.level else number_text
        name = _row_name(item)
        labels.append((name, item.level))
        rows.append([*map(write, item.value), write(item.total)])
        if not item.level and item.n_missing.any():
            shares = [*item.n_missing / sizes, item.n_missing.sum() / n_customers]
            labels.append((name, MISSING))
            rows.append(list(map(share_text, shares)))
    index = pd.MultiIndex.from_tuples(labels, names=[None, None])
    return pd.DataFrame(rows, index=index, columns=[*headings, "total"])


def _row_name(item):
    if item.kind == "date":
        return f"{item.column}, {item.statistic}"
    return item.column


def _size_text(size):
    return f"{size:,.0f}" if size == np.floor(size) else f"{size:,.1f}"
