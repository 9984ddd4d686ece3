"""What a program is made of, and that it asks nothing of its device during a step."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.cli.bench.arrays import WORKLOADS
from powertrain.cli.bench.steps import batches, build


def training(name: str) -> tuple[object, tuple[pt.Tensor, pt.Tensor]]:
    model = build(name)
    optimizer = pt.optim.AdamW(model, lr=1e-3, weight_decay=0.01)

    @pt.compile
    def step(x: pt.Tensor, y: pt.Tensor) -> pt.Tensor:
        loss, grads = pt.nn.value_and_grad(model, lambda: F.cross_entropy(model(x), y))()
        optimizer.update(grads)
        return loss

    return step, batches(WORKLOADS[name])[0]


@pytest.mark.parametrize("name", ["mlp_tiny", "mlp_mnist", "lenet", "gpt_char", "lstm"])
def test_a_recording_device_is_told_the_same_and_asked_nothing(name: str) -> None:
    step, batch = training(name)
    step(*batch)  # type: ignore[operator]
    program = step.programs[0]  # type: ignore[attr-defined]
    events = step.record(*batch)  # type: ignore[attr-defined]
    again = step.record(*batch)  # type: ignore[attr-defined]
    assert events == again
    kinds = [kind for kind, _ in events]
    assert kinds[0] == "begin" and kinds[-1] == "end" and "wait" not in kinds
    launches = [launch for kind, launch in events if kind in ("launch", "commit")]
    assert launches == list(range(len(program["instructions"]))), "every instruction once, in order"
    first_guard = kinds.index("guard")
    assert "commit" not in kinds[:first_guard], "nothing is committed before the guard"
    assert "commit" in kinds[first_guard:]


def test_two_traces_of_one_step_are_one_program() -> None:
    """The same instruction list and memory plan each time: nothing depends on addresses or on the order of a hash."""
    plans = []
    for _ in range(2):
        step, batch = training("gpt_char")
        step(*batch)  # type: ignore[operator]
        plans.append((step.programs[0]["instructions"], step.programs[0]["arena_bytes"], step.describe()))  # type: ignore[attr-defined]
    assert plans[0] == plans[1]


def test_a_large_model_is_traced_quickly() -> None:
    step, batch = training("gpt2_124m")
    step(*batch)  # type: ignore[operator]
    seconds = step.programs[0]["trace_seconds"]  # type: ignore[attr-defined]
    assert seconds < 1.5, f"tracing and planning 124 million parameters took {seconds:.2f} s"


def test_gradients_are_written_where_the_optimizer_reads_them() -> None:
    step, batch = training("mlp_mnist")
    step(*batch)  # type: ignore[operator]
    names = [i["name"] for i in step.programs[0]["instructions"]]  # type: ignore[attr-defined]
    assert names.count("pack") <= 1, "packing copies nothing: at most the gaps are zeroed"


@pytest.mark.parametrize(("order", "copies"), [((0, 1), False), ((1, 0), True)])
def test_pieces_of_a_flat_value_in_their_places_are_that_value(order: tuple[int, int], copies: bool) -> None:
    flat = pt.flatten_slots([pt.Slot(np.ones((2, 16), np.float32)), pt.Slot(np.zeros((2, 16), np.float32))], "flat")
    pieces = pt.flat_like(flat, "pieces")
    pieces.views[1].value = np.full((2, 16), 5, np.float32)
    step = pt.compile(lambda: pt.pack([pieces.views[i].value for i in order], flat) * 2.0)
    first, second = step().numpy().reshape(2, 32).tolist()
    assert {*first} == {10.0 * order[0]} and {*second} == {10.0 * order[1]}
    assert (len(step.programs[0]["instructions"]) > 1) is copies


def test_views_that_change_nothing_do_not_part_what_can_be_fused() -> None:
    @pt.compile
    def step(x: pt.Tensor) -> pt.Tensor:
        return pt.reshape(pt.stop_gradient(x * 2.0), (4, 5)) + 1.0

    assert step(np.ones((4, 5), np.float32)).numpy().tolist() == [[3.0] * 5] * 4
    assert len(step.programs[0]["instructions"]) == 1


def test_other_threads_run_during_a_step() -> None:
    """A step that takes milliseconds lets go of the interpreter."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(1024, 1024)).astype(np.float32)
    product = pt.compile(lambda x: pt.matmul(pt.matmul(pt.matmul(x, x), x), x))
    product(a)
    ticks = 0
    done = threading.Event()

    def tick() -> None:
        nonlocal ticks
        while not done.is_set():
            ticks += 1
            time.sleep(0.0005)

    thread = threading.Thread(target=tick)
    thread.start()
    before = ticks
    for _ in range(5):
        product(a)
    gained = ticks - before
    done.set()
    thread.join()
    assert gained > 5, f"another thread got on {gained} times during five long steps"


