"""Languages of code: labels, the detector, and what compiles, which is never run."""

import pytest
from tests.support.workspaces import opened

from instruction_data.measures import languages


@pytest.mark.parametrize(
    ("output", "language"),
    [
        ("```py\nprint(1)\n```", "Python"),
        ("Text.\n```c++\nint x;\n```\nand\n```python\nprint('the longer one')\n```", "Python"),
        ("```C#\nint x;\n```", "C#"),
        ("```sh\nls\n```", "Bash"),
        ("```text\nhello\n```", "none"),
        ("The answer is 5.", "none"),
        ('#include <stdio.h>\nint main(void) {\n  printf("%d", 1);\n  return 0;\n}\n', "C"),
        ("```\nimport os\n\ndef names(folder):\n    return sorted(os.listdir(folder))\n```", "Python"),
        ("```python\nno end", "Python"),
        ("", "none"),
    ],
)
def test_languages(tmp_path, output, language):
    assert languages.languages([output], opened(tmp_path).compute)[0] == [language]


@pytest.mark.parametrize("code", ["return 1", "x = \x00", "(" * 100_000, "def f(:", "\ud800", "a" * 2_000_000])
def test_what_does_not_compile(code):
    assert not languages.compiles(code)


def test_what_compiles_is_not_run_and_not_warned_of(tmp_path, recwarn):
    assert languages.compiles(f"open({str(tmp_path / 'made')!r}, 'w')\nx = '\\d' is 'y'")
    assert list(tmp_path.iterdir()) == [] and not recwarn.list
