"""Calibration of probabilities, and the cross-fitted ones that it is learned from."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import log_loss
from sklearn.neighbors import KNeighborsClassifier

from custseg import DemographicTransformer, DiscriminantAssigner
from custseg.assignment._calibration import (
    cross_fitted_probabilities,
    folds,
    learn_calibration,
)
from custseg.datasets import make_customers
from custseg.evaluation._calibration_curve import reliability_curve
from custseg.exceptions import DegenerateFitError


def drawn(n=4000, sharpness=1.0, seed=0):
    """True probabilities, overstated ones, and segments drawn from the true ones."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(n, 3))
    true, said = (
        np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        for s in (scores, sharpness * scores)
    )
    codes = (rng.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1)
    return true, said, codes


def test_temperature_on_paper():
    # All are said to be .9 in segment 0 and six of ten are. The least log loss says .6
    # of all: (.9 / .1) ** (1 / T) = .6 / .4, so T = log 9 / log 1.5.
    said, codes = np.tile([0.9, 0.1], (10, 1)), np.repeat([0, 1], [6, 4])
    calibration = learn_calibration("temperature", said, codes)
    assert calibration.temperature == pytest.approx(np.log(9) / np.log(1.5))
    np.testing.assert_allclose(calibration.apply(said), np.tile([0.6, 0.4], (10, 1)))


def test_probabilities_of_zero_count_as_the_least_there_is():
    # Sure of three customers and wrong about one. With e = 2**-52 ** (1 / T) the log
    # loss is log(1 + 2 e) - log(e) / 3; its slope is zero at e = 1 / 4, so T = 26.
    said, codes = np.eye(3), np.array([0, 1, 1])
    calibration = learn_calibration("temperature", said, codes)
    assert calibration.temperature == pytest.approx(26)
    applied = calibration.apply(said)
    np.testing.assert_allclose(applied, np.full((3, 3), 1 / 6) + np.eye(3) / 2)


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.5])
def test_temperature_is_recovered_and_changes_no_label(sharpness):
    true, said, codes = drawn(sharpness=sharpness)
    calibration = learn_calibration("temperature", said, codes)
    assert calibration.temperature == pytest.approx(sharpness, rel=0.1)
    applied = calibration.apply(said)
    np.testing.assert_array_equal(applied.argmax(axis=1), said.argmax(axis=1))
    assert np.abs(applied - true).mean() < 0.01


def test_no_temperature_near_the_learned_one_has_less_loss():
    _, said, codes = drawn(sharpness=2.5)
    learned = learn_calibration("temperature", said, codes)
    least = log_loss(codes, learned.apply(said))
    for factor in (0.97, 1.03):
        other = said ** (1 / (factor * learned.temperature))
        assert log_loss(codes, other / other.sum(axis=1, keepdims=True)) > least


def test_temperatures_at_their_ends():
    sure_and_right = np.array([[0.9, 0.1], [0.2, 0.8]])
    right = learn_calibration("temperature", sure_and_right, np.array([0, 1]))
    wrong = learn_calibration("temperature", sure_and_right, np.array([1, 0]))
    even = learn_calibration("temperature", np.full((4, 2), 0.5), np.arange(4) % 2)
    assert (right.temperature, wrong.temperature) == (0.01, 100)
    assert even.temperature == 1


def test_isotonic_on_paper():
    # Said .2, .4, .6, .8 and came true 0, 1, 0, 1: the middle two violate the order and
    # are pooled to .5. A share of 0 among four is taken as 1 / 6.
    said = np.array([[0.2, 0.8], [0.4, 0.6], [0.6, 0.4], [0.8, 0.2]])
    calibration = learn_calibration("isotonic", said, np.array([1, 0, 1, 0]))
    expected = [[1 / 7, 6 / 7], [0.5, 0.5], [0.5, 0.5], [6 / 7, 1 / 7]]
    np.testing.assert_allclose(calibration.apply(said), expected)
    # Half way from .2 to .4: (1/6 + 1/2) / 2 = 1/3 against (1 + 1/2) / 2 = 3/4.
    between = calibration.apply(np.array([[0.3, 0.7], [0.0, 1.0]]))
    np.testing.assert_allclose(between, [[4 / 13, 9 / 13], [1 / 7, 6 / 7]])


def test_isotonic_is_that_of_scikit_learn():
    _, said, codes = drawn(sharpness=2.5)
    applied = learn_calibration("isotonic", said, codes).apply(said)
    least = 1 / (len(codes) + 2)
    expected = np.column_stack(
        [
            IsotonicRegression(y_min=least, y_max=1).fit_transform(column, codes == k)
            for k, column in enumerate(said.T)
        ]
    )
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(applied, expected, atol=1e-12)