def test_the_executor_costs_little() -> None:
    """Above its kernels, an instruction costs under 100 ns: the same work as one call and as a hundred."""
    x = np.ones((1, 16), np.float32)

    def chain(n: int) -> object:
        def f(t: pt.Tensor) -> pt.Tensor:
            for _ in range(n):
                t = t * 1.0009765625
            return t

        return pt.compile(f, fuse=False)

    def seconds(step: object) -> float:
        step(x)  # type: ignore[operator]
        best = 1.0
        for _ in range(300):
            start = time.perf_counter()
            step(x)  # type: ignore[operator]
            best = min(best, time.perf_counter() - start)
        return best

    long, short = chain(401), chain(1)
    per_instruction = (seconds(long) - seconds(short)) / 400
    kernel = float(np.min([long.profile(x) for _ in range(50)], axis=0).mean())  # type: ignore[attr-defined]
    assert per_instruction - kernel < 100e-9, f"{per_instruction * 1e9:.0f} ns, the kernel {kernel * 1e9:.0f} ns"


def test_two_threads_may_call_one_step() -> None:
    weight = pt.Slot(pt.tensor(np.zeros(64, np.float32)), name="weight")

    @pt.compile
    def add(x: pt.Tensor) -> pt.Tensor:
        weight.value = weight.value + x
        return weight.value.sum()

    one = np.ones(64, np.float32)
    add(one)
    threads = [threading.Thread(target=lambda: [add(one) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert weight.numpy().tolist() == [801.0] * 64


def test_a_tensor_that_was_handed_out_keeps_its_value() -> None:
    weight = pt.Slot(pt.tensor(np.zeros(8, np.float32)), name="weight")

    @pt.compile
    def add(x: pt.Tensor) -> None:
        weight.value = weight.value + x

    kept, array = weight.value, weight.numpy()
    add(np.ones(8, np.float32))
    assert kept.numpy().tolist() == [0.0] * 8 and array.tolist() == [0.0] * 8
    assert weight.numpy().tolist() == [1.0] * 8


def test_old_values_are_read_before_they_are_overwritten() -> None:
    a, b = pt.Slot(pt.tensor([1.0, 2.0]), name="a"), pt.Slot(pt.tensor([3.0, 4.0]), name="b")

    @pt.compile
    def swap() -> tuple[pt.Tensor, pt.Tensor]:
        old = a.value, b.value
        a.value, b.value = b.value, a.value
        return old

    first, second = swap()
    assert (first.numpy().tolist(), second.numpy().tolist()) == ([1.0, 2.0], [3.0, 4.0])
    assert (a.numpy().tolist(), b.numpy().tolist()) == ([3.0, 4.0], [1.0, 2.0])


@pytest.mark.parametrize("shape", [(2, 1, 5, 1), (1, 3, 5, 2), (2, 1, 1, 2), (2, 1, 5, 2), (2, 3, 5, 1), (2,), (1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "int64"])
def test_a_convolution_meets_what_broadcasts_over_some_of_its_axes(shape: tuple[int, ...], dtype: str) -> None:
    """Such as the scale of each image's channels."""
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, 5, 3)).astype("float32"), rng.normal(size=(3, 3, 3, 2)).astype("float32")
    other = (10 * rng.normal(size=shape)).astype(dtype)

    def step(x: pt.Tensor, w: pt.Tensor, other: pt.Tensor) -> pt.Tensor:
        return pt.relu(F.conv2d(x, w, padding=(1,)) * other) - other

    assert np.array_equal(pt.compile(step)(x, w, other).numpy(), step(x, w, other).numpy())


def test_fused_groups_do_not_wait_for_each_other_by_way_of_a_third() -> None:
    def step(x: pt.Tensor, y: pt.Tensor) -> tuple[pt.Tensor, ...]:
        cut, curved = F.relu6(x), pt.erf(y)
        counted = pt.logaddexp(curved, pt.count_nonzero(cut, axis=(0, 1)))
        sums = pt.logsumexp(pt.log1p(cut - curved), axis=-2, keepdims=True)
        return sums, pt.roll(pt.ops.functional.OPERATORS["pad"](counted, before=(1,), after=(1,)), 2, axis=-1)

    x, y = pt.tensor([[1.5, 2.5]]), pt.tensor([0.3, 0.7])
    for one, other in zip(pt.compile(step)(x, y), step(x, y), strict=True):
        assert np.array_equal(one.numpy(), other.numpy())


def test_members_of_a_fused_group_stand_in_the_order_of_the_calls() -> None:
    """In the name, and so for the line that an error of the group shows, though the second joined them last."""
    step = pt.compile(lambda x, y: pt.exp(x) + pt.sin(y))
    step(pt.ones(8), pt.ones(8))
    assert [i["name"] for i in step.programs[0]["instructions"]] == ["fused exp+sin+add"]


def test_a_few_long_rows_are_reduced_apart_so_that_threads_share_them() -> None:
    """Many rows are one program."""

    def shares(x: pt.Tensor) -> pt.Tensor:
        return x / pt.sum(x, axis=1, keepdims=True)

    def made(function: Callable[[pt.Tensor], pt.Tensor], *shape: int) -> list[dict[str, Any]]:
        step, x = pt.compile(function), pt.tensor(np.random.default_rng(0).normal(size=shape).astype(np.float32))
        np.testing.assert_array_equal(step(x).numpy(), function(x).numpy())
        return list(step.programs[0]["instructions"])

    few = made(shares, 2, 200_000)
    assert few[-1]["name"] == "divide" and all("divide" not in i["name"] for i in few[:-1]), few
    assert few[-1]["chunks"] > 2, few
    assert [i["name"] for i in made(shares, 200, 2_000)] == ["fused sum+divide"]


def test_a_slot_is_given_a_value_from_the_middle_of_a_fused_group() -> None:
    slot = pt.Slot(np.zeros(9, np.float32), name="slot")

    @pt.compile
    def step(x: pt.Tensor) -> pt.Tensor:
        doubled = x * 2
        slot.value = doubled
        return pt.exp(doubled) + 1

    step(np.arange(9, dtype=np.float32))
    assert slot.numpy().tolist() == [2.0 * i for i in range(9)]


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "int8"])
@pytest.mark.parametrize(("shape", "axis"), [((3, 4, 5), 0), ((3, 4, 35), 1), ((3, 20, 67), 2)])
def test_what_is_only_joined_is_made_in_its_place(shape: tuple[int, int, int], axis: int, dtype: str) -> None:
    """Also behind a reshape, or of each row. Rows that are no whole vectors leave what is beside them alone."""
    rng = np.random.default_rng(axis)
    x, y = (pt.tensor(rng.normal(size=shape) * 9).astype(dtype) for _ in range(2))

    def joined(x: pt.Tensor, y: pt.Tensor) -> tuple[pt.Tensor, pt.Tensor]:
        flat = pt.reshape(pt.abs(pt.reshape(x, (*shape, 1))) * 2, shape)
        rows = pt.max(x * 2, axis=2) - pt.min(y, axis=2)
        return pt.concat([flat, pt.maximum(x, y), pt.square(y)], axis=axis), pt.concat([rows, rows + 1], axis=0)

    step = pt.compile(joined)
    for compiled, eager in zip(step(x, y), joined(x, y), strict=True):
        np.testing.assert_array_equal(compiled.astype("float64").numpy(), eager.astype("float64").numpy())
    names = [i["name"] for i in step.programs[0]["instructions"]]
    assert "concat" not in names, names


