"""Spark and Dask: each function of transactions once, over tables of all cases.

What each case comes to is worked on paper in the tests of the functions, which pandas
passes; here Spark and Dask must come to the same as pandas. A customer is a case.
"""

from datetime import datetime as D
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from custseg.datasets import load_online_retail_sample
from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.tables import (
    SummarySettings,
    TransactionColumns,
    check_transactions,
    clean_transactions,
    summarize_transactions,
)

NAN = float("nan")
END = {"observation_period_end": "2024-06-30"}


def columns_of(names, rows):
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


# -- text ids, times without a zone, quantities and prices -----------------------------

COLUMNS = TransactionColumns(
    customer_id="id",
    transaction_id="order",
    product="item",
    category="kind",
    channel="shop",
    quantity="n",
    unit_price="price",
    unit_cost="cost",
    list_price="list",
    promotion="promo",
    pack_size="pack",
    standing="agreed",
    contact="by",
    promised="due",
    delivered="came",
)
USUAL = ("food", "web", 9.0, "none", None, False, "email", None, None)
T = D(2024, 1, 1, 9)
# fmt: off
NAMES = ["id", "order", "date", "item", "n", "price",
         "kind", "shop", "list", "promo", "pack", "agreed", "by", "due", "came"]
LINES = [
    # Orders over the end of a day; what comes back takes the latest purchase before.
    ("007", "A1", D(2024, 3, 1, 10), "tea", 4, 2.5),
    ("007", "A1", D(2024, 3, 1, 10), "cup", 1, 6.0),
    ("007", "A2", D(2024, 3, 1, 18), "tea", 2, 3.0),
    ("007", "A3", D(2024, 3, 5, 12), "tea", -3, 3.0),
    ("007", "A4", D(2024, 6, 30, 18), "cup", 1, 5.0),
    ("007", "A5", D(2024, 7, 1, 0), "cup", 1, 9.0),
    ("7", "C1", D(2024, 4, 10, 0), "tea", 1, 2.5),
    ("9", "D1", D(2024, 4, 1, 6), "cup", 1, 6.0),
    ("9", "D1", D(2024, 4, 1, 6), "cup", 1, 6.0),
    ("9", "D2", D(2024, 4, 3, 6), "pot", -1, 20.0),
    ("9", "D3", D(2024, 4, 11, 6, 7, 8, 9), "cup", 1, 4.0),
    ("9", "D4", D(2024, 4, 13, 6), "mug", 1, 8.0),
    ("back", "E1", D(2024, 4, 1, 6), "pot", 1, 8.0),
    ("back", "E2", D(2024, 4, 2, 6), "pot", -1, 8.0),
    # What is no purchase, each by another rule.
    (None, "B1", D(2024, 3, 2, 9), "tea", 1, 2.5),
    (" ", "B2", D(2024, 3, 2, 9), "tea", 1, 3.5),
    ("nan", "B3", D(2024, 3, 2, 9), "tea", 1, 4.5),
    ("7", "B4", None, "tea", 1, 5.5),
    ("7", "B5", D(1900, 1, 1), "tea", 1, 6.5),
    ("7", "B6", D(1970, 1, 1), "tea", 1, 7.5),
    ("7", "B7", D(2150, 12, 31), "tea", 1, 8.5),
    ("7", "B8", D(2024, 4, 10), "tea", 1, None),
    ("7", "B9", D(2024, 4, 10), "tea", 1, NAN),
    ("7", "B0", D(2024, 4, 10), "tea", 1, -9.5),
    ("free", "F1", D(2024, 4, 10), "tea", 1, 0.0),
    # Order numbers that are missing: lines of one moment are one order.
    *(("ids", order, D(2024, 1, day), "x", 1, price) for order, day, price in
      [(None, 1, 1.0), ("nan", 1, 2.0), (" ", 1, 3.0), ("a", 1, 4.0), (None, 2, 5.0)]),
    # An order number of another customer.
    ("other", "a", D(2024, 1, 1), "x", 1, 4.0),
    # Products with and without a name.
    *(("names", "N", T, item, 1, 1.0) for item in [
        "tea", "tea", "nano", "a long name ", None,
        "nan", " None ", "None\n", "\tNaN\n", "", " ",
    ]),
]
# Each group of columns; the one worked on paper.
GROUPED = [
    ("g1", "A", D(2024, 1, 1, 7), "tea", 10, 6.0,
     "food", "web", 6.0, "none", 5, False, "email", D(2024, 1, 3), D(2024, 1, 3, 18)),
    ("g1", "A", D(2024, 1, 1, 7), "cup", 1, 20.0,
     "home", "web", 25.0, "offer", None, False, "email", D(2024, 1, 3), D(2024, 1, 4)),
    ("g1", "B", D(2024, 3, 2, 13), "tea", 24, 5.0,
     "food", "Kiosk", 6.0, "none", 12, True, "email", D(2024, 3, 4), None),
    ("g1", "B", D(2024, 3, 2, 13), "cup", -1, 20.0,
     "home", "Kiosk", 20.0, "none", None, True, "email", None, None),
    ("g1", "C", D(2024, 5, 31, 23), "tea", 2, 20.0,
     None, "App ", 20.0, " ", 5, False, "phone", D(2024, 6, 2), D(2024, 6, 1)),
    ("g2", "Z", D(2024, 6, 30, 10), "pot", 2, 30.0,
     "home", " Kiosk", 30.0, None, 2, False, "phone", None, None),
]
# fmt: on
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
    recent_days=(30, 90),
)


