"""What each segmenter promises, beside the checks that all of them pass."""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.metrics import adjusted_rand_score
from threadpoolctl import threadpool_info

from custseg.cluster import (
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
)
from custseg.exceptions import DataQualityError, DegenerateFitError, SegmentWarning

RNG = np.random.default_rng(7)
BLOBS = np.vstack([RNG.normal(m, 1, (n, 2)) for m, n in [(0, 50), (8, 30), (16, 20)]])
SEGMENTERS = [
    KMeansSegmenter(3, random_state=0),
    GaussianMixtureSegmenter(3, random_state=0),
    HierarchicalSegmenter(3),
]


def with_k(segmenter, k):
    name = "n_components" if hasattr(segmenter, "n_components") else "n_clusters"
    return type(segmenter)(**{**segmenter.get_params(), name: k})


@pytest.mark.parametrize("segmenter", SEGMENTERS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_and_their_names(segmenter, frame):
    table = frame({"visits": BLOBS[:, 0], "spend": BLOBS[:, 1]})
    segmenter.fit(table)
    assert segmenter.feature_names_in_.tolist() == ["visits", "spend"]
    np.testing.assert_array_equal(segmenter.predict(table), segmenter.labels_)
    with pytest.raises(ValueError, match="feature names should match"):
        segmenter.predict(frame({"spend": BLOBS[:, 1], "visits": BLOBS[:, 0]}))


@pytest.mark.parametrize("segmenter", SEGMENTERS, ids=lambda s: type(s).__name__)
def test_more_segments_than_distinct_customers(segmenter):
    X = np.repeat([[1.0, 2.0], [3.0, 4.0]], 10, axis=0)
    message = (
        "3 segments must have at least as many distinct customers. Got n_samples=20 "
        "customers of which 2 are distinct instead."
    )
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        segmenter.fit(X)


@pytest.mark.parametrize("segmenter", SEGMENTERS, ids=lambda s: type(s).__name__)
def test_float32_customers_predict_on_a_float64_fit(segmenter):
    fitted = segmenter.fit(BLOBS)
    answer = fitted.predict(BLOBS.astype(np.float32))
    np.testing.assert_array_equal(answer, fitted.labels_)


@pytest.mark.parametrize("segmenter", SEGMENTERS, ids=lambda s: type(s).__name__)
def test_one_segment_has_the_mean_as_centre(segmenter):
    one = with_k(segmenter, 1).fit(BLOBS)
    np.testing.assert_allclose(one.segment_centers_, [BLOBS.mean(axis=0)])
    assert one.segment_sizes_.tolist() == [100]


@pytest.mark.parametrize("segmenter", SEGMENTERS, ids=lambda s: type(s).__name__)
def test_constant_columns_make_one_segment(segmenter):
    X = np.full((20, 2), 7.0)
    one = with_k(segmenter, 1).fit(X)
    assert one.segment_sizes_.tolist() == [20]
    np.testing.assert_allclose(one.segment_centers_, [[7.0, 7.0]])


def test_fits_in_many_threads_leave_the_thread_count_of_blas_alone():
    def blas_threads():
        libraries = threadpool_info()
        return [lib["num_threads"] for lib in libraries if lib["user_api"] == "blas"]

    before = blas_threads()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(KMeansSegmenter(3, n_init=1).fit, [BLOBS] * 24))
    assert blas_threads() == before


class TestKMeans:
    def test_worked_case(self):
        # Centres 1 and 11; squared distances 1 + 0 + 1 + 1 + 1 = 4.
        fitted = KMeansSegmenter(2, random_state=0).fit([[0], [1], [2], [10], [12]])
        assert fitted.segment_centers_.tolist() == [[1.0], [11.0]]
        assert fitted.inertia_ == pytest.approx(4.0)
        assert fitted.score([[0], [13]]) == pytest.approx(-(1 + 4))
        assert fitted.score([[0], [13]], sample_weight=[3, 1]) == pytest.approx(-7)

    def test_weights_move_centres(self):
        # (1 * 0 + 3 * 4) / 4 = 3; weighted squares 9 + 3 * 1 = 12.
        fitted = KMeansSegmenter(1).fit([[0], [4]], sample_weight=[1, 3])
        assert fitted.segment_centers_.tolist() == [[3.0]]
        assert fitted.inertia_ == pytest.approx(12.0)
        assert fitted.segment_sizes_.tolist() == [4.0]

    def test_last_months_centres_as_start(self):
        before = KMeansSegmenter(3, random_state=0).fit(BLOBS)
        again = KMeansSegmenter(3, init=before.segment_centers_).fit(BLOBS)
        np.testing.assert_array_equal(again.labels_, before.labels_)
        assert again.n_iter_ <= 2

    @pytest.mark.parametrize(
        ("weights", "message"),
        [
            ([-1, 1, -2, 1], "must not be negative. Got 2 negative weights instead."),
            ([0, 0, 0, 0], "must have a positive sum. Got only zeros instead."),
        ],
    )
    def test_bad_weights(self, weights, message):
        with pytest.raises(DataQualityError, match=re.escape(message)):
            KMeansSegmenter(2).fit([[0], [1], [2], [3]], sample_weight=weights)

    def test_customers_of_no_weight_do_not_make_segments(self):
        with pytest.raises(DegenerateFitError, match="of which 1 are distinct"):
            KMeansSegmenter(2).fit([[0], [1], [2]], sample_weight=[1, 0, 0])

    def test_same_seed_same_bits(self):
        X = np.random.default_rng(0).normal(size=(2000, 5))
        one, two = (KMeansSegmenter(6, random_state=3).fit(X) for _ in range(2))
        assert one.segment_centers_.tobytes() == two.segment_centers_.tobytes()


