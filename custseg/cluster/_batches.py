"""K-means on customers that come in batches: a draw of them, and steps on all."""

import numpy as np
from sklearn.utils import check_array

from custseg._sklearn import check_weights
from custseg.cluster._starts import Run
from custseg.engine import NEAREST_SUMS, Source


class BatchedCustomers(Source):
    """Customers and weights of a source's blocks, as float64.

    Parameters
    ----------
    source : Source
        Of customers, ndarray of shape (n_rows, n_features), or of these and weights.

    Attributes
    ----------
    weights : ndarray of shape (n_customers,) or None
        Of all, once `draw` has gone over them.
    """

    def __init__(self, source):
        self.source, self.weights = source, None

    def blocks(self):
        """Yield customers and weights, or None, per block."""
        for X, *rest in self.source.blocks():
            weights = rest[0] if rest else None
            X = check_array(X, dtype=np.float64, order="C")
            yield X, None if weights is None else np.asarray(weights, dtype=np.float64)

    def draw(self, size, rng):
        """Draw customers of positive weight at random, in one pass; keep all weights.

        Each gets a random number, and those with the smallest are kept.

        Parameters
        ----------
        size : int or None
            None for everyone.
        rng : RandomState

        Returns
        -------
        X : ndarray of shape (n_drawn, n_features)
            In the order in which they came.
        weights : ndarray of shape (n_drawn,) or None
        is_all : bool
            Whether that is everyone, those without weight included.
        """
        kept, n_rows, every = None, 0, []
        for X, weights in self.blocks():
            numbers = rng.uniform(size=len(X))
            if weights is not None:
                numbers[weights == 0] = 2  # after all others
            part = (n_rows + np.arange(len(X)), numbers, X, weights)
            n_rows += len(X)
            every.append(weights)
            kept = part if kept is None else tuple(map(_both, kept, part))
            if size is not None and len(kept[0]) > size:
                least = np.argpartition(kept[1], size)[:size]
                kept = tuple(None if one is None else one[least] for one in kept)
        if kept is None:
            return np.empty((0, 1)), None, True
        if weights is not None:
            weights = np.concatenate(every)
            self.weights = check_weights(weights, weights[:, np.newaxis])
        order = np.argsort(kept[0])
        if len(order) < n_rows:
            order = order[kept[1][order] < 2]
        _, _, X, weights = (None if one is None else one[order] for one in kept)
        return X, weights, len(order) == n_rows


def _both(one, other):
    return None if one is None or other is None else np.concatenate([one, other])


def lloyd_over(source, centers, *, max_iter, tol):
    """Take Lloyd's steps on all customers of a source.

    Parameters
    ----------
    source : Source
        Of customers and weights.
    centers : ndarray of shape (n_segments, n_features)
    max_iter : int
    tol : float
        Of the mean variance of the columns: ends where the centres moved less.

    Returns
    -------
    run : Run
        Without labels, the largest segment first; the inertia is that before the
        last step.
    """
    moved, least, n_iter = np.inf, 0.0, 0
    while moved > least and n_iter < max_iter:
        n_iter += 1
        # 1. Each customer goes to the nearest centre.
        sums, inertia = source.total(NEAREST_SUMS, points=centers)
        # 2. Each centre goes to the mean of its customers, if it has any.
        some = sums.weights[:, np.newaxis] > 0
        means = np.where(some, sums.means, centers)
        moved = np.square(means - centers).sum()
        centers = means
        variance = (sums.squares.sum() + sums.between()) / sums.weights.sum()
        least = tol * variance / centers.shape[1]
    order = np.argsort(-sums.weights, kind="stable")
    return Run(inertia, centers[order], None, n_iter)
