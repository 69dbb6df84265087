"""Scores of recency, frequency and monetary value, by cuts that stand.

Pure functions, by which `custseg.features.RFMTransformer` scores as well, and the step.
"""

from typing import Any, NamedTuple

import numpy as np

from custseg.columns import MISSING_CODE, UNSEEN_CODE, Levels, refuse_column
from custseg.exceptions import SchemaError
from custseg.scoring._record import Record, record

_ROWS = 2**14  # worked on at a time


class Figures(NamedTuple):
    """What is scored of each customer, the larger the better.

    Attributes
    ----------
    values : ndarray of shape (3, n_customers)
        Recency negative, so that larger is better; NaN without orders.
    ordered : ndarray of bool, shape (n_customers,)
        Who has orders.
    gaps, n_gaps : ndarray of shape (n_customers,) or None
        Mean days between orders, NaN for none or zero, and how many gaps there are.
    """

    values: Any
    ordered: Any
    gaps: Any = None
    n_gaps: Any = None


def checked_figures(recency, frequency, monetary, gap=None):
    """Check columns of numbers, each with its name, against each other."""
    for name, values in (recency, frequency, *([gap] if gap else [])):
        refuse_column(
            name,
            values < 0,
            "no number below 0",
            "Negative values in data of days and orders are mistakes: correct them.",
        )
    without = np.isnan(recency[1]) & (frequency[1] == 0)
    for name, values in (recency, frequency, monetary):
        refuse_column(
            name,
            np.isnan(values) & ~without,
            "no missing value (NaN)",
            "Fill them in, or leave the rows out; a customer without orders has a "
            "frequency of 0 and no recency.",
        )
    values = np.array([-recency[1], frequency[1], monetary[1]])
    values[:, without] = np.nan
    if gap is None:
        return Figures(values, ~without)
    n_gaps = np.maximum(frequency[1] - 1.0, 0.0)
    absent = np.isnan(gap[1])
    refuse_column(
        gap[0],
        absent & (n_gaps >= 1),
        "no missing value (NaN) where there are two orders or more",
        "Fill them in, or set relative=False.",
    )
    gaps = np.where(absent | (gap[1] == 0) | (n_gaps < 1), np.nan, gap[1])
    return Figures(values, ~without, gaps, n_gaps)


def own_interval(gaps, n_gaps, typical):
    """Take a customer's own interval from three orders on, half of it with two."""
    own = np.where(n_gaps >= 2, gaps, (gaps + typical) / 2)
    return np.where(np.isnan(gaps), typical, own)


def relative_recency(figures, typical):
    """Return recency in own intervals, of groups with a typical one."""
    # Zero less than: no customer is shown a recency of minus zero.
    interval = own_interval(figures.gaps, figures.n_gaps, typical)
    return (0.0 - figures.values[0]) / interval


def score_by(values, limits):
    """Count the limits that each value reaches, and one more.

    Parameters
    ----------
    values : ndarray of shape (n_customers,)
    limits : sequence of floats or of ndarrays of shape (n_customers,)
        Not falling; NaN at the end for scores that nobody reaches.

    Returns
    -------
    scores : ndarray of shape (n_customers,)
        Float64, whole.
    """
    scores = np.ones(len(values))
    for limit in limits:
        scores += values >= limit
    return scores


def outputs_of(names, scores, relative, weights, n_scores):
    """Return what is asked for of the scores, a column each.

    Parameters
    ----------
    names : sequence of str
        Of "r", "f", "m", "score", "cell" and "relative_recency".
    scores : ndarray of shape (3, n_customers)
    relative : ndarray of shape (n_customers,) or None
        Recency in own intervals, where it is asked for.
    weights : sequence of three floats
    n_scores : int
    """
    r, f, m = scores
    w = weights
    base = 10 ** len(str(n_scores))
    made = {
        "r": lambda: r,
        "f": lambda: f,
        "m": lambda: m,
        "score": lambda: (w[0] * r + w[1] * f + w[2] * m) / (w[0] + w[1] + w[2]),
        "cell": lambda: (r * base + f) * base + m,
        "relative_recency": lambda: relative,
    }
    return np.column_stack([made[name]() for name in names])


@record
class RFMScores(Record):
    """Columns of recency, frequency, monetary value, gap and group to scores.

    Attributes
    ----------
    limits : ndarray of shape (n_groups + 1, 3, n_scores - 1)
        Where scores begin, the larger the better; of all customers last.
    intervals : ndarray of shape (n_groups + 1,)
        Typical ones; of all customers last.
    weights : ndarray of shape (3,)
    outputs : tuple of str
    relative : bool
        Whether recency in own intervals is scored.
    has_gap : bool
        Whether there is a column of gaps, the fourth.
    groups : Levels or None
        Of the last column, where customers are in groups.
    strict : bool
        Whether groups that are not known are refused.
    """

    limits: np.ndarray
    intervals: np.ndarray
    weights: np.ndarray
    outputs: tuple
    relative: bool
    has_gap: bool
    groups: Levels | None
    strict: bool

    def __call__(self, source):
        """Return the outputs, ndarray of shape (n_rows, n_outputs)."""
        n_numbers = 4 if self.has_gap else 3
        names = source.names
        read = [(names[k], source.number(k)) for k in range(n_numbers)]
        figures = checked_figures(*read)
        group = slice(-1, None)  # one for all customers
        if self.groups is not None:
            group = source.places(n_numbers, self.groups)
            self._tell(
                source, n_numbers, (group == MISSING_CODE) | (group == UNSEEN_CODE)
            )
            group = np.where(group == MISSING_CODE, -1, group)
        values, relative = figures.values, None
        if self.has_gap:
            relative = relative_recency(figures, self.intervals[group])
        if self.relative:
            values = [-relative, *values[1:]]
        n_rows, limits = source.n_rows, self.limits[group]
        Z = np.empty((len(self.outputs), n_rows)).T
        for start in range(0, n_rows, _ROWS):  # what is worked on stays in the cache
            rows = slice(start, start + _ROWS)
            own = limits if len(limits) == 1 else limits[rows]
            scores = [score_by(values[k][rows], own[:, k].T) for k in range(3)]
            some = None if relative is None else relative[rows]
            weights, n_scores = self.weights.tolist(), self.limits.shape[2] + 1
            Z[rows] = outputs_of(self.outputs, scores, some, weights, n_scores)
        return Z

    def _tell(self, source, position, wrong):
        if not wrong.any():
            return
        source.tell(
            "Groups must be known, and seen in fit. Got others in "
            f"{source.counted(position, wrong)} rows instead",
            "who take the cuts of all",
            "Correct them, or fit again with customers who have them",
            SchemaError,
            self.strict,
        )
