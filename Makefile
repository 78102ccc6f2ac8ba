# Everything runs in .venv, which `make setup` creates; the other targets call it.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest

# With it each of hundreds of processes would compile the package and the tests anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo up quick test check docs site audit newest bench lock release

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# What .venv is: of which Python, and where. Another Python under it, or a checkout that was moved, and it has to be made anew.
IDENTITY := 'import os, sys; print(sys.version.replace("\n", " "), os.path.realpath(sys.prefix))'
ifneq ($(shell cat .venv/ready 2>/dev/null),$(shell $(BIN)/python -c $(IDENTITY) 2>/dev/null))
.PHONY: .venv/ready
endif
# Another Python was asked for.
ifeq ($(origin PYTHON),command line)
ifneq ($(shell $(PYTHON) -V 2>/dev/null),$(shell $(BIN)/python -V 2>/dev/null))
.PHONY: .venv/ready
endif
endif

setup: .venv/ready ## create .venv with everything, at the tested versions

.venv/ready: setup.py requirements-dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try: make PYTHON=python3.12 ...")'
	@echo "Creating .venv (about a minute the first time)"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
	    -r requirements-dev.lock
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -c $(IDENTITY) > $@

demo: setup ## 400,000 simulated records of 90 days, synchronised, merged and analysed; DEMO_ONCE=1 ends instead of staying up
	@$(BIN)/telemetry-pipeline demo $(if $(DEMO_ONCE),--once)

up: setup ## the local stack, until Ctrl-C
	@$(BIN)/telemetry-pipeline up

# Analyses over made-up histories, the simulator's own worlds, dozens of pictures and properties over hundreds of examples take
# minutes together; whoever changes one runs its file. Those of bench and of the whole start servers, all of them.
quick: setup ## the tests that start nothing, for each save; without properties, pictures, analyses and the simulator
	@$(BIN)/python -m pytest -n 2 -m 'not slow and not servers and not hypothesis and not pictures' \
	    --ignore tests/analyses --ignore tests/simulator --ignore tests/bench --ignore tests/whole

test: setup ## the suite but the slow tests, against real servers that it starts itself
	@$(BIN)/python -m pytest -m 'not slow'

check: setup site ## what CI runs: lint, format, types, import directions, documentation, every test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(PYTEST)

# README is the first page; every link of its is relative.
site: setup ## the documentation, in build/site; a link that leads nowhere fails
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going -c docs . build/site
	@cp build/site/README.html build/site/index.html

docs: setup ## write anew what follows from the code: tables of the documentation, the snapshot of the graph
	@$(BIN)/python -W ignore tests/generated.py

audit: setup ## known vulnerabilities of what is installed; needs a way to the advisory database
	@$(BIN)/python .ci/audit

newest: ## what is relied on of Dagster's private parts, against the newest Dagster that the registry has
	@PYTHON=$(PYTHON) .ci/newest

bench: setup ## measure against the limits; each also runs alone as python -m bench.NAME
	@for name in ingest merge analyses staleness tick scale door web reports mail; do $(BIN)/python -m bench.$$name || exit 1; done

# Each file of each version by its hash, for every platform.
LOCK = .lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
    --no-annotate --custom-compile-command 'make lock' setup.py --extra build

lock: ## renew requirements.lock and requirements-dev.lock from setup.py
	@$(PYTHON) -m venv --clear .lock && .lock/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@$(LOCK) --extra dev --output-file requirements-dev.lock
	@$(LOCK) --constraint requirements-dev.lock --output-file requirements.lock && rm -rf .lock

release: setup ## VERSION=x.y.z: a tag, the wheel in dist/ and, where there is a Docker, the image
	@$(BIN)/python .ci/release "$(VERSION)"
