"""The picture of silhouettes and its numbers."""

import re
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from sklearn.cluster import DBSCAN, KMeans
from sklearn.metrics import silhouette_samples
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg import (
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
    SegmentationModel,
    SegmentSearch,
)
from custseg.exceptions import DataQualityError, DegenerateFitError, SchemaError
from custseg.plotting import SilhouetteDisplay
from custseg.plotting._silhouette_display import _GAP, _slots
from custseg.profile import profile_segments
from custseg.selection._draw import proportional_sizes


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


@pytest.mark.parametrize(
    "estimator",
    [
        KMeans(3, n_init=1, random_state=0),
        GaussianMixture(3, random_state=0),
        GaussianMixtureSegmenter(3, random_state=0),
        HierarchicalSegmenter(3),
        SegmentSearch([GaussianMixtureSegmenter()], n_segments=[3], random_state=0),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_from_estimator_takes_any_estimator_with_predict(estimator):
    X, _ = blobs((30, 20, 10))
    X[:, 1] *= 1000
    Z = StandardScaler().fit_transform(X)
    labels = estimator.fit(Z).predict(Z)
    expected = silhouette_samples(Z, labels)
    alone = SilhouetteDisplay.from_estimator(estimator, Z).frame()
    np.testing.assert_allclose(alone["silhouette"], expected)
    road = make_pipeline(StandardScaler(), estimator).fit(pd.DataFrame(X))
    frame = SilhouetteDisplay.from_estimator(road, pd.DataFrame(X)).frame()
    np.testing.assert_array_equal(frame["segment"], labels)
    np.testing.assert_allclose(frame["silhouette"], expected)


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


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "cosine"])
def test_a_draw_is_measured_exactly(metric):
    X, labels = blobs((300, 90, 10))
    labels[::10] = -1
    labels[labels == 2] = 7
    drawn = SilhouetteDisplay.from_labels(X, labels, metric=metric, sample_size=40)
    frame = drawn.frame()
    assert len(frame) == 40
    assert frame["customer"].is_monotonic_increasing
    assert frame["customer"].is_unique
    np.testing.assert_array_equal(frame["segment"], labels[frame["customer"]])
    # 270, 81 and 9 customers have a segment: 30, 9 and 1 of the 40.
    assert frame["segment"].value_counts().to_dict() == {0: 30, 1: 9, 7: 1}
    placed = labels != -1
    exact = np.full(len(X), np.nan)
    exact[placed] = silhouette_samples(X[placed], labels[placed], metric=metric)
    np.testing.assert_allclose(
        frame["silhouette"], exact[frame["customer"]], rtol=1e-9, atol=1e-9
    )


def test_draws_and_their_seed():
    X, labels = blobs((300, 100))

    def rows(**options):
        display = SilhouetteDisplay.from_labels(X, labels, **options)
        return display.frame()["customer"].tolist()

    assert rows(sample_size=20) == rows(sample_size=20, random_state=0)
    assert rows(sample_size=20) != rows(sample_size=20, random_state=1)
    everybody = list(range(400))
    assert rows() == rows(sample_size=None) == rows(sample_size=400) == everybody


def test_many_customers_are_drawn_unless_asked_for():
    X, labels = blobs((3500, 1600))
    assert len(SilhouetteDisplay.from_labels(X, labels).frame()) == 5000
    segmenter = KMeansSegmenter(2, random_state=0).fit(X)
    display = SilhouetteDisplay.from_estimator(segmenter, X, sample_size=50)
    assert len(display.frame()) == 50
    again = SilhouetteDisplay.from_estimator(
        segmenter, X, sample_size=50, random_state=1
    )
    assert display.frame()["customer"].tolist() != again.frame()["customer"].tolist()


