"""What may count as a purchase, and what was left out."""

from datetime import timedelta
from typing import NamedTuple

import narwhals as nw
import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._lines import (
    EPOCH,
    as_lines,
    impossible_date,
    missing,
    not_finite,
    number_columns,
    open_table,
    settle_ids,
    zone_of,
)
from custseg.tables._report import CleaningReport, RuleCount
from custseg.tables._returns import net_returns

_RETURNS = ("net", "separate", "drop")


def clean_transactions(tx, columns, *, returns="net"):
    """Decide what may count as a purchase, and report what was left out.

    The table comes back with the user's column names, so that the same `columns`
    serve `summarize_transactions`. Nothing is dropped silently: the report counts
    each rule and knows the rows.

    Lines are dropped for the first rule that holds:

    - `missing_customer_id`: null, blank text, or the text that a missing value
      becomes when a column is made text ("nan", "NaN", "None", "<NA>", "NaT");
    - `missing_date`;
    - `impossible_date`: the year 1900 or earlier, 2100 or later, or the day
      1970-01-01 (which is what a date of zero becomes);
    - `missing_amount`: an amount, quantity or unit price that is missing or not
      finite;
    - `negative_unit_price`: an adjustment of the books and no purchase (only when
      the amount is made of quantity and unit price).

    A line with a negative quantity or a negative amount is a return. `returns`
    says what becomes of it. Lines that repeat an earlier line exactly
    (`duplicate_line`), lines that cost nothing (`zero_amount`) and lines without a
    transaction id (`missing_transaction_id`) are counted and kept: two equal lines
    may be two purchases.

    Parameters
    ----------
    tx : pandas.DataFrame or polars.DataFrame
        Transaction table, one row a line. It is not changed.
    columns : TransactionColumns
        Which column is which.
    returns : {"net", "separate", "drop"}, default="net"
        - "net": each return is taken off the same customer's (and product's, where
          there is a product column) most recent earlier purchases, last in, first
          out, by quantity (by amount where there is no quantity), and its line is
          removed. What finds no earlier purchase is an orphan: it is removed and
          counted.
        - "separate": returns stay as lines with a negative amount.
        - "drop": returns are removed and counted.

    Returns
    -------
    table : same kind as `tx`
        The lines that stay, in the order given, all columns kept. The amount column
        (`columns.amount`, or a new column `amount` of quantity times unit price) is
        float currency. With "net", it is what was kept of the line, the quantity
        column is reduced alike, so that quantity times unit price stays the amount,
        and a new column `returned_amount` holds the currency taken off, at the price
        of the purchase. A purchase returned in full stays with amount 0.
    report : CleaningReport
        What was dropped, netted and kept, and the latest date of `tx`, returns
        included.

    Raises
    ------
    SchemaError
        If a column is missing, occurs twice or has the wrong type; if customer ids
        are floats that are not whole numbers below 2**53; or if the table has a
        column of a name that cleaning adds.
    DataQualityError
        If the table has no rows.
    ValueError
        If `returns` is none of the three words.

    Notes
    -----
    Ids are never made floats. A float id column, which is what pandas makes of
    integers with missing values, becomes int64 once the missing ids are dropped.

    Netting looks back from the end of the table: a purchase of March returned in May
    is reduced in March. To describe the customers as they were at the end of April,
    cut the table there before cleaning it.

    With "net" and "drop" no return line stays, so the latest date of `table` may come
    before that of `tx`, and `summarize_transactions` left to itself counts to the
    former. Give it `observation_period_end=report.last_date` to count to the latter.

    Within one time stamp, purchases come before returns. Lines without a product
    are one product. A return with no quantity but an amount, such as a credit note,
    takes nothing off when netting goes by quantity, and is an orphan.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import TransactionColumns, clean_transactions
    >>> tx = pd.DataFrame({
    ...     "customer_id": [7, 7, 7],
    ...     "date": pd.to_datetime(["2024-01-05", "2024-01-07", "2024-01-09"]),
    ...     "product": ["tea", "tea", "tea"],
    ...     "quantity": [4, 2, -3],
    ...     "price": [2.0, 2.5, 2.5],
    ... })
    >>> columns = TransactionColumns(
    ...     quantity="quantity", unit_price="price", product="product")
    >>> table, report = clean_transactions(tx, columns)
    >>> table[["date", "quantity", "price", "amount", "returned_amount"]]
            date  quantity  price  amount  returned_amount
    0 2024-01-05         3    2.0     6.0              2.0
    1 2024-01-07         0    2.5     0.0              5.0
    >>> report.n_rows_netted
    1
    >>> report.last_date
    datetime.datetime(2024, 1, 9, 0, 0)
    """
    if returns not in _RETURNS:
        raise ValueError(
            f"returns must be one of {', '.join(map(repr, _RETURNS))}. Got {returns!r} "
            "instead."
        )
    frame, give_back = open_table(tx, columns)
    if frame.is_empty():
        raise DataQualityError(
            "A transaction table must have at least one row. Got 0 rows instead. Check "
            "how it was read."
        )
    _check_no_column_is_overwritten(frame, columns, returns)
    lines = as_lines(frame, columns, number_columns(columns))
    found = _Findings(lines["amount"].to_numpy().astype(float), _last_date(lines))
    good = _drop_lines(found, lines, frame, columns, returns)
    settled = _settle_returns(found, good, frame, columns, returns)
    table = _build_table(frame, columns, settled)
    return give_back(table), found.report(len(lines), len(table), returns, settled)


