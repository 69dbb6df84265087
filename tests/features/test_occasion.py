"""OccasionTransformer: worked cases, published figures, events, refusals."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from custseg.assignment import compile_scorer
from custseg.cluster import KMeansSegmenter
from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.features import DemographicTransformer, OccasionTransformer
from custseg.features._occasion import _read_window

RAW = {"scale": False, "log": "none"}


def distances(Z):
    return np.linalg.norm(Z[:, np.newaxis] - Z[np.newaxis], axis=2)


def shares_of(rows, **parameters):
    """Coordinates of one whole, not scaled."""
    table = pd.DataFrame(rows, columns=[f"p{n}" for n in range(len(rows[0]))])
    transformer = OccasionTransformer(
        shares={"whole": tuple(table)}, **parameters, **RAW
    )
    return transformer.fit_transform(table)


def some_customers(rows=40, seed=2):
    rng = np.random.default_rng(seed)
    counts = rng.poisson(2.0, (rows, 3))
    table = pd.DataFrame(counts, columns=["home", "office", "travel"])
    days = pd.Timestamp("2024-06-30") + pd.to_timedelta(
        rng.integers(-200, 200, rows), unit="D"
    )
    return table.assign(
        hour=rng.uniform(0, 24, rows),
        purpose=rng.choice(["daily", "gift", "investment"], rows),
        format=rng.choice(["small", "large"], rows),
        spend=rng.lognormal(3, 1, rows),
        wedding=days,
        birthday=days - pd.Timedelta(days=12_000),
    )


def everything(**parameters):
    return OccasionTransformer(
        shares={"where": ("home", "office", "travel")},
        cyclic={"hour": 24},
        events=("wedding", "birthday"),
        yearly=("birthday",),
        reference_date="2024-06-30",
        ordered={"format": ("small", "large")},
        **parameters,
    )


# -- shares --------------------------------------------------------------------------


def test_hellinger_distance_of_the_abundance_paradox():
    # The paradox of straight distances: Legendre and Legendre (2012), Numerical
    # Ecology, section 7.4. Sites 1 and 2 share their kinds, 3 has none of them; the
    # straight distance calls 2 and 3 the nearest. By hand: roots of (1/3, 2/3) and
    # (1/2, 1/2) differ by .12976 and .10939, so sqrt(.01684 + .01197) = .16971;
    # nothing in common is sqrt(2).
    D = distances(shares_of([[0, 4, 8], [0, 1, 1], [1, 0, 0]]))
    np.testing.assert_allclose(
        D[np.triu_indices(3, 1)], [0.16971, 1.41421, 1.41421], atol=5e-6
    )


def test_hellinger_distance_by_its_definition():
    # H**2 = 1 - sum sqrt(p q), and the straight distance is sqrt(2) H.
    rng = np.random.default_rng(1)
    counts = rng.poisson(1.5, (12, 4)) + np.eye(12, 4)
    P = counts / counts.sum(axis=1, keepdims=True)
    overlap = np.sqrt(P) @ np.sqrt(P).T
    expected = np.sqrt(2) * np.sqrt(np.maximum(1 - overlap, 0))
    np.testing.assert_allclose(distances(shares_of(counts)), expected, atol=1e-7)


def test_zeros_are_replaced_as_published():
    # Documentation of replace_zero of the R package nexus, with the first row of data
    # of Martin-Fernandez and others (2003): two thirds of a limit of .02.
    row = [0.0, 0.1250, 0.1237, 0.7253, 0.0260]
    published = np.array([0.01333333, 0.1233333, 0.1220507, 0.7156293, 0.02565333])
    expected = np.log(published) - np.log(published).mean()
    found = shares_of([row], coordinates="clr", zero_share=0.02 * 2 / 3)
    np.testing.assert_allclose(found[0], expected, atol=1e-6)


def test_centred_log_ratios_by_hand():
    # Shares 1/7, 2/7, 4/7: logarithms of 1, 2, 4 less their mean, log 2.
    found = shares_of([[1, 2, 4], [10, 20, 40]], coordinates="clr")
    np.testing.assert_allclose(found, np.log([[0.5, 1, 2]] * 2), atol=1e-15)


def test_what_a_zero_becomes():
    # Three parts, the smallest share 1/10: .65 * .1 / (1 + .1 * 2).
    table = pd.DataFrame({"a": [1, 0], "b": [9, 0], "c": [0, 5]})
    whole = {"whole": ("a", "b", "c")}
    fitted = OccasionTransformer(shares=whole, coordinates="clr", **RAW).fit(table)
    assert fitted.zero_shares_ == {"whole": pytest.approx(0.065 / 1.2)}
    Z = fitted.transform(table)
    # Zeros stay below every other part, ratios of others as they are.
    assert Z[0, 2] < Z[0, 0] < Z[0, 1]
    assert Z[0, 1] - Z[0, 0] == pytest.approx(np.log(9))
    assert Z[1, 0] == Z[1, 1] < Z[1, 2]
    np.testing.assert_allclose(Z.sum(axis=1), 0, atol=1e-14)
    assert OccasionTransformer(shares=whole).fit(table).zero_shares_ == {}


@pytest.mark.parametrize("coordinates", ["hellinger", "clr"])
def test_counts_and_shares_and_percentages_are_one(coordinates):
    counts = np.array([[1, 3, 0], [2, 2, 4], [0, 0, 5]])
    shares = counts / counts.sum(axis=1, keepdims=True)
    found = [
        shares_of(one, coordinates=coordinates)
        for one in (counts, shares, 100 * shares)
    ]
    np.testing.assert_allclose(found[1], found[0], atol=1e-12)
    np.testing.assert_allclose(found[2], found[0], atol=1e-12)


def test_a_whole_of_single_orders_is_a_nominal_column():
    levels = list("aabacc")
    table = pd.get_dummies(pd.Series(levels), dtype=int)
    Z = OccasionTransformer(shares={"whole": tuple("abc")}).fit_transform(table)
    nominal = DemographicTransformer().fit_transform(pd.DataFrame({"whole": levels}))
    np.testing.assert_allclose(distances(Z), distances(nominal), atol=1e-12)


@pytest.mark.parametrize("coordinates", ["hellinger", "clr"])
def test_a_whole_weighs_as_one_column(coordinates):
    table = some_customers()[["home", "office", "travel", "spend"]]
    Z = OccasionTransformer(
        shares={"where": ("home", "office", "travel")}, coordinates=coordinates
    ).fit_transform(table)
    assert Z[:, 0].var() == pytest.approx(1)  # spend
    assert Z[:, 1:].var(axis=0).sum() == pytest.approx(1)


def test_prior_adds_orders_of_the_average_customer():
    # Average shares: of (1, 0), (0, 1) and (.5, .5), that is (.5, .5). Two orders of
    # it: (2, 1)/3, (1, 2)/3 and (6, 6)/12; who has no order is average.
    table = pd.DataFrame({"day": [1, 0, 5, 0], "night": [0, 1, 5, 0]})
    transformer = OccasionTransformer(
        shares={"part": ("day", "night")}, prior=2, **RAW
    ).fit(table)
    assert transformer.mean_shares_ == {"part": (0.5, 0.5)}
    expected = np.sqrt([[2 / 3, 1 / 3], [1 / 3, 2 / 3], [0.5, 0.5], [0.5, 0.5]])
    np.testing.assert_allclose(transformer.transform(table), expected)
    with pytest.raises(
        DataQualityError,
        match=re.escape(
            "Shares or counts of 'part' ('day', 'night') must be whole numbers when "
            "prior is given. Got others in 4 of 4 rows instead (first: row 0)."
        ),
    ):
        transformer.transform(table + 0.5)


def test_customers_without_orders_are_at_the_mean():
    rows = [[4, 0], [0, 4], [0, 0], [None, None]]
    found = shares_of(np.array(rows, dtype=float))
    np.testing.assert_allclose(found[2:], [[0.5, 0.5]] * 2)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([[1, -2], [3, 4]], "must be 0 or more. Got others in 1 of 2 rows"),
        (
            [[1, 2], [3, np.nan]],
            "must all be there or all be missing. Got others in 1 of 2 rows instead "
            "(first: row 1). Set gaps that stand for none to 0.",
        ),
        ([[0, 0], [0, 0]], "must be above zero for some customers in fit"),
    ],
)
def test_shares_that_are_none(rows, sentence):
    with pytest.raises(DataQualityError, match=re.escape(sentence)):
        shares_of(np.array(rows, dtype=float))


# -- rounds ----------------------------------------------------------------------------


def test_rounds_close():
    table = pd.DataFrame({"hour": [0.0, 24, 6, 23, 1, None]})
    Z = OccasionTransformer(cyclic={"hour": 24}, **RAW).fit_transform(table)
    assert Z[0].tolist() == Z[1].tolist() == [0, 1]
    np.testing.assert_allclose(Z[2], [1, 0], atol=1e-15)
    # An hour of 24 is a chord of 2 sin(pi / 24), from 23 and from 1.
    np.testing.assert_allclose(distances(Z)[0, 3:5], 2 * np.sin(np.pi / 24))
    np.testing.assert_allclose(Z[5], Z[:5].mean(axis=0))
    weekdays = pd.DataFrame({"weekday": np.arange(7)})
    for first in (0, 1):
        Z = OccasionTransformer(cyclic={"weekday": 7}).fit_transform(weekdays + first)
        assert Z.var(axis=0).sum() == pytest.approx(1)
        np.testing.assert_allclose(distances(Z)[0, [1, 6]], distances(Z)[3, 4])


def test_rounds_that_do_not_close():
    with pytest.raises(
        DataQualityError,
        match=re.escape(
            "Cyclic column 'month' must lie between 0 and 12, the length of its round. "
            "Got others in 1 of 2 rows instead (first: row 1)."
        ),
    ):
        OccasionTransformer(cyclic={"month": 12}).fit(pd.DataFrame({"month": [1, 13]}))


# -- events ----------------------------------------------------------------------------


def days(dates, reference="2024-06-30", **parameters):
    """Days until and since, not scaled."""
    table = pd.DataFrame({f"e{n}": pd.to_datetime(one) for n, one in enumerate(dates)})
    parameters.setdefault("events", tuple(table))
    return OccasionTransformer(
        reference_date=reference, **parameters, **RAW
    ).fit_transform(table)


def test_days_until_and_since():
    dates = ["2024-07-10", "2024-06-20", "2024-06-30", "2025-06-30", None, "2024-07-01"]
    expected = [[10, 90], [90, 10], [90, 0], [90, 90], [90, 90], [1, 90]]
    assert days([dates]).tolist() == expected
    # 10 and 365 days ahead with 400 days to look; 10 after with 5.
    assert days([dates], window=(400, 5)).tolist() == [
        [10, 5],
        [400, 5],
        [400, 0],
        [365, 5],
        [400, 5],
        [1, 5],
    ]


def test_the_nearest_of_several_counts():
    one = ["2024-07-10", "2024-06-20", None]
    other = ["2024-07-05", "2024-07-30", None]
    found = days([one, other], events={"family": ("e0", "e1")})
    assert found.tolist() == [[5, 90], [30, 10], [90, 90]]


def test_yearly_events():
    dates = ["1990-07-10", "1985-06-20", "2000-02-29", "2024-07-10", None]
    # From 2024-06-30: 10 days until the birthday; 10 since; 122 days since 29
    # February; a first day to come has no years before it.
    found = days([dates], yearly=("e0",), window=150)
    assert found.tolist() == [[10, 150], [150, 10], [150, 122], [10, 150], [150, 150]]
    # On the other side of New Year, and 29 February in a year that has none.
    found = days([["1990-12-30", "1990-01-05"]], "2024-01-02", yearly=("e0",))
    assert found.tolist() == [[90, 3], [3, 90]]
    found = days([["2000-02-29"]], "2023-02-27", yearly=("e0",))
    assert found.tolist() == [[2, 90]]  # 1 March


def test_first_days_that_stand_for_none():
    dates = ["1900-01-01", "1990-07-10"]
    with pytest.warns(
        SegmentWarning,
        match=re.escape(
            "Column 'e0' must hold first days of a yearly event from 1901 on. Got "
            "others in 1 of 2 rows instead (first: row 0), counted as missing."
        ),
    ):
        found = days([dates], yearly=("e0",))
    assert found.tolist() == [[90, 90], [10, 90]]
    with pytest.raises(DataQualityError, match="or set strict=False"):
        days([dates], yearly=("e0",), strict=True)


def test_no_event_in_the_window():
    with pytest.warns(
        SegmentWarning,
        match=re.escape(
            "Event 'e0' must be within the window for some customers. Got none from 90 "
            "days before 2014-06-30 to 90 after instead"
        ),
    ):
        days([["2024-07-10"]], "2014-06-30")


def test_an_event_weighs_as_one_column():
    table = some_customers()[["wedding"]]
    Z = OccasionTransformer(
        events=("wedding",), reference_date="2024-06-30"
    ).fit_transform(table)
    assert Z.shape == (40, 2)
    assert Z.var(axis=0).sum() == pytest.approx(1)


@pytest.mark.parametrize(
    "dates",
    [
        pd.Series(["2024-07-10", None]).astype("datetime64[ns]"),
        pd.Series(["2024-07-10", None]).astype("datetime64[s]"),
        pd.Series([pd.Timestamp("2024-07-10").date(), None], dtype=object),
        pd.Series(pd.to_datetime(["2024-07-10 23:30", None]).tz_localize("Asia/Tokyo")),
    ],
    ids=["ns", "s", "objects", "zone"],
)
def test_kinds_of_dates(dates):
    transformer = OccasionTransformer(
        events=("move",), reference_date="2024-06-30", **RAW
    )
    found = transformer.fit_transform(pd.DataFrame({"move": dates}))
    assert found.tolist() == [[10, 90], [90, 90]]
    alone = transformer.transform(pd.DataFrame({"move": dates.iloc[1:]}))
    assert alone.tolist() == [[90, 90]]


# -- as any transformer ---------------------------------------------------------------


@pytest.mark.parametrize("coordinates", ["hellinger", "clr"])
def test_alone_and_in_a_batch(coordinates):
    table = some_customers()
    fitted = everything(coordinates=coordinates, prior=1.5).fit(table)
    together = fitted.transform(table)
    for row in (0, 11, 39):
        alone = fitted.transform(table.iloc[[row]])
        np.testing.assert_array_equal(alone[0], together[row])
    np.testing.assert_array_equal(fitted.transform(pl.from_pandas(table)), together)
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.transform(table), together)
    again = clone(fitted).fit(pl.from_pandas(table))
    np.testing.assert_array_equal(again.transform(table), together)


def test_a_single_row_of_gaps():
    fitted = everything().fit(some_customers())
    gaps = pd.DataFrame({name: [None] for name in some_customers()})
    with pytest.warns(SegmentWarning, match=re.escape("'purpose': 1 ('missing')")):
        alone = fitted.transform(gaps)
    expected = dict.fromkeys(["home", "hour_sin", "hour_cos"], 0.0)
    found = dict(zip(fitted.get_feature_names_out(), alone[0], strict=True))
    assert {name: found[name] for name in expected} == pytest.approx(expected)


def test_names_and_kinds():
    fitted = everything().fit(some_customers())
    assert fitted.kinds_ == {
        "purpose": "nominal",
        "format": "ordered",
        "spend": "numeric",
        "where": "plane",
        "hour": "plane",
        "wedding": "plane",
        "birthday": "plane",
    }
    assert fitted.get_feature_names_out().tolist() == [
        "purpose=daily",
        "purpose=gift",
        "purpose=investment",
        "format",
        "spend",
        "home",
        "office",
        "travel",
        "hour_sin",
        "hour_cos",
        "wedding_days_until",
        "wedding_days_since",
        "birthday_days_until",
        "birthday_days_since",
    ]
    variances = fitted.transform(some_customers()).var(axis=0)
    assert variances.sum() == pytest.approx(7)


def test_without_roles_columns_are_read_as_demographic_ones():
    table = some_customers().drop(columns=["wedding", "birthday"]).assign(flat=True)
    np.testing.assert_array_equal(
        OccasionTransformer().fit_transform(table),
        DemographicTransformer().fit_transform(table),
    )


def test_scorer():
    table = some_customers()[["purpose", "spend"]]
    segmenter = KMeansSegmenter(n_clusters=2, random_state=0)
    pipeline = make_pipeline(OccasionTransformer(), segmenter).fit(table)
    np.testing.assert_array_equal(
        compile_scorer(pipeline).predict(table.to_numpy(dtype=object)),
        pipeline.predict(table),
    )
    table = some_customers()
    pipeline = make_pipeline(everything(), segmenter).fit(table)
    np.testing.assert_array_equal(
        compile_scorer(pipeline).predict(table), pipeline.predict(table)
    )


@pytest.mark.parametrize(
    ("parameters", "error", "sentence"),
    [
        ({"shares": {"w": ("home", "car")}}, SchemaError, "shares must name columns"),
        (
            {"shares": {"w": ("home",)}},
            ValueError,
            "shares must give two columns or more to each whole. Got fewer for 'w'",
        ),
        (
            {"shares": {"w": ("home", "office"), "v": ("home", "travel")}},
            ValueError,
            "must name each column once. Got 'home' more than once",
        ),
        (
            {"shares": {"spend": ("home", "office")}},
            SchemaError,
            "must have names of their own. Got 'spend' more than once",
        ),
        (
            {
                "shares": {"w": ("home", "office")},
                "coordinates": "clr",
                "zero_share": 0.5,
            },
            ValueError,
            "zero_share must be below one over the 2 parts of 'w'. Got 0.5 instead.",
        ),
        (
            {"events": ("wedding",)},
            ValueError,
            "reference_date must be a date when events are given. Got None instead.",
        ),
        (
            {"events": ("spend",), "reference_date": "2024-06-30"},
            SchemaError,
            "Column 'spend' must hold dates of events. Got number instead.",
        ),
        (
            {
                "events": ("wedding",),
                "reference_date": "2024-06-30",
                "yearly": ("birthday",),
            },
            SchemaError,
            "yearly must name events",
        ),
        ({"window": (90, 0)}, ValueError, "window must be a number of days from 1"),
        (
            {"cyclic": {"hour": 0}},
            ValueError,
            "The round of cyclic column 'hour' must be a number above zero. Got 0",
        ),
        (
            {},
            SchemaError,
            "Column 'wedding' must hold categories or numbers. Got dates",
        ),
    ],
)
def test_parameters_that_do_not_fit(parameters, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        OccasionTransformer(**parameters).fit(some_customers())


def test_one_day_is_the_shortest_window():
    assert _read_window(1) == (1, 1)
    assert _read_window((1, 30)) == (1, 30)
    with pytest.raises(ValueError, match="window must be a number of days from 1"):
        _read_window(0)
