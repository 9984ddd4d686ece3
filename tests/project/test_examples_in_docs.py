"""The examples in the docstrings of the Python packages run as they stand."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt

ROOT = Path(pt.__file__).parent
SKLEARN = () if importlib.util.find_spec("sklearn") else ("sklearn/",)  # an extra
# Every module of the installed package that shows an example; templates are text.
MODULES = sorted(
    ".".join(("powertrain", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
    and not str(path.relative_to(ROOT)).startswith(("cli/templates/", *SKLEARN))
)


def test_examples_are_found() -> None:
    assert len(MODULES) > 60


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    found = doctest.testmod(importlib.import_module(name), extraglobs={"pt": pt, "np": np})
    assert found.failed == 0
