# Two commands matter: `make run` and `make test`. Each sets up what it needs inside this folder.

PYTHON ?= python3
ARGS ?=

# uv from the machine if it is there, else one of our own in .tools, with its own cache: nothing global is touched.
UV := $(shell command -v uv 2>/dev/null)
ifeq ($(UV),)
UV := $(CURDIR)/.tools/bin/uv
export UV_CACHE_DIR ?= $(CURDIR)/.tools/cache
endif
export UV_PYTHON_DOWNLOADS = never
# Trust what the machine trusts, as pip does: a company's proxy, a mirror of packages.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/cert.pem /etc/ssl/certs/*),true,false)
export UV_PYTHON ?= $(PYTHON)
export DO_NOT_TRACK = 1
export PREFECT_SERVER_ANALYTICS_ENABLED = false
# Where this is set, as in many images of Python, each of the processes that the tests start would compile Prefect anew.
export PYTHONDONTWRITEBYTECODE =
RUN = $(UV) run --no-sync

.PHONY: help setup run test test-all conformance scripts check format bench screenshots wheel clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.tools/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Commonplace needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 run"; exit 1; }
	@echo "Installing uv into .tools (once)"
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check uv

setup: $(if $(findstring .tools,$(UV)),.tools/bin/uv) ## Install what the project needs into .venv
	@echo "Installing the locked packages into .venv (quick when nothing changed)"
	@$(UV) sync --locked --all-extras --quiet

run: setup ## Import a sample export and show it: `make run ARGS=--once` ends with the run
	@$(RUN) commonplace up --sample $(ARGS)

test: check ## Lint, types and every test
	@echo "Tests"
	@$(RUN) pytest -n 2 --maxschedchunk 1 $(ARGS)

CONFORMANCE = $(CURDIR)/.tools/conformance
conformance: setup ## The MCP project's own suite, in a Node of its own: needs npm
	@command -v npm >/dev/null || { echo "It needs npm, which brings the Node that the suite wants."; exit 1; }
	@mkdir -p $(CONFORMANCE)
	@cp tests/web/conformance/package.json $(CONFORMANCE)/
	@cd $(CONFORMANCE) && npm install --silent --no-audit --no-fund --no-package-lock
	@COMMONPLACE_CONFORMANCE=$(CONFORMANCE) $(RUN) pytest tests/web/conformance $(ARGS)

scripts: setup ## The types of the pages' scripts, by TypeScript's compiler: needs npm
	@command -v npm >/dev/null || { echo "It needs npm and Node."; exit 1; }
	@npm install --silent --no-audit --no-fund --prefix .tools/typescript typescript@5
	@$(RUN) pytest tests/web/test_scripts.py $(ARGS)

test-all: check ## Also what takes minutes
	@$(RUN) pytest -n 2 --maxschedchunk 1 -m "slow or not slow" --timeout 3600 $(ARGS)

check: setup ## Style and types, as the commit hook runs it
	@echo "Style (ruff)"
	@$(RUN) ruff check --quiet .
	@$(RUN) ruff format --check --quiet .
	@echo "Types (mypy)"
	@$(RUN) mypy

format: setup ## Format the code
	@$(RUN) ruff check --fix --quiet .
	@$(RUN) ruff format .

bench: setup ## Print what we claim about speed, as ratios in one run
	@$(RUN) python -m benchmarks $(ARGS)

screenshots: setup ## Take the pictures of the web app in docs/ (needs Chromium)
	@$(RUN) python -m tests.web.screenshots docs

wheel: setup ## Build the installable package into dist/
	@$(UV) build --quiet
	@ls dist

clean: ## Remove what the other targets made in this folder
	rm -rf .venv .tools dist .mypy_cache .ruff_cache .pytest_cache .hypothesis benchmarks/.data
