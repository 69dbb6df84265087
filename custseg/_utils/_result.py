"""`Result`: what every function that finds something returns, shown in one way."""

import datetime
import math
from dataclasses import fields, is_dataclass
from functools import cached_property
from html import escape
from numbers import Integral, Real

import numpy as np

_PROPERTIES = property | cached_property
_MOST_ROWS = 20  # of a table in a notebook


class Result:
    """Figures that a function has found: a dataclass with a table and a sentence.

    A subclass has `frame`, and `verdict` (a property, where it judges) or `summary`.
    Its public fields and properties are its figures. Fields with ``repr=False``, such
    as customers' rows, are left out of `to_dict`.
    """

    _tables = ("frame",)  # methods without arguments that return tables

    def summary(self):
        """Return the result in a sentence or two, with the figures.

        Returns
        -------
        summary : str
        """
        return self.verdict

    def to_dict(self):
        """Return all figures as plain data, which `json.dumps` takes.

        Returns
        -------
        figures : dict
            ``result``, the name of the class; ``summary``; ``frame`` and the other
            tables, as one dict per row; and all public attributes. Missing values are
            None, infinite ones text, arrays lists, dates ISO text.
        """
        tables = {name: getattr(self, name)() for name in self._tables}
        found = {"result": type(self).__name__, "summary": self.summary(), **tables}
        return plain(found | {name: getattr(self, name) for name in self._figures()})

    def _figures(self):
        """Return the names of public fields and properties."""
        shown = [field.name for field in fields(self) if field.repr]
        for kind in type(self).__mro__:
            shown += [k for k, v in vars(kind).items() if isinstance(v, _PROPERTIES)]
        return [name for name in shown if name[0] != "_" and name != "verdict"]

    def __repr__(self):
        return f"<{type(self).__name__}: {self.summary()}>"

    def _repr_html_(self):
        """Show the summary and a table in a notebook."""
        return f"<p>{escape(self.summary())}</p>\n{html_table(self._shown())}"

    def _shown(self):
        """Return the table that a reader sees first."""
        return self.frame()


def html_table(frame):
    """Return a pandas frame as HTML with its text escaped, cut after 20 rows."""
    import pandas as pd

    has_names = not isinstance(frame.index, pd.RangeIndex)
    with pd.option_context("display.max_colwidth", None):
        return frame.to_html(index=has_names, max_rows=_MOST_ROWS, border=0)


def plain(value):
    """Return a value as numbers, text, lists and dicts alone.

    Parameters
    ----------
    value : object
        A number, text, date, array, pandas object, result, named tuple, dataclass or
        collection of these. Of anything else the text is returned.

    Returns
    -------
    value : None, bool, int, float, str, list or dict
        Missing is None, and infinite "inf" or "-inf".
    """
    if isinstance(value, np.generic | np.ndarray):
        if value.dtype.kind in "mM":  # in nanoseconds they would be plain integers
            value = value.astype(f"{value.dtype.kind}8[us]")
        value = value.tolist()
    if isinstance(value, Result):
        return value.to_dict()
    if hasattr(value, "_asdict"):
        value = value._asdict()
    elif is_dataclass(value):
        value = {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    return _plain_cell(value)


def _plain_cell(value):
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        if math.isnan(number):
            return None
        return number if math.isfinite(number) else str(number)
    return _plain_pandas(value)


def _plain_pandas(value):
    """Return a frame as rows, a series as cells by index, a date as ISO text."""
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        if not isinstance(value.index, pd.RangeIndex):
            value = value.reset_index()
        columns = [plain(cells.tolist()) for _, cells in value.items()]
        names = list(map(str, value.columns))
        rows = zip(*columns, strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]
    if isinstance(value, pd.Series):
        return plain(value.to_dict())
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value)
