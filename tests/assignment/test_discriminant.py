"""Discriminant analysis against paper, SciPy's densities and scikit-learn."""

import re

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.datasets import load_iris, load_wine
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)

from custseg.assignment import DiscriminantAssigner
from custseg.assignment._moments import ledoit_wolf_intensity
from custseg.exceptions import DataQualityError, DegenerateFitError

DATA = {"iris": load_iris(return_X_y=True), "wine": load_wine(return_X_y=True)}
KINDS = ["linear", "quadratic"]


def by_densities(X, y, kind, priors):
    """Posteriors from SciPy's normal densities and unbiased covariances."""
    groups = [X[y == k] for k in np.unique(y)]
    own = [np.cov(group.T) for group in groups]
    if kind == "linear":
        n_free = len(X) - len(groups)
        pooled = sum(c * (len(g) - 1) for c, g in zip(own, groups, strict=True))
        own = [pooled / n_free] * len(groups)
    densities = np.column_stack(
        [
            multivariate_normal.pdf(X, group.mean(axis=0), covariance)
            for group, covariance in zip(groups, own, strict=True)
        ]
    )
    joint = densities * priors
    return joint / joint.sum(axis=1, keepdims=True)


def test_worked_case():
    # Segment a: 0, 2 (mean 1); b: 5, 7, 9 (mean 7). Within: (2 + 8) / (5 - 2) = 10/3.
    # Border with equal priors at (1 + 7) / 2 = 4; log-odds per unit (7 - 1) / (10/3).
    X, y = [[0], [2], [5], [7], [9]], list("aabbb")
    even = DiscriminantAssigner(priors="uniform").fit(X, y)
    np.testing.assert_allclose(even.covariances_, [[[10 / 3]]])
    np.testing.assert_allclose(even.means_, [[1.0], [7.0]])
    np.testing.assert_allclose(even.predict_proba([[4.0]]), [[0.5, 0.5]])
    np.testing.assert_allclose(even.decision_function([[5.0]]), [1.8])
    # By share the log prior odds log(3/2) are added.
    shared = DiscriminantAssigner().fit(X, y)
    np.testing.assert_allclose(shared.priors_, [0.4, 0.6])
    expected = 1.8 + np.log(1.5)
    np.testing.assert_allclose(shared.decision_function([[5.0]]), [expected])
    assert shared.predict([[3.9]]).tolist() == ["b"]
    assert even.predict([[3.9]]).tolist() == ["a"]


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("priors", ["share", "uniform", (0.2, 0.3, 0.5)])
def test_posteriors_equal_scipys_densities(data, kind, priors):
    X, y = DATA[data]
    fitted = DiscriminantAssigner(kind, priors=priors).fit(X, y)
    share = np.bincount(y) / len(y)
    given = {"share": share, "uniform": np.ones(3) / 3}.get(priors, priors)
    np.testing.assert_allclose(
        fitted.predict_proba(X), by_densities(X, y, kind, given), atol=1e-9
    )
    log = fitted.predict_log_proba(X)
    np.testing.assert_allclose(np.exp(log), fitted.predict_proba(X))


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("kind", KINDS)
def test_labels_equal_scikit_learns(data, kind):
    X, y = DATA[data]
    theirs = {
        "linear": LinearDiscriminantAnalysis(),
        "quadratic": QuadraticDiscriminantAnalysis(),
    }[kind]
    ours = DiscriminantAssigner(kind).fit(X, y).predict(X)
    np.testing.assert_array_equal(ours, theirs.fit(X, y).predict(X))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shrinkage", [None, 0.3, "auto"])
def test_units_of_columns_do_not_matter(kind, shrinkage):
    X, y = DATA["wine"]
    units = 10.0 ** np.arange(-6, 7)
    assigner = DiscriminantAssigner(kind, shrinkage=shrinkage)
    base = assigner.fit(X, y).predict_proba(X)
    other = assigner.fit(X * units + 1e3 * units, y).predict_proba(
        X * units + 1e3 * units
    )
    np.testing.assert_allclose(other, base, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shrinkage", [None, "auto"])
def test_a_weight_of_two_is_two_customers(kind, shrinkage):
    X, y = DATA["iris"]
    weights = np.random.default_rng(0).integers(0, 4, len(y))
    assigner = DiscriminantAssigner(kind, shrinkage=shrinkage)
    weighted = assigner.fit(X, y, sample_weight=weights).predict_proba(X)
    repeated = assigner.fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    np.testing.assert_allclose(weighted, repeated.predict_proba(X), atol=1e-10)


def test_ledoit_wolf_equals_scikit_learns():
    rng = np.random.default_rng(0)
    for n, d in [(20, 5), (200, 3), (12, 30)]:
        residuals = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
        residuals -= residuals.mean(axis=0)
        ours = ledoit_wolf_intensity(residuals, np.ones(n))
        theirs = ledoit_wolf_shrinkage(residuals, assume_centered=True)
        assert ours == pytest.approx(theirs, rel=1e-10)


def test_full_shrinkage_leaves_variances_only():
    X, y = DATA["iris"]
    fitted = DiscriminantAssigner(shrinkage=1.0).fit(X, y)
    plain = DiscriminantAssigner().fit(X, y)
    expected = np.diag(np.diag(plain.covariances_[0]))
    np.testing.assert_allclose(fitted.covariances_[0], expected, atol=1e-12)


def test_shrinkage_steadies_many_columns():
    # 40 columns of which one tells; 15 customers a segment. Held-out accuracy.
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 1000)
    X = rng.normal(size=(2000, 40))
    X[:, 0] += 2.5 * y
    train = np.r_[0:15, 1000:1015]
    scores = {
        shrinkage: DiscriminantAssigner(shrinkage=shrinkage)
        .fit(X[train], y[train])
        .score(X, y)
        for shrinkage in (None, "auto")
    }
    assert scores["auto"] > scores[None] + 0.1


