"""`infer_roles`: proposals with reasons."""

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.spatial.distance import pdist

from custseg.datasets import load_wholesale, make_customers
from custseg.features import (
    DemographicTransformer,
    infer_roles,
    make_customer_features,
)

N = 60
RNG = np.random.default_rng(0)
AMOUNTS = RNG.lognormal(4, 1, N)


def proposed(**columns):
    frame = infer_roles(pd.DataFrame(columns)).frame().set_index("column")
    return {name: (row["base"], row["kind"]) for name, row in frame.iterrows()}


CASES = {
    "codes by value": ({"segment_code": [1, 2, 3] * 20}, ("", "outcome")),
    "region": ({"region": [1, 2, 3] * 20}, ("geographic", "nominal")),
    "unnamed codes": ({"k7": [1, 2, 3] * 20}, ("demographic", "nominal")),
    "counts": ({"children": [0, 1, 2] * 20}, ("demographic", "numeric")),
    "orders": ({"n_orders": [1, 2, 3] * 20}, ("behavioural", "numeric")),
    "camel case": ({"NumWebPurchases": [1, 2, 3] * 20}, ("behavioural", "numeric")),
    "amounts": ({"fresh": AMOUNTS}, ("behavioural", "numeric")),
    "yes or no": ({"newsletter": [0, 1] * 30}, ("behavioural", "numeric")),
    "boolean": ({"is_member": [True, False] * 30}, ("behavioural", "numeric")),
    "levels": ({"gender": ["f", "m", None] * 20}, ("demographic", "nominal")),
    "unnamed levels": ({"kind": ["a", "b"] * 30}, ("demographic", "nominal")),
    "ids": ({"customer": [f"c{i}" for i in range(N)]}, ("", "id")),
    "number ids": ({"ID": np.arange(N) * 3}, ("", "id")),
    "row numbers": ({"nr": np.arange(N)}, ("", "id")),
    "comments": (
        {"said": [f"words {i // 2}" for i in range(N - 1)] + ["w"]},
        ("", "text"),
    ),
    "constant": ({"country": ["fr"] * N}, ("", "constant")),
    "empty": ({"income": [np.nan] * N}, ("", "empty")),
    "outcome": ({"Churn": ["Yes", "No"] * 30}, ("", "outcome")),
    "dates": ({"since": [datetime.datetime(2024, 1, 1)] * N}, ("", "date")),
    "dates as text": (
        {"since": [f"2024-01-0{i}" for i in (1, 2, 3)] * 20},
        ("", "date"),
    ),
    "numbers as text": ({"income": ["1,5", "2,5", "3"] * 20}, ("", "text")),
    "trade": ({"trade": ["hotel", "school"] * 30}, ("firmographic", "nominal")),
    "latitude": ({"latitude": RNG.uniform(40, 50, N)}, ("geographic", "numeric")),
    "followers": ({"followers": AMOUNTS}, ("social", "numeric")),
}


@pytest.mark.parametrize(("columns", "expected"), CASES.values(), ids=CASES)
def test_one_column(columns, expected):
    found = proposed(**columns)
    assert list(found.values()) == [expected]
    (reason,) = infer_roles(pd.DataFrame(columns)).frame()["reason"]
    assert len(reason) > 10


def test_ordered_categories_stay_ordered():
    bands = pd.Categorical(["low", "high", "low"] * 20, ["low", "high"], ordered=True)
    assert proposed(income=bands) == {"income": ("demographic", "ordered")}


def test_items_are_three_columns_or_more_on_one_scale():
    answers = {f"q{i}": RNG.integers(1, 6, N) for i in range(3)}
    assert set(proposed(**answers).values()) == {("psychographic", "item")}
    # Two alone are codes, and a count is a count however few its values.
    two = {name: answers[name] for name in ("q0", "q1")}
    assert set(proposed(**two).values()) == {("demographic", "nominal")}
    counts = {f"orders_{i}": RNG.integers(1, 6, N) for i in range(3)}
    assert set(proposed(**counts).values()) == {("behavioural", "numeric")}


def test_wholesale_goes_on_to_features():
    roles = infer_roles(load_wholesale())
    bases = roles.bases()
    assert list(bases) == ["firmographic", "geographic", "behavioural"]
    transformer, columns = bases["geographic"]
    assert isinstance(transformer, DemographicTransformer)
    assert (transformer.nominal, columns) == (("Region",), ["Region"])
    assert "codes" in repr(roles)
    assert "<table" in roles._repr_html_()


