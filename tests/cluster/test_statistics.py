"""Statistics of segmenters: any blocks, any threads, in memory or in batches."""

import pickle
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm, poisson

from custseg.cluster import GaussianMixtureSegmenter, LatentClassSegmenter
from custseg.cluster._densities import (
    AxisDensities,
    CountDensities,
    GaussianDensities,
    JointDensities,
    LevelDensities,
    known_values,
)
from custseg.cluster._em import _EM, _START, Mixture
from custseg.cluster._merging import _ENTROPIES
from custseg.cluster._mixture_segmenter import _CERTAINTY
from custseg.engine import ArraySource, BatchSource
from custseg.profile._statistics import LEVEL_TABLE
from custseg.selection._criteria import _SPREAD

N = 700
RNG = np.random.default_rng(8)
Z = RNG.normal(size=(2, N))
GAPS = np.where(RNG.uniform(size=(2, N)) < 0.2, np.nan, Z)
COUNTS = np.where(RNG.uniform(size=(1, N)) < 0.1, np.nan, RNG.poisson(2.0, (1, N)))
OF_GAPS, GAPS = known_values(GAPS)
OF_COUNTS, COUNTS = known_values(COUNTS)
LEVELS = RNG.integers(-1, 3, (1, N))
WEIGHTS = RNG.uniform(0, 2, N)
OF_RUNS = RNG.uniform(0, 2, (2, N))
MIXED = JointDensities(
    [
        LevelDensities(np.array([3]), np.array([False])),
        CountDensities(1, OF_COUNTS),
        AxisDensities(2, OF_GAPS),
    ]
)


def em_settings(densities, n_components, log_noise=None):
    n_noise = 0 if log_noise is None else 1
    shape = (2 * n_components, densities.n_statistics)
    return {
        "densities": densities,
        "flat": RNG.normal(size=shape) / 9,
        "constants": RNG.normal(size=(2, n_components)),
        "log_shares": np.log(RNG.dirichlet(np.ones(n_components + n_noise), 2)),
        "log_noise": log_noise,
    }


def half(first):
    return np.array([first, 1 - first])


LAST = {
    "em, one weight": (_EM, (WEIGHTS, Z), em_settings(GaussianDensities(2), 3)),
    "em, noise": (_EM, (None, Z), em_settings(GaussianDensities(2), 3, log_noise=-2.0)),
    "em, mixed": (_EM, (OF_RUNS, LEVELS, COUNTS, GAPS), em_settings(MIXED, 2)),
    "em, kept": (_EM, (None, Z, np.zeros(N)), em_settings(AxisDensities(1), 2)),
    "start": (
        _START,
        (RNG.integers(0, 3, (2, N)), OF_RUNS, Z),
        {"densities": GaussianDensities(2), "n_components": 3},
    ),
    "entropies": (
        _ENTROPIES,
        (WEIGHTS, half(RNG.uniform(size=N))),
        {"memberships_of": np.array, "segments": np.arange(2)},
    ),
    "certainty": (
        _CERTAINTY,
        (WEIGHTS, RNG.normal(size=(3, N))),
        {"joint": np.array, "segments": np.array([0, 0, 1])},
    ),
}
LAST["em, kept"][2]["densities"] = None
X, CODES = Z.T.copy(), RNG.integers(-1, 3, N)
FIRST = {
    "spread": (_SPREAD, (X, CODES, WEIGHTS), {"means": X[:3]}),
    "levels": (LEVEL_TABLE, (LEVELS[0], CODES + 1, WEIGHTS), {"shape": (4, 4)}),
}
CASES = {name: (*case, -1) for name, case in LAST.items()} | {
    name: (*case, 0) for name, case in FIRST.items()
}


def flat(total):
    return total if isinstance(total, tuple) else (total,)


def bits(total):
    return b"".join(np.asarray(part).tobytes() for part in flat(total))


def batches_of(arrays, edges, axis):
    for start, stop in pairwise(edges):
        rows = slice(start, stop)
        place = rows if axis == 0 else (..., rows)
        yield tuple(None if one is None else one[place] for one in arrays)


