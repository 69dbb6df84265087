"""Every sentence with which this stage refuses a table."""

import re
from datetime import date, datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables import (
    TransactionColumns,
    clean_transactions,
    summarize_transactions,
)

EUR = TransactionColumns(amount="eur")
DAY = datetime(2024, 1, 5)
BOTH = pytest.mark.parametrize("job", [clean_transactions, summarize_transactions])


def table(make_frame, **columns):
    usual = {"customer_id": ["a", "b"], "date": [DAY, DAY], "eur": [1.0, 2.0]}
    return make_frame(usual | columns)


def refuses(error, sentence):
    return pytest.raises(error, match=re.escape(sentence))


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (
            {},
            "TransactionColumns must name amount, or both quantity and unit_price. Got "
            "amount=None, quantity=None, unit_price=None instead. Name the column that "
            "holds the currency of a line.",
        ),
        ({"quantity": "n"}, "Got amount=None, quantity='n', unit_price=None instead."),
        (
            {"amount": 3},
            "amount of TransactionColumns must be the name of a column, as text. Got 3 "
            "instead. Rename the column if its name is not text.",
        ),
        (
            {"amount": "eur", "date": None},
            "date of TransactionColumns must be the name of a column, as text. Got "
            "None instead.",
        ),
        (
            {"quantity": "n", "unit_price": "n"},
            "TransactionColumns must name a different column for each role. Got 'n' "
            "for quantity and unit_price instead. Leave out the role that the table "
            "does not have.",
        ),
    ],
)
def test_columns(names, sentence):
    with refuses(SchemaError, sentence):
        TransactionColumns(**names)


def test_columns_are_frozen():
    with pytest.raises(AttributeError):
        EUR.amount = "usd"


@BOTH
def test_kind_of_table(job):
    with refuses(
        TypeError,
        "A transaction table must be a pandas or polars data frame, a pyarrow table, a "
        "DuckDB relation, or a Spark or Dask data frame. Got builtins.dict instead. "
        "Convert it first, e.g. with its to_pandas().",
    ):
        job({"eur": [1.0]}, EUR)
    with refuses(
        TypeError,
        "columns must be a TransactionColumns. Got dict instead. Say with it which "
        "column is which.",
    ):
        job(table(pd.DataFrame), {"amount": "eur"})


@BOTH
def test_names(make_frame, job):
    with refuses(
        SchemaError,
        "A transaction table must have the columns that TransactionColumns names. Got "
        "a table without 'when' (date), 'usd' (amount) instead; it has 'customer_id', "
        "'date', 'eur'. Name the columns as they are in the table.",
    ):
        job(table(make_frame), TransactionColumns(date="when", amount="usd"))


@BOTH
def test_names_twice(job):
    tx = table(pd.DataFrame, note=["x", "y"])
    tx.columns = ["customer_id", "date", "eur", "eur"]
    with refuses(
        SchemaError,
        "Columns of a transaction table must have different names. Got ['eur'] more "
        "than once instead. Rename or drop the copies.",
    ):
        job(tx, EUR)


@BOTH
def test_empty(make_frame, job):
    tx = table(make_frame)[:0]
    with refuses(
        DataQualityError,
        "A transaction table must have at least one row. Got 0 rows instead.",
    ):
        job(tx, EUR)


@BOTH
def test_types(make_frame, job):
    for columns, sentence in (
        (
            {"date": ["2024-01-05", "2024-01-06"]},
            "Column 'date' must hold dates. Got String instead. Parse it first, e.g. "
            "with pandas.to_datetime, polars.Expr.str.to_datetime or SQL's CAST; one "
            "column holds dates of one time zone, or all without.",
        ),
        (
            {"date": [20240105, 20240106]},
            "Column 'date' must hold dates. Got Int64 instead. Say what the numbers "
            "count: pandas.to_datetime(..., unit='s'), or 'ms', 'us' or 'ns', for time "
            "since 1970, and format='%Y%m%d' for 20241231 made text.",
        ),
        (
            {"eur": ["1.0", "2.0"]},
            "Column 'eur' must hold numbers. Got String instead. Parse it first, e.g. "
            "with pandas.to_numeric or polars.Expr.cast(polars.Float64).",
        ),
        (
            {"eur": [True, False]},
            "Column 'eur' must hold numbers. Got Boolean instead.",
        ),
        (
            {"customer_id": [DAY, DAY]},
            "Column 'customer_id' must hold customer ids as integers or text. Got "
            "Datetime(",
        ),
    ):
        with refuses(SchemaError, sentence):
            job(table(make_frame, **columns), EUR)


