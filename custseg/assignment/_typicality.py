"""Does a customer belong to any segment? Split-conformal p-values."""

import numpy as np

from custseg.assignment._moments import find_directions, segment_moments, whitener

_MAX_KEPT = 1000


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
