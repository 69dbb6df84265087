"""What no row of a table may be like: counted in one reading, then refused.

A stage asks its questions with a function `ask(frame, **plan)`, which returns the rows
under fixed names, and a dict from each `Question` to where it is answered badly.
"""

from typing import NamedTuple

import narwhals as nw

from custseg.exceptions import DataQualityError
from custseg.tables._open import ROW

__all__ = ["Question", "bad_counts", "refuse_bad", "sums_of"]


class Question(NamedTuple):
    """What every row must hold.

    Attributes
    ----------
    column : str
        Where.
    constraint : str
        What it must hold.
    remedy : str
        What to do about rows without.
    """

    column: str
    constraint: str
    remedy: str


def bad_counts(questions):
    """Return where rows are bad, under the names that `refuse_bad` looks for."""
    return {f"bad_{place}_sum": bad for place, bad in enumerate(questions.values())}


def sums_of(counts):
    """Return aggregations that count where something holds."""
    return [
        holds.fill_null(False).cast(nw.Int64).sum().alias(name)
        for name, holds in counts.items()
    ]


def refuse_bad(table, figures, ask, **plan):
    """Raise for the first question that rows answer badly.

    Parameters
    ----------
    table : Table
    figures : dict
        Of `bad_counts`, and `n_rows`.
    ask : callable
        Asks the questions of a frame.
    **plan
        What else it takes.

    Raises
    ------
    DataQualityError
        With the column, the number of rows and, where rows have an order, the first.
    """
    _, questions = ask(table.frame, **plan)
    for place, (column, constraint, remedy) in enumerate(questions):
        n_bad = figures.get(f"bad_{place}")
        if n_bad:
            where = _where(table, ask, place, plan)
            raise DataQualityError(
                f"Column {column!r} must hold {constraint} in every row. Got "
                f"{n_bad:,} of {figures['n_rows']:,} rows without instead{where}. "
                f"{remedy}"
            )


def _where(table, ask, place, plan):
    """Name the first rows, where rows have an order."""
    if not table.ordered:
        return ""
    found = table.with_rows().rows(_bad_rows, ask=ask, place=place, asked=plan)
    rows = sorted(int(row[ROW]) for row in found)
    return f" (row {', '.join(map(str, rows[:5]))}{', ...' * (len(rows) > 5)})"


def _bad_rows(frame, ask, place, asked):
    rows, questions = ask(frame, **asked)
    bad = list(questions.values())[place]
    return rows.filter(bad.fill_null(False)).select(ROW).sort(ROW).head(6)
