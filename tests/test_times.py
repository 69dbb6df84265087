"""Every test has been looked at: what it costs stands in a table.

`make times` measures processor seconds on the machine that it runs on and writes
tests/times.csv; `make times FILES="tests/cli/test_files.py"` measures some modules. So
these tests ask a file, and no clock.
"""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_SECONDS, MOST_SECONDS_IN_ALL = 5.0, 300.0
# Tests of `make test` that take longer, each with its reason.
EXCEPTIONS = {}
# Modules whose tests are all left to `make test-all`.
NONE_HERE = {
    "tests/tables/test_distributed.py",
    "tests/tables/test_distributed_events.py",
    "tests/tables/test_distributed_orders.py",
}


def modules_with_tests():
    """Modules of tests, and those of the package that have an example."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        yield path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "custseg").rglob("*.py")):
        if "    >>> " in path.read_text(encoding="utf-8"):
            yield path.relative_to(ROOT).as_posix()


@pytest.fixture
def times(pytestconfig):
    return pytestconfig.pluginmanager.get_plugin("times")


def test_every_module_has_been_measured(times):
    table = times.read()
    modules = [module for module in modules_with_tests() if module not in NONE_HERE]
    changed = [
        module
        for module in modules
        if module not in table
        or int(table[module]["functions"]) != times.functions_of(module)
    ]
    assert not changed, f'make times FILES="{" ".join(changed)}"'


def test_no_test_takes_long_without_a_reason(times):
    table = times.read()
    long = {
        f"{module}::{row['slowest']}"
        for module, row in table.items()
        if float(row["slowest_seconds"]) > MOST_SECONDS
    }
    assert long == set(EXCEPTIONS)
    assert sum(float(row["seconds"]) for row in table.values()) < MOST_SECONDS_IN_ALL
