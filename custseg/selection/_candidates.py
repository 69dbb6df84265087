"""What a search tries: named estimators, numbers of segments and a common space."""

from collections import Counter
from contextlib import contextmanager
from numbers import Integral

import narwhals.stable.v2 as nw
import numpy as np
from joblib import Parallel, delayed
from sklearn.utils import check_array

from custseg._utils._pipelines import last_step
from custseg.exceptions import DataQualityError, SchemaError
from custseg.selection._fitting import Family, fit_last, prepare
from custseg.selection._likelihood import information_criteria


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
    last = [one[-1] if isinstance(one, tuple) else one for one in estimators]
    classes = [one.__name__ for one in last if isinstance(one, type)]
    if classes:
        raise ValueError(
            "estimators must be objects. Got the class "
            f"{', '.join(classes)} instead. Write {classes[0]}()."
        )


def checked_numbers(n_segments):
    """Return the numbers of segments to try as a list of int."""
    if isinstance(n_segments, Integral):
        raise ValueError(
            "n_segments must be a sequence of numbers of segments to try. Got "
            f"{n_segments!r} instead. For example: range(2, 9), or "
            f"[{n_segments!r}] for that number alone."
        )
    numbers = list(n_segments)
    wrong = [n for n in numbers if not _is_count(n)]
    if wrong or not numbers:
        raise ValueError(
            "n_segments must be one or more positive integers. Got "
            f"{wrong or numbers} instead. For example: range(2, 9)."
        )
    return [int(n) for n in numbers]


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

    return [
        (fit, information_criteria(fit.estimator, prepared.Z))
        for fit in fit_last(prepared, numbers, sample_weight, told)
    ]


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
        in_common_space = search.score_on is None and not prepared[i].pipelines
        families.append(
            Family(name, estimator, tuple(numbers), fits, criteria, in_common_space)
        )
    if search.criterion in ("bic", "icl"):
        _check_one_space(families, prepared, search.criterion)
    return families


def _check_one_space(families, prepared, criterion):
    """Refuse to compare likelihoods of different columns."""
    spaces = {
        family.name: np.asarray(one.Z)
        for family, one in zip(families, prepared, strict=True)
        if np.isfinite(family.likelihoods).any()
    }
    first = next(iter(spaces.values()), None)
    others = [name for name, Z in spaces.items() if not np.array_equal(first, Z)]
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
