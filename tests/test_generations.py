"""--generation, against the study's formulas written out once more: plain loops, one text at a time, none of our code.

What stands here was written from the description of the study's three generations, with transformers and
sentence-transformers alone; the project's own definitions are looked at only by what the scripts publish.
"""

import hashlib
import itertools
import json
import math
import shlex
from collections import Counter
from pathlib import Path

import numpy as np
import pandas
import pytest
from tests.support import tiny_model
from tests.support.roots import copy_pools, state
from tests.support.scripts import load_script

from instruction_data.errors import InputError
from instruction_data.numbers import models
from instruction_data.publish import manifests, verify

JUNE_PROMPT = (
    "You are a helpful assistant. Please identify the complexity score of the following programming problem.\n"
    "##Problem: {}\n##Complexity: "
)
DECEMBER_PROMPT = (
    "You are a helpful assistant. Please identify the complexity score of the following user query. \n"
    "##Query: {}  \n##Complexity: "
)
TIERS = ("SIMPLE", "MODERATE", "COMPLEX")
WORDS = ("sort", "search", "parse", "merge", "hash", "draw", "count", "split", "join", "print")


def code_pool(n: int) -> list[dict]:
    """Make records that all differ; instructions have several lines, from a few words to beyond 512 tokens."""
    made = []
    for i in range(n):
        verb, other = WORDS[i % 10], WORDS[(i * 3 + i // 10) % 10]
        text = f"Write function number {i} to {verb} and {other}\nthe values é {i * i}."
        text += f" Then {other} the rest, {i} times." * ((0, 2, 5, 11, 24)[i % 5] if i < 20 else 0)
        made.append({"instruction": text, "output": f"def {verb}_{i}(values):\n    return {other}(values, {i})"})
    return made


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads cost more than they bring where models are this small."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    """A folder with two tiny models that differ, and pools of 20 and of 100 code records."""
    folder = tmp_path_factory.mktemp("generations")
    scorer, reader = tiny_model.write(folder / "scorer"), tiny_model.write(folder / "reader")
    alter(scorer, 2.0)
    alter(reader, 5.0)
    for name, count in (("few", 20), ("many", 100)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in code_pool(count)))
    return folder


def alter(folder: Path, factor: float) -> None:
    """Scale a tiny model's weights, so that every token counts and the next one is far from uniform."""
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        for name, weights in model.named_parameters():
            weights.mul_(factor if "lm_head" in name else 8.0 if "_proj" in name else 1.0)
    model.save_pretrained(folder)


@pytest.fixture
def root(tmp_path) -> Path:
    (tmp_path / "Datas").mkdir()
    return tmp_path


def run(script: str, root: Path, *flags: object) -> None:
    assert load_script(script).main(["--root", str(root), *map(str, flags)]) == 0
    assert verify.verify(root) == []


def manifest_of(root: Path, question: str, pool: str) -> dict:
    return manifests.read(root / f"Datas/{question}/{pool}/{question}_{pool}_manifest.json")


def split(root: Path, name: str) -> list[dict]:
    question, pool = name.split("_")[:2]
    return json.loads((root / f"Datas/{question}/{pool}/{name}.json").read_text())


def instructions(root: Path, name: str) -> list[str]:
    return [record["instruction"] for record in split(root, name)]


# ---------------------------------------------------------------- RQ3, complexity


class Study:
    """The study's two roles of a language model, one text at a time."""

    def __init__(self, folder: Path):
        import transformers

        self.tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        self.model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()

    def logits(self, tokens: list[int]):
        import torch

        with torch.inference_mode():
            return self.model(input_ids=torch.tensor([tokens])).logits[0].double().numpy()

    def score(self, prompt: str, text: str, weights: range) -> float:
        """Return the expected digit; the prompt is at most 512 tokens, where need be by a shorter text."""
        length = len(text)
        while len(tokens := self.tokenizer(prompt.format(text[:length]))["input_ids"]) > 512:
            length -= 1
        last = self.logits(tokens)[-1]
        digits = [math.exp(last[self.tokenizer.convert_tokens_to_ids(digit)] - last.max()) for digit in "123456"]
        return sum(weight * digit for weight, digit in zip(weights, digits, strict=True)) / sum(digits)

    def perplexity(self, text: str, most: int, *, start: bool) -> float:
        tokens = self.tokenizer(text)["input_ids"][:most]
        if start:
            first = self.tokenizer.bos_token_id
            tokens = [self.tokenizer.eos_token_id if first is None else first, *tokens]
        losses = []
        for row, target in zip(self.logits(tokens), tokens[1:], strict=False):
            losses.append(math.log(np.exp(row - row.max()).sum()) + row.max() - row[target])
        return math.exp(sum(losses) / len(losses))


def scaled(values: list[float]) -> list[float]:
    return [(value - min(values)) / (max(values) - min(values)) for value in values]


def december(scorer: Study, reader: Study, texts: list[str]) -> tuple[list[float], list[float], list[float], list[int]]:
    """Return scores, perplexities, their average, and the sizes of the thirds."""
    scores = [scorer.score(DECEMBER_PROMPT, text, range(0, 6)) for text in texts]
    perplexities = [reader.perplexity(text, 512, start=False) for text in texts]
    both = [(a + b) / 2 for a, b in zip(scaled(scores), scaled(perplexities), strict=True)]
    k = len(texts) // 3
    return scores, perplexities, both, [k, k, len(texts) - 2 * k]


def june(scorer: Study, reader: Study, texts: list[str]) -> tuple[list[float], list[float], list[float], list[int]]:
    scores = [scorer.score(JUNE_PROMPT, text, range(1, 7)) for text in texts]
    perplexities = [reader.perplexity(text, 256, start=True) for text in texts]
    both = [a + b for a, b in zip(scaled(scores), scaled(perplexities), strict=True)]
    n = len(texts)
    return scores, perplexities, both, [n // 3, 2 * n // 3 - n // 3, n - 2 * n // 3]


@pytest.mark.parametrize(("generation", "formulas"), [("2025-12", december), ("2025-06", june)])
def test_complexity_is_the_studys(generation, formulas, work, root):
    roles = ("--scorer", work / "scorer", "--perplexity-model", work / "reader")
    run("RQ3/problem_complexity.py", root, "--pool", f"few={work / 'few.jsonl'}", "--generation", generation, *roles)
    texts = [record["instruction"] for record in code_pool(20)]
    scores, perplexities, both, sizes = formulas(Study(work / "scorer"), Study(work / "reader"), texts)
    table = pandas.read_parquet(root / "Datas/RQ3/FEW/RQ3_FEW_scores.parquet")
    assert table["score"].to_numpy() == pytest.approx(scores, abs=1e-4)
    assert np.log(table["perplexity"].to_numpy()) == pytest.approx(np.log(perplexities), abs=1e-4)
    assert table["complexity"].to_numpy() == pytest.approx(both, abs=1e-4)
    assert sizes == ([6, 6, 8] if generation == "2025-12" else [6, 7, 7])
    order = [texts[place] for place in sorted(range(20), key=both.__getitem__)]
    for tier in TIERS:
        size = sizes.pop(0)
        assert instructions(root, f"RQ3_FEW_{tier}") == order[:size]
        order = order[size:]
    assert manifest_of(root, "RQ3", "FEW")["settings"]["generation"] == generation


def test_each_part_of_december_counts_here(work):
    """Else the test above would pass with a part of it left out: each of them alone changes numbers or tiers."""
    scorer, reader = Study(work / "scorer"), Study(work / "reader")
    texts = [record["instruction"] for record in code_pool(20)]
    lengths = [len(reader.tokenizer(text)["input_ids"]) for text in texts]
    assert min(lengths) < 256 < sorted(lengths)[-5] < 512 < max(lengths)
    longest, short = max(texts, key=len), min(texts, key=len)
    assert scorer.score(DECEMBER_PROMPT, short, range(6)) != pytest.approx(
        scorer.score(JUNE_PROMPT, short, range(6)), abs=1e-3
    )
    plain = reader.perplexity(longest, 512, start=False)
    assert reader.perplexity(longest, 256, start=False) != pytest.approx(plain, rel=1e-3)
    assert reader.perplexity(longest, 512, start=True) != pytest.approx(plain, rel=1e-4)
    assert reader.perplexity(longest, 600, start=False) != pytest.approx(plain, rel=1e-4)


def test_a_single_token_has_a_perplexity_behind_a_start_token_alone(work, root):
    (root / "Datas/one.jsonl").write_text(
        "".join(json.dumps({"instruction": text, "output": "x"}) + "\n" for text in ("0", "012", "3 4", "5 6 7"))
    )
    pool = ["--root", str(root), "--pool", f"one={root / 'Datas/one.jsonl'}"]
    flags = [*pool, "--model", str(work / "reader"), "--measure", "perplexity"]
    rq3 = load_script("RQ3/problem_complexity.py")
    with pytest.raises(InputError, match=r"no usable number for 1 records \(rows 0\)"):
        rq3.main([*flags, "--generation", "2025-12"])
    assert rq3.main(flags) == 0


def test_september_cuts_by_perplexity_alone(work, root):
    flags = ("--generation", "2024-09", "--perplexity-model", work / "reader")
    run("RQ3/problem_complexity.py", root, "--pool", f"few={work / 'few.jsonl'}", *flags)
    manifest = manifest_of(root, "RQ3", "FEW")
    assert list(manifest["models"]) == ["perplexity"]
    assert manifest["settings"]["measure"] == "perplexity"
    reader, texts = Study(work / "reader"), [record["instruction"] for record in code_pool(20)]
    order = sorted(texts, key=lambda text: reader.perplexity(text, 256, start=True))
    assert [text for tier in TIERS for text in instructions(root, f"RQ3_FEW_{tier}")] == order


# ---------------------------------------------------------------- RQ2, diversity


def similarities(texts: list[str], prompt: str) -> tuple[np.ndarray, list[float]]:
    """Return the vectors, and the mean cosine of each to all, itself included."""
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(models.find("minilm").location, device="cpu")
    vectors = encoder.encode([prompt + text for text in texts]).astype(np.float64)
    unit = [vector / math.sqrt(vector @ vector) for vector in vectors]
    return vectors, [sum(float(one @ other) for other in unit) / len(unit) for one in unit]


def test_diversity_of_december_is_thirds_by_count_of_instructions(work, root):
    flags = ("--generation", "2025-12", "--model", "minilm", "--save-embeddings")
    run("RQ2/semantic_diversity.py", root, "--pool", f"few={work / 'few.jsonl'}", *flags)
    texts = [record["instruction"] for record in code_pool(20)]
    vectors, means = similarities(texts, "Represent the programming task:")
    by_diversity = sorted(range(20), key=lambda place: -means[place])  # the most alike is the least diverse
    parts = {"LOW": by_diversity[:6], "MEDIUM": by_diversity[6:12], "HIGH": by_diversity[12:]}
    for tier, part in parts.items():
        assert instructions(root, f"RQ2_FEW_DIVERSITY_{tier}") == [texts[place] for place in sorted(part)]
    published(root, vectors)


def test_diversity_of_june_is_percentiles_of_outputs(work, root):
    flags = ("--generation", "2025-06", "--model", "minilm")
    run("RQ2/semantic_diversity.py", root, "--pool", f"few={work / 'few.jsonl'}", *flags)
    records = code_pool(20)
    _, means = similarities([record["output"] for record in records], "")
    ordered = sorted(means)

    def percentile(q: float) -> float:
        place = q / 100 * (len(ordered) - 1)
        below = math.floor(place)
        return ordered[below] + (place - below) * (ordered[below + 1] - ordered[below])

    low, high = percentile(33), percentile(66)
    parts = {
        "HIGH": [value <= low for value in means],
        "MEDIUM": [low < value <= high for value in means],
        "LOW": [value > high for value in means],
    }
    for tier, chosen in parts.items():
        expected = [record["instruction"] for record, there in zip(records, chosen, strict=True) if there]
        assert instructions(root, f"RQ2_FEW_DIVERSITY_{tier}") == expected
    assert not list(root.rglob("*.npy"))  # only on request


def published(root: Path, vectors: np.ndarray) -> None:
    """The vectors stand beside the splits, as plain data, and the manifest knows their hash."""
    name = "Datas/RQ2/FEW/RQ2_FEW_embeddings.npy"
    saved = np.load(root / name, allow_pickle=False)
    assert saved.dtype == np.float32 and saved.shape == vectors.shape
    assert saved == pytest.approx(vectors, abs=1e-5)
    entry = manifest_of(root, "RQ2", "FEW")["files"][name]
    assert entry["sha256"] == hashlib.sha256((root / name).read_bytes()).hexdigest()


def test_saved_embeddings_make_the_same_tiers_again(work, root):
    pool = ("--pool", f"few={work / 'few.jsonl'}", "--generation", "2025-12")
    run("RQ2/semantic_diversity.py", root, *pool, "--model", "minilm", "--save-embeddings")
    first = {name: split(root, name) for name in manifest_of(root, "RQ2", "FEW")["splits"]}
    saved = root / "vectors.npy"
    saved.write_bytes((root / "Datas/RQ2/FEW/RQ2_FEW_embeddings.npy").read_bytes())
    run("RQ2/semantic_diversity.py", root, *pool, "--embeddings", saved, "--overwrite")
    assert {name: split(root, name) for name in first} == first
    assert not (root / "Datas/RQ2/FEW/RQ2_FEW_embeddings.npy").exists()  # of the set that was replaced


# ---------------------------------------------------------------- RQ1, mixtures

CODE_IN_OTHERS = (  # real code, which December leaves out
    "```\nprint(1)\n```",
    "Use this:\ndef area(r):\n    return 3 * r * r",
    "#include <stdio.h>\nint main() { return 0; }",
    "import numpy as np",
    "SELECT name FROM people;",
)
PLAIN_IN_OTHERS = (  # words and signs that code has, too
    "Choose from the list {red, green} and let me know.",
    "The set [1, 2, 3] is from class five; import duties apply.",
    "Solve for x: f(x) = 3. Return to the function of the heart.",
)


def other_pool(name: str, n: int) -> list[dict]:
    texts = [*CODE_IN_OTHERS, *PLAIN_IN_OTHERS]
    texts += [f"A question of {name}, number {i}." for i in range(n - len(texts))]
    return [
        {"instruction": f"{name} {i}" if i % 2 else text, "input": "", "output": text if i % 2 else f"{name} {i}"}
        for i, text in enumerate(texts)
    ]


RATIOS = {"97_3": (97, 3), "9_1": (90, 10), "7_3": (70, 30)}
MIXED = ("MATHS", "TALK")


def mix(work: Path, root: Path, *flags: str) -> dict:
    for name in ("maths", "talk"):
        (root / f"{name}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in other_pool(name, 60)))
    others = [word for name in ("maths", "talk") for word in ("--other", f"{name}={root / name}.jsonl")]
    run("RQ1/domain_composition.py", root, "--pool", f"many={work / 'many.jsonl'}", *others, *flags)
    return manifest_of(root, "RQ1", "MANY")


def is_code(record: dict) -> bool:
    return record["instruction"].startswith("Write function number")


def code_part(root: Path, name: str) -> list[str]:
    return [record["instruction"] for record in split(root, name) if is_code(record)]


def test_mixtures_of_december(work, root):
    manifest = mix(work, root, "--generation", "2025-12")
    drawn = [
        f"RQ1_MANY_{other}_{ratio}{repeat}" for other in MIXED for ratio in RATIOS for repeat in ("", "_R2", "_R3")
    ]
    assert sorted(manifest["splits"]) == sorted(["RQ1_MANY_CODE_10_0", *drawn])
    assert manifest["settings"]["dropped_code_records"] == {"maths": 5, "talk": 5}
    assert instructions(root, "RQ1_MANY_CODE_10_0") == [record["instruction"] for record in code_pool(100)]
    left_out = {json.dumps({**record}) for name in ("maths", "talk") for record in other_pool(name, 60)[:5]}
    seen = Counter()
    for name in drawn:
        code, other = RATIOS["_".join(name.split("_")[3:5])]
        records = split(root, name)
        kinds = [is_code(record) for record in records]
        assert (sum(kinds), len(kinds)) == (code, code + other)
        assert len({json.dumps(record) for record in records}) == len(records)  # without replacement
        assert not left_out & {json.dumps(record) for record in records}
        assert sum(one != after for one, after in itertools.pairwise(kinds)) > 1  # shuffled
        seen.update(record["output"] + record["instruction"] for record in records if not is_code(record))
    plain = [record["output"] + record["instruction"] for record in other_pool("maths", 60)[5:8]]
    assert all(seen[text] for text in plain)  # plain English stays, whatever signs it has
    samples = {name: frozenset(code_part(root, name)) for name in drawn}
    assert len(set(samples.values())) == len(drawn)  # the code is drawn anew for every mixture and draw


def test_mixtures_of_june(work, root):
    manifest = mix(work, root, "--generation", "2025-06")
    drawn = [f"RQ1_MANY_{other}_{ratio}" for other in MIXED for ratio in RATIOS]
    assert sorted(manifest["splits"]) == sorted(["RQ1_MANY_CODE_10_0", *drawn])
    assert manifest["settings"]["dropped_code_records"] is None
    for ratio, (code, other) in RATIOS.items():
        for domain in MIXED:
            kinds = [is_code(record) for record in split(root, f"RQ1_MANY_{domain}_{ratio}")]
            assert kinds == [True] * code + [False] * other
        assert code_part(root, f"RQ1_MANY_MATHS_{ratio}") == code_part(root, f"RQ1_MANY_TALK_{ratio}")


def test_single_flags_override_the_mixtures_of_december(work, root):
    manifest = mix(work, root, "--generation", "2025-12", "--no-shuffle", "--no-drop-code", "--repeats", "1")
    assert len(manifest["splits"]) == 7
    kinds = [is_code(record) for record in split(root, "RQ1_MANY_MATHS_7_3")]
    assert kinds == [True] * 70 + [False] * 30
    samples = [frozenset(code_part(root, f"RQ1_MANY_{other}_7_3")) for other in MIXED]
    assert samples[0] != samples[1]  # what is not overridden stays December's
    settings = manifest["settings"]
    assert settings["generation"] == "2025-12"
    assert (settings["shuffle"], settings["fresh_code"], settings["repeats"]) == (False, True, 1)
    assert settings["dropped_code_records"] is None
    words = shlex.split(manifest["command"])
    assert words[words.index("--generation") + 1] == "2025-12"
    assert {"--no-shuffle", "--no-drop-code", "--repeats"} <= set(words)
    assert not {"--fresh-code", "--shuffle"} & set(words)


def test_the_command_of_a_manifest_makes_the_same_again(work, root):
    manifest = mix(work, root, "--generation", "2025-12", "--no-shuffle")
    before = state(root / "Datas")
    words = shlex.split(manifest["command"])[2:]
    folders = {f"{name}.jsonl": folder for name, folder in (("many", work), ("maths", root), ("talk", root))}
    places = {f"{file[:-6]}={file}": f"{file[:-6]}={folder / file}" for file, folder in folders.items()}
    words = [places.get(word, word) for word in words]  # a manifest bears no absolute path
    run("RQ1/domain_composition.py", root, *words)
    assert state(root / "Datas").keys() == before.keys()
    assert manifest_of(root, "RQ1", "MANY") == manifest


# ---------------------------------------------------------------- RQ4, type coverage

ALGORITHMIC = {"Algorithmic & Data Structure", "Mathematical & Computational"}


@pytest.fixture(scope="module")
def categorised(small_demo, tmp_path_factory) -> Path:
    root = copy_pools(small_demo, tmp_path_factory.mktemp("categorised"))
    run("RQ4/task_category.py", root, "--demo", "--pool", "oss")
    return root


def kinds_of(root: Path) -> dict[str, bool]:
    """Return instruction -> whether its category is algorithmic."""
    lines = (root / "Code/RQ4/oss_instruct_with_category.jsonl").read_text().splitlines()
    return {one["instruction"]: one["assigned_category"] in ALGORITHMIC for one in map(json.loads, lines)}


@pytest.mark.parametrize(
    ("flags", "shares", "repeats"),
    [
        (["--generation", "2025-12"], (0, 20, 50, 80, 100), 3),
        (["--generation", "2025-12", "--shares", "0", "50", "100"], (0, 50, 100), 3),
        (["--generation", "2025-12", "--repeats", "2"], (0, 20, 50, 80, 100), 2),
        (["--generation", "2025-06"], (0, 25, 50, 75, 100), 1),
    ],
)
def test_shares_and_draws_of_type_coverage(flags, shares, repeats, categorised):
    run("RQ4/type_coverage.py", categorised, "--demo", "--pool", "oss", "--total", "8", "--overwrite", *flags)
    manifest = manifest_of(categorised, "RQ4", "OSS")
    endings = ["", *(f"_R{number}" for number in range(2, repeats + 1))]
    assert list(manifest["splits"]) == [f"RQ4_OSS_ALG_{share}{end}" for share in shares for end in endings]
    kinds = kinds_of(categorised)
    for share in shares:
        draws = [instructions(categorised, f"RQ4_OSS_ALG_{share}{end}") for end in endings]
        for texts in draws:
            assert len(texts) == len(set(texts)) == 8
            assert sum(kinds[text] for text in texts) == 8 * share // 100
        assert len(set(map(tuple, draws))) == repeats
    middle = [[kinds[text] for text in instructions(categorised, name)] for name in manifest["splits"] if "_50" in name]
    assert any(sorted(one, reverse=True) != one for one in middle)  # shuffled
    assert manifest["settings"]["generation"] == flags[1]
    assert manifest["settings"]["shares"] == list(shares)
    assert manifest["seed"] == 42
    given = shlex.split(manifest["command"])
    if len(flags) > 2:
        at = given.index(flags[2])
        assert given[at : at + len(flags) - 2] == flags[2:]
    assert ("--generation" in given) == (flags[1] != "2025-06")  # which is the default


# ---------------------------------------------------------------- September 2024


@pytest.mark.parametrize("script", ["RQ1/domain_composition.py", "RQ4/task_category.py", "RQ4/type_coverage.py"])
def test_september_did_not_ask_every_question(script, categorised):
    before = state(categorised)
    with pytest.raises(InputError) as caught:
        load_script(script).main(["--demo", "--root", str(categorised), "--generation", "2024-09"])
    assert "--generation 2024-09: found that the study did not ask this question then" in str(caught.value)
    assert "expected 2025-06 or 2025-12" in str(caught.value)
    assert state(categorised) == before


def test_september_takes_ready_made_vectors(work, root):
    rq2 = load_script("RQ2/semantic_diversity.py")
    flags = ["--root", str(root), "--pool", f"few={work / 'few.jsonl'}", "--generation", "2024-09"]
    with pytest.raises(InputError, match="its vectors were ready-made; expected --embeddings FILE"):
        rq2.main(flags)
    vectors = np.random.default_rng(0).normal(size=(20, 8)) + 1
    np.save(root / "vectors.npy", vectors)
    assert rq2.main([*flags, "--embeddings", str(root / "vectors.npy")]) == 0
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    means = (unit @ unit.T).mean(axis=1)
    records = [record["instruction"] for record in code_pool(20)]
    low, high = np.percentile(means, [33, 66])
    assert instructions(root, "RQ2_FEW_DIVERSITY_HIGH") == [records[i] for i in np.flatnonzero(means <= low)]
    assert instructions(root, "RQ2_FEW_DIVERSITY_LOW") == [records[i] for i in np.flatnonzero(means > high)]
