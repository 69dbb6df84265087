"""Rule tables: the checker of holes and overlaps, the ready tables, the segmenter."""

import pickle
import re
from copy import deepcopy
from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from custseg.assignment import SegmentationModel
from custseg.cluster import (
    Rule,
    RuleBand,
    RuleSegmenter,
    RuleTable,
    loyalty_table,
    marketing_table,
    value_cells_table,
    value_tiers_table,
)
from custseg.exceptions import DataQualityError, DegenerateFitError, SchemaError
from custseg.features import RFMTransformer
from custseg.testing import check_segmenter

FIVE = range(1, 6)
# Putler's ranges of r and of the mean of f and m, which overlap
# (https://www.putler.com/rfm-analysis).
PUTLER = {
    "Champions": ((4, 5), (4, 5)),
    "Loyal customers": ((2, 5), (3, 5)),
    "Potential loyalists": ((3, 5), (1, 3)),
    "New customers": ((4, 5), (0, 1)),
    "Promising": ((3, 4), (0, 1)),
    "Needing attention": ((2, 3), (2, 3)),
    "About to sleep": ((2, 3), (0, 2)),
    "At risk": ((0, 2), (2, 5)),
    "Can't lose them": ((0, 1), (4, 5)),
    "Hibernating": ((1, 2), (1, 2)),
    "Lost": ((0, 2), (0, 2)),
}
# The exclusive patterns in common use, of r and of the other score.
PATTERNS = {
    "[1-2][1-2]": ("Hibernating", "Lost"),
    "[1-2][3-4]": ("At risk",),
    "[1-2]5": ("Can't lose them",),
    "3[1-2]": ("About to sleep",),
    "33": ("Needing attention",),
    "[3-4][4-5]": ("Loyal customers",),
    "41": ("Promising",),
    "51": ("New customers",),
    "[4-5][2-3]": ("Potential loyalists",),
    "5[4-5]": ("Champions",),
}
CUSTOMERS = pd.DataFrame(
    {
        "recency": [3.0, 200.0, 40.0, 9.0, 150.0, np.nan],
        "frequency": [12, 1, 4, 1, 9, 0],
        "monetary_total": [800.0, 20.0, 90.0, 35.0, 700.0, 0.0],
    }
)


def scores_table(*rules, columns="rf", **options):
    return RuleTable(rules, levels=dict.fromkeys(columns, FIVE), **options)


def refusal(rules, levels):
    """What a table of rules is refused by; None if it is not."""
    try:
        RuleTable(rules, levels=levels)
    except ValueError as error:
        return str(error)


# -- holes ---------------------------------------------------------------------------


def test_a_hole_is_named():
    message = "Got 5 of 125 cells in no rule instead: r=3, f=2, m=1..5. Add rules"
    with pytest.raises(ValueError, match=re.escape(message)):
        scores_table(
            Rule("high", r=(4, 5)),
            Rule("low", r=(1, 2)),
            Rule("a", r=3, f={1, 3, 4, 5}, m=(1, 3)),
            Rule("a", r=3, f={1, 3, 4, 5}, m=(4, 5)),
            columns="rfm",
        )


def test_holes_between_numbers_that_are_not_whole():
    message = "Got 1 of 9 cells in no rule instead: 2<r<3."
    with pytest.raises(ValueError, match=re.escape(message)):
        RuleTable(
            (
                Rule("low", r=(None, 2)),
                Rule("high", r=(3, 5)),
                Rule("top", r="> 5"),
                Rule("low", r=1),
            )
        )


def test_one_point_can_be_a_hole():
    with pytest.raises(ValueError, match=re.escape("instead: spend=100.")):
        RuleTable((Rule("less", spend="< 100"), Rule("more", spend="> 100")))
    RuleTable((Rule("less", spend="< 100"), Rule("more", spend=">= 100")))


def test_levels_of_text_that_no_rule_names():
    rules = Rule("shops", type={"shop", "kiosk"}), Rule("hotels", type="hotel")
    with pytest.raises(ValueError, match=re.escape("instead: any other type.")):
        RuleTable(rules)
    RuleTable(rules, levels={"type": ("hotel", "kiosk", "shop")})
    with pytest.raises(ValueError, match=re.escape("instead: type=bar.")):
        RuleTable(rules, levels={"type": ("hotel", "kiosk", "shop", "bar")})


def test_holes_of_bands_are_named_by_labels():
    bands = {"spend": RuleBand(("low", "middle", "high"), "quantile")}
    with pytest.raises(ValueError, match=re.escape("instead: spend=middle.")):
        RuleTable((Rule("a", spend="high"), Rule("b", spend="low")), bands=bands)


