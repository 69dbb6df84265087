"""Trees of weighted points: which two groups are joined, at what height."""

import numpy as np
from scipy.spatial.distance import cdist

from custseg.engine import ArraySource, row_blocks, ward_bounds, ward_neighbours

MATRIX_BYTES = 8  # a pair of points, for complete and average linkage
_BLOCK = 2**18  # pairs that one block works on


def grow_tree(points, weights, linkage):
    """Join the nearest two groups until there is one.

    Instead of the nearest two of all, all that are each other's nearest are joined at
    once. In the linkages here a merged group is never nearer to a third than the
    nearer of its two parts was, so the tree is the same, and groups whose nearest was
    not merged keep it (Murtagh, 1983).

    Parameters
    ----------
    points : ndarray of shape (n_leaves, n_features)
        For exact ties to be broken the same way in any order of rows, sorted.
    weights : ndarray of shape (n_leaves,)
        Above zero. Of whole numbers, the heights are those at which as many copies of
        each point are joined.
    linkage : {"ward", "complete", "average", "single"}

    Returns
    -------
    merges : ndarray of shape (n_leaves - 1, 4)
        As `scipy.cluster.hierarchy.linkage` returns it: two nodes, the height at which
        they are joined and the number of leaves below, by ascending height.

    Notes
    -----
    Ward's and single linkage hold a few numbers a point, complete and average linkage
    the distances of all pairs (`MATRIX_BYTES` each, every pair twice).

    References
    ----------
    Murtagh, F. (1983). A survey of recent advances in hierarchical clustering
    algorithms. The Computer Journal 26(4), 354-359.
    https://doi.org/10.1093/comjnl/26.4.354
    """
    if linkage == "single":
        return _single(points)
    groups = (
        _WardGroups(points, weights)
        if linkage == "ward"
        else _PairGroups(points, weights, average=linkage == "average")
    )
    return _join_mutual(groups, len(points))


def cut_tree(merges, n_segments):
    """Labels of the leaves when the last ``n_segments - 1`` merges are undone.

    Parameters
    ----------
    merges : ndarray of shape (n_leaves - 1, 4)
        As SciPy's `linkage` returns it, sorted by height.
    n_segments : int

    Returns
    -------
    labels : ndarray of shape (n_leaves,)
        0 to ``n_segments - 1``, in no particular order.
    """
    n_leaves = len(merges) + 1
    n_kept = n_leaves - n_segments
    parent = np.arange(n_leaves + n_kept)
    parent[merges[:n_kept, :2].astype(np.intp)] = (
        n_leaves + np.arange(n_kept)[:, np.newaxis]
    )
    # A parent's number is above its children's: one pass from the top finds roots.
    for node in range(len(parent) - 1, -1, -1):
        parent[node] = parent[parent[node]]
    return np.unique(parent[:n_leaves], return_inverse=True)[1]


def _join_mutual(groups, n_leaves):
    """Join in rounds all groups that are each other's nearest."""
    pairs = np.empty((n_leaves - 1, 2), dtype=np.intp)
    heights = np.zeros(2 * n_leaves - 1)  # of every node, leaves first
    nodes = np.arange(n_leaves)  # of each group
    nearest, distance = np.full(n_leaves, -1), np.zeros(n_leaves)
    n_made = 0
    while n_made < n_leaves - 1:
        lost = np.flatnonzero(nearest < 0)
        nearest[lost], distance[lost] = groups.nearest(lost)
        one, other = _mutual_pairs(nearest, distance)
        made = slice(n_made, n_made + len(one))
        pairs[made, 0], pairs[made, 1] = nodes[one], nodes[other]
        below = heights[pairs[made]].max(axis=1)  # rounding must not turn a tree over
        new = n_leaves + np.arange(made.start, made.stop)
        heights[new] = np.maximum(groups.height(distance[one]), below)
        n_made = made.stop
        # The merged group takes the first one's place, the other's is given up.
        nodes[one] = new
        nearest[np.isin(nearest, np.concatenate([one, other]))] = -1
        nearest[one] = -1
        kept = np.delete(np.arange(len(nodes)), other)
        groups.join(one, other, kept)
        place = np.full(len(nodes) + 1, -1)  # the last is for a neighbour that is lost
        place[kept] = np.arange(len(kept))
        nodes, nearest, distance = nodes[kept], place[nearest[kept]], distance[kept]
    return _by_height(pairs, heights[n_leaves:])


def _mutual_pairs(nearest, distance):
    """Pairs of groups that are each other's nearest, no group in two of them."""
    groups = np.arange(len(nearest))
    mutual = (nearest[nearest] == groups) | (distance[nearest] == distance)
    mutual[distance.argmin()] = True  # the nearest two of all, whatever was rounded
    firsts = np.flatnonzero(mutual)
    pairs, taken = [], set()
    for one, other in zip(firsts.tolist(), nearest[firsts].tolist(), strict=True):
        if one not in taken and other not in taken:
            taken.update((one, other))
            pairs.append((min(one, other), max(one, other)))
    return np.array(pairs).T


def _by_height(pairs, heights):
    """Sort merges by height and number their nodes in that order.

    Parameters
    ----------
    pairs : ndarray of shape (n_leaves - 1, 2)
        Nodes that were joined; a merge after those of its parts.
    heights : ndarray of shape (n_leaves - 1,)
        None below that of a part.
    """
    n_leaves = len(pairs) + 1
    order = np.argsort(heights, kind="stable")
    number = np.arange(2 * n_leaves - 1)
    number[n_leaves + order] = n_leaves + np.arange(n_leaves - 1)
    pairs = np.sort(number[pairs[order]], axis=1)
    sizes = [1] * n_leaves
    for one, other in pairs.tolist():
        sizes.append(sizes[one] + sizes[other])
    return np.column_stack([pairs, heights[order], sizes[n_leaves:]])


