"""Texts from a causal language model, many at a time: one that is finished leaves the batch, one that waits enters.

The plain loop of transformers computes a batch until its longest text ends; its continuous batching is made for GPUs,
and knows no stop words.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopPLogitsWarper
from transformers.cache_utils import Cache, DynamicLayer

TOKENS = 8_192  # of all texts in work at their longest; of a GPU's memory their keys and values may take this share:
SHARE = 0.3  # to enter and to grow is to have them twice
ROOM = 64  # tokens by which keys and values grow at once, since to grow is to copy them all
REFILL = 4  # a batch is filled up when one in so many places is free: to enter is to copy, too
MARGIN = 8  # tokens before a stop word that are decoded with it, as the first ones of a text can come out otherwise
PLAIN = {  # a model's own settings that the loop heeds, or that come with every call
    *("bos_token_id", "eos_token_id", "pad_token_id", "transformers_version", "_from_model_config"),
    *("do_sample", "temperature", "top_p", "top_k", "max_length", "max_new_tokens", "use_cache"),
    *("output_attentions", "output_hidden_states"),
}


@dataclass(frozen=True)
class How:
    """How texts are made.

    Attributes:
        max_length: tokens of a text, prompt included.
        temperature: of the draws; 0 takes the most likely token each time.
        seed: of the draws. Those of a text depend on this, its prompt's number and its own, and not on the batch.
    """

    max_length: int
    temperature: float
    top_p: float
    seed: int
    stop_words: Sequence[str]


@dataclass
class Row:
    """A text in work: sample ``sample`` of prompt ``number``."""

    number: int
    sample: int
    length: int  # tokens, prompt included
    draw: torch.Generator
    made: list[int] = field(default_factory=list)


class Growing(DynamicLayer):
    """Keys and values with room for tokens to come; transformers' own layer copies them all for each new token."""

    room: "tuple[torch.Tensor, torch.Tensor] | None" = None

    @classmethod
    def of(cls, keys: torch.Tensor, values: torch.Tensor) -> "Growing":
        layer = cls()
        layer.keys, layer.values, layer.is_initialized = keys, values, True
        layer.dtype, layer.device = keys.dtype, keys.device
        return layer

    def update(self, key_states, value_states, *args, **kwargs):
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self.keys, self.values = key_states[:, :, :0], value_states[:, :, :0]
        there, count = self.keys.shape[2], self.keys.shape[2] + key_states.shape[2]
        if self.room is None or self.room[0].shape[2] < count:
            self.room = tuple(_with_room(old, count + ROOM) for old in (self.keys, self.values))
        self.room[0][:, :, there:count], self.room[1][:, :, there:count] = key_states, value_states
        self.keys, self.values = self.room[0][:, :, :count], self.room[1][:, :, :count]
        return self.keys, self.values


def _with_room(old: torch.Tensor, tokens: int) -> torch.Tensor:
    room = old.new_empty(*old.shape[:2], tokens, old.shape[3])
    room[:, :, : old.shape[2]] = old
    return room


@dataclass(frozen=True)
class Prompt:
    """What a model makes of a prompt.

    Attributes:
        layers: keys and values of each, ``[1, heads, tokens, width]``.
        logits: behind it, ``[1, vocabulary]``.
    """

    layers: Sequence[tuple[torch.Tensor, torch.Tensor]]
    logits: torch.Tensor

    def alone(self) -> "Prompt":
        """Return a copy that holds no other prompts of its batch in memory."""
        return Prompt([(keys.clone(), values.clone()) for keys, values in self.layers], self.logits.clone())


