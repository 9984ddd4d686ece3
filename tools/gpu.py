"""What `make gpu` does on a machine with a card: `gpu.py FOLDER` builds powertrain-cuda for that card, runs the tests
that make sense on one, measures, and writes FOLDER/report.md and FOLDER/report.json. It ends with a message where there
is no card, and within ten minutes where there is one.

Runs with the Python into which powertrain and the tests' libraries are installed. POWERTRAIN_CUDA_DRIVER names another
driver than libcuda.so.1.
"""

from __future__ import annotations

import argparse
import ctypes
import datetime
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
SECONDS = 600  # of all
BUILD_SECONDS, TEST_SECONDS = 270, 210  # at most; what is left is for measuring
LEAST = 80  # compute capability
MAJOR, MINOR = 75, 76  # CUdevice_attribute
NVCC_PLACES = ("nvcc", "/usr/local/cuda/bin/nvcc")


class GpuError(Exception):
    """Why it ends: `[gpu] what was found; what was expected; how to fix it`."""


@dataclass(frozen=True)
class Card:
    name: str
    capability: int  # 90 is 9.0
    gigabytes: float
    driver: str  # the version of CUDA that it is for


@dataclass
class Report:
    """What goes into both files."""

    card: Card
    date: str
    tests: dict[str, Any] = field(default_factory=dict)
    measured: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    def table(self) -> str:
        card = self.card
        rows = [f"| {row['what']} | {row['size']} | {row['value']:.4g} {row['unit']} |" for row in self.measured]
        spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items())
        return "\n".join([
            f"# {card.name}", "",
            f"{self.date}, compute capability {card.capability / 10}, {card.gigabytes:.0f} GB, a driver for CUDA "
            f"{card.driver}. Tests: {self.tests.get('words', 'none')}. Spent: {spent}.", "",
            "| measured | size | median |", "| --- | --- | --- |", *rows, "",
        ])  # fmt: skip


def card_of(driver: str) -> Card:
    """The first card that a driver sees."""
    simulator = "without a card the simulator runs the tests: make cuda-sim"
    try:
        cuda = ctypes.CDLL(driver)
    except OSError as error:
        raise GpuError(
            f"[gpu] {driver} could not be opened ({error}); expected a machine with an NVIDIA card and its driver; "
            f"install the driver, or {simulator}"
        ) from None
    count, device, version = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
    if cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count)) or count.value == 0:
        raise GpuError(
            f"[gpu] {driver} finds no card; expected one; look at what nvidia-smi prints and at CUDA_VISIBLE_DEVICES; "
            + simulator
        )
    name, memory = ctypes.create_string_buffer(256), ctypes.c_size_t()
    major, minor = ctypes.c_int(), ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(version))
    cuda.cuDeviceGet(ctypes.byref(device), 0)
    cuda.cuDeviceGetName(name, 256, device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(memory), device)
    cuda.cuDeviceGetAttribute(ctypes.byref(major), MAJOR, device)
    cuda.cuDeviceGetAttribute(ctypes.byref(minor), MINOR, device)
    found = Card(
        name.value.decode(), 10 * major.value + minor.value, memory.value / 1e9,
        f"{version.value // 1000}.{version.value % 1000 // 10}",
    )  # fmt: skip
    if found.capability < LEAST:
        raise GpuError(
            f"[gpu] {found.name} has compute capability {found.capability / 10}; expected {LEAST / 10} or more (A100, "
            "RTX 30 and later); use another card"
        )
    return found


def build(card: Card, folder: Path, deadline: float) -> Path:
    """The library for this card alone, where an import finds it with the folder on its path."""
    if not any(shutil.which(place) for place in NVCC_PLACES):
        raise GpuError(
            "[gpu] there is no nvcc; expected the CUDA toolkit, 12.0 or later, to compile kernels; install it, or put "
            "its bin on PATH"
        )
    site = folder / "site"
    shutil.rmtree(site, ignore_errors=True)
    words = [
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(site),
        "-C", f"build-dir={folder / 'build'}", "-C", f"cmake.define.POWERTRAIN_CUDA_ARCHITECTURES={card.capability}",
        str(ROOT / "plugins" / "cuda"),
    ]  # fmt: skip
    if run(words, deadline).returncode:
        raise GpuError("[gpu] powertrain-cuda was not built; expected nvcc to compile it; see what is above")
    return site