@pytest.mark.parametrize("as_frame", [pd.DataFrame, pl.DataFrame])
def test_simulated_customers(as_frame):
    simulated = make_customers(200, random_state=0)
    table = as_frame(simulated.customers.to_dict("list"))
    frame = infer_roles(table).frame().set_index("column")
    items = frame.index[frame["kind"] == "item"]
    assert set(items) == set(simulated.item_columns)
    assert frame.loc["customer_id", "kind"] == "id"
    assert frame.loc["age", "base"] == "demographic"
    assert frame.loc["income", "missing"] == pytest.approx(
        simulated.customers["income"].isna().mean()
    )


MANY = 400


def roles_of(**columns):
    frame = infer_roles(pd.DataFrame(columns)).frame()
    return frame.set_index("column")[["base", "kind"]].apply(tuple, axis=1).to_dict()


@pytest.mark.parametrize(
    "name",
    [
        "account_number",
        "account",
        "client_no",
        "customer_number",
        "Kundennummer",
        "user",
        "CLIENTNUM",
        "household_key",
        "card_no",
        "member_id",
    ],
)
def test_numbers_that_name_a_customer_are_ids(name):
    numbers = RNG.permutation(90_000)[:MANY] + 10**6
    assert roles_of(**{name: numbers}) == {name: ("", "id")}


def test_codes_are_never_distances():
    found = roles_of(
        zip=RNG.integers(501, 99_950, MANY),
        country=RNG.integers(1, 60, MANY),
        device=RNG.integers(1, 6, MANY),
        hour=RNG.integers(0, 24, MANY),
    )
    assert found["zip"] == ("", "codes")
    assert found["country"] == ("geographic", "nominal")
    assert found["device"] == ("adoption", "nominal")
    assert found["hour"] == ("occasion", "cyclic")


@pytest.mark.parametrize(
    "name", ["y", "Exited", "Attrition_Flag", "converted", "subscribed", "cancelled"]
)
def test_outcomes_are_no_basis(name):
    assert roles_of(**{name: RNG.integers(0, 2, MANY)}) == {name: ("", "outcome")}


def test_many_like_answers_are_items():
    names = ["tasty", "fast", "greasy", "cheap", "healthy", "spicy"]
    answers = {name: RNG.choice(["Yes", "No"], MANY) for name in names}
    found = roles_of(**answers, gender=RNG.choice(["f", "m"], MANY))
    assert {found[name][0] for name in names} == {"psychographic"}
    assert found["gender"][0] == "demographic"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_are_counted(unit):
    dates = pd.date_range("2024-01-01", periods=MANY).astype(f"datetime64[{unit}]")
    frame = infer_roles(pd.DataFrame({"joined": dates})).frame()
    assert frame["n_distinct"].tolist() == [MANY]


@pytest.mark.parametrize(
    "made", [pd.DataFrame, pl.DataFrame, lambda table: np.array([table["stay"]]).T]
)
def test_durations_are_counted(made):
    stays = [datetime.timedelta(days=i % 3) for i in range(59)] + [None]
    frame = infer_roles(made({"stay": stays})).frame()
    assert frame["kind"].tolist() == ["date"]
    assert frame["n_distinct"].tolist() == [3]
    assert frame["missing"].tolist() == pytest.approx([1 / 60])


@pytest.mark.parametrize(
    ("name", "low", "period"), [("hour", 0, 24), ("weekday", 1, 7), ("month", 1, 12)]
)
def test_what_goes_round_does_so_in_the_features(name, low, period):
    table = pd.DataFrame({name: np.tile(np.arange(period) + low, 10)})
    X = make_customer_features(**infer_roles(table).bases()).fit_transform(table)
    # From each hour to the next, the last to the first as well, it is as far.
    steps = np.linalg.norm(X[:period] - np.roll(X[:period], 1, axis=0), axis=1)
    np.testing.assert_allclose(steps, steps[0])


def test_items_in_words_have_the_distances_of_coded_ones():
    words = pd.DataFrame(RNG.choice(["No", "Yes"], (60, 5)), columns=list("abcde"))
    proposed = make_customer_features(**infer_roles(words).bases())
    coded = make_customer_features(psychographic=list("abcde"))
    np.testing.assert_allclose(
        pdist(proposed.fit_transform(words)), pdist(coded.fit_transform(words == "Yes"))
    )


def test_names_alone_do_not_decide():
    found = roles_of(
        orders_cancelled=np.tile([0, 1, 2, 5], MANY // 4),
        household_size=np.arange(MANY) % 7 + 1,
        account=RNG.lognormal(4, 1, MANY),
        visits_month=RNG.integers(1, 13, MANY),
    )
    assert {kind for _, kind in found.values()} == {"numeric"}
