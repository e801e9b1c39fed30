# Every target sets up what it needs by itself and is quick the second time.
# `make` alone prints what there is.

# The interpreter of the Python environment. Each one but python3 has an
# environment of its own: PYTHON=python3.12 make test uses .venv-3.12.
PYTHON ?= python3
# Least share of lines, in percent, that the tests of each language must reach.
COVERAGE ?= 85
# How many users the load test has, and for how many seconds it runs.
LOAD_USERS   ?= 50
LOAD_SECONDS ?= 60
# More for the program of test/bench, as BENCH_FLAGS='-only payloads'.
BENCH_FLAGS ?=
# How many seconds values are made up and sent around for by make fuzz-values.
SECONDS ?= 600

version := $(patsubst python%,%,$(notdir $(PYTHON)))
VENV    ?= .venv$(if $(filter-out 3,$(version)),-$(version))
python  := $(abspath $(VENV))/bin/python
tool    := go tool -modfile=tools/go.mod
results := $(abspath test-results)

export PYTHON VENV COVERAGE LOAD_USERS LOAD_SECONDS
export TOOLBRIDGE_BIN    := $(abspath bin/toolbridge)
export TOOLBRIDGE_PYTHON := $(python)

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

##@ Use

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' \
		'/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z][a-z0-9-]*:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@printf '\nPYTHON=python3.12 make test   takes another Python, with an environment of its own\n'

.PHONY: build
build: binary venv ## Build bin/toolbridge and the Python environment with the SDK

.PHONY: demo
demo: build ## Show the main job with real processes, both languages
	@go run ./examples/demo

##@ Test

.PHONY: test
test: export SCHEMATHESIS := $(abspath .venv-http)/bin/schemathesis
test: build venv-http venv-mcp requires-cc ## Run vet and all tests of both languages, with coverage
	@scripts/test.sh

.PHONY: unit
unit: requires-go venv ## Run the unit tests alone
	@scripts/unit.sh

.PHONY: test-pythons
test-pythons: binary ## Run the Python SDK's tests on every Python installed
	@scripts/test-pythons.sh

.PHONY: test-full
test-full: test test-pythons performance chaos ## Run the tests in their longer forms
	@TOOLBRIDGE_TEST_FULL=1 go test -race -count=1 -timeout=60m -tags=e2e ./...
	@cd python && TOOLBRIDGE_TEST_FULL=1 $(python) -m pytest tests/unit/test_value_round_trips.py \
		tests/unit/test_decoder_mutations.py tests/e2e/test_value_round_trips.py

.PHONY: fuzz-values
fuzz-values: build ## Send made-up values and broken bytes around for SECONDS=600
	@scripts/fuzz-values.sh $(SECONDS)

.PHONY: integration
integration: build ## Run the Python SDK's tests against a real bridge
	@cd python && $(python) -m pytest tests/integration --junit-xml=$(results)/integration.xml

.PHONY: e2e
e2e: build ## Run the round trips through both languages
	@cd python && $(python) -m pytest tests/e2e --junit-xml=$(results)/e2e.xml

.PHONY: conformance
conformance: build ## Run the scenarios of conformance/ by every face and write docs/conformance.md
	@go run ./conformance/run -table docs/conformance.md

.PHONY: performance
performance: build ## Run the performance tests of the Python SDK
	@mkdir -p $(results)
	@cd python && $(python) -m pytest tests/performance --benchmark-only --benchmark-json=$(results)/benchmark-results.json
	@cd python && $(python) -m pytest tests/performance --benchmark-skip -s

.PHONY: chaos
chaos: build ## Break the wires between SDKs, bridge and workers, in every way (5 minutes)
	@mkdir -p $(results)
	@cd test/chaos && TOOLBRIDGE_TEST_FULL=1 go test -v -count=1 -timeout=30m ./...

.PHONY: load
load: binary requires-python ## Let LOAD_USERS=50 call over HTTP for LOAD_SECONDS=60 (Python 3.11 or newer)
	@scripts/load.sh

