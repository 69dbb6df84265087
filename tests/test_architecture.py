"""The layout: who imports whom, what is public, what an import costs."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import custseg

ROOT = Path(custseg.__file__).parent
# What each part may import, directly or through others, also inside functions.
BASE = {"exceptions", "_utils"}
COLUMNS = BASE | {"_sklearn", "columns"}
NUMBERS = COLUMNS | {"engine"}
FITTED = NUMBERS | {"tables", "scoring", "surveys", "features", "cluster"}
JUDGED = FITTED | {"selection", "assignment", "evaluation", "typing_tool"}
MAY_IMPORT = {
    "exceptions": set(),
    "_utils": set(),
    "_sklearn": BASE,
    "columns": BASE | {"_sklearn"},
    "engine": COLUMNS,
    "datasets": BASE,
    "scoring": COLUMNS,
    "tables": NUMBERS,
    "surveys": NUMBERS | {"tables", "scoring"},
    "features": NUMBERS | {"tables", "scoring", "surveys"},
    "cluster": FITTED - {"cluster"},
    "selection": FITTED,
    "assignment": FITTED | {"selection"},
    "evaluation": FITTED | {"selection", "assignment"},
    "typing_tool": FITTED | {"selection", "assignment"},
    "profile": FITTED,
    "plotting": FITTED
    | {"selection", "assignment", "evaluation", "typing_tool", "profile"},
    "testing": FITTED
    | {"__init__", "selection", "assignment", "evaluation", "typing_tool"},
    "cli": JUDGED | {"__init__", "datasets", "profile", "plotting"},
    "__init__": set(),
}
MAY_IMPORT["__main__"] = MAY_IMPORT["cli"] | {"cli"}
WITHOUT_SCIKIT_LEARN = BASE | {"datasets", "scoring", "tables", "__init__"}
MODULES = sorted(ROOT.rglob("*.py"))


def part_of(path):
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


@cache
def nodes(path):
    """Everything in the syntax of a file, read once."""
    return list(ast.walk(ast.parse(path.read_text())))


@cache
def imported(path):
    """Modules that a file imports, wherever in it."""
    found = []
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module)
            if node.module == "custseg":
                found += (f"custseg.{alias.name}" for alias in node.names)
    return found


def direct_imports():
    """Part to parts it imports itself."""
    graph = {part_of(path): set() for path in MODULES}
    for path in MODULES:
        for name in imported(path):
            if name == "custseg":
                graph[part_of(path)].add("__init__")
            elif name.startswith("custseg."):
                target = name.split(".")[1]
                graph[part_of(path)].add(target if target in graph else "__init__")
    return {part: targets - {part} for part, targets in graph.items()}


def test_every_part_imports_only_what_it_may():
    graph = direct_imports()
    assert set(graph) == set(MAY_IMPORT)
    for part, targets in graph.items():
        assert targets <= MAY_IMPORT[part], f"{part} must not import {targets}"
        through = set().union(*(MAY_IMPORT[target] for target in targets))
        assert through <= MAY_IMPORT[part] | {part}, f"{part} reaches {through}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_modules(path):
    parts = path.relative_to(ROOT).parts
    names = {name.split(".")[0] for name in imported(path)}
    assert len(parts) <= 2, "sub-packages are one level deep"
    if len(parts) == 2:
        assert parts[1].startswith("_"), "modules of a stage are private"
    assert not {"utils.py", "helpers.py", "common.py"} & {p.strip("_") for p in parts}
    if part_of(path) in WITHOUT_SCIKIT_LEARN:
        assert "sklearn" not in names
    if part_of(path) not in ("plotting", "cli"):
        assert "matplotlib" not in names
    if path.name != "_sklearn.py":
        private = [
            name
            for name in imported(path)
            if name.startswith("sklearn.") and "._" in name
        ]
        assert not private, "semi-private scikit-learn comes through custseg._sklearn"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_another_stage_is_reached_through_what_it_offers(path):
    own = part_of(path)
    private = [
        name
        for name in imported(path)
        if re.match(r"custseg\.[a-z_]+\._", name)
        and name.split(".")[1] not in (own, "_utils")
    ]
    assert not private


def test_no_modules_import_each_other():
    graph = {}
    for path in MODULES:
        name = ".".join(["custseg", *path.relative_to(ROOT).with_suffix("").parts])
        graph[name] = set(imported(path)) - {name}
    left = {name: targets & set(graph) for name, targets in graph.items()}
    while free := {name for name, targets in left.items() if not targets}:
        left = {k: targets - free for k, targets in left.items() if k not in free}
    assert not left, f"circles among {sorted(left)}"


# The core of the columns, which scoring needs beside NumPy.
CORE = {"_core.py", "__init__.py"}


def test_scoring_needs_numpy_alone():
    known = {"numpy", "custseg", *sys.stdlib_module_names}
    paths = [ROOT / "columns" / name for name in CORE]
    for path in [*paths, *(ROOT / "scoring").glob("*.py")]:
        assert {name.split(".")[0] for name in imported(path)} <= known, path


# Rooms that are still fuller than twenty-two modules.
FULL = {"tables": 43, "features": 34, "cluster": 31}


def test_rooms_are_of_a_size_to_be_read():
    names, classes = {}, {}
    for path in MODULES:
        assert len(path.read_text().splitlines()) <= 500, path
        if not path.name.startswith("__"):
            assert names.setdefault(path.name, path) == path
        for node in nodes(path):
            if isinstance(node, ast.ClassDef):
                assert classes.setdefault(node.name, path) == path, node.name
    for stage in {path.parent for path in MODULES} - {ROOT}:
        most = FULL.get(stage.name, 22)
        assert len(list(stage.glob("_[!_]*.py"))) <= most, stage


def test_the_drawing_of_the_house_is_true():
    page = ROOT.parent.joinpath("docs/design.md").read_text()
    floors = re.search(r"^```\ncli\n(.*?)^```$", page, re.M | re.S).group(1)
    floors = ["cli", *floors.splitlines()][::-1]
    height = {part: i for i, floor in enumerate(floors) for part in floor.split()}
    graph = direct_imports()
    assert set(height) == set(graph) - {"__init__", "__main__"}
    for part, targets in graph.items():
        for target in set(targets) & set(height):
            assert part not in height or height[target] < height[part], (part, target)


def test_public_names_are_sorted_and_there():
    for stage in custseg._STAGES:
        module = getattr(custseg, stage)
        assert list(module.__all__) == sorted(module.__all__), stage
        assert module.__doc__
    for name in custseg.__all__:
        assert getattr(custseg, name) is not None
    assert set(custseg.__all__) <= set(dir(custseg))
    with pytest.raises(AttributeError, match="no attribute 'KMeans'"):
        custseg.KMeans  # noqa: B018


# In this order one process can import them all: each loads more than those before.
WITHOUT = {
    "custseg": {"numpy", "pandas", "sklearn", "scipy", "narwhals", "matplotlib"},
    "custseg.cli": {"numpy", "pandas", "sklearn", "scipy", "narwhals", "matplotlib"},
    "custseg.scoring": {"pandas", "sklearn", "scipy", "narwhals", "matplotlib"},
    "custseg.datasets": {"sklearn", "matplotlib"},
    "custseg.tables": {"sklearn", "matplotlib"},
    "custseg.plotting": {"matplotlib"},
}
NUMBERS_OF_DISPLAYS = """
import custseg.plotting as p, custseg.profile as q
p.SegmentProfileDisplay.from_profile(q.profile_segments([[1.0], [2.0]], [0, 1])).frame()
p.SilhouetteDisplay.from_labels([[0], [1], [5]], [0, 0, 1]).frame()
print("numbers", *sys.modules)
"""


def test_imports_are_lazy_and_numbers_need_no_matplotlib():
    steps = [f"import {m}; print('{m}', *sys.modules)" for m in WITHOUT]
    code = "\n".join(["import sys", *steps, NUMBERS_OF_DISPLAYS])
    run = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    loaded = {
        what: set(names) for what, *names in map(str.split, done.stdout.splitlines())
    }
    assert set(loaded) == {*WITHOUT, "numbers"}
    for module, without in {**WITHOUT, "numbers": {"matplotlib"}}.items():
        assert not without & loaded[module], module
