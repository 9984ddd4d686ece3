"""tf.data with the functions of tf.image, as its pages show, for benchmarks/loader.py."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf


class Batches:
    """A pipeline whose batches are NumPy arrays, shuffled anew each time."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __iter__(self) -> Iterator[Any]:
        return iter(self.data.as_numpy_iterator())


def batches(
    workload: Any, pictures: Any, folder: Path, workers: int, batch: int, mean: float, std: float, cached: bool = False
) -> Iterable[Any]:
    """A call for each picture, in so many threads ahead of the reader; with none, when a batch is asked for. Cached:
    files are read and resized once, in order, and shuffled behind that."""

    def read(x: Any) -> Any:
        x = tf.io.decode_image(tf.io.read_file(x), channels=3, expand_animations=False)
        # Pillow's way: every pixel counts, however much smaller the picture gets.
        return tf.image.resize(x, (workload.size, workload.size), antialias=True) if workload.size else x

    if workload.count:
        x = pictures if pictures.ndim == 4 else pictures[..., None]
        source = tf.data.Dataset.from_tensor_slices((x, tf.range(len(x)) % 10)).shuffle(len(x))
    else:
        paths = sorted((folder / workload.name).rglob("*.*"))
        labels = [int(path.parent.name) for path in paths]
        source = tf.data.Dataset.from_tensor_slices(([str(path) for path in paths], labels))
        if cached:
            source = source.map(lambda x, y: (read(x), y), num_parallel_calls=workers or None).cache()
        source = source.shuffle(len(paths))

    def change(x: Any, y: Any) -> tuple[Any, Any]:
        x = x if workload.count or cached else read(x)
        if by := workload.padding:
            shape = x.shape
            x = tf.image.random_crop(tf.pad(x, ((by, by), (by, by), (0, 0))), shape)
        x = tf.image.random_flip_left_right(tf.cast(x, tf.float32) / 255)
        return (x - mean) / std, y

    options = tf.data.Options()
    options.threading.private_threadpool_size = max(1, workers)
    made = source.map(change, num_parallel_calls=workers or None).batch(batch)
    return Batches((made.prefetch(2) if workers else made).with_options(options))
