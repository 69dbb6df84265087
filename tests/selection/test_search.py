"""The search: what it fits, how it chooses, what it says of what it did not choose."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import parallel_config
from sklearn.base import BaseEstimator, ClusterMixin, clone
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.metrics import silhouette_score as sklearn_silhouette
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from custseg.cluster import (
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
)
from custseg.exceptions import (
    DataQualityError,
    DegenerateFitError,
    SchemaError,
    SegmentWarning,
)
from custseg.selection import SegmentSearch

RNG = np.random.default_rng(5)
TRUTH = np.repeat([0, 1, 2], [60, 50, 40])
X = np.array([[0.0, 0], [10, 0], [0, 10]])[TRUTH] + RNG.normal(size=(150, 2))


class FailsAtThree(ClusterMixin, BaseEstimator):
    def __init__(self, n_clusters=2):
        self.n_clusters = n_clusters

    def fit(self, X, y=None):
        if self.n_clusters == 3:
            raise RuntimeError("three is one too many")
        self.labels_ = np.arange(len(X)) % self.n_clusters
        return self


def test_results_have_every_candidate_and_its_silhouette():
    search = SegmentSearch(
        [KMeansSegmenter(), GaussianMixtureSegmenter()], (2, 3, 4), random_state=0
    ).fit(X)
    results = search.results_
    assert list(results.columns) == [
        "estimator",
        "n_segments",
        "found",
        "silhouette",
        "silhouette_se",
        "silhouette_boot_se",
        "calinski_harabasz",
        "davies_bouldin",
        "gap",
        "gap_se",
        "bic",
        "icl",
        "stability",
        "stability_q25",
        "stability_q75",
        "smallest_share",
        "sizes",
        "eligible",
        "selected",
        "reason",
        "notes",
    ]
    assert list(results["n_segments"]) == [2, 3, 4, 2, 3, 4]
    for row in results.itertuples():
        candidate = search.select(row.estimator, row.n_segments)
        labels = candidate.labels_
        assert row.silhouette == pytest.approx(sklearn_silhouette(X, labels))
        assert row.silhouette_se == 0
        assert row.sizes == tuple(np.bincount(labels))
        assert row.smallest_share == min(row.sizes) / 150
    mixtures = results[results["estimator"] == "gaussianmixturesegmenter"]
    assert mixtures["bic"].idxmin() == 4  # three segments, the second of its rows
    assert results["bic"].isna().sum() == 3
    assert search.n_segments_ == 3
    np.testing.assert_array_equal(search.labels_, TRUTH)
    np.testing.assert_array_equal(search.predict(X), TRUTH)


def test_choice_is_the_best_silhouette():
    search = SegmentSearch([KMeansSegmenter(n_init=3)], random_state=0).fit(X)
    best = search.results_["silhouette"].idxmax()
    assert search.results_["selected"].tolist() == [i == best for i in range(7)]
    assert search.best_estimator_ is search.select("kmeanssegmenter", 3)


def test_slivers_are_listed_and_not_chosen():
    far = np.vstack([X, [[40.0, 40.0]]])
    tree = HierarchicalSegmenter(linkage="average")
    search = SegmentSearch([tree, KMeansSegmenter()], [2], random_state=0).fit(far)
    peeled, fair = search.results_.to_dict("records")
    assert peeled["sizes"] == (150, 1)
    assert peeled["silhouette"] > fair["silhouette"]
    assert not peeled["eligible"]
    assert peeled["reason"] == (
        "smallest segment has 1 of 151 customers, under min_segment_share=0.02"
    )
    assert fair["selected"]
    loose = clone(search).set_params(min_segment_share=0).fit(far)
    assert loose.results_["selected"].tolist() == [True, False]


def test_a_merged_mixture_counts_the_segments_that_it_found():
    """Five components of three clear groups of 60 are merged to three segments."""
    groups = np.array([[0.0, 0], [20, 0], [0, 20]]).repeat(60, axis=0)
    customers = groups + np.random.default_rng(0).normal(size=(180, 2))
    merged = GaussianMixtureSegmenter(n_segments=3, n_init=1)
    search = SegmentSearch([merged], (5,), n_bootstraps=2, random_state=0)
    search.fit(customers)
    row = search.results_.iloc[0]
    assert (row["n_segments"], row["found"]) == (5, 3)
    assert row["sizes"] == (60, 60, 60)
    assert row["smallest_share"] == 1 / 3
    assert row["reason"] == ""
    assert row["eligible"]
    assert search.n_segments_ == 3
    assert search.segment_sizes_.tolist() == [60, 60, 60]
    assert search.select("gaussianmixturesegmenter", 5) is search.best_estimator_
    assert search.stability_.selected == ("gaussianmixturesegmenter", 5)
    result = search.stability(customers, 2, n_null=0)
    assert result.sizes["customers"].tolist() == [60, 60, 60]
    pd.testing.assert_frame_equal(result.sizes, search.stability_.sizes)
    # The rule of the smallest segment holds for it as for others.
    few = np.vstack([customers[:122], customers[120:122] + 0.1])
    message = "smallest segment has 4 of 124 customers"
    with pytest.raises(DegenerateFitError, match=message):
        search.set_params(min_segment_share=0.05).fit(few)


def test_no_eligible_candidate_says_why():
    far = np.vstack([X, [[500.0, 500.0]]])
    message = "Got 1 candidate that is not instead: smallest segment has 1 of 151"
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        SegmentSearch([KMeansSegmenter()], [2]).fit(far)


def test_candidates_that_fail_alike_are_told_once():
    search = SegmentSearch([KMeansSegmenter(), GaussianMixtureSegmenter()], [99])
    message = (
        "Got 2 candidates that are not instead: 99 segments must have at least as many "
        "distinct customers. Got n_samples=60 customers of which 60 are distinct "
        "instead. Ask for fewer segments or give more columns (kmeanssegmenter 99; "
        "gaussianmixturesegmenter 99). Try fewer segments"
    )
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        search.fit(X[:60])


def test_a_failed_candidate_is_a_row_with_its_reason():
    search = SegmentSearch([FailsAtThree(), KMeansSegmenter()], (2, 3)).fit(X)
    failed = search.results_.iloc[1]
    assert failed["reason"] == "RuntimeError: three is one too many"
    assert np.isnan(failed["silhouette"])
    assert failed["sizes"] == ()
    assert failed["found"] == 0
    assert not failed["eligible"]
    message = "which failed: RuntimeError: three is one too many"
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        search.select("failsatthree", 3)


def test_one_segment_is_listed_without_a_silhouette():
    search = SegmentSearch([GaussianMixtureSegmenter()], (1, 2, 3), random_state=0)
    first = search.fit(X).results_.iloc[0]
    assert np.isnan(first["silhouette"])
    assert np.isfinite(first["bic"])
    assert first["reason"].startswith("a silhouette needs two segments")


def test_warnings_of_candidates_become_notes():
    X = np.random.default_rng(1).uniform(size=(300, 2))
    tree = HierarchicalSegmenter(linkage="single", n_prototypes=1)
    search = SegmentSearch([tree], (4, 5), min_segment_share=0)
    with pytest.warns(SegmentWarning, match="The chosen candidate .* warned: labels_"):
        search.fit(X)
    assert search.results_["notes"].str.contains("tree's cut").all()


def test_names_numbers_and_nested_parameters():
    search = SegmentSearch(
        [
            KMeansSegmenter(),
            make_pipeline(StandardScaler(), KMeansSegmenter()),
            ("mine", HierarchicalSegmenter()),
        ],
        range(2, 4),
        random_state=0,
    )
    params = search.get_params()
    assert {"kmeanssegmenter-1", "kmeanssegmenter-2", "mine"} <= set(params)
    search.set_params(mine__linkage="complete")
    assert search.estimators[2][1].linkage == "complete"
    search.fit(X)
    assert list(search.results_["estimator"].unique()) == [
        "kmeanssegmenter-1",
        "kmeanssegmenter-2",
        "mine",
    ]
    assert search.select("mine", 2).linkage == "complete"


def test_a_part_with_the_name_of_a_parameter_is_none():
    inner = SegmentSearch([("n_clusters", KMeansSegmenter())], (2,))
    message = (
        "estimators must have n_clusters or n_components, a Pipeline in its last step. "
        "Got SegmentSearch as 'segmentsearch' instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        SegmentSearch([inner], (2,)).fit(X)


def test_a_seed_fills_every_random_state_that_is_none():
    inner = make_pipeline(PCA(2, svd_solver="full"), KMeansSegmenter(random_state=9))
    search = SegmentSearch([inner, KMeansSegmenter()], [2], random_state=0).fit(X)
    fixed = search.select("kmeanssegmenter-1", 2)
    filled = search.select("kmeanssegmenter-2", 2)
    assert fixed[-1].random_state == 9
    assert isinstance(fixed[0].random_state, int)
    assert isinstance(filled.random_state, int)
    assert inner[0].random_state is None  # the caller's own objects stay as they are


def test_whole_estimators_and_their_parameters_set_at_once():
    search = SegmentSearch([("a", KMeansSegmenter(n_init=2))])
    search.set_params(estimators=[("a", KMeansSegmenter(n_init=3))], a__n_init=7)
    assert search.estimators[0][1].n_init == 7


def test_a_search_can_be_fitted_again():
    search = SegmentSearch([KMeansSegmenter()], range(2, 4), random_state=0)
    first = search.fit(X).results_
    pd.testing.assert_frame_equal(clone(search).fit(X).results_, first)
    pd.testing.assert_frame_equal(search.fit(X).results_, first)


def test_labels_that_are_no_integers_are_a_failed_candidate():
    class Named(FailsAtThree):
        def fit(self, X, y=None):
            self.labels_ = np.array(["a", "b"])[np.arange(len(X)) % 2]
            return self

    search = SegmentSearch([Named(), KMeansSegmenter()], [2], random_state=0).fit(X)
    assert "labels must be integers" in search.results_["reason"].iloc[0]


def test_a_segment_without_customers_is_never_chosen():
    class LeavesOneOut(FailsAtThree):
        def fit(self, X, y=None):
            self.labels_ = TRUTH % 2
            return self

    search = SegmentSearch([LeavesOneOut()], [3], min_segment_share=0)
    with pytest.raises(DegenerateFitError, match="smallest segment has 0 of 150"):
        search.fit(X)


def test_a_candidate_without_any_segment_is_a_row():
    class Nobody(FailsAtThree):
        def fit(self, X, y=None):
            self.labels_ = np.full(len(X), -1)
            return self

    search = SegmentSearch([Nobody(), KMeansSegmenter(n_init=1)], (2,), random_state=0)
    search.set_params(n_bootstraps=2, n_references=2).fit(X)
    nobody = search.results_.iloc[0]
    assert nobody["sizes"] == (0, 0)
    assert nobody["found"] == 2
    assert nobody[["silhouette", "gap", "stability"]].isna().all()
    assert nobody["reason"].startswith("smallest segment has 0 of 150")


def test_a_number_that_comes_twice_is_tried_once():
    search = SegmentSearch([KMeansSegmenter(n_init=1)], (3, 2, 3), random_state=0)
    search.set_params(n_bootstraps=2).fit(X)
    assert search.results_["n_segments"].tolist() == [3, 2]


def test_notes_stand_in_their_own_row_in_threads_too():
    noise = np.random.default_rng(1).uniform(size=(300, 2))
    tree = HierarchicalSegmenter(linkage="single", n_prototypes=1)
    search = SegmentSearch(
        [tree, KMeansSegmenter(n_init=1)], (2, 3, 4, 5), random_state=0
    )
    alone = search.fit(noise).results_["notes"].tolist()
    with parallel_config(backend="threading", n_jobs=4):
        together = search.fit(noise).results_["notes"].tolist()
    assert together == alone
    assert any(alone[:4])
    assert not any(alone[4:])


def test_scikit_learns_own_estimators_can_be_searched():
    search = SegmentSearch(
        [KMeans(n_init=3), GaussianMixture(), AgglomerativeClustering()],
        (2, 3),
        random_state=0,
    ).fit(X)
    assert search.n_segments_ == 3
    assert search.results_["eligible"].all()
    only_tree = SegmentSearch([AgglomerativeClustering()], (2, 3)).fit(X)
    assert not hasattr(only_tree, "predict")


def test_over_pipelines_on_a_table_with_gaps_and_text():
    table = pd.DataFrame(X, columns=["a", "b"]).assign(city="x")
    table.loc[3, "a"] = np.nan
    numbers = FunctionTransformer(lambda t: t[["a", "b"]])
    road = make_pipeline(numbers, SimpleImputer(), KMeansSegmenter())
    search = SegmentSearch([road], (2, 3), random_state=0)
    message = "Got columns that are none instead: 'city'. Pass score_on="
    with pytest.raises(SchemaError, match=re.escape(message)):
        search.fit(table)
    message = "Got 1 in column 'a' instead."
    with pytest.raises(DataQualityError, match=re.escape(message)):
        search.fit(table[["a", "b"]])
    search.set_params(score_on=make_pipeline(numbers, SimpleImputer())).fit(table)
    assert search.n_segments_ == 3
    assert search.select("kmeanssegmenter", 2).predict(table).max() == 1


def test_smaller_spaces_are_scored_in_the_common_one():
    # In its own one dimension the projection looks better than it is.
    project = make_pipeline(FunctionTransformer(lambda t: t[:, :1]), KMeansSegmenter())
    search = SegmentSearch([KMeansSegmenter(), project], [2], random_state=0).fit(X)
    one, two = search.results_["silhouette"]
    labels = search.select("kmeanssegmenter-2", 2).predict(X)
    assert two == pytest.approx(sklearn_silhouette(X, labels))
    assert sklearn_silhouette(X[:, :1], labels) > one >= two


def test_large_tables_are_scored_by_a_sample_with_its_error():
    search = SegmentSearch(
        [KMeansSegmenter(n_init=1)], (3, 4), sample_size=60, random_state=0
    ).fit(X)
    assert (search.results_["silhouette_se"] > 0).all()
    exact = sklearn_silhouette(X, search.labels_)
    chosen = search.results_.loc[search.results_["selected"]].iloc[0]
    assert abs(chosen["silhouette"] - exact) < 4 * chosen["silhouette_se"]


def test_polars_table():
    table = pl.DataFrame({"a": X[:, 0], "b": X[:, 1]})
    search = SegmentSearch([KMeansSegmenter()], (2, 3), random_state=0).fit(table)
    np.testing.assert_array_equal(search.predict(table), TRUTH)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        (SegmentSearch([]), "estimators must have at least one estimator."),
        (SegmentSearch([StandardScaler()]), "Got StandardScaler as 'standardscaler'"),
        (SegmentSearch([KMeansSegmenter()], [0, 2]), "Got [0] instead."),
        (SegmentSearch([KMeansSegmenter()], []), "Got [] instead."),
        (SegmentSearch([KMeansSegmenter()], [True, 2]), "Got [True] instead."),
        (
            SegmentSearch([KMeansSegmenter()], 4),
            "Got 4 instead. For example: range(2, 9), or [4] for that number alone.",
        ),
        (
            SegmentSearch([KMeansSegmenter]),
            "Got the class KMeansSegmenter instead. Write KMeansSegmenter().",
        ),
        (
            SegmentSearch([("a", KMeansSegmenter)]),
            "Got the class KMeansSegmenter instead. Write KMeansSegmenter().",
        ),
        (SegmentSearch([KMeansSegmenter()], iter([2])), "The 'n_segments' parameter"),
        (
            SegmentSearch([("a", KMeansSegmenter()), ("a", KMeansSegmenter())]),
            "Names provided are not unique",
        ),
    ],
)
def test_wrong_arguments(search, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        search.fit(X)


def test_select_takes_the_name_of_a_class():
    search = SegmentSearch([KMeansSegmenter(), ("Mine", KMeansSegmenter())], (2, 3))
    search.set_params(random_state=0).fit(X)
    chosen = search.select("KMeansSegmenter", 3)
    assert chosen is search.candidates_["kmeanssegmenter", 3]
    assert search.select("Mine", 2) is search.candidates_["Mine", 2]


def test_select_names_what_there_is():
    search = SegmentSearch([KMeansSegmenter()], (2, 3), random_state=0).fit(X)
    message = (
        "The candidate must be one of 'kmeanssegmenter' with 2, 3 segments. Got "
        "'kmeans' with 2 instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        search.select("kmeans", 2)
