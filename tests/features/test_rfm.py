"""`RFMTransformer`: cuts, ties, groups, relative recency, and scores that stay."""

import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.exceptions import NotFittedError

from custseg.exceptions import (
    DataQualityError,
    DegenerateFitError,
    SchemaError,
    SegmentWarning,
)
from custseg.features import RFMTransformer
from custseg.features._rfm_cuts import class_limits, natural_breaks, quantile_limits

TEN = pd.DataFrame(
    {
        "recency": [1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        "frequency": [5, 1, 1, 4, 1, 1, 3, 1, 1, 2],
        "monetary_total": [10.0, 20, 30, 40, 50, 60, 70, 80, 90, 100],
        "monetary_value": [2.0, 20, 30, 10, 50, 60, 70 / 3, 80, 90, 50],
    }
)


def scored(scorer, table):
    return scorer.set_output(transform="pandas").fit(table).transform(table)


def customers(n, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "recency": rng.exponential(100, n).round(),
            "frequency": rng.geometric(0.3, n),
            "monetary_total": rng.lognormal(5, 1, n),
            "gap_mean": rng.exponential(30, n) + 0.5,
            "type": np.where(rng.random(n) < 0.3, "wholesale", "retail"),
        }
    )


# -- quantiles and ties --------------------------------------------------------------


def test_ten_customers_on_paper():
    # Without ties each fifth has two customers. Recency 1 and 2 are best.
    # Frequencies sorted: 1 1 1 1 1 1 2 3 4 5 (ranks 0..9). Score 1 + floor(5 i / 10):
    # the six ones have ranks 0 to 5, that is scores 1 1 2 2 3 3; ranks 6..9: 4 4 5 5.
    table = scored(RFMTransformer(), TEN)
    assert table["r"].tolist() == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]
    assert table["m"].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert table["f"].tolist() == [5, 1, 1, 5, 1, 1, 4, 1, 1, 4]


@pytest.mark.parametrize(("ties", "ones"), [("lower", 1), ("middle", 2), ("upper", 3)])
def test_a_value_over_more_than_a_fifth(ties, ones):
    # Ranks 0 to 5: lowest 0 -> 1, halfway 2.5 -> 1 + floor(1.25) = 2, highest 5 -> 3.
    scorer = RFMTransformer(ties=ties)
    table = scored(scorer, TEN)
    assert table["f"].tolist() == [5, ones, ones, 5, ones, ones, 4, ones, ones, 4]
    expected = [0, 0, 0, 2, 2]
    expected[ones - 1] = 6
    assert scorer.score_sizes_.loc["f"].tolist() == expected


def test_a_score_that_nobody_reaches_has_no_cut():
    # Ranks 3 to 9 of the value 7 begin at 1 + floor(15 / 10) = 2.
    limits = quantile_limits(np.array([1.0, 2, 3, 7, 7, 7, 7, 7, 7, 7]), 5, "lower")
    np.testing.assert_array_equal(limits, [3.0, np.nan, np.nan, np.nan])


def test_boundaries_are_not_rounded():
    # 0.29 * 100 is 28.999...; customer 29 of 100 begins the score 1 + 29 of 100.
    limits = quantile_limits(np.arange(100.0), 100, "lower")
    np.testing.assert_array_equal(limits, np.arange(1.0, 100.0))


@pytest.mark.parametrize("ties", ["lower", "middle", "upper"])
def test_equal_values_get_equal_scores_and_better_ones_no_worse(ties):
    table = customers(500, seed=3)
    scores = scored(RFMTransformer(ties=ties), table)
    for name, column in [("r", "recency"), ("f", "frequency"), ("m", "monetary_total")]:
        better = -table[column] if name == "r" else table[column]
        by_value = scores[name].groupby(better).agg(["min", "max"])
        assert (by_value["min"] == by_value["max"]).all()
        assert by_value["min"].is_monotonic_increasing


def test_mean_order_and_columns_by_other_names():
    other = TEN.rename(columns={"recency": "days", "frequency": "orders"})
    by_name = RFMTransformer(
        recency="days", frequency="orders", monetary="monetary_value"
    )
    np.testing.assert_array_equal(
        scored(by_name, other), scored(RFMTransformer(monetary="mean"), TEN)
    )
    assert not scored(RFMTransformer(), TEN).equals(
        scored(RFMTransformer(monetary="mean"), TEN)
    )


# -- breaks and natural classes ------------------------------------------------------


