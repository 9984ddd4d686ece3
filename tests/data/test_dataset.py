"""Data sets: of one's own, of arrays, joined, cut, split and streamed; what a loader makes of their examples."""

from __future__ import annotations

import collections
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import (
    ArrayDataset,
    ConcatDataset,
    DataError,
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    TensorDataset,
    random_split,
)
from powertrain.plugin import Registry


class Pairs(Dataset):
    """Example i is ([i, i + 0.5], i * i)."""

    def __init__(self, count: int = 7) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        return np.array([index, index + 0.5], np.float32), index * index


class Numbers(IterableDataset):
    """The numbers below `count`, in epoch e times 10^e."""

    def __init__(self, count: int) -> None:
        self.count, self.epoch = count, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return iter([10**self.epoch * number for number in range(self.count)])


def test_a_data_set_of_ones_own() -> None:
    loader = DataLoader(Pairs(), batch_size=3)
    batches = list(loader)
    assert len(loader) == 3 and [len(batch) for batch in batches] == [3, 3, 1]
    x, y = batches[1]
    assert x.dtype == np.float32 and x.tolist() == [[3, 3.5], [4, 4.5], [5, 5.5]]
    assert y.dtype == np.int64 and y.tolist() == [9, 16, 25] and batches[1].y is y
    assert sorted(y for batch in DataLoader(Pairs(), 3, shuffle=True) for y in batch.y) == [0, 1, 4, 9, 16, 25, 36]


def test_anything_with_len_and_getitem_is_a_data_set() -> None:
    (x, y), _ = DataLoader([(1.0, "a"), (2.0, "b"), (3.0, "c")], 2)
    assert x.dtype == np.float32 and x.tolist() == [1, 2] and y == ["a", "b"]
    assert [x.tolist() for x in DataLoader(np.arange(6).reshape(3, 2), 2)] == [[[0, 1], [2, 3]], [[4, 5]]]
    assert [x.tolist() for x in DataLoader(range(5), 2)] == [[0, 1], [2, 3], [4]]
    padded = [(x.tolist(), weight.tolist()) for x, weight in DataLoader(range(3), 2, pad_last=True)]
    assert padded == [([0, 1], [1, 1]), ([2, 0], [1, 0])]


def test_dicts_and_named_tuples_keep_their_names() -> None:
    rows = [{"image": np.full((2, 2), at, np.uint8), "more": {"size": at}} for at in range(3)]
    (batch,) = DataLoader(rows, 3)
    assert batch["image"].shape == (3, 2, 2) and batch.more["size"].tolist() == [0, 1, 2]
    point = collections.namedtuple("Point", "a b")
    (batch,) = DataLoader([point(1, True), point(2, False)], 2)
    assert batch.a.tolist() == [1, 2] and batch.b.dtype == np.bool_


def test_tensors_and_pictures_are_collated() -> None:
    (x,) = DataLoader([pt.ones((2,)) * at for at in range(3)], 3)
    assert isinstance(x, pt.Tensor) and x.tolist() == [[0, 0], [1, 1], [2, 2]]
    image = pytest.importorskip("PIL.Image", reason="Pillow is an extra of powertrain-vision")
    (batch,) = DataLoader([(image.new("RGB", (4, 3), (at, 0, 0)), at) for at in range(2)], 2)
    assert batch.x.shape == (2, 3, 4, 3) and batch.x.dtype == np.uint8 and batch.x[1, 0, 0].tolist() == [1, 0, 0]


def test_a_collate_fn_makes_the_batch() -> None:
    made = list(DataLoader(["ab", "c", "def"], 2, collate_fn="+".join, num_workers=2))
    assert made == ["ab+c", "def"]
    pairs = DataLoader(TensorDataset(np.arange(3), np.arange(3) * 2), 3, collate_fn=list)
    assert list(pairs) == [[(0, 0), (1, 2), (2, 4)]]
    parts = DataLoader(Subset(Pairs(), [2, 4]), 2, collate_fn=lambda examples: [y for _, y in examples])
    assert list(parts) == [[4, 16]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [np.zeros(3), np.zeros(2)],
            "[collate] example 1 of the batch has the shape [2], example 0 has [3]; expected one shape",
        ),
        ([(1, 2), (1, 2, 3)], "[collate] example 1 of the batch is a tuple of 3, example 0 is a tuple of 2; "
                              "expected as many fields in each"),
        ([{"a": 1}, {"b": 1}], "[collate] example 1 of the batch is a dict of b, example 0 is a dict of a; "
                               "expected the same keys in each"),
        ([(1, None), (2, 3)], "[collate] example 0 of the batch, field [1], is None; expected numbers"),
        ([{"a": object()}], "[collate] example 0 of the batch, field ['a'], is of type object; expected numbers"),
    ],
)  # fmt: skip
def test_examples_that_make_no_batch(rows: list[Any], message: str) -> None:
    with pytest.raises(DataError) as caught:
        pt.data.collate(rows)
    assert str(caught.value) == (
        f"{message}; give numbers, texts, arrays, tensors or pictures of one shape, or pass a collate_fn that makes "
        "the batch"
    )
    with pytest.raises(DataError, match=r"^\[DataLoader\] DataError while fetching rows 0"):
        next(iter(DataLoader(rows, len(rows))))


