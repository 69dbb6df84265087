"""PsychographicTransformer: worked cases, keying found, refusals."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.pipeline import make_pipeline

from custseg.assignment import compile_scorer
from custseg.cluster import KMeansSegmenter
from custseg.exceptions import (
    DataQualityError,
    DegenerateFitError,
    SchemaError,
    SegmentWarning,
)
from custseg.features import PsychographicTransformer
from custseg.surveys import factor_analysis, item_statistics, scale_reliability

# Means of the keyed items (spur turned): plan 3, order 10/3, spur 13/4.
ANSWERS = pd.DataFrame(
    {
        "plan": [5, 4, 2, 1],
        "order": [4, 5, 1, np.nan],
        "spur": [1, 2, 4, 4],
    }
)
ORDERLY = {"orderly": ("plan", "order", "spur")}


def questionnaire(seed, rows=400, missing=0.03):
    """Draw 1-5 answers to five scales of five items with known keying."""
    rng = np.random.default_rng(seed)
    answers, scales, turned = {}, {}, []
    for scale in "abcde":
        trait = rng.normal(size=rows)
        scales[scale] = tuple(f"{scale}{item}" for item in range(5))
        against = set(rng.choice(5, rng.integers(0, 3), replace=False).tolist())
        for item, name in enumerate(scales[scale]):
            loading = rng.uniform(0.5, 0.8) * (-1 if item in against else 1)
            latent = loading * trait + np.sqrt(1 - loading**2) * rng.normal(size=rows)
            scores = 1.0 + np.digitize(latent, [-1.4, -0.5, 0.4, 1.3])
            answers[name] = np.where(rng.random(rows) < missing, np.nan, scores)
            if item in against:
                turned.append(name)
    return pd.DataFrame(answers), scales, tuple(turned)


# -- worked on paper ---------------------------------------------------------------


def test_keyed_items_with_a_filled_answer():
    # Turned: spur = 6 - answer. The last customer deviates by 1 - 3 = -2 and
    # 2 - 13/4 = -5/4, on average -13/8, so order is filled by 10/3 - 13/8 = 41/24.
    transformer = PsychographicTransformer(
        reverse=("spur",), points=(1, 5), scale=False
    ).fit(ANSWERS)
    np.testing.assert_allclose(
        transformer.transform(ANSWERS),
        [[5, 4, 5], [4, 5, 4], [2, 1, 2], [1, 41 / 24, 2]],
    )
    np.testing.assert_allclose(transformer.item_means_, [3, 10 / 3, 13 / 4])
    assert transformer.reversed_items_ == ("spur",)
    assert transformer.points_ == (1, 5)


def test_scale_scores_are_means_of_keyed_items():
    transformer = PsychographicTransformer(
        scales=ORDERLY, reverse=("spur",), points=(1, 5), scale=False
    )
    scores = transformer.set_output(transform="pandas").fit_transform(ANSWERS)
    assert list(scores) == ["orderly"]
    # (1 + 41/24 + 2) / 3 = 113/72 for the last.
    np.testing.assert_allclose(scores["orderly"], [14 / 3, 13 / 3, 5 / 3, 113 / 72])


def test_filling_stays_within_the_scale_and_within_the_points():
    # Item means 3, 3, 3, 3. The last customer answered 5 and 1: in scale "a" the
    # deviation is +2, in "b" -2, so the gaps are filled by 5 and 1. Over all items
    # the deviation is 0 and both would be 3.
    table = pd.DataFrame(
        {
            "a1": [1, 3, 3, 5],
            "a2": [2, 4, 3, np.nan],
            "b1": [5, 3, 3, 1],
            "b2": [4, 3, 2, np.nan],
        }
    )
    scales = {"a": ("a1", "a2"), "b": ("b1", "b2")}
    scored = PsychographicTransformer(scales=scales, points=(1, 5), scale=False)
    assert scored.fit_transform(table)[3].tolist() == [5, 1]
    items = PsychographicTransformer(points=(1, 5), scale=False).fit_transform(table)
    assert items[3].tolist() == [5, 3, 1, 3]
    # Two points above the item's mean of 13/3 there is nothing: the fill is 5.
    high = table.assign(a2=[4, 5, 4, np.nan])
    filled = PsychographicTransformer(scales=scales, points=(1, 5), scale=False)
    assert filled.fit_transform(high)[3, 0] == 5


def test_who_answered_nothing_gets_the_item_means():
    transformer = PsychographicTransformer(
        scales=ORDERLY, reverse=("spur",), points=(1, 5), scale=False
    ).fit(ANSWERS)
    nothing = pd.DataFrame([[None] * 3], columns=list(ANSWERS))
    np.testing.assert_allclose(
        transformer.transform(nothing), [[(3 + 10 / 3 + 13 / 4) / 3]]
    )


def test_without_points_the_smallest_and_largest_answers_turn_items():
    transformer = PsychographicTransformer(reverse=("b",), scale=False)
    table = pd.DataFrame({"a": [0, 10], "b": [2, 3]})
    assert transformer.fit_transform(table).tolist() == [[0, 8], [10, 7]]
    assert transformer.points_ == (0, 10)
    # Frozen: later answers beyond them are not cut, but counted.
    later = pd.DataFrame({"a": [20, 3], "b": [-5, 11]})
    message = (
        "Answers must lie between those of fit, 0 and 10. Got answers outside in 'a' "
        "(1), 'b' (2) instead (item, customers), which are used as they are. Declare "
        "points, and such answers are refused."
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        assert transformer.transform(later).tolist() == [[20, 15], [3, -1]]


def test_keying_found_on_paper():
    # "against" is 6 minus the others: perfectly correlated, opposite sign.
    table = pd.DataFrame({"one": [1, 3, 5, 4], "against": [5, 3, 1, 2]})
    table["two"] = table["one"]
    scales = {"s": ("against", "one", "two")}
    transformer = PsychographicTransformer(scales=scales, reverse="auto", scale=False)
    assert transformer.fit(table).reversed_items_ == ("against",)
    np.testing.assert_allclose(transformer.transform(table)[:, 0], [1, 3, 5, 4])
    # With one item on each side the first of the scale counts as positive.
    for first, second in [("one", "against"), ("against", "one")]:
        pair = PsychographicTransformer(scales={"s": (first, second)}, reverse="auto")
        assert pair.fit(table[["one", "against"]]).reversed_items_ == (second,)


# -- recovery and invariants -------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_known_keying_is_found(seed):
    answers, scales, turned = questionnaire(seed)
    transformer = PsychographicTransformer(scales=scales, reverse="auto").fit(answers)
    assert transformer.reversed_items_ == turned
    declared = PsychographicTransformer(scales=scales, reverse=turned).fit(answers)
    np.testing.assert_array_equal(
        transformer.transform(answers), declared.transform(answers)
    )


def test_filling_by_the_customer_beats_the_item_mean():
    complete, scales, turned = questionnaire(1, rows=2000, missing=0.0)
    rng = np.random.default_rng(2)
    gaps = rng.random(complete.shape) < 0.2
    transformer = PsychographicTransformer(
        scales=scales, reverse=turned, points=(1, 5), scale=False
    )
    truth = transformer.fit_transform(complete)
    scores = transformer.fit_transform(complete.mask(gaps))
    keyed = complete.copy()
    keyed[list(turned)] = 6 - keyed[list(turned)]
    by_mean = keyed.mask(gaps).fillna(keyed.mask(gaps).mean())
    by_mean = np.column_stack([by_mean[list(s)].mean(axis=1) for s in scales.values()])
    assert np.mean((scores - truth) ** 2) < np.mean((by_mean - truth) ** 2)


def test_outputs_have_variance_one():
    answers, scales, turned = questionnaire(0)
    for transformer in (
        PsychographicTransformer(scales=scales, reverse=turned),
        PsychographicTransformer(),
    ):
        Z = transformer.fit_transform(answers)
        np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(Z.var(axis=0), 1)


def test_a_constant_item_becomes_zeros():
    table = ANSWERS.assign(plan=3)
    assert np.all(PsychographicTransformer().fit_transform(table)[:, 0] == 0)


@pytest.mark.parametrize("with_scales", [True, False])
def test_alone_equals_in_a_batch(with_scales):
    answers, scales, turned = questionnaire(3, rows=60, missing=0.2)
    transformer = PsychographicTransformer(
        scales=scales if with_scales else None, reverse=turned, points=(1, 5)
    ).fit(answers)
    together = transformer.transform(answers)
    alone = [transformer.transform(answers.iloc[[i]])[0] for i in range(60)]
    np.testing.assert_array_equal(alone, together)


def test_a_shifted_answer_scale_changes_nothing():
    answers, scales, turned = questionnaire(4, rows=80)
    kept = PsychographicTransformer(scales=scales, reverse=turned, points=(1, 5))
    shifted = PsychographicTransformer(scales=scales, reverse=turned, points=(0, 4))
    np.testing.assert_allclose(
        shifted.fit_transform(answers - 1), kept.fit_transform(answers), atol=1e-12
    )


def test_frames_and_arrays_give_the_same_numbers():
    answers, _, turned = questionnaire(5, rows=40, missing=0.1)
    expected = PsychographicTransformer(reverse=turned).fit_transform(answers)
    polars = pl.from_dict({name: list(answers[name]) for name in answers})
    for table in (polars, answers.convert_dtypes(), answers.astype("Int64")):
        other = PsychographicTransformer(reverse=turned).fit_transform(table)
        np.testing.assert_array_equal(other, expected)
    array_names = tuple(f"x{list(answers).index(name)}" for name in turned)
    array = PsychographicTransformer(reverse=array_names)
    np.testing.assert_array_equal(array.fit_transform(answers.to_numpy()), expected)


def test_what_fit_learned_stays_when_parameters_change():
    transformer = PsychographicTransformer(
        scales=ORDERLY, reverse=("spur",), points=(1, 5)
    ).fit(ANSWERS)
    before = transformer.transform(ANSWERS)
    transformer.set_params(scales=None, reverse=())
    np.testing.assert_array_equal(transformer.transform(ANSWERS), before)


# -- reliability ---------------------------------------------------------------------


def test_reliability_is_that_of_the_functions():
    answers, scales, turned = questionnaire(7, missing=0.1)
    for reverse in (turned, "auto"):
        fitted = PsychographicTransformer(
            scales=scales, reverse=reverse, points=(1, 5)
        ).fit(answers)
        pd.testing.assert_frame_equal(
            fitted.reliability_, scale_reliability(answers, scales, reverse=turned)
        )
        pd.testing.assert_frame_equal(
            fitted.item_statistics_,
            item_statistics(answers, scales, points=(1, 5), reverse=turned),
        )
    assert PsychographicTransformer().fit(answers).reliability_ is None


def test_a_wrong_key_is_told():
    message = (
        "Items of a scale must go together. Got a negative alpha in 'orderly' instead. "
        "Look at item_statistics_, and name the reverse-keyed items in reverse."
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        PsychographicTransformer(scales=ORDERLY, reverse=("plan",)).fit(ANSWERS)


# -- styles of answering -------------------------------------------------------------

# "order" and "chaos" are opposites, as are "plan" and "spur"; low 1, high 5.
BALANCED = pd.DataFrame(
    {
        "plan": [5, 4, 2, 3],
        "order": [4, 4, 1, 3],
        "spur": [1, 4, 4, 2],
        "chaos": [2, 4, 5, 1],
        "calm": [3, 5, 2, 1],
    }
)
TIDY = {"tidy": ("plan", "order", "spur", "chaos"), "calm": ("calm",)}


def test_acquiescence_on_paper():
    # Means of the four balanced items: 3, 4, 3, 9/4; less the midpoint 0, 1, 0, -3/4.
    transformer = PsychographicTransformer(
        scales=TIDY,
        reverse=("spur", "chaos"),
        points=(1, 5),
        output="items",
        correct_acquiescence=("tidy",),
        scale=False,
    )
    found = transformer.set_output(transform="pandas").fit_transform(BALANCED)
    np.testing.assert_allclose(
        found,
        [
            [5, 4, 5, 4, 3],
            # All answers 4: less 1 each, 3 and, turned, 3.
            [3, 3, 3, 3, 4],
            [2, 1, 2, 1, 2],
            # 3 + 3/4; spur 2 + 3/4, turned 6 - 11/4.
            [15 / 4, 15 / 4, 13 / 4, 17 / 4, 7 / 4],
        ],
    )
    assert list(found) == list(BALANCED)
    # The balanced scale is free of it already; the other is not.
    scored = transformer.set_params(output="scales").fit_transform(BALANCED)
    plain = transformer.set_params(correct_acquiescence=False).fit_transform(BALANCED)
    np.testing.assert_allclose(scored["tidy"], plain["tidy"])
    np.testing.assert_allclose(plain["calm"] - scored["calm"], [0, 1, 0, -3 / 4])


def test_agreeing_to_everything_changes_nothing():
    table = BALANCED.drop(columns="calm").clip(1, 4)
    transformer = PsychographicTransformer(
        reverse=("spur", "chaos"), points=(1, 5), correct_acquiescence=True
    ).fit(table)
    np.testing.assert_allclose(
        transformer.transform(table + 1), transformer.transform(table), atol=1e-12
    )
    assert transformer.n_dimensions_ == 3


def test_ipsatised_items_on_paper():
    # Means of plan, order and spur as answered: 10/3, 11/3, 7/3; the last, filled,
    # answered 1, 41/24 and 4: 161/72.
    transformer = PsychographicTransformer(
        reverse=("spur",), points=(1, 5), ipsatize=True, scale=False
    )
    found = transformer.fit_transform(ANSWERS)
    np.testing.assert_allclose(
        found,
        [
            [5 / 3, 2 / 3, 7 / 3],
            [1 / 3, 4 / 3, 5 / 3],
            [-1 / 3, -4 / 3, -5 / 3],
            [1 - 161 / 72, 41 / 24 - 161 / 72, 161 / 72 - 4],
        ],
    )
    # As they were answered they sum to nothing.
    np.testing.assert_allclose(found @ [1, 1, -1], 0, atol=1e-12)


@pytest.mark.parametrize("output", ["items", "scales"])
@pytest.mark.parametrize("keyed", [True, False])
def test_ipsatised_items_lose_a_dimension_and_the_code_knows_it(output, keyed):
    answers, scales, turned = questionnaire(8)
    if not keyed:
        answers[list(turned)] = 6 - answers[list(turned)]
    transformer = PsychographicTransformer(
        scales=scales, reverse=turned if keyed else (), output=output, ipsatize=True
    )
    Z = transformer.fit_transform(answers)
    rank = np.linalg.matrix_rank(Z, tol=1e-8)
    # Scales without reverse-keyed items lose it as well; with them they do not.
    expected = Z.shape[1] - (output == "items" or not keyed)
    assert transformer.n_dimensions_ == rank == expected
    assert Z.var(axis=0).sum() == pytest.approx(expected)
    assert np.ptp(Z.var(axis=0)) < 1e-9


def test_nothing_is_made_of_rounding():
    # Two items answered alike are at their mean, for everybody.
    table = pd.DataFrame({"a": [1.1, 2.7, 3.3], "b": [1.1, 2.7, 3.3]})
    found = PsychographicTransformer(ipsatize=True).fit_transform(table)
    assert not found.any()
    table["c"] = table["a"]
    assert not PsychographicTransformer(ipsatize=True).fit_transform(table).any()
    message = (
        "Something must be left of the items once their mean is taken off. Got one "
        "scale of all items instead, whose score is that mean."
    )
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        PsychographicTransformer(scales={"s": ("a", "b", "c")}, ipsatize=True).fit(
            table
        )


# -- factors -------------------------------------------------------------------------


def factors_of(answers, **parameters):
    """Fit factor scores, which always warns."""
    transformer = PsychographicTransformer(output="factors", **parameters)
    with pytest.warns(SegmentWarning, match="Segments must not be looked for in fac"):
        return transformer.fit(answers)


def test_factor_scores_are_weighted_standardised_answers():
    answers, _, turned = questionnaire(9)
    fitted = factors_of(
        answers, reverse=turned, points=(1, 5), n_factors=3, scale=False
    )
    keyed = answers.copy()
    keyed[list(turned)] = 6 - keyed[list(turned)]
    solution = factor_analysis(keyed, 3)
    pd.testing.assert_frame_equal(fitted.factors_.loadings, solution.loadings)
    complete = answers.notna().all(axis=1)
    Z = (keyed - keyed.mean()) / keyed.std(ddof=0)
    expected = Z[complete] @ solution.score_weights
    found = fitted.set_output(transform="pandas").transform(answers)
    assert list(found) == ["factor_1", "factor_2", "factor_3"]
    # Filled answers move the means a little.
    moved = found[complete] - expected
    np.testing.assert_allclose(moved - moved.mean(), 0, atol=1e-12)
    np.testing.assert_allclose(found.mean(), 0, atol=1e-12)
    scaled = factors_of(answers, reverse=turned, points=(1, 5), n_factors=3)
    np.testing.assert_allclose(scaled.transform(answers), found / found.std(ddof=0))


@pytest.mark.parametrize("seed", range(3))
def test_the_number_of_factors_is_found_and_the_variance_stated(seed):
    answers, _, turned = questionnaire(seed, rows=600)
    transformer = PsychographicTransformer(
        reverse=turned, points=(1, 5), output="factors", rotation="promax"
    )
    with pytest.warns(SegmentWarning) as caught:
        transformer.fit(answers)
    retained = transformer.factors_.retained_variance
    assert (
        "Segments must not be looked for in factor scores alone, in which what items "
        f"do not share is lost. Got 5 factors that retain {retained:.0%} of the "
        "variance of 25 items instead."
    ) in str(caught[0].message)
    assert transformer.n_dimensions_ == 5
    np.testing.assert_allclose(transformer.transform(answers).var(axis=0), 1)


@pytest.mark.parametrize(
    "parameters",
    [
        {"output": "factors", "n_factors": 2},
        {"output": "factors", "n_factors": 2, "factor_scores": "bartlett"},
        {"output": "factors", "n_factors": 2, "correlation": "polychoric"},
        {"output": "items", "ipsatize": True},
        {"ipsatize": True},
        {"output": "items", "correct_acquiescence": ("tidy",)},
        {"correct_acquiescence": ("tidy",), "scale": False},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Segments must not be looked for")
def test_alone_in_a_copy_and_compiled_it_is_the_same(parameters):
    rng = np.random.default_rng(0)
    traits = rng.normal(size=(80, 2))
    latent = traits @ [[1, 1, -1, -1, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1]]
    latent += 0.8 * rng.normal(size=latent.shape)
    answers = pd.DataFrame(
        1.0 + np.digitize(latent, [-1.5, -0.5, 0.5, 1.5]),
        columns=["plan", "order", "spur", "chaos", "calm", "rest", "peace"],
    ).mask(rng.random(latent.shape) < 0.1)
    scales = {**TIDY, "calm": ("calm", "rest", "peace")}
    road = make_pipeline(
        PsychographicTransformer(
            scales=scales, reverse=("spur", "chaos"), points=(1, 5), **parameters
        ),
        KMeansSegmenter(3, random_state=0),
    ).fit(answers)
    transformer = road[0]
    together = transformer.transform(answers)
    alone = [transformer.transform(answers.iloc[[row]])[0] for row in range(80)]
    np.testing.assert_array_equal(alone, together)
    copied = pickle.loads(pickle.dumps(transformer))
    np.testing.assert_array_equal(copied.transform(answers), together)
    scorer = compile_scorer(road)
    np.testing.assert_array_equal(scorer.predict(answers), road.predict(answers))
    step = transformer._scorer_step()

    class Source:
        names = tuple(answers)

        def matrix(self, positions):
            return answers.to_numpy()[:, positions]

    np.testing.assert_array_equal(step(Source()), together)


# -- warnings and refusals ---------------------------------------------------------


def test_an_item_that_does_not_belong_keeps_its_direction():
    answers, _, _ = questionnaire(6, missing=0.0)
    scale = ("a0", "a1", "a2", "a3", "a4", "b0")
    message = (
        "Items must go together with their scale for reverse='auto'. Got correlations "
        "below 0.1 in 'b0' instead, which keep their direction. Name the "
        "reverse-keyed items in reverse."
    )
    transformer = PsychographicTransformer(scales={"a": scale}, reverse="auto")
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        transformer.fit(answers[list(scale)])
    assert "b0" not in transformer.reversed_items_


def test_answers_outside_the_points():
    message = (
        "Answers must lie between 1 and 5. Got answers outside in 'plan' (1), 'spur' "
        "(2) instead (item, customers). Correct them, mark them as missing, or change "
        "points."
    )
    wrong = ANSWERS.assign(plan=[0, 4, 2, 1], spur=[9, 99, 4, 4])
    transformer = PsychographicTransformer(points=(1, 5))
    with pytest.raises(DataQualityError, match=re.escape(message)):
        transformer.fit(wrong)
    with pytest.raises(DataQualityError, match=re.escape(message)):
        transformer.fit(ANSWERS).transform(wrong)


@pytest.mark.parametrize("points", [(5, 1), (1, 2, 3), (1, 1), ("a", "b"), ()])
def test_points_that_are_no_pair(points):
    message = (
        f"points must be the lowest and the highest answer. Got {points!r} instead. "
        "Give a pair such as (1, 5)."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        PsychographicTransformer(points=points).fit(ANSWERS)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        (
            {"reverse": ("spurs",)},
            SchemaError,
            "reverse must name columns of the table. Got 'spurs' instead. There are "
            "'plan', 'order', 'spur'.",
        ),
        (
            {"reverse": "auto"},
            ValueError,
            "reverse='auto' must come with scales. Got scales=None instead. Give the "
            "items of each scale, or name the reverse-keyed items.",
        ),
        (
            {"scales": {"a": ("plan", "spurs")}},
            SchemaError,
            "scales must name columns of the table. Got 'spurs' instead.",
        ),
        (
            {"scales": {"a": ("plan", "order"), "b": ("order", "spur")}},
            SchemaError,
            "Each item must be in one scale. Got 'order' more than once instead. Keep "
            "each in one.",
        ),
        (
            {"scales": {"a": ("plan", "order")}},
            SchemaError,
            "Each column must be an item of a scale. Got 'spur' in none instead. Put "
            "each into a scale, or leave its column out.",
        ),
        (
            {"scales": {"a": (), "b": ("plan", "order", "spur")}},
            SchemaError,
            "Each of scales must have an item. Got none in 'a' instead. Give the items "
            "of each scale, or scales=None.",
        ),
        (
            {"output": "scales"},
            ValueError,
            "output='scales' must come with scales. Got scales=None instead.",
        ),
        (
            {"correct_acquiescence": True, "reverse": ("spur",)},
            ValueError,
            "Each scale must have as many reverse-keyed items as others to tell "
            "acquiescence from opinion. Got 'all items' (1 of 3) instead (scale, "
            "reverse-keyed items).",
        ),
        (
            {
                "correct_acquiescence": True,
                "scales": {"a": ("plan", "spur"), "b": ("order",)},
                "reverse": ("spur",),
            },
            ValueError,
            "Got 'b' (0 of 1) instead (scale, reverse-keyed items). Name balanced "
            "scales in correct_acquiescence, or leave it out.",
        ),
        (
            {"correct_acquiescence": ("tidy",), "scales": ORDERLY},
            SchemaError,
            "correct_acquiescence must name scales of the table. Got 'tidy' instead. "
            "There are 'orderly'.",
        ),
        (
            {"correct_acquiescence": True, "ipsatize": True},
            ValueError,
            "correct_acquiescence and ipsatize must not come together.",
        ),
        (
            {"ipsatize": True, "output": "factors"},
            ValueError,
            "output='factors' must have items of full rank. Got items with a mean "
            "taken off instead, which have 2 dimensions for 3 items.",
        ),
        (
            {"output": "factors", "n_factors": 2},
            ValueError,
            "n_factors must be from 1 to 1 for 3 items. Got 2 instead.",
        ),
    ],
)
def test_parameters_that_do_not_fit(parameters, error, message):
    with pytest.raises(error, match=re.escape(message)):
        PsychographicTransformer(**parameters).fit(ANSWERS)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize(
    ("third", "remedy"),
    [
        (
            "neither",
            "Code the answers as numbers first, for instance 1 = strongly disagree to "
            "5 = strongly agree.",
        ),
        ("agree", 'Code two answers as true and false first, for instance X == "Yes",'),
    ],
)
def test_answers_in_words(frame, third, remedy):
    message = (
        "'plan' must hold numbers. Got text in 3 of 4 rows (first: row 0) instead."
    )
    answers = frame({"plan": ["agree", None, "disagree", third]})
    with pytest.raises(SchemaError, match=re.escape(f"{message} {remedy}")):
        PsychographicTransformer().fit(answers)


def test_an_item_that_nobody_answered():
    message = (
        "Each column must have at least one value in fit. Got only missing values in "
        "'order' instead. Leave out what is empty."
    )
    with pytest.raises(DataQualityError, match=re.escape(message)):
        PsychographicTransformer().fit(ANSWERS.assign(order=np.nan))


def test_a_mean_of_a_single_item_is_not_taken_off():
    with pytest.raises(ValueError, match="A mean must be taken off two items or more"):
        PsychographicTransformer(ipsatize=True).fit(ANSWERS[["plan"]])


def test_factors_of_items_that_cannot_have_them():
    answers, _, _ = questionnaire(0)
    for spoilt in (answers.assign(a0=3), answers.assign(a0=answers["a1"])):
        with pytest.raises(DegenerateFitError):
            PsychographicTransformer(output="factors", n_factors=2).fit(spoilt)


def test_cells_that_are_no_plain_answers():
    fitted = PsychographicTransformer(
        scales=ORDERLY, reverse=("spur",), points=(1, 5), scale=False
    ).fit(ANSWERS)
    # What stands behind a mask is not seen.
    masked = np.ma.masked_array([[99, 4, 1]], mask=[[True, False, False]])
    by_place = PsychographicTransformer(reverse=("x2",), points=(1, 5), scale=False)
    by_place.fit(ANSWERS.to_numpy())
    gap = np.array([[np.nan, 4, 1]])
    np.testing.assert_array_equal(by_place.transform(masked), by_place.transform(gap))
    # One item that this customer did not answer is no item that nobody answered.
    alone = pd.DataFrame({"plan": [None], "order": [4], "spur": [1]})
    expected = ANSWERS.iloc[[0]].assign(plan=np.nan)
    np.testing.assert_array_equal(fitted.transform(alone), fitted.transform(expected))
    for wrong in (["5", "4"], ["4,5", "3"]):
        table = pd.DataFrame({"plan": wrong, "order": [4, 5], "spur": [1, 2]})
        with pytest.raises(SchemaError, match="Column 'plan' must hold numbers"):
            fitted.transform(table)
    dates = pd.DataFrame(
        {"plan": pd.to_datetime(["2024-01-01"]), "order": 4, "spur": 1}
    )
    with pytest.raises(SchemaError, match="Got dates or durations"):
        fitted.transform(dates)


def test_yes_and_no_are_answers():
    table = pd.DataFrame({"tasty": [True, True, False], "greasy": [False, True, True]})
    found = PsychographicTransformer(reverse=("greasy",), points=(0, 1), scale=False)
    assert found.fit_transform(table).tolist() == [[1, 1], [1, 0], [0, 0]]
