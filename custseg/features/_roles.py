"""`infer_roles`: which column belongs to which base, proposed and reasoned."""

import re
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

from custseg.features._behavioural import BehaviouralTransformer
from custseg.features._columns import read_columns
from custseg.features._demographic import DemographicTransformer
from custseg.features._levels import labels, looks_like_dates, looks_numeric
from custseg.features._psychographic import PsychographicTransformer

__all__ = ["CustomerRoles", "infer_roles"]

_WORDS = {
    "id": "id rownames row index uuid guid email phone fullname firstname lastname "
    "surname address iban",
    "outcome": "churn churned response responded target outcome segment cluster label",
    "demographic": "age birth birthday birthdate born gender sex income salary wage "
    "education degree occupation job profession marital married married household "
    "children kids kidhome teenhome dependents partner family ethnicity religion "
    "language nationality senior citizen",
    "firmographic": "employees trade industry sector nace sic naics company turnover "
    "sites branches outlets founded terms credit legal firm channel",
    "geographic": "country region state city town zip zipcode postcode postal lat "
    "latitude lon lng longitude density climate urban rural tier province county "
    "district transport",
    "adoption": "device mobile app smartphone technology tech adopted adoption "
    "internet streaming digital smart",
    "occasion": "occasion daypart season holiday gift weekday weekend hour month",
    "social": "followers friends likes comments referral referrals referred community "
    "posts mentions reach engagement",
    "loyalty": "satisfaction nps promoter loyalty wallet recommend satisfied",
    "benefit": "importance benefit ranking",
    "psychographic": "attitude lifestyle personality opinion values motive",
    "behavioural": "recency frequency monetary order orders purchases purchase spend "
    "spending spent amount amounts sales visits visit returns return basket quantity "
    "total tenure gap usage minutes calls charges sessions clicks products deals mnt "
    "num count counts numberof days value revenue price discount",
}
_BASE_OF = {word: base for base, words in _WORDS.items() for word in words.split()}
# Whole numbers under these names count something or measure time.
_COUNTED = (
    "age income salary household children kids kidhome teenhome dependents employees "
    "sites branches outlets recency frequency orders purchases visits returns quantity "
    "total tenure days minutes calls sessions clicks products deals num count counts "
    "followers friends likes comments referrals posts mentions year birth hour month "
    "mnt amount amounts spend spending sales gap rank rating score"
)
_COUNTS = set(_COUNTED.split())
_MAX_CODES = 12
_FEWEST_ITEMS = 3
_LONGEST_ANSWER = 11
_LEFT_OUT = ("", "id", "outcome")


class ColumnFacts(NamedTuple):
    """What a column looks like.

    Attributes
    ----------
    name : str
    kind : str
        As `custseg.features._columns.Column` has it.
    words : list of str
        The name in lower-case words.
    n_customers, n_known, n_distinct : int
    whole : bool
        Numbers, all of them whole.
    low, high : float
        NaN where they are no numbers.
    numeric_text, date_text : bool
    """

    name: str
    kind: str
    words: list
    n_customers: int
    n_known: int
    n_distinct: int
    whole: bool
    low: float
    high: float
    numeric_text: bool = False
    date_text: bool = False


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


class CustomerRoles:
    """Which column belongs to which base, and why: what `infer_roles` proposes.

    Made by `infer_roles`, not by hand.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a column.

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

    def __init__(self, table):
        self._table = table

    def frame(self):
        """Return the proposals as a table.

        Returns
        -------
        DataFrame
            One row a column, in the order of the customer table: `column`, `base`
            (empty for a column to leave out), `kind` (numeric, nominal, ordered, item,
            date, id, outcome, constant, empty, text), `reason`, `n_distinct` and
            `missing` (share of customers).
        """
        return self._table.copy()

    def bases(self):
        """Return the bases for `make_customer_features`.

        Returns
        -------
        dict of str to tuple (transformer, list of str)
            Behaviour has a `BehaviouralTransformer`, items a
            `PsychographicTransformer`, and all other bases a `DemographicTransformer`,
            which takes any mixed table, with codes declared as levels. Change what you
            know better: the transformers of the other bases do more once they know
            which column is what.
        """
        found = {}
        for base, rows in self._table[self._table["base"] != ""].groupby(
            "base", sort=False
        ):
            columns = rows["column"].tolist()
            codes = rows["column"][rows["kind"] == "nominal"].tolist()
            if base == "psychographic" and not codes:
                transformer = PsychographicTransformer()
            elif base == "behavioural" and not codes:
                transformer = BehaviouralTransformer()
            else:
                transformer = DemographicTransformer(nominal=tuple(codes))
            found[base] = (transformer, columns)
        return found

    def __repr__(self):
        """Show the table."""
        return self._table[["column", "base", "kind", "reason"]].to_string(index=False)

    def _repr_html_(self):
        return self._table.to_html(index=False)


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
    value, one value or another one for every customer is left out; so are outcomes
    such as a churn flag, which are what segments are later judged by. Whole numbers
    with few values and no word that they count something are codes, and are proposed
    as levels: a region 3 is not three times a region 1. Three or more columns of whole
    numbers on one short answer scale, with names that differ in a number alone or no
    word that says otherwise, are items. It is a proposal. Read the reasons.

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
    facts = [_facts(column) for column in columns]
    items = _items(facts)
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


def _facts(column):
    """Look at one column."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", column.name)
    words = [word.lower() for word in words]
    whole, low, high, numeric_text, date_text = False, np.nan, np.nan, False, False
    if column.kind == "date":
        return ColumnFacts(column.name, "date", words, 1, 1, 2, False, low, high)
    n_customers = len(column.values)
    if column.kind in ("number", "boolean", "empty"):
        known = column.values[np.isfinite(column.values)]
        n_known, n_distinct = len(known), len(np.unique(known))
        if n_known:
            low, high = float(np.min(known)), float(np.max(known))
            whole = bool(np.all(known == np.round(known)))
    else:
        codes, levels = labels(column)
        n_known, n_distinct = int(np.count_nonzero(codes >= 0)), len(levels)
        if column.kind in ("text", "mixed"):
            date_text = looks_like_dates(levels)
            numeric_text = not date_text and looks_numeric(levels)
    return ColumnFacts(
        column.name,
        column.kind,
        words,
        n_customers,
        n_known,
        n_distinct,
        whole,
        low,
        high,
        numeric_text,
        date_text,
    )


