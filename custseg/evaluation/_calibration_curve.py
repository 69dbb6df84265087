"""Whether probabilities come true as often as they say; shares with their errors."""

import numpy as np
import pandas as pd

Z_95 = 1.959963984540054  # normal quantile of 0.975
_LEAST = float(np.finfo(np.float64).eps)
_N_RESAMPLES = 1000


def wilson_interval(n_hits, n):
    """95 % interval of a share by Wilson's score (1927).

    Parameters
    ----------
    n_hits, n : int or ndarray
        How often, of how many; NaN ends where of none.

    Returns
    -------
    low, high : float or ndarray
    """
    n = np.asarray(n, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = n_hits / n
        middle = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
        spread = np.sqrt(share * (1 - share) / n + (Z_95 / (2 * n)) ** 2)
        half = Z_95 * spread / (1 + Z_95**2 / n)
    return np.maximum(middle - half, 0), np.minimum(middle + half, 1)


def reliability_curve(probability, came_true, n_bins):
    """Probabilities that were said in bins of equal width, and how many came true.

    A bin has its lower end not and its upper end, as Guo et al. (2017) have it; zero
    is in the first. Empty bins are left out.

    Parameters
    ----------
    probability : ndarray of shape (n_customers,)
    came_true : ndarray of bool of shape (n_customers,)
    n_bins : int

    Returns
    -------
    curve : DataFrame
        ``bin`` from 0, ``customers``, mean ``probability``, ``share`` that came true
        and ``low`` and ``high`` of its 95 % interval.
    """
    bins = bins_of(probability, n_bins)
    customers = np.bincount(bins, minlength=n_bins)
    used = np.flatnonzero(customers)
    hits = np.bincount(bins, came_true, minlength=n_bins)[used]
    said = np.bincount(bins, probability, minlength=n_bins)[used]
    low, high = wilson_interval(hits, customers[used])
    return pd.DataFrame(
        {
            "bin": used,
            "customers": customers[used],
            "probability": said / customers[used],
            "share": hits / customers[used],
            "low": low,
            "high": high,
        }
    )


def bins_of(probability, n_bins):
    """Bin of each probability among so many of equal width."""
    return np.clip(np.ceil(probability * n_bins).astype(int) - 1, 0, n_bins - 1)


def calibration_error(probability, came_true, n_bins, rng):
    """Work out the expected calibration error, and its interval by the bootstrap.

    The mean over customers of how far, in their bin, the mean probability is from the
    share that came true (Naeini, Cooper and Hauskrecht, 2015).

    Parameters
    ----------
    probability : ndarray of shape (n_customers,)
    came_true : ndarray of bool of shape (n_customers,)
    n_bins : int
    rng : numpy.random.Generator

    Returns
    -------
    error, low, high : float
        The ends are the basic bootstrap's, which takes off by how much chance
        overstates an error, from gaps drawn about those of the bins; for the lower end
        gaps are first drawn to zero by a standard error, as where there are none all
        of the error is chance. Nine of ten intervals or more hold the true error,
        but fewer than 95 of a hundred where it is about as large as chance makes it.
    """
    bins, n = bins_of(probability, n_bins), len(probability)
    customers = np.bincount(bins, minlength=n_bins)
    used = customers > 0
    gaps, hits = (
        np.bincount(bins, values, minlength=n_bins)[used] / customers[used]
        for values in (probability - came_true, came_true)
    )
    # Laplace's rule, so that a bin in which all came true has an error as well.
    rates = (hits * customers[used] + 1) / (customers[used] + 2)
    errors = np.sqrt(rates * (1 - rates) / customers[used])
    shares = customers[used] / n
    drawn = errors * rng.standard_normal((_N_RESAMPLES, len(gaps)))
    shrunken = np.sign(gaps) * np.maximum(np.abs(gaps) - errors, 0)

    def excess(centers, quantile):
        resampled = np.abs(centers + drawn) @ shares
        return np.quantile(resampled, quantile) - np.abs(centers) @ shares

    error = float(np.abs(gaps) @ shares)
    low = max(0.0, error - excess(shrunken, 0.975))
    return error, float(low), float(max(error, error - excess(gaps, 0.025)))


def log_loss(probabilities, codes):
    """Mean of minus the logarithm of the own segment's; zero counts as 2.2e-16."""
    own = probabilities[np.arange(len(codes)), codes]
    return float(-np.log(np.clip(own, _LEAST, 1)).mean())


def brier_score(probabilities, codes):
    """Mean over customers of squared errors, summed over segments: from 0 to 2."""
    own = probabilities[np.arange(len(codes)), codes]
    return float((np.square(probabilities).sum(axis=1) + 1 - 2 * own).mean())
