"""Latent classes: columns of any kind, gaps, unseen levels, likelihood, scorers."""

import re
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import logsumexp
from scipy.stats import norm, poisson
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg import LatentClassSegmenter, SegmentationModel, compile_scorer
from custseg.cluster import bivariate_residuals, bootstrap_parameters
from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.scoring import load_scorer


def customers(n=600, seed=0, gaps=0.1):
    """Two classes that differ in every kind of column."""
    rng = np.random.default_rng(seed)
    online = rng.random(n) < 0.6
    table = pd.DataFrame(
        {
            "channel": np.where(rng.random(n) < 0.9, online, ~online),
            "city": np.where(
                rng.random(n) < 0.7, np.where(online, "Kiel", "Bonn"), "Ulm"
            ),
            "visits": rng.poisson(np.where(online, 12, 3)).astype(float),
            "spend": rng.normal(np.where(online, 40.0, 60.0), 8),
            "satisfaction": np.where(
                rng.random(n) < 0.8, np.where(online, 5, 2), rng.integers(1, 6, n)
            ),
        }
    )
    table["channel"] = table["channel"].astype(object)
    for name in table:
        table.loc[rng.random(n) < gaps, name] = None
    return table, online


TABLE, ONLINE = customers()


def fitted(table=TABLE, n_components=2, sample_weight=None, **options):
    segmenter = LatentClassSegmenter(n_components, random_state=0, **options)
    return segmenter.fit(table, sample_weight=sample_weight)


def brute_force(segmenter, table):
    """Log-likelihood of each customer, answer by answer."""
    responses = segmenter.item_responses()
    k = len(segmenter.weights_)
    totals = []
    for row in table.to_dict("records"):
        logs = np.log(segmenter.weights_)
        for column, kind in segmenter.distributions_.items():
            value = row[column]
            if pd.isna(value):
                continue
            figures = responses[responses["column"] == column].set_index("figure")
            figures = figures[list(range(k))]
            if kind == "categorical":
                whole = isinstance(value, float) and value == int(value)
                level = str(int(value) if whole else value)
                logs = logs + np.log(figures.loc[level].to_numpy(float))
            elif kind == "poisson":
                logs = logs + poisson(figures.loc["rate"].to_numpy(float)).logpmf(value)
            else:
                mean = figures.loc["mean"].to_numpy(float)
                deviation = figures.loc["standard deviation"].to_numpy(float)
                logs = logs + norm(mean, deviation).logpdf(value)
        totals.append(logsumexp(logs))
    return np.array(totals)


class TestLikelihood:
    def test_of_the_answers_there_are(self):
        segmenter = fitted()
        expected = brute_force(segmenter, TABLE)
        np.testing.assert_allclose(segmenter.score_samples(TABLE), expected)
        assert segmenter.log_likelihood_ == pytest.approx(expected.sum())

    def test_classes_are_found_through_gaps(self):
        for gaps, share in ((0.1, 0.99), (0.4, 0.95)):
            table, online = customers(gaps=gaps)
            table["city"] = table["city"].fillna("Ulm")  # all say something
            right = fitted(table).labels_ == np.where(online, 0, 1)
            assert right.mean() > share

    def test_a_customer_without_answers_is_in_the_largest_class(self):
        empty = pd.DataFrame({name: [None] for name in TABLE})
        segmenter = fitted()
        np.testing.assert_allclose(
            segmenter.predict_proba(empty), [segmenter.weights_], rtol=1e-12
        )
        assert segmenter.score_samples(empty) == pytest.approx(0, abs=1e-12)

    def test_one_class_is_the_columns_themselves(self):
        segmenter = fitted(n_components=1, prior_count=0)
        responses = segmenter.item_responses().set_index(["column", "figure"])[0]
        shares = TABLE["city"].value_counts(normalize=True)
        for level, share in shares.items():
            assert responses["city", level] == pytest.approx(share)
        assert responses["visits", "rate"] == pytest.approx(TABLE["visits"].mean())
        assert responses["spend", "mean"] == pytest.approx(TABLE["spend"].mean())
        deviation = TABLE["spend"].std(ddof=0)
        assert responses["spend", "standard deviation"] == pytest.approx(
            deviation, rel=1e-5
        )

    def test_parameters_are_counted(self):
        # One share; a class has 1 + 2 + 4 levels to itself, a rate, a mean, a variance.
        assert fitted().n_parameters_ == 1 + 2 * (1 + 2 + 4 + 1 + 2)

    def test_prior_count_by_hand(self):
        # Ten yes, ten no, one class, a prior worth two customers of yes and no alike:
        # (7 + 1) / (10 + 2) where seven of ten said yes.
        answers = pd.DataFrame({"a": ["yes"] * 7 + ["no"] * 3})
        one = fitted(answers, 1, prior_count=5)
        # The prior has the shares of all: it changes nothing of one class.
        assert one.item_responses()[0].tolist() == pytest.approx([0.3, 0.7])
        table = pd.DataFrame(
            {"a": ["y"] * 20 + ["n"] * 20, "b": [0.0] * 20 + [9.0] * 20}
        )
        table["b"] += np.tile(np.linspace(-0.5, 0.5, 20), 2)
        two = fitted(table, 2, prior_count=4)
        # Each class has 20 customers and half of four, one of whom says what they do
        # not: 1 / 22.
        shares = two.item_responses().iloc[:2, 3:].to_numpy()
        np.testing.assert_allclose(np.sort(shares[0]), [1 / 22, 21 / 22], atol=1e-6)

    def test_without_a_prior_nothing_is_impossible_to_answer(self):
        answers = [["y", "n"]] * 30 + [["n", "y"]] * 20
        segmenter = fitted(answers, prior_count=0)
        proba = segmenter.predict_proba([["y", "y"]])
        assert np.isfinite(proba).all()
        np.testing.assert_allclose(proba.sum(), 1)