def environment(site: Path, driver: str) -> dict[str, str]:
    """For Python with the device: its library, and no simulator."""
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    library = site / "powertrain_cuda" / "libpowertrain_cuda.so"
    return {
        **os.environ, "PYTHONPATH": os.pathsep.join(paths), "POWERTRAIN_CUDA_DRIVER": driver,
        "POWERTRAIN_CUDA_LIBRARY": str(library),
    }  # fmt: skip


def run(words: list[str], deadline: float, **settings: Any) -> subprocess.CompletedProcess[str]:
    """A program, ended when its time is over."""
    try:
        return subprocess.run(words, timeout=max(deadline - time.monotonic(), 1), check=False, text=True, **settings)
    except subprocess.TimeoutExpired:
        print(f"[gpu] {words[0]} was ended, since its time was over", file=sys.stderr)
        return subprocess.CompletedProcess(words, 124, "", "")


def test(folder: Path, surroundings: dict[str, str], deadline: float, more: list[str]) -> dict[str, Any]:
    """pytest -m gpu, and its counts."""
    log = folder / "tests.xml"
    log.unlink(missing_ok=True)
    words = [sys.executable, "-m", "pytest", "-q", "-m", "gpu and not long", "--tb=short", f"--junitxml={log}", *more]
    code = run(words, deadline, cwd=ROOT, env=surroundings).returncode
    return {"code": code, **counts_of(log)}


def counts_of(log: Path) -> dict[str, Any]:
    """Of a file of pytest's; it is not there where the time was over."""
    from xml.etree import ElementTree

    if not log.is_file():
        return {"words": "ended before they were done"}
    suite = ElementTree.parse(log).getroot()
    suite = suite if suite.tag == "testsuite" else suite[0]
    ran, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    words = f"{ran - skipped - failed} passed, {failed} failed, {skipped} skipped"
    return {"passed": ran - skipped - failed, "failed": failed, "skipped": skipped, "words": words}


def measure(surroundings: dict[str, str], deadline: float, small: bool) -> list[dict[str, Any]]:
    """All numbers; where cuBLASLt computes products, those of our own kernels too."""
    words = [sys.executable, str(ROOT / "tools" / "gpu_measure.py"), *(["--small"] if small else [])]

    def rows(words: list[str], surroundings: dict[str, str]) -> list[dict[str, Any]]:
        done = run(words, deadline, env=surroundings, stdout=subprocess.PIPE)
        return [json.loads(line) for line in done.stdout.splitlines()]

    measured = rows(words, surroundings)
    if any(row["what"].endswith(", cuBLASLt") for row in measured):
        measured += rows([*words, "--products"], {**surroundings, "POWERTRAIN_CUBLASLT": "0"})
    return measured


def write(report: Report, folder: Path) -> None:
    (folder / "report.md").write_text(report.table(), encoding="utf-8")
    (folder / "report.json").write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    built_before = "a powertrain-cuda that was built before, such as build/cuda with POWERTRAIN_CUDA_DRIVER=sim"
    parser.add_argument("--site", type=Path, help=built_before)
    parser.add_argument("--tests", default="tests", help="what pytest is given")
    parser.add_argument("--small", action="store_true", help="measure small sizes, for a simulated card")
    given = parser.parse_args(arguments)
    driver = os.environ.get("POWERTRAIN_CUDA_DRIVER") or "libcuda.so.1"
    start = time.monotonic()
    try:
        simulator = given.site and given.site / "powertrain_cuda" / "libpowertrain_cuda_sim.so"
        card = card_of(str(simulator) if driver == "sim" and simulator else driver)
        print(f"[gpu] {card.name}, compute capability {card.capability / 10}", flush=True)
        given.folder.mkdir(parents=True, exist_ok=True)
        report = Report(card, datetime.date.today().isoformat())
        site = given.site or build(card, given.folder, start + BUILD_SECONDS)
    except GpuError as error:
        print(error, file=sys.stderr)
        return 2
    surroundings = environment(site.absolute(), driver)
    built = time.monotonic()
    report.tests = test(given.folder.absolute(), surroundings, built + TEST_SECONDS, given.tests.split())
    tested = time.monotonic()
    report.measured = measure(surroundings, start + SECONDS - 10, given.small)
    report.seconds = {"building": built - start, "tests": tested - built, "measuring": time.monotonic() - tested}
    write(report, given.folder)
    print(report.table())
    print(f"[gpu] written to {given.folder / 'report.md'} and report.json")
    return 1 if report.tests["code"] or not report.measured else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
