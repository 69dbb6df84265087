"""The picture of an outcome by segment, and its numbers."""

import re

import numpy as np
import pandas as pd
import pytest

from custseg.evaluation import OutcomeReport
from custseg.plotting import OutcomeDisplay


@pytest.fixture
def validation():
    segments = pd.DataFrame(
        {
            "segment": [-1, 0, 3],
            "segment_name": ["none of the above", "costs $5", "regulars"],
            "customers": [10, 1000, 490],
            "mean": [1.0, 2.0, 6.0],
            "low": [0.5, 1.8, 5.5],
            "high": [1.5, 2.2, 6.5],
        }
    )
    measures = pd.DataFrame(
        [("segments", 2, 0.2, 0.1, 0.3), ("chance", 1, 0.0, -0.1, 0.1)],
        columns=["groups", "n_groups", "r2", "r2_low", "r2_high"],
    )
    columns = ["groups", "measure", "difference", "low", "high"]
    return OutcomeReport(
        kind="amount",
        outcome="spend",
        measures=measures,
        differences=pd.DataFrame([], columns=columns),
        of_segments=segments,
        n_customers=1500,
        n_folds=5,
    )


def test_means_intervals_and_all_are_drawn(validation):
    display = OutcomeDisplay.from_validation(validation)
    assert display.plot() is display
    ax = display.ax_
    points = [line.get_xydata()[0] for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(points, [(1, 0), (2, 1), (6, 2)])
    ends = [lines.get_segments()[0][:, 0] for lines in ax.collections]
    np.testing.assert_allclose(ends, [(0.5, 1.5), (1.8, 2.2), (5.5, 6.5)])
    dotted = next(line for line in ax.lines if line.get_linestyle() == ":")
    assert dotted.get_xdata()[0] == pytest.approx((10 + 2000 + 2940) / 1500)
    names = [text.get_text() for text in ax.get_yticklabels()]
    assert names == ["none of the above", r"costs \$5", "regulars"]
    assert [text.get_text() for text in ax.texts] == ["10", "1,000", "490"]
    assert ax.get_xlabel() == "mean of spend"
    title = ax.get_title(loc="left").replace("\n", " ")
    assert title.startswith("The segments tell spend better than chance")
    display.figure_.canvas.draw()


def test_frame_is_a_copy(validation):
    display = OutcomeDisplay.from_validation(validation)
    frame = display.frame()
    frame["mean"] = 0.0
    assert display.frame()["mean"].tolist() == [1.0, 2.0, 6.0]


def test_of_something_else():
    message = "The validation must be what outcome_report returns. Got dict instead."
    with pytest.raises(TypeError, match=re.escape(message)):
        OutcomeDisplay.from_validation({})
