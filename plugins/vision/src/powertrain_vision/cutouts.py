"""Pictures with masks, made of cutouts: each is laid on a surface that is a piece of another one. The mask is the
cutout's own alpha channel. Needs Pillow."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError, DataModule, permutation, read_image
from powertrain.plugin import Data, param
from powertrain_vision.folder import TO_ONE, HeldAsBytes, fetched_folder, taking_pictures
from powertrain_vision.segmentation import Segmentation

WHERE = "cutouts"
PIECE = 16  # pixels of a piece each way, which becomes a surface
OPAQUE = 128  # alpha from which a pixel is part of the object
LEAST, MOST = 0.05, 0.95  # share of a picture that its object must fill


@dataclass(frozen=True, kw_only=True)
class CutoutSplit:
    """The [data.split] table of cutouts: each is in one part, as an object and as a surface."""

    valid: float = param(0.1, low=0, below=1, doc="share of the cutouts that is watched during training")
    test: float = param(0.2, low=0, below=1, doc="share of the cutouts that is looked at once")
    seed: int = param(0, low=0, doc="chooses the cutouts")

    def __post_init__(self) -> None:
        if self.valid + self.test >= 1:
            raise ValueError(f"valid = {self.valid:g} and test = {self.test:g}; expected less than 1 together")


class Cutouts(Data):
    """Pictures [size, size, 3] of numbers from 0 to 1, and masks of 0 (surface) and 1 (object). Without a path: stamps
    of Tux Paint, which `python -m powertrain_vision.fetch` brings."""

    examples = ({"path": "cutout_examples", "size": 16, "split": {"valid": 0.25, "test": 0.25}},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True, kw_only=True)
    class Params:
        path: Path | None = param(
            None, doc=f"the folder of .png files with an alpha channel; else $POWERTRAIN_DATA/{WHERE}"
        )
        size: int = param(48, low=8, high=1024, doc="pixels of a picture each way")
        times: int = param(
            4, low=1, high=1000, doc="pictures of each cutout in training; one of those that are held out"
        )
        seed: int = param(0, low=0, doc="draws places, sizes and surfaces")
        split: CutoutSplit = field(default_factory=CutoutSplit)

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        named = objects_below(base / params.path if params.path else fetched_folder(WHERE, WHERE))
        order = permutation(len(named), params.split.seed, 0)
        held, watched = (round(share * len(named)) for share in (params.split.test, params.split.valid))
        rows = {"train": order[held + watched :], "valid": order[held : held + watched], "test": order[:held]}
        parts = {}
        for number, (part, chosen) in enumerate(rows.items()):
            if not len(chosen):
                continue
            some = [named[at] for at in np.sort(chosen)]
            times = params.times if part == "train" else 1
            draw = np.random.Generator(np.random.Philox(key=[params.seed, number]))
            made = [composed(some, at, params.size, draw) for _ in range(times) for at in range(len(some))]
            x, y = (np.stack(each) for each in zip(*made, strict=True))
            parts[part] = HeldAsBytes(x, y, [name for name, _ in some] * times)
        return cls.reopen(params, DataModule(WHERE, "segmentation", parts, 2, labels=("surface", "object")))

    @classmethod
    def reopen(cls, params: Any, kept: DataModule) -> DataModule:
        whole = taking_pictures(kept, (params.size, params.size), True, TO_ONE)
        return dataclasses.replace(whole, own_task=Segmentation())


def objects_below(folder: Path) -> list[tuple[str, NDArray[np.uint8]]]:
    """The cutouts in a folder and below it, by name, as bytes [height, width, 4]; those that are nearly empty or full
    show no object."""
    found = []
    for path in sorted(folder.rglob("*.png")):
        pixels = np.asarray(read_image(path, "RGBA", where=WHERE))
        if LEAST <= float((pixels[..., 3] >= OPAQUE).mean()) <= MOST:
            found.append((path.relative_to(folder).as_posix(), pixels))
    if len(found) < 2:
        raise DataError(
            WHERE, f"{len(found)} pictures below {folder} whose alpha channel shows an object", "expected at least 2",
            "take .png files that are partly transparent",
        )  # fmt: skip
    return found


def composed(
    named: Sequence[tuple[str, NDArray[np.uint8]]], at: int, size: int, draw: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A cutout at some place, in some size, maybe as in a mirror, on a surface; and its mask."""
    from PIL import Image

    other = named[(at + int(draw.integers(1, len(named)))) % len(named)][1] if len(named) > 1 else named[at][1]
    sheet = Image.fromarray(surface(other, draw)).resize((size, size), Image.Resampling.BICUBIC).convert("RGBA")
    pixels = named[at][1]
    whole = Image.fromarray(pixels[:, ::-1].copy() if draw.random() < 0.5 else pixels)
    scale = size * draw.uniform(0.6, 1.0) / max(whole.size)
    across, down = (max(1, round(side * scale)) for side in whole.size)
    small = whole.resize((across, down), Image.Resampling.BILINEAR)
    place = int(draw.integers(0, size - across + 1)), int(draw.integers(0, size - down + 1))
    sheet.alpha_composite(small, place)
    mask = np.zeros((size, size), np.int64)
    mask[place[1] : place[1] + down, place[0] : place[0] + across] = np.asarray(small)[..., 3] >= OPAQUE
    return np.asarray(sheet.convert("RGB")), mask


def surface(pixels: NDArray[np.uint8], draw: np.random.Generator) -> NDArray[np.uint8]:
    """A piece of a cutout that is all object, so that no outline is in it; else its mean colour."""
    opaque = (pixels[..., 3] >= OPAQUE).astype(np.int64)
    sums = np.pad(opaque.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    if min(opaque.shape) >= PIECE:
        boxes = sums[PIECE:, PIECE:] - sums[:-PIECE, PIECE:] - sums[PIECE:, :-PIECE] + sums[:-PIECE, :-PIECE]
        tops, lefts = np.nonzero(boxes == PIECE**2)
        if len(tops):
            one = int(draw.integers(0, len(tops)))
            top, left = int(tops[one]), int(lefts[one])
            return np.ascontiguousarray(pixels[top : top + PIECE, left : left + PIECE, :3])
    colour = pixels[opaque > 0][:, :3].mean(axis=0)
    return np.full((PIECE, PIECE, 3), colour.astype(np.uint8))
