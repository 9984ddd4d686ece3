"""XLA as a backend: the kit, the engine's case files, the published workloads, runs from the command."""

from __future__ import annotations

import functools
import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from calls import reference, to_array, together
from kit import case_files
from oracles import check
from powertrain.cli.bench.arrays import find
from powertrain.cli.bench.losses import AGREES
from powertrain.cli.bench.steps import batches, eager_step
from powertrain.conformance import check_distribution
from powertrain.conformance.backend_cases import SPECS
from powertrain.plugin import BackendError
from powertrain.plugin.registry import registry
from powertrain.train.folder.ledger import read_lines
from powertrain_xla import Xla, XlaParams
from running import SMALL, command, environment, results, run

pytest.importorskip("jax", reason="JAX is not installed")

# Ops that are made of others, in the forms that models use: primitive ones are tried by the kit.
COMPOSED = ("softmax", "layer_norm", "batch_norm", "cross_entropy", "conv2d", "max_pool2d", "embedding", "gelu",
            "scaled_dot_product_attention", "lstm", "std")  # fmt: skip
CASES = 4  # of each, since what a test takes is to compile


@functools.cache
def xla() -> Xla:
    return Xla()


def test_check_finds_nothing() -> None:
    found = check_distribution(registry(), "powertrain-xla")
    assert [finding.line() for one in found for finding in one.findings] == []
    assert all(one.examined for one in found)


def test_show_lists_its_ops(tmp_path: Path) -> None:
    done = run(["plugins", "show", "backend:xla"], tmp_path)
    assert "platform = a text in quotes" in done.stdout
    assert "  rules for abs, acos, acosh, add, " in done.stdout


def test_it_has_a_rule_for_almost_every_op() -> None:
    put_otherwise = {
        "boundary", "check_index", "check_true", "committed", "copy", "flat_view", "guard", "pack", "stop_gradient",
        "update_flat_view",
    }  # fmt: skip
    primitive = {name for name, spec in SPECS.items() if not spec["has_compose"]} - put_otherwise
    # JAX's incomplete gamma functions lose five digits in their tails.
    lacking = {"ctc_rows", "ctc_rows_backward", "hurwitz_zeta", "igamma", "igammac"}
    assert primitive - set(xla().ops) == lacking


@pytest.mark.parametrize("name", COMPOSED)
def test_a_case_file(name: str) -> None:
    """Forward, and the gradient of a weighted sum against the engine's own; all cases in one program."""
    module = case_files()[name]
    cases = [case for case in module.CASES if case.differentiable][:CASES]
    tensors, function = together(name, cases)
    made = pt.compile(function, backend=xla())(*tensors)
    for case, results_of in zip(cases, made, strict=True):
        want, mag = reference(module, case, "float32")
        for got, value, size in zip(results_of, want, mag, strict=True):
            if value.dtype.kind in "biu":
                np.testing.assert_array_equal(to_array(got), value, err_msg=f"{name} {case}")
            else:
                check(to_array(got), value, size, 2 * getattr(module, "K", 4), "float32", f"{name} {case}")
    if not SPECS[name]["differentiable"]:
        return
    floats = [at for at, tensor in enumerate(tensors) if tensor.dtype.is_float]

    def total(*given: Any) -> Any:
        floating = [y for one in function(*given) for y in one if y.dtype.is_float]
        return sum((pt.sin(pt.arange(y.size, dtype="float32")) * y.reshape(-1)).sum() for y in floating)

    by_all = pt.grad(total, argnums=tuple(floats))
    for got, want in zip(pt.compile(by_all, backend=xla())(*tensors), by_all(*tensors), strict=True):
        scale = np.sqrt(np.mean(np.square(to_array(want)))) if want.size else 0.0
        size = np.maximum(np.abs(to_array(want)), scale)
        check(
            to_array(got), to_array(want), size, 4 * getattr(module, "K_GRADIENT", 64), "float32", f"gradient of {name}"
        )


@pytest.mark.parametrize("workload", ["mlp_mnist", "lenet", "gpt_char"])
def test_the_first_losses_of_a_workload_are_the_engines(workload: str) -> None:
    data = batches(find(workload))[:3]
    own, other = pt.compile(eager_step(workload)), pt.compile(eager_step(workload), backend=xla())
    wanted = [float(own(*batch).item()) for batch in data]
    np.testing.assert_allclose([float(other(*batch).item()) for batch in data], wanted, rtol=AGREES / 10)


@pytest.mark.parametrize("precision", ["bf16", "f16"])
def test_a_step_in_16_bits(precision: str) -> None:
    data = batches(find("mlp_mnist"))[:3]
    own = pt.compile(eager_step("mlp_mnist", precision))
    other = pt.compile(eager_step("mlp_mnist", precision), backend=xla())
    wanted = [float(own(*batch).item()) for batch in data]
    np.testing.assert_allclose([float(other(*batch).item()) for batch in data], wanted, rtol=5e-3)


