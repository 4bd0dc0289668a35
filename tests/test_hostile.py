"""Hostile text through every door but the page's: YAML, commands to copy, terminals, spreadsheets, chat templates."""

import csv
import gzip
import io
import json
import shlex
import subprocess

import numpy as np
import orjson
import pandas
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.support.scripts import load_script, numbered, run_script
from tests.support.workspaces import opened

from instruction_data import cli
from instruction_data.errors import InputError, quoted
from instruction_data.files import csv_cells, json_texts
from instruction_data.pools import __main__ as pools_command
from instruction_data.pools import control_tokens, reading
from instruction_data.pools.table import Pool
from instruction_data.publish import __main__ as publish_command
from instruction_data.publish import manifests, rebuilt, record_tables, show
from instruction_data.publish.question import Question
from instruction_data.publish.split import Split
from instruction_data.runs import plans, recipes, training

ESCAPE = "\x1b]0;owned\x07\x1b[2J\u202e"
RECIPE = "stage: sft\nfinetuning_type: full\ntemplate: alpaca\n"
TOKEN_RECORDS = [
    {"instruction": "What does <|im_start|> do?", "input": "[INST] x [/INST]", "output": "It begins a turn: </s>"},
    {"instruction": "plain", "input": "", "output": "a < b | c > d, [INSTALL], < s>"},
]


def publish_all(root, *flags):
    workspace = opened(root, *flags)
    records = workspace.read(Pool("mine", "Datas/mine.jsonl"))
    splits = [Split("RQ9_MINE_ALL", [(records, np.arange(len(records)))])]
    workspace.begin(Question("RQ9"), [records], {}).splits(splits)
    return manifests.read(root / "Datas/RQ9/MINE/RQ9_MINE_manifest.json")


# YAML


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{b}: &{b} [*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a},*{a}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True)
)
RECIPES = {
    "laughs": (RECIPE + LAUGHS, r"mine\.yaml:5: found the alias \*a"),
    "merge": (RECIPE + "x: &x {seed: 3}\n<<: *x\n", "found the alias"),
    "deep": ("[" * 50_000, "mine.yaml:1: found more than 20 values in one another"),
    "long": (RECIPE + "#" * 300_000, "found 300,0.. bytes"),
    "date": (RECIPE + "x: 2024-02-30\n", "found malformed YAML"),
    "good date": (RECIPE + "x: 2024-02-20\n", "found dates, infinite numbers"),
    "digits": (RECIPE + "x: " + "9" * 5000 + "\n", "found malformed YAML"),
    "hex digits": (RECIPE + "x: 0x" + "f" * 5000 + "\n", "found dates, infinite numbers"),
    "infinite": (RECIPE + "x: .inf\n", "found dates, infinite numbers"),
    "number as name": (RECIPE + "1: 2\n", "found dates, infinite numbers or names that are no text"),
    "python": (RECIPE + "x: !!python/object/apply:os.system [id]\n", "found malformed YAML"),
    "timestamp": (RECIPE + "x: !!timestamp x\n", "found malformed YAML"),
    "bool": (RECIPE + "x: !!bool x\n", "found malformed YAML"),
    "ours quoted": (RECIPE + '"output_dir": /\n', "found output_dir; a recipe leaves these"),
    "ours merged": (RECIPE + "<<: {seed: 3}\n", "found seed; a recipe leaves these"),
    "second document": ("---\n" + RECIPE, "found a document that cannot go on below other lines"),
    "braces": ("{stage: sft, finetuning_type: full, template: alpaca}", "found a document that cannot go on"),
    "quoted do_train": (RECIPE + '"do_train": false\n', "found a document that cannot go on"),
    "escape": (f"stage: sft\nfinetuning_type: full\ntemplate: [{'x'!r}]\n# \x1b[2J\n", "found malformed YAML"),
}


@pytest.mark.parametrize("kind", RECIPES)
def test_a_recipe_that_would_say_something_else_or_take_all_memory_is_refused(kind, tmp_path):
    text, found = RECIPES[kind]
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError, match=found):
        recipes.read_recipe(str(tmp_path / "mine.yaml"))


