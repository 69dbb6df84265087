"""Compiled scores, rules and transformers: they agree, or say what cannot be."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline

from custseg.assignment import SegmentationModel, compile_scorer
from custseg.cluster import (
    KMeansSegmenter,
    Rule,
    RuleBand,
    RuleSegmenter,
    RuleTable,
    loyalty_table,
    marketing_table,
    value_cells_table,
    value_tiers_table,
)
from custseg.exceptions import DataQualityError, SchemaError
from custseg.features import (
    DemographicTransformer,
    RFMTransformer,
)
from custseg.scoring import load_scorer

pytestmark = pytest.mark.filterwarnings("ignore::custseg.exceptions.SegmentWarning")


def buyers(n=300, seed=0):
    """Buyers with ties, some without orders, in two channels."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "note": np.nan,
            "monetary_total": rng.lognormal(4, 1, n).round(1),
            "monetary_value": rng.lognormal(3, 1, n).round(1),
            "frequency": rng.geometric(0.3, n),
            "recency": rng.integers(0, 300, n).astype(float),
            "gap_mean": rng.integers(0, 60, n).astype(float),
            "channel": np.array(["web", "shop", "fair"], dtype=object)[
                rng.choice(3, n, p=[0.6, 0.39, 0.01])
            ],
        }
    )
    table.loc[table["frequency"] == 1, "gap_mean"] = np.nan
    table.loc[:4, ["frequency", "recency", "gap_mean"]] = [0, np.nan, np.nan]
    return table


def requests(table):
    return table.astype(object).where(table.notna(), None).to_dict("records")


def agrees(road, table, tmp_path=None):
    """In a table of each kind and alone, labels are those of the pipeline."""
    scorer = compile_scorer(road)
    expected = road.predict(table)
    tables = [table, pl.from_pandas(table), table.to_dict("list")]
    for one in tables:
        np.testing.assert_array_equal(scorer.predict(one), expected)
    rows = requests(table)[:40]
    np.testing.assert_array_equal([*map(scorer.predict_one, rows)], expected[:40])
    copies = [pickle.loads(pickle.dumps(scorer))]
    if tmp_path is not None:
        scorer.save(tmp_path / "one.scorer")
        copies.append(load_scorer(tmp_path / "one.scorer"))
    for copy in copies:
        np.testing.assert_array_equal(copy.predict(table), expected)
    return scorer


# -- scores --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_scores": 3, "monetary": "mean", "ties": "upper", "weights": (3, 2, 0.1)},
        {"cuts": "kmeans", "output": ("cell", "score")},
        {"groups": "channel", "output": ("m", "r")},
        {"groups": "channel", "relative": True},
        {"relative": True, "gap": "gap_mean"},
        {"recency": 4, "frequency": 3, "monetary": 1},
    ],
)
def test_scores(settings, tmp_path):
    table = buyers()
    scorer = RFMTransformer(**settings)
    road = make_pipeline(scorer, KMeansSegmenter(3, n_init=2, random_state=0)).fit(
        table
    )
    compiled = agrees(road, table, tmp_path)
    assert "note" not in compiled.columns
    later = buyers(seed=1).assign(channel=lambda t: t["channel"].replace("shop", "new"))
    np.testing.assert_array_equal(compiled.predict(later), road.predict(later))
    # What reaches the segmenter is the same to the last bit.
    step = compiled._road.matrix
    from custseg.scoring._sources import columns_of

    np.testing.assert_array_equal(
        step(columns_of(later, compiled.columns)), scorer.fit(table).transform(later)
    )


def test_relative_recency_that_comes_out():
    table = buyers().iloc[5:]  # of customers without orders it would be missing
    scorer = RFMTransformer(output=("relative_recency", "f"))
    agrees(make_pipeline(scorer, KMeansSegmenter(2, random_state=0)).fit(table), table)


def test_scores_beside_other_columns():
    table = buyers()
    beside = ColumnTransformer(
        [
            ("rfm", RFMTransformer(), ["recency", "frequency", "monetary_total"]),
            ("rest", DemographicTransformer(), ["channel"]),
        ]
    )
    road = make_pipeline(beside, KMeansSegmenter(4, random_state=0)).fit(table)
    scorer = agrees(road, table)
    assert set(scorer.columns) == {"recency", "frequency", "monetary_total", "channel"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"recency": -1.0}, "Column 'recency' must have no number below 0."),
        ({"recency": None}, "Column 'recency' must have no missing value (NaN)."),
        ({"monetary_total": np.inf}, "Column 'monetary_total' must hold finite"),
    ],
)
def test_scores_refuse_what_the_transformer_refuses(wrong, message):
    table = buyers()
    road = make_pipeline(RFMTransformer(), KMeansSegmenter(2, random_state=0)).fit(
        table
    )
    scorer = compile_scorer(road)
    customer = {**requests(table)[9], **wrong}
    with pytest.raises(DataQualityError, match=re.escape(message)):
        scorer.predict_one(customer)
    with pytest.raises(DataQualityError, match=re.escape(message)):
        scorer.predict([customer])


