"""`infer_roles`: which column belongs to which base, proposed and reasoned."""

from dataclasses import dataclass

import pandas as pd

from custseg._utils._result import Result
from custseg.columns import facts_of, period_by_name, propose_roles, words_of
from custseg.features._behavioural import BehaviouralTransformer
from custseg.features._demographic import DemographicTransformer
from custseg.features._occasion import OccasionTransformer
from custseg.features._psychographic import PsychographicTransformer

__all__ = ["CustomerRoles", "infer_roles"]

_LEFT_OUT = ("", "id", "outcome")


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
            cyclic, item, date, id, outcome, constant, empty, text,
            codes, other), `reason`,
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
        said = f"{counts.sum()} of {len(bases)} columns have a base"
        said += f": {found}" * (len(counts) > 0)
        return f"{said}{'; the others are left out' if '' in bases.array else ''}."

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
    facts = facts_of(customers)
    roles = propose_roles(facts)
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
