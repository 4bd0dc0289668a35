"""Language models: one worked out by hand, the embedded one, and the study's own way of asking."""

import itertools
import math

import numpy as np
import pytest
import torch
from tests.support import tiny_model
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from instruction_data.errors import InputError
from instruction_data.numbers import models
from instruction_data.numbers.language_model import LanguageModel, alternatives
from instruction_data.numbers.network import PIECE, Network

# p(next | previous) of a model with the words a and b. Behind the start all words are equally likely.
LIKELY, UNLIKELY = 0.8, 0.2
WORDS = ["<s>", "a", "b"]


def word_tokenizer(words):
    tokenizer = Tokenizer(WordLevel({word: place for place, word in enumerate(words)}, unk_token=words[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=words[0], unk_token=words[0])


@pytest.fixture
def two_words(tmp_path):
    """A GPT-2 without layers: the next word hangs on the one before alone.

    Behind ``a`` another a is likely, behind ``b`` another b; the start word itself is (all but) impossible. With two
    dimensions the layer norm of (1, -1) is (1, -1), that of (0, 0) is (0, 0).
    """
    config = GPT2Config(
        vocab_size=3, n_embd=2, n_layer=0, n_head=1, n_positions=64, tie_word_embeddings=False, layer_norm_epsilon=1e-12
    )
    model = GPT2LMHeadModel(config)
    half = math.log(LIKELY / UNLIKELY) / 4  # logit difference 4·half between the words
    with torch.no_grad():
        model.transformer.wpe.weight.zero_()
        model.transformer.wte.weight.copy_(torch.tensor([[0.0, 0.0], [1.0, -1.0], [-1.0, 1.0]]))
        model.lm_head.weight.copy_(torch.tensor([[0.0, 0.0], [half, -half], [-half, half]]))
    model.save_pretrained(tmp_path / "two-words")
    word_tokenizer(WORDS).save_pretrained(tmp_path / "two-words")
    return LanguageModel(models.find(str(tmp_path / "two-words")), device="cpu")


def next_word(previous, word):
    """p(word | previous) of that model, from its definition."""
    if previous == "<s>":
        return 1 / 3
    weights = {
        "<s>": 1.0,
        previous: math.sqrt(LIKELY / UNLIKELY),
        "ab".replace(previous, ""): math.sqrt(UNLIKELY / LIKELY),
    }
    return weights[word] / sum(weights.values())


def by_hand(text):
    words = ["<s>", *text.split()]
    logs = [math.log(next_word(previous, word)) for previous, word in itertools.pairwise(words)]
    return math.exp(-sum(logs) / len(logs))


def test_perplexity_by_hand(two_words):
    texts = ["a", "a a", "a b", "b b a", "a a b b a a a b"]
    found = two_words.perplexity(256).compute(texts)
    assert found["perplexity"] == pytest.approx([by_hand(text) for text in texts], rel=1e-6)
    assert found["perplexity"][0] == pytest.approx(3)  # one token has a perplexity: it is conditioned on the start
    assert not found["cut"].any()


def test_perplexity_is_of_the_first_tokens_and_says_so(two_words):
    found = two_words.perplexity(3).compute(["a b b", "a b b a a a a"])
    assert found["perplexity"][1] == pytest.approx(found["perplexity"][0])
    assert found["cut"].tolist() == [False, True]


def test_next_token_logits_by_hand(two_words):
    found = two_words.next_token_logits("b {instruction} a", ["a", "b"], 64).compute(["a b a", "b"])
    half = math.log(LIKELY / UNLIKELY) / 4
    assert found["logits"] == pytest.approx(np.array([[2 * half, -2 * half]] * 2))


def test_a_long_prompt_loses_text_and_never_the_question(two_words):
    tokens, cut = two_words._fitted("a a {instruction} b a", "b " * 50, 10)
    words = two_words._tokenizer.decode(tokens).split()
    assert cut
    assert len(tokens) == 10
    assert words[:2] == ["a", "a"]
    assert words[-2:] == ["b", "a"]
    assert two_words._fitted("a a {instruction} b a", "b " * 6, 10)[1] is False


def test_a_candidate_that_is_no_token_is_an_error(two_words):
    with pytest.raises(InputError, match="'7' is not a single token of its tokenizer"):
        two_words.next_token_logits("{instruction} a", ["7"], 64).compute(["a"])


def test_token_ids_come_from_the_tokenizer_in_use(tmp_path, smollm2):
    words = ["<s>", "6", "5", "4", "3", "2", "1"]
    word_tokenizer(words).save_pretrained(tmp_path / "m")
    (tmp_path / "m" / "config.json").write_text("{}")
    backwards = LanguageModel(models.find(str(tmp_path / "m")))
    assert backwards.candidate_ids(list("123456")) == [6, 5, 4, 3, 2, 1]
    ids = smollm2.candidate_ids(list("123456"))
    assert smollm2._tokenizer.batch_decode([[token] for token in ids]) == list("123456")


PROMPT = (
    "You are a helpful assistant. Please identify the complexity score of the following programming problem.\n"
    "##Problem: {instruction}\n##Complexity: "
)
TEXTS = [
    "Write a Python function that returns the n-th Fibonacci number.",
    "x",
    "Implement a lock-free hash map in C++ and prove that it is linearizable. " * 3,
    "Größe 🐍 of a set",
    "Sort a list.",
]


def test_logits_are_those_of_generate_one_at_a_time(smollm2):
    """The study's way: generate, one record at a time, the scores of the first step."""
    found = smollm2.next_token_logits(PROMPT, list("123456"), 512).compute(TEXTS)["logits"]
    tokenizer, model = smollm2._tokenizer, smollm2._network.model
    ids = [tokenizer.convert_tokens_to_ids(digit) for digit in "123456"]
    for row, text in enumerate(TEXTS):
        prompt = tokenizer(PROMPT.format(instruction=text), return_tensors="pt")
        output = model.generate(
            **prompt,
            max_length=512,
            max_new_tokens=1,
            do_sample=False,
            output_scores=True,
            return_dict_in_generate=True,
        )
        assert found[row] == pytest.approx(output.scores[0][0, ids].numpy(), abs=1e-4)


def test_perplexities_are_those_of_the_models_own_loss_one_at_a_time(smollm2):
    found = smollm2.perplexity(256).compute(TEXTS)["perplexity"]
    tokenizer, model = smollm2._tokenizer, smollm2._network.model
    for row, text in enumerate(TEXTS):
        ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(text)["input_ids"]]])
        with torch.inference_mode():
            loss = model(input_ids=ids, labels=ids).loss
        assert math.log(found[row]) == pytest.approx(loss.item(), abs=5e-4)


