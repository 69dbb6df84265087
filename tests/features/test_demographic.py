"""DemographicTransformer: worked cases, levels, unseen values, refusals."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.features import DemographicTransformer

EDUCATION = ("school", "college", "degree")


def people(rows=60, seed=0):
    """Draw a mixed table with gaps, a rare occupation and a constant."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows).astype(float),
            "income": rng.lognormal(10, 0.9, rows),
            "gender": rng.choice(["f", "m"], rows),
            "occupation": rng.choice(["clerk", "cook", "nurse"], rows),
            "education": rng.choice(EDUCATION, rows),
            "member": rng.random(rows) < 0.4,
            "country": "NL",
        }
    )
    table.loc[3:9, "income"] = np.nan
    table.loc[5, "education"] = None
    table.loc[6:8, "gender"] = None
    table.loc[10, "occupation"] = "pilot"
    return table


# -- worked on paper ---------------------------------------------------------------


def test_nominal_indicators_share_the_variance_of_one():
    # Shares f 1/2, m 1/4, missing 1/4: sum p (1 - p) = 1/4 + 3/16 + 3/16 = 5/8.
    gender = pd.DataFrame({"gender": ["f", "m", None, "f"]})
    transformer = DemographicTransformer().fit(gender)
    one = 1 / np.sqrt(5 / 8)
    Z = transformer.transform(gender)
    np.testing.assert_allclose(Z, [[one, 0, 0], [0, one, 0], [0, 0, one], [one, 0, 0]])
    assert Z.var(axis=0).sum() == pytest.approx(1)
    assert transformer.levels_ == {"gender": ("f", "m", "missing")}
    assert transformer.get_feature_names_out().tolist() == [
        "gender=f",
        "gender=m",
        "gender=missing",
    ]


def test_rare_levels_are_pooled():
    # Ten customers, a 5, b 3, c 1, d 1: c and d lie below .15. Shares .5 .3 .2, so
    # sum p (1 - p) = 1 - (.25 + .09 + .04) = .62.
    trade = pd.DataFrame({"trade": list("aaaaabbbcd")})
    transformer = DemographicTransformer(min_share=0.15).fit(trade)
    assert transformer.levels_ == {"trade": ("a", "b", "other")}
    assert transformer.pooled_levels_ == {"trade": ("c", "d")}
    one = 1 / np.sqrt(0.62)
    expected = np.zeros((10, 3))
    expected[:5, 0] = expected[5:8, 1] = expected[8:, 2] = one
    np.testing.assert_allclose(transformer.transform(trade), expected)
    # At exactly the share a level is not rare.
    exact = DemographicTransformer(min_share=0.1).fit(trade)
    assert exact.levels_ == {"trade": ("a", "b", "c", "d")}


def test_ordered_levels_become_standardised_ranks():
    # Ranks 0, 2, 1, missing, 1: median of 0, 1, 1, 2 is 1; mean 1, variance 2/5.
    table = pd.DataFrame(
        {"education": ["school", "degree", "college", None, "college"]}
    )
    transformer = DemographicTransformer(ordered={"education": EDUCATION})
    Z = transformer.set_output(transform="pandas").fit_transform(table)
    np.testing.assert_allclose(
        Z["education"], np.array([-1, 1, 0, 0, 0]) / np.sqrt(0.4), atol=1e-15
    )
    assert list(Z) == ["education"]
    assert transformer.medians_ == [1]
    assert transformer.levels_ == {"education": EDUCATION}


def test_an_order_counts_levels_that_nobody_has():
    # Ranks 0 and 2 of three levels, in levels: nothing of "college" in the data.
    table = pd.DataFrame({"education": ["school", "degree"]})
    transformer = DemographicTransformer(ordered={"education": EDUCATION}, scale=False)
    assert transformer.fit_transform(table).tolist() == [[0], [2]]
    assert transformer.transform(pd.DataFrame({"education": ["college"]})).tolist() == [
        [1]
    ]


