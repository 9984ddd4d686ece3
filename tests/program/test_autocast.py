"""Mixed precision: what is kept in which dtype, that eager and compiled agree, that it learns, skips and resumes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
import training_programs
from powertrain import _core
from powertrain.cli.bench.steps import training_step
from powertrain.ops.functional import OPERATORS
from powertrain.optim import SGD, AdamW, LossScale
from powertrain.plugin.conversion import check
from powertrain.recipe.sections import RunSection
from running import SMALL, results, run

NUMERICS = Path(__file__).parents[2] / "docs" / "numerics.md"
X = np.random.default_rng(0).normal(size=(8, 6)).astype(np.float32)
W = np.random.default_rng(1).normal(size=(6, 5)).astype(np.float32)


def bits(tensor: Any) -> bytes:
    value = pt.asarray(tensor)
    exact = pt.astype(value, "float32") if value.dtype == pt.bfloat16 else value  # which NumPy does not have
    return np.ascontiguousarray(exact.numpy()).tobytes()


# What is kept in which dtype.


@pytest.mark.parametrize(("precision", "dtype"), [("bf16", pt.bfloat16), ("f16", pt.float16)])
def test_products_are_kept_low_and_sums_in_full(precision: str, dtype: Any) -> None:
    x, w = pt.tensor(X), pt.tensor(W)
    with pt.autocast(precision):
        product = x @ w
        assert product.dtype == dtype
        assert F.linear(x, w, pt.zeros(5)).dtype == dtype
        assert pt.relu(product).dtype == dtype, "elementwise ops work in the dtype of their inputs"
        assert (product + 1.0).dtype == dtype and (product + pt.ones(5)).dtype == pt.float32
        assert F.gelu(product).dtype == dtype
        for full in (
            pt.sum(product),
            pt.softmax(product),
            pt.exp(product),
            OPERATORS["layer_norm"](product),
        ):
            assert full.dtype == pt.float32
        y, mean, variance = OPERATORS["batch_norm"](product, pt.ones(5), pt.zeros(5))
        assert (y.dtype, mean.dtype, variance.dtype) == (dtype, pt.float32, pt.float32)
        images = F.conv2d(pt.ones((1, 5, 5, 2)), pt.ones((3, 3, 2, 4)), pt.zeros(4))
        assert images.dtype == dtype
        assert (pt.tensor(X, dtype="float64") @ pt.tensor(W, dtype="float64")).dtype == pt.float64
    assert (x @ w).dtype == pt.float32, "and nothing outside of the block"
    by_hand = pt.astype(x, dtype) @ pt.astype(w, dtype)
    assert bits(product) == bits(by_hand)


def rounded_to_bf16(x: Any) -> Any:
    """To nearest even, in words; a NaN stays one."""
    words = x.view(np.uint32).astype(np.uint64)
    words = np.where(np.isnan(x), words | 0x400000, words + 0x7FFF + ((words >> 16) & 1))
    return (words & 0xFFFF0000).astype(np.uint32)


@pytest.mark.parametrize("elements", [(1 << 20) - 1, 1 << 20, (1 << 20) + 32771])
def test_many_numbers_round_as_few_do(elements: int) -> None:
    """Large casts have a kernel of their own, which writes past the caches."""
    x = np.random.default_rng(2).integers(0, 1 << 32, elements, dtype=np.uint64).astype(np.uint32).view(np.float32)
    x[:6] = np.inf, -np.inf, -0.0, 1.00390625, 1.01171875, 3.4028235e38
    found = pt.tensor(x).astype("bfloat16").astype("float32").numpy().view(np.uint32)
    assert np.array_equal(found, rounded_to_bf16(x))
    every_second = pt.tensor(np.repeat(x, 2))[::2].astype("bfloat16").astype("float32").numpy().view(np.uint32)
    assert np.array_equal(every_second, found)


@pytest.mark.parametrize("dtype", [pt.bfloat16, pt.float16])
@pytest.mark.parametrize("rows", [5, 16, 33, 64, 70])
@pytest.mark.parametrize("columns", [16, 50, 513])
def test_a_product_is_that_of_float32_rounded_once(dtype: Any, rows: int, columns: int) -> None:
    """Whichever operand is taken for the left one: with few rows the result is computed, and stored, turned."""
    draw = np.random.default_rng(rows)
    a = pt.tensor(draw.standard_normal((rows, 300)).astype(np.float32)).astype(dtype)
    b = pt.tensor(draw.standard_normal((300, columns)).astype(np.float32)).astype(dtype)
    for left, right in ((a, b), (b.T, a.T)):
        assert bits(left @ right) == bits((left.astype("float32") @ right.astype("float32")).astype(dtype))


def test_blocks_nest_and_end() -> None:
    x = pt.tensor(X)
    with pt.autocast("bf16"):
        with pt.autocast("f32"):
            assert (x @ pt.tensor(W)).dtype == pt.float32
        assert (x @ pt.tensor(W)).dtype == pt.bfloat16
        with pytest.raises(RuntimeError, match="mine"), pt.autocast("f16"):
            raise RuntimeError("mine")
        assert (x @ pt.tensor(W)).dtype == pt.bfloat16
    assert (x @ pt.tensor(W)).dtype == pt.float32


@pytest.mark.parametrize("name", ["bf16", "bfloat16", pt.bfloat16])
def test_a_precision_is_any_name_of_its_dtype(name: Any) -> None:
    with pt.autocast(name):
        assert (pt.ones((2, 3)) @ pt.ones((3, 4))).dtype == pt.bfloat16
    with pt.autocast("half"):
        assert (pt.ones((2, 3)) @ pt.ones((3, 4))).dtype == pt.float16


def test_another_precision_is_refused() -> None:
    with pytest.raises(pt.DTypeError) as caught, pt.autocast("fp8"):
        pass
    assert str(caught.value) == ("[autocast] received 'fp8'; expected one of 'f32', 'bf16', 'f16'; for example 'bf16'")


def test_the_table_of_rules_is_that_of_the_specs() -> None:
    """docs/numerics.md lists every op that has a rule of its own, and no other."""
    engine_only = re.compile(r"_kernel$|_grad_input$|_grad_weight$")
    rules: dict[str, set[str]] = {}
    for op in _core.ops():
        if op["precision"] != "follows" and not engine_only.search(op["name"]):
            rules.setdefault(op["precision"], set()).add(op["name"])
    table = {}
    for line in NUMERICS.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) >= 4 and cells[1] in ("low", "full", "full inside"):
            table[cells[1]] = set(re.findall(r"`(\w+)`", cells[2]))
    assert table == rules


# Gradients.


def test_gradients_go_through_the_casts() -> None:
    """Those of float32 parameters are float32, and the same bits as those of casts written by hand."""
    w = pt.Slot(pt.tensor(W), "w", trainable=True)

    def automatic() -> pt.Tensor:
        return pt.square(pt.tensor(X) @ w).mean()

    def by_hand() -> pt.Tensor:
        product = pt.astype(pt.tensor(X), "bfloat16") @ pt.astype(w.value, "bfloat16")
        return pt.mean(pt.astype(pt.square(product), "float32"))

    with pt.autocast("bf16"):
        loss, (gradient,) = pt.nn.value_and_grad([w], automatic)()
    wanted, (expected,) = pt.nn.value_and_grad([w], by_hand)()
    exact = pt.nn.value_and_grad([w], automatic)()[1][0].numpy()
    assert gradient.dtype == pt.float32 and loss.dtype == pt.float32
    assert bits(loss) == bits(wanted) and bits(gradient) == bits(expected)
    error = np.abs(gradient.numpy() - exact).max() / np.abs(exact).max()
    assert 0 < error < 2**-6, "a few roundings to 8 bits"


def test_uses_of_one_parameter_add_in_float32() -> None:
    """Tied weights: each use has a cast of its own, so the sum of their gradients is rounded to no 16 bits."""
    w = pt.Slot(pt.tensor(np.eye(6, dtype=np.float32)), "w", trainable=True)

    def loss() -> pt.Tensor:
        return pt.sum(pt.tensor(X) @ w) + pt.sum(pt.tensor(X[::-1] * 1e-3) @ w)

    with pt.autocast("bf16"):
        gradient = pt.nn.value_and_grad([w], loss)()[1][0].numpy()
    rounded = np.asarray(pt.astype(pt.astype(pt.tensor(gradient), "bfloat16"), "float32"))
    assert (gradient != rounded).any()


@pytest.mark.parametrize("precision", ["bf16", "f16"])
@pytest.mark.parametrize("name", list(training_programs.PROGRAMS))
def test_eager_and_compiled_give_the_same_bits(name: str, precision: str) -> None:
    program = f"{name} {precision}"
    eager = training_programs.run(program, compiled=False, steps=3)
    assert eager == training_programs.run(program, steps=3)
    assert eager != training_programs.run(name, steps=3), "and others than in float32"


def test_a_compiled_step_is_traced_for_each_precision() -> None:
    step = pt.compile(lambda x: x @ pt.tensor(W))
    assert step(X).dtype == pt.float32
    with pt.autocast("bf16"):
        assert step(X).dtype == pt.bfloat16
    assert step(X).dtype == pt.float32 and step.traces == 2


@pytest.mark.parametrize("first", ["hardware", "exact"])
def test_a_compiled_step_is_traced_for_each_kind_of_sums(first: str) -> None:
    step = pt.compile(lambda x: x @ pt.tensor(W))
    for traces, dots in enumerate([first, {"hardware": "exact", "exact": "hardware"}[first], first], 1):
        with pt.autocast("bf16", dots):
            step(X)
        assert f"{{dots='{dots}'}}" in step.programs[0]["source"]
        assert step.traces == min(traces, 2)


def test_the_line_that_made_a_number_infinite_is_named_under_autocast() -> None:
    w = pt.Slot(pt.tensor(W), "w", trainable=True)
    opt = SGD([w], lr=0.1)

    @pt.compile
    def step(x: Any) -> Any:
        with pt.autocast("bf16"):
            loss, grads = pt.nn.value_and_grad([w], lambda: pt.log((x @ w) * 0.0).sum())()
        opt.update(grads)
        return loss

    named = r"\[log\] made a number that is not finite .*test_autocast\.py"
    with pytest.raises(pt.NonFiniteError, match=named), pt.autocast("bf16"):
        step(X)


# Loss scaling.


def scaled_training(
    compiled: bool, initial: float, grow_after: int = 2000, **settings: Any
) -> tuple[AdamW, Callable[[float], None], pt.Slot]:
    """A float16 step whose gradients are as large as it is told."""
    w = pt.Slot(pt.tensor(W), "w", trainable=True)
    opt = AdamW([w], lr=0.1, loss_scale=LossScale(initial, grow_after), **settings)

    def step(size: Any) -> None:
        with pt.autocast("f16"):
            _, grads = pt.nn.value_and_grad([w], lambda: opt.scaled(pt.mean(pt.tensor(X) @ w) * size))()
        opt.update(grads)

    chosen = pt.compile(step) if compiled else step
    return opt, lambda size: chosen(pt.tensor(size)), w


def state(opt: AdamW) -> tuple[float, int, int]:
    assert opt.loss_scale is not None
    return opt.loss_scale.slot.value.item(), int(opt.loss_scale.good.value.item()), int(opt.updates.value.item())


@pytest.mark.parametrize("settings", [{}, {"clip": 1.0}])
@pytest.mark.parametrize("compiled", [False, True])
def test_a_step_that_overflows_is_skipped_and_the_scale_recovers(compiled: bool, settings: dict[str, Any]) -> None:
    opt, step, w = scaled_training(compiled, 2.0**16, grow_after=3, **settings)
    before = bits(w)
    step(1e3)
    assert state(opt) == (2.0**15, 0, 0) and bits(w) == before, "skipped and halved"
    step(1.0)
    assert state(opt) == (2.0**15, 1, 1) and bits(w) != before
    step(1.0), step(1.0)
    assert state(opt) == (2.0**16, 0, 3), "doubled after three good steps"
    step(1.0), step(1e3)
    assert state(opt) == (2.0**15, 0, 4)


def test_scaling_is_exact_and_saves_what_float16_loses() -> None:
    """Only a scaled loss brings gradients below the smallest float16 to the weights; of larger ones no bit differs."""
    moved = {}
    for initial in (1.0, 2.0**16):
        _, step, w = scaled_training(True, initial)
        step(1e-6)
        moved[initial] = np.abs(w.numpy() - W).max()
        small, again, _ = scaled_training(True, initial)
        again(0.5)
        moved[initial, "large"] = bits(small.params[0][1])
    assert moved[2.0**16] > 0.05
    assert moved[1.0] < 0.05
    assert moved[1.0, "large"] == moved[2.0**16, "large"]


def test_accumulated_gradients_leave_out_what_overflowed() -> None:
    opt, step, w = scaled_training(True, 2.0**16, accumulate=2)
    step(1.0), step(1e3)
    assert state(opt) == (2.0**15, 0, 0) and bits(w) == W.tobytes()
    step(1.0)
    assert state(opt)[2] == 1 and bits(w) != W.tobytes()


@pytest.mark.parametrize("compiled", [False, True])
def test_what_no_scale_mends_is_an_error(compiled: bool) -> None:
    opt, step, w = scaled_training(compiled, 2.0**-23)
    step(np.inf)
    assert state(opt)[0] == 2.0**-24
    with pytest.raises(pt.NonFiniteError):
        step(np.inf)
    assert state(opt)[0] == 2.0**-24 and bits(w) == W.tobytes()


def test_settings_of_a_loss_scale() -> None:
    with pytest.raises(ValueError, match=r"\[loss scale\] initial = 0; expected 2\^-24 to 2\^24; 65536 is usual"):
        LossScale(0.0)
    with pytest.raises(ValueError, match=r"\[loss scale\] grow_after = 0; expected at least 1; 2000 is usual"):
        LossScale(grow_after=0)
    shared = LossScale()
    AdamW([pt.Slot(pt.tensor(W), "w", trainable=True)], loss_scale=shared)
    with pytest.raises(ValueError, match=r"optimizer\.loss_scale is another optimizer's; expected one for each"):
        AdamW([pt.Slot(pt.tensor(W), "w", trainable=True)], loss_scale=shared)


def test_an_index_out_of_range_is_never_skipped() -> None:
    table = pt.Slot(pt.tensor(W), "table", trainable=True)
    opt = SGD([table], lr=0.1, loss_scale=LossScale(1.0))

    @pt.compile
    def step(rows: Any) -> None:
        opt.update(pt.nn.value_and_grad([table], lambda: pt.sum(F.embedding(rows, table)))()[1])

    step(np.array([1, 2]))
    with pytest.raises(pt.IndexError, match=r"\[\w+\] received an index out of range"):
        step(np.array([1, 77]))


# Learning.


@pytest.mark.parametrize("workload", ["mlp_tiny", "mlp_mnist", "gpt_char", "lstm"])
@pytest.mark.parametrize("precision", ["bf16", "f16"])
def test_workloads_lose_as_in_float32(workload: str, precision: str) -> None:
    """The first losses are within 2 % of the published ones, which are float32's."""
    from powertrain.cli.bench.arrays import find
    from powertrain.cli.bench.losses import compare_losses

    step = training_step(workload, precision=precision)
    error, wrong = compare_losses([step().item() for _ in range(3)], find(workload).losses, False, precision)
    assert not wrong, error


