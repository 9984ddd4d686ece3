"""Watches a loader that makes several batches at once."""

from __future__ import annotations

from typing import Any

import pytest

from powertrain.data import DataLoader


def counted_blocks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many batches are made at once, each time from here on."""
    sizes: list[int] = []
    inner = DataLoader._make_many

    def counted(self: DataLoader, picks: Any) -> Any:
        sizes.append(len(picks))
        return inner(self, picks)

    monkeypatch.setattr(DataLoader, "_make_many", counted)
    return sizes
