"""Whether rejected customers form a segment of their own: level, power, words."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import betabinom, binom

from custseg.assignment import SegmentationModel
from custseg.cluster import KMeansSegmenter
from custseg.evaluation import _rejected, rejected_test
from custseg.evaluation._rejected import (
    RejectedTest,
    _Turning,
    concentration,
    excess_p_value,
)

N_RUNS = 150


def members(rng, n):
    truth = rng.choice(2, n)
    return rng.normal(size=(n, 2)) + np.column_stack([9 * truth, np.zeros(n)])


def fit(rng, n=300, **changes):
    settings = {"reject_alpha": 0.1, "random_state": 0, **changes}
    return SegmentationModel(KMeansSegmenter(2, n_init=1), **settings).fit(
        members(rng, n)
    )


def test_the_count_on_paper():
    # One calibration customer, rank 1: a new member is farther out with probability
    # 1/2, two of two with probability 1/3 (of three, the old one is the nearest).
    assert excess_p_value(1, 1, 1, 1) == pytest.approx(1 / 2)
    assert excess_p_value(2, 2, 1, 1) == pytest.approx(1 / 3)
    assert excess_p_value(0, 5, 1, 19) == pytest.approx(1)
    assert excess_p_value(5, 5, 0, 3) == 1


@pytest.mark.simulation
def test_level_of_both_parts():
    # Members alone: a share .05 of tables has a p-value up to .05, within the 99.9 %
    # binomial bounds; the count is discrete and so below it.
    n_many = n_together = n_tested = 0
    for seed in range(N_RUNS):
        rng = np.random.default_rng(seed)
        result = rejected_test(fit(rng, 500), members(rng, 120), random_state=seed)
        n_many += result.count_p_value <= 0.05
        if result.n_rejected[0] >= 3:
            n_tested += 1
            n_together += result.concentration_p_value <= 0.05
    assert n_tested > 125
    assert n_many <= binom.ppf(0.9995, N_RUNS, 0.05)
    assert n_many >= binom.ppf(0.0005, N_RUNS, 0.02)
    assert n_together <= binom.ppf(0.9995, n_tested, 0.05)
    assert n_together >= binom.ppf(0.0005, n_tested, 0.05)


def test_power():
    # Twenty of a new kind among a hundred members, four deviations from both segments.
    # In full: benchmarks/simulations/rejected.py.
    found = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        newcomers = rng.normal(size=(20, 2)) + [4.5, 6]
        later = np.vstack([members(rng, 100), newcomers])
        result = rejected_test(fit(rng), later, random_state=seed)
        found += result.verdict.startswith("Perhaps a new segment: ")
    assert found >= 18


def test_outliers_all_around_are_no_segment():
    together = many = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        angles = rng.uniform(0, 2 * np.pi, 60)
        around = 6 * np.column_stack([np.cos(angles), np.sin(angles)])
        around = around[around[:, 0] <= 4.5][:25]  # else nearer to the other segment
        around[::2, 0] = 9 - around[::2, 0]
        later = np.vstack([members(rng, 100), around])
        result = rejected_test(fit(rng), later, random_state=seed)
        many += result.verdict.startswith("More than members explain")
        together += result.concentration_p_value <= 0.05
    assert many >= 15
    assert together <= binom.ppf(0.9995, 20, 0.05)


def test_directions_keep_the_nearest_segment():
    # Between two segments there is no room: what is drawn must not be nearer to the
    # other segment, or rejected customers would seem to lie apart.
    rng = np.random.default_rng(0)
    places = np.array([[0.0, 0], [6, 0]])
    angles = rng.uniform(np.pi / 2, 3 * np.pi / 2, 40)
    half = 4 * np.column_stack([np.cos(angles), np.sin(angles)])
    p_value, ratio = concentration(half, places, np.full(2, 1e6), rng)
    assert 0 < p_value < 0.05
    assert ratio < 1
    p_value, _ = concentration(half[:2], places, np.full(2, 1e6), rng)
    assert np.isnan(p_value)


def test_draws_keep_segment_and_distance():
    rng = np.random.default_rng(0)
    places, X = np.array([[0.0, 0], [9, 0]]), rng.normal(4, 5, size=(60, 2))
    turned = _Turning(X, places, np.full(2, 50.0), rng)()
    before, after = cdist(X, places), cdist(turned, places)
    np.testing.assert_array_equal(after.argmin(axis=1), before.argmin(axis=1))
    np.testing.assert_allclose(after.min(axis=1), before.min(axis=1))
    assert np.median(np.linalg.norm(turned - X, axis=1)) > 1


def test_what_it_says():
    rng = np.random.default_rng(0)
    model = fit(rng)
    quiet = rejected_test(model, members(rng, 50), random_state=0)
    assert quiet.verdict.startswith("No new segment: ")
    rank = int(0.1 * 61)
    assert quiet.n_expected == (pytest.approx(50 * rank / 61),)
    n = quiet.n_rejected[0]
    assert n == np.sum(
        model.predict(members(np.random.default_rng(0), 350)[300:]) == -1
    )
    assert quiet.count_p_value == pytest.approx(
        betabinom.sf(n - 1, 50, rank, 61 - rank)
    )
    frame = quiet.frame()
    assert frame.loc[0, ["customers", "rejected"]].tolist() == [50, n]
    assert list(frame.columns) == [
        "customer_type",
        "customers",
        "rejected",
        "expected",
        "count_p_value",
        "concentration_p_value",
        "neighbour_ratio",
    ]
    same = rejected_test(model, members(np.random.default_rng(1), 50), random_state=3)
    again = rejected_test(model, members(np.random.default_rng(1), 50), random_state=3)
    pd.testing.assert_frame_equal(same.frame(), again.frame())


def test_many_rejected_are_thinned(monkeypatch):
    monkeypatch.setattr(_rejected, "_MOST", 100)
    rng = np.random.default_rng(0)
    result = rejected_test(fit(rng), np.full((400, 2), 40.0), random_state=0)
    assert result.n_rejected == (400,)
    assert result.concentration_p_value == 1 / 200


def test_types_are_tested_apart():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(members(rng, 600), columns=["a", "b"])
    table["kind"] = np.repeat(["retail", "wholesale"], 300)
    model = SegmentationModel(
        KMeansSegmenter(2, n_init=1),
        basis=["a", "b"],
        split_by="kind",
        reject_alpha=0.1,
        random_state=0,
    ).fit(table)
    later = pd.DataFrame(members(rng, 200), columns=["a", "b"])
    later["kind"] = np.repeat(["wholesale", "retail"], 100)
    later.loc[:24, ["a", "b"]] = rng.normal(size=(25, 2)) + [4.5, 6]
    result = rejected_test(model, later, random_state=0)
    assert result.customer_types == ("retail", "wholesale")
    assert result.n_customers == (100, 100)
    assert "wholesale: Perhaps a new segment: " in result.verdict
    assert result.verdict.startswith("retail: No new segment: ")
    assert result.count_p_value == min(1, 2 * min(result.count_p_values))


def test_needs_a_model_that_rejects():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="Customers must have been rejected by typ"):
        rejected_test(fit(rng, reject_alpha=None), members(rng, 50))


def test_scattered_or_together():
    def said(count, concentration):
        figures = ((100,), (30,), (10.0,), (count,), (concentration,), (1.0,))
        return RejectedTest(("",), *figures).verdict

    assert said(0.01, 0.4).startswith("More than members explain, but no one segment: ")
    assert said(0.01, 0.4).endswith("as far-out members would (p = 0.4).")
    assert said(0.01, 0.01).startswith("Perhaps a new segment: ")
    assert said(0.4, 0.01).startswith("No new segment: ")
    assert said(0.4, 0.01).endswith("they lie together (p = 0.01).")
