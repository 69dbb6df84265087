"""Axes, classification functions and Wilks' lambda against published figures."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway
from sklearn.datasets import load_iris, load_wine
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.utils.extmath import row_norms

from custseg.assignment import DiscriminantAssigner
from custseg.assignment._discriminant_tables import raos_f
from custseg.exceptions import SchemaError

IRIS = load_iris(as_frame=True)
WINE = load_wine(as_frame=True)


@pytest.fixture(scope="module")
def iris():
    return DiscriminantAssigner().fit(IRIS.data, IRIS.target)


class TestAxes:
    def test_iris_in_mass(self, iris):
        # Printed by R's MASS for lda(Species ~ ., iris), up to the sign of an axis;
        # the same numbers in Venables and Ripley's S-PLUS.
        axes = iris.discriminant_axes()
        expected = [
            [-0.8293776, 0.02410215],
            [-1.5344731, 2.16452123],
            [2.2012117, -0.93192121],
            [2.8104603, 2.83918785],
        ]
        np.testing.assert_allclose(axes.coefficients, expected, atol=5e-8)
        assert axes.explained["share"].round(4).tolist() == [0.9912, 0.0088]
        assert axes.explained["cumulative_share"].iloc[-1] == pytest.approx(1)

    def test_iris_in_sas(self, iris):
        # SAS/STAT User's Guide, The CANDISC Procedure, Example 1: eigenvalues,
        # canonical correlations, pooled within canonical structure, and squared
        # Mahalanobis distances between species.
        axes = iris.discriminant_axes()
        explained = axes.explained
        assert explained["eigenvalue"].round(4).tolist() == [32.1919, 0.2854]
        correlations = explained["canonical_correlation"].round(6)
        assert correlations.tolist() == [0.984821, 0.471197]
        structure = [
            [0.222596, 0.310812],
            [-0.119012, 0.863681],
            [0.706065, 0.167701],
            [0.633178, 0.737242],
        ]
        np.testing.assert_allclose(axes.structure, structure, atol=5e-7)
        places = axes.segment_places.to_numpy()
        pairs = [(0, 1), (0, 2), (1, 2)]
        squared = [
            row_norms([places[a] - places[b]], squared=True)[0] for a, b in pairs
        ]
        np.testing.assert_allclose(squared, [89.86419, 179.38471, 17.20107], atol=5e-6)

    def test_places_have_variance_one_within_segments(self, iris):
        places = iris.discriminant_places(IRIS.data)
        means = np.array([places[IRIS.target == k].mean(axis=0) for k in range(3)])
        axes = iris.discriminant_axes()
        np.testing.assert_allclose(means, axes.segment_places, atol=1e-12)
        residuals = places - means[IRIS.target]
        np.testing.assert_allclose(residuals.T @ residuals / 147, np.eye(2), atol=1e-12)
        np.testing.assert_allclose(
            axes.standardized,
            axes.coefficients.mul(np.sqrt(np.diag(iris.covariances_[0])), axis=0),
        )

    def test_places_equal_scikit_learns(self):
        theirs = LinearDiscriminantAnalysis().fit_transform(WINE.data, WINE.target)
        fitted = DiscriminantAssigner().fit(WINE.data, WINE.target)
        ours = fitted.discriminant_places(WINE.data)
        for axis in range(2):
            r = np.corrcoef(ours[:, axis], theirs[:, axis])[0, 1]
            assert abs(r) == pytest.approx(1, abs=1e-10)

    def test_one_axis_of_two_segments_and_columns_kept(self):
        fitted = DiscriminantAssigner("quadratic", columns="stepwise")
        fitted.fit(WINE.data, WINE.target == 1)
        axes = fitted.discriminant_axes()
        assert axes.coefficients.index.tolist() == fitted.columns_.tolist()
        assert axes.explained["share"].tolist() == [1]
        linear = DiscriminantAssigner().fit(
            WINE.data[fitted.columns_], WINE.target == 1
        )
        np.testing.assert_allclose(
            axes.coefficients, linear.discriminant_axes().coefficients, rtol=1e-8
        )


class TestClassificationFunctions:
    def test_iris(self):
        # Fisher's functions of iris with even priors, as SPSS and Statistica print
        # them (there with log(1/3) = -1.0986 in the constants).
        fitted = DiscriminantAssigner(priors="uniform").fit(IRIS.data, IRIS.target)
        table = fitted.classification_functions()
        expected = [
            [-86.308, -72.853, -104.368],
            [23.544, 15.698, 12.446],
            [23.588, 7.073, 3.685],
            [-16.431, 5.211, 12.767],
            [-17.398, 6.434, 21.079],
        ]
        np.testing.assert_allclose(table, expected, atol=6e-4)
        assert table.index.tolist() == ["(constant)", *IRIS.data.columns]
        assert table.columns.tolist() == [0, 1, 2]

    @pytest.mark.parametrize("columns", ["all", "stepwise"])
    @pytest.mark.parametrize("shrinkage", [None, 0.3])
    def test_a_spreadsheet_gives_the_same_answers(self, columns, shrinkage):
        y = np.array(["c", "a", "b"])[WINE.target]
        fitted = DiscriminantAssigner(columns=columns, shrinkage=shrinkage)
        fitted.fit(WINE.data, y)
        table = fitted.classification_functions()
        products = WINE.data[table.index[1:]].to_numpy() @ table.iloc[1:].to_numpy()
        scores = products + table.iloc[0].to_numpy()
        answers = table.columns[scores.argmax(axis=1)]
        np.testing.assert_array_equal(answers, fitted.predict(WINE.data))
        log_odds = fitted.predict_log_proba(WINE.data)
        np.testing.assert_allclose(
            scores - scores[:, :1], log_odds - log_odds[:, :1], atol=1e-7
        )

    @pytest.mark.parametrize("kind", ["quadratic", "regularized"])
    def test_linear_only(self, kind):
        fitted = DiscriminantAssigner(kind).fit(IRIS.data, IRIS.target)
        message = (
            "Classification functions must be those of a linear discriminant. Got "
            f"kind='{kind}' instead"
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            fitted.classification_functions()


class TestWilks:
    def test_iris_in_r_and_sas(self, iris):
        # R: summary(manova(as.matrix(iris[, 1:4]) ~ iris$Species), test = "Wilks"):
        # Wilks 0.023439, approx F 199.15, df 8 and 288. SAS/STAT User's Guide, The
        # CANDISC Procedure, Example 1: 0.02343863, 199.15, and univariate F.
        test = iris.wilks()
        assert round(test.model["wilks"], 8) == 0.02343863
        assert round(test.model["f"], 3) == 199.145
        assert test.model[["df1", "df2"]].tolist() == [8, 288]
        assert test.columns["f"].round(2).tolist() == [119.26, 49.16, 1180.16, 960.01]
        # The step that entered sepal length last, by SAS's STEPDISC (Example 1).
        assert round(test.columns["partial_f"].iloc[0], 2) == 4.72
        assert test.columns["partial_df2"].tolist() == [144] * 4

    def test_partial_lambda_is_what_leaving_out_a_column_costs(self, iris):
        test = iris.wilks()
        for column in IRIS.data:
            others = IRIS.data.drop(columns=column)
            without = DiscriminantAssigner().fit(others, IRIS.target).wilks()
            assert test.columns.loc[column, "partial_wilks"] == pytest.approx(
                test.model["wilks"] / without.model["wilks"]
            )

    def test_univariate_tests_equal_scipys(self):
        fitted = DiscriminantAssigner().fit(WINE.data, WINE.target)
        columns = fitted.wilks(learned_on=[]).columns
        groups = [WINE.data[WINE.target == k] for k in range(3)]
        f, p = f_oneway(*groups)
        np.testing.assert_allclose(columns["f"], f)
        np.testing.assert_allclose(columns["p_value"], p, rtol=1e-6)

    def test_raos_f_is_exact_for_two_segments(self):
        # Hotelling: F = (1 - L) / L (n - p - 1) / p.
        assert raos_f(0.5, 30, 4, 2) == pytest.approx((6.25, 4, 25))
        # For one column it is the F of an analysis of variance.
        assert raos_f(0.5, 30, 1, 4) == pytest.approx((26 / 3, 3, 26))
        assert raos_f(0.0, 30, 2, 3)[0] == np.inf

    def test_p_values_only_where_segments_were_not_learned(self, iris):
        learned = ["petal length (cm)"]
        columns = iris.wilks(learned_on=learned).columns
        assert columns["p_value"].isna().tolist() == [False, False, True, False]
        assert columns["partial_p_value"].isna().tolist() == [False, False, True, False]
        assert np.isnan(iris.wilks(learned_on=learned).model["p_value"])
        assert iris.wilks(learned_on=[]).model["p_value"] < 1e-90
        unknown = iris.wilks()
        assert unknown.columns[["p_value", "partial_p_value"]].isna().all(axis=None)
        assert np.isnan(unknown.model["p_value"])

    @pytest.mark.parametrize("columns", ["stepwise", "penalized"])
    def test_no_p_values_of_columns_that_were_chosen(self, columns):
        fitted = DiscriminantAssigner(columns=columns).fit(WINE.data, WINE.target)
        test = fitted.wilks(learned_on=[])
        assert test.columns["p_value"].isna().all()
        assert test.columns["wilks"].notna().all()
        left_out = ~fitted.support_
        assert test.columns["partial_wilks"].isna().tolist() == left_out.tolist()

    def test_no_p_values_of_probabilities(self):
        proba = np.full((150, 3), 0.1)
        proba[np.arange(150), IRIS.target] = 0.8
        soft = DiscriminantAssigner().fit(IRIS.data, IRIS.target, segment_proba=proba)
        assert soft.wilks(learned_on=[]).columns["p_value"].isna().all()

    def test_p_values_hold_their_level(self):
        # In full: benchmarks/simulations/wilks.py.
        # Segments given from elsewhere: 150 tables, 5 columns each. Of 750 p-values
        # .05 +- .026 (3.29 standard errors, columns of a table being independent) lie
        # below .05. Segments learned on a column: nearly all would.
        rng = np.random.default_rng(0)
        given, partial, learned = [], [], []
        for i in range(150):
            X = rng.normal(size=(60, 5))
            y = rng.permutation(np.repeat([0, 1, 2], 20))
            columns = DiscriminantAssigner().fit(X, y).wilks(learned_on=[]).columns
            given += (columns["p_value"] < 0.05).tolist()
            partial += (columns["partial_p_value"] < 0.05).tolist()
            if i % 5:  # a few are enough to see nearly all of them below
                continue
            cut = pd.qcut(X[:, 0], 3, labels=False)
            fitted = DiscriminantAssigner().fit(X, cut)
            learned.append(fitted.wilks(learned_on=[]).columns["p_value"][0] < 0.05)
        assert np.mean(given) == pytest.approx(0.05, abs=0.026)
        assert np.mean(partial) == pytest.approx(0.05, abs=0.026)
        assert np.mean(learned) > 0.99

    def test_names_must_be_columns(self, iris):
        message = "learned_on must name columns of the table. Got 'spend' instead."
        with pytest.raises(SchemaError, match=re.escape(message)):
            iris.wilks(learned_on=["spend"])

    def test_decisive_and_collinear_columns(self):
        rng = np.random.default_rng(0)
        y = np.repeat([0, 1, 2], 20)
        noise = rng.normal(size=60) + y
        X = np.column_stack([noise, y == 2, np.ones(60), 2 * noise])
        test = DiscriminantAssigner().fit(X, y).wilks()
        assert test.model["wilks"] == 0
        assert test.columns["wilks"].round(3).isna().tolist() == [0, 0, 1, 0]
        assert test.columns["wilks"][1] == 0
        assert test.columns["partial_wilks"].isna().tolist() == [0, 1, 1, 1]