def test_fixed_breaks_belong_to_the_better_score():
    breaks = {"recency": (2, 5), "frequency": (2, 4), "monetary": (30.0, 60.5)}
    scorer = RFMTransformer(3, cuts=breaks)
    table = scored(scorer, TEN)
    assert table["r"].tolist() == [3, 3, 2, 2, 2, 1, 1, 1, 1, 1]
    assert table["f"].tolist() == [3, 1, 1, 3, 1, 1, 2, 1, 1, 2]
    assert table["m"].tolist() == [1, 1, 2, 2, 2, 2, 3, 3, 3, 3]
    assert scorer.cuts_.loc["r"].tolist() == [5, 2]
    assert scorer.cuts_.loc["m"].tolist() == [30, 60.5]


def test_methods_of_each_measure():
    cuts = {"recency": (2, 5, 7, 9), "frequency": "kmeans", "monetary": "quantile"}
    table = scored(RFMTransformer(cuts=cuts), TEN)
    assert table["f"].tolist() == TEN["frequency"].tolist()  # five distinct values
    assert table["m"].tolist() == scored(RFMTransformer(), TEN)["m"].tolist()


def squares(values, starts):
    parts = np.split(values, starts[1:])
    return sum(np.sum((part - part.mean()) ** 2) for part in parts)


def test_natural_breaks_are_the_best_of_all_groupings():
    rng = np.random.default_rng(5)
    for _ in range(60):
        n = int(rng.integers(2, 11))
        k = int(rng.integers(1, min(n, 5) + 1))
        values, counts = np.sort(rng.lognormal(0, 2, n)), rng.integers(1, 4, n)
        starts = natural_breaks(values, counts, k)
        repeated = np.repeat(values, counts)
        begin = np.r_[0, np.cumsum(counts)]
        best = min(
            squares(repeated, begin[[0, *cut]])
            for cut in combinations(range(1, n), k - 1)
        )
        assert squares(repeated, begin[starts]) == pytest.approx(best, rel=1e-9)


def test_natural_breaks_are_no_worse_than_k_means():
    values = np.sort(np.random.default_rng(1).lognormal(3, 1, 800))
    found = KMeans(5, n_init=10, random_state=0).fit(values[:, np.newaxis])
    starts = natural_breaks(values, np.ones(800), 5)
    assert squares(values, starts) <= found.inertia_ * (1 + 1e-9)
    cuts = class_limits(values, 5, "x")
    means = [part.mean() for part in np.split(values, starts[1:])]
    np.testing.assert_allclose(cuts, np.convolve(means, [0.5, 0.5], "valid"))


def test_natural_classes_need_as_many_values():
    message = (
        "Column 'frequency' must have at least 6 distinct values to be cut into 6 "
        "classes. Got 5 (n_samples=10) instead."
    )
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        RFMTransformer(6, cuts="kmeans").fit(TEN)


# -- scores stay ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"groups": "type", "relative": True, "ties": "middle"},
        {"cuts": "kmeans", "weights": (3, 2, 1)},
    ],
    ids=str,
)
def test_alone_in_ten_and_in_a_million(options):
    table = customers(2000)
    scorer = RFMTransformer(output=("r", "f", "m", "score", "cell"), **options).fit(
        table
    )
    million = pd.concat([table] * 500, ignore_index=True)
    all_scores = scorer.transform(million)
    ten = slice(31, 41)
    np.testing.assert_array_equal(scorer.transform(million[ten]), all_scores[ten])
    for row in range(31, 41):
        alone = scorer.transform(million.iloc[[row]])
        np.testing.assert_array_equal(alone[0], all_scores[row])
    # A batch of other customers than those of fit, the best among them all.
    best = million.loc[[5] * 3].assign(recency=0.0, frequency=999, monetary_total=1e9)
    assert (scorer.transform(best)[:, :3] == 5).all()


def test_clones_pickles_threads_and_frames_agree():
    table = customers(300)
    scorer = RFMTransformer(groups="type").fit(table)
    expected = scorer.transform(table)
    np.testing.assert_array_equal(clone(scorer).fit(table).transform(table), expected)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(scorer)).transform(table), expected
    )
    with ThreadPoolExecutor(4) as pool:
        for answer in pool.map(scorer.transform, [table] * 8):
            np.testing.assert_array_equal(answer, expected)
    polars = RFMTransformer(groups="type").set_output(transform="polars")
    answer = polars.fit_transform(pl.from_pandas(table))
    assert answer.columns == ["r", "f", "m", "score"]
    np.testing.assert_array_equal(answer.to_numpy(), expected)


def test_rows_in_any_order_and_units_of_any_size_learn_the_same():
    table = customers(300)
    order = np.random.default_rng(2).permutation(300)
    expected = scored(RFMTransformer(), table)
    shuffled = scored(RFMTransformer(), table.iloc[order])
    pd.testing.assert_frame_equal(shuffled, expected.iloc[order])
    cents = table.assign(monetary_total=table["monetary_total"] * 128)
    pd.testing.assert_frame_equal(scored(RFMTransformer(), cents), expected)


