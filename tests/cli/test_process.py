"""The command line as a process: demo, help, exit codes, progress."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import custseg
from custseg.cli import _commands, _results, main

RESULTS = {
    "segments.csv",
    "profile.csv",
    "selection.csv",
    "model.joblib",
    "new_segments.csv",
    "README.txt",
}
PICTURES = {"selection.png", "profile.png", "silhouette.png"}


def process(*arguments):
    # Deprecations in other packages are looked after by the tests in this process.
    warnings = ["-W", "error", "-W", "ignore::DeprecationWarning"]
    command = [sys.executable, *warnings, "-m", "custseg", *arguments]
    # Also where the package is tested from its sources, and not installed.
    environment = os.environ | {"PYTHONPATH": str(Path(custseg.__file__).parents[1])}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment
    )


def test_mistakes_as_a_process():
    done = process("segment", "customers.csv")
    assert (done.returncode, done.stdout) == (2, "")
    first, second = done.stderr.splitlines()
    assert first.startswith("custseg: --out must name the folder for")
    assert second == "See custseg segment --help."


def test_an_empty_file(refused, folder):
    folder.joinpath("empty.csv").write_text("")
    assert refused("segment empty.csv --out out") == (
        "custseg: empty.csv must start with a line of column names. Got an empty file "
        "instead.\n"
    )


@pytest.fixture
def fitted_once(monkeypatch):
    """Let demos after the first have its model: they differ in their files alone."""
    models, fit = [], _results.fit

    def fit_once(plan):
        models.extend([] if models else [fit(plan)])
        return models[0]

    monkeypatch.setattr(_results, "fit", fit_once)


@pytest.mark.usefixtures("fitted_once", "pictures")
def test_demo(run, refused, folder):
    code, said, error = run("demo")
    assert (code, error) == (0, "")
    assert {path.name for path in folder.joinpath("custseg-demo").iterdir()} == (
        RESULTS | PICTURES
    )
    assert len(pd.read_csv("custseg-demo/new_segments.csv")) == 44
    # One of the two segments is the retailers: they buy groceries and detergents.
    name = "high (?:Grocery|Detergents_Paper)[^\n]*"
    counts = re.search(f"\n{name}  (\\d+) +(\\d+)", said).groups()
    hotels, retailers = map(int, counts)
    assert retailers > 4 * hotels
    assert "agrees with the segmenter itself" in said

    # It writes over its own files only.
    readme = folder.joinpath("custseg-demo/README.txt")
    own = readme.read_text()
    readme.unlink()
    assert "Results must not overwrite others" in refused("demo")
    readme.write_text(own)
    assert run("demo")[0] == 0


def test_demo_shows_a_row_for_each_segment(people):
    class Model:
        segment_names_ = {0: "a", 1: "b", 2: "c"}

    clients = pd.DataFrame({"Channel": [1, 2, 2]})
    assigned = pd.DataFrame({"segment_name": ["a", "c", "a"]})
    table = _commands._trades(Model(), clients, assigned)
    assert table.index.tolist() == ["a", "b", "c"]
    assert table.to_numpy().tolist() == [[1, 1], [0, 0], [0, 1]]


def test_help_teaches(run):
    code, said, _ = run("segment --help")
    assert code == 0
    for word in ("model.joblib", "--write-roles", "--date-format", "exit codes", "130"):
        assert word in said
    assert max(map(len, said.splitlines())) <= 100
    assert "usage: custseg segment [CUSTOMERS] --out DIR [options]" in said
    code, said, _ = run("assign --help")
    assert "--model FILE --out FILE" in said
    assert "Beside -1, probability is that of the likeliest segment" in said
    assert "can run any code when it is loaded" in " ".join(said.split())
    assert run("--version")[1] == f"custseg {custseg.__version__}\n"


def test_nothing_asked_for(run):
    code, said, _ = run("")
    assert code == 2
    assert "custseg demo" in said


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("segment --out o", "segment must have a table of customers, or orders by"),
        ("segment a.csv", "--out must name the folder for"),
        ("segment a.csv --out o --id x --no-id", "--id and --no-id must not both"),
        ("segment --transactions a.csv --out o --id x", "must come with a table of"),
        ("segment a.csv --out o --segments 8-2", "numbers of segments from 2 up"),
        ("segment a.csv --out o --segments x", "numbers of segments from 2 up"),
        ("segment a.csv --out o --segments 1-3", "numbers of segments from 2 up"),
        ("segment a.csv --out o --segments 3,3", "numbers of segments from 2 up"),
        ("segment a.csv --out o --seed -1", "must be a whole number from 0"),
        ("segment a.csv --out o --reject-alpha 2", "must be a number between 0 and 1"),
        ("segment a.csv --out o --columns ,", "must be names of columns such as A,B"),
        ("segment a.csv --out o --until soon", "must be a date such as 2024-12-31"),
        ("segment a.csv --out o --transaction-columns date", "must be like date=Day"),
        ("segment a.csv --out o --column a", "unrecognized arguments"),
        ("demo --fast", "unrecognized arguments: --fast"),
        ("assign a.csv --out o", "--model"),
        ("assign a.csv --model m", "--out"),
        ("assign --model m --out o", "assign must have a table of customers, or"),
    ],
)
def test_wrong_arguments(run, command, message):
    code, _, error = run(command)
    assert code == 2
    assert message in error
    # What is wrong, and where the help is; not all options there are.
    first, second = error.splitlines()
    assert first.startswith("custseg: ")
    assert second == f"See custseg {command.split()[0]} --help."


@pytest.fixture
def interrupted(monkeypatch):
    def interrupt(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(_commands, "read_table", interrupt)


@pytest.mark.usefixtures("interrupted")
def test_stopped(run):
    code, _, error = run("segment a.csv --out o")
    assert (code, error) == (130, "custseg: stopped\n")


def test_a_defect_raises(monkeypatch):
    def fail(path):
        raise KeyError("defect")

    monkeypatch.setattr(_commands, "read_table", fail)
    with pytest.raises(KeyError, match="defect"):
        main(["segment", "a.csv", "--out", "o"])


def test_a_reader_that_leaves_early(run, monkeypatch):
    def leave(path):
        raise BrokenPipeError

    monkeypatch.setattr(_commands, "read_table", leave)
    code, _, error = run("segment a.csv --out o")
    assert (code, error) == (1, "custseg: output was closed before the end\n")


def test_progress_on_a_terminal_only(run, people, monkeypatch):
    people.to_csv("people.csv", index=False)
    command = "segment people.csv --out out --segments 2 --force"
    assert run(command)[2] == ""
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    assert run(command)[0] == 0
    shown = terminal.getvalue()
    assert "Reading people.csv ..." in shown
    assert "Trying 3 candidates on 60 customers ..." in shown
    assert shown.endswith("\r\x1b[K")
    assert "\n" not in shown
