"""To add an op is to add files: none of the tree is edited, and everything about the op is there afterwards."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))
from scratch_tree import ScratchTree

MATH = """// Between -1 and 1, approached more slowly than tanh does.
#pragma once
#include "simd/formula.h"

namespace pt {
namespace PT_ISA {

template <class V>
PT_FN V softsign(V x) { return x / (V(1) + abs(x)); }

PT_MATH(softsign, 1, Float);

}  // namespace PT_ISA
}  // namespace pt
"""
SPEC = """#include "ops/functional.h"
#include "ops/op.h"

namespace pt {

static const Op* softsign = define("softsign")
    .in("x", Takes::Float)
    .elementwise()
    .floats()
    .saves({true})
    .vjp([](const VjpContext& c) -> Tensors {
      const Tensor scale = 1.0 + apply1("abs", {c.in[0]});
      return {c.grad[0] / fn::square(scale)};
    })
    .doc("softsign(x): x / (1 + |x|).", ">>> pt.softsign(pt.ones((2,))).shape\\n(2,)");

}  // namespace pt
"""
CASES = '''"""Cases of softsign; the reference is x / (1 + |x|) in NumPy."""

import numpy as np
from kit import Array, Case, normal, unary


def reference(x: Array) -> Array:
    return x / (1 + np.abs(x))


K = 2
CASES = unary(normal)
BENCH = [Case(normal((64, 64)))]
'''
FILES = {"cpp/ops/softsign/math.h": MATH, "cpp/ops/softsign/spec.cpp": SPEC, "tests/cases/softsign.py": CASES}


@pytest.mark.slow
def test_an_op_is_added_with_new_files_alone(tmp_path: Path) -> None:
    tree = ScratchTree(tmp_path / "tree")
    for name, text in FILES.items():
        path = tree.folder / name
        assert not path.exists()
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    tree.build()
    shown = tree.python(
        "import powertrain as pt; print(pt.softsign(pt.tensor([1.0, -3.0])).numpy()); help(pt.softsign)"
    )
    assert shown.startswith("[ 0.5  -0.75]")
    assert "x / (1 + |x|)" in shown
    oracles = tree.pytest("tests/test_ops.py", "-k", "softsign or case_file")
    assert oracles.returncode == 0, oracles.stdout
    assert "test_gradient" in tree.pytest("tests/test_ops.py", "--collect-only", "-k", "softsign").stdout
    benchmark = tree.pytest("benchmarks/test_ops_bench.py", "--benchmark-only", "-k", "softsign")
    assert benchmark.returncode == 0 and "1 passed" in benchmark.stdout, benchmark.stdout
