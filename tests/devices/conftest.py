"""The tests here run on the simulated GPU; with another driver (POWERTRAIN_CUDA_DRIVER) those that make sense on a card
are the ones of `pytest -m gpu`. What reads the simulator's counters or needs its late work is marked `simulated`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SIMULATED = os.environ.get("POWERTRAIN_CUDA_DRIVER", "sim") == "sim"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SIMULATED:
        return
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.gpu)
            if item.get_closest_marker("simulated"):
                item.add_marker(pytest.mark.skip(reason="needs the simulated GPU"))
