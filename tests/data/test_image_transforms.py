"""Transforms of one picture: what they give, that random ones draw by (seed, epoch, index), and what they refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError, DataLoader, Dataset, IterableDataset, Subset, transforms
from powertrain.data.drawing import example

PICTURE = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)


def test_bytes_become_numbers_and_are_normalized() -> None:
    made = transforms.ToTensor()(np.array([[0, 51, 255]], np.uint8))
    assert isinstance(made, pt.Tensor) and made.dtype == pt.float32 and np.allclose(made, [[0, 0.2, 1]])
    assert transforms.ToTensor()(np.array([[2.5]])).tolist() == [[2.5]]
    scaled = transforms.Normalize(mean=[1, 2, 3], std=[1, 2, 4])(PICTURE)
    assert scaled.dtype == np.float32 and np.allclose(scaled, (PICTURE - np.array([1.0, 2, 3])) / [1, 2, 4])
    assert np.allclose(transforms.Normalize(2.0, 4.0)(PICTURE[..., 0]), (PICTURE[..., 0] - 2.0) / 4)


def test_what_a_tensor_passes_through_gives_tensors() -> None:
    pytest.importorskip("PIL", reason="Resize is Pillow's, an extra of powertrain-vision")
    arrays = [
        transforms.Normalize(0.5, 0.5), transforms.Pad(1), transforms.CenterCrop(2), transforms.RandomCrop(3),
        transforms.RandomHorizontalFlip(1.0), transforms.RandomVerticalFlip(1.0), transforms.Resize(3),
        transforms.RandomResizedCrop(3), transforms.CenterResizedCrop(3),
    ]  # fmt: skip
    given = (PICTURE / 255).astype(np.float32)
    for change in arrays:
        with example(1, 0, 0):
            want = change(given)
        with example(1, 0, 0):
            made = change(pt.tensor(given))
        assert isinstance(want, np.ndarray) and isinstance(made, pt.Tensor), change
        assert np.array_equal(made.numpy(), want) and made.numpy().dtype == want.dtype, change


def test_a_loader_batches_tensors_of_examples() -> None:
    class Pictures(Dataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> tuple[pt.Tensor, pt.Tensor]:
            return transforms.ToTensor()(PICTURE + index), pt.tensor(index)

    x, y = next(iter(DataLoader(Pictures(), batch_size=4)))
    assert x.dtype == pt.float32 and y.dtype == pt.int64 and y.tolist() == [0, 1, 2, 3]
    assert np.array_equal(x.numpy()[2], (PICTURE + 2) * np.float32(1 / 255))


def test_pad_and_center_crop() -> None:
    assert transforms.Pad(1)(PICTURE).shape == (7, 6, 3) and not transforms.Pad(1)(PICTURE)[0].any()
    assert transforms.Pad((1, 2), fill=7)(PICTURE[..., 0]).shape == (9, 6)
    made = transforms.Pad((1, 2, 3, 4), padding_mode="reflect")(PICTURE)
    assert made.shape == (11, 8, 3) and (made[2:7, 1:5] == PICTURE).all() and (made[1, 1:5] == PICTURE[1]).all()
    assert (transforms.CenterCrop((3, 2))(PICTURE) == PICTURE[1:4, 1:3]).all()
    assert transforms.CenterCrop(4)(PICTURE).shape == (4, 4, 3)


def test_pictures_of_pillow() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is an extra of powertrain-vision")
    change = transforms.Compose([transforms.RandomCrop(4, padding=1), transforms.ToTensor()])
    assert change(image.fromarray(PICTURE)).shape == (4, 4, 3)


def test_random_crops_are_parts_and_every_part_comes() -> None:
    crop, seen = transforms.RandomCrop((3, 2)), set()
    parts = {PICTURE[top : top + 3, left : left + 2].tobytes() for top in range(3) for left in range(3)}
    for index in range(300):
        with example(1, 0, index):
            seen.add(crop(PICTURE).tobytes())
    assert seen == parts
    larger = transforms.RandomCrop(6, pad_if_needed=True, fill=9)
    with example(1, 0, 0):
        assert larger(PICTURE).shape == (6, 6, 3)


@pytest.mark.parametrize(("name", "axis"), [("RandomHorizontalFlip", 1), ("RandomVerticalFlip", 0)])
def test_flips_come_in_their_share(name: str, axis: int) -> None:
    kind, flipped = getattr(transforms, name), 0
    for index in range(2000):
        with example(3, 1, index):
            made = kind(0.25)(PICTURE)
        flipped += int(not (made == PICTURE).all())
        assert (made == PICTURE).all() or (made == np.flip(PICTURE, axis)).all()
    # Six deviations of a share of 0.25 in 2,000.
    assert abs(flipped - 500) < 6 * np.sqrt(2000 * 0.25 * 0.75)
    assert (kind(0)(PICTURE) == PICTURE).all() and (kind(1)(PICTURE) == np.flip(PICTURE, axis)).all()


CHANGE = transforms.Compose([transforms.RandomCrop(3, padding=2), transforms.RandomHorizontalFlip()])


class Pictures(Dataset):
    def __len__(self) -> int:
        return 23

    def __getitem__(self, index: int) -> Any:
        return CHANGE(PICTURE), index


class Stream(IterableDataset):
    def __iter__(self) -> Iterator[Any]:
        return ((CHANGE(PICTURE), index) for index in range(23))


def by_index(loader: DataLoader) -> dict[int, bytes]:
    return {int(y): x.numpy().tobytes() for batch in loader for x, y in zip(*batch, strict=True)}


def test_an_example_depends_on_seed_epoch_and_index_alone() -> None:
    """Not on the batch that it is in, on the workers, the order, or on where the loader began."""
    wanted = by_index(DataLoader(Pictures(), 4, shuffle=True, seed=5))
    assert len(set(wanted.values())) > 10
    for settings in ({"num_workers": 3}, {"batch_size": 7}, {"shuffle": False}, {"pad_last": False}):
        assert by_index(DataLoader(Pictures(), **{"batch_size": 4, "shuffle": True, "seed": 5, **settings})) == wanted
    assert by_index(DataLoader(Subset(Pictures(), range(23)), 4, seed=5)) == wanted
    assert by_index(DataLoader(Pictures(), 4, seed=6)) != wanted
    loader, other = (DataLoader(Pictures(), 4, shuffle=True, seed=5) for _ in range(2))
    assert by_index(loader) == wanted
    second = by_index(loader)
    assert second != wanted
    other.load_state_dict({"epoch": 1, "position": 12})
    rest = by_index(other)
    assert len(rest) == 11 and all(second[index] == value for index, value in rest.items())


def test_examples_of_a_stream_too() -> None:
    wanted = by_index(DataLoader(Stream(), 4, seed=5))
    assert by_index(DataLoader(Stream(), 6, seed=5, num_workers=2)) == wanted
    assert wanted == by_index(DataLoader(Pictures(), 4, seed=5))


def test_outside_of_a_loader_each_call_is_another() -> None:
    assert len({CHANGE(PICTURE).tobytes() for _ in range(100)}) > 10


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: transforms.Compose([transforms.ToTensor]),
            "[Compose] transforms[0] = the class ToTensor; expected a function of a picture; write ToTensor(...)",
        ),
        (
            lambda: transforms.Normalize([1, 2], [1, 0]),
            "[Normalize] mean = [1, 2], std = [1, 0]; expected a number or one for each channel, std above 0; "
            "for example Normalize(0.5, 0.25)",
        ),
        (
            lambda: transforms.Normalize([1, 2], 1)(PICTURE),
            "[Normalize] 2 numbers as mean for a picture [5, 4, 3]; expected one for each channel, which are last; "
            "give a single number, or move the channels",
        ),
        (
            lambda: transforms.RandomCrop(0),
            "[RandomCrop] size = 0; expected a whole number >= 1, or two; for example RandomCrop((32, 24))",
        ),
        (
            lambda: transforms.RandomCrop(6)(PICTURE),
            "[RandomCrop] an array [5, 4, 3]; expected a picture [height, width(, channels)], of at least 6 x 6; "
            "put it where one picture is made, in __getitem__; pad what is too small",
        ),
        (
            lambda: transforms.CenterCrop(2)(np.zeros((8, 5, 4, 3))),
            "[CenterCrop] an array [8, 5, 4, 3]; expected a picture [height, width(, channels)], of at least 2 x 2; "
            "put it where one picture is made, in __getitem__; pad what is too small",
        ),
        (
            lambda: transforms.Pad(-1),
            "[Pad] padding = -1, padding_mode = 'constant'; expected 1, 2 or 4 whole numbers >= 0, and one of "
            "constant, edge, reflect, symmetric; for example padding=4",
        ),
        (
            lambda: transforms.RandomHorizontalFlip(2),
            "[RandomHorizontalFlip] p = 2; expected a share from 0 to 1; 0.5 is usual",
        ),
        (
            lambda: transforms.RandomFlip,
            "[powertrain.data.transforms] RandomFlip; expected a name of powertrain.data.transforms; write "
            "pt.data.transforms.RandomHorizontalFlip()",
        ),
        (
            lambda: transforms.Normalise,
            "[powertrain.data.transforms] Normalise; expected a name of powertrain.data.transforms; write "
            "pt.data.transforms.Normalize(mean, std)",
        ),
        (
            lambda: transforms.RandomCorp,
            "[powertrain.data.transforms] RandomCorp; expected a name of powertrain.data.transforms; did you mean "
            "RandomCrop?",
        ),
    ],
)
def test_what_transforms_refuse(make: Any, message: str) -> None:
    with pytest.raises(pt.Error) as caught:
        make()
    assert str(caught.value) == message
    assert isinstance(caught.value, (DataError, AttributeError))
