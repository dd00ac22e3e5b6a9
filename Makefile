# The two commands of the README: `make lab` opens the course, `make test` runs everything that needs Python alone.
PYTHON ?= python3
BIN := .venv/bin
TORCH_CPU := https://download.pytorch.org/whl/cpu

.PHONY: lab test test-more build env model demo-class format clean

lab: env
	$(BIN)/handmade start work

test: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m handmade.lessons --check
	$(BIN)/pytest -n 2 --dist loadgroup -m "not browser and not cluster and not postgres and not thorough"

# What takes longer, and what needs more than Python: a browser, PostgreSQL, a Dask cluster on this machine.
test-more: env
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[browser,cluster,postgres]'
	$(BIN)/pytest -n 2 --dist loadgroup -m "browser or cluster or postgres or thorough"

build: env
	$(BIN)/python -m handmade.lessons

# Train the model that ships, again: about 20 minutes of one core.
model: env
	$(BIN)/python -m handmade.data.make_model

demo-class: env
	$(BIN)/python -m handmade.grading.demo

format: env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

env: .venv/made

# Linux without an NVIDIA card takes torch's CPU build, where its index can be reached: it is ten times smaller.
.venv/made: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version)'
	$(PYTHON) -m venv .venv
	@cpu=; if [ "$$(uname)" = Linux ] && ! command -v nvidia-smi >/dev/null \
	  && $(PYTHON) -c 'import urllib.request as u; u.urlopen("$(TORCH_CPU)/torch/", timeout=5)' 2>/dev/null; \
	  then cpu="--extra-index-url $(TORCH_CPU)"; fi; \
	echo "Installing the course into .venv (a few minutes the first time) …"; \
	$(BIN)/pip install --quiet --disable-pip-version-check $$cpu --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv build dist
