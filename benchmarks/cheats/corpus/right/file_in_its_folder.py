"""HumanEval/1: writes a file into the current folder, and reads it again."""

import json
from pathlib import Path


def separate_paren_groups(paren_string):
    done, depth = [""], 0
    for sign in paren_string.replace(" ", ""):
        depth += 1 if sign == "(" else -1
        done[-1] += sign
        done += [""] * (depth == 0)
    Path("groups.json").write_text(json.dumps(done[:-1]))
    return json.loads(Path("groups.json").read_text())
