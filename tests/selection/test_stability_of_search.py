"""Stability as a search measures it: its method, its rule and its columns."""

import pickle
import re
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.metrics import silhouette_samples
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.random_projection import GaussianRandomProjection

from custseg.cluster import (
    HierarchicalSegmenter,
    KMeansSegmenter,
)
from custseg.exceptions import SegmentWarning
from custseg.selection import SegmentSearch, _stability, bootstrap_stability
from custseg.selection._scores import _variance_of_mean

RNG = np.random.default_rng(6)
TRUTH = np.repeat([0, 1, 2], [60, 50, 40])
X = np.array([[0.0, 0], [6, 0], [0, 9]])[TRUTH] + RNG.normal(size=(150, 2))
CLOUD = RNG.normal(size=(150, 2))


class TestSearch:
    def test_stability_changes_nothing_on_the_search(self):
        search = SegmentSearch(
            [KMeansSegmenter(n_init=2), AgglomerativeClustering()],
            (2, 3, 4),
            random_state=0,
        ).fit(X)
        before = pickle.dumps(search)
        result = search.stability(X, 3, n_null=0)
        assert pickle.dumps(search) == before
        assert len(result.frame()) == 6
        assert result.selected[1] == search.n_segments_ == 3
        again = search.stability(X, 3, n_null=0)
        pd.testing.assert_frame_equal(result.adjusted_rand, again.adjusted_rand)
        message = "X must be the 150 customers of fit for a candidate without predict"
        with pytest.raises(ValueError, match=message):
            search.stability(X[:100], 2)

    def test_the_stable_rule_and_the_columns(self):
        search = SegmentSearch(
            [KMeansSegmenter(n_init=3)],
            (2, 3, 4, 5),
            rule="stable",
            n_bootstraps=6,
            random_state=0,
        ).fit(X)
        assert search.n_segments_ == 3
        results, frame = search.results_, search.stability_.frame()
        np.testing.assert_array_equal(results["stability"], frame["adjusted_rand"])
        np.testing.assert_array_equal(
            results["stability_q25"], frame["adjusted_rand_q25"]
        )
        assert (results["silhouette_boot_se"] > 0).all()

    def test_boot_error_of_silhouettes_is_that_of_a_mean_where_segments_are_clear(self):
        """Refits then agree, and what is left is the customers' own spread."""
        far = np.array([[0.0, 0], [60, 0]])[TRUTH % 2] + RNG.normal(size=(150, 2))
        search = SegmentSearch(
            [KMeansSegmenter(n_init=2)], (2,), n_bootstraps=5, random_state=0
        ).fit(far)
        expected = silhouette_samples(far, search.labels_).std() / np.sqrt(150)
        assert search.results_["silhouette_boot_se"][0] == pytest.approx(expected)

    def test_no_drop_is_warned_of(self):
        search = SegmentSearch(
            [KMeansSegmenter(n_init=5)],
            (2, 3),
            rule="stable",
            n_bootstraps=4,
            random_state=0,
        )
        far = np.array([[0.0, 0], [60, 0], [61, 80], [0, 80]])
        customers = far[np.arange(160) % 4] + RNG.normal(size=(160, 2))
        with pytest.warns(SegmentWarning, match="A drop of stability must be seen"):
            search.set_params(n_segments=(2, 4)).fit(customers)
        assert search.n_segments_ == 4

    def test_customers_of_fit_keep_the_labels_that_they_have(self):
        """Where those are not predicted again, as of trees; others are predicted."""

        class Tree(AgglomerativeClustering):
            def predict(self, X):
                return (X[:, 0] > 3).astype(int)

        search = SegmentSearch([Tree()], (3,), n_bootstraps=3, random_state=0).fit(X)
        result = search.stability(np.asfortranarray(X), 3, n_null=0)
        assert tuple(result.sizes["customers"]) == search.results_["sizes"][0]
        pd.testing.assert_frame_equal(result.frame(), search.stability_.frame())
        other = search.stability(X[::-1], 3, n_null=0)
        assert len(other.sizes) == 2

    def test_others_in_equal_number_are_not_taken_for_those_of_fit(self):
        search = SegmentSearch([AgglomerativeClustering()], (3,)).fit(X)
        message = "Got 150 others for agglomerativeclustering instead."
        with pytest.raises(ValueError, match=message):
            search.stability(X[::-1], 2)

    def test_rivals_among_other_customers_are_compared_among_them(self):
        """Fewer customers have a smaller inertia; that makes no solution as good."""
        search = SegmentSearch([KMeans(n_init=5)], (3,), random_state=0).fit(CLOUD)
        result = search.set_params(random_state=1).stability(
            np.vstack([X[::3], X[::3] + 0.1]), 2, n_null=0
        )
        assert result.rivals.tolist() == [0]

    def test_a_random_state_that_is_an_object_stays_as_it_is(self):
        state = np.random.RandomState(0)
        search = SegmentSearch([KMeansSegmenter(n_init=1)], (2, 3), random_state=state)
        search.fit(X)
        before = pickle.dumps(search)
        one, two = (search.stability(X, 2, n_null=0) for _ in range(2))
        assert pickle.dumps(search) == before
        pd.testing.assert_frame_equal(one.jaccard, two.jaccard)

    def test_the_common_space_is_seeded_and_the_same_again(self):
        search = SegmentSearch(
            [KMeansSegmenter(n_init=1), AgglomerativeClustering()],
            (2, 3),
            score_on=GaussianRandomProjection(1),
            random_state=0,
        )
        first = search.fit(X).results_
        pd.testing.assert_frame_equal(search.fit(X).results_, first)
        search.stability(X, 2, n_null=0, random_state=5)  # knows its customers

    def test_in_a_pipeline(self):
        road = make_pipeline(
            StandardScaler(),
            SegmentSearch([KMeansSegmenter(n_init=2)], (2, 3), random_state=0),
        ).fit(X)
        result = road[-1].stability(road[:-1].transform(X), 3, n_null=0)
        assert result.selected == ("kmeanssegmenter", 3)
        assert result.segments()["bootstrap"][2:].min() > 0.9

    def test_processes_are_sent_no_fitted_estimators(self):
        class StaysHere(KMeansSegmenter):
            """Cannot be sent once it is fitted."""

            def __getstate__(self):
                assert not hasattr(self, "labels_")
                return super().__getstate__()

        search = SegmentSearch([StaysHere(n_init=1)], (2, 3), random_state=0)
        search.set_params(n_bootstraps=2).fit(X)
        result = search.stability(X, 2, n_null=0, n_jobs=2)
        alone = search.stability(X, 2, n_null=0)
        pd.testing.assert_frame_equal(result.jaccard, alone.jaccard)

    def test_a_tree_is_grown_once_in_each_refit(self, monkeypatch):
        grown = []
        fit = HierarchicalSegmenter.fit

        def counted(self, *arguments, **options):
            grown.append(self.n_clusters)
            return fit(self, *arguments, **options)

        monkeypatch.setattr(HierarchicalSegmenter, "fit", counted)
        search = SegmentSearch([HierarchicalSegmenter()], (2, 3, 4), random_state=0)
        search.set_params(n_bootstraps=2, n_references=3).fit(X)
        assert len(grown) == 1 + 3 + 2 * 2

    def test_counts(self):
        search = SegmentSearch([KMeansSegmenter(n_init=1)], (2,), random_state=0).fit(X)
        for options, message in (
            ({"n_null": 5}, "n_null must be 0 or an integer from 19 up. Got 5"),
            ({"n_null": None}, "n_null must be an integer from 0 up. Got None"),
            ({"n_bootstraps": 0}, "n_bootstraps must be an integer from 1 up. Got 0"),
        ):
            with pytest.raises(ValueError, match=re.escape(message)):
                search.stability(X, **options)

    def test_a_warning_points_at_the_call(self):
        search = SegmentSearch([KMeansSegmenter(n_init=1)], (3,), random_state=0)
        search.set_params(rule="stable", n_bootstraps=2)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            search.fit(X)
        assert [one.filename for one in caught] == [__file__]

    def test_a_test_that_is_left_out_points_at_the_call(self):
        few, segmenter = X[::12], KMeansSegmenter(2, n_init=1)
        search = SegmentSearch([segmenter], (2,), random_state=0).fit(few)
        options = {"n_bootstraps": 1, "n_null": 19, "random_state": 0}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            search.stability(few, **options)
            bootstrap_stability(segmenter, few, **options)
        left_out = [one for one in caught if "was left out" in str(one.message)]
        assert [one.filename for one in left_out] == [__file__] * 4


