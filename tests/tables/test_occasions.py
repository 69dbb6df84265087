"""summarize_occasions: orders counted by hand, orders as in the summary, refusals."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.datasets import load_online_retail_sample
from custseg.exceptions import DataQualityError, SchemaError
from custseg.features import OccasionTransformer
from custseg.tables import (
    TransactionColumns,
    clean_transactions,
    summarize_occasions,
    summarize_transactions,
)

COLUMNS = TransactionColumns(transaction_id="invoice", amount="eur")
KINDS = {"pandas": pd.DataFrame, "polars": pl.from_pandas}

# 2024-01-05 is a Friday, 2024-03-31 the Sunday of Easter. b has one order with two
# categories; d returned what was bought.
LINES = pd.DataFrame(
    [
        ("a", "1", "2024-01-05 05:59", 10.0, "tea"),
        ("a", "2", "2024-01-06 06:00", 10.0, "tea"),
        ("a", "3", "2024-03-31 21:59", 10.0, "toy"),
        ("a", "4", "2024-04-01 22:00", 10.0, None),
        ("b", "5", "2024-12-24 12:00", 10.0, "tea"),
        ("b", "5", "2024-12-24 12:00", 30.0, "toy"),
        ("c", "6", "2024-07-01 17:59", 10.0, "toy"),
        ("c", "6", "2024-07-01 17:59", 10.0, "tea"),
        ("d", "7", "2024-07-01 10:00", 0.0, "tea"),
    ],
    columns=["customer_id", "invoice", "date", "eur", "category"],
).assign(date=lambda table: pd.to_datetime(table["date"]))


def counted(tx=LINES, **options):
    found = summarize_occasions(tx, COLUMNS, counts=True, **options)
    if isinstance(found, pl.DataFrame):
        found = found.to_pandas()
    return found.set_index("customer_id")


def only(**options):
    return {"dayparts": None, "weekend": None, "seasons": None, **options}


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_orders_by_time(make):
    found = counted(make(LINES))
    expected = pd.DataFrame(
        {
            "frequency": [4, 1, 1, 0],
            # 06:00 begins the morning, 05:59 and 22:00 are night, 21:59 is evening.
            "daypart_morning": [1, 0, 0, 0],
            "daypart_afternoon": [0, 1, 1, 0],
            "daypart_evening": [1, 0, 0, 0],
            "daypart_night": [2, 0, 0, 0],
            # Friday and Monday; Saturday and Sunday.
            "week_workday": [2, 1, 1, 0],
            "week_weekend": [2, 0, 0, 0],
            "season_spring": [2, 0, 0, 0],
            "season_summer": [0, 0, 1, 0],
            "season_autumn": [0, 0, 0, 0],
            "season_winter": [2, 1, 0, 0],
        },
        index=pd.Index(list("abcd"), name="customer_id"),
    )
    pd.testing.assert_frame_equal(
        found, expected, check_index_type=False, check_dtype=False
    )


def test_every_engine(engine):
    """Times, holidays and further columns of the lines above, as text, number, bool.

    b's order 5 has 10 in store 12 and 30 in none, and is of store 12; c's order 6 has
    10 in either store, and "12" comes before "7". a's order 4 has no store.
    """
    stores = [7, 7, 12, None, 12, None, 7, 12, 7]
    gift = [True, False, True, True, False, False, True, True, False]
    lines = {name: LINES[name].tolist() for name in LINES}
    lines["date"] = [at.to_pydatetime() for at in LINES["date"]]
    lines["category"] = [None if pd.isna(c) else c for c in LINES["category"]]
    found = summarize_occasions(
        engine.frame(lines | {"store": stores, "gift": gift}),
        COLUMNS,
        seasons={"late": (9, 10, 11, 12), "early": range(1, 9)},
        holidays={"easter": ["2024-03-31", "2024-04-01"]},
        by={"purpose": "category", "at": "store", "gift": "gift"},
        counts=True,
        customers=engine.frame({"customer_id": ["new", "b"]}),
    )
    expected = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d", "new"],
            "frequency": [4, 1, 1, 0, 0],
            "daypart_morning": [1, 0, 0, 0, 0],
            "daypart_afternoon": [0, 1, 1, 0, 0],
            "daypart_evening": [1, 0, 0, 0, 0],
            "daypart_night": [2, 0, 0, 0, 0],
            "week_workday": [2, 1, 1, 0, 0],
            "week_weekend": [2, 0, 0, 0, 0],
            "season_late": [0, 1, 0, 0, 0],
            "season_early": [4, 0, 1, 0, 0],
            "holiday_easter": [2, 0, 0, 0, 0],
            "holiday_none": [2, 1, 1, 0, 0],
            "purpose_tea": [2, 0, 1, 0, 0],
            "purpose_toy": [1, 1, 0, 0, 0],
            "purpose_missing": [1, 0, 0, 0, 0],
            "at_12": [1, 1, 1, 0, 0],
            "at_7": [2, 0, 0, 0, 0],
            "at_missing": [1, 0, 0, 0, 0],
            "gift_False": [1, 1, 0, 0, 0],
            "gift_True": [3, 0, 1, 0, 0],
        }
    )
    pd.testing.assert_frame_equal(engine.read(found), expected)


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_shares_add_up_to_one(make):
    found = summarize_occasions(make(LINES), COLUMNS, by="category")
    assert isinstance(found, type(make(LINES)))
    table = found.to_pandas() if isinstance(found, pl.DataFrame) else found
    table = table.set_index("customer_id")
    assert table["daypart_night"].tolist()[:3] == [0.5, 0, 0]
    for kind in ("daypart", "week", "season", "category"):
        total = table.filter(like=f"{kind}_").sum(axis=1, skipna=False)
        np.testing.assert_allclose(total, [1, 1, 1, np.nan])


def test_holidays():
    holidays = {
        "easter": ["2024-03-31", pd.Timestamp("2024-04-01")],
        "christmas": [("2024-12-20", "2024-12-26")],
    }
    found = counted(**only(holidays=holidays))
    assert found["holiday_easter"].tolist() == [2, 0, 0, 0]
    assert found["holiday_christmas"].tolist() == [0, 1, 0, 0]
    assert found["holiday_none"].tolist() == [2, 0, 1, 0]


@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_an_order_belongs_to_what_most_was_spent_on(make):
    found = counted(make(LINES), **only(by={"purpose": "category"}))
    # b: 30 of 40 on the toy. c: a tie goes to tea, which comes first by name.
    assert found["purpose_tea"].tolist() == [2, 0, 1, 0]
    assert found["purpose_toy"].tolist() == [1, 1, 0, 0]
    assert found["purpose_missing"].tolist() == [1, 0, 0, 0]


def test_dayparts_of_ones_own():
    found = counted(**only(dayparts={"day": 8, "late": 21.5}))
    assert found["daypart_day"].tolist() == [0, 1, 1, 0]
    assert found["daypart_late"].tolist() == [4, 0, 0, 0]
    from_midnight = counted(**only(dayparts={"am": 0, "pm": 12}))
    assert from_midnight["daypart_am"].tolist() == [2, 0, 0, 0]


def test_seasons_and_weekends_of_elsewhere():
    south = counted(**only(seasons="southern"))
    assert south["season_autumn"].tolist() == [2, 0, 0, 0]
    assert south["season_summer"].tolist() == [2, 1, 0, 0]
    halves = {"dry": range(1, 7), "wet": range(7, 13)}
    assert counted(**only(seasons=halves))["season_wet"].tolist() == [0, 1, 1, 0]
    friday = counted(**only(weekend=("Friday", "saturday")))
    assert friday["week_weekend"].tolist() == [2, 0, 0, 0]
    assert friday["week_workday"].tolist() == [2, 1, 1, 0]


def test_times_are_those_of_the_clock_on_the_wall():
    # 2024-07-05 22:30 UTC is Saturday the 6th, 07:30, in Tokyo.
    when = pd.to_datetime(["2024-07-05 22:30"]).tz_localize("UTC")
    tx = pd.DataFrame({"customer_id": [1], "date": when, "invoice": "1", "eur": 5.0})
    assert counted(tx)["daypart_night"].tolist() == [1]
    tokyo = counted(tx.assign(date=tx["date"].dt.tz_convert("Asia/Tokyo")))
    assert tokyo["daypart_morning"].tolist() == [1]
    assert tokyo["week_weekend"].tolist() == [1]


def test_the_end_of_observation():
    found = counted(observation_period_end="2024-03-31")
    assert found.index.tolist() == ["a"]
    assert found["frequency"].tolist() == [3]
    with pytest.raises(DataQualityError, match="must not come before the first line"):
        counted(observation_period_end="2023-01-01")


def test_orders_are_those_of_the_summary():
    columns = TransactionColumns(
        "CustomerID", "InvoiceDate", "InvoiceNo", None, "Quantity", "UnitPrice"
    )
    lines, _ = clean_transactions(load_online_retail_sample(), columns)
    customers = summarize_transactions(lines, columns)
    found = summarize_occasions(lines, columns, by="Country", counts=True)
    np.testing.assert_array_equal(found["customer_id"], customers["customer_id"])
    np.testing.assert_array_equal(found["frequency"], customers["frequency"])
    # Weekdays of orders by another way: pandas' own, over first lines of invoices.
    kept = lines[lines["amount"] > 0]
    first = kept.groupby(["CustomerID", "InvoiceNo"])["InvoiceDate"].min()
    weekend = first.dt.day_name().isin(["Saturday", "Sunday"])
    weekend = weekend.groupby("CustomerID").sum()
    expected = weekend.reindex(found["customer_id"], fill_value=0)
    np.testing.assert_array_equal(found["week_weekend"], expected)
    shuffled = lines.sample(frac=1, random_state=0)
    again = summarize_occasions(shuffled, columns, by="Country", counts=True)
    pd.testing.assert_frame_equal(again, found)


def test_the_table_goes_into_the_transformer():
    table = summarize_occasions(LINES, COLUMNS, counts=True)
    parts = tuple(name for name in table if name.startswith("daypart"))
    Z = OccasionTransformer(
        shares={"daypart": parts}, prior=1, scale=False
    ).fit_transform(table[list(parts)])
    np.testing.assert_allclose((Z**2).sum(axis=1), 1)


def test_dates_without_times():
    daily = LINES.assign(date=LINES["date"].dt.normalize())
    with pytest.raises(
        DataQualityError,
        match=re.escape(
            "Dates must have times of day to tell parts of the day. Got midnight "
            "for all 6 orders instead. Set dayparts=None."
        ),
    ):
        counted(daily)
    assert "week_weekend" in counted(daily, dayparts=None)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        ({"dayparts": {"day": 6}}, ValueError, "dayparts must be 'standard', None or"),
        ({"dayparts": {"day": 6, "night": 24}}, ValueError, "dayparts must be"),
        ({"dayparts": {"day": 6, "night": 6}}, ValueError, "dayparts must be"),
        ({"dayparts": "usual"}, ValueError, "Got 'usual' instead"),
        ({"weekend": ("sat",)}, ValueError, "weekend must be a tuple of days"),
        (
            {"seasons": {"dry": (1, 2), "wet": (2, 3)}},
            ValueError,
            "that has each of the months 1 to 12 once",
        ),
        ({"seasons": "east"}, ValueError, "Got 'east' instead"),
        (
            {"holidays": {"a": ["2024-01-01"], "b": [("2023-12-31", "2024-01-02")]}},
            ValueError,
            "holidays must give each day to one holiday. Got 'b' and 'a' on one day",
        ),
        (
            {"holidays": {"a": ["25.12.2024"]}},
            ValueError,
            "The days of holiday 'a' must be dates in the form 2024-12-31",
        ),
        (
            {"holidays": {"a": [("2024-01-02", "2024-01-01")]}},
            ValueError,
            "must end when they have begun",
        ),
        ({"holidays": {"none": ["2024-01-01"]}}, ValueError, "none of them 'none'"),
        ({"by": "shop"}, SchemaError, "by must name columns of the transaction table"),
        ({"by": {"week": "category"}}, SchemaError, "Give another name"),
        ({"by": "date"}, SchemaError, "must hold one level a line"),
    ],
)
def test_options_that_cannot_be_read(options, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        counted(**options)


def test_too_many_levels():
    many = pd.concat([LINES] * 7).assign(product=lambda t: np.arange(len(t)))
    with pytest.raises(
        DataQualityError,
        match=re.escape(
            "Column 'product' must have from 1 to 50 levels to be an occasion. Got 63 "
            "instead."
        ),
    ):
        counted(many, by="product")
