# All files are written below this folder: the virtual environment in .venv/, Airflow's home and database in .mlcraft/.

# The newest Python that works and can create virtual environments.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3.10 python3; do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1 \
	&& { echo "$$python"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
# The installation builds the pages of the web UI, so it is repeated after an edit of them.
PAGES := $(shell find ui -type f -not -path '*/node_modules/*')
JOBS ?= auto

.DEFAULT_GOAL := help
# Otherwise each process would compile all of Airflow again.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup demo test heavy lint types rooms check up stop docs bench conformance executor matrix resolve compose-check site lock constraints clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## create the virtual environment, with all packages

$(STAMP): requirements.lock pyproject.toml $(PAGES)
	@test -n "$(PYTHON)" || { echo "No Python 3.10 or newer with venv found; install one (on Debian also the package" \
		"python3-venv), or name one: make PYTHON=/path/to/python"; exit 1; }
	@test -x $(BIN)/python || { echo "Making $(VENV) with $(PYTHON) …"; $(PYTHON) -m venv $(VENV); }
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || $(BIN)/python -m pip install --quiet --constraint requirements.lock uv
	$(BIN)/python -m uv pip sync --quiet --python $(BIN)/python requirements.lock
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: $(STAMP) ## train, compare and serve models by a CWL workflow in Airflow, and show the results
	@$(BIN)/python tools/demo.py

up: $(STAMP) ## start Airflow's web UI with the DAGs of this project, and MLflow's (PORT=8080)
	@PORT=$(PORT) $(BIN)/python tools/up.py

stop: $(STAMP) ## stop the model servers that runs have started
	@$(BIN)/python tools/stop.py

test: $(STAMP) ## run the tests (ARGS="tests/store -k name", JOBS=0 for one process)
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

heavy: $(STAMP) ## run the long tests, which `make test` leaves out
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal --heavy -m heavy $(ARGS)

check: lint types rooms ## all static checks

lint: $(STAMP) ## check the style and format of the code
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@$(BIN)/python tools/lint_pages.py

types: $(STAMP) ## check the types of the package, its tests, tools and benchmarks
	$(BIN)/mypy

rooms: $(STAMP) ## check the imports between the parts of the package
	$(BIN)/lint-imports --no-logo

docs: $(STAMP) ## write docs/cli.md, the reference of the command
	@$(BIN)/python tools/cli_reference.py

site: $(STAMP) ## build the documentation into site/, and fail at a broken link
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(STAMP) ## run the benchmarks, and write bench/RESULTS.md
	$(BIN)/python -m bench

conformance: $(STAMP) ## run the CWL conformance suite through Airflow (SUITE=path, TAGS=required)
	@test -n "$(SUITE)" || { echo "Name the suite's folder: make conformance SUITE=path/to/cwl-v1.2"; exit 1; }
	@$(BIN)/python -m tests.conformance --suite $(SUITE) $(if $(TAGS),--tags $(TAGS)) $(ARGS)

executor: ## compile the executor of Rabix Composer into the package (needs a JDK)
	javac --release 8 -Xlint:-options -g:none -d executor/build executor/dev/mlcraft/ComposerExecutor.java
	cp executor/build/dev/mlcraft/ComposerExecutor.class airflow_mlcraft/runner/jar/

matrix: $(STAMP) ## test what uses Airflow on Airflow 3.1 and 3.2 with Python 3.10 and 3.13 (ARGS=--short)
	@$(BIN)/python tools/matrix.py $(ARGS)

resolve: $(STAMP) ## install the newest allowed versions into a new environment, and run a document with it
	@$(BIN)/python tools/resolve.py

compose-check: $(STAMP) ## build and start docker-compose.yaml, and run a workflow there (ARGS=--stand-in-postgres)
	@$(BIN)/python tools/compose_check.py $(ARGS)

# The options of a file that holds for Python 3.10 and newer, and names no package index.
COMPILE := -m uv pip compile --quiet --python-version 3.10 --no-header --no-annotate --no-emit-index-url \
	--no-emit-find-links pyproject.toml
EXTRAS := --extra all --extra boosting --extra s3

lock: $(STAMP) ## resolve the newest versions again, for Python 3.10 and newer, into requirements.lock
	$(BIN)/python $(COMPILE) --upgrade --universal $(EXTRAS) --group dev --group docs --output-file requirements.lock

constraints: $(STAMP) ## resolve the versions for Airflow 3.1, 3.2 and 3.3, and the lowest, into constraints/
	for version in 3.1 3.2 3.3; do \
		$(BIN)/python $(COMPILE) --upgrade --universal $(EXTRAS) --group test constraints/airflow-$$version.in \
			--output-file constraints/airflow-$$version.txt || exit 1; \
	done
	$(BIN)/python $(COMPILE) --config-file constraints/lowest-uv.toml --upgrade --resolution lowest-direct --extra all --group test \
		--constraint constraints/lowest.in --output-file constraints/lowest.txt

clean: ## remove the virtual environment, Airflow's home, and caches
	rm -rf $(VENV) .mlcraft .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