def test_the_name_of_a_recipe_says_nothing_to_the_trainer(tmp_path):
    path = tmp_path / "x\noutput_dir: elsewhere\n#.yaml"
    path.write_text(RECIPE)
    recipe = recipes.read_recipe(str(path))
    base = plans.find_base(tmp_path, "smollm2", make=False)
    plan = plans.Plan("RQ9_MINE_X", "RQ9_MINE_X", {}, base, 1, recipe)
    assert yaml.safe_load(plan.train_yaml())["output_dir"].startswith("Runs/RQ9_MINE_X--")


# Commands to copy


@pytest.mark.parametrize("word", ["plain", "a b; rm -rf ~", "$(id)", "it's", ESCAPE, "ü\n`id`", "-x", "\udcff"])
def test_a_command_printed_for_copying_is_that_command_and_printable(word):
    printed = plans.shell_words(["printf", "%s", word])
    assert printed.isprintable()
    if "\udcff" not in word:
        said = subprocess.run(["bash", "-c", printed], capture_output=True, check=True).stdout
        assert said.decode() == word
    else:
        assert printed.endswith("$'\\xff'")


@pytest.mark.parametrize("value", ["-x --overwrite", "$(id); `id`", "a\nb", ESCAPE, "~nobody: x"])
def test_the_command_of_a_manifest_gives_the_same_flags_again(tmp_path, value):
    script = load_script("RQ2/semantic_diversity.py")
    parser = script.parser()
    workspace, _ = cli.open_workspace(parser, ["--root", str(tmp_path), f"--prompt={value}", "--skip-bad"], "x.py")
    text = workspace.command(workspace.pool_words(Pool("mine", "Datas/mine.jsonl")))
    again = parser.parse_args(shlex.split(text)[2:])
    assert (again.prompt, again.skip_bad, again.pool) == (value, True, ["mine=Datas/mine.jsonl"])
    assert shlex.join(shlex.split(text)) == text


# Terminals


def test_an_error_shows_and_does_not_obey():
    assert str(InputError(f"a{ESCAPE}b\nc")) == "a\\x1b]0;owned\\x07\\x1b[2J\\u202eb\nc"


@pytest.mark.parametrize("value", [ESCAPE, [ESCAPE], {ESCAPE: 1}, "\ud800", 10**5000, b"\x1b"], ids=range(6))
def test_a_quoted_value_is_short_and_printable(value):
    assert quoted(value).isascii() and quoted(value).isprintable() and len(quoted(value)) <= 60


def test_a_quoted_value_may_be_deep_or_large():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert len(quoted(deep)) <= 60
    assert len(quoted([["x" * 1000] * 1000] * 1000)) <= 60


def test_nothing_printed_of_hostile_files_reaches_the_terminal(tmp_path, write_pool, capsys):
    records = [{"instruction": f"a{ESCAPE}", "input": "", "output": f"b{ESCAPE}{number}"} for number in range(3)]
    write_pool(records)
    publish_all(tmp_path)
    show.print_records(tmp_path, "RQ9_MINE_ALL")
    theirs = tmp_path / f"theirs{ESCAPE}.json"
    theirs.write_text(json.dumps([{"instruction": f"a{ESCAPE}", "output": f"c{ESCAPE}"}]))
    rebuilt.print_comparison(theirs, "RQ9_MINE_ALL", tmp_path)
    (tmp_path / "Datas/RQ9/MINE" / f"stray{ESCAPE}").write_text("")
    publish_command.main(["verify", str(tmp_path)])
    (tmp_path / "pools.toml").write_text('[x]\npath = "a\\u001b[2J"\ndomain = "\\u001b[2J"\n')
    pools_command.print_table(tmp_path)
    said = capsys.readouterr()
    assert (said.out + said.err).replace("\n", "").isprintable()
    assert "\\x1b]0;owned" in said.out


