"""What goes wrong around a GPU: one clear error with the fix, and the run goes on from its checkpoint."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from powertrain.train.folder.ledger import read_lines
from running import SMALL, results, run
from simulated_gpu import ORDERS, SETTINGS, built, on_a_gpu

pytestmark = pytest.mark.simulated

MACHINE = ORDERS.format(1)
PACKAGE = built().parents[1]


def train(
    folder: Path, *arguments: str, expect: int = 0, package: Path = PACKAGE, orders: str = MACHINE, **more: str
) -> subprocess.CompletedProcess[str]:
    (folder / "small.toml").write_text(SMALL)
    given = ["train", "small.toml", "--device", "cuda", "--json", *arguments]
    return run(given, folder, (package,), expect, **{**SETTINGS, "POWERTRAIN_SIM": orders, **more})


NO_FILE = (
    "[cuda] POWERTRAIN_CUDA_DRIVER = /no/file, but /no/file could not be opened (/no/file: cannot open shared object "
    "file: No such file or directory); expected the path of a CUDA driver, or sim with the simulator beside "
    "powertrain-cuda's library; unset it for the driver of the system"
)
TOO_OLD = "[cuda] the driver is for CUDA 11.8; expected 12.0 or later; install NVIDIA's driver of version 525 or later"
NO_CARD = (
    "[cuda] the driver finds no GPU; expected one at least; look at what nvidia-smi prints and at "
    "CUDA_VISIBLE_DEVICES, and start a container with its GPUs"
)
OLD_CARD = (
    "[cuda:0] Card has compute capability 7.5; expected 8.0 or more (A100, RTX 30 and later); use the CPU or another "
    "card"
)


@pytest.mark.parametrize(
    ("orders", "driver", "text"),
    [
        (MACHINE, "/no/file", NO_FILE),
        (f"{MACHINE},version=11080", "sim", TOO_OLD),
        ("devices=0", "sim", NO_CARD),
        (f"{MACHINE},capability=7.5,name=Card", "sim", OLD_CARD),
    ],
    ids=["no driver", "old driver", "no card", "old card"],
)
def test_a_machine_without_a_usable_gpu_says_why(orders: str, driver: str, text: str, tmp_path: Path) -> None:
    done = train(tmp_path, "--run", "a", expect=2, orders=orders, POWERTRAIN_CUDA_DRIVER=driver)
    assert done.stderr == f"[run] device = 'cuda:0'; expected a device of this machine; {text}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["small.toml"]
    # What needs no GPU goes on without one: a recipe runs where "auto" says.
    program = """
import powertrain as pt
from powertrain.devices.place import chosen
print(pt.cuda.why_not())
print(pt.cuda.is_available(), pt.cuda.device_count())
print(chosen("auto", "run"))
"""
    asked = on_a_gpu(program, orders, POWERTRAIN_CUDA_DRIVER=driver)
    assert asked.stdout == f"{text}\nFalse 0\ncpu\n", asked.stderr


def lacking(name: str) -> Callable[[Path], None]:
    return lambda package: (package / "powertrain_cuda" / name).unlink()


def damaged(package: Path) -> None:
    (package / "powertrain_cuda" / "libpowertrain_cuda.so").write_bytes(b"\x7fELF nothing else")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lacking("libpowertrain_cuda.so"), "cannot open shared object file: No such file or directory; expected a "
         "device's library for this machine; install its package again"),
        (lacking("libpowertrain_cuda_sim.so"), "libpowertrain_cuda_sim.so could not be opened ("),
        (damaged, "file too short; expected a device's library for this machine; install its package again"),
    ],
)  # fmt: skip
def test_a_missing_or_damaged_library_is_named(change: Callable[[Path], None], text: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    shutil.copytree(PACKAGE, package)
    change(package)
    done = train(tmp_path, "--run", "a", expect=2, package=package)
    assert text in done.stderr and str(package) in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "a").exists()


def test_a_lost_device_and_a_full_one_cost_no_checkpoint(tmp_path: Path) -> None:
    lost = train(tmp_path, "--run", "a", expect=2, orders=f"{MACHINE},lose_device_at_launch=1500")
    assert lost.stderr == (
        "[cuda:0] was lost by CUDA_ERROR_LAUNCH_FAILED (unspecified launch failure) while waiting for a run; expected "
        "every kernel to end without an error; start the process again, from the last checkpoint; with "
        "CUDA_LAUNCH_BLOCKING=1 the error names the launch\n"
    )
    full = train(tmp_path, "--run", "a", "--resume", expect=2, orders="devices=1,memory=2M")
    assert full.stderr == (
        "[cuda:0] CUDA_ERROR_OUT_OF_MEMORY (out of memory) while allocating memory for the status of runs; expected "
        "memory to be left on the GPU or the host; use a smaller batch or model, or end other processes that use it\n"
    )
    whole, resumed = (results(train(tmp_path, *given)) for given in (["--run", "b"], ["--run", "a", "--resume"]))
    assert resumed["hash"] == whole["hash"]
    assert all(line["step"] > 0 for line in read_lines(tmp_path / "a") if line["event"] == "resume")


def test_a_step_that_does_not_fit_names_what_is_largest() -> None:
    program = """
import powertrain as pt
w = pt.Slot(pt.ones((1000, 1000), device="cuda"), "weight")
step = pt.compile(lambda x: pt.tanh(x @ w.value).sum())
try:
    step(pt.ones((8000, 1000), device="cuda"))
except MemoryError as error:
    print(error)
print(step(pt.ones((2, 1000), device="cuda")).item())
"""
    done = on_a_gpu(program, "devices=1,memory=48M")
    said, number = done.stdout.splitlines()
    assert said == (
        "[cuda:0] asked for 30.5 MiB, where tensors use 30.5 MiB, the cache keeps 3.5 MiB and 14.0 MiB of 48.0 MiB are "
        "free; expected room for it in one piece; use a smaller batch or model, let go of tensors, or end other "
        "processes that use the GPU; largest in this step: input 0 32 MB, matmul -> tanh at "
        "<string>:4 in <lambda> 32 MB, slot weight 4 MB"
    )
    assert float(number) == 2000.0
