"""A kernel's code for GPUs: CUDA source, which the device's library compiles when a step is planned there, or a
RawKernel of CuPy. It becomes a launch of the step, as the engine's own kernels."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from powertrain.plugin.kernels.library import SourceError
from powertrain.plugin.kernels.nvrtc import arguments_of, includes, ptx

_WIDTHS = {"s64": "u64", "b64": "u64"}  # a pointer or a count, however it is declared


class RawKernel(Protocol):
    """What is read of a CuPy RawKernel."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kernel(self) -> Any:
        """The function that CuPy has compiled and loaded on its current device: `kernel.ptr` is a CUfunction."""


@dataclass(frozen=True)
class DeviceCode:
    """What the device's library is told of a kernel; read by `kernel_function` of the core."""

    function: str
    source: str
    handle: int
    options: list[str]
    threads: int
    parameters: list[float]


@dataclass(frozen=True)
class Cuda:
    """CUDA source and the name of its function, `extern "C" __global__`.

    The function's arguments are the inputs' memory, the outputs' memory, the number of elements of the first output as
    a long long, and each parameter as a double. All memory is row-major; elementwise inputs have the output's shape. It
    is started with one thread for each of those elements, in blocks of `threads`. `options` are the compiler's, such as
    "-DROWS=4"; headers of CUDA (cuda_fp16.h) are found where pip (nvidia-cuda-runtime-cu12) or CUDA_PATH has them.

    Example
        >>> double = pt.plugin.Cuda(
        ...     'extern "C" __global__ void twice(const float* x, float* y, long long count) {'
        ...     "  const long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;"
        ...     "  if (i < count) y[i] = 2 * x[i]; }",
        ...     "twice",
        ... )
        >>> double.check()
    """

    code: str
    function: str
    dtype: str = "float32"
    threads: int = 256
    options: tuple[str, ...] = ()
    loaded_by: RawKernel | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, raw_kernel: RawKernel, dtype: str = "float32", threads: int = 256) -> Cuda:
        """A CuPy RawKernel, which is declared without a GPU. On one, CuPy compiles it, with all of its settings."""
        options = tuple(str(one) for one in getattr(raw_kernel, "options", ()))
        return cls(str(raw_kernel.code), str(raw_kernel.name), dtype, threads, options, raw_kernel)

    def on(self, device: int, params: Mapping[str, float]) -> DeviceCode:
        """For a device of that number; it is compiled when the step is planned, by the device's library or by CuPy."""
        self.check()
        numbers = [float(value) for value in params.values()]
        return DeviceCode(
            self.function, self.code, self._handle(device), [*includes(), *self.options], self.threads, numbers
        )

    def _handle(self, device: int) -> int:
        """Of CuPy's function, where it has one."""
        if self.loaded_by is None:
            return 0
        cupy = sys.modules.get("cupy")
        try:
            with contextlib.nullcontext() if cupy is None else cupy.cuda.Device(device):
                return int(self.loaded_by.kernel.ptr)
        except Exception as error:
            raise SourceError(
                "not-compiled",
                f"[cuda {self.function}] CuPy does not load its RawKernel on cuda:{device}: "
                f"{type(error).__name__}: {error}; expected it to be compiled; fix what it names, or pass Cuda(source, "
                "name), which powertrain compiles",
            ) from error

    def check(self) -> None:
        """What can be said of the source without a compiler."""
        found = re.search(rf'extern\s+"C"[^;{{}}]*__global__[^;{{}}]*\b{re.escape(self.function)}\s*\(', self.code)
        if found is None:
            raise SourceError(
                "cuda-source",
                f'[cuda {self.function}] the source has no extern "C" __global__ void {self.function}(...); expected '
                "the function that it names; fix the name or the source",
            )

    def compile(self, architecture: str = "compute_80") -> bytes:
        """The PTX of the source; a SourceError with the compiler's words where it is wrong, or NVRTC is not here."""
        self.check()
        return ptx(self.code, self.function, architecture, self.options)

    def check_arguments(self, code: bytes, arrays: int, params: int) -> None:
        """That the function of some PTX takes what it will be given: a wrong type would be read as another number."""
        taken = arguments_of(code, self.function)
        if taken is None:
            raise SourceError(
                "cuda-source",
                f'[cuda {self.function}] compiled, it has no function of that name; expected extern "C" __global__ '
                f"void {self.function}(...); declare it outside of namespaces and of what #if leaves out",
            )
        given = ["u64"] * arrays + ["u64"] + ["f64"] * params
        if [_WIDTHS.get(one, one) for one in taken] != given:
            raise SourceError(
                "cuda-arguments",
                f"[cuda {self.function}] it takes {len(taken)} arguments ({', '.join(taken)} in PTX); expected "
                f"{len(given)} ({', '.join(given)}): {arrays} pointers, inputs and then outputs, the number of "
                f"elements as a long long, {params} parameters as double; change its declaration",
            )
