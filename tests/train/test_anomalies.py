"""Planted failures of training: each is found and named, and each policy does what it says, to the same bits after a
kill and with any number of threads."""

from __future__ import annotations

import io
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import numpy as np
import pytest

import powertrain as pt
from powertrain.recipe import load_recipe
from powertrain.recipe.sections import Anomalies
from powertrain.train.anomalies.losses import MOST_KEPT, OF_NORMAL, SPIKE, OddLoss, RecentLosses
from powertrain.train.anomalies.watch import Watch
from powertrain.train.display.display import Display
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.ledger import read_history
from powertrain.train.folder.run_folder import RunError
from powertrain.train.session import Outcome, train
from running import inside

ROWS, BATCH, EPOCHS, WINDOW = 512, 16, 6, 16
STEPS = ROWS // BATCH * EPOCHS
ABSURD = 77  # the row that is planted

# It keeps of each step the loss, the largest number of the batch, and what the weights were before it.
CODE = f"""
import powertrain as pt
import numpy as np
from powertrain.plugin import Callback, SetScalar, Strategy


class Recording(Strategy):
    def setup(self, run):
        super().setup(run)
        self.seen = run.slot("seen", np.zeros(({STEPS}, 3)))
        self.average = run.slot("average", np.zeros(()))

    def step(self, t, batch):
        weights = pt.sum(pt.square(self.opt.params[0][1].value))
        losses = self.loss(self.model(batch.x), batch.y)
        mean = pt.sum(losses * batch.weight) / pt.sum(batch.weight)
        t.log("early", mean)
        t.minimize(self.opt, losses, batch.weight)
        entry = pt.stack([pt.astype(one, "float64") for one in (mean, pt.max(abs(batch.x)), weights)])
        self.seen.value = pt.concat([self.seen.value[1:], pt.expand_dims(entry, 0)])
        self.average.value = 0.5 * self.average.value + 0.5 * pt.astype(pt.sum(self.opt.params[0][1].value), "float64")
        t.log("loss", mean)

    def round(self, run):
        run.loop(self.step, self.data, run.quota(self.data, 7))


class Explodes(Callback):
    def after_commit(self, event):
        return SetScalar("optimizer.lr", 1e4) if event.progress["steps"] == 98 else None


def bursts(step, total):
    return pt.where(step < 100, 1.0, 1e4)
"""
RECIPE = f"""\
data      = {{ use = "arrays", path = "points.npz", split = {{ valid = 0.1 }} }}
model     = {{ use = "mlp", hidden = [16] }}
strategy  = "./own.py:Recording"
optimizer = {{ use = "sgd", lr = 0.02, clip = 1.0 }}
report    = {{ baseline = false, worst = 0 }}
run.until = "{STEPS} steps"
run.batch_size = {BATCH}
run.save_seconds = 0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A recipe, its strategy and data of which one row is absurd."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 4)).astype(np.float32)
    y = (x @ np.array([1.0, -2.0, 0.5, 0.0]) + 0.1 * rng.normal(size=ROWS)).astype(np.float32)[:, None]
    np.savez(tmp_path / "sound.npz", x=x, y=y)
    x[ABSURD] *= 300
    np.savez(tmp_path / "points.npz", x=x, y=y)
    (tmp_path / "own.py").write_text(CODE)
    return tmp_path


def go(folder: Path, name: str, anomalies: str = "", *settings: str, resume: bool = False) -> Outcome:
    watched = f"run.anomalies = {{ window = {WINDOW}, {anomalies} }}\n" if anomalies else ""
    (folder / "small.toml").write_text(RECIPE + watched)
    recipe = load_recipe(str(folder / "small.toml"), settings)
    with mock.patch("powertrain.train.report.elements.charts_module", lambda: None):
        return train(recipe, folder / name, resume=resume, display=Display(quiet=True, stream=io.StringIO()))


def anomalies(folder: Path) -> list[dict[str, Any]]:
    return [line for line in read_history(folder) if line["event"] == "anomaly"]


def arrays(folder: Path) -> dict[str, Any]:
    found, _ = Checkpoints(folder).latest()
    assert found is not None
    return found.arrays


def seen(folder: Path) -> Any:
    """The loss of each step, how large the largest number of its batch was, and the weights before it."""
    return arrays(folder)["seen"].T


def spikes(losses: Any, window: int = WINDOW, deviations: float = 10.0, least: float = 0.05) -> list[int]:
    """The steps whose losses are spikes, by the definition."""
    first, found = abs(np.median(losses[:window])), []
    for at in range(window, len(losses)):
        recent = losses[at - window : at]
        usual = np.median(recent)
        scatter = OF_NORMAL * np.median(abs(recent - usual))
        if losses[at] > usual + max(deviations * scatter, least * first):
            found.append(at + 1)
    return found


def test_a_batch_with_absurd_values_is_named_with_its_step(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    go(folder, "a", 'spike = "warn"')
    means, sizes, _ = seen(folder / "a")
    planted = (np.flatnonzero(sizes > 100) + 1).tolist()
    assert planted  # the absurd row is a training row
    found = anomalies(folder / "a")
    assert [line["at"] for line in found] == spikes(means)
    assert set(planted) - set(range(WINDOW + 1)) <= {line["at"] for line in found}
    assert {line["kind"] for line in found} == {"loss spike"} and {line["done"] for line in found} == {""}
    assert pt.load(folder / "a", trust=True).anomalies[0] == {
        name: found[0][name] for name in ("at", "kind", "what", "done")
    }
    first = found[0]["at"]
    usual = np.median(means[first - 1 - WINDOW : first - 1])
    words = f"the loss is {means[first - 1]:.4g}, where {usual:.4g} is usual"
    assert found[0]["what"] == words
    assert f"anomaly: loss spike at step {first}: {words}" in capsys.readouterr().err


def test_a_warning_changes_no_bit_of_what_is_learned(folder: Path) -> None:
    watched, plain = go(folder, "a", 'spike = "warn"'), go(folder, "b")
    of_watch = {name for name in arrays(folder / "a") if name.startswith("anomalies.")}
    slots = {f"anomalies.optimizer.{name}" for name in ("recent", "counts", "odd")}
    assert of_watch == {*slots, "anomalies.roll_backs"}
    assert {name: array.tobytes() for name, array in arrays(folder / "a").items() if name not in of_watch} == {
        name: array.tobytes() for name, array in arrays(folder / "b").items()
    }
    assert watched.finished and plain.finished


def test_skip_leaves_out_the_update_of_the_spike_alone(folder: Path) -> None:
    go(folder, "a", 'spike = "skip"')
    means, _, weights = seen(folder / "a")
    found, skipped = anomalies(folder / "a"), spikes(means)
    assert [line["at"] for line in found] == skipped != []
    assert {line["done"] for line in found} == {"its update is left out"}
    # A step begins with the weights of the one before exactly where that one was left out.
    assert (np.flatnonzero(np.diff(weights) == 0) + 1).tolist() == [step for step in skipped if step < STEPS]
    assert int(arrays(folder / "a")["optimizer.updates"]) == STEPS - len(skipped)


def test_a_mean_that_is_shown_counts_no_step_that_was_left_out(folder: Path) -> None:
    go(folder, "a", 'spike = "skip"')
    means, *_ = seen(folder / "a")
    kept = np.delete(np.arange(STEPS), [step - 1 for step in spikes(means)])
    shown = [line for line in read_history(folder / "a") if line["event"] == "metrics"]
    before = 0
    for line in shown:
        mean = means[kept[(kept >= before) & (kept < line["step"])]].mean()
        assert line["values"]["train.loss"] == pytest.approx(mean, rel=1e-6)
        assert line["values"]["train.early"] == line["values"]["train.loss"]
        before = line["step"]


@pytest.mark.parametrize("watch", ["", 'spike = "off"'])
def test_a_mean_that_is_shown_counts_no_step_that_a_loss_scale_left_out(folder: Path, watch: str) -> None:
    with mock.patch.object(Watch, "after_round"):  # it would end the run
        go(folder, "a", watch, "run.precision=f16", planted(folder, "x", 1e30))
    assert not np.isfinite(seen(folder / "a")[0]).all()
    shown = [line["values"] for line in read_history(folder / "a") if line["event"] == "metrics"]
    assert shown and all(math.isfinite(values["train.loss"]) for values in shown)
    assert [values["train.early"] for values in shown] == [values["train.loss"] for values in shown]


def test_a_roll_back_returns_to_the_last_good_commit_and_lowers_the_rate(folder: Path) -> None:
    go(folder, "a", 'spike = "roll_back", roll_backs = 20')
    found, ended = anomalies(folder / "a"), arrays(folder / "a")
    rounds = len({line["round"] for line in found})
    assert int(ended["anomalies.roll_backs"]) == rounds >= 2
    assert float(ended["optimizer.lr"]) == 0.02 * 0.5**rounds
    assert "back to step" in found[0]["done"] and "(roll-back 1 of 20)" in found[0]["done"]
    # The batches of such a round are passed over: they count, and nothing was learned from them.
    back = {line["step"]: int(line["done"].split("back to step ")[1].split(",")[0]) for line in found}
    assert int(ended["progress"][0]) == STEPS
    assert int(ended["optimizer.updates"]) == STEPS - sum(step - before for step, before in back.items())


def test_a_run_that_is_rolled_back_too_often_ends(folder: Path) -> None:
    wild = 'optimizer={ use = "sgd", lr = 0.02, schedule = "./own.py:bursts" }'
    ended = go(folder, "a", 'spike = "roll_back", not_finite = "roll_back", roll_backs = 2', wild,
               "data.path=sound.npz")  # fmt: skip
    assert not ended.finished and not ended.met
    assert anomalies(folder / "a")[-1]["done"] == "the run ends, since it was rolled back 2 times before"
    assert all(np.isfinite(array).all() for name, array in arrays(folder / "a").items() if name.startswith("model."))


def test_a_rate_that_explodes_is_rolled_back_from(folder: Path) -> None:
    policy = 'spike = "roll_back", not_finite = "roll_back", roll_backs = 30, rate_factor = 0.1'
    plain = 'optimizer={ use = "sgd", lr = 0.02 }'
    rescued = go(folder, "a", policy, 'callbacks=["./own.py:Explodes"]', plain, "data.path=sound.npz")
    calm = go(folder, "b", "", "data.path=sound.npz")
    assert rescued.finished
    assert rescued.results["valid"]["loss"] < 2 * calm.results["valid"]["loss"] + 0.05


def test_stop_ends_the_run_and_says_why(folder: Path) -> None:
    (folder / "small.toml").write_text(RECIPE + f'run.anomalies = {{ spike = "stop", window = {WINDOW} }}\n')
    said = inside(["train", "small.toml", "--run", "a"], folder, expect=1)
    (found, *_) = anomalies(folder / "a")
    assert found["done"] == "the run ends"
    assert f"loss spike at step {found['at']}: {found['what']}; saved up to step" in said.stdout
    assert not (folder / "a" / "results.json").exists()
    go(folder, "a", 'spike = "stop"', resume=True)  # a person has looked at it: it goes on
    assert int(arrays(folder / "a")["progress"][0]) > found["at"]


def planted(folder: Path, field: str, value: float) -> str:
    """The setting that names data with one row of large numbers."""
    data = dict(np.load(folder / "sound.npz"))
    data[field][ABSURD] = value
    np.savez(folder / "large.npz", **data)
    return "data.path=large.npz"


def test_gradients_that_are_not_finite_are_an_error_that_names_the_op(folder: Path) -> None:
    with pytest.raises(pt.NonFiniteError, match=r"\[\w+\] made a number that is not finite out of finite ones"):
        go(folder, "a", 'spike = "skip"', planted(folder, "x", 1e30))


def test_a_loss_that_is_not_finite_ends_the_run_though_its_gradients_are(folder: Path) -> None:
    ended = go(folder, "a", 'spike = "off"', planted(folder, "y", 1e30))
    (found,) = anomalies(folder / "a")
    assert not ended.finished and (found["what"], found["done"]) == ("the loss is not finite", "the run ends")


def whole(folder: Path) -> bool:
    return all(np.isfinite(array).all() for name, array in arrays(folder).items() if name != "seen")


def test_numbers_that_are_not_finite_are_left_out(folder: Path) -> None:
    done = go(folder, "a", 'not_finite = "skip"', planted(folder, "x", 1e30))
    means, _, weights = seen(folder / "a")
    found = [line for line in anomalies(folder / "a") if line["kind"] == "not finite"]
    steps = (np.flatnonzero(~np.isfinite(means)) + 1).tolist()
    assert done.finished and [line["at"] for line in found] == steps != []
    assert whole(folder / "a")
    assert set(np.flatnonzero(np.diff(weights) == 0) + 1) == {step for step in steps if step < STEPS}


def test_numbers_that_are_not_finite_end_a_run_whose_weights_are_whole(folder: Path) -> None:
    ended = go(folder, "a", 'not_finite = "stop"', planted(folder, "x", 1e30))
    assert not ended.finished and not ended.met and whole(folder / "a")


POLICIES = ['spike = "skip", not_finite = "skip"', 'spike = "roll_back", not_finite = "roll_back", roll_backs = 30']


@pytest.mark.parametrize("policy", POLICIES)
def test_a_kill_in_the_middle_of_what_a_policy_does_costs_no_bit(
    folder: Path, policy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = go(folder, "whole", policy)
    calls = 0

    def killed(self: Watch, *arguments: Any) -> Any:
        """The second time that something is found, half of the slots are set back and the process is gone."""
        nonlocal calls
        calls += 1
        if calls == 2:
            for name, slot in list(self._learned().items())[::2]:
                slot.value = self._held.get(name, slot.value)
            raise KeyboardInterrupt
        return act(self, *arguments)

    act = Watch._act
    with monkeypatch.context() as patched:
        patched.setattr(Watch, "_act", killed)
        with pytest.raises(KeyboardInterrupt):
            go(folder, "parts", policy)
    parts = go(folder, "parts", policy, resume=True)
    assert parts.results["hash"] == whole.results["hash"]
    assert [(line["at"], line["done"]) for line in anomalies(folder / "parts")] == [
        (line["at"], line["done"]) for line in anomalies(folder / "whole")
    ]


@pytest.mark.parametrize("policy", POLICIES)
def test_any_number_of_threads_gives_the_same_bits(folder: Path, policy: str) -> None:
    before = pt.get_threads()
    try:
        hashes = {go(folder, f"threads-{n}", policy, f"run.threads={n}").results["hash"] for n in (1, 2, 4, 7)}
    finally:
        pt.set_threads(before)
    assert len(hashes) == 1


class Shown:
    """A model whose loss is what a test says; its one weight learns nothing."""

    def __init__(self, settings: Anomalies) -> None:
        self.weight = pt.Slot(pt.zeros((1,)), name="weight", trainable=True)
        self.opt = pt.optim.SGD([self.weight], lr=1.0)
        self.recent = RecentLosses(settings, "optimizer")
        self.step = pt.compile(self._step)

    def _step(self, loss: pt.Tensor) -> None:
        self.recent.update(self.opt, [pt.ones((1,))], loss, None)


def test_losses_that_rise_for_good_are_spikes_for_half_a_window() -> None:
    shown = Shown(Anomalies(spike="skip", window=WINDOW))
    level = np.concatenate([np.ones(2 * WINDOW), np.full(2 * WINDOW, 50.0)]) + 0.01 * np.sin(np.arange(4 * WINDOW))
    for loss in level.tolist():
        shown.step(pt.tensor(loss, dtype="float64"))
    found = [one.call for one in shown.recent.take()]
    assert found == spikes(level) == list(range(2 * WINDOW + 1, 2 * WINDOW + WINDOW // 2 + 1))
    assert shown.weight.numpy()[0] == -(4 * WINDOW - len(found))
    assert shown.recent.take() == []


def test_steps_are_counted_in_whole_numbers() -> None:
    """7 calls in 29 steps: 7 * (29 / 7) is above 29 in floating point."""
    watch = object.__new__(Watch)
    watch.run = cast(Any, SimpleNamespace(progress=SimpleNamespace(steps=129)))
    watch.losses, watch._steps, watch._calls = {}, 100, {"optimizer": 10}
    odd = [OddLoss(call, SPIKE, 2.0, 1.0) for call in (11, 14, 17)]
    recent = cast(Any, SimpleNamespace(calls=17, take=lambda: odd))
    assert [one.step for one in watch._taken(Anomalies(), "optimizer", recent)] == [105, 117, 129]


def test_of_many_in_one_round_the_last_ones_are_told() -> None:
    shown = Shown(Anomalies(spike="off", not_finite="skip"))
    for _ in range(MOST_KEPT + 5):
        shown.step(pt.tensor(math.inf, dtype="float64"))
    found = shown.recent.take()
    assert [one.call for one in found] == list(range(6, MOST_KEPT + 6))
    assert found[0].words() == "the loss is not finite; 5 more before it"


def test_a_strategy_without_steps_of_the_engine_is_refused(tmp_path: Path) -> None:
    (tmp_path / "near.toml").write_text(
        'data = { use = "digits", split = { test = 0.2 } }\nmodel = "nearest-mean"\n'
        'run = { until = "1 round", anomalies = { spike = "warn" } }\n'
    )
    with pytest.raises(RunError) as caught:
        train(load_recipe(str(tmp_path / "near.toml")), tmp_path / "a", display=Display(quiet=True))
    assert str(caught.value) == (
        "[run.anomalies] received it with the strategy fitted, which does not train by steps of the engine; expected "
        "steps in which the engine minimizes a loss; leave run.anomalies out"
    )


def test_the_report_has_a_table_of_what_went_wrong(folder: Path) -> None:
    go(folder, "a", 'spike = "skip"')
    page = (folder / "a" / "report.html").read_text()
    (found, *_) = anomalies(folder / "a")
    assert "<h2>Anomalies</h2>" in page and found["what"] in page and "its update is left out" in page
