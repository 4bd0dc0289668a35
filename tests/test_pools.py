"""Reading pools: every form that is accepted, and an error with file, line, found and expected for every other."""

import gzip
import io
import json
import re

import orjson
import pandas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.scripts import numbered

from instruction_data import cli
from instruction_data.errors import InputError
from instruction_data.files import json_texts
from instruction_data.pools import reading
from instruction_data.pools.records import Record
from instruction_data.pools.table import NotHereError, Pool, borrowed_name, chosen_pool, known_pools

GOOD = b'{"instruction": "add", "output": "a + b"}\n'


def read(tmp_path, **options):
    return reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path, **options)


def as_lines(records):
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def as_parquet(records, tmp_path):
    path = tmp_path / "records.parquet"
    pandas.DataFrame(records).to_parquet(path)
    return path.read_bytes()


@pytest.mark.parametrize("form", ["array", "indented array", "lines", "gzip lines", "gzip array", "parquet", "bom"])
def test_every_form_gives_the_same_records(form, tmp_path, write_pool):
    records = [*numbered(3), {"instruction": "Ünïcode \u2028 “x” 🐍", "input": "in\nput", "output": "\ttext\\"}]
    write_pool(
        {
            "array": json.dumps(records).encode(),
            "indented array": json.dumps(records, indent=6, ensure_ascii=False).encode(),
            "lines": as_lines(records),
            "gzip lines": gzip.compress(as_lines(records)),
            "gzip array": gzip.compress(json.dumps(records).encode()),
            "parquet": as_parquet(records, tmp_path),
            "bom": b"\xef\xbb\xbf" + as_lines(records),
        }[form]
    )
    found = read(tmp_path)
    assert [vars_of(record) for record in found] == records
    assert found.rows.tolist() == [0, 1, 2, 3]


def vars_of(record):
    return {"instruction": record.instruction, "input": record.input, "output": record.output}


def test_a_large_array_is_read_across_chunks(tmp_path, write_pool, monkeypatch):
    monkeypatch.setattr(json_texts, "CHUNK", 37)
    records = numbered(200, word="naïve café 🐍" * 5)
    write_pool(json.dumps(records, ensure_ascii=False, indent=1).encode())
    assert [vars_of(record) for record in read(tmp_path)] == records


