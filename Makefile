# Two commands for a fresh machine (Python >= 3.10, git, make): `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check format bench clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    the whole story on an embedded registry, in a temporary folder"
	@echo "make test    the tests, against real MLflow servers and real git repositories"
	@echo "make check   lint and types, also of the workflows"
	@echo "make format  let ruff put the code into its form"
	@echo "make bench   how fast, side by side with the raw HTTP work (docs/performance.md)"

$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed
	@$(BIN)/reconciler demo

test: $(VENV)/installed
	$(BIN)/python -m pytest

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/zizmor --quiet --offline --persona=pedantic action.yml .github/workflows examples/github
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows \
	  .github/workflows/*.yml examples/github/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci examples/gitlab/.gitlab-ci.yml

format: $(VENV)/installed
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
