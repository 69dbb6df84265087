"""The groups of columns of a summary that users choose."""

from collections.abc import Callable
from typing import NamedTuple

from custseg.tables._level_groups import category_parts, channel_parts
from custseg.tables._money_groups import (
    margin_parts,
    price_parts,
    product_parts,
    promotion_parts,
    returns_parts,
)
from custseg.tables._time_groups import (
    holiday_parts,
    hour_parts,
    recent_parts,
    regularity_parts,
    season_parts,
    trend_parts,
    weekday_parts,
)
from custseg.tables._trade_groups import wholesale_parts


class Group(NamedTuple):
    """A group of columns.

    Attributes
    ----------
    make : callable
        Makes its parts of settings, columns and period.
    needs : tuple of tuple of str
        Roles it cannot do without; one of each tuple is enough.
    numbers : tuple of str
        Roles that must hold finite numbers, if they are named.
    """

    make: Callable
    needs: tuple = ()
    numbers: tuple = ()


GROUPS = {
    "products": Group(product_parts, (("product",),)),
    "category": Group(category_parts, (("category",),)),
    "channel": Group(channel_parts, (("channel",),)),
    "weekday": Group(weekday_parts),
    "hour": Group(hour_parts),
    "season": Group(season_parts),
    "holiday": Group(holiday_parts),
    "promotion": Group(
        promotion_parts,
        (("promotion", "discount", "list_price"),),
        ("discount", "list_price", "quantity"),
    ),
    "price": Group(price_parts, (("category",), ("quantity",)), ("quantity",)),
    "margin": Group(
        margin_parts, (("unit_cost",), ("quantity",)), ("unit_cost", "quantity")
    ),
    "returns": Group(returns_parts),
    "regularity": Group(regularity_parts),
    "trend": Group(trend_parts),
    "recent": Group(recent_parts),
    "wholesale": Group(wholesale_parts, (), ("quantity",)),
}
LEVELLED = {
    "category": ("category",),
    "price": ("category",),
    "channel": ("channel",),
    "wholesale": ("contact",),
}
