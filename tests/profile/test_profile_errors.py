"""Every error sentence of profiles."""

import re
from datetime import time, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, DegenerateFitError, SchemaError
from custseg.profile import profile_segments

TABLE = pd.DataFrame({"spend": [1.0, 2.0, 3.0], "city": ["a", "b", "a"]})
LABELS = [0, 0, 1]


def refused(error, message, customers=TABLE, labels=LABELS, **options):
    with pytest.raises(error, match=re.escape(message)):
        profile_segments(customers, labels, **options)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (
            [0, 1],
            SchemaError,
            "labels must have one label a customer, shape (3,). Got shape (2,)",
        ),
        ([[0, 0, 1]], SchemaError, "shape (3,). Got shape (1, 3) instead."),
        (
            [0.0, 1.0, np.nan],
            DataQualityError,
            "labels must not be missing. Got 1 missing of 3 instead.",
        ),
        (
            pd.array([0, None, 1], dtype="Int64"),
            DataQualityError,
            "Got 1 missing of 3 instead. Use -1 for a customer without a segment.",
        ),
        ([0.0, 1.0, 1.0], SchemaError, "labels must be integers. Got float64 instead."),
        ([True, False, True], SchemaError, "labels must be integers. Got bool"),
        (["a", "b", "c"], SchemaError, "labels must be integers. Got "),
        (
            [0, -2, -3],
            DataQualityError,
            "labels must be -1 or from 0 up. Got 2 below -1 instead.",
        ),
        (
            [-1, -1, -1],
            DegenerateFitError,
            "At least one customer must have a segment. Got none of 3 with a label",
        ),
    ],
)
def test_labels(labels, error, message):
    refused(error, message, labels=labels)


def test_nullable_labels_without_missing_are_integers():
    labels = pd.Series([0, 0, 1], dtype="Int64")
    assert profile_segments(TABLE, labels).sizes == {0: 2, 1: 1}


def test_labels_in_another_order():
    table = TABLE.set_axis([5, 6, 7])
    refused(
        SchemaError,
        "labels must be in the order of customers. Got the same index in another order "
        "instead. Pass labels.loc[customers.index].",
        customers=table,
        labels=pd.Series(LABELS, index=[7, 6, 5]),
    )
    # Labels numbered from 0 go by position.
    assert profile_segments(table, pd.Series(LABELS)).sizes == {0: 2, 1: 1}


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        ([1, 1], SchemaError, "sample_weight must have one weight a customer, shape"),
        (
            [1, -1, np.nan],
            DataQualityError,
            "must be finite and not negative. Got 2 weights that are not instead.",
        ),
        ([0, 0, 0], DegenerateFitError, "with a label from 0 up and a positive weight"),
    ],
)
def test_weights(weights, error, message):
    refused(error, message, sample_weight=weights)


def test_columns_that_are_not_there():
    refused(
        SchemaError,
        "columns must name columns of the table. Got 'spent' instead. There are "
        "'spend', 'city'.",
        columns=["spent"],
    )
    refused(
        SchemaError,
        "categorical must name columns of the table. Got 'Region' instead.",
        categorical=["Region"],
    )
    refused(
        SchemaError,
        "columns must be a sequence of column names. Got the text 'spend' instead. "
        "Write columns=['spend'].",
        columns="spend",
    )
    refused(
        SchemaError,
        "columns must name each column once. Got 'spend'",
        columns=["spend", "spend"],
    )


def test_ids_asked_for():
    refused(
        SchemaError,
        "Column 'id' must have values that customers share. Got customer ids instead.",
        customers=TABLE.assign(id=["x", "y", "z"]),
        columns=["spend", "id"],
    )


def test_nothing_to_describe():
    refused(
        SchemaError,
        "customers must have a column to describe. Got none instead (customer_id: "
        "customer ids).",
        customers=pd.DataFrame({"customer_id": ["x", "y", "z"]}),
    )
    refused(SchemaError, "customers must have a column to describe.", columns=[])


def test_tables_that_are_none():
    refused(
        SchemaError,
        "The customer table must be in memory. Got a LazyFrame instead. Call "
        ".collect() first.",
        customers=pl.LazyFrame({"x": [1, 2, 3]}),
    )
    refused(SchemaError, "Got shape (3,) instead.", customers=np.zeros(3))
    refused(SchemaError, "Got shape (0, 2) instead.", customers=TABLE[:0], labels=[])
    refused(SchemaError, "Got shape (3, 0) instead.", customers=TABLE[[]])
    refused(
        SchemaError,
        "Column names must be unique. Got 'x' more than once instead.",
        customers=pd.DataFrame(np.zeros((3, 2)), columns=["x", "x"]),
    )


def test_infinite_values_are_counted_and_not_shown():
    refused(
        DataQualityError,
        "Column 'spend' must hold finite numbers. Got infinite values in 2 of 3 rows "
        "instead (first: row 1).",
        customers=TABLE.assign(spend=[1, np.inf, -np.inf]),
    )


def test_codes_too_large_to_be_told_apart():
    refused(
        SchemaError,
        "Column 'card' must hold codes below 2**53 to be read as levels. Got larger "
        "numbers instead",
        customers=TABLE.assign(card=[2**53, 2**53 + 1, 7]),
        categorical=["card"],
    )


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"gap": pd.to_timedelta([1, 2, 3], unit="D")}),
        pl.DataFrame({"gap": [timedelta(days=1)] * 3}),
        pl.DataFrame({"gap": [time(1)] * 3}),
        pd.DataFrame({"gap": ["a", timedelta(1), None]}),
    ],
)
def test_columns_that_cannot_be_described(table):
    refused(
        SchemaError,
        "Column 'gap' must hold numbers, text, categories, booleans or dates. Got ",
        customers=table,
    )


@pytest.mark.parametrize(
    "table",
    [
        pl.DataFrame({"gap": [[1], [2], [3]]}),
        pd.DataFrame({"gap": [[1], [2], [3]]}),
        pd.DataFrame({"gap": [{"a": 1}, {}, {}]}),
    ],
)
def test_cells_that_are_no_values(table):
    refused(
        SchemaError,
        "Column 'gap': each cell of the argument must be text (a string), a number, a "
        "boolean or missing. Got 3 of type ",
        customers=table,
    )


def test_names():
    refused(
        ValueError,
        "Segments must have distinct names. Got ['a', 'a'] instead.",
        names={0: "a", 1: "a"},
    )
    refused(
        ValueError, "Names of segments must be text. Got ['a', 3]", names={0: "a", 1: 3}
    )
    refused(
        SchemaError,
        "names must be a dict from segment to name. Got list instead.",
        names=["a", "b"],
    )
    profile = profile_segments(TABLE, LABELS)
    with pytest.raises(ValueError, match="Segments must have distinct names"):
        profile.rename({0: "segment 1"})
