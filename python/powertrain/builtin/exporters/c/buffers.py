"""Which values of a program share memory: an array is used again once nobody reads its value any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from powertrain.plugin.backends import Node


@dataclass
class Buffers:
    """Static arrays by dtype: how many elements each has, and which are free."""

    sizes: dict[str, int] = field(default_factory=dict)  # elements, by name
    dtypes: dict[str, str] = field(default_factory=dict)
    _free: list[str] = field(default_factory=list)

    def take(self, dtype: str, size: int) -> str:
        """The smallest free array that holds so many elements; else the largest free one, which grows, or a new one."""
        free = sorted((name for name in self._free if self.dtypes[name] == dtype), key=lambda name: self.sizes[name])
        name = next((name for name in free if self.sizes[name] >= size), free[-1] if free else "")
        if not name:
            name = f"b{len(self.sizes)}"
            self.sizes[name], self.dtypes[name] = 0, dtype
        else:
            self._free.remove(name)
        self.sizes[name] = max(self.sizes[name], size)
        return name

    def give_back(self, name: str) -> None:
        if name in self.sizes:
            self._free.append(name)


def last_reads(nodes: Sequence[Node], output: int, root: Mapping[int, int]) -> dict[int, int]:
    """For each value, by the value whose memory it has, the number of the last node that reads it."""
    last = {root[value]: at for at, node in enumerate(nodes) for value in node.inputs if value is not None}
    last[root[output]] = len(nodes)
    return last
