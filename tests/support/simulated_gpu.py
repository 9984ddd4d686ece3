"""The GPUs of the tests: simulated ones, by the library that `make cuda-sim` lays into build/cuda; or those of a
machine with a card, where POWERTRAIN_CUDA_DRIVER names its driver and POWERTRAIN_CUDA_LIBRARY the library."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from powertrain import _core
from running import SECONDS, environment

BUILT = Path(__file__).parents[2] / "build" / "cuda" / "powertrain_cuda" / "libpowertrain_cuda.so"
SETTINGS = {"POWERTRAIN_CUDA_DRIVER": "sim"}
ORDERS = "devices={},memory=256M"
COUNTED = {
    "launches": "simLaunches",
    "graphs": "simGraphLaunches",
    "waits": "simSynchronisations",
    "questions": "simQueries",
    "allocations": "simAllocations",
    "frees": "simFrees",
    "pinned": "simPinnedAllocations",
    "copies in": "simCopiesIn",
    "bytes in": "simBytesIn",
    "copies out": "simCopiesOut",
    "bytes out": "simBytesOut",
    "copies within": "simCopiesWithin",
    "fills": "simFills",
    "mistakes": "simMisuses",
}


def built() -> Path:
    """The library. Skips where it is not there."""
    library = Path(os.environ.get("POWERTRAIN_CUDA_LIBRARY", BUILT))
    if not library.exists():
        pytest.skip("build/cuda is not there: make cuda-sim", allow_module_level=True)
    return library


def driver_library() -> str:
    """The path of the driver that the library uses: the simulated one beside it, or that of the system."""
    named = os.environ.get("POWERTRAIN_CUDA_DRIVER", "sim")
    return str(built().with_name("libpowertrain_cuda_sim.so")) if named == "sim" else named


def simulated_gpus(at_least: int = 1) -> list[str]:
    """Their names, as 'cuda:0': two simulated ones. Skips where the library is not built, or a machine has fewer."""
    library = built()
    for name, value in {**SETTINGS, "POWERTRAIN_SIM": ORDERS.format(2)}.items():
        os.environ.setdefault(name, value)
    there, why = _core.device_count(str(library))
    if there < at_least:
        pytest.skip(why or f"there are {there} GPUs, and {at_least} are needed", allow_module_level=True)
    return [_core.load_device(str(library), ordinal) for ordinal in range(min(there, 2))]


def compiles() -> bool:
    """Whether sources of plugins can be compiled in this process: on a simulated GPU, where its compiler was named
    before the device was opened."""
    simulated = os.environ.get("POWERTRAIN_CUDA_DRIVER", "sim") == "sim"
    return not simulated or os.environ.get("POWERTRAIN_CUDA_NVRTC") == "sim"


def simulator_compiles() -> bool:
    """Whether the simulator was built with nvrtc.h, and so has a compiler for sources."""
    return hasattr(_simulator(), "nvrtcCreateProgram")


@cache
def _simulator() -> ctypes.CDLL:
    """The one that this process uses already."""
    simulator = ctypes.CDLL(str(built().with_name("libpowertrain_cuda_sim.so")))
    for name in COUNTED.values():
        getattr(simulator, name).restype = ctypes.c_uint64
    return simulator


def counts() -> dict[str, int]:
    """What the driver was asked for so far, by the names of COUNTED; what never was is left out."""
    asked = {name: int(getattr(_simulator(), function)()) for name, function in COUNTED.items()}
    return {name: count for name, count in asked.items() if count}


def counts_since(before: dict[str, int]) -> dict[str, int]:
    """What was asked for since then."""
    return {name: count - before.get(name, 0) for name, count in counts().items() if count > before.get(name, 0)}


def gpu_environment(orders: str = ORDERS.format(1), **more: str) -> dict[str, str]:
    """Variables of a process that finds the laid out package, and a simulated machine as ordered."""
    paths = (built().parents[1], Path(__file__).parent)
    return environment(paths, **{**SETTINGS, "POWERTRAIN_SIM": orders, **more})


def on_a_gpu(program: str, orders: str = ORDERS.format(1), **more: str) -> subprocess.CompletedProcess[str]:
    """A Python program in a process of its own with a simulated GPU; what is in `more` is set there."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env=gpu_environment(orders, **more),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def answer_of(program: str, orders: str = ORDERS.format(1), **more: str) -> Any:
    """What such a program prints as JSON."""
    done = on_a_gpu(program, orders, **more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