class TestGaussianMixture:
    @pytest.mark.parametrize("shape", ["full", "tied", "diag", "spherical"])
    def test_components_follow_the_order_of_segments(self, shape):
        segmenter = GaussianMixtureSegmenter(3, covariance_type=shape, random_state=0)
        fitted = segmenter.fit(BLOBS)
        np.testing.assert_allclose(fitted.weights_, [0.5, 0.3, 0.2], atol=0.01)
        np.testing.assert_allclose(fitted.segment_centers_[:, 0], [0, 8, 16], atol=0.7)
        truth = np.repeat([0, 1, 2], [50, 30, 20])
        np.testing.assert_array_equal(fitted.labels_, truth)

    def test_one_segment_has_the_closed_form_likelihood(self):
        # A Gaussian's best log-likelihood: -n/2 (d log 2 pi + log |S| + d).
        fitted = GaussianMixtureSegmenter(1, reg_covar=0).fit(BLOBS)
        log_det = np.linalg.slogdet(np.cov(BLOBS.T, bias=True))[1]
        expected = -100 / 2 * (2 * np.log(2 * np.pi) + log_det + 2)
        assert fitted.log_likelihood_ == pytest.approx(expected, rel=1e-10)
        assert fitted.score(BLOBS) == pytest.approx(expected / 100, rel=1e-10)
        # Parameters: 2 means, 3 entries of the covariance.
        assert fitted.bic_ == pytest.approx(5 * np.log(100) - 2 * expected)
        assert fitted.aic_ == pytest.approx(10 - 2 * expected)

    @pytest.mark.parametrize("shape", ["full", "tied", "diag", "spherical"])
    def test_a_shift_changes_nothing(self, shape):
        segmenter = GaussianMixtureSegmenter(3, covariance_type=shape, random_state=0)
        base = segmenter.fit(BLOBS).bic_
        far = segmenter.fit(BLOBS + 1e8)
        assert far.bic_ == pytest.approx(base, abs=1e-4)
        np.testing.assert_allclose(far.segment_centers_[:, 0] - 1e8, [0, 8, 16], atol=1)
        np.testing.assert_array_equal(far.predict(BLOBS + 1e8), far.labels_)


class TestHierarchical:
    def test_tree_and_labels_share_their_numbers(self):
        fitted = HierarchicalSegmenter(3).fit(BLOBS)
        np.testing.assert_array_equal(fitted.tree_labels_, fitted.labels_)
        assert fitted.tree_agreement_ == 1.0
        assert fitted.merges_.shape == (99, 4)

    def test_disagreement_is_warned_of(self):
        # Evenly spread customers have no border that one mean a segment can follow.
        X = np.random.default_rng(1).uniform(size=(300, 2))
        segmenter = HierarchicalSegmenter(5, linkage="single", n_prototypes=1)
        message = "labels_ and the tree's cut must agree for 90% of customers"
        with pytest.warns(SegmentWarning, match=re.escape(message)):
            segmenter.fit(X)
        share = np.mean(segmenter.labels_ == segmenter.tree_labels_)
        assert segmenter.tree_agreement_ == share < 0.9

    def test_a_segment_that_is_lost_is_warned_of_though_most_agree(self):
        # Twelve customers on a ring around three hundred: single linkage finds them,
        # but their one prototype is their mean, in the middle of the others.
        rng = np.random.default_rng(0)
        angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
        ring = 2.5 * np.column_stack([np.cos(angle), np.sin(angle)])
        disc = rng.uniform(-1, 1, (600, 2))
        disc = disc[np.linalg.norm(disc, axis=1) < 1][:300]
        tree = HierarchicalSegmenter(2, linkage="single")
        with pytest.warns(SegmentWarning, match="for segment 1, instead"):
            tree.fit(np.vstack([disc, ring]))
        assert np.bincount(tree.tree_labels_).tolist() == [300, 12]

    def test_rows_in_any_order_get_the_same_labels(self):
        X = np.random.default_rng(2).normal(size=(400, 3))  # no clear segments
        order = np.random.default_rng(3).permutation(400)
        tree = HierarchicalSegmenter(3)
        labels = tree.fit(X).labels_
        np.testing.assert_array_equal(tree.fit(X[order]).labels_, labels[order])

    def test_centres_are_means_of_the_segments_as_predicted(self):
        X = np.random.default_rng(2).normal(size=(400, 3))
        tree = HierarchicalSegmenter(3).fit(X)
        means = [X[tree.labels_ == k].mean(axis=0) for k in range(3)]
        np.testing.assert_allclose(tree.segment_centers_, means)

    @pytest.mark.parametrize("linkage", ["ward", "complete", "average", "single"])
    def test_agrees_with_scikit_learns_trees(self, linkage):
        from sklearn.cluster import AgglomerativeClustering

        X = np.random.default_rng(5).normal(size=(150, 3))
        tree = HierarchicalSegmenter(4, linkage=linkage).fit(X).tree_labels_
        other = AgglomerativeClustering(4, linkage=linkage).fit(X).labels_
        assert adjusted_rand_score(tree, other) == 1
