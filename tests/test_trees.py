"""Token trees: every shared token once, and for every kind of model the numbers of each sequence alone."""

import itertools

import numpy as np
import pytest
import torch
import transformers
from transformers import AutoModelForCausalLM

from instruction_data.numbers import models, network
from instruction_data.numbers.batches import CPU_BATCH_TOKENS
from instruction_data.numbers.network import loaded_network
from instruction_data.numbers.trees import Tree, pack

SEQUENCES = [[1, 2, 3, 4, 5], [1, 2, 3, 9], [1, 2, 6, 7, 8, 9], [3, 1, 2], [3, 2]]
SMALL = {"vocab_size": 16, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
SMALL |= {"num_attention_heads": 2, "num_key_value_heads": 1}
KINDS = {
    "llama": (transformers.LlamaConfig(**SMALL), True),
    "positions learned": (transformers.GPT2Config(vocab_size=16, n_embd=16, n_layer=2, n_head=2), True),
    "attention to a window": (transformers.MistralConfig(**SMALL, sliding_window=3), False),
    "positions by distance": (transformers.BloomConfig(vocab_size=16, hidden_size=16, n_layer=2, n_head=2), False),
    "no attention": (transformers.MambaConfig(vocab_size=16, hidden_size=16, num_hidden_layers=2, state_size=4), False),
}


def tree_of(sequences):
    tree = Tree()
    tree.add(sorted(sequences))
    return tree


def test_a_tree_holds_every_shared_token_once():
    tree = tree_of(SEQUENCES)
    assert [[tree.tokens[node] for node in path] for path in tree.paths] == sorted(SEQUENCES)
    starts = {tuple(one[:length]) for one in SEQUENCES for length in range(1, len(one) + 1)}
    assert len(tree.tokens) == len(starts)
    depths, seen = tree.depths(), tree.seen()
    for path in tree.paths:
        assert [depths[node] for node in path] == list(range(len(path)))
        for place, node in enumerate(path):
            assert np.flatnonzero(seen[node]).tolist() == path[: place + 1]


def test_packing_keeps_groups_whole_and_places_every_sequence_once():
    random = np.random.default_rng(0)
    groups = []
    for number in range(40):
        start = [0, 1, 2, *([number] * random.integers(1, 120))]
        groups.append([[*start, *random.integers(0, 9, random.integers(1, 30)).tolist()] for _ in range(number % 4)])
    found = {}
    for tree, places in pack(groups, "cpu"):
        for path, place in zip(tree.paths, places, strict=True):
            assert place not in found
            found[place] = [tree.tokens[node] for node in path]
        assert len(tree.tokens) <= CPU_BATCH_TOKENS or len({group for group, _ in places}) == 1
        alone = sum(len(tree_of(groups[group]).tokens) for group in {group for group, _ in places})
        assert len(tree.tokens) <= alone - 3 * (len({group for group, _ in places}) - 1)
    expected = {(group, place): one for group, of in enumerate(groups) for place, one in enumerate(of)}
    assert found == expected
    assert len(list(pack(groups, "cuda"))) < len(list(pack(groups, "cpu")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_tree_gives_each_sequence_what_a_pass_of_its_own_gives(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(network, "ROWS", 3)  # so that these short ones have several blocks of rows
    config, in_one_pass = KINDS[kind]
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # large enough that a wrong mask or position shows
            parameter.add_(torch.randn_like(parameter) * 0.3)
    model.save_pretrained(tmp_path)
    loaded = loaded_network(models.find(str(tmp_path)), "cpu", "float32")
    assert loaded.trees == in_one_pass
    tree = tree_of(SEQUENCES)
    logits = loaded.logits(loaded.hidden_of_tree(tree))
    for path in tree.paths:
        with torch.inference_mode():
            alone = model(torch.tensor([[tree.tokens[node] for node in path]])).logits[0]
        torch.testing.assert_close(logits[path], alone, rtol=1e-4, atol=1e-4)
    rows = [logits[path[1]] for path in tree.paths]
    assert any(not torch.allclose(*pair, rtol=1e-3, atol=1e-3) for pair in itertools.pairwise(rows))