def test_short_rows_are_joined_by_a_copy() -> None:
    """One by one they would be written more slowly than they are copied."""
    x = pt.tensor(np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32))
    step = pt.compile(lambda x: pt.concat([pt.exp(x), pt.tanh(x)], axis=1))
    np.testing.assert_array_equal(step(x).numpy(), np.concatenate([pt.exp(x).numpy(), pt.tanh(x).numpy()], axis=1))
    names = [i["name"] for i in step.programs[0]["instructions"]]
    assert names.count("concat") == 2, names


@pytest.mark.parametrize("causal", [False, True])
def test_gradients_that_are_only_joined_are_made_in_their_place(causal: bool) -> None:
    """Behind a reshape: those of q, k and v, which come from one buffer."""
    rng = np.random.default_rng(causal)
    qkv = pt.tensor(rng.normal(size=(2, 5, 3 * 8)).astype(np.float32))
    g = pt.tensor(rng.normal(size=(2, 5, 2, 4)).astype(np.float32))

    def attend(qkv: pt.Tensor) -> pt.Tensor:
        q, k, v = (pt.reshape(part, (2, 5, 2, 4)) for part in pt.split(qkv, 3, axis=2))
        return pt.ops.functional.OPERATORS["scaled_dot_product_attention"](q, k, v, is_causal=causal)

    def gradient(qkv: pt.Tensor, g: pt.Tensor) -> pt.Tensor:
        pull: Callable[[pt.Tensor], list[pt.Tensor]] = pt.vjp(attend, qkv)[1]
        return pull(g)[0]

    step = pt.compile(gradient)
    np.testing.assert_array_equal(step(qkv, g).numpy(), gradient(qkv, g).numpy())
    names = [i["name"] for i in step.programs[0]["instructions"]]
    assert "attention_backward" in names and "concat" not in names, names


