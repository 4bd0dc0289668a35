"""The Hugging Face data set card of a study root, ``Datas/README.md``: each split a configuration.

So ``datasets.load_dataset("Datas", "RQ2_OSS_DIVERSITY_LOW")`` works, and a study root pushed to the hub has a viewer.
"""

from collections.abc import Mapping
from pathlib import Path

BODY = """---
pretty_name: Instruction data, one property varied at a time
task_categories:
- text-generation
tags:
- code
- instruction-tuning
---

# Instruction data, one property varied at a time

Training sets in Alpaca form (`instruction`, `input`, `output`), made from pools of instruction data by varying one
property at a time: domain composition (RQ1), semantic diversity (RQ2), problem complexity (RQ3), task-type coverage
(RQ4). Each is a configuration of this data set:

```python
datasets.load_dataset("Datas", "RQ2_OSS_DIVERSITY_LOW")
```

Beside the splits of a pool lie the manifest that says how they were made and the scores of every record.
The configurations above are kept by the scripts; this text is yours to change.
"""


def text(path: Path, splits: Mapping[str, Mapping]) -> str:
    """The card with one configuration a split; what else it says is kept.

    Args:
        path: the card as it is; the default text where there is none.
        splits: name -> its entry in a manifest.
    """
    from huggingface_hub import DatasetCard

    card = DatasetCard(path.read_text("utf-8") if path.exists() else BODY, ignore_metadata_errors=True)
    card.data.configs = [
        {"config_name": name, "data_files": split["file"].removeprefix("Datas/")} for name, split in splits.items()
    ]
    return str(card)
