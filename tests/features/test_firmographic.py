"""FirmographicTransformer: trades by code, size classes, years, refusals."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from custseg.assignment import compile_scorer
from custseg.cluster import KMeansSegmenter
from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.features import DemographicTransformer, FirmographicTransformer

NACE = {
    "55*": "hotel",
    "56*": "restaurant",
    "56.3*": "bar",
    "86.10": "hospital",
    "Boutique*": "boutique",
}


def trades(codes, trade_map=NACE, **parameters):
    """Trade of each code, as the transformer names it."""
    table = codes if hasattr(codes, "columns") else pd.DataFrame({"nace": codes})
    transformer = FirmographicTransformer(
        trade_map={"nace": trade_map}, min_share=0, scale=False, **parameters
    )
    Z = transformer.fit_transform(table)
    names = transformer.get_feature_names_out()
    assert np.all(Z.sum(axis=1) == 1)
    return [name.removeprefix("nace=") for name in names[Z.argmax(axis=1)]]


def firms(rows=50, seed=0):
    """Draw a mixed table of business customers with gaps."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "nace": rng.choice(["55.10", "56.10", "56.30", "86.10"], rows),
            "employees": np.ceil(rng.lognormal(3, 1.5, rows)),
            "sites": 1 + rng.poisson(1, rows),
            "founded": rng.integers(1920, 2020, rows),
            "terms": rng.choice([14, 30, 60], rows),
            "credit_limit": rng.lognormal(9, 1, rows),
            "contract": rng.choice(["none", "yearly", "frame"], rows),
        }
    )
    table.loc[3:5, "employees"] = np.nan
    table.loc[4, "contract"] = None
    table.loc[6, "nace"] = None
    return table


def whole():
    return FirmographicTransformer(
        trade_map={"nace": NACE},
        founded="founded",
        reference_date="2024-12-31",
        bands={"employees": "sme", "sites": (2, 5)},
        ordered={"contract": ("none", "yearly", "frame")},
    )


# -- trades ------------------------------------------------------------------------


def test_the_longest_beginning_wins_and_a_whole_code_before_it():
    codes = ["55.10", "56.10", "56.30", "86.10", "56.3", "56", "BOUTIQUE Anna"]
    expected = ["hotel", "restaurant", "bar", "hospital", "bar", "restaurant"]
    assert trades(codes) == [*expected, "boutique"]
    # Whatever the order of the map.
    turned = dict(reversed(NACE.items()))
    assert trades(codes, turned) == [*expected, "boutique"]
    # A whole code is before a longer or an equal beginning.
    assert trades(["56.30"], NACE | {"56.30*": "pub", "56.30": "club"}) == ["club"]


