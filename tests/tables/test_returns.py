"""The closed form of last in, first out, against a stack of purchases."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from custseg.tables import (
    TransactionColumns,
    clean_transactions,
    summarize_transactions,
)

BY_UNITS = TransactionColumns(product="item", quantity="units", unit_price="price")
BY_AMOUNT = TransactionColumns(product="item", amount="eur")
START = datetime(2024, 1, 1)


def random_ledger(seed, n=160, step=1):
    """Draw lines of three customers and two products, with many ties in time."""
    rng = np.random.default_rng(seed)
    units = rng.integers(1, 7, n) * rng.choice([1, -1], n, p=[0.6, 0.4]) * step
    return {
        "customer_id": [int(c) for c in rng.integers(0, 3, n)],
        "date": [START + timedelta(days=int(d)) for d in rng.integers(0, 40, n)],
        "item": [["tea", "cup", None][i] for i in rng.integers(0, 3, n)],
        "units": [int(u) if step == 1 else float(u) for u in units],
        "price": [float(p) for p in rng.integers(1, 9, n)],
    }


def stack_of_purchases(tx, measure):
    """Take returns off purchases one by one; what is left, and what was not found."""
    left = {i: float(m) for i, m in enumerate(measure) if m > 0}
    orphan = {}
    stacks = {}
    # At one moment purchases come first, then the smaller, in units and in currency.
    amount = tx.get("eur") or np.multiply(tx["units"], tx["price"])
    in_time = sorted(
        range(len(measure)),
        key=lambda i: (
            tx["date"][i],
            measure[i] < 0,
            abs(measure[i]),
            amount[i],
            i,
        ),
    )
    for i in in_time:
        stack = stacks.setdefault((tx["customer_id"][i], tx["item"][i]), [])
        if measure[i] > 0:
            stack.append(i)
            continue
        wanted = -float(measure[i])
        while wanted > 1e-9 and stack:
            taken = min(wanted, left[stack[-1]])
            left[stack[-1]] -= taken
            wanted -= taken
            if left[stack[-1]] <= 1e-9:
                left[stack.pop()] = 0.0
        orphan[i] = wanted if wanted > 1e-9 else 0.0
    return left, orphan


@pytest.mark.parametrize("seed", range(6))
def test_by_units(make_frame, seed):
    tx = random_ledger(seed)
    left, orphan = stack_of_purchases(tx, tx["units"])
    table, report = clean_transactions(make_frame(tx), BY_UNITS)
    assert list(table["units"]) == list(left.values())  # exactly, in the order given
    amount, price = np.array(table["amount"]), np.array(table["price"])
    np.testing.assert_allclose(amount, price * np.array(table["units"]), rtol=1e-12)
    before = np.array([tx["units"][i] * tx["price"][i] for i in left])
    np.testing.assert_allclose(before - amount, table["returned_amount"], atol=1e-9)
    assert report.orphan_quantity == sum(orphan.values())
    whole = [i for i, units in orphan.items() if units == -tx["units"][i]]
    part = [i for i, units in orphan.items() if 0 < units < -tx["units"][i]]
    none = [i for i, units in orphan.items() if units == 0]
    assert list(report.positions("orphan_return")) == sorted(whole)
    assert list(report.positions("partly_orphan_return")) == sorted(part)
    assert list(report.positions("return")) == sorted(none)
    assert report.orphan_amount == sum(u * tx["price"][i] for i, u in orphan.items())


# Tenths are not exact in binary: what is wholly returned must be 0 all the same.
@pytest.mark.parametrize("seed", range(6))
def test_by_amount(make_frame, seed):
    tx = random_ledger(seed, step=0.1)
    tx["eur"] = tx["units"]
    left, orphan = stack_of_purchases(tx, tx["eur"])
    table, report = clean_transactions(make_frame(tx), BY_AMOUNT)
    kept = np.array(table["eur"])
    np.testing.assert_allclose(kept, list(left.values()), atol=1e-9)
    assert (kept == 0).tolist() == [v == 0 for v in left.values()]
    gross = np.array([tx["eur"][i] for i in left])
    np.testing.assert_allclose(gross - kept, table["returned_amount"], atol=1e-9)
    assert report.orphan_quantity is None
    np.testing.assert_allclose(report.orphan_amount, sum(orphan.values()), atol=1e-9)


def test_without_product_the_customer_is_one_stack(make_frame):
    # 5 + 3 bought, 4 returned: 3 of the second line and 1 of the first.
    tx = make_frame(
        {
            "customer_id": [1, 1, 1],
            "date": [START, START + timedelta(1), START + timedelta(2)],
            "item": ["tea", "cup", "tea"],
            "eur": [5.0, 3.0, -4.0],
        }
    )
    table, _ = clean_transactions(tx, TransactionColumns(amount="eur"))
    assert list(table["eur"]) == [4.0, 0.0]


def test_lines_of_no_known_product_are_one_product(make_frame):
    tx = make_frame(
        {
            "customer_id": [1, 1, 1, 2],
            "date": [START + timedelta(d) for d in range(4)],
            "item": [None, "tea", "", None],
            "eur": [5.0, 3.0, -4.0, 2.0],
        }
    )
    table, report = clean_transactions(tx, BY_AMOUNT)
    assert list(table["eur"]) == [1.0, 3.0, 2.0]
    assert report.orphan_amount == 0.0


def test_return_within_a_time_stamp_comes_after_the_purchase(make_frame):
    tx = make_frame({"customer_id": [1, 1], "date": [START, START], "eur": [-4.0, 4.0]})
    table, report = clean_transactions(tx, TransactionColumns(amount="eur"))
    assert list(table["eur"]) == [0.0]
    assert list(report.positions("return")) == [0]


def test_a_return_does_not_take_a_later_purchase(make_frame):
    tx = make_frame(
        {
            "customer_id": [1, 1],
            "date": [START, START + timedelta(1)],
            "eur": [-4.0, 4.0],
        }
    )
    table, report = clean_transactions(tx, TransactionColumns(amount="eur"))
    assert list(table["eur"]) == [4.0]
    assert report.orphan_amount == 4.0


def test_signs_of_quantity_and_amount_need_not_agree(make_frame):
    # A return is a negative quantity or a negative amount. Line 1 is one by amount
    # (2 of the 3 units, at the price of the purchase 10.00), line 2 by quantity (the
    # third unit). Line 3 is a credit note without units: an orphan.
    tx = make_frame(
        {
            "customer_id": [1, 1, 1, 1],
            "date": [START + timedelta(d) for d in range(4)],
            "units": [3, 2, -1, 0],
            "eur": [30.0, -18.0, 9.0, -5.0],
        }
    )
    columns = TransactionColumns(amount="eur", quantity="units")
    table, report = clean_transactions(tx, columns)
    assert list(table["units"]) == [0]
    assert list(table["returned_amount"]) == [30.0]
    assert list(report.positions("return")) == [1, 2]
    assert list(report.positions("orphan_return")) == [3]
    assert (report.orphan_quantity, report.orphan_amount) == (0.0, 5.0)
    apart, _ = clean_transactions(tx, columns, returns="separate")
    assert list(apart["eur"]) == [30.0, -18.0, -9.0, -5.0]


def test_netting_and_summary_agree_on_money(make_frame):
    # What was paid is what was kept and what was taken off.
    tx = random_ledger(99, n=400)
    paid = {}
    for c, u, p in zip(tx["customer_id"], tx["units"], tx["price"], strict=True):
        paid[c] = paid.get(c, 0) + max(u, 0) * p
    table, _ = clean_transactions(make_frame(tx), BY_UNITS)
    customers = summarize_transactions(table, BY_UNITS)
    total, share = (
        np.array(customers[name]) for name in ("monetary_total", "return_share")
    )
    gross = np.array([paid[c] for c in customers["customer_id"]])
    np.testing.assert_allclose(total, gross * (1 - share), rtol=1e-12)
