"""pt.fit and pt.load: the trainer of recipes, called from Python with recipes and with objects."""

from __future__ import annotations

import dataclasses
import functools
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import ArrayDataset, DataError, DataModule
from powertrain.metrics import Accuracy
from powertrain.plugin import Callback, Event
from powertrain.recipe import RecipeError
from powertrain.recipe.objects import ObjectError
from powertrain.train.folder.run_folder import RunError
from running import SMALL, environment, results, run

SMALL_TABLES: dict[str, Any] = {
    "data": {"use": "digits", "split": {"valid": 0.1, "test": 0.2, "stratify": True}},
    "features": [{"use": "scale", "by": 0.0625}],
    "model": {"use": "mlp", "hidden": [32], "dropout": 0.1},
    "optimizer": {"use": "adamw", "lr": 3e-3, "clip": 1.0, "schedule": "cosine"},
    "run": {"until": "6 epochs", "batch_size": 64, "seed": 3, "save_seconds": 0, "stop": {"watch": "valid.accuracy"}},
    "strategy": {"use": "supervised", "round_steps": 5},
    "report": {"baseline": False},
}
PLAIN = {"report": {"baseline": False}, "verbose": False}


class Net(pt.nn.Module):
    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        generator = pt.random.Generator(seed)
        self.first = pt.nn.Linear(5, 16, generator=generator)
        self.last = pt.nn.Linear(16, 3, generator=generator)

    def forward(self, x: Any) -> Any:
        return self.last(pt.relu(self.first(x)))


def rows(count: int = 96, seed: int = 0) -> tuple[Any, Any]:
    """Three classes around three centres."""
    chance = np.random.default_rng(seed)
    y = chance.integers(0, 3, count)
    return np.eye(3, 5)[y] * 3 + chance.normal(size=(count, 5)), y


def weights(trained: pt.TrainedRun) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in trained.model.state_dict().items()}


# ---------------------------------------------------------------- recipes