class _Settled(NamedTuple):
    """What stays: rows of the input and their figures."""

    row: np.ndarray
    amount: np.ndarray
    customer: nw.Series
    quantity: np.ndarray | None = None
    returned_amount: np.ndarray | None = None
    orphan_quantity: float | None = None
    orphan_amount: float | None = None


class _Findings:
    """Rules and the lines they concern, in the order they were looked at."""

    def __init__(self, amount, last_date):
        self.amount = np.where(np.isfinite(amount), amount, 0.0)
        self.last_date = last_date
        self.actions = {}
        self.positions = {}

    def note(self, rule, action, rows):
        self.actions[rule] = action
        self.positions[rule] = np.sort(rows)

    def report(self, n_rows_in, n_rows_out, returns, settled):
        taken_off = settled.returned_amount
        return CleaningReport(
            n_rows_in=n_rows_in,
            n_rows_out=n_rows_out,
            returns=returns,
            rules=tuple(
                RuleCount(rule, action, len(rows), float(self.amount[rows].sum()))
                for (rule, action), rows in zip(
                    self.actions.items(), self.positions.values(), strict=True
                )
            ),
            returned_amount=None if taken_off is None else float(taken_off.sum()),
            orphan_quantity=settled.orphan_quantity,
            orphan_amount=settled.orphan_amount,
            last_date=self.last_date,
            _positions=self.positions,
        )


def _check_no_column_is_overwritten(frame, columns, returns):
    added = ["amount"] if columns.amount is None else []
    added += ["returned_amount"] if returns == "net" else []
    for name in added:
        if name in frame.columns:
            raise SchemaError(
                f"A transaction table must have no column {name!r} of its own, which "
                "cleaning adds. Got one instead. Clean a table once only, name the "
                "column in TransactionColumns if it is the line's currency, or rename "
                "it."
            )


def _last_date(lines):
    """Latest date that is one, whatever else its line is; None without any."""
    no_date = nw.col("date").is_null() | impossible_date(zone_of(lines, "date"))
    when = lines.filter(~no_date)["when"]
    return EPOCH + timedelta(microseconds=int(when.max())) if len(when) else None


def _drop_lines(found, lines, frame, columns, returns):
    """Note and drop what is no purchase; note what is odd and kept."""
    is_return = nw.col("amount") < 0
    if columns.quantity is not None:
        is_return = is_return | (nw.col("quantity") < 0)
    rules = _drop_rules(lines, columns)
    if returns == "drop":
        rules["return"] = is_return.fill_null(False)
    answers = lines.select(**rules)
    holds = np.column_stack([answers[rule].to_numpy().astype(bool) for rule in rules])
    dropped = holds.any(axis=1)
    reason = np.where(dropped, holds.argmax(axis=1), -1)
    for number, rule in enumerate(rules):
        found.note(rule, "dropped", np.flatnonzero(reason == number))
    good = nw.maybe_reset_index(lines[np.flatnonzero(~dropped)])
    rows = good["row"].to_numpy()
    found.note("duplicate_line", "kept", rows[_repeats(frame, columns, rows)])
    found.note(
        "zero_amount", "kept", rows[(good["amount"] == 0).to_numpy().astype(bool)]
    )
    if columns.transaction_id is not None:
        absent = good.select(
            absent=missing(nw.col("transaction"), good.schema["transaction"])
        )["absent"]
        found.note(
            "missing_transaction_id", "kept", rows[absent.to_numpy().astype(bool)]
        )
    return good.with_columns(is_return=is_return.cast(nw.Int8))


