"""`powertrain check`: the data of a recipe, looked at before anything is trained on it."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.data import ArrayDataset
from powertrain.errors.arguments import shown
from powertrain.io.files import Files
from powertrain.io.plain_json import dumps
from powertrain.recipe import load_recipe
from powertrain.train import session
from powertrain.train.checking.findings import Checked, examined, gathered
from powertrain.train.checking.page import check_page
from powertrain.train.display.display import Display
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.named_slots import own_random_numbers
from powertrain.train.run.sources import prepare
from powertrain.train.trained_run import TrainedRun

if TYPE_CHECKING:
    from powertrain.recipe import Recipe
    from powertrain.typing import Array

# What a training that only judges labels does without.
QUIET = (
    "expect={}", "callbacks=[]", "report.baseline=false", "report.profile=false", "report.worst=0", "report.groups=[]",
)  # fmt: skip
VALID = 0.1  # of the examples of a fold, where the recipe stops by a validation part


@dataclass(frozen=True)
class Check:
    """What was found, and where the page is."""

    name: str
    data: Checked
    page: Path

    @property
    def serious(self) -> bool:
        """Whether something was found that makes scores false."""
        return any(one.serious for one in self.data.findings)

    def lines(self) -> list[str]:
        """What a person reads."""
        data, dataset = self.data, self.data.dataset
        sizes = ", ".join(f"{part} {int((data.parts == part).sum()):,}" for part in dict.fromkeys(data.parts.tolist()))
        kind = f"{dataset.outputs} classes" if dataset.kind.classes else dataset.task
        lines = [f"{dataset.name}: {len(data.y):,} examples ({sizes}) of shape {list(data.x.shape[1:])}, {kind}"]
        lines += [f"{one.kind}: {one.text}" for one in data.findings] or ["nothing was found"]
        if data.accuracy is not None:
            lines.append(f"labels were judged by a model that is right on {data.accuracy:.1%} of what it has not seen")
        return lines

    def table(self) -> dict[str, Any]:
        """The same for a program. Rows are [part, number in the part]."""
        data = self.data
        return {
            "recipe": self.name,
            "examples": len(data.y),
            "accuracy": data.accuracy,
            "findings": [
                {
                    "kind": one.kind, "count": one.count, "serious": one.serious, "text": one.text,
                    "rows": [[str(data.parts[row]), int(data.numbers[row])] for row in one.rows],
                }
                for one in data.findings
            ],
            "page": str(self.page),
        }  # fmt: skip


def check(
    name: str,
    *,
    near: float = 0.99,
    folds: int = 5,
    train: bool = False,
    out: Path | None = None,
    trust: bool = False,
    tell: Callable[[str], None] = lambda text: None,
) -> Check:
    """Look at the data of a recipe and write the page. With `train`, its own model judges the labels. `tell` hears what
    is being looked for."""
    tell("reading the data")
    recipe = load_recipe(name, QUIET, trust=trust)
    dataset = prepare(recipe, recipe.path.resolve().parent)
    if not dataset.splits or dataset.kind.tokens or dataset.kind.plays:
        raise RunError(
            f"[check] {shown(name)} has {dataset.name}, a {dataset.task} task; expected examples with targets, "
            "classes or numbers; see pt.quality for functions that take texts"
        )
    data = gathered(dataset)
    most = int(np.bincount(data.y).max()) if dataset.kind.classes else len(data.y)
    if not 2 <= folds <= most:
        raise RunError(f"[check] received folds={folds}; expected a number from 2 to {most}; 5 is usual")
    page = Path(f"check-{recipe.name}.html") if out is None else out
    if not page.parent.is_dir():
        raise RunError(f"[check] there is no folder {page.parent}; expected one; make it, or give another --out")
    found = examined(data, near, folds, _by_recipe(recipe, data) if train else None, tell)
    made = Check(recipe.name, found, page)
    Files(page.parent).replace(page.name, check_page(recipe.name, found, made.lines()).encode())
    return made


def _by_recipe(recipe: Recipe, data: Checked) -> Callable[[Array, Array], Callable[[Array], Any]]:
    """Trains the recipe on some examples, by their numbers."""

    def learn(rows: Array, labels: Array) -> Callable[[Array], Any]:
        train = ArrayDataset(x=data.x[rows], y=labels)
        dataset = dataclasses.replace(data.dataset, splits={"train": train}, chain=())
        if recipe.run.stop is not None:
            dataset = dataset.split({"valid": VALID}, stratify=True)
        dataset = dataset.transformed([(feature.plugin, feature.params) for feature in recipe.features])
        with own_random_numbers(), tempfile.TemporaryDirectory() as folder:
            outcome = session.train(recipe, Path(folder) / "fold", display=Display(quiet=True), dataset=dataset)
        if outcome.signal:
            raise KeyboardInterrupt
        trained = TrainedRun(outcome.run, outcome.results, finished=True)
        return lambda asked: trained.predict(data.x[asked], checked=True).probabilities

    return learn


def as_json(found: Check) -> str:
    """One line."""
    return dumps(found.table())
