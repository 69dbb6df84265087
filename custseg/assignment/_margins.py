"""How near customers are to the border between two segments.

Pure functions on arrays; what they mean is said in `SegmentationModel.assign`.
"""

import numpy as np
from scipy.spatial.distance import cdist

from custseg.assignment._answers import centers_of
from custseg.engine import row_blocks

_POINTS = (("prototypes_", "prototype_segments_"), ("codebook_", "unit_segments_"))
_ROWS = 2**14


def margins_of_probabilities(probabilities, answers):
    """Probability of each answer less that of the likeliest other segment.

    Parameters
    ----------
    probabilities : ndarray of shape (n_customers, n_segments)
    answers : ndarray of shape (n_customers,)
        Column of each customer's segment.

    Returns
    -------
    margins : ndarray of shape (n_customers,)
        1 less nothing where there is but one segment.
    """
    rows = np.arange(len(answers))
    others = probabilities.copy()
    others[rows, answers] = 0 if probabilities.shape[1] == 1 else -np.inf
    return probabilities[rows, answers] - others.max(axis=1)


def prototypes_of(segmenter):
    """Return points that stand for segments, and the segment of each; or None.

    Parameters
    ----------
    segmenter : fitted segmenter
        The last step, not a Pipeline.

    Returns
    -------
    prototypes : tuple of ndarray (n_points, n_features) and ndarray (n_points,)
        Or None where the segmenter has none that its answers go by.
    """
    segmenter = getattr(segmenter, "best_estimator_", segmenter)
    for points, of_segment in _POINTS:
        if hasattr(segmenter, of_segment):
            return getattr(segmenter, points), getattr(segmenter, of_segment)
    centers = centers_of(segmenter)
    return None if centers is None else (centers, np.arange(len(centers)))


def margins_of_distances(X, prototypes, answers):
    """One less the shadow value of each customer (Leisch, 2010).

    Parameters
    ----------
    X : ndarray of shape (n_customers, n_features)
    prototypes : tuple
        As `prototypes_of` gives them.
    answers : ndarray of shape (n_customers,)
        Segment of each customer.

    Returns
    -------
    margins : ndarray of shape (n_customers,)
        (d2 - d1) / (d1 + d2) of the distances to the nearest points of the answer and
        of any other segment; 0 where both are 0, and 1 where there is no other.
    """
    points, of_segment = prototypes
    margins = np.ones(len(X))
    if len(np.unique(of_segment)) < 2:
        return margins
    for block in row_blocks(len(X), _ROWS):
        distances = cdist(X[block], points)
        own = of_segment == answers[block, np.newaxis]
        near = np.where(own, distances, np.inf).min(axis=1)
        next_near = np.where(own, np.inf, distances).min(axis=1)
        both = near + next_near
        np.divide(next_near - near, both, out=margins[block], where=both > 0)
        margins[block][both == 0] = 0
    return margins
