import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm
from sklearn.cluster import KMeans
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import adjusted_rand_score, silhouette_score
from threadpoolctl import threadpool_limits

from custseg.datasets import BuyerType, Questionnaire, make_customers
from custseg.datasets._customers import segment_centers, segment_profiles
from custseg.datasets._descriptors import (
    category_shares,
    contrast,
    cramers_v,
    normal_cdf,
    normal_shift,
)

Z = norm.ppf(0.9995)  # a two-sided 99.9 % interval
PLAIN = Questionnaire(acquiescence=0.0, extremity=0.0, straight_liners=0.0)


def assert_mean(values, expected, sd):
    """The mean lies in the 99.9 % interval around what is expected."""
    assert abs(np.mean(values) - expected) <= Z * sd / np.sqrt(len(values))


def assert_share(flags, expected):
    assert_mean(flags, expected, np.sqrt(expected * (1 - expected)))


def sample_cramers_v(segment, values):
    table = pd.crosstab(segment, values).to_numpy()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    chi_squared = ((table - expected) ** 2 / expected).sum()
    return np.sqrt(chi_squared / table.sum() / (min(table.shape) - 1))


def scale_scores(simulated):
    """Standardised means of the items of each factor, reverse-keyed ones turned."""
    answers = simulated.customers.copy()
    for item in simulated.reverse_keyed:
        answers[item] = 6 - answers[item]
    scores = pd.DataFrame(
        {
            name: answers[list(items)].mean(axis=1)
            for name, items in simulated.scales.items()
        }
    )
    return ((scores - scores.mean()) / scores.std()).to_numpy()


@pytest.fixture(scope="module")
def crowd():
    return make_customers(20_000, random_state=0)


@pytest.fixture(scope="module")
def one_segment():
    return make_customers(
        20_000, n_segments=1, response_styles=False, missing=0.0, random_state=1
    )


# Tables


def test_tables_have_one_row_per_customer_in_the_same_order():
    simulated = make_customers(300, wholesale_share=0.3, random_state=0)
    keys = ["customer_id", "customer_type"]
    pd.testing.assert_frame_equal(simulated.customers[keys], simulated.truth[keys])
    assert simulated.customers["customer_id"].is_unique
    assert tuple(simulated.customers.columns) == (
        *keys,
        *("age", "gender", "income", "education", "region"),
        *("trade", "size", "sites"),
        *simulated.item_columns,
    )
    assert set(simulated.reverse_keyed) < set(simulated.item_columns)


def test_types_have_the_descriptors_of_their_type():
    both = make_customers(2000, wholesale_share=0.3, random_state=0).customers
    business = both["customer_type"] == "business"
    assert_share(business, 0.3)
    assert (
        both.loc[business, ["age", "gender", "income", "education"]]
        .isna()
        .to_numpy()
        .all()
    )
    assert both.loc[~business, ["trade", "size", "sites"]].isna().to_numpy().all()
    assert both.loc[business, ["trade", "size", "sites"]].notna().to_numpy().all()
    assert both["region"].notna().all()
    retail = make_customers(50, random_state=0)
    assert retail.descriptor_columns == (
        "age",
        "gender",
        "income",
        "education",
        "region",
    )
    trade = make_customers(50, wholesale_share=1.0, random_state=0)
    assert trade.descriptor_columns == ("trade", "size", "sites", "region")
    assert (trade.customers[["size", "sites"]] >= 1).to_numpy().all()


def test_same_seed_same_customers():
    first, again, other = (
        make_customers(80, wholesale_share=0.5, random_state=seed) for seed in (3, 3, 4)
    )
    pd.testing.assert_frame_equal(first.customers, again.customers)
    pd.testing.assert_frame_equal(first.truth, again.truth)
    assert not first.truth["trait_1"].equals(other.truth["trait_1"])
    # Both seeds draw from one population.
    assert first.bayes_accuracy == other.bayes_accuracy


@pytest.mark.parametrize("kind", [np.random.default_rng, np.random.RandomState])
def test_generators_are_used_and_moved_on(kind):
    source = kind(5)
    first = make_customers(30, random_state=source)
    second = make_customers(30, random_state=source)
    again = make_customers(30, random_state=kind(5))
    pd.testing.assert_frame_equal(first.truth, again.truth)
    assert not first.truth["trait_1"].equals(second.truth["trait_1"])


def test_no_seed_draws_anew():
    first, second = (make_customers(30).truth["trait_1"] for _ in range(2))
    assert not first.equals(second)


# Segments


