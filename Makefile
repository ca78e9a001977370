# The two commands: `make demo` and `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Off a machine with a CPU wheel at hand the default index brings CUDA along; name a CPU index here.
TORCH_INDEX ?=
TORCH_FROM = $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX),)

.PHONY: setup browser run demo test check bench soak migrate format openapi clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) deploy/check_machine.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(TORCH_FROM) "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[server,dev]"
	touch $@

browser: setup
	$(BIN)/python deploy/find_browser.py

migrate: setup
	$(BIN)/python -m market migrate

run: setup
	$(BIN)/python -m market serve

demo: setup
	$(BIN)/python -m market demo

test: setup browser
	$(BIN)/python -m pytest -m "not soak and not alone" --numprocesses auto --dist loadfile
	$(BIN)/python -m pytest -m alone

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy docs/examples/forecast.py docs/examples/check_receipt.py deploy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python deploy/check_house.py

soak: setup browser
	$(BIN)/python -m pytest -m soak --timeout 3600
	$(BIN)/python -m bench.money_simulation --steps 1000000 --seed 20261123 --jobs 0

bench: setup
	$(BIN)/python -m bench --quick

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

openapi: setup
	$(BIN)/python deploy/check_house.py --write-openapi

clean:
	rm -rf $(VENV) .spotcheck
