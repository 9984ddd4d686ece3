"""Batches of tensors: dtypes and structure as PyTorch's loader gives them, in memory that nobody else changes."""

from __future__ import annotations

import collections
import copy
import pickle
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, Batch, DataLoader, Dataset, Subset, TensorDataset

Point = collections.namedtuple("Point", ["x", "y"])
EXAMPLES: dict[str, list[Any]] = {
    "whole": [1, 2, 3],
    "bool": [True, False, True],
    "arrays": [np.full((2, 3), at, np.float64) for at in range(3)],
    "bytes": [np.full((2, 2, 3), at, np.uint8) for at in range(3)],
    "half": [np.full(2, at, np.float16) for at in range(3)],
    "scalars": [np.float64(1.5), np.float64(2.5), np.float64(0.1)],
    "small scalars": [np.int32(1), np.int32(2), np.int32(3)],
    "texts": ["a", "bc", ""],
    "pairs": [(np.zeros(2, np.float32), 1), (np.ones(2, np.float32), 0)],
    "named": [Point(1, 2), Point(3, 4)],
    "dicts": [{"x": np.zeros(2, np.int16), "name": "a"}, {"x": np.ones(2, np.int16), "name": "b"}],
    "nested": [({"a": 1, "b": (2, "x")}, [3, True]), ({"a": 4, "b": (5, "y")}, [6, False])],
}


def plain(value: Any) -> Any:
    """A batch as (dtype, numbers) in its structure; PyTorch gives lists for tuples."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, (tuple, list, Batch)):
        return [plain(one) for one in value]
    return value if isinstance(value, str) else (str(value.numpy().dtype), value.tolist())


@pytest.mark.parametrize("name", EXAMPLES)
def test_batches_are_those_of_pytorch(name: str) -> None:
    torch_data = pytest.importorskip("torch.utils.data", reason="PyTorch is not installed")
    examples = EXAMPLES[name]
    (theirs,) = torch_data.DataLoader(examples, batch_size=len(examples))
    (ours,) = DataLoader(examples, batch_size=len(examples))
    assert plain(dict(ours) if isinstance(theirs, dict) else ours) == plain(theirs)


def test_arrays_of_another_byte_order_are_turned_round_once() -> None:
    data = ArrayDataset(x=np.arange(3, dtype=">f4"), y=np.arange(3, dtype=">i8"))
    (batch,) = DataLoader(data, 3)
    assert batch.x.dtype == pt.float32 and batch.x.tolist() == batch.y.tolist() == [0, 1, 2]


def test_floats_of_python_are_float32() -> None:
    (batch,) = DataLoader([(0.5, 1), (1.5, 2)], 2)
    assert batch.x.dtype == pt.float32 and batch.y.dtype == pt.int64


@pytest.mark.parametrize("workers", [0, 2])
def test_what_a_user_of_pytorch_writes(workers: int) -> None:
    data = TensorDataset(np.arange(24, dtype=np.uint8).reshape(6, 4), np.arange(6))
    seen = []
    for images, labels in DataLoader(data, batch_size=2, num_workers=workers):
        images, labels = images.to("cpu", non_blocking=True), labels.to("cpu")
        assert images.shape == (2, 4) and labels.shape == (2,) and (images / 255).dtype == pt.float32
        assert isinstance(labels, pt.Tensor) and (labels == labels).sum().item() == 2
        seen += labels.tolist()
    assert seen == list(range(6))


def test_a_batch_of_a_dict_passes_as_keywords() -> None:
    data = ArrayDataset(image=np.ones((4, 2)), label=np.arange(4))
    (batch,) = DataLoader(data, 4)
    assert batch.keys() == ("image", "label") and dict(batch)["label"].tolist() == [0, 1, 2, 3]
    assert [name for name, _ in batch.items()] == ["image", "label"] and len(batch.values()) == 2
    assert (lambda image, label: image.shape + label.shape)(**batch) == (4, 2, 4)
    assert repr(batch) == "Batch(image=float64[4, 2], label=int64[4])"
    for other in (copy.copy(batch), copy.deepcopy(batch), pickle.loads(pickle.dumps(batch))):
        assert other.label.tolist() == [0, 1, 2, 3]


def test_an_assignment_stays_in_the_batch_and_does_not_reach_the_data() -> None:
    held = np.zeros((4, 2))
    (batch,) = DataLoader(TensorDataset(held, np.arange(4)), 4)
    batch.x[0, 0] = 7
    assert batch.x[0].tolist() == [7, 0] and batch[0] is batch.x and held.sum() == 0


def test_a_weight_of_the_data_is_there_without_padding() -> None:
    data = ArrayDataset(x=np.arange(2.0), weight=np.array([2.0, 3.0]))
    (batch,) = DataLoader(data, 2)
    x, weight = batch
    assert weight.tolist() == batch.weight.tolist() == [2, 3] and x.tolist() == [0, 1]


class Buffered(Dataset):
    """One buffer for every batch."""

    def __init__(self) -> None:
        self.buffer = np.zeros((2, 3), np.float32)

    def __len__(self) -> int:
        return 6

    def fetch(self, indices: Any) -> Any:
        self.buffer[: len(indices)] = indices[:, None]
        return {"x": self.buffer[: len(indices)], "name": np.array(["a", "b"][: len(indices)])}


@pytest.mark.parametrize("data", [Buffered(), Subset(Buffered(), range(6))])
def test_a_fetch_that_fills_one_buffer_changes_no_batch(data: Any) -> None:
    batches = list(DataLoader(data, 2))
    assert [batch.x[:, 0].tolist() for batch in batches] == [[0, 1], [2, 3], [4, 5]]
    assert batches[0]["name"].tolist() == ["a", "b"], "what is no number stays an array of NumPy"


@pytest.mark.parametrize("workers", [0, 3])
def test_a_compiled_step_reads_its_own_batch(workers: int) -> None:
    x = np.arange(3000, dtype=np.float32).reshape(1000, 3)
    step = pt.compile(lambda batch: (batch * 2).sum(axis=1))
    loader = DataLoader(ArrayDataset(x=x), 10, num_workers=workers, shuffle=True, seed=3)
    pairs = [(batch.indices, batch.x, step(batch.x)) for batch in loader]
    for rows, kept, sums in pairs:
        assert np.array_equal(kept, x[rows]) and np.array_equal(sums, x[rows].sum(axis=1) * 2)


def test_a_collate_fn_may_call_collate() -> None:
    def pad(examples: list[Any]) -> Any:
        longest = max(map(len, examples))
        return pt.data.collate([np.pad(one, (0, longest - len(one))) for one in examples])

    (batch,) = DataLoader([np.ones(2), np.ones(3)], 2, collate_fn=pad)
    assert isinstance(batch, pt.Tensor) and batch.tolist() == [[1, 1, 0], [1, 1, 1]]
    (own,) = DataLoader([1, 2], 2, collate_fn=np.array)
    assert isinstance(own, np.ndarray), "what it gives comes out as it is"
