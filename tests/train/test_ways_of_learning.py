"""Ways of learning that no part of the engine was made for, each a file beside the recipe: a GAN, Q-learning from a
ring, a booster in a blob, federated averaging. Each learns, and each is killed in the middle of a round and resumed to
the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.train.folder.checkpoint import Checkpoints
from running import results, run

PRELUDE = '''
import json, os, signal
from dataclasses import dataclass
import numpy as np
import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import Environment, Inputs, Strategy, param

def perhaps_die(run):
    """In the middle of a round: what follows must not depend on what this process knew."""
    if os.environ.get("DIE_IN_ROUND") == str(run.progress.rounds):
        os.kill(os.getpid(), signal.SIGKILL)
'''

DATA = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }]
report    = { baseline = false }
"""


def twice(folder: Path, recipe: str, code: str, die_in: int, *names: str) -> dict[str, Any]:
    """Train without interruption, and killed in a round and resumed; the results, if both gave the same bits."""
    (folder / "way.py").write_text(PRELUDE + code)
    (folder / "way.toml").write_text(recipe)
    whole = results(run(["train", "way.toml", "--run", "whole", "--json"], folder))
    run(["train", "way.toml", "--run", "parts", "--json"], folder, expect=-9, DIE_IN_ROUND=str(die_in))
    parts = results(run(["train", "way.toml", "--run", "parts", "--resume", "--json"], folder))
    assert parts["hash"] == whole["hash"]
    saved = slots(folder / "parts")
    for name in names:
        assert name in saved, f"{name} is not among {', '.join(saved)}"
    return whole


def slots(path: Path) -> dict[str, np.ndarray]:
    found, problems = Checkpoints(path).latest()
    assert found is not None and not problems
    return found.arrays


GAN = '''
class Gan(Strategy):
    """Two models, two optimizers, two minimizes in one step."""

    def setup(self, run):
        self.generator = run.model("generator", inputs=Inputs("regression", (8,), 64))
        self.critic = run.model("critic", inputs=Inputs("regression", (64,), 1))
        self.opts = run.optim("generator"), run.optim("critic")
        self.data = run.data()
        self.loss = lambda x, y: F.binary_cross_entropy_with_logits(x, y, reduction="none")

    def fake(self, t, count):
        return pt.sigmoid(self.generator(t.rng.normal(size=(count, 8))))

    def step(self, t, batch):
        count = batch.x.shape[0]
        real = pt.reshape(batch.x, (count, 64))
        yes, no = pt.ones((count, 1)), pt.zeros((count, 1))
        made = pt.stop_gradient(self.fake(t, count))
        both = self.loss(self.critic(real), yes) + self.loss(self.critic(made), no)
        t.minimize(self.opts[1], pt.reshape(both, (count,)), batch.weight)
        against = self.loss(self.critic(self.fake(t, count)), yes)
        t.minimize(self.opts[0], pt.reshape(against, (count,)), batch.weight)

    def round(self, run):
        run.loop(self.step, self.data, 4)
        perhaps_die(run)
        run.loop(self.step, self.data, 4)

    def losses(self, t, batch):
        """How far the mean of what is made lies from the pixels of the data."""
        made = pt.mean(self.fake(t, 256), axis=0)
        return pt.mean(pt.square(pt.reshape(batch.x, (batch.x.shape[0], 64)) - made), axis=1)

    def predict(self, t, batch):
        return self.critic(pt.reshape(batch.x, (batch.x.shape[0], 64)))
'''

GAN_RECIPE = (
    DATA
    + """\
strategy  = "./way.py:Gan"
run       = { until = "40 rounds", batch_size = 64, save_seconds = 0 }
[model]
generator = { use = "mlp", hidden = [64] }
critic    = { use = "mlp", hidden = [64] }
[optimizer]
generator = { use = "adam", lr = 2e-3, beta1 = 0.5 }
critic    = { use = "adam", lr = 1e-3, beta1 = 0.5 }
"""
)


def test_a_gan(tmp_path: Path) -> None:
    whole = twice(tmp_path, GAN_RECIPE, GAN, 17, "optimizer.generator.m.layers.0.weight", "critic.layers.1.bias")
    untrained = results(run(["train", "way.toml", "--set", "run.until=1 step", "--set", "optimizer.generator.lr=1e-9",
                             "--run", "un", "--json"], tmp_path))  # fmt: skip
    assert whole["test"]["loss"] < 0.75 * untrained["test"]["loss"]


