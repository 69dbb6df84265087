"""What each column of a customer table is for, proposed from its name and values."""

from typing import NamedTuple

from custseg.columns._facts import numbers_as_text
from custseg.columns._identifiers import is_identifier
from custseg.columns._name_words import (
    base_by_name,
    is_coded,
    is_counted,
    outcome_by_name,
    period_by_name,
)

__all__ = ["Role", "propose_roles"]

_MAX_CODES = 12
_FEWEST_ITEMS = 3
_FEWEST_TWO_LEVEL_ITEMS = 5
_LONGEST_ANSWER = 11
_TOO_RARE = "most customers with a rare one: put them together first, as in regions"
_YES = {"yes", "y", "true", "t", "agree", "ja", "oui", "si", "sí", "1"}


class Role(NamedTuple):
    """A proposal for one column.

    Attributes
    ----------
    base : str
        "" for a column to leave out.
    kind : str
    reason : str
    """

    base: str
    kind: str
    reason: str


def propose_roles(facts):
    """Propose a role for each column.

    Parameters
    ----------
    facts : list of ColumnFacts

    Returns
    -------
    list of Role
        In the order of the columns.
    """
    items = {**_items(facts), **_two_level_items(facts)}
    return [items.get(fact.name) or _role(fact) for fact in facts]


def _role(fact):
    """Propose a role for one column that is no item."""
    base, word = base_by_name(fact.words)
    useless = _useless(fact, base)
    if useless is not None:
        return useless
    outcome = outcome_by_name(fact.words, fact.n_distinct)
    if outcome is not None:
        named = f"{outcome!r} in the name" if outcome != "y" else "named 'y'"
        reason = f"{named}: an outcome, to judge segments by, not a basis"
        return Role("outcome", "outcome", reason)
    if base in (None, "id"):
        base, by_name = None, "whose name says nothing"
    else:
        by_name = f"with {word!r} in the name"
    if fact.kind in ("number", "boolean"):
        return _role_of_numbers(fact, base, by_name)
    return _role_of_levels(fact, base, by_name)


def _useless(fact, base):
    """Propose to leave out what tells customers apart not at all, or too well."""
    if fact.kind == "date" or fact.date_text or fact.days:
        written = (
            " written as text" * fact.date_text + " written as numbers" * fact.days
        )
        reason = f"dates{written}: turn them into an age, days since, or a life event"
        return Role("", "date", reason)
    if fact.kind == "other":
        return Role("", "other", "neither numbers, text nor dates")
    if fact.n_known == 0:
        return Role("", "empty", "no value at all")
    if fact.n_distinct == 1:
        return Role("", "constant", "one value for all customers")
    if fact.numeric_text and not _identifies(fact):
        reason = numbers_as_text(fact.other_rows, fact.other_texts, fact.n_known)
        return Role("", "text", reason)
    return _identifier(fact, base)


def _identifier(fact, base):
    """Propose to leave out identifiers, and text that hardly repeats itself."""
    each_its_own = fact.n_distinct == fact.n_known and fact.n_known > _MAX_CODES
    text = fact.kind not in ("number", "boolean", "ordered")
    if each_its_own and (text or (base == "id" and fact.whole)):
        return Role("id", "id", "another value for every customer: an identifier")
    if _identifies(fact):
        reason = (
            f"{fact.n_distinct} values for {fact.n_known} customers, and the name of "
            "an identifier"
        )
        return Role("id", "id", reason)
    without_gaps = fact.high - fact.low == fact.n_known - 1
    if each_its_own and fact.whole and without_gaps and base is None:
        return Role("id", "id", "the whole numbers without a gap: row numbers")
    if base == "id" and (fact.n_distinct > fact.n_known / 2 or fact.whole):
        return Role("id", "id", "the name says that it is an identifier")
    if text and fact.n_distinct > fact.n_known / 2:
        reason = f"{fact.n_distinct} levels for {fact.n_known} customers: band it first"
        return Role("", "text", reason)
    return None


def _identifies(fact):
    """Tell whether whole numbers or text have the name of an identifier."""
    readable = fact.whole or fact.kind in ("text", "mixed", "category")
    return readable and is_identifier(fact.name, fact.n_distinct, fact.n_known)