def test_the_rest_gets_a_name():
    table = scores_table(Rule("best", r=5, f=5), otherwise="general")
    assert table.names == ("best", "general")
    assert table.segment_of(r=5, f=4) == "general"
    whole = scores_table(Rule("all", r=(1, 5)), otherwise="general")
    assert whole.names == ("all",)


# -- overlaps ------------------------------------------------------------------------


def test_an_overlap_is_named():
    message = (
        "Got 1 overlap instead: r=5, f=5 is in 'Champions' and 'Loyal'. Narrow the "
        "rules, or take the first that holds by overlap='first'."
    )
    rules = Rule("Champions", r=5, f=5), Rule("Loyal", r=(1, 5), f=(4, 5))
    with pytest.raises(ValueError, match=re.escape(message)):
        scores_table(*rules, otherwise="rest")
    first = scores_table(*rules, otherwise="rest", overlap="first")
    assert first.segment_of(r=5, f=5) == "Champions"
    assert first.segment_of(r=5, f=4) == "Loyal"
    turned = scores_table(
        rules[1], Rule("Champions", r=5), overlap="first", otherwise="rest"
    )
    assert turned.segment_of(r=5, f=5) == "Loyal"


def test_intervals_that_share_an_end_overlap_there():
    with pytest.raises(ValueError, match=re.escape("spend=100 is in 'a' and 'b'")):
        RuleTable((Rule("a", spend=(None, 100)), Rule("b", spend=(100, None))))


def test_rules_of_one_name_may_overlap():
    table = scores_table(Rule("a", r=(1, 4)), Rule("a", f=(1, 5)))
    assert table.names == ("a",)


def test_a_rule_that_is_never_first_is_refused():
    message = "Each rule must be the first to hold for some cell. Got none for rule 1"
    with pytest.raises(ValueError, match=re.escape(message)):
        scores_table(Rule("all", r=(1, 5)), Rule("never", r=5), overlap="first")


def test_published_ranges_that_overlap_are_refused():
    rules = [Rule(name, r=r, fm=fm) for name, (r, fm) in PUTLER.items()]
    cell = "r=4..5, fm=4..5 is in 'Champions' and 'Loyal customers'"
    with pytest.raises(ValueError, match=re.escape(cell)):
        scores_table(*rules, columns=("r", "fm"))


def test_the_checker_agrees_with_trying_every_cell():
    # Random rules on a 4 x 3 x 3 grid, against one cell after the other.
    rng = np.random.default_rng(0)
    levels = {"a": range(4), "b": range(3), "c": range(3)}
    seen = set()
    for _ in range(150):
        boxes = []
        for _ in range(rng.integers(1, 6)):
            cut = [
                sorted(rng.integers(0, len(one), 2).tolist()) for one in levels.values()
            ]
            boxes.append(dict(zip("abc", map(tuple, cut), strict=True)))
        hits = [
            sum(
                all(
                    low <= x <= high
                    for x, (low, high) in zip(cell, box.values(), strict=True)
                )
                for box in boxes
            )
            for cell in product(*levels.values())
        ]
        rules = tuple(Rule(f"s{i}", **box) for i, box in enumerate(boxes))
        said = refusal(rules, levels)
        expected = "overlap" if max(hits) > 1 else "hole" if 0 in hits else "fine"
        found = "fine"
        if said:
            found = "overlap" if "must not overlap" in said else "hole"
        assert found == expected
        assert found != "hole" or f"Got {hits.count(0)} of 36 cells" in said
        seen.add(found)
    assert {"overlap", "hole"} <= seen


# -- rules and tables as data --------------------------------------------------------


def test_tables_are_data():
    table = marketing_table()
    assert table == marketing_table()
    assert hash(table) == hash(marketing_table())
    assert table != loyalty_table()
    for copy in (pickle.loads(pickle.dumps(table)), deepcopy(table)):
        assert copy == table
        assert copy.segment_of(r=5, fm=5) == "Champions"
    with pytest.raises(AttributeError):
        table.rules = ()
    with pytest.raises(AttributeError):
        table.rules[0].name = "other"
    assert repr(table) == "RuleTable(11 rules on r, fm)"


def test_other_names():
    table = loyalty_table().renamed({"general": "rest", "churned": "rest"})
    assert table.names == ("loyal", "potential", "rest")
    assert table.segment_of(r=1, f=5) == table.segment_of(r=3, f=1) == "rest"
    with pytest.raises(ValueError, match=re.escape("Got 'gold' instead. There are")):
        table.renamed({"gold": "x"})


