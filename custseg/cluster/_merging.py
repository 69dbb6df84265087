"""Components merged into segments by the entropy of who belongs where."""

from functools import reduce
from typing import NamedTuple

import numpy as np

from custseg.engine import in_order, row_blocks

_NUMBERS = 2**17


class Merging(NamedTuple):
    """Components joined two by two until one is left.

    Attributes
    ----------
    entropies : ndarray of shape (n_components,)
        Entropy of the memberships with one segment, two, and so on.
    segments : ndarray of int, shape (n_components, n_components)
        Row k - 1: the segment of each component when there are k.
    """

    entropies: np.ndarray
    segments: np.ndarray


def merge_by_entropy(memberships_of, n_customers, n_components, weights=None):
    """Join at each step the two whose joining lowers the entropy most.

    Parameters
    ----------
    memberships_of : callable
        ``memberships_of(rows)`` gives the probabilities of components, ndarray of
        shape (n_rows, n_components).
    n_customers, n_components : int
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
    entropies = np.zeros(n_components)
    for n_segments in range(n_components, 1, -1):
        now = segments[n_segments - 1]
        of_each, of_pairs = _entropies(memberships_of, n_customers, now, weights)
        entropies[n_segments - 1] = of_each.sum()
        one, other = np.triu_indices(n_segments, 1)
        gained = of_each[one] + of_each[other] - of_pairs
        best = gained.argmax()
        merged = np.where(now == other[best], one[best], now)
        segments[n_segments - 2] = np.unique(merged, return_inverse=True)[1]
    segments[0] = 0
    return Merging(entropies, segments)


def _entropies(memberships_of, n_customers, segments, weights):
    """Entropy of each segment, and of each two as one."""
    n_segments = segments.max() + 1
    one, other = np.triu_indices(n_segments, 1)
    members = (segments == np.arange(n_segments)[:, np.newaxis]).astype(float)

    def of_block(rows):
        shares = members @ memberships_of(rows).T
        counts = np.ones(shares.shape[1]) if weights is None else weights[rows]
        pairs = shares[one] + shares[other]
        return np.concatenate([_x_log_x(shares) @ counts, _x_log_x(pairs) @ counts])

    n_rows = max(1, _NUMBERS // (len(one) + n_segments))
    blocks = row_blocks(n_customers, n_rows)
    sums = -reduce(np.add, in_order(of_block, blocks))
    return sums[:n_segments], sums[n_segments:]


def _x_log_x(x):
    return x * np.log(np.maximum(x, np.finfo(float).tiny))


def elbow(entropies):
    """Find the number of segments at which the entropy begins to rise faster.

    Two straight lines are fitted to the entropies by number of segments, one up to
    the elbow and one from it on; the elbow with the least squared error is taken.

    Parameters
    ----------
    entropies : ndarray of shape (n_components,)
        With one segment, two, and so on.

    Returns
    -------
    n_segments : int
        With fewer than four components, as many: two lines fit any three points.
    """
    n_components = len(entropies)
    if n_components < 4:
        return n_components
    numbers = np.arange(1, n_components + 1.0)
    errors = [
        _line_error(numbers[:at], entropies[:at])
        + _line_error(numbers[at - 1 :], entropies[at - 1 :])
        for at in range(2, n_components)
    ]
    # As good to rounding is as good: the fewest segments.
    least = min(errors) + 1e-9 * np.square(entropies).sum()
    return 2 + next(i for i, error in enumerate(errors) if error <= least)


def _line_error(x, y):
    x, y = x - x.mean(), y - y.mean()
    return float(y @ y - (x @ y) ** 2 / (x @ x))
