"""A published split against a rebuilt one: which records pair, which files are read, what is printed."""

import gzip
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.scripts import numbered
from tests.support.workspaces import opened

from instruction_data.errors import InputError
from instruction_data.files import formats, json_texts
from instruction_data.pools import reading
from instruction_data.pools.records import Record
from instruction_data.pools.table import Pool
from instruction_data.publish import __main__, rebuilt
from instruction_data.publish.question import Question
from instruction_data.publish.split import Split


def record(letters):
    return Record(*letters)


class TestCompare:
    def test_every_way_to_differ_by_hand(self):
        there = [record(text) for text in ("abc", "a-c", "xyz", "pqr", "pqr")]
        here = [record(text) for text in ("pqr", "xyZ", "abc", "a!c", "new")]
        found = rebuilt.compare(there, here)
        assert list(found.shared) == [(0, 2), (3, 0)]  # one of the two pqr finds its like
        assert list(found.other_input) == [(1, 3)]
        assert list(found.other_output) == [(2, 1)]
        assert list(found.only_published) == [4]
        assert list(found.only_rebuilt) == [4]

    def test_an_equal_record_goes_before_one_that_differs(self):
        """Though the first of them could pair by instruction."""
        found = rebuilt.compare([record("ab1"), record("ab2")], [record("ab2"), record("ab3")])
        assert list(found.shared) == [(1, 0)]
        assert list(found.other_output) == [(0, 1)]

    letters = st.text("ab", min_size=3, max_size=3)

    @given(st.lists(letters, max_size=12), st.lists(letters, max_size=12))
    def test_every_record_is_counted_once_and_pairs_are_what_they_say(self, one, other):
        there, here = list(map(record, one)), list(map(record, other))
        found = rebuilt.compare(there, here)
        pairs = [*found.shared, *found.other_input, *found.other_output]
        assert sorted([*(left for left, _ in pairs), *found.only_published]) == list(range(len(there)))
        assert sorted([*(right for _, right in pairs), *found.only_rebuilt]) == list(range(len(here)))
        assert len(found.shared) == (Counter(one) & Counter(other)).total()
        assert all(there[left] == here[right] for left, right in found.shared)
        for left, right in found.other_input:
            assert there[left].input != here[right].input
            assert (there[left].instruction, there[left].output) == (here[right].instruction, here[right].output)
        for left, right in found.other_output:
            assert there[left].output != here[right].output
            assert (there[left].instruction, there[left].input) == (here[right].instruction, here[right].input)
        assert not {(r.instruction, r.input) for r in map(there.__getitem__, found.only_published)} & {
            (r.instruction, r.input) for r in map(here.__getitem__, found.only_rebuilt)
        }


RECORDS = [
    {"instruction": "a {brace", "input": "", "output": 'x = "}"\n'},
    {"instruction": "ü", "output": ""},
    {"instruction": "z" * 5000, "input": None, "output": "o"},
]
FORMS = {
    "array": json.dumps(RECORDS),
    "lines": "\n".join(map(json.dumps, RECORDS)),
    "indented": "\n".join(json.dumps(one, indent=4, ensure_ascii=False) for one in RECORDS),
    "indented, nothing between": "".join(json.dumps(one, indent=2) for one in RECORDS),
}


