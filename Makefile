# Afterimage: `make demo` shows it, `make run` runs it, `make test` tests it.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.PHONY: help setup demo run test lint format bench clean

help:
	@echo "make demo   a made event to look at (ARGS=--no-serve stops when it is organised)"
	@echo "make run    web server and worker (ARGS='--host 0.0.0.0 --port 8080')"
	@echo "make test   lint and tests"
	@echo "make bench  figures of speed"

# The environment is made anew only when the requirements change.
$(VENV)/.installed: requirements.txt
	@test -x $(BIN)/python || $$(command -v $(PYTHON) || command -v python3) -m venv $(VENV)
	$(BIN)/pip install --quiet -r requirements.txt
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/pip install --quiet -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.installed

demo: setup
	@$(BIN)/python manage.py demo $(ARGS)

run: setup
	@$(BIN)/python manage.py run $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy config imagery analytics labeling
	$(BIN)/djlint --lint --quiet templates

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: lint
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/pytest -rs $(ARGS)

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf $(VENV) staticfiles .mypy_cache .ruff_cache .pytest_cache
