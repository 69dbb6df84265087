"""Discriminant analysis: assigns customers to learned segments."""

from numbers import Real

import numpy as np
import pandas as pd
from scipy.special import log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin

from custseg._sklearn import (
    CallbackSupportMixin,
    Interval,
    StrOptions,
    check_is_fitted,
    fit_context,
    single_threaded,
    validate_data,
)
from custseg.assignment._columns_choice import choose_penalized, choose_stepwise
from custseg.assignment._discriminant_tables import DiscriminantTables
from custseg.assignment._moments import (
    fit_gaussians,
    ledoit_wolf_intensity,
    log_densities,
    oas_intensity,
    probabilities_of,
    segment_moments,
)
from custseg.assignment._taught import (
    check_limits,
    check_variation,
    checked_memberships,
    checked_priors,
    fallback_table,
    taught_customers,
)
from custseg.assignment._tuning import (
    POOLINGS,
    SHRINKAGES,
    choose_regularization,
    deal_folds,
)
from custseg.engine import squared_norm_sums
from custseg.scoring import Gaussians, Linear


class DiscriminantAssigner(
    DiscriminantTables, CallbackSupportMixin, ClassifierMixin, BaseEstimator
):
    """Assigns customers to segments by linear or quadratic discriminant analysis.

    Each segment is a Gaussian cloud over the columns; a customer goes to the segment
    that is most probable given its size and the customer's distance from it.

    Parameters
    ----------
    kind : {"linear", "quadratic", "regularized"}, default="linear"
        One covariance for all segments, one for each, or one for each that is drawn
        towards that of all (Friedman 1989).
    priors : {"share", "uniform"}, array-like of shape (n_segments,) or dict, \
default="share"
        How probable segments are before a customer is looked at: by their (weighted)
        share of the training customers, all alike, or given, in the order of
        ``classes_`` or by segment.
    pooling : float in [0, 1] or "auto", default="auto"
        How far the regularized kind draws covariances towards the pooled one: 0 is
        quadratic, 1 linear, "auto" is chosen by cross-validation.
    shrinkage : float in [0, 1], {"ledoit_wolf", "oas", "auto"} or None, default=None
        How far covariances are drawn towards the diagonal of the pooled covariance
        within segments, which steadies them when customers are few or columns many.
        "ledoit_wolf" and "oas" take these estimates, or one customer's weight where
        that leaves a segment flat; "auto" is chosen by cross-validation; None is 0.
    method : {"moment", "mle"}, default="moment"
        Whether covariances divide by the number of customers less that of means
        estimated, or by the number of customers, in the words of R's MASS.
    columns : {"all", "stepwise", "penalized"}, default="all"
        Which columns are used: all, those that enter stepwise by Wilks' lambda, or
        those that are left when the segments' means are drawn together by a threshold
        (as in nearest shrunken centroids), which is chosen by cross-validation.
    f_to_enter, f_to_remove : float, default=3.84 and 2.71
        Stepwise, a column comes in with at least the one and goes with at most the
        other. The first must be larger.
    tolerance : float in [0, 1], default=0.001
        Stepwise, the share of a column's variance within segments that the others
        in the model must leave.

    Attributes
    ----------
    classes_ : ndarray of shape (n_segments,)
        The segments, sorted; -1, which is none, left out where there are two or more
        others.
    n_unassigned_ : int
        Customers labelled -1, from whom nothing was learned.
    priors_ : ndarray of shape (n_segments,)
        Prior probabilities.
    means_ : ndarray of shape (n_segments, n_features)
        Mean of each segment.
    covariances_ : ndarray of shape (1 or n_segments, n_columns, n_columns)
        Covariance within segments of the columns used, after pooling and shrinkage:
        one if linear, else one a segment.
    pooling_ : float
        How far covariances are pooled: 1 if linear, 0 if quadratic.
    shrinkage_ : ndarray of shape (1 or n_segments,)
        Shrinkage of each covariance.
    support_ : ndarray of shape (n_features,)
        Mask of the columns used.
    columns_ : ndarray of shape (n_columns,)
        Names of the columns used, or their positions where the table had no names.
    column_steps_ : DataFrame or None
        How columns were chosen: one row a step (`action`, `column`, `f`, `df1`, `df2`,
        `wilks` of the model after it, `tolerance`) or a threshold (`threshold`,
        `n_columns`, `loss`, `loss_se`, `chosen`). None with all columns.
    tuning_ : DataFrame or None
        What was compared for "auto": `pooling`, `shrinkage`, and the Brier score on
        held-out customers with its standard error, `loss` and `loss_se`.
    fallbacks_ : DataFrame
        Where the answer had to be another one than was asked for, one row each:
        `segment` (None for all), `used` and `reason`.
    n_collinear_ : int
        Directions left out, in which neither customers nor segments vary: constant
        columns, and columns that others determine.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    Notes
    -----
    Everything is learned from sums over blocks of customers; the same table gives the
    same bits whatever the number of threads. scikit-learn divides as "mle" does since
    its version 1.9, which makes it a little surer of itself, and before as "moment".

    Diagonals are towards those in units of the columns' spread within segments, so the
    answer does not depend on the units of the columns.

    A column in which segments differ and customers within a segment do not at all
    decides alone. A segment that does not vary in some direction in which others do
    has no covariance of its own: it takes the pooled one, with a `SegmentWarning`.

    Cross-validation deals the customers of each segment to five folds in turn, so no
    chance is in it, and goes by the Brier score, the mean squared difference between
    probabilities and segments.

    References
    ----------
    Chen, Y., Wiesel, A., Eldar, Y. C. and Hero, A. O. (2010). Shrinkage algorithms for
    MMSE covariance estimation. IEEE Transactions on Signal Processing 58(10),
    5016-5029. https://doi.org/10.1109/TSP.2010.2053029

    Fisher, R. A. (1936). The use of multiple measurements in taxonomic problems.
    Annals of Eugenics 7(2), 179-188.
    https://doi.org/10.1111/j.1469-1809.1936.tb02137.x

    Friedman, J. H. (1989). Regularized discriminant analysis. Journal of the American
    Statistical Association 84(405), 165-175.
    https://doi.org/10.1080/01621459.1989.10478752

    Ledoit, O. and Wolf, M. (2004). A well-conditioned estimator for large-dimensional
    covariance matrices. Journal of Multivariate Analysis 88(2), 365-411.
    https://doi.org/10.1016/S0047-259X(03)00096-4

    Tibshirani, R., Hastie, T., Narasimhan, B. and Chu, G. (2002). Diagnosis of multiple
    cancer types by shrunken centroids of gene expression. Proceedings of the National
    Academy of Sciences 99(10), 6567-6572. https://doi.org/10.1073/pnas.082099299

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
        "kind": [StrOptions({"linear", "quadratic", "regularized"})],
        "priors": [StrOptions({"share", "uniform"}), "array-like", dict],
        "pooling": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
        "shrinkage": [
            Interval(Real, 0, 1, closed="both"),
            StrOptions({"ledoit_wolf", "oas", "auto"}),
            None,
        ],
        "method": [StrOptions({"moment", "mle"})],
        "columns": [StrOptions({"all", "stepwise", "penalized"})],
        "f_to_enter": [Interval(Real, 0, None, closed="neither")],
        "f_to_remove": [Interval(Real, 0, None, closed="left")],
        "tolerance": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        kind="linear",
        *,
        priors="share",
        pooling="auto",
        shrinkage=None,
        method="moment",
        columns="all",
        f_to_enter=3.84,
        f_to_remove=2.71,
        tolerance=0.001,
    ):
        self.kind = kind
        self.priors = priors
        self.pooling = pooling
        self.shrinkage = shrinkage
        self.method = method
        self.columns = columns
        self.f_to_enter = f_to_enter
        self.f_to_remove = f_to_remove
        self.tolerance = tolerance

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None, segment_proba=None):
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
        segment_proba : array-like of shape (n_customers, n_segments), default=None
            Probability of each segment for each customer, such as a mixture's
            `predict_proba`, in the order of ``classes_``. Each customer then counts in
            each segment by its probability; `y` says which segments there are, and
            whom (-1) nothing is learned from.

        Returns
        -------
        self : DiscriminantAssigner

        Raises
        ------
        DegenerateFitError
            If there is one segment only, no column varies, there are no more customers
            than segments, or a segment has probability zero throughout.
        DataQualityError
            If a weight is negative or all are zero, or rows of `segment_proba` do not
            sum to one.
        ValueError
            If given priors are not one positive number a segment, `segment_proba` has
            another shape, or `f_to_enter` is not above `f_to_remove`.
        """
        check_limits(self.f_to_enter, self.f_to_remove)
        taught = taught_customers(self, X, y, sample_weight)
        self.classes_, self.n_unassigned_ = taught.segments, taught.n_unassigned
        self._soft = segment_proba is not None
        members = taught.codes
        if self._soft:
            members = checked_memberships(segment_proba, self.classes_, taught.counted)
        self._learn(taught.X, members, taught.codes, taught.weights)
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
        return probabilities_of(self._scores(X))

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
        return log_softmax(self._scores(X), axis=1)

    def _scores(self, X):
        """Discriminant scores, from distances in whitened directions."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        geometry = self._center, self._whiteners, self._log_determinants
        scores = log_densities(X, self.means_, *geometry)
        scores += np.log(self.priors_)
        return scores

    def _scorer_step(self):
        means, log_priors = self.means_ - self._center, np.log(self.priors_)
        if len(self._whiteners) == 1:
            places = means @ self._whiteners[0]
            constants = log_priors - np.einsum("ij,ij->i", places, places) / 2
            step = Linear(self._center, self._whiteners[0] @ places.T, constants)
        else:
            constants = log_priors - self._log_determinants / 2
            step = Gaussians(self._center, means, np.array(self._whiteners), constants)
        return step, self.classes_

    def _learn(self, X, members, codes, weights):
        """Sum on all threads, then get parameters from the sums on one."""
        n_segments = len(self.classes_)
        pooled = self.kind == "linear"
        moments = segment_moments(X, members, n_segments, weights, pooled=pooled)
        check_variation(moments, len(X), one_covariance=pooled)
        self.means_ = moments.means
        self.priors_ = checked_priors(self.priors, self.classes_, moments.weights)
        within = moments.within_scatter()[np.newaxis]
        self._pooled = moments._replace(scatters=within)
        folds = None
        if self._needs_folds():
            folds = deal_folds(X, members, codes, n_segments, weights, pooled=pooled)
        with single_threaded():
            self._choose_columns(moments, folds)
        fourth = None
        if self.shrinkage == "ledoit_wolf":
            counted = self.support_ & moments.varies_within()
            scale = np.where(counted, moments.scale, np.inf)
            fourth = squared_norm_sums(X, members, moments.means, scale, weights)
        with single_threaded():
            moments = moments.only_columns(self.support_)
            self._set_geometry(moments, self._fit_clouds(moments, folds, fourth))

    def _needs_folds(self):
        tuned = self.kind == "regularized" and self.pooling == "auto"
        return tuned or self.shrinkage == "auto" or self.columns == "penalized"

    def _choose_columns(self, moments, folds):
        self.support_ = np.full(len(moments.scale), True)
        self.column_steps_ = None
        if self.columns != "all":
            if self.columns == "stepwise":
                limits = self.f_to_enter, self.f_to_remove, self.tolerance
                choice = choose_stepwise(moments, *limits)
            else:
                given = isinstance(self.shrinkage, Real)
                intensity = float(self.shrinkage) if given else 0.0
                mle = self.method == "mle"
                choice = choose_penalized(moments, folds, intensity, mle=mle)
            self.support_ = choice.support
            self.column_steps_ = self._table_of_steps(choice.record)
        self.columns_ = self._column_names()[self.support_]

    def _fit_clouds(self, moments, folds, fourth):
        """Covariances of the columns used, after tuning."""
        mle = self.method == "mle"
        fixed = {"linear": 1.0, "quadratic": 0.0}.get(self.kind, self.pooling)
        intensities = self._intensities(moments, fourth, single=fixed == 1)
        self.tuning_ = None
        if fixed == "auto" or self.shrinkage == "auto":
            poolings = POOLINGS if fixed == "auto" else [fixed]
            shrinkages = [float(np.mean(intensities))]
            if self.shrinkage == "auto":
                shrinkages = SHRINKAGES
            supports = [self.support_] * len(folds)
            by_share = isinstance(self.priors, str) and self.priors == "share"
            fixed, shrinkage, record = choose_regularization(
                folds,
                poolings,
                shrinkages,
                mle=mle,
                priors=None if by_share else self.priors_,
                supports=supports,
            )
            self.tuning_ = pd.DataFrame(record)
            if self.shrinkage == "auto":
                intensities = np.array([shrinkage])
            elif fixed == 1:
                intensities = self._intensities(moments, fourth, single=True)
        self.pooling_ = float(fixed)
        lend = self.shrinkage in ("ledoit_wolf", "oas")
        return fit_gaussians(moments, fixed, intensities, mle=mle, lend=lend)

    def _intensities(self, moments, fourth, *, single):
        """Shrinkage of the pooled covariance, or of each segment's own."""
        if self.shrinkage not in ("ledoit_wolf", "oas"):
            given = isinstance(self.shrinkage, Real)
            return np.array([float(self.shrinkage) if given else 0.0])
        weights, scatters = moments.weights, moments.scatters
        if single:
            weights, scatters = weights.sum()[np.newaxis], [moments.within_scatter()]
            fourth = None if fourth is None else fourth.sum()[np.newaxis]
        covariances = [s / w for s, w in zip(scatters, weights, strict=True)]
        if fourth is None:
            each = map(oas_intensity, covariances, weights)
        else:
            each = map(ledoit_wolf_intensity, covariances, fourth / weights, weights)
        return np.array(list(each))

    def _set_geometry(self, moments, gaussians):
        """Keep what scores need, with zeros for columns that are not used."""
        n_each = 1 if self.kind == "linear" else len(self.classes_)
        repeated = n_each // len(gaussians.whiteners)
        self._center = self._pooled.center
        self._whiteners = []
        for whitener in gaussians.whiteners * repeated:
            matrix = np.zeros((self.n_features_in_, whitener.shape[1]))
            matrix[self.support_] = whitener
            self._whiteners.append(matrix)
        self._log_determinants = np.tile(gaussians.log_determinants, repeated)
        self.covariances_ = np.tile(gaussians.covariances, (repeated, 1, 1))
        self.shrinkage_ = np.tile(gaussians.shrinkages, repeated)
        self.n_collinear_ = gaussians.n_collinear
        self.fallbacks_ = fallback_table(
            gaussians, self.classes_, moments.weights, self.column_steps_
        )
