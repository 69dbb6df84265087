"""Tables as they come: each settled by a clear error or a counted, documented result.

Three tables of cases: what is the same as a clean table, what is counted in a
warning, and what is refused with the column, the count and the remedy.
"""

import datetime
import re
import unicodedata
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.features import (
    BehaviouralTransformer,
    DemographicTransformer,
    PsychographicTransformer,
)

NUMBERS = [1.0, 2.0, 4.0, 9.0]
TOWNS = ["Köln", "Ulm", "Ulm", "Köln"]
CODES = ["1", "2", "2", "1"]
YES = ["True", "False", "False", "True"]
ANSWERS = [1, 5, 4, 2]
FLAGS = [True, False, False, True]
GAPS = [1.0, 2.0, None, 9.0]
LEVELS = ["a", "b", None, "a"]


def behaviour():
    return BehaviouralTransformer()


def people():
    return DemographicTransformer(min_share=0)


def codes():
    return DemographicTransformer(min_share=0, nominal=("it",))


def ranks():
    return DemographicTransformer(ordered={"it": ("1", "2", "3")})


def items():
    return PsychographicTransformer(points=(1, 5))


def frame(values, dtype=None):
    return pd.DataFrame({"it": pd.Series(values, dtype=dtype)})


def nfd(texts):
    return [unicodedata.normalize("NFD", text) for text in texts]


class Same(NamedTuple):
    """A table that reads as a clean one, in `fit` and in `transform`."""

    name: str
    transformer: Any
    clean: Any
    table: Any


SAME = [
    # -- categories written in more than one way
    Same("decomposed accents", people, frame(TOWNS), frame(nfd(TOWNS))),
    Same("some decomposed", people, frame(TOWNS), frame(nfd(TOWNS[:2]) + TOWNS[2:])),
    Same("space behind", people, frame(TOWNS), frame([t + " " for t in TOWNS])),
    Same("space before", people, frame(TOWNS), frame([" " + t for t in TOWNS])),
    Same("no-break space", people, frame(TOWNS), frame([t + "\xa0" for t in TOWNS])),
    Same("line end", people, frame(TOWNS), frame([t + "\r\n" for t in TOWNS])),
    Same("codes as numbers", codes, frame(CODES), frame([1, 2, 2, 1])),
    Same("codes as floats", codes, frame(CODES), frame([1.0, 2.0, 2.0, 1.0])),
    Same("codes mixed", codes, frame(CODES), frame([1, "2", 2.0, "1"], object)),
    Same("decimal codes", codes, frame(CODES), frame([*map(Decimal, "1221")], object)),
    Same("booleans", people, frame(YES), frame(FLAGS)),
    Same("booleans mixed", people, frame(YES), frame([True, "False", False, "True"])),
    Same("ranks as text", ranks, frame([1, 2, 2, 3]), frame(["1", "2", "2", "3"])),
    Same("ranks as floats", ranks, frame([1, 2, 2, 3]), frame([1.0, 2.0, 2.0, 3.0])),
    # -- types of columns
    Same("category", people, frame(TOWNS), frame(TOWNS, "category")),
    Same("string", people, frame(TOWNS), frame(TOWNS, "string")),
    Same("objects", people, frame(TOWNS), frame(TOWNS, object)),
    Same("polars text", people, frame(TOWNS), pl.DataFrame({"it": TOWNS})),
    Same("arrow text", people, frame(TOWNS), pa.table({"it": TOWNS})),
    Same("Int64", behaviour, frame(NUMBERS), frame([1, 2, 4, 9], "Int64")),
    Same("Float64", behaviour, frame(NUMBERS), frame(NUMBERS, "Float64")),
    Same("float32", behaviour, frame(NUMBERS), frame(NUMBERS, "float32")),
    Same("int8", behaviour, frame(NUMBERS), frame([1, 2, 4, 9], "int8")),
    Same("number objects", behaviour, frame(NUMBERS), frame([1, 2.0, 4, 9], object)),
    Same("decimals", behaviour, frame(NUMBERS), frame([*map(Decimal, NUMBERS)])),
    Same("arrow", behaviour, frame(NUMBERS), frame(NUMBERS, "double[pyarrow]")),
    Same("arrow table", behaviour, frame(NUMBERS), pa.table({"it": NUMBERS})),
    Same("polars", behaviour, frame(NUMBERS), pl.DataFrame({"it": NUMBERS})),
    Same("boolean", behaviour, frame([1.0, 0, 0, 1]), frame(FLAGS)),
    # -- what is missing
    Same("NA at fit", behaviour, frame(GAPS), frame([1, 2, pd.NA, 9], "Int64")),
    Same("NA objects", behaviour, frame(GAPS), frame([1, 2, pd.NA, 9], object)),
    Same("None", behaviour, frame(GAPS), frame(GAPS, object)),
    Same("polars null", behaviour, frame(GAPS), pl.DataFrame({"it": GAPS})),
    Same("polars NaN", behaviour, frame(GAPS),
         pl.DataFrame({"it": [1.0, 2.0, np.nan, 9.0]})),
    Same("arrow null", behaviour, frame(GAPS), pa.table({"it": GAPS})),
    Same("blank text", people, frame(LEVELS), frame(["a", "b", "  ", "a"])),
    Same("empty text", people, frame(LEVELS), frame(["a", "b", "", "a"])),
    Same("NaN in text", people, frame(LEVELS),
         frame(["a", "b", np.nan, "a"], object)),
    Same("NA in text", people, frame(LEVELS),
         frame(["a", "b", pd.NA, "a"], "string")),
    Same("category NA", people, frame(LEVELS), frame(LEVELS, "category")),
    Same("missing item", items, frame([1, 5, np.nan, 2]),
         frame([1, 5, pd.NA, 2], "Int64")),
]  # fmt: skip


