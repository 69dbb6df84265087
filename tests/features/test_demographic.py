"""DemographicTransformer: worked cases, levels, unseen values, refusals."""

import datetime as dt
import pickle
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.pipeline import make_pipeline

from custseg.assignment import compile_scorer
from custseg.cluster import KMeansSegmenter
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


# -- ages and bands ----------------------------------------------------------------


def ages(born, reference="2024-06-15", **parameters):
    """Ages without scaling, None where missing."""
    transformer = DemographicTransformer(
        birth="born", reference_date=reference, scale=False, log="none", **parameters
    )
    table = born if hasattr(born, "columns") else pd.DataFrame({"born": born})
    Z = transformer.set_output(transform="pandas").fit_transform(table)
    assert list(Z) == ["age"]
    return Z["age"].tolist()


def test_ages_of_birth_years_are_differences():
    assert ages([2000, 1984, 1904.0, 2024]) == [24, 40, 120, 0]


def test_ages_of_birth_dates_are_completed_years():
    # On 15 June 2024: born on the day, a day before, a day after; on 29 February.
    born = ["2000-06-15", "2000-06-14", "2000-06-16", "2004-02-29", "2024-06-15"]
    assert ages(pd.to_datetime(born)) == [24, 24, 23, 20, 0]
    # Who was born on 29 February is a year older on 1 March, where there is no 29.
    leap = pd.to_datetime(["2004-02-29"])
    assert ages(leap, "2023-02-28") == [18]
    assert ages(leap, "2023-03-01") == [19]
    assert ages(leap, "2024-02-29") == [20]


@pytest.mark.parametrize(
    "born",
    [
        pd.DataFrame({"born": pd.to_datetime(["1980-02-29 23:30", None])}),
        pd.DataFrame({"born": pd.to_datetime(["1980-02-29 23:30", None], utc=True)}),
        pd.DataFrame({"born": pd.array([dt.date(1980, 2, 29), None], dtype=object)}),
        pd.DataFrame({"born": [np.datetime64("1980-02-29"), None]}, dtype=object),
        pl.DataFrame({"born": [dt.date(1980, 2, 29), None]}),
        pl.DataFrame({"born": [dt.datetime(1980, 2, 29, 23, 30), None]}),
    ],
)
def test_every_kind_of_date(born):
    # The gap becomes the median, which is the age of the only other.
    assert ages(born, "2020-02-28") == [39, 39]
    assert ages(born, "2020-02-29") == [40, 40]


def test_dates_are_those_of_the_clock_on_the_wall():
    # 23:30 in UTC on 29 February is 08:30 on 1 March in Tokyo.
    born = pd.Series(pd.to_datetime(["1980-02-29 23:30"], utc=True))
    tokyo = born.dt.tz_convert("Asia/Tokyo")
    for table in (
        pd.DataFrame({"born": tokyo}),
        pl.DataFrame({"born": tokyo.to_list()}),
    ):
        assert ages(table, "2020-02-29") == [39]
        assert ages(table, "2020-03-01") == [40]


def test_dates_of_arrow():
    pyarrow = pytest.importorskip("pyarrow")
    born = [dt.date(1980, 3, 1), dt.date(1990, 1, 1)]
    assert ages(pyarrow.table({"born": born}).to_pandas(), "2020-02-29") == [39, 30]
    transformer = DemographicTransformer(
        birth="born", reference_date="2020-02-29", scale=False
    )
    Z = transformer.fit_transform(pyarrow.table({"born": born}))
    assert Z.ravel().tolist() == [39, 30]


def test_dates_in_an_array():
    born = np.array([["1980-03-01"], ["1990-01-01"]], dtype="datetime64[D]")
    transformer = DemographicTransformer(
        birth="x0", reference_date="2020-02-29", scale=False
    )
    assert transformer.fit_transform(born).ravel().tolist() == [39, 30]
    assert transformer.get_feature_names_out().tolist() == ["age"]


@pytest.mark.parametrize(
    "reference",
    [
        "2024-06-15",
        "2024-06-15T23:59",
        dt.date(2024, 6, 15),
        dt.datetime(2024, 6, 15, 8),
        pd.Timestamp("2024-06-15 08:00", tz="Europe/Berlin"),
        np.datetime64("2024-06-15"),
    ],
)
def test_kinds_of_reference_dates(reference):
    assert ages(pd.to_datetime(["2000-06-15", "2000-06-16"]), reference) == [24, 23]