def test_numbers_are_filled_and_standardised():
    # 20, 40, 60 and a gap filled by 40: mean 40, variance (400 + 400) / 4 = 200.
    age = pd.DataFrame({"age": [20, 40, 60, None]})
    Z = DemographicTransformer().fit_transform(age)
    np.testing.assert_allclose(Z[:, 0], np.array([-20, 0, 20, 0]) / np.sqrt(200))


def test_indicators_of_missing_numbers_and_ranks():
    table = pd.DataFrame(
        {"age": [20, 40, None, 60], "education": ["school", None, "degree", "school"]}
    )
    transformer = DemographicTransformer(
        ordered={"education": EDUCATION}, add_indicator=True
    )
    Z = transformer.set_output(transform="pandas").fit_transform(table)
    assert list(Z) == ["age", "age=missing", "education", "education=missing"]
    variances = Z.var(ddof=0).to_numpy()
    np.testing.assert_allclose(variances.reshape(2, 2).sum(axis=1), 1)
    # Indicator variance 3/16 before both are divided by sqrt(1 + 3/16).
    np.testing.assert_allclose(Z["age=missing"], [0, 0, 1 / np.sqrt(19 / 16), 0])


def test_without_scale():
    table = pd.DataFrame({"age": [20, 40], "gender": ["f", "m"], "land": ["x", "x"]})
    Z = DemographicTransformer(scale=False).fit_transform(table)
    assert Z.tolist() == [[20, 1, 0, 1], [40, 0, 1, 1]]


# -- what a column is --------------------------------------------------------------


def test_kinds_by_type_and_by_declaration():
    table = people().assign(
        size=pd.Categorical(["s", "l"] * 30, ["s", "l"], ordered=True),
        trade=pd.Categorical(["x", "y"] * 30),
        channel=[1, 2] * 30,
    )
    transformer = DemographicTransformer(
        ordered={"education": EDUCATION}, nominal=("channel",)
    ).fit(table)
    assert transformer.kinds_ == {
        "age": "numeric",
        "income": "numeric",
        "gender": "nominal",
        "occupation": "nominal",
        "education": "ordered",
        "member": "nominal",
        "country": "nominal",
        "size": "ordered",
        "trade": "nominal",
        "channel": "nominal",
    }
    assert transformer.levels_["size"] == ("s", "l")
    assert transformer.levels_["channel"] == ("1", "2")
    assert transformer.levels_["member"] == ("False", "True")
    assert transformer.log_columns_ == ("income",)


def test_polars_enumerations_are_ordered_and_declarations_win():
    table = pl.DataFrame(
        {"size": ["s", "l", "s"], "hue": ["red", "blue", "red"]},
        schema={"size": pl.Enum(["s", "m", "l"]), "hue": pl.Categorical},
    )
    transformer = DemographicTransformer(scale=False).fit(table)
    assert transformer.levels_ == {"size": ("s", "m", "l"), "hue": ("blue", "red")}
    assert transformer.transform(table).tolist() == [[0, 0, 1], [2, 1, 0], [0, 0, 1]]
    nominal = DemographicTransformer(nominal=("size",)).fit(table)
    assert nominal.levels_["size"] == ("l", "s")
    turned = DemographicTransformer(ordered={"size": ("l", "m", "s")}, scale=False)
    assert turned.fit_transform(table)[:, 0].tolist() == [2, 0, 2]


def test_age_bands_of_pandas_cut_are_ordered():
    bands = pd.DataFrame({"age": pd.cut([15, 25, 35], [10, 20, 30, 40])})
    transformer = DemographicTransformer(scale=False).fit(bands)
    assert transformer.levels_ == {"age": ("(10, 20]", "(20, 30]", "(30, 40]")}
    assert transformer.transform(bands).tolist() == [[0], [1], [2]]