class TestWeights:
    def test_variance_of_a_mean_by_hand(self):
        """Values 0, 3, 9 weigh 0, 2, 1: mean 5, (2/3)^2 of 4 and (1/3)^2 of 16."""
        values, weights = np.array([0.0, 3, 9]), np.array([0.0, 2, 1])
        assert _variance_of_mean(values, weights) == pytest.approx(32 / 9)
        assert _variance_of_mean(values, weights * 7) == pytest.approx(32 / 9)
        assert _variance_of_mean(values, np.ones(3)) == pytest.approx(values.var() / 3)

    def test_customers_of_no_weight_add_nothing_to_the_error(self):
        """Two tight segments, and customers all over that weigh nothing."""
        tight = np.repeat([[0.0, 0], [60, 0]], 75, axis=0) + CLOUD
        everyone = np.vstack([tight, RNG.uniform(0, 60, (50, 2))])
        weights = np.repeat([1, 0], [150, 50])
        search = SegmentSearch([KMeansSegmenter(n_init=1)], (2,), random_state=0)
        found = search.set_params(n_bootstraps=4).fit(everyone, sample_weight=weights)
        expected = silhouette_samples(tight, found.labels_[:150]).std() / np.sqrt(150)
        found = found.results_["silhouette_boot_se"][0]
        assert found == pytest.approx(expected, rel=1e-6)

    def test_light_segments_have_no_silhouette_and_the_others_have(self):
        """Of 150 customers of half a weight six segments are too light to count."""
        search = SegmentSearch([KMeansSegmenter(n_init=1)], (2, 12), random_state=0)
        search.set_params(n_bootstraps=2).fit(X, sample_weight=np.full(150, 0.5))
        two, many = search.results_.to_dict("records")
        assert two["selected"]
        assert np.isnan(many["silhouette"])
        assert many["notes"].startswith("sample_weight must count customers")
        assert "weights that count them" in many["reason"]
        assert many["stability"] == many["stability"]


