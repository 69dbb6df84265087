"""Figures, the table and the page."""

import pytest


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (12.34, "12.3 s"),
        (1.0, "1.00 s"),
        (0.09996, "100 ms"),
        (0.0805, "80.5 ms"),
        (0.000121, "121 µs"),
        (2.5e-7, "0.250 µs"),
    ],
)
def test_duration(report, seconds, text):
    assert report.duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9996, "1.00"), (0.1234, "0.123"), (99.96, "100"), (1234567, "1,230,000")],
)
def test_figure(report, value, text):
    assert report.figure(value) == text


def test_times_in_the_unit_of_the_median(report):
    assert report.times([0.9, 1.5, 1.1]) == "1.10 s (0.900 to 1.50)"
    assert report.times([0.010, 0.030]) == "20.0 ms (10.0 to 30.0)"


def case(name="fit", ratio=0.5, **entry):
    ours = {"name": "custseg", "threads": 1, "seconds": [1.0, 1.0, 4.0], "median": 1.0}
    peer = {"name": "other", "threads": 2, "seconds": [2.0, 2.0, 2.0], "median": 2.0}
    peer |= {"ratio": ratio, "ratio_range": [0.5, 2.0], "answer": "same"}
    sides = [ours | {"peak_bytes": 3 * 2**20}, peer | {"peak_bytes": None}]
    return {"case": name, "rows": None, "target": None, "sides": sides} | entry


def test_table(report):
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in report.table([case()]).splitlines()
    ]
    assert cells[0] == [
        *("case", "side", "threads", "median (spread)"),
        *("ours / peer (spread)", "peak memory", "answer"),
    ]
    assert {cell.strip("-") for cell in cells[1]} == {""}
    assert cells[2:] == [
        ["fit", "custseg", "1", "1.00 s (1.00 to 4.00)", "", "3.00 MiB", ""],
        [*("", "other", "2", "2.00 s (2.00 to 2.00)"), *("0.500 (0.500 to 2.00)",)]
        + ["", "same"],
    ]


def test_table_is_aligned_and_shows_speed_where_rows_are_scored(report):
    lines = report.table([case(rows=1000)]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "rows/s" in lines[0]
    assert [line.split("|")[5].strip() for line in lines[2:]] == ["1,000", "500"]


def test_reading_names_what_is_faster_and_what_is_slower(report):
    cases = [case("a", 0.5), case("b", 0.95), case("c", 1.05), case("d", 1.5)]
    assert report.compared(cases) == (
        "Time of ours over that of the first peer, within 10 % counted as alike. "
        "Faster: a (0.500). Alike: b (0.950); c (1.05). Slower: d (1.50)."
    )


@pytest.mark.parametrize(
    ("target", "line"),
    [
        (
            {"of": "excess", "reached": -0.0005, "met": True},
            "limit: met (500 µs less)",
        ),
        (
            {"of": "excess", "reached": 0.25, "met": False},
            "limit: MISSED (250 ms more)",
        ),
        ({"of": "ratio", "reached": 0.5, "met": True}, "limit: met (0.500)"),
    ],
)
def test_target_line(report, target, line):
    assert report.target_line({"text": "limit", **target}) == line


def test_environment_says_sizes_and_versions_only(report):
    found = report.environment()
    assert found["cores"] >= 1
    assert {"Python", "custseg", "numpy", "scikit-learn"} <= set(found["versions"])
    line = report.machine_line(found)
    assert found["date"] in line
    assert "/" not in line


def test_page(report, run_all):
    environment = {
        "date": "2026-01-31",
        "system": "Linux x86_64",
        "cores": 4,
        "memory_gib": 16,
        "load_at_start": 0.25,
        "versions": {"Python": "3.13.0"},
    }
    result = {
        "title": "K-means",
        "about": "What is measured.",
        "reading": "Why.",
        "environment": environment,
        "cases": [case()],
    }
    page = run_all.page([result])
    assert page.startswith("# Benchmarks\n")
    assert "\n## K-means\n\nWhat is measured.\n\n| case " in page
    text = " ".join(page.split())
    assert (
        "Measured on 2026-01-31, Linux x86_64, 4 cores, 16 GiB of memory; Python 3.13.0"
        in text
    )
    assert text.index("| fit ") < text.index("Faster: fit (0.500). Why.")


def test_page_from_kept_results_measures_nothing(run_all, monkeypatch, tmp_path):
    kept, page = tmp_path / "kept.json", tmp_path / "page.md"
    kept.write_text("[1]")
    monkeypatch.setattr(run_all, "PAGE", page)
    monkeypatch.setattr(run_all, "page", lambda results: f"page of {results}")
    monkeypatch.setattr("sys.argv", ["run_all.py", "--from", str(kept)])
    assert run_all.main() == 0
    assert page.read_text() == "page of [1]"


@pytest.mark.parametrize(("arguments", "passed"), [([], False), (["--quick"], True)])
def test_page_stays_after_a_failure_and_a_quick_run(
    run_all, monkeypatch, tmp_path, arguments, passed
):
    page = tmp_path / "page.md"
    page.write_text("as it was")
    monkeypatch.setattr(run_all, "PAGE", page)
    monkeypatch.setattr(run_all, "measured", lambda options: ([], passed))
    monkeypatch.setattr("sys.argv", ["run_all.py", *arguments])
    assert run_all.main() == (0 if passed else 1)
    assert page.read_text() == "as it was"
