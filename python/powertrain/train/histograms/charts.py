"""The charts of histograms: one of each kind, with a band for each layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.charts import heat_chart
from powertrain.train.histograms.bins import LOWEST
from powertrain.train.histograms.samples import KINDS

MOST_BANDS = 64  # of a chart: a ledger that a stranger made may name any number


def charts_of(found: Mapping[int, Mapping[str, NDArray[np.float32]]]) -> list[dict[str, Any]]:
    """The data of the charts, from shares by magnitude: by step, then by kind and layer."""
    kinds: dict[str, dict[str, list[tuple[int, NDArray[np.float32]]]]] = {kind: {} for kind in KINDS}
    for step in sorted(found):
        for name, shares in found[step].items():
            kind, _, layer = name.partition(" ")
            bands = kinds.get(kind, {})
            if layer in bands or len(bands) < MOST_BANDS:
                bands.setdefault(layer, []).append((step, shares))
    return [heat_chart(f"{kind}s", "step", bands, LOWEST) for kind, bands in kinds.items() if bands]
