"""What all displays have in common."""

import inspect
import pickle

import pandas as pd
import pytest

from custseg import plotting
from custseg.plotting import GorgeDisplay, SegmentFlowDisplay
from custseg.plotting._drawing import Display

DISPLAYS = [getattr(plotting, name) for name in plotting.__all__]
BARS = pd.DataFrame(
    {
        "segment": [0, 0],
        "low": [0.0, 0.5],
        "high": [0.5, 1.0],
        "customers": [1, 2],
        "members": [0, 2],
    }
)


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda one: one.__name__)
def test_numbers_come_by_keyword_and_pictures_on_given_axes(display):
    assert issubclass(display, Display)
    made = inspect.signature(display).parameters.values()
    assert {one.kind for one in made} == {inspect.Parameter.KEYWORD_ONLY}
    drawn = list(inspect.signature(display.plot).parameters.values())
    assert drawn[1].name == "ax"
    assert drawn[1].default is None
    assert {one.kind for one in drawn[2:]} <= {inspect.Parameter.KEYWORD_ONLY}
    assert any(name.startswith("from_") for name in vars(display))


def test_the_frame_is_a_copy_of_the_first_parameter():
    display = GorgeDisplay(bars=BARS)
    frame = display.frame()
    pd.testing.assert_frame_equal(frame, BARS)
    frame["customers"] = 0
    pd.testing.assert_frame_equal(display.frame(), BARS)


def test_the_display_says_what_it_has():
    said = "<GorgeDisplay: frame() has 2 rows of segment, low, high, customers, "
    assert repr(GorgeDisplay(bars=BARS)) == f"{said}members; plot() draws them>"


def test_what_is_drawn_is_there_and_the_numbers_stay():
    display = GorgeDisplay(bars=BARS)
    assert not hasattr(display, "ax_")
    again = display.plot()
    assert again is display
    assert display.ax_.figure is display.figure_
    copy = pickle.loads(pickle.dumps(GorgeDisplay(bars=BARS)))
    pd.testing.assert_frame_equal(copy.frame(), BARS)
    assert SegmentFlowDisplay(flows=BARS).title == ""
