"""`summarize_discounts` and the prior behind it."""

import re
from datetime import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.optimize import minimize
from scipy.stats import betabinom

from custseg.exceptions import DataQualityError, SchemaError
from custseg.tables import TransactionColumns, discount_prior, summarize_discounts

COLUMNS = TransactionColumns(transaction_id="order", amount="eur")
TX = {
    "customer_id": ["a", "a", "a", "a", "b", "b", "c"],
    "date": [datetime(2024, 1, 1)] * 2 + [datetime(2024, 1, 5)] * 5,
    "order": [1, 1, 2, 3, 4, 5, 6],
    "eur": [10.0, 30.0, 20.0, 0.0, 5.0, -5.0, 8.0],
    "off": [0.0, 3.0, 0.0, 9.0, 0.0, 1.0, 2.0],
}


@pytest.mark.parametrize("as_frame", [pd.DataFrame, pl.DataFrame])
def test_on_paper(as_frame):
    # Order 3 of a kept nothing and order 5 of b is a return: neither counts.
    found = summarize_discounts(as_frame(TX), COLUMNS, discount="off", prior=(1, 3))
    assert isinstance(found, as_frame)
    columns = {name: list(found[name]) for name in found.columns}
    assert columns.pop("customer_id") == ["a", "b", "c"]
    # Order 1 is on discount by one of its lines, of 30 of its 40.
    assert columns["n_orders"] == [2, 1, 1]
    assert columns["n_discounted"] == [1, 0, 1]
    assert columns["discounted_share"] == [0.5, 0.0, 1.0]
    assert columns["discount_dependence"] == pytest.approx([2 / 6, 1 / 5, 2 / 5])


def test_every_engine(engine):
    """The lines above, whose customers also teach a prior; d has no order.

    Orders (2, 1 on discount), (1, 0), (1, 1) of a, b and c: the mean is 1/2, within
    3 - 1 = 2, between 4 - (4 + 1 + 1) / 4 = 2.5, spread (2 * 0 + 1/4 + 1/4) * 4 = 2,
    so that they do not differ more than by chance: all depend alike, but for 1e-4.
    """
    found = summarize_discounts(
        engine.frame(TX),
        COLUMNS,
        discount="off",
        prior=(1, 3),
        customers=engine.frame({"customer_id": ["d", "a"]}),
    )
    expected = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "n_orders": [2, 1, 1, 0],
            "n_discounted": [1, 0, 1, 0],
            "discounted_share": [0.5, 0.0, 1.0, None],
            "discount_dependence": [2 / 6, 1 / 5, 2 / 5, None],
        }
    )
    pd.testing.assert_frame_equal(engine.read(found), expected)
    assert discount_prior(found) == pytest.approx((9999 / 2, 9999 / 2))
    is_off = [one > 0 for one in TX["off"]]
    learned = summarize_discounts(
        engine.frame(TX | {"off": is_off}), COLUMNS, discount="off"
    )
    table = engine.read(learned)
    assert table["discount_dependence"].tolist() == pytest.approx([0.5] * 3, abs=1e-3)


def test_end_of_the_period_and_booleans():
    table = pd.DataFrame(TX).assign(off=[False, True, False, True, False, True, True])
    found = summarize_discounts(
        table,
        COLUMNS,
        discount="off",
        prior=(1, 1),
        observation_period_end="2024-01-02",
    )
    assert found["n_orders"].tolist() == [1]


@pytest.mark.parametrize("truth", [(2.0, 5.0), (0.5, 0.5)])
def test_prior_of_simulated_customers(truth):
    rng = np.random.default_rng(0)
    n = rng.integers(1, 15, 4000)
    k = rng.binomial(n, rng.beta(*truth, 4000))
    found = discount_prior(pd.DataFrame({"n_orders": n, "n_discounted": k}))
    assert found == pytest.approx(truth, rel=0.12)
    # The likelihood, which is another principle, is nearly as large there as it can be.
    best = minimize(
        lambda logs: -betabinom(n, *np.exp(logs)).logpmf(k).sum(), np.log(found)
    )
    at_found = -betabinom(n, *found).logpmf(k).sum()
    assert at_found - best.fun < 3


def test_customers_who_are_all_alike_get_the_common_share():
    table = pd.DataFrame({"n_orders": [10] * 50, "n_discounted": [3] * 50})
    on, off = discount_prior(table)
    assert on / (on + off) == pytest.approx(0.3)
    assert on + off > 1000


def test_learned_prior_can_be_frozen():
    rng = np.random.default_rng(1)
    n = 400
    table = pd.DataFrame(
        {
            "customer_id": rng.integers(0, 60, n),
            "date": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 90, n), "D"),
            "eur": rng.uniform(1, 50, n),
            "off": rng.random(n) < 0.3,
        }
    )
    columns = TransactionColumns(amount="eur")
    learned = summarize_discounts(table, columns, discount="off")
    prior = discount_prior(learned)
    alone = table[table["customer_id"] == 7]
    one = summarize_discounts(alone, columns, discount="off", prior=prior)
    expected = learned.loc[learned["customer_id"] == 7, "discount_dependence"]
    assert one["discount_dependence"].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        ({}, {"discount": "promo"}, SchemaError, "discount must name a column of the"),
        ({"off": list("nynynyn")}, {}, SchemaError, "must hold true and false, or"),
        (
            {"off": [0, None, 1, 1, 1, 1, 1]},
            {},
            DataQualityError,
            "Column 'off' must hold finite numbers of 0 or more in every row. Got "
            "others in 1 of 7 rows instead (row 1). A line without discount has 0.",
        ),
        (
            {"off": [0, -1, 1, 1, np.inf, 1, 1]},
            {},
            DataQualityError,
            "rows instead (row 1). A line without discount has 0.",
        ),
        ({}, {"prior": (0, 1)}, ValueError, "prior must be two numbers above zero"),
        ({}, {"prior": 3}, ValueError, "Got 3 instead"),
        ({"off": [0] * 7}, {}, DataQualityError, "0% of them on discount, instead"),
        ({"eur": [-1.0] * 7}, {}, DataQualityError, "There must be an order of which"),
    ],
)
def test_refusals(change, options, error, message):
    table = pd.DataFrame(TX).assign(**change)
    with pytest.raises(error, match=re.escape(message)):
        summarize_discounts(table, COLUMNS, **{"discount": "off", **options})


def test_prior_of_a_table_without_the_columns():
    with pytest.raises(
        SchemaError, match=re.escape("Got one without 'n_discounted' instead.")
    ):
        discount_prior(pd.DataFrame({"n_orders": [1, 2]}))
