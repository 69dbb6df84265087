"""What customers did after the observation, one row a customer."""

import datetime
import re

import pandas as pd
import polars as pl
import pytest

from custseg.datasets import make_customers, make_transactions
from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables import (
    TransactionColumns,
    clean_transactions,
    summarize_outcome,
    summarize_transactions,
)

EUR = TransactionColumns(amount="eur")


def orders(rows, engine=pd.DataFrame):
    names = ["customer_id", "date", "eur"]
    table = pd.DataFrame(rows, columns=names)
    table["date"] = pd.to_datetime(table["date"])
    return table if engine is pd.DataFrame else pl.from_pandas(table)


LINES = [
    ("a", "2024-01-05", 30.0),
    ("b", "2024-01-31", 10.0),
    ("a", "2024-02-01", 20.0),
    ("c", "2024-02-07", 5.0),
    ("a", "2024-02-10", 7.0),
    ("b", "2024-02-11", 100.0),
]
END = "2024-01-31"


class TestOnPaper:
    """The window of 10 days after 31 January: 1 to 10 February."""

    @pytest.mark.parametrize("engine", [pd.DataFrame, pl.DataFrame])
    def test_window(self, engine):
        found = summarize_outcome(
            orders(LINES, engine), EUR, observation_period_end=END, outcome_days=10
        )
        assert isinstance(found, engine)
        assert {name: found[name].to_list() for name in found.columns} == {
            "customer_id": ["a", "b"],  # c came in the window
            "outcome_orders": [2, 0],  # b's order of the 11th is too late
            "outcome_monetary_total": [27.0, 0.0],
            "active": [True, False],
        }

    def test_one_day_more(self):
        found = summarize_outcome(
            orders(LINES), EUR, observation_period_end=END, outcome_days=11
        )
        assert found["outcome_monetary_total"].tolist() == [27.0, 100.0]

    @pytest.mark.parametrize("given", ["list", "frame", "series", "polars", "array"])
    def test_customers_asked_for(self, given):
        ids = ["c", "b", "d"]
        table = pd.DataFrame({"customer_id": ids})
        customers = {
            "list": ids,
            "frame": table,
            "series": table["customer_id"],
            "polars": pl.from_pandas(table),
            "array": table["customer_id"].to_numpy(),
        }[given]
        found = summarize_outcome(
            orders(LINES),
            EUR,
            observation_period_end=END,
            outcome_days=10,
            customers=customers,
        )
        assert found["customer_id"].tolist() == ids
        assert found["outcome_monetary_total"].tolist() == [5.0, 0.0, 0.0]
        assert found["active"].tolist() == [True, False, False]

    @pytest.mark.parametrize(
        "end",
        [END, datetime.date(2024, 1, 31), pd.Timestamp(END), "2024-01-31 00:00"],
    )
    def test_kinds_of_dates(self, end):
        found = summarize_outcome(
            orders(LINES), EUR, observation_period_end=end, outcome_days=10
        )
        assert found["outcome_orders"].tolist() == [2, 0]

    def test_nothing_is_in_both_tables(self):
        """Orders of the observation and of the window are all orders of both."""
        simulated = make_customers(150, random_state=0)
        made = make_transactions(simulated.truth, weeks=40, random_state=0)
        columns = TransactionColumns(quantity="quantity", unit_price="unit_price")
        kept, _ = clean_transactions(made.transactions, columns, returns="drop")
        days = kept[columns.date].dt.normalize()
        end = days.min() + pd.Timedelta(days=150)
        before = summarize_transactions(kept, columns, observation_period_end=end)
        after = summarize_outcome(
            kept, columns, observation_period_end=end, outcome_days=90
        )
        whole = summarize_transactions(
            kept, columns, observation_period_end=end + pd.Timedelta(days=90)
        ).set_index("customer_id")
        assert after["customer_id"].tolist() == before["customer_id"].tolist()
        both = before.set_index("customer_id").join(after.set_index("customer_id"))
        total = both["monetary_total"] + both["outcome_monetary_total"]
        expected = whole.loc[both.index, "monetary_total"]
        pd.testing.assert_series_equal(total, expected, check_names=False)
        n_orders = both["frequency"] + both["outcome_orders"]
        expected = whole.loc[both.index, "frequency"]
        assert n_orders.tolist() == expected.tolist()


