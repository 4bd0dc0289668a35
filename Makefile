# make demo        the scripts of all questions on small pools made from this Python's standard library
# make report      profiles, contamination and one page of the splits under Datas/: report.html
# make study       the whole study on the demo, from pools to verdicts; QUESTION=RQ2 for a part of it,
#                  RECIPES="demo demo-low-rate demo-long" for verdicts that say what holds with every recipe,
#                  RECIPES=demo-steps SHARES="10 20 40 80" for verdicts at other sizes of the sets
# make design      the designed experiment: which property is it, if all are varied at once? 8 sets, two seeds
# make self-test   planted effects through the whole study: are the verdicts those that were expected?
# make trainer     an environment with LLaMA-Factory, .venv-trainer
# make harness     an environment with the BigCode Evaluation Harness, .venv-harness
# make mbpp        MBPP and its translations into 17 languages, 85 MB: benchmark data that the demo can do without
# make test        all tests, in all three environments
# make check       lint and format, as CI does
# make fuzz        100,000 inputs through all readers, then large files and bombs
# make faults      300 killed processes, full disks and other faults in every script, and what became of them
# make soak        the demo chain 50 times with random options: same bytes, and nothing that grows
# make bench       speed and memory against other ways, side by side; build/bench.json
# make cheats      which of 103 cheats pass our scoring and that of other tools; the tables of docs/cheats.md
# make gpu-check   a GPU against the processor: same numbers, same splits, how fast; build/gpu.json
# make lock        renew the lock files from the pins
# make audit       known holes in the packages of the lock files
# make clean       remove the environments, caches and all of build/, trainings included

# python3 where it is a supported one, else the newest of these that is here; PYTHON=… decides otherwise.
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
  $$name -c '$(SUPPORTED)' 2>/dev/null && echo $$name && break; done)
ENVIRONMENT = test -x $(1)/bin/python || { $(or $(PYTHON),false) -c '$(SUPPORTED)' && $(PYTHON) -m venv $(1); } || { \
  echo "found no Python from 3.11 to 3.13$(PYTHON:%= in PYTHON=%): install one with its venv module, or name yours:\
  make PYTHON=python3.12" >&2; exit 1; }
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
LOCKER := build/locker
LOCK = $(LOCKER)/bin/uv pip compile --quiet --generate-hashes --no-deps --no-header --no-annotate --python-version 3.11
# Behind a lock, which has all that PyTorch needs: so it brings nothing but itself, and CUDA's libraries where there are.
# Of packages that a lock leaves out on purpose (interfaces, sound, pictures), pip would warn as of errors.
TORCH := pip install --quiet --disable-pip-version-check --no-warn-conflicts --no-compile torch==2.13.0
INSTALL := pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes
# Bytecode by all cores, where pip takes one; PYTHONDONTWRITEBYTECODE would let every process compile everything anew.
# A third of it is left out, which hardly any process imports: packages' own tests, and models of other families.
RARE := /tests/|/transformers/models/(?!auto|bert|bloom|llama|mllama|paligemma|qwen3_omni_moe)[^/]+/(?!configuration|__init__)
COMPILED = $(1)/bin/python -m compileall -qq -j 0 -x '$(RARE)' $(1)/lib || true
SCRIPTS := Code/RQ1/domain_composition.py Code/RQ2/semantic_diversity.py Code/RQ3/problem_complexity.py \
           Code/RQ4/task_category.py Code/RQ4/type_coverage.py Code/annotate/text_measures.py

TRAINER := .venv-trainer
EVALUATOR := .venv-harness
CHEATED := .venv-cheats

.PHONY: demo report study design self-test trainer harness mbpp test check fuzz faults soak bench cheats gpu-check lock \
        audit clean
.DELETE_ON_ERROR:

demo: $(READY)
	@for script in $(SCRIPTS); do \
	  echo "== $$script --demo"; $(BIN)/python $$script --demo || exit $$?; \
	done
	@echo "== all splits"
	@for script in Code/report/profile_splits.py Code/report/contamination.py; do \
	  $(BIN)/python $$script --demo > build/demo/$$(basename $$script .py).txt || exit $$?; \
	done
	@$(BIN)/python Code/report/report.py --demo
	@$(BIN)/python -m instruction_data.publish verify build/demo
	@$(BIN)/python -m instruction_data.publish show --root build/demo

report: $(READY)
	$(BIN)/python Code/report/profile_splits.py
	$(BIN)/python Code/report/contamination.py
	$(BIN)/python Code/report/report.py

