"""Roles of columns in a small TOML file, written for a person to edit."""

import json
import tomllib

from custseg.cli._column_uses import Wishes
from custseg.cli._terminal import listed
from custseg.exceptions import SchemaError

_LISTS = ("basis", "profile", "categories", "numbers", "descriptors", "ignore")
_HEAD = """\
# Roles of columns, proposed by `custseg segment`. Move names between the lists, then:
#   custseg segment ... --roles {path} --out DIR
"""


def read_roles(path):
    """Read a file of roles.

    Parameters
    ----------
    path : str

    Returns
    -------
    wishes : Wishes

    Raises
    ------
    SchemaError
        If it is no TOML, or has other keys than those of a file of roles.
    OSError
        If there is no such file.
    """
    try:
        with open(path, "rb") as file:
            said = tomllib.load(file)
    except ValueError as error:  # no UTF-8, or no TOML
        raise SchemaError(
            f"{path} must be a TOML file of roles. Got one that cannot be read "
            f"instead ({error}). Write one with --write-roles."
        ) from error
    unknown = [key for key in said if key not in ("id", "transactions", *_LISTS)]
    if unknown:
        raise SchemaError(
            f"{path} must have the keys id, {', '.join(_LISTS)} and transactions. Got "
            f"{listed(unknown)} instead. Rename or remove them."
        )
    for key in _LISTS:
        _check(path, key, _is_names(said.get(key, [])), 'a list such as ["a", "b"]')
    _check(path, "id", isinstance(said.get("id", ""), str), 'a name, or "" for none')
    table = said.get("transactions", {})
    fits = isinstance(table, dict) and _is_names([*table.values()])
    _check(path, "transactions", fits, 'a table of lines such as date = "Day"')
    return Wishes(**said)


def _is_names(value):
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _check(path, key, fits, what):
    if not fits:
        raise SchemaError(
            f"{key} in {path} must be {what}. Got something else instead. Put names "
            "of columns in quotation marks."
        )


def roles_as_toml(path, roles, wishes, transactions=()):
    """Write roles as the text of a file.

    Parameters
    ----------
    path : str
        Where it will stand.
    roles : list of ColumnUse
    wishes : Wishes
        Its descriptors are kept.
    transactions : dict of str to str
        Columns of the orders, by role.

    Returns
    -------
    text : str
    """
    ids = [role.column for role in roles if role.use == "id"]
    parts = [
        _HEAD.format(path=path),
        '# Customer id; "" if there is none: customers are then numbered.',
        f"id = {_quoted(ids[0] if ids else '')}\n",
        "# Segments are learned on these.",
        _list("basis", roles, [role.use == "basis" for role in roles]),
        "# Described for each segment, and not learned on.",
        _list("profile", roles, [role.use == "profile" for role in roles]),
        "# Numbers that are codes of categories, wherever they are used. Text is never",
        "# a number and need not be listed.",
        _list("categories", roles, [role.kind == "codes" for role in roles]),
        "# Used for nothing.",
        _list("ignore", roles, [role.use == "none" for role in roles]),
        "# New customers are assigned by these; without this list, by the basis.",
    ]
    if wishes.descriptors is None:
        known = [role.column for role in roles if role.use in ("basis", "profile")]
        example = ", ".join(map(_quoted, known[-2:]))
        parts.append(f"# descriptors = [{example}]")
    else:
        chosen = [role.column in wishes.descriptors for role in roles]
        parts.append(_list("descriptors", roles, chosen))
    if transactions:
        lines = [f"{role} = {_quoted(name)}" for role, name in transactions.items()]
        parts += ["\n# Columns of the orders.\n[transactions]", *lines]
    return "\n".join(parts) + "\n"


def _list(key, roles, chosen):
    chosen = [role for role, is_chosen in zip(roles, chosen, strict=True) if is_chosen]
    lines = [f"  {_quoted(role.column)},  # {role.reason}" for role in chosen]
    return "\n".join([f"{key} = [", *lines, "]\n"])


def _quoted(name):
    """Write a TOML string; JSON's escapes are TOML's, but for the sign DEL."""
    return json.dumps(name, ensure_ascii=False).replace("\x7f", "\\u007f")
