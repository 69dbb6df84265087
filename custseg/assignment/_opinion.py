"""What a model makes of customers, before anyone overrides it."""

from typing import NamedTuple

import numpy as np


class Opinion(NamedTuple):
    """What a model makes of customers.

    Attributes
    ----------
    likeliest : ndarray of shape (n_customers,)
        Id of the segment that each would be in if in any.
    segment : ndarray of shape (n_customers,)
        The same, or -1 for none of the above.
    probabilities : ndarray of shape (n_customers, n_segments)
        In the order of the ids, ascending; NaN where nothing has probabilities.
    typicality : ndarray of shape (n_customers,)
        NaN without rejection.
    margin : ndarray of shape (n_customers,)
        How far from the border, 0 to 1; NaN where nothing measures it.
    """

    likeliest: np.ndarray
    segment: np.ndarray
    probabilities: np.ndarray
    typicality: np.ndarray
    margin: np.ndarray


def one_opinion(parts, n_customers, n_segments):
    """Put together opinions of several models, each of some customers.

    Parameters
    ----------
    parts : list of (positions, columns, Opinion)
        Positions of the customers, and of the model's segments among all.
    n_customers, n_segments : int

    Returns
    -------
    opinion : Opinion
        The probability of another model's segment is zero.
    """
    nothing = np.full(n_customers, np.nan)
    whole = Opinion(
        likeliest=np.full(n_customers, -1),
        segment=np.full(n_customers, -1),
        probabilities=np.zeros((n_customers, n_segments)),
        typicality=nothing,
        margin=nothing.copy(),
    )
    for positions, columns, part in parts:
        for name in ("likeliest", "segment", "typicality", "margin"):
            getattr(whole, name)[positions] = getattr(part, name)
        if np.isnan(part.probabilities).any():
            whole.probabilities[positions] = np.nan
        whole.probabilities[np.ix_(positions, columns)] = part.probabilities
    return whole


def one_table(parts, n_customers, n_segments, fill=0.0):
    """Put together columns of several models, `fill` for another model's segments."""
    whole = np.full((n_customers, n_segments), fill)
    for positions, columns, part in parts:
        whole[np.ix_(positions, columns)] = part
    return whole
