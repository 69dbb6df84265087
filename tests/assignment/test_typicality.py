"""Split-conformal p-values, overall and a segment, and which segments are plausible."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import binom

from custseg.assignment import DiscriminantAssigner, SegmentationModel
from custseg.assignment._typicality import Quantiles, TypicalityLevels
from custseg.cluster import KMeansSegmenter
from custseg.exceptions import SegmentWarning


class TestQuantiles:
    def test_ties_on_paper(self):
        # Calibration distances 1, 2, 2, 5: a customer at 2 has 3 at least as far out,
        # (3 + 1) / 5; at 2.5 one, 2 / 5; at 5 one, 2 / 5; beyond none, 1 / 5.
        quantiles = Quantiles(np.array([2.0, 5, 1, 2]))
        asked = np.array([0.0, 1, 2, 2.5, 5, 5.1])
        expected = np.array([5, 5, 4, 2, 2, 1]) / 5
        np.testing.assert_allclose(quantiles.p_values(asked), expected)

    def test_exact_for_every_order_of_few_customers(self):
        # Of five exchangeable customers each is the new one in turn: of distances
        # 1, 2, 2, 3, 3 the p-values are 1, 4/5, 4/5, 2/5, 2/5. At most a share alpha
        # is at most alpha for every alpha, and exactly alpha where no ties are broken.
        distances = np.array([1.0, 2, 2, 3, 3])
        p_values = [
            Quantiles(np.delete(distances, new)).p_values(distances[[new]])[0]
            for new in range(5)
        ]
        np.testing.assert_allclose(p_values, [1, 4 / 5, 4 / 5, 2 / 5, 2 / 5])
        for alpha in (0.2, 0.39, 0.4, 0.6, 0.8, 1):
            assert np.mean(np.array(p_values) <= alpha + 1e-12) <= alpha + 1e-12
        distinct = np.array([1.0, 2, 3, 4, 5])
        p_values = [
            Quantiles(np.delete(distinct, new)).p_values(distinct[[new]])[0]
            for new in range(5)
        ]
        np.testing.assert_allclose(sorted(p_values), np.arange(1, 6) / 5)

    def test_nobody_to_compare_with(self):
        assert Quantiles(np.empty(0)).p_values(np.array([0.0, 9])).tolist() == [1, 1]

    @pytest.mark.parametrize("n", [1, 4, 19, 20, 999, 5_000])
    def test_the_rank_is_that_of_the_rejected(self, n):
        distances = np.arange(n, dtype=float)
        quantiles = Quantiles(distances)
        for alpha in (0.01, 0.05, 0.3):
            asked = np.arange(n + 1) - 0.5
            rejected = quantiles.p_values(asked) <= alpha
            # Those beyond the calibration customer of this rank, and no others.
            limit = n - quantiles.rank_at(alpha)
            np.testing.assert_array_equal(rejected, asked > limit)


def test_own_p_values_on_paper():
    # Means 0 and 10, pooled variance 1. Of segment 0 a calibration customer at -3 and
    # one at .5, of segment 1 one at 12.
    X = np.array([[-1.0], [1], [9], [11], [0], [10]])
    typicality = TypicalityLevels(X, np.array([0, 0, 1, 1, 0, 1]))
    typicality.calibrate(np.array([[-3.0], [0.5], [12.0]]), np.array([0, 0, 1]))
    asked = np.array([[2.0], [9.0], [-4.0], [10.0]])
    expected = [[2 / 3, 1 / 2], [1 / 3, 2 / 2], [1 / 3, 1 / 2], [1 / 3, 2 / 2]]
    np.testing.assert_allclose(typicality.segment_p_values(asked), expected)
    assert all(len(own._kept) <= 1000 for own in typicality.own)


def clusters(n, seed):
    rng = np.random.default_rng(seed)
    truth = rng.choice(2, n, p=[0.6, 0.4])
    return np.column_stack([8 * truth, np.zeros(n)]) + rng.normal(size=(n, 2))


def fit(n=400, seed=0, **changes):
    settings = {"reject_alpha": 0.1, "random_state": 0, **changes}
    segmenter = KMeansSegmenter(2, n_init=1)
    return SegmentationModel(segmenter, **settings).fit(clusters(n, seed))


def test_each_segment_keeps_its_own_level():
    # A new customer's own segment, as the segmenter says, is ruled out with
    # probability floor(alpha (n + 1)) / (n + 1) <= alpha; 200 models of 100 customers,
    # one new customer a segment each: independent.
    n_out = np.zeros(2, dtype=int)
    for seed in range(200):
        model = fit(100, seed)
        new = clusters(40, 10_000 + seed)
        first = [np.flatnonzero(model.segmenter_.predict(new) == k)[0] for k in (0, 1)]
        p_values = model.segment_typicality(new[first]).to_numpy()
        n_out += np.diag(p_values) <= 0.2
    assert (n_out <= binom.ppf(0.9995, 200, 0.2)).all()
    assert (n_out >= binom.ppf(0.0005, 200, 0.05)).all()


def test_plausible_segments_are_those_above_alpha():
    model = fit()
    asked = np.array([[0.0, 0.0], [8, 0], [4, 0], [40, 40]])
    p_values = model.segment_typicality(asked)
    assert list(p_values.columns) == [0, 1]
    np.testing.assert_array_equal(model.plausible_segments(asked), p_values > 0.1)
    assert model.plausible_segments(asked).to_numpy().tolist() == [
        [True, False],
        [False, True],
        [False, False],
        [False, False],
    ]
    everything = model.plausible_segments(asked, alpha=0.03)
    np.testing.assert_array_equal(everything, p_values > 0.03)
    assert model.calibration_sizes_.sum() == model.n_calibration_ == 80


def test_tables_are_like_the_customers_table():
    X = clusters(400, 0)
    table = pd.DataFrame(X, columns=["a", "b"]).add_prefix("x_")
    table["id"] = [f"i{k}" for k in range(400)]
    model = SegmentationModel(
        KMeansSegmenter(2),
        DiscriminantAssigner(),
        customer_id="id",
        reject_alpha=0.1,
        random_state=0,
    ).fit(table)
    rows = table[5:9].set_index(pd.Index(list("abcd")))
    plausible = model.plausible_segments(rows)
    assert plausible.index.tolist() == list("abcd")
    assert set(plausible.dtypes.astype(str)) == {"bool"}
    polars = model.plausible_segments(pl.DataFrame(rows.to_dict("list")))
    assert polars.columns == ["0", "1"]
    np.testing.assert_array_equal(polars.to_numpy(), plausible.to_numpy())


def test_segments_with_few_calibration_customers_say_so():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(200, 1)), 50 + rng.normal(size=(10, 1))])
    model = SegmentationModel(KMeansSegmenter(2), reject_alpha=0.1, random_state=0).fit(
        X
    )
    n_few = int(model.calibration_sizes_[1])
    assert n_few < 9
    message = (
        "At alpha=0.1 a segment must have at least 9 calibration customers to be ruled "
        f"out for anyone. Got fewer in segments 1 ({n_few}) instead"
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)) as caught:
        plausible = model.plausible_segments(np.array([[1e6]]))
    assert caught[0].filename == __file__
    assert plausible.to_numpy().tolist() == [[False, True]]
    # The nearest segment's p-value, over all, rejects all the same.
    assert model.predict(np.array([[1e6]])).tolist() == [-1]


@pytest.mark.parametrize("alpha", [0, 1, -0.1, "x"])
def test_alpha_out_of_range(alpha):
    message = f"alpha must be above 0 and below 1. Got {alpha!r} instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        fit().plausible_segments(np.zeros((1, 2)), alpha=alpha)


def test_without_rejection_there_is_no_typicality():
    model = fit(reject_alpha=None)
    assert model.calibration_sizes_.tolist() == [0, 0]
    for ask in (model.plausible_segments, model.segment_typicality):
        with pytest.raises(ValueError, match="Typicality must be calibrated in fit"):
            ask(np.zeros((1, 2)))
