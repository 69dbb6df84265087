"""The 25 personality items of bfi: published figures and independent computations.

Missing answers are present throughout: 364 of 2,800 respondents left an item out.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.decomposition import FactorAnalysis

from custseg.exceptions import SegmentWarning
from custseg.features import PsychographicTransformer
from custseg.surveys import (
    bartlett_sphericity,
    cronbach_alpha,
    factor_analysis,
    item_statistics,
    kaiser_meyer_olkin,
    mcdonald_omega,
    parallel_analysis,
    scale_reliability,
)

REVERSED = ("A1", "C4", "C5", "E1", "E2", "O2", "O5")
SCALES = {scale: tuple(f"{scale}{i}" for i in range(1, 6)) for scale in "ACENO"}


@pytest.fixture(scope="module")
def bfi():
    return pd.read_csv(Path(__file__).parent / "data" / "bfi.csv")


@pytest.fixture(scope="module")
def keyed(bfi):
    turned = {item: 7 - bfi[item] for item in REVERSED}
    return bfi.assign(**turned)


def test_the_answers_have_gaps(bfi):
    assert bfi.shape == (2800, 25)
    assert bfi.isna().any(axis=1).sum() == 364
    assert bfi.isna().any().sum() == 24


class TestReliability:
    # Raw alphas as psych 2.x prints them for these scales, help page of `bfi` and of
    # `scoreItems` (raw, pairwise covariances).
    PUBLISHED = {"A": 0.70, "C": 0.73, "E": 0.76, "N": 0.81, "O": 0.60}

    @pytest.mark.parametrize("scale", SCALES)
    def test_alpha(self, bfi, keyed, scale):
        items = list(SCALES[scale])
        alpha = cronbach_alpha(
            bfi[items], reverse=[item for item in items if item in REVERSED]
        )
        assert round(alpha, 2) == self.PUBLISHED[scale]
        # From the variance of sums of complete answers, and from pandas' covariances.
        complete = keyed[items].dropna()
        of_sums = complete.sum(axis=1).var()
        assert alpha == pytest.approx(
            5 / 4 * (1 - complete.var().sum() / of_sums), abs=0.01
        )
        covariances = keyed[items].cov().to_numpy()
        assert alpha == pytest.approx(
            5 / 4 * (1 - np.trace(covariances) / covariances.sum()), rel=1e-10
        )

    def test_items_of_a_scale(self, bfi, keyed):
        table = item_statistics(bfi, SCALES, points=(1, 6), reverse=REVERSED)
        assert list(table.index) == list(bfi)
        for item, row in table.iterrows():
            others = [other for other in SCALES[row["scale"]] if other != item]
            complete = keyed[[item, *others]].dropna()
            rest = np.corrcoef(complete[item], complete[others].sum(axis=1))[0, 1]
            # Complete answers here, all pairs there.
            assert row["item_rest_correlation"] == pytest.approx(rest, abs=0.01)
            of_rest = cronbach_alpha(keyed[others])
            assert row["alpha_if_dropped"] == pytest.approx(of_rest, rel=1e-10)
            assert row["mean"] == pytest.approx(keyed[item].mean())
            assert row["sd"] == pytest.approx(keyed[item].std())
            assert row["answered"] == pytest.approx(keyed[item].notna().mean())

    def test_omega_from_another_fit_of_one_factor(self, keyed):
        for items in SCALES.values():
            R = keyed[list(items)].corr().to_numpy()
            factor = FactorAnalysis(
                1, tol=1e-10, max_iter=5000, svd_method="lapack"
            ).fit(table_of(R))
            sds = keyed[list(items)].std().to_numpy()
            common = (factor.components_[0] @ sds) ** 2
            unique = factor.noise_variance_ @ sds**2
            assert mcdonald_omega(keyed[list(items)]) == pytest.approx(
                common / (common + unique), abs=1e-5
            )

    def test_the_transformer_keeps_the_same_figures(self, bfi):
        fitted = PsychographicTransformer(
            scales=SCALES, reverse=REVERSED, points=(1, 6)
        ).fit(bfi)
        expected = scale_reliability(bfi, SCALES, reverse=REVERSED)
        pd.testing.assert_frame_equal(fitted.reliability_, expected)
        assert expected["alpha"].round(2).to_dict() == self.PUBLISHED


class TestFactorability:
    # R's psych, KMO(bfi[1:25]): overall MSA .85.
    MSA = [
        0.74,
        0.84,
        0.87,
        0.87,
        0.90,
        0.83,
        0.79,
        0.85,
        0.82,
        0.86,
        0.83,
        0.88,
        0.89,
    ] + [0.87, 0.89, 0.78, 0.78, 0.86, 0.88, 0.86, 0.85, 0.78, 0.84, 0.76, 0.76]

    def test_kaiser_meyer_olkin(self, bfi):
        overall, items = kaiser_meyer_olkin(bfi)
        assert round(overall, 2) == 0.85
        np.testing.assert_array_equal(items.round(2), self.MSA)
        assert list(items.index) == list(bfi)

    def test_kaiser_meyer_olkin_from_residuals(self, bfi):
        # A partial correlation is one of what regression on the other items leaves.
        complete = bfi.dropna()
        Z = (complete - complete.mean()).to_numpy()
        squares, partial_squares = np.zeros((2, 25, 25))
        for i, j in zip(*np.triu_indices(25, 1), strict=True):
            others = np.delete(Z, [i, j], axis=1)
            gram, pair = others.T @ others, Z[:, [i, j]]
            left = pair - others @ np.linalg.solve(gram, others.T @ pair)
            partial_squares[i, j] = np.corrcoef(left.T)[0, 1] ** 2
            squares[i, j] = np.corrcoef(pair.T)[0, 1] ** 2
        overall, items = kaiser_meyer_olkin(complete)
        share = squares.sum() / (squares.sum() + partial_squares.sum())
        assert overall == pytest.approx(share, rel=1e-10)
        squares, partial_squares = (
            squares + squares.T,
            partial_squares + partial_squares.T,
        )
        shares = squares.sum(0) / (squares.sum(0) + partial_squares.sum(0))
        np.testing.assert_allclose(items, shares, rtol=1e-10)

    def test_bartlett(self, bfi):
        statistic, df, pvalue = bartlett_sphericity(bfi)
        # R's psych, fa(bfi[1:25], ...): "null model = 300 with ... Chi Square =
        # 20163.79".
        assert (round(statistic, 2), df) == (20163.79, 300)
        assert pvalue == 0
        eigenvalues = np.linalg.eigvalsh(bfi.corr().to_numpy())
        expected = -(2800 - 1 - 55 / 6) * np.log(eigenvalues).sum()
        assert statistic == pytest.approx(expected, rel=1e-10)

    def test_the_probability_of_bartletts_test(self, bfi):
        few = bfi[["A1", "C1", "O1"]].dropna()[:60]
        statistic, df, pvalue = bartlett_sphericity(few)
        determinant = np.linalg.det(few.corr().to_numpy())
        assert statistic == pytest.approx(-(59 - 11 / 6) * np.log(determinant))
        assert df == 3
        assert pvalue == pytest.approx(1 - stats.chi2(3).cdf(statistic))

    def test_parallel_analysis(self, bfi):
        factors = parallel_analysis(bfi)
        np.testing.assert_allclose(
            factors["eigenvalue"], np.linalg.eigvalsh(bfi.corr())[::-1]
        )
        # psych's fa.parallel finds 6 components as well; chance by plain draws of as
        # many customers.
        rng = np.random.default_rng(1)
        drawn = [
            np.linalg.eigvalsh(np.corrcoef(rng.normal(size=(25, 2761))))[::-1]
            for _ in range(100)
        ]
        chance = np.quantile(drawn, 0.95, axis=0)
        np.testing.assert_allclose(factors["chance"], chance, atol=0.012)
        kept = np.logical_and.accumulate(factors["eigenvalue"] > chance)
        assert factors["kept"].sum() == kept.sum() == 6


def table_of(correlations):
    """Rows about zero whose correlations (n in the denominator) are exactly these."""
    values, vectors = np.linalg.eigh(correlations)
    root = np.sqrt(len(values)) * (vectors * np.sqrt(values)) @ vectors.T
    return np.vstack([root, -root])


class TestFactors:
    # R's psych, fa(bfi[1:25], 5, fm = "ml"): h2, whatever the rotation.
    COMMUNALITIES = [
        0.15,
        0.40,
        0.51,
        0.29,
        0.48,
        0.32,
        0.43,
        0.32,
        0.47,
        0.43,
        0.37,
        0.55,
        0.44,
    ] + [0.52, 0.40, 0.71, 0.66, 0.53, 0.48, 0.34, 0.32, 0.24, 0.47, 0.26, 0.27]

    @pytest.mark.parametrize("rotation", ["varimax", "promax", None])
    def test_maximum_likelihood(self, bfi, rotation):
        factors = factor_analysis(bfi, 5, rotation=rotation)
        np.testing.assert_array_equal(
            (1 - factors.uniquenesses).round(2), self.COMMUNALITIES
        )
        # The same output: "df of the model are 185 and the objective function was
        # 0.63", "The total n.obs was 2800 with Likelihood Chi Square = 1749.88",
        # "Cumulative Var 0.41".
        assert (factors.df, round(factors.discrepancy, 2)) == (185, 0.63)
        bartletts_factor = 2800 - 1 - (2 * 25 + 5) / 6 - 2 * 5 / 3
        assert round(factors.discrepancy * bartletts_factor, 2) == 1749.88
        assert round(factors.retained_variance, 2) == 0.41
        L, between = factors.loadings.to_numpy(), factors.factor_correlations
        communalities = np.diag(L @ between.to_numpy() @ L.T)
        np.testing.assert_allclose(communalities, 1 - factors.uniquenesses, atol=1e-4)

    def test_another_fit(self, bfi):
        R = bfi.corr().to_numpy()
        other = FactorAnalysis(5, tol=1e-10, max_iter=20_000, svd_method="lapack").fit(
            table_of(R)
        )
        factors = factor_analysis(bfi, 5, rotation=None)
        np.testing.assert_allclose(
            factors.uniquenesses, other.noise_variance_, atol=2e-4
        )

    @pytest.mark.parametrize("rotation", ["varimax", "promax"])
    @pytest.mark.parametrize("correlation", ["pearson", "polychoric"])
    def test_items_load_on_their_own_factor(self, bfi, rotation, correlation):
        factors = factor_analysis(bfi, 5, rotation=rotation, correlation=correlation)
        highest = factors.loadings.abs().idxmax(axis=1)
        owners = {scale: set(highest[list(items)]) for scale, items in SCALES.items()}
        assert all(len(found) == 1 for found in owners.values()), owners
        assert len(set.union(*owners.values())) == 5
        # Reverse-keyed items load against their scale (all of N are keyed alike).
        for scale, items in SCALES.items():
            signs = np.sign(factors.loadings.loc[list(items), owners[scale].pop()])
            against = [item in REVERSED for item in items]
            assert len(set(signs * np.where(against, -1, 1))) == 1

    def test_polychoric_loadings_are_larger(self, bfi):
        plain = factor_analysis(bfi, 5)
        latent = factor_analysis(bfi, 5, correlation="polychoric")
        assert (latent.uniquenesses < plain.uniquenesses).all()

    def test_factor_scores(self, bfi):
        with pytest.warns(SegmentWarning, match="5 factors that retain 41% of"):
            fitted = PsychographicTransformer(
                reverse=REVERSED, points=(1, 6), output="factors", n_factors=5
            ).fit(bfi)
        scores = fitted.transform(bfi)
        np.testing.assert_allclose(scores.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(scores.var(axis=0), 1)
        scales = PsychographicTransformer(
            scales=SCALES, reverse=REVERSED, points=(1, 6)
        ).fit_transform(bfi)
        # Each factor is nearest to one scale.
        nearest = np.abs(np.corrcoef(scores.T, scales.T)[:5, 5:])
        assert set(nearest.argmax(axis=1)) == set(range(5))
        assert nearest.max(axis=1).min() > 0.8
