"""The top of the tree, in numbers and as a picture."""

import re

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from custseg import HierarchicalSegmenter, KMeansSegmenter
from custseg.plotting import DendrogramDisplay
from custseg.plotting._drawing import color, compact_number, count_text

VISITS = np.array([[1.0], [2.0], [9.0], [10.0], [12.0]])
BLOBS = np.repeat([[0.0, 0], [9, 0], [0, 20]], [50, 30, 20], axis=0)
BLOBS = BLOBS + np.random.default_rng(0).normal(size=BLOBS.shape)


def texts(ax):
    return [text.get_text() for text in ax.texts if text.get_text()]


def test_frame_worked_on_paper():
    tree = HierarchicalSegmenter(2).fit([[1], [2], [9], [10], [13]])
    frame = DendrogramDisplay.from_estimator(tree).frame()
    # 9 and 10 join at 1, as 1 and 2; 13 with 9.5 (weight 2) at sqrt(4 / 3) * 3.5; the
    # means 1.5 (2) and 32/3 (3) at sqrt(12 / 5) * 55/6.
    assert frame["n_segments"].tolist() == [2, 3, 4, 5]
    heights = [(12 / 5) ** 0.5 * 55 / 6, (4 / 3) ** 0.5 * 3.5, 1, 1]
    np.testing.assert_allclose(frame["height"], heights)
    assert frame["customers"].tolist() == [5, 3, 2, 2]
    assert frame["one"].tolist() == [3, 2, 1, 1]
    assert frame["other"].tolist() == [2, 1, 1, 1]
    assert frame["segment"].isna().tolist() == [True, False, False, False]
    assert frame["segment"][1] == 0
    assert sorted(frame["segment"][2:]) == [0, 1]


@pytest.mark.parametrize("n_micro", [None, 40])
def test_branches_hold_all_customers(n_micro):
    tree = HierarchicalSegmenter(3, n_micro=n_micro, random_state=0).fit(BLOBS)
    frame = DendrogramDisplay.from_estimator(tree, max_leaves=10).frame()
    assert len(frame) == 9
    assert frame["customers"][0] == 100
    assert (frame["one"] + frame["other"] == frame["customers"]).all()
    np.testing.assert_array_equal(frame["height"], tree.merges_[::-1][:9, 2])
    # Two merges join segments; what is one segment's holds its customers.
    assert frame["segment"].isna().tolist() == [True] * 2 + [False] * 7
    largest = frame.dropna().groupby("segment")["customers"].max()
    sizes = np.bincount(tree.tree_labels_)
    assert all(largest[s] <= sizes[s] for s in largest.index)


def test_weights_are_counted():
    tree = HierarchicalSegmenter(2).fit(VISITS, sample_weight=[0.5, 1, 1, 1, 0])
    frame = DendrogramDisplay.from_estimator(tree).frame()
    assert frame["customers"][0] == 3.5
    assert len(frame) == 3


def test_every_segment_has_a_branch_however_few_are_asked_for():
    tree = HierarchicalSegmenter(3).fit(BLOBS)
    frame = DendrogramDisplay.from_estimator(tree, max_leaves=2).frame()
    assert len(frame) == 2
    assert frame["segment"].isna().all()


def test_picture_says_what_the_numbers_say():
    tree = make_pipeline(StandardScaler(), HierarchicalSegmenter(3)).fit(BLOBS)
    display = DendrogramDisplay.from_estimator(tree, max_leaves=8).plot()
    ax = display.ax_
    words = texts(ax)
    assert "cut:\n3 segments" in words
    assert [w for w in words if w[0].isdigit()] == [
        "0\n50\n50 %",
        "1\n30\n30 %",
        "2\n20\n20 %",
    ]
    counts = [int(label.get_text()) for label in ax.get_xticklabels()]
    assert len(counts) == 8
    assert sum(counts) == 100
    cut = next(line for line in ax.lines if line.get_linestyle() == "--")
    heights = display.frame()["height"]
    assert heights[2] < cut.get_ydata()[0] < heights[1]
    drawn = {line.get_color() for line in ax.lines}
    assert {color(segment) for segment in range(3)} <= drawn
    assert len(display.figure_.axes) == 1


def test_given_axes_are_drawn_on_and_one_segment_has_no_cut():
    from matplotlib import pyplot

    figure, ax = pyplot.subplots()
    display = DendrogramDisplay.from_estimator(HierarchicalSegmenter(1).fit(BLOBS))
    assert display.plot(ax=ax).ax_ is ax
    assert display.figure_ is figure
    assert not any("cut" in text for text in texts(ax))


@pytest.mark.parametrize(
    ("segmenter", "options", "error", "message"),
    [
        (
            KMeansSegmenter(2, n_init=1),
            {},
            TypeError,
            "The segmenter must have a tree. Got KMeansSegmenter instead. Fit a "
            "HierarchicalSegmenter.",
        ),
        (
            HierarchicalSegmenter(2),
            {"max_leaves": 1},
            ValueError,
            "max_leaves must be an integer of two or more. Got 1 instead. Leave it "
            "out for 30.",
        ),
    ],
)
def test_errors(segmenter, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        DendrogramDisplay.from_estimator(segmenter.fit(VISITS), **options)


def test_a_tree_of_one_leaf_is_refused():
    tree = HierarchicalSegmenter(1).fit(np.ones((5, 2)))
    message = "A dendrogram must have two leaves at least. Got one instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        DendrogramDisplay.from_estimator(tree)


def test_customers_are_written_in_a_few_signs():
    assert [count_text(7), count_text(999.0)] == ["7", "999"]
    assert [count_text(n) for n in (2.5, 1500)] == [
        compact_number(n) for n in (2.5, 1500)
    ]
    assert count_text(1500) != "1500"
    assert count_text(2.5) != "2"