def test_errors_of_the_command_line_are_printable(tmp_path, write_pool):
    path = tmp_path / f"x{ESCAPE}.jsonl"
    path.write_text(json.dumps({f"{ESCAPE}": ESCAPE}) + "\n")
    for pool in (f"mine={path}", f"mine={tmp_path}/{ESCAPE}", f"{ESCAPE}=x", f"mine={tmp_path}/\udcff"):
        result = run_script("RQ1/domain_composition.py", "--root", tmp_path, "--pool", pool, errors="surrogateescape")
        assert result.returncode == 1
        assert result.stderr.startswith("error: ")
        assert result.stderr.replace("\n", "").isprintable()


# Spreadsheets


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_of_a_published_csv_is_a_formula(start):
    file = io.BytesIO()
    frame = pandas.DataFrame({f"{start}name": [f"{start}cmd|' /C calc'!A0", "plain"], "number": [-1, 2.5]})
    record_tables.write_table(file, "x.csv", frame)
    back = pandas.read_csv(io.BytesIO(file.getvalue()))
    assert back.columns[0][0] in "'\\" and back.iloc[0, 0][0] in "'\\"
    assert len(back) == 2
    assert back["number"].tolist() == [-1, 2.5]


# Control tokens of chat templates


@given(st.lists(st.sampled_from([*control_tokens.TOKENS, "<", "|", ">", "[", " ", "s", "x"]), max_size=8))
def test_neutralised_text_holds_no_token_and_is_otherwise_the_same(parts):
    text = "".join(parts)
    neutral = control_tokens.neutralised(text)
    assert control_tokens.found(neutral.encode()) == ()
    assert neutral.replace(" ", "") == text.replace(" ", "")
    assert control_tokens.neutralised(neutral) == neutral


@pytest.mark.parametrize("token", [*control_tokens.TOKENS, "<|reserved_special_token_250|>", "<|placeholder1|>"])
def test_every_listed_token_is_found_in_json(token):
    assert control_tokens.found(orjson.dumps({"instruction": f"x{token}y"})) == (token,)


def test_control_tokens_are_reported_and_kept_by_default(tmp_path, write_pool, capsys):
    write_pool(TOKEN_RECORDS)
    manifest = publish_all(tmp_path)
    said = capsys.readouterr().out
    assert "RQ9_MINE_ALL: 1 of 2 records hold control tokens: </s>, <|im_start|>, [/INST], [INST]" in said
    assert control_tokens.FLAG in said
    assert json.loads((tmp_path / "Datas/RQ9/MINE/RQ9_MINE_ALL.json").read_text()) == TOKEN_RECORDS
    assert manifest["settings"] == {"limit": None}


def test_nothing_is_said_of_a_split_without_them(tmp_path, write_pool, capsys):
    write_pool(numbered(4))
    publish_all(tmp_path)
    assert "control tokens" not in capsys.readouterr().out


def test_control_tokens_are_neutralised_by_flag_and_the_manifest_says_so(tmp_path, write_pool, capsys):
    write_pool(TOKEN_RECORDS)
    manifest = publish_all(tmp_path, control_tokens.FLAG)
    assert "control tokens" not in capsys.readouterr().out
    made = json.loads((tmp_path / "Datas/RQ9/MINE/RQ9_MINE_ALL.json").read_text())
    assert made == [
        {
            "instruction": "What does < |im_start|> do?",
            "input": "[ INST] x [ /INST]",
            "output": "It begins a turn: < /s>",
        },
        TOKEN_RECORDS[1],
    ]
    assert manifest["settings"] == {"limit": None, "neutralise_control_tokens": True}
    assert control_tokens.FLAG in manifest["command"]
    with pytest.raises(InputError, match="found results made with other settings"):
        publish_all(tmp_path)


