"""A few inputs of ``make fuzz``: every reader reads or refuses an input, naming the file, and nothing else happens."""

import pytest
from tests.stress.fuzz import large
from tests.stress.fuzz import run as fuzzing

SMALL = (
    "nesting of 100,000",
    "a line nested 100,000 deep",
    "an array entry nested 100,000 deep",
    "a number of a million digits",
)


def test_inputs_made_from_good_files_are_read_or_refused():
    assert fuzzing.run(inputs=2000, seed=1) == {}


@pytest.mark.parametrize("name", SMALL)
def test_a_file_that_would_take_all_memory_is_refused(name):
    assert large.run([name]) == {}


def test_a_reader_that_fails_is_found(tmp_path):
    reader = fuzzing.readers.Reader("x", (b"good",), lambda path: path.read_text("ascii"))
    found, _ = fuzzing.fuzz(reader, tmp_path, 200, fuzzing.random.Random(1))
    assert any("UnicodeDecodeError" in wrong for wrong in found)