BAD = {
    "malformed": (GOOD + b'{"instruction": "x" "output"}\n' + GOOD, 2, "malformed JSON", "one JSON object a line"),
    "truncated": (GOOD + b'{"instruction": "x", "outp', 2, "a truncated last line", "a complete JSON object"),
    "two on a line": (GOOD + GOOD.strip() + GOOD, 2, "malformed JSON", "one JSON object a line"),
    "last line": (GOOD + b"foo", 2, "malformed JSON", "one JSON object a line"),
    "array line": (GOOD + b"[1, 2]\n", 2, "an array", "a JSON object"),
    "number line": (GOOD + b"17\n", 2, "a number", "a JSON object"),
    "null line": (GOOD + b"null\n", 2, "null", "a JSON object"),
    "missing": (GOOD + b'{"instruction": "x", "answer": "y"}\n', 2, "no field 'output'", "--fields"),
    "empty": (GOOD + b'{"instruction": " \\n", "output": "y"}\n', 2, "an empty 'instruction'", "text there"),
    "empty output": (GOOD + b'{"instruction": "x", "output": ""}\n', 2, "an empty 'output'", "text there"),
    "non-string": (GOOD + b'{"instruction": 3.5, "output": "y"}\n', 2, "3.5 in 'instruction'", "text there"),
    "null field": (GOOD + b'{"instruction": "x", "output": null}\n', 2, "None in 'output'", "text there"),
    "list input": (
        GOOD + b'{"instruction": "x", "input": ["a"], "output": "y"}\n',
        2,
        "['a'] in 'input'",
        "text there",
    ),
    "invalid UTF-8": (GOOD + b'{"instruction": "\xff", "output": "y"}\n', 2, "invalid UTF-8 (byte 0xff", "UTF-8 text"),
    "array: non-object": (b'[{"instruction": "a", "output": "b"},\n\n 7]', 3, "a number", "a JSON object"),
    "array: bad field": (
        b'[\n{"instruction": "a", "output": "b"},\n{"instruction": "a"}\n]',
        3,
        "no field 'output'",
        "text",
    ),
    "array: UTF-8": (
        b'[\n{"instruction": "a", "output": "b"},\n{"instruction": "\xe9", "output": "b"}\n]',
        3,
        "invalid UTF-8 (byte 0xe9",
        "UTF-8 text",
    ),
    "array: surrogate": (
        b'[{"instruction": "\\ud800", "output": "b"}]',
        1,
        "half a surrogate pair",
        "valid Unicode",
    ),
    "surrogate": (GOOD + b'{"instruction": "\\udc80", "output": "b"}\n', 2, "half a surrogate pair", "valid Unicode"),
    "array: malformed": (
        b'[{"instruction": "a", "output": "b"},\n{"instruction" "a"}]',
        2,
        "malformed JSON",
        "a JSON object",
    ),
    "array: trailing comma": (b'[{"instruction": "a", "output": "b"},\n]', 2, "malformed JSON", "a JSON object"),
    "array: truncated": (
        b'[{"instruction": "a", "output": "b"},\n{"instr',
        2,
        "malformed JSON (the file ends within the entry)",
        "a complete JSON object",
    ),
    "array: not closed": (b'[{"instruction": "a", "output": "b"}\n', 2, "the end of the file", "',' or ']'"),
    "array: text behind": (
        b'[{"instruction": "a", "output": "b"}]\nx',
        2,
        "text after the array",
        "the end of the file",
    ),
    "nesting bomb": (b"[" * 200_000, 1, "malformed JSON", "a complete JSON object"),
    "line of nesting": (GOOD + b'{"instruction": ' + b"[" * 200_000 + b"\n", 2, "malformed JSON", "one JSON object"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_record_is_named_with_file_line_found_and_expected(kind, tmp_path, write_pool):
    content, line, found, expected = BAD[kind]
    path = write_pool(content)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    message = str(caught.value)
    report = next(text for text in message.splitlines() if text.startswith(f"{path}:"))
    assert f"{path}:{line}: found {found}" in message, message
    assert expected in message
    assert report.isprintable()


def test_every_bad_record_is_reported_and_can_be_skipped(tmp_path, write_pool, capsys):
    path = write_pool(GOOD + b"{}\n" + GOOD + b"nonsense\n\n" + GOOD + b'{"instruction": "x", "output": ""}\n')
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    for line in (2, 4, 7):
        assert f"{path}:{line}: " in str(caught.value)
    assert "3 unusable records" in str(caught.value)
    assert "--skip-bad" in str(caught.value)

    records = read(tmp_path, skip_bad=True)
    assert records.rows.tolist() == [0, 2, 4]  # entries, whether usable or not
    described = records.describe(tmp_path)
    assert (described["records"], described["skipped"], described["skipped_lines"]) == (3, 3, [2, 4, 7])
    assert f"{path}:4: " in capsys.readouterr().err


def test_the_same_problem_is_told_once_with_the_flag_that_mends_it(tmp_path, write_pool):
    path = write_pool([{"question": f"q{n}", "answer": "a"} for n in range(300)])
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    said = str(caught.value).splitlines()
    flag = "--fields instruction=NAME,output=NAME"
    assert said[1] == (
        f"{path}:1: found no field 'instruction' (it has 'question', 'answer'); expected text there: "
        f"--pool mine=FILE {flag} names them, or a row in pools.toml"
    )
    assert said[2] == "(and the same at 299 more lines: 2-300)"
    assert len(said) == 4
    named = ["--pool", f"mine={path}", *flag.replace("NAME", "question", 1).replace("NAME", "answer").split()]
    options = cli.parser("A script.\n\nMore.").parse_args(named)
    pool = chosen_pool(known_pools(tmp_path), options.pool[0], options.fields)
    assert len(reading.read(pool, tmp_path)) == 300


def test_a_flag_that_names_fields_keeps_the_names_that_are_right(tmp_path, write_pool):
    write_pool([{"question": "q", "answer": "a"}])
    with pytest.raises(InputError, match="--fields instruction=question,output=NAME names them"):
        reading.read(Pool("mine", "Datas/mine.jsonl", instruction="question"), tmp_path)


def test_different_problems_are_told_apart_and_beyond_a_hundred_the_lines_are_still_named(tmp_path, write_pool):
    path = write_pool(GOOD + b"".join(b'{"instruction": %d, "output": "x"}\n' % (n % 120) for n in range(250)))
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    said = str(caught.value)
    assert f"{path}:2: found 0 in 'instruction'; expected text there\n(and the same at 2 more lines: 122, 242)" in said
    assert f"{path}:101: found 99 in 'instruction'" in said
    assert "\nand other problems at 40 lines: 102-121, 222-241\n" in said


def test_entries_of_an_array_are_told_by_number_and_line(tmp_path, write_pool):
    good = '{"instruction": "a", "output": "b"}'
    path = write_pool(f"[{good}, {{}}, {good},\n 7,{{}}, {good}, {{}}\n,null]".encode())
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    said = str(caught.value)
    assert f"{path}:1: found no field 'instruction'" in said
    assert "in pools.toml (entry 2 of the array)\n(and the same at 2 more entries of the array: 5, 7)\n" in said
    assert f"{path}:2: found a number; expected a JSON object (entry 4 of the array)" in said
    assert f"{path}:3: found null; expected a JSON object (entry 8 of the array)" in said
    assert read(tmp_path, skip_bad=True).rows.tolist() == [0, 2, 5]


def plain_entries(text, array):
    """The entries of JSON text by Python's own decoder, each with its line and number."""
    decoder, place, number, found = json.JSONDecoder(), 0, 0, []
    while match := re.compile(r"[^ \t\r\n,\[\]]" if array and place else r"[^ \t\r\n\[]").search(text, place):
        number += 1
        value, place = decoder.raw_decode(text, match.start())
        found.append((text.count("\n", 0, match.start()) + 1, value, number))
    return found


TEXT = st.text(st.sampled_from('{}[],:" \\\n\tud8abé🐍'), max_size=8)
LEAVES = TEXT | st.none() | st.booleans() | st.integers(-9, 9**9) | st.sampled_from([0.5, -1e-7])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))
OBJECTS = st.lists(st.dictionaries(TEXT, VALUES, max_size=4), min_size=1, max_size=6)
BETWEEN = st.sampled_from(["", " ", "\n", "\r\n", "\n\n  "])


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_entries_of_any_json_are_those_of_pythons_decoder_with_their_lines(data, monkeypatch):
    array = data.draw(st.booleans())
    indent, ascii_only = data.draw(st.sampled_from([None, 0, 2])), data.draw(st.booleans())
    texts = [json.dumps(one, indent=indent, ensure_ascii=ascii_only) for one in data.draw(OBJECTS)]
    text = texts[0]
    for one in texts[1:]:
        text += data.draw(BETWEEN) + ("," if array else "") + data.draw(BETWEEN) + one
    text = f"[{data.draw(BETWEEN)}{text}{data.draw(BETWEEN)}]\n" if array else text
    monkeypatch.setattr(json_texts, "CHUNK", data.draw(st.sampled_from([1, 2, 7, 1000])))
    read_by = json_texts.array_entries if array else json_texts.concatenated_entries
    assert list(map(tuple, read_by(io.BytesIO(text.encode())))) == plain_entries(text, array)


