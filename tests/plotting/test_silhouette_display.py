"""The picture of silhouettes and its numbers."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from sklearn.cluster import DBSCAN
from sklearn.metrics import silhouette_samples
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg import KMeansSegmenter, SegmentationModel, SegmentSearch
from custseg.exceptions import DegenerateFitError, SchemaError
from custseg.plotting import SilhouetteDisplay
from custseg.plotting._silhouette import _GAP, _slots


def blobs(sizes, seed=0):
    rng = np.random.default_rng(seed)
    X = np.concatenate([rng.normal(8 * i, 1, (n, 2)) for i, n in enumerate(sizes)])
    return X, np.repeat(np.arange(len(sizes)), sizes)


def test_frame_on_paper():
    # Customers at 0, 1 | 10. 0: a = 1, b = 10, (10 - 1) / 10. 1: a = 1, b = 9,
    # (9 - 1) / 9. 10 is alone: 0. The fourth has no segment.
    display = SilhouetteDisplay.from_labels([[0], [1], [10], [99]], [0, 0, 1, -1])
    expected = pd.DataFrame(
        {
            "customer": [0, 1, 2],
            "segment": [0, 0, 1],
            "silhouette": [9 / 10, 8 / 9, 0],
        }
    )
    pd.testing.assert_frame_equal(display.frame(), expected)


def test_from_labels_agrees_with_scikit_learn():
    X, labels = blobs((30, 20, 10))
    for metric in ("euclidean", "manhattan"):
        display = SilhouetteDisplay.from_labels(X, labels, metric=metric)
        np.testing.assert_allclose(
            display.frame()["silhouette"], silhouette_samples(X, labels, metric=metric)
        )


def test_from_estimator_measures_where_the_last_step_segments():
    X, _ = blobs((30, 20, 10))
    X[:, 1] *= 1000
    road = make_pipeline(StandardScaler(), KMeansSegmenter(3, random_state=0)).fit(X)
    display = SilhouetteDisplay.from_estimator(road, X[::-1])
    Z = road[0].transform(X[::-1])
    expected = silhouette_samples(Z, road.predict(X[::-1]))
    np.testing.assert_allclose(display.frame()["silhouette"], expected)
    alone = make_pipeline(KMeansSegmenter(3, random_state=0)).fit(X)
    np.testing.assert_allclose(
        SilhouetteDisplay.from_estimator(alone, X).frame()["silhouette"],
        silhouette_samples(X, alone.predict(X)),
    )
    nested = make_pipeline(StandardScaler(), road).fit(X)
    np.testing.assert_allclose(
        SilhouetteDisplay.from_estimator(nested, X).frame()["silhouette"],
        silhouette_samples(StandardScaler().fit_transform(X), nested.predict(X)),
    )


def test_from_estimator_takes_the_space_of_a_search():
    X, _ = blobs((30, 20, 10))
    X[:, 1] *= 1000
    road = make_pipeline(StandardScaler(), KMeansSegmenter())
    search = SegmentSearch(
        [road], n_segments=(2, 3), score_on=StandardScaler(), random_state=0
    ).fit(X)
    display = SilhouetteDisplay.from_estimator(search, X)
    best = search.results_.loc[search.results_["selected"], "silhouette"].iloc[0]
    np.testing.assert_allclose(display.frame()["silhouette"].mean(), best)


def test_plot_has_a_blade_and_a_label_a_segment():
    X, labels = blobs((30, 20, 10))
    labels[0] = -1
    display = SilhouetteDisplay.from_labels(X, labels)
    assert display.plot(names={0: "regulars"}) is display
    ax = display.ax_
    assert display.figure_ is ax.figure
    assert len(ax.collections) == 3
    values = display.frame().groupby("segment")["silhouette"].mean()
    texts = [text.get_text() for text in ax.texts]
    assert texts == [
        f"regulars\n49 %, mean {values[0]:.2f}",
        f"segment 1\n34 %, mean {values[1]:.2f}",
        f"segment 2\n17 %, mean {values[2]:.2f}",
    ]
    mean = display.frame()["silhouette"].mean()
    assert ax.lines[-1].get_xdata()[0] == pytest.approx(mean)
    legend = ax.get_legend().get_texts()[0].get_text()
    assert legend == f"mean of all 59 customers: {mean:.3f}"
    display.figure_.canvas.draw()


def test_blades_are_as_high_as_segments_and_as_wide_as_silhouettes():
    X, labels = blobs((30, 10))
    display = SilhouetteDisplay.from_labels(X, labels).plot()
    for segment, blade in enumerate(display.ax_.collections):
        corners = blade.get_paths()[0].vertices
        assert np.ptp(corners[:, 1]) == pytest.approx((0.75, 0.25)[segment])
        silhouettes = display.frame().query(f"segment == {segment}")["silhouette"]
        assert corners[:, 0].max() == pytest.approx(silhouettes.max())
        assert set(silhouettes) <= set(corners[:, 0])


def test_the_picture_stays_light():
    X, labels = blobs((3000, 2000, 20))
    display = SilhouetteDisplay.from_labels(X, labels).plot()
    corners = [len(c.get_paths()[0].vertices) for c in display.ax_.collections]
    # Each silhouette has two corners on the outside and two on the zero line.
    assert sum(corners) < 15_000
    widest = display.frame().groupby("segment")["silhouette"].max()
    for segment, blade in enumerate(display.ax_.collections):
        found = blade.get_paths()[0].vertices[:, 0].max()
        assert found == pytest.approx(widest[segment])


def test_labels_of_small_segments_do_not_touch():
    X, labels = blobs((400, *[8] * 8))
    display = SilhouetteDisplay.from_labels(X, labels)
    display.plot(names={i: f"a long name of two lines, number {i}" for i in range(9)})
    display.figure_.canvas.draw()
    boxes = [text.get_window_extent() for text in display.ax_.texts]
    # Window coordinates grow upwards, segments come downwards.
    gaps = [above.y0 - below.y1 for above, below in pairwise(boxes)]
    assert min(gaps) > 0


def test_slots_fit_the_labels():
    shares = np.array([0.8, 0.1, 0.05, 0.05])
    heights = _slots(shares, 0.15)
    whole = heights.sum() + 4 * _GAP
    assert heights[0] == 0.8
    np.testing.assert_allclose(heights[1:] / whole, 0.15, rtol=1e-6)
    assert np.isfinite(_slots(shares, 10.0)).all()


def test_existing_axes_are_used():
    figure, axes = pyplot.subplots(1, 2)
    X, labels = blobs((10, 5))
    display = SilhouetteDisplay.from_labels(X, labels).plot(axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert not axes[0].collections
    assert pyplot.get_fignums() == [figure.number]


def test_errors():
    X, labels = blobs((10, 5))
    with pytest.raises(DegenerateFitError, match="must have two segments or more"):
        SilhouetteDisplay.from_labels(X, np.zeros(15, int))
    with pytest.raises(ValueError, match="labels must have one label a customer"):
        SilhouetteDisplay.from_labels(X, labels[1:])
    message = "The estimator must have predict. Got DBSCAN instead. Use from_labels"
    with pytest.raises(TypeError, match=re.escape(message)):
        SilhouetteDisplay.from_estimator(DBSCAN().fit(X), X)
    model = SegmentationModel(KMeansSegmenter(2, random_state=0)).fit(X)
    with pytest.raises(
        TypeError, match=re.escape("Pass model.segmenter_ and the columns")
    ):
        SilhouetteDisplay.from_estimator(model, X)
    with pytest.raises(SchemaError, match="names must be a dict from segment to name"):
        SilhouetteDisplay.from_labels(X, labels).plot(names=["a", "b"])