def _drop_rules(lines, columns):
    schema = lines.schema
    broken = not_finite(nw.col("amount"))
    for part in number_columns(columns):
        broken = broken | not_finite(nw.col(part))
    rules = {
        "missing_customer_id": missing(nw.col("customer"), schema["customer"]),
        "missing_date": nw.col("date").is_null(),
        "impossible_date": impossible_date(zone_of(lines, "date")),
        "missing_amount": broken,
    }
    if columns.amount is None:
        rules["negative_unit_price"] = (nw.col("unit_price") < 0).fill_null(False)
    return rules


def _repeats(frame, columns, rows):
    """Which of the rows repeat an earlier one of them in every column.

    Columns of objects or lists count only where `columns` names them, because they
    need not be comparable.
    """
    named = set(columns.named().values())
    compared = [
        i
        for i, (name, dtype) in enumerate(frame.schema.items())
        if name in named or not (dtype.is_nested() or isinstance(dtype, nw.Object))
    ]
    # By position, because a name in pandas need not be text.
    kept = frame[rows, compared]
    kept = kept.rename({name: f"column {i}" for i, name in enumerate(kept.columns)})
    firsts = kept.with_row_index("line").unique(
        subset=kept.columns, keep="first", maintain_order=False
    )["line"]
    repeats = np.ones(len(rows), dtype=bool)
    repeats[firsts.to_numpy()] = False
    return repeats


def _settle_returns(found, good, frame, columns, returns):
    row = good["row"].to_numpy().astype(np.int64)
    amount = good["amount"].to_numpy().astype(float)
    back = good["is_return"].to_numpy() == 1
    ids = settle_ids(good["customer"], columns.customer_id)
    if returns == "net":
        return _net(found, good, row, amount, back, ids, columns)
    if returns == "separate":
        found.note("return", "kept", row[back])
        amount = np.where(back, -np.abs(amount), amount) + 0.0
    return _Settled(row, amount, ids)


def _net(found, good, row, amount, back, ids, columns):
    """Take returns off purchases and scale what is left of their amounts."""
    by = "amount" if columns.quantity is None else "quantity"
    left, orphan = net_returns(
        good.with_columns(customer=ids, measure=nw.col(by).abs())
    )
    measure = np.abs(good[by].to_numpy().astype(float))
    sized = measure > 0
    share = np.divide(left, measure, out=np.ones_like(left), where=sized)
    astray = np.divide(orphan, measure, out=np.ones_like(left), where=sized)[back]
    for rule, action, hit in (
        ("return", "netted", astray == 0),
        ("partly_orphan_return", "netted", (astray > 0) & (astray < 1)),
        ("orphan_return", "dropped", astray == 1),
    ):
        found.note(rule, action, row[back][hit])
    stays = ~back
    kept = amount[stays] * share[stays]
    has_quantity = by == "quantity"
    return _Settled(
        row=row[stays],
        amount=kept,
        customer=ids[np.flatnonzero(stays)],
        quantity=left[stays] if has_quantity else None,
        returned_amount=amount[stays] - kept,
        orphan_quantity=float(orphan.sum()) if has_quantity else None,
        orphan_amount=float(np.sum(astray * np.abs(amount[back]))),
    )


def _build_table(frame, columns, settled):
    table = nw.maybe_reset_index(frame[settled.row])
    backend = frame.implementation
    new = {columns.amount or "amount": settled.amount}
    if settled.returned_amount is not None:
        new["returned_amount"] = settled.returned_amount
    series = [
        nw.new_series(name, v, nw.Float64, backend=backend) for name, v in new.items()
    ]
    if settled.quantity is not None:
        series.append(_reduced(table[columns.quantity], settled.quantity))
    if settled.customer.dtype != frame.schema[columns.customer_id]:
        ids = settled.customer.alias(columns.customer_id)
        series.append(nw.maybe_reset_index(ids))
    return table.with_columns(*series)


def _reduced(quantity, left):
    """Write what is left over the quantities; integers keep their type."""
    if not quantity.dtype.is_integer():
        return nw.new_series(
            quantity.name, left, nw.Float64, backend=quantity.implementation
        )
    changed = np.flatnonzero(quantity.to_numpy().astype(float) != left)
    return quantity.scatter(changed, np.rint(left[changed]).astype(np.int64))