@pytest.mark.parametrize("name", CASES)
def test_bits_repeat_on_any_number_of_threads_and_from_batches(name):
    statistic, arrays, settings, axis = CASES[name]
    batches = list(batches_of(arrays, [*range(0, N, 111), N], axis))
    found = set()
    for source in (
        ArraySource(*arrays, rows_per_block=37, axis=axis),
        BatchSource(batches, rows_per_block=37, axis=axis),
    ):
        for n_threads in (1, 2, 5):
            total = source.total(statistic, n_threads=n_threads, **settings)
            found.add(bits(total))
    assert len(found) == 1


@pytest.mark.parametrize("name", CASES)
def test_blocks_change_nothing_but_rounding(name):
    statistic, arrays, settings, axis = CASES[name]
    whole = flat(statistic.of_block(*arrays, **settings))
    edges = [0, 3, 400, 401, N]
    sources = [BatchSource(lambda: batches_of(arrays, edges, axis), axis=axis)]
    sources += [ArraySource(*arrays, rows_per_block=r, axis=axis) for r in (1, 64)]
    for source in sources:
        parts = flat(source.total(statistic, **settings))
        for part, of_whole in zip(parts, whole, strict=True):
            scale = np.abs(of_whole).max()
            np.testing.assert_allclose(part, of_whole, rtol=1e-9, atol=1e-9 * scale)


@pytest.mark.parametrize("name", CASES)
def test_what_is_sent_and_what_nobody_adds(name):
    statistic, arrays, settings, _ = CASES[name]
    sent, frozen = pickle.loads(pickle.dumps((statistic, settings)))
    total = sent.of_block(*arrays, **frozen)
    assert bits(total) == bits(statistic.of_block(*arrays, **settings))
    assert bits(statistic.add(statistic.zero(**settings), total)) == bits(total)


def test_a_pass_over_batches_is_a_pass_of_the_mixture():
    # Whether statistics are kept or made anew in each block, of customers by columns.
    shares = np.array([[0.3, 0.7]])
    parameters = (np.array([[[0.0, 1], [2, 0]]]), np.ones((1, 2, 2)))
    kept = Mixture(AxisDensities(2), Z, weights=WEIGHTS)
    passed = kept.pass_over(shares, parameters)
    logs = [norm.logpdf(Z, m[:, np.newaxis], 1).sum(axis=0) for m in parameters[0][0]]
    expected = logsumexp(np.log(shares[0])[:, np.newaxis] + logs, axis=0)
    assert passed.log_likelihoods[0] == pytest.approx(WEIGHTS @ expected)
    coefficients, constants = kept.densities.coefficients(parameters)
    settings = {
        "densities": AxisDensities(2),
        "flat": coefficients[0],
        "constants": constants + np.log(shares),
        "log_shares": np.log(shares),
        "log_noise": None,
    }
    edges = [0, 100, 350, N]
    batches = BatchSource(lambda: batches_of((WEIGHTS, Z), edges, -1), axis=-1)
    anew = batches.total(_EM, **settings)
    for one, other in zip(passed, anew, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_missing_values_say_nothing_in_a_block():
    # A count of 3 and a gap, each with a rate of 2 in the only component.
    gaps, counts = known_values(np.array([[3.0, np.nan]]))
    mixture = Mixture(CountDensities(1, gaps), counts)
    passed = mixture.pass_over(np.ones((1, 1)), (np.full((1, 1, 1), 2.0),))
    assert passed.log_likelihoods[0] == pytest.approx(poisson.logpmf(3, 2))
    assert passed.sums.tolist() == [[[3.0, 1.0]]]


@pytest.mark.parametrize(
    "segmenter", [GaussianMixtureSegmenter(2), LatentClassSegmenter(2)]
)
def test_what_gives_the_joint_densities_can_be_sent(segmenter):
    fitted = segmenter.set_params(random_state=0).fit(np.round(X + 5))
    sent = pickle.loads(pickle.dumps(fitted._joint()))
    read = fitted._read(np.round(X + 5))
    np.testing.assert_array_equal(sent(*read), fitted._joint()(*read))