def test_what_is_joined_twice_is_in_both() -> None:
    """Made in its place in the last, copied to the other."""
    rng = np.random.default_rng(0)
    q, k, v, g = (pt.tensor(rng.normal(size=(2, 5, 2, 4)).astype(np.float32)) for _ in range(4))

    def gradients(q: pt.Tensor, k: pt.Tensor, v: pt.Tensor, g: pt.Tensor) -> tuple[pt.Tensor, pt.Tensor]:
        dq, dk, dv = pt.vjp(pt.ops.functional.OPERATORS["scaled_dot_product_attention"], q, k, v)[1](g)
        return pt.concat([dq, dk], axis=3), pt.concat([dk, dv], axis=3)

    step = pt.compile(gradients)
    for compiled, eager in zip(step(q, k, v, g), gradients(q, k, v, g), strict=True):
        np.testing.assert_array_equal(compiled.numpy(), eager.numpy())
    names = [i["name"] for i in step.programs[0]["instructions"]]
    assert names.count("concat") == 1, names


def test_what_is_read_after_it_was_joined_is_copied() -> None:
    x = pt.tensor(np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32))

    def step(x: pt.Tensor) -> tuple[pt.Tensor, pt.Tensor, pt.Tensor]:
        part = pt.exp(x)
        whole = pt.concat([part, pt.concat([part, pt.tanh(x)], axis=1)], axis=1)
        return pt.relu(whole - 1), part @ part.T, whole

    for compiled, eager in zip(pt.compile(step)(x), step(x), strict=True):
        np.testing.assert_array_equal(compiled.numpy(), eager.numpy())


