"""Fail on an #include against the arrows: core <- simd, parallel <- ops <- graph <- program <- bindings; ops <- cuda;
simd, parallel <- pictures <- bindings.

A folder may include itself and what stands before it; only bindings/ includes pybind11, and lets go of the lock of an
interpreter that may end meanwhile by OutsideInterpreter.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CPP = ROOT / "cpp"
MAY_INCLUDE = {
    "core": set(),
    "simd": {"core"},
    "parallel": {"core"},
    "pictures": {"core", "simd", "parallel"},
    "ops": {"core", "simd", "parallel", "abi"},
    "graph": {"core", "parallel", "ops"},
    "program": {"core", "parallel", "ops", "graph"},
    "abi": set(),
    "cuda": {"core", "simd", "ops", "abi"},
    "bindings": {"core", "parallel", "pictures", "ops", "graph", "program", "abi"},
    "tests": {"core", "simd", "parallel", "pictures", "ops", "graph", "program", "abi", "cuda"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


def room_of(path: Path) -> str:
    """The folder; kernels and plans for CUDA stand beside their op, and belong to cuda. Its tests are tests."""
    if path.is_relative_to(CPP / "cuda" / "tests"):
        return "tests"
    of_cuda = path.name.startswith(("cuda", "plan_cuda"))
    return "cuda" if of_cuda else path.relative_to(CPP).parts[0]


def complaint(folder: str, included: str) -> str | None:
    if included.startswith("pybind11/") and folder != "bindings":
        return "only cpp/bindings/ may include pybind11; move what needs it there"
    target = included.split("/")[0]
    if target not in MAY_INCLUDE or target == folder:
        return None
    if target not in MAY_INCLUDE[folder]:
        allowed = ", ".join(sorted(MAY_INCLUDE[folder])) or "nothing but itself"
        return f"cpp/{folder}/ may include {allowed}; move the declaration down or the user up"
    return None


def main() -> int:
    failed = False
    for path in sorted(CPP.rglob("*")):
        if path.suffix not in {".h", ".cpp", ".cu", ".cuh", ".inc"}:
            continue
        folder = room_of(path)
        if folder not in MAY_INCLUDE:
            print(f"[include] folder cpp/{folder}; expected one of {', '.join(MAY_INCLUDE)}; add it to {__file__}")
            failed = True
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            match = INCLUDE.match(line)
            problem = match and complaint(folder, match[1] or match[2])
            if match and problem:
                print(f"[include {path.relative_to(ROOT)}:{number}] {line.strip()}; {problem}")
                failed = True
            if "gil_scoped_release" in line:
                print(f"[include {path.relative_to(ROOT)}:{number}] gil_scoped_release; use OutsideInterpreter")
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
