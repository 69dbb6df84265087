"""Refits that keep the ids and names of segments, through many months."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.cluster import AgglomerativeClustering
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg.assignment import DiscriminantAssigner, SegmentationModel
from custseg.cluster import GaussianMixtureSegmenter, KMeansSegmenter
from custseg.exceptions import DataQualityError, SchemaError
from custseg.selection import SegmentSearch

PLACES = 8.0 * np.array([[0, 0], [1, 0], [0, 1], [1, 1], [2, 0], [2, 1]])
SHARES = np.array([0.3, 0.25, 0.2, 0.13, 0.07, 0.05])


def month(rng, segments=(0, 1, 2, 3), n=400, moved=0.0, frame=pd.DataFrame):
    """Customers of some segments, and which they are."""
    segments = np.array(segments)
    shares = SHARES[segments] * np.exp(rng.normal(0, 0.05, len(segments)))
    truth = segments[rng.choice(len(segments), n, p=shares / shares.sum())]
    spend = PLACES[truth] + moved + rng.normal(size=(n, 2))
    return frame(
        {
            "client": [f"{i:04d}" for i in range(n)],
            "food": spend[:, 0],
            "drink": spend[:, 1],
            "age": spend[:, 0] * 3 + rng.normal(0, 4, n),
            "income": spend[:, 1] + rng.normal(0, 2, n),
        }
    ), truth


def model_of(segmenter, **changes):
    settings = {
        "assigner": DiscriminantAssigner(),
        "basis": ["food", "drink"],
        "descriptors": ["age", "income"],
        "customer_id": "client",
        "random_state": 0,
    }
    return SegmentationModel(segmenter, **{**settings, **changes})


def search(**options):
    return SegmentSearch([KMeansSegmenter(n_init=3)], (2, 3, 4, 5), **options)


def of_truth(model, truth):
    """Id that most customers of each true segment have learned."""
    return {
        k: int(np.bincount(model.labels_[truth == k]).argmax())
        for k in np.unique(truth).tolist()
    }


@pytest.mark.parametrize(
    "segmenter",
    [
        KMeansSegmenter(4),
        make_pipeline(StandardScaler(), GaussianMixtureSegmenter(4, n_init=4)),
        search(),
    ],
    ids=["k-means", "mixture", "search"],
)
class TestNothingChanged:
    """Bounds of raw agreement; plain fits agree 0 to .3."""

    def test_shuffled_rows(self, segmenter):
        rng = np.random.default_rng(0)
        table, _ = month(rng)
        model = model_of(segmenter).fit(table)
        for seed in range(2):
            rows = rng.permutation(len(table))
            again = model.refit(table.iloc[rows], random_state=seed)
            np.testing.assert_array_equal(again.labels_, model.labels_[rows])
            assert again.segment_sizes_.tolist() == model.segment_sizes_.tolist()

    def test_another_seed(self, segmenter):
        table, _ = month(np.random.default_rng(1))
        model = model_of(segmenter).fit(table)
        for seed in range(3):
            again = model.refit(table, random_state=seed)
            assert again.random_state == seed
            assert np.mean(again.labels_ == model.labels_) >= 0.99

    def test_more_customers(self, segmenter):
        rng = np.random.default_rng(2)
        table, _ = month(rng)
        more = pd.concat([table, month(rng)[0][:4].assign(client=list("abcd"))])
        model = model_of(segmenter).fit(table)
        for seed in range(2):
            again = model.refit(more, random_state=seed)
            assert np.mean(again.labels_[:-4] == model.labels_) >= 0.98


def test_the_old_model_is_not_changed():
    rng = np.random.default_rng(0)
    table, _ = month(rng)
    model = model_of(KMeansSegmenter(4)).fit(table).name_segments({0: "big"})
    before = pickle.dumps(model)
    later = model.refit(month(rng, (0, 1, 2, 5))[0]).name_segments({1: "second"})
    assert pickle.dumps(model) == before
    assert model.match_ is None
    assert later.segment_names_[0] == "big"
    assert later.get_params()["random_state"] == model.random_state


def test_it_is_a_fit_with_other_numbers():
    rng = np.random.default_rng(0)
    model = model_of(KMeansSegmenter(4)).fit(month(rng)[0])
    table, _ = month(rng, (1, 2, 3, 5))
    later, plain = model.refit(table), clone(model).fit(table)
    np.testing.assert_array_equal(plain.segment_ids_, range(4))
    np.testing.assert_array_equal(plain.segmenter_ids_, range(4))
    np.testing.assert_array_equal(later.segmenter_ids_[plain.labels_], later.labels_)
    np.testing.assert_array_equal(later.segmenter_.labels_, plain.segmenter_.labels_)
    ids = later.segmenter_ids_
    np.testing.assert_array_equal(ids[plain.predict(table)], later.predict(table))
    columns = np.searchsorted(later.segment_ids_, ids)
    np.testing.assert_allclose(
        later.predict_proba(table)[:, columns], plain.predict_proba(table)
    )
    np.testing.assert_array_equal(later.segment_sizes_[columns], plain.segment_sizes_)


class TestGaps:
    """Segment 0 has died and 4 was born: ids 1, 2, 3, 4."""

    @staticmethod
    def models(frame=pd.DataFrame, **changes):
        rng = np.random.default_rng(3)
        table, truth = month(rng, frame=frame)
        model = model_of(KMeansSegmenter(4), **changes).fit(table)
        assert of_truth(model, truth) == {0: 0, 1: 1, 2: 2, 3: 3}
        later, truth = month(rng, (1, 2, 3, 5), frame=frame)
        model.name_segments({0: "gone", 2: "two"})
        return model, model.refit(later), later, truth

    @pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
    def test_everything_goes_by_the_ids(self, frame):
        _, model, table, truth = self.models(frame)
        assert of_truth(model, truth) == {1: 1, 2: 2, 3: 3, 5: 4}
        assert model.segment_ids_.tolist() == [1, 2, 3, 4]
        assert model.n_segments_ == 4
        names = {1: "segment 1", 2: "two", 3: "segment 3", 4: "segment 4"}
        assert model.segment_names_ == names
        assert list(model.segment_names_) == [1, 2, 3, 4]
        sizes = [int(np.sum(model.labels_ == k)) for k in (1, 2, 3, 4)]
        assert model.segment_sizes_.tolist() == sizes
        assert model.assigner_.classes_.tolist() == [1, 2, 3, 4]
        probabilities = model.predict_proba(table)
        assert probabilities.shape == (400, 4)
        answers = model.segment_ids_[probabilities.argmax(axis=1)]
        np.testing.assert_array_equal(answers, model.predict(table))
        assigned = model.assign(table)
        np.testing.assert_array_equal(assigned["segment"], model.predict(table))
        assert list(assigned["segment_name"]) == [names[k] for k in answers.tolist()]
        np.testing.assert_array_equal(
            assigned["probability"], probabilities.max(axis=1)
        )
        assert np.mean(answers == model.labels_) > 0.8

    def test_what_happened(self):
        _, model, *_ = self.models()
        frame = model.match_.frame()
        assert frame["event"].tolist() == ["died", "kept", "kept", "kept", "born"]
        assert frame["old_segment"].tolist()[:4] == [0, 1, 2, 3]
        assert frame["new_segment"].tolist()[1:] == [1, 2, 3, 4]
        assert model.match_.verdict == (
            "3 of 4 segments kept. Died: gone. Born: segment 4."
        )

    def test_names(self):
        _, model, *_ = self.models()
        message = "Names must be for segments 1, 2, 3, 4. Got [0] instead. See segment_"
        with pytest.raises(ValueError, match=re.escape(message)):
            model.name_segments({0: "back"})
        assert model.name_segments({4: "gone"}).segment_names_[4] == "gone"

    def test_without_an_assigner_the_segmenter_answers(self):
        changes = {"assigner": None, "descriptors": None}
        _, model, table, _ = self.models(**changes)
        np.testing.assert_array_equal(model.predict(table), model.labels_)
        codes = model.segmenter_.predict(table[["food", "drink"]])
        np.testing.assert_array_equal(model.segmenter_ids_[codes], model.labels_)

    def test_probabilities_of_a_segmenter_alone(self):
        rng = np.random.default_rng(3)
        table, _ = month(rng)
        mixture = GaussianMixtureSegmenter(4)
        model = model_of(mixture, assigner=None, descriptors=None).fit(table)
        later, _ = month(rng, (1, 2, 3, 5))
        model = model.refit(later)
        assert model.segment_ids_.tolist() == [1, 2, 3, 4]
        best = model.predict_proba(later).argmax(axis=1)
        np.testing.assert_array_equal(model.segment_ids_[best], model.predict(later))

    def test_none_of_the_above(self):
        _, model, table, _ = self.models(reject_alpha=0.05)
        odd = table.assign(income=500.0)
        assert (model.predict(odd) == -1).all()
        assert set(model.assign(odd)["segment_name"]) == {"none of the above"}
        assert set(model.predict(table)) == {-1, 1, 2, 3, 4}
        assert 0.02 < np.mean(model.predict(table) == -1) < 0.1

    def test_any_classifier(self):
        forest = RandomForestClassifier(10)
        _, model, table, _ = self.models(assigner=forest)
        assert set(model.predict(table)) == {1, 2, 3, 4}
        assert model.predict_proba(table).shape == (400, 4)


class TestManyRefits:
    def test_a_year_with_drift(self):
        # Over the year all means move by six standard deviations.
        rng = np.random.default_rng(4)
        table, truth = month(rng)
        model = model_of(search()).fit(table).name_segments({2: "families"})
        first = of_truth(model, truth)
        for step in range(1, 13):
            table, truth = month(rng, n=300 + 10 * step, moved=0.5 * step)
            model = model.refit(table, random_state=step)
            assert of_truth(model, truth) == first
            assert set(model.match_.frame()["event"]) == {"kept"}
        assert model.segment_names_[2] == "families"

    def test_ids_of_dead_segments_are_not_used_again(self):
        rng = np.random.default_rng(5)
        there = [(0, 1, 2, 3), (0, 1, 2), (0, 1, 2, 4), (0, 1, 2), (0, 1, 2, 3)]
        ids = {0: 0, 1: 1, 2: 2}
        of_the_fourth = [{3: 3}, {}, {4: 4}, {}, {3: 5}]
        model = None
        for segments, fourth in zip(there, of_the_fourth, strict=True):
            table, truth = month(rng, segments)
            if model is None:
                model = model_of(search()).fit(table)
            else:
                model = pickle.loads(pickle.dumps(model)).refit(table)
            assert of_truth(model, truth) == {**ids, **fourth}

    def test_a_segment_that_splits_and_one_that_is_made_of_two(self):
        rng = np.random.default_rng(6)
        table, truth = month(rng, (0, 1, 2, 3))
        four = model_of(KMeansSegmenter(4)).fit(table)
        three = four.set_params(segmenter__n_clusters=3).refit(table)
        (merged,) = three.match_.frame().query("event == 'merged'")["old_segment"]
        kept = sorted({0, 1, 2, 3} - {merged})
        assert three.segment_ids_.tolist() == kept
        again = three.set_params(segmenter__n_clusters=4).refit(table)
        # What was split off is a new segment: who knows that it was one before?
        assert again.segment_ids_.tolist() == [*kept, 4]
        assert set(again.match_.frame()["event"]) == {"kept", "split"}
        assert of_truth(again, truth).keys() == {0, 1, 2, 3}

    def test_other_segments_do_not_get_a_stranger_s_id(self):
        rng = np.random.default_rng(7)
        model = model_of(KMeansSegmenter(2)).fit(month(rng, (0, 4))[0])
        later = model.refit(month(rng, (0, 4), n=300)[0], min_jaccard=0.99)
        assert later.segment_ids_.tolist() == [0, 1]
        table = month(rng, (0, 4))[0].sample(frac=1, random_state=0)
        table[["food", "drink"]] = rng.uniform(-5, 25, (400, 2))
        strict = model.refit(table, min_jaccard=0.95)
        assert min(strict.segment_ids_) >= 2


class TestNames:
    def test_a_new_segment_finds_its_name_taken(self):
        rng = np.random.default_rng(8)
        table, _ = month(rng, (0, 1, 2))
        model = model_of(search()).fit(table)
        model.name_segments({0: "segment 3", 1: "segment 3 (2)"})
        later = model.refit(month(rng, (0, 1, 2, 3))[0])
        assert later.segment_names_ == {
            0: "segment 3",
            1: "segment 3 (2)",
            2: "segment 2",
            3: "segment 3 (3)",
        }


def test_a_new_segment_that_is_larger_than_all_others_takes_no_id():
    # The customers of segment 5 come in numbers; the nearest, 3, keeps its id.
    rng = np.random.default_rng(9)
    table, truth = month(rng, (0, 1, 2, 3))
    model = model_of(KMeansSegmenter(4)).fit(table)
    ids = of_truth(model, truth)
    newcomers = month(rng, (5,), n=300)[0]
    newcomers["client"] = [f"new {i}" for i in range(300)]
    later = model.set_params(segmenter__n_clusters=5).refit(
        pd.concat([table, newcomers], ignore_index=True)
    )
    truth = np.append(truth, np.full(300, 5))
    assert of_truth(later, truth) == {**ids, 5: 4}
    assert later.match_.verdict == "All 4 segments kept. Born: segment 4."


def test_a_segmenter_that_cannot_predict_is_matched_by_what_the_assigner_says():
    rng = np.random.default_rng(10)
    table, truth = month(rng)
    descriptors = {"descriptors": ["age", "income", "food"]}
    model = model_of(AgglomerativeClustering(4), **descriptors).fit(table)
    ids = of_truth(model, truth)
    later, truth = month(rng, moved=0.5)
    later = model.refit(later)
    assert of_truth(later, truth) == ids
    assert later.assigner_.classes_.tolist() == [0, 1, 2, 3]


def test_a_component_that_attracts_nobody_has_an_id():
    # scikit-learn's mixtures do not say how many segments they have; a new customer may
    # be in any of them.
    X = np.random.default_rng(0).normal(size=(200, 1))
    start = {"means_init": [[0.0], [0.5]], "weights_init": [0.99, 0.01]}
    mixture = GaussianMixture(2, **start, tol=10)
    assert mixture.fit_predict(X).max() == 0
    model = SegmentationModel(mixture).fit(X)
    assert model.segment_ids_.tolist() == [0, 1]
    assert model.segment_sizes_.tolist() == [200, 0]


def test_arrays():
    rng = np.random.default_rng(11)
    X = month(rng)[0][["food", "drink"]].to_numpy()
    model = SegmentationModel(KMeansSegmenter(4), random_state=0).fit(X)
    later = model.refit(X[::-1], random_state=1)
    np.testing.assert_array_equal(later.labels_, model.labels_[::-1])


def test_what_is_wrong_is_said_as_by_fit():
    table, _ = month(np.random.default_rng(12))
    with pytest.raises(NotFittedError):
        model_of(KMeansSegmenter(4)).refit(table)
    model = model_of(KMeansSegmenter(4)).fit(table)
    with pytest.raises(SchemaError, match=re.escape("Got no 'food' among")):
        model.refit(table.drop(columns="food"))
    with pytest.raises(DataQualityError, match="must have one id a customer"):
        model.refit(table.assign(client="x"))
    with pytest.raises(ValueError, match=re.escape("Got 1.5 instead.")):
        model.refit(table, min_jaccard=1.5)
    with pytest.raises(ValueError, match="random_state"):
        model.refit(table, random_state="june")
