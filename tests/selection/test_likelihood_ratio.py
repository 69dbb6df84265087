"""The bootstrap likelihood-ratio test for one component more."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from custseg import GaussianMixtureSegmenter, KMeansSegmenter, LatentClassSegmenter
from custseg.selection import _likelihood_ratio, bootstrap_likelihood_ratio


def two_groups(gap, n=120, seed=0):
    rng = np.random.default_rng(seed)
    return (np.where(rng.random(n) < 0.6, 0, gap) + rng.normal(size=n))[:, np.newaxis]


def answers(n_classes, n=250, seed=0):
    rng = np.random.default_rng(seed)
    chance = np.where(rng.random(n) < 0.5, 0.85, 0.15 if n_classes == 2 else 0.85)
    return pd.DataFrame(rng.random((n, 5)) < chance[:, np.newaxis]).astype(str)


MIXTURE = GaussianMixtureSegmenter(covariance_type="tied", n_init=2, tol=1e-5)
CLASSES = LatentClassSegmenter(n_init=2, tol=1e-4)


@pytest.mark.parametrize(
    ("segmenter", "X"), [(MIXTURE, two_groups(6)), (CLASSES, answers(2, 100))]
)
def test_two_that_are_there_are_enough(segmenter, X):
    X = X.rename(columns=str) if hasattr(X, "columns") else X
    test = bootstrap_likelihood_ratio(
        segmenter, X, n_components=range(1, 4), n_draws=19, random_state=0
    )
    assert test.enough == 2
    table = test.frame()
    assert table["n_components"].tolist() == [1, 2]
    assert table["rejected"].tolist() == [True, False]
    assert table["p_value"].iloc[0] == 1 / 20  # none of the draws gained as much
    assert test.verdict.startswith("2 components are enough at a level of 0.05 (1 ag")


def test_the_statistic_is_twice_the_gain():
    X = two_groups(4)
    test = bootstrap_likelihood_ratio(
        MIXTURE, X, n_components=1, n_draws=19, random_state=0
    )
    one, two = (
        GaussianMixtureSegmenter(k, covariance_type="tied", n_init=20, random_state=0)
        .fit(X)
        .log_likelihood_
        for k in (1, 2)
    )
    assert test.statistics[0] == pytest.approx(2 * (two - one), abs=0.01)
    assert test.enough is None


def test_a_clear_answer_ends_it():
    X = two_groups(0)
    test = bootstrap_likelihood_ratio(
        MIXTURE, X, n_components=1, n_draws=999, random_state=0
    )
    assert test.enough == 1
    # Ten of the draws gained as much: h / B of Besag and Clifford.
    assert test.n_draws[0] < 400
    assert test.p_values[0] == 10 / test.n_draws[0]


def test_draws_are_asked_what_the_customers_are(monkeypatch):
    """One component or two, and nothing more: else the draws gain more, or less."""
    asked, fitted = [], _likelihood_ratio._fitted

    def watching(segmenter, n_components, X, seed):
        asked.append(n_components)
        return fitted(segmenter, n_components, X, seed)

    monkeypatch.setattr(_likelihood_ratio, "_fitted", watching)
    options = {"n_components": 1, "n_draws": 19, "random_state": 0}
    test = bootstrap_likelihood_ratio(MIXTURE, two_groups(0, 40), **options)
    assert asked == [1, 2] * (1 + test.n_draws[0])


def test_gaps_stay_gaps_in_what_is_drawn():
    table = answers(2).rename(columns=str)
    table = table.mask(np.random.default_rng(1).random(table.shape) < 0.2)
    fitted = LatentClassSegmenter(2, random_state=0).fit(table)
    drawn = fitted._drawn(fitted._read(table), np.random.default_rng(0))
    pd.testing.assert_frame_equal(drawn.isna(), table.isna())
    shares = {name: drawn[name].value_counts(normalize=True)["True"] for name in drawn}
    for name, share in shares.items():
        known = table[name].dropna()
        # Four standard errors of a difference of two shares.
        error = np.sqrt(2 * 0.25 / len(known))
        assert share == pytest.approx((known == "True").mean(), abs=4 * error)


@pytest.mark.parametrize("shape", ["full", "tied", "diag", "spherical"])
def test_what_is_drawn_has_the_moments_of_the_mixture(shape):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2)) @ [[2.0, 1.0], [0.0, 0.5]] + [100, -3]
    X[:160] += [9, -9]
    fitted = GaussianMixtureSegmenter(2, covariance_type=shape, random_state=0).fit(X)
    drawn = fitted._drawn((np.zeros((2, 200_000)),), rng)
    np.testing.assert_allclose(drawn.mean(axis=0), X.mean(axis=0), atol=0.05)
    scale = np.sqrt(np.diag(np.cov(X.T, bias=True)))
    if shape != "spherical":
        of_drawn = np.sqrt(np.diag(np.cov(drawn.T)))
        np.testing.assert_allclose(of_drawn, scale, rtol=0.02)
    assert fitted.score(drawn) == pytest.approx(fitted.score(X), abs=0.2)


@pytest.mark.simulation
def test_level_over_many_tables():
    """30 tables without a second component, and ends of 99.9 %.

    benchmarks/simulations/mixtures.py has 200 tables of three kinds. So few tell a
    level of .05 from a far larger one alone; half of all p-values are above .5, which a
    test that hardly ever rejects does not keep either.
    """
    quick = GaussianMixtureSegmenter(covariance_type="tied", n_init=1, tol=1e-4)
    options = {"n_components": 1, "n_draws": 19, "random_state": 0}
    p_values = np.array(
        [
            bootstrap_likelihood_ratio(
                quick, two_groups(0, 40, seed), **options
            ).p_values[0]
            for seed in range(30)
        ]
    )
    for level in (0.05, 0.2):
        assert (p_values <= level).sum() <= binom.ppf(0.9995, 30, level)
    low, high = binom.interval(0.999, 30, 0.5)
    assert low <= (p_values <= 0.5).sum() <= high


@pytest.mark.parametrize(
    ("segmenter", "options", "error", "message"),
    [
        (KMeansSegmenter(), {}, TypeError, "Got KMeansSegmenter instead"),
        (MIXTURE, {"n_draws": 10}, ValueError, "Draw 19 or more."),
        (MIXTURE, {"n_components": 0}, ValueError, "whole numbers of one or more"),
        (MIXTURE, {"n_components": [1.5]}, ValueError, "whole numbers of one or more"),
        (MIXTURE, {"alpha": 1.0}, ValueError, "alpha == 1"),
        (GaussianMixtureSegmenter(noise=True), {}, ValueError, "noise=False"),
        (LatentClassSegmenter(n_segments=2), {}, ValueError, "n_segments=None"),
    ],
)
def test_refusals(segmenter, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        bootstrap_likelihood_ratio(segmenter, two_groups(3), **options)