@pytest.mark.parametrize("bias", [True, False])
def test_losses_by_pieces_of_the_vocabulary_are_those_of_all_logits(bias):
    torch.manual_seed(3)
    size, width = 3 * PIECE + 5, 8
    model = torch.nn.Module()
    model.head = torch.nn.Linear(width, size, bias=bias)
    model.device, model.get_output_embeddings = torch.device("cpu"), lambda: model.head
    network = Network(model, split=True, trees=False)
    hidden, tokens = 9 * torch.randn(40, width), torch.randint(size, (40,))
    tokens[:6] = torch.tensor([0, PIECE - 1, PIECE, 3 * PIECE - 1, 3 * PIECE, size - 1])
    wanted = torch.nn.functional.cross_entropy(network.logits(hidden).double(), tokens, reduction="none")
    assert network.losses(hidden, tokens).numpy() == pytest.approx(wanted.detach().numpy(), abs=1e-5)


def test_no_number_depends_on_what_else_is_in_the_batch(smollm2):
    wanted = smollm2.next_token_logits(PROMPT, list("123456"), 512), smollm2.perplexity(256)
    company = ["Write a haiku. " * length for length in (1, 2, 30)]
    for feature, name in zip(wanted, ("logits", "perplexity"), strict=True):
        together = feature.compute(company[:2] + TEXTS + company[2:])[name][2:-1]
        alone = np.array([feature.compute([text])[name][0] for text in TEXTS])
        assert np.log(together) == pytest.approx(np.log(alone), abs=5e-4)


def test_a_model_that_scales_its_logits_is_taken_whole(tmp_path):
    """Where logits are not just the head of the hidden states, the two parts are not taken apart."""
    from transformers import CohereConfig, CohereForCausalLM

    config = CohereConfig(
        vocab_size=10, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, logit_scale=0.1
    )
    torch.manual_seed(0)
    CohereForCausalLM(config).save_pretrained(tmp_path / "m")
    word_tokenizer(["<s>", *"abc"]).save_pretrained(tmp_path / "m")
    model = LanguageModel(models.find(str(tmp_path / "m")), device="cpu")
    assert not model._network.split
    ids = torch.tensor([[0, 1, 2, 3, 1]])
    with torch.inference_mode():
        loss = model._network.model(input_ids=ids, labels=ids).loss
        last = model._network.model(input_ids=ids).logits[0, -1, [1, 2]]
    assert model.perplexity(256).compute(["a b c a", "a"])["perplexity"][0] == pytest.approx(math.exp(loss), rel=1e-4)
    logits = model.next_token_logits("<s> a b {instruction} a", ["a", "b"], 64).compute(["c", "a b"])["logits"]
    assert logits[0] == pytest.approx(last.numpy(), abs=1e-5)


