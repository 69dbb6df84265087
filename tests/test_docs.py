"""The code of README and guide runs and prints what the page shows; links lead on."""

import contextlib
import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
# Pages of more than a second or two, each with its reason: in `make test-all`.
LONG = {
    "accuracy": "segments are learned anew in every fold",
    "assignment": "models are fitted in folds",
    "command_line": "models are fitted by commands",
    "mixtures": "a bootstrap likelihood-ratio test, and parameters of resamples",
    "outcome": "segments are learned anew in every fold",
    "pitfalls": "refits and structure tests of three populations of customers",
    "plotting": "a picture of every display",
    "quickstart": "a search, its stability and a profile",
    "selection": "searches by several criteria and rules",
    "stability": "refits to resamples, and tests of structure",
    "structure": "draws from the null for four tables",
    "typing_tool": "questions are chosen anew in every fold",
}


def blocks(page):
    """Fenced blocks as (language, text); a text block is what the code above prints."""
    return re.findall(r"^```(python|text)\n(.*?)^```$", page.read_text(), re.M | re.S)


def stripped(text):
    """Lines without the blanks that pandas leaves at their ends."""
    return [line.rstrip() for line in text.splitlines()]


def marked(page):
    """Mark long pages, and the one with Spark, which runs where Spark's tests do."""
    marks = [pytest.mark.page] if page.stem in LONG else []
    if page.stem == "engines":
        marks = [pytest.mark.distributed, pytest.mark.xdist_group("spark")]
    return pytest.param(page, marks=marks, id=page.stem)


@pytest.mark.parametrize("page", [marked(page) for page in PAGES if blocks(page)])
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
