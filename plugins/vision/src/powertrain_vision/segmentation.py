"""The task `segmentation`: a class for each pixel of a picture. Metric mean IoU, and a small U-Net (Ronneberger et al.
2015) that gives a score of each class for each pixel."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import DataError, evenly_spaced
from powertrain.nn import BatchNorm2d, Conv2d, Module, Sequential
from powertrain.plugin import (
    Baseline,
    Inputs,
    Metric,
    Model,
    ModelError,
    Section,
    Task,
    as_images,
    image_shape,
    param,
    pictures_section,
)

if TYPE_CHECKING:
    from powertrain.data import DataModule

SHOWN = 12  # pictures in the report
MOST = 2000  # training masks that the baseline is made of
Floats = NDArray[np.float64]


def iou_of(overlap: Floats, union: Floats) -> float:
    """The mean of overlap over union, of the classes that occur."""
    there = union > 0
    return float((overlap[there] / union[there]).mean()) if there.any() else math.nan


def _areas(said: Any, there: Any, classes: int, weight: Any) -> tuple[Floats, Floats]:
    """The pixels of each class that both have, and that either has."""
    axes = tuple(range(1, said.ndim))
    one = [(said == at, there == at) for at in range(classes)]
    overlap = [weight @ (a & b).sum(axis=axes) for a, b in one]
    union = [weight @ (a | b).sum(axis=axes) for a, b in one]
    return np.array(overlap, np.float64), np.array(union, np.float64)


class MeanIoU(Metric):
    """Intersection over union of the pixels that have a class and those that are said to, over all pictures; the mean
    over the classes. State: intersections, then unions."""

    tasks: ClassVar[tuple[str, ...]] = ("segmentation",)

    def zero(self) -> Any:
        return np.zeros(0)

    def measure(self, prediction: Any, target: Any, weight: Any = None) -> Any:
        scores, there = np.asarray(prediction), np.asarray(target)
        if scores.ndim != there.ndim + 1 or scores.shape[:-1] != there.shape or there.dtype.kind not in "iu":
            raise DataError(
                "mean-iou", f"outputs {list(scores.shape)}, targets {there.dtype}{list(there.shape)}",
                "expected scores [..., classes] and class numbers [...]", "give a score of each class for each pixel",
            )  # fmt: skip
        w = np.ones(len(there)) if weight is None else np.asarray(weight, np.float64)
        return np.concatenate(_areas(scores.argmax(axis=-1), there, scores.shape[-1], w))

    def merged(self, a: Any, b: Any) -> Any:
        return np.array(b if not a.size else a if not b.size else a + b)

    def result(self, state: Any) -> float:
        return iou_of(*state.reshape(2, -1)) if state.size else math.nan


class Segmentation(Task):
    """A class number for each pixel: x [height, width, channels], y [height, width]."""

    loss: ClassVar[str] = "cross-entropy"
    metrics: ClassVar[tuple[str, ...]] = ("mean-iou", "accuracy")
    headline: ClassVar[str] = "mean-iou"

    def check(self, dataset: DataModule) -> None:
        for part, source in dataset.splits.items():
            fields = source.fetch(np.arange(min(len(source), 256)))
            x, y = np.asarray(fields["x"]), np.asarray(fields["y"])
            if y.ndim != 3 or x.shape[:3] != y.shape or y.dtype.kind not in "iu":
                raise DataError(
                    "segmentation", f"x {list(x.shape[1:])} and y {y.dtype}{list(y.shape[1:])} of {part}",
                    "expected a class number for each pixel", "make y [examples, height, width] of integers",
                )  # fmt: skip
            if y.size and (y.min() < 0 or y.max() >= dataset.outputs):
                raise DataError(
                    "segmentation", f"class {int(y.max() if y.min() >= 0 else y.min())} of {part}",
                    f"expected 0 to {dataset.outputs - 1}", "number the classes from 0 on",
                )  # fmt: skip

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        """The class that each pixel has most often in training, whatever the picture."""
        masks, held = (_masks(dataset, one) for one in ("train", part))
        counts = np.stack([(masks == at).sum(axis=0) for at in range(dataset.outputs)])
        said = np.broadcast_to(counts.argmax(axis=0), held.shape)
        value = iou_of(*_areas(said, held, dataset.outputs, np.ones(len(held))))
        how = "each pixel by its most frequent class"
        return [Baseline("dummy", "mean-iou", value, how, higher_is_better=True)]

    def sections(self, dataset: DataModule, judged: Any) -> Sequence[Section]:
        if judged.outputs is None or judged.truth is None:
            return []
        said, there = judged.outputs.argmax(axis=-1), judged.truth
        overlap, union = _areas(said, there, dataset.outputs, np.ones(len(there)))
        shares = np.divide(overlap, union, out=np.full(len(union), np.nan), where=union > 0)
        rows = (("class", "IoU"), *((dataset.class_names[at], f"{share:.3f}") for at, share in enumerate(shares)))
        each = [
            iou_of(*_areas(a[None], b[None], dataset.outputs, np.ones(1))) for a, b in zip(said, there, strict=True)
        ]
        order = np.argsort(each, kind="stable")
        chosen = order[evenly_spaced(len(order), SHOWN)]
        sections = [Section("Classes", (f"{len(there):,} pictures of {judged.part}.",), rows)]
        pixels = np.asarray(dataset.splits[judged.part].fetch(chosen)["x"], np.float64)
        if pixels.ndim == 4 and pixels.shape[-1] == 3 and pixels.min() >= 0 and pixels.max() <= 1:
            top = max(dataset.outputs - 1, 1)
            masks = [np.repeat((one[chosen] / top)[..., None], 3, axis=-1) for one in (there, said)]
            shown = np.concatenate([pixels, *masks])
            names = ("picture", "mask", "the model")
            line = "From the worst picture to the best."
            sections.append(pictures_section("Masks", shown, columns=len(chosen), lines=(line,), rows=names))
        return sections

    def answer(self, dataset: DataModule, output: Any) -> dict[str, object]:
        classes = np.asarray(output).argmax(axis=-1)
        counts = np.bincount(classes.ravel(), minlength=dataset.outputs)
        shares = {name: round(float(n) / classes.size, 4) for name, n in zip(dataset.class_names, counts, strict=True)}
        return {"shares": shares, "mask": classes.tolist()}


def _masks(dataset: DataModule, part: str) -> Any:
    source = dataset.splits[part]
    return np.asarray(source.fetch(np.arange(min(len(source), MOST)))["y"])


class _Block(Module):
    """Two convolutions, each with a norm over the batch and relu."""

    TORCH_FORWARD = """
        def forward(self, x):
            x = F.relu(self.norm1(self.conv1(x)))
            return F.relu(self.norm2(self.conv2(x)))
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = Conv2d(before, after, 3, padding=1), Conv2d(after, after, 3, padding=1)
        self.norm1, self.norm2 = BatchNorm2d(after), BatchNorm2d(after)

    def forward(self, x: Any) -> pt.Tensor:
        x = pt.relu(self.norm1(self.conv1(x)))
        return pt.relu(self.norm2(self.conv2(x)))


