"""The OpenAPI description against the server: schemathesis makes requests of it, where it is installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("schemathesis", reason="schemathesis is not installed")

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.slow
def test_answers_are_as_the_description_says(served: str) -> None:
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{served}/openapi.json", "--checks", CHECKS,
        "--max-examples", "30", "--seed", "1", "--phases", "examples,coverage,fuzzing",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
