"""What a study remembers: its plan in `study.json`, its trials in Optuna's journal. One process writes both."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from powertrain.errors.boundary import MissingModuleError
from powertrain.io.console import one_line
from powertrain.io.file_lock import FileLock
from powertrain.io.files import Files
from powertrain.io.plain_json import dumps
from powertrain.io.records import MisfitError, from_json, to_json
from powertrain.recipe.source import as_written
from powertrain.recipe.toml import value_text
from powertrain.tuning.journal import FILE, Journal
from powertrain.tuning.space import Numbers, Space, TuneError

STUDY = "study.json"
# What may differ between two calls: how fast it is, and what is made of the winner.
FREE = ("run.keep", "run.num_workers", "run.threads", "run.device", "run.save_seconds", "expect", "report")
SHAPE = {"recipe": str, "tables": {}, "space": {...: str}, "metric": str, "lower": bool, "seed": int, "prune": bool}
# Of what is drawn. A setting that differs by less makes no difference, and reads better.
DIGITS = 4
# The first evaluation says little: rates that are good in the end may begin badly.
FIRST_JUDGED = 2


@dataclass(frozen=True)
class Plan:
    """What a study searches; all of its trials are of one plan."""

    recipe: str
    tables: Mapping[str, Any]  # of the recipe, with the settings that all trials share
    space: Space
    metric: str
    lower: bool  # whether a lower value is better
    seed: int
    prune: bool

    def record(self) -> dict[str, Any]:
        found = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        space = {key: str(one) for key, one in self.space.items()}
        made: dict[str, Any] = json.loads(to_json({**found, "space": space}))
        return made


@dataclass(frozen=True)
class Trial:
    """One trial: its settings by their keys in the recipe, its value, and what became of it.

    state    "complete", "pruned" (it ended early, since others were better at that point), "failed" or "unfinished"
    value    of the metric; NaN where it is not complete
    reason   why it ended early or failed
    """

    number: int
    settings: Mapping[str, Any]
    state: str
    value: float
    reason: str
    evaluations: int
    seconds: float
    folder: Path
    texts: Mapping[str, str] = field(repr=False, default_factory=dict)  # the settings as TOML

    @property
    def overrides(self) -> list[str]:
        """The settings as `--set` takes them."""
        return [f"{key}={text}" for key, text in self.texts.items()]


class Study:
    """A folder with the trials of a plan. Numbers of trials begin with 1."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder, self.plan = folder, plan
        self.files = Files(folder)
        self._begin()
        self._journal = Journal(self.files)
        self._optuna = optuna_module()
        self._live: dict[int, Any] = {}
        pruners = self._optuna.pruners
        try:
            self._study = self._optuna.create_study(
                study_name=plan.recipe, storage=self._optuna.storages.JournalStorage(self._journal),
                direction="minimize" if plan.lower else "maximize", load_if_exists=True,
                sampler=self._optuna.samplers.RandomSampler(),
                pruner=pruners.MedianPruner(n_warmup_steps=FIRST_JUDGED) if plan.prune else pruners.NopPruner(),
            )  # fmt: skip
            self._drop_halves()
        except Exception as error:  # of whatever kind: the file may be anybody's
            self.close()
            raise TuneError(
                f"[{folder / FILE}] Optuna cannot read it ({type(error).__name__}); expected what powertrain tune "
                "wrote; restore it, or begin a new study: --study DIR"
            ) from error

    def _begin(self) -> None:
        """Note the plan, or refuse another one than the trials that are there are of."""
        now = self.plan.record()
        try:
            before = from_json(self.files.read(STUDY), SHAPE)
        except FileNotFoundError:
            if self.files.there(FILE):
                raise TuneError(
                    f"[{self.folder}] it holds {FILE} and no {STUDY}; expected a new folder; restore {STUDY}, or "
                    "begin a new study: --study DIR"
                ) from None
            self.files.replace(STUDY, to_json(now, indent=1) + b"\n")
            return
        except MisfitError as error:
            raise TuneError(
                f"[{self.folder / STUDY}] {error}; expected what powertrain tune wrote; restore it, or begin a new "
                "study: --study DIR"
            ) from error
        if changed := list(_differences(before, now)):
            raise TuneError(
                f"[{self.folder}] it holds trials of another search: {'; '.join(changed)}; expected the same one; "
                "undo the change, or begin a new study: --study DIR"
            )

    def _drop_halves(self) -> None:
        """A power cut may leave a trial without all of its settings."""
        for trial in self.trials():
            if trial.state == "unfinished" and len(trial.texts) < len(self.plan.space):
                self.tell(trial.number, "failed", None, "its beginning was cut off", 0, 0.0)

    def close(self) -> None:
        self._journal.close()

    def folder_of(self, number: int) -> Path:
        return self.folder / f"trial-{number}"

    def ask(self) -> Trial:
        """The next trial. What is drawn for it depends on the seed, its number and the trials that are finished, so a
        search that was killed goes on with the trials that it would have had."""
        at = len(self._study.get_trials(deepcopy=False))
        seed = int(np.random.SeedSequence([self.plan.seed, at]).generate_state(1)[0])
        with _without_warnings(), self._journal.at_once():
            # Trials that still run count as bad ones, so that several workers do not try the same.
            self._study.sampler = self._optuna.samplers.TPESampler(seed=seed, constant_liar=True)
            asked = self._study.ask({key: self._distribution(one) for key, one in self.plan.space.items()})
        self._live[asked.number + 1] = asked
        return self.trials()[asked.number]

    def report(self, number: int, evaluation: int, value: float) -> str:
        """Note an evaluation of a trial; the reason to end it, or nothing."""
        live = self._of(number)
        if evaluation not in self._study.get_trials(deepcopy=False)[number - 1].intermediate_values:
            live.report(value, evaluation)
        return f"worse than the median after evaluation {evaluation}" if live.should_prune() else ""

    def tell(self, number: int, state: str, value: float | None, reason: str, evaluations: int, seconds: float) -> None:
        """Note how a trial ended."""
        live, states = self._of(number), self._optuna.trial.TrialState
        ended = {"complete": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}[state]
        with self._journal.at_once():
            for key, one in (("reason", reason), ("evaluations", evaluations), ("seconds", seconds)):
                live.set_user_attr(key, one)
            self._study.tell(live, value, state=ended)

    def _of(self, number: int) -> Any:
        """A trial as Optuna reports to it, be it of an earlier process."""
        if number not in self._live:
            found = self._study.get_trials(deepcopy=False)[number - 1]
            self._live[number] = self._optuna.trial.Trial(self._study, found._trial_id)
        return self._live[number]

    def trials(self) -> list[Trial]:
        """All trials, in their order."""
        return [self._trial(one) for one in self._study.get_trials(deepcopy=False)]

    def best(self) -> Trial | None:
        """The complete trial with the best value; the first of equal ones."""
        complete = [one for one in self.trials() if one.state == "complete"]
        sign = 1 if self.plan.lower else -1
        return min(complete, key=lambda one: sign * one.value, default=None)

    def importances(self) -> dict[str, float]:
        """What share of reaching the better half hangs on each setting, by PED-ANOVA; empty for few trials."""
        complete = [one for one in self.trials() if one.state == "complete"]
        if len(complete) < 10 or len({one.value for one in complete}) < 2:
            return {}
        with _without_warnings():
            evaluator = self._optuna.importance.PedAnovaImportanceEvaluator()
            found = self._optuna.importance.get_param_importances(self._study, evaluator=evaluator)
        return {key: float(value) for key, value in found.items() if np.isfinite(value)}

    def _distribution(self, one: Any) -> Any:
        kinds = self._optuna.distributions
        if not isinstance(one, Numbers):
            return kinds.CategoricalDistribution(one.values)
        if one.whole:
            return kinds.IntDistribution(int(one.low), int(one.high), log=one.log, step=int(one.step or 1))
        return kinds.FloatDistribution(one.low, one.high, log=one.log, step=one.step)

    def _trial(self, found: Any) -> Trial:
        names = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
        texts = {key: self._text(key, found.params[key]) for key in self.plan.space if key in found.params}
        values = {key: as_written(text) for key, text in texts.items()}
        told = found.user_attrs
        number = found.number + 1
        state = names.get(found.state.name, "unfinished")
        value = float(found.value) if state == "complete" else float("nan")
        return Trial(
            number, values, state, value, str(told.get("reason", "")), int(told.get("evaluations", 0)),
            float(told.get("seconds", 0.0)), self.folder_of(number), texts,
        )  # fmt: skip

    def _text(self, key: str, value: Any) -> str:
        """A value as TOML: a drawn number of few digits, within its range."""
        one = self.plan.space[key]
        if not isinstance(one, Numbers):
            if value not in one.values:
                raise ValueError(f"{value} is no choice of {key}")
            return str(value)
        if one.whole:
            return value_text(int(value))
        return value_text(min(max(float(f"{float(value):.{DIGITS}g}"), float(one.low)), float(one.high)))


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one search may write into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(Files(folder))
    try:
        lock.take()
    except OSError as error:
        raise TuneError(
            f"[{folder}] another process is searching here; expected a free folder; wait for it, or give another "
            "one: --study DIR"
        ) from error
    try:
        yield
    finally:
        lock.let_go()


def optuna_module() -> Any:
    """Optuna without its log: the search says what there is to say."""
    try:
        import optuna
    except ImportError as error:
        raise MissingModuleError(
            "[tune] optuna is not installed; expected it, since it chooses the trials; pip install 'powertrain[tune]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


@contextlib.contextmanager
def _without_warnings() -> Iterator[None]:
    """Optuna warns of what it calls experimental, which its versions below 5 all have."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in ("recipe", "metric", "lower", "seed", "prune"):
        if before[name] != now[name]:
            yield f"{name} was {before[name]}, is {now[name]}"
    for one, other in ((before["space"], now["space"]), (_trained(before["tables"]), _trained(now["tables"]))):
        for key in sorted({*one, *other}):
            was, is_now = one.get(key), other.get(key)
            if was != is_now:
                yield one_line(f"{key} was {dumps(was)[:200]}, is {dumps(is_now)[:200]}")


def _trained(tables: Mapping[str, Any]) -> dict[str, Any]:
    """What of a recipe decides on the value of a trial."""
    left = {name: table for name, table in tables.items() if name not in FREE}
    run = left.get("run")
    if isinstance(run, Mapping):
        left["run"] = {key: one for key, one in run.items() if f"run.{key}" not in FREE}
    return left
