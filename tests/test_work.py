"""The list of work: what it says of the time that is left."""

import pytest

from instruction_data.errors import InputError
from instruction_data.runs import work
from instruction_data.runs.work import Piece


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(20, "about 40 s left"), (90, "about 3 min left"), (3600, "about 2 h 00 min left"), (0.5, "")],
)
def test_the_rest_of_a_list_takes_as_long_as_what_was_worked_on(tmp_path, capsys, monkeypatch, seconds, said):
    clock = [0.0]
    monkeypatch.setattr(work.time, "monotonic", lambda: clock[0])

    def take(seconds, error=None):
        clock[0] += seconds
        if error:
            raise error
        return "done"

    there = Piece("there already", "1", lambda: take(0.1))
    failing = Piece("failing", "2", lambda: take(seconds, InputError("no")))
    rest = [Piece("third", "3", lambda: take(0)), Piece("fourth", "4", lambda: take(0))]
    assert not work.work_through(tmp_path, [there, failing, *rest], "pieces")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
    assert lines[:3] == ["[1/4] there already", "[2/4] failing", f"[3/4] third{said and f', {said}'}"]


def test_durations_are_said_as_people_say_them():
    assert [work.in_words(seconds) for seconds in (20, 90, 3600, 7800)] == ["20 s", "2 min", "1 h 00 min", "2 h 10 min"]
