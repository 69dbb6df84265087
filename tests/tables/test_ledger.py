"""A ledger of fifteen lines with every edge case, worked on paper.

The observation ends with 30 April 2024, that is at 1 May 00:00.

Customer "007":
  A1, 1 March 10:00: 4 tea at 2.50 and 1 cup at 6.00. A2, the same day at 18:00:
  2 tea at 3.00. A3 returns 4 tea: the last in are the 2 of A2 (6.00), then 2 of the 4
  of A1 (5.00). A1 keeps 2 tea (5.00) and the cup: 11.00. A2 keeps nothing and is no
  order any more. A4, on the last day at 18:00, 5.00, six hours before the end. A5 is
  at midnight after the end. So 2 orders, 16.00, recency .25, tenure from 1 March
  10:00 = 30 days and 14 hours of March and 30 days of April, one gap of 60 days and
  8 hours, returned 11.00 of 10 + 6 + 6 + 5 = 27.00.
Customer "7": another one than "007"; one order at 10 April 00:00, 21 days before the
  end. A second line has the date 1900 and is dropped.
Customer 2**53 + 1: orders on 1, 11 and 13 April at 06:00 (12.00, 4.00, 8.00), gaps 10
  and 2: mean 6, sd sqrt((4**2 + 4**2) / 1). Last order 17 days and 18 hours before the
  end. D2 returns a pot that was never bought: an orphan of 20.00.
Customer 2**53: the one cup was returned: nothing left.
"""

from datetime import datetime

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import polars.testing
import pytest

from custseg.tables import (
    TransactionColumns,
    clean_transactions,
    summarize_transactions,
)

COLUMNS = TransactionColumns(
    customer_id="client",
    transaction_id="invoice",
    date="time",
    product="item",
    quantity="units",
    unit_price="price",
)
ODD, EVEN = str(2**53 + 1), str(2**53)
LEDGER = [
    ("007", "A1", datetime(2024, 3, 1, 10), "tea", 4, 2.50),
    ("007", "A1", datetime(2024, 3, 1, 10), "cup", 1, 6.00),
    ("007", "A2", datetime(2024, 3, 1, 18), "tea", 2, 3.00),
    ("007", "A3", datetime(2024, 3, 5, 12), "tea", -4, 3.00),
    ("007", "A4", datetime(2024, 4, 30, 18), "cup", 1, 5.00),
    ("007", "A5", datetime(2024, 5, 1, 0), "cup", 1, 9.00),
    (None, "B1", datetime(2024, 3, 2, 9), "tea", 1, 2.50),
    ("7", "C1", datetime(2024, 4, 10, 0), "tea", 1, 2.50),
    (ODD, "D1", datetime(2024, 4, 1, 6), "cup", 2, 6.00),
    (EVEN, "E1", datetime(2024, 4, 1, 6), "cup", 1, 6.00),
    (EVEN, "E2", datetime(2024, 4, 2, 6), "cup", -1, 6.00),
    (ODD, "D2", datetime(2024, 4, 3, 6), "pot", -1, 20.00),
    (ODD, "D3", datetime(2024, 4, 11, 6), "cup", 1, 4.00),
    (ODD, "D4", datetime(2024, 4, 13, 6), "mug", 1, 8.00),
    ("7", "C2", datetime(1900, 1, 1, 0), "tea", 1, 2.50),
]
NAMES = ["client", "invoice", "time", "item", "units", "price"]
NETTED = {
    "client": ["007", "007", "007", "007", "007", "7", ODD, EVEN, ODD, ODD],
    "invoice": ["A1", "A1", "A2", "A4", "A5", "C1", "D1", "E1", "D3", "D4"],
    "units": [2, 1, 0, 1, 1, 1, 2, 0, 1, 1],
    "price": [2.5, 6.0, 3.0, 5.0, 9.0, 2.5, 6.0, 6.0, 4.0, 8.0],
    "amount": [5.0, 6.0, 0.0, 5.0, 9.0, 2.5, 12.0, 0.0, 4.0, 8.0],
    "returned_amount": [5.0, 0.0, 6.0, 0.0, 0.0, 0.0, 0.0, 6.0, 0.0, 0.0],
}
SUMMARY = {
    "customer_id": ["007", "7", EVEN, ODD],
    "recency": [0.25, 21.0, None, 17.75],
    "frequency": [2, 1, 0, 3],
    "monetary_value": [8.0, 2.5, 0.0, 8.0],
    "monetary_total": [16.0, 2.5, 0.0, 24.0],
    "tenure": [30 + 14 / 24 + 30, 21.0, None, 29.75],
    "first_date": [
        datetime(2024, 3, 1, 10),
        datetime(2024, 4, 10),
        None,
        datetime(2024, 4, 1, 6),
    ],
    "last_date": [
        datetime(2024, 4, 30, 18),
        datetime(2024, 4, 10),
        None,
        datetime(2024, 4, 13, 6),
    ],
    "gap_mean": [60 + 8 / 24, None, None, 6.0],
    "gap_sd": [None, None, None, 32**0.5],
    "n_products": [2, 1, 0, 2],
    "return_share": [11 / 27, 0.0, 1.0, 0.0],
}


