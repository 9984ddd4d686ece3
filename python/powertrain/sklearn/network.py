"""Networks behind `Classifier` and `Regressor`: a recipe, trained by the Trainer on the arrays that `fit` is given."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from powertrain.data import ArrayDataset, DataError, DataModule
from powertrain.random.default import drawing_from
from powertrain.recipe import load_recipe
from powertrain.recipe.sections import Recipe
from powertrain.sklearn.checks import EstimatorError, above, whole
from powertrain.solvers.tall import Array, Floats
from powertrain.train.display.display import Display
from powertrain.train.evaluate.predict import outputs
from powertrain.train.folder.run_folder import RunFolder
from powertrain.train.folder.saved_arrays import below
from powertrain.train.run.named_slots import own_random_numbers
from powertrain.train.run.train_run import TrainRun
from powertrain.train.trainer import fit

# The recipe of `hidden`; its data are those of `fit`.
TEXT = """\
data      = "digits"
features  = ["standardize"]
model     = {{ use = "mlp", hidden = {hidden} }}
optimizer = {{ use = "adamw", lr = {lr}, weight_decay = 0.01, schedule = "cosine" }}
run       = {{ until = "{epochs} epochs", batch_size = {batch_size} }}
"""
# Rows that stand for the training data when a trained network is made again from its slots.
KEPT_ROWS = 4


@dataclasses.dataclass
class Trained:
    """A trained network. What it is made of can be copied and pickled; its program is made again when needed."""

    recipe: Recipe
    shape: tuple[int, ...]
    classes: int | None
    rows: Array
    targets: Array
    arrays: dict[str, Array]
    centre: Floats
    scale: Floats
    _run: Any = None

    def __call__(self, x: Array) -> Array:
        """Logits of each class, or values of each target."""
        if self._run is None:
            self._run = self._made_again()
        with drawing_from(self._run.generator):
            found = outputs(self._run, _shaped(x, self.shape))
        if self.classes is not None:
            return found.astype(x.dtype)
        return (found.reshape(len(x), -1) * self.scale + self.centre).astype(x.dtype)

    def _made_again(self) -> TrainRun:
        dataset = _dataset(self.recipe, self.rows, self.targets, self.classes, None)
        for at, transform in enumerate(dataset.transforms):
            transform.restore(below(self.arrays, f"transform.{at}."))
        with own_random_numbers(), tempfile.TemporaryDirectory() as folder:
            run = _run(self.recipe, dataset, Path(folder))
            run.strategy.setup(run)
            wrong = run.table.load(self.arrays)
            assert not wrong, wrong
        return run

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_run": None, "recipe": (self.recipe.text, self.recipe.overrides, self.recipe.path)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        text, overrides, path = state.pop("recipe")
        self.__dict__.update(state)
        self.recipe = _read(text, overrides, path)


def train_network(estimator: Any, x: Array, y: Array, classes: int | None, weight: Floats | None) -> Trained:
    """Train what an estimator's parameters describe. `y`: class numbers, or targets [rows, n] where classes is None.

    `weight` counts each row's loss; rows of weight 0 are left out, by the features too.
    """
    if weight is not None:
        kept = weight > 0
        x, y, weight = x[kept], y[kept], weight[kept] / weight[kept].mean()
    recipe = _recipe(estimator)
    shape = _shape(estimator, recipe, x.shape[1])
    centre, scale = np.zeros(1), np.ones(1)
    if classes is None:
        y = y.astype(np.float64)
        centre = np.average(y, axis=0, weights=weight)
        spread = np.sqrt(np.average(np.square(y - centre), axis=0, weights=weight))
        scale = np.where(spread > 0, spread, 1.0)
        targets = ((y - centre) / scale).astype(np.float32)
        targets = targets[:, 0] if targets.shape[1] == 1 else targets
    else:
        targets = y.astype(np.int64)
    rows = _shaped(x, shape)
    with own_random_numbers(), tempfile.TemporaryDirectory() as folder:
        run = _run(recipe, _dataset(recipe, rows, targets, classes, weight), Path(folder))
        run.folder.lock()  # makes the folder
        try:
            fit(run.strategy, run, recipe.run.until)
            run.evaluations.use_best()
        finally:
            run.close()
            run.folder.unlock()
        arrays = {name: np.array(value) for name, value in run.table.snapshot().items()}
    few = min(KEPT_ROWS, len(rows))
    return Trained(recipe, shape, classes, rows[:few].copy(), targets[:few].copy(), arrays, centre, scale, run)


def _recipe(estimator: Any) -> Recipe:
    where = type(estimator).__name__
    seed = 0 if estimator.random_state is None else whole(where, "random_state", estimator.random_state, 0)
    overrides = (f"run.seed={seed}", "run.save_seconds=1e9", "expect={}", "callbacks=[]")
    if estimator.recipe is not None:
        if len(estimator.hidden):
            raise EstimatorError(f"[{where}] received recipe and hidden; expected one of them; leave hidden out")
        return load_recipe(str(estimator.recipe), overrides)
    text = TEXT.format(
        hidden=[whole(where, "hidden", width) for width in estimator.hidden],
        lr=above(where, "lr", estimator.lr),
        epochs=whole(where, "epochs", estimator.epochs),
        batch_size=whole(where, "batch_size", estimator.batch_size),
    )
    return _read(text, overrides, Path("hidden.toml"))


def _read(text: str, overrides: tuple[str, ...], path: Path) -> Recipe:
    """A recipe from its text. Files that it names are looked for where it stood, if that place is there."""
    with tempfile.TemporaryDirectory() as folder:
        place = path if path.is_file() else Path(folder) / path.name
        if place != path:
            place.write_text(text, encoding="utf-8")
        return load_recipe(str(place), overrides)


def _shape(estimator: Any, recipe: Recipe, features: int) -> tuple[int, ...]:
    """The shape of one example: as asked, or as the recipe's own data have it, where that holds as many numbers."""
    shape: tuple[int, ...] = (features,)
    if estimator.shape is not None:
        shape = tuple(whole(type(estimator).__name__, "shape", size) for size in estimator.shape)
    elif estimator.recipe is not None and "train" in recipe.data:
        use = recipe.data["train"]
        try:
            own: DataModule = use.plugin.build(use.params, recipe.path.resolve().parent)
        except DataError:  # its files are not here
            return shape
        of_data = own.inputs().shape
        shape = of_data if np.prod(of_data) == features else shape
    if np.prod(shape) != features:
        raise EstimatorError(
            f"[{type(estimator).__name__}] shape = {list(shape)}, X has {features} features; expected as many numbers "
            "in both; change shape"
        )
    return shape


