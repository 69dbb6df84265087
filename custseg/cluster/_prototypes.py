"""A few points that stand for each segment, so that any partition can predict."""

import numpy as np
from scipy.spatial.distance import cdist

from custseg.cluster._micro import distinct_customers
from custseg.cluster._starts import lloyd
from custseg.engine import nearest_point, segment_sums

_STEPS = 20  # in which points are moved, the last by the least
_RATE = 0.3  # of the way that all who are nearest to a point would move it


def segment_prototypes(X, labels, weights=None, *, n_prototypes=10, min_customers=8):
    """Stand for each segment by a few points within it.

    One centre a segment cuts the space by straight borders, which trees do not. A few
    k-means centres follow a bent border, and as each is placed for `min_customers`
    customers at least they do not chase single ones. They are then moved a little for
    customers who are nearest to another segment's: the nearest of their own towards
    them and the other away (learning vector quantisation, Kohonen, 1990), as long as
    fewer are misplaced. Starts are seeded, so the same customers
    give the same prototypes, in any order and whether repeated or weighted.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    labels : ndarray of shape (n_customers,)
        Segments 0 to k-1, none of them empty.
    weights : ndarray of shape (n_customers,), default=None
        How many customers each row is; None for one.
    n_prototypes : int, default=10
        Prototypes of one segment at most.
    min_customers : int, default=8
        Customers that a prototype stands for at least; a segment with fewer than
        twice as many has one prototype, its mean.

    Returns
    -------
    points : ndarray of shape (n_points, n_features)
    segments : ndarray of shape (n_points,)
        The segment each point stands for, ascending.

    References
    ----------
    Kohonen, T. (1990). Improved versions of learning vector quantization. Proceedings
    of the International Joint Conference on Neural Networks, vol. 1, 545-550.
    https://doi.org/10.1109/IJCNN.1990.137622
    """
    weights = np.ones(len(X)) if weights is None else weights
    points = [
        _centers_within(X[inside], weights[inside], n_prototypes, min_customers)
        for inside in (labels == np.arange(labels.max() + 1)[:, np.newaxis])
    ]
    counts = [len(of_segment) for of_segment in points]
    segments = np.repeat(np.arange(len(points)), counts)
    return _moved(np.vstack(points), segments, X, labels, weights), segments


def _moved(points, segments, X, labels, weights):
    """Move points for misplaced customers; return the best places on the way."""
    if segments[-1] == 0:
        return points
    n_points, best, least = len(points), points, np.inf
    ours = segments[:, np.newaxis] == labels
    every = np.arange(len(X))
    for step in range(_STEPS + 1):
        squared = cdist(points, X, "sqeuclidean")
        own = np.where(ours, squared, np.inf).argmin(axis=0)
        other = np.where(ours, np.inf, squared).argmin(axis=0)
        misplaced = squared[own, every] >= squared[other, every]
        cost = weights[misplaced].sum()
        if cost < least:
            best, least = points, cost
        if cost == 0 or step == _STEPS:
            return best
        nearest = np.where(misplaced, other, own)
        totals = np.bincount(nearest, weights, minlength=n_points)
        customers, of_customers = X[misplaced], weights[misplaced]
        pull = segment_sums(customers, own[misplaced], n_points, of_customers)
        push = segment_sums(customers, other[misplaced], n_points, of_customers)
        toward = pull.weights[:, np.newaxis] * (pull.means - points)
        away = push.weights[:, np.newaxis] * (push.means - points)
        # A point that nobody is nearest to moves as if all it is pulled by were.
        totals = np.where(totals > 0, totals, pull.weights + push.weights)
        totals = np.where(totals > 0, totals, 1)[:, np.newaxis]
        points = points + _RATE * (1 - step / _STEPS) * (toward - away) / totals


def _centers_within(customers, weights, n_prototypes, min_customers):
    """K-means centres of one segment, each with enough customers."""
    _, customers, weights = distinct_customers(customers, weights)
    n_centers = int(min(n_prototypes, len(customers), weights.sum() // min_customers))
    if n_centers <= 1:
        return np.average(customers, axis=0, weights=weights)[np.newaxis]
    centers = lloyd(customers, weights, n_centers, seed=0).centers
    while True:
        nearest, _ = nearest_point(customers, centers)
        counts = np.bincount(nearest, weights, minlength=len(centers))
        if counts.min() >= min_customers or len(centers) == 1:
            return centers
        # The smallest gives way; moving the others would only make a new outlier's.
        centers = np.delete(centers, counts.argmin(), axis=0)
