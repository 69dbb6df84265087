"""A candidate: an estimator asked for a number of segments, and what came of it."""

import warnings
from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from threading import RLock
from typing import NamedTuple

import numpy as np
from joblib import parallel_config
from joblib.parallel import get_active_backend
from sklearn.base import clone
from sklearn.utils import check_array

from custseg._sklearn import routed_to
from custseg._utils._pipelines import at_last_step, last_step, path_to_last_step
from custseg._utils._seeds import fill_seed
from custseg.cluster import segment_prototypes
from custseg.engine import nearest_point
from custseg.exceptions import DegenerateFitError

_CATCHING = RLock()  # a search may be fitted inside a fit


@dataclass(eq=False)
class Candidate:
    """An estimator that was asked for a number of segments, and what came of it.

    A fit makes it, scoring adds criteria, the rules add a reason, refits are compared
    with it, and it becomes a row of ``results_``.

    Attributes
    ----------
    name : str
        Of the estimator.
    asked : int or None
        Number of segments that was asked for; None for the estimator's own.
    estimator : fitted estimator or None
        None where the fit failed.
    labels : ndarray of shape (n_customers,) or None
        Segment of each customer, -1 for none.
    sizes : tuple of shape (found,)
        Customers in each segment that was found, or sums of their weights.
    outside : float
        Customers in none, or the sum of their weights.
    criteria : dict of str to float
        Those that were calculated.
    reason : str
        Why it failed or may not be chosen; "" where it may.
    notes : str
        What it warned of.
    refits : CandidateRefits or None
        How its segments came back, where resamples were drawn.
    """

    name: str
    asked: int | None
    estimator: object = None
    labels: np.ndarray | None = None
    sizes: tuple = ()
    outside: float = 0
    criteria: dict = field(default_factory=dict)
    reason: str = ""
    notes: str = ""
    refits: object = None

    @classmethod
    def fitted(cls, name, asked, estimator, labels, weights=None, notes=""):
        """Make the candidate of a fitted estimator.

        A mixture whose components were merged has found fewer segments than it was
        asked for, and says so by ``n_segments_``. Other estimators have as many as
        they were asked for, some of them without customers.
        """
        found = getattr(last_step(estimator), "n_segments_", asked or 0)
        found = max(int(found), int(labels.max()) + 1)
        outside, *sizes = np.bincount(labels + 1, weights, minlength=found + 1).tolist()
        sizes = tuple(sizes)
        return cls(name, asked, estimator, labels, sizes, outside, notes=notes)

    @property
    def found(self):
        """Number of segments that were found, 0 where the fit failed."""
        return len(self.sizes)

    @property
    def n_customers(self):
        """All customers, or the sum of their weights."""
        return self.outside + sum(self.sizes)

    @property
    def smallest_share(self):
        """Share of the customers in the smallest segment; NaN where the fit failed."""
        return min(self.sizes) / self.n_customers if self.sizes else np.nan

    def as_row(self):
        """Return its row of ``results_``, by column."""
        return {
            "estimator": self.name,
            "n_segments": self.asked,
            "found": self.found,
            **self.criteria,
            "smallest_share": self.smallest_share,
            "sizes": self.sizes,
            "eligible": not self.reason,
            "reason": self.reason,
            "notes": self.notes,
        }

    @property
    def key(self):
        """Name of the estimator and number of segments: its key in tables."""
        return self.name, self.found if self.asked is None else self.asked

    @property
    def is_single(self):
        """Whether all customers are in one segment, or in none."""
        return self.labels is not None and np.ptp(self.labels) == 0


class Prepared(NamedTuple):
    """An estimator whose steps before the last are fitted."""

    name: str
    pipelines: tuple  # the Pipeline, and the one it ends in, and so on; () for none
    last: object  # unfitted, or None where a step before it failed
    parameter: object  # of the last step, that sets the number of segments, or None
    Z: object  # what the last step gets
    reason: str  # why a step failed, or ""
    notes: str  # what steps warned of


def number_parameter(estimator):
    """Parameter that sets the number of segments, with its prefix; None for none."""
    prefix, last = path_to_last_step(estimator)
    known = last.get_params(deep=False)
    for parameter in ("n_clusters", "n_components"):
        if parameter in known:
            return prefix + parameter
    return None


def fit_candidates(name, estimator, numbers, X, *, seed=None, sample_weight=None):
    """Fit clones of an estimator with each number of segments.

    Steps before the last of a Pipeline are fitted once, and a hierarchy is cut from
    one tree, so that a number more costs one last step.

    Parameters
    ----------
    name : str
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
    candidates : list of Candidate
    """
    prepared = prepare(name, estimator, X, seed=seed, sample_weight=sample_weight)
    return fit_last(prepared, numbers, sample_weight)


