"""The sections of a recipe, as frozen dataclasses: names, types, ranges and what each is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from powertrain.data.targets import SCALES
from powertrain.devices.place import PLACES
from powertrain.plugin.group import Group
from powertrain.plugin.local import LocalFile
from powertrain.plugin.params import param
from powertrain.plugin.registry import Plugin
from powertrain.plugin.trust import file_of
from powertrain.program.autocast import PRECISIONS, precision_of
from powertrain.recipe.durations import Duration, Limit


@dataclass(frozen=True)
class Use:
    """A plugin that the recipe names, imported, with its checked parameters.

    Example
        >>> from powertrain.recipe import load_recipe
        >>> recipe = load_recipe('digits')
        >>> recipe.model.name
        'cnn'
    """

    group: str
    name: str
    plugin: Any
    params: Any
    entry: Plugin | None = None
    file: LocalFile | None = None

    @property
    def origin(self) -> dict[str, str]:
        """What run.lock records: the distribution and version, or the file and its hash."""
        if self.file is not None:
            return {"use": self.name, "file": file_of(self.name), "sha256": self.file.sha256}
        if self.entry is None:
            return {"use": self.name}
        return {"use": self.name, "distribution": self.entry.distribution, "version": self.entry.version}


@dataclass(frozen=True, kw_only=True)
class Split:
    """Which parts are held out of the training data; parts that the data itself has win.

    Example
        >>> from powertrain.recipe import Split
        >>> Split(valid=0.1, test=0.2).valid
        0.1
    """

    valid: float = param(0.0, low=0, below=1, doc="share of the training examples that is watched during training")
    test: float = param(0.0, low=0, below=1, doc="share that is looked at once, after training")
    unlabelled: float = param(0.0, low=0, below=1, doc="share whose targets strategies do not look at")
    labelled: int = param(
        0, low=0, doc="training examples of each class that keep their labels; the rest is unlabelled"
    )
    stratify: bool = param(False, doc="keep the share of each class equal in all parts")
    seed: int = param(0, low=0, doc="chooses the parts; the run's own seed does not touch them")

    def __post_init__(self) -> None:
        if self.valid + self.test + self.unlabelled >= 1:
            others = f" and unlabelled {self.unlabelled:g}" if self.unlabelled else ""
            raise ValueError(
                f"received valid {self.valid:g} and test {self.test:g}{others}; expected less than 1 together, so that "
                "something is left to train on; lower one of them"
            )
        if self.labelled and self.unlabelled:
            raise ValueError(
                f"received labelled {self.labelled} and unlabelled {self.unlabelled:g}; expected one of them; leave "
                "one out"
            )


@dataclass(frozen=True, kw_only=True)
class TargetSection:
    """What is learned in place of numbers to predict, and what they are counted in."""

    scale: str = param(
        "none",
        choices=SCALES,
        doc="what training learns: log(y), log(1 + y), or (y - mean) / deviation of the training part; predictions and "
        "metrics are of y itself",
    )
    unit: str = param("", doc="what y is counted in, such as dollars: predictions, metrics and the report say it")


@dataclass(frozen=True, kw_only=True)
class Stop:
    """Ends a run early when a watched metric no longer improves, and keeps the best weights."""

    watch: str = param(doc="a metric of the validation part", usual='"valid.accuracy" or "valid.loss"')
    patience: int = param(5, low=1, doc="evaluations without improvement before the run ends")
    mode: str = param("auto", choices=("auto", "max", "min"), doc="which way is better; auto: min for losses")


@dataclass(frozen=True, kw_only=True)
class Anomalies:
    """Notices when training goes wrong, and does what is said here about it."""

    spike: str = param(
        "warn",
        choices=("off", "warn", "skip", "roll_back", "stop"),
        doc="if the loss of a batch is far above the recent ones: report it, skip the update, return to the last "
        "good commit with a lower rate, or end the run",
    )
    not_finite: str = param(
        "error",
        choices=("error", "skip", "roll_back", "stop"),
        doc="the same where a loss or a gradient is NaN or infinite; error: name the op that made it so",
    )
    gradients: str = param(
        "off",
        choices=("off", "warn", "stop"),
        doc="if the gradient of a layer vanishes compared with those of others, or explodes",
    )
    dead_units: str = param(
        "off",
        choices=("off", "warn", "stop"),
        doc="if units of a layer of nn.ReLU or nn.ReLU6 are zero for every example of an evaluation",
    )
    every: int = param(500, low=1, doc="steps between two looks at gradients")
    exploding: float = param(1e3, above=0, doc="largest norm of the gradient of a layer, over that of its weights")
    vanishing: float = param(1e-6, above=0, below=1, doc="least such ratio, as a share of the largest of all layers")
    dead_share: float = param(0.5, above=0, high=1, doc="share of dead units at which a layer is reported")
    window: int = param(128, low=8, high=4096, doc="recent losses that each one is compared with")
    deviations: float = param(
        10.0, above=0, doc="a spike is so many standard deviations above their median, as told by the median deviation"
    )
    least_rise: float = param(0.05, low=0, doc="least rise of a spike above their median, as a share of the first loss")
    rate_factor: float = param(0.5, above=0, high=1, doc="what a roll-back multiplies learning rates with")
    roll_backs: int = param(3, low=1, doc="roll-backs of a run; instead of one more it ends")


@dataclass(frozen=True, kw_only=True)
class HistogramsSection:
    """Histograms of the gradients, weights and activations of each layer, from a sample of them."""

    every: int = param(100, low=1, doc="steps between two of them; the distance doubles each time that there are many")
    layers: int = param(
        24, low=1, high=64, doc="layers that are looked at; of more, so many from the first to the last"
    )
    sample: int = param(512, low=16, high=1 << 16, doc="numbers of each layer, evenly spaced")


@dataclass(frozen=True, kw_only=True)
class Keep:
    """Which checkpoints of a run stay on the disk: each that one of these wants."""

    last: int = param(2, low=1, doc="number of newest checkpoints to keep; with 1 none is left if the disk damages it")
    best: int = param(0, low=0, doc="number of checkpoints to keep that have the best values of `by`")
    by: str = param("", doc="a metric of the validation part", usual='"valid.loss"')
    mode: str = param("auto", choices=("auto", "max", "min"), doc="which way is better; auto: min for losses")
    every: Duration | None = param(None, doc="the first one after each multiple of it", usual='"10 epochs"')

    def __post_init__(self) -> None:
        if self.best and not self.by:
            raise ValueError(f'received best {self.best} and no by; expected a metric; add by = "valid.loss"')
        if self.by and not self.best:
            raise ValueError(f'received by "{self.by}" and no best; expected how many; add best = 1')


@dataclass(frozen=True, kw_only=True)
class EvaluateEvery:
    """When to evaluate during training."""

    every: Duration = param(doc="the distance between two evaluations")
    episodes: int = param(20, low=1, high=100_000, doc="episodes of an environment in one evaluation")


@dataclass(frozen=True, kw_only=True)
class RunSection:
    """How long and with what a run trains.

    Example
        >>> from powertrain.recipe import load_recipe
        >>> recipe = load_recipe('digits')
        >>> recipe.run.batch_size
        64
    """

    until: Duration = param(doc="the target; a run that has reached it does nothing more")
    batch_size: int = param(32, low=1, high=1 << 24, doc="examples in one step")
    shards: int = param(
        1,
        low=1,
        high=1024,
        doc="parts of a batch, a power of two, whose gradients are computed apart and then summed: so many processes "
        "may share a run (powertrain train --workers), and results do not depend on how many do",
    )
    zero: bool = param(
        False,
        doc="divide the optimizer's state among the workers that share the run (ZeRO, stage 1): less memory for each, "
        "and the same results",
    )
    compress: str = param(
        "none",
        choices=("none", "bfloat16"),
        doc="what the gradients of shards are rounded to wherever they are summed: half of the bytes between workers, "
        "and other results, which still do not depend on how many workers there are",
    )
    seed: int = param(0, low=0, high=2**63 - 1, doc="decides every random number of the run")
    stop: Stop | None = param(None)
    anomalies: Anomalies | None = param(None)
    histograms: HistogramsSection | None = param(None)
    keep: Keep | None = param(None)
    evaluate: EvaluateEvery | None = param(None)
    num_workers: int = param(1, low=0, high=64, doc="threads that prepare batches; results do not depend on it")
    threads: int | None = param(None, low=1, high=1024, doc="threads that compute; results do not depend on it")
    precision: str = param(
        "f32",
        choices=PRECISIONS,
        alias=precision_of,
        doc="what a training step keeps activations in; weights are kept in f32",
    )
    device: str = param(
        "auto",
        choices=PLACES,
        doc="device of steps and predictions; auto: a GPU if there is one; a run may be resumed on another device",
    )
    backend: Use | None = param(None, doc="what runs steps and predictions in place of the engine's own kernels")
    save_seconds: float = param(10.0, low=0, doc="least time between two checkpoints on disk; 0 saves at every commit")

    def __post_init__(self) -> None:
        if self.zero and self.shards == 1:
            raise ValueError("received zero = true and shards = 1; expected several shards; add shards = 4")
        if self.compress != "none" and self.shards == 1:
            raise ValueError(
                f'received compress = "{self.compress}" and shards = 1, whose gradients are not summed; expected '
                "several shards; add shards = 4"
            )


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """The probability from which on the positive one of two classes is the answer; chosen on the validation part."""

    metric: str = param(
        "", doc="the measure of right and wrong classes that is the best then", usual='"f1" or "balanced-accuracy"',
    )  # fmt: skip
    cost: float | None = param(
        None, above=0, doc="in its place: a missed example of the positive class costs as much as so many false alarms"
    )
    value: float | None = param(None, above=0, below=1, doc="in its place: this probability itself")

    def __post_init__(self) -> None:
        given = [name for name in ("metric", "cost", "value") if getattr(self, name) not in ("", None)]
        if len(given) != 1:
            raise ValueError(
                f"received {' and '.join(given) or 'none of metric, cost and value'}; expected one of them; for "
                'example metric = "f1"'
            )


@dataclass(frozen=True, kw_only=True)
class EvaluateSection:
    """What is measured on the validation and test parts, and what a classifier learns from the first of them."""

    metrics: tuple[str, ...] | None = param(
        None, doc="names of metrics, such as f1_macro; the task's usual ones when not given"
    )
    pos_label: int | str | None = param(
        None,
        doc="the positive class of two, by its name or its number, that f1, precision, recall, average-precision and "
        "the threshold are about; the second one when not given",
    )
    batch_size: int | None = param(None, low=1, doc="examples evaluated at once; the run's batch when not given")
    most: int = param(10_000, low=1, doc="validation examples looked at during training; the last time all are")
    samples: int = param(
        0,
        low=0,
        high=32,
        doc="samples that each evaluation during training writes for powertrain watch and the report: what a "
        "generative model draws, or validation examples with what the model says of them",
    )
    calibrate: str = param(
        "none",
        choices=("none", "temperature", "platt", "isotonic"),
        doc="how the probabilities of a classifier are corrected, by the validation part, when training has ended",
    )
    threshold: Threshold | None = param(None)


@dataclass(frozen=True, kw_only=True)
class ReportSection:
    """What the report holds."""

    baseline: bool = param(True, doc="compare with a dummy and a linear model")
    worst: int = param(16, low=0, high=100, doc="how many of the worst examples to show")
    groups: tuple[str, ...] = param((), doc="columns of a table, by whose values the results are shown")
    profile: bool = param(True, doc="keep what powertrain monitor compares with: profile.json, of counts and moments")
    sample: int = param(
        64, low=0, high=1_000, doc="examples of the judged part that the run keeps, to check exports without the data"
    )


@dataclass(frozen=True)
class OptimizerUse:
    """An optimizer with what surrounds it: the same for every optimizer plugin.

    Example
        >>> from powertrain.recipe import load_recipe
        >>> recipe = load_recipe('digits')
        >>> [one.accumulate for one in recipe.optimizers.values()]
        [1]
    """

    use: Use
    schedule: Use | None
    warmup: int
    clip: float | None
    accumulate: int
    groups: tuple[Group, ...]
    layer_decay: float | None = None
    unfreeze_every: int | None = None


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """Adapters beside a model's linear layers, which are trained in place of the model."""

    kind: str = param(
        "lora",
        choices=("lora", "dora", "bottleneck"),
        doc="lora: the product of two thin matrices; dora: the same with trained lengths; bottleneck: a narrow network "
        "behind each layer",
    )
    rank: int = param(8, low=1, high=1 << 16, doc="the inner width of each adapter")
    alpha: float | None = param(
        None, above=0, doc="what an adapter gives is multiplied by alpha / rank; as rank where it is not given"
    )
    dropout: float = param(0.0, low=0, below=1, doc="share of an adapter's inputs that is zero in training")
    targets: tuple[str, ...] = param(("*",), doc="patterns of the paths of linear layers that get an adapter")
    trained: tuple[str, ...] = param(
        (), doc="patterns of the names of parameters that are trained whole beside them; what is fresh is, too"
    )
    bits: int | None = param(
        None, choices=(8, 4), doc="keep the frozen weights of linear and convolutional layers in so many bits"
    )


