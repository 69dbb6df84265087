"""The search over estimators and numbers of segments."""

import warnings
from collections import Counter
from numbers import Integral, Real
from threading import Lock

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import ClusterMixin, MetaEstimatorMixin, clone
from sklearn.utils import check_array, check_random_state

from custseg._sklearn import (
    BaseComposition,
    CallbackSupportMixin,
    HasMethods,
    Interval,
    available_if,
    check_is_fitted,
    fit_context,
    validate_data,
)
from custseg._utils._pipelines import last_step, path_to_last_step
from custseg._utils._seeds import draw_seed, fill_seed
from custseg.exceptions import (
    DataQualityError,
    DegenerateFitError,
    SchemaError,
    SegmentWarning,
)
from custseg.selection._silhouette import silhouette_scores

_CATCHING = Lock()


def _n_segments_parameter(name, estimator):
    """Name of the parameter that sets the number of segments."""
    prefix, last = path_to_last_step(estimator)
    for parameter in ("n_clusters", "n_components"):
        if parameter in last.get_params(deep=False):
            return prefix + parameter
    raise ValueError(
        "estimators must have n_clusters or n_components, a Pipeline in its last "
        f"step. Got {type(last).__name__} as {name!r} instead. Leave it out, or fit "
        "it by itself."
    )


def _named(estimators):
    """Name bare estimators after the class of their last step, as make_pipeline does.

    A name that comes twice is numbered: ``kmeanssegmenter-1``, ``kmeanssegmenter-2``.
    """
    named = [
        item
        if isinstance(item, tuple)
        else (type(last_step(item)).__name__.lower(), item)
        for item in estimators
    ]
    bare = [not isinstance(item, tuple) for item in estimators]
    repeats = Counter(name for (name, _), own in zip(named, bare, strict=True) if own)
    seen = Counter()
    for i, (name, estimator) in enumerate(named):
        if bare[i] and repeats[name] > 1:
            seen[name] += 1
            named[i] = (f"{name}-{seen[name]}", estimator)
    return named


def _is_count(number):
    is_whole = isinstance(number, Integral) and not isinstance(number, bool)
    return is_whole and number >= 1


def _fit_candidate(estimator, X):
    """Fit one candidate; what goes wrong, or is warned of, is returned as text."""
    # Catching warnings changes a state of the whole process: one thread at a time.
    with _CATCHING, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            labels, reason = np.asarray(estimator.fit_predict(X)), ""
            if labels.dtype.kind not in "iu":
                raise TypeError(f"labels must be integers. Got {labels.dtype} instead.")
        except Exception as error:  # a failed candidate is a row of the results
            estimator, labels = None, None
            # custseg's own sentences need no class name; a bare KeyError would.
            own = type(error).__module__ == DegenerateFitError.__module__
            reason = str(error) if own else f"{type(error).__name__}: {error}"
    notes = "; ".join(dict.fromkeys(str(warning.message) for warning in caught))
    return estimator, labels, reason, notes


def _fit_and_tell(search, estimator, X, context):
    """Fit one candidate as a task that callbacks are told of."""
    with context.propagate_callback_context(estimator):
        context.call_on_fit_task_begin(estimator=search, X=X)
        fit = _fit_candidate(estimator, X)
        context.call_on_fit_task_end(estimator=search, X=X)
    return fit


def _grouped_reasons(rows):
    """Write why candidates may not be chosen, each reason once with its candidates."""
    groups = {}
    for row in rows:
        names = groups.setdefault(row["reason"].rstrip("."), {})
        names.setdefault(row["estimator"], []).append(str(row["n_segments"]))
    said = []
    for reason, names in groups.items():
        tried = (f"{name} {', '.join(numbers)}" for name, numbers in names.items())
        said.append(f"{reason} ({'; '.join(tried)})")
    return " | ".join(said)


