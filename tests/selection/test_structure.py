"""Whether there are segments at all: the structure test and its null, the dip."""

import pickle
import re
from itertools import product
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.optimize import linprog
from scipy.stats import binom, multivariate_normal, spearmanr

from custseg.datasets import make_customers
from custseg.exceptions import DataQualityError, DegenerateFitError
from custseg.selection import dip_statistic, structure_test, unimodality_test
from custseg.selection._null import in_steps, latent_correlations, null_model_of
from custseg.selection._structure import _silhouettes, largest_deviations
from custseg.selection._unimodality import spread_out, uniform_dips
from custseg.surveys._polychoric import (
    cuts_of,
    polychoric_correlation,
    rectangle_probabilities,
)

DATA = Path(__file__).parents[1] / "reference" / "data"
FEW = {"n_segments": (2, 3), "n_draws": 19, "random_state": 0}
FEWEST = FEW | {"n_draws": 4, "n_init": 1}  # where only figures alike are asked for
QUICK = {"n_splits": 5, "n_draws": 199}


def one_factor(rng, n_customers, n_columns, loading):
    own = rng.normal(size=(n_customers, n_columns))
    common = rng.normal(size=(n_customers, 1))
    return loading * common + np.sqrt(1 - loading**2) * own


def lognormal(rng):
    return np.exp(one_factor(rng, 100, 4, 0.7))


def likert(rng):
    return np.digitize(one_factor(rng, 100, 6, 0.7), [-1.2, -0.3, 0.5, 1.3]) + 1.0


def gaussian(rng):
    return one_factor(rng, 100, 4, 0.8)


def uniform(rng):
    return rng.random((100, 3))


def three_blobs(rng, n_customers=300):
    turned = np.eye(3, 4) @ np.linalg.qr(rng.normal(size=(4, 4)))[0]
    segment = rng.integers(0, 3, n_customers)
    return 5 * turned[segment] + rng.normal(size=(n_customers, 4))


def three_segments_of_attitudes(rng):
    simulated = make_customers(
        200,
        n_segments=3,
        separation=2,
        missing=0,
        response_styles=False,
        random_state=rng,
    )
    return simulated.customers[list(simulated.item_columns)].to_numpy(float)


@pytest.fixture(scope="module")
def mixed():
    return mixed_columns(400)


def mixed_columns(n_customers):
    """One factor behind spends, counts, answers of five steps, and yes or no."""
    latent = one_factor(np.random.default_rng(0), n_customers, 5, 0.8)
    return np.column_stack(
        [
            np.exp(latent[:, 0]),
            latent[:, 1],
            np.floor(np.exp(latent[:, 2])),
            np.digitize(latent[:, 3], [-1, -0.3, 0.4, 1.2]),
            latent[:, 4] > 0.3,
        ]
    )