@dataclass(frozen=True, kw_only=True)
class Prune:
    """Weights of linear and convolutional layers that are zero from the beginning, and stay so: the smallest ones."""

    sparsity: float = param(above=0, below=1, doc="share of the weights that are zero", usual="0.5 is usual")
    structured: bool = param(
        False, doc="whole units and channels, those of the smallest norms, which `powertrain prune` takes away then"
    )
    skip: tuple[str, ...] = param((), doc="patterns of the paths of layers that stay whole")


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """Keys of [model] that belong to the engine, not to the model plugin: what it begins with, and what stays."""

    weights: Path | None = param(
        None,
        doc="weights that the model begins with: the folder of a run or a safetensors file, looked for from the "
        "recipe's folder, then the working directory",
    )
    fresh: str = param("", doc="a pattern of names, such as head.*, of what does not: it starts untrained, in any form")
    frozen: str = param("", doc="a pattern of the names of parameters that training leaves as they are")
    adapters: Adapters | None = param(
        None, doc="what is trained in place of the model: a few numbers beside its layers"
    )
    prune: Prune | None = param(None)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Keys of [optimizer] that belong to the engine, not to the optimizer plugin."""

    clip: float | None = param(None, above=0, doc="the largest norm of all gradients together", usual="1.0 is usual")
    accumulate: int = param(1, low=1, high=65_536, doc="batches whose gradients make one update")
    groups: tuple[Group, ...] = param((), doc="settings of some parameters, by a pattern of their names")
    layer_decay: float | None = param(
        None,
        above=0,
        below=1,
        doc="each layer's rate is that of the next one to the output times this",
        usual="0.8 is usual",
    )
    unfreeze_every: int | None = param(
        None, low=1, doc="train the last layer alone, and one more before it after every so many updates"
    )


@dataclass(frozen=True)
class Recipe:
    """A checked recipe: everything in it exists and has the right type.

    Example
        >>> from powertrain.recipe import load_recipe
        >>> recipe = load_recipe('digits')
        >>> recipe.name
        'digits'
    """

    name: str
    given: str  # as the person wrote it: a name or a path
    path: Path
    text: str
    tables: Mapping[str, Any]
    overrides: tuple[str, ...]
    data: Mapping[str, Use]
    copies: Mapping[str, int]  # of each environment in data
    split: Split
    target: TargetSection | None
    features: tuple[Use, ...]
    models: Mapping[str, Use]
    beginnings: Mapping[str, Beginning]  # by role
    loss: Use | None
    strategy: Use
    optimizers: Mapping[str, OptimizerUse]
    callbacks: tuple[Use, ...]
    kernels: tuple[Use, ...]  # which parameters of the others name
    run: RunSection
    evaluate: EvaluateSection = field(default_factory=EvaluateSection)
    expect: Mapping[str, Limit] = field(default_factory=dict)
    report: ReportSection = field(default_factory=ReportSection)
    objects: tuple[str, ...] = ()  # the keys at which Python objects stand, which no file holds
    measures: Mapping[str, Any] = field(default_factory=dict)  # metrics among them, by name

    @property
    def model(self) -> Use | None:
        """The model that answers, where there are several; None where the strategy needs none."""
        return self.models.get("model") or next(iter(self.models.values()), None)

    def uses(self) -> list[Use]:
        """Every plugin of the recipe, in the order of the sections."""
        optional = [self.loss, self.strategy]
        found = [*self.data.values(), *self.features, *self.models.values()]
        found += [use for use in optional if use is not None]
        for optimizer in self.optimizers.values():
            found.append(optimizer.use)
            found.extend([optimizer.schedule] if optimizer.schedule else [])
        found += [self.run.backend] if self.run.backend else []
        return [*found, *self.callbacks, *self.kernels]
