"""Give new labels the numbers of the old ones that they stand for."""

import numpy as np
from scipy.optimize import linear_sum_assignment

from custseg._sklearn import check_weights
from custseg.cluster._partitions import crossed

_LIMIT = 2**62  # so that the next numbers are integers of 64 bits as well


def match_labels(old, new, *, sample_weight=None):
    """Renumber new labels as the old ones that they overlap most.

    Two segmentations of the same customers may differ in numbers alone. The new
    segments get the numbers of old ones, each at most once, so that as many customers
    as possible keep their number.

    Parameters
    ----------
    old, new : array-like of shape (n_customers,)
        Segments of the same customers in the same order, as any integers; -1 is no
        segment.
    sample_weight : array-like of shape (n_customers,), default=None
        Weight of each customer, zero or more.

    Returns
    -------
    labels : ndarray of shape (n_customers,)
        The partition of `new`, renumbered. A segment that shares no customer with an
        old one left for it gets the next integer above all old ones, the largest such
        segment first. -1 stays -1.

    Raises
    ------
    ValueError
        If the labels are not two equally long lists of integers below 2**62 in size.
    DataQualityError
        If a weight is negative or all are zero.

    See Also
    --------
    custseg.assignment.match_segments : Says what became of each segment as well.

    Notes
    -----
    Customers with -1 in either are left out of the matching, which is the linear
    assignment of the largest total overlap (Kuhn, 1955). Every new segment gets an old
    number as long as there is one that it overlaps, however little: ask
    `match_segments` whether it is the same segment.

    References
    ----------
    Kuhn, H. W. (1955). The Hungarian method for the assignment problem. Naval Research
    Logistics Quarterly 2, 83-97. https://doi.org/10.1002/nav.3800020109

    Examples
    --------
    >>> from custseg.cluster import match_labels
    >>> match_labels([0, 0, 0, 1, 1, 2], [2, 2, 1, 0, 0, 3])
    array([0, 0, 3, 1, 1, 2])
    """
    old, new = _checked("old", old), _checked("new", new)
    if len(old) != len(new):
        raise ValueError(
            "old and new must be labels of the same customers. Got "
            f"{len(old)} and {len(new)} labels instead. Predict both on one table."
        )
    weights = np.ones(len(new))
    if sample_weight is not None:
        weights = check_weights(sample_weight, new)
    old_ids, old_codes = coded(old)
    new_ids, new_codes = coded(new)
    table = crossed(old_codes, new_codes, (len(old_ids), len(new_ids)), weights)
    numbers = old_ids.max(initial=-1) + 1 + np.zeros(len(new_ids), dtype=int)
    matched = np.zeros(len(new_ids), dtype=bool)
    for row, column in zip(*linear_sum_assignment(table, maximize=True), strict=True):
        matched[column] = table[row, column] > 0
        numbers[column] = old_ids[row] if matched[column] else numbers[column]
    placed = new_codes >= 0
    sizes = np.bincount(new_codes[placed], weights[placed], minlength=len(new_ids))
    unmatched = np.flatnonzero(~matched)
    largest_first = unmatched[np.argsort(-sizes[unmatched], kind="stable")]
    numbers[largest_first] += np.arange(len(unmatched))
    return ids_of(new_codes, numbers)


def coded(labels):
    """Return the segments among labels, ascending, and labels as positions in them.

    -1 is no segment, and stays.
    """
    ids, codes = np.unique(labels, return_inverse=True)
    none = ids == -1
    position = np.cumsum(~none) - 1
    return ids[~none], np.where(none, -1, position)[codes]


def ids_of(codes, ids):
    """Return the id at each position; -1 stays."""
    return np.append(ids, -1)[codes]


def _checked(name, labels):
    labels = np.asarray(labels)
    if labels.ndim != 1 or (labels.size and labels.dtype.kind not in "iu"):
        raise ValueError(
            f"{name} must be integers, one a customer. Got an array of shape "
            f"{labels.shape} and type {labels.dtype} instead. Give what a segmenter's "
            "predict returns."
        )
    n_beyond = np.count_nonzero((labels >= _LIMIT) | (labels <= -_LIMIT))
    if n_beyond:
        raise ValueError(
            f"{name} must be numbers below 2**62, of either sign. Got {n_beyond} "
            "larger ones instead. Number the segments from 0."
        )
    return labels.astype(np.int64)
