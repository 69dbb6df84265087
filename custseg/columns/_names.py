"""Names of columns in parameters and messages."""

from collections import Counter

import numpy as np

from custseg.exceptions import SchemaError

__all__ = ["check_names", "check_output_names", "each_once", "quoted", "refuse"]


def quoted(names, limit=5):
    """Join names for a message: `'a', 'b' and 3 more`."""
    names = list(names)
    text = ", ".join(repr(str(name)) for name in names[:limit])
    return text if len(names) <= limit else f"{text} and {len(names) - limit} more"


def refuse(what, must, got, wrong, remedy, error=SchemaError):
    """Raise an error that counts rows and names the first of them.

    Parameters
    ----------
    what : str
        Subject of the sentence, such as ``"Column 'age'"``.
    must : str
        The constraint.
    got : str
        What stands in the rows instead.
    wrong : ndarray of bool, shape (n_customers,)
        The rows.
    remedy : str
    error : type, default=SchemaError
    """
    rows = np.flatnonzero(wrong)
    raise error(
        f"{what} must {must}. Got {got} in {len(rows)} of {len(wrong)} rows instead "
        f"(first: row {rows[0]}). {remedy}"
    )


def repeated(names):
    """Return the names that occur more than once, in their order."""
    return [name for name, count in Counter(names).items() if count > 1]


def each_once(parameter, names):
    """Refuse a parameter that names a column twice, or a text in place of names.

    Returns
    -------
    list
        The names.
    """
    if isinstance(names, str):
        raise SchemaError(
            f"{parameter} must be a sequence of column names. Got the text {names!r} "
            f"instead. Write {parameter}=[{names!r}]."
        )
    names = list(names)
    twice = repeated(names)
    if twice:
        raise SchemaError(
            f"{parameter} must name each column once. Got {quoted(twice)} more often "
            "instead. Leave out the repetitions."
        )
    return names


def check_names(parameter, wanted, names, what="columns", remedy=""):
    """Refuse a parameter that names columns which the table does not have."""
    names = list(names)
    known = set(names)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise SchemaError(
            f"{parameter} must name {what} of the table. Got {quoted(unknown)} "
            f"instead. There are {quoted(names, limit=12) or 'none'}."
            + f" {remedy}"
            * bool(remedy)
        )


def check_output_names(names):
    """Refuse outputs of one name, as of columns `gender` and `gender=f`."""
    twice = sorted(repeated(names))
    if twice:
        raise SchemaError(
            f"Output columns must have names of their own. Got {quoted(twice)} more "
            "than once instead. Rename the column that has that name already."
        )