def test_every_engine(engine):
    """The lines above; d is asked for and has no line, and c was not observed."""
    days = [datetime.datetime.fromisoformat(day) for _, day, _ in LINES]
    ids, _, eur = map(list, zip(*LINES, strict=True))
    table = engine.frame({"customer_id": ids, "date": days, "eur": eur})
    options = {"observation_period_end": END, "outcome_days": 10}
    found = summarize_outcome(table, EUR, **options)
    expected = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "outcome_orders": [2, 0],
            "outcome_monetary_total": [27.0, 0.0],
            "active": [1.0, 0.0],
        }
    )
    pd.testing.assert_frame_equal(engine.read(found), expected)
    customers = engine.frame({"customer_id": ["d", "c", "a"]})
    found = summarize_outcome(table, EUR, customers=customers, **options)
    expected = pd.DataFrame(
        {
            "customer_id": ["a", "c", "d"],
            "outcome_orders": [2, 1, 0],
            "outcome_monetary_total": [27.0, 5.0, 0.0],
            "active": [1.0, 1.0, 0.0],
        }
    )
    pd.testing.assert_frame_equal(engine.read(found), expected)
    assert isinstance(found, type(table))


def test_customers_of_dask_need_no_category():
    dask = pytest.importorskip("dask.dataframe")
    table = orders(LINES).astype({"customer_id": "category"})
    customers = pd.DataFrame({"customer_id": ["a", "new"]})
    found = summarize_outcome(
        dask.from_pandas(table, npartitions=1),
        EUR,
        customers=dask.from_pandas(customers, npartitions=1),
        observation_period_end=END,
        outcome_days=10,
    )
    found = found.compute().sort_values("customer_id")
    assert found["customer_id"].tolist() == ["a", "new"]
    assert found["outcome_orders"].tolist() == [2, 0]


def test_customers_of_a_relation():
    """They come as a relation, each once, with ids of one type."""
    duckdb = pytest.importorskip("duckdb")
    table = duckdb.from_df(orders(LINES))
    options = {"observation_period_end": END, "outcome_days": 10}
    for customers, message in [
        (["a"], "of the kind that the orders are, duckdb. Got list"),
        (pd.DataFrame({"customer_id": ["a"]}), "duckdb. Got DataFrame instead."),
        (duckdb.sql("select 1 as customer_id"), "that the orders have, String. Got"),
        (duckdb.sql("select 'a' as name"), "must have a column 'customer_id' or"),
    ]:
        with pytest.raises(SchemaError, match=re.escape(message)):
            summarize_outcome(table, EUR, customers=customers, **options)
    twice = duckdb.sql("select unnest(['a', 'a', null]) as customer_id")
    message = "must have one id each. Got 1 missing and 1 repeated ids in 3 instead."
    with pytest.raises(DataQualityError, match=re.escape(message)):
        summarize_outcome(table, EUR, customers=twice, **options)


