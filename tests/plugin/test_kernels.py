"""Kernel plugins in the engine: eager, traced, fused, with gradients, threads and failures."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from c_library import build, needs_compiler
from powertrain import _core
from powertrain.conformance.memory import prepare
from powertrain.plugin import Case, CLibrary, Kernel, NoParams, param, record

SOURCE = r"""
#include <math.h>
#include <powertrain.h>
POWERTRAIN_PLUGIN

#define DEFINE(T, name, exponential)                                                                      \
  PT_EXPORT void swish_##name(int64_t n, T* out, const T* const* in, const double* attributes) {          \
    for (int64_t i = 0; i < n; ++i) out[i] = in[0][i] / (1 + exponential(-(T)attributes[0] * in[0][i]));  \
  }                                                                                                       \
  PT_EXPORT void swish_slope_##name(int64_t n, T* out, const T* const* in, const double* attributes) {    \
    for (int64_t i = 0; i < n; ++i) {                                                                     \
      const T a = (T)attributes[0], x = in[0][i], s = 1 / (1 + exponential(-a * x));                      \
      out[i] = s + a * x * s * (1 - s);                                                                   \
    }                                                                                                     \
  }                                                                                                       \
  PT_EXPORT void pick_##name(int64_t n, T* out, const T* const* in, const double* attributes) {           \
    (void)attributes;                                                                                     \
    for (int64_t i = 0; i < n; ++i) out[i] = in[0][i] > in[1][i] ? in[0][i] : in[2][i];                   \
  }                                                                                                       \
  PT_EXPORT int32_t rows_##name(const PtCall* call) {                                                     \
    const T* x = call->inputs[0].data;                                                                    \
    T* y = call->outputs[0].data;                                                                         \
    const int64_t m = call->inputs[0].shape[1];                                                           \
    for (int64_t i = call->begin; i < call->end; ++i) {                                                   \
      if (x[i * m] > 100) return pt_fail(call, "received a row that begins above 100; expected less; scale it"); \
      T sum = 0;                                                                                          \
      for (int64_t j = 0; j < m; ++j) sum += x[i * m + j];                                                \
      for (int64_t j = 0; j < m; ++j) y[i * m + j] = x[i * m + j] - sum / m;                              \
    }                                                                                                     \
    return 0;                                                                                             \
  }
DEFINE(float, f32, expf)
DEFINE(double, f64, exp)

