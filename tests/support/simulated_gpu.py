"""Simulated GPUs: the library that `make cuda-sim` lays into build/cuda, with the simulator in place of the driver."""

import os
from pathlib import Path

import pytest

from powertrain import _core

BUILT = Path(__file__).parents[2] / "build" / "cuda" / "powertrain_cuda" / "libpowertrain_cuda.so"


def simulated_gpus(count: int = 2) -> list[str]:
    """Their names, as 'cuda:0'. Skips where the library is not built."""
    library = Path(os.environ.get("POWERTRAIN_CUDA_LIBRARY", BUILT))
    if not library.exists():
        pytest.skip("build/cuda is not there: make cuda-sim", allow_module_level=True)
    os.environ.setdefault("POWERTRAIN_CUDA_DRIVER", "sim")
    os.environ.setdefault("POWERTRAIN_SIM", f"devices={count},memory=256M")
    return [_core.load_device(str(library), ordinal) for ordinal in range(count)]