def test_segments_have_their_shares(crowd):
    for segment in range(4):
        assert_share(crowd.truth["segment"] == segment, 0.25)
    shares = (0.6, 0.0, 0.3, 0.1)
    uneven = make_customers(5000, segment_shares=shares, random_state=0).truth
    for segment, share in enumerate(shares):
        assert_share(uneven["segment"] == segment, share)


@pytest.mark.parametrize("n_segments", range(2, 17))
def test_profiles_differ_and_no_factor_is_idle(n_segments):
    profiles = segment_profiles(n_segments, 4)
    assert set(np.unique(profiles)) == {-1.0, 1.0}
    differences = (profiles[:, np.newaxis] != profiles).sum(axis=2)
    off_diagonal = differences[~np.eye(n_segments, dtype=bool)]
    assert off_diagonal.min() >= (2 if n_segments <= 8 else 1)
    assert (np.abs(profiles.sum(axis=0)) < n_segments).all()


def test_segments_are_shifted_by_what_is_stated(crowd):
    centers = segment_centers(4, 4, 1.0, np.zeros(4))
    assert np.abs(centers).min() >= 0.8
    assert np.abs(centers).max() <= 1.2
    for segment, rows in crowd.truth.groupby("segment"):
        for factor in range(4):
            scores = rows[f"trait_{factor + 1}"]
            assert_mean(scores, centers[segment, factor], 1.0)
            assert scores.std() == pytest.approx(1.0, abs=0.04)


def test_separation_stretches_the_centres():
    zero = np.zeros(4)
    np.testing.assert_allclose(
        segment_centers(4, 4, 3.0, zero), 3 * segment_centers(4, 4, 1.0, zero)
    )


def test_drift_moves_each_centre_by_its_distance():
    moves = np.array([0.5, 0.0, 0.0, 2.0])
    before, after = (
        segment_centers(4, 4, 1.0, np.zeros(4)),
        segment_centers(4, 4, 1.0, moves),
    )
    np.testing.assert_allclose(np.linalg.norm(after - before, axis=1), moves)
    now = make_customers(6000, drift=tuple(moves), random_state=2).truth
    own = now[now["segment"] == 3]
    for factor in range(4):
        assert_mean(own[f"trait_{factor + 1}"], after[3, factor], 1.0)


def test_a_segment_that_vanishes_leaves_the_others_as_they_were():
    centers = segment_centers(3, 4, 1.0, np.zeros(3))
    rest = make_customers(
        6000, n_segments=3, segment_shares=(0.5, 0.0, 0.5), random_state=5
    )
    assert set(rest.truth["segment"]) == {0, 2}
    last = rest.truth[rest.truth["segment"] == 2]
    assert_mean(last["trait_2"], centers[2, 1], 1.0)
    # No one is assigned to it either, and two equal segments are told from age 1/2 up.
    assert set(rest.truth["bayes_segment"]) == {0, 2}
    assert rest.bayes_accuracy > 0.5


def test_overlap_puts_customers_between_two_segments(crowd):
    assert (crowd.truth["blend"] == 1).all()
    truth = make_customers(8000, separation=3.0, overlap=0.2, random_state=0).truth
    between = truth["blend"] < 1
    assert_share(between, 0.2)
    assert truth["blend"].min() >= 0.5
    # Uniform on .5 to 1: mean .75, sd .5 / sqrt(12).
    assert_mean(truth.loc[between, "blend"], 0.75, 0.5 / np.sqrt(12))
    centers = segment_centers(4, 4, 3.0, np.zeros(4))
    traits = truth[[f"trait_{i}" for i in range(1, 5)]].to_numpy()
    away = np.linalg.norm(traits - centers[truth["segment"]], axis=1)
    assert away[between].mean() > away[~between].mean() + 0.5


def test_outliers_are_marked_and_about_tenfold():
    same = {"n_segments": 1, "random_state": 6}
    truth = make_customers(4000, outliers=0.05, **same)
    plain = make_customers(4000, **same)
    chosen = truth.truth["outlier"]
    assert_share(chosen, 0.05)
    ratio = truth.truth["mean_order_value"] / plain.truth["mean_order_value"]
    assert (ratio[~chosen] == 1).all()
    # Lognormal with median 10 and sigma .5.
    assert_mean(np.log(ratio[chosen]), np.log(10), 0.5)
    income = truth.customers["income"] / plain.customers["income"]
    assert (income[~chosen].dropna() == 1).all()
    assert income[chosen].median() > 5


