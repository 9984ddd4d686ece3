"""A kernel's code for GPUs: CUDA source, compiled by NVRTC where that is. The engine's own device is the CPU; what is
here is declared beside a kernel, checked and compiled, and run by `powertrain plugins check` where CuPy finds a GPU."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from powertrain.plugin.kernels.library import SourceError
from powertrain.plugin.kernels.nvrtc import arguments_of, ptx

if TYPE_CHECKING:
    from types import ModuleType

    from powertrain.typing import Array

_WIDTHS = {"s64": "u64", "b64": "u64"}  # a pointer or a count, however it is declared


class RawKernel(Protocol):
    """What is read of a CuPy RawKernel."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Cuda:
    """CUDA source and the name of its function, `extern "C" __global__`.

    The function's arguments are the inputs' memory, the outputs' memory (all row-major; elementwise, inputs of the
    output's shape), the number of elements of the first output as a long long, and each parameter as a double. It is
    started with one thread for each of those elements, in blocks of `threads`. `options` are the compiler's, such as
    "-DROWS=4"; headers of CUDA (cuda_fp16.h) are found where pip (nvidia-cuda-runtime-cu12) or CUDA_PATH has them.
    """

    code: str
    function: str
    dtype: str = "float32"
    threads: int = 256
    options: tuple[str, ...] = ()

    @classmethod
    def of(cls, raw_kernel: RawKernel, dtype: str = "float32", threads: int = 256) -> Cuda:
        """The source of a CuPy RawKernel, with its options; it needs no GPU."""
        options = tuple(str(one) for one in getattr(raw_kernel, "options", ()))
        return cls(str(raw_kernel.code), str(raw_kernel.name), dtype, threads, options)

    def run(
        self,
        cupy: ModuleType,
        inputs: Sequence[Array],
        outputs: Sequence[tuple[tuple[int, ...], str]],
        params: Mapping[str, float],
    ) -> list[Array]:
        """The outputs for some arrays, by CuPy on its current device."""
        read = [cupy.asarray(array) for array in inputs]
        made = [cupy.empty(shape, dtype) for shape, dtype in outputs]
        count = int(made[0].size)
        numbers = [cupy.float64(value) for value in params.values()]
        blocks = max(1, -(-count // self.threads))
        kernel = cupy.RawKernel(self.code, self.function, self.options)
        kernel((blocks,), (self.threads,), (*read, *made, cupy.int64(count), *numbers))
        return [cupy.asnumpy(array) for array in made]

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
