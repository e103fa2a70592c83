# Two commands: `make demo` runs a review offline, `make test` proves that everything works.
# Both set up what they need in .venv; nothing else on the machine is touched.

PYTHON ?= python3
BIN := .venv/bin
export HF_HUB_OFFLINE := 1
export DO_NOT_TRACK := 1

.PHONY: demo test lint bench clean

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; make PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local,dev]'
	touch $@

demo: .venv/.ready
	PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo/run.sh reviews/demo

test: lint
	$(BIN)/python -m pytest

lint: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

SHARED := $${LEADS_SHARED_DATA:-../shared/data}

bench: .venv/.ready
	$(BIN)/python -m bench.pipeline --records 1159 10000
	$(BIN)/python -m bench.screening --reviews $(SHARED)/reviews --ids kdigo_a1 cohen_triptans
	$(BIN)/python -m bench.search --reviews $(SHARED)/reviews --pool $(SHARED)/pubmed/pool.jsonl.gz --engine baseline
	$(BIN)/python -m bench.strategies --queries $(SHARED)/queries --reviews $(SHARED)/reviews --pool $(SHARED)/pubmed/pool.jsonl.gz
	$(BIN)/python -m bench.dedupe --labelled $(SHARED)/dedup/labelled_1845.csv.gz --reviews $(SHARED)/reviews --generate 80000
	$(BIN)/python -m bench.imports --exports $(SHARED)/dedup/exports
	$(BIN)/python -m bench.fetch
	$(BIN)/python -m bench.retrieval --records 36000 250000

clean:
	rm -rf .venv reviews/demo
