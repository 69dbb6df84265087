"""The nearest of a few points to each customer, in bounded memory."""

import numpy as np

from custseg.engine._blocks import in_order, row_blocks
from custseg.engine._kernels import nearest_of_block
from custseg.engine._sums import SegmentSums

_BLOCK_DISTANCES = 2**17  # 1 MB of distances at a time, which a cache holds
_ROWS = 2**14


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


def nearest_and_sums(X, points, weights=None):
    """Nearest point of each row, and the sums of the customers nearest to each.

    One step of k-means or of a self-organising map, on a pool of threads; the same
    bits whatever their number.

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

    def of_block(block):
        customers = X[block]
        index, squared = nearest_point(customers, points)
        of_customers = None if weights is None else weights[block]
        sums = SegmentSums.of_block(customers, index, len(points), of_customers)
        return index, squared, sums

    index = np.empty(len(X), dtype=np.intp)
    squared_distance = np.empty(len(X))
    total = None
    blocks = row_blocks(len(X), _ROWS)
    for block, (nearest, squared, sums) in zip(
        blocks, in_order(of_block, blocks), strict=True
    ):
        index[block], squared_distance[block] = nearest, squared
        total = sums if total is None else total + sums
    return index, squared_distance, total
