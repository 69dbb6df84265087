"""Gaussian mixture segments."""

from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator

from custseg._sklearn import (
    Interval,
    StrOptions,
    available_if,
    fit_context,
    validate_data,
)
from custseg.cluster._densities import AxisDensities, GaussianDensities
from custseg.cluster._em import Mixture
from custseg.cluster._gaussian_frame import Frame, GaussianState
from custseg.cluster._mixture_segmenter import MixtureSegmenterMixin
from custseg.scoring import Components


class _GaussianJoint(NamedTuple):
    """Logarithms of the joint densities of components, and of noise, in a block."""

    gaussians: Any  # a step of a scorer
    log_base: float
    log_noise: float | None

    def __call__(self, columns):
        scores = self.gaussians.scores(columns.T)
        scores += self.log_base
        if self.log_noise is not None:
            noise = np.full((len(scores), 1), self.log_noise)
            scores = np.hstack([scores, noise])
        return np.ascontiguousarray(scores.T)


class GaussianMixtureSegmenter(MixtureSegmenterMixin, BaseEstimator):
    """Segments as the components of a Gaussian mixture.

    Each segment has its own centre, spread and direction, and every customer a
    probability of belonging to it. Fitted by expectation-maximisation from several
    starts; the best is kept of those in which no component shrinks to a few customers.

    Parameters
    ----------
    n_components : int, default=4
        Number of components.
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        Shape of the components: each its own, all the same, axes only, or balls.
    n_segments : int, "auto" or None, default=None
        Into how many segments components are merged, those first that are hardest to
        tell apart: see Notes. With "auto" until none are left that overlap more than
        two bell curves with one customer in ten on the wrong side. None keeps each
        component as a segment.
    noise : bool, default=False
        Whether there is a component of customers who are in no segment, spread evenly
        over the box that holds all. Their label is -1.
    weights : {"frequency", "sampling"}, default="frequency"
        What `sample_weight` means: how many customers a row stands for, or how many a
        sampled customer stands for. As sampling weights they leave the number of
        customers in `bic_` as it is.
    n_init : int, default=10
        Number of starts: k-means, a tree of a draw, then more k-means and customers
        drawn at random in turn.
    start_size : int or None, default=20000
        Beyond so many customers starts are run on a random draw of so many, and the
        best three different ones on all. None runs every start on all customers. Up to
        so many, neither the order of customers nor whether equal ones are repeated or
        have a weight makes a difference.
    reg_covar : float, default=1e-8
        Added to the variances, in units of the variance of all customers: of the
        columns, with "full" and "tied" of all directions.
    max_iter : int, default=1000
        EM iterations of one start at most.
    tol : float, default=1e-6
        A start ends when the mean log-likelihood is expected to gain less than this,
        however long it went on.
    random_state : int, RandomState instance or None, default=None
        Seed of the starts. With an int a fit repeats bit for bit.

    Attributes
    ----------
    labels_ : ndarray of shape (n_customers,)
        Most probable segment of each training customer, the same as ``predict(X)``.
    n_segments_ : int
        Number of segments.
    segment_sizes_ : ndarray of shape (n_segments,)
        Customers for whom the segment is the most probable one, or the sum of their
        weights; largest first.
    segment_centers_ : ndarray of shape (n_segments, n_features)
        Means of the components, of merged ones by their shares.
    component_segments_ : ndarray of int, shape (n_components,)
        Segment of each component; ascending.
    weights_ : ndarray of shape (n_components,)
        Share of each component in the mixture. With `noise` they sum to less than one.
    means_ : ndarray of shape (n_components, n_features)
        Means of the components.
    covariances_ : ndarray
        Covariances, shaped as in scikit-learn's mixture by `covariance_type`.
    log_likelihood_ : float
        Log-likelihood of the training customers, in total.
    n_parameters_ : int
        Free parameters.
    aic_, bic_, icl_ : float
        Information criteria of the training customers; smaller is better. ICL is BIC
        with a penalty for customers who could be in more than one segment.
    relative_entropy_ : float
        One when every customer is surely in one segment, zero when all are in all.
    entropies_ : ndarray of shape (n_components,) or None
        Entropy of the memberships with one segment, two, and so on, as components were
        merged; None without `n_segments`.
    start_log_likelihoods_ : ndarray of shape (n_init,)
        Mean log-likelihood a customer where each start ended, on the draw if there was
        one; NaN for a start in which a component shrank to a few or to identical
        customers.
    regularized_ : bool
        Whether all starts collapsed so, and variances were drawn towards those of all
        customers (Fraley and Raftery, 2007).
    n_iter_ : int
        EM iterations that the kept start went on with to its end.
    converged_ : bool
        Whether it converged.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    See Also
    --------
    LatentClassSegmenter : Any kind of column, with missing answers.
    KMeansSegmenter : Faster, for round segments of similar spread.

    Notes
    -----
    A component is not always a segment: skewed columns take several components for
    one group of customers, and BIC asks for more of them the more customers there are.
    Transform such columns first, choose by ICL, or merge.

    **Scales.** EM works in a frame in which all customers have unit variance. With
    "full" and "tied" covariances no linear change of the columns changes the segments,
    with "diag" no change of a column's unit, with "spherical" no change of a common
    one. Directions in which customers do not differ, such as a constant column, are
    left out.

    **Merging.** Joining two components lowers the entropy of who belongs where (Baudry
    and others, 2010). The two are joined that lose most by customer of the smaller of
    them. "auto" goes on while that is above .479: so much lose two normal groups of one
    size and variance of whose customers one in ten lies nearer to the other's mean.

    **Collapse.** The likelihood of a component on one customer has no bound, so a high
    one can be worth nothing. A start counts only if each component has a direction of
    any length and more customers than parameters of its own ("full"), or two ("diag",
    "spherical").

    References
    ----------
    McLachlan, G. J. and Peel, D. (2000). Finite Mixture Models. Wiley.
    https://doi.org/10.1002/0471721182

    Fraley, C. and Raftery, A. E. (2002). Model-based clustering, discriminant
    analysis, and density estimation. Journal of the American Statistical Association
    97(458), 611-631. https://doi.org/10.1198/016214502760047131

    Fraley, C. and Raftery, A. E. (2007). Bayesian regularization for normal mixture
    estimation and model-based clustering. Journal of Classification 24(2), 155-181.
    https://doi.org/10.1007/s00357-007-0004-5

    Baudry, J.-P., Raftery, A. E., Celeux, G., Lo, K. and Gottardo, R. (2010). Combining
    mixture components for clustering. Journal of Computational and Graphical
    Statistics 19(2), 332-353. https://doi.org/10.1198/jcgs.2010.08111

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
        "n_segments": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
            None,
        ],
        "noise": ["boolean"],
        "weights": [StrOptions({"frequency", "sampling"})],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "start_size": [Interval(Integral, 1, None, closed="left"), None],
        "reg_covar": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=4,
        *,
        covariance_type="full",
        n_segments=None,
        noise=False,
        weights="frequency",
        n_init=10,
        start_size=20_000,
        reg_covar=1e-8,
        max_iter=1000,
        tol=1e-6,
        random_state=None,
    ):
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.n_segments = n_segments
        self.noise = noise
        self.weights = weights
        self.n_init = n_init
        self.start_size = start_size
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn the segments.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Numeric columns, without missing values.
        y : None
            Ignored; here for scikit-learn's sake.
        sample_weight : array-like of shape (n_customers,), default=None
            Weight of each customer, zero or more; see `weights`.

        Returns
        -------
        self : GaussianMixtureSegmenter

        Raises
        ------
        DegenerateFitError
            If there are fewer distinct customers of positive weight than components.
        DataQualityError
            If a weight is negative, or all are zero.
        """
        X, sample_weight = self._check_customers(
            X, self.n_components, sample_weight, min_customers=2
        )
        weights, n_counted = self._weights(sample_weight, len(X))
        rows, of_rows = self._distinct(X, weights)
        frame = Frame.of(X[rows], of_rows, self.covariance_type)
        runs, log_noise = self._run(X[rows], frame, of_rows)
        self._freeze(X, frame, runs, log_noise, sample_weight)
        log_likelihood = runs.log_likelihoods[0] + n_counted * frame.log_scale
        densities = self._densities(frame.matrix.shape[1], False)
        n_parameters = densities.n_parameters(self.n_components) + self.n_components - 1
        n_parameters += bool(self.noise)
        self._set_criteria((X.T,), log_likelihood, n_parameters, n_counted, weights)
        return self

    def _densities(self, d, regularized):
        """Return densities of customers in the frame, of d directions."""
        k = self.n_components
        if self.covariance_type in ("full", "tied"):
            prior = (d + 2, np.eye(d) * k ** (-2 / d)) if regularized else None
            tied = self.covariance_type == "tied"
            return GaussianDensities(d, tied=tied, ridge=self.reg_covar, prior=prior)
        prior = {}
        if regularized:
            variance = k ** (-2 / d) / (d + 4)
            prior = {"prior_count": d + 4.0, "prior_variance": variance}
        spherical = self.covariance_type == "spherical"
        return AxisDensities(d, spherical=spherical, ridge=self.reg_covar, **prior)

    def _run(self, X, frame, weights):
        Z = frame.apply(X)
        log_noise = None
        if self.noise:
            inside = Z if weights is None else Z[:, weights > 0]
            log_noise = -float(np.log(np.ptp(inside, axis=1)).sum())

        def mixture_of(rows, regularized):
            of_rows = None if weights is None else weights[rows]
            densities = self._densities(len(Z), regularized)
            return Mixture(densities, Z[:, rows], weights=of_rows, log_noise=log_noise)

        def start_frames(rows):
            framed = np.ascontiguousarray(Z[:, rows].T)
            if self.covariance_type in ("diag", "spherical"):
                return (framed,)
            # Directions may hide what columns show, and the other way round.
            deviations = np.sqrt(np.square(frame.inverse).sum(axis=0))
            some = deviations > 0
            scaled = (X[rows][:, some] - frame.center[some]) / deviations[some]
            return scaled, framed

        return self._learn(mixture_of, X, start_frames, weights), log_noise

    def _freeze(self, X, frame, runs, log_noise, sample_weight):
        """Set the parameters in the columns' own units, and all that follows."""
        learned = GaussianState(
            self.covariance_type, frame, runs.shares, runs.parameters, log_noise
        )

        def arrange(order):
            self._state = learned.arranged(order)
            self._gaussians = self._state.frozen()
            self.weights_ = self._state.shares[0]
            self.means_ = self._state.means()[0]
            self.covariances_ = self._state.shaped_covariances()

        means = learned.means()[0] - frame.center
        labels, sizes = self._set_mixture(
            (X.T,), arrange, runs.shares[0], means, sample_weight
        )
        members = self.component_segments_ == np.arange(len(sizes))[:, np.newaxis]
        by_share = members * self.weights_
        centers = by_share @ self.means_ / by_share.sum(axis=1, keepdims=True)
        self._set_segments(labels, sizes, centers)

    # -- as the mixin wants it ---------------------------------------------------------

    def _read(self, X):
        return (validate_data(self, X, dtype=np.float64, reset=False).T,)

    def _joint(self):
        noise = self._state.log_noise
        noise = None if noise is None else self._state.log_noise_joint
        return _GaussianJoint(self._gaussians, self._state.log_base, noise)

    def _mixture_of_new(self, read, weights):
        """Return customers, in the frame of `fit`, for runs by weights of their own."""
        Z = self._state.frame.apply(read[0].T)
        return Mixture(
            self._densities(len(Z), self.regularized_),
            Z,
            weights=weights,
            log_noise=self._state.log_noise,
        )

    @available_if(lambda self: not self.noise)
    def _scorer_step(self):
        segments = np.arange(self.n_segments_)
        if self.n_segments_ == len(self.component_segments_):
            return self._gaussians, segments
        return Components(self._gaussians, self.component_segments_), segments

    def _drawn(self, read, rng):
        """Draw as many customers from the mixture."""
        return self._state.drawn(read[0].shape[1], rng)