@BOTH
def test_objects_for_dates(job):
    tx = table(pd.DataFrame, date=pd.Series([date(2024, 1, 5)] * 2, dtype=object))
    with refuses(SchemaError, "Column 'date' must hold dates. Got Object instead."):
        job(tx, EUR)


def test_dates_with_and_without_a_zone():
    mixed = [pd.Timestamp("2024-01-05"), pd.Timestamp("2024-01-05", tz="UTC")]
    tx = table(pd.DataFrame, date=pd.Series(mixed, dtype=object))
    with refuses(
        SchemaError,
        "Column 'date' must hold dates with a time zone in every row, or in none. Got "
        "1 of 2 dates without instead. Give them the zone that they were written in, "
        "with tz_localize.",
    ):
        clean_transactions(tx, EUR)


@BOTH
def test_lists_for_products(job):
    tx = table(pl.DataFrame, item=[["x"], ["y"]])
    with refuses(
        SchemaError,
        "Column 'item' must hold one product a line, as text or a number. Got "
        "List(String) instead. Convert it first.",
    ):
        job(tx, TransactionColumns(amount="eur", product="item"))


@BOTH
@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        (
            [1.5, 2.0],
            "Column 'customer_id' must hold whole numbers below 2**53 when customer "
            "ids are Float64. Got others in 1 rows instead. Read the column as "
            "integers or text, because a float cannot tell large ids apart.",
        ),
        ([2.0**53, -(2.0**53)], "Got others in 2 rows instead."),
        ([np.inf, 1.0], "Got others in 1 rows instead."),
    ],
)
def test_float_ids(make_frame, job, ids, sentence):
    with refuses(SchemaError, sentence):
        job(table(make_frame, customer_id=ids), EUR)


@BOTH
def test_float32_ids(make_frame, job):
    ids = np.array([2.0**24, 1.0], dtype=np.float32)
    with refuses(SchemaError, "must hold whole numbers below 2**24 when customer ids"):
        job(table(make_frame, customer_id=ids), EUR)


@BOTH
@pytest.mark.parametrize(
    ("ids", "kinds"), [([1, "a"], "int, str"), ([2**63, 1], "int"), ([True, 1], "bool")]
)
def test_ids_of_mixed_types(job, ids, kinds):
    tx = table(pd.DataFrame, customer_id=pd.Series(ids, dtype=object))
    with refuses(
        SchemaError,
        "Column 'customer_id' must hold customer ids of one type, 64-bit integers or "
        f"text. Got objects of type {kinds}",
    ):
        job(tx, EUR)


def test_returns(make_frame):
    with refuses(
        ValueError,
        "returns must be one of 'net', 'separate', 'drop'. Got 'keep' instead.",
    ):
        clean_transactions(table(make_frame), EUR, returns="keep")


def test_cleaning_overwrites_no_column(make_frame):
    once, _ = clean_transactions(table(make_frame), EUR)
    with refuses(
        SchemaError,
        "A transaction table must have no column 'returned_amount' of its own, which "
        "cleaning adds. Got one instead. Clean a table once only, name the column in "
        "TransactionColumns if it is the line's currency, or rename it.",
    ):
        clean_transactions(once, EUR)
    tx = table(make_frame, amount=[1, 2], n=[1, 1])
    with refuses(SchemaError, "must have no column 'amount' of its own"):
        clean_transactions(tx, TransactionColumns(quantity="n", unit_price="eur"))
    with refuses(SchemaError, "must have no column 'rule' of its own"):
        clean_transactions(table(make_frame, rule=["x", "y"]), EUR)


