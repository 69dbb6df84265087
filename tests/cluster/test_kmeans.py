"""K-means segments: starts, draws, single moves, least sizes and values."""

import os
import re

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn import config_context
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from custseg.cluster import KMeansSegmenter
from custseg.cluster._partitions import adjusted_rand, best_match, crossed
from custseg.cluster._starts import (
    Run,
    best_distinct,
    draw_rows,
    enough_starts,
    lloyd,
    move_singles,
    n_found_best,
)
from custseg.engine import BatchSource
from custseg.exceptions import DataQualityError, DegenerateFitError


def overlapping(n=600, seed=0):
    """Customers without clear segments, so that starts end in many solutions."""
    return np.random.default_rng(seed).normal(size=(n, 4))


def separated(n=900, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.choice(4, n, p=[0.4, 0.3, 0.2, 0.1])
    return 12 * np.eye(4)[truth] + rng.normal(size=(n, 4)), truth


class TestStarts:
    def test_one_solution_is_enough_after_eight_runs(self):
        # w = 1: 1 * 2 < (n - 3) / 2 first holds at n = 8.
        assert not enough_starts([5.0] * 7)
        assert enough_starts([5.0] * 8)

    def test_two_rivals_take_seventeen(self):
        # w = 2: 2 * 3 < (n - 4) / 2 first holds at n = 17.
        runs = [5.0, 5.01] * 9
        assert not enough_starts(runs[:16])
        assert enough_starts(runs[:17])

    def test_solutions_far_from_the_best_are_no_rivals(self):
        assert enough_starts([5.0] * 8 + [6.0, 7.0, 8.0, 9.0])
        assert not enough_starts([5.0] * 7 + [6.0] * 50)

    def test_runs_that_differ_by_rounding_are_one(self):
        assert enough_starts([5.0 + i * 1e-9 for i in range(8)])
        assert n_found_best([5.0 + 1e-9, 5.0, 5.1]) == 2

    def test_clear_segments_stop_early_and_unclear_ones_do_not(self):
        clear = KMeansSegmenter(random_state=0).fit(separated()[0])
        assert clear.n_starts_ <= 12
        assert clear.n_best_starts_ >= 8
        unclear = KMeansSegmenter(8, random_state=0).fit(overlapping())
        assert unclear.n_starts_ == 60
        assert unclear.n_best_starts_ < 30

    @pytest.mark.parametrize("n_init", [1, 3])
    def test_a_number_of_starts_is_kept(self, n_init):
        fitted = KMeansSegmenter(n_init=n_init, random_state=0).fit(overlapping())
        assert fitted.n_starts_ == n_init

    def test_what_has_one_solution_is_run_once(self):
        X = overlapping()
        assert KMeansSegmenter(1).fit(X).n_starts_ == 1
        array = KMeansSegmenter(4, init=X[:4]).fit(X)
        assert (array.n_starts_, array.n_best_starts_) == (1, 1)

    def test_more_starts_are_no_worse(self):
        X = overlapping()
        few, many = (
            KMeansSegmenter(6, n_init=n, random_state=1).fit(X).inertia_
            for n in (2, 40)
        )
        assert many <= few  # the first two of the forty are the two


class TestSingleMoves:
    def test_worked_case(self):
        # 0, 3 | 5: 3 is nearer to 1.5 than to 5, so Lloyd stays, inertia 4.5. Leaving
        # saves 2 / 1 * 1.5^2 = 4.5 and joining costs 1 / 2 * 2^2 = 2: 0 | 3, 5 has 2.
        X = np.array([[0.0], [3.0], [5.0]])
        start = Run(4.5, np.array([[1.5], [5.0]]), np.array([0, 0, 1]), 1)
        moved = move_singles(X, None, start)
        assert moved.labels.tolist() == [0, 1, 1]
        assert moved.centers.tolist() == [[0.0], [4.0]]
        assert moved.inertia == pytest.approx(2.0)

    def test_a_weight_moves_as_one(self):
        # The same, 3 having weight 2: leaving saves 2 * 3 / 1 * 1 = 6 at centre 2,
        # joining costs 2 * 1 / 3 * 2^2 = 2.67.
        X, weights = np.array([[0.0], [3.0], [5.0]]), np.array([1.0, 2.0, 1.0])
        start = Run(6.0, np.array([[2.0], [5.0]]), np.array([0, 0, 1]), 1)
        moved = move_singles(X, weights, start)
        assert moved.labels.tolist() == [0, 1, 1]
        np.testing.assert_allclose(moved.centers, [[0.0], [11 / 3]])
        assert moved.inertia == pytest.approx(2 * (2 / 3) ** 2 + (4 / 3) ** 2)

    def test_no_move_of_one_customer_lowers_the_inertia(self):
        X = overlapping(80)
        run = lloyd(X, None, 5, 0, init="random", max_iter=300, tol=1e-4)
        moved = move_singles(X, None, run)
        assert moved.inertia <= run.inertia
        for i in range(len(X)):
            for segment in range(5):
                labels = moved.labels.copy()
                labels[i] = segment
                if len(np.unique(labels)) == 5:
                    assert inertia(X, labels) >= moved.inertia - 1e-7

    def test_what_remains_is_nearest_to_its_centre(self):
        X = overlapping()
        run = lloyd(X, None, 7, 3, init="k-means++", max_iter=300, tol=1e-4)
        moved = move_singles(X, None, run)
        nearest = cdist(X, moved.centers).argmin(axis=1)
        np.testing.assert_array_equal(moved.labels, nearest)

    def test_the_last_customer_stays_and_no_weight_moves_nothing(self):
        X = np.array([[0.0], [1.0], [9.0]])
        start = Run(0.5, np.array([[0.5], [9.0]]), np.array([0, 0, 1]), 1)
        assert move_singles(X, None, start).labels.tolist() == [0, 0, 1]
        weights = np.array([1.0, 0.0, 1.0])
        assert move_singles(X, weights, start).labels.tolist() == [0, 0, 1]

    def test_beats_the_best_of_lloyds_runs(self):
        X = overlapping(300)
        peer = KMeans(6, n_init=60, random_state=0).fit(X).inertia_
        assert KMeansSegmenter(6, n_init=60, random_state=0).fit(X).inertia_ <= peer


class TestDraws:
    def test_a_draw_leaves_out_customers_without_weight(self):
        X = overlapping(100)
        weights = np.repeat([0.0, 1.0], 50)
        rows = draw_rows(X, weights, 20, 3, np.random.RandomState(0))
        assert len(np.unique(rows)) == 20
        assert rows.min() >= 50
        everyone = draw_rows(X, weights, 50, 3, np.random.RandomState(0))
        assert everyone == slice(None)

    def test_a_draw_with_too_few_distinct_customers_is_none(self):
        X = np.zeros((1000, 1))
        X[:2, 0] = [1, 2]
        assert draw_rows(X, None, 10, 3, np.random.RandomState(0)) == slice(None)
        assert KMeansSegmenter(3, start_size=10).fit(X).segment_sizes_[0] == 998

    def test_starts_on_a_draw_reach_what_starts_on_all_reach(self):
        X, truth = separated(6000)
        drawn = KMeansSegmenter(start_size=500, random_state=0).fit(X)
        every = KMeansSegmenter(start_size=None, random_state=0).fit(X)
        assert adjusted_rand_score(drawn.labels_, truth) > 0.999
        assert drawn.inertia_ <= every.inertia_ * (1 + 1e-4)
        means = [X[drawn.labels_ == k].mean(axis=0) for k in range(4)]
        np.testing.assert_allclose(drawn.segment_centers_, means, atol=0.01)

    def test_weights_are_kept_on_a_draw(self):
        X, _ = separated(6000)
        weights = np.random.default_rng(1).integers(1, 4, 6000)
        drawn = KMeansSegmenter(start_size=500, random_state=0)
        drawn.fit(X, sample_weight=weights)
        repeated = KMeansSegmenter(random_state=0).fit(np.repeat(X, weights, axis=0))
        np.testing.assert_array_equal(
            np.repeat(drawn.labels_, weights), repeated.labels_
        )

    def test_same_bits_for_any_number_of_threads(self):
        X = overlapping(40_000)
        bits = []
        for threads in (1, 2, 4):
            with threadpool_limits(threads):
                fitted = KMeansSegmenter(5, n_init=4, random_state=0).fit(X)
            bits.append((fitted.segment_centers_.tobytes(), fitted.inertia_))
        assert bits[0] == bits[1] == bits[2]
        np.testing.assert_array_equal(fitted.predict(X), fitted.labels_)

    def test_different_runs_are_told_by_their_partition(self):
        a, b = np.repeat([0, 1], 50), np.tile([0, 1], 50)
        runs = [Run(i, None, labels, 1) for i, labels in [(3, a), (1, b), (2, 1 - b)]]
        assert best_distinct(runs, 2, most=3, same=0.95) == [1, 0]
        assert best_distinct(runs, 2, most=1, same=0.95) == [1]


class TestPartitionsCompared:
    def test_adjusted_rand_equals_scikit_learns(self):
        rng = np.random.default_rng(0)
        a, b = rng.integers(0, 4, (2, 200))
        b = np.where(rng.random(200) < 0.6, a, b)
        expected = adjusted_rand_score(a, b)
        assert adjusted_rand(crossed(a, b, 4)) == pytest.approx(expected, abs=1e-12)
        assert adjusted_rand(crossed(a * 0, a * 0, 4)) == 1

    def test_segments_are_matched_so_that_most_stay(self):
        a, b = np.array([0, 0, 0, 1, 1, 2]), np.array([2, 2, 1, 0, 0, 1])
        # 0 goes with 2 (two stay), 1 with 0 (two), 2 with 1 (one): five of six.
        table = crossed(a, b, 3)
        assert best_match(table).tolist() == [2, 0, 1]


def spread(n_outliers=6):
    """A crowd and a few far off, who make a segment of their own."""
    rng = np.random.default_rng(0)
    far = rng.normal(0, 1, (n_outliers, 2)) + [40, 40]
    return np.vstack([rng.normal(0, 3, (300, 2)), far])


class TestLimits:
    @pytest.mark.parametrize("least", [30, 0.1, 0.2, 0.3])
    def test_segments_are_as_large_as_they_must_be(self, least):
        X = spread()
        free = KMeansSegmenter(3, random_state=0).fit(X)
        assert free.segment_sizes_.min() == 6
        held = KMeansSegmenter(3, min_segment_size=least, random_state=0).fit(X)
        assert held.segment_sizes_.min() >= (least if least > 1 else least * len(X))
        assert held.inertia_ > free.inertia_
        np.testing.assert_array_equal(held.labels_, held.predict(X))
        nearest = cdist(X, held.segment_centers_).argmin(axis=1)
        np.testing.assert_array_equal(held.labels_, nearest)
        alone = [held.predict(X[i : i + 1])[0] for i in range(0, len(X), 20)]
        np.testing.assert_array_equal(alone, held.labels_[::20])

    def test_limits_that_hold_anyway_change_nothing(self):
        X, _ = separated()
        free = KMeansSegmenter(random_state=0).fit(X)
        held = KMeansSegmenter(min_segment_size=0.05, random_state=0).fit(X)
        np.testing.assert_array_equal(free.labels_, held.labels_)
        assert not held.held_back_.any()
        assert not free.held_back_.any()

    def test_centres_that_are_held_back_are_told(self):
        X = spread()
        held = KMeansSegmenter(3, min_segment_size=0.3, random_state=0).fit(X)
        means = np.array([X[held.labels_ == k].mean(axis=0) for k in range(3)])
        away = np.linalg.norm(means - held.segment_centers_, axis=1)
        assert held.held_back_.any()
        np.testing.assert_array_equal(held.held_back_, away > 0.01 * X.std(axis=0)[0])

    def test_a_limit_on_value(self):
        # Customers 0-3 spend nearly nothing: 0 1 2 3 | 10 ... must be cut elsewhere.
        X = np.array([0.0, 1, 2, 3, 10, 11, 12, 13])[:, np.newaxis]
        value = np.array([0, 0, 0, 1, 9, 10, 10, 10.0])
        free = KMeansSegmenter(2, random_state=0).fit(X, customer_value=value)
        assert sorted(np.bincount(free.labels_, value)) == [1, 39]
        held = KMeansSegmenter(2, min_segment_value=0.25, random_state=0)
        held.fit(X, customer_value=value)
        shares = np.bincount(held.labels_, value) / 40
        assert shares.min() >= 0.25
        # Of the cuts that keep it, 0-4 | 5-7 does (10 of 40): squares 62.8 + 2.
        assert held.labels_.tolist() == [0] * 5 + [1] * 3

    def test_weights_count_for_both_limits(self):
        X = np.array([0.0, 1, 10, 11])[:, np.newaxis]
        weights = np.array([1.0, 1, 1, 5])
        segmenter = KMeansSegmenter(2, min_segment_size=3, random_state=0)
        segmenter.fit(X, sample_weight=weights)
        assert segmenter.segment_sizes_.min() >= 3
        assert KMeansSegmenter(2).fit(X, sample_weight=weights).segment_sizes_[1] == 2
        by_value = KMeansSegmenter(2, min_segment_value=0.3, random_state=0)
        by_value.fit(X, sample_weight=weights, customer_value=[1, 1, 1, 1])
        np.testing.assert_array_equal(by_value.labels_, segmenter.labels_)

    def test_on_a_draw_and_then_on_all(self):
        X = np.tile(spread(), (10, 1)) + np.random.default_rng(1).normal(
            0, 0.1, (3060, 2)
        )
        held = KMeansSegmenter(
            3, min_segment_size=0.2, start_size=500, n_init=5, random_state=0
        ).fit(X)
        assert held.segment_sizes_.min() >= 0.2 * len(X)
        np.testing.assert_array_equal(held.labels_, held.predict(X))

    def test_last_months_centres_within_limits(self):
        X = spread()
        before = KMeansSegmenter(3, random_state=0).fit(X)
        held = KMeansSegmenter(
            3, init=before.segment_centers_, min_segment_size=40, random_state=0
        ).fit(X)
        assert held.segment_sizes_.min() >= 40

    def test_same_seed_same_bits(self):
        X = spread()
        one, two = (
            KMeansSegmenter(3, min_segment_size=50, random_state=4).fit(X)
            for _ in range(2)
        )
        assert one.segment_centers_.tobytes() == two.segment_centers_.tobytes()

    def test_limits_beyond_the_customers(self):
        message = (
            "Each of 4 segments must keep min_segment_size=30. Got at best a segment "
            "with 83% of that instead. Ask for fewer segments, lower the limit"
        )
        with pytest.raises(DegenerateFitError, match=re.escape(message)):
            KMeansSegmenter(min_segment_size=30).fit(overlapping(100))

    def test_limits_that_nearest_centres_cannot_keep(self):
        # 90 of 100 are one point: whatever two centres, 10 are left at most.
        X = np.r_[np.zeros(90), np.arange(1, 11)][:, np.newaxis]
        message = "Got at best a segment with 25% of that instead"
        with pytest.raises(DegenerateFitError, match=re.escape(message)):
            KMeansSegmenter(2, min_segment_size=40, random_state=0).fit(X)

    @pytest.mark.parametrize(
        ("value", "error", "message"),
        [
            (None, ValueError, "must be given with min_segment_value. Got None"),
            ([1.0], ValueError, "one value a customer, shape (306,). Got shape (1,)"),
            (-np.ones(306), DataQualityError, "Got 306 negative values instead"),
            (np.zeros(306), DataQualityError, "Got only zeros instead"),
            (np.full(306, np.nan), ValueError, "customer_value contains NaN"),
        ],
    )
    def test_values_that_cannot_be_used(self, value, error, message):
        segmenter = KMeansSegmenter(3, min_segment_value=0.1)
        with pytest.raises(error, match=re.escape(message)):
            segmenter.fit(spread(), customer_value=value)

    def test_values_are_routed(self):
        X = spread()
        value = np.random.default_rng(0).gamma(1, 1, len(X))
        with config_context(enable_metadata_routing=True):
            segmenter = KMeansSegmenter(3, min_segment_value=0.1, random_state=0)
            segmenter.set_fit_request(customer_value=True)
            road = make_pipeline(StandardScaler(), segmenter)
            labels = road.fit(X, customer_value=value)[-1].labels_
        assert (np.bincount(labels, value) / value.sum()).min() >= 0.1


def test_whole_weights_are_repeated_customers_from_the_same_start():
    X = overlapping()  # where another start would end elsewhere
    weights = np.random.default_rng(0).integers(1, 5, len(X))
    segmenter = KMeansSegmenter(6, init=X[:6], tol=0)
    weighted = segmenter.fit(X, sample_weight=weights)
    labels, centers = weighted.labels_, weighted.segment_centers_
    repeated = segmenter.fit(np.repeat(X, weights, axis=0))
    np.testing.assert_array_equal(np.repeat(labels, weights), repeated.labels_)
    np.testing.assert_allclose(centers, repeated.segment_centers_, atol=1e-10)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_predict_returns_after_a_fork():
    X = overlapping(20_000)
    fitted = KMeansSegmenter(4, n_init=2, random_state=0).fit(X)
    for n_rows in (1, 256, 257, 20_000):
        child = os.fork()
        if child == 0:
            same = np.array_equal(fitted.predict(X[:n_rows]), fitted.labels_[:n_rows])
            os._exit(0 if same else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def inertia(X, labels):
    parts = [X[labels == k] for k in np.unique(labels)]
    return sum(((part - part.mean(axis=0)) ** 2).sum() for part in parts)


class TestBatches:
    def customers(self, n=3_000):
        rng = np.random.default_rng(12)
        centers = rng.normal(0, 3, (4, 3))
        codes = np.searchsorted([0.4, 0.7, 0.9], rng.uniform(size=n))
        weights = rng.integers(0, 4, n) * 1.0
        return centers[codes] + rng.normal(size=(n, 3)) + 100, weights

    def batches(self, rows, weighted):
        X, weights = self.customers()
        for start in range(0, len(X), rows):
            part = slice(start, start + rows)
            yield (X[part], weights[part]) if weighted else X[part]

    def fit(self, rows, weighted=True, **settings):
        source = BatchSource(lambda: self.batches(rows, weighted))
        settings = {"start_size": 500, "random_state": 0} | settings
        return KMeansSegmenter(4, **settings).fit(source)

    def test_customers_who_are_all_drawn_are_as_in_memory(self):
        X, weights = self.customers()
        whole = KMeansSegmenter(4, random_state=0)
        for weighted in (False, True):
            whole.fit(X, sample_weight=weights if weighted else None)
            parts = self.fit(700, weighted, start_size=None)
            assert parts.segment_centers_.tobytes() == whole.segment_centers_.tobytes()
            np.testing.assert_array_equal(parts.labels_, whole.labels_)
            assert parts.inertia_ == whole.inertia_

    @pytest.mark.parametrize("weighted", [False, True])
    def test_starts_on_a_draw_reach_what_memory_reaches(self, weighted):
        X, weights = self.customers()
        weights = weights if weighted else None
        whole = KMeansSegmenter(4, random_state=0).fit(X, sample_weight=weights)
        parts = self.fit(700, weighted)
        assert parts.inertia_ == pytest.approx(whole.inertia_, rel=1e-3)
        np.testing.assert_array_equal(parts.labels_, parts.predict(X))
        sizes = np.bincount(parts.labels_, weights, 4)
        np.testing.assert_array_equal(parts.segment_sizes_, sizes)
        score = parts.score(X, sample_weight=weights)
        assert parts.inertia_ == pytest.approx(-score, rel=1e-12)

    def test_steps_on_all_end_at_the_means(self):
        X, weights = self.customers()
        parts = self.fit(700, tol=0)
        for segment, center in enumerate(parts.segment_centers_):
            at = parts.labels_ == segment
            mean = np.average(X[at], axis=0, weights=weights[at])
            np.testing.assert_allclose(center, mean, rtol=1e-12)

    def test_bits_repeat_and_other_batches_change_nothing_but_rounding(self):
        first = self.fit(700)
        for n_threads in (1, 3):
            with threadpool_limits(n_threads):
                again = self.fit(700)
            assert again.segment_centers_.tobytes() == first.segment_centers_.tobytes()
        for rows in (64, 999, 3_000):
            other = self.fit(rows)
            np.testing.assert_allclose(
                other.segment_centers_, first.segment_centers_, rtol=1e-9
            )
            np.testing.assert_array_equal(other.labels_, first.labels_)
            assert other.inertia_ == pytest.approx(first.inertia_, rel=1e-9)

    def test_last_months_centres(self):
        start = self.fit(700).segment_centers_
        again = self.fit(700, init=start)
        assert again.n_starts_ == 1
        np.testing.assert_allclose(again.segment_centers_, start, rtol=1e-3)

    def test_what_needs_customers_in_memory(self):
        sentence = (
            "X must be in memory with sample_weight, min_segment_size and "
            "min_segment_value. Got batches instead."
        )
        with pytest.raises(ValueError, match=re.escape(sentence)):
            self.fit(700, min_segment_size=10)

    def test_batches_are_checked_as_tables_are(self):
        with pytest.raises(ValueError, match="contains NaN"):
            KMeansSegmenter(2).fit(BatchSource([np.array([[1.0], [np.nan]])]))
        late = [np.arange(9.0)[:, np.newaxis], np.array([[np.inf]])]
        with pytest.raises(ValueError, match="contains infinity"):
            KMeansSegmenter(2, start_size=3).fit(BatchSource(late))
        with pytest.raises(DegenerateFitError, match="Got n_samples=3"):
            KMeansSegmenter(2).fit(BatchSource([np.ones((2, 1)), np.ones((1, 1))]))
        with pytest.raises(DataQualityError, match="must not be negative"):
            KMeansSegmenter(2).fit(BatchSource([(np.ones((2, 1)), np.array([1, -1]))]))