class TestPolychoric:
    def test_published_tables(self):
        # Olsson (1979), https://doi.org/10.1007/BF02296207: rho .49, cuts -1.77 -.14
        # and -.69 .67.
        table = np.array([[13, 6, 0], [69, 113, 22], [41, 132, 104]])
        assert round(polychoric_correlation(table), 2) == 0.49
        assert cuts_of(table.sum(axis=1)).round(2).tolist() == [-1.77, -0.14]
        assert cuts_of(table.sum(axis=0)).round(2).tolist() == [-0.69, 0.67]

    @pytest.mark.parametrize("rho", [-0.95, -0.4, 0.0, 0.6, 0.99])
    def test_probabilities_are_those_of_scipy(self, rho):
        rows, columns = np.array([-1.5, -0.3, 0.2]), np.array([-2, -0.3, 0.25, 0.9])
        cells = rectangle_probabilities(rows, columns, rho)
        assert cells.sum() == pytest.approx(1)
        plane = multivariate_normal([0, 0], [[1, rho], [rho, 1]])
        below = cells.cumsum(axis=0).cumsum(axis=1)
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                assert below[i, j] == pytest.approx(plane.cdf([row, column]), abs=1e-5)

    def test_medians(self):
        # Sheppard (1899): two medians leave 1/4 + asin(rho) / (2 pi) in a corner, so a
        # third of the customers there are a correlation of sin(pi / 6) = 1/2.
        table = np.array([[2, 1], [1, 2]])
        assert polychoric_correlation(table) == pytest.approx(0.5, abs=1e-4)
        assert polychoric_correlation(table[::-1]) == pytest.approx(-0.5, abs=1e-4)

    def test_likelihood_is_largest(self):
        """A grid of correlations with cells from scipy finds the same one."""
        table = np.array([[30, 12, 3], [10, 20, 15]])
        rows, columns = (cuts_of(table.sum(axis=axis)) for axis in (1, 0))
        ends = np.r_[-9, rows, 9], np.r_[-9, columns, 9]

        def likelihood(rho):
            plane = multivariate_normal([0, 0], [[1, rho], [rho, 1]])
            corners = [[plane.cdf([a, b]) for b in ends[1]] for a in ends[0]]
            cells = np.diff(np.diff(corners, axis=0), axis=1)
            return (table * np.log(cells)).sum()

        grid = np.arange(0.3, 0.9, 0.01)
        best = grid[np.argmax([likelihood(rho) for rho in grid])]
        assert polychoric_correlation(table) == pytest.approx(best, abs=0.006)

    def test_an_empty_diagonal_stays_finite(self):
        assert polychoric_correlation(np.array([[5, 0], [0, 5]])) > 0.99


class TestNull:
    def test_a_draw_has_the_margins(self, mixed):
        steps = np.array([in_steps(column) for column in mixed.T])
        assert steps.tolist() == [False, False, True, True, True]
        draw = null_model_of(mixed, steps).draw(np.random.default_rng(1))
        np.testing.assert_array_equal(np.sort(draw, axis=0), np.sort(mixed, axis=0))
        assert not np.array_equal(draw, mixed)

    def test_a_draw_has_the_dependence(self, mixed):
        steps = np.array([False, False, True, True, True])
        null, rng = null_model_of(mixed, steps), np.random.default_rng(1)
        drawn = [spearmanr(null.draw(rng)).statistic for _ in range(20)]
        observed = spearmanr(mixed).statistic
        # 20 draws of 400: standard errors of the means are below .007.
        np.testing.assert_allclose(np.mean(drawn, axis=0), observed, atol=0.03)

    def test_correlations_behind_steps_are_those_before_them(self):
        # All pairs of the population are correlated .8 * .8; standard errors are
        # about .01 without steps and .02 with yes or no.
        steps = np.array([False, False, True, True, True])
        correlations = latent_correlations(mixed_columns(4_000), steps)
        off_diagonal = correlations[np.triu_indices(5, 1)]
        np.testing.assert_allclose(off_diagonal, 0.64, atol=0.06)

    def test_pairs_that_do_not_fit_together(self):
        """Correlations of .999, .999 and -.999 are no table's: a draw still works."""
        ones, zeros = np.ones(10), np.zeros(10)
        X = np.column_stack(
            [
                np.r_[zeros, ones, zeros, ones],
                np.r_[zeros, ones, ones, ones],
                np.r_[ones, ones, zeros, ones],
            ]
        )
        draw = null_model_of(X, np.full(3, True)).draw(np.random.default_rng(0))
        np.testing.assert_array_equal(draw.mean(axis=0), X.mean(axis=0))

    def test_a_column_given_twice_stays_so(self):
        X = np.random.default_rng(0).normal(size=(100, 1)) @ [[1, 2]]
        draw = null_model_of(X, np.full(2, False)).draw(np.random.default_rng(0))
        assert spearmanr(draw).statistic > 0.999


