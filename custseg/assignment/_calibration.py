"""Probabilities that come true as often as they say: calibration of an assigner.

Calibration is learned from cross-fitted probabilities, which an assigner gave to
customers that it had not learned from, and is applied by NumPy alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from sklearn.base import clone
from sklearn.isotonic import IsotonicRegression

from custseg._utils._frames import rows_at
from custseg._utils._seeds import fill_seed
from custseg.exceptions import DegenerateFitError

METHODS = ("isotonic", "temperature")

# What a probability of zero counts as: nobody can be that sure of a segment.
_LEAST = float(np.finfo(np.float64).eps)
_LARGEST_TEMPERATURE = 100.0
_MAX_KNOTS = 256


@dataclass(frozen=True, eq=False)
class Calibration:
    """A map from probabilities to probabilities, learned by `learn_calibration`.

    Attributes
    ----------
    method : {"isotonic", "temperature"}
    temperature : float
        What logarithms of probabilities are divided by; 1 for "isotonic".
    knots : tuple of (ndarray, ndarray)
        One pair a segment, ascending: probabilities as they were said and as they came
        true; between knots the line holds and beyond them the last one. Empty for
        "temperature".
    """

    method: str
    temperature: float = 1.0
    knots: tuple = ()

    def apply(self, probabilities):
        """Return calibrated probabilities.

        Parameters
        ----------
        probabilities : ndarray of shape (n_customers, n_segments)
            With the columns that calibration was learned with.

        Returns
        -------
        probabilities : ndarray of shape (n_customers, n_segments)
            Rows sum to one. A temperature never changes which segment is the most
            probable one; isotonic regression may.
        """
        if self.method == "temperature":
            return _tempered(_logarithms(probabilities), 1 / self.temperature)
        calibrated = np.empty(np.shape(probabilities))
        for k, (said, came_true) in enumerate(self.knots):
            calibrated[:, k] = np.interp(probabilities[:, k], said, came_true)
        # Never a row of zeros: a knot is at least 1 / (n_customers + 2).
        return calibrated / calibrated.sum(axis=1, keepdims=True)


def learn_calibration(method, probabilities, codes):
    """Learn how often cross-fitted probabilities come true.

    Parameters
    ----------
    method : {"isotonic", "temperature"}
        "temperature" divides the logarithms of all probabilities by one number, that
        of the least log loss (Guo et al., 2017, arXiv 1706.04599), where a
        probability of zero counts as 2.2e-16. "isotonic" fits an ascending curve to
        each segment against all others and brings rows to the sum of one (Zadrozny
        and Elkan, 2002, doi 10.1145/775047.775151); no share is taken to be under
        1 / (n_customers + 2), which is what Laplace's rule says of one never seen.
    probabilities : ndarray of shape (n_customers, n_segments)
        Of customers that the assigner had not learned from.
    codes : ndarray of shape (n_customers,)
        Column of each customer's segment; customers with -1 are not looked at.

    Returns
    -------
    calibration : Calibration

    Raises
    ------
    DegenerateFitError
        If no customer is in a segment.
    """
    probabilities, codes = np.asarray(probabilities), np.asarray(codes)
    members = codes >= 0
    probabilities, codes = probabilities[members], codes[members]
    if not len(codes):
        raise DegenerateFitError(
            "Calibration must have customers that are in a segment. Got none instead. "
            "Leave calibration out."
        )
    if method == "temperature":
        return Calibration(method, _temperature(_logarithms(probabilities), codes))
    least = 1 / (len(codes) + 2)
    knots = tuple(
        _knots(column, codes == k, least) for k, column in enumerate(probabilities.T)
    )
    return Calibration(method, knots=knots)


def cross_fitted_probabilities(assigner, X, labels, ids, *, n_folds=5, seed=None):
    """Probabilities by clones of an assigner that did not learn from the customer.

    Parameters
    ----------
    assigner : classifier with predict_proba, or Pipeline that ends in one
        Not changed, and need not be fitted.
    X : frame or ndarray of shape (n_customers, n_columns)
    labels : ndarray of shape (n_customers,)
        Segment of each customer, one of `ids`.
    ids : ndarray of shape (n_segments,)
        Ascending.
    n_folds : int, default=5
    seed : int or None, default=None
        Deals customers to folds and fills every ``random_state`` that is None.

    Returns
    -------
    probabilities : ndarray of shape (n_customers, n_segments)
        In the order of `ids`; zero for segments all of whose customers are in the
        fold.

    Raises
    ------
    DegenerateFitError
        If the assigner cannot learn without the customers of a fold.
    """
    probabilities = np.zeros((len(labels), len(ids)))
    for learned, asked in folds(labels, n_folds, seed):
        fitted = fit_to_fold(assigner, X, labels, learned, seed)
        known = np.unique(labels[learned])
        probabilities[np.ix_(asked, np.searchsorted(ids, known))] = (
            np.ones((len(asked), 1))
            if fitted is None
            else fitted.predict_proba(rows_at(X, asked))
        )
    return probabilities


def folds(labels, n_folds, seed):
    """Deal the customers of each segment to folds, as evenly as they go.

    Unlike scikit-learn's, folds may be more than the customers of a segment.

    Parameters
    ----------
    labels : ndarray of shape (n_customers,)
    n_folds : int
        At least two; no more than there are customers.
    seed : int or None

    Returns
    -------
    folds : list of (ndarray, ndarray)
        Positions, ascending, of the customers to learn from and of the others.
    """
    drawn = np.random.default_rng(seed).permutation(len(labels))
    by_segment = drawn[np.argsort(labels[drawn], kind="stable")]
    fold = np.empty(len(labels), dtype=int)
    fold[by_segment] = np.arange(len(labels)) % n_folds
    return [
        (np.flatnonzero(fold != k), np.flatnonzero(fold == k))
        for k in range(min(n_folds, len(labels)))
    ]


def fit_to_fold(assigner, X, labels, learned, seed, **memberships):
    """Fit a clone to some customers; None where they are all in one segment."""
    if len(np.unique(labels[learned])) == 1:
        return None
    unfitted = fill_seed(clone(assigner), seed)
    try:
        return unfitted.fit(rows_at(X, learned), labels[learned], **memberships)
    except ValueError as error:
        raise DegenerateFitError(
            "The assigner must be able to learn from part of the customers, which "
            f"cross-validation leaves it with. Got {len(learned)} of {len(labels)} "
            f"instead, and: {error} Give more customers, or a simpler assigner."
        ) from error


def _logarithms(probabilities):
    return np.log(np.maximum(probabilities, _LEAST))


def _tempered(logarithms, sharpness):
    scaled = logarithms * sharpness
    scaled -= scaled.max(axis=1, keepdims=True)
    np.exp(scaled, out=scaled)
    scaled /= scaled.sum(axis=1, keepdims=True)
    return scaled


def _temperature(logarithms, codes):
    """Temperature of the least log loss, where the loss's slope is zero.

    In 1 / temperature the log loss is convex, so its slope only rises.
    """
    of_own = logarithms[np.arange(len(codes)), codes].mean()

    def slope(sharpness):
        expected = _tempered(logarithms, sharpness)
        expected *= logarithms
        return expected.sum() / len(codes) - of_own

    least, most = 1 / _LARGEST_TEMPERATURE, _LARGEST_TEMPERATURE
    if slope(1.0) == 0:
        return 1.0
    if slope(least) >= 0:
        return _LARGEST_TEMPERATURE
    if slope(most) <= 0:
        return 1 / _LARGEST_TEMPERATURE
    return 1 / brentq(slope, least, most, rtol=1e-10)


def _knots(said, came_true, least):
    curve = IsotonicRegression(y_min=least, y_max=1.0).fit(said, came_true)
    x, y = curve.X_thresholds_, curve.y_thresholds_
    if len(x) > _MAX_KNOTS:
        kept = np.linspace(0, len(x) - 1, _MAX_KNOTS).round().astype(int)
        x, y = x[kept], y[kept]
    return np.array(x, dtype=np.float64), np.array(y, dtype=np.float64)
