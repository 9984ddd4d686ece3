"""`make gpu` without a card: what it says, what it counts, and the whole of it on a simulated one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gpu
from simulated_gpu import BUILT

TOOL = Path(gpu.__file__)
SIMULATOR = BUILT.with_name("libpowertrain_cuda_sim.so")
needs_simulator = pytest.mark.skipif(not SIMULATOR.exists(), reason="build/cuda is not there: make cuda-sim")


def told(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(TOOL), str(folder)], env={**os.environ, **variables}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_without_a_driver_it_says_what_to_do(tmp_path: Path) -> None:
    done = told(tmp_path / "made", POWERTRAIN_CUDA_DRIVER="no-such-driver.so")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("[gpu] no-such-driver.so could not be opened (")
    assert done.stderr.endswith(
        "); expected a machine with an NVIDIA card and its driver; install the driver, or without a card the simulator "
        "runs the tests: make cuda-sim\n"
    )
    assert not (tmp_path / "made").exists()


@needs_simulator
@pytest.mark.parametrize(
    ("orders", "text"),
    [
        ("devices=0", " finds no card; expected one; look at what nvidia-smi prints and at CUDA_VISIBLE_DEVICES; "),
        ("devices=1,capability=7.5,name=Old", "[gpu] Old has compute capability 7.5; expected 8.0 or more (A100, RTX "),
    ],
)  # fmt: skip
def test_a_card_that_is_no_use_is_named(orders: str, text: str, tmp_path: Path) -> None:
    done = told(tmp_path / "made", POWERTRAIN_CUDA_DRIVER=str(SIMULATOR), POWERTRAIN_SIM=orders)
    assert done.returncode == 2 and text in done.stderr, done.stderr


def test_without_a_compiler_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(gpu, "NVCC_PLACES", ("no-such-compiler",))
    with pytest.raises(gpu.GpuError, match=r"^\[gpu\] there is no nvcc; expected the CUDA toolkit, 12\.0 or later"):
        gpu.build(gpu.Card("Card", 90, 80.0, "12.4"), tmp_path, 0.0)


def test_tests_are_counted(tmp_path: Path) -> None:
    log = tmp_path / "tests.xml"
    assert gpu.counts_of(log) == {"words": "ended before they were done"}
    log.write_text('<testsuites><testsuite tests="9" failures="1" errors="1" skipped="3"/></testsuites>')
    assert gpu.counts_of(log) == {
        "passed": 4, "failed": 2, "skipped": 3, "words": "4 passed, 2 failed, 3 skipped"
    }  # fmt: skip


def test_a_program_is_ended_when_its_time_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.run([sys.executable, "-c", "import time; time.sleep(60)"], 0.0).returncode == 124
    assert "was ended, since its time was over" in capsys.readouterr().err


def test_where_cublaslt_multiplies_our_kernels_are_measured_too(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[list[str], str | None]] = []

    def run(words: list[str], deadline: float, **settings: Any) -> subprocess.CompletedProcess[str]:
        asked.append((words[2:], settings["env"].get("POWERTRAIN_CUBLASLT")))
        what = "x @ x, float32" + (", cuBLASLt" if settings["env"].get("POWERTRAIN_CUBLASLT") == "sim" else "")
        return subprocess.CompletedProcess(words, 0, stdout=json.dumps({"what": what}) + "\n")

    monkeypatch.setattr(gpu, "run", run)
    ours = {"what": "x @ x, float32"}
    assert gpu.measure({}, 0.0, small=True) == [ours]
    assert gpu.measure({"POWERTRAIN_CUBLASLT": "sim"}, 0.0, small=False) == [{"what": "x @ x, float32, cuBLASLt"}, ours]
    assert asked == [(["--small"], None), ([], "sim"), (["--products"], "0")]


@needs_simulator
@pytest.mark.slow
def test_the_whole_of_it_on_a_simulated_card(tmp_path: Path) -> None:
    site, made = BUILT.parents[1], tmp_path / "made"
    tests = tmp_path / "test_some.py"
    tests.write_text(
        "import pytest\nimport powertrain as pt\n\n\n@pytest.mark.gpu\ndef test_there_is_one() -> None:\n"
        "    assert pt.ones((2,), device='cuda').sum().item() == 2\n\n\n"
        "def test_of_the_cpu() -> None:\n    assert False\n"
    )
    done = subprocess.run(
        [sys.executable, str(TOOL), str(made), "--site", str(site), "--tests", str(tests), "--small"],
        env={**os.environ, "POWERTRAIN_CUDA_DRIVER": "sim", "POWERTRAIN_SIM": "devices=1,memory=1G,name=Card"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((made / "report.json").read_text(encoding="utf-8"))
    assert report["card"]["name"] == "Card" and report["tests"]["words"] == "1 passed, 0 failed, 0 skipped"
    names = [row["what"] for row in report["measured"]]
    for name in ("copy to the device", "copy from the device", "x @ x, float32", "x @ x, bfloat16", "AdamW",
                 "AdamW, of a copy's rate", "step of mlp_tiny, powertrain"):  # fmt: skip
        assert name in names
    assert all(row["value"] > 0 for row in report["measured"])
    table = (made / "report.md").read_text(encoding="utf-8")
    assert table.count("\n| ") == len(names) + 2 and table in done.stdout