def test_array_and_tensor_data_sets_give_examples() -> None:
    named = ArrayDataset(image=np.arange(6).reshape(3, 2), label=np.array([0, 1, 1]))
    assert [(image.tolist(), int(label)) for image, label in named] == [([0, 1], 0), ([2, 3], 1), ([4, 5], 1)]
    assert [part.tolist() for part in named[1:]] == [[[2, 3], [4, 5]], [1, 1]] and int(named[-1][1]) == 1
    unnamed = TensorDataset(pt.ones((3, 2)), np.arange(3), np.arange(3) * 2)
    (batch,) = DataLoader(unnamed, 3)
    assert batch.keys() == ("x", "y", "field_2") and isinstance(batch.x, pt.Tensor)
    with pytest.raises(DataError) as caught:
        _ = named[3]
    assert str(caught.value) == (
        "[ArrayDataset] index 3; expected one from -3 to 2; the data set has no further examples"
    )
    assert isinstance(caught.value, IndexError)
    with pytest.raises(DataError, match=r"^\[ArrayDataset\] index 'a'; expected a whole number; "):
        _ = named["a"]


def test_joined_cut_and_joined_again() -> None:
    joined = Pairs(3) + TensorDataset(np.zeros((2, 2), np.float32), np.array([100, 200]))
    assert len(joined) == 5 and [int(y) for _, y in joined] == [0, 1, 4, 100, 200] and int(joined[-2][1]) == 100
    assert joined.fetch(np.array([4, 0, 3, 2]))["y"].tolist() == [200, 0, 100, 4]
    part = Subset(joined, [4, 1])
    assert [batch.y.tolist() for batch in DataLoader(part, 2)] == [[200, 1]] and int(part[0][1]) == 200
    assert [x.tolist() for x in DataLoader(Subset(range(10), [3, 7]), 2)] == [[3, 7]]
    with pytest.raises(DataError, match=r"^\[ConcatDataset\] no data set; expected at least one; "):
        ConcatDataset([])
    with pytest.raises(DataError, match=r"^\[ConcatDataset\] a data set of type int without a length; "):
        ConcatDataset([3])


