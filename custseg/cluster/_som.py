"""Segments on a self-organising map."""

from numbers import Integral

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state

from custseg._sklearn import (
    Interval,
    StrOptions,
    check_feature_names_in,
    check_is_fitted,
    fit_context,
    single_threaded,
    validate_data,
)
from custseg.cluster._linkage import cut_tree, grow_tree
from custseg.cluster._segmenter import SegmenterMixin, canonical_order
from custseg.cluster._som_grid import (
    adjacency,
    default_grid,
    neighbour_distances,
    unit_positions,
)
from custseg.engine import (
    NEAREST_SUMS,
    ArraySource,
    nearest_and_sums,
    nearest_point,
    segment_products,
    segment_sums,
)
from custseg.exceptions import DegenerateFitError
from custseg.scoring import Nearest

_DRAW = 50_000  # customers that the first epochs look at
_LAST_EPOCHS = 3  # look at all of them
_LAST_RADIUS = 0.7
_BLOCK_DISTANCES = 2**20  # 8 MB


def principal_plane(X, weights):
    """Mean, and the first two principal axes with their standard deviations.

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    weights : ndarray of shape (n_customers,)

    Returns
    -------
    mean : ndarray of shape (n_features,)
    axes : ndarray of shape (2, n_features)
        Each points to where its largest coordinate is positive. Zeros for the second
        of a single column.
    deviations : ndarray of shape (2,)
    """
    sums = segment_products(X, weights[:, np.newaxis], 1)
    with single_threaded():
        variances, vectors = np.linalg.eigh(sums.products[0] / sums.weights[0])
    axes, deviations = np.zeros((2, X.shape[1])), np.zeros(2)
    n_axes = min(2, X.shape[1])
    axes[:n_axes] = vectors.T[::-1][:n_axes]
    deviations[:n_axes] = np.sqrt(np.maximum(variances[::-1][:n_axes], 0))
    largest = np.take_along_axis(axes, abs(axes).argmax(axis=1)[:, np.newaxis], axis=1)
    return sums.means[0], axes * np.where(largest < 0, -1, 1), deviations


def plane_codebook(positions, mean, axes, deviations):
    """Spread units over the principal plane, one deviation to each side of the mean."""
    low, high = positions.min(axis=0), positions.max(axis=0)
    half = np.where(high > low, high - low, 1) / 2
    return mean + (positions - (low + high) / 2) / half * deviations @ axes


def neighbourhood(positions, radius):
    """Weight of each unit for each other: a Gaussian of their distance on the map."""
    return np.exp(-cdist(positions, positions, "sqeuclidean") / (2 * radius**2))


def smoothed_means(sums, kernel, codebook):
    """Mean of all customers for each unit, weighted by the neighbourhood.

    The batch rule of Kohonen (2013).

    Parameters
    ----------
    sums : SegmentSums
        Of the customers of each unit.
    kernel : ndarray of shape (n_units, n_units)
    codebook : ndarray of shape (n_units, n_features)
        What a unit keeps that is too far from all customers to be moved by any.

    Returns
    -------
    codebook : ndarray of shape (n_units, n_features)
    """
    center = np.average(sums.means, axis=0, weights=sums.weights)
    with single_threaded():  # the same bits whatever BLAS may use
        totals = (kernel @ sums.weights)[:, np.newaxis]
        offsets = (kernel * sums.weights) @ (sums.means - center)
    reached = totals > 1e-200 * sums.weights.sum()
    return np.where(reached, center + offsets / np.where(reached, totals, 1), codebook)


def second_nearest(X, nearest, *, points):
    """Index of the second nearest point of each customer of a block."""
    distances = cdist(X, points, "sqeuclidean")
    distances[np.arange(len(distances)), nearest] = np.inf
    return distances.argmin(axis=1)


