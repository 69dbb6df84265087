"""Settings of a summary held against the table at hand."""

import warnings
from dataclasses import replace

from custseg.exceptions import DataQualityError, SchemaError, SegmentWarning
from custseg.tables._groups import GROUPS, LEVELLED
from custseg.tables._level_groups import NO_LEVEL, level_sums, unseen
from custseg.tables._parts import as_pairs

__all__ = [
    "check_columns",
    "check_levels",
    "check_period",
    "learned_settings",
    "numbers_of",
]

MOST_LEVELS = 50


def check_columns(settings, columns):
    """Raise if the groups need columns that are not named."""
    named = columns.named()
    for group in settings.groups:
        for roles in GROUPS[group].needs:
            if not any(role in named for role in roles):
                raise SchemaError(
                    f"TransactionColumns must name {' or '.join(roles)} for the "
                    f"group {group!r}. Got none instead. Name the column, or leave "
                    "the group out."
                )


def numbers_of(settings, columns):
    """Return the roles of numbers that the groups need: tuple of str."""
    named = columns.named()
    wanted = [role for g in settings.groups for role in GROUPS[g].numbers]
    return tuple(role for role in dict.fromkeys(wanted) if role in named)


def check_period(settings, period):
    """Raise if hours are wanted of dates without times."""
    if period.daily and "hour" in settings.groups:
        raise DataQualityError(
            "Dates must have times of day for the group 'hour'. Got midnight in "
            "every row instead. Leave the group out."
        )


def check_levels(settings, table, columns, limit):
    """Warn of lines until the limit with a level that the settings do not have."""
    known = dict(settings.levels or ())
    roles = [role for role in _levelled(settings, columns) if role in known]
    if not roles:
        return
    levels = tuple((role, known[role]) for role in roles)
    found = table.figures(unseen, columns=columns, levels=levels, limit=limit)
    for role in roles:
        if found[role]:
            warnings.warn(
                f"Column {columns.named()[role]!r} has levels that the settings do "
                f"not have in {found[role]:,} of {found['n_rows']:,} rows. They "
                "count in the totals, and in no share of their own. Give the "
                "settings the new levels if they are to have columns.",
                SegmentWarning,
                stacklevel=3,
            )


def learned_settings(settings, table, columns, limit):
    """Take what is not given from an opened table; see `learned`.

    What comes after the microsecond `limit` is left out. The columns are those that the
    groups need.
    """
    levels = dict(settings.levels or ())
    prices = settings.category_prices
    for role in _levelled(settings, columns):
        with_prices = role == "category" and "price" in settings.groups
        if role in levels and not (with_prices and prices is None):
            continue
        sums = _summed(table, columns, role, with_prices, limit)
        levels.setdefault(role, _checked_levels(columns.named()[role], sums))
        if with_prices and prices is None:
            prices = _prices(columns.named()[role], sums)
    return replace(settings, levels=as_pairs(levels), category_prices=prices)


def _levelled(settings, columns):
    """Return the roles whose levels the groups need: list of str."""
    named = columns.named()
    wanted = [role for group in settings.groups for role in LEVELLED.get(group, ())]
    return [role for role in dict.fromkeys(wanted) if role in named]


def _summed(table, columns, role, with_prices, limit):
    """Currency and units by level; levels of a Dask frame come part by part."""
    found = {}
    plan = {"columns": columns, "role": role, "with_prices": with_prices}
    rows = table.rows(level_sums, **plan, limit=limit)
    for row in rows:
        level = row["level"]
        level = NO_LEVEL if level is None or level != level else level
        spent, units = found.get(level, (0.0, 0.0))
        found[level] = spent + float(row["spent"]), units + float(row["units"])
    return found


def _checked_levels(name, sums):
    levels = tuple(sorted(sums))
    if not levels or len(levels) > MOST_LEVELS:
        raise DataQualityError(
            f"Column {name!r} must have from 1 to {MOST_LEVELS} levels to be summed "
            f"by. Got {len(levels):,} instead. Map them to a few first, or give levels "
            "in SummarySettings."
        )
    return levels


def _prices(name, sums):
    prices = {level: s / n for level, (s, n) in sorted(sums.items()) if s > 0 and n > 0}
    if not prices:
        raise DataQualityError(
            f"Column {name!r} must have a level of which units were bought for money. "
            "Got none instead. Leave out the group 'price'."
        )
    return as_pairs(prices)
