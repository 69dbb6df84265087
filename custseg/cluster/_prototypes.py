"""A few points that stand for each segment, so that any partition can predict."""

import numpy as np
from sklearn.cluster import KMeans

from custseg._sklearn import single_threaded
from custseg.cluster._micro import distinct_customers
from custseg.engine import nearest_point


def segment_prototypes(X, labels, weights=None, *, n_prototypes=10, min_customers=8):
    """Stand for each segment by the k-means centres within it.

    One centre a segment cuts the space by straight borders, which trees do not. A few
    centres follow a bent border, and as none stands for fewer than `min_customers`
    customers they do not chase single ones. Starts are seeded, so the same customers
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
    """
    weights = np.ones(len(X)) if weights is None else weights
    points = [
        _centers_within(X[inside], weights[inside], n_prototypes, min_customers)
        for inside in (labels == np.arange(labels.max() + 1)[:, np.newaxis])
    ]
    counts = [len(of_segment) for of_segment in points]
    return np.vstack(points), np.repeat(np.arange(len(points)), counts)


def _centers_within(customers, weights, n_prototypes, min_customers):
    """K-means centres of one segment, each with enough customers."""
    _, customers, weights = distinct_customers(customers, weights)
    n_centers = int(min(n_prototypes, len(customers), weights.sum() // min_customers))
    if n_centers <= 1:
        return np.average(customers, axis=0, weights=weights)[np.newaxis]
    with single_threaded():
        solver = KMeans(n_centers, n_init=1, random_state=0)
        solver.fit(customers, sample_weight=weights)
    centers = solver.cluster_centers_
    while True:
        nearest, _ = nearest_point(customers, centers)
        counts = np.bincount(nearest, weights, minlength=len(centers))
        if counts.min() >= min_customers or len(centers) == 1:
            return centers
        # The smallest gives way; moving the others would only make a new outlier's.
        centers = np.delete(centers, counts.argmin(), axis=0)
