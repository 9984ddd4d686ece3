"""The examples in the docstrings of the Python packages run as they stand."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.ops.functional import documentation

ROOT = Path(pt.__file__).parent
SKLEARN = () if importlib.util.find_spec("sklearn") else ("sklearn/",)  # an extra
ONNX = () if importlib.util.find_spec("powertrain_onnx") else ("onnx.py",)  # of a distribution of its own
# Every module of the installed package that shows an example; templates are text.
MODULES = sorted(
    ".".join(("powertrain", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
    and not str(path.relative_to(ROOT)).startswith(("cli/templates/", *SKLEARN, *ONNX))
)


def test_examples_are_found() -> None:
    assert len(MODULES) > 60


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    # In powertrain itself names such as round are ours, and a user's are not.
    own = {} if name == "powertrain" else None
    found = doctest.testmod(importlib.import_module(name), globs=own, extraglobs={"pt": pt, "np": np})
    assert found.failed == 0


# What is written in C++, in whose docstrings doctest does not look by itself. Those of ops run in tests/ops.
CORE = ("DType", "Slot", "Tensor", "asarray", "end_phase", "get_threads", "isa", "set_threads", "tensor")


@pytest.mark.parametrize("name", CORE)
def test_examples_of_the_core(name: str) -> None:
    parser = doctest.DocTestParser()
    test = parser.get_doctest(documentation(getattr(pt, name)), {"np": np}, name, None, 0)
    assert test.examples and doctest.DocTestRunner().run(test).failed == 0
