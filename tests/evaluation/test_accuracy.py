"""The report of how well customers are assigned."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    confusion_matrix,
    log_loss,
    precision_score,
    recall_score,
)
from sklearn.model_selection import cross_val_predict

from custseg import (
    DiscriminantAssigner,
    GaussianMixtureSegmenter,
    KMeansSegmenter,
    SegmentationModel,
)
from custseg.assignment._calibration import folds
from custseg.evaluation import AssignmentReport, assignment_report
from custseg.evaluation._calibration_curve import (
    brier_score,
    calibration_error,
    reliability_curve,
    wilson_interval,
)
from custseg.evaluation._calibration_curve import log_loss as our_log_loss
from custseg.exceptions import DataQualityError, DegenerateFitError


def noise_model(seed=0, n=300, descriptors=range(4, 10), **options):
    """Four segments of noise in columns 0 to 3, and the customers."""
    X = np.random.default_rng(seed).normal(size=(n, 10))
    segmenter = KMeansSegmenter(4, n_init=2, random_state=seed)
    assigner = DiscriminantAssigner()
    model = SegmentationModel(
        segmenter, assigner, basis=range(4), descriptors=descriptors, **options
    )
    return model.fit(X), X


def real_table(n=180, seed=0):
    """Three segments of two columns; two others know something of them."""
    rng = np.random.default_rng(seed)
    segment = np.repeat(np.arange(3), [n // 2, n // 3, n - n // 2 - n // 3])
    behaviour = rng.normal(size=(n, 2)) + 8 * segment[:, np.newaxis]
    known = rng.normal(size=(n, 2)) + segment[:, np.newaxis] * [1.5, -1]
    names = ["orders", "spend", "age", "size"]
    return pd.DataFrame(np.hstack([behaviour, known]), columns=names)


def real_model(table, assigner=None, **options):
    return SegmentationModel(
        KMeansSegmenter(3, n_init=2, random_state=0),
        DiscriminantAssigner() if assigner is None else assigner,
        basis=["orders", "spend"],
        descriptors=["age", "size"],
        **options,
    ).fit(table)


def by_figure(report, column="accuracy"):
    return report.frame().set_index("figure")[column]


@pytest.mark.parametrize(
    ("n_hits", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_as_published(n_hits, n, low, high):
    # Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3: the score
    # method without continuity correction.
    np.testing.assert_allclose(wilson_interval(n_hits, n), (low, high), atol=5e-5)


def test_no_interval_of_nobody():
    low, high = wilson_interval(np.array([0, 1]), np.array([0, 1]))
    assert np.isnan([low[0], high[0]]).all()
    assert high[1] == 1


def test_reliability_on_paper():
    # Five bins: .2 is in the first, .21 and .4 in the second, 1 in the last.
    said = np.array([0.2, 0.21, 0.4, 0.9, 1.0, 1.0])
    came_true = np.array([1, 0, 1, 1, 1, 0], dtype=bool)
    curve = reliability_curve(said, came_true, 5)
    assert curve["bin"].tolist() == [0, 1, 4]
    assert curve["customers"].tolist() == [1, 2, 3]
    np.testing.assert_allclose(curve["probability"], [0.2, 0.305, 2.9 / 3])
    np.testing.assert_allclose(curve["share"], [1, 0.5, 2 / 3])
    np.testing.assert_allclose(curve["low"], wilson_interval([1, 1, 2], [1, 2, 3])[0])
    # (.8 + |.61 - 1| + |2.9 - 2|) / 6 by hand.
    error, low, high = calibration_error(said, came_true, 5, np.random.default_rng(0))
    assert error == pytest.approx(2.09 / 6)
    assert 0 <= low <= error <= high


@pytest.mark.parametrize("gap", [0, 0.03, 0.1])
def test_interval_of_calibration_error_covers_it(gap):
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        said = rng.uniform(0.3, 0.9, 1000)
        came_true = rng.random(1000) < said - gap
        error, low, high = calibration_error(said, came_true, 10, rng)
        assert 0 <= low <= error <= high
        covered += low <= gap <= high
    assert covered >= 85


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    probabilities, codes = rng.dirichlet(np.ones(3), 50), rng.integers(3, size=50)
    expected = log_loss(codes, probabilities, labels=[0, 1, 2])
    assert our_log_loss(probabilities, codes) == pytest.approx(expected)
    two = rng.dirichlet(np.ones(2), 50)
    halves = brier_score_loss(codes > 0, two[:, 1])
    assert brier_score(two, (codes > 0).astype(int)) == pytest.approx(2 * halves)
    errors = probabilities - np.eye(3)[codes]
    expected = (errors**2).sum(axis=1).mean()
    assert brier_score(probabilities, codes) == pytest.approx(expected)


def report_on_paper():
    # Ten and nine customers. Of the first seven are found, two are not, and one is
    # rejected; of the second six are found and one is in a segment that matches none.
    empty = pd.DataFrame()
    return AssignmentReport(
        kind="mixed",
        accuracies=empty,
        counts=np.array([[7, 2, 1, 0], [2, 6, 0, 1]]),
        segment_ids=np.array([1, 4]),
        segment_names={1: "few", 4: "many"},
        reliability=empty,
        scores=empty,
        n_unplaced=0,
        n_folds=5,
    )


def test_segments_on_paper():
    segments = report_on_paper().segments()
    assert segments["segment"].tolist() == [1, 4]
    assert segments["segment_name"].tolist() == ["few", "many"]
    assert segments["customers"].tolist() == [9, 9]
    assert segments["assigned"].tolist() == [9, 8]
    np.testing.assert_allclose(segments["recall"], [7 / 9, 6 / 9])
    np.testing.assert_allclose(segments["precision"], [7 / 9, 6 / 8])
    ends = segments[["precision_low", "precision_high"]].to_numpy().T
    np.testing.assert_allclose(ends, wilson_interval(np.array([7, 6]), [9, 8]))


def test_confusion_by_names_and_ids():
    report = report_on_paper()
    named = report.confusion()
    assert named.index.tolist() == ["few", "many"]
    others = ["none of the above", "another segment"]
    assert named.columns.tolist() == ["few", "many", *others]
    by_id = report.confusion(names=False)
    assert by_id.columns.tolist() == [1, 4, -1, -2]
    assert by_id.loc[4].tolist() == [2, 6, 0, 1]


def test_segments_fixed_are_those_of_scikit_learn():
    table = real_table()
    model = real_model(table)
    report = assignment_report(model, table, refit=False, random_state=0)
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    said = cross_val_predict(
        clone(model.assigner),
        table[["age", "size"]],
        model.labels_,
        cv=folds(model.labels_, 5, seed),
        method="predict_proba",
    )
    labels = said.argmax(axis=1)
    truth = model.labels_
    figures = by_figure(report)
    assert figures["segments fixed"] == pytest.approx(accuracy_score(truth, labels))
    seen = model.assigner_.score(table[["age", "size"]], truth)
    assert figures["resubstitution"] == pytest.approx(seen)
    np.testing.assert_array_equal(report.confusion(), confusion_matrix(truth, labels))
    segments = report.segments()
    np.testing.assert_allclose(
        segments["recall"], recall_score(truth, labels, average=None)
    )
    np.testing.assert_allclose(
        segments["precision"], precision_score(truth, labels, average=None)
    )
    scores = report.scores.set_index("probabilities")
    assert scores.loc["uncalibrated", "log_loss"] == pytest.approx(
        log_loss(truth, said)
    )
    # Shares say of everyone what is true on average.
    assert scores.loc["shares", "calibration_error"] == pytest.approx(0, abs=1e-12)
    assert scores.loc["shares", "log_loss"] > scores.loc["uncalibrated", "log_loss"]


def test_chances_and_improvement_on_paper():
    table = real_table(180)
    report = assignment_report(real_model(table), table, refit=False, random_state=0)
    # Shares are 1/2, 1/3 and 1/6: their squares sum to 14/36.
    figures = by_figure(report)
    assert figures["largest share"] == pytest.approx(1 / 2)
    assert figures["proportional chance"] == pytest.approx(14 / 36)
    improvement = by_figure(report, "improvement")
    np.testing.assert_allclose(improvement, 2 * figures - 1, atol=1e-12)


def test_reliability_has_every_customer_in_every_curve():
    table = real_table()
    report = assignment_report(
        real_model(table), table, refit=False, n_bins=7, random_state=0
    )
    curves = report.reliability.groupby("segment")
    assert sorted(curves.groups) == [-1, 0, 1, 2]
    assert (curves["customers"].sum() == len(table)).all()
    top = curves.get_group(-1)
    found = (top["share"] * top["customers"]).sum() / len(table)
    assert found == pytest.approx(by_figure(report)["segments fixed"])
    excess = np.abs(top["share"] - top["probability"]) @ top["customers"]
    error = report.scores["calibration_error"].iloc[0]
    assert error == pytest.approx(excess / len(table))


@pytest.mark.parametrize("seed", range(3))
def test_noise_is_told_from_skill(seed):
    model, X = noise_model(seed)
    report = assignment_report(model, X, random_state=seed)
    rows = report.frame().set_index("figure")
    largest = rows.loc["largest share", "accuracy"]
    for name in ("segments fixed", "segments refitted"):
        assert rows.loc[name, "low"] <= largest
        assert abs(rows.loc[name, "accuracy"] - 0.25) < 0.08
    assert rows.loc["resubstitution", "accuracy"] > largest
    assert report.kind == "predictability"
    words = f"no better than giving everyone the largest segment ({largest:.2f})"
    assert words in report.verdict
    assert report.verdict.startswith("predictability: ")
    assert repr(report) == f"<AssignmentReport: {report.verdict}>"


def test_noise_by_its_own_columns_is_reproduced_not_predicted():
    model, X = noise_model(descriptors=range(4))
    report = assignment_report(model, X, random_state=0)
    figures = by_figure(report)
    assert report.kind == "reproducibility"
    assert figures["segments fixed"] > 0.9
    assert figures["segments refitted"] < figures["segments fixed"] - 0.05
    assert "not skill" in report.verdict
    assert f"{figures['segments refitted']:.2f}" in report.verdict
    assert "better" not in report.verdict


def test_real_segments_are_predicted():
    table = real_table()
    report = assignment_report(real_model(table), table, random_state=0)
    figures = by_figure(report)
    # Segments far apart come back, so it does not matter which of the two one asks.
    assert figures["segments refitted"] == pytest.approx(
        figures["segments fixed"], abs=0.03
    )
    assert ": better than giving everyone the largest segment (0.50)" in report.verdict


def test_what_is_better_only_with_segments_fixed_is_said():
    accuracies = pd.DataFrame(
        [
            ("resubstitution", 0.7, 0.6, 0.8),
            ("segments fixed", 0.6, 0.5, 0.7),
            ("segments refitted", 0.4, 0.3, 0.5),
            ("largest share", 0.45, np.nan, np.nan),
        ],
        columns=["figure", "accuracy", "low", "high"],
    )
    report = report_on_paper()
    object.__setattr__(report, "accuracies", accuracies)
    assert report.verdict == (
        "mixed: By columns of which the segments were learned on some, 0.60 (0.50 to "
        "0.70) of the customers without part in learning get their segment, 0.40 (0.30 "
        "to 0.50) with segments learned anew: better with the segments held fixed, but "
        "no better learned anew, than giving everyone the largest segment (0.45). "
        "Resubstitution says 0.70."
    )


@pytest.mark.parametrize(
    ("basis", "descriptors", "kind"),
    [
        (["a", "b"], ["c"], "predictability"),
        (["a", "b"], ["b", "c"], "mixed"),
        (["a", "b"], ["a"], "mixed"),
        (["a", "b"], ["c", "b", "a"], "reproducibility"),
        (["a", "b"], None, "reproducibility"),
        (None, ["a"], "mixed"),
        (None, None, "reproducibility"),
    ],
)
def test_kinds(basis, descriptors, kind):
    names = ["orders", "spend", "age", "size"]
    table = real_table().rename(columns=dict(zip(names, "abcd", strict=True)))
    table["client"] = np.arange(len(table))
    model = SegmentationModel(
        KMeansSegmenter(2, random_state=0),
        DiscriminantAssigner(),
        basis=basis,
        descriptors=descriptors,
        customer_id="client",
    ).fit(table)
    assert assignment_report(model, table, refit=False, random_state=0).kind == kind


def test_without_an_assigner_only_refits_can_tell():
    table = real_table().iloc[:, :2]
    model = SegmentationModel(KMeansSegmenter(3, random_state=0)).fit(table)
    report = assignment_report(model, table, random_state=0)
    assert report.kind == "reproducibility"
    figures = by_figure(report)
    assert "segments fixed" not in figures.index
    assert figures["resubstitution"] == figures["segments refitted"] == 1
    assert report.reliability.empty
    assert report.scores.empty
    np.testing.assert_array_equal(report.confusion(), np.diag([90, 60, 30]))
    assert "1.00 (0.98 to 1.00) with segments learned anew" in report.verdict


def test_without_probabilities():
    table = real_table()
    report = assignment_report(
        real_model(table, RidgeClassifier()), table, refit=False, random_state=0
    )
    assert report.reliability.empty
    assert report.scores.empty
    assert by_figure(report)["segments fixed"] > 0.6


@pytest.mark.parametrize("seed", [0, 7])
def test_a_seed_repeats_and_nothing_global_is_touched(seed):
    model, X = noise_model(n=120)
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - it is the global one
    one, other = (assignment_report(model, X, random_state=seed) for _ in range(2))
    pd.testing.assert_frame_equal(one.frame(), other.frame(), check_exact=True)
    pd.testing.assert_frame_equal(one.scores, other.scores, check_exact=True)
    pd.testing.assert_frame_equal(one.reliability, other.reliability, check_exact=True)
    after = np.random.get_state()[1]  # noqa: NPY002
    np.testing.assert_array_equal(before, after)
    different = assignment_report(model, X, random_state=seed + 1)
    assert (different.counts != one.counts).any()


def test_frames_of_any_kind_and_arrays_alike():
    table = real_table()
    expected = assignment_report(real_model(table), table, random_state=0)
    polars = pl.DataFrame({name: table[name].to_numpy() for name in table})
    in_polars = assignment_report(real_model(polars), polars, random_state=0)
    array = table.to_numpy()
    model = SegmentationModel(
        KMeansSegmenter(3, n_init=2, random_state=0),
        DiscriminantAssigner(),
        basis=[0, 1],
        descriptors=[2, 3],
    ).fit(array)
    for report in (in_polars, assignment_report(model, array, random_state=0)):
        pd.testing.assert_frame_equal(report.frame(), expected.frame())
        pd.testing.assert_frame_equal(report.scores, expected.scores)


def test_the_rejected_are_counted_apart():
    table = real_table(300)
    model = real_model(table, reject_alpha=0.2, random_state=0)
    n_rejected = int((model.predict(table) == -1).sum())
    report = assignment_report(model, table, random_state=0)
    rows = report.frame().set_index("figure")
    assert n_rejected > 0
    for name in ("resubstitution", "segments fixed"):
        assert rows.loc[name, "rejected"] == n_rejected
        assert rows.loc[name, "customers"] == 300 - n_rejected
    # Refits reject customers whom they have not learned from, about a fifth of them.
    assert 30 < rows.loc["segments refitted", "rejected"] < 90
    assert report.confusion()["none of the above"].sum() == n_rejected
    of_curve = report.reliability.query("segment == -1")["customers"].sum()
    assert of_curve == 300 - n_rejected
    assert report.segments()["customers"].sum() == 300 - n_rejected


class Lonely(KMeansSegmenter):
    """Puts customers with much of the first column nowhere."""

    def fit(self, X, y=None, sample_weight=None):
        super().fit(X, sample_weight=sample_weight)
        self.labels_ = self._without_the_far(X, self.labels_)
        return self

    def predict(self, X):
        return self._without_the_far(X, super().predict(X))

    def _without_the_far(self, X, labels):
        return np.where(np.asarray(X)[:, 0] > 20, -1, labels)


def test_customers_in_no_segment_are_in_no_figure():
    table = real_table()
    far = table.iloc[:20] + [30, 0, 50, 50]
    every = pd.concat([table, far], ignore_index=True)
    model = SegmentationModel(
        Lonely(3, n_init=2, random_state=0),
        DiscriminantAssigner(),
        basis=["orders", "spend"],
        descriptors=["age", "size"],
    ).fit(every)
    n_far = int((model.labels_ == -1).sum())
    report = assignment_report(model, every, random_state=0)
    assert report.n_unplaced == n_far >= 20
    assert report.counts.sum() == len(every) - n_far
    assert (report.frame()["customers"] <= len(every) - n_far).all()


def test_a_calibrated_model_is_calibrated_within_folds():
    table = real_table(400)
    assigner = DiscriminantAssigner("quadratic")
    plain = assignment_report(
        real_model(table, assigner), table, refit=False, random_state=0
    )
    for method in ("temperature", "isotonic"):
        model = real_model(table, assigner, calibration=method)
        report = assignment_report(model, table, refit=False, random_state=0)
        scores = report.scores.set_index("probabilities")
        assert scores.index.tolist() == ["uncalibrated", "calibrated", "shares"]
        pd.testing.assert_series_equal(
            scores.loc["uncalibrated"],
            plain.scores.set_index("probabilities").loc["uncalibrated"],
        )
        assert scores.loc["calibrated", "log_loss"] < scores.loc["shares", "log_loss"]
        curves = report.reliability.groupby(["calibrated", "segment"])["customers"]
        assert (curves.sum() == 400).all()
        assert len(curves) == 8
        if method == "temperature":
            np.testing.assert_array_equal(report.counts, plain.counts)


def test_soft_labels_teach_the_clones_too():
    table = real_table(200)
    model = SegmentationModel(
        GaussianMixtureSegmenter(3, n_init=2, random_state=0),
        DiscriminantAssigner(),
        basis=["orders", "age"],
        descriptors=["size"],
        soft_labels=True,
    ).fit(table)
    report = assignment_report(model, table, refit=False, random_state=0)
    seed = int(np.random.RandomState(0).randint(2**31 - 1))
    memberships = model.segmenter_.predict_proba(table[["orders", "age"]])
    columns, labels = table[["size"]], model.labels_
    n_right = 0
    for learned, asked in folds(labels, 5, seed):
        assigner = DiscriminantAssigner().fit(
            columns.iloc[learned], labels[learned], segment_proba=memberships[learned]
        )
        n_right += (assigner.predict(columns.iloc[asked]) == labels[asked]).sum()
    assert by_figure(report)["segments fixed"] == n_right / 200


def test_models_by_customer_type_are_pooled():
    shops, homes = real_table(120), real_table(90, seed=1) + [100, 100, 0, 0]
    both = pd.concat([shops, homes], ignore_index=True)
    both["type"] = np.repeat(["shop", "home"], [120, 90])
    both = both.sample(frac=1, random_state=0).reset_index(drop=True)
    model = real_model(both, split_by="type", random_state=0)
    report = assignment_report(model, both, random_state=0)
    ids = model.segment_ids_
    assert report.counts.shape == (len(ids), len(ids) + 2)
    assert report.counts.sum() == 210
    # Nobody is taken for a customer of the other type.
    types = both["type"].to_numpy()
    is_shop = np.isin(ids, model.labels_[types == "shop"])
    crossing = report.counts[:, : len(ids)][np.ix_(is_shop, ~is_shop)]
    assert crossing.sum() == 0
    figures = by_figure(report)
    assert figures["segments fixed"] > figures["largest share"]
    assert figures["segments refitted"] > figures["largest share"]
    assert report.kind == "predictability"


def test_a_model_and_customers_that_do_not_fit():
    model, X = noise_model(n=60)
    message = (
        "X must have the customers that the model was fitted on, in their order. Got "
        "59 rows for 60 customers instead. Pass the table that was passed to fit."
    )
    with pytest.raises(DataQualityError, match=re.escape(message)):
        assignment_report(model, X[1:])
    shuffled = np.random.default_rng(0).permutation(X)
    message = "Got 60 rows that the segmenter puts elsewhere instead (adjusted Rand"
    with pytest.raises(DataQualityError, match=re.escape(message)):
        assignment_report(model, shuffled)
    with pytest.raises(NotFittedError):
        assignment_report(clone(model), X)
    message = (
        "The model must be a SegmentationModel. Got KMeansSegmenter instead. Put it in "
        "one: SegmentationModel(segmenter, assigner)."
    )
    with pytest.raises(TypeError, match=re.escape(message)):
        assignment_report(KMeansSegmenter(), X)


@pytest.mark.parametrize("n_folds", [1, 61, 2.5, None])
def test_wrong_numbers_of_folds(n_folds):
    model, X = noise_model(n=60)
    message = (
        "n_folds must be a whole number of at least 2 and at most 60, the customers. "
        f"Got {n_folds!r} instead. Leave it out for the default."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        assignment_report(model, X, n_folds=n_folds)


def test_wrong_numbers_of_bins():
    model, X = noise_model(n=60)
    message = (
        "n_bins must be a whole number of at least 1. Got 0 instead. Leave it out for "
        "the default."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        assignment_report(model, X, n_bins=0)


def test_a_segmenter_alone_must_be_refitted():
    model = SegmentationModel(KMeansSegmenter(2)).fit([[1], [2], [9], [8]])
    message = (
        "refit must be True for a model without an assigner, which can be judged only "
        "by learning the segments anew. Got False instead. Leave refit out."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        assignment_report(model, [[1], [2], [9], [8]], refit=False)


def test_a_model_that_cannot_be_refitted_to_part():
    X = [[1], [2], [9], [8]]
    model = SegmentationModel(KMeansSegmenter(4)).fit(X)
    message = (
        "The model must be able to learn from part of the customers, which "
        "cross-validation leaves it with. Got 2 of 4 instead, and: "
    )
    with pytest.raises(DegenerateFitError, match=re.escape(message)):
        assignment_report(model, X, n_folds=2)
