"""NVIDIA GPUs for powertrain: says where the device's library is, and to the library where NVRTC is."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

_WHEELS = ("nvidia.cu13", "nvidia.cuda_nvrtc")  # of CUDA 13, and of CUDA 12


def library() -> str:
    """Return the path of the shared library of the device.

    Before that, name the NVRTC of NVIDIA's wheels to it, unless the variable POWERTRAIN_CUDA_NVRTC names another one.
    """
    found = _nvrtc()
    if found:
        os.environ.setdefault("POWERTRAIN_CUDA_NVRTC", found)
    return str(Path(__file__).with_name("libpowertrain_cuda.so"))


def _nvrtc() -> str | None:
    if os.environ.get("POWERTRAIN_CUDA_DRIVER") == "sim":
        return None  # whose compiler is asked for by its name, sim
    for wheel in _WHEELS:
        try:
            spec = importlib.util.find_spec(wheel)
        except ImportError:  # there is no `nvidia` at all
            continue
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(Path(folder, "lib").glob("libnvrtc.so.*")):
                return str(file)
    return None