class TestColumns:
    def test_what_is_decided(self):
        table = pd.DataFrame(
            {
                "text": ["a", "b"] * 30,
                "flag": [True, False] * 30,
                "likert": np.tile([1, 2, 3, 4, 5], 12),
                "orders": np.arange(60) % 14,
                "age": 20 + np.arange(60),
                "amount": (np.arange(60) * 37) % 101,
                "spend": np.linspace(0, 9.5, 60),
                "band": pd.Categorical(["lo", "hi"] * 30, ["lo", "hi"], ordered=True),
            }
        )
        assert fitted(table).distributions_ == {
            "text": "categorical",
            "flag": "categorical",
            "likert": "categorical",
            "orders": "poisson",
            "age": "gaussian",
            "amount": "gaussian",
            "spend": "gaussian",
            "band": "categorical",
        }

    def test_what_is_told(self):
        segmenter = fitted(columns={"satisfaction": "gaussian", "visits": "gaussian"})
        assert segmenter.distributions_["satisfaction"] == "gaussian"
        assert segmenter.distributions_["visits"] == "gaussian"
        assert "satisfaction" not in segmenter.levels_

    @pytest.mark.parametrize(
        "form",
        [
            pl.from_pandas,
            lambda table: table.convert_dtypes(),
            lambda table: table.astype({"city": "category"}),
            lambda table: table.assign(city=table["city"] + " "),
        ],
        ids=["polars", "nullable", "category", "trailing space"],
    )
    def test_any_frame_says_the_same(self, form):
        one, other = fitted(), fitted(form(TABLE))
        np.testing.assert_array_equal(one.labels_, other.labels_)
        assert one.log_likelihood_ == pytest.approx(other.log_likelihood_)
        np.testing.assert_array_equal(one.predict(form(TABLE)), one.labels_)

    def test_integer_codes_of_an_array(self):
        codes = np.where(ONLINE[:, np.newaxis], [1, 0, 2], [0, 3, 1])
        segmenter = fitted(codes)
        assert set(segmenter.distributions_.values()) == {"categorical"}
        np.testing.assert_array_equal(segmenter.labels_, np.where(ONLINE, 0, 1))
        # The same code as float or text.
        np.testing.assert_array_equal(segmenter.predict(codes * 1.0), segmenter.labels_)
        np.testing.assert_array_equal(
            segmenter.predict(codes.astype(str)), segmenter.labels_
        )

    def test_codes_do_not_matter(self):
        recoded = TABLE.assign(city=TABLE["city"].map({"Kiel": 7, "Bonn": 1, "Ulm": 3}))
        assert fitted(recoded).log_likelihood_ == pytest.approx(
            fitted().log_likelihood_
        )

    def test_units_of_numbers_change_the_likelihood_by_what_is_known(self):
        scaled = TABLE.assign(spend=TABLE["spend"] * 1e6 + 5e7)
        known = TABLE["spend"].notna().sum() * np.log(1e6)
        one, other = fitted(), fitted(scaled)
        assert other.log_likelihood_ == pytest.approx(one.log_likelihood_ - known)
        np.testing.assert_array_equal(one.labels_, other.labels_)

    def test_unseen_levels_are_missing_and_counted(self):
        segmenter = fitted()
        new = TABLE.head(5).copy()
        new["city"] = ["Jena", "Jena", "Kiel", "Bonn", "Trier"]
        with pytest.warns(
            SegmentWarning, match=re.escape("'city': 3 ('Jena', 'Trier')")
        ):
            found = segmenter.predict_proba(new)
        missing = new.assign(city=[None, None, "Kiel", "Bonn", None])
        np.testing.assert_array_equal(found, segmenter.predict_proba(missing))

    def test_a_table_of_one_customer_or_in_another_order_of_rows(self):
        segmenter = fitted()
        whole = segmenter.predict_proba(TABLE)
        alone = np.vstack([segmenter.predict_proba(TABLE.iloc[[i]]) for i in range(20)])
        np.testing.assert_array_equal(alone, whole[:20])
        order = np.random.default_rng(1).permutation(len(TABLE))
        shuffled = fitted(TABLE.iloc[order])
        np.testing.assert_array_equal(shuffled.labels_, segmenter.labels_[order])


