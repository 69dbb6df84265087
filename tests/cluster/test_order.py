"""The order of segments, the nearest point and the distinct rows behind them."""

import numpy as np
import pytest

from custseg.cluster._hierarchical import cut_tree
from custseg.cluster._prototypes import segment_prototypes
from custseg.cluster._segmenter import canonical_order, has_distinct_rows
from custseg.engine import nearest_point


def assigner(X, centers):
    return lambda order: nearest_point(X, centers[order])[0]


def test_segments_come_largest_first():
    X = np.array([[0.0], [10.0], [11.0], [9.0], [20.0], [21.0]])
    centers = np.array([[0.0], [20.5], [10.0]])
    order, labels, sizes = canonical_order(assigner(X, centers), centers)
    assert order.tolist() == [2, 1, 0]
    assert labels.tolist() == [2, 0, 0, 0, 1, 1]
    assert sizes.tolist() == [3, 2, 1]


def test_equal_sizes_are_ordered_by_the_first_coordinate_that_differs():
    X = np.array([[5.0, 9.0], [5.0, 1.0], [0.0, 7.0]])
    order, _, _ = canonical_order(assigner(X, X), X)
    # centres ascending: (0, 7), (5, 1), (5, 9)
    assert order.tolist() == [2, 1, 0]


def test_weights_decide_the_order():
    X = np.array([[0.0], [1.0], [10.0]])
    centers = np.array([[0.5], [10.0]])
    weights = np.array([1.0, 1.0, 5.0])
    order, labels, sizes = canonical_order(assigner(X, centers), centers, weights)
    assert order.tolist() == [1, 0]
    assert labels.tolist() == [1, 1, 0]
    assert sizes.tolist() == [5.0, 2.0]


def test_customers_between_two_centres_settle_in_the_larger_segment():
    # 5 is as near to 0 as to 10. Under the given order it counts for centre 0, which
    # then has 2 of 5 customers; in the order by size centre 10 comes first and takes
    # it: 4 and 1, which is the order that holds.
    X = np.array([[0.0], [5.0], [10.0], [10.0], [10.0]])
    centers = np.array([[0.0], [10.0]])
    order, labels, sizes = canonical_order(assigner(X, centers), centers)
    assert order.tolist() == [1, 0]
    assert labels.tolist() == [1, 0, 0, 0, 0]
    assert sizes.tolist() == [4, 1]


def test_nearest_point_over_many_blocks():
    rng = np.random.default_rng(0)
    X, points = rng.normal(size=(3000, 2)), rng.normal(size=(700, 2))
    index, squared = nearest_point(X, points)  # many blocks
    every = ((X[:, np.newaxis] - points) ** 2).sum(axis=2)
    np.testing.assert_array_equal(index, every.argmin(axis=1))
    np.testing.assert_allclose(squared, every.min(axis=1), rtol=1e-12)


def test_nearest_point_keeps_digits_far_from_the_origin():
    # Expanding |x - c|^2 into products would lose 1e-6 beside 1e16.
    index, squared = nearest_point(
        np.array([[1e8 + 0.001]]), np.array([[1e8 + 0.003], [1e8]])
    )
    assert index[0] == 1
    assert squared[0] == pytest.approx(1e-6, rel=1e-4)


@pytest.mark.parametrize(("n_rows", "answer"), [(1, True), (3, True), (4, False)])
def test_distinct_rows(n_rows, answer):
    X = np.repeat([[1.0, 2.0], [1.0, 3.0], [2.0, 2.0]], 50, axis=0)
    assert has_distinct_rows(X, n_rows) is answer


def test_cut_tree_undoes_the_last_merges():
    # Leaves 0..4; 0+1 -> 5, 2+3 -> 6, 5+4 -> 7, 6+7 -> 8.
    merges = np.array([[0, 1, 1, 2], [2, 3, 2, 2], [4, 5, 3, 3], [6, 7, 9, 5]], float)
    parts = {
        k: {frozenset(np.flatnonzero(cut == s)) for s in range(k)}
        for k in range(1, 6)
        for cut in [cut_tree(merges, k)]
    }
    assert parts[1] == {frozenset(range(5))}
    assert parts[2] == {frozenset({0, 1, 4}), frozenset({2, 3})}
    assert parts[3] == {frozenset({0, 1}), frozenset({2, 3}), frozenset({4})}
    assert parts[5] == {frozenset({i}) for i in range(5)}


def test_a_small_segment_has_its_mean_as_prototype():
    X = np.array([[0.0], [2.0], [4.0], [100.0]])
    points, segments = segment_prototypes(X, np.array([0, 0, 0, 1]))
    assert points.tolist() == [[2.0], [100.0]]
    assert segments.tolist() == [0, 1]


def test_no_prototype_stands_for_fewer_than_eight():
    rng = np.random.default_rng(3)
    X = np.vstack([rng.normal(size=(200, 2)), [[40.0, 40.0]]])  # one far off
    points, segments = segment_prototypes(X, np.zeros(201, dtype=int))
    counts = np.bincount(nearest_point(X, points)[0], minlength=len(points))
    assert 2 <= len(points) <= 10
    assert counts.min() >= 8
    assert not segments.any()


def test_prototypes_follow_a_bent_border():
    # A ring around a disc: both have the same mean, so one point each fails.
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 400)
    radius = np.repeat([1.0, 5.0], 200) * rng.uniform(0.8, 1.2, 400)
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    truth = np.repeat([0, 1], 200)
    for n_prototypes, right in [(1, False), (10, True)]:
        points, segments = segment_prototypes(X, truth, n_prototypes=n_prototypes)
        accuracy = np.mean(segments[nearest_point(X, points)[0]] == truth)
        assert bool(accuracy > 0.99) is right
