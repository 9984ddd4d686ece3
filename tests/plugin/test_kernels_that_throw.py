"""A kernel in C++ from which an exception escapes: the check says that it threw, and what to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_check import examine

from c_library import CPP_COMPILER, build_cpp

SOURCE = """
#include <powertrain.h>
#include <stdexcept>
POWERTRAIN_PLUGIN
PT_EXPORT int32_t same(const PtCall* call) {
  if (call->inputs[0].shape[0] == 0) throw std::runtime_error("no rows");
  const float* x = static_cast<const float*>(call->inputs[0].data);
  float* y = static_cast<float*>(call->outputs[0].data);
  const int64_t columns = call->inputs[0].shape[1];
  for (int64_t i = call->begin * columns; i < call->end * columns; ++i) y[i] = x[i];
  return 0;
}
"""
PLUGIN = """
from pathlib import Path
import numpy as np
from powertrain.plugin import Case, CLibrary, Kernel
it = Kernel("same_rows", CLibrary(Path(__file__).with_name("throwing"), float32="same"), split=True,
            reference=lambda x: x * 1.0, vjp="reference", cases=[Case(np.ones((5, 7))), Case(np.zeros((0, 3)))])
"""


@pytest.mark.skipif(CPP_COMPILER is None, reason="no C++ compiler")
def test_an_exception_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build_cpp(SOURCE, tmp_path / "throwing.so")
    (found,) = examine("kernel", "throwing", PLUGIN, tmp_path, monkeypatch)
    assert found.code == "fails" and "a function of the kernel threw an exception (no rows)" in found.line()
    assert found.line().endswith("expected a status; catch it inside of the function, and end with return "
                                 "pt_fail(call, message)")  # fmt: skip
