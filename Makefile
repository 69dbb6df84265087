# make demo   real customers to segments, pictures and a model that assigns new ones
# make test   all tests
# make lint   style
# make docs   the pages, into docs/_build/html; a warning is an error
# PYTHON=python3.12 make demo   with another interpreter (3.11 or later)

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint docs

demo: .venv/.installed-plot
	$(BIN)/python -m custseg demo --out custseg-demo

test: .venv/.installed-test .venv/.installed-spark
	$(BIN)/python -m pytest -n auto --dist loadgroup

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: .venv/.installed-docs
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html docs docs/_build/html

.venv/.installed-%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@
