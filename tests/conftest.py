"""What the whole suite shares: no windows, what tests cost, and a sample of them."""

import ast
import csv
import os
import shutil
import tempfile
import zlib
from collections import Counter, defaultdict
from pathlib import Path

# Tests run on all cores already: threads of BLAS would wait for one another, which took
# a fifth of all time. Tests of threads ask for them. Before NumPy is loaded.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import matplotlib
import pytest

matplotlib.use("Agg")

ROOT = Path(__file__).parents[1]
TIMES = ROOT / "tests" / "times.csv"
FIELDS = ("module", "functions", "seconds", "slowest", "slowest_seconds")
# A sample keeps these whole: scikit-learn's contract, the road, published figures.
KEPT_WHOLE = ("tests/test_common.py", "tests/test_usage.py", "tests/reference/")
KEPT_WHOLE += ("tests/tables/test_ledger.py", "tests/cluster/test_segmenters.py")
FOLDER, BEFORE = pytest.StashKey[str](), pytest.StashKey[str | None]()
PASSED = pytest.StashKey[bool]()


def pytest_addoption(parser):
    group = parser.getgroup("custseg")
    group.addoption("--times", metavar="FILE", help="write what each module costs")
    group.addoption("--sample", type=float, metavar="SHARE", help="of all tests")
    group.addoption("--sample-seed", default="0", help="which share")


def pytest_configure(config):
    config.pluginmanager.register(Times(config.getoption("--times")), "times")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        # Libraries leave files in the temporary folder: give them one that goes.
        config.stash[FOLDER] = tempfile.mkdtemp(prefix="custseg-tests-")
        config.stash[BEFORE] = os.environ.get("TMPDIR")
        os.environ["TMPDIR"] = tempfile.tempdir = config.stash[FOLDER]


def pytest_sessionfinish(session, exitstatus):
    session.config.stash[PASSED] = exitstatus in (0, pytest.ExitCode.NO_TESTS_COLLECTED)


def pytest_unconfigure(config):
    if FOLDER in config.stash:
        tempfile.tempdir = None
        del os.environ["TMPDIR"]
        if config.stash[BEFORE] is not None:
            os.environ["TMPDIR"] = config.stash[BEFORE]
        if config.stash.get(PASSED, True):  # else what the tests wrote stays
            shutil.rmtree(config.stash[FOLDER], ignore_errors=True)


def pytest_collection_modifyitems(config, items):
    share = config.getoption("--sample")
    if share is not None:
        seed = config.getoption("--sample-seed")
        kept = [item for item in items if _in_sample(item.nodeid, share, seed)]
        left = set(items) - set(kept)
        config.hook.pytest_deselected(items=list(left))
        items[:] = kept


def _in_sample(test, share, seed):
    drawn = zlib.crc32(f"{seed} {test}".encode()) / 2**32
    return drawn < share or test.startswith(KEPT_WHOLE)


def processor_seconds():
    """Of this process and of those that it waited for."""
    return sum(os.times()[:4])


class Times:
    """Measures processor seconds of every test, shared fixtures with the first."""

    def __init__(self, file):
        self.file, self.begin, self.seconds = file, 0.0, Counter()

    @staticmethod
    def functions_of(module):
        """Count the test functions of a module, or the lines of its examples."""
        source = (ROOT / module).read_text(encoding="utf-8")
        if not module.startswith("tests/"):
            return source.count(">>> ")
        nodes = ast.walk(ast.parse(source))
        names = (getattr(node, "name", None) or "" for node in nodes)
        return sum(name.startswith("test_") for name in names)

    @staticmethod
    def read():
        """Return the rows of the table by module; none if there is no table."""
        if not TIMES.exists():
            return {}
        with TIMES.open(newline="", encoding="utf-8") as file:
            return {row["module"]: row for row in csv.DictReader(file)}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self):
        self.begin = processor_seconds()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call):
        report = yield
        if call.when == "teardown":
            spent = processor_seconds() - self.begin
            report.user_properties.append(("processor seconds", spent))
        return report

    def pytest_runtest_logreport(self, report):
        if report.when == "teardown":
            spent = dict(report.user_properties).get("processor seconds", 0.0)
            self.seconds[report.nodeid.partition("@")[0]] += spent

    def pytest_terminal_summary(self, terminalreporter):
        if self.file is None:
            return
        modules = defaultdict(dict)
        for test, seconds in self.seconds.items():
            modules[test.partition("::")[0]][test] = seconds
        table = self.read()
        for module, tests in modules.items():
            slowest = max(tests, key=tests.__getitem__)
            figures = (f"{sum(tests.values()):.1f}", slowest.partition("::")[2])
            row = (module, self.functions_of(module), *figures, f"{tests[slowest]:.1f}")
            table[module] = dict(zip(FIELDS, row, strict=True))
        write_times(self.file, table)
        total = sum(self.seconds.values())
        terminalreporter.write_line(f"{total:.0f} processor seconds in tests")


def write_times(file, table):
    """Write the rows of modules that still are there."""
    with Path(file).open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, FIELDS, lineterminator="\n")
        writer.writeheader()
        for module in sorted(table):
            if (ROOT / module).exists():
                writer.writerow(table[module])
