"""Compiles C and C++ sources to shared libraries, with the compilers of the system."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import powertrain as pt

COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
CPP_COMPILER = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="no C compiler")


def build(source: str, library: Path, *flags: str) -> Path:
    assert COMPILER is not None
    path = library.with_suffix(".c")
    path.write_text(source, encoding="utf-8")
    command = [COMPILER, "-std=c11", "-O2", "-shared", "-fPIC", "-ffp-contract=off", f"-I{pt.get_include()}"]
    subprocess.run([*command, *flags, "-o", str(library), str(path), "-lm"], check=True, timeout=60)
    return library


def build_cpp(source: str, library: Path) -> Path:
    assert CPP_COMPILER is not None
    path = library.with_suffix(".cpp")
    path.write_text(source, encoding="utf-8")
    command = [CPP_COMPILER, "-std=c++17", "-O2", "-shared", "-fPIC", "-ffp-contract=off", f"-I{pt.get_include()}"]
    subprocess.run([*command, "-o", str(library), str(path)], check=True, timeout=60)
    return library
