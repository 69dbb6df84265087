"""The picture of what latent classes answer, and its numbers."""

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.colors import to_hex
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from custseg import KMeansSegmenter, LatentClassSegmenter
from custseg.exceptions import SchemaError
from custseg.plotting import ItemResponseDisplay
from custseg.plotting._drawing import color


class Classes(BaseEstimator):
    """Two classes by hand, of three and one customers in four."""

    weights_ = np.array([0.75, 0.25])
    component_segments_ = np.array([0, 1])
    n_features_in_ = 5

    def fit(self, X=None, y=None):
        self.fitted_ = True
        return self

    def item_responses(self):
        rows = [
            ("age", "gaussian", "mean", 40.0, 40.0),
            ("age", "gaussian", "standard deviation", 3.0, 9.0),
            ("spend", "gaussian", "mean", 10.0, 30.0),
            ("spend", "gaussian", "standard deviation", 4.0, 8.0),
            ("visits", "poisson", "rate", 2.0, 6.0),
            ("brand", "categorical", "a", 0.2, 0.2),
            ("brand", "categorical", "b", 0.6, 0.2),
            ("brand", "categorical", "c", 0.2, 0.6),
            ("online", "categorical", "no", 0.9, 0.1),
            ("online", "categorical", "yes", 0.1, 0.9),
        ]
        columns = ["column", "distribution", "figure", 0, 1]
        return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def display():
    return ItemResponseDisplay.from_estimator(Classes().fit())


# Worked on paper, with weights 3/4 and 1/4.
#   spend   mean of all 15, distances -5 and 15; between .75 * 25 + .25 * 225 = 75;
#           within .75 * 16 + .25 * 64 = 28, sd 5.2915; 75 / 103
#   visits  mean 3, distances -1 and 3; between .75 + 2.25 = 3, within 3; 3 / 6
#   online  total .3; between .75 * .04 + .25 * .36 = .12; .12 / .21
#   brand b total .5, between .75 * .01 + .25 * .09 = .03; .03 / .25
#   brand c total .3, between .03; .03 / .21
#   brand   tau = (0 + .03 + .03) / (.16 + .25 + .21) = .097
ITEMS = {
    "spend": (15, 75 / 103),
    "online = yes": (0.3, 0.12 / 0.21),
    "visits": (3, 0.5),
    "brand = a": (0.2, 0),
    "brand = b": (0.5, 0.12),
    "brand = c": (0.3, 1 / 7),
    "age": (40, 0),
}


def test_frame_on_paper(display):
    frame = display.frame()
    assert frame["item"].tolist() == [name for name in ITEMS for _ in "01"]
    assert frame["component"].tolist() == [0, 1] * 7
    assert frame["share"].tolist() == [0.75, 0.25] * 7
    by_item = frame.iloc[::2].set_index("item")
    np.testing.assert_allclose(by_item["total"], [row[0] for row in ITEMS.values()])
    np.testing.assert_allclose(
        by_item["separation"], [row[1] for row in ITEMS.values()], atol=1e-12
    )
    distances = frame.set_index("item")["distance"]
    np.testing.assert_allclose(distances["spend"], [-5 / 28**0.5, 15 / 28**0.5])
    np.testing.assert_allclose(distances["visits"], [-1 / 3**0.5, 3**0.5])
    assert distances["age"].tolist() == [0, 0]
    assert distances["brand = b"].isna().all()
    values = frame.set_index("item")["value"]
    assert values["online = yes"].tolist() == [0.1, 0.9]
    assert values["visits"].tolist() == [2, 6]
    assert frame.set_index("item")["figure"]["brand = c"].tolist() == ["c", "c"]


def test_columns_that_do_not_vary_are_no_trouble():
    class Constant(Classes):
        def item_responses(self):
            rows = [
                ("never", "poisson", "rate", 0.0, 0.0),
                ("same", "gaussian", "mean", 5.0, 5.0),
                ("same", "gaussian", "standard deviation", 0.0, 0.0),
                ("only", "categorical", "yes", 1.0, 1.0),
            ]
            return pd.DataFrame(rows, columns=Classes().item_responses().columns)

    display = ItemResponseDisplay.from_estimator(Constant().fit())
    frame = display.frame()
    assert frame["item"].tolist()[::2] == ["never", "same", "only = yes"]
    assert (frame["separation"] == 0).all()
    assert (frame["distance"].dropna() == 0).all()
    display.plot().figure_.canvas.draw()


