"""What a fitted model says of customers, and knows of the segments that it has."""

from typing import NamedTuple

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array

from custseg._utils._pipelines import last_step
from custseg.assignment._model_columns import as_table
from custseg.assignment._segment_events import Crossing, KnownSegments, find_events
from custseg.cluster import crossed
from custseg.engine import segment_sums


class SegmentAnswers(NamedTuple):
    """What a model says of customers, and knows of the segments that it has."""

    codes: np.ndarray  # position of each customer's segment in ids; -1 is none
    ids: np.ndarray
    names: dict
    shares: np.ndarray | None = None  # of the customers it was learned on
    space: np.ndarray | None = None  # the customers where distances are taken
    centers: np.ndarray | None = None  # of the segments, there


NO_ANSWERS = SegmentAnswers(np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp), {})


def answers_of(model, X):
    """Return what a fitted model says of customers, and knows of its segments."""
    if hasattr(model, "segment_ids_"):
        return model._route.answers(as_table(X), model.segment_names_)
    labels, space, centers = placed_by(model, X)
    last = last_step(model)
    learned = np.asarray(getattr(last, "labels_", labels))
    n_centers = 0 if centers is None else len(centers)
    every = np.arange(getattr(last, "n_segments_", n_centers))
    ids = np.unique(np.concatenate([every, learned, labels]))
    ids = ids[ids >= 0]
    sizes = getattr(last, "segment_sizes_", getattr(last, "weights_", None))
    if sizes is None and hasattr(last, "labels_"):
        placed = learned[learned >= 0]
        sizes = np.bincount(np.searchsorted(ids, placed), minlength=len(ids))
    return SegmentAnswers(
        codes=codes_of(labels, ids),
        ids=ids,
        names={},
        shares=as_shares(sizes, len(ids)),
        space=space,
        centers=centers,
    )


def codes_of(labels, ids):
    """Return the places of segments among the ids; -1 for none."""
    return np.where(labels < 0, -1, np.searchsorted(ids, labels))


def as_shares(sizes, n_segments):
    """Return sizes as shares; None where they do not tell of all segments."""
    if sizes is None or len(sizes) != n_segments or not np.sum(sizes) > 0:
        return None
    return np.asarray(sizes, dtype=np.float64) / np.sum(sizes)


def placed_by(segmenter, X):
    """Return labels, and the customers and centres where the segmenter measures."""
    while True:
        if hasattr(segmenter, "steps"):
            if len(segmenter.steps) > 1:
                X = segmenter[:-1].transform(X)
            segmenter = segmenter[-1]
        elif hasattr(segmenter, "best_estimator_"):
            segmenter = segmenter.best_estimator_
        else:
            break
    if not hasattr(segmenter, "predict"):
        raise TypeError(
            f"A model must have predict to be matched. Got {type(segmenter).__name__} "
            "instead. Put it in a SegmentationModel with an assigner, or match labels "
            "of the same customers by match_labels of custseg.cluster."
        )
    centers = centers_of(segmenter)
    labels = np.asarray(segmenter.predict(X))
    if centers is None or issparse(X):
        return labels, None, None
    space = check_array(X, dtype=np.float64, ensure_all_finite=False)
    if not np.isfinite(space).all() or np.shape(centers)[1:] != space.shape[1:]:
        return labels, None, None
    return labels, space, np.asarray(centers, dtype=np.float64)


def centers_of(segmenter):
    """Return the centres of a fitted segmenter or clusterer; None if it has none."""
    names = ("segment_centers_", "cluster_centers_", "means_")
    found = (getattr(segmenter, name, None) for name in names)
    return next((centers for centers in found if centers is not None), None)


def count_segments(segmenter, codes):
    """Return the number of segments; one that attracts nobody has its number as well.

    Parameters
    ----------
    segmenter : fitted clusterer or Pipeline
    codes : ndarray of shape (n_customers,)
        What it says of the customers that it was fitted on.
    """
    last = last_step(segmenter)
    if hasattr(last, "n_segments_"):
        return last.n_segments_
    centers = centers_of(last)
    return max(int(codes.max(initial=-1)) + 1, 0 if centers is None else len(centers))


def known_of(answers, others, n_others, weights=None):
    """Return what a model knows of its segments and sees of the parts of another's.

    Parameters
    ----------
    answers : SegmentAnswers
    others : ndarray of shape (n_customers,)
        Segment of each customer by the other model, from 0; -1 for none.
    n_others : int
    weights : ndarray of shape (n_customers,), default=None

    Returns
    -------
    known : KnownSegments
    """
    n_segments = len(answers.ids)
    if answers.centers is None or len(answers.centers) != n_segments:
        return KnownSegments(answers.shares)
    placed = (answers.codes >= 0) & (others >= 0)
    cells = np.where(placed, answers.codes * n_others + others, -1)
    parts = segment_sums(answers.space, cells, n_segments * n_others, weights)
    means = parts.means.reshape(n_segments, n_others, -1)
    return KnownSegments(answers.shares, answers.centers, means)


def compare(old, new, weights=None, min_jaccard=0.5):
    """Return the events between two models' answers for the same customers."""
    n_old, n_new = len(old.ids), len(new.ids)
    # A row and a column more, for -1.
    table = crossed(old.codes + 1, new.codes + 1, (n_old + 1, n_new + 1), weights)
    crossing = Crossing(
        table=table[1:, 1:],
        unknown_to_old=table[0, 1:],
        unknown_to_new=table[1:, 0],
        old=known_of(old, new.codes, n_new, weights),
        new=known_of(new, old.codes, n_old, weights),
    )
    return find_events(crossing, min_jaccard)
