"""Training customers whose segments are known, as codes from zero."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets

from custseg._sklearn import check_weights, validate_data
from custseg.assignment._discriminant_checks import check_segments

_SMALL = np.int16  # is sorted by radix


class Taught(NamedTuple):
    """Customers who teach: of a segment, and of a weight above zero."""

    segments: np.ndarray  # (n_segments,), sorted
    X: np.ndarray  # (n_taught, n_features)
    codes: np.ndarray  # (n_taught,)
    weights: np.ndarray | None  # (n_taught,)
    counted: np.ndarray  # (n_customers,), bool: who of all customers they are
    n_unassigned: int  # of label -1


def taught_customers(estimator, X, y, sample_weight):
    """Check what was given to `fit`, and leave out customers of no segment or weight.

    Parameters
    ----------
    estimator : estimator
        Learns the names of the columns.
    X : array-like of shape (n_customers, n_features)
    y : array-like of shape (n_customers,)
    sample_weight : array-like of shape (n_customers,) or None

    Returns
    -------
    taught : Taught
    """
    X, y = validate_data(estimator, X, y, dtype=np.float64)
    weights = None if sample_weight is None else check_weights(sample_weight, X)
    counted = np.full(len(X), True) if weights is None else weights > 0
    segments, codes = encode_segments(y[counted])
    check_segments(segments)
    assigned = codes >= 0
    counted[counted] = assigned
    if not counted.all():
        X, codes = X[counted], codes[assigned]
        weights = None if weights is None else weights[counted]
    n_unassigned = int(np.count_nonzero(~assigned))
    return Taught(segments, X, codes, weights, counted, n_unassigned)


def encode_segments(y):
    """Sorted segments, and each customer's place among them, -1 for none.

    The label -1 is none of the segments, beside two or more others. With one other it
    is a class, as in scikit-learn.

    Parameters
    ----------
    y : ndarray of shape (n_customers,)

    Returns
    -------
    segments : ndarray of shape (n_segments,)
    codes : ndarray of shape (n_customers,)
    """
    segments, codes = _unique(y)
    if len(segments) > np.iinfo(_SMALL).max:
        codes = codes.astype(np.intp)
    if len(segments) > 2 and segments.dtype.kind in "iuf" and (segments == -1).any():
        place = int(np.flatnonzero(segments == -1)[0])
        segments = np.delete(segments, place)
        codes = np.where(codes == place, -1, codes - (codes > place)).astype(
            codes.dtype
        )
    return segments, codes


def _unique(y):
    """Find unique labels, without a sort of all customers where that can be."""
    if y.dtype.kind in "iu":
        lowest, highest = int(y.min()), int(y.max())
        if highest - lowest < np.iinfo(_SMALL).max and highest < 2**63:
            shifted = y.astype(np.int64, copy=False) - lowest
            found = np.flatnonzero(np.bincount(shifted))
            place = np.zeros(highest - lowest + 1, dtype=_SMALL)
            place[found] = np.arange(len(found))
            return (found + lowest).astype(y.dtype), place[shifted]
    check_classification_targets(y)
    if y.dtype.kind in "OU":
        codes, found = pd.factorize(y, use_na_sentinel=False)
        found = np.asarray(found, dtype=y.dtype)
        segments, place = np.unique(found, return_inverse=True)
        codes = place[codes]
    else:
        segments, codes = np.unique(y, return_inverse=True)
    small = len(segments) <= np.iinfo(_SMALL).max
    return segments, codes.astype(_SMALL if small else np.intp)