def test_a_recipe_gives_the_weights_that_the_command_gives(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    said = results(run(["train", "small.toml", "--run", "a", "--json"], tmp_path))
    by_path = pt.fit(tmp_path / "small.toml", folder=tmp_path / "b", verbose=False)
    by_tables = pt.fit(SMALL_TABLES, verbose=False)
    assert by_path.results["hash"] == by_tables.results["hash"] == said["hash"]
    assert by_path.evaluate("test") == by_tables.results["test"] == said["test"]
    opened = pt.load(tmp_path / "a")
    assert weights(opened) == weights(by_path) and opened.finished


def test_digits_gives_the_weights_that_the_command_gives(tmp_path: Path) -> None:
    settings = [
        "--set",
        "run.until=2 epochs",
        "--set",
        "run.batch_size=50",
        "--set",
        "optimizer.lr=0.001",
        "--set",
        "run.seed=7",
    ]
    said = results(run(["train", "digits", *settings, "--set", "expect={}", "--run", "a", "--json"], tmp_path))
    trained = pt.fit("digits", epochs=2, batch_size=50, lr=0.001, seed=7, expect={}, verbose=False)
    assert trained.results["hash"] == said["hash"]


def test_sections_and_keys_are_laid_over_a_recipe() -> None:
    first = pt.fit("digits", model="mlp", epochs=1, run={"num_workers": 0}, **{"data.split.test": 0.3}, **PLAIN)
    assert type(first.model).__name__ == "MLP" and first.run.recipe.run.num_workers == 0
    assert len(first.run.dataset.splits["test"]) == round(0.3 * 1797)
    assert set(first.run.recipe.overrides) >= {'model="mlp"', 'run.until="1 epochs"', "run.num_workers=0"}


def test_a_mistake_in_tables_is_said_by_its_keys() -> None:
    with pytest.raises(RecipeError) as caught:
        pt.fit({**SMALL_TABLES, "model": {"use": "mlp", "hiden": [32]}})
    assert str(caught.value) == (
        "[recipe model.hiden] no such parameter of mlp; expected hidden, activation, dropout; did you mean hidden?"
    )


def test_the_random_numbers_of_the_caller_go_on() -> None:
    pt.random.seed(5)
    expected = [pt.random.normal(size=(3,)).numpy().tolist() for _ in range(2)]
    pt.random.seed(5)
    first = pt.random.normal(size=(3,)).numpy().tolist()
    trained = pt.fit("digits", model="mlp", epochs=1, **PLAIN)
    trained.predict(np.zeros((1, 8, 8)))
    trained.evaluate()
    assert [first, pt.random.normal(size=(3,)).numpy().tolist()] == expected


# ---------------------------------------------------------------- objects


def test_a_model_learns_from_arrays() -> None:
    trained = pt.fit(model=Net(), data=rows(), epochs=20, batch_size=16, lr=1e-2, validation=0.25, **PLAIN)
    assert trained.finished and trained.results["valid"]["accuracy"] > 0.9
    assert trained.history["epoch"] == list(range(1, 21)) and trained.history[-1]["valid.accuracy"] > 0.9
    assert trained.history.names == ["step", "epoch", "train.loss", "valid.loss", "valid.accuracy"]
    x, y = rows(64, seed=1)
    assert (trained.predict(x).outputs.argmax(axis=1) == y).mean() == trained.evaluate((x, y))["accuracy"] > 0.9
    assert trained.report().read_text(encoding="utf-8").startswith("<!doctype html>")
    last = trained.results["valid"]["accuracy"]
    assert repr(trained) == (
        f"TrainedRun(Net on arrays, epoch 20/20, {trained.results['seconds']:.1f} s, valid accuracy {last:.4g}, "
        f"folder='{trained.folder}')"
    )


def test_the_folder_is_temporary_where_none_is_given() -> None:
    trained = pt.fit(model=Net(), data=rows(), epochs=1, **PLAIN)
    folder = trained.folder
    assert (folder / "run.json").is_file()
    del trained
    assert not folder.exists()


def test_metrics_by_name_and_as_objects_of_one_kind() -> None:
    given = pt.metrics.F1(average="micro")
    given.update(np.array([0, 1]), np.array([0, 0]))
    macro = pt.metrics.F1(average="macro")
    asked = ["accuracy", given, macro, "f1_weighted", pt.metrics.TopKAccuracy(k=2)]
    run = pt.fit(model=Net(), data=rows(), epochs=1, validation=0.25, metrics=[*asked, macro], **PLAIN)
    found = run.history[-1]
    assert found["valid.f1_micro"] == found["valid.accuracy"] != found["valid.f1_macro"]
    assert found["valid.f1_macro"] == found["valid.f1_macro-2"] != found["valid.f1_weighted"]
    assert found["valid.top-k-accuracy"] >= found["valid.accuracy"]
    assert given.compute() == 0.5, "the caller's object keeps what it has seen"


class Pairs(pt.data.Dataset):
    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Any:
        return self.x[index], int(self.y[index])


def test_the_same_data_in_every_form_gives_the_same_weights() -> None:
    x, y = rows()
    x = x.astype(np.float32)
    forms = [
        (x, y),
        {"train": (x, y)},
        DataModule("own", "classification", {"train": ArrayDataset(x=x, y=y)}, 3, ("a", "b", "c")),
        ArrayDataset(x=x, y=y),
        Pairs(x, y),
        (pt.tensor(x), pt.tensor(y)),
        (x.tolist(), y.tolist()),
    ]
    made = [weights(pt.fit(model=Net(), data=form, epochs=2, batch_size=32, **PLAIN)) for form in forms]
    for data in (ArrayDataset(x=x, y=y), Pairs(x, y), list(zip(x, y, strict=True))):
        made.append(weights(pt.fit(model=Net(), data=pt.data.DataLoader(data, 32), epochs=2, **PLAIN)))
    assert all(one == made[0] for one in made)


def test_regression_and_validation_examples_of_their_own() -> None:
    x, _ = rows()
    y = x @ np.arange(5.0)
    trained = pt.fit(
        model=pt.nn.Linear(5, 1), data=(x[:64], y[:64]), validation=(x[64:], y[64:]), epochs=60, lr=0.1, batch_size=16,
        metrics=["mae"], **PLAIN,
    )  # fmt: skip
    assert trained.results["valid"]["mae"] < 0.5 and set(trained.history[0]) == {
        "step", "epoch", "train.loss", "valid.loss", "valid.mae",
    }  # fmt: skip


def test_named_parts_and_objects_go_together() -> None:
    trained = pt.fit(
        model={"use": "mlp", "hidden": [8]}, data=rows(), optimizer={"use": "sgd", "lr": 0.1}, epochs=1, **PLAIN
    )
    assert trained.run.recipe.objects == ("data.use",)
    trained = pt.fit(model=pt.nn.Sequential(pt.nn.Flatten(), pt.nn.Linear(64, 10)), data="digits", epochs=1, **PLAIN)
    assert trained.run.recipe.objects == ("model.use",) and trained.run.dataset.name == "digits"


def test_an_optimizer_is_the_callers_own() -> None:
    model = Net()
    optimizer = pt.optim.AdamW(model, lr=1e-2)
    named = pt.fit(model=Net(), data=rows(), optimizer="adamw", lr=1e-2, epochs=2, **PLAIN)
    own = pt.fit(model=model, data=rows(), optimizer=optimizer, epochs=2, **PLAIN)
    assert weights(own) == weights(named) and own.model is model and own.run.optim() is optimizer
    with pytest.raises(ObjectError) as caught:
        pt.fit(model=Net(), data=rows(), optimizer=optimizer, epochs=1, **PLAIN)
    assert str(caught.value) == (
        "[optimizer] AdamW updates 4 parameters, of which the model has 0; expected parameters of the model; make it "
        "from the model that you pass"
    )
    with pytest.raises(RunError, match="and an optimizer, AdamW, which has a rate; expected one of them"):
        pt.fit(model=model, data=rows(), optimizer=optimizer, lr=1.0, epochs=1, **PLAIN)


class Seen(Callback):
    """A callback that remembers, and a metric that is the usual one."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[int] = []

    def after_commit(self, event: Event) -> None:
        self.steps.append(event.progress["steps"])


class OwnAccuracy(Accuracy):
    pass


def test_callbacks_and_metrics_may_be_objects() -> None:
    seen = Seen()
    trained = pt.fit(
        model=Net(), data=rows(), validation=0.25, epochs=3, metrics=["accuracy", OwnAccuracy()],
        callbacks=[seen], **PLAIN,
    )  # fmt: skip
    assert seen.steps == [3, 6, 9]
    assert trained.history["valid.own-accuracy"] == trained.history["valid.accuracy"]


# ---------------------------------------------------------------- losses


def own_loss(output: Any, target: Any) -> Any:
    return -pt.take_along_axis(pt.log_softmax(output, axis=-1), pt.reshape(target, (-1, 1)), axis=-1)[:, 0]


def mean_loss(output: Any, target: Any) -> Any:
    return own_loss(output, target).mean()


def test_a_loss_is_a_function_of_output_and_target() -> None:
    named = pt.fit(model=Net(), data=rows(), loss="cross-entropy", epochs=5, batch_size=20, **PLAIN)
    own = pt.fit(model=Net(), data=rows(), loss=own_loss, epochs=5, batch_size=20, **PLAIN)
    np.testing.assert_allclose(own.history["train.loss"], named.history["train.loss"], rtol=1e-5)


@dataclasses.dataclass
class Scaled:
    by: float = 1.0

    def __call__(self, output: NotImported, target: NotImported) -> NotImported:  # type: ignore[name-defined]  # noqa: F821
        return self.by * own_loss(output, target)


@pytest.mark.parametrize(
    "loss",
    [
        pt.nn.CrossEntropyLoss(), pt.nn.CrossEntropyLoss(reduction="none"), Scaled(),
        functools.partial(F.cross_entropy, reduction="none"), Scaled().__call__, lambda o, t: own_loss(o, t),
    ],
    ids=["module", "module of each", "object", "partial", "method", "lambda"],
)  # fmt: skip
def test_a_loss_is_anything_that_is_called(loss: Any) -> None:
    """A module takes no mean here, and nobody reads the annotations of what takes no settings."""
    settings: dict[str, Any] = {"data": rows(), "epochs": 2, "batch_size": 20, **PLAIN}
    named = pt.fit(model=Net(), loss="cross-entropy", **settings)
    own = pt.fit(model=Net(), loss=loss, **settings)
    np.testing.assert_allclose(own.history["train.loss"], named.history["train.loss"], rtol=1e-5)


def test_a_loss_of_a_module_with_a_setting() -> None:
    smooth = pt.nn.CrossEntropyLoss(label_smoothing=0.3)
    settings: dict[str, Any] = {"data": rows(), "epochs": 2, "batch_size": 20, **PLAIN}
    named = pt.fit(model=Net(), loss={"use": "cross-entropy", "smoothing": 0.3}, **settings)
    own = pt.fit(model=Net(), loss=smooth, **settings)
    np.testing.assert_allclose(own.history["train.loss"], named.history["train.loss"], rtol=1e-5)


def test_a_loss_that_is_one_number_is_refused_where_there_is_padding() -> None:
    with pytest.raises(pt.ShapeError) as caught:
        pt.fit(model=Net(), data=rows(), loss=mean_loss, epochs=5, batch_size=20, **PLAIN)
    assert str(caught.value) == (
        "[loss] mean_loss gave one number for a batch, and the last batch of an epoch has 16 examples and 4 rows of "
        "padding, which would count too; expected one value per example, which the engine weights; leave the mean "
        "out of the loss, or choose a batch size that divides the number of examples"
    )


def test_a_loss_that_is_one_number_trains_where_there_is_none() -> None:
    """Parts that are evaluated may have any length: their last batch is measured without its padding."""
    whole = pt.fit(model=Net(), data=rows(), validation=rows(70, 2), loss=mean_loss, epochs=5, batch_size=24, **PLAIN)
    each = pt.fit(model=Net(), data=rows(), validation=rows(70, 2), loss=own_loss, epochs=5, batch_size=24, **PLAIN)
    for name in ("train.loss", "valid.loss", "valid.accuracy"):
        np.testing.assert_allclose(whole.history[name], each.history[name], rtol=1e-5)


# ---------------------------------------------------------------- resume and load


def test_a_run_of_objects_resumes_to_the_same_bits(tmp_path: Path) -> None:
    settings = {"data": rows(), "batch_size": 20, "validation": 0.2, **PLAIN}
    whole = pt.fit(model=Net(), epochs=6, folder=tmp_path / "whole", **settings)
    part = pt.fit(model=Net(), epochs=2, folder=tmp_path / "parts", **settings)
    assert part.results["hash"] != whole.results["hash"]
    rest = pt.fit(model=Net(seed=9), epochs=6, folder=tmp_path / "parts", resume=True, **settings)
    assert rest.results["hash"] == whole.results["hash"] and rest.history == whole.history
    with pytest.raises(RunError, match="data has changed since this run began: train has other examples"):
        pt.fit(model=Net(), epochs=6, folder=tmp_path / "parts", resume=True, **{**settings, "data": rows(seed=3)})


def test_a_run_of_objects_opens_with_the_model_alone(tmp_path: Path) -> None:
    trained = pt.fit(model=Net(), data=rows(), loss="cross-entropy", epochs=3, folder=tmp_path / "a", **PLAIN)
    code = (
        "import numpy as np, powertrain as pt, sys; sys.path[:0] = sys.argv[2:]; from test_fit import Net, rows\n"
        "opened = pt.load(sys.argv[1], model=Net(seed=4)); x, y = rows(7, 5)\n"
        "print(opened.predict(x).outputs.astype('float32').tobytes().hex(), opened.evaluate((x, y)), opened.finished)"
    )
    here = Path(__file__).parent
    said = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a", here, here.parent / "support"],
        env=environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    x, y = rows(7, 5)
    outputs = trained.predict(x).outputs.astype("float32").tobytes().hex()
    assert said.stdout.strip() == f"{outputs} {trained.evaluate((x, y))} True"


def test_a_run_of_objects_says_what_it_needs(tmp_path: Path) -> None:
    pt.fit(model=Net(), data=rows(), epochs=1, folder=tmp_path / "a", **PLAIN)
    needs = (
        f"[{tmp_path / 'a'}] the run was made from Python objects (data, model), which its folder does not hold; "
        f'received none; expected the same objects; open it in Python: pt.load("{tmp_path / "a"}", model=...)'
    )
    with pytest.raises(RunError) as caught:
        pt.load(tmp_path / "a")
    assert str(caught.value) == needs
    assert run(["evaluate", "a"], tmp_path, expect=2).stderr.strip() == needs.replace(str(tmp_path / "a"), "a")
    with pytest.raises(RunError) as without:
        pt.load(tmp_path / "a", model=Net()).evaluate()
    assert str(without.value) == (
        "[evaluate] the data were Python objects, and this run was opened without them; expected data; pass them: "
        "run.evaluate((x, y)), or pt.load(folder, model=..., data=...)"
    )
    again = pt.load(tmp_path / "a", model=Net(), data=rows())
    assert again.evaluate()["train"] == again.results["train"]


def test_an_interrupt_returns_the_run_so_far(tmp_path: Path) -> None:
    class Interrupts(Callback):
        def after_commit(self, event: Event) -> None:
            if event.progress["epochs"] == 2:
                os.kill(os.getpid(), signal.SIGINT)

    def fitted(*callbacks: Any, resume: bool = False, folder: str = "a") -> pt.TrainedRun:
        return pt.fit(
            model=Net(),
            data=rows(),
            epochs=5,
            folder=tmp_path / folder,
            resume=resume,
            callbacks=list(callbacks),
            **PLAIN,
        )

    handler = signal.getsignal(signal.SIGINT)
    stopped = fitted(Interrupts())
    assert signal.getsignal(signal.SIGINT) is handler
    assert not stopped.finished and len(stopped.history) == 2 and stopped.results == {}
    assert repr(stopped) == (
        f"TrainedRun(Net on arrays, epoch 2/5, stopped: interrupted by SIGINT, folder='{tmp_path / 'a'}')"
    )
    assert stopped.predict(rows()[0]).outputs.shape == (96, 3) and stopped.evaluate()["train"]["accuracy"] > 0
    with pytest.raises(RunError) as caught:
        stopped.report()
    assert str(caught.value) == (
        f"[report] {tmp_path / 'a'} has no results, since the run was stopped at epoch 2/5; expected a finished run; "
        "continue it: resume=True"
    )


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("settings", "kind", "text"),
    [
        ({}, RunError, "[fit] received no recipe and no model and data; expected a recipe, or model and data; "
                       "pt.fit(model=model, data=(x, y), epochs=10)"),
        ({"model": Net()}, RunError, "[fit] received no recipe and no data; expected a recipe, or model and data; "
                                     "pt.fit(model=model, data=(x, y), epochs=10)"),
        ({"model": Net(), "data": rows(), "resume": True}, RunError,
         '[fit] received resume without folder; expected the folder of the run; pass folder="runs/a"'),
        ({"model": 3.5j, "data": rows()}, ObjectError,
         "[model] received 3.5j; expected a pt.nn.Module or a name in quotes; derive it from pt.nn.Module"),
        ({"model": Net, "data": rows()}, ObjectError,
         "[model] received the class Net; expected a pt.nn.Module or a name in quotes; pass an object of the class, as "
         "Net()"),
        ({"model": Net(), "data": rows()[0]}, DataError,
         "[train] a ndarray; expected (x, y), a pt.data.Dataset or a stream of pairs, a loader or a "
         "DataModule; pass inputs and targets"),
        ({"model": Net(), "data": (rows()[0], rows()[1][:-1])}, DataError,
         "[train] 96 examples and 95 targets; expected as many of each; check the first axes"),
        ({"model": Net(), "data": rows(), "loss": Net}, ObjectError,
         "[loss] received the class Net; expected a function of (output, target); pass an object of the class, as "
         "Net()"),
        ({"model": Net(), "data": rows(), "metrics": [7j]}, ObjectError,
         "[metric] received 7j; expected a powertrain.plugin.Metric; derive its class from that; see "
         "powertrain help plugins/metric"),
        ({"model": Net(), "data": rows(), "epochs": 0}, RunError,
         '[fit] received epochs=0; expected a whole number >= 1; such as 10'),
        ({"recipe": Net()}, RunError, "[fit] received a module as the recipe; expected it by name; "
                                      "pt.fit(model=model, data=(x, y), epochs=10)"),
    ],
)  # fmt: skip
def test_what_cannot_be_trained_is_refused(settings: dict[str, Any], kind: type, text: str) -> None:
    given = dict(settings)
    positional = [given.pop("recipe")] if "recipe" in given else []
    with pytest.raises(kind) as caught:
        pt.fit(*positional, verbose=False, **given)
    assert str(caught.value) == text


def test_history_names_its_columns() -> None:
    trained = pt.fit(model=Net(), data=rows(), validation=0.25, epochs=2, **PLAIN)
    with pytest.raises(RunError) as caught:
        trained.history["val_loss"]
    assert str(caught.value) == (
        "[history] received val_loss; expected one of step, epoch, train.loss, valid.loss, valid.accuracy; did you "
        "mean valid.loss?"
    )


# ---------------------------------------------------------------- surroundings


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "powertrain", "recipes"], env=environment(), capture_output=True, text=True, check=True
    )
    assert "digits" in done.stdout


def test_the_trainer_is_imported_when_it_is_asked_for() -> None:
    code = "import powertrain as pt, sys; print([name for name in sys.modules if 'powertrain.train' in name]); pt.fit"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_notebook_sees_one_bar_that_moves(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from types import SimpleNamespace

    shown: list[str] = []

    def display(bundle: dict[str, str], **how: Any) -> Any:
        assert how == {"raw": True, "display_id": True}
        shown.append(bundle["text/html"])
        return SimpleNamespace(update=lambda bundle, raw: shown.append(bundle["text/html"]))

    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    pt.fit(model=Net(), data=rows(), epochs=2, report={"baseline": False})
    said = capsys.readouterr().out
    assert "\nepoch 1/2  train" in said and "\r" not in said
    assert any(
        one.startswith('<progress value="0.500" aria-label="progress"></progress> <code>epoch 1/2') for one in shown
    )
    assert shown[-1] == ""


def test_the_length_in_steps(capsys: pytest.CaptureFixture[str]) -> None:
    x, y = rows(64, 3)
    run = pt.fit(model=Net(seed=1), data=(x, y), steps=3, batch_size=16, verbose=False)
    assert run.history[-1]["step"] == 3
    by_table = pt.fit(model=Net(seed=1), data=(x, y), run={"until": "3 steps"}, batch_size=16, verbose=False)
    assert by_table.results["hash"] == run.results["hash"]
    with pytest.raises(pt.Error) as caught:
        pt.fit(model=Net(seed=1), data=(x, y), steps=3, epochs=2)
    assert str(caught.value) == "[fit] received epochs=2 and steps=3; expected one of them; leave one out"
