"""The language model: perplexities and next-token logits of texts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from instruction_data.errors import InputError
from instruction_data.numbers.batches import batches
from instruction_data.numbers.features import Arrays, Feature
from instruction_data.numbers.models import Source, chosen_device
from instruction_data.numbers.network import Network, loaded_network, loaded_tokenizer

HEAD_ROWS = 512  # tokens whose logits are computed at a time; with a large vocabulary they take 100 MB
WORTH_SHARING = 8  # tokens that all prompts must begin with before computing them once pays


@dataclass(frozen=True)
class LanguageModel:
    """A causal language model: perplexities and next-token logits."""

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
        for batch in batches([len(tokens) - start for tokens in prompts], self._network.device):
            rests = [prompts[index][start:] for index in batch]
            last = [len(rest) - 1 for rest in rests]
            hidden = self._network.hidden(rests, past)[range(len(rests)), last]
            logits[batch] = self._network.logits(hidden)[:, ids].cpu().numpy()
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
        for batch in batches([len(sequences[index]) for index in known], self._network.device):
            some = [known[place] for place in batch]
            result[some] = self._batch_perplexity([sequences[index] for index in some])
        return {"perplexity": result, "cut": cut}

    def _batch_perplexity(self, sequences: list[list[int]]) -> np.ndarray:
        """Return exp of the mean negative log-likelihood of all tokens but the first; float64 ``[len(sequences)]``."""
        import torch

        hidden = self._network.hidden(sequences)
        rows = torch.cat([hidden[row, : len(tokens) - 1] for row, tokens in enumerate(sequences)])
        targets = torch.tensor([token for tokens in sequences for token in tokens[1:]], device=rows.device)
        losses = []
        for some, wanted in zip(rows.split(HEAD_ROWS), targets.split(HEAD_ROWS), strict=True):
            losses.append(torch.nn.functional.cross_entropy(self._network.logits(some), wanted, reduction="none"))
        losses = torch.cat(losses).double().cpu().split([len(tokens) - 1 for tokens in sequences])
        return np.array([part.mean().exp().item() for part in losses])


def _common_prefix(sequences: list[list[int]]) -> int:
    """Count the tokens that all sequences begin with, leaving at least one token of each."""
    first, last = min(sequences), max(sequences)
    shared = next((place for place, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return min(shared, *(len(tokens) - 1 for tokens in sequences))
