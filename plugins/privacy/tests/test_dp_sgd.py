"""Whole private runs: the noise that they add, what they state, resume, and what they refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import powertrain as pt
from powertrain.plugin.testing import killed_and_resumed, powertrain, trained
from powertrain_privacy.accountant import Accountant
from powertrain_privacy.errors import PrivacyError

pytest.importorskip("dp_accounting", reason="the account is dp-accounting's: powertrain-privacy[accounting]")

RECIPE: dict[str, Any] = {
    "data": {"use": "digits", "split": {"valid": 0.1, "test": 0.2, "stratify": True}},
    "features": [{"use": "scale", "by": 0.125, "shift": -1.0}],
    "model": {"use": "mlp", "hidden": [32], "activation": "tanh"},
    "strategy": {"use": "dp-sgd", "noise_multiplier": 1.0, "delta": 1e-4},
    "optimizer": {"use": "sgd", "lr": 1.0},
    "run": {"until": "1 step", "batch_size": 64},
    "report": {"baseline": False},
}
TOML = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "mlp", hidden = [16], activation = "tanh" }
strategy  = { use = "dp-sgd", target_epsilon = 4.0, delta = 1e-4 }
optimizer = { use = "sgd", lr = 0.3, momentum = 0.9 }
run       = { until = "8 epochs", batch_size = 128, save_seconds = 0 }
report    = { baseline = false }
"""


def fitted(folder: Path, **more: Any) -> Any:
    return pt.fit({**RECIPE, **more}, verbose=False, folder=folder)


def weights(run: Any) -> Any:
    slots = run.run.table.modules["model"].parameters()
    return np.concatenate([np.asarray(slot.numpy(), np.float64).ravel() for slot in slots])


def test_every_plugin_keeps_its_promises(tmp_path: Path) -> None:
    powertrain("plugins", "check", "powertrain-privacy", "--seconds", "300", folder=tmp_path)


def test_the_noise_is_normal_and_as_large_as_the_account_assumes(tmp_path: Path) -> None:
    """Two runs that differ in their noise alone: the same batch and the same draws, scaled."""
    clip, runs = 0.5, []
    for noise in (1.0, 3.0):
        strategy = {**RECIPE["strategy"], "noise_multiplier": noise, "max_grad_norm": clip}
        runs.append(weights(fitted(tmp_path / f"run{noise}", strategy=strategy)))
    # A step of rate 1 moves by the sum of gradients and noise, over the mean size of a batch.
    drawn = (runs[0] - runs[1]) * 64 / (clip * (3.0 - 1.0))
    assert len(drawn) == 64 * 32 + 32 + 32 * 10 + 10
    assert abs(drawn.mean()) < 4 / np.sqrt(len(drawn)) and abs(drawn.std() - 1) < 4 / np.sqrt(2 * len(drawn))
    assert stats.kstest(drawn, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(drawn[:-1], drawn[1:])[0, 1]) < 4 / np.sqrt(len(drawn))


def test_a_run_states_what_it_spent_and_how_an_attack_fares(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TOML, encoding="utf-8")
    said = powertrain("train", "mine.toml", "--run", "mine", folder=tmp_path)
    results = json.loads((tmp_path / "mine" / "results.json").read_text(encoding="utf-8"))
    assert 3.9 < results["test"]["epsilon"] <= 4.0
    assert 0.3 < results["test"]["attack_auc"] < 0.7
    assert "privacy  epsilon 4 at delta 0.0001 after 80 steps" in said
    page = (tmp_path / "mine" / "report.html").read_text(encoding="utf-8")
    for text in ("Privacy spent", "Membership attack", "one example more or less", "95 % interval"):
        assert text in page
    assert "accuracy" in powertrain("evaluate", "mine", folder=tmp_path)
    assert pt.load(tmp_path / "mine").predict(np.zeros((2, 8, 8), "f")).outputs.shape == (2, 10)


def test_epsilon_counts_the_steps_that_were_made(tmp_path: Path) -> None:
    run = fitted(tmp_path / "run", run={"until": "7 steps", "batch_size": 64})
    examples = len(run.run.dataset.train)
    assert run.results["test"]["epsilon"] == Accountant(1.0, 64 / examples, 1e-4).epsilon(7)


def test_a_killed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    assert killed_and_resumed(TOML, tmp_path, after="epoch 3/")["test"]["epsilon"] <= 4.0


