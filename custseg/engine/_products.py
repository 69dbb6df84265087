"""Weight, mean and cross-products of groups of customers, from blocks that add up."""

from typing import NamedTuple

import numpy as np

from custseg.engine._source import ArraySource, Statistic
from custseg.engine._sums import shares_of

_NUMBERS = 2**18  # of a block: 2 MB, which a cache holds
_FEWEST_ROWS, _MOST_ROWS = 2**10, 2**14


class SegmentProducts(NamedTuple):
    """Weight, mean and cross-products about the mean of each segment.

    Cross-products are about the segment's own mean and stay so when blocks are added,
    so neither columns far from zero nor segments far apart lose digits.
    """

    weights: np.ndarray  # (n_segments,)
    means: np.ndarray  # (n_segments, n_features), zeros for a segment without weight
    products: np.ndarray  # (n_segments, n_features, n_features), or one: their sum

    def __add__(self, other):
        return add(self, other)


def of_block(X, members, weights=None, *, n_segments, pooled=False):
    """Sum a block of customers; parameters as those of `segment_products`."""
    if members.ndim == 2:
        if weights is not None:
            members = members * weights[:, np.newaxis]
        parts = ((X, np.ascontiguousarray(inside)) for inside in members.T)
    else:
        # Integers of 16 bits or fewer are sorted by radix.
        order = np.argsort(members, kind="stable")
        codes = members.astype(np.intp) + 1
        ends = np.bincount(codes, minlength=n_segments + 1).cumsum()
        X = np.take(X, order, axis=0)  # twice as fast as by brackets
        weights = None if weights is None else weights[order]
        slices = (slice(*ends[k : k + 2]) for k in range(n_segments))
        parts = (
            (X[rows], None if weights is None else weights[rows]) for rows in slices
        )
    totals, means, products = zip(
        *(_about_own_mean(*part) for part in parts), strict=True
    )
    products = np.sum(products, axis=0, keepdims=True) if pooled else np.array(products)
    return SegmentProducts(np.array(totals), np.array(means), products)


def add(one, other):
    """Add the customers of two blocks (Chan, Golub and LeVeque, 1983)."""
    totals, share = shares_of(one.weights, other.weights)
    gap = other.means - one.means
    root = gap * np.sqrt(share * one.weights[:, np.newaxis])
    products = one.products + other.products
    if len(products) == len(totals):
        products += root[:, :, np.newaxis] * root[:, np.newaxis, :]
    else:
        products += root.T @ root
    return SegmentProducts(totals, one.means + gap * share, products)


def zero(*, n_segments, pooled=False):
    """Sum nobody; of one column, which stands for any number of them when added."""
    products = np.zeros((1 if pooled else n_segments, 1, 1))
    return SegmentProducts(np.zeros(n_segments), np.zeros((n_segments, 1)), products)


SEGMENT_PRODUCTS = Statistic(of_block, add, zero)


def _about_own_mean(X, weights):
    """Weight, mean and cross-products about the mean of one group."""
    n_rows, n_features = X.shape
    if weights is None:
        weights, total, root = np.ones(n_rows), float(n_rows), None
    else:
        total, root = float(weights.sum()), np.sqrt(weights)[:, np.newaxis]
    if not total > 0:
        return 0.0, np.zeros(n_features), np.zeros((n_features, n_features))
    mean = weights @ X / total
    residuals = X - mean
    left_over = weights @ residuals / total  # by rounding, far from zero
    if root is not None:
        residuals *= root
    products = residuals.T @ residuals
    products -= total * np.outer(left_over, left_over)
    return total, mean + left_over, products


def segment_products(X, members, n_segments, weights=None, *, pooled=False):
    """Sum customers in memory by segment.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    members : ndarray of shape (n_customers,) or (n_customers, n_segments)
        Segment of each customer, coded from 0 and -1 for none; or how much of each
        customer counts in each segment.
    n_segments : int
    weights : ndarray of shape (n_customers,), default=None
    pooled : bool, default=False
        Whether to keep the cross-products of all segments, each about its own mean,
        as one sum.

    Returns
    -------
    products : SegmentProducts
        The same bits whatever the number of threads.
    """
    source = _source(X, members, weights)
    return source.total(SEGMENT_PRODUCTS, n_segments=n_segments, pooled=pooled)


def norms_of_block(X, members, weights=None, *, means, scale):
    """Sum a block of customers; parameters as those of `squared_norm_sums`."""
    by_weight = np.ones(len(X)) if weights is None else weights
    if members.ndim == 1:
        norms = _squared_norms(X - means[members], scale)
        return np.bincount(members, by_weight * norms**2, minlength=len(means))
    each = zip(members.T, means, strict=True)
    return np.array(
        [
            (by_weight * inside) @ _squared_norms(X - mean, scale) ** 2
            for inside, mean in each
        ]
    )


def _squared_norms(residuals, scale):
    residuals /= scale
    return np.einsum("ij,ij->i", residuals, residuals)


def _no_norms(*, means, scale):
    return np.zeros(len(means))


SQUARED_NORMS = Statistic(norms_of_block, zero=_no_norms)


def squared_norm_sums(X, members, means, scale, weights=None):
    """Sum the fourth powers of customers' distances to their segment's mean.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    members : ndarray of shape (n_customers,) or (n_customers, n_segments)
        As in `segment_products`, without -1.
    means : ndarray of shape (n_segments, n_features)
    scale : ndarray of shape (n_features,)
        What each column is divided by; infinite for one that does not count.
    weights : ndarray of shape (n_customers,), default=None

    Returns
    -------
    sums : ndarray of shape (n_segments,)
    """
    source = _source(X, members, weights)
    return source.total(SQUARED_NORMS, means=means, scale=scale)


def _source(X, members, weights):
    rows = _rows_of_block(X.shape[1])
    return ArraySource(X, members, weights, rows_per_block=rows)


def _rows_of_block(n_features):
    return int(np.clip(_NUMBERS // n_features, _FEWEST_ROWS, _MOST_ROWS))
