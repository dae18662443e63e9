# Quivive: every command a newcomer needs. `make` prints them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: fault load help run test check fix bench fuzz compatibility compiled plain setup lock system clean unit integration journeys

help: ## Print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/run.stamp: requirements/run.lock pyproject.toml
	@echo "Installing into $(VENV): about a minute, once"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --require-hashes --only-binary :all: -r requirements/run.lock
	@echo "$(CURDIR)/src" > "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/quivive.pth"
	@printf '#!%s\nfrom quivive.cli import main\nmain()\n' "$(CURDIR)/$(BIN)/python" > $(BIN)/quivive && chmod +x $(BIN)/quivive
	@touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.lock
	@echo "Installing the test tools into $(VENV): about a minute, once"
	@$(BIN)/pip install --quiet --require-hashes -r requirements/dev.lock
	@touch $@

run: $(VENV)/run.stamp ## Install what is needed, then start the demonstration centre
	@exec $(BIN)/quivive demo

setup: $(VENV)/dev.stamp ## Install the local environment with the test tools

system: ## Install what the tests need of Debian (as root): PostgreSQL 15, Chromium, Go, pgbouncer
	@tools/system-packages

check: $(VENV)/dev.stamp ## Format, lint, types, import contracts, sizes, unit tests
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_sizes.py
	$(BIN)/pytest tests/unit -n 2

unit: $(VENV)/dev.stamp ## Unit tests alone
	$(BIN)/pytest tests/unit -n 2

integration: $(VENV)/dev.stamp system ## Tests against real servers, and a fixed selection of faults
	$(BIN)/pytest tests/integration tests/fault -n 2 --dist loadfile

journeys: $(VENV)/dev.stamp system ## Browser journeys
	$(BIN)/pytest tests/journeys

test: check integration journeys ## Everything: check, real servers, browser

fix: $(VENV)/dev.stamp ## Format and mend what can be mended
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format --quiet .

bench: $(VENV)/dev.stamp system ## Measure; each benchmark prints JSON
	@for b in bench/*.py; do echo "== $$b" >&2; $(BIN)/python $$b || exit 1; done

fault: $(VENV)/dev.stamp system ## Every fault of docs/faults.md, the long ones too (an hour or more)
	QUIVIVE_FAULTS=long QUIVIVE_FAULT_STRIDE=1 $(BIN)/pytest tests/fault tests/integration/test_ledger_kill.py tests/integration/test_ledger_go.py tests/integration/test_witness_and_time.py tests/integration/conformance/test_full_scale.py tests/integration/test_export_million.py -s --timeout 7200

load: $(VENV)/dev.stamp ## Twenty minutes of load with random kills
	$(BIN)/python tests/fault/load.py --seconds 1200

compiled: $(VENV)/dev.stamp ## Compile the hot modules of the relay in place (needs cc and Python's headers; never required)
	@$(BIN)/python -m pip install --quiet "cython>=3.2,<4"
	$(BIN)/python tools/compile_hot.py

plain: ## Remove what `make compiled` built
	$(BIN)/python tools/compile_hot.py --remove

FUZZ_SECONDS ?= 60
fuzz: $(VENV)/dev.stamp ## Fuzz what the relay reads for FUZZ_SECONDS (60); findings go into tests/fuzz/corpus
	@$(BIN)/python -m pip install --quiet "atheris>=3,<4"
	$(BIN)/python tests/fuzz/fuzz.py --seconds $(FUZZ_SECONDS)

compatibility: $(VENV)/dev.stamp system ## Run other languages' drivers directly and through a relay; writes docs/compatibility.md
	$(BIN)/python tools/compatibility.py $(SUITES)

lock: ## Renew the locked dependencies (hashes)
	@$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-trusted-host --allow-unsafe --extra demo -o requirements/run.lock pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-trusted-host --allow-unsafe --extra demo --extra dev -o requirements/dev.lock pyproject.toml

clean: ## Remove the environment and the demonstration data
	rm -rf $(VENV) var
