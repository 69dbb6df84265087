"""`summarize_referrals`: chains of who brought whom."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables import summarize_referrals

CHAIN = {"customer_id": ["a", "b", "c", "d", "e"], "by": [None, "a", "b", "a", "z"]}


@pytest.mark.parametrize("as_frame", [pd.DataFrame, pl.DataFrame])
def test_on_paper(as_frame):
    # a brought b and d, b brought c; e was brought by z, who has no row.
    found = summarize_referrals(as_frame(CHAIN), referred_by="by")
    assert isinstance(found, as_frame)
    columns = {name: list(found[name]) for name in found.columns}
    assert columns == {
        "customer_id": ["a", "b", "c", "d", "e"],
        "referral_depth": [0, 1, 2, 1, 1],
        "n_referred": [2, 1, 0, 0, 0],
        "n_referred_all": [3, 1, 0, 0, 0],
    }


def test_against_walking_every_chain():
    rng = np.random.default_rng(0)
    n = 300
    by = [
        None if i == 0 or rng.random() < 0.1 else int(rng.integers(i)) for i in range(n)
    ]
    order = rng.permutation(n)
    table = pd.DataFrame({"id": np.arange(n), "by": pd.array(by, dtype="Int64")})
    found = summarize_referrals(table.iloc[order], referred_by="by", customer_id="id")
    assert found["id"].tolist() == order.tolist()
    found = found.set_index("id")
    below = np.zeros(n, dtype=int)
    for customer in range(n):
        steps, above = 0, by[customer]
        while above is not None:
            steps, below[above], above = steps + 1, below[above] + 1, by[above]
        assert found.loc[customer, "referral_depth"] == steps
        assert found.loc[customer, "n_referred"] == by.count(customer)
    assert found.sort_index()["n_referred_all"].tolist() == below.tolist()


def test_circles_are_refused():
    table = pd.DataFrame({"customer_id": ["a", "b", "c"], "by": ["b", "a", None]})
    with pytest.raises(DataQualityError, match="go round in a circle in 2 of 3 rows"):
        summarize_referrals(table, referred_by="by")


def test_a_column_that_is_not_there():
    with pytest.raises(SchemaError, match=r"'brought_by'. must be in the"):
        summarize_referrals(pd.DataFrame(CHAIN), referred_by="brought_by")
