"""Refits of candidates to resamples, compared with each other and with the original."""

from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from custseg.cluster import adjusted_rand, crossed, jaccards
from custseg.selection._fitting import carried, fit_numbers
from custseg.selection._resampling import NUMERIC, numbers_of, resampled

_KEPT = 50  # refits of a candidate whose labels are handed back


class Refit(NamedTuple):
    """One candidate fitted to one resample."""

    jaccard: object  # of each original segment, over the resample's customers
    within: object  # of each original segment, over all customers; bootstrap only
    labels: object  # of all customers; bootstrap only
    reason: str  # why it failed, or ""


def refit_all(families, X, *, n_bootstraps, schemes, seed, n_jobs, verbose, weights):
    """Refit all candidates to pairs of bootstrap samples, and to other resamples.

    Parameters
    ----------
    families : list of Family
    X : table of shape (n_customers, n_features)
    n_bootstraps : int
        Pairs of bootstrap samples; half the samples of the other schemes.
    schemes : sequence of str
    seed : int or None
    n_jobs, verbose : int or None
    weights : ndarray of shape (n_customers,) or None

    Returns
    -------
    refits : dict of str to list of list of Refit
        By scheme one list a resample, of all candidates in order. Pairs of bootstrap
        samples are neighbours: 0 and 1, 2 and 3.
    """
    for scheme in schemes:
        if scheme in NUMERIC:
            numbers_of(X, scheme)  # refuses now what it would after many refits
    # Fitted estimators stay here: refits are compared with labels alone.
    families = [
        family._replace(fits=[fit._replace(estimator=None) for fit in family.fits])
        for family in families
    ]
    units = [
        (scheme, sequence)
        for scheme, of_scheme in zip(
            schemes, np.random.SeedSequence(seed).spawn(len(schemes)), strict=True
        )
        for sequence in of_scheme.spawn(
            2 * n_bootstraps if scheme == "bootstrap" else n_bootstraps
        )
    ]
    done = Parallel(n_jobs=n_jobs, verbose=verbose)(
        delayed(_refit)(families, X, scheme, sequence, weights)
        for scheme, sequence in units
    )
    refits = {scheme: [] for scheme in schemes}
    for (scheme, _), one in zip(units, done, strict=True):
        refits[scheme].append(one)
    return refits


def _refit(families, X, scheme, sequence, weights):
    """Fit all candidates to one resample."""
    rng = np.random.default_rng(sequence)
    resample = resampled(scheme, X, rng, weights)
    seed = int(rng.integers(2**31 - 1))
    refits = []
    for family in families:
        fits = fit_numbers(
            family.estimator,
            family.numbers,
            resample.table,
            seed=seed,
            sample_weight=resample.weights,
        )
        for original, fit in zip(family.fits, fits, strict=True):
            refits.append(_compared(original, fit, X, resample, scheme, weights))
    return refits


def _compared(original, fit, X, resample, scheme, weights):
    if original.labels is None or fit.labels is None:
        return Refit(None, None, None, fit.reason or "not fitted to all customers")
    customers = resample.customers
    of_customers = None if weights is None else weights[customers]
    jaccard = segment_jaccards(
        original.labels[customers],
        fit.labels[resample.rows],
        original.labels.max() + 1,
        of_customers,
    )
    if scheme != "bootstrap":
        return Refit(jaccard, None, None, "")
    try:
        labels = carried(fit, resample.table, X)
    except Exception as error:  # such as of a category that was not drawn
        return Refit(None, None, None, f"{type(error).__name__}: {error}")
    within = segment_jaccards(
        original.labels, labels, original.labels.max() + 1, weights
    )
    small = np.min_scalar_type(-int(labels.max()) - 2)
    return Refit(jaccard, within, labels.astype(small), "")


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


