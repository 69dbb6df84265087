"""`LoyaltyTransformer` and the net promoter score."""

import pickle
import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.features import LoyaltyTransformer, net_promoter_score

CUSTOMERS = pd.DataFrame(
    {
        "repeat_rate": [0.9, 0.8, 0.2, 0.1, 0.5, 0.6],
        "satisfaction": [5.0, 2.0, 5.0, 1.0, 4.0, None],
        "wallet": [0.7, 0.9, 0.1, 0.2, None, 0.4],
        "recommend": [10.0, 6.0, 9.0, 0.0, 8.0, None],
    }
)


class TestNetPromoterScore:
    def test_on_paper(self):
        # Three promoters, two passives, one detractor of six who answered: 2 / 6. The
        # squares of ones and minus ones are four: variance 4/6 - 1/9 = 5/9.
        found = net_promoter_score([10, 9, 9, 8, 7, 6, None])
        assert found.score == pytest.approx(1 / 3)
        assert found.standard_error == pytest.approx((5 / 9 / 6) ** 0.5)
        assert found.n_customers == 6

    @pytest.mark.parametrize(
        ("answer", "score"), [(0, -1), (6, -1), (7, 0), (8, 0), (9, 1), (10, 1)]
    )
    def test_classes(self, answer, score):
        assert net_promoter_score([answer]).score == score

    def test_weights_are_repetitions_for_the_score(self):
        answers, weights = [10, 7, 3], [3, 2, 1]
        weighted = net_promoter_score(answers, sample_weight=weights)
        assert weighted.score == net_promoter_score(np.repeat(answers, weights)).score
        # Weights that are all alike change nothing at all.
        even = net_promoter_score(answers, sample_weight=[2, 2, 2])
        once = net_promoter_score(answers)
        assert even.score == pytest.approx(once.score)
        assert even.standard_error == pytest.approx(once.standard_error)

    @pytest.mark.parametrize(
        ("answers", "weights", "error", "message"),
        [
            ([11], None, DataQualityError, "Column 'answers' must have whole numbers"),
            ([9.5, -1], None, DataQualityError, "Got others in 2 of 2 rows instead"),
            ([None], None, DataQualityError, "There must be an answer"),
            ([9], [1, 1], ValueError, "sample_weight must be one number a customer"),
            ([9], [-1], ValueError, "sample_weight must be one number a customer"),
        ],
    )
    def test_refusals(self, answers, weights, error, message):
        with pytest.raises(error, match=re.escape(message)):
            net_promoter_score(answers, sample_weight=weights)


def test_types_on_paper():
    # Medians: .55 of six repeat rates, 4 of five answers; the last is unknown.
    loyalty = LoyaltyTransformer().fit(CUSTOMERS)
    assert loyalty.cuts_ == pytest.approx((0.55, 4.0))
    types = ["true", "spurious", "latent", "none", "latent", "unknown"]
    assert loyalty.types(CUSTOMERS).tolist() == types
    shares = {"none": 0.2, "spurious": 0.2, "latent": 0.4, "true": 0.2}
    assert loyalty.type_shares_ == pytest.approx(shares)


def test_several_columns_are_standardised_and_averaged():
    loyalty = LoyaltyTransformer(behaviour=("repeat_rate", "wallet"), cuts="mean")
    loyalty.fit(CUSTOMERS)
    z = CUSTOMERS[["repeat_rate", "wallet"]]
    z = (z - z.mean()) / z.std(ddof=0)
    score = z.mean(axis=1)  # over the columns that are there
    assert loyalty.cuts_[0] == pytest.approx(score.mean())
    high = loyalty.types(CUSTOMERS).isin(["true", "spurious"])
    known = CUSTOMERS["satisfaction"].notna()
    assert (high == (score >= score.mean()))[known].all()


def test_outputs():
    loyalty = LoyaltyTransformer(promoter="recommend").set_output(transform="pandas")
    X = loyalty.fit_transform(CUSTOMERS)
    types = ["latent", "none", "spurious", "true", "unknown"]
    names = [f"loyalty={one}" for one in types]
    names += ["repeat_rate", "satisfaction", "recommend_class"]
    assert list(X) == names
    assert X.var(ddof=0).sum() == pytest.approx(4)
    # Detractor, passive, promoter are ranks 0, 1, 2; no answer is the median rank 1.
    raw = LoyaltyTransformer(promoter="recommend", output="type", scale=False)
    ranks = raw.fit_transform(CUSTOMERS)[:, -1]
    np.testing.assert_array_equal(ranks, [2, 0, 2, 0, 1, 1])
    only = LoyaltyTransformer(output="measures").fit(CUSTOMERS)
    assert list(only.get_feature_names_out()) == ["repeat_rate", "satisfaction"]


def test_frozen():
    loyalty = LoyaltyTransformer(cuts="median").fit(CUSTOMERS)
    together = loyalty.transform(CUSTOMERS)
    again = pickle.loads(pickle.dumps(loyalty))
    for row in range(len(CUSTOMERS)):
        alone = again.transform(CUSTOMERS.iloc[[row]])
        np.testing.assert_array_equal(alone[0], together[row])


def test_types_come_as_the_table_came():
    table = pl.from_pandas(CUSTOMERS)
    types = LoyaltyTransformer().fit(table).types(table)
    assert isinstance(types, pl.Series)
    expected = LoyaltyTransformer().fit(CUSTOMERS).types(CUSTOMERS)
    assert types.to_list() == expected.tolist()
    assert (types.name, expected.name) == ("loyalty", "loyalty")


def test_a_type_that_fit_has_not_seen_is_counted():
    known = CUSTOMERS.dropna(subset="satisfaction")
    loyalty = LoyaltyTransformer().fit(known)
    with pytest.warns(SegmentWarning, match="'loyalty': 1 .'unknown'. rows"):
        loyalty.transform(CUSTOMERS)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"behaviour": ()}, ValueError, "behaviour must name a column. Got none"),
        ({"attitude": ("trust",)}, SchemaError, "attitude must name columns"),
        ({"promoter": "nps"}, SchemaError, "promoter must name columns"),
        (
            {"proportions": ("wallet",)},
            ValueError,
            "proportions must be among behaviour",
        ),
        ({"cuts": (0.5,)}, ValueError, "cuts must be 'median', 'mean' or a pair"),
        ({"promoter": "wallet"}, DataQualityError, "must have whole numbers from 0"),
        (
            {"behaviour": ("satisfaction",), "proportions": ("satisfaction",)},
            DataQualityError,
            "Column 'satisfaction' must have shares from 0 to 1. Got others in 4 of 6",
        ),
    ],
)
def test_refusals(parameters, error, message):
    with pytest.raises(error, match=re.escape(message)):
        LoyaltyTransformer(**parameters).fit(CUSTOMERS)