def test_columns_that_others_determine_change_nothing():
    X, y = DATA["iris"]
    base = DiscriminantAssigner().fit(X, y)
    more = np.column_stack([X, X[:, 0] + X[:, 1], np.full(len(X), 7.0)])
    fitted = DiscriminantAssigner().fit(more, y)
    assert base.n_collinear_ == 0
    assert fitted.n_collinear_ == 2
    np.testing.assert_allclose(
        fitted.predict_proba(more), base.predict_proba(X), atol=1e-8
    )
    quadratic = DiscriminantAssigner("quadratic").fit(more, y)
    np.testing.assert_allclose(
        quadratic.predict_proba(more),
        DiscriminantAssigner("quadratic").fit(X, y).predict_proba(X),
        atol=1e-8,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_column_without_variance_within_segments_decides(kind):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 20)
    noise = rng.normal(size=(60, 2))
    X = np.column_stack([noise, y == 2])  # an indicator that is segment 2 exactly
    fitted = DiscriminantAssigner(kind).fit(X, y)
    assert fitted.predict([[0, 0, 1.0]]).tolist() == [2]
    assert fitted.predict([[0, 0, 0.0]])[0] != 2
    assert fitted.n_collinear_ == 0


@pytest.mark.parametrize("kind", KINDS)
def test_indicators_beside_columns_that_others_determine(kind):
    # Two flat directions, of which one tells the segments apart and one does not.
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1, 2], 30)
    noise = rng.normal(size=(90, 2)) * [1, 3]
    plain = np.column_stack([noise, y == 2])
    fitted = DiscriminantAssigner(kind).fit(plain, y)
    more = np.column_stack([plain, noise.sum(axis=1), plain[:, 2] + noise[:, 0]])
    mixed = DiscriminantAssigner(kind).fit(more, y)
    assert (fitted.n_collinear_, mixed.n_collinear_) == (0, 2)
    np.testing.assert_allclose(
        mixed.predict_proba(more), fitted.predict_proba(plain), atol=1e-6
    )


@pytest.mark.parametrize("far", [1e3, 1e6, 1e7])
def test_a_far_segment_does_not_flatten_a_column(far):
    # Two segments at 0 and 3 with variance 1: P(0 | x = 0) = 1 / (1 + e^-4.5).
    rng = np.random.default_rng(0)
    noise = rng.normal(size=100)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    X = np.concatenate([noise, 3 + noise, far + noise])[:, np.newaxis]
    fitted = DiscriminantAssigner().fit(X, np.repeat([0, 1, 2], 100))
    expected = 1 / (1 + np.exp(-4.5))
    assert fitted.predict_proba([[0.0]])[0, 0] == pytest.approx(expected, abs=1e-5)


def test_one_customer_alone_and_among_others():
    X, y = DATA["wine"]
    fitted = DiscriminantAssigner("quadratic").fit(X, y)
    alone = np.vstack([fitted.predict_proba(X[i : i + 1]) for i in range(30)])
    np.testing.assert_allclose(alone, fitted.predict_proba(X)[:30], rtol=1e-12)


@pytest.mark.parametrize(
    ("assigner", "X", "y", "message"),
    [
        (
            DiscriminantAssigner(),
            [[0], [1]],
            [4, 4],
            "There must be two segments or more to tell apart. Got 1 class instead.",
        ),
        (
            DiscriminantAssigner(),
            [[3, 1], [3, 1], [3, 1]],
            [0, 1, 1],
            "At least one column must vary. Got 2 constant columns instead.",
        ),
        (
            DiscriminantAssigner(),
            [[0], [1]],
            [0, 1],
            "Got n_samples=2 customers of total weight 2 in 2 segments instead.",
        ),
        (
            DiscriminantAssigner("quadratic"),
            [[0, 0], [1, 2], [5, 1], [6, 6], [7, 0]],
            [0, 0, 1, 1, 1],
            "Got segment 0 with 2 customers and 1 directions in which only others",
        ),
    ],
)
def test_degenerate_input(assigner, X, y, message):
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        assigner.fit(X, y)


@pytest.mark.parametrize("priors", [(0.5, 0.5), (1, 0, 1), (0.2, -0.1, 0.9)])
def test_priors_must_fit(priors):
    message = "priors must be 3 positive numbers, one a segment"
    with pytest.raises(ValueError, match=re.escape(message)):
        DiscriminantAssigner(priors=priors).fit(*DATA["iris"])


def test_negative_weights():
    X, y = DATA["iris"]
    with pytest.raises(DataQualityError, match="Got 150 negative weights instead"):
        DiscriminantAssigner().fit(X, y, sample_weight=-np.ones(150))
