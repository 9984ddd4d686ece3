"""`powertrain retrain`: train a challenger on new data and let a rule decide whether it becomes the champion."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataModule, kept
from powertrain.io.console import one_line
from powertrain.io.files import make_folder
from powertrain.io.plain_json import dumps
from powertrain.models import CHALLENGER, CHAMPION, AliasMovedError, Registry, Version, open_registry
from powertrain.models.folders import hash_folder
from powertrain.models.registry import checked_name, registered_name
from powertrain.monitor.labels import class_name, predictions, scored
from powertrain.monitor.paired import PairedDifference, paired_difference
from powertrain.recipe import Recipe
from powertrain.recipe.reader import changed
from powertrain.train.display.display import Display
from powertrain.train.evaluate.predict import BATCH
from powertrain.train.evaluate.reference import class_names
from powertrain.train.evaluate.review import open_run
from powertrain.train.folder.reopening import rebuilt
from powertrain.train.folder.run_folder import RUNS, RunError, new_folder
from powertrain.train.monitoring.traffic import Names, traffic
from powertrain.train.retraining.parts import cut
from powertrain.train.session import train

if TYPE_CHECKING:
    from powertrain.train.trained_run import TrainedRun

POLICIES = ("continue", "restart")
RULES = ("better", "not-worse", "never")
FIRST = "it was there first"


@dataclass(frozen=True)
class Settings:
    """How a challenger is trained and judged."""

    policy: str = "continue"  # from the champion's weights, with what it had fitted; or "restart": anew
    test: Path | None = None  # examples that both are judged on; else a share of the new ones
    share: float = 0.3
    ordered: bool = False  # that share are the last examples, not drawn at random
    rule: str = "better"  # promote where the interval of the difference is above 0; "not-worse": above -margin; "never"
    margin: float = 0.01
    confidence: float = 0.95
    seed: int = 0
    overrides: tuple[str, ...] = ()
    name: str | None = None  # under which both are registered
    folder: Path | None = None
    trust: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (("policy", self.policy, POLICIES), ("rule", self.rule, RULES)):
            if value not in known:
                raise RunError(f"[retrain] received {name}={value!r}; expected one of {', '.join(known)}; choose one")
        if not 0 < self.share < 1 or self.margin < 0:
            raise RunError(
                f"[retrain] received share={self.share} and margin={self.margin}; expected a share between 0 and 1 and "
                "a margin of at least 0; 0.3 and 0.01 are usual"
            )
        if not 0 < self.confidence < 1:
            raise RunError(
                f"[retrain] received confidence={self.confidence}; expected a share between 0 and 1; 0.95 is usual"
            )
        if self.name is not None:
            checked_name(self.name)


@dataclass(frozen=True)
class Retrained:
    """What came of it: the challenger's run, the scores of both and their difference (larger is better), the decision.

    `measure` is "accuracy", or "squared error", whose difference has the sign turned.
    """

    folder: Path
    champion_folder: Path
    measure: str
    champion: float
    challenger: float
    difference: PairedDifference
    promoted: bool
    why: str
    version: Version | None = None

    def line(self) -> str:
        """The comparison in words."""
        found = self.difference
        return (
            f"{self.measure}: champion {self.champion:.4g}, challenger {self.challenger:.4g}; difference "
            f"{found.difference:+.4g}, {found.confidence:.0%} interval {found.low:+.4g} to {found.high:+.4g}, "
            f"p {found.p:.2g}, {found.examples:,} examples ({found.method})"
        )

    def table(self) -> dict[str, Any]:
        """The same for JSON."""
        return {
            "run": str(self.folder), "champion_run": str(self.champion_folder), "measure": self.measure,
            "champion": self.champion, "challenger": self.challenger, "promoted": self.promoted, "why": self.why,
            **dataclasses.asdict(self.difference), "version": None if self.version is None else self.version.number,
        }  # fmt: skip


def retrain(given: Path, data: Path, settings: Settings, display: Display | None = None) -> Retrained:
    """Train a challenger of the run or registered model `given` on the file `data`, and compare the two."""
    champion = open_run(given, settings.trust)
    name = settings.name or registered_name(given)
    recipe_name = champion.run.folder.about()["recipe"]
    _demand_file_recipe(champion)
    before = None if name is None else _champion_of(name)
    if before is not None and settings.rule != "never":
        _demand_champion(champion, before)
    if not data.is_file():
        raise RunError(
            f"[retrain] there is no file {data}; expected a file of new examples, in the form that the run "
            "was trained on; check the path"
        )
    folder = settings.folder or new_folder(RUNS, recipe_name)
    learned, tested = data.absolute(), settings.test
    if tested is None:
        make_folder(folder)
        learned, tested = cut(data, folder.absolute(), settings.share, settings.seed, ordered=settings.ordered)
    recipe = _recipe(champion, learned, settings, recipe_name)
    dataset = _as_champion_reads(champion, recipe) if settings.policy == "continue" else None
    train(recipe, folder, display=display or Display(), dataset=dataset)
    challenger = open_run(folder, settings.trust)
    found = _judged(champion, challenger, str(tested), settings)
    return found if name is None else _registered(found, name, before)


def _demand_champion(champion: TrainedRun, version: Version) -> None:
    """Refuse a model that is not the registered champion: who beats another one may be worse than the champion."""
    name = version.name
    registered = open_registry().path(name, version.number)
    if not registered.samefile(champion.folder) and hash_folder(champion.folder) != version.sha256:
        raise RunError(
            f"[retrain] {champion.folder} is not the champion of {name}, which is version {version.number}; expected "
            f"the model that the challenger may replace; give models:/{name}@champion, or --rule never"
        )


def _champion_of(name: str) -> Version | None:
    return next((one for one in open_registry().versions(name) if CHAMPION in one.aliases), None)


def _demand_file_recipe(champion: TrainedRun) -> None:
    recipe = champion.run.recipe
    if recipe.objects:
        raise RunError(
            f"[retrain] {champion.folder} was made from Python objects ({', '.join(recipe.objects)}), which its folder "
            "does not hold; expected a run of a recipe; train again with pt.fit"
        )
    fields = {field.name for field in dataclasses.fields(recipe.data["train"].params)} if "train" in recipe.data else ()
    if "path" not in fields:
        raise RunError(
            f"[retrain] the data of {champion.folder} are {champion.run.dataset.name}, which are not in a file; "
            "expected data with a path, such as table or arrays; train a new run on your file instead"
        )


def _recipe(champion: TrainedRun, data: Path, settings: Settings, name: str) -> Recipe:
    """The champion's recipe with the new data, and with its weights to begin from."""
    before = champion.run.recipe
    data_table = before.tables["data"]
    by_role = isinstance(data_table, Mapping) and "use" not in data_table
    where = "data.train.path" if by_role else "data.path"
    changes = [*settings.overrides, f"{where}={dumps(str(data))}"]
    if settings.policy == "continue":
        changes.append(f"model.weights={dumps(str(champion.folder.absolute()))}")
        if any(one.fresh for one in before.beginnings.values()):
            changes.append("model.fresh=")
    made = changed(before, changes, trust=settings.trust)
    return dataclasses.replace(made, name=name)


