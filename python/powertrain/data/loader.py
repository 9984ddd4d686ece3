"""The loader: batches of a data set in an order that depends on (seed, cursor) alone, prefetched by worker threads."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Generator as Generated
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

import numpy as np

from powertrain import _core
from powertrain.data import drawing, settings
from powertrain.data.batch import Batch
from powertrain.data.block import Block, blocks
from powertrain.data.collate import as_fields, as_tensors, numeric, stacked
from powertrain.data.dataset import as_source, asked_alone, gives_items, holds_items, is_stream, item
from powertrain.data.epochs import BatchOrder, EpochOrder, Last, StreamOrder
from powertrain.data.errors import DataError
from powertrain.data.one_thread import asking, by_several_threads, in_my_turn
from powertrain.data.order import Cursor, Order, Parts, Pick, Place, RandomOrder
from powertrain.data.picks import JoinedPicks, Picks, picks_of
from powertrain.data.poisson import PoissonOrder, PoissonSampler
from powertrain.data.prefetch import MOST_AT_ONCE, Made, Pace, Prefetched
from powertrain.data.samplers import RandomSampler, SeededSampler, SequentialSampler, row_numbers, seed_of
from powertrain.data.source import changes_together, fetch_training, fetches_anew, fetches_by_rows
from powertrain.devices.place import ready

if TYPE_CHECKING:
    from powertrain.data.dataset import IterableDataset
    from powertrain.random import Generator
    from powertrain.typing import Array, DatasetLike, Device


Share: TypeAlias = tuple[int, int]  # which one of how many equal parts of a batch


class LoaderState(TypedDict, total=False):
    """Where the next batch begins."""

    epoch: int
    position: int
    seed: int
    sampler_seed: int
    rows: Array
    sizes: Array


class DataLoader:
    """Batches of a data set, as tensors.

    dataset         a Dataset, anything with `__len__` and `__getitem__`, or a stream: an IterableDataset, or anything
                    that can be iterated over again and again
    batch_size      examples in a batch
    shuffle         a new random order each epoch
    sampler         the rows of each epoch, in order: a Sampler or an iterable of row numbers
    batch_sampler   lists of rows, one for each batch, in place of batch_size, shuffle, sampler and drop_last
    num_workers     threads that make batches ahead; the batches are the same for any number. A data set of your own is
                    asked by one thread at a time, unless there are two or more: then it must bear several
    collate_fn      makes a batch of a list of examples; else they are stacked, field by field (`collate`)
    pin_memory      accepted: what goes to a device is copied through page-locked memory anyway
    drop_last       leave out a last batch that is not full
    timeout, worker_init_fn, multiprocessing_context
                    as they are: workers are threads of this process
    generator       a pt.random.Generator whose state is the seed, in place of `seed`
    seed            which random orders, samples and changes
    pad_last        fill the last batch up with other examples of weight 0, so that all batches have one shape and a
                    compiled step one program; iterating over a batch then gives the weights last
    endless         go on into the next epoch, and begin where the last iteration stopped; else each iteration is one
                    epoch
    augment         let the random transforms of the data set change its examples
    prefetch_factor batches that each worker may be ahead
    persistent_workers
                    accepted; threads cost little to start
    device          where batches are wanted, such as "cuda": each is copied there as soon as it is made, beside what
                    the device computes; what collate_fn gives stays where it is. With a worker, the next batch
                    arrives while a step runs.

    A batch of tuples or dicts is a `Batch`: `for x, y in loader`, `batch.x`, `batch["x"]`. One of single arrays is a
    tensor, and one of collate_fn is what that gives. Texts are lists.

    Random transforms (`pt.data.transforms`) and `pt.random` draw by (seed, epoch, index) in the `__getitem__` of a data
    set, and by (seed, epoch, place of the batch) in a `fetch` of your own and in collate_fn.

    `state_dict()` says where the next batch begins; loaded by `load_state_dict` into a loader with the same data and
    settings, it gives the same batches. A loader with another seed refuses it.

    >>> loader = DataLoader(pt.data.TensorDataset(np.arange(5), np.arange(5) % 2), batch_size=2)
    >>> [x.tolist() for x, y in loader]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: DatasetLike | IterableDataset,
        batch_size: int = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[Sequence[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[..., object] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: None = None,
        multiprocessing_context: None = None,
        generator: Generator | None = None,
        *,
        seed: int | None = None,
        pad_last: bool = False,
        endless: bool = False,
        augment: bool = False,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        device: Device = None,
        **others: object,
    ) -> None:
        settings.refuse_unknown(others)
        settings.refuse_processes(timeout, worker_init_fn, multiprocessing_context)
        settings.check_dataset(dataset)
        if batch_sampler is not None:
            settings.check_batch_sampler(batch_sampler, batch_size, shuffle, sampler, drop_last, pad_last)
        settings.check_numbers(batch_size, num_workers, prefetch_factor)
        settings.check_choices(shuffle, sampler, drop_last, pad_last, collate_fn)
        self.dataset: Any = dataset
        self.batch_size = int(batch_size)
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = int(num_workers)
        self.collate_fn = collate_fn
        self.drop_last = bool(drop_last)
        self.pad_last = bool(pad_last)
        self.endless = bool(endless)
        self.augment = bool(augment)
        there = "cpu" if device is None else str(ready(device, "DataLoader"))
        self.device = None if there == "cpu" else there
        self.prefetch_factor = 2 if prefetch_factor is None else int(prefetch_factor)
        self.seed = seed_of(seed, generator, "DataLoader") or 0
        self._stream = is_stream(dataset)
        self._source = None if self._stream else as_source(dataset)
        self._anew = self._stream or fetches_anew(dataset)
        self._by_rows = collate_fn is None and fetches_by_rows(dataset)
        self._draws = not self._stream and holds_items(dataset)
        self._alone = [] if self._stream else asked_alone(dataset)
        self._by_items = collate_fn is not None or (not self._stream and gives_items(dataset))
        self.order = self._order(shuffle)
        self._cursor = Cursor(0, 0)
        self._parts: Parts = ()
        self._loaded = False
        self._share: Share = (0, 1)
        self._pace = Pace()  # of the last iteration, whichever that is
        self._expected = 0  # batches, which no iteration knows of yet

    def _order(self, shuffle: bool) -> Order:
        last: Last = "drop" if self.drop_last else "pad" if self.pad_last else "short"
        if self._stream:
            settings.refuse_for_streams(self.dataset, shuffle, self.sampler, self.batch_sampler)
            return StreamOrder(self.dataset, self.batch_size, self.seed, last)
        count = len(self.dataset)
        if count == 0:
            raise DataError("DataLoader", "0 examples", "expected at least one", "check the file or the split")
        if self.batch_sampler is not None:
            return BatchOrder(self.batch_sampler, count)
        if self.sampler is None:
            self.sampler = RandomSampler(self.dataset) if shuffle else SequentialSampler(self.dataset)
        one = self.sampler
        if isinstance(one, PoissonSampler):
            return PoissonOrder(one.count, self.batch_size, self.seed)
        if self.endless and isinstance(one, RandomSampler) and one.replacement and one.count == one.size:
            return RandomOrder(one.size, self.batch_size, self.seed if one.seed is None else one.seed)
        return EpochOrder(one, count, self.batch_size, self.seed, last)

    def __len__(self) -> int:
        """Batches of one epoch."""
        try:
            return len(self.order)
        except TypeError:
            raise DataLengthError(
                "DataLoader", "len() of a stream or a sampler without one", "expected __len__",
                "define __len__, or count the batches while iterating",
            ) from None  # fmt: skip

    def state_dict(self) -> LoaderState:
        """Where the next batch begins: `epoch`, `position` and seeds; of a sampler of your own the rows too."""
        state: LoaderState = {"epoch": self._cursor.epoch, "position": self._cursor.position, **self._seeds()}
        if self._parts:
            state["rows"] = np.concatenate(self._parts)
            state["sizes"] = np.array([len(rows) for rows in self._parts], dtype=np.int64)
        return state

    def load_state_dict(self, state_dict: Mapping[str, object]) -> None:
        """Goes to where a loader with the same data and settings was, by its `state_dict()`.

        Errors    a state of another seed, whose batches this loader does not have; a place that is between batches
        """
        cursor, parts = _read_state(state_dict)
        _check_seeds(state_dict, self._seeds())
        self.order.check(cursor, parts)
        self._cursor, self._parts, self._loaded = cursor, parts, True

    @contextmanager
    def unmoved(self) -> Iterator[None]:
        """Iterations in the block leave the loader where it was, so that training goes on with the same batches.

        >>> loader = DataLoader(pt.data.TensorDataset(np.arange(4)), batch_size=2, shuffle=True)
        >>> with loader.unmoved():
        ...     seen = [batch.x.tolist() for batch in loader]
        >>> seen == [batch.x.tolist() for batch in loader]
        True
        """
        before = self._cursor, self._parts, self._loaded
        try:
            yield
        finally:
            self._cursor, self._parts, self._loaded = before

    def take_share(self, share: Share) -> None:
        """Make in each batch from here on only the rows of one of so many equal parts, (number, parts): what one of
        several processes needs. Iterations that are open go on as they were."""
        self._share = share

    def expect(self, count: int) -> None:
        """Know that so many batches are asked for next: those that are quick to make are made together then."""
        self._expected = count

    def _seeds(self) -> LoaderState:
        """What the order and the random changes depend on."""
        own = self.sampler.seed if isinstance(self.sampler, SeededSampler) else None
        return {"seed": self.seed} if own is None else {"seed": self.seed, "sampler_seed": own}

    def _make(self, pick: Pick) -> Any:
        """The batch of a pick; the exceptions of a data set come out with the rows that caused them."""
        whole, own = pick, _rows_of(self._share, len(pick.indices))
        pick = pick._replace(
            indices=pick.indices[own], weight=pick.weight[own], examples=pick.examples[own] if self._stream else ()
        )
        try:
            if self.augment and self._share[1] > 1 and changes_together(self.dataset):
                made = {name: value[own] for name, value in self._made(whole).items()}
            else:
                made = self._made(pick)
        except Exception as error:
            rows = ", ".join(str(row) for row in pick.indices[:8]) + (", ..." if len(pick.indices) > 8 else "")
            raise DataError(
                "DataLoader",
                f"{type(error).__name__} while fetching rows {rows}: {error}",
                "expected the data set to give every row that its length promises",
                "read these rows one by one to find the one at fault",
            ) from error
        if self.collate_fn is not None:
            return made
        if self.pad_last or isinstance(made, (dict, tuple)):
            return Batch(as_fields(made), pick, self.pad_last, self.device, whole.weight)
        return _core.send([made], self.device) if self.device and numeric(made) else as_tensors(made)

    def _made(self, pick: Pick) -> Any:
        with self._asking():
            if self._stream or self._by_items:
                rows = pick.indices
                examples = pick.examples if self._stream else [self._example(pick.epoch, int(row)) for row in rows]
                if self.collate_fn is None:
                    return stacked(list(examples))
                with drawing.whole_batch(self.seed, pick.cursor):
                    return self.collate_fn(list(examples))
            if self._draws:  # in a __getitem__ below the source
                with drawing.batch(self.seed, pick.epoch):
                    return self._fetched(pick)
            if self._by_rows:
                return self._fetched(pick)
            with drawing.whole_batch(self.seed, pick.cursor):
                return self._fetched(pick)

    def _asking(self) -> AbstractContextManager[None]:
        """While a batch is made: whether other threads may ask the data set too."""
        if self.num_workers > 1:
            return by_several_threads()
        return asking(self._alone) if self._alone else contextlib.nullcontext()

    def _fetched(self, pick: Pick) -> Any:
        assert self._source is not None
        if self.augment:
            made = fetch_training(self._source, pick.indices, self.seed, pick.cursor)
        else:
            made = self._source.fetch(pick.indices)
        return made if self._anew else {name: np.array(value) for name, value in made.items()}

    def _example(self, epoch: int, row: int) -> Any:
        with drawing.example(self.seed, epoch, row):
            return item(self.dataset, row)

    def _picks(self, cursor: Cursor, parts: Parts) -> Iterator[Picks]:
        while True:
            for picks in picks_of(self.order, cursor, parts):
                yield picks
            if not self.endless:
                return
            cursor, parts = picks.end, ()

    def _batches(self, cursor: Cursor, parts: Parts, together: bool) -> Iterator[Sequence[Made]]:
        """The batches from a cursor on, in order: one or several at a time."""
        picks = self._picks(cursor, parts)
        if self.num_workers == 0:
            return ([(self._make(pick), pick)] for pick in itertools.chain.from_iterable(picks))
        make = in_my_turn(self._make)
        many = in_my_turn(self._make_many) if self.makes_many and self._share == (0, 1) else None
        # A step is recorded for each place of a device where it meets a batch: those ahead would each have their own.
        most = 1 if self.device else MOST_AT_ONCE
        return Prefetched(make, picks, self.num_workers, self.prefetch_factor, many, self._pace, most, together)

    @property
    def makes_many(self) -> bool:
        """Whether several batches may be made at once."""
        return self._by_rows and not self.device

    def prefetched(self, picks: Iterator[Picks]) -> Prefetched:
        """The batches of any picks of the data set, in order."""
        many = self._make_many if self.makes_many else None
        return Prefetched(
            self._make, picks, self.num_workers, self.prefetch_factor, many, self._pace, MOST_AT_ONCE, together=True
        )

    @property
    def cursor(self) -> Cursor:
        """Where the next batch begins."""
        return self._cursor

    @property
    def place(self) -> Place:
        """The same, with the rows of its epoch where they are kept."""
        return Place(self._cursor, self._parts)

    def _make_many(self, picks: JoinedPicks) -> list[Block]:
        """The batches of several picks, whose arrays are parts of larger ones."""
        first = picks.runs[0]
        rows = np.concatenate([run.rows.reshape(-1) for run in picks.runs])
        pick = Pick(rows, first.weights[0], first.cursor(0), first.epoch)
        with self._asking():
            return blocks(as_fields(self._fetched(pick)), picks, self.pad_last)

    def _start(self) -> tuple[Cursor, Parts]:
        """Where an iteration begins: where a state says; else with an epoch, a new one if the last was left early."""
        if self._cursor.position and not self.endless and not self._loaded:
            self._cursor, self._parts = Cursor(self._cursor.epoch + 1, 0), ()
        self._loaded = False
        return self._cursor, self._parts

    def __iter__(self) -> Iterator[Batch]:
        with contextlib.closing(self._ahead(together=False)) as ahead:
            for batch, pick in ahead:
                # Moved on before the batch is given out: a checkpoint after its step must not repeat it.
                self._cursor, self._parts = pick.cursor, pick.parts if pick.cursor.epoch == self._cursor.epoch else ()
                yield batch

    def ahead(self, *, together: bool) -> Generated[Made, None, None]:
        """Batches from where the loader stands on, each with its pick: whoever takes them moves the loader. `together`:
        those that were made together come as a Block, with the place behind it."""
        return self._ahead(together)

    def move_behind(self, pick: Pick | Place) -> None:
        """Stand where a batch or a block ends."""
        self._cursor, self._parts = pick.cursor, pick.parts if pick.cursor.epoch == self._cursor.epoch else ()

    def _ahead(self, together: bool) -> Generated[Made, None, None]:
        cursor, parts = self._start()
        batches = self._batches(cursor, parts, together)
        try:
            over = False
            while not over or self.endless:
                if isinstance(batches, Prefetched) and not batches.expect(self._expected):
                    # In a child after a fork, whose parent has the workers: go on from the cursor with new ones.
                    batches = self._batches(cursor, parts, together)
                self._expected = 0
                try:
                    several = next(batches)
                except StopIteration:
                    return
                for made, pick in several:
                    over = pick.cursor.epoch != cursor.epoch
                    cursor, parts = pick.cursor, () if over else pick.parts
                    arrived: Any = made.receive()[0] if isinstance(made, _core.Sent) else made
                    yield arrived, pick
        finally:
            if isinstance(batches, Prefetched):
                batches.close()
                self._pace = batches.pace


class DataLengthError(DataError, TypeError):
    """A length that is not known: by Python's rules, an object without `len()`."""


def _rows_of(share: Share, count: int) -> slice:
    """Where a share lies in a batch. What cannot be divided is left whole, for the caller to refuse."""
    number, parts = share
    return slice(0, count) if count % parts else slice(number * count // parts, (number + 1) * count // parts)


def _read_state(state: Any) -> tuple[Cursor, Parts]:
    where, fix = "DataLoader.load_state_dict", "give back what `loader.state_dict()` gave"
    known = LoaderState.__annotations__.keys()
    if not isinstance(state, Mapping) or not {"epoch", "position"} <= set(state) <= known:
        received = ", ".join(map(str, state)) or "nothing" if isinstance(state, Mapping) else type(state).__name__
        raise DataError(where, f"a state of {received}", "expected epoch and position", fix)
    values = [np.asarray(state[name]) for name in ("epoch", "position")]
    if any(value.shape != () or value.dtype.kind not in "iu" for value in values):
        received = ", ".join(f"{value.dtype}{list(value.shape)}" for value in values)
        raise DataError(where, f"epoch and position of {received}", "expected two whole numbers", fix)
    parts: Parts = ()
    if "rows" in state:
        sizes = row_numbers(state.get("sizes", ()), where)
        rows = row_numbers(state["rows"], where)
        if sizes.sum() != len(rows) or sizes.min() < 1:
            raise DataError(where, f"{len(rows)} rows in sizes of {sizes.sum()}", "expected as many", fix)
        parts = tuple(np.split(rows, np.cumsum(sizes)[:-1]))
    return Cursor(int(values[0]), int(values[1])), parts


def _check_seeds(state: Mapping[str, object], mine: LoaderState) -> None:
    """A state without a seed says only where: it is one of any loader."""
    if "seed" not in state:
        return
    where = "DataLoader.load_state_dict"
    for name, what in (("seed", "loader"), ("sampler_seed", "sampler")):
        received, expected = state.get(name), mine.get(name)
        if received != expected:
            raise DataError(
                where, f"a state of a {what} with seed {received}",
                f"expected seed {expected}, that of this {what}: another one gives other batches",
                f"make the {what} with seed={received}",
            )  # fmt: skip