@pytest.mark.parametrize("chunk", range(1, 60))
def test_half_a_surrogate_pair_in_an_array_is_one_bad_entry_wherever_the_file_is_cut(chunk, monkeypatch):
    monkeypatch.setattr(json_texts, "CHUNK", chunk)
    text = rb'[{"a": "\ud83d\ude00\\ud800"},{"a": "\ud800"},{"a": "\udc80"},{"a": "\uD800\u0041"},{"a": "'
    found = [entry.value for entry in json_texts.array_entries(io.BytesIO(text + b'\xe9\xff"},{"a": "\xc3\xa9"}]'))]
    assert (found[0], found[5]) == ({"a": "😀\\ud800"}, {"a": "é"})
    assert ["half a surrogate" in one.found for one in found[1:4]] == [True] * 3
    assert found[4].found.startswith("invalid UTF-8 (byte 0xe9")


@pytest.mark.parametrize(
    "number", ["9" * 5000, "-1." + "0" * 5000 + "1", "18446744073709551615", "1e400", "1e" + "9" * 30]
)
def test_a_long_number_in_an_array_hides_no_other_entry(number):
    one = f'{{"a": {number}}}'.encode()
    try:
        expected = orjson.loads(one)
    except ValueError:
        expected = None
    good, found, other = json_texts.array_entries(io.BytesIO(b'[{"a": "1"},\n' + one + b',\n{"a": 2}]'))
    assert (good.value, other.value) == ({"a": "1"}, {"a": 2})
    assert found.value == expected if expected else found.value.found.startswith("malformed JSON (number is inf")