@pytest.mark.parametrize("join", ["concat", "pack"])
@pytest.mark.parametrize("made", [lambda x: x @ x.T, pt.exp])
def test_a_piece_that_is_read_later_keeps_its_numbers(join: str, made: Callable[[pt.Tensor], pt.Tensor]) -> None:
    """Its memory is the whole's, which what reads the whole last would write over."""
    x = pt.tensor(np.random.default_rng(0).normal(size=(5, 5)).astype(np.float32))

    def step(x: pt.Tensor) -> tuple[pt.Tensor, pt.Tensor]:
        parts = [made(x), made(-x)]
        whole = pt.concat(parts) if join == "concat" else pt.ops.functional.OPERATORS["pack"](parts, (0, 25), 50)
        sums = pt.cumulative_sum(pt.reshape(pt.tanh(whole), (50,)))
        return sums, (parts[0] + sums[0]) @ parts[1]

    compiled = pt.compile(step)
    for got, wanted in zip(compiled(x), step(x), strict=True):
        np.testing.assert_array_equal(got.numpy(), wanted.numpy())
    launches = [i for i in compiled.programs[0]["instructions"] if i["name"] == join]
    assert sum(i["chunks"] for i in launches) == 0, launches  # the pieces lie there already


def test_pieces_that_are_joined_as_they_were_are_the_whole() -> None:
    x = pt.tensor(np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32))
    step = pt.compile(lambda x: pt.concat([x[:, :2], x[:, 2:5], x[:, 5:]], axis=1) * 2)
    other = pt.compile(lambda x: pt.concat([x[:, 2:], x[:, :2]], axis=1) * 2)
    np.testing.assert_array_equal(step(x).numpy(), x.numpy() * 2)
    np.testing.assert_array_equal(other(x).numpy(), np.roll(x.numpy(), -2, axis=1) * 2)
    assert [i["name"] for i in step.programs[0]["instructions"]] == ["multiply"]
    assert "concat" in [i["name"] for i in other.programs[0]["instructions"]]


@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (3, 1)])
def test_a_relu_before_a_pooling_lets_its_gradient_pass_before_it_is_spread(window: int, stride: int) -> None:
    rng = np.random.default_rng(window + stride)
    x = rng.normal(size=(2, 9, 9, 5)).astype(np.float32)
    x[0, :4, :4] = -1.0  # windows that hold nothing but zeros
    x[0, 5, 5, 0], x[1, 2, 3, 1] = np.nan, np.inf
    size = (9 - window) // stride + 1
    g = rng.normal(size=(2, size, size, 5)).astype(np.float32)
    g[0, 0, 0, 0], g[1, 1, 1, 1] = np.inf, -0.0

    def gradient(x: pt.Tensor, g: pt.Tensor) -> pt.Tensor:
        pull: Callable[[pt.Tensor], list[pt.Tensor]] = pt.vjp(
            lambda x: F.max_pool2d(pt.relu(x * 2), window, stride), x
        )[1]
        return pull(g)[0]

    step = pt.compile(gradient)
    compiled, eager = (f(pt.tensor(x), pt.tensor(g)).numpy() for f in (step, gradient))
    np.testing.assert_array_equal(compiled.view(np.uint32), eager.view(np.uint32))
    made = {i["name"]: i["bytes"] for i in step.programs[0]["instructions"]}
    assert made["relu_grad"] == 3 * 4 * g.size, made


def test_an_old_value_that_is_read_behind_the_write_is_the_old_one() -> None:
    slot = pt.Slot(np.ones(100, np.float32), name="slot")

    @pt.compile
    def step(x: pt.Tensor) -> pt.Tensor:
        old = slot.value
        slot.value = old * pt.guard(x)
        return pt.cumulative_sum(old)

    sums = step(np.full(100, 5, np.float32)).numpy()
    assert sums.tolist() == list(range(1, 101))
    assert slot.numpy().tolist() == [5.0] * 100


@pytest.mark.parametrize("view", [lambda x: pt.permute_dims(x, (1, 0)), lambda x: x[3:7]], ids=["transposed", "rows"])
def test_what_a_result_views_is_nobodys_to_take_over(view: Callable[[pt.Tensor], pt.Tensor]) -> None:
    """An elementwise op writes over an operand that nobody reads later; a result is read when all is done."""

    def both(x: pt.Tensor) -> tuple[pt.Tensor, pt.Tensor]:
        sorted_ = pt.sort(x, axis=1)
        return view(sorted_), pt.sort(pt.exp(sorted_))

    x = pt.tensor(np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32))
    for one, other in zip(pt.compile(both)(x), both(x), strict=True):
        assert np.array_equal(one.numpy(), other.numpy())


