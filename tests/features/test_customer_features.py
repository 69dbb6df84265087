"""`make_customer_features`: bases side by side, none outweighing another."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import custseg as cs
from custseg.datasets import load_wholesale, make_customers
from custseg.exceptions import DataQualityError, SchemaError

N, N_ITEMS = 600, 50
MEASURES = ["spend", "orders", "visits"]
ITEMS = [f"item_{i}" for i in range(N_ITEMS)]


def three_measures_beside_fifty_items(seed):
    """Three segments four apart in three measures; items of five unrelated factors."""
    rng = np.random.default_rng(seed)
    segments = rng.integers(3, size=N)
    measures = 4.0 * np.eye(3)[segments] + rng.normal(size=(N, 3))
    loadings = np.kron(np.ones((1, N_ITEMS // 5)), 0.8 * np.eye(5))
    items = rng.normal(size=(N, 5)) @ loadings + 0.6 * rng.normal(size=(N, N_ITEMS))
    table = pd.DataFrame(np.hstack([measures, items]), columns=MEASURES + ITEMS)
    return segments, table


def segmented(table, features):
    return make_pipeline(features, cs.KMeansSegmenter(3, random_state=0)).fit_predict(
        table
    )


@pytest.mark.parametrize("seed", range(3))
def test_fifty_items_do_not_outweigh_three_measures(seed):
    segments, table = three_measures_beside_fifty_items(seed)
    found = {
        balance: adjusted_rand_score(
            segments,
            segmented(
                table,
                cs.make_customer_features(
                    behavioural=MEASURES, psychographic=ITEMS, balance=balance
                ),
            ),
        )
        for balance in ("variance", None)
    }
    assert found["variance"] > 0.9
    assert found[None] < 0.5


def share_of(base, fitted, table):
    numbers = fitted.transform(table)
    variances = numbers.var(axis=0)
    return variances[fitted.output_indices_[base]].sum() / variances.sum()


def test_noise_in_a_base_does_not_raise_its_share():
    _, table = three_measures_beside_fifty_items(0)
    noise = np.random.default_rng(1).normal(size=(N, 47))
    names = [f"noise_{i}" for i in range(47)]
    table = pd.concat([table, pd.DataFrame(noise, columns=names)], axis=1)
    for columns in (MEASURES, MEASURES + names):
        features = cs.make_customer_features(behavioural=columns, psychographic=ITEMS)
        features.fit(table)
        assert share_of("behavioural", features, table) == pytest.approx(0.5)


@pytest.mark.parametrize("repeated", [MEASURES, ITEMS], ids=["measures", "items"])
def test_every_column_of_a_base_five_times_changes_nothing(repeated):
    _, table = three_measures_beside_fifty_items(0)
    copies = [
        table[repeated].add_suffix("" if copy == 0 else f"_{copy}") for copy in range(5)
    ]
    rest = [name for name in table if name not in repeated]
    wide = pd.concat([table[rest], *copies], axis=1)
    grown = [name for name in wide if name not in rest]
    bases = {True: "behavioural", False: "psychographic"}
    own, other = bases[repeated is MEASURES], bases[repeated is not MEASURES]
    once = segmented(table, cs.make_customer_features(**{own: repeated, other: rest}))
    often = segmented(wide, cs.make_customer_features(**{own: grown, other: rest}))
    assert adjusted_rand_score(once, often) > 0.98


def test_weights_are_shares_of_the_mean_squared_distance():
    clients = load_wholesale()
    features = cs.make_customer_features(
        behavioural=["Fresh", "Milk", "Grocery"],
        firmographic=(cs.DemographicTransformer(nominal=("Channel",)), ["Channel"]),
        geographic=(cs.DemographicTransformer(nominal=("Region",)), ["Region"]),
        weights={"behavioural": 2},
    )
    X = features.fit_transform(clients)
    pairs = np.mean((X[:, np.newaxis] - X[np.newaxis]) ** 2, axis=(0, 1))
    shares = {
        base: pairs[where].sum() / pairs.sum()
        for base, where in features.output_indices_.items()
        if base != "remainder"
    }
    assert shares == pytest.approx(
        {"behavioural": 0.5, "firmographic": 0.25, "geographic": 0.25}
    )


def test_eigenvalue_balance_leaves_uncorrelated_columns_heavier():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        rng.normal(size=(400, 13)), columns=[f"c{i}" for i in range(13)]
    )
    few, many = list(table)[:3], list(table)[3:]
    features = cs.make_customer_features(
        behavioural=few, psychographic=many, balance="eigenvalue"
    ).fit(table)
    blocks = [
        features.transform(table)[:, features.output_indices_[base]]
        for base in ("behavioural", "psychographic")
    ]
    largest = [
        np.linalg.eigvalsh(np.cov(block, rowvar=False, ddof=0))[-1] for block in blocks
    ]
    assert largest == pytest.approx([1.0, 1.0])
    assert share_of("psychographic", features, table) > 0.6


BUYERS = pd.DataFrame(
    {
        "recency": [3.0, 200.0, 40.0, 9.0, 90.0, 20.0],
        "frequency": [12, 1, 4, 1, 7, 2],
        "monetary_total": [800.0, 20.0, 90.0, 35.0, 400.0, 60.0],
        "nps": [9, 3, 8, 10, 6, 7],
    }
)


def test_a_column_that_is_not_there_is_told_with_its_base():
    features = cs.make_customer_features(behavioural=["recency"], benefit=["nps"])
    message = (
        "Base 'behavioural' must name columns of the table. Got 'recency' instead. "
        "There are 'frequency', 'monetary_total', 'nps'."
    )
    lacking = BUYERS.drop(columns="recency")
    with pytest.raises(SchemaError, match=re.escape(message)):
        features.fit(lacking)
    features.fit(BUYERS)
    with pytest.raises(SchemaError, match=re.escape(message)):
        features.transform(lacking)
    with pytest.raises(SchemaError, match="must be a frame in memory where bases name"):
        features.fit(BUYERS.to_numpy())


@pytest.mark.parametrize(
    ("base", "message"),
    [
        ("loyalty", "Loyalty needs a column of behaviour and one of attitude; say whi"),
        ("lifecycle", "Say what they are called: LifecycleTransformer(recency=..., fr"),
        ("rfm", 'Say what the column is called: RFMTransformer(recency="my_name").'),
    ],
)
def test_a_base_that_must_know_its_columns_says_how_to_name_them(base, message):
    with pytest.raises(SchemaError, match=re.escape(message)):
        cs.make_customer_features(**{base: ["nps"]}).fit(BUYERS)


def test_rfm_scores_go_in_once():
    names = ["recency", "frequency", "monetary_total"]
    features = cs.make_customer_features(rfm=names)
    X = features.set_output(transform="pandas").fit_transform(BUYERS)
    assert list(X) == ["r", "f", "m"]
    assert X.var(ddof=0).sum() == pytest.approx(1.0)
    message = "make_customer_features has changed them. Put the rules right behind RFMT"
    with pytest.raises(DataQualityError, match=re.escape(message)):
        make_pipeline(features, cs.RuleSegmenter()).fit(BUYERS)


def test_arrow_tables_are_read():
    arrow = pytest.importorskip("pyarrow")
    table = arrow.table({name: BUYERS[name].to_numpy() for name in BUYERS})
    features = cs.make_customer_features(behavioural=["recency"], benefit=["nps"])
    np.testing.assert_array_equal(
        features.fit(table).transform(table), features.fit_transform(BUYERS)
    )


def test_names_and_columns():
    simulated = make_customers(200, random_state=0)
    scales = {name: list(items) for name, items in simulated.scales.items()}
    features = cs.make_customer_features(
        demographic=["age", "gender"], psychographic=scales
    ).set_output(transform="pandas")
    X = features.fit_transform(simulated.customers)
    assert X.columns[0] == "age"
    assert list(X)[-len(scales) :] == list(scales)
    inner = features.named_transformers_["psychographic"][0]
    assert set(inner.reversed_items_) <= set(simulated.item_columns)
    assert set(inner.reversed_items_)
    pd.testing.assert_frame_equal(
        pickle.loads(pickle.dumps(features)).transform(simulated.customers), X
    )
    pd.testing.assert_frame_equal(clone(features).fit_transform(simulated.customers), X)
    one = simulated.customers.iloc[[7]]
    pd.testing.assert_frame_equal(features.transform(one), X.iloc[[7]], rtol=0, atol=0)


def test_a_column_in_two_bases_has_the_base_in_its_names():
    clients = load_wholesale()
    features = cs.make_customer_features(
        behavioural=["Fresh", "Milk"], own=(StandardScaler(), ["Milk"])
    ).fit(clients)
    names = ["behavioural__Fresh", "behavioural__Milk", "own__Milk"]
    assert list(features.get_feature_names_out()) == names


def test_a_scorer_of_a_model_with_balanced_bases():
    _, table = three_measures_beside_fifty_items(3)
    features = cs.make_customer_features(
        behavioural=MEASURES, psychographic={"a": ITEMS[:20], "b": ITEMS[20:]}
    )
    road = make_pipeline(features, cs.KMeansSegmenter(3, random_state=0)).fit(table)
    scorer = cs.compile_scorer(road)
    rows = table.head(20)
    one_by_one = [scorer.predict_one(row) for row in rows.to_dict("records")]
    np.testing.assert_array_equal(one_by_one, road.predict(rows))


def test_roles_go_on_to_features():
    customers = make_customers(200, random_state=0).customers
    roles = cs.infer_roles(customers)
    X = cs.make_customer_features(**roles.bases()).fit_transform(customers)
    assert X.var(axis=0).sum() == pytest.approx(len(roles.bases()))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "There must be a base to segment on. Got none"),
        ({"behavioural": []}, ValueError, "behavioural must have columns, each once"),
        ({"behavioural": ["a", "a"]}, ValueError, "Got 'a' more than once instead"),
        ({"behavioural": "a"}, TypeError, "behavioural must be a list of column names"),
        ({"behavioural": 3}, TypeError, "Got 3 instead. Put it into a list"),
        ({"behavioural": {"a": ["b"]}}, TypeError, "Got a mapping instead. Only"),
        ({"web": ["a"]}, TypeError, "web must be a pair of a transformer and its"),
        ({"behavioural": ["a"], "balance": "sd"}, ValueError, "Got 'sd' instead"),
        (
            {"behavioural": ["a"], "weights": {"social": 1}},
            ValueError,
            "weights must name bases that are balanced. Got 'social' instead",
        ),
        (
            {"behavioural": ["a"], "weights": {"behavioural": 1}, "balance": None},
            ValueError,
            "Got balance=None instead",
        ),
        (
            {"behavioural": ["a"], "weights": {"behavioural": 0}},
            ValueError,
            "weights must be above zero. Got another weight of 'behavioural'",
        ),
    ],
)
def test_refusals(arguments, error, message):
    with pytest.raises(error, match=re.escape(message)):
        cs.make_customer_features(**arguments)
