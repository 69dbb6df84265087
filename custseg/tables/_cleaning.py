"""What may count as a purchase, and what was left out."""

from datetime import timedelta

import numpy as np

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables._clock import EPOCH, read_end, zone_of
from custseg.tables._ids import check_whole_ids
from custseg.tables._judgement import (
    RULES,
    STAYS,
    count_rows,
    figure_names,
    judge,
    kept_rows,
    odd_rows,
    rejected_rows,
)
from custseg.tables._lines import as_lines, open_transactions
from custseg.tables._open import ROW, ignores_case
from custseg.tables._report import CleaningReport, RuleCount
from custseg.tables._zones import in_one_zone

_RETURNS = ("net", "separate", "drop")
_DUPLICATES = ("keep", "drop")
_ZONE = "other_time_zone"
_NETTED = ("return", "partly_orphan_return")


def clean_transactions(
    tx, columns, *, returns="net", duplicates="keep", observation_period_end=None
):
    """Decide what may count as a purchase, and report what was left out.

    The table comes back with the user's column names, so that the same `columns`
    serve `summarize_transactions`. Nothing is dropped silently: the report counts
    each rule and knows the rows.

    Lines are dropped for the first rule that holds:

    - `missing_customer_id`: null, blank text, or the text that a missing value
      becomes when a column is made text ("nan", "NaN", "None", "<NA>", "NaT");
    - `missing_date`;
    - `ancient_date`: the year 1900 or earlier, which stands for no date;
    - `epoch_date`: January 1970, which is what a date of zero becomes, and what
      seconds become when they are read as milliseconds;
    - `distant_date`: 2100 or later, such as the year 9999;
    - `future_date`: after `observation_period_end`, if that is given;
    - `missing_amount`: an amount, quantity or unit price that is missing or not
      finite;
    - `negative_unit_price`: an adjustment of the books and no purchase (only when
      the amount is made of quantity and unit price);
    - `duplicate_line`: it repeats an earlier line exactly (only with
      `duplicates="drop"`).

    A line with a negative quantity or a negative amount is a return. `returns`
    says what becomes of it. Lines that repeat an earlier line exactly
    (`duplicate_line`), lines that cost nothing (`zero_amount`), lines without a
    transaction id (`missing_transaction_id`) and dates that came in another time zone
    than most (`other_time_zone`) are counted and kept: two equal lines may be two
    purchases.

    Parameters
    ----------
    tx : frame
        Transaction table, one row a line: a pandas or polars data frame (also a lazy
        one), a pyarrow table, a DuckDB relation, or a Spark or Dask data frame. It is
        not changed.
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
    duplicates : {"keep", "drop"}, default="keep"
        Whether lines that repeat an earlier line in every column stay. Drop them if
        two equal lines cannot be two purchases, as where lines are numbered.
    observation_period_end : str, date, datetime or pandas.Timestamp, default=None
        Until when customers were observed. Later lines are dropped as `future_date`
        before returns are netted. A date without a time, or a time of midnight, means
        the end of that day. None knows no future.

    Returns
    -------
    table : same kind as `tx`
        The lines that stay, all columns kept, in the order given where the engine
        orders rows (pandas, polars, pyarrow). For a lazy frame, a relation, Spark and
        Dask, it is a query that has not run yet. The amount column
        (`columns.amount`, or a new column `amount` of quantity times unit price) is
        float currency. With "net", it is what was kept of the line, the quantity
        column is reduced alike, so that quantity times unit price stays the amount,
        and a new column `returned_amount` holds the currency taken off, at the price
        of the purchase. A purchase returned in full stays with amount 0.
    report : CleaningReport
        What was dropped, netted and kept, and the latest date of `tx`, returns
        included. It is worked out at once, by one query where the engine is lazy.

    Raises
    ------
    SchemaError
        If a column is missing, occurs twice or has the wrong type; if customer ids
        are floats that are not whole numbers below 2**53; or if the table has a
        column of a name that cleaning adds.
    DataQualityError
        If the table has no rows.
    ValueError
        If `returns` or `duplicates` is none of its words, or the end is no date.
    TypeError
        If `tx` is no table of a kind named above.

    Notes
    -----
    Ids are never made floats. A float id column, which is what pandas makes of
    integers with missing values, becomes int64 once the missing ids are dropped.

    Netting looks back from the end of the table: a purchase of March returned in May
    is reduced in March. To describe the customers as they were at the end of April,
    give that as `observation_period_end`.

    DuckDB and Spark hold moments; their session's time zone says whose days they are.
    A pandas column of objects may hold dates of several zones. All are put on the
    clock of the zone that most have, which changes no moment.

    With "net" and "drop" no return line stays, so the latest date of `table` may come
    before that of `tx`, and `summarize_transactions` left to itself counts to the
    former. Give it `observation_period_end=report.last_date` to count to the latter.

    Within one moment, purchases come before returns, and a larger line is taken to be
    the later one: the order of rows does not matter. Lines without a product
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
    judged, plan, report = _judged(
        tx, columns, returns, duplicates, observation_period_end
    )
    return judged.run(kept_rows, **plan), report


def check_transactions(
    tx, columns, *, returns="net", duplicates="keep", observation_period_end=None
):
    """Report what `clean_transactions` would do, and do nothing.

    Parameters
    ----------
    tx : frame
        Transaction table, as `clean_transactions` takes it.
    columns : TransactionColumns
        Which column is which.
    returns : {"net", "separate", "drop"}, default="net"
        What would become of returns.
    duplicates : {"keep", "drop"}, default="keep"
        What would become of lines that repeat an earlier one.
    observation_period_end : str, date, datetime or pandas.Timestamp, default=None
        Until when customers were observed.

    Returns
    -------
    report : CleaningReport
        Rule by rule, how many lines it concerns and for how much; where they stand
        (`positions`), or which they are (`rejected`).

    Raises
    ------
    SchemaError, DataQualityError, ValueError, TypeError
        As `clean_transactions`.

    See Also
    --------
    clean_transactions : Does it, and gives back the same report.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import TransactionColumns, check_transactions
    >>> tx = pd.DataFrame({
    ...     "customer_id": ["a", "a", None],
    ...     "date": pd.to_datetime(["2024-01-05", "1900-01-01", "2024-01-09"]),
    ...     "eur": [30.0, 10.0, 5.0],
    ... })
    >>> report = check_transactions(tx, TransactionColumns(amount="eur"))
    >>> print(report)
    3 rows in, 1 row out: 2 dropped, 0 netted.
      dropped  missing_customer_id      1 row   amount      5.00
      dropped  ancient_date             1 row   amount     10.00
    Returns took 0.00 off purchases; 0.00 had no earlier purchase.
    """
    return _judged(tx, columns, returns, duplicates, observation_period_end)[2]


def _judged(tx, columns, returns, duplicates, end):
    """Say of each line what becomes of it.

    Returns the table with its judgements, what `kept_rows` needs besides, and the
    report.
    """
    _check_choice("returns", returns, _RETURNS)
    _check_choice("duplicates", duplicates, _DUPLICATES)
    table, columns = open_transactions(tx, columns)
    table, elsewhere = in_one_zone(table, columns.date)
    _check_no_column_is_overwritten(table, columns, returns)
    as_lines(table.frame, columns, ("transaction_id", "product", "quantity"))
    limit = None
    if end is not None:
        zone = zone_of(table.frame, columns.date)
        limit, _ = read_end(end, "observation_period_end", zone)
    plan = {"columns": columns, "names": table.columns, "returns": returns}
    judged = table.with_rows().then(
        judge, by=columns.customer_id, duplicates=duplicates, limit=limit, **plan
    )
    figures = judged.figures(count_rows, returns=returns)
    n_rows, last = figures["n_rows"], figures["last"]
    named = (figures[f"f{place}"] for place in range(len(figure_names())))
    figures = dict(zip(figure_names(), named, strict=True))
    if not n_rows:
        raise DataQualityError(
            "A transaction table must have at least one row. Got 0 rows instead. Check "
            "how it was read."
        )
    dtype = table.schema[columns.customer_id]
    check_whole_ids(columns.customer_id, dtype, figures["fraction"])
    counts = _counts(figures, columns, limit, elsewhere, returns, duplicates)
    rejected = judged.run(rejected_rows, names=table.columns)
    net = returns == "net"
    report = CleaningReport(
        n_rows_in=n_rows,
        n_rows_out=int(figures["n_out"]),
        returns=returns,
        rules=tuple(counts),
        returned_amount=float(figures["taken"]) if net else None,
        orphan_quantity=float(figures["orphan"]) if net and columns.quantity else None,
        orphan_amount=float(figures["orphan_amount"]) if net else None,
        last_date=None if last is None else EPOCH + timedelta(microseconds=int(last)),
        rejected=rejected,
        _positions=(
            _positions(judged, counts, elsewhere, returns) if judged.ordered else None
        ),
    )
    return judged, plan, report


def _check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(
            f"{name} must be one of {', '.join(map(repr, choices))}. Got {value!r} "
            "instead."
        )


def _check_no_column_is_overwritten(table, columns, returns):
    added = ["rule"]
    added += ["amount"] if columns.amount is None else []
    added += ["returned_amount"] if returns == "net" else []
    any_case = ignores_case(table.frame)
    for name in table.columns:
        if (name.lower() if any_case else name) in added:
            raise SchemaError(
                f"A transaction table must have no column {name!r} of its own, which "
                "cleaning adds. Got one instead. Clean a table once only, name the "
                "column in TransactionColumns if it is the line's currency, or rename "
                "it."
            )


def _counts(figures, columns, limit, elsewhere, returns, duplicates):
    """Return one entry a rule, in the order of the report."""
    left_out = set()
    if limit is None:
        left_out.add("future_date")
    if columns.amount is not None:
        left_out.add("negative_unit_price")
    goes = list(RULES[: RULES.index("duplicate_line")])
    goes += ["duplicate_line"] * (duplicates == "drop")
    goes += ["return"] * (returns == "drop")
    found = [(rule, "dropped") for rule in goes if rule not in left_out]
    found += [("duplicate_line", "kept")] * (duplicates == "keep")
    found += [("zero_amount", "kept")]
    found += [("missing_transaction_id", "kept")] * (columns.transaction_id is not None)
    found += [("return", "kept")] * (returns == "separate")
    if returns == "net":
        found += [(rule, "netted") for rule in _NETTED] + [("orphan_return", "dropped")]
    counts = [_count(figures, rule, action) for rule, action in found]
    if elsewhere is not None:
        counts.insert(0, RuleCount(_ZONE, "kept", len(elsewhere), 0.0))
    return counts


def _count(figures, rule, action):
    kept = "kept " if action == "kept" else ""
    return RuleCount(
        rule,
        action,
        int(figures[f"n {kept}{rule}"]),
        float(figures[f"amount {kept}{rule}"]),
    )


def _positions(judged, counts, elsewhere, returns):
    """Return where the lines of each rule stand in the table."""
    found = judged.arrays(odd_rows)
    rows = found[ROW].astype(np.int64)
    code = found["code"].astype(np.int64)
    positions = {}
    for rule, action, *_ in counts:
        if rule == _ZONE:
            positions[rule] = elsewhere
        elif action == "kept":
            here = code == STAYS
            if returns == "net":
                here |= code >= RULES.index("return")
            here &= found[rule].astype(np.int64) == 1
            positions[rule] = np.sort(rows[here])
        else:
            positions[rule] = np.sort(rows[code == RULES.index(rule)])
    return positions
