"""The segmenter protocol as assertions."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.validation import has_fit_parameter

import custseg


def all_estimators():
    """List the public estimators of custseg.

    Returns
    -------
    estimators : list of (name, class)
        Sorted by name.

    Examples
    --------
    >>> from custseg.testing import all_estimators
    >>> [name for name, _ in all_estimators()][:2]
    ['AdoptionTransformer', 'BehaviouralTransformer']
    """
    found = {}
    for stage in ("features", "cluster", "selection", "assignment", "typing_tool"):
        module = import_module(f"{custseg.__name__}.{stage}")
        for name in module.__all__:
            member = getattr(module, name)
            if isinstance(member, type) and issubclass(member, BaseEstimator):
                found[name] = member
    return sorted(found.items())


def check_segmenter(estimator):
    """Check that an estimator keeps the segmenter protocol.

    Beside scikit-learn's `check_estimator`, which a segmenter passes as well: the
    fitted attributes, segments ordered by size, ``labels_`` equal to ``predict`` of
    the training customers, one customer alone as among others, the same answers after
    pickling and from many threads, nothing changed by ``predict``, the same segments
    for customers in any order, weights as sizes.

    Parameters
    ----------
    estimator : estimator
        An unfitted segmenter whose ``n_clusters`` or ``n_components`` can be set, or
        that chooses the number of segments itself.

    Raises
    ------
    AssertionError
        If the protocol is not kept; the message says where.

    Examples
    --------
    >>> from custseg.cluster import KMeansSegmenter
    >>> from custseg.testing import check_segmenter
    >>> check_segmenter(KMeansSegmenter())
    """
    X, truth = _three_segments()
    estimator = _with_segments(clone(estimator), 3)
    fitted = clone(estimator).fit(X)
    _check_attributes(fitted, X, truth)
    _check_predict(fitted, X)
    _check_predict_proba(fitted, X)
    _check_refits(estimator, X, fitted.labels_)
    _check_one_segment(estimator, X)
    if has_fit_parameter(estimator, "sample_weight"):
        _check_weights(estimator, X)


def _three_segments():
    """Well separated segments of 120, 80 and 40 customers, shuffled."""
    rng = np.random.default_rng(0)
    truth = rng.permutation(np.repeat([0, 1, 2], [120, 80, 40]))
    centers = np.array([[0.0, 0.0, 0.0], [9.0, 0.0, 3.0], [0.0, 9.0, -3.0]])
    return centers[truth] + rng.normal(size=(len(truth), 3)), truth


def _with_segments(estimator, n_segments):
    params = estimator.get_params(deep=False)
    settings = {"random_state": 0} if "random_state" in params else {}
    for name in ("n_clusters", "n_components"):
        if name in params:
            settings[name] = n_segments
    return estimator.set_params(**settings)


def _check_attributes(fitted, X, truth):
    for name in ("labels_", "n_segments_", "segment_sizes_", "segment_centers_"):
        assert hasattr(fitted, name), f"a fitted segmenter must have {name}"
    assert hasattr(fitted, "predict"), "a segmenter must have predict"
    k = fitted.n_segments_
    sizes = np.bincount(fitted.labels_, minlength=k)
    assert fitted.labels_.shape == (len(X),), "labels_ must have one entry a customer"
    np.testing.assert_array_equal(
        fitted.segment_sizes_, sizes, "segment_sizes_ must count labels_"
    )
    assert (np.diff(sizes) <= 0).all(), "segments must come largest first"
    if fitted.segment_centers_ is not None:
        shape = np.shape(fitted.segment_centers_)
        assert shape[0] == k, "segment_centers_ must have one row a segment"
    np.testing.assert_array_equal(
        fitted.labels_, truth, "separated segments must be found, numbered by size"
    )


def _check_predict(fitted, X):
    before = pickle.dumps(vars(fitted))
    labels = fitted.predict(X)
    np.testing.assert_array_equal(labels, fitted.labels_, "labels_ must be predict(X)")
    alone = np.concatenate([fitted.predict(X[i : i + 1]) for i in range(20)])
    np.testing.assert_array_equal(
        alone, labels[:20], "a customer alone must get the segment it gets in a batch"
    )
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(
        copy.predict(X), labels, "a pickled copy must predict the same"
    )
    with ThreadPoolExecutor(8) as pool:
        for answer in pool.map(fitted.predict, [X] * 16):
            np.testing.assert_array_equal(answer, labels, "threads must agree")
    assert pickle.dumps(vars(fitted)) == before, "predict must change nothing"


def _check_predict_proba(fitted, X):
    if not hasattr(fitted, "predict_proba"):
        return
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (len(X), fitted.n_segments_)
    np.testing.assert_allclose(
        probabilities.sum(axis=1), 1, err_msg="probabilities must sum to one"
    )
    np.testing.assert_array_equal(
        probabilities.argmax(axis=1),
        fitted.labels_,
        "the most probable segment must be the predicted one",
    )


def _check_refits(estimator, X, labels):
    np.testing.assert_array_equal(
        clone(estimator).fit_predict(X), labels, "fit_predict must return labels_"
    )
    order = np.random.default_rng(1).permutation(len(X))
    shuffled = clone(estimator).fit(X[order])
    np.testing.assert_array_equal(
        shuffled.labels_, labels[order], "customers in any order, the same segments"
    )
    moved = clone(estimator).fit(X + 1e6)
    assert adjusted_rand_score(moved.labels_, labels) == 1, "a shift must not matter"


def _check_one_segment(estimator, X):
    params = estimator.get_params(deep=False)
    if not {"n_clusters", "n_components"} & set(params):
        return
    one = _with_segments(clone(estimator), 1).fit(X)
    assert one.n_segments_ == 1, "one segment must be possible"
    assert not one.predict(X).any(), "one segment must be segment 0"


def _check_weights(estimator, X):
    weights = np.random.default_rng(2).integers(1, 4, len(X))
    fitted = clone(estimator).fit(X, sample_weight=weights)
    sizes = np.bincount(fitted.labels_, weights, minlength=fitted.n_segments_)
    np.testing.assert_allclose(
        fitted.segment_sizes_, sizes, err_msg="sizes must be sums of weights"
    )
    repeated = clone(estimator).fit(np.repeat(X, weights, axis=0))
    np.testing.assert_array_equal(
        np.repeat(fitted.labels_, weights),
        repeated.labels_,
        "a weight of two must count as two customers",
    )
