"""Discriminant analysis against paper, SciPy's densities and scikit-learn."""

import re

import numpy as np
import pytest
import sklearn
from scipy.stats import multivariate_normal
from sklearn import config_context
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.datasets import load_iris, load_wine
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg.assignment import DiscriminantAssigner
from custseg.assignment._moments import ledoit_wolf_intensity, oas_intensity
from custseg.cluster import GaussianMixtureSegmenter
from custseg.datasets import load_wholesale
from custseg.engine import _products
from custseg.exceptions import DataQualityError, DegenerateFitError, SegmentWarning

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


def scikit_learns_method():
    """What scikit-learn divides by: it changed from one of MASS's methods to the other.

    Two segments of variance 1 / 2 (mle) or 1 (moment) each and pooled, 10 apart.
    """
    X, y = [[0], [np.sqrt(2)], [10], [10 + np.sqrt(2)]], [0, 0, 1, 1]
    linear = LinearDiscriminantAnalysis().fit(X, y).coef_[0, 0]
    quadratic = QuadraticDiscriminantAnalysis(store_covariance=True).fit(X, y)
    return {
        "linear": {10: "moment", 20: "mle"}[round(linear)],
        "quadratic": {2: "moment", 1: "mle"}[round(2 * quadratic.covariance_[0][0, 0])],
    }


@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("priors", [None, (0.2, 0.3, 0.5)])
def test_figures_equal_scikit_learns(data, kind, priors):
    X, y = DATA[data]
    peer = {
        "linear": LinearDiscriminantAnalysis,
        "quadratic": QuadraticDiscriminantAnalysis,
    }[kind]
    theirs = peer(priors=priors, store_covariance=True).fit(X, y)
    method = scikit_learns_method()[kind]
    ours = DiscriminantAssigner(kind, priors=priors or "share", method=method)
    ours.fit(X, y)
    same = {"rtol": 1e-8, "atol": 1e-8}
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    np.testing.assert_allclose(ours.means_, theirs.means_, **same)
    np.testing.assert_allclose(ours.priors_, theirs.priors_, **same)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), **same)
    if kind == "quadratic":
        np.testing.assert_allclose(ours.covariances_, theirs.covariance_, **same)
    elif priors is None:  # theirs is by maximum likelihood whatever the scores use
        mle = DiscriminantAssigner(method="mle").fit(X, y)
        np.testing.assert_allclose(mle.covariances_[0], theirs.covariance_, **same)


def test_channel_of_wholesale_clients():
    """403 of 440 in ten folds, by spends in natural logarithms.

    As scikit-learn's LinearDiscriminantAnalysis has it with the same folds (.9159).
    """
    clients = load_wholesale()
    spend, channel = np.log(clients.iloc[:, 2:]), clients["Channel"]
    folds = StratifiedKFold(10)
    for classifier in (DiscriminantAssigner(), LinearDiscriminantAnalysis()):
        found = cross_val_predict(classifier, spend, channel, cv=folds)
        assert (found == channel).sum() == 403


def test_scikit_learns_division_is_as_the_docstring_says():
    version = tuple(map(int, sklearn.__version__.split(".")[:2]))
    if version in [(1, 6), (1, 9)]:
        expected = "mle" if version == (1, 9) else "moment"
        assert set(scikit_learns_method().values()) == {expected}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shrinkage", [None, 0.3, "ledoit_wolf"])
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
@pytest.mark.parametrize("shrinkage", [None, "ledoit_wolf"])
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
        fourth = np.mean(np.sum(residuals**2, axis=1) ** 2)
        ours = ledoit_wolf_intensity(residuals.T @ residuals / n, fourth, n)
        theirs = ledoit_wolf_shrinkage(residuals, assume_centered=True)
        assert ours == pytest.approx(theirs, rel=1e-10)


def test_ledoit_wolf_of_one_segment_in_its_own_units():
    # The linear discriminant shrinks residuals of unit variance.
    X, y = DATA["iris"]
    residuals = X - np.array([X[y == k].mean(axis=0) for k in range(3)])[y]
    expected = ledoit_wolf_shrinkage(
        residuals / residuals.std(axis=0), assume_centered=True
    )
    fitted = DiscriminantAssigner(shrinkage="ledoit_wolf").fit(X, y)
    np.testing.assert_allclose(fitted.shrinkage_, [expected], rtol=1e-10)


