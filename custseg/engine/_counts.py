"""How often each value occurs: exact ranks and quantiles, from blocks that add up."""

from typing import NamedTuple

import numpy as np

from custseg.engine._source import Statistic


class ValueCounts(NamedTuple):
    """Weight of the customers of each segment at each value of a column.

    An entry is a value and a segment; where values are many, both may come again in
    the next entry. Counts grow with the number of distinct values; `QuantileSketch`
    does not.
    """

    values: np.ndarray  # (n_entries,), ascending
    codes: np.ndarray  # (n_entries,), segment
    weights: np.ndarray  # (n_entries,)
    missing: np.ndarray  # (n_segments,), weight of customers whose value is NaN

    def ranks(self, x=None):
        """Share of all customers below given values, and half of those at them.

        Of each entry where no values are given.
        """
        if x is None:
            place = np.cumsum(_is_new(self.values)) - 1
            held = np.bincount(place, self.weights)
            return ((np.cumsum(held) - held / 2) / held.sum())[place]
        ends = np.concatenate([[0.0], np.cumsum(self.weights)])
        below = ends[np.searchsorted(self.values, x, side="left")]
        up_to = ends[np.searchsorted(self.values, x, side="right")]
        return (below + up_to) / 2 / ends[-1]

    def quantiles(self, shares):
        """Values with given shares of all customers at or below them.

        Where a share falls between two values it is their mean, so that the quantile
        of a half is the median. NaN where there are no customers.
        """
        shares = np.asarray(shares, dtype=float)
        if not len(self.values):
            return np.full(shares.shape, np.nan)
        ends = np.cumsum(self.weights)
        wanted, last = shares * ends[-1], len(ends) - 1
        # Sums of weights are compared with room for their rounding.
        room = 1e-12 * ends[-1]
        low = np.searchsorted(ends, wanted - room, side="left")
        high = np.searchsorted(ends, wanted + room, side="right")
        low, high = np.minimum(low, last), np.minimum(high, last)
        return (self.values[low] + self.values[high]) / 2


def of_block(values, codes=None, weights=None, *, n_segments=1):
    """Count the values of a block of customers.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        NaN where missing.
    codes : ndarray of shape (n_rows,), default=None
        Segment of each customer, from 0.
    weights : ndarray of shape (n_rows,), default=None
    n_segments : int, default=1
    """
    codes = np.zeros(len(values), dtype=np.intp) if codes is None else codes
    weights = np.ones(len(values)) if weights is None else weights
    absent = np.isnan(values)
    missing = np.bincount(codes[absent], weights[absent], minlength=n_segments)
    if absent.any():
        values, codes, weights = (part[~absent] for part in (values, codes, weights))
    return _in_order(values, codes, weights, missing)


def add(one, other):
    """Add the customers of two blocks."""
    parts = (np.concatenate(pair) for pair in zip(one[:3], other[:3], strict=True))
    return _in_order(*parts, one.missing + other.missing)


def zero(*, n_segments=1):
    """Count nobody."""
    empty = np.empty(0)
    return ValueCounts(empty, np.empty(0, np.intp), empty, np.zeros(n_segments))


VALUE_COUNTS = Statistic(of_block, add, zero)


def _in_order(values, codes, weights, missing):
    """Sort customers by value, and join those of one value and segment.

    Where there are nearly as many values as customers, little would be joined.
    """
    order = np.argsort(values)
    values, codes, weights = values[order], codes[order], weights[order]
    is_new = _is_new(values)
    n_segments = len(missing)
    n_cells = np.count_nonzero(is_new) * n_segments
    if n_cells < len(values):
        cells = (np.cumsum(is_new) - 1) * n_segments + codes
        joined = np.bincount(cells, weights, minlength=n_cells)
        kept = np.flatnonzero(np.bincount(cells, minlength=n_cells))
        place, codes = np.divmod(kept, n_segments)
        values, weights = values[is_new][place], joined[kept]
    elif not is_new.all():
        # Ties by segment: sorting leaves them in an order that NumPy's version decides.
        order = np.lexsort((codes, values))
        values, codes, weights = values[order], codes[order], weights[order]
    return ValueCounts(values, codes, weights, missing)


def _is_new(values):
    """Whether a value differs from the one before it."""
    is_new = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=is_new[1:])
    return is_new
