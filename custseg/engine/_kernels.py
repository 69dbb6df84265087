"""The inner loops that carry the cost.

Pure functions on contiguous blocks of float64 or float32, written in NumPy and BLAS.
A compiled version could take their place, and nothing outside this module would know.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

_FEW = 32  # points that are compared one after the other
_MANY_UNSAFE = 16  # one distance in so many, from where all are made anew
_STRIP = 256  # rows of a block whose distances are held at a time
_PRODUCTS = 2**18  # float32 products held at a time
_MANY = 16  # rivals a row beyond which float32 says too little


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


def distance_sums(rows, columns, members, *, metric="euclidean", mirror=None):
    """Sum the distances between two blocks by groups of customers.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    columns : ndarray of shape (n_columns, n_features)
        Of the same floating type, in which the distances are worked out.
    members : ndarray of shape (n_columns, n_groups)
        Weight of each customer of `columns` in each group.
    metric : {"euclidean", "manhattan"}, default="euclidean"
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
    middle = columns.mean(axis=0)
    rows, columns = rows - middle, columns - middle
    if metric == "euclidean":
        right = _with_squares(columns, last=True).T
        left = _with_squares(rows, last=False)
        # What rounding may take from a squared distance, in float64 with six digits
        # and in float32 with three digits to spare.
        digits = 2.0**22 if rows.dtype == np.float64 else 2.0**12
        unsafe = digits * np.finfo(rows.dtype).eps
        unsafe *= float(left[:, -2].max() + right[-1].max())
    sums = np.empty((len(rows), members.shape[1]))
    mirror_sums = None if mirror is None else np.zeros((len(columns), mirror.shape[1]))
    for start in range(0, len(rows), _STRIP):
        strip = slice(start, start + _STRIP)
        if metric == "euclidean":
            distances = left[strip] @ right
            if distances.min() < unsafe:
                _square_differences(distances, rows[strip], columns, unsafe)
            np.sqrt(distances, out=distances)
        else:
            distances = cdist(rows[strip], columns, "cityblock")
        sums[strip] = distances @ members
        if mirror is not None:
            mirror_sums += distances.T @ mirror[strip]
    return sums, mirror_sums


def _square_differences(squared, rows, columns, unsafe):
    """Replace squared distances that products tell badly by squared differences.

    A customer is then at no distance from itself and from those who are the same.
    """
    few = np.flatnonzero(squared < unsafe)
    if len(few) > squared.size / _MANY_UNSAFE:
        squared[:] = cdist(rows, columns, "sqeuclidean")
        return
    row, column = np.divmod(few, squared.shape[1])
    gaps = rows[row] - columns[column]
    squared[row, column] = np.einsum("ij,ij->i", gaps, gaps)


def _with_squares(X, *, last):
    """Columns that make a product of two blocks their squared distances."""
    squares = np.einsum("ij,ij->i", X, X)[:, np.newaxis]
    ones = np.ones_like(squares)
    return np.hstack([X, ones, squares] if last else [-2 * X, squares, ones])


def roughly_nearest_of_block(X, points):
    """Index of a nearest point of each row of a block, of many points, in float32.

    Where two points are equally near up to the rounding of float32, either is
    returned.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    points : ndarray of shape (n_points, n_features)

    Returns
    -------
    index : ndarray of shape (n_rows,)
    """
    middle = points.mean(axis=0)
    points = points - middle
    scale = np.abs(points).max() or 1.0
    points = points / scale
    right = np.vstack([-2 * points.T, np.square(points).sum(axis=1)]).astype("float32")
    left = np.ones((len(X), len(right)), dtype="float32")
    left[:, :-1] = (X - middle) / scale
    index = np.empty(len(X), dtype=np.intp)
    step = max(1, _PRODUCTS // len(points))
    for start in range(0, len(X), step):
        strip = slice(start, start + step)
        index[strip] = (left[strip] @ right).argmin(axis=1)
    return index


class WardBounds(NamedTuple):
    """Factors of float32 products that are never above Ward's distances."""

    left: np.ndarray  # (n_groups, n_features + 2)
    right: np.ndarray  # (n_features + 2, n_groups)
    inverse_weights: np.ndarray  # (n_groups,), 1 for the heaviest group
    unit: float  # of the distances that the products bound


def ward_bounds(means, weights):
    """Prepare `ward_neighbours` for all its blocks.

    Parameters
    ----------
    means : ndarray of shape (n_features, n_groups)
    weights : ndarray of shape (n_groups,)

    Returns
    -------
    bounds : WardBounds
    """
    n_features, n_groups = means.shape
    # About the median a few groups far away take no digits from the others.
    points = means - np.median(means, axis=1, keepdims=True)
    scale = np.abs(points).max() or 1.0
    points = (points / scale).astype("float32")
    squares = np.einsum("ij,ij->j", points, points)
    # Products and sums in float32 are wrong by less than this share of the squares.
    below = squares * np.float32(1 - (2 * n_features + 8) * np.finfo("float32").eps)
    ones = np.ones(n_groups, dtype="float32")
    heaviest = weights.max()
    return WardBounds(
        np.ascontiguousarray(np.vstack([-2 * points, below, ones]).T),
        np.vstack([points, ones, below]),
        (heaviest / weights).astype("float32"),
        float(scale**2 * heaviest),
    )


def ward_neighbours(rows, means, weights, bounds):
    """Nearest other group of some groups, by what merging them would cost.

    Merging groups of weights v and w adds v w / (v + w) times the squared distance of
    their means to the sum of squares within. Float32 products find the few groups
    that can be nearest; which of them is so is told by differences in float64, the
    same whichever of two groups asks.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,)
        The groups that ask.
    means : ndarray of shape (n_features, n_groups)
    weights : ndarray of shape (n_groups,)
    bounds : WardBounds

    Returns
    -------
    index : ndarray of shape (n_rows,)
        The lowest index where several groups are equally near.
    cost : ndarray of shape (n_rows,)
    """
    inverse = bounds.inverse_weights
    places = np.arange(len(rows))
    lower = bounds.left[rows] @ bounds.right
    lower /= inverse[rows, np.newaxis] + inverse
    lower[places, rows] = np.inf
    index = lower.argmin(axis=1)
    cost = _ward_costs(rows, index, means, weights)
    # Compared in float32, with room for its rounding in all but the bound itself.
    limit = (cost / bounds.unit * (1 + 1e-5)).astype("float32")
    rivals = lower <= limit[:, np.newaxis]
    n_rivals = np.count_nonzero(rivals)
    if n_rivals == len(rows):
        return index, cost
    if n_rivals > _MANY * len(rows):
        # One group far from all others, or as many ties: distances in full.
        lower = cdist(means[:, rows].T, means.T, "sqeuclidean")
        lower *= weights[rows, np.newaxis] * weights
        lower /= weights[rows, np.newaxis] + weights
        lower[places, rows] = np.inf
        rivals = lower <= cost[:, np.newaxis] * (1 + 1e-10)
    place, rival = np.divmod(np.flatnonzero(rivals), means.shape[1])
    costs = _ward_costs(rows[place], rival, means, weights)
    order = np.lexsort((rival, costs, place))
    first = order[np.searchsorted(place, places)]
    return rival[first], costs[first]


def _ward_costs(one, other, means, weights):
    """Cost of merging pairs of groups; the same bits for a pair and its mirror."""
    squared = np.zeros(len(one))
    for feature in means:
        squared += np.square(feature[one] - feature[other])
    one, other = weights[one], weights[other]
    return squared * (one * other / (one + other))