@pytest.mark.parametrize("optimizer", ["Muon", "Adagrad"])
def test_an_optimizer_that_looks_at_matrices_or_rows(optimizer: str) -> None:
    """Muon multiplies matrices; the row-sparse gradient of a table is summed by index and put back by rows."""
    ids, labels = np.random.default_rng(1).integers(0, 50, (16, 4)), np.arange(16) % 3
    found = []
    for backend in (None, xla()):
        pt.random.seed(1)
        table = pt.nn.Embedding(50, 8, sparse=optimizer == "Adagrad")
        model = pt.nn.Sequential(table, pt.nn.Flatten(), pt.nn.Linear(32, 3))
        updates = getattr(pt.optim, optimizer)(model, lr=1e-2)

        def step(x: Any, y: Any, model: Any = model, updates: Any = updates) -> Any:
            loss, gradients = pt.nn.value_and_grad(model, lambda: F.cross_entropy(model(x), y))()
            updates.update(gradients)
            return loss

        compiled = pt.compile(step, backend=backend)
        losses = [compiled(ids, labels).item() for _ in range(3)]
        found.append([np.array(losses), *(np.array(slot.numpy()) for _, slot in model.named_slots())])
    for got, want in zip(*found, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_it_switches_nothing_on_for_others() -> None:
    import jax.numpy as jnp

    pt.compile(lambda x: x * 2, backend=xla())(np.ones(3, np.float64))
    assert jnp.asarray(1.5).dtype == "float32"


def test_batches_are_copied_before_they_change() -> None:
    total = pt.Slot(pt.tensor(0.0), name="total")

    @pt.compile(backend=xla())
    def add(x: Any) -> None:
        total.value = total.value + x.sum()

    batch = np.ones((512, 512), np.float32)
    add(batch)
    batch[:] = 7.0  # while XLA may still be at work
    assert total.value.item() == 512 * 512


def test_what_it_cannot_run_is_named() -> None:
    with pytest.raises(BackendError, match=r"^\[backend xla\] cannot run scan\("):
        pt.compile(lambda x: pt.scan(lambda c, y: (c + y, c), pt.zeros(()), x)[0], backend=xla())(
            np.ones(3, np.float32)
        )
    seen = pt.Slot(pt.tensor(0.0), name="seen")
    refused: dict[str, Any] = {
        "cond": lambda x: pt.cond(x.sum() > 0, lambda x: x, lambda x: -x, x),
        "while_loop": lambda x: pt.while_loop(lambda n: n < 3.0, lambda n: n + 1.0, x.sum()),
        "ctc_rows": lambda x: F.ctc_loss(
            pt.log_softmax(pt.reshape(pt.concat([x] * 4), (1, 4, 3)), axis=-1),
            pt.tensor([[1]]), pt.tensor([4]), pt.tensor([1]),
            reduction="none",
        ),
    }  # fmt: skip
    for op, function in refused.items():

        def step(x: Any, function: Any = function) -> Any:
            seen.value = seen.value + 1.0
            return function(x)

        with pytest.raises(BackendError, match=rf"^\[backend xla\] cannot run {op}\(.*test_xla.py:.*leave it out"):
            pt.compile(step, backend=xla())(np.ones(3, np.float32))
        assert seen.value.item() == 0.0  # said before anything runs
    with pytest.raises(
        BackendError, match=r"^\[backend Xla\]|^\[backend xla\] it cannot run here: JAX has no such device"
    ):
        pt.compile(lambda x: x, backend=Xla(XlaParams(platform="abacus")))


# From the command.


def test_digits_reaches_what_its_recipe_expects(tmp_path: Path) -> None:
    done = run(["train", "digits", "--set", "run.backend=xla", "--run", "a", "--json"], tmp_path)
    assert results(done)["test"]["accuracy"] >= 0.985
    assert json.loads((tmp_path / "a" / "run.lock").read_text())["backend"].startswith("jax ")


def test_killed_and_resumed_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    recipe = SMALL.replace("6 epochs", "200 epochs").replace(', stop = { watch = "valid.accuracy" }', "")
    recipe = recipe.replace("batch_size = 64,", 'batch_size = 64, backend = { use = "xla", platform = "cpu" },')
    (tmp_path / "small.toml").write_text(recipe)
    whole = results(run(["train", "small.toml", "--run", "whole", "--json"], tmp_path))
    process = subprocess.Popen(
        command(["train", "small.toml", "--run", "parts"]), cwd=tmp_path, env=environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    ledger = tmp_path / "parts" / "ledger.jsonl"
    while time.monotonic() < deadline and not (ledger.exists() and '"commit"' in ledger.read_text()):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    parts = results(run(["train", "small.toml", "--run", "parts", "--resume", "--json"], tmp_path))
    assert parts["hash"] == whole["hash"]
    assert any(line["event"] == "resume" and line["step"] > 0 for line in read_lines(tmp_path / "parts"))
