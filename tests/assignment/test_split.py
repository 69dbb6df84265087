"""Customer types that are segmented apart, in one space of ids."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg.assignment import (
    DiscriminantAssigner,
    SegmentationModel,
    compile_scorer,
    match_segments,
)
from custseg.cluster import GaussianMixtureSegmenter, KMeansSegmenter
from custseg.datasets import make_customers, make_transactions
from custseg.exceptions import DataQualityError, SchemaError
from custseg.selection import SegmentSearch
from custseg.tables import (
    TransactionColumns,
    clean_transactions,
    summarize_transactions,
)

# Where the segments of each type are; of retail there are three.
PLACES = {
    "wholesale": [(0, 0), (9, 0)],
    "retail": [(50, 50), (59, 50), (50, 59)],
}


def clients(rng, places=PLACES, n=120, moved=0.0):
    """Customers of each type and segment, shuffled; the truth as "retail 0"."""
    parts = []
    for kind, centers in places.items():
        for k, center in enumerate(centers):
            size = n - 25 * k
            spend = np.array(center) + moved + rng.normal(size=(size, 2))
            part = pd.DataFrame(spend, columns=["food", "drink"])
            parts.append(part.assign(kind=kind, truth=f"{kind} {k}"))
    table = pd.concat(parts, ignore_index=True)
    table["staff"] = table["food"] + rng.normal(size=len(table))
    table["area"] = table["drink"] + rng.normal(size=len(table))
    table["client"] = [f"{i:04d}" for i in range(len(table))]
    return table.iloc[rng.permutation(len(table))]


def model_of(segmenter=None, **changes):
    settings = {
        "segmenter": segmenter or SegmentSearch([KMeansSegmenter(n_init=3)], (2, 3)),
        "assigner": DiscriminantAssigner(),
        "basis": ["food", "drink"],
        "descriptors": ["staff", "area"],
        "customer_id": "client",
        "split_by": "kind",
        "random_state": 0,
    }
    return SegmentationModel(**{**settings, **changes})


def of_truth(model, table):
    labels = pd.Series(model.labels_, index=table.index)
    return labels.groupby(table["truth"]).agg(lambda one: one.mode()[0]).to_dict()


RNG = np.random.default_rng(0)
TABLE, NEW = clients(RNG), clients(RNG)


@pytest.fixture(scope="module")
def fitted():
    """A model that no test changes."""
    return model_of().fit(TABLE)


@pytest.fixture(scope="module")
def later(fitted):
    """The next month's, which no test changes either."""
    return fitted.refit(NEW)


def test_one_space_of_ids(fitted):
    # Types in order: retail's three segments, then wholesale's two, largest first.
    assert list(fitted.models_) == ["retail", "wholesale"]
    assert of_truth(fitted, TABLE) == {
        "retail 0": 0,
        "retail 1": 1,
        "retail 2": 2,
        "wholesale 0": 3,
        "wholesale 1": 4,
    }
    assert fitted.segment_names_ == {
        0: "retail: segment 0",
        1: "retail: segment 1",
        2: "retail: segment 2",
        3: "wholesale: segment 3",
        4: "wholesale: segment 4",
    }
    assert fitted.n_segments_ == 5
    assert fitted.segment_ids_.tolist() == [0, 1, 2, 3, 4]
    assert fitted.segment_sizes_.tolist() == np.bincount(fitted.labels_).tolist()
    assert fitted.segmenter_ is None


def test_each_type_is_a_model_of_its_own(fitted):
    for kind in ("retail", "wholesale"):
        own = TABLE[TABLE["kind"] == kind]
        alone = model_of(split_by=None).fit(own)
        of_type = fitted.models_[kind]
        start = of_type.segment_ids_[0]
        np.testing.assert_array_equal(alone.labels_ + start, of_type.labels_)
        rows = (NEW["kind"] == kind).to_numpy()
        np.testing.assert_array_equal(
            fitted.predict(NEW)[rows], alone.predict(NEW[rows]) + start
        )
        probabilities = fitted.predict_proba(NEW)[rows]
        np.testing.assert_array_equal(
            probabilities[:, of_type.segment_ids_], alone.predict_proba(NEW[rows])
        )
        assert np.delete(probabilities, of_type.segment_ids_, axis=1).max() == 0
        assert of_type.predict(NEW[rows]).tolist() == fitted.predict(NEW)[rows].tolist()
        pd.testing.assert_frame_equal(
            of_type.assign(NEW[rows]), fitted.assign(NEW)[rows], check_dtype=False
        )
        next_of_type = of_type.refit(NEW[rows])
        assert next_of_type.segment_ids_.tolist() == of_type.segment_ids_.tolist()
        assert compile_scorer(of_type).predict(NEW[rows]).tolist() == (
            of_type.predict(NEW[rows]).tolist()
        )


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_assign_keeps_the_order_of_the_customers(fitted, frame):
    new = frame(NEW.drop(columns=["food", "drink"]).to_dict("list"))
    assigned = fitted.assign(new)
    assert isinstance(assigned, frame)
    assert list(assigned["customer_id"]) == NEW["client"].tolist()
    assert list(assigned["segment"]) == fitted.predict(NEW).tolist()
    names = [fitted.segment_names_[one] for one in fitted.predict(NEW).tolist()]
    assert list(assigned["segment_name"]) == names
    np.testing.assert_array_equal(
        list(assigned["probability"]), fitted.predict_proba(NEW).max(axis=1)
    )
    one = fitted.assign(new[3:4])
    assert list(one["segment"]) == list(assigned["segment"])[3:4]


