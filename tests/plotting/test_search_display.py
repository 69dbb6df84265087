"""The picture of a search and its numbers."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.collections import PolyCollection
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


# a is chosen by its stability; c is no mixture and has no BIC.
CRITERIA = pd.DataFrame(
    {
        "estimator": ["a", "a", "c", "c"],
        "n_segments": [2, 3, 2, 3],
        "silhouette": [0.3, 0.4, 0.6, np.nan],
        "silhouette_se": [0.01, 0.01, 0.01, np.nan],
        "silhouette_boot_se": [0.1, 0.2, 0.05, np.nan],
        "davies_bouldin": [0.9, 0.8, 0.7, np.nan],
        "gap": np.nan,
        "gap_se": np.nan,
        "bic": [900.0, 800.0, np.nan, np.nan],
        "stability": [0.9, 0.7, 0.5, np.nan],
        "stability_q25": [0.8, 0.4, 0.5, np.nan],
        "stability_q75": [0.95, 0.8, 0.5, np.nan],
        "smallest_share": [0.4, 0.2, 0.01, np.nan],
        "sizes": [(6, 4), (5, 3, 2), (99, 1), ()],
        "eligible": [True, True, False, False],
        "selected": [True, False, False, False],
        "reason": ["", "", "smallest segment", "DegenerateFitError"],
    }
)


def criteria(criterion=None, **changes):
    results = CRITERIA.assign(**changes)
    options = {"min_segment_share": 0.02, "criterion": "stability"}
    display = SegmentSearchDisplay(results=results, **options)
    return display.plot(criterion=criterion).ax_


def bands(ax):
    """Lower and upper ends of each band, by number of segments."""
    found = []
    for band in ax.collections:
        if not isinstance(band, PolyCollection):
            continue
        corners = band.get_paths()[0].vertices
        found.append(
            [
                (x, *np.quantile(corners[corners[:, 0] == x, 1], [0, 1]))
                for x in np.unique(corners[:, 0])
            ]
        )
    return found


def test_what_the_search_chose_by_is_drawn_with_its_quartiles():
    ax = criteria()
    assert ax.get_ylabel() == "median adjusted Rand index (larger is better)"
    of_a, of_c = bands(ax)
    np.testing.assert_allclose(of_a, [(2, 0.8, 0.95), (3, 0.4, 0.8)])
    np.testing.assert_allclose(of_c, [(2, 0.5, 0.5)])
    assert markers(ax)["ring"] == [(2, 0.9)]
    assert legend(ax)[-3:] == [
        "failed: no stability",
        "chosen",
        "lower to upper quartile of refits",
    ]


def test_errors_over_refits_are_a_band():
    ax = criteria("silhouette")
    assert ax.get_ylabel() == "mean silhouette (larger is better)"
    np.testing.assert_allclose(bands(ax)[0], [(2, 0.2, 0.4), (3, 0.2, 0.6)])
    assert not ax.containers
    assert legend(ax)[-2:] == [
        "chosen by stability",
        "one standard error up and down,\nover refits to resamples",
    ]


def test_without_refits_the_error_of_the_draw_is_a_bar():
    ax = criteria("silhouette", silhouette_boot_se=np.nan)
    assert bands(ax) == []
    assert len(ax.containers) == 2


def test_an_estimator_without_the_criterion_is_named_in_the_legend():
    ax = criteria("bic")
    assert ax.get_ylabel() == "BIC (smaller is better)"
    assert legend(ax) == ["a", "c: no BIC", "failed: no BIC", "chosen by stability"]
    assert markers(ax)["full"] == [(2, 900), (3, 800)]
    # c with 2 has no BIC because it is no mixture: only c with 3 failed.
    assert markers(ax)["failed"] == [3]
    assert not ax.collections


def test_a_candidate_without_a_criterion_others_have_did_not_fail():
    ax = criteria("davies_bouldin", sizes=[(6, 4), (5, 3, 2), (99, 1), (3, 2)])
    assert ax.get_ylabel().endswith("(smaller is better)")
    assert "no Davies-Bouldin" in legend(ax)
    assert markers(ax)["hollow"] == [(2, 0.7)]


def test_candidates_may_be_barred_for_other_reasons():
    few = criteria("silhouette")
    assert "not to be chosen:\nsmallest segment under 2 %" in legend(few)
    ax = criteria("silhouette", eligible=False)
    assert "not to be chosen:\nsmall segment or other reason" in legend(ax)


def test_errors_of_the_gap_are_a_band():
    ax = criteria("gap", gap=[1.0, 2, 3, 4], gap_se=0.5)
    np.testing.assert_allclose(bands(ax)[0], [(2, 0.5, 1.5), (3, 1.5, 2.5)])
    assert legend(ax)[-1].endswith("over tables without segments")


def test_criteria_that_are_not_there():
    message = (
        "criterion must be one that the search worked out: 'silhouette', "
        "'davies_bouldin', 'bic', 'stability'. Got 'gap' instead."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        criteria("gap")
    with pytest.raises(ValueError, match=re.escape("Got 'elbow' instead")):
        criteria("elbow")
    with pytest.raises(ValueError, match=re.escape("worked out: 'silhouette'. Got")):
        SegmentSearchDisplay.from_search(Search(ROWS)).plot(criterion="bic")


def test_a_rule_by_stability_is_drawn_by_stability():
    search = Search(ROWS)
    assert SegmentSearchDisplay.from_search(search).criterion == "silhouette"
    search.criterion = "bic"
    assert SegmentSearchDisplay.from_search(search).criterion == "bic"
    search.rule = "stable"
    assert SegmentSearchDisplay.from_search(search).criterion == "stability"


def test_long_names_are_wrapped():
    ax = criteria(estimator="a name of an estimator that is far too long, in two parts")
    assert legend(ax)[0].count("\n") == 2


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