def test_the_reference_date_is_frozen():
    table = pd.DataFrame({"born": [1980, 2000]})
    transformer = DemographicTransformer(
        birth="born", reference_date="2024-12-31", scale=False
    ).fit(table)
    assert transformer.reference_date_ == dt.date(2024, 12, 31)
    transformer.set_params(reference_date="2000-01-01")
    assert transformer.transform(table).ravel().tolist() == [44, 24]


def test_impossible_ages_are_counted_and_missing():
    # 2024 - 85 = 1939 years, 2024 - 2031 < 0; median of 24, 44 is 34.
    table = pd.DataFrame({"born": [1980, 85, 2000, 2031]})
    message = (
        "Column 'born' must give from 0 to 120 years at 2024-06-15. Got others in 2 of "
        "4 rows instead (first: row 1), counted as missing. Correct them, or mark them "
        "as missing."
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        assert ages(table) == [44, 34, 24, 34]
    message = (
        "Got others in 2 of 4 rows instead (first: row 1). Correct them, or mark them "
        "as missing, or set strict=False."
    )
    with pytest.raises(DataQualityError, match=re.escape(message)):
        ages(table, strict=True)
    # Of a later customer alone, too.
    transformer = DemographicTransformer(birth="born", reference_date="2024-06-15")
    transformer.fit(table.iloc[[0, 2]])
    with pytest.warns(SegmentWarning, match=re.escape("in 1 of 1 rows")):
        assert transformer.transform(table.iloc[[1]]).tolist() == [[0]]


def test_several_births_have_names():
    table = pd.DataFrame({"hers": [1980, 1990], "his": [1970, 1960], "age": [1, 2]})
    transformer = DemographicTransformer(
        birth={"hers": "her_age", "his": "his_age"},
        reference_date="2000-01-01",
        nominal=("age",),
        scale=False,
    ).set_output(transform="pandas")
    Z = transformer.fit_transform(table)
    assert list(Z) == ["her_age", "his_age", "age=1", "age=2"]
    assert Z.to_numpy().tolist() == [[20, 30, 1, 0], [10, 40, 0, 1]]


def test_bands_begin_with_their_edges():
    table = pd.DataFrame({"age": [17.9, 18, 29.5, 30, 59, 60, 99]})
    transformer = DemographicTransformer(
        bands={"age": (18, 30, 45, 60)}, scale=False
    ).fit(table)
    names = ("under 18", "18-29", "30-44", "45-59", "60+")
    assert transformer.levels_ == {"age": names}
    assert transformer.kinds_ == {"age": "ordered"}
    assert transformer.transform(table).ravel().tolist() == [0, 1, 1, 2, 3, 4, 4]
    nominal = DemographicTransformer(
        bands={"age": (18, 30, 45, 60)}, nominal=("age",), scale=False, min_share=0
    ).fit(table)
    assert nominal.get_feature_names_out().tolist() == [
        f"age={name}" for name in sorted(names)
    ]
    with pytest.warns(SegmentWarning, match=re.escape("unseen ones in 'age': 1 ('m")):
        assert not nominal.transform(pd.DataFrame({"age": [None]})).any()


@pytest.mark.parametrize(
    ("edges", "names"),
    [
        ((1, 2, 4), ("under 1", "1", "2-3", "4+")),
        ((20_000, 40_000.0), ("under 20000", "20000-39999", "40000+")),
        ((-5, 0, 5), ("under -5", "-5 to -1", "0-4", "5+")),
        ((0.5, 1), ("under 0.5", "0.5 to under 1", "1+")),
        ([0], ("under 0", "0+")),
    ],
)
def test_names_of_bands(edges, names):
    table = pd.DataFrame({"it": [1.0, 2.0]})
    transformer = DemographicTransformer(bands={"it": edges}).fit(table)
    assert transformer.levels_ == {"it": names}


def test_bands_of_ages_and_their_variance():
    # Ages 10, 20, 40, a gap: ranks 0, 1, 2 and their median 1; variance 1/2.
    table = pd.DataFrame({"born": [2014, 2004, 1984, None]})
    transformer = DemographicTransformer(
        birth="born", reference_date="2024-01-01", bands={"age": (18, 30)}
    )
    Z = transformer.fit_transform(table)
    np.testing.assert_allclose(Z[:, 0], np.array([-1, 0, 1, 0]) / np.sqrt(0.5))
    copy = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(copy.transform(table), Z)
    for row in range(4):
        np.testing.assert_array_equal(
            transformer.transform(table[row : row + 1]), Z[[row]]
        )


def test_a_scorer_makes_bands_and_ages():
    table = pd.DataFrame({"age": [20, 40, 60, 30], "born": [1980, 1990, 2000, 1985]})
    banded = DemographicTransformer(bands={"age": (30,)}).fit(table)
    aged = DemographicTransformer(
        birth={"born": "years"}, reference_date="2024-01-01"
    ).fit(table)
    for transformer in (banded, aged):
        road = make_pipeline(transformer, KMeansSegmenter(n_clusters=2, random_state=0))
        scorer = compile_scorer(road.fit(table))
        assert scorer.predict(table).tolist() == road.predict(table).tolist()


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


BANDED = (
    "The bands of column 'it' must be a tuple of numbers in ascending order, where a "
    "band begins. Got {} instead. Write (18, 30, 45) for 'under 18', '18-29', '30-44' "
    "and '45+'."
)


@pytest.mark.parametrize(
    ("values", "parameters", "error", "message"),
    [
        (
            [1980],
            {"birth": "it"},
            ValueError,
            "reference_date must be a date when birth is given. Got None instead. Give "
            "the day at which years are to be counted, such as that of the data; it is "
            "never today by itself.",
        ),
        (
            [1980],
            {"birth": "it", "reference_date": pd.NaT},
            ValueError,
            "reference_date must be a date when birth is given. Got NaT instead.",
        ),
        (
            [1980],
            {"birth": "it", "reference_date": "31.12.2024"},
            ValueError,
            "reference_date must be a date in the form 2024-12-31. Got '31.12.2024' "
            "instead.",
        ),
        (
            [1980],
            {"birth": "born", "reference_date": "2024-12-31"},
            SchemaError,
            "birth must name columns of the table. Got 'born' instead. There are 'it'.",
        ),
        (
            ["1980-01-01"],
            {"birth": "it", "reference_date": "2024-12-31"},
            SchemaError,
            "Column 'it' must hold numbers. Got text in 1 of 1 rows (first: row 0) "
            "instead. Give dates parsed, as by pandas.to_datetime, or years as "
            "numbers.",
        ),
        (
            [pd.Timedelta(days=3)],
            {"birth": "it", "reference_date": "2024-12-31"},
            SchemaError,
            "Column 'it' must hold numbers. Got dates or durations instead.",
        ),
        (
            [np.inf],
            {"birth": "it", "reference_date": "2024-12-31"},
            DataQualityError,
            "Column 'it' must hold finite numbers.",
        ),
        ([1.0], {"bands": {"it": (3, 2)}}, ValueError, BANDED.format("(3, 2)")),
        ([1.0], {"bands": {"it": ()}}, ValueError, BANDED.format("()")),
        ([1.0], {"bands": {"it": 18}}, ValueError, BANDED.format("18")),
        ([1.0], {"bands": {"it": "sme"}}, ValueError, BANDED.format("'sme'")),
        ([1.0], {"bands": {"it": (1, np.nan)}}, ValueError, BANDED.format("(1, nan)")),
        (
            [1.0],
            {"bands": {"age": (3, 4)}},
            SchemaError,
            "bands must name columns of the table. Got 'age' instead. There are 'it'.",
        ),
        (
            [1.0],
            {"bands": {"it": (3, 4)}, "ordered": {"it": ("a",)}},
            ValueError,
            "A column must be ordered or in bands. Got 'it' in both instead. Declare "
            "each in one.",
        ),
        (
            ["x"],
            {"bands": {"it": (3, 4)}},
            SchemaError,
            "Column 'it' must hold numbers. Got text in 1 of 1 rows (first: row 0) "
            "instead. Convert the column first (pandas.to_numeric), or leave it out of "
            "bands.",
        ),
        (
            pd.to_datetime(["2000-01-01"]),
            {},
            SchemaError,
            "Column 'it' must hold categories or numbers. Got dates or durations "
            "instead.",
        ),
    ],
)
def test_refusals_of_years_and_bands(values, parameters, error, message):
    with pytest.raises(error, match=re.escape(message)):
        fit(values, **parameters)


def test_an_age_needs_a_name_of_its_own():
    table = pd.DataFrame({"born": [1980, 1990], "age": [40, 30]})
    transformer = DemographicTransformer(birth="born", reference_date="2024-12-31")
    message = (
        "birth must give years a name that no other column has. Got 'age' instead. "
        "Leave the other column out, or give a name as in birth={'born': 'a name'}."
    )
    with pytest.raises(SchemaError, match=re.escape(message)):
        transformer.fit(table)