class TestRefusals:
    @pytest.mark.parametrize(
        ("columns", "told", "error", "message"),
        [
            ({"d": pd.to_datetime(["2024-01-01"] * 9)}, None, SchemaError, "dates"),
            (
                {"a": [None] * 9},
                None,
                DataQualityError,
                "Got only missing values in 'a'",
            ),
            (
                {"a": [1.5] * 8 + [np.inf]},
                None,
                DataQualityError,
                "infinite values in 1",
            ),
            ({"a": ["x"] * 9}, {"b": "poisson"}, SchemaError, "columns must name"),
            ({"a": ["x"] * 9}, {"a": "normal"}, ValueError, "'gaussian'. Got 'normal'"),
            (
                {"a": [1.5] + [2] * 8},
                {"a": "poisson"},
                SchemaError,
                "Column 'a' must hold counts, whole numbers of zero or more. Got other "
                "numbers in 1 of 9 rows",
            ),
            ({"a": ["x"] * 9}, {"a": "gaussian"}, SchemaError, "'a' must hold numbers"),
            (
                {"a": [f"{i}.5" for i in range(30)]},
                None,
                SchemaError,
                "Got 30 levels of text that mostly read as numbers instead. Convert it",
            ),
            (
                {"a": [f"2024-05-{i:02d}" for i in range(1, 30)]},
                None,
                SchemaError,
                "29 levels of text that mostly read as dates instead",
            ),
        ],
    )
    def test_columns_that_cannot_be(self, columns, told, error, message):
        segmenter = LatentClassSegmenter(1, columns=told)
        with pytest.raises(error, match=re.escape(message)):
            segmenter.fit(pd.DataFrame(columns))

    def test_an_identifier(self):
        ids = pd.DataFrame({"id": [f"c{i}" for i in range(80)], "x": ["a", "b"] * 40})
        with pytest.raises(DataQualityError, match="80 levels for 80 customers"):
            LatentClassSegmenter(2).fit(ids)

    def test_customers_who_say_nothing_are_told(self):
        table = pd.concat([TABLE, TABLE.head(4)], ignore_index=True).copy()
        table.loc[600:, :] = None
        with pytest.warns(SegmentWarning, match="Got 4 of 604 customers without any"):
            fitted(table)

    def test_numbers_later_as_text(self):
        segmenter = fitted()
        with pytest.raises(SchemaError, match="Column 'spend' must hold numbers"):
            segmenter.predict(TABLE.assign(spend="12,5"))


