"""The fitted estimator that Pipelines and searches end in, and what it is given."""

import numpy as np

from custseg._utils._pipelines import last_step


def innermost(estimator, X=None):
    """Return the estimator that segments, however deep, and what it gets.

    Parameters
    ----------
    estimator : fitted estimator, Pipeline or search
    X : table of shape (n_customers, n_features), default=None

    Returns
    -------
    last : estimator
    X : table or None
        As the steps before it hand it over.
    """
    path = list(_path(estimator))
    for before, _ in path:
        if before is not None and X is not None:
            X = before.transform(X)
    return path[-1][1], X


def feature_names(estimator):
    """Names of the columns that the innermost estimator was given.

    Its own where it was fitted on names, those of the step before where that can name
    them, or x0, x1, ...
    """
    path = list(_path(estimator))
    last = path[-1][1]
    names = getattr(last, "feature_names_in_", None)
    steps_before = [before for before, _ in path if before is not None]
    if names is None and steps_before:
        try:
            names = steps_before[-1].get_feature_names_out()
        except (AttributeError, ValueError):  # a step that cannot name its output
            names = None
    if names is None:
        names = [f"x{i}" for i in range(last.n_features_in_)]
    return [str(name) for name in names]


def segments_of(estimator, n_segments):
    """Segments that columns of probabilities stand for: a model's ids, or from 0."""
    last = last_step(estimator)
    for name in ("segment_ids_", "classes_"):
        if hasattr(last, name):
            return np.asarray(getattr(last, name))
    return np.arange(n_segments)


def _path(estimator):
    """Go inwards: the steps passed, None if none, and where they lead."""
    yield None, estimator
    while True:
        before = None
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif hasattr(estimator, "steps"):
            before = estimator[:-1] if len(estimator.steps) > 1 else None
            estimator = estimator.steps[-1][1]
        else:
            return
        yield before, estimator
