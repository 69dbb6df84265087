"""The picture of how segments come back, and its numbers."""

import itertools
import re

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.patches import PathPatch

from custseg.exceptions import SchemaError
from custseg.plotting import SegmentStabilityDisplay
from custseg.plotting._jaccard_display import _BANDS


def texts(ax):
    return [text.get_text() for text in ax.texts]


def headings(ax):
    return [text.get_text() for text in ax.get_xticklabels()]


def test_frame_on_paper(result):
    frame = SegmentStabilityDisplay.from_stability(result).frame()
    assert frame["segment"].tolist() == [0, 1]
    assert frame["customers"].tolist() == [60, 40]
    assert frame["share"].tolist() == [0.6, 0.4]
    assert frame["n_resamples"].tolist() == [5, 5]
    np.testing.assert_allclose(frame["mean"], [0.9, 0.6])
    np.testing.assert_allclose(frame["q25"], [0.85, 0.5])
    np.testing.assert_allclose(frame["median"], [0.9, 0.6])
    np.testing.assert_allclose(frame["q75"], [0.95, 0.75])
    # .3 and .5 of segment 1 are dissolved, .75 and .85 recovered.
    assert frame["dissolved"].tolist() == [0, 0.4]
    assert frame["recovered"].tolist() == [1, 0.4]


def test_resamples_that_failed_are_left_out(result):
    of_one = result.jaccard["segment"] == 1
    result.jaccard.loc[of_one & (result.jaccard["resample"] < 2), "jaccard"] = np.nan
    result.jaccard.loc[~of_one, "jaccard"] = np.nan
    display = SegmentStabilityDisplay.from_stability(result)
    frame = display.frame().set_index("segment")
    assert frame["n_resamples"].tolist() == [0, 3]
    assert frame.loc[1, "dissolved"] == 0
    assert frame.loc[1, "mean"] == pytest.approx(2.2 / 3)
    assert frame.loc[0, ["median", "mean", "dissolved", "recovered"]].isna().all()
    display.plot().figure_.canvas.draw()
    assert sum(isinstance(patch, PathPatch) for patch in display.ax_.patches) == 1


def test_boxes_means_and_shares_are_drawn(result):
    display = SegmentStabilityDisplay.from_stability(result)
    assert display.plot() is display
    ax = display.ax_
    corners = [patch.get_path().vertices for patch in ax.patches]
    ends = [(c[:, 1].min(), c[:, 1].max()) for c in corners]
    np.testing.assert_allclose(ends, [(0.85, 0.95), (0.5, 0.75)])
    (means,) = (line for line in ax.lines if line.get_marker() == "D")
    np.testing.assert_allclose(means.get_xydata(), [(0, 0.9), (1, 0.6)])
    assert headings(ax) == ["0\n60 %", "1\n40 %"]
    title = "a, 2 segments: resamples with replacement"
    assert ax.get_title(loc="left") == title
    display.figure_.canvas.draw()


def test_bands_have_their_words(result):
    ax = SegmentStabilityDisplay.from_stability(result).plot().ax_
    assert texts(ax) == [words for _, words in _BANDS]
    places = [text.get_position()[1] for text in ax.texts]
    np.testing.assert_allclose(places, [0.25, 0.55, 0.675, 0.8, 0.925])
    dashed = [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert dashed == [0.5, 0.6, 0.75, 0.85]


def test_stability_within_has_no_bands(result):
    display = SegmentStabilityDisplay.from_stability(result, scheme="within").plot()
    assert texts(display.ax_) == []
    assert not [one for one in display.ax_.lines if one.get_linestyle() == "--"]
    title = "a, 2 segments: refits carried to all customers"
    assert display.ax_.get_title(loc="left") == title


def test_words_touch_neither_boxes_nor_each_other(result):
    display = SegmentStabilityDisplay.from_stability(result).plot()
    display.figure_.canvas.draw()
    renderer = display.figure_.canvas.get_renderer()
    words = [text.get_window_extent(renderer) for text in display.ax_.texts]
    assert all(one.y1 < other.y0 for one, other in itertools.pairwise(words))
    right = max(patch.get_window_extent(renderer).x1 for patch in display.ax_.patches)
    assert right < min(box.x0 for box in words)
    end = display.ax_.get_window_extent(renderer).x1
    assert max(box.x1 for box in words) <= end


def test_names(result):
    display = SegmentStabilityDisplay.from_stability(result)
    ax = display.plot(names={1: "big $"}).ax_
    assert headings(ax) == ["0\n60 %", "big \\$\n40 %"]
    message = "names must be a dict from segment to name. Got list instead."
    with pytest.raises(SchemaError, match=re.escape(message)):
        display.plot(names=["a", "b"])


def test_customers_without_a_segment_are_none(result):
    for frame in (result.jaccard, result.sizes):
        frame["segment"] = frame["segment"].replace(1, -1)
    display = SegmentStabilityDisplay.from_stability(result)
    assert display.frame()["segment"].tolist() == [-1, 0]
    assert headings(display.plot().ax_) == ["none\n40 %", "0\n60 %"]


def test_a_real_result(stability):
    made = SegmentStabilityDisplay.from_stability(stability, n_segments=4).frame()
    segments = stability.segments().query("n_segments == 4")
    assert made["customers"].tolist() == segments["customers"].tolist()
    for own, theirs in [
        ("mean", "bootstrap"),
        ("dissolved", "dissolved"),
        ("recovered", "recovered"),
    ]:
        np.testing.assert_allclose(made[own], segments[theirs])
    within = SegmentStabilityDisplay.from_stability(
        stability, n_segments=4, scheme="within"
    )
    np.testing.assert_allclose(within.frame()["mean"], segments["within"])


def test_without_a_selected_solution_one_must_be_named(result):
    result.selected = None
    make = SegmentStabilityDisplay.from_stability
    with pytest.raises(ValueError, match=re.escape("one of 2, 3 for 'a'. Got None")):
        make(result)
    assert len(make(result, n_segments=2).frame()) == 2


def test_another_solution_may_be_asked_for(result):
    b = result.jaccard.assign(estimator="b", n_segments=3, segment=2, jaccard=0.7)
    result.jaccard = b
    display = SegmentStabilityDisplay.from_stability(result, "b", 3)
    assert display.frame()["customers"].tolist() == [50, 30, 20]
    assert display.frame()["mean"].iloc[2] == pytest.approx(0.7)


def test_what_the_result_does_not_have(result):
    make = SegmentStabilityDisplay.from_stability
    message = "estimator must be one of 'a', 'b'. Got 'c' instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        make(result, "c")
    message = "n_segments must be one of 2, 3 for 'a'. Got 4 instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        make(result, n_segments=4)
    message = "scheme must be one of 'bootstrap', 'within'. Got 'noise' instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        make(result, scheme="noise")
    with pytest.raises(TypeError, match="The result must be what bootstrap_stability"):
        make([])


def test_existing_axes_are_used(result):
    figure, axes = pyplot.subplots(2)
    display = SegmentStabilityDisplay.from_stability(result).plot(axes[0])
    assert display.ax_ is axes[0]
    assert display.figure_ is figure
    assert not axes[1].patches
    assert pyplot.get_fignums() == [figure.number]
