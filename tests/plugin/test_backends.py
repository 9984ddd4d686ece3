"""Backends: a step that a plugin runs does what the engine's own does, slots stay the engine's, the kit sees faults."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_check import examine
from test_discovery import distribution

import powertrain as pt
import powertrain.nn.functional as F
import wrong_backends
from numpy_backend import RULES, NumPyBackend
from powertrain.conformance import check_distribution
from powertrain.conformance.backend_cases import SPECS, calls
from powertrain.plugin import BackendError, Graph, random_uniform
from powertrain.plugin.registry import Registry

NUMPY = NumPyBackend()
X = np.random.default_rng(0).standard_normal((16, 6)).astype(np.float32)
Y = np.arange(16) % 3


class Training:
    """A small model with all that a step has: dropout, clipping, decay, two moments."""

    def __init__(self, backend: Any, **settings: Any) -> None:
        pt.random.seed(4)
        self.model = pt.nn.Sequential(pt.nn.Linear(6, 8), pt.nn.ReLU(), pt.nn.Dropout(0.5), pt.nn.Linear(8, 3))
        self.optimizer = pt.optim.AdamW(self.model, lr=1e-2, clip=1.0, **settings)

        def step(x: Any, y: Any) -> Any:
            def losses() -> tuple[Any, Any]:
                loss = F.cross_entropy(self.model(x), y, ignore_index=None)
                return self.optimizer.scaled(loss), loss

            (_, loss), gradients = pt.nn.value_and_grad(self.model, losses, has_aux=True)()
            self.optimizer.update(gradients)
            return loss

        self.step = pt.compile(step, backend=backend)

    def slots(self) -> dict[str, Any]:
        named = [*self.model.named_slots(), *self.optimizer.named_slots()]
        return {name: np.array(slot.numpy()) for name, slot in named}


def test_a_step_does_what_the_engines_own_does() -> None:
    found = []
    for backend in (None, NUMPY):
        training = Training(backend)
        losses = [float(training.step(X, Y)) for _ in range(5)]
        found.append((losses, training.slots()))
    (wanted, slots), (losses, others) = found
    np.testing.assert_allclose(losses, wanted, rtol=1e-5)
    for name, value in slots.items():
        np.testing.assert_allclose(others[name], value, rtol=1e-3, atol=1e-5, err_msg=name)


def test_random_bits_are_the_engines() -> None:
    def draws() -> Any:
        return pt.random.uniform(size=(3, 5)), pt.random.uniform(size=(7,), dtype="float64")

    pt.random.seed(9)
    own = pt.compile(draws)
    wanted = [np.array(part) for part in [*own(), *own()]]
    pt.random.seed(9)
    other = pt.compile(draws, backend=NUMPY)
    for got, want in zip([*other(), *other()], wanted, strict=True):
        np.testing.assert_array_equal(np.array(got), want)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 1023])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_uniform_for_backends(count: int, dtype: str) -> None:
    generator = pt.random.Generator(2**40 + 3, -5)
    state = np.array(generator.slot.numpy())
    want = generator.uniform(size=(count,), dtype=dtype).numpy()
    np.testing.assert_array_equal(random_uniform(np, state, (count,), 0, dtype), want)


class Counting(NumPyBackend):
    """Counts what goes to it and comes from it, by the number of elements."""

    def __init__(self) -> None:
        super().__init__()
        self.placed: list[int] = []
        self.fetched: list[int] = []

    def place(self, array: Any, dtype: str) -> Any:
        self.placed.append(array.size)
        return array

    def fetch(self, array: Any) -> Any:
        self.fetched.append(array.size)
        return array


def test_what_slots_hold_stays_there_until_somebody_reads_it() -> None:
    backend = Counting()
    training = Training(backend)
    training.step(X, Y)
    backend.placed.clear()
    backend.fetched.clear()
    training.step(X, Y)
    # The batch goes in; the loss and the flags come out. No weight travels.
    assert backend.placed == [X.size, Y.size]
    assert sorted(backend.fetched) == [1, 2]  # one flag for labels in range, one for finite gradients
    weight = dict(training.model.named_slots())["0.weight"]
    before = np.array(weight.numpy())
    assert max(backend.fetched) > 40
    training.step(X, Y)
    assert backend.placed == [X.size, Y.size] * 2  # reading changes nothing
    weight.value = pt.tensor(before)
    training.step(X, Y)
    assert max(backend.placed) >= before.size  # assigned here, so it goes there again


def test_a_slot_can_be_read_and_written_from_both_sides() -> None:
    slot = pt.Slot(pt.tensor([1.0, 2.0]), name="s")

    def add(x: Any) -> None:
        slot.value = slot.value + x

    there, here = pt.compile(add, backend=NUMPY), pt.compile(add)
    kept = slot.value
    there(pt.tensor([10.0, 10.0]))
    here(pt.tensor([100.0, 100.0]))
    there(pt.tensor([1000.0, 1000.0]))
    add(pt.tensor([0.5, 0.5]))
    there(pt.tensor([0.25, 0.25]))
    assert slot.numpy().tolist() == [1111.75, 1112.75]
    assert kept.numpy().tolist() == [1.0, 2.0]  # a tensor that was handed out stays what it is


def test_what_one_backend_holds_is_no_array_of_another() -> None:
    slot = pt.Slot(pt.zeros((3,)), name="s")

    def add(x: Any) -> None:
        slot.value = slot.value + x

    first, second = Counting(), Counting()
    one, other = pt.compile(add, backend=first), pt.compile(add, backend=second)
    one(pt.tensor(1.0))
    other(pt.tensor(10.0))
    assert first.fetched == [3]  # what the second is given comes from here
    assert second.placed == [1, 3]
    one(pt.tensor(100.0))
    assert first.placed == [1, 3, 1, 3]
    assert slot.numpy().tolist() == [111.0] * 3


def test_a_slot_that_a_backend_wrote_can_be_laid_out_flat() -> None:
    layer = pt.nn.Linear(2, 3)

    @pt.compile(backend=NUMPY)
    def double() -> None:
        layer.weight.value = layer.weight.value * 2.0

    before = np.array(layer.weight.numpy())
    double()
    optimizer = pt.optim.SGD(layer, lr=0.1)  # whose flat slot holds the weights from here on
    np.testing.assert_array_equal(layer.weight.numpy(), before * 2)
    assert dict(optimizer.params)["weight"].base is not None


def test_a_step_is_traced_again_when_its_slots_were_laid_out_flat() -> None:
    slot = pt.Slot(pt.zeros((3,)), name="s")

    @pt.compile(backend=NUMPY)
    def add() -> Any:
        slot.value = slot.value + 1.0
        return slot.value

    add()
    flat = pt.flatten_slots([slot], "flat")
    for want in (2.0, 3.0):
        assert np.array(add()).tolist() == [want] * 3
        assert slot.numpy().tolist() == [want] * 3
    slot.value = pt.zeros((3,))
    assert np.array(add()).tolist() == slot.numpy().tolist() == np.array(flat.value)[:3].tolist() == [1.0] * 3
    assert add.traces == 2 and len(add.programs) == 1


def test_an_index_out_of_range_is_the_engines_error_and_changes_nothing() -> None:
    training = Training(NUMPY)
    training.step(X, Y)
    before = training.slots()
    with pytest.raises(pt.IndexError, match=r"^\[cross_entropy\] received an index out of range at .*nothing of this"):
        training.step(X, np.full(16, 3))
    for name, value in training.slots().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)
    assert training.step.tripped


def test_what_is_not_finite_is_the_engines_error_and_changes_nothing() -> None:
    training = Training(NUMPY)
    training.step(X, Y)
    before = training.slots()
    with pytest.raises(pt.NonFiniteError, match=r"^\[guard\] received input 0 of the step .*nothing of this step"):
        training.step(X * np.float32(np.inf), Y)
    for name, value in training.slots().items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_a_phase_is_skipped_and_the_next_one_is_not() -> None:
    """A loss scale: what the update would have written stays, what lowers the scale does not."""
    training = Training(NUMPY, loss_scale=pt.optim.LossScale())
    training.step(X, Y)
    before = training.slots()
    training.step(X * np.float32(1e38), Y)
    after = training.slots()
    assert training.step.tripped
    changed = {name for name in before if before[name].tobytes() != after[name].tobytes()}
    assert changed == {"optimizer.loss_scale", "optimizer.good_steps"} or changed == {"optimizer.loss_scale"}
    assert after["optimizer.loss_scale"] == before["optimizer.loss_scale"] / 2


def test_phases_before_the_one_that_stops_stand() -> None:
    first, second = pt.Slot(pt.tensor(0.0), name="first"), pt.Slot(pt.tensor(0.0), name="second")

    def twice(x: Any) -> None:
        first.value = pt.guard(first.value + 1.0)
        pt.end_phase()
        second.value = pt.guard(second.value + first.value / x)
        pt.end_phase()

    for backend in (None, NUMPY):
        first.value, second.value = pt.tensor(0.0), pt.tensor(0.0)
        step = pt.compile(twice, backend=backend)
        step(pt.tensor(1.0))
        with pytest.raises(pt.NonFiniteError):
            step(pt.tensor(0.0))
        assert (first.value.item(), second.value.item()) == (2.0, 1.0)


def test_on_nonfinite_skip() -> None:
    total = pt.Slot(pt.tensor(0.0), name="total")

    @pt.compile(on_nonfinite="skip", backend=NUMPY)
    def add(x: Any) -> None:
        total.value = total.value + pt.guard(x)
        pt.end_phase()

    for x in (1.0, np.inf, 2.0):
        add(pt.tensor(x))
    assert total.value.item() == 3.0


def test_a_graph_holds_what_the_backend_has_rules_for() -> None:
    seen: list[Graph] = []

    class Looking(NumPyBackend):
        def compile(self, graph: Graph) -> Any:
            seen.append(graph)
            return super().compile(graph)

    softmax = pt.compile(lambda x: pt.softmax(x), backend=Looking())
    softmax(X)
    assert {node.op for node in seen[0].nodes} <= set(RULES)
    assert "softmax" not in RULES
    values = [str(seen[0].values[value]) for value in (*seen[0].inputs, *seen[0].outputs)]
    assert values == ["float32[16, 6]", "float32[16, 6]"]
    assert all("test_backends.py" in node.where for node in seen[0].nodes)
    with pytest.raises(AttributeError):
        seen[0].nodes = ()  # type: ignore[misc]
    with pytest.raises(TypeError):
        seen[0].nodes[0].attributes["axis"] = 3  # type: ignore[index]


def test_attributes_are_what_python_has() -> None:
    seen: list[Graph] = []

    class Looking(NumPyBackend):
        def compile(self, graph: Graph) -> Any:
            seen.append(graph)
            return super().compile(graph)

    pt.random.seed(3)
    pt.compile(lambda x: (pt.sum(x.astype("float64"), axis=1) > 0, pt.random.uniform(size=(2,))), backend=Looking())(X)
    nodes = {node.op: node.attributes for node in seen[0].nodes}
    assert nodes["astype"] == {"dtype": "float64"}
    assert nodes["sum"] == {"axis": (1,), "keepdims": False}
    assert nodes["random_uniform"] == {"shape": (2,), "ordinal": 0, "dtype": "float32"}


def test_an_op_without_a_rule_is_named_when_the_step_is_traced() -> None:
    slot = pt.Slot(pt.zeros((2, 2)), name="s")

    def factor(x: Any) -> Any:
        slot.value = x
        return pt.linalg.cholesky(x)

    with pytest.raises(BackendError) as raised:
        pt.compile(factor, backend=NUMPY)(np.eye(2, dtype=np.float32))
    line = factor.__code__.co_firstlineno + 2
    assert str(raised.value) == (
        f"[backend numpy] cannot run cholesky(float32[2, 2]) at {__file__}:{line} in factor; expected ops that it has "
        "a rule for (powertrain plugins show backend:numpy); leave it out of the step, or compile it without a backend"
    )
    assert slot.numpy().tolist() == [[0, 0], [0, 0]]


def test_a_dtype_that_it_lacks_is_named() -> None:
    with pytest.raises(BackendError) as raised:
        pt.compile(lambda x: x.astype("bfloat16") + 1, backend=NUMPY)(X)
    assert str(raised.value).startswith("[backend numpy] astype(float32[16, 6]) makes bfloat16[16, 6] at ")
    assert "; expected bool, float32, float64, int32, int64, uint8; convert it with astype, or" in str(raised.value)


def test_an_argument_of_a_dtype_that_it_lacks_is_named() -> None:
    with pytest.raises(BackendError) as raised:
        pt.compile(lambda x: x.astype("float32"), backend=NUMPY)(X.astype(np.float16))
    assert str(raised.value) == (
        "[backend numpy] an argument is float16[16, 6]; expected bool, float32, float64, int32, int64, uint8; convert "
        "it with astype, or compile it without a backend"
    )


def test_a_constant_of_a_dtype_that_it_lacks_is_named() -> None:
    half = pt.tensor(np.ones((6,), np.float16))
    with pytest.raises(BackendError) as raised:
        pt.compile(lambda x: (x + 1, half), backend=NUMPY)(X)
    assert str(raised.value) == (
        "[backend numpy] a constant is float16[6]; expected bool, float32, float64, int32, int64, uint8; convert it "
        "with astype, or compile it without a backend"
    )


@pytest.mark.parametrize(
    ("change", "received"),
    [(lambda one: one[1:], "float32[15, 6]"), (lambda one: one.astype("float64"), "float64[16, 6]")],
)
def test_what_it_fetches_is_looked_at(change: Any, received: str) -> None:
    class Short(NumPyBackend):
        def fetch(self, array: Any) -> Any:
            return change(array)

    with pytest.raises(BackendError) as raised:
        pt.compile(lambda x: x + x, backend=Short())(X)
    assert str(raised.value) == (
        f"[backend numpy] fetch gave {received} for an array of float32[16, 6]; expected NumPy's array of it "
        "(bfloat16: its bits as uint16); fix fetch"
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("nothing", r"^\[backend nothing\] no such backend nothing"),
        (NumPyBackend, r"^\[backend\] received NumPyBackend, a class; expected the name of a backend, or one made"),
        (3, r"^\[backend\] received int; expected the name of a backend"),
    ],
)
def test_a_backend_that_is_none(name: Any, says: str) -> None:
    with pytest.raises(BackendError, match=says):
        pt.compile(lambda x: x, backend=name)


def test_one_that_cannot_run_here_says_why() -> None:
    class Elsewhere(NumPyBackend):
        def available(self) -> str:
            return "there is no such device; expected one; plug it in"

    with pytest.raises(BackendError) as raised:
        pt.compile(lambda x: x, backend=Elsewhere())
    assert str(raised.value) == (
        "[backend numpy] it cannot run here: there is no such device; expected one; plug it in; or compile it without "
        "a backend"
    )


def test_what_it_gives_is_looked_at_before_it_counts() -> None:
    class Short(NumPyBackend):
        def compile(self, graph: Graph) -> Any:
            run = super().compile(graph)
            return lambda arrays: [one.astype("float64") for one in run(arrays)]

    slot = pt.Slot(pt.zeros(2), name="s")

    def add(x: Any) -> None:
        slot.value = slot.value + x

    with pytest.raises(BackendError, match=r"gave float64\[2\] as output 0; expected float32\[2\]; fix its compile"):
        pt.compile(add, backend=Short())(np.ones(2, np.float32))
    assert slot.numpy().tolist() == [0, 0]


def test_what_it_raises_is_told_with_its_name() -> None:
    class Full(NumPyBackend):
        def compile(self, graph: Graph) -> Any:
            def run(arrays: Any) -> Any:
                raise MemoryError("no room on the device")

            return run

    with pytest.raises(BackendError) as raised:
        pt.compile(lambda x: x + x, backend=Full())(X)
    assert str(raised.value) == (
        "[backend numpy] running the step failed: MemoryError: no room on the device; expected arrays; compile it "
        "without a backend; nothing of this step was committed"
    )


def test_profiling_wants_the_engines_own() -> None:
    double = pt.compile(lambda x: x + x, backend=NUMPY)
    double(X)
    assert "add" in double.programs[0]["graph"] and "add" in double.describe()
    with pytest.raises(pt.Error, match="is run by a backend; expected one of the engine's own programs to profile"):
        double.profile(X)


def test_every_op_of_a_traced_program_has_calls_to_try_it_by() -> None:
    # What a program never holds: the engine puts other ops in their place, or makes them itself.
    never = {
        "boundary", "check_index", "check_true", "committed", "copy", "flat_view", "guard", "pack", "stop_gradient",
        "update_flat_view",
    }  # fmt: skip
    dtypes = ("bool", "uint8", "int32", "int64", "float32", "float64", "complex64", "complex128")
    primitive = [name for name, spec in SPECS.items() if not spec["has_compose"] and name not in never]
    assert [name for name in primitive if not calls(name, dtypes)] == []


# What the kit finds.


@pytest.mark.parametrize("name", wrong_backends.WRONG)
def test_a_wrong_backend_is_named_with_its_fault(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, text, source = wrong_backends.WRONG[name]
    found = examine("backend", f"backend-{name}", source, tmp_path, monkeypatch)
    assert code in [one.code for one in found], "\n".join(one.line() for one in found) or "no finding"
    one = next(one for one in found if one.code == code)
    assert text in one.line()
    assert one.where and one.expected and one.fix


def test_a_right_backend_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert examine("backend", "backend-right", wrong_backends.RIGHT, tmp_path, monkeypatch) == []


def test_one_that_is_not_here_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = examine("backend", "backend-away", wrong_backends.NOT_HERE, tmp_path, monkeypatch)
    assert [one.code for one in found] == ["not-here"]


def test_one_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(tmp_path, "hangs", "[powertrain.v1.backend]\nhangs = hangs:it\n", wrong_backends.HANGS)
    monkeypatch.syspath_prepend(str(tmp_path))
    checked = check_distribution(Registry(lambda: sys.path), "hangs", seconds=1.5)
    assert [one.code for one in checked[0].findings] == ["hang"]
