"""Sources and statistics: any blocks, any threads, in memory or in batches."""

import pickle
import re
from itertools import pairwise

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from custseg import engine
from custseg.engine import ArraySource, BatchSource, Statistic

N = 1_000
RNG = np.random.default_rng(5)
X = RNG.normal(size=(N, 3)) @ RNG.normal(size=(3, 3)) + 1e4
CODES = RNG.integers(0, 4, N)
CODES[:90] = 3  # other segments are not there in the first blocks
SOME = np.where(RNG.uniform(size=N) < 0.1, -1, CODES)
MEMBERS = RNG.dirichlet(np.ones(4), N)
WEIGHTS = RNG.uniform(0.1, 2, N)
VALUES = np.where(RNG.uniform(size=N) < 0.1, np.nan, np.round(X[:, 0], 1))
NORMS = {"means": X[:4], "scale": np.array([2.0, np.inf, 3.0])}

# What is summed, over which rows, with which settings.
CASES = {
    "sums": (engine.SEGMENT_SUMS, (X, SOME, WEIGHTS), {"n_segments": 4}),
    "products": (engine.SEGMENT_PRODUCTS, (X, SOME, WEIGHTS), {"n_segments": 4}),
    "products of memberships": (
        engine.SEGMENT_PRODUCTS,
        (X, MEMBERS, None),
        {"n_segments": 4},
    ),
    "pooled products": (
        engine.SEGMENT_PRODUCTS,
        (X, SOME, None),
        {"n_segments": 4, "pooled": True},
    ),
    "norms": (engine.SQUARED_NORMS, (X, CODES, WEIGHTS), NORMS),
    "norms of memberships": (engine.SQUARED_NORMS, (X, MEMBERS, WEIGHTS), NORMS),
    "nearest": (engine.NEAREST_SUMS, (X, WEIGHTS), {"points": X[:5]}),
    "counts": (engine.VALUE_COUNTS, (VALUES, CODES, WEIGHTS), {"n_segments": 4}),
}
SKETCH = {"quantiles": (engine.QUANTILES, (VALUES, WEIGHTS), {"size": 50})}


def bits(total):
    return b"".join(np.asarray(part).tobytes() for part in flat(total))


def flat(total):
    if isinstance(total, tuple):
        return [one for part in total for one in flat(part)]
    return [np.asarray(total)]


def compared(total):
    """Arrays to compare; counts joined, since a value may come more than once."""
    if isinstance(total, engine.ValueCounts):
        distinct, place = np.unique(total.values, return_inverse=True)
        table = np.zeros((len(distinct), 4))
        np.add.at(table, (place, total.codes), total.weights)
        return [distinct, table, total.missing]
    return flat(total)


def batches_of(arrays, *ends):
    """Cut rows at some places: blocks of unequal size, as parts of a file are."""
    edges = [0, *ends, N]
    for start, stop in pairwise(edges):
        yield tuple(None if one is None else one[start:stop] for one in arrays)


@pytest.mark.parametrize("name", CASES | SKETCH)
def test_bits_repeat_on_any_number_of_threads_and_from_batches(name):
    statistic, arrays, settings = (CASES | SKETCH)[name]
    # Batches of 111 rows, which blocks of 37 cut as they cut the whole.
    batches = list(batches_of(arrays, *range(111, N, 111)))
    sources = [
        ArraySource(*arrays, rows_per_block=37),
        BatchSource(batches, rows_per_block=37),
        BatchSource(lambda: iter(batches), rows_per_block=37),
    ]
    found = set()
    for source in sources:
        for n_threads in (1, 2, 5):
            total = source.total(statistic, n_threads=n_threads, **settings)
            found.add(bits(total))
        with threadpool_limits(2):
            found.add(bits(source.total(statistic, **settings)))
    assert len(found) == 1


@pytest.mark.parametrize("name", CASES)
def test_blocks_change_nothing_but_rounding(name):
    statistic, arrays, settings = CASES[name]
    whole = compared(statistic.of_block(*arrays, **settings))
    sources = [ArraySource(*arrays, rows_per_block=rows) for rows in (1, 7, 64, N)]
    sources += [BatchSource(lambda: batches_of(arrays, 3, 400, 401, 900))]
    for source in sources:
        parts = compared(source.total(statistic, **settings))
        for part, of_whole in zip(parts, whole, strict=True):
            scale = np.abs(of_whole).max()
            np.testing.assert_allclose(part, of_whole, rtol=1e-9, atol=1e-9 * scale)


