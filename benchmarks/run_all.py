"""Runs all benchmarks and writes docs/benchmarks.md from their results.

python benchmarks/run_all.py                 about twenty minutes, writes the page
python benchmarks/run_all.py --quick         a smoke test, leaves the page alone
python benchmarks/run_all.py --json FILE     keeps the results
python benchmarks/run_all.py --from FILE     writes the page from kept results
"""

import argparse
import json
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

from _report import filled, machine_line, section

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
SCRIPTS = (
    "import_time",
    "demo",
    "tables",
    "features",
    "silhouette",
    "kmeans",
    "hierarchy",
    "som",
    "mixtures",
    "selection",
    "discriminant",
    "typing_tool",
    "batch",
    "scorer",
)
WITH_MEMORY = ("import_time", "silhouette")  # in a quick run: a process and a call
INTRODUCTION = """\
# Benchmarks

What custseg costs beside the libraries that one would use without it. The scripts are
in `benchmarks/`, one a question, and this page is written from their results:

```sh
python benchmarks/run_all.py             # all of them, rewrites this page
python benchmarks/kmeans.py              # one, prints its table
python benchmarks/kmeans.py --quick      # small inputs: only shows that it runs
python benchmarks/kmeans.py --repeats 15 --json kmeans.json
```

All sides of a case are timed in turn (ours, peer, ours, peer, ...) in one run after a
warm-up. *Median (spread)* is the median of the repeats with the smallest and the
largest. *Ours / peer* is the median of the ratios pair by pair with the smallest and
the largest; below 1 ours is faster. *Threads* is what BLAS and OpenMP are held to on
that side. *Peak memory* comes from one more run of each side in a fresh process: the
largest resident size of the run, less, where a section says so, the size with imports
done and input made. *Answer* is what comparing the two answers gave; a script fails if
they must be the same and are not.
"""


def page(results):
    """Return the whole page."""
    environment = results[0]["environment"]
    loads = [result["environment"]["load_at_start"] for result in results]
    machine = f"Measured on {machine_line(environment)}"
    if None not in loads:
        machine += (
            f" Load average before each script: {min(loads):.1f} to {max(loads):.1f}"
            " (a script that runs adds one)."
        )
    sections = [section(result) for result in results]
    return "\n\n".join([INTRODUCTION.strip(), filled(machine), *sections]) + "\n"


def run_alone(script):
    """Run a script in a fresh interpreter; return its exit code."""
    return subprocess.run([sys.executable, *script], check=False).returncode


def run_here(script):
    """Run a script in this process, which has the libraries in memory already."""
    sys.argv = script
    try:
        runpy.run_path(script[0], run_name="__main__")
    except SystemExit as stop:
        return stop.code
    return 0


def measured(options):
    """Run the scripts one after the other; return results and whether all passed."""
    passed, results = True, []
    with tempfile.TemporaryDirectory() as folder:
        for name in SCRIPTS:
            kept = Path(folder) / f"{name}.json"
            arguments = ["--json", str(kept)] + ["--quick"] * options.quick
            if options.quick and name not in WITH_MEMORY:
                arguments.append("--no-memory")
            if options.repeats:
                arguments += ["--repeats", str(options.repeats)]
            script = [str(HERE / f"{name}.py"), *arguments]
            code = run_here(script) if options.quick else run_alone(script)
            print(flush=True)
            passed = passed and code == 0
            if kept.exists():
                results.append(json.loads(kept.read_text()))
    return results, passed


def main():
    first, _, usage = __doc__.partition("\n")
    parser = argparse.ArgumentParser(
        description=first,
        epilog=usage,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--repeats", type=int, help="measurements of each side")
    parser.add_argument("--quick", action="store_true", help="smoke test, no page")
    parser.add_argument("--json", metavar="FILE", help="keep the results here")
    parser.add_argument("--from", dest="kept", metavar="FILE", help="measure nothing")
    options = parser.parse_args()
    if options.kept:
        results, passed = json.loads(Path(options.kept).read_text()), True
    else:
        results, passed = measured(options)
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1) + "\n")
    if not passed:
        print("A benchmark failed; the page is as it was.", file=sys.stderr)
        return 1
    if not options.quick:
        PAGE.write_text(page(results))
        print("Written: docs/benchmarks.md")
    return 0


if __name__ == "__main__":
    sys.exit(main())
