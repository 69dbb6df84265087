"""Criteria of candidates in one common space, and the table of a search."""

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.utils import check_random_state

from custseg._utils._seeds import draw_seed
from custseg.engine import segment_sums
from custseg.exceptions import DataQualityError
from custseg.selection._candidate import fit_candidates
from custseg.selection._criteria import partition_criteria
from custseg.selection._labelings import encoded
from custseg.selection._silhouette import silhouette_scores, silhouettes_of

_BOOT_ROWS = 1_000  # customers whose silhouettes are averaged for each refit
_CRITERIA = (
    "silhouette",
    "silhouette_se",
    "silhouette_boot_se",
    "calinski_harabasz",
    "davies_bouldin",
    "gap",
    "gap_se",
    "bic",
    "icl",
    "stability",
    "stability_q25",
    "stability_q75",
)
_COLUMNS = (
    "estimator",
    "n_segments",
    "found",
    *_CRITERIA,
    "smallest_share",
    "sizes",
    "eligible",
    "selected",
    "reason",
    "notes",
)


def by_estimator(candidates):
    """Group candidates by the name of their estimator, in order."""
    groups = {}
    for one in candidates:
        groups.setdefault(one.name, []).append(one)
    return groups


def results_table(candidates, chosen=None):
    """List candidates, one row each; criteria that were not worked out are NaN."""
    rows = [one.as_row() for one in candidates]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    table["selected"] = [one is chosen for one in candidates]
    return table.astype(dict.fromkeys(_CRITERIA, float))


def add_scores(candidates, Z, *, sample_weight, sample_size, seed):
    """Work out the criteria that need no further fits.

    Parameters
    ----------
    candidates : list of Candidate
        Changed in place.
    Z : ndarray of shape (n_customers, n_features)
        The common space.
    sample_weight : ndarray of shape (n_customers,) or None
    sample_size : int or None
    seed : int or None
    """
    scored = []
    for one in candidates:
        if one.labels is None:
            continue
        problem = _no_counts(one.labels, sample_weight)
        if problem:
            one.notes = "; ".join(filter(None, (one.notes, problem)))
        else:
            scored.append(one)
    labelings = [one.labels for one in scored]
    silhouettes, std_errors = silhouette_scores(
        Z,
        labelings,
        sample_size=sample_size,
        sample_weight=sample_weight,
        random_state=seed,
        return_std_error=True,
    )
    columns = {"silhouette": silhouettes, "silhouette_se": std_errors}
    columns |= partition_criteria(Z, labelings, sample_weight)
    for name, values in columns.items():
        for one, value in zip(scored, values.tolist(), strict=True):
            one.criteria[name] = value


def _no_counts(labels, sample_weight):
    """Say why the weights of segments are no counts of customers, or None."""
    if sample_weight is None:
        return None
    try:
        encoded(labels, len(labels), sample_weight)
    except DataQualityError as error:
        return str(error)


def add_stability(candidates, stability, Z, *, sample_weight, seed):
    """Add how far pairs of refits agree, and what refits do to silhouettes.

    Parameters
    ----------
    candidates : list of Candidate
        Changed in place.
    stability : StabilityResult
        Of the same candidates.
    Z : ndarray of shape (n_customers, n_features)
    """
    options = {"sample_weight": sample_weight, "seed": seed}
    for one, row in zip(candidates, stability.frame().itertuples(), strict=True):
        one.criteria["stability"] = row.adjusted_rand
        one.criteria["stability_q25"] = row.adjusted_rand_q25
        one.criteria["stability_q75"] = row.adjusted_rand_q75
        if not np.isnan(one.criteria.get("silhouette", np.nan)):
            error = _boot_std_error(Z, one.labels, one.refits.labels, **options)
            one.criteria["silhouette_boot_se"] = error