def ledger(make_frame, zone=None):
    columns = dict(zip(NAMES, map(list, zip(*LEDGER, strict=True)), strict=True))
    return in_zone(make_frame(columns), zone, "time")


def in_zone(frame, zone, *names):
    return (
        nw.from_native(frame)
        .with_columns(nw.col(*names).dt.replace_time_zone(zone))
        .to_native()
    )


def assert_same(actual, expected):
    if isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(actual, expected, rtol=1e-12)
    else:
        polars.testing.assert_frame_equal(actual, expected, rel_tol=1e-12)


# The clocks go forward on 31 March in London and on 10 March in New York: days are
# days of the wall, so the figures are the same.
@pytest.mark.parametrize("zone", [None, "Europe/London", "America/New_York"])
def test_net(make_frame, zone):
    given = ledger(make_frame, zone)
    table, report = clean_transactions(given, COLUMNS)
    expected = nw.from_native(make_frame(NETTED))
    actual = nw.from_native(table)
    assert actual.columns == [*NAMES, "amount", "returned_amount"]
    assert_same(actual.select(*NETTED).to_native(), expected.to_native())

    customers = summarize_transactions(
        table, COLUMNS, observation_period_end="2024-04-30"
    )
    assert_same(
        customers, in_zone(make_frame(SUMMARY), zone, "first_date", "last_date")
    )
    assert type(customers) is type(table) is type(given)

    assert report.n_rows_in == 15
    assert (report.n_rows_out, report.n_rows_dropped, report.n_rows_netted) == (
        10,
        3,
        2,
    )
    rows = {rule: list(report.positions(rule)) for rule in report.frame()["rule"]}
    assert {rule: where for rule, where in rows.items() if where} == {
        "missing_customer_id": [6],
        "ancient_date": [14],
        "return": [3, 10],
        "orphan_return": [11],
    }
    assert report.returned_amount == 17.0
    assert (report.orphan_quantity, report.orphan_amount) == (1.0, 20.0)
    assert_same(given, ledger(make_frame, zone))  # the table given is not changed


def test_separate(make_frame):
    table, report = clean_transactions(ledger(make_frame), COLUMNS, returns="separate")
    amounts = [10.0, 6, 6, -12, 5, 9, 2.5, 12, 6, -6, -20, 4, 8]
    assert list(table["amount"]) == amounts
    assert "returned_amount" not in table.columns
    assert list(report.positions("return")) == [3, 10, 11]
    assert (report.n_rows_dropped, report.n_rows_netted) == (2, 0)
    customers = nw.from_native(
        summarize_transactions(table, COLUMNS, observation_period_end="2024-04-30")
    )
    # Returns stand apart: three orders of "007", and 12.00 of 27.00 returned;
    # 20.00 of 24.00 of the orphan's customer.
    assert customers["frequency"].to_list() == [3, 1, 1, 3]
    assert customers["monetary_total"].to_list() == [27.0, 2.5, 6.0, 24.0]
    assert customers["return_share"].to_list() == [12 / 27, 0.0, 1.0, 20 / 24]
    assert customers["recency"].to_list() == [0.25, 21.0, 29.75, 17.75]


