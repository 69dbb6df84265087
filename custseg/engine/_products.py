"""Weight, mean and cross-products of groups of customers, from blocks that add up."""

from functools import reduce
from typing import NamedTuple

import numpy as np

from custseg.engine._blocks import in_order, row_blocks

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

    @classmethod
    def of_block(cls, X, codes, n_segments, weights=None, *, pooled=False):
        """Sum a block of customers with segments coded 0 to ``n_segments - 1``.

        Customers of code -1 are in none. With `pooled` the cross-products of all
        segments, each about its own mean, are kept as one sum.
        """
        # Integers of 16 bits or fewer are sorted by radix.
        order = np.argsort(codes, kind="stable")
        ends = np.bincount(codes.astype(np.intp) + 1, minlength=n_segments + 1).cumsum()
        X = np.take(X, order, axis=0)  # twice as fast as by brackets
        weights = None if weights is None else weights[order]

        def rows_of(segment):
            rows = slice(ends[segment], ends[segment + 1])
            return X[rows], None if weights is None else weights[rows]

        return cls._of_parts(map(rows_of, range(n_segments)), X.shape[1], pooled)

    @classmethod
    def of_memberships(cls, X, memberships, *, pooled=False):
        """Sum a block of customers who are in each segment by a weight.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features)
        memberships : ndarray of shape (n_rows, n_segments)
        pooled : bool, default=False
        """
        parts = ((X, np.ascontiguousarray(weights)) for weights in memberships.T)
        return cls._of_parts(parts, X.shape[1], pooled)

    @classmethod
    def _of_parts(cls, parts, n_features, pooled):
        totals, means = [], []
        products = [np.zeros((n_features, n_features))] if pooled else []
        for X, weights in parts:
            total, mean, of_part = _about_own_mean(X, weights)
            totals.append(total)
            means.append(mean)
            if pooled:
                products[0] += of_part
            else:
                products.append(of_part)
        return cls(np.array(totals, dtype=float), np.array(means), np.array(products))

    def __add__(self, other):
        """Add the customers of two blocks (Chan, Golub and LeVeque, 1983)."""
        totals = self.weights + other.weights
        share = np.divide(
            other.weights, totals, out=np.zeros_like(totals), where=totals > 0
        )[:, np.newaxis]
        gap = other.means - self.means
        root = gap * np.sqrt(share * self.weights[:, np.newaxis])
        products = self.products + other.products
        if len(products) == len(totals):
            products += root[:, :, np.newaxis] * root[:, np.newaxis, :]
        else:
            products += root.T @ root
        return SegmentProducts(totals, self.means + gap * share, products)


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
    """Sum customers by segment, on a pool of threads.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    members : ndarray of shape (n_customers,) or (n_customers, n_segments)
        Segment of each customer, coded from 0 and -1 for none; or how much of each
        customer counts in each segment.
    n_segments : int
    weights : ndarray of shape (n_customers,), default=None
    pooled : bool, default=False
        Whether to keep the cross-products of all segments as one sum.

    Returns
    -------
    products : SegmentProducts
        The same bits whatever the number of threads.
    """

    def of_block(block):
        of_customers = None if weights is None else weights[block]
        if members.ndim == 1:
            return SegmentProducts.of_block(
                X[block], members[block], n_segments, of_customers, pooled=pooled
            )
        of_segments = members[block]
        if weights is not None:
            of_segments = of_segments * of_customers[:, np.newaxis]
        return SegmentProducts.of_memberships(X[block], of_segments, pooled=pooled)

    blocks = row_blocks(len(X), _rows_of_block(X.shape[1]))
    return reduce(SegmentProducts.__add__, in_order(of_block, blocks))


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
    n_segments = len(means)

    def of_block(block):
        rows = X[block]
        by_weight = np.ones(len(rows)) if weights is None else weights[block]
        if members.ndim == 1:
            codes = members[block]
            residuals = (rows - means[codes]) / scale
            norms = np.einsum("ij,ij->i", residuals, residuals)
            return np.bincount(codes, by_weight * norms**2, minlength=n_segments)
        sums = np.empty(n_segments)
        for segment, mean in enumerate(means):
            residuals = (rows - mean) / scale
            norms = np.einsum("ij,ij->i", residuals, residuals)
            sums[segment] = (by_weight * members[block, segment]) @ norms**2
        return sums

    blocks = row_blocks(len(X), _rows_of_block(X.shape[1]))
    return reduce(np.add, in_order(of_block, blocks))


def _rows_of_block(n_features):
    return int(np.clip(_NUMBERS // n_features, _FEWEST_ROWS, _MOST_ROWS))
