"""What the harness does with sides whose times and answers are made up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


class Fake:
    """A side that says how long it took: the seconds given, one call after another."""

    def __init__(self, name, seconds, answer=1, peak=0, log=None):
        self.name, self.threads, self.answer, self.size = name, 1, answer, peak
        self.seconds, self.log, self.numbers = iter(seconds), log, []

    def start(self):
        def timed(number=1):
            self.numbers.append(number)
            if self.log is not None:
                self.log.append(self.name)
            return next(self.seconds), self.answer

        return timed

    def peak(self, address):
        return self.size

    def peak_here(self):
        return 4096


def test_sides_take_turns_after_a_warm_up(harness):
    log = []
    sides = tuple(Fake(name, [1.0] * 4, log=log) for name in "ABC")
    seconds, _ = harness.measure(harness.Case("case", sides), repeats=3)
    assert "".join(log) == "ABC" + "ABCABCABC"
    assert seconds == [[1.0, 1.0, 1.0]] * 3


def test_warm_up_counts_for_nothing_but_the_answer(harness):
    sides = Fake("ours", [9.0, 1.0, 2.0], answer=7), Fake("peer", [8.0, 3.0, 4.0])
    seconds, answers = harness.measure(harness.Case("case", sides), repeats=2)
    assert seconds == [[1.0, 2.0], [3.0, 4.0]]
    assert answers == [7, 1]


def test_short_calls_are_repeated_alike_on_both_sides(harness):
    # A first call of 1 ms is looked at again; the shortest is then 0.1 ms, and
    # 20 ms of it are 200 calls.
    sides = Fake("ours", [1e-3, 1e-4, 1e-4]), Fake("peer", [5.0, 5.0, 5.0])
    harness.measure(harness.Case("case", sides), repeats=1)
    assert [side.numbers for side in sides] == [[1, 1, 200], [1, 1, 200]]


def test_slow_cases_bound_the_repeats(harness):
    sides = Fake("ours", [1.0] * 9), Fake("peer", [1.0] * 9)
    case = harness.Case("case", sides, repeats=2)
    assert len(harness.measure(case, repeats=5)[0][0]) == 2
    assert len(harness.measure(case, repeats=1)[0][0]) == 1


def test_without_a_warm_up_the_first_calls_count(harness):
    sides = Fake("ours", [5.0, 1.0]), Fake("peer", [7.0, 2.0])
    case = harness.Case("case", sides, warm_up=False)
    assert harness.measure(case, repeats=2)[0] == [[5.0, 1.0], [7.0, 2.0]]


def test_seconds_of_each_row(harness):
    sides = Fake("ours", [1.0, 8.0]), Fake("peer", [1.0, 4.0])
    case = harness.Case("case", sides, rows=4, each=True)
    seconds, answers = harness.measure(case, repeats=1)
    assert seconds == [[2.0], [1.0]]
    assert harness.record(case, seconds, answers, [0, 0])["rows"] == 1


def test_ratio_is_the_median_of_pairs(harness):
    # Pairs: 1/2, 6/3, 4/4. Their median is 1; the ratio of the medians is 4/3.
    sides = Fake("ours", []), Fake("peer", [])
    seconds = [[1.0, 6.0, 4.0], [2.0, 3.0, 4.0]]
    entry = harness.record(harness.Case("case", sides), seconds, [1, 1], [0, 0])
    peer = entry["sides"][1]
    assert peer["ratio"] == 1.0
    assert peer["ratio_range"] == [0.5, 2.0]
    assert (entry["sides"][0]["median"], peer["median"]) == (4.0, 3.0)


@pytest.mark.parametrize(
    ("of", "limit", "reached", "met"),
    [
        # Pairs differ by -1, 3, 0 seconds and have ratios 1/2, 2, 1.
        ("excess", 0.0, 0.0, True),
        ("excess", -0.5, 0.0, False),
        ("ratio", 1.0, 1.0, True),
        ("ratio", 0.9, 1.0, False),
    ],
)
def test_target(harness, of, limit, reached, met):
    sides = Fake("ours", []), Fake("peer", [])
    case = harness.Case("case", sides, target=harness.Target("limit", limit, of))
    seconds = [[1.0, 6.0, 4.0], [2.0, 3.0, 4.0]]
    target = harness.record(case, seconds, [1, 1], [0, 0])["target"]
    assert (target["reached"], target["met"]) == (reached, met)


def must_be_equal(harness):
    def agree(ours, peer):
        if ours != peer:
            raise harness.WrongAnswerError(f"{ours} and {peer}")
        return "same"

    return agree


def run(harness, monkeypatch, sides, *arguments):
    monkeypatch.setattr(sys, "argv", ["script.py", *arguments])
    agree = must_be_equal(harness)
    target = harness.Target("at most twice as long", 2.0)

    def cases(quick):
        return [
            harness.Case("first", sides, agree, rows=10, target=target),
            harness.Case("second", sides, agree),
        ]

    return harness.run("script.py", "Title\n\nWhat is measured.\n", cases, "Why.")


def sides(peer_answer=1):
    ours = Fake("custseg", [1.0] * 50, peak=3 * 2**20)
    return ours, Fake("other", [2.0] * 50, peer_answer, peak=2**20)


def test_json_has_all_that_was_measured(harness, monkeypatch, tmp_path, capsys):
    path = tmp_path / "result.json"
    options = ["--repeats", "3", "--json", str(path)]
    assert run(harness, monkeypatch, sides(), *options) == 0
    result = json.loads(path.read_text())
    assert set(result) == {
        *("script", "title", "about", "reading"),
        *("quick", "environment", "cases"),
    }
    assert (result["script"], result["title"]) == ("script", "Title")
    assert set(result["environment"]) == {
        *("date", "system", "cores", "memory_gib", "load_at_start", "versions"),
    }
    first, second = result["cases"]
    assert set(first) == set(second) == {"case", "rows", "target", "sides"}
    assert first["target"]["met"] is True
    assert second["target"] is None
    ours, peer = first["sides"]
    assert ours == {
        "name": "custseg",
        "threads": 1,
        "seconds": [1.0, 1.0, 1.0],
        "median": 1.0,
        "peak_bytes": 3 * 2**20,
    }
    assert set(peer) - set(ours) == {"ratio", "ratio_range", "answer", "wrong"}
    assert (peer["ratio"], peer["answer"], peer["wrong"]) == (0.5, "same", False)


def test_wrong_answers_are_shown_and_fail_the_script(harness, monkeypatch, capsys):
    assert run(harness, monkeypatch, sides(peer_answer=2), "--repeats", "1") == 1
    assert "WRONG: 1 and 2" in capsys.readouterr().out


def test_missed_targets_are_shown_and_fail_nothing(harness, monkeypatch, capsys):
    slow = Fake("custseg", [5.0] * 50), Fake("other", [1.0] * 50)
    assert run(harness, monkeypatch, slow, "--repeats", "1") == 0
    assert "at most twice as long: MISSED (5.00)" in capsys.readouterr().out


def test_quick_calls_once_and_measures_memory_once(harness, monkeypatch, tmp_path):
    path = tmp_path / "result.json"
    run(harness, monkeypatch, sides(), "--quick", "--json", str(path))
    first, second = json.loads(path.read_text())["cases"]
    assert len(first["sides"][0]["seconds"]) == 1
    peaks = [side["peak_bytes"] for case in (first, second) for side in case["sides"]]
    assert peaks == [3 * 2**20, None, None, None]


def test_memory_of_one_side_is_asked_for_by_its_numbers(harness, monkeypatch, capsys):
    assert run(harness, monkeypatch, sides(), "--peak", "1", "0") == 0
    assert capsys.readouterr().out == "4096\n"


MEMORY = """
import _harness

