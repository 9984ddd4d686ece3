"""GANs: the penalty against a formula, turns of the two networks, resumes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

import powertrain as pt
from powertrain.builtin.data import Digits
from powertrain.plugin import NoParams
from powertrain.plugin.testing import killed_and_resumed
from powertrain_generative.gan import Gan, energy

MLP = {"use": "mlp", "hidden": [64], "activation": "silu"}
RECIPE: dict[str, Any] = {
    "data": {"use": "digits", "split": {"valid": 0.1, "test": 0.2, "stratify": True}},
    "features": [{"use": "scale", "by": 0.0625}],
    "model": {"generator": MLP, "critic": MLP},
    "optimizer": {"generator": {"use": "adam", "lr": 2e-3, "beta1": 0.5},
                  "critic": {"use": "adam", "lr": 2e-3, "beta1": 0.5}},
    "run": {"until": "20 epochs", "batch_size": 64},
}  # fmt: skip


@pytest.mark.parametrize("loss", ["logistic", "wasserstein"])
def test_samples_come_near_to_the_data(loss: str) -> None:
    run = pt.fit({**RECIPE, "strategy": {"use": "gan", "loss": loss, "judged": 100, "penalty": 1.0}}, verbose=False)
    (mean,) = run.results["baselines"]
    found = run.results["test"]
    assert 0.19 < found["loss"] < mean["value"] and found["frechet"] > 0
    (page,) = run.run.strategy.sections(run.run)
    assert page.lines == ("The loss of training examples as samples is 0.19.",)
    drawn = run.sample(6, seed=3)
    assert drawn.shape == (6, 8, 8) and (drawn == run.sample(6, seed=3)).all()


def test_the_slope_is_that_of_differences() -> None:
    """And its gradient is there: a critic learns to be less steep."""
    pt.random.seed(0)
    gan = Gan(Gan.Params())
    gan.critic = pt.nn.Sequential(pt.nn.Linear(5, 16), pt.nn.SiLU(), pt.nn.Linear(16, 1))
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("f")
    found = gan.slope(pt.asarray(x)).numpy()
    step, wanted = 1e-2, np.zeros(4)
    for axis in range(5):
        off = np.zeros(5, "f")
        off[axis] = step
        up, down = (gan.critic(pt.asarray(at)).numpy()[:, 0].astype(np.float64) for at in (x + off, x - off))
        wanted += ((up - down) / (2 * step)) ** 2
    np.testing.assert_allclose(found, wanted, rtol=2e-3)
    loss_and_grads = pt.nn.value_and_grad(gan.critic, lambda rows: pt.mean(gan.slope(rows)))
    opt = pt.optim.SGD(gan.critic, lr=0.1)
    before, grads = loss_and_grads(pt.asarray(x))
    opt.update(grads)
    assert float(loss_and_grads(pt.asarray(x))[0]) < float(before)


def test_the_energy_score_is_that_of_its_formula() -> None:
    draw = np.random.default_rng(0)
    x, one, other = (draw.normal(size=(count, 7)).astype("f") for count in (5, 8, 8))
    both = np.concatenate([one, other])
    wanted = (cdist(x, both).mean(axis=1) - cdist(one, other).mean() / 2) / np.sqrt(7)
    np.testing.assert_allclose(energy(pt.asarray(x), one, other).numpy(), wanted, rtol=1e-4)


def test_the_critic_has_its_turns_wherever_a_round_ends() -> None:
    """Rounds of one step, and of many, give the same bits."""
    short = {**RECIPE, "run": {"until": "14 steps", "batch_size": 32}}
    found = []
    for steps in (1, 5, 64):
        run = pt.fit({**short, "strategy": {"use": "gan", "judged": 0, "round_steps": steps}}, verbose=False)
        found.append({name: slot.numpy() for name, slot in run.run.table.model_slots().items()})
    assert all((found[0][name] == other[name]).all() for other in found[1:] for name in found[0])


@pytest.mark.peers
def test_forty_steps_are_those_of_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the same weights, with the same codes and the same 64 digits in each batch: the way that both networks went
    is the same."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    codes = np.random.default_rng(0).normal(size=(64, 16)).astype("f")
    fields = Digits.build(NoParams(), Path()).train.fetch(np.arange(64))
    x = (fields["x"] / 16).astype("f")

    def drawn(self: Gan, t: Any, count: int) -> Any:
        code = codes if count == len(codes) else t.rng.normal(size=(count, 16))
        return pt.reshape(pt.sigmoid(self.generator(code)), (count, *self.shape))

    def weights(steps: int, rate: float) -> dict[str, Any]:
        adam = {"use": "adam", "lr": rate, "beta1": 0.5}
        gan = {"use": "gan", "loss": "logistic", "critic_steps": 1, "penalty": 0.1, "code": 16, "judged": 0}
        tables = {"strategy": gan, "model": RECIPE["model"], "optimizer": {"generator": adam, "critic": adam}}
        run = pt.fit(
            {**tables, "run": {"until": f"{steps} steps", "batch_size": 64}}, data=(x, fields["y"]), verbose=False
        )
        return {name: slot.numpy() for name, slot in run.run.table.model_slots().items()}

    monkeypatch.setattr(Gan, "drawn", drawn)
    start, ours = weights(1, 1e-30), weights(40, 1e-3)
    theirs = {name: torch.tensor(value, requires_grad=True) for name, value in start.items()}

    def net(role: str, rows: Any) -> Any:
        for layer in (0, 1):
            rows = rows @ theirs[f"{role}.layers.{layer}.weight"] + theirs[f"{role}.layers.{layer}.bias"]
            rows = torch.nn.functional.silu(rows) if layer == 0 else rows
        return rows

    adams = {
        role: torch.optim.Adam([one for name, one in theirs.items() if name.startswith(role)], 1e-3, (0.5, 0.999))
        for role in ("generator", "critic")
    }
    softplus = torch.nn.functional.softplus
    for step in range(40):
        real, made = (
            torch.tensor(x.reshape(64, 64), requires_grad=True),
            net("generator", torch.tensor(codes)).sigmoid(),
        )
        if step % 2 == 0:
            (slope,) = torch.autograd.grad(net("critic", real).sum(), real, create_graph=True)
            gap = softplus(net("critic", made.detach())) + softplus(-net("critic", real))
            loss = (gap[:, 0] + 0.1 * slope.square().sum(1) / 2).mean()
        else:
            loss = softplus(-net("critic", made)).mean()
        adam = adams["generator" if step % 2 else "critic"]
        adam.zero_grad()
        loss.backward()
        adam.step()
    for name in start:
        way = theirs[name].detach().numpy() - start[name]
        assert np.linalg.norm(ours[name] - start[name] - way) <= 2e-5 * np.linalg.norm(way), name


@pytest.mark.parametrize("loss", ["logistic", "wasserstein"])
def test_a_killed_run_ends_with_the_same_bits(loss: str, tmp_path: Path) -> None:
    text = f"""\
