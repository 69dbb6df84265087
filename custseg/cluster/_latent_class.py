"""Latent class segments of columns of any kind, with missing answers."""

import warnings
from numbers import Integral, Real

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from custseg._sklearn import (
    Interval,
    StrOptions,
    check_is_fitted,
    check_weights,
    fit_context,
)
from custseg.cluster._class_columns import learn_columns, read_new
from custseg.cluster._class_state import ClassState, Overall, Scores, arranged, flat
from custseg.cluster._densities import (
    AxisDensities,
    CountDensities,
    JointDensities,
    LevelDensities,
    known_values,
)
from custseg.cluster._em import Mixture
from custseg.cluster._mixture_segmenter import MixtureSegmenterMixin
from custseg.exceptions import SegmentWarning
from custseg.scoring import AsScored, Components

_RIDGE = 1e-8  # of the variance of all customers


class LatentClassSegmenter(MixtureSegmenterMixin, BaseEstimator):
    """Segments of customers who answer alike, whatever kind of columns they have.

    Within a class columns are independent of each other: levels have the probabilities
    of the class, counts its rate (Poisson) and numbers its mean and variance
    (Gaussian). A missing answer says nothing about a customer, and costs nothing:
    classes are learned, and customers assigned, by the answers there are.

    Parameters
    ----------
    n_components : int, default=4
        Number of classes.
    columns : dict of str to {"categorical", "poisson", "gaussian"}, default=None
        How columns are distributed. Those not named are decided: text, booleans,
        categories and whole numbers of up to ten values are "categorical", whole
        numbers that begin at 0 or 1 and have a variance of up to five means are
        "poisson", all others "gaussian". Columns of an array are called "x0", "x1"
        and so on.
    n_segments : int, "auto" or None, default=None
        Into how many segments classes are merged, those first that are hardest to tell
        apart; see `GaussianMixtureSegmenter`. None keeps each class as a segment.
    prior_count : float, default=1.0
        Customers' worth of what all customers answer that is added, spread evenly over
        the classes, so that nothing is impossible because no customer of a class has
        answered so. Zero is maximum likelihood.
    weights : {"frequency", "sampling"}, default="frequency"
        What `sample_weight` means: how many customers a row stands for, or how many a
        sampled customer stands for. As sampling weights they leave the number of
        customers in `bic_` as it is.
    n_init : int, default=20
        Number of starts.
    start_size : int or None, default=20000
        Beyond so many customers starts are run on a random draw of so many, and the
        best three different ones on all. None runs every start on all customers. Up to
        so many, neither the order of customers nor whether equal ones are repeated or
        have a weight makes a difference.
    max_iter : int, default=2000
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
    segment_centers_ : None
        Levels have no centre; see `item_responses`.
    component_segments_ : ndarray of int, shape (n_components,)
        Segment of each class; ascending.
    weights_ : ndarray of shape (n_components,)
        Share of each class.
    distributions_ : dict of str to str
        How each column was taken to be distributed.
    levels_ : dict of str to tuple of str
        Levels of each categorical column.
    log_likelihood_ : float
        Log-likelihood of the training customers' answers, in total.
    n_parameters_ : int
        Free parameters.
    aic_, bic_, icl_ : float
        Information criteria of the training customers; smaller is better. ICL is BIC
        with a penalty for customers who could be in more than one segment.
    relative_entropy_ : float
        One when every customer is surely in one segment, zero when all are in all.
    entropies_ : ndarray of shape (n_components,) or None
        Entropy of the memberships with one segment, two, and so on, as classes were
        merged; None without `n_segments`.
    start_log_likelihoods_ : ndarray of shape (n_init,)
        Mean log-likelihood a customer where each start ended, on the draw if there was
        one; NaN for a start in which numbers of a class were all but the same.
    regularized_ : bool
        Whether they were in all starts.
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
    GaussianMixtureSegmenter : Numbers that depend on each other within a segment.
    bivariate_residuals : Which two columns the classes do not explain.
    bootstrap_parameters : Standard errors and intervals of shares and responses.
    bootstrap_likelihood_ratio : Whether one class more is needed.

    Notes
    -----
    **What missing means.** The likelihood of a customer is that of the answers given.
    This is right if whether somebody answers depends on nothing but the class and the
    other answers given ("missing at random"); if people leave out an answer because of
    what it would be, make "no answer" a level of its own.

    **Unseen levels.** A level that no training customer had is taken as missing and
    warned of, with its column and count.

    **Ordered levels** are levels like others: their order is not used, and nothing is
    assumed about distances between them.

    References
    ----------
    Lazarsfeld, P. F. and Henry, N. W. (1968). Latent Structure Analysis. Houghton
    Mifflin.

    Goodman, L. A. (1974). Exploratory latent structure analysis using both identifiable
    and unidentifiable models. Biometrika 61(2), 215-231.
    https://doi.org/10.1093/biomet/61.2.215

    Vermunt, J. K. and Magidson, J. (2002). Latent class cluster analysis. In Applied
    Latent Class Analysis, Cambridge University Press, 89-106.
    https://doi.org/10.1017/CBO9780511499531.004

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from custseg.cluster import LatentClassSegmenter
    >>> rng = np.random.default_rng(0)
    >>> online = rng.random(300) < 0.6
    >>> customers = pd.DataFrame(
    ...     {
    ...         "channel": np.where(rng.random(300) < 0.9, online, ~online),
    ...         "visits": rng.poisson(np.where(online, 12, 3)),
    ...         "spend": rng.normal(np.where(online, 40.0, 60.0), 10),
    ...     }
    ... )
    >>> customers.loc[::7, "spend"] = None
    >>> segmenter = LatentClassSegmenter(2, random_state=0).fit(customers)
    >>> segmenter.distributions_
    {'channel': 'categorical', 'visits': 'poisson', 'spend': 'gaussian'}
    >>> segmenter.weights_.round(2)
    array([0.55, 0.45])
    >>> one = pd.DataFrame({"channel": [True], "visits": [6], "spend": [None]})
    >>> segmenter.predict_proba(one).round(2)
    array([[0.81, 0.19]])
    """

    _parameter_constraints = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "columns": [dict, None],
        "n_segments": [
            Interval(Integral, 1, None, closed="left"),
            StrOptions({"auto"}),
            None,
        ],
        "prior_count": [Interval(Real, 0, None, closed="left")],
        "weights": [StrOptions({"frequency", "sampling"})],
        "n_init": [Interval(Integral, 1, None, closed="left")],
        "start_size": [Interval(Integral, 1, None, closed="left"), None],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_components=4,
        *,
        columns=None,
        n_segments=None,
        prior_count=1.0,
        weights="frequency",
        n_init=20,
        start_size=20_000,
        max_iter=2000,
        tol=1e-6,
        random_state=None,
    ):
        self.n_components = n_components
        self.columns = columns
        self.n_segments = n_segments
        self.prior_count = prior_count
        self.weights = weights
        self.n_init = n_init
        self.start_size = start_size
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn the classes.

        Parameters
        ----------
        X : frame or array-like of shape (n_customers, n_features)
            Columns of any kind but dates, with missing answers as they are.
        y : None
            Ignored; here for scikit-learn's sake.
        sample_weight : array-like of shape (n_customers,), default=None
            Weight of each customer, zero or more; see `weights`.

        Returns
        -------
        self : LatentClassSegmenter

        Raises
        ------
        DegenerateFitError
            If there are fewer distinct customers of positive weight than classes.
        DataQualityError
            If a column has no answer at all, a number is infinite, text has a level
            for almost every customer, or weights are negative or all zero.
        SchemaError
            If `columns` names a column that is not there, a column holds dates, or one
            declared "poisson" other than counts.
        """
        columns, read = learn_columns(self, X, self.columns)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, read.codes.T)
        table = read.table()
        self._check_distinct(table, self.n_components, sample_weight)
        self._tell_silent(read)
        self.distributions_, self.levels_ = columns.distributions, columns.levels
        weights, n_counted = self._weights(sample_weight, read.n_customers)
        some, of_some = self._distinct(table, weights)
        distinct = read.rows(some)
        overall = Overall.of(distinct, columns, of_some)

        def mixture_of(rows, regularized):
            drawn = distinct.rows(rows)
            of_rows = None if of_some is None else of_some[rows]
            densities, parts = self._densities(drawn, columns, overall)
            return Mixture(densities, *parts, weights=of_rows)

        def start_frames(rows):
            return (overall.start_frame(distinct.rows(rows), columns),)

        runs = self._learn(mixture_of, table[some], start_frames, of_some)
        self._freeze(read, columns, overall, runs, sample_weight)
        densities, _ = self._densities(read.rows(slice(0, 0)), columns, overall)
        n_parameters = densities.n_parameters(self.n_components) + self.n_components - 1
        known = ~np.isnan(read.numbers)
        known = known if weights is None else known * weights
        jacobian = known.sum(axis=1) @ np.log(overall.scales)
        log_likelihood = runs.log_likelihoods[0] - jacobian
        self._set_criteria(read, log_likelihood, n_parameters, n_counted, weights)
        return self

    def _densities(self, read, columns, overall):
        """Return densities, and customers as they take them, numbers in the frame."""
        added = self.prior_count / self.n_components
        prior = {"prior_count": added}
        parts = []
        if len(read.codes):
            complete = (read.codes >= 0).all(axis=1)
            densities = LevelDensities(
                columns.n_levels, complete, prior=overall.shares, **prior
            )
            parts.append((densities, read.codes))
        if len(read.counts):
            gaps, values = known_values(read.counts)
            densities = CountDensities(
                len(read.counts), gaps, prior=overall.rates, **prior
            )
            parts.append((densities, values))
        if len(read.numbers):
            gaps, values = known_values(overall.framed(read.numbers))
            densities = AxisDensities(len(read.numbers), gaps, ridge=_RIDGE, **prior)
            parts.append((densities, values))
        densities, arrays = zip(*parts, strict=True)
        return JointDensities(densities), arrays

    def _freeze(self, read, columns, overall, runs, sample_weight):
        """Set the parameters in the columns' own units, and all that follows."""
        shares, parameters = runs.shares, runs.parameters
        signs = np.hstack(
            [part[0].reshape(shares.size, -1) for part in flat(parameters)]
        )

        def arrange(order):
            of_order = arranged(parameters, order)
            self._state = ClassState(columns, overall, shares[:, order], of_order)
            self._scores = Scores.of(self._state)
            self.weights_ = shares[0, order]

        labels, sizes = self._set_mixture(
            read, arrange, shares[0], signs, sample_weight
        )
        self._set_segments(labels, sizes, None)

    def item_responses(self):
        """Return what the customers of each class answer.

        Returns
        -------
        responses : DataFrame of shape (n_rows, 3 + n_components)
            Columns `column`, `distribution`, `figure`, and one for each class, called
            by its number. The figure is a level, whose probability stands there, the
            "rate" of a count, or the "mean" and "standard deviation" of a number.

        Examples
        --------
        >>> from custseg.cluster import LatentClassSegmenter
        >>> answers = [["yes", "no"]] * 30 + [["no", "yes"]] * 20
        >>> segmenter = LatentClassSegmenter(2, random_state=0).fit(answers)
        >>> segmenter.item_responses().round(2)
          column distribution figure     0     1
        0     x0  categorical     no  0.01  0.99
        1     x0  categorical    yes  0.99  0.01
        2     x1  categorical     no  0.99  0.01
        3     x1  categorical    yes  0.01  0.99
        """
        check_is_fitted(self)
        of, figures = self._state.named()
        rows = [
            (column, self.distributions_[column], level or figure)
            for figure, column, level in of
        ]
        names = pd.DataFrame(rows, columns=["column", "distribution", "figure"])
        return pd.concat([names, pd.DataFrame(figures[0])], axis=1)

    def _tell_silent(self, read):
        """Warn of customers who say nothing."""
        answers = (read.codes >= 0).sum(axis=0)
        answers += (~np.isnan(read.counts)).sum(axis=0)
        answers += (~np.isnan(read.numbers)).sum(axis=0)
        n_silent = np.count_nonzero(answers == 0)
        if n_silent:
            warnings.warn(
                "Each customer must have an answer to teach anything. Got "
                f"{n_silent} of {len(answers)} customers without any instead. They are "
                "in the largest class and count in its share alone: leave them out.",
                SegmentWarning,
                stacklevel=4,
            )

    # -- as the mixin wants it ---------------------------------------------------------

    def _read(self, X):
        return read_new(self, X, self._state.columns)

    def _joint(self):
        return self._scores

    def _mixture_of_new(self, read, weights):
        """Return customers, in the frame of `fit`, for runs by weights of their own."""
        state = self._state
        densities, parts = self._densities(read, state.columns, state.overall)
        return Mixture(densities, *parts, weights=weights)

    def _scorer_step(self):
        last, segments = AsScored(), np.arange(self.n_segments_)
        if self.n_segments_ < len(self.component_segments_):
            last = Components(last, self.component_segments_)
        return self._scores.frozen(self._state.columns), last, segments

    def _drawn(self, read, rng):
        """Draw as many customers, with the gaps of those who are given."""
        columns = self._state.drawn(read, rng)
        return pd.DataFrame({name: columns[name] for name in self.distributions_})

    def __sklearn_tags__(self):
        """Return scikit-learn's tags: missing values and levels are allowed."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags
