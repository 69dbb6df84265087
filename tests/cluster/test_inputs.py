"""Every segmenter finds the same segments however the customers are handed over."""

import inspect
import os

import numpy as np
import pytest
from sklearn.base import is_clusterer
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.validation import has_fit_parameter

from custseg.exceptions import DataQualityError, DegenerateFitError
from custseg.testing import all_estimators

NUMBERS = {"n_clusters", "n_components"}  # a RuleSegmenter is not asked for a number
SEGMENTERS = [
    public_class
    for name, public_class in all_estimators()
    if name.endswith("Segmenter")
    and is_clusterer(public_class())
    and NUMBERS & set(public_class().get_params())
]
WEIGHTED = [each for each in SEGMENTERS if has_fit_parameter(each(), "sample_weight")]
RNG = np.random.default_rng(5)
TRUTH = RNG.permutation(np.repeat([0, 1, 2], [90, 60, 30]))
X = 10 * np.eye(3)[TRUTH] + RNG.normal(size=(180, 3))

over_segmenters = pytest.mark.parametrize("segmenter", SEGMENTERS)
over_weighted = pytest.mark.parametrize("segmenter", WEIGHTED)


def made(segmenter, n_segments=3):
    """Build a segmenter for so many segments, seeded where it has a seed."""
    names = inspect.signature(segmenter).parameters
    settings = {"random_state": 0} if "random_state" in names else {}
    (number,) = NUMBERS & set(names)
    return segmenter(**{number: n_segments}, **settings)


def test_the_segmenters_are_found():
    names = {segmenter.__name__ for segmenter in SEGMENTERS}
    assert {
        "GaussianMixtureSegmenter",
        "HierarchicalSegmenter",
        "KMeansSegmenter",
    } <= names
    assert "KMeansSegmenter" in {segmenter.__name__ for segmenter in WEIGHTED}


def read_only(X):
    X = X.copy()
    X.setflags(write=False)
    return X


@over_segmenters
@pytest.mark.parametrize(
    "form",
    [
        lambda X: X.astype(np.float32),
        np.asfortranarray,
        read_only,
        lambda X: np.repeat(X, 2, axis=0)[::2],
        lambda X: X.tolist(),
    ],
    ids=["float32", "Fortran", "read-only", "strided", "lists"],
)
def test_forms_of_an_array(segmenter, form):
    fitted = made(segmenter).fit(X)
    other = made(segmenter).fit(form(X))
    np.testing.assert_array_equal(other.labels_, fitted.labels_)
    np.testing.assert_array_equal(other.predict(form(X)), fitted.labels_)
    np.testing.assert_array_equal(fitted.predict(form(X)), fitted.labels_)


@over_segmenters
def test_a_memory_map(segmenter, tmp_path):
    np.save(tmp_path / "customers.npy", X)
    mapped = np.load(tmp_path / "customers.npy", mmap_mode="r")
    fitted, other = made(segmenter).fit(X), made(segmenter).fit(mapped)
    np.testing.assert_array_equal(other.labels_, fitted.labels_)
    np.testing.assert_array_equal(fitted.predict(mapped), fitted.labels_)
    del mapped, other


@over_segmenters
def test_the_input_stays_as_it_was(segmenter):
    customers = X.copy()
    made(segmenter).fit(customers).predict(customers)
    assert customers.tobytes() == X.tobytes()


@over_segmenters
def test_rows_in_any_order(segmenter):
    labels = made(segmenter).fit(X).labels_
    assert adjusted_rand_score(TRUTH, labels) == 1
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(X))
        again = made(segmenter).fit(X[order]).labels_
        assert adjusted_rand_score(labels[order], again) == 1


@over_segmenters
def test_more_segments_than_distinct_customers(segmenter):
    with pytest.raises(DegenerateFitError, match="of which 3 are distinct"):
        made(segmenter, 4).fit(np.repeat(np.eye(3), 20, axis=0))


@over_segmenters
def test_a_constant_column_changes_nothing(segmenter):
    labels = made(segmenter).fit(X).labels_
    wider = np.column_stack([X, np.full(len(X), 7.0)])
    np.testing.assert_array_equal(made(segmenter).fit(wider).labels_, labels)


@over_segmenters
def test_one_row(segmenter):
    with pytest.raises(
        ValueError, match=r"1 sample|minimum of 2|n_samples=1 customers"
    ):
        made(segmenter).fit(X[:1])
    fitted = made(segmenter).fit(X)
    for i in range(3):
        assert fitted.predict(X[i : i + 1]).tolist() == [fitted.labels_[i]]


@over_weighted
def test_whole_weights_are_repeated_customers(segmenter):
    weights = np.random.default_rng(0).integers(1, 5, len(X))
    weighted = made(segmenter).fit(X, sample_weight=weights)
    repeated = made(segmenter).fit(np.repeat(X, weights, axis=0))
    again = np.repeat(weighted.labels_, weights)
    assert adjusted_rand_score(repeated.labels_, again) == 1
    assert weighted.segment_sizes_.tolist() == repeated.segment_sizes_.tolist()


@over_weighted
@pytest.mark.parametrize(
    ("weights", "message"),
    [(-np.ones(180), "180 negative weights"), (np.zeros(180), "Got only zeros")],
)
def test_weights_that_cannot_be_used(segmenter, weights, message):
    with pytest.raises(DataQualityError, match=message):
        made(segmenter).fit(X, sample_weight=weights)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
@over_segmenters
def test_predict_returns_after_a_fork(segmenter):
    fitted = made(segmenter).fit(X)
    many = np.tile(X, (112, 1))
    labels = fitted.predict(many[:20_000])
    for n_rows in (1, 256, 257, 20_000):
        child = os.fork()
        if child == 0:
            same = np.array_equal(fitted.predict(many[:n_rows]), labels[:n_rows])
            os._exit(0 if same else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