def test_a_control_of_a_neutralised_split_is_neutralised_too(tmp_path, write_pool, capsys):
    controls = load_script("derive/control_splits.py")
    write_pool([*TOKEN_RECORDS, *numbered(20)])
    (tmp_path / "pools.toml").write_text('[mine]\npath = "Datas/mine.jsonl"\n')
    flags = ["--root", str(tmp_path), "--split", "RQ9_MINE_SOME", "--control", "random"]
    for flag in ([], [control_tokens.FLAG]):
        workspace = opened(tmp_path, *flag, "--overwrite")
        records = workspace.read(workspace.known_pools["mine"])
        publication = workspace.begin(Question("RQ9"), [records], {})
        publication.splits([Split("RQ9_MINE_SOME", [(records, np.arange(21))])])
        if not flag:
            with pytest.raises(InputError, match="found RQ9_MINE_SOME made without it"):
                controls.main([*flags, control_tokens.FLAG])
    assert controls.main(flags) == 0
    text = (tmp_path / "Datas/RQ9/MINE/RQ9_MINE_SOME_RANDOM.json").read_text()
    assert control_tokens.found(text.encode()) == ()
    manifest = manifests.read(tmp_path / "Datas/RQ9/MINE/RQ9_MINE_SOME_RANDOM_manifest.json")
    assert manifest["settings"][control_tokens.SETTING] is True


def test_a_check_counts_the_records_that_hold_them(tmp_path, write_pool):
    assert training.holding_control_tokens(write_pool([*TOKEN_RECORDS, *numbered(3)])) == 1


# Files that grow


def test_gzip_that_grows_two_hundredfold_is_refused(tmp_path, write_pool, monkeypatch):
    monkeypatch.setattr(json_texts, "ENTRY_BYTES", 10_000)
    line = json.dumps({"instruction": "x" * 5000, "output": "y"}).encode() + b"\n"
    write_pool(gzip.compress(line * 2000))
    with pytest.raises(InputError, match=r"mine.jsonl:[0-9]+: found gzip data of more than 200 times its size"):
        reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)


@pytest.mark.parametrize("form", ["[{}]", "{}\n", '{{"instruction": "a", "output": "b"}}\n{}'])
def test_a_record_larger_than_memory_is_for_is_refused(form, tmp_path, write_pool, monkeypatch):
    monkeypatch.setattr(json_texts, "ENTRY_BYTES", 1000)
    monkeypatch.setattr(json_texts, "CHUNK", 500)
    write_pool(form.format(json.dumps({"instruction": "x" * 5000, "output": "y"})).encode())
    with pytest.raises(InputError, match=r"mine.jsonl:[12]: found a value of more than 1,000 bytes"):
        reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path, skip_bad=True)


def test_a_file_of_bad_records_is_given_up(tmp_path, write_pool, monkeypatch):
    monkeypatch.setattr(reading, "GIVEN_UP", 200)
    write_pool(b"{}\n" * 1000)
    with pytest.raises(InputError, match="200 unusable records") as caught:
        reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path, skip_bad=True)
    assert "mine.jsonl:200: found no field 'instruction'" in str(caught.value)
    assert "(and the same at 198 more lines: 2-199)\n" in str(caught.value)
    assert "nothing more is read)" in str(caught.value)


def test_lines_of_many_bad_records_are_joined(tmp_path, write_pool):
    bad = b"".join(b'{"instruction": "a", "output": "b"}\n' if n in (150, 151, 160) else b"{}\n" for n in range(1, 201))
    write_pool(bad)
    with pytest.raises(InputError) as caught:
        reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
    assert "(and the same at 196 more lines: 2-149, 152-159, 161-200)" in str(caught.value)


def test_a_cell_stays_one_cell_and_no_formula():
    rows = [{"name": "=1+1\rnext", "value": -0.5, "none": None}, {"name": 'a,"b"\nc', "more": "@x"}]
    read = list(csv.reader(io.StringIO(csv_cells.csv_bytes(rows).decode(), newline="")))
    assert read == [
        ["name", "value", "none", "more"],
        ["'=1+1\\rnext", "-0.5", "", ""],
        ['a,"b"\nc', "", "", "'@x"],
    ]
