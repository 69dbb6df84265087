"""Does a customer belong to any segment? Split-conformal p-values."""

import warnings

import numpy as np
from sklearn.utils import check_array

from custseg.assignment._moments import find_directions, segment_moments, whitener
from custseg.exceptions import SchemaError, SegmentWarning

_CALIBRATION_SHARE = 0.2
_MAX_KEPT = 1000
# Customers who are alike are equally far out, though in a batch of another size the
# last digits of their distance differ.
ROUNDED = 1 - 1e-9


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
            stacklevel=7,
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


class Quantiles:
    """Distances of calibration customers, at most a thousand, densest far out.

    Parameters
    ----------
    distances : ndarray of shape (n_customers,)
        May be empty.
    """

    def __init__(self, distances):
        farthest_first = -np.sort(-distances)
        self.n_customers = len(distances)
        ranks = np.geomspace(1, max(self.n_customers, 1), _MAX_KEPT).astype(int)
        self._ranks = np.unique(ranks)[: self.n_customers]
        self._kept = farthest_first[self._ranks - 1]

    def p_values(self, distances):
        """Share at least as far out, one more counted: from 1 / (n_customers + 1) to 1.

        Between kept distances the count is rounded up, which keeps the guarantee.
        """
        n_kept_beyond = np.searchsorted(-self._kept, -ROUNDED * distances, side="right")
        next_rank = np.append(self._ranks, self.n_customers + 1)[n_kept_beyond]
        return next_rank / (self.n_customers + 1)

    def rank_at(self, alpha):
        """How many calibration customers must be nearer for a p-value up to alpha.

        A customer is rejected who is farther out than the calibration customer of this
        rank from the far end; 0 if nobody can be.
        """
        ranks = self._ranks[self._ranks <= alpha * (self.n_customers + 1)]
        return int(ranks[-1]) if len(ranks) else 0


class TypicalityLevels:
    """How usual a customer's distances to the segments are.

    Distances are Mahalanobis's, by the covariance within segments. Calibration
    customers, whom neither segments nor covariance have seen, say how often a member
    lies that far out or farther: for customers exchangeable with them, a p-value is
    at most ``alpha`` with probability at most ``alpha`` (Vovk, Gammerman and Shafer
    2005, Algorithmic Learning in a Random World, doi 10.1007/b106715). That holds for
    the distance to the nearest segment, and for the distance to one segment among the
    customers whom the segmenter puts there.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
        Customers that segments were learned on.
    labels : ndarray of shape (n_customers,)
        Their segments.
    """

    def __init__(self, X, labels):
        self.segments, codes = np.unique(labels, return_inverse=True)
        n_segments = len(self.segments)
        moments = segment_moments(X, codes, n_segments, np.ones(len(X)))
        covariance = moments.within_scatter() / max(len(X) - n_segments, 1)
        directions = find_directions(covariance, moments.standardized_means())
        matrix, _, _ = whitener(covariance, directions)
        self.sizes = moments.weights
        self._matrix = matrix / moments.scale[:, np.newaxis]
        self._center = moments.center
        self.places = (moments.means - moments.center) @ self._matrix

    def calibrate(self, X, labels=None):
        """Keep the distances of customers that were not learned from.

        Parameters
        ----------
        X : ndarray of shape (n_customers, n_features)
        labels : ndarray of shape (n_customers,), default=None
            Segments that the segmenter puts them in; None leaves every segment without
            calibration members.
        """
        to_each = self.distances_to_each(X)
        self.nearest = Quantiles(to_each.min(axis=1))
        self.own = [
            Quantiles(to_each[labels == segment, position])
            for position, segment in enumerate(self.segments)
        ]
        return self

    def whitened(self, X):
        """Place customers where segments are spheres, about ``places``."""
        return (X - self._center) @ self._matrix

    def distances_to_each(self, X):
        """Squared distance to each segment, (n_customers, n_segments)."""
        directions = self.whitened(X)
        to_each = [
            np.einsum("ij,ij->i", directions - place, directions - place)
            for place in self.places
        ]
        return np.column_stack(to_each)

    def distances(self, X):
        """Squared distance to the nearest segment, ndarray of shape (n_customers,)."""
        return self.distances_to_each(X).min(axis=1)

    def p_values(self, X):
        """p-value of the distance to the nearest segment, (n_customers,)."""
        return self.nearest.p_values(self.distances(X))

    def segment_p_values(self, X):
        """p-value of the distance to each of ``segments`` among its own members."""
        to_each = self.distances_to_each(X).T
        columns = [
            quantiles.p_values(distances)
            for quantiles, distances in zip(self.own, to_each, strict=True)
        ]
        return np.column_stack(columns)
