"""The blocks of docs/features.md run and print what the page shows."""

import contextlib
import io
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
BLOCK = re.compile(r"```(python|text)\n(.*?)```", re.DOTALL)


def test_the_guide_shows_what_its_code_prints():
    if not PAGE.exists():
        pytest.skip("the documentation is not beside the tests")
    space, printed, compared = {}, "", 0
    for language, body in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if language == "python":
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(compile(body, PAGE.name, "exec"), space)
            printed = output.getvalue()
        else:
            assert [line.rstrip() for line in printed.splitlines()] == [
                line.rstrip() for line in body.splitlines()
            ]
            compared += 1
    assert compared >= 9
