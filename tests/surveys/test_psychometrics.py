"""Reliability, factorability, factors and response styles: worked and simulated."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.optimize import minimize
from sklearn.decomposition import FactorAnalysis

from custseg.datasets import make_customers
from custseg.exceptions import (
    DataQualityError,
    DegenerateFitError,
    SchemaError,
    SegmentWarning,
)
from custseg.surveys import (
    bartlett_sphericity,
    cronbach_alpha,
    factor_analysis,
    flag_responses,
    item_statistics,
    kaiser_meyer_olkin,
    mcdonald_omega,
    parallel_analysis,
    scale_reliability,
)
from custseg.surveys._factorability import _chance_eigenvalues
from custseg.surveys._factors import maximum_likelihood, promax, varimax
from custseg.surveys._items import pairwise_correlations, pairwise_covariances

# Sums with spur turned (6 - spur): 14, 13, 5, 6, 8.
ANSWERS = pd.DataFrame(
    {"plan": [5, 4, 2, 1, 3], "order": [4, 5, 1, 3, 3], "spur": [1, 2, 4, 4, 4]},
    index=["ada", "ben", "cem", "dia", "eve"],
)
ORDERLY = {"orderly": ("plan", "order", "spur")}


def with_gaps(rows=300, items=6, seed=0, share=0.15):
    rng = np.random.default_rng(seed)
    answers = rng.normal(size=(rows, 1)) + rng.normal(size=(rows, items))
    answers = np.digitize(answers, [-2, -1, 0, 1, 2]) + 1.0
    answers[rng.random(answers.shape) < share] = np.nan
    return pd.DataFrame(answers, columns=[f"q{i}" for i in range(items)])


def exactly(R, rows=4000, seed=0):
    """Normal answers with exactly these correlations."""
    Z = np.random.default_rng(seed).normal(size=(rows, len(R)))
    Z -= Z.mean(axis=0)
    Z = Z @ np.linalg.inv(np.linalg.cholesky(Z.T @ Z / rows)).T
    return Z @ np.linalg.cholesky(R).T


def planted(loadings, correlations=None, rows=4000):
    """Normal answers with exactly the correlations of a factor model."""
    loadings = np.asarray(loadings, dtype=float)
    between = np.eye(loadings.shape[1]) if correlations is None else correlations
    R = loadings @ between @ loadings.T
    np.fill_diagonal(R, 1)
    return exactly(R, rows), R


TWO_FACTORS = [[0.8, 0], [0.7, 0], [0.6, 0], [0.5, 0]] + [
    [0, 0.8],
    [0, -0.7],
    [0, 0.6],
    [0, 0.5],
]


# -- pairs of items ------------------------------------------------------------------


def test_pairs_agree_with_pandas():
    answers = with_gaps()
    np.testing.assert_allclose(
        pairwise_covariances(answers.to_numpy()), answers.cov(), atol=1e-12
    )
    np.testing.assert_allclose(
        pairwise_correlations(answers.to_numpy()), answers.corr(), atol=1e-12
    )


def test_pairs_that_nobody_answered_and_constant_items_have_no_correlation():
    answers = np.array([[1, np.nan, 3], [2, np.nan, 3], [np.nan, 1, 3], [np.nan, 2, 3]])
    assert np.isnan(pairwise_covariances(answers)[0, 1])
    found = pairwise_correlations(answers)
    assert np.isnan(found[[0, 2, 2], [1, 2, 0]]).all()
    assert found[0, 0] == found[1, 1] == 1


# -- reliability ---------------------------------------------------------------------


def test_alpha_on_paper():
    # Variances (n - 1): plan 10/4, order 8.8/4, spur 8/4: sum 26.8/4 = 6.7. Sums 14,
    # 13, 5, 6, 8 have mean 9.2 and squares 23.04 + 14.44 + 17.64 + 10.24 + 1.44 =
    # 66.8, variance 16.7. Alpha = 3/2 (1 - 6.7 / 16.7).
    alpha = cronbach_alpha(ANSWERS, reverse=("spur",))
    assert alpha == pytest.approx(1.5 * (1 - 6.7 / 16.7))
    assert cronbach_alpha(6 - ANSWERS, reverse=("spur",)) == pytest.approx(alpha)


def test_alpha_of_alike_of_contrary_and_of_single_items():
    alike = pd.DataFrame({"a": [1, 2, 3], "b": [2, 3, 4]})
    assert cronbach_alpha(alike) == pytest.approx(1)
    # Items a and -a + noise: the sum varies less than the items, 2 (1 - 26/2) = -24.
    contrary = pd.DataFrame({"a": [0, 5, -5, 0], "b": [1, -4, 4, -1]})
    sums = contrary.sum(axis=1)
    expected = 2 * (1 - contrary.var().sum() / sums.var())
    assert cronbach_alpha(contrary) == pytest.approx(expected)
    assert expected < -20
    assert np.isnan(cronbach_alpha(alike[["a"]]))


def test_omega_of_three_items_on_paper():
    # Three items determine one factor: loading 1 is sqrt(r12 r13 / r23), and so on.
    answers = with_gaps(items=3, share=0.0)
    R, sds = answers.corr().to_numpy(), answers.std().to_numpy()
    loadings = np.sqrt(
        [
            R[0, 1] * R[0, 2] / R[1, 2],
            R[0, 1] * R[1, 2] / R[0, 2],
            R[0, 2] * R[1, 2] / R[0, 1],
        ]
    )
    common = (loadings @ sds) ** 2
    unique = (1 - loadings**2) @ sds**2
    assert mcdonald_omega(answers) == pytest.approx(
        common / (common + unique), abs=1e-6
    )
    turned = answers.assign(q1=7 - answers["q1"])
    assert mcdonald_omega(turned, reverse=("q1",)) == pytest.approx(
        mcdonald_omega(answers), abs=1e-9
    )


def test_omega_equals_alpha_where_items_are_parallel_and_exceeds_it_elsewhere():
    parallel, _ = planted([[0.6]] * 5)
    assert mcdonald_omega(parallel) == pytest.approx(cronbach_alpha(parallel), abs=1e-6)
    # Loadings .9 to .3: omega is (sum of loadings)² / ((...)² + unique variances).
    loadings = np.array([0.9, 0.7, 0.5, 0.4, 0.3])
    unequal, _ = planted(loadings[:, np.newaxis])
    common, unique = loadings.sum() ** 2, np.sum(1 - loadings**2)
    assert mcdonald_omega(unequal) == pytest.approx(
        common / (common + unique), abs=1e-5
    )
    assert cronbach_alpha(unequal) < mcdonald_omega(unequal) - 0.02


def test_omega_that_there_is_not():
    two = ANSWERS[["plan", "order"]]
    assert np.isnan(mcdonald_omega(two))
    assert np.isnan(mcdonald_omega(two.assign(again=two["plan"])))
    assert np.isnan(mcdonald_omega(ANSWERS.assign(spur=3)))


def test_reliability_tables_on_paper():
    table = scale_reliability(ANSWERS, ORDERLY, reverse=("spur",))
    keyed = ANSWERS.assign(spur=6 - ANSWERS["spur"])
    R = keyed.corr().to_numpy()
    assert list(table.columns) == ["items", "alpha", "omega", "mean_correlation"]
    assert table.loc["orderly", "items"] == 3
    assert table.loc["orderly", "mean_correlation"] == pytest.approx(
        (R[0, 1] + R[0, 2] + R[1, 2]) / 3
    )
    items = item_statistics(ANSWERS, ORDERLY, points=(1, 5), reverse=("spur",))
    assert items["reversed"].tolist() == [False, False, True]
    assert items["mean"].tolist() == [3, 3.2, 3]
    rest = np.corrcoef(keyed["spur"], keyed["plan"] + keyed["order"])[0, 1]
    assert items.loc["spur", "item_rest_correlation"] == pytest.approx(rest)
    # Without spur: variances 2.5 and 2.2; sums 9, 9, 3, 4, 6, variance 30.8/4 = 7.7.
    assert items.loc["spur", "alpha_if_dropped"] == pytest.approx(2 * (1 - 4.7 / 7.7))


def test_a_constant_item_and_an_item_of_its_own():
    table = item_statistics(
        ANSWERS.assign(spur=3), {"a": ("plan", "spur"), "b": ("order",)}, points=(1, 5)
    )
    assert table["item_rest_correlation"].isna().tolist() == [True, True, True]
    scales = scale_reliability(
        ANSWERS.assign(spur=3), {"a": ("plan", "spur"), "b": ("order",)}
    )
    # A constant item adds no variance: 2 (1 - 1).
    assert scales.loc["a", "alpha"] == pytest.approx(0, abs=1e-12)
    assert scales.loc["a":"b", "mean_correlation"].isna().all()
    assert np.isnan(scales.loc["b", "alpha"])


@pytest.mark.parametrize("kind", [pl.DataFrame, np.asarray, "nullable", "masked"])
def test_tables_of_all_kinds_give_the_same(kind):
    answers = with_gaps(share=0.1)
    if kind == "nullable":
        table = answers.astype("Int64")
    elif kind == "masked":
        table = np.ma.masked_invalid(answers.to_numpy())
    else:
        table = kind(
            {n: list(answers[n]) for n in answers} if kind is pl.DataFrame else answers
        )
    assert cronbach_alpha(table) == pytest.approx(cronbach_alpha(answers), rel=1e-12)
    assert kaiser_meyer_olkin(table)[0] == pytest.approx(
        kaiser_meyer_olkin(answers)[0], rel=1e-12
    )


# -- factorability -------------------------------------------------------------------


def test_kaiser_meyer_olkin_of_two_items_is_a_half():
    # Nothing is left to be partialled out: partial and plain correlation are equal.
    overall, items = kaiser_meyer_olkin(with_gaps(items=2))
    assert overall == pytest.approx(0.5)
    assert items.tolist() == pytest.approx([0.5, 0.5])


def test_kaiser_meyer_olkin_of_equal_correlations_on_paper():
    # Three items correlated .5: partial correlations (.5 - .25) / (1 - .25) = 1/3.
    answers, _ = planted([[np.sqrt(0.5)]] * 3)
    overall, _ = kaiser_meyer_olkin(answers)
    assert overall == pytest.approx(0.25 / (0.25 + 1 / 9))


def test_bartletts_test_keeps_its_level():
    rng = np.random.default_rng(0)
    found = [bartlett_sphericity(rng.normal(size=(60, 5)))[2] for _ in range(300)]
    # 300 p-values of a true hypothesis: 15 ± 3.8 below .05.
    assert 4 <= np.count_nonzero(np.array(found) < 0.05) <= 27


def test_chance_eigenvalues_have_the_closed_form_mean():
    # They sum to the number of items; squares sum to items + pairs' squares, and a
    # squared sample correlation of independent normals has mean 1 / (n - 1).
    drawn = _chance_eigenvalues(8, 50, 4000, 0)
    np.testing.assert_allclose(drawn.sum(axis=1), 8)
    assert np.mean(np.sum(drawn**2, axis=1)) == pytest.approx(8 + 56 / 49, abs=0.02)


@pytest.mark.parametrize("seed", range(5))
def test_parallel_analysis_finds_the_planted_factors_and_none_in_noise(seed):
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(300, 2)) @ np.transpose(TWO_FACTORS)
    noise = rng.normal(size=factors.shape)
    assert parallel_analysis(factors + noise)["kept"].sum() == 2
    kept = parallel_analysis(noise, quantile=0.999)["kept"]
    assert kept.sum() == 0


def test_parallel_analysis_repeats_with_a_seed():
    answers = with_gaps()
    first = parallel_analysis(answers, n_draws=50)
    pd.testing.assert_frame_equal(first, parallel_analysis(answers, n_draws=50))
    other = parallel_analysis(answers, n_draws=50, random_state=1)
    assert not np.allclose(first["chance"], other["chance"])


# -- factors -------------------------------------------------------------------------


def test_planted_loadings_come_back():
    answers, _ = planted(TWO_FACTORS)
    factors = factor_analysis(answers, 2)
    # Factors come by the variance they account for, which is the same here.
    order = [0, 1] if abs(factors.loadings.iloc[0, 0]) > 0.5 else [1, 0]
    np.testing.assert_allclose(
        factors.loadings.to_numpy()[:, order], TWO_FACTORS, atol=2e-3
    )
    assert factors.discrepancy < 1e-8
    assert factors.df == 13
    assert factors.n_customers == 4000
    assert factors.retained_variance == pytest.approx(
        np.mean(np.square(TWO_FACTORS)) * 2, abs=1e-4
    )


def test_correlated_factors_come_back_by_promax():
    between = np.array([[1, 0.4], [0.4, 1]])
    clean = np.abs(TWO_FACTORS)
    answers, R = planted(clean, between)
    factors = factor_analysis(answers, 2, rotation="promax")
    L, found = factors.loadings.to_numpy(), factors.factor_correlations.to_numpy()
    np.testing.assert_allclose(
        L @ found @ L.T + np.diag(factors.uniquenesses), R, atol=1e-4
    )
    np.testing.assert_allclose(np.diag(found), 1)
    assert found[0, 1] == pytest.approx(0.4, abs=0.06)
    np.testing.assert_allclose(found, found.T)
    small = np.where(clean[:, np.argsort(-np.abs(L[0]))] == 0, np.abs(L), 0)
    assert small.max() < 0.06


def test_polychoric_correlations_undo_coarse_answers():
    loadings = np.array([[0.8], [0.75], [0.7], [0.65], [0.6]])
    answers, _ = planted(loadings, rows=20_000)
    yes = answers > [0.0, 0.5, -0.5, 1.0, 0.2]
    latent = factor_analysis(yes, 1, correlation="polychoric").loadings
    np.testing.assert_allclose(latent, loadings, atol=0.03)
    assert (factor_analysis(yes, 1).loadings.to_numpy() < loadings - 0.1).all()


def test_maximum_likelihood_is_the_best_of_several_searches():
    R = with_gaps(seed=3, rows=120, share=0).corr().to_numpy()

    def discrepancy(parameters):
        L = parameters[:12].reshape(6, 2)
        S = L @ L.T + np.diag(parameters[12:] ** 2 + 0.005)
        fit = np.linalg.slogdet(S)[1] + np.trace(np.linalg.solve(S, R)) - 6
        return fit - np.linalg.slogdet(R)[1]

    rng = np.random.default_rng(0)
    best = min(
        minimize(discrepancy, rng.normal(0, 0.7, 18), method="BFGS").fun
        for _ in range(4)
    )
    _, uniquenesses, found = maximum_likelihood(R, 2)
    assert found == pytest.approx(best, abs=1e-6)
    assert (uniquenesses >= 0.005).all()


def test_varimax_is_that_of_another_library():
    answers = with_gaps(rows=400, items=9, seed=5, share=0)
    plain = FactorAnalysis(3, svd_method="lapack").fit(answers).components_.T
    other = FactorAnalysis(3, svd_method="lapack", rotation="varimax").fit(answers)
    mine, rotation = varimax(plain, normalize=False)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(mine, plain @ rotation)
    likeness = np.abs(mine.T @ other.components_.T)
    matched = likeness.argmax(axis=1)
    assert sorted(matched) == [0, 1, 2]
    np.testing.assert_allclose(
        np.abs(mine), np.abs(other.components_.T[:, matched]), atol=2e-3
    )


def test_kaisers_normalisation_weighs_items_alike():
    rng = np.random.default_rng(1)
    loadings = rng.normal(size=(8, 2)) * rng.uniform(0.1, 1, (8, 1))
    _, rotation = varimax(loadings)
    lengths = np.linalg.norm(loadings, axis=1, keepdims=True)
    # Of all angles none makes squared loadings of unit items vary more.
    angles = np.linspace(0, np.pi / 2, 2001)
    turns = np.array(
        [[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]
    )
    squares = np.einsum("ij,jka->aik", loadings / lengths, turns) ** 2
    best = squares.var(axis=1).sum(axis=1).max()
    found = ((loadings @ rotation / lengths) ** 2).var(axis=0).sum()
    assert found == pytest.approx(best, rel=1e-6)


def test_promax_by_its_definition():
    loadings = factor_analysis(
        planted(np.abs(TWO_FACTORS), np.array([[1, 0.4], [0.4, 1]]))[0],
        2,
        rotation=None,
    ).loadings.to_numpy()
    pattern, between = promax(loadings)
    V, _ = varimax(loadings)
    # Normal equations of each column's regression on the target, unit factors.
    T = np.linalg.inv(V.T @ V) @ V.T @ (np.sign(V) * V**4)
    T = T @ np.diag(np.sqrt(np.diag(np.linalg.inv(T.T @ T))))
    np.testing.assert_allclose(pattern, V @ T, atol=1e-10)
    np.testing.assert_allclose(between, np.linalg.inv(T.T @ T), atol=1e-10)


@pytest.mark.parametrize("rotation", ["varimax", "promax", None])
def test_score_weights(rotation):
    rng = np.random.default_rng(2)
    answers = rng.normal(size=(400, 2)) @ np.transpose(TWO_FACTORS)
    answers += 0.7 * rng.normal(size=answers.shape)
    thurstone = factor_analysis(answers, 2, rotation=rotation)
    R = np.corrcoef(answers.T)
    L, between = thurstone.loadings.to_numpy(), thurstone.factor_correlations.to_numpy()
    # Regression of the factors on the items, from the sample's own correlations.
    np.testing.assert_allclose(
        thurstone.score_weights, np.linalg.solve(R, L @ between), atol=1e-4
    )
    bartlett = factor_analysis(answers, 2, rotation=rotation, scores="bartlett")
    # Unbiased: of an item that follows its factors exactly, the factors come back.
    np.testing.assert_allclose(
        bartlett.score_weights.to_numpy().T @ L, np.eye(2), atol=1e-10
    )


def test_factors_are_ordered_and_point_the_way_of_their_items():
    answers, _ = planted(-np.array(TWO_FACTORS) * [0.8, 1.0])
    loadings = factor_analysis(answers, 2).loadings
    squares = (loadings**2).sum()
    assert squares.iloc[0] > squares.iloc[1]
    assert (loadings.sum() > 0).all()
    assert list(loadings.columns) == ["factor_1", "factor_2"]
    assert list(loadings.index) == [f"x{i}" for i in range(8)]


def test_an_item_without_a_variance_of_its_own_is_named():
    # The squared loading of the first would be .9 x .8 / .6 = 1.2.
    R = np.array([[1, 0.9, 0.8], [0.9, 1, 0.6], [0.8, 0.6, 1]])
    answers = exactly(R)
    with pytest.warns(SegmentWarning, match="Got none for 'x0' instead, held at 0.005"):
        factors = factor_analysis(answers, 1)
    assert factors.uniquenesses["x0"] == 0.005


# -- what cannot be ------------------------------------------------------------------


@pytest.mark.parametrize(
    "function", [kaiser_meyer_olkin, bartlett_sphericity, parallel_analysis]
)
@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (
            ANSWERS[["plan"]],
            ValueError,
            "Items must be two or more to be correlated. Got 1 instead.",
        ),
        (
            ANSWERS.assign(spur=3),
            DegenerateFitError,
            "Items must be answered in different ways by customers. Got one answer "
            "only in 'spur' instead. Leave them out.",
        ),
        (
            ANSWERS.assign(both=ANSWERS["plan"] + ANSWERS["order"]),
            DegenerateFitError,
            "Items must not be sums of other items. Got correlations of rank 3 for 4 "
            "items instead.",
        ),
        (
            ANSWERS.sub(ANSWERS.mean(axis=1), axis=0),
            DegenerateFitError,
            "Got correlations of rank 2 for 3 items instead. Ipsatised items have one "
            "dimension less than items: leave one out.",
        ),
        (
            ANSWERS.assign(
                plan=[1, 2, 3, np.nan, np.nan], order=[np.nan, np.nan, 1, 2, 3]
            ),
            DegenerateFitError,
            "by the same customers. Got none such for 'plan' and 'order' instead.",
        ),
        (
            ANSWERS.assign(spur=list("abcde")),
            SchemaError,
            "Column 'spur' must hold numbers. Got text in 5 of 5 rows (first: row 0)",
        ),
        (
            ANSWERS.assign(spur=["1", "2", "4", "4", "4"]),
            SchemaError,
            "Column 'spur' must hold numbers. Got numbers written as text in 5 of 5",
        ),
        (
            ANSWERS.assign(spur=np.nan),
            DataQualityError,
            "Got only missing values in 'spur' instead.",
        ),
        (
            ANSWERS.assign(spur=np.inf),
            DataQualityError,
            "Column 'spur' must hold finite numbers.",
        ),
    ],
)
def test_tables_without_correlations(function, table, error, message):
    with pytest.raises(error, match=re.escape(message)):
        function(table)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda X: factor_analysis(X, 4),
            "n_factors must be from 1 to 3 for 6 items. Got 4 instead.",
        ),
        (
            lambda X: factor_analysis(X, 0),
            "n_factors must be from 1 to 3 for 6 items. Got 0 instead.",
        ),
        (
            lambda X: factor_analysis(X, 1, rotation="oblimin"),
            "rotation must be one of 'varimax', 'promax', None. Got 'oblimin' instead.",
        ),
        (
            lambda X: factor_analysis(X, 1, correlation="spearman"),
            "correlation must be one of 'pearson', 'polychoric'. Got 'spearman'",
        ),
        (
            lambda X: factor_analysis(X, 1, scores="sum"),
            "scores must be one of 'regression', 'bartlett'. Got 'sum' instead.",
        ),
        (
            lambda X: parallel_analysis(X, n_draws=0),
            "n_draws must be 1 or more. Got 0 instead.",
        ),
        (
            lambda X: parallel_analysis(X, quantile=1),
            "quantile must be between 0 and 1. Got 1 instead.",
        ),
        (
            lambda X: cronbach_alpha(X, reverse=("z",)),
            "reverse must name columns of the table. Got 'z' instead.",
        ),
        (
            lambda X: scale_reliability(X, {"s": ("q0", "z")}),
            "scales must name columns of the table. Got 'z' instead.",
        ),
        (
            lambda X: factor_analysis(X + np.random.default_rng(0).random(X.shape), 1,
                                      correlation="polychoric"),
            "Items must have at most 20 different answers for polychoric correlations.",
        ),
    ],
)  # fmt: skip
def test_parameters_out_of_range(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call(with_gaps(share=0))


def test_items_with_nothing_in_common_have_no_factors():
    noise = np.random.default_rng(2).normal(size=(300, 6))
    with pytest.raises(DegenerateFitError, match="Got no factor beyond chance"):
        factor_analysis(noise)


# -- straight lines and haste --------------------------------------------------------


def test_flags_on_paper():
    table = pd.DataFrame(
        [
            [1, 1, 1, 1, 1, 20.0],  # one answer to all
            [1, 1, np.nan, 1, 2, 20.0],  # a skipped item does not end the run of 3
            [1, 2, 1, 2, 1, 9.9],  # 1.98 seconds an answer
            [3, np.nan, np.nan, np.nan, 3, np.nan],  # two answers are no line
            [np.nan] * 5 + [1.0],  # nothing
        ],
        columns=["a", "b", "c", "d", "e", "time"],
        index=list("vwxyz"),
    )
    flags = flag_responses(table, seconds="time")
    assert flags["answered"].tolist() == [5, 4, 5, 2, 0]
    assert flags["longest_run"].tolist() == [5, 3, 1, 2, 0]
    np.testing.assert_allclose(
        flags["sd"], [0, np.sqrt(3) / 4, np.sqrt(0.24), 0, np.nan]
    )
    np.testing.assert_allclose(
        flags["seconds_per_answer"], [4, 5, 1.98, np.nan, np.nan]
    )
    assert flags["straight_liner"].tolist() == [True, False, False, False, False]
    assert flags["speeder"].tolist() == [False, False, True, False, False]
    assert flags["flagged"].tolist() == [True, False, True, False, False]
    assert list(flags.index) == list("vwxyz")
    longer = flag_responses(table.drop(columns="time"), max_run=3)
    assert longer["straight_liner"].tolist() == [True, True, False, False, False]
    assert "speeder" not in longer
    slower = flag_responses(table, seconds="time", min_seconds=4.5)
    assert slower["speeder"].tolist() == [True, False, True, False, False]


def test_flags_do_not_depend_on_the_batch_or_the_kind_of_table():
    answers = with_gaps(rows=40)
    times = np.random.default_rng(0).uniform(5, 40, 40)
    flags = flag_responses(answers, seconds=times)
    for row in (0, 7, 39):
        alone = flag_responses(answers.iloc[[row]], seconds=times[[row]])
        pd.testing.assert_frame_equal(alone, flags.iloc[[row]])
    for table in (
        answers.to_numpy(),
        pl.from_dict({n: list(answers[n]) for n in answers}),
    ):
        pd.testing.assert_frame_equal(flag_responses(table, seconds=times), flags)
    by_name = flag_responses(answers.assign(time=times), seconds="time")
    pd.testing.assert_frame_equal(by_name, flags)


def test_planted_straight_liners_are_found():
    simulated = make_customers(600, n_segments=3, random_state=1)
    answers = simulated.customers[list(simulated.item_columns)]
    flags = flag_responses(answers)
    planted_ones = simulated.truth["straight_liner"]
    assert planted_ones.sum() > 15
    np.testing.assert_array_equal(flags["straight_liner"], planted_ones)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"seconds": "time"},
            SchemaError,
            "seconds must name a column beside the items. Got 'time' instead. There "
            "are 'plan', 'order', 'spur'.",
        ),
        (
            {"seconds": [1.0, 2.0]},
            SchemaError,
            "seconds must have one time for each of 5 customers. Got shape (2,)",
        ),
        (
            {"seconds": [1.0, 2.0, 0.0, -3.0, 4.0]},
            DataQualityError,
            "Times must be positive numbers of seconds. Got others in 2 of 5 rows "
            "(first: row 2) instead.",
        ),
        ({"max_run": 1}, ValueError, "max_run must be 2 or more, or None. Got 1"),
        ({"min_seconds": 0}, ValueError, "min_seconds must be positive. Got 0"),
    ],
)
def test_flags_that_cannot_be(options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        flag_responses(ANSWERS, **options)
