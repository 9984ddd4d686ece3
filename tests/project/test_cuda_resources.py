"""The table of what CUDA's kernels take of a multiprocessor: what is read of cuobjdump, and the check of stacks."""

from __future__ import annotations

from pathlib import Path

import pytest

import check_cuda_library
import cuda_resources
from cuda_resources import ResourcesError, Usage

ROOT = Path(cuda_resources.__file__).parents[1]
USAGE = """
Fatbin elf code:
================
arch = sm_80

Resource usage:
 Common:
  GLOBAL:0
 Function first:
  REG:40 STACK:0 SHARED:1024 LOCAL:0 CONSTANT[0]:364 TEXTURE:0 SURFACE:0 SAMPLER:0
 Function second:
  REG:255 STACK:96 SHARED:0 LOCAL:0 CONSTANT[0]:364 TEXTURE:0 SURFACE:0 SAMPLER:0

Fatbin elf code:
================
arch = sm_90

Resource usage:
 Function first:
  REG:38 STACK:8 SHARED:2048 LOCAL:0 CONSTANT[0]:540 TEXTURE:0 SURFACE:0 SAMPLER:0
 Function second:
  REG:255 STACK:96 SHARED:1024 LOCAL:0 CONSTANT[0]:540 TEXTURE:0 SURFACE:0 SAMPLER:0
"""
ELF = "".join(
    f"""
arch = {arch}
.nv.info
	Attribute:	EIATTR_REGCOUNT
.nv.info.first
	Attribute:	EIATTR_MAX_THREADS
	Format:	EIFMT_SVAL
	Value:	0x100 0x1 0x1
.nv.info.second
	Attribute:	EIATTR_MAX_THREADS
	Format:	EIFMT_SVAL
	Value:	0x40 0x2 0x1
"""
    for arch in ("sm_80", "sm_90")
)


@pytest.fixture
def usages(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Usage]]:
    said = {"--dump-elf": ELF, "--dump-resource-usage": USAGE}
    monkeypatch.setattr(cuda_resources, "output_of", lambda program, option, library: said[option])
    return cuda_resources.read(Path("library.so"), "cuobjdump")


def test_what_cuobjdump_says_is_read(usages: dict[str, dict[str, Usage]]) -> None:
    assert usages["first"] == {"sm_80": Usage(40, 0, 1024, 256), "sm_90": Usage(38, 8, 1024, 256)}
    assert usages["second"]["sm_90"] == Usage(255, 96, 0, 128)


@pytest.mark.parametrize(
    ("usage", "dynamic", "expected"),
    [
        (Usage(32, 0, 0, 256), 0, 2048),  # all of them
        (Usage(128, 0, 0, 256), 0, 512),  # 65,536 registers
        (Usage(33, 0, 0, 256), 0, 1536),  # registers are given in steps: 40 of each thread
        (Usage(255, 0, 0, 256), 0, 256),
        (Usage(16, 0, 0, 32), 0, 1024),  # 32 blocks
        (Usage(16, 0, 40 << 10, 256), 0, 1280),  # of 228 KiB, and one for the driver in each block
        (Usage(16, 0, 0, 256), 100 << 10, 512),
    ],
)
def test_resident_threads(usage: Usage, dynamic: int, expected: int) -> None:
    assert cuda_resources.resident(usage, "sm_90", usage.threads, dynamic) == expected


def test_the_table_merges_what_is_alike(usages: dict[str, dict[str, Usage]]) -> None:
    assert cuda_resources.table(usages, {"first": (128, 512)}) == (
        "| kernel | threads | registers | stack | shared | resident threads |\n"
        "|--------|---------|-----------|-------|--------|------------------|\n"
        "| first  | 128     | 40 / 38   | 0 / 8 | 1536   | 1536             |\n"
        "| second | 128     | 255       | 96    | 0      | 256              |"
    )


def test_a_stack_that_is_not_known_fails(usages: dict[str, dict[str, Usage]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_resources, "STACKS", {"second": 96})
    assert list(cuda_resources.stacks_beyond(usages)) == [
        "first has 8 bytes of stack on sm_90; expected at most 0; give it fewer values at a time, or constant indices, "
        "or name it in STACKS of tools/cuda_resources.py"
    ]


def test_without_cuobjdump_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cuda_resources, "cuobjdump", lambda: None)
    assert cuda_resources.main(["library.so"]) == 0
    assert capsys.readouterr().out == (
        "[cuda resources] not checked: no cuobjdump; pip install nvidia-cuda-cuobjdump\n"
    )


def test_a_page_without_a_place_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Kernels\n", encoding="utf-8")
    with pytest.raises(ResourcesError, match="expected both; add them"):
        cuda_resources.put(page, "a table")


def rows_of_the_page() -> list[list[str]]:
    page = (ROOT / "docs" / "cuda-kernels.md").read_text(encoding="utf-8")
    _, _, rest = page.partition(f"<!-- begin: {cuda_resources.PLACE} -->")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in rest.splitlines() if line.startswith("|")]
    assert rows[0][:4] == ["kernel", "threads", "registers", "stack"]
    return rows[2:]


def test_the_page_has_the_kernels_of_the_benchmarks() -> None:
    assert {row[0] for row in rows_of_the_page()} == set(cuda_resources.launched())
    assert tuple(cuda_resources.SHARED) == check_cuda_library.ARCHITECTURES


def test_the_known_stacks_are_those_of_the_page() -> None:
    """None that is no longer needed, or larger than it must be."""
    stacks = {kernel: max(map(int, stack.split("/"))) for kernel, _, _, stack, *_ in rows_of_the_page()}
    assert {kernel: -(-stack // 32) * 32 for kernel, stack in stacks.items() if stack} == cuda_resources.STACKS
