"""Callbacks of a recipe: what they see, what they may ask for, and that a resume remembers what they know."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.recipe import load_recipe
from powertrain.train.callbacks import Callbacks
from powertrain.train.display.display import Display
from powertrain.train.folder.ledger import read_lines
from powertrain.train.folder.run_folder import RunError
from powertrain.train.session import Outcome, train
from running import SMALL

RECIPE = SMALL.replace(', stop = { watch = "valid.accuracy" }', "").replace("3e-3", "1e-2")
CODE = """
from powertrain.plugin import Callback, Evaluate, Pause, Save, SetScalar, Stop

SEEN = []


class Stops(Callback):
    def after_commit(self, event):
        SEEN.append(event)
        return [Stop("it is enough"), Save()] if event.progress["steps"] >= 30 else None


class Pauses(Callback):
    def on_start(self, start):
        self.last = start.progress["steps"] + 30

    def after_commit(self, event):
        return Pause("enough for once") if event.progress["steps"] >= self.last else None


class Evaluates(Callback):
    def after_commit(self, event):
        return Evaluate()


class Halves(Callback):
    FACTOR = 0.5

    def after_commit(self, event):
        return SetScalar("optimizer.lr", event.scalars["optimizer.lr"] * self.FACTOR) if event.values else None


class Doubles(Halves):
    FACTOR = 2.0


class Unknown(Callback):
    def after_commit(self, event):
        return SetScalar("optimizer.beta1", 0.5)


class Fails(Callback):
    def after_commit(self, event):
        return {}["steps"]


class Answers(Callback):
    def after_commit(self, event):
        return "stop"


class Changes(Callback):
    def after_commit(self, event):
        event.progress = None


class Logs(Callback):
    def on_start(self, start):
        SEEN.append(("start", start.folder.name, start.recipe, start.overrides, start.tables["run"]["until"],
                     start.progress["steps"], (start.folder / "run.json").is_file()))

    def after_commit(self, event):
        SEEN.append(("commit", event.progress["steps"]))

    def on_end(self, end):
        accuracy = end.results.get("test", {}).get("accuracy")
        SEEN.append(("end", end.finished, end.reason, accuracy, end.report, end.sections))


class Breaks(Callback):
    def on_end(self, end):
        raise OSError("no room")


class Late(Logs):
    def after_commit(self, event):
        if event.progress["steps"] >= 10:
            raise ValueError("too late")
