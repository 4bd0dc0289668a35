"""What manifests declare is what the page shows, whatever the question or the measure is called."""

import numpy as np
import pytest

from instruction_data.page import declared
from instruction_data.publish.inventory import Set
from instruction_data.publish.question import Question
from instruction_data.publish.record_tables import Column


def set_of(question, *columns, **settings):
    manifest = {"question": question.id, "pool": "oss", "about": question.about, "settings": settings}
    return Set(f"{question.id}_OSS", manifest, {}, {column.name: column for column in columns})


@pytest.fixture
def judged():
    question = Question("RQ5", "nesting", "Does nesting matter?", varies=("nesting",))
    return set_of(
        question,
        Column("depth", np.arange(3.0), "depth of nesting", trait="nesting"),
        Column("language", ["Python"] * 3, kind="word"),
        Column("cost", np.arange(3.0), scale="log", trait="nesting"),
        Column("length", np.arange(3.0)),
    )


def test_a_question_says_what_it_is_called_and_what_it_asks(judged):
    assert declared.title("RQ5", [judged]) == "RQ5, nesting"
    assert declared.about("RQ5", [judged]).asks == "Does nesting matter?"
    assert declared.title("RQ7", [judged]) == "RQ7"
    assert declared.about("RQ7", [judged]) is None


def test_columns_have_the_label_that_their_table_declares(judged):
    profiles = {"measures": {"depth": {"label": "other"}, "score": {"label": "complexity score"}}}
    assert declared.label("depth", [judged], profiles) == "depth of nesting"
    assert declared.label("score", [judged], profiles) == "complexity score"
    assert declared.label("my_own", [judged], {}) == "my own"


def test_a_set_made_from_a_split_does_not_speak_for_its_question(judged):
    control = set_of(Question("RQ5", "matched control of RQ5_OSS_DEEP"), control="matched")
    assert declared.title("RQ5", [control, judged]) == "RQ5, nesting"
    assert declared.title("RQ5", [control]) == "RQ5"


def test_two_numbers_of_what_is_varied_place_a_record_the_logarithmic_one_to_the_right(judged):
    assert declared.plane(judged) == ("cost", "depth")
    assert declared.logarithmic("cost", judged) and not declared.logarithmic("depth", judged)
    assert declared.plane_name(judged) == "nesting"
    one = Question("RQ2", "diversity", "", varies=("similarity",))
    assert declared.plane(set_of(one, Column("similarity", np.arange(3.0)), Column("length", np.arange(3.0)))) is None


def test_flags_are_read_in_percent():
    assert declared.as_share({"share": True, "label": "compiles"})
    assert not declared.as_share({"share": False, "label": "share price"})
