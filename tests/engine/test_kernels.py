"""The inner loops against direct computation."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from custseg.engine import (
    distance_sums,
    nearest_of_block,
    roughly_nearest_of_block,
    ward_bounds,
    ward_neighbours,
)


@pytest.mark.parametrize("n_points", [1, 5, 40])  # both ways of finding the least
def test_nearest_of_block(n_points):
    rng = np.random.default_rng(0)
    X, points = rng.normal(size=(300, 3)), rng.normal(size=(n_points, 3))
    points[n_points // 2 :] = points[0]  # ties go to the lowest index
    squared = ((X[:, None] - points) ** 2).sum(axis=2)
    index, least = nearest_of_block(X, points)
    np.testing.assert_array_equal(index, squared.argmin(axis=1))
    np.testing.assert_allclose(least, squared.min(axis=1))


@pytest.mark.parametrize(
    ("metric", "scipys"), [("euclidean", "euclidean"), ("manhattan", "cityblock")]
)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_distance_sums_both_ways(metric, scipys, dtype, rtol):
    rng = np.random.default_rng(2)
    X, Y = rng.normal(size=(600, 4)) + 1e3, rng.normal(size=(70, 4)) + 1e3
    X, Y = X.astype(dtype), Y.astype(dtype)
    members = rng.uniform(size=(70, 3)).astype(dtype)
    mirror = rng.uniform(size=(600, 2)).astype(dtype)
    sums, mirrored = distance_sums(X, Y, members, metric=metric, mirror=mirror)
    distances = cdist(X.astype(float), Y.astype(float), scipys)
    assert sums.dtype == mirrored.dtype == np.float64
    np.testing.assert_allclose(sums, distances @ members, rtol=rtol)
    np.testing.assert_allclose(mirrored, distances.T @ mirror, rtol=rtol)


def test_own_distance_is_exactly_zero():
    X = np.random.default_rng(3).normal(size=(300, 7)) * 1e6
    X[200:250] = X[:50]
    for dtype in (np.float64, np.float32):
        rows = X.astype(dtype)
        sums, _ = distance_sums(rows, rows, np.eye(300, dtype=dtype))
        assert (np.diag(sums) == 0).all()
        assert (np.diag(sums[200:250, :50]) == 0).all()
        rtol = 1e-7 if dtype is np.float64 else 1e-3
        np.testing.assert_allclose(sums, cdist(rows, rows), rtol=rtol)


@pytest.mark.parametrize("share", [0.02, 0.5])  # some, or most, distances by hand
def test_near_customers_beside_far_ones_keep_their_distances(share):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(400, 3))
    X[: int(400 * share)] += 1e7
    sums, mirrored = distance_sums(X, X, np.eye(400), mirror=np.eye(400))
    np.testing.assert_allclose(sums, cdist(X, X), rtol=1e-6)
    np.testing.assert_allclose(mirrored, cdist(X, X), rtol=1e-6)


def test_points_of_one_place_have_no_scale():
    X = np.array([[1.0, 2.0], [3.0, 4.0]])
    one_place = np.full((3, 2), 5.0)
    assert roughly_nearest_of_block(X, one_place).tolist() == [0, 0]
    # Groups of one place: merging costs nothing, and the lowest other index is nearest.
    means, weights = np.full((2, 40), 5.0), np.ones(40)
    index, cost = ward_neighbours(
        np.arange(40), means, weights, ward_bounds(means, weights)
    )
    assert index.tolist() == [1] + [0] * 39
    assert (cost == 0).all()
