"""What all segmenters share: the order of segments and the checks on input."""

import warnings

import numpy as np
from sklearn.base import ClusterMixin

from custseg._sklearn import CallbackSupportMixin, check_weights, validate_data
from custseg.exceptions import DegenerateFitError, SegmentWarning


def canonical_order(assign, centers, sample_weight=None):
    """Order segments by size, largest first, exact ties by centre.

    Parameters
    ----------
    assign : callable
        ``assign(order)`` gives the labels of the training customers when the
        segments come in that order. Customers equally near two segments go to the
        one that comes first, so labels can change with the order.
    centers : ndarray of shape (n_segments, n_features)
    sample_weight : ndarray of shape (n_customers,) or None

    Returns
    -------
    order : ndarray of shape (n_segments,)
    labels : ndarray of shape (n_customers,)
    sizes : ndarray of shape (n_segments,)
    """
    n_segments = len(centers)
    order = np.arange(n_segments)
    # Each turn moves tied customers to larger segments only, so the sum of squared
    # sizes grows and the loop ends.
    while True:
        labels = assign(order)
        sizes = _sizes(labels, sample_weight, n_segments)
        rank = np.lexsort((*centers[order].T[::-1], -sizes))
        if np.array_equal(rank, np.arange(n_segments)):
            return order, labels, sizes
        order = order[rank]


def _sizes(labels, weights, n_segments):
    """Count the customers of each segment; those in none are left out."""
    if labels.min(initial=0) < 0:
        placed = labels >= 0
        labels = labels[placed]
        weights = None if weights is None else weights[placed]
    return np.bincount(labels, weights, minlength=n_segments)


def has_distinct_rows(X, n_rows):
    """Whether X has at least `n_rows` distinct rows; reads no further than it must."""
    stop = min(len(X), 4 * n_rows)
    while len(np.unique(X[:stop], axis=0)) < n_rows:
        if stop == len(X):
            return False
        stop = min(len(X), 4 * stop)
    return True


class SegmenterMixin(CallbackSupportMixin, ClusterMixin):
    """Input checks and the fitted attributes of the segmenter protocol."""

    def _check_customers(self, X, n_segments, sample_weight=None, *, min_customers=1):
        """Return the customers as float64 and their weights, or say what is wrong.

        Customers of weight zero stay in `X`; they only do not count as distinct.
        """
        X = validate_data(
            self, X, dtype=np.float64, order="C", ensure_min_samples=min_customers
        )
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, X)
        self._check_distinct(X, n_segments, sample_weight)
        return X, sample_weight

    def _check_distinct(self, X, n_segments, sample_weight):
        present = X if sample_weight is None else X[sample_weight > 0]
        if not has_distinct_rows(present, n_segments):
            n_distinct = len(np.unique(present, axis=0))
            raise DegenerateFitError(
                f"{n_segments} segments must have at least as many distinct customers. "
                f"Got n_samples={len(present)} customers of which {n_distinct} are "
                "distinct instead. Ask for fewer segments or give more columns."
            )

    def _set_segments(self, labels, sizes, centers):
        empty = np.flatnonzero(np.asarray(sizes) == 0)
        if len(empty):
            warnings.warn(
                "Each segment must have customers to be of use. Got none for segment "
                f"{', '.join(map(str, empty))} of {len(sizes)} instead. Ask for fewer "
                "segments.",
                SegmentWarning,
                stacklevel=4,
            )
        self.labels_ = labels
        self.n_segments_ = len(sizes)
        self.segment_sizes_ = sizes
        self.segment_centers_ = centers
