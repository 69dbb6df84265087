"""Sums of blocks against paper and NumPy."""

import numpy as np

from custseg.engine import SEGMENT_SUMS, segment_sums
from custseg.engine import _source as module


def test_worked_case():
    # Segment 0: 1 and 3, mean 2, squares 1 + 1. Segment 1: 10 of weight 2. None: 99.
    X = np.array([[1.0], [3.0], [10.0], [99.0]])
    sums = segment_sums(X, np.array([0, 0, 1, -1]), 2, np.array([1.0, 1, 2, 5]))
    assert sums.weights.tolist() == [2, 2]
    assert sums.means.tolist() == [[2], [10]]
    assert sums.within().tolist() == [2, 0]
    # The mean of all is 6; both segments weigh 2 and lie 4 from it.
    assert sums.between() == 2 * 16 + 2 * 16


def test_blocks_add_up_to_the_whole(monkeypatch):
    monkeypatch.setattr(module, "_ROWS", 37)
    rng = np.random.default_rng(0)
    X, codes = rng.normal(size=(500, 3)) + 1e6, rng.integers(0, 4, 500)
    codes[:40] = 3  # other segments are not there in the first block
    weights = rng.uniform(0, 2, 500)
    sums = segment_sums(X, codes, 4, weights)
    for k in range(4):
        w, x = weights[codes == k], X[codes == k]
        mean = np.average(x - 1e6, axis=0, weights=w) + 1e6
        np.testing.assert_allclose(sums.weights[k], w.sum())
        np.testing.assert_allclose(sums.means[k], mean, rtol=1e-15)
        np.testing.assert_allclose(sums.squares[k], w @ (x - mean) ** 2, rtol=1e-9)


def test_a_segment_without_customers_is_empty_and_adds_nothing():
    X, codes = np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([0, 0])
    sums = SEGMENT_SUMS.of_block(X, codes, n_segments=2)
    assert sums.weights.tolist() == [2, 0]
    other = SEGMENT_SUMS.of_block(X, codes + 1, n_segments=2)
    both = SEGMENT_SUMS.add(sums, other)
    assert both.weights.tolist() == [2, 2]
    np.testing.assert_allclose(both.means, [[2, 3.5], [2, 3.5]])
    np.testing.assert_allclose(both.squares, [[2, 4.5], [2, 4.5]])
