"""Results as one Markdown table, and the machine they were measured on."""

import datetime
import os
import platform
import sys
import textwrap
from importlib import metadata, util
from statistics import median

LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "joblib",
    "narwhals",
    "duckdb",
    "polars",
    "matplotlib",
    "onnxruntime",
    "skl2onnx",
)
_ALIKE = 0.1  # ratios within 10 % of one count as alike


def environment():
    """Date, versions and size of the machine; nothing that names it."""
    versions = {"Python": platform.python_version(), "custseg": _custseg_version()}
    for library in LIBRARIES:
        if util.find_spec(library.replace("scikit-learn", "sklearn")):
            versions[library] = metadata.version(library)
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gib": _memory_gib(),
        "load_at_start": _load(),
        "versions": versions,
    }


def _custseg_version():
    import custseg

    return custseg.__version__


def _memory_gib():
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    return round(pages * size / 2**30)


def _load():
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def machine_line(environment):
    """Return the machine and the versions as one paragraph."""
    versions = ", ".join(f"{k} {v}" for k, v in environment["versions"].items())
    memory = environment["memory_gib"]
    return (
        f"{environment['date']}, {environment['system']}, {environment['cores']} cores"
        f"{f', {memory} GiB of memory' if memory else ''}; {versions}."
    )


def figure(value):
    """Three significant digits, thousands with commas."""
    value = float(f"{value:.3g}")
    decimals = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:,.{decimals}f}"


def _unit(seconds):
    """Unit that a duration reads best in, and its size in seconds."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return unit, size
    return "µs", 1e-6


def duration(seconds):
    """Return a duration in the unit that reads best."""
    unit, size = _unit(seconds)
    return f"{figure(seconds / size)} {unit}"


def times(seconds):
    """Median and spread, in the unit of the median."""
    centre = median(seconds)
    unit, size = _unit(centre)
    low, high = figure(min(seconds) / size), figure(max(seconds) / size)
    return f"{figure(centre / size)} {unit} ({low} to {high})"


def ratio(entry):
    """Ratio and its spread."""
    low, high = entry["ratio_range"]
    return f"{figure(entry['ratio'])} ({figure(low)} to {figure(high)})"


def mebibytes(size):
    """Return a size in MiB."""
    return "" if size is None else f"{figure(size / 2**20)} MiB"


def target_line(target):
    """Return the limit, what was reached and whether that is enough."""
    if target["of"] == "excess":
        reached = (
            f"{duration(abs(target['reached']))} "
            f"{'more' if target['reached'] > 0 else 'less'}"
        )
    elif target["of"] == "seconds":
        reached = duration(target["reached"])
    else:
        reached = figure(target["reached"])
    verdict = "met" if target["met"] else "MISSED"
    return f"{target['text']}: {verdict} ({reached})"


def table(cases):
    """All cases as a Markdown table, ours first in each."""
    columns = ["case", "side", "threads", "median (spread)", "rows/s"]
    columns += ["ours / peer (spread)", "peak memory", "answer"]
    rows = []
    for case in cases:
        for i, side in enumerate(case["sides"]):
            speed = figure(case["rows"] / side["median"]) if case["rows"] else ""
            cells = ["" if i else case["case"], side["name"], str(side["threads"])]
            cells += [times(side["seconds"]), speed, ratio(side) if i else ""]
            cells += [mebibytes(side["peak_bytes"]), side.get("answer", "")]
            rows.append(cells)
    kept = [j for j in range(len(columns)) if any(row[j] for row in rows)]
    return _markdown([[row[j] for j in kept] for row in [columns, *rows]])


def _markdown(rows):
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        f"| {' | '.join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))} |"
        for row in rows
    ]
    lines.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    return "\n".join(lines)


def compared(cases):
    """One sentence: where ours is faster, alike or slower than the first peer."""
    groups = {"faster": [], "alike": [], "slower": []}
    for case in cases:
        value = case["sides"][1]["ratio"]
        word = "slower" if value > 1 + _ALIKE else "alike"
        word = "faster" if value < 1 - _ALIKE else word
        groups[word].append(f"{case['case']} ({figure(value)})")
    said = [f"{word}: {'; '.join(names)}" for word, names in groups.items() if names]
    return (
        "Time of ours over that of the first peer, within 10 % counted as alike. "
        + ". ".join(one[0].upper() + one[1:] for one in said)
        + "."
    )


def filled(text):
    """One paragraph in lines of the page's width."""
    return textwrap.fill(" ".join(text.split()), 88, break_on_hyphens=False)


def section(result):
    """One script as a section of the page."""
    parts = [f"## {result['title']}", result["about"], table(result["cases"])]
    targets = [case["target"] for case in result["cases"] if case["target"]]
    if targets:
        parts.append(filled("Target: " + "; ".join(map(target_line, targets)) + "."))
    parts.append(filled(f"{compared(result['cases'])} {result['reading']}"))
    return "\n\n".join(parts)


def print_result(result):
    """Print what the page will say, and on what machine."""
    load = result["environment"]["load_at_start"]
    print(f"{section(result)}\n\n{machine_line(result['environment'])}")
    if load is not None:
        print(f"Load average when it began: {load}.")
    if result["quick"]:
        print("Quick run: inputs are too small for conclusions.", file=sys.stderr)
