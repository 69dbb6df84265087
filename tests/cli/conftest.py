"""A folder to work in, a table of two plain segments, and the command line."""

import numpy as np
import pandas as pd
import pytest

from custseg.cli import _results, main


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Tests name files as a user does, in the folder they stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def _no_pictures(request, monkeypatch):
    """Pictures take most of the time of a run."""
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr(_results, "_draw", lambda *args: ())


@pytest.fixture
def pictures():
    """Ask for them."""


@pytest.fixture
def people():
    """30 customers who come and spend little, 30 who come and spend much."""
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "name": [f"Customer {i}" for i in range(60)],
            "customer_id": [f"{i:04d}" for i in range(60)],
            "signup": pd.date_range("2024-01-01", periods=60).strftime("%d.%m.%Y"),
            "visits": np.r_[rng.poisson(3, 30), rng.poisson(40, 30)],
            "spend": np.r_[rng.gamma(9, 2, 30), rng.gamma(9, 50, 30)].round(2),
            "age": rng.integers(18, 80, 60),
            "region": rng.integers(1, 4, 60),
            "city": rng.choice(["Ulm", "Bonn"], 60),
        }
    )


@pytest.fixture
def run(capsys):
    """Return exit code, output and errors of a command."""

    def run(command):
        try:
            code = main(command.split())
        except SystemExit as stop:
            code = stop.code
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def refused(run):
    """Return the one line of a command that ends with code 2."""

    def refused(command):
        code, _, error = run(command)
        assert code == 2
        assert error.startswith("custseg: ")
        assert error.count("\n") == 1
        return error

    return refused
