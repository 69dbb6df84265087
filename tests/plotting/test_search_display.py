"""The picture of a search and its numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg import HierarchicalSegmenter, KMeansSegmenter, SegmentSearch
from custseg.plotting import SegmentSearchDisplay


class Search(BaseEstimator):
    """What the display knows of a search."""

    min_segment_share = 0.05

    def __init__(self, rows):
        names = ["estimator", "n_segments", "silhouette", "silhouette_se"]
        names += ["eligible", "selected", "reason"]
        self.results_ = pd.DataFrame(rows, columns=names, index=range(10, 15))

    def fit(self, X):
        raise AssertionError("a display fits nothing")


# b with 2 is the best of all and has a segment too small, b with 4 failed.
ROWS = [
    ("a", 3, 0.40, 0.0, True, True, ""),
    ("a", 2, 0.30, 0.0, True, False, ""),
    ("b", 2, 0.60, 0.02, False, False, "smallest segment has 1 of 50"),
    ("b", 3, 0.20, 0.01, True, False, ""),
    ("b", 4, np.nan, np.nan, False, False, "DegenerateFitError: ..."),
]


def markers(ax):
    """Return filled and hollow markers as points, crosses and the ring."""
    found = {"full": [], "hollow": [], "failed": [], "ring": []}
    for line in ax.lines:
        points = [tuple(map(float, point)) for point in line.get_xydata()]
        face = line.get_markerfacecolor()
        if line.get_marker() == "x":
            found["failed"] += [x for x, _ in points]
        elif line.get_marker() in ("None", "none", "", None, "_"):
            continue
        elif isinstance(face, str) and face == "none":
            found["ring"] += points
        elif line.get_linestyle() == "None" and to_rgb(face) == (1, 1, 1):
            found["hollow"] += points
        elif line.get_linestyle() == "None":
            found["full"] += points
    return {kind: sorted(points) for kind, points in found.items()}


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_frame_is_a_copy_of_the_results():
    search = Search(ROWS)
    frame = SegmentSearchDisplay.from_search(search).frame()
    assert frame.index.tolist() == [0, 1, 2, 3, 4]
    pd.testing.assert_frame_equal(frame, search.results_.reset_index(drop=True))
    frame["silhouette"] = 0
    assert search.results_["silhouette"].iloc[0] == 0.4


def test_markers_say_what_may_be_chosen():
    display = SegmentSearchDisplay.from_search(Search(ROWS))
    assert display.plot() is display
    found = markers(display.ax_)
    assert found["full"] == [(2, 0.3), (3, 0.2), (3, 0.4)]
    assert found["hollow"] == [(2, 0.6)]
    assert found["failed"] == [4]
    assert found["ring"] == [(3, 0.4)]
    assert legend(display.ax_) == [
        "a",
        "b",
        "not to be chosen:\nsmallest segment under 5 %",
        "failed: no silhouette",
        "chosen",
        "one standard error up and down",
    ]
    assert display.ax_.get_xticks().tolist() == [2, 3, 4]
    display.figure_.canvas.draw()


def test_bars_are_one_standard_error_of_sampled_candidates():
    ax = SegmentSearchDisplay.from_search(Search(ROWS)).plot().ax_
    (container,) = ax.containers
    bars = container.lines[2][0].get_segments()
    np.testing.assert_allclose(bars[0], [(2, 0.58), (2, 0.62)])
    np.testing.assert_allclose(bars[1], [(3, 0.19), (3, 0.21)])


def test_a_plain_search_has_a_plain_legend():
    search = Search(ROWS)
    search.results_ = search.results_.iloc[:2]
    ax = SegmentSearchDisplay.from_search(search).plot().ax_
    assert legend(ax) == ["a", "chosen"]
    assert not ax.containers


def test_a_real_search_at_the_end_of_a_pipeline():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(m, 1, (30, 2)) for m in (0, 10)] + [[[99, 99]]])
    road = make_pipeline(
        StandardScaler(),
        SegmentSearch(
            [KMeansSegmenter(n_init=2), HierarchicalSegmenter(linkage="average")],
            n_segments=(2, 3, 4),
            random_state=0,
        ),
    ).fit(X[:-1])
    display = SegmentSearchDisplay.from_search(road).plot()
    results = road[-1].results_
    pd.testing.assert_frame_equal(display.frame(), results)
    found = markers(display.ax_)
    assert len(found["full"]) == results["eligible"].sum()
    best = results[results["selected"]]
    assert found["ring"] == [(best["n_segments"].iloc[0], best["silhouette"].iloc[0])]


def test_existing_axes_are_used():
    figure, axes = pyplot.subplots(2)
    display = SegmentSearchDisplay.from_search(Search(ROWS)).plot(axes[0])
    assert display.ax_ is axes[0]
    assert display.figure_ is figure
    assert not axes[1].lines
    assert pyplot.get_fignums() == [figure.number]


def test_ten_estimators_are_told_apart():
    search = Search(ROWS)
    search.results_ = pd.DataFrame(
        [(f"e{i}", 2, i / 10, 0.0, True, i == 9, "") for i in range(10)],
        columns=search.results_.columns,
    )
    ax = SegmentSearchDisplay.from_search(search).plot().ax_
    handles = ax.get_legend().legend_handles[:9]
    assert len({(h.get_color(), h.get_marker()) for h in handles}) == 9


def test_a_search_must_be_fitted():
    with pytest.raises(NotFittedError):
        SegmentSearchDisplay.from_search(SegmentSearch([KMeansSegmenter()]))
