"""Many small groups of like customers, for what cannot work on every customer."""

from functools import reduce
from operator import add

import numpy as np
from sklearn.utils.random import sample_without_replacement

from custseg.cluster._linkage import grow_tree
from custseg.engine import (
    SEGMENT_SUMS,
    ArraySource,
    SegmentSums,
    roughly_nearest_of_block,
)

_DRAWN = 20  # customers a micro-segment that its place is learned from
_STEPS = 8  # of k-means: the first few do nearly all
_COMPARED = (2, 12)  # numbers of segments by which Ward's trees are compared


def distinct_customers(X, weights=None):
    """Find the customers that differ, in a fixed order, and how many are the same.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    weights : ndarray of shape (n_customers,), default=None

    Returns
    -------
    groups : ndarray of shape (n_customers,)
        The distinct customer that each is the same as.
    points : ndarray of shape (n_distinct, n_features)
    totals : ndarray of shape (n_distinct,)
        Customers, or the sum of their weights.
    """
    order = np.lexsort(X.T[::-1])
    points = X[order]
    is_new = np.ones(len(X), dtype=bool)
    is_new[1:] = (points[1:] != points[:-1]).any(axis=1)
    groups = np.empty(len(X), dtype=np.intp)
    groups[order] = np.cumsum(is_new) - 1
    return groups, points[is_new], np.bincount(groups, weights).astype(np.float64)


def micro_segments(X, weights, n_micro, rng, *, n_draws=1):
    """Group customers around about `n_micro` means.

    A few steps of k-means on a random draw place the means; then each customer goes
    to the nearest one. Distances are worked out in float32: where two means are
    equally near up to its rounding, either is as good.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    weights : ndarray of shape (n_customers,) or None
        Above zero.
    n_micro : int
        Fewer groups are made where the draw has fewer distinct customers.
    rng : RandomState
    n_draws : int, default=1
        With more than one, the draw is kept on whose means Ward's tree has the least
        sums of squares within, summed over its cuts at 2 to 12 segments.

    Returns
    -------
    groups : ndarray of shape (n_customers,)
    points : ndarray of shape (n_groups, n_features)
        Mean of each group.
    totals : ndarray of shape (n_groups,)
        Customers in each group, or the sum of their weights.
    """
    tried = [_drawn_sums(X, weights, n_micro, rng) for _ in range(n_draws)]
    best = tried[0] if n_draws == 1 else min(tried, key=_cost_of_cuts)
    groups, sums = _assigned(X, weights, best.means)
    some = sums.weights > 0
    return np.cumsum(some)[groups] - 1, sums.means[some], sums.weights[some]


def _drawn_sums(X, weights, n_micro, rng):
    """Place micro-segments on a random draw; return their sums."""
    n_drawn = min(len(X), _DRAWN * n_micro)
    rows = np.sort(sample_without_replacement(len(X), n_drawn, random_state=rng))
    drawn, of_drawn = X[rows], None if weights is None else weights[rows]
    _, distinct, _ = distinct_customers(drawn)
    n_start = min(n_micro, len(distinct))
    start = sample_without_replacement(len(distinct), n_start, random_state=rng)
    centers = distinct[start]
    for _ in range(_STEPS):
        _, sums = _assigned(drawn, of_drawn, centers)
        sums = SegmentSums(*(part[sums.weights > 0] for part in sums))
        centers = sums.means
    return sums


def _cost_of_cuts(sums):
    """Sum of squares within, summed over some cuts of Ward's tree."""
    merges = grow_tree(sums.means, sums.weights, "ward")
    # Half a squared height is what a merge adds.
    costs = sums.within().sum() + np.cumsum(merges[:, 2] ** 2 / 2)
    fewest, most = _COMPARED
    return costs[-most : -fewest + 1].sum()


def _assigned(X, weights, centers):
    """Give customers to their nearest centres; return these and their sums."""
    parts = ArraySource(X, weights).map(_assigned_block, centers=centers)
    groups, sums = zip(*parts, strict=True)
    return np.concatenate(groups), reduce(add, sums)


def _assigned_block(X, weights, *, centers):
    nearest = roughly_nearest_of_block(X, centers)
    settings = {"n_segments": len(centers)}
    return nearest, SEGMENT_SUMS.of_block(X, nearest, weights, **settings)
