"""What a search is given: estimators, numbers of segments, and a space to score in."""

from collections import Counter
from numbers import Integral

import narwhals.stable.v2 as nw
import numpy as np
from sklearn.base import clone
from sklearn.utils import check_array, check_random_state
from sklearn.utils.metadata_routing import process_routing
from sklearn.utils.validation import has_fit_parameter

from custseg._sklearn import routing_enabled
from custseg._utils._frames import as_frame, as_known_frame
from custseg._utils._pipelines import last_step
from custseg._utils._seeds import draw_seed, fill_seed
from custseg.exceptions import DataQualityError, SchemaError
from custseg.selection._candidate import number_parameter
from custseg.selection._choice import STD_ERRORS


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


def check_numbered(estimators):
    """Refuse an estimator that cannot be asked for a number of segments."""
    for name, estimator in estimators:
        if number_parameter(estimator) is None:
            raise ValueError(
                "estimators must have n_clusters or n_components, a Pipeline in its "
                f"last step. Got {type(last_step(estimator)).__name__} as {name!r} "
                "instead. Leave it out, or fit it by itself."
            )


def check_search(search, estimators, sample_weight):
    """Check what a fit is asked for; return the numbers of segments.

    Parameters
    ----------
    search : SegmentSearch
    estimators : list of (name, estimator)
    sample_weight : ndarray of shape (n_customers,) or None

    Returns
    -------
    numbers : list of int
    """
    numbers = checked_numbers(search.n_segments)
    check_numbered(estimators)
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
    check_weights_taken(estimators)
    return numbers


def check_weights_taken(estimators):
    """Refuse estimators that take no weights; with routing they may ask for none."""
    refuse = [
        name
        for name, estimator in estimators
        if not has_fit_parameter(last_step(estimator), "sample_weight")
    ]
    if refuse and not routing_enabled():
        raise ValueError(
            "sample_weight must be taken by every estimator. Got "
            f"{', '.join(refuse)} without instead. Leave them out, or leave the "
            "weights out."
        )


def seed_of(random_state):
    """Return an int drawn from what was given as a random state, or None for None."""
    return None if random_state is None else draw_seed(check_random_state(random_state))


def one_table(X):
    """Return a frame that scikit-learn knows, or else a two-dimensional array."""
    if as_frame(X) is not None:
        return as_known_frame(X)
    return check_array(X, dtype=None, ensure_all_finite=False)


def common_space(X, score_on, seed):
    """Return the numbers that candidates are scored on: all of X, or as transformed."""
    if score_on is None:
        return scoring_matrix(X)
    return scoring_matrix(fill_seed(clone(score_on), seed).fit_transform(X))


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