def prepare(name, estimator, X, *, seed=None, sample_weight=None):
    """Fit the steps before the last, once for all numbers of segments.

    A Pipeline that is routed weights fits as a whole, as any of its steps may ask for
    them.
    """
    estimator = fill_seed(clone(estimator), seed)
    fitted, reason, notes = ((), estimator, X), "", ""
    if sample_weight is None or not routed_to(estimator, "sample_weight"):
        fitted, reason, notes = _caught(_front_fitted, estimator, X)
    pipelines, last, Z = fitted or ((), None, None)
    parameter = None if last is None else number_parameter(last)
    return Prepared(name, pipelines, last, parameter, Z, reason, notes)


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


def fit_last(prepared, numbers, sample_weight=None, contexts=None, likelihoods=False):
    """Fit the last step with each number of segments; a tree is grown once.

    Parameters
    ----------
    prepared : Prepared
    numbers : sequence of int or None
    sample_weight : ndarray of shape (n_customers,), default=None
    contexts : list of callable or None, default=None
        For each number ``context(last)`` gives what its last step is fitted within.
    likelihoods : bool, default=False
        Whether to work out the information criteria of mixtures.

    Returns
    -------
    candidates : list of Candidate
        With whole Pipelines, where they were; they share the fitted steps.
    """
    name, pipelines, last, parameter, Z, reason, notes = prepared
    if last is None:
        return [Candidate(name, one, reason=reason, notes=notes) for one in numbers]
    candidates, tree = [], None
    contexts = contexts or [None] * len(numbers)
    for number, context in zip(numbers, contexts, strict=True):
        if tree is not None and number is not None:
            step, unfitted = partial(_cut, number), tree
        else:
            step, unfitted = _fitted, clone(last)
            if number is not None:
                unfitted.set_params(**{parameter: number})
        with context(unfitted) if context else nullcontext():
            fitted, reason, warned = _caught(step, unfitted, Z, sample_weight)
        warned = "; ".join(filter(None, (notes, warned)))
        if fitted is None:
            candidates.append(Candidate(name, number, reason=reason, notes=warned))
            continue
        fitted, labels = fitted
        if tree is None and hasattr(fitted, "cut"):
            tree = fitted
        one = Candidate.fitted(
            name, number, behind(pipelines, fitted), labels, sample_weight, warned
        )
        if likelihoods:
            one.criteria = information_criteria(fitted, Z)
        candidates.append(one)
    return candidates


def carried(candidate, X, X_new):
    """Labels of other customers: by predict, or else by prototypes of the segments.

    Parameters
    ----------
    candidate : Candidate
    X : table of shape (n_customers, n_features)
        The customers of the fit.
    X_new : table of shape (n_new_customers, n_features)

    Returns
    -------
    labels : ndarray of shape (n_new_customers,)
    """
    if hasattr(candidate.estimator, "predict"):
        return np.asarray(candidate.estimator.predict(X_new))
    X, X_new = (
        check_array(at_last_step(candidate.estimator, one)[1], dtype=np.float64)
        for one in (X, X_new)
    )
    # Customers without a segment, -1, have prototypes as if they were one.
    names, codes = np.unique(candidate.labels, return_inverse=True)
    points, segments = segment_prototypes(X, codes)
    return names[segments[nearest_point(X_new, points)[0]]]


def information_criteria(estimator, X):
    """BIC and ICL of a fitted mixture; smaller is better.

    ICL is the BIC of customers and their segments together, each customer in the most
    probable one, so that overlapping segments count against a mixture (Biernacki,
    Celeux and Govaert, 2000).

    Parameters
    ----------
    estimator : fitted estimator, or Pipeline that ends in one
    X : table of shape (n_customers, n_features)
        What it was fitted on.

    Returns
    -------
    criteria : dict of str to float
        "bic" and "icl", as far as there are such.

    References
    ----------
    Biernacki, C., Celeux, G. and Govaert, G. (2000). Assessing a mixture model for
    clustering with the integrated completed likelihood. IEEE Transactions on Pattern
    Analysis and Machine Intelligence 22(7), 719-725.
    https://doi.org/10.1109/34.865189
    """
    last = last_step(estimator)
    if hasattr(last, "bic_") and hasattr(last, "icl_"):
        return {"bic": float(last.bic_), "icl": float(last.icl_)}
    if not (hasattr(last, "bic_") or hasattr(last, "bic")):
        return {}
    Z = at_last_step(estimator, X)[1]
    bic = float(last.bic_ if hasattr(last, "bic_") else last.bic(Z))
    if not hasattr(last, "predict_proba"):
        return {"bic": bic}
    certainty = last.predict_proba(Z).max(axis=1)
    return {"bic": bic, "icl": float(bic - 2 * np.log(certainty).sum())}


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


def behind(pipelines, last):
    """Put a fitted last step behind the fitted steps before it."""
    for pipeline in reversed(pipelines):
        whole = copy(pipeline)
        whole.steps = [*pipeline.steps[:-1], (pipeline.steps[-1][0], last)]
        last = whole
    return last
