"""Fits tell scikit-learn's callbacks of their tasks, where it has callbacks."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline

from custseg import (
    BehaviouralTransformer,
    GaussianMixtureSegmenter,
    KMeansSegmenter,
    SegmentSearch,
)

pytest.importorskip("sklearn.callback")  # from scikit-learn 1.9

X = np.random.default_rng(0).normal(size=(80, 2))


class Recorder:
    """Writes down which tasks began and ended."""

    def __init__(self):
        self.events = []

    def setup(self, estimator, context):
        self.events.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context):
        self.events.append(f"end {context.task_name}")

    def teardown(self, estimator, context):
        self.events.append("teardown")


def test_a_search_tells_of_every_candidate():
    recorder = Recorder()
    search = SegmentSearch(
        [KMeansSegmenter(n_init=1), GaussianMixtureSegmenter(n_init=1)],
        (2, 3),
        min_segment_share=0,
        random_state=0,
    ).set_callbacks(recorder)
    search.fit(X)
    names = ("kmeanssegmenter", "gaussianmixturesegmenter")
    candidates = [f"{name}, {k} segments" for name in names for k in (2, 3)]
    told = [f"{when} {task}" for task in candidates for when in ("begin", "end")]
    assert recorder.events == ["setup", "begin fit", *told, "end fit", "teardown"]


@pytest.mark.parametrize(
    "estimator", [KMeansSegmenter(2), BehaviouralTransformer()], ids=["k", "b"]
)
def test_other_fits_are_one_task(estimator):
    recorder = Recorder()
    estimator.set_callbacks(recorder).fit(X)
    assert recorder.events == ["setup", "begin fit", "end fit", "teardown"]


def test_a_fit_that_fails_is_torn_down():
    recorder = Recorder()
    with pytest.raises(ValueError, match="distinct"):
        KMeansSegmenter(3).set_callbacks(recorder).fit(np.ones((5, 1)))
    assert recorder.events == ["setup", "begin fit", "teardown"]


def test_nothing_is_printed_unasked(capsys):
    search = SegmentSearch([KMeansSegmenter()], (2, 3), min_segment_share=0)
    make_pipeline(BehaviouralTransformer(), search).fit(X)
    assert capsys.readouterr() == ("", "")
    search.set_params(verbose=1).fit(X)
    assert "Parallel" in "".join(capsys.readouterr())
