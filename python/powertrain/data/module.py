"""What a data plugin returns: data sets by split, and what a model must know of them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from powertrain.data.dataset import IterableDataset, Subset, is_stream
from powertrain.data.errors import DataError
from powertrain.data.head import Head, stream_of
from powertrain.data.identity import identities, kept_parts
from powertrain.data.reading import InputFile, Piece
from powertrain.data.source import Array, Source, whole
from powertrain.data.split import demand_shares, split_labelled, split_ordered, split_random, split_stratified
from powertrain.data.targets import TargetScale
from powertrain.data.transforms import Transformed, untransformed
from powertrain.plugin.bases import RandomTransform, Transform
from powertrain.plugin.protocols import Inputs, is_random
from powertrain.plugin.section import Section
from powertrain.plugin.tasks import Task, task_of

if TYPE_CHECKING:
    from powertrain.typing import Plain


class Codec(Protocol):
    """What makes numbers of a text and a text of numbers: a vocabulary, a tokenizer."""

    def __len__(self) -> int: ...
    def encode(self, text: str) -> Array: ...
    def decode(self, tokens: Array) -> str: ...


class RawTable(Protocol):
    """The columns of a table as its file has them, before they became the numbers of an example.

    Example
        >>> def gaps(table: pt.data.RawTable, part: str) -> dict[str, int]:
        ...     return {name: sum(x is None or x != x for x in values) for name, values in table.columns(part).items()}
    """

    @property
    def target(self) -> str:
        """The name of the column that is predicted."""
        ...

    def columns(self, part: str) -> Mapping[str, Array]:
        """The columns of a part, numbers with NaN and texts with None for gaps; nothing where the examples are gone."""
        ...

    def typed(self, texts: Mapping[str, Array]) -> Mapping[str, Array]:
        """Columns of the same kinds from those of a CSV file or of JSON: texts, numbers or None."""
        ...

    def encode(self, columns: Mapping[str, Array]) -> Array:
        """The examples that such columns are to a model."""
        ...

    def targets(self, values: Array) -> Array:
        """The targets of values of the target's column; -1 for a class that training did not have."""
        ...


PARTS = ("test", "valid", "train")


def judged_part(parts: Collection[str]) -> str:
    """The one of these parts by which a run is judged."""
    return next((part for part in PARTS if part in parts), "env")


