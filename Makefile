# make setup | run | test | test-scaled | bench | lint ; each builds .venv when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
PORT ?= 8000
APPS := core accounts support market recommend modelhub
export HF_HUB_OFFLINE ?= 1
# Fewer memory arenas: the server is smaller by a tenth and no slower.
export MALLOC_ARENA_MAX ?= 2

.PHONY: setup run test test-scaled bench lint models demo clean

$(VENV)/.installed: requirements.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-scale: requirements-scale.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-scale.txt
	touch $@

setup: $(VENV)/.installed
	$(MANAGE) migrate --verbosity 0
	$(MANAGE) build_models

run: setup
	TREFOIL_DEMO=1 $(MANAGE) load_demo
	TREFOIL_DEMO=1 $(MANAGE) serve --port $(PORT)

# make test TESTS="-n 2 -m 'not browser'" runs some of them, on two cores.
test: $(VENV)/.installed
	$(BIN)/python -m pytest $(TESTS)

# The tests of the apps once more, on a PostgreSQL and a Redis that are started for them; without those
# that have a database of their own anyway.
test-scaled: $(VENV)/.installed-scale
	$(BIN)/python -m tests.scaled $(BIN)/python -m pytest $(addprefix tests/,$(APPS)) \
		--ignore=tests/modelhub/test_kills.py $(TESTS)

bench: setup
	$(BIN)/python -m bench

lint: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

clean:
	rm -rf var/models var/trefoil.sqlite3*
