"""The language model: perplexities, next-token logits and likelihoods of continuations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import orjson

from instruction_data.errors import InputError
from instruction_data.numbers.batches import fits, in_batches, side_by_side, too_long
from instruction_data.numbers.blocks import Arrays
from instruction_data.numbers.features import Feature
from instruction_data.numbers.models import Source, chosen_device
from instruction_data.numbers.network import Network, loaded_network, loaded_tokenizer
from instruction_data.numbers.trees import Tree, common, pack

if TYPE_CHECKING:
    import torch

HEAD_ROWS = 512  # tokens whose logits are computed at a time; with a large vocabulary they take 100 MB
WORTH_SHARING = 8  # tokens that all prompts must begin with before computing them once pays


@dataclass(frozen=True)
class LanguageModel:
    """A causal language model: perplexities, next-token logits and likelihoods of continuations."""

    source: Source
    device: str | None = None
    dtype: str = "float32"

    def perplexity(self, max_tokens: int, *, start: bool = True) -> Feature:
        """Return the feature ``perplexity``: float64 ``[k]``; ``cut``: bool ``[k]``, whether a text was longer.

        Perplexity is exp of the mean negative log-likelihood of the text's tokens. The first one is conditioned on the
        tokenizer's beginning-of-sequence (or else end-of-sequence) token, so a text of one token has a perplexity too.

        Args:
            max_tokens: of a text; a longer text is cut.
            start: put that token in front. Otherwise the mean begins at the second token that the tokenizer gives, and
                a text of one token has no perplexity (NaN).
        """
        identity = self.source.identity | {"kind": "perplexity", "max_tokens": max_tokens, "dtype": self.dtype}
        identity |= {} if start else {"start": False}
        label = f"perplexity ({self.source.name})"
        return Feature(label, identity, lambda texts: self._perplexities(texts, max_tokens, start))

    def next_token_logits(self, template: str, candidates: Sequence[str], max_tokens: int) -> Feature:
        """Return the feature ``logits``: float32 ``[k, len(candidates)]`` after the prompt; ``cut``: bool ``[k]``.

        Args:
            template: the prompt, with ``{instruction}`` where the text goes.
            candidates: each one token.
            max_tokens: of the whole prompt. In a longer one the text is shortened (``cut``), so that the template's
                end survives.
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

    def log_likelihoods(self, width: int, max_tokens: int) -> Feature:
        """Return the feature ``log_likelihood``: float64 ``[k, width]``, in nats; ``cut``: bool ``[k]``.

        Its texts come from ``alternatives``. A row holds the log-likelihood of each continuation behind the context,
        and NaN where there are no more. White space at the context's end counts as the continuation's, since tokens
        begin with it; context and continuation are tokenized as one text, and its tokens behind those of the context
        alone are the continuation's.

        Args:
            width: continuations of a text, at most.
            max_tokens: of context and continuation. A longer context loses its beginning (``cut``); a continuation that
                does not fit by itself has NaN.
        """
        identity = self.source.identity | {"kind": "log-likelihood of continuations", "width": width}
        identity |= {"max_tokens": max_tokens, "dtype": self.dtype}
        label = f"log-likelihood ({self.source.name})"
        return Feature(label, identity, lambda texts: self._log_likelihoods(texts, width, max_tokens))

    @property
    def _tokenizer(self):
        return loaded_tokenizer(self.source)

    @property
    def _network(self) -> Network:
        return loaded_network(self.source, chosen_device(self.device), self.dtype)

    def _start(self) -> int:
        for token in (self._tokenizer.bos_token_id, self._tokenizer.eos_token_id):
            if token is not None:
                return token
        raise InputError(f"{self.source.name}: found no BOS and no EOS token; expected one to condition perplexity on")

    def candidate_ids(self, candidates: Sequence[str]) -> list[int]:
        """Return the token of each candidate, as it follows the prompt.

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

        def read(batch: list[int]) -> None:
            rests = [prompts[index][start:] for index in batch]
            last = [len(rest) - 1 for rest in rests]
            hidden = self._network.hidden(rests, past)[range(len(rests)), last]
            logits[batch] = self._network.logits(hidden)[:, ids].cpu().numpy()

        in_batches([len(tokens) - start for tokens in prompts], self._network.device, read)
        return {"logits": logits, "cut": np.array([cut for _, cut in fitted])}

    def _fitted(self, template: str, text: str, max_tokens: int) -> tuple[list[int], bool]:
        """Return the template's tokens, with as much of the text's start as fits, and whether it was cut."""
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

    def _perplexities(self, texts: list[str], max_tokens: int, start: bool) -> Arrays:
        whole = self._tokenizer(texts, verbose=False)["input_ids"]
        cut = np.array([len(tokens) > max_tokens for tokens in whole])
        sequences = [tokens[:max_tokens] for tokens in whole]
        if start:
            first = self._start()
            sequences = [tokens if tokens[:1] == [first] else [first, *tokens] for tokens in sequences]
        result = np.full(len(texts), np.nan)
        known = [index for index, tokens in enumerate(sequences) if len(tokens) > 1]

        def read(batch: list[int]) -> None:
            some = [known[place] for place in batch]
            result[some] = self._batch_perplexity([sequences[index] for index in some])

        in_batches([len(sequences[index]) for index in known], self._network.device, read)
        return {"perplexity": result, "cut": cut}

    def _batch_perplexity(self, sequences: list[list[int]]) -> np.ndarray:
        """Return exp of the mean negative log-likelihood of all tokens but the first; float64 ``[len(sequences)]``."""
        import torch

        hidden = self._network.hidden(sequences)
        rows = torch.cat([hidden[row, : len(tokens) - 1] for row, tokens in enumerate(sequences)])
        losses = self._losses(rows, [token for tokens in sequences for token in tokens[1:]])
        return np.array([part.mean().exp().item() for part in losses.split([len(tokens) - 1 for tokens in sequences])])

    def _losses(self, hidden: "torch.Tensor", tokens: Sequence[int]) -> "torch.Tensor":
        """Return the negative log-likelihood of a token behind each hidden state; float64 ``[len(tokens)]``."""
        import torch

        targets = torch.tensor(tokens, device=hidden.device)
        losses = [
            self._network.losses(some, wanted)
            for some, wanted in zip(hidden.split(HEAD_ROWS), targets.split(HEAD_ROWS), strict=True)
        ]
        return torch.cat(losses).double().cpu()

    def _log_likelihoods(self, texts: list[str], width: int, max_tokens: int) -> Arrays:
        result, cut = np.full((len(texts), width), np.nan), np.zeros(len(texts), bool)
        groups, known = [], []
        for row, text in enumerate(texts):
            first, sequences, cut[row] = self._continued(*orjson.loads(text), max_tokens=max_tokens)
            columns = [column for column, tokens in enumerate(sequences) if len(tokens) <= max_tokens]
            groups.append([sequences[column] for column in columns])
            known.append((first, columns))

        def read(tree: Tree, places: Sequence[tuple[int, int]]) -> None:
            rests = [path[known[row][0] :] for path, (row, _) in zip(tree.paths, places, strict=True)]
            nodes = sorted({node for rest in rests for node in rest})
            hidden = self._network.hidden_of_tree(tree)[[tree.parents[node] for node in nodes]]
            losses = np.empty(len(tree.tokens))
            losses[nodes] = self._losses(hidden, [tree.tokens[node] for node in nodes]).numpy()
            for rest, (row, place) in zip(rests, places, strict=True):
                result[row, known[row][1][place]] = -losses[rest].sum()

        def read_fitting(packed: tuple[Tree, Sequence[tuple[int, int]]]) -> None:
            tree, places = packed
            if fits(lambda: read(tree, places)):
                return
            for place, path in zip(places, tree.paths, strict=True):
                alone = Tree()
                alone.add([[tree.tokens[node] for node in path]])
                if not fits(lambda alone=alone, place=place: read(alone, [place])):
                    raise too_long(len(path), self._network.device)

        side_by_side(read_fitting, self._network.device, [*pack(groups, self._network.device)])
        return {"log_likelihood": result, "cut": cut}

    def _continued(self, context: str, *continuations: str, max_tokens: int) -> tuple[int, list[list[int]], bool]:
        """Return the number of tokens of a context, the tokens of context and each continuation, and if it was cut."""
        bare = context.rstrip()
        ids = [
            self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
            for text in (bare, *(context + continuation for continuation in continuations))
        ]
        special, first = self._tokenizer("")["input_ids"], self._tokenizer.bos_token_id
        start = [first] if first is not None and special[:1] == [first] else []
        start = start or ([] if ids[0] else [self._start()])
        longest = len(start) + max(map(len, ids[1:]))
        lost = min(max(longest - max_tokens, 0), max(len(ids[0]) - 1, 0))
        return len(start) + len(ids[0]) - lost, [start + tokens[lost:] for tokens in ids[1:]], lost > 0


def alternatives(context: str, *continuations: str) -> str:
    """Return a context and its continuations as one text, for ``LanguageModel.log_likelihoods``."""
    return orjson.dumps([context, *continuations]).decode()


def _common_prefix(sequences: list[list[int]]) -> int:
    """Count the tokens that all sequences begin with, leaving at least one token of each."""
    return min(common(min(sequences), max(sequences)), *(len(tokens) - 1 for tokens in sequences))
