"""BehaviouralTransformer: worked cases, invariants, refusals."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, silhouette_score

from custseg.datasets import load_wholesale
from custseg.exceptions import DataQualityError, SchemaError
from custseg.features import BehaviouralTransformer


@pytest.fixture
def purchases():
    """Fifty customers: counts, skewed amounts with returns, gaps, a constant."""
    rng = np.random.default_rng(0)
    spend = rng.lognormal(5, 1.2, 50).round(2)
    spend[:3] = [-40.0, 0.0, -5.5]
    visits = rng.normal(20, 4, 50)
    visits[[4, 9, 30]] = np.nan
    return pd.DataFrame(
        {"orders": rng.poisson(4, 50), "spend": spend, "visits": visits, "sites": 2}
    )


# -- worked on paper ---------------------------------------------------------------


def test_missing_becomes_the_median_and_is_standardised():
    # median of 1, 2, 3, 4 is 2.5, the mean after filling too; squared deviations
    # 2.25 + .25 + .25 + 2.25 + 0 = 5 over n = 5: standard deviation 1.
    orders = pd.DataFrame({"orders": [1, 2, 3, 4, np.nan]})
    transformer = BehaviouralTransformer().fit(orders)
    assert transformer.medians_ == [2.5]
    assert transformer.means_ == [2.5]
    assert transformer.scales_ == pytest.approx([1.0])
    assert transformer.log_columns_ == ()
    np.testing.assert_allclose(
        transformer.transform(orders)[:, 0], [-1.5, -0.5, 0.5, 1.5, 0], atol=1e-15
    )


def test_signed_logarithm_of_a_skewed_amount():
    # Non-zero sizes 10, 10, 30, 2550: the 5 % quantile is 10. sign(x) log(1 + |x|/10)
    # is log 2 times 0, 1, -1, 2, 8: mean 2, squared deviations 4 + 1 + 9 + 0 + 36 = 50
    # over n = 5: standard deviation sqrt(10).
    spend = pd.DataFrame({"spend": [0.0, 10, -10, 30, 2550]})
    transformer = BehaviouralTransformer().fit(spend)
    assert transformer.log_columns_ == ("spend",)
    assert transformer.units_ == [10.0]
    np.testing.assert_allclose(
        transformer.transform(spend)[:, 0],
        np.array([-2, -1, -3, 0, 6]) / np.sqrt(10),
        atol=1e-15,
    )


def test_indicator_shares_the_variance_of_one():
    # One of five is missing: the indicator's variance is .2 * .8 = .16, so column and
    # indicator are both divided by sqrt(1.16) more.
    orders = pd.DataFrame({"orders": [1, 2, 3, 4, np.nan], "visits": [1, 2, 3, 4, 5]})
    transformer = BehaviouralTransformer(add_indicator=True)
    Z = transformer.set_output(transform="pandas").fit_transform(orders)
    assert list(Z) == ["orders", "orders=missing", "visits"]
    assert transformer.indicator_columns_ == ("orders",)
    np.testing.assert_allclose(Z["orders=missing"], [0, 0, 0, 0, 1 / np.sqrt(1.16)])
    np.testing.assert_allclose(
        Z["orders"], np.array([-1.5, -0.5, 0.5, 1.5, 0]) / np.sqrt(1.16), atol=1e-15
    )
    variances = Z.var(ddof=0)
    assert variances[:2].sum() == pytest.approx(1)
    assert variances["visits"] == pytest.approx(1)


def test_indicator_of_a_column_with_one_value_carries_the_variance_alone():
    # The value says nothing, the gap does: .25 * .75 = .1875 is brought to 1.
    Z = BehaviouralTransformer(add_indicator=True).fit_transform(
        [[7.0], [7.0], [7.0], [np.nan]]
    )
    np.testing.assert_allclose(Z[:, 0], 0)
    np.testing.assert_allclose(Z[:, 1], [0, 0, 0, 1 / np.sqrt(0.1875)])


def test_without_scale_the_columns_keep_their_units():
    # spend: unit 10, so log(1 + 2550/10) = log 256; orders stay counts, filled by 2.
    table = pd.DataFrame(
        {"spend": [0.0, 10, -10, 30, 2550], "orders": [1, 2, 3, np.nan, 2]}
    )
    transformer = BehaviouralTransformer(scale=False, add_indicator=True).fit(table)
    Z = transformer.transform(table)
    np.testing.assert_allclose(Z[:, 0], np.log([1, 2, 0.5, 4, 256]))
    np.testing.assert_allclose(Z[:, 1], [1, 2, 3, 2, 2])
    np.testing.assert_allclose(Z[:, 2], [0, 0, 0, 1, 0])
    assert transformer.means_.tolist() == [0, 0]
    assert transformer.scales_.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("auto", ("tail", "returns")),
        ("all", ("flat", "tail", "returns", "left")),
        ("none", ()),
        (("flat",), ("flat",)),
    ],
)
def test_which_columns_are_logged(log, expected):
    # Skewness of (1, 1, 1, 1, 10): mean 2.8, deviations -1.8 (four) and 7.2, second
    # moment (4 * 3.24 + 51.84) / 5 = 12.96, third (4 * -5.832 + 373.248) / 5 = 69.984,
    # over 3.6 cubed: 1.5. "returns" is its mirror image below zero; "left" has its
    # tail towards zero.
    table = pd.DataFrame(
        {
            "flat": [1, 2, 3, 4, 5],
            "tail": [1, 1, 1, 1, 10],
            "returns": [-1, -1, -1, -1, -10],
            "left": [10, 10, 10, 10, 1],
        }
    )
    assert BehaviouralTransformer(log=log).fit(table).log_columns_ == expected


def test_unit_of_counts_is_one_and_of_zeros_is_one():
    counts = np.repeat([0, 1, 2, 3, 50], [5, 10, 8, 5, 2])
    transformer = BehaviouralTransformer(log="all").fit(
        np.column_stack([counts, np.zeros_like(counts)])
    )
    assert transformer.units_.tolist() == [1, 1]


# -- invariants --------------------------------------------------------------------


def test_every_column_has_variance_one_and_a_constant_is_zero(purchases):
    transformer = BehaviouralTransformer().fit(purchases)
    Z = transformer.transform(purchases)
    np.testing.assert_allclose(Z[:, :3].mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(Z[:, :3].var(axis=0), 1)
    assert np.all(Z[:, 3] == 0)
    # A constant had no scale to learn: another value later is no outlier.
    later = purchases.assign(sites=9000)
    assert np.all(transformer.transform(later)[:, 3] == 0)


@pytest.mark.parametrize("value", [0.1, 1e9 + 0.1, 1e-300, 3e307])
def test_constant_but_for_rounding_is_constant(value):
    Z = BehaviouralTransformer().fit_transform(np.full((97, 1), value))
    assert np.all(Z == 0)


def test_extreme_sizes_neither_overflow_nor_vanish():
    small = BehaviouralTransformer(log="none").fit_transform([[1e-200], [3e-200]])
    large = BehaviouralTransformer(log="none").fit_transform([[1e200], [3e200]])
    np.testing.assert_allclose(small[:, 0], [-1, 1])
    np.testing.assert_allclose(large[:, 0], [-1, 1])


def test_cents_equal_euros(purchases):
    cents = purchases.assign(spend=purchases["spend"] * 100)
    in_cents, in_euros = BehaviouralTransformer(), BehaviouralTransformer()
    np.testing.assert_allclose(
        in_cents.fit_transform(cents), in_euros.fit_transform(purchases), atol=1e-12
    )
    assert in_cents.log_columns_ == in_euros.log_columns_ == ("spend",)


def test_signs_mirror(purchases):
    kept = purchases[["orders", "spend"]]
    Z = BehaviouralTransformer(log="all").fit_transform(kept)
    mirrored = BehaviouralTransformer(log="all").fit_transform(-kept)
    np.testing.assert_allclose(mirrored, -Z, atol=1e-12)


def test_alone_equals_in_a_batch(purchases):
    transformer = BehaviouralTransformer(add_indicator=True).fit(purchases)
    together = transformer.transform(purchases)
    alone = [transformer.transform(purchases.iloc[[i]])[0] for i in range(50)]
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(
        transformer.transform(purchases.iloc[::-1])[::-1], together
    )


def test_frames_and_arrays_give_the_same_numbers(purchases):
    expected = BehaviouralTransformer().fit_transform(purchases)
    for table in (
        purchases.to_numpy(),
        purchases.to_numpy().astype(object),
        pl.from_dict({name: list(purchases[name]) for name in purchases}),
        purchases.convert_dtypes(),
        purchases.astype(object).where(purchases.notna(), None),
        np.ma.masked_invalid(purchases.to_numpy()),
    ):
        np.testing.assert_array_equal(
            BehaviouralTransformer().fit_transform(table), expected
        )


def test_what_is_behind_a_mask_is_not_read():
    masked = np.ma.array([[1.0], [2.0], [999999.0]], mask=[[False], [False], [True]])
    assert BehaviouralTransformer().fit(masked).medians_ == [1.5]


def test_the_median_is_frozen(purchases):
    transformer = BehaviouralTransformer().fit(purchases)
    gap = purchases.iloc[[4]]
    rich = purchases.assign(visits=1e6)
    batch = pd.concat([gap, rich], ignore_index=True)
    np.testing.assert_array_equal(
        transformer.transform(batch)[0], transformer.transform(gap)[0]
    )
    nothing = pd.DataFrame([[None] * 4], columns=purchases.columns)
    medians = pd.DataFrame([transformer.medians_], columns=purchases.columns)
    np.testing.assert_array_equal(
        transformer.transform(nothing), transformer.transform(medians)
    )


def test_wholesale_clients_part_as_after_a_plain_logarithm():
    # Natural logarithm, then standardised, k-means with two segments: silhouette .2900,
    # adjusted Rand index to the Channel column .5135 (recomputed with scikit-learn from
    # UCI 292, doi 10.24432/C5030X). The signed logarithm must lose neither.
    clients = load_wholesale()
    spend = clients.drop(columns=["Channel", "Region"])
    Z = BehaviouralTransformer().fit_transform(spend)
    segment = KMeans(n_clusters=2, n_init=20, random_state=0).fit_predict(Z)
    assert silhouette_score(Z, segment) > 0.28
    assert adjusted_rand_score(clients["Channel"], segment) > 0.50


# -- refusals ----------------------------------------------------------------------

NUMBERS = "Column 'spend' must hold numbers. Got "
CONVERT = (
    "Convert the column first (pandas.to_numeric, after looking at its decimal sign), "
    "or leave it out."
)
DATES = (
    NUMBERS + "dates or durations instead. Turn them into numbers first, such as "
    "days since a fixed date."
)


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (
            ["12", None, "7"],
            SchemaError,
            NUMBERS
            + "numbers written as text in 2 of 3 rows (first: row 0) instead. "
            + CONVERT,
        ),
        (
            [1, "1,5", 2],
            SchemaError,
            NUMBERS + "text in 1 of 3 rows (first: row 1) instead. " + CONVERT,
        ),
        (
            # "7" would read as a number; the text does not.
            ["7", None, "abc"],
            SchemaError,
            NUMBERS + "text in 1 of 3 rows (first: row 2) instead. " + CONVERT,
        ),
        (
            pd.Categorical([1, 2, 1]),
            SchemaError,
            NUMBERS + "categories in 3 of 3 rows (first: row 0) instead. " + CONVERT,
        ),
        (pd.to_datetime(["2024-01-01"] * 3), SchemaError, DATES),
        (pd.to_timedelta([1, 2, 3], unit="D"), SchemaError, DATES),
        (
            pd.Series([pd.Timestamp("2024-01-01"), None, 3], dtype=object),
            SchemaError,
            DATES,
        ),
        (
            [1.0, np.inf, -np.inf],
            DataQualityError,
            "Column 'spend' must hold finite numbers. Got infinite values in 2 of 3 "
            "rows instead (first: row 1). Correct them or mark them as missing.",
        ),
        (
            [None, None, None],
            DataQualityError,
            "Each column must have at least one value in fit. Got only missing values "
            "in 'spend' instead. Leave out what is empty.",
        ),
        (
            [{}, 1, {}],
            SchemaError,
            "Column 'spend': each cell of the argument must be text (a string), a "
            "number, a boolean or missing. Got 2 of type dict instead. Turn the column "
            "into text or numbers, or leave it out.",
        ),
    ],
    ids=[
        "numeric-text",
        "mixed",
        "text",
        "category",
        "date",
        "duration",
        "date-objects",
        "infinite",
        "empty",
        "dict",
    ],
)
def test_columns_that_are_refused(values, error, message):
    table = pd.DataFrame({"orders": [1, 2, 3], "spend": values})
    with pytest.raises(error, match=re.escape(message)):
        BehaviouralTransformer().fit(table)
    if error is SchemaError or "infinite" in message:
        good = pd.DataFrame({"orders": [1, 2, 3], "spend": [1.0, 2.0, 4.0]})
        with pytest.raises(error, match=re.escape(message)):
            BehaviouralTransformer().fit(good).transform(table)


def test_a_wrong_cell_is_a_type_error_too():
    with pytest.raises(TypeError):
        BehaviouralTransformer().fit(np.array([[1.0], [b"2"]], dtype=object))


@pytest.mark.parametrize("tables", [pd.DataFrame, pl.DataFrame])
def test_names_are_found_and_compared(tables):
    table = tables({"orders": [1, 2, 3], "spend": [1.0, 2.0, 4.0]})
    transformer = BehaviouralTransformer().fit(table)
    assert transformer.feature_names_in_.tolist() == ["orders", "spend"]
    with pytest.raises(ValueError, match="must be in the same order"):
        transformer.transform(table[["spend", "orders"]])
    with pytest.raises(ValueError, match="seen at fit time, yet now missing"):
        transformer.transform(table[["spend"]])


def test_unknown_name_in_log():
    message = (
        "log must name columns of the table. Got 'spent' instead. "
        "There are 'orders', 'spend'."
    )
    table = pd.DataFrame({"orders": [1, 2], "spend": [1.0, 2.0]})
    with pytest.raises(SchemaError, match=re.escape(message)):
        BehaviouralTransformer(log=("spent",)).fit(table)


def test_doubled_names():
    message = (
        "Column names must be unique. Got 'a' more than once instead. "
        "Rename or leave out one of each."
    )
    table = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"])
    with pytest.raises(SchemaError, match=re.escape(message)):
        BehaviouralTransformer().fit(table)


@pytest.mark.parametrize("tables", [pd.DataFrame, pl.DataFrame])
def test_a_table_without_rows(tables):
    message = (
        "A customer table must have at least one row and one column. "
        "Got 0 rows and 1 columns instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        BehaviouralTransformer().fit(tables({"a": []}))


def test_a_lazy_frame():
    message = (
        "The customer table must be in memory. Got a LazyFrame instead. "
        "Call .collect() first."
    )
    with pytest.raises(SchemaError, match=re.escape(message)):
        BehaviouralTransformer().fit(pl.LazyFrame({"a": [1.0]}))


def test_amounts_beyond_what_a_ratio_can_hold():
    # log(1e10 / 1e-300) = 310 log 10, though the ratio itself is above the largest
    # float; the unit is 1e-300, the 5 % quantile of the sizes.
    transformer = BehaviouralTransformer(log="all", scale=False)
    transformer.fit([[1e-300]] * 30 + [[1e10]])
    expected = 310 * np.log(10)
    np.testing.assert_allclose(transformer.transform([[1e10]]), [[expected]])


@pytest.mark.parametrize("value", [1.0, None])
def test_an_indicator_named_as_a_column(value):
    table = pd.DataFrame({"x": [1.0, 2.0, value], "x=missing": [1.0, 2.0, 4.0]})
    transformer = BehaviouralTransformer(add_indicator=True)
    if value is None:
        message = "Output columns must have names of their own. Got 'x=missing'"
        with pytest.raises(SchemaError, match=re.escape(message)):
            transformer.fit(table)
    else:
        assert list(transformer.fit(table).get_feature_names_out()) == list(table)
