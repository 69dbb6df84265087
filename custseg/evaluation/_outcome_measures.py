"""Measures of what was foretold beside what came, with resamples of customers."""

from typing import NamedTuple

import numpy as np

_TOP = 0.1  # share of the customers whose lift is told


class Measured(NamedTuple):
    """Measures of one grouping.

    Attributes
    ----------
    values : dict of str to float
    draws : dict of str to ndarray of shape (n_bootstraps,)
        Of resamples of customers, the same ones for every grouping.
    """

    values: dict
    draws: dict


class Grouping:
    """Groups that customers are dealt to without a look at the outcome.

    Parameters
    ----------
    parts : list of (ndarray, ndarray)
        Of each fold, customers learned from and customers asked.
    groups : list of (ndarray, ndarray)
        Of each fold, the groups of the former and of the latter.
    """

    def __init__(self, parts, groups):
        self._folds = []
        for (learned, asked), (known, new) in zip(parts, groups, strict=True):
            ids, codes = np.unique(np.concatenate([known, new]), return_inverse=True)
            of_learned, of_asked = codes[: len(known)], codes[len(known) :]
            sizes = np.bincount(of_learned, minlength=len(ids))
            self._folds.append((learned, asked, of_learned, of_asked, sizes))

    def foretell(self, values):
        """Foretell each customer his group's mean among those learned from.

        Parameters
        ----------
        values : ndarray of shape (n_customers,)
            The outcome.

        Returns
        -------
        side : Side
            Levels are ranked within folds only: where a group's mean is high because
            of those learned from, it is low in the fold.
        """
        foretold = np.empty(len(values))
        levels, ends = np.empty(len(values), dtype=np.intp), [0]
        for learned, asked, of_learned, of_asked, sizes in self._folds:
            known = values[learned]
            sums = np.bincount(of_learned, known, len(sizes))
            # A group that nobody learned from has is told as all are.
            means = np.full(len(sizes), known.mean())
            np.divide(sums, sizes, out=means, where=sizes > 0)
            means = _rounded(means)
            different, rank = np.unique(means, return_inverse=True)
            foretold[asked] = means[of_asked]
            levels[asked] = ends[-1] + rank[of_asked]
            ends.append(ends[-1] + len(different))
        return Side(np.square(values - foretold), levels, np.array(ends[1:]))


def _rounded(means):
    """Drop the last digits, so that means that are equal are ties."""
    size = np.abs(means).max()
    if size == 0:
        return means
    digits = 12 - int(np.floor(np.log10(size)))
    return np.round(means, digits) if digits < 300 else means


class Side(NamedTuple):
    """What one grouping foretold, ready for resamples."""

    errors: np.ndarray  # (n_customers,), squared
    levels: np.ndarray  # (n_customers,), fold by fold, lowest first
    ends: np.ndarray  # (n_folds,), first level behind each fold


def measures_of(values, sides, kind, n_bootstraps, rng):
    """Measure groupings on the customers and on resamples of them.

    Parameters
    ----------
    values : ndarray of shape (n_customers,)
        What came.
    sides : dict of str to Side
        With "chance", whose errors the others' are held to.
    kind : {"amount", "event"}
    n_bootstraps : int
    rng : numpy.random.Generator

    Returns
    -------
    measured : dict of str to Measured
    """
    n = len(values)
    of_chance = sides["chance"].errors

    def measured(counts):
        return {
            name: _measures(values, side, of_chance, counts, kind)
            for name, side in sides.items()
        }

    of_all = measured(np.ones(n))
    resamples = (rng.integers(0, n, n) for _ in range(n_bootstraps))
    drawn = [measured(np.bincount(rows, minlength=n) * 1.0) for rows in resamples]
    return {
        name: Measured(
            found,
            {one: np.array([draw[name][one] for draw in drawn]) for one in found},
        )
        for name, found in of_all.items()
    }


def measures_by_chance(values, grouping, chance, kind, n_shuffles, rng):
    """Measure a grouping on outcomes that are dealt to customers at random.

    Groups know nothing of the outcome, so that the measure of the outcome as it came
    is one more draw of the same if groups do not tell it.

    Parameters
    ----------
    values : ndarray of shape (n_customers,)
    grouping, chance : Grouping
        `chance` has one group.
    kind : {"amount", "event"}
    n_shuffles : int
    rng : numpy.random.Generator

    Returns
    -------
    draws : dict of str to ndarray of shape (n_shuffles,)
    """
    counts, drawn = np.ones(len(values)), []
    for _ in range(n_shuffles):
        dealt = rng.permutation(values)
        of_chance = chance.foretell(dealt).errors
        side = grouping.foretell(dealt)
        drawn.append(_measures(dealt, side, of_chance, counts, kind))
    return {one: np.array([draw[one] for draw in drawn]) for one in drawn[0]}


def _measures(values, side, errors_of_chance, counts, kind):
    n_levels = side.ends[-1]
    sums = np.bincount(side.levels, counts * values, n_levels)
    customers = np.bincount(side.levels, counts, n_levels)
    by_fold = [np.split(one, side.ends[:-1]) for one in (sums, customers)]
    of_chance = counts @ errors_of_chance
    found = {"r2": 1 - counts @ side.errors / of_chance if of_chance else np.nan}
    if kind == "event":
        found["auc"] = area_under_curve(*by_fold)
    found["lift"] = lift_of_top(*by_fold)
    return found


def area_under_curve(with_event, customers):
    """How often one with the event stands above one without, ties counting half.

    Parameters
    ----------
    with_event, customers : list of ndarray of shape (n_levels,)
        How many there are at each level of what was foretold, lowest first, fold by
        fold. Pairs are of one fold.

    Returns
    -------
    area : float
        NaN if there is no pair.
    """
    right = pairs = 0.0
    for events, everyone in zip(with_event, customers, strict=True):
        without = everyone - events
        right += events @ (np.cumsum(without) - without / 2)
        pairs += events.sum() * without.sum()
    return float(right / pairs) if pairs else np.nan


def lift_of_top(sums, customers, share=_TOP):
    """Mean outcome of the customers foretold the most, over the mean of all.

    Of a level that not all belong to, customers count in part.

    Parameters
    ----------
    sums, customers : list of ndarray of shape (n_levels,)
        Outcome and number of customers at each level, lowest first, fold by fold. Of
        each fold the same share is taken.
    share : float, default=0.1
        Of the customers.

    Returns
    -------
    lift : float
        NaN if the outcomes of all sum to zero or less, or the share of some fold is
        less than one customer.
    """
    top = 0.0
    for of_fold, members in zip(sums, customers, strict=True):
        members = members[::-1]
        taken = np.minimum(np.cumsum(members), share * members.sum())
        taken = np.diff(taken, prepend=0.0)
        top += of_fold[::-1] @ np.divide(
            taken, members, out=np.zeros(len(members)), where=members > 0
        )
    total, size = sum(map(np.sum, sums)), sum(np.abs(one).sum() for one in sums)
    fewest = min(members.sum() for members in customers)
    # A share of less than one customer, or of nothing, ranks nobody.
    if share * fewest < 1 - 1e-9 or total <= 1e-9 * size:
        return np.nan
    return float(top / (share * total))
