"""GeographicTransformer: worked cases, published distances, joins, refusals."""

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
from custseg.features import DemographicTransformer, GeographicTransformer

RAW = {"scale": False, "log": "none", "min_share": 0.0}
DEGREES = {"latitude": "lat", "longitude": "lon"}


def nested(rows):
    return pd.DataFrame(rows, columns=["country", "region", "city"])


def frame_of(transformer, table):
    return pd.DataFrame(
        transformer.transform(table), columns=transformer.get_feature_names_out()
    )


def some_customers(rows=40, seed=3):
    rng = np.random.default_rng(seed)
    regions = rng.choice(["North", "South"], rows)
    return pd.DataFrame(
        {
            "region": regions,
            "city": np.char.add(regions, rng.choice(["1", "2", "3"], rows)),
            "plz": rng.choice(["01067", "80331", "10115"], rows),
            "lat": rng.uniform(-80, 80, rows),
            "lon": rng.uniform(-180, 180, rows),
            "tier": rng.choice([1, 2, 3], rows),
            "rent": rng.lognormal(6, 1, rows),
        }
    )


PLACES = {
    "plz": ["01067", "10115", "80331", "99999"],
    "density": [1_700.0, 4_200.0, 4_900.0, 80.0],
    "climate": ["dry", "dry", "wet", "wet"],
}


def everything():
    return GeographicTransformer(
        hierarchy=("region", "city"),
        places=pd.DataFrame(PLACES),
        place="plz",
        **DEGREES,
        distance_to={"store": (52.52, 13.40)},
        ordered={"tier": (3, 2, 1)},
    )


# -- the sphere ----------------------------------------------------------------------


def km(place, *targets):
    table = pd.DataFrame([place], columns=["lat", "lon"])
    transformer = GeographicTransformer(
        **DEGREES, **RAW, sphere=False, distance_to={"it": list(targets)}
    )
    return transformer.fit_transform(table).item()


def test_great_circle_as_published():
    # PyPI page of haversine 2.0 (mean radius 6371.0088 km): Lyon to Paris.
    lyon, paris = (45.7597, 4.8422), (48.8567, 2.3508)
    assert km(lyon, paris) == pytest.approx(392.2172595594006, rel=1e-12)
    # Rosetta Code, "Haversine formula", on a sphere of 6371.0 km: Nashville airport to
    # Los Angeles airport.
    found = km((36.12, -86.67), (33.94, -118.40)) * 6371.0 / 6371.0088
    assert found == pytest.approx(2886.44444283798329974715782394574, rel=1e-12)


@pytest.mark.parametrize(
    ("here", "there", "geodesic"),
    [
        # Documentation of GeographicLib: Wellington to Salamanca, nearly antipodes.
        ((-41.32, 174.81), (40.96, -5.50), 19959.679267),
        # GeographicLib 2.1 (Karney 2013, doi 10.1007/s00190-012-0578-z), WGS 84: Paris
        # to London, New York to London, and a degree on the equator.
        ((48.8567, 2.3508), (51.5074, -0.1278), 343.86206080521294),
        ((40.6, -73.8), (51.6, -0.5), 5551.7594003186785),
        ((0.0, 0.5), (0.0, 1.5), 111.31949079327357),
    ],
)
def test_great_circle_is_near_the_geodesic(here, there, geodesic):
    assert km(here, there) == pytest.approx(geodesic, rel=0.0056)
    assert km(there, here) == pytest.approx(km(here, there), rel=1e-12)


def test_great_circle_by_vectors():
    # Another formula: the angle between unit vectors by arctan2 of cross and dot.
    rng = np.random.default_rng(0)
    places = np.column_stack([rng.uniform(-90, 90, 50), rng.uniform(-180, 180, 50)])
    target = (-33.87, 151.21)

    def vector(lat, lon):
        lat, lon = np.deg2rad([lat, lon])
        return np.array(
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
        )

    b = vector(*target)
    expected = [
        6371.0088 * np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)
        for a in (vector(*place) for place in places)
    ]
    transformer = GeographicTransformer(**DEGREES, **RAW, distance_to={"it": target})
    table = pd.DataFrame(places, columns=["lat", "lon"])
    found = transformer.fit_transform(table)
    np.testing.assert_allclose(found[:, 3], expected, rtol=1e-9)
    np.testing.assert_allclose(found[:, :3], [vector(*place) for place in places])


