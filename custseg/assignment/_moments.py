"""Sums over customers that discriminants and distances to segments are made from."""

from typing import NamedTuple

import numpy as np

_NULL = 1e-10  # a variance this small, beside one within segments, is none


class Moments(NamedTuple):
    """Weight, mean and scatter of each segment.

    Scatters are sums of weighted cross-products about the segment's own mean, after
    every column was divided by `scale`: its standard deviation within segments, or,
    where customers of a segment do not vary, its standard deviation over all
    customers, or one for a constant column.
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


def segment_moments(X, codes, n_segments, weights):
    """Moments of customers whose segments are coded 0 to ``n_segments - 1``."""
    totals = np.bincount(codes, weights, minlength=n_segments)
    center = np.average(X, axis=0, weights=weights)
    deviations = X - center
    # Rounding alone leaves a constant column of large values some variance.
    total = np.average(deviations**2, axis=0, weights=weights)
    constant = total <= (1e-13 * center) ** 2
    deviations[:, constant] = 0
    means = np.vstack(
        [
            weights[codes == k] @ deviations[codes == k] / totals[k]
            for k in range(n_segments)
        ]
    )
    residuals = deviations - means[codes]
    within = np.average(residuals**2, axis=0, weights=weights)
    flat = within <= 1e-24 * total
    residuals[:, flat] = 0
    scale = np.sqrt(np.where(flat, np.where(constant, 1.0, total), within))
    residuals /= scale
    scatters = np.stack(
        [
            (residuals[codes == k] * weights[codes == k, np.newaxis]).T
            @ residuals[codes == k]
            for k in range(n_segments)
        ]
    )
    return Moments(totals, center + means, scatters, scale, center)


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


class Directions(NamedTuple):
    """Where customers vary within segments, and where only segments differ."""

    varying: np.ndarray  # (n_features, n_varying), orthonormal columns
    decisive: np.ndarray  # (n_features, n_decisive), orthonormal columns

    @property
    def n_kept(self):
        """Directions that count; the others tell nothing."""
        return self.varying.shape[1] + self.decisive.shape[1]


def find_directions(covariance, differences):
    """Split the space of the columns by where customers and segments vary.

    Parameters
    ----------
    covariance : ndarray of shape (n_features, n_features)
        Within segments, of columns in units of `Moments.scale`.
    differences : ndarray of shape (n_segments, n_features)
        Of the segments' means from the common mean, in the same units.

    Returns
    -------
    directions : Directions
    """
    values, vectors = np.linalg.eigh(covariance)
    flat = vectors[:, values <= _NULL]
    # Within the flat directions, turn to those in which the segments lie apart.
    _, spread, turned = np.linalg.svd(differences @ flat, full_matrices=False)
    size = 1 + np.abs(differences).max()
    decisive = flat @ turned[spread > np.sqrt(_NULL) * size].T
    return Directions(vectors[:, values > _NULL], decisive)


def whitener(covariance, directions):
    """Matrix that turns a covariance into the identity, and its log-determinant.

    Decisive directions get the smallest variance that counts as one, so that they
    decide alone.

    Parameters
    ----------
    covariance : ndarray of shape (n_features, n_features)
    directions : Directions

    Returns
    -------
    matrix : ndarray of shape (n_features, n_kept)
    log_determinant : float
        Over the varying directions.
    n_flat : int
        Varying directions in which this covariance has no variance; there it gets
        the smallest that counts as one.
    """
    varying = directions.varying
    values, vectors = np.linalg.eigh(varying.T @ covariance @ varying)
    n_flat = int(np.sum(values <= _NULL))
    values = np.maximum(values, _NULL)
    matrix = np.hstack(
        [
            varying @ vectors / np.sqrt(values),
            directions.decisive / np.sqrt(_NULL),
        ]
    )
    return matrix, float(np.log(values).sum()), n_flat
