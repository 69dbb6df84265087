"""Which column of a table is which: what the classes of roles have in common."""

from dataclasses import fields

from custseg.exceptions import SchemaError
from custseg.tables._open import open_table

__all__ = ["Roles", "open_with_roles"]


class Roles:
    """Names of the columns of a table, one field for each role.

    A subclass is a frozen dataclass. A field without a default of None must have a
    name; all names are text and differ. `_check` holds what else a subclass asks for.
    """

    def __post_init__(self):
        own = type(self).__name__
        for field in fields(self):
            name = getattr(self, field.name)
            required = field.default is not None
            if not isinstance(name, str) and (name is not None or required):
                raise SchemaError(
                    f"{field.name} of {own} must be the name of a column, as text. Got "
                    f"{name!r} instead. Rename the column if its name is not text."
                )
        named = self.named()
        for name in named.values():
            roles = [role for role, other in named.items() if other == name]
            if len(roles) > 1:
                raise SchemaError(
                    f"{own} must name a different column for each role. Got {name!r} "
                    f"for {' and '.join(roles)} instead. Leave out the role that the "
                    "table does not have."
                )
        self._check()

    def _check(self):
        """Raise if the roles do not go together."""

    def named(self):
        """Return the roles that have a column.

        Returns
        -------
        dict of str to str
            From the role to the name of its column, in the order of the parameters.

        Examples
        --------
        >>> from custseg.tables import TransactionColumns
        >>> TransactionColumns(amount="eur").named()
        {'customer_id': 'customer_id', 'date': 'date', 'amount': 'eur'}
        """
        names = {field.name: getattr(self, field.name) for field in fields(self)}
        return {role: name for role, name in names.items() if name is not None}


def open_with_roles(native, columns, kind, what):
    """Take a table through the border, and see that its columns are there.

    Parameters
    ----------
    native : frame
        As `open_table` takes it.
    columns : Roles
        Which column is which.
    kind : type
        What `columns` must be.
    what : str
        What to call the table in errors.

    Returns
    -------
    table : Table

    Raises
    ------
    TypeError
        If `columns` or the table is of another kind.
    SchemaError
        If a column is not there, or two have one name.
    """
    name = kind.__name__
    if not isinstance(columns, kind):
        article = "an" if name[0] in "AEIOU" else "a"
        raise TypeError(
            f"columns must be {article} {name}. Got {type(columns).__name__} instead. "
            "Say with it which column is which."
        )
    table = open_table(native, what)
    there = table.columns
    absent = [
        f"{column!r} ({role})"
        for role, column in columns.named().items()
        if column not in there
    ]
    if absent:
        raise SchemaError(
            f"{what} must have the columns that {name} names. Got a table without "
            f"{', '.join(absent)} instead; it has {', '.join(map(repr, there))}. Name "
            "the columns as they are in the table."
        )
    return table
