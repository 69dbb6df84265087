"""Sums over customers that discriminants and distances to segments are made from."""

from typing import NamedTuple

import numpy as np

from custseg.engine import segment_products

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
    scatters: np.ndarray  # (n_segments, n_features, n_features), or one: their sum
    scale: np.ndarray  # (n_features,)
    center: np.ndarray  # (n_features,), the mean over all customers

    def standardized_means(self):
        """Means of the segments about the common mean, in units of `scale`."""
        return (self.means - self.center) / self.scale

    def within_scatter(self):
        """Sum of the segments' scatters."""
        return self.scatters.sum(axis=0)

    def between_scatter(self):
        """Cross-products of the segments' means about the common mean, by weight."""
        gaps = self.standardized_means() * np.sqrt(self.weights)[:, np.newaxis]
        return gaps.T @ gaps

    def varies_within(self):
        """Mask of the columns in which customers of a segment differ."""
        return np.diag(self.within_scatter()) > 0

    def only_columns(self, support):
        """Moments of some columns alone."""
        return self._replace(
            means=self.means[:, support],
            scatters=self.scatters[:, support][:, :, support],
            scale=self.scale[support],
            center=self.center[support],
        )

    def only_segments(self, present):
        """Moments of some segments alone, about the center and in the scale of all."""
        return self._replace(
            weights=self.weights[present],
            means=self.means[present],
            scatters=self.scatters[present]
            if len(self.scatters) > 1
            else self.scatters,
        )


def moments_of(products):
    """Moments from `SegmentProducts`."""
    weights, means = products.weights, products.means
    center = weights @ means / weights.sum()
    within = np.einsum("kjj->j", products.products) / weights.sum()
    gaps = means - center
    total = within + weights @ gaps**2 / weights.sum()
    # Rounding alone leaves a constant column of large values some variance.
    constant = total <= (1e-13 * center) ** 2
    means = np.where(constant, center, means)
    flat = constant | (within <= 1e-24 * total)
    scale = np.sqrt(np.where(flat, np.where(constant, 1.0, total), within))
    scatters = products.products / np.outer(scale, scale)
    scatters[:, flat] = 0
    scatters[:, :, flat] = 0
    return Moments(weights, means, scatters, scale, center)


def segment_moments(X, members, n_segments, weights=None, *, pooled=False):
    """Moments of customers; the parameters are those of `segment_products`."""
    return moments_of(segment_products(X, members, n_segments, weights, pooled=pooled))


def mean_variance(variances):
    """Mean over the columns that vary; 1 where none does."""
    varying = variances[variances > _NULL]
    return varying.mean() if len(varying) else 1.0


def ledoit_wolf_intensity(covariance, fourth, n):
    """Shrinkage towards a multiple of the identity with the least expected error.

    Ledoit and Wolf (2004), eq. 14, for columns in units in which their variances are
    meant to be alike. Weights count repeated customers.

    Parameters
    ----------
    covariance : ndarray of shape (n_features, n_features)
        Divided by the number of customers.
    fourth : float
        Mean fourth power of customers' distances to their segment's mean.
    n : float
        Number of customers.

    Returns
    -------
    intensity : float
        Between 0 and 1.
    """
    covariance = _of_varying(covariance)
    if not len(covariance):
        return 1.0
    error = max(0.0, (fourth - np.sum(covariance**2)) / n)
    target = mean_variance(np.diag(covariance)) * np.eye(len(covariance))
    distance = np.sum((covariance - target) ** 2)
    return 1.0 if distance <= error else float(error / distance)


def oas_intensity(covariance, n):
    """Shrinkage towards a multiple of the identity if customers are Gaussian.

    Chen, Wiesel, Eldar and Hero (2010), eq. 23. scikit-learn's OAS leaves out the
    terms in 2 / n_features, which shrinks a little more where columns are few.

    Parameters
    ----------
    covariance : ndarray of shape (n_features, n_features)
        Divided by the number of customers.
    n : float
        Number of customers.

    Returns
    -------
    intensity : float
        Between 0 and 1.
    """
    covariance = _of_varying(covariance)
    n_varying = len(covariance)
    if not n_varying:
        return 1.0
    squares, trace = np.sum(covariance**2), np.trace(covariance)
    error = (1 - 2 / n_varying) * squares + trace**2
    distance = (n + 1 - 2 / n_varying) * (squares - trace**2 / n_varying)
    return 1.0 if distance <= error else float(error / distance)


def _of_varying(covariance):
    """Covariance of the columns that vary; of others there is rounding only."""
    varying = np.diag(covariance) > _NULL
    return covariance[np.ix_(varying, varying)]


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