def test_the_types_of_the_simulator():
    # Businesses order in packs and for ten times the money: two segments of all
    # buyers are the two types, whatever the segments within them.
    truth = make_customers(
        300, n_segments=2, wholesale_share=0.5, behaviour_strength=1.5, random_state=0
    ).truth
    columns = TransactionColumns(
        customer_id="customer_id",
        transaction_id="transaction_id",
        date="date",
        quantity="quantity",
        unit_price="unit_price",
        product="product",
    )
    bought = make_transactions(truth, random_state=0).transactions
    orders, _ = clean_transactions(bought, columns)
    units = orders[orders["quantity"] > 0].groupby("customer_id")["quantity"].mean()
    buyers = summarize_transactions(orders, columns).query("monetary_value > 0")
    buyers = buyers.merge(truth, on="customer_id").merge(units, on="customer_id")
    basis = ["frequency", "monetary_value", "quantity"]
    buyers[basis] = np.log(buyers[basis])
    segmenter = make_pipeline(StandardScaler(), KMeansSegmenter(2, random_state=0))
    pooled = SegmentationModel(segmenter, basis=basis).fit(buyers)
    split = SegmentationModel(segmenter, basis=basis, split_by="customer_type")
    split.fit(buyers)
    assert adjusted_rand_score(buyers["customer_type"], pooled.labels_) > 0.9
    for kind in ("business", "household"):
        rows = (buyers["customer_type"] == kind).to_numpy()
        own = buyers["segment"][rows]
        assert adjusted_rand_score(own, pooled.labels_[rows]) < 0.05
        assert adjusted_rand_score(own, split.labels_[rows]) > 0.8


class TestColumns:
    def test_the_type_is_neither_basis_nor_descriptor(self):
        table = TABLE.drop(columns=["truth", "staff", "area"])
        model = model_of(assigner=None, basis=None, descriptors=None).fit(table)
        for of_type in model.models_.values():
            assert of_type.segmenter_.feature_names_in_.tolist() == ["food", "drink"]
        np.testing.assert_array_equal(model.predict(table), model.labels_)

    def test_unless_named(self):
        table = TABLE.assign(size=np.where(TABLE["kind"] == "retail", 1.0, 2.0))
        model = model_of(basis=["food", "drink", "size"], split_by="size").fit(table)
        assert list(model.models_) == [1.0, 2.0]
        assert model.models_[1.0].segmenter_.n_features_in_ == 3

    def test_types_are_not_there(self, fitted):
        with pytest.raises(SchemaError, match=re.escape("Got no 'kind' among its")):
            fitted.predict(NEW.drop(columns="kind"))
        with pytest.raises(SchemaError, match=re.escape("Got no 'kind' among its")):
            model_of().fit(TABLE.drop(columns="kind"))

    @pytest.mark.parametrize("missing", [None, np.nan])
    def test_missing_types(self, fitted, missing):
        gaps = NEW.astype({"kind": object})
        gaps.iloc[[2, 5], gaps.columns.get_loc("kind")] = missing
        message = (
            "Column 'kind' must have a type for every customer. Got 2 missing in "
            f"{len(gaps)} rows (first: row 2) instead."
        )
        for ask in (fitted.predict, fitted.assign, model_of().fit):
            with pytest.raises(DataQualityError, match=re.escape(message)):
                ask(gaps)

    def test_unseen_types(self, fitted):
        other = NEW.assign(kind=["school", "school", *NEW["kind"][2:]])
        message = (
            "Column 'kind' must have types that the model was fitted on: 'retail', "
            "'wholesale'. Got 1 others in 2 rows (first: row 0) instead."
        )
        for ask in (fitted.predict, fitted.predict_proba, fitted.assign):
            with pytest.raises(DataQualityError, match=re.escape(message)):
                ask(other)


def test_a_type_with_too_few_customers_is_named():
    few = pd.concat([TABLE, NEW[:1].assign(kind="school", client="x")])
    message = "Segments of type 'school' in column 'kind' could not be learned from "
    with pytest.raises(ValueError, match=re.escape(message)):
        model_of(KMeansSegmenter(2)).fit(few)


def test_a_search_may_choose_other_models_and_numbers_a_type(fitted):
    assert [one.n_segments_ for one in fitted.models_.values()] == [3, 2]
    alone = model_of(assigner=None, descriptors=None).fit(TABLE)
    assert not hasattr(alone, "predict_proba")
    mixture = GaussianMixtureSegmenter(2)
    soft = model_of(mixture, assigner=None, descriptors=None).fit(TABLE)
    np.testing.assert_allclose(soft.predict_proba(TABLE).sum(axis=1), 1)


