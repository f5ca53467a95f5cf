# make setup | run | test | test-scaled | bench | lint | words ; each builds .venv when it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
PORT ?= 8000
APPS := core accounts support market recommend modelhub
export HF_HUB_OFFLINE ?= 1
# Fewer memory arenas: the server is smaller by a tenth and no slower.
export MALLOC_ARENA_MAX ?= 2

WORDS := $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/*.po))
BABEL := $(BIN)/python -m babel.messages.frontend --quiet

.PHONY: setup run test test-scaled bench lint models demo clean words

$(VENV)/.installed: requirements.txt
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-scale: requirements-scale.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-scale.txt
	touch $@

# Pages speak the languages whose words are compiled.
%.mo: %.po $(VENV)/.installed
	$(BABEL) compile --input-file $< --output-file $@

setup: $(VENV)/.installed $(WORDS)
	$(MANAGE) migrate --verbosity 0
	$(MANAGE) build_models

run: setup
	TREFOIL_DEMO=1 $(MANAGE) load_demo
	TREFOIL_DEMO=1 $(MANAGE) serve --port $(PORT)

# make test TESTS="-n 2 -m 'not browser'" runs some of them, on two cores.
test: $(VENV)/.installed $(WORDS)
	$(BIN)/python -m pytest $(TESTS)

# The tests of the apps once more, on a PostgreSQL and a Redis that are started for them; without those
# that have a database of their own anyway, or work long and with none.
APART := modelhub/test_kills support/test_kills core/test_waiting_threads modelhub/test_pretrain_command \
	modelhub/test_shrink_command modelhub/test_finetune_commands modelhub/test_columns_argument \
	modelhub/test_search_commands modelhub/test_average_command
test-scaled: $(VENV)/.installed-scale $(WORDS)
	$(BIN)/python -m tests.scaled $(BIN)/python -m pytest $(addprefix tests/,$(APPS)) \
		$(patsubst %,--ignore=tests/%.py,$(APART)) $(TESTS)

bench: setup
	$(BIN)/python -m bench

lint: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# Brings the words of templates, Python and scripts into the catalogues of every language, the new ones
# untranslated (docs/translating.md).
EXTRACT := $(BABEL) extract --no-wrap --add-location=file --sort-by-file --omit-header
words: $(VENV)/.installed
	mkdir -p var/words
	$(EXTRACT) -F locale/pages.toml -k gettext_lazy -k ngettext_lazy:1,2 -k pgettext_lazy:1c,2 \
		-k gettext_noop -o var/words/django.pot .
	$(EXTRACT) -F locale/scripts.toml --no-default-keywords -k translate -k translateCount:1,2 \
		-k gettext_noop -o var/words/djangojs.pot .
	for domain in django djangojs; do $(BABEL) update --domain $$domain --input-file var/words/$$domain.pot \
		--output-dir locale --no-wrap --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date || exit 1; done

clean:
	rm -rf var/models var/trefoil.sqlite3*
