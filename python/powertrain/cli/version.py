"""`powertrain --version`: what a bug report needs."""

from __future__ import annotations

import platform

import numpy as np

import powertrain as pt
from powertrain import _core


def version() -> str:
    """Return one line: the engine's version, its kernels and threads, Python, NumPy and the system."""
    return (
        f"powertrain {pt.__version__} ({_core.isa()} kernels, {pt.get_threads()} threads), "
        f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.platform()}"
    )
