"""Kernels of plugins on a simulated GPU, in processes of their own: its compiler is named before it is opened."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from simulated_gpu import gpu_environment, simulator_compiles

TESTS = Path(__file__).parents[1]
pytestmark = pytest.mark.simulated


@pytest.mark.parametrize("file", ["devices/test_kernels_on_a_gpu.py", "plugin/test_kernels_examined_on_a_gpu.py"])
def test_the_tests_of_kernels(file: str) -> None:
    if not simulator_compiles():
        pytest.skip("the simulator was built without nvrtc.h: make cuda-sim, with CUDA or nvidia-cuda-nvrtc-cu12")
    words = [sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", str(TESTS / file)]
    environment = gpu_environment("devices=2,memory=256M", POWERTRAIN_CUDA_NVRTC="sim")
    done = subprocess.run(words, env=environment, cwd=TESTS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and " passed" in done.stdout and " skipped" not in done.stdout, (
        done.stdout + done.stderr
    )
