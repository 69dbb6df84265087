"""Spark and Dask: counts of orders once each, over tables of all cases.

As in test_distributed.py, both must come to the same as pandas, whose figures are
worked on paper in the tests of each function.
"""

from datetime import UTC
from datetime import datetime as D

import pandas as pd

from custseg.tables import (
    TransactionColumns,
    clean_transactions,
    discount_prior,
    summarize_btyd,
    summarize_discounts,
    summarize_occasions,
    summarize_outcome,
)

BY_EUR = TransactionColumns(transaction_id="invoice", amount="eur")


def columns_of(names, rows):
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


# The observation ends with 31 March 2024; calibration ends with 15 February.
PURCHASES = [
    # Two orders of one day; one that was returned in full; holdout.
    ("007", D(2024, 1, 1, 9), "tea", 2, 5.0),
    ("007", D(2024, 1, 1, 18), "cup", 1, 5.0),
    ("007", D(2024, 1, 8, 9), "tea", 1, 7.0),
    ("007", D(2024, 2, 5, 9), "pot", 1, 20.0),
    ("007", D(2024, 2, 7, 9), "pot", -1, 20.0),
    ("007", D(2024, 3, 4, 9), "tea", 1, 9.0),
    # An hour apart, and two days.
    ("7", D(2024, 1, 20, 23, 30), "tea", 1, 4.0),
    ("7", D(2024, 1, 21, 0, 30), "tea", 1, 6.0),
    ("one", D(2024, 2, 10, 12), "tea", 1, 3.0),
    # First in the holdout, and once after the end.
    ("late", D(2024, 3, 20, 12), "tea", 1, 3.0),
    ("late", D(2024, 4, 1, 0), "tea", 1, 3.0),
    ("back", D(2024, 1, 15, 12), "tea", 1, 3.0),
    ("back", D(2024, 1, 16, 12), "tea", -1, 3.0),
]


def test_btyd(distributed):
    distributed.meet_pandas(road_of_btyd)


def road_of_btyd(engine):
    columns = TransactionColumns(
        customer_id="id", product="item", quantity="n", unit_price="price"
    )
    lines = columns_of(["id", "date", "item", "n", "price"], PURCHASES)
    table, _ = clean_transactions(engine.frame(lines), columns)
    end = {"observation_period_end": "2024-03-31"}
    split = summarize_btyd(
        table, columns, time_unit="day", calibration_end="2024-02-15", **end
    )
    assert isinstance(split, type(table))
    moments = lines | {"date": [at.replace(tzinfo=UTC) for at in lines["date"]]}
    whole = summarize_btyd(
        engine.frame(moments),
        columns,
        customers=engine.frame({"id": ["new", "7"]}),
        **end,
    )
    return {"split": engine.read(split), "whole": engine.read(whole)}


# An order on discount by one of its lines; one that kept nothing, and a return.
DISCOUNTS = [
    ("a", D(2024, 1, 1), 1, 10.0, 0.0),
    ("a", D(2024, 1, 1), 1, 30.0, 3.0),
    ("a", D(2024, 1, 5), 2, 20.0, 0.0),
    ("a", D(2024, 1, 5), 3, 0.0, 9.0),
    ("b", D(2024, 1, 5), 4, 5.0, 0.0),
    ("b", D(2024, 1, 5), 5, -5.0, 1.0),
    ("c", D(2024, 1, 5), 6, 8.0, 2.0),
]


def test_discounts(distributed):
    distributed.meet_pandas(road_of_discounts)


def road_of_discounts(engine):
    lines = columns_of(["customer_id", "date", "invoice", "eur", "off"], DISCOUNTS)
    found = summarize_discounts(
        engine.frame(lines),
        BY_EUR,
        discount="off",
        prior=(1, 3),
        customers=engine.frame({"customer_id": ["d", "a"]}),
    )
    flags = engine.frame(lines | {"off": [one > 0 for one in lines["off"]]})
    learned = summarize_discounts(flags, BY_EUR, discount="off")
    prior = pd.DataFrame({"prior": discount_prior(found)})
    return {
        "given": engine.read(found),
        "learned": engine.read(learned),
        "prior": prior,
    }


# Kinds of occasion as text, numbers and truths, an order with several or without one;
# parts of days, Easter, and d returned what was bought.
# fmt: off
OCCASIONS = [
    ("a", "1", D(2024, 1, 5, 5, 59), 10.0, "tea", 7, True),
    ("a", "2", D(2024, 1, 6, 6), 10.0, "tea", 7, False),
    ("a", "3", D(2024, 3, 31, 21, 59), 10.0, "toy", 12, True),
    ("a", "4", D(2024, 4, 1, 22), 10.0, None, None, True),
    ("b", "5", D(2024, 12, 24, 12), 10.0, "tea", 12, False),
    ("b", "5", D(2024, 12, 24, 12), 30.0, "toy", None, False),
    ("c", "6", D(2024, 7, 1, 17, 59), 10.0, "toy", 7, True),
    ("c", "6", D(2024, 7, 1, 17, 59), 10.0, "tea", 12, True),
    ("d", "7", D(2024, 7, 1, 10), 0.0, "tea", 7, False),
]
# fmt: on


def test_occasions(distributed):
    distributed.meet_pandas(road_of_occasions)


def road_of_occasions(engine):
    names = ["customer_id", "invoice", "date", "eur", "category", "store", "gift"]
    found = summarize_occasions(
        engine.frame(columns_of(names, OCCASIONS)),
        BY_EUR,
        seasons={"late": (9, 10, 11, 12), "early": range(1, 9)},
        holidays={"easter": ["2024-03-31", "2024-04-01"]},
        by={"purpose": "category", "at": "store", "gift": "gift"},
        counts=True,
        customers=engine.frame({"customer_id": ["new", "b"]}),
    )
    return {"customers": engine.read(found)}


# The window is 1 to 10 February: c came in it, and b bought again after it.
OUTCOMES = [
    ("a", D(2024, 1, 5), "1", 30.0),
    ("b", D(2024, 1, 31), "2", 10.0),
    ("a", D(2024, 2, 1), "3", 20.0),
    ("c", D(2024, 2, 7), "4", 5.0),
    ("a", D(2024, 2, 10), "5", 7.0),
    ("b", D(2024, 2, 11), "6", 100.0),
]


def test_outcome(distributed):
    distributed.meet_pandas(road_of_outcome)


def road_of_outcome(engine):
    lines = columns_of(["customer_id", "date", "invoice", "eur"], OUTCOMES)
    table = engine.frame(lines)
    window = {"observation_period_end": "2024-01-31", "outcome_days": 10}
    found = summarize_outcome(table, BY_EUR, **window)
    assert isinstance(found, type(table))
    # Ids that no float can hold, and floats that stand for whole numbers.
    places = {"a": 2**53, "b": 2**53 + 1, "c": 2**53 + 3}
    numbers = engine.frame(
        lines | {"customer_id": [places[one] for one in lines["customer_id"]]}
    )
    listed = {"customer_id": [2**53 + 5, 2**53 + 3, 2**53]}
    asked = summarize_outcome(numbers, BY_EUR, customers=engine.frame(listed), **window)
    return {"observed": engine.read(found), "asked": engine.read(asked)}