def test_oas_on_paper():
    # Two columns, variances 3 and 1: tr(S^2) = 10, tr(S)^2 = 16, and 1 - 2/p = 0.
    # Eq. 23: (0 + 16) / ((n + 1 - 1) (10 - 16 / 2)) = 8 / n.
    assert oas_intensity(np.diag([3.0, 1.0]), 40) == pytest.approx(0.2)
    assert oas_intensity(np.diag([3.0, 1.0]), 4) == 1
    # Four columns: tr(S^2) = 12, tr(S)^2 = 36; (6 + 36) / ((n + 1/2) (12 - 9)).
    found = oas_intensity(np.diag([3.0, 1.0, 1.0, 1.0]), 27.5)
    assert found == pytest.approx(42 / (28 * 3))
    assert oas_intensity(np.eye(3), 100) == 1


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
        for shrinkage in (None, "ledoit_wolf")
    }
    assert scores["ledoit_wolf"] > scores[None] + 0.1


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
    ],
)
def test_degenerate_input(assigner, X, y, message):
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        assigner.fit(X, y)


@pytest.mark.parametrize(
    "priors",
    [
        *[(0.5, 0.5), (1, 0, 1), (0.2, -0.1, 0.9), {0: 0.5, 1: 0.5}, {5: 1}],
        *[(1, np.inf, 1), (1, np.nan, 1)],
    ],
)
def test_priors_must_fit(priors):
    message = "priors must be 3 positive numbers, one a segment"
    with pytest.raises(ValueError, match=re.escape(message)):
        DiscriminantAssigner(priors=priors).fit(*DATA["iris"])


def test_priors_by_segment():
    X, y = DATA["iris"]
    names = np.array(["c", "a", "b"])[y]
    given = DiscriminantAssigner(priors={"c": 1, "a": 2, "b": 5}).fit(X, names)
    np.testing.assert_allclose(given.priors_, [0.25, 0.625, 0.125])


def test_limits_of_steps():
    message = "f_to_enter must be above f_to_remove. Got 2 and 2.71 instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        DiscriminantAssigner(columns="stepwise", f_to_enter=2).fit(*DATA["iris"])


def test_negative_weights():
    X, y = DATA["iris"]
    with pytest.raises(DataQualityError, match="Got 150 negative weights instead"):
        DiscriminantAssigner().fit(X, y, sample_weight=-np.ones(150))


def test_a_flat_segment_takes_the_pooled_covariance():
    X = [[0, 0], [1, 2], [5, 1], [6, 6], [7, 0]]
    y = [0, 0, 1, 1, 1]
    message = (
        "Each segment must vary in every direction to have a covariance of its own. "
        "Got segments 0 (2 customers, 1 direction in which only others vary) "
        "instead, which take the pooled covariance."
    )
    with pytest.warns(SegmentWarning, match=re.escape(message)) as caught:
        fitted = DiscriminantAssigner("quadratic").fit(X, y)
    assert [warning.filename for warning in caught] == [__file__]
    linear = DiscriminantAssigner().fit(X, y)
    np.testing.assert_allclose(fitted.covariances_[0], linear.covariances_[0])
    np.testing.assert_allclose(fitted.covariances_[1], np.cov(np.transpose(X[2:])))
    assert fitted.fallbacks_[["segment", "used"]].values.tolist() == [
        [0, "pooled covariance"]
    ]
    # Ledoit and Wolf's estimate, or one customer lent, fills the line.
    steady = DiscriminantAssigner("quadratic", shrinkage="ledoit_wolf").fit(X, y)
    assert steady.fallbacks_.empty


def test_collinear_columns_are_recorded():
    X, y = DATA["iris"]
    more = np.column_stack([X, X[:, 0] + X[:, 1]])
    fallbacks = DiscriminantAssigner().fit(more, y).fallbacks_
    assert fallbacks["segment"].tolist() == [None]
    assert fallbacks["reason"].tolist() == ["1 direction in which nobody varies"]


