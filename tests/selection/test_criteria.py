"""Calinski-Harabasz and Davies-Bouldin against paper and scikit-learn."""

import re

import numpy as np
import pytest
from sklearn import metrics

from custseg.exceptions import DataQualityError
from custseg.selection import (
    calinski_harabasz_scores,
    davies_bouldin_scores,
    segment_silhouettes,
    silhouette_samples,
)

RNG = np.random.default_rng(3)
X = RNG.normal(size=(600, 4)) + RNG.integers(0, 3, (600, 1)) * 2.0
LABELINGS = [RNG.integers(0, k, 600) for k in (2, 5)]
CRITERIA = [
    (calinski_harabasz_scores, metrics.calinski_harabasz_score),
    (davies_bouldin_scores, metrics.davies_bouldin_score),
]


def test_worked_case():
    # Segments {0, 2} and {6, 8}: means 1 and 7, within 2 + 2, between 4 * 3^2 = 36.
    # Calinski-Harabasz (36/1) / (4/2) = 18; spreads 1 and 1, apart 6: 2/6.
    X, labels = [[0.0], [2], [6], [8]], [5, 5, 3, 3]
    assert calinski_harabasz_scores(X, [labels]).tolist() == [18]
    assert davies_bouldin_scores(X, [labels]).tolist() == pytest.approx([1 / 3])


@pytest.mark.parametrize(("ours", "theirs"), CRITERIA)
def test_equals_scikit_learn(ours, theirs):
    expected = [theirs(X, labels) for labels in LABELINGS]
    np.testing.assert_allclose(ours(X, LABELINGS), expected, rtol=1e-9)
    # Far from the origin scikit-learn's expanded distances lose digits, ours do not.
    np.testing.assert_allclose(ours(X + 2.0**20, LABELINGS), expected, rtol=1e-9)


@pytest.mark.parametrize(("ours", "theirs"), CRITERIA)
def test_weights_are_rows_given_again_and_minus_one_takes_no_part(ours, theirs):
    weights = RNG.integers(0, 4, 600)
    labels = LABELINGS[1].copy()
    labels[::9] = -1
    times = np.where(labels < 0, 0, weights)
    expected = theirs(np.repeat(X, times, axis=0), np.repeat(labels, times))
    score = ours(X, [labels], sample_weight=weights)
    np.testing.assert_allclose(score, [expected], rtol=1e-9)


@pytest.mark.parametrize(("ours", "theirs"), CRITERIA)
def test_labelings_without_a_score_are_nan(ours, theirs):
    scores = ours(X, [np.zeros(600), LABELINGS[0], np.arange(600)])
    assert np.isnan(scores).tolist() == [True, False, True]
    with pytest.raises(DataQualityError, match=re.escape("Got 600 missing labels")):
        ours(X, [np.full(600, np.nan)])


def test_extremes():
    alike = [[0.0], [0], [1], [1]]
    assert calinski_harabasz_scores(alike, [[0, 0, 1, 1]]).tolist() == [np.inf]
    assert davies_bouldin_scores(alike, [[0, 0, 1, 1]]).tolist() == [0]
    assert davies_bouldin_scores(alike, [[0, 1, 0, 1]]).tolist() == [np.inf]


def test_silhouettes_by_segment():
    labels = LABELINGS[1].copy()
    labels[:50] = -1
    weights = RNG.integers(1, 4, 600)
    table = segment_silhouettes(X, labels, sample_weight=weights)
    samples = silhouette_samples(X, labels, sample_weight=weights)
    assert table["segment"].tolist() == [0, 1, 2, 3, 4]
    for row in table.itertuples():
        own = labels == row.segment
        assert row.customers == weights[own].sum()
        mean = np.average(samples[own], weights=weights[own])
        assert row.silhouette == pytest.approx(mean)
        negative = np.average(samples[own] < 0, weights=weights[own])
        assert row.share_negative == pytest.approx(negative)