@pytest.mark.parametrize("case", SAME, ids=lambda case: case.name)
def test_the_same_as_a_clean_table(case):
    clean = case.transformer().fit(case.clean)
    expected = clean.transform(case.clean)
    assert np.ptp(expected) > 0  # the cases can be told apart
    np.testing.assert_array_equal(clean.transform(case.table), expected)
    dirty = case.transformer().fit(case.table)
    np.testing.assert_array_equal(dirty.transform(case.clean), expected)
    names = clean.get_feature_names_out()
    np.testing.assert_array_equal(dirty.get_feature_names_out(), names)


def test_a_masked_array_does_not_show_what_is_behind_the_mask():
    table = np.ma.masked_array(
        [[1.0], [2.0], [999.0], [9.0]], mask=[[0], [0], [1], [0]]
    )
    clean = np.array([[1.0], [2.0], [np.nan], [9.0]])
    for make in (behaviour, items):
        expected = make().fit(clean[:2]).transform(clean[:2])
        np.testing.assert_array_equal(
            make().fit(table[:2]).transform(table[:2]), expected
        )
    fitted = behaviour().fit(table)
    np.testing.assert_array_equal(fitted.transform(table), fitted.transform(clean))
    assert fitted.medians_ == [2.0]


class Counted(NamedTuple):
    """A table that reads with a warning: what it says, and what the first row is."""

    name: str
    transformer: Any
    fitted: Any
    table: Any
    message: str
    first_row: Any


COUNTED = [
    Counted("unseen level", people, frame(TOWNS), frame(["Trier"]),
            "'it': 1 ('Trier') rows, counted as no level", [0, 0]),
    Counted("level in other case", people, frame(TOWNS), frame(["ULM"]),
            "'it': 1 ('ULM') rows, counted as no level", [0, 0]),
    Counted("missing where none was", people, frame(TOWNS), frame([None], object),
            "'it': 1 ('missing') rows, counted as no level", [0, 0]),
    Counted("boolean for code", codes, frame(CODES), frame([True]),
            "'it': 1 ('True') rows, counted as no level", [0, 0]),
    Counted("unseen code", codes, frame(CODES), frame([3]),
            "'it': 1 ('3') rows, counted as no level", [0, 0]),
    Counted("leading zero", codes, frame(CODES), frame(["01"]),
            "'it': 1 ('01') rows, counted as no level", [0, 0]),
    # Ranks 0, 1, 1, 2 have the median 1, which is their mean too.
    Counted("unseen rank", ranks, frame([1, 2, 2, 3]), frame([4]),
            "'it': 1 ('4') rows, counted as the median rank", [0]),
]  # fmt: skip


@pytest.mark.parametrize("case", COUNTED, ids=lambda case: case.name)
def test_counted_in_a_warning(case):
    fitted = case.transformer().fit(case.fitted)
    with pytest.warns(SegmentWarning, match=re.escape(case.message)):
        row = fitted.transform(case.table)
    np.testing.assert_array_equal(row, [case.first_row])
    if hasattr(fitted, "strict"):
        with pytest.raises(SchemaError, match="set strict=False"):
            fitted.set_params(strict=True).transform(case.table)


class Refused(NamedTuple):
    """A table that is refused at fit, or at transform when `fitted` is given."""

    name: str
    transformer: Any
    table: Any
    error: type
    message: str
    fitted: Any = None


