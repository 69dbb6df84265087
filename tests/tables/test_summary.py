"""Figures of each customer: agreement, invariance and the end of the observation."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import narwhals as nw
import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.tables import (
    TransactionColumns,
    clean_transactions,
    summarize_transactions,
)

COLUMNS = TransactionColumns(transaction_id="order", amount="eur", product="item")
END = datetime(2024, 12, 31, 12)


def random_lines(seed, n=600):
    """Draw lines of 40 customers, a few orders each, a tenth of them negative."""
    rng = np.random.default_rng(seed)
    order = rng.integers(0, 160, n)
    return pd.DataFrame(
        {
            "customer_id": order % 40,
            "order": [f"o{i}" for i in order],
            "date": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(order * 37 * 3600 + rng.integers(0, 900, n), unit="s"),
            "eur": np.round(rng.gamma(2, 20, n), 2)
            * rng.choice([1, -1], n, p=[0.9, 0.1]),
            "item": [f"i{i}" for i in rng.integers(0, 30, n)],
        }
    )


def as_frame(lines, make_frame):
    if make_frame is pd.DataFrame:
        return lines
    columns = {name: lines[name].to_list() for name in lines}
    return pl.DataFrame(columns).with_columns(pl.col("date").cast(pl.Datetime("us")))


def by_hand(lines, end):
    """Compute the summary customer by customer, as one would in a notebook."""
    rows = []
    for customer, own in lines.groupby("customer_id"):
        bought = own[own["eur"] > 0]
        orders = own.groupby("order").agg(
            at=("date", "min"), kept=("eur", lambda eur: eur[eur > 0].sum())
        )
        orders = orders[orders["kept"] > 0].sort_values("at")
        gaps = orders["at"].diff().dropna() / pd.Timedelta(days=1)
        rows.append(
            {
                "customer_id": customer,
                "recency": (end - orders["at"].max()) / pd.Timedelta(days=1),
                "frequency": len(orders),
                "monetary_value": orders["kept"].mean() if len(orders) else 0.0,
                "monetary_total": orders["kept"].sum(),
                "tenure": (end - orders["at"].min()) / pd.Timedelta(days=1),
                "first_date": orders["at"].min(),
                "last_date": orders["at"].max(),
                "gap_mean": gaps.mean(),
                "gap_sd": gaps.std(),
                "n_products": bought["item"].nunique(),
                "return_share": -own["eur"].clip(upper=0).sum() / bought["eur"].sum()
                if len(bought)
                else np.nan,
            }
        )
    return pd.DataFrame(rows)


def to_pandas(customers):
    """Make a pandas table of a summary without pyarrow."""
    frame = nw.from_native(customers)
    return pd.DataFrame({name: frame[name].to_list() for name in frame.columns})


def assert_same_figures(actual, expected):
    actual, expected = to_pandas(actual), to_pandas(expected)
    assert list(actual) == list(expected)
    for name in actual:
        if actual[name].dtype.kind == "f" or expected[name].dtype.kind == "f":
            np.testing.assert_allclose(
                actual[name].astype(float),
                expected[name].astype(float),
                rtol=1e-9,
                atol=1e-9,
                err_msg=name,
            )
        else:
            pd.testing.assert_series_equal(
                actual[name], expected[name], check_dtype=False
            )


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_groupby_by_hand(make_frame, seed):
    lines = random_lines(seed)
    lines.loc[lines["customer_id"] == 3, "eur"] *= 0  # who never paid anything
    actual = summarize_transactions(
        as_frame(lines, make_frame), COLUMNS, observation_period_end=END
    )
    assert_same_figures(actual, by_hand(lines, END))
    if make_frame is pd.DataFrame:
        dtypes = actual.dtypes.astype(str).to_dict()
        assert dtypes["frequency"] == dtypes["n_products"] == "int64"
        floats = [name for name in dtypes if dtypes[name] == "float64"]
        assert len(floats) == 7
    else:
        assert not any(
            actual[name].is_nan().any()
            for name in actual.columns
            if actual[name].dtype.is_float()
        )  # missing is null in polars


def test_order_of_rows_does_not_matter(make_frame):
    lines = random_lines(10)
    mixed = lines.sample(frac=1, random_state=0).reset_index(drop=True)
    assert_same_figures(
        summarize_transactions(as_frame(lines, make_frame), COLUMNS),
        summarize_transactions(as_frame(mixed, make_frame), COLUMNS),
    )


def test_shift_of_all_dates(make_frame):
    lines, shift = random_lines(11), timedelta(days=100, hours=5)
    later = lines.assign(date=lines["date"] + shift)
    before = summarize_transactions(
        as_frame(lines, make_frame), COLUMNS, observation_period_end=END
    )
    after = to_pandas(
        summarize_transactions(
            as_frame(later, make_frame), COLUMNS, observation_period_end=END + shift
        )
    )
    for name in ("first_date", "last_date"):
        after[name] = after[name] - shift
    assert_same_figures(after, before)


def test_scale_of_all_amounts(make_frame):
    lines = random_lines(12)
    cents = lines.assign(eur=lines["eur"] * 100)
    euros = to_pandas(summarize_transactions(as_frame(lines, make_frame), COLUMNS))
    for name in ("monetary_value", "monetary_total"):
        euros[name] *= 100
    assert_same_figures(
        summarize_transactions(as_frame(cents, make_frame), COLUMNS), euros
    )


def test_a_customer_alone_has_the_same_figures(make_frame):
    lines = random_lines(13)
    alone = lines[lines["customer_id"] == 7].reset_index(drop=True)
    together = to_pandas(
        summarize_transactions(
            as_frame(lines, make_frame), COLUMNS, observation_period_end=END
        )
    )
    assert_same_figures(
        summarize_transactions(
            as_frame(alone, make_frame), COLUMNS, observation_period_end=END
        ),
        together[together["customer_id"] == 7].reset_index(drop=True),
    )


def test_what_comes_after_the_end_is_not_known(make_frame):
    lines, end = random_lines(14), datetime(2024, 5, 1, 10)
    known = lines[lines["date"] <= end].reset_index(drop=True)
    assert 0 < len(known) < len(lines)
    assert_same_figures(
        summarize_transactions(
            as_frame(lines, make_frame), COLUMNS, observation_period_end=end
        ),
        summarize_transactions(
            as_frame(known, make_frame), COLUMNS, observation_period_end=end
        ),
    )


def one_customer(make_frame, *dates, zone=None):
    tx = make_frame({"customer_id": [1] * len(dates), "date": list(dates), "eur": 1.0})
    return (
        nw.from_native(tx)
        .with_columns(nw.col("date").dt.replace_time_zone(zone))
        .to_native()
    )


def recency(tx, end):
    customers = summarize_transactions(
        tx, TransactionColumns(amount="eur"), observation_period_end=end
    )
    return list(customers["recency"]), list(customers["frequency"])


# Order at 18:00 on the 8th and at 00:00 on the 10th. An end without a time, and a
# time of midnight, is the end of the day, so only a stated time cuts within it.
@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("2024-01-08", ([0.25], [1])),
        ("2024-01-09", ([1.25], [1])),
        ("2024-01-10", ([1.0], [2])),
        (date(2024, 1, 9), ([1.25], [1])),
        (datetime(2024, 1, 9), ([1.25], [1])),
        (pd.Timestamp("2024-01-09"), ([1.25], [1])),
        (np.datetime64("2024-01-09"), ([1.25], [1])),
        (np.datetime64("2024-01-09T06:00", "ns"), ([0.5], [1])),
        ("2024-01-08 18:00", ([0.0], [1])),
        ("2024-01-09T06:00:00", ([0.5], [1])),
        (pd.Timestamp("2024-01-10 12:00"), ([0.5], [2])),
        (None, ([0.0], [2])),
    ],
)
def test_end_with_times(make_frame, end, expected):
    tx = one_customer(make_frame, datetime(2024, 1, 8, 18), datetime(2024, 1, 10))
    assert recency(tx, end) == expected


# Orders on the 8th and 10th, no times: an order counts as the end of its day.
@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("2024-01-08", ([0.0], [1])),
        ("2024-01-09", ([1.0], [1])),
        ("2024-01-09 12:00", ([1.0], [1])),
        ("2024-01-10", ([0.0], [2])),
        (datetime(2024, 1, 11), ([1.0], [2])),
        (None, ([0.0], [2])),
    ],
)
def test_end_with_days(make_frame, end, expected):
    tx = one_customer(make_frame, datetime(2024, 1, 8), datetime(2024, 1, 10))
    assert recency(tx, end) == expected
    if make_frame is pl.DataFrame:
        tx = tx.with_columns(pl.col("date").cast(pl.Date))
        assert recency(tx, end) == expected


# a bought on 1 January, b on the 5th, a sent something back on the 31st. Netting and
# dropping take the line of the 31st away, so that the table ends on the 5th: 5 - 1 = 4
# and 5 - 5 = 0 days. To the 31st, they are 31 - 1 = 30 and 31 - 5 = 26.
@pytest.mark.parametrize("zone", [None, "Europe/London"])
@pytest.mark.parametrize("hour", [0, 15])
@pytest.mark.parametrize(
    ("returns", "of_the_table"),
    [("net", [4.0, 0.0]), ("drop", [4.0, 0.0]), ("separate", [30.0, 26.0])],
)
def test_end_at_the_last_date_before_cleaning(
    make_frame, returns, of_the_table, hour, zone
):
    days = [datetime(2024, 1, d, hour) for d in (1, 5, 31)]
    tx = nw.from_native(
        make_frame(
            {"customer_id": ["a", "b", "a"], "date": days, "eur": [30.0, 20.0, -10.0]}
        )
    ).with_columns(nw.col("date").dt.replace_time_zone(zone))
    columns = TransactionColumns(amount="eur")
    table, report = clean_transactions(tx.to_native(), columns, returns=returns)
    assert recency(table, None)[0] == of_the_table
    assert recency(table, report.last_date)[0] == [30.0, 26.0]


@pytest.mark.parametrize(
    "dtype",
    [
        "timestamp[s][pyarrow]",
        "timestamp[us][pyarrow]",
        "timestamp[ns][pyarrow]",
        "timestamp[us, tz=Europe/London][pyarrow]",
        "date32[pyarrow]",
        None,
    ],
)
def test_arrow_types_in_pandas(dtype):
    # The 8th and the 10th, seen from the end of the 12th: 2 days, 2 apart.
    pytest.importorskip("pyarrow")
    days = [datetime(2024, 1, 8), datetime(2024, 1, 10)]
    tx = one_customer(pd.DataFrame, *days)
    if dtype is None:
        tx = tx.convert_dtypes(dtype_backend="pyarrow")
    else:
        zone = "Europe/London" if "tz" in dtype else None
        tx["date"] = tx["date"].dt.tz_localize(zone).astype(dtype)
    columns = TransactionColumns(amount="eur")
    cleaned, _ = clean_transactions(tx, columns)
    for table in (tx, cleaned):
        customers = summarize_transactions(
            table, columns, observation_period_end="2024-01-12"
        )
        assert list(customers["recency"]) == [2.0]
        assert list(customers["tenure"]) == [4.0]
        assert list(customers["gap_mean"]) == [2.0]
        assert customers["recency"].dtype == customers["tenure"].dtype == np.float64
        assert customers["frequency"].dtype == np.int64


def test_arrow_types_agree_with_numpy_types():
    pytest.importorskip("pyarrow")
    lines = random_lines(15)
    arrow = lines.convert_dtypes(dtype_backend="pyarrow")
    assert_same_figures(
        summarize_transactions(arrow, COLUMNS, observation_period_end=END),
        by_hand(lines, END),
    )


# 1 July 2024, 18:00 in London is 17:00 in UTC and 13:00 in New York.
@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ("2024-07-01", 0.25),
        (datetime(2024, 7, 1, 18), 0.0),
        (datetime(2024, 7, 1, 17, tzinfo=UTC), 0.0),
        ("2024-07-01T13:00-04:00", 0.0),
        (datetime(2024, 7, 1, 19, tzinfo=ZoneInfo("America/New_York")), 0.25),
        (pd.Timestamp("2024-07-02 12:00", tz="Europe/London"), 0.75),
        (pd.Timestamp("2024-07-01", tz="Europe/London"), 0.25),
    ],
)
def test_end_in_the_zone_of_the_column(make_frame, end, expected):
    tx = one_customer(make_frame, datetime(2024, 7, 1, 18), zone="Europe/London")
    assert recency(tx, end) == ([expected], [1])


def test_zones_that_are_offsets():
    dates = pd.to_datetime(["2024-07-01 23:00"]).tz_localize("UTC")
    for offset, expected in (("-05:30", 6.5 / 24), ("+05:30", 19.5 / 24)):
        zone = datetime.fromisoformat(f"2024-01-01T00:00{offset}").tzinfo
        tx = pd.DataFrame(
            {"customer_id": [1], "date": dates.tz_convert(zone), "eur": [1.0]}
        )
        end = "2024-07-01" if offset[0] == "-" else "2024-07-02"
        assert recency(tx, end)[0] == pytest.approx([expected], rel=1e-12)


def test_days_are_days_when_the_clocks_change(make_frame):
    # 30 March to 1 April 2024 in London lasts 47 hours, and is two days.
    days = datetime(2024, 3, 30), datetime(2024, 4, 1)
    tx = one_customer(make_frame, *days, zone="Europe/London")
    customers = summarize_transactions(
        tx, TransactionColumns(amount="eur"), observation_period_end="2024-04-02"
    )
    assert list(customers["gap_mean"]) == [2.0]
    assert list(customers["recency"]) == [1.0]


def test_orders_without_transaction_id(make_frame):
    # Two lines at one time are one order; another time on the same day is another.
    at = [datetime(2024, 1, 8, 9), datetime(2024, 1, 8, 9), datetime(2024, 1, 8, 17)]
    tx = one_customer(make_frame, *at)
    assert recency(tx, "2024-01-08")[1] == [2]


def test_lines_whose_transaction_id_is_missing(make_frame):
    # Such a line goes by its time, so two of them are not thrown together.
    tx = make_frame(
        {
            "customer_id": [1] * 5,
            "order": ["a", "a", None, None, None],
            "date": [datetime(2024, 1, d) for d in (1, 2, 3, 4, 4)],
            "eur": [1.0] * 5,
            "item": ["x", "y", None, "x", "x"],
        }
    )
    customers = summarize_transactions(tx, COLUMNS)
    assert list(customers["frequency"]) == [3]
    assert list(customers["gap_mean"]) == [1.5]  # 1, 3, 4 January
    assert list(customers["n_products"]) == [2]


def test_transaction_ids_that_are_missing_in_two_ways(engine):
    # One date, and no order number on any line of the first: one order.
    tx = engine.frame(
        {
            "customer_id": [1] * 5,
            "order": [None, "nan", " ", "a", None],
            "date": [datetime(2024, 1, d) for d in (1, 1, 1, 1, 2)],
            "eur": [1.0, 2.0, 3.0, 4.0, 5.0],
            "item": ["x"] * 5,
        }
    )
    customers = engine.read(summarize_transactions(tx, COLUMNS))
    assert list(customers["frequency"]) == [3]
    assert list(customers["gap_mean"]) == [0.5]


def test_same_order_number_of_two_customers(make_frame):
    tx = make_frame(
        {
            "customer_id": [2, 1],
            "order": ["a", "a"],
            "date": [datetime(2024, 1, 1), datetime(2024, 1, 2)],
            "eur": [1.0, 2.0],
            "item": ["x", "x"],
        }
    )
    customers = summarize_transactions(tx, COLUMNS)
    assert list(customers["customer_id"]) == [1, 2]
    assert list(customers["frequency"]) == [1, 1]
    assert list(customers["monetary_total"]) == [2.0, 1.0]


def test_amount_made_of_quantity_and_price(make_frame):
    columns = TransactionColumns(quantity="n", unit_price="price")
    tx = {
        "customer_id": [1, 1],
        "date": [datetime(2024, 1, 1), datetime(2024, 1, 2)],
        "n": [2, 3],
        "price": [1.5, 2.0],
    }
    raw = summarize_transactions(make_frame(tx), columns)
    assert list(raw["monetary_total"]) == [9.0]
    assert "n_products" not in raw.columns
    # The column that cleaning adds goes before: here in another currency.
    converted = summarize_transactions(
        make_frame(tx | {"amount": [30.0, 60.0]}), columns
    )
    assert list(converted["monetary_total"]) == [90.0]


def test_customers_with_nothing_kept(make_frame):
    # 1 only returned, 2 only got samples: nothing was paid, so no share of it.
    tx = make_frame(
        {
            "customer_id": [1, 2, 3],
            "date": [datetime(2024, 1, 1)] * 3,
            "eur": [-5.0, 0.0, 5.0],
        }
    )
    customers = to_pandas(summarize_transactions(tx, TransactionColumns(amount="eur")))
    assert list(customers["frequency"]) == [0, 0, 1]
    assert list(customers["monetary_value"]) == [0.0, 0.0, 5.0]
    assert list(customers["return_share"].isna()) == [True, True, False]
    assert list(customers["recency"].isna()) == [True, True, False]


def test_float_ids_are_given_back_as_integers():
    tx = pd.DataFrame(
        {"customer_id": [2.0, 1.0], "date": [END, END], "eur": [1.0, 2.0]}
    )
    customers = summarize_transactions(tx, TransactionColumns(amount="eur"))
    assert customers["customer_id"].dtype == np.int64
    assert list(customers["customer_id"]) == [1, 2]