def test_antipodes_and_nearest_of_several():
    assert km((10.0, 20.0), (-10.0, -160.0)) == pytest.approx(np.pi * 6371.0088)
    # One degree north on the meridian is 1/360 of the circle; the other is farther.
    assert km((50.0, 8.0), (51.0, 8.0), (53.0, 8.0)) == pytest.approx(
        2 * np.pi * 6371.0088 / 360
    )


def test_customers_on_both_sides_of_the_date_line_are_neighbours():
    table = pd.DataFrame({"lat": [0.0, 0.0, 0.1], "lon": [179.9, -179.9, 0.0]})
    Z = GeographicTransformer(**DEGREES, scale=False).fit_transform(table)
    # .2 degrees of the unit circle, against nearly its diameter.
    assert np.linalg.norm(Z[0] - Z[1]) == pytest.approx(2 * np.sin(np.deg2rad(0.1)))
    assert np.linalg.norm(Z[0] - Z[2]) == pytest.approx(2, abs=1e-5)


def test_the_point_weighs_as_two_columns_and_distances_as_one():
    table = some_customers()[["lat", "lon"]]
    transformer = GeographicTransformer(**DEGREES, distance_to={"s": (52.5, 13.4)})
    variance = transformer.fit_transform(table).var(axis=0)
    assert variance[:3].sum() == pytest.approx(2)
    assert variance[3] == pytest.approx(1)


def test_half_a_place_is_none():
    table = pd.DataFrame({"lat": [0.0, 90.0, np.nan, 10.0], "lon": [90.0, 0, 5, None]})
    transformer = GeographicTransformer(**DEGREES, scale=False).fit(table)
    # The mean of (0, 1, 0) and (0, 0, 1), for both who have no place.
    expected = [[0, 1, 0], [0, 0, 1], [0, 0.5, 0.5], [0, 0.5, 0.5]]
    np.testing.assert_allclose(transformer.transform(table), expected, atol=1e-15)


def test_degrees_out_of_range():
    table = pd.DataFrame({"lat": [52.5, 91.0], "lon": [13.4, 200.0]})
    with pytest.raises(
        DataQualityError,
        match=re.escape(
            "Latitude 'lat' must lie between -90 and 90 degrees. Got others in 1 of 2 "
            "rows instead (first: row 1). Metres and national grids"
        ),
    ):
        GeographicTransformer(**DEGREES).fit(table)
    with pytest.raises(
        DataQualityError,
        match=re.escape(
            "Longitude 'lon' must lie between -180 and 180 degrees. Got others in 1 "
            "of 2 rows instead (first: row 1). Take 360 off"
        ),
    ):
        GeographicTransformer(**DEGREES).fit(table.assign(lat=1.0))
    exchanged = pd.DataFrame({"lat": [116.4, 121.5], "lon": [39.9, 31.2]})
    with pytest.raises(DataQualityError, match="seem to be exchanged"):
        GeographicTransformer(**DEGREES).fit(exchanged)
    fitted = GeographicTransformer(**DEGREES).fit(some_customers()[["lat", "lon"]])
    with pytest.raises(DataQualityError, match="in 1 of 2 rows"):
        fitted.transform(table.assign(lon=0.5))


def test_zero_degrees_stand_for_no_place():
    table = some_customers()[["lat", "lon"]]
    table.loc[4] = 0.0
    sentence = re.escape(
        "Got 0 degrees north and east, where nobody lives, in 1 of 40 rows instead "
        "(first: row 4), counted as missing."
    )
    with pytest.warns(SegmentWarning, match=sentence):
        Z = GeographicTransformer(**DEGREES).fit_transform(table)
    np.testing.assert_allclose(Z[4], 0, atol=1e-15)  # the mean point
    with pytest.raises(DataQualityError, match="or set strict=False"):
        GeographicTransformer(**DEGREES, strict=True).fit(table)


