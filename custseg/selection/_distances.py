"""Distances of customers summed by segment, for many labelings in one pass."""

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from custseg.engine import distance_sums, in_order, row_blocks

_TILE = 1024  # customers a side of the square of distances that one task works out
_HELD = 2**23  # sums that may be held together: 64 MB
_FEWEST = 64  # rows of a panel, however many columns
_KEY_SPAN = 2**62


class Customers(NamedTuple):
    """Customers in an order that puts those together whose labels all agree."""

    X: np.ndarray  # (n_customers, n_features), in the order they came
    center: np.ndarray  # (n_features,)
    scale: float  # largest distance from the center along a column
    weights: np.ndarray | None  # in the order they came
    order: np.ndarray  # (n_customers,)
    cells: np.ndarray  # (n_cells,), where runs of equal labels begin in the order
    codes: tuple  # a labeling each, in the order: segment from 0, or -1
    edges: np.ndarray  # (n_labelings + 1,), first column of each labeling's segments

    def tile(self, block, dtype):
        """Coordinates of the customers at some positions of the order.

        Silhouettes have no unit and no origin: about the center and on the scale of
        all customers float32 keeps most of their digits.
        """
        return ((self.X[self.order[block]] - self.center) / self.scale).astype(dtype)


def order_by_labels(codes, n_segments):
    """Order customers so that those whose labels all agree stand together.

    Parameters
    ----------
    codes : list of ndarray of shape (n_customers,)
        Segments from 0, -1 for none; one array a labeling.
    n_segments : list of int

    Returns
    -------
    order : ndarray of shape (n_customers,)
    cells : ndarray of shape (n_cells,)
        Where runs of equal labels begin in the order.
    """
    key, span = np.zeros(len(codes[0]), dtype=np.int64), 1
    for code, k in zip(codes, n_segments, strict=True):
        if span > _KEY_SPAN // (k + 1):
            distinct, key = np.unique(key, return_inverse=True)
            span = len(distinct)
        key, span = key * (k + 1) + code + 1, span * (k + 1)
    order = np.argsort(key, kind="stable")
    key = key[order]
    return order, np.flatnonzero(np.append(True, key[1:] != key[:-1]))


def arranged(X, codes, n_segments, weights=None):
    """Order customers by their labels.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    codes : list of ndarray of shape (n_customers,)
        Segments from 0, -1 for none; one array a labeling.
    n_segments : list of int
    weights : ndarray of shape (n_customers,), default=None

    Returns
    -------
    customers : Customers
    """
    order, cells = order_by_labels(codes, n_segments)
    sorted_codes = tuple(code[order] for code in codes)
    edges = np.cumsum([0, *n_segments])
    center = X.mean(axis=0)
    scale = max((X.max(axis=0) - center).max(), (center - X.min(axis=0)).max()) or 1.0
    return Customers(X, center, scale, weights, order, cells, sorted_codes, edges)


class _Tile(NamedTuple):
    """A run of customers, and which groups of them are summed."""

    block: slice
    customers: np.ndarray  # (n, n_features)
    members: np.ndarray  # (n, n_groups), weights
    spread: np.ndarray | None  # (n_groups, n_present); None: the groups are segments
    present: np.ndarray  # (n_present,), columns of the segments that are there

    def spread_sums(self, sums):
        """Add sums by group up to sums by segment."""
        return sums if self.spread is None else sums @ self.spread


def _tile(customers, block, dtype):
    """Group a tile by its cells, or by its segments where they are fewer."""
    width = block.stop - block.start
    at = np.searchsorted(customers.cells, [block.start, block.stop])
    # The first cell may have begun before the tile.
    starts = np.append(block.start, customers.cells[slice(*at)])
    starts = np.unique(starts) - block.start
    cell = np.zeros(width, dtype=np.intp)
    cell[starts[1:]] = 1
    cell = np.cumsum(cell)
    # The segment of each cell in each labeling, as a column of the sums.
    of_cells = [code[block][starts] for code in customers.codes]
    columns = [
        np.where(code < 0, -1, code.astype(np.intp) + edge)
        for code, edge in zip(of_cells, customers.edges, strict=False)
    ]
    present = np.unique(columns)
    present = present[present >= 0]
    spread = np.zeros((len(starts), len(present)))
    for column in columns:
        placed = np.flatnonzero(column >= 0)
        spread[placed, np.searchsorted(present, column[placed])] = 1
    if len(starts) <= len(present):
        members = np.zeros((width, len(starts)), dtype=dtype)
        members[np.arange(width), cell] = 1
    else:
        members, spread = spread[cell].astype(dtype), None
    if customers.weights is not None:
        members *= customers.weights[customers.order[block], np.newaxis].astype(dtype)
    return _Tile(block, customers.tile(block, dtype), members, spread, present)