/* Two outputs: the rows of a table that are named, and how often each row was; and attributes of every kind. */
PT_EXPORT int32_t lookup(const PtCall* call) {
  const float* table = call->inputs[0].data;
  const int64_t* index = call->inputs[1].data;
  float* rows = call->outputs[0].data;
  int64_t* counts = call->outputs[1].data;
  const PtAttribute* a = call->attributes;
  const int64_t n = call->inputs[1].shape[0], m = call->inputs[0].shape[1], size = call->inputs[0].shape[0];
  const int wanted = a[0].kind == PT_ATTRIBUTE_BOOL && a[1].kind == PT_ATTRIBUTE_INTEGER && a[1].value.integer == 7 &&
                     a[2].kind == PT_ATTRIBUTE_TEXT && a[2].count == 3 && a[2].value.text[2] == 'z' &&
                     a[3].kind == PT_ATTRIBUTE_INTEGERS && a[3].count == 2 && a[3].value.integers[1] == 5;
  if (!wanted) return pt_fail(call, "the attributes are others");
  for (int64_t i = 0; i < size; ++i) counts[i] = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float sign = a[0].value.integer ? -1 : 1;
    for (int64_t j = 0; j < m; ++j) rows[i * m + j] = sign * table[index[i] * m + j];
    ++counts[index[i]];
  }
  return 0;
}
PT_EXPORT int32_t add_one(const PtCall* call) {
  ((float*)call->outputs[0].data)[0] = ((const float*)call->inputs[0].data)[0] + 1;
  return 0;
}
"""
pytestmark = needs_compiler


@dataclass(frozen=True)
class Slope:
    slope: float = param(1.0, above=0)


@dataclass(frozen=True)
class Kinds:
    negate: bool = False
    number: int = 7
    word: str = "xyz"
    sizes: tuple[int, ...] = (3, 5)


@dataclass(frozen=True)
class Kernels:
    swish: Kernel
    slope: Kernel
    pick: Kernel
    rows: Kernel
    lookup: Kernel
    add_one: Kernel


@pytest.fixture(scope="module")
def k(tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    library = build(SOURCE, tmp_path_factory.mktemp("kernels") / "library.so")

    def both(name: str) -> CLibrary:
        return CLibrary(library, float32=f"{name}_f32", float64=f"{name}_f64")

    slope = Kernel("swish_slope", both("swish_slope"), params=Slope, elementwise=True, vjp="reference",
                   reference=lambda x, slope: _derivative(x, slope))  # fmt: skip
    swish = Kernel(
        "swish", both("swish"), params=Slope, elementwise=True, flops=10,
        vjp=lambda inputs, outputs, grads, slope: grads[0] * k_slope(inputs[0], slope=slope),
        reference=lambda x, slope: x * pt.sigmoid(x * slope),
    )  # fmt: skip
    k_slope = slope
    pick = Kernel("pick", both("pick"), inputs=["a", "b", "c"], elementwise=True)
    rows = Kernel("centre_rows", both("rows"), split=True, vjp="reference", flops=3,
                  reference=lambda x: x - pt.mean(x, axis=1, keepdims=True))  # fmt: skip
    lookup = Kernel(
        "lookup", CLibrary(library, float32="lookup"), inputs={"table": "float", "index": "integer"}, params=Kinds,
        outputs=2, shape=lambda table, index, **_: [(*index, table[1]), (table[0],)], dtypes=["float32", "int64"],
    )  # fmt: skip
    return Kernels(swish, slope, pick, rows, lookup, Kernel("add_one", CLibrary(library, float32="add_one")))


def _derivative(x: Any, slope: float) -> Any:
    s = pt.sigmoid(x * slope)
    return s + x * slope * s * (1.0 - s)


def normal(*shape: int, dtype: str = "float32") -> Any:
    return np.random.Generator(np.random.Philox(7)).normal(size=shape).astype(dtype)


def names(step: Any) -> list[str]:
    return [instruction["name"] for instruction in step.programs[0]["instructions"]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (130, 33), (2, 3, 1111)])
def test_elementwise_eagerly_and_compiled(k: Kernels, shape: tuple[int, ...], dtype: str) -> None:
    x = normal(*shape, dtype=dtype)
    eager = k.swish(pt.tensor(x), slope=1.5)
    assert str(eager.dtype).endswith(dtype)
    np.testing.assert_allclose(eager.numpy(), x / (1 + np.exp(-1.5 * x)), rtol=1e-5)
    compiled = pt.compile(lambda x: k.swish(x, slope=1.5))(pt.tensor(x))
    assert compiled.numpy().tobytes() == eager.numpy().tobytes()


@pytest.mark.parametrize("dtype", ["float16", "int32", "bool"])
def test_other_dtypes_are_computed_in_float32(k: Kernels, dtype: str) -> None:
    x = (normal(40) * 4).astype(dtype)
    made = k.swish(pt.tensor(x))
    wanted = k.swish(pt.tensor(x.astype("float32"))).numpy()
    assert made.numpy().tobytes() == wanted.astype("float16" if dtype == "float16" else "float32").tobytes()


def test_inputs_broadcast_and_may_be_strided(k: Kernels) -> None:
    a, b, c = normal(4, 1, 70), normal(33, 1), normal(70, 33)
    made = k.pick(pt.tensor(a), pt.tensor(b), pt.tensor(c).T)
    wanted = np.where(a > b, a, c.T)
    assert made.numpy().tobytes() == np.ascontiguousarray(wanted.astype("float32")).tobytes()
    number = k.pick(pt.tensor(a), 0.25, pt.tensor(a) * 2.0)
    assert number.numpy().tobytes() == np.where(a > np.float32(0.25), a, a * 2).tobytes()
    constant = pt.compile(lambda a: k.pick(a, 0.25, k.pick(0.5, 0.75, -1.0)) + 1.0)(pt.tensor(a))
    assert constant.numpy().tobytes() == (np.where(a > np.float32(0.25), a, np.float32(-1)) + np.float32(1)).tobytes()


def test_it_fuses_with_its_neighbours(k: Kernels) -> None:
    def step(x: Any) -> Any:
        return k.swish(x * 2.0 + 1.0) - pt.mean(k.swish(x), axis=-1, keepdims=True)

    x = pt.tensor(normal(300, 65))
    compiled = pt.compile(step)
    made = compiled(x)
    assert len(names(compiled)) == 1 and "swish" in names(compiled)[0]
    assert made.numpy().tobytes() == step(x).numpy().tobytes()


@pytest.mark.parametrize("columns", [40, 3000, 20000])
def test_per_row_values_go_through_it(k: Kernels, columns: int) -> None:
    def step(x: Any) -> Any:
        return x * k.swish(pt.sum(x, axis=-1, keepdims=True))

    x = pt.tensor(normal(50, columns))
    assert pt.compile(step)(x).numpy().tobytes() == step(x).numpy().tobytes()


def test_it_is_the_epilogue_of_a_product(k: Kernels) -> None:
    def step(x: Any, w: Any, b: Any) -> Any:
        return k.swish(x @ w + b, slope=2.0)

    given = [pt.tensor(normal(*shape)) for shape in ((70, 40), (40, 50), (50,))]
    compiled = pt.compile(step)
    made = compiled(*given)
    assert any(re.match(r"matmul -> .*swish", name) for name in names(compiled)), names(compiled)
    assert made.numpy().tobytes() == step(*given).numpy().tobytes()


def test_its_gradient_is_another_kernel(k: Kernels) -> None:
    w = pt.Slot(pt.tensor(normal(6, 5)), "w", trainable=True)

    def loss() -> Any:
        return pt.sum(k.swish(w.value, slope=1.25))

    _, (eager,) = pt.nn.value_and_grad([w], loss)()
    _, (compiled,) = pt.compile(lambda: pt.nn.value_and_grad([w], loss)())()
    assert eager.numpy().tobytes() == compiled.numpy().tobytes()
    np.testing.assert_allclose(eager.numpy(), _derivative(w.value, 1.25).numpy(), rtol=1e-5)
    second = pt.grad(lambda x: pt.sum(pt.grad(lambda y: pt.sum(k.swish(y)))(x)))
    x = pt.tensor(normal(8, dtype="float64"))
    other = pt.grad(lambda x: pt.sum(_derivative(x, 1.0)))(x)
    np.testing.assert_allclose(second(x).numpy(), other.numpy(), rtol=1e-9)


def test_gradients_of_what_was_broadcast_are_summed(k: Kernels) -> None:
    add = Kernel("sum_of_two", k.pick.forward, inputs=["a", "b", "c"], elementwise=True,
                 vjp=lambda inputs, outputs, grads: (grads[0], None, grads[0] * 2.0))  # fmt: skip
    a, b, c = (pt.tensor(normal(*shape)) for shape in ((4, 5), (1,), (5,)))
    _, back = pt.vjp(lambda a, b, c: add(a, b, c), a, b, c)
    first, second, third = back(pt.ones((4, 5)))
    assert (first.shape, second.shape, third.numpy().tolist()) == ((4, 5), (1,), [8.0] * 5)
    assert not second.numpy().any()


def test_a_missing_gradient_is_an_error_when_the_step_is_planned(k: Kernels) -> None:
    w = pt.Slot(pt.tensor(normal(3)), "w", trainable=True)

    @pt.compile
    def step() -> Any:
        _, grads = pt.nn.value_and_grad([w], lambda: pt.sum(k.pick(w.value, 0.0, 1.0)))()
        w.value = w.value - grads[0]

    before = w.numpy().tobytes()
    text = r"\[pick\] has no gradient, and a gradient through it is wanted \(.*test_kernels.py"
    with pytest.raises(pt.Error, match=text):
        step()
    assert w.numpy().tobytes() == before


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_rows_are_shared_among_threads(k: Kernels, threads: int) -> None:
    x = normal(3000, 65)
    before = pt.get_threads()
    pt.set_threads(threads)
    try:
        eager = k.rows(pt.tensor(x))
        step = pt.compile(lambda x: k.rows(x))
        compiled = step(pt.tensor(x))
    finally:
        pt.set_threads(before)
    assert step.programs[0]["instructions"][0]["chunks"] > 1
    wanted = np.concatenate([k.rows(pt.tensor(x[i : i + 1])).numpy() for i in range(0, 3000, 100)])
    assert eager.numpy()[::100].tobytes() == compiled.numpy()[::100].tobytes() == wanted.tobytes()


def test_the_reference_may_be_what_is_differentiated(k: Kernels) -> None:
    x = pt.tensor(normal(4, 6, dtype="float64"))
    weights = pt.tensor(normal(4, 6, dtype="float64") + 1)
    given = pt.grad(lambda x: pt.sum(k.rows(x) * weights))(x)
    wanted = pt.grad(lambda x: pt.sum((x - pt.mean(x, axis=1, keepdims=True)) * weights))(x)
    assert given.numpy().tobytes() == wanted.numpy().tobytes()
    traced = pt.compile(lambda x: pt.grad(lambda x: pt.sum(k.rows(x) * weights))(x))(x)
    assert traced.numpy().tobytes() == wanted.numpy().tobytes()


def test_several_outputs_an_index_and_attributes_of_every_kind(k: Kernels) -> None:
    table, index = normal(5, 3), np.array([4, 1, 4])
    rows, counts = k.lookup(pt.tensor(table), index, negate=True)
    assert rows.numpy().tobytes() == (-table[index]).tobytes()
    assert counts.numpy().tolist() == [0, 1, 0, 0, 2]
    with pytest.raises(pt.KernelError, match=r"^\[lookup\] the attributes are others$"):
        k.lookup(pt.tensor(table), index, number=8)
    assert k.lookup(pt.tensor(table), index, sizes=[3, 5])[0].shape == (3, 3)


def test_what_a_call_may_not_be_is_said(k: Kernels) -> None:
    for call, kind, text in (
        (lambda: k.swish(normal(3), slope=-1.0), pt.ShapeError,
         "[swish] slope = -1.0; expected a number > 0; for example slope = 1.0"),
        (lambda: k.swish(normal(3), slop=1.0), pt.DTypeError,
         "[swish] slop is no parameter of swish; expected x, slope; check the spelling"),
        (lambda: k.rows(normal(2, 2, dtype="float16")), pt.DTypeError,
         "[centre_rows] received float16; expected float32 or float64, for which it has functions; convert it with"),
        (lambda: k.add_one(normal(1, dtype="float64")), pt.DTypeError, "[add_one] received float64; expected float32"),
        (lambda: Kernel("matmul", k.swish.forward)(1.0), pt.KernelError,
         "[kernel matmul] the engine has an op of that name; expected another; rename the kernel"),
        (lambda: Kernel("two", k.swish.forward, elementwise=True, outputs=2), pt.KernelError, "[kernel two] it is"),
        (lambda: Kernel("two", k.swish.forward, inputs={"x": "word"}), pt.KernelError,
         "[kernel two] the input x is of kind word; expected one of float, number, integer; choose one"),
        (lambda: Kernel("two", k.swish.forward, vjp="reference"), pt.KernelError,
         '[kernel two] vjp = "reference" without a reference; expected one in ops; pass reference='),
    ):  # fmt: skip
        with pytest.raises(kind, match=f"^{re.escape(text)}"):
            call()


def test_a_failure_has_the_message_of_the_first_part(k: Kernels) -> None:
    x = normal(3000, 65)
    x[2000:, 0] = 200
    text = "[centre_rows] received a row that begins above 100; expected less; scale it"
    with pytest.raises(pt.KernelError, match=f"^{re.escape(text)}$"):
        k.rows(pt.tensor(x))
    w = pt.Slot(pt.tensor(normal(3)), "w")

    @pt.compile
    def step(x: Any) -> Any:
        w.value = w.value + 1.0
        return pt.sum(k.rows(x))

    before = w.numpy().tobytes()
    with pytest.raises(pt.KernelError) as caught:
        step(pt.tensor(x))
    assert str(caught.value).startswith(f"{text} (at ") and "test_kernels.py:" in str(caught.value)
    assert str(caught.value).endswith("; nothing of this step was committed")
    assert w.numpy().tobytes() == before
    step(pt.tensor(normal(3000, 65)))
    assert w.numpy().tobytes() != before


def test_a_gpu_array_is_refused_without_its_gpu() -> None:
    """In a process of its own, since another test may have opened a simulated GPU in this one."""
    code = """