def test_a_table_shows_its_rules():
    rules = (
        Rule("a", {"total spend": ">= 10 and < 20"}),
        Rule("b", {"total spend": (20, None)}),
        Rule("c", {"total spend": "<10"}),
    )
    frame = RuleTable(rules).frame()
    assert frame["total spend"].tolist() == [">= 10 and < 20", ">=20", "<10"]
    assert repr(rules[1]) == "Rule('b', total spend=>=20)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rule(" ", r=5), "The name of a rule must be text that is not blank."),
        (lambda: Rule("a", r=(5, 4)), "must be a pair (lowest, highest)"),
        (lambda: Rule("a", r=(1, 2, 3)), "Give several levels as a set"),
        (lambda: Rule("a", r=(None, None)), "must be a pair (lowest, highest)"),
        (lambda: Rule("a", r=float("nan")), "must be finite numbers or text"),
        (lambda: Rule("a", r=True), "must be finite numbers or text"),
        (lambda: Rule("a", r=set()), "must list levels that are all numbers or all"),
        (lambda: Rule("a", r={1, "x"}), "must list levels that are all numbers or all"),
        (lambda: RuleTable(()), "rules must be a tuple of Rule, one or more."),
        (lambda: RuleTable((Rule("a"),)), "Rules must have conditions."),
        (
            lambda: scores_table(Rule("a", r=6)),
            "Rule 'a' must give levels of column 'r'. Got 6 instead. There are 1..5.",
        ),
        (lambda: scores_table(Rule("a", r=(6, 9))), "Rule 'a' must hold for some cell"),
        (
            lambda: RuleTable((Rule("a", t="x"), Rule("b", t=5))),
            "Conditions on column 't' must be all on numbers or all on levels.",
        ),
        (
            lambda: RuleTable((Rule("a", t="up"),), bands={"t": RuleBand(("a", "b"))}),
            "Rule 'a' must give levels of column 't'. Got up instead. There are a or b",
        ),
        (
            lambda: RuleTable(
                (Rule("a", r=1),), levels={"r": (1,)}, bands={"r": RuleBand("ab")}
            ),
            "A band must have two labels or more, each once.",
        ),
        (
            lambda: scores_table(Rule("a", f=5, m=1), means={"m": ("f", "r")}),
            "Rules must be on 'm' or on the columns that it is the mean of, not on bo",
        ),
        (
            lambda: scores_table(Rule("a", r=5), overlap="last"),
            "overlap must be 'refuse' or 'first'. Got 'last' instead.",
        ),
        (
            lambda: RuleTable((Rule("a", **{f"x{i}": i for i in range(20)}),)),
            "Rules must make at most 2,000,000 cells",
        ),
        (lambda: RuleBand(("a", "b", "c")), "cuts of a band must be 2 rising numbers"),
        (lambda: RuleBand(("a", "b"), (1, 2)), "cuts of a band must be 1 rising numb"),
        (lambda: RuleBand(("a", "b"), at=(0.5,)), "at must be 1 rising shares"),
        (lambda: RuleBand(("a", "b"), equal="up"), "equal must be 'upper' or 'lower'"),
        (lambda: RuleBand(("a", "b"), missing="c"), "missing must be a label of the b"),
        (lambda: value_tiers_table(shares=(0.7, 0.3)), "shares must be two positive"),
    ],
)
def test_what_is_no_rule(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


# -- the ready tables ----------------------------------------------------------------


def test_the_marketing_table_is_the_published_grid():
    table = marketing_table()
    for r, fm in product(FIVE, FIVE):
        name = table.segment_of(r=r, fm=fm)
        matched = [p for p in PATTERNS if re.fullmatch(p, f"{r}{fm}")]
        assert [name in PATTERNS[p] for p in matched] == [True]
        (low, high), (least, most) = PUTLER[name]
        # The one cell in which the two publications differ.
        if (r, fm) != (2, 5):
            assert low <= r <= high
            assert least <= fm <= most
    assert len(table.names) == 11


def test_the_eight_cells_are_told_by_three_signs():
    table = value_cells_table()
    names = {}
    for r, f, m in product(("high", "low"), repeat=3):
        names[r, f, m] = table.segment_of(recency=r, frequency=f, monetary_total=m)
    assert len(set(names.values())) == 8
    for (r, f, m), name in names.items():
        assert name.startswith("general") == (m == "low")
        assert name.endswith("win back") == (r == f == "low")
        assert name.endswith("develop") == (r == "high" and f == "low")
        assert name.endswith("keep") == (r == "low" and f == "high")


def test_eight_cells_on_paper():
    # Means: recency (3+200+40+9+150)/5 = 80.4, frequency 27/6 = 4.5, monetary 1645/6
    # = 274.2. Row 5 has no orders: its recency counts as long ago.
    segmenter = RuleSegmenter(value_cells_table()).fit(CUSTOMERS)
    assert segmenter.predict_names(CUSTOMERS).tolist() == [
        "high value",
        "general to win back",
        "general to develop",
        "general to develop",
        "important to keep",
        "general to win back",
    ]
    assert segmenter.thresholds_["recency"].tolist() == [80.4]
    assert segmenter.thresholds_["frequency"].tolist() == [4.5]
    # By size, then in the order of the rules; segments of nobody stay.
    assert list(segmenter.segment_names_.values()) == [
        "general to develop",
        "general to win back",
        "high value",
        "important to keep",
        "important to develop",
        "important to win back",
        "general value",
        "general to keep",
    ]
    assert segmenter.segment_sizes_.tolist() == [2, 2, 1, 1, 0, 0, 0, 0]
    np.testing.assert_array_equal(segmenter.segment_centers_[1], [200, 0.5, 10])
    assert np.isnan(segmenter.segment_centers_[4:]).all()
    big = CUSTOMERS.iloc[[1]].assign(monetary_total=5000.0)
    assert segmenter.predict_names(big).tolist() == ["important to win back"]


def test_who_equals_the_split_is_low_on_all_three():
    alike = pd.DataFrame({"recency": [0.1] * 7, "frequency": 2, "monetary_total": 0.3})
    for split in ("mean", "median"):
        segmenter = RuleSegmenter(value_cells_table(split)).fit(alike)
        assert set(segmenter.predict_names(alike)) == {"general to win back"}


def test_eight_cells_on_scores():
    scores = pd.DataFrame({"r": [5, 1, 1], "f": [1, 5, 1], "m": [5, 1, 1]})
    segmenter = RuleSegmenter(value_cells_table(scores=True)).fit(scores)
    assert segmenter.predict_names(scores).tolist() == [
        "important to develop",
        "general to keep",
        "general to win back",
    ]


def test_shares_of_value_as_far_as_values_differ():
    spend = np.array([[1.0]] * 9 + [[5.0]])
    segmenter = RuleSegmenter(value_tiers_table(0)).fit(spend)
    # Ranks 5 and 8 of ten are both 1: nobody is low or middle, all are high.
    assert dict(
        zip(segmenter.segment_names_.values(), segmenter.segment_sizes_, strict=True)
    ) == {"high value": 10, "middle value": 0, "low value": 0}


# -- the segmenter -------------------------------------------------------------------


def test_the_segmenter_protocol():
    band = RuleBand(("low", "high"), "kmeans")
    rules = (
        Rule("right", {0: "high"}),
        Rule("left", {0: "low", 1: "low"}),
        Rule("up", {0: "low", 1: "high"}),
    )
    check_segmenter(RuleSegmenter(RuleTable(rules, bands={0: band, 1: band})))


def test_scores_in_a_pipeline_and_in_arrays():
    rng = np.random.default_rng(4)
    table = pd.DataFrame(
        {
            "recency": rng.exponential(50, 400),
            "frequency": rng.geometric(0.3, 400),
            "monetary_total": rng.lognormal(4, 1, 400),
        }
    )
    scorer = RFMTransformer().set_output(transform="pandas")
    road = make_pipeline(scorer, RuleSegmenter(marketing_table())).fit(table)
    scores = scorer.transform(table)
    labels = road.predict(table)
    np.testing.assert_array_equal(labels, road[-1].labels_)
    assert (np.diff(road[-1].segment_sizes_) <= 0).all()
    swapped = scores[["f", "m", "score", "r"]]
    np.testing.assert_array_equal(RuleSegmenter().fit(swapped).labels_, labels)
    # One after the other, by the published patterns.
    names = road[-1].predict_names(scores)
    for (r, f, m), name in zip(scores.to_numpy()[:, :3], names, strict=True):
        cell = f"{r:.0f}{int((f + m) // 2 + (f + m) % 2):d}"
        matched = next(p for p in PATTERNS if re.fullmatch(p, cell))
        assert name in PATTERNS[matched]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_text_numbers_and_positions_side_by_side(frame):
    table = RuleTable(
        (
            Rule("hotels", type="hotel"),
            Rule("large", {"type": {"shop", "kiosk"}, 2: ">= 100"}),
            Rule("small", {"type": {"shop", "kiosk"}, 2: "< 100"}),
        ),
        otherwise="elsewhere",
    )
    X = frame(
        {
            "id": ["a", "b", "c", "d", "e"],
            "type": ["shop", "hotel ", "kiosk", "shop", "barge"],
            "spend": [100.0, 5.0, 99.9, 5.0, 5.0],
        }
    )
    segmenter = RuleSegmenter(table).fit(X)
    assert segmenter.predict_names(X).tolist() == [
        "large",
        "hotels",
        "small",
        "small",
        "elsewhere",
    ]
    assert segmenter.segment_centers_ is None
    assert clone(segmenter).fit(X).segment_sizes_.tolist() == [2, 1, 1, 1]


def test_customers_alone_get_what_they_get_among_others():
    segmenter = RuleSegmenter(value_cells_table("median")).fit(CUSTOMERS)
    alone = [segmenter.predict(CUSTOMERS.iloc[[row]])[0] for row in range(6)]
    assert alone == segmenter.labels_.tolist()


def test_a_model_takes_rules_for_its_segments():
    model = SegmentationModel(RuleSegmenter(value_cells_table()))
    table = pd.concat([CUSTOMERS[:5]] * 8, ignore_index=True)
    labels = model.fit(table).predict(table)
    np.testing.assert_array_equal(
        labels, RuleSegmenter(value_cells_table()).fit_predict(table)
    )


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            0,
            "Column 'r' must have levels among 1..5. Got others in 1 of 5 rows inst",
        ),
        (2.5, "Column 'r' must have levels among 1..5. Got others in 1 of 5 rows inst"),
        (np.nan, "Column 'r' must have numbers and no missing value (NaN). Got others"),
    ],
)
def test_values_that_are_no_level(value, message):
    scores = pd.DataFrame({"r": [1.0, 2, 3, 4, 5], "f": [1.0, 2, 3, 4, 5]})
    segmenter = RuleSegmenter(loyalty_table()).fit(scores)
    bad = scores.assign(r=[1, 2, 3, value, 5])
    for method in (segmenter.predict, RuleSegmenter(loyalty_table()).fit):
        with pytest.raises(DataQualityError, match=re.escape(message)) as caught:
            method(bad)
        assert "(first: row 3)" in str(caught.value)


