"""What became of segments: events planted in customers whose segments are known."""

import pickle
import re
from collections import Counter
from itertools import product

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.cluster import DBSCAN, KMeans
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg.assignment import DiscriminantAssigner, SegmentationModel, match_segments
from custseg.assignment._answers import as_shares, count_segments
from custseg.cluster import (
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
)
from custseg.exceptions import DataQualityError, SchemaError

KINDS = ("same", "birth", "death", "split", "merge")
EXPECTED = {
    "same": {"kept": 4},
    "birth": {"kept": 4, "born": 1},
    "death": {"kept": 4, "died": 1},
}


def places(rng, n_columns):
    """Five segment means at least seven apart; 3 and 4 are eight apart."""
    while True:
        centers = rng.normal(0, 9 / np.sqrt(n_columns), (5, n_columns)) * 2
        step = rng.normal(size=n_columns)
        centers[4] = centers[3] + 8 * step / np.linalg.norm(step)
        gaps = np.linalg.norm(centers[:, np.newaxis] - centers, axis=2)
        if gaps[np.triu_indices(5, 1)].min() >= 7 and gaps[4, :3].min() > 10:
            return centers


def customers(rng, centers, shares, n=500):
    segments = rng.choice(len(centers), n, p=shares / shares.sum())
    return centers[segments] + rng.normal(size=(n, centers.shape[1]))


def planted(kind, seed, n_columns=3):
    """Old customers and new ones, and how many segments each are given.

    In a split, segments 3 and 4 are one as long as four are asked for; in a birth, 4
    is not there at first. Next month means have moved by a quarter of a standard
    deviation and shares by a twentieth.
    """
    rng = np.random.default_rng(seed)
    centers = places(rng, n_columns)
    shares = rng.dirichlet(np.full(5, 10)) + 0.05
    moved = centers + rng.normal(0, 0.25, centers.shape)
    changed = shares * np.exp(rng.normal(0, 0.05, 5))
    before = slice(4) if kind in ("birth", "same") else slice(5)
    after = slice(4) if kind in ("death", "same") else slice(5)
    k_before = 5 if kind in ("death", "merge") else 4
    k_after = 5 if kind in ("birth", "split") else 4
    old = customers(rng, centers[before], shares[before])
    new = customers(rng, moved[after], changed[after], 600)
    return old, new, k_before, k_after


def events(*args, **kwargs):
    return dict(Counter(match_segments(*args, **kwargs).frame()["event"]))


def is_as_planted(kind, found):
    if kind in EXPECTED:
        return found == EXPECTED[kind]
    # The larger part may go on as the segment, or neither.
    word = {"split": "split", "merge": "merged"}[kind]
    return found in ({"kept": 4, word: 1}, {"kept": 3, word: 2})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_planted_events_are_named(kind, seed):
    for n_columns in (2, 6):
        old, new, k_before, k_after = planted(kind, seed, n_columns)
        before = KMeansSegmenter(k_before, n_init=3, random_state=seed).fit(old)
        after = KMeansSegmenter(k_after, n_init=3, random_state=seed + 50).fit(new)
        for X in (new, old):
            assert is_as_planted(kind, events(before, after, X))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "make",
    [
        lambda k: make_pipeline(StandardScaler(), KMeansSegmenter(k, random_state=0)),
        lambda k: KMeans(k, n_init=5, random_state=0),
        lambda k: GaussianMixtureSegmenter(k, random_state=0),
        lambda k: GaussianMixture(k, n_init=3, random_state=0),  # tells no sizes
        lambda k: HierarchicalSegmenter(k),
        lambda k: SegmentationModel(KMeansSegmenter(k), random_state=0),
    ],
    ids=["pipeline", "KMeans", "mixture", "GaussianMixture", "tree", "model"],
)
def test_any_model_that_predicts(kind, make):
    old, new, k_before, k_after = planted(kind, 7)
    before, after = make(k_before).fit(old), make(k_after).fit(new)
    assert is_as_planted(kind, events(before, after, new))


