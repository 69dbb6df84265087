"""Silhouettes against paper, scikit-learn and a closed form."""

import re
import tracemalloc

import numpy as np
import pytest
from sklearn import metrics

from custseg.exceptions import DataQualityError, DegenerateFitError
from custseg.selection import (
    _silhouette,
    silhouette_samples,
    silhouette_score,
    silhouette_scores,
)

RNG = np.random.default_rng(11)
X = RNG.normal(size=(700, 4)) + RNG.integers(0, 3, (700, 1)) * 2.0
LABELS = RNG.integers(0, 5, 700)


def test_worked_case():
    # Customer 0 at 0: own segment {0, 2}: a = 2; other {6, 10}: b = 8; s = 6/8.
    # Customer 1 at 2: a = 2, b = (4 + 8)/2 = 6, s = 4/6.
    # Customer 2 at 6: a = 4, b = (6 + 4)/2 = 5, s = 1/5.
    # Customer 3 at 10: a = 4, b = (10 + 8)/2 = 9, s = 5/9.
    samples = silhouette_samples([[0], [2], [6], [10]], [7, 7, 3, 3])
    np.testing.assert_allclose(samples, [6 / 8, 4 / 6, 1 / 5, 5 / 9])
    mean = (6 / 8 + 4 / 6 + 1 / 5 + 5 / 9) / 4
    assert silhouette_score([[0], [2], [6], [10]], [7, 7, 3, 3]) == pytest.approx(mean)


def test_alone_in_a_segment_or_at_one_place_is_zero():
    samples = silhouette_samples([[0], [0], [0], [0], [5]], [0, 0, 1, 1, 2])
    assert samples.tolist() == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "manhattan", "cosine"])
def test_equals_scikit_learn(metric):
    ours = silhouette_samples(X, LABELS, metric=metric)
    theirs = metrics.silhouette_samples(X, LABELS, metric=metric)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_a_customer_of_zeros_has_no_direction():
    zero = X.copy()
    zero[0] = 0
    ours = silhouette_samples(zero, LABELS, metric="cosine")
    theirs = metrics.silhouette_samples(zero, LABELS, metric="cosine")
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_equals_scikit_learn_over_many_blocks(monkeypatch):
    monkeypatch.setattr(_silhouette, "_ROWS", 37)
    monkeypatch.setattr(_silhouette, "_COLUMNS", 113)
    monkeypatch.setattr(_silhouette, "_ROWS_AT_ONCE", 101)
    np.testing.assert_allclose(
        silhouette_samples(X, LABELS),
        metrics.silhouette_samples(X, LABELS),
        atol=1e-12,
    )


def test_many_labelings_equal_one_at_a_time():
    labelings = [RNG.integers(0, k, 700) for k in (2, 3, 8)]
    together = silhouette_scores(X, labelings)
    alone = [metrics.silhouette_score(X, labels) for labels in labelings]
    np.testing.assert_allclose(together, alone, atol=1e-12)


def test_customers_without_a_segment_take_no_part():
    labels = LABELS.copy()
    labels[::7] = -1
    placed = labels >= 0
    samples = silhouette_samples(X, labels)
    assert np.isnan(samples[~placed]).all()
    np.testing.assert_allclose(
        samples[placed], metrics.silhouette_samples(X[placed], labels[placed])
    )
    assert silhouette_score(X, labels) == pytest.approx(np.nanmean(samples))


def test_shift_scale_order_and_names_do_not_matter():
    base = silhouette_score(X, LABELS)
    order = RNG.permutation(700)
    assert silhouette_score(X * 1e3 + 1e6, LABELS) == pytest.approx(base, abs=1e-9)
    assert silhouette_score(X[order], LABELS[order]) == pytest.approx(base)
    assert silhouette_score(X, 90 - 10 * LABELS) == pytest.approx(base)


def test_sampled_score_compares_with_all_customers():
    # Each sampled customer's own silhouette is the exact one, so over all draws the
    # mean is unbiased and its spread is that of drawing without replacement.
    exact = silhouette_samples(X, LABELS)
    expected_se = exact.std(ddof=1) / np.sqrt(100) * np.sqrt(1 - 100 / 700)
    draws = [
        silhouette_scores(
            X, [LABELS], sample_size=100, random_state=seed, return_std_error=True
        )
        for seed in range(200)
    ]
    scores = np.array([score[0] for score, _ in draws])
    errors = np.array([error[0] for _, error in draws])
    # 99.9 % of means of 200 draws lie within 3.29 standard errors of the truth.
    assert abs(scores.mean() - exact.mean()) < 3.29 * expected_se / np.sqrt(200)
    assert errors.mean() == pytest.approx(expected_se, rel=0.05)
    # 95 % intervals: 190 of 200 expected, 99.9 % binomial bounds 179 to 198.
    covered = np.sum(np.abs(scores - exact.mean()) < 1.96 * errors)
    assert 179 <= covered <= 198


def test_no_error_where_all_customers_count():
    _, error = silhouette_scores(X, [LABELS], sample_size=700, return_std_error=True)
    assert error.tolist() == [0.0]


def test_memory_does_not_grow_with_the_square():
    big = np.random.default_rng(0).normal(size=(12_000, 2))
    labels = np.arange(12_000) % 3
    tracemalloc.start()
    silhouette_score(big, labels, sample_size=600, random_state=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All distances of the 600 would take 58 MB and those of all customers 1.2 GB.
    assert peak < 45e6


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(700, int), "Got 1 segments of 700 customers instead."),
        (np.arange(700), "Got 700 segments of 700 customers instead."),
    ],
)
def test_labelings_without_a_silhouette(labels, message):
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        silhouette_score(X, labels)


def test_wrong_arguments():
    labels = LABELS.astype(float)
    labels[:10] = np.nan
    with pytest.raises(DataQualityError, match="Got 10 missing labels instead"):
        silhouette_samples(X, labels)
    with pytest.raises(ValueError, match=re.escape("Got shape (699,) instead.")):
        silhouette_samples(X, LABELS[1:])
    with pytest.raises(ValueError, match=re.escape("Got 'jaccard' instead.")):
        silhouette_samples(X, LABELS, metric="jaccard")
    with pytest.raises(ValueError, match=re.escape("Got 1 instead.")):
        silhouette_score(X, LABELS, sample_size=1)
    with pytest.raises(ValueError, match="NaN"):
        silhouette_score([[np.nan], [1.0], [2.0]], [0, 0, 1])
