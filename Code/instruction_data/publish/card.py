"""The Hugging Face data set card of a study root, ``Datas/README.md``: each split a configuration.

So ``datasets.load_dataset("Datas", "RQ2_OSS_DIVERSITY_LOW")`` works, and a study root pushed to the hub has a viewer.
"""

from collections.abc import Mapping
from pathlib import Path

from instruction_data.errors import InputError

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

    Raises:
        InputError: the card is not UTF-8, or its head not YAML.
    """
    import yaml
    from huggingface_hub import DatasetCard

    try:
        card = DatasetCard(path.read_text("utf-8") if path.exists() else BODY)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, yaml.YAMLError) as error:
        raise InputError(
            f"{path}: found no data set card ({error}); expected YAML between --- lines: mend it"
        ) from error
    card.data.configs = [
        {"config_name": name, "data_files": split["file"].removeprefix("Datas/")} for name, split in splits.items()
    ]
    return str(card)