class TestRefusals:
    def refused(self, kind, message, lines=LINES, **options):
        options = {"observation_period_end": END, "outcome_days": 10, **options}
        with pytest.raises(kind, match=re.escape(message)):
            summarize_outcome(orders(lines), EUR, **options)

    def test_window_beyond_the_data(self):
        message = (
            "The outcome window must end with the data or before. Got a window to "
            "2024-04-30 and data to 2024-02-11 instead, which makes customers look "
            "lost who were not observed. Set outcome_days to 11 at most, or "
            "observation_period_end to 2023-11-13 at the latest; if the table has all "
            "orders to a later day, name it as data_end."
        )
        self.refused(DataQualityError, message, outcome_days=90)
        found = summarize_outcome(
            orders(LINES),
            EUR,
            observation_period_end=END,
            outcome_days=90,
            data_end="2024-04-30",
        )
        assert found["outcome_orders"].tolist() == [2, 1]

    def test_no_window(self):
        message = "observation_period_end must be given for an outcome. Got None"
        self.refused(ValueError, message, observation_period_end=None)
        for days in (0, -3, 1.5, True, "90", 10**12):
            message = "outcome_days must be a whole number of days from 1 to 36,500. "
            self.refused(ValueError, message, outcome_days=days)

    def test_dates(self):
        """What is wrong with one date is not said of the other."""
        for name in ("data_end", "observation_period_end"):
            message = f"{name} must be a date in the form 2024-12-31, with or without"
            self.refused(ValueError, message, **{name: "soon"})
            message = f"{name} must be a date. Got a missing one instead."
            self.refused(ValueError, message, **{name: pd.NaT})
            message = f"{name} must be a str, date, datetime or pandas.Timestamp. Got"
            self.refused(TypeError, message, **{name: 5})
            zoned = pd.Timestamp("2024-02-10", tz="UTC")
            message = f"{name} must have no time zone when the date column has none."
            self.refused(SchemaError, message, **{name: zoned})

    def test_nobody_observed(self):
        message = "observation_period_end must not come before the first line"
        self.refused(DataQualityError, message, observation_period_end="2023-12-31")

    def test_nothing_bought(self):
        lines = [*LINES[:2], ("b", "2024-03-01", 1.0)]
        message = (
            "The outcome window must have at least one order. Got none in the 10 days "
            "after 2024-01-31 instead."
        )
        self.refused(DataQualityError, message, lines)

    def test_ids_of_customers(self):
        message = "must have one id each. Got 1 missing and 0 repeated ids in 2"
        self.refused(DataQualityError, message, customers=["a", None])
        message = "Got 0 missing and 1 repeated ids in 3 instead."
        self.refused(DataQualityError, message, customers=["a", "b", "a"])
        message = "must have ids of the type that the orders have, String. Got"
        self.refused(SchemaError, message, customers=[1, 2])
        message = "must have a column 'customer_id' or 'customer_id'. Got neither among"
        self.refused(SchemaError, message, customers=pd.DataFrame({"name": ["a"]}))
        message = "must be a frame, a Series or a sequence of ids. Got str instead. Put"
        self.refused(TypeError, message, customers="abc")
        message = "must be a frame, a Series or a sequence of ids. Got int instead. Put"
        self.refused(TypeError, message, customers=5)

    def test_ids_that_do_not_fit(self):
        lines = orders(LINES, pl.DataFrame).with_columns(
            customer_id=pl.Series([1, 2, 1, 3, 1, 2], dtype=pl.Int32)
        )
        message = "that the orders have, Int32. Got Int64 that does not fit into it"
        with pytest.raises(SchemaError, match=re.escape(message)):
            summarize_outcome(
                lines,
                EUR,
                observation_period_end=END,
                outcome_days=10,
                customers=[1, 2**40],
            )


def test_an_order_over_the_end_is_of_the_observation():
    """The order began before the end, so its later line opens no outcome."""
    lines = orders([("a", END, 1.0), ("a", "2024-02-01", 2.0), ("b", END, 3.0)])
    lines.loc[3] = ["b", pd.Timestamp("2024-02-10"), 4.0]
    columns = TransactionColumns(amount="eur", transaction_id="order")
    found = summarize_outcome(
        lines.assign(order=[1, 1, 2, 3]),
        columns,
        observation_period_end=END,
        outcome_days=10,
    )
    assert found["outcome_orders"].tolist() == [0, 1]
    assert found["outcome_monetary_total"].tolist() == [0.0, 4.0]


def test_times_and_zones_are_those_of_the_wall():
    """Observed to 13:00: the order of 13:00 counts before, of ten days later after."""
    lines = orders(LINES)
    lines["date"] = (lines["date"] + pd.Timedelta(hours=13)).dt.tz_localize(
        "Europe/Berlin"
    )
    for end, ids in (("13:00", ["a", "b"]), ("12:59", ["a"])):
        found = summarize_outcome(
            lines, EUR, observation_period_end=f"{END} {end}", outcome_days=10
        )
        assert found["customer_id"].tolist() == ids
    # To 12:59 of the 10th: the order of 13:00 that day is too late.
    assert found["outcome_monetary_total"].tolist() == [20.0]