def _as_champion_reads(champion: TrainedRun, recipe: Recipe) -> DataModule:
    """The new data with what the champion had fitted: its weights know no other inputs."""
    folder = champion.run.folder
    about, (found, _) = folder.about(), folder.checkpoints.latest()
    assert found is not None  # it was opened
    made, _ = rebuilt(folder, about, recipe, recipe.path.resolve().parent, found.arrays)
    if wrong := kept.misfits(about["data"], kept.record(made)):
        raise RunError(
            f"[retrain] the weights of {folder.path} cannot read the new data: {'; '.join(wrong)}; expected "
            "examples of the same form and classes; start again: --policy restart"
        )
    return made


def _judged(champion: TrainedRun, challenger: TrainedRun, tested: str, settings: Settings) -> Retrained:
    labels = class_names(champion.run)
    before, after = (_scores(one, tested) for one in (champion, challenger))
    measure, sign = ("accuracy", 1) if labels is not None else ("squared error", -1)
    found = paired_difference(sign * before, sign * after, confidence=settings.confidence, seed=settings.seed)
    promoted, why = _decided(found, settings)
    return Retrained(
        challenger.folder, champion.folder, measure, float(before.mean()), float(after.mean()), found, promoted, why
    )


def _scores(trained: TrainedRun, tested: str) -> NDArray[np.float64]:
    """The measure of each example of the test, by the model's own reading of the file."""
    labels = class_names(trained.run)
    parts = list(_scored(trained, tested, labels))
    if not parts:
        raise RunError(f"[retrain] {tested} has no examples; expected some to compare on; check the file")
    return np.concatenate(parts)


def _scored(trained: TrainedRun, tested: str, labels: Sequence[str] | None) -> Iterator[NDArray[np.float64]]:
    threshold = trained.run.evaluations.decision.threshold
    # Answers that were logged with the examples are of neither model.
    for some in traffic(trained.run, tested, BATCH, Names(output="")):
        if some.labels is None:
            raise RunError(
                f"[retrain] the examples of {tested} have no target; expected one for each; give a file of the form "
                "that the run was trained on"
            )
        truth = [class_name(one, labels) for one in some.labels]
        yield scored(list(zip(predictions(some.outputs, labels, threshold), truth, strict=True)), labels is not None)


def _decided(found: PairedDifference, settings: Settings) -> tuple[bool, str]:
    limit = {"better": 0.0, "not-worse": -settings.margin}.get(settings.rule)
    if limit is None:
        return False, "rule never: nothing is promoted"
    promoted = found.low > limit
    sign = "above" if promoted else "not above"
    return promoted, f"rule {settings.rule}: the interval begins at {found.low:+.4g}, {sign} {limit:g}"


def _registered(found: Retrained, name: str, before: Version | None) -> Retrained:
    """Register both, so that a rollback finds the champion, and move the names. A version that somebody else made
    champion while the challenger was trained and judged stays: the two were never compared."""
    registry = open_registry()
    over = before.number if before is not None else _first(registry, name, found.champion_folder)
    made = registry.register(name, found.folder, alias=CHALLENGER, why=found.why)
    if not found.promoted:
        return dataclasses.replace(found, version=made)
    try:
        return dataclasses.replace(found, version=registry.promote(name, made.number, why=found.why, over=over))
    except AliasMovedError as error:
        why = f"{found.why}; but {one_line(error)}"
        return dataclasses.replace(found, promoted=False, why=why, version=made)


def _first(registry: Registry, name: str, folder: Path) -> int:
    """Register the model that was there before its name, as champion unless another became it; its number."""
    made = registry.register(name, folder, why=FIRST)
    with contextlib.suppress(AliasMovedError):
        registry.promote(name, made.number, why=FIRST, over=0)
    return made.number
