# Two commands do all the set-up on a machine with Python and make:
#   make demo    a data set larger than the memory limit, written and fitted
#   make test    ruff, mypy, pytest
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

DEMO_ROWS ?= 4000000
DEMO_DIR ?= demo-data
TEST_WORKERS ?= auto
BENCH_ARGS ?=

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test lint types unit docs bench clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A stamp is newer than the files that say what to install, or the install runs again.
$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp-core: setup.cfg pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.stamp-test: setup.cfg pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[test]'
	@touch $@ $(VENV)/.stamp-core

$(VENV)/.stamp-docs: setup.cfg pyproject.toml | $(BIN)/python
	$(PIP) install --quiet --editable '.[docs]'
	@touch $@ $(VENV)/.stamp-core

$(VENV)/.stamp-bench: benchmarks/requirements.txt $(VENV)/.stamp-core
	$(PIP) install --quiet --requirement benchmarks/requirements.txt
	@touch $@

demo: $(VENV)/.stamp-core  ## write several million rows to disk and fit them under a memory limit
	$(BIN)/python examples/demo.py --rows $(DEMO_ROWS) --data $(DEMO_DIR)

test: lint types unit  ## ruff, mypy and pytest

lint: $(VENV)/.stamp-test  ## ruff: rules and format
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .

types: $(VENV)/.stamp-test  ## mypy, strict on the package
	$(BIN)/python -m mypy

# What is run once more with all numbers made by machine code, which small data do not get by themselves.
COMPILED := $(addprefix tests/models/test_,linear.py glm.py chunks.py data_sets.py covariance.py \
	cluster_covariance.py glm_metamorphic.py) $(addprefix tests/results/test_,meats.py score_covariances.py)

unit: $(VENV)/.stamp-test  ## pytest: tests, docstrings, docs pages
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile
	DASK_STATSMODELS_OOC__KERNELS=numba $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile $(COMPILED)

docs: $(VENV)/.stamp-docs  ## build docs/_build/html, warnings are errors
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

bench: $(VENV)/.stamp-bench  ## run every benchmark and print its table (long; see benchmarks/README.md)
	$(BIN)/python benchmarks/accuracy.py
	$(BIN)/python benchmarks/opening.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/small.py
	$(BIN)/python benchmarks/design.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/split.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/t1_ols.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/t2_logistic.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/t3_poisson.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/t4_wide.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/t5_categorical.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/t6_many_columns.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/calls.py
	$(BIN)/python benchmarks/cores.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/memory.py $(BENCH_ARGS)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/constants.py
	$(BIN)/python benchmarks/covariances.py $(BENCH_ARGS)
	$(BIN)/python benchmarks/iboss_timing.py $(BENCH_ARGS)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/subsets.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/drawn_glms.py
	OPENBLAS_NUM_THREADS=1 $(BIN)/python benchmarks/iboss_mse.py

clean:  ## remove what the commands wrote
	rm -rf $(VENV) build dist *.egg-info docs/_build docs/generated $(DEMO_DIR) benchmark-data
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find statsmodels_ooc tests docs examples benchmarks -name __pycache__ -prune -exec rm -rf {} +