data      = {{ use = "digits", split = {{ valid = 0.1, test = 0.2 }} }}
features  = [{{ use = "scale", by = 0.0625 }}]
strategy  = {{ use = "gan", loss = "{loss}", judged = 0, round_steps = 5 }}
run       = {{ until = "6 epochs", batch_size = 64, save_seconds = 0 }}
[model]
generator = {{ use = "mlp", hidden = [32] }}
critic    = {{ use = "mlp", hidden = [32], activation = "silu" }}
[optimizer]
generator = {{ use = "adam", lr = 2e-3, beta1 = 0.5 }}
critic    = {{ use = "adam", lr = 2e-3, beta1 = 0.5 }}
"""
    killed_and_resumed(text, tmp_path, after="epoch 3/")


def test_samples_are_shown_while_it_trains(tmp_path: Path) -> None:
    """The same draws each time, on one scale; no bit of the training depends on them."""
    recipe = {**RECIPE, "strategy": {"use": "gan", "judged": 0}, "run": {"until": "3 epochs", "batch_size": 64}}
    plain = pt.fit(recipe, verbose=False)
    shown = pt.fit({**recipe, "evaluate": {"samples": 12}}, folder=tmp_path / "a", verbose=False)
    assert shown.results["hash"] == plain.results["hash"]
    files = sorted((tmp_path / "a" / "samples").iterdir())
    assert len(files) == 3 and len({path.read_bytes() for path in files}) == 3
    drawn = np.clip(shown.sample(12, seed=0), 0, 1)
    sheet = np.asarray(pytest.importorskip("PIL.Image", reason="Pillow is not installed").open(files[-1]))
    assert sheet.shape == (16, 64)
    assert np.array_equal(sheet[:8, :8], np.rint(255 * drawn[0]).astype(np.uint8))
