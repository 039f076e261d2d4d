# `make` alone lists what there is.

PYTHON ?= python3
VENV ?= .venv
PORT ?= 7860
GRPC_PORT ?= 8500
REST_PORT ?= 8501
MINUTES ?= 10
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-library test-apps test-jax test-contract test-serving lint format smoke soak fuzz benchmark benchmark-serving lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | awk -F'\t' '{printf "  make %-18s%s\n", $$1, $$2}'
	@echo "  Settings: PORT=$(PORT) GRPC_PORT=$(GRPC_PORT) REST_PORT=$(REST_PORT) PYTHON=$(PYTHON) VENV=$(VENV)"

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "dlkeras needs Python 3.11 or newer. Received: %d.%d. Name another by PYTHON=" % sys.version_info[:2])'
	@$(PYTHON) -c 'import ensurepip' || { echo "Python has no venv module here; on Debian: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.txt constraints.txt pyproject.toml
	@echo "Installing (about 3 GB; some minutes the first time) ..."
	@$(INSTALL) -r requirements.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@$(INSTALL) -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.installed  ## make the virtual environment and install the pinned requirements

demo: setup  ## export what ships, serve it (gRPC, REST) and open the gallery
	@exec $(BIN)/dlkeras up --port $(PORT) --grpc-port $(GRPC_PORT) --rest-port $(REST_PORT)

# Two at a time, the longest first; one that begins when another has ended fills the gap.
test: $(VENV)/.installed-dev  ## run all tests, in five parts, two at a time; each part is told when it is done
	@$(MAKE) --no-print-directory -k -j2 --output-sync=target test-library test-apps test-jax test-serving test-contract

test-library: $(VENV)/.installed-dev  ## run the tests of dlkeras
	$(BIN)/python -m pytest tests/dlkeras

test-apps: $(VENV)/.installed-dev  ## run the tests of the apps, and what is in no other part
	$(BIN)/python -m pytest --ignore=tests/dlkeras --ignore=tests/serving --ignore=tests/contract

test-jax: $(VENV)/.installed-dev  ## run the tests of layers, models and losses on JAX
	KERAS_BACKEND=jax $(BIN)/python -m pytest tests/dlkeras

test-contract: $(VENV)/.installed-dev  ## run the tests that every app must pass, once each app
	$(BIN)/python -m pytest tests/contract

test-serving: $(VENV)/.installed-dev  ## run the tests of the model server
	$(BIN)/python -m pytest tests/serving

lint: $(VENV)/.installed-dev  ## check style
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

format: $(VENV)/.installed-dev  ## mend style
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

smoke: $(VENV)/.installed-dev  ## the main job once, in seconds: train, evaluate, export, serve, ask by gRPC and REST
	$(BIN)/python -m tests.smoke

soak: $(VENV)/.installed-dev  ## the model server under load, kill -9 and broken versions, for MINUTES=10
	$(BIN)/python -m tests.serving.soak --minutes $(MINUTES)

fuzz: $(VENV)/.installed-dev  ## the model server against 100,000 wrong requests
	$(BIN)/python -m tests.serving.fuzz --requests 100000

benchmark: $(VENV)/.installed  ## training speed beside plain Keras and PyTorch
	$(BIN)/python -m benchmarks.training

benchmark-serving: $(VENV)/.installed  ## the model server beside others; an hour, and needs h2load
	$(BIN)/python -m benchmarks.serving --make-environments
	$(BIN)/python -m benchmarks.serving --resume --million

lock: $(VENV)/.installed-dev  ## write constraints.txt from what is installed
	@(head -n 1 constraints.txt; $(BIN)/python -m pip freeze --exclude-editable) > constraints.new && mv constraints.new constraints.txt

clean:  ## remove the environment, exported models and caches; runs are kept
	rm -rf $(VENV) models build .pytest_cache .ruff_cache .hypothesis *.egg-info
