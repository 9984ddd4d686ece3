"""Data as a run sees it: loaded, split and transformed as the recipe says, with cursors that a checkpoint can hold."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain.data import Batch, DataError, DataLoader, DataModule, RandomSampler, Sampler, SequentialSampler, Subset
from powertrain.data.block import Block, Several
from powertrain.data.head import stream_of
from powertrain.data.loader import Share
from powertrain.data.order import Cursor, Pick, Place
from powertrain.data.pairs import WithClassWeights
from powertrain.data.poisson import PoissonSampler, largest
from powertrain.data.source import Fields, example_weights
from powertrain.data.targets import Learned, fitted
from powertrain.data.transforms import Transformed
from powertrain.plugin.environment import Box, TracedEnvironment
from powertrain.plugin.protocols import Inputs
from powertrain.train.folder.run_folder import RunError
from powertrain.train.run.environments import Call, Ended, EnvSource, Warn
from powertrain.train.run.progress import counts
from powertrain.train.run.traced_environments import TracedEnvSource
from powertrain.train.run.turns import Turns, Upcoming

if TYPE_CHECKING:
    from powertrain.data import Source
    from powertrain.data.prefetch import Made
    from powertrain.plugin.run import Stream
    from powertrain.recipe import Recipe, RunSection
    from powertrain.train.run.named_slots import SlotTable

Way = Literal["shuffled", "ordered", "poisson"]  # how batches are chosen


def prepare(recipe: Recipe, base: Path) -> DataModule:
    """The data set of a recipe: loaded, its held-out parts taken off, its transforms fitted on the training part. A
    recipe without training data has an environment, which says what a model reads."""
    if "train" not in recipe.data:
        return _of_environment(recipe)
    use = recipe.data["train"]
    dataset: DataModule = use.plugin.build(use.params, base)
    dataset = split(dataset, recipe)
    dataset.kind.check(dataset)
    if recipe.target is not None:
        dataset = dataclasses.replace(dataset, target=fitted(recipe.target.scale, recipe.target.unit, dataset))
    return dataset.transformed([(feature.plugin, feature.params) for feature in recipe.features])


def split(dataset: DataModule, recipe: Recipe, known: Mapping[str, NDArray[Any]] | None = None) -> DataModule:
    """The data set with the held-out parts that the recipe asks for. Examples that are `known` stay where they were."""
    shares = {"valid": recipe.split.valid, "test": recipe.split.test, "unlabelled": recipe.split.unlabelled}
    parts = {name: share for name, share in shares.items() if share > 0}
    seed, labelled = recipe.split.seed, recipe.split.labelled
    if parts:
        before = known
        if known is not None and labelled:  # those without labels were training examples when the parts were cut
            before = {**known, "train": np.concatenate([known["train"], known["unlabelled"]])}
        dataset = dataset.split(parts, seed=seed, stratify=recipe.split.stratify, known=before)
    return dataset.few_labels(labelled, seed=seed, known=known) if labelled else dataset


def _of_environment(recipe: Recipe) -> DataModule:
    use = next((use for use in recipe.data.values() if use.group == "env"), None)
    if use is None:
        raise RunError(
            f"[data] it has {', '.join(recipe.data)}; expected train or env; for example data.train = {{ use = ... }}"
        )
    env = use.plugin.build(use.params)
    example, outputs = np.asarray(env.observation), _outputs(use.name, env.actions)
    return DataModule(
        use.name, "control", {}, outputs, given=Inputs("regression", example.shape, outputs, str(example.dtype))
    )


def _outputs(name: str, actions: Any) -> int:
    """What a model gives for one observation: a score for each action, or the numbers of one."""
    if isinstance(actions, Box):
        return actions.size
    if isinstance(actions, bool) or not isinstance(actions, (int, np.integer)) or actions < 1:
        raise RunError(
            f"[env {name}] actions = {actions!r}; expected how many there are, a whole number >= 1, or a Box; set it "
            "in the class, or in __init__ where it depends on a parameter"
        )
    return int(actions)


class Sources:
    """The sources of a run by name; each is a slot of its table."""

    def __init__(self, recipe: Recipe, dataset: DataModule, table: SlotTable, base: Path) -> None:
        self.recipe, self.dataset, self._table, self._base = recipe, dataset, table, base
        self._made: dict[str, TrainSource] = {}
        self._envs: dict[str, EnvSource | TracedEnvSource] = {}
        self._turns: list[Turns] = []

    def get(self, role: str, rows: Sequence[int] | None, name: str | None, times: int = 1) -> TrainSource:
        key = name or role
        if rows is not None and name is None:
            raise RunError(
                f"[run.data] received rows of {role} without a name; expected one, by which their cursor is found in "
                'checkpoints; for example run.data("train", rows=rows, name="client-3")'
            )
        if key not in self._made:
            chosen = None if rows is None else Subset(self._part(role), np.asarray(rows))
            source = self._learned(self._part(role) if chosen is None else chosen, role)
            stream = self._stream(source, self._seed(key), times)
            stream.role, stream.within = role, None if chosen is None else chosen.indices
            self._made[key] = self._table.host[f"data.{key}.cursor"] = stream
        return self._made[key]

    def _learned(self, source: Source, role: str) -> Source:
        """A source as steps learn from it."""
        weight = self.dataset.class_weight
        if weight is not None and role == "train":
            source = WithClassWeights(source, weight)
        target = self.dataset.target
        return source if target is None or not target.changes else Learned(source, target)

    def _stream(self, source: Source, seed: int, times: int) -> TrainSource:
        plugin = self.recipe.strategy.plugin
        way: Way = "ordered" if plugin.ordered else "poisson" if plugin.poisson else "shuffled"
        return TrainSource(source, self.dataset, self.recipe.run, seed, times, way)

    def take_turns(self, parts: Sequence[TrainSource], upcoming: Upcoming) -> None:
        """Make the batches of some parts together, which take turns as `upcoming` says."""
        alike = {(part.role, part.batch_size, part.within is None) for part in parts}
        if len(alike) != 1 or parts[0].within is None:
            raise RunError(
                f"[run.take_turns] {len(parts)} parts that are not rows of one part of the data; expected such as "
                '[run.data("train", rows=rows, name=name), ...]; give those that take turns'
            )
        role = parts[0].role
        whole = self._stream(self._learned(self._part(role), role), 0, parts[0].times)
        turns = Turns(whole.loader, upcoming)
        for part in parts:
            part.turns = turns
        self._turns.append(turns)

    def others(self) -> dict[str, Source]:
        """The sources of other sections than data.train that somebody has asked for."""
        made = {role: self._made[role].loader.dataset for role in self.recipe.data if role in self._made}
        return {role: source for role, source in made.items() if role not in self.dataset.splits}

    def env(self, role: str, call: Call, ended: Ended, warn: Warn) -> EnvSource | TracedEnvSource:
        """The environment of a role."""
        if role not in self._envs:
            if not self._is_env(role):
                known = ", ".join(name for name in self.recipe.data if self._is_env(name)) or "none in this recipe"
                raise RunError(
                    f"[run.env] there is no environment {role}; expected one of {known}; add data.{role} = "
                    "{ use = ... }"
                )
            make, copies, seed = self.make_env(role), self.recipe.copies[role], self._seed(role)
            if isinstance(make(), TracedEnvironment):
                traced = TracedEnvSource(role, make, copies, seed, call, ended)
                self._table.named.update({f"data.{role}.{name}": slot for name, slot in traced.slots.items()})
                self._envs[role] = traced
            else:
                played = EnvSource(role, make, copies, seed, call, ended, warn)
                self._envs[role] = self._table.groups[f"data.{role}"] = played
        return self._envs[role]

    def _is_env(self, role: str) -> bool:
        return role in self.recipe.data and self.recipe.data[role].group == "env"

    def make_env(self, role: str) -> Callable[[], Any]:
        use = self.recipe.data[role]
        return lambda: use.plugin.build(use.params)

    def _seed(self, key: str) -> int:
        """Parts of one length must not be shuffled alike."""
        return self.recipe.run.seed if key == "train" else self.recipe.run.seed ^ zlib.crc32(key.encode())

    def _part(self, role: str) -> Source:
        if role in self.dataset.splits:
            return self.dataset.splits[role]
        if self._is_env(role):
            raise RunError(f"[run.data] {role} is an environment; expected data; write run.env({role!r})")
        if role not in self.recipe.data:
            known = ", ".join({**self.dataset.splits, **self.recipe.data})
            raise RunError(
                f"[run.data] there is no {role}; expected one of {known}; add data.{role} = {{ use = ... }}, or a "
                "share of that name to data.split"
            )
        use = self.recipe.data[role]
        loaded: DataModule = use.plugin.build(use.params, self._base)
        # What was fitted on the training part holds for every part.
        return Transformed(loaded.train, self.dataset.chain) if self.dataset.chain else loaded.train

    def close(self) -> None:
        for turns in self._turns:
            turns.reset()
        for source in self._made.values():
            source.close()


class TrainSource:
    """An endless stream of training batches. Its position is the loader's cursor, a slot of the run."""

    def __init__(
        self,
        source: Source,
        dataset: DataModule,
        settings: RunSection,
        seed: int,
        times: int = 1,
        way: Way = "shuffled",
    ) -> None:
        # A text has a window at every place: so many that an epoch of them means nothing.
        stream = stream_of(source)
        self.streams = stream is not None
        self.has_epochs = stream is None and not dataset.kind.tokens
        self.batch_size = times * settings.batch_size
        self.tokens_per_batch = self.batch_size * (dataset.context or 1)
        self.times = times
        self.poisson = way == "poisson"
        if self.poisson and not self.has_epochs:
            raise RunError(
                f"[run.data] {dataset.name} is a stream, or windows of one text; expected examples that can be "
                "counted, each drawn by its own chance; give the data set a length, or split the text into examples"
            )
        self.loader = DataLoader(
            source if stream is None else stream,
            self.batch_size,
            sampler=self._sampler(source, way),
            num_workers=settings.num_workers,
            seed=seed,
            pad_last=True,
            endless=True,
            augment=not self.streams,
            device=_core.current_device(),
        )
        # Of a part whose rows the strategy chose: of which part of the data, and which of its rows.
        self.role, self.within = "", cast("NDArray[np.int64] | None", None)
        self.turns: Turns | None = None  # with others, if it takes turns with them
        self._ahead: Generator[tuple[Any, Pick | Place], None, None] | None = None
        self._rest: Made | None = None  # what was made and nobody has taken yet, but for the first batches of a block:
        self._used = 0  # so many
        self._share: Share = (0, 1)

    def _sampler(self, source: Source, way: Way) -> Sampler | None:
        if self.streams:
            return None
        if self.poisson:
            return PoissonSampler(source)
        if way == "ordered":
            return SequentialSampler(source)
        return RandomSampler(source, replacement=not self.has_epochs)

    @property
    def padded(self) -> int:
        """Rows of padding in the last batch of an epoch; of a stream or Poisson draws, the most that there may be."""
        if self.streams:
            return self.batch_size - 1
        if self.poisson:
            return largest(self.batch_size)
        return -len(self.loader.dataset) % self.batch_size if self.has_epochs else 0

    def __len__(self) -> int:
        """Batches in one epoch."""
        return len(self.loader)

    @property
    def epoch(self) -> int:
        return int(self.loader.state_dict()["epoch"])

    def left_in_epoch(self) -> int:
        """Batches until the epoch ends."""
        return len(self) - int(self.loader.state_dict()["position"]) // self.batch_size

    def rows(self, *, weights: bool = False) -> Fields:
        """Every example at once, in the order of the part: for what learns from all of them together. `weights`: it
        uses the field `weight`, if there is one."""
        if self.streams:
            raise RunError(
                "[run.data rows] the data is a stream; expected rows in memory; learn from batches, by run.loop, or "
                "give the data set a length and __getitem__"
            )
        source = self.loader.dataset
        fields: Fields = source.fetch(np.arange(len(source), dtype=np.int64))
        if "weight" not in fields:
            return fields
        if not weights:
            raise RunError(
                "[weight] the examples have weights, which this model or strategy cannot use; expected one that can; "
                "leave the weights out, or choose another model"
            )
        return {**fields, "weight": example_weights(fields["weight"])}

    def take(self, count: int) -> Taken:
        """The next batches."""
        return self.take_share(count, (0, 1))

    def take_share(self, count: int, share: Share) -> Taken:
        """A share of each of the next batches. The stream stays open in between, so that workers go on preparing."""
        return Taken(self, count, share)

    def _begin(self, count: int, share: Share) -> None:
        """So many batches are asked for next, of which a share each is needed."""
        if share != self._share:
            self.close()
            self._share = share
            self.loader.take_share(share)
        if self.turns is not None and share == (0, 1) and self.turns.begin(self, count):
            return
        if self._rest is not None:
            count -= max(1, self.there(count))
        if count > 0:
            self.loader.expect(count)

    def there(self, most: int) -> int:
        """How many batches `next_made(most)` gives: 0 for one that stands alone."""
        if self._rest is None:
            self._rest, self._used = self._next(), 0
        made = self._rest[0]
        return min(most, made.count - self._used) if isinstance(made, Block) else 0

    def next_made(self, most: int) -> Batch | Block:
        """The next batch; or, where several were made together, a block of at most so many, whose sizes are equal."""
        made, place = self._rest or self._next()
        if isinstance(made, Block):
            begin = self._used if self._rest else 0
            end = min(begin + most, made.count)
            self._rest, self._used = None if end == made.count else (made, place), end
            if end - begin < made.count:
                made = made.part(begin, end)
                place = made.end
        else:
            self._rest = None
        # Moved on before the batches are given out: a checkpoint after their steps must not repeat them.
        self.loader.move_behind(place)
        return made

    def _next(self) -> tuple[Batch | Block, Pick | Place]:
        """What comes behind all that was made so far."""
        given = None if self.turns is None else self.turns.next_made()
        if given is None:
            if self._ahead is None:
                self._ahead = self.loader.ahead(together=True)
            given = next(self._ahead)
        return given

    def beside(self, **others: Stream) -> Beside:
        """Batches of this source with a batch of each other one: its x is `batch.NAME_x`, its weight
        `batch.NAME_weight`."""
        return Beside(self, others)

    def array(self) -> NDArray[np.int64]:
        state = self.loader.state_dict()
        return np.array([state["epoch"], state["position"]], dtype=np.int64)

    def misfit(self, saved: NDArray[Any]) -> str:
        if wrong := counts(saved, (2,)):
            return wrong
        try:
            self.loader.order.check(Cursor(int(saved[0]), int(saved[1])))
        except DataError as error:
            return f"is no place in this data: {error}"
        return ""

    def restore(self, cursor: NDArray[Any]) -> None:
        self.close()
        if self.turns is not None:
            self.turns.reset()
        self.loader.load_state_dict({"epoch": int(cursor[0]), "position": int(cursor[1])})

    def close(self) -> None:
        if self._ahead is not None:
            self._ahead.close()
        self._ahead = self._rest = None


