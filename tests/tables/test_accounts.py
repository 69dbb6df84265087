"""roll_up_accounts: worked cases, chains and circles, types, every refusal."""

import re
from datetime import date, datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables import roll_up_accounts

# grand <- bistro <- lounge (a chain of two), corner alone, and two shops of a parent
# that is no account itself.
ACCOUNTS = {
    "customer_id": ["shop2", "grand", "bistro", "lounge", "corner", "shop1"],
    "parent_id": ["chain", None, "grand", "bistro", None, "chain"],
    "trade": ["kiosk", "hotel", "restaurant", "restaurant", "cafe", "grocer"],
    "spend": [70, 900, 400, 100, 50, 30],
    "orders": [1, 6, 3, 1, 2, 3],
    "rating": [2.0, 4.0, None, 1.0, None, 3.0],
    "recency": [5.0, 12.0, 3.0, 40.0, 8.0, 9.0],
}
RULES = {
    "trade": ("most", "spend"),
    "spend": "sum",
    "orders": "max",
    "rating": ("mean", "orders"),
    "recency": "min",
}
MAY, APRIL = date(2024, 5, 1), date(2024, 4, 1)


def rolled(table, how=None, **options):
    options = {"parent_id": "parent_id", **options}
    return roll_up_accounts(table, how=RULES if how is None else how, **options)


def column(make_frame, values, rule, parents=("a", "a", "a", None), weight=None):
    """Roll up one column of accounts a, b, c (one company) and d."""
    table = {"customer_id": list("abcd"), "parent_id": list(parents), "it": values}
    how = {"it": rule}
    if weight is not None:
        table["w"], how["w"] = weight, "drop"
    return rolled(make_frame(table), how)["it"].to_list()


def rows_of(frame):
    """Rows with None for whatever is missing."""
    columns = [frame[name].to_list() for name in frame.columns]
    rows = zip(*columns, strict=True)
    return [tuple(None if pd.isna(cell) else cell for cell in row) for row in rows]


# -- worked on paper ---------------------------------------------------------------


def test_worked_case(make_frame):
    companies = rolled(make_frame(ACCOUNTS))
    assert type(companies) is type(make_frame(ACCOUNTS))
    assert list(companies.columns) == [
        "customer_id",
        "trade",
        "spend",
        "orders",
        "rating",
        "recency",
        "n_accounts",
    ]
    # chain: kiosk 70 against grocer 30; rating (2 * 1 + 3 * 3) / 4 = 2.75.
    # grand: hotel 900 against restaurants 500; rating (4 * 6 + 1 * 1) / 7, the
    # bistro's being unknown.
    assert rows_of(companies) == [
        ("chain", "kiosk", 100, 3, 2.75, 5.0, 2),
        ("corner", "cafe", 50, 2, None, 8.0, 1),
        ("grand", "hotel", 1400, 6, pytest.approx(25 / 7), 3.0, 3),
    ]


def test_every_engine(engine):
    """The accounts above, with flags and dates."""
    table = engine.frame(
        ACCOUNTS
        | {
            "vat": [True, False, True, False, False, True],
            "since": [datetime(2020, 1, day) for day in (5, 4, 3, 9, 8, 7)],
        }
    )
    how = RULES | {"vat": "sum", "since": "min"}
    companies = rolled(table, how)
    assert isinstance(companies, type(table))
    expected = pd.DataFrame(
        {
            "customer_id": ["chain", "corner", "grand"],
            "trade": ["kiosk", "cafe", "hotel"],
            "spend": [100, 50, 1400],
            "orders": [3, 2, 6],
            "rating": [2.75, None, 25 / 7],
            "recency": [5.0, 8.0, 3.0],
            "vat": [2, 0, 1],
            "since": [datetime(2020, 1, day) for day in (5, 8, 3)],
            "n_accounts": [2, 1, 3],
        }
    )
    found = engine.read(companies)
    assert rows_of(found) == rows_of(expected)


