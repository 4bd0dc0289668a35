"""A loaded causal language model in two parts, so that logits are computed only where they are needed."""

import copy
import functools
import itertools
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from instruction_data.errors import InputError
from instruction_data.numbers.models import Source, load, noted, quiet
from instruction_data.numbers.plain import plain
from instruction_data.numbers.trees import Tree

if TYPE_CHECKING:
    import torch
    import transformers

PIECE = 2048  # rows of the head's matrix: the logits of a pass for them stay in a processor's cache
ROWS = 128  # of a mask: a token attends to none behind it, so these need no later columns
OF_WHOLE_LENGTH = ("dynamic", "longrope")  # kinds of positions that the longest sequence of a pass changes for all


@dataclass(frozen=True)
class Network:
    """A loaded causal language model in two parts, so that logits are computed only where they are needed.

    Sequences are padded at their end. No token attends to later ones, so padding needs no mask and changes no number of
    a real token.

    Attributes:
        model: the whole model.
        split: whether ``logits(hidden(…))`` is all the model does (some scale or cap the logits in between).
        trees: whether the model computes a tree in one pass (some have layers without masks, or without positions).
    """

    model: "torch.nn.Module"
    split: bool
    trees: bool

    @property
    def device(self) -> str:
        """The kind of the model's device: cpu, cuda, mps …"""
        return self.model.device.type

    def hidden(self, sequences: list[list[int]], past: "transformers.Cache | None" = None) -> "torch.Tensor":
        """Return the last hidden states ``[k, longest, width]`` (the logits if the model is not ``split``).

        Args:
            past: the result of ``remember`` for the tokens before every sequence.
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
        return self._states(ids, **options)

    def hidden_of_tree(self, tree: Tree) -> "torch.Tensor":
        """Return the last hidden states ``[nodes, width]`` of a tree (the logits if the model is not ``split``)."""
        import torch

        if self.trees:
            seen = torch.from_numpy(tree.seen())[None, None].to(self.model.device)
            mask = torch.zeros(seen.shape, dtype=self.model.dtype, device=seen.device)
            mask.masked_fill_(~seen, torch.finfo(mask.dtype).min)
            positions = torch.tensor([tree.depths()], device=seen.device)
            options = {"attention_mask": mask, "position_ids": positions, "use_cache": False}
            return self._states(torch.tensor([tree.tokens]), **options)[0]
        found = self.hidden([[tree.tokens[node] for node in path] for path in tree.paths])
        states = found.new_empty(len(tree.tokens), found.shape[-1])
        for row, path in zip(found, tree.paths, strict=True):
            states[path] = row[: len(path)]
        return states

    def _states(self, ids: "torch.Tensor", **options: object) -> "torch.Tensor":
        import torch

        with torch.inference_mode():
            output = (self.model.base_model if self.split else self.model)(ids.to(self.model.device), **options)
        return output.last_hidden_state if self.split else output.logits

    def logits(self, hidden: "torch.Tensor") -> "torch.Tensor":
        """Return the float32 logits of hidden states ``[…, width]``."""
        import torch

        with torch.inference_mode():
            return (self.model.get_output_embeddings()(hidden) if self.split else hidden).float()

    def losses(self, hidden: "torch.Tensor", tokens: "torch.Tensor") -> "torch.Tensor":
        """Return the negative log-likelihood of a token behind each hidden state; float32 ``[k]``.

        A processor goes through the vocabulary by pieces: to write all logits to memory and read them again would take
        it half as long as to compute them.

        Args:
            hidden: ``[k, width]``, and ``tokens`` int64 ``[k]``.
        """
        import torch

        head = self.model.get_output_embeddings()
        if not (self.split and self.device == "cpu" and type(head) is torch.nn.Linear):
            return torch.nn.functional.cross_entropy(self.logits(hidden), tokens, reduction="none")
        with torch.inference_mode():
            wanted, sums = torch.full((len(hidden),), torch.nan), []
            biases = itertools.repeat(None) if head.bias is None else head.bias.split(PIECE)
            for number, (weight, bias) in enumerate(zip(head.weight.split(PIECE), biases, strict=False)):
                logits = torch.nn.functional.linear(hidden, weight, bias).float()
                mine = torch.nonzero(tokens // PIECE == number)[:, 0]
                wanted[mine] = logits[mine, tokens[mine] % PIECE]
                sums.append(logits.logsumexp(1))
            return torch.stack(sums).logsumexp(0) - wanted

    def remember(self, tokens: list[int]) -> "transformers.Cache | None":
        """Return the attention keys and values of tokens that many sequences begin with; None if the model has none."""
        import torch

        ids = torch.tensor([tokens], device=self.model.device)
        with torch.inference_mode():
            past = getattr(self.model.base_model(ids, use_cache=True), "past_key_values", None)
        return past if hasattr(past, "batch_repeat_interleave") else None


_held: "dict[tuple[Source, str, str], Network]" = {}  # by source, device and dtype; one at most


@functools.cache
def loaded_tokenizer(source: Source):
    from transformers import AutoTokenizer

    quiet()
    source = plain(source)
    location = source.adapter or source.location
    return load(source, lambda: AutoTokenizer.from_pretrained(location, **source.arguments))


def loaded_network(source: Source, device: str, dtype: str) -> Network:
    """Return a loaded network. It is held until another one is asked for: two may not fit into the memory."""
    wanted = (source, device, dtype)
    if wanted not in _held:
        _held.clear()
        _held[wanted] = _load_network(*wanted)
    return _held[wanted]


def _load_network(source: Source, device: str, dtype: str) -> Network:
    import torch
    from transformers import AutoModelForCausalLM

    quiet()
    source = plain(source)
    options = source.weights_arguments | {"dtype": getattr(torch, dtype), "output_loading_info": True}
    model, info = load(source, lambda: AutoModelForCausalLM.from_pretrained(source.location, **options))
    if info["missing_keys"]:
        raise InputError(
            f"{source.name}: found no weights for {', '.join(sorted(info['missing_keys'])[:3])}; expected a causal "
            "language model: its numbers would be random"
        )
    model = noted(model.to(device), source, device, dtype)
    if source.adapter:
        model = _merged(model, source)
    if device == "cpu":
        _attend_by_rows(model)
    model.eval()
    split = Network(model, split=True, trees=False)
    whole = Network(model, split=False, trees=False)
    probe = [[0, 1, 0, 1]]
    same = _alike(split.logits(split.hidden(probe)), whole.logits(whole.hidden(probe)))
    network = split if same else whole
    return replace(network, trees=_computes_trees(network))


def _attend_by_rows(model: "transformers.PreTrainedModel") -> None:
    """Spare a model the half of the attention under a mask that is hidden from every token: what lies behind it."""
    import torch
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import sdpa_mask

    def attend(module, query, key, value, attention_mask, **options):
        length, masked = query.shape[2], attention_mask is not None and options.get("position_bias") is None
        if not masked or attention_mask.shape[2:] != (length, length):
            return sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        parts = []
        for end in range(ROWS, length + ROWS, ROWS):
            rows, before = slice(end - ROWS, end), slice(end)
            some = query[:, :, rows], key[:, :, before], value[:, :, before], attention_mask[:, :, rows, before]
            parts.append(sdpa_attention_forward(module, *some, **options)[0])
        return torch.cat(parts, 1), None

    if model.config._attn_implementation == "sdpa":
        AttentionInterface.register("sdpa by rows", attend)
        AttentionMaskInterface.register("sdpa by rows", sdpa_mask)
        model.set_attn_implementation("sdpa by rows")


def _computes_trees(network: Network) -> bool:
    """Return whether a model gives the sequences of a tree what it gives each of them alone."""
    text = network.model.config.get_text_config()
    rope = getattr(text, "rope_parameters", None) or {}
    if getattr(text, "sliding_window", None) or rope.get("rope_type") in OF_WHOLE_LENGTH:
        return False
    probe = Tree()
    probe.add([[0, 0, 1, 0], [0, 1, 0, 1, 1], [1, 0, 1]])
    try:
        found = replace(network, trees=True).hidden_of_tree(probe)
    except (TypeError, ValueError, RuntimeError, LookupError):  # of models that take no such mask or no positions
        return False
    return _alike(network.logits(found), network.logits(network.hidden_of_tree(probe)))


def _alike(first: "torch.Tensor", second: "torch.Tensor") -> bool:
    import torch

    return torch.allclose(first, second, rtol=1e-3, atol=1e-3)


def _merged(model: "torch.nn.Module", source: Source) -> "torch.nn.Module":
    """Return a base model whose weights an adapter has changed.

    Raises:
        InputError: the adapter belongs to another model, or lacks weights.
    """
    from peft import PeftModel

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of peft and transformers, to each other
            warnings.filterwarnings("error", message=".*missing adapter keys")  # peft would go on with random ones
            adapted = PeftModel.from_pretrained(model, source.adapter, torch_device=str(model.device))
            return adapted.merge_and_unload(safe_merge=True)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError, UserWarning) as error:
        raise InputError(
            f"{source.adapter}: found an adapter that cannot be put on {source.name} ({error}); "
            "expected one that was trained on it"
        ) from error
