"""Kernel plugins: one object that holds all of a kernel's facts, and where its code comes from."""

from powertrain.plugin.kernels.cuda import Cuda
from powertrain.plugin.kernels.jitted import Numba
from powertrain.plugin.kernels.kernel import Case, Kernel
from powertrain.plugin.kernels.library import CLibrary

__all__ = ["CLibrary", "Case", "Cuda", "Kernel", "Numba"]
