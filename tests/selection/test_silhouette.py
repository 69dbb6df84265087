"""Silhouettes against paper, scikit-learn and a closed form."""

import re
import tracemalloc

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import binom
from sklearn import metrics

from custseg.engine import SEGMENT_SUMS, BatchSource, in_order
from custseg.exceptions import DataQualityError, DegenerateFitError
from custseg.selection import (
    _distances,
    _silhouette,
    silhouette_samples,
    silhouette_score,
    silhouette_scores,
)
from custseg.selection._draw import stratified_mean
from custseg.selection._labelings import encoded

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


@pytest.mark.parametrize("held", [10**6, 700])  # all at once, or in panels
def test_equals_scikit_learn_over_many_blocks(monkeypatch, held):
    monkeypatch.setattr(_distances, "_TILE", 113)
    monkeypatch.setattr(_distances, "_FEWEST", 7)
    monkeypatch.setattr(_distances, "_HELD", held)
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
    # Each drawn customer's own silhouette is the exact one; a segment's draw is its
    # share of all, so the mean of the draw is the estimate.
    exact = silhouette_samples(X, LABELS)
    score, error = silhouette_scores(
        X, [LABELS], sample_size=140, random_state=3, return_std_error=True
    )
    labeling = [encoded(LABELS, len(X))]
    rows, strata, counts = _silhouette._drawn(len(X), labeling, 140, 3)
    assert len(set(rows)) == 140
    drawn = np.bincount(strata)
    assert counts.tolist() == np.bincount(LABELS).tolist()
    means = [exact[rows][strata == h].mean() for h in range(len(counts))]
    assert score[0] == pytest.approx(np.average(means, weights=counts))
    # Cochran (1977), 5.6: sum of W^2 (1 - f) s^2 / n over strata.
    variances = [exact[rows][strata == h].var(ddof=1) for h in range(len(counts))]
    expected = np.sum((counts / 700) ** 2 * (1 - drawn / counts) * variances / drawn)
    assert error[0] == pytest.approx(np.sqrt(expected))


@pytest.fixture(scope="module")
def many_customers():
    rng = np.random.default_rng(5)
    centers = rng.normal(0, 2, (5, 3))
    X = centers[rng.integers(0, 5, 6_000)] + rng.normal(size=(6_000, 3))
    squared = ((X[:, np.newaxis] - centers) ** 2).sum(axis=2)
    return X, [squared[:, :k].argmin(axis=1) for k in (2, 3, 5)]


def test_interval_of_an_estimate_covers_the_exact_score(many_customers):
    # 400 draws of 600 from 6,000; benchmarks/simulations/silhouette.py has 5,000 of
    # 2,000. Drawn silhouettes are exact (the test above), so they can be taken from one
    # exact pass.
    X, labelings = many_customers
    known = [encoded(labels, len(X)) for labels in labelings]
    exact = _silhouette.silhouettes_of(X, known)
    covered, off = np.zeros(3), np.zeros((400, 3))
    for seed in range(400):
        rows, strata, counts = _silhouette._drawn(len(X), known, 600, seed)
        for i, values in enumerate(exact):
            mean, error = stratified_mean(values[rows], np.ones(600), strata, counts)
            off[seed, i] = mean - values.mean()
            covered[i] += abs(off[seed, i]) < 1.96 * error
    # 99.9 % binomial bounds around 380 of 400.
    low, high = binom.interval(0.999, 400, 0.95)
    assert ((covered >= low) & (covered <= high)).all(), covered
    # Unbiased: the mean of 400 draws is within 3.29 of its own standard errors.
    assert (abs(off.mean(axis=0)) < 3.29 * off.std(axis=0) / np.sqrt(400)).all()
    # Strata pay: the error is below that of a simple draw of the same size.
    simple = [v.std() / np.sqrt(600) * np.sqrt(0.9) for v in exact]
    assert (off.std(axis=0) < simple).all()