@dataclasses.dataclass(frozen=True)
class DataModule:
    """Data sets by split ("train" always, "valid" and "test" where there are any), with fields x and y. One may be a
    stream (IterableDataset): training iterates it, and all else sees its first 4,096 examples.

    `outputs` is the number of classes, regression targets or tokens; `labels` their names; `state` what was fitted on
    the training split (a vocabulary), as named arrays for slots. Without a training split (an environment), `given`
    says what a model reads.

    `read(given, count)` gives the examples of a file of the data's own kind piece by piece, as the sources have them:
    names (of files; none for rows) and inputs. Where a file has many rows, it gives at most `count` at once. Of .npy
    and .npz files it gets those that it names, `given.files((".npz",))`; others are read as arrays.
    `encode(values)` gives the inputs of objects in memory, such as pictures or the columns of a table, and None of what
    it does not know. By both a trained run can be asked about pictures, sounds or tables. `takes` says what `encode`
    needs, by name: of a table, its columns and what each holds ("number", "category" or "date"); of texts, "text".

    `labelled(given)` gives inputs and targets of such a file (an `InputFile`) or table, to be measured on, and None of
    what it does not know. `beside(file, names)` gives columns of a file as they stand there, piece by piece, to be
    written beside the answers.

    `show` is one example in words, for the report, and `sections` are pages of it. `columns` are names of the numbers
    of an example, where they have any. `made_of` says what each was made of, such as the column of a file. `raw` has
    the columns of a table as they were before, for who watches the model in use; `unseen(part)` those that the model
    must not see, which are groups for the report all the same.

    `made_by` is what a recipe would say of it where a plugin made it from settings, {"use": "table", "target": ...}. By
    it a run that was given the data set predicts for files without it.

    `notes` are said when a run begins, such as columns that the model does not read.

    `task` is the name of a task plugin; `own_task` is one that no distribution offers. `class_weight` has a number for
    each class, by which a training example counts, but not one that is measured. `target` is the scale on which targets
    are learned, with their unit, as the recipe says. The parts keep them as they are.

    `open_classes` says that `outputs` was counted from the labels that are there: a model with scores for more classes
    is right about how many there are.

    Example
        >>> train = pt.data.ArrayDataset(x=np.zeros((6, 2), np.float32), y=np.arange(6) % 3)
        >>> data = pt.data.DataModule("points", "classification", {"train": train}, outputs=3, labels=("a", "b", "c"))
        >>> parts = data.split({"valid": 0.5}).splits
        >>> {name: len(part) for name, part in parts.items()}
        {'train': 3, 'valid': 3}
        >>> data
        DataModule(points, classification, outputs=3, train: 6)
    """

    name: str
    task: str
    splits: Mapping[str, Source]  # or streams, which become the heads of them
    outputs: int
    labels: tuple[str, ...] = ()
    state: Mapping[str, Array] = dataclasses.field(default_factory=dict)
    chain: tuple[Transform | RandomTransform, ...] = ()
    context: int | None = None
    vocabulary: Codec | None = None
    given: Inputs | None = None
    read: Callable[[InputFile, int], Iterator[Piece]] | None = None
    encode: Callable[[object], Array | None] | None = None
    labelled: Callable[[object], tuple[Array, Array] | None] | None = None
    beside: Callable[[InputFile, Sequence[str]], Iterator[Mapping[str, Sequence[object]]]] | None = None
    show: Callable[[Array], str] | None = None
    sections: tuple[Section, ...] = ()
    columns: tuple[str, ...] = ()
    made_of: tuple[str, ...] = ()
    raw: RawTable | None = None
    unseen: Callable[[str], Mapping[str, Array]] | None = None
    own_task: Task | None = None
    class_weight: Array | None = None
    target: TargetScale | None = None
    takes: Mapping[str, str] = dataclasses.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    made_by: Mapping[str, Plain] = dataclasses.field(default_factory=dict)
    open_classes: bool = False

    def __post_init__(self) -> None:
        parts = {
            name: Head(cast(IterableDataset, source)) if is_stream(source) else source
            for name, source in self.splits.items()
        }
        object.__setattr__(self, "splits", parts)

    def __repr__(self) -> str:
        counts = {
            part: "a stream" if isinstance(source, Head) else f"{len(source):,}" for part, source in self.splits.items()
        }
        parts = [f"{part}: {count}" for part, count in counts.items()]
        return f"DataModule({', '.join([self.name, self.task, f'outputs={self.outputs}', *parts])})"

    @property
    def kind(self) -> Task:
        """The task: what a target is, and what follows from it."""
        return self.own_task or task_of(self.task)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, or else their numbers."""
        return self.labels or tuple(map(str, range(self.outputs)))

    @property
    def train(self) -> Source:
        return self.splits["train"]

    @property
    def judged_part(self) -> str:
        """The part by which a run is judged: the test part, or else what comes nearest.

        >>> examples = pt.data.ArrayDataset(x=np.zeros((6, 2), np.float32), y=np.arange(6) % 3)
        >>> pt.data.DataModule("points", "classification", {"train": examples, "valid": examples}, 3).judged_part
        'valid'
        """
        return judged_part(self.splits)

    def with_classes(self, count: int) -> DataModule:
        """The same data of so many classes, where these are open and more than there were."""
        if not self.open_classes or count <= self.outputs:
            return self
        return dataclasses.replace(self, outputs=count, labels=tuple(map(str, range(count))))

    @functools.cached_property
    def example(self) -> Array:
        """One example of the training part, below its transforms: it says what others must look like."""
        found: Array = untransformed(self.train).fetch(np.zeros(1, dtype=np.int64))["x"][0]
        found.flags.writeable = False
        return found

    def inputs(self) -> Inputs:
        """What a model is built from, read off one example after the transforms."""
        if self.given is not None:
            return self.given
        return self.inputs_of(self.train.fetch(np.zeros(1, dtype=np.int64))["x"])

    def names(self) -> tuple[str, ...]:
        """Names of the numbers that a model sees; none where a transform has made others of them."""
        return () if self.transforms else self.columns

    def inputs_of(self, x: Array) -> Inputs:
        """The same of other examples."""
        words = None if self.vocabulary is None else len(self.vocabulary)
        return Inputs(self.task, x.shape[1:], self.outputs, str(x.dtype), self.labels, self.context, words)

    def split(
        self,
        parts: Mapping[str, float],
        *,
        seed: int = 0,
        stratify: bool = False,
        ordered: bool = False,
        known: Mapping[str, Array] | None = None,
    ) -> DataModule:
        """Takes the named shares off the training split: {"valid": 0.1, "test": 0.2}. Examples that are `known`, by
        their identities (data/identity.py), stay in their parts."""
        demand_shares(parts)
        if stratify and ordered:
            raise DataError("split", "stratify and ordered", "expected one of them", "leave one out")
        if stratify and not self.kind.classes:
            raise DataError("split", f"stratify on a {self.task} task", "expected classes", "leave stratify out")
        if stream_of(self.train) is not None:
            raise DataError(
                "split", f"the stream of {self.name}", "expected parts of its own",
                "give them beside it: validation=(x, y), or DataModule(name, task, "
                "{'train': stream, 'valid': dataset}, outputs)",
            )  # fmt: skip
        if self.kind.tokens:
            raise DataError(
                "split",
                f"windows of {self.name}, which overlap",
                "expected the text to be cut before",
                "use the valid and test parameters of the data",
            )
        for name in parts:
            if name in self.splits:
                raise DataError(
                    "split",
                    f"{name} = {parts[name]:g} of {self.name}, which has its own {name} part",
                    "expected a part that the data lacks",
                    f"leave {name} out of the split",
                )
        source, count = self.train, len(self.train)
        found = identities(source) if known is not None else None
        if known is not None and found is not None:
            rows = kept_parts(found, known, parts)
        elif stratify:
            rows = split_stratified(whole(source, "y"), parts, seed)
        else:
            rows = split_ordered(count, parts) if ordered else split_random(count, parts, seed)
        return dataclasses.replace(
            self, splits={**self.splits, **{name: Subset(source, part) for name, part in rows.items()}}
        )

    def few_labels(self, count: int, *, seed: int = 0, known: Mapping[str, Array] | None = None) -> DataModule:
        """Keeps the labels of so many training examples of each class; the others become the part `unlabelled`. As in
        `split`, examples that are `known` stay in their parts; new ones are without labels."""
        if not self.kind.classes:
            raise DataError("split", f"labelled on a {self.task} task", "expected classes", "leave labelled out")
        if "unlabelled" in self.splits:
            raise DataError(
                "split", f"labelled = {count} of {self.name}, which has its own unlabelled examples",
                "expected a part that the data lacks", "leave labelled out of the split",
            )  # fmt: skip
        source = self.train
        found = identities(source) if known is not None else None
        if known is not None and found is not None:
            rows = kept_parts(found, known, {"unlabelled": 1.0})
        else:
            rows = split_labelled(whole(source, "y"), count, self.outputs, seed)
        parts = {name: Subset(source, part) for name, part in rows.items()}
        return dataclasses.replace(self, splits={**self.splits, **parts})

    @functools.cached_property
    def transforms(self) -> tuple[Transform, ...]:
        """The fitted ones of the chain, which every part passes through."""
        return tuple(cast(Transform, one) for one in self.chain if not is_random(one))

    def transformed(self, plugins: Sequence[tuple[type[Transform | RandomTransform], object]]) -> DataModule:
        """Applies transforms, (plugin, params) each, in order; every one is fitted on the training split alone, and the
        random ones change training batches alone."""
        if not plugins:
            return self
        if stream_of(self.train) is not None and any(is_random(plugin) for plugin, _ in plugins):
            raise DataError(
                "features", f"a random transform of the stream of {self.name}", "expected fitted ones",
                "draw in the stream's __iter__, by the epoch that set_epoch gives and the example's number",
            )  # fmt: skip
        made: list[Transform | RandomTransform] = []
        fitting = [at for at, (plugin, _) in enumerate(plugins) if not is_random(plugin)]
        x = whole(self.train, "x") if fitting else self.train.fetch(np.zeros(1, dtype=np.int64))["x"]
        for at, (given, params) in enumerate(plugins):
            plugin: Any = given
            if is_random(plugin):
                made.append(plugin.build(params, self.inputs_of(x)))
                continue
            fitted: Transform = plugin.build(params, x)
            made.append(fitted)
            # Mapping the whole part is for the next one to be fitted on; its shape is all that others need.
            x = fitted(x if at < fitting[-1] else x[:1])
        return self.through(made)

    def through(self, chain: Sequence[Transform | RandomTransform]) -> DataModule:
        """Passes every part through transforms that are made already."""
        splits = {name: Transformed(source, chain) for name, source in self.splits.items()}
        return dataclasses.replace(self, splits=splits, chain=(*self.chain, *chain))