DQN = '''
class Corridor(Environment):
    """Eight places in a row; right leads to the end, which gives 1; each step costs a little. It cannot be saved."""

    actions = 2

    def __init__(self, params):
        self.observation = np.zeros(8, np.float32)

    def seen(self):
        return np.eye(8, dtype=np.float32)[self.at]

    def reset(self, seed):
        self.at, self.left = seed % 6, 30
        return self.seen()

    def step(self, action):
        self.at = max(0, self.at + (1 if action else -1))
        self.left -= 1
        return self.seen(), 1.0 if self.at == 7 else -0.05, self.at == 7, self.left == 0


class Dqn(Strategy):
    """Q-learning from a ring, with a target network that follows."""

    @dataclass(frozen=True)
    class Params:
        explore: float = param(0.3, low=0, high=1)


    def setup(self, run):
        self.net = run.model()
        self.target = run.model("target", frozen=True)
        for (_, old), (_, new) in zip(self.target.named_slots(), self.net.named_slots()):
            old.value = new.value
        self.opt = run.optim("model")
        self.env = run.env()
        one = self.env.observation
        number = np.float32(0)
        self.ring = run.ring("replay", 500, x=one, next=one, action=np.int64(0), reward=number, done=number,
                             terminated=number)

    def act(self, t, batch):
        best = pt.argmax(self.net(batch.x), axis=1)
        random = pt.astype(t.rng.uniform(size=(batch.x.shape[0],)) < 0.5, best.dtype)
        return pt.where(t.rng.uniform(size=(batch.x.shape[0],)) < self.params.explore, random, best)

    def learn(self, t, batch):
        following = pt.max(self.target(batch.next), axis=1)
        wanted = pt.stop_gradient(batch.reward + 0.9 * (1 - batch.terminated) * following)
        taken = pt.astype(F.one_hot(batch.action, 2), "float32")
        value = pt.sum(self.net(batch.x) * taken, axis=1)
        t.minimize(self.opt, pt.square(value - wanted))
        for (_, old), (_, new) in zip(self.target.named_slots(), self.net.named_slots()):
            old.value = old.value * 0.9 + new.value * 0.1

    def round(self, run):
        self.ring.append(**self.env.unroll(self.act, 4))
        run.loop(self.learn, self.ring.sample(64), 1)
        perhaps_die(run)
        run.loop(self.learn, self.ring.sample(64), 1)

    def predict(self, t, batch):
        return self.net(batch.x)
'''

DQN_RECIPE = """\
data.env  = { use = "./way.py:Corridor", copies = 4 }
model     = { use = "mlp", hidden = [32] }
strategy  = "./way.py:Dqn"
optimizer = { use = "adam", lr = 1e-2 }
run       = { until = "1_600 env_steps", save_seconds = 0, evaluate = { every = "800 env_steps", episodes = 12 } }
expect    = { "env.return" = ">= 0.6", "env.length" = "<= 7" }
"""


@pytest.mark.parametrize("saved", [False, True])
def test_q_learning_from_a_ring(tmp_path: Path, saved: bool) -> None:
    code = DQN
    if saved:  # the same environment, which can say where it is
        code = code.replace(
            "    def reset(self, seed):",
            """    def state(self):
        return {"place": np.array([self.at, self.left])}

    def restore(self, arrays):
        self.at, self.left = (int(value) for value in arrays["place"])

    def reset(self, seed):""",
        )
    names = ("replay.next", "replay.state", "data.env.0.state.place" if saved else "data.env.actions")
    whole = twice(tmp_path, DQN_RECIPE, code, 61, *names)
    assert whole["env"]["return"] >= 0.6 and whole["env"]["length"] <= 7
    assert slots(tmp_path / "parts")["replay.x"].shape == (500, 8)


