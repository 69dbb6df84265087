"""What a search tries: named estimators, numbers of segments and a common space."""

from collections import Counter
from contextlib import contextmanager
from numbers import Integral

import narwhals.stable.v2 as nw
import numpy as np
from joblib import Parallel, delayed
from joblib import hash as hash_of
from sklearn.utils import check_array
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import has_fit_parameter

from custseg._sklearn import routing_enabled
from custseg._utils._pipelines import at_last_step, last_step
from custseg.exceptions import DataQualityError, SchemaError
from custseg.selection._fitting import (
    Family,
    Fit,
    fit_last,
    parameter_in,
    prepare,
)
from custseg.selection._likelihood import information_criteria
from custseg.selection._rules import STD_ERRORS


def named(estimators):
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


def checked_estimators(estimators):
    """Refuse an empty list, and classes in the place of objects."""
    if not estimators:
        raise ValueError(
            "estimators must have at least one estimator. Got none instead. For "
            "example: SegmentSearch([KMeansSegmenter()])."
        )
    last = [
        one[1] if isinstance(one, tuple) and len(one) == 2 else one
        for one in estimators
    ]
    classes = [one.__name__ for one in last if isinstance(one, type)]
    if classes:
        raise ValueError(
            "estimators must be objects. Got the class "
            f"{', '.join(classes)} instead. Write {classes[0]}()."
        )
    others = [one for one in last if not hasattr(one, "get_params")]
    if others:
        raise ValueError(
            "estimators must be clusterers, or Pipelines that end in one. Got "
            f"{', '.join(map(repr, others))} instead. For example: KMeansSegmenter()."
        )


def checked_numbers(n_segments):
    """Return the numbers of segments to try as a list of int, each once."""
    if isinstance(n_segments, Integral):
        raise ValueError(
            "n_segments must be a sequence of numbers of segments to try. Got "
            f"{n_segments!r} instead. For example: range(2, 9), or "
            f"[{n_segments!r}] for that number alone."
        )
    numbers = list(n_segments) if np.iterable(n_segments) else [n_segments]
    wrong = [n for n in numbers if not _is_count(n)]
    if wrong or not numbers:
        raise ValueError(
            "n_segments must be one or more positive integers. Got "
            f"{wrong or numbers} instead. For example: range(2, 9)."
        )
    return list(dict.fromkeys(int(n) for n in numbers))


def checked_search(search, estimators, sample_weight):
    """Check what a fit is asked for; return the numbers of segments."""
    numbers = checked_numbers(search.n_segments)
    for name, estimator in estimators:
        parameter_in(estimator, name)
    if search.rule == "one_se" and search.criterion not in STD_ERRORS:
        raise ValueError(
            "rule='one_se' must have a criterion with a standard error, "
            f"{' or '.join(map(repr, STD_ERRORS))}. Got {search.criterion!r} "
            "instead. Use rule='best', or one of these."
        )
    if sample_weight is None:
        return numbers
    if routing_enabled():
        process_routing(search, "fit", sample_weight=sample_weight)
        return numbers
    refuse = [
        name
        for name, estimator in estimators
        if not has_fit_parameter(last_step(estimator), "sample_weight")
    ]
    if refuse:
        raise ValueError(
            "sample_weight must be taken by every estimator. Got "
            f"{', '.join(refuse)} without instead. Leave them out, or leave the "
            "weights out."
        )
    return numbers


def digest_of(Z):
    """Tell customers from others without keeping them."""
    return hash_of(np.ascontiguousarray(Z))


def families_on(search, estimators, X, Z):
    """Return the candidates of a fitted search with the labels of customers.

    Parameters
    ----------
    search : SegmentSearch
    estimators : list of (name, estimator)
    X : table of shape (n_customers, n_features)
        Those of the fit, whose labels are the candidates' own, or others.
    Z : ndarray of shape (n_customers, n_columns)
        The common space.

    Returns
    -------
    families : list of Family
    """
    own = digest_of(Z) == search._digest
    families = []
    for name, estimator in estimators:
        rows = search.results_[search.results_["estimator"] == name]
        numbers = tuple(rows["n_segments"].tolist())
        fits = [
            _fit_on(search.candidates_.get((name, number)), name, X, own)
            for number in numbers
        ]
        families.append(Family(name, estimator, numbers, fits))
    return families


