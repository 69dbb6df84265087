"""The sketch of quantiles: how wrong its ranks are, and how it adds up."""

import numpy as np
import pytest
from scipy.stats import binom

from custseg.engine import QUANTILES, VALUE_COUNTS, ArraySource

RNG = np.random.default_rng(4)
SHAPES = {
    "normal": lambda n: (RNG.normal(size=n), None),
    "ascending": lambda n: (np.arange(n, dtype=float), None),
    "descending": lambda n: (np.arange(n, dtype=float)[::-1], None),
    "few values": lambda n: (RNG.integers(0, 30, n) * 1.0, None),
    "weights": lambda n: (RNG.normal(size=n), RNG.exponential(size=n)),
    "heavy weights": lambda n: (RNG.normal(size=n), RNG.pareto(1.1, n) + 0.01),
}


def errors(x, weights, *, size, rows, seed):
    """Rank told less true rank, by weight, at a value drawn at random."""
    source = ArraySource(x, weights, rows_per_block=rows)
    sketch = source.total(QUANTILES, n_threads=1, size=size, seed=seed)
    exact = VALUE_COUNTS.of_block(x, weights=weights)
    at = x[RNG.integers(len(x))]
    return sketch, float(sketch.counts().ranks(at) - exact.ranks(at))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("n", "rows"), [(3_000, 50), (20_000, 2_000)])
def test_ranks_are_within_the_stated_error(shape, n, rows):
    size, n_draws = 50, 60
    found = []
    for seed in range(n_draws):
        x, weights = SHAPES[shape](n)
        sketch, error = errors(x, weights, size=size, rows=rows, seed=seed)
        found.append(error)
        assert len(sketch.values) < 2 * size + 8 * np.log2(n)
    found = np.array(found)
    beyond = np.count_nonzero(np.abs(found) > 3 / size)
    # Stated for 99 % of cases: more beyond it would come up once in a thousand.
    assert beyond <= binom.ppf(0.999, n_draws, 0.01)
    # Right on average: within four standard errors.
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(n_draws) + 1e-12


def test_twice_the_size_halves_the_error():
    spread = []
    for size in (40, 160):
        found = [
            errors(RNG.normal(size=8_000), None, size=size, rows=500, seed=seed)[1]
            for seed in range(80)
        ]
        spread.append(np.std(found))
    assert 2.5 < spread[0] / spread[1] < 6  # four times the size


def test_few_customers_are_kept_as_they_are():
    x = RNG.normal(size=300)
    x[::7] = np.nan
    source = ArraySource(x, rows_per_block=41)
    sketch = source.total(QUANTILES, size=300)
    exact = source.total(VALUE_COUNTS)
    shares = np.linspace(0, 1, 29)
    counts = sketch.counts()
    np.testing.assert_array_equal(counts.quantiles(shares), exact.quantiles(shares))
    np.testing.assert_array_equal(counts.ranks(x[1:7]), exact.ranks(x[1:7]))
    assert counts.missing == exact.missing


def test_weight_is_kept_whatever_is_merged():
    x, weights = RNG.normal(size=5_000), RNG.exponential(size=5_000)
    weights[::9] = 0
    source = ArraySource(x, weights, rows_per_block=130)
    sketch = source.total(QUANTILES, size=60)
    assert sketch.weights.sum() == pytest.approx(weights.sum(), rel=1e-12)
    assert (np.diff(sketch.values) >= 0).all()
    assert np.isin(sketch.values, x[weights > 0]).all()


def test_merged_in_another_order_ranks_stay_within_the_error():
    x = RNG.gamma(2, size=6_000)
    parts = [QUANTILES.of_block(part, size=100) for part in np.split(x, 60)]
    while len(parts) > 1:  # two by two, as a cluster of machines would
        pairs = zip(parts[::2], parts[1::2], strict=False)
        rest = parts[len(parts) // 2 * 2 :]
        parts = [QUANTILES.add(*pair) for pair in pairs] + rest
    exact = VALUE_COUNTS.of_block(x)
    at = np.quantile(x, np.linspace(0.02, 0.98, 25))
    gaps = np.abs(parts[0].counts().ranks(at) - exact.ranks(at))
    assert gaps.max() < 2 * 3 / 100


def test_the_seed_decides():
    x = RNG.normal(size=4_000)
    one, same, other = (QUANTILES.of_block(x, size=50, seed=s) for s in (0, 0, 1))
    assert one.values.tobytes() == same.values.tobytes()
    assert one.values.tobytes() != other.values.tobytes()
