"""Texts made many at a time, against the same model's texts one at a time."""

import pytest
from tests.support import tiny_model
from tests.support.scripts import load_script

LENGTHS = (40, 3, 3, 17, 60, 1, 25, 9, 33, 12, 80, 5)  # of prompts, in tokens
LONGEST = 80


@pytest.fixture(scope="module")
def continuous():
    return load_script("evaluation/in_harness/continuous.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_model.write(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def tokenizer(folder):
    import transformers

    return transformers.AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def model(folder):
    import torch
    import transformers

    found = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():  # random weights repeat one token for ever; larger ones make texts that differ
        for weights in found.parameters():
            weights.mul_(4)
    return found


def prompts_of(tokenizer):
    import torch

    draw = torch.Generator().manual_seed(3)
    return [torch.randint(1, len(tokenizer), (length,), generator=draw).tolist() for length in LENGTHS]


def made(continuous, model, tokenizer, prompts, samples=1, **settings):
    how = continuous.How(
        **{"max_length": LONGEST, "temperature": 0.0, "top_p": 0.95, "seed": 0, "stop_words": ()} | settings
    )
    found = {
        (number, sample): tokens for number, sample, tokens in continuous.texts(model, tokenizer, prompts, samples, how)
    }
    assert found.keys() == {(number, sample) for number in range(len(prompts)) for sample in range(samples)}
    return found


def alone(model, tokenizer, prompt, stop_words=()):
    """What transformers' own loop makes of one prompt, to the token that completes a stop word."""
    import torch

    if len(prompt) >= LONGEST:
        return []
    ids = model.generate(torch.tensor([prompt]), max_length=LONGEST, do_sample=False, pad_token_id=0)[0].tolist()
    new = ids[len(prompt) :]
    ends = (n for n in range(1, len(new) + 1) if any(word in tokenizer.decode(new[:n]) for word in stop_words))
    return new[: next(ends, len(new))]


@pytest.mark.parametrize("places", [1, 3, 5, 100])
def test_greedy_texts_are_those_of_each_prompt_alone(places, continuous, model, tokenizer, monkeypatch):
    monkeypatch.setattr(continuous, "TOKENS", places * LONGEST)
    prompts = prompts_of(tokenizer)
    expected = [alone(model, tokenizer, prompt) for prompt in prompts]
    word = tokenizer.decode(expected[3][5:7])
    for stop_words in ((), (word, "never this")):
        found = made(continuous, model, tokenizer, prompts, stop_words=stop_words)
        wanted = [alone(model, tokenizer, prompt, stop_words) for prompt in prompts]
        assert [found[number, 0] for number in range(len(prompts))] == wanted
    assert len(wanted[3]) < len(expected[3])
    assert any(len(tokens) + len(prompt) == LONGEST for tokens, prompt in zip(expected, prompts, strict=True))


def test_a_text_ends_with_the_models_own_end(continuous, model, tokenizer, monkeypatch):
    prompts = prompts_of(tokenizer)
    free = made(continuous, model, tokenizer, prompts)
    end = free[3, 0][4]
    monkeypatch.setattr(model.generation_config, "eos_token_id", [end, 399])
    found = made(continuous, model, tokenizer, prompts)
    assert found[3, 0] == free[3, 0][: free[3, 0].index(end) + 1]


def test_draws_depend_on_the_seed_and_not_on_the_batch(continuous, model, tokenizer, monkeypatch):
    prompts, settings = prompts_of(tokenizer), {"samples": 4, "temperature": 0.8}
    found = made(continuous, model, tokenizer, prompts, **settings)
    monkeypatch.setattr(continuous, "TOKENS", 3 * LONGEST)
    assert made(continuous, model, tokenizer, prompts, **settings) == found
    other = made(continuous, model, tokenizer, prompts, **settings, seed=1)
    assert sum(other[key] != found[key] for key in found) > len(found) // 2
    assert len({tuple(found[1, sample]) for sample in range(4)}) > 1


def test_a_prompt_is_read_once_whenever_its_samples_enter(continuous, model, tokenizer, monkeypatch):
    prompts, read, forward = prompts_of(tokenizer), [], model.forward

    def counted(input_ids, **more):
        if input_ids.shape[1] > 1 or more["attention_mask"].shape[1] == 1:
            read.append(int(more["attention_mask"].sum()))
        return forward(input_ids=input_ids, **more)

    monkeypatch.setattr(model, "forward", counted)
    monkeypatch.setattr(continuous, "TOKENS", 3 * LONGEST)
    made(continuous, model, tokenizer, prompts, samples=7, temperature=0.8)
    assert sum(read) == sum(length for length in LENGTHS if length < LONGEST)


def test_draws_follow_the_probabilities(continuous):
    import torch

    logits = torch.tensor([[3.0, 2.0, 1.0, -4.0]]).repeat(20_000, 1)
    rows = [continuous._row(0, sample, [[0]], 5) for sample in range(len(logits))]
    how = continuous.How(80, 0.7, 0.97, 0, ())
    drawn = torch.tensor(continuous._chosen(logits, rows, how)).bincount(minlength=4) / len(logits)
    wanted = (logits[0, :3] / 0.7).softmax(0)  # three hold 97 %, two do not
    assert drawn[3] == 0
    assert drawn[:3].tolist() == pytest.approx(wanted.tolist(), abs=0.01)


def test_models_that_the_loop_serves_and_others(continuous, model, monkeypatch):
    import transformers

    assert continuous.serves(model)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "vocab_size": 50}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 64}
    window = transformers.MistralConfig(**sizes, **heads, sliding_window=4)
    assert continuous.serves(transformers.MistralForCausalLM(window).eval())
    state = transformers.MambaConfig(**sizes, state_size=4)
    assert not continuous.serves(transformers.MambaForCausalLM(state).eval())
    monkeypatch.setattr(model.generation_config, "repetition_penalty", 1.2)
    assert not continuous.serves(model)


def test_a_gpu_takes_as_many_texts_as_its_free_memory_allows(continuous, monkeypatch):
    import torch
    import transformers

    sizes = {"hidden_size": 32, "num_hidden_layers": 3, "vocab_size": 50, "intermediate_size": 64}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes, **heads)).eval()
    assert continuous._tokens(model) == continuous.TOKENS
    of_one = 3 * 2 * 2 * (32 // 4) * 4  # layers, keys and values, heads of theirs, width, bytes
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (of_one * 10_000, 0))
    monkeypatch.setattr(continuous, "on_gpu", lambda model: True)
    assert continuous._tokens(model) == 3000
