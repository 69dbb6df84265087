"""Notebooks run, show what they give today, and their files hold nothing else."""

import re
from pathlib import Path

import pytest

pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
import nbformat
from nbclient import NotebookClient

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
    """What each cell prints and shows as text, in lines; pictures left out."""
    shown = {}
    for cell_id, output in outputs(notebook):
        data = output.get("data", {})
        if "image/png" not in data:
            text = output.get("text") or data.get("text/plain", "") + "\n"
            shown[cell_id] = shown.get(cell_id, "") + text
    return {
        cell_id: [line.rstrip() for line in text.splitlines()]
        for cell_id, text in shown.items()
    }


# What the machinery that runs notebooks warns of is not ours; cells run elsewhere.
@pytest.mark.filterwarnings("default")
@each_notebook
@pytest.mark.slow
def test_runs_and_shows_what_the_file_shows(path, tmp_path, monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    committed = nbformat.read(path, as_version=4)
    run = nbformat.read(path, as_version=4)
    client = NotebookClient(
        run,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()  # raises CellExecutionError, which shows the cell
    assert texts(run) == texts(committed)


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
