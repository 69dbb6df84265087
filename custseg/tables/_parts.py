"""What a group of columns of the summary needs, step by step.

A summary goes from lines to orders to customers. A group says at each step what it
adds, in expressions that every engine knows; nothing is read.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields

import narwhals as nw

from custseg.exceptions import SchemaError
from custseg.tables._open import ignores_case

__all__ = ["Parts", "joined", "of_customers", "share"]


@dataclass(frozen=True)
class Parts:
    """One group's needs, or those of several together.

    Attributes
    ----------
    roles : tuple of str
        Roles of `TransactionColumns` that its lines need.
    lines : dict of str to Expr
        Columns of a line, of its roles, `kept`, `paid`, `returned` and `when`.
    sums, least, most : tuple of str
        Columns of lines whose sum, minimum or maximum an order has, under their names.
    marks : tuple of dict of str to Expr, or callable
        Columns of an order, of these and of `order_time` and `is_order`, or a function
        that adds some; each may use what those before it made.
    totals : dict of str to (str, str)
        Columns of a customer: of which column of orders, and "sum", "min", "max",
        "mean" or "std".
    branches : tuple of (callable, tuple of str)
        Functions of lines that give further columns of customers, by `customer`, and
        the roles that these lines need. They have lines of their own, so that the
        others need not carry what only they read.
    figures : dict of str to Expr
        Columns of the summary, of the columns of a customer.
    zeros : frozenset of str
        Those of them that are 0 for a customer without lines; others are missing.
    """

    roles: tuple = ()
    lines: dict = field(default_factory=dict)
    sums: tuple = ()
    least: tuple = ()
    most: tuple = ()
    marks: tuple = ()
    totals: dict = field(default_factory=dict)
    branches: tuple[tuple[Callable, tuple], ...] = ()
    figures: dict = field(default_factory=dict)
    zeros: frozenset = frozenset()


def joined(groups):
    """Put several groups' parts together, each name once."""
    whole = Parts()
    for group in groups:
        both = {}
        for part in fields(Parts):
            mine, other = getattr(whole, part.name), getattr(group, part.name)
            if isinstance(mine, tuple) and part.name not in ("marks", "branches"):
                other = tuple(name for name in other if name not in mine)
            both[part.name] = mine | other if _has_or(mine) else mine + other
        whole = Parts(**both)
    return whole


def _has_or(value):
    return isinstance(value, dict | frozenset)


def of_customers(customers, figures):
    """Select figures of customers, in the order of their ids.

    Raises
    ------
    SchemaError
        If names that levels gave to columns differ only by the case of letters, and
        the engine cannot tell them apart.
    """
    if ignores_case(customers):
        named = {}
        for name in figures:
            named.setdefault(name.lower(), []).append(name)
        alike = [name for names in named.values() if len(names) > 1 for name in names]
        if alike:
            raise SchemaError(
                "Columns of the result must have names that differ by more than the "
                f"case of letters on {customers.implementation}. Got "
                f"{', '.join(map(repr, alike))} instead. Write levels that are one "
                "alike, and name others apart."
            )
    found = customers.select(nw.col("customer").alias("customer_id"), **figures)
    return found.sort("customer_id")


def share(part, whole):
    """Return a share, missing where there is nothing to share."""
    return nw.when(whole > 0).then(part / whole)


def positive(column):
    """Return a column with 1 where it is not above 0, to take logarithms."""
    return nw.when(column > 0).then(column).otherwise(1.0)


def x_log_x(column):
    """Return numbers times their logarithms, 0 for 0."""
    return column * positive(column).log()


def no_less_than_zero(column):
    """Take away what rounding has put below zero."""
    return nw.when(column < 0).then(0.0).otherwise(column)


def as_given(value):
    """Return a mapping where one was given."""
    if isinstance(value, tuple):
        return dict(value)
    return value


def as_pairs(mapping):
    """Return a mapping as pairs that can be frozen, the reverse of `as_given`."""
    return tuple((key, _frozen(value)) for key, value in dict(mapping).items())


def _frozen(value):
    if isinstance(value, list | tuple):
        return tuple(_frozen(one) for one in value)
    return value
