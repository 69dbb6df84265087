"""Criteria of labelings from sums by segment: Calinski-Harabasz and Davies-Bouldin."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.utils import check_array

from custseg._sklearn import check_weights
from custseg.engine import ArraySource, Statistic, segment_sums
from custseg.selection._labelings import encoded

_CH, _DB = "calinski_harabasz", "davies_bouldin"


def calinski_harabasz_scores(X, labelings, *, sample_weight=None):
    """Calinski-Harabasz criterion of many labelings; larger is better.

    The variance between segments over that within, each by its degrees of freedom:
    ``B / (k - 1)`` over ``W / (n - k)``. It prefers round segments of like size.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        Numeric columns on comparable scales, without missing values.
    labelings : sequence of array-like of shape (n_customers,)
        Labels to compare; -1 means none, and such customers take no part.
    sample_weight : array-like of shape (n_customers,), default=None
        Number of customers each row stands for: a weight of 2 is the row given twice.

    Returns
    -------
    scores : ndarray of shape (n_labelings,)
        From 0 up; infinite where customers of every segment are all alike, NaN for a
        labeling with fewer than two segments, or as many as customers.

    Raises
    ------
    DataQualityError
        If labels are missing, a weight is negative, or weights are no whole numbers and
        sum to less than ten in a segment.

    References
    ----------
    Calinski, T. and Harabasz, J. (1974). A dendrite method for cluster analysis.
    Communications in Statistics 3(1), 1-27. https://doi.org/10.1080/03610927408827101

    Examples
    --------
    >>> from custseg.selection import calinski_harabasz_scores
    >>> X = [[0], [1], [10], [11], [30], [31]]
    >>> calinski_harabasz_scores(X, [[0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 2, 2]]).round(1)
    array([  5.3, 933.3])
    """
    return partition_criteria(X, labelings, sample_weight, names=(_CH,))[_CH]


def davies_bouldin_scores(X, labelings, *, sample_weight=None):
    """Davies-Bouldin criterion of many labelings; smaller is better.

    For each segment the worst case over the others of how much the two spread, by mean
    distances to their centres, against how far apart the centres are; the mean over
    segments.

    Parameters
    ----------
    X : array-like of shape (n_customers, n_features)
        Numeric columns on comparable scales, without missing values.
    labelings : sequence of array-like of shape (n_customers,)
        Labels to compare; -1 means none, and such customers take no part.
    sample_weight : array-like of shape (n_customers,), default=None
        Number of customers each row stands for: a weight of 2 is the row given twice.

    Returns
    -------
    scores : ndarray of shape (n_labelings,)
        From 0 up; infinite where two segments have one centre, NaN for a labeling with
        fewer than two segments, or as many as customers.

    Raises
    ------
    DataQualityError
        If labels are missing, a weight is negative, or weights are no whole numbers and
        sum to less than ten in a segment.

    References
    ----------
    Davies, D. L. and Bouldin, D. W. (1979). A cluster separation measure. IEEE
    Transactions on Pattern Analysis and Machine Intelligence 1(2), 224-227.
    https://doi.org/10.1109/TPAMI.1979.4766909

    Examples
    --------
    >>> from custseg.selection import davies_bouldin_scores
    >>> X = [[0], [1], [10], [11], [30], [31]]
    >>> davies_bouldin_scores(X, [[0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 2, 2]]).round(3)
    array([0.525, 0.083])
    """
    return partition_criteria(X, labelings, sample_weight, names=(_DB,))[_DB]


def partition_criteria(X, labelings, sample_weight=None, *, names=(_CH, _DB)):
    """Work out criteria of many labelings from the same sums.

    Returns
    -------
    criteria : dict of str to ndarray of shape (n_labelings,)
    """
    X = check_array(X, dtype=np.float64)
    weights = None if sample_weight is None else check_weights(sample_weight, X)
    codes, sums = {}, {}
    for i, labels in enumerate(labelings):
        labeling = encoded(labels, len(X), weights)
        if not labeling.problem():
            codes[i] = labeling.code
            sums[i] = segment_sums(X, labeling.code, len(labeling.totals), weights)
    scores = {name: np.full(len(labelings), np.nan) for name in names}
    if _CH in scores:
        scores[_CH][[*sums]] = [_calinski_harabasz(one) for one in sums.values()]
    if _DB in scores:
        for i, one in sums.items():
            source = ArraySource(X, codes[i], weights)
            spread = source.total(_SPREAD, means=one.means)
            scores[_DB][i] = _davies_bouldin(spread / one.weights, one.means)
    return scores


def _calinski_harabasz(sums):
    k, n = len(sums.weights), sums.weights.sum()
    within = sums.within().sum() / (n - k)
    between = sums.between() / (k - 1)
    return between / within if within > 0 else np.inf


def _davies_bouldin(spread, means):
    apart = cdist(means, means)
    np.fill_diagonal(apart, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = (spread[:, np.newaxis] + spread) / apart
    # Two segments of one point in one place overlap as much as any can.
    ratios[apart == 0] = np.inf
    return ratios.max(axis=1).mean()


def _spread_of_block(X, code, weights, *, means):
    """Sum the distances of the customers of each segment to its mean."""
    distances = np.linalg.norm(X - means[code], axis=1)
    distances *= (code >= 0) if weights is None else (code >= 0) * weights
    return np.bincount(np.maximum(code, 0), distances, minlength=len(means))


_SPREAD = Statistic(_spread_of_block)
