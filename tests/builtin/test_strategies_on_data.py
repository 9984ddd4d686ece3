"""The built-in strategies on real data: each learns more than what it is compared with, and knows nothing by heart that
a resume would miss."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.builtin.data import Digits
from powertrain.builtin.strategies.views import StrategyError
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.evaluate.review import open_run
from powertrain.train.session import train

# Digits with few labels: about 70 examples are labelled, 1,300 are not.
FEW = """\
data      = { use = "digits", split = { unlabelled = 0.76, test = 0.2, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "mlp", hidden = [128] }
optimizer = { use = "adamw", lr = 3e-3, weight_decay = 0.05 }
run       = { until = "600 steps", batch_size = 64, evaluate = { every = "600 steps" }, save_seconds = 600 }
report    = { baseline = false, worst = 0 }
"""


def go(folder: Path, text: str, name: str = "a", *settings: str, resume: bool = False) -> dict[str, Any]:
    (folder / "small.toml").write_text(text)
    recipe = load_recipe(str(folder / "small.toml"), settings)
    return train(recipe, folder / name, resume=resume, display=Display(quiet=True)).results


def resumes(folder: Path, text: str, half: str, whole: str, *settings: str) -> None:
    """Stopped half way and resumed: the bits of a run that was not."""
    straight = go(folder, text, "whole", f"run.until={whole}", *settings)
    go(folder, text, "parts", f"run.until={half}", *settings)
    assert go(folder, text, "parts", f"run.until={whole}", *settings, resume=True)["hash"] == straight["hash"]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Accuracy of supervised learning on the few labels alone."""
    accuracy: float = go(tmp_path_factory.mktemp("alone"), FEW)["test"]["accuracy"]
    return accuracy


def test_pseudo_labels_use_what_is_not_labelled(tmp_path: Path, alone: float) -> None:
    text = FEW + 'strategy = { use = "pseudo-label", warmup = 100 }\n'
    assert go(tmp_path, text)["test"]["accuracy"] > alone + 0.01
    resumes(tmp_path, text, "60 steps", "120 steps", "strategy.round_steps=2")


def test_an_ema_teacher_uses_what_is_not_labelled(tmp_path: Path, alone: float) -> None:
    text = FEW + 'strategy = { use = "ema-teacher", agree = 20.0, ramp = 100, keep = 0.95, noise = 0.05, drop = 0.05 }'
    assert go(tmp_path, text)["test"]["accuracy"] > alone + 0.01
    resumes(tmp_path, text, "60 steps", "120 steps", "strategy.round_steps=2")


def test_distillation_learns_what_the_teacher_knows(tmp_path: Path, alone: float) -> None:
    teacher = FEW.replace("unlabelled = 0.76, ", "")
    assert go(tmp_path, teacher, "teacher")["test"]["accuracy"] > alone + 0.03
    student = FEW.replace('model     = { use = "mlp", hidden = [128] }\n', "") + (
        'strategy = "distillation"\n[model]\nmodel = { use = "mlp", hidden = [64] }\n'
        'teacher = { use = "mlp", hidden = [128], weights = "teacher" }\n'
    )
    assert go(tmp_path, student)["test"]["accuracy"] > alone + 0.03
    resumes(tmp_path, student, "1 epoch", "2 epochs", "run.evaluate.every=1 epoch")


def probe(x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> float:
    """Accuracy of ridge regression to the classes, on standardized features."""
    mean, spread = x.mean(axis=0), x.std(axis=0) + 1e-6
    a, b = ((part - mean) / spread for part in (x, x_test))
    weights = np.linalg.solve(a.T @ a + 10.0 * np.eye(a.shape[1]), a.T @ np.eye(10)[y])
    return float(((b @ weights).argmax(axis=1) == y_test).mean())


def test_contrastive_places_need_few_labels(tmp_path: Path) -> None:
    text = FEW.replace("unlabelled = 0.76, ", "") + 'strategy = { use = "contrastive", drop = 0.4, noise = 0.05 }\n'
    losses = go(tmp_path, text)
    assert set(losses["test"]) == {"loss"}
    go(tmp_path, text, "untrained", "run.until=1 step", "optimizer.lr=1e-9")
    dataset = Digits.build(Digits.Params(), Path()).split({"test": 0.2}, stratify=True)
    train_part, test_part = (part.fetch(np.arange(len(part))) for part in (dataset.train, dataset.splits["test"]))
    few = np.arange(0, len(train_part["y"]), 20)

    def accuracy(name: str) -> float:
        predict = open_run(tmp_path / name).run.predict
        places = [predict(part["x"].astype(np.float32) / 16) for part in (train_part, test_part)]
        return probe(places[0][few], train_part["y"][few], places[1], test_part["y"])

    assert accuracy("a") > accuracy("untrained") + 0.05
    resumes(tmp_path, text, "1 epoch", "2 epochs", "run.evaluate.every=1 epoch")


def test_masked_numbers_are_filled_in(tmp_path: Path) -> None:
    text = FEW.replace("unlabelled = 0.76, ", "") + 'strategy = { use = "masked", hide = 0.25 }\n'
    learned = go(tmp_path, text)["test"]["loss"]
    dataset = Digits.build(Digits.Params(), Path()).split({"test": 0.2}, stratify=True)
    x = dataset.train.fetch(np.arange(len(dataset.train)))["x"].reshape(-1, 64) / 16.0
    mean_pixel = float(x.var(axis=0).mean())  # the loss of one who always says the mean of that pixel
    assert learned < 0.6 * mean_pixel
    resumes(tmp_path, text, "1 epoch", "2 epochs", "run.evaluate.every=1 epoch")


AUSTEN = """\
data      = { use = "text", path = "austen.txt", context = 32, valid = 0.1 }
model     = { use = "MODEL" }
strategy  = { use = "masked", hide = 0.2 }
optimizer = { use = "adamw", lr = 3e-3 }
run       = { until = "400 steps", batch_size = 16, evaluate = { every = "400 steps" }, save_seconds = 600 }
report    = { baseline = false }
"""
# A model of tokens that sees three neighbours on each side.
BOTH_SIDES = """
import powertrain as pt
from powertrain.nn import Embedding, Linear
from powertrain.plugin import Model


class Encoder(Model):
    def __init__(self, count, width=24):
        super().__init__()
        self.embedding = Embedding(count, width)
        self.hidden = Linear(7 * width, 128)
        self.head = Linear(128, count)

    @classmethod
    def build(cls, params, inputs):
        return cls(inputs.outputs)

    def forward(self, x):
        place = self.embedding(x)
        length = x.shape[1]
        around = [pt.concat([place[:, at:], place[:, :at]], axis=1) for at in (length - 3, length - 2, length - 1)]
        around += [place] + [pt.concat([place[:, at:], place[:, :at]], axis=1) for at in (1, 2, 3)]
        return self.head(pt.relu(self.hidden(pt.concat(around, axis=2))))
"""


def test_masked_tokens_are_guessed_from_both_sides(tmp_path: Path) -> None:
    words = novel()
    (tmp_path / "austen.txt").write_text(words, encoding="utf-8")
    (tmp_path / "model.py").write_text(BOTH_SIDES)
    recipe = AUSTEN.replace("MODEL", "./model.py:Encoder")
    learned = go(tmp_path, recipe)["valid"]["loss"]
    counts = np.unique(list(words[: len(words) * 9 // 10]), return_counts=True)[1]
    shares = counts / counts.sum()
    by_frequency = -float((shares * np.log(shares)).sum())  # of one who knows how often each character comes
    assert learned < 0.8 * by_frequency
    resumes(tmp_path, recipe, "10 steps", "20 steps", "strategy.round_steps=5")


def novel() -> str:
    """Two hundred thousand characters of `austen`, or this project's own texts where it is not installed."""
    from powertrain.builtin.data import Austen
    from powertrain.data.errors import DataError

    try:
        dataset = Austen.build(Austen.Params(), Path())
    except DataError:
        root = Path(__file__).parents[2]
        paths = [*sorted(root.glob("docs/**/*.md")), root / "LICENSE"]
        return "".join(path.read_text(encoding="utf-8") for path in paths)
    source: Any = dataset.train
    return str(dataset.vocabulary.decode(source.tokens[:200_000]))


@pytest.mark.parametrize("name", ["pseudo-label", "ema-teacher", "distillation"])
def test_what_needs_classes_says_so(tmp_path: Path, name: str) -> None:
    np.savez(tmp_path / "rows.npz", x=np.random.rand(40, 3).astype(np.float32), y=np.random.rand(40))
    text = FEW.replace('use = "digits"', 'use = "arrays", path = "rows.npz"').replace(", stratify = true", "")
    if name == "distillation":
        text = text.replace("model  ", 'model.model = { use = "mlp" }\nmodel.teacher  ')
    with pytest.raises(StrategyError) as caught:
        go(tmp_path, text + f'strategy = "{name}"\n')
    assert str(caught.value) == (
        f"[{name}] a regression task; expected classification, whose predictions are probabilities; choose another "
        "strategy or other data"
    )
