"""`AdoptionTransformer`: scores, shares, and categories among eventual adopters."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import (
    DataQualityError,
    DegenerateFitError,
    SchemaError,
    SegmentWarning,
)
from custseg.features import AdoptionTransformer
from custseg.features._diffusion import (
    ROGERS,
    Diffusion,
    category_limits,
    fit_diffusion,
)


def draw_times(diffusion, n, rng):
    """Times of adoption by inverting Bass's F; infinite for who never adopts."""
    p, q, eventual = diffusion
    u = rng.random(n)
    times = np.log((1 + u * q / p) / (1 - u)) / (p + q)
    return np.where(rng.random(n) < eventual, times, np.inf)


class TestDiffusion:
    def test_share_adopted_solves_the_equation_of_bass(self):
        # dF/dt = (p + q F)(1 - F), by differences and not by the closed form.
        diffusion = Diffusion(0.03, 0.38, 1.0)
        times = np.linspace(0, 20, 4001)
        share = diffusion.adopted_by(times)
        slope = np.gradient(share, times)[1:-1]
        inner = share[1:-1]
        np.testing.assert_allclose(
            slope, (0.03 + 0.38 * inner) * (1 - inner), atol=1e-6
        )
        assert share[0] == 0

    @pytest.mark.parametrize(
        "truth", [Diffusion(0.03, 0.38, 0.7), Diffusion(0.01, 0.5, 0.4)]
    )
    @pytest.mark.parametrize("unit", [1.0, 365.0])
    def test_what_was_simulated_is_found(self, truth, unit):
        # p = .03 and q = .38 are the means over many products that Sultan, Farley and
        # Lehmann (1990, doi 10.1177/002224379002700107) report.
        rng = np.random.default_rng(0)
        times = draw_times(truth, 20_000, rng)
        found = fit_diffusion(times[times <= 12] * unit, 20_000, 12.0 * unit)
        assert found.innovation * unit == pytest.approx(truth.innovation, rel=0.1)
        assert found.imitation * unit == pytest.approx(truth.imitation, rel=0.05)
        assert found.eventual == pytest.approx(truth.eventual, rel=0.03)

    def test_early_it_says_that_it_does_not_know(self):
        rng = np.random.default_rng(1)
        times = draw_times(Diffusion(0.01, 0.5, 0.6), 20_000, rng)
        with pytest.warns(SegmentWarning, match="Half of the eventual adopters"):
            fit_diffusion(times[times <= 5], 20_000, 5.0)

    def test_too_few_adopters(self):
        with pytest.raises(DegenerateFitError, match="There must be 20 adopters"):
            fit_diffusion(np.arange(19.0), 100, 20.0)


class TestLimits:
    def test_all_have_adopted(self):
        # Of 1,000 the 25th, 160th, 500th and 840th are the last of their categories.
        times = np.random.default_rng(0).permutation(1000) + 1.0
        np.testing.assert_array_equal(category_limits(times, 1000), [25, 160, 500, 840])

    def test_half_have_adopted(self):
        # The early majority just ends, the late one has not begun.
        limits = category_limits(np.arange(1.0, 501.0), 1000)
        np.testing.assert_array_equal(limits, [25, 160, 500, np.inf])

    def test_shares_are_rogers(self):
        assert list(ROGERS.values()) == [0.025, 0.135, 0.34, 0.34, 0.16]


def test_who_has_not_adopted_is_no_laggard():
    rng = np.random.default_rng(2)
    times = draw_times(Diffusion(0.03, 0.4, 0.6), 5000, rng)
    table = pd.DataFrame({"weeks": np.where(times <= 8, times, np.nan)})
    adoption = AdoptionTransformer(adopted={"app": "weeks"}, observed=8.0).fit(table)
    found = adoption.categories(table)["app"]
    assert (found[table["weeks"].isna()] == "not yet").all()
    # Shares of the categories that are over, among the true eventual adopters.
    eventual = np.isfinite(times).sum()
    for name in ("innovators", "early adopters", "early majority"):
        assert (found == name).sum() / eventual == pytest.approx(ROGERS[name], rel=0.1)
    naive = np.quantile(table["weeks"].dropna(), 0.84)
    assert np.mean(table["weeks"] > naive) > 0.05  # whom the naive cut calls laggards
    assert not (found == "laggards").any()