class TestRead:
    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("chunk", [7, 1 << 20])
    def test_every_form_gives_the_same_records(self, form, chunk, tmp_path, monkeypatch):
        monkeypatch.setattr(json_texts, "CHUNK", chunk if "indented" in form else json_texts.CHUNK)
        path = tmp_path / "split.json"
        expected = [Record(one["instruction"], one.get("input") or "", one["output"]) for one in RECORDS]
        for content in (FORMS[form].encode(), gzip.compress(FORMS[form].encode())):
            path.write_bytes(content)
            assert rebuilt.read_published(path) == expected

    def test_pools_still_refuse_indented_objects(self, tmp_path):
        path = tmp_path / "pool.json"
        path.write_text(FORMS["indented"])
        with pytest.raises(InputError, match="found an indented JSON object"):
            list(formats.entries(path))

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            ("", "found an empty file"),
            ("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n", "found a Git LFS pointer"),
            ('[{"instruction": "a", "output": "b"}, 3]', "split.json:1: found a number; expected a JSON object"),
            ('[{"instruction": "a"}]', "found no field 'output'; expected text"),
            ('[{"instruction": "a", "output": ["b"]}]', r"found \['b'\] in 'output'; expected text"),
            ('{"instruction": "a", "output": "b"}\n{"instr', "split.json:2: found a truncated last line"),
            (
                '{\n "instruction": "a",\n "output": "b"\n}\n{\n "instr',
                "split.json:5: found malformed JSON .the file ends within",
            ),
            ('{\n "instruction": "a",\n "output": "b"\n}\n[1]', "split.json:5: found an array; expected a JSON object"),
        ],
    )
    def test_what_is_no_split_is_named_with_its_line(self, content, error, tmp_path):
        path = tmp_path / "split.json"
        path.write_text(content)
        with pytest.raises(InputError, match=error):
            rebuilt.read_published(path)

    def test_a_file_that_is_not_there(self, tmp_path):
        for path, found in ((tmp_path / "none.json", "no such file"), (tmp_path, "a folder")):
            with pytest.raises(InputError, match=f"found {found}; expected a published split"):
                rebuilt.read_published(path)


@pytest.fixture
def root(tmp_path, write_pool):
    """A study root with one split of 8 records, RQ9_MINE_X."""
    write_pool([*numbered(10), {"instruction": "Sum up.", "input": "a text", "output": "sum"}])
    records = reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
    split = Split("RQ9_MINE_X", [(records, np.array([10, 0, 1, 2, 3, 4, 5, 5]))])
    opened(tmp_path).begin(Question("RQ9"), [records], {}).splits([split])
    return tmp_path


def compare(root, records, capsys):
    path = root / "published.json"
    path.write_text("\n".join(json.dumps(one, indent=4) for one in records))
    capsys.readouterr()
    assert __main__.main(["compare-published", str(path), "RQ9_MINE_X", "--root", str(root)]) == 0
    return capsys.readouterr().out


def counts(printed):
    labels = ("shared", "input differs", "changed output", "only in the published", "only in the rebuilt")
    lines = printed.splitlines()
    return [int(line[len(label) :].split()[0]) for label in labels for line in lines if line.startswith(f"{label}  ")]


def test_the_command_counts_and_shows_examples(root, capsys):
    there = numbered(8)[:5]  # 0 … 4; 5 twice is only here
    there[1]["output"] = "\x1b[31m" + "another answer"
    there += [{"instruction": "Sum up.", "output": "sum"}, {"instruction": "Foreign", "output": "o"}]
    printed = compare(root, there, capsys)
    assert counts(printed) == [4, 1, 1, 1, 2]
    assert "7 records" in printed
    assert "8 records (1 repeat an earlier one)" in printed
    assert "Of 1 records only the input differs; 1 of these have none in the" in printed
    assert "\x1b" not in printed
    assert r"\x1b[31manother answer" in printed
    assert "only in the published: record 7\n  instruction: Foreign" in printed
    assert "57.1%         50.0%" in printed  # 4 of 7, 4 of 8


def test_the_same_split_is_said_to_be_the_same(root, capsys):
    same = json.loads((root / "Datas/RQ9/MINE/RQ9_MINE_X.json").read_text())
    assert "The same records in the same order." in compare(root, same, capsys)
    printed = compare(root, same[::-1], capsys)
    assert "The same records in another order." in printed
    assert counts(printed) == [8, 0, 0, 0, 0]


def test_a_difference_far_into_an_output_is_shown():
    one, other = rebuilt.from_difference("same " * 100 + "left", "same " * 100 + "right")
    assert one.startswith("…") and one.endswith("same left")
    assert other.endswith("same right")
    assert rebuilt.from_difference("left", "right") == ("left", "right")


def test_a_split_that_is_not_there_or_was_changed_is_an_error(root, capsys):
    path = root / "published.json"
    path.write_text("[]")
    with pytest.raises(InputError, match="found no split 'RQ9_MINE_Z'"):
        __main__.main(["compare-published", str(path), "RQ9_MINE_Z", "--root", str(root)])
    split = root / "Datas/RQ9/MINE/RQ9_MINE_X.json"
    split.write_bytes(split.read_bytes() + b" ")
    with pytest.raises(InputError, match="found other content than its manifest says"):
        __main__.main(["compare-published", str(path), "RQ9_MINE_X", "--root", str(root)])
