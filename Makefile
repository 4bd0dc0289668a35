# make demo    the five scripts on small pools made from this Python's standard library
# make test    all tests
# make check   lint and format, as CI does
# make bench   speed and memory against other ways, side by side; build/bench.json
# make clean   remove the environment, the demo and caches

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SCRIPTS := Code/RQ1/domain_composition.py Code/RQ2/semantic_diversity.py Code/RQ3/problem_complexity.py \
           Code/RQ4/task_category.py Code/RQ4/type_coverage.py

.PHONY: demo test check bench clean
.DELETE_ON_ERROR:

demo: $(READY)
	@for script in $(SCRIPTS); do \
	  echo "== $$script --demo"; $(BIN)/python $$script --demo || exit $$?; \
	done
	@echo "== all splits"
	@$(BIN)/python -m instruction_data.publish verify build/demo
	@$(BIN)/python -m instruction_data.publish show --root build/demo

test: $(READY)
	$(BIN)/python -m pytest

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

bench: $(READY)
	$(BIN)/python benchmarks/run.py

# One environment for everything; made again when a list of packages changes.
$(READY): requirements.txt requirements-dev.txt requirements-demo.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-demo.txt
	touch $@

clean:
	rm -rf $(VENV) build .cache .pytest_cache .ruff_cache .hypothesis