import powertrain as pt
import powertrain.devices.loading
powertrain.devices.loading.path_of = lambda kind: None

class Device:
    __cuda_array_interface__ = {"shape": (1,), "typestr": "<f4", "data": (0, False), "version": 3}

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

try:
    pt.asarray(Device())
except pt.DTypeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "[asarray] received Device in the memory of a GPU, which is not at hand (powertrain-cuda is not installed; "
        "pip install powertrain-cuda); expected main memory; copy it first (CuPy: cupy.asnumpy, Numba: "
        "copy_to_host)"
    )


def test_help_and_signature_come_from_the_kernel(k: Kernels) -> None:
    assert k.swish.op.__doc__ == "swish(x, slope=1.0): The kernel swish."
    assert str(k.swish.op.__signature__) == "(x, slope=1.0)"  # type: ignore[attr-defined]
    assert (
        k.swish.chosen(slope=2.0)(pt.tensor(normal(3))).numpy().tobytes()
        == k.swish(pt.tensor(normal(3)), slope=2.0).numpy().tobytes()
    )


def best(function: Callable[[], Any], turns: int = 7) -> float:
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.mark.slow
def test_a_call_costs_less_than_150_ns_beside_the_bare_one(k: Kernels) -> None:
    def chain(count: int) -> Any:
        def step(x: Any) -> Any:
            for _ in range(count):
                x = k.add_one(x)
            return x

        return pt.compile(step)

    x = pt.tensor(normal(1))
    steps = {count: chain(count) for count in (500, 1500)}
    for step in steps.values():
        step(x)
    times = {count: best(lambda step=step: [step(x) for _ in range(20)]) for count, step in steps.items()}
    each = (times[1500] - times[500]) / 20 / 1000 * 1e9
    case = Case(normal(1))
    call = prepare(k.add_one, case.inputs, [((1,), "float32")], {})
    bare = _core.time_call(k.add_one.forward.address(k.add_one, [((1,), "float32")] * 2), call.arguments, 10_000)
    print(f"in a program {each:.0f} ns, bare {bare:.1f} ns")
    assert each - bare < 150


