"""The gap statistic: how much tighter segments are than those of a uniform cloud."""

import numpy as np

from custseg.engine import segment_sums
from custseg.selection._fitting import fit_numbers


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


def reference_logs(estimator, numbers, reference, seed, sample_weight=None):
    """`log_within` of an estimator's segments of one reference, by number."""
    fits = fit_numbers(
        estimator, numbers, reference, seed=seed, sample_weight=sample_weight
    )
    return [log_within(reference, fit.labels, sample_weight) for fit in fits]


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
