"""The picture of a profile and its numbers."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.collections import QuadMesh

from custseg.plotting import SegmentProfileDisplay
from custseg.profile import profile_segments

CUSTOMERS = pd.DataFrame(
    {
        "spend": [1000.0, 1400.0, 3000.0, np.nan],
        "channel": ["web", "shop", "shop", "shop"],
    }
)
LABELS = [0, 0, 1, 2]


def mesh_of(display):
    (mesh,) = [c for c in display.ax_.collections if isinstance(c, QuadMesh)]
    return mesh


def test_frame_is_the_profile():
    profile = profile_segments(CUSTOMERS, LABELS)
    display = SegmentProfileDisplay.from_profile(profile)
    pd.testing.assert_frame_equal(display.frame(), profile.frame())


def test_cells_hold_the_values_and_colours_the_differences():
    # Means of spend: 1200, 3000, none; total 5400 / 3 = 1800.
    profile = profile_segments(CUSTOMERS, LABELS, names={0: "a", 1: "b", 2: "c"})
    display = SegmentProfileDisplay.from_profile(profile)
    assert display.plot() is display
    texts = [text.get_text() for text in display.ax_.texts]
    assert texts == [
        *("1.2k", "3.0k", "-", "1.8k"),
        *("50 %", "100 %", "100 %", "75 %"),
        *("50 %", "0 %", "0 %", "25 %"),
    ]
    headings = [text.get_text() for text in display.ax_.get_xticklabels()]
    assert headings == ["a\n50 %", "b\n25 %", "c\n25 %", "all\n100 %"]
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == ["spend", "channel: shop", "channel: web"]
    mesh = mesh_of(display)
    # Row by row: differences of spend, with none for c, then of shop, then of web.
    frame = profile.frame().sort_values("segment", kind="stable")
    expected = frame["standardized_difference"].to_numpy().reshape(3, 3).T
    drawn = np.ma.filled(mesh.get_array().reshape(3, 3), np.nan)
    np.testing.assert_allclose(drawn, expected)
    assert mesh.get_clim() == (-1, 1)
    assert display.figure_ is display.ax_.figure
    display.figure_.canvas.draw()


def test_cap_sets_full_colour_and_bold_text():
    profile = profile_segments(CUSTOMERS, LABELS)
    display = SegmentProfileDisplay.from_profile(profile).plot(cap=2)
    assert mesh_of(display).get_clim() == (-2, 2)
    assert {text.get_fontweight() for text in display.ax_.texts} == {"normal"}
    display = SegmentProfileDisplay.from_profile(profile).plot(cap=0.5)
    bold = [t.get_text() for t in display.ax_.texts if t.get_fontweight() == "bold"]
    # spend: sd = sqrt((800^2 + 400^2 + 1200^2) / 3) = 864, so -0.69 and 1.39;
    # channel: sd = sqrt(.75 * .25) = .433, so -0.58, 0.58, 0.58 and back.
    assert bold == ["1.2k", "3.0k", "50 %", "100 %", "100 %", "50 %", "0 %", "0 %"]


def test_eight_segments_and_twelve_long_columns_do_not_touch():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        rng.lognormal(8, 1, (80, 12)),
        columns=[f"a_long_name_of_a_column_of_customers_{i}" for i in range(12)],
    )
    labels = np.arange(80) % 8
    names = {i: f"mostly Channel {i}, low other_column" for i in range(8)}
    profile = profile_segments(table, labels, names=names)
    display = SegmentProfileDisplay.from_profile(profile).plot()
    display.figure_.canvas.draw()
    assert len(display.ax_.texts) == 12 * 9
    assert mesh_of(display).get_array().size == 12 * 8
    for axis in (display.ax_.get_xticklabels(), display.ax_.get_yticklabels()):
        boxes = [label.get_window_extent() for label in axis]
        for one, other in pairwise(boxes):
            assert not one.overlaps(other)
    cells = [text.get_window_extent() for text in display.ax_.texts]
    for one, other in pairwise(cells):
        assert not one.overlaps(other)
    whole = display.figure_.bbox
    for label in display.ax_.get_yticklabels():
        assert label.get_window_extent().x0 >= whole.x0


@pytest.mark.parametrize("n_columns", [1, 6])
def test_the_colour_bar_fits_small_profiles(n_columns):
    table = np.arange(2.0 * n_columns).reshape(2, n_columns)
    display = SegmentProfileDisplay.from_profile(profile_segments(table, [0, 1])).plot()
    display.figure_.canvas.draw()
    (bar,) = [ax for ax in display.figure_.axes if ax is not display.ax_]
    label = bar.yaxis.label.get_window_extent()
    assert label.y0 >= 0
    assert label.y1 <= display.figure_.bbox.y1
    assert label.x1 <= display.figure_.bbox.x1


def test_long_columns_keep_their_levels():
    name = "what customers answered to the first question of the survey"
    table = pd.DataFrame({name: ["yes", "no"]})
    display = SegmentProfileDisplay.from_profile(profile_segments(table, [0, 1])).plot()
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert [label.split(": ")[1] for label in labels] == ["no", "yes"]
    assert max(map(len, labels)) <= 34


def test_dates_say_from_when_days_are_counted():
    table = pd.DataFrame({"last": pd.to_datetime(["2024-03-01", "2024-03-11"])})
    display = SegmentProfileDisplay.from_profile(profile_segments(table, [0, 1])).plot()
    (label,) = display.ax_.get_yticklabels()
    assert label.get_text() == "last\ndays before 2024-03-11"


def test_existing_axes_are_used():
    figure, axes = pyplot.subplots(1, 2, figsize=(6, 2))
    profile = profile_segments(CUSTOMERS, LABELS)
    display = SegmentProfileDisplay.from_profile(profile).plot(axes[0])
    assert display.ax_ is axes[0]
    assert display.figure_ is figure
    assert not axes[1].texts
    assert pyplot.get_fignums() == [figure.number]
    figure.canvas.draw()


def test_errors():
    with pytest.raises(TypeError, match="must be what profile_segments returns"):
        SegmentProfileDisplay.from_profile(CUSTOMERS)
    display = SegmentProfileDisplay.from_profile(profile_segments(CUSTOMERS, LABELS))
    for cap in (0, -1, "1", None, np.nan, np.inf):
        message = f"cap must be positive and finite. Got {cap!r} instead. It is a"
        with pytest.raises(ValueError, match=re.escape(message)):
            display.plot(cap=cap)


def test_figures_stand_in_the_middle_of_their_cells():
    table = pd.DataFrame({"a": [1.0, 2, 9, 8], "b": [1.0, 1, 5, 6]})
    profile = profile_segments(table, [0, 0, 1, 1])
    texts = SegmentProfileDisplay.from_profile(profile).plot().ax_.texts
    # Two segments and the total, in two rows.
    places = [(x + 0.5, y + 0.5) for y in range(2) for x in range(3)]
    assert [text.get_position() for text in texts] == places
