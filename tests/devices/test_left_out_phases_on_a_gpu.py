"""Phases that a guard leaves out on a GPU: what is read after them is what the slots hold, as random programs show."""

from __future__ import annotations

from typing import Any

import pytest

from phased_programs import examine
from simulated_gpu import simulated_gpus

GPU = simulated_gpus()[0]


@pytest.mark.parametrize("route", [{}, {"simplify": False, "fuse": False}], ids=["engine", "plain"])
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_random_program_means_what_it_says(seed: int, route: dict[str, Any]) -> None:
    examine(seed, GPU, **route)
