"""Fits of one estimator with several numbers of segments, and labels of others."""

import warnings
from contextlib import nullcontext
from copy import copy
from functools import partial
from threading import RLock
from typing import NamedTuple

import numpy as np
from joblib import parallel_config
from joblib.parallel import get_active_backend
from sklearn.base import clone
from sklearn.utils import check_array

from custseg._sklearn import routed_to
from custseg._utils._frames import as_frame, as_known_frame
from custseg._utils._pipelines import at_last_step, last_step, path_to_last_step
from custseg._utils._seeds import fill_seed
from custseg.cluster import segment_prototypes
from custseg.engine import nearest_point
from custseg.exceptions import DegenerateFitError

_CATCHING = RLock()  # a search may be fitted inside a fit


class Fit(NamedTuple):
    """One fitted candidate, or why there is none."""

    estimator: object  # fitted, or None
    labels: object  # ndarray of the customers it was fitted on, or None
    reason: str  # why it failed, or ""
    notes: str  # what it warned of


class Family(NamedTuple):
    """An estimator with every number of segments that was tried."""

    name: str
    estimator: object  # as it was given, unfitted
    numbers: tuple
    fits: list  # of Fit, one a number
    likelihoods: list = ()  # of (BIC, ICL), one a number
    in_common_space: bool = True  # whether no step comes before the last


class Prepared(NamedTuple):
    """An estimator whose steps before the last are fitted."""

    pipelines: tuple  # the Pipeline, and the one it ends in, and so on; () for none
    last: object  # unfitted, or None where a step before it failed
    Z: object  # what the last step gets
    reason: str  # why a step failed, or ""
    notes: str  # what steps warned of


def parameter_in(estimator, name):
    """Name of the parameter that sets the number of segments, with its prefix."""
    prefix, last = path_to_last_step(estimator)
    for parameter in ("n_clusters", "n_components"):
        if parameter in last.get_params(deep=False):
            return prefix + parameter
    raise ValueError(
        "estimators must have n_clusters or n_components, a Pipeline in its last "
        f"step. Got {type(last).__name__} as {name!r} instead. Leave it out, or fit "
        "it by itself."
    )


def one_table(X):
    """Return a frame that scikit-learn knows, or else a two-dimensional array."""
    if as_frame(X) is not None:
        return as_known_frame(X)
    return check_array(X, dtype=None, ensure_all_finite=False)


def fit_numbers(estimator, numbers, X, *, seed=None, sample_weight=None):
    """Fit clones of an estimator with each number of segments.

    Steps before the last of a Pipeline are fitted once, and a hierarchy is cut from
    one tree, so that a number more costs one last step.

    Parameters
    ----------
    estimator : clusterer, or Pipeline that ends in one
        Not changed.
    numbers : sequence of int or None
        None leaves the estimator's own number.
    X : table of shape (n_customers, n_features)
    seed : int or None
        Fills every `random_state` that is None.
    sample_weight : ndarray of shape (n_customers,), default=None

    Returns
    -------
    fits : list of Fit
    """
    prepared = prepare(estimator, X, seed=seed, sample_weight=sample_weight)
    return fit_last(prepared, numbers, sample_weight)


def prepare(estimator, X, *, seed=None, sample_weight=None):
    """Fit the steps before the last, once for all numbers of segments.

    A Pipeline that is routed weights fits as a whole, as any of its steps may ask for
    them.
    """
    estimator = fill_seed(clone(estimator), seed)
    if sample_weight is not None and routed_to(estimator, "sample_weight"):
        return Prepared((), estimator, X, "", "")
    fitted, reason, notes = _caught(_front_fitted, estimator, X)
    pipelines, last, Z = fitted or ((), None, None)
    return Prepared(pipelines, last, Z, reason, notes)


def _front_fitted(last, X):
    """Fit the steps before the last of a Pipeline, also where it ends in another."""
    pipelines = []
    while hasattr(last, "steps"):
        pipeline = copy(last)
        name, last = pipeline.steps[-1]
        if len(pipeline.steps) > 1:
            front = pipeline[:-1]
            X = front.fit_transform(X)
            pipeline.steps = [*front.steps, (name, last)]
        pipelines.append(pipeline)
    return tuple(pipelines), last, X