def test_shares_are_above_and_means_below(display):
    assert display.plot() is display
    ax, below = display.figure_.axes
    assert ax is display.ax_
    labels = [label.get_text() for label in ax.get_yticklabels()]
    shares = ["online = yes", "brand = a", "brand = b", "brand = c"]
    assert labels == [*shares, "spend", "visits", "age"]
    assert ax.xaxis.get_label_position() == "top"
    assert "standard deviations" in below.get_xlabel()
    first = next(line for line in ax.lines if line.get_marker() == "o")
    assert first.get_xdata().tolist() == [0.1, 0.2, 0.6, 0.2]
    np.testing.assert_allclose(first.get_ydata(), np.arange(4), atol=0.25)
    second = next(line for line in below.lines if line.get_marker() == "s")
    np.testing.assert_allclose(second.get_xdata(), [15 / 28**0.5, 3**0.5, 0])
    np.testing.assert_allclose(second.get_ydata(), [4, 5, 6], atol=0.25)
    assert to_hex(second.get_color()).upper() == color(1)
    told = [text.get_text() for text in ax.get_legend().get_texts()]
    assert told == ["segment 0, 75 %", "segment 1, 25 %"]
    display.figure_.canvas.draw()


def test_of_many_items_those_are_drawn_that_separate_most(display):
    ax = display.plot(max_items=4).ax_
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == ["online = yes", "brand = c", "spend", "visits"]
    assert ax.get_title(loc="left") == "the 4 of 7 items that separate classes most"
    # Shares alone have their axis below.
    spend = display.plot(max_items=1)
    assert spend.figure_.axes == [spend.ax_]
    assert len(display.frame()) == 14


def test_merged_classes_have_their_segments_colour_and_a_name_each():
    classes = Classes().fit()
    classes.component_segments_ = np.array([0, 0])
    display = ItemResponseDisplay.from_estimator(classes, {0: "regulars"}).plot()
    handles = display.ax_.get_legend().legend_handles
    assert {to_hex(one.get_color()).upper() for one in handles} == {color(0)}
    assert [one.get_marker() for one in handles] == ["o", "s"]
    told = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert told == ["regulars, class 0, 75 %", "regulars, class 1, 25 %"]


def test_values_are_those_of_the_segmenter_in_a_pipeline_too():
    rng = np.random.default_rng(0)
    member = rng.random(200) < 0.6
    customers = pd.DataFrame(
        {
            "channel": np.where(rng.random(200) < 0.9, member, ~member),
            "visits": rng.poisson(np.where(member, 12, 3)),
        }
    )
    road = make_pipeline(
        FunctionTransformer(), LatentClassSegmenter(2, n_init=2, random_state=0)
    ).fit(customers)
    frame = ItemResponseDisplay.from_estimator(road).frame()
    table = road[-1].item_responses().set_index("figure")[[0, 1]]
    by_item = frame.set_index("item")["value"]
    assert by_item["visits"].tolist() == table.loc["rate"].tolist()
    assert by_item["channel = True"].tolist() == table.loc["True"].tolist()


def test_existing_axes_are_used(display):
    figure, axes = pyplot.subplots(1, 2)
    display.plot(axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    assert pyplot.get_fignums() == [figure.number]


def test_long_names_keep_both_ends_and_do_not_touch():
    class Long(Classes):
        def item_responses(self):
            table = super().item_responses()
            table["column"] = "how much do you agree that $ " + table["column"]
            return table

    display = ItemResponseDisplay.from_estimator(Long().fit(), {0: "many words " * 9})
    display.plot().figure_.canvas.draw()
    labels = display.ax_.get_yticklabels()
    assert labels[0].get_text().startswith("how much")
    assert labels[0].get_text().endswith("online = yes")
    renderer = display.figure_.canvas.get_renderer()
    boxes = [label.get_window_extent(renderer) for label in labels]
    assert not any(a.overlaps(b) for a, b in pairwise(boxes))
    box = display.figure_.bbox
    assert all(box.x0 <= one.x0 and one.x1 <= box.x1 for one in boxes)


@pytest.mark.parametrize("max_items", [0, 2.5, True, None])
def test_items_must_be_a_number(display, max_items):
    message = f"max_items must be a positive integer. Got {max_items!r} instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        display.plot(max_items=max_items)


def test_errors():
    with pytest.raises(NotFittedError):
        ItemResponseDisplay.from_estimator(LatentClassSegmenter())
    message = "must be a LatentClassSegmenter. Got KMeansSegmenter instead."
    with pytest.raises(TypeError, match=re.escape(message)):
        ItemResponseDisplay.from_estimator(KMeansSegmenter(1).fit([[1], [2]]))
    with pytest.raises(SchemaError, match="names must be a dict from segment to name"):
        ItemResponseDisplay.from_estimator(Classes().fit(), ["a", "b"])
