"""The pictures of an assignment report, and their numbers."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from custseg import DiscriminantAssigner, KMeansSegmenter, SegmentationModel
from custseg.evaluation import AssignmentReport, assignment_report
from custseg.plotting import AccuracyDisplay, ReliabilityDisplay

# Two bins of the segment assigned before and after calibration, one of each segment.
BINS = [
    (False, -1, 5, 30, 0.55, 0.4, 0.3, 0.5),
    (False, -1, 9, 10, 0.95, 0.8, 0.6, 0.9),
    (True, -1, 4, 40, 0.5, 0.5, 0.4, 0.6),
    (False, 3, 1, 1500, 0.15, 0.1, 0.0, 0.2),
]
COLUMNS = ["calibrated", "segment", "bin", "customers", "probability", "share"]


@pytest.fixture
def report():
    figures = [
        ("resubstitution", 0.6, 0.5, 0.7, 40, 0, 0.2),
        ("segments fixed", 0.5, 0.4, 0.6, 40, 0, 0.0),
        ("largest share", 0.5, np.nan, np.nan, 40, 0, 0.0),
        ("proportional chance", 0.42, np.nan, np.nan, 40, 0, -0.16),
    ]
    columns = ["figure", "accuracy", "low", "high", "customers", "rejected"]
    scores = [("uncalibrated", 0.15), ("calibrated", 0.02)]
    return AssignmentReport(
        kind="predictability",
        accuracies=pd.DataFrame(figures, columns=[*columns, "improvement"]),
        counts=np.zeros((1, 3), dtype=int),
        segment_ids=np.array([3]),
        segment_names={3: "costs $5"},
        reliability=pd.DataFrame(BINS, columns=[*COLUMNS, "low", "high"]),
        scores=pd.DataFrame(scores, columns=["probabilities", "calibration_error"]),
        n_unplaced=0,
        n_folds=5,
    )


def in_legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_accuracies_and_chances_are_drawn(report):
    display = AccuracyDisplay.from_report(report)
    assert display.plot() is display
    ax = display.ax_
    points = [line.get_xydata() for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(np.vstack(points), [(0.6, 0), (0.5, 1)])
    ends = [lines.get_segments()[0][:, 0] for lines in ax.collections]
    np.testing.assert_allclose(ends, [(0.5, 0.7), (0.4, 0.6)])
    chances = [line.get_xdata()[0] for line in ax.lines if line.get_marker() == "None"]
    assert chances == [0.5, 0.42]
    assert in_legend(ax) == ["largest share, 50 %", "proportional chance, 42 %"]
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["resubstitution", "segments fixed"]
    assert [text.get_text() for text in ax.texts] == ["60 %", "50 %"]
    assert ax.get_title(loc="left").startswith("skill: ")
    display.figure_.canvas.draw()


def test_frames_are_copies(report):
    for make in (AccuracyDisplay.from_report, ReliabilityDisplay.from_report):
        display = make(report)
        frame = display.frame()
        frame["customers"] = 0
        assert (display.frame()["customers"] > 0).all()


def test_both_curves_and_the_counts_of_the_calibrated_one(report):
    display = ReliabilityDisplay.from_report(report)
    ax = display.plot().ax_
    curves = [line for line in ax.lines if line.get_marker() not in ("None", None)]
    np.testing.assert_allclose(curves[0].get_xydata(), [(0.55, 0.4), (0.95, 0.8)])
    np.testing.assert_allclose(curves[1].get_xydata(), [(0.5, 0.5)])
    assert [text.get_text() for text in ax.texts] == ["40"]
    assert in_legend(ax) == [
        "as often as they say",
        "uncalibrated\ncalibration error 0.150",
        "calibrated\ncalibration error 0.020",
    ]
    (bar,) = ax.patches
    assert bar.get_x() + bar.get_width() / 2 == pytest.approx(0.5)
    display.figure_.canvas.draw()


def test_one_segment(report):
    display = ReliabilityDisplay.from_report(report, segment=3)
    assert display.frame()["customers"].tolist() == [1500]
    ax = display.plot().ax_
    assert [text.get_text() for text in ax.texts] == ["1.5k"]
    assert in_legend(ax) == ["as often as they say", "uncalibrated"]
    assert ax.get_xlabel() == r"probability of costs \$5"
    display.figure_.canvas.draw()


def test_into_given_axes(report):
    figure, axes = pyplot.subplots(2)
    for ax, make in zip(
        axes, (AccuracyDisplay.from_report, ReliabilityDisplay.from_report), strict=True
    ):
        display = make(report).plot(ax)
        assert display.ax_ is ax
        assert display.figure_ is figure


def test_a_real_report():
    X = np.random.default_rng(0).normal(size=(80, 3))
    model = SegmentationModel(
        KMeansSegmenter(2, random_state=0),
        DiscriminantAssigner(),
        basis=[0, 1],
        descriptors=[1, 2],
    ).fit(X)
    report = assignment_report(model, X, random_state=0)
    shown = AccuracyDisplay.from_report(report).plot()
    pd.testing.assert_frame_equal(shown.frame(), report.frame())
    assert len(shown.ax_.get_yticks()) == 3
    assert ReliabilityDisplay.from_report(report).frame()["customers"].sum() == 80
    ReliabilityDisplay.from_report(report, segment=1).plot().figure_.canvas.draw()


@pytest.mark.parametrize("display", [AccuracyDisplay, ReliabilityDisplay])
def test_no_report(display):
    message = (
        "The report must be what assignment_report returns. Got int instead. Call "
        "assignment_report(model, X)."
    )
    with pytest.raises(TypeError, match=re.escape(message)):
        display.from_report(1)


def test_no_probabilities_and_no_such_segment(report):
    message = "segment must be one of 3. Got 0 instead. Leave it out for the segment"
    with pytest.raises(ValueError, match=re.escape(message)):
        ReliabilityDisplay.from_report(report, segment=0)
    object.__setattr__(report, "reliability", report.reliability.iloc[:0])
    message = (
        "The report must have probabilities. Got one of a model without instead. Use "
        "an assigner that has predict_proba."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        ReliabilityDisplay.from_report(report)