def fit_last(prepared, numbers, sample_weight=None, told=nullcontext):
    """Fit the last step with each number of segments; a tree is grown once.

    Parameters
    ----------
    prepared : Prepared
    numbers : sequence of int or None
    sample_weight : ndarray of shape (n_customers,), default=None
    told : callable, default=nullcontext
        ``told(last)`` gives the context that a last step is fitted in.

    Returns
    -------
    fits : list of Fit
        Whole Pipelines, where they were; they share the fitted steps.
    """
    if prepared.last is None:
        return [Fit(None, None, prepared.reason, prepared.notes) for _ in numbers]
    fits, tree = [], None
    for number in numbers:
        if tree is not None and number is not None:
            step, last = partial(_cut, number), tree
        else:
            step, last = _fitted, _numbered(prepared.last, number)
        with told(last):
            fitted, reason, notes = _caught(step, last, prepared.Z, sample_weight)
        notes = "; ".join(filter(None, (prepared.notes, notes)))
        last, labels = fitted or (None, None)
        if tree is None and hasattr(last, "cut"):
            tree = last
        whole = None if last is None else _whole(prepared.pipelines, last)
        fits.append(Fit(whole, labels, reason, notes))
    return fits


def carried(fit, X, X_new):
    """Labels of other customers: by predict, or else by prototypes of the segments.

    Parameters
    ----------
    fit : Fit
    X : table of shape (n_customers, n_features)
        The customers of the fit.
    X_new : table of shape (n_new_customers, n_features)

    Returns
    -------
    labels : ndarray of shape (n_new_customers,)
    """
    if hasattr(fit.estimator, "predict"):
        return np.asarray(fit.estimator.predict(X_new))
    X, X_new = (
        check_array(at_last_step(fit.estimator, one)[1], dtype=np.float64)
        for one in (X, X_new)
    )
    # Customers without a segment, -1, have prototypes as if they were one.
    names, codes = np.unique(fit.labels, return_inverse=True)
    points, segments = segment_prototypes(X, codes)
    return names[segments[nearest_point(X_new, points)[0]]]


def _caught(step, *arguments):
    """Make a step; what goes wrong, or is warned of, is returned as text."""
    # Catching warnings changes a state of the whole process: one thread at a time.
    with _CATCHING, _no_threads(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result, reason = step(*arguments), ""
        except Exception as error:  # a failed candidate is a row of the results
            # custseg's own sentences need no class name; a bare KeyError would.
            own = type(error).__module__ == DegenerateFitError.__module__
            reason = str(error) if own else f"{type(error).__name__}: {error}"
            result = None
    notes = "; ".join(dict.fromkeys(str(warning.message) for warning in caught))
    return result, reason, notes


def _no_threads():
    """Keep what is fitted inside a fit out of other threads: they would wait for ours.

    Processes are let be, as each has a lock of its own.
    """
    backend, _ = get_active_backend()
    threads = getattr(backend, "uses_threads", False)
    return parallel_config("sequential") if threads else nullcontext()


def _numbered(last, number):
    last = clone(last)
    if number is None:
        return last
    return last.set_params(**{parameter_in(last, "the last step"): number})


def _fitted(last, Z, sample_weight):
    if sample_weight is None or routed_to(last, "sample_weight") is False:
        last.fit(Z)
    else:
        last.fit(Z, sample_weight=sample_weight)
    return last, _labels_of(last, Z)


def _cut(number, tree, Z, sample_weight):
    other = tree.cut(Z, number, sample_weight=sample_weight)
    return other, other.labels_


def _labels_of(last, Z):
    labels = getattr(last_step(last), "labels_", None)
    labels = np.asarray(last.predict(Z) if labels is None else labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be integers. Got {labels.dtype} instead.")
    if labels.shape != Z.shape[:1]:
        raise ValueError(
            f"labels must be one a customer, of shape {Z.shape[:1]}. Got shape "
            f"{labels.shape} instead."
        )
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest < -1 or highest >= len(labels):
        raise ValueError(
            "labels must be numbered from 0, -1 for customers without a segment. Got "
            f"{lowest} to {highest} of {len(labels)} customers instead."
        )
    return labels.astype(np.intp, copy=False)


def _whole(pipelines, last):
    """Put a fitted last step behind the fitted steps before it."""
    for pipeline in reversed(pipelines):
        whole = copy(pipeline)
        whole.steps = [*pipeline.steps[:-1], (pipeline.steps[-1][0], last)]
        last = whole
    return last
