"""Token trees: sequences that share beginnings, with every shared token computed once in one forward pass.

A token of a tree attends to the tokens on its own path alone, and its position is its depth. So one pass over a tree
gives each sequence what a pass of its own would give it (tree attention: SpecInfer, arXiv 2305.09781).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from instruction_data.numbers.batches import CPU_BATCH_TOKENS

DEVICE_TREE_TOKENS = 4096  # in one forward pass: the mask of a tree has this number of rows and of columns


@dataclass
class Tree:
    """Sequences as paths; sequences that begin alike share the tokens of that beginning.

    Attributes:
        tokens: of every node; a node comes after its parent.
        parents: node before each node; -1 for the first of a path.
        paths: the nodes of each sequence.
    """

    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    paths: list[list[int]] = field(default_factory=list)

    def lacks(self, sequences: Sequence[Sequence[int]]) -> int:
        """Count the nodes that sequences in sorted order would add."""
        return sum(len(tokens) - same for tokens, same in self._shared(sequences))

    def add(self, sequences: Sequence[Sequence[int]]) -> None:
        """Add sequences, in sorted order and behind all that are there, so that each shares most with the last."""
        for tokens, same in self._shared(sequences):
            path = self.paths[-1][:same] if self.paths else []
            for token in tokens[same:]:
                self.parents.append(path[-1] if path else -1)
                path.append(len(self.tokens))
                self.tokens.append(token)
            self.paths.append(path)

    def _shared(self, sequences: Sequence[Sequence[int]]) -> list[tuple[Sequence[int], int]]:
        last = [self.tokens[node] for node in self.paths[-1]] if self.paths else []
        before = [last, *sequences[:-1]]
        return [(tokens, common(other, tokens)) for other, tokens in zip(before, sequences, strict=True)]

    def depths(self) -> list[int]:
        """Return the position of every node on its path."""
        depths: list[int] = []
        for parent in self.parents:
            depths.append(depths[parent] + 1 if parent >= 0 else 0)
        return depths

    def seen(self) -> np.ndarray:
        """Return which nodes each node attends to: bool ``[nodes, nodes]``, row by row."""
        seen = np.eye(len(self.tokens), dtype=bool)
        for node, parent in enumerate(self.parents):
            if parent >= 0:
                seen[node] |= seen[parent]
        return seen


def pack(groups: Sequence[Sequence[list[int]]], device: str) -> Iterator[tuple[Tree, list[tuple[int, int]]]]:
    """Yield trees of as many tokens as suit the device, each with the group and place of every path's sequence.

    A group stays whole, so that no beginning which its sequences share is computed twice.
    """
    budget = CPU_BATCH_TOKENS if device == "cpu" else DEVICE_TREE_TOKENS
    order = [sorted(range(len(group)), key=group.__getitem__) for group in groups]
    tree, places = Tree(), []
    for number in sorted((one for one in range(len(groups)) if order[one]), key=lambda one: groups[one][order[one][0]]):
        sequences = [groups[number][place] for place in order[number]]
        if places and len(tree.tokens) + tree.lacks(sequences) > budget:
            yield tree, places
            tree, places = Tree(), []
        tree.add(sequences)
        places += [(number, place) for place in order[number]]
    if places:
        yield tree, places


def common(first: Sequence[int], second: Sequence[int]) -> int:
    """Count the tokens that two sequences begin with."""
    pairs = enumerate(zip(first, second, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(first), len(second)))
