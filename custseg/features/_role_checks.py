"""Columns that parameters give a part: each there, and in one part only."""

from custseg.columns import check_names, quoted
from custseg.exceptions import SchemaError

__all__ = ["check_column_roles", "check_wholes"]


def check_column_roles(roles, names):
    """Refuse columns that the table does not have, or that have two parts.

    Parameters
    ----------
    roles : dict of str to sequence of str
        Columns by parameter.
    names : list of str
        Of the table.
    """
    for parameter, wanted in roles.items():
        check_names(parameter, wanted, names)
    given = [name for wanted in roles.values() for name in wanted]
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        *parameters, last = roles
        raise SchemaError(
            f"{', '.join(parameters)} and {last} must name each column once. Got "
            f"{quoted(twice)} more than once instead."
        )


def check_wholes(wholes):
    """Refuse wholes of fewer than two parts."""
    short = [name for name, parts in wholes.items() if len(parts) < 2]
    if short:
        raise SchemaError(
            "shares must give two columns or more to each whole. Got fewer for "
            f"{quoted(short)} instead. Add the rest, such as all other orders or spend."
        )