def test_a_mixed_list_keeps_its_numbers():
    Z = DemographicTransformer(log="none").fit_transform([["f", 30], ["m", 50]])
    np.testing.assert_allclose(Z, [[np.sqrt(2), 0, -1], [0, np.sqrt(2), 1]])


# -- how levels are written --------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        [1, 2, 1],
        [1.0, 2.0, 1.0],
        ["1", "2", "1"],
        [" 1", "2 ", "1"],
        [1, "2", 1.0],
        pd.Categorical([1, 2, 1]),
        pd.array([1, 2, 1], dtype="Int64"),
        np.array([1, 2, 1], dtype=np.uint8),
    ],
)
def test_codes_are_one_level_however_written(written):
    fitted = DemographicTransformer(nominal=("code",)).fit(
        pd.DataFrame({"code": [1, 2, 2]})
    )
    transformed = fitted.transform(pd.DataFrame({"code": written}))
    expected = fitted.transform(pd.DataFrame({"code": [1, 2, 1]}))
    np.testing.assert_array_equal(transformed, expected)
    assert (
        DemographicTransformer(nominal=("code",))
        .fit(pd.DataFrame({"code": written}))
        .levels_
    ) == {"code": ("1", "2")}


def test_true_is_the_text_true_and_not_one():
    fitted = DemographicTransformer().fit(pd.DataFrame({"member": [True, False, True]}))
    assert fitted.levels_ == {"member": ("False", "True")}
    np.testing.assert_array_equal(
        fitted.transform(pd.DataFrame({"member": ["True", "False"]})),
        fitted.transform(pd.DataFrame({"member": [True, False]})),
    )
    # Python holds True == 1; which of them a batch shows first must not matter.
    mixed = pd.DataFrame({"code": pd.Series([True, 1, "1", "True"], dtype=object)})
    for table in (mixed, mixed.iloc[::-1]):
        transformer = DemographicTransformer(nominal=("code",)).fit(table)
        assert transformer.levels_ == {"code": ("1", "True")}


def test_unicode_spaces_and_case():
    composed, decomposed = "Z\u00fcrich", "Zu\u0308rich"
    table = pd.DataFrame(
        {"city": [composed, decomposed, " Bern\u00a0", "bern", "Bern"]}
    )
    transformer = DemographicTransformer().fit(table)
    assert transformer.levels_ == {"city": ("Bern", composed, "bern")}


def test_blank_text_is_missing():
    table = pd.DataFrame({"city": ["Bern", "", "  ", None]})
    transformer = DemographicTransformer(scale=False).fit(table)
    assert transformer.levels_ == {"city": ("Bern", "missing")}
    assert transformer.transform(table)[:, 1].tolist() == [0, 1, 1, 1]


def test_levels_called_other_and_missing_share_those_levels():
    # other (2) takes the rare "x"; the text "missing" joins the gap.
    table = pd.DataFrame(
        {"sex": ["f"] * 4 + ["m"] * 3 + ["other", "other", "x", "missing", None]}
    )
    transformer = DemographicTransformer(min_share=0.1, scale=False).fit(table)
    assert transformer.levels_ == {"sex": ("f", "m", "other", "missing")}
    assert transformer.transform(table).sum(axis=0).tolist() == [4, 3, 3, 2]


# -- unseen, missing, rare ---------------------------------------------------------


