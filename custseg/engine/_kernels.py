"""The inner loops that carry the cost.

Pure functions on contiguous blocks of float64 or float32, written in NumPy and BLAS.
A compiled version could take their place, and nothing outside this module would know.
"""

import numpy as np
from scipy.spatial.distance import cdist

_FEW = 32  # points that are compared one after the other
_STRIP = 256  # rows of a block whose distances are held at a time


def nearest_of_block(X, points):
    """Index of, and squared distance to, the nearest point of each row of a block.

    Differences are squared directly, not expanded into products: a row far from the
    origin loses no digits, and its answer does not depend on the rows beside it.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    points : ndarray of shape (n_points, n_features)

    Returns
    -------
    index : ndarray of shape (n_rows,)
        The lowest index where several points are equally near.
    squared_distance : ndarray of shape (n_rows,)
    """
    if len(points) > _FEW:
        distances = cdist(X, points, "sqeuclidean")
        index = distances.argmin(axis=1)
        return index, distances[np.arange(len(X)), index]
    # One row a point: the comparisons run along many customers, not few points.
    distances = cdist(points, X, "sqeuclidean")
    index = np.zeros(len(X), dtype=np.intp)
    least = distances[0]
    for point in range(1, len(points)):
        index[distances[point] < least] = point
        np.minimum(least, distances[point], out=least)
    return index, least


def distance_sums(rows, columns, members, *, metric="euclidean", own=None, mirror=None):
    """Sum the distances between two blocks by groups of customers.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    columns : ndarray of shape (n_columns, n_features)
        Of the same floating type, in which the distances are worked out.
    members : ndarray of shape (n_columns, n_groups)
        Weight of each customer of `columns` in each group.
    metric : {"euclidean", "manhattan"}, default="euclidean"
    own : tuple of two ndarrays, default=None
        Rows and columns that are the same customer. A customer is at no distance from
        itself, whatever was rounded.
    mirror : ndarray of shape (n_rows, n_mirror_groups), default=None
        Weight of each customer of `rows` in each group, to sum the same distances the
        other way as well.

    Returns
    -------
    sums : ndarray of shape (n_rows, n_groups), float64
        Distance of each row to the customers of each group, summed by weight.
    mirror_sums : ndarray of shape (n_columns, n_mirror_groups), float64, or None
        The same of each column, with `mirror`.
    """
    # About the middle of the columns near customers have small coordinates, so that
    # little is lost when their squares nearly cancel.
    middle = columns.mean(axis=0)
    rows, columns = rows - middle, columns - middle
    if metric == "euclidean":
        right = _with_squares(columns, last=True).T
        left = _with_squares(rows, last=False)
    sums = np.empty((len(rows), members.shape[1]))
    mirror_sums = None if mirror is None else np.zeros((len(columns), mirror.shape[1]))
    for start in range(0, len(rows), _STRIP):
        strip = slice(start, start + _STRIP)
        if metric == "euclidean":
            distances = left[strip] @ right
            np.maximum(distances, 0, out=distances)
            np.sqrt(distances, out=distances)
        else:
            distances = cdist(rows[strip], columns, "cityblock")
        if own is not None:
            here = (own[0] >= start) & (own[0] < start + _STRIP)
            distances[own[0][here] - start, own[1][here]] = 0
        sums[strip] = distances @ members
        if mirror is not None:
            mirror_sums += distances.T @ mirror[strip]
    return sums, mirror_sums


def _with_squares(X, *, last):
    """Columns that make a product of two blocks their squared distances."""
    squares = np.einsum("ij,ij->i", X, X)[:, np.newaxis]
    ones = np.ones_like(squares)
    return np.hstack([X, ones, squares] if last else [-2 * X, squares, ones])
