"""The values of tables within tables, such as those of a recipe, each by the keys that lead to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def leaves(tables: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values of tables within tables, each with the keys that lead to it."""
    for key, value in tables.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def flat(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The values of tables within tables, by keys such as optimizer.lr."""
    return {".".join(map(str, path)): value for path, value in leaves(tables)}