class TestWeights:
    def test_frequencies_are_repeated_rows(self):
        weights = np.random.default_rng(3).integers(0, 4, len(TABLE))
        options = {"tol": 1e-10}
        weighted = fitted(sample_weight=weights, **options)
        repeated = fitted(TABLE.loc[TABLE.index.repeat(weights)], **options)
        for name in ("log_likelihood_", "bic_", "icl_", "weights_", "segment_sizes_"):
            np.testing.assert_allclose(
                getattr(weighted, name), getattr(repeated, name), rtol=1e-6
            )
        one, other = weighted.item_responses(), repeated.item_responses()
        np.testing.assert_allclose(one[[0, 1]], other[[0, 1]], rtol=1e-4, atol=1e-6)

    def test_order_and_repetition_leave_no_trace(self):
        # Without any classes to find, what is found would depend on the starts.
        rng = np.random.default_rng(0)
        answers = pd.DataFrame(rng.integers(0, 2, (30, 12)).astype(str))
        answers.iloc[::4, 0] = None
        answers["age"] = rng.integers(20, 60, 30) + 0.5
        counts = rng.integers(1, 4, 30)
        repeated = rng.permutation(np.repeat(np.arange(30), counts))
        answers.columns = answers.columns.astype(str)
        weighted = fitted(answers, sample_weight=counts).item_responses()
        plain = fitted(answers.iloc[repeated]).item_responses()
        pd.testing.assert_frame_equal(weighted, plain, check_exact=True)

    def test_sampling_weights_leave_the_number_of_customers(self):
        sampled = fitted(sample_weight=np.full(len(TABLE), 40.0), weights="sampling")
        assert sampled.bic_ == pytest.approx(fitted().bic_)
        assert sampled.segment_sizes_.sum() == pytest.approx(40 * len(TABLE))


class TestScorer:
    @pytest.mark.parametrize("n_segments", [None, 2])
    def test_agrees_with_the_segmenter(self, n_segments, tmp_path):
        segmenter = fitted(n_components=3, n_segments=n_segments)
        scorer = compile_scorer(segmenter)
        expected = segmenter.predict_proba(TABLE)
        np.testing.assert_array_equal(scorer.predict(TABLE), segmenter.labels_)
        np.testing.assert_allclose(scorer.predict_proba(TABLE), expected, atol=1e-12)
        scorer.save(tmp_path / "classes.cscore")
        loaded = load_scorer(tmp_path / "classes.cscore")
        rows = TABLE.head(50).to_dict("records")
        alone = [loaded.predict_proba_one(row) for row in rows]
        np.testing.assert_allclose(alone, expected[:50], atol=1e-12)
        # An unseen level and a missing one say nothing.
        nothing = dict.fromkeys(TABLE.columns)
        shares = segmenter.predict_proba(pd.DataFrame([nothing]))[0]
        unseen = {**nothing, "city": "Jena"}
        np.testing.assert_allclose(loaded.predict_proba_one(unseen), shares)

    def test_at_the_end_of_a_pipeline_and_in_a_model(self):
        spend = TABLE[["spend", "visits"]].fillna(0)
        road = make_pipeline(
            StandardScaler(), LatentClassSegmenter(2, random_state=0)
        ).fit(spend)
        scorer = compile_scorer(road)
        np.testing.assert_array_equal(scorer.predict(spend), road.predict(spend))
        model = SegmentationModel(LatentClassSegmenter(2, random_state=0)).fit(TABLE)
        scorer = compile_scorer(model)
        np.testing.assert_array_equal(scorer.predict(TABLE), model.predict(TABLE))
        assert model.assign(TABLE)["probability"].between(0.5, 1).all()


