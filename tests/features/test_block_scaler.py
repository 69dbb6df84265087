"""`BlockScaler`, and what balance does to distances."""

import re

import numpy as np
import pytest

from custseg.exceptions import SegmentWarning
from custseg.features import BlockScaler


def mean_squared_distance(X):
    """Over all pairs of customers, the long way."""
    return np.mean(np.sum((X[:, np.newaxis] - X[np.newaxis]) ** 2, axis=-1))


@pytest.mark.parametrize("weight", [0.25, 1.0, 3.0])
def test_the_share_of_a_block_in_the_distances_is_its_weight(weight):
    rng = np.random.default_rng(0)
    block = rng.normal(size=(40, 7)) @ rng.normal(size=(7, 7)) + 100
    scaled = BlockScaler(weight=weight).fit_transform(block)
    # The mean over all pairs, a customer with itself among them, is twice the variance.
    assert mean_squared_distance(scaled) == pytest.approx(2 * weight)
    ratio = scaled / block
    np.testing.assert_allclose(ratio, ratio[0, 0])  # one figure for all


@pytest.mark.parametrize("shape", [(50, 4), (6, 30)])
def test_first_eigenvalue(shape):
    X = np.random.default_rng(1).normal(size=shape) * np.arange(1, shape[1] + 1)
    scaled = BlockScaler(balance="eigenvalue", weight=2.0).fit_transform(X)
    covariance = np.cov(scaled, rowvar=False, ddof=0)
    assert np.linalg.eigvalsh(covariance)[-1] == pytest.approx(2.0)


def test_on_paper():
    # Variances 4 and 4 (n in the denominator): 8 together, so all divided by sqrt(8).
    X = np.array([[1.0, 5.0], [5.0, 1.0], [5.0, 5.0], [1.0, 1.0]])
    scaler = BlockScaler().fit(X)
    assert scaler.variance_ == 8.0
    assert scaler.scale_ == pytest.approx(8**0.5)
    assert np.isnan(scaler.eigenvalue_)
    # The two columns do not correlate: the largest eigenvalue is 4.
    assert BlockScaler(balance="eigenvalue").fit(X).eigenvalue_ == pytest.approx(4.0)


def test_a_repeated_block_weighs_what_it_weighed():
    X = np.random.default_rng(2).normal(size=(30, 3))
    once = BlockScaler().fit_transform(X)
    five_times = BlockScaler().fit_transform(np.tile(X, 5))
    assert mean_squared_distance(five_times) == pytest.approx(
        mean_squared_distance(once)
    )


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_a_block_without_variance(value):
    X = np.full((7, 2), value)
    message = (
        "Got columns that are all constant instead (2 of them), which become zeros"
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)):
        scaler = BlockScaler().fit(X)
    np.testing.assert_array_equal(scaler.transform(X + 5), 0.0)


def test_one_row_as_in_a_batch():
    X = np.random.default_rng(3).normal(size=(20, 3))
    scaler = BlockScaler().fit(X)
    together = scaler.transform(X)
    for row, expected in zip(X, together, strict=True):
        np.testing.assert_array_equal(scaler.transform(row[np.newaxis])[0], expected)