@pytest.mark.parametrize("kind", KINDS)
def test_customers_of_no_segment_teach_nothing(kind):
    X, y = DATA["iris"]
    labels = np.where(np.arange(150) % 7, y, -1)
    weights = np.where(np.arange(150) % 5, 1.5, 0)
    fitted = DiscriminantAssigner(kind).fit(X, labels, sample_weight=weights)
    known = labels >= 0
    expected = DiscriminantAssigner(kind).fit(
        X[known], y[known], sample_weight=weights[known]
    )
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X))
    assert fitted.classes_.tolist() == [0, 1, 2]
    # Of 22 customers labelled -1 the 5 of positions 0, 35, 70, ... have no weight.
    assert (fitted.n_unassigned_, expected.n_unassigned_) == (22 - 5, 0)


def test_minus_one_and_one_other_are_two_classes():
    X, y = DATA["iris"]
    fitted = DiscriminantAssigner().fit(X, np.where(y, 1, -1))
    assert fitted.classes_.tolist() == [-1, 1]
    assert fitted.n_unassigned_ == 0


@pytest.mark.parametrize(
    "segments",
    [
        np.array([-128, 3, 127], dtype="int8"),
        np.array([0, 5, 2**64 - 1], dtype="uint64"),
        np.array([10**6, 10**6 + 2, 10**9]),
        np.array([0.0, 2.0, 7.0]),
        np.array([False, True]),
        np.array(["b", "abc", "a"]),
        np.array(["b", "abc", "a"], dtype=object),
    ],
    ids=lambda segments: str(segments.dtype),
)
def test_labels_of_any_kind(segments):
    X, y = DATA["iris"]
    labels = segments[np.minimum(y, len(segments) - 1)]
    fitted = DiscriminantAssigner().fit(X, labels)
    np.testing.assert_array_equal(fitted.classes_, np.unique(labels))
    assert fitted.classes_.dtype == labels.dtype
    assert (fitted.predict(X) == labels).mean() >= 0.98


