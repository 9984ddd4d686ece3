"""Films of handwritten digits that fly about and bounce off the walls, as in Moving MNIST (Srivastava et al. 2015)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.builtin.data import Digits
from powertrain.data import DataModule, Dataset, anew, by_rows, permutation
from powertrain.plugin import Data, NoParams, param

PER_PIXEL = 4  # places are whole quarters of a pixel, so that every machine makes the same bits
FASTEST = 8  # quarters of a pixel in a frame, each way
HELD = 0.15  # of the digits, for each part but training
PARTS = ("train", "valid", "test")


class Films(Dataset):
    """Films drawn when they are asked for. `digits` [n, 8, 8] are from 0 to 16; `which` [films, digits of each] are
    their numbers, `place` and `speed` [films, digits of each, 2] are in quarters of a pixel."""

    def __init__(
        self,
        digits: NDArray[Any],
        which: NDArray[Any],
        place: NDArray[Any],
        speed: NDArray[Any],
        frames: int,
        side: int,
    ) -> None:
        self.digits = digits.astype(np.float32) / 16
        self.which, self.place, self.speed = which, place, speed
        self.frames, self.side = frames, side

    def __len__(self) -> int:
        return len(self.which)

    @anew()
    @by_rows()
    def fetch(self, indices: Any) -> dict[str, NDArray[Any]]:
        """x: the first frames of each film, [films, frames, side, side]; y: the one that follows, as a row."""
        picked = np.asarray(indices)
        film = self.film(picked, self.frames + 1)
        return {"x": film[:, :-1], "y": film[:, -1].reshape(len(picked), -1)}

    def film(self, picked: NDArray[Any], frames: int) -> NDArray[np.float32]:
        """The first frames of some films. Where digits overlap, the brighter pixel is seen."""
        digits = self.digits[self.which[picked]]
        size = digits.shape[-1]
        times = np.arange(frames)[:, None]
        way = self.place[picked][:, :, None] + times * self.speed[picked][:, :, None]  # [films, digits, frames, 2]
        most = PER_PIXEL * (self.side - size)
        at = most - np.abs(way % (2 * most) - most)  # there and back
        # A digit between two pixels is shared by them in proportion: products and sums here are exact.
        off = np.arange(self.side)[:, None] * PER_PIXEL - np.arange(size) * PER_PIXEL - at[..., None, None]
        share = np.maximum(0, PER_PIXEL - np.abs(off)).astype(np.float32) / PER_PIXEL
        down, across = share[..., 0, :, :], share[..., 1, :, :]
        seen = down @ digits[:, :, None] @ np.swapaxes(across, -1, -2)
        return np.ascontiguousarray(seen.max(axis=1))


class MovingDigits(Data):
    """Films of the built-in digits. The target of a film is the frame that follows it. The digits of held-out films
    were written by hand too, but are not those of training."""

    @dataclass(frozen=True)
    class Params:
        frames: int = param(10, low=2, high=1000, doc="frames of a film; the one after is the target")
        side: int = param(24, low=9, high=256, doc="height and width of a frame; a digit has 8 pixels")
        digits: int = param(2, low=1, high=16, doc="digits in a film")
        train: int = param(4000, low=1, high=1_000_000, doc="films to learn from")
        held: int = param(400, low=1, high=1_000_000, doc="films of each other part")
        seed: int = param(0, low=0, high=2**32 - 1, doc="which films")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        source: Any = Digits.build(NoParams(), base).train
        pictures = source.fetch(np.arange(len(source)))["x"]
        order, cut = permutation(len(pictures), params.seed), int(HELD * len(pictures))
        pools = {"train": order[2 * cut :], "valid": order[:cut], "test": order[cut : 2 * cut]}
        splits = {part: cls._films(pictures, pools[part], params, number) for number, part in enumerate(PARTS)}
        return DataModule("moving-digits", "regression", splits, params.side**2)

    @staticmethod
    def _films(pictures: NDArray[Any], pool: NDArray[Any], params: Params, number: int) -> Films:
        draw = np.random.Generator(np.random.Philox(key=np.array([params.seed, number], np.uint64)))
        shape = (params.train if number == 0 else params.held, params.digits)
        most = PER_PIXEL * (params.side - pictures.shape[-1])
        which = pool[draw.integers(0, len(pool), shape)]
        place = draw.integers(0, most, (*shape, 2), endpoint=True)
        speed = draw.integers(-FASTEST, FASTEST, (*shape, 2), endpoint=True)
        return Films(pictures, which, place, speed, params.frames, params.side)
