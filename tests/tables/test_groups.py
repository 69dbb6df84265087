"""Groups of columns of a summary, worked on paper."""

import pickle
import re
import warnings
from datetime import datetime
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.tables import (
    SummarySettings,
    TransactionColumns,
    clean_transactions,
    summarize_transactions,
)

COLUMNS = TransactionColumns(
    customer_id="id",
    transaction_id="order",
    amount="eur",
    product="item",
    category="kind",
    channel="shop",
    quantity="n",
    unit_cost="cost",
    list_price="list",
    promotion="promo",
    pack_size="pack",
    standing="agreed",
    contact="by",
    promised="due",
    delivered="came",
)
NAMES = "id order date item kind shop n eur cost list promo pack agreed by due came"
D = datetime
# Customer 1 has three orders, customer 2 one. The observation ends with 30 June 2024.
# Order A: Monday 1 January 2024 at 07:00; B: Saturday 2 March at 13:00;
# C: Friday 31 May at 23:00; Z: Sunday 30 June at 10:00.
LINES = [
    # one line each; the second is on promotion, the fourth is a return
    (
        1,
        "A",
        D(2024, 1, 1, 7),
        "tea",
        "food",
        "web",
        10,
        60.0,
        4.0,
        6.0,
        "none",
        5,
        False,
        "email",
        D(2024, 1, 3),
        D(2024, 1, 3, 18),
    ),
    (
        1,
        "A",
        D(2024, 1, 1, 7),
        "cup",
        "home",
        "web",
        1,
        20.0,
        10.0,
        25.0,
        "offer",
        None,
        False,
        "email",
        D(2024, 1, 3),
        D(2024, 1, 4),
    ),
    (
        1,
        "B",
        D(2024, 3, 2, 13),
        "tea",
        "food",
        "Kiosk",
        24,
        120.0,
        4.0,
        6.0,
        "none",
        12,
        True,
        "email",
        D(2024, 3, 4),
        None,
    ),
    (
        1,
        "B",
        D(2024, 3, 2, 13),
        "cup",
        "home",
        "Kiosk",
        -1,
        -20.0,
        10.0,
        20.0,
        "none",
        None,
        True,
        "email",
        None,
        None,
    ),
    (
        1,
        "C",
        D(2024, 5, 31, 23),
        "tea",
        None,
        "web",
        2,
        40.0,
        4.0,
        20.0,
        "none",
        5,
        False,
        "phone",
        D(2024, 6, 2),
        D(2024, 6, 1),
    ),
    (
        2,
        "Z",
        D(2024, 6, 30, 10),
        "pot",
        "home",
        "Kiosk",
        2,
        60.0,
        20.0,
        30.0,
        "none",
        2,
        False,
        "phone",
        None,
        None,
    ),
]
LINES_OF = dict(zip(NAMES.split(), map(list, zip(*LINES, strict=True)), strict=True))
SETTINGS = SummarySettings(
    groups=(
        "products",
        "category",
        "channel",
        "weekday",
        "hour",
        "season",
        "holiday",
        "promotion",
        "price",
        "margin",
        "returns",
        "regularity",
        "trend",
        "recent",
        "wholesale",
    ),
    holidays={"new year": ["2024-01-01"], "may": [("2024-05-30", "2024-06-02")]},
    recent_days=90,
)
# Customer 1 kept 60 + 20, 120 and 40 = 240 in 3 orders; 20 of 240 came back.
H = {"tea": 220 / 240, "cup": 20 / 240}
FOOD, HOME, NONE = 180 / 240, 20 / 240, 40 / 240
# Usual prices: food 180 / 34 a unit, home 80 / 3; without a kind 40 / 2 = 20.
# At usual prices: 34 units of food 180, 1 of home 80 / 3, 2 without 40.
AT_USUAL = 180 + 80 / 3 + 40
# Line prices over the usual one: tea A 6 / 5.294 = 1.13, cup 20 / 26.67 = .75, tea B
# 5 / 5.294 = .94, tea C 1; customer 2's pot 30 / 26.67 = 1.125.
DAYS = np.array([0, 61 + 6 / 24, 151 + 16 / 24])  # of A, B, C since A
MONTHS = DAYS / 30
SLOPE = np.polyfit(MONTHS, [80.0, 120.0, 40.0], 1)[0]
GAPS = np.diff(DAYS)
TENURE, RECENCY = 182 - 7 / 24, 30 + 1 / 24
RATE, BEFORE = 40 / 90, 200 / (TENURE - 90)
EXPECTED = {
    "product_entropy": (-sum(p * np.log(p) for p in H.values()), 0.0),
    "category_food_spend_share": (FOOD, 0.0),
    "category_food_order_share": (2 / 3, 0.0),
    "category_home_spend_share": (HOME, 1.0),
    "category_home_order_share": (1 / 3, 1.0),
    "category_missing_spend_share": (NONE, 0.0),
    "n_categories": (3, 1),
    "category_entropy": (-sum(p * np.log(p) for p in (FOOD, HOME, NONE)), 0.0),
    "channel_web_spend_share": (0.5, 0.0),
    "channel_Kiosk_order_share": (1 / 3, 1.0),
    "n_channels": (2, 1),
    "channel_entropy": (np.log(2), 0.0),
    "online_spend_share": (0.5, 0.0),
    "online_order_share": (2 / 3, 0.0),
    "weekday_monday_order_share": (1 / 3, 0.0),
    "weekday_saturday_spend_share": (0.5, 0.0),
    "weekday_sunday_spend_share": (0.0, 1.0),
    "hour_morning_spend_share": (80 / 240, 1.0),
    "hour_night_order_share": (1 / 3, 0.0),
    "season_winter_spend_share": (80 / 240, 0.0),
    "season_spring_order_share": (2 / 3, 0.0),
    "season_summer_order_share": (0.0, 1.0),
    "holiday_new year_spend_share": (80 / 240, 0.0),
    "holiday_may_order_share": (1 / 3, 0.0),
    "holiday_none_order_share": (1 / 3, 1.0),
    "promotion_spend_share": (20 / 240, 0.0),
    "promotion_order_share": (1 / 3, 0.0),
    # List value of the lines that were kept: 60 + 25 + 144 + 40, and 60.
    "discount_depth": (1 - 240 / 269, 0.0),
    "price_index": (240 / AT_USUAL, 60 / (160 / 3)),
    "price_low_spend_share": (20 / 240, 0.0),
    "price_middle_spend_share": (220 / 240, 1.0),
    "price_high_spend_share": (0.0, 0.0),
    "margin_total": (20 + 10 + 24 + 32, 20.0),
    "margin_share": (86 / 240, 20 / 60),
    "n_returned_orders": (1, 0),
    "return_order_share": (1 / 3, 0.0),
    "gap_cv": (GAPS.std(ddof=1) / GAPS.mean(), np.nan),
    "recency_in_gaps": (RECENCY / GAPS.mean(), np.nan),
    "spend_trend": (SLOPE, np.nan),
    "frequency_last_90d": (1, 1),
    "frequency_before_90d": (2, 0),
    "monetary_total_last_90d": (40.0, 60.0),
    "monetary_total_before_90d": (200.0, 0.0),
    "spend_change_90d": ((RATE - BEFORE) / (RATE + BEFORE), np.nan),
    "lines_per_order": (4 / 3, 1.0),
    "order_value_max": (120.0, 60.0),
    "order_value_cv": (40 / 80, np.nan),
    "units_per_order": (37 / 3, 2.0),
    "large_line_spend_share": (0.5, 0.0),
    "pack_spend_share": (180 / 240, 1.0),
    "standing_order_share": (1 / 3, 0.0),
    # Of the three lines with both dates, the cup came a day late.
    "on_time_share": (2 / 3, np.nan),
    "contact_email_order_share": (2 / 3, 0.0),
    "contact_phone_spend_share": (40 / 240, 1.0),
}