def test_an_array_has_its_columns_in_order():
    array = TEN[["recency", "frequency", "monetary_total"]].to_numpy()
    np.testing.assert_array_equal(
        RFMTransformer().fit_transform(array), scored(RFMTransformer(), TEN)
    )
    turned = RFMTransformer(recency=2, frequency=1, monetary=0).fit_transform(
        array[:, ::-1]
    )
    np.testing.assert_array_equal(turned, scored(RFMTransformer(), TEN))
    message = "monetary must be the position of a column. Got 2 in a table with n_feat"
    with pytest.raises(SchemaError, match=re.escape(message)):
        RFMTransformer().fit(array[:, :2])


# -- cells and weights ---------------------------------------------------------------


def test_cells_and_weighted_scores():
    output = ("score", "cell", "m")
    scorer = RFMTransformer(weights=(2, 1, 1), output=output)
    table = scored(scorer, TEN)
    assert list(table.columns) == [*output]
    assert scorer.get_feature_names_out().tolist() == [*output]
    # Customer 0: r=5, f=5, m=1; customer 9: r=1, f=4, m=5.
    assert table["cell"].tolist()[::9] == [551, 145]
    assert table["score"].tolist()[::9] == [(10 + 5 + 1) / 4, (2 + 4 + 5) / 4]
    assert scorer.cells(TEN).tolist()[::9] == ["5-5-1", "1-4-5"]


def test_cells_of_ten_scores_keep_their_digits():
    scorer = RFMTransformer(10, output=("cell",)).fit(TEN)
    assert scorer.cells(TEN)[0] == "10-10-1"
    assert scorer.transform(TEN)[0, 0] == 101001


# -- groups --------------------------------------------------------------------------


def test_groups_learn_cuts_apart():
    both = pd.concat(
        [TEN.assign(type="retail"), (TEN * [1, 1, 100, 1]).assign(type="wholesale ")]
    )
    scorer = RFMTransformer(groups="type")
    table = scored(scorer, both)
    alone = scored(RFMTransformer(), TEN)
    np.testing.assert_array_equal(table[:10], alone)
    np.testing.assert_array_equal(table[10:], alone)
    assert scorer.group_sizes_ == {"retail": 10, "wholesale": 10}
    assert scorer.group_cuts_["wholesale"].loc["m", 5] == 9000
    assert scorer.cuts_.loc["m", 5] == 7000  # rank 16 of 20


