"""Docstrings of all public names are whole, by numpydoc's validation."""

import inspect
from dataclasses import fields, is_dataclass

import pytest

import custseg

pytest.importorskip("numpydoc")
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

NOT_ASKED = {
    "ES01": "a summary may say all there is",
    "RT02": "results have names, as scikit-learn's have",
    "RT03": "'self' and 'labels' need no more than their type",
    "SA01": "the guide connects what belongs together",
}


def members(public_class):
    """Methods and properties that a class of custseg defines itself."""
    for name in vars(public_class):
        member = getattr(public_class, name)
        ours = callable(member) and member.__module__.startswith("custseg.")
        if not name.startswith("_") and (ours or isinstance(member, property)):
            yield name


def exported():
    """Every public name as (stage, name, object)."""
    for stage in custseg._STAGES:
        module = getattr(custseg, stage)
        for name in module.__all__:
            yield stage, name, getattr(module, name)


EXPORTED = list(exported())
DOCUMENTED = [f"custseg.{stage}.{name}" for stage, name, _ in EXPORTED] + [
    f"custseg.{stage}.{name}.{member}"
    for stage, name, value in EXPORTED
    if inspect.isclass(value)
    for member in members(value)
]
DATACLASSES = [value for *_, value in EXPORTED if is_dataclass(value)]


def excused(code, name):
    """Whether a finding is none here, because of what the object is."""
    stage, *path = name.split(".")[1:]
    if code == "EX01":  # a class's example shows its methods; a message is its own
        return len(path) == 2 or stage == "exceptions"
    public_class = getattr(getattr(custseg, stage), path[0])
    return code == "PR01" and is_dataclass(public_class)  # their fields: see below


@pytest.mark.parametrize("name", DOCUMENTED)
def test_docstrings(name):
    found = validate(name)["errors"]
    assert not [
        f"{code}: {message}"
        for code, message in found
        if code not in NOT_ASKED and not excused(code, name)
    ]


@pytest.mark.parametrize("dataclass", DATACLASSES, ids=lambda c: c.__name__)
def test_fields_of_dataclasses_are_described(dataclass):
    """What users make has Parameters, what they are given has Attributes."""
    page = NumpyDocString(inspect.getdoc(dataclass))
    described = ", ".join(p.name for p in page["Parameters"] + page["Attributes"])
    public = {f.name for f in fields(dataclass) if not f.name.startswith("_")}
    assert public <= set(described.split(", "))


@pytest.mark.parametrize(("stage", "name", "value"), EXPORTED)
def test_a_stage_exports_what_it_defines(stage, name, value):
    assert value.__module__.startswith(f"custseg.{stage}")
