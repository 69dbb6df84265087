"""What the columns of a customer table are for, proposed from names and values."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from custseg.cli._id_column import check_known
from custseg.cli._terminal import counted
from custseg.cli._values import (
    DATE,
    NUMBER,
    SIGN_NAMES,
    is_text,
    looks_like,
    read_numbers,
)
from custseg.columns import facts_of, propose_roles
from custseg.exceptions import SchemaError

_MAX_LEVELS = 20
_MOST_MISSING = 0.5
_FEW_NEGATIVE = 0.1  # so few among others are returns, or errors


class ColumnUse(NamedTuple):
    """What a column of the table is used for.

    Attributes
    ----------
    column : str
    use : {"id", "basis", "profile", "none"}
        "basis": segments are learned on it; "profile": described for each segment
        and not learned on.
    kind : {"number", "codes", "levels", ""}
        How it is read wherever it is used: as a number, as a number that is a code of
        a category, as text or booleans; "" if it can be used for nothing.
    reason : str
    """

    column: str
    use: str
    kind: str
    reason: str


@dataclass
class Wishes:
    """What the user says of columns, by options or in a file of roles.

    Attributes
    ----------
    id : str or None
        "" if customers have none.
    basis, profile, descriptors : list of str or None
        None leaves it to the data.
    exclude : list of str
        Not in the basis.
    ignore : list of str
        Used for nothing.
    categories, numbers : list of str
        Columns to be read as one or the other.
    transactions : dict of str to str
        Roles to columns of the orders, and ``date_format``.
    """

    id: str | None = None
    basis: list | None = None
    profile: list | None = None
    descriptors: list | None = None
    exclude: list = field(default_factory=list)
    ignore: list = field(default_factory=list)
    categories: list = field(default_factory=list)
    numbers: list = field(default_factory=list)
    transactions: dict = field(default_factory=dict)


def propose(table, id_column=None, id_reason="", made=(), decimal="."):
    """Propose a use for every column, by the roles that `infer_roles` proposes.

    Parameters
    ----------
    table : DataFrame
        One row per customer.
    id_column : str or None
    id_reason : str
        Why it is the id.
    made : collection of str
        Columns worked out from orders, which are never codes.
    decimal : {".", ","}
        Decimal sign of the file.

    Returns
    -------
    uses : list of ColumnUse
        In the order of the table.
    """
    facts = facts_of(table)
    uses = []
    for fact, role in zip(facts, propose_roles(facts), strict=True):
        if fact.name == id_column:
            use = ("id", "", id_reason)
        elif fact.name in made:
            use = _of_numbers(fact, table[fact.name], "from the orders")
        else:
            use = _of_role(fact, role, table[fact.name], decimal)
        uses.append(ColumnUse(fact.name, *use))
    return uses


def _of_role(fact, role, column, decimal):
    """Return use, kind and reason of a column that is no id."""
    if fact.kind in ("text", "mixed"):
        reason = _almost_numbers(column, fact.n_known, decimal)
        if reason:
            return "none", "", reason
    numeric = fact.kind == "number"
    if role.base == "" or role.kind == "id":
        # Identifiers and rare codes may be asked for; dates and constants may not.
        kind = "number" * (role.kind in ("id", "codes"))
        return "none", kind * numeric, role.reason
    if role.kind == "numeric" and numeric and not _is_flag(fact):
        return _of_numbers(fact, column, role.reason)
    kind = "codes" if numeric else "levels"
    if fact.n_distinct > _MAX_LEVELS:
        return "none", kind, f"{fact.n_distinct} levels: too many to describe"
    reason = role.reason
    if fact.n_known < fact.n_customers:
        reason += f", {fact.n_customers - fact.n_known:,} missing"
    return "profile", kind, reason


def _is_flag(fact):
    return fact.whole and (fact.low, fact.high) == (0, 1)


def _of_numbers(fact, column, reason):
    if fact.n_distinct <= 1:
        return "none", "", "the same in every row"
    n_missing = fact.n_customers - fact.n_known
    share = n_missing / fact.n_customers
    if share > _MOST_MISSING:
        return "profile", "number", f"{reason}, {share:.0%} missing"
    if n_missing:
        reason += f", {n_missing:,} missing (count as the median)"
    n_negative = int((column < 0).sum())
    if 0 < n_negative <= _FEW_NEGATIVE * fact.n_customers:
        reason += f", {n_negative:,} negative"
    return "basis", "number", reason


def _almost_numbers(column, n_known, decimal):
    """Say what keeps text from being numbers, where half of it or more is; else ""."""
    if not is_text(column) or looks_like(column, DATE):
        return ""
    wrong, sign = read_numbers(column, decimal)
    if len(wrong) > n_known / 2 or (not wrong and sign == decimal):
        marked = n_known and looks_like(column, NUMBER)
        text = "text like numbers: write 1234.5 without marks to use it"
        return text if marked else ""
    what = "numbers" if sign == decimal else f"numbers with {SIGN_NAMES[sign]}s"
    if wrong:
        return (
            f"{what}, but for {len(wrong):,} of {n_known:,} values (first in row "
            f"{wrong[0]}), so it was read as text: mend these to use it"
        )
    return (
        f"{what}, which may mark thousands or decimals, in a file of decimal "
        f"{SIGN_NAMES[decimal]}s: write 1234{decimal}5 without other marks to use it"
    )


# -- the user's wishes -------------------------------------------------------------


def settle(roles, wishes):
    """Change proposed roles as the user wishes.

    Parameters
    ----------
    roles : list of ColumnUse
    wishes : Wishes

    Returns
    -------
    roles : list of ColumnUse

    Raises
    ------
    SchemaError
        If a wish names no column, or a column that cannot be used so.
    """
    columns = [role.column for role in roles]
    _check_wishes(wishes, columns)
    roles = [_with_kind(role, wishes) for role in roles]
    roles = [_with_use(role, wishes) for role in roles]
    wanted = [*(wishes.basis or ()), *(wishes.descriptors or ())]
    for role in roles:
        if role.column in [*wanted, *(wishes.profile or ())] and not role.kind:
            reason = "the customer id" if role.use == "id" else role.reason
            raise SchemaError(
                "The basis, the descriptors and the profile must be columns of numbers "
                f"or categories that customers share. Got {role.column!r} instead "
                f"({reason}). Leave it out."
            )
    return roles


def check_basis(roles):
    """Refuse roles without a column to segment on, with the reasons."""
    if not any(role.use == "basis" for role in roles):
        counts = Counter(role.reason for role in roles)
        reasons = "; ".join(f"{n} x {reason}" for reason, n in counts.items())
        raise SchemaError(
            "The table must have at least one column to segment on. Got "
            f"{counted(len(roles), 'column')} that {'is' if len(roles) == 1 else 'are'}"
            f" none instead ({reasons}). Name some with --columns, or with --numbers "
            "those that are no codes."
        )


def _check_wishes(wishes, columns):
    check_known(wishes.basis or (), columns, "The basis (--columns)")
    check_known(wishes.profile or (), columns, "profile")
    check_known(wishes.descriptors or (), columns, "--descriptors")
    check_known(wishes.exclude, columns, "--exclude")
    check_known(wishes.ignore, columns, "ignore")
    check_known(wishes.categories, columns, "--categories")
    check_known(wishes.numbers, columns, "--numbers")
    both = sorted({*wishes.categories} & {*wishes.numbers})
    if both:
        raise SchemaError(
            f"A column must be read as numbers or as categories. Got {both} as both "
            "instead. Take it out of --numbers or --categories."
        )


def _with_kind(role, wishes):
    """Read a column as the user says; codes asked for as the basis are numbers."""
    name = role.column
    if name in wishes.categories:
        if not role.kind:
            raise SchemaError(
                "--categories must name columns that customers share. Got "
                f"{name!r} instead ({role.reason}). Leave it out."
            )
        if role.kind == "levels":
            return role
        use = "profile" if role.use == "basis" else role.use
        return role._replace(kind="codes", use=use, reason="codes, as asked")
    if name in wishes.numbers:
        if role.kind not in ("number", "codes"):
            raise SchemaError(
                f"--numbers must name columns of numbers. Got {name!r} instead "
                f"({role.reason}). Leave it out."
            )
        use = "basis" if role.kind == "codes" else role.use
        return role._replace(kind="number", use=use, reason="numbers, as asked")
    if role.kind == "codes" and name in (wishes.basis or ()):
        return role._replace(kind="number", reason="numbers, as asked")
    return role


def _with_use(role, wishes):
    name = role.column
    if role.use == "id":
        return role
    if name in wishes.ignore:
        return role._replace(use="none", reason="as asked")
    if name in (wishes.basis or ()) and name not in wishes.exclude:
        return role._replace(use="basis")
    if wishes.profile is not None:
        if name in wishes.profile:
            return role._replace(use="profile")
        if role.use == "profile":
            role = role._replace(use="none", reason=f"not asked for; {role.reason}")
    if name in wishes.exclude and role.use == "basis":
        return role._replace(use="profile", reason=f"excluded; {role.reason}")
    if wishes.basis is not None and role.use == "basis":
        use = "profile" if wishes.profile is None else "none"
        return role._replace(use=use, reason=f"not asked for; {role.reason}")
    return role