def test_names_that_differ_by_case_only(engine):
    # DuckDB would read the 100 for what cleaning adds, 2 times 3.
    tx = engine.frame(
        {"customer_id": ["a"], "date": [DAY], "n": [2], "p": [3.0], "Amount": [100.0]}
    )
    columns = TransactionColumns(quantity="n", unit_price="p")
    if engine.name == "duckdb":
        with refuses(SchemaError, "must have no column 'Amount' of its own"):
            clean_transactions(tx, columns)
        return
    table, _ = clean_transactions(tx, columns)
    found = engine.read(summarize_transactions(table, columns))
    assert list(found["monetary_total"]) == [6.0]


def test_rule():
    _, report = clean_transactions(table(pd.DataFrame), EUR)
    with refuses(
        ValueError,
        "rule must be one of 'missing_customer_id', 'missing_date', 'ancient_date', "
        "'epoch_date', 'distant_date', 'missing_amount', 'duplicate_line', "
        "'zero_amount', 'return', 'partly_orphan_return', 'orphan_return'. Got "
        "'refund' instead.",
    ):
        report.positions("refund")


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        (
            {"customer_id": [None, "b"]},
            "Column 'customer_id' must hold a customer id in every row. Got 1 of 2 "
            "rows without instead (row 0). Use clean_transactions, which drops and "
            "counts them.",
        ),
        ({"customer_id": ["", " nan "]}, "Got 2 of 2 rows without instead (row 0, 1)."),
        (
            {"customer_id": [1.0, np.nan]},
            "Column 'customer_id' must hold a customer id in every row.",
        ),
        (
            {"date": [DAY, None]},
            "Column 'date' must hold a date in every row. Got 1 of 2 rows without "
            "instead (row 1). Use clean_transactions",
        ),
        (
            {"date": [DAY, datetime(1970, 1, 1)]},
            "Column 'date' must hold a date of the years 1901 to 2099, and not of "
            "January 1970, in every row. Got 1 of 2 rows without instead (row 1).",
        ),
        (
            {"eur": [1.0, np.nan]},
            "Column 'eur' must hold a finite number in every row. Got 1 of 2 rows "
            "without instead (row 1). Use clean_transactions",
        ),
        (
            {"eur": [np.inf, -np.inf]},
            "Got 2 of 2 rows without instead (row 0, 1). Use clean_transactions",
        ),
        (
            {"returned_amount": [-1.0, 0.0]},
            "Column 'returned_amount' must hold currency of 0 or more in every row.",
        ),
    ],
)
def test_summary_refuses_what_cleaning_settles(make_frame, columns, sentence):
    with refuses(DataQualityError, sentence):
        summarize_transactions(table(make_frame, **columns), EUR)


@pytest.mark.parametrize(
    ("end", "error", "sentence"),
    [
        (
            "31/12/2024",
            ValueError,
            "observation_period_end must be a date in the form 2024-12-31, with or "
            "without a time. Got '31/12/2024' instead.",
        ),
        (
            pd.NaT,
            ValueError,
            "observation_period_end must be a date. Got a missing one instead. Leave "
            "it out to take the latest date of the table.",
        ),
        (
            pd.NA,
            ValueError,
            "observation_period_end must be a date. Got a missing one instead. Leave "
            "it out to take the latest date of the table.",
        ),
        (float("nan"), ValueError, "must be a date. Got a missing one instead."),
        (
            np.datetime64("NaT", "s"),
            ValueError,
            "must be a date. Got a missing one instead.",
        ),
        (
            20241231,
            TypeError,
            "observation_period_end must be a str, date, datetime or pandas.Timestamp. "
            "Got int instead.",
        ),
        (
            np.array(["2024-12-31", "NaT"], dtype="datetime64[D]"),
            TypeError,
            "observation_period_end must be a str, date, datetime or pandas.Timestamp. "
            "Got ndarray instead.",
        ),
        (
            "2023-12-31",
            DataQualityError,
            "observation_period_end must not come before the first line of the table. "
            "Got '2023-12-31' instead. Check the year, and the order of day and month.",
        ),
        (
            "2024-12-31T12:00Z",
            SchemaError,
            "observation_period_end must have no time zone when the date column has "
            "none. Got the zone UTC instead. Leave the zone out, or give the column "
            "its zone.",
        ),
    ],
)
def test_end(make_frame, end, error, sentence):
    with refuses(error, sentence):
        summarize_transactions(table(make_frame), EUR, observation_period_end=end)
