"""Clips of handwritten digits that move in one of eight ways, which no single frame shows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.builtin.data import Digits
from powertrain.data import ArrayDataset, DataModule, permutation
from powertrain.plugin import Data, NoParams, param
from powertrain_vision.clips import ClipClassification

NAME = "digit-motions"
HELD = 0.15  # of the digits, for each part but training
PARTS = ("train", "valid", "test")
BRIGHTEST = 16  # of a pixel, as in the digits
FASTEST = 2  # pixels in a frame
TOGETHER = 64  # clips that are drawn at once: their pixels stay in the cache
TURN = 4  # pixels after which a digit that turns does so
RIGHT, DOWN, LEFT, UP = (0, 1), (1, 0), (0, -1), (-1, 0)
# The directions that follow one another, each for TURN pixels, and then again from the first.
WAYS = {
    "right": (RIGHT,), "left": (LEFT,), "up": (UP,), "down": (DOWN,), "to and fro": (RIGHT, LEFT),
    "up and down": (UP, DOWN), "clockwise": (RIGHT, DOWN, LEFT, UP), "anticlockwise": (RIGHT, UP, LEFT, DOWN),
}  # fmt: skip


class DigitMotions(Data):
    """Clips [frames, side, side, 1] of pixels from 0 to 16, and the way in which the digit moves. It leaves the frame
    on one side and comes back on the other. Another digit stands still, and all pixels are noisy.

    A digit starts anywhere, so each frame by itself is as likely in one class as in another. The digits of held-out
    clips are not those of training.
    """

    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"train": 64, "held": 16, "frames": 6, "side": 12},)

    @dataclass(frozen=True)
    class Params:
        frames: int = param(12, low=2, high=1000, doc="frames of a clip")
        side: int = param(20, low=9, high=256, doc="height and width of a frame; a digit has 8 pixels")
        noise: int = param(4, low=0, high=16, doc="up to so much is added to each pixel, of 16")
        still: int = param(1, low=0, high=16, doc="digits that stand still")
        train: int = param(4000, low=8, high=1_000_000, doc="clips to learn from")
        held: int = param(800, low=8, high=1_000_000, doc="clips of each other part")
        seed: int = param(0, low=0, high=2**32 - 1, doc="which clips")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        source: Any = Digits.build(NoParams(), base).train
        digits = source.fetch(np.arange(len(source)))["x"].astype(np.uint8)
        order, cut = permutation(len(digits), params.seed), int(HELD * len(digits))
        pools = {"train": order[2 * cut :], "valid": order[:cut], "test": order[cut : 2 * cut]}
        splits: dict[str, Any] = {}
        for number, part in enumerate(PARTS):
            draw = np.random.Generator(np.random.Philox(key=np.array([params.seed, number], np.uint64)))
            count = params.train if part == "train" else params.held
            splits[part] = ArrayDataset(**drawn(digits[pools[part]], count, params, draw))
        return cls.reopen(params, DataModule(NAME, "classification", splits, len(WAYS), labels=tuple(WAYS)))

    @classmethod
    def reopen(cls, params: Any, kept: DataModule) -> DataModule:
        return dataclasses.replace(kept, own_task=ClipClassification())


def drawn(
    digits: NDArray[Any], count: int, params: DigitMotions.Params, draw: np.random.Generator
) -> dict[str, NDArray[Any]]:
    """So many clips x, and their classes y; every class equally often, as far as that goes."""
    y = draw.permutation(np.arange(count) % len(WAYS)).astype(np.int64)
    ways = np.stack([offsets(way, params.frames, speed) for way in WAYS.values() for speed in range(1, FASTEST + 1)])
    clips = np.zeros((count, params.frames, params.side, params.side), np.uint8)
    moving = ways[y * FASTEST + draw.integers(0, FASTEST, count), draw.integers(0, ways.shape[1], count)]
    for number in range(1 + params.still):
        picked = digits[draw.integers(0, len(digits), count)]
        start = draw.integers(0, params.side, (count, 1, 2))
        place = start + (moving if number == 0 else np.zeros_like(moving))  # [clips, frames, 2]
        for begin in range(0, count, TOGETHER):
            some = slice(begin, begin + TOGETHER)
            put(clips[some], picked[some], place[some])
    noise = draw.integers(0, params.noise, clips.shape, np.uint8, endpoint=True)
    return {"x": np.minimum(clips + noise, BRIGHTEST)[..., None], "y": y}


def put(clips: NDArray[Any], digits: NDArray[Any], place: NDArray[np.int64]) -> None:
    """Draw the digit of each clip into its frames, at places [clips, frames, 2], where it is brighter."""
    side = clips.shape[-1]
    rows, columns = ((place[..., axis, None] + np.arange(digits.shape[-1])) % side for axis in range(2))
    pixels = rows[..., :, None] * side + columns[..., None, :]
    pixels += (side * side * np.arange(place[..., 0].size)).reshape(*place.shape[:2], 1, 1)
    flat = clips.reshape(-1)
    flat[pixels] = np.maximum(flat[pixels], digits[:, None])


def offsets(way: tuple[tuple[int, int], ...], frames: int, speed: int) -> NDArray[np.int64]:
    """The places of a digit beside its first one, in pixels: [moments to begin at, frames, 2]."""
    steps = TURN // speed
    moments = np.arange(4 * TURN)[:, None] + np.arange(frames - 1)
    moves = speed * np.array(way)[moments // steps % len(way)]
    return np.concatenate([np.zeros((len(moves), 1, 2), np.int64), np.cumsum(moves, axis=1)], axis=1)
