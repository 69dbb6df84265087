"""Gaussian mixtures: likelihood, scales, weights, collapse, merging, noise."""

import pickle
import warnings

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from custseg import GaussianMixtureSegmenter, compile_scorer
from custseg.cluster import _em
from custseg.cluster._merging import _ONE_IN_TEN, merge_by_entropy
from custseg.exceptions import SegmentWarning

SHAPES = ("full", "tied", "diag", "spherical")
RNG = np.random.default_rng(3)
TRUTH = np.repeat([0, 1, 2], [150, 100, 50])
MEANS = np.array([[0.0, 0, 0], [6, 0, 2], [0, 7, -3]])
X = MEANS[TRUTH] + RNG.normal(size=(300, 3)) @ np.diag([1.0, 2.0, 0.5])
over_shapes = pytest.mark.parametrize("shape", SHAPES)


def fitted(X=X, shape="full", n_components=3, sample_weight=None, **options):
    segmenter = GaussianMixtureSegmenter(
        n_components, covariance_type=shape, random_state=0, **options
    )
    return segmenter.fit(X, sample_weight=sample_weight)


def covariance_matrices(mixture):
    """Covariance of each component, whatever the shape."""
    k, d = mixture.means_.shape
    every = mixture.covariances_
    return {
        "full": lambda: every,
        "tied": lambda: np.repeat(every[np.newaxis], k, axis=0),
        "diag": lambda: np.array([np.diag(one) for one in every]),
        "spherical": lambda: np.array([one * np.eye(d) for one in every]),
    }[mixture.covariance_type]()


def joint_logs(mixture, X):
    """Logarithm of share times density, by SciPy."""
    parts = zip(
        mixture.weights_, mixture.means_, covariance_matrices(mixture), strict=True
    )
    return np.column_stack(
        [np.log(w) + multivariate_normal(m, S).logpdf(X) for w, m, S in parts]
    )


