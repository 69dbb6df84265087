"""`infer_roles`: which column belongs to which base, proposed and reasoned."""

from dataclasses import dataclass
from typing import NamedTuple

import pandas as pd
from sklearn.base import BaseEstimator

from custseg._utils._result import Result
from custseg.features._behavioural import BehaviouralTransformer
from custseg.features._column_facts import facts_of, numbers_as_text
from custseg.features._columns import read_columns
from custseg.features._demographic import DemographicTransformer
from custseg.features._occasion import OccasionTransformer
from custseg.features._psychographic import PsychographicTransformer
from custseg.features._role_words import (
    base_by_name,
    is_coded,
    is_counted,
    is_identifier,
    outcome_by_name,
    period_by_name,
    words_of,
)

__all__ = ["CustomerRoles", "infer_roles"]

_MAX_CODES = 12
_FEWEST_ITEMS = 3
_FEWEST_TWO_LEVEL_ITEMS = 5
_LONGEST_ANSWER = 11
_TOO_RARE = "most customers with a rare one: put them together first, as in regions"
_LEFT_OUT = ("", "id", "outcome")
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


@dataclass(frozen=True, eq=False, repr=False)
class CustomerRoles(Result):
    """Which column belongs to which base, and why: what `infer_roles` proposes.

    Made by `infer_roles`, not by hand.

    See Also
    --------
    infer_roles : Makes one.
    make_customer_features : Takes the bases.

    Examples
    --------
    >>> from custseg.datasets import load_wholesale
    >>> from custseg.features import infer_roles
    >>> roles = infer_roles(load_wholesale()[["Region", "Fresh"]])
    >>> roles.bases()
    {'geographic': (DemographicTransformer(nominal=('Region',)), ['Region']),
     'behavioural': (BehaviouralTransformer(), ['Fresh'])}
    """

    _table: pd.DataFrame

    def frame(self):
        """Return the proposals as a table.

        Returns
        -------
        DataFrame
            One row a column, in the order of the customer table: `column`, `base`
            (empty for a column to leave out), `kind` (numeric, nominal, ordered,
            cyclic, item, date, id, outcome, constant, empty, text, codes), `reason`,
            `n_distinct` and `missing` (share of customers).
        """
        return self._table.copy()

    def bases(self):
        """Return the bases for `make_customer_features`.

        Returns
        -------
        dict of str to tuple (transformer, list of str)
            Behaviour has a `BehaviouralTransformer`, items a
            `PsychographicTransformer`, and all other bases a `DemographicTransformer`,
            which takes any mixed table, with codes declared as levels; items of yes or
            no in text too. Hours, weekdays and months have an `OccasionTransformer`,
            which knows that they go round. Change what you know better: the
            transformers of the other bases do more once they know which column is
            what.
        """
        found = {}
        for base, rows in self._table[self._table["base"] != ""].groupby(
            "base", sort=False
        ):
            kinds = dict(zip(rows["column"], rows["kind"], strict=True))
            found[base] = (_transformer_of(base, kinds), list(kinds))
        return found

    def summary(self):
        """Return how many columns belong to which base, in a sentence.

        Returns
        -------
        summary : str
        """
        bases = self._table["base"]
        counts = bases[bases != ""].value_counts(sort=False)
        found = ", ".join(f"{n} {base}" for base, n in counts.items())
        used = f"{counts.sum()} of {len(bases)} columns have a base"
        return f"{used}{f' ({found})' if found else ''}; the others are left out."

    def __repr__(self):
        """Show the table."""
        return self._table[["column", "base", "kind", "reason"]].to_string(index=False)


def _transformer_of(base, kinds):
    """Return a transformer that reads the columns of a base as they are."""
    codes = tuple(name for name, kind in kinds.items() if kind == "nominal")
    rounds = {
        name: period_by_name(words_of(name))
        for name, kind in kinds.items()
        if kind == "cyclic"
    }
    if rounds:
        return OccasionTransformer(cyclic=rounds, nominal=codes)
    if base == "behavioural" and not codes:
        return BehaviouralTransformer()
    if base != "psychographic":
        return DemographicTransformer(nominal=codes)
    if codes:
        return DemographicTransformer(nominal=codes, log="none")
    return PsychographicTransformer()


def infer_roles(customers):
    """Propose which base each column of a customer table belongs to, and say why.

    Parameters
    ----------
    customers : DataFrame
        One row a customer, pandas, polars or Arrow.

    Returns
    -------
    roles : CustomerRoles
        `roles.frame()` has a row a column with the reason, and
        ``make_customer_features(**roles.bases())`` goes on with it.

    Raises
    ------
    SchemaError
        If two columns share a name, or a cell is neither text, number, boolean, date
        nor missing.
    ValueError
        If the table has no rows or columns.

    See Also
    --------
    check_customers : Looks at the values.

    Notes
    -----
    It goes by names (English words in them) and by values, in this order: what has no
    value, one value or another one for every customer is left out, and so are numbers
    of accounts, cards, clients and the like with hardly a repetition; so are outcomes
    such as a churn flag, which are what segments are later judged by. Whole numbers
    whose name says that they stand for something, as postcodes and devices do, and
    those with few values and no word that they count something, are codes, and are
    proposed as levels: a region 3 is not three times a region 1. Codes most of which
    are rarer than 1 % are left out. Whole numbers from 0, which most customers have,
    and the higher the rarer, are counts. Hours, weekdays and months as whole numbers
    go round.

    Three or more columns of whole numbers on one short answer scale, with names that
    differ in a number alone or no word that says otherwise, are items, and so are five
    or more columns of text with the same two levels. It is a proposal. Read the
    reasons.

    Examples
    --------
    >>> from custseg.datasets import load_wholesale
    >>> from custseg.features import infer_roles
    >>> roles = infer_roles(load_wholesale()[["Channel", "Region", "Fresh"]])
    >>> roles.frame()[["column", "base", "kind"]]
        column          base     kind
    0  Channel  firmographic  nominal
    1   Region    geographic  nominal
    2    Fresh   behavioural  numeric
    >>> roles.frame()["reason"][1]
    'whole numbers 1 to 3 with 3 values: codes, not counts'
    """
    columns = read_columns(BaseEstimator(), customers, reset=True)
    facts = facts_of(columns, customers)
    items = {**_items(facts), **_two_level_items(facts)}
    roles = [items.get(fact.name) or _role(fact) for fact in facts]
    return CustomerRoles(
        pd.DataFrame(
            {
                "column": [fact.name for fact in facts],
                "base": ["" if r.base in _LEFT_OUT else r.base for r in roles],
                "kind": [role.kind for role in roles],
                "reason": [role.reason for role in roles],
                "n_distinct": [fact.n_distinct for fact in facts],
                "missing": [1 - fact.n_known / fact.n_customers for fact in facts],
            }
        )
    )


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
    if fact.kind == "date" or fact.date_text:
        written = " written as text" * fact.date_text
        reason = f"dates{written}: turn them into an age, days since, or a life event"
        return Role("", "date", reason)
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
    return readable and is_identifier(fact.words, fact.n_distinct, fact.n_known)


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