def test_types_of_arrow():
    """Truth values with gaps, kinds of text and short integers stay what they are."""
    pa = pytest.importorskip("pyarrow")
    table = pa.table(
        {
            "customer_id": pa.array([3, 1, 2], pa.int32()),
            "parent_id": pa.array([1, None, None], pa.int32()),
            "vat": [None, True, None],
            "trade": pa.array(["x", "y", None], pa.large_string()),
            "size": pa.array([7, 5, None], pa.int16()),
            "code": [2**60 + 1, 2**60 + 2, None],
            "mean": pa.array([2, 4, 1], pa.int16()),
        }
    )
    rules = ("sum", "own", "max", "min", "mean")
    how = dict(zip(("vat", "trade", "size", "code", "mean"), rules, strict=True))
    companies = rolled(table, how)
    columns = companies.to_pydict()
    assert [columns[name] for name in how] == [
        [1, None],
        ["y", None],
        [7, None],
        [2**60 + 1, None],
        [3.0, 1.0],
    ]
    kinds = dict(zip(companies.schema.names, companies.schema.types, strict=True))
    expected = [pa.int64(), pa.large_string(), pa.int16(), pa.int64(), pa.float64()]
    assert [kinds[name] for name in how] == expected


def test_no_positions_of_rows_without_an_order():
    duckdb = pytest.importorskip("duckdb")
    accounts = pd.DataFrame({"customer_id": ["a", "b", "a"], "parent_id": ["b"] * 3})
    message = "Got ids that repeat in 2 of 3 rows instead. Make one row of each"
    with pytest.raises(DataQualityError, match=re.escape(message)):
        rolled(duckdb.from_df(accounts), {})


def test_companies_go_on_in_the_connection_of_the_accounts():
    duckdb = pytest.importorskip("duckdb")
    with duckdb.connect() as connection:
        connection.execute(
            "create table accounts as select * from "
            "(values ('a', null), ('b', 'a')) as made(customer_id, parent_id)"
        )
        companies = rolled(connection.table("accounts"), {})
        alone = companies.project("*, null as parent_id")
        again = rolled(alone, {"n_accounts": "drop"})
        assert companies.join(again.set_alias("again"), "customer_id").fetchall() == [
            ("a", 2, 1)
        ]


@pytest.mark.parametrize(
    ("rule", "values", "expected"),
    [
        ("sum", [1, 2, 4, 8], [7, 8]),
        ("sum", [1.5, None, 4.0, None], [5.5, None]),
        ("sum", [True, True, False, False], [2, 0]),
        ("mean", [1.0, None, 4.0, 9.0], [2.5, 9.0]),
        ("min", [3, 2, 4, 9], [2, 9]),
        ("max", [3.0, 2.0, None, None], [3.0, None]),
        ("max", [False, True, None, False], [True, False]),
        ("most", ["x", "y", "y", "z"], ["y", "z"]),
        ("most", [1, 2, 2, 3], [2, 3]),
        ("most", ["", None, "y", "nan"], ["y", None]),
        ("distinct", ["x", "y", "x", None], [2, 0]),
        ("distinct", [1, 1, 1, 5], [1, 1]),
        ("own", ["x", "y", "z", "w"], ["x", "w"]),
        ("own", [None, 2.0, 3.0, 4.0], [None, 4.0]),
        ("min", [MAY, APRIL, None, None], [APRIL, None]),
    ],
)
def test_rules(make_frame, rule, values, expected):
    found = column(make_frame, values, rule)
    assert [None if pd.isna(one) else one for one in found] == expected


def test_ties_of_the_most(make_frame):
    # Weights x 2, y 1 + 1: the value of more accounts. Without weights x, y, z have
    # one account each: the first of them.
    assert column(make_frame, ["x", "y", "y", "x"], ("most", "w"), weight=[2, 1, 1, 0])[
        0
    ] == ("y")
    assert column(make_frame, ["z", "y", "x", "x"], "most")[0] == "x"


def test_weights_of_zero_count_alike(make_frame):
    values, weight = [1.0, 2.0, 6.0, 4.0], [0, 0, 0, 5]
    assert column(make_frame, values, ("mean", "w"), weight=weight) == [3.0, 4.0]
    assert column(make_frame, ["x", "y", "y", "z"], ("most", "w"), weight=weight) == [
        "y",
        "z",
    ]
    # Where only some are zero they count for nothing.
    assert column(make_frame, values, ("mean", "w"), weight=[1, 0, 0, 5])[0] == 1.0