class TestLikelihood:
    @over_shapes
    def test_of_customers_by_scipys_densities(self, shape):
        mixture = fitted(shape=shape)
        logs = joint_logs(mixture, X)
        np.testing.assert_allclose(mixture.score_samples(X), logsumexp(logs, axis=1))
        assert mixture.log_likelihood_ == pytest.approx(logsumexp(logs, axis=1).sum())
        expected = np.exp(logs - logsumexp(logs, axis=1)[:, np.newaxis])
        np.testing.assert_allclose(mixture.predict_proba(X), expected, atol=1e-10)
        assert mixture.score(X) == pytest.approx(mixture.log_likelihood_ / len(X))

    @over_shapes
    def test_no_step_of_scikit_learns_em_improves_on_it(self, shape):
        mixture = fitted(shape=shape, tol=1e-12, max_iter=5000, reg_covar=0)
        precisions = np.linalg.inv(covariance_matrices(mixture))
        precisions = {
            "full": lambda: precisions,
            "tied": lambda: precisions[0],
            "diag": lambda: np.einsum("kii->ki", precisions),
            "spherical": lambda: precisions[:, 0, 0],
        }[shape]()
        peer = GaussianMixture(
            3,
            covariance_type=shape,
            weights_init=mixture.weights_,
            means_init=mixture.means_,
            precisions_init=precisions,
            reg_covar=0,
            tol=0,
            max_iter=20,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer.fit(X)
        np.testing.assert_allclose(mixture.means_, peer.means_, atol=1e-5)
        np.testing.assert_allclose(mixture.covariances_, peer.covariances_, atol=1e-5)
        assert mixture.log_likelihood_ == pytest.approx(
            peer.score(X) * len(X), rel=1e-9
        )
        assert mixture.bic_ == pytest.approx(peer.bic(X), rel=1e-9)
        assert mixture.aic_ == pytest.approx(peer.aic(X), rel=1e-9)
        assert mixture.n_parameters_ == peer._n_parameters()

    def test_entropy_and_icl_from_their_definitions(self):
        mixture = fitted(X * [1, 1, 0.2], n_components=2)
        shares = mixture.predict_proba(X * [1, 1, 0.2])
        entropy = -(shares * np.log(np.maximum(shares, 1e-300))).sum()
        expected = 1 - entropy / (300 * np.log(2))
        assert mixture.relative_entropy_ == pytest.approx(expected)
        icl = mixture.bic_ - 2 * np.log(shares.max(axis=1)).sum()
        assert mixture.icl_ == pytest.approx(icl)

    def test_a_component_per_segment_and_their_order(self):
        mixture = fitted()
        np.testing.assert_array_equal(mixture.labels_, TRUTH)
        np.testing.assert_array_equal(mixture.component_segments_, [0, 1, 2])
        np.testing.assert_allclose(mixture.weights_, [1 / 2, 1 / 3, 1 / 6], atol=1e-3)
        np.testing.assert_allclose(mixture.means_, mixture.segment_centers_)


class TestScales:
    @pytest.mark.parametrize("shape", ["full", "tied", "diag"])
    @pytest.mark.parametrize(
        ("scale", "shift"),
        [
            ([1, 1, 1], [1e6, -1e5, 3e4]),
            ([1e6, 1, 1], [0, 0, 0]),
            ([1e-3, 1e6, 1], [0, 0, 0]),
        ],
        ids=["shift", "one column", "mixed"],
    )
    def test_units_change_the_likelihood_by_what_is_known(self, shape, scale, shift):
        one, other = fitted(shape=shape), fitted(X * scale + shift, shape)
        np.testing.assert_array_equal(one.labels_, other.labels_)
        # The density of a * x is that of x, divided by a.
        known = len(X) * np.log(np.abs(scale)).sum()
        expected = one.log_likelihood_ - known
        assert other.log_likelihood_ == pytest.approx(expected, rel=1e-8)
        np.testing.assert_allclose(
            other.predict_proba(X * scale + shift), one.predict_proba(X), atol=1e-6
        )

    def test_one_unit_for_all_changes_nothing_of_balls(self):
        one, other = fitted(shape="spherical"), fitted(X * 1e6 + 1e3, "spherical")
        np.testing.assert_array_equal(one.labels_, other.labels_)
        expected = one.log_likelihood_ - 900 * np.log(1e6)
        assert other.log_likelihood_ == pytest.approx(expected, rel=1e-8)

    @pytest.mark.parametrize("shape", ["full", "tied"])
    def test_any_linear_change_of_columns(self, shape):
        # Columns that are almost the same: one direction is a thousandth of the rest.
        change = np.array([[1.0, 1.0, 0.0], [0.0, 1e-3, 2.0], [0.5, 0.5, 1.0]])
        one, other = fitted(shape=shape), fitted(X @ change, shape)
        np.testing.assert_array_equal(one.labels_, other.labels_)
        known = len(X) * np.linalg.slogdet(change)[1]
        expected = one.log_likelihood_ - known
        assert other.log_likelihood_ == pytest.approx(expected, rel=1e-7)

    @pytest.mark.parametrize("shape", ["full", "tied", "diag"])
    def test_a_constant_column_says_nothing(self, shape):
        more = np.column_stack([X, np.full(len(X), 7.0)])
        mixture, without = fitted(more, shape), fitted(shape=shape)
        np.testing.assert_array_equal(mixture.labels_, without.labels_)
        assert mixture.log_likelihood_ == pytest.approx(
            without.log_likelihood_, rel=1e-9
        )

    def test_a_column_twice_is_one(self):
        mixture = fitted(np.column_stack([X, 2 * X[:, 0] + 1]))
        np.testing.assert_array_equal(mixture.labels_, TRUTH)


class TestWeights:
    @over_shapes
    def test_frequencies_are_repeated_rows(self, shape):
        weights = RNG.integers(0, 4, len(X))
        weighted = fitted(shape=shape, sample_weight=weights, tol=1e-10)
        repeated = fitted(np.repeat(X, weights, axis=0), shape, tol=1e-10)
        assert weighted.log_likelihood_ == pytest.approx(
            repeated.log_likelihood_, rel=1e-8
        )
        for name in ("bic_", "aic_", "icl_", "relative_entropy_", "weights_", "means_"):
            np.testing.assert_allclose(
                getattr(weighted, name), getattr(repeated, name), rtol=1e-4, atol=1e-6
            )
        np.testing.assert_array_equal(weighted.segment_sizes_, repeated.segment_sizes_)

    def test_sampling_weights_leave_the_number_of_customers(self):
        weights = np.full(len(X), 250.0)
        sampled = fitted(sample_weight=weights, weights="sampling")
        assert sampled.bic_ == pytest.approx(fitted().bic_, rel=1e-9)
        np.testing.assert_array_equal(sampled.segment_sizes_, [37500, 25000, 12500])
        counted = fitted(sample_weight=weights)
        assert counted.log_likelihood_ == pytest.approx(250 * fitted().log_likelihood_)

    def test_sampling_weights_recover_the_population(self):
        rng = np.random.default_rng(0)
        population = np.concatenate([rng.normal(0, 1, 9000), rng.normal(8, 1, 1000)])
        chance = np.where(population > 4, 0.5, 0.05)
        kept = rng.random(10_000) < chance
        sample, weights = population[kept, np.newaxis], 1 / chance[kept]
        options = {"weights": "sampling", "n_components": 2, "sample_weight": weights}
        np.testing.assert_allclose(
            fitted(sample, **options).weights_[0], 0.9, atol=0.02
        )
        assert fitted(sample, n_components=2).weights_[0] < 0.6

    def test_score_with_weights(self):
        mixture = fitted()
        twice = mixture.score(X, sample_weight=np.where(np.arange(300) < 50, 2, 1))
        expected = mixture.score(np.vstack([X, X[:50]]))
        assert twice == pytest.approx(expected)

    def test_order_and_repetition_leave_no_trace(self):
        # Twelve customers in thirty columns are all equally far apart: whatever decided
        # between them, a rounding error or a seed that met them in another order, would
        # show in who is together.
        rng = np.random.default_rng(42)
        few = rng.random((12, 30))
        counts = np.array([1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4])
        repeated = rng.permutation(np.repeat(few, counts, axis=0))
        with pytest.warns(SegmentWarning, match="shrinks"):
            weighted = fitted(few, n_components=2, sample_weight=counts)
        with pytest.warns(SegmentWarning, match="shrinks"):
            plain = fitted(repeated, n_components=2)
        assert plain.means_.tobytes() == weighted.means_.tobytes()
        assert plain.covariances_.tobytes() == weighted.covariances_.tobytes()


class TestCollapse:
    def test_a_component_of_one_customer_is_not_kept(self):
        # Beyond the others, one customer has the likeliest component of all: no
        # spread, no bound.
        rng = np.random.default_rng(1)
        far = np.vstack([rng.normal(size=(80, 2)), [[40.0, 40.0]]])
        with pytest.warns(SegmentWarning, match="shrinks on a few"):
            mixture = fitted(far, n_components=2)
        assert mixture.regularized_
        assert np.isnan(mixture.start_log_likelihoods_).sum() == 0
        lone = fitted(far, "tied", n_components=2)
        assert lone.segment_sizes_.tolist() == [80, 1]

    def test_identical_customers_are_not_an_endless_likelihood(self):
        rng = np.random.default_rng(2)
        same = np.vstack([rng.normal(size=(90, 2)), np.zeros((30, 2))])
        with pytest.warns(SegmentWarning, match="identical customers") as told:
            mixture = fitted(same, n_components=2, n_init=1)
        assert "Ask for fewer components" in str(told[0].message)
        # Drawn towards the variance of all, the component keeps some spread.
        assert np.linalg.eigvalsh(mixture.covariances_).min() > 1e-3

    def test_starts_that_collapse_are_counted_and_passed_over(self):
        rng = np.random.default_rng(0)
        heavy = rng.standard_t(2, (60, 2))
        mixture = fitted(heavy, n_components=3, n_init=30)
        collapsed = np.isnan(mixture.start_log_likelihoods_)
        assert 0 < collapsed.sum() < 30
        assert not mixture.regularized_
        assert mixture.segment_sizes_.min() > 2

    def test_one_component_of_customers_who_are_all_alike(self):
        mixture = fitted(np.ones((5, 2)), n_components=1)
        assert mixture.predict([[1.0, 1.0]]).tolist() == [0]


class TestStarts:
    def test_a_draw_finds_what_all_customers_show(self):
        rng = np.random.default_rng(0)
        many = MEANS[rng.integers(0, 3, 5000)] + rng.normal(size=(5000, 3))
        drawn = fitted(many, start_size=500)
        whole = fitted(many, start_size=None)
        assert adjusted_rand_score(drawn.labels_, whole.labels_) > 0.999
        assert drawn.log_likelihood_ == pytest.approx(whole.log_likelihood_, rel=1e-7)
        assert len(drawn.start_log_likelihoods_) == 10

    def test_the_best_start_is_kept(self):
        rng = np.random.default_rng(5)
        hard = rng.normal(size=(200, 2))
        mixture = fitted(hard, n_components=4, n_init=15)
        best = np.nanmax(mixture.start_log_likelihoods_)
        assert np.nanmin(mixture.start_log_likelihoods_) < best - 0.001
        # Starts end roughly; what is kept goes on.
        assert mixture.score(hard) >= best - 1e-12

    def test_the_same_bits_for_any_number_of_threads(self, monkeypatch):
        rng = np.random.default_rng(0)
        many = MEANS[rng.integers(0, 3, 6000)] + rng.normal(size=(6000, 3))
        bits = []
        for n_threads in (1, 2, 5):
            monkeypatch.setattr(_em, "blas_thread_count", lambda n=n_threads: n)
            mixture = fitted(many, n_init=3)
            bits.append(mixture.means_.tobytes() + mixture.covariances_.tobytes())
        assert bits[0] == bits[1] == bits[2]

    def test_max_iter_is_kept_and_told(self):
        mixture = fitted(RNG.normal(size=(100, 2)), n_init=1, max_iter=8)
        assert mixture.n_iter_ <= 8
        assert not mixture.converged_


class TestMerging:
    def test_path_by_hand(self):
        # Customer 1 is torn between the first two components, customer 2 is not.
        # Entropy with three: 2 * -(.5 log .5) = log 2. Merging 0 and 1 leaves none.
        shares = np.array([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]])
        merging = merge_by_entropy(np.array, (shares.T,), 3)
        np.testing.assert_allclose(merging.entropies, [0, 0, np.log(2)], atol=1e-12)
        # Of half a customer each.
        assert merging.overlaps[1] == pytest.approx(2 * np.log(2))
        np.testing.assert_array_equal(
            merging.segments, [[0, 0, 0], [0, 0, 1], [0, 1, 2]]
        )

    def test_weights_count_customers(self):
        # By customer of the smaller: log(2) / .5 = 1.39 for the first two, and with
        # weight w of the second customer w * .5004 / min(.5 + .2 w, .8 w) for the last.
        shares = np.array([[0.5, 0.5, 0.0], [0.0, 0.2, 0.8]])
        for weight, overlap, expected in ((3, 1.386, [0, 0, 1]), (6, 1.766, [0, 1, 1])):
            merging = merge_by_entropy(
                np.array, (shares.T,), 3, np.array([1.0, weight])
            )
            np.testing.assert_array_equal(merging.segments[1], expected)
            assert merging.overlaps[1] == pytest.approx(overlap, abs=1e-3)

    def test_auto_joins_bell_curves_with_one_in_ten_on_the_wrong_side(self):
        # One in ten of N(0, 1) lies beyond half of this distance.
        limit = -2 * norm.ppf(0.1)

        def lost(x):
            one, other = norm.pdf(x), norm.pdf(x - limit)
            both = one + other
            return -(one * np.log(one / both) + other * np.log(other / both))

        assert pytest.approx(quad(lost, -8, 11)[0], abs=5e-5) == _ONE_IN_TEN
        x = np.linspace(-8, 12, 20_001)
        for gap, expected in ((limit - 0.02, 1), (limit + 0.02, 2)):
            densities = np.column_stack([norm.pdf(x), norm.pdf(x - gap)])
            weights = densities.sum(axis=1)
            shares = densities / weights[:, np.newaxis]
            merging = merge_by_entropy(np.array, (shares.T,), 2, weights)
            assert merging.n_distinct == expected

    def test_skewed_customers_take_components_and_are_one_segment(self):
        rng = np.random.default_rng(0)
        skewed = np.concatenate([rng.exponential(1, 600), rng.normal(20, 1, 300)])
        skewed = np.column_stack([skewed, rng.normal(size=900)])
        truth = np.repeat([0, 1], [600, 300])
        plain = fitted(skewed, n_components=4)
        assert adjusted_rand_score(truth, plain.labels_) < 0.9
        for n_segments in (2, "auto"):
            merged = fitted(skewed, n_components=4, n_segments=n_segments)
            assert merged.n_segments_ == 2
            assert adjusted_rand_score(truth, merged.labels_) > 0.99
            assert merged.bic_ == pytest.approx(plain.bic_)
            assert (np.diff(merged.component_segments_) >= 0).all()
            assert merged.entropies_[0] == 0
            assert merged.predict_proba(skewed).shape == (900, 2)
            np.testing.assert_array_equal(merged.predict(skewed), merged.labels_)
            np.testing.assert_allclose(merged.predict_proba(skewed).sum(axis=1), 1)
        scorer = compile_scorer(merged)
        np.testing.assert_array_equal(scorer.predict(skewed), merged.labels_)
        np.testing.assert_allclose(
            scorer.predict_proba(skewed), merged.predict_proba(skewed), atol=1e-12
        )
        assert scorer.predict_one({"x0": 19.0, "x1": 0.0}) == 1

    def test_more_segments_than_components_are_as_many(self):
        assert fitted(n_segments=8).n_segments_ == 3


