"""Documents derived from others, read again: whole, touched, and with no checksum."""

import numpy as np
import orjson
import pytest

from instruction_data.errors import InputError
from instruction_data.files import documents


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 2}', '{"format": 1}', '{"format": 1, "sha256": "0"}'])
def test_a_broken_document_is_an_error_for_the_reader(tmp_path, content):
    (tmp_path / "Results").mkdir()
    (tmp_path / "Results" / "comparison.json").write_text(content)
    with pytest.raises(InputError, match=r"comparison\.json: found .*compare\.py"):
        documents.read_derived(tmp_path / "Results" / "comparison.json", "python Code/evaluation/compare.py")


@pytest.fixture
def derived(tmp_path):
    path = tmp_path / "Results" / "comparison.json"
    documents.write_derived(path, {"share": 0.30000000000000004, "name": "a"}, {"comparison.csv": b"a,b\n"})
    return path


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"0.30000000000000004", b"0.30000000000000003"),  # the same number
        (b'"name"', b' "name"'),
        (b'"name": "a"', b'"name": "b",\n  "name": "a"'),
        (b"\n}\n", b"\n}"),
        (b'"a"', b'"\\u0061"'),
        (b'"a"', b"[" * 400 + b"]" * 400),  # deeper than a checksum can be taken of
    ],
)
def test_a_touched_byte_is_seen_and_what_lies_beside_is_looked_at_all_the_same(old, new, derived):
    whole = derived.read_bytes()
    assert documents.faults(derived) == []
    assert old in whole
    derived.write_bytes(whole.replace(old, new, 1))
    with pytest.raises(InputError, match="found other content than was written"):
        documents.read_derived(derived, "compare.py")
    derived.with_name("comparison.csv").write_bytes(b"a,c\n")
    assert documents.faults(derived) == [
        "comparison.json: found other content than was written",
        "comparison.csv: found other content than comparison.json says",
    ]


def test_a_document_without_a_checksum_is_named(derived):
    for new in (b'"chexksum"', b'"Checksum"'):
        derived.write_bytes(derived.read_bytes().replace(b'"checksum"', new))
        assert documents.faults(derived)[0].startswith("comparison.json: bears no checksum")
        with pytest.raises(InputError, match="found other content than was written"):
            documents.read_derived(derived, "compare.py")


@pytest.mark.parametrize("value", [np.float32(0.1), 1e16, -0.0, 5e-324, 2**63, "\u2028é\x7f", [np.arange(3), None]])
def test_what_is_written_is_what_it_says_would_be_written(value):
    raw = documents.signed({"value": value, "checksum": "of an earlier content", "more": 1})
    assert not documents.is_touched(orjson.loads(raw), raw)
