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

    @staticmethod
    def rounded(foretold):
        """Drop the last digits, so that means that are equal are ties."""
        size = np.abs(foretold).max()
        if size == 0:
            return foretold
        digits = 12 - int(np.floor(np.log10(size)))
        return np.round(foretold, digits) if digits < 300 else foretold


class _Side(NamedTuple):
    """What one grouping foretold, ready for resamples."""

    errors: np.ndarray  # (n_customers,), squared
    levels: np.ndarray  # (n_customers,), fold by fold, lowest first
    ends: np.ndarray  # (n_folds - 1,), first level of each fold but the first


def measures_of(values, foretold, fold, kind, n_bootstraps, rng):
    """Measure groupings on the customers and on resamples of them.

    Parameters
    ----------
    values : ndarray of shape (n_customers,)
        What came.
    foretold : dict of str to ndarray of shape (n_customers,)
        With "chance", whose errors the others' are held to.
    fold : ndarray of int, shape (n_customers,)
        In which each was asked. Customers are ranked within folds only: where a
        group's mean is high because of those learned from, it is low in the fold.
    kind : {"amount", "event"}
    n_bootstraps : int
    rng : numpy.random.Generator

    Returns
    -------
    measured : dict of str to Measured
    """
    n = len(values)
    sides = {}
    for name, told in foretold.items():
        pairs = np.column_stack([fold, told])
        known, levels = np.unique(pairs, axis=0, return_inverse=True)
        ends = np.flatnonzero(np.diff(known[:, 0])) + 1
        sides[name] = _Side(np.square(values - told), levels.ravel(), ends)
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


def _measures(values, side, errors_of_chance, counts, kind):
    n_levels = side.levels.max() + 1
    sums = np.bincount(side.levels, counts * values, n_levels)
    customers = np.bincount(side.levels, counts, n_levels)
    by_fold = [np.split(one, side.ends) for one in (sums, customers)]
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
        NaN if the outcomes of all sum to zero.
    """
    top = 0.0
    for of_fold, members in zip(sums, customers, strict=True):
        members = members[::-1]
        taken = np.minimum(np.cumsum(members), share * members.sum())
        taken = np.diff(taken, prepend=0.0)
        top += of_fold[::-1] @ np.divide(
            taken, members, out=np.zeros(len(members)), where=members > 0
        )
    total = sum(map(np.sum, sums))
    return float(top / (share * total)) if total else np.nan