class PixelUNet(Model):
    """Stages that halve a picture and double it again, each beside what it was before: scores [height, width,
    classes]."""

    TORCH_FORWARD = """
        def forward(self, x):
            h = self.first(images(x))
            beside = []
            for block in self.down:
                beside.append(h)
                h = block(F.max_pool2d(h.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1))
            for block in self.up:
                h = h.repeat_interleave(2, 1).repeat_interleave(2, 2)
                h = block(torch.cat([h, beside.pop()], dim=3))
            return self.last(h)
    """

    example_inputs: ClassVar[tuple[Inputs, ...]] = (
        Inputs("segmentation", (8, 8), 2), Inputs("segmentation", (8, 8, 3), 3),
    )  # fmt: skip

    @dataclass(frozen=True)
    class Params:
        widths: tuple[int, ...] = param((16, 32, 64), low=1, doc="channels of each stage; each but the first halves it")

    def __init__(self, shape: tuple[int, int, int], outputs: int, params: Params | None = None) -> None:
        super().__init__()
        widths = (params or self.Params()).widths
        times = 2 ** (len(widths) - 1)
        if shape[0] % times or shape[1] % times:
            raise ModelError(
                f"[pixel-unet] pictures of {shape[0]} x {shape[1]} for {len(widths)} widths; expected a multiple of "
                f"{times} pixels each way, since each width but the first halves them; give fewer widths"
            )
        pairs = list(itertools.pairwise(widths))
        self.first = _Block(shape[2], widths[0])
        self.down = Sequential(*(_Block(before, after) for before, after in pairs))
        self.up = Sequential(*(_Block(before + after, before) for before, after in reversed(pairs)))
        self.last = Conv2d(widths[0], outputs, 1)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> PixelUNet:
        if inputs.task != "segmentation":
            raise ModelError(
                f"[pixel-unet] a {inputs.task} task; expected segmentation; choose another model or other data"
            )
        return cls(image_shape("pixel-unet", inputs), inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        h = self.first(as_images(x))
        beside = []
        for block in self.down:
            beside.append(h)
            h = block(F.max_pool2d(h, 2))
        for block in self.up:
            h = pt.repeat(pt.repeat(h, 2, axis=1), 2, axis=2)
            h = block(pt.concat([h, beside.pop()], axis=3))
        return self.last(h)
