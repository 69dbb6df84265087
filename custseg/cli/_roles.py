"""What the columns of a table are for, proposed from names and values."""

import re
from typing import NamedTuple

import pandas as pd
from pandas.api import types

from custseg.exceptions import SchemaError
from custseg.tables import TransactionColumns

_ID_NAME = re.compile(
    r"(^|[_\W])(id|ids|no|nr|number|key|uuid)$|(customer|client)$|[a-z]ID$|^id[_\W]",
    re.IGNORECASE,
)
_MAX_CODES = 10
_TRANSACTION_NAMES = {
    "customer_id": ("customerid", "customer", "clientid", "client", "custid"),
    "transaction_id": (
        "transactionid",
        "transaction",
        "invoiceno",
        "invoice",
        "invoiceid",
        "orderid",
        "order",
        "orderno",
    ),
    "date": (
        "date",
        "invoicedate",
        "orderdate",
        "transactiondate",
        "timestamp",
        "datetime",
    ),
    "amount": ("amount", "total", "value", "sales", "revenue", "spend"),
    "quantity": ("quantity", "qty", "units"),
    "unit_price": ("unitprice", "price"),
    "product": ("product", "productid", "stockcode", "sku", "article", "item"),
}


class Choice(NamedTuple):
    """A column, whether it is in the basis, and why or why not."""

    column: str
    in_basis: bool
    reason: str


def find_id(table, given=None):
    """Name of the id column: the one given, or the first that looks like ids."""
    if given is not None:
        if given not in table.columns:
            raise SchemaError(
                f"--id must be a column of the table. Got {given!r} instead. The "
                f"columns are {', '.join(map(str, table.columns))}."
            )
        return given
    for name in table.columns:
        if _looks_like_ids(name, table[name]):
            return name
    return None


def choose_columns(table, id_column=None, columns=None, exclude=()):
    """Decide for every column whether segments are learned on it.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a customer.
    id_column : str or None
    columns : list of str or None
        The basis as the user wants it; None decides by the data.
    exclude : list of str
        Columns the user does not want.

    Returns
    -------
    choices : list of Choice
        In the table's order.
    """
    unknown = [name for name in [*(columns or ()), *exclude] if name not in table]
    if unknown:
        raise SchemaError(
            "--columns and --exclude must name columns of the table. Got "
            f"{', '.join(map(repr, unknown))} instead. The columns are "
            f"{', '.join(map(str, table.columns))}."
        )
    choices = []
    for name in table.columns:
        if name in exclude:
            choice = Choice(name, False, "excluded")
        elif columns is not None:
            wanted = name in columns
            choice = Choice(name, wanted, "as asked" if wanted else "not asked for")
        elif name == id_column:
            choice = Choice(name, False, "customer id")
        else:
            choice = Choice(name, *_by_values(name, table[name]))
        choices.append(choice)
    if not any(choice.in_basis for choice in choices):
        reasons = "; ".join(f"{choice.column}: {choice.reason}" for choice in choices)
        raise SchemaError(
            "The table must have at least one column to segment on. Got none instead "
            f"({reasons}). Name some with --columns."
        )
    return choices


def transaction_columns(transactions, given):
    """Find the roles of transaction columns by their names, the given ones first."""
    unknown = [role for role in given if role not in _TRANSACTION_NAMES]
    if unknown:
        raise SchemaError(
            f"Roles must be among {', '.join(_TRANSACTION_NAMES)}. Got "
            f"{', '.join(unknown)} instead."
        )
    plain = {re.sub(r"[\W_]", "", str(c)).lower(): c for c in transactions.columns}
    found = {
        role: next((plain[name] for name in names if name in plain), None)
        for role, names in _TRANSACTION_NAMES.items()
    }
    found.update(given)
    if found["quantity"] and found["unit_price"] and "amount" not in given:
        found["amount"] = None
    missing = [role for role in ("customer_id", "date") if found[role] is None]
    if missing:
        raise SchemaError(
            f"Transactions must have a column for {' and '.join(missing)}. Got "
            f"{', '.join(map(str, transactions.columns))} instead. Say which by "
            "--transaction-columns, for example date=Day."
        )
    return TransactionColumns(**found)


def _looks_like_ids(name, column):
    if column.isna().any() or not column.is_unique:
        return False
    if types.is_float_dtype(column) or types.is_bool_dtype(column):
        return False
    if types.is_integer_dtype(column):
        consecutive = column.max() - column.min() + 1 == len(column)
        return bool(_ID_NAME.search(str(name))) or bool(consecutive)
    return True


def _by_values(name, column):
    """Whether a column may be in the basis, and why."""
    values = column.dropna()
    if values.nunique() <= 1:
        return False, "constant"
    if _ID_NAME.search(str(name)) and values.is_unique:
        return False, "ids"
    if types.is_bool_dtype(column) or not types.is_numeric_dtype(column):
        return False, "no numbers"
    if types.is_integer_dtype(column) or (values % 1 == 0).all():
        n_codes = values.nunique()
        if n_codes <= _MAX_CODES:
            return False, f"{n_codes} whole numbers, taken for codes of categories"
        if values.is_unique and values.max() - values.min() + 1 == len(values):
            return False, "numbers rows"
    return True, "numbers"


def split_kinds(table, names):
    """Split basis columns into numbers and categories."""
    numbers = [
        name
        for name in names
        if types.is_numeric_dtype(table[name]) and not types.is_bool_dtype(table[name])
    ]
    return numbers, [name for name in names if name not in numbers]


def read_csv(path):
    """Read a CSV file, its separator taken from the first line."""
    with open(path, encoding="utf-8-sig") as file:
        header = file.readline()
    if not header.strip():
        raise SchemaError(
            f"{path} must start with a line of column names. Got an empty one instead."
        )
    separator = max(",;\t|", key=header.count)
    try:
        table = pd.read_csv(path, sep=separator, encoding="utf-8-sig")
    except pd.errors.ParserError as error:
        raise SchemaError(
            f"{path} must have as many fields in each line as the first has. Got "
            f"{error} instead. Mend the line, or quote fields with separators."
        ) from error
    if table.empty:
        raise SchemaError(f"{path} must have one row a customer or order. Got none.")
    return _with_leading_zeros(table, path, separator)


def _with_leading_zeros(table, path, separator):
    """Give back the zeros that ids such as 0012 lost when they were read as numbers."""
    whole = [
        name
        for name in table.columns
        if types.is_numeric_dtype(table[name])
        and not types.is_bool_dtype(table[name])
        and (table[name].dropna() % 1 == 0).all()
    ]
    written = pd.read_csv(
        path, sep=separator, encoding="utf-8-sig", usecols=whole, dtype=str
    )
    for name in whole:
        if written[name].str.match(r"\s*0\d", na=False).any():
            table[name] = written[name]
    return table