def test_a_draw_is_split_by_size_and_forgets_no_segment():
    # Quotas 7.2, 2.7, 0.1: one for the least, 7 and 2, which makes 10.
    np.testing.assert_array_equal(
        proportional_sizes(np.array([72, 27, 1]), 10), [7, 2, 1]
    )
    # Quotas 5.4, 2.7, 1.9: 5, 2, 1 and the two largest remainders, .9 and .7.
    np.testing.assert_array_equal(
        proportional_sizes(np.array([54, 27, 19]), 10), [5, 3, 2]
    )
    # Quotas 2.94, 0.03, 0.03: 2, 1, 1 is one too many.
    np.testing.assert_array_equal(
        proportional_sizes(np.array([98, 1, 1]), 3), [1, 1, 1]
    )


def test_the_picture_of_a_draw_shows_the_shares_of_all():
    X, labels = blobs((970, 20, 10))
    display = SilhouetteDisplay.from_labels(X, labels, sample_size=10).plot()
    frame = display.frame()
    # 8, 1 and 1 of the ten are drawn; 97, 2 and 1 % are the customers.
    assert frame["segment"].value_counts().to_dict() == {0: 8, 1: 1, 2: 1}
    texts = [text.get_text() for text in display.ax_.texts]
    assert [text.split("\n")[1].split(",")[0] for text in texts] == [
        *("97 %", "2.0 %", "1.0 %")
    ]
    heights = [np.ptp(c.get_paths()[0].vertices[:, 1]) for c in display.ax_.collections]
    np.testing.assert_allclose(heights, [0.97, 0.02, 0.01])
    mean = [0.97, 0.02, 0.01] @ frame.groupby("segment")["silhouette"].mean()
    assert display.ax_.lines[-1].get_xdata()[0] == pytest.approx(mean)
    legend = display.ax_.get_legend().get_texts()[0].get_text()
    assert legend == f"mean of all 1,000 customers, from 10 drawn: {mean:.3f}"


@pytest.mark.parametrize("sample_size", [0, 1, 2.5, "5", True])
def test_sample_size_must_hold_each_segment(sample_size):
    X, labels = blobs((10, 5))
    message = f"the number of segments, 2. Got {sample_size!r} instead. None measures"
    with pytest.raises(ValueError, match=re.escape(message)):
        SilhouetteDisplay.from_labels(X, labels, sample_size=sample_size)


def test_names_may_be_any_mapping():
    X, labels = blobs((10, 5))
    display = SilhouetteDisplay.from_labels(X, labels)
    display.plot(names=MappingProxyType({1: "regulars"}))
    assert display.ax_.texts[1].get_text().startswith("regulars\n")


@pytest.mark.parametrize(
    "labels", [[False, False, True], [0.0, 0.0, 1.0], ["a", "a", "b"]]
)
def test_labels_are_refused_as_the_profile_does(labels):
    for measure in (SilhouetteDisplay.from_labels, profile_segments):
        with pytest.raises(SchemaError, match=re.escape("labels must be integers.")):
            measure([[0], [1], [9]], labels)


def test_missing_and_negative_labels_are_refused():
    with pytest.raises(DataQualityError, match="labels must not be missing"):
        SilhouetteDisplay.from_labels([[0], [1], [9]], [0, None, 1])
    with pytest.raises(DataQualityError, match="labels must be -1 or from 0 up"):
        SilhouetteDisplay.from_labels([[0], [1], [9]], [0, -2, 1])


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
    message += "(X, labels), with labels_ for the customers of the fit."
    with pytest.raises(TypeError, match=re.escape(message)):
        SilhouetteDisplay.from_estimator(DBSCAN().fit(X), X)
    model = SegmentationModel(KMeansSegmenter(2, random_state=0)).fit(X)
    with pytest.raises(
        TypeError, match=re.escape("Pass model.segmenter_ and the columns")
    ):
        SilhouetteDisplay.from_estimator(model, X)
    with pytest.raises(SchemaError, match="names must be a dict from segment to name"):
        SilhouetteDisplay.from_labels(X, labels).plot(names=["a", "b"])
