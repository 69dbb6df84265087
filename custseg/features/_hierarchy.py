"""Nested levels such as country, region, city: the nodes that are learned.

A node is a path from the top: the city Springfield of one region is another than that
of the next.
"""

from dataclasses import replace

import numpy as np

from custseg.columns import level_codes, pool_levels
from custseg.scoring import HierarchyLevel

__all__ = ["learn_hierarchy"]


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
        spread = spread if spread > 0 else np.inf
        level = HierarchyLevel(column.name, tuple(kept), tuple(pooled), spread)
        # Where all are rare they may be customers, which are not to be kept.
        learned.append(level if level.is_named else replace(level, pooled=()))
    return learned
