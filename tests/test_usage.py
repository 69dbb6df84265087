"""The programs that users write, and the whole road under scikit-learn's contract."""

import pickle

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline

import custseg as cs
from custseg.datasets import load_wholesale, make_customers, make_transactions

SOURCE_NAMES = {
    "customer_id": "CustomerID",
    "transaction_id": "InvoiceNo",
    "date": "InvoiceDate",
    "quantity": "Quantity",
    "unit_price": "UnitPrice",
    "product": "StockCode",
}


@pytest.fixture(scope="module")
def raw():
    """Customers, their attitude items and their invoices, as a shop would have them."""
    simulated = make_customers(500, n_segments=3, separation=2, random_state=0)
    sold = make_transactions(simulated.truth, start="2011-01-01", random_state=0)
    invoices = sold.transactions.rename(columns=SOURCE_NAMES)
    return simulated.customers, list(simulated.item_columns), invoices


def test_program_1_a_notebook():
    from custseg import (
        BehaviouralTransformer,
        GaussianMixtureSegmenter,
        KMeansSegmenter,
        SegmentSearch,
        SegmentSearchDisplay,
    )

    clients = load_wholesale()
    spend = ["Fresh", "Milk", "Grocery", "Frozen", "Detergents_Paper", "Delicatessen"]
    road = make_pipeline(
        BehaviouralTransformer(),
        SegmentSearch(
            [KMeansSegmenter(), GaussianMixtureSegmenter()],
            n_segments=range(2, 6),
            random_state=0,
        ),
    )
    segment = road.fit_predict(clients[spend])
    search = road[-1]
    assert len(search.results_) == 8
    assert search.select("kmeanssegmenter", 4).n_segments_ == 4
    display = SegmentSearchDisplay.from_search(search).plot()
    assert len(display.frame()) == 8
    np.testing.assert_array_equal(road.predict(clients[spend]), segment)
    # Two segments, which are the wholesaler's two channels for the most part.
    assert adjusted_rand_score(clients["Channel"], segment) > 0.5


def features(attitudes):
    """The three bases side by side, none outweighing another."""
    return cs.make_customer_features(
        demographic=["age", "gender", "income", "education"],
        behavioural=["recency", "frequency", "monetary_value", "return_share"],
        psychographic=attitudes,
    )


@pytest.mark.filterwarnings("ignore:.*warned.*:custseg.exceptions.SegmentWarning")
def test_program_2_from_raw_tables_to_assigned_customers(raw):
    people, attitudes, invoices = raw
    from custseg.tables import (
        TransactionColumns,
        clean_transactions,
        summarize_transactions,
    )

    columns = TransactionColumns(
        customer_id="CustomerID",
        transaction_id="InvoiceNo",
        date="InvoiceDate",
        quantity="Quantity",
        unit_price="UnitPrice",
        product="StockCode",
    )
    orders, report = clean_transactions(invoices, columns, returns="net")
    purchases = summarize_transactions(
        orders, columns, observation_period_end="2011-12-09"
    )
    customers = people.merge(purchases, on="customer_id")
    new_customers = people.tail(100)
    model = cs.SegmentationModel(
        segmenter=make_pipeline(
            features(attitudes),
            cs.SegmentSearch(
                [
                    cs.KMeansSegmenter(),
                    cs.GaussianMixtureSegmenter(),
                    cs.HierarchicalSegmenter(),
                ],
                n_segments=range(2, 5),
            ),
        ),
        assigner=make_pipeline(cs.DemographicTransformer(), cs.DiscriminantAssigner()),
        descriptors=["age", "gender", "income", "education"],
        customer_id="customer_id",
        reject_alpha=0.01,
    ).fit(customers)

    assigned = model.assign(new_customers)
    assert list(assigned.columns) == [
        "customer_id",
        "segment",
        "segment_name",
        "probability",
        "typicality",
        "near_border",
        "override",
    ]
    assert assigned["customer_id"].tolist() == new_customers["customer_id"].tolist()
    assert assigned["typicality"].between(0, 1).all()
    profile = cs.profile_segments(customers, model.labels_)
    assert profile.frame().groupby("segment")["size"].first().sum() == len(customers)
    cs.SegmentProfileDisplay.from_profile(profile).plot()
    # Nothing was lost on the way.
    assert report.n_rows_in == len(invoices)
    kept = report.n_rows_out + report.n_rows_dropped + report.n_rows_netted
    assert kept == len(invoices)


