"""What a search chooses by: criteria, rules and weights."""

import re

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import load_iris
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg.cluster import (
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
)
from custseg.exceptions import DegenerateFitError
from custseg.selection import SegmentSearch
from custseg.selection._candidate import Candidate, information_criteria
from custseg.selection._choice import best, last_stable, simplest_within_one_error

RNG = np.random.default_rng(5)
TRUTH = np.repeat([0, 1, 2], [60, 50, 40])
X = np.array([[0.0, 0], [10, 0], [0, 10]])[TRUTH] + RNG.normal(size=(150, 2))
CLOUD = np.random.default_rng(1).normal(size=(150, 2))


def long_segments(seed):
    """Three planted segments, five times as long as wide, six and five apart."""
    rng = np.random.default_rng(seed)
    planted = np.repeat([0, 1, 2], 150)
    return planted[:, np.newaxis] * [6.0, 5.0] + rng.normal(size=(450, 2)) * [1, 5]


class TestCriteria:
    def test_partition_criteria_equal_scikit_learns(self):
        search = SegmentSearch([KMeansSegmenter()], (2, 3), random_state=0).fit(X)
        for row in search.results_.itertuples():
            labels = search.select("kmeanssegmenter", row.n_segments).labels_
            expected = calinski_harabasz_score(X, labels)
            assert row.calinski_harabasz == pytest.approx(expected)
            expected = davies_bouldin_score(X, labels)
            assert row.davies_bouldin == pytest.approx(expected)

    @pytest.mark.parametrize(
        "criterion", ["silhouette", "calinski_harabasz", "davies_bouldin", "bic", "icl"]
    )
    def test_every_criterion_finds_clear_segments(self, criterion):
        search = SegmentSearch(
            [GaussianMixtureSegmenter(n_init=2)],
            (1, 2, 3, 4),
            criterion=criterion,
            random_state=0,
        ).fit(X)
        assert search.n_segments_ == 3
        one = search.results_.iloc[0]
        assert one["eligible"] == (criterion in ("bic", "icl"))

    def test_bic_and_icl_of_iris_are_the_published_ones(self):
        """Two full covariances: R's mclust has BIC -574.0178 and ICL -574.0191.

        Its vignette prints both (Scrucca et al., 2016, doi 10.32614/RJ-2016-021); its
        sign is the opposite.
        """
        iris = load_iris().data
        fitted = GaussianMixtureSegmenter(2, n_init=5, random_state=0).fit(iris)
        of_ours = information_criteria(fitted, iris)
        assert round(of_ours["bic"], 4) == 574.0178
        assert round(of_ours["icl"], 4) == 574.0191
        peer = GaussianMixture(2, tol=1e-8, n_init=5, random_state=0).fit(iris)
        assert information_criteria(peer, iris) == pytest.approx(of_ours, abs=1e-4)
        assert information_criteria(KMeansSegmenter(2).fit(iris), iris) == {}

    @pytest.mark.simulation
    def test_long_segments_mislead_silhouettes_and_not_likelihoods(self):
        """Stated in the guide: three long segments, which k-means cuts across."""
        for seed in range(2):
            search = SegmentSearch(
                [KMeansSegmenter(n_init=10), GaussianMixtureSegmenter(n_init=5)],
                random_state=0,
            ).fit(long_segments(seed))
            assert search.n_segments_ != 3
            search.set_params(criterion="bic").fit(long_segments(seed))
            assert search.n_segments_ == 3
            assert isinstance(search.best_estimator_, GaussianMixtureSegmenter)

    def test_likelihoods_of_different_columns_are_refused(self):
        search = SegmentSearch(
            [
                GaussianMixtureSegmenter(),
                make_pipeline(StandardScaler(), GaussianMixtureSegmenter()),
            ],
            (2, 3),
            criterion="bic",
        )
        message = (
            "criterion='bic' must compare likelihoods of the same columns, scaled "
            "alike. Got others for gaussianmixturesegmenter-2 than for "
            "gaussianmixturesegmenter-1 instead."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            search.fit(X)
        search.set_params(criterion="silhouette").fit(X)

    def test_without_a_likelihood_no_candidate_may_be_chosen_by_it(self):
        search = SegmentSearch([KMeansSegmenter()], (2, 3), criterion="icl")
        with pytest.raises(DegenerateFitError, match="the model has no ICL"):
            search.fit(X)

    def test_gap_leaves_pipelines_out(self):
        search = SegmentSearch(
            [
                KMeansSegmenter(n_init=3),
                make_pipeline(StandardScaler(), KMeansSegmenter(n_init=3)),
            ],
            (2, 3),
            criterion="gap",
            n_references=3,
            random_state=0,
        ).fit(X)
        assert search.results_["gap"].isna().tolist() == [False, False, True, True]
        assert search.results_["reason"][3].startswith("the gap needs an estimator")


def listed(reasons=("",) * 6, found=(2, 3, 4, 5, 2, 3)):
    """Four candidates of one estimator and two of another."""
    names = ("silhouette", "silhouette_boot_se", "davies_bouldin", "stability_q25")
    rows = [
        ("a", 2, 0.50, 0.01, 1.0, 0.95),
        ("a", 3, 0.58, 0.01, 0.8, 0.9),
        ("a", 4, 0.60, 0.03, 0.7, 0.9),
        ("a", 5, 0.55, 0.01, 0.9, 0.6),
        ("b", 2, 0.57, 0.01, 0.7, 0.97),
        ("b", 3, 0.59, 0.01, 1.1, 0.5),
    ]
    return [
        Candidate(
            name,
            asked,
            sizes=(9,) * n_found,
            criteria=dict(zip(names, values, strict=True)),
            reason=reason,
        )
        for (name, asked, *values), reason, n_found in zip(
            rows, reasons, found, strict=True
        )
    ]


class TestRules:
    def test_best_heeds_the_direction(self):
        candidates = listed()
        assert best(candidates, "silhouette") is candidates[2]
        assert best(candidates, "davies_bouldin") is candidates[2]

    def test_simplest_within_one_error(self):
        """.60 less .03 is .57, which b with two segments reaches, and a's .50 not."""
        candidates = listed()
        found = simplest_within_one_error(candidates, "silhouette")
        assert found is candidates[4]

    def test_fewest_segments_are_those_found(self):
        """Of b's three components two are merged, and its silhouette is the larger."""
        candidates = listed(found=(2, 3, 4, 5, 2, 2))
        found = simplest_within_one_error(candidates, "silhouette")
        assert found is candidates[5]

    def test_last_before_stability_drops_for_good(self):
        """Of a that is four, of b two; b's lower quartile is the larger."""
        candidates = listed()
        assert last_stable(candidates[:4]) == (candidates[2], True)
        assert last_stable(candidates) == (candidates[4], True)

    def test_where_the_last_stable_is_too_small_a_simpler_one_is_taken(self):
        candidates = listed(reasons=("", "", "too small", "", "", ""))[:4]
        assert last_stable(candidates)[0] is candidates[1]

    def test_one_error_needs_a_criterion_that_has_one(self):
        search = SegmentSearch([KMeansSegmenter()], criterion="bic", rule="one_se")
        message = "rule='one_se' must have a criterion with a standard error"
        with pytest.raises(ValueError, match=message):
            search.fit(X)

    def test_a_rule_of_ones_own(self):
        search = SegmentSearch(
            [KMeansSegmenter()],
            (2, 3, 4),
            rule=lambda results: results["n_segments"].idxmax(),
            random_state=0,
        ).fit(X)
        assert search.n_segments_ == 4
        search.set_params(rule=lambda results: results.iloc[0])
        with pytest.raises(ValueError, match=re.escape("one of [0, 1, 2]. Got ")):
            search.fit(X)
        search.set_params(rule=lambda results: 17)
        message = "one of [0, 1, 2]. Got 17 instead."
        with pytest.raises(ValueError, match=re.escape(message)):
            search.fit(X)


class TestFits:
    def test_a_tree_is_grown_once(self, monkeypatch):
        grown = []
        fit = HierarchicalSegmenter.fit

        def counted(self, *arguments, **options):
            grown.append(self.n_clusters)
            return fit(self, *arguments, **options)

        monkeypatch.setattr(HierarchicalSegmenter, "fit", counted)
        tree = make_pipeline(StandardScaler(), HierarchicalSegmenter())
        search = SegmentSearch([tree], (2, 3, 4, 5), random_state=0).fit(X)
        assert grown == [2]
        for k in (2, 3, 4, 5):
            alone = make_pipeline(StandardScaler(), HierarchicalSegmenter(k)).fit(X)
            candidate = search.select("hierarchicalsegmenter", k)
            np.testing.assert_array_equal(candidate[-1].labels_, alone[-1].labels_)
            np.testing.assert_array_equal(candidate.predict(X), alone.predict(X))

    def test_cuts_of_a_tree_of_named_columns_are_not_warned_of(self):
        table = pd.DataFrame(X, columns=["visits", "spend"])
        search = SegmentSearch([HierarchicalSegmenter()], (2, 3, 4)).fit(table)
        assert search.results_["notes"].tolist() == [""] * 3

    def test_steps_before_the_last_are_fitted_once(self):
        class Counted(StandardScaler):
            n_fits = 0

            def fit(self, X, y=None, sample_weight=None):
                Counted.n_fits += 1
                return super().fit(X, y, sample_weight)

        inner = make_pipeline(Counted(), KMeansSegmenter())
        search = SegmentSearch([make_pipeline(Counted(), inner)], (2, 3, 4)).fit(X)
        assert Counted.n_fits == 2
        first, *others = (one.steps[0][1] for one in search.candidates_.values())
        assert all(one is first for one in others)
        assert search.best_estimator_.predict(X[:3]).shape == (3,)
        assert len(search.best_estimator_.steps) == 2

    def test_fitted_steps_are_shared_by_numbers_that_processes_fitted(self):
        road = make_pipeline(StandardScaler(), KMeansSegmenter(n_init=1))
        search = SegmentSearch([road], (2, 3), n_jobs=2, random_state=0).fit(X)
        two, three = search.candidates_.values()
        assert two[0] is three[0]
        np.testing.assert_array_equal(three.predict(X), search.labels_)

    def test_a_step_that_fails_fails_all_numbers(self):
        class Failing(StandardScaler):
            def fit(self, X, y=None, sample_weight=None):
                raise RuntimeError("no scale")

        search = SegmentSearch(
            [make_pipeline(Failing(), KMeansSegmenter()), MiniBatchKMeans(n_init=2)],
            (2, 3),
            random_state=0,
        ).fit(X)
        reasons = search.results_["reason"].tolist()
        assert reasons == ["RuntimeError: no scale"] * 2 + [""] * 2


class TestWeights:
    WEIGHTS = RNG.integers(0, 4, 150)

    def test_weights_count_as_repeated_customers(self):
        search = SegmentSearch(
            [KMeansSegmenter(), HierarchicalSegmenter()], (2, 3, 4), random_state=0
        )
        weighted = search.fit(X, sample_weight=self.WEIGHTS).results_
        repeated = search.fit(np.repeat(X, self.WEIGHTS, axis=0)).results_
        for name in ("silhouette", "calinski_harabasz", "smallest_share"):
            np.testing.assert_allclose(weighted[name], repeated[name], rtol=1e-6)
        assert weighted["sizes"].tolist() == repeated["sizes"].tolist()

    def test_icl_counts_weights_as_repeated_customers(self):
        weights = np.arange(150) % 3 + 1.0
        mixture = GaussianMixtureSegmenter(2, n_init=1, random_state=0)
        search = SegmentSearch([mixture], (2,)).fit(CLOUD, sample_weight=weights)
        certainty = search.predict_proba(CLOUD).max(axis=1)
        assert certainty.min() < 0.9
        expected = search.best_estimator_.bic_ - 2 * weights @ np.log(certainty)
        assert search.results_["icl"][0] == pytest.approx(expected)

    def test_weights_change_the_fits(self):
        search = SegmentSearch([KMeansSegmenter()], (2,), random_state=0)
        heavy = np.where(TRUTH == 2, 1000, 1)
        plain = search.fit(X).labels_
        assert (search.fit(X, sample_weight=heavy).labels_ != plain).any()

    def test_estimators_without_weights_are_named(self):
        search = SegmentSearch([KMeansSegmenter(), GaussianMixture()], (2, 3))
        message = (
            "sample_weight must be taken by every estimator. Got gaussianmixture "
            "without instead."
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            search.fit(X, sample_weight=self.WEIGHTS)

    def test_metadata_routing(self):
        """Weights reach those that ask for them, also behind a Pipeline's step."""
        with sklearn.config_context(enable_metadata_routing=True):
            asks = KMeansSegmenter().set_fit_request(sample_weight=True)
            behind = make_pipeline(
                StandardScaler().set_fit_request(sample_weight=True),
                KMeansSegmenter().set_fit_request(sample_weight=True),
            )
            refuses = KMeansSegmenter().set_fit_request(sample_weight=False)
            search = SegmentSearch(
                [("asks", asks), ("behind", behind), ("refuses", refuses)],
                (2,),
                random_state=0,
            ).set_fit_request(sample_weight=True)
            heavy = np.where(TRUTH == 2, 1000, 1)
            search.fit(X, sample_weight=heavy)
            expected = StandardScaler().fit(X, sample_weight=heavy).mean_
            fitted = search.candidates_["behind", 2][0]
            np.testing.assert_allclose(fitted.mean_, expected)
            sizes = {name: one for (name, _), one in search.candidates_.items()}
            assert sizes["refuses"].segment_sizes_.sum() == 150
            assert sizes["asks"].segment_sizes_.sum() == heavy.sum()
            unset = SegmentSearch([KMeansSegmenter()], (2,))
            with pytest.raises(ValueError, match="sample_weight"):
                unset.fit(X, sample_weight=heavy)
