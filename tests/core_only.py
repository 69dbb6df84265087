"""What works without any extra: run as a script where only the core is installed."""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

from sklearn.pipeline import make_pipeline

import custseg as cs
from custseg.datasets import load_wholesale


def main():
    """Walk the road and see what is said where an extra is missing."""
    extras = ("matplotlib", "openpyxl", "polars", "pyarrow", "duckdb", "dask", "pytest")
    for extra in extras:
        assert importlib.util.find_spec(extra) is None, f"{extra} is installed"
    spend = load_wholesale().drop(columns=["Channel", "Region"])
    search = cs.SegmentSearch([cs.KMeansSegmenter()], random_state=0)
    road = make_pipeline(cs.BehaviouralTransformer(), search).fit(spend)
    assert road.predict(spend[:1])[0] == search.labels_[0]
    display = cs.SegmentSearchDisplay.from_search(search)
    assert len(display.frame()) == 7
    try:
        display.plot()
    except ImportError as error:
        assert 'pip install "custseg[plot]"' in str(error)
    else:
        raise AssertionError("plot must say which extra it needs")
    tool = cs.TypingTool(1).fit(spend, search.labels_)
    try:
        tool.to_excel("tool.xlsx")
    except ImportError as error:
        assert 'pip install "custseg[xlsx]"' in str(error)
    else:
        raise AssertionError("to_excel must say which extra it needs")
    with tempfile.TemporaryDirectory() as folder:
        run = [sys.executable, "-W", "error", "-m", "custseg", "demo"]
        subprocess.run([*run, "--out", folder], check=True, capture_output=True)
        written = {path.name for path in Path(folder).iterdir()}
    assert {"segments.csv", "profile.csv", "model.joblib"} <= written
    assert not any(name.endswith(".png") for name in written)
    sys.stdout.write("the core works without extras\n")


if __name__ == "__main__":
    main()