.PHONY: survival
survival: build venv-mcp ## Measure what survives here, in JSON, Struct and MCP, and write it into README.md
	@PYTHONPATH=python/src .venv-mcp/bin/python test/survival/survival.py --write

.PHONY: coverage
coverage: ## Write coverage/go.html and coverage/python/ from the last `make test`
	@go tool cover -html=coverage/go.out -o coverage/go.html
	@cd python && $(python) -m coverage html
	@echo 'coverage/go.html  coverage/python/index.html'

.PHONY: bench
bench: export TOOLBRIDGE_BENCH_PYTHON := $(abspath .venv-bench)/bin/python
bench: build venv-bench ## Measure every figure against its raw counterpart and its peers (28 minutes)
	@cd test/bench && go build -o ../../bin/bench . && ../../bin/bench -chart bench-results.svg $(BENCH_FLAGS)

.PHONY: figures
figures: venv ## Write the figures of the last make bench into the pages that show them
	@$(python) scripts/write_figures.py test/bench/bench-results.json .

.PHONY: bench-quick
bench-quick: build ## Measure calls against raw gRPC in under two minutes
	@cd test/bench && go build -o ../../bin/bench . && ../../bin/bench -quick $(BENCH_FLAGS)

.PHONY: bench-guard
bench-guard: build ## Fail if a ratio of bench-quick fell twice, or a hot path allocates more
	@cd test/bench && go build -o ../../bin/bench . && ../../bin/bench -guard $(BENCH_FLAGS)

##@ Check

.PHONY: lint
lint: requires-go venv ## Check the style of Go, Python and the protocol
	@scripts/lint.sh

.PHONY: format
format: requires-go venv ## Format Go, Python and the protocol
	@$(tool) golangci-lint fmt
	@$(tool) buf format --write
	@cd python && $(python) -m ruff check --fix-only --quiet . && \
		$(python) -m ruff format . ../scripts ../test/load ../conformance/python ../test/chaos ../test/bench ../test/survival

.PHONY: generate
generate: requires-go venv-generate ## Generate the Go and Python code of proto/, and what is made of the vectors
	@scripts/generate.sh
	@go test ./proto -run '^TestGeneratedCode' -count=1 -update
	@go test ./value -run '^(TestVectorsAreWhat|TestRefusalsAnd|TestThePageOf)' -count=1 -update
	@echo 'generated: gen/ python/src/dspex_bridge_pb2* value/testdata/vectors/ value/natives_test.go docs/values.md'

.PHONY: check-generated
check-generated: requires-go venv-generate ## Generate anew and compare with what is committed
	@scripts/check-generated.sh

##@ Keep

.PHONY: constraints
constraints: requires-python ## Resolve python/constraints/ anew for every Python installed
	@scripts/constraints.sh

.PHONY: clean
clean: ## Remove what make built, environments included
	rm -rf bin coverage test-results .venv .venv-3.* .venv-bench .venv-generate .venv-http .venv-load .venv-mcp

# --- steps ---

.PHONY: binary
binary: requires-go
	@CGO_ENABLED=0 go build -trimpath -o bin/toolbridge ./cmd/toolbridge

.PHONY: venv
venv: requires-python
	@scripts/environment.sh $(VENV)

.PHONY: venv-generate
venv-generate: requires-python
	@scripts/environment.sh .venv-generate python/constraints/generate.txt

.PHONY: venv-http
venv-http: requires-python
	@scripts/environment.sh .venv-http test/http/requirements.txt

# What the README's table of what survives is measured with.
.PHONY: venv-mcp
venv-mcp: requires-python
	@scripts/environment.sh .venv-mcp test/survival/requirements.txt

# The peers and codecs that `make bench` compares with.
.PHONY: venv-bench
venv-bench: requires-python
	@scripts/environment.sh .venv-bench test/bench/requirements.txt

.PHONY: requires-go requires-python requires-cc
requires-go requires-python requires-cc:
	@scripts/requirements.sh $(patsubst requires-%,%,$@)
