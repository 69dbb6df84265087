"""Repeat purchases for models of customer lifetimes."""

import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from custseg.datasets import load_online_retail_sample
from custseg.exceptions import DataQualityError
from custseg.tables import TransactionColumns, clean_transactions, summarize_btyd

COLUMNS = TransactionColumns(
    customer_id="id", product="item", quantity="n", unit_price="price"
)
NAMES = ["id", "date", "item", "n", "price"]
# The observation ends with 31 March 2024; calibration ends with 15 February.
#
# "007": 1 January twice (10 + 5: one day), 8 January (7), 5 February: returned in full
#   on 7 February, so no repeat; 4 March (9). All to the end: x = 2, t_x = 63 days = 9
#   weeks, T = 90 days, mean of 7 and 9 = 8. In calibration: x = 1, t_x = 1 week,
#   T = 45 days, 7; in the holdout one purchase of 9.
# "7": 20 January at 23:30 and 21 January at 00:30: two days (4, 6). x = 1, t_x = 1 day,
#   T = 71 days (26 in calibration), 6.
# "one": once, on 10 February, T = 50 days (5 in calibration).
# "late": first in March, not in calibration: 20 March, T = 11; 1 April is too late.
# "back": only what was sent back, so no purchase.
LEDGER = [
    ("007", datetime(2024, 1, 1, 9), "tea", 2, 5.0),
    ("007", datetime(2024, 1, 1, 18), "cup", 1, 5.0),
    ("007", datetime(2024, 1, 8, 9), "tea", 1, 7.0),
    ("007", datetime(2024, 2, 5, 9), "pot", 1, 20.0),
    ("007", datetime(2024, 2, 7, 9), "pot", -1, 20.0),
    ("007", datetime(2024, 3, 4, 9), "tea", 1, 9.0),
    ("7", datetime(2024, 1, 20, 23, 30), "tea", 1, 4.0),
    ("7", datetime(2024, 1, 21, 0, 30), "tea", 1, 6.0),
    ("one", datetime(2024, 2, 10, 12), "tea", 1, 3.0),
    ("late", datetime(2024, 3, 20, 12), "tea", 1, 3.0),
    ("late", datetime(2024, 4, 1, 0), "tea", 1, 3.0),
    ("back", datetime(2024, 1, 15, 12), "tea", 1, 3.0),
    ("back", datetime(2024, 1, 16, 12), "tea", -1, 3.0),
]
WHOLE = {
    "customer_id": ["007", "7", "late", "new", "one"],
    "x": [2, 1, 0, 0, 0],
    "t_x": [9.0, 1 / 7, 0.0, None, 0.0],
    "T": [90 / 7, 71 / 7, 11 / 7, None, 50 / 7],
    "monetary_value": [8.0, 6.0, None, None, None],
    "maybe_older": [1.0, 1.0, 0.0, None, 0.0],
}
SPLIT = {
    "customer_id": ["007", "7", "one"],
    "x": [1, 1, 0],
    "t_x": [7.0, 1.0, 0.0],
    "T": [45.0, 26.0, 5.0],
    "monetary_value": [7.0, 6.0, None],
    "maybe_older": [1.0, 1.0, 0.0],
    "x_holdout": [1, 0, 0],
    "T_holdout": [45.0, 45.0, 45.0],
    "monetary_value_holdout": [9.0, None, None],
}


def ledger(zone=None):
    columns = dict(zip(NAMES, map(list, zip(*LEDGER, strict=True)), strict=True))
    columns["date"] = [one.replace(tzinfo=zone) for one in columns["date"]]
    return columns


def assert_same(actual, expected):
    pd.testing.assert_frame_equal(
        actual.drop(columns="first_date"), pd.DataFrame(expected), check_dtype=False
    )


@pytest.mark.parametrize("zone", [None, UTC])
def test_ledger(engine, zone):
    table, _ = clean_transactions(engine.frame(ledger(zone)), COLUMNS)
    end = {"observation_period_end": "2024-03-31"}
    split = summarize_btyd(
        table, COLUMNS, time_unit="day", calibration_end="2024-02-15", **end
    )
    assert_same(engine.read(split), SPLIT)
    listed = engine.frame({"id": ["new", "7"]})
    whole = engine.read(summarize_btyd(table, COLUMNS, customers=listed, **end))
    assert isinstance(split, type(table))
    assert_same(whole, WHOLE)
    first = whole.set_index("customer_id")["first_date"]
    assert first["007"] == datetime(2024, 1, 1, 9)


