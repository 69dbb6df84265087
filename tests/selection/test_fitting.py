"""Fits of one estimator with several numbers, and labels of other customers."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.cluster import DBSCAN, AgglomerativeClustering
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg.cluster import HierarchicalSegmenter, KMeansSegmenter
from custseg.selection._candidate import carried, fit_candidates

RNG = np.random.default_rng(8)
TRUTH = np.repeat([0, 1, 2], [50, 40, 30])
X = np.array([[0.0, 0], [10, 0], [0, 10]])[TRUTH] + RNG.normal(size=(120, 2))
NEW = X + RNG.normal(scale=0.1, size=X.shape)


class Grumbling(ClusterMixin, BaseEstimator):
    def __init__(self, n_clusters=2):
        self.n_clusters = n_clusters

    def fit(self, X, y=None):
        warnings.warn("odd customers", UserWarning, stacklevel=2)
        self.labels_ = (np.arange(len(X)) % self.n_clusters).astype(float)
        return self


def test_numbers_are_tried_and_the_estimator_is_not_changed():
    segmenter = KMeansSegmenter(n_clusters=7)
    fits = fit_candidates("k", segmenter, (2, 3, None), X, seed=1)
    assert [fit.estimator.n_clusters for fit in fits] == [2, 3, 7]
    assert all(fit.estimator.random_state == 1 for fit in fits)
    assert segmenter.random_state is None
    assert not hasattr(segmenter, "labels_")
    np.testing.assert_array_equal(fits[1].labels, TRUTH)


def test_what_goes_wrong_and_is_warned_of_is_told():
    (fit,) = fit_candidates("one", Grumbling(), (2,), X)
    assert fit.estimator is None
    assert fit.reason == "TypeError: labels must be integers. Got float64 instead."
    assert fit.notes == "odd customers"


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (np.zeros(7, dtype=int), "labels must be one a customer, of shape (120,)."),
        (np.zeros((120, 1), dtype=int), "labels must be one a customer"),
        (TRUTH - 2, "Got -2 to 0 of 120 customers instead."),
        (TRUTH * 10**7, "Got 0 to 20000000 of 120 customers instead."),
    ],
)
def test_labels_that_number_no_segments(labels, reason):
    class Given(Grumbling):
        def fit(self, X, y=None):
            self.labels_ = labels
            return self

    (fit,) = fit_candidates("one", Given(), (2,), X)
    assert fit.labels is None
    assert reason in fit.reason


@pytest.mark.parametrize(
    "segmenter", [KMeansSegmenter(), HierarchicalSegmenter()], ids=lambda s: repr(s)
)
def test_a_shared_front_gives_what_a_whole_fit_gives(segmenter):
    table = pd.DataFrame(X, columns=["visits", "spend"])
    inner = make_pipeline(StandardScaler(), segmenter)
    pipeline = make_pipeline(StandardScaler(), inner)
    name = next(iter(inner.named_steps.keys() - {"standardscaler"}))
    for fit, number in zip(
        fit_candidates("one", pipeline, (3, 2), table, seed=0), (3, 2), strict=True
    ):
        whole = pipeline.set_params(
            **{
                f"pipeline__{name}__n_clusters": number,
                f"pipeline__{name}__random_state": 0,
            }
        ).fit(table)
        np.testing.assert_array_equal(fit.labels, whole[-1][-1].labels_)
        np.testing.assert_array_equal(fit.estimator.predict(table), fit.labels)
        assert list(fit.estimator.feature_names_in_) == ["visits", "spend"]


def test_weights_reach_the_last_step_of_a_pipeline():
    # Scaling takes no weights: the steps before the last are fitted without.
    weights = np.where(TRUTH == 0, 2.0, 1.0)
    pipeline = make_pipeline(StandardScaler(), KMeansSegmenter(n_init=1))
    (fit,) = fit_candidates("one", pipeline, (2,), X, seed=0, sample_weight=weights)
    assert fit.reason == ""
    last = KMeansSegmenter(2, n_init=1, random_state=0)
    last.fit(StandardScaler().fit_transform(X), sample_weight=weights)
    np.testing.assert_array_equal(fit.labels, last.labels_)
    np.testing.assert_allclose(
        fit.estimator[-1].segment_centers_, last.segment_centers_
    )


def test_others_are_carried_by_predict_or_by_prototypes():
    for estimator in (
        KMeansSegmenter(3),
        AgglomerativeClustering(3),
        make_pipeline(StandardScaler(), AgglomerativeClustering(3)),
    ):
        (fit,) = fit_candidates("one", estimator, (None,), X, seed=0)
        labels = carried(fit, X, NEW)
        np.testing.assert_array_equal(labels, fit.labels)


def test_customers_without_a_segment_stand_for_others_without_one():
    far = np.vstack([X, [[60.0, 60], [61, 60]]])
    (fit,) = fit_candidates("one", DBSCAN(eps=2, min_samples=5), (None,), far)
    assert (fit.labels[-2:] == -1).all()
    assert carried(fit, far, [[60.5, 61], [0, 0]]).tolist() == [-1, fit.labels[0]]
