"""Kernels in a shared library, through the C ABI of `powertrain.h`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import TYPE_CHECKING

from powertrain import _core

if TYPE_CHECKING:
    from powertrain.plugin.kernels.kernel import Kernel, Typed

SUFFIXES = (*EXTENSION_SUFFIXES, ".so", ".dylib")
VERSION = "powertrain_abi_version"


class SourceError(_core.KernelError):
    """A kernel whose code cannot be had; `code` is the short name of the reason, for `powertrain plugins check`."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class CLibrary:
    """Functions of a shared library, one for each dtype: `CLibrary(path, float32="f", float64="g")`.

    A path without a suffix finds what a build made beside it: `Path(__file__).with_name("_kernel")` finds
    `_kernel.cpython-311-x86_64-linux-gnu.so`. The library is loaded when the kernel is first planned, and stays loaded.

    Example
        >>> source = pt.plugin.CLibrary(Path("kernels").with_name("_kernel"), float32="scale_f32", float64="scale_f64")
        >>> source.dtypes
        ('float32', 'float64')
    """

    def __init__(self, path: str | Path, **functions: str) -> None:
        self.path, self.functions = Path(path), functions

    @property
    def dtypes(self) -> tuple[str, ...]:
        return tuple(self.functions)

    def address(self, kernel: Kernel[object], operands: Sequence[Typed]) -> int:
        dtype = kernel.dtype_of(operands)
        handle = load(self.found())
        address = _core.library_symbol(handle, self.functions[dtype])
        if not address:
            raise SourceError(
                "missing-symbol",
                f"[kernel {kernel.name}] {self.found().name} has no function {self.functions[dtype]}, which it names "
                f"for {dtype}; expected one declared with PT_EXPORT; add it or fix the name",
            )
        return address

    def found(self) -> Path:
        """The file, with its suffix."""
        beside = [self.path.with_name(self.path.name + suffix) for suffix in SUFFIXES]
        for path in (self.path, *beside):
            if path.is_file():
                return path
        raise SourceError(
            "no-library",
            f"[library {self.path}] there is no such file, nor one with {', '.join(SUFFIXES)}; expected a shared "
            "library; build it (pip install does)",
        )


@functools.cache
def load(path: Path) -> int:
    """A handle of a library whose version of the ABI this engine knows."""
    handle = int(_core.load_library(str(path.absolute())))
    address = _core.library_symbol(handle, VERSION)
    if not address:
        raise SourceError(
            "abi-version",
            f"[library {path.name}] it does not say its version of the ABI; expected POWERTRAIN_PLUGIN in one of its "
            "files; add it and build again",
        )
    version = _core.call_version(address)
    if not 1 <= version <= _core.ABI_VERSION:
        raise SourceError(
            "abi-version",
            f"[library {path.name}] it was built for version {version} of the ABI; expected 1 to {_core.ABI_VERSION}; "
            "build it again with the powertrain.h of this engine, or update the engine",
        )
    return handle