def pair_agreements(refits, n_candidates, weights=None):
    """Work out the adjusted Rand index of the two refits of each pair.

    Customers without a segment count as a segment of their own. Weights count
    customers, and where they are less than one on average (shares, for instance) they
    are taken as one on average: the index is of pairs of customers.

    Returns
    -------
    agreements : ndarray of shape (n_pairs, n_candidates)
        NaN where one of the two failed.
    """
    if weights is not None:
        weights = weights / min(1, weights.mean())
    pairs = list(zip(refits[::2], refits[1::2], strict=True))
    agreements = np.full((len(pairs), n_candidates), np.nan)
    for i, pair in enumerate(pairs):
        for j, (one, other) in enumerate(zip(*pair, strict=True)):
            if one.labels is not None and other.labels is not None:
                shape = (int(one.labels.max()) + 2, int(other.labels.max()) + 2)
                table = crossed(one.labels + 1, other.labels + 1, shape, weights)
                agreements[i, j] = adjusted_rand(table)
    return agreements


def kept_labels(refits, candidate):
    """Labels of all customers by the first refit of each pair, fifty at most."""
    labels = [one[candidate].labels for one in refits[::2]]
    return np.array([one for one in labels if one is not None][:_KEPT])


def agreement_table(agreements, keys):
    """List the adjusted Rand indices, one row a candidate and pair."""
    n_pairs = len(agreements)
    return pd.DataFrame(
        {
            "estimator": np.repeat([name for name, _ in keys], n_pairs),
            "n_segments": np.repeat([number for _, number in keys], n_pairs),
            "pair": np.tile(np.arange(n_pairs), len(keys)),
            "adjusted_rand": agreements.T.ravel(),
        }
    )


def jaccard_table(refits, keys):
    """List similarities of segments, one row a candidate, segment and resample."""
    parts = [_similarities([], ("", 0), "", [])]
    for scheme, of_scheme in refits.items():
        kinds = {scheme: "jaccard"}
        if scheme == "bootstrap":
            kinds["within"] = "within"
        for kind, field in kinds.items():
            for j, key in enumerate(keys):
                values = [getattr(one[j], field) for one in of_scheme]
                known = [i for i, one in enumerate(values) if one is not None]
                some = [values[i] for i in known]
                parts.append(_similarities(some, key, kind, known))
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True)


def _similarities(values, key, kind, resamples):
    values = np.atleast_2d(np.array(values, dtype=float))
    n_segments = values.shape[1]
    segments = np.append(np.arange(n_segments - 1), -1)[:n_segments]
    table = pd.DataFrame(
        {
            "estimator": key[0],
            "n_segments": key[1],
            "segment": np.tile(segments, len(resamples)),
            "scheme": kind,
            "resample": np.repeat(resamples, n_segments).astype(int),
            "jaccard": values.ravel(),
        }
    )
    return table.dropna(subset="jaccard").sort_values(["segment", "resample"])


def size_table(fits, keys, weights):
    """Count customers of original segments, one row a candidate and segment."""
    rows = []
    for key, fit in zip(keys, fits, strict=True):
        if fit.labels is not None:
            sizes = np.bincount(fit.labels + 1, weights)
            rows += [
                (*key, segment - 1, size) for segment, size in enumerate(sizes) if size
            ]
    return pd.DataFrame(
        rows, columns=["estimator", "n_segments", "segment", "customers"]
    )


def flow_table(families, weights):
    """Count who goes where as the number of segments rises, one row a flow."""
    rows = []
    for family in families:
        fitted = [
            (number, fit.labels + 1)
            for number, fit in zip(family.numbers, family.fits, strict=True)
            if fit.labels is not None
        ]
        if len(fitted) > 1:
            fitted.sort(key=itemgetter(0))
        for (number, labels), (next_number, others) in pairwise(fitted):
            shape = (labels.max() + 1, others.max() + 1)
            table = crossed(labels, others, shape, weights)
            rows += [
                (family.name, number, i - 1, next_number, j - 1, table[i, j])
                for i, j in np.argwhere(table > 0)
            ]
    return pd.DataFrame(
        rows,
        columns=[
            "estimator",
            "n_segments",
            "segment",
            "next_n_segments",
            "next_segment",
            "customers",
        ],
    )


def failure_table(refits, keys):
    """Count refits that failed, with the first reason, one row a candidate."""
    rows = []
    for j, key in enumerate(keys):
        reasons = [one[j].reason for some in refits.values() for one in some]
        reasons = [reason for reason in reasons if reason]
        rows.append((*key, len(reasons), reasons[0] if reasons else ""))
    return pd.DataFrame(rows, columns=["estimator", "n_segments", "n_failed", "reason"])
