# Every target makes the virtual environment .venv by itself when it is missing.
#   PYTHON=python3.12 make install    another interpreter (3.11 or newer)
#   WORKERS=4 make test               more processes
#   BENCH=--quick make bench          a look in three minutes

PYTHON  ?= python3
WORKERS ?= 2
REPORT  ?= demo-report
BENCH   ?=

# Where CI is set the tests fail without a browser.
NO_BROWSER = No Chromium: the tests of the report in a browser are skipped (apt-get install chromium chromium-driver)

VENV  := .venv
BIN   := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help install demo test lint browser screenshots bench bench-more bench-peers calibration \
	leaderboard torture-recording docs clean

help:  ## show this list
	@echo "stochnet: make TARGET"
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):[^#]*## */  \1\t/' | expand -t 14

install: $(STAMP)  ## make the virtual environment .venv with the tested versions

demo: $(STAMP)  ## run the whole loop on handwritten digits and write a report
	$(BIN)/stochnet demo -o $(REPORT)
	@echo "The report and the files are in $(REPORT)/"

test: lint  ## check style and types, then run the tests
	$(BIN)/python -m pytest -n $(WORKERS)

browser:  ## install Debian's Chromium for the tests of the report, where it is missing
	@if command -v chromium >/dev/null && command -v chromedriver >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing chromium and chromium-driver for the tests of the report"; \
	    (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
	        chromium chromium-driver) >/dev/null || echo "$(NO_BROWSER)"; \
	else echo "$(NO_BROWSER)"; fi

lint: $(STAMP)  ## ruff, mypy and import-linter only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: bench-peers  ## measure speed against other packages, into benchmarks.json
	$(BIN)/python tests/benchmarks/peers.py $(BENCH)

bench-more: $(VENV)/.installed-bench  ## single functions under pytest-benchmark, and large fits
	$(BIN)/python -m pytest tests/benchmarks --benchmark-enable --benchmark-only
	$(BIN)/python tests/benchmarks/fits.py
	$(BIN)/python tests/benchmarks/streaming.py
	$(BIN)/python tests/benchmarks/whole_loop.py

bench-peers: $(VENV)/.installed-bench  ## environments for packages that need their own
	$(BIN)/python tests/benchmarks/environments.py

calibration: $(STAMP)  ## run the study of estimators, intervals, choices and tests again
	$(BIN)/stochnet study sims/calibration --scale full --workers $(WORKERS)

leaderboard: $(STAMP)  ## score elephant and statsmodels on all benchmarks, into the documentation
	$(BIN)/stochnet study sims/leaderboard --scale full

torture-recording: $(STAMP)  ## record every classifier of torchvision against an independent counter, into the documentation
	$(BIN)/python -m tests.torture.recording_models --page docs/recording-models.md

docs: $(VENV)/.installed-docs  ## build the documentation as HTML
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

screenshots: $(STAMP) browser  ## take the screenshots of the documentation again
	$(BIN)/python -m docs.make_screenshots

clean:  ## remove the virtual environment and everything that was built
	rm -rf $(VENV) $(REPORT) build dist docs/_build docs/generated
	rm -rf .venv-peers .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment is made once, and installed into again only when the two files change.
$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { \
	    echo "$(PYTHON) was not found: install Python 3.11 or newer, or say PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "stochnet needs Python 3.11 or newer and $(PYTHON) is $$($(PYTHON) -V 2>&1):" \
	         "say PYTHON=/path/to/a/newer/python"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "$(PYTHON) cannot make virtual environments: install its venv module" \
	         "(on Debian and Ubuntu: apt-get install python3-venv)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(STAMP): pyproject.toml constraints.txt | $(VENV)/.made
	@echo "Installing into $(VENV); the first time this downloads PyTorch, which is large"
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/.installed-%: $(STAMP)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[$*]'
	@touch $@
