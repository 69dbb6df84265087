"""The picture of pairs of refits for every number of segments, and its numbers."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from matplotlib.patches import PathPatch

from custseg.plotting import StabilityDisplay
from custseg.plotting._boxes import box_numbers
from custseg.plotting._drawing import MARKERS, color


def boxes(ax):
    """Left, right, lower and upper end of every box, sorted from the left."""
    patches = [patch for patch in ax.patches if isinstance(patch, PathPatch)]
    corners = [patch.get_path().vertices for patch in patches]
    return sorted(
        (*np.quantile(c[:, 0], [0, 1]), *np.quantile(c[:, 1], [0, 1])) for c in corners
    )


def markers(ax, kind):
    lines = [line for line in ax.lines if line.get_marker() == kind]
    return [tuple(map(float, xy)) for line in lines for xy in line.get_xydata()]


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_numbers_of_a_box_on_paper():
    # Of 0, 1, ..., 20 the 5 % quantile is the second, the quartiles sixth and so on.
    values = pd.Series([*range(20, -1, -1), np.nan])
    assert box_numbers(values) == {
        "low": 1,
        "q25": 5,
        "median": 10,
        "q75": 15,
        "high": 19,
    }
    assert np.isnan(list(box_numbers(pd.Series([np.nan])).values())).all()


def test_frame_has_what_is_drawn(result):
    frame = StabilityDisplay.from_stability(result).frame()
    assert frame["estimator"].tolist() == ["a", "a", "b", "b"]
    assert frame["n_segments"].tolist() == [2, 3, 2, 3]
    assert frame["n_pairs"].tolist() == [5, 5, 5, 4]
    # Of b with 3, the quartiles of 0, .2, .4, .6 lie three quarters of the way from
    # the first to the second, and a quarter from the third to the fourth.
    np.testing.assert_allclose(frame["q25"], [0.7, 0.2, 0.9, 0.15])
    np.testing.assert_allclose(frame["median"], [0.8, 0.3, 0.9, 0.3])
    np.testing.assert_allclose(frame["q75"], [0.9, 0.4, 0.9, 0.45])
    np.testing.assert_allclose(frame["low"], [0.62, 0.12, 0.9, 0.03])
    np.testing.assert_allclose(frame["high"], [0.98, 0.48, 0.9, 0.57])
    assert frame["drops"].tolist() == [True, False, True, False]


def test_a_real_result(stability):
    frame = StabilityDisplay.from_stability(stability).frame()
    of_result = stability.frame()
    assert frame["n_segments"].tolist() == [3, 4]
    for own, theirs in [("median", ""), ("q25", "_q25"), ("q75", "_q75")]:
        np.testing.assert_allclose(frame[own], of_result[f"adjusted_rand{theirs}"])
    assert frame["drops"].tolist() == of_result["drops"].tolist()


def test_frame_is_a_copy(result):
    display = StabilityDisplay.from_stability(result)
    frame = display.frame()
    frame["median"] = 0
    assert display.frame()["median"].iloc[0] == 0.8


def test_boxes_stand_side_by_side_at_their_quartiles(result):
    display = StabilityDisplay.from_stability(result)
    assert display.plot() is display
    drawn = boxes(display.ax_)
    heights = [(low, high) for _, _, low, high in drawn]
    # From the left: a and b with two, a and b with three.
    np.testing.assert_allclose(
        heights, [(0.7, 0.9), (0.9,) * 2, (0.2, 0.4), (0.15, 0.45)]
    )
    assert all(one[1] < other[0] for one, other in itertools.pairwise(drawn))
    assert drawn[1][1] < 0.5 < drawn[2][0]
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["2", "3"]
    display.figure_.canvas.draw()


def test_medians_have_the_marker_of_the_estimator(result):
    ax = StabilityDisplay.from_stability(result).plot().ax_
    assert [y for _, y in markers(ax, MARKERS[0])] == [0.8, pytest.approx(0.3)]
    assert [y for _, y in markers(ax, MARKERS[1])] == [0.9, pytest.approx(0.3)]


def test_the_lower_quartile_is_heavy(result):
    ax = StabilityDisplay.from_stability(result).plot().ax_
    edges = [(c.get_segments(), c.get_linewidth()[0]) for c in ax.collections]
    assert [round(s[0][1], 2) for segments, _ in edges for s in segments] == [
        *(0.7, 0.2, 0.9, 0.15)
    ]
    assert {width for _, width in edges} == {3}


def test_a_triangle_marks_what_the_rule_takes(result):
    ax = StabilityDisplay.from_stability(result).plot().ax_
    (of_a, _), (of_b, _) = markers(ax, "v")
    assert of_a < 0 < of_b
    assert legend(ax) == [
        *("a", "b", "median", "lower quartile"),
        "taken by the rule stable:\nthe lower quartile drops\nafter it",
    ]


def test_one_estimator_without_a_drop(result):
    result.adjusted_rand = result.adjusted_rand.query("estimator == 'a'")
    frame = result.frame().assign(drops=False)
    result.frame = lambda: frame
    ax = StabilityDisplay.from_stability(result).plot().ax_
    assert markers(ax, "v") == []
    assert legend(ax) == ["a", "median", "lower quartile"]
    assert [sum(box[:2]) / 2 for box in boxes(ax)] == [
        pytest.approx(0),
        pytest.approx(1),
    ]


def test_a_candidate_without_pairs_has_no_box(result):
    pairs = result.adjusted_rand
    of_b = (pairs["estimator"] == "b") & (pairs["n_segments"] == 3)
    pairs.loc[of_b, "adjusted_rand"] = np.nan
    display = StabilityDisplay.from_stability(result).plot()
    assert display.frame()["n_pairs"].tolist() == [5, 5, 5, 0]
    assert len(boxes(display.ax_)) == 3
    display.figure_.canvas.draw()


def test_agreement_below_chance_is_seen(result):
    result.adjusted_rand["adjusted_rand"] -= 0.9
    ax = StabilityDisplay.from_stability(result).plot().ax_
    assert ax.get_ylim()[0] < -0.87
    assert ax.get_yticks().min() == -1


def test_estimators_have_colours_that_last(result):
    ax = StabilityDisplay.from_stability(result).plot().ax_
    edges = [to_rgb(patch.get_edgecolor()[:3]) for patch in ax.patches]
    assert edges == [to_rgb(color(0))] * 2 + [to_rgb(color(1))] * 2


def test_existing_axes_are_used(result):
    figure, axes = pyplot.subplots(2)
    display = StabilityDisplay.from_stability(result).plot(axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert not axes[0].patches
    assert pyplot.get_fignums() == [figure.number]


def test_what_is_no_result_is_refused():
    message = "The result must be what bootstrap_stability returns. Got list instead."
    with pytest.raises(TypeError, match=re.escape(message)):
        StabilityDisplay.from_stability([])
