# make demo [DRIVE=folder|video|bag], make test, make lint, make workspace, make weights CAMVID=...
# KITTI=...: each runs `make setup` first. make clean removes what they made. (docs/contributing.md)
PYTHON ?= python3
DRIVE ?=
CAMVID ?=
KITTI ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SET_UP := .venv/.set-up
SET_UP_FROM := setup.py pyproject.toml constraints.txt requirements-ros.txt package.xml \
               CMakeLists.txt $(wildcard cmake/* msg/* launch/* config/* scripts/*)

.PHONY: demo test lint weights workspace setup clean

demo: $(SET_UP)
	$(BIN)/dvsnet demo $(if $(DRIVE),"$(DRIVE)")

test: $(SET_UP)
	$(BIN)/python -m pytest

lint: $(SET_UP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Makes the shipped weights anew (docs/model_card.md); interrupted, it goes on where it stopped.
weights: $(SET_UP)
	$(if $(and $(CAMVID),$(KITTI)),,$(error give CAMVID=folder and KITTI=folder, see scripts/make_weights.py))
	$(BIN)/python scripts/make_weights.py --camvid "$(CAMVID)" --kitti "$(KITTI)"

# Builds and tests the package with colcon in a workspace of its own, in both install modes.
workspace: $(SET_UP)
	.ci/workspace

setup: $(SET_UP)

# Set up once, and anew when one of SET_UP_FROM changes. The messages are built last, over ROS 2.
$(SET_UP): $(SET_UP_FROM)
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 10) <= v[:2] <= (3, 13) else \
	  f"Python 3.10 to 3.13 is needed, and $(PYTHON) is {v[0]}.{v[1]}: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(PIP) install --quiet -c constraints.txt -r requirements-ros.txt
	$(PIP) install --quiet -c constraints.txt -e '.[development]'
	@touch $@

clean:
	rm -rf .venv build demo