def test_degrees_are_numbers():
    table = pd.DataFrame({"lat": ["52,5", "48,1"], "lon": [13.4, 11.6]})
    with pytest.raises(SchemaError, match="Give degrees with decimals"):
        GeographicTransformer(**DEGREES).fit(table)


# -- the hierarchy -------------------------------------------------------------------

EIGHT = nested(
    [("DE", "BY", "Munich")] * 3
    + [("DE", "BY", "Fuerth")]
    + [("DE", "HE", "Hanau")]
    + [("FR", "IF", "Paris")] * 2
    + [("FR", "IF", None)]
)
LEVELS = ("country", "region", "city")


def test_a_rare_city_counts_as_its_region():
    # Shares of 8: DE 5/8, FR 3/8; BY 4/8, IF 3/8, HE 1/8 (rare); Munich 3/8, Paris
    # 2/8, Fuerth and Hanau 1/8 (rare).
    transformer = GeographicTransformer(hierarchy=LEVELS, min_share=0.2, scale=False)
    found = frame_of(transformer.fit(EIGHT), EIGHT)
    assert transformer.nodes_ == {
        "country": ("DE", "FR"),
        "region": ("DE/BY", "FR/IF"),
        "city": ("DE/BY/Munich", "FR/IF/Paris"),
    }
    assert list(found) == [
        "country=DE",
        "country=FR",
        "region=DE/BY",
        "region=FR/IF",
        "city=DE/BY/Munich",
        "city=FR/IF/Paris",
    ]
    munich, fuerth, hanau = [1, 0, 1, 0, 1, 0], [1, 0, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]
    paris, france = [0, 1, 0, 1, 0, 1], [0, 1, 0, 1, 0, 0]
    expected = [munich] * 3 + [fuerth, hanau] + [paris] * 2 + [france]
    np.testing.assert_array_equal(found, expected)


def test_levels_share_a_variance_of_one_in_equal_parts():
    transformer = GeographicTransformer(hierarchy=LEVELS, min_share=0.2).fit(EIGHT)
    variance = transformer.transform(EIGHT).var(axis=0)
    np.testing.assert_allclose(variance.reshape(3, 2).sum(axis=1), 1 / 3)
    # A level in which all are alike has no part in it.
    germans = EIGHT.iloc[:5]
    Z = GeographicTransformer(hierarchy=LEVELS).fit_transform(germans)
    assert Z.var(axis=0).sum() == pytest.approx(1)


def test_nearer_in_the_hierarchy_is_nearer():
    table = nested(
        [(c, f"{c}{r}", f"{c}{r}{t}") for c in "AB" for r in "12" for t in "xy"]
    )
    Z = GeographicTransformer(hierarchy=LEVELS).fit_transform(table)
    to_first = np.linalg.norm(Z - Z[0], axis=1)
    # Same city, region, country, none: 2 of 8, then 2, then 4 rows.
    assert to_first[0] == 0 < to_first[1] < to_first[2] < to_first[4]
    np.testing.assert_allclose(to_first[2:4], to_first[2])
    np.testing.assert_allclose(to_first[4:], to_first[4])


def test_unseen_levels_fall_back_and_are_counted():
    transformer = GeographicTransformer(hierarchy=LEVELS, **RAW).fit(EIGHT)
    later = nested(
        [
            ("DE", "BY", "Hof"),  # a new city of a known region
            ("DE", "NW", "Bonn"),  # a new region, and its city with it
            ("DE", "BY", "Hanau"),  # Hanau lies elsewhere
            ("IT", "LA", "Rome"),
            ("DE", None, "Munich"),  # what comes below a gap is not used
        ]
    )
    with pytest.warns(SegmentWarning) as caught:
        found = frame_of(transformer, later)
    assert [str(one.message) for one in caught] == [
        "Levels of hierarchy must have been seen in fit. Got unseen ones in "
        "'country': 1 ('IT'); 'region': 1 ('NW'); 'city': 2 ('Hanau', 'Hof') rows "
        "instead, counted as no level in 'country' and known by the level above. "
        "Correct them, or fit again with customers who have them."
    ]
    named = [[name for name, one in row.items() if one] for _, row in found.iterrows()]
    assert named == [
        ["country=DE", "region=DE/BY"],
        ["country=DE"],
        ["country=DE", "region=DE/BY"],
        [],
        ["country=DE"],
    ]
    strict = clone(transformer).set_params(strict=True).fit(EIGHT)
    with pytest.raises(SchemaError, match="or set strict=False"):
        strict.transform(later)


