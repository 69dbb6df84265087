"""Orders: which column is which, dates that can be read in one way, and the join."""

import re
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd
from pandas.api import types

from custseg.cli._id_column import check_known, id_rank, name_parts
from custseg.cli._terminal import counted, listed
from custseg.cli._values import SIGN_NAMES, read_numbers
from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables import (
    TransactionColumns,
    clean_transactions,
    summarize_transactions,
)


class Purchases(NamedTuple):
    """What the orders say of each customer, and how they were read.

    Attributes
    ----------
    table : DataFrame
        One row a customer, indexed by the text of the id.
    report : CleaningReport
    form : str
        How dates were read.
    end : str
        Last day of observation.
    why : str
        Why it is that day.
    """

    table: pd.DataFrame
    report: Any
    form: str
    end: str
    why: str


class Known(NamedTuple):
    """What a model says of the orders that it was learned on.

    Attributes
    ----------
    needs_end : bool
        Whether it assigns by figures that depend on the last day of observation.
    end : str or None
        That day.
    until : str or None
        That day, if it was told and is not that of the latest order.
    date_format, returns : str or None
    columns : dict of str to str
        By role.
    """

    needs_end: bool
    end: str | None = None
    until: str | None = None
    date_format: str | None = None
    returns: str | None = None
    columns: Any = MappingProxyType({})


ROLES = (
    "customer_id",
    "date",
    "transaction_id",
    "amount",
    "quantity",
    "unit_price",
    "product",
)
MADE = (
    "recency",
    "frequency",
    "monetary_value",
    "monetary_total",
    "tenure",
    "gap_mean",
    "gap_sd",
    "n_products",
    "return_share",
)
OF_THE_END = ("recency", "tenure")
_NAMES = {
    "date": "date day invoicedate orderdate purchasedate transactiondate datetime "
    "timestamp time createdat orderedat",
    "transaction_id": "transactionid transaction invoiceid invoiceno invoicenumber "
    "invoice orderid orderno ordernumber order receiptid receipt basketid",
    "amount": "amount lineamount linetotal total totalprice value sales revenue spend "
    "turnover",
    "quantity": "quantity qty units",
    "unit_price": "unitprice price priceperunit",
    "product": "product productid stockcode sku article articleno item itemid",
}
_ISO = re.compile(r"\d{4}(?:-\d{2}-\d{2}|\d{4})(?:[T ].*)?")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_SHOWN = {"%d": "day", "%m": "month", "%Y": "year", "%y": "year"}


def find_columns(file, given, id_column=None):
    """Find the roles of order columns by their names, the given ones first.

    Parameters
    ----------
    file : TableFile
    given : dict of str to str
        Roles to columns, as the user says.
    id_column : str or None
        Customer id in the table of customers; the same name here means the same.

    Returns
    -------
    columns : TransactionColumns

    Raises
    ------
    SchemaError
        If a role or a column does not exist, or one that is needed is not found.
    """
    unknown = [role for role in given if role not in ROLES]
    if unknown:
        raise SchemaError(
            f"Roles of --transaction-columns must be among {', '.join(ROLES)}. Got "
            f"{listed(unknown)} instead."
        )
    names = list(file.frame.columns)
    check_known(given.values(), names, "--transaction-columns", file.path)
    plain = {"".join(name_parts(name)): name for name in reversed(names)}
    found = {
        role: next((plain[word] for word in words.split() if word in plain), None)
        for role, words in _NAMES.items()
    }
    found["customer_id"] = _find_customer(names, id_column)
    found = {
        role: name for role, name in found.items() if name not in given.values()
    } | given
    priced = found.get("quantity") and found.get("unit_price")
    if priced and "amount" not in given:
        found["amount"] = None
    missing = [role for role in ("customer_id", "date") if not found.get(role)]
    if not (found.get("amount") or priced):
        missing.append("amount (or quantity and unit_price)")
    if missing:
        raise SchemaError(
            f"{file.path} must have a column for {' and '.join(missing)}. Got "
            f"{listed(names, 40)} instead. Say which it is by --transaction-columns, "
            f"for example {missing[0].split()[0]}=NAME."
        )
    return TransactionColumns(**found)


def _find_customer(names, id_column):
    # A bare `id` numbers the lines of orders more often than their customers.
    ranks = {name: id_rank(name) for name in names if id_rank(name) in (0, 2)}
    same = id_column if id_column in names else None
    if same is not None and id_rank(same) != 1:
        return same
    return min(ranks, key=ranks.get, default=same)


def describe_columns(columns):
    """Say in a line which column is which."""
    named = columns.named()
    parts = [f"{role} {name}" for role, name in named.items()]
    if columns.amount is None:
        parts.append(f"amount {columns.quantity} x {columns.unit_price}")
    return ", ".join(parts)


# -- dates -------------------------------------------------------------------------