def test_codes_without_a_trade_are_counted_and_stay():
    table = pd.DataFrame({"nace": ["55.10", "86.101", "47.11", "47.11", None]})
    message = (
        "trade_map must have the codes of column 'nace'. Got 2 without a trade in 3 of "
        "5 rows instead ('47.11', '86.101'), kept as levels of their own. Add them, or "
        "'*' for all others."
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)) as caught:
        assert trades(table) == ["hotel", "86.101", "47.11", "47.11", "missing"]
    assert len(caught) == 1
    message = "('47.11', '86.101'). Add them, or '*' for all others, or set strict=Fal"
    with pytest.raises(SchemaError, match=re.escape(message)):
        trades(table, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = trades(table, NACE | {"*": "other"})
    assert found == ["hotel", "other", "other", "other", "missing"]


def test_codes_of_later_customers():
    transformer = FirmographicTransformer(trade_map={"nace": NACE}, scale=False)
    transformer.fit(pd.DataFrame({"nace": ["55.10", "56.10"]}))
    # A code that fit has not seen is of a trade that it has.
    assert transformer.transform(pd.DataFrame({"nace": ["55.90"]})).tolist() == [[1, 0]]
    later = pd.DataFrame({"nace": ["99.00", "86.10"]})
    message = "unseen ones in 'nace': 2 ('99.00', 'hospital') rows"
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        assert transformer.transform(later).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize(
    "channel",
    [[1, 2, 10], [1.0, 2.0, 10.0], ["1", "2 ", "10"], pd.Categorical([1, 2, 10])],
)
def test_whole_codes_are_found_in_numbers(channel):
    # 10 begins like 1, and is not it.
    table = pd.DataFrame({"nace": channel})
    found = trades(table, {1: "restaurant", 2: "shop", "10": "clinic"})
    assert found == ["restaurant", "shop", "clinic"]
    assert trades(table, {1: "restaurant", "*": "other"}, nominal=("nace",)) == [
        "restaurant",
        "other",
        "other",
    ]


def test_numbers_are_not_known_by_how_they_begin():
    message = (
        "Column 'nace' must hold text, to be known by how it begins. Got numbers "
        "instead. Read codes as text, because numbers have lost their leading zeros, "
        "or give trade_map whole codes without '*'."
    )
    for codes in ([5510, 181], pd.Series(["5510", 181], dtype=object)):
        with pytest.raises(SchemaError, match=re.escape(message)):
            trades(pd.DataFrame({"nace": codes}))


# -- size and years ----------------------------------------------------------------


def test_size_classes_of_the_european_union():
    # Article 2 of the annex: micro fewer than 10 persons, small fewer than 50, medium
    # fewer than 250.
    table = pd.DataFrame({"employees": [0, 9, 10, 49, 50, 249, 250, 9_000]})
    transformer = FirmographicTransformer(bands={"employees": "sme"}, scale=False)
    Z = transformer.fit_transform(table)
    assert Z.ravel().tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert transformer.levels_ == {"employees": ("micro", "small", "medium", "large")}
    message = (
        "Column 'employees' must hold 0 or more. Got others in 1 of 2 rows instead "
        "(first: row 0), counted as missing."
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        Z = transformer.transform(pd.DataFrame({"employees": [-1, 60]}))
    assert Z.ravel().tolist() == [1.5, 2]  # the median of the ranks above is 1.5
    with pytest.raises(DataQualityError, match=re.escape("Got others in 1 of 1 rows")):
        FirmographicTransformer(bands={"employees": "sme"}, strict=True).fit(
            pd.DataFrame({"employees": [-1]})
        )


def test_years_in_business_and_as_a_client():
    table = pd.DataFrame(
        {
            "founded": [2014, 1524, 24],
            "client_since": pd.to_datetime(["2020-07-01", "2020-06-30", None]),
        }
    )
    transformer = FirmographicTransformer(
        founded={"founded": "years_in_business", "client_since": "years_as_client"},
        reference_date="2024-06-30",
        scale=False,
        log="none",
    ).set_output(transform="pandas")
    message = "Column 'founded' must give from 0 to 1,500 years at 2024-06-30. Got "
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        Z = transformer.fit_transform(table)
    assert Z["years_in_business"].tolist() == [10, 500, 255]  # a gap, filled
    assert Z["years_as_client"].tolist() == [3, 4, 3.5]


def test_sizes_and_limits_are_logged():
    table = firms()[["employees", "credit_limit", "terms"]]
    assert FirmographicTransformer().fit(table).log_columns_ == (
        "employees",
        "credit_limit",
    )


# -- invariants --------------------------------------------------------------------


def test_kinds_and_total_variance():
    table = firms()
    transformer = whole()
    Z = transformer.fit_transform(table)
    assert transformer.kinds_ == {
        "nace": "nominal",
        "employees": "ordered",
        "sites": "ordered",
        "years_in_business": "numeric",
        "terms": "numeric",
        "credit_limit": "numeric",
        "contract": "ordered",
    }
    assert transformer.levels_["nace"] == (
        "bar",
        "hospital",
        "hotel",
        "restaurant",
        "missing",
    )
    names = [name.split("=")[0] for name in transformer.get_feature_names_out()]
    totals = pd.Series(Z.var(axis=0)).groupby(names).sum()
    assert len(totals) == 7
    np.testing.assert_allclose(totals, 1)


def test_alone_in_a_batch_and_after_pickle():
    table = firms()
    transformer = whole().fit(table)
    together = transformer.transform(table)
    copy = pickle.loads(pickle.dumps(transformer))
    alone = [copy.transform(table.iloc[[row]])[0] for row in range(len(table))]
    np.testing.assert_array_equal(alone, together)
    turned = clone(transformer).fit(table.iloc[::-1])
    np.testing.assert_allclose(turned.transform(table), together)


def test_frames_and_arrays_give_the_same_numbers():
    table = firms()
    expected = whole().fit(table).transform(table)
    objects = table.astype(object).where(table.notna(), None)
    polars = pl.DataFrame({name: list(objects[name]) for name in objects})
    for other in (objects, table.convert_dtypes(), polars):
        np.testing.assert_allclose(whole().fit_transform(other), expected)


def test_without_declarations_it_is_as_for_people():
    table = firms()
    np.testing.assert_array_equal(
        FirmographicTransformer(nominal=("nace",)).fit_transform(table),
        DemographicTransformer(nominal=("nace",)).fit_transform(table),
    )


@pytest.mark.parametrize("trade_map", [None, {"contract": {"*": "some"}}])
def test_a_scorer(trade_map):
    table = firms()[["terms", "credit_limit", "contract"]]
    segmenter = KMeansSegmenter(n_clusters=2, random_state=0)
    transformer = FirmographicTransformer(trade_map=trade_map)
    road = make_pipeline(transformer, segmenter).fit(table)
    scorer = compile_scorer(road)
    assert scorer.predict(table).tolist() == road.predict(table).tolist()


# -- refusals ----------------------------------------------------------------------

BLANK = (
    "trade_map must give each code of column 'nace' one trade, neither blank. Got {} "
    "otherwise instead. Upper and lower case are the same."
)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            {"trade_map": {"sic": NACE}},
            SchemaError,
            "trade_map must name columns of the table. Got 'sic' instead. There are "
            "'nace', 'employees', 'sites', 'founded', 'terms', 'credit_limit', "
            "'contract'.",
        ),
        (
            {"trade_map": {"nace": "hotel"}},
            ValueError,
            "trade_map must give column 'nace' a dict of codes and trades. Got 'hotel' "
            "instead. Write {'nace': {'55*': 'hotel'}}.",
        ),
        ({"trade_map": {"nace": {}}}, ValueError, "a dict of codes and trades. Got {}"),
        (
            {"trade_map": {"nace": {"A": "x", "a ": "y"}}},
            ValueError,
            BLANK.format("'a'"),
        ),
        ({"trade_map": {"nace": {"55": " "}}}, ValueError, BLANK.format("'55'")),
        ({"trade_map": {"nace": {"": "x"}}}, ValueError, BLANK.format("''")),
        (
            {"trade_map": {"nace": NACE}, "ordered": {"nace": ("a", "b")}},
            ValueError,
            "A column must be ordered or in trade_map. Got 'nace' in both instead.",
        ),
        (
            {"trade_map": {"sites": {"1": "x"}}, "bands": {"sites": (2,)}},
            ValueError,
            "A column must be in bands or in trade_map. Got 'sites' in both instead.",
        ),
        (
            {"founded": "founded"},
            ValueError,
            "reference_date must be a date when founded is given. Got None instead.",
        ),
        (
            {"bands": {"sites": "large"}},
            ValueError,
            "The bands of column 'sites' must be a tuple of numbers in ascending order",
        ),
    ],
)
def test_refusals(parameters, error, message):
    with pytest.raises(error, match=re.escape(message)):
        FirmographicTransformer(**parameters).fit(firms())
