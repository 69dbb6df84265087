"""None of the above: the error rate is the chosen one, whatever the segmenter.

Split-conformal p-values of m new customers by n calibration customers, all
exchangeable: a customer is rejected if fewer than alpha * (n + 1) of the calibration
customers lie as far out, which has probability k / (n + 1), k = floor(alpha (n + 1)),
exactly (Vovk, Gammerman and Shafer 2005, doi 10.1007/b106715; Vovk 2012, doi
10.1007/s10994-013-5355-6, for its distribution over calibration sets, Beta(k, n + 1 -
k)). A mean over r independent splits has the standard error sqrt(p q (1 / (n + 2) + 1 /
m) / r), the variance of a Beta-binomial share.
"""

import pickle

import numpy as np
import pytest
from scipy.stats import chi2

from custseg import (
    DiscriminantAssigner,
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
    SegmentationModel,
)
from custseg.exceptions import SegmentWarning

CENTERS = np.array([[0.0, 0, 0], [5, 0, 0], [0, 5, 0]])


def members(rng, n):
    return CENTERS[rng.integers(0, 3, n)] + rng.normal(size=(n, 3))


def bounds(alpha, n, m, n_splits):
    """Rate of rejection of true members, and half its 99.9 % interval."""
    rate = np.floor(alpha * (n + 1)) / (n + 1)
    error = np.sqrt(rate * (1 - rate) * (1 / (n + 2) + 1 / m) / n_splits)
    return rate, 3.29 * error


@pytest.mark.parametrize("alpha", [0.05, 0.1])
def test_true_members_are_rejected_at_the_rate_chosen(alpha):
    """80 splits of fresh customers: 250 to learn from, 50 of them held back."""
    rates = []
    for split in range(80):
        rng = np.random.default_rng([split, 7])
        model = SegmentationModel(
            KMeansSegmenter(3, n_init=1, random_state=split),
            reject_alpha=alpha,
            random_state=split,
        ).fit(members(rng, 250))
        rates.append((model.predict(members(rng, 400)) == -1).mean())
    rate, half = bounds(alpha, 50, 400, 80)
    assert abs(np.mean(rates) - rate) < half
    assert rate <= alpha
    # Each split has a rate of its own, as wide as the Beta distribution says.
    assert abs(np.std(rates) / (half / 3.29 * np.sqrt(80)) - 1) < 0.3


@pytest.mark.parametrize(
    ("segmenter", "assigner"),
    [
        (GaussianMixtureSegmenter(3, random_state=0), None),
        (HierarchicalSegmenter(3), None),
        (KMeansSegmenter(2, random_state=0), DiscriminantAssigner("quadratic")),
        (KMeansSegmenter(6, n_init=1, random_state=0), None),
    ],
    ids=["mixture", "hierarchy", "two of three, quadratic", "six of three"],
)
@pytest.mark.simulation
def test_any_segmenter_right_or_wrong(segmenter, assigner):
    """The rate does not need segments to be there, nor to be the right ones."""
    alpha, n_splits, rates = 0.1, 40, []
    for split in range(n_splits):
        rng = np.random.default_rng([split, 12])
        model = SegmentationModel(
            segmenter, assigner, reject_alpha=alpha, random_state=split
        ).fit(members(rng, 300))
        rates.append((model.predict(members(rng, 500)) == -1).mean())
    rate, half = bounds(alpha, 60, 500, n_splits)
    assert abs(np.mean(rates) - rate) < half


@pytest.mark.parametrize("n_columns", [2, 6])
def test_planted_outsiders_are_rejected(n_columns):
    """At Mahalanobis distance sqrt(chi-square quantile 1 - alpha of d) + 4, above 99 %.

    They lie that far from the nearest centre, in a direction away from all.
    """
    alpha = 0.05
    rng = np.random.default_rng(0)
    centers = np.zeros((2, n_columns))
    centers[1, 0] = 8
    labels = rng.integers(0, 2, 4000)
    X = centers[labels] + rng.normal(size=(4000, n_columns))
    model = SegmentationModel(
        KMeansSegmenter(2, random_state=0), reject_alpha=alpha, random_state=0
    ).fit(X)
    distance = np.sqrt(chi2.ppf(1 - alpha, n_columns)) + 4
    away = rng.normal(size=(2000, n_columns))
    away[:, 0] = 0  # across the line through both centres
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    outsiders = centers[rng.integers(0, 2, 2000)] + distance * away
    assert (model.predict(outsiders) == -1).mean() > 0.99
    # The same in columns of other units, turned.
    turn = np.linalg.qr(rng.normal(size=(n_columns, n_columns)))[0] * np.geomspace(
        0.1, 50, n_columns
    )
    other = SegmentationModel(
        GaussianMixtureSegmenter(2, random_state=0), reject_alpha=alpha, random_state=0
    ).fit(X @ turn)
    assert (other.predict(outsiders @ turn) == -1).mean() > 0.99


class Watching(KMeansSegmenter):
    """Remembers whom it has seen."""

    seen = ()

    def fit(self, X, y=None, sample_weight=None):
        type(self).seen = {row.tobytes() for row in np.asarray(X, dtype=float)}
        return super().fit(X, y, sample_weight)


def test_calibration_customers_were_never_seen_by_the_segmenter():
    X = members(np.random.default_rng(0), 500)
    Watching.seen = ()
    SegmentationModel(
        Watching(3, random_state=0), reject_alpha=0.05, random_state=0
    ).fit(X)
    unseen = [row.tobytes() not in Watching.seen for row in X]
    assert sum(unseen) == 100


def test_off_by_default():
    X = members(np.random.default_rng(0), 200)
    model = SegmentationModel(KMeansSegmenter(3, random_state=0)).fit(X)
    far = np.full((5, 3), 1e6)
    assert (model.predict(far) >= 0).all()


def test_too_few_to_reject_anyone():
    """With 19 calibration customers 1 / 20 is the smallest p-value, with 18 1 / 19."""
    for n_customers, rejects in ((95, True), (94, False)):
        X = members(np.random.default_rng(0), n_customers)
        model = SegmentationModel(
            KMeansSegmenter(3, random_state=0), reject_alpha=0.05, random_state=0
        )
        if rejects:
            model.fit(X)
        else:
            with pytest.warns(SegmentWarning, match="at least 19 calibration"):
                model.fit(X)
        far = np.full((5, 3), 1e6)
        assert ((model.predict(far) == -1) == rejects).all()


def test_keeps_no_customers():
    """At most 1,000 quantiles a segment, however many customers there are."""
    rng = np.random.default_rng(0)
    model = SegmentationModel(
        KMeansSegmenter(3, n_init=1, random_state=0), reject_alpha=0.05, random_state=0
    )
    sizes = {}
    for n in (20_000, 60_000):
        route = model.fit(members(rng, n))._route
        sizes[n] = len(pickle.dumps(route.typicality))
        for quantiles in (route.typicality.nearest, *route.typicality.own):
            assert len(quantiles._kept) <= 1000
            assert quantiles.n_customers > 1000
    assert sizes[60_000] < 1.2 * sizes[20_000]


def test_alone_and_in_a_batch():
    rng = np.random.default_rng(0)
    model = SegmentationModel(
        KMeansSegmenter(3, random_state=0), reject_alpha=0.1, random_state=0
    ).fit(members(rng, 400))
    X = members(rng, 300) * 1.3
    together = model.predict(X)
    assert (together == -1).any()
    assert [model.predict(row[np.newaxis])[0] for row in X] == together.tolist()
