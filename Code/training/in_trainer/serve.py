"""LLaMA-Factory, loaded once for many jobs; runs in LLaMA-Factory's environment, in the study root.

    python serve.py

Loading LLaMA-Factory takes as long as a small training, so it is done once. Every line on stdin is a job as JSON:
``words``, the arguments of llamafactory-cli, or ``inspect`` and a configuration; and ``log``, the file that gets the
job's output. A fork of this process does it. So a job begins as a process of its own would and gives the same bytes,
its memory goes when it ends, and if it dies no other job dies with it. For every job a line of JSON on stdout says its
exit ``status``, and what was ``found`` by an inspection: how many examples the trainer would see, how many of them it
would shorten, and the template's text around an instruction. If stdin is closed while a job runs, the job is ended.

No job sees a GPU: a fork cannot use one that this process has touched. Trainings on GPUs run llamafactory-cli itself.
"""

import json
import os
import select
import signal
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # before PyTorch is loaded

import llamafactory.train.tuner  # noqa: F401 - what `llamafactory-cli train` and `export` load
from llamafactory import cli
from llamafactory.data import get_dataset, get_template_and_fix_tokenizer
from llamafactory.hparams import get_train_args, read_args
from llamafactory.model import load_tokenizer

INSTRUCTION = "INSTRUCTION"  # a stand-in, to find the template's text around an instruction
ANY_LENGTH = 1_000_000  # tokens: nothing is cut, so too long examples can be counted
OF_GPUS = (
    "bf16",
    "fp16",
    "tf32",
    "pure_bf16",
    "deepspeed",
    "fsdp",
    "fsdp_config",
)  # options that reading has no use for


def inspect(path: str) -> dict:
    sys.argv[1:] = [path]
    options = {name: value for name, value in read_args().items() if name not in OF_GPUS}
    cutoff = options.get("cutoff_len", 2048)
    wanted = {"cutoff_len": ANY_LENGTH, "overwrite_cache": True, "use_cpu": True}
    model, data, training, _, _ = get_train_args(options | wanted)
    loaded = load_tokenizer(model)
    template = get_template_and_fix_tokenizer(loaded["tokenizer"], data)
    examples = get_dataset(template, model, data, training, stage="sft", **loaded)["train_dataset"]
    before, after = around(template, loaded["tokenizer"])
    return {
        "examples": len(examples),
        "cut": sum(len(ids) > cutoff for ids in examples["input_ids"]),
        "prompt": {"before": before, "after": after},
    }


def around(template, tokenizer) -> tuple[str, str]:
    messages = [{"role": "user", "content": INSTRUCTION}, {"role": "assistant", "content": ""}]
    ids, _ = template.encode_oneturn(tokenizer, messages)
    before, _, after = tokenizer.decode(ids, skip_special_tokens=False).partition(INSTRUCTION)
    return before, after


def do(words: list[str], log: str, answer: int) -> None:
    """Do a job in a fork. Its failure is an exception that ends the fork, as it would end a program of its own."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if words[0] == "inspect":
        os.write(answer, json.dumps(inspect(words[1])).encode())
    else:
        sys.argv[1:] = words
        cli.main()


def wait(job: int, answers: int) -> tuple[int, bytes] | None:
    """Return a fork's exit status and answer; None, and the fork is ended, if stdin is closed first."""
    found = b""
    while True:
        ready, _, _ = select.select([0, answers], [], [])
        if 0 in ready:
            os.kill(job, signal.SIGTERM)
            os.waitpid(job, 0)
            return None
        part = os.read(answers, 1 << 16)
        if not part:
            return os.waitstatus_to_exitcode(os.waitpid(job, 0)[1]), found
        found += part


def main() -> None:
    replies = os.dup(1)
    os.dup2(2, 1)  # whatever prints does not print among the replies
    while line := sys.stdin.buffer.readline():
        told = json.loads(line)
        answers, answer = os.pipe()
        job = os.fork()
        if job == 0:
            os.close(replies)
            return do(told["words"], told["log"], answer)
        os.close(answer)
        done = wait(job, answers)
        os.close(answers)
        if done is None:
            return None
        status, found = done
        os.write(replies, json.dumps({"status": status, "found": json.loads(found or "null")}).encode() + b"\n")


if __name__ == "__main__":
    main()
