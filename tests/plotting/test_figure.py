"""Short text for pictures."""

import builtins
import re

import numpy as np
import pytest

from custseg.plotting import SegmentProfileDisplay
from custseg.plotting._drawing import compact_number, percent, shortened, wrapped
from custseg.profile import profile_segments


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0423, "0.042"),
        (-0.5, "-0.5"),
        (0.999, "1.0"),
        (35.04, "35.0"),
        (99.96, "100"),
        (999.4, "999"),
        (999.6, "1.0k"),
        (1234, "1.2k"),
        (99_949, "99.9k"),
        (123_456, "123k"),
        (-2_500_000, "-2.5M"),
        (3e9, "3.0bn"),
        (np.nan, "-"),
    ],
)
def test_numbers_are_compact(value, text):
    assert compact_number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.35, "35 %"), (0.028, "2.8 %"), (0, "0 %"), (1, "100 %"), (np.nan, "-")],
)
def test_shares_are_percentages(share, text):
    assert percent(share) == text


def test_long_text_is_wrapped_after_commas_and_underscores():
    assert wrapped("high Grocery, high Milk", 14, 3) == "high Grocery,\nhigh Milk"
    assert wrapped("high Detergents_Paper", 14, 3) == "high\nDetergents_\nPaper"
    assert wrapped("one two three four five", 9, 2) == "one two\nthree…"
    assert wrapped("", 9, 2) == ""


def test_dollars_are_no_formula():
    assert wrapped("over $5, under $9", 30, 1) == r"over \$5, under \$9"


def test_shortened():
    assert shortened("short", 5) == "short"
    assert shortened("longer", 5) == "long…"


def test_the_error_without_matplotlib_names_the_extra(monkeypatch):
    real = builtins.__import__

    def without_matplotlib(name, *args, **kwargs):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    profile = profile_segments([[1.0], [2.0]], [0, 1])
    display = SegmentProfileDisplay.from_profile(profile)
    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(ImportError, match=re.escape('pip install "custseg[plot]"')):
        display.plot()
    assert len(display.frame()) == 2