def test_nothing_happens_where_nothing_changed():
    rng = np.random.default_rng(0)
    old, new, k, _ = planted("same", 3)
    model = KMeansSegmenter(k, random_state=0).fit(old)
    more = np.vstack([old, new[: len(old) // 100]])
    for X, seed in product((old, rng.permutation(old), more), range(3)):
        again = KMeansSegmenter(k, random_state=seed).fit(X)
        assert events(model, again, X) == {"kept": k}


def test_no_birth_or_death_where_borders_move():
    # A uniform cloud is cut differently by every seed: parts move between segments,
    # and are split and merged, but nobody came or went.
    X = np.random.default_rng(0).random((1000, 3))
    found = Counter()
    for seed in range(8):
        one = KMeansSegmenter(6 + seed % 2, n_init=1, random_state=seed).fit(X)
        other = KMeansSegmenter(7, n_init=1, random_state=seed + 50).fit(X)
        frame = match_segments(one, other, X).frame()
        found.update(frame["event"])
    assert found["kept"] > 35
    assert found["split"] >= 4
    assert found["born"] + found["died"] == 0


def test_a_frame_with_names_and_shares():
    visits = [[1.0], [2], [3], [11], [12], [13], [14]]
    later = [[1.0], [2], [3], [11], [12], [13], [14], [41], [42]]
    model = SegmentationModel(KMeansSegmenter(2, random_state=0)).fit(visits)
    model.name_segments({0: "often", 1: "seldom"})
    after = model.set_params(segmenter__n_clusters=3).refit(later)
    match = match_segments(model, after, later)
    frame = match.frame()
    assert list(frame.columns) == [
        *["event", "old_segment", "new_segment", "old_name", "new_name"],
        *["customers", "share_of_old", "share_of_new", "jaccard"],
    ]
    assert frame["event"].tolist() == ["kept", "kept", "born"]
    assert frame["old_segment"].tolist() == [0, 1, pd.NA]
    assert frame["new_segment"].tolist() == [0, 1, 2]
    assert frame["old_name"].tolist()[:2] == ["often", "seldom"]
    assert frame["new_name"].tolist() == ["often", "seldom", "segment 2"]
    assert frame["customers"].tolist() == [4, 3, 2]
    # Without the two who were born, whom the old model calls "often".
    assert frame["share_of_old"].tolist()[:2] == [1, 1]
    assert frame["jaccard"].tolist()[:2] == [1, 1]
    assert frame[["share_of_old", "share_of_new", "jaccard"]].iloc[2].isna().all()
    assert match.verdict == "All 2 segments kept. Born: segment 2."
    assert repr(match) == f"<SegmentMatch: {match.verdict}>"
    pd.testing.assert_frame_equal(after.match_.frame(), frame)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(match)).frame(), frame)


def test_shares_of_a_split():
    # Old 0 is 1-14; new segments cut it into 4 and 2 customers, and 21-23 stays.
    visits = [[1.0], [2], [3], [4], [13], [14], [31], [32], [33]]
    old, new = (KMeansSegmenter(k, random_state=0).fit(visits) for k in (2, 3))
    match = match_segments(old, new, visits)
    frame = match.frame()
    assert frame["event"].tolist() == ["kept", "split", "kept"]
    assert frame["new_segment"].tolist() == [0, 2, 1]
    assert frame["customers"].tolist() == [4, 2, 3]
    np.testing.assert_allclose(frame["share_of_old"], [4 / 6, 2 / 6, 1])
    np.testing.assert_allclose(frame["share_of_new"], [1, 1, 1])
    np.testing.assert_allclose(frame["jaccard"], [4 / 6, 2 / 6, 1])
    assert match.verdict == (
        "All 2 segments kept. Split: segment 0 into segment 0 and segment 2."
    )
    strict = match_segments(old, new, visits, min_jaccard=0.7)
    assert strict.verdict == (
        "1 of 2 segments kept. Split: segment 0 into segment 0 and segment 2."
    )
    back = match_segments(new, old, visits)
    assert back.verdict == (
        "2 of 3 segments kept. Merged: segment 0 and segment 2 into segment 0."
    )


def test_weights_count_customers():
    old, new, k_before, k_after = planted("birth", 1)
    before = KMeansSegmenter(k_before, random_state=0).fit(old)
    after = KMeansSegmenter(k_after, random_state=0).fit(new)
    weights = np.random.default_rng(0).integers(1, 4, len(new))
    weighted = match_segments(before, after, new, sample_weight=weights).frame()
    repeated = match_segments(before, after, np.repeat(new, weights, axis=0)).frame()
    pd.testing.assert_frame_equal(weighted, repeated, check_dtype=False)


class TestModels:
    """SegmentationModels answer by their segmenters."""

    @staticmethod
    def tables(kind="birth", frame=pd.DataFrame, seed=2):
        """Descriptors that say little: the segmenter is asked, not the assigner."""
        rng = np.random.default_rng(seed)
        old, new, k_before, k_after = planted(kind, seed)
        tables = [
            frame(
                {
                    "client": np.arange(len(X)),
                    **{f"spend {i}": X[:, i] for i in range(3)},
                    "age": X[:, 0] + rng.normal(0, 20, len(X)),
                }
            )
            for X in (old, new)
        ]
        return *tables, k_before, k_after

    @staticmethod
    def model(k, **changes):
        settings = {
            "segmenter": KMeansSegmenter(k),
            "assigner": DiscriminantAssigner(),
            "basis": ["spend 0", "spend 1", "spend 2"],
            "descriptors": ["age"],
            "customer_id": "client",
            "random_state": 0,
        }
        return SegmentationModel(**{**settings, **changes})

    @pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
    @pytest.mark.parametrize("kind", ["birth", "split"])
    def test_by_the_basis(self, kind, frame):
        old, new, k_before, k_after = self.tables(kind, frame)
        before, after = self.model(k_before).fit(old), self.model(k_after).fit(new)
        assert is_as_planted(kind, events(before, after, new))

    def test_rejected_customers_in_a_segment_of_their_own_are_born(self):
        old, new, k_before, k_after = self.tables()
        changes = {"assigner": None, "descriptors": None, "reject_alpha": 0.02}
        before = self.model(k_before, **changes).fit(old)
        after = self.model(k_after, **changes).fit(new)
        frame = match_segments(before, after, new).frame()
        assert dict(Counter(frame["event"])) == EXPECTED["birth"]
        assert (before.predict(new) == -1).mean() > 0.1
        assert frame["share_of_new"].min() == 1

    def test_a_model_that_rejects_nearly_all_tells_nothing_by_it(self):
        # Descriptors have moved away, the basis has not.
        old, new, *_ = self.tables("same")
        before = self.model(4, reject_alpha=0.1).fit(old)
        moved = new.assign(age=new["age"] + 500)
        assert (before.predict(moved) == -1).all()
        after = self.model(4).fit(moved)
        assert events(before, after, moved) == {"kept": 4}

    def test_a_segmenter_that_cannot_predict_leaves_it_to_the_assigner(self):
        old, new, *_ = self.tables("same")
        descriptors = {"descriptors": ["spend 0", "spend 1", "spend 2"]}
        models = [
            self.model(4, segmenter=DBSCAN(eps=2), **descriptors).fit(X)
            for X in (old, new)
        ]
        assert events(*models, new) == {"kept": 4}

    def test_a_column_of_the_basis_is_missing(self):
        old, *_ = self.tables()
        model = self.model(4).fit(old)
        with pytest.raises(SchemaError, match=re.escape("Got no 'spend 1' among")):
            match_segments(model, model, old.drop(columns="spend 1"))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"min_jaccard": 1},
            ValueError,
            "min_jaccard must be at least 0 and below 1. Got 1 instead.",
        ),
        (
            {"min_jaccard": "half"},
            ValueError,
            "min_jaccard must be at least 0 and below 1. Got 'half' instead.",
        ),
        (
            {"min_jaccard": None},
            ValueError,
            "min_jaccard must be at least 0 and below 1. Got None instead.",
        ),
        (
            {"sample_weight": [-1, 1, 1]},
            DataQualityError,
            "sample_weight must not be negative.",
        ),
    ],
)
def test_wrong_options(options, error, message):
    X = [[1.0], [2], [9]]
    model = KMeansSegmenter(2, random_state=0).fit(X)
    with pytest.raises(error, match=re.escape(message)):
        match_segments(model, model, X, **options)


def test_a_model_that_cannot_predict():
    X = [[1.0], [2], [9]]
    model = KMeansSegmenter(2, random_state=0).fit(X)
    message = "A model must have predict to be matched. Got DBSCAN instead. Put it in a"
    for models in ((model, DBSCAN().fit(X)), (DBSCAN().fit(X), model)):
        with pytest.raises(TypeError, match=re.escape(message)):
            match_segments(*models, X)


def test_one_segment():
    X = [[1.0], [2], [9]]
    model = KMeansSegmenter(1, random_state=0).fit(X)
    assert match_segments(model, model, X).verdict == "1 of 1 segment kept."


class TestAnswers:
    def test_sizesas_shares(self):
        assert as_shares(None, 2) is None
        assert as_shares([3, 1], 3) is None
        assert as_shares([0, 0], 2) is None
        assert as_shares([3, 1], 2).tolist() == [0.75, 0.25]

    def test_segments_without_centres_are_those_that_somebody_has(self):
        nobody = DBSCAN(eps=0.1).fit([[0.0], [5.0]])
        assert count_segments(nobody, nobody.labels_) == 0
        assert count_segments(nobody, np.array([1, 0, -1])) == 2