@pytest.mark.parametrize("kind", [*KINDS, "regularized"])
@pytest.mark.parametrize("shrinkage", [None, "ledoit_wolf", "oas", "auto"])
def test_probabilities_of_zero_and_one_are_labels(kind, shrinkage):
    X, y = DATA["iris"]
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y))
    assigner = DiscriminantAssigner(kind, shrinkage=shrinkage)
    hard = assigner.fit(X, y, sample_weight=weights).predict_proba(X)
    soft = assigner.fit(X, y, weights, segment_proba=np.eye(3)[y]).predict_proba(X)
    np.testing.assert_allclose(soft, hard, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_customer_half_in_two_segments_is_two_half_customers(kind):
    X, y = DATA["iris"]
    shares = np.random.default_rng(0).dirichlet(np.ones(3), len(y))
    soft = DiscriminantAssigner(kind).fit(X, y, segment_proba=shares)
    split = DiscriminantAssigner(kind).fit(
        np.repeat(X, 3, axis=0), np.tile([0, 1, 2], 150), sample_weight=shares.ravel()
    )
    np.testing.assert_allclose(soft.means_, split.means_)
    np.testing.assert_allclose(soft.covariances_, split.covariances_, atol=1e-12)
    np.testing.assert_allclose(soft.priors_, split.priors_)


def test_a_mixtures_probabilities_give_back_the_mixture():
    # The covariances of an M-step from its own probabilities are those of the mixture
    # up to the step that was left and the ridge on its diagonal.
    X, _ = DATA["iris"]
    mixture = GaussianMixtureSegmenter(2, random_state=0).fit(X)
    soft = DiscriminantAssigner("quadratic", method="mle").fit(
        X, mixture.labels_, segment_proba=mixture.predict_proba(X)
    )
    np.testing.assert_allclose(soft.means_, mixture.segment_centers_, atol=1e-3)
    np.testing.assert_allclose(
        soft.predict_proba(X), mixture.predict_proba(X), atol=1e-2
    )


def test_probabilities_are_routed():
    X, y = DATA["iris"]
    shares = np.random.default_rng(0).dirichlet(np.ones(3), len(y))
    expected = DiscriminantAssigner().fit(X, y, segment_proba=shares)
    with config_context(enable_metadata_routing=True):
        assigner = DiscriminantAssigner().set_fit_request(segment_proba=True)
        road = make_pipeline(StandardScaler(), assigner)
        road.fit(X, y, segment_proba=shares)
        np.testing.assert_allclose(road.predict_proba(X), expected.predict_proba(X))


@pytest.mark.parametrize(
    ("proba", "error", "message"),
    [
        (np.ones((150, 2)) / 2, ValueError, "Got shape (150, 2) instead."),
        (
            np.ones((150, 3)),
            DataQualityError,
            "Got 150 other rows (first: row 0) instead.",
        ),
        (
            np.tile([0.5, 0.5, 0], (150, 1)),
            DegenerateFitError,
            "Got probability zero throughout for 2 instead.",
        ),
    ],
)
def test_probabilities_that_are_none(proba, error, message):
    X, y = DATA["iris"]
    with pytest.raises(error, match=re.escape(message)):
        DiscriminantAssigner().fit(X, y, segment_proba=proba)


@pytest.mark.parametrize("method", ["moment", "mle"])
@pytest.mark.parametrize("shrinkage", [None, 0.2])
def test_pooling_goes_from_quadratic_to_linear(method, shrinkage):
    X, y = DATA["wine"]
    options = {"method": method, "shrinkage": shrinkage}
    for pooling, kind in [(0, "quadratic"), (1, "linear")]:
        between = DiscriminantAssigner("regularized", pooling=pooling, **options)
        ours = between.fit(X, y).predict_proba(X)
        same = DiscriminantAssigner(kind, **options).fit(X, y).predict_proba(X)
        np.testing.assert_allclose(ours, same, atol=1e-10)


def test_friedmans_covariance_on_paper():
    # Segment 0: 0, 2, 4, mean 2, scatter 8; segment 1: 10, 12, mean 11, scatter 2.
    # Half pooled, divided by half of 3 - 1 and of 5 - 2: (8/2 + 10/2) / (2/2 + 3/2) =
    # 3.6, and (2/2 + 10/2) / (1/2 + 3/2) = 3. By weights (4 + 5) / (1.5 + 2.5) = 2.25
    # and 6 / (1 + 2.5) = 12/7.
    X, y = [[0], [2], [4], [10], [12]], [0, 0, 0, 1, 1]
    moment = DiscriminantAssigner("regularized", pooling=0.5).fit(X, y)
    np.testing.assert_allclose(moment.covariances_.ravel(), [3.6, 3])
    mle = DiscriminantAssigner("regularized", pooling=0.5, method="mle").fit(X, y)
    np.testing.assert_allclose(mle.covariances_.ravel(), [2.25, 12 / 7])


def test_tuning_finds_what_the_customers_are_like():
    # Segments of one covariance and few customers: pooled. Of very different ones and
    # many customers: not.
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 20)
    alike = rng.normal(size=(40, 8)) + y[:, np.newaxis]
    fitted = DiscriminantAssigner("regularized").fit(alike, y)
    assert fitted.pooling_ >= 0.65
    y = np.repeat([0, 1], 500)
    unlike = rng.normal(size=(1000, 3)) * (1 + 5 * y[:, np.newaxis])
    fitted = DiscriminantAssigner("regularized", shrinkage="auto").fit(unlike, y)
    assert fitted.pooling_ <= 0.125
    assert len(fitted.tuning_) == 35
    assert fitted.tuning_["loss"].min() < fitted.tuning_["loss"].iloc[0] - 0.1


def test_tuning_has_no_chance_in_it():
    X, y = DATA["wine"]
    assigner = DiscriminantAssigner("regularized", shrinkage="auto")
    first = assigner.fit(X, y).tuning_
    assert first.equals(assigner.fit(X, y).tuning_)


def test_tuning_with_a_segment_that_a_fold_lacks():
    X, y = DATA["iris"]
    few = np.r_[0:30, 50:80, 100:101]
    fitted = DiscriminantAssigner("regularized", shrinkage=0.1).fit(X[few], y[few])
    assert np.isfinite(fitted.tuning_["loss"]).all()
    assert fitted.predict(X[100:101]).tolist() == [2]


@pytest.mark.parametrize("kind", KINDS)
def test_blocks_do_not_matter(monkeypatch, kind):
    X, y = DATA["wine"]
    assigner = DiscriminantAssigner(kind, shrinkage="ledoit_wolf")
    whole = assigner.fit(X, y).predict_proba(X)
    monkeypatch.setattr(_products, "_rows_of_block", lambda _: 11)
    np.testing.assert_allclose(assigner.fit(X, y).predict_proba(X), whole, atol=1e-11)