def transactions():
    rows = [line + USUAL for line in LINES] + GROUPED
    rows = rows[::3] + rows[1::3] + rows[2::3]  # no customer in one part of a table
    columns = columns_of(NAMES, rows)
    columns["cost"] = [len(item or "") / 2 for item in columns["item"]]
    return columns


def cleaned(engine, columns, table_columns, days=(), **options):
    """Clean a table, and say what a test compares of it."""
    tx = engine.frame(columns, days)
    table, report = clean_transactions(tx, table_columns, **options)
    assert isinstance(table, type(tx))
    assert isinstance(report.rejected, type(tx))
    found = {"report": report.frame(), "last": report.last_date}
    for name in ("n_rows_in", "n_rows_out", "returned_amount"):
        found[name] = getattr(report, name)
    for name in ("orphan_amount", "orphan_quantity"):
        found[name] = getattr(report, name)
    return table, report, found


# Dask adds its own column to that many.
@pytest.mark.filterwarnings("ignore:DataFrame is highly fragmented")
def test_transactions(distributed):
    distributed.meet_pandas(road_of_transactions)


def road_of_transactions(engine):
    table, report, found = cleaned(engine, transactions(), COLUMNS)
    rejected = engine.read(report.rejected, by=["order", "n"])
    assert list(rejected.columns) == [*transactions(), "rule"]
    found["rejected"] = rejected
    order = ["id", "order", "item", "date", "n", "price", "amount"]
    found["table"] = engine.read(table, by=order)
    listed = engine.frame({"id": ["new", "7", "new"], "age": [30, 40, 30]})
    customers = summarize_transactions(
        table, COLUMNS, settings=SETTINGS, customers=listed, **END
    )
    assert isinstance(customers, type(table))
    found["customers"] = engine.read(customers)
    return found


# -- ids beyond floats, moments in a zone, money alone, frozen levels ------------------