class Batch:
    """Texts that grow together, their beginnings padded.

    Attributes:
        rows: the texts.
        seen: bool ``[k, longest]``, which of the tokens so far are none of the padding.
        kept: the prompt of which further texts are to enter, by its number.
    """

    def __init__(self, model: torch.nn.Module):
        self.model, self.rows = model, []
        self.layers: list[Growing] = []
        self.seen = torch.zeros(0, 0, dtype=torch.bool, device=model.device)
        self.kept: dict[int, Prompt] = {}

    def enter(self, rows: Sequence[Row], prompts: Sequence[Sequence[int]], later: int | None = None) -> torch.Tensor:
        """Take texts in, each prompt computed once; return their logits ``[len(rows), vocabulary]``.

        Args:
            later: the number of the prompt whose remaining texts enter next.
        """
        numbers = sorted({row.number for row in rows})
        found = self.kept | self._read([number for number in numbers if number not in self.kept], prompts)
        self.kept = {later: self.kept.get(later) or found[later].alone()} if later in found else {}
        longest, mine = max(len(prompts[number]) for number in numbers), [found[number] for number in numbers]
        copies = torch.tensor([numbers.index(row.number) for row in rows], device=self.model.device)
        entering = [
            Growing.of(
                *(torch.cat([_padded(one, longest, -2) for one in of])[copies] for of in zip(*layer, strict=True))
            )
            for layer in zip(*(one.layers for one in mine), strict=True)
        ]
        self._join(rows, self._seen([len(prompts[row.number]) for row in rows]), entering)
        return torch.cat([one.logits for one in mine])[copies]

    def _read(self, numbers: Sequence[int], prompts: Sequence[Sequence[int]]) -> dict[int, Prompt]:
        """Return what the model makes of prompts, read together."""
        if not numbers:
            return {}
        longest = max(len(prompts[number]) for number in numbers)
        ids = torch.tensor([[0] * (longest - len(prompts[number])) + list(prompts[number]) for number in numbers])
        seen, cache = self._seen([len(prompts[number]) for number in numbers]), Cache(layer_class_to_replicate=Growing)
        logits = self._logits(ids, seen, (seen.cumsum(1) - 1).clamp(min=0), cache)
        found = {}
        for place, number in enumerate(numbers):
            row, first = slice(place, place + 1), longest - len(prompts[number])
            layers = [(one.keys[row, :, first:], one.values[row, :, first:]) for one in cache.layers]
            found[number] = Prompt(layers, logits[row])
        return found

    def _seen(self, lengths: Sequence[int]) -> torch.Tensor:
        """Return which tokens are none of the padding before texts of these lengths; bool ``[k, longest]``."""
        back = torch.arange(max(lengths), 0, -1, device=self.model.device)
        return back <= torch.tensor(lengths, device=self.model.device)[:, None]

    def step(self, tokens: Sequence[int]) -> torch.Tensor:
        """Append a token to every text; return the logits behind them."""
        positions = self.seen.sum(1, keepdim=True)
        self.seen = torch.nn.functional.pad(self.seen, (0, 1), value=True)
        return self._logits(torch.tensor(tokens)[:, None], self.seen, positions, Cache(layers=self.layers))

    def keep(self, places: Sequence[int]) -> None:
        """Drop all other texts, and the padding that is before all that stay."""
        self.rows = [self.rows[place] for place in places]
        of = torch.tensor(places, dtype=torch.long, device=self.model.device)
        seen = self.seen[of]
        first = int(seen.any(0).int().argmax()) if len(places) else 0
        self.seen = seen[:, first:]
        self.layers = [Growing.of(one.keys[of, :, first:], one.values[of, :, first:]) for one in self.layers]

    def _join(self, rows: Sequence[Row], seen: torch.Tensor, layers: list[Growing]) -> None:
        if not self.rows:
            self.rows, self.seen, self.layers = list(rows), seen, layers
            return
        longest = max(self.seen.shape[1], seen.shape[1])
        self.rows = [*self.rows, *rows]
        self.seen = torch.cat([_padded(one, longest, -1) for one in (self.seen, seen)])
        self.layers = [
            Growing.of(
                *(
                    torch.cat([_padded(old, longest, -2), _padded(new, longest, -2)])
                    for old, new in ((mine.keys, other.keys), (mine.values, other.values))
                )
            )
            for mine, other in zip(self.layers, layers, strict=True)
        ]

    def _logits(self, ids: torch.Tensor, seen: torch.Tensor, positions: torch.Tensor, cache: Cache) -> torch.Tensor:
        found = self.model(
            input_ids=ids.to(self.model.device),
            attention_mask=seen.long(),
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        return found.logits[:, -1].float()


def _padded(tensor: torch.Tensor, size: int, dimension: int) -> torch.Tensor:
    """Return a tensor with zeros before it, so that a dimension (counted from the end) has that size."""
    before = size - tensor.shape[dimension]
    return torch.nn.functional.pad(tensor, (*[0, 0] * (-dimension - 1), before, 0))


@torch.inference_mode()
def serves(model: torch.nn.Module) -> bool:
    """Say whether a model gives texts in a batch what it gives each of them alone, and has no settings of its own."""
    if model.generation_config.to_diff_dict().keys() - PLAIN:
        return False
    prompts, tokens = [[0, 1, 0, 1, 1], [1, 0]], [0, 1]
    rows = [Row(number, 0, len(prompt), torch.Generator()) for number, prompt in enumerate(prompts)]
    try:
        batch, alone = Batch(model), []
        batch.enter(rows[:1], prompts)
        batch.step(tokens[:1])
        batch.enter(rows[1:], prompts)
        together = batch.step(tokens)
        for ids in ([*prompts[0], tokens[0], tokens[0]], [*prompts[1], tokens[1]]):
            alone.append(model(input_ids=torch.tensor([ids], device=model.device)).logits[0, -1].float())
    except (TypeError, ValueError, RuntimeError, LookupError, AttributeError):  # of layers that keep something else
        return False
    close = 1e-3 if model.dtype == torch.float32 else 0.1  # of the spread of the logits
    expected = torch.stack(alone)
    return bool((together - expected).abs().max() < close * expected.std())


@torch.inference_mode()
def texts(
    model: torch.nn.Module, tokenizer, prompts: Sequence[Sequence[int]], samples: int, how: How
) -> Iterator[tuple[int, int, list[int]]]:
    """Yield the number of a prompt, that of a sample and its new tokens, as each is finished; the longest come first.

    Args:
        prompts: token ids of each.
    """
    order = sorted(range(len(prompts)), key=lambda number: -len(prompts[number]))
    waiting = [(number, sample) for number in reversed(order) for sample in reversed(range(samples))]
    most = max(1, _tokens(model) // how.max_length)
    ended, batch, logits = _ended(model, tokenizer, how), Batch(model), torch.empty(0, device=model.device)
    while waiting or batch.rows:
        free = most - len(batch.rows)
        if waiting and (not batch.rows or free * REFILL >= most):
            rows = [_row(*waiting.pop(), prompts, how.seed) for _ in range(min(free, len(waiting)))]
            for row in [row for row in rows if row.length >= how.max_length]:  # no further token fits
                yield row.number, row.sample, []
            if rows := [row for row in rows if row.length < how.max_length]:
                entered = batch.enter(rows, prompts, waiting[-1][0] if waiting else None)
                logits = torch.cat([logits, entered]) if len(logits) else entered
        if not batch.rows:
            continue
        for row, token in zip(batch.rows, _chosen(logits, batch.rows, how), strict=True):
            row.made.append(token)
        done = [ended(row) for row in batch.rows]
        for row in [row for row, over in zip(batch.rows, done, strict=True) if over]:
            yield row.number, row.sample, row.made
        if any(done):
            batch.keep([place for place, over in enumerate(done) if not over])
        logits = batch.step([row.made[-1] for row in batch.rows]) if batch.rows else logits[:0]


def on_gpu(model: torch.nn.Module) -> bool:
    return model.device.type == "cuda"


def _tokens(model: torch.nn.Module) -> int:
    """Return how many tokens of texts may be in work."""
    if not on_gpu(model):
        return TOKENS
    batch = Batch(model)
    batch.enter([Row(0, 0, 1, torch.Generator())], [[0]])
    of_one = sum(tensor.nbytes for layer in batch.layers for tensor in (layer.keys, layer.values))
    free, _ = torch.cuda.mem_get_info(model.device)
    return int(SHARE * free / of_one)


def _row(number: int, sample: int, prompts: Sequence[Sequence[int]], seed: int) -> Row:
    digest = hashlib.sha256(f"{seed} {number} {sample}".encode()).digest()
    return Row(number, sample, len(prompts[number]), torch.Generator().manual_seed(int.from_bytes(digest[:7])))


def _ended(model: torch.nn.Module, tokenizer, how: How) -> Callable[[Row], bool]:
    """Return whether a text has its last token."""
    ends = model.generation_config.eos_token_id
    ends = set(ends) if isinstance(ends, list) else {ends}
    tail = MARGIN + max((len(word.encode()) for word in how.stop_words), default=0)  # a token has a byte at least

    def ended(row: Row) -> bool:
        if row.made[-1] in ends or row.length + len(row.made) >= how.max_length:
            return True
        text = tokenizer.decode(row.made[-tail:], clean_up_tokenization_spaces=False)
        return any(word in text for word in how.stop_words)

    return ended


def _chosen(logits: torch.Tensor, rows: Sequence[Row], how: How) -> list[int]:
    """Return the next token of every text."""
    if how.temperature == 0:
        return logits.argmax(-1).tolist()
    shaped = LogitsProcessorList([TemperatureLogitsWarper(how.temperature), TopPLogitsWarper(how.top_p)])(None, logits)
    heights = shaped.double().softmax(-1).cumsum(-1)
    drawn = torch.stack([torch.rand(1, generator=row.draw, dtype=torch.float64) for row in rows]).to(logits.device)
    places = torch.searchsorted(heights, drawn * heights[:, -1:], right=True)
    return places.clamp(max=logits.shape[-1] - 1).flatten().tolist()
