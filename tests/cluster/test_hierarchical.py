"""Hierarchies: exact or in two stages, any number of segments from one tree."""

import multiprocessing
import re
import sys

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from custseg.cluster import HierarchicalSegmenter
from custseg.cluster import _hierarchical as hierarchical
from custseg.cluster._linkage import cut_tree
from custseg.engine import _source as source_module
from custseg.engine import in_order, segment_sums
from custseg.exceptions import DegenerateFitError

RNG = np.random.default_rng(7)
CENTERS = np.array([[0.0, 0, 0], [9, 0, 0], [0, 9, 0], [9, 9, 9]])
SHARES = [0.4, 0.3, 0.2, 0.1]
TRUTH = RNG.choice(4, 3_000, p=SHARES)
BLOBS = CENTERS[TRUTH] + RNG.normal(size=(3_000, 3))
OVERLAP = RNG.normal(size=(2_000, 4))


def within(X, labels):
    return segment_sums(X, labels, labels.max() + 1).within().sum()


class TestExact:
    def test_leaves_are_the_distinct_customers(self):
        X = np.array([[1.0], [5.0], [1.0], [9.0], [1.0], [5.5]])
        fitted = HierarchicalSegmenter(2).fit(X)
        assert fitted.n_micro_ is None
        assert fitted.leaves_.tolist() == [0, 1, 0, 3, 0, 2]
        assert fitted.leaf_sizes_.tolist() == [3, 1, 1, 1]
        assert fitted.merges_.shape == (3, 4)

    @pytest.mark.parametrize("linkage", ["ward", "complete", "average", "single"])
    def test_whole_weights_are_repeated_customers(self, linkage):
        X, copies = OVERLAP[:120], RNG.integers(0, 4, 120)
        tree = HierarchicalSegmenter(3, linkage=linkage, n_prototypes=100)
        repeated = np.repeat(np.arange(120), copies)
        many = tree.fit(X[repeated])
        cut, labels, sizes = many.tree_labels_, many.labels_, many.segment_sizes_
        centers, agreement = many.segment_centers_, many.tree_agreement_
        one = tree.fit(X, sample_weight=copies)
        np.testing.assert_array_equal(one.tree_labels_[repeated], cut)
        np.testing.assert_array_equal(one.labels_[repeated], labels)
        np.testing.assert_array_equal(one.segment_sizes_, sizes)
        np.testing.assert_allclose(one.segment_centers_, centers)
        assert one.tree_agreement_ == pytest.approx(agreement)
        np.testing.assert_array_equal(one.leaves_ < 0, copies == 0)

    @pytest.mark.parametrize("linkage", ["complete", "average"])
    def test_too_many_pairs_are_refused_before_memory_is_taken(
        self, linkage, monkeypatch
    ):
        monkeypatch.setattr(hierarchical, "_MAX_BYTES", 2**20)
        # 1,000 x 1,000 distances of 8 bytes: 8e6 / 2^30 = 0.007 GiB.
        message = (
            "A tree must need at most 0 GiB for the distances of all pairs. Got 1000 "
            f"distinct customers, which need 0.0 GiB instead ({linkage} linkage). Set "
            "n_micro=1000 to join micro-segments, or use Ward's linkage, which holds "
            "no pairs."
        )
        tree = HierarchicalSegmenter(2, linkage=linkage)
        with pytest.raises(DegenerateFitError, match=re.escape(message)):
            tree.fit(OVERLAP[:1000])
        tree.set_params(n_micro=50).fit(BLOBS[:1000])  # 50 are few enough
        HierarchicalSegmenter(2).fit(BLOBS[:1000])

    def test_none_is_exact_whatever_the_number(self, monkeypatch):
        monkeypatch.setattr(hierarchical, "_EXACT", 100)
        tree = HierarchicalSegmenter(4, n_micro=None)
        assert tree.fit(BLOBS[:300]).n_micro_ is None
        monkeypatch.setattr(hierarchical, "_MICRO", 60)
        tree.set_params(n_micro="auto").fit(BLOBS[:300])
        # A centre that loses all its customers is dropped, and which one does is a
        # matter of the last digit.
        assert 50 <= tree.n_micro_ <= 60