def summary(make_frame, settings=SETTINGS, lines=None, **given):
    tx = make_frame(lines or LINES_OF)
    given = {"observation_period_end": "2024-06-30"} | given
    return summarize_transactions(tx, COLUMNS, settings=settings, **given)


def test_every_column(make_frame):
    found = nw.from_native(summary(make_frame))
    assert found["monetary_total"].to_list() == [240.0, 60.0]
    for name, expected in EXPECTED.items():
        actual = np.array(found[name].to_list(), dtype=float)
        np.testing.assert_allclose(
            actual, expected, rtol=1e-12, atol=1e-12, err_msg=name
        )


def test_shares_of_one_kind_add_up(make_frame):
    found = nw.from_native(summary(make_frame))
    kinds = ("category", "channel", "weekday", "hour", "season", "holiday", "price")
    for kind in kinds:
        names = [n for n in found.columns if re.match(f"{kind}_.*_spend_share", n)]
        assert len(names) > 1
        np.testing.assert_allclose(
            sum(np.array(found[name].to_list()) for name in names), 1.0
        )


def test_next_month_has_the_same_columns(make_frame):
    # Next month knows no kiosk but a market, and one kind of product only.
    learned = SETTINGS.learned(make_frame(LINES_OF), COLUMNS)
    assert dict(learned.levels) == {
        "category": ("food", "home", "missing"),
        "channel": ("Kiosk", "web"),
        "contact": ("email", "phone"),
    }
    prices = dict(learned.category_prices)
    np.testing.assert_allclose(prices["food"], 180 / 34)
    assert pickle.loads(pickle.dumps(learned)) == learned
    assert hash(learned) == hash(pickle.loads(pickle.dumps(learned)))
    before = nw.from_native(summary(make_frame, learned))
    lines = LINES_OF | {"shop": ["web"] * 5 + ["market"], "kind": ["food"] * 6}
    with pytest.warns(SegmentWarning, match="Column 'shop' has levels that the "):
        after = nw.from_native(summary(make_frame, learned, lines))
    assert after.columns == before.columns
    assert after["channel_Kiosk_spend_share"].to_list() == [0.0, 0.0]
    assert after["channel_web_spend_share"].to_list() == [1.0, 0.0]
    # A pot of 30 a unit among food that costs 5.294.
    np.testing.assert_allclose(after["price_index"].to_list()[1], 30 / (180 / 34))
    again = nw.from_native(summary(make_frame))
    for name in before.columns:
        first, expected = before[name].to_list()[0], again[name].to_list()[0]
        if isinstance(expected, float):
            # Polars adds up in threads: the last digit may differ.
            expected = pytest.approx(expected, rel=1e-12, nan_ok=True)
        assert first == expected, name