def test_names_reach_the_models_of_the_types():
    model = model_of().fit(TABLE).name_segments({0: "cafes", 4: "chains"})
    assert model.models_["retail"].segment_names_[0] == "cafes"
    assert model.models_["wholesale"].segment_names_[4] == "chains"
    later = model.refit(clients(np.random.default_rng(5)))
    assert later.segment_names_ == model.segment_names_


def test_pickle_and_fit_again(fitted):
    copy = pickle.loads(pickle.dumps(fitted))
    pd.testing.assert_frame_equal(copy.assign(NEW), fitted.assign(NEW))
    again = copy.set_params(split_by=None).fit(TABLE)
    assert not hasattr(again, "models_")
    assert again.segment_names_[0] == "segment 0"


def test_rejection_within_a_type():
    model = model_of(reject_alpha=0.05).fit(TABLE)
    # A retailer among the wholesalers is far from all retailers.
    moved = NEW.assign(kind="retail")
    rejected = model.predict(moved) == -1
    was_wholesale = (NEW["kind"] == "wholesale").to_numpy()
    assert rejected[was_wholesale].all()
    assert rejected[~was_wholesale].mean() < 0.15
    assert model.n_calibration_ == sum(m.n_calibration_ for m in model.models_.values())
    table = model.segment_typicality(NEW)
    assert (table.loc[NEW["kind"] == "retail", [3, 4]] == 0).all(axis=None)


class TestRefit:
    def test_ids_stay_within_types_and_the_counter_is_one(self):
        rng = np.random.default_rng(1)
        model = model_of().fit(clients(rng))
        # A third segment of wholesale is born; retail loses its last.
        places = {
            "wholesale": [(0, 0), (9, 0), (0, 9)],
            "retail": [(50, 50), (59, 50)],
        }
        table = clients(rng, places)
        later = model.refit(table)
        assert of_truth(later, table) == {
            "retail 0": 0,
            "retail 1": 1,
            "wholesale 0": 3,
            "wholesale 1": 4,
            "wholesale 2": 5,
        }
        assert later.segment_names_[5] == "wholesale: segment 5"
        frame = later.match_.frame()
        assert frame["event"].tolist() == [
            "kept",
            "kept",
            "died",
            "kept",
            "kept",
            "born",
        ]
        # Retail's third segment is back, as a new one: 2 was another's.
        back = clients(rng)
        third = later.refit(back)
        assert of_truth(third, back)["retail 2"] == 6
        assert third.segment_ids_.tolist() == [0, 1, 3, 4, 6]

    def test_a_type_that_comes_and_one_that_goes(self):
        rng = np.random.default_rng(2)
        model = model_of().fit(clients(rng))
        places = {"retail": PLACES["retail"], "school": [(0, 50), (0, 59)]}
        table = clients(rng, places)
        later = model.refit(table)
        assert list(later.models_) == ["retail", "school"]
        assert later.segment_ids_.tolist() == [0, 1, 2, 5, 6]
        assert later.match_.verdict == (
            "3 of 5 segments kept. Died: wholesale: segment 3 and wholesale: segment "
            "4. Born: school: segment 5 and school: segment 6."
        )
        by_refit, by_both = later.match_.frame(), match_segments(model, later, table)
        pd.testing.assert_frame_equal(by_refit, by_both.frame())
        born = by_refit[by_refit["event"] == "born"]
        assert born["customers"].tolist() == later.segment_sizes_[-2:].tolist()

    def test_the_split_must_stay(self, fitted):
        message = "split_by must be as it was in fit"
        other = pickle.loads(pickle.dumps(fitted)).set_params(split_by=None)
        with pytest.raises(ValueError, match=message):
            other.refit(TABLE)


class TestMatching:
    def test_as_by_refit(self, fitted, later):
        match = match_segments(fitted, later, NEW)
        pd.testing.assert_frame_equal(match.frame(), later.match_.frame())
        assert match.new_segments == (0, 1, 2, 3, 4)

    def test_weights_count_customers(self, fitted, later):
        match = match_segments(fitted, later, NEW, sample_weight=np.full(len(NEW), 3))
        plain = match_segments(fitted, later, NEW).frame()
        assert match.frame()["customers"].tolist() == (3 * plain["customers"]).tolist()

    def test_with_a_model_of_all_customers(self, fitted):
        five = model_of(KMeansSegmenter(5), split_by=None).fit(TABLE)
        match = match_segments(five, fitted, TABLE)
        assert match.frame()["event"].tolist() == ["kept"] * 5

    def test_a_type_without_customers(self, fitted):
        rows = NEW[NEW["kind"] == "retail"]
        frame = match_segments(fitted, fitted, rows).frame()
        assert frame["event"].tolist() == [
            *["kept"] * 3,
            *["died", "died"],
            *["born"] * 2,
        ]
        assert frame["customers"].tolist()[3:] == [0] * 4
