"""Every test has been looked at: what it costs stands in a table.

`make times` measures processor seconds on the machine that it runs on and writes
tests/times.csv; `make times FILES="tests/cli/test_files.py"` measures some modules. So
this test asks a file, and no clock.
"""

import csv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_SECONDS, MOST_SECONDS_IN_ALL = 5.0, 300.0
# Tests of `make test` that take longer, each with its reason.
EXCEPTIONS = {}


@pytest.fixture(scope="module")
def table():
    with (ROOT / "tests" / "times.csv").open(newline="", encoding="utf-8") as file:
        return {row["module"]: row for row in csv.DictReader(file)}


def modules_with_tests():
    """Modules of tests, and those of the package that have an example."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        yield path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "custseg").rglob("*.py")):
        if "    >>> " in path.read_text(encoding="utf-8"):
            yield path.relative_to(ROOT).as_posix()


# Tests of other runs: Spark's, and the notebooks' (their files are looked at here).
NONE_HERE = {"tests/tables/test_spark.py"}


@pytest.mark.parametrize("module", modules_with_tests())
def test_every_module_has_been_measured(module, table):
    again = f'make times FILES="{module}"'
    if module in NONE_HERE:
        return
    assert module in table, again
    assert int(table[module]["functions"]) == functions_of(module), again


def test_no_test_takes_long_without_a_reason(table):
    long = {
        f"{module}::{row['slowest']}"
        for module, row in table.items()
        if float(row["slowest_seconds"]) > MOST_SECONDS
    }
    assert long == set(EXCEPTIONS)
    assert sum(float(row["seconds"]) for row in table.values()) < MOST_SECONDS_IN_ALL
