"""The table of a search: one row a candidate, its criteria in one common space."""

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.utils import check_random_state

from custseg._utils._seeds import draw_seed
from custseg.exceptions import DataQualityError
from custseg.selection._criteria import calinski_harabasz_scores, davies_bouldin_scores
from custseg.selection._gap import (
    gaps,
    log_within,
    reference_logs,
    uniform_references,
)
from custseg.selection._silhouette import (
    encoded,
    silhouette_scores,
    silhouettes_of,
)

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
    *_CRITERIA,
    "smallest_share",
    "sizes",
    "eligible",
    "selected",
    "reason",
    "notes",
)


def results_table(families, Z, *, sample_weight, sample_size, seed):
    """List all candidates with the criteria that need no further fits.

    Parameters
    ----------
    families : list of Family
    Z : ndarray of shape (n_customers, n_features)
        The common space.
    sample_weight : ndarray of shape (n_customers,) or None
    sample_size : int or None
    seed : int or None

    Returns
    -------
    results : DataFrame
        One row a candidate, criteria that are not worked out NaN.
    """
    rows = [
        {
            "estimator": family.name,
            "n_segments": number,
            "reason": fit.reason,
            "notes": fit.notes,
            "bic": bic,
            "icl": icl,
            **_sizes(fit.labels, number, sample_weight),
        }
        for family in families
        for number, fit, (bic, icl) in zip(
            family.numbers, family.fits, family.likelihoods, strict=True
        )
    ]
    results = pd.DataFrame(rows, columns=_COLUMNS)
    results["eligible"] = results["selected"] = False
    labelings = [fit.labels for family in families for fit in family.fits]
    fitted = []
    for i, labels in enumerate(labelings):
        problem = None if labels is None else _no_counts(labels, sample_weight)
        if problem:
            notes = filter(None, (results.loc[i, "notes"], problem))
            results.loc[i, "notes"] = "; ".join(notes)
        elif labels is not None:
            fitted.append(i)
    labelings = [labelings[i] for i in fitted]
    options = {"sample_weight": sample_weight}
    silhouettes, std_errors = silhouette_scores(
        Z,
        labelings,
        sample_size=sample_size,
        random_state=seed,
        return_std_error=True,
        **options,
    )
    columns = {
        "silhouette": silhouettes,
        "silhouette_se": std_errors,
        "calinski_harabasz": calinski_harabasz_scores(Z, labelings, **options),
        "davies_bouldin": davies_bouldin_scores(Z, labelings, **options),
    }
    for name, values in columns.items():
        results.loc[fitted, name] = values
    return results.astype(dict.fromkeys(_CRITERIA, float))


def _no_counts(labels, sample_weight):
    """Say why the weights of segments are no counts of customers, or None."""
    try:
        encoded(labels, len(labels), sample_weight)
    except DataQualityError as error:
        return str(error)


def _sizes(labels, n_segments, sample_weight):
    """Sizes of the segments, empty ones as well, and the share of the smallest."""
    if labels is None:
        return {"sizes": (), "smallest_share": np.nan}
    placed = labels >= 0
    weights = None if sample_weight is None else sample_weight[placed]
    sizes = np.bincount(labels[placed], weights, minlength=n_segments)
    every = len(labels) if sample_weight is None else sample_weight.sum()
    return {"sizes": tuple(sizes.tolist()), "smallest_share": sizes.min() / every}


def add_stability(results, stability, refits, families, Z, *, sample_weight, seed):
    """Write how far pairs of refits agree, and what refits do to silhouettes.

    Parameters
    ----------
    results : DataFrame
        Changed in place.
    stability : StabilityResult
    refits : dict of (name, number) to ndarray of shape (n_refits, n_customers)
        Labels of all customers by refits to resamples.
    families : list of Family
    Z : ndarray of shape (n_customers, n_features)
    """
    frame = stability.frame().set_index(["estimator", "n_segments"])
    keys = pd.MultiIndex.from_frame(results[["estimator", "n_segments"]])
    for name, of_frame in (
        ("stability", "adjusted_rand"),
        ("stability_q25", "adjusted_rand_q25"),
        ("stability_q75", "adjusted_rand_q75"),
    ):
        results[name] = frame[of_frame].reindex(keys).to_numpy()
    fits = [fit for family in families for fit in family.fits]
    options = {"sample_weight": sample_weight, "seed": seed}
    results["silhouette_boot_se"] = [
        np.nan
        if fit.labels is None or np.isnan(silhouette)
        else _boot_std_error(Z, fit.labels, refits[key], **options)
        for fit, silhouette, key in zip(fits, results["silhouette"], keys, strict=True)
    ]


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


def add_gaps(results, families, Z, *, n_references, sample_weight, n_jobs, seed):
    """Write the gap statistic of estimators that are fitted in the common space.

    Parameters
    ----------
    results : DataFrame
        Changed in place.
    families : list of Family
        Those with steps before the last are left out: references are drawn in the
        common space, and such steps take another.
    Z : ndarray of shape (n_customers, n_features)
    """
    rng = check_random_state(seed)
    drawn = list(uniform_references(Z, n_references, rng))
    seeds = [draw_seed(rng) for _ in drawn]
    start = 0
    for family in families:
        rows = np.arange(start, start + len(family.numbers))
        start += len(rows)
        if not family.in_common_space:
            continue
        logs = Parallel(n_jobs=n_jobs)(
            delayed(reference_logs)(
                family.estimator, family.numbers, reference, of_one, sample_weight
            )
            for reference, of_one in zip(drawn, seeds, strict=True)
        )
        observed = [log_within(Z, fit.labels, sample_weight) for fit in family.fits]
        gap, std_errors = gaps(np.array(observed), np.array(logs))
        results.loc[rows, "gap"], results.loc[rows, "gap_se"] = gap, std_errors
