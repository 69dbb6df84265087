"""Returns taken off earlier purchases, last in, first out."""

import narwhals as nw

from custseg.tables._ids import missing
from custseg.tables._open import ROW

__all__ = ["net_returns"]


def net_returns(lines, *, has_product):
    """Take each return off the most recent earlier purchases that are left.

    Each customer (and product) is a stack. A purchase lays its measure on top, a
    return takes its measure off the top, and what a return does not find is stray.
    With the running sum S of the signed measures in time order:

    1. the height of the stack is L = S - min(0, running minimum of S): strays are
       what pushes S below its earlier minimum;
    2. purchase i lies between the heights L[i-1] and L[i], and what is left of it
       in the end is what the height never fell below from then on:
       clip(min(L[i], L[i+1], ...) - L[i-1], 0, measure[i]).

    Parameters
    ----------
    lines : narwhals.LazyFrame
        One row a line, with customer, when, amount, return (0 or 1), measure (units or
        currency, not negative) and, where it exists, product.
    has_product : bool
        Whether products are kept apart.

    Returns
    -------
    lines : narwhals.LazyFrame
        The same, in any order, with `left`, what is left of the measure of a purchase
        (0 for a return), and `stray`, what a return did not find (0 for a purchase).
    """
    stack = ["customer"]
    if has_product:
        dtype = lines.collect_schema()["product"]
        product = nw.col("product")
        # Engines differ in what a null is among keys; "" stands for no product.
        named = nw.when(~missing(product, dtype)).then(product.cast(nw.String))
        lines = lines.with_columns(stack=named.fill_null(""))
        stack = ["customer", "stack"]
    is_return = nw.col("return") == 1
    returned = lines.filter(is_return).select(*stack).unique()
    touched = _run_ledger(lines.join(returned, on=stack, how="semi"), stack)
    others = lines.join(returned, on=stack, how="anti").with_columns(
        left=nw.col("measure"), stray=nw.lit(0.0)
    )
    return nw.concat([touched, others.select(touched.collect_schema().names())])


def _run_ledger(lines, stack):
    """Add what is left and what is stray within each stack."""
    there = lines.collect_schema().names()
    # Lines of one moment have no order in time, and rows of some engines none at all:
    # the larger is taken to be the later, whatever the engine.
    order = ["when", "return", "measure", "amount", *([ROW] if ROW in there else [])]
    # Equal lines have one order for all that follows.
    lines = lines.with_columns(one=nw.lit(1))
    place = nw.col("one").cum_sum().over(*stack, order_by=order)
    lines = lines.with_columns(place=place)
    in_time = {"order_by": "place"}
    size, back = nw.col("measure"), nw.col("return") == 1
    runs = lines.with_columns(signed=nw.when(back).then(0.0 - size).otherwise(size))
    runs = runs.with_columns(
        sum=nw.col("signed").cum_sum().over(*stack, **in_time),
        gross=nw.col("measure").sum().over(*stack),
    )
    runs = runs.with_columns(debt=nw.col("sum").cum_min().over(*stack, **in_time))
    debt = nw.when(nw.col("debt") < 0).then(nw.col("debt")).otherwise(0.0)
    runs = runs.with_columns(debt=debt)
    runs = runs.with_columns(height=nw.col("sum") - nw.col("debt"))
    runs = runs.with_columns(
        lowest=nw.col("height").cum_min(reverse=True).over(*stack, **in_time),
        below=nw.col("height").shift(1).over(*stack, **in_time),
        debt_before=nw.col("debt").shift(1).over(*stack, **in_time),
    )
    survives = nw.col("lowest") - nw.col("below").fill_null(0.0)
    survives = nw.when(survives < 0).then(0.0).otherwise(survives)
    survives = nw.when(survives > size).then(size).otherwise(survives)
    stray = nw.col("debt_before").fill_null(0.0) - nw.col("debt")
    return runs.with_columns(
        left=nw.when(back).then(0.0).otherwise(_snapped(survives)),
        stray=nw.when(back).then(_snapped(stray)).otherwise(0.0),
    ).select(*there, "left", "stray")


def _snapped(part):
    """Make all or nothing of a part that misses it by the rounding of the sums."""
    rounding, whole = 1e-12 * nw.col("gross"), nw.col("measure")
    part = nw.when(part <= rounding).then(0.0).otherwise(part)
    return nw.when(whole - part <= rounding).then(whole).otherwise(part)