DAYS = [datetime.datetime(2024, 1, day) for day in (1, 2, 3, 4)]
TWICE = pd.DataFrame([[1.0, 2.0], [3.0, 4.0]], columns=["it", "it"])
NO_VALUE = "Got only missing values in 'it'"
REFUSED = [
    # -- numbers written as text
    Refused("numbers as text", behaviour, frame(["1", "2", "4", "9"]), SchemaError,
            "Column 'it' must hold numbers. Got numbers written as text in 4 of 4"),
    Refused("decimal commas", behaviour, frame(["1,5", "2,5", "4", "9"]), SchemaError,
            "Column 'it' must hold numbers. Got text in 2 of 4 rows (first: row 0)"),
    Refused("one text", behaviour, frame([1, 2, "n/a", 9], object), SchemaError,
            "Column 'it' must hold numbers. Got text in 1 of 4 rows (first: row 2)"),
    Refused("currency", behaviour, frame(["1 €", "2 €", "4 €", "9 €"]), SchemaError,
            "Column 'it' must hold numbers. Got text in 4 of 4 rows"),
    Refused("text at transform", behaviour, frame(["1"]), SchemaError,
            "Column 'it' must hold numbers. Got numbers written as text in 1 of 1",
            frame(NUMBERS)),
    Refused("numeric text as levels", people, frame(["1", "2", "4", "9"]), SchemaError,
            "Got text in which 4 of 4 values read as numbers"),
    Refused("decimal commas as levels", people, frame(["1,5", "2,5", "4"]), SchemaError,
            "Got text in which 3 of 3 values read as numbers"),
    Refused("percent signs", people, frame(["40%", "20%", "4%"]), SchemaError,
            "Got text in which 3 of 3 values read as numbers"),
    Refused("text for an age", people, frame(["41"]), SchemaError,
            "Column 'it' must hold numbers. Got numbers written as text in 1 of 1",
            frame(NUMBERS)),
    Refused("items as text", items, frame(["1", "5"]), SchemaError,
            "Code the answers as numbers first"),
    Refused("items in words", items, frame(["agree", "disagree"]), SchemaError,
            "Column 'it' must hold numbers. Got text in 2 of 2 rows"),
    Refused("categories", behaviour, frame(["a", "b"], "category"), SchemaError,
            "Column 'it' must hold numbers. Got categories in 2 of 2 rows"),
    # -- dates
    Refused("dates", behaviour, frame(DAYS), SchemaError,
            "Column 'it' must hold numbers. Got dates or durations"),
    Refused("polars dates", behaviour, pl.DataFrame({"it": DAYS}), SchemaError,
            "Column 'it' must hold numbers. Got dates or durations"),
    Refused("date cells", behaviour, frame([d.date() for d in DAYS], object),
            SchemaError,
            "Column 'it' must hold numbers. Got dates or durations"),
    Refused("durations", behaviour, frame([d - DAYS[0] for d in DAYS]), SchemaError,
            "Column 'it' must hold numbers. Got dates or durations"),
    Refused("date array", behaviour, np.array(DAYS, "datetime64[D]")[:, None],
            SchemaError,
            "Column 'x0' must hold numbers. Got dates or durations"),
    Refused("dates as levels", people, frame(DAYS), SchemaError,
            "Column 'it' must hold categories or numbers. Got dates or durations"),
    Refused("dates as answers", items, frame(DAYS), SchemaError,
            "Column 'it' must hold numbers. Got dates or durations"),
    # -- nothing there
    Refused("empty column", behaviour, frame([np.nan] * 4), DataQualityError, NO_VALUE),
    Refused("empty objects", behaviour, frame([None] * 4), DataQualityError, NO_VALUE),
    Refused("empty levels", codes, frame([None] * 4), DataQualityError, NO_VALUE),
    Refused("blank levels", people, frame([" ", ""]), DataQualityError, NO_VALUE),
    Refused("empty item", items, frame([np.nan] * 4), DataQualityError, NO_VALUE),
    Refused("no rows", behaviour, frame([], float), ValueError, "at least one row"),
    Refused("no columns", behaviour, pd.DataFrame(index=range(3)), ValueError,
            "Got 3 rows and 0 columns"),
    # -- impossible numbers
    Refused("infinite", behaviour, frame([1, 2, np.inf, 9]), DataQualityError,
            "Got infinite values in 1 of 4 rows instead (first: row 2)"),
    Refused("minus infinite", people, frame([1, -np.inf, 4, 9]), DataQualityError,
            "Got infinite values in 1 of 4 rows instead (first: row 1)"),
    Refused("infinite later", behaviour, frame([np.inf]), DataQualityError,
            "Got infinite values in 1 of 1 rows", frame(NUMBERS)),
    Refused("answers above", items, frame([1, 5, 6, 2]), DataQualityError,
            "Answers must lie between 1 and 5. Got answers outside in 'it' (1)"),
    Refused("answers below", items, frame([1, 0, 0, 2]), DataQualityError,
            "Answers must lie between 1 and 5. Got answers outside in 'it' (2)"),
    Refused("99 for no answer", items, frame([99]), DataQualityError,
            "Answers must lie between 1 and 5. Got answers outside in 'it' (1)",
            frame(ANSWERS)),
    Refused("codes too large", codes, frame([2**53, 2**53 + 1]), SchemaError,
            "Column 'it' must hold codes below 2**53"),
    Refused("level outside the order", ranks, frame([1, 2, 4, 4]), SchemaError,
            "must hold the levels of its order. Got others in 2 ('4') rows"),
    # -- tables of another shape
    Refused("names twice", behaviour, TWICE, SchemaError,
            "Column names must be unique. Got 'it' more than once"),
    Refused("names twice later", behaviour, TWICE, SchemaError,
            "Column names must be unique. Got 'it' more than once", frame(NUMBERS)),
    Refused("another name", behaviour, frame(NUMBERS).rename(columns={"it": "that"}),
            ValueError, "feature names should match", frame(NUMBERS)),
    Refused("a column too many", behaviour, frame(NUMBERS).assign(that=1.0),
            ValueError, "feature names should match", frame(NUMBERS)),
    Refused("an array too wide", behaviour, np.ones((2, 3)), ValueError,
            "3 features", np.ones((4, 2)) * [[1, 2]] + np.eye(4, 2)),
    Refused("lazy", behaviour, pl.LazyFrame({"it": NUMBERS}), SchemaError,
            "Got a LazyFrame instead. Call .collect() first."),
    Refused("one dimension", behaviour, np.array(NUMBERS), ValueError, "Expected 2D"),
    Refused("complex", behaviour, np.array([[1 + 2j], [2]]), ValueError, "omplex"),
    Refused("lists in cells", behaviour, frame([[1], [2], [4], [9]]), SchemaError,
            "Got 4 of type list instead"),
]  # fmt: skip


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_refused(case):
    transformer = case.transformer()
    act = transformer.fit
    if case.fitted is not None:
        act = transformer.fit(case.fitted).transform
    with pytest.raises(case.error, match=re.escape(case.message)):
        act(case.table)