def _role_of_levels(fact, base, by_name):
    """Propose a role for text and categories."""
    if fact.kind == "ordered":
        return Role(base or "demographic", "ordered", f"ordered levels {by_name}")
    what = f"{fact.n_distinct} levels"
    if fact.common < 1 / 2:
        return Role("", "text", f"{what} {by_name}, {_TOO_RARE}")
    period = period_by_name(fact.words)
    if period and 3 <= fact.n_distinct <= period:
        by_name += f"; as numbers they would go round every {period}"
    elif base is None:
        by_name += ": taken for demography"
    return Role(base or "demographic", "nominal", f"{what} {by_name}")


def _role_of_numbers(fact, base, by_name):
    """Tell quantities from codes."""
    if fact.kind == "boolean" or (fact.low == 0 and fact.high == 1 and fact.whole):
        # Yes and no are the same as a number and as two levels, but for one column.
        return Role(base or "behavioural", "numeric", f"yes or no {by_name}")
    if fact.whole:
        role = _role_of_whole_numbers(fact, base, by_name)
        if role is not None:
            return role
    if base is None:
        reason = f"numbers {by_name}: taken for behaviour"
        return Role("behavioural", "numeric", reason)
    return Role(base, "numeric", f"numbers {by_name}")


def _role_of_whole_numbers(fact, base, by_name):
    """Find places in a round, codes, and counts; None for other numbers."""
    what = f"whole numbers {fact.low:.0f} to {fact.high:.0f}"
    period = period_by_name(fact.words)
    if period and fact.low >= 0 and 3 <= fact.n_distinct <= period >= fact.high:
        reason = f"{what} {by_name}: they go round every {period}"
        return Role("occasion", "cyclic", reason)
    coded = is_coded(fact.words)
    if coded and (fact.common < 1 / 2 or fact.n_distinct > fact.n_known / 2):
        reason = f"{fact.n_distinct} codes {by_name}, {_TOO_RARE}"
        return Role("", "codes", reason)
    if fact.falling and not coded:
        reason = f"{what}, most of them 0, and the higher the rarer: a count"
        return Role(base or "behavioural", "numeric", reason)
    few = fact.n_distinct <= _MAX_CODES and not is_counted(fact.words)
    if coded or few:
        reason = f"{what} with {fact.n_distinct} values: codes, not counts"
        return Role(base or "demographic", "nominal", reason)
    return None


def _items(facts):
    """Find items: columns of whole numbers on one short answer scale."""
    groups = {}
    for fact in facts:
        base, _ = base_by_name(fact.words)
        short = fact.whole and 3 <= fact.n_distinct <= _LONGEST_ANSWER
        if not short or fact.kind != "number" or base not in (None, "psychographic"):
            continue
        if outcome_by_name(fact.words, fact.n_distinct) or is_coded(fact.words):
            continue
        if 0 <= fact.low <= 1 and fact.high <= _LONGEST_ANSWER:
            groups.setdefault(fact.high, []).append(fact)
    roles = {}
    for high, members in groups.items():
        low = min(fact.low for fact in members)
        if len(members) >= _FEWEST_ITEMS:
            reason = f"one of {len(members)} columns answered {low:.0f} to {high:.0f}"
            for fact in members:
                roles[fact.name] = Role("psychographic", "item", reason)
    return roles


def _two_level_items(facts):
    """Find items of yes or no: columns of text with the same two levels."""
    groups = {}
    for fact in facts:
        base, _ = base_by_name(fact.words)
        outcome = outcome_by_name(fact.words, fact.n_distinct)
        if fact.levels and base in (None, "psychographic") and outcome is None:
            groups.setdefault(fact.levels, []).append(fact)
    roles = {}
    for levels, members in groups.items():
        if len(members) < _FEWEST_TWO_LEVEL_ITEMS:
            continue
        yes = next((one for one in levels if one.casefold() in _YES), levels[-1])
        reason = (
            f"one of {len(members)} columns of {levels[0]!r} or {levels[1]!r} whose "
            "names say nothing: taken for items; to make scales of them, code them as "
            f"X == {yes!r} and leave what is missing missing"
        )
        for fact in members:
            roles[fact.name] = Role("psychographic", "nominal", reason)
    return roles