def test_no_library_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    kernel = Kernel("nowhere", CLibrary(tmp_path / "nowhere", float32="f"), params=NoParams)
    assert kernel.op.__name__ == "nowhere"  # type: ignore[attr-defined]
    with pytest.raises(pt.KernelError, match=r"^\[library .*nowhere\] there is no such file, nor one with "):
        kernel(1.0)


def test_an_exporter_without_a_rule_for_a_kernel_gets_its_reference(k: Kernels, tmp_path: Path) -> None:
    x = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
    known = {"multiply", "sigmoid", "mean", "subtract", "sum", "divide", "reshape", "broadcast_to"}
    nodes = record(lambda x: k.swish(x, slope=2.0), [x], known).graph.nodes
    assert {node.op for node in nodes} == {"multiply", "sigmoid"}
    assert [node.op for node in record(lambda x: k.swish(x), [x], {"swish"}).graph.nodes] == ["swish"]
    assert [node.op for node in record(lambda x: k.pick(x, x, x), [x], known).graph.nodes] == ["pick"]

    class Net(pt.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = pt.nn.Linear(4, 3)

        def forward(self, x: Any) -> Any:
            return self.layer(k.swish(x, slope=2.0))

    rows = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    run = pt.fit(model=Net(), data=(rows, np.arange(60) % 3), epochs=1, folder=tmp_path / "a", verbose=False)
    made = run.export("c", tmp_path / "a.h")
    assert made.examples and made.difference <= made.allowed
