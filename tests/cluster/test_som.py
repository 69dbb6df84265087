"""The self-organising map: its arithmetic, its segments and what it refuses."""

import multiprocessing
import re
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg.cluster import SOMSegmenter
from custseg.cluster import _som as som_module
from custseg.cluster._som import plane_codebook, principal_plane
from custseg.cluster._som_grid import (
    adjacency,
    default_grid,
    neighbour_distances,
    unit_positions,
)
from custseg.engine import _source as source_module
from custseg.engine import in_order
from custseg.exceptions import DataQualityError, DegenerateFitError

CENTERS = np.array([[0.0, 0, 0], [9, 0, 3], [0, 9, -3], [9, 9, 9]])


def blobs(seed, n=300):
    """Customers of four groups that do not touch, and their group."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    return CENTERS[truth] + rng.normal(size=(n, 3)), truth


def cloud(seed, n=400, n_features=4):
    """Customers without groups, spread unlike along the columns."""
    scales = np.arange(n_features, 0, -1)
    return np.random.default_rng(seed).normal(size=(n, n_features)) * scales


class TestGrid:
    def test_a_unit_in_the_middle_has_six_neighbours(self):
        # Row 1 is shifted by half a unit: unit 4 lies between 1 and 2, and 7 and 8.
        positions = unit_positions(3, 3, "hexagonal")
        adjacent = adjacency(positions)
        assert np.flatnonzero(adjacent[4]).tolist() == [1, 2, 3, 5, 7, 8]
        assert np.flatnonzero(adjacent[0]).tolist() == [1, 3]
        np.testing.assert_allclose(positions[4], [1.5, np.sqrt(3) / 2])

    def test_a_unit_in_the_middle_of_squares_has_four(self):
        adjacent = adjacency(unit_positions(3, 3, "rectangular"))
        assert np.flatnonzero(adjacent[4]).tolist() == [1, 3, 5, 7]

    @pytest.mark.parametrize(
        ("n_customers", "deviations", "topology", "n_clusters", "grid"),
        [
            # 5 sqrt(400) = 100 units; rows sqrt(100 / 2) = 7.1, columns 100 / 7
            (400, (2, 1), "rectangular", 4, (7, 15)),
            # rows are lower: sqrt(100 / 2 / .866) = 7.6
            (400, (2, 1), "hexagonal", 4, (8, 13)),
            (1_000_000, (1, 1), "rectangular", 4, (20, 20)),  # at most 400
            (4, (1, 1), "rectangular", 25, (10, 10)),  # four a segment
            (400, (1, 0), "hexagonal", 4, (1, 100)),  # a line
            (400, (0, 0), "rectangular", 4, (10, 10)),
        ],
    )
    def test_default(self, n_customers, deviations, topology, n_clusters, grid):
        assert default_grid(n_customers, deviations, topology, n_clusters) == grid

    def test_u_matrix_of_four_units(self):
        # 0 - 1      neighbours of unit 0: |0 - 1|, |0 - 3|, mean 2
        # |   |      of unit 1: |1 - 0|, |1 - 7|, mean 3.5
        # 3 - 7      of unit 2: 3, 4, mean 3.5; of unit 3: 6, 4, mean 5
        codebook = np.array([[0.0], [1.0], [3.0], [7.0]])
        adjacent = adjacency(unit_positions(2, 2, "rectangular"))
        u_matrix = neighbour_distances(codebook, adjacent)
        assert u_matrix.tolist() == [2.0, 3.5, 3.5, 5.0]


class TestMap:
    def test_one_epoch_on_paper(self):
        # Mean 6, variance (36 + 16 + 16 + 36) / 4 = 26: units start at 6 -+ 5.10, so
        # {0, 2} are nearest to the first and {10, 12} to the second. With h = exp(-1/2)
        # for the neighbour: (2 * 1 + h * 2 * 11) / (2 + 2 h) = 4.7754, and 7.2246.
        X = [[0], [2], [10], [12]]
        som = SOMSegmenter(2, grid=(1, 2), n_epochs=1, radius=(1, 1)).fit(X)
        h = np.exp(-0.5)
        first, second = (1 + 11 * h) / (1 + h), (11 + h) / (1 + h)
        np.testing.assert_allclose(som.codebook_, [[first], [second]], rtol=1e-12)
        assert som.hits_.tolist() == [2, 2]
        # Distances 4.78, 2.78, 2.78, 4.78; the two units are neighbours.
        assert som.quantization_error_ == pytest.approx(first - 1)
        assert som.topographic_error_ == 0
        np.testing.assert_allclose(som.u_matrix_, second - first)
        assert som.segment_centers_.tolist() == [[1.0], [11.0]]

    def test_two_epochs_of_three_units_in_plain_numpy(self):
        X = cloud(0, 60)
        som = SOMSegmenter(2, grid=(1, 3), n_epochs=2, radius=(1.5, 0.5)).fit(X)
        centered = X - X.mean(axis=0)
        _, singular, axes = np.linalg.svd(centered)
        axis = axes[0] * np.sign(axes[0][abs(axes[0]).argmax()])
        spread = singular[0] / np.sqrt(60)
        codebook = X.mean(axis=0) + np.outer([-1, 0, 1], spread * axis)
        for radius in (1.5, 0.5):
            unit = cdist(X, codebook).argmin(axis=1)
            apart = abs(np.subtract.outer(np.arange(3), unit))
            weight = np.exp(-(apart**2) / (2 * radius**2))
            codebook = weight @ X / weight.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(som.codebook_, codebook, rtol=1e-10)

    def test_without_a_neighbourhood_it_is_k_means(self):
        X = cloud(1)
        som = SOMSegmenter(
            2, grid=(2, 3), topology="rectangular", n_epochs=200, radius=(1e-3, 1e-3)
        ).fit(X)
        plane = principal_plane(X, np.ones(len(X)))
        start = plane_codebook(unit_positions(2, 3, "rectangular"), *plane)
        lloyd = KMeans(6, init=start, n_init=1, tol=0).fit(X)
        np.testing.assert_allclose(som.codebook_, lloyd.cluster_centers_, rtol=1e-10)

    def test_start_spans_one_deviation_of_the_first_two_components(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(500, 3)) * [5, 1, 3] + [100, 0, -7]
        plane = principal_plane(X, np.ones(500))
        start = plane_codebook(unit_positions(3, 5, "rectangular"), *plane)
        values = np.sqrt(np.linalg.eigvalsh(np.cov(X.T, bias=True)))[::-1]
        np.testing.assert_allclose(start.mean(axis=0), X.mean(axis=0))
        # Corners of the map: right minus left, upper minus lower.
        right, up = start[4] - start[0], start[10] - start[0]
        np.testing.assert_allclose(np.linalg.norm([right, up], axis=1), 2 * values[:2])
        assert right @ up == pytest.approx(0, abs=1e-9)
        assert right[0] > 0
        assert up[2] > 0

    @pytest.mark.parametrize("topology", ["hexagonal", "rectangular"])
    def test_a_flat_sheet_is_not_torn(self, topology):
        sheet = np.stack(np.meshgrid(np.linspace(0, 1.2, 40), np.linspace(0, 1, 35)))
        som = SOMSegmenter(4, topology=topology, grid=(6, 7))
        som.fit(sheet.reshape(2, -1).T)
        assert som.topographic_error_ < 0.06
        # To the right on the map is to the right on the sheet.
        columns = som.codebook_[:, 0].reshape(6, 7)
        assert (np.diff(columns, axis=1) > 0).all()

    def test_errors_are_those_of_all_distances(self):
        X, weights = cloud(2), np.random.default_rng(0).uniform(size=400)
        som = SOMSegmenter(3, grid=(5, 6)).fit(X, sample_weight=weights)
        distances = cdist(X, som.codebook_)
        first, second = distances.argsort(axis=1)[:, :2].T
        np.testing.assert_array_equal(som.best_matching_units(X), first)
        expected = np.average(distances.min(axis=1), weights=weights)
        assert som.quantization_error_ == pytest.approx(expected)
        steps = cdist(som.unit_positions_, som.unit_positions_)[first, second]
        torn = np.average(steps > 1.01, weights=weights)
        assert 0 < torn < 1
        assert som.topographic_error_ == pytest.approx(torn)
        np.testing.assert_allclose(som.hits_, np.bincount(first, weights, 30))

    def test_transform_gives_the_place_on_the_map(self):
        X = cloud(3)
        table = pd.DataFrame(X, columns=list("abcd"), index=range(7, 407))
        som = SOMSegmenter(2, grid=(4, 5)).fit(table)
        places = som.set_output(transform="pandas").transform(table)
        assert places.columns.tolist() == ["map_x", "map_y"]
        assert places.index[0] == 7
        row, column = np.divmod(som.best_matching_units(table), 5)
        np.testing.assert_allclose(places["map_x"], column + 0.5 * (row % 2))
        np.testing.assert_allclose(places["map_y"], row * np.sqrt(3) / 2)

    def test_one_unit(self):
        som = SOMSegmenter(1, grid=(1, 1)).fit([[0.0], [4.0]])
        assert som.codebook_.tolist() == [[2.0]]
        assert som.quantization_error_ == 2
        assert som.topographic_error_ == 0
        assert som.u_matrix_.tolist() == [0]

    def test_constant_columns(self):
        X = np.full((20, 2), 7.0)
        som = SOMSegmenter(1).fit(X)
        np.testing.assert_allclose(som.segment_centers_, [[7.0, 7.0]])
        with_one = np.column_stack([blobs(0)[0], np.full(300, 3.0)])
        labels = SOMSegmenter(4).fit(with_one).labels_
        assert adjusted_rand_score(labels, blobs(0)[1]) == 1


class TestSegments:
    @pytest.mark.parametrize("seed", range(5))
    @pytest.mark.parametrize("topology", ["hexagonal", "rectangular"])
    def test_groups_that_do_not_touch_are_found(self, seed, topology):
        X, truth = blobs(seed)
        labels = SOMSegmenter(4, topology=topology).fit(X).labels_
        assert adjusted_rand_score(labels, truth) == 1

    def test_units_are_merged_as_their_customers_would_be(self):
        # SciPy's tree of as many copies of each unit's mean as it has customers.
        X = cloud(4)
        som = SOMSegmenter(5).fit(X)
        units = som.best_matching_units(X)
        means = np.array([X[units == unit].mean(axis=0) for unit in units])
        tree = fcluster(linkage(means, "ward"), 5, "maxclust")
        assert adjusted_rand_score(som.labels_, tree) == 1

    def test_a_unit_without_customers_goes_with_the_nearest_that_has_some(self):
        som = SOMSegmenter(4).fit(blobs(1)[0])
        hit = som.hits_ > 0
        assert 0 < hit.sum() < len(hit)
        nearest = cdist(som.codebook_, som.codebook_[hit]).argmin(axis=1)
        np.testing.assert_array_equal(
            som.unit_segments_, som.unit_segments_[hit][nearest]
        )

    def test_centres_and_sizes_are_those_of_the_customers(self):
        X, weights = cloud(5), np.random.default_rng(1).uniform(size=400)
        som = SOMSegmenter(4).fit(X, sample_weight=weights)
        for segment in range(4):
            mine = som.labels_ == segment
            mean = np.average(X[mine], axis=0, weights=weights[mine])
            np.testing.assert_allclose(som.segment_centers_[segment], mean)
            assert som.segment_sizes_[segment] == pytest.approx(weights[mine].sum())

    def test_a_draw_of_many_customers(self, monkeypatch):
        monkeypatch.setattr(som_module, "_DRAW", 200)
        X, truth = blobs(2, 2_000)
        fits = [SOMSegmenter(4, random_state=s).fit(X) for s in (0, 0, 1)]
        for som in fits:
            assert adjusted_rand_score(som.labels_, truth) == 1
            assert som.hits_.sum() == 2_000
        assert fits[0].codebook_.tobytes() == fits[1].codebook_.tobytes()
        assert fits[0].codebook_.tobytes() != fits[2].codebook_.tobytes()

    def test_at_the_end_of_a_pipeline(self):
        X, truth = blobs(3)
        road = make_pipeline(StandardScaler(), SOMSegmenter(4))
        assert adjusted_rand_score(road.fit_predict(X), truth) == 1


class TestInvariants:
    def test_rows_in_any_order(self):
        X, order = cloud(6), np.random.default_rng(0).permutation(400)
        som, other = SOMSegmenter(4).fit(X), SOMSegmenter(4).fit(X[order])
        np.testing.assert_allclose(other.codebook_, som.codebook_, atol=1e-9)
        np.testing.assert_array_equal(other.labels_, som.labels_[order])

    def test_a_weight_of_two_is_two_customers(self):
        X, weights = cloud(7, 150), np.random.default_rng(0).integers(0, 4, 150)
        som = SOMSegmenter(3).fit(X, sample_weight=weights)
        other = SOMSegmenter(3).fit(np.repeat(X, weights, axis=0))
        assert som.grid_ == other.grid_
        np.testing.assert_allclose(som.codebook_, other.codebook_, atol=1e-9)
        np.testing.assert_array_equal(som.hits_, other.hits_)
        np.testing.assert_array_equal(np.repeat(som.labels_, weights), other.labels_)

    def test_only_the_ratio_of_weights_counts_on_a_given_grid(self):
        X, weights = cloud(8), np.random.default_rng(0).uniform(size=400)
        som = SOMSegmenter(3, grid=(5, 5))
        labels = som.fit(X, sample_weight=weights).labels_
        small = som.fit(X, sample_weight=weights * 2**-40)
        np.testing.assert_array_equal(small.labels_, labels)

    def test_weights_that_add_up_to_one_get_no_smaller_map(self):
        X = cloud(8)
        small = SOMSegmenter(3).fit(X, sample_weight=np.full(400, 1 / 400))
        assert small.grid_ == SOMSegmenter(3).fit(X).grid_

    def test_far_from_the_origin_digits_are_kept(self):
        X = np.round(cloud(9), 3)
        som, far = SOMSegmenter(3).fit(X), SOMSegmenter(3).fit(X + 1e7)
        np.testing.assert_allclose(far.codebook_ - 1e7, som.codebook_, atol=1e-6)

    def test_same_bits_for_any_number_of_threads(self, monkeypatch):
        monkeypatch.setattr(source_module, "_ROWS", 64)
        monkeypatch.setattr(som_module, "_BLOCK_DISTANCES", 64 * 20)
        X, weights = cloud(10, 1_000), np.random.default_rng(0).uniform(size=1_000)
        fits = []
        for n_threads in (1, 2, 5):
            monkeypatch.setattr(
                source_module,
                "in_order",
                lambda f, blocks, n=n_threads, **given: in_order(
                    f, blocks, n_threads=n
                ),
            )
            som = SOMSegmenter(3, grid=(4, 5), n_epochs=8)
            fits.append(som.fit(X, sample_weight=weights))
        for som in fits[1:]:
            assert som.codebook_.tobytes() == fits[0].codebook_.tobytes()
            assert som.segment_centers_.tobytes() == fits[0].segment_centers_.tobytes()
            assert som.topographic_error_ == fits[0].topographic_error_

    def test_kinds_of_matrices(self, tmp_path):
        X = cloud(11).astype(np.float32)
        labels = SOMSegmenter(3).fit(X.astype(float)).labels_
        X.tofile(tmp_path / "customers")
        mapped = np.memmap(tmp_path / "customers", np.float32, "r", shape=X.shape)
        read_only = X.copy()
        read_only.setflags(write=False)
        for given in (X, np.asfortranarray(X), read_only, mapped):
            np.testing.assert_array_equal(SOMSegmenter(3).fit(given).labels_, labels)

    @pytest.mark.skipif(sys.platform != "linux", reason="where fork is safe to call")
    @pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
    def test_predict_returns_in_a_forked_process(self):
        X = np.tile(cloud(12), (50, 1))
        som = SOMSegmenter(3).fit(X)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            for n in (1, 256, 257, 20_000):
                answer = pool.apply_async(som.predict, (X[:n],)).get(timeout=30)
                np.testing.assert_array_equal(answer, som.labels_[:n])


class TestErrors:
    @pytest.mark.parametrize("grid", [(5,), (2, 3, 4), (0, 5), (2.0, 3), ("a", "b")])
    def test_grid(self, grid):
        message = "grid must be two whole numbers from 1, the rows and the columns. Got"
        with pytest.raises(ValueError, match=re.escape(f"{message} {grid!r} instead.")):
            SOMSegmenter(2, grid=grid).fit(cloud(0))

    def test_a_grid_smaller_than_the_number_of_segments(self):
        message = (
            "grid must have at least as many units as segments. Got 2 x 3 units for 7 "
            "segments instead."
        )
        with pytest.raises(DegenerateFitError, match=re.escape(message)):
            SOMSegmenter(7, grid=(2, 3)).fit(cloud(0))

    @pytest.mark.parametrize(
        "radius", [(1,), (1, 2), (1, 0), (np.inf, 1), (2, np.nan), ("a", "b")]
    )
    def test_radius(self, radius):
        message = (
            "radius must be two numbers above zero, the second not above the first. "
            f"Got {radius!r} instead."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            SOMSegmenter(2, radius=radius).fit(cloud(0))

    def test_more_segments_than_distinct_customers(self):
        X = np.repeat([[1.0, 2.0], [3.0, 4.0]], 10, axis=0)
        message = (
            "3 segments must have at least as many distinct customers. Got "
            "n_samples=20 customers of which 2 are distinct instead."
        )
        with pytest.raises(DegenerateFitError, match=re.escape(message)):
            SOMSegmenter(3).fit(X)

    def test_more_segments_than_units_with_customers(self):
        # One epoch of a wide neighbourhood leaves all units near the mean.
        X = [[0.0], [0.1], [10.0], [10.1]]
        som = SOMSegmenter(4, grid=(1, 4), n_epochs=1, radius=(100, 100))
        message = (
            "4 segments must have at least as many units with customers. Got 2 of 4 "
            "units instead."
        )
        with pytest.raises(DegenerateFitError, match=re.escape(message)):
            som.fit(X)

    @pytest.mark.parametrize("weight", [-1, 0])
    def test_weights(self, weight):
        with pytest.raises(DataQualityError, match="sample_weight must"):
            SOMSegmenter(2).fit(cloud(0), sample_weight=np.full(400, weight))
