"""Less data for tests that ask what becomes of a run, and not how well it learns. `make test-all` takes all of it."""

from __future__ import annotations

import atexit
import functools
import gzip
import json
import os
import shutil
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.builtin.data import FashionMnist
from powertrain.data.errors import DataError

KEPT = {"train": 3000, "test": 400}
FILES = {"train": "train", "test": "t10k"}
# Of films, and of pictures that are drawn and judged by a classifier.
FEWER = {
    "moving-digits": ["data.train=200", "data.held=40"],
    **{f"fashion-mnist-{kind}": ["strategy.judged=100"] for kind in ("diffusion", "wgan")},
}


def fewer(recipe: str) -> list[str]:
    """Settings with which a recipe has less to read and to measure; none where everything is to be tried."""
    if os.environ.get("POWERTRAIN_ALL"):
        return []
    cut = _fashion_mnist() if recipe.startswith("fashion-mnist") else None
    of_data = ["data.use=fashion-mnist", f"data.path={json.dumps(str(cut))}"] if cut else []
    return [*of_data, *FEWER.get(recipe, [])]


@functools.cache
def _fashion_mnist() -> Path | None:
    """A folder with some images of Fashion-MNIST, once in each process; None where a machine does not have it."""
    try:
        whole: Any = FashionMnist.build(FashionMnist.Params(), Path())
    except DataError:
        return None
    folder = Path(tempfile.mkdtemp(prefix="powertrain-cut-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for part, name in FILES.items():
        fields = whole.splits[part].fetch(np.arange(KEPT[part]))
        _write(folder / f"{name}-images-idx3-ubyte.gz", fields["x"])
        _write(folder / f"{name}-labels-idx1-ubyte.gz", fields["y"])
    return folder


def _write(path: Path, values: NDArray[Any]) -> None:
    """As the data set's files are: bytes, behind their sizes."""
    head = struct.pack(f">4B{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    path.write_bytes(gzip.compress(head + values.astype(np.uint8).tobytes(), 1))