ZONE = ZoneInfo("America/New_York")
BIG = 2**53
BY_EUR = TransactionColumns(
    amount="eur", product="item", category="code", channel="shop", promotion="off"
)
# The clocks go forward on 10 March and back on 3 November.
MOMENTS = [
    (BIG, D(2024, 3, 9, 23, 30), 1.0, 10.0, "Web", NAN),
    (BIG, D(2024, 3, 10, 23, 30), 2.0, 10.0, "store", 0.5),
    (BIG, D(2024, 3, 11, 0, 30), 4.0, 20.0, "store", 0.0),
    (BIG, D(2024, 11, 3, 23, 59), 8.0, 30.0, "Web", None),
    (BIG + 1, D(2024, 3, 9, 12), 3.0, 10.0, "store", None),
    (BIG + 1, D(2024, 3, 9, 12), 3.0, 10.0, "store", None),
    (BIG + 11, D(2024, 3, 20, 12), 3.0, 20.0, "Web", 1.0),
    (BIG + 11, D(2024, 3, 21, 12), -1.0, 20.0, "Web", 0.0),
    (BIG + 11, D(2024, 3, 22, 12), 2.0, 10.0, "store", NAN),
    (BIG + 21, D(2024, 3, 20, 12), 5.0, 30.0, "app", 0.0),
    (BIG + 21, D(2024, 3, 20, 12), 5.0, None, "app", 0.0),
    (BIG + 31, D(2024, 3, 21, 12), -2.0, 10.0, "store", 0.0),
    (BIG + 41, D(2024, 12, 1, 12), 2.0, 10.0, "store", 0.0),
]
FROZEN = SummarySettings(
    groups=("category", "channel", "promotion", "weekday"),
    levels={"category": ("10", "20"), "channel": ("store",)},
)


def test_moments_and_frozen_settings(distributed):
    distributed.on_clocks_of(ZONE.key).meet_pandas(road_of_moments)


def road_of_moments(engine):
    names = ["customer_id", "date", "eur", "code", "shop", "off"]
    columns = columns_of(names, MOMENTS)
    columns["date"] = [at.replace(tzinfo=ZONE) for at in columns["date"]]
    columns["item"] = ["tea"] * len(MOMENTS)
    end = {"observation_period_end": "2024-11-03"}
    table, _, found = cleaned(
        engine, columns, BY_EUR, returns="separate", duplicates="drop", **end
    )
    listed = engine.frame({"customer_id": [BIG + 9, BIG + 1]})
    with pytest.warns(SegmentWarning) as warned:
        customers = summarize_transactions(
            table, BY_EUR, settings=FROZEN, customers=listed, **end
        )
    found["warnings"] = sorted(str(one.message) for one in warned)
    found["customers"] = engine.read(customers)
    return found


# -- ids that came as floats, dates without times --------------------------------------


def test_days(distributed):
    distributed.meet_pandas(road_of_days)


def road_of_days(engine):
    ids = [17850.0, NAN, 2.0**53 - 1, 17850.0, 17850.0, 17850.0, 12.0]
    columns = {
        "customer_id": ids,
        "date": [D(2024, 1, day) for day in (1, 2, 2, 8, 9, 9, 31)],
        "eur": [1, 2, 3, 4, -4, 5, 6],
        "item": [7, 8, 9, None, None, 8, 7],
    }
    columns = columns | {"due": columns["date"], "came": columns["date"][::-1]}
    roles = {"product": "item", "promised": "due", "delivered": "came"}
    days = ("date", "due", "came")
    by_eur = TransactionColumns(amount="eur", **roles)
    table, _, found = cleaned(engine, columns, by_eur, days, returns="drop")
    found["table"] = engine.read(table, by=["customer_id", "date"])
    groups = ("season", "trend", "recent", "wholesale")
    found["customers"] = engine.read(
        summarize_transactions(table, by_eur, groups=groups)
    )
    return found


# -- real invoices, and what is refused ------------------------------------------------


def test_real_invoices(distributed, tmp_path):
    columns = TransactionColumns(
        customer_id="CustomerID",
        transaction_id="InvoiceNo",
        date="InvoiceDate",
        product="StockCode",
        category="Country",
        quantity="Quantity",
        unit_price="UnitPrice",
    )
    invoices = load_online_retail_sample()
    # All lines of a twelfth of the customers, with their returns.
    some = invoices["CustomerID"].drop_duplicates()[::12]
    invoices = invoices[invoices["CustomerID"].isin(some)].reset_index(drop=True)
    assert (invoices["Quantity"] < 0).any()
    settings = SummarySettings(("products", "category"))

    def road(engine):
        tx = engine.file(invoices, tmp_path / "invoices.parquet")
        orders, report = clean_transactions(tx, columns)
        customers = summarize_transactions(
            orders,
            columns,
            settings=settings,
            observation_period_end=report.last_date,
        )
        return {"report": report.frame(), "customers": engine.read(customers)}

    distributed.meet_pandas(road)


