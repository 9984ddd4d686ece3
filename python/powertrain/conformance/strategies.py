"""Checks of strategies: each round is replayed from the same slots, on the same object and on a new one."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from powertrain._core import Error
from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, changed, held_on, no_global_random, same, values_on
from powertrain.conformance.rounds import (
    check_answers,
    check_padding,
    check_targets,
    differences,
    play_round,
    snapshot,
    weights_of,
)
from powertrain.plugin.registry import PluginError
from powertrain.plugin.wording import show

CLASSES = """\
data      = {{ use = "digits", split = {{ valid = 0.1, unlabelled = 0.4 }} }}
features  = [{{ use = "scale", by = 0.0625 }}]
model     = {{ use = "mlp", hidden = [8] }}
optimizer = {{ use = "adamw", lr = 1e-3, weight_decay = 0.0 }}
run       = {{ until = "100 rounds", batch_size = 16 }}
strategy  = {strategy}
"""
LANGUAGE = """\
data      = {{ use = "text", path = "text.txt", context = 8, valid = 0.2 }}
model     = {{ use = "gpt", layers = 1, heads = 2, width = 8 }}
optimizer = {{ use = "adamw", lr = 1e-3, weight_decay = 0.0 }}
run       = {{ until = "100 rounds", batch_size = 4 }}
strategy  = {strategy}
"""

COUNTED = ("random", "progress")  # slots that move by themselves


def check_strategy(subject: Subject) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield from _examine(subject, Path(folder))
        except Exception as error:
            if isinstance(error, PluginError):
                raise
            yield subject.raised("a round on a small recipe", error)


def _examine(subject: Subject, folder: Path) -> Iterator[Finding]:
    run = _run(subject, folder)
    with no_global_random(subject, "setup or round") as drawn:
        run.strategy.setup(run)
        fresh, weights = snapshot(run), weights_of(run)
        names = set(fresh)
        held = held_on(run.strategy)
        play_round(run)
        play_round(run)
    yield from drawn
    late = sorted(name for name in set(run.table.snapshot()) - names if not name.startswith("log."))
    if late:
        yield subject.finding(
            "late-slot",
            f"round names {', '.join(late[:3])}",
            "every slot to be named in setup",
            "call run.slot, run.data, run.model and the like in setup",
        )
        return
    before, compiled = snapshot(run), len(run.stepper.compiled)
    play_round(run)
    after = snapshot(run)
    stood = run.progress.steps + run.progress.env_steps == 0
    if stood and not differences(fresh, {**after, **{name: fresh[name] for name in COUNTED}}):
        yield subject.finding(
            "no-change",
            "three rounds make no step and change no slot",
            "something to be learned in a round",
            "call run.loop(self.step, self.data, count)",
        )
        return
    if weights and all(same(array, now) for array, now in zip(weights, weights_of(run), strict=True)):
        yield subject.finding(
            "no-change",
            f"after {run.progress.steps} steps every weight that an optimizer has is as it was",
            "a round to train",
            "call t.minimize(self.opt, losses, batch.weight) with losses that the model's answers are in",
        )
        return
    if compiled < len(run.stepper.compiled) and _traces_on(run):
        yield subject.finding(
            "leaks",
            "each round makes a new step function, which is traced and kept again",
            "the same functions in each round",
            "make the step a method of the strategy",
        )
        return
    if _exact(subject):
        found = [*_replay(subject, run, before, after), *_afresh(subject, folder, held, run, before, after)]
        yield from found
        if not found:
            yield from check_padding(subject, run, before)
    run.evaluations.prepare()
    evaluated = snapshot(run)
    if run.evaluations.evaluator is not None and "valid" in run.dataset.splits:
        run.evaluations.evaluator("valid", most=32)
    if wrong := differences(evaluated, snapshot(run)):
        yield subject.finding(
            "predict-changes",
            f"predict or losses changes {wrong}",
            "evaluation to change nothing",
            "assign slots in step alone",
        )
        return
    yield from check_targets(subject, run)
    if weights:
        yield from check_answers(subject, run, fresh)
    if run.table.optimizers and run.table.modules:
        yield from _scales(subject, folder)


def _scales(subject: Subject, folder: Path) -> Iterator[Finding]:
    """In f16 an update divides by the loss scale, so that its gradients have to be those of a scaled loss."""
    run = _run(subject, folder, "run.precision=f16")
    run.strategy.setup(run)
    calls: Counter[str] = Counter()
    for optimizer in run.table.optimizers.values():
        for name in ("scaled", "update"):
            setattr(optimizer, name, _counted(getattr(optimizer, name), calls, name))
    try:
        play_round(run)
    except Error:  # what cannot be computed in f16 says so, and to everybody
        return
    if calls["update"] and not calls["scaled"]:
        yield subject.finding(
            "loss-scale",
            "in f16 it updates by gradients that are not those of the scaled loss, and divides them by the scale",
            "gradients of opt.scaled(loss)",
            "differentiate opt.scaled(loss), which changes nothing in other precisions, or call t.minimize",
        )


def _counted(method: Any, calls: Counter[str], name: str) -> Any:
    def counted(*args: Any, **kwargs: Any) -> Any:
        calls[name] += 1
        return method(*args, **kwargs)

    return counted


def _traces_on(run: Any) -> bool:
    """Whether two more rounds trace something new as well, which a first step of another kind does not."""
    for _ in range(2):
        count = len(run.stepper.compiled)
        play_round(run)
        if len(run.stepper.compiled) == count:
            return False
    return True


def _replay(subject: Subject, run: Any, before: Any, after: Any) -> Iterator[Finding]:
    run.table.load(before)
    play_round(run)
    if wrong := differences(after, snapshot(run)):
        yield subject.finding(
            "replay",
            f"a round that is repeated from the same slots gives another {wrong}",
            "the same bits",
            _HIDDEN,
        )


_HIDDEN = "keep what changes in slots (run.slot, run.ring, run.blob), and draw random numbers from t.rng"


def _afresh(
    subject: Subject, folder: Path, held: dict[str, Any], run: Any, before: Any, after: Any
) -> Iterator[Finding]:
    """As after a kill: a new process knows the slots alone."""
    new = _run(subject, folder)
    new.strategy.setup(new)
    wrong = new.table.load(before)
    if wrong:
        yield subject.finding("resume", f"a checkpoint does not fit a new run: {wrong[0]}", "the same slots", _HIDDEN)
        return
    with elsewhere(*subject.modules):
        play_round(new)
    if different := differences(after, snapshot(new)):
        kept = changed(held, held_on(run.strategy))
        on_self = f"; round changes {', '.join(kept)} of the strategy" if kept else ""
        yield subject.finding(
            "state-on-self" if kept else "resume",
            f"a resumed run gives another {different}{on_self}",
            "the same bits: slots are all that a resume knows",
            _HIDDEN,
        )
        return
    # What has no effect yet may have one in a later round.
    whole, resumed = values_on(run.strategy), values_on(new.strategy)
    both = whole.keys() & resumed.keys() & set(changed(held, held_on(run.strategy)))
    if lost := sorted(name for name in both if repr(whole[name]) != repr(resumed[name])):
        yield subject.finding(
            "state-on-self",
            f"after the same round {', '.join(lost)} of the strategy is {show(whole[lost[0]])}, and of a resumed run "
            f"{show(resumed[lost[0]])}",
            "a resumed run to be where the killed one was",
            _HIDDEN,
        )


def _exact(subject: Subject) -> bool:
    return bool(subject.plugin.resume == "exact")


def _run(subject: Subject, folder: Path, *settings: str) -> Any:
    from powertrain.recipe import load_recipe
    from powertrain.train.building import build
    from powertrain.train.display.display import Display
    from powertrain.train.folder.run_folder import RunFolder

    path = folder / "check.toml"
    usual = LANGUAGE if subject.plugin.task == "language" else CLASSES
    text = subject.plugin.example_recipe
    (folder / "text.txt").write_text("a small text to learn from, again and again; " * 20, encoding="utf-8")
    tables: dict[str, Any] = (subject.plugin.examples or ({},))[0]
    use = {"use": subject.name, **tables}
    path.write_text(text or usual.format(strategy=show_table(use)), encoding="utf-8")
    recipe = load_recipe(str(path), settings)
    return build(recipe, RunFolder(folder / "run"), Display(quiet=True))


def show_table(table: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{key} = {show(value)}" for key, value in table.items()) + " }"
