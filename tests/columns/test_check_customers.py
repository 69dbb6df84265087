"""`check_customers`: each check speaks when it should, and not before."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.columns import check_customers
from custseg.datasets import make_customers
from custseg.exceptions import SchemaError

N = 400
RNG = np.random.default_rng(0)
CLEAN = pd.DataFrame(
    {
        "customer": [f"c{i}" for i in range(N)],
        "spend": RNG.lognormal(4, 0.5, N),
        "town": RNG.choice(["Ulm", "Bonn", "Kiel"], N),
        "updated": pd.Timestamp("2024-06-01")
        - pd.to_timedelta(RNG.integers(0, 90, N), "D"),
    }
)


def found(table, **options):
    frame = check_customers(table, **options).frame()
    keys = zip(frame["check"], frame["column"], strict=True)
    return dict(zip(keys, frame["customers"], strict=True))


def spoilt(column, rows, value):
    table = CLEAN.copy()
    table[column] = table[column].astype(object)
    table.loc[rows, column] = value
    return table.infer_objects()


def test_nothing_is_found_in_a_clean_table():
    check = check_customers(CLEAN, customer_id="customer", updated="updated")
    assert check.ok
    assert check.frame().empty
    assert repr(check).splitlines() == [f"{N} customers, 4 columns", "nothing found"]


CASES = {
    "ids twice": (spoilt("customer", [3, 4], "c0"), ("duplicates", "customer"), 2),
    "no id": (spoilt("customer", [3], None), ("duplicates", "customer"), 1),
    "impossible age": (
        CLEAN.assign(age=[-1, 130, *[40, 50] * 199]),
        ("impossible", "age"),
        2,
    ),
    "negative income": (
        CLEAN.assign(income=[-5.0, *RNG.lognormal(9, 1, N - 1)]),
        ("impossible", "income"),
        1,
    ),
    "infinite": (spoilt("spend", [7], np.inf), ("impossible", "spend"), 1),
    "latitude": (
        CLEAN.assign(lat=[91.0, *RNG.uniform(40, 60, N - 1)]),
        ("impossible", "lat"),
        1,
    ),
    "birth year": (
        CLEAN.assign(Year_Birth=[1800, *[1970, 1980, 1990] * 133]),
        ("impossible", "Year_Birth"),
        1,
    ),
    "999": (
        CLEAN.assign(visits=[999, 999, *RNG.integers(0, 40, N - 2)]),
        ("placeholder", "visits"),
        2,
    ),
    "-1": (
        CLEAN.assign(score=[-1, *RNG.integers(0, 40, N - 1)]),
        ("placeholder", "score"),
        1,
    ),
    "666666": (
        CLEAN.assign(income=[666_666, *RNG.uniform(2e4, 9e4, N - 1)]),
        ("placeholder", "income"),
        1,
    ),
    "99 often": (
        CLEAN.assign(points=[99] * 60 + [*RNG.integers(0, 98, N - 60)]),
        ("placeholder", "points"),
        60,
    ),
    "numbers as text": (
        CLEAN.assign(income=["1,5", "2,5"] * 200),
        ("text", "income"),
        N,
    ),
    "dates as text": (
        CLEAN.assign(since=["01-02-2024", "2-3-2024"] * 200),
        ("text", "since"),
        N,
    ),
    "spellings": (spoilt("town", [1], "ULM"), ("text", "town"), N),
    "constant": (CLEAN.assign(club="a"), ("constant", "club"), N),
    "near constant": (
        CLEAN.assign(vip=[1, 2, *[0] * (N - 2)]),
        ("constant", "vip"),
        N - 2,
    ),
    "same ranks": (CLEAN.assign(cents=CLEAN["spend"] ** 3), ("redundant", "cents"), N),
    "same levels": (
        CLEAN.assign(code=CLEAN["town"].map({"Ulm": "u", "Bonn": "b", "Kiel": "k"})),
        ("redundant", "code"),
        N,
    ),
    "outlier": (spoilt("spend", [5], 1e9), ("outliers", "spend"), 1),
    "some missing": (spoilt("spend", range(30), None), ("missing", "spend"), 30),
    "mostly missing": (spoilt("spend", range(300), None), ("missing", "spend"), 300),
    "empty": (CLEAN.assign(income=np.nan), ("missing", "income"), N),
    "hollow rows": (
        CLEAN.assign(
            spend=np.where(np.arange(N) < 9, np.nan, CLEAN["spend"]),
            town=CLEAN["town"].where(np.arange(N) >= 9),
        ),
        ("missing", ""),
        9,
    ),
    "few customers": (CLEAN.head(150), ("sample size", ""), 150),
    "stale": (
        spoilt("updated", [0, 1], pd.Timestamp("2022-01-01")),
        ("stale", "updated"),
        2,
    ),
    "never updated": (spoilt("updated", [0], pd.NaT), ("stale", "updated"), 1),
}


@pytest.mark.parametrize(("table", "key", "count"), CASES.values(), ids=CASES)
def test_each_finding(table, key, count):
    assert found(table, customer_id="customer", updated="updated")[key] == count


# Seven columns of this kind lie near no limit.
NOTHING_THERE = {
    "ages": CLEAN.assign(age=RNG.integers(0, 121, N)),
    "99 among others": CLEAN.assign(points=[*range(100)] * 4),
    "minus one among others": CLEAN.assign(change=[*range(-100, 100)] * 2),
    "a share": CLEAN.assign(share=RNG.uniform(0, 1, N)),
    "one percent and more": CLEAN.assign(vip=[1] * 5 + [0] * (N - 5)),
    "levels that differ": CLEAN.assign(code=RNG.choice(["u", "b", "k"], N)),
    "few missing": spoilt("spend", range(10), None),
}


@pytest.mark.parametrize("table", NOTHING_THERE.values(), ids=NOTHING_THERE)
def test_no_false_alarm(table):
    keys = found(table, customer_id="customer", updated="updated")
    assert not {check for check, _ in keys} - {"sample size"}


def test_severity_decides_ok_and_the_order():
    table = spoilt("spend", [5], 1e9).assign(age=-1.0, club="a")
    check = check_customers(table, customer_id="customer")
    assert not check.ok
    severities = check.frame()["severity"].tolist()
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert set(severities) == {"error", "warning", "note"}
    assert "error: impossible 'age': 400 values outside 0 to 120" in repr(check)


def test_limits_of_ones_own():
    keys = found(CLEAN, customer_id="customer", limits={"spend": (None, 1.0)})
    assert keys["impossible", "spend"] == np.count_nonzero(CLEAN["spend"] > 1)
    ages = CLEAN.assign(age=-1.0)
    own = found(ages, customer_id="customer", limits={"age": (-5, None)})
    assert ("impossible", "age") not in own


def test_dates_ahead():
    keys = found(CLEAN, customer_id="customer", as_of="2024-05-01")
    assert keys["impossible", "updated"] == (CLEAN["updated"] >= "2024-05-02").sum()
    # Without a day to go by, dates are not checked.
    assert found(CLEAN, customer_id="customer") == {}


def test_whole_rows_without_ids():
    table = pd.concat([CLEAN, CLEAN.head(3)]).drop(columns="customer")
    assert found(table)["duplicates", ""] == 3


class TestCoverage:
    def test_a_number(self):
        check = check_customers(CLEAN, customer_id="customer", customer_base=1600)
        (message,) = check.frame()["message"]
        assert message == "400 of the 1600 customers of the base (25%)"

    def test_ids(self):
        base = [f"c{i}" for i in range(100, 1100)]
        keys = found(CLEAN, customer_id="customer", customer_base=base)
        frame = check_customers(
            CLEAN, customer_id="customer", customer_base=base
        ).frame()
        assert frame["customers"].tolist() == [100, 300]  # 100 unknown ids warn first
        assert set(keys) == {("coverage", "")}

    @pytest.mark.parametrize("as_frame", [pd.DataFrame, pl.DataFrame])
    def test_a_table_that_differs(self, as_frame):
        rich = CLEAN[CLEAN["spend"] > CLEAN["spend"].median()]
        rich = rich[rich["town"] != "Ulm"]
        base = as_frame(CLEAN.to_dict("list"))
        table = as_frame(rich.to_dict("list"))
        check = check_customers(table, customer_id="customer", customer_base=base)
        frame = check.frame().query("check == 'coverage'").set_index("column")
        away = (rich["spend"].mean() - CLEAN["spend"].mean()) / CLEAN["spend"].std(
            ddof=0
        )
        assert f"{away:+.2f}" in frame.loc["spend", "message"]
        assert "'Ulm' -" in frame.loc["town", "message"]

    def test_ids_need_their_column(self):
        with pytest.raises(SchemaError, match="customer_id must be given"):
            check_customers(CLEAN, customer_base=["c1"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"customer_id": "id"}, "customer_id must name columns of the table"),
        ({"updated": "day"}, "updated must name columns of the table"),
        ({"limits": {"age": (0, 1)}}, "limits must name columns of the table"),
        ({"limits": {"spend": (5, 1)}}, "must be in order. Got (5, 1) instead"),
        ({"updated": "town"}, "Column 'town' must hold dates"),
        ({"as_of": "soon"}, "as_of must be a date. Got 'soon' instead"),
    ],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_customers(CLEAN, **options)


def test_polars_and_arrow_find_the_same():
    table = make_customers(300, outliers=0.02, random_state=0).customers
    expected = check_customers(table, customer_id="customer_id").frame()
    polars = pl.from_pandas(table)
    for other in (polars, polars.to_arrow()):
        frame = check_customers(other, customer_id="customer_id").frame()
        pd.testing.assert_frame_equal(frame, expected)


def test_facts_of_columns():
    facts = check_customers(CLEAN, customer_id="customer").columns()
    facts = facts.set_index("column")
    assert facts.loc["spend", "median"] == pytest.approx(CLEAN["spend"].median())
    assert facts.loc["town", "n_distinct"] == 3
    assert facts.loc["updated", "kind"] == "date"
    share = CLEAN["town"].value_counts(normalize=True).iloc[0]
    assert facts.loc["town", "top_share"] == pytest.approx(share)


@pytest.mark.parametrize("form", [str, float, lambda i: f" {i} "])
def test_ids_are_compared_as_levels_are(form):
    base = pd.DataFrame({"id": np.arange(300), "x": np.linspace(0, 1, 300)})
    some = base.head(200).assign(id=[form(i) for i in range(200)])
    for known in (base, base["id"]):
        found = check_customers(some, customer_id="id", customer_base=known).frame()
        messages = found.loc[found["check"] == "coverage", "message"].tolist()
        assert "200 of the 300 customers of the base (67%)" in messages


def test_more_customers_than_the_base_has_is_an_error():
    table = pd.DataFrame({"x": np.linspace(0, 1, 300)})
    check = check_customers(table, customer_base=100)
    assert not check.ok
    found = check.frame().query("check == 'coverage'")
    assert found["severity"].tolist() == ["error"]
    assert "300 customers, more than the 100 of the base" in found["message"].iloc[0]


def test_text_that_is_mostly_numbers_is_told_with_what_is_not():
    answers = ["-4", "0", "3", "I love it!+5"] * 25
    found = check_customers(pd.DataFrame({"like": answers})).frame()
    (message,) = found.loc[found["check"] == "text", "message"]
    assert "25 of 100 customers" in message
    assert "map these to numbers" in message


def test_a_column_of_account_numbers_is_noted():
    rng = np.random.default_rng(0)
    numbers = rng.permutation(90_000)[:400]
    table = pd.DataFrame({"account_number": numbers, "spend": rng.lognormal(size=400)})
    found = check_customers(table).frame()
    assert found.loc[found["check"] == "identifier", "column"].tolist() == [
        "account_number"
    ]
