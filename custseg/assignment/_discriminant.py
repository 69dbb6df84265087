"""Discriminant analysis: assigns customers to learned segments."""

from numbers import Real

import numpy as np
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets

from custseg._sklearn import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_is_fitted,
    check_weights,
    fit_context,
    single_threaded,
    validate_data,
)
from custseg.assignment._moments import (
    find_directions,
    ledoit_wolf_intensity,
    mean_variance,
    segment_moments,
    whitener,
)
from custseg.exceptions import DegenerateFitError


class DiscriminantAssigner(CallbackSupportMixin, ClassifierMixin, BaseEstimator):
    """Assigns customers to segments by linear or quadratic discriminant analysis.

    Each segment is a Gaussian cloud over the columns; a customer goes to the segment
    that is most probable given its size and the customer's distance from it.

    Parameters
    ----------
    kind : {"linear", "quadratic"}, default="linear"
        One covariance for all segments, or one for each.
    priors : {"share", "uniform"} or array-like of shape (n_segments,), default="share"
        How probable segments are before a customer is looked at: by their (weighted)
        share of the training customers, all alike, or given in the order of
        ``classes_``.
    shrinkage : float in [0, 1], "auto" or None, default=None
        How far covariances are drawn towards the diagonal of the pooled covariance
        within segments, which steadies them when customers are few or columns many.
        "auto" takes Ledoit and Wolf's estimate, or one customer's weight where that
        leaves a segment flat; None is 0.

    Attributes
    ----------
    classes_ : ndarray of shape (n_segments,)
        The segments, sorted.
    priors_ : ndarray of shape (n_segments,)
        Prior probabilities.
    means_ : ndarray of shape (n_segments, n_features)
        Mean of each segment.
    covariances_ : ndarray of shape (1 or n_segments, n_features, n_features)
        Covariance within segments after shrinkage: one if linear, else one a segment.
    shrinkage_ : ndarray of shape (1 or n_segments,)
        Shrinkage of each covariance.
    n_collinear_ : int
        Directions left out, in which neither customers nor segments vary: constant
        columns, and columns that others determine.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    Notes
    -----
    Covariances divide by the number of customers less that of means estimated, as the
    moment estimates of R's MASS do; scikit-learn divides by the number of customers
    since its version 1.9, which makes it a little surer of itself. The shrinkage
    target is a diagonal, so the answer does not depend on the units of the columns.

    A column in which segments differ and customers within a segment do not at all
    decides alone. The quadratic kind refuses a segment that does not vary in some
    direction in which others do, unless shrinkage fills it.

    References
    ----------
    Fisher, R. A. (1936). The use of multiple measurements in taxonomic problems.
    Annals of Eugenics 7(2), 179-188.
    https://doi.org/10.1111/j.1469-1809.1936.tb02137.x

    Ledoit, O. and Wolf, M. (2004). A well-conditioned estimator for large-dimensional
    covariance matrices. Journal of Multivariate Analysis 88(2), 365-411.
    https://doi.org/10.1016/S0047-259X(03)00096-4

    Examples
    --------
    >>> from custseg import DiscriminantAssigner
    >>> age_and_income = [[25, 30], [31, 38], [28, 29], [52, 61], [60, 58], [55, 70]]
    >>> segment = [1, 1, 1, 0, 0, 0]
    >>> assigner = DiscriminantAssigner().fit(age_and_income, segment)
    >>> assigner.predict([[30, 35], [58, 60]])
    array([1, 0])
    >>> assigner.predict_proba([[43, 48]]).round(2)
    array([[0.94, 0.06]])
    """

    _parameter_constraints = {
        "kind": [StrOptions({"linear", "quadratic"})],
        "priors": [StrOptions({"share", "uniform"}), "array-like"],
        "shrinkage": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"}), None],
    }

    def __init__(self, kind="linear", *, priors="share", shrinkage=None):
        self.kind = kind
        self.priors = priors
        self.shrinkage = shrinkage

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Learn to tell the segments apart.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Numeric columns without missing values.
        y : array-like of shape (n_customers,)
            Segment of each customer.
        sample_weight : array-like of shape (n_customers,), default=None
            Weight of each customer, zero or more; a weight of two counts as two
            customers.

        Returns
        -------
        self : DiscriminantAssigner

        Raises
        ------
        DegenerateFitError
            If there is one segment only, no column varies, there are no more
            customers than segments, or (quadratic) a segment does not vary in some
            direction.
        DataQualityError
            If a weight is negative or all are zero.
        ValueError
            If given priors are not one positive number a segment.
        """
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        weights = check_weights(sample_weight, X)
        present = weights > 0
        X, weights = X[present], weights[present]
        self.classes_, codes = np.unique(y[present], return_inverse=True)
        n_classes = self._checked_n_classes()
        with single_threaded():
            moments = segment_moments(X, codes, n_classes, weights)
            self._check_variation(moments, len(X))
            self.means_ = moments.means
            self.priors_ = self._checked_priors(moments.weights)
            residuals = (X - self.means_[codes]) / moments.scale
            if self.kind == "linear":
                self._fit_linear(moments, residuals, weights)
            else:
                self._fit_quadratic(moments, residuals, weights, codes)
        return self

    def decision_function(self, X):
        """Log of each segment's probability density times prior, up to a constant.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        scores : ndarray of shape (n_customers, n_segments) or (n_customers,)
            With two segments, the second's score less the first's.
        """
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X):
        """Give each customer the most probable segment.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        labels : ndarray of shape (n_customers,)
        """
        scores = self._scores(X)
        return self.classes_[scores.argmax(axis=1)]

    def predict_proba(self, X):
        """Probability of each segment for each customer.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_customers, n_segments)
            Columns in the order of ``classes_``; rows sum to one.
        """
        return softmax(self._scores(X), axis=1)

    def predict_log_proba(self, X):
        """Logarithm of the probabilities.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        log_probabilities : ndarray of shape (n_customers, n_segments)
        """
        scores = self._scores(X)
        top = scores.max(axis=1, keepdims=True)
        return scores - top - np.log(np.exp(scores - top).sum(axis=1, keepdims=True))

    def _scores(self, X):
        """Discriminant scores, from distances in whitened directions."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False) - self._center
        constants = np.log(self.priors_) - self._log_determinants / 2
        if self.kind == "linear":
            # A distance's part that is common to all segments cancels.
            directions = X @ self._whiteners[0]
            places = (self.means_ - self._center) @ self._whiteners[0]
            scores = directions @ places.T - np.einsum("ij,ij->i", places, places) / 2
            return scores + constants
        scores = np.empty((len(X), len(self.classes_)))
        for k, matrix in enumerate(self._whiteners):
            directions = (X - (self.means_[k] - self._center)) @ matrix
            scores[:, k] = -np.einsum("ij,ij->i", directions, directions) / 2
        return scores + constants

    def _fit_linear(self, moments, residuals, weights):
        covariance = moments.within_scatter() / (weights.sum() - len(self.classes_))
        self.shrinkage_ = np.array([self._intensity(residuals, weights)])
        covariance = _towards_diagonal(covariance, covariance, self.shrinkage_[0])
        directions = find_directions(covariance, moments.standardized_means())
        matrix, _, _ = whitener(covariance, directions)
        self._log_determinants = np.zeros(1)
        self._set_geometry(moments, directions, [matrix], [covariance])

    def _fit_quadratic(self, moments, residuals, weights, codes):
        pooled = moments.within_scatter() / weights.sum()
        intensities = np.array(
            [
                self._intensity(residuals[codes == k], weights[codes == k])
                for k in range(len(self.classes_))
            ]
        )
        # Directions in which all segments are flat are the same for all of them.
        reference = _towards_diagonal(pooled, pooled, intensities.min())
        directions = find_directions(reference, moments.standardized_means())
        fitted = [
            self._fit_segment(k, moments, pooled, directions, intensity)
            for k, intensity in enumerate(intensities)
        ]
        covariances, matrices, log_determinants, intensities = zip(*fitted, strict=True)
        self.shrinkage_ = np.array(intensities)
        self._log_determinants = np.array(log_determinants)
        self._set_geometry(moments, directions, matrices, covariances)

    def _fit_segment(self, k, moments, pooled, directions, intensity):
        """Covariance, whitener, log-determinant and shrinkage of one segment."""
        weight = moments.weights[k]
        scatter = moments.scatters[k] / max(weight - 1, 1)
        covariance = _towards_diagonal(scatter, pooled, intensity)
        matrix, log_determinant, n_flat = whitener(covariance, directions)
        if n_flat and self.shrinkage == "auto":
            # Customers all on one line estimate no error: lend them one customer.
            intensity = 1 / (weight + 1)
            covariance = _towards_diagonal(scatter, pooled, intensity)
            matrix, log_determinant, n_flat = whitener(covariance, directions)
        if n_flat:
            raise DegenerateFitError(
                "Each segment must vary in every direction for a quadratic "
                f"discriminant. Got segment {self.classes_[k]!s} with {weight:g} "
                f"customers and {n_flat} directions in which only others vary "
                "instead. Use shrinkage='auto' or kind='linear'."
            )
        return covariance, matrix, log_determinant, intensity

    def _set_geometry(self, moments, directions, matrices, covariances):
        """Bring what was worked out in standardised columns to their own units."""
        scale = moments.scale
        self.n_collinear_ = len(scale) - directions.n_kept
        self._center = moments.center
        self._whiteners = [matrix / scale[:, np.newaxis] for matrix in matrices]
        self.covariances_ = np.array(covariances) * np.outer(scale, scale)

    def _intensity(self, residuals, weights):
        if self.shrinkage == "auto":
            return ledoit_wolf_intensity(residuals, weights)
        return float(self.shrinkage or 0)

    def _checked_n_classes(self):
        if len(self.classes_) < 2:
            raise DegenerateFitError(
                "There must be two segments or more to tell apart. Got 1 class "
                "instead. Ask the segmenter for more segments."
            )
        return len(self.classes_)

    def _check_variation(self, moments, n_customers):
        n_segments, n_columns = moments.means.shape
        varies = moments.within_scatter().any() or moments.standardized_means().any()
        if not varies:
            raise DegenerateFitError(
                f"At least one column must vary. Got {n_columns} constant columns "
                "instead. Give columns that tell customers apart."
            )
        weight = moments.weights.sum()
        if self.kind == "linear" and weight <= n_segments:
            raise DegenerateFitError(
                "There must be more customers than segments, and their weights must "
                f"sum to more. Got n_samples={n_customers} customers of total weight "
                f"{weight:g} in {n_segments} segments instead. Give more customers, or "
                "weights that count customers."
            )

    def _checked_priors(self, weights):
        if isinstance(self.priors, str):
            if self.priors == "uniform":
                weights = np.ones_like(weights)
            return weights / weights.sum()
        priors = np.asarray(self.priors, dtype=np.float64)
        if priors.shape != weights.shape or not (priors > 0).all():
            raise ValueError(
                f"priors must be {len(weights)} positive numbers, one a segment in "
                f"the order of classes_. Got {self.priors!r} instead. Use 'share' for "
                "the shares of the training customers."
            )
        return priors / priors.sum()


def _towards_diagonal(covariance, pooled, intensity):
    """Draw a covariance towards the pooled variances, at its own mean level."""
    variances = np.diag(pooled)
    own = np.divide(
        np.diag(covariance), variances, out=np.zeros(len(pooled)), where=variances > 0
    )
    target = np.diag(mean_variance(own) * variances)
    return (1 - intensity) * covariance + intensity * target