def test_customers_without_lines(make_frame):
    found = nw.from_native(summary(make_frame, customers=[2, 7]))
    assert found["customer_id"].to_list() == [1, 2, 7]
    row = found.rows(named=True)[2]
    zeros = {name for name, value in row.items() if value == 0}
    assert zeros == {
        "frequency",
        "monetary_value",
        "monetary_total",
        "n_products",
        "n_categories",
        "n_channels",
        "margin_total",
        "n_returned_orders",
        "frequency_last_90d",
        "frequency_before_90d",
        "monetary_total_last_90d",
        "monetary_total_before_90d",
    }
    others = [v for name, v in row.items() if name not in zeros | {"customer_id"}]
    assert all(pd.isna(value) for value in others)
    assert found["frequency"].dtype == nw.Int64


def test_units():
    units = SummarySettings(currency="EUR", unit="bottles").units(
        ["recency", "monetary_value", "spend_trend", "units_per_order", "gap_cv"]
    )
    assert units == {
        "recency": "days",
        "monetary_value": "EUR per order",
        "spend_trend": "EUR per order and 30 days",
        "units_per_order": "bottles per order",
        "gap_cv": "share",
    }


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"groups": ("mood",)}, "groups must be among 'products', 'category',"),
        (
            {"recent_days": 0},
            "recent_days must be numbers of days above zero. Got (0,)",
        ),
        ({"price_tiers": (2, 1)}, "price_tiers must be two multiples of the usual"),
        ({"large_line": -1}, "large_line must be a number of units above zero. Got -1"),
        ({"groups": ("holiday",)}, "holidays must be given for the group 'holiday'."),
        ({"groups": ("hour",), "dayparts": {"day": 6}}, "dayparts must be 'standard',"),
    ],
)
def test_settings_are_checked(given, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        SummarySettings(**given)


def test_refusals(make_frame):
    columns = TransactionColumns(customer_id="id", amount="eur")
    days = make_frame(LINES_OF | {"date": [datetime(2024, 1, 1)] * 6})
    for group, sentence in (
        ("margin", "TransactionColumns must name unit_cost for the group 'margin'."),
        ("promotion", "must name promotion or discount or list_price for the group"),
    ):
        with pytest.raises(SchemaError, match=re.escape(sentence)):
            summarize_transactions(days, columns, groups=(group,))
    with pytest.raises(DataQualityError, match="Dates must have times of day for the"):
        summarize_transactions(days, columns, groups=("hour",))
    with pytest.raises(ValueError, match="groups must be left out where settings name"):
        summarize_transactions(days, columns, groups=("trend",), settings=SETTINGS)
    many = make_frame(
        {
            "id": [1] * 51,
            "date": [datetime(2024, 1, 1)] * 51,
            "eur": [1.0] * 51,
            "kind": [f"k{i}" for i in range(51)],
        }
    )
    kinds = TransactionColumns(customer_id="id", amount="eur", category="kind")
    with pytest.raises(DataQualityError, match="Column 'kind' must have from 1 to 50"):
        summarize_transactions(many, kinds, groups=("category",))


def test_costs_that_are_missing(make_frame):
    lines = LINES_OF | {"cost": [1.0, None, 1.0, 1.0, 1.0, 1.0]}
    sentence = (
        "Column 'cost' must hold a finite number in every row. Got 1 of 6 rows without "
        "instead (row 1). Fill them in, or leave out what needs the column."
    )
    with pytest.raises(DataQualityError, match=re.escape(sentence)):
        summary(make_frame, SummarySettings(groups=("margin",)), lines)


def test_one_currency(make_frame):
    lines = {"id": [1, 2], "date": [datetime(2024, 1, 1)] * 2, "eur": [1.0, 2.0]}
    columns = TransactionColumns(customer_id="id", amount="eur", currency="code")
    for codes, found in (
        (["EUR", "GBP"], "several"),
        (["EUR", None], "none in 1 of 2"),
    ):
        with pytest.raises(DataQualityError, match=f"one currency .* Got {found}"):
            summarize_transactions(make_frame(lines | {"code": codes}), columns)
    one = make_frame(lines | {"code": ["EUR", "EUR"]})
    assert len(summarize_transactions(one, columns)) == 2


def test_list_of_customers_is_checked(make_frame):
    lines = {"id": [1, 2], "date": [datetime(2024, 1, 1)] * 2, "eur": [1.0, 2.0]}
    columns = TransactionColumns(customer_id="id", amount="eur")
    for customers, error, sentence in (
        (["a"], SchemaError, "customers must have ids of the type that the"),
        ([3, None], DataQualityError, "customers must have an id in every row. Got 1"),
        ("abc", TypeError, "customers must be a frame, a Series or a sequence"),
        (
            make_frame({"name": [1]}),
            SchemaError,
            "customers must have a column 'id' or",
        ),
    ):
        with pytest.raises(error, match=sentence):
            summarize_transactions(make_frame(lines), columns, customers=customers)


def test_listed_ids_that_the_type_does_not_hold(make_frame):
    ids = np.array([1, 2], dtype=np.int32)
    lines = {"id": ids, "date": [datetime(2024, 1, 1)] * 2, "eur": [1.0, 2.0]}
    columns = TransactionColumns(customer_id="id", amount="eur")
    table = make_frame(lines)
    found = summarize_transactions(table, columns, customers=make_frame({"id": [1, 9]}))
    assert list(found["customer_id"]) == [1, 2, 9]
    large = make_frame({"id": [1, 2**32 + 1]})
    with pytest.raises(SchemaError, match=r"Int32\. Got ids from 1 to 4294967297"):
        summarize_transactions(table, columns, customers=large)


@pytest.mark.parametrize("kind", ["category", "string", object])
def test_listed_ids_among_categories(kind):
    lines = {"id": ["b", "a"], "date": datetime(2024, 1, 1), "eur": [1.0, 2.0]}
    columns = TransactionColumns(customer_id="id", amount="eur")
    table = pd.DataFrame(lines).astype({"id": "category"})
    listed = pd.DataFrame({"id": pd.Series(["c", "a"], dtype=kind)})
    found = summarize_transactions(table, columns, customers=listed)
    assert list(found["customer_id"]) == ["a", "b", "c"]
    dask = pytest.importorskip("dask.dataframe")
    table, listed = (dask.from_pandas(one, npartitions=1) for one in (table, listed))
    found = summarize_transactions(table, columns, customers=listed).compute()
    assert sorted(found["customer_id"]) == ["a", "b", "c"]


@pytest.mark.parametrize("kind", ["Categorical", "Enum", "large_string", "dictionary"])
def test_listed_ids_among_kinds_of_text(kind):
    lines = {"id": ["b", "a"], "date": [datetime(2024, 1, 1)] * 2, "eur": [1.0, 2.0]}
    columns = TransactionColumns(customer_id="id", amount="eur")
    if hasattr(pl, kind):
        dtype = pl.Enum(["b", "a"]) if kind == "Enum" else pl.Categorical
        table = pl.DataFrame(lines).with_columns(pl.col("id").cast(dtype))
    else:
        arrow = pytest.importorskip("pyarrow")
        ids = arrow.array(lines["id"])
        dictionary = kind == "dictionary"
        ids = ids.dictionary_encode() if dictionary else ids.cast(arrow.large_string())
        table = arrow.table(lines | {"id": ids})
    for listed in (["c", "a"], table):
        found = summarize_transactions(table, columns, customers=listed)
        ids = nw.from_native(found)["customer_id"].to_list()
        assert ids == (["a", "b"] if listed is table else ["a", "b", "c"])


def test_dates_of_delivery_in_two_zones(make_frame):
    zones = {"due": "Europe/Berlin", "came": "America/New_York"}
    dates = {n: [datetime(2024, 1, 3, tzinfo=ZoneInfo(z))] for n, z in zones.items()}
    lines = {"id": ["a"], "date": [datetime(2024, 1, 1)], "eur": [1.0], **dates}
    columns = TransactionColumns(
        customer_id="id", amount="eur", promised="due", delivered="came"
    )
    with pytest.raises(SchemaError, match="'due' and 'came' must have one time zone"):
        summarize_transactions(make_frame(lines), columns, groups=["wholesale"])


def test_no_number_is_no_promotion(engine):
    dates = [datetime(2024, 1, 1)] * 3
    lines = {"id": [1, 2, 3], "date": dates, "eur": [1.0] * 3, "p": [np.nan, 0.5, 0.0]}
    columns = TransactionColumns(customer_id="id", amount="eur", promotion="p")
    table = engine.frame(lines)
    found = engine.read(summarize_transactions(table, columns, groups=["promotion"]))
    assert list(found["promotion_order_share"]) == [0.0, 1.0, 0.0]


@pytest.mark.parametrize("kind", [object, "boolean", "category"])
def test_nothing_said_is_no_promotion(kind):
    promotion = pd.Series([None, True, False], dtype=kind)
    lines = {"id": [1, 2, 3], "date": datetime(2024, 1, 1), "eur": 1.0, "p": promotion}
    columns = TransactionColumns(customer_id="id", amount="eur", promotion="p")
    found = summarize_transactions(pd.DataFrame(lines), columns, groups=["promotion"])
    assert list(found["promotion_order_share"]) == [0.0, 1.0, 0.0]


def test_list_prices_without_quantities(make_frame):
    # The list value is then made of the discount: 3 / (1 - 1 / 4) = 4, and 6.
    lines = {
        "id": [1, 1],
        "date": [datetime(2024, 1, 1)] * 2,
        "eur": [3.0, 6.0],
        "p": [True, False],
        "off": [0.25, 0.0],
        "list": [4.0, 3.0],
    }
    columns = TransactionColumns(
        customer_id="id", amount="eur", promotion="p", discount="off", list_price="list"
    )
    found = summarize_transactions(make_frame(lines), columns, groups=["promotion"])
    np.testing.assert_allclose(found["discount_depth"][0], 0.1)


def test_what_comes_after_the_end_is_not_learned(make_frame):
    # In June, tea is sold at 9 a unit, and cups without a number of units.
    lines = {
        "id": [1, 1, 2, 2],
        "date": [datetime(2024, m, 1) for m in (1, 5, 5, 6)],
        "kind": ["tea", "tea", "cup", "pot"],
        "eur": [4.0, 8.0, 5.0, 90.0],
        "n": [2, 2, 0, 10],
    }
    columns = TransactionColumns(
        customer_id="id", amount="eur", quantity="n", category="kind"
    )
    settings = SummarySettings(groups=("category", "price"))
    end = {"observation_period_end": "2024-05-31"}
    learned = settings.learned(make_frame(lines), columns, **end)
    assert dict(learned.levels)["category"] == ("cup", "tea")
    assert dict(learned.category_prices) == {"tea": 3.0}
    assert "pot" in dict(settings.learned(make_frame(lines), columns).category_prices)
    for one in (settings, learned):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = summarize_transactions(
                make_frame(lines), columns, settings=one, **end
            )
        assert "category_pot_spend_share" not in found.columns
        assert list(found["category_cup_spend_share"]) == [0.0, 1.0]
        assert found["price_index"][0] == 1.0


def test_levels_of_what_was_sent_back_are_not_new(make_frame):
    # Nothing was kept of the cup, so neither learning nor counting knows its kind.
    lines = {
        "id": [1, 1, 1],
        "date": [datetime(2024, 1, day) for day in (1, 2, 3)],
        "eur": [3.0, 5.0, -5.0],
        "kind": ["tea", "cup", "cup"],
    }
    columns = TransactionColumns(customer_id="id", amount="eur", category="kind")
    table, _ = clean_transactions(make_frame(lines), columns)
    settings = SummarySettings(("category",)).learned(table, columns)
    assert dict(settings.levels) == {"category": ("tea",)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summarize_transactions(table, columns, settings=settings)


def test_levels_that_are_numbers(make_frame):
    lines = {
        "id": [1, 1],
        "date": [datetime(2024, 1, 1)] * 2,
        "eur": [3.0, 1.0],
        "n": [1, 1],
        "kind": [10, 20],
    }
    columns = TransactionColumns(
        customer_id="id", amount="eur", category="kind", quantity="n"
    )
    settings = SummarySettings(
        ("category", "price"),
        levels={"category": (10, 20)},
        category_prices={10: 1.5, 20: 0.5},
    )
    found = summarize_transactions(make_frame(lines), columns, settings=settings)
    assert list(found["category_10_spend_share"]) == [0.75]
    assert list(found["price_index"]) == [2.0]


@pytest.mark.parametrize("unit", [1.0, 100.0])
def test_entropy_beside_a_level_that_is_new(make_frame, unit):
    # Of what is known, half is tea and half are cups, in euros as in cents.
    lines = {
        "id": [1, 1, 1, 2],
        "date": [datetime(2024, 1, 1)] * 4,
        "eur": [3.0 * unit, 3.0 * unit, 6.0 * unit, 1.0 * unit],
        "kind": ["tea", "cup", "pot", "pot"],
    }
    columns = TransactionColumns(customer_id="id", amount="eur", category="kind")
    settings = SummarySettings(("category",), levels={"category": ("tea", "cup")})
    with pytest.warns(SegmentWarning, match="levels that the settings do not have"):
        found = summarize_transactions(make_frame(lines), columns, settings=settings)
    entropy = np.array(found["category_entropy"].to_list(), dtype=float)
    np.testing.assert_allclose(entropy, [np.log(2), np.nan])


def test_settings_with_levels_of_columns_that_are_not_there(make_frame):
    lines = {"id": [1], "date": [datetime(2024, 1, 1)], "eur": [4.0], "kind": ["tea"]}
    columns = TransactionColumns(customer_id="id", amount="eur", category="kind")
    levels = {"category": ("tea",), "contact": ("email",)}
    settings = SummarySettings(groups=("category", "wholesale"), levels=levels)
    found = summarize_transactions(make_frame(lines), columns, settings=settings)
    assert list(found["category_tea_spend_share"]) == [1.0]


def test_windows_begin_with_their_first_microsecond(make_frame):
    # Thirty days to the end of 31 March begin at midnight of 2 March.
    dates = [datetime(2024, 3, 2), datetime(2024, 3, 1, 23, 59), datetime(2024, 3, 31)]
    columns = TransactionColumns(customer_id="id", amount="eur")
    settings = SummarySettings(groups=("recent",), recent_days=30)
    end = {"observation_period_end": "2024-03-31"}
    lines = {"id": [1, 1, 1], "date": dates, "eur": [1.0, 2.0, 4.0]}
    for day in (dates[1], datetime(2024, 3, 1)):  # with and without times
        table = make_frame(lines | {"date": [dates[0], day, dates[2]]})
        found = summarize_transactions(table, columns, settings=settings, **end)
        assert list(found["frequency_last_30d"]) == [2]
        assert list(found["monetary_total_before_30d"]) == [2.0]


def test_online_channels_that_are_new(make_frame):
    # Settings know a store alone; what was bought on the web is online all the same.
    lines = {
        "id": [1, 1],
        "date": [datetime(2024, 1, 1), datetime(2024, 1, 2)],
        "eur": [3.0, 1.0],
        "shop": ["Web", "store"],
    }
    columns = TransactionColumns(customer_id="id", amount="eur", channel="shop")
    settings = SummarySettings(groups=["channel"], levels={"channel": ["store"]})
    with pytest.warns(SegmentWarning, match="in 1 of 2 rows"):
        found = summarize_transactions(make_frame(lines), columns, settings=settings)
    assert list(found["online_spend_share"]) == [0.75]
    assert list(found["online_order_share"]) == [0.5]
    assert list(found["n_channels"]) == [1]


def test_settings_learn_of_clean_tables_alone(make_frame):
    lines = {"id": ["a", None], "date": [datetime(2024, 1, 1)] * 2, "eur": [3.0, 1.0]}
    columns = TransactionColumns(customer_id="id", amount="eur", channel="shop")
    table = make_frame(lines | {"shop": ["web", "adjustment"]})
    with pytest.raises(DataQualityError, match="must hold a customer id in every row"):
        SummarySettings(groups=["channel"]).learned(table, columns)


def test_levels_of_no_role():
    for levels in (5, "web", {"chanel": ["web"]}):
        with pytest.raises(ValueError, match="levels must be a mapping of 'category'"):
            SummarySettings(groups=["channel"], levels=levels)
    with pytest.raises(TypeError, match=r"settings must be SummarySettings\. Got dict"):
        summarize_transactions(
            pd.DataFrame(LINES_OF), COLUMNS, settings={"groups": ["channel"]}
        )


def test_orders_of_one_day_have_no_trend(make_frame):
    times = [datetime(2024, 1, 1, 9, minute) for minute in (0, 1, 2)]
    lines = {"id": [1] * 3, "date": times, "eur": [9.0, 5.0, 1.0]}
    columns = TransactionColumns(customer_id="id", amount="eur")
    found = summarize_transactions(make_frame(lines), columns, groups=["trend"])
    assert pd.isna(found["spend_trend"][0])


def test_gaps_of_customers_whose_ids_no_float_can_hold(engine):
    # Two customers of two orders each, 2 and 4 days apart: as floats they are one.
    large = 2**60
    days = [datetime(2024, 1, day) for day in (1, 3, 10, 14)]
    tx = engine.frame(
        {"who": [large, large, large + 1, large + 1], "at": days, "paid": [1.0] * 4}
    )
    columns = TransactionColumns(customer_id="who", date="at", amount="paid")
    found = engine.read(summarize_transactions(tx, columns))
    assert found["gap_mean"].tolist() == [2.0, 4.0]
    assert found["gap_sd"].isna().all()
