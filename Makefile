PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2
export COMPLAINTS_DATA_DIR ?= $(CURDIR)/.data

.PHONY: setup demo test check faults bench clean

setup: $(BIN)/complaints  ## make .venv with the command `complaints`

$(BIN)/complaints: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: setup  ## 8,340 real complaints through the whole system; ONCE=1 ends by itself
	$(BIN)/complaints demo $(if $(ONCE),--once)

check: setup  ## types, style, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Whole files go to a worker, so that what is set up for a file is set up once. Each worker has servers of its own.
# Tests start hundreds of processes, each of which would compile the program anew if none may keep what it compiled.
test: setup  ## all tests against a real PostgreSQL and a real Kafka, and check beside them; WORKERS=1 for less load
	@log=$$(mktemp); \
	$(MAKE) --no-print-directory check >"$$log" 2>&1 & check=$$!; \
	trap 'kill $$check 2>/dev/null; wait $$check; rm -f "$$log"; exit 130' INT TERM; \
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS); tests=$$?; \
	wait $$check; checked=$$?; \
	echo; cat "$$log"; rm -f "$$log"; \
	test $$checked = 0 || echo "check failed"; \
	test $$tests = 0 || echo "tests failed"; \
	exit $$((tests ? tests : checked))

faults: setup  ## a long schedule of faults: SEED=… MINUTES=…; SHORT=1 for one as in the tests
	$(BIN)/python -m tests.faults.schedule --seed $(or $(SEED),$$(date +%s)) --minutes $(or $(MINUTES),5) \
	  $(if $(SHORT),--short)

bench: setup  ## measurements, as ratios against peers in the same run
	$(BIN)/python -m bench $(ARGS)

clean:
	rm -rf $(VENV) .data
