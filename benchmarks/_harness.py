"""Measures ours against named peers in one run and prints one table.

A script has a docstring (title, what is measured), `cases(quick)` and a `READING`,
and ends in `run(...)`. Sides of a case are timed in turn (A B A B ...) after a warm-up,
so that whatever else the machine does meets all of them alike; the ratio is the median
of the ratios pair by pair. Peak memory comes from one more run of each side in a fresh
process. This module imports the standard library only, so that the processes it starts
are not measured by its size.
"""

import argparse
import gc
import importlib.util
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from statistics import median

from _report import environment, print_result

ROOT = Path(__file__).resolve().parents[1]
_SHORTEST = 0.02  # seconds; faster calls are repeated within one measurement
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Nothing but what an interpreter has loaded anyway, so that it adds no memory.
_PRINT_PEAK = """\
import atexit, sys
def _peak():
    try:
        with open("/proc/self/status") as status:
            kib = next(x for x in status if x.startswith("VmHWM")).split()[1]
    except OSError:
        import resource
        kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        kib //= 1024 if sys.platform == "darwin" else 1
    print("\\npeak", int(kib) * 1024, file=sys.stderr)
atexit.register(_peak)
"""
_INSTALLED = importlib.util.find_spec("custseg") is not None


class WrongAnswerError(AssertionError):
    """The peer's answer is another one than ours."""


class Call:
    """A function of this process.

    Parameters
    ----------
    name : str
    prepare : callable
        Imports, makes the input and returns the function without arguments to time.
    threads : int, default=1
        What BLAS and OpenMP are held to.
    blas : int, default=None
        What BLAS is held to; None for as many as OpenMP.
    """

    def __init__(self, name, prepare, threads=1, blas=None):
        self.name, self.prepare, self.threads = name, prepare, threads
        self.limits = {"openmp": threads, "blas": blas or threads}

    def start(self):
        """Return a function that runs once so many calls: (seconds a call, answer)."""
        from threadpoolctl import threadpool_limits

        call = self.prepare()

        def timed(number=1):
            gc.collect()
            with threadpool_limits(self.limits):
                begin = time.perf_counter()
                for _ in range(number):
                    answer = call()
                return (time.perf_counter() - begin) / number, answer

        return timed

    def peak(self, address):
        """Bytes above the input and the imports, measured in a fresh process."""
        run = [sys.executable, *address]
        done = _run(run, env=child_environment(self.threads))
        return int(done.stdout.split()[-1])

    def peak_here(self):
        """Bytes that one call takes above what is there before it."""
        timed = self.start()
        gc.collect()
        before = _reset_peak()
        timed()
        return max(0, peak_bytes() - before)


class Process:
    """Code run by a fresh interpreter in an empty folder.

    Parameters
    ----------
    name : str
    code : str
    read : callable, default=None
        Gets the folder after the run and returns the answer.
    threads : int, default=1
    """

    def __init__(self, name, code, read=None, threads=1):
        self.name, self.code, self.read, self.threads = name, code, read, threads

    def start(self):
        """Return a function that runs the process: (seconds a run, answer)."""

        def timed(number=1):
            seconds = 0.0
            for _ in range(number):
                one, answer, _ = self._run(self.code)
                seconds += one
            return seconds / number, answer

        return timed

    def peak(self, address):
        """Bytes of the whole process, interpreter and libraries included."""
        return int(self._run(_PRINT_PEAK + self.code)[2].split()[-1])

    def _run(self, code):
        with tempfile.TemporaryDirectory() as folder:
            environment = child_environment(self.threads)
            begin = time.perf_counter()
            done = _run([sys.executable, "-c", code], cwd=folder, env=environment)
            seconds = time.perf_counter() - begin
            answer = self.read(Path(folder)) if self.read else None
        return seconds, answer, done.stderr


@dataclass(frozen=True)
class Target:
    """A limit on the median of pairs: "excess" in seconds, or "ratio".

    "seconds" limits the median of ours alone.
    """

    text: str
    limit: float
    of: str = "ratio"


@dataclass(frozen=True)
class Case:
    """One thing measured: ours first, then peers.

    `agree(ours, peer)` returns what the table says of the two answers and raises
    `WrongAnswerError` where they must be the same and are not. `rows` is how many
    customers one call scores, and with `each` the seconds are those of one of them;
    `repeats` bounds those of a slow case, and without `warm_up` its first calls count.
    """

    name: str
    sides: tuple
    agree: Callable | None = None
    rows: int | None = None
    target: Target | None = None
    repeats: int | None = None
    each: bool = False
    warm_up: bool = True


def _run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise RuntimeError(f"A measured process failed:\n{done.stderr}")
    return done


def child_environment(threads):
    """Environment of a measured process: threads held, custseg found."""
    variables = {**os.environ, **dict.fromkeys(_THREAD_VARIABLES, str(threads))}
    if not _INSTALLED:
        variables["PYTHONPATH"] = str(ROOT)
    return variables


def peak_bytes():
    """Largest resident size of this process since it began or was last reset."""
    found = _status("VmHWM")
    if found is None:
        import resource  # not everywhere

        unit = 1 if sys.platform == "darwin" else 1024
        found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return found


