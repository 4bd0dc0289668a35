"""The Hugging Face data set card of a study root, ``Datas/README.md``: each split is a configuration.

It makes ``datasets.load_dataset("Datas", "RQ2_OSS_DIVERSITY_LOW")`` work, and gives a root on the hub a viewer.
"""

from collections.abc import Mapping
from pathlib import Path

from instruction_data.errors import InputError
from instruction_data.files.places import require_file

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
    """Return the card with one configuration for each split; keep the rest of its text.

    Args:
        path: the present card; without one, the default text is used.
        splits: name -> the split's entry in its manifest.

    Raises:
        InputError: the card is not UTF-8, or its head not YAML.
    """
    import yaml
    from huggingface_hub import DatasetCard

    if path.exists():
        require_file(path, "expected a data set card: move it away")
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