class Taken(Several):
    """The next batches of a source: one by one, or several at once."""

    def __init__(self, source: TrainSource, count: int, share: Share) -> None:
        self._source, self._left, self._share = source, count, share
        self._begun = False

    def there(self, most: int) -> int | None:
        """How many batches `several(most)` gives: 0 for one that stands alone, None at the end."""
        self._begin()
        return self._source.there(min(most, self._left)) if self._left > 0 else None

    def _begin(self) -> None:
        if not self._begun:
            self._source._begin(self._left, self._share)
            self._begun = True

    def several(self, most: int) -> Batch | Block | None:
        self._begin()
        if self._left <= 0:
            return None
        made = self._source.next_made(min(most, self._left))
        self._left -= made.count if isinstance(made, Block) else 1
        return made


class Beside:
    """Several sources drawn from at once; an epoch is one of the first."""

    def __init__(self, first: TrainSource, others: Mapping[str, Stream]) -> None:
        self.first, self.others = first, dict(others)

    @property
    def has_epochs(self) -> bool:
        return self.first.has_epochs

    @property
    def epoch(self) -> int:
        return self.first.epoch

    @property
    def padded(self) -> int:
        return self.first.padded

    def __len__(self) -> int:
        return len(self.first)

    def left_in_epoch(self) -> int:
        return self.first.left_in_epoch()

    def take(self, count: int) -> Iterator[Batch]:
        """The next batches."""
        streams = {name: source.take(count) for name, source in self.others.items()}
        first = self.first.take(count)
        if all(type(stream) is Taken for stream in streams.values()):
            return TakenBeside(first, cast("dict[str, Taken]", streams))
        return (_joined(batch, {name: next(stream) for name, stream in streams.items()}) for batch in first)


