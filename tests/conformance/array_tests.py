"""The array API standard's own suite, `array-api-tests`. It is in no package registry, so a checkout is named:

`POWERTRAIN_ARRAY_API_TESTS=FOLDER make conformance`, with its submodule and its requirements.txt installed. Each of its
files runs in a process of its own, with the same examples each time, and gives an outcome for each test.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from conformance.outcome import Outcome

VARIABLE = "POWERTRAIN_ARRAY_API_TESTS"
EXAMPLES = 50
SECONDS = 1800  # of one file


def absent() -> str:
    """Why it cannot run, if it cannot."""
    folder = os.environ.get(VARIABLE)
    if folder is None:
        return f"{VARIABLE} names no checkout of array-api-tests"
    return "" if (Path(folder) / "array_api_tests").is_dir() else f"{VARIABLE} = {folder}, which has no array_api_tests"


def _folder() -> Path:
    return Path(os.environ[VARIABLE]) / "array_api_tests"


def commit() -> str:
    """Which state of the suite it is."""
    command = ["git", "-C", str(_folder()), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def names() -> list[str]:
    """The files of the suite."""
    return sorted(path.stem for path in _folder().glob("test_*.py"))


def outcomes(name: str) -> Iterator[Outcome]:
    """What became of each test of a file."""
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "results.xml"
        command = [
            sys.executable, "-m", "pytest", f"array_api_tests/{name}.py", "-q", "--disable-warnings", "-p",
            "no:cacheprovider", "--max-examples", str(EXAMPLES), "--hypothesis-seed", "0", "--junitxml", str(written),
        ]  # fmt: skip
        done = subprocess.run(
            command,
            cwd=_folder().parent,
            env={**os.environ, "ARRAY_API_TESTS_MODULE": "powertrain.array_api"},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        if not written.exists():
            said = (done.stdout + done.stderr).strip().splitlines() or ["nothing said"]
            yield Outcome("error", name, f"it ended with code {done.returncode}: {said[-1]}")
            return
        for case in ElementTree.parse(written).iter("testcase"):
            yield from outcomes_of(case)


def outcomes_of(case: ElementTree.Element) -> Iterator[Outcome]:
    """What became of a test: one outcome, or one for each kind of failure that it found."""
    where = case.get("name", "")
    for element in ("failure", "error"):
        if (found := case.find(element)) is not None:
            for said in _said(found):
                yield Outcome("error", where, f"{where}: {said}")
            return
    yield Outcome("passed", where) if case.find("skipped") is None else Outcome("not offered", where, "skipped")


def _said(failure: ElementTree.Element) -> list[str]:
    """The errors of a failed test, once each, whatever the shapes in them."""
    first = (failure.get("message") or "").strip().partition("\n")[0]
    if not first.startswith("ExceptionGroup"):
        return [first]
    inner = re.findall(r"^ *\| (?:\w+\.)*(\w*(?:Error|Exception)\b.*)$", failure.text or "", re.MULTILINE)
    return list({re.sub(r"\[[\d, ]*\]", "", line): line for line in inner}.values()) or [first]


def not_offered() -> list[str]:
    """Nothing but what the suite itself leaves out."""
    return []
