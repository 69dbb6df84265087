import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"


def load(name, monkeypatch):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def report(monkeypatch):
    return load("_report", monkeypatch)


@pytest.fixture
def harness(report, monkeypatch):
    return load("_harness", monkeypatch)


@pytest.fixture
def run_all(report, monkeypatch):
    return load("run_all", monkeypatch)


@pytest.fixture
def mutants(monkeypatch):
    return load("mutants", monkeypatch)