def test_a_product_that_is_a_result_too_is_there_behind_its_epilogue() -> None:
    def function(x: pt.Tensor, w: pt.Tensor) -> tuple[pt.Tensor, pt.Tensor]:
        y = x @ w
        return y, pt.relu(y)

    rng = np.random.default_rng(0)
    given = [pt.tensor(rng.standard_normal((64, 64)).astype(np.float32)) for _ in range(2)]
    for got, want in zip(pt.compile(function)(*given), function(*given), strict=True):
        assert got.numpy().tolist() == want.numpy().tolist()


def test_gates_of_an_lstm_take_over_the_memory_of_their_inputs() -> None:
    """Forward over the inputs' share, backward over the gates; nobody else's numbers change by it."""
    batch, steps, width = 4, 64, 24
    draw = np.random.default_rng(5)
    shapes = [(batch, steps, width), (width, 4 * width), (width, 4 * width), (batch, width), (batch, width)]
    values = [pt.tensor((0.3 * draw.standard_normal(shape)).astype(np.float32)) for shape in shapes]

    def states(x: pt.Tensor, w: pt.Tensor, u: pt.Tensor, h0: pt.Tensor, c0: pt.Tensor) -> pt.Tensor:
        return pt.ops.functional.OPERATORS["lstm_recurrence"](pt.matmul(x, w), u, h0, c0)[0]

    def loss(*values: pt.Tensor) -> pt.Tensor:
        return pt.sum(pt.square(states(*values)))

    forward, gradients = pt.compile(states), pt.compile(pt.grad(loss, argnums=(0, 1, 2, 3, 4)))
    assert forward(*values).numpy().tobytes() == states(*values).numpy().tobytes()
    wanted = pt.grad(loss, argnums=(0, 1, 2, 3, 4))(*values)
    for compiled, eager in zip(gradients(*values), wanted, strict=True):
        assert compiled.numpy().tobytes() == eager.numpy().tobytes()
    gates = batch * steps * 4 * width * 4  # bytes
    assert forward.programs[0]["arena_bytes"] < 2 * gates


def launches(step: Any) -> list[str]:
    return [line.split()[1] for line in step.describe().splitlines() if line[:5].strip().isdigit()]


def test_a_result_of_another_shape_is_written_where_it_is_returned() -> None:
    x = pt.tensor(np.arange(24, dtype=np.float32).reshape(4, 6))
    flat = pt.compile(lambda x: pt.reshape(pt.reshape(x * 2 + 1, (2, 12)), (24,)))
    assert flat(x).numpy().tolist() == (np.arange(24) * 2 + 1).tolist() and "copy" not in launches(flat)

    def several(x: pt.Tensor) -> list[pt.Tensor]:
        y = pt.exp(x)
        return [pt.reshape(y, (24,)), y, pt.reshape(y, (24,)), y + 1, pt.reshape(x, (24,)), pt.permute_dims(y, (1, 0))]

    y = np.exp(x.numpy())
    wanted = [y.reshape(24), y, y.reshape(24), y + 1, x.numpy().reshape(24), y.T]
    for _ in range(2):
        found = pt.compile(several)(x)
        for one, want in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one.numpy(), want, rtol=1e-6)
        # Each is memory of its own.
        assert len({one.numpy().ctypes.data for one in found}) == len(found)


def test_a_slot_and_a_result_of_another_shape_are_written_both() -> None:
    kept = pt.Slot(np.zeros((4, 6), np.float32), "kept")

    @pt.compile
    def step(x: pt.Tensor) -> pt.Tensor:
        y = x * 2
        kept.value = y
        return pt.reshape(y, (24,))

    x = pt.tensor(np.arange(24, dtype=np.float32).reshape(4, 6))
    flat = step(x)
    step(x + 1)
    assert flat.numpy().tolist() == (np.arange(24) * 2).tolist()
    assert kept.numpy().tolist() == (2 * (x + 1)).numpy().tolist()
