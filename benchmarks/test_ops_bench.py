"""The BENCH cases of every op's case file, in float32."""

from __future__ import annotations

from typing import Any

import pytest

import powertrain as pt
from calls import SPECS, to_tensor
from kit import Case, case_files

BENCHES = [(name, case) for name, module in case_files().items() for case in module.BENCH if name in SPECS]


@pytest.mark.parametrize(("name", "case"), BENCHES, ids=[f"{name} {case}" for name, case in BENCHES])
def test_op(benchmark: Any, name: str, case: Case) -> None:
    benchmark.group = name
    inputs, rest = case.make("float32")
    inputs, rest = to_tensor(inputs, "float32"), {key: to_tensor(value, "float32") for key, value in rest.items()}
    benchmark(getattr(pt, name), *inputs, **rest)
