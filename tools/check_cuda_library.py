"""Look into the wheel of powertrain-cuda: `check_cuda_library.py WHEEL` fails on

- a shared library that it needs and that not every Linux has: CUDA is opened while the program runs;
- an exported name besides the functions of cpp/abi/device.h;
- more than 30 megabytes;
- an architecture that a kernel file is not compiled for, where cuobjdump is (of the CUDA toolkit, or pip install
  nvidia-cuda-cuobjdump).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

MEGABYTES = 30
LIBRARIES = {
    "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libgcc_s.so.1", "libstdc++.so.6",
    "ld-linux-x86-64.so.2",
}  # fmt: skip
EXPORTS = {"powertrain_device_v1", "powertrain_device_count_v1"}
ARCHITECTURES = ("sm_80", "sm_90", "sm_100")
PTX = "sm_100"  # which later cards compile from
PLACES = ("/usr/local/cuda/bin/cuobjdump", "/usr/local/cuda-13.0/bin/cuobjdump")


def output_of(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def cuobjdump() -> str | None:
    """The program, of the toolkit or of NVIDIA's wheel."""
    wheels = [str(path) for path in Path(sys.prefix).glob("lib/python3*/site-packages/nvidia/*/bin/cuobjdump")]
    return next((found for name in ("cuobjdump", *PLACES, *wheels) if (found := shutil.which(name))), None)


def of_linking(library: Path) -> Iterator[str]:
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", output_of("readelf", "-d", str(library))))
    for name in sorted(needed - LIBRARIES):
        yield f"it needs {name}; expected only {', '.join(sorted(LIBRARIES))}; open it by dlopen"
    exported = {line.split()[-1] for line in output_of("nm", "-D", "--defined-only", str(library)).splitlines()}
    for name in sorted(exported ^ EXPORTS):
        has = "exports" if name in exported else "does not export"
        yield f"it {has} {name}; expected {' and '.join(sorted(EXPORTS))} alone; look at cpp/cuda/runtime/exports.map"


def of_kernels(library: Path, sources: int) -> Iterator[str]:
    program = cuobjdump()
    if program is None:
        print("[cuda library] architectures not checked: no cuobjdump; pip install nvidia-cuda-cuobjdump")
        return
    cubins = re.findall(r"\.(sm_\d+)\.cubin", output_of(program, "--list-elf", str(library)))
    texts = re.findall(r"\.(sm_\d+)\.ptx", output_of(program, "--list-ptx", str(library)))
    counts = {arch: cubins.count(arch) for arch in ARCHITECTURES} | {f"PTX for {PTX}": texts.count(PTX)}
    for name, count in counts.items():
        if count != sources:
            yield f"{count} of {sources} kernel files are there as {name}; expected all; see cmake/cuda_library.cmake"
    print(f"[cuda library] {sources} kernel files, each as {', '.join(counts)}")


def main() -> int:
    wheel = Path(sys.argv[1])
    root = Path(__file__).parent.parent
    sources = len([*root.glob("cpp/ops/*/cuda*.cu"), *root.glob("cpp/cuda/*.cu"), *root.glob("cpp/cuda/runtime/*.cu")])
    problems = []
    size = wheel.stat().st_size / 1e6
    print(f"[cuda library] {wheel.name} has {size:.1f} MB")
    if size > MEGABYTES:
        problems.append(
            f"{wheel.name} has {size:.1f} MB; expected at most {MEGABYTES}; compile for fewer architectures"
        )
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        library = Path(archive.extract("powertrain_cuda/libpowertrain_cuda.so", folder))
        problems += [*of_linking(library), *of_kernels(library, sources)]
    for problem in problems:
        print(f"[cuda library] {problem}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
