"""Samples from a model that a server has loaded, through the completions of OpenAI's interface.

vLLM, SGLang, llama.cpp and `transformers serve` offer it. Every sample is kept in a file as soon as it is there, and is
not asked for again.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import openai

AT_ONCE = 64  # requests; the server makes batches of them
RETRIES = 4  # of a request that the server was too busy for, or that got lost, after pauses that grow to 4 seconds
SECONDS = 600  # for one answer
STOPS = 4  # stop words that the interface takes (vLLM refuses more by default); we cut the answer at the others


def read(kept: Path, asked: str) -> dict[tuple[int, int], str]:
    """Return the samples in a file, by problem and sample, and begin the file where there is none.

    Args:
        asked: how they are made, as one line. The first line of the file must be the same.
    """
    lines = kept.read_text("utf-8").splitlines(keepends=True) if kept.exists() else []
    whole = [line for line in lines if line.endswith("\n")] or [f"{asked}\n"]
    if whole[0] != f"{asked}\n":
        raise SystemExit(f"{kept}: found samples that were made otherwise; --overwrite makes them anew")
    if whole != lines:  # there is no file yet, or a process that was killed left the beginning of a line
        kept.write_text("".join(whole), "utf-8")
    return {(one["problem"], one["sample"]): one["text"] for one in map(json.loads, whole[1:])}


def samples(
    server: str, model: str, prompts: Sequence[str], room: Sequence[int], settings: dict, stop: Sequence[str]
) -> list[list[str]]:
    """Return the samples of every problem.

    Args:
        model: its name, as the server knows it.
        room: the tokens that may follow each prompt.
        settings: ``n_samples``, ``temperature``, ``top_p``, ``seed``, ``kept`` (the file), ``asked`` (its first line).

    Exits:
        with a message if there is no such server or no such model, or if an answer does not come.
    """
    kept = Path(settings["kept"])
    found = read(kept, settings["asked"])
    wanted = [(number, sample) for number in range(len(prompts)) for sample in range(settings["n_samples"])]
    missing = [one for one in wanted if one not in found and room[one[0]] > 0]
    if missing:
        client = openai.OpenAI(
            base_url=f"{server.rstrip('/').removesuffix('/v1')}/v1",
            api_key=os.environ.get("OPENAI_API_KEY", "none"),
            max_retries=RETRIES,
            timeout=SECONDS,
        )
        with open(kept, "a", encoding="utf-8") as file:
            try:
                for (number, sample), text in _answers(client, model, prompts, room, settings, stop, missing):
                    found[number, sample] = text
                    file.write(json.dumps({"problem": number, "sample": sample, "text": text}) + "\n")
                    file.flush()
            except openai.OpenAIError as error:
                raise SystemExit(_said(client, server, model, error)) from None
    return [
        [found.get((number, sample), "") for sample in range(settings["n_samples"])] for number in range(len(prompts))
    ]


def _answers(client, model, prompts, room, settings, stop, missing) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield each problem and sample with its text. The first answer comes alone, so that a wrong name is asked once."""

    def ask(one: tuple[int, int]) -> tuple[tuple[int, int], str]:
        number, sample = one
        digest = hashlib.sha256(f"{settings['seed']} {number} {sample}".encode()).digest()
        answer = client.completions.create(
            model=model,
            prompt=prompts[number],
            max_tokens=room[number],
            temperature=settings["temperature"],
            top_p=settings["top_p"],
            seed=int.from_bytes(digest[:4]) >> 1,
            stop=list(stop[:STOPS]),
        )
        if answer.model.partition("@")[0] != model or not answer.choices:
            raise openai.OpenAIError(f"it answered as {answer.model!r}, with {len(answer.choices or [])} texts")
        text = answer.choices[0].text
        return one, text[: min((text.index(word) for word in stop if word in text), default=len(text))]

    yield ask(missing[0])
    with ThreadPoolExecutor(AT_ONCE) as threads:
        asked, given = [threads.submit(ask, one) for one in missing[1:]], set()
        try:
            for answer in as_completed(asked):
                text = answer.result()
                given.add(answer)
                yield text
        except openai.OpenAIError:
            threads.shutdown(cancel_futures=True)  # what is under way comes yet
            here = [one for one in asked if one not in given and not one.cancelled() and not one.exception()]
            yield from (one.result() for one in here)
            raise
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _said(client: openai.OpenAI, server: str, model: str, error: openai.OpenAIError) -> str:
    """Say what went wrong, and what the server has."""
    try:
        names = ", ".join(sorted(one.id for one in client.with_options(max_retries=0).models.list())) or "none"
    except openai.OpenAIError:
        names = "no answer to that"
    return (
        f"--server {server}: found no completion of model {model!r} ({error}); expected a server of OpenAI's interface "
        f"that has a model of this name. Models that it names: {names}. What was made is kept: the same command goes on"
    )
