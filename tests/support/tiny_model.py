"""A causal language model of two random layers with a tokenizer of its own, made in a second."""

from pathlib import Path

TEXTS = [
    "def add(first, second):\n    return first + second\n",
    "Below is an instruction. ### Response:\n",
    "0123456789",
]


def write(folder: Path) -> Path:
    """Write a folder that transformers, LLaMA-Factory and the harness load."""
    import tokenizers
    import torch
    import transformers

    tokenizer = tokenizers.ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(TEXTS, vocab_size=400, special_tokens=["<|end|>"], show_progress=False)
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer._tokenizer, eos_token="<|end|>", pad_token="<|end|>", model_max_length=1024
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=1024,
        bos_token_id=None,
        eos_token_id=fast.eos_token_id,
    )
    transformers.LlamaForCausalLM(config).save_pretrained(folder)
    return folder
