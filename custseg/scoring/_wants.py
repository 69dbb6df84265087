"""Derivations of what customers want: ratings, rankings or choices to utilities.

Sums run over items one by one, so that a customer of a batch gets the same numbers as
alone. Higher is more important; NaN is not answered.
"""

import numpy as np

from custseg.columns import refuse
from custseg.exceptions import DataQualityError
from custseg.scoring._derived import Derivation
from custseg.scoring._record import Record, record

_REMEDY = "Code the answers as numbers first."


@record
class ItemScores(Record):
    """Answers about what matters to the scores of items.

    Attributes
    ----------
    form : {"ratings", "rankings", "best_worst"}
    items : tuple of str
    positions : tuple of tuple of int
        Columns of each item: the answer, or counts of best, worst and shown.
    unranked_last : bool
        Whether items without a rank come after those that have one, tied; otherwise
        the ranking is of the others alone.
    normal : ndarray of shape (n_items + 1, n_items + 1)
        Of the first r of k ranks the sum of normal scores, at ``[k, r]``.
    smoothing : float
        Choices added for and against in best-worst counts.
    """

    form: str
    items: tuple
    positions: tuple
    unranked_last: bool
    normal: np.ndarray
    smoothing: float

    def __call__(self, source):
        """Return the scores, a list of one ndarray of shape (n_rows,) for each item."""
        read = [
            [source.number(position, _REMEDY) for position in group]
            for group in self.positions
        ]
        if self.form == "ratings":
            return [one for (one,) in read]
        if self.form == "rankings":
            ranks = [one for (one,) in read]
            for item, one in zip(self.items, ranks, strict=True):
                refuse_answers(item, one < 1, "ranks from 1, the most important")
            return self._of_ranks(ranks)
        for item, (best, worst, shown) in zip(self.items, read, strict=True):
            negative = (best < 0) | (worst < 0) | (shown < 0)
            refuse_answers(item, negative, "counts that are not below 0")
            over = best + worst > shown
            refuse_answers(item, over, "best and worst within times shown")
        return [self._of_counts(*counts) for counts in read]

    def _of_ranks(self, ranks):
        """Turn rankings into normal scores.

        What normal utilities with a variance of one would be on average, given the
        ranking. Tied items share the mean of their places.
        """
        answered = sum(~np.isnan(one) for one in ranks)
        if self.unranked_last:
            ranks = [np.where(np.isnan(x) & (answered > 0), np.inf, x) for x in ranks]
            answered = sum(~np.isnan(one) for one in ranks)
        scores = []
        for one in ranks:
            before = sum((other < one).astype(np.intp) for other in ranks)
            tied = sum((other == one).astype(np.intp) for other in ranks)
            sums = self.normal[answered, before + tied] - self.normal[answered, before]
            scores.append(np.where(np.isnan(one), np.nan, sums / np.maximum(tied, 1)))
        return scores

    def _of_counts(self, best, worst, shown):
        """Turn one item's best-worst counts into a logit utility, in closed form."""
        net = best - worst
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = np.log(
                (shown + net + self.smoothing) / (shown - net + self.smoothing)
            )
        return np.where(shown > 0, scores, np.nan)


@record
class Benefits(Derivation):
    """Scores of items to utilities of benefits.

    Attributes
    ----------
    names : tuple of str
    scores : ItemScores
    means : ndarray of shape (n_items,)
        Of the items, by which gaps are filled.
    groups : tuple of tuple of int
        Items of each benefit.
    centred, standardised : bool
        Whether each customer's mean over benefits is taken off, and the spread over
        items divided by.
    weight : float
    """

    names: tuple
    scores: ItemScores
    means: np.ndarray
    groups: tuple
    centred: bool
    standardised: bool
    weight: float
    whole = "benefits"

    def __call__(self, source):
        """Return the utilities, NaN for customers without any score."""
        scores = self._filled(self.scores(source))
        utilities = [_mean([scores[item] for item in group]) for group in self.groups]
        if self.centred:
            middle = _mean(utilities)
            utilities = [one - middle for one in utilities]
        if self.standardised:
            spread = _spread_of(scores)
            utilities = [one / spread for one in utilities]
        return utilities

    def _filled(self, scores):
        """Fill missing scores by item mean plus the customer's own mean deviation."""
        total = np.zeros(len(scores[0]))
        answered = np.zeros(len(scores[0]), dtype=np.intp)
        for one, mean in zip(scores, self.means, strict=True):
            known = ~np.isnan(one)
            total += np.where(known, one - mean, 0.0)
            answered += known
        deviation = np.where(answered > 0, total / np.maximum(answered, 1), np.nan)
        return [
            np.where(np.isnan(one), mean + deviation, one)
            for one, mean in zip(scores, self.means, strict=True)
        ]


def _spread_of(scores):
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


@record
class Prices(Derivation):
    """Prices too cheap, cheap, expensive and too expensive: their level and range.

    Attributes
    ----------
    names : tuple of str
    positions : tuple of int
    strict : bool
    """

    names: tuple
    positions: tuple
    strict: bool

    def __call__(self, source):
        """Return how high, and how wide, the prices are that a customer would pay."""
        prices = [source.number(position, _REMEDY) for position in self.positions]
        for position, one in zip(self.positions, prices, strict=True):
            refuse_answers(source.names[position], one <= 0, "prices above 0")
        falls = np.any(np.diff(prices, axis=0) < 0, axis=0)
        n_falls = int(np.count_nonzero(falls))
        if n_falls:
            source.tell(
                "Prices must rise from too cheap to too expensive. Got others in "
                f"{n_falls} of {len(falls)} rows instead",
                "which are treated as missing",
                "Correct them",
                DataQualityError,
                self.strict,
            )
        with np.errstate(invalid="ignore"):
            low, high = (
                np.where(falls, np.nan, np.log(prices[place])) for place in (1, 2)
            )
        return [(low + high) / 2, high - low]


def refuse_answers(name, wrong, constraint):
    """Raise where an item or a price has what it cannot have."""
    remedy = "Correct them or mark them as missing."
    refuse(repr(name), wrong, f"have {constraint}", remedy)
