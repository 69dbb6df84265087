"""Weight, mean and spread of groups of customers, from blocks that can be added."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from custseg.engine._source import ArraySource, Statistic


class SegmentSums(NamedTuple):
    """Weight, mean and sum of squares about the mean of each segment and column.

    Sums of squares are about the segment's own mean and stay so when blocks are
    added, so columns far from zero lose no digits.
    """

    weights: np.ndarray  # (n_segments,)
    means: np.ndarray  # (n_segments, n_features), zeros for a segment without weight
    squares: np.ndarray  # (n_segments, n_features)

    def __add__(self, other):
        return add(self, other)

    def within(self):
        """Sum of squares about the mean of each segment, over all columns."""
        return self.squares.sum(axis=1)

    def between(self):
        """Sum of squares of the segments' means about the mean of all customers."""
        center = np.average(self.means, axis=0, weights=self.weights)
        return float(self.weights @ np.square(self.means - center).sum(axis=1))


def of_block(X, codes, weights=None, *, n_segments):
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
    return SegmentSums(totals, means, members @ np.square(residuals, out=residuals))


def add(one, other):
    """Add the customers of two blocks (Chan, Golub and LeVeque, 1983)."""
    totals, share = shares_of(one.weights, other.weights)
    gap = other.means - one.means
    squares = one.squares + other.squares
    squares += gap**2 * share * one.weights[:, np.newaxis]
    return SegmentSums(totals, one.means + gap * share, squares)


def zero(*, n_segments):
    """Sum nobody; of one column, which stands for any number of them when added."""
    return SegmentSums(np.zeros(n_segments), *np.zeros((2, n_segments, 1)))


SEGMENT_SUMS = Statistic(of_block, add, zero)


def shares_of(weights, other_weights):
    """Total weights, and as a column the share of the second, zero where none is."""
    totals = weights + other_weights
    share = np.divide(
        other_weights, totals, out=np.zeros_like(totals), where=totals > 0
    )
    return totals, share[:, np.newaxis]


def segment_sums(X, codes, n_segments, weights=None):
    """Sum customers in memory whose segments are coded 0 to ``n_segments - 1``.

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
    source = ArraySource(X, codes, weights)
    return source.total(SEGMENT_SUMS, n_segments=n_segments)