def test_isotonic_keeps_few_knots_and_comes_near_the_truth():
    true, said, codes = drawn(60_000, sharpness=2.5)
    calibration = learn_calibration("isotonic", said, codes)
    assert max(len(x) for x, _ in calibration.knots) <= 256
    assert all((np.diff(y) >= 0).all() for _, y in calibration.knots)
    applied = calibration.apply(said)
    np.testing.assert_allclose(applied.sum(axis=1), 1)
    assert np.abs(applied - true).mean() < 0.02


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_customers_in_no_segment_do_not_matter(method):
    _, said, codes = drawn(500, sharpness=2)
    placed = learn_calibration(method, said[100:], codes[100:])
    codes[:100] = -1
    again = pickle.loads(pickle.dumps(learn_calibration(method, said, codes)))
    np.testing.assert_array_equal(again.apply(said), placed.apply(said))
    one = np.vstack([again.apply(row[np.newaxis]) for row in said[:20]])
    np.testing.assert_array_equal(one, again.apply(said)[:20])


def test_nobody_to_learn_calibration_from():
    message = (
        "Calibration must have customers that are in a segment. Got none instead. "
        "Leave calibration out."
    )
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        learn_calibration("temperature", np.ones((2, 1)), np.array([-1, -1]))


def test_folds_have_their_share_of_each_segment():
    labels = np.repeat([4, 0, 7], [23, 11, 2])
    parts = folds(labels, 5, 0)
    asked = np.concatenate([asked for _, asked in parts])
    np.testing.assert_array_equal(np.sort(asked), np.arange(36))
    for learned, asked in parts:
        assert not set(learned) & set(asked)
        assert len(learned) + len(asked) == 36
    for segment, n in ((4, 23), (0, 11), (7, 2)):
        counts = [(labels[asked] == segment).sum() for _, asked in parts]
        assert sum(counts) == n
        assert max(counts) - min(counts) <= 1


def test_cross_fitted_on_paper():
    # Two folds, each with half of both segments, so that shares are even; segment 9 has
    # one customer, and where it is asked nobody has heard of the segment.
    labels, X = np.array([3, 3, 3, 3, 5, 5, 5, 5, 9]), np.zeros((9, 1))
    probabilities = cross_fitted_probabilities(
        DummyClassifier(), X, labels, np.array([3, 5, 9]), n_folds=2, seed=1
    )
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(probabilities[8], [0.5, 0.5, 0])
    # The other fold's four have heard of it as one of five.
    heard = probabilities[:, 2] > 0
    assert heard.sum() == 4
    np.testing.assert_allclose(probabilities[heard], [[0.4, 0.4, 0.2]] * 4)


def test_nobody_is_asked_who_was_learned_from():
    # The nearest other customer of each is of the other segment: who has learned a
    # customer knows it, who has not is always wrong.
    X = np.repeat(np.arange(40.0), 2)[:, np.newaxis]
    X[1::2] += 0.1
    labels = np.tile([0, 1], 40)
    memory = KNeighborsClassifier(1)
    assert memory.fit(X, labels).score(X, labels) == 1
    ids = np.arange(2)
    said = cross_fitted_probabilities(memory, X, labels, ids, n_folds=80, seed=0)
    assert (said[np.arange(80), labels] == 0).all()


def test_frames_and_one_segment():
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0]})
    ids = np.array([2])
    said = cross_fitted_probabilities(
        DiscriminantAssigner(), frame, np.full(4, 2), ids, n_folds=2
    )
    np.testing.assert_array_equal(said, np.ones((4, 1)))


def test_an_assigner_that_cannot_learn_from_part():
    # With one of three gone, there are no more customers than segments.
    X, labels = np.array([[0.0], [1.0], [5.0]]), np.array([0, 0, 1])
    message = (
        "The assigner must be able to learn from part of the customers, which "
        "cross-validation leaves it with. Got 2 of 3 instead, and: "
    )
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        cross_fitted_probabilities(
            DiscriminantAssigner(), X, labels, np.arange(2), n_folds=3, seed=0
        )


@pytest.mark.parametrize("method", ["temperature", "isotonic"])
def test_calibrated_probabilities_of_simulated_customers_come_true(method):
    # A quadratic discriminant takes levels of gender, education and region for
    # Gaussian, and is far too sure of itself. The bound is for 20,000 customers to
    # learn from and the error is of 20,000 others.
    simulated = make_customers(40_000, n_segments=4, separation=2.5, random_state=100)
    segment = simulated.truth["segment"].to_numpy()
    X = DemographicTransformer().fit_transform(
        simulated.customers[list(simulated.descriptor_columns)]
    )
    X, X_new, segment, segment_new = X[:20_000], X[20_000:], *np.split(segment, 2)
    assigner = DiscriminantAssigner("quadratic", shrinkage="ledoit_wolf")
    said = cross_fitted_probabilities(assigner, X, segment, np.arange(4), seed=0)
    calibration = learn_calibration(method, said, segment)
    raw = assigner.fit(X, segment).predict_proba(X_new)

    def error(probabilities):
        highest, top = probabilities.max(axis=1), probabilities.argmax(axis=1)
        curve = reliability_curve(highest, top == segment_new, 10)
        excess = (curve["probability"] - curve["share"]).abs()
        return (excess * curve["customers"]).sum() / 20_000

    assert error(raw) > 0.05
    assert error(calibration.apply(raw)) < 0.02
