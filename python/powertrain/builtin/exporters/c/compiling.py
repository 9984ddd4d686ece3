"""Running a header: compiled by the C compiler of the system, and called through ctypes."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.builtin.exporters.c.writing import TYPES
from powertrain.plugin.backends import Value
from powertrain.plugin.exporter import ExportError

FLAGS = ("-std=c99", "-Wall", "-Werror", "-O2", "-ffp-contract=off", "-shared", "-fPIC")
SECONDS = 300
DRIVER = """\
#define {upper}_IMPLEMENTATION
#include "model.h"

void run(const {x} *x, {y} *y, long rows) {{
    for (long row = 0; row < rows; row++)
        {name}_predict(x + row * {upper}_INPUTS, y + row * {upper}_OUTPUTS);
}}
"""


def compiler() -> str | None:
    """The C compiler that $CC names, or that the system has."""
    return shutil.which(os.environ.get("CC") or "cc") or shutil.which("gcc") or shutil.which("clang")


def compiled(path: Path, name: str, x: Value, y: Value) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """The `predict` of a header as a function of batches; the compiler may say nothing against it."""
    found = compiler()
    assert found is not None
    with tempfile.TemporaryDirectory() as folder:
        driver, library = Path(folder) / "driver.c", Path(folder) / "model.so"
        shutil.copyfile(path, Path(folder) / "model.h")
        text = DRIVER.format(upper=name.upper(), name=name, x=TYPES[x.dtype], y=TYPES[y.dtype])
        driver.write_text(text, encoding="ascii")
        command = [found, *FLAGS, "-o", str(library), str(driver), "-lm"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        if done.returncode:
            said = next((line for line in done.stderr.splitlines() if "error:" in line), "nothing")
            raise ExportError(
                f"[export c] {found} refuses what was written: {said}; expected C99 without a warning; it was "
                "removed; please report this"
            )
        run = ctypes.CDLL(str(library)).run  # the library stays open when its file is gone
    run.restype, run.argtypes = None, [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_long]

    def answers(rows: NDArray[Any]) -> NDArray[Any]:
        given = np.ascontiguousarray(rows, dtype=x.dtype)
        made = np.empty((len(given), *y.shape[1:]), dtype=y.dtype)
        run(given.ctypes.data, made.ctypes.data, len(given))
        return made

    return answers
