"""The nearest of a few points to each customer, in bounded memory."""

import numpy as np
from scipy.spatial.distance import cdist

_BLOCK_DISTANCES = 2**17  # 1 MB of distances at a time, which a cache holds


def nearest_point(X, points):
    """Index of, and squared distance to, the nearest point of each row.

    Differences are squared directly, not expanded into products: a row far from the
    origin loses no digits, and its answer does not depend on the rows beside it.
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
    index = np.zeros(len(X), dtype=np.intp)
    squared_distance = np.empty(len(X))
    step = max(1, _BLOCK_DISTANCES // len(points))
    for start in range(0, len(X), step):
        block = slice(start, start + step)
        # One row a point: the comparisons run along many customers, not few points.
        distances = cdist(points, X[block], "sqeuclidean")
        nearest, least = index[block], squared_distance[block]
        least[:] = distances[0]
        for point in range(1, len(points)):
            nearest[distances[point] < least] = point
            np.minimum(least, distances[point], out=least)
    return index, squared_distance
