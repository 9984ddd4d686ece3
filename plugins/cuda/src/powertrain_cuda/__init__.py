"""NVIDIA GPUs for powertrain: says where the device's library is, and to the library where NVRTC and cuBLASLt are."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

# What the library opens, by the variable that names it: in the wheels of CUDA 13 and of CUDA 12.
_OPENED = {
    "POWERTRAIN_CUDA_NVRTC": (("nvidia.cu13", "nvidia.cuda_nvrtc"), "libnvrtc.so.*"),
    "POWERTRAIN_CUBLASLT": (("nvidia.cu13", "nvidia.cublas"), "libcublasLt.so.1[23]"),
}


def library() -> str:
    """Return the path of the shared library of the device.

    Before that, name the NVRTC and cuBLASLt of NVIDIA's wheels to it, unless the variables POWERTRAIN_CUDA_NVRTC and
    POWERTRAIN_CUBLASLT name others.
    """
    for variable, (wheels, files) in _OPENED.items():
        found = _in_wheels(wheels, files)
        if found:
            os.environ.setdefault(variable, found)
    return str(Path(__file__).with_name("libpowertrain_cuda.so"))


def _in_wheels(wheels: tuple[str, ...], files: str) -> str | None:
    if os.environ.get("POWERTRAIN_CUDA_DRIVER") == "sim":
        return None  # whose own are asked for by their name, sim
    for wheel in wheels:
        try:
            spec = importlib.util.find_spec(wheel)
        except ImportError:  # there is no `nvidia` at all
            continue
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for file in sorted(Path(folder, "lib").glob(files)):
                return str(file)
    return None
