"""Silhouettes of one or many labelings, in memory that does not grow with n squared."""

from numbers import Integral

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.utils import check_array, check_random_state

from custseg.exceptions import DataQualityError, DegenerateFitError

_ROWS, _COLUMNS = 512, 4096  # one block of distances: 16 MB
_ROWS_AT_ONCE = 2**14  # customers whose sums by segment are held together
_METRICS = ("euclidean", "sqeuclidean", "manhattan", "cosine")


def _block_distances(rows, columns, metric):
    """Distances of a block of customers to another block."""
    if metric == "manhattan":
        return cdist(rows, columns, "cityblock")
    squared = rows @ columns.T
    if metric == "cosine":  # the rows have length one
        return np.maximum(1 - squared, 0, out=squared)
    squared *= -2
    squared += np.einsum("ij,ij->i", rows, rows)[:, np.newaxis]
    squared += np.einsum("ij,ij->i", columns, columns)
    np.maximum(squared, 0, out=squared)
    return squared if metric == "sqeuclidean" else np.sqrt(squared, out=squared)


def _summed_distances(X, rows, codes, offsets, n_cells, metric):
    """Sum of distances of the customers in `rows` to each segment of each labeling.

    One pass over the distances serves all labelings: the segments of all labelings
    stand side by side as the columns of one indicator matrix.
    """
    sums = np.zeros((len(rows), n_cells))
    for left in range(0, len(X), _COLUMNS):
        others = X[left : left + _COLUMNS]
        member = np.zeros((len(others), n_cells))
        for code, offset in zip(codes, offsets, strict=True):
            code = code[left : left + _COLUMNS]
            placed = np.flatnonzero(code >= 0)
            member[placed, offset + code[placed]] = 1
        for top in range(0, len(rows), _ROWS):
            block = rows[top : top + _ROWS]
            distances = _block_distances(X[block], others, metric)
            # A customer is at no distance from itself, whatever was rounded.
            own = np.flatnonzero((block >= left) & (block < left + len(others)))
            distances[own, block[own] - left] = 0
            sums[top : top + _ROWS] += distances @ member
    return sums


def _silhouettes(sums, code, counts):
    """Silhouettes from summed distances to each segment; NaN for label -1.

    Rousseeuw (1987): a customer alone in its segment has 0, and so has one that is at
    no distance from its own and from the nearest other segment.
    """
    result = np.full(len(code), np.nan)
    placed = np.flatnonzero(code >= 0)
    own = code[placed]
    at = (np.arange(len(placed)), own)
    sums = sums[placed]
    within = sums[at] / np.maximum(counts[own] - 1, 1)
    means = sums / counts
    means[at] = np.inf
    between = means.min(axis=1)
    larger = np.maximum(within, between)
    known = (counts[own] > 1) & (larger > 0)
    result[placed] = np.divide(
        between - within, larger, out=np.zeros(len(placed)), where=known
    )
    return result


def _encoded(labels, n_customers):
    """Labels as 0 to k-1 with -1 kept, and the counts of each."""
    labels = np.asarray(labels)
    if labels.shape != (n_customers,):
        raise ValueError(
            f"labels must have one label a customer, shape ({n_customers},). Got shape "
            f"{labels.shape} instead. Give the labels of the rows of X."
        )
    n_missing = int(pd.isna(labels).sum())
    if n_missing:
        raise DataQualityError(
            f"labels must not be missing. Got {n_missing} missing labels instead. Mark "
            "customers without a segment by -1."
        )
    code = np.full(n_customers, -1)
    placed = labels != -1
    segments, code[placed] = np.unique(labels[placed], return_inverse=True)
    n_placed = int(placed.sum())
    if not 2 <= len(segments) <= n_placed - 1:
        raise DegenerateFitError(
            "A silhouette must have two segments or more, and fewer than customers. "
            f"Got {len(segments)} segments of {n_placed} customers instead. Compare "
            "labelings with at least two segments."
        )
    return code, np.bincount(code[placed])


def _checked(X, metric):
    if metric not in _METRICS:
        raise ValueError(
            f"metric must be one of {', '.join(_METRICS)}. Got {metric!r} instead. "
            "Choose one of them, or transform the columns first."
        )
    X = check_array(X, dtype=np.float64)
    if metric == "cosine":
        # A customer of zeros has no direction and is at distance one from all others.
        lengths = np.linalg.norm(X, axis=1, keepdims=True)
        return np.divide(X, lengths, out=np.zeros_like(X), where=lengths > 0)
    # Distances do not depend on the origin, but the digits kept of them do.
    return X - X.mean(axis=0)


def _samples_of_labelings(X, labelings, rows, metric):
    """Silhouettes of the customers in `rows`, one array a labeling."""
    encoded = [_encoded(labels, len(X)) for labels in labelings]
    codes = [code for code, _ in encoded]
    edges = np.cumsum([0] + [len(counts) for _, counts in encoded])
    result = [np.empty(len(rows)) for _ in labelings]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        sums = _summed_distances(X, rows[part], codes, edges[:-1], edges[-1], metric)
        for i, (code, counts) in enumerate(encoded):
            of_labeling = sums[:, edges[i] : edges[i + 1]]
            result[i][part] = _silhouettes(of_labeling, code[rows[part]], counts)
    return result