def _shaped(x: Array, shape: tuple[int, ...]) -> Array:
    return x.astype(np.float32).reshape(len(x), *shape)


def _dataset(recipe: Recipe, x: Array, y: Array, classes: int | None, weight: Floats | None) -> DataModule:
    """Arrays as the recipe's data. Its validation part is held out where something watches it."""
    task: Any = "regression" if classes is None else "classification"
    count = classes or (1 if y.ndim == 1 else y.shape[1])
    fields = {"x": x, "y": y} if weight is None else {"x": x, "y": y, "weight": weight.astype(np.float32)}
    made = DataModule("arrays", task, {"train": ArrayDataset(fields)}, count)
    if recipe.run.stop is not None and recipe.split.valid > 0 and len(x) > KEPT_ROWS:
        stratify = recipe.split.stratify and classes is not None
        made = made.split({"valid": recipe.split.valid}, seed=recipe.split.seed, stratify=stratify)
    elif recipe.run.stop is not None:
        made = dataclasses.replace(made, splits={**made.splits, "valid": made.train})
    return made.transformed([(feature.plugin, feature.params) for feature in recipe.features])


def _run(recipe: Recipe, dataset: DataModule, folder: Path) -> TrainRun:
    return TrainRun(recipe, RunFolder(folder), dataset, Display(quiet=True), recipe.path.resolve().parent)
