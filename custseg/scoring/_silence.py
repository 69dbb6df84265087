"""The derivation of stages of the life cycle: silence in own intervals."""

from typing import Any, NamedTuple

import numpy as np

from custseg.columns import Levels, refuse_column
from custseg.scoring._derivations import not_negative
from custseg.scoring._derived import Derivation
from custseg.scoring._record import record
from custseg.scoring._sources import Coded

STAGES = ("potential", "new", "mature", "declining", "churned")
_CORRECTION = "Correct them, or leave the rows out."


class BuyerFigures(NamedTuple):
    """What is read of customers, ndarrays of shape (n_customers,).

    Attributes
    ----------
    recency, frequency, gap, gap_sd
        Days since the last order, orders, mean and spread of the days between them.
    n_gaps
        Intervals between orders.
    """

    recency: Any
    frequency: Any
    gap: Any
    gap_sd: Any
    n_gaps: Any


def read_purchases(source, positions):
    """Read recency, frequency, gap and gap_sd, and check them against each other."""
    recency, orders, gap, gap_sd = (
        not_negative(source, position, _CORRECTION, got="others")
        for position in positions
    )
    names = [source.names[position] for position in positions]
    for name, wrong, constraint in (
        (
            names[1],
            np.isnan(orders) | (orders != np.round(orders)),
            "whole numbers and none missing",
        ),
        (
            names[0],
            (orders > 0) & np.isnan(recency),
            "no missing value where there are orders",
        ),
        (
            names[0],
            (orders == 0) & ~np.isnan(recency),
            "no value where there are no orders",
        ),
    ):
        refuse_column(name, wrong, constraint, _CORRECTION)
    n_gaps = np.where(gap > 0, np.maximum(orders - 1.0, 0.0), 0.0)
    return BuyerFigures(recency, orders, gap, gap_sd, n_gaps)


@record
class LifeCycle(Derivation):
    """Silence in a customer's own intervals, and the stage that follows.

    Attributes
    ----------
    names : tuple of str
        Those that are made of `stage`, `silence`, `own_interval` and `trend`.
    positions : tuple of int
        Of recency, frequency, gap and gap_sd.
    spends : tuple of int
        Of recent and earlier spending; empty without.
    group : int
        Column of groups; -1 without.
    groups : Levels
    rhythms : ndarray of shape (n_groups + 1, 3)
        Regularity, shape and scale of each group; those of all customers last.
    limits : ndarray of shape (n_groups + 1, 2)
        Silence from which on customers decline, and have churned.
    min_orders : int
    drop : float
    """

    names: tuple
    positions: tuple
    spends: tuple
    group: int
    groups: Levels
    rhythms: np.ndarray
    limits: np.ndarray
    min_orders: int
    drop: float

    def __call__(self, source):
        """Return the stage as levels and the measures as numbers."""
        read = read_purchases(source, self.positions)
        spends = [source.number(position) for position in self.spends]
        group = np.full(source.n_rows, -1)
        if self.group >= 0:
            group = np.maximum(source.places(self.group, self.groups), -1)
        interval = own_interval(
            *self.rhythms[group].T, read.n_gaps, read.gap, self.min_orders - 1
        )
        declining, churned = self.limits[group].T
        silence = read.recency / interval
        orders = read.n_gaps + (read.frequency > 0)
        stage = np.where(orders >= self.min_orders, 2, 1)
        made = {"silence": silence, "own_interval": interval}
        if spends:
            recent, before = spends
            stage[(stage == 2) & (recent < self.drop * before)] = 3
            size = np.abs(recent) + np.abs(before)
            made["trend"] = np.divide(
                recent - before, size, out=np.zeros_like(size), where=size > 0
            )
        stage[silence > declining] = 3
        stage[silence > churned] = 4
        stage[read.frequency == 0] = 0
        for values in made.values():  # nothing is known of who has not bought
            values[stage == 0] = np.nan
        made["stage"] = Coded(stage, STAGES)
        return [made[name] for name in self.names]


def own_interval(regularity, shape, scale, n_gaps, gap_mean, fewest):
    """Return each customer's interval, in days.

    Parameters
    ----------
    regularity, shape, scale : float or ndarray of shape (n_customers,)
        The rhythm of the customer's group.
    n_gaps : ndarray of shape (n_customers,)
        Intervals between orders, 0 or more.
    gap_mean : ndarray of shape (n_customers,)
        NaN where there is none.
    fewest : int
        With so many intervals or more the customer's own mean stands; with fewer it is
        shrunk to the group's.

    Returns
    -------
    ndarray of shape (n_customers,)
    """
    known = np.where(np.isnan(gap_mean), 0.0, n_gaps)
    total = regularity * known * np.where(known > 0, gap_mean, 0.0)
    size = shape + regularity * known - 1.0
    shrunk = (scale + total) / size
    return np.where((known >= fewest) & (gap_mean > 0), gap_mean, shrunk)