@pytest.mark.parametrize(("n_segments", "n_seeds"), [(3, 3), (4, 3)])
def test_clear_segments_are_found_in_every_seed(n_segments, n_seeds):
    for seed in range(n_seeds):
        simulated = make_customers(
            300,
            n_segments=n_segments,
            separation=3.0,
            response_styles=False,
            random_state=seed,
        )
        scores = scale_scores(simulated)
        with threadpool_limits(1):
            labels = {
                k: KMeans(k, n_init=2, random_state=0).fit_predict(scores)
                for k in range(2, 9)
            }
        best = max(labels, key=lambda k: silhouette_score(scores, labels[k]))
        assert best == n_segments
        assert adjusted_rand_score(simulated.truth["segment"], labels[best]) > 0.95


# Attitudes


def test_factors_have_unit_variance_and_the_stated_correlation(one_segment):
    traits = one_segment.truth[[f"trait_{i}" for i in range(1, 5)]]
    correlation = np.corrcoef(
        traits - segment_centers(1, 4, 1.0, np.zeros(1)), rowvar=False
    )
    off_diagonal = correlation[np.triu_indices(4, 1)]
    # The standard error of a correlation of .25 is (1 - .0625) / sqrt(n) = .0066.
    np.testing.assert_allclose(off_diagonal, 0.25, atol=Z * 0.0066)
    np.testing.assert_allclose(traits.var(), 1.0, atol=Z * np.sqrt(2 / 20_000))