def test_a_random_split_is_a_partition_by_the_seed() -> None:
    parts = random_split(range(11), [0.5, 0.3, 0.2], seed=3)
    assert [len(part) for part in parts] == [6, 3, 2]
    assert sorted(value for part in parts for value in part) == list(range(11))
    again, other = (random_split(range(11), [6, 3, 2], seed=seed) for seed in (3, 4))
    assert [list(part) for part in again] == [list(part) for part in parts] != [list(part) for part in other]
    drawn = [random_split(range(11), [6, 5], pt.random.Generator(seed))[0].indices.tolist() for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("lengths", [[0.5, 0.6], [5, 5], [12, -1], [], "ab", [[11]]])
def test_what_a_random_split_refuses(lengths: Any) -> None:
    with pytest.raises(DataError) as caught:
        random_split(range(11), lengths)
    assert str(caught.value) == (
        f"[random_split] lengths = {lengths!r} for 11 examples; expected numbers of examples above 0 that add up to "
        "11, or shares that add up to 1; for example random_split(dataset, [0.8, 0.2])"
    )
    with pytest.raises(DataError, match="expected an example in each part; raise the share, or add data"):
        random_split(range(3), [0.999, 0.001])


@pytest.mark.parametrize("workers", [0, 3])
def test_a_stream_of_unknown_length(workers: int) -> None:
    stream = Numbers(7)
    loader = DataLoader(stream, 3, num_workers=workers)
    assert [x.tolist() for x in loader] == [[0, 1, 2], [3, 4, 5], [6]]
    assert [x.tolist() for x in loader] == [[0, 10, 20], [30, 40, 50], [60]], "the next pass is the next epoch"
    assert [x.tolist() for x in DataLoader(stream, 3, num_workers=workers, drop_last=True)] == [[0, 1, 2], [3, 4, 5]]
    padded = [x.weight.tolist() for x in DataLoader(stream, 3, num_workers=workers, pad_last=True)]
    assert padded == [[1, 1, 1], [1, 1, 1], [1, 0, 0]]
    endless = iter(DataLoader(stream, 3, num_workers=workers, endless=True))
    assert [next(endless).tolist() for _ in range(5)][3:] == [[0, 10, 20], [30, 40, 50]]
    with pytest.raises(DataError) as caught:
        len(loader)
    assert isinstance(caught.value, TypeError) and str(caught.value) == (
        "[DataLoader] len() of a stream or a sampler without one; expected __len__; define __len__, or count the "
        "batches while iterating"
    )


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("taken", [1, 2, 3, 4])
@pytest.mark.parametrize("count", [6, 7])
def test_a_stream_resumes(workers: int, taken: int, count: int) -> None:
    loader, other = (DataLoader(Numbers(count), 3, num_workers=workers, endless=True) for _ in range(2))
    batches = iter(loader)
    for _ in range(taken):
        next(batches)
    other.load_state_dict(loader.state_dict())
    following = iter(other)
    assert [next(batches).tolist() for _ in range(5)] == [next(following).tolist() for _ in range(5)]


def test_a_table_without_the_plugin_that_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Registry(list)
    monkeypatch.setattr("powertrain.data.tables.registry", lambda: nothing)
    with pytest.raises(DataError) as caught:
        pt.data.read_csv("houses.csv", target="price")
    assert str(caught.value) == (
        "[read_csv] no data plugin table; expected powertrain-tabular, which reads tables by pyarrow; "
        "pip install 'powertrain-tabular[files]'"
    )


def test_what_is_no_data_set() -> None:
    class Unsized(Dataset):
        def __getitem__(self, index: int) -> int:
            return index

    refused = {
        "a data set of type int; expected __len__ and __getitem__, or __iter__": 3,
        "a data set of type dict; expected __len__ and __getitem__, or __iter__": {"x": [1]},
        "a data set of type Unsized; expected __len__ and __getitem__, or __iter__": Unsized(),
    }
    for said, dataset in refused.items():
        with pytest.raises(DataError) as caught:
            DataLoader(dataset)
        assert str(caught.value) == (
            f"[DataLoader] {said}; hold arrays in a pt.data.TensorDataset(x, y), or derive from pt.data.Dataset"
        )
    with pytest.raises(DataError, match=r"^\[DataLoader\] 0 examples; expected at least one; check the file or the"):
        DataLoader([])
    data = pt.data.DataModule("small", "regression", {"train": TensorDataset(np.zeros(3), np.zeros(3))}, 1)
    with pytest.raises(DataError) as caught:
        DataLoader(data)
    assert str(caught.value) == (
        "[DataLoader] a data set of type DataModule; expected one of its parts; write DataLoader(data.train, "
        "batch_size=32)"
    )


def test_streams_that_cannot_be_read_so() -> None:
    with pytest.raises(DataError) as caught:
        DataLoader(number for number in range(3))
    assert str(caught.value) == (
        "[DataLoader] a stream of type generator, which can be read only once; expected one that starts again in "
        "each epoch; derive from pt.data.IterableDataset and make the generator in __iter__"
    )
    with pytest.raises(DataError) as caught:
        DataLoader(Numbers(3), shuffle=True)
    assert str(caught.value) == (
        "[DataLoader] received shuffle for a stream of type Numbers; expected none: a stream is read in its own order; "
        "shuffle inside of the stream, or give the data set __len__ and __getitem__"
    )
    with pytest.raises(DataError) as caught:
        next(iter(DataLoader(Numbers(3), 4, drop_last=True, endless=True)))
    assert str(caught.value) == (
        "[DataLoader] a stream of 3 examples in epoch 0; expected a batch of 4 from example 0 on; "
        "start a new iteration in each __iter__: a generator can be read only once"
    )


def test_what_broadcasting_repeats_is_looked_at_once() -> None:
    wide = np.broadcast_to(np.array([[1.0], [np.nan]], np.float32), (2, 2**34))
    with pytest.raises(DataError, match=r"^\[arrays x\] NaN in row 1; "):
        ArrayDataset(x=wide)
    assert len(ArrayDataset(x=wide[:1])) == 1


def test_a_data_set_is_shown_by_its_fields() -> None:
    held = ArrayDataset(x=np.zeros((1200, 3, 2), "float32"), y=np.zeros(1200, "int64"))
    assert repr(held) == "ArrayDataset(1,200 examples of x: float32[3, 2], y: int64)"


def test_a_data_set_with_parts_shows_them_and_draws_nothing_of_a_stream() -> None:
    class Endless(IterableDataset):
        def __iter__(self) -> Iterator[tuple[Any, int]]:
            raise AssertionError("it was asked for examples")

    valid = ArrayDataset(x=np.zeros((1200, 2), np.float32), y=np.zeros(1200, np.int64))
    data = pt.data.DataModule("drops", "classification", {"train": Endless(), "valid": valid}, 3, ("a", "b", "c"))  # type: ignore[dict-item]
    assert repr(data) == "DataModule(drops, classification, outputs=3, train: a stream, valid: 1,200)"


def test_a_mask_is_no_list_of_rows() -> None:
    data = TensorDataset(np.arange(5))
    with pytest.raises(DataError) as caught:
        Subset(data, np.arange(5) > 2)
    assert str(caught.value) == ("[subset] rows of bool[5]; expected whole numbers; write numpy.flatnonzero(mask)")
    with pytest.raises(DataError, match=r"^\[subset\] rows of float64\[2\]; expected whole numbers; give row numbers"):
        Subset(data, [1.0, 2.7])
    assert [int(np.asarray(x)) for (x,) in Subset(data, np.flatnonzero(np.arange(5) > 2))] == [3, 4]
