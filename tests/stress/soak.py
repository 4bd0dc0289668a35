"""The demo's chain many times in a row in one process: same bytes for same options, and nothing that grows.

random options (seeded) -> the five questions, contamination, profiles on one small study root -> files, memory, handles

Every set of options is run at least twice, with others in between; what it publishes must be the same bytes each time.
Meanwhile the process's memory, its open files, and the files in the study root, its cache and the folder of temporary
files are counted. Models are replaced by numbers made of the texts alone. As a command (exit status 1 on any difference
or growth):

    python -m tests.stress.soak [--rounds N] [--seed N]
"""

import argparse
import contextlib
import hashlib
import io
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.stress import faults

from instruction_data import cli
from instruction_data.demo import demo_root
from instruction_data.publish import verify

SETTLED = 0.4  # of the rounds: until then every script has imported what it needs and every allocator its arenas
MOST_GROWTH = 256  # KiB of memory a round, behind that
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024
CHAIN = ("RQ1", "RQ2", "RQ3", "RQ4 category", "RQ4 coverage", "contamination", "profiles")


@dataclass
class Seen:
    """Counts after each round."""

    memory: list[int] = field(default_factory=list)  # KiB
    handles: list[int] = field(default_factory=list)
    temporary: list[int] = field(default_factory=list)
    digests: dict[tuple, str] = field(default_factory=dict)
    repeated: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Return KiB a round: the slope of a straight line through the second part (least squares)."""
        values = self.memory[int(len(self.memory) * SETTLED) :]
        middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
        spread = sum((place - middle) ** 2 for place in range(len(values)))
        return sum((place - middle) * (value - mean) for place, value in enumerate(values)) / max(spread, 1)


def drawn(draw: random.Random) -> dict[str, tuple[str, ...]]:
    """Draw flags for every script of the chain."""
    pools = draw.choice(((), ("--pool", "oss"), ("--pool", "evol")))
    common = pools + draw.choice(((), ("--limit", str(draw.choice((18, 21))))))
    seeded = ("--seed", str(draw.randrange(3)), "--repeats", str(draw.choice((1, 1, 2))))
    text = draw.choice(("instruction", "output"))
    return {
        "RQ1": (*common, *seeded, *draw.choice(((), ("--other", "math"), ("--drop-input",)))),
        "RQ2": (*common, "--text", text, "--prompt", draw.choice(("", "Represent:"))),
        "RQ3": common,
        "RQ4 category": common,
        "RQ4 coverage": (*common, *seeded, "--shares", *draw.choice((("0", "50", "100"), ("25", "75")))),
        "contamination": (),
        "profiles": ("--sample", str(draw.choice((5, 500)))),
    }


def run_chain(root: Path, flags: Mapping[str, tuple[str, ...]]) -> str:
    """Run the chain in this process, beginning without splits; return the SHA-256 of all files that are there then."""
    for made in ("Datas/RQ1", "Datas/RQ2", "Datas/RQ3", "Datas/RQ4", "Code", "Profiles"):
        shutil.rmtree(root / made, ignore_errors=True)
    scripts = {script.name: script for script in faults.SCRIPTS}
    for name in CHAIN:
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            script = faults.Script(name, scripts[name].file, (*scripts[name].flags, *flags[name]))
            status = cli.run(lambda script=script: script.main(root))
        if status != 0:
            raise SystemExit(f"{name} {' '.join(flags[name])}: ended with {status}:\n{said.getvalue()}")
    digest = hashlib.sha256()
    for file, content in faults.tree(root).items():
        digest.update(file.encode() + b"\0" + hashlib.sha256(content).digest())
    return digest.hexdigest()


def temporary_files(root: Path) -> int:
    """Count the files in the folder of temporary files, and those with such names in the study root."""
    own = sum(1 for path in root.rglob("*") if path.name.endswith(".tmp") or path.name.startswith("tmp"))
    return own + sum(1 for _ in Path(tempfile.gettempdir()).iterdir())


def memory() -> int:
    """Return the KiB of this process that are in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KIB


def soak(root: Path, rounds: int, seed: int) -> Seen:
    """Run the chain ``rounds`` times with options of which each set comes at least twice."""
    draw, seen = random.Random(seed), Seen()
    choices = [drawn(draw) for _ in range(rounds // 2)]
    order = choices + draw.sample(choices, len(choices)) + choices[: rounds % 2]
    for number, flags in enumerate(order, 1):
        key, found = tuple(flags.items()), run_chain(root, flags)
        seen.repeated += key in seen.digests
        if seen.digests.setdefault(key, found) != found:
            seen.wrong.append(f"round {number}: other bytes than before with {flags}")
        seen.wrong += [f"round {number}: {line}" for line in verify.verify(root)]
        seen.memory.append(memory())
        seen.handles.append(len(os.listdir("/proc/self/fd")))  # noqa: PTH208 - iterdir would hold one more
        seen.temporary.append(temporary_files(root))
        print(
            f"round {number:>3}: {seen.memory[-1] / 1024:7.1f} MiB, {seen.handles[-1]:>3} open files, "
            f"{seen.temporary[-1]:>2} temporary files",
            flush=True,
        )
    return seen


def grown(seen: Seen) -> list[str]:
    """Say what grew."""
    settled = int(len(seen.memory) * SETTLED)
    wrong = []
    if seen.growth > MOST_GROWTH:
        wrong.append(f"memory grows by {seen.growth:,.0f} KiB a round; expected at most {MOST_GROWTH}")
    for what, counts in (("open files", seen.handles), ("temporary files", seen.temporary)):
        if max(counts[settled:]) > counts[settled]:
            wrong.append(f"{what}: {counts[settled]} after round {settled + 1}, {max(counts[settled:])} later")
    return wrong


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--rounds", type=cli.positive, default=50, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--seed", type=int, default=42, help="of the options (default: %(default)s)")
    options = parser.parse_args(argv)
    faults.load([])
    with tempfile.TemporaryDirectory(prefix="soak.") as folder:
        root, tempfile.tempdir = Path(folder) / "root", f"{folder}/temporary"
        Path(tempfile.tempdir).mkdir()
        demo_root.build(root, records=faults.RECORDS, others=faults.OTHERS)
        seen = soak(root, options.rounds, options.seed)
        tempfile.tempdir = None
    wrong = seen.wrong + grown(seen)
    print("\n".join(wrong))
    print(
        f"{len(seen.memory)} chains, {seen.repeated} of them with options seen before: {len(seen.wrong)} differences; "
        f"memory {seen.memory[0] / 1024:.1f} MiB first, {seen.memory[-1] / 1024:.1f} MiB last, in the second part "
        f"{seen.growth:+.1f} KiB a round; open files {seen.handles[0]} -> {seen.handles[-1]}; "
        f"temporary files {seen.temporary[0]} -> {seen.temporary[-1]}"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
