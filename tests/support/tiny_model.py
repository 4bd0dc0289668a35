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


def write_adapter(base: Path, folder: Path) -> Path:
    """Write a LoRA adapter of random weights, large enough to be seen, as LLaMA-Factory leaves one for a base model."""
    import peft
    import torch
    import transformers

    torch.manual_seed(1)
    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    config = peft.LoraConfig(r=4, lora_alpha=80, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    peft.get_peft_model(model, config).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder


def write_merged(base: Path, adapter: Path, folder: Path) -> Path:
    """Write the model that an adapter of ``write_adapter`` makes of its base, by LoRA's formula W + alpha / r * B A."""
    import safetensors.torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(base)
    parts, weights = safetensors.torch.load_file(adapter / "adapter_model.safetensors"), model.state_dict()
    for name, first in parts.items():
        if name.endswith(".lora_A.weight"):
            stem = name.removesuffix(".lora_A.weight")
            weights[stem.removeprefix("base_model.model.") + ".weight"] += (
                80 / 4 * parts[f"{stem}.lora_B.weight"] @ first
            )
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(base).save_pretrained(folder)
    return folder
