"""What a person gets from `pip install powertrain`: small, quick to import, no compiler, any processor."""

from __future__ import annotations

import importlib.metadata
import os
import resource
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import powertrain as pt

TRAIN = """
import numpy as np, powertrain as pt
w = pt.Slot(np.ones((3, 2), np.float32), "w", trainable=True)
step = pt.compile(lambda x: pt.nn.value_and_grad([w], lambda: pt.square(x @ w).mean())())
value, (gradient,) = step(np.ones((4, 3), np.float32))
assert value.item() == 9.0 and np.all(gradient.numpy() == 3.0), (value, gradient)
print(pt.isa())
"""


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


ROOT = Path(__file__).parents[2]


def wheel() -> Path:
    wheels = sorted((ROOT / "dist").glob("powertrain-*.whl"))
    if not wheels:
        pytest.skip("no dist/powertrain-*.whl beside the tests; make wheel builds one")
    return wheels[-1]


def test_size() -> None:
    assert wheel().stat().st_size < 8e6


def test_every_source_is_in_it() -> None:
    """A pattern that leaves files out of an sdist may match a module of ours by accident."""
    with zipfile.ZipFile(wheel()) as archive:
        there = set(archive.namelist())
    sources = (path.relative_to(ROOT / "python") for path in (ROOT / "python/powertrain").rglob("*.py"))
    assert not {path.as_posix() for path in sources} - there


def seconds(code: str) -> float:
    """Of processor time that Python takes for it: what else the machine does must not fail a test."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_import_is_quick() -> None:
    """Under 150 ms above an interpreter that imports nothing. The best of several, since caches may be cold."""
    run("import powertrain")  # once, to have the byte code and the files in memory
    bare = statistics.median(seconds("pass") for _ in range(5))
    whole = min(seconds("import powertrain") for _ in range(7))
    assert whole - bare < 0.150


def test_help_is_quick() -> None:
    code = (
        "import sys; sys.argv = ['powertrain', '--help']\nfrom powertrain.cli import main\n"
        "try: main()\nexcept SystemExit as end: assert not end.code"
    )
    assert min(seconds(code) for _ in range(5)) < 0.2


def test_no_compiler_is_needed() -> None:
    """Training works with an empty PATH, where no compiler can be found."""
    assert run(TRAIN, PATH="") == pt.isa()


def test_the_slowest_instruction_set_works() -> None:
    assert run(TRAIN, POWERTRAIN_ISA="generic") == "generic"


def test_requires_two_packages_alone() -> None:
    required = importlib.metadata.requires("powertrain") or []
    plain = {line.split(";")[0].split(">")[0].strip() for line in required if "extra ==" not in line}
    assert plain == {"numpy", "safetensors", "tomli"}


def test_only_the_standard_library_and_two_packages_are_imported() -> None:
    code = """
import sys, powertrain
top = {name.split(".")[0] for name in sys.modules}
third = {n for n in top if getattr(sys.modules.get(n), "__file__", None) and "site-packages" in sys.modules[n].__file__}
print(*sorted(n for n in third if not n.startswith("_")))
"""
    assert set(run(code).split()) <= {"numpy", "safetensors", "powertrain"}