class TakenBeside(Several):
    """The next batches of several sources, side by side: one by one, or several at once."""

    def __init__(self, first: Taken, others: Mapping[str, Taken]) -> None:
        self._first, self._others = first, others

    def several(self, most: int) -> Batch | Block | None:
        count = self._first.there(most)
        if count is None:
            return None
        for one in self._others.values():
            count = count and one.there(count)
        if count:
            blocks = {name: one.several(count) for name, one in self._others.items()}
            return cast("Block", self._first.several(count)).beside(cast("dict[str, Block]", blocks))
        return _joined(next(self._first), {name: next(one) for name, one in self._others.items()})


def _joined(batch: Batch, others: Mapping[str, Batch]) -> Batch:
    """A batch with the fields of others beside its own."""
    weight = batch.arrays["weight"]
    fields, sent = {name: value for name, value in batch.arrays.items() if name != "weight"}, batch.sent()
    for name, other in others.items():
        fields.update({f"{name}_{field}": value for field, value in other.arrays.items()})
        sent.update({f"{name}_{field}": value for field, value in other.sent().items()})
    pick = Pick(batch.indices, weight, Cursor(*batch.cursor.tolist()))
    made = Batch(fields, pick, weighted=True)
    made.has_weights = batch.has_weights
    made.take_over(sent)
    return made


def constants(dataset: DataModule) -> dict[str, NDArray[Any]]:
    """What was fitted on the training part (a scaler's mean, a vocabulary): saved with the weights, never changed."""
    arrays = {f"data.{name}": np.asarray(value) for name, value in dataset.state.items()}
    if dataset.target is not None:
        arrays.update({f"target.{name}": value for name, value in dataset.target.state().items()})
    for at, transform in enumerate(dataset.transforms):
        arrays.update({f"transform.{at}.{name}": np.asarray(value) for name, value in transform.state().items()})
    return arrays