class _WardGroups:
    """Means and weights of groups, which tell what any merge costs."""

    def __init__(self, points, weights):
        self.means = np.array(points.T, order="C")
        self.weights = weights.astype(np.float64)

    def nearest(self, rows):
        bounds = ward_bounds(self.means, self.weights)
        settings = {"means": self.means, "weights": self.weights, "bounds": bounds}
        return _beside(self.weights, rows).joined(ward_neighbours, **settings)

    @staticmethod
    def height(cost):
        return np.sqrt(2 * cost)  # the distance itself, for two single points

    def join(self, one, other, kept):
        means, weights = self.means, self.weights
        total = weights[one] + weights[other]
        means[:, one] += (means[:, other] - means[:, one]) * (weights[other] / total)
        weights[one] = total
        self.means, self.weights = means[:, kept], weights[kept]


class _PairGroups:
    """Distances of all pairs of groups."""

    def __init__(self, points, weights, *, average):
        n = len(points)
        self.average, self.weights = average, weights.astype(np.float64)
        self.memory = np.empty(n * n)
        self.distances = self.memory.reshape(n, n)
        self._in_strips(_fill, points, points=points)
        np.fill_diagonal(self.distances, np.inf)

    def nearest(self, rows):
        source = _beside(self.weights, rows)
        return source.joined(_nearest_groups, distances=self.distances)

    @staticmethod
    def height(distance):
        return distance

    def join(self, one, other, kept):
        distances, weights = self.distances, self.weights
        total = weights[one] + weights[other]
        shares = weights[one] / total, weights[other] / total
        # Rows, then columns: a pair of merged groups gets all four of its distances.
        for block in row_blocks(len(one), max(1, _BLOCK // len(weights))):
            ours = [share[block, np.newaxis] for share in shares]
            rows = distances[one[block]], distances[other[block]]
            distances[one[block]] = self._joined(*rows, *ours)
        settings = {"joined": self._joined, "one": one, "other": other}
        self._in_strips(_join_columns, shares=shares, **settings)
        distances[one, one] = np.inf
        weights[one] = total
        self._keep(kept)

    def _joined(self, one, other, share, other_share):
        if self.average:
            # A mean is not below the lesser, whatever was rounded.
            mean = one * share + other * other_share
            return np.maximum(mean, np.minimum(one, other))
        return np.maximum(one, other)

    def _keep(self, kept):
        """Move what is kept to the front of the memory, row by row."""
        n = len(kept)
        for place, row in enumerate(kept):
            self.memory[place * n : (place + 1) * n] = self.distances[row, kept]
        self.distances = self.memory[: n * n].reshape(n, n)
        self.weights = self.weights[kept]

    def _in_strips(self, function, *arrays, **frozen):
        source = _beside(self.weights, self.distances, *arrays)
        for _ in source.map(function, **frozen):
            pass


def _beside(groups, *arrays):
    """Rows in blocks of as many pairs with the groups as one block works on."""
    return ArraySource(*arrays, rows_per_block=max(1, _BLOCK // len(groups)))


def _fill(strip, rows, *, points):
    cdist(rows, points, out=strip)


def _nearest_groups(rows, *, distances):
    strip = distances[rows]
    nearest = strip.argmin(axis=1)
    return nearest, strip[np.arange(len(nearest)), nearest]


def _join_columns(strip, *, joined, one, other, shares):
    strip[:, one] = joined(strip[:, one], strip[:, other], *shares)


def _single(points):
    """Grow a minimum spanning tree and join along its edges (Prim, 1957)."""
    n = len(points)
    edges, heights = np.empty((n - 1, 2), dtype=np.intp), np.empty(n - 1)
    columns = np.array(points.T, order="C")
    outside = np.arange(n)
    squared, via = np.full(n, np.inf), np.zeros(n, dtype=np.intp)
    place = 0
    for edge in range(n - 1):
        last = outside[place]
        # The last point outside takes the place of the one that joined the tree.
        for array in (outside, squared, via):
            array[place] = array[-1]
        columns[:, place] = columns[:, -1]
        outside, squared, via = outside[:-1], squared[:-1], via[:-1]
        columns = columns[:, :-1]
        gaps = columns - points[last][:, np.newaxis]
        of_last = np.einsum("ij,ij->j", gaps, gaps)
        nearer = of_last < squared
        squared[nearer], via[nearer] = of_last[nearer], last
        place = int(squared.argmin())
        edges[edge] = via[place], outside[place]
        heights[edge] = squared[place]
    order = np.argsort(heights, kind="stable")
    return _by_height(_nodes_of_edges(edges[order]), np.sqrt(heights[order]))


def _nodes_of_edges(edges):
    """Find the two nodes that each edge joins, of edges by ascending length."""
    n_leaves = len(edges) + 1
    parent = list(range(2 * n_leaves - 1))

    def root(node):
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    pairs = np.empty_like(edges)
    for merge, (one, other) in enumerate(edges.tolist()):
        pairs[merge] = root(one), root(other)
        parent[pairs[merge, 0]] = parent[pairs[merge, 1]] = n_leaves + merge
    return pairs
