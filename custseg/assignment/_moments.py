"""Moments of segments, from sums over customers, and Gaussian clouds from these."""

from typing import NamedTuple

import numpy as np

from custseg.engine import row_blocks, segment_products

_ROWS = 2**13  # of a block, whose distances a cache holds
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


# -- clouds ----------------------------------------------------------------------------


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
