"""NVRTC, NVIDIA's compiler of CUDA source as a library: found where the system or pip put it, called without a GPU."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from powertrain.plugin.kernels.library import SourceError

NAMES = ("libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2", "libnvrtc.so")
PACKAGES = ("nvidia.cuda_nvrtc", "nvidia.cu13")  # where pip puts the library, of CUDA 12 and of CUDA 13
HEADERS = ("nvidia.cuda_runtime", "nvidia.cu13")  # and what a source includes, such as cuda_fp16.h
HOW = "pip install nvidia-cuda-nvrtc-cu12"
WRONG_SOURCE = 6  # NVRTC_ERROR_COMPILATION: any other code tells of options or of NVRTC itself
MOST_LINES = 30  # of the compiler's words


@functools.cache
def nvrtc() -> Any:
    """The library where it is installed, by pip or by the system; else None."""
    import ctypes.util

    found: list[str] = []
    for folder in _folders(PACKAGES, "lib"):
        found += [str(path) for path in sorted(folder.glob("libnvrtc.so*"))]
        for part in sorted(folder.glob("libnvrtc-builtins.so*")):
            # NVRTC opens it by its bare name, which the loader does not look for there; one that is loaded it finds.
            _load(str(part), ctypes.RTLD_GLOBAL)
    for name in (*found, *NAMES, ctypes.util.find_library("nvrtc")):
        if name and (library := _load(name)) is not None:
            return library
    return None


def ptx(source: str, function: str, architecture: str, options: Sequence[str]) -> bytes:
    """The PTX of a CUDA source; a SourceError with the compiler's words where it is wrong."""
    import ctypes

    library = nvrtc()
    if library is None:
        raise SourceError(
            "no-nvrtc",
            f"[cuda {function}] NVRTC is not here; expected libnvrtc, which compiles CUDA source; {HOW}",
        )
    program = ctypes.c_void_p()
    made = library.nvrtcCreateProgram(
        ctypes.byref(program), source.encode(), f"{function}.cu".encode(), 0, None, None
    )  # fmt: skip
    if made:
        raise _unable(function, f"gave the error {made}", options)
    try:
        words = [f"--gpu-architecture={architecture}", *includes(), *options]
        given = (ctypes.c_char_p * len(words))(*(word.encode() for word in words))
        code = library.nvrtcCompileProgram(program, len(words), given)
        if code:
            log = _text(library.nvrtcGetProgramLogSize, library.nvrtcGetProgramLog, program).decode().strip()
            raise _wrong(function, log) if code == WRONG_SOURCE else _unable(function, log or f"error {code}", options)
        return _text(library.nvrtcGetPTXSize, library.nvrtcGetPTX, program)
    finally:
        library.nvrtcDestroyProgram(ctypes.byref(program))


def arguments_of(code: bytes, function: str) -> list[str] | None:
    """The types of the arguments of a function of some PTX, as `u64` or `f64`; None where it has no such function."""
    found = re.search(rf"\.visible\s+\.entry\s+{re.escape(function)}\s*\((.*?)\)", code.decode(), re.DOTALL)
    if found is None:
        return None
    return [
        next(word for word in re.findall(r"\.(\w+)", one) if word[-1].isdigit())
        for one in re.findall(r"\.param\b(.*)", found[1])
    ]


def includes() -> list[str]:
    """The options that name the folders of CUDA's own headers."""
    roots = [os.environ.get(name) for name in ("CUDA_PATH", "CUDA_HOME")]
    folders = [*_folders(HEADERS, "include"), *(Path(root, "include") for root in (*roots, "/usr/local/cuda") if root)]
    return [f"--include-path={folder}" for folder in dict.fromkeys(folders) if (folder / "cuda_fp16.h").is_file()]


def _folders(packages: Sequence[str], below: str) -> list[Path]:
    import importlib.util

    folders = []
    for package in packages:
        try:
            spec = importlib.util.find_spec(package)
        except ImportError:
            continue
        folders += [Path(root, below) for root in (spec.submodule_search_locations or ())] if spec else []
    return folders


def _load(name: str, mode: int = 0) -> Any:
    import ctypes

    try:
        return ctypes.CDLL(name, mode=mode)
    except OSError:
        return None


def _wrong(function: str, log: str) -> SourceError:
    lines = log.splitlines()
    errors = [line for line in lines if "error" in line and "detected in the compilation" not in line]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    all_of_it = "".join(f"\n    {line}" for line in lines[:MOST_LINES])
    return SourceError(
        "not-compiled",
        f"[cuda {function}] NVRTC cannot compile it: {(errors or lines or ['no reason'])[0]}{more}; "
        f"expected CUDA C++; fix what the compiler names:{all_of_it}",
    )


def _unable(function: str, why: str, options: Sequence[str]) -> SourceError:
    """Nothing is known of the source: an option is wrong, or the installation."""
    said = " ".join(why.split())
    return SourceError(
        "cuda-options" if options else "no-nvrtc",
        f"[cuda {function}] NVRTC does not compile at all: {said}; expected PTX; "
        + (f"fix the options {' '.join(options)}, or " if options else "")
        + f"install NVRTC again: {HOW}",
    )


def _text(size_of: Any, read: Any, program: Any) -> bytes:
    import ctypes

    size = ctypes.c_size_t()
    size_of(program, ctypes.byref(size))
    buffer = ctypes.create_string_buffer(size.value)
    read(program, buffer)
    return buffer.raw.rstrip(b"\0")
