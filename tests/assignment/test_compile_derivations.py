"""Every setting of every transformer compiles: one arithmetic for tables and rows."""

import pickle
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from custseg.assignment import compile_scorer
from custseg.cluster import KMeansSegmenter
from custseg.exceptions import DataQualityError, SchemaError
from custseg.features import (
    AdoptionTransformer,
    BehaviouralTransformer,
    BenefitTransformer,
    DemographicTransformer,
    FirmographicTransformer,
    GeographicTransformer,
    LifecycleTransformer,
    LoyaltyTransformer,
    OccasionTransformer,
    PsychographicTransformer,
    RFMTransformer,
    SocialTransformer,
)
from custseg.scoring import load_scorer
from custseg.scoring._customer_columns import through
from custseg.scoring._sources import Row, columns_of

pytestmark = pytest.mark.filterwarnings("ignore::custseg.exceptions.SegmentWarning")
N = 60


def some_customers(seed=0):
    """Columns of every kind, a tenth of many of them missing."""
    rng = np.random.default_rng(seed)
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(
        rng.integers(-400, 400, N), "D"
    )
    table = pd.DataFrame(
        {
            "a": rng.integers(1, 8, N).astype(float),
            "b": rng.integers(1, 6, N).astype(float),
            "c": rng.gamma(2, 30, N).round(2),
            "age": rng.integers(16, 90, N).astype(float),
            "born": pd.to_datetime("1980-02-29")
            + pd.to_timedelta(rng.integers(-9000, 9000, N), "D"),
            "year": rng.integers(1940, 2005, N).astype(float),
            "hour": rng.integers(0, 25, N).astype(float),
            "code": np.array(["x1", "x2", "y1", "z"], object)[rng.integers(0, 4, N)],
            "region": np.array(["North", "South", "West"], object)[
                rng.choice(3, N, p=[0.6, 0.38, 0.02])
            ],
            "city": np.array(["A", "B", "C"], object)[rng.integers(0, 3, N)],
            "lat": rng.uniform(-80, 80, N),
            "lon": rng.uniform(-170, 170, N),
            "wedding": days,
            "birthday": pd.to_datetime("1990-02-27")
            + pd.to_timedelta(rng.integers(-3000, 3000, N), "D"),
            "member": rng.random(N) < 0.4,
            "repeat_rate": rng.integers(0, 11, N) / 10,
            "satisfaction": rng.integers(1, 6, N).astype(float),
            "recommend": rng.integers(0, 11, N).astype(float),
            "recency": rng.integers(0, 400, N).astype(float),
            "frequency": rng.integers(1, 9, N),
            "gap_mean": rng.gamma(3, 15, N).round(2),
            "gap_sd": rng.gamma(2, 9, N).round(2),
            "p1": rng.uniform(1, 2, N).round(2),
            "p2": rng.uniform(2, 3, N).round(2),
            "p3": rng.uniform(3, 4, N).round(2),
            "p4": rng.uniform(4, 5, N).round(2),
        }
    )
    for name in GAPS:
        table.loc[rng.random(N) < 0.1, name] = None
    lat_lon = rng.random(N) < 0.05
    table.loc[lat_lon, ["lat", "lon"]] = 0.0
    table.loc[table["frequency"] == 1, ["gap_mean", "gap_sd"]] = np.nan
    none = rng.random(N) < 0.1
    table.loc[none, "frequency"] = 0
    table.loc[none, ["recency", "gap_mean", "gap_sd"]] = np.nan
    return table