class SOMSegmenter(SegmenterMixin, TransformerMixin, BaseEstimator):
    """Segments of neighbouring units of a self-organising map.

    The map is a grid of units, each with a vector in the space of the columns, such
    that neighbours on the grid stand for similar customers: many columns seen on one
    sheet of paper. A customer belongs to the unit with the nearest vector, the best
    matching unit; units are grouped to segments by Ward's criterion, what a merger adds
    to the sum of squares of customers within segments. The field calls it neural
    segmentation. `custseg.plotting.SOMDisplay` draws it.

    Parameters
    ----------
    n_clusters : int, default=4
        Number of segments.
    grid : tuple of two int, default=None
        Rows and columns of units. None takes five times the square root of the number
        of customers (or the sum of their weights) as the number of units, at most 400
        and at least four a segment, and sides that are to each other as the standard
        deviations of the first two principal components.
    topology : {"hexagonal", "rectangular"}, default="hexagonal"
        Units have six neighbours or four: those that share a side.
    n_epochs : int, default=40
        Times that the vectors are worked out anew.
    radius : tuple of two float, default=None
        Standard deviation of the neighbourhood in the first and in the last epoch, in
        distances between neighbours; in between it shrinks by the same factor each
        epoch. None takes half the longer side of the grid, and 0.7. A smaller last
        radius brings vectors nearer to the customers and breaks up the map.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw of more than 50,000 customers; without a draw nothing is
        random.

    Attributes
    ----------
    labels_ : ndarray of shape (n_customers,)
        Segment of each training customer, the same as ``predict(X)``.
    n_segments_ : int
        Number of segments.
    segment_sizes_ : ndarray of shape (n_segments,)
        Customers in each segment, or the sum of their weights; largest first.
    segment_centers_ : ndarray of shape (n_segments, n_features)
        Mean of the customers in each segment.
    grid_ : tuple of two int
        Rows and columns of the map.
    unit_positions_ : ndarray of shape (n_units, 2)
        Where units lie on the map, to the right and up, row by row; neighbours at a
        distance of one.
    codebook_ : ndarray of shape (n_units, n_features)
        Vector of each unit.
    hits_ : ndarray of shape (n_units,)
        Customers of each unit, or the sum of their weights.
    unit_segments_ : ndarray of shape (n_units,)
        Segment of each unit. One without customers has that of the unit with
        customers whose vector is nearest.
    u_matrix_ : ndarray of shape (n_units,)
        Mean distance between the vectors of a unit and of its neighbours: high on a
        border between groups of customers, low within one.
    quantization_error_ : float
        (Weighted) mean distance of customers to the vector of their unit.
    topographic_error_ : float
        (Weighted) share of customers whose two nearest units are no neighbours: how
        often the map tears apart what is near.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where the table had names.

    See Also
    --------
    KMeansSegmenter : Segments of the least squared distances.
    HierarchicalSegmenter : The tree of all customers.

    Notes
    -----
    The batch map: vectors start on the plane of the first two principal components;
    each epoch finds the nearest vector of every customer and sets each vector to the
    mean of all customers, weighted by a Gaussian of the distance between units on the
    map. Of more than 50,000 customers a draw of so many serves all epochs but the last
    three, in which all serve. Sums run over blocks on threads and have the same bits
    for any number of them; `predict` starts no thread.

    Units are merged by the means of their customers, as Ward's tree of all customers
    would go on from there, not by their vectors: a unit between two groups that has
    one customer of the one has its vector drawn towards the other.

    The map minimises no sum of squares of the segments: k-means does, and its segments
    are the tighter ones.

    References
    ----------
    Kohonen, T. (2013). Essentials of the self-organizing map. Neural Networks 37,
    52-65. https://doi.org/10.1016/j.neunet.2012.09.018

    Vesanto, J. and Alhoniemi, E. (2000). Clustering of the self-organizing map. IEEE
    Transactions on Neural Networks 11(3), 586-600. https://doi.org/10.1109/72.846731

    Examples
    --------
    >>> import numpy as np
    >>> from custseg.cluster import SOMSegmenter
    >>> visits_and_spend = np.array([[1, 10], [2, 12], [9, 95], [8, 99], [9, 91]])
    >>> segmenter = SOMSegmenter(n_clusters=2, grid=(1, 4)).fit(visits_and_spend)
    >>> segmenter.labels_
    array([1, 1, 0, 0, 0])
    >>> segmenter.hits_
    array([2, 0, 1, 2])
    >>> segmenter.predict([[3, 20]])
    array([1])
    """

    _parameter_constraints = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "grid": ["array-like", None],
        "topology": [StrOptions({"hexagonal", "rectangular"})],
        "n_epochs": [Interval(Integral, 1, None, closed="left")],
        "radius": ["array-like", None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters=4,
        *,
        grid=None,
        topology="hexagonal",
        n_epochs=40,
        radius=None,
        random_state=None,
    ):
        self.n_clusters = n_clusters
        self.grid = grid
        self.topology = topology
        self.n_epochs = n_epochs
        self.radius = radius
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn the map and group its units to segments.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            Numeric columns on comparable scales, without missing values.
        y : None
            Ignored; here for scikit-learn's sake.
        sample_weight : array-like of shape (n_customers,), default=None
            Weight of each customer, zero or more.

        Returns
        -------
        self : SOMSegmenter

        Raises
        ------
        ValueError
            If `grid` is not two whole numbers from 1, or `radius` not two numbers
            above zero, the second not above the first.
        DegenerateFitError
            If there are fewer distinct customers of positive weight than segments, or
            fewer units, or fewer units with customers.
        DataQualityError
            If a weight is negative or all are zero.
        """
        X, sample_weight = self._check_customers(X, self.n_clusters, sample_weight)
        weights = np.ones(len(X)) if sample_weight is None else sample_weight
        drawn = self._drawn(weights)
        mean, axes, deviations = principal_plane(X[drawn], weights[drawn])
        self.grid_ = self._checked_grid(weights, deviations)
        self.unit_positions_ = unit_positions(*self.grid_, self.topology)
        start = plane_codebook(self.unit_positions_, mean, axes, deviations)
        self.codebook_ = self._trained(start, X, weights, drawn)
        units, squared, sums = nearest_and_sums(X, self.codebook_, weights)
        self.hits_ = np.bincount(units, sample_weight, minlength=len(self.codebook_))
        self._group_units(units, sums, sample_weight)
        adjacent = adjacency(self.unit_positions_)
        self.u_matrix_ = neighbour_distances(self.codebook_, adjacent)
        self.quantization_error_ = float(np.average(np.sqrt(squared), weights=weights))
        self.topographic_error_ = self._torn(X, weights, units, adjacent)
        return self

    def predict(self, X):
        """Give each customer the segment of its best matching unit.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        labels : ndarray of shape (n_customers,)
        """
        units = self.best_matching_units(X)
        return self.unit_segments_[units]

    def _scorer_step(self):
        return Nearest(self.codebook_, self.unit_segments_), np.arange(self.n_segments_)

    def best_matching_units(self, X):
        """Find the unit with the nearest vector for each customer.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        units : ndarray of shape (n_customers,)
            Row of ``codebook_``; ``divmod(unit, grid_[1])`` is its row and column on
            the map.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return nearest_point(X, self.codebook_)[0]

    def transform(self, X):
        """Place each customer on the map, where its best matching unit lies.

        Parameters
        ----------
        X : array-like of shape (n_customers, n_features)
            One row a customer, with the columns of `fit`.

        Returns
        -------
        positions : ndarray of shape (n_customers, 2)
            To the right, and up; customers of one unit lie in one place.
        """
        units = self.best_matching_units(X)
        return self.unit_positions_[units]

    def get_feature_names_out(self, input_features=None):
        """Name the columns that `transform` gives.

        Parameters
        ----------
        input_features : array-like of str or None, default=None
            Names of the input columns; only checked.

        Returns
        -------
        ndarray of str
            ``map_x`` and ``map_y``.
        """
        check_is_fitted(self)
        check_feature_names_in(self, input_features)
        return np.array(["map_x", "map_y"], dtype=object)

    def _drawn(self, weights):
        """Rows that the first epochs look at: all, or a draw of those with weight."""
        random_state = check_random_state(self.random_state)
        present = np.flatnonzero(weights)
        if len(present) <= _DRAW:
            return slice(None)
        return np.sort(random_state.choice(present, _DRAW, replace=False))

    def _checked_grid(self, weights, deviations):
        if self.grid is None:
            # Weights that add up to one tell nothing of the number of customers.
            n_customers = max(weights.sum(), np.count_nonzero(weights))
            return default_grid(n_customers, deviations, self.topology, self.n_clusters)
        sides = tuple(self.grid)
        whole = all(isinstance(side, Integral) and side >= 1 for side in sides)
        if len(sides) != 2 or not whole:
            raise ValueError(
                "grid must be two whole numbers from 1, the rows and the columns. Got "
                f"{self.grid!r} instead. For example: grid=(8, 10)."
            )
        if sides[0] * sides[1] < self.n_clusters:
            raise DegenerateFitError(
                "grid must have at least as many units as segments. Got "
                f"{sides[0]} x {sides[1]} units for {self.n_clusters} segments "
                "instead. Ask for fewer segments or a larger grid."
            )
        return int(sides[0]), int(sides[1])

    def _radii(self):
        """Radius of the neighbourhood in each epoch."""
        extent = np.ptp(self.unit_positions_, axis=0).max() + 1
        first, last = max(extent / 2, _LAST_RADIUS), _LAST_RADIUS
        if self.radius is not None:
            radii = np.asarray(self.radius)
            if not (
                radii.shape == (2,)
                and radii.dtype.kind in "iuf"
                and 0 < radii[1] <= radii[0] < np.inf
            ):
                raise ValueError(
                    "radius must be two numbers above zero, the second not above the "
                    f"first. Got {self.radius!r} instead. For example: radius=(5, 0.7)."
                )
            first, last = radii
        return np.geomspace(first, last, self.n_epochs)

    def _trained(self, codebook, X, weights, drawn):
        """Epochs of the batch map, from a wide neighbourhood to a narrow one."""
        some = X[drawn], weights[drawn]
        for epoch, radius in enumerate(self._radii()):
            late = epoch >= self.n_epochs - _LAST_EPOCHS
            seen, seen_weights = (X, weights) if late else some
            source = ArraySource(seen, seen_weights)
            sums, _ = source.total(NEAREST_SUMS, points=codebook)
            kernel = neighbourhood(self.unit_positions_, radius)
            codebook = smoothed_means(sums, kernel, codebook)
        return codebook

    def _group_units(self, units, sums, sample_weight):
        """Set the segment of each unit, and what the segmenter protocol asks for."""
        hit = np.flatnonzero(sums.weights)
        if len(hit) < self.n_clusters:
            raise DegenerateFitError(
                f"{self.n_clusters} segments must have at least as many units with "
                f"customers. Got {len(hit)} of {len(sums.weights)} units instead. Ask "
                "for fewer segments or a smaller last radius."
            )
        merges = grow_tree(sums.means[hit], sums.weights[hit], "ward")
        groups = cut_tree(merges, self.n_clusters)
        of_units = groups[nearest_point(self.codebook_, self.codebook_[hit])[0]]
        centers = segment_sums(
            sums.means, of_units, self.n_clusters, sums.weights
        ).means
        order, labels, sizes = canonical_order(
            lambda order: np.argsort(order)[of_units][units], centers, sample_weight
        )
        self.unit_segments_ = np.argsort(order)[of_units]
        self._set_segments(labels, sizes, centers[order])

    def _torn(self, X, weights, units, adjacent):
        """Share of customers whose two nearest units are no neighbours."""
        if len(adjacent) == 1:
            return 0.0
        rows = _BLOCK_DISTANCES // len(adjacent)
        source = ArraySource(X, units, rows_per_block=rows)
        second = source.joined(second_nearest, points=self.codebook_)
        return float(np.average(~adjacent[units, second], weights=weights))
