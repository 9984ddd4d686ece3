"""The BENCH cases of every op's case file in float32, in Powertrain and in each peer that has the op.

    python -m pytest benchmarks --benchmark-enable --benchmark-only -k softmax

For a quick look at one op, a new one too; a ratio needs turns: for that, `make bench-ops`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from calls import SPECS, to_array, to_tensor
from kit import Case, case_files
from peers import ops
from race.field import installed

BENCHES = [
    (name, case) for name, module in case_files().items() for case in getattr(module, "BENCH", ()) if name in SPECS
]
PEERS = [
    (framework, name, case)
    for framework in filter(installed, ops.CALLS)
    for name, case in BENCHES
    if name in ops.CALLS[framework]()
]  # fmt: skip


def ours(name: str, case: Case) -> Any:
    inputs, rest = case.make("float32")
    inputs, rest = to_tensor(inputs, "float32"), {key: to_tensor(value, "float32") for key, value in rest.items()}
    return lambda: pt.ops.functional.OPERATORS[name](*inputs, **rest)


@pytest.mark.parametrize(("name", "case"), BENCHES, ids=[f"{name} {case} powertrain" for name, case in BENCHES])
def test_op(benchmark: Any, name: str, case: Case) -> None:
    benchmark.group = f"{name} {case}"
    benchmark(ours(name, case))


@pytest.mark.parametrize(("framework", "name", "case"), PEERS, ids=[f"{n} {c} {f}" for f, n, c in PEERS])
def test_peer(benchmark: Any, framework: str, name: str, case: Case) -> None:
    inputs, rest = case.make("float32")
    inputs = inputs[0] if name == "concat" else inputs
    call = ops.prepare(framework, name, inputs, rest)
    assert call is not None
    got, want = ops.as_array(framework, name, call()), to_array(ours(name, case)())
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3, err_msg=f"{framework} does other work than {name}")
    benchmark.group = f"{name} {case}"
    benchmark(call)
