"""What manifests declare is what the page shows; the study's own, which declare nothing, are known."""

import numpy as np
import pytest

from instruction_data.page import declared
from instruction_data.publish.inventory import Set


def set_of(question, names, **manifest):
    properties = {name: np.arange(3.0) for name in names}
    return Set(f"{question}_OSS", {"question": question, "pool": "oss", **manifest}, {}, properties, tuple(names))


def column(name, **told):
    return {"name": name, "label": name, "unit": "", "scale": "linear", "kind": "number"} | told


@pytest.fixture
def judged():
    columns = [column("depth", label="depth of nesting"), column("cost", scale="log"), column("why", kind="note")]
    about = {"title": "nesting", "asks": "Does nesting matter?", "varies": ["depth"], "follows": []}
    files = {"Datas/RQ5/OSS/RQ5_OSS_scores.parquet": {"sha256": "0", "columns": columns}}
    return set_of("RQ5", ["depth", "cost"], about=about, files=files)


def test_a_question_says_what_it_is_called_and_what_it_asks(judged):
    assert declared.title("RQ5", [judged]) == "RQ5, nesting"
    assert declared.about("RQ5", [judged]).asks == "Does nesting matter?"
    assert declared.title("RQ2", [judged]) == "RQ2, semantic diversity"
    assert declared.title("RQ7", [judged]) == "RQ7"
    assert declared.about("RQ7", [judged]) is None


def test_columns_have_the_label_that_their_table_declares(judged):
    profiles = {"measures": {"depth": {"label": "other"}, "score": {"label": "complexity score"}}}
    assert declared.label("depth", [judged], profiles) == "depth of nesting"
    assert declared.label("score", [judged], profiles) == "complexity score"
    assert declared.label("my_own", [judged], {}) == "my own"


def test_two_numbers_place_a_record_the_logarithmic_one_to_the_right(judged):
    assert declared.plane(judged) == ("cost", "depth")
    assert declared.logarithmic("cost", judged) and not declared.logarithmic("depth", judged)
    assert declared.plane_name(judged) == "the measures of RQ5"
    assert declared.plane(set_of("RQ3", ["score", "perplexity", "complexity"])) == ("perplexity", "score")
    assert declared.plane(set_of("RQ2", ["similarity"])) is None


def test_flags_are_read_in_percent():
    assert declared.as_share({"kind": "flag", "label": "compiles"})
    assert not declared.as_share({"kind": "number", "label": "share price"})
    assert declared.as_share({"label": "share with an input"})