@pytest.mark.parametrize("precision", ["bf16", "f16"])
def test_a_recipe_learns_as_well_and_resumes_to_the_same_bits(precision: str, tmp_path: Path) -> None:
    constant = SMALL.replace(', schedule = "cosine"', "")  # a schedule is stretched over the target
    (tmp_path / "small.toml").write_text(constant.replace("seed = 3", f'seed = 3, precision = "{precision}"'))
    full = results(run(["train", "small.toml", "--run", "a", "--json"], tmp_path))
    plain = results(run(["train", "small.toml", "--run", "p", "--json", "--set", "run.precision=f32"], tmp_path))
    assert full["test"]["accuracy"] > plain["test"]["accuracy"] - 0.02
    assert full["hash"] != plain["hash"]
    run(["train", "small.toml", "--set", "run.until=2 epochs", "--run", "b"], tmp_path)
    parts = run(["train", "small.toml", "--run", "b", "--resume", "--json"], tmp_path, POWERTRAIN_THREADS="4")
    assert results(parts)["hash"] == full["hash"], "and with any number of threads"


@pytest.mark.parametrize(("name", "precision"), [("bfloat16", "bf16"), ("half", "f16"), ("float32", "f32")])
def test_a_recipe_takes_any_name_of_a_precision(name: str, precision: str) -> None:
    section, mistakes = check(RunSection, {"until": "3 steps", "precision": name}, "run")
    assert mistakes == [] and section.precision == precision


def test_a_recipe_with_another_precision_is_refused(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL.replace("seed = 3", 'seed = 3, precision = "fp8"'))
    done = run(["train", "small.toml"], tmp_path, expect=2)
    assert 'run.precision] received "fp8"; expected one of "f32", "bf16", "f16"' in done.stderr