def _sums_of_pair(tiles, pair, *, metric):
    """Sum the distances between two tiles, each to the other."""
    one, other = (tiles[i] for i in pair)
    same = one is other
    sums, mirrored = distance_sums(
        one.customers,
        other.customers,
        other.members,
        metric=metric,
        mirror=None if same else one.members,
    )
    return other.spread_sums(sums), None if same else one.spread_sums(mirrored)


def sums_to_all(customers, metric, dtype):
    """Sum the distances of all customers, each pair worked out once.

    Returns
    -------
    sums : ndarray of shape (n_customers, n_segments of all labelings)
        In the order of `customers`.
    """
    n = len(customers.order)
    tiles = [_tile(customers, block, dtype) for block in row_blocks(n, _TILE)]
    pairs = [(i, j) for i in range(len(tiles)) for j in range(i, len(tiles))]

    sums = np.zeros((n, customers.edges[-1]))
    of_pair = partial(_sums_of_pair, tiles, metric=metric)
    for (i, j), (here, there) in zip(pairs, in_order(of_pair, pairs), strict=True):
        sums[tiles[i].block, tiles[j].present] += here
        if there is not None:
            sums[tiles[j].block, tiles[i].present] += there
    return sums


def _sums_to_block(rows, customers, block, *, metric, dtype):
    """Sum the distances of rows to a block; also which sums they are."""
    tile = _tile(customers, block, dtype)
    sums, _ = distance_sums(rows, tile.customers, tile.members, metric=metric)
    return tile.present, tile.spread_sums(sums)


def sums_to(customers, positions, metric, dtype):
    """Sum the distances of the customers at some positions of the order to all.

    Parameters
    ----------
    customers : Customers
    positions : ndarray of shape (n_positions,), ascending

    Returns
    -------
    sums : ndarray of shape (n_positions, n_segments of all labelings)
    """
    rows = customers.tile(positions, dtype)

    to_block = partial(_sums_to_block, rows, customers, metric=metric, dtype=dtype)
    sums = np.zeros((len(rows), customers.edges[-1]))
    blocks = row_blocks(len(customers.order), _TILE)
    for present, here in in_order(to_block, blocks):
        sums[:, present] += here
    return sums


def closed_sums_of_block(X, code, weights, *, sums, metric):
    """Sum the distances of a block of customers to all customers of each segment.

    Squared Euclidean and cosine distances are sums themselves, so that sums over
    customers come from the segments' weights, means and squares: with W the weight, m
    the mean and Q the sum of squares about it, the squared distances sum to
    ``W |x - m|^2 + Q``, and cosine distances of rows of length one to ``W (1 - x m)``.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    code : ndarray of shape (n_rows,)
        Segment of each customer of the block, -1 for none.
    weights : ndarray of shape (n_rows,) or None
    sums : SegmentSums
        Of all customers.
    metric : {"sqeuclidean", "cosine"}

    Returns
    -------
    distances : ndarray of shape (n_rows, n_segments)
    """
    if metric == "sqeuclidean":
        return sums.weights * cdist(X, sums.means, "sqeuclidean") + sums.within()
    result = sums.weights * (1 - X @ sums.means.T)
    # A customer of zeros is at distance one from all others, but not from itself.
    zeros = np.flatnonzero(~X.any(axis=1) & (code >= 0))
    result[zeros, code[zeros]] -= 1 if weights is None else weights[zeros]
    return np.maximum(result, 0)


def rows_held(n_columns):
    """Rows of which so many columns may be held together."""
    # Divided by eight, as silhouettes need several arrays of the size of the sums.
    return max(_FEWEST, _HELD // (8 * n_columns))


def row_panels(n_rows, n_columns):
    """Blocks of rows of which so many columns may be held together."""
    return row_blocks(n_rows, rows_held(n_columns))


def fits_at_once(n_rows, n_columns):
    """Whether the sums of all customers may be held together."""
    return n_rows * n_columns <= _HELD