def test_the_number_of_threads_changes_no_bit(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(TOML.replace("8 epochs", "2 epochs"), encoding="utf-8")
    found = set()
    for threads in ("1", "3"):
        done = subprocess.run(
            [sys.executable, "-m", "powertrain", "train", "mine.toml", "--run", f"by{threads}", "--json"],
            cwd=tmp_path, env={**os.environ, "POWERTRAIN_THREADS": threads}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        found.add(json.loads(done.stdout.splitlines()[-1])["hash"])
    assert len(found) == 1


def test_a_model_that_normalizes_over_the_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PrivacyError) as caught:
        fitted(tmp_path / "run", model={"use": "cnn", "channels": [4]})
    assert str(caught.value) == (
        "[dp-sgd] body.1 (BatchNorm2d) gives an example another value when the others in its batch change; expected "
        "examples that are independent, since each is clipped by itself; normalize within an example, by GroupNorm or "
        "LayerNorm in place of BatchNorm"
    )
    fitted(tmp_path / "other", model={"use": "cnn", "channels": [4], "norm": False, "dropout": 0.2})


OWN = """\
import powertrain as pt


class Centred(pt.plugin.Model):
    def __init__(self, outputs):
        super().__init__()
        self.head = pt.nn.Linear(64, outputs)
        self.seen = pt.Slot(pt.zeros(()))

    def forward(self, x):
        x = pt.reshape(x, (x.shape[0], -1))
        BODY
        return self.head(x)

    @classmethod
    def build(cls, params, inputs):
        return cls(inputs.outputs)
"""


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("x = x - pt.mean(x, axis=0)", r"head \(Linear\) gives an example another value when the others"),
        ("self.seen.value = self.seen.value + pt.sum(x)", "seen is changed by each batch that the model reads"),
    ],
)
def test_own_models_in_which_examples_meet_are_refused(body: str, error: str, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(OWN.replace("BODY", body), encoding="utf-8")
    (tmp_path / "own.toml").write_text(
        TOML.replace('{ use = "mlp", hidden = [16], activation = "tanh" }', '"./model.py:Centred"'), encoding="utf-8"
    )
    with pytest.raises(PrivacyError, match=error):
        pt.fit(str(tmp_path / "own.toml"), verbose=False, folder=tmp_path / "run")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"features": ["standardize"]}, "Standardize is fitted on the training examples, which epsilon"),
        ({"strategy": {"use": "dp-sgd", "noise_multiplier": 1.0, "delta": 1e-2}}, "expected less than 1 / 1,258"),
        ({"strategy": {"use": "dp-sgd", "target_epsilon": 1.0, "delta": 1e-4},
          "run": {"until": "500 examples", "batch_size": 64}}, "expected run.until in epochs or steps"),
        ({"loss": "./loss.py:whole"}, "the loss is one number for a batch; expected one value per example"),
    ],
)  # fmt: skip
def test_what_epsilon_would_not_cover_is_refused(
    change: dict[str, Any], error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loss.py").write_text(
        "import powertrain as pt\n\n\ndef whole(output, y):\n    return pt.mean(pt.square(output))\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PrivacyError, match=error):
        fitted(tmp_path / "run", **change)


def test_weights_of_classes_are_refused(tmp_path: Path) -> None:
    """They follow from how many examples each class has."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("f")
    with pytest.raises(PrivacyError, match="class_weight is fitted on the training examples"):
        pt.fit(
            model="linear", data=(x, (x[:, 0] > 1).astype(int)), class_weight="balanced", optimizer="sgd",
            strategy=RECIPE["strategy"], run={"until": "1 step", "batch_size": 8}, verbose=False,
            folder=tmp_path / "run",
        )  # fmt: skip


def test_one_of_noise_and_target_is_needed(tmp_path: Path) -> None:
    for given in ({}, {"noise_multiplier": 1.0, "target_epsilon": 1.0}):
        with pytest.raises(pt.Error, match=r"expected one of them; target_epsilon = 3\.0 is usual"):
            fitted(tmp_path / "run", strategy={"use": "dp-sgd", **given})


def test_the_recipe_of_digits_runs(tmp_path: Path) -> None:
    results = trained("digits-private", "run", "--smoke", folder=tmp_path)
    assert results["test"]["epsilon"] <= 3.0


def test_features_that_mix_examples_are_refused(tmp_path: Path) -> None:
    mixing = pytest.importorskip("powertrain_vision.mixing", reason="mixup is powertrain-vision's")
    assert mixing.Mixing.random
    features = [{"use": "scale", "by": 0.0625}, "mixup"]
    with pytest.raises(PrivacyError, match="Mixup mixes the examples of a batch; expected changes of each by itself"):
        fitted(tmp_path / "run", features=features)
    fitted(tmp_path / "other", features=[features[0], "random-crop"])


TIED = """\
import powertrain as pt


class Tied(pt.plugin.Model):
    def __init__(self):
        super().__init__()
        self.body, self.head = pt.nn.Linear(64, 10), pt.nn.Linear(10, 10)

    def forward(self, x):
        hidden = pt.tanh(self.body(pt.reshape(x, (x.shape[0], -1))))
        return self.head(hidden) + hidden @ self.body.weight[:10]

    @classmethod
    def build(cls, params, inputs):
        return cls()
"""


def test_a_weight_that_is_used_beside_its_layer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tied.py").write_text(TIED, encoding="utf-8")
    text = TOML.replace('{ use = "mlp", hidden = [16], activation = "tanh" }', '"./tied.py:Tied"')
    (tmp_path / "tied.toml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "powertrain", "train", "tied.toml"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert (
        "[dp-sgd] body.weight reaches the loss by another way than the forward of its layer; expected that one alone, "
        "whose gradient per example is known; give the other place parameters of its own"
    ) in done.stderr
