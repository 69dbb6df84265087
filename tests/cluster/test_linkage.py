"""Trees: SciPy's, in less memory and with weights."""

import tracemalloc

import numpy as np
import pytest
from scipy.cluster.hierarchy import is_valid_linkage, linkage

from custseg.cluster import _linkage as linkage_module
from custseg.cluster._linkage import cut_tree, grow_tree
from custseg.cluster._micro import distinct_customers
from custseg.engine import _source as source_module
from custseg.engine import in_order

LINKAGES = ["ward", "complete", "average", "single"]


def partition(labels):
    """The same whatever the numbers of the groups."""
    return sorted(np.flatnonzero(labels == s).tolist() for s in np.unique(labels))


def test_wards_tree_worked_on_paper():
    # 0 and 1: height 1. 4 and 6, of weight 2 each: 2 * 2 / 4 * 2^2 = 4 is added to the
    # sum of squares, height sqrt(2 * 4). Then means 0.5 (weight 2) and 5 (weight 4):
    # 2 * 4 / 6 * 4.5^2 = 27 is added, height sqrt(54).
    points = np.array([[0.0], [1.0], [4.0], [6.0]])
    merges = grow_tree(points, np.array([1.0, 1, 2, 2]), "ward")
    expected = [[0, 1, 1, 2], [2, 3, 8**0.5, 2], [4, 5, 54**0.5, 4]]
    np.testing.assert_allclose(merges, expected)


@pytest.mark.parametrize("how", LINKAGES)
@pytest.mark.parametrize(("n", "d"), [(2, 1), (3, 2), (300, 1), (500, 4), (200, 40)])
def test_trees_are_scipys(how, n, d):
    X = np.random.default_rng(n + d).normal(size=(n, d))
    merges, other = grow_tree(X, np.ones(n), how), linkage(X, how)
    np.testing.assert_allclose(merges[:, 2], other[:, 2], rtol=1e-9)
    np.testing.assert_array_equal(merges[:, [0, 1, 3]], other[:, [0, 1, 3]])
    assert is_valid_linkage(merges)


@pytest.mark.parametrize("how", LINKAGES)
def test_points_are_left_as_they_are(how):
    X = np.random.default_rng(0).normal(size=(30, 1))
    before = X.copy()
    grow_tree(X, np.ones(30), how)
    np.testing.assert_array_equal(X, before)


@pytest.mark.parametrize("how", LINKAGES)
def test_a_weight_is_as_many_copies_joined_at_once(how):
    rng = np.random.default_rng(1)
    X, copies = rng.normal(size=(80, 3)), rng.integers(1, 5, 80)
    merges = grow_tree(X, copies, how)
    other = linkage(np.repeat(X, copies, axis=0), how)
    np.testing.assert_allclose(merges[:, 2], other[-79:, 2], rtol=1e-9)
    cuts = [np.repeat(cut_tree(merges, k), copies) for k in (2, 5, 12)]
    others = [cut_tree(other, k) for k in (2, 5, 12)]
    assert [partition(cut) for cut in cuts] == [partition(cut) for cut in others]


@pytest.mark.parametrize("how", LINKAGES)
def test_ties_end_in_a_valid_tree(how):
    # A lattice: every point has up to eight nearest neighbours at the same distance.
    X = np.array([[i, j, k, m] for i in range(4) for j in range(4)
                  for k in range(4) for m in range(4)], float)  # fmt: skip
    merges = grow_tree(X, np.ones(256), how)
    assert is_valid_linkage(merges)
    assert np.all(np.diff(merges[:, 2]) >= 0)
    assert merges[0, 2] == 1
    np.testing.assert_array_equal(merges, grow_tree(X, np.ones(256), how))
    if how == "ward":  # what merges add is the whole sum of squares
        assert (merges[:, 2] ** 2).sum() / 2 == pytest.approx(256 * X.var(axis=0).sum())


@pytest.mark.parametrize("far", [1e3, 1e9])
def test_one_customer_far_away_takes_no_digits_from_the_others(far):
    X = np.random.default_rng(3).normal(size=(400, 4))
    X[17] = far
    merges, other = grow_tree(X, np.ones(400), "ward"), linkage(X, "ward")
    np.testing.assert_allclose(merges[:, 2], other[:, 2], rtol=1e-9)


def test_two_groups_far_apart_are_told_apart_within():
    # Seen from either, the other is so far that products in float32 say nothing.
    X = np.random.default_rng(4).normal(size=(300, 3))
    X[::2] += 1e7
    merges = grow_tree(X, np.ones(300), "ward")
    assert partition(cut_tree(merges, 2))[0] == list(range(0, 300, 2))
    np.testing.assert_allclose(merges[:, 2], linkage(X, "ward")[:, 2], rtol=1e-6)


@pytest.mark.parametrize("how", ["ward", "average"])
def test_the_same_bits_for_any_number_of_threads(how, monkeypatch):
    X = np.random.default_rng(5).normal(size=(600, 5))
    monkeypatch.setattr(linkage_module, "_BLOCK", 2**13)
    trees = []
    for n_threads in (1, 2, 5):
        monkeypatch.setattr(
            source_module,
            "in_order",
            lambda f, blocks, n=n_threads, **given: in_order(f, blocks, n_threads=n),
        )
        trees.append(grow_tree(X, np.ones(600), how))
    assert len({tree.tobytes() for tree in trees}) == 1


@pytest.mark.parametrize("how", ["ward", "single"])
def test_memory_is_linear_in_the_customers(how):
    n = 4_000
    X = np.random.default_rng(6).normal(size=(n, 4))
    tracemalloc.start()
    try:
        grow_tree(X, np.ones(n), how)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < n * (n - 1) / 2 * 8 / 4  # a quarter of one distance a pair


def test_distinct_customers_in_any_order_and_repeated_or_weighted():
    X = np.array([[2.0, 1], [1, 5], [2, 1], [1, 4], [2, 1], [0.0, 0], [-0.0, 0]])
    groups, points, totals = distinct_customers(X)
    assert points.tolist() == [[0, 0], [1, 4], [1, 5], [2, 1]]
    assert groups.tolist() == [3, 2, 3, 1, 3, 0, 0]
    assert totals.tolist() == [2, 1, 1, 3]
    weighted = distinct_customers(points, np.array([2.0, 1, 1, 3]))
    assert weighted[2].tolist() == totals.tolist()