@pytest.mark.parametrize("name", CASES | SKETCH)
def test_sums_of_nobody_add_nothing(name):
    statistic, arrays, settings = (CASES | SKETCH)[name]
    whole = statistic.of_block(*arrays, **settings)
    zero = statistic.zero(**settings)
    for other in (zero, BatchSource([]).total(statistic, **settings)):
        for both in (statistic.add(other, whole), statistic.add(whole, other)):
            for part, expected in zip(flat(both), flat(whole), strict=True):
                np.testing.assert_allclose(part, expected, rtol=1e-12)


@pytest.mark.parametrize("name", CASES | SKETCH)
def test_a_statistic_its_settings_and_its_sums_can_be_sent(name):
    statistic, arrays, settings = (CASES | SKETCH)[name]
    sent, frozen = pickle.loads(pickle.dumps((statistic, settings)))
    assert sent == statistic
    total = sent.of_block(*arrays, **frozen)
    assert bits(pickle.loads(pickle.dumps(total))) == bits(total)


@pytest.mark.parametrize("name", CASES)
def test_add_changes_neither(name):
    statistic, arrays, settings = CASES[name]
    one, other = (
        statistic.of_block(*part, **settings) for part in batches_of(arrays, 300)
    )
    before = bits(one), bits(other)
    statistic.add(one, other)
    assert (bits(one), bits(other)) == before


def test_every_statistic_of_the_engine_is_tested_here():
    tested = {id(statistic) for statistic, *_ in (CASES | SKETCH).values()}
    known = [one for one in vars(engine).values() if isinstance(one, Statistic)]
    assert {id(statistic) for statistic in known} == tested


@pytest.mark.parametrize("name", CASES | SKETCH)
def test_no_rows_are_nobody(name):
    statistic, arrays, settings = (CASES | SKETCH)[name]
    none = ArraySource(*(None if one is None else one[:0] for one in arrays))
    total = none.total(statistic, **settings)
    whole = statistic.of_block(*arrays, **settings)
    assert bits(statistic.add(total, whole)) == bits(whole)
    for part, of_whole in zip(flat(total), flat(whole), strict=True):
        assert part.ndim == of_whole.ndim


def test_map_yields_blocks_in_order_with_none_where_there_is_none():
    def told(rows, nothing, *, shift):
        assert nothing is None
        return rows + shift

    source = ArraySource(np.arange(10), None, rows_per_block=4)
    parts = [part.tolist() for part in source.map(told, n_threads=2, shift=1)]
    assert parts == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]


def test_joined_parts_and_pairs():
    source = ArraySource(np.arange(5), rows_per_block=2)
    assert source.joined(np.negative).tolist() == [0, -1, -2, -3, -4]
    integer, rest = source.joined(halves)
    assert integer.tolist() == [0, 0, 1, 1, 2]
    assert rest.tolist() == [0, 1, 0, 1, 0]


def halves(rows):
    return rows // 2, rows % 2


def test_rows_may_be_on_the_last_axis():
    columns, runs = np.arange(12.0).reshape(2, 6), np.ones((3, 6))
    for source in (
        ArraySource(None, columns, runs, rows_per_block=4, axis=-1),
        BatchSource([(None, columns, runs)], rows_per_block=4, axis=-1),
    ):
        shapes = [(b.shape, c.shape) for _, b, c in source.blocks()]
        assert shapes == [((2, 4), (3, 4)), ((2, 2), (3, 2))]


def test_a_batch_may_be_one_array():
    source = BatchSource([np.ones(3), np.ones(2)])
    assert source.total(Statistic(np.sum)) == 5
    assert BatchSource([]).total(Statistic(np.sum)) == 0


def test_batches_that_can_be_read_once_are_refused():
    sentence = (
        "batches must be an iterable that can be gone over many times, or a function "
        "that returns one. Got a generator instead. Give the function that makes it, "
        "not what it returns."
    )
    with pytest.raises(TypeError, match=re.escape(sentence)):
        BatchSource(batches_of((X,), 10))