class TestNoise:
    def test_outliers_are_in_no_segment(self):
        rng = np.random.default_rng(0)
        box = rng.uniform(-30, 30, (40, 2))
        groups = [rng.normal(0, 1, (200, 2)), rng.normal(9, 1, (160, 2))]
        noisy = np.vstack([*groups, box])
        mixture = fitted(noisy, n_components=2, noise=True)
        away = np.abs(box).max(axis=1) > 15
        assert (mixture.labels_[360:][away] == -1).all()
        assert (mixture.labels_[:360] >= 0).mean() > 0.98
        assert 1 - mixture.weights_.sum() == pytest.approx(0.1, abs=0.02)
        np.testing.assert_array_equal(mixture.predict(noisy), mixture.labels_)
        assert mixture.segment_sizes_.sum() == (mixture.labels_ >= 0).sum()
        np.testing.assert_allclose(mixture.predict_proba(noisy).sum(axis=1), 1)
        plain = fitted(noisy, n_components=2)
        assert mixture.log_likelihood_ > plain.log_likelihood_ + 50
        assert mixture.n_parameters_ == plain.n_parameters_ + 1

    def test_likelihood_with_an_even_density_over_the_box(self):
        rng = np.random.default_rng(0)
        noisy = np.vstack([rng.normal(size=(100, 2)), rng.uniform(-9, 9, (30, 2))])
        mixture = fitted(noisy, "diag", n_components=1, noise=True)
        logs = joint_logs(mixture, noisy)[:, 0]
        density = (1 - mixture.weights_[0]) / np.prod(np.ptp(noisy, axis=0))
        expected = np.logaddexp(logs, np.log(density))
        np.testing.assert_allclose(mixture.score_samples(noisy), expected)
        assert mixture.log_likelihood_ == pytest.approx(expected.sum())

    def test_a_scorer_of_noise_is_refused(self):
        mixture = fitted(noise=True)
        with pytest.raises(TypeError, match="GaussianMixtureSegmenter"):
            compile_scorer(mixture)


def test_a_pickle_holds_no_customer():
    rng = np.random.default_rng(0)
    many = MEANS[rng.integers(0, 3, 20_000)] + rng.normal(size=(20_000, 3))
    mixture = fitted(many, n_init=1)
    del mixture.labels_
    assert len(pickle.dumps(mixture)) < 10_000