def _boot_std_error(Z, labels, refits, *, sample_weight, seed):
    """Bootstrap standard error of the mean silhouette of one candidate.

    Two parts add up: how the mean moves as the candidate is fitted again to other
    customers (the spread over `refits`, each carried to all customers), and that the
    customers it is averaged over are a sample themselves.

    Parameters
    ----------
    Z : ndarray of shape (n_customers, n_features)
    labels : ndarray of shape (n_customers,)
        Of the candidate.
    refits : ndarray of shape (n_refits, n_customers)
        Labels of all customers by refits to resamples.

    Returns
    -------
    std_error : float
        NaN with fewer than two refits that have silhouettes.
    """
    sample_size = min(_BOOT_ROWS, len(Z))
    options = {"sample_weight": sample_weight, "random_state": seed}
    options["sample_size"] = sample_size
    refits = [one for one in refits if not _no_counts(one, sample_weight)]
    means = silhouette_scores(Z, refits, **options)
    means = means[np.isfinite(means)]
    if len(means) < 2:
        return np.nan
    rows = np.sort(check_random_state(seed).permutation(len(Z))[:sample_size])
    labeling = encoded(labels, len(Z), sample_weight)
    values = silhouettes_of(Z, [labeling], rows, weights=sample_weight)[0]
    counts = ~np.isnan(values) * (1.0 if sample_weight is None else sample_weight[rows])
    of_mean = _variance_of_mean(np.nan_to_num(values), counts) * sample_size / len(Z)
    return float(np.sqrt(means.var(ddof=1) + of_mean))


def _variance_of_mean(values, weights):
    """Variance of a weighted mean over a sample of customers, each with its weight."""
    weights = weights / weights.sum()
    return weights**2 @ (values - weights @ values) ** 2


def add_gaps(candidates, estimators, Z, *, n_references, sample_weight, n_jobs, seed):
    """Add the gap statistic of estimators that are fitted in the common space.

    Parameters
    ----------
    candidates : list of Candidate
        Changed in place.
    estimators : dict of str to estimator
        Those without steps before the last: references are drawn in the common space,
        and such steps take another.
    Z : ndarray of shape (n_customers, n_features)
    """
    rng = check_random_state(seed)
    drawn = list(uniform_references(Z, n_references, rng))
    seeds = [draw_seed(rng) for _ in drawn]
    for name, estimator in estimators.items():
        of_one = by_estimator(candidates)[name]
        numbers = [one.asked for one in of_one]
        logs = Parallel(n_jobs=n_jobs)(
            delayed(_reference_logs)(
                estimator, numbers, reference, of_reference, sample_weight
            )
            for reference, of_reference in zip(drawn, seeds, strict=True)
        )
        observed = [log_within(Z, one.labels, sample_weight) for one in of_one]
        found = gaps(np.array(observed), np.array(logs))
        for one, gap, std_error in zip(of_one, *found, strict=True):
            one.criteria |= {"gap": float(gap), "gap_se": float(std_error)}


def _reference_logs(estimator, numbers, reference, seed, sample_weight):
    """`log_within` of an estimator's segments of one reference, by number."""
    fits = fit_candidates(
        "", estimator, numbers, reference, seed=seed, sample_weight=sample_weight
    )
    return [log_within(reference, fit.labels, sample_weight) for fit in fits]


def log_within(Z, labels, weights=None):
    """Logarithm of the sum of squares within segments; NaN where there are none."""
    if labels is None or labels.max() < 0:
        return np.nan
    within = segment_sums(Z, labels, labels.max() + 1, weights).within().sum()
    return float(np.log(within)) if within > 0 else -np.inf


def uniform_references(Z, n_references, rng):
    """Draw tables of customers without segments, with uniform principal components.

    Each component is uniform between the least and the largest of the customers
    (Tibshirani, Walther and Hastie, 2001, section 3, choice b).

    Yields
    ------
    reference : ndarray of shape (n_customers, n_features)
    """
    mean = Z.mean(axis=0)
    _, _, directions = np.linalg.svd(Z - mean, full_matrices=False)
    scores = (Z - mean) @ directions.T
    lowest, highest = scores.min(axis=0), scores.max(axis=0)
    for _ in range(n_references):
        drawn = rng.uniform(lowest, highest, size=(len(Z), len(lowest)))
        yield drawn @ directions + mean


def gaps(observed, references):
    """Gap of each number of segments and its simulation error.

    Parameters
    ----------
    observed : ndarray of shape (n_numbers,)
        `log_within` of the customers' segments.
    references : ndarray of shape (n_references, n_numbers)
        That of the references' segments.

    Returns
    -------
    gap : ndarray of shape (n_numbers,)
        Larger is better.
    std_error : ndarray of shape (n_numbers,)
        Standard deviation over references, times the root of ``1 + 1 / n_references``.
    """
    gap = references.mean(axis=0) - observed
    return gap, references.std(axis=0) * np.sqrt(1 + 1 / len(references))
