"""Answers about what matters to utilities: pure functions, customer by customer.

Each takes a list of columns, one an item, and runs over items one by one, so that a
customer of a batch gets the same numbers as alone. Higher is more important; NaN is not
answered.
"""

import numpy as np
from scipy.special import ndtri

__all__ = [
    "best_worst_scores",
    "fill_scores",
    "rank_scores",
    "relative_scores",
    "spread_of",
]

# Blom's constant: rank i of k is near the quantile (i - 3/8) / (k + 1/4) of a normal.
_BLOM = 0.375


def _cumulative_normal_scores(n_items):
    """Sum normal scores of the first r of k ranks, at position [k, r]."""
    table = np.zeros((n_items + 1, n_items + 1))
    for k in range(1, n_items + 1):
        quantiles = (np.arange(k, 0, -1) - _BLOM) / (k + 1 - 2 * _BLOM)
        table[k, 1 : k + 1] = np.cumsum(ndtri(quantiles))
    return table


def rank_scores(ranks, *, unranked_last):
    """Turn rankings into normal scores.

    Parameters
    ----------
    ranks : list of ndarray of shape (n_customers,)
        One an item; 1 is the most important, NaN not ranked. Only their order counts.
    unranked_last : bool
        Whether items without a rank come after those that have one, tied; otherwise
        the ranking is of the others alone.

    Returns
    -------
    list of ndarray of shape (n_customers,)
        What normal utilities with a variance of one would be on average, given the
        ranking. Tied items share the mean of their places; NaN where there is none.
    """
    answered = sum(~np.isnan(one) for one in ranks)
    if unranked_last:
        ranks = [np.where(np.isnan(x) & (answered > 0), np.inf, x) for x in ranks]
        answered = sum(~np.isnan(one) for one in ranks)
    table = _cumulative_normal_scores(len(ranks))
    scores = []
    for one in ranks:
        before = sum((other < one).astype(np.intp) for other in ranks)
        tied = sum((other == one).astype(np.intp) for other in ranks)
        together = table[answered, before + tied] - table[answered, before]
        scores.append(np.where(np.isnan(one), np.nan, together / np.maximum(tied, 1)))
    return scores


def best_worst_scores(best, worst, shown, *, smoothing):
    """Turn one item's best-worst counts into a logit utility, in closed form.

    Parameters
    ----------
    best, worst, shown : ndarray of shape (n_customers,)
        How often the item was chosen as best, as worst, and shown.
    smoothing : float
        Choices added for and against; 0 adds none, and is infinite for an item always
        best or always worst.

    Returns
    -------
    ndarray of shape (n_customers,)
        NaN where a count is missing or the item was not shown.
    """
    net = best - worst
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.log((shown + net + smoothing) / (shown - net + smoothing))
    return np.where(shown > 0, scores, np.nan)


def fill_scores(scores, means):
    """Fill missing scores by item mean plus the customer's own mean deviation.

    Parameters
    ----------
    scores : list of ndarray of shape (n_customers,)
        NaN where missing.
    means : sequence of float
        Frozen means of the items.

    Returns
    -------
    filled : list of ndarray of shape (n_customers,)
        Still NaN for customers without any score.
    answered : ndarray of shape (n_customers,)
        How many scores each customer has.
    """
    total = np.zeros(len(scores[0]))
    answered = np.zeros(len(scores[0]), dtype=np.intp)
    for one, mean in zip(scores, means, strict=True):
        known = ~np.isnan(one)
        total += np.where(known, one - mean, 0.0)
        answered += known
    deviation = np.where(answered > 0, total / np.maximum(answered, 1), np.nan)
    filled = [
        np.where(np.isnan(one), mean + deviation, one)
        for one, mean in zip(scores, means, strict=True)
    ]
    return filled, answered


def relative_scores(scores, groups, *, centre):
    """Average scores by group, and take each customer's mean over groups off.

    Parameters
    ----------
    scores : list of ndarray of shape (n_customers,)
    groups : sequence of sequence of int
        Positions of the items of each group.
    centre : bool
        Whether the mean over groups is taken off: they then sum to zero.

    Returns
    -------
    list of ndarray of shape (n_customers,)
        One a group.
    """
    averages = [_mean([scores[item] for item in group]) for group in groups]
    if not centre:
        return averages
    middle = _mean(averages)
    return [one - middle for one in averages]


def spread_of(scores):
    """Return each customer's standard deviation over items (n in the denominator).

    Infinite where it is zero but for rounding, so that dividing gives zeros.
    """
    middle = _mean(scores)
    spread = np.sqrt(_mean([(one - middle) ** 2 for one in scores]))
    size = np.maximum.reduce([np.abs(one) for one in scores])
    return np.where(spread <= 32 * np.finfo(np.float64).eps * size, np.inf, spread)


def _mean(columns):
    total = np.zeros(len(columns[0]))
    for one in columns:
        total += one
    return total / len(columns)
