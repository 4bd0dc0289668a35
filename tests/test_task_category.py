"""RQ4's categories: cosines, the category that wins, and the table against weak labels."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import cosine_similarity
from tests.support.scripts import numbered

from instruction_data.pools import reading
from instruction_data.pools.table import Pool


def test_cosine_similarities_against_sklearn(rq4_category):
    rng = np.random.default_rng(0)
    rows, columns = rng.normal(size=(20, 7)).astype(np.float32), rng.normal(size=(10, 7)).astype(np.float32)
    found = rq4_category.cosine_similarities(rows, columns)
    assert found == pytest.approx(cosine_similarity(rows.astype(float), columns.astype(float)))


def test_the_most_similar_category_wins_and_a_failure_has_none(rq4_category, tmp_path, write_pool):
    write_pool(numbered(3))
    records = reading.read(Pool("mine", "Datas/mine.jsonl"), tmp_path)
    similarities = np.full((3, 10), 0.1)
    similarities[0, 4] = 0.9
    similarities[1] = np.nan
    similarities[2, [2, 7]] = 0.5  # a tie goes to the first
    columns = rq4_category.category_columns(similarities)
    lines = rq4_category.category_lines(records, columns)
    assert lines["assigned_category"] == ["Web Development", None, "Database & SQL"]
    assert lines["category_similarity"] == [0.9, None, 0.5]
    assert lines["row"] == [0, 1, 2]
    assert [column.name for column in columns][:3] == ["category", "category_similarity", "category_margin"]
    assert columns[2].values == pytest.approx([0.8, np.nan, 0], nan_ok=True)


def test_confusion_counts_labels_by_category(rq4_category):
    web, security = "Web Development", "Security & Cryptography"
    table = rq4_category.confusion([web, web, None, security, web], [web, security, web, security, None])
    counts = table.set_index(table.columns[0])
    assert counts.loc[web, web] == counts.loc[web, security] == counts.loc[security, security] == 1
    assert counts.to_numpy().sum() == 3