def test_special_tokens_of_the_embedded_language_model(smollm2):
    tokenizer = smollm2._tokenizer
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == (
        "<|im_start|>",
        "<|im_end|>",
        "<|im_end|>",
    )


def test_a_model_without_a_language_models_head_is_refused(tmp_path):
    """Its head would be made of random numbers."""
    from transformers import GPT2Model

    config = GPT2Config(vocab_size=10, n_embd=8, n_layer=1, n_head=1, tie_word_embeddings=False)
    GPT2Model(config).save_pretrained(tmp_path / "m")
    word_tokenizer(["<s>", *"abc"]).save_pretrained(tmp_path / "m")
    model = LanguageModel(models.find(str(tmp_path / "m")), device="cpu")
    with pytest.raises(InputError, match="expected a causal language model"):
        model.perplexity(256).compute(["a b"])


def by_transformers(model, tokenizer, context, continuation):
    """The log-likelihood of a continuation, from one plain call of the model for each text."""
    known = len(tokenizer(context.rstrip())["input_ids"])
    ids = tokenizer(context + continuation, return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        logs = model(ids).logits[0].double().log_softmax(-1)
    return sum(logs[place - 1, ids[0, place]].item() for place in range(known, ids.shape[1])), ids.shape[1] - known


def test_likelihoods_of_continuations_by_hand(two_words):
    texts = [alternatives("<s> a", " b a", " a"), alternatives("<s> b b b b b b b b b b", " b", " a b", " a")]
    found = two_words.log_likelihoods(3, 64).compute(texts)
    step = lambda *words: sum(math.log(next_word(*pair)) for pair in itertools.pairwise(words))  # noqa: E731
    expected = [[step("a", "b", "a"), step("a", "a"), math.nan], [step("b", "b"), step("b", "a", "b"), step("b", "a")]]
    assert found["log_likelihood"] == pytest.approx(np.array(expected), nan_ok=True)
    assert not found["cut"].any()


def test_a_long_context_loses_its_beginning_and_a_long_continuation_has_no_likelihood(two_words):
    texts = [alternatives("<s> a a a b b", " b a"), alternatives("a", " b" * 9)]
    found = two_words.log_likelihoods(1, 4).compute(texts)
    assert found["cut"].tolist() == [True, False]
    assert found["log_likelihood"][0] == pytest.approx(math.log(next_word("b", "b") * next_word("b", "a")))
    assert np.isnan(found["log_likelihood"][1]).all()


def test_likelihoods_are_those_of_plain_transformers(smollm2):
    context = 'def add(first, second):\n    """Return the sum of two numbers, which may be négative."""\n'
    several = ["    return first + second", "    return first - second", "    return second"]
    alone = ("# Wörter\n", "words = text.split()")
    texts = [alternatives(context, *several), alternatives(*alone)]
    found = smollm2.log_likelihoods(3, 512).compute(texts)["log_likelihood"]
    pairs, source = [(context, one) for one in several] + [alone], smollm2.source
    model = AutoModelForCausalLM.from_pretrained(source.location, **source.arguments, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(source.location, **source.arguments)
    for ours, pair in zip([*found[0], found[1, 0]], pairs, strict=True):
        theirs, tokens = by_transformers(model, tokenizer, *pair)
        assert abs(ours - theirs) / tokens < 1e-4


def test_what_a_device_cannot_hold_at_once_is_computed_in_parts(tmp_path, monkeypatch):
    model = LanguageModel(models.find(str(tiny_model.write(tmp_path))), device="cpu")
    texts = [f"def add(first, second):\n    return {i}\n" * (1 + i % 3) for i in range(12)]
    continued = [alternatives(text, f"first + {i}", "second", "first - second") for i, text in enumerate(texts)]
    features = {
        "perplexity": (model.perplexity(200), texts),
        "logits": (model.next_token_logits("{instruction}", ["0", "1"], 200), texts),
        "log_likelihood": (model.log_likelihoods(3, 300), continued),
    }
    expected = {name: feature.compute(some)[name] for name, (feature, some) in features.items()}
    whole, passes = Network._states, []

    def small(network, ids, **options):
        if ids.numel() > 140:
            raise torch.OutOfMemoryError("CUDA out of memory")
        passes.append(ids.numel())
        return whole(network, ids, **options)

    monkeypatch.setattr(Network, "_states", small)
    monkeypatch.setattr(Network, "device", "cuda")  # by name: a processor computes several batches at a time
    for name, (feature, some) in features.items():
        assert np.allclose(feature.compute(some)[name], expected[name], rtol=1e-4, atol=1e-4), name
    assert max(passes) > 70
    with pytest.raises(InputError, match="too little memory on cuda for one text of"):
        model.log_likelihoods(1, 300).compute([alternatives("first " * 60, "second " * 60)])
