"""What may assign: calibrated probabilities, soft labels, any classifier."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from custseg.assignment import DiscriminantAssigner, SegmentationModel
from custseg.assignment._calibration import (
    cross_fitted_probabilities,
    learn_calibration,
)
from custseg.cluster import GaussianMixtureSegmenter, KMeansSegmenter
from custseg.exceptions import SchemaError
from custseg.selection import SegmentSearch


def customers(n=600, seed=0, width=1.5):
    rng = np.random.default_rng(seed)
    truth = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    spend = np.array([[0, 0], [6, 0], [0, 6]])[truth] + rng.normal(size=(n, 2)) * width
    table = pd.DataFrame(spend, columns=["food", "drink"])
    table["age"] = 5 * truth + rng.normal(0, 5, n)
    table["income"] = rng.standard_t(3, n) + truth
    return table


TABLE, NEW = customers(), customers(2_000, seed=1)


def model_of(**changes):
    settings = {
        "segmenter": GaussianMixtureSegmenter(3),
        "assigner": make_pipeline(StandardScaler(), DiscriminantAssigner("quadratic")),
        "basis": ["food", "drink"],
        "descriptors": ["age", "income"],
        "random_state": 0,
    }
    return SegmentationModel(**{**settings, **changes})


class TestCalibration:
    @pytest.mark.parametrize("method", ["temperature", "isotonic"])
    def test_it_is_learned_from_cross_fitted_probabilities(self, method):
        """Of an assigner that counts every column three times, and is too sure."""
        thrice = FeatureUnion([(name, "passthrough") for name in "abc"])
        sure = make_pipeline(thrice, GaussianNB())
        plain = model_of(assigner=sure).fit(TABLE)
        model = model_of(assigner=sure, calibration=method).fit(TABLE)
        np.testing.assert_array_equal(model.labels_, plain.labels_)
        seed = plain.assigner_.get_params().get("random_state")
        assert seed is None  # nothing in it is random: folds alone are
        raw = plain.predict_proba(NEW)
        calibrated = model.predict_proba(NEW)
        assert np.abs(calibrated - raw).max() > 0.01
        np.testing.assert_allclose(calibrated.sum(axis=1), 1)
        best = model.segment_ids_[calibrated.argmax(axis=1)]
        np.testing.assert_array_equal(model.predict(NEW), best)
        assigned = model.assign(NEW)
        np.testing.assert_array_equal(assigned["segment"], best)
        np.testing.assert_array_equal(assigned["probability"], calibrated.max(axis=1))
        learned = plain.segmenter_.predict(NEW[["food", "drink"]])
        assert log_loss(learned, calibrated) < log_loss(learned, raw)

    def test_by_hand(self):
        model = model_of(calibration="temperature").fit(TABLE)
        rng = np.random.RandomState(0)
        seed = int(rng.randint(2**31 - 1))  # as `fit` draws it
        columns = TABLE[["age", "income"]]
        out_of_fold = cross_fitted_probabilities(
            model.assigner, columns, model.labels_, np.arange(3), seed=seed
        )
        calibration = learn_calibration("temperature", out_of_fold, model.labels_)
        raw = model.assigner_.predict_proba(NEW[["age", "income"]])
        np.testing.assert_allclose(model.predict_proba(NEW), calibration.apply(raw))

    def test_a_temperature_changes_no_answer(self):
        plain, model = (
            model_of(calibration=method).fit(TABLE) for method in (None, "temperature")
        )
        np.testing.assert_array_equal(plain.predict(NEW), model.predict(NEW))

    def test_with_rejection_and_after_a_refit(self):
        model = model_of(calibration="isotonic", reject_alpha=0.05).fit(TABLE)
        later = model.refit(NEW)
        assert set(later.predict(NEW)) == {-1, 0, 1, 2}
        assert (later.predict(NEW.assign(income=900.0)) == -1).all()

    @pytest.mark.parametrize(
        ("changes", "got"),
        [
            ({"assigner": None, "descriptors": None}, "no assigner"),
            ({"assigner": RidgeClassifier()}, "RidgeClassifier"),
        ],
    )
    def test_needs_probabilities(self, changes, got):
        message = (
            "calibration must come with an assigner that has predict_proba. Got "
            f"{got} instead."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            model_of(calibration="temperature", **changes).fit(TABLE)


class TestSoftLabels:
    @pytest.mark.parametrize("calibration", [None, "temperature"])
    def test_the_assigner_learns_probabilities(self, calibration):
        model = model_of(soft_labels=True, calibration=calibration).fit(TABLE)
        basis, columns = TABLE[["food", "drink"]], TABLE[["age", "income"]]
        soft = model.segmenter_.predict_proba(basis)
        by_hand = model_of().assigner.fit(
            columns, model.labels_, discriminantassigner__segment_proba=soft
        )
        np.testing.assert_allclose(
            model.assigner_.predict_proba(columns), by_hand.predict_proba(columns)
        )
        hard = model_of().fit(TABLE)
        assert np.abs(hard.predict_proba(NEW) - model.predict_proba(NEW)).max() > 1e-3

    def test_ids_with_gaps_keep_their_columns(self):
        model = model_of(soft_labels=True).fit(TABLE)
        later = NEW[NEW["drink"] < 3]  # the third segment is gone
        model.set_params(segmenter__n_components=2)
        again = model.refit(later)
        gone = {0, 1, 2} - set(again.segment_ids_.tolist())
        assert len(gone) == 1
        right = again.predict(later) == again.labels_
        assert right.mean() > 0.65

    def test_a_segmenter_without_probabilities(self):
        message = (
            "soft_labels must come with a segmenter that has predict_proba. Got "
            "KMeansSegmenter instead."
        )
        model = model_of(segmenter=KMeansSegmenter(3), soft_labels=True)
        with pytest.raises(ValueError, match=re.escape(message)):
            model.fit(TABLE)

    @pytest.mark.parametrize(
        ("changes", "got"),
        [
            ({"assigner": LogisticRegression()}, "LogisticRegression"),
            ({"assigner": None, "descriptors": None}, "no assigner"),
        ],
    )
    def test_an_assigner_that_takes_none(self, changes, got):
        message = (
            "soft_labels must come with an assigner whose fit takes segment_proba. Got "
            f"{got} instead."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            model_of(soft_labels=True, **changes).fit(TABLE)


@pytest.mark.parametrize(
    "assigner",
    [
        LogisticRegression(),
        DecisionTreeClassifier(max_depth=4),
        make_pipeline(StandardScaler(), RidgeClassifier()),
    ],
    ids=["regression", "tree", "without probabilities"],
)
def test_any_classifier_may_assign(assigner):
    segmenter = make_pipeline(
        StandardScaler(), SegmentSearch([KMeansSegmenter(n_init=2)], (2, 3))
    )
    model = model_of(segmenter=segmenter, assigner=assigner).fit(customers(width=0.7))
    assert model.n_segments_ == 3
    by_hand = model.assigner_.predict(NEW[["age", "income"]])
    np.testing.assert_array_equal(model.predict(NEW), by_hand)
    assigned = model.assign(NEW)
    has = hasattr(assigner, "predict_proba")
    assert hasattr(model, "predict_proba") == has
    assert assigned["probability"].notna().all() == has
    assert assigned["near_border"].notna().all() == has


class TestColumnsOfRefit:
    """Without a basis, the columns are those of `fit`."""

    COLUMNS = ("food", "drink", "age")

    def fitted(self, **changes):
        table = TABLE[list(self.COLUMNS)].assign(client=range(len(TABLE)))
        model = SegmentationModel(
            KMeansSegmenter(3), customer_id="client", random_state=0, **changes
        )
        return model.fit(table), table

    def test_a_column_is_missing(self):
        model, table = self.fitted()
        message = "The table must have all fitted columns. Got no 'drink' among its 3"
        with pytest.raises(SchemaError, match=re.escape(message)):
            model.refit(table.drop(columns="drink"))

    def test_others_and_their_order_do_not_matter(self):
        model, table = self.fitted()
        more = table[["age", "client", "drink", "food"]].assign(more=1.0)
        np.testing.assert_array_equal(model.refit(more).labels_, model.labels_)

    def test_arrays(self):
        X = TABLE[["food", "drink"]].to_numpy()
        model = SegmentationModel(KMeansSegmenter(3, random_state=0)).fit(X)
        message = (
            "The table must have the columns that the model was fitted on. Got 1 "
            "columns in place of 2 instead."
        )
        with pytest.raises(SchemaError, match=re.escape(message)):
            model.refit(X[:, :1])
