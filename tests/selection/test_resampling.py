"""The five schemes of disturbance (Hennig, 2007)."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, SchemaError
from custseg.selection._resampling import (
    SCHEMES,
    jittered,
    noise_points,
    resampled,
)

N = 2_000
RNG = np.random.default_rng(4)
# Correlated columns on unlike scales, far from the origin.
X = RNG.normal(size=(N, 2)) @ [[3.0, 2.0], [0.0, 0.5]] + [100, -50]
WEIGHTS = RNG.uniform(1, 2, N)


def drawn(scheme, table=X, weights=None):
    return resampled(scheme, table, np.random.default_rng(7), weights)


def test_bootstrap_draws_as_many_customers_with_replacement():
    """Of n drawn so 1 - 1/e are distinct: .632, give or take 4 errors of .0070."""
    resample = drawn("bootstrap", weights=WEIGHTS)
    assert len(resample.table) == N
    assert len(resample.customers) / N == pytest.approx(1 - np.exp(-1), abs=0.028)
    np.testing.assert_array_equal(resample.table[resample.rows], X[resample.customers])
    np.testing.assert_array_equal(
        resample.weights[resample.rows], WEIGHTS[resample.customers]
    )


def test_subset_is_half_of_the_customers_once_each():
    resample = drawn("subset")
    assert len(resample.table) == len(resample.customers) == N // 2
    assert (np.diff(resample.customers) > 0).all()
    np.testing.assert_array_equal(resample.table[resample.rows], X[resample.customers])


def test_noise_replaces_one_in_twenty_and_compares_the_others():
    """100 expected of 2,000; four standard deviations are 39."""
    resample = drawn("noise")
    replaced = np.setdiff1d(np.arange(N), resample.customers)
    assert len(resample.table) == N
    assert abs(len(replaced) - 100) < 39
    np.testing.assert_array_equal(resample.table[resample.rows], X[resample.customers])
    assert not (resample.table[replaced] == X[replaced]).any()


def test_noise_fills_a_box_along_the_principal_directions():
    """A uniform on -4 to 4 standard deviations has a deviation of 8 / sqrt(12)."""
    points = noise_points(X, 40_000, np.random.default_rng(0)) - X.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(X.T))
    scores = points @ vectors / np.sqrt(values)
    assert abs(scores).max() <= 4
    np.testing.assert_allclose(scores.std(axis=0), 8 / np.sqrt(12), rtol=0.02)
    assert abs(np.corrcoef(scores.T)[0, 1]) < 0.02


def test_jitter_is_as_wide_as_neighbours_are_apart():
    """On one column 0, 1, 3, 6, ... the .1 quantile of gaps 1 to 10 is 1.9."""
    column = np.cumsum(np.arange(11.0))[:, np.newaxis]
    many = np.zeros((40_000, 1))
    noise = jittered(many, column, np.random.default_rng(0))
    assert noise.mean() == pytest.approx(0, abs=4 * 1.9 / 200)
    assert noise.std() == pytest.approx(1.9, rel=0.02)


def test_jitter_goes_by_places_where_many_customers_share_one():
    """Four in five gaps of 0, 0, 0, 0, 0, 1, ... are none; those left are all 1."""
    answers = np.repeat(np.arange(5.0), 5)[:, np.newaxis]
    noise = jittered(np.zeros((40_000, 1)), answers, np.random.default_rng(0))
    assert noise.std() == pytest.approx(1, rel=0.02)
    same = np.ones((10, 2))  # one place: nothing says how much a little is
    np.testing.assert_array_equal(jittered(same, same, np.random.default_rng(0)), same)


def test_jitter_moves_everybody_a_little():
    resample = drawn("jitter")
    moved = resample.table - X
    assert (moved != 0).any(axis=1).all()
    assert moved.std() < 0.05 * X.std(axis=0).min()
    np.testing.assert_array_equal(resample.customers, np.arange(N))


def test_both_jitters_a_bootstrap_sample():
    both, plain = drawn("bootstrap_jitter"), drawn("bootstrap")
    np.testing.assert_array_equal(both.customers, plain.customers)
    difference = both.table - plain.table
    assert (difference != 0).any(axis=1).all()
    assert abs(difference).max() < 0.2


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("engine", [pd.DataFrame, pl.DataFrame])
def test_frames_stay_what_they_are(scheme, engine):
    frame = engine({"visits": X[:, 0], "spend": X[:, 1]})
    resample = drawn(scheme, frame, WEIGHTS)
    assert type(resample.table) is engine
    assert list(resample.table.columns) == ["visits", "spend"]
    expected = drawn(scheme, X, WEIGHTS)
    np.testing.assert_array_equal(resample.table.to_numpy(), expected.table)
    np.testing.assert_array_equal(resample.weights, expected.weights)


@pytest.mark.parametrize("scheme", ["noise", "jitter", "bootstrap_jitter"])
def test_text_cannot_be_jittered(scheme):
    frame = pd.DataFrame({"visits": [1, 2], "city": ["a", "b"]})
    message = f"for the scheme {scheme!r}. Got others in 'city' instead."
    with pytest.raises(SchemaError, match=re.escape(message)):
        drawn(scheme, frame)
    assert len(drawn("bootstrap", frame).table) == 2


@pytest.mark.parametrize("scheme", ["noise", "jitter", "bootstrap_jitter"])
def test_missing_values_have_no_directions(scheme):
    frame = pd.DataFrame({"visits": [1, 2, 3], "spend": [1.0, np.nan, 2.0]})
    message = f"infinite values for the scheme {scheme!r}. Got some in 'spend' instead."
    with pytest.raises(DataQualityError, match=re.escape(message)):
        drawn(scheme, frame)
    message = f"infinite values for the scheme {scheme!r}. Got some in 1 instead."
    with pytest.raises(DataQualityError, match=re.escape(message)):
        drawn(scheme, frame.to_numpy())
    message = f"The array must hold numbers for the scheme {scheme!r}."
    with pytest.raises(SchemaError, match=re.escape(message)):
        drawn(scheme, np.array([["a"], ["b"]], dtype=object))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_columns_may_be_numbered(scheme):
    found = drawn(scheme, pd.DataFrame(X)).table
    assert list(found.columns) == [0, 1]
    np.testing.assert_array_equal(found.to_numpy(), drawn(scheme).table)
