"""Does a customer belong to any segment? Split-conformal p-values."""

import warnings

import numpy as np
from sklearn.utils import check_array

from custseg.assignment._moments import find_directions, segment_moments, whitener
from custseg.exceptions import SchemaError, SegmentWarning

_CALIBRATION_SHARE = 0.2
_MAX_KEPT = 1000


def held_back_customers(n_customers, alpha, rng):
    """Positions of customers to learn from and of those kept for calibration.

    Nobody is kept where `alpha` is None; a warning tells where nobody can be rejected.
    """
    everyone = np.arange(n_customers)
    if alpha is None:
        return everyone, everyone[:0]
    order = rng.permutation(n_customers)
    n_held_back = int(_CALIBRATION_SHARE * n_customers)
    if n_held_back + 1 < 1 / alpha:
        warnings.warn(
            f"reject_alpha={alpha:g} must have at least {int(np.ceil(1 / alpha)) - 1} "
            f"calibration customers to reject anyone. Got {n_held_back} instead, so no "
            "customer will be -1. Raise reject_alpha or give more customers.",
            SegmentWarning,
            stacklevel=6,
        )
    return np.sort(order[n_held_back:]), np.sort(order[:n_held_back])


def finite_numbers(columns):
    """Return what reaches the last step as numbers that distances can be taken in."""
    try:
        return check_array(columns, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise SchemaError(
            "Typicality must be measured in finite numbers. Got columns that are none "
            f"instead ({error}). Put a transformer before the last step of the "
            "assigner."
        ) from error


class Typicality:
    """How usual a customer's distance to the nearest segment is.

    The distance is Mahalanobis's, by the covariance within segments. Calibration
    customers, whom neither segments nor covariance have seen, say how often a member
    lies that far out or farther: for customers exchangeable with them, a p-value is
    at most ``alpha`` with probability at most ``alpha`` (Vovk, Gammerman and Shafer
    2005, Algorithmic Learning in a Random World, doi 10.1007/b106715).

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
        Customers that segments were learned on.
    labels : ndarray of shape (n_customers,)
        Their segments.
    """

    def __init__(self, X, labels):
        _, codes = np.unique(labels, return_inverse=True)
        n_segments = codes.max() + 1
        moments = segment_moments(X, codes, n_segments, np.ones(len(X)))
        covariance = moments.within_scatter() / max(len(X) - n_segments, 1)
        directions = find_directions(covariance, moments.standardized_means())
        matrix, _, _ = whitener(covariance, directions)
        self._matrix = matrix / moments.scale[:, np.newaxis]
        self._center = moments.center
        self._places = (moments.means - moments.center) @ self._matrix

    def calibrate(self, X):
        """Keep the distances of customers that were not learned from.

        At most a thousand are kept, densest at the far end.
        """
        distances = -np.sort(-self.distances(X))
        self.n_calibration = len(distances)
        ranks = np.geomspace(1, len(distances), _MAX_KEPT).astype(int)
        self._ranks = np.unique(ranks)
        self._kept = distances[self._ranks - 1]
        return self

    def distances(self, X):
        """Squared distance to the nearest segment, ndarray of shape (n_customers,)."""
        directions = (X - self._center) @ self._matrix
        to_each = [
            np.einsum("ij,ij->i", directions - place, directions - place)
            for place in self._places
        ]
        return np.min(to_each, axis=0)

    def p_values(self, X):
        """Share of members at least as far out, between 1/(n_calibration + 1) and 1.

        Between kept distances the count is rounded up, which keeps the guarantee.
        """
        n_kept_beyond = np.searchsorted(-self._kept, -self.distances(X), side="right")
        next_rank = np.append(self._ranks, self.n_calibration + 1)[n_kept_beyond]
        return next_rank / (self.n_calibration + 1)