BOOSTER = '''
class Booster(Strategy):
    """Boosted stumps, one a round, kept as bytes of their own."""

    needs = ()
    host = True

    def setup(self, run):
        source = run.dataset.train
        fields = source.fetch(np.arange(len(source)))
        self.x, self.y = fields["x"].reshape(len(source), -1), np.eye(10)[fields["y"]]
        self.stumps = run.blob("stumps", list, lambda value: json.dumps(value).encode(), json.loads)

    def sums(self, x):
        total = np.zeros((len(x), 10))
        for feature, threshold, low, high in self.stumps.value:
            total += np.where(x[:, feature, None] > threshold, high, low)
        return total

    def round(self, run):
        scores = self.sums(self.x)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        left = self.y - shares / shares.sum(axis=1, keepdims=True)
        best = None
        for feature in range(self.x.shape[1]):
            over = self.x[:, feature] > 0.5
            if over.any() and not over.all():
                low, high = left[~over].mean(axis=0), left[over].mean(axis=0)
                gain = (~over).sum() * (low**2).sum() + over.sum() * (high**2).sum()
                if best is None or gain > best[0]:
                    best = gain, [feature, 0.5, (2 * low).tolist(), (2 * high).tolist()]
        perhaps_die(run)
        self.stumps.value.append(best[1])

    def predict(self, t, batch):
        return self.sums(np.reshape(batch.x, (len(batch.x), -1)))
'''


def test_a_booster_in_a_blob(tmp_path: Path) -> None:
    recipe = DATA + 'strategy = "./way.py:Booster"\nrun = { until = "60 rounds", save_seconds = 0 }\n'
    whole = twice(tmp_path, recipe, BOOSTER, 23, "stumps")
    assert whole["test"]["accuracy"] > 0.75
    measured = results(run(["evaluate", "parts", "--json"], tmp_path))
    assert measured["test"] == whole["test"]


FEDERATED = '''
class Federated(Strategy):
    """Four clients with a quarter of the data each; a round averages how far their copies went (FedAvg)."""

    def setup(self, run):
        self.model, self.opt, self.loss = run.model(), run.optim(), run.loss()
        count = len(run.dataset.train)
        self.clients = [run.data("train", rows=range(at, count, 4), name=f"client-{at}") for at in range(4)]

    def step(self, t, batch):
        t.minimize(self.opt, self.loss(self.model(batch.x), batch.y), batch.weight)

    def round(self, run):
        weights = self.model.parameters()
        before = [slot.numpy().copy() for slot in weights]
        moved = [np.zeros_like(value) for value in before]
        for client in self.clients:
            with run.fork("model") as copy:
                copy.loop(self.step, client, 5)
                for total, slot, old in zip(moved, weights, before):
                    total += slot.numpy() - old
            perhaps_die(run)
        for slot, old, total in zip(weights, before, moved):
            slot.value = pt.tensor(old + total / len(self.clients))

    def predict(self, t, batch):
        return self.model(batch.x)
'''


def test_federated_averaging_by_fork(tmp_path: Path) -> None:
    recipe = DATA + (
        'strategy = "./way.py:Federated"\nmodel = { use = "mlp", hidden = [32] }\n'
        'optimizer = { use = "sgd", lr = 0.5 }\nrun = { until = "20 rounds", batch_size = 32, save_seconds = 0 }\n'
    )
    whole = twice(tmp_path, recipe, FEDERATED, 7, "data.client-3.cursor")
    assert whole["test"]["accuracy"] > 0.8
    assert slots(tmp_path / "parts")["data.client-0.cursor"].tolist() != [0, 0]


SHARPNESS = '''
class Sharpness(Strategy):
    """Sharpness-aware minimization (Foret et al. 2021), as its author wrote it first."""

    def step(self, t, batch):
        weights = self.model.parameters()
        mean = lambda x, y: pt.mean(self.loss(self.model(x), y))
        loss, grads = pt.nn.value_and_grad(self.model, mean)(batch.x, batch.y)
        before = [slot.value for slot in weights]
        for slot, grad in zip(weights, grads.values()):
            slot.value = slot.value + 0.01 * grad
        losses = self.loss(self.model(batch.x), batch.y)
        for slot, value in zip(weights, before):
            slot.value = value
        t.minimize(self.opt, losses, batch.weight)
'''


def test_a_loss_of_weights_that_were_assigned_since_is_refused(tmp_path: Path) -> None:
    (tmp_path / "way.py").write_text(PRELUDE + SHARPNESS)
    recipe = DATA + (
        'strategy = "./way.py:Sharpness"\nmodel = "linear"\noptimizer = { use = "sgd", lr = 0.5 }\n'
        'run = { until = "2 steps", batch_size = 32 }\n'
    )
    (tmp_path / "way.toml").write_text(recipe)
    said = run(["train", "way.toml"], tmp_path, expect=2).stderr
    assert "[minimize] the loss depends on none of the 2 parameters as they are now; expected a loss whose" in said