def test_the_whole_road_under_scikit_learns_contract(raw, tmp_path):
    people, attitudes, invoices = raw
    columns = cs.TransactionColumns(**SOURCE_NAMES)
    orders, _ = cs.clean_transactions(invoices, columns)
    customers = people.merge(
        cs.summarize_transactions(orders, columns), on="customer_id"
    )[:200]
    road = Pipeline(
        [
            ("features", features(attitudes)),
            ("segments", cs.KMeansSegmenter(3, n_init=3, random_state=0)),
        ]
    )
    labels = road.fit_predict(customers)

    # clone, pickle, joblib, one row
    np.testing.assert_array_equal(clone(road).fit(customers)[-1].labels_, labels)
    copies = [pickle.loads(pickle.dumps(road))]
    joblib.dump(road, tmp_path / "road.joblib")
    copies.append(joblib.load(tmp_path / "road.joblib"))
    for copy in copies:
        np.testing.assert_array_equal(copy.predict(customers), labels)
    alone = [int(road.predict(customers.iloc[[i]])[0]) for i in range(20)]
    assert alone == labels[:20].tolist()

    # names, and the same numbers as pandas and polars
    matrix = road[:-1].transform(customers)
    for kind, frame in {"pandas": pd.DataFrame, "polars": pl.DataFrame}.items():
        table = clone(road[0]).set_output(transform=kind).fit_transform(customers)
        assert isinstance(table, frame)
        assert list(table.columns) == list(road[0].get_feature_names_out())
        np.testing.assert_allclose(table.to_numpy(), matrix)

    # a grid over any step of the road
    grid = GridSearchCV(
        road,
        {
            "segments__n_clusters": [2, 3],
            "features__behavioural__transformer__log": ["auto", "none"],
        },
        cv=2,
    ).fit(customers)
    assert len(grid.cv_results_["params"]) == 4
    assert np.isfinite(grid.cv_results_["mean_test_score"]).all()

    # a search over whole roads, all scored in one space
    search = cs.SegmentSearch([road], (2, 3), score_on=features(attitudes))
    assert search.fit(customers).select("kmeanssegmenter", 3)[-1].n_segments_ == 3


def test_program_6_how_sure_and_next_month():
    spend = load_wholesale().drop(columns=["Channel", "Region"])
    this_month, next_month = spend[:400], spend[20:]
    search = cs.SegmentSearch([cs.KMeansSegmenter(n_init=3)], range(2, 5))
    model = cs.SegmentationModel(
        make_pipeline(cs.BehaviouralTransformer(), search), random_state=0
    ).fit(this_month)
    model.name_segments({0: "hotels", 1: "shops"})
    fitted = model.segmenter_[-1]
    X = model.segmenter_[:-1].transform(this_month)

    stability = fitted.stability(X, n_bootstraps=6, n_null=19)
    assert stability.frame()["n_segments"].tolist() == [2, 3, 4]
    assert stability.verdict.startswith("reproducible: ")

    next_model = model.refit(next_month)
    assert next_model.segment_names_ == model.segment_names_
    stayed = next_model.labels_[:380] == model.labels_[20:]
    assert stayed.mean() > 0.95
    match = cs.match_segments(model, next_model, next_month).frame()
    assert match["event"].tolist() == ["kept", "kept"]
    assert match["new_name"].tolist() == ["hotels", "shops"]


@pytest.mark.parametrize("seed", range(2))
def test_planted_segments_are_the_last_that_come_back(seed):
    """Two of the twenty data sets of benchmarks/simulations/number.py, 19 right."""
    simulated = make_customers(
        600,
        n_segments=3 + seed % 3,
        separation=2.5,
        response_styles=False,
        random_state=seed,
    )
    attitudes = cs.PsychographicTransformer(
        scales=simulated.scales, reverse=simulated.reverse_keyed
    )
    X = attitudes.fit_transform(simulated.customers[list(simulated.item_columns)])
    search = cs.SegmentSearch(
        [cs.KMeansSegmenter(n_init=4)],
        range(2, 7),
        rule="stable",
        n_bootstraps=6,
        random_state=seed,
    ).fit(X)
    assert search.n_segments_ == 3 + seed % 3


@pytest.mark.parametrize("seed", range(3))
def test_planted_segments_are_found_and_new_customers_assigned(seed):
    """Three of the twenty seeds of benchmarks/simulations/assigned.py."""
    simulated = make_customers(
        600,
        n_segments=3 + seed % 3,
        separation=2.5,
        response_styles=False,
        random_state=seed,
    )
    items = list(simulated.item_columns)
    attitudes = cs.PsychographicTransformer(
        scales={f"factor {i}": tuple(items[5 * i : 5 * i + 5]) for i in range(4)},
        reverse=simulated.reverse_keyed,
        points=(1, 5),
    )
    search = cs.SegmentSearch(
        [cs.KMeansSegmenter(n_init=5), cs.GaussianMixtureSegmenter(n_init=5)],
        range(2, 7),
        random_state=0,
    )
    model = cs.SegmentationModel(
        make_pipeline(attitudes, search),
        make_pipeline(attitudes, cs.DiscriminantAssigner()),
        basis=items,
        customer_id="customer_id",
    )
    known, new = simulated.customers[:400], simulated.customers[400:]
    model.fit(known)
    assert model.n_segments_ == 3 + seed % 3
    truth = simulated.truth["segment"][:400]
    assert adjusted_rand_score(truth, model.labels_) > 0.95
    agreement = np.mean(model.predict(new) == model.segmenter_.predict(new[items]))
    assert agreement > 0.97
