"""`BenefitTransformer`: utilities from ratings, rankings and choices."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import norm

from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.features import BenefitTransformer, map_benefits

ITEMS = ["price", "quality", "service", "brand", "design", "safety"]
N = 400


def simulated_answers(seed=0):
    """One set of utilities, asked for in three ways."""
    rng = np.random.default_rng(seed)
    utilities = rng.normal(size=(N, len(ITEMS)))
    level, spread = rng.normal(5, 1.5, (N, 1)), rng.uniform(0.5, 1.5, (N, 1))
    ratings = np.clip(np.round(level + spread * utilities), 1, 9)
    order = np.argsort(-utilities, axis=1)
    ranks = np.argsort(order, axis=1) + 1.0
    counts = {item: np.zeros((N, 3)) for item in ITEMS}
    for _ in range(12):  # sets of four items, best and worst with Gumbel noise
        for customer in range(N):
            shown = rng.choice(len(ITEMS), 4, replace=False)
            felt = utilities[customer, shown] + 0.5 * rng.gumbel(size=4)
            for place, item in enumerate(shown):
                best, worst = place == felt.argmax(), place == felt.argmin()
                counts[ITEMS[item]][customer] += (best, worst, 1)
    names = [f"{item}_{what}" for item in ITEMS for what in ("best", "worst", "shown")]
    choices = pd.DataFrame(np.hstack([counts[item] for item in ITEMS]), columns=names)
    return (
        utilities,
        pd.DataFrame(ratings, columns=ITEMS),
        pd.DataFrame(ranks, columns=ITEMS),
        choices,
    )


COUNTS = {
    item: tuple(f"{item}_{what}" for what in ("best", "worst", "shown"))
    for item in ITEMS
}


def correlation(found, utilities):
    """Mean over customers of the correlation over items."""
    found = found - found.mean(axis=1, keepdims=True)
    truth = utilities - utilities.mean(axis=1, keepdims=True)
    sizes = np.linalg.norm(found, axis=1) * np.linalg.norm(truth, axis=1)
    told = sizes > 0  # who rates all alike says nothing
    return np.mean((found * truth).sum(axis=1)[told] / sizes[told])


def test_three_ways_of_asking_find_the_same_utilities():
    utilities, ratings, ranks, choices = simulated_answers()
    standard = {"scale_use": "standardise", "scale": False}
    found = {
        "ratings": BenefitTransformer(**standard).fit_transform(ratings),
        "rankings": BenefitTransformer(kind="rankings", **standard).fit_transform(
            ranks
        ),
        "best_worst": BenefitTransformer(
            kind="best_worst", counts=COUNTS, **standard
        ).fit_transform(choices),
    }
    for kind, one in found.items():
        assert correlation(one, utilities) > 0.85, kind
        np.testing.assert_allclose(one.sum(axis=1), 0, atol=1e-9)
        # On one scale: every customer has a standard deviation of one over items.
        told = one.std(axis=1) > 0
        assert told.mean() > 0.98
        np.testing.assert_allclose(one[told].std(axis=1), 1)


def test_ratings_on_paper():
    ratings = pd.DataFrame(
        {"a": [5.0, 3], "b": [3.0, 1], "c": [1.0, None], "d": [2.0, 2]}
    )
    benefit = BenefitTransformer(
        benefits={"x": ("a", "b"), "y": ("c", "d")}, scale=False
    )
    # First: x is 4, y 1.5, their mean 2.75. Second: c is filled by its mean 1 plus the
    # mean of 3 - 4, 1 - 2 and 2 - 2: 1/3. x is 2, y (1/3 + 2) / 2 = 7/6.
    middle = (2 + 7 / 6) / 2
    expected = [[1.25, -1.25], [2 - middle, 7 / 6 - middle]]
    np.testing.assert_allclose(benefit.fit_transform(ratings), expected)


def test_rankings_are_normal_scores():
    # Blom: rank i of 3 is near the quantile (i - .375) / 3.25 from above.
    scores = -norm.ppf((np.arange(1, 4) - 0.375) / 3.25)
    ranks = pd.DataFrame([[1, 2, 3], [3, 2, 1]], columns=list("abc"))
    benefit = BenefitTransformer(kind="rankings", scale=False).fit(ranks)
    np.testing.assert_allclose(
        benefit.transform(ranks), [scores, scores[::-1]], atol=1e-12
    )
    # A tie at the top shares the mean of two places.
    tied = benefit.transform(pd.DataFrame([[1, 1, 3]], columns=list("abc")))
    np.testing.assert_allclose(
        tied, [[*[scores[:2].mean()] * 2, scores[2]]], atol=1e-12
    )
    # Who names a top one only has the others tied at the end.
    top = benefit.transform(pd.DataFrame([[1, np.nan, np.nan]], columns=list("abc")))
    np.testing.assert_allclose(top, [[scores[0], *[scores[1:].mean()] * 2]], atol=1e-12)


def test_best_worst_on_paper():
    names = ["best", "worst", "shown", "b2", "w2", "s2"]
    counts = {"a": tuple(names[:3]), "b": tuple(names[3:])}
    table = pd.DataFrame([[3, 0, 4, 0, 3, 4], [1, 1, 4, 1, 1, 4]], columns=names)
    benefit = BenefitTransformer(
        kind="best_worst", counts=counts, scale_use="none", scale=False
    )
    # log((4 + 3 + 1) / (4 - 3 + 1)) = log 4, and its opposite.
    expected = [[np.log(4), -np.log(4)], [0, 0]]
    np.testing.assert_allclose(benefit.fit_transform(table), expected)


def test_one_dimension_is_lost_by_centring():
    _, ratings, _, _ = simulated_answers()
    benefit = BenefitTransformer().fit(ratings)
    X = benefit.transform(ratings)
    assert benefit.n_dimensions_ == len(ITEMS) - 1
    assert np.linalg.matrix_rank(X - X.mean(axis=0)) == len(ITEMS) - 1
    assert X.var(axis=0).sum() == pytest.approx(len(ITEMS) - 1)
    plain = BenefitTransformer(scale_use="none").fit(ratings)
    assert plain.transform(ratings).var(axis=0).sum() == pytest.approx(len(ITEMS))


def test_how_a_customer_uses_the_scale_is_taken_off():
    ratings = pd.DataFrame(
        [[5, 4, 3], [3, 2, 1], [5, 3, 1], [2, 2, 2.0]], columns=list("abc")
    )
    centred = BenefitTransformer(scale=False).fit_transform(ratings)
    np.testing.assert_allclose(centred[0], centred[1])
    assert not np.allclose(centred[0], centred[2])
    both = BenefitTransformer(scale=False, scale_use="standardise").fit_transform(
        ratings
    )
    np.testing.assert_allclose(both[0], both[2])
    np.testing.assert_allclose(both[3], 0)  # who answers alike says nothing


def test_prices():
    table = pd.DataFrame(
        {
            "a": [1.0, 2, 3, 1],
            "tc": [2.0, 2, 9, None],
            "c": [4.0, 4, 4, 4],
            "e": [16.0, 8, 5, 6],
            "te": [20.0, 9, 6, 7],
        }
    )
    benefit = BenefitTransformer(prices=("tc", "c", "e", "te"), scale=False)
    message = "Prices must rise from too cheap to too expensive. Got others in 1 of 4"
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        X = benefit.fit_transform(table)
    assert list(benefit.get_feature_names_out()) == ["a", "price_level", "price_range"]
    level = np.log([8, 32**0.5, 32**0.5, 24**0.5])  # the third is missing: the median
    np.testing.assert_allclose(X[:, 1], level)
    np.testing.assert_allclose(X[[0, 1, 3], 2], np.log([4, 2, 1.5]))
    with pytest.raises(DataQualityError, match="or set strict=False"):
        benefit.set_params(strict=True).fit(table)


@pytest.mark.parametrize("as_frame", [pd.DataFrame, pl.DataFrame])
def test_frozen_alone_and_after_a_pickle(as_frame):
    _, ratings, _, _ = simulated_answers()
    ratings.iloc[::7, 2] = np.nan
    table = as_frame(ratings.to_dict("list"))
    benefit = BenefitTransformer(scale_use="standardise").fit(table)
    together = benefit.transform(table)
    assert np.isfinite(together).all()
    again = pickle.loads(pickle.dumps(benefit))
    for row in range(0, N, 37):
        alone = again.transform(table[row : row + 1])
        np.testing.assert_array_equal(alone[0], together[row])


def test_a_map_to_edit():
    items = ["low price", "Friendly staff", "organic_label", "brand-name"]
    assert map_benefits(items) == {
        "price": ("low price",),
        "service": ("Friendly staff",),
        "brand": ("brand-name",),
        "environment": ("organic_label",),
    }
    own = {"fun": "play laugh"}
    assert map_benefits(["we_laugh"], own) == {"fun": ("we_laugh",)}
    with pytest.raises(SchemaError, match="Got no known word in 'xyz' instead"):
        map_benefits(["low price", "xyz"])


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"benefits": {"x": ("a",)}}, SchemaError, "Each column must be an item of a"),
        (
            {"benefits": {"x": ("a", "b"), "y": ("b",)}},
            SchemaError,
            "be of one benefit",
        ),
        (
            {"benefits": {"x": ("a", "b"), "y": ()}},
            SchemaError,
            "must have an item. Got",
        ),
        ({"benefits": {"x": ("z",)}}, SchemaError, "benefits must name items of the"),
        ({"kind": "rankings"}, DataQualityError, "'a' must have ranks from 1"),
        ({"kind": "best_worst"}, ValueError, "counts must name three columns of each"),
        ({"counts": {"a": ("a", "b", "b")}}, ValueError, "counts must come with kind="),
        (
            {"kind": "best_worst", "counts": {"a": ("a", "b")}},
            SchemaError,
            "counts must name three columns of each item, and every column",
        ),
        ({"prices": ("a", "b")}, ValueError, "prices must be four columns"),
    ],
)
def test_refusals(parameters, error, message):
    table = pd.DataFrame({"a": [0.5, 1, 2], "b": [1, 2, 3]})
    with pytest.raises(error, match=re.escape(message)):
        BenefitTransformer(**parameters).fit(table)


def test_more_choices_than_were_shown():
    table = pd.DataFrame({"b": [3, 1], "w": [0, 1], "s": [2, 2]})
    benefit = BenefitTransformer(kind="best_worst", counts={"a": ("b", "w", "s")})
    with pytest.raises(DataQualityError, match="best and worst within times shown"):
        benefit.fit(table)
