"""What cleaning dropped, netted and kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np

from custseg._utils._result import Result


class RuleCount(NamedTuple):
    """One rule of cleaning and the lines it concerned."""

    rule: str
    action: str
    n_rows: int
    amount: float


@dataclass(frozen=True, eq=False, repr=False)
class CleaningReport(Result):
    """What `clean_transactions` did, rule by rule.

    `n_rows_in` is always `n_rows_out + n_rows_dropped + n_rows_netted`. A line that
    breaks several rules is counted under the first of them, in the order of the list
    in `clean_transactions`. Rules with action "kept" only count: such a line stays, or
    is a return that is counted under its own rule as well.

    Attributes
    ----------
    n_rows_in, n_rows_out : int
        Lines of the table that was given and of the table that came back.
    returns : {"net", "separate", "drop"}
        How returns were treated.
    rules : tuple of (rule, action, n_rows, amount)
        One entry a rule. `action` is "dropped", "netted" or "kept". `amount` is the
        sum of the lines' currency as given, a missing or infinite one counted as
        nothing.
    returned_amount : float or None
        Currency that returns took off purchases, at the price of the purchase. None
        unless returns were netted.
    orphan_quantity : float or None
        Units returned without an earlier purchase to take them off. None unless
        returns were netted by quantity.
    orphan_amount : float or None
        Currency of the part of returns without an earlier purchase, positive. None
        unless returns were netted.
    last_date : datetime or None
        Latest date of the table that was given that is neither missing nor impossible
        nor after the end that was given, on whatever line: returns and lines that were
        dropped count. It has no time zone and is read off the clock of the column's
        own. None if there is no such date. It is meant for `observation_period_end` of
        `summarize_transactions`, where midnight stands for the end of the day.
    rejected : same kind as the table that was given
        The lines that are not in the cleaned table, dropped and netted, with all their
        columns as given and the column `rule`. Of a lazy engine it is a query that has
        not run yet; a pickled report leaves it out.

    Examples
    --------
    >>> import pandas as pd
    >>> from custseg.tables import TransactionColumns, clean_transactions
    >>> tx = pd.DataFrame({
    ...     "customer_id": ["a", "a", None],
    ...     "date": pd.to_datetime(["2024-01-05", "2024-01-09", "2024-01-09"]),
    ...     "eur": [30.0, -10.0, 5.0],
    ... })
    >>> _, report = clean_transactions(tx, TransactionColumns(amount="eur"))
    >>> print(report)
    3 rows in, 1 row out: 1 dropped, 1 netted.
      dropped  missing_customer_id      1 row   amount      5.00
      netted   return                   1 row   amount    -10.00
    Returns took 10.00 off purchases; 0.00 had no earlier purchase.
    >>> report.positions("missing_customer_id")
    array([2])
    >>> report.last_date
    datetime.datetime(2024, 1, 9, 0, 0)
    """

    n_rows_in: int
    n_rows_out: int
    returns: str
    rules: tuple
    returned_amount: float | None = None
    orphan_quantity: float | None = None
    orphan_amount: float | None = None
    last_date: datetime | None = None
    rejected: object = field(default=None, repr=False)
    _positions: Mapping | None = field(default_factory=dict, repr=False)

    def __getstate__(self):
        """Leave out the customers' lines, which may be a query of this process."""
        return {**self.__dict__, "rejected": None}

    @property
    def n_rows_dropped(self):
        """Lines left out: int."""
        return self._count("dropped")

    @property
    def n_rows_netted(self):
        """Return lines taken off earlier purchases, wholly or in part: int."""
        return self._count("netted")

    def positions(self, rule):
        """Where the lines of a rule stand in the table that was given.

        Parameters
        ----------
        rule : str
            A name of `frame()["rule"]`.

        Returns
        -------
        ndarray of shape (n_rows,), int64
            Row positions from 0, ascending.

        Raises
        ------
        ValueError
            If there is no such rule, or the engine keeps rows in no order.
        """
        if self._positions is None:
            raise ValueError(
                "positions must be asked of a table whose rows have an order. Got one "
                "of DuckDB, Spark or Dask instead. Read the lines and their rules from "
                "rejected."
            )
        if rule not in self._positions:
            raise ValueError(
                f"rule must be one of {', '.join(map(repr, self._positions))}. Got "
                f"{rule!r} instead."
            )
        return np.array(self._positions[rule], dtype=np.int64)

    def frame(self):
        """Return the rules as a table.

        Returns
        -------
        pandas.DataFrame
            One row a rule, also where no line was concerned: rule, action, n_rows,
            amount.
        """
        import pandas as pd

        return pd.DataFrame(list(self.rules), columns=list(RuleCount._fields))

    def summary(self):
        """Return how many rows came out and what returns took off, in a sentence.

        Returns
        -------
        summary : str
        """
        return " ".join(self._sentences())

    def __str__(self):
        first, *others = self._sentences()
        rules = (
            f"  {r.action:<8} {r.rule:<22} {_rows(r.n_rows):>14}   "
            f"amount {r.amount:>15,.2f}"
            for r in self.rules
            if r.n_rows
        )
        return "\n".join([first, *rules, *others])

    def _sentences(self):
        said = [
            f"{_rows(self.n_rows_in)} in, {_rows(self.n_rows_out)} out: "
            f"{self.n_rows_dropped:,} dropped, {self.n_rows_netted:,} netted."
        ]
        if self.returned_amount is not None:
            said.append(
                f"Returns took {self.returned_amount:,.2f} off purchases; "
                f"{self.orphan_amount:,.2f} had no earlier purchase."
            )
        return said

    def _count(self, action):
        return sum(r.n_rows for r in self.rules if r.action == action)


def _rows(n):
    return f"{n:,} row{'s' * (n != 1)}"
