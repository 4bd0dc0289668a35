"""What is known of a study root, in sentences and rows."""

import numpy as np
import pytest
from tests.support.study import TIERS, add_documents, build

from instruction_data.page import findings
from instruction_data.publish.inventory import Set


@pytest.fixture
def tiers():
    members = {f"RQ2_OSS_DIVERSITY_{tier}": np.arange(3) + 3 * place for place, tier in enumerate(TIERS)}
    return Set("RQ2_OSS", {"question": "RQ2", "pool": "oss"}, members, {})


def test_short_names(tiers):
    assert [findings.short(name, tiers) for name in tiers.members] == list(TIERS)
    shares = Set("RQ4_OSS", {}, {"RQ4_OSS_ALG_0": [], "RQ4_OSS_ALG_25": []}, {})
    assert findings.short("RQ4_OSS_ALG_25", shares) == "ALG_25"


def test_cuts_lie_between_what_was_parted(tiers):
    values = np.array([1, 2, 3, 5, 6, 7, 9, 9, 9.0])
    assert findings.cuts(tiers, values) == [4, 8]
    assert findings.cuts(tiers, values[[0, 8, 1, 2, 3, 4, 5, 6, 7]]) == []


def test_tiers_share_nothing_and_mixtures_do(tiers):
    assert findings.disjoint(tiers)
    mixed = {"a": np.arange(6), "b": np.arange(3, 9)}
    assert not findings.disjoint(Set("X", {}, mixed, {}))


def test_documents_of_other_splits_are_called_so(tmp_path):
    root = build(tmp_path / "root")
    add_documents(root)
    known = findings.read(root, root / ".cache")
    assert not any(known.outdated(name) for name in known.documents)
    known.found.sources["Datas/RQ2/OSS/RQ2_OSS_manifest.json"] = "other"
    assert known.outdated("profiles")
