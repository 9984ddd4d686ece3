"""What went wrong while a run trained, as a page of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from powertrain.plugin.section import Section

MOST_SHOWN = 50


def pages(history: Sequence[Mapping[str, Any]]) -> list[Section]:
    """A table of the anomalies in the history of a run; nothing where there were none."""
    found = [event for event in history if event["event"] == "anomaly"]
    if not found:
        return []
    rows = [(f"{one['at']:,}", one["kind"], one["what"], one["done"]) for one in found[:MOST_SHOWN]]
    left = len(found) - len(rows)
    lines = (f"{left:,} more are in ledger.jsonl.",) if left else ()
    return [Section("Anomalies", lines, (("step", "kind", "what was seen", "what was done"), *rows))]