def test_scores_on_paper():
    table = pd.DataFrame(
        {"app": [1.0, 3.0, 5.0], "web": [2.0, None, 4.0], "cash": [5.0, 3.0, 1.0]}
    )
    adoption = AdoptionTransformer(
        scores={"digital": ("app", "web", "cash")}, reverse=("cash",), scale=False
    )
    # Standard deviations sqrt(8/3), 1, sqrt(8/3): z of the first -1.2247, -1, -1.2247.
    z = 2 / (8 / 3) ** 0.5
    expected = [[-(2 * z + 1) / 3], [0.0], [(2 * z + 1) / 3]]
    np.testing.assert_allclose(adoption.fit_transform(table), expected, atol=1e-12)


@pytest.mark.parametrize("as_frame", [pd.DataFrame, pl.DataFrame])
def test_shares_of_devices(as_frame):
    table = as_frame({"phone": [6, 1, 2], "tablet": [3, 1, 2], "desktop": [1, 8, 4]})
    names = ("phone", "tablet", "desktop")
    adoption = AdoptionTransformer(shares={"device": names}, scale=False).fit(table)
    ratios = adoption.transform(table)
    logs = np.log(np.array([[6, 3, 1], [1, 1, 8], [2, 2, 4.0]]))
    np.testing.assert_allclose(ratios, logs - logs.mean(axis=1, keepdims=True))
    outputs = ["device:phone", "device:tablet", "device:desktop"]
    assert list(adoption.get_feature_names_out()) == outputs
    scaled = AdoptionTransformer(shares={"device": names}).fit_transform(table)
    assert scaled.var(axis=0).sum() == pytest.approx(1)


def test_frozen_alone_and_after_a_pickle():
    rng = np.random.default_rng(3)
    table = pd.DataFrame(
        {
            "app": rng.integers(1, 6, 60),
            "web": rng.integers(1, 6, 60),
            "phone": rng.integers(0, 5, 60),
            "desktop": rng.integers(1, 5, 60),
            "weeks": np.where(rng.random(60) < 0.5, rng.integers(0, 30, 60), np.nan),
            "plan": rng.choice(["basic", "full"], 60),
        }
    )
    adoption = AdoptionTransformer(
        scores={"digital": ("app", "web")},
        shares={"device": ("phone", "desktop")},
        adopted={"wallet": "weeks"},
        eventual=0.9,
    ).fit(table)
    together = adoption.transform(table)
    assert np.isfinite(together).all()
    again = pickle.loads(pickle.dumps(adoption))
    for row in range(0, 60, 7):
        np.testing.assert_array_equal(
            again.transform(table.iloc[[row]])[0], together[row]
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        adoption.transform(table.iloc[::-1])


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"scores": {"digital": ("web",)}}, SchemaError, "scores must name columns"),
        ({"scores": {"digital": ()}}, SchemaError, "Each score must have a column"),
        (
            {"shares": {"device": ("phone",)}},
            SchemaError,
            "shares must give two columns or more",
        ),
        (
            {"scores": {"a": ("app",), "b": ("app",)}},
            SchemaError,
            "scores, shares and adopted must name each column once. Got 'app'",
        ),
        ({"reverse": ("app",)}, SchemaError, "reverse must name items of scores"),
        (
            {"adopted": {"app": "phone"}},
            DataQualityError,
            "must have no time below 0, which is the launch. Got others in 1 of 4",
        ),
        (
            {"adopted": {"app": "app"}, "observed": 2.0, "eventual": 1.0},
            DataQualityError,
            "Column 'app' must have no time after observed=2. Got 1 such instead",
        ),
        (
            {"adopted": {"app": "app"}, "eventual": 0.5},
            DataQualityError,
            "eventual must not be below the share of customers who have adopted",
        ),
        ({"adopted": {"app": "app"}}, DegenerateFitError, "Got 3 instead. Give the"),
    ],
)
def test_refusals(parameters, error, message):
    table = pd.DataFrame({"app": [1.0, 2.0, 3.0, None], "phone": [1, -1, 2, 3]})
    with pytest.raises(error, match=re.escape(message)):
        AdoptionTransformer(**parameters).fit(table)
