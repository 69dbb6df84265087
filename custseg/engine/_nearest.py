"""The nearest of a few points to each customer, in bounded memory."""

from functools import reduce

import numpy as np

from custseg.engine import _sums
from custseg.engine._blocks import row_blocks
from custseg.engine._kernels import nearest_of_block
from custseg.engine._source import ArraySource, Statistic

_BLOCK_DISTANCES = 2**17  # 1 MB of distances at a time, which a cache holds


def nearest_point(X, points):
    """Index of, and squared distance to, the nearest point of each row.

    No thread is started, so the function works in a forked process.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    points : ndarray of shape (n_points, n_features)

    Returns
    -------
    index : ndarray of shape (n_customers,)
        The lowest index where several points are equally near.
    squared_distance : ndarray of shape (n_customers,)
    """
    index = np.empty(len(X), dtype=np.intp)
    squared_distance = np.empty(len(X))
    for block in row_blocks(len(X), max(1, _BLOCK_DISTANCES // len(points))):
        index[block], squared_distance[block] = nearest_of_block(X[block], points)
    return index, squared_distance


def _placed(X, weights=None, *, points):
    index, squared = nearest_point(X, points)
    return index, squared, _sums.of_block(X, index, weights, n_segments=len(points))


def of_block(X, weights=None, *, points):
    """Sum the customers nearest to each point, and their squared distances."""
    _, squared, sums = _placed(X, weights, points=points)
    return sums, float(squared.sum() if weights is None else squared @ weights)


def add(one, other):
    """Add two blocks."""
    return one[0] + other[0], one[1] + other[1]


def zero(*, points):
    """Sum nobody."""
    return _sums.zero(n_segments=len(points)), 0.0


NEAREST_SUMS = Statistic(of_block, add, zero)


def nearest_and_sums(X, points, weights=None):
    """Nearest point of each row in memory, and the sums of the customers nearest to it.

    One step of k-means or of a self-organising map; the same bits whatever the number
    of threads.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    points : ndarray of shape (n_points, n_features)
    weights : ndarray of shape (n_customers,), default=None

    Returns
    -------
    index : ndarray of shape (n_customers,)
    squared_distance : ndarray of shape (n_customers,)
    sums : SegmentSums
        Of the customers nearest to each point.
    """
    parts = ArraySource(X, weights).map(_placed, points=points)
    index, squared, sums = zip(*parts, strict=True)
    return np.concatenate(index), np.concatenate(squared), reduce(_sums.add, sums)
