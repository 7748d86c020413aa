# Every target sets up .venv first (a fraction of a second once that is done).
SHELL := /bin/bash
PY := .venv/bin/python
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test chaos lint site audit bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

setup: ## Create .venv with MsPASS and everything else
	@deploy/bootstrap.sh

demo: setup ## Run the whole system on made data, with a MongoDB of its own
	.venv/bin/catalogdb demo $(ARGS)

test: export PYTHONDONTWRITEBYTECODE = # hundreds of processes are started; each would compile the package again
test: setup ## Run the unit and integration tests on all cores (ARGS="-k pick -x" goes to pytest)
	$(PY) -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

chaos: setup ## Kill, freeze, cut off and starve everything, in half an hour or more; ends with a table (ARGS go to pytest)
	$(PY) -m pytest tests/chaos $(ARGS)

lint: setup ## Check style and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo --no-cache

site: ## Build the documentation as a site in build/site; a warning is an error
	@CATALOGDB_EXTRAS=$${CATALOGDB_EXTRAS:-embedded,mpi,test,docs} deploy/bootstrap.sh
	@docs/mermaid.sh
	$(PY) -m sphinx --fail-on-warning --keep-going -q -E -b html docs build/site
	@echo "build/site/index.html"

audit: setup ## Ask whether known vulnerabilities stand against the installed packages; says so where nothing can be asked
	@deploy/audit.sh

bench: setup ## Run the benchmarks (ARGS go to them)
	$(PY) -m benchmarks $(ARGS)

clean: ## Remove .venv and what tools left behind; keeps data and the cache of built wheels
	rm -rf .venv .venv.lock .bootstrap.log .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