@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "manhattan", "cosine"])
def test_integer_weights_equal_rows_given_again(metric):
    weights = RNG.integers(0, 4, 700)
    twice, labels = np.repeat(X, weights, axis=0), np.repeat(LABELS, weights)
    weighted = silhouette_samples(X, LABELS, metric=metric, sample_weight=weights)
    assert np.isnan(weighted[weights == 0]).all()
    np.testing.assert_allclose(
        np.repeat(weighted, weights),
        metrics.silhouette_samples(twice, labels, metric=metric),
        atol=1e-8,  # between equal rows scikit-learn finds distances of this size
    )
    score = silhouette_score(X, LABELS, metric=metric, sample_weight=weights)
    assert score == pytest.approx(silhouette_score(twice, labels, metric=metric))


def test_weighted_estimate_is_near_the_exact_one(many_customers):
    X, labelings = many_customers
    weights = np.random.default_rng(0).integers(1, 9, len(X))
    options = {"sample_weight": weights, "return_std_error": True, "random_state": 0}
    exact, none = silhouette_scores(X, labelings, **options)
    score, error = silhouette_scores(X, labelings, sample_size=600, **options)
    assert (none == 0).all()
    assert (error > 0).all()
    assert (abs(score - exact) < 4 * error).all()


def test_weights_must_count_customers():
    share = np.full(700, 1 / 700)
    message = "Got 5 lighter segments instead. Divide the weights by their mean,"
    with pytest.raises(DataQualityError, match=re.escape(message)):
        silhouette_score(X, LABELS, sample_weight=share)
    with pytest.raises(DataQualityError, match="Got 700 negative"):
        silhouette_score(X, LABELS, sample_weight=-share)


def test_single_precision_is_off_by_little(many_customers):
    X, labelings = many_customers
    single = silhouette_scores(X + 100, labelings, dtype="float32")
    assert abs(single - silhouette_scores(X, labelings)).max() < 1e-6
    with pytest.raises(ValueError, match=re.escape("Got 'float16' instead.")):
        silhouette_scores(X, labelings, dtype="float16")


@pytest.mark.parametrize("shift", [0, 2.0**20])
@pytest.mark.parametrize(("dtype", "atol"), [("float64", 1e-6), ("float32", 2e-2)])
def test_near_segments_beside_a_far_one(shift, dtype, atol):
    # Two groups .001 wide and .003 apart, far from a third: a silhouette by plain
    # products is wrong by tenths here.
    rng = np.random.default_rng(8)
    centers = np.array([[0.0, 0], [0.003, 0], [90, 90]])
    labels = np.repeat([0, 1, 2], 100)
    near = centers[labels] + 0.001 * rng.normal(size=(300, 2))
    exact = metrics.silhouette_samples(cdist(near, near), labels, metric="precomputed")
    if shift and dtype == "float64":
        atol = 1e-3  # what adding the shift has rounded already
    samples = silhouette_samples(near + shift, labels, dtype=dtype)
    np.testing.assert_allclose(samples, exact, atol=atol)


@pytest.mark.parametrize("scale", [1e-170, 1e160])
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "manhattan", "cosine"])
def test_units_at_the_ends_of_the_range(scale, metric):
    expected = silhouette_score(X, LABELS, metric=metric)
    score = silhouette_score(X * scale, LABELS, metric=metric)
    assert score == pytest.approx(expected, abs=1e-9)


def test_customers_without_a_segment_are_not_drawn():
    labels = np.full(700, -1)
    labels[:4] = [0, 0, 1, 1]
    many = np.where(np.arange(700) % 3, LABELS, -1)
    scores, errors = silhouette_scores(
        X, [labels, many], sample_size=100, random_state=0, return_std_error=True
    )
    # Too few of the first were drawn: all four are averaged over.
    assert scores[0] == pytest.approx(silhouette_score(X, labels))
    assert errors[0] == 0
    assert abs(scores[1] - silhouette_score(X, many)) < 4 * errors[1]
    alone, none = silhouette_scores(
        X, [many], sample_size=466, random_state=0, return_std_error=True
    )
    assert none[0] == 0  # there are 466 in segments
    assert alone[0] == pytest.approx(silhouette_score(X, many))


