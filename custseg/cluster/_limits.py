"""K-means whose segments have a least size or a least share of value."""

from typing import NamedTuple

import numpy as np

from custseg.cluster._segmenter import canonical_order
from custseg.cluster._starts import Run
from custseg.engine import nearest_point, segment_sums

_TRIES = 5  # centres moved elsewhere, times the number of segments
_STEPS = (1.0, 0.5, 0.25, 0.125)  # of the way to the mean
_LEAST_GAIN = 1e-5  # of the inertia, by one sweep
_ROUNDING = 1e-9


class Limits(NamedTuple):
    """What every segment must have at least."""

    amounts: np.ndarray  # (n_limits, n_customers), what a customer adds
    least: np.ndarray  # (n_limits,)

    def of_rows(self, rows):
        """Return the same limits, in proportion, for a draw of the customers."""
        amounts = self.amounts[:, rows]
        least = self.least * amounts.sum(axis=1) / self.amounts.sum(axis=1)
        # A draw may hold none of the value.
        return Limits(amounts, np.maximum(least, np.finfo(float).tiny))

    def sums(self, labels, n_segments):
        """Sum what each segment has, of shape (n_limits, n_segments)."""
        return np.array(
            [np.bincount(labels, amount, n_segments) for amount in self.amounts]
        )

    def filled(self, labels, n_segments):
        """Share of its limits that each segment has; 1 or more is enough."""
        sums = self.sums(labels, n_segments)
        return (sums / self.least[:, np.newaxis]).min(axis=0) + _ROUNDING


class _State(NamedTuple):
    """Centres in canonical order, and how customers are cut by them."""

    centers: np.ndarray
    labels: np.ndarray
    inertia: float
    filled: np.ndarray


def hold_limits(X, weights, limits, run, rng, max_iter):
    """Bring a run inside the limits, at the least inertia that is found.

    1. Where the run keeps the limits it is returned as it is.
    2. Until every segment keeps them, the centre of the one that is furthest from it
       is moved to a customer drawn from the one that is furthest inside.
    3. Lloyd's steps, each as far towards the means as the limits hold: all centres
       together first, then one after the other.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    weights : ndarray of shape (n_customers,) or None
    limits : Limits
    run : Run
    rng : RandomState
    max_iter : int
        Steps at most.

    Returns
    -------
    run : Run or None
        None where step 2 found nothing.
    nearest_miss : float
        Share of its limits that the least segment has where they came nearest to it.
    """

    def state(centers):
        return _state(X, weights, limits, centers)

    now = state(run.centers)
    if now.filled.min() >= 1:
        return run._replace(labels=now.labels, centers=now.centers), 1.0
    nearest_miss = now.filled.min()
    for _ in range(_TRIES * len(now.centers)):
        centers = now.centers.copy()
        spare = now.labels == now.filled.argmax()
        spare = np.flatnonzero(spare if weights is None else spare & (weights > 0))
        centers[now.filled.argmin()] = X[spare[rng.randint(len(spare))]]
        now = state(centers)
        nearest_miss = max(nearest_miss, now.filled.min())
        if now.filled.min() >= 1:
            break
    else:
        return None, float(nearest_miss)
    now, n_iter = _descend(X, weights, state, now, max_iter)
    return Run(now.inertia, now.centers, now.labels, n_iter), 1.0


def _state(X, weights, limits, centers):
    def assign(order):
        nonlocal squared
        labels, squared = nearest_point(X, centers[order])
        return labels

    squared = None
    # In canonical order, as predict will have it: customers as near to two centres go
    # with the order, and count for the limits.
    order, labels, _ = canonical_order(assign, centers, weights)
    inertia = squared.sum() if weights is None else squared @ weights
    filled = limits.filled(labels, len(centers))
    return _State(centers[order], labels, float(inertia), filled)


def _descend(X, weights, state, now, max_iter):
    """Take steps towards the means until they gain little; return the last state."""
    n_iter, before = 0, np.inf
    while n_iter < max_iter and before - now.inertia > _LEAST_GAIN * now.inertia:
        n_iter += 1
        before = now.inertia
        now = _stepped(X, weights, state, now, None) or now
        if before - now.inertia <= _LEAST_GAIN * before:
            # The segments that the limits hold back must not hold the others.
            for segment in range(len(now.centers)):
                now = _stepped(X, weights, state, now, segment) or now
    return now, n_iter


def _stepped(X, weights, state, now, segment):
    """Return the state after the longest step that keeps the limits, or None."""
    means = segment_sums(X, now.labels, len(now.centers), weights).means
    chosen = slice(None) if segment is None else slice(segment, segment + 1)
    for step in _STEPS:
        centers = now.centers.copy()
        centers[chosen] += step * (means[chosen] - centers[chosen])
        after = state(centers)
        if after.filled.min() >= 1 and after.inertia < now.inertia:
            return after
    return None
