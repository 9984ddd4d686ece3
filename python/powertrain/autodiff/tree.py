"""Arguments and results of any structure as lists of tensors.

A function may take and give tensors, and tuples, lists and dicts of them; other arguments are passed on as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from powertrain import _core
from powertrain._core import Slot, Tensor

Tree = Any


def is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, (Tensor, Slot)) or hasattr(leaf, "__array__")


def flattened(tree: Tree) -> tuple[list[Any], Callable[[list[Any]], Tree]]:
    """The tensors of a tree in order, and the function that puts others in their places."""
    if is_tensor(tree):
        return [tree], lambda leaves: leaves[0]
    if isinstance(tree, dict):
        leaves, inner = flattened(list(tree.values()))
        return leaves, lambda given: dict(zip(tree, inner(given), strict=True))
    if not isinstance(tree, (tuple, list)):
        return [], lambda leaves: tree
    parts = [flattened(item) for item in tree]
    counts = [len(leaves) for leaves, _ in parts]

    def rebuild(leaves: list[Any]) -> Tree:
        values, begin = [], 0
        for count, (_, inner) in zip(counts, parts, strict=True):
            values.append(inner(leaves[begin : begin + count]))
            begin += count
        return type(tree)(*values) if hasattr(tree, "_fields") else type(tree)(values)

    return [leaf for leaves, _ in parts for leaf in leaves], rebuild


def arranged(tree: Tree, like: Tree, place: str = "") -> Tree:
    """The tree with its dicts in the order of another one; a ValueError says where it has another structure.

    A list may stand for a tuple.
    """
    if isinstance(like, dict) and isinstance(tree, dict):
        if set(tree) != set(like):
            raise ValueError(f"has {_keys(tree)}{place}; expected {_keys(like)}")
        return {key: arranged(tree[key], item, f"{place or ' at '}[{key!r}]") for key, item in like.items()}
    if isinstance(like, (tuple, list)) and isinstance(tree, (tuple, list)):
        if len(tree) != len(like):
            raise ValueError(f"has {len(tree)} items{place}; expected {len(like)}")
        pairs = enumerate(zip(tree, like, strict=True))
        items = [arranged(one, other, f"{place or ' at '}[{at}]") for at, (one, other) in pairs]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    if _kind(tree) != _kind(like):
        raise ValueError(f"has {_kind(tree)}{place}; expected {_kind(like)}")
    return tree


def _kind(tree: Tree) -> str:
    if is_tensor(tree):
        return "a tensor"
    if isinstance(tree, dict):
        return "a dict"
    return "a tuple" if isinstance(tree, (tuple, list)) else "no tensor"


def _keys(tree: dict[Any, Any]) -> str:
    return f"the keys {', '.join(map(repr, tree))}" if tree else "no keys"


class Flat:
    """A function of a tree as one of a list of tensors, which remembers the shape of what it gave."""

    def __init__(self, function: Callable[..., Tree], rebuild: Callable[[list[Any]], tuple[Any, ...]]) -> None:
        self.function, self.inputs = function, rebuild
        self.outputs: Callable[[list[Any]], Tree] = lambda leaves: leaves

    def __call__(self, tensors: list[Tensor]) -> list[Tensor]:
        result = self.function(*self.inputs(tensors))
        if isinstance(result, (bool, int, float)):
            result = _core.asarray(result)
        leaves, self.outputs = flattened(result)
        return [_core.asarray(leaf) for leaf in leaves]
