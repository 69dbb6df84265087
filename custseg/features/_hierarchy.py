"""Nested levels such as country, region, city: learned nodes and their numbers.

A node is a path from the top: the city Springfield of one region is another than that
of the next. A path that is rare, unseen or breaks off counts as far as it is known.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np

from custseg.columns import MISSING, OTHER, level_codes, pool_levels

__all__ = ["HierarchyLevel", "hierarchy_numbers", "is_named", "learn_hierarchy"]


class HierarchyLevel(NamedTuple):
    """What one level of a hierarchy has learned.

    Attributes
    ----------
    name : str
        Of its column.
    kept : tuple of tuple of str
        Paths that have a number of their own.
    pooled : tuple of tuple of str
        Paths that `fit` has seen and found rare.
    spread : float
        Standard deviation of all its indicators together; infinite where constant.
    """

    name: str
    kept: tuple
    pooled: tuple
    spread: float


def _paths(columns):
    """Return codes and paths of each level; -1 where a path breaks off before it."""
    found, parents, above = [], np.zeros(len(columns[0].values), int), [()]
    for column in columns:
        codes, levels = level_codes(column)
        known = (parents >= 0) & (codes >= 0)
        pairs = np.where(known, parents * max(len(levels), 1) + codes, -1)
        distinct, place = np.unique(pairs, return_inverse=True)
        broken = int(len(distinct) > 0 and distinct[0] < 0)
        paths = [
            (*above[pair // len(levels)], levels[pair % len(levels)])
            for pair in distinct[broken:].tolist()
        ]
        parents, above = place.reshape(-1) - broken, paths
        found.append((parents, paths))
    return found


def learn_hierarchy(columns, min_share):
    """Learn the nodes of a hierarchy.

    Parameters
    ----------
    columns : list of Column
        Coarsest first.
    min_share : float
        Nodes with a smaller share of all customers count as the node above them, those
        of the first level as `other`.

    Returns
    -------
    list of HierarchyLevel
        At the first level `other` and `missing` are nodes where there are any.
    """
    learned = []
    for depth, (column, (codes, paths)) in enumerate(
        zip(columns, _paths(columns), strict=True)
    ):
        if depth == 0:
            names = [path[0] for path in paths]
            kept, pooled, shares = pool_levels(codes, names, min_share)
            kept, pooled = [(one,) for one in kept], [(one,) for one in pooled]
        else:
            counts = np.bincount(codes[codes >= 0], minlength=len(paths))
            shares = counts / len(codes)
            frequent = shares >= min_share
            kept = [path for path, keep in zip(paths, frequent, strict=True) if keep]
            pooled = [
                path for path, keep in zip(paths, frequent, strict=True) if not keep
            ]
            shares = shares[frequent]
        spread = float(np.sqrt(np.sum(shares * (1.0 - shares))))
        learned.append(
            HierarchyLevel(
                column.name,
                tuple(kept),
                # Where all are rare they may be customers, which are not to be kept.
                tuple(pooled) if is_named(kept) else (),
                spread if spread > 0 else np.inf,
            )
        )
    return learned


def is_named(kept):
    """Tell whether a level keeps a node beside `other` and `missing`."""
    return bool(set(kept) - {(OTHER,), (MISSING,)})


def hierarchy_numbers(columns, learned, *, scale):
    """Return indicators of nodes, and how many customers had one not seen in `fit`.

    Parameters
    ----------
    columns : list of Column
    learned : list of HierarchyLevel
    scale : bool
        Whether each level has a total variance of one on the training data.

    Returns
    -------
    values : ndarray of shape (n_customers, n_nodes)
    unseen : dict of str to dict of str to int
        Customers by level not seen, for each column that has any. Who lives in an
        unseen region is not counted for the city besides.
    """
    widths = [len(level.kept) for level in learned]
    # Each node's numbers in one stretch, as they will be gone over.
    values = np.zeros((sum(widths), len(columns[0].values))).T
    unseen, first, known = {}, 0, {()}
    for depth, (level, (codes, paths)) in enumerate(
        zip(learned, _paths(columns), strict=True)
    ):
        place_of = {path: place for place, path in enumerate(level.kept)}
        elsewhere = place_of.get((OTHER,), -1) if depth == 0 else -1
        missing = place_of.get((MISSING,), -1) if depth == 0 else -1
        table = np.array([place_of.get(path, -1) for path in paths] + [missing])
        counts = _count_unseen(level, codes, paths, known)
        if missing < 0 and depth == 0 and np.any(codes < 0):
            counts[MISSING] += int(np.count_nonzero(codes < 0))
        if counts and is_named(level.kept):
            unseen[level.name] = dict(counts)
        table[table < 0] = elsewhere
        place = table[codes]
        rows = np.flatnonzero(place >= 0)
        size = 1 / level.spread if scale else 1.0
        values[rows, first + place[rows]] = size
        first += widths[depth]
        known = {*level.kept, *level.pooled}
    return values, unseen


def _count_unseen(level, codes, paths, known):
    """Count customers whose path is new though the one above it is known."""
    seen, counts = {*level.kept, *level.pooled}, Counter()
    sizes = np.bincount(codes[codes >= 0], minlength=len(paths)).tolist()
    for path, size in zip(paths, sizes, strict=True):
        if path not in seen and path[:-1] in known:
            counts[path[-1]] += size
    return counts
