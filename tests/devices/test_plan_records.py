"""The plans of the benchmark workloads for a GPU are those that are kept in records/."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import plan_records
from plan_records import Launch, Record, RecordError


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All records, made now, by a process whose simulated GPU is the one that they are for."""
    if not plan_records.LIBRARY.exists():
        pytest.skip("build/cuda is not there: make cuda-sim")
    folder = tmp_path_factory.mktemp("records")
    made = subprocess.run(
        [sys.executable, plan_records.__file__, "--into", str(folder)], capture_output=True, text=True, timeout=300
    )
    assert made.returncode == 0, made.stderr
    return folder


@pytest.mark.parametrize("plan", plan_records.PLANS)
def test_plans_are_those_that_are_kept(written: Path, plan: str) -> None:
    path = plan_records.file_of(plan)
    now, kept = (file.read_text(encoding="utf-8") for file in (written / path.name, path))
    assert now == kept, (
        "the plan is another one; if that is meant: python benchmarks/plan_records.py, look at the difference, then "
        "python benchmarks/roofline.py --document docs/benchmarks/gpu.md"
    )


def test_every_record_belongs_to_a_plan() -> None:
    assert {path.name for path in plan_records.FOLDER.iterdir()} == {
        plan_records.file_of(plan).name for plan in plan_records.PLANS
    }


def test_a_record_is_read_as_it_was_written() -> None:
    launches = [
        Launch("matmul_f32_large", (12, 1, 1), (256, 1, 1), 0, 1.5e9, 2.25e6, "matmul"),
        Launch("fused", (4, 1, 3), (64, 2, 1), 1024, 0.0, 512.0, "fused multiply+add"),
    ]
    record = Record(4096, 2, launches)
    text = plan_records.text_of("lenet", record)
    assert text == (
        "lenet in f32, planned for compute capability 9.0 with 132 multiprocessors\n"
        "2 launches in 2 phases, arena 4,096 bytes, 1.5 Gflop, 2.251 MB\n"
        "\n"
        "kernel             grid  block  shared  Mflop     kB  what\n"
        "matmul_f32_large     12    256       0   1500   2250  matmul\n"
        "fused             4x1x3   64x2    1024      0  0.512  fused multiply+add\n"
    )
    assert plan_records.read(text) == record
    with pytest.raises(RecordError, match="write the records again"):
        plan_records.read("lenet\n2 launches\n")


def test_plans_have_a_workload_a_precision_and_a_shape() -> None:
    assert plan_records.parts_of("lenet") == ("lenet", "f32", ())
    assert plan_records.parts_of("lenet:bf16") == ("lenet", "bf16", ())
    assert plan_records.parts_of("gpt2_124m:bf16:32x1024") == ("gpt2_124m", "bf16", (32, 1024))
