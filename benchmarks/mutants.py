"""Plants small faults in the library and counts those that the tests find.

python benchmarks/mutants.py                          writes benchmarks/mutants.csv
python benchmarks/mutants.py --suite ../old --out F   the tests of another checkout
python benchmarks/mutants.py --only 17,21             these faults alone, prints them
python benchmarks/mutants.py --list                   prints the faults, runs nothing
python benchmarks/mutants.py -- -m ""                 pytest options behind the dashes

Faults are of eight kinds: a bound, a sign, a number off by one, a wrong axis, a missing
branch, a dropped weight, a swapped "and" or "or", a flipped option. `PER_STAGE` of each
stage are drawn with a fixed seed, evenly over kinds.

All faults stand in one copy of the package, each behind a switch that is off (mutant
schemata: Untch, Offutt and Harrold 1993, doi 10.1145/174146.154265). One run of the
suite records which tests reach which switch. A second process forks: each child turns
one fault on and runs the tests that reach it, the nearest first, until one fails. Tests
that also fail with all faults off do not count. Needs a system with fork.

`found` is 1 where a test failed, and `by` names it; else `by` says how many tests reach
the fault. `equivalent` says why a fault that survived changes nothing that can be seen.
"""

import argparse
import ast
import builtins
import contextlib
import copy
import csv
import importlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TABLE = Path(__file__).with_suffix(".csv")
PER_STAGE, SEED = 14, 20
STAGES = (
    "assignment",
    "cli",
    "cluster",
    "datasets",
    "engine",
    "features",
    "plotting",
    "profile",
    "scoring",
    "selection",
    "tables",
)
FIELDS = (
    *("fault", "stage", "place", "kind", "before", "after"),
    *("found", "by", "equivalent"),
)
# Faults that nobody can see, by module, function, kind and code before.
_ONE_LENGTH = "what is taken in step has one length by construction"
EQUIVALENT = {
    "custseg/cli/_role_file.py _list option True": _ONE_LENGTH,
    "custseg/cluster/_rule_grid.py overlaps option True": _ONE_LENGTH,
    "custseg/cluster/_rule_sets.py value_cells_table option True": _ONE_LENGTH,
    "custseg/engine/_kernels.py distance_sums off by one 22": (
        "more distances are worked out the slow, exact way"
    ),
    "custseg/features/_column_facts.py _cells option True": (
        "tables that are not in memory are refused before"
    ),
    "custseg/features/_reliability.py _item_rest axis 0": "a covariance is symmetric",
    "custseg/features/_response_style.py _mean_answer bound sign < 0": (
        "a sign is never zero"
    ),
    "custseg/scoring/_earth.py _refuse_outside option True": _ONE_LENGTH,
    "custseg/profile/_profile.py SegmentProfile.names option True": _ONE_LENGTH,
    "custseg/scoring/_numbers.py Rotate.__call__ bound len(Z) > 1": (
        "a single row was looked at just before"
    ),
    "custseg/scoring/_rules.py RuleAxis.cells option True": _ONE_LENGTH,
    # Its eager_only; with drop=False there is a column that no rule is given for.
    "custseg/tables/_memory.py hold option True": "what Dask computes is in memory",
}
SWITCH = "__fault__"
# A child may take this many times what its tests took when reach was recorded; a fault
# that makes a loop endless is found by its time.
PATIENCE, LEAST_SECONDS = 10, 60
# What a child should find imported.
_LIBRARIES = (
    *("numpy", "scipy.stats", "pandas", "sklearn.utils.estimator_checks", "joblib"),
    *("matplotlib.pyplot", "narwhals", "polars", "pyarrow", "duckdb", "openpyxl"),
    *("dask.dataframe", "numpydoc.validate", *(f"custseg.{name}" for name in STAGES)),
)
_OFF, _BROKEN = -1, 4

# --- faults ---------------------------------------------------------------------------

_BOUNDS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_SIGNS = {ast.Add: ast.Sub, ast.Sub: ast.Add}


def _is_int(node):
    return isinstance(node, ast.Constant) and type(node.value) is int


def _is_weight(node):
    return isinstance(node, ast.Name) and "weight" in node.id


def _bound(node):
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        op = _BOUNDS[type(node.ops[0])]()
        yield "bound", ast.Compare(node.left, [op], node.comparators)


