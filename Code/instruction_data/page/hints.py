"""Hints: the commands that a page names, each ready to type and right for the page's study root.

They are typed in the repository's folder. A page holds no absolute path, so two words stand for folders: DIR for the
study root, FOLDER for the folder of a pool that lies elsewhere.
"""

import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from instruction_data.demo import demo_root
from instruction_data.files import formats
from instruction_data.files.places import DEMO_ROOT, REPOSITORY, matching
from instruction_data.outcomes import outcomes
from instruction_data.page.findings import DOCUMENTS, Known
from instruction_data.pools import control_tokens
from instruction_data.pools.table import known_pools
from instruction_data.publish.record_tables import category_file
from instruction_data.runs import runs

DIVERSITY, CATEGORIES = "Code/RQ2/semantic_diversity.py", "Code/RQ4/task_category.py"
COMPLEXITY, COVERAGE = "Code/RQ3/problem_complexity.py", "Code/RQ4/type_coverage.py"
COMPOSITION = "Code/RQ1/domain_composition.py"
SCRIPTS = {"RQ1": (COMPOSITION,), "RQ2": (DIVERSITY,), "RQ3": (COMPLEXITY,), "RQ4": (CATEGORIES, COVERAGE)}
EMBEDDED = {DIVERSITY: "minilm", COMPLEXITY: "smollm2", CATEGORIES: "minilm"}  # the small model for each
TRAIN, SCORE = "Code/training/train.py", "Code/evaluation/bigcode.py"
STUDY, STUDY_OF_DEMO = "python Code/study/study.py", "make study"  # all the way from splits to verdicts
STUDY_DEFAULTS = {"QUESTION": [*SCRIPTS], "POOLS": ["oss"]}  # of make study
DEFAULT_POOLS = {"oss", "evol"}  # the defaults of the questions' scripts
READING_FLAGS = ("--skip-bad", control_tokens.FLAG)
OTHERS = ("math", "general")  # pools that replace code