def silhouette_samples(X, labels, *, metric="euclidean"):
    """Silhouette of each customer: how much nearer its own segment than the next.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        Numeric columns on comparable scales, without missing values.
    labels : array-like of shape (n_customers,)
        Segment of each customer; -1 means none, and such customers take no part.
    metric : {"euclidean", "sqeuclidean", "manhattan", "cosine"}, default="euclidean"
        Distance between customers.

    Returns
    -------
    silhouettes : ndarray of shape (n_customers,)
        Between -1 and 1; 0 for a customer alone in its segment, NaN for label -1.

    Raises
    ------
    DegenerateFitError
        If there are fewer than two segments, or as many as customers.
    DataQualityError
        If labels are missing.

    Notes
    -----
    Time grows with the square of the number of customers, memory with the number
    itself: distances are made in blocks of 16 MB and summed by segment.

    References
    ----------
    Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and
    validation of cluster analysis. Journal of Computational and Applied Mathematics
    20, 53-65. https://doi.org/10.1016/0377-0427(87)90125-7

    Examples
    --------
    >>> from custseg.selection import silhouette_samples
    >>> silhouette_samples([[0], [1], [10], [11], [30]], [0, 0, 1, 1, 2]).round(3)
    array([0.905, 0.895, 0.895, 0.905, 0.   ])
    """
    X = _checked(X, metric)
    return _samples_of_labelings(X, [labels], np.arange(len(X)), metric)[0]


def silhouette_score(
    X, labels, *, metric="euclidean", sample_size=None, random_state=None
):
    """Mean silhouette of one labeling.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        Numeric columns on comparable scales, without missing values.
    labels : array-like of shape (n_customers,)
        Segment of each customer; -1 means none, and such customers take no part.
    metric : {"euclidean", "sqeuclidean", "manhattan", "cosine"}, default="euclidean"
        Distance between customers.
    sample_size : int, default=None
        Average over so many customers drawn at random, each compared with **all**
        customers, which is unbiased; None averages over all.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.

    Returns
    -------
    score : float
        Between -1 and 1; larger means better separated.

    Raises
    ------
    DegenerateFitError
        If there are fewer than two segments, or as many as customers.
    DataQualityError
        If labels are missing.

    See Also
    --------
    silhouette_scores : Many labelings in one pass, with standard errors.

    Examples
    --------
    >>> from custseg.selection import silhouette_score
    >>> round(silhouette_score([[0], [1], [10], [11]], [0, 0, 1, 1]), 3)
    0.9
    """
    return float(
        silhouette_scores(
            X,
            [labels],
            metric=metric,
            sample_size=sample_size,
            random_state=random_state,
        )[0]
    )


def silhouette_scores(
    X,
    labelings,
    *,
    metric="euclidean",
    sample_size=None,
    random_state=None,
    return_std_error=False,
):
    """Mean silhouettes of many labelings in one pass over the distances.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        Numeric columns on comparable scales, without missing values.
    labelings : sequence of array-like of shape (n_customers,)
        Labels to compare; -1 means none, and such customers take no part.
    metric : {"euclidean", "sqeuclidean", "manhattan", "cosine"}, default="euclidean"
        Distance between customers.
    sample_size : int, default=None
        Average over so many customers drawn at random, the same ones for all
        labelings, each compared with **all** customers, which is unbiased; None, or
        a number not below that of customers, averages over all.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw.
    return_std_error : bool, default=False
        Whether to return the standard errors as well.

    Returns
    -------
    scores : ndarray of shape (n_labelings,)
    std_errors : ndarray of shape (n_labelings,)
        Only with `return_std_error`: under sampling without replacement, 0 when all
        customers were averaged over.

    Raises
    ------
    DegenerateFitError
        If a labeling has fewer than two segments, or as many as customers.

    Examples
    --------
    >>> from custseg.selection import silhouette_scores
    >>> X = [[0], [1], [10], [11], [30], [31]]
    >>> silhouette_scores(X, [[0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 2, 2]]).round(3)
    array([0.409, 0.916])
    """
    X = _checked(X, metric)
    if sample_size is not None and not (
        isinstance(sample_size, Integral) and sample_size >= 2
    ):
        raise ValueError(
            f"sample_size must be None or an integer from 2 up. Got {sample_size!r} "
            "instead. None averages over all customers."
        )
    if sample_size is None or sample_size >= len(X):
        rows = np.arange(len(X))
    else:
        rng = check_random_state(random_state)
        rows = np.sort(rng.choice(len(X), sample_size, replace=False))
    scores, std_errors = [], []
    for samples in _samples_of_labelings(X, labelings, rows, metric):
        known = samples[~np.isnan(samples)]
        scores.append(known.mean())
        unseen = 1 - len(rows) / len(X)
        variance = known.var(ddof=1) / len(known) * unseen if unseen else 0.0
        std_errors.append(np.sqrt(variance))
    scores = np.array(scores)
    return (scores, np.array(std_errors)) if return_std_error else scores