@pytest.mark.parametrize("sizes", [(100, 100), (60, 60, 60), (9, 255, 255)])
def test_columns_beyond_the_range_of_small_codes(sizes):
    few = X[:600]
    labelings = [RNG.permutation(np.arange(600) % k) for k in sizes]
    together = silhouette_scores(few, labelings)
    alone = [metrics.silhouette_score(few, labels) for labels in labelings]
    np.testing.assert_allclose(together, alone, atol=1e-12)


def test_keys_of_cells_do_not_wrap():
    # Nine labelings of 255 segments span 256^9: a key in 64 bits would forget the
    # first ones.
    few, same = X[:600], np.arange(600) % 255
    labelings = [RNG.integers(0, 2, 600), *[same] * 9]
    together = silhouette_scores(few, labelings)
    expected = metrics.silhouette_score(few, labelings[0])
    assert together[0] == pytest.approx(expected, abs=1e-12)


def test_words_may_stand_beside_minus_one():
    words = ["low" if label < 2 else "high" for label in LABELS[:699]] + [-1]
    expected = silhouette_score(X[:699], LABELS[:699] < 2)
    assert silhouette_score(X, words) == pytest.approx(expected)


def test_weights_that_leave_one_segment_are_refused():
    weights = np.where(LABELS > 0, 0, 1)
    with pytest.raises(DegenerateFitError, match="Got 1 segments of"):
        silhouette_score(X, LABELS, sample_weight=weights)


def test_same_bits_for_any_number_of_threads(monkeypatch):
    monkeypatch.setattr(_distances, "_TILE", 50)
    labelings = [LABELS, LABELS % 2]
    results = []
    for n_threads in (1, 2, 5):
        monkeypatch.setattr(
            _distances,
            "in_order",
            lambda f, blocks, n=n_threads: in_order(f, blocks, n_threads=n),
        )
        whole = silhouette_scores(X, labelings)
        drawn = silhouette_scores(X, labelings, sample_size=99, random_state=0)
        results.append([*whole, *drawn])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize("metric", ["sqeuclidean", "cosine"])
def test_closed_silhouettes_of_batches(metric):
    # Sums by segment in one pass, the silhouettes of each customer in another.
    unit = _silhouette.checked(X, metric)
    weights = RNG.integers(1, 4, len(X)) * 1.0
    totals = np.bincount(LABELS, weights)
    expected = silhouette_samples(X, LABELS, metric=metric, sample_weight=weights)
    for rows in (7, 100):
        source = BatchSource(
            [
                (unit[i : i + rows], LABELS[i : i + rows], weights[i : i + rows])
                for i in range(0, len(X), rows)
            ]
        )
        sums = source.total(SEGMENT_SUMS, n_segments=len(totals))
        settings = {"sums": sums, "totals": totals, "metric": metric}
        found = source.joined(_silhouette.closed_silhouettes, **settings)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_as_many_cells_as_customers():
    # Labels that have nothing to do with each other: sums go by segment, not by cell.
    labelings = [RNG.integers(0, 9, 700) for _ in range(6)]
    together = silhouette_scores(X, labelings)
    alone = [metrics.silhouette_score(X, labels) for labels in labelings]
    np.testing.assert_allclose(together, alone, atol=1e-12)


def test_many_segments_are_counted_in_wide_enough_numbers():
    # 30 labelings of 400 segments: more cells than an int64 key can tell apart.
    few = X[:450]
    labelings = [RNG.permutation(np.arange(450) % 400) for _ in range(30)]
    together = silhouette_scores(few, labelings)
    alone = [metrics.silhouette_score(few, labels) for labels in labelings[::6]]
    np.testing.assert_allclose(together[::6], alone, atol=1e-12)


def test_a_labeling_without_silhouettes_is_nan_among_others():
    labelings = [np.zeros(700), LABELS, np.arange(700), np.full(700, -1)]
    scores, errors = silhouette_scores(X, labelings, return_std_error=True)
    assert np.isnan(scores).tolist() == [True, False, True, True]
    assert np.isnan(errors).tolist() == [True, False, True, True]
    assert scores[1] == silhouette_score(X, LABELS)
    assert silhouette_scores(X, []).tolist() == []


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