def _status(field):
    """Return a size from Linux's own account, which knows nothing of the parent."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    sizes = [int(x.split()[1]) * 1024 for x in lines if x.startswith(field + ":")]
    return sizes[0] if sizes else None


def _reset_peak():
    """Forget earlier peaks where the system can; return the size to count from."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return peak_bytes()
    return _status("VmRSS") or peak_bytes()


def pair_ratios(ours, peer):
    """Ours over the peer's, repeat by repeat."""
    return [a / b for a, b in zip(ours, peer, strict=True)]


def measure(case, repeats, quick=False):
    """Time all sides in turn; return seconds a call for each side, and answers."""
    timed = [side.start() for side in case.sides]
    first = [run() for run in timed]
    answers = [answer for _, answer in first]
    if quick:  # it runs, and the answers agree: no more is asked
        return [[seconds] for seconds, _ in first], answers
    shortest = min(seconds for seconds, _ in first)
    if shortest < _SHORTEST:  # a first call also imports and allocates: look again
        shortest = min(run()[0] for run in timed)
    number = max(1, math.ceil(_SHORTEST / max(shortest, 1e-9)))
    seconds = [[] if case.warm_up else [one] for one, _ in first]
    for _ in range(len(seconds[0]), min(repeats, case.repeats or repeats)):
        for of_side, run in zip(seconds, timed, strict=True):
            of_side.append(run(number)[0] / (case.rows if case.each else 1))
    return seconds, answers


def record(case, seconds, answers, peaks):
    """Return one case as plain data, ready for JSON."""
    sides = []
    for i, side in enumerate(case.sides):
        entry = {
            "name": side.name,
            "threads": side.threads,
            "seconds": seconds[i],
            "median": median(seconds[i]),
            "peak_bytes": peaks[i],
        }
        if i:
            ratios = pair_ratios(seconds[0], seconds[i])
            entry["ratio"] = median(ratios)
            entry["ratio_range"] = [min(ratios), max(ratios)]
            entry["answer"], entry["wrong"] = _answer(case, answers[0], answers[i])
        sides.append(entry)
    return {
        "case": case.name,
        "rows": 1 if case.each else case.rows,
        "target": _target(case.target, seconds),
        "sides": sides,
    }


def _answer(case, ours, peer):
    if case.agree is None:
        return "", False
    try:
        return case.agree(ours, peer), False
    except WrongAnswerError as error:
        return f"WRONG: {error}", True


def _target(target, seconds):
    if target is None:
        return None
    pairs = list(zip(seconds[0], seconds[1], strict=True))
    of_pair = {
        "excess": lambda ours, peer: ours - peer,
        "ratio": lambda ours, peer: ours / peer,
        "seconds": lambda ours, peer: ours,
    }
    reached = median(starmap(of_pair[target.of], pairs))
    return {
        "text": target.text,
        "of": target.of,
        "limit": target.limit,
        "reached": reached,
        "met": reached <= target.limit,
    }


def _peaks(script, number, case, quick):
    """Peak memory of each side; in a quick run only of ours in the first case."""
    peaks = [None] * len(case.sides)
    for i, side in enumerate(case.sides):
        if not quick or number == i == 0:
            address = [script, "--peak", str(number), str(i), *["--quick"] * quick]
            peaks[i] = side.peak(address)
    return peaks


def _options(text):
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--repeats", type=int, help="measurements of each side")
    parser.add_argument(
        "--quick", action="store_true", help="small inputs, each once: a smoke test"
    )
    parser.add_argument("--no-memory", action="store_true", help="measure time alone")
    parser.add_argument("--json", metavar="FILE", help="write the results here as well")
    parser.add_argument("--peak", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.repeats = options.repeats or 7
    return options


def run(script, text, cases, reading):
    """Measure the cases of a script, print the table; return the exit code.

    Parameters
    ----------
    script : str
        File of the script, which is started again to measure memory.
    text : str
        Its docstring: the title, then what is measured.
    cases : callable
        ``cases(quick)`` lists the cases.
    reading : str
        Why it is as it is.

    Returns
    -------
    code : int
        1 if an answer was wrong, else 0; a missed target is printed and no failure.
    """
    if not _INSTALLED:
        sys.path.append(str(ROOT))
    options = _options(text)
    listed = cases(options.quick)
    if options.peak:
        case, side = options.peak
        print(listed[case].sides[side].peak_here())
        return 0
    title, _, about = text.partition("\n")
    result = {
        "script": Path(script).stem,
        "title": title.strip(),
        "about": about.strip(),
        "reading": reading.strip(),
        "quick": options.quick,
        "environment": environment(),
        "cases": [],
    }
    for i, case in enumerate(listed):
        print(f"... {case.name}", file=sys.stderr)
        peaks = [None] * len(case.sides)
        if not options.no_memory:
            peaks = _peaks(script, i, case, options.quick)
        timed = measure(case, options.repeats, options.quick)
        result["cases"].append(record(case, *timed, peaks))
    print_result(result)
    if options.json:
        Path(options.json).write_text(json.dumps(result, indent=1) + "\n")
    wrong = [s for case in result["cases"] for s in case["sides"] if s.get("wrong")]
    return 1 if wrong else 0
