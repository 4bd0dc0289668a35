"""Control tokens of chat templates: text that a trainer's tokenizer takes for the start or end of a turn.

Tokenizers of the transformers library, and so LLaMA-Factory unless told ``split_special_tokens: true``, turn such
text into the token itself wherever it stands. A record that holds ``<|im_start|>`` would teach the model a false turn;
one that holds ``</s>`` would teach it to stop in the middle.
"""

import re

FLAG = "--neutralise-control-tokens"
SETTING = "neutralise_control_tokens"  # in manifests
MEANING = "A trainer whose tokenizer has such a token reads it as the start or end of a turn, not as text;"
FAMILIES = {  # as the tokenizers' own configurations on the hub list them
    "ChatML, Qwen": "<|im_start|> <|im_end|> <|im_sep|> <|endoftext|>",
    "Llama 2, Mistral, Code Llama": "<s> </s> <unk> [INST] [/INST] <<SYS>> <</SYS>> <PRE> <SUF> <MID> <EOT> "
    "[AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_CALLS] [TOOL_RESULTS] [/TOOL_RESULTS] [SYSTEM_PROMPT] [/SYSTEM_PROMPT] "
    "[PREFIX] [MIDDLE] [SUFFIX]",
    "Llama 3": "<|begin_of_text|> <|end_of_text|> <|start_header_id|> <|end_header_id|> <|eot_id|> <|eom_id|> "
    "<|finetune_right_pad_id|> <|python_tag|>",
    "Phi": "<|system|> <|user|> <|assistant|> <|end|> <|tool|> <|/tool|> <|tool_call|> <|/tool_call|>",
    "Gemma": "<start_of_turn> <end_of_turn> <bos> <eos> <pad>",
    "DeepSeek": "<｜begin▁of▁sentence｜> <｜end▁of▁sentence｜> <｜User｜> <｜Assistant｜> "
    "<｜fim▁begin｜> <｜fim▁hole｜> <｜fim▁end｜> "
    "<｜tool▁calls▁begin｜> <｜tool▁calls▁end｜> <｜tool▁call▁begin｜> <｜tool▁call▁end｜> "
    "<｜tool▁outputs▁begin｜> <｜tool▁outputs▁end｜> <｜tool▁sep｜> <|EOT|>",
    "fill-in-the-middle of Qwen, StarCoder": "<|fim_prefix|> <|fim_middle|> <|fim_suffix|> <|fim_pad|> <|repo_name|> "
    "<|file_sep|> <fim_prefix> <fim_middle> <fim_suffix> <fim_pad> <reponame> <file_sep> <repo_name>",
    "tools and vision of Qwen": "<tool_call> </tool_call> <tool_response> </tool_response> <|object_ref_start|> "
    "<|object_ref_end|> <|box_start|> <|box_end|> <|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> "
    "<|vision_pad|> <|image_pad|> <|video_pad|>",
}
TOKENS = tuple(dict.fromkeys(token for listed in FAMILIES.values() for token in listed.split()))
_NUMBERED = r"<\|(?:reserved_special_token_|placeholder|extra_)[0-9]+\|>"  # Llama 3, Phi, Qwen
_PATTERNS = [_NUMBERED, *(re.escape(token) for token in sorted(TOKENS, key=len, reverse=True))]
_IN_TEXT = re.compile("|".join(_PATTERNS))


def _beginning(start: str) -> re.Pattern[bytes]:
    """Return a pattern of the tokens that begin with ``start``.

    ``start`` stands alone at its beginning, so that the search jumps from one place of it to the next.
    """
    ends = [pattern.removeprefix(start) for pattern in _PATTERNS if pattern.startswith(start)]
    return re.compile(f"{start}(?:{'|'.join(ends)})".encode())


_ANGLED, _SQUARE = (_beginning(start) for start in ("<", r"\["))


def found(data: bytes) -> tuple[str, ...]:
    """Return the different control tokens in UTF-8 text (or JSON of it), in the order of their first places."""
    if not (_ANGLED.search(data) or _SQUARE.search(data)):
        return ()
    places = [(token.start(), token[0]) for pattern in (_ANGLED, _SQUARE) for token in pattern.finditer(data)]
    return tuple(dict.fromkeys(token.decode() for _, token in sorted(places)))


def neutralised(text: str) -> str:
    """Return the text with a space behind the first character of every control token: ``< |im_start|>``, ``[ INST]``.

    A space can be seen and typed, unlike characters of no width. No tokenizer takes the result for a token.
    """
    return _IN_TEXT.sub(lambda token: f"{token[0][0]} {token[0][1:]}", text)