def test_an_array_that_breaks_off_is_not_skippable(tmp_path, write_pool):
    write_pool(b'[{"instruction": "a", "output": "b"}, {"instr')
    with pytest.raises(InputError, match="cannot be read beyond this"):
        read(tmp_path, skip_bad=True)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "found an empty file"),
        (b" \n\n", "found nothing but white space"),
        (b"[]", "found no usable record"),
        (gzip.compress(GOOD * 50, mtime=0)[:-20], "found damaged gzip data"),
        (b"\x1f\x8b" + b"nonsense" * 9, "found damaged gzip data"),
        (b"PAR1 but no parquet", "found damaged Parquet"),
        ("\ufeff{}".encode("utf-16-le"), "found UTF-16 text; expected UTF-8"),
        (b'{\n  "instruction": "x",\n  "output": "y"\n}\n{\n', "found an indented JSON object (or several"),
    ],
)
def test_a_file_that_is_no_pool(content, found, tmp_path, write_pool):
    path = write_pool(content)
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert str(caught.value).startswith(f"{path}: {found}")


def test_a_git_lfs_pointer_names_the_ways_on(tmp_path):
    pool = known_pools(tmp_path)["oss"]
    path = tmp_path / pool.path
    path.parent.mkdir()
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n")
    with pytest.raises(NotHereError) as caught:
        reading.read(pool, tmp_path)
    message = str(caught.value)
    assert message.startswith(f"{path}:1: found a Git LFS pointer (content of 12345 bytes, not here)")
    for way in (f'git lfs pull --include "{pool.path}" --exclude ""', "instruction_data.pools fetch oss", "--demo"):
        assert way in message


def test_an_empty_output_is_a_record_of_the_general_pool_only(tmp_path, write_pool):
    write_pool(b'{"instruction": "say nothing", "input": "", "output": ""}\n', "Datas/alpaca.jsonl")
    assert reading.read(known_pools(tmp_path)["general"], tmp_path)[0].output == ""


def test_a_source_that_changes_while_it_is_read_is_refused(tmp_path, write_pool, monkeypatch):
    path = write_pool(numbered(5))
    entries = reading.formats.entries

    def changing(file, names):
        for entry in entries(file, names):
            path.write_bytes(GOOD)
            yield entry

    monkeypatch.setattr(reading.formats, "entries", changing)
    with pytest.raises(InputError, match="changed while it was read"):
        read(tmp_path)


def test_limit_reads_no_further(tmp_path, write_pool):
    write_pool(GOOD * 3 + b"nonsense\n")
    assert len(read(tmp_path, limit=3)) == 3