def test_unseen_levels_are_counted():
    table = pd.DataFrame({"age": [1, 2, 3, 4], "gender": ["f", "m", "f", "m"]})
    later = pd.DataFrame({"age": [1, 2, 3, 4], "gender": ["x", "f", None, "y"]})
    transformer = DemographicTransformer(scale=False).fit(table)
    message = (
        "Levels must have been seen in fit. Got unseen ones in 'gender': 3 ('x', 'y', "
        "'missing') rows, counted as no level instead. Correct them, or fit again with "
        "customers who have them."
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        Z = transformer.transform(later)
    assert Z[:, 1:].tolist() == [[0, 0], [1, 0], [0, 0], [0, 0]]
    strict = DemographicTransformer(strict=True).fit(table)
    message = (
        "Levels must have been seen in fit. Got unseen ones in 'gender': 3 ('x', 'y', "
        "'missing') rows instead. Correct them, or set strict=False."
    )
    with pytest.raises(SchemaError, match=re.escape(message)):
        strict.transform(later)


def test_each_column_is_told_what_its_unseen_levels_count_as():
    table = pd.DataFrame(
        {
            "region": ["north"] * 9 + ["islands"],
            "gender": ["f", "m"] * 5,
            "school": ["low", "high"] * 5,
        }
    )
    order = {"school": ("low", "high")}
    transformer = DemographicTransformer(ordered=order, min_share=0.2).fit(table)
    assert "other" in transformer.levels_["region"]
    later = pd.DataFrame({"region": ["moon"], "gender": ["x"], "school": ["none"]})
    message = (
        "'region': 1 ('moon') rows, counted as 'other'; 'gender': 1 ('x') rows, "
        "counted as no level; 'school': 1 ('none') rows, counted as the median rank "
        "instead."
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)) as caught:
        transformer.transform(later)
    assert len(caught) == 1


def test_unseen_goes_to_other_and_pooled_levels_are_known():
    table = pd.DataFrame({"trade": list("aaaaabbbcd")})
    transformer = DemographicTransformer(min_share=0.15, scale=False).fit(table)
    pooled = pd.DataFrame({"trade": ["c", "d"]})
    assert transformer.transform(pooled).tolist() == [[0, 0, 1], [0, 0, 1]]
    unseen = pd.DataFrame({"trade": ["z", None]})
    with pytest.warns(SegmentWarning, match=re.escape("'trade': 2 ('z', 'missing')")):
        assert transformer.transform(unseen).tolist() == [[0, 0, 1], [0, 0, 1]]


def test_unseen_level_of_an_order_becomes_the_median_rank():
    table = pd.DataFrame({"education": ["school", "degree", "college"]})
    later = pd.DataFrame({"education": ["doctorate", "school", None]})
    transformer = DemographicTransformer(ordered={"education": EDUCATION}, scale=False)
    transformer.fit(table)
    with pytest.warns(
        SegmentWarning, match=re.escape("'education': 1 ('doctorate') rows")
    ):
        assert transformer.transform(later).tolist() == [[1], [0], [1]]


