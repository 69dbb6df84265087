"""Components merged into segments by the entropy of who belongs where."""

from typing import NamedTuple

import numpy as np

from custseg.engine import ArraySource, Statistic

_NUMBERS = 2**17
_TINY = np.finfo(float).tiny
# Entropy lost, by customer of either, when two normal groups of one size and variance
# are joined of which one customer in ten lies nearer to the mean of the other.
_ONE_IN_TEN = 0.4790


class Merging(NamedTuple):
    """Components joined two by two until one is left.

    Attributes
    ----------
    entropies : ndarray of shape (n_components,)
        Entropy of the memberships with one segment, two, and so on.
    overlaps : ndarray of shape (n_components - 1,)
        How hard the two were to tell apart that were joined to one segment, two, and
        so on: the entropy lost, by customer of the smaller.
    segments : ndarray of int, shape (n_components, n_components)
        Row k - 1: the segment of each component when there are k.
    """

    entropies: np.ndarray
    overlaps: np.ndarray
    segments: np.ndarray

    @property
    def n_distinct(self):
        """Number of segments when none that overlap much are left."""
        n_segments = len(self.entropies)
        while n_segments > 1 and self.overlaps[n_segments - 2] > _ONE_IN_TEN:
            n_segments -= 1
        return n_segments


def merge_by_entropy(memberships_of, columns, n_components, weights=None):
    """Join at each step the two that are hardest to tell apart.

    Joining two lowers the entropy of who belongs where (Baudry and others, 2010). By
    how much is divided by the customers of the smaller of the two, or large components
    would be joined for a few customers on their border.

    Parameters
    ----------
    memberships_of : callable
        ``memberships_of(*columns)`` gives the probabilities of components for a block
        of customers, ndarray of shape (n_components, n_rows).
    columns : tuple of ndarray of shape (any, n_customers)
    n_components : int
    weights : ndarray of shape (n_customers,), default=None

    Returns
    -------
    merging : Merging

    References
    ----------
    Baudry, J.-P., Raftery, A. E., Celeux, G., Lo, K. and Gottardo, R. (2010). Combining
    mixture components for clustering. Journal of Computational and Graphical
    Statistics 19(2), 332-353. https://doi.org/10.1198/jcgs.2010.08111
    """
    segments = np.empty((n_components, n_components), dtype=np.intp)
    segments[-1] = np.arange(n_components)
    entropies, overlaps = np.zeros(n_components), np.zeros(n_components - 1)
    for n_segments in range(n_components, 1, -1):
        now = segments[n_segments - 1]
        one, other = np.triu_indices(n_segments, 1)
        rows = max(1, _NUMBERS // (len(one) + n_segments))
        source = ArraySource(weights, *columns, rows_per_block=rows, axis=-1)
        settings = {"memberships_of": memberships_of, "segments": now}
        sums = -source.total(_ENTROPIES, **settings)
        sizes, of_each, of_pairs = np.split(sums, [n_segments, 2 * n_segments])
        entropies[n_segments - 1] = of_each.sum()
        smaller = np.maximum(np.minimum(sizes[one], sizes[other]), _TINY)
        lost = (of_each[one] + of_each[other] - of_pairs) / smaller
        best = lost.argmax()
        overlaps[n_segments - 2] = lost[best]
        merged = np.where(now == other[best], one[best], now)
        segments[n_segments - 2] = np.unique(merged, return_inverse=True)[1]
    segments[0] = 0
    return Merging(entropies, overlaps, segments)


def _entropies_of_block(weights, *columns, memberships_of, segments):
    """Minus sizes of segments, the entropy of each, and of each two as one."""
    n_segments = segments.max() + 1
    one, other = np.triu_indices(n_segments, 1)
    members = (segments == np.arange(n_segments)[:, np.newaxis]).astype(float)
    shares = members @ memberships_of(*columns)
    counts = np.ones(shares.shape[1]) if weights is None else weights
    parts = [-shares, _x_log_x(shares), _x_log_x(shares[one] + shares[other])]
    return np.concatenate([part @ counts for part in parts])


def _x_log_x(x):
    return x * np.log(np.maximum(x, _TINY))


_ENTROPIES = Statistic(_entropies_of_block)
