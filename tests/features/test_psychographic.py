"""PsychographicTransformer: worked cases, keying found, refusals."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.features import PsychographicTransformer

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
    # Frozen: later answers beyond them are neither refused nor cut.
    later = pd.DataFrame({"a": [20], "b": [-5]})
    assert transformer.transform(later).tolist() == [[20, 15]]


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
    ],
)
def test_parameters_that_do_not_fit(parameters, error, message):
    with pytest.raises(error, match=re.escape(message)):
        PsychographicTransformer(**parameters).fit(ANSWERS)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_answers_in_words(frame):
    message = (
        "Column 'plan' must hold numbers. Got text in 2 of 3 rows (first: row 0) "
        "instead. Code the answers as numbers first, for instance 1 = strongly "
        "disagree to 5 = strongly agree."
    )
    with pytest.raises(SchemaError, match=re.escape(message)):
        PsychographicTransformer().fit(frame({"plan": ["agree", None, "disagree"]}))


def test_an_item_that_nobody_answered():
    message = (
        "Each column must have at least one value in fit. Got only missing values in "
        "'order' instead. Leave out what is empty."
    )
    with pytest.raises(DataQualityError, match=re.escape(message)):
        PsychographicTransformer().fit(ANSWERS.assign(order=np.nan))
