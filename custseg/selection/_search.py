"""The search over estimators and numbers of segments."""

import warnings
from dataclasses import replace
from numbers import Integral, Real

import numpy as np
from sklearn.base import ClusterMixin, MetaEstimatorMixin
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

from custseg._sklearn import (
    BaseComposition,
    CallbackSupportMixin,
    HasMethods,
    Interval,
    StrOptions,
    available_if,
    check_is_fitted,
    check_weights,
    fit_context,
    validate_data,
)
from custseg._utils._pipelines import last_step
from custseg.exceptions import SegmentWarning
from custseg.selection._choice import CRITERIA, choose, no_such_candidate
from custseg.selection._scores import add_scores, results_table
from custseg.selection._search_candidates import add_refits, candidates_of, digest_of
from custseg.selection._search_inputs import (
    check_search,
    checked_estimators,
    common_space,
    named,
    one_table,
    seed_of,
)
from custseg.selection._stability import stability_of


def _best_can(method):
    """Whether the chosen estimator, or before fit the first one, has the method."""

    def check(search):
        if hasattr(search, "best_estimator_"):
            return hasattr(search.best_estimator_, method)
        return hasattr(named(search.estimators)[0][1], method)

    return check


class SegmentSearch(
    CallbackSupportMixin, ClusterMixin, MetaEstimatorMixin, BaseComposition
):
    """Chooses the clusterer and the number of segments.

    Fits every estimator with every number of segments, works out criteria of all of
    them in one common space and acts as the one that the rule chooses: a clusterer
    itself, that can be the last step of a Pipeline and can search over Pipelines.

    Parameters
    ----------
    estimators : list of estimators or of (name, estimator) tuples
        Clusterers with ``n_clusters``, mixtures with ``n_components``, or Pipelines
        that end in one. A bare estimator is named after the class of its last step,
        in lower case.
    n_segments : sequence of int, default=(2, 3, 4, 5, 6, 7, 8)
        Numbers of segments to try, such as ``range(2, 9)``; of components, for mixtures
        that merge them. Steps before the last of a Pipeline are fitted once for all of
        them, and a hierarchy is cut from one tree.
    criterion : {"silhouette", "stability", "calinski_harabasz", "davies_bouldin", \
"gap", "bic", "icl"}, default="silhouette"
        What rules compare candidates by. "stability" is the median adjusted Rand index
        of pairs of refits to resamples; "bic" and "icl" are of mixtures, over the same
        columns; "gap" needs estimators that are no Pipelines.
    rule : {"best", "one_se", "stable"} or callable, default="best"
        - "best": the best by the criterion;
        - "one_se": the fewest segments within one standard error of the best, by
          "silhouette" (the error over refits to resamples) or "gap";
        - "stable": of each estimator the last number of segments before the lower
          quartile of the adjusted Rand index drops for good, whatever the criterion;
          of estimators the most stable;
        - a callable that gets `results_` and returns the index of an eligible row.
    score_on : transformer, default=None
        Makes the space in which all candidates are scored from what the search is
        given; None scores on what the search is given itself. Needed when the search
        is over Pipelines and is given a table with text or missing values: scores
        from different spaces do not compare, as fewer columns alone raise them.
    min_segment_share : float, default=0.02
        A candidate with a smaller segment, as a share of customers, is listed and
        never chosen: splitting off a few outliers gives high silhouettes and no
        segments.
    sample_size : int or None, default=5000
        Customers whose silhouettes are averaged, each compared with all customers;
        None averages over all, in time that grows with the square of their number.
    n_bootstraps : int, default=None
        Pairs of resamples that every candidate is fitted to, for "stability" and
        ``silhouette_boot_se``; None makes 100 where the criterion or rule needs them,
        else none.
    n_references : int, default=None
        Tables without segments that every candidate is fitted to, for "gap"; None
        makes 20 where that is the criterion, else none.
    n_jobs : int, default=None
        Fits made at a time, as in joblib. Results are the same for any number.
    random_state : int, RandomState instance or None, default=None
        Fills every ``random_state`` that is None in the estimators and seeds all
        draws. With an int a search repeats bit for bit.
    verbose : int, default=0
        Above 0 joblib prints how many fits are made. Nothing is printed by default;
        scikit-learn's callbacks (from its version 1.9), such as
        ``search.set_callbacks(ProgressBar())``, are told of every candidate.

    Attributes
    ----------
    results_ : DataFrame of shape (n_candidates, 21)
        One row per candidate; criteria that were not calculated are NaN:

        - ``estimator`` (name), ``n_segments`` that were asked for and ``found``, fewer
          where a mixture merged components;
        - ``silhouette``, ``silhouette_se`` (standard error of its estimate, 0 where
          exact) and ``silhouette_boot_se`` (over refits to resamples);
        - ``calinski_harabasz``, ``davies_bouldin`` (smaller is better);
        - ``gap`` and ``gap_se``;
        - ``bic`` and ``icl`` (smaller is better, and only comparable over the same
          columns);
        - ``stability``, the median adjusted Rand index of pairs of refits, and its
          quartiles ``stability_q25``, ``stability_q75``;
        - ``smallest_share`` and ``sizes``, customers or sums of their weights;
        - ``eligible``, ``selected``, ``reason`` (why it failed or may not be chosen)
          and ``notes`` (what it warned of).
    candidates_ : dict of (name, n_segments) to fitted estimator
        The candidates that could be fitted.
    stability_ : StabilityResult or None
        All figures of the resamples, if any were drawn.
    best_estimator_ : estimator
        The chosen candidate.
    labels_ : ndarray of shape (n_customers,)
        Segment of each training customer, as the chosen candidate numbers them.
    n_segments_ : int
        Number of segments chosen.
    segment_sizes_ : ndarray of shape (n_segments,)
        Customers in each segment, or the sum of their weights.
    segment_centers_ : ndarray of shape (n_segments, n_features) or None
        Of the chosen candidate, in its own space.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    Warns
    -----
    SegmentWarning
        If the chosen candidate warned while it was fitted, or stability never drops
        under the rule "stable".

    See Also
    --------
    bootstrap_stability : Stability of one estimator.
    structure_test : Whether there are segments at all.

    Notes
    -----
    A silhouette favours round, well separated segments, and on answers of surveys it
    often rises with every further segment. Where estimators of several kinds compete,
    "stable" is the fairer rule: it asks only whether segments come back.

    The variance of ``silhouette_boot_se`` is the sum of two: that of the mean
    silhouette over 50 refits at most, each carried to all customers, and that of
    customers' silhouettes over their number.

    References
    ----------
    Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and
    validation of cluster analysis. Journal of Computational and Applied Mathematics
    20, 53-65. https://doi.org/10.1016/0377-0427(87)90125-7

    Tibshirani, R., Walther, G. and Hastie, T. (2001). Estimating the number of clusters
    in a data set via the gap statistic. Journal of the Royal Statistical Society B
    63(2), 411-423. https://doi.org/10.1111/1467-9868.00293

    Dolnicar, S. and Leisch, F. (2010). Evaluation of structure and reproducibility of
    cluster solutions using the bootstrap. Marketing Letters 21, 83-101.
    https://doi.org/10.1007/s11002-009-9083-4

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter, GaussianMixtureSegmenter, SegmentSearch
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(m, 1, (50, 2)) for m in (0, 10, 20)])
    >>> estimators = [KMeansSegmenter(), GaussianMixtureSegmenter()]
    >>> search = SegmentSearch(estimators, n_segments=(2, 3, 4), random_state=0).fit(X)
    >>> search.n_segments_
    3
    >>> search.results_[["estimator", "n_segments", "silhouette"]].round(2).head(3)
             estimator  n_segments  silhouette
    0  kmeanssegmenter           2        0.69
    1  kmeanssegmenter           3        0.87
    2  kmeanssegmenter           4        0.70
    >>> search.select("gaussianmixturesegmenter", 2).n_segments_
    2
    """

    _parameter_constraints = {
        "estimators": [list, tuple],
        "n_segments": ["array-like", Integral],
        "criterion": [StrOptions(set(CRITERIA))],
        "rule": [StrOptions({"best", "one_se", "stable"}), callable],
        "score_on": [HasMethods(["fit", "transform"]), None],
        "min_segment_share": [Interval(Real, 0, 1, closed="left")],
        "sample_size": [Interval(Integral, 2, None, closed="left"), None],
        "n_bootstraps": [Interval(Integral, 0, None, closed="left"), None],
        "n_references": [Interval(Integral, 0, None, closed="left"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimators,
        n_segments=(2, 3, 4, 5, 6, 7, 8),
        *,
        criterion="silhouette",
        rule="best",
        score_on=None,
        min_segment_share=0.02,
        sample_size=5000,
        n_bootstraps=None,
        n_references=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.estimators = estimators
        self.n_segments = n_segments
        self.criterion = criterion
        self.rule = rule
        self.score_on = score_on
        self.min_segment_share = min_segment_share
        self.sample_size = sample_size
        self.n_bootstraps = n_bootstraps
        self.n_references = n_references
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False, tells_tasks=True)
    def fit(self, X, y=None, sample_weight=None):
        """Fit all candidates, score them and keep the one that the rule chooses.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            What the estimators take.
        y : None
            Ignored; here for scikit-learn's sake.
        sample_weight : array-like of shape (n_customers,), default=None
            Weight of each customer, zero or more: passed to every estimator, or with
            metadata routing to those that ask for it, and heeded by all criteria.

        Returns
        -------
        self : SegmentSearch

        Raises
        ------
        ValueError
            If an estimator has neither ``n_clusters`` nor ``n_components``, names
            repeat, a number of segments is not a positive integer, `criterion` and
            `rule` do not go together, an estimator takes no weights, or likelihoods of
            different columns would be compared.
        SchemaError
            If the common space has columns that are not numbers.
        DataQualityError
            If the common space has missing or infinite values.
        DegenerateFitError
            If no candidate may be chosen; the message has the reasons.
        """
        checked_estimators(self.estimators)
        validate_data(self, X, skip_check_array=True)
        estimators = self._named_estimators
        self._validate_names([name for name, _ in estimators])
        seed = seed_of(self.random_state)
        Z = common_space(X, self.score_on, seed)
        X = one_table(X)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, Z)
        numbers = check_search(self, estimators, sample_weight)
        # 1. Fit every estimator with every number of segments.
        candidates = candidates_of(self, estimators, numbers, X, sample_weight, seed)
        # 2. Score the candidates in the common space, and refit them where asked for.
        options = {"sample_weight": sample_weight, "seed": seed}
        add_scores(candidates, Z, sample_size=self.sample_size, **options)
        stability = add_refits(self, candidates, dict(estimators), X, Z, **options)
        # 3. Say which may not be chosen and why, and choose one of the others.
        chosen, note = choose(
            candidates, self.rule, self.criterion, self.min_segment_share
        )
        if note:
            warnings.warn(note, SegmentWarning, stacklevel=4)
        self._keep(candidates, chosen, stability)
        self._seed, self._digest = seed, digest_of(Z)
        return self

    @available_if(_best_can("predict"))
    def predict(self, X):
        """Segment of each customer by the chosen candidate.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        labels : ndarray of shape (n_customers,)
        """
        check_is_fitted(self)
        return self.best_estimator_.predict(X)

    @available_if(_best_can("predict_proba"))
    def predict_proba(self, X):
        """Probability of each segment by the chosen candidate.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        probabilities : ndarray of shape (n_customers, n_segments)
        """
        check_is_fitted(self)
        return self.best_estimator_.predict_proba(X)

    def select(self, estimator, n_segments):
        """Return a fitted candidate of one's own choice; the search stays as it is.

        To go on with it in a Pipeline: ``make_pipeline(road[:-1], chosen)``, which
        needs no new fit.

        Parameters
        ----------
        estimator : str
            Name of the estimator, as in ``results_``; a class name such as
            "KMeansSegmenter" is one in lower case.
        n_segments : int
            Number of segments that was asked for, as in ``results_``.

        Returns
        -------
        candidate : estimator
            Fitted; not a copy.

        Raises
        ------
        ValueError
            If there is no such candidate.
        DegenerateFitError
            If that candidate could not be fitted.
        """
        check_is_fitted(self)
        listed = set(self.results_["estimator"])
        if estimator not in listed and str(estimator).lower() in listed:
            estimator = str(estimator).lower()
        if (estimator, n_segments) in self.candidates_:
            return self.candidates_[estimator, n_segments]
        raise no_such_candidate(self.results_, estimator, n_segments)

    def stability(
        self,
        X,
        n_bootstraps=100,
        *,
        schemes=("bootstrap",),
        n_null=99,
        sample_weight=None,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        """Tell whether the segments of all candidates would come back.

        Changes nothing on the search.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            Customers: those of `fit`, whose segments are those of the candidates'
            ``labels_``, or others, whose segments they predict.
        n_bootstraps : int, default=100
            Pairs of bootstrap samples, and resamples of each other scheme.
        schemes : sequence of str, default=("bootstrap",)
            As in `bootstrap_stability`.
        n_null : int, default=99
            Draws of the test whether there are segments at all, 19 or more; 0 leaves
            tests out.
        sample_weight : array-like of shape (n_customers,), default=None
            Weight of each customer; tests of structure are left out then.
        n_jobs : int, default=None
            Resamples fitted at a time; None takes that of the search.
        random_state : int, RandomState instance or None, default=None
            Seed of all draws; None takes that of the search.
        verbose : int, default=0
            Above 0 joblib prints its progress.

        Returns
        -------
        result : StabilityResult
            Its verdict is about the chosen candidate, in the space that candidates are
            scored in.

        Raises
        ------
        ValueError
            If a scheme is unknown, a count is out of range, or a candidate without
            `predict` is asked about other customers than those of `fit`.

        Warns
        -----
        SegmentWarning
            If a test of structure is left out, as there are too few customers or
            columns.
        """
        check_is_fitted(self)
        options = {"schemes": schemes, "n_null": n_null, "n_jobs": n_jobs}
        options |= {"random_state": random_state, "verbose": verbose}
        return stability_of(self, X, n_bootstraps, sample_weight, **options)

    def get_params(self, deep=True):
        """Parameters, those of the estimators as ``<name>__<parameter>``.

        Parameters
        ----------
        deep : bool, default=True
            Whether to give the parameters of the estimators as well.

        Returns
        -------
        params : dict
        """
        return self._get_params("_named_estimators", deep=deep)

    def set_params(self, **params):
        """Set parameters, those of the estimators as ``<name>__<parameter>``.

        Parameters
        ----------
        **params : dict
            New values by parameter name.

        Returns
        -------
        self : SegmentSearch
        """
        # As a whole first, so that parameters of estimators reach the new ones.
        if "estimators" in params:
            self.estimators = params.pop("estimators")
        return self._set_params("_named_estimators", **params)

    @property
    def _named_estimators(self):
        # get_params must answer even for what fit will refuse.
        is_list = isinstance(self.estimators, (list, tuple))
        return named(self.estimators) if is_list else self.estimators

    @_named_estimators.setter
    def _named_estimators(self, estimators):
        self.estimators = estimators

    def get_metadata_routing(self):
        """Say which estimators ask for weights, and that the search takes them itself.

        Returns
        -------
        routing : MetadataRouter
        """
        router = MetadataRouter(owner=type(self).__name__).add_self_request(self)
        mapping = MethodMapping().add(caller="fit", callee="fit")
        for name, estimator in self._named_estimators:
            router.add(**{name: estimator}, method_mapping=mapping)
        return router

    def _keep(self, candidates, chosen, stability):
        """Set what a fitted search has."""
        self.stability_ = stability and replace(stability, selected=chosen.key)
        self.results_ = results_table(candidates, chosen)
        self.candidates_ = {
            one.key: one.estimator for one in candidates if one.labels is not None
        }
        self.best_estimator_, self.labels_ = chosen.estimator, chosen.labels
        self.segment_sizes_ = np.array(chosen.sizes)
        self.n_segments_ = len(chosen.sizes)
        last = last_step(chosen.estimator)
        self.segment_centers_ = getattr(last, "segment_centers_", None)