def test_rare_countries_are_pooled_and_missing_ones_are_a_level():
    countries = ["A"] * 6 + ["B", "C", None, None]
    table = nested([(one, f"{one}1", "x") for one in countries])
    transformer = GeographicTransformer(hierarchy=LEVELS, min_share=0.15, scale=False)
    found = frame_of(transformer.fit(table), table)
    assert transformer.nodes_["country"] == ("A", "other", "missing")
    np.testing.assert_array_equal(
        found["country=other"], np.isin(countries, ["B", "C"])
    )
    np.testing.assert_array_equal(found["country=missing"], [0] * 8 + [1] * 2)
    with pytest.warns(SegmentWarning, match=re.escape("'country': 1 ('D')")):
        assert frame_of(transformer, nested([("D", "D1", "x")])).loc[0, "country=other"]


def test_cities_of_one_name_in_two_regions_are_two():
    table = nested(
        [("US", "IL", "Springfield")] * 3 + [("US", "OH", "Springfield")] * 3
    )
    transformer = GeographicTransformer(hierarchy=LEVELS, **RAW).fit(table)
    assert transformer.nodes_["city"] == ("US/IL/Springfield", "US/OH/Springfield")


def test_levels_are_compared_as_text():
    # NFC and NFD, spaces, and numbers as codes.
    table = pd.DataFrame({"area": [1, 1, 2, 2], "city": ["Köln", "Köln", "Ulm", "Ulm"]})
    transformer = GeographicTransformer(hierarchy=("area", "city"), **RAW).fit(table)
    later = pd.DataFrame({"area": ["1", "2 "], "city": ["Ko\u0308ln ", "Ulm"]})
    np.testing.assert_array_equal(
        transformer.transform(later), [[1, 0, 1, 0], [0, 1, 0, 1]]
    )


def test_a_level_of_rare_ones_alone_warns():
    table = EIGHT.assign(city=[f"c{n}" for n in range(8)])
    with pytest.warns(SegmentWarning, match="Got only rarer ones in 'city' instead"):
        fitted = GeographicTransformer(hierarchy=LEVELS, min_share=0.2).fit(table)
    assert fitted.nodes_["city"] == ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.transform(EIGHT)  # nothing is unseen where nothing is told apart


# -- the table of places -------------------------------------------------------------


@pytest.mark.parametrize(
    "make", [pd.DataFrame, pl.DataFrame, dict], ids=["pandas", "polars", "dict"]
)
def test_places_are_joined_by_key(make):
    customers = pd.DataFrame({"plz": ["80331", "01067", "80331", " 10115"]})
    transformer = GeographicTransformer(places=make(PLACES), place="plz", **RAW)
    found = transformer.fit_transform(customers)
    assert transformer.get_feature_names_out().tolist() == [
        "density",
        "climate=dry",
        "climate=wet",
    ]
    np.testing.assert_array_equal(
        found, [[4_900, 0, 1], [1_700, 1, 0], [4_900, 0, 1], [4_200, 1, 0]]
    )


def test_keys_are_compared_as_text():
    places = {"city": ["Ko\u0308ln", "Ulm"], "code": [1, 2], "rail": [2.0, 1.0]}
    by_name = GeographicTransformer(
        places=places, place="city", place_columns=("rail",), **RAW
    )
    found = by_name.fit_transform(pd.DataFrame({"city": ["Köln", "Ulm "]}))
    np.testing.assert_array_equal(found, [[2], [1]])
    by_code = clone(by_name).set_params(place="code")
    for codes in (["1", "2"], [1, 2], [1.0, 2.0]):
        found = by_code.fit_transform(pd.DataFrame({"code": codes}))
        np.testing.assert_array_equal(found, [[2], [1]])


