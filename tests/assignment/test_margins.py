"""Who is near a border between segments, and how that is measured."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from custseg.assignment import DiscriminantAssigner, SegmentationModel
from custseg.assignment._margins import margins_of_distances, margins_of_probabilities
from custseg.cluster import HierarchicalSegmenter, KMeansSegmenter, SOMSegmenter

# Two segments with means 0 and 10.
VISITS = np.array([[-1.0], [0], [1], [9], [10], [11]])


def test_margins_of_probabilities_on_paper():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.45, 0.45], [0.2, 0.7, 0.1]])
    # The third answer is not the most probable segment.
    margins = margins_of_probabilities(probabilities, np.array([0, 1, 0]))
    np.testing.assert_allclose(margins, [0.2, 0, -0.5], atol=1e-15)
    assert margins_of_probabilities(np.ones((2, 1)), np.array([0, 0])).tolist() == [
        1,
        1,
    ]


def test_margins_of_distances_on_paper():
    # Points of segment 4 at 0 and 2, of segment 7 at 10. From 5: 3 and 5, (5 - 3) / 8.
    points = np.array([[0.0], [2], [10]]), np.array([4, 4, 7])
    asked, answers = np.array([[5.0], [6], [10], [0]]), np.array([4, 4, 7, 4])
    margins = margins_of_distances(asked, points, answers)
    np.testing.assert_allclose(margins, [0.25, 0, 1, 1])
    both_there = margins_of_distances(
        np.zeros((1, 1)), (np.zeros((2, 1)), np.array([0, 1])), np.array([0])
    )
    assert both_there.tolist() == [0]
    alone = margins_of_distances(asked, (np.zeros((1, 1)), np.array([0])), answers)
    assert alone.tolist() == [1] * 4


@pytest.mark.parametrize(
    "segmenter", [KMeansSegmenter(2, random_state=0), KMeans(2, n_init=2)]
)
def test_a_segmenter_with_centres(segmenter):
    model = SegmentationModel(segmenter).fit(VISITS)
    # Margin of 4.1: (5.9 - 4.1) / 10 = .18; of 3.9: .22. Of 4.5: .1.
    asked = np.array([[3.9], [4.1], [4.5], [5.5], [10.0]])
    near = model.assign(asked)["near_border"]
    assert near.tolist() == [False, True, True, True, False]
    assert near.dtype == bool
    narrow = model.assign(asked, border_margin=0.15)["near_border"]
    assert narrow.tolist() == [False, False, True, True, False]
    assert not model.assign(asked, border_margin=0)["near_border"].any()


@pytest.mark.parametrize(
    "segmenter",
    [HierarchicalSegmenter(2), SOMSegmenter(2, random_state=0)],
    ids=["tree", "map"],
)
def test_a_segmenter_with_prototypes(segmenter):
    X = np.vstack([VISITS + shift for shift in np.linspace(-0.3, 0.3, 7)])
    model = SegmentationModel(segmenter).fit(X)
    assigned = model.assign(np.linspace(0, 10, 10_001)[:, np.newaxis])
    near, segment = assigned["near_border"], assigned["segment"]
    (last_before,) = np.flatnonzero(np.diff(segment))
    assert near[[last_before, last_before + 1]].all()
    assert not near.iloc[[0, -1]].any()


def test_by_probabilities():
    rng = np.random.default_rng(0)
    X = VISITS[rng.integers(0, 6, 200)] + rng.normal(0, 2, (200, 1))
    model = SegmentationModel(
        KMeansSegmenter(2, random_state=0), DiscriminantAssigner()
    ).fit(X)
    asked = np.linspace(-5, 15, 101)[:, np.newaxis]
    p = model.predict_proba(asked)
    near = model.assign(asked, border_margin=0.5)["near_border"]
    np.testing.assert_array_equal(near, np.abs(p[:, 1] - p[:, 0]) < 0.5)
    assert 0 < near.sum() < 101
    regression = model.set_params(assigner=LogisticRegression()).fit(X)
    assert regression.assign(asked)["near_border"].any()


def test_where_nothing_measures_it():
    model = SegmentationModel(KMeansSegmenter(2, random_state=0), LinearSVC())
    model.fit(VISITS)
    near = model.assign(VISITS)["near_border"]
    assert near.isna().all()
    assert near.dtype == "boolean"
    frame = pl.DataFrame(VISITS, schema=["visits"])
    polars = model.fit(frame).assign(frame)["near_border"]
    assert polars.to_list() == [None] * 6
    assert polars.dtype == pl.Boolean


@pytest.mark.parametrize("margin", [-0.1, 1.5, "wide", None])
def test_margins_out_of_range(margin):
    model = SegmentationModel(KMeansSegmenter(2, random_state=0)).fit(VISITS)
    message = f"border_margin must be between 0 and 1. Got {margin!r} instead."
    with pytest.raises(ValueError, match=re.escape(message)):
        model.assign(VISITS, border_margin=margin)


def test_types_measured_in_two_ways():
    table = pd.DataFrame({"visits": VISITS[:, 0], "kind": "a"})
    table = pd.concat([table, table.assign(kind="b")], ignore_index=True)
    model = SegmentationModel(
        KMeansSegmenter(2, random_state=0), basis=["visits"], split_by="kind"
    ).fit(table)
    near = model.assign(table.assign(visits=5.2))["near_border"]
    assert near.tolist() == [True] * 12
