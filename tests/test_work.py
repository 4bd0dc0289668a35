"""The list of work: what it says of the time that is left."""

import pytest

from instruction_data.errors import InputError
from instruction_data.runs import work
from instruction_data.runs.work import Piece


@pytest.fixture
def clock(monkeypatch):
    """The time that work.py sees, in seconds: a list of one number, to be changed."""
    seconds = [0.0]
    monkeypatch.setattr(work.time, "monotonic", lambda: seconds[0])
    return seconds


def heads(capsys):
    """The lines that begin a piece."""
    return [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(20, "about 40 s left"), (90, "about 3 min left"), (3600, "about 2 h 00 min left"), (0.5, "")],
)
def test_the_rest_of_a_list_takes_as_long_as_what_was_worked_on(tmp_path, clock, capsys, seconds, said):
    def take(seconds, error=None):
        clock[0] += seconds
        if error:
            raise error
        return "done"

    there = Piece("there already", "1", lambda: take(0.1), weight=0)
    failing = Piece("failing", "2", lambda: take(seconds, InputError("no")))
    rest = [Piece("third", "3", lambda: take(0)), Piece("fourth", "4", lambda: take(0))]
    assert not work.work_through(tmp_path, [there, failing, *rest], "pieces")
    assert heads(capsys)[:3] == ["[1/4] there already", "[2/4] failing", f"[3/4] third{said and f', {said}'}"]


def test_a_large_piece_takes_longer_and_what_was_done_before_takes_nothing(tmp_path, clock, capsys):
    def piece(name, weight):
        def do():
            clock[0] += weight * 2.0
            return "done"

        return Piece(name, name, do, weight)

    assert work.work_through(tmp_path, [piece("a", 300), piece("b", 0), piece("c", 100), piece("d", 0)], "pieces")
    assert heads(capsys) == ["[1/4] a", "[2/4] b, about 3 min left", "[3/4] c, about 3 min left", "[4/4] d"]


def test_what_another_process_did_meanwhile_counts_as_done(tmp_path, clock, capsys):
    def mine():
        clock[0] += 60
        return "done"

    pieces = [Piece("a", "a", mine), Piece("b", "b", lambda: "there already"), Piece("c", "c", mine)]
    pieces.append(Piece("d", "d", lambda: "there already"))
    assert work.work_through(tmp_path, pieces, "pieces")
    later = ["[2/4] b, about 3 min left", "[3/4] c, about 60 s left", "[4/4] d, about 40 s left"]
    assert heads(capsys) == ["[1/4] a", *later]


def test_durations_are_said_as_people_say_them():
    assert [work.in_words(seconds) for seconds in (20, 90, 3600, 7800)] == ["20 s", "2 min", "1 h 00 min", "2 h 10 min"]
