"""Draws of customers that give each stratum its share."""

import numpy as np

_LEAST_DRAWN = 10  # of a stratum, so that its variance can be told


def proportional_sizes(counts, sample_size, least=1):
    """Split a draw by the sizes of strata, at least so many of each.

    Parameters
    ----------
    counts : ndarray of shape (n_strata,)
        Customers in each stratum, `least` or more.
    sample_size : int
        From ``least * n_strata`` to the number of customers.
    least : int, default=1

    Returns
    -------
    sizes : ndarray of shape (n_strata,)
        Sum to `sample_size`; none is above its count.
    """
    quotas = sample_size * (counts / counts.sum())
    sizes = np.maximum(np.floor(quotas), least)
    while sizes.sum() < sample_size:
        sizes[np.argmax(quotas - sizes)] += 1
    while sizes.sum() > sample_size:
        sizes[np.argmax(np.where(sizes > least, sizes - quotas, -np.inf))] -= 1
    return sizes.astype(int)


def strata_of_runs(run_starts, n_customers, sample_size):
    """Join runs of alike customers until each stratum is large enough to draw from.

    Parameters
    ----------
    run_starts : ndarray of shape (n_runs,)
        Where runs of alike customers begin in their order, the first at 0.
    n_customers : int
    sample_size : int

    Returns
    -------
    edges : ndarray of shape (n_strata + 1,)
        Where strata begin, and the number of customers.
    """
    smallest = min(n_customers, -(-_LEAST_DRAWN * n_customers // sample_size))
    edges = [0]
    for start in run_starts[1:]:
        if start - edges[-1] >= smallest and n_customers - start >= smallest:
            edges.append(int(start))
    return np.array([*edges, n_customers])


def draw_from_strata(edges, sample_size, rng):
    """Draw positions from each stratum without replacement.

    Parameters
    ----------
    edges : ndarray of shape (n_strata + 1,)
    sample_size : int
    rng : RandomState

    Returns
    -------
    positions : ndarray of shape (sample_size,), ascending
    strata : ndarray of shape (sample_size,)
        Stratum of each.
    """
    counts = np.diff(edges)
    sizes = proportional_sizes(counts, sample_size)
    drawn = [
        start + np.sort(rng.choice(count, size, replace=False))
        for start, count, size in zip(edges, counts, sizes, strict=False)
    ]
    return np.concatenate(drawn), np.repeat(np.arange(len(sizes)), sizes)


def stratified_mean(values, weights, strata, counts):
    """Weighted mean of all customers from a stratified draw, and its standard error.

    A ratio of two stratified totals; where all weights are one the denominator is
    known and the mean unbiased (Cochran, 1977, Sampling Techniques, 5.3 and 6.11). The
    standard error is under sampling without replacement.

    Parameters
    ----------
    values, weights : ndarray of shape (n_drawn,)
    strata : ndarray of shape (n_drawn,)
    counts : ndarray of shape (n_strata,)
        Customers in each stratum.

    Returns
    -------
    mean : float
    std_error : float
    """
    drawn = np.bincount(strata, minlength=len(counts))
    raised = weights * (counts / drawn)[strata]
    mean = raised @ values / raised.sum()
    residuals = weights * (values - mean)
    centers = np.bincount(strata, residuals) / drawn
    squares = np.bincount(strata, (residuals - centers[strata]) ** 2)
    variances = squares / np.maximum(drawn - 1, 1)
    total = np.sum(counts * (counts - drawn) * variances / drawn)
    return float(mean), float(np.sqrt(total) / raised.sum())