class TestStructure:
    def test_largest_deviations(self):
        # Others of the first row: mean (1, 5), standard deviation (sqrt(2), sqrt(2)),
        # so it deviates by (3 - 1) / sqrt(2) and (5 - 5) / sqrt(2).
        values = np.array([[3.0, 5], [0, 4], [2, 6]])
        statistics, at = largest_deviations(values)
        assert statistics[0] == pytest.approx(np.sqrt(2))
        assert at.tolist() == [0, 1, 1]
        # Rows change places with their statistics: no table is set apart.
        order = [2, 0, 1]
        np.testing.assert_allclose(
            largest_deviations(values[order])[0], statistics[order]
        )

    def test_values_that_do_not_spread_do_not_deviate(self):
        statistics, _ = largest_deviations(np.full((4, 2), 0.3))
        assert statistics.tolist() == [0, 0, 0, 0]

    def test_figures(self):
        X = three_blobs(np.random.default_rng(0))
        test = structure_test(X, n_segments=(3, 2), n_draws=19, random_state=0)
        assert (test.p_value, test.n_segments, test.n_draws) == (0.05, 3, 19)
        frame = test.frame()
        assert frame["n_segments"].tolist() == [2, 3]
        deviations = (frame["silhouette"] - frame["null_mean"]) / frame["null_sd"]
        np.testing.assert_allclose(frame["z"], deviations)
        assert test.statistic == pytest.approx(frame["z"].max())
        assert repr(test) == (
            "<StructureTest: Structure (p = 0.05): 300 customers are better separated "
            "than those of 19 draws with the same margins and correlations and no "
            f"segments, most so in 3 segments (z = {test.statistic:.1f}).>"
        )
        again = pickle.loads(pickle.dumps(test))
        pd.testing.assert_frame_equal(again.frame(), frame)

    def test_same_seed_same_figures_whatever_the_workers(self, mixed):
        one = structure_test(mixed, **FEWEST)
        with joblib.parallel_config("threading"):
            two = structure_test(mixed, n_jobs=2, **FEWEST)
        pd.testing.assert_frame_equal(one.frame(), two.frame())
        other = structure_test(mixed, **(FEWEST | {"random_state": 1}))
        assert not np.array_equal(one.null_means, other.null_means)

    def test_frames_and_arrays(self, mixed):
        names = list("abcde")
        steps = {"array": (2, 3, 4), "frame": ("c", "d", "e")}
        expected = structure_test(mixed, **FEWEST).frame()
        for table, kind in (
            (mixed, "array"),
            (pd.DataFrame(mixed, columns=names), "frame"),
            (pl.DataFrame(mixed, schema=names), "frame"),
        ):
            found = structure_test(table, ordinal=steps[kind], **FEWEST).frame()
            pd.testing.assert_frame_equal(found, expected)

    def test_a_draw_of_many_customers(self, mixed):
        drawn = structure_test(mixed, sample_size=60, **FEWEST)
        every = structure_test(mixed[:50], sample_size=None, **FEWEST)
        assert (drawn.n_customers, every.n_customers) == (60, 50)

    def test_as_many_segments_as_answers(self):
        """Four patterns of two yes/no columns, four segments: each is one of them."""
        X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 10, dtype=float)
        test = structure_test(X, n_segments=4, n_draws=9, random_state=0)
        assert test.silhouettes.tolist() == [1]


