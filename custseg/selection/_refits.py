"""Refits of candidates: to resamples, and from other starts."""

from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone

from custseg._utils._pipelines import last_step
from custseg._utils._seeds import draw_seed
from custseg.cluster import (
    KMeansSegmenter,
    adjusted_rand,
    best_match,
    crossed,
    jaccards,
    moved_share,
    segment_multiplicity,
)
from custseg.selection._candidate import carried, fit_candidates
from custseg.selection._null import check_whole
from custseg.selection._resampling import NUMERIC, numbers_of, resampled
from custseg.selection._scores import by_estimator
from custseg.selection._stability_result import CandidateRefits, StabilityResult

_KEPT = 50  # refits of a candidate whose labels are kept
_N_RIVALS = 10
_AS_GOOD = 2  # difference of BIC
_AS_TIGHT = 0.001  # of the inertia, as for `segment_multiplicity`
_SAME = 0.001  # share of customers moved up to which two solutions are one


class Refit(NamedTuple):
    """One candidate fitted to one resample."""

    similar: dict  # of kind to the Jaccard similarity of each original segment
    labels: object  # of all customers; bootstrap only, and of some refits
    reason: str  # why it failed, or ""


def refit_all(
    candidates,
    estimators,
    X,
    *,
    n_bootstraps,
    seed,
    schemes=("bootstrap",),
    n_jobs=None,
    verbose=0,
    sample_weight=None,
    keep_labels=False,
):
    """Refit all candidates to pairs of bootstrap samples, and to other resamples.

    The two refits of a pair are compared where they are made, so that only figures come
    back, and labels of all customers only with `keep_labels`.

    Parameters
    ----------
    candidates : list of Candidate
        With their labels of all customers; get their `refits`.
    estimators : dict of str to estimator
        Unfitted, by the name of their candidates.
    X : table of shape (n_customers, n_features)
    n_bootstraps : int
        Pairs of bootstrap samples; half the samples of the other schemes.
    seed : int or None
    schemes : sequence of str, default=("bootstrap",)
        "bootstrap" first.
    n_jobs, verbose : int or None
    sample_weight : ndarray of shape (n_customers,), default=None
    keep_labels : bool, default=False
        Whether to keep labels by the first refit of each pair.

    Returns
    -------
    result : StabilityResult
        Without a selected candidate and tests.
    """
    check_whole("n_bootstraps", n_bootstraps, 1)
    for scheme in schemes:
        if scheme in NUMERIC:
            numbers_of(X, scheme)  # refuses now what it would after many refits
    # Fitted estimators stay here: refits are compared with labels alone.
    originals = [replace(one, estimator=None) for one in candidates]
    estimators = {name: clone(one) for name, one in estimators.items()}
    units = []
    for scheme, of_scheme in zip(
        schemes, np.random.SeedSequence(seed).spawn(len(schemes)), strict=True
    ):
        # The two samples of a pair are neighbours: 0 and 1, 2 and 3.
        size = 2 if scheme == "bootstrap" else 1
        sequences = of_scheme.spawn(size * n_bootstraps)
        units += [
            (scheme, sequences[start : start + size])
            for start in range(0, len(sequences), size)
        ]
    done = Parallel(n_jobs=n_jobs, verbose=verbose)(
        delayed(_refit)(originals, estimators, X, *unit, sample_weight, keep_labels)
        for unit in units
    )
    for one, *made in zip(candidates, *done, strict=True):
        one.refits = _gathered(one, made)
    kept = [
        replace(one, labels=None, refits=with_refits.refits._replace(labels=None))
        for one, with_refits in zip(originals, candidates, strict=True)
    ]
    return StabilityResult(kept, flow_table(originals, sample_weight))


def _gathered(candidate, made):
    """Put the refits of one candidate together, unit by unit."""
    refits = [refit for some, _ in made for refit in some]
    similar = {}
    for refit in refits:
        for kind, values in refit.similar.items():
            similar.setdefault(kind, []).append(values)
    agreements = [agreement for some, agreement in made if len(some) == 2]
    labels = [refit.labels for refit in refits if refit.labels is not None]
    return CandidateRefits(
        # One segment of all customers always agrees with itself.
        np.where(candidate.is_single, np.nan, agreements),
        {kind: np.array(values) for kind, values in similar.items()},
        [refit.reason for refit in refits if refit.reason],
        np.array(labels[:_KEPT]),
    )


def _refit(candidates, estimators, X, scheme, sequences, weights, keep_labels):
    """Fit all candidates to one resample or two, and compare."""
    made = []
    for sequence in sequences:
        rng = np.random.default_rng(sequence)
        resample = resampled(scheme, X, rng, weights)
        seed = int(rng.integers(2**31 - 1))
        refits = []
        for name, originals in by_estimator(candidates).items():
            fits = fit_candidates(
                name,
                estimators[name],
                [one.asked for one in originals],
                resample.table,
                seed=seed,
                sample_weight=resample.weights,
            )
            for original, fit in zip(originals, fits, strict=True):
                refits.append(_compared(original, fit, X, resample, scheme, weights))
        made.append(refits)
    units = []
    for first, *second in zip(*made, strict=True):
        agreement = np.nan
        if second:
            agreement = agreement_of(first.labels, second[0].labels, weights)
            second = [second[0]._replace(labels=None)]
        if not keep_labels:
            first = first._replace(labels=None)
        units.append(([first, *second], agreement))
    return units


