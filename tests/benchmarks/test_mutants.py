"""Faults on a function of four lines, planted and turned on one by one."""

import ast
import re

import pytest

SOURCE = """
def charge(price, weights, axis=0):
    if price > 3 and not weights is None:
        return total(price - 1, axis=0, weights=weights, exact=True)
    return -price
"""


def total(value, axis, weights, exact):
    return value, axis, weights, exact


@pytest.fixture
def listed(mutants):
    walk = mutants.Listed("m.py")
    walk.visit(ast.parse(SOURCE))
    return walk.faults


@pytest.fixture
def charge_with(mutants, listed):
    """Return the function with one fault on."""

    def charge_with(number):
        chosen = {i: i for i in range(len(listed))}
        tree = mutants.Planted(chosen).visit(ast.parse(SOURCE))
        scope = {"total": total, mutants.SWITCH: lambda fault: fault == number}
        exec(compile(ast.fix_missing_locations(tree), "m.py", "exec"), scope)
        return scope["charge"]

    return charge_with


def test_nothing_changes_while_all_are_off(charge_with):
    charge = charge_with(-1)
    assert charge(5, [2]) == (4, 0, [2], True)
    assert charge(3, [2]) == -3
    assert charge(5, None) == -5


def test_each_fault_is_what_it_says(listed, charge_with):
    asked = [(5, [2]), (4, [2]), (3, [2]), (5, None), (2, None)]
    right = [charge_with(-1)(*one) for one in asked]
    found = {}
    for number, (_, place, kind, *nodes) in enumerate(listed):
        assert place.endswith(" charge")
        wrong = [charge_with(number)(*one) for one in asked]
        texts = [re.sub("[()]", "", ast.unparse(node)) for node in nodes]
        changed = [new for old, new in zip(right, wrong, strict=True) if old != new]
        found[kind, *texts] = changed
    test = "price > 3 and not weights is None"
    assert found == {
        ("branch", test, "False"): [-5, -4],
        ("and/or", test, "price > 3 or not weights is None"): [
            (2, 0, [2], True),
            (4, 0, None, True),
        ],
        ("bound", "price > 3", "price >= 3"): [(2, 0, [2], True)],
        ("off by one", "3", "4"): [-4],
        ("branch", "not weights is None", "weights is None"): [
            *(-5, -4),
            (4, 0, None, True),
        ],
        ("bound", "weights is None", "weights is not None"): [
            *(-5, -4),
            (4, 0, None, True),
        ],
        ("sign", "price - 1", "price + 1"): [(6, 0, [2], True), (5, 0, [2], True)],
        ("off by one", "1", "2"): [(3, 0, [2], True), (2, 0, [2], True)],
        ("axis", "0", "1"): [(4, 1, [2], True), (3, 1, [2], True)],
        ("weight", "weights", "None"): [(4, 0, None, True), (3, 0, None, True)],
        ("option", "True", "False"): [(4, 0, [2], False), (3, 0, [2], False)],
        ("sign", "-price", "price"): [3, 5, 2],
    }


def test_a_stage_has_its_share_of_faults_and_they_compile(mutants):
    assert mutants.PER_STAGE * len(mutants.STAGES) >= 120
    faults = mutants.drawn(["profile"])
    assert len({fault["key"] for fault in faults}) == mutants.PER_STAGE
    assert {fault["kind"] for fault in faults} == {
        *("bound", "sign", "off by one", "axis", "branch", "weight", "and/or"),
        "option",
    }
    for fault in faults:
        compile(fault["after"], fault["place"], "eval")
    assert faults == mutants.drawn(["profile"])