def test_groups_that_are_not_known_are_refused_if_strict():
    table = buyers()
    rfm = RFMTransformer(groups="channel", strict=True)
    road = make_pipeline(rfm, KMeansSegmenter(2, random_state=0)).fit(table)
    scorer = agrees(road, table)
    for channel in ("telephone", None):
        with pytest.raises(SchemaError, match="Groups must be known, and seen in fit"):
            scorer.predict(table.assign(channel=channel))


# -- rules ---------------------------------------------------------------------------


@pytest.mark.parametrize("table_of", [marketing_table, loyalty_table])
def test_rules_behind_scores(table_of, tmp_path):
    table = buyers()
    road = make_pipeline(RFMTransformer(), RuleSegmenter(table_of()))
    road.set_output(transform="pandas").fit(table)
    scorer = agrees(road, table, tmp_path)
    assert scorer.columns == ("monetary_total", "frequency", "recency")


MIXED = RuleTable(
    (
        Rule("fair", channel="fair"),
        Rule("web, large", {"channel": "web", "monetary_total": ">= 60"}),
        Rule("web, exact", channel="web", monetary_total=45),
        Rule("shop", {"channel": "shop", 5: "seldom"}),
    ),
    bands={5: RuleBand(("often", "seldom"), (20,), missing="seldom", equal="lower")},
    otherwise="others",
    overlap="first",
)
MEANS = RuleTable(
    (Rule("high", both="> 40"), Rule("low", both="<= 40")),
    means={"both": ("monetary_total", "monetary_value")},
)


@pytest.mark.parametrize(
    "rules",
    [
        value_cells_table(),
        value_cells_table("median"),
        value_tiers_table(),
        value_tiers_table(1),
        MIXED,
        MEANS,
    ],
    ids=["mean", "median", "tiers", "position", "mixed", "means"],
)
def test_rules_on_columns(rules, tmp_path):
    table = buyers()
    road = RuleSegmenter(rules).fit(table)
    agrees(road, table, tmp_path)
    later = buyers(seed=3).assign(channel=lambda t: t["channel"].replace("shop", "new"))
    np.testing.assert_array_equal(
        compile_scorer(road).predict(later), road.predict(later)
    )


def test_rules_in_a_model():
    table = buyers()
    rules = RuleSegmenter(value_cells_table())
    model = SegmentationModel(rules, split_by="channel").fit(
        table[table["channel"] != "fair"]
    )
    model.name_segments({0: "largest"})
    known = table[table["channel"] != "fair"]
    scorer = agrees(model, known)
    assert scorer.segment_names == model.segment_names_
    columns = ["recency", "frequency", "monetary_total"]
    table = table.iloc[5:]
    rejecting = SegmentationModel(
        rules, basis=columns, reject_alpha=0.1, random_state=0
    ).fit(table)
    with pytest.raises(TypeError, match=r"rules without reject_alpha\. Got Rule"):
        compile_scorer(rejecting)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"r": 2.5}, "Column 'r' must have levels among 1..5. Got others in 1 of 1"),
        ({"f": 6}, "Column 'f' must have levels among 1..5. Got others in 1 of 1 rows"),
        ({"f": None}, "Column 'f' must have numbers and no missing value (NaN). Got"),
        ({"kind": None}, "Column 'kind' must have levels and no missing value (NaN)."),
        ({"kind": "c"}, "Column 'kind' must have levels among a or b. Got others in"),
    ],
)
def test_rules_refuse_what_the_segmenter_refuses(wrong, message):
    rules = RuleTable(
        (Rule("best", r=(4, 5), f=(4, 5), kind="a"),),
        levels={"r": range(1, 6), "f": range(1, 6), "kind": ("a", "b")},
        otherwise="rest",
    )
    table = pd.DataFrame({"r": [5.0, 1, 4], "f": [5, 5, 1], "kind": ["a", "b", "a"]})
    segmenter = RuleSegmenter(rules).fit(table)
    scorer = compile_scorer(segmenter)
    customer = {"r": 5.0, "f": 5, "kind": "a", **wrong}
    for ask in (
        lambda: scorer.predict_one(customer),
        lambda: scorer.predict([customer]),
        lambda: segmenter.predict(pd.DataFrame([customer])),
    ):
        with pytest.raises(DataQualityError, match=re.escape(message)):
            ask()
