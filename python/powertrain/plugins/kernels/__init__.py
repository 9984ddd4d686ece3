"""Kernel plugins: one object that holds all of a kernel's facts, and where its code comes from."""

from powertrain.plugins.kernels.cuda import Cuda
from powertrain.plugins.kernels.jitted import Numba
from powertrain.plugins.kernels.kernel import Case, Kernel
from powertrain.plugins.kernels.library import CLibrary

__all__ = ["CLibrary", "Case", "Cuda", "Kernel", "Numba"]
