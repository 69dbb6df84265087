"""Results are the same in one process and in several; one pool serves all of these."""

import numpy as np
import pandas as pd
import pytest

from custseg import GaussianMixtureSegmenter, KMeansSegmenter, SegmentSearch
from custseg.selection import (
    bootstrap_likelihood_ratio,
    bootstrap_stability,
    structure_test,
)

X = np.random.default_rng(0).normal(size=(90, 3))
X[:40] += 3
OPTIONS = {"n_bootstraps": 2, "n_references": 1, "random_state": 0}
ESTIMATORS = [KMeansSegmenter(n_init=2), GaussianMixtureSegmenter(n_init=1)]


def search(n_jobs):
    found = SegmentSearch(
        ESTIMATORS,
        (3, 2),
        n_jobs=n_jobs,
        n_bootstraps=2,
        n_references=1,
        random_state=0,
    ).fit(X)
    return [found.results_, found.stability_.jaccard, found.stability_.adjusted_rand]


def stability(n_jobs):
    options = {"n_segments": (2, 3), "n_bootstraps": 3, "n_null": 19, "random_state": 0}
    result = bootstrap_stability(ESTIMATORS[0], X, n_jobs=n_jobs, **options)
    return [result.frame(), result.jaccard, result.segments()]


def likelihood_ratio(n_jobs):
    options = {"n_components": 1, "n_draws": 19, "random_state": 3}
    mixture = GaussianMixtureSegmenter(n_init=1)
    test = bootstrap_likelihood_ratio(mixture, X, n_jobs=n_jobs, **options)
    return [test.frame()]


def structure(n_jobs):
    options = {"n_segments": (2, 3), "n_draws": 19, "random_state": 0}
    return [structure_test(X, n_jobs=n_jobs, **options).frame()]


@pytest.mark.parametrize("results", [search, stability, likelihood_ratio, structure])
def test_one_and_two_processes(results):
    for one, two in zip(results(1), results(2), strict=True):
        pd.testing.assert_frame_equal(one, two, check_exact=True)