def _sign(node):
    # A sum of texts or lists has no sign.
    parts = ast.walk(node) if isinstance(node, ast.BinOp) else ()
    texts = any(isinstance(part, ast.JoinedStr | ast.List) for part in parts)
    if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS and not texts:
        yield "sign", ast.BinOp(node.left, _SIGNS[type(node.op)](), node.right)
    negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
    if negative and not isinstance(node.operand, ast.Constant):
        yield "sign", node.operand


def _branch(node):
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "branch", node.operand
    if isinstance(node, ast.IfExp):
        yield "branch", node.orelse


def _weight(node):
    scaled = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div)
    if scaled and _is_weight(node.right):
        yield "weight", node.left


def _and_or(node):
    if isinstance(node, ast.BoolOp):
        op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield "and/or", ast.BoolOp(op, node.values)


def _off_by_one(node):
    if _is_int(node):
        yield "off by one", ast.Constant(node.value + 1)


def faults_of(node):
    """Yield (kind, faulty node) for each fault that fits in the place of a node."""
    for kind in (_bound, _sign, _branch, _weight, _and_or, _off_by_one):
        yield from kind(node)


def keyword_faults(keyword):
    """Yield (kind, faulty value) for a keyword argument."""
    value = keyword.value
    if keyword.arg == "axis" and _is_int(value) and value.value in (0, 1):
        yield "axis", ast.Constant(1 - value.value)
    elif keyword.arg and "weight" in keyword.arg and _is_weight(value):
        yield "weight", ast.Constant(None)
    elif isinstance(value, ast.Constant) and isinstance(value.value, bool):
        yield "option", ast.Constant(not value.value)


class _Walk(ast.NodeTransformer):
    """Offers every place in the bodies of functions to `self.place`, in order."""

    def __init__(self):
        self.inside = []

    def visit_FunctionDef(self, node):
        self.inside.append(node.name)
        node.body = [self.visit(one) for one in node.body]
        self.inside.pop()
        return node

    def visit_ClassDef(self, node):
        self.inside.append(node.name)
        for i, one in enumerate(node.body):
            if isinstance(one, ast.FunctionDef | ast.ClassDef):
                node.body[i] = self.visit(one)
        self.inside.pop()
        return node

    def visit_Module(self, node):
        for i, one in enumerate(node.body):
            if isinstance(one, ast.FunctionDef | ast.ClassDef):
                node.body[i] = self.visit(one)
        return node

    def _untouched(self, node):
        return node

    visit_JoinedStr = visit_Raise = visit_Match = visit_AnnAssign = _untouched
    visit_arguments = _untouched  # of lambdas: defaults are made once

    def visit_If(self, node):
        missing = ("branch", ast.Constant(False))
        test = self.place(node.test, [missing, *faults_of(node.test)])
        node.body = [self.visit(one) for one in node.body]
        node.orelse = [self.visit(one) for one in node.orelse]
        node.test = test
        return node

    def visit_keyword(self, node):
        found = list(keyword_faults(node))
        if found:
            node.value = self.place(node.value, found)
            return node
        return super().generic_visit(node)

    def generic_visit(self, node):
        found = list(faults_of(node)) if isinstance(node, ast.expr) else []
        return self.place(node, found) if found else super().generic_visit(node)

    def inner(self, node):
        """Walk on below a node that is dealt with."""
        return super().generic_visit(node)

    def place(self, node, found):
        raise NotImplementedError


class Listed(_Walk):
    """Lists the faults of a module: (key, place, kind, node before, node after)."""

    def __init__(self, module):
        super().__init__()
        self.module, self.faults, self.count = module, [], 0

    def place(self, node, found):
        name = ".".join(self.inside)
        for kind, other in found:
            place = f"{self.module}:{node.lineno} {name}"
            key = (self.module, self.count)
            self.faults.append((key, place, kind, node, other))
            self.count += 1
        return self.inner(node)


class Planted(_Walk):
    """Puts chosen faults behind switches; numbers places as `Listed` does."""

    def __init__(self, chosen):
        super().__init__()
        self.chosen, self.count = chosen, 0

    def place(self, node, found):
        mine = []
        for _, other in found:
            if self.count in self.chosen:
                mine.append((self.chosen[self.count], copy.deepcopy(other)))
            self.count += 1
        node = self.inner(node)
        for number, other in mine:
            switch = ast.Call(ast.Name(SWITCH, ast.Load()), [ast.Constant(number)], [])
            node = ast.IfExp(switch, other, node)
        return node