ROWS_OF_NUMBERS = {
    "NaN": frame([np.nan]),
    "None": frame([None], object),
    "NA": frame([pd.NA], "Int64"),
    "polars null": pl.DataFrame({"it": [None]}),
    "arrow null": pa.table({"it": pa.array([None])}),
}
ROWS_OF_LEVELS = {
    **ROWS_OF_NUMBERS,
    "NA string": frame([pd.NA], "string"),
    "category": frame([None], "category"),
}


# A column of one customer has no type of its own when its value is missing.
@pytest.mark.parametrize("row", ROWS_OF_NUMBERS.values(), ids=ROWS_OF_NUMBERS)
@pytest.mark.parametrize("make", [behaviour, people, items])
def test_a_missing_number_of_one_customer(make, row):
    fitted = make().fit(frame([1.0, 2.0, np.nan, 4.0]))
    expected = fitted.transform(frame([1.0, np.nan]))[[1]]
    np.testing.assert_array_equal(fitted.transform(row), expected)


@pytest.mark.parametrize("row", ROWS_OF_LEVELS.values(), ids=ROWS_OF_LEVELS)
def test_a_missing_level_of_one_customer(row):
    fitted = people().fit(frame(["a", "b", None, "b"]))
    np.testing.assert_array_equal(fitted.transform(row)[0] > 0, [False, False, True])


@pytest.mark.parametrize("log", ["auto", "all", ("it",)])
def test_returns_under_a_logarithm_are_finite_and_odd(log):
    spend = [-90.0, -1.0, 0.0, 1.0, 90.0, 1e6]
    fitted = BehaviouralTransformer(log=log, scale=False).fit(frame(spend))
    (numbers,) = fitted.transform(frame(spend)).T
    assert fitted.log_columns_ == ("it",)
    assert np.all(np.diff(numbers) > 0)
    np.testing.assert_allclose(numbers[:2], -numbers[4:2:-1])
    # The unit is the 5 % quantile of sizes, here 1: log(1 + 90), by hand.
    assert numbers[4] == pytest.approx(np.log(91))


def test_the_cases_are_fifty_and_more():
    names = [case.name for case in [*SAME, *COUNTED, *REFUSED]]
    assert len(names) == len(set(names))
    assert len(names) >= 50