def test_parquet_is_read_for_its_fields_alone_and_bad_text_is_a_bad_record(tmp_path, write_pool):
    import pyarrow
    import pyarrow.parquet

    broken = pyarrow.array([b"good", b"\xff bad", b"fine"]).cast(pyarrow.binary()).view(pyarrow.string())
    far = pyarrow.array([3 * 10**17] * 3, pyarrow.timestamp("us"))  # beyond Python's dates, in a column nobody wants
    columns = {"instruction": broken, "output": pyarrow.array(["a", "b", None]), "when": far}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "pool.parquet")
    path = write_pool((tmp_path / "pool.parquet").read_bytes())
    with pytest.raises(InputError) as caught:
        read(tmp_path)
    assert f"{path}:2: found a value that is not valid UTF-8" in str(caught.value)
    assert f"{path}:3: found None in 'output'" in str(caught.value)
    assert [record.instruction for record in read(tmp_path, skip_bad=True)] == ["good"]


class TestTable:
    def test_a_row_of_toml_is_a_pool(self, tmp_path, write_pool):
        write_pool([{"question": "q", "answer": "a"}], "Datas/stack.jsonl")
        rows = '[stack]\npath = "Datas/stack.jsonl"\ninstruction = "question"\noutput = "answer"\n'
        (tmp_path / "pools.toml").write_text(rows)
        pool = known_pools(tmp_path)["stack"]
        assert reading.read(pool, tmp_path)[0] == Record("q", "", "a")
        assert (pool.label, pool.domain) == ("STACK", "code")

    @pytest.mark.parametrize(
        ("rows", "found"),
        [
            ("[stack", "found "),
            ("[stack]\n", "[stack]: found no path"),
            ("stack = 3\n", "[stack]: found no path"),
            ('[stack]\npath = "x"\ncolour = "red"\n', "[stack]: found 'colour'; expected one of path, instruction"),
            ('[stack]\npath = "x"\noutput = 3\n', "[stack] output: found 3; expected a str"),
            ('[Mine]\npath = "a"\n[mine]\npath = "b"\n', "found two sections whose names differ in case alone"),
            ('["../up"]\npath = "x"\n', "pool name: found '../up'"),
        ],
    )
    def test_a_bad_row_is_named(self, rows, found, tmp_path):
        (tmp_path / "pools.toml").write_text(rows)
        with pytest.raises(InputError) as caught:
            known_pools(tmp_path)
        assert found in str(caught.value)

    def test_names_become_file_names_so_they_are_checked(self, tmp_path):
        for name in ("", "a/b", "..", "a,b", "x" * 41, "-x", "ü"):
            with pytest.raises(InputError, match="pool name"):
                chosen_pool(known_pools(tmp_path), f"{name}=file.jsonl", {})
        assert chosen_pool(known_pools(tmp_path), "Mine_2=file.jsonl", {}).name == "mine_2"

    def test_an_unknown_pool_names_the_known(self, tmp_path):
        with pytest.raises(InputError, match="known are evol, oss, math, general"):
            chosen_pool(known_pools(tmp_path), "ossa", {})

    def test_a_name_of_the_studys_given_to_another_file_is_said(self, tmp_path):
        known = known_pools(tmp_path)
        mine = tmp_path / "my.jsonl"
        note = borrowed_name(chosen_pool(known, f"oss={mine}", {}), tmp_path)
        assert note == f"note: the pool 'oss' is read from {mine}, not from the study's file; splits will bear its name"
        (tmp_path / "pools.toml").write_text('[evol]\npath = "Datas/other.jsonl"\n')
        assert "read from Datas/other.jsonl, not" in borrowed_name(known_pools(tmp_path)["evol"], tmp_path)
        same = chosen_pool(known, f"oss={tmp_path}/{known['oss'].path}", {})
        assert [borrowed_name(pool, tmp_path) for pool in (same, known["oss"], Pool("mine", "x"))] == [""] * 3