def _compared(original, fit, X, resample, scheme, weights):
    """Look for the original segments among those of a refit."""
    unknown = np.full(original.found + 1, np.nan)
    failed = {scheme: unknown}
    if scheme == "bootstrap":
        failed["within"] = unknown
    if original.labels is None or fit.labels is None:
        return Refit(failed, None, fit.reason or "not fitted to all customers")
    customers = resample.customers
    similar = segment_jaccards(
        original.labels[customers],
        fit.labels[resample.rows],
        original.found,
        None if weights is None else weights[customers],
    )
    if scheme != "bootstrap":
        return Refit({scheme: similar}, None, "")
    try:
        labels = carried(fit, resample.table, X)
    except Exception as error:  # such as of a category that was not drawn
        return Refit(failed, None, f"{type(error).__name__}: {error}")
    within = segment_jaccards(original.labels, labels, original.found, weights)
    small = np.min_scalar_type(-int(labels.max()) - 2)
    return Refit({scheme: similar, "within": within}, labels.astype(small), "")


def segment_jaccards(labels, others, n_segments, weights=None):
    """Jaccard similarity of each segment with its most similar one of another labeling.

    Customers without a segment, -1, are compared with customers without one alone.

    Returns
    -------
    similarities : ndarray of shape (n_segments + 1,)
        That of -1 comes last. NaN for segments without customers.
    """
    shape = (n_segments + 1, max(int(others.max()) + 1, 1) + 1)
    table = crossed(labels + 1, others + 1, shape, weights)
    every = jaccards(table)
    best = np.append(every[1:, 1:].max(axis=1), every[0, 0])
    sizes = table.sum(axis=1)
    return np.where(np.append(sizes[1:], sizes[0]) > 0, best, np.nan)


def agreement_of(labels, others, weights=None):
    """Work out the adjusted Rand index of two labelings; NaN where one is None.

    Customers without a segment count as a segment of their own. Weights count
    customers, and where they are less than one on average (shares, for instance) they
    are taken as one on average: the index is of pairs of customers.
    """
    if labels is None or others is None:
        return np.nan
    if weights is not None:
        weights = weights / min(1, weights.mean())
    shape = (int(labels.max()) + 2, int(others.max()) + 2)
    return adjusted_rand(crossed(labels + 1, others + 1, shape, weights))


def flow_table(candidates, weights):
    """Count who goes where as the number of segments rises, one row per flow."""
    rows = []
    for of_one in by_estimator(candidates).values():
        fitted = [one for one in of_one if one.labels is not None]
        for one, other in pairwise(sorted(fitted, key=lambda one: one.key)):
            shape = (one.found + 1, other.found + 1)
            table = crossed(one.labels + 1, other.labels + 1, shape, weights)
            rows += [
                (*one.key, i - 1, other.asked, j - 1, table[i, j])
                for i, j in np.argwhere(table > 0)
            ]
    columns = ["segment", "next_n_segments", "next_segment", "customers"]
    return pd.DataFrame(rows, columns=["estimator", "n_segments", *columns])


def rivals_of(candidate, X, *, sample_weight, seed):
    """Share of customers whom each solution that is as good puts elsewhere.

    Of k-means those within a thousandth of the inertia (`segment_multiplicity`, and ten
    more fits from other starts of scikit-learn's); of mixtures those of ten more fits
    whose BIC is within 2 of it, which is no evidence for either (Kass and Raftery,
    1995, doi 10.1080/01621459.1995.10476572). None for others, trees among them.

    Parameters
    ----------
    candidate : Candidate
    X : table of shape (n_customers, n_features)
        What it was fitted on.

    Returns
    -------
    moved : ndarray of shape (n_solutions,) or None
        The first is zero, the solution itself.
    """
    if candidate.labels is None:
        return None
    last = last_step(candidate.estimator)
    if isinstance(last, KMeansSegmenter):
        found = segment_multiplicity(
            X, candidate.estimator, sample_weight=sample_weight, random_state=seed
        )
        return found.moved
    cost = _cost_of(last, len(candidate.labels))
    if cost is None:
        return None
    rng = np.random.RandomState(seed)
    moved = [0.0]
    for _ in range(_N_RIVALS):
        other = clone(candidate.estimator).set_params(**_unseeded(candidate.estimator))
        (again,) = fit_candidates(
            "", other, (None,), X, seed=draw_seed(rng), sample_weight=sample_weight
        )
        if again.labels is None:
            continue
        of_other, _ = _cost_of(last_step(again.estimator), len(candidate.labels))
        if of_other > sum(cost):
            continue
        n_segments = int(max(candidate.labels.max(), again.labels.max())) + 1
        table = crossed(candidate.labels, again.labels, n_segments, sample_weight)
        share = moved_share(table, best_match(table))
        if share > _SAME:
            moved.append(share)
    return np.array(moved)


def _cost_of(last, n_customers):
    """Return what a fit makes small and how much more is as good, or None."""
    if hasattr(last, "bic_"):
        return last.bic_, _AS_GOOD
    # A variational bound, which has no BIC beside it, is not the likelihood.
    if hasattr(last, "lower_bound_") and hasattr(last, "bic"):
        return -2 * n_customers * last.lower_bound_, _AS_GOOD
    if hasattr(last, "inertia_"):
        return last.inertia_, _AS_TIGHT * last.inertia_
    return None


def _unseeded(estimator):
    """Parameters that leave every random state of an estimator to a new seed."""
    return {
        name: None
        for name in estimator.get_params(deep=True)
        if name.split("__")[-1] == "random_state"
    }
