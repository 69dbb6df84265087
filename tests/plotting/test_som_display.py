"""The picture of a self-organising map and its numbers."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_rgb
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg import KMeansSegmenter
from custseg.cluster import SOMSegmenter
from custseg.exceptions import SchemaError
from custseg.plotting import SOMDisplay
from custseg.plotting._drawing import color
from custseg.plotting._som_display import _space

# Two rows of three units. Segment 1 is the right column; unit 1 has no customers.
UNITS = pd.DataFrame(
    {
        "row": [0, 0, 0, 1, 1, 1],
        "column": [0, 1, 2, 0, 1, 2],
        "hits": [16, 0, 4, 1, 9, 1500],
        "u_matrix": [1.0, 2.0, 3.0, 1.5, 2.5, 3.5],
        "segment": [0, 0, 1, 0, 0, 1],
    }
)
CODEBOOK = pd.DataFrame({"Fresh": np.arange(6.0), "cost $": -np.arange(6.0)})


def display(topology="rectangular"):
    return SOMDisplay(units=UNITS, codebook=CODEBOOK, topology=topology)


def cells(ax):
    """Corners of the cells of each layer."""
    layers = [c for c in ax.collections if isinstance(c, PolyCollection)]
    return [[path.vertices[:-1] for path in c.get_paths()] for c in layers]


def area(corners):
    x, y = corners.T
    return abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2


def sides(ax):
    (lines,) = (c for c in ax.collections if isinstance(c, LineCollection))
    return np.array([np.sort(side, axis=0) for side in lines.get_segments()])


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(m, 1, (n, 2)) for m, n in [(0, 60), (9, 40)]])
    table = pd.DataFrame(X, columns=["visits", "spend"])
    return make_pipeline(StandardScaler(), SOMSegmenter(2)).fit(table)


def test_frame_has_one_row_a_unit(fitted):
    frame = SOMDisplay.from_estimator(fitted).frame()
    som = fitted[-1]
    assert frame.columns.tolist() == [
        *["row", "column", "hits", "u_matrix", "segment"],
        *["codebook_visits", "codebook_spend"],
    ]
    unit = frame["row"] * som.grid_[1] + frame["column"]
    assert unit.tolist() == list(range(len(som.codebook_)))
    np.testing.assert_array_equal(frame["hits"], som.hits_)
    np.testing.assert_array_equal(frame["u_matrix"], som.u_matrix_)
    np.testing.assert_array_equal(frame["segment"], som.unit_segments_)
    np.testing.assert_array_equal(frame["codebook_spend"], som.codebook_[:, 1])


def test_columns_without_names_are_numbered(fitted):
    names = SOMDisplay.from_estimator(fitted[-1]).codebook.columns
    assert names.tolist() == ["x0", "x1"]


def test_area_of_the_inner_cells_is_the_number_of_customers():
    outer, inner = cells(display().plot().ax_)
    np.testing.assert_allclose([area(c) for c in outer], 1)
    np.testing.assert_allclose([area(c) for c in inner], UNITS["hits"] / 1500)


def test_segments_have_their_colours_numbers_and_shares():
    ax = display().plot(names={1: "big $"}).ax_
    pale, full = (c for c in ax.collections if isinstance(c, PolyCollection))
    expected = [to_rgb(color(segment)) for segment in UNITS["segment"]]
    np.testing.assert_allclose(full.get_facecolor()[:, :3], expected)
    assert (pale.get_facecolor()[:, :3] >= expected).all()
    # 26 and 1504 of 1530 customers.
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["segment 0, 1.7 %", r"1: big \$, 98 %"]
    # In the middle of 16 at (0, 0), 1 at (0, 1) and 9 at (1, 1); and of 4 and 1500.
    places = {text.get_text(): text.get_position() for text in ax.texts}
    assert places == {"0": (0, 0), "1": (2, 1)}


def test_squares_of_two_segments_have_a_line_between_them():
    ax = display().plot(what="u_matrix").ax_
    expected = [[(1.5, -0.5), (1.5, 0.5)], [(1.5, 0.5), (1.5, 1.5)]]
    np.testing.assert_allclose(sides(ax), expected)


def test_hexagons_share_the_sides_that_are_drawn():
    ax = display("hexagonal").plot(what="u_matrix").ax_
    (corners,) = cells(ax)
    np.testing.assert_allclose([area(c) for c in corners], np.sqrt(0.75))
    # Units 1-2, 4-5 and 4-2, which the shift of the upper row brings together.
    drawn = sides(ax)
    assert len(drawn) == 3
    for one, other in [(1, 2), (4, 5), (2, 4)]:
        both = [
            corner
            for corner in corners[one]
            if np.linalg.norm(corners[other] - corner, axis=1).min() < 1e-9
        ]
        assert len(both) == 2
        gaps = abs(drawn - np.sort(both, axis=0)).max(axis=(1, 2))
        assert gaps.min() < 1e-9


@pytest.mark.parametrize(
    ("view", "label", "values"),
    [
        ({"what": "hits"}, "customers", UNITS["hits"]),
        (
            {"what": "u_matrix"},
            "mean distance to\nneighbouring units",
            UNITS["u_matrix"],
        ),
        ({"feature": "cost $"}, r"cost \$", CODEBOOK["cost $"]),
    ],
)
def test_colours_stand_for_the_numbers(view, label, values):
    made = display("hexagonal").plot(**view)
    (coloured,) = (c for c in made.ax_.collections if isinstance(c, PolyCollection))
    np.testing.assert_array_equal(coloured.get_array(), values)
    (bar,) = made.ax_.child_axes
    assert bar.get_ylabel() == label
    assert len(sides(made.ax_)) == 3
    made.figure_.canvas.draw()


def test_numbers_of_customers_are_written_where_there_are_some():
    ax = display().plot(what="hits").ax_
    assert [t.get_text() for t in ax.texts] == ["16", "4", "1", "9", "1.5k"]
    assert ax.texts[-1].get_color() == "white"  # on dark blue
    units = UNITS.assign(hits=UNITS["hits"] / 8)
    weighted = SOMDisplay(units=units, codebook=CODEBOOK, topology="rectangular")
    words = [t.get_text() for t in weighted.plot(what="hits").ax_.texts]
    assert words == ["2", "0.5", "0.12", "1.1", "188"]


def test_numbers_that_could_not_be_read_are_left_out():
    _, ax = pyplot.subplots(figsize=(0.8, 0.8))
    assert not display().plot(ax, what="hits").ax_.texts


@pytest.mark.parametrize("view", [{}, {"what": "hits"}, {"feature": "Fresh"}])
def test_everything_is_inside_the_figure(fitted, view):
    if "feature" in view:
        view = {"feature": "spend"}
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4), layout="constrained")
    own = SOMDisplay.from_estimator(fitted).plot(**view)
    SOMDisplay.from_estimator(fitted).plot(axes[0], **view)
    for drawn in (own.figure_, figure):
        drawn.canvas.draw()
        box = drawn.get_tightbbox()
        width, height = drawn.get_size_inches()
        assert box.x0 >= -0.01
        assert box.y0 >= -0.01
        assert box.x1 <= width + 0.01
        assert box.y1 <= height + 0.01


def test_existing_axes_are_used():
    figure, axes = pyplot.subplots(2)
    made = display().plot(axes[0])
    assert made.ax_ is axes[0]
    assert made.figure_ is figure
    assert not axes[1].collections
    assert pyplot.get_fignums() == [figure.number]


def test_a_chain_of_units(fitted):
    visits = np.array([[1.0], [2], [9], [10], [11]])
    som = SOMSegmenter(2).fit(visits)
    assert som.grid_[0] == 1
    SOMDisplay.from_estimator(som).plot().figure_.canvas.draw()


@pytest.mark.parametrize(
    ("view", "error", "message"),
    [
        (
            {"what": "Fresh"},
            ValueError,
            "what must be one of 'segments', 'hits', 'u_matrix'. Got 'Fresh' instead.",
        ),
        (
            {"feature": "Milk"},
            SchemaError,
            "feature must be a column of the map. Got 'Milk' instead. Columns are "
            "'Fresh', 'cost $'.",
        ),
        (
            {"names": ["big"]},
            SchemaError,
            "names must be a dict from segment to name. Got list instead.",
        ),
    ],
)
def test_views_that_there_are_not(view, error, message):
    with pytest.raises(error, match=re.escape(message)):
        display().plot(**view)


def test_what_is_no_map_is_refused():
    message = "must be a SOMSegmenter, or a Pipeline that ends in one. Got KMeans"
    with pytest.raises(TypeError, match=re.escape(message)):
        SOMDisplay.from_estimator(KMeansSegmenter())
    with pytest.raises(NotFittedError):
        SOMDisplay.from_estimator(SOMSegmenter())


def test_space_without_a_layout_engine_is_that_of_the_axes():
    _, ax = pyplot.subplots(figsize=(10, 4))
    ax.set_position([0.1, 0.2, 0.5, 0.6])
    assert _space(ax) == pytest.approx((5, 2.4))