def _fit_on(estimator, name, X, own):
    if estimator is None:
        return Fit(None, None, "not fitted by the search", "")
    if own:
        labels = getattr(last_step(estimator), "labels_", None)
        if labels is not None:
            return Fit(estimator, np.asarray(labels), "", "")
    if hasattr(estimator, "predict"):
        return Fit(estimator, np.asarray(estimator.predict(X)), "", "")
    n_fitted = len(last_step(estimator).labels_)
    raise ValueError(
        f"X must be the {n_fitted} customers of fit for a candidate without predict. "
        f"Got {len(X)} others for {name} instead. Leave that estimator out of the "
        "search, or pass the customers of fit, in their order."
    )


def _fit_unit(search, prepared, numbers, X, sample_weight, contexts):
    """Fit some candidates as tasks that callbacks are told of."""
    contexts = iter(contexts)

    @contextmanager
    def told(last):
        context = next(contexts)
        with context.propagate_callback_context(last):
            context.call_on_fit_task_begin(estimator=search, X=X)
            yield
            context.call_on_fit_task_end(estimator=search, X=X)

    fits = fit_last(prepared, numbers, sample_weight, told)
    return [(fit, _criteria_of(fit.estimator, prepared, X)) for fit in fits]


def _criteria_of(estimator, prepared, X):
    # A Pipeline that is routed weights was fitted as a whole.
    Z = prepared.Z if prepared.pipelines else at_last_step(estimator, X)[1]
    return information_criteria(estimator, Z)


def fit_families(search, estimators, numbers, X, sample_weight, seed):
    """Fit all candidates in parallel, and tell callbacks of each.

    Parameters
    ----------
    search : SegmentSearch
    estimators : list of (name, estimator)
    numbers : list of int
    X : table of shape (n_customers, n_features)
    sample_weight : ndarray of shape (n_customers,) or None
    seed : int or None

    Returns
    -------
    families : list of Family
        One an estimator, in the same order.
    """
    context = search._init_callback_context(
        max_subtasks=len(estimators) * len(numbers), sequential_subtasks=False
    )
    context.call_on_fit_task_begin(estimator=search, X=X)
    options = {"seed": seed, "sample_weight": sample_weight}
    prepared = [prepare(estimator, X, **options) for _, estimator in estimators]
    units = []
    for i, (name, _) in enumerate(estimators):
        contexts = [
            context.subcontext(
                task_name=f"{name}, {n} segments", task_id=i * len(numbers) + j
            )
            for j, n in enumerate(numbers)
        ]
        # A tree is cut at all numbers where it was grown.
        size = len(numbers) if hasattr(prepared[i].last, "cut") else 1
        for start in range(0, len(numbers), size):
            part = slice(start, start + size)
            units.append((prepared[i], numbers[part], contexts[part]))
    done = Parallel(n_jobs=search.n_jobs, verbose=search.verbose)(
        delayed(_fit_unit)(search, one, some, X, sample_weight, told)
        for one, some, told in units
    )
    context.call_on_fit_task_end(estimator=search, X=X)
    made = [one for some in done for one in some]
    families = []
    for i, (name, estimator) in enumerate(estimators):
        fits, criteria = zip(*made[i * len(numbers) :][: len(numbers)], strict=True)
        in_common_space = search.score_on is None and not hasattr(estimator, "steps")
        families.append(
            Family(name, estimator, tuple(numbers), fits, criteria, in_common_space)
        )
    if search.criterion in ("bic", "icl"):
        _check_one_space(families, X, search.criterion)
    return families


def _check_one_space(families, X, criterion):
    """Refuse to compare likelihoods of different columns."""
    spaces = {}
    for family in families:
        known = np.flatnonzero(np.isfinite(family.likelihoods).any(axis=1))
        if len(known):
            estimator = family.fits[known[0]].estimator
            spaces[family.name] = at_last_step(estimator, X)[1]
    first = next(iter(spaces.values()), None)
    # A table of levels with gaps equals nothing, not even itself.
    others = [
        name
        for name, table in spaces.items()
        if table is not first
        and not np.array_equal(np.asarray(first), np.asarray(table))
    ]
    if others:
        raise ValueError(
            f"criterion={criterion!r} must compare likelihoods of the same columns, "
            f"scaled alike. Got others for {', '.join(others)} than for "
            f"{next(iter(spaces))} instead. Put one transformer before the search, or "
            "search each by itself."
        )


def scoring_matrix(table):
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


def grouped_reasons(rows):
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