@dataclass(frozen=True)
class Hints:
    """The commands for one study root."""

    known: Known
    root: Path

    @property
    def explained(self) -> str:
        """An explanation of the words that stand for folders; empty if the commands hold no such word."""
        if self.root in (REPOSITORY, DEMO_ROOT):
            return ""
        words = "In commands, DIR stands for the study root"
        elsewhere = any("=FOLDER/" in word for pool in self._pools for word in self._pool_flags(pool))
        return f"{words} and FOLDER for the folder of a pool that lies elsewhere." if elsewhere else f"{words}."

    def document(self, name: str) -> str:
        """Return the command that makes a derived document from published files or outcomes."""
        return f"{DOCUMENTS[name][1]}{self._where}"

    def verify(self) -> str:
        """Return the command that hashes every published file again and compares."""
        return f"python -m instruction_data.publish verify{self._below(' build/demo', ' DIR')}"

    def question(self, question: str, pools: Sequence[str] = ()) -> str:
        """Return the commands that make the training sets of one of the study's questions, a line each.

        Args:
            pools: the pools to make them from (default: those of the other questions).
        """
        pools = pools or self._pools
        scripts = [one for one in SCRIPTS[question] if one != CATEGORIES or not self._categorised(pools)]
        fetched = self._fetch() if COMPOSITION in scripts else []
        return "\n".join([*fetched, *(line for script in scripts for line in self._making(script, pools))])

    def places(self, pool: str) -> str:
        """Return the command that makes the data of a pool's map: vectors, or else complexity."""
        sets = [one for one in self.known.found.sets if one.pool == pool]
        for one in sets:
            if "encoder" in one.manifest["models"] and one.manifest["settings"].get("text"):
                return f"{one.manifest['command']}{self._below('', ' --root DIR')}"  # its cached vectors are gone
        ready_made = any(one.question == "RQ2" for one in sets)
        return self.question("RQ3" if ready_made else "RQ2", [pool])

    def study(self, lacking: Collection[tuple[str, str]] = ()) -> str:
        """Return the one command that trains, scores and answers.

        Args:
            lacking: the questions and pools without an answer, where others have theirs.
        """
        wanted = lacking or [(one.question, one.pool) for one in self.known.found.sets]
        questions, pools = sorted({question for question, _ in wanted}), list(dict.fromkeys(pool for _, pool in wanted))
        if self.root != DEMO_ROOT:
            flags = {"--questions": questions, "--pools": pools}
            named = "".join(f" {flag} {shlex.join(names)}" for flag, names in flags.items() if names)
            return f"{STUDY}{' --demo' * self._demo_pools}{self._where}{named}"
        asked = {"QUESTION": questions, "POOLS": pools} if lacking else {}
        named = {name: values for name, values in asked.items() if values != STUDY_DEFAULTS[name]}
        return " ".join([STUDY_OF_DEMO, *(f"{name}={shlex.quote(' '.join(of))}" for name, of in named.items())])

    def results(self, question: str) -> list[str]:
        """Return the commands that are still needed for the results of one question: train, score, compare."""
        splits = [name for name, one, _ in self.known.found.splits() if question == one.question]
        trained = [path.parent.name for path in matching(self.root / runs.FOLDER, f"*/{runs.MANIFEST}")]
        scored = [path.stem for path in matching(self.root / outcomes.FOLDER, "*/*/*.json")]
        demo = " --demo" if self._small and "--demo" not in self._where else ""
        if _of(scored, splits):
            return [self.document("comparison")]
        score = f"make harness\npython {SCORE}{self._where}{demo} --allow-code-execution"
        if _of(trained, splits):
            return [score, self.document("comparison")]
        train = f"make trainer\npython {TRAIN}{self._where}{demo} --question {question}"
        return [train, score, self.document("comparison")]

    @property
    def _where(self) -> str:
        return self._below(" --demo", " --root DIR")

    def _below(self, demo: str, other: str) -> str:
        return {REPOSITORY: "", DEMO_ROOT: demo}.get(self.root, other)

    @property
    def _demo_pools(self) -> bool:
        """Whether the pools are the demo's, from which --demo makes training sets with small models."""
        return self.root == DEMO_ROOT or (self.root != REPOSITORY and demo_root.complete(self.root))

    @property
    def _small(self) -> bool:
        """Whether small models are used here: then the root shows the method and does not reproduce the study."""
        return self._demo_pools or bool(self.known.embedded_models)

    @property
    def _pools(self) -> list[str]:
        return list(dict.fromkeys(one.pool for one in self.known.found.sets))

    def _making(self, script: str, pools: Sequence[str]) -> list[str]:
        """Return a script's commands: one for all pools if they are its defaults, else one for each pool."""
        command, words = f"python {script}{self._where}", []
        if self._demo_pools:
            command += "" if self.root == DEMO_ROOT else " --demo"
        else:
            words += ["--model", EMBEDDED[script]] if self._small and script in EMBEDDED else []
            words += ["--total", "max"] if script == COVERAGE and not self._study_pools else []
        flags = [self._pool_flags(pool) for pool in pools]
        by_itself = set(pools) == DEFAULT_POOLS or (self._demo_pools and set(pools) < DEFAULT_POOLS)
        if by_itself and all(rest == flags[0][2:] for _, _, *rest in flags):
            flags = [flags[0][2:]]
        return [" ".join([command, *one, *words]) for one in flags]

    def _pool_flags(self, pool: str) -> list[str]:
        """Return the flags that name a pool and say how to read it, as given when a set was made from it."""
        manifests = [one.manifest for one in self.known.found.sets if one.pool == pool]
        made = next((one for one in manifests if "--pool" in shlex.split(one["command"])), None)
        if not made:
            return ["--pool", pool]
        words = shlex.split(made["command"])
        given = {flag: value for flag, value in pairwise(words) if flag in ("--pool", "--fields", "--limit")}
        if "=" in given["--pool"]:
            given["--pool"] = f"{pool}={self._file(made['pools'][pool]['path'])}"
        flags = ["--pool", given.pop("--pool"), *(word for pair in given.items() for word in pair)]
        return [*map(shlex.quote, flags), *(flag for flag in READING_FLAGS if flag in words)]

    def _file(self, path: str) -> str:
        """Return the path of a pool's file; manifests leave out its folder if it is not below the root."""
        if not (self.root / path).is_file():
            return f"FOLDER/{path}"
        return path if self.root == REPOSITORY else f"DIR/{path}"

    @property
    def _study_pools(self) -> bool:
        """Whether all pools are files of the study, which are large enough for its totals."""
        entries: list[Mapping] = [entry for one in self.known.found.sets for entry in one.manifest["pools"].values()]
        return all(entry["known_as"] for entry in entries)

    def _categorised(self, pools: Sequence[str]) -> bool:
        files = (self.root / category_file(pool) for pool in pools)
        return all(file.is_file() and formats.pointer_of(file) is None for file in files)

    def _fetch(self) -> list[str]:
        """Return the command that fetches the pools that replace code, unless they are there or will be made."""
        table = known_pools(self.root)
        files = {name: table[name].file(self.root) for name in OTHERS}
        gone = [name for name, file in files.items() if not file.is_file() or formats.pointer_of(file)]
        if not gone or self._demo_pools:
            return []
        return [f"python -m instruction_data.pools fetch {' '.join(gone)}{self._where}"]


def _of(found: Sequence[str], splits: Sequence[str]) -> bool:
    """Say whether a run on one of the splits is among those found."""
    return any(run.startswith(f"{split}--") for run in found for split in splits)
