"""The picture of how sure customers' segments are, and its numbers."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_hex
from sklearn.base import BaseEstimator
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
)
from custseg.exceptions import SchemaError
from custseg.plotting import CertaintyDisplay
from custseg.plotting._drawing import color

RNG = np.random.default_rng(0)
BLOBS = np.vstack([RNG.normal(m, 1, (n, 2)) for m, n in [(0, 50), (4, 30), (9, 20)]])
# Three segments, the last without customers, and one customer in none.
PROBABILITIES = [
    [0.95, 0.05, 0.0],
    [0.9, 0.1, 0.0],
    [0.55, 0.25, 0.2],
    [0.6, 0.2, 0.2],
    [0.1, 0.7, 0.2],
    [0.0, 1.0, 0.0],
    [0.4, 0.3, 0.3],
]
LABELS = [0, 0, 0, 0, 1, 1, -1]


class Told(BaseEstimator):
    """A segmenter that says what it is given."""

    n_features_in_ = 3

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return np.array(LABELS)

    def predict_proba(self, X):
        return np.asarray(X)


@pytest.fixture
def display():
    return CertaintyDisplay.from_estimator(Told().fit(None), PROBABILITIES)


def test_frame_on_paper(display):
    # Segment 0: (.95 + .9 + .55 + .6) / 4 = .75; two of four from .9 on, one below .6.
    # Segment 1: (.7 + 1) / 2 = .85. The customer in none counts nowhere.
    frame = display.frame()
    assert frame["segment"].tolist() == [0, 1, 2]
    assert frame["customers"].tolist() == [4, 2, 0]
    np.testing.assert_allclose(frame["mean_probability"], [0.75, 0.85, np.nan])
    np.testing.assert_allclose(frame["sure"], [0.5, 0.5, np.nan])
    np.testing.assert_allclose(frame["ambiguous"], [0.25, 0, np.nan])
    np.testing.assert_allclose(frame["to_0"], [0.75, 0.05, np.nan])
    np.testing.assert_allclose(frame["to_1"], [0.15, 0.85, np.nan])
    np.testing.assert_allclose(frame["to_2"], [0.1, 0.1, np.nan])
    assert display.n_left_out == 1


def test_bins_on_paper(display):
    bins = display.bins.pivot(index="segment", columns="low", values="customers")
    assert bins.shape == (3, 10)
    assert display.bins.index.tolist() == list(range(30))
    # .9 begins a bin and so does .6; one is in the last.
    assert bins.loc[0].tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 0, 2]
    assert bins.loc[1].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 0, 1]
    assert bins.loc[2].sum() == 0


def test_sums_that_round_stay_in_their_bin():
    # .6 that is a sum may come as a little less, 1 as a little more.
    almost = [[0.6 - 1e-13, 0.4 + 1e-13], [1 + 1e-15, 0]]

    class Two(Told):
        def predict(self, X):
            return np.zeros(2, dtype=int)

    frame = CertaintyDisplay.from_estimator(Two().fit(None), almost).frame()
    assert frame["ambiguous"][0] == 0
    assert frame["sure"][0] == 0.5


@pytest.mark.parametrize(
    "mixture",
    [
        GaussianMixture(3, random_state=0),
        GaussianMixtureSegmenter(3, random_state=0),
        make_pipeline(StandardScaler(), GaussianMixtureSegmenter(3, random_state=0)),
    ],
    ids=["scikit-learn", "segmenter", "pipeline"],
)
def test_customers_and_probabilities_add_up(mixture):
    frame = CertaintyDisplay.from_estimator(mixture.fit(BLOBS), BLOBS).frame()
    assert frame["customers"].sum() == 100
    to = frame[["to_0", "to_1", "to_2"]].to_numpy()
    np.testing.assert_allclose(to.sum(axis=1), 1)
    np.testing.assert_allclose(np.diag(to), frame["mean_probability"])
    # All customers' mean probabilities are those of the segments, by size.
    means = mixture.predict_proba(BLOBS).mean(axis=0)
    np.testing.assert_allclose(frame["customers"] / 100 @ to, means)


def test_a_model_answers_with_its_own_ids():
    model = SegmentationModel(
        KMeansSegmenter(2, random_state=0), assigner=DiscriminantAssigner()
    ).fit(BLOBS)
    frame = CertaintyDisplay.from_estimator(model, pd.DataFrame(BLOBS)).frame()
    assert frame["segment"].tolist() == model.segment_ids_.tolist()
    assert frame.columns[-2:].tolist() == [f"to_{k}" for k in model.segment_ids_]


def test_noise_is_left_out_and_counted():
    mixture = GaussianMixtureSegmenter(2, noise=True, random_state=0).fit(BLOBS)
    X = np.vstack([BLOBS, [[300.0, -300.0]]])
    display = CertaintyDisplay.from_estimator(mixture, X)
    n_noise = int(np.sum(mixture.predict(X) == -1))
    assert n_noise >= 1
    assert display.n_left_out == n_noise
    assert display.frame()["customers"].sum() == 101 - n_noise


def test_bars_are_shares_of_the_segments_customers(display):
    assert display.plot() is display
    ax = display.ax_
    first, second, third = ax.containers
    heights = [-bar.get_height() for bar in first]
    np.testing.assert_allclose(heights, 0.8 * np.array([0] * 5 + [1, 1, 0, 0, 2]) / 4)
    np.testing.assert_allclose([bar.get_x() for bar in first], np.arange(10) / 10)
    assert {bar.get_y() for bar in second} == {1}
    assert to_hex(second[0].get_facecolor()).upper() == color(1)
    assert all(bar.get_height() == 0 for bar in third)
    texts = [text.get_text() for text in ax.texts]
    assert texts[:2] == [
        "segment 0\n4 customers",
        "mean 0.75\n50 % sure\n25 % ambiguous",
    ]
    assert texts[4] == "segment 2\n0 customers"
    assert ax.get_title(loc="left") == "left out: 1 customer without a segment"
    assert ax.get_xlim() == (0.5, 1)
    display.figure_.canvas.draw()


def test_counts_are_short():
    table = pd.DataFrame({"segment": [0, 1], "customers": [1_234, 1_250_000]})
    table = table.assign(mean_probability=0.9, sure=0.5, ambiguous=0)
    bins = pd.DataFrame({"segment": [0, 1], "low": 0.9, "high": 1, "customers": 1})
    display = CertaintyDisplay(table=table, bins=bins).plot()
    texts = [text.get_text() for text in display.ax_.texts[::2]]
    assert texts == ["segment 0\n1,234 customers", "segment 1\n1.2M customers"]


@pytest.mark.parametrize("n_segments", [1, 4, 8])
def test_texts_do_not_touch(n_segments):
    class Even(Told):
        def predict(self, X):
            return np.arange(n_segments)

    X = np.eye(n_segments)
    names = {0: "a name of more signs than two lines have, by far and by far", 1: "$"}
    display = CertaintyDisplay.from_estimator(Even().fit(None), X).plot(names=names)
    display.figure_.canvas.draw()
    renderer = display.figure_.canvas.get_renderer()
    texts = [*display.ax_.texts, display.ax_.xaxis.label]
    boxes = [text.get_window_extent(renderer) for text in texts]
    for i, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[i + 1 :])
    figure = display.figure_.bbox
    assert all(figure.x0 <= box.x0 and box.x1 <= figure.x1 for box in boxes)


def test_existing_axes_are_used(display):
    figure, axes = pyplot.subplots(1, 2)
    display.plot(axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert pyplot.get_fignums() == [figure.number]


def test_errors(display):
    message = (
        "The segmenter must have predict and predict_proba. Got HierarchicalSegmenter"
    )
    with pytest.raises(TypeError, match=re.escape(message)):
        CertaintyDisplay.from_estimator(HierarchicalSegmenter(2).fit(BLOBS), BLOBS)
    with pytest.raises(NotFittedError):
        CertaintyDisplay.from_estimator(GaussianMixtureSegmenter(), BLOBS)
    with pytest.raises(SchemaError, match="names must be a dict from segment to name"):
        display.plot(names=["a"])
