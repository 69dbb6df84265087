"""`SocialTransformer`: rates, activity and word of mouth."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.features import SocialTransformer

CUSTOMERS = {
    "followers": [40.0, 55.0, 9000.0, 10.0, 300.0],
    "posts": [4.0, 10.0, 50.0, 0.0, None],
    "likes": [8.0, 5.0, 4000.0, 0.0, 9.0],
    "made": [3, 0, 5, 0, 2],
    "got": [0, 1, 1, 0, 2],
    "club": ["north", "north", "south", "south", None],
}
ROLES = {
    "engagement": ("likes",),
    "per": "posts",
    "activity": "posts",
    "given": "made",
    "received": "got",
}


@pytest.mark.parametrize("as_frame", [pd.DataFrame, pl.DataFrame])
def test_on_paper(as_frame):
    social = SocialTransformer(**ROLES, scale=False, log="none", min_share=0)
    numbers = social.fit_transform(as_frame(CUSTOMERS))
    X = pd.DataFrame(numbers, columns=social.get_feature_names_out())
    # Two likes a post, a half, eighty; no posts and unknown posts have no rate, and get
    # the median of the other three.
    np.testing.assert_allclose(X["likes_per_posts"], [2, 0.5, 80, 2, 2])
    np.testing.assert_allclose(X["active"], [1, 1, 1, 0, 1])  # unknown: median
    np.testing.assert_allclose(X["word_of_mouth"], [1, -1, 4 / 6, 0, 0])
    np.testing.assert_allclose(X["posts"], [4, 10, 50, 0, 7])  # median of 0 4 10 50
    clubs = ["club=north", "club=south", "club=missing"]
    np.testing.assert_allclose(X[clubs].sum(axis=1), 1)
    assert "likes" not in X
    assert social.active_from_ == 1.0


def test_active_from_the_median_of_those_who_act():
    social = SocialTransformer(activity="posts", active_from="median")
    social.fit(pd.DataFrame(CUSTOMERS))
    assert social.active_from_ == 10.0  # of 4, 10 and 50


def test_variance_and_logarithm():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {"followers": rng.lognormal(5, 2, 300), "club": rng.choice(["a", "b"], 300)}
    )
    social = SocialTransformer().fit(table)
    assert social.log_columns_ == ("followers",)
    assert social.transform(table).var(axis=0).sum() == pytest.approx(2)


def test_alone_as_in_a_batch_and_after_a_pickle():
    table = pd.DataFrame(CUSTOMERS)
    social = SocialTransformer(**ROLES, nominal=("club",), min_share=0).fit(table)
    together = social.transform(table)
    again = pickle.loads(pickle.dumps(social))
    for row in range(len(table)):
        np.testing.assert_array_equal(
            again.transform(table.iloc[[row]])[0], together[row]
        )


def test_numbers_of_communities_are_levels():
    table = pd.DataFrame({"community": [3, 7, 3, 7]})
    social = SocialTransformer(nominal=("community",)).fit(table)
    names = ["community=3", "community=7"]
    assert list(social.get_feature_names_out()) == names
    with pytest.warns(SegmentWarning, match="'community': 1 .'9'. rows"):
        social.transform(pd.DataFrame({"community": [9]}))


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"per": "posts"}, ValueError, "engagement and per must be given together"),
        ({"given": "made"}, ValueError, "given and received must be given together"),
        ({"activity": "acts"}, SchemaError, "activity must name columns of the table"),
        (
            {"activity": "posts", "nominal": ("posts",)},
            ValueError,
            "Columns with a role must be numbers. Got 'posts' in nominal too",
        ),
        (
            {"activity": "followers"},
            DataQualityError,
            "Column 'followers' must have no number below 0. Got others in 1 of 5 rows",
        ),
        ({"activity": "club"}, SchemaError, "Column 'club' must hold numbers"),
    ],
)
def test_refusals(parameters, error, message):
    table = pd.DataFrame(CUSTOMERS).assign(followers=[1, 2, -3, 4, 5])
    with pytest.raises(error, match=re.escape(message)):
        SocialTransformer(**parameters).fit(table)


def test_nobody_acts():
    with pytest.raises(DataQualityError, match="must have somebody who acts"):
        SocialTransformer(activity="posts", active_from="median").fit(
            pd.DataFrame({"posts": [0, 0, 0]})
        )