def modules_of(stage):
    return sorted((ROOT / "custseg" / stage).glob("*.py"))


def drawn(stages=STAGES):
    """Return the faults of stages, as dicts with their key."""
    faults = []
    for stage in stages:
        kinds = defaultdict(list)
        for path in modules_of(stage):
            walk = Listed(path.relative_to(ROOT).as_posix())
            walk.visit(ast.parse(path.read_text()))
            for one in walk.faults:
                kinds[one[2]].append(one)
        chance = random.Random(f"{stage} {SEED}")
        for found in kinds.values():
            chance.shuffle(found)
        taken = []
        while len(taken) < PER_STAGE:
            for found in kinds.values():
                if found and len(taken) < PER_STAGE:
                    taken.append(found.pop())
        for key, place, kind, *nodes in sorted(taken, key=lambda fault: fault[0]):
            row = (len(faults), stage, place, kind, *map(ast.unparse, nodes))
            faults.append({**dict(zip(FIELDS, row, strict=False)), "key": key})
    return faults


_HEADER = f"""
import builtins, os
if not hasattr(builtins, "{SWITCH}"):
    builtins.{SWITCH} = int(os.environ.get("PLANTED_FAULT", {_OFF})).__eq__
del builtins, os
"""


def plant(faults, suite, folder):
    """Write the package with all faults behind switches, and the suite around it."""
    ignored = shutil.ignore_patterns(".*", "custseg", "custseg-demo", "_build")
    shutil.copytree(suite, folder, ignore=ignored, dirs_exist_ok=True)
    shutil.copytree(ROOT / "custseg", folder / "custseg")
    chosen = defaultdict(dict)
    for fault in faults:
        module, count = fault["key"]
        chosen[module][count] = fault["fault"]
    for module, of_module in chosen.items():
        path = folder / module
        tree = Planted(of_module).visit(ast.parse(path.read_text()))
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)) + "\n")
    top = folder / "custseg" / "__init__.py"
    source = top.read_text()
    end = ast.parse(source).body[0].end_lineno  # behind the docstring
    lines = source.splitlines(keepends=True)
    top.write_text("".join([*lines[:end], _HEADER, *lines[end:]]))


# --- the plugin: this module is loaded by pytest as well ------------------------------


class Reach:
    """Records which tests reach which switch, and how long they take."""

    def __init__(self, folder):
        self.file = Path(folder) / f"reach-{os.getpid()}.json"
        self.open, self.of_test, self.of_fixture = [set()], {}, defaultdict(set)
        self.seconds, self.failed = defaultdict(float), set()
        builtins.__dict__[SWITCH] = self.switch

    def switch(self, number):
        for one in self.open:
            one.add(number)
        return False

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        # What a shared fixture reaches, all of its tests reach.
        reached = set()
        self.open.append(reached)
        try:
            return (yield)
        finally:
            self.open.pop()  # fixtures are set up one within another
            self.of_fixture[fixturedef.argname, fixturedef.baseid] |= reached

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        reached = set()
        self.open = [reached]
        begin = time.perf_counter()
        try:
            return (yield)
        finally:
            # pytest-xdist writes the group of a test behind its name.
            group = item.get_closest_marker("xdist_group")
            test = item.nodeid.removesuffix(f"@{group.args[0]}" if group else "")
            self.seconds[test] = time.perf_counter() - begin
            defined = getattr(item, "_fixtureinfo", None)
            for found in (defined.name2fixturedefs if defined else {}).values():
                for one in found:
                    reached |= self.of_fixture[one.argname, one.baseid]
            self.of_test[test] = sorted(reached)

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed.add(report.nodeid)

    def pytest_sessionfinish(self):
        kept = {"reach": self.of_test, "seconds": self.seconds}
        self.file.write_text(json.dumps({**kept, "failed": sorted(self.failed)}))


def pytest_configure(config):
    """Start as a plugin."""
    config.pluginmanager.register(Reach(os.environ["FAULTS_FOLDER"]))


# --- the hunt, in a process of its own ------------------------------------------------


