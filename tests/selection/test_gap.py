"""The gap statistic (Tibshirani, Walther and Hastie, 2001)."""

import numpy as np
import pytest

from custseg.cluster import KMeansSegmenter
from custseg.selection import SegmentSearch
from custseg.selection._scores import gaps, log_within, uniform_references

BLOBS = np.array([[0.0, 0], [8, 0], [0, 8]]).repeat(40, axis=0) + np.random.default_rng(
    3
).normal(size=(120, 2))


def test_gap_and_its_error_by_hand():
    """References 3 and 5 have mean 4 and standard deviation 1, 2 and 2.5 a half and so.

    The error is the deviation (by the number of references) times sqrt(1 + 1/2).
    """
    gap, std_error = gaps(np.array([2.0, 1.0]), np.array([[3.0, 2.0], [5.0, 2.5]]))
    np.testing.assert_allclose(gap, [2.0, 1.25])
    np.testing.assert_allclose(std_error, np.array([1, 0.25]) * np.sqrt(1.5))


def test_log_within_is_of_the_inertia():
    fitted = KMeansSegmenter(3, random_state=0).fit(BLOBS)
    expected = np.log(fitted.inertia_)
    assert log_within(BLOBS, fitted.labels_) == pytest.approx(expected)
    weights = np.arange(120) % 3.0
    repeated = np.repeat(BLOBS, weights.astype(int), axis=0)
    labels = np.repeat(fitted.labels_, weights.astype(int))
    assert log_within(BLOBS, fitted.labels_, weights) == pytest.approx(
        log_within(repeated, labels)
    )
    assert log_within(np.zeros((4, 2)), np.zeros(4, dtype=int)) == -np.inf
    assert np.isnan(log_within(BLOBS, np.full(120, -1)))


def test_references_are_uniform_along_principal_components():
    """Customers on a slanted line have references on that line, within its ends."""
    along = np.random.default_rng(0).normal(size=200)
    line = np.outer(along, [3.0, 4.0]) / 5 + [10, 20]
    drawn = np.vstack(list(uniform_references(line, 50, np.random.RandomState(0))))
    places = (drawn - [10, 20]) @ [0.6, 0.8]
    np.testing.assert_allclose(drawn, np.outer(places, [0.6, 0.8]) + [10, 20])
    assert along.min() <= places.min() < places.max() <= along.max()
    middle = (along.min() + along.max()) / 2
    width = along.max() - along.min()
    # 10,000 draws: four standard errors of a uniform's mean and standard deviation.
    assert places.mean() == pytest.approx(middle, abs=4 * width / np.sqrt(12) / 100)
    assert places.std() == pytest.approx(width / np.sqrt(12), rel=0.03)


@pytest.mark.parametrize("rule", ["best", "one_se"])
def test_the_search_finds_three_and_one(rule):
    """The gap alone can say that there is one segment."""
    search = SegmentSearch(
        [KMeansSegmenter(n_init=2)],
        (1, 2, 3, 4),
        n_references=8,
        criterion="gap",
        rule=rule,
        random_state=0,
    ).fit(BLOBS)
    assert search.n_segments_ == 3
    if rule == "one_se":
        cloud = np.random.default_rng(1).uniform(size=(200, 2))
        assert search.fit(cloud).n_segments_ == 1
    assert (search.results_["gap_se"] > 0).all()