def read_dates(file, name, date_format=None, known_format=None):
    """Read dates by one form that fits all of them.

    Parameters
    ----------
    file : TableFile
    name : str
    date_format : str or None
        The form, as for `strptime`; None finds it.
    known_format : str or None
        The form of earlier orders, which is taken where several fit.

    Returns
    -------
    dates : Series of datetime
        Missing where the file has no date.
    form : str
        The form.

    Raises
    ------
    DataQualityError
        If no form fits all dates, or day-first and month-first both do.
    """
    column = file.frame[name]
    if types.is_datetime64_any_dtype(column):
        return column, "they are typed in the file"
    text = file.text(name)
    distinct = pd.Series(text.dropna().unique(), dtype=object)
    if date_format is not None:
        parsed = _parsed(distinct, date_format)
        if parsed.isna().any():
            _refuse_dates(file, name, text, distinct[parsed.isna()], date_format)
        return _spread(text, distinct, parsed), date_format
    if distinct.map(lambda one: bool(_ISO.fullmatch(one))).all():
        parsed = _parsed(distinct, "ISO8601")
        if parsed.notna().all():
            return _spread(text, distinct, parsed), "ISO 8601 (year-month-day)"
    forms = {form: _parsed(distinct, form) for form in _forms(distinct)}
    fitting = [form for form, parsed in forms.items() if parsed.notna().all()]
    if known_format in fitting:
        fitting = [known_format]
    if len(fitting) > 1:
        raise DataQualityError(
            f"Column {name!r} of {file.path} must hold dates that can be read in one "
            f"way. Got {counted(len(distinct), 'date')} that {' and '.join(fitting)} "
            f"all fit instead. Say which by --date-format {fitting[0]!r}."
        )
    if not fitting:
        best = max(forms, key=lambda form: forms[form].notna().sum(), default=None)
        wrong = distinct if best is None else distinct[forms[best].isna()]
        _refuse_dates(file, name, text, wrong, best)
    return _spread(text, distinct, forms[fitting[0]]), fitting[0]


def _forms(distinct):
    """Forms with the signs that the dates have between their figures."""
    start = distinct.iloc[0] if len(distinct) else ""
    sign = next((one for one in "/.-" if one in start.split(" ")[0]), None)
    if sign is None:
        return []
    orders = ("%d{0}%m{0}%Y", "%m{0}%d{0}%Y", "%Y{0}%m{0}%d")
    orders += ("%d{0}%m{0}%y", "%m{0}%d{0}%y")
    return [order.format(sign) + time for order in orders for time in _TIMES]


def _parsed(distinct, form):
    """Dates by a form, missing where it does not fit."""
    try:
        return pd.to_datetime(distinct, format=form, errors="coerce")
    except (ValueError, FutureWarning):  # several time zones, or no form at all
        return pd.Series(pd.NaT, index=distinct.index)


def _spread(text, distinct, parsed):
    known = pd.Series(parsed.array, index=pd.Index(distinct, dtype=object))
    return known.reindex(text.array).set_axis(text.index)


def _refuse_dates(file, name, text, wrong, form):
    rows = (text.isin(set(wrong)).to_numpy().nonzero()[0] + 1).tolist()
    known = f"the form {form}" if form else "a form that is known"
    raise DataQualityError(
        f"Column {name!r} of {file.path} must hold dates of {known} in every row. Got "
        f"{len(rows):,} of {counted(len(text), 'row')} with others instead (first in "
        f"row {rows[0]}). Mend them, leave them blank, or name the form by "
        "--date-format, for example %d.%m.%Y."
    )


# -- from orders to columns of customers -------------------------------------------


def summarize(
    file, columns, *, date_format=None, returns="net", until=None, known=None
):
    """Work out what the orders say of each customer.

    Parameters
    ----------
    file : TableFile
    columns : TransactionColumns
    date_format : str or None
    returns : {"net", "separate", "drop"}
    until : str or None
        End of observation; None takes the latest date, or the one that is known.
    known : Known or None
        What a model says of the orders that it was learned on.

    Returns
    -------
    Purchases

    Raises
    ------
    SchemaError
        If an amount is no number, or the end of observation must be told.
    DataQualityError
        If dates cannot be read, or there are no orders.
    """
    lines = file.frame.copy()
    lines[columns.customer_id] = file.text(columns.customer_id)
    lines[columns.date], form = read_dates(
        file, columns.date, date_format, known.date_format if known else None
    )
    for role in ("amount", "quantity", "unit_price"):
        name = getattr(columns, role)
        if name is not None and not types.is_numeric_dtype(lines[name]):
            lines[name] = _numbers(file, role, name)
    named = columns.named().values()
    # Cleaning adds columns of these names.
    lines = lines.drop(
        columns=[
            name
            for name in ("amount", "returned_amount")
            if name in lines and name not in named
        ]
    )
    orders, report = clean_transactions(lines, columns, returns=returns)
    if orders.empty:
        raise DataQualityError(
            f"{file.path} must have orders. Got none of {report.n_rows_in:,} rows that "
            f"may count as one instead: {_dropped(report)}. Check the columns: "
            f"{describe_columns(columns)}."
        )
    if columns.amount is None:
        columns = replace(columns, amount="amount", quantity=None, unit_price=None)
    last = orders[columns.date].max().date().isoformat()
    end, why = last, "the latest order"
    if until:
        end, why = datetime.fromisoformat(until).date().isoformat(), "--until"
    if known and known.needs_end and not until:
        _check_end(file.path, last, known)
        # The same day; of orders with times, its end if that was told.
        until, why = known.until, "the latest order, and as at fitting"
    purchases = summarize_transactions(orders, columns, observation_period_end=until)
    purchases = purchases.drop(columns=["first_date", "last_date"])
    return Purchases(purchases.set_index("customer_id"), report, form, end, why)


