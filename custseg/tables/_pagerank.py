"""PageRank of a weighted graph, by powers of its matrix."""

import numpy as np

__all__ = ["pagerank"]

_MOST_STEPS = 1_000


def pagerank(source, target, weight, n, *, damping, tolerance=1e-12):
    """Share of time that a walker spends at each customer.

    Parameters
    ----------
    source, target : ndarray of shape (n_pairs,), int
        Places of customers.
    weight : ndarray of shape (n_pairs,)
        How much of a customer's attention goes there, above zero.
    n : int
        Customers.
    damping : float
        Probability that the walker follows a relation, else goes to any customer.
    tolerance : float
        Sum of changes at which the powers stop.

    Returns
    -------
    rank : ndarray of shape (n,)
        Adds up to 1. A walker at a customer without relations goes to any.
    """
    from scipy import sparse

    out = np.bincount(source, weights=weight, minlength=n)
    share = weight / out[source]
    matrix = sparse.csr_array((share, (target, source)), shape=(n, n))
    ends = out == 0
    rank = np.full(n, 1.0 / n)
    for _ in range(_MOST_STEPS):
        spread = (damping * rank[ends].sum() + 1.0 - damping) / n
        new = damping * (matrix @ rank) + spread
        new /= new.sum()
        change = np.abs(new - rank).sum()
        rank = new
        if change <= tolerance:
            break
    return rank
