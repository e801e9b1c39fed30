# Every target sets up what it needs by itself. `make` alone prints them.
.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z][a-zA-Z0-9_-]*:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv-generate/.stamp: python/constraints/generate.txt
	python3 -m venv .venv-generate
	.venv-generate/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: generate
generate: .venv-generate/.stamp ## Generate the Go and Python code of proto/
	@scripts/generate.sh