class TestResiduals:
    def test_pearsons_by_hand(self):
        # One class, so that what is expected is independence. Of 40 customers 10, 10,
        # 5 and 15 are in the four cells; rows and columns have 20, 20 and 15, 25.
        # (10 - 7.5)^2 / 7.5 * 2 + (10 - 12.5)^2 / 12.5 * 2 = 2.6667.
        cells = [("y", "y")] * 10 + [("y", "n")] * 10 + [("n", "y")] * 5
        table = pd.DataFrame(cells + [("n", "n")] * 15, columns=["a", "b"])
        found = bivariate_residuals(fitted(table, 1), table)
        assert found.loc[0, "chi_square"] == pytest.approx(8 / 3, rel=1e-6)
        assert found.loc[0, "df"] == 1
        assert found.loc[0, "n_customers"] == 40

    def test_of_numbers_it_is_their_squared_correlation_by_customers(self):
        rng = np.random.default_rng(0)
        x = rng.normal(size=500)
        table = pd.DataFrame({"x": x, "y": 0.3 * x + rng.normal(size=500)})
        found = bivariate_residuals(fitted(table, 1), table)
        r = np.corrcoef(table["x"], table["y"])[0, 1]
        assert found.loc[0, "chi_square"] == pytest.approx(500 * r**2, rel=1e-4)

    def test_what_classes_explain_has_residuals_of_about_one(self):
        table, _ = customers(4000, seed=5, gaps=0.2)
        found = bivariate_residuals(fitted(table), table)
        assert len(found) == 10
        assert found["residual"].max() < 4
        assert found["residual"].median() < 1.5

    @pytest.mark.parametrize(
        ("one", "other"), [("city", "spend"), ("visits", "spend"), ("city", "visits")]
    )
    def test_the_pair_that_goes_together_comes_first(self, one, other):
        table, _ = customers(3000, seed=6, gaps=0.1)
        rng = np.random.default_rng(0)
        more = rng.normal(size=3000)
        table["spend"] += 6 * more * (other == "spend")
        if one == "visits" or other == "visits":
            table["visits"] += rng.poisson(np.exp(more))
        if one == "city":
            table.loc[(more > 1) & table["city"].notna(), "city"] = "Ulm"
        found = bivariate_residuals(fitted(table), table)
        assert set(found.loc[0, ["column", "other"]]) == {one, other}
        assert found.loc[0, "residual"] > 3 * found.loc[1, "residual"]

    def test_of_another_segmenter_is_refused(self):
        mixture = make_pipeline(StandardScaler())
        with pytest.raises(TypeError, match="must be a fitted GaussianMixture"):
            bivariate_residuals(mixture.fit([[1.0]]), [[1.0]])


class TestIntervals:
    def test_of_one_class_against_the_closed_form(self):
        rng = np.random.default_rng(0)
        n = 2000
        table = pd.DataFrame(
            {
                "yes": rng.random(n) < 0.3,
                "visits": rng.poisson(15, n),
                "spend": rng.normal(50, 10, n),
            }
        )
        segmenter = fitted(table, 1, columns={"visits": "poisson"})
        found = bootstrap_parameters(
            segmenter, table, n_bootstraps=1000, random_state=0
        ).set_index(["figure", "column", "level"])
        p = table["yes"].mean()
        deviation = table["spend"].std()
        # Binomial, mean of a Poisson, mean and deviation of a normal; a thousand draws
        # know a standard error to 1 / sqrt(2000), here with four of those.
        expected = {
            ("probability", "yes", "True"): np.sqrt(p * (1 - p) / n),
            ("rate", "visits", ""): table["visits"].std() / np.sqrt(n),
            ("mean", "spend", ""): deviation / np.sqrt(n),
            ("standard deviation", "spend", ""): deviation / np.sqrt(2 * n),
        }
        for figure, error in expected.items():
            row = found.loc[figure]
            assert row["std_error"] == pytest.approx(error, rel=0.1)
            width = row["high"] - row["low"]
            assert width == pytest.approx(2 * 1.96 * error, rel=0.12)
            assert row["low"] < row["estimate"] < row["high"]
        assert found.loc[("share", "", "")]["std_error"] == 0

    def test_weights_are_drawn_with_their_customers(self):
        weights = np.where(ONLINE, 3.0, 1.0)
        segmenter = fitted(sample_weight=weights, weights="sampling")
        found = bootstrap_parameters(
            segmenter, TABLE, sample_weight=weights, n_bootstraps=50, random_state=0
        )
        share = found.loc[0]
        online = weights[ONLINE].sum() / weights.sum()
        assert share["low"] < online < share["high"]

    def test_bad_settings(self):
        segmenter = fitted()
        with pytest.raises(ValueError, match="n_bootstraps == 1, must be >= 2"):
            bootstrap_parameters(segmenter, TABLE, n_bootstraps=1)
        with pytest.raises(ValueError, match="confidence == 1"):
            bootstrap_parameters(segmenter, TABLE, confidence=1.0)


def test_nothing_is_warned_of_without_a_reason():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted().predict(TABLE)