class TestTwoStages:
    @pytest.mark.parametrize("linkage", ["ward", "complete", "average", "single"])
    def test_segments_apart_are_found(self, linkage):
        tree = HierarchicalSegmenter(4, linkage=linkage, n_micro=100, random_state=0)
        tree.fit(BLOBS)
        assert tree.n_micro_ <= 100
        assert tree.leaf_sizes_.sum() == 3_000
        # A micro-segment is hardly ever of two blobs.
        assert adjusted_rand_score(tree.tree_labels_, TRUTH) > 0.99
        assert adjusted_rand_score(tree.labels_, TRUTH) > 0.99
        np.testing.assert_array_equal(tree.predict(BLOBS), tree.labels_)

    @pytest.mark.filterwarnings("ignore:labels_ and the tree")
    def test_merges_cost_what_they_cost_customers(self):
        # Half a squared height is what a merge adds to the sum of squares, so all of
        # them and the sum within micro-segments are the sum about the mean.
        tree = HierarchicalSegmenter(3, n_micro=150, random_state=1).fit(OVERLAP)
        of_micro = within(OVERLAP, tree.leaves_)
        costs = tree.merges_[:, 2] ** 2 / 2
        total = len(OVERLAP) * OVERLAP.var(axis=0).sum()
        assert of_micro + costs.sum() == pytest.approx(total)
        assert of_micro + costs[:-2].sum() == pytest.approx(
            within(OVERLAP, tree.tree_labels_)
        )

    @pytest.mark.filterwarnings("ignore:labels_ and the tree")
    @pytest.mark.parametrize("std", [1.0, 3.0])
    def test_sum_of_squares_is_near_that_of_the_exact_tree(self, std):
        X, _ = make_blobs(6_000, 10, centers=8, cluster_std=std, random_state=2,
                          center_box=(-4, 4))  # fmt: skip
        exact = HierarchicalSegmenter(2).fit(X)
        tree = HierarchicalSegmenter(2, n_micro=1_000, random_state=0).fit(X)
        for k in range(2, 13):
            ours = cut_tree(tree.merges_, k)[tree.leaves_]
            assert within(X, ours) <= 1.01 * within(X, cut_tree(exact.merges_, k))

    def test_weights_count(self):
        weights = RNG.integers(0, 3, 3_000)
        tree = HierarchicalSegmenter(4, n_micro=100, random_state=0)
        tree.fit(BLOBS, sample_weight=weights)
        sizes = np.sort(np.bincount(TRUTH, weights))[::-1]
        np.testing.assert_allclose(tree.segment_sizes_, sizes, rtol=0.01)
        assert tree.leaf_sizes_.sum() == weights.sum()
        np.testing.assert_array_equal(tree.leaves_ < 0, weights == 0)
        assert adjusted_rand_score(tree.tree_labels_, TRUTH) > 0.99

    def test_seed_repeats_bits_for_any_number_of_threads(self, monkeypatch):
        monkeypatch.setattr(source_module, "_ROWS", 200)
        tree = HierarchicalSegmenter(4, n_micro=60, random_state=3)
        answers = set()
        for n_threads in (1, 2, 5):
            monkeypatch.setattr(
                source_module,
                "in_order",
                lambda f, blocks, n=n_threads, **given: in_order(
                    f, blocks, n_threads=n
                ),
            )
            fitted = tree.fit(BLOBS)
            answers.add((fitted.merges_.tobytes(), fitted.prototypes_.tobytes()))
        assert len(answers) == 1

    def test_few_distinct_customers_make_few_micro_segments(self):
        X = np.repeat([[0.0, 0], [1, 0], [5, 5], [6, 5]], 300, axis=0)
        tree = HierarchicalSegmenter(2, n_micro=100, random_state=0).fit(X)
        assert tree.n_micro_ == 4
        assert tree.leaf_sizes_.tolist() == [300] * 4
        assert len(np.unique(tree.labels_[:600])) == 1

    def test_fewer_micro_segments_than_segments(self):
        message = (
            "12 segments must have a tree with at least as many leaves. Got 9 instead. "
            "Ask for fewer segments or raise n_micro."
        )
        with pytest.raises(DegenerateFitError, match=re.escape(message)):
            HierarchicalSegmenter(12, n_micro=9, random_state=0).fit(BLOBS)

    @pytest.mark.skipif(sys.platform == "win32", reason="no fork")
    def test_predict_after_fork(self):
        tree = HierarchicalSegmenter(4, n_micro=100, random_state=0).fit(BLOBS)
        with multiprocessing.get_context("fork").Pool(1) as pool:
            for n_rows in (1, 256, 257, 3_000):
                labels = pool.apply_async(tree.predict, (BLOBS[:n_rows],)).get(60)
                np.testing.assert_array_equal(labels, tree.labels_[:n_rows])


class TestCut:
    @pytest.mark.parametrize("n_micro", [None, 80])
    @pytest.mark.parametrize("weighted", [False, True])
    def test_is_what_fit_gives_for_as_many_segments(self, n_micro, weighted):
        weights = RNG.integers(1, 4, 1_000) if weighted else None
        X = BLOBS[:1_000]
        tree = HierarchicalSegmenter(4, n_micro=n_micro, random_state=0)
        first = tree.fit(X, sample_weight=weights)
        second = first.cut(X, 3, sample_weight=weights)
        assert first.n_segments_ == first.n_clusters == 4
        fresh = HierarchicalSegmenter(3, n_micro=n_micro, random_state=0)
        fresh.fit(X, sample_weight=weights)
        assert vars(second).keys() == vars(fresh).keys()
        for name in ("labels_", "tree_labels_", "segment_sizes_", "prototypes_",
                     "segment_centers_", "merges_", "tree_agreement_"):  # fmt: skip
            np.testing.assert_array_equal(getattr(second, name), getattr(fresh, name))
        assert second.get_params() == fresh.get_params()

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            (slice(999), "X must have the customers of fit, 1000 rows. Got 999"),
            (slice(None, None, -1), "X must have the customers of fit. Got other "),
        ],
    )
    def test_other_customers_are_refused(self, rows, message):
        X = BLOBS[:1_000]
        tree = HierarchicalSegmenter(4).fit(X)
        with pytest.raises(ValueError, match=re.escape(message)):
            tree.cut(X[rows], 2)

    def test_other_weights_and_too_many_segments_are_refused(self):
        X = np.arange(20.0).reshape(-1, 1)
        tree = HierarchicalSegmenter(2).fit(X, sample_weight=np.full(20, 2.0))
        message = (
            "sample_weight must be that of fit, with a sum of 40. Got weights with a "
            "sum of 20 for the same customers instead."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            tree.cut(X, 3)
        with pytest.raises(DegenerateFitError, match="at least as many leaves"):
            tree.cut(X, 21, sample_weight=np.full(20, 2.0))
        with pytest.raises(ValueError, match="'n_clusters' parameter"):
            tree.cut(X, 0, sample_weight=np.full(20, 2.0))