def test_items_answer_as_the_graded_response_model_says(one_segment):
    # The quadrants of two items' latent normals, which a polychoric correlation turns
    # into loadings: latent means loading x centre x sign, correlation of two items of
    # a factor the product of their signed loadings, of two factors a quarter of it.
    questionnaire = Questionnaire()
    centre = segment_centers(1, 4, 1.0, np.zeros(1))[0]
    loading = questionnaire.item_loadings * questionnaire.item_signs
    assert questionnaire.item_loadings.min() == 0.5
    assert questionnaire.item_loadings.max() == 0.8
    answers = one_segment.customers[list(one_segment.item_columns)].to_numpy()
    for first, second, factor_correlation in ((0, 4, 1.0), (0, 1, 1.0), (3, 12, 0.25)):
        pair = [first, second]
        mean = loading[pair] * centre[np.array(pair) // 5]
        correlation = factor_correlation * loading[first] * loading[second]
        for cut in range(4):
            limits = questionnaire.thresholds[pair, cut]
            expected = multivariate_normal(mean, [[1, correlation], [correlation, 1]])
            below = (answers[:, pair] <= cut + 1).all(axis=1)
            assert_share(below, expected.cdf(limits))


def test_answers_are_one_to_five_and_missing_as_stated(crowd):
    answers = crowd.customers[list(crowd.item_columns)]
    given = answers.to_numpy()[answers.notna().to_numpy()]
    assert set(np.unique(given)) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert_share(answers.isna().to_numpy().ravel(), 0.03)


def test_straight_liners_give_one_answer(crowd):
    straight = crowd.truth["straight_liner"]
    assert_share(straight, 0.05)
    n_answers = crowd.customers[list(crowd.item_columns)].nunique(axis=1)
    assert (n_answers[straight] <= 1).all()
    assert (n_answers[~straight] > 1).mean() > 0.999


def test_response_styles_can_be_left_out():
    simulated = make_customers(500, response_styles=False, random_state=0)
    assert not simulated.truth["straight_liner"].any()
    plain = make_customers(500, questionnaire=PLAIN, missing=0.0, random_state=0)
    assert not plain.truth["straight_liner"].any()


def test_agreeing_hides_the_keying_and_extremity_fills_the_ends():
    def draw(**style):
        fields = {"acquiescence": 0.0, "extremity": 0.0, "straight_liners": 0.0}
        simulated = make_customers(
            3000,
            n_segments=1,
            questionnaire=Questionnaire(**{**fields, **style}),
            missing=0.0,
            random_state=0,
        )
        return simulated.customers[list(simulated.item_columns)]

    plain, agreeing, extreme = draw(), draw(acquiescence=3.0), draw(extremity=1.5)
    # att_01 is keyed with the factor, att_02 against it.
    assert plain["att_01"].corr(plain["att_02"]) < -0.15
    assert agreeing["att_01"].corr(agreeing["att_02"]) > 0.5
    ends = [table.isin([1.0, 5.0]).to_numpy().mean() for table in (plain, extreme)]
    assert ends[1] > ends[0] + 0.1


# Descriptors


def test_cramers_v_on_paper():
    # Two segments at .75 : .25 and .25 : .75, so phi = .75 - .25 = .5.
    assert cramers_v(np.array([[0.75, 0.25], [0.25, 0.75]])) == pytest.approx(0.5)
    assert cramers_v(np.full((3, 4), 0.25)) == pytest.approx(0.0)


def test_normal_cdf_and_contrasts():
    z = np.array([-np.inf, -2.0, 0.0, 1.5, np.inf])
    np.testing.assert_allclose(normal_cdf(z), norm.cdf(z), atol=1e-15)
    columns = np.column_stack([contrast(5, order) for order in range(4)])
    np.testing.assert_allclose(columns.mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(columns.T @ columns / 5, np.eye(4), atol=1e-12)


@pytest.mark.parametrize("n_segments", [2, 3, 4, 5, 8, 16])
@pytest.mark.parametrize("strength", [0.05, 0.2, 0.5])
def test_descriptors_reach_the_stated_strength(n_segments, strength):
    for name in ("gender", "education", "region", "trade"):
        shares = category_shares(n_segments, name, strength)
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
        assert cramers_v(shares) == pytest.approx(strength, abs=1e-6)
    fifths = norm.ppf([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    for name in ("age", "income", "size"):
        mean, sd = normal_shift(n_segments, name, strength)
        assert mean.mean() == pytest.approx(0.0, abs=1e-9)
        assert (mean**2).mean() + sd**2 == pytest.approx(1.0)
        banded = np.diff(norm.cdf((fifths - mean[:, np.newaxis]) / sd), axis=1)
        assert cramers_v(banded) == pytest.approx(strength, abs=1e-6)


def test_descriptors_of_the_table_tell_segments_as_stated(crowd):
    table, segment = crowd.customers, crowd.truth["segment"]
    for name in ("gender", "education", "region"):
        assert 0.15 < sample_cramers_v(segment, table[name]) < 0.25
    for name in ("age", "income"):
        fifths = pd.qcut(table[name], 5, labels=False)
        known = fifths.notna()
        assert 0.15 < sample_cramers_v(segment[known], fifths[known]) < 0.25
    firms = make_customers(20_000, wholesale_share=1.0, random_state=0)
    size = pd.qcut(firms.customers["size"], 5, labels=False)
    for values in (firms.customers["trade"], size):
        assert 0.15 < sample_cramers_v(firms.truth["segment"], values) < 0.25


def test_income_is_lognormal_goes_with_age_and_is_missing_by_age(crowd):
    table = crowd.customers
    missing = table["income"].isna()
    assert_share(missing, 0.2)
    older = table["age"] > table["age"].median()
    assert missing[older].mean() > missing[~older].mean() + 0.05
    complete = make_customers(20_000, income_missing=0.0, random_state=0).customers
    assert complete["income"].notna().all()
    log_income = np.log(complete["income"])
    assert log_income.std() == pytest.approx(0.6, abs=0.015)
    # Age is a bent and rounded form of its score, so its correlation is a little less.
    assert log_income.corr(complete["age"]) == pytest.approx(0.2, abs=0.03)
    assert complete["age"].between(18, 84).all()


# What assignment by descriptors can reach


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_segments": 3, "segment_shares": (0.5, 0.3, 0.2)},
        {"wholesale_share": 1.0},
        {"wholesale_share": 0.4, "descriptor_strength": 0.35},
    ],
)
def test_bayes_accuracy_is_attained_and_calibrated(settings):
    simulated = make_customers(20_000, random_state=11, **settings)
    truth, best = simulated.truth, simulated.bayes_accuracy
    right = truth["bayes_segment"] == truth["segment"]
    # The stated accuracy has an error of its own, at most that of the sample.
    assert_mean(right, best, np.sqrt(2 * best * (1 - best)))
    # The probabilities mean what they say, also where they are high.
    sure = truth["bayes_probability"] > truth["bayes_probability"].quantile(0.8)
    claimed = truth.loc[sure, "bayes_probability"].mean()
    assert_mean(right[sure], claimed, 0.5)


def test_linear_discriminant_comes_near_the_bayes_accuracy_and_not_above(crowd):
    def features(simulated):
        table = simulated.customers[list(simulated.descriptor_columns)].copy()
        table["unknown"] = table["income"].isna().astype(float)
        log_income = np.log(table.pop("income"))
        table["log_income"] = log_income.fillna(log_income.mean())
        return pd.get_dummies(table, drop_first=True).astype(float)

    fresh = make_customers(20_000, random_state=1)
    model = LinearDiscriminantAnalysis().fit(features(crowd), crowd.truth["segment"])
    accuracy = model.score(features(fresh), fresh.truth["segment"])
    error = Z * np.sqrt(0.25 / 20_000)
    assert crowd.bayes_accuracy - 0.03 < accuracy < crowd.bayes_accuracy + error
    assert 0.4 < crowd.bayes_accuracy < 0.6


@pytest.mark.parametrize("shares", [None, (0.1, 0.2, 0.3, 0.4)])
def test_descriptors_without_strength_leave_the_largest_share(shares):
    simulated = make_customers(
        2000, descriptor_strength=0.0, segment_shares=shares, random_state=0
    )
    largest = 0.25 if shares is None else max(shares)
    assert simulated.bayes_accuracy == pytest.approx(largest)


# Latent purchase behaviour


def test_latent_rates_and_values_have_the_stated_moments():
    for share, buyer in ((0.0, BuyerType.household()), (1.0, BuyerType.business())):
        truth = make_customers(
            20_000, n_segments=1, wholesale_share=share, random_state=2
        ).truth
        shape, rate = buyer.order_rate
        assert_mean(truth["purchase_rate"], shape / rate, np.sqrt(shape) / rate)
        _, q, _ = buyer.order_value
        mean = buyer.mean_order_value
        # p v / Gamma(q) has the variance mean ** 2 / (q - 2).
        assert_mean(truth["mean_order_value"], mean, mean / np.sqrt(q - 2))
        assert truth["joined_week"].between(0, 12).all()


def test_shares_of_drop_outs_have_their_closed_form():
    # 1 - (60 / 112) ** .6 = .312 and 1 - (260 / 312) ** .6 = .104.
    for share, expected in ((0.0, 0.312), (1.0, 0.104)):
        truth = make_customers(20_000, wholesale_share=share, random_state=3).truth
        assert_share(truth["lifetime_weeks"] <= 52, expected)
    # BG/NBD: gone right after the first repeat order with mean a / (a + b).
    truth = make_customers(
        20_000, n_segments=1, household=BuyerType.cdnow(), random_state=3
    ).truth
    assert_share(truth["lifetime_orders"] == 1, 0.793 / (0.793 + 2.426))


def test_segments_differ_in_what_they_buy_and_means_stay():
    strong = make_customers(20_000, behaviour_strength=0.5, random_state=4).truth
    assert_mean(strong["purchase_rate"], 1.0, 1.4)
    assert_mean(strong["mean_order_value"], 99.9, 130.0)
    by_segment = strong.groupby("segment")[["purchase_rate", "mean_order_value"]].mean()
    assert (by_segment.max() / by_segment.min() > 1.5).all()
    alike = make_customers(20_000, behaviour_strength=0.0, random_state=4).truth
    for _, rows in alike.groupby("segment"):
        assert_mean(rows["purchase_rate"], 1.0, np.sqrt(1.2) / 1.2)


# Errors


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"n_customers": 0},
            "`n_customers` must be a whole number of 1 or more. Got 0 instead. "
            "Ask for a customer or more.",
        ),
        (
            {"n_segments": 17},
            "`n_segments` must be a whole number from 1 to 16. Got 17",
        ),
        (
            {"n_segments": 2.0},
            "`n_segments` must be a whole number from 1 to 16. Got 2",
        ),
        ({"separation": -1}, "`separation` must be a number of 0 or more. Got -1"),
        ({"overlap": 1.1}, "`overlap` must be a number from 0 to 1. Got 1.1 instead."),
        ({"wholesale_share": True}, "`wholesale_share` must be a number from 0 to 1."),
        ({"missing": np.nan}, "`missing` must be a number from 0 to 1. Got nan"),
        (
            {"descriptor_strength": 0.6},
            "`descriptor_strength` must be a number from 0 to 0.5. Got 0.6 instead. "
            "It is Cramér's V, and .15 to .25 is usual.",
        ),
        (
            {"segment_shares": (0.5, 0.6, 0.0, 0.0)},
            "`segment_shares` must be 4 shares of 0 or more that sum to 1.",
        ),
        ({"drift": (1.0, 2.0)}, "`drift` must be a number of 0 or more, or 4 of them"),
        ({"drift": "far"}, "`drift` must be a number of 0 or more, or 4 of them"),
        ({"random_state": -1}, "`random_state` must be an int of 0 or more, a NumPy"),
        ({"random_state": 1.5}, "`random_state` must be an int of 0 or more, a NumPy"),
        (
            {"income_age_correlation": 0.9, "descriptor_strength": 0.5},
            "`income_age_correlation` must leave income some variance of its own.",
        ),
    ],
)
def test_parameters_out_of_range_are_named(settings, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make_customers(**{"n_customers": 5, **settings})
