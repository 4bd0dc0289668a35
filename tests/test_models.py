"""Models: a language model worked out by hand, the embedded ones, and the study's own way of asking them."""

import itertools
import math

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from instruction_data.errors import InputError
from instruction_data.numbers import language_model, models
from instruction_data.numbers.batches import CPU_BATCH_TOKENS, _batches
from instruction_data.numbers.encoder import Encoder, _loaded_encoder
from instruction_data.numbers.language_model import LanguageModel

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


def test_batches_hold_every_position_and_respect_the_budget():
    lengths = [1, 4000, 7, 7, 5000, 300, 300, 12] * 20
    batches = _batches(lengths, "cpu")
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= CPU_BATCH_TOKENS
    assert len(batches) < len(lengths)
    assert len(_batches(lengths, "cuda")) < len(batches)


def test_the_embedded_encoder_gives_what_sentence_transformers_gives():
    from sentence_transformers import SentenceTransformer

    source = models.find("minilm")
    found = Encoder(source, "Represent the programming task:", device="cpu").feature.compute(TEXTS)
    own = SentenceTransformer(source.location, device="cpu").encode(
        [f"Represent the programming task:{t}" for t in TEXTS]
    )
    assert found["vectors"] == pytest.approx(own, abs=1e-6)
    long = Encoder(source, device="cpu").feature.compute(["word " * 400, "word"])
    assert long["cut"].tolist() == [True, False]


def test_a_language_model_as_encoder_loads_silently_and_is_the_mean_of_its_last_hidden_states(smollm2, capfd):
    _loaded_encoder.cache_clear()
    found = Encoder(models.find("smollm2"), device="cpu").feature.compute(TEXTS)["vectors"]
    assert "".join(capfd.readouterr()) == ""
    for row, text in enumerate(TEXTS):
        ids = smollm2._tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            hidden = smollm2._network.model.base_model(input_ids=ids).last_hidden_state[0]
        assert found[row] == pytest.approx(hidden.mean(0).numpy(), abs=1e-3)


def test_an_instructor_model_leaves_its_prompt_out_of_the_mean(tmp_path):
    import shutil

    folder = shutil.copytree(models.find("minilm").location, tmp_path / "models--hkunlp--instructor-base" / "1a2b3c")
    encoder = Encoder(models.find(str(folder)), "Represent the programming task:", device="cpu")
    encoder.feature.compute(["sort a list"])
    loaded = _loaded_encoder(encoder.source, "cpu", "float32")
    assert loaded[1].include_prompt is False
    assert _loaded_encoder(models.find("minilm"), "cpu", "float32")[1].include_prompt is True


def test_a_model_without_a_language_models_head_is_refused(tmp_path):
    """Its head would be made of random numbers."""
    from transformers import GPT2Model

    config = GPT2Config(vocab_size=10, n_embd=8, n_layer=1, n_head=1, tie_word_embeddings=False)
    GPT2Model(config).save_pretrained(tmp_path / "m")
    word_tokenizer(["<s>", *"abc"]).save_pretrained(tmp_path / "m")
    model = LanguageModel(models.find(str(tmp_path / "m")), device="cpu")
    with pytest.raises(InputError, match="expected a causal language model"):
        model.perplexity(256).compute(["a b"])


def test_a_device_that_is_not_there_is_named():
    for device in ("cuda", "nonsense", "meta"):
        if device == "cuda" and torch.cuda.is_available():
            continue
        with pytest.raises(InputError, match=f"--device {device}: found none that works here"):
            Encoder(models.find("minilm"), device=device).feature.compute(["a"])


class TestFind:
    def test_a_folder_is_known_by_its_content(self, tmp_path):
        (tmp_path / "config.json").write_text("{}")
        first = models.find(str(tmp_path)).identity
        (tmp_path / "weights.safetensors").write_bytes(b"1")
        assert models.find(str(tmp_path)).identity != first

    def test_a_damaged_embedded_model_is_refused(self, monkeypatch):
        monkeypatch.setattr(language_model, "file_sha256", lambda path: "0" * 64)
        with pytest.raises(InputError, match="found SHA-256 0000"):
            models.find("minilm")

    @pytest.mark.parametrize(
        ("name", "found"), [("./nowhere", "found no such folder"), ("{empty}", "found no config.json")]
    )
    def test_what_is_no_model(self, name, found, tmp_path):
        with pytest.raises(InputError, match=found):
            models.find(name.format(empty=tmp_path))

    def test_without_the_hub_the_error_names_the_ways_on(self, monkeypatch):
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
        with pytest.raises(InputError) as caught:
            models.find("hkunlp/instructor-base")
        for way in ("cannot be reached", "--model FOLDER", "minilm", "--demo"):
            assert way in str(caught.value)
