# make demo        the five scripts on small pools made from this Python's standard library
# make experiment  the demo's way to an answer: two splits, two seeds, trained, scored and compared
# make trainer     an environment with LLaMA-Factory, .venv-trainer
# make harness     an environment with the BigCode Evaluation Harness, .venv-harness
# make test        all tests, in all three environments
# make check       lint and format, as CI does
# make bench       speed and memory against other ways, side by side; build/bench.json
# make clean       remove the environments, the demo and caches

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SCRIPTS := Code/RQ1/domain_composition.py Code/RQ2/semantic_diversity.py Code/RQ3/problem_complexity.py \
           Code/RQ4/task_category.py Code/RQ4/type_coverage.py

TRAINER := .venv-trainer
EVALUATOR := .venv-harness

.PHONY: demo experiment trainer harness test check bench clean
.DELETE_ON_ERROR:

demo: $(READY)
	@for script in $(SCRIPTS); do \
	  echo "== $$script --demo"; $(BIN)/python $$script --demo || exit $$?; \
	done
	@echo "== all splits"
	@$(BIN)/python -m instruction_data.publish verify build/demo
	@$(BIN)/python -m instruction_data.publish show --root build/demo

experiment: $(READY) trainer harness
	$(BIN)/python Code/RQ2/semantic_diversity.py --demo --pool oss
	$(BIN)/python Code/training/train.py --demo --split RQ2_OSS_DIVERSITY_LOW --split RQ2_OSS_DIVERSITY_HIGH --seeds 1 2
	$(BIN)/python Code/evaluation/bigcode.py --demo --limit 20 --allow-code-execution
	$(BIN)/python Code/evaluation/compare.py --demo

trainer: $(TRAINER)/.ready
harness: $(EVALUATOR)/.ready

test: $(READY) trainer harness
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

# LLaMA-Factory imports torchaudio even where there is only text: an empty package of that name will do.
$(TRAINER)/.ready: Code/training/requirements.txt
	test -x $(TRAINER)/bin/python || $(PYTHON) -m venv $(TRAINER)
	$(TRAINER)/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	$(TRAINER)/bin/python -c "import pathlib, sysconfig as s; p = pathlib.Path(s.get_path('purelib'), 'torchaudio'); \
	  p.mkdir(exist_ok=True); (p / '__init__.py').touch()"
	touch $@

$(EVALUATOR)/.ready: Code/evaluation/requirements.txt
	test -x $(EVALUATOR)/bin/python || $(PYTHON) -m venv $(EVALUATOR)
	$(EVALUATOR)/bin/pip install --quiet --disable-pip-version-check --no-deps -r $<
	touch $@

clean:
	rm -rf $(VENV) $(TRAINER) $(EVALUATOR) build .cache .pytest_cache .ruff_cache .hypothesis
