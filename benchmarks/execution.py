"""Contamination by execution at full size: a screen, then trials of what it lets through, beside trials of everything.

The pool is generated: of every 20 records one holds a benchmark's own solution under another name, four one with two
edits, so that the screen meets what is most like the benchmark and ends late, and 15 code of the standard library.
The rate of a smaller pool is measured, and what 75,197 records would take is extrapolated from it.
"""

import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from measure import Result
from texts import demo_texts

from instruction_data.measures import benchmarks
from instruction_data.numbers import features
from instruction_data.outcomes import edits, solvers
from instruction_data.outcomes.solvers import Candidate, Problems, Screens
from instruction_data.pools.records import Record

FULL = 75_197  # Magicoder-OSS-Instruct
RECORDS, NAIVE = 400, 24  # of the smaller pool; pairs that the slow way does
CORES = 2


def made_pool(n: int, problems: Problems, seed: int) -> tuple[list[Record], dict[int, int]]:
    """Return a pool, and record -> the problem whose solution was planted there."""
    draw, library = random.Random(seed), demo_texts("output", 2000)
    records, planted = [], {}
    for number in range(n):
        if number % 20 >= 5:
            records.append(Record("Do it.", "", draw.choice(library)))
            continue
        problem = draw.randrange(len(problems.checks))
        check = problems.checks[problem]
        code = re.sub(rf"\b{check.entry}\b", f"made_{number}", check.solution)
        if number % 20:
            code = edited(code, draw)
        else:
            planted[number] = problem
        records.append(Record("Do it.", "", f"```python\n{code}\n```\n"))
    return records, planted


def edited(code: str, draw: random.Random) -> str:
    """Return a program after two edits, as far as it has any."""
    for _ in range(2):
        try:
            every = list(edits.edits(code, 0))
        except (SyntaxError, ValueError):
            return code
        code = draw.choice(every).of(code) if every else code
    return code


def measured(n: int, cache: Path) -> tuple[float, float, float, float, list[Candidate], list[str], Problems]:
    """Search a generated pool.

    Returns:
        Seconds of reading functions, processor seconds of the screen, seconds of trials; share of planted solutions
        found; and the candidates, programs and problems.
    """
    every = (benchmarks.humaneval(), benchmarks.mbpp_benchmark())
    problems = solvers.load({one.name: one.ids for one in every if one})
    records, planted = made_pool(n, problems, 0)
    began = time.process_time()
    holders, _ = solvers.collected(records, {one.arguments for one in problems.checks})
    reading, programs = time.process_time() - began, sorted(holders)
    used = []

    def compute(texts, feature, engine):
        arrays = features.compute(texts, feature, cache, engine)
        used.extend([engine.processor] if isinstance(engine, Screens) else [])
        return arrays

    candidates, _ = solvers.screened(programs, problems, compute)
    began = time.perf_counter()
    solving, _ = solvers.judged(programs, candidates, problems, compute)
    trying = time.perf_counter() - began
    found = {(record, one.problem) for one in solving for record, _ in holders[programs[one.program]]}
    share = len(found & set(planted.items())) / max(len(planted), 1)
    return reading, used[0], trying, share, candidates, programs, problems


def by_trials(programs: list[str], candidates: list[Candidate], problems: Problems, cache: Path) -> tuple[float, int]:
    """Try programs drawn at random on problems without a screen; return seconds a pair, and what the screen missed."""
    draw, known = random.Random(1), {(one.program, one.problem) for one in candidates}
    pairs = []
    for _ in range(NAIVE):
        problem = draw.randrange(len(problems.checks))
        order = tuple(range(problems.checks[problem].arguments))
        pairs.append(Candidate(draw.randrange(len(programs)), problem, order))
    began = time.perf_counter()
    solving, _ = solvers.judged(programs, pairs, problems, lambda *given: features.compute(*given[:2], cache, given[2]))
    missed = sum((one.program, one.problem) not in known for one in solving)
    return (time.perf_counter() - began) / NAIVE, missed


def run(n: int = RECORDS) -> Iterator[Result]:
    with tempfile.TemporaryDirectory() as folder:
        reading, screening, trying, share, candidates, programs, problems = measured(n, Path(folder))
        a_pair, missed = by_trials(programs, candidates, problems, Path(folder))
    assert missed == 0
    scale = FULL / n
    hours = scale * (reading + screening / CORES + trying) / 3600
    pairs = scale * len(programs) * len(problems.checks)
    each = f"{screening / len(programs) * 1000:.0f} ms of a processor each"
    tried = f"{len(candidates):,} trials of {trying / max(len(candidates), 1):.2f} s"
    detail = f"extrapolated from {n:,} records: {len(programs):,} programs, {each}, {tried}"
    name = f"{FULL:,} records × {len(problems.checks)} problems"
    yield Result(f"Executing {name}: hours on two cores", hours, 2, detail, at_most=True)
    yield Result("Executing: trials of everything / ours", pairs * a_pair / 3600 / hours, 100, f"{a_pair:.2f} s a pair")
    yield Result("Executing: planted solutions found", share, 0.95)


if __name__ == "__main__":
    from measure import print_row

    for result in run(int(sys.argv[1])):
        print_row(result)
