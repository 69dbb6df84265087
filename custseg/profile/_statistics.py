"""Means and shares of columns by segment: pure functions of arrays."""

from typing import NamedTuple

import numpy as np

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
        return [_number_item(column, codes, weights, n_segments)]
    return _level_items(_without_missing_levels(column), codes, weights, n_segments)


def _number_item(column, codes, weights, n_segments):
    known = ~np.isnan(column.values)
    n_missing = np.bincount(codes[~known], weights[~known], minlength=n_segments)
    x, codes, weights = column.values[known], codes[known], weights[known]
    value, total, sd = _moments(x, codes, weights, n_segments)
    ranks = _mid_ranks(x, weights)
    mean_rank, average, rank_sd = _moments(ranks, codes, weights, n_segments)
    return Item(
        column.name,
        "",
        column.kind,
        column.statistic,
        value,
        total,
        sd,
        _in_deviations(mean_rank - average, rank_sd),
        n_missing,
    )


def _moments(x, codes, weights, n_segments):
    """Mean in each segment, and mean and standard deviation over all."""
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


def _mid_ranks(x, weights):
    """Share of customers below each customer, and half of those that are equal."""
    distinct, place = np.unique(x, return_inverse=True)
    held = np.bincount(place, weights, minlength=len(distinct))
    return ((np.cumsum(held) - held / 2) / held.sum())[place]


def _without_missing_levels(column):
    """Read the levels "(missing)" and "" of the data as the missing values they name.

    No two levels of a column have one name then, and none has that of a number.
    """
    named = [
        code
        for code, level in enumerate(column.levels)
        if level.strip() in ("", MISSING)
    ]
    return column._replace(
        values=np.where(np.isin(column.values, named), -1, column.values)
    )


def _level_items(column, codes, weights, n_segments):
    places, levels = _shown_levels(column, weights)
    n_levels = len(levels)
    table = np.bincount(
        codes * n_levels + places, weights, minlength=n_segments * n_levels
    ).reshape(n_segments, n_levels)
    sizes = table.sum(axis=1, keepdims=True)
    shares, totals = table / sizes, table.sum(axis=0) / sizes.sum()
    absent = column.values < 0
    n_missing = np.bincount(codes[absent], weights[absent], minlength=n_segments)
    items = []
    for level, share, total in zip(levels, shares.T, totals, strict=True):
        sd = float(np.sqrt(total * (1 - total))) if n_levels > 1 else 0.0
        difference = _in_deviations(share - total, sd)
        items.append(
            Item(
                column.name,
                level,
                column.kind,
                column.statistic,
                share,
                float(total),
                sd,
                difference,
                n_missing,
            )
        )
    return items


def _shown_levels(column, weights):
    """Levels with customers, largest first if they have no order, the rest pooled.

    A level of the data that is called "(other)" itself is one of the rest.

    Returns
    -------
    places : ndarray of shape (n_customers,)
        Position of each customer's level among the shown ones.
    levels : list of str
    """
    n_levels, codes = len(column.levels), column.values
    held = np.bincount(codes[codes >= 0], weights[codes >= 0], minlength=n_levels)
    # Rounded, so that levels of equal size do not depend on the order of customers;
    # they stand in the order in which they came, which is sorted.
    rank = np.argsort(-np.round(held / weights.sum(), 12), kind="stable")
    by_size = [code for code in rank if held[code] > 0]
    named = [code for code in by_size if column.levels[code] == OTHER]
    by_size = [code for code in by_size if code not in named]
    shown, pooled = by_size[:MAX_LEVELS], by_size[MAX_LEVELS:] + named
    if column.ordered:
        shown = sorted(shown)
    levels = [column.levels[code] for code in shown]
    place_of = np.empty(n_levels + 1, dtype=np.int64)
    place_of[shown] = np.arange(len(shown))
    if pooled:
        place_of[pooled] = len(levels)
        levels.append(OTHER)
    if (codes < 0).any():
        place_of[-1] = len(levels)
        levels.append(MISSING)
    return place_of[codes], levels


def _in_deviations(difference, sd):
    """Difference in standard deviations; 0 where all customers are alike.

    It is unknown (NaN) where the difference is, also then.
    """
    if sd == 0:
        return np.where(np.isnan(difference), np.nan, 0.0)
    return difference / sd
