"""The code of README and guide runs and prints what the page shows; links lead on."""

import contextlib
import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def blocks(page):
    """Fenced blocks as (language, text); a text block is what the code above prints."""
    return re.findall(r"^```(python|text)\n(.*?)^```$", page.read_text(), re.M | re.S)


def stripped(text):
    """Lines without the blanks that pandas leaves at their ends."""
    return [line.rstrip() for line in text.splitlines()]


def of_one_worker(page):
    """Let the page with Spark run where the tests with Spark do: one is enough."""
    marks = [pytest.mark.xdist_group("spark")] if page.stem == "engines" else []
    return pytest.param(page, marks=marks, id=page.stem)


@pytest.mark.parametrize("page", [of_one_worker(p) for p in PAGES if blocks(p)])
@pytest.mark.slow
def test_code_runs_and_prints_what_the_page_shows(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace, printed = {"__name__": "page"}, ""
    for number, (language, block) in enumerate(blocks(page), start=1):
        if language == "text":
            assert stripped(printed) == stripped(block)
            continue
        code = compile(block, f"{page.name}, block {number}", "exec")
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, namespace)
        printed = out.getvalue()
    plt.close("all")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_to_files(page):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target
