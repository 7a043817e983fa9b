# The commands a newcomer needs. Each sets up what it needs; only Python 3.11+, make and git are assumed.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: demo test lint types rules ci bench large model docs lock clean

$(STAMP): requirements-dev.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: $(STAMP)  ## the whole journey on the shipped simulators, in a minute and a half
	$(BIN)/deskferry demo --keep

test: $(STAMP)  ## every test but the large ones; many wait for real processes, so more of them than cores run at a time
	$(BIN)/python -m pytest -q -n 4 --dist worksteal -m "not large" tests

large: $(STAMP)  ## the full-size journey, the soak, every crash point in every passing
	$(BIN)/python -m pytest -q -n 3 --dist worksteal -m large tests

model: $(STAMP)  ## the TLA+ model of the job ledger, whole; needs Java
	$(BIN)/python -m pytest -q tests/model

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

rules: $(STAMP)  ## who may import whom; the Dockerfile; the generated docs
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m service.docs --check

bench: $(STAMP)  ## speed by stage, memory at two sizes, budget; BENCH_* variables: see benchmarks/__main__.py
	$(BIN)/python -m benchmarks

docs: $(STAMP)  ## writes docs/reference anew
	$(BIN)/python -m service.docs

lock:  ## writes the lock files anew; needs uv
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --extra dev pyproject.toml -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist
