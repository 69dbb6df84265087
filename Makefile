# make demo       real customers to segments, pictures and a model that assigns new ones
# make test       everything that a change can break, in a few minutes
# make test-all   the same with other engines of tables, notebooks, long pages and simulations in small
# make ci         all that must pass before a change lands: several environments
# make lint       style
# make docs       the pages, into docs/_build/html; a warning is an error
# make times      tests/times.csv, after tests were added or changed (FILES=... for some)
# PYTHON=python3.12 make demo   with another interpreter (3.11 or later)

PYTHON ?= python3
BIN := $(if $(filter Windows_NT,$(OS)),.venv/Scripts,.venv/bin)
PYTEST := $(BIN)/python -m pytest -n auto

# Workers, and the processes that tests start, use what one of them has compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all test-rest ci lint docs times

demo: .venv/.installed-plot
	$(BIN)/python -m custseg demo --out custseg-demo

test: .venv/.installed-test
	$(PYTEST) --dist loadfile

test-all: test test-rest

test-rest: .venv/.installed-test .venv/.installed-spark
	$(PYTEST) --dist loadgroup -m "distributed or notebook or page or simulation"

ci:
	bash .ci/run

lint: .venv/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: .venv/.installed-docs
	$(BIN)/python -m sphinx -E -W --keep-going -q -b html docs docs/_build/html

times: .venv/.installed-test
	$(BIN)/python -m pytest -n 0 -q --times tests/times.csv $(FILES)

# uv installs in a tenth of pip's time, compiled as pip does; else pip installs.
.venv/.installed-%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv || echo "no uv: pip installs"
	VIRTUAL_ENV=.venv $(BIN)/python -m uv pip install --quiet --compile-bytecode --editable ".[$*]" \
		|| $(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@
