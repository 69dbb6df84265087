"""Where scores begin: cut points of one column, learned from its values.

Pure functions of numbers of which larger is better. ``limits[k]`` is what reaches the
score ``k + 2``; NaN is reached by nobody.
"""

import numpy as np

from custseg.exceptions import DegenerateFitError

__all__ = ["class_limits", "natural_breaks", "quantile_limits"]


def quantile_limits(values, n_scores, ties):
    """Give each score an equal share of the ranks, and equal values one score.

    The customer with `i` others below has the score ``1 + floor(n_scores * i / n)``.
    Equal values have the ranks `first` to `last` and all take the score of the first,
    the last, or the one halfway.
    """
    distinct, counts = np.unique(values, return_counts=True)
    last = np.cumsum(counts) - 1
    first = last - counts + 1
    doubled = {"lower": 2 * first, "upper": 2 * last, "middle": first + last}[ties]
    # In whole numbers: a rank on a boundary must not be rounded across it.
    scores = 1 + n_scores * doubled // (2 * len(values))
    reached = np.searchsorted(scores, np.arange(2, n_scores + 1))
    return np.append(distinct, np.nan)[reached]


def class_limits(values, n_scores, name):
    """Cut halfway between the means of neighbouring natural classes."""
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) < n_scores:
        raise DegenerateFitError(
            f"Column {name!r} must have at least {n_scores} distinct values to be cut "
            f"into {n_scores} classes. Got {len(distinct)} (n_samples={len(values)}) "
            "instead. Ask for fewer classes, take quantiles, or give the breaks."
        )
    starts = natural_breaks(distinct, counts, n_scores)
    # About a value of their own, large numbers keep their digits.
    middle = distinct[len(distinct) // 2]
    sums = np.add.reduceat((distinct - middle) * counts, starts)
    means = middle + sums / np.add.reduceat(counts, starts)
    limits = (means[:-1] + means[1:]) / 2
    # Rounding must not move a limit out of the gap that it stands in.
    return np.clip(
        limits, np.nextafter(distinct[starts[1:] - 1], np.inf), distinct[starts[1:]]
    )


def natural_breaks(distinct, counts, n_classes):
    """Split sorted values into the classes of the smallest squared deviations.

    Fisher's optimal grouping by dynamic programming, exact. Where the best last class
    begins never falls as customers are added at the end, so each pass looks at few
    candidates: in all ``n_classes * n * log(n)`` steps.

    Parameters
    ----------
    distinct : ndarray of shape (n_values,)
        Rising.
    counts : ndarray of shape (n_values,)
    n_classes : int
        At most `n_values`.

    Returns
    -------
    starts : ndarray of shape (n_classes,)
        Position at which each class begins.
    """
    deviation = _squared_deviation(distinct, counts)
    n = len(distinct)
    ends = np.arange(n + 1)
    best = deviation(np.zeros(n + 1, dtype=np.intp), ends)
    begins = []
    for earlier in range(1, n_classes - 1):
        best, begin = _one_class_more(best, deviation, earlier)
        begins.append(begin)
    starts, end = [], n
    if n_classes > 1:
        end = int(_last_class(best, deviation, ends[-1:], n_classes - 1, n - 1)[0][0])
        starts.append(end)
    for begin in reversed(begins):
        end = int(begin[end])
        starts.append(end)
    return np.array([0, *reversed(starts)], dtype=np.intp)


def _squared_deviation(distinct, counts):
    """Return a function of where a class begins and ends: its squared deviations."""
    centred = distinct - np.average(distinct, weights=counts)
    size = max(np.abs(centred).max(), np.finfo(np.float64).tiny)
    centred = centred / size
    weight, total, squares = (
        np.concatenate([[0.0], np.cumsum(counts * centred**power)])
        for power in range(3)
    )

    def deviation(begin, end):
        sums = total[end] - total[begin]
        customers = np.maximum(weight[end] - weight[begin], 1.0)
        return np.maximum(squares[end] - squares[begin] - sums**2 / customers, 0.0)

    return deviation


def _one_class_more(best, deviation, earlier):
    """Add a last class to the best groupings of the first values.

    Parameters
    ----------
    best : ndarray of shape (n + 1,)
        Squared deviations of the best grouping of the first values into `earlier`
        classes.
    deviation : callable
    earlier : int

    Returns
    -------
    best, begin : ndarray of shape (n + 1,)
        The same with one class more, and where that one begins.
    """
    n = len(best) - 1
    renewed, begin = np.full(n + 1, np.inf), np.zeros(n + 1, dtype=np.intp)
    # Place q stands for the end ``earlier + q``. Places are settled by halving, and a
    # class begins between where those of its settled neighbours do.
    places = n - earlier
    step = 1 << places.bit_length()
    settled = np.full(step + 1, n - 1)
    settled[0] = earlier
    while step > 1:
        step //= 2
        q = np.arange(step, places + 1, 2 * step)
        if len(q):
            ends = earlier + q
            settled[q], renewed[ends] = _last_class(
                best, deviation, ends, settled[q - step], settled[q + step]
            )
            begin[ends] = settled[q]
    return renewed, begin


def _last_class(best, deviation, ends, low, high):
    """Find where the last class of each end begins best, and what that costs."""
    low = np.broadcast_to(low, ends.shape)
    lengths = np.minimum(high, ends - 1) - low + 1
    offsets = np.cumsum(lengths) - lengths
    candidates = np.arange(lengths.sum()) + np.repeat(low - offsets, lengths)
    costs = best[candidates] + deviation(candidates, np.repeat(ends, lengths))
    smallest = np.minimum.reduceat(costs, offsets)
    hits = np.flatnonzero(costs == np.repeat(smallest, lengths))
    return candidates[hits[np.searchsorted(hits, offsets)]], smallest