def _base_by_name(fact):
    """Return the base that words of the name speak for, and the word."""
    for word in fact.words:
        if word in _BASE_OF:
            return _BASE_OF[word], word
    return None, None


def _role(fact):
    """Propose a role for one column that is no item."""
    base, word = _base_by_name(fact)
    useless = _useless(fact, base)
    if useless is not None:
        return useless
    if base == "outcome":
        reason = f"'{word}' in the name: an outcome, to judge segments by, not a basis"
        return Role("outcome", "outcome", reason)
    if base in (None, "id"):
        base, by_name = None, "whose name says nothing"
    else:
        by_name = f"with '{word}' in the name"
    if fact.kind in ("number", "boolean"):
        return _role_of_numbers(fact, base, by_name)
    kind = "ordered" if fact.kind == "ordered" else "nominal"
    what = f"{kind} levels" if kind == "ordered" else f"{fact.n_distinct} levels"
    if base is None:
        return Role("demographic", kind, f"{what} {by_name}: taken for demography")
    return Role(base, kind, f"{what} {by_name}")


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
    each_its_own = fact.n_distinct == fact.n_known and fact.n_known > _MAX_CODES
    text = fact.kind not in ("number", "boolean", "ordered")
    if fact.numeric_text:
        reason = "numbers written as text: convert them first (pandas.to_numeric)"
        return Role("", "text", reason)
    if each_its_own and (text or (base == "id" and fact.whole)):
        return Role("id", "id", "another value for every customer: an identifier")
    without_gaps = fact.high - fact.low == fact.n_known - 1
    if each_its_own and fact.whole and without_gaps and base is None:
        return Role("id", "id", "the whole numbers without a gap: row numbers")
    if base == "id" and (fact.n_distinct > fact.n_known / 2 or fact.whole):
        return Role("id", "id", "the name says that it is an identifier")
    if text and fact.n_distinct > fact.n_known / 2:
        reason = f"{fact.n_distinct} levels for {fact.n_known} customers: band it first"
        return Role("", "text", reason)
    return None


def _role_of_numbers(fact, base, by_name):
    """Tell quantities from codes."""
    counted = any(word in _COUNTS for word in fact.words)
    if fact.kind == "boolean" or (fact.low == 0 and fact.high == 1 and fact.whole):
        # Yes and no are the same as a number and as two levels, but for one column.
        return Role(base or "behavioural", "numeric", f"yes or no {by_name}")
    if fact.whole and not counted and fact.n_distinct <= _MAX_CODES:
        reason = (
            f"whole numbers {fact.low:.0f} to {fact.high:.0f} with {fact.n_distinct} "
            "values: codes, not counts"
        )
        return Role(base or "demographic", "nominal", reason)
    if base is None:
        reason = f"numbers {by_name}: taken for behaviour"
        return Role("behavioural", "numeric", reason)
    return Role(base, "numeric", f"numbers {by_name}")


def _items(facts):
    """Find items: columns of whole numbers on one short answer scale."""
    groups = {}
    for fact in facts:
        base, _ = _base_by_name(fact)
        short = fact.whole and 3 <= fact.n_distinct <= _LONGEST_ANSWER
        if not short or fact.kind != "number" or base not in (None, "psychographic"):
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