study: $(READY) trainer
	$(BIN)/python Code/study/study.py --demo $(if $(QUESTION),--questions $(QUESTION)) $(if $(POOLS),--pools $(POOLS)) \
	  $(if $(SEEDS),--seeds $(SEEDS)) $(if $(RECIPES),--recipes $(RECIPES)) \
	  $(if $(SHARES),--shares $(SHARES))

# In a root of its own, since its pool is larger.
design: $(READY) trainer
	$(BIN)/python -m instruction_data.demo --root build/design --oss 2000
	$(BIN)/python Code/study/study.py --demo --root build/design --questions RQ5 $(if $(SEEDS),--seeds $(SEEDS))

self-test: $(READY) trainer
	$(BIN)/python Code/study/self_test.py

trainer: $(TRAINER)/.ready
harness: $(EVALUATOR)/.ready
mbpp: $(VENV)/.mbpp

test: $(READY) trainer harness mbpp
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

check: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

fuzz: $(READY)
	$(BIN)/python -m tests.stress.fuzz.run --inputs 100000
	$(BIN)/python -m tests.stress.fuzz.run --large

faults: $(READY)
	$(BIN)/python -m tests.stress.faults --kills 300

soak: $(READY)
	$(BIN)/python -m tests.stress.soak

bench: $(READY) trainer mbpp
	$(BIN)/python benchmarks/run.py

# The other tools are in the environments that are there already; evalplus is left out where it cannot be installed.
cheats: $(READY) harness
	@$(MAKE) --no-print-directory $(CHEATED)/.ready || echo "evalplus cannot be installed here"
	$(BIN)/python benchmarks/cheats/run.py

gpu-check: $(READY)
	$(BIN)/python benchmarks/gpu.py

# One environment for everything; made again when a list of packages changes.
$(READY): requirements.lock requirements-demo.txt pyproject.toml
	@$(call ENVIRONMENT,$(VENV))
	$(BIN)/$(INSTALL) -r requirements.lock -r requirements-demo.txt
	$(BIN)/$(TORCH)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(call COMPILED,$(VENV))
	touch $@

$(VENV)/.mbpp: requirements-mbpp.txt $(READY)
	$(BIN)/$(INSTALL) -r $<
	touch $@

# LLaMA-Factory imports torchaudio even where there is only text: an empty package of that name will do.
$(TRAINER)/.ready: Code/training/requirements.lock
	@$(call ENVIRONMENT,$(TRAINER))
	$(TRAINER)/bin/$(INSTALL) -r $<
	$(TRAINER)/bin/$(TORCH)
	$(TRAINER)/bin/python -c "import pathlib, sysconfig as s; p = pathlib.Path(s.get_path('purelib'), 'torchaudio'); \
	  p.mkdir(exist_ok=True); (p / '__init__.py').touch()"
	$(call COMPILED,$(TRAINER))
	touch $@

$(EVALUATOR)/.ready: Code/evaluation/requirements.lock
	@$(call ENVIRONMENT,$(EVALUATOR))
	$(EVALUATOR)/bin/$(INSTALL) -r $<
	$(EVALUATOR)/bin/$(TORCH)
	$(call COMPILED,$(EVALUATOR))
	touch $@

$(CHEATED)/.ready: benchmarks/cheats/requirements.lock
	@$(call ENVIRONMENT,$(CHEATED))
	$(CHEATED)/bin/$(INSTALL) -r $<
	$(call COMPILED,$(CHEATED))
	touch $@

# The pins of the requirements files with a hash for every file of every package; PyTorch aside, since it brings CUDA
# libraries of its own choice where there are any, and is installed by its version.
LOCKED := Code/training Code/evaluation benchmarks/cheats
LOCKS := requirements.lock $(LOCKED:%=%/requirements.lock)
lock: $(LOCKER)/.ready
	@mkdir -p build
	grep -hvE '^(-|torch==)' requirements.txt requirements-dev.txt > build/lock.in
	$(LOCK) build/lock.in -o requirements.lock
	for folder in $(LOCKED); do \
	  grep -v '^torch==' $$folder/requirements.txt > build/lock.in; \
	  $(LOCK) build/lock.in -o $$folder/requirements.lock || exit $$?; \
	done

audit: $(LOCKER)/.ready
	for lock in $(LOCKS); do $(LOCKER)/bin/pip-audit --disable-pip --require-hashes -r $$lock || exit $$?; done

$(LOCKER)/.ready:
	@$(call ENVIRONMENT,$(LOCKER))
	$(LOCKER)/bin/pip install --quiet --disable-pip-version-check uv==0.13.9 pip-audit==2.10.1
	touch $@

clean:
	rm -rf $(VENV) $(TRAINER) $(EVALUATOR) $(CHEATED) build .cache .pytest_cache .ruff_cache .hypothesis
