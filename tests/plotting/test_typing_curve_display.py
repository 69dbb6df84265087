"""The curve of a typing tool, and its numbers."""

import re

import numpy as np
import pandas as pd
import pytest

from custseg import KMeansSegmenter, TypingTool
from custseg.plotting import TypingCurveDisplay


@pytest.fixture
def display():
    curve = pd.DataFrame(
        {
            "n_questions": [1, 2, 3],
            "accuracy": [0.5, 0.7, 0.72],
            "accuracy_se": [0.05, 0.04, 0.04],
            "selected_accuracy": [0.52, 0.75, 0.8],
            "chosen": [False, True, False],
        }
    )
    return TypingCurveDisplay(curve=curve, largest_share=0.4)


def test_frame_has_the_band(display):
    frame = display.frame()
    np.testing.assert_allclose(frame["low"], [0.4, 0.62, 0.64])
    np.testing.assert_allclose(frame["high"], [0.6, 0.78, 0.8])
    assert "low" not in display.curve


def test_curves_and_the_choice_are_drawn(display):
    assert display.plot() is display
    ax = display.ax_
    dashed = next(line for line in ax.lines if line.get_linestyle() == "--")
    np.testing.assert_allclose(dashed.get_ydata(), [0.52, 0.75, 0.8])
    points = [line for line in ax.lines if line.get_marker() == "o"]
    drawn = [line.get_xydata()[0].tolist() for line in points]
    assert drawn == [[1, 0.5], [2, 0.7], [3, 0.72]]
    filled = [line.get_markerfacecolor() != "white" for line in points]
    assert filled == [False, True, False]
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told[2] == "largest segment, 40 %"
    display.figure_.canvas.draw()


def test_from_a_fitted_tool_alone():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    tool = TypingTool(2).fit(rng.normal(size=(60, 3)) + y[:, np.newaxis], y)
    frame = TypingCurveDisplay.from_tool(tool).frame()
    assert frame["accuracy"].tolist() == tool.curve_["accuracy"].tolist()
    for wrong in (TypingTool(), KMeansSegmenter()):
        message = f"The tool must be a fitted TypingTool. Got {type(wrong).__name__}"
        with pytest.raises(TypeError, match=re.escape(message)):
            TypingCurveDisplay.from_tool(wrong)
