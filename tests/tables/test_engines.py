"""The same figures on every engine; test_distributed.py has those of Spark and Dask."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from custseg.datasets import load_online_retail_sample
from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables import (
    SummarySettings,
    TransactionColumns,
    check_transactions,
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
NAMES = ["client", "invoice", "time", "item", "units", "price"]

# Fifteen lines. The observation ends with 30 April 2024, at 1 May 00:00.
#
# "007": A1, 1 March 10:00, 4 tea at 2.50 and 1 cup at 6.00, and A2, the same day at
#   18:00, 2 tea at 3.00. A3 returns half of A1's tea: the last in are the 2 tea of A2,
#   which is no order any more, so A1 stays whole: 16.00. A4, 5.00, is six hours before
#   the end. A5 comes at midnight after the end. Two orders, 21.00, 60 days and 8 hours
#   apart; returned 6.00 of 10 + 6 + 6 + 5 = 27.00.
# "7": another one; one order on 10 April 00:00, 21 days before the end. Another line
#   is of 1900.
# "9": 1, 11 and 13 April at 06:00 (12.00, 4.00, 8.00): gaps 10 and 2, sd 32 ** .5. It
#   returned a pot that it never bought, and D1 stands twice (6.00 more when kept).
# A line has no client, and one lies after the year 2099.
LEDGER = [
    ("007", "A1", datetime(2024, 3, 1, 10), "tea", 4, 2.50),
    ("007", "A1", datetime(2024, 3, 1, 10), "cup", 1, 6.00),
    ("007", "A2", datetime(2024, 3, 1, 18), "tea", 2, 3.00),
    ("007", "A3", datetime(2024, 3, 5, 12), "tea", -2, 3.00),
    ("007", "A4", datetime(2024, 4, 30, 18), "cup", 1, 5.00),
    ("007", "A5", datetime(2024, 5, 1, 0), "cup", 1, 9.00),
    (None, "B1", datetime(2024, 3, 2, 9), "tea", 1, 2.50),
    ("7", "C1", datetime(2024, 4, 10, 0), "tea", 1, 2.50),
    ("7", "C2", datetime(1900, 1, 1, 0), "tea", 1, 2.50),
    ("9", "D1", datetime(2024, 4, 1, 6), "cup", 1, 6.00),
    ("9", "D1", datetime(2024, 4, 1, 6), "cup", 1, 6.00),
    ("9", "D2", datetime(2024, 4, 3, 6), "pot", -1, 20.00),
    ("9", "D3", datetime(2024, 4, 11, 6), "cup", 1, 4.00),
    ("9", "D4", datetime(2024, 4, 13, 6), "mug", 1, 8.00),
    ("9", "D5", datetime(2150, 12, 31, 0), "mug", 1, 8.00),
]
SUMMARY = {
    "customer_id": ["007", "7", "9", "new"],
    "recency": [0.25, 21.0, 17.75, None],
    "frequency": [2, 1, 3, 0],
    "monetary_value": [10.5, 2.5, 8.0, 0.0],
    "monetary_total": [21.0, 2.5, 24.0, 0.0],
    "tenure": [30 + 14 / 24 + 30, 21.0, 29.75, None],
    "first_date": [
        datetime(2024, 3, 1, 10),
        datetime(2024, 4, 10),
        datetime(2024, 4, 1, 6),
        None,
    ],
    "last_date": [
        datetime(2024, 4, 30, 18),
        datetime(2024, 4, 10),
        datetime(2024, 4, 13, 6),
        None,
    ],
    "gap_mean": [60 + 8 / 24, None, 6.0, None],
    "gap_sd": [None, None, 32**0.5, None],
    "n_products": [2, 1, 2, 0],
    "return_share": [6 / 27, 0.0, 0.0, None],
}
RULES = {
    "missing_customer_id": ("dropped", 1, 2.5),
    "ancient_date": ("dropped", 1, 2.5),
    "distant_date": ("dropped", 1, 8.0),
    "duplicate_line": ("kept", 1, 6.0),
    "return": ("netted", 1, -6.0),
    "orphan_return": ("dropped", 1, -20.0),
}
REJECTED = {
    "invoice": ["A3", "B1", "C2", "D2", "D5"],
    "rule": [
        "return",
        "missing_customer_id",
        "ancient_date",
        "orphan_return",
        "distant_date",
    ],
}


def columns_of(rows, names, zone=None):
    found = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    if zone is not None:
        found["time"] = [one.replace(tzinfo=zone) for one in found["time"]]
    return found


def assert_same(actual, expected):
    pd.testing.assert_frame_equal(
        actual, expected, rtol=1e-9, atol=1e-12, check_dtype=False
    )


@pytest.mark.parametrize("zone", [None, UTC])
def test_ledger(engine, zone):
    tx = engine.frame(columns_of(LEDGER, NAMES, zone))
    table, report = clean_transactions(tx, COLUMNS)
    assert isinstance(table, type(tx))
    found = {r.rule: tuple(r[1:]) for r in report.rules if r.n_rows}
    assert found == RULES
    assert (report.n_rows_in, report.n_rows_out) == (15, 10)
    assert (report.returned_amount, report.orphan_amount) == (6.0, 20.0)
    assert report.last_date == datetime(2024, 5, 1)
    rejected = engine.read(report.rejected, by="invoice")
    assert list(rejected.columns) == [*NAMES, "rule"]
    assert_same(rejected[["invoice", "rule"]], pd.DataFrame(REJECTED))

    lines = engine.read(table, by=["invoice", "item"])
    assert list(lines.columns) == [*NAMES, "amount", "returned_amount"]
    assert list(lines["units"]) == [1, 4, 0, 1, 1, 1, 1, 1, 1, 1]
    assert list(lines["amount"]) == [6.0, 10.0, 0.0, 5.0, 9.0, 2.5, 6.0, 6.0, 4.0, 8.0]

    listed = engine.frame({"client": ["new", "7", "new"], "age": [30, 40, 30]})
    customers = summarize_transactions(
        table, COLUMNS, customers=listed, observation_period_end="2024-04-30"
    )
    assert isinstance(customers, type(tx))
    assert_same(engine.read(customers), pd.DataFrame(SUMMARY))


def test_cut_and_without_duplicates(engine):
    # The end comes before netting: nothing after 4 March has come back, and the
    # second line of D1 goes. "007" keeps 10 + 6 + 6.
    tx = engine.frame(columns_of(LEDGER, NAMES))
    end = {"observation_period_end": "2024-03-04"}
    report = check_transactions(tx, COLUMNS, duplicates="drop", **end)
    counts = {r.rule: (r.action, r.n_rows) for r in report.rules if r.n_rows}
    assert counts == {
        "missing_customer_id": ("dropped", 1),
        "ancient_date": ("dropped", 1),
        "distant_date": ("dropped", 1),
        "future_date": ("dropped", 9),
    }
    whole = check_transactions(tx, COLUMNS, duplicates="drop")
    counts = {r.rule: (r.action, r.n_rows) for r in whole.rules if r.n_rows}
    assert counts["duplicate_line"] == ("dropped", 1)
    table, _ = clean_transactions(tx, COLUMNS, **end)
    customers = engine.read(summarize_transactions(table, COLUMNS, **end))
    assert customers["customer_id"].tolist() == ["007"]
    assert customers["monetary_total"].tolist() == [22.0]
    assert customers["return_share"].tolist() == [0.0]


def test_ids_that_no_float_can_hold(engine):
    large = 2**53
    tx = engine.frame(
        {
            "customer_id": [large, large + 1, large + 1, large + 1],
            "date": [datetime(2024, 1, day) for day in (1, 1, 2, 3)],
            "eur": [1.0, 2.0, 3.0, -1.0],
        }
    )
    columns = TransactionColumns(amount="eur")
    table, _ = clean_transactions(tx, columns)
    customers = engine.read(summarize_transactions(table, columns))
    assert customers["customer_id"].tolist() == [large, large + 1]
    assert customers["monetary_total"].tolist() == [1.0, 4.0]
    listed = engine.frame({"customer_id": [large + 3, large + 1]})
    customers = summarize_transactions(table, columns, customers=listed)
    customers = engine.read(customers)
    assert customers["customer_id"].tolist() == [large, large + 1, large + 3]
    assert customers["frequency"].tolist() == [1, 2, 0]


def test_refusals(engine):
    days = [datetime(2024, 1, 1), None, datetime(2024, 1, 3)]
    tx = engine.frame({"customer_id": ["a", "b", " "], "date": days, "eur": [1.0] * 3})
    columns = TransactionColumns(amount="eur")
    message = r"Got 1 of 3 rows without instead( \(row 2\))?\. Use clean_transactions"
    with pytest.raises(DataQualityError, match=message):
        summarize_transactions(tx, columns)
    with pytest.raises(SchemaError, match="Column 'eur' must hold dates"):
        summarize_transactions(tx, TransactionColumns(date="eur", amount="date"))
    _, report = clean_transactions(tx, columns)
    if engine.name == "duckdb":
        message = "positions must be asked of a table whose"
        with pytest.raises(ValueError, match=message):
            report.positions("missing_date")
    else:
        assert report.positions("missing_date").tolist() == [1]


RETAIL = TransactionColumns(
    customer_id="CustomerID",
    transaction_id="InvoiceNo",
    date="InvoiceDate",
    product="StockCode",
    category="Country",
    quantity="Quantity",
    unit_price="UnitPrice",
)
RETAIL_GROUPS = (
    "products",
    "category",
    "weekday",
    "hour",
    "season",
    "price",
    "returns",
    "regularity",
    "trend",
    "recent",
    "wholesale",
)


@pytest.fixture(scope="module")
def retail():
    """Clean and summarize real invoices in pandas, for the others to meet."""
    invoices = load_online_retail_sample()
    some = sorted(invoices["CustomerID"].dropna().unique())[::3]
    invoices = invoices[invoices["CustomerID"].isin([*some, np.nan])]
    invoices = invoices.reset_index(drop=True)
    return invoices, *_retail_road(invoices)


def _retail_road(invoices):
    orders, report = clean_transactions(invoices, RETAIL)
    customers = summarize_transactions(
        orders,
        RETAIL,
        settings=SummarySettings(RETAIL_GROUPS, pack=6),
        observation_period_end=report.last_date,
    )
    return customers, report


def test_real_invoices(engine, retail, tmp_path):
    invoices, expected, expected_report = retail
    tx = engine.file(invoices, tmp_path / "invoices.parquet")
    customers, report = _retail_road(tx)
    pd.testing.assert_frame_equal(report.frame(), expected_report.frame(), rtol=1e-9)
    assert report.n_rows_in == len(invoices)
    dropped = report.n_rows_dropped + report.n_rows_netted
    assert report.n_rows_in == report.n_rows_out + dropped
    assert_same(engine.read(customers), expected)


def test_real_invoices_by_hand(retail):
    # The same figures by plain pandas: orders kept, currency kept, dates.
    invoices, customers, report = retail
    assert customers["frequency"].sum() > 0
    orders, _ = clean_transactions(invoices, RETAIL)
    bought = orders[orders["amount"] > 0]
    by_order = bought.groupby(["CustomerID", "InvoiceNo"]).agg(
        when=("InvoiceDate", "min"), amount=("amount", "sum")
    )
    by_customer = by_order.groupby("CustomerID")
    found = customers.set_index("customer_id")
    found = found[found["frequency"] > 0]
    np.testing.assert_array_equal(found["frequency"], by_customer.size())
    np.testing.assert_allclose(
        found["monetary_total"], by_customer["amount"].sum(), rtol=1e-12
    )
    silent = (pd.Timestamp(report.last_date) - by_customer["when"].max()).dt
    np.testing.assert_allclose(
        found["recency"], silent.total_seconds() / 86_400, rtol=1e-12
    )
    gaps = by_order["when"].groupby("CustomerID").apply(lambda when: when.sort_values())
    gaps = gaps.groupby(level=0).diff().dt.total_seconds() / 86_400
    np.testing.assert_allclose(
        found["gap_sd"], gaps.groupby(level=0).std(), rtol=1e-9, equal_nan=True
    )


def test_products_without_a_name_are_none(engine):
    # Of ten, four have a name, two of them the same; b only sent one back.
    names = ["tea", "tea", "nano", "a long name ", "nan", " None ", "\tNaN\n", "", " "]
    names += [None, "tea"]
    tx = engine.frame(
        {
            "customer_id": ["a"] * 10 + ["b"],
            "date": [datetime(2024, 1, 1)] * 11,
            "eur": [1.0] * 10 + [-1.0],
            "item": names,
        }
    )
    columns = TransactionColumns(amount="eur", product="item")
    found = engine.read(summarize_transactions(tx, columns))
    assert found["n_products"].tolist() == [3, 0]


def test_levels_that_differ_by_case_alone(engine):
    # SQL takes channel_Web_spend_share and channel_web_spend_share for one column.
    tx = engine.frame(
        {
            "customer_id": ["a", "a"],
            "date": [datetime(2024, 1, 1), datetime(2024, 1, 2)],
            "eur": [3.0, 1.0],
            "shop": ["Web", "web"],
        }
    )
    columns = TransactionColumns(amount="eur", channel="shop")
    if engine.name == "duckdb":
        message = "'channel_Web_spend_share', 'channel_web_spend_share'"
        with pytest.raises(SchemaError, match=message):
            summarize_transactions(tx, columns, groups=("channel",))
        return
    found = engine.read(summarize_transactions(tx, columns, groups=("channel",)))
    assert found["channel_Web_spend_share"].tolist() == [0.75]
    assert found["channel_web_spend_share"].tolist() == [0.25]


def test_products_with_numbers_for_names(engine):
    # Two products and one without a number; what was sent back counts for nothing.
    tx = engine.frame(
        {
            "customer_id": ["a"] * 4 + ["b"],
            "date": [datetime(2024, 1, 1)] * 5,
            "eur": [1.0] * 4 + [-1.0],
            "item": [7, 8, 7, None, 7],
        }
    )
    columns = TransactionColumns(amount="eur", product="item")
    found = engine.read(summarize_transactions(tx, columns))
    assert found["n_products"].tolist() == [2, 0]
