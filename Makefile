# Two commands do everything: `make run` and `make test`. Both begin with `make setup`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: run setup setup-cnn test test-long check format docs clean

run: setup
	@$(BIN)/controlroom run "$$($(BIN)/python scripts/default_campaign.py)" $(ARGS)

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.txt requirements-tpu.txt pyproject.toml scripts/setup.sh
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh scripts/setup.sh

# What configs/cnn.yaml needs besides: flax, optax and the images.
setup-cnn: $(VENV)/.ready
	@VENV="$(VENV)" sh scripts/setup_cnn.sh

$(VENV)/.ready-tests: $(VENV)/.ready requirements-test.txt requirements-cnn.txt requirements-llm.txt scripts/setup_tests.sh scripts/setup_cnn.sh
	@VENV="$(VENV)" sh scripts/setup_tests.sh

# Everything that CI runs.
test: $(VENV)/.ready-tests check
	@$(BIN)/python -m pytest -n 2 --dist worksteal -m "not long"

# Soaks, long statistics and sweeps.
test-long: $(VENV)/.ready-tests
	@$(BIN)/python -m pytest -m long --timeout 7200

# Format, lint, types, import contracts, generated documents.
check: $(VENV)/.ready-tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/campaign_docs.py --check

format: $(VENV)/.ready-tests
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(VENV)/.ready
	@$(BIN)/python scripts/campaign_docs.py

clean:
	rm -rf $(VENV) build *.egg-info
