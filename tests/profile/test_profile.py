"""Profiles worked on paper, and what must not change them."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

from custseg.profile import SegmentProfile, profile_segments

# Six customers, the last one in no segment.
CUSTOMERS = pd.DataFrame(
    {
        "spend": [10.0, 20.0, 30.0, 40.0, np.nan, 999.0],
        "channel": ["web", "web", "shop", "shop", None, "fax"],
        "member": [True, False, True, True, True, False],
    }
)
LABELS = np.array([0, 0, 0, 1, 1, -1])


def numbers(profile, column, level=""):
    """Return the rows of one column, one a segment."""
    frame = profile.frame()
    chosen = frame[(frame["column"] == column) & (frame["level"] == level)]
    return chosen.set_index("segment")


def test_sizes_shares_and_unassigned():
    profile = profile_segments(CUSTOMERS, LABELS)
    assert isinstance(profile, SegmentProfile)
    assert profile.sizes == {0: 3, 1: 2}
    assert profile.names == {0: "segment 0", 1: "segment 1"}
    assert profile.columns == ("spend", "channel", "member")
    assert profile.n_unassigned == 1
    frame = profile.frame()
    assert list(frame.columns) == [
        "segment",
        "segment_name",
        "size",
        "share",
        "column",
        "level",
        "statistic",
        "value",
        "total",
        "index",
        "standardized_difference",
        "rank_difference",
        "n_missing",
    ]
    # 1 of spend, 3 of channel (shop, web, missing) and 2 of member, in 2 segments.
    assert len(frame) == 12
    # 3 of 5 and 2 of 5: the sixth is not in the total.
    assert frame.groupby("segment")["share"].unique().tolist() == [[0.6], [0.4]]


def test_means_on_paper():
    # Segment 0: (10 + 20 + 30) / 3 = 20. Segment 1: 40, one missing.
    # Total: (10 + 20 + 30 + 40) / 4 = 25, neither the missing one nor label -1.
    # Variance: (15^2 + 5^2 + 5^2 + 15^2) / 4 = 125.
    spend = numbers(profile_segments(CUSTOMERS, LABELS), "spend")
    assert spend["statistic"].tolist() == ["mean", "mean"]
    assert spend["value"].tolist() == [20, 40]
    assert spend["total"].tolist() == [25, 25]
    assert spend["index"].tolist() == [80, 160]
    sd = np.sqrt(125)
    np.testing.assert_allclose(spend["standardized_difference"], [-5 / sd, 15 / sd])
    assert spend["n_missing"].tolist() == [0, 1]


def test_ranks_on_paper():
    # Ranks of 10, 20, 20, 1000: shares below plus half of the equal ones are
    # 1/8, 1/2, 1/2, 7/8; mean 1/2, variance 2 (3/8)^2 / 4 = 9/128.
    # Segment 0 (10, 20): (1/8 + 1/2) / 2 = 5/16, so -3/16 over sqrt(9/128).
    profile = profile_segments([[10.0], [20.0], [20.0], [1000.0]], [0, 0, 1, 1])
    expected = (3 / 16) / np.sqrt(9 / 128)
    difference = numbers(profile, "x0")["rank_difference"]
    np.testing.assert_allclose(difference, [-expected, expected])


def test_shares_on_paper():
    # web: 2 of 3 in segment 0, none of 2 in segment 1, 2 of 5 in all.
    # Its indicator's sd is sqrt(.4 * .6).
    profile = profile_segments(CUSTOMERS, LABELS)
    web = numbers(profile, "channel", "web")
    np.testing.assert_allclose(web["value"], [2 / 3, 0])
    np.testing.assert_allclose(web["total"], 2 / 5)
    np.testing.assert_allclose(web["index"], [100 * (2 / 3) / (2 / 5), 0])
    np.testing.assert_allclose(
        web["standardized_difference"],
        np.array([2 / 3 - 2 / 5, -2 / 5]) / np.sqrt(0.4 * 0.6),
    )
    missing = numbers(profile, "channel", "(missing)")
    np.testing.assert_allclose(missing["value"], [0, 1 / 2])
    assert missing["n_missing"].tolist() == [0, 1]
    # Levels of label -1 alone (fax) are no levels; the largest come first, shop and
    # web are equal (2 of 5) and stand by name, missing is last.
    levels = profile.frame().query("column == 'channel' and segment == 0")["level"]
    assert levels.tolist() == ["shop", "web", "(missing)"]
    member = numbers(profile, "member", "True")
    np.testing.assert_allclose(member["value"], [2 / 3, 1])


def test_weights_on_paper():
    # Weights 1, 2, 1 | 1, 3. Segment 0: (10 + 2 * 20 + 30) / 4 = 20; segment 1: 40.
    # Total: (10 + 40 + 30 + 40) / 5 = 24. web: 3 of 4, 0 of 4, 3 of 8.
    profile = profile_segments(CUSTOMERS, LABELS, sample_weight=[1, 2, 1, 1, 3, 5])
    assert profile.sizes == {0: 4, 1: 4}
    assert profile.n_unassigned == 5
    spend = numbers(profile, "spend")
    np.testing.assert_allclose(spend["value"], [20, 40])
    np.testing.assert_allclose(spend["total"], 24)
    assert spend["n_missing"].tolist() == [0, 3]
    np.testing.assert_allclose(numbers(profile, "channel", "web")["value"], [3 / 4, 0])
    np.testing.assert_allclose(numbers(profile, "channel", "web")["total"], 3 / 8)


def test_index_is_missing_where_the_total_is_zero_or_negative():
    margins = pd.DataFrame({"zero": [-1.0, 1.0], "loss": [-3.0, 1.0]})
    profile = profile_segments(margins, [0, 1])
    assert numbers(profile, "zero")["index"].isna().all()
    assert numbers(profile, "loss")["index"].isna().all()
    np.testing.assert_allclose(numbers(profile, "loss")["value"], [-3, 1])


def test_a_segment_without_values_is_missing_and_the_constant_is_no_difference():
    table = pd.DataFrame({"x": [np.nan, np.nan, 3.0], "same": [0.1, 0.1, 0.1]})
    profile = profile_segments(table, [0, 0, 1])
    assert np.isnan(numbers(profile, "x").loc[0, "value"])
    assert numbers(profile, "x").loc[1, "value"] == 3
    same = numbers(profile, "same")
    assert same["value"].tolist() == [0.1, 0.1]
    assert same["standardized_difference"].tolist() == [0, 0]
    assert same["rank_difference"].tolist() == [0, 0]


def test_a_difference_is_missing_where_the_value_is():
    # Constant where known, and segment 0 has none: nothing says that it is alike.
    table = pd.DataFrame({"same": [np.nan, np.nan, 3.0, 3.0]})
    rows = numbers(profile_segments(table, [0, 0, 1, 2]), "same")
    for name in ("value", "standardized_difference", "rank_difference"):
        assert rows[name].isna().tolist() == [True, False, False], name
    assert rows["standardized_difference"].tolist()[1:] == [0, 0]
    assert rows["rank_difference"].tolist()[1:] == [0, 0]


def test_a_column_without_any_value_is_shown_as_missing():
    table = pd.DataFrame({"x": [np.nan, np.nan], "y": [1.0, 2.0]})
    rows = numbers(profile_segments(table, [0, 1]), "x")
    assert rows["value"].isna().all()
    assert rows["n_missing"].tolist() == [1, 1]


def test_dates_are_days_before_the_latest():
    # Days before 11 March: 10, 0 | 8; means 5 and 8, total 6.
    days = pd.to_datetime(["2024-03-01", "2024-03-11", "2024-03-03", None])
    for table in (
        pd.DataFrame({"last": days}),
        pd.DataFrame({"last": days.tz_localize("Europe/Berlin")}),
        pl.DataFrame({"last": list(days.date[:3]) + [None]}),
        pd.DataFrame({"last": list(days.date[:3]) + [None]}, dtype=object),
    ):
        profile = profile_segments(table, [0, 0, 1, 1])
        rows = numbers(profile, "last")
        assert rows["statistic"].unique() == ["mean days before 2024-03-11"]
        np.testing.assert_allclose(rows["value"], [5, 8])
        np.testing.assert_allclose(rows["total"], 6)
        assert rows["n_missing"].tolist() == [0, 1]


# -- what must not change a profile ------------------------------------------------


@pytest.fixture
def many():
    rng = np.random.default_rng(0)
    n = 200
    table = pd.DataFrame(
        {
            "spend": rng.lognormal(3, 1, n),
            "visits": rng.poisson(3, n),
            "city": rng.choice(["Oslo", "Rome", "Bern"], n, p=[0.5, 0.3, 0.2]),
            "member": rng.random(n) < 0.4,
        }
    )
    table.loc[::7, "spend"] = np.nan
    table.loc[::11, "city"] = None
    return table, rng.integers(-1, 4, n)


def test_weights_are_duplicates(many):
    table, labels = many
    times = np.random.default_rng(1).integers(0, 4, len(table))
    weighted = profile_segments(table, labels, sample_weight=times)
    doubled = profile_segments(
        table.loc[table.index.repeat(times)], np.repeat(labels, times)
    )
    assert_frame_equal(weighted.frame(), doubled.frame(), check_dtype=False)
    assert weighted.n_unassigned == doubled.n_unassigned
    assert weighted.suggest_names() == doubled.suggest_names()
    assert_frame_equal(weighted.table(), doubled.table())


def test_the_order_of_customers_does_not_matter(many):
    table, labels = many
    order = np.random.default_rng(2).permutation(len(table))
    one = profile_segments(table, labels)
    other = profile_segments(table.iloc[order], labels[order])
    assert_frame_equal(one.frame(), other.frame())
    assert one.suggest_names() == other.suggest_names()


def test_polars_gives_the_same_as_pandas(many):
    table, labels = many
    table = table.astype({"city": object})
    table["city"] = table["city"].where(table["city"].notna(), None)
    assert_frame_equal(
        profile_segments(table, labels).frame(),
        profile_segments(
            pl.DataFrame({name: table[name].tolist() for name in table}),
            pl.Series(labels),
        ).frame(),
    )


def test_an_array_has_numbered_columns():
    array = np.array([[1.0, 5.0], [3.0, 6.0]])
    profile = profile_segments(array, [0, 1], columns=[1])
    assert profile.columns == ("x1",)
    assert numbers(profile, "x1")["value"].tolist() == [5, 6]
    mixed = profile_segments(np.array([["a", 1], ["b", 3]], dtype=object), [0, 0])
    assert numbers(mixed, "x1").loc[0, "value"] == 2
    assert numbers(mixed, "x0", "a").loc[0, "value"] == 0.5
    as_list = profile_segments([["a", 1], ["b", 3]], [0, 0])
    assert_frame_equal(mixed.frame(), as_list.frame())


def test_masked_values_are_missing():
    masked = np.ma.masked_array([[1.0], [2.0], [99.0]], mask=[[False], [False], [True]])
    rows = numbers(profile_segments(masked, [0, 0, 0]), "x0")
    assert rows["value"].tolist() == [1.5]
    assert rows["n_missing"].tolist() == [1]


def test_columns_chosen_come_in_the_order_asked_for(many):
    table, labels = many
    profile = profile_segments(table, labels, columns=["visits", "spend"])
    assert profile.columns == ("visits", "spend")


def test_column_names_that_are_numbers():
    table = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]])
    profile = profile_segments(table, [0, 0], columns=[1])
    assert profile.columns == ("1",)
    assert profile.frame()["value"].tolist() == [3]


def test_categories_keep_their_order_and_codes_are_sorted():
    size = pd.Categorical(["large", "small", "small"], ["small", "large", "huge"])
    table = pd.DataFrame({"size": size, "region": [10, 2, 2]})
    profile = profile_segments(table, [0, 0, 0], categorical=["region"])
    # huge is declared and nobody's.
    assert profile.frame()["level"].tolist() == ["small", "large", "2", "10"]
    enum = pl.DataFrame({"size": list(size)}, {"size": pl.Enum(["small", "large"])})
    profile = profile_segments(enum, [0, 0, 0])
    assert profile.frame()["level"].tolist() == ["small", "large"]
    np.testing.assert_allclose(profile.frame()["value"], [2 / 3, 1 / 3])


def test_codes_with_missing_values_are_whole_numbers():
    table = pd.DataFrame({"region": [1.0, 2.0, np.nan]})
    profile = profile_segments(table, [0, 0, 0], categorical=["region"])
    assert profile.frame()["level"].tolist() == ["1", "2", "(missing)"]


def test_dates_and_mixed_cells_as_levels():
    table = pd.DataFrame(
        {
            "month": pd.to_datetime(["2024-01-01", "2024-01-01", "2024-02-01", None]),
            "mixed": [True, 1, "1 ", None],
        }
    )
    profile = profile_segments(table, [0] * 4, categorical=["month"])
    frame = profile.frame().set_index("column")
    assert frame.loc["month", "level"].tolist() == [
        *("2024-01-01", "2024-02-01", "(missing)")
    ]
    assert frame.loc["mixed", "level"].tolist() == ["1", "True", "(missing)"]
    assert frame.loc["mixed", "value"].tolist() == [0.5, 0.25, 0.25]


def test_text_is_one_level_whatever_spaces_and_blank_is_missing():
    table = pd.DataFrame({"city": ["Oslo", " Oslo", "Rome ", " "]})
    frame = profile_segments(table, [0, 0, 0, 0]).frame()
    assert frame["level"].tolist() == ["Oslo", "Rome", "(missing)"]
    assert frame["value"].tolist() == [0.5, 0.25, 0.25]


def test_booleans_with_missing_values():
    for dtype in ("boolean", object):
        table = pd.DataFrame({"member": pd.Series([True, None, False], dtype=dtype)})
        frame = profile_segments(table, [0, 0, 0]).frame()
        assert frame["level"].tolist() == ["True", "False", "(missing)"]
        np.testing.assert_allclose(frame["value"], 1 / 3)


def test_many_levels_are_pooled_and_nobody_is_lost():
    # Levels a00 to a24; a24 is seen three times, the others once.
    city = [f"a{i:02d}" for i in range(25)] + ["a24", "a24"]
    frame = profile_segments(pd.DataFrame({"city": city}), np.zeros(27, int)).frame()
    # The 20 largest, equal ones by name, and five pooled.
    assert frame["level"].tolist() == [
        "a24",
        *[f"a{i:02d}" for i in range(19)],
        "(other)",
    ]
    assert frame["value"].iloc[-1] == pytest.approx(5 / 27)
    assert frame["value"].sum() == pytest.approx(1)


def rows_of(profile):
    """Return columns, levels and texts of both tables, one entry a row."""
    frame = profile.frame()
    first = frame[frame["segment"] == frame["segment"].iloc[0]]
    summary = profile.table().iloc[2:]
    return list(zip(first["column"], first["level"], strict=True)), list(summary.index)


@pytest.mark.parametrize("dtype", ["object", "category"])
def test_levels_called_other_and_missing_are_pooled_with_those(dtype):
    # Levels a00 to a21, four cells "(other)", three "(missing)" and two missing. The
    # 20 largest of the 22, equal by name, are shown: a20 and a21 are pooled with the
    # four, 6 of 31; missing are 3 + 2 of 31, of which segment 0 has two.
    city = [f"a{i:02d}" for i in range(22)] + ["(other)"] * 4
    city += ["(missing)", "(missing)", None, None, "(missing)"]
    labels = [0] * 24 + [1] * 2 + [0] * 2 + [1] * 3
    table = pd.DataFrame({"city": pd.Series(city, dtype=dtype)})
    profile = profile_segments(table, labels)
    frame_rows, summary_rows = rows_of(profile)
    assert frame_rows == summary_rows
    levels = [f"a{i:02d}" for i in range(20)] + ["(other)", "(missing)"]
    assert frame_rows == [("city", level) for level in levels]
    # Segment 0 has 26 customers: a20, a21 and two "(other)"; two "(missing)".
    other = numbers(profile, "city", "(other)")
    np.testing.assert_allclose(other["value"], [4 / 26, 2 / 5])
    np.testing.assert_allclose(other["total"], 6 / 31)
    missing = numbers(profile, "city", "(missing)")
    np.testing.assert_allclose(missing["value"], [2 / 26, 3 / 5])
    assert missing["n_missing"].tolist() == [2, 3]
    np.testing.assert_allclose(profile.frame().groupby("segment")["value"].sum(), 1)


def test_a_level_called_other_is_pooled_also_alone():
    frame = profile_segments(
        pd.DataFrame({"city": ["(other)", "(other)", "Oslo", " "]}), [0] * 4
    ).frame()
    assert frame["level"].tolist() == ["Oslo", "(other)", "(missing)"]
    assert frame["value"].tolist() == [0.25, 0.5, 0.25]


def test_a_blank_category_is_missing():
    city = pd.Categorical(["", "Oslo", "Oslo", None])
    profile = profile_segments(pd.DataFrame({"city": city}), [0] * 4)
    assert rows_of(profile)[1] == [("city", "Oslo"), ("city", "(missing)")]
    assert profile.frame()["value"].tolist() == [0.5, 0.5]
    assert profile.frame()["n_missing"].tolist() == [2, 2]


def test_zero_weight_is_as_if_not_there():
    table = CUSTOMERS.assign(last=pd.date_range("2024-01-01", periods=6))
    profile = profile_segments(table, LABELS, sample_weight=[1, 1, 1, 0, 0, 0])
    without = profile_segments(table.iloc[:3], LABELS[:3])
    assert_frame_equal(profile.frame(), without.frame(), check_dtype=False)


# -- ids ---------------------------------------------------------------------------


def test_ids_are_left_out_and_listed():
    table = CUSTOMERS.assign(
        customer_id=list("abcdef"), CustomerID=range(6), id=range(6), paid=range(6)
    )
    profile = profile_segments(table, LABELS)
    assert profile.left_out == dict.fromkeys(
        ["customer_id", "CustomerID", "id"], "customer ids"
    )
    assert profile.columns == ("spend", "channel", "member", "paid")
    assert "customer_id left out (customer ids)" in str(profile)


@pytest.mark.parametrize(
    "name",
    ["ID", "Id", "CUSTOMER_ID", "Customer ID", "Customer Id", "customer_no", "client"]
    + ["customerIDs", "store_id", "order ids", "loyaltyId", "CustomerNumber"],
)
def test_ids_are_known_by_any_spelling(name):
    table = pd.DataFrame({name: [3, 1, 2, 4], "spend": [1.0, 1.0, 9.0, 9.0]})
    profile = profile_segments(table, [0, 0, 1, 1])
    assert profile.left_out == {name: "customer ids"}
    assert profile.suggest_names() == {0: "low spend", 1: "high spend"}


@pytest.mark.parametrize(
    "name",
    ["paid", "amount_paid", "spend_per_customer", "valid", "humid", "AmountPaid"]
    + ["number_of_orders", "no", "key", "_", "VALID"],
)
def test_numbers_that_are_no_ids_are_described(name):
    profile = profile_segments(pd.DataFrame({name: [3, 1, 2, 4]}), [0, 0, 1, 1])
    assert profile.left_out == {}
    assert profile.columns == (name,)


def test_a_customer_that_says_yes_or_no_is_no_id():
    profile = profile_segments(pd.DataFrame({"customer": ["yes", "no"]}), [0, 1])
    assert profile.columns == ("customer",)


def test_text_that_nobody_shares_is_left_out_and_listed():
    letters = pd.DataFrame({"email": [f"{i}@x.org" for i in range(30)]})
    profile = profile_segments(letters.assign(x=1), np.zeros(30, int))
    assert profile.left_out == {"email": "a different text for every customer"}


def test_an_id_that_customers_share_is_a_level():
    table = pd.DataFrame({"store_id": ["s1", "s1", "s2"]})
    profile = profile_segments(table, [0, 0, 0])
    assert profile.left_out == {}
    assert profile.frame()["level"].tolist() == ["s1", "s2"]


# -- the object --------------------------------------------------------------------


def test_names_head_the_table():
    profile = profile_segments(CUSTOMERS, LABELS, names={0: "early", 7: "unseen"})
    assert profile.names == {0: "early", 1: "segment 1"}
    renamed = profile.rename({1: "late"})
    assert profile.names[1] == "segment 1"
    assert renamed.names == {0: "early", 1: "late"}
    assert list(renamed.table().columns) == ["early", "late", "total"]
    assert renamed.frame()["segment_name"].unique().tolist() == ["early", "late"]


def test_columns_named_as_the_rows_of_sizes():
    table = pd.DataFrame(
        {"customers": [2.0, 4.0, 9.0], "share of customers": [7.0, 7.0, 8.0]}
    )
    summary = profile_segments(table, [0, 0, 1]).table()
    assert list(summary.index) == [
        ("customers", ""),
        ("share of customers", ""),
        ("customers", ""),
        ("share of customers", ""),
    ]
    assert summary.to_numpy().tolist() == [
        ["2", "1", "3"],
        ["67 %", "33 %", "100 %"],
        ["3.00", "9.00", "5.00"],
        ["7.00", "8.00", "7.33"],
    ]


def test_table_on_paper():
    summary = profile_segments(CUSTOMERS, LABELS).table()
    rows = {index: list(row) for index, row in summary.iterrows()}
    assert rows["customers", ""] == ["3", "2", "5"]
    assert rows["share of customers", ""] == ["60 %", "40 %", "100 %"]
    assert rows["spend", ""] == ["20.0", "40.0", "25.0"]
    # One of the two of segment 1 has no spend on record.
    assert rows["spend", "(missing)"] == ["0 %", "50 %", "20 %"]
    assert rows["channel", "web"] == ["67 %", "0 %", "40 %"]
    assert rows["channel", "(missing)"] == ["0 %", "50 %", "20 %"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345.6, "12,346"),
        (120.4, "120"),
        (-46.21, "-46.2"),
        (0.03123, "0.0312"),
        (0, "0"),
    ],
)
def test_means_are_written_with_three_digits(value, text):
    summary = profile_segments([[float(value)]], [0]).table()
    assert summary.loc[("x0", ""), "total"] == text


def test_html_is_escaped_and_counts_the_unassigned():
    table = CUSTOMERS.rename(columns={"channel": "<b>channel"})
    html = profile_segments(table, LABELS, names={0: "<script>"})._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;b&gt;channel" in html
    assert "without a segment: 1" in html


def test_profiles_are_frozen_and_pickle():
    profile = profile_segments(CUSTOMERS, LABELS)
    with pytest.raises(AttributeError):
        profile.n_unassigned = 0
    taken = profile.frame()
    taken["value"] = 0
    profile.sizes[0] = 99
    copy = pickle.loads(pickle.dumps(profile))
    assert copy.sizes == {0: 3, 1: 2}
    assert_frame_equal(copy.frame(), profile.frame())


def test_the_table_is_not_changed():
    before = CUSTOMERS.copy()
    profile_segments(CUSTOMERS, LABELS, categorical=["member"])
    assert_frame_equal(CUSTOMERS, before)


def test_levels_have_the_order_that_a_pandas_category_declares():
    sizes = pd.Categorical(list("SSMLLM"), categories=["S", "M", "L"])
    profile = profile_segments(pd.DataFrame({"size": sizes}), [0, 0, 0, 1, 1, 1])
    of_first = profile.frame().query("segment == 0")
    assert of_first["level"].tolist() == ["S", "M", "L"]
    assert of_first["value"].tolist() == pytest.approx([2 / 3, 1 / 3, 0])