def brute_dip(x):
    """Nearest unimodal distribution function by linear programs, one for each mode."""
    values, counts = np.unique(x, return_counts=True)
    upper = np.cumsum(counts) / len(x)
    lower = upper - counts / len(x)
    k = len(values)
    least = 1.0
    for mode in range(k):
        # Unknown: the function at all values, its limit before the mode, the distance.
        rows, bounds = [], []

        def at_most(bound, rows=rows, bounds=bounds, **weights):
            row = np.zeros(k + 2)
            for place, weight in weights.items():
                row[int(place[1:])] += weight
            rows.append(row)
            bounds.append(bound)

        for i in range(k):
            at_most(-upper[i], **{f"v{i}": -1, f"v{k + 1}": -1})
            above = upper[i] if i == mode else lower[i]
            at_most(above, **{f"v{i}": 1, f"v{k + 1}": -1})
        at_most(lower[mode], **{f"v{k}": 1, f"v{k + 1}": -1})
        at_most(-lower[mode], **{f"v{k}": -1, f"v{k + 1}": -1})
        at_most(0, **{f"v{k}": 1, f"v{mode}": -1})
        for side, sign in (([*range(mode), k], 1), ([*range(mode, k)], -1)):
            at = [values[mode if i == k else i] for i in side]
            for a in range(1, len(side)):
                at_most(0, **{f"v{side[a - 1]}": 1, f"v{side[a]}": -1})
            for a in range(1, len(side) - 1):
                before, after = at[a] - at[a - 1], at[a + 1] - at[a]
                slopes = {
                    f"v{side[a]}": sign * (1 / before + 1 / after),
                    f"v{side[a - 1]}": -sign / before,
                    f"v{side[a + 1]}": -sign / after,
                }
                at_most(0, **slopes)
        cost = np.r_[np.zeros(k + 1), 1]
        solved = linprog(cost, np.array(rows), bounds, bounds=(0, 1), method="highs")
        least = min(least, solved.fun)
    return least


