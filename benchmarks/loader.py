"""Time the loader beside those of others: python benchmarks/loader.py

    fashion   60,000 grey pictures, 28 x 28 bytes in memory: crop after padding by 2, flip, normalize
    cifar     50,000 coloured ones, 32 x 32: the same, after padding by 4
    png       2,000 PNG files, 32 x 32, in class folders: read, flip, normalize
    jpeg      1,000 JPEG files, 256 x 256: read, resize to 64 x 64, flip, normalize

Batches have 128 pictures, in random order, and every picture is changed by numbers of its own. Each way of loading runs
in a process of its own, with each number of workers:

    powertrain          as a recipe has it: transforms of whole batches
    powertrain, cached  likewise, from files that an epoch before has read: `keep = false, cache = 1e9`
    powertrain, items   `__getitem__` with `pt.data.transforms`
    torch, items        `__getitem__` with torchvision's v2 transforms, as its pages show
    torch, batches      `__getitems__` with v2 on the whole batch: all its pictures are cut and flipped alike
    grain               `random_map` in NumPy, in as many processes as there are workers
    tf.data             `map` with tf.image for each picture, in as many threads as there are workers
    tf.data, cached     likewise, with `.cache()` behind reading and resizing

A figure is the median of the epochs in `--seconds`; of what is cached, without the first epoch. `first` is the time
from the start of the first iteration to its first batch. `--wait` measures instead which share of a training step waits
for its batch, with a small network.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 128
WORKERS = {"powertrain": (0, 1, 2), "torch": (0, 1, 2, 4), "grain": (0, 1, 2, 4), "tf.data": (0, 1, 2, 4)}
MODULES = {"powertrain": "powertrain", "torch": "torchvision", "grain": "grain", "tf.data": "tensorflow"}
MEAN, STD = 0.5, 0.25
FOLDERS = {"png": (2000, 32), "jpeg": (1000, 256)}


@dataclass(frozen=True)
class Workload:
    """What is read, and how it is changed. `count` is 0 where files are read; `size` is what they are resized to."""

    name: str
    count: int
    shape: tuple[int, ...]
    padding: int = 0
    size: int = 0


WORKLOADS = {
    one.name: one
    for one in (
        Workload("fashion", 60_000, (28, 28), padding=2),
        Workload("cifar", 50_000, (32, 32, 3), padding=4),
        Workload("png", 0, (32, 32, 3)),
        Workload("jpeg", 0, (64, 64, 3), size=64),
    )
}


def pictures(workload: Workload) -> Any:
    return np.random.default_rng(0).integers(0, 256, (workload.count, *workload.shape), np.uint8)


def write_files(folder: Path) -> None:
    """Class folders of smooth pictures with a little noise: noise alone packs, and so unpacks, like no photograph."""
    from PIL import Image

    draw = np.random.default_rng(0)
    for kind, (count, side) in FOLDERS.items():
        for number in range(count):
            coarse = Image.fromarray(draw.integers(0, 256, (6, 6, 3), np.uint8)).resize((side, side))
            pixels = np.clip(np.asarray(coarse) + draw.normal(0, 4, (side, side, 3)), 0, 255).astype(np.uint8)
            path = folder / kind / str(number % 10) / f"{number:04}.{'jpg' if kind == 'jpeg' else kind}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path, quality=90)


def recipe_loader(workload: Workload, folder: Path, workers: int, cache: float = 0) -> Iterable[Any]:
    from powertrain.data import ArrayDataset, Channel, DataLoader, RandomSampler, Scale, Standardize, Transformed
    from powertrain_vision.changes import RandomCrop, RandomFlip
    from powertrain_vision.folder import ImageFolder

    chain: list[Any] = [RandomFlip(RandomFlip.Params()), Standardize(np.asarray(MEAN), np.asarray(STD))]
    if workload.count:
        x = pictures(workload)
        source: Any = ArrayDataset(x=x, y=np.arange(len(x)) % 10)
        chain = [RandomCrop(RandomCrop.Params(padding=workload.padding)), chain[0], Scale(1 / 255), chain[1]]
        chain = [Channel(), *chain] if x.ndim == 3 else chain
    else:
        height, width, _ = workload.shape
        params = ImageFolder.Params(path=folder / workload.name, height=height, width=width, keep=False, cache=cache)
        source = ImageFolder.build(params, folder).train
    order = RandomSampler(source)
    return DataLoader(
        Transformed(source, chain), BATCH, sampler=order, num_workers=workers, pad_last=True, augment=True
    )


def cached_recipe_loader(workload: Workload, folder: Path, workers: int) -> Iterable[Any]:
    return recipe_loader(workload, folder, workers, cache=1e9)


def item_loader(workload: Workload, folder: Path, workers: int) -> Iterable[Any]:
    from powertrain.data import DataLoader, Dataset, ImageFolder
    from powertrain.data import transforms as T

    last = [T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize(MEAN, STD)]
    if not workload.count:
        resize = [T.Resize((workload.size, workload.size))] if workload.size else []
        files = ImageFolder(folder / workload.name, T.Compose([*resize, *last]))
        return DataLoader(files, BATCH, shuffle=True, num_workers=workers)
    x, change = pictures(workload), T.Compose([T.RandomCrop(workload.shape[:2], padding=workload.padding), *last])

    class Changed(Dataset):
        def __len__(self) -> int:
            return len(x)

        def __getitem__(self, index: int) -> tuple[Any, int]:
            return change(x[index]), index % 10

    return DataLoader(Changed(), BATCH, shuffle=True, num_workers=workers)


def torch_loader(workload: Workload, folder: Path, workers: int) -> Iterable[Any]:
    from peers import torch_loader as peer

    return peer.items(workload, pictures(workload), folder, workers, BATCH, MEAN, STD)


def torch_batches(workload: Workload, folder: Path, workers: int) -> Iterable[Any]:
    from peers import torch_loader as peer

    return peer.batches(workload, pictures(workload), workers, BATCH, MEAN, STD)


def grain_loader(workload: Workload, folder: Path, workers: int) -> Iterable[Any]:
    from peers import grain_loader as peer

    return peer.batches(workload, pictures(workload), folder, workers, BATCH, MEAN, STD)


def tf_loader(workload: Workload, folder: Path, workers: int) -> Iterable[Any]:
    from peers import tf_loader as peer

    return peer.batches(workload, pictures(workload), folder, workers, BATCH, MEAN, STD)


def cached_tf_loader(workload: Workload, folder: Path, workers: int) -> Iterable[Any]:
    from peers import tf_loader as peer

    return peer.batches(workload, pictures(workload), folder, workers, BATCH, MEAN, STD, cached=True)


LOADERS: dict[str, Callable[[Workload, Path, int], Iterable[Any]]] = {
    "powertrain": recipe_loader,
    "powertrain, cached": cached_recipe_loader,
    "powertrain, items": item_loader,
    "torch, items": torch_loader,
    "torch, batches": torch_batches,
    "grain": grain_loader,
    "tf.data": tf_loader,
    "tf.data, cached": cached_tf_loader,
}


def measured(loader: Iterable[Any], seconds: float, left_out: int = 0) -> dict[str, float]:
    """Pictures a second in the median of the epochs, without the first `left_out`; milliseconds to the first batch."""
    rates, until, first = [], time.perf_counter() + seconds, 0.0
    while len(rates) <= left_out or time.perf_counter() < until:
        began, seen = time.perf_counter(), 0
        for batch in loader:
            seen += len(batch[0])
            first = first or time.perf_counter() - began
        rates.append(seen / (time.perf_counter() - began))
    return {"pictures_per_second": statistics.median(rates[left_out:]), "first_ms": 1e3 * first}


def waiting(loader: Iterable[Any], seconds: float) -> dict[str, float]:
    """The share of the time in which a training step of a small network waits for its batch."""
    import powertrain as pt

    def pair(batch: Any) -> tuple[Any, Any]:
        x = batch[0]
        return (x if x.ndim == 4 else pt.reshape(x, (*x.shape, 1))), batch[1]

    x, y = pair(next(iter(loader)))
    net = pt.nn.Sequential(
        pt.nn.Conv2d(x.shape[-1], 32, 3), pt.nn.ReLU(), pt.nn.Conv2d(32, 64, 3, stride=2), pt.nn.ReLU(),
        pt.nn.GlobalAveragePool(), pt.nn.Linear(64, 10),
    )  # fmt: skip
    optimizer = pt.optim.AdamW(net, lr=1e-3)
    loss_and_grads = pt.nn.value_and_grad(net, lambda x, y: pt.nn.functional.cross_entropy(net(x), y))

    @pt.compile
    def step(x: Any, y: Any) -> Any:
        loss, grads = loss_and_grads(x, y)
        optimizer.update(grads)
        return loss

    step(x, y).item()
    began, waited = time.perf_counter(), 0.0
    while time.perf_counter() < began + seconds:
        batches = iter(loader)
        while True:
            asked = time.perf_counter()
            found = next(batches, None)
            waited += time.perf_counter() - asked
            if found is None:
                break
            step(*pair(found)).item()
    return {"waiting": waited / (time.perf_counter() - began)}


def ways(only: str, wait: bool) -> Iterator[tuple[Workload, str, int]]:
    """Each workload with each way of loading it that is here, and each number of workers."""
    there = {engine for engine, module in MODULES.items() if importlib.util.find_spec(module) is not None}
    for workload in WORKLOADS.values():
        if only and workload.name != only:
            continue
        for name in LOADERS:
            engine = name.partition(",")[0]
            left_out = engine not in there or (wait and engine != "powertrain")
            in_memory = bool(workload.count)
            if left_out or (name == "torch, batches" and not in_memory) or ("cached" in name and in_memory):
                continue
            for workers in WORKERS[engine]:
                yield workload, name, workers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=WORKLOADS, default="")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="N", help="of each figure")
    parser.add_argument("--wait", action="store_true", help="share of a training step that waits for its batch")
    parser.add_argument("--one", nargs=4, metavar=("WORKLOAD", "LOADER", "WORKERS", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        workload, name, workers, folder = given.one
        loader = LOADERS[name](WORKLOADS[workload], Path(folder), int(workers))
        found = waiting(loader, given.seconds) if given.wait else measured(loader, given.seconds, "cached" in name)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder))
        for workload, name, workers in ways(given.only, given.wait):
            words = [sys.executable, __file__, "--seconds", str(given.seconds), *(["--wait"] if given.wait else [])]
            words += ["--one", workload.name, name, str(workers), folder]
            done = subprocess.run(words, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout)
            shown = "  ".join(
                f"{key} {value:,.3f}" if value < 10 else f"{key} {value:,.0f}" for key, value in found.items()
            )
            print(f"{workload.name:<8} {name:<18} {workers} workers  {shown}", flush=True)


if __name__ == "__main__":
    main()
