"""Notebooks run, show what they give today, and their files hold nothing else."""

import ast
import contextlib
import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

nbformat = pytest.importorskip("nbformat")
pretty = pytest.importorskip("IPython.lib.pretty").pretty

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
MAX_BYTES = 300_000

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def outputs(notebook):
    """Outputs of all code cells, with the id of their cell."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield cell["id"], output


def texts(notebook):
    """What each cell prints and shows as text; pictures left out."""
    shown = {}
    for cell_id, output in outputs(notebook):
        data = output.get("data", {})
        if "image/png" not in data:
            text = output.get("text") or data.get("text/plain", "") + "\n"
            shown[cell_id] = shown.get(cell_id, "") + text
    return shown


def run(cell, namespace):
    """Run a cell as a kernel does; return what it prints and its last line's value.

    In this process, as a kernel takes five seconds to start and to import the library.
    """
    *body, last = ast.parse(cell.source).body
    shows_value = isinstance(last, ast.Expr) and not cell.source.endswith(";")
    if not shows_value:
        body.append(last)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(ast.Module(body, []), cell["id"], "exec"), namespace)
        if shows_value:
            last = compile(ast.Expression(last.value), cell["id"], "eval")
            value = eval(last, namespace)
            if value is not None:
                out.write(pretty(value) + "\n")
    return out.getvalue()


def stripped(text):
    """Lines without the blanks that pandas leaves at their ends."""
    return [line.rstrip() for line in text.splitlines()]


@each_notebook
@pytest.mark.notebook
def test_runs_and_shows_what_the_file_shows(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = nbformat.read(path, as_version=4)
    shown, namespace = texts(notebook), {"__name__": "notebook"}
    # In notebooks pandas wraps wide tables, in terminals it cuts them.
    with plt.rc_context(), pd.option_context("display.max_columns", 20):
        for cell in notebook.cells:
            if cell.cell_type == "code":
                printed = run(cell, namespace)
                assert stripped(printed) == stripped(shown.get(cell["id"], ""))
    plt.close("all")


@each_notebook
def test_file_is_small_and_clean(path):
    assert path.stat().st_size < MAX_BYTES
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell_id, output in outputs(notebook):
        assert output["output_type"] != "error", cell_id
        assert output.get("name") != "stderr", f"{cell_id} warns"
    text = path.read_text(encoding="utf-8")
    without_pictures = re.sub(r'"image/png": "[^"]*"', "", text)
    absolute = r"(?<![\w.<])/(?:tmp|home|root|usr|opt|work|Users|var)/|[A-Z]:\\\\"
    assert not re.findall(absolute + "|site-packages", without_pictures)


@each_notebook
def test_every_code_cell_was_run_in_order(path):
    cells = nbformat.read(path, as_version=4).cells
    counts = [cell.execution_count for cell in cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