def test_a_column_of_rare_levels_only_is_warned_of():
    table = pd.DataFrame({"email": [f"c{i}@example.org" for i in range(200)]})
    transformer = DemographicTransformer()
    message = (
        "Column 'email' must have a level shared by 0.01 of the customers. Got 200 "
        "rarer levels instead, all pooled. Leave the column out if it is an "
        "identifier, band it, or lower min_share."
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        transformer.fit(table)
    # The fitted state does not carry the customers, and later ones are no news.
    assert transformer.levels_ == {"email": ("other",)}
    assert transformer.pooled_levels_ == {"email": ()}
    assert np.all(transformer.transform(pd.DataFrame({"email": ["new@x.org"]})) == 0)


# -- invariants --------------------------------------------------------------------


@pytest.fixture
def fitted():
    return DemographicTransformer(
        ordered={"education": EDUCATION}, min_share=0.05, add_indicator=True
    ).fit(people())


def test_every_customer_column_has_a_total_variance_of_one(fitted):
    Z = fitted.transform(people())
    names = fitted.get_feature_names_out()
    columns = np.array([name.split("=")[0] for name in names])
    totals = {c: Z[:, columns == c].var(axis=0).sum() for c in fitted.kinds_}
    assert totals.pop("country") == 0
    assert all(total == pytest.approx(1) for total in totals.values()), totals


def test_alone_equals_in_a_batch(fitted):
    table = people()
    together = fitted.transform(table)
    alone = [fitted.transform(table.iloc[[i]])[0] for i in range(len(table))]
    np.testing.assert_array_equal(alone, together)


def test_customer_order_does_not_matter(fitted):
    table = people()
    turned = DemographicTransformer(**fitted.get_params()).fit(table.iloc[::-1])
    np.testing.assert_allclose(turned.transform(table), fitted.transform(table))


def test_frames_and_arrays_give_the_same_numbers(fitted):
    table = people()
    expected = fitted.transform(table)
    objects = table.astype(object).where(table.notna(), None)
    polars = pl.DataFrame({name: list(objects[name]) for name in objects})
    for other in (
        objects,
        table.convert_dtypes(),
        table.astype({"gender": "category", "occupation": "category"}),
        polars,
    ):
        refitted = DemographicTransformer(**fitted.get_params())
        np.testing.assert_allclose(refitted.fit_transform(other), expected)
        np.testing.assert_array_equal(fitted.transform(other), expected)
    array = DemographicTransformer(**fitted.get_params())
    array.set_params(ordered={"x4": EDUCATION})
    np.testing.assert_allclose(array.fit_transform(objects.to_numpy()), expected)


def test_one_customer_without_any_value(fitted):
    table = people()
    nothing = pd.DataFrame([[None] * table.shape[1]], columns=list(table))
    with pytest.warns(SegmentWarning, match="unseen ones in 'occupation': 1"):
        Z = fitted.transform(nothing)
    assert np.all(np.isfinite(Z))
    names = fitted.get_feature_names_out().tolist()
    assert Z[0, names.index("gender=missing")] > 0
    assert Z[0, names.index("occupation=other")] > 0


def test_transform_leaves_the_table_and_the_object_alone(fitted):
    table, before = people(), dict(vars(fitted))
    fitted.transform(table)
    pd.testing.assert_frame_equal(table, people())
    assert vars(fitted).keys() == before.keys()
    assert all(vars(fitted)[name] is before[name] for name in before)


def test_arrow_tables():
    pyarrow = pytest.importorskip("pyarrow")
    table = {"age": [20, 40, None], "gender": ["f", None, "m"]}
    arrow = DemographicTransformer().fit_transform(pyarrow.table(table))
    expected = DemographicTransformer().fit_transform(pd.DataFrame(table))
    np.testing.assert_array_equal(arrow, expected)


# -- refusals ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (["34", "51", "28"], "3 of 3"),
        (["1,5", "2,5", None], "2 of 2"),
        (["1 200", "2.500,10", "900"], "3 of 3"),
        (["0", "1", "2", "3+"], "3 of 4"),
        (["34", "n/a", "51"], "2 of 3"),
        ([34, "n/a", 51.5], "2 of 3"),
        (["40%", "-2e3", "x"], "2 of 3"),
    ],
)
def test_text_that_reads_as_numbers_is_not_guessed(values, found):
    table = pd.DataFrame({"age": pd.Series(values, dtype=object)})
    message = (
        "Column 'age' must hold numbers or named levels. Got text in which "
        f"{found} values read as numbers instead. Convert it (pandas.to_numeric), or "
        "declare it in nominal= or ordered=."
    )
    with pytest.raises(SchemaError, match=re.escape(message)):
        DemographicTransformer().fit(table)
    nominal = DemographicTransformer(nominal=("age",)).fit(table)
    assert nominal.kinds_ == {"age": "nominal"}


@pytest.mark.parametrize("values", [["18-25", "26-35"], ["A1", "B2"], ["nan", "inf"]])
def test_text_with_digits_may_be_levels(values):
    transformer = DemographicTransformer().fit(pd.DataFrame({"band": values}))
    assert transformer.levels_ == {"band": tuple(sorted(values))}


def test_text_in_a_column_that_was_numeric():
    transformer = DemographicTransformer().fit(pd.DataFrame({"age": [1, 2, 3]}))
    message = (
        "Column 'age' must hold numbers. Got numbers written as text in 2 of 2 rows "
        "(first: row 0) instead. Convert the column first (pandas.to_numeric, after "
        "looking at its decimal sign), or fit again with the column as it is now."
    )
    with pytest.raises(SchemaError, match=re.escape(message)):
        transformer.transform(pd.DataFrame({"age": ["1", "2"]}))


