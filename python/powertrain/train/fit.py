"""`pt.fit` and `pt.load`: the trainer of recipes, called from Python with a recipe or with objects."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.errors.arguments import shown
from powertrain.errors.boundary import public
from powertrain.io.plain_json import dumps
from powertrain.io.plain_number import plain_number
from powertrain.io.temporary import TemporaryFolder
from powertrain.plugin.registry import registry
from powertrain.plugin.wording import show
from powertrain.recipe.toml import is_plain, value_text
from powertrain.train.folder.lock import naming_not_installed
from powertrain.train.folder.run_folder import RunError
from powertrain.train.places_of_fits import demand_outside, modules_of, trained_by_one
from powertrain.train.trained_run import TrainedRun

if TYPE_CHECKING:
    from powertrain import DType, Tensor
    from powertrain.nn import Module
    from powertrain.optim import Optimizer
    from powertrain.plugin import Callback, Metric, RandomTransform, Transform, Transport
    from powertrain.typing import DataLike, Table, TensorLike

# What a file of weights or of pt.save is called; the folder of a run is called otherwise.
_FILES = (".bin", ".ckpt", ".npz", ".pt", ".pth", ".safetensors")

EPOCHS = 10
EXAMPLE = "pt.fit(model=model, data=(x, y), epochs=10)"


@public
def fit(
    recipe: str | PathLike[str] | Table | None = None,
    *,
    model: str | Module | Table | None = None,
    data: DataLike | None = None,
    loss: str | Callable[..., Tensor] | Table | None = None,
    optimizer: str | Optimizer | Table | None = None,
    strategy: str | Table | None = None,
    features: Sequence[str | type[Transform | RandomTransform] | Table] | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    steps_per_epoch: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    validation: float | DataLike | None = None,
    sample_weight: TensorLike | None = None,
    class_weight: Mapping[int | str, float] | Sequence[float] | str | None = None,
    metrics: Sequence[str | Metric] | None = None,
    pos_label: int | str | None = None,
    callbacks: Sequence[str | Callback | Table] | None = None,
    seed: int | None = None,
    precision: str | DType | None = None,
    threads: int | None = None,
    workers: int | None = None,
    ray: str | None = None,
    when_lost: str | None = None,
    device: str | None = None,
    folder: str | PathLike[str] | None = None,
    resume: bool = False,
    changed_data: bool = False,
    max_minutes: float | None = None,
    verbose: bool = True,
    trust: bool = False,
    **overrides: object,
) -> TrainedRun:
    """Train a recipe, or a model on data; the same trainer, and the same bits, as `powertrain train`.

    recipe      the name of a recipe, the path of one, or its tables as a dict; what follows is laid over it
    model       a pt.nn.Module, trained where it stands, in training mode; or a name such as "mlp", or
                {"use": "mlp", "hidden": [64]}
    data        (x, y): whole numbers y [examples] are classes, others targets (whole ones [examples, 1] with `loss`
                alone); a pt.data.Dataset of pairs; a stream of them, such as a pt.data.IterableDataset, with steps
                (its first 4096 examples say how many classes there are); a pt.data.DataLoader, whose batch size counts;
                a DataModule; or a name
    loss        a name, such as "cross-entropy"; a function of (output, target) that gives one value per example; a
                pt.nn loss. Usual for the task where it is not given
    optimizer   a name ("adamw" where it is not given), a table, or a pt.optim optimizer of the model's parameters
    validation  (x, y) or a data set, or the share of the training examples that is held out
    sample_weight
                one number for each training example, by which its loss counts; in measures of held-out ones too
    class_weight
                a number for each class, {0: 1, 1: 5}, or "balanced": training examples count by that of their class,
                and times sample_weight
    metrics     names, or metrics of pt.metrics
    pos_label   the class of two that f1, precision, recall, average-precision, a threshold and groups are about, by its
                name or number; the second one where it is not given
    callbacks   names, tables, or objects with after_commit(event)
    epochs, steps, batch_size, lr, seed, precision, threads, device
                run.until, run.batch_size, optimizer.lr and so on of a recipe; 10 epochs where neither says. Texts are
                drawn at random and have no epochs: steps=2000
    steps_per_epoch
                evaluate after so many steps each, and make `epochs` times as many: for a stream, which need not end
    workers     processes that share the run, a divisor of run.shards; results do not depend on it. They build model and
                data anew, which therefore have names, and no objects. In a script that mpirun starts, leave it out: all
                its processes train one run together, also with objects; or 1: each process trains a run of its own
    ray         the address of a Ray cluster that starts the workers: "auto", or "local" for one on this machine
    when_lost   with `ray`, when a worker is lost: go on with "fewer", as it does by default, or "wait" for another one
    folder      where checkpoints and report go; a temporary folder, removed with the result, where it is not given
    resume      go on with the run that `folder` holds, to the same bits as without the pause
    changed_data
                resume though the data has changed; what changed is said, and written into the run
    overrides   other sections and keys: run={"precision": "bf16"}, or **{"run.num_workers": 2}

    In a job of MPI each process calls it, with the same arguments. The first one shows and writes the run as one
    process would. The others get the same model and the same results, and the folder of the first.

    Ctrl-C (Jupyter's stop button) ends the training after the round and returns the run so far; a second one raises.

    Errors    anything that is wrong with the recipe, the data or the model, before training begins
    Example
        >>> x, y = np.random.default_rng(0).normal(size=(64, 3)), np.arange(64) % 2
        >>> run = pt.fit(model=pt.nn.Linear(3, 2), data=(x, y), epochs=2, batch_size=16, verbose=False)
        >>> len(run.history), run.predict(x).outputs.shape
        (2, (64, 2))
    """
    from powertrain.recipe import load_recipe
    from powertrain.train.display.display import Display
    from powertrain.train.run.named_slots import own_random_numbers
    from powertrain.train.session import Outcome, train
    from powertrain.train.workers.cluster import demand_sharing, grouped
    from powertrain.train.workers.processes import Job
    from powertrain.train.workers.regrouping import lead
    from powertrain.train.workers.together import joined, train_together

    demand_outside()
    workers, max_minutes = plain_number(workers), plain_number(max_minutes)
    with joined(workers, ray, when_lost) as others:
        _check_names(overrides)
        _check_minutes(max_minutes)
        if recipe is None and (model is None or data is None):
            lacking = " and ".join(name for name, value in (("model", model), ("data", data)) if value is None)
            raise RunError(
                f"[fit] received no recipe and no {lacking}; expected a recipe, or model and data; {EXAMPLE}"
            )
        if isinstance(recipe, pt.nn.Module):
            raise RunError(f"[fit] received a module as the recipe; expected it by name; {EXAMPLE}")
        if recipe is not None and not isinstance(recipe, (str, PathLike, Mapping)):
            raise RunError(
                f"[fit] received {shown(recipe)} as the recipe; expected its name, its path or its tables; write "
                'pt.fit(model=..., data=(x, y)) for arrays, data=pt.data.from_frame(frame, target="COLUMN") for a frame'
            )
        if resume and folder is None:
            raise RunError('[fit] received resume without folder; expected the folder of the run; pass folder="runs/a"')
        if lr is not None and isinstance(optimizer, pt.optim.Optimizer):
            raise RunError(
                f"[fit] received lr={lr!r} and an optimizer, {type(optimizer).__name__}, which has a rate; expected "
                f"one of them; write optimizer=pt.optim.{type(optimizer).__name__}(model, lr={lr!r})"
            )
        sections = {
            "model": model, "loss": loss, "optimizer": optimizer, "strategy": strategy, "features": features,
            "callbacks": callbacks,
        }  # fmt: skip
        if data is not None:
            batch_size = _batch_of(data) if batch_size is None else batch_size
            sections["data"], validation = _data(data, validation, sample_weight, class_weight, loss is not None)
        elif sample_weight is not None or class_weight is not None:
            _refuse_weights("the data of a recipe")
        until, every = _durations(plain_number(epochs), plain_number(steps), plain_number(steps_per_epoch))
        settings = {
            "run.until": until, "run.evaluate.every": every, "run.batch_size": batch_size, "optimizer.lr": lr,
            "run.seed": seed, "data.split.valid": validation,
            "run.precision": precision, "run.threads": threads, "run.device": device, "evaluate.metrics": metrics,
            "evaluate.pos_label": plain_number(pos_label),
        }  # fmt: skip
        if recipe is None:
            recipe = {"optimizer": "adamw", "run": {"until": f"{EPOCHS} epochs"}}
        texts, objects = _laid_over({**sections, **overrides}, settings)
        given = recipe if isinstance(recipe, Mapping) else str(recipe)
        with naming_not_installed(Path(folder) if folder is not None and resume else None):
            loaded = load_recipe(given, texts, trust=trust, objects=objects)
        made: list[TemporaryFolder] = []  # of the process that leads the run

        def place() -> Path:
            if folder is not None:
                return Path(folder).absolute()  # wherever the process goes
            made.append(TemporaryFolder())
            return made[0].path

        def attempt(path: Path, transport: Transport, resume: bool, max_minutes: float | None) -> Outcome:
            display = Display(quiet=not verbose, python=True, kept=folder is not None)
            return train(
                loaded, path, resume=resume, display=display, max_minutes=max_minutes, changed_data=changed_data,
                transport=transport,
            )  # fmt: skip

        modules = modules_of(model)
        # As somebody left them who looked at their outputs; parts of a model may stay in that mode.
        evaluating = [module for module in modules if not module.training]
        try:
            with trained_by_one(modules), own_random_numbers():
                for module in evaluating:
                    module.train()
                if others is not None:
                    asked = {"folder": str(folder), "resume": resume, "changed_data": changed_data}
                    outcome = train_together(
                        others, loaded, asked, place, lambda path: attempt(path, others, resume, max_minutes)
                    )
                else:
                    count = 1 if workers is None else workers
                    demand_sharing(loaded, count, ray, when_lost)
                    job = Job.of(loaded, path := place(), trust, changed_data)
                    with grouped(ray, count, loaded.run.threads or 1, job, when_lost) as groups:
                        outcome = lead(groups, path, resume, max_minutes, partial(attempt, path))
        except BaseException:
            for temporary in made:
                temporary.remove()
            for module in evaluating:
                module.eval()
            raise
        trained = TrainedRun(outcome.run, outcome.results if outcome.finished else {}, finished=outcome.finished)
        for temporary in made:
            temporary.remove_with(trained)
        return trained


@public
def load(
    folder: str | PathLike[str],
    *,
    model: str | Module | Table | None = None,
    data: DataLike | None = None,
    loss: str | Callable[..., Tensor] | Table | None = None,
    metrics: Sequence[str | Metric] | None = None,
    trust: bool = False,
    checkpoint: int | str | None = None,
) -> TrainedRun:
    """Open the folder of a run, in any process: what `pt.fit` gave, with the weights that it judged. `checkpoint` names
    another one that the run keeps: its round, "last", or "best" by `run.keep.by`.

    `trust` lets code that lies in the folder of somebody else's run be run (docs/security.md). A run that was made from
    Python objects needs the model again, an object of the same class; its own weights are replaced. Without `data` it
    predicts, and `evaluate((x, y))` measures. With it, `evaluate()` measures the parts that it has: those of a run are
    {"train": ..., "valid": ...} where `fit` was given `validation`.

    Errors    a folder without a run; a damaged one; a checkpoint that it does not keep; code that you did not train
              with, without `trust`
    Example
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     first = pt.fit("digits", epochs=1, folder=folder, verbose=False)
        ...     second = pt.load(folder)
        >>> x = np.ones((1, 8, 8))
        >>> np.array_equal(first.predict(x), second.predict(x))
        True
    """
    from powertrain.data.in_memory import dataset_of
    from powertrain.models.registry import resolved
    from powertrain.train.evaluate.review import open_run

    if Path(folder).suffix in _FILES and not Path(folder).is_dir():
        raise RunError(
            f"[load] received {str(folder)!r}, a file; expected the folder of a run; write "
            "pt.restore(path, model=model) for what pt.save wrote, or "
            "model.load_state_dict(safetensors.numpy.load_file(path), layout='torch') for weights of PyTorch"
        )
    data = None if data is None else {"use": dataset_of(data)}
    given = {"model": model, "data": data, "loss": loss, "evaluate": metrics}
    objects = {name: value for name, value in given.items() if value is not None}
    name = None if checkpoint is None else str(checkpoint)
    return open_run(resolved(folder).absolute(), trust, objects, checkpoint=name)


def _durations(epochs: int | None, steps: int | None, steps_per_epoch: int | None) -> tuple[str | None, str | None]:
    """How long the run is, and how far evaluations are apart: after so many steps each, where these are called an
    epoch."""
    if epochs is not None and steps is not None:
        raise RunError(f"[fit] received epochs={epochs} and steps={steps}; expected one of them; leave one out")
    for name, value in (("epochs", epochs), ("steps", steps), ("steps_per_epoch", steps_per_epoch)):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if value is not None and not (whole and value >= 1):
            example = 100 if name == "steps_per_epoch" else 10
            raise RunError(f"[fit] received {name}={value!r}; expected a whole number >= 1; such as {example}")
    if steps_per_epoch is None:
        return f"{steps} steps" if steps is not None else None if epochs is None else f"{epochs} epochs", None
    total = steps if steps is not None else (EPOCHS if epochs is None else epochs) * steps_per_epoch
    return f"{total} steps", f"{steps_per_epoch} steps"


def _check_minutes(minutes: object) -> None:
    real = isinstance(minutes, (int, float)) and not isinstance(minutes, bool)
    if minutes is not None and not (real and minutes >= 0):  # type: ignore[operator]
        raise RunError(f"[fit] received max_minutes={shown(minutes)}; expected a number >= 0; such as 30")


def _batch_of(data: Any) -> int | None:
    """The batch size of a loader."""
    from powertrain.data import DataLoader

    return data.batch_size if isinstance(data, DataLoader) else None


# What other libraries call an argument.
_COUNTERPARTS = {
    "validation_data": "validation=(x, y)",
    "validation_split": "validation=0.2",
    "eval_set": "validation=(x, y)",
    "x": "data=(x, y)",
    "y": "data=(x, y)",
    "num_epochs": "epochs=10",
    "epoch": "epochs=10",
    "batch": "batch_size=64",
    "callback": "callbacks=[...]",
    "metric": "metrics=[...]",
    "max_epochs": "epochs=10",
    "max_steps": "steps=1000",
    "learning_rate": "lr=1e-3",
    "criterion": "loss=criterion",
    "sample_weights": "sample_weight=weights",
    "class_weights": "class_weight={0: 1, 1: 5}",
    "weights": "sample_weight=weights",
    "num_workers": 'run={"num_workers": 2}',
    "default_root_dir": 'folder="runs/a"',
    "sampler": "data=pt.data.DataLoader(dataset, batch_size=64, sampler=sampler)",
    **dict.fromkeys(
        ("patience", "early_stopping", "early_stopping_patience", "early_stopping_rounds", "n_iter_no_change", "stop"),
        'run={"stop": {"watch": "valid.loss", "patience": 5}}',
    ),
    **dict.fromkeys(
        ("schedule", "scheduler", "lr_scheduler", "lr_schedule"),
        'optimizer={"use": "adamw", "lr": 1e-3, "schedule": "cosine"}',
    ),
    **dict.fromkeys(
        ("clip", "grad_clip", "max_grad_norm", "gradient_clip_val", "clipnorm"),
        'optimizer={"use": "adamw", "lr": 1e-3, "clip": 1.0}',
    ),
    **dict.fromkeys(
        ("accumulate", "accumulate_grad_batches", "gradient_accumulation_steps"),
        'optimizer={"use": "adamw", "lr": 1e-3, "accumulate": 4}',
    ),
    "weight_decay": 'optimizer={"use": "adamw", "lr": 1e-3, "weight_decay": 0.01}',
    "momentum": 'optimizer={"use": "sgd", "lr": 0.1, "momentum": 0.9}',
}


def _check_names(names: Mapping[str, Any]) -> None:
    """Refuse an argument of another library, with the one to write."""
    for name in names:
        if name in ("ema", "average", "swa"):
            raise RunError(
                f"[fit] received {name}; expected no average of the weights, which a run does not keep; write the loop "
                "yourself, with pt.optim.EMA: powertrain help optimizers"
            )
        if name in _COUNTERPARTS:
            ours = _COUNTERPARTS[name]
            raise RunError(f"[fit] received {name}; expected {ours.partition('=')[0]}; write pt.fit(..., {ours})")


def _refuse_weights(what: str) -> None:
    raise RunError(
        f"[fit] received weights for {what}; expected data as arrays or a data set; pass data=(x, y), or give the data "
        "a field weight"
    )


def _data(data: Any, validation: Any, sample_weight: Any, class_weight: Any, has_loss: bool) -> tuple[Any, Any]:
    """The data, with validation examples of their own as a part; and the share that is left to hold out."""
    if isinstance(data, str) or (isinstance(data, Mapping) and is_plain(data)):
        if isinstance(data, str):
            _check_name(data)
        if sample_weight is not None or class_weight is not None:
            _refuse_weights("data by name")
        if validation is None or is_plain(validation):
            return data, validation
        raise RunError(
            f"[fit] received validation {show(validation)} beside the name of data; expected a share such as 0.1; or "
            "pass arrays as data too"
        )
    if isinstance(data, Mapping) and "use" in data:
        key = next(name for name, value in data.items() if not is_plain(value))
        raise RunError(
            f"[fit] received data with {key} = {shown(data[key])} in a table of settings; expected texts, numbers and "
            'lists there; pass data=pt.data.from_frame(frame, target="COLUMN") for a frame in memory'
        )
    from powertrain.data.in_memory import dataset_of, with_part

    dataset = dataset_of(data, sample_weight=sample_weight, class_weight=class_weight, whole_columns=has_loss)
    if validation is None or (is_plain(validation) and not isinstance(validation, (list, tuple))):
        return {"use": dataset}, validation
    return {"use": with_part(dataset, "valid", validation)}, None


# What reads a file of that ending, and what a folder.
_READERS = {
    **dict.fromkeys((".csv", ".tsv", ".parquet"), '{{"use": "table", "path": {path}, "target": "COLUMN"}}'),
    **dict.fromkeys((".npy", ".npz"), '{{"use": "arrays", "path": {path}}}'),
    ".txt": '{{"use": "text", "path": {path}}}',
    "": '{{"use": "image-folder", "path": {path}}}, or "audio-folder"',
    "sounds": '{{"use": "audio-folder", "path": {path}}}, features=["spectrogram"]',
}


def _held_in(folder: Path) -> str:
    """What a folder of folders holds, by the first files that are there."""
    first = itertools.islice((path for path in folder.glob("*/*") if path.is_file()), 20)
    return "sounds" if any(path.suffix.lower() in (".wav", ".flac") for path in first) else ""


def _check_name(data: str) -> None:
    """Refuse the path of a file or a folder in place of a name, with the table to write."""
    path = Path(data)
    reader = _READERS.get(_held_in(path) if path.is_dir() else path.suffix.lower())
    if (
        reader is None
        or not path.exists()
        or any(data in (one.name, one.full_name) for one in registry().plugins("data"))
    ):
        return
    what = "folder" if path.is_dir() else "file"
    raise RunError(
        f"[fit] received the path of a {what}, data={data!r}; expected the name of a data set, or a table that says "
        f"what reads it; write data={reader.format(path=dumps(data))}"
    )


def _laid_over(sections: Mapping[str, Any], settings: Mapping[str, Any]) -> tuple[list[str], dict[Any, Any]]:
    """What is laid over a recipe: texts KEY=VALUE where a text can say it, and the objects by their path."""
    flat: dict[str, Any] = {}
    for name, value in sections.items():
        if isinstance(value, Mapping) and "use" not in value and name != "data":
            flat.update({f"{name}.{key}": one for key, one in value.items()})
        else:
            flat[name] = value
    # Shorthands last: epochs=3 counts beside run={...}.
    flat.update({name: value for name, value in settings.items() if value is not None})
    given = {name: value for name, value in flat.items() if value is not None}
    texts = [f"{name}={value_text(value)}" for name, value in given.items() if is_plain(value)]
    objects = {tuple(name.split(".")): _table(value) for name, value in given.items() if not is_plain(value)}
    return texts, objects


def _table(value: Any) -> Any:
    """An object as a section holds it."""
    if isinstance(value, (list, tuple)):
        return list(value)
    return value if isinstance(value, Mapping) else {"use": value}
