"""Trains digits, and the small programs of the tests, on Arm under QEMU and here: their bits must be the same.

    arm64_digits.py FOLDER    (make arm64-digits: build/arm64, where the engine is cross-compiled)

Needs Debian's g++-aarch64-linux-gnu and qemu-user. The Python for Arm is Debian's, unpacked into FOLDER/sysroot; NumPy
and safetensors are the wheels that PyPI has for it, of the versions installed here. Nothing of the machine is changed.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
EMULATOR = "qemu-aarch64"
DEBIAN = ("python3-minimal", "libpython3-dev", "libstdc++6")
WHEELS = ("numpy", "safetensors")
PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64")


def fail(what: str) -> None:
    sys.exit(f"[arm64] {what}")


def execute(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        fail(f"`{' '.join(map(str, command[:6]))} ...` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def unpack_debian(folder: Path) -> Path:
    """Debian's Python for Arm with all that it needs, fetched by apt with a state of its own."""
    sysroot, state = folder / "sysroot", folder / "apt"
    if sysroot.exists():
        return sysroot
    for made in ("lists/partial", "cache/archives/partial"):
        (state / made).mkdir(parents=True, exist_ok=True)
    (state / "status").write_text("")
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "",
        "Debug::NoLocking": "true",
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::Cache": state / "cache",
    }
    apt = ["apt-get", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
    execute(*apt, "update")
    execute(*apt, "install", "--download-only", "-y", *DEBIAN)
    half = folder / "sysroot.half"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    (half / "lib").symlink_to("usr/lib")
    for package in sorted((state / "cache" / "archives").glob("*.deb")):
        execute("dpkg", "-x", package, half)
    half.rename(sysroot)
    return sysroot


def python_of(sysroot: Path) -> Path:
    (found,) = (path for path in (sysroot / "usr" / "bin").glob("python3.*") if path.name[8:].isdigit())
    return found


def headers(folder: Path, sysroot: Path, python: Path) -> Path:
    """Python.h for Arm. Debian's pyconfig.h asks for that of the architecture, in a folder of another name."""
    made, include = folder / "python-include", sysroot / "usr" / "include"
    shutil.rmtree(made, ignore_errors=True)
    shutil.copytree(include / python.name, made)
    shutil.copy(include / "aarch64-linux-gnu" / python.name / "pyconfig.h", made)
    return made


def build(folder: Path, include: Path) -> Path:
    """The extension module, beside the C++ tests that share its objects."""
    tool = Path(sys.executable).with_name("cmake")
    pybind11 = execute(sys.executable, "-m", "pybind11", "--cmakedir").strip()
    settings = {
        "CMAKE_TOOLCHAIN_FILE": "cmake/arm64.cmake",
        "POWERTRAIN_BUILD_TESTS": "ON",
        "SKBUILD": "ON",
        "SKBUILD_PROJECT_VERSION": importlib.metadata.version("powertrain"),
        "Python_INCLUDE_DIR": include,
        "PYBIND11_USE_CROSSCOMPILING": "ON",
        "PYTHON_MODULE_EXTENSION": ".so",
        "PYTHON_MODULE_EXT_SUFFIX": ".so",
        "PYTHON_IS_DEBUG": "OFF",
        "pybind11_DIR": pybind11,
    }
    execute(tool, "-S", ROOT, "-B", folder, "-G", "Ninja", *(f"-D{name}={value}" for name, value in settings.items()))
    subprocess.run([str(tool), "--build", str(folder), "--target", "_core"], check=True)
    return folder / "_core.so"


def site(folder: Path, python: Path, module: Path) -> Path:
    """What an environment for Arm holds: the wheel of this machine with that module, and wheels of what it needs."""
    (ours,) = (ROOT / "dist").glob("*.whl")
    versions = [f"{name}=={importlib.metadata.version(name)}" for name in WHEELS]
    made, wheels = folder / "site", folder / "wheels"
    for old in (made, wheels):
        shutil.rmtree(old, ignore_errors=True)
    platforms = [f"--platform={name}" for name in PLATFORMS]
    execute(
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--implementation=cp",
        f"--python-version={python.name.removeprefix('python')}", *platforms, "-d", wheels, *versions,
    )  # fmt: skip
    for wheel in (ours, *wheels.glob("*.whl")):
        zipfile.ZipFile(wheel).extractall(made)
    for native in (made / "powertrain").glob("_core*.so"):
        native.unlink()
    shutil.copy(module, made / "powertrain" / "_core.so")
    return made


def train(run: Path, *python: str | Path, **environment: str) -> tuple[bytes, dict[str, object]]:
    """The bytes of a run's last checkpoint, and its results but for what hangs on time."""
    shutil.rmtree(run, ignore_errors=True)
    patient = ("--set", "expect.seconds=100000")  # an emulated processor takes its time
    execute(*python, "-m", "powertrain", "train", "digits", *patient, "--run", run, **environment)
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    kept = ("steps", "train", "valid", "test", "baselines", "hash")
    last = max((run / "checkpoints").glob("*.safetensors"))
    return last.read_bytes(), {name: results[name] for name in kept}


def main(arguments: Sequence[str]) -> None:
    if len(arguments) != 1:
        fail(f"received {len(arguments)} arguments; expected one folder; for example build/arm64")
    if not shutil.which(EMULATOR) or not shutil.which("aarch64-linux-gnu-g++"):
        fail("no cross compiler or no QEMU; expected both; apt-get install g++-aarch64-linux-gnu qemu-user")
    folder = Path(arguments[0]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sysroot = unpack_debian(folder)
    python = python_of(sysroot)
    where = site(folder, python, build(folder, headers(folder, sysroot, python)))
    here: list[str | Path] = [sys.executable]
    arm: list[str | Path] = [EMULATOR, "-L", sysroot, python]
    path = {"PYTHONPATH": str(where)}

    isa = execute(*arm, "-c", "import platform, powertrain as pt; print(platform.machine(), pt.isa())", **path).strip()
    print(f"emulated: {isa}", flush=True)
    programs = ROOT / "tests" / "support" / "training_programs.py"
    wanted, made = (set(execute(*one, programs, **env).splitlines()) for one, env in ((here, {}), (arm, path)))
    print(f"training programs: {len(wanted & made)} of {len(wanted)} the same", flush=True)

    began = time.monotonic()
    ours, emulated = train(folder / "digits-here", *here), train(folder / "digits-arm", *arm, **path)
    same = "the same bytes" if ours[0] == emulated[0] else "other bytes"
    print(f"digits: {same} in the last checkpoint, of {len(ours[0])} ({time.monotonic() - began:.0f} s)")
    for name, value in ours[1].items():
        print(f"  {name}: {value}" + ("" if value == emulated[1][name] else f"; on Arm {emulated[1][name]}"))
    if wanted != made or ours != emulated:
        lines = "\n".join(f"  {line}" for line in sorted(wanted ^ made))
        fail(f"the bits differ; expected the same on every processor\n{lines}")
    print("the same bits")


if __name__ == "__main__":
    main(sys.argv[1:])
