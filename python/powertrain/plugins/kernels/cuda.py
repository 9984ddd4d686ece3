"""A kernel's code for GPUs: CUDA source, compiled by NVRTC where that is. The engine's own device is the CPU; what is
here is declared beside a kernel, checked and compiled, and run by `powertrain plugins check` where CuPy finds a GPU."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from powertrain.plugins.kernels.library import SourceError

NAMES = ("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so")


@dataclass(frozen=True)
class Cuda:
    """CUDA source and the name of its function, `extern "C" __global__`.

    The function's arguments are the inputs' memory, the outputs' memory (all row-major; elementwise, inputs of the
    output's shape), the number of elements of the first output as a long long, and each parameter as a double. It is
    started with one thread for each of those elements, in blocks of `threads`.
    """

    code: str
    function: str
    dtype: str = "float32"
    threads: int = 256

    @classmethod
    def of(cls, raw_kernel: Any, dtype: str = "float32", threads: int = 256) -> Cuda:
        """The source of a CuPy RawKernel."""
        return cls(str(raw_kernel.code), str(raw_kernel.name), dtype, threads)

    def run(
        self, cupy: Any, inputs: Sequence[Any], outputs: Sequence[tuple[Any, str]], params: Mapping[str, Any]
    ) -> list[Any]:
        """The outputs for some arrays, by CuPy on its current device."""
        read = [cupy.asarray(array) for array in inputs]
        made = [cupy.empty(shape, dtype) for shape, dtype in outputs]
        count = int(made[0].size)
        numbers = [cupy.float64(value) for value in params.values()]
        blocks = max(1, -(-count // self.threads))
        kernel = cupy.RawKernel(self.code, self.function)
        kernel((blocks,), (self.threads,), (*read, *made, cupy.int64(count), *numbers))
        return [cupy.asnumpy(array) for array in made]

    def check(self) -> None:
        """What can be said of the source without a compiler."""
        found = re.search(rf'extern\s+"C"[^;{{}}]*__global__[^;{{}}]*\b{re.escape(self.function)}\s*\(', self.code)
        if found is None:
            raise SourceError(
                "cuda-source",
                f'[cuda {self.function}] the source has no extern "C" __global__ void {self.function}(...); expected '
                "the function that it names; mend the name or the source",
            )

    def compile(self, architecture: str = "compute_80") -> bytes:
        """The PTX of the source; a SourceError with the compiler's words where it is wrong."""
        import ctypes

        self.check()
        library = nvrtc()
        if library is None:
            raise SourceError(
                "no-nvrtc",
                f"[cuda {self.function}] NVRTC is not here; expected libnvrtc, which compiles CUDA source; pip install "
                "nvidia-cuda-nvrtc-cu12",
            )
        program = ctypes.c_void_p()
        source, name = self.code.encode(), f"{self.function}.cu".encode()
        _expect(library.nvrtcCreateProgram(ctypes.byref(program), source, name, 0, None, None), self.function)
        try:
            options = (ctypes.c_char_p * 1)(f"--gpu-architecture={architecture}".encode())
            if library.nvrtcCompileProgram(program, 1, options):
                log = _text(library.nvrtcGetProgramLogSize, library.nvrtcGetProgramLog, program).decode().strip()
                raise SourceError(
                    "not-compiled",
                    f"[cuda {self.function}] NVRTC cannot compile it: {log.splitlines()[0] if log else 'no reason'}; "
                    "expected CUDA C++; mend the line",
                )
            return _text(library.nvrtcGetPTXSize, library.nvrtcGetPTX, program)
        finally:
            library.nvrtcDestroyProgram(ctypes.byref(program))


@functools.cache
def nvrtc() -> Any:
    """NVRTC where it is installed, by the system or by pip; else None."""
    import ctypes.util
    import importlib.util

    names = [*NAMES]
    for package in ("nvidia.cuda_nvrtc", "nvidia.cu13"):
        try:
            found = importlib.util.find_spec(package)
        except ImportError:
            continue
        for folder in (found.submodule_search_locations or ()) if found else ():
            names += sorted(str(path) for path in Path(folder, "lib").glob("libnvrtc.so*"))
    if system := ctypes.util.find_library("nvrtc"):
        names.append(system)
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _expect(code: int, function: str) -> None:
    if code:
        raise SourceError("cuda-source", f"[cuda {function}] NVRTC gave the error {code}; expected 0; update NVRTC")


def _text(size_of: Any, read: Any, program: Any) -> bytes:
    import ctypes

    size = ctypes.c_size_t()
    size_of(program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    read(program, buffer)
    return buffer.raw.rstrip(b"\0")
