"""Means and shares of columns by segment: pure functions of arrays."""

from typing import NamedTuple

import numpy as np

from custseg.engine import VALUE_COUNTS, ArraySource, Statistic
from custseg.profile._traits import MAX_LEVELS

OTHER, MISSING = "(other)", "(missing)"


class Item(NamedTuple):
    """What is said of one column, or of one level of it, in every segment.

    Attributes
    ----------
    column, level, kind, statistic : str
        As in `Column`; level is "" for numbers and dates.
    value : ndarray of shape (n_segments,)
        Mean or share in each segment; NaN where no value is known.
    total : float
        Mean or share over the customers of all segments.
    sd : float
        Standard deviation of the column, or of the level's indicator.
    rank_difference : ndarray of shape (n_segments,)
        Difference of mean ranks to the average customer, in standard deviations of
        the ranks.
    n_missing : ndarray of shape (n_segments,)
        Customers without a value.
    """

    column: str
    level: str
    kind: str
    statistic: str
    value: np.ndarray
    total: float
    sd: float
    rank_difference: np.ndarray
    n_missing: np.ndarray

    @property
    def standardized_difference(self):
        """Difference to the average customer, in standard deviations."""
        return _in_deviations(self.value - self.total, self.sd)


def describe(column, codes, weights, n_segments):
    """Describe one column in every segment.

    Parameters
    ----------
    column : Column
    codes : ndarray of shape (n_customers,)
        Position of each customer's segment; every customer is in one.
    weights : ndarray of shape (n_customers,)
        All positive.
    n_segments : int

    Returns
    -------
    items : list of Item
        One for a number or a date, one a level for the others.
    """
    if column.kind in ("number", "date"):
        # In one block: values are sorted once.
        rows = {"rows_per_block": max(len(codes), 1)}
        source = ArraySource(column.values, codes, weights, **rows)
        counts = source.total(VALUE_COUNTS, n_segments=n_segments)
        return [_number_item(column, counts)]
    source = ArraySource(column.values, codes, weights)
    shape = (n_segments, len(column.levels) + 1)
    return _level_items(column, source.total(LEVEL_TABLE, shape=shape))


def _level_table_of_block(values, codes, weights, *, shape):
    """Weight of customers by segment and level, missing ones last."""
    places = np.where(values < 0, shape[1] - 1, values)
    table = np.bincount(
        codes * shape[1] + places, weights, minlength=shape[0] * shape[1]
    )
    return table.reshape(shape)


LEVEL_TABLE = Statistic(_level_table_of_block)


def _number_item(column, counts):
    value, total, sd = _moments(counts.values, counts)
    mean_rank, average, rank_sd = _moments(counts.ranks(), counts)
    difference = _in_deviations(mean_rank - average, rank_sd)
    named = (column.name, "", column.kind, column.statistic)
    return Item(*named, value, total, sd, difference, counts.missing)


def _moments(x, counts):
    """Mean in each segment, and mean and standard deviation over all entries."""
    codes, weights, n_segments = counts.codes, counts.weights, len(counts.missing)
    sizes = np.bincount(codes, weights, minlength=n_segments)
    if not len(x):
        return np.full(n_segments, np.nan), np.nan, np.nan
    # Shifting by one of the values keeps digits where the spread is small beside the
    # mean, and keeps the mean of a constant exact.
    origin = x[0]
    sums = np.bincount(codes, weights * (x - origin), minlength=n_segments)
    means = np.divide(sums, sizes, out=np.full(n_segments, np.nan), where=sizes > 0)
    total = sums.sum() / sizes.sum()
    variance = np.average(np.square(x - origin - total), weights=weights)
    return origin + means, float(origin + total), float(np.sqrt(variance))


def _level_items(column, table):
    levels, places = _shown_levels(column, table.sum(axis=0))
    n_missing = sum(table[:, code] for code in _missing_levels(column))
    table = np.column_stack([table[:, codes].sum(axis=1) for codes in places])
    sizes = table.sum(axis=1, keepdims=True)
    shares, totals = table / sizes, table.sum(axis=0) / sizes.sum()
    items = []
    for level, share, total in zip(levels, shares.T, totals, strict=True):
        sd = float(np.sqrt(total * (1 - total))) if len(levels) > 1 else 0.0
        difference = _in_deviations(share - total, sd)
        named = (column.name, level, column.kind, column.statistic)
        items.append(Item(*named, share, float(total), sd, difference, n_missing))
    return items


def _missing_levels(column):
    """Places of missing values, and of levels of the data that name them.

    No two levels of a column have one name then, and none has that of a number.
    """
    named = [
        code
        for code, level in enumerate(column.levels)
        if level.strip() in ("", MISSING)
    ]
    return [*named, len(column.levels)]


def _shown_levels(column, held):
    """Levels with customers, largest first if they have no order, the rest pooled.

    A level of the data that is called "(other)" itself is one of the rest.

    Parameters
    ----------
    column : Column
    held : ndarray of shape (n_levels + 1,)
        Weight of customers at each level, and of those without a value.

    Returns
    -------
    levels : list of str
    places : list of list of int
        Which of `held` are each level's.
    """
    missing = _missing_levels(column)
    # Rounded, so that levels of equal size do not depend on the order of customers;
    # they stand in the order in which they came, which is sorted.
    rank = np.argsort(-np.round(held / held.sum(), 12), kind="stable")
    by_size = [code for code in rank if held[code] > 0 and code not in missing]
    named = [code for code in by_size if column.levels[code] == OTHER]
    by_size = [code for code in by_size if code not in named]
    shown, pooled = by_size[:MAX_LEVELS], by_size[MAX_LEVELS:] + named
    if column.ordered:
        shown = sorted(shown)
    levels = [column.levels[code] for code in shown]
    places = [[code] for code in shown]
    if pooled:
        levels, places = [*levels, OTHER], [*places, pooled]
    if held[missing].sum() > 0:
        levels, places = [*levels, MISSING], [*places, missing]
    return levels, places


def _in_deviations(difference, sd):
    """Difference in standard deviations; 0 where all customers are alike.

    It is unknown (NaN) where the difference is, also then.
    """
    if sd == 0:
        return np.where(np.isnan(difference), np.nan, 0.0)
    return difference / sd