@pytest.mark.parametrize("n_columns", [2, 3, 4])
def test_named_rules_refuse_a_table_without_names(n_columns):
    # Of three columns, (f, m, r) would be taken for (r, f, m).
    scores = np.array([[5.0, 1, 1, 2], [1, 5, 5, 4]])[:, :n_columns]
    message = (
        "A table must have names where rules are on named columns: 'r', 'f', 'm'. Got "
        f"n_features={n_columns} columns without names instead. Pass a frame, have a "
        'transformer make one by set_output(transform="pandas"), or write the rules'
    )
    with pytest.raises(SchemaError, match=re.escape(message)):
        RuleSegmenter(marketing_table()).fit(scores)


def test_a_nameless_transformer_before_named_rules_is_refused():
    road = make_pipeline(RFMTransformer(output=("f", "m", "r")), RuleSegmenter())
    with pytest.raises(SchemaError, match="must have names where rules are on named"):
        road.fit(CUSTOMERS[:5])
    by_name = road.set_output(transform="pandas").fit_predict(CUSTOMERS[:5])
    straight = make_pipeline(RFMTransformer(), RuleSegmenter())
    straight = straight.set_output(transform="pandas").fit_predict(CUSTOMERS[:5])
    np.testing.assert_array_equal(by_name, straight)


def test_rules_on_the_names_that_columns_of_arrays_have():
    table = RuleTable((Rule("old", x1=">= 50"),), otherwise="young")
    segmenter = RuleSegmenter(table).fit([[70, 20], [10, 60], [10, 30]])
    names = segmenter.predict_names([[70, 20], [10, 60]])
    assert names.tolist() == ["young", "old"]


def test_tables_that_do_not_go_with_the_rules():
    with pytest.raises(SchemaError, match=re.escape("Rules must name columns of the")):
        RuleSegmenter().fit(CUSTOMERS)
    with pytest.raises(SchemaError, match="Got 3 in a table with n_features=3 instead"):
        RuleSegmenter(value_tiers_table(3)).fit(CUSTOMERS)
    band = RuleBand(("low", "high"), "kmeans")
    table = RuleTable((Rule("a", x="low"), Rule("b", x="high")), bands={"x": band})
    message = "Column 'x' must have at least 2 distinct values"
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        RuleSegmenter(table).fit(pd.DataFrame({"x": [3.0, 3.0]}))
