"""Look into a build's objects for code of one instruction set that another processor could be made to run.

`check_symbols.py BUILD_FOLDER` fails on
  - a weak symbol outside namespace isa_X in a kernel object: the linker keeps one copy of it for everybody, compiled
    for whichever instruction set came first;
  - an instruction beyond the baseline in an object that is not of that instruction set.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

KERNELS = re.compile(r"kernels_(\w+)\.dir")
AVX512 = re.compile(r"%zmm|%[xy]mm(1[6-9]|2\d|3[01])|\{%k[0-7]\}")
AVX = re.compile(r"%[yz]mm|\sv[a-z0-9]+\s.*%xmm")
WEAK = set("WwVvu")


def isa_of(path: Path) -> str:
    """The instruction set that an object is for; the baseline's objects are for none."""
    match = KERNELS.search(str(path))
    return match[1] if match else "baseline"


def weak_symbols(path: Path, isa: str) -> Iterator[str]:
    listing = subprocess.run(["nm", "--demangle", str(path)], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        parts = line.split(maxsplit=2)
        if len(parts) == 3 and parts[1] in WEAK and f"isa_{isa}" not in parts[2]:
            yield (
                f"[symbols] {path.name} ({isa}) defines {parts[2]} weakly; expected only names in isa_{isa}; keep "
                "templates and inline functions of the baseline out of kernels"
            )


def foreign_instructions(path: Path, isa: str) -> Iterator[str]:
    forbidden = {"avx512": None, "avx2": AVX512}.get(isa, AVX)
    if forbidden is None:
        return
    code = subprocess.run(
        ["objdump", "-d", "--no-show-raw-insn", str(path)], capture_output=True, text=True, check=True
    )
    for line in code.stdout.splitlines():
        if forbidden.search(line):
            yield (
                f"[symbols] {path.name} ({isa}) holds `{' '.join(line.split()[1:])}`; expected nothing beyond {isa}; "
                "look for a target attribute or a compile flag that leaked"
            )
            return


def main() -> int:
    if not (shutil.which("nm") and shutil.which("objdump")):
        print("[symbols] not checked: nm and objdump (binutils) are not installed")
        return 0
    objects = sorted(Path(sys.argv[1]).rglob("*.o"))
    machine = subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip()
    failed = False
    for path in objects:
        isa = isa_of(path)
        # What is compiled for any processor may be everybody's copy.
        problems = list(weak_symbols(path, isa)) if isa not in ("baseline", "generic") else []
        if machine == "x86_64":
            problems += foreign_instructions(path, isa)
        for problem in problems:
            print(problem)
            failed = True
    print(f"{len(objects)} objects looked into")
    return 1 if failed or not objects else 0


if __name__ == "__main__":
    sys.exit(main())