def _check_end(path, last, known):
    """Refuse to let the latest order of another file decide what recency means."""
    if last == known.end:
        return
    fitted = f"until {known.end}" if known.end else "until a day that it does not tell"
    raise SchemaError(
        "--until must say the last day of observation where orders end on another day "
        f"than those the model was learned on. Got orders until {last} in {path} and "
        f"{fitted} in the model instead. Pass the day up to which {path} would show "
        f"orders, for example --until {known.end or last}."
    )


def _numbers(file, role, name):
    column, n_rows = file.frame[name], counted(len(file.frame), "row")
    if column.isna().all():
        return column.astype(float)
    wrong, sign = read_numbers(column, file.decimal)
    if wrong:
        found = f"text in {len(wrong):,} of {n_rows} instead (first in row {wrong[0]})"
    else:
        found = (
            f"numbers with {SIGN_NAMES[sign]}s, which may mark thousands or decimals, "
            f"in a file of decimal {SIGN_NAMES[file.decimal]}s instead"
        )
    raise SchemaError(
        f"Column {name!r} of {file.path} must hold numbers, as it is the {role}. Got "
        f"{found}. Write 1234{file.decimal}5 without other marks, or name another "
        "column by --transaction-columns."
    )


def _dropped(report):
    return ", ".join(
        f"{rule.rule} {rule.n_rows:,}"
        for rule in report.rules
        if rule.action != "kept" and rule.n_rows
    )


def join(table, ids, purchases, paths):
    """Put what the orders say beside each customer.

    Parameters
    ----------
    table : DataFrame
        One row a customer.
    ids : Series of str
        Their ids.
    purchases : DataFrame
        Indexed by the text of the id.
    paths : (str, str)
        Files of the customers and of the orders.

    Returns
    -------
    joined : DataFrame
    said : str
        Who has orders, and whose orders have no customer.
    """
    clash = [name for name in purchases.columns if name in table.columns]
    if clash:
        raise SchemaError(
            f"{paths[0]} must have no column that is worked out from the orders. Got "
            f"{listed(clash)} instead. Rename it there."
        )
    keys, known = _keys(ids), _keys(pd.Series(purchases.index, dtype=object))
    purchases = purchases.set_axis(known.array)
    has_orders = keys.isin(purchases.index)
    if not has_orders.any():
        raise DataQualityError(
            f"Customers of {paths[0]} must have orders in {paths[1]}. Got none of "
            f"{counted(len(keys), 'customer')} with one of its {len(purchases):,} ids "
            f"instead. {_remedy(keys, known)}"
        )
    theirs = purchases.reindex(keys.array).set_axis(table.index)
    for name in ("frequency", "monetary_value", "monetary_total", "n_products"):
        if name in theirs:
            theirs[name] = theirs[name].fillna(0)
    n_strangers = len(purchases) - int(purchases.index.isin(set(keys)).sum())
    said = f"{int(has_orders.sum()):,} of {counted(len(keys), 'customer')} have orders"
    if not has_orders.all():
        said += (
            "; the others count as frequency 0 and spend 0, and medians stand in for "
            "their recency and the like"
        )
    if n_strangers:
        said += (
            f". Orders of {counted(n_strangers, 'id')} that {paths[0]} does not have "
            f"are left out"
        )
    return pd.concat([table, theirs], axis=1), f"{said}."


def _keys(ids):
    """Ids to match by: without the `.0` that a table with gaps leaves behind them."""
    known = ids.dropna()
    if len(known) and known.str.fullmatch(r"\d+\.0").all():
        return ids.str.removesuffix(".0")
    return ids


def _remedy(keys, known):
    bare = set(known.str.lstrip("0"))
    n_alike = int(keys.str.lstrip("0").isin(bare).sum())
    if n_alike:
        return (
            f"{n_alike:,} would match without zeros in front: write the ids alike in "
            "both files."
        )
    return "Check the id columns (--id, --transaction-columns customer_id=NAME)."
