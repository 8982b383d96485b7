# Needs Python 3.11 or newer and make; everything else is installed into .venv.
PYTHON ?= python3
# Tests run side by side, the files with the long ones first; each of them has servers of its own.
TOGETHER ?= 2
BIN := .venv/bin
# What redis needs on Pythons before the one that locks; without it pip would take any version there.
EARLY := async-timeout==5.0.1; python_full_version < "3.11.3"

.PHONY: run test setup lint lock clean

run: setup
	@$(BIN)/sop up --example

test: setup
	@$(BIN)/pytest -n $(TOGETHER) --dist loadfile --no-loadscope-reorder

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing into .venv (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lint: setup
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports && $(BIN)/mypy

lock:
	@$(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' hatchling editables
	@{ echo '$(EARLY)'; .venv-lock/bin/python -m pip freeze --exclude-editable; } \
		| grep -v '^pip==\|^async-timeout==[0-9.]*$$' | LC_ALL=C sort -f > requirements.lock
	@rm -rf .venv-lock

clean:
	rm -rf .venv .venv-lock .sop
