"""Cross-products of blocks against paper and NumPy."""

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from custseg.engine import SEGMENT_PRODUCTS, segment_products, squared_norm_sums
from custseg.engine import _products as module


def test_worked_case():
    # Segment 0: (1, 0) and (3, 4), mean (2, 2), about it (-1, -2) and (1, 2):
    # products [[2, 4], [4, 8]]. Segment 1: (10, 5) of weight 2. None: (99, 99).
    X = np.array([[1.0, 0], [3, 4], [10, 5], [99, 99]])
    codes, weights = np.array([0, 0, 1, -1]), np.array([1.0, 1, 2, 5])
    sums = segment_products(X, codes, 2, weights)
    assert sums.weights.tolist() == [2, 2]
    assert sums.means.tolist() == [[2, 2], [10, 5]]
    assert sums.products.tolist() == [[[2, 4], [4, 8]], [[0, 0], [0, 0]]]
    pooled = segment_products(X, codes, 2, weights, pooled=True)
    assert pooled.products.tolist() == [[[2, 4], [4, 8]]]


def test_worked_case_of_memberships():
    # Of 0 and 4 the second is half in segment 0: weight 1.5, mean 2 / 1.5 = 4/3,
    # products 16/9 + (8/3)^2 / 2 = 16/3. In segment 1 it is alone.
    X, members = np.array([[0.0], [4.0]]), np.array([[1, 0], [0.5, 0.5]])
    sums = segment_products(X, members, 2)
    np.testing.assert_allclose(sums.weights, [1.5, 0.5])
    np.testing.assert_allclose(sums.means, [[4 / 3], [4]])
    np.testing.assert_allclose(sums.products, [[[16 / 3]], [[0]]])


def customers(n=500):
    rng = np.random.default_rng(0)
    codes = rng.integers(-1, 4, n)
    codes[:60] = 3  # other segments are not there in the first block
    X = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 3)) + 1e7
    X[codes == 2] += 1e6
    return X, codes, rng.uniform(0.1, 2, n)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("pooled", [False, True])
def test_blocks_add_up_to_the_whole(monkeypatch, weighted, pooled):
    monkeypatch.setattr(module, "_rows_of_block", lambda _: 37)
    X, codes, weights = customers()
    given = weights if weighted else None
    sums = segment_products(X, codes, 4, given, pooled=pooled)
    expected = []
    for k in range(4):
        w = weights[codes == k] if weighted else np.ones((codes == k).sum())
        x = X[codes == k]
        mean = np.average(x - 1e7, axis=0, weights=w)
        np.testing.assert_allclose(sums.weights[k], w.sum())
        np.testing.assert_allclose(sums.means[k], 1e7 + mean, rtol=1e-15)
        residuals = x - 1e7 - mean
        expected.append((residuals * w[:, np.newaxis]).T @ residuals)
    expected = [sum(expected)] if pooled else expected
    np.testing.assert_allclose(sums.products, expected, rtol=1e-7, atol=1e-6)


def test_memberships_of_zero_and_one_are_segments():
    X, codes, weights = customers()
    members = (codes[:, np.newaxis] == np.arange(4)) * 1.0
    soft = segment_products(X, members, 4, weights)
    hard = segment_products(X, codes, 4, weights)
    for of_soft, of_hard in zip(soft, hard, strict=True):
        np.testing.assert_allclose(of_soft, of_hard, rtol=1e-9, atol=1e-6)


def test_the_same_bits_on_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(module, "_rows_of_block", lambda _: 37)
    X, codes, weights = customers()
    found = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            found.append(segment_products(X, codes, 4, weights))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_segment_without_customers_adds_nothing():
    X, codes = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([0, 0])
    of_block = SEGMENT_PRODUCTS.of_block
    one, other = (of_block(X, codes + k, n_segments=2) for k in (0, 1))
    both = SEGMENT_PRODUCTS.add(one, other)
    assert both.weights.tolist() == [2, 2]
    np.testing.assert_allclose(both.means, [[2, 3.5], [2, 3.5]])
    np.testing.assert_allclose(both.products, [[[2, 3], [3, 4.5]]] * 2)


def test_fourth_powers_of_distances(monkeypatch):
    monkeypatch.setattr(module, "_rows_of_block", lambda _: 37)
    X, codes, weights = customers()
    X, codes, weights = X[codes >= 0], codes[codes >= 0], weights[codes >= 0]
    means = segment_products(X, codes, 4).means
    scale = np.array([2.0, np.inf, 3.0])
    norms = np.sum(((X - means[codes]) / scale) ** 2, axis=1)
    expected = [weights[codes == k] @ norms[codes == k] ** 2 for k in range(4)]
    found = squared_norm_sums(X, codes, means, scale, weights)
    np.testing.assert_allclose(found, expected)
    members = (codes[:, np.newaxis] == np.arange(4)) * 1.0
    found = squared_norm_sums(X, members, means, scale, weights)
    np.testing.assert_allclose(found, expected)
