"""Logs for TensorBoard, as files in the folder of the run."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from powertrain.plugin import End, Histogram, Start
from powertrain_loggers.logger import Logger

FOLDER = "tensorboard"
SIZES = struct.Struct(">II")  # width and height, behind 16 bytes of a PNG file
COLOURS = 4  # channels of a picture that matplotlib draws: RGB and opacity


class TensorBoard(Logger):
    """Writes event files into the folder of the run: `tensorboard --logdir runs` shows all of them."""

    LIBRARY = "tensorboardX"
    INSTALLED_BY = "powertrain-loggers[tensorboard]"

    def begin(self, library: Any, start: Start) -> None:
        # Of a resumed run, the steps that were done again are shown once.
        again = start.progress["steps"] + 1 if start.progress["steps"] else None
        self._writer = library.SummaryWriter(str(start.folder / FOLDER), purge_step=again)

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(name.replace(".", "/", 1), value, step)

    def text(self, text: str, step: int) -> None:
        self._writer.add_text("sample", f"```\n{text}\n```", step)

    def histograms(self, found: Mapping[str, Histogram], step: int) -> None:
        for name, one in found.items():
            low, high = one.edges[:-1], one.edges[1:]
            middle = (low + high) / 2
            self._writer.add_histogram_raw(
                name.replace(" ", "/", 1), min=float(low[0]), max=float(high[-1]), num=int(one.counts.sum()),
                sum=float(one.counts @ middle), sum_squares=float(one.counts @ middle**2), bucket_limits=high.tolist(),
                bucket_counts=one.counts.tolist(), global_step=step,
            )  # fmt: skip

    def table(self, title: str, rows: Sequence[Sequence[str]], step: int) -> None:
        head, *others = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
        ruled = [head, "|" + " --- |" * len(rows[0]), *others]
        self._writer.add_text(title, "\n".join(ruled), step)

    def picture(self, title: str, png: bytes, step: int) -> None:
        summary: Any = importlib.import_module("tensorboardX.proto.summary_pb2").Summary
        width, height = SIZES.unpack_from(png, 16)
        image = summary.Image(width=width, height=height, colorspace=COLOURS, encoded_image_string=png)
        self._writer.file_writer.add_summary(summary(value=[summary.Value(tag=title, image=image)]), step)

    def close(self, end: End) -> None:
        self._writer.close()
