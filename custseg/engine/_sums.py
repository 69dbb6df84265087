"""Weight, mean and spread of groups of customers, from blocks that can be added."""

from functools import reduce
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from custseg.engine._blocks import in_order, row_blocks

_ROWS = 2**14


class SegmentSums(NamedTuple):
    """Weight, mean and sum of squares about the mean of each segment and column.

    Sums of squares are about the segment's own mean and stay so when blocks are
    added, so columns far from zero lose no digits.
    """

    weights: np.ndarray  # (n_segments,)
    means: np.ndarray  # (n_segments, n_features), zeros for a segment without weight
    squares: np.ndarray  # (n_segments, n_features)

    @classmethod
    def of_block(cls, X, codes, n_segments, weights=None):
        """Sum a block of customers with segments coded 0 to ``n_segments - 1``.

        Customers of code -1 are in none.
        """
        placed = codes >= 0
        weights = placed * 1.0 if weights is None else placed * weights
        codes = np.where(placed, codes, 0)
        # One entry a customer: the product visits each once, however many segments.
        shape = (len(codes), n_segments)
        members = csr_array((weights, codes, np.arange(len(codes) + 1)), shape).T
        totals = np.bincount(codes, weights, minlength=n_segments)
        some = np.where(totals > 0, totals, 1)[:, np.newaxis]
        means = members @ X / some
        residuals = X - means[codes]
        left_over = members @ residuals / some  # by rounding, in columns far from zero
        means += left_over
        residuals -= left_over[codes]
        return cls(totals, means, members @ np.square(residuals, out=residuals))

    def __add__(self, other):
        """Add the customers of two blocks (Chan, Golub and LeVeque, 1983)."""
        totals = self.weights + other.weights
        share = np.divide(
            other.weights, totals, out=np.zeros_like(totals), where=totals > 0
        )[:, np.newaxis]
        gap = other.means - self.means
        squares = self.squares + other.squares
        squares += gap**2 * share * self.weights[:, np.newaxis]
        return SegmentSums(totals, self.means + gap * share, squares)

    def within(self):
        """Sum of squares about the mean of each segment, over all columns."""
        return self.squares.sum(axis=1)

    def between(self):
        """Sum of squares of the segments' means about the mean of all customers."""
        center = np.average(self.means, axis=0, weights=self.weights)
        return float(self.weights @ np.square(self.means - center).sum(axis=1))


def segment_sums(X, codes, n_segments, weights=None):
    """Sum customers whose segments are coded 0 to ``n_segments - 1``.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    codes : ndarray of shape (n_customers,)
        Segment of each customer, -1 for none.
    n_segments : int
    weights : ndarray of shape (n_customers,), default=None

    Returns
    -------
    sums : SegmentSums
    """

    def of_block(block):
        of_customers = None if weights is None else weights[block]
        return SegmentSums.of_block(X[block], codes[block], n_segments, of_customers)

    return reduce(SegmentSums.__add__, in_order(of_block, row_blocks(len(X), _ROWS)))