def prepare():
    bytearray({forgotten} * 2**20)  # input made and forgotten
    return lambda: len(bytearray(32 * 2**20))

print(_harness.Call("call", prepare).peak_here())
"""


def peak_in_a_fresh_process(harness, forgotten):
    # The process of the tests has had larger peaks, which not all systems forget.
    code = MEMORY.format(forgotten=forgotten)
    folder = Path(harness.__file__).parent
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_memory_of_a_call_is_what_it_takes_and_gives_back(harness):
    assert 24 * 2**20 < peak_in_a_fresh_process(harness, 0) < 48 * 2**20


def test_memory_of_input_made_and_forgotten_does_not_count(harness):
    assert peak_in_a_fresh_process(harness, 96) < 48 * 2**20


def test_a_process_runs_in_an_empty_folder_and_is_read(harness):
    code = "import os; print(os.listdir()); open('answer', 'w').write('42')"
    side = harness.Process("one", code, lambda folder: (folder / "answer").read_text())
    seconds, answer = side.start()()
    assert seconds > 0
    assert answer == "42"
    small, large = (
        harness.Process("size", f"x = bytearray({size} * 2**20)").peak([])
        for size in (1, 101)
    )
    assert 90 * 2**20 < large - small < 110 * 2**20


def test_a_process_that_fails_says_why(harness):
    side = harness.Process("one", "raise SystemExit('no such luck')")
    with pytest.raises(RuntimeError, match="no such luck"):
        side.start()()


def test_threads_are_held_in_processes(harness):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    found = harness.child_environment(3)
    assert [found[name] for name in names] == ["3"] * 3
