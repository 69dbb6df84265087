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


def measures_of(values, foretold, kind, n_bootstraps, rng):
    """Measure groupings on the customers and on resamples of them.

    Parameters
    ----------
    values : ndarray of shape (n_customers,)
        What came.
    foretold : dict of str to ndarray of shape (n_customers,)
        With "chance", whose errors the others' are held to.
    kind : {"amount", "event"}
    n_bootstraps : int
    rng : numpy.random.Generator

    Returns
    -------
    measured : dict of str to Measured
    """
    n = len(values)
    sides = {
        name: (np.square(values - told), np.unique(told, return_inverse=True)[1])
        for name, told in foretold.items()
    }
    of_chance = sides["chance"][0]

    def measured(counts):
        return {
            name: _measures(values, *side, of_chance, counts, kind)
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


def _measures(values, errors, levels, errors_of_chance, counts, kind):
    sums = np.bincount(levels, counts * values)
    customers = np.bincount(levels, counts)
    of_chance = counts @ errors_of_chance
    found = {"r2": 1 - counts @ errors / of_chance if of_chance else np.nan}
    if kind == "event":
        found["auc"] = area_under_curve(sums, customers - sums)
    found["lift"] = lift_of_top(sums, customers)
    return found


def area_under_curve(with_event, without):
    """How often one with the event stands above one without, ties counting half.

    Parameters
    ----------
    with_event, without : ndarray of shape (n_levels,)
        Customers at each level of what was foretold, lowest first.

    Returns
    -------
    area : float
        NaN if all or none have the event.
    """
    below = np.cumsum(without) - without / 2
    pairs = with_event.sum() * without.sum()
    return float(with_event @ below / pairs) if pairs else np.nan


def lift_of_top(sums, customers, share=_TOP):
    """Mean outcome of the customers foretold the most, over the mean of all.

    Of a level that not all belong to, customers count in part.

    Parameters
    ----------
    sums, customers : ndarray of shape (n_levels,)
        Outcome and number of customers at each level, lowest first.
    share : float, default=0.1
        Of the customers.

    Returns
    -------
    lift : float
        NaN if the outcomes of all sum to zero.
    """
    wanted = share * customers.sum()
    taken = np.minimum(np.cumsum(customers[::-1]), wanted)
    taken = np.diff(taken, prepend=0.0)
    means = np.divide(
        sums[::-1], customers[::-1], out=np.zeros(len(sums)), where=customers[::-1] > 0
    )
    total = sums.sum()
    if total == 0:
        return np.nan
    return float(taken @ means / wanted / (total / customers.sum()))