def fit(values, **parameters):
    return DemographicTransformer(**parameters).fit(pd.DataFrame({"it": values}))


@pytest.mark.parametrize(
    ("values", "parameters", "error", "message"),
    [
        (
            ["low", "high", "huge", "huge"],
            {"ordered": {"it": ("low", "high")}},
            SchemaError,
            "Column 'it' must hold the levels of its order. Got others in 2 ('huge') "
            "rows instead. Add them to the order, correct them or mark them as "
            "missing.",
        ),
        (
            pd.to_datetime(["2024-01-01", "2024-01-02"]),
            {},
            SchemaError,
            "Column 'it' must hold categories or numbers. Got dates or durations "
            "instead. Turn them into an age in years, a month or a band first.",
        ),
        (
            [2**53 + 1, 2**53 + 2],
            {"nominal": ("it",)},
            SchemaError,
            "Column 'it' must hold codes below 2**53 to be read as levels. Got larger "
            "numbers instead. Turn the column into text first.",
        ),
        (
            ["", None],
            {},
            DataQualityError,
            "Each column must have at least one value in fit. Got only missing values "
            "in 'it' instead. Leave out what is empty.",
        ),
        (
            [None, None],
            {},
            DataQualityError,
            "Each column must have at least one value in fit. Got only missing values "
            "in 'it' instead.",
        ),
        (
            [None, " "],
            {"ordered": {"it": ("low", "high")}},
            DataQualityError,
            "Each column must have at least one value in fit.",
        ),
        (
            [1.0, np.inf],
            {},
            DataQualityError,
            "Column 'it' must hold finite numbers. Got infinite values in 1 of 2 rows "
            "instead (first: row 1).",
        ),
        (
            ["a", "b"],
            {"nominal": ("that",)},
            SchemaError,
            "nominal must name columns of the table. Got 'that' instead. There are "
            "'it'.",
        ),
        (
            ["a", "b"],
            {"ordered": {"that": ("a", "b")}},
            SchemaError,
            "ordered must name columns of the table. Got 'that' instead. There are "
            "'it'.",
        ),
        (
            ["a", "b"],
            {"log": ("it",)},
            SchemaError,
            "log must name numeric columns of the table. Got 'it' instead. There are "
            "none.",
        ),
        (
            ["a", "b"],
            {"nominal": ("it",), "ordered": {"it": ("a", "b")}},
            ValueError,
            "A column must be ordered or nominal. Got 'it' in both instead. Declare "
            "each in one.",
        ),
        (
            ["a", "b"],
            {"ordered": {"it": ("a", "b", "a ")}},
            ValueError,
            "The order of column 'it' must be a tuple that lists each level once. Got "
            "'a', 'b', 'a' instead. Leave out blanks and repetitions.",
        ),
        (
            ["a", "b"],
            {"ordered": {"it": "ab"}},
            ValueError,
            "The order of column 'it' must be a tuple that lists each level once. Got "
            "'ab' instead.",
        ),
    ],
)
def test_refusals(values, parameters, error, message):
    with pytest.raises(error, match=re.escape(message)):
        fit(values, **parameters)


def test_seen_levels_do_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(["a", "b", None]).transform(pd.DataFrame({"it": [None]}))


def test_a_column_named_as_a_level():
    table = pd.DataFrame({"gender": ["f", "m", "f"], "gender=f": ["a", "b", "a"]})
    DemographicTransformer().fit(table)  # gender=f=a is a name of its own
    table["gender=f"] = [1.0, 2.0, 3.0]
    message = "Output columns must have names of their own. Got 'gender=f'"
    with pytest.raises(SchemaError, match=re.escape(message)):
        DemographicTransformer().fit(table)
