"""Customers that an assigner is taught by: their segments as codes, and checks."""

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets

from custseg._sklearn import check_weights, validate_data
from custseg.exceptions import DataQualityError, DegenerateFitError, SegmentWarning

_CALLER = 7  # frames from a warning to the caller of `fit`
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


# -- checks ----------------------------------------------------------------------------


def check_segments(segments):
    """Refuse one segment alone."""
    if len(segments) < 2:
        raise DegenerateFitError(
            "There must be two segments or more to tell apart. Got 1 class instead. "
            "Ask the segmenter for more segments."
        )


def check_variation(moments, n_customers, *, one_covariance):
    """Refuse constant columns and, for one covariance, too few customers."""
    n_segments, n_columns = moments.means.shape
    apart = moments.standardized_means().any(axis=0)
    if not (moments.varies_within() | apart).any():
        raise DegenerateFitError(
            f"At least one column must vary. Got {n_columns} constant columns "
            "instead. Give columns that tell customers apart."
        )
    weight = moments.weights.sum()
    if one_covariance and weight <= n_segments:
        raise DegenerateFitError(
            "There must be more customers than segments, and their weights must "
            f"sum to more. Got n_samples={n_customers} customers of total weight "
            f"{weight:g} in {n_segments} segments instead. Give more customers, or "
            "weights that count customers."
        )


def check_limits(f_to_enter, f_to_remove):
    """Refuse limits between which a column would come and go for ever."""
    if f_to_enter <= f_to_remove:
        raise ValueError(
            f"f_to_enter must be above f_to_remove. Got {f_to_enter:g} and "
            f"{f_to_remove:g} instead. Lower f_to_remove."
        )


def checked_priors(priors, segments, weights):
    """Prior probabilities of the segments, in their order.

    Parameters
    ----------
    priors : {"share", "uniform"}, array-like or dict
    segments : ndarray of shape (n_segments,)
    weights : ndarray of shape (n_segments,)
        Of the training customers.

    Returns
    -------
    priors : ndarray of shape (n_segments,)
    """
    if isinstance(priors, str):
        values = np.ones_like(weights) if priors == "uniform" else weights
        return values / values.sum()
    values = priors
    if isinstance(priors, dict):
        named = segments.tolist()
        same = set(priors) == set(named)
        values = [priors[segment] for segment in named] if same else []
    values = np.asarray(values, dtype=np.float64)
    if values.shape != weights.shape or not ((values > 0) & (values < np.inf)).all():
        raise ValueError(
            f"priors must be {len(weights)} positive numbers, one a segment in the "
            f"order of classes_ or by segment. Got {priors!r} instead. Use 'share' for "
            "the shares of the training customers."
        )
    return values / values.sum()


def checked_memberships(segment_proba, segments, counted):
    """Probabilities of segments as float64, those of customers who count being checked.

    Parameters
    ----------
    segment_proba : array-like of shape (n_customers, n_segments)
    segments : ndarray of shape (n_segments,)
    counted : ndarray of shape (n_customers,), bool

    Returns
    -------
    memberships : ndarray of shape (n_counted, n_segments)
        Rows sum to one.

    Raises
    ------
    ValueError
        If the shape is another one.
    DataQualityError
        If a row is no set of probabilities that sum to one.
    DegenerateFitError
        If a segment has no customer.
    """
    memberships = np.asarray(segment_proba, dtype=np.float64)
    expected = (len(counted), len(segments))
    if memberships.shape != expected:
        raise ValueError(
            f"segment_proba must have shape {expected}, one row a customer and one "
            f"column a segment that y has (sorted, without -1). Got shape "
            f"{memberships.shape} instead. Leave out the columns of other segments."
        )
    memberships = memberships[counted]
    sums = memberships.sum(axis=1)
    with np.errstate(invalid="ignore"):
        right = (memberships >= 0).all(axis=1) & (np.abs(sums - 1) <= 1e-6)
    if not right.all():
        row = int(np.flatnonzero(counted)[~right][0])
        raise DataQualityError(
            "Rows of segment_proba must be probabilities that sum to one. Got "
            f"{np.count_nonzero(~right)} other rows (first: row {row}) instead. Divide "
            "each row by its sum, or label customers without a segment -1 in y."
        )
    empty = ~(memberships > 0).any(axis=0)
    if empty.any():
        raise DegenerateFitError(
            "Each segment must have customers who may be in it. Got probability zero "
            f"throughout for {', '.join(map(str, segments[empty]))} instead. Leave the "
            "segment out of y and of segment_proba."
        )
    return memberships / sums[:, np.newaxis]


def fallback_table(gaussians, segments, weights, steps):
    """Tell where the answer is another one than was asked for, and warn of it.

    Parameters
    ----------
    gaussians : SegmentCovariances
    segments : ndarray of shape (n_segments,)
    weights : ndarray of shape (n_segments,)
    steps : DataFrame or None
        How columns were chosen.

    Returns
    -------
    table : DataFrame
        `segment` (None for all), `used` and `reason`.
    """
    said, rows = [], []
    for k, n_flat in gaussians.flat.items():
        reason = f"{weights[k]:g} customers, {_directions(n_flat)} in which only others"
        rows.append((segments[k], "pooled covariance", f"{reason} vary"))
    if rows:
        told = "; ".join(f"{segment!s} ({reason})" for segment, _, reason in rows)
        said.append(
            "Each segment must vary in every direction to have a covariance of its "
            f"own. Got segments {told} instead, which take the pooled covariance. Use "
            "shrinkage='ledoit_wolf' or kind='linear'."
        )
    if steps is not None and "kept" in set(steps.get("action", [])):
        column, f = steps["column"].iloc[-1], steps["f"].iloc[-1]
        rows.append((None, f"column {column!r}", f"F = {f:.3g}, the largest, is low"))
        said.append(
            "Some column must reach f_to_enter. Got none instead, so the model has "
            f"column {column!r} alone, with F = {f:.3g}. Lower f_to_enter, or use "
            "columns that tell segments apart."
        )
    if said:
        warnings.warn(" ".join(said), SegmentWarning, stacklevel=_CALLER)
    if gaussians.n_collinear:
        reason = f"{_directions(gaussians.n_collinear)} in which nobody varies"
        rows.append((None, "the other directions", reason))
    return pd.DataFrame(rows, columns=["segment", "used", "reason"])


def _directions(number):
    return f"{number} direction{'s' * (number > 1)}"
