"""Two partitions of the same customers: cross-tables and what is read off them."""

import numpy as np
from scipy.optimize import linear_sum_assignment


def crossed(labels, others, n_segments, weights=None):
    """Count customers, or their weight, by segment in two labelings.

    Parameters
    ----------
    labels, others : ndarray of shape (n_customers,)
        Segments from 0; customers with -1 in one of them are left out.
    n_segments : int or (int, int)
        Segments of both, or of each.
    weights : ndarray of shape (n_customers,), default=None

    Returns
    -------
    table : ndarray of shape (n_segments, n_other_segments)
    """
    shape = (n_segments, n_segments) if np.ndim(n_segments) == 0 else n_segments
    placed = (labels >= 0) & (others >= 0)
    if not placed.all():
        labels, others = labels[placed], others[placed]
        weights = None if weights is None else weights[placed]
    cells = labels.astype(np.intp) * shape[1] + others
    return np.bincount(cells, weights, minlength=shape[0] * shape[1]).reshape(shape)


def adjusted_rand(table):
    """Return the adjusted Rand index (Hubert and Arabie, 1985) of a table of counts."""

    def pairs(counts):
        counts = np.asarray(counts, dtype=np.float64)
        return (counts * (counts - 1)).sum() / 2

    together = pairs(table)
    rows, columns, every = (
        pairs(table.sum(axis=1)),
        pairs(table.sum(axis=0)),
        pairs(table.sum()),
    )
    expected = rows * columns / every if every else 0.0
    most = (rows + columns) / 2
    return 1.0 if most == expected else float((together - expected) / (most - expected))


def best_match(table):
    """Order of the columns that keeps most customers in one segment (Kuhn, 1955)."""
    return linear_sum_assignment(table, maximize=True)[1]


def moved_share(table, match):
    """Share of the customers whom a match of segments leaves in another one."""
    kept = table[np.arange(len(table)), match].sum()
    return max(0.0, 1 - kept / table.sum())


def jaccards(table):
    """Jaccard similarity of each segment of one partition with each of another.

    Customers in both over customers in either; 0 where neither has any.
    """
    either = table.sum(axis=1)[:, np.newaxis] + table.sum(axis=0) - table
    return np.divide(table, either, out=np.zeros(table.shape), where=either > 0)
