# Every target sets up what it needs: `make demo` and `make test` each work as the only command typed on a fresh clone.

.DEFAULT_GOAL := help
.SUFFIXES:
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The first Python on the PATH that is new enough; another by `make PYTHON=/path/to/python3.12 …`.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$python >/dev/null 2>&1 && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

.PHONY: help install demo demo-null demo-up demo-deliver test test-slow campaign lint check docs lock up app down clean purge

help: ## Show this help
	@echo "funnel_etl: from campaign lead to rupee, every number traceable to a line of a file."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s  %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(STAMP) ## Make .venv from requirements.lock; does nothing when it is up to date

demo: $(STAMP) ## One whole night on made-up sources, into a real PostgreSQL; prints the funnel and where to look
	@$(BIN)/funnel-etl demo

demo-null: $(STAMP) ## The demo, but that interest in a webinar says nothing of who buys: the score must say so
	@$(BIN)/funnel-etl demo --null-world

demo-up: $(STAMP) ## The demo (a finished one that is there is used), with its Dagster UI, database and CRM until Ctrl+C
	@exec $(BIN)/funnel-etl demo --up

demo-deliver: $(STAMP) ## A made-up company's events sent to a WebEngage that misbehaves, and compared with the truth
	@$(BIN)/funnel-etl demo-deliver

# A test file runs whole in one process, with a PostgreSQL of its own; a process a core, at most four.
PYTEST := $(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: $(STAMP) ## Unit tests, contracts, a week of whole nights, the commands: on a real PostgreSQL, in minutes
	@$(PYTEST) -m "not slow"

test-slow: $(STAMP) ## The tests that `make test` leaves out: kills, replays, erasures, broken nights, servers
	@$(PYTEST) -m slow

campaign: $(STAMP) ## The long tests at full size (faults, damage, many nights): about two hours
	@$(BIN)/python -m pytest -m campaign --campaign

lint: $(STAMP) ## Style, types, lock file and generated docs, without the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/check_lock.py
	$(BIN)/python tools/generated_docs.py --check

check: lint test test-slow ## What CI runs: lint, then all tests

docs: $(STAMP) ## Write the generated docs again (data dictionary, reasons, metrics, own data)
	$(BIN)/python tools/generated_docs.py

lock: $(BIN)/uv ## Resolve pyproject.toml again into requirements.lock (needs the package index)
	$(BIN)/uv pip compile --quiet pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-header -o requirements.lock
	@$(MAKE) --no-print-directory install
	$(BIN)/python tools/check_lock.py

up: $(STAMP) ## The Dagster UI, daemon, nightly schedule and drop-folder sensor; Ctrl+C stops them
	@exec $(BIN)/funnel-etl up

app: $(STAMP) ## The page for people who are not engineers, on this machine; Ctrl+C stops it
	@exec $(BIN)/funnel-etl app

down: ## Stop the embedded PostgreSQL, the demo's too
	@if [ -x $(BIN)/funnel-etl ]; then $(BIN)/funnel-etl demo --stop && FUNNEL_DATABASE_URL=embedded $(BIN)/funnel-etl db stop; fi

clean: down ## Remove .venv, tool caches and the demo; what arrived and what was published stay in .funnel
	@$(call outside_data,.funnel/demo/postgres)
	@$(call outside_data,.funnel/demo_deliver/state/postgres)
	rm -rf $(VENV) .funnel/demo .funnel/demo_deliver .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	find funnel_etl funnel_etl_tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

purge: down ## Remove .funnel too: database, lake, and the archive of everything that ever arrived (asks first)
	@printf 'This deletes .funnel with every file that ever arrived. Type "delete" to go on: '; \
	read answer && [ "$$answer" = delete ] || { echo "kept"; exit 1; }
	@$(call outside_data,.funnel/demo/postgres)
	@$(call outside_data,.funnel/demo_deliver/state/postgres)
	@$(call outside_data,.funnel/postgres)
	rm -rf .funnel

# For root, the server's data may lie outside .funnel, in a folder that data_folder names.
outside_data = if [ -s $(1)/data_folder ]; then rm -rf "$$(cat $(1)/data_folder)"; fi

$(BIN)/uv: tools/uv.lock
	@$(if $(PYTHON),,echo "Python 3.11 or newer is needed, and this machine has none on its PATH. Fix: install it, or name one: make PYTHON=/path/to/python3.12" >&2; exit 1)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is older. Fix: name another one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) has no venv module. Fix: install it (Debian and Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@echo "Setting up $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r tools/uv.lock
	@touch $@

$(STAMP): $(BIN)/uv requirements.lock pyproject.toml
	@echo "Installing requirements.lock into $(VENV) …"
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q funnel_etl
	@touch $@