class TestDip:
    def test_worked_cases(self):
        # An even grid is uniform but for its steps of 1/n: half of one is left.
        for n in (2, 5, 100):
            assert dip_statistic(np.arange(n)) == pytest.approx(1 / (2 * n))
        # Two equal lumps: in the middle one mode can only be half way.
        assert dip_statistic([0, 0, 1, 1]) == 0.25
        assert dip_statistic(np.r_[np.zeros(500), np.ones(500)]) == 0.25
        # Lumps of 3 and 1: the mode is the first, the second is a step of 1/4.
        assert dip_statistic([0, 0, 0, 1]) == 0.125
        assert dip_statistic([7, 7, 7]) == 0

    def test_published(self):
        # Quality of 63 statistics departments, Hartigan and Hartigan (1985), the
        # example of R's diptest, whose log prints 2 n dip = 7.5.
        quality = [30, 33, 35, 36, 37, 37, 39, 39, 39, 39, 39, 40, 40, 40, 40, 41, 42]
        quality += [43, 43, 43, 44, 44, 45, 45, 46, 46, 47, 47, 48, 48, 48, 49, 50, 50]
        quality += [51, 52, 52, 53, 53, 53, 53, 53, 54, 54, 57, 57, 59, 60, 60, 60, 61]
        quality += [61, 61, 61, 62, 62, 62, 62, 63, 66, 70, 72, 72]
        assert dip_statistic(quality) == pytest.approx(7.5 / (2 * 63))
        # Five values of the same package's tests: dip .133, and so in the mirror.
        assert dip_statistic([0, 2, 3, 5, 6]) == pytest.approx(2 / 15)
        assert dip_statistic([6, 4, 3, 1, 0]) == pytest.approx(2 / 15)

    @pytest.mark.parametrize("kind", ["even", "steps", "two", "lumps"])
    def test_linear_programs_find_the_same(self, kind):
        rng = np.random.default_rng(0)
        for _ in range(6):
            n = int(rng.integers(4, 12))
            x = {
                "even": rng.random(n),
                "steps": rng.integers(0, 6, n),
                "two": np.r_[rng.normal(size=n // 2), rng.normal(8, 1, n - n // 2)],
                "lumps": np.r_[0, 1, rng.choice([0, 1, 2.5, 7, 7.2], n)],
            }[kind]
            assert dip_statistic(x) == pytest.approx(brute_dip(x), abs=1e-7)

    def test_shift_scale_order_and_copies(self):
        rng = np.random.default_rng(0)
        x = np.r_[rng.normal(size=40), rng.normal(5, 1, 30)]
        dip = dip_statistic(x)
        assert dip_statistic(-3 * rng.permutation(x) + 100) == pytest.approx(dip)
        assert dip_statistic(1e300 * x) == pytest.approx(dip)
        assert dip_statistic(np.repeat(x, 3)) == pytest.approx(dip, abs=1 / 70)

    def test_uniform_samples(self):
        # R's diptest prints a 95 % quantile of 5.09 % for 100 customers (9,999
        # samples); of ours the standard error is some .1 %.
        dips = uniform_dips(100, 999)
        assert np.quantile(dips, 0.95) == pytest.approx(0.0509, abs=0.004)
        assert np.quantile(dips, 0.5) == pytest.approx(0.0354, abs=0.001)


class TestUnimodality:
    def test_answers_are_spread_half_the_way_to_their_neighbours(self):
        X = np.array([[0.0, 5], [1, 5.5], [1, 7], [4, 9]] * 500)
        steps, rng = np.array([True, False]), np.random.default_rng(0)
        spread = spread_out(X, steps, rng)
        np.testing.assert_array_equal(spread[:, 1], X[:, 1])
        for answer, low, high in ((0, -0.5, 0.5), (1, 0.5, 2.5), (4, 2.5, 5.5)):
            of_answer = spread[X[:, 0] == answer, 0]
            assert low <= of_answer.min() < low + 0.02 * (high - low)
            assert high - 0.02 * (high - low) < of_answer.max() <= high

    def test_figures(self):
        X = three_blobs(np.random.default_rng(0))
        test = unimodality_test(X, n_draws=199, random_state=0)
        assert test.p_values.shape == test.dips.shape == (11,)
        assert test.p_value == min(1, 2 * np.median(test.p_values)) <= 0.05
        assert test.frame()["dip"].median() == test.statistic
        assert repr(test) == (
            f"<UnimodalityTest: More than one mode (dip {test.statistic:.3f}, p = "
            f"{test.p_value:.2g}): a gap runs through the 300 customers.>"
        )

    def test_one_column_is_one_dip(self):
        rng = np.random.default_rng(0)
        column = np.r_[rng.normal(size=100), rng.normal(6, 1, 100)][:, np.newaxis]
        test = unimodality_test(column, n_draws=199, random_state=0)
        assert test.dips.tolist() == [dip_statistic(column[:, 0])]
        assert test.p_value == test.p_values[0] == 0.005

    def test_same_seed_same_figures(self, mixed):
        one, two = (unimodality_test(mixed, random_state=3, **QUICK) for _ in range(2))
        pd.testing.assert_frame_equal(one.frame(), two.frame())

    def test_perceptions_of_fast_food_are_one_cloud(self):
        """Eleven yes/no columns: no gap is between their segments."""
        table = pd.read_csv(DATA / "mcdonalds.csv").iloc[:, :11] == "Yes"
        test = unimodality_test(table.astype(float), random_state=0, **QUICK)
        assert test.p_value > 0.5
        assert test.verdict.startswith("One mode is enough")


@pytest.mark.simulation
def test_level():
    """12 tables of four kinds without segments; benchmarks/simulations has 120.

    The tables of a kind are too few to tell a level of .05 from one twice as large, so
    those of all kinds are held to it together, and to .25 as well.
    """
    p_values = []
    for make, seed in product((lognormal, likert, gaussian, uniform), range(12)):
        X = make(np.random.default_rng(seed))
        structure = structure_test(
            X, n_segments=(2, 3), n_draws=19, n_init=1, random_state=seed
        )
        unimodality = unimodality_test(X, random_state=seed, **QUICK)
        p_values.append((structure.p_value, unimodality.p_value))
    p_values = np.reshape(p_values, (4, 12, 2))
    for level in (0.05, 0.25):
        rejected = (p_values <= level).sum(axis=1)
        assert (rejected <= binom.interval(0.999, 12, level)[1]).all()
        assert (rejected.sum(axis=0) <= binom.interval(0.999, 48, level)[1]).all()


@pytest.mark.parametrize("make", [three_blobs, three_segments_of_attitudes])
@pytest.mark.simulation
def test_power(make):
    """Both find clear segments in all of 3 tables; benchmarks/simulations has 20."""
    for seed in range(3):
        X = make(np.random.default_rng(seed))
        structure = structure_test(X, **(FEW | {"n_segments": (2, 3, 4), "n_init": 1}))
        assert (structure.p_value, structure.n_segments) == (0.05, 3)
        assert unimodality_test(X, random_state=seed, **QUICK).p_value <= 0.05


@pytest.mark.parametrize("test", [structure_test, unimodality_test])
class TestErrors:
    def test_customers(self, test):
        said = (
            "A test must have 20 customers or more. Got 19 instead. Fewer tell nothing "
            "about segments."
        )
        with pytest.raises(DegenerateFitError, match=re.escape(said)):
            test(np.random.default_rng(0).normal(size=(19, 2)))

    def test_columns(self, test):
        table = pd.DataFrame({"spend": np.arange(30.0), "fee": 1.0})
        said = (
            "Columns must have more than one value among the customers tested. Got one "
            "in 'fee' instead. Leave such columns out."
        )
        with pytest.raises(DataQualityError, match=re.escape(said)):
            test(table)
        with pytest.raises(DataQualityError, match="column 'fee': 1 of 30 rows"):
            test(table.assign(fee=[np.nan, *range(29)]))
        said = (
            "ordinal must be 'auto' or a sequence of columns of X. Got 'age' instead. "
            "Columns are 'spend', 'fee'."
        )
        with pytest.raises(ValueError, match=re.escape(said)):
            test(table.assign(fee=range(30)), ordinal=["age", "fee"])

    def test_numbers(self, test):
        X = np.random.default_rng(0).normal(size=(30, 2))
        said = (
            "n_draws must be an integer from 1 up. Got 0.5 instead. The default is a "
            "good start."
        )
        with pytest.raises(ValueError, match=re.escape(said)):
            test(X, n_draws=0.5)
        with pytest.raises(ValueError, match="sample_size must be an integer from 20"):
            test(X, sample_size=10)


class TestErrorsOfStructure:
    def test_numbers_of_segments(self):
        X = np.random.default_rng(0).normal(size=(30, 2))
        said = (
            "n_segments must be integers from 2 up. Got 1, 'a' instead. One segment is "
            "what they are compared with."
        )
        with pytest.raises(ValueError, match=re.escape(said)):
            structure_test(X, n_segments=(1, 2, "a"))
        with pytest.raises(ValueError, match="Got none instead"):
            structure_test(X, n_segments=())

    def test_shape(self):
        X = np.random.default_rng(0).normal(size=(30, 40))
        said = (
            "structure_test must have two columns or more. Got 1 instead. For one "
            "column use unimodality_test."
        )
        with pytest.raises(DegenerateFitError, match=re.escape(said)):
            structure_test(X[:, :1])
        said = (
            "structure_test must have more customers than columns. Got 30 and 40 "
            "instead. Leave columns out, or test more customers."
        )
        with pytest.raises(DegenerateFitError, match=re.escape(said)):
            structure_test(X)

    def test_too_few_answers(self):
        said = (
            "structure_test must have 8 different customers or more, as n_segments "
            "asks for. Got 4 instead. Try fewer segments."
        )
        with pytest.raises(DegenerateFitError, match=re.escape(said)):
            structure_test(np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 10))


def test_a_dip_is_of_one_column():
    said = "x must be one-dimensional. Got shape (3, 2) instead. Give one column."
    with pytest.raises(ValueError, match=re.escape(said)):
        dip_statistic(np.ones((3, 2)))


def test_fewer_different_customers_than_segments_are_segments_of_their_own():
    corners = np.repeat(np.eye(3), 10, axis=0)
    found = _silhouettes(corners, (3, 4), 1, np.random.default_rng(0))
    np.testing.assert_allclose(found, [1, 1])