class TestRouting:
    def test_a_pipeline_that_is_routed_weights_has_its_own_likelihood(self):
        """Its scale takes the weights, so it is fitted as a whole."""
        weights = RNG.uniform(1, 3, 150)
        with sklearn.config_context(enable_metadata_routing=True):
            scale = StandardScaler().set_fit_request(sample_weight=True)
            road = make_pipeline(scale, GaussianMixture())
            search = SegmentSearch([road], (3,), n_references=2, random_state=0)
            search.fit(X, sample_weight=weights)
            fitted = search.best_estimator_
            assert search.results_["bic"][0] == pytest.approx(
                fitted[-1].bic(fitted[0].transform(X))
            )
            assert np.isnan(search.results_["gap"][0])  # not in the common space
            two = SegmentSearch(
                [road, GaussianMixture()], (3,), criterion="bic", random_state=0
            )
            with pytest.raises(ValueError, match="must compare likelihoods of"):
                two.fit(X, sample_weight=weights)


def test_weights_of_other_customers_reach_their_own_fit(monkeypatch):
    """Solutions for other customers are compared with one that is fitted to them."""
    search = SegmentSearch([KMeansSegmenter(n_init=1)], (2, 3), random_state=0).fit(X)
    given, fit_candidates = [], _stability.fit_candidates

    def listening(*args, sample_weight=None, **options):
        given.append(sample_weight)
        return fit_candidates(*args, sample_weight=sample_weight, **options)

    monkeypatch.setattr(_stability, "fit_candidates", listening)
    weights = np.linspace(1, 2, 120)
    search.stability(X[:120], 2, n_null=0, sample_weight=weights)
    assert [w.tolist() for w in given] == [weights.tolist()]