def test_the_join_is_frozen():
    places = pd.DataFrame(PLACES)
    customers = pd.DataFrame({"plz": ["80331", "01067"]})
    transformer = GeographicTransformer(places=places, place="plz", **RAW)
    before = transformer.fit_transform(customers)
    places.loc[:, "density"] = -1.0
    np.testing.assert_array_equal(transformer.transform(customers), before)


def test_unmatched_customers_are_counted():
    customers = pd.DataFrame({"plz": ["80331", "01067", "1067", None, "80331"]})
    transformer = GeographicTransformer(
        places=PLACES, place="plz", place_columns=("density",), **RAW
    )
    sentence = re.escape(
        "Column 'plz' must hold keys of places. Got others in 2 ('1067', 'missing') of "
        "5 rows instead, whose columns of places are missing. Add them to places."
    )
    with pytest.warns(SegmentWarning, match=sentence):
        found = transformer.fit_transform(customers)
    # The median of 4900, 1700 and 4900.
    np.testing.assert_array_equal(found.ravel(), [4_900, 1_700, 4_900, 4_900, 4_900])
    with pytest.raises(SchemaError, match="Add them to places, or set strict=False"):
        transformer.set_params(strict=True).fit(customers)
    none = pd.DataFrame({"plz": ["1067", "1068"]})
    with pytest.raises(SchemaError, match="have lost their leading zeros"):
        transformer.set_params(strict=False).fit(none)


