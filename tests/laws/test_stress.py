"""Some seconds of the stress program; `make stress` runs minutes of it, also under sanitizers."""

import subprocess
import sys
from pathlib import Path

import pytest

STRESS = Path(__file__).parents[1] / "stress/stress.py"


def stress(*options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(STRESS), *options], capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.slow
def test_threads_forks_signals_and_collections_at_once_read_whole_values() -> None:
    done = stress("--seconds", "15")
    assert done.returncode == 0, done.stdout + done.stderr
    for work in ("Train", "Evaluate", "Eager", "Compile", "Own", "Collect"):
        assert f"{work} " in done.stdout


def test_a_planted_fault_is_found() -> None:
    done = stress("--seconds", "30", "--no-forks", "--plant")
    assert done.returncode == 1
    assert "AssertionError" in done.stderr