def test_units_of_time():
    table, _ = clean_transactions(pd.DataFrame(ledger()), COLUMNS)
    times = {
        unit: summarize_btyd(
            table, COLUMNS, time_unit=unit, observation_period_end="2024-03-31"
        )["T"][0]
        for unit in ("day", "week", "month", "year")
    }
    assert times["day"] == 90
    assert times["week"] == 90 / 7
    np.testing.assert_allclose(times["month"], 90 / (365.25 / 12))
    np.testing.assert_allclose(times["year"], 90 / 365.25)


def test_what_is_free(make_frame):
    tx = make_frame(
        {
            "customer_id": ["a", "a", "b"],
            "date": [datetime(2024, 1, day) for day in (1, 3, 2)],
            "eur": [5.0, 0.0, 0.0],
        }
    )
    columns = TransactionColumns(amount="eur")
    table, _ = clean_transactions(tx, columns)
    assert list(summarize_btyd(table, columns)["x"]) == [0]
    counted = summarize_btyd(table, columns, count_free=True, time_unit="day")
    assert list(counted["x"]) == [1, 0]
    assert next(iter(counted["monetary_value"])) == 0.0
    assert list(counted["T"]) == [2.0, 1.0]


def test_real_invoices_by_hand():
    invoices = load_online_retail_sample()
    columns = TransactionColumns(
        customer_id="CustomerID",
        transaction_id="InvoiceNo",
        date="InvoiceDate",
        product="StockCode",
        quantity="Quantity",
        unit_price="UnitPrice",
    )
    orders, _ = clean_transactions(invoices, columns)
    found = summarize_btyd(orders, columns, time_unit="day").set_index("customer_id")
    bought = orders[orders["amount"] > 0]
    day = bought["InvoiceDate"].dt.normalize().rename("day")
    days = bought.groupby(["CustomerID", day])["amount"].sum().reset_index()
    for customer, own in days.groupby("CustomerID"):
        row = found.loc[customer]
        assert row["x"] == len(own) - 1
        assert row["t_x"] == (own["day"].iloc[-1] - own["day"].iloc[0]).days
        if row["x"]:
            np.testing.assert_allclose(
                row["monetary_value"], own["amount"].iloc[1:].mean()
            )


@pytest.mark.parametrize(
    ("given", "error", "sentence"),
    [
        (
            {"time_unit": "fortnight"},
            ValueError,
            "time_unit must be one of 'day', 'week', 'month', 'year'. Got 'fortnight' "
            "instead.",
        ),
        (
            {"older_days": -1},
            ValueError,
            "older_days must be a number of days, 0 or more. Got -1 instead.",
        ),
        (
            {"calibration_end": "2025-01-01"},
            DataQualityError,
            "calibration_end must lie between the first line of the table and the last "
            "day of the observation. Got '2025-01-01' instead.",
        ),
        ({"calibration_end": "soon"}, ValueError, "calibration_end must be a date in"),
    ],
)
def test_refusals(given, error, sentence):
    table, _ = clean_transactions(pd.DataFrame(ledger()), COLUMNS)
    with pytest.raises(error, match=re.escape(sentence)):
        summarize_btyd(table, COLUMNS, **given)


def test_listed_customers_who_first_buy_in_the_holdout(make_frame):
    table, _ = clean_transactions(make_frame(ledger()), COLUMNS)
    found = summarize_btyd(
        table,
        COLUMNS,
        calibration_end="2024-02-15",
        observation_period_end="2024-04-01",
        customers=["late", "new"],
    )
    found = pd.DataFrame({n: list(found[n]) for n in found.columns})
    late = found.set_index("customer_id").loc[["late", "new"]]
    assert list(late["x"]) == [0, 0]
    assert late.drop(columns="x").isna().all(axis=None)
