"""What each kernel of powertrain-cuda takes of a multiprocessor, as a table: `cuda_resources.py FILE ...`.

Registers, the stack (spilled registers, and arrays that are indexed while the kernel runs), shared memory, and how many
of its threads a multiprocessor holds at a time, of 2,048. It is read from the machine code of `make cuda` by cuobjdump
(of the CUDA toolkit, or pip install nvidia-cuda-cuobjdump): from the wheel, the library, or the .fatbin files in the
build folder, build/cuda-wheel.

With `--document docs/cuda-kernels.md` the kernels of the benchmark workloads (tests/devices/records) are put there.
Fails if one of these has a stack that STACKS does not name, or more than it says.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from check_cuda_library import ARCHITECTURES, cuobjdump, output_of

ROOT = Path(__file__).parent.parent
RECORDS = ROOT / "tests" / "devices" / "records"
PLACE = "tools/cuda_resources.py"  # in a document
LIBRARY = "powertrain_cuda/libpowertrain_cuda.so"

# Bytes of stack that kernels of the benchmark workloads have, at most, on all architectures, rounded up to 32.
STACKS: dict[str, int] = {
    "attention_dk_f32_64": 32,
    "conv2d_bf16_medium": 32,
    "conv2d_classes_bf16_medium": 64,
    "conv2d_classes_f32_medium": 32,
    "conv2d_classes_f32_small": 64,
    "conv2d_then_bf16_medium": 64,
    "conv2d_then_f32_medium": 160,
    "conv2d_then_f32_small": 64,
    "conv2d_weight_then_bf16_medium": 64,
    "copy_units": 32,
    "fill_pieces": 32,
    "fused_interpreter": 256,
    "matmul_f32_medium": 32,
    "matmul_then_add_splits": 32,
    "matmul_then_f32_medium": 32,
    "max_pool2d_backward_f32": 32,
    "reduce_columns_then": 192,
    "reduce_groups": 32,
    "reduce_groups_then": 192,
}

THREADS, WARP = 2048, 32  # of a multiprocessor
BLOCKS = 32
REGISTERS, REGISTERS_AT_ONCE = 65536, 256  # the second: what a warp is given at a time
SHARED = {"sm_80": 164 << 10, "sm_90": 228 << 10, "sm_100": 228 << 10}  # bytes
RESERVED = 1 << 10  # of shared memory, by the driver, for each block; from sm_90 on it is counted as the kernel's


class ResourcesError(ValueError):
    """`[cuda resources] what was received; what was expected; the fix`."""


@dataclass(frozen=True)
class Usage:
    """Of one kernel on one architecture."""

    registers: int  # of a thread
    stack: int  # bytes of a thread
    shared: int  # bytes of a block, that it declares
    threads: int  # of a block, at most


def read(library: Path, program: str) -> dict[str, dict[str, Usage]]:
    """By kernel, then by architecture; `program` is cuobjdump."""
    threads = dict(_threads(output_of(program, "--dump-elf", str(library))))
    found: dict[str, dict[str, Usage]] = {}
    for arch, kernel, registers, stack, shared in _usages(output_of(program, "--dump-resource-usage", str(library))):
        declared = shared if arch == "sm_80" else max(shared - RESERVED, 0)
        usage = Usage(registers, stack, declared, threads[arch, kernel])
        found.setdefault(kernel, {})[arch] = usage
    return found


def _usages(text: str) -> Iterator[tuple[str, str, int, int, int]]:
    arch = kernel = ""
    for line in text.splitlines():
        if named := re.match(r"arch = (sm_\d+)", line):
            arch = named[1]
        elif named := re.match(r"\s*Function (\S+):", line):
            kernel = named[1]
        elif numbers := re.match(r"\s*REG:(\d+) STACK:(\d+) SHARED:(\d+)", line):
            yield arch, kernel, int(numbers[1]), int(numbers[2]), int(numbers[3])


def _threads(text: str) -> Iterator[tuple[tuple[str, str], int]]:
    arch = kernel = ""
    wanted = False
    for line in text.splitlines():
        if named := re.match(r"arch = (sm_\d+)", line):
            arch = named[1]
        elif named := re.match(r"\.nv\.info\.(\S+)", line):
            kernel = named[1]
        elif "EIATTR_MAX_THREADS" in line:
            wanted = True
        elif wanted and (numbers := re.search(r"Value:\s*(0x[0-9a-f]+) (0x[0-9a-f]+) (0x[0-9a-f]+)", line)):
            wanted = False
            x, y, z = (int(number, 16) for number in numbers.groups())
            yield (arch, kernel), x * y * z


def resident(usage: Usage, arch: str, threads: int, dynamic: int) -> int:
    """Threads of a kernel that a multiprocessor holds, in blocks of `threads` with so many bytes of dynamic memory."""
    warps = -(-threads // WARP)
    of_warp = -(-usage.registers * WARP // REGISTERS_AT_ONCE) * REGISTERS_AT_ONCE
    blocks = min(BLOCKS, THREADS // (warps * WARP), REGISTERS // of_warp // warps)
    blocks = min(blocks, SHARED[arch] // (usage.shared + dynamic + RESERVED))
    return blocks * warps * WARP


def launched() -> dict[str, tuple[int, int]]:
    """The kernels of the benchmark workloads: threads of their blocks, and bytes of dynamic memory, at most."""
    found: dict[str, tuple[int, int]] = {}
    for path in sorted(RECORDS.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines()[4:]:
            kernel, _, block, shared, *_ = line.split()
            threads = 1
            for extent in block.split("x"):
                threads *= int(extent)
            known = found.get(kernel, (0, 0))
            found[kernel] = max(known[0], threads), max(known[1], int(shared))
    return found


def table(usages: dict[str, dict[str, Usage]], used: dict[str, tuple[int, int]]) -> str:
    """A row for each kernel: numbers for all architectures, or for 8.0, 9.0 and 10.0 where they differ."""
    rows = [["kernel", "threads", "registers", "stack", "shared", "resident threads"]]
    for kernel, by_arch in usages.items():
        threads, dynamic = used.get(kernel, (next(iter(by_arch.values())).threads, 0))
        cells = [
            [str(usage.registers), str(usage.stack), str(usage.shared + dynamic),
             str(resident(usage, arch, threads, dynamic))]
            for arch, usage in by_arch.items()
        ]  # fmt: skip
        merged = [" / ".join(dict.fromkeys(column)) if len(set(column)) == 1 else " / ".join(column)
                  for column in zip(*cells, strict=True)]  # fmt: skip
        rows.append([kernel, str(threads), *merged])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def stacks_beyond(usages: dict[str, dict[str, Usage]]) -> Iterator[str]:
    """Kernels with more stack than is known."""
    for kernel, by_arch in usages.items():
        for arch, usage in by_arch.items():
            if usage.stack > STACKS.get(kernel, 0):
                yield (
                    f"{kernel} has {usage.stack} bytes of stack on {arch}; expected at most {STACKS.get(kernel, 0)}; "
                    "give it fewer values at a time, or constant indices, or name it in STACKS of "
                    "tools/cuda_resources.py"
                )


def put(document: Path, written: str) -> None:
    """The table between the comments of a page."""
    first, final = f"<!-- begin: {PLACE} -->", f"<!-- end: {PLACE} -->"
    before, begin, rest = document.read_text(encoding="utf-8").partition(first)
    _, end, after = rest.partition(final)
    if not (begin and end):
        raise ResourcesError(
            f"[cuda resources] {document} without the lines {first} and {final}; expected both; add them"
        )
    document.write_text(f"{before}{first}\n\n{written}\n\n{final}{after}", encoding="utf-8")


def _unpacked(file: Path, folder: Path) -> Path:
    """The library in a wheel, or the file itself."""
    if file.suffix != ".whl":
        return file
    with zipfile.ZipFile(file) as archive:
        return Path(archive.extract(LIBRARY, folder))


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+", help="a wheel, libpowertrain_cuda.so, or .fatbin files")
    parser.add_argument("--document", type=Path, help="the page into which the benchmarks' kernels are put")
    options = parser.parse_args(words)
    program = cuobjdump()
    if program is None:
        print("[cuda resources] not checked: no cuobjdump; pip install nvidia-cuda-cuobjdump")
        return 0
    usages: dict[str, dict[str, Usage]] = {}
    for file in options.files:
        with tempfile.TemporaryDirectory() as folder:
            usages |= read(_unpacked(file, Path(folder)), program)
    usages = dict(sorted(usages.items()))
    missing = {kernel for kernel, by_arch in usages.items() if set(by_arch) != set(ARCHITECTURES)}
    used = launched()
    print(table(usages, used))
    hot = {name: usage for name, usage in usages.items() if name in used}
    if options.document:
        put(options.document, table(hot, used))
    problems = [f"{kernel} is not there for every architecture" for kernel in sorted(missing)]
    problems += stacks_beyond(hot)
    for problem in problems:
        print(f"[cuda resources] {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