def test_dates_keep_their_type(make_frame):
    days = [datetime(2024, 5, 1, 9), datetime(2024, 4, 1), None, datetime(2024, 1, 1)]
    first = column(make_frame, days, "min")
    assert first == [datetime(2024, 4, 1), datetime(2024, 1, 1)]
    zoned = pd.DataFrame(
        {
            "customer_id": list("abcd"),
            "parent_id": ["a", "a", "a", None],
            "at": pd.to_datetime(pd.Series(days)).dt.tz_localize("Europe/Berlin"),
        }
    )
    last = rolled(zoned, {"at": "max"})
    assert last["at"].dtype == zoned["at"].dtype
    assert last["at"][0] == pd.Timestamp("2024-05-01 09:00", tz="Europe/Berlin")


def test_ordered_categories_keep_their_type():
    size = pd.Categorical(["s", "l", "l", None], ["s", "m", "l"], ordered=True)
    table = pd.DataFrame(
        {"customer_id": [1, 2, 3, 4], "parent_id": [1, 1, 1, None], "size": size}
    )
    companies = rolled(table, {"size": "most"})
    assert companies["size"].dtype == size.dtype
    assert companies["size"].isna().tolist() == [False, True]
    assert companies["size"][0] == "l"
    enum = pl.Enum(["s", "m", "l"])
    other = pl.DataFrame(
        {"customer_id": [1, 2], "parent_id": [None, 1], "size": ["l", "s"]},
        schema_overrides={"size": enum},
    )
    companies = rolled(other, {"size": "own"})
    assert companies.schema["size"] == enum
    assert companies["size"].to_list() == ["l"]


# -- parents -----------------------------------------------------------------------


def test_long_chains_lead_to_the_top(make_frame):
    n = 1000
    rng = np.random.default_rng(0)
    order = rng.permutation(n)
    # Account i has the parent i - 1, and 0 none.
    ids = np.arange(n)[order]
    parents = [None if i == 0 else int(i) - 1 for i in ids]
    table = make_frame({"customer_id": ids, "parent_id": parents, "spend": np.ones(n)})
    companies = rolled(table, {"spend": "sum"})
    assert rows_of(companies) == [(0, 1000.0, 1000)]


def test_an_account_that_is_its_own_parent_has_none(make_frame):
    table = make_frame({"customer_id": [7, 8], "parent_id": [7, 7], "spend": [1, 2]})
    assert rows_of(rolled(table, {"spend": "sum"})) == [(7, 3, 2)]


def test_integer_ids_stay_integers_though_parents_are_floats():
    # pandas holds integers beside missing values as floats.
    table = pd.DataFrame(
        {"customer_id": [11, 12, 13], "parent_id": [np.nan, 11.0, 99.0], "x": [1, 2, 3]}
    )
    companies = rolled(table, {"x": "sum"})
    assert companies["customer_id"].dtype == "int64"
    assert rows_of(companies) == [(11, 3, 2), (99, 3, 1)]
    large = 2**60 + 1
    table = pl.DataFrame({"customer_id": [large, 1], "parent_id": [None, large]})
    assert rolled(table, {})["customer_id"].to_list() == [large]
    # A whole number that only one of the companies has stays exact.
    table = pd.DataFrame(
        {"customer_id": [1, 2], "parent_id": [None, 9], "code": [large, 5]}
    )
    assert rolled(table, {"code": "own"})["code"].to_list() == [large, pd.NA]


