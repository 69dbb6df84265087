"""The picture of similarities to segments, and its numbers."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_rgb
from sklearn.cluster import DBSCAN, AgglomerativeClustering, KMeans
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg import (
    DiscriminantAssigner,
    GaussianMixtureSegmenter,
    HierarchicalSegmenter,
    KMeansSegmenter,
    SegmentationModel,
    SegmentSearch,
)
from custseg.exceptions import SchemaError
from custseg.plotting import GorgeDisplay
from custseg.plotting._drawing import color

RNG = np.random.default_rng(0)
BLOBS = np.vstack([RNG.normal(m, 1, (n, 2)) for m, n in [(0, 50), (4, 30), (9, 20)]])


def test_frame_on_paper():
    # Means 0 and 3. The customers at -1 and 1 are 4 and 2 from segment 1, 1 from their
    # own: 1 / (1 + e^-3) = .95 and 1 / (1 + e^-1) = .73. That at 3: 1 / (1 + e^-3).
    frame = GorgeDisplay.from_labels([[-1], [1], [3]], [0, 0, 1], n_bins=4).frame()
    assert frame["segment"].tolist() == [0] * 4 + [1] * 4
    assert frame["low"].tolist() == [0, 0.25, 0.5, 0.75] * 2
    assert frame["high"].tolist() == [0.25, 0.5, 0.75, 1] * 2
    assert frame["customers"].tolist() == [1, 0, 1, 1, 1, 1, 0, 1]
    assert frame["members"].tolist() == [0, 0, 1, 1, 0, 0, 0, 1]


def test_customers_far_from_all_still_have_similarities():
    # exp(-d) is 0 for both; the difference of the distances, 1, counts all the same.
    display = GorgeDisplay.from_labels([[0], [1], [5000]], [0, 1, -1], n_bins=4)
    frame = display.frame()
    # 1 / (1 + e) = .27 to segment 0, .73 to segment 1; own segments the other way.
    assert frame["customers"].tolist() == [0, 2, 1, 0, 0, 1, 2, 0]
    assert frame["members"].tolist() == [0, 0, 1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    "mixture",
    [
        GaussianMixture(3, random_state=0),
        GaussianMixtureSegmenter(3, random_state=0),
        make_pipeline(StandardScaler(), GaussianMixtureSegmenter(3, random_state=0)),
        SegmentSearch([GaussianMixtureSegmenter()], n_segments=[3], random_state=0),
    ],
    ids=["scikit-learn", "segmenter", "pipeline", "search"],
)
def test_mixtures_give_their_probabilities(mixture):
    probabilities = mixture.fit(BLOBS).predict_proba(BLOBS)
    frame = GorgeDisplay.from_estimator(mixture, BLOBS, n_bins=2).frame()
    over_half = (probabilities >= 0.5).sum(axis=0)
    assert frame["customers"][1::2].tolist() == over_half.tolist()
    sizes = np.bincount(mixture.predict(BLOBS), minlength=3)
    assert frame.groupby("segment")["members"].sum().tolist() == sizes.tolist()


@pytest.mark.parametrize(
    "segmenter",
    [
        KMeans(3, n_init=1, random_state=0),
        KMeansSegmenter(3, n_init=1, random_state=0),
        HierarchicalSegmenter(3),
        SegmentSearch([KMeansSegmenter()], n_segments=[3], random_state=0),
        SegmentSearch([make_pipeline(KMeansSegmenter())], n_segments=[3]),
    ],
    ids=["scikit-learn", "segmenter", "tree", "search", "search of a pipeline"],
)
def test_others_are_compared_with_their_centres_where_they_segment(segmenter):
    X = BLOBS * [1, 1000]
    road = make_pipeline(StandardScaler(), segmenter).fit(X)
    Z, labels = road[0].transform(X), road.predict(X)
    expected = GorgeDisplay.from_labels(Z, labels).frame()
    frame = GorgeDisplay.from_estimator(road, pd.DataFrame(X).to_numpy()).frame()
    if not isinstance(segmenter, HierarchicalSegmenter):
        # Centres are means of the customers that predict gives them.
        pd.testing.assert_frame_equal(frame, expected)
    assert frame["customers"].sum() == 300
    sizes = np.bincount(labels)
    assert frame.groupby("segment")["members"].sum().tolist() == sizes.tolist()


def test_a_model_answers_with_its_own_ids():
    model = SegmentationModel(
        KMeansSegmenter(2, random_state=0), assigner=DiscriminantAssigner()
    ).fit(BLOBS)
    frame = GorgeDisplay.from_estimator(model, BLOBS).frame()
    assert frame["segment"].unique().tolist() == model.segment_ids_.tolist()


def test_labels_need_not_be_dense():
    display = GorgeDisplay.from_labels([[0], [1], [9]], [7, 7, 2])
    assert display.frame()["segment"].unique().tolist() == [2, 7]
    display.plot(names={7: "regulars"})
    titles = [panel.get_title() for panel in display.panels_]
    assert titles == ["segment 2, 33 %", "regulars, 67 %"]


def test_natural_segments_have_a_gorge_and_a_cut_cloud_has_none():
    def in_the_middle(X):
        fitted = KMeansSegmenter(2, random_state=0).fit(X)
        frame = GorgeDisplay.from_estimator(fitted, X).frame()
        inner = (frame["low"] > 0.2) & (frame["high"] < 0.8)
        return frame.loc[inner, "customers"].sum() / frame["customers"].sum()

    rng = np.random.default_rng(0)
    assert in_the_middle(rng.normal(np.repeat([[0], [12]], 100, axis=0))) == 0
    assert in_the_middle(rng.normal(size=(200, 2))) > 0.25


def test_bars_are_stacked_shares_of_all_customers():
    display = GorgeDisplay.from_labels([[-1], [1], [3]], [0, 0, 1], n_bins=4)
    assert display.plot() is display
    first, second = display.panels_
    heights = [bar.get_height() for bar in first.patches]
    np.testing.assert_allclose(heights, np.array([0, 0, 1, 1, 1, 0, 0, 0]) * 100 / 3)
    bottoms = [bar.get_y() for bar in second.patches[4:]]
    np.testing.assert_allclose(bottoms, np.array([0, 0, 0, 1]) * 100 / 3)
    assert to_rgb(second.patches[0].get_facecolor()[:3]) == to_rgb(color(1))
    assert first.get_ylim() == second.get_ylim()
    display.figure_.canvas.draw()


@pytest.mark.parametrize("n_segments", [1, 5, 10])
def test_panels_and_their_titles_do_not_touch(n_segments):
    X = np.arange(4.0 * n_segments)[:, np.newaxis]
    display = GorgeDisplay.from_labels(X, np.repeat(np.arange(n_segments), 4))
    display.plot(names={0: "a name of more signs than one line has", 3: "short"})
    display.figure_.canvas.draw()
    renderer = display.figure_.canvas.get_renderer()
    assert len(display.panels_) == n_segments
    boxes = [panel.get_tightbbox(renderer) for panel in display.panels_]
    for i, one in enumerate(boxes):
        assert not any(one.shrunk(0.98, 0.98).overlaps(b) for b in boxes[i + 1 :])


def test_existing_axes_are_used():
    figure, axes = pyplot.subplots(1, 2)
    display = GorgeDisplay.from_labels(BLOBS, np.arange(100) % 3).plot(axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert display.panels_ == axes[1].child_axes
    assert not axes[0].child_axes
    assert pyplot.get_fignums() == [figure.number]


@pytest.mark.parametrize("n_bins", [1, 2.5, "5", True])
def test_bars_must_be_two_or_more(n_bins):
    message = f"n_bins must be an integer of two or more. Got {n_bins!r} instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        GorgeDisplay.from_labels([[0], [1]], [0, 1], n_bins=n_bins)


@pytest.mark.parametrize("estimator", [DBSCAN(), AgglomerativeClustering()])
def test_an_estimator_without_predict_is_refused(estimator):
    message = f"Got {type(estimator).__name__} instead. Use from_labels(X, labels)"
    with pytest.raises(TypeError, match=re.escape(message)):
        GorgeDisplay.from_estimator(estimator.fit(BLOBS), BLOBS)


def test_errors():
    with pytest.raises(NotFittedError):
        GorgeDisplay.from_estimator(KMeansSegmenter(), BLOBS)
    with pytest.raises(SchemaError, match="labels must be integers"):
        GorgeDisplay.from_labels([[0], [1]], ["a", "b"])
    with pytest.raises(ValueError, match="labels must have one segment or more"):
        GorgeDisplay.from_labels([[0], [1]], [-1, -1])
    with pytest.raises(SchemaError, match="names must be a dict from segment to name"):
        GorgeDisplay.from_labels([[0], [1]], [0, 1]).plot(names=["a", "b"])
