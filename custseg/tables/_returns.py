"""Returns taken off earlier purchases, last in, first out."""

import narwhals as nw
import numpy as np

from custseg.tables._lines import missing


def net_returns(lines):
    """Take each return off the most recent earlier purchases that are left.

    Each customer (and product) is a stack. A purchase lays its measure on top, a
    return takes its measure off the top, and what a return does not find is an
    orphan. With the running sum S of the signed measures in time order:

    1. the height of the stack is L = S - min(0, running minimum of S): orphans are
       what pushes S below its earlier minimum;
    2. purchase i lies between the heights L[i-1] and L[i], and what is left of it
       in the end is what the height never fell below from then on:
       clip(min(L[i], L[i+1], ...) - L[i-1], 0, measure[i]).

    Parameters
    ----------
    lines : narwhals.DataFrame
        One row a line, with customer, date, is_return (0 or 1), measure (units or
        currency, not negative) and, where it exists, product.

    Returns
    -------
    left : ndarray of shape (n_lines,)
        What is left of the measure of a purchase; 0 for a return.
    orphan : ndarray of shape (n_lines,)
        What a return did not find; 0 for a purchase.
    """
    measure = lines["measure"].to_numpy().astype(float)
    is_return = lines["is_return"].to_numpy() == 1
    left = np.where(is_return, 0.0, measure)
    orphan = np.zeros(len(measure))
    if not is_return.any():
        return left, orphan
    ledger = _run_ledger(_stacks_with_returns(lines))
    line, size, height, lowest, debt, gross = (
        ledger[name].to_numpy().astype(float)
        for name in ("line", "measure", "height", "lowest", "debt", "gross")
    )
    line = line.astype(np.int64)
    back = ledger["is_return"].to_numpy() == 1
    first = ledger["first"].to_numpy().astype(bool)
    below = np.where(first, 0.0, np.roll(height, 1))
    debt_before = np.where(first, 0.0, np.roll(debt, 1))
    survives = np.clip(lowest - below, 0.0, size)
    left[line[~back]] = _snap(survives, size, gross)[~back]
    orphan[line[back]] = _snap(debt_before - debt, size, gross)[back]
    return left, orphan


def _stacks_with_returns(lines):
    """Lines of the stacks that a return touches, in the order of the stack."""
    lines = lines.with_row_index("line")
    if "product" not in lines.columns:
        stacks = _touched(lines, ["customer"])
    else:
        # Engines differ in what a null is among keys, so such lines go by themselves.
        none = missing(nw.col("product"), lines.schema["product"])
        named = _touched(lines.filter(~none), ["customer", "product"])
        stacks = nw.concat([named, _touched(lines.filter(none), ["customer"])])
    return stacks.sort("stack", "date", "is_return", "line")


def _touched(lines, keys):
    touched = lines.filter(nw.col("is_return").max().over(*keys) == 1)
    touched = touched.with_columns(stack=nw.col("line").min().over(*keys))
    return touched.select("stack", "line", "date", "is_return", "measure")


def _run_ledger(stacks):
    """Add the running figures within each stack."""
    signed = nw.col("measure") * (1 - 2 * nw.col("is_return"))
    runs = stacks.with_columns(signed=signed).with_columns(
        sum=nw.col("signed").cum_sum().over("stack"),
        gross=nw.col("measure").sum().over("stack"),
        first=nw.col("line").cum_count().over("stack") == 1,
    )
    runs = runs.with_columns(debt=nw.col("sum").cum_min().over("stack"))
    runs = runs.with_columns(
        debt=nw.when(nw.col("debt") < 0).then(nw.col("debt")).otherwise(0.0)
    )
    runs = runs.with_columns(height=nw.col("sum") - nw.col("debt"))
    return runs.with_columns(
        lowest=nw.col("height").cum_min(reverse=True).over("stack")
    )


def _snap(part, whole, gross):
    """Make all or nothing of a part that misses it by the rounding of the sums."""
    rounding = 1e-12 * gross
    part = np.where(part <= rounding, 0.0, part)
    return np.where(whole - part <= rounding, whole, part)