"""


def go(folder: Path, callbacks: str, name: str = "a", *settings: str, resume: bool = False) -> Outcome:
    (folder / "own.py").write_text(CODE)
    (folder / "small.toml").write_text(RECIPE + f"callbacks = [{callbacks}]\n")
    recipe = load_recipe(str(folder / "small.toml"), settings)
    return train(recipe, folder / name, resume=resume, display=Display(quiet=True))


def own(*names: str) -> str:
    return ", ".join(f'"./own.py:{name}"' for name in names)


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [line for line in read_lines(folder) if line["event"] == kind]


PLATEAU = '{ use = "plateau", patience = 1, factor = 0.5, watch = "train.loss", least = 1e-9 }'


def test_a_plateau_lowers_the_rate_and_a_resume_remembers(tmp_path: Path) -> None:
    noisy = ("run.evaluate={every='3 steps'}", "optimizer.lr=5e-2")
    whole = go(tmp_path, PLATEAU, "whole", *noisy)
    rates = [line["value"] for line in events(tmp_path / "whole", "scalar")]
    assert rates and rates == sorted(rates, reverse=True) and rates[0] == pytest.approx(2.5e-2)
    without = go(tmp_path, PLATEAU, "again", *noisy)
    assert without.results["hash"] == whole.results["hash"]
    go(tmp_path, PLATEAU, "parts2", *noisy, "run.until=2 epochs", "optimizer.schedule=constant")
    parts = go(tmp_path, PLATEAU, "parts2", *noisy, "optimizer.schedule=constant", resume=True)
    straight = go(tmp_path, PLATEAU, "straight", *noisy, "optimizer.schedule=constant")
    assert parts.results["hash"] == straight.results["hash"]


def test_a_run_that_a_callback_stops_is_finished(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outcome = go(tmp_path, own("Stops"), "a", "expect={'test.accuracy'='>= 0.999'}")
    steps, reason = outcome.results["steps"], "./own.py:Stops: it is enough"
    assert outcome.finished and 30 <= steps < 36 and outcome.results["stopped"] == reason
    assert not outcome.met and outcome.results["test"]["accuracy"] < 0.999
    assert events(tmp_path / "a", "commit")[-1]["step"] == steps
    page = (tmp_path / "a" / "report.html").read_text()
    assert "Stopped before its target: ./own.py:Stops: it is enough." in page
    (tmp_path / "a" / "results.json").unlink()  # as if it had been killed before it was measured
    again = go(tmp_path, own("Stops"), "a", resume=True)
    assert again.finished and again.results["hash"] == outcome.results["hash"] and again.results["steps"] == steps
    capsys.readouterr()
    recipe = load_recipe(str(tmp_path / "small.toml"), ())
    over = train(recipe, tmp_path / "a", resume=True, display=Display())
    assert over.nothing_to_do and capsys.readouterr().out.splitlines()[-1] == (
        f"nothing to do: {tmp_path / 'a'} was ended by {reason}; begin a new run without --resume"
    )


def test_a_run_that_a_callback_pauses_goes_on(tmp_path: Path) -> None:
    paused = go(tmp_path, own("Pauses"))
    assert not paused.finished and not (tmp_path / "a" / "results.json").exists()
    whole = go(tmp_path, own("Evaluates"), "whole", "callbacks=[]")
    while not (resumed := go(tmp_path, own("Pauses"), resume=True)).finished:
        assert resumed.results["steps"] > paused.results["steps"]
    assert resumed.results["hash"] == whole.results["hash"]


def test_a_checkpoint_with_another_reason_of_a_stop_is_refused() -> None:
    callbacks = Callbacks(())
    for wrong in (np.zeros(4), np.zeros((2, 2), np.uint8), np.zeros(1001, np.uint8)):
        assert callbacks.misfits({"callbacks.stopped": wrong}) == [
            "callbacks.stopped is not a text of at most 1,000 bytes"
        ]
    callbacks.stopped = "é" * 1000
    kept = callbacks.arrays()
    assert not callbacks.misfits(kept)
    callbacks.restore(kept)
    assert callbacks.stopped == "é" * 500


def test_a_callback_that_watches_changes_nothing(tmp_path: Path) -> None:
    alone = go(tmp_path, "", "alone")
    watched = go(tmp_path, own("Evaluates"), "watched")
    assert watched.results["hash"] != "" and alone.results["test"] == watched.results["test"]
    assert len(events(tmp_path / "watched", "metrics")) > len(events(tmp_path / "alone", "metrics"))


def test_the_order_of_callbacks_never_matters(tmp_path: Path) -> None:
    first = go(tmp_path, own("Halves", "Evaluates"), "first")
    second = go(tmp_path, own("Evaluates", "Halves"), "second")
    assert first.results["hash"] == second.results["hash"]


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("Halves", "Doubles"),
                       "[callback ./own.py:Doubles] it set optimizer.lr to 0.02, and ./own.py:Halves to 0.005; "
                       "expected one value; leave one of the callbacks out"),
        (("Unknown",), "[callback ./own.py:Unknown] it set optimizer.beta1; expected one of optimizer.lr; only the "
                       "scalars of an event can be set"),
        (("Fails",), "[callback ./own.py:Fails] it failed after step 5: KeyError: 'steps'; expected a request or None; "
                     "fix it, or leave it out of the recipe: the run can be resumed"),
        (("Answers",), "[callback ./own.py:Answers] it answered str; expected Stop, Pause, Save, Evaluate, SetScalar "
                       "or None; import them from powertrain.plugin"),
        (("Changes",), "[callback ./own.py:Changes] it failed after step 5: FrozenInstanceError: cannot assign to "
                       "field 'progress'; expected a request or None; fix it, or leave it out of the recipe: the run "
                       "can be resumed"),
    ],
)  # fmt: skip
def test_a_wrong_callback_is_named(tmp_path: Path, names: tuple[str, ...], text: str) -> None:
    with pytest.raises(RunError) as caught:
        go(tmp_path, own(*names))
    assert str(caught.value) == text


def seen() -> list[Any]:
    """What the callbacks of the file noted, and forget it."""
    noted: list[Any] = []
    for module in [module for name, module in sys.modules.items() if name.startswith("powertrain_local_own_")]:
        if hasattr(module, "SEEN"):  # own.py of another test may still be there
            noted += module.SEEN
            module.SEEN.clear()
    return noted


def test_a_logger_sees_the_start_every_commit_and_the_end(tmp_path: Path) -> None:
    seen()
    outcome = go(tmp_path, own("Logs"), "a", "run.until=1 epoch", "optimizer.schedule=constant")
    first, *commits, last = seen()
    settings = ("run.until=1 epoch", "optimizer.schedule=constant")
    assert first == ("start", "a", "small", settings, "1 epoch", 0, True)
    assert commits == [("commit", 5), ("commit", 10), ("commit", 15), ("commit", 20)]
    assert last[:5] == ("end", True, "", outcome.results["test"]["accuracy"], tmp_path / "a" / "report.html")
    classes = last[5][0]
    assert classes.title == "Classes" and classes.rows[0] == ("class", "precision", "recall", "F1", "examples")
    assert len(classes.rows) == 11
    if importlib.util.find_spec("matplotlib"):
        assert classes.png().startswith(b"\x89PNG")
    go(tmp_path, own("Logs"), "a", "run.until=2 epochs", "optimizer.schedule=constant", resume=True)
    assert seen()[0][5] == 20


def test_a_logger_is_told_why_a_run_ended_early(tmp_path: Path) -> None:
    outcome = go(tmp_path, own("Logs", "Stops"), "a")
    assert seen()[-1][:4] == ("end", True, "./own.py:Stops: it is enough", outcome.results["test"]["accuracy"])
    go(tmp_path, own("Logs", "Pauses"), "d")
    assert seen()[-1][:4] == ("end", False, "./own.py:Pauses: enough for once", None)
    with pytest.raises(RunError):
        go(tmp_path, own("Late"), "b")
    assert seen()[-1][:3] == (
        "end", False, "failed: RunError: [callback ./own.py:Late] it failed after step 10: ValueError: too late; "
        "expected a request or None; fix it, or leave it out of the recipe: the run can be resumed",
    )  # fmt: skip
    with pytest.raises(RunError) as caught:
        go(tmp_path, own("Breaks"), "c", "run.until=1 epoch")
    assert str(caught.value) == (
        "[callback ./own.py:Breaks] on_end failed: OSError: no room; expected no exception; fix it, or leave it out "
        "of the recipe: the run can be resumed"
    )


def test_early_stopping_says_why_it_stopped_and_what_it_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small.toml").write_text(SMALL.replace('"valid.accuracy"', '"valid.loss", patience = 2'))
    noisy = ("optimizer.lr=0.3", "run.until=40 epochs", "optimizer.schedule=constant")
    outcome = train(load_recipe(str(tmp_path / "small.toml"), noisy), tmp_path / "a", display=Display())
    said = capsys.readouterr().out.splitlines()
    epochs = outcome.results["steps"] // 20
    losses = [line["values"]["valid.loss"] for line in events(tmp_path / "a", "metrics")]
    best = min(range(epochs), key=losses.__getitem__) + 1
    assert epochs == best + 2 < 40
    reason = "valid.loss has not improved for 2 evaluations"
    kept = f"the weights of epoch {best} are kept: valid.loss {losses[best - 1]:.4g}"
    assert f"early  stopped at epoch {epochs:>2}/40, since {reason}" in said and f"kept   {kept}" in said
    assert (outcome.results["stopped"], outcome.results["kept"]) == (reason, kept)
    assert outcome.results["valid"]["loss"] == pytest.approx(losses[best - 1])


def test_a_layer_that_is_unfrozen_in_training_is_an_error() -> None:
    """The optimizer went on without it, and nothing was said."""
    model = pt.nn.Sequential(pt.nn.Linear(4, 8), pt.nn.Linear(8, 2))
    model[0].freeze()

    class Unfreeze(pt.plugin.Callback):
        def after_commit(self, event: Any) -> None:
            if event.progress["steps"] >= 4:
                model[0].unfreeze()

    data = (np.ones((64, 4), np.float32), np.arange(64) % 2)
    with pytest.raises(pt.Error, match=r"^\[optimizer\] 0.weight was unfrozen after the optimizer was made"):
        pt.fit(model=model, data=data, epochs=4, batch_size=16, callbacks=[Unfreeze()], verbose=False)