class Hunt:
    """Runs the tests that reach each fault, in forked children.

    The parent has imported the libraries, which children then need not, but has run
    nothing: threads that a library has started do not come along into a child.
    """

    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.on = _OFF
        builtins.__dict__[SWITCH] = lambda number: number == self.on
        self.reach, self.seconds, self.struck = defaultdict(list), {}, set()
        for file in folder.glob("reach-*.json"):
            kept = json.loads(file.read_text())
            self.struck |= set(kept["failed"])
            self.seconds |= kept["seconds"]
            for test, reached in kept["reach"].items():
                for number in reached:
                    self.reach[number].append(test)
        for name in _LIBRARIES:
            with contextlib.suppress(ImportError):
                importlib.import_module(name)

    def run(self, places, jobs):
        """Return what became of each fault: {number: (found, by)}."""
        known, found = self.folder / "found.json", {}
        if known.exists():  # an earlier run was stopped
            found = {int(one): of for one, of in json.loads(known.read_text()).items()}
        waiting = [number for number in places if number not in found]
        running = {}
        while waiting or running:
            while waiting and len(running) < jobs:
                number = waiting.pop(0)
                rounds = self.rounds_of(number, places[number])
                running[Child(self, number, rounds)] = number
            for run in [run for run in running if run.ended()]:
                number = running.pop(run)
                if run.failed and self._fails_without_fault(run.failed):
                    self.struck.add(run.failed)
                    waiting.insert(0, number)
                    continue
                found[number] = run.result()
                print(f"{len(found)}/{len(places)}", number, *found[number], flush=True)
                known.write_text(json.dumps(found))
            time.sleep(0.02)
        return found

    def _fails_without_fault(self, test):
        run = Child(self, _OFF, [[test]])
        while not run.ended():
            time.sleep(0.02)
        return run.failed is not None

    def rounds_of(self, number, place):
        """Tests that reach a fault: of its module, of its stage, and all others."""
        _, stage, module = place.split("/")
        name = module.strip("_").removesuffix(".py")
        rounds = [[], [], []]
        for test in sorted(self.reach[number], key=self.seconds.__getitem__):
            path = Path(test.partition("::")[0])
            near = (stage in path.parts) + (stage in path.parts and name in path.stem)
            if test not in self.struck:
                rounds[2 - near].append(test)
        return rounds


class Child:
    """A process with one fault on, and what became of it."""

    def __init__(self, hunt, number, rounds):
        self.failed, self.late, self.said = None, False, b""
        self.tests = [test for tests in rounds for test in tests]
        expected = sum(hunt.seconds[test] for test in self.tests)
        self.limit = time.monotonic() + LEAST_SECONDS + PATIENCE * expected
        self.out, inside = os.pipe()
        os.set_blocking(self.out, False)
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.out)
            _run_in_child(hunt, number, rounds, inside)
        os.close(inside)

    def ended(self):
        self._listen()
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if not pid and time.monotonic() > self.limit:
            self.late = True
            os.killpg(self.pid, signal.SIGKILL)
            pid, status = os.waitpid(self.pid, 0)
        if not pid:
            return False
        self._listen()
        os.close(self.out)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == _BROKEN:
            raise RuntimeError(f"pytest did not run {self.tests[:3]} ...")
        if status:
            last = self.said.decode().split("\0")[-2:]
            self.failed = last[0] or self.tests[0]
        return True

    def _listen(self):
        with contextlib.suppress(BlockingIOError):
            while heard := os.read(self.out, 1 << 16):
                self.said += heard

    def result(self):
        if self.failed is None:
            return (0, f"{len(self.tests)} tests reach it")
        return (1, self.failed + (" (endless)" if self.late else ""))


class Chosen:
    """A plugin that keeps the tests asked for, in their order, and tells each."""

    def __init__(self, tests, inside):
        self.place = {test: i for i, test in enumerate(tests)}
        self.inside = inside

    def pytest_configure(self, config):
        config.addinivalue_line("markers", "xdist_group(name): tests of one process")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items):
        kept = [item for item in items if item.nodeid in self.place]
        items[:] = sorted(kept, key=lambda item: self.place[item.nodeid])

    def pytest_runtest_logstart(self, nodeid):
        os.write(self.inside, f"{nodeid}\0".encode())


