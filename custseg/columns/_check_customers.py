"""`check_customers`: what to know of a customer table before it is segmented."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from custseg._utils._result import Result
from custseg.columns._border import level_codes
from custseg.columns._check_columns import (
    identifier,
    impossible,
    near_constant,
    outliers,
    placeholders,
    redundant,
    written_as_text,
)
from custseg.columns._check_coverage import codes_of_ids, coverage, read_table
from custseg.columns._check_dates import dates_of, stale
from custseg.columns._core import check_names

__all__ = ["CustomerCheck", "check_customers"]

_PER_COLUMN = 100
_SEVERITIES = ("error", "warning", "note")
_OFTEN_MISSING, _MOSTLY_MISSING = 0.05, 0.5
_FACTS = ["column", "kind", "missing", "n_distinct", "top_share"]
_FACTS += ["low", "median", "high"]


class Finding(NamedTuple):
    """One thing that a check has found.

    Attributes
    ----------
    check : str
    severity : {"error", "warning", "note"}
    column : str
        "" for the table as a whole.
    customers : int
        How many it concerns.
    message : str
    """

    check: str
    severity: str
    column: str
    customers: int
    message: str


@dataclass(frozen=True, eq=False, repr=False)
class CustomerCheck(Result):
    """What `check_customers` has found: made by it, not by hand.

    Attributes
    ----------
    n_customers : int
        Rows of the table.

    See Also
    --------
    check_customers : Makes one.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.columns import check_customers
    >>> check_customers(pd.DataFrame({"age": list(range(20, 60)) * 3, "vip": 0}))
    120 customers, 2 columns
    warning: duplicates: 80 rows are the same as an earlier one in every column
    warning: constant 'vip': one value for all customers: it tells nobody apart
    warning: sample size: 120 customers for 2 columns, fewer than 100 each: use ...
    """

    _findings: list
    _columns: pd.DataFrame
    n_customers: int

    _tables = ("frame", "columns")

    @property
    def ok(self):
        """Whether there is no finding of the severity "error"."""
        return all(finding.severity != "error" for finding in self._findings)

    def frame(self):
        """Return the findings as a table.

        Returns
        -------
        DataFrame
            One row a finding, errors first: `check`, `severity` (error: settle it
            first; warning: segments may follow it; note), `column` (empty for the
            table as a whole), `customers` (how many it concerns), `share` of all
            customers and `message`.
        """
        found = pd.DataFrame(self._findings, columns=Finding._fields)
        found.insert(4, "share", found["customers"] / self.n_customers)
        order = found["severity"].map(_SEVERITIES.index)
        return found.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)

    def columns(self):
        """Return the columns as a table.

        Returns
        -------
        DataFrame
            One row a column: `column`, `kind`, `missing` (share), `n_distinct`,
            `top_share` (of the most frequent value among those known), and `low`,
            `median`, `high` of numbers.
        """
        return self._columns.copy()

    def summary(self):
        """Return how much was found, in a sentence.

        Returns
        -------
        summary : str
        """
        found = {}
        for finding in self._findings:
            found.setdefault(finding.severity, []).append(finding.check)
        said = [
            f"{len(found[one])} {one}{'s' * (len(found[one]) > 1)} "
            f"({', '.join(dict.fromkeys(found[one]))})"
            for one in _SEVERITIES
            if one in found
        ]
        return f"{self._size()}: {', '.join(said) or 'nothing found'}."

    def _size(self):
        return f"{self.n_customers} customers, {len(self._columns)} columns"

    def __repr__(self):
        """Show the findings in lines."""
        lines = [self._size()]
        for row in self.frame().itertuples():
            where = f" {row.column!r}" if row.column else ""
            lines.append(f"{row.severity}: {row.check}{where}: {row.message}")
        return "\n".join(lines if self._findings else [*lines, "nothing found"])


def check_customers(
    customers,
    *,
    customer_id=None,
    updated=None,
    as_of=None,
    max_age_days=365,
    limits=None,
    customer_base=None,
):
    """Look a customer table over before it is segmented.

    Parameters
    ----------
    customers : DataFrame
        One row a customer, pandas, polars or Arrow. It is not changed.
    customer_id : str, default=None
        Column of ids. None looks for rows that are the same in every column instead.
    updated : str, default=None
        Column of the dates at which rows were last confirmed or changed.
    as_of : str or date, default=None
        Day of the check; later dates are impossible. None takes the latest date of the
        `updated` column, never today; without that column, dates are not checked.
    max_age_days : float, default=365
        Rows updated longer ago are stale.
    limits : mapping of str to tuple (low, high), default=None
        Lowest and highest possible value of columns, either None for no limit. They
        add to what names say: ages lie in 0 to 120, latitudes in -90 to 90,
        longitudes in -180 to 180, and counts, incomes and days are not below zero.
    customer_base : int, array-like or DataFrame, default=None
        All customers that the table is meant to stand for: their number, their ids
        (`customer_id` is needed), or a table of them, with which shared columns are
        compared as well.

    Returns
    -------
    check : CustomerCheck
        `check.frame()` has a row a finding, `check.columns()` a row a column, and
        `check.ok` says whether nothing has to be settled first.

    Raises
    ------
    SchemaError
        If two columns share a name, a parameter names a column that the table does not
        have, or a cell is neither text, number, boolean, date nor missing.
    ValueError
        If the table has no rows or columns, or limits are not in order.

    See Also
    --------
    infer_roles : Which column belongs to which base.
    custseg.tables.clean_transactions : Checks and cleans transactions.

    Notes
    -----
    The checks, and when they speak:

    - `duplicates`: ids or whole rows more than once, ids missing;
    - `impossible`: values beyond limits, infinite values, dates after `as_of`;
    - `placeholder`: 99, 999, ..., -1, -9, -99, ... at the end of a column and far from
      or unlike the rest, which often stand for "not known";
    - `text`: numbers or dates written as text, with the count of what does not read
      as a number, and levels that differ in case alone;
    - `identifier`: whole numbers or text of which hardly any stands twice, in a column
      whose name is that of an identifier (account_number, client, card_no, ...);
    - `stale`: rows not updated for `max_age_days`;
    - `constant`: a value shared by 99 % of the customers or all of them;
    - `redundant`: pairs of columns whose ranks correlate above .95, or whose levels
      stand for each other one to one;
    - `outliers`: more than 5 robust standard deviations from the median (1.4826 times
      the median absolute deviation [1]_), after the signed logarithm where the column
      is skewed;
    - `missing`: columns above 5 % (note) or 50 % (warning), empty ones (error), and
      rows with more than half of their values missing;
    - `sample size`: fewer than 100 customers a column, below which k-means recovers
      known segments badly in simulations [2]_;
    - `coverage`: share of `customer_base` that is in the table (ids are compared as
      levels are: 1, 1.0 and "1" are one), more customers than it has (error), ids that
      are not in it, and columns on which the table differs from it by more than .1
      standard deviations or 5 points of a level's share.

    References
    ----------
    .. [1] Iglewicz, B. and Hoaglin, D. C. (1993). How to detect and handle outliers.
       ASQC Quality Press.
    .. [2] Dolnicar, S., Gruen, B. and Leisch, F. (2016). Increasing sample size
       compensates for data problems in segmentation studies. Journal of Business
       Research 69(2), 992-999. https://doi.org/10.1016/j.jbusres.2015.09.004

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.columns import check_customers
    >>> customers = pd.DataFrame(
    ...     {
    ...         "customer": ["a", "b", "b", "d"],
    ...         "age": [34, 41, 230, None],
    ...         "country": ["fr", "fr", "fr", "fr"],
    ...     }
    ... )
    >>> check = check_customers(customers, customer_id="customer")
    >>> check.ok
    False
    >>> check.frame()[["check", "severity", "column", "customers"]]
             check severity    column  customers
    0   duplicates    error  customer          1
    1   impossible    error       age          1
    2     constant  warning   country          4
    3  sample size  warning                    4
    4     outliers     note       age          1
    5      missing     note       age          1
    """
    columns = read_table(customers)
    names = [column.name for column in columns]
    for parameter, wanted in [
        ("customer_id", [customer_id]),
        ("updated", [updated]),
        ("limits", limits or {}),
    ]:
        check_names(parameter, [one for one in wanted if one is not None], names)
    sized = hasattr(customers, "__len__")
    n_customers = len(customers) if sized else customers.num_rows
    coded = {
        c.name: _codes(c)
        for c in columns
        if c.values is not None and c.name != customer_id
    }
    codes = {name: code for name, (code, _) in coded.items()}
    ids, own_ids = None, None
    if customer_id is not None:
        ids, own_ids = codes_of_ids(customers, names.index(customer_id))
    used = [c for c in columns if c.name in codes and c.kind != "date"]

    findings = duplicates(codes, ids, customer_id)
    for column in used:
        findings += [
            *impossible(column, (limits or {}).get(column.name)),
            *placeholders(column),
            *written_as_text(column, *coded[column.name]),
            *identifier(column, codes[column.name]),
            *near_constant(column, codes[column.name]),
            *outliers(column),
            *missing_in_column(column.name, codes[column.name]),
        ]
    findings += redundant(used, codes)
    findings += missing_in_rows(codes)
    findings += sample_size(len(used), n_customers)
    findings += stale(dates_of(columns), updated, as_of, max_age_days)
    if customer_base is not None:
        findings += coverage(used, own_ids, customer_id, n_customers, customer_base)
    found = [Finding(*finding) for finding in findings]
    return CustomerCheck(found, _facts(columns, codes, ids, customer_id), n_customers)


def _codes(column):
    """Return one whole number a distinct value, -1 where missing, and levels."""
    if column.kind in ("number", "boolean", "empty", "date"):
        return pd.factorize(column.values)[0], ()
    return level_codes(column)


def _facts(columns, codes, ids, customer_id):
    """Describe each column in a row."""
    rows = []
    for column in columns:
        code = ids if column.name == customer_id else codes.get(column.name)
        row = {"column": column.name, "kind": column.kind}
        if code is not None:
            sizes = np.bincount(code[code >= 0])
            row["missing"] = float(np.mean(code < 0))
            row["n_distinct"] = len(sizes)
            row["top_share"] = sizes.max() / sizes.sum() if len(sizes) else np.nan
        if column.kind == "number":
            known = column.values[np.isfinite(column.values)]
            if len(known):
                row["low"], row["high"] = float(known.min()), float(known.max())
                row["median"] = float(np.median(known))
        rows.append(row)
    order = [
        "column",
        "kind",
        "missing",
        "n_distinct",
        "top_share",
        "low",
        "median",
        "high",
    ]
    return pd.DataFrame(rows).reindex(columns=order)


# -- the table as a whole --------------------------------------------------------------


def duplicates(codes, ids, customer_id):
    """Find ids, or else whole rows, that stand more than once."""
    if ids is None:
        twice = int(pd.DataFrame(codes).duplicated().sum()) if codes else 0
        if not twice:
            return []
        text = f"{twice} rows are the same as an earlier one in every column"
        return [("duplicates", "warning", "", twice, text)]
    found = []
    known = ids[ids >= 0]
    twice = len(known) - len(np.unique(known))
    if twice:
        text = f"{twice} rows have the id of an earlier one: keep one row a customer"
        found.append(("duplicates", "error", customer_id, twice, text))
    nameless = int(np.count_nonzero(ids < 0))
    if nameless:
        text = f"{nameless} rows have no id"
        found.append(("duplicates", "error", customer_id, nameless, text))
    return found


def missing_in_column(name, codes):
    """Tell how much of a column is missing."""
    gaps = int(np.count_nonzero(codes < 0))
    share = gaps / len(codes)
    text = f"missing for {gaps} of {len(codes)} customers"
    if share == 1:
        return [("missing", "error", name, gaps, "no value at all: leave it out")]
    if share > _MOSTLY_MISSING:
        return [("missing", "warning", name, gaps, text)]
    return [("missing", "note", name, gaps, text)] if share > _OFTEN_MISSING else []


def missing_in_rows(codes):
    """Tell how many customers have hardly a value."""
    if len(codes) < 2:
        return []
    gaps = np.mean([code < 0 for code in codes.values()], axis=0)
    hollow = int(np.count_nonzero(gaps > _MOSTLY_MISSING))
    if not hollow:
        return []
    text = f"{hollow} customers lack more than half of the columns"
    return [("missing", "warning", "", hollow, text)]


def sample_size(n_columns, n_customers):
    """Compare customers with columns."""
    if n_customers >= _PER_COLUMN * n_columns:
        return []
    text = (
        f"{n_customers} customers for {n_columns} columns, fewer than {_PER_COLUMN} "
        "each: use fewer columns, or scores instead of items"
    )
    return [("sample size", "warning", "", n_customers, text)]
