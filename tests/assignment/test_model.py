"""The segmentation model: roles of columns, names, tables, none of the above."""

import pickle
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.cluster import DBSCAN, AgglomerativeClustering
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from custseg.assignment import DiscriminantAssigner, SegmentationModel
from custseg.assignment._typicality import TypicalityLevels
from custseg.cluster import GaussianMixtureSegmenter, KMeansSegmenter
from custseg.exceptions import (
    DataQualityError,
    DegenerateFitError,
    SchemaError,
    SegmentWarning,
)
from custseg.features import BehaviouralTransformer, DemographicTransformer
from custseg.selection import SegmentSearch


def customers(n=300, seed=0):
    """Segments in spend; age tells them fairly, colour hardly."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    return pd.DataFrame(
        {
            "client": [f"{i:05d}" for i in range(n)],
            "orders": 10 * truth + rng.normal(size=n),
            "spend": 10 * (truth == 1) + rng.normal(size=n),
            "age": 20 + 15 * truth + rng.normal(0, 5, n),
            "income": rng.normal(0, 1, n),
            "colour": rng.choice(["red", "blue"], n),
        },
        index=np.arange(n) + 1000,
    )


TABLE = customers()
NEW = customers(50, seed=1).drop(columns=["orders", "spend"])


def make_model(**changes):
    settings = {
        "segmenter": make_pipeline(StandardScaler(), KMeansSegmenter(3, n_init=2)),
        "assigner": make_pipeline(StandardScaler(), DiscriminantAssigner()),
        "basis": ["orders", "spend"],
        "descriptors": ["age", "income"],
        "customer_id": "client",
        "random_state": 0,
    }
    return SegmentationModel(**{**settings, **changes})


@pytest.fixture(scope="module")
def fitted():
    """A model that no test changes."""
    return make_model().fit(TABLE)


def test_learns_on_the_basis_and_assigns_by_descriptors():
    search = SegmentSearch([KMeansSegmenter()], (2, 3, 4), random_state=0)
    model = make_model(segmenter=make_pipeline(StandardScaler(), search)).fit(TABLE)
    by_hand = clone(model.segmenter).fit(TABLE[["orders", "spend"]])
    np.testing.assert_array_equal(model.labels_, by_hand[-1].labels_)
    assigner = clone(model.assigner).fit(TABLE[["age", "income"]], model.labels_)
    np.testing.assert_array_equal(
        model.predict(NEW), assigner.predict(NEW[["age", "income"]])
    )
    np.testing.assert_array_equal(
        model.predict_proba(NEW), assigner.predict_proba(NEW[["age", "income"]])
    )
    assert model.n_segments_ == 3
    assert model.segment_sizes_.tolist() == np.bincount(model.labels_).tolist()
    assert np.mean(model.predict(TABLE) == model.labels_) > 0.85


def test_assign_gives_a_table_in_the_customers_order():
    model = make_model().fit(TABLE).name_segments({0: "small", 2: "big"})
    assigned = model.assign(NEW)
    assert list(assigned.columns) == [
        "customer_id",
        "segment",
        "segment_name",
        "probability",
        "typicality",
        "near_border",
        "override",
    ]
    assert assigned["customer_id"].tolist() == NEW["client"].tolist()
    assert assigned.index.equals(NEW.index)
    names = {0: "small", 1: "segment 1", 2: "big"}
    assert assigned["segment_name"].tolist() == [names[s] for s in assigned["segment"]]
    best = model.predict_proba(NEW).max(axis=1)
    np.testing.assert_array_equal(assigned["probability"], best)
    assert assigned["typicality"].isna().all()


def test_polars_in_polars_out(fitted):
    model = make_model().fit(pl.DataFrame(TABLE.to_dict("list")))
    assigned = model.assign(pl.DataFrame(NEW.to_dict("list")))
    assert isinstance(assigned, pl.DataFrame)
    expected = fitted.assign(NEW)
    assert assigned["segment"].to_list() == expected["segment"].tolist()
    assert assigned["customer_id"].to_list() == NEW["client"].tolist()


def test_without_an_assigner_the_segmenter_answers():
    model = make_model(assigner=None, descriptors=None).fit(TABLE)
    np.testing.assert_array_equal(model.predict(TABLE), model.labels_)
    assert not hasattr(model, "predict_proba")
    assert model.assign(TABLE)["probability"].isna().all()


def test_the_id_is_never_a_basis_column():
    table = TABLE[["orders", "spend"]].assign(client=np.arange(300))
    model = SegmentationModel(
        KMeansSegmenter(3, random_state=0), customer_id="client"
    ).fit(table)
    assert model.segmenter_.feature_names_in_.tolist() == ["orders", "spend"]
    without = table.drop(columns="client")
    np.testing.assert_array_equal(model.predict(without), model.labels_)


def test_arrays_with_numbered_columns():
    X = TABLE[["orders", "spend", "age"]].to_numpy()
    model = SegmentationModel(
        KMeansSegmenter(3, random_state=0),
        DiscriminantAssigner(),
        basis=[0, 1],
        descriptors=[2],
    ).fit(X)
    assert model.assign(X).index.tolist() == list(range(300))
    assert model.predict(X[:1]).tolist() == [model.predict(X)[0]]


def test_any_classifier_may_assign():
    forest = RandomForestClassifier(20, random_state=0)
    encoded = make_pipeline(OneHotEncoder(), forest)
    model = make_model(assigner=encoded, descriptors=["colour"]).fit(TABLE)
    assert model.predict_proba(NEW).shape == (50, 3)
    machine = make_model(assigner=LinearSVC()).fit(TABLE)
    assert not hasattr(machine, "predict_proba")
    assert machine.assign(NEW)["probability"].isna().all()


def test_customers_the_segmenter_leaves_out_are_not_learned_from():
    # DBSCAN cannot predict and calls lonely customers -1.
    far = TABLE.copy()
    far.iloc[0, far.columns.get_loc("orders")] = 1e3
    model = make_model(segmenter=DBSCAN(eps=3)).fit(far)
    assert model.labels_[0] == -1
    assert model.n_segments_ == 3
    assert model.segment_sizes_.sum() == np.sum(model.labels_ >= 0)
    assert set(model.assigner_.classes_) == {0, 1, 2}


class TestProbabilities:
    """`predict_proba` where nothing has it: none, and the reason."""

    @pytest.mark.parametrize(
        ("changes", "what"),
        [
            (
                {
                    "assigner": None,
                    "descriptors": None,
                    "segmenter": SegmentSearch([KMeansSegmenter()], (3,)),
                },
                "SegmentSearch as the segmenter",
            ),
            ({"assigner": LinearSVC()}, "LinearSVC as the assigner"),
            (
                {"assigner": make_pipeline(StandardScaler(), LinearSVC())},
                "LinearSVC as the assigner",
            ),
        ],
    )
    def test_says_what_would_have_it(self, changes, what):
        model = make_model(**changes)
        message = (
            "A SegmentationModel has probabilities only with an assigner that has "
            f"predict_proba. Got {what} that answers instead. Pass "
            "assigner=DiscriminantAssigner()."
        )
        for one in (model, model.fit(TABLE)):
            with pytest.raises(AttributeError) as caught:
                one.predict_proba(TABLE)
            assert str(caught.value.__cause__) == message


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_without_ids_there_is_no_column_of_ids(frame):
    table = frame(TABLE.drop(columns="client").to_dict("list"))
    assigned = make_model(customer_id=None).fit(table).assign(table)
    names = ["segment", "segment_name", "probability", "typicality", "near_border"]
    assert list(assigned.columns) == names
    by_index = make_model(customer_id=None).fit(TABLE).assign(NEW)
    assert by_index.index.equals(NEW.index)


class TestWarningsOfAssign:
    """What the answers rest on; `predict`, which a service calls, is silent."""

    @staticmethod
    def filling():
        transformer = BehaviouralTransformer()
        return make_model(assigner=make_pipeline(transformer, DiscriminantAssigner()))

    @pytest.mark.parametrize("kind", ["pandas", "polars"])
    def test_missing_descriptors(self, kind):
        model = self.filling().fit(TABLE)
        gaps = NEW[:5].copy()
        gaps.iloc[1, gaps.columns.get_loc("age")] = np.nan
        gaps.iloc[3, gaps.columns.get_loc("age")] = np.nan
        gaps.iloc[3, gaps.columns.get_loc("income")] = np.nan
        if kind == "polars":
            lists = gaps.to_dict("list")
            lists["age"] = [None if np.isnan(age) else age for age in lists["age"]]
            gaps = pl.DataFrame(lists)
        message = (
            "Descriptors must be known for an answer about the customer. Got 2 of 5 "
            "rows (first: row 1) without one that was known at fitting, 1 of them "
            "without any, instead."
        )
        with pytest.warns(SegmentWarning, match=re.escape(message)):
            assigned = model.assign(gaps)
        assert len(assigned) == 5
        model.predict(gaps)
        model.predict_proba(gaps)

    def test_missing_cells_of_arrays(self):
        X = TABLE[["orders", "spend", "age"]].to_numpy(copy=True)
        model = SegmentationModel(
            make_pipeline(BehaviouralTransformer(), KMeansSegmenter(3, random_state=0)),
            basis=[0, 1],
        ).fit(X)
        X[7, 1] = X[8, 2] = np.nan  # column 2 is no descriptor
        message = "Got 1 of 300 rows (first: row 7) without one that was known at"
        with pytest.warns(SegmentWarning, match=re.escape(message)):
            model.assign(X)

    def test_what_was_missing_at_fitting_is_an_answer(self):
        gaps = TABLE.copy()
        gaps.loc[gaps.index[:30], "income"] = np.nan
        model = self.filling().fit(gaps)
        new = NEW.copy()
        new.loc[new.index[:9], "income"] = np.nan
        assert len(model.assign(new)) == 50
        new.loc[new.index[4], "age"] = np.nan
        message = "Got 1 of 50 rows (first: row 4) without one that was known at "
        with pytest.warns(SegmentWarning, match=re.escape(message)):
            model.assign(new)

    def test_ids_that_repeat_or_are_missing(self, fitted):
        twice = NEW.assign(client=["a", "a", "a", None, *NEW["client"][4:]])
        message = (
            "Column 'client' must have one id a customer. Got 1 missing and 2 repeated "
            "ids in 50 rows instead; each row is answered by itself."
        )
        with pytest.warns(SegmentWarning, match=re.escape(message)):
            assigned = fitted.assign(twice)
        np.testing.assert_array_equal(assigned["segment"], fitted.predict(NEW))

    def test_of_transformers_come_once(self):
        model = make_model(
            assigner=make_pipeline(DemographicTransformer(), DiscriminantAssigner()),
            descriptors=["age", "colour"],
            reject_alpha=0.1,
        ).fit(TABLE)
        with pytest.warns(SegmentWarning) as caught:
            model.assign(NEW.assign(colour="green"))
        (warning,) = caught
        assert "'colour': 50 ('green') rows" in str(warning.message)


def test_errors_name_what_the_table_is(fitted):
    with pytest.raises(SchemaError) as caught:
        fitted.predict(NEW.drop(columns="age"))
    assert str(caught.value).endswith("Add it, or fit the model without it.")
    with pytest.raises(SchemaError) as caught:
        fitted.predict(NEW.drop(columns=["age", "income"]))
    assert str(caught.value).endswith("Add them, or fit the model without them.")
    numbered = SegmentationModel(KMeansSegmenter(2), basis=[0, 1])
    with pytest.raises(SchemaError) as caught:
        numbered.fit([[1.0], [2.0], [9.0]])
    assert str(caught.value).endswith(
        "without it. An array's columns are numbered from 0."
    )


class TestNoneOfTheAbove:
    def test_calibration_customers_are_not_learned_from(self):
        model = make_model(reject_alpha=0.1).fit(TABLE)
        assert model.n_calibration_ == 60
        order = np.random.RandomState(0).permutation(300)
        learned = np.sort(order[60:])
        basis = TABLE[["orders", "spend"]]
        by_hand = clone(model.segmenter).fit(basis.iloc[learned])
        np.testing.assert_array_equal(model.labels_, by_hand.predict(basis))

    def test_far_customers_are_none_of_the_above(self):
        model = make_model(reject_alpha=0.05).fit(TABLE)
        odd = NEW.assign(income=50.0)
        assert (model.predict(odd) == -1).all()
        assigned = model.assign(odd)
        assert set(assigned["segment_name"]) == {"none of the above"}
        # The smallest p-value there is: 1 / (60 + 1).
        np.testing.assert_allclose(assigned["typicality"], 1 / 61)
        assert (assigned["probability"] > 1 / 3).all()
        np.testing.assert_allclose(model.predict_proba(odd).sum(axis=1), 1)

    def test_the_error_rate_is_the_chosen_one(self):
        # P(p <= .1) for a fresh member, over data and splits: for 60 calibration
        # customers floor(.1 * 61) / 61 = .0984. 200 draws of 100 members; members of
        # one draw share their calibration, whose rejection share is Beta(6, 55):
        # standard deviation of one draw's share below .05, so of the mean .0036.
        shares = []
        for seed in range(200):
            rng = np.random.default_rng(seed)
            y = rng.choice(2, 300)
            X = rng.standard_t(4, (300, 2)) + 3 * y[:, np.newaxis]
            typicality = TypicalityLevels(X[:140], y[:140]).calibrate(X[140:200])
            shares.append(np.mean(typicality.p_values(X[200:]) <= 0.1))
        assert abs(np.mean(shares) - 6 / 61) < 3.29 * np.std(shares) / np.sqrt(200)

    def test_p_values_count_calibration_customers(self):
        # One column, segment means 0 and 10, pooled variance 1: distances squared.
        X = np.array([[-1.0], [1], [9], [11], [0], [10]])
        y = np.array([0, 0, 1, 1, 0, 1])
        held_back = np.array([[0.5], [12.0], [-3.0], [10.0]])  # out by .5, 2, 3, 0
        typicality = TypicalityLevels(X, y).calibrate(held_back)
        # Out by 2.5: only the 3 is as far: (1 + 1) / 5. By 0: all four: 5 / 5.
        asked = np.array([[12.5], [0.0], [-9.0], [2.0], [0.7]])
        expected = [2 / 5, 5 / 5, 1 / 5, 3 / 5, 3 / 5]
        np.testing.assert_allclose(typicality.p_values(asked), expected)

    def test_many_calibration_customers_are_thinned_to_the_safe_side(self):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(20_000, 2)), np.repeat([0, 1], 10_000)
        held_back = rng.normal(size=(50_000, 2))
        typicality = TypicalityLevels(X, y).calibrate(held_back)
        assert len(typicality.nearest._kept) <= 1000
        asked = rng.normal(size=(500, 2)) * 1.5
        far, asked_far = typicality.distances(held_back), typicality.distances(asked)
        exact = (1 + (far >= asked_far[:, np.newaxis]).sum(axis=1)) / 50_001
        ratio = typicality.p_values(asked) / exact
        assert ratio.min() >= 1
        assert ratio.max() < 1.02

    def test_too_few_customers_to_reject_anyone(self):
        message = (
            "reject_alpha=0.01 must have at least 99 calibration customers to reject "
            "anyone. Got 60 instead"
        )
        with pytest.warns(SegmentWarning, match=re.escape(message)):
            model = make_model(reject_alpha=0.01).fit(TABLE)
        assert (model.predict(NEW.assign(income=50.0)) >= 0).all()

    def test_distances_need_numbers(self):
        forest = RandomForestClassifier(5, random_state=0)
        model = make_model(
            assigner=make_pipeline(OneHotEncoder(), forest),
            descriptors=["colour"],
            reject_alpha=0.1,
        )
        with pytest.raises(SchemaError, match="Typicality must be measured in finite"):
            model.fit(TABLE)

    def test_needs_customers_to_hold_back(self):
        model = SegmentationModel(KMeansSegmenter(2), reject_alpha=0.5)
        with (
            pytest.warns(SegmentWarning, match="Got 0 instead"),
            pytest.raises(DegenerateFitError, match="at least five customers"),
        ):
            model.fit([[0.0], [1.0], [5.0]])


def test_a_segment_that_attracts_nobody_keeps_its_column():
    # Five components over one heavy-tailed column: the last is never the likeliest.
    X = np.random.default_rng(9).standard_t(3, (100, 1))
    mixture = GaussianMixtureSegmenter(5, covariance_type="tied", random_state=0)
    with pytest.warns(SegmentWarning, match="Got none for segment 4 of 5"):
        model = SegmentationModel(mixture, DiscriminantAssigner()).fit(X)
    assert model.segment_sizes_[-1] == 0
    assert model.predict_proba(X).shape == (100, 5)
    assert (model.predict_proba(X)[:, 4] == 0).all()
    assert model.assign(X)["probability"].notna().all()


def test_whether_a_search_can_predict_is_known_after_it_has_chosen():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(0, 1, (40, 2)), rng.normal(9, 1, (20, 2))])
    tree = AgglomerativeClustering()
    search = SegmentSearch([tree, KMeansSegmenter()], (2,), random_state=0)
    model = SegmentationModel(search, DiscriminantAssigner()).fit(X)
    assert model.segmenter_.results_["selected"].tolist() == [True, False]
    assert sorted(model.segment_sizes_) == [20, 40]


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_ids_that_are_nan(frame):
    table = frame({"id": [1.0, np.nan, 3.0], "spend": [1.0, 2.0, 9.0]})
    model = SegmentationModel(KMeansSegmenter(2), customer_id="id")
    with pytest.raises(DataQualityError, match="Got 1 missing and 0 repeated"):
        model.fit(table)


def test_columns_named_by_numbers():
    table = pd.DataFrame(TABLE[["orders", "spend", "age"]].to_numpy())
    model = SegmentationModel(KMeansSegmenter(3, random_state=0), basis=[0, 1])
    by_array = SegmentationModel(KMeansSegmenter(3, random_state=0), basis=[0, 1])
    np.testing.assert_array_equal(
        model.fit(table).labels_, by_array.fit(table.to_numpy()).labels_
    )


def test_rejection_stays_as_it_was_fitted():
    model = make_model().fit(TABLE).set_params(reject_alpha=0.1)
    assert (model.predict(NEW.assign(income=50.0)) >= 0).all()


def test_service_and_batch_agree():
    model = make_model(reject_alpha=0.1).fit(TABLE)
    together = model.assign(NEW)
    copy = pickle.loads(pickle.dumps(model))
    one_by_one = pd.concat([copy.assign(NEW[i : i + 1]) for i in range(20)])
    pd.testing.assert_frame_equal(one_by_one, together[:20])
    with ThreadPoolExecutor(8) as pool:
        for answer in pool.map(model.assign, [NEW] * 16):
            pd.testing.assert_frame_equal(answer, together)


def test_a_seed_reaches_the_segmenter_and_the_assigner():
    unseeded = SegmentSearch([KMeansSegmenter()], (2, 3))
    forest = RandomForestClassifier(5)
    model = make_model(segmenter=unseeded, assigner=forest).fit(TABLE)
    assert isinstance(model.segmenter_.random_state, int)
    assert isinstance(model.assigner_.random_state, int)
    assert unseeded.random_state is None
    assert forest.random_state is None


def test_same_seed_same_model():
    one, two = (make_model(reject_alpha=0.1).fit(TABLE) for _ in range(2))
    pd.testing.assert_frame_equal(one.assign(NEW), two.assign(NEW))


@pytest.mark.parametrize(
    ("model", "table", "error", "message"),
    [
        (
            make_model(),
            TABLE.drop(columns="spend"),
            SchemaError,
            "The table must have all basis columns. Got no 'spend' among its 5",
        ),
        (
            make_model(),
            TABLE.drop(columns="age"),
            SchemaError,
            "The table must have all descriptor columns. Got no 'age'",
        ),
        (
            make_model(),
            pd.concat([TABLE, TABLE[:2]]),
            DataQualityError,
            "Column 'client' must have one id a customer. Got 0 missing and 2 repeated",
        ),
        (
            make_model(),
            TABLE.assign(client=[None, None, *TABLE["client"][2:]]),
            DataQualityError,
            "Got 2 missing and 0 repeated ids in 300 rows instead.",
        ),
        (
            make_model(assigner=None),
            TABLE,
            ValueError,
            "descriptors must come with an assigner that learns from them.",
        ),
        (
            make_model(assigner=None, descriptors=None, segmenter=DBSCAN()),
            TABLE,
            ValueError,
            "A segmenter without predict must come with an assigner. Got DBSCAN",
        ),
        (
            make_model(segmenter=DBSCAN(eps=3), reject_alpha=0.1),
            TABLE,
            ValueError,
            "reject_alpha must come with a segmenter that can predict. Got DBSCAN",
        ),
        (
            make_model(segmenter=DBSCAN(eps=1e-9)),
            TABLE,
            DegenerateFitError,
            "The segmenter must put customers in segments. Got -1 for all 300 ",
        ),
        (
            make_model(basis=[]),
            TABLE,
            SchemaError,
            "The basis must be one column or more. Got none instead.",
        ),
        (
            make_model(),
            pl.DataFrame(TABLE.to_dict("list")).lazy(),
            SchemaError,
            "The table must be in memory. Got a LazyFrame instead.",
        ),
        (
            make_model(),
            pd.concat([TABLE, TABLE[["age"]]], axis=1),
            SchemaError,
            "Column names must be unique. Got 'age' more than once instead.",
        ),
        (
            make_model(basis=["orders"], descriptors=["age"], customer_id=None),
            TABLE[["orders", "age"]].to_numpy(),
            SchemaError,
            "Got no 'orders' among its 2 columns instead.",
        ),
        (
            make_model(basis=[0, 5], descriptors=[1], customer_id=None),
            TABLE[["orders", "age"]].to_numpy(),
            SchemaError,
            "Got no 5 among its 2 columns instead.",
        ),
    ],
)
def test_wrong_roles(model, table, error, message):
    with pytest.raises(error, match=re.escape(message)):
        model.fit(table)


def test_a_new_customer_without_a_descriptor(fitted):
    with pytest.raises(SchemaError, match=re.escape("Got no 'age'")):
        fitted.predict(NEW.drop(columns="age"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({7: "seven"}, "Names must be for segments 0 to 2. Got [7] instead."),
        ({0: "same", 1: "same"}, "Segments must have distinct names."),
        ({0: 3}, "Names must be text. Got [3] instead."),
        ({0: "none of the above"}, "A segment must not be called 'none of the above'"),
    ],
)
def test_wrong_names(fitted, names, message):
    before = dict(fitted.segment_names_)
    with pytest.raises(ValueError, match=re.escape(message)):
        fitted.name_segments(names)
    assert fitted.segment_names_ == before
