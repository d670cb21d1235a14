# Everything a person or CI does with this project. `make` prints the help.
SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
MODELS := .cache/models
DEMO_COUNT ?= 4
# Commands start several times faster from compiled modules.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(PATH):$(CURDIR)/.cache/uv/bin
export YOLO_AUTOINSTALL := false
export YOLO_OFFLINE := true

##@ Everyday
.PHONY: help demo test
help:  ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(BIN)/baas $(MODELS)  ## Blur generated sample panoramas with the real detector, and show a report
	[ -f demo/input/annotations-coco.json ] || $(BIN)/baas sample-panoramas demo/input --count $(DEMO_COUNT)
	$(BIN)/baas blur demo/input demo/output --model-repository $(MODELS) --save-masks demo/masks
	$(BIN)/baas report demo/output --output demo/report.html
	$(BIN)/baas-detector evaluate --truth demo/input/annotations-coco.json --masks demo/masks
	@echo "Look at demo/report.html and at the pictures in demo/output."

test: check test-prerequisites $(MODELS)  ## Prove it: all checks and tests, against real servers and a real Kubernetes
	$(BIN)/pytest tests/unit tests/integration tests/safety tests/fuzz
	$(MAKE) e2e

##@ Proofs that take longer
.PHONY: safety fuzz kills evaluate bench
DATA ?= ../shared/data
FUZZ_SECONDS ?= 600
KILLS ?= 200
SEED ?= $$(date +%s)
BENCH ?=
ROUNDS ?= 5
safety: $(BIN)/baas $(MODELS)  ## Prove on the real files in DATA that what is published is safe, as independent programs see it
	hack/prerequisites run safety
	$(BIN)/python -m tests.safety $(DATA) $(MODELS)

fuzz: $(BIN)/baas  ## Let a fuzzer attack readers and redaction, FUZZ_SECONDS each (600); what it learns stays in .cache/fuzz
	for target in container redaction; do \
	  nice $(BIN)/python -m tests.fuzz $$target .cache/fuzz/$$target $(FUZZ_SECONDS) || exit; \
	done

kills: $(BIN)/baas $(MODELS)  ## End runs by kill -9 at random instants KILLS times (200), and pods a third as often; SEED repeats the instants
	hack/prerequisites test
	KILLS=$(KILLS) SEED=$(SEED) $(BIN)/pytest --quiet --capture=no -k random_instants tests/integration/preprocess/test_kills*.py

evaluate: $(BIN)/baas  ## Measure on the labelled pictures in DATA whom the default finds, and what it costs beside the plain plan
	nice $(BIN)/python -m hack.studies.recall --by-size --plan "closer look" --plan thorough \
	  $(DATA)/panoramas/annotations-coco.json $(DATA)/plates/annotations-coco.json

bench: $(BIN)/baas $(MODELS) test-prerequisites  ## Measure speed beside the plain way and the machine's limits; BENCH="ledger redaction" for some of it, ROUNDS (5)
	hack/cluster/build
	$(BIN)/python -m tests.benchmarks $(BENCH) --rounds $(ROUNDS) --models $(MODELS)

##@ A real Kubernetes on this machine
.PHONY: cluster cluster-down e2e images
cluster: $(BIN)/baas  ## Bring up a one-node cluster from Go modules (the first time takes minutes)
	hack/cluster/up

cluster-down:  ## Take the cluster down, with every trace of it
	hack/cluster/down

e2e: $(BIN)/baas $(MODELS) test-prerequisites  ## The chart's tests and end-to-end tests, on the cluster or on that of KUBECONFIG
	hack/cluster/build
	$(BIN)/pytest tests/chart tests/e2e

images: $(BIN)/baas $(MODELS) review-page  ## Build the images of operator, workers, online endpoint and CPU Triton into .cache/images
	hack/images/build images/operator images/preprocess images/api images/triton-cpu
	@ls -l --block-size=M .cache/images/{operator,preprocess,api,triton-cpu}.tar | awk '{print $$5, $$9}'

.PHONY: review-page
review-page:  ## Install the viewer of the review page, as pinned, with npm
	hack/review-page

##@ Steps of `make test`
.PHONY: check lint types layers verify unit test-prerequisites
check: lint types layers verify  ## Lint, types, the rules about imports, generated files

lint: $(BIN)/baas
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(BIN)/baas
	$(BIN)/mypy

layers: $(BIN)/baas
	$(BIN)/lint-imports

verify: $(BIN)/baas  ## Fail when a generated file is stale
	$(BIN)/python -m baas_crds --check
	$(BIN)/python hack/chart/generate.py --check
	$(BIN)/python -m hack.dashboard.generate --check

unit: $(BIN)/baas  ## Only the tests that need no server
	$(BIN)/pytest tests/unit

test-prerequisites:
	hack/prerequisites safety test

##@ Set-up
.PHONY: generate requirements readme-picture format clean
$(BIN)/baas: requirements/all.txt pyproject.toml
	hack/prerequisites run
	command -v uv >/dev/null || [ -x .cache/uv/bin/uv ] || { python3 -m venv .cache/uv && .cache/uv/bin/pip install -q uv; }
	uv venv -q --allow-existing --python 3.11 $(VENV) \
	  && uv pip sync -q --require-hashes --python $(BIN)/python requirements/all.txt \
	  && uv pip install -q --python $(BIN)/python --no-deps --editable .
	touch $@

$(MODELS): $(BIN)/baas
	$(BIN)/baas-detector build-repository --output $(MODELS) --force
	touch $@

generate: $(BIN)/baas  ## Write anew what follows from models, values and panels: CRD, reference page, chart's schema, dashboards
	$(BIN)/python -m baas_crds
	$(BIN)/python hack/chart/generate.py
	$(BIN)/python -m hack.dashboard.generate

COMPILE := uv pip compile -q --generate-hashes --no-annotate --no-header --no-emit-index-url \
  --python-version 3.11 --python-platform x86_64-manylinux_2_35
requirements:  ## Compile requirements/ from pyproject.toml: newest versions, hashes, no index addresses
	$(COMPILE) --upgrade --all-extras pyproject.toml --output-file requirements/all.txt
	for extra in operator preprocess api triton-cpu training; do \
	  $(COMPILE) --constraint requirements/all.txt --extra $$extra pyproject.toml --output-file requirements/$$extra.txt || exit; \
	done
	echo hatchling | $(COMPILE) --constraint requirements/all.txt - --output-file requirements/build.txt

readme-picture: demo  ## Draw docs/images/before-after.jpg from the demo's panoramas
	$(BIN)/python hack/before_after.py demo/input/panorama_0001.jpg demo/output/panorama_0001.jpg docs/images/before-after.jpg

format: $(BIN)/baas  ## Format the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

clean:  ## Remove what was built and demo files; caches stay
	rm -rf build dist demo
