"""Documents derived from others, read again."""

import pytest

from instruction_data.errors import InputError
from instruction_data.files import documents


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 2}', '{"format": 1}', '{"format": 1, "sha256": "0"}'])
def test_a_broken_document_is_an_error_for_the_reader(tmp_path, content):
    (tmp_path / "Results").mkdir()
    (tmp_path / "Results" / "comparison.json").write_text(content)
    with pytest.raises(InputError, match=r"comparison\.json: found .*compare\.py"):
        documents.read_derived(tmp_path / "Results" / "comparison.json", "python Code/evaluation/compare.py")