@pytest.mark.parametrize("dtype", ["Int64", "string", "category", "object"])
def test_types_of_ids(dtype):
    ids = [1, 2, 3] if dtype == "Int64" else ["1", "2", "3"]
    table = pd.DataFrame(
        {
            "customer_id": pd.Series(ids, dtype=dtype),
            "parent_id": pd.Series([None, ids[0], None], dtype=dtype),
            "x": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    companies = rolled(table.set_axis([5, 5, 9]), {"x": "sum"})
    assert rows_of(companies) == [(ids[0], 1, 2), (ids[2], 3, 1)]
    assert companies.index.tolist() == [0, 1]


def test_blank_parents_are_none(make_frame):
    table = make_frame(
        {"customer_id": ["a", "b"], "parent_id": ["", "  "], "x": [1, 2]}
    )
    assert len(rolled(table, {"x": "sum"})) == 2


def test_large_whole_numbers(make_frame):
    large = 2**62
    # Neighbours that no float tells apart, and a sum beyond 64 bits.
    assert column(make_frame, [large, large + 1, large, 1], "distinct") == [2, 1]
    assert column(make_frame, [large, large + 1, large, 1], "max") == [large + 1, 1]
    assert column(make_frame, [large] * 3 + [1], "sum") == [3.0 * large, 1.0]


# -- invariants --------------------------------------------------------------------


def test_order_of_rows_does_not_matter(make_frame):
    rng = np.random.default_rng(3)
    n = 200
    table = pd.DataFrame(
        {
            "customer_id": np.arange(n),
            "parent_id": rng.integers(0, 30, n) * 1.0,
            "spend": rng.lognormal(3, 2, n),
            "trade": rng.choice(list("xyz"), n),
        }
    )
    table.loc[table["customer_id"] < 30, "parent_id"] = np.nan
    how = {"spend": ("mean", "spend"), "trade": ("most", "spend")}
    shuffled = table.sample(frac=1, random_state=0)
    one, other = rolled(table, how), rolled(shuffled, how)
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    polars = rolled(pl.DataFrame(table.to_dict("list")), how)
    assert rows_of(polars.fill_nan(None)) == rows_of(one)


def test_sums_agree_with_pandas_and_nobody_is_lost():
    rng = np.random.default_rng(1)
    n = 300
    table = pd.DataFrame(
        {
            "customer_id": np.arange(n),
            "parent_id": np.where(np.arange(n) < 20, -1, rng.integers(0, 20, n)),
            "spend": rng.integers(0, 100, n),
            "score": rng.normal(size=n),
        }
    )
    table["parent_id"] = table["parent_id"].where(table["parent_id"] >= 0)
    companies = rolled(table, {"spend": "sum", "score": ("mean", "spend")})
    top = table["parent_id"].fillna(table["customer_id"]).astype(int)
    weighted = (table["score"] * table["spend"]).groupby(top).sum()
    spend = table["spend"].groupby(top).sum()
    assert companies["spend"].tolist() == spend.tolist()
    np.testing.assert_allclose(companies["score"], weighted / spend)
    assert companies["n_accounts"].sum() == n


def test_the_table_is_left_alone_and_lazy_frames_stay_lazy():
    table = pd.DataFrame(ACCOUNTS)
    rolled(table)
    pd.testing.assert_frame_equal(table, pd.DataFrame(ACCOUNTS))
    lazy = rolled(pl.LazyFrame(ACCOUNTS))
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(rolled(pl.DataFrame(ACCOUNTS)))


# -- refusals ----------------------------------------------------------------------

ALL_RULES = "'sum', 'mean', 'min', 'max', 'most', 'distinct', 'own', 'drop'"


@pytest.mark.parametrize(
    ("changes", "how", "error", "sentence"),
    [
        (
            {},
            {"spend": "sum"},
            SchemaError,
            "how must give every column a rule. Got none for 'trade', 'orders', "
            f"'rating', 'recency' instead. Give one of {ALL_RULES}; 'drop' leaves a "
            "column out.",
        ),
        (
            {},
            RULES | {"spend": "total"},
            ValueError,
            f"The rule of column 'spend' must be one of {ALL_RULES}, or 'mean' or "
            "'most' with the column that weighs. Got 'total' instead. Write "
            '("most", "spend") for the latter.',
        ),
        ({}, RULES | {"spend": ("sum", "orders")}, ValueError, "Got ('sum', 'orders')"),
        ({}, [("spend", "sum")], TypeError, "how must be a dict of column and rule."),
        (
            {},
            RULES | {"sales": "sum", "trade": ("most", "weight")},
            SchemaError,
            "Got a table without 'sales', 'weight' instead; it has 'customer_id', ",
        ),
        (
            {},
            RULES | {"parent_id": "drop"},
            SchemaError,
            "customer_id and parent_id must be two columns without a rule. Got "
            "'parent_id' otherwise instead. Leave them out of how.",
        ),
        (
            {"n_accounts": [1] * 6},
            RULES | {"n_accounts": "sum"},
            SchemaError,
            "'n_accounts' must be free for the number of accounts. Got a column of "
            "that name instead. Rename it, or give it the rule 'drop'.",
        ),
        (
            {"parent_id": ["shop1", "corner", "grand", None, "grand", "lounge"]},
            RULES,
            DataQualityError,
            "Column 'parent_id' must lead to a company without a parent. Got parents "
            "that go round in a circle in 3 of 6 rows instead (row 1, 2, 4). Take its "
            "parent from one account of each circle.",
        ),
        (
            {"customer_id": ["a", "b", "a", "c", "d", "b"]},
            RULES,
            DataQualityError,
            "Column 'customer_id' must hold an id of each account, each once. Got ids "
            "that repeat in 4 of 6 rows instead (row 0, 1, 2, 5). Make one row of each "
            "account first.",
        ),
        (
            {"customer_id": ["a", None, "b", "", "d", "e"]},
            RULES,
            DataQualityError,
            "Column 'customer_id' must hold an id of each account. Got none in 2 of 6 "
            "rows instead (row 1, 3). Leave such rows out, or give them an id.",
        ),
        (
            {"parent_id": ["chain", None, "Grand ", "bistro", None, "chain"]},
            RULES,
            DataQualityError,
            "Column 'parent_id' must write ids as 'customer_id' does. Got others that "
            "differ by spaces or case alone in 1 of 6 rows instead (row 2). Write them "
            "alike.",
        ),
        (
            {"parent_id": [1, None, 2, 3, None, 1]},
            RULES,
            SchemaError,
            "Columns 'customer_id' and 'parent_id' must hold ids of one type. Got text "
            "and integers instead. Turn both into text or both into integers.",
        ),
        (
            {"customer_id": [1.5, 2.0, 3.0, 4.0, 5.0, 6.0]},
            RULES,
            SchemaError,
            "Column 'customer_id' must hold whole numbers below 2**53 when customer "
            "ids are Float64. Got others in 1 rows instead.",
        ),
        (
            {"customer_id": [True] * 6},
            RULES,
            SchemaError,
            "Column 'customer_id' must hold ids as integers or text. Got Boolean",
        ),
        (
            {"orders": [1, None, 3, 1, -2, 3]},
            RULES,
            DataQualityError,
            "Column 'orders', which weighs, must hold a number of 0 or more in every "
            "row. Got 2 of 6 rows otherwise instead. Fill what is missing, and set to "
            "0 what is negative, if an account is to count for nothing.",
        ),
        (
            {"spend": [1.0, np.inf, 3.0, 1.0, 2.0, 3.0]},
            RULES | {"trade": "most"},
            DataQualityError,
            "Column 'spend', of which the sum is wanted, must hold finite numbers. Got "
            "infinite ones in 1 rows instead. Correct them or mark them as missing.",
        ),
        (
            {},
            RULES | {"trade": "sum"},
            SchemaError,
            "Column 'trade', of which the sum is wanted, must hold numbers. Got ",
        ),
        (
            {},
            RULES | {"trade": "min"},
            SchemaError,
            "Column 'trade', of which the min is wanted, must hold numbers, dates "
            "or booleans. Got ",
        ),
    ],
)
def test_refusals(make_frame, changes, how, error, sentence):
    table = make_frame(ACCOUNTS | changes)
    with pytest.raises(error, match=re.escape(sentence)):
        rolled(table, how)


def test_refused_tables(make_frame):
    message = (
        "A customer table must be a pandas or polars data frame, a pyarrow table, a "
        "DuckDB relation, or a Spark or Dask data frame. Got builtins.dict instead."
    )
    with pytest.raises(TypeError, match=re.escape(message)):
        rolled(ACCOUNTS)
    with pytest.raises(DataQualityError, match="must have at least one row"):
        rolled(make_frame({"customer_id": [], "parent_id": []}), {})
    doubled = pd.DataFrame(
        [[1, 2, 3]], columns=["customer_id", "parent_id", "parent_id"]
    )
    with pytest.raises(
        SchemaError, match=re.escape("Got ['parent_id'] more than once")
    ):
        rolled(doubled, {})
    table = make_frame({"customer_id": [1], "parent_id": [None]})
    with pytest.raises(SchemaError, match="must be two columns without a rule"):
        rolled(table, {}, parent_id="customer_id")


def test_ids_beyond_64_bits_are_refused():
    ids = np.array([2**63 + 1, 1], dtype="uint64")
    table = pl.DataFrame({"customer_id": ids, "parent_id": [None, None]})
    with pytest.raises(SchemaError, match=re.escape("must hold ids below 2**63")):
        rolled(table, {})
