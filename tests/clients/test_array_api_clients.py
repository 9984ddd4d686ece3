"""SciPy and scikit-learn compute on tensors by the array API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clients.array_api_cases import CASES


@pytest.fixture(scope="module")
def found() -> Any:
    """Their switches are read when they are imported, so the cases run in a process of their own."""
    here = Path(__file__).parent
    paths = os.pathsep.join([str(here.parent), *sys.path])
    environment = {**os.environ, "SCIPY_ARRAY_API": "1", "PYTHONPATH": paths}
    run = subprocess.run(
        [sys.executable, str(here / "array_api_cases.py")], env=environment, capture_output=True, text=True, timeout=600
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", CASES)
def test_a_client_computes_on_tensors(found: dict[str, str], name: str) -> None:
    if found[name].startswith("skipped"):
        pytest.skip(found[name])
    assert found[name] == "passed", found[name]
