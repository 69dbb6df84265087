"""Counts of values against paper, NumPy and SciPy."""

import numpy as np
from scipy.stats import rankdata

from custseg.engine import VALUE_COUNTS, ArraySource

RNG = np.random.default_rng(2)


def test_worked_case():
    # Value 2 has weight 1 in segment 0 and 3 in segment 1, value 5 weight 1 in 0.
    values = np.array([5, 2, np.nan, 2, 2])
    codes, weights = np.array([0, 1, 1, 0, 1]), np.array([1.0, 1, 4, 1, 2])
    counts = VALUE_COUNTS.of_block(values, codes, weights, n_segments=2)
    assert sorted(set(counts.values)) == [2, 5]
    held = np.bincount(counts.codes, counts.weights * (counts.values == 2))
    assert held.tolist() == [1, 3]
    assert counts.missing.tolist() == [0, 4]
    # Of a total weight of 5: four fifths at 2, and one at 5.
    assert set(counts.ranks()[counts.values == 2]) == {0.4}
    assert counts.ranks([2, 3, 5, 9]).tolist() == [0.4, 0.8, 0.9, 1]
    # 0.8 of the customers have 2, so that the share of 0.8 falls between 2 and 5.
    assert counts.quantiles([0, 0.79, 0.8, 0.81, 1]).tolist() == [2, 2, 3.5, 5, 5]


def test_values_of_one_segment_are_joined():
    values, codes = np.repeat([3.0, 1.0, 2.0], 50), np.tile([0, 1], 75)
    counts = VALUE_COUNTS.of_block(values, codes, n_segments=2)
    assert counts.values.tolist() == [1, 1, 2, 2, 3, 3]
    assert counts.codes.tolist() == [0, 1] * 3
    assert counts.weights.tolist() == [25] * 6


def test_ranks_and_quantiles_of_customers():
    x = RNG.integers(0, 40, 501) / 4
    counts = ArraySource(x, rows_per_block=60).total(VALUE_COUNTS)
    np.testing.assert_allclose(counts.ranks(x), (rankdata(x) - 0.5) / len(x))
    shares = np.linspace(0, 1, 23)
    expected = np.quantile(x, shares, method="averaged_inverted_cdf")
    np.testing.assert_array_equal(counts.quantiles(shares), expected)
    for size in (500, 501):
        median = VALUE_COUNTS.of_block(x[:size]).quantiles(0.5)
        assert median == np.median(x[:size])


def test_a_weight_of_two_is_two_customers():
    x, weights = RNG.normal(size=80), RNG.integers(1, 4, 80)
    weighted = VALUE_COUNTS.of_block(x, weights=weights * 0.1)
    repeated = VALUE_COUNTS.of_block(np.repeat(x, weights))
    shares = np.linspace(0, 1, 41)
    np.testing.assert_array_equal(
        weighted.quantiles(shares), repeated.quantiles(shares)
    )
    np.testing.assert_allclose(weighted.ranks(x), repeated.ranks(x))


def test_nobody_has_no_quantiles():
    assert np.isnan(VALUE_COUNTS.zero().quantiles([0, 0.5])).all()
    counts = VALUE_COUNTS.of_block(np.full(3, np.nan))
    assert np.isnan(counts.quantiles(0.5))
    assert counts.missing.tolist() == [3]