def test_drop(make_frame):
    table, report = clean_transactions(ledger(make_frame), COLUMNS, returns="drop")
    assert list(table["amount"]) == [10.0, 6, 6, 5, 9, 2.5, 12, 6, 4, 8]
    assert list(report.positions("return")) == [3, 10, 11]
    assert (report.n_rows_dropped, report.n_rows_netted) == (5, 0)
    customers = nw.from_native(
        summarize_transactions(table, COLUMNS, observation_period_end="2024-04-30")
    )
    assert customers["monetary_total"].to_list() == [27.0, 2.5, 6.0, 24.0]
    assert customers["return_share"].to_list() == [0.0] * 4


def test_64_bit_ids_stay_apart(make_frame):
    ids = [2**53, 2**53 + 1, 2**53 + 1, 2**53 + 1]
    tx = make_frame(
        {
            "customer_id": ids,
            "date": [datetime(2024, 1, day) for day in (1, 1, 2, 3)],
            "eur": [1.0, 2.0, 3.0, -1.0],
        }
    )
    columns = TransactionColumns(amount="eur")
    table, _ = clean_transactions(tx, columns)
    customers = nw.from_native(summarize_transactions(table, columns))
    assert customers["customer_id"].to_list() == [2**53, 2**53 + 1]
    assert customers["customer_id"].dtype == nw.Int64
    assert customers["monetary_total"].to_list() == [1.0, 4.0]


def test_lazy_frame():
    table, _ = clean_transactions(ledger(pl.DataFrame).lazy(), COLUMNS)
    customers = summarize_transactions(
        table, COLUMNS, observation_period_end="2024-04-30"
    )
    assert isinstance(customers, pl.LazyFrame)
    assert_same(customers.collect(), pl.DataFrame(SUMMARY))


def test_pandas_index_and_dtypes():
    given = ledger(pd.DataFrame)
    given.index = [5] * len(given)  # an index that identifies nothing
    nullable = given.assign(units=given["units"].astype("Int64"))
    for tx in (given, nullable):
        table, report = clean_transactions(tx, COLUMNS)
        customers = summarize_transactions(
            table, COLUMNS, observation_period_end="2024-04-30"
        )
        for frame in (table, customers):
            pd.testing.assert_index_equal(frame.index, pd.RangeIndex(len(frame)))
        assert_same(customers, pd.DataFrame(SUMMARY))
        assert list(report.positions("missing_customer_id")) == [6]
        assert table["units"].dtype == tx["units"].dtype
        assert table["amount"].dtype == np.float64


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["007", "7", ODD, EVEN])])
def test_categories_polars(dtype):
    given = ledger(pl.DataFrame).with_columns(
        pl.col("client").cast(dtype), pl.col("item").cast(pl.Categorical)
    )
    table, _ = clean_transactions(given, COLUMNS)
    customers = summarize_transactions(
        table, COLUMNS, observation_period_end="2024-04-30"
    )
    assert customers["customer_id"].dtype == dtype
    customers = customers.with_columns(pl.col("customer_id").cast(pl.String))
    assert_same(customers.sort("customer_id"), pl.DataFrame(SUMMARY))


def test_categories_pandas():
    given = ledger(pd.DataFrame).astype({"client": "category", "item": "category"})
    table, _ = clean_transactions(given, COLUMNS)
    customers = summarize_transactions(
        table, COLUMNS, observation_period_end="2024-04-30"
    )
    assert customers["customer_id"].dtype == given["client"].dtype
    customers["customer_id"] = customers["customer_id"].astype(
        given["client"].cat.categories.dtype
    )
    assert_same(customers, pd.DataFrame(SUMMARY))
