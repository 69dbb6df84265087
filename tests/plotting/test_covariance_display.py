"""The picture of a Gaussian mixture's components, and its numbers."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_hex
from scipy.stats import chi2
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg import GaussianMixtureSegmenter, KMeansSegmenter, SegmentSearch
from custseg.exceptions import SchemaError
from custseg.plotting import CovarianceDisplay
from custseg.plotting._covariance_display import _apart
from custseg.plotting._drawing import color

RNG = np.random.default_rng(0)
BLOBS = np.vstack(
    [RNG.normal(m, (1, 2, 3), (n, 3)) for m, n in [(0, 60), (7, 40), (20, 20)]]
)


class Mixture(BaseEstimator):
    """Parameters by hand."""

    def __init__(self, covariance_type, covariances, means=((0, 0), (5, 1))):
        self.covariance_type = covariance_type
        self.covariances = covariances
        self.means = means

    def fit(self, X=None, y=None):
        self.means_ = np.array(self.means, dtype=float)
        self.covariances_ = np.array(self.covariances, dtype=float)
        self.weights_ = np.array([0.6, 0.4])
        self.n_features_in_ = self.means_.shape[1]
        return self


def frame_of(kind, covariances, **given):
    return CovarianceDisplay.from_estimator(Mixture(kind, covariances).fit(), **given)


def test_frame_on_paper():
    # [[5, 3], [3, 5]]: 8 along (1, 1) and 2 across. [[1, 0], [0, 9]] stands upright.
    # 95 % of a pair of normals are within -2 log .05 = 5.99146.
    display = frame_of("full", [[[5, 3], [3, 5]], [[1, 0], [0, 9]]])
    frame = display.frame()
    radius = chi2.ppf(0.95, 2)
    np.testing.assert_allclose(frame["half_axis_1"], np.sqrt(radius * np.array([8, 9])))
    np.testing.assert_allclose(frame["half_axis_2"], np.sqrt(radius * np.array([2, 1])))
    np.testing.assert_allclose(frame["angle"], [45, 90])
    np.testing.assert_allclose(frame["correlation"], [0.6, 0])
    np.testing.assert_allclose(frame[["sd_x", "sd_y"]], [[5**0.5] * 2, [1, 3]])
    assert frame[["mean_x", "mean_y"]].to_numpy().tolist() == [[0, 0], [5, 1]]
    assert frame["share"].tolist() == [0.6, 0.4]
    assert frame["segment"].tolist() == [0, 1]
    assert display.columns == ("x0", "x1")


def test_the_axis_leans_the_other_way_with_a_negative_correlation():
    frame = frame_of("tied", [[5, -3], [-3, 5]]).frame()
    np.testing.assert_allclose(frame["angle"], [-45, -45])
    np.testing.assert_allclose(frame["correlation"], [-0.6, -0.6])


@pytest.mark.parametrize(
    ("kind", "covariances", "deviations"),
    [
        ("full", [np.diag([4, 1]), np.diag([1, 1])], [[2, 1], [1, 1]]),
        ("tied", np.diag([4, 1]), [[2, 1], [2, 1]]),
        ("diag", [[4, 1], [1, 1]], [[2, 1], [1, 1]]),
        ("spherical", [4, 1], [[2, 2], [1, 1]]),
    ],
)
def test_every_shape_of_covariances(kind, covariances, deviations):
    frame = frame_of(kind, covariances).frame()
    np.testing.assert_allclose(frame[["sd_x", "sd_y"]], deviations)
    # A ball has no direction: it is given none.
    np.testing.assert_allclose(frame["angle"], 0)


def test_ellipses_hold_the_share_that_they_say():
    covariance = np.array([[5.0, -3.0], [-3.0, 4.0]])
    display = frame_of("tied", covariance).plot()
    outer, inner = display.ax_.lines[:2]
    inverse = np.linalg.inv(covariance)
    for line, share in ((outer, 0.95), (inner, 0.5)):
        corners = line.get_xydata()
        squares = np.einsum("ni,ij,nj->n", corners, inverse, corners)
        np.testing.assert_allclose(squares, chi2.ppf(share, 2))


@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_a_fitted_segmenter(kind):
    segmenter = GaussianMixtureSegmenter(3, covariance_type=kind, random_state=0)
    display = CovarianceDisplay.from_estimator(segmenter.fit(BLOBS), columns=(2, 0))
    frame = display.frame()
    means = segmenter.means_[:, [2, 0]]
    np.testing.assert_array_equal(frame[["mean_x", "mean_y"]], means)
    kept = segmenter.covariances_
    covariances = {
        "full": lambda k: kept[k],
        "tied": lambda k: kept,
        "diag": lambda k: np.diag(kept[k]),
        "spherical": lambda k: kept[k] * np.eye(3),
    }[kind]
    for k, row in enumerate(frame.itertuples()):
        values, vectors = np.linalg.eigh(covariances(k)[np.ix_([2, 0], [2, 0])])
        axes = np.sqrt(5.991465 * values)
        np.testing.assert_allclose([row.half_axis_2, row.half_axis_1], axes, rtol=1e-6)
        if kind in ("full", "tied"):
            x, y = vectors[:, 1]
            np.testing.assert_allclose(np.tan(np.radians(row.angle)), y / x, rtol=1e-6)


def test_components_have_the_colour_and_number_of_their_segment():
    segmenter = GaussianMixtureSegmenter(3, n_segments=2, random_state=0).fit(BLOBS)
    display = CovarianceDisplay.from_estimator(segmenter).plot(names={1: "others"})
    segments = segmenter.component_segments_.tolist()
    assert display.frame()["segment"].tolist() == segments
    shades = [to_hex(line.get_color()).upper() for line in display.ax_.lines[::2]]
    assert shades == [color(k) for k in segments]
    assert [text.get_text() for text in display.ax_.texts] == list(map(str, segments))
    told = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert len(told) == 4
    assert told[1].startswith("others, ")


def test_columns_by_name_and_customers_of_a_frame():
    customers = pd.DataFrame(BLOBS, columns=["visits", "spend", "age"])
    segmenter = GaussianMixtureSegmenter(3, random_state=0).fit(customers)
    display = CovarianceDisplay.from_estimator(segmenter, customers, ("age", "visits"))
    assert display.columns == ("age", "visits")
    expected = customers[["age", "visits"]].to_numpy()
    np.testing.assert_array_equal(display.points, expected)
    np.testing.assert_array_equal(display.labels, segmenter.labels_)
    display.plot()
    assert display.ax_.get_xlabel() == "age"
    assert len(display.ax_.collections[0].get_offsets()) == 120


@pytest.mark.parametrize(
    "make",
    [
        lambda: make_pipeline(
            StandardScaler(), GaussianMixtureSegmenter(3, random_state=0)
        ),
        lambda: make_pipeline(
            StandardScaler(),
            SegmentSearch(
                [GaussianMixtureSegmenter(n_init=2)], n_segments=[3], random_state=0
            ),
        ),
    ],
    ids=["pipeline", "search"],
)
def test_in_a_pipeline_columns_are_those_of_the_mixture(make):
    customers = pd.DataFrame(BLOBS, columns=["visits", "spend", "age"])
    road = make().fit(customers)
    display = CovarianceDisplay.from_estimator(road, customers, ("spend", "age"))
    expected = road[0].transform(customers)[:, 1:]
    np.testing.assert_allclose(display.points, expected)
    np.testing.assert_array_equal(display.labels, road.predict(customers))


def test_of_many_customers_some_are_drawn_evenly():
    segmenter = GaussianMixtureSegmenter(2, random_state=0).fit(BLOBS)
    X = np.arange(15_000.0).reshape(5_000, 3)
    points = CovarianceDisplay.from_estimator(segmenter, X).points
    assert points.shape == (2_000, 2)
    assert points[[0, -1], 0].tolist() == [0, 3 * 4_999]
    assert set(np.diff(points[:, 0])) <= {6, 9}


def test_customers_without_a_segment_are_grey():
    segmenter = GaussianMixtureSegmenter(2, noise=True, random_state=0).fit(BLOBS)
    X = np.vstack([BLOBS, [[99.0, -99.0, 99.0]]])
    display = CovarianceDisplay.from_estimator(segmenter, X).plot()
    assert display.labels[-1] == -1
    shades = display.ax_.collections[0].get_facecolors()
    assert to_hex(shades[-1]) == to_hex("0.6")
    told = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert "no segment" in told
    assert display.frame()["share"].sum() < 1


def test_a_constant_column_is_drawn_as_a_line():
    X = np.column_stack([BLOBS[:, 0], np.ones(120)])
    segmenter = GaussianMixtureSegmenter(2, random_state=0).fit(X)
    display = CovarianceDisplay.from_estimator(segmenter, X)
    frame = display.frame()
    assert (frame["sd_y"] == 0).all()
    assert frame["correlation"].isna().all()
    assert (frame["half_axis_2"] == 0).all()
    assert (frame["angle"] == 0).all()
    display.plot().figure_.canvas.draw()


def test_columns_that_are_one_and_the_same_thing():
    display = frame_of("tied", [[1, 2], [2, 4]])
    frame = display.frame()
    np.testing.assert_allclose(frame["correlation"], 1)
    np.testing.assert_allclose(frame["half_axis_2"], 0, atol=1e-7)
    np.testing.assert_allclose(frame["angle"], np.degrees(np.arctan(2)))
    display.plot().figure_.canvas.draw()


def test_numbers_of_centres_that_meet_stand_apart():
    places = np.repeat([[100.0, 50.0]], 8, axis=0)
    offsets = _apart(places)
    assert offsets[0].tolist() == [0, 0]
    gaps = np.linalg.norm(offsets[:, np.newaxis] - offsets, axis=2)
    assert gaps[np.triu_indices(8, 1)].min() > 16
    # What does not meet stays.
    assert not _apart(np.array([[0.0, 0.0], [40.0, 0.0]])).any()
    # Also as drawn.
    X = np.vstack([RNG.normal(0, s, (60, 2)) for s in (0.1, 1, 10)])
    segmenter = GaussianMixtureSegmenter(3, random_state=0).fit(X)
    display = CovarianceDisplay.from_estimator(segmenter).plot()
    display.figure_.canvas.draw()
    renderer = display.figure_.canvas.get_renderer()
    boxes = [
        text.get_bbox_patch().get_window_extent(renderer) for text in display.ax_.texts
    ]
    for i, one in enumerate(boxes):
        assert not any(one.shrunk(0.9, 0.9).overlaps(box) for box in boxes[i + 1 :])


def test_a_mixture_of_scikit_learn_will_do():
    mixture = GaussianMixture(2, random_state=0).fit(BLOBS)
    display = CovarianceDisplay.from_estimator(mixture, BLOBS.tolist())
    assert display.frame()["segment"].tolist() == [0, 1]
    np.testing.assert_array_equal(display.labels, mixture.predict(BLOBS))


def test_existing_axes_are_used():
    figure, axes = pyplot.subplots(1, 2)
    display = frame_of("spherical", [1, 2]).plot(axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert pyplot.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    "columns", [(0, 2), (0, 0), ("x0", 0), (0,), 1, "ab", (True, 0), ("spend", 0)]
)
def test_columns_must_be_two_of_the_mixture(columns):
    message = (
        "columns must be two different columns of the mixture, by position or name. "
        f"Got {columns!r} instead. Columns are 'x0', 'x1'."
    )
    with pytest.raises(SchemaError, match=re.escape(message)):
        frame_of("spherical", [1, 2], columns=columns)


def test_errors():
    with pytest.raises(NotFittedError):
        CovarianceDisplay.from_estimator(GaussianMixtureSegmenter())
    message = "must be a GaussianMixtureSegmenter. Got KMeansSegmenter instead."
    with pytest.raises(TypeError, match=re.escape(message)):
        CovarianceDisplay.from_estimator(KMeansSegmenter(1).fit(BLOBS))
    one = GaussianMixtureSegmenter(1, random_state=0).fit(BLOBS[:, :1])
    with pytest.raises(SchemaError, match="GorgeDisplay needs no two columns"):
        CovarianceDisplay.from_estimator(one)
    with pytest.raises(SchemaError, match="names must be a dict from segment to name"):
        frame_of("spherical", [1, 2]).plot(names=["a", "b"])
