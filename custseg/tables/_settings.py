"""What a summary of transactions is to have, kept from month to month."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from numbers import Real

from custseg.tables._calendar import read_dayparts, read_holidays, read_seasons
from custseg.tables._groups import GROUPS, LEVELLED
from custseg.tables._lines import after_cleaning, open_transactions
from custseg.tables._parts import as_given, as_pairs
from custseg.tables._purchases import observed_period
from custseg.tables._settling import check_columns, learned_settings, numbers_of

__all__ = ["SummarySettings"]

_ONLINE = ("online", "web", "website", "webshop", "app", "mobile", "internet")
_PAIRS = ("levels", "category_prices", "holidays")


@dataclass(frozen=True)
class SummarySettings:
    """Which columns `summarize_transactions` makes, and by what measures.

    The object is frozen, can be compared and pickled, and makes the same columns of
    next month's table. What depends on the customers at hand, the levels of categories
    and channels and the usual price in a category, is taken from `levels` and
    `category_prices`, or, where these are None, from the table each time; `learned`
    fills them in once.

    Parameters
    ----------
    groups : tuple of str, default=()
        Groups of columns beside those that every summary has: "products", "category",
        "channel", "weekday", "hour", "season", "holiday", "promotion", "price",
        "margin", "returns", "regularity", "trend", "recent", "wholesale".
    recent_days : int or tuple of int, default=(90,)
        Windows of the group "recent", in days before the end.
    online : tuple of str, default=("online", "web", "website", "webshop", "app", \
            "mobile", "internet")
        Levels of the channel that are online, in any case of letters; others are
        offline.
    dayparts : "standard" or mapping of str to float, default="standard"
        At which hour each part of the day begins, as in `summarize_occasions`.
    seasons : "northern", "southern" or mapping of str to tuple of int, \
            default="northern"
        The months of each season, as in `summarize_occasions`.
    holidays : mapping of str to sequence, or None, default=None
        The days of each holiday, as in `summarize_occasions`; the group "holiday"
        needs them.
    price_tiers : tuple of two float, default=(0.8, 1.25)
        Below the first multiple of the usual price of its category a line is in the
        low tier, from the second on in the high one.
    large_line : float, default=12
        Units from which on a line is large.
    pack : float or None, default=None
        Units of a pack where `TransactionColumns.pack_size` is not given.
    currency : str, default="currency"
        What amounts are counted in, for `units`.
    unit : str, default="units"
        What quantities are counted in, for `units`.
    levels : mapping of str to tuple of str, or None, default=None
        Levels of "category", "channel" and "contact".
    category_prices : mapping of str to float, or None, default=None
        Usual price of one unit in each category, in currency.

    Raises
    ------
    ValueError
        If a group is unknown, or a measure is out of its range.

    See Also
    --------
    summarize_transactions : Makes the columns.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import (
    ...     SummarySettings, TransactionColumns, summarize_transactions)
    >>> tx = pd.DataFrame({
    ...     "customer_id": ["a", "a", "b"],
    ...     "date": pd.to_datetime(["2024-01-01", "2024-01-03", "2024-01-09"]),
    ...     "eur": [30.0, 10.0, 20.0],
    ...     "shop": ["web", "store", "store"],
    ... })
    >>> columns = TransactionColumns(amount="eur", channel="shop")
    >>> settings = SummarySettings(groups=("channel",)).learned(tx, columns)
    >>> settings.levels
    (('channel', ('store', 'web')),)
    >>> customers = summarize_transactions(tx, columns, settings=settings)
    >>> customers[["customer_id", "channel_web_spend_share", "online_order_share"]]
      customer_id  channel_web_spend_share  online_order_share
    0           a                     0.75                 0.5
    1           b                     0.00                 0.0
    """

    groups: tuple = ()
    recent_days: tuple = (90,)
    online: tuple = _ONLINE
    dayparts: object = "standard"
    seasons: object = "northern"
    holidays: object = None
    price_tiers: tuple = (0.8, 1.25)
    large_line: float = 12
    pack: float | None = None
    currency: str = "currency"
    unit: str = "units"
    levels: object = None
    category_prices: object = None

    def __post_init__(self):
        for name in ("groups", "online", "recent_days", "price_tiers"):
            value = getattr(self, name)
            alone = isinstance(value, str) or not isinstance(value, Iterable)
            object.__setattr__(self, name, (value,) if alone else tuple(value))
        for name in (*_PAIRS, "dayparts", "seasons"):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                object.__setattr__(self, name, as_pairs(value))
        self._check()

    def _check(self):
        unknown = [group for group in self.groups if group not in GROUPS]
        if unknown:
            raise ValueError(
                f"groups must be among {', '.join(map(repr, GROUPS))}. Got "
                f"{', '.join(map(repr, unknown))} instead."
            )
        for day in self.recent_days:
            if not _is_number(day) or day <= 0:
                raise ValueError(
                    "recent_days must be numbers of days above zero. Got "
                    f"{self.recent_days!r} instead."
                )
        tiers = self.price_tiers
        if (
            len(tiers) != 2
            or not all(map(_is_number, tiers))
            or not (0 < tiers[0] < tiers[1])
        ):
            raise ValueError(
                "price_tiers must be two multiples of the usual price, the lower one "
                f"first. Got {tiers!r} instead."
            )
        for name in ("large_line", "pack"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and value > 0):
                raise ValueError(
                    f"{name} must be a number of units above zero. Got {value!r} "
                    "instead."
                )
        self._check_levels()
        self._check_calendar()

    def _check_levels(self):
        levels = () if self.levels is None else self.levels
        known = [role for roles in LEVELLED.values() for role in roles]
        alone = isinstance(levels, str) or not isinstance(levels, Iterable)
        if alone or any(len(pair) != 2 or pair[0] not in known for pair in levels):
            raise ValueError(
                "levels must be a mapping of 'category', 'channel' and 'contact' to "
                f"their levels. Got {levels!r} instead. Write "
                '{"channel": ("web", "store")}.'
            )

    def _check_calendar(self):
        if "hour" in self.groups:
            read_dayparts(as_given(self.dayparts))
        if "season" in self.groups:
            read_seasons(as_given(self.seasons))
        if "holiday" in self.groups:
            if self.holidays is None:
                raise ValueError(
                    "holidays must be given for the group 'holiday'. Got None "
                    'instead. Write {"easter": ["2024-03-31", "2024-04-01"]}.'
                )
            read_holidays(as_given(self.holidays))

    def learned(self, tx, columns, *, observation_period_end=None):
        """Take levels and usual prices that are not given from a table.

        Parameters
        ----------
        tx : frame
            Transaction table, as `summarize_transactions` takes it.
        columns : TransactionColumns
            Which column is which.
        observation_period_end : str, date, datetime or pandas.Timestamp, default=None
            Until when lines count, as in `summarize_transactions`. None takes all.

        Returns
        -------
        settings : SummarySettings
            With `levels` and `category_prices` that the groups need.

        Raises
        ------
        SchemaError
            If a column is missing or has the wrong type.
        DataQualityError
            If the table holds what `clean_transactions` settles, or a column has more
            than 50 levels, or none.
        ValueError
            If the end cannot be read.
        """
        table, columns = open_transactions(tx, columns)
        columns = after_cleaning(columns, table.columns)
        check_columns(self, columns)
        numbers = numbers_of(self, columns)
        period = observed_period(
            table, columns, observation_period_end, numbers=numbers
        )
        return learned_settings(self, table, columns, period.limit)

    def units(self, names):
        """Say what columns of a summary are counted in.

        Parameters
        ----------
        names : iterable of str
            Columns of a summary.

        Returns
        -------
        dict of str to str
            From each column to its unit.

        Examples
        --------
        >>> from custseg.tables import SummarySettings
        >>> SummarySettings(currency="GBP").units(["recency", "monetary_total"])
        {'recency': 'days', 'monetary_total': 'GBP'}
        """
        return {name: _unit(name, self.currency, self.unit) for name in names}


_UNITS = (
    (
        r".*(_share|_share_.*|_depth|_cv|_index|spend_change_.*|recency_in_gaps)$",
        "share",
    ),
    (r".*_entropy$", "nats"),
    (r"spend_trend$", "{currency} per order and 30 days"),
    (r"(monetary_value|order_value_max)$", "{currency} per order"),
    (r"(monetary_total|margin_total).*$", "{currency}"),
    (r"(recency|tenure|gap_mean|gap_sd)$", "days"),
    (r"units_per_order$", "{unit} per order"),
    (r"lines_per_order$", "lines per order"),
    (r"(frequency.*|n_returned_orders)$", "orders"),
    (r"n_(.*)$", "{0}"),
    (r".*_date$", "date"),
)


def _unit(name, currency, unit):
    for pattern, words in _UNITS:
        found = re.match(pattern, name)
        if found:
            return words.format(*found.groups(), currency=currency, unit=unit)
    return ""


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)