def _run_in_child(hunt, number, rounds, inside):
    """Run tests until one fails; the parent hears which one is at work."""
    try:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        hunt.on = number
        os.environ["PLANTED_FAULT"] = str(number)
        for tests in filter(None, rounds):
            files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
            options = ["-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
            plugins = [Chosen(tests, inside)]
            code = pytest.main([*options, *hunt.options, *files], plugins)
            if code in (pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED):
                os._exit(1)  # a test failed, or a module of tests cannot be imported
            if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                os._exit(_BROKEN)
        os._exit(0)
    finally:
        os._exit(_BROKEN)


# --- the command ----------------------------------------------------------------------


def run_in_tree(folder, command):
    """Run Python in the planted tree, where this module can be imported."""
    tree = folder / "tree"
    paths = os.pathsep.join([str(tree), str(Path(__file__).parent)])
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    (folder / "tmp").mkdir(exist_ok=True)
    own = {"FAULTS_FOLDER": str(folder), "PYTHONPATH": paths}
    own["TMPDIR"] = str(folder / "tmp")
    environment = {**os.environ, **threads, **own}
    subprocess.run([sys.executable, *command], cwd=tree, env=environment, check=False)


def record_reach(folder, options):
    """Run the whole suite once, with this module as a plugin of pytest."""
    plugin = ["-p", Path(__file__).stem, "-n", str(options.jobs)]
    quiet = ["-q", "--no-header", "--tb=line", "-r", "fE", "--dist", "loadgroup"]
    run_in_tree(folder, ["-m", "pytest", *plugin, *quiet, *options.pytest])


def hunt(folder, faults, options):
    """Turn on one fault after the other; return {number: (found, by)}."""
    places = {str(fault["fault"]): fault["key"][0] for fault in faults}
    work = {"places": places, "jobs": options.jobs, "options": options.pytest}
    (folder / "work.json").write_text(json.dumps(work))
    run_in_tree(folder, [__file__, "--hunt"])
    return json.loads((folder / "found.json").read_text())


def hunt_here():
    """Be the process that hunts."""
    folder = Path(os.environ["FAULTS_FOLDER"])
    work = json.loads((folder / "work.json").read_text())
    places = {int(number): place for number, place in work["places"].items()}
    Hunt(folder, work["options"]).run(places, work["jobs"])


def main():
    first, _, usage = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=first,
        epilog=usage,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--suite", type=Path, default=ROOT, help="whose tests run")
    parser.add_argument("--out", type=Path, default=TABLE, help="the table")
    parser.add_argument("--only", help="numbers of faults, parted by commas")
    parser.add_argument("--list", action="store_true", help="print faults and stop")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--keep", type=Path, help="keep the tree and what is known")
    parser.add_argument("pytest", nargs="*", help="options of pytest, behind --")
    parser.add_argument("--hunt", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.hunt:
        hunt_here()
        return 0
    faults = drawn()
    if options.only:
        wanted = {int(one) for one in options.only.split(",")}
        faults = [fault for fault in faults if fault["fault"] in wanted]
    if options.list:
        for fault in faults:
            print(*[fault[name] for name in FIELDS[:6]], sep=" | ")
        return 0
    with tempfile.TemporaryDirectory() as passing:
        folder = (options.keep or Path(passing)).resolve()
        if not (folder / "tree").exists():
            plant(drawn(), options.suite.resolve(), folder / "tree")
        if not list(folder.glob("reach-*.json")):
            record_reach(folder, options)
        found = hunt(folder, faults, options)
    for fault in faults:
        fault["found"], fault["by"] = found[str(fault["fault"])]
    report(faults, options)
    return 0


def unseen(fault):
    """Return why a fault changes nothing, or ""; found is found."""
    module = fault["place"].split(":")[0]
    name = fault["place"].split()[-1]
    key = f"{module} {name} {fault['kind']} {fault['before']}"
    return "" if fault["found"] else EQUIVALENT.get(key, "")


def report(faults, options):
    """Print the shares per stage, and write the table where all were planted."""
    for fault in faults:
        fault["equivalent"] = unseen(fault)
    for stage in STAGES:
        own = [fault["found"] for fault in faults if fault["stage"] == stage]
        if own:
            print(f"{stage:12}{sum(own):4} of {len(own)}")
    n_found = sum(fault["found"] for fault in faults)
    print(f"found {n_found} of {len(faults)} = {n_found / len(faults):.3f}")
    n_seen = sum(not fault["equivalent"] for fault in faults)
    share = n_found / n_seen if n_seen else 1.0
    print(f"found {n_found} of {n_seen} that change something = {share:.3f}")
    for fault in faults:
        if not fault["found"]:
            said = fault["equivalent"] or fault["by"]
            print("survived:", *[fault[name] for name in FIELDS[:6]], "|", said)
    if not options.only:
        with options.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(faults)


if __name__ == "__main__":
    sys.exit(main())
