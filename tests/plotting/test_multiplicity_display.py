"""The picture of solutions beside the best, and its numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from custseg.cluster import KMeansSegmenter, segment_multiplicity
from custseg.plotting import MultiplicityDisplay

RESULTS = pd.DataFrame(
    {
        "inertia": [100.0, 100.01, 100.05],
        "excess_percent": [0.0, 0.01, 0.05],
        "start_share": [0.1, 0.4, 0.02],
        "adjusted_rand": [1.0, 0.5, 0.9],
        "moved_share": [0.0, 0.25, 0.05],
        "sizes": [(3, 1), (2, 2), (3, 1)],
    }
)


def display(rows=slice(None), **options):
    return MultiplicityDisplay(results=RESULTS.iloc[rows], **options)


def circles(ax):
    (collection,) = ax.collections
    return collection


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_frame_is_a_copy_of_the_reports():
    square = [[0, 0], [0, 1], [1, 0], [1, 1]]
    multiplicity = segment_multiplicity(square, KMeansSegmenter(2), random_state=0)
    made = MultiplicityDisplay.from_multiplicity(multiplicity)
    pd.testing.assert_frame_equal(made.frame(), multiplicity.frame())
    frame = made.frame()
    frame["inertia"] = 0
    assert made.frame()["inertia"].iloc[0] == 1
    title = made.plot().ax_.get_title(loc="left")
    assert " ".join(title.split()) == multiplicity.verdict


def test_circles_say_how_much_worse_how_different_and_how_often():
    made = display(tolerance=0.001)
    assert made.plot() is made
    drawn = circles(made.ax_)
    # The most often found come first, so that they hide none.
    np.testing.assert_allclose(drawn.get_offsets(), [(0.01, 25), (0, 0), (0.05, 5)])
    areas = drawn.get_sizes()
    np.testing.assert_allclose(
        np.diff(areas) / (areas[0] - areas[2]), [-0.3, -0.08] / np.float64(0.38)
    )
    colors = drawn.get_facecolors()
    assert (colors[0] == colors[2]).all()
    assert (colors[0] != colors[1]).any()
    made.figure_.canvas.draw()


def test_the_picture_ends_at_the_tolerance():
    ax = display(tolerance=0.001).plot().ax_
    left, right = ax.get_xlim()
    assert left < 0 < 0.1 < right < 0.11
    assert ax.get_ylim()[1] > 25


def test_legend():
    assert legend(display().plot().ax_) == [
        "best: 10 % of starts",
        "another: 2.0 % of starts",
        "another: 40 % of starts",
    ]
    assert legend(display(slice(2)).plot().ax_)[1:] == ["another: 40 % of starts"]
    assert legend(display(slice(1)).plot().ax_) == ["best: 10 % of starts"]


def test_one_solution_of_no_tolerance():
    made = display(slice(1), tolerance=0).plot()
    made.figure_.canvas.draw()
    assert len(circles(made.ax_).get_offsets()) == 1


@pytest.mark.parametrize("rows", [slice(1), slice(None)])
def test_existing_axes_are_used(rows):
    figure, axes = pyplot.subplots(2)
    made = display(rows).plot(axes[1])
    assert made.ax_ is axes[1]
    assert made.figure_ is figure
    assert pyplot.get_fignums() == [figure.number]
