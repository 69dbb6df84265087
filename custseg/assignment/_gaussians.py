"""Gaussian clouds of segments from their moments, and customers' scores by them."""

from typing import NamedTuple

import numpy as np

from custseg.assignment._moments import find_directions, mean_variance, whitener
from custseg.engine import row_blocks

_ROWS = 2**13  # of a block, whose distances a cache holds


class SegmentCovariances(NamedTuple):
    """Covariances of segments, and matrices that turn them into the identity.

    All are in the columns' own units. Of the linear kind there is one, else one a
    segment.
    """

    center: np.ndarray  # (n_features,), taken from customers before all else
    whiteners: list  # of ndarray (n_features, n_kept)
    log_determinants: np.ndarray
    covariances: np.ndarray
    shrinkages: np.ndarray
    n_collinear: int
    flat: dict  # segment -> directions in which only others vary


def fit_gaussians(moments, pooling, intensities, *, mle=False, lend=False):
    """Covariances between own and pooled, drawn towards a diagonal.

    Friedman (1989), eqs. 16-18, in columns that have unit variance within segments.

    Parameters
    ----------
    moments : Moments
    pooling : float
        0 gives each segment its own covariance, 1 the same to all. With 1 there is
        one covariance and `moments` may have but the sum of the scatters.
    intensities : ndarray of shape (1 or n_segments,)
        How far each covariance is drawn towards the diagonal.
    mle : bool, default=False
        Divide by the weights, not by the weights less the means estimated.
    lend : bool, default=False
        Shrink a segment that is flat in some direction by one customer's weight.

    Returns
    -------
    gaussians : SegmentCovariances
        A segment that stays flat has the pooled covariance and is in `flat`.
    """
    weights = moments.weights
    n_segments = 1 if pooling == 1 else len(weights)
    n_free = weights.sum() - (0 if mle else len(weights))
    n_free = n_free if n_free > 0 else weights.sum()
    pooled = moments.within_scatter() / n_free
    intensities = np.broadcast_to(np.asarray(intensities, dtype=float), n_segments)
    # Directions in which all segments are flat are the same for all of them.
    reference = _towards_diagonal(pooled, pooled, intensities.min())
    directions = find_directions(reference, moments.standardized_means())
    shrinkages, flat, clouds = intensities.copy(), {}, []
    for k in range(n_segments):
        own, intensity = pooled, intensities[k]
        if pooling < 1:
            of_own = weights[k] if mle else max(weights[k] - 1, 1)
            mixed = (1 - pooling) * of_own + pooling * n_free
            own = (1 - pooling) * moments.scatters[k] + pooling * n_free * pooled
            own = own / mixed
        cloud, n_flat = _cloud(own, pooled, intensity, directions)
        if n_flat and lend:
            # Customers all on one line estimate no error: lend them one customer.
            shrinkages[k] = 1 / (weights[k] + 1)
            cloud, n_flat = _cloud(own, pooled, shrinkages[k], directions)
        if n_flat:
            flat[k] = n_flat
            shrinkages[k] = intensity
            cloud, _ = _cloud(pooled, pooled, intensity, directions)
        clouds.append(cloud)
    covariances, matrices, log_determinants = zip(*clouds, strict=True)
    scale = moments.scale
    return SegmentCovariances(
        moments.center,
        [matrix / scale[:, np.newaxis] for matrix in matrices],
        np.array(log_determinants) if pooling < 1 else np.zeros(1),
        np.array(covariances) * np.outer(scale, scale),
        shrinkages,
        len(scale) - directions.n_kept,
        flat,
    )


def _cloud(covariance, pooled, intensity, directions):
    covariance = _towards_diagonal(covariance, pooled, intensity)
    matrix, log_determinant, n_flat = whitener(covariance, directions)
    return (covariance, matrix, log_determinant), n_flat


def _towards_diagonal(covariance, pooled, intensity):
    """Draw a covariance towards the pooled variances, at its own mean level."""
    variances = np.diag(pooled)
    own = np.divide(
        np.diag(covariance), variances, out=np.zeros(len(pooled)), where=variances > 0
    )
    target = np.diag(mean_variance(own) * variances)
    return (1 - intensity) * covariance + intensity * target


def log_densities(X, means, center, whiteners, log_determinants):
    """Log of each segment's density at each customer, up to a constant of the customer.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    means : ndarray of shape (n_segments, n_features)
    center : ndarray of shape (n_features,)
    whiteners : list of ndarray of shape (n_features, n_kept)
        One for all segments or one each.
    log_determinants : ndarray of shape (1 or n_segments,)

    Returns
    -------
    log_densities : ndarray of shape (n_customers, n_segments)
    """
    means = means - center
    densities = np.empty((len(X), len(means)))
    if len(whiteners) == 1:
        # A distance's part that is common to all segments cancels.
        places = means @ whiteners[0]
        directions = whiteners[0] @ places.T
        constants = -np.einsum("ij,ij->i", places, places) / 2
    for block in row_blocks(len(X), _ROWS):
        customers = X[block] - center
        if len(whiteners) == 1:
            np.matmul(customers, directions, out=densities[block])
            densities[block] += constants
            continue
        for k, matrix in enumerate(whiteners):
            whitened = (customers - means[k]) @ matrix
            squared = np.einsum("ij,ij->i", whitened, whitened)
            densities[block, k] = -(squared + log_determinants[k]) / 2
    return densities


def probabilities_of(scores):
    """Turn logarithms of densities into probabilities, in their place.

    Parameters
    ----------
    scores : ndarray of shape (n_customers, n_segments)

    Returns
    -------
    probabilities : ndarray of shape (n_customers, n_segments)
    """
    for block in row_blocks(len(scores), _ROWS):
        customers = scores[block]
        customers -= customers.max(axis=1, keepdims=True)
        np.exp(customers, out=customers)
        customers /= customers.sum(axis=1, keepdims=True)
    return scores
