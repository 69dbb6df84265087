"""What cleaning drops, counts and keeps, rule by rule."""

import pickle
from datetime import UTC, date, datetime

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import SchemaError
from custseg.tables import (
    TransactionColumns,
    clean_transactions,
    summarize_transactions,
)

BY_AMOUNT = TransactionColumns(amount="eur", transaction_id="order")
DAY = datetime(2024, 1, 5)


def lines(**columns):
    """Give three lines of one customer, with columns replaced."""
    usual = {"customer_id": ["a"] * 3, "date": [DAY] * 3, "eur": [1.0, 2.0, 3.0]}
    return usual | columns


def test_rules_and_totals(make_frame):
    # Row 1 breaks three rules and is counted under the first. Row 9 repeats row 8.
    rows = [
        ("a", "1", DAY, 10.0),
        (None, "2", None, np.inf),
        ("  ", "3", DAY, 5.0),
        ("nan", "4", DAY, 6.0),
        ("a", "5", None, 7.0),
        ("a", "6", datetime(1900, 12, 31, 23), 8.0),
        ("a", "7", datetime(2100, 1, 1), 9.0),
        ("a", "8", datetime(1970, 1, 1, 12), 1.0),
        ("b", "9", DAY, 2.0),
        ("b", "9", DAY, 2.0),
        ("b", None, DAY, 0.0),
        ("b", "10", DAY, np.nan),
        ("b", "11", DAY, -np.inf),
    ]
    names = ["customer_id", "order", "date", "eur"]
    tx = make_frame(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    table, report = clean_transactions(tx, BY_AMOUNT)
    assert list(table["eur"]) == [10.0, 2.0, 2.0, 0.0]
    expected = [
        ("missing_customer_id", "dropped", 3, 11.0, [1, 2, 3]),
        ("missing_date", "dropped", 1, 7.0, [4]),
        ("ancient_date", "dropped", 1, 8.0, [5]),
        ("epoch_date", "dropped", 1, 1.0, [7]),
        ("distant_date", "dropped", 1, 9.0, [6]),
        ("missing_amount", "dropped", 2, 0.0, [11, 12]),
        ("duplicate_line", "kept", 1, 2.0, [9]),
        ("zero_amount", "kept", 1, 0.0, [10]),
        ("missing_transaction_id", "kept", 1, 0.0, [10]),
        ("return", "netted", 0, 0.0, []),
        ("partly_orphan_return", "netted", 0, 0.0, []),
        ("orphan_return", "dropped", 0, 0.0, []),
    ]
    pd.testing.assert_frame_equal(
        report.frame(),
        pd.DataFrame(
            [e[:4] for e in expected], columns=["rule", "action", "n_rows", "amount"]
        ),
    )
    for rule, _, _, _, positions in expected:
        assert list(report.positions(rule)) == positions
    assert (report.n_rows_in, report.n_rows_out, report.n_rows_dropped) == (13, 4, 9)
    assert str(report) == (
        "13 rows in, 4 rows out: 9 dropped, 0 netted.\n"
        "  dropped  missing_customer_id            3 rows   amount           11.00\n"
        "  dropped  missing_date                    1 row   amount            7.00\n"
        "  dropped  ancient_date                    1 row   amount            8.00\n"
        "  dropped  epoch_date                      1 row   amount            1.00\n"
        "  dropped  distant_date                    1 row   amount            9.00\n"
        "  dropped  missing_amount                 2 rows   amount            0.00\n"
        "  kept     duplicate_line                  1 row   amount            2.00\n"
        "  kept     zero_amount                     1 row   amount            0.00\n"
        "  kept     missing_transaction_id          1 row   amount            0.00\n"
        "Returns took 0.00 off purchases; 0.00 had no earlier purchase."
    )


def test_dates_at_the_edge_of_possible_stay(make_frame):
    dates = [datetime(1901, 1, 1), datetime(1970, 2, 1), datetime(2099, 12, 31, 23)]
    table, _ = clean_transactions(make_frame(lines(date=dates)), BY_EUR)
    assert list(table["date"]) == dates


BY_EUR = TransactionColumns(amount="eur")


def test_the_start_of_clocks_in_another_zone(make_frame):
    # 1970-01-01 00:00 in UTC is 31 December 1969, 19:00, in New York.
    given = make_frame(lines(date=[datetime(1969, 12, 31, 19), DAY, DAY]))
    zoned = nw.from_native(given).with_columns(
        nw.col("date").dt.replace_time_zone("America/New_York")
    )
    _, report = clean_transactions(zoned.to_native(), BY_EUR)
    assert list(report.positions("epoch_date")) == [0]
    assert clean_transactions(given, BY_EUR)[1].n_rows_dropped == 0


def test_quantity_and_price(make_frame):
    # Line 1 has a negative price, lines 2 to 4 lack a number, line 5 is free.
    tx = make_frame(
        {
            "customer_id": ["a"] * 6,
            "date": [DAY] * 6,
            "n": [2.0, 1.0, None, 1.0, np.inf, 1.0],
            "price": [1.5, -4.0, 1.0, None, 1.0, 0.0],
        }
    )
    columns = TransactionColumns(quantity="n", unit_price="price")
    table, report = clean_transactions(tx, columns)
    assert list(table["amount"]) == [3.0, 0.0]
    assert list(report.positions("negative_unit_price")) == [1]
    assert list(report.positions("missing_amount")) == [2, 3, 4]
    assert list(report.positions("zero_amount")) == [5]
    amount = report.frame().set_index("rule")["amount"]
    assert amount["negative_unit_price"] == -4.0


def test_unit_price_is_not_used_beside_an_amount(make_frame):
    tx = make_frame(lines(price=[-1.0, None, 2.0]))
    table, report = clean_transactions(
        tx, TransactionColumns(amount="eur", unit_price="price")
    )
    assert list(table["eur"]) == [1.0, 2.0, 3.0]
    assert "negative_unit_price" not in set(report.frame()["rule"])


def test_duplicates_are_looked_for_in_all_columns(make_frame):
    same = lines(eur=[1.0, 1.0, 1.0], note=["x", "x", "y"])
    _, report = clean_transactions(make_frame(same), BY_EUR)
    assert list(report.positions("duplicate_line")) == [1]


def test_duplicates_beside_columns_of_lists(make_frame):
    same = lines(eur=[1.0, 1.0, 2.0], tags=[["x"], ["y"], ["z"]])
    _, report = clean_transactions(make_frame(same), BY_EUR)
    assert list(report.positions("duplicate_line")) == [1]


@pytest.mark.parametrize("returns", ["net", "separate", "drop"])
@pytest.mark.parametrize("name", [0, 1.5, ("a", "b"), pd.Timestamp("2024-01-01")])
def test_other_columns_whose_name_is_not_text(name, returns):
    # Row 1 repeats row 0, row 2 differs from them in the odd column only.
    tx = pd.DataFrame(lines(eur=[1.0, 1.0, 1.0], odd=["x", "x", "y"]))
    tx.columns = pd.Index([*tx.columns[:-1], name], tupleize_cols=False)
    table, report = clean_transactions(tx, BY_EUR, returns=returns)
    assert list(report.positions("duplicate_line")) == [1]
    assert list(table.columns)[:4] == ["customer_id", "date", "eur", name]
    assert list(table.iloc[:, 3]) == ["x", "x", "y"]


@pytest.mark.parametrize("returns", ["net", "separate", "drop"])
def test_last_date_is_that_of_the_table_given(make_frame, returns):
    # The latest line is a return, then one without a customer, then one that is not
    # finite; dates that are missing or impossible never count.
    for customer, eur in (("a", -1.0), (None, 1.0), ("a", np.inf)):
        tx = {
            "customer_id": ["a", customer, "a", "a", "a"],
            "date": [DAY, datetime(2024, 1, 31, 9), None, datetime(2100, 1, 1), DAY],
            "eur": [1.0, eur, 1.0, 1.0, 2.0],
        }
        _, report = clean_transactions(make_frame(tx), BY_EUR, returns=returns)
        assert report.last_date == datetime(2024, 1, 31, 9)
        assert type(report.last_date) is datetime
        assert pickle.loads(pickle.dumps(report)).last_date == report.last_date


def test_last_date_is_on_the_clock_of_the_column(make_frame):
    given = nw.from_native(make_frame(lines(date=[datetime(2024, 1, 5, 20)] * 3)))
    for zone in ("Asia/Tokyo", "America/New_York"):
        local = given.with_columns(nw.col("date").dt.replace_time_zone(zone))
        _, report = clean_transactions(local.to_native(), BY_EUR)
        assert report.last_date == datetime(2024, 1, 5, 20)


def test_last_date_without_any(make_frame):
    none = make_frame(lines(date=[datetime(1900, 1, 1)] * 3))
    assert clean_transactions(none, BY_EUR)[1].last_date is None


def test_last_date_of_days():
    days = pl.DataFrame(lines(date=[date(2024, 1, d) for d in (3, 9, 2)]))
    _, report = clean_transactions(days, BY_EUR)
    assert report.last_date == datetime(2024, 1, 9)


def test_order_of_rows_and_other_columns_stay(make_frame):
    tx = lines(
        date=[date(2024, 1, 3), date(2024, 1, 1), date(2024, 1, 2)], note=[3, 1, 2]
    )
    if make_frame is pd.DataFrame:
        tx["date"] = pd.to_datetime(tx["date"])
    table, _ = clean_transactions(make_frame(tx), BY_EUR)
    assert list(table.columns) == [*tx, "returned_amount"]
    assert list(table["note"]) == [3, 1, 2]


def test_nothing_left_is_an_empty_table(make_frame):
    table, report = clean_transactions(
        make_frame(lines(customer_id=[None, "", "None"])), BY_EUR
    )
    assert len(table) == 0
    assert report.n_rows_dropped == 3


def test_text_ids_keep_their_zeros(make_frame):
    ids = ["0012", "12", "1.20"]
    table, _ = clean_transactions(make_frame(lines(customer_id=ids)), BY_EUR)
    assert list(table["customer_id"]) == ids


def test_float_ids_become_integers():
    # What pandas makes of integers when one is missing.
    largest = 2.0**53 - 1
    for missing_id in (np.nan, None):
        tx = pd.DataFrame(lines(customer_id=[17850.0, missing_id, largest]))
        assert tx["customer_id"].dtype == float
        table, report = clean_transactions(tx, BY_EUR)
        assert table["customer_id"].dtype == np.int64
        assert list(table["customer_id"]) == [17850, 2**53 - 1]
        assert list(report.positions("missing_customer_id")) == [1]
    tx = pl.DataFrame(lines(customer_id=[17850.0, float("nan"), None]))
    table, report = clean_transactions(tx, BY_EUR)
    assert table["customer_id"].to_list() == [17850]
    assert table["customer_id"].dtype == pl.Int64
    assert list(report.positions("missing_customer_id")) == [1, 2]


def test_float_ids_become_integers_on_every_engine(engine):
    dates = [datetime(2024, 1, day) for day in (1, 2, 2)]
    ids = [17850.0, float("nan"), 2.0**53 - 1]
    tx = engine.frame(lines(customer_id=ids, date=dates))
    table, _ = clean_transactions(tx, BY_EUR)
    for found in (table, summarize_transactions(table, BY_EUR)):
        ids = engine.read(found)["customer_id"]
        assert ids.dtype == np.int64
        assert list(ids) == [17850, 2**53 - 1]


@pytest.mark.parametrize("kind", ["date32", "date64"])
def test_days_and_truths_of_arrow(kind):
    arrow = pytest.importorskip("pyarrow")
    days = [date(2024, 1, 5), date(2024, 1, 7), None]
    days = arrow.array(days, getattr(arrow, kind)())
    tx = arrow.table(lines(date=days, kind=[True, None, False]))
    columns = TransactionColumns(amount="eur", category="kind")
    table, report = clean_transactions(tx, columns)
    assert table.schema.field("date").type == days.type
    assert report.last_date == datetime(2024, 1, 7)
    found = summarize_transactions(table, columns, groups=["category"])
    assert found["gap_mean"].to_pylist() == [2.0]
    assert found["first_date"].to_pylist() == [date(2024, 1, 5)]
    assert found["category_true_order_share"].to_pylist() == [0.5]


def test_columns_of_arrow_that_are_called_like_those_of_the_summary():
    arrow = pytest.importorskip("pyarrow")
    tx = arrow.table(lines(frequency=[DAY] * 3, recency=["x", "y", "z"]))
    found = summarize_transactions(tx, BY_EUR)
    assert found["frequency"].to_pylist() == [1]
    assert found["recency"].to_pylist() == [0.0]


def test_arrow_floats_in_pandas():
    # Integers with gaps, as ids and as levels, which are "1" and "2" and no floats.
    arrow = pytest.importorskip("pyarrow")
    floats = pd.Series([1.0, None, 2.0], dtype=pd.ArrowDtype(arrow.float64()))
    tx = pd.DataFrame(lines(customer_id=floats, kind=floats))
    columns = TransactionColumns(amount="eur", category="kind")
    table, _ = clean_transactions(tx, columns)
    assert list(table["customer_id"]) == [1, 2]
    found = summarize_transactions(table, columns, groups=["category"])
    assert list(found["category_1_spend_share"]) == [1.0, 0.0]
    with pytest.raises(SchemaError, match="Got others in 1 rows instead"):
        clean_transactions(tx.assign(customer_id=floats / 2), columns)


def test_integer_ids_with_missing_ones(make_frame):
    big = 2**53 + 1
    tx = make_frame(lines())
    if make_frame is pd.DataFrame:
        for dtype in ("Int64", object):
            tx["customer_id"] = pd.Series([big, None, 2], dtype=dtype)
            table, _ = clean_transactions(tx, BY_EUR)
            assert list(table["customer_id"]) == [big, 2]
            assert nw.from_native(table).schema["customer_id"] == nw.Int64
    else:
        tx = tx.with_columns(customer_id=pl.Series([big, None, 2]))
        table, _ = clean_transactions(tx, BY_EUR)
        assert table["customer_id"].to_list() == [big, 2]


@pytest.mark.parametrize("returns", ["net", "separate", "drop"])
def test_integer_amounts_become_float(make_frame, returns):
    table, _ = clean_transactions(
        make_frame(lines(eur=[3, 1, -1])), BY_EUR, returns=returns
    )
    assert nw.from_native(table).schema["eur"] == nw.Float64


def test_order_numbers_of_mixed_types():
    # Spreadsheets give 536365 as a number and C536379 as text.
    tx = pd.DataFrame(lines(order=pd.Series([536365, "C536379", None], dtype=object)))
    table, report = clean_transactions(tx, BY_AMOUNT)
    assert len(table) == 3
    assert list(report.positions("missing_transaction_id")) == [2]


def test_pickle():
    columns, report = BY_AMOUNT, clean_transactions(pd.DataFrame(lines()), BY_EUR)[1]
    assert pickle.loads(pickle.dumps(columns)) == columns
    again = pickle.loads(pickle.dumps(report))
    pd.testing.assert_frame_equal(again.frame(), report.frame())
    assert hash(columns) == hash(pickle.loads(pickle.dumps(columns)))


def test_positions_are_a_copy():
    _, report = clean_transactions(pd.DataFrame(lines(eur=[1.0, np.nan, 0])), BY_EUR)
    report.positions("missing_amount")[:] = 99
    assert list(report.positions("missing_amount")) == [1]


def test_aware_dates_are_given_back_as_they_came(make_frame):
    given = make_frame(lines())
    given = nw.from_native(given).with_columns(
        nw.col("date").dt.replace_time_zone("Asia/Tokyo")
    )
    table, _ = clean_transactions(given.to_native(), BY_EUR)
    assert table["date"][0] == datetime(2024, 1, 4, 15, tzinfo=UTC)


def test_the_last_year_of_calendars(make_frame):
    dates = [DAY, datetime(9999, 12, 31), datetime(1, 1, 1)]
    table, report = clean_transactions(make_frame(lines(date=dates)), BY_EUR)
    assert list(table["date"]) == [DAY]
    assert list(report.positions("distant_date")) == [1]
    assert list(report.positions("ancient_date")) == [2]


def test_dates_of_several_zones_are_read_on_one_clock():
    # 10:00 in Tokyo is 01:00 in UTC, which is 20:00 of the day before in New York.
    dates = [
        pd.Timestamp("2024-01-05 10:00", tz="Asia/Tokyo"),
        pd.Timestamp("2024-01-04 20:00", tz="America/New_York"),
        pd.Timestamp("2024-01-06 10:00", tz="Asia/Tokyo"),
    ]
    tx = pd.DataFrame(lines(date=pd.Series(dates, dtype=object)))
    table, report = clean_transactions(tx, BY_EUR)
    assert str(table["date"].dt.tz) == "Asia/Tokyo"
    assert list(table["date"]) == [dates[0], dates[0], dates[2]]
    assert list(report.positions("other_time_zone")) == [1]
    assert report.frame().iloc[0].tolist() == ["other_time_zone", "kept", 1, 0.0]


def test_a_netted_return_that_repeats_another_is_counted_twice(make_frame):
    # Rows 1 and 2 are equal returns of 1 each, row 2 repeats row 1.
    tx = make_frame(lines(eur=[5.0, -1.0, -1.0]))
    _, report = clean_transactions(tx, BY_EUR)
    assert list(report.positions("duplicate_line")) == [2]
    assert list(report.positions("return")) == [1, 2]
    counts = {r.rule: (r.n_rows, r.amount) for r in report.rules}
    assert counts["duplicate_line"] == (1, -1.0)
    _, report = clean_transactions(tx, BY_EUR, returns="drop")
    assert list(report.positions("duplicate_line")) == []


def test_the_latest_date_is_one_that_was_observed(make_frame):
    dates = [datetime(2024, 1, 5), datetime(2024, 1, 9), datetime(2042, 1, 5)]
    tx = make_frame(lines(date=dates))
    end = {"observation_period_end": "2024-01-31"}
    assert clean_transactions(tx, BY_EUR, **end)[1].last_date == dates[1]
    assert clean_transactions(tx, BY_EUR)[1].last_date == dates[2]