def test_unseen_and_missing_groups_take_the_cuts_of_all():
    table = TEN.assign(type=["a", "b"] * 5)
    scorer = RFMTransformer(groups="type").fit(table)
    later = table.assign(type=["x", None, *table["type"][2:]])
    message = (
        "Groups must be known, and seen in fit. Got others in 2 ('x', 'missing') rows "
        "instead, who take the cuts of all."
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        scores = scorer.transform(later)
    np.testing.assert_array_equal(scores[:2], RFMTransformer().fit_transform(TEN)[:2])
    strict = RFMTransformer(groups="type", strict=True).fit(table)
    with pytest.raises(SchemaError, match=re.escape("Got others in 2 ('x', 'missing")):
        strict.transform(later)


def test_small_groups_take_the_cuts_of_all():
    table = TEN.assign(type=["a"] * 6 + ["b"] * 4)
    message = (
        "Each group must have at least 5 customers with orders to have cuts apart. Got "
        "4 ('b') customers in smaller ones instead"
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        scorer = RFMTransformer(groups="type").fit(table)
    expected = RFMTransformer().fit(TEN).transform(TEN)
    np.testing.assert_array_equal(scorer.transform(table)[6:], expected[6:])


# -- customers without orders, and relative recency ----------------------------------


def test_customers_without_orders_get_the_lowest_and_move_no_cut():
    none = {"recency": np.nan, "frequency": 0, "monetary_total": 0.0}
    more = pd.concat([TEN, pd.DataFrame([none, none])], ignore_index=True)
    scorer = RFMTransformer()
    table = scored(scorer, more)
    assert (table[10:] == 1).all(axis=None)
    pd.testing.assert_frame_equal(table[:10], scored(RFMTransformer(), TEN))
    pd.testing.assert_frame_equal(scorer.cuts_, RFMTransformer().fit(TEN).cuts_)
    assert scorer.cells(more[10:]).tolist() == ["1-1-1", "1-1-1"]


def test_relative_recency_on_paper():
    # Typical interval: median of the gaps of customers with three orders or more,
    # (10 + 30) / 2 = 20. Two orders: (60 + 20) / 2 = 40. One order: 20. The one with
    # a gap of zero: 20.
    table = pd.DataFrame(
        {
            "recency": [20.0, 15.0, 10.0, 30.0, 40.0, np.nan],
            "frequency": [3, 8, 2, 1, 4, 0],
            "monetary_total": [1.0, 2.0, 3.0, 4.0, 5.0, 0.0],
            "gap_mean": [10.0, 30.0, 60.0, np.nan, 0.0, np.nan],
        }
    )
    scorer = RFMTransformer(relative=True, output=("r", "relative_recency"))
    answer = scorer.fit_transform(table)
    assert scorer.typical_interval_ == 20
    np.testing.assert_array_equal(answer[:, 1], [2, 0.5, 0.25, 1.5, 2, np.nan])
    # Worst first: 2, 2, 1.5, .5, .25 have ranks 0, 0, 2, 3, 4.
    assert answer[:, 0].tolist() == [1, 4, 5, 3, 1, 1]


def test_each_group_has_its_typical_interval():
    table = pd.concat([customers(30).assign(type="a"), customers(30).assign(type="b")])
    table.loc[table["type"] == "b", ["recency", "gap_mean"]] *= 4
    scorer = RFMTransformer(groups="type", relative=True).fit(table)
    intervals = scorer.group_intervals_
    assert intervals["b"] == 4 * intervals["a"]
    scores = scorer.transform(table)
    np.testing.assert_array_equal(scores[:30], scores[30:])


# -- what is refused -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"recency": -1.0},
            "Column 'recency' must have no number below 0. Got others in",
        ),
        (
            {"frequency": -1},
            "Column 'frequency' must have no number below 0. Got others",
        ),
        ({"recency": np.nan}, "Column 'recency' must have no missing value (NaN)."),
        ({"monetary_total": np.nan}, "'monetary_total' must have no missing value"),
        ({"monetary_total": np.inf}, "'monetary_total' must hold finite numbers"),
    ],
    ids=str,
)
def test_bad_values_are_refused_in_fit_and_transform(change, message):
    bad = TEN.copy()
    (column,) = change
    bad[column] = bad[column].astype(float)
    bad.loc[3, column] = change[column]
    fitted = RFMTransformer().fit(TEN)
    for method in (RFMTransformer().fit, fitted.transform, fitted.cells):
        with pytest.raises(DataQualityError, match=re.escape(message)) as caught:
            method(bad)
        assert "1 of 10 rows instead (first: row 3)" in str(caught.value)


def test_a_missing_gap_is_refused_where_there_are_two_orders():
    table = customers(20).assign(frequency=2)
    table.loc[4, "gap_mean"] = np.nan
    message = "'gap_mean' must have no missing value (NaN) where there are two orders"
    with pytest.raises(DataQualityError, match=re.escape(message)):
        RFMTransformer(relative=True).fit(table)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": (1, 1)}, "weights must be three numbers of 0 or more, not all 0."),
        ({"weights": (0, 0, 0)}, "weights must be three numbers of 0 or more, not"),
        ({"output": ("r", "x")}, "output must name some of r, f, m, score, cell"),
        ({"output": ("r", "r")}, "output must name some of r, f, m, score, cell"),
        ({"cuts": {"recency": "kmeans"}}, "cuts must have the keys 'recency', 'freq"),
        (
            {"cuts": dict.fromkeys(("recency", "frequency", "monetary"), (3, 2, 1, 0))},
            "cuts['recency'] must be 'quantile', 'kmeans' or rising finite numbers.",
        ),
        (
            {"cuts": dict.fromkeys(("recency", "frequency", "monetary"), (1, 2))},
            "cuts['recency'] must have 4 breaks for 5 scores. Got 2 instead.",
        ),
        ({"monetary": "spend"}, "monetary must name columns of the table. Got 'spend'"),
        ({"groups": "type"}, "groups must name columns of the table. Got 'type'"),
        ({"relative": True}, "gap must name columns of the table. Got 'gap_mean'"),
    ],
    ids=str,
)
def test_parameters_that_do_not_fit(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        RFMTransformer(**options).fit(TEN)


def test_too_little_to_learn_from():
    one = pd.DataFrame({"recency": [3.0], "frequency": [1], "monetary_total": [5.0]})
    with pytest.raises(DegenerateFitError, match="at least two customers with orders"):
        RFMTransformer().fit(one)
    no_repeats = customers(10).assign(frequency=1)
    with pytest.warns(SegmentWarning, match="Column 'frequency' must differ"):
        RFMTransformer().fit(no_repeats)
    with pytest.raises(DegenerateFitError, match="customers with two orders or more"):
        RFMTransformer(relative=True).fit(no_repeats)
    with pytest.raises(NotFittedError):
        RFMTransformer().transform(TEN)