def _scoring_matrix(table):
    """Return the common space as a finite float matrix, or say which column hinders."""
    names = None
    frame = nw.from_native(table, eager_only=True, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        names = frame.columns
        text = [name for name in names if not frame.schema[name].is_numeric()]
        text = [name for name in text if frame.schema[name] != nw.Boolean]
        if text:
            raise SchemaError(
                "Candidates must be scored in a space of numbers. Got columns that "
                f"are none instead: {', '.join(map(repr, text))}. Pass score_on=, a "
                "transformer that turns the table into numbers."
            )
    Z = check_array(table, dtype=np.float64, ensure_all_finite=False)
    n_bad = (~np.isfinite(Z)).sum(axis=0)
    if n_bad.any():
        bad = [
            f"{n_bad[j]} in column {j if names is None else repr(names[j])}"
            for j in np.flatnonzero(n_bad)
        ]
        raise DataQualityError(
            "The space that candidates are scored in must have no missing value (NaN) "
            f"and no infinite one (inf). Got {', '.join(bad)} instead. Put a "
            "transformer that fills them before the search, or pass it as score_on=."
        )
    return Z


def _best_can(method):
    """Whether the chosen estimator, or before fit the first one, has the method."""

    def check(search):
        if hasattr(search, "best_estimator_"):
            return hasattr(search.best_estimator_, method)
        return hasattr(_named(search.estimators)[0][1], method)

    return check


class SegmentSearch(
    CallbackSupportMixin, ClusterMixin, MetaEstimatorMixin, BaseComposition
):
    """Chooses the clusterer and the number of segments by silhouette.

    Fits every estimator with every number of segments, scores all of them in one
    common space and acts as the best: a clusterer itself, that can be the last step
    of a Pipeline and can search over Pipelines.

    Parameters
    ----------
    estimators : list of estimators or of (name, estimator) tuples
        Clusterers with ``n_clusters``, mixtures with ``n_components``, or Pipelines
        that end in one. A bare estimator is named after the class of its last step,
        in lower case.
    n_segments : sequence of int, default=(2, 3, 4, 5, 6, 7, 8)
        Numbers of segments to try, such as ``range(2, 9)``.
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
    n_jobs : int, default=None
        Candidates fitted at a time, as in joblib. Results are the same for any number.
    random_state : int, RandomState instance or None, default=None
        Fills every ``random_state`` that is None in the estimators and seeds the draw
        of customers. With an int a search repeats bit for bit.
    verbose : int, default=0
        Above 0 joblib prints how many candidates are fitted. Nothing is printed by
        default; scikit-learn's callbacks (from its version 1.9), such as
        ``search.set_callbacks(ProgressBar())``, are told of every candidate.

    Attributes
    ----------
    results_ : DataFrame of shape (n_candidates, 11)
        One row a candidate: ``estimator`` (name), ``n_segments``, ``silhouette``,
        ``silhouette_se`` (standard error of its estimate, 0 where exact),
        ``smallest_share``, ``sizes``, ``bic`` (where the model has one; smaller is
        better, and only comparable over the same columns), ``eligible``,
        ``selected``, ``reason`` (why it failed or may not be chosen) and ``notes``
        (what it warned of).
    candidates_ : dict of (name, n_segments) to fitted estimator
        The candidates that could be fitted.
    best_estimator_ : estimator
        The chosen candidate.
    labels_ : ndarray of shape (n_customers,)
        Segment of each training customer, as the chosen candidate numbers them.
    n_segments_ : int
        Number of segments chosen.
    segment_sizes_ : ndarray of shape (n_segments,)
        Customers in each segment.
    segment_centers_ : ndarray of shape (n_segments, n_features) or None
        Of the chosen candidate, in its own space.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    Warns
    -----
    SegmentWarning
        If the chosen candidate warned while it was fitted.

    Notes
    -----
    A silhouette favours round, well separated segments, and on answers of surveys it
    often rises with every further segment: read `results_` and the profiles, not the
    one best figure.

    References
    ----------
    Rousseeuw, P. J. (1987). Silhouettes: a graphical aid to the interpretation and
    validation of cluster analysis. Journal of Computational and Applied Mathematics
    20, 53-65. https://doi.org/10.1016/0377-0427(87)90125-7

    Examples
    --------
    >>> import numpy as np
    >>> from custseg import KMeansSegmenter, GaussianMixtureSegmenter, SegmentSearch
    >>> rng = np.random.default_rng(0)
    >>> X = np.vstack([rng.normal(m, 1, (50, 2)) for m in (0, 10, 20)])
    >>> search = SegmentSearch(
    ...     [KMeansSegmenter(), GaussianMixtureSegmenter()],
    ...     n_segments=(2, 3, 4),
    ...     random_state=0,
    ... ).fit(X)
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
        "score_on": [HasMethods(["fit", "transform"]), None],
        "min_segment_share": [Interval(Real, 0, 1, closed="left")],
        "sample_size": [Interval(Integral, 2, None, closed="left"), None],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimators,
        n_segments=(2, 3, 4, 5, 6, 7, 8),
        *,
        score_on=None,
        min_segment_share=0.02,
        sample_size=5000,
        n_jobs=None,
        random_state=None,
        verbose=0,
    ):
        self.estimators = estimators
        self.n_segments = n_segments
        self.score_on = score_on
        self.min_segment_share = min_segment_share
        self.sample_size = sample_size
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False, tells_tasks=True)
    def fit(self, X, y=None):
        """Fit all candidates, score them and keep the best.

        Parameters
        ----------
        X : array-like or frame of shape (n_customers, n_features)
            What the estimators take.
        y : None
            Ignored; here for scikit-learn's sake.

        Returns
        -------
        self : SegmentSearch

        Raises
        ------
        ValueError
            If an estimator has neither ``n_clusters`` nor ``n_components``, names
            repeat, or a number of segments is not a positive integer.
        SchemaError
            If the common space has columns that are not numbers.
        DataQualityError
            If the common space has missing or infinite values.
        DegenerateFitError
            If no candidate may be chosen; the message has the reasons.
        """
        validate_data(self, X, skip_check_array=True)
        if self.score_on is None:
            Z = _scoring_matrix(X)
        else:
            Z = _scoring_matrix(clone(self.score_on).fit_transform(X))
        seed = self.random_state
        if seed is not None:
            seed = draw_seed(check_random_state(seed))
        candidates = self._candidates(seed)
        fits = self._fit_all(candidates, X)
        rows = [
            self._row(name, n, *fit)
            for (name, n, _), fit in zip(candidates, fits, strict=True)
        ]
        self._score(rows, [labels for _, labels, _, _ in fits], Z, seed)
        best = self._choose(rows)
        self.results_ = pd.DataFrame(rows)
        self.candidates_ = {
            (name, n): estimator
            for (name, n, _), (estimator, _, _, _) in zip(candidates, fits, strict=True)
            if estimator is not None
        }
        self.best_estimator_, self.labels_ = fits[best][:2]
        self.segment_sizes_ = np.array(rows[best]["sizes"])
        self.n_segments_ = len(self.segment_sizes_)
        self.segment_centers_ = getattr(
            last_step(self.best_estimator_), "segment_centers_", None
        )
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
        listed = self.results_[
            (self.results_["estimator"] == estimator)
            & (self.results_["n_segments"] == n_segments)
        ]
        if len(listed):
            raise DegenerateFitError(
                f"The candidate must have been fitted. Got {estimator!r} with "
                f"{n_segments} segments instead, which failed: "
                f"{listed['reason'].iloc[0]}"
            )
        names = ", ".join(map(repr, dict.fromkeys(self.results_["estimator"])))
        numbers = ", ".join(map(str, dict.fromkeys(self.results_["n_segments"])))
        raise ValueError(
            f"The candidate must be one of {names} with {numbers} segments. Got "
            f"{estimator!r} with {n_segments!r} instead. See results_."
        )

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
        return _named(self.estimators) if is_list else self.estimators

    @_named_estimators.setter
    def _named_estimators(self, estimators):
        self.estimators = estimators

    def _fit_all(self, candidates, X):
        """Fit the candidates, and tell callbacks of each."""
        context = self._init_callback_context(
            max_subtasks=len(candidates), sequential_subtasks=False
        )
        context.call_on_fit_task_begin(estimator=self, X=X)
        fits = Parallel(n_jobs=self.n_jobs, verbose=self.verbose)(
            delayed(_fit_and_tell)(
                self,
                estimator,
                X,
                context.subcontext(task_name=f"{name}, {n} segments", task_id=i),
            )
            for i, (name, n, estimator) in enumerate(candidates)
        )
        context.call_on_fit_task_end(estimator=self, X=X)
        return fits

    def _candidates(self, seed):
        """Every (name, number of segments, unfitted estimator), in listing order."""
        if not self.estimators:
            raise ValueError(
                "estimators must have at least one estimator. Got none instead. For "
                "example: SegmentSearch([KMeansSegmenter()])."
            )
        last = [one[-1] if isinstance(one, tuple) else one for one in self.estimators]
        classes = [one.__name__ for one in last if isinstance(one, type)]
        if classes:
            raise ValueError(
                "estimators must be objects. Got the class "
                f"{', '.join(classes)} instead. Write {classes[0]}()."
            )
        named = self._named_estimators
        self._validate_names([name for name, _ in named])
        if isinstance(self.n_segments, Integral):
            raise ValueError(
                "n_segments must be a sequence of numbers of segments to try. Got "
                f"{self.n_segments!r} instead. For example: range(2, 9), or "
                f"[{self.n_segments!r}] for that number alone."
            )
        numbers = list(self.n_segments)
        wrong = [n for n in numbers if not _is_count(n)]
        if wrong or not numbers:
            raise ValueError(
                "n_segments must be one or more positive integers. Got "
                f"{wrong or numbers} instead. For example: range(2, 9)."
            )
        candidates = []
        for name, estimator in named:
            parameter = _n_segments_parameter(name, estimator)
            for n in numbers:
                candidate = clone(estimator).set_params(**{parameter: int(n)})
                candidates.append((name, int(n), fill_seed(candidate, seed)))
        return candidates

    def _row(self, name, n_segments, estimator, labels, reason, notes):
        """One candidate as a row of the results, its silhouette yet to come."""
        sizes = ()
        if labels is not None:
            found = np.bincount(labels[labels >= 0], minlength=n_segments)
            sizes = tuple(found.tolist())
            share = min(sizes) / len(labels)
            if share < self.min_segment_share or share == 0:
                reason = (
                    f"smallest segment has {min(sizes)} of {len(labels)} customers, "
                    f"under min_segment_share={self.min_segment_share:g}"
                )
        return {
            "estimator": name,
            "n_segments": n_segments,
            "silhouette": np.nan,
            "silhouette_se": np.nan,
            "smallest_share": share if sizes else np.nan,
            "sizes": sizes,
            "bic": getattr(last_step(estimator), "bic_", np.nan),
            "eligible": False,
            "selected": False,
            "reason": reason,
            "notes": notes,
        }

    def _score(self, rows, labelings, Z, seed):
        """Write silhouettes of all candidates that can have one, in one pass."""
        pairs = zip(rows, labelings, strict=True)
        fitted = [(row, labels) for row, labels in pairs if labels is not None]
        scores, std_errors = silhouette_scores(
            Z,
            [labels for _, labels in fitted],
            sample_size=self.sample_size,
            random_state=seed,
            return_std_error=True,
        )
        for (row, _), score, std_error in zip(fitted, scores, std_errors, strict=True):
            if np.isnan(score):
                row["reason"] = row["reason"] or (
                    "a silhouette needs two segments or more, and fewer than customers"
                )
                continue
            row["silhouette"], row["silhouette_se"] = float(score), float(std_error)
            row["eligible"] = not row["reason"]

    def _choose(self, rows):
        """Index of the best eligible candidate; the first listed wins a tie."""
        eligible = [i for i, row in enumerate(rows) if row["eligible"]]
        if not eligible:
            failed = all(not row["sizes"] for row in rows)
            remedy = (
                "Try fewer segments or other estimators, or mend the table."
                if failed
                else "Look for outliers, try other numbers of segments or estimators, "
                "or lower min_segment_share."
            )
            n = len(rows)
            raise DegenerateFitError(
                "At least one candidate must be fit to be chosen. Got "
                f"{n} {'candidate that is' if n == 1 else 'candidates that are'} not "
                f"instead: {_grouped_reasons(rows)}. {remedy}"
            )
        best = max(eligible, key=lambda i: rows[i]["silhouette"])
        rows[best]["selected"] = True
        if rows[best]["notes"]:
            warnings.warn(
                f"The chosen candidate ({rows[best]['estimator']}, "
                f"{rows[best]['n_segments']} segments) warned: {rows[best]['notes']}",
                SegmentWarning,
                stacklevel=4,
            )
        return best