def test_refusals(distributed):
    if distributed.name == "pyarrow":
        pytest.skip("it becomes a pandas frame, whose refusals test_errors.py has")
    lines = {
        "customer_id": ["a", "b", " "],
        "date": [D(2024, 1, 1), None, D(2024, 1, 3)],
        "eur": [1.0] * 3,
    }
    columns = TransactionColumns(amount="eur")
    tx = distributed.frame(lines)
    with pytest.raises(DataQualityError, match=r"Got 1 of 3 rows without instead\. "):
        summarize_transactions(tx, columns)
    with pytest.raises(SchemaError, match="Column 'eur' must hold dates"):
        summarize_transactions(tx, TransactionColumns(date="eur", amount="date"))
    report = check_transactions(tx, columns, duplicates="drop")
    assert (report.n_rows_in, report.n_rows_out) == (3, 1)
    with pytest.raises(ValueError, match="positions must be asked of a table whose"):
        report.positions("missing_date")


def test_refused_customers(distributed):
    if distributed.name == "pyarrow":
        pytest.skip("it becomes a pandas frame, whose refusals test_errors.py has")
    lines = {"customer_id": ["a", "b"], "date": [T, T], "eur": [1.0, 1.0]}
    tx, columns = distributed.frame(lines), TransactionColumns(amount="eur")
    for ids, error, message in [
        (["a"], SchemaError, "must be a table of the kind that the other is"),
        ({"name": ["a"]}, SchemaError, "must have a column 'customer_id' or"),
        ({"customer_id": [1]}, SchemaError, "must have ids of the type that the table"),
        ({"customer_id": ["a", None]}, DataQualityError, "must have an id in every"),
    ]:
        customers = distributed.frame(ids) if isinstance(ids, dict) else ids
        with pytest.raises(error, match=message):
            summarize_transactions(tx, columns, customers=customers)


def test_names_that_differ_by_case_alone(distributed):
    # SQL would read the 100 for what cleaning adds, 2 times 3, and takes the shares of
    # channels Web and web for one column.
    lines = {
        "customer_id": ["a", "a"],
        "date": [T, T + timedelta(days=1)],
        "n": [2, 1],
        "p": [3.0, 2.0],
        "shop": ["Web", "web"],
    }
    columns = TransactionColumns(quantity="n", unit_price="p", channel="shop")
    tx = distributed.frame(lines)
    with_amount = distributed.frame(lines | {"Amount": [100.0, 100.0]})
    if distributed.name == "spark":
        with pytest.raises(SchemaError, match="no column 'Amount' of its own"):
            clean_transactions(with_amount, columns)
        with pytest.raises(SchemaError, match="'channel_Web_spend_share', 'channel_w"):
            summarize_transactions(tx, columns, groups=("channel",))
        return
    table, _ = clean_transactions(with_amount, columns)
    found = distributed.read(
        summarize_transactions(table, columns, groups=("channel",))
    )
    assert found["monetary_total"].tolist() == [8.0]
    assert found["channel_Web_spend_share"].tolist() == [0.75]
    assert found["channel_web_spend_share"].tolist() == [0.25]


def test_names_that_spark_cannot_read(spark):
    tx = spark.frame({"who.id": ["a"], "date": [T], "eur": [3.0]})
    columns = TransactionColumns(customer_id="who.id", amount="eur")
    message = "must have column names without dots and backticks on Spark"
    with pytest.raises(SchemaError, match=message):
        summarize_transactions(tx, columns)
