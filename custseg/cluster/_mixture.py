"""Gaussian mixture segments."""

from copy import copy
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.mixture import GaussianMixture

from custseg._sklearn import (
    Interval,
    StrOptions,
    check_is_fitted,
    fit_context,
    single_threaded,
    validate_data,
)
from custseg.cluster._segmenter import SegmenterMixin, canonical_order
from custseg.scoring._segments import Gaussians


def _reordered(mixture, order):
    """Return the fitted mixture with its components in another order."""
    mixture = copy(mixture)
    per_component = ["weights_", "means_"]
    if mixture.covariance_type != "tied":
        per_component += ["covariances_", "precisions_", "precisions_cholesky_"]
    for name in per_component:
        setattr(mixture, name, getattr(mixture, name)[order])
    return mixture


def gaussians_of_mixture(model, offset):
    """Freeze a mixture of customers less an offset, as a step of a scorer."""
    n_segments, n_features = model.means_.shape
    cholesky = model.precisions_cholesky_
    matrices = {
        "full": lambda: cholesky,
        "tied": lambda: np.repeat(cholesky[np.newaxis], n_segments, axis=0),
        "diag": lambda: np.array([np.diag(one) for one in cholesky]),
        "spherical": lambda: np.array([one * np.eye(n_features) for one in cholesky]),
    }[model.covariance_type]()
    halves = np.log(np.einsum("kjj->kj", matrices)).sum(axis=1)
    return Gaussians(offset, model.means_, matrices, np.log(model.weights_) + halves)


class GaussianMixtureSegmenter(SegmenterMixin, BaseEstimator):
    """Segments as the components of a Gaussian mixture.

    Each segment has its own centre, spread and direction, and every customer a
    probability of belonging to it. Fitted by expectation-maximisation; the best of
    `n_init` starts is kept.

    Parameters
    ----------
    n_components : int, default=4
        Number of segments.
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        Shape of the segments: each its own, all the same, axes only, or balls.
    n_init : int, default=5
        Number of starts (each from one k-means run).
    reg_covar : float, default=1e-6
        Added to the variances, which keeps a segment of near-identical customers
        from collapsing. In squared units of the columns, so scale them before.
    max_iter : int, default=200
        EM iterations of one start at most.
    tol : float, default=1e-3
        A start ends when the mean log-likelihood gains less than this.
    random_state : int, RandomState instance or None, default=None
        Seed of the starts. With an int a fit repeats bit for bit.
    verbose : int, default=0
        Above 0 the solver prints its progress.

    Attributes
    ----------
    labels_ : ndarray of shape (n_customers,)
        Most probable segment of each training customer, the same as ``predict(X)``.
    n_segments_ : int
        Number of segments.
    segment_sizes_ : ndarray of shape (n_segments,)
        Customers for whom the segment is the most probable one; largest first.
    segment_centers_ : ndarray of shape (n_segments, n_features)
        Means of the components.
    weights_ : ndarray of shape (n_segments,)
        Share of each component in the mixture.
    covariances_ : ndarray
        Covariances, shaped as in scikit-learn's mixture by `covariance_type`.
    log_likelihood_ : float
        Log-likelihood of the training customers, in total.
    bic_, aic_ : float
        Information criteria of the training customers; smaller is better.
    n_iter_ : int
        EM iterations of the best start.
    converged_ : bool
        Whether the best start converged.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    See Also
    --------
    KMeansSegmenter : Faster, for round segments of similar spread.

    Notes
    -----
    A component is not always a segment: skewed columns take several components for
    one group of customers. Transform them first, or prefer fewer components than BIC
    asks for.

    References
    ----------
    McLachlan, G. J. and Peel, D. (2000). Finite Mixture Models. Wiley.
    https://doi.org/10.1002/0471721182

    Fraley, C. and Raftery, A. E. (2002). Model-based clustering, discriminant
    analysis, and density estimation. Journal of the American Statistical Association
    97(458), 611-631. https://doi.org/10.1198/016214502760047131

    Examples
    --------
    >>> import numpy as np
    >>> from custseg.cluster import GaussianMixtureSegmenter
    >>> rng = np.random.default_rng(0)
    >>> narrow, wide = rng.normal(0, 0.3, (60, 2)), rng.normal(5, 1.5, (40, 2))
    >>> segmenter = GaussianMixtureSegmenter(n_components=2, random_state=0)
    >>> segmenter.fit(np.vstack([narrow, wide])).segment_sizes_
    array([60, 40])
    >>> segmenter.predict_proba([[1.5, 1.5]]).round(3)
    array([[0., 1.]])
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "covariance_type": [StrOptions({"full", "tied", "diag", "spherical"})],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "reg_covar": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components=4,
        *,
        covariance_type="full",
        n_init=5,
        reg_covar=1e-6,
        max_iter=200,
        tol=1e-3,
        random_state=None,
        verbose=0,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.n_init = n_init
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the segments.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Numeric columns on comparable scales, without missing values.
        y : None
            Ignored; here for scikit-learn's sake.

        Returns
        -------
        self : GaussianMixtureSegmenter

        Raises
        ------
        DegenerateFitError
            If there are fewer distinct customers than segments.
        """
        X, _ = self._check_customers(X, self.n_components, min_customers=2)
        # About the mean, squares of far-off values keep their digits.
        self._offset = X.mean(axis=0)
        X = X - self._offset
        mixture = GaussianMixture(
            self.n_components,
            covariance_type=self.covariance_type,
            n_init=self.n_init,
            reg_covar=self.reg_covar,
            max_iter=self.max_iter,
            tol=self.tol,
            random_state=self.random_state,
            verbose=int(self.verbose),
        )
        with single_threaded():
            mixture.fit(X)
            order, labels, sizes = canonical_order(
                lambda order: _reordered(mixture, order).predict(X), mixture.means_
            )
            self._mixture = _reordered(mixture, order)
            self.log_likelihood_ = float(mixture.score(X) * len(X))
            self.bic_ = float(mixture.bic(X))
            self.aic_ = float(mixture.aic(X))
        self.weights_ = self._mixture.weights_
        self.covariances_ = self._mixture.covariances_
        self._set_segments(labels, sizes, self._mixture.means_ + self._offset)
        self.n_iter_ = mixture.n_iter_
        self.converged_ = mixture.converged_
        return self

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
        X = self._centered(X)
        return self._mixture.predict(X)

    def predict_proba(self, X):
        """Probability of each segment for each customer.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_customers, n_segments)
            Rows sum to one.
        """
        X = self._centered(X)
        return self._mixture.predict_proba(X)

    def _scorer_step(self):
        step = gaussians_of_mixture(self._mixture, self._offset)
        return step, np.arange(self.n_segments_)

    def score(self, X, y=None):
        """Mean log-likelihood per customer.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.
        y : None
            Ignored; here for scikit-learn's sake.

        Returns
        -------
        score : float
            The larger, the better the mixture describes these customers.
        """
        X = self._centered(X)
        return float(self._mixture.score(X))

    def _centered(self, X):
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False) - self._offset