GAPS = (
    *("a", "c", "age", "born", "year", "hour", "code", "region", "city", "lat"),
    *("wedding", "birthday", "satisfaction", "recommend", "p1"),
)
YEAR = {"reference_date": "2024-12-31"}
PLACES = pd.DataFrame(
    {
        "code": ["x1", "x2", "y1"],
        "density": [1.0, 5.0, None],
        "climate": ["dry", None, "wet"],
        "port": [True, False, True],
    }
)
TWO_TRADES = {"x1": "one", "x*": "ex"}
RHYTHM = ["recency", "frequency", "gap_mean", "gap_sd"]
BEST_WORST = {"kind": "best_worst", "counts": {"i": ("a", "b", "age")}}
SETTINGS = [
    (DemographicTransformer(birth="born", **YEAR), ["born", "c"]),
    (DemographicTransformer(birth="year", nominal=("age",), **YEAR), ["year"]),
    (DemographicTransformer(bands={"c": (3, 60.5)}, add_indicator=True), ["c", "a"]),
    (
        DemographicTransformer(
            birth={"born": "old"}, bands={"old": (18, 40)}, strict=True, **YEAR
        ),
        ["born", "member", "code"],
    ),
    (DemographicTransformer(ordered={"a": (1, 2, 3, 4, 5, 6, 7)}), ["a", "code"]),
    (FirmographicTransformer(founded="year", **YEAR), ["year"]),
    (FirmographicTransformer(bands={"age": "sme"}), ["age", "code"]),
    (FirmographicTransformer(trade_map={"code": {"x1": "one"}}), ["code", "a"]),
    (FirmographicTransformer(trade_map={"code": {"x*": "ex", "*": "on"}}), ["code"]),
    (FirmographicTransformer(trade_map={"a": {"1": "one", "2": "one"}}), ["a", "b"]),
    (GeographicTransformer(hierarchy=("region", "city")), ["city", "region"]),
    (
        GeographicTransformer(hierarchy=("region", "city"), min_share=0.2, scale=False),
        ["city", "region", "c"],
    ),
    (GeographicTransformer(places=PLACES, place="code"), ["code", "a"]),
    (
        GeographicTransformer(
            places=PLACES, place="code", hierarchy=("climate", "city")
        ),
        ["code", "city"],
    ),
    (GeographicTransformer(latitude="lat", longitude="lon"), ["lat", "lon", "code"]),
    (
        GeographicTransformer(
            latitude="lat",
            longitude="lon",
            sphere=False,
            distance_to={"shop": (52.5, 13.4), "both": [(0, 0), (40, -70)]},
        ),
        ["lon", "lat"],
    ),
    (
        BehaviouralTransformer(shares={"ab": ("b", "frequency")}),
        ["b", "c", "frequency"],
    ),
    (BehaviouralTransformer(cyclic={"hour": 24}), ["a", "hour"]),
    (BehaviouralTransformer(usage=("c", "a"), log="all"), ["c", "a", "b"]),
    (BehaviouralTransformer(new_within={"c": 30}, scale=False), ["c", "b"]),
    (
        BehaviouralTransformer(add_indicator=True, nominal=("member",)),
        ["c", "member", "age"],
    ),
    (OccasionTransformer(shares={"w": ("b", "frequency")}), ["b", "frequency"]),
    (
        OccasionTransformer(
            shares={"w": ("b", "frequency")}, coordinates="clr", prior=2
        ),
        ["b", "frequency", "code"],
    ),
    (OccasionTransformer(cyclic={"hour": 24}, nominal=("a",)), ["hour", "a"]),
    (OccasionTransformer(events=("wedding",), **YEAR), ["wedding"]),
    (
        OccasionTransformer(
            events={"it": ("wedding", "birthday")},
            yearly=("it",),
            window=(200, 100),
            **YEAR,
        ),
        ["wedding", "birthday", "member"],
    ),
    (SocialTransformer(engagement=("a",), per="b"), ["a", "b", "c"]),
    (SocialTransformer(activity="a", active_from="median"), ["a", "code"]),
    (SocialTransformer(given="a", received="b"), ["a", "b"]),
    (
        AdoptionTransformer(scores={"s": ("a", "b")}, reverse=("b",)),
        ["b", "a", "member"],
    ),
    (AdoptionTransformer(shares={"s": ("b", "frequency")}), ["frequency", "b"]),
    (AdoptionTransformer(adopted={"s": "c"}, eventual=1.0), ["c", "b"]),
    (BenefitTransformer(), ["a", "b", "satisfaction"]),
    (
        BenefitTransformer(
            benefits={"x": ("a", "b"), "y": ("satisfaction",)}, scale_use="standardise"
        ),
        ["a", "b", "satisfaction"],
    ),
    (BenefitTransformer(kind="rankings"), ["a", "b", "satisfaction"]),
    (
        BenefitTransformer(kind="rankings", unranked_last=False, scale_use="none"),
        ["a", "b", "satisfaction"],
    ),
    (BenefitTransformer(**BEST_WORST), ["a", "b", "age"]),
    (
        BenefitTransformer(prices=("p1", "p2", "p3", "p4")),
        ["p4", "p1", "a", "b", "p2", "p3"],
    ),
    (LifecycleTransformer(), RHYTHM),
    (LifecycleTransformer(groups="region", output="measures"), [*RHYTHM, "region"]),
    (
        LifecycleTransformer(recent="c", before="age", limits=(2, 4), output="stage"),
        ["age", "c", *RHYTHM],
    ),
    (LoyaltyTransformer(), ["repeat_rate", "satisfaction"]),
    (
        LoyaltyTransformer(
            behaviour=("repeat_rate", "frequency"),
            attitude=("satisfaction", "recommend"),
            cuts="mean",
            proportions=("repeat_rate",),
            promoter="recommend",
        ),
        ["recommend", "frequency", "repeat_rate", "satisfaction"],
    ),
    (LoyaltyTransformer(output="measures"), ["repeat_rate", "satisfaction"]),
    (
        RFMTransformer(
            monetary="b", relative=True, groups="region", output=("r", "m", "cell")
        ),
        ["region", "frequency", "b", "recency", "gap_mean"],
    ),
    (PsychographicTransformer(scales={"s": ("a", "b")}, points=(1, 7)), ["a", "b"]),
    (PsychographicTransformer(), ["a", "b", "satisfaction"]),
    (
        PsychographicTransformer(ipsatize=True, reverse=("b",)),
        ["a", "b", "satisfaction"],
    ),
]


