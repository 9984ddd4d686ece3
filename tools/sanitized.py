"""Builds the engine with a sanitizer, as Python loads it, and runs a script on it.

    python tools/sanitized.py thread tests/stress/stress.py --seconds 600 --no-forks

The interpreter is not built with the sanitizer, so its runtime library is loaded first. Exit code: the script's, or 66
when the thread sanitizer found a race, 1 when the address sanitizer found a fault.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SUPPRESSIONS = ROOT / "tests/stress/tsan.supp"
RUNTIMES = {"thread": ["libtsan.so"], "address": ["libasan.so", "libubsan.so"]}
# Leaks are the interpreter's own: it frees nothing at its end. The address sanitizer's fork is the system's.
OPTIONS = {
    "thread": {"TSAN_OPTIONS": f"suppressions={SUPPRESSIONS}:exitcode=66:history_size=4"},
    "address": {"ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1", "UBSAN_OPTIONS": "halt_on_error=1"},
}


def build(sanitizer: str) -> Path:
    """The folder from which `powertrain` is imported."""
    import pybind11

    folder = ROOT / f"build/python-{sanitizer}"
    flags = "address,undefined" if sanitizer == "address" else sanitizer
    # The generic kernels alone would be faster to build, and see fewer of the accesses that users make.
    isas = "avx2" if platform.machine() in ("x86_64", "AMD64") else ""
    configure = [
        "cmake", "-S", str(ROOT), "-B", str(folder), "-G", "Ninja", "-DSKBUILD=ON", "-DSKBUILD_PROJECT_VERSION=0",
        f"-Dpybind11_DIR={pybind11.get_cmake_dir()}", f"-DPython_EXECUTABLE={sys.executable}",
        f"-DPOWERTRAIN_SANITIZE={flags}", f"-DPOWERTRAIN_ISAS={isas}",
    ]  # fmt: skip
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", str(folder), "--target", "_core"], check=True)
    package = folder / "site/powertrain"
    shutil.rmtree(package, ignore_errors=True)
    shutil.copytree(ROOT / "python/powertrain", package)
    for module in folder.glob("_core*.so"):
        shutil.copy2(module, package)
    return package.parent


def runtime(library: str) -> str:
    compiler = os.environ.get("CXX", "g++")
    found = subprocess.run([compiler, f"-print-file-name={library}"], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def main() -> int:
    if len(sys.argv) < 3 or sys.argv[1] not in RUNTIMES:
        print(__doc__, file=sys.stderr)
        return 2
    sanitizer, *script = sys.argv[1:]
    site = build(sanitizer)
    environment = {
        **os.environ,
        **OPTIONS[sanitizer],
        "PYTHONPATH": str(site),
        "LD_PRELOAD": " ".join(runtime(library) for library in RUNTIMES[sanitizer]),
    }
    # The thread sanitizer wants addresses where it expects them.
    plain = ["setarch", "-R"] if sanitizer == "thread" and shutil.which("setarch") else []
    return subprocess.run([*plain, sys.executable, *script], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