def test_joined_columns_take_every_role():
    cities = pd.DataFrame(
        {
            "city": ["Berlin", "Munich", "Bremen"],
            "land": ["BE", "BY", "HB"],
            "lat": [52.52, 48.14, 53.08],
            "lon": [13.40, 11.58, 8.80],
            "tier": [1, 1, 2],
        }
    )
    customers = pd.DataFrame({"city": ["Berlin", "Munich", "Bremen", "Berlin"]})
    transformer = GeographicTransformer(
        hierarchy=("land", "city"),
        places=cities,
        place="city",
        **DEGREES,
        sphere=False,
        distance_to={"hub": (52.52, 13.40)},
        ordered={"tier": (2, 1)},
        **RAW,
    )
    found = frame_of(transformer.fit(customers), customers)
    assert transformer.kinds_ == {
        "tier": "ordered",
        "land/city": "plane",
        "km_to_hub": "numeric",
    }
    assert found["tier"].tolist() == [1, 1, 0, 1]
    assert found["city=BY/Munich"].tolist() == [0, 1, 0, 0]
    assert found["km_to_hub"].iloc[[0, 3]].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("places", "error", "sentence"),
    [
        (
            {"plz": ["1", 1, "2"], "x": [1.0, 2.0, 3.0]},
            DataQualityError,
            "Column 'plz' of places must hold each key once. Got 1 keys more than "
            "once, in 2 of 3 rows, instead.",
        ),
        (
            {"plz": ["1", None], "x": [1.0, 2.0]},
            DataQualityError,
            "Column 'plz' of places must hold a key in every row. Got 1 of 2 rows",
        ),
        ({"zip": ["1"], "x": [1.0]}, SchemaError, "place must name a column of places"),
        ({"plz": ["80331"]}, SchemaError, "places must have columns beside its key"),
        (
            {"plz": ["80331"], "x": pd.to_datetime(["2024-01-01"])},
            SchemaError,
            "Column 'x' of places must hold numbers or categories. Got dates",
        ),
        ([1, 2], ValueError, "places must be a data frame, or a mapping"),
        (
            {"plz": ["80331"], "rent": [1.0]},
            SchemaError,
            "Got 'rent' in both instead",
        ),
    ],
)
def test_places_that_cannot_be_joined(places, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        GeographicTransformer(places=places, place="plz").fit(some_customers())


# -- as any transformer ----------------------------------------------------------------


def test_alone_and_in_a_batch():
    table = some_customers()
    fitted = everything().fit(table)
    together = fitted.transform(table)
    for row in (0, 17, 39):
        alone = fitted.transform(table.iloc[[row]])
        np.testing.assert_array_equal(alone[0], together[row])
    np.testing.assert_array_equal(fitted.transform(table[::-1]), together[::-1])
    np.testing.assert_array_equal(fitted.transform(pl.from_pandas(table)), together)


def test_a_single_row_of_gaps():
    table = some_customers()
    fitted = everything().fit(table)
    gaps = pd.DataFrame({name: [None] for name in table})
    with pytest.warns(SegmentWarning) as caught:
        alone = fitted.transform(gaps)
    assert np.isfinite(alone).all()
    text = " ".join(str(one.message) for one in caught)
    for column in ("'plz' must hold keys", "'region': 1 ('missing')", "'climate': 1"):
        assert column in text


def test_a_frame_as_parameter_is_cloned_and_pickled():
    table = some_customers()
    transformer = everything()
    again = clone(transformer)
    assert again.places is not transformer.places
    pd.testing.assert_frame_equal(again.places, transformer.places)
    assert "places=" in repr(again)
    assert "GeographicTransformer" in again._repr_html_()
    expected = transformer.fit_transform(table)
    copy = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(copy.transform(table), expected)
    np.testing.assert_array_equal(again.fit_transform(table), expected)
    again.set_params(places=pd.DataFrame(PLACES).assign(rail=[1.0, 2.0, 3.0, 4.0]))
    assert "rail" in again.fit(table).get_feature_names_out()
    polars = everything().set_params(places=pl.DataFrame(PLACES))
    assert "places=" in repr(polars)
    np.testing.assert_array_equal(clone(polars).fit_transform(table), expected)


def test_without_roles_columns_are_read_as_demographic_ones():
    table = some_customers().assign(flat=True)
    found = GeographicTransformer(nominal=("tier", "plz")).fit_transform(table)
    expected = DemographicTransformer(nominal=("tier", "plz")).fit_transform(table)
    np.testing.assert_array_equal(found, expected)


def test_scorer():
    table = some_customers()[["lat", "rent", "tier"]]
    plain = GeographicTransformer(nominal=("tier",)).fit(table)
    segmenter = KMeansSegmenter(n_clusters=2, random_state=0)
    pipeline = make_pipeline(plain, segmenter).fit(table)
    scorer = compile_scorer(pipeline)
    np.testing.assert_array_equal(
        scorer.predict(table.to_numpy(dtype=object)), pipeline.predict(table)
    )
    table = some_customers()
    pipeline = make_pipeline(everything(), segmenter).fit(table)
    np.testing.assert_array_equal(
        compile_scorer(pipeline).predict(table), pipeline.predict(table)
    )


@pytest.mark.parametrize(
    ("parameters", "error", "sentence"),
    [
        ({"hierarchy": ("land",)}, SchemaError, "hierarchy must name columns"),
        ({"latitude": "lat"}, ValueError, "Got latitude alone instead"),
        ({"place": "plz"}, ValueError, "Got place alone instead"),
        ({"places": PLACES}, ValueError, "Got places alone instead"),
        (
            {"distance_to": {"store": (52.5, 13.4)}},
            ValueError,
            "latitude and longitude must be given with distance_to",
        ),
        (
            {**DEGREES, "distance_to": {"store": (13.4, 252.5)}},
            ValueError,
            "distance_to['store'] must be a pair of latitude (-90 to 90) and longitude "
            "(-180 to 180) in degrees, or several. Got 1 others instead.",
        ),
        (
            {**DEGREES, "distance_to": {"store": "Berlin"}},
            ValueError,
            "Got 'Berlin' instead",
        ),
        (
            {"hierarchy": ("region", "city"), "nominal": ("city",)},
            ValueError,
            "must name each column once. Got 'city' more than once",
        ),
    ],
)
def test_parameters_that_do_not_fit(parameters, error, sentence):
    with pytest.raises(error, match=re.escape(sentence)):
        GeographicTransformer(**parameters).fit(some_customers())


def test_nothing_left():
    table = some_customers()[["lat", "lon"]]
    with pytest.raises(ValueError, match="sphere must be True when nothing else"):
        GeographicTransformer(**DEGREES, sphere=False).fit(table)
    clash = table.assign(km_to_s=1.0)
    with pytest.raises(SchemaError, match="Got 'km_to_s' more than once"):
        GeographicTransformer(**DEGREES, distance_to={"s": (1, 1)}).fit(clash)