def called(setting):
    """Name a setting by its transformer and what is not as by default."""
    if isinstance(setting, list):
        return ""
    default = type(setting)().get_params()
    changed = [
        name
        for name, value in setting.get_params().items()
        if repr(value) != repr(default[name])
    ]
    return "-".join([type(setting).__name__.removesuffix("Transformer"), *changed])


def requests(table):
    return table.astype(object).where(table.notna(), None).to_dict("records")


def numbers_of(scorer, source):
    """What the steps of a scorer hand to its segmenter."""
    return through(scorer._road.steps, source)


@pytest.mark.parametrize(("transformer", "columns"), SETTINGS, ids=called)
def test_every_setting(transformer, columns, tmp_path):
    table = some_customers()[columns]
    road = make_pipeline(transformer, KMeansSegmenter(2, n_init=2, random_state=0))
    expected = road.fit(table)[:-1].transform(table)
    scorer = compile_scorer(road)
    scorer.save(tmp_path / "one.scorer")
    copies = [scorer, pickle.loads(pickle.dumps(scorer))]
    copies.append(load_scorer(tmp_path / "one.scorer"))
    frames = [table, pl.from_pandas(table), pl.from_pandas(table).to_arrow()]
    for copy in copies:
        for frame in frames:
            found = numbers_of(copy, columns_of(frame, copy.columns))
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        alone = [numbers_of(copy, Row(row, copy.columns)) for row in requests(table)]
        np.testing.assert_allclose(np.vstack(alone), expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(scorer.predict(table), road.predict(table))


# -- customers that fit has not seen the like of -------------------------------------


def road_of(transformer, table):
    segmenter = KMeansSegmenter(2, n_init=2, random_state=0)
    return make_pipeline(transformer, segmenter).fit(table)


@pytest.mark.parametrize(
    ("transformer", "later"),
    [
        (GeographicTransformer(hierarchy=("region", "city")), {"region": "East"}),
        (GeographicTransformer(hierarchy=("region", "city")), {"city": "Z"}),
        (GeographicTransformer(places=PLACES, place="code"), {"code": "q"}),
        (GeographicTransformer(latitude="lat", longitude="lon"), {"lat": 0, "lon": 0}),
        (FirmographicTransformer(trade_map={"code": TWO_TRADES}), {"code": "x9"}),
        (FirmographicTransformer(trade_map={"code": TWO_TRADES}), {"code": "q"}),
        (DemographicTransformer(birth="year", **YEAR), {"year": 1066}),
        (FirmographicTransformer(bands={"age": "sme"}), {"age": -3}),
        (
            OccasionTransformer(events=("birthday",), yearly=("birthday",), **YEAR),
            {"birthday": pd.Timestamp("1900-01-01")},
        ),
        (
            BenefitTransformer(prices=("p1", "p2", "p3", "p4")),
            {"p1": 9.0, "p2": 1.0, "p3": 3.0, "p4": 4.0},
        ),
    ],
)
def test_what_a_table_is_warned_of_is_treated_alike(transformer, later):
    """The table warns, the scorer is silent; with strict=True both refuse."""
    named = {
        "GeographicTransformer": ["region", "city", "code", "lat", "lon"],
        "BenefitTransformer": ["p1", "p2", "p3", "p4", "b"],
    }.get(type(transformer).__name__, list(later))
    table = some_customers()[named].dropna()
    if "lat" in named:  # places that a strict fit takes
        table = table[(table["lat"] != 0) & table["code"].isin(PLACES["code"])]
    row = {**requests(table)[0], **later}
    one = pd.DataFrame([row])
    road = road_of(transformer, table)
    found = numbers_of(compile_scorer(road), Row(row, tuple(named)))
    expected = road[:-1].transform(one)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    strict = type(transformer)(**{**transformer.get_params(), "strict": True})
    if "trade_map" in transformer.get_params() and "code" in later:
        table = table[table["code"].str.startswith("x")]  # fit is strict as well
        if later["code"] == "x9":  # which has a trade by how it begins
            return
    road = road_of(strict, table)
    with pytest.raises((SchemaError, DataQualityError)) as by_table:
        road.predict(one)
    with pytest.raises(type(by_table.value)):
        compile_scorer(road).predict_one(row)


@pytest.mark.parametrize("cell", [20.5, "2020-01-01", True])
def test_events_that_are_no_dates(cell):
    road = road_of(
        OccasionTransformer(events=("wedding",), **YEAR), some_customers()[["wedding"]]
    )
    message = "Column 'wedding' must hold dates of events. Got other values instead."
    with pytest.raises(SchemaError, match=re.escape(message)):
        compile_scorer(road).predict_one({"wedding": cell})


def test_codes_that_are_no_text_have_no_beginning():
    transformer = FirmographicTransformer(trade_map={"code": {"x*": "ex", "*": "on"}})
    scorer = compile_scorer(road_of(transformer, some_customers()[["code"]]))
    with pytest.raises(SchemaError, match="must hold text, to be known by how it"):
        scorer.predict_one({"code": 5520})


def test_a_saved_scorer_needs_numpy_alone(tmp_path):
    """In an interpreter of its own: neither scikit-learn, pandas nor narwhals."""
    bases = {
        str(number): (transformer, columns)
        for number, (transformer, columns) in enumerate(SETTINGS)
    }
    names = sorted({name for _, columns in bases.values() for name in columns})
    table = some_customers()[names]
    parts = [(name, *base) for name, base in bases.items()]
    road = road_of(ColumnTransformer(parts), table)
    compile_scorer(road).save(tmp_path / "all.scorer")
    row = {
        name: value.isoformat() if isinstance(value, pd.Timestamp) else value
        for name, value in requests(table)[5].items()
    }
    program = f"""
import sys
from datetime import datetime
from custseg.scoring import load_scorer
row = {row!r}
for name in ("born", "wedding", "birthday"):
    row[name] = row[name] and datetime.fromisoformat(row[name])
print(load_scorer({str(tmp_path / "all.scorer")!r}).predict_one(row))
print(sorted({{"sklearn", "pandas", "narwhals", "scipy"}} & set(sys.modules)))
"""
    run = [sys.executable, "-P", "-c", program]
    found = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    expected = road.predict(table.iloc[[5]])[0]
    assert found.split("\n")[:2] == [str(expected), "[]"]
