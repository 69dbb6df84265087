"""`LifecycleTransformer`: rhythms learned, shrunk and applied."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.integrate import quad
from scipy.stats import gamma, invgamma
from sklearn.base import clone

from custseg.exceptions import DataQualityError, DegenerateFitError, SegmentWarning
from custseg.features import LifecycleTransformer
from custseg.features._rhythm import Rhythm, learn_rhythm, limits_of_silence
from custseg.scoring._silence import own_interval


def simulated(n, *, regularity=1.0, shape=3.0, scale=60.0, alive=0.6, seed=0):
    """Buyers of their own mean intervals, some of whom stop; and who still buys."""
    rng = np.random.default_rng(seed)
    rows, still = [], []
    for mean in invgamma(shape, scale=scale).rvs(n, random_state=rng):
        end = 730.0 if rng.random() < alive else rng.uniform(0, 730)
        gaps = gamma(regularity, scale=mean / regularity).rvs(400, random_state=rng)
        times = np.cumsum(gaps) - gaps[0] * rng.random()
        times = times[times <= end]
        between = np.diff(times)
        rows.append(
            {
                "recency": 730 - times[-1] if len(times) else None,
                "frequency": len(times),
                "gap_mean": between.mean() if len(between) else None,
                "gap_sd": between.std(ddof=1) if len(between) > 1 else None,
            }
        )
        still.append(end == 730.0)
    return pd.DataFrame(rows).astype(float), np.array(still)


@pytest.mark.parametrize("regularity", [0.7, 1.0, 3.0])
def test_regularity_is_found(regularity):
    rng = np.random.default_rng(0)
    means = rng.uniform(5, 100, 3000)
    n_gaps = rng.integers(1, 12, 3000)
    spread = means / regularity
    gaps = [rng.gamma(regularity, m, n) for m, n in zip(spread, n_gaps, strict=True)]
    sd = [g.std(ddof=1) if len(g) > 1 else np.nan for g in gaps]
    mean = np.array([g.mean() for g in gaps])
    found = learn_rhythm(n_gaps.astype(float), mean, np.array(sd))
    assert found.regularity == pytest.approx(regularity, rel=0.06)


def test_prior_is_found():
    rng = np.random.default_rng(1)
    means = invgamma(3.0, scale=60.0).rvs(6000, random_state=rng)
    n_gaps = rng.integers(1, 9, 6000).astype(float)
    sums = rng.gamma(n_gaps, means)
    rhythm = learn_rhythm(n_gaps, sums / n_gaps, np.full(6000, np.nan))
    assert rhythm.shape == pytest.approx(3.0, rel=0.1)
    assert rhythm.scale == pytest.approx(60.0, rel=0.1)
    assert rhythm.typical == pytest.approx(30.0, rel=0.05)


def test_shrunken_interval_is_the_posterior_mean():
    # By quadrature of prior times likelihood, without any conjugate formula.
    rhythm = Rhythm(regularity=2.0, shape=3.0, scale=60.0, n_customers=0)
    gaps = np.array([10.0])

    def joint(mean):
        prior = invgamma(3.0, scale=60.0).pdf(mean)
        return prior * np.prod(gamma(2.0, scale=mean / 2.0).pdf(gaps))

    bounds = (1e-3, 5000)
    total = quad(joint, *bounds, limit=500)[0]
    expected = quad(lambda m: m * joint(m), *bounds, limit=500)[0] / total
    found = own_interval(*rhythm[:3], np.array([1.0]), gaps, fewest=2)
    assert found[0] == pytest.approx(expected, rel=1e-4)
    # Nothing known: the prior's mean 60 / (3 - 1); enough known: the own mean.
    known = own_interval(
        *rhythm[:3], np.array([0.0, 2.0]), np.array([np.nan, 10.0]), fewest=2
    )
    np.testing.assert_allclose(known, [30.0, 10.0])


def test_limits_on_paper():
    # Exponential intervals exceed t means with probability exp(-t).
    rhythm = Rhythm(1.0, 3.0, 60.0, 0)
    assert limits_of_silence(rhythm, (0.1, 0.01)) == pytest.approx(
        (np.log(10), np.log(100))
    )
    # Regular intervals are rarely long: gamma of shape 4 by SciPy's own quantile.
    rhythm = Rhythm(4.0, 3.0, 60.0, 0)
    expected = gamma(4.0, scale=0.25).isf([0.1, 0.01])
    np.testing.assert_allclose(limits_of_silence(rhythm, (0.1, 0.01)), expected)


def test_who_has_gone_is_found_better_than_by_days():
    customers, still = simulated(2000, shape=2.0)
    bought = customers["frequency"].to_numpy() >= 1
    stages = LifecycleTransformer().fit(customers).stages(customers)
    called = (stages == "churned").to_numpy()[bought]
    gone = ~still[bought]
    alarms = called[~gone].mean()
    # One number of days for all, with the same share of false alarms.
    recency = customers["recency"].to_numpy()[bought]
    days = np.quantile(recency[~gone], 1 - alarms)
    # One in a hundred of a regular rhythm, and more where few orders tell it.
    assert alarms < 0.04
    assert called[gone].mean() > np.mean(recency[gone] > days) + 0.1


def test_stages():
    customers = pd.DataFrame(
        {
            "recency": [3.0, 3.0, 25.0, 60.0, 3.0, None],
            "frequency": [1, 2, 9, 9, 9, 0],
            "gap_mean": [None, 8.0, 10.0, 10.0, 10.0, None],
            "gap_sd": [None, None, 8.0, 8.0, 8.0, None],
            "now": [5.0, 5.0, 5.0, 5.0, 4.0, 0.0],
            "last": [0.0, 9.0, 5.0, 5.0, 9.0, 0.0],
        }
    )
    lifecycle = LifecycleTransformer(limits=(2, 4)).fit(
        pd.concat([customers.iloc[[2]]] * 5 + [customers])
    )
    stages = ["new", "new", "declining", "churned", "mature", "potential"]
    assert lifecycle.stages(customers).tolist() == stages
    trending = clone(lifecycle).set_params(recent="now", before="last")
    trending.fit(pd.concat([customers.iloc[[2]]] * 5 + [customers]))
    stages[4] = "declining"
    assert trending.stages(customers).tolist() == stages
    assert trending.limits_ == {None: (2.0, 4.0)}


def test_outputs():
    customers, _ = simulated(300)
    lifecycle = LifecycleTransformer().set_output(transform="pandas").fit(customers)
    X = lifecycle.transform(customers)
    stages = lifecycle.stages(customers)
    names = [f"stage={stage}" for stage in sorted(stages.unique())]
    assert list(X) == [*names, "silence", "own_interval"]
    assert X.var(ddof=0).sum() == pytest.approx(3)
    shown = np.array(names)[X[names].to_numpy().argmax(axis=1)]
    assert shown.tolist() == [f"stage={stage}" for stage in stages]
    only = clone(lifecycle).set_params(output="stage").fit(customers)
    assert list(only.get_feature_names_out()) == names
    measures = clone(lifecycle).set_params(output="measures", scale=False, log="none")
    raw = measures.fit_transform(customers)
    bought = customers["gap_mean"].notna() & (customers["frequency"] >= 3)
    np.testing.assert_allclose(
        raw.loc[bought, "own_interval"], customers.loc[bought, "gap_mean"]
    )
    np.testing.assert_allclose(
        raw.loc[bought, "silence"],
        customers.loc[bought, "recency"] / customers.loc[bought, "gap_mean"],
    )


def test_the_same_alone_in_a_batch_and_after_a_pickle():
    customers, _ = simulated(120)
    customers["type"] = np.where(np.arange(120) % 3, "shop", "home")
    lifecycle = LifecycleTransformer(groups="type").fit(customers)
    together = lifecycle.transform(customers)
    again = pickle.loads(pickle.dumps(lifecycle)).transform(customers.iloc[::-1])[::-1]
    np.testing.assert_array_equal(again, together)
    for row in range(0, 120, 17):
        alone = lifecycle.transform(customers.iloc[[row]])
        np.testing.assert_array_equal(alone[0], together[row])
    shuffled = customers.sample(frac=1, random_state=0)
    refitted = LifecycleTransformer(groups="type").fit(shuffled)
    np.testing.assert_allclose(refitted.transform(customers), together, rtol=1e-9)


def test_groups_have_their_own_rhythm():
    slow, _ = simulated(400, scale=600.0, alive=1, seed=1)
    fast, _ = simulated(400, scale=20.0, alive=1, seed=2)
    table = pd.concat([slow.assign(kind="slow"), fast.assign(kind="fast")])
    lifecycle = LifecycleTransformer(groups="kind").fit(table)
    typical = {kind: rhythm.typical for kind, rhythm in lifecycle.rhythms_.items()}
    assert typical["slow"] > 5 * typical["fast"]
    one = {"recency": 60.0, "frequency": 1.0, "gap_mean": np.nan, "gap_sd": np.nan}
    both = pd.DataFrame([one | {"kind": kind} for kind in ("slow", "fast", "other")])
    stages = lifecycle.stages(both).tolist()
    assert stages[:2] == ["new", "churned"]
    # Who is of another kind has the rhythm of all.
    pooled = LifecycleTransformer().fit(table.drop(columns="kind"))
    assert stages[2] == pooled.stages(both.drop(columns="kind"))[2]


@pytest.mark.parametrize("as_frame", [pd.DataFrame, pl.DataFrame])
def test_stages_come_as_the_table_came(as_frame):
    customers, _ = simulated(60)
    expected = LifecycleTransformer().fit(customers).stages(customers)
    if as_frame is pd.DataFrame:
        customers.index = [f"c{i}" for i in range(60)]
        stages = LifecycleTransformer().fit(customers).stages(customers)
        assert list(stages.index) == list(customers.index)
    else:
        table = pl.from_pandas(customers)
        stages = LifecycleTransformer().fit(table).stages(table)
        assert isinstance(stages, pl.Series)
    assert stages.name == "stage"
    assert list(stages) == list(expected)


def test_a_stage_that_fit_has_not_seen_is_counted():
    customers, _ = simulated(100)
    customers = customers[customers["frequency"] > 0]
    lifecycle = LifecycleTransformer().fit(customers)
    nobody = pd.DataFrame([[np.nan, 0.0, np.nan, np.nan]], columns=list(customers))
    with pytest.warns(SegmentWarning, match="'stage': 1 .'potential'. rows"):
        lifecycle.transform(nobody)
    assert lifecycle.stages(nobody).tolist() == ["potential"]


CUSTOMERS, _ = simulated(40)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (
            "recency",
            -1.0,
            "'recency' must have no number below 0. Got others in 1 of",
        ),
        ("gap_mean", -1.0, "Column 'gap_mean' must have no number below 0"),
        (
            "frequency",
            1.5,
            "'frequency' must have whole numbers and none",
        ),
        ("frequency", np.nan, "'frequency' must have whole numbers and none missing"),
        ("recency", np.nan, "must have no missing value where there are orders"),
        ("frequency", 0.0, "Column 'recency' must have no value where there are no"),
        ("recency", np.inf, "Column 'recency' must hold finite numbers"),
    ],
)
def test_impossible_numbers(column, value, message):
    bought = CUSTOMERS[CUSTOMERS["frequency"] > 0].reset_index(drop=True)
    spoilt = bought.copy()
    spoilt.loc[3, column] = value
    with pytest.raises(DataQualityError, match=re.escape(message)):
        LifecycleTransformer().fit(spoilt)
    with pytest.raises(DataQualityError, match=re.escape(message)):
        LifecycleTransformer().fit(bought).stages(spoilt)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"rarity": (0.01, 0.1)}, "rarity must be two falling shares between 0 and 1"),
        ({"limits": (4, 2)}, "limits must be two rising numbers above 0"),
        ({"recent": "recency"}, "recent and before must be given together"),
        (
            {"groups": "type"},
            "recent and before must name columns of the table",
        ),
        ({"gap": "interval"}, "Columns of the life cycle must name columns"),
    ],
)
def test_parameters_that_cannot_be_meant(parameters, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        LifecycleTransformer(**parameters).fit(CUSTOMERS)


def test_too_few_to_learn_from():
    once = CUSTOMERS.assign(frequency=1.0, recency=5.0, gap_mean=np.nan, gap_sd=np.nan)
    with pytest.raises(DegenerateFitError, match="Got 0 instead"):
        LifecycleTransformer().fit(once)
