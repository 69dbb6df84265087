"""PageRank of a weighted graph, by powers of its matrix."""

import warnings

import numpy as np

from custseg.exceptions import SegmentWarning

__all__ = ["pagerank"]

_MOST_STEPS = 100_000
_ROUNDING = 1e-15  # changes below are those of floating-point numbers


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
        Largest sum of errors at which the powers stop.

    Returns
    -------
    rank : ndarray of shape (n,)
        Adds up to 1. A walker at a customer without relations goes to any.

    Warns
    -----
    SegmentWarning
        If the errors are still larger after 100,000 steps.

    Notes
    -----
    A step makes the sum of errors smaller by the damping at least, so that what is
    left is at most ``damping / (1 - damping)`` times the last change.
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
        left = change * damping / (1.0 - damping)
        if left <= tolerance or change <= _ROUNDING:
            return rank
    warnings.warn(
        f"PageRank did not settle in {_MOST_STEPS:,} steps with damping={damping}: "
        f"its errors add up to at most {left:.1g}. Take a lower damping.",
        SegmentWarning,
        stacklevel=4,
    )
    return rank
