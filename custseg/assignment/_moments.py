"""Sums over customers that discriminants and distances to segments are made from."""

from typing import NamedTuple

import numpy as np

_NULL = 1e-10  # an eigenvalue this small, in units of total variance, is none


class Moments(NamedTuple):
    """Weight, mean and scatter of each segment, and what all columns vary by.

    Scatters are sums of weighted cross-products about the segment's own mean, after
    every column was divided by `scale`, its standard deviation over all customers
    (one for a constant column).
    """

    weights: np.ndarray  # (n_segments,)
    means: np.ndarray  # (n_segments, n_features), in the columns' own units
    scatters: np.ndarray  # (n_segments, n_features, n_features)
    scale: np.ndarray  # (n_features,)
    center: np.ndarray  # (n_features,), the mean over all customers

    def standardized_means(self):
        """Means of the segments about the common mean, in units of `scale`."""
        return (self.means - self.center) / self.scale

    def within_scatter(self):
        """Sum of the segments' scatters."""
        return self.scatters.sum(axis=0)

    def total_covariance(self):
        """Covariance of all customers, in units of `scale`."""
        means = self.standardized_means()
        between = (means * self.weights[:, np.newaxis]).T @ means
        return (self.within_scatter() + between) / self.weights.sum()


def segment_moments(X, codes, n_segments, weights):
    """Moments of customers whose segments are coded 0 to ``n_segments - 1``."""
    totals = np.bincount(codes, weights, minlength=n_segments)
    center = np.average(X, axis=0, weights=weights)
    deviations = X - center
    variance = np.average(deviations**2, axis=0, weights=weights)
    # Rounding alone leaves a constant column of large values some variance.
    constant = variance <= (1e-13 * center) ** 2
    deviations[:, constant] = 0
    scale = np.sqrt(np.where(constant, 1.0, variance))
    deviations /= scale
    means = np.empty((n_segments, X.shape[1]))
    scatters = np.empty((n_segments, X.shape[1], X.shape[1]))
    for segment in range(n_segments):
        rows = codes == segment
        own, weight = deviations[rows], weights[rows]
        means[segment] = weight @ own / totals[segment]
        residuals = own - means[segment]
        scatters[segment] = (residuals * weight[:, np.newaxis]).T @ residuals
    return Moments(totals, center + means * scale, scatters, scale, center)


def mean_variance(variances):
    """Mean over the columns that vary; 1 where none does."""
    varying = variances[variances > _NULL]
    return varying.mean() if len(varying) else 1.0


def ledoit_wolf_intensity(residuals, weights):
    """Shrinkage towards a multiple of the identity with the least expected error.

    Ledoit and Wolf (2004), eq. 14, for residuals in units in which the columns'
    variances are meant to be alike. Weights count repeated customers.

    Parameters
    ----------
    residuals : ndarray of shape (n_customers, n_features)
        About the mean of each customer's own segment.
    weights : ndarray of shape (n_customers,)

    Returns
    -------
    intensity : float
        Between 0 and 1.
    """
    n = weights.sum()
    varies = np.square(residuals).max(axis=0) > _NULL
    residuals = residuals[:, varies]
    covariance = (residuals * weights[:, np.newaxis]).T @ residuals / n
    norms = np.einsum("ij,ij->i", residuals, residuals)
    error = max(0.0, (weights @ norms**2 / n - np.sum(covariance**2)) / n)
    target = mean_variance(np.diag(covariance)) * np.eye(len(covariance))
    distance = np.sum((covariance - target) ** 2)
    return 1.0 if distance <= error else float(error / distance)


def whitener(covariance, differences):
    """Matrix that turns a covariance into the identity, and its log-determinant.

    Directions without variance are left out, unless segments differ there: these are
    kept with the smallest variance that counts as one, and decide alone.

    Parameters
    ----------
    covariance : ndarray of shape (n_features, n_features)
        Of columns with a total variance of one.
    differences : ndarray of shape (n_segments, n_features)
        Of the segments' means from the common mean.

    Returns
    -------
    matrix : ndarray of shape (n_features, n_directions)
    log_determinant : float
        Over the directions kept.
    n_null : int
        Directions without variance.
    """
    values, vectors = np.linalg.eigh(covariance)
    null = values <= _NULL
    n_null = int(null.sum())
    keep = ~null
    if n_null:
        apart = np.abs(differences @ vectors[:, null]).max(axis=0) > np.sqrt(_NULL)
        keep[null] = apart
    values = np.maximum(values[keep], _NULL)
    return vectors[:, keep] / np.sqrt(values), float(np.log(values).sum()), n_null
