"""The guide's programs run and show what the page says."""

import contextlib
import io
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def test_guide():
    blocks = re.findall(r"^```(python|text)\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    names, shown, compared = {}, "", 0
    for kind, block in blocks:
        if kind == "python":
            with contextlib.redirect_stdout(io.StringIO()) as out:
                exec(block, names)
            shown = out.getvalue()
        else:
            assert shown == block
            compared += 1
    assert compared == 7
