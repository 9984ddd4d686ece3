"""PyTorch's DataLoader with torchvision's v2 transforms, for benchmarks/loader.py."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset
from torchvision import datasets
from torchvision.transforms import v2


def changes(workload: Any, mean: float, std: float, files: bool) -> v2.Compose:
    first: list[Any] = [v2.ToImage()] if files else []
    if workload.size:
        first.insert(0, v2.Resize((workload.size, workload.size)))
    if workload.padding:
        first.append(v2.RandomCrop(workload.shape[:2], padding=workload.padding))
    normalized = [v2.ToDtype(torch.float32, scale=True), v2.Normalize([mean], [std])]
    return v2.Compose([*first, v2.RandomHorizontalFlip(), *normalized])


def channels_first(pictures: Any) -> torch.Tensor:
    tensor = torch.from_numpy(pictures)
    return tensor[:, None] if tensor.ndim == 3 else tensor.permute(0, 3, 1, 2).contiguous()


class Items(Dataset):
    """One picture at a time."""

    def __init__(self, pictures: Any, change: v2.Compose) -> None:
        self.x, self.y, self.change = channels_first(pictures), torch.arange(len(pictures)) % 10, change

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.change(self.x[index]), self.y[index]


class Batches(Items):
    """The pictures of a batch at once."""

    def __getitems__(self, indices: Sequence[int]) -> tuple[Any, Any]:
        rows = torch.as_tensor(indices)
        return self.change(self.x[rows]), self.y[rows]


def loader(data: Any, workers: int, batch: int, **settings: Any) -> DataLoader:
    return DataLoader(data, batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0, **settings)


def items(
    workload: Any, pictures: Any, folder: Path, workers: int, batch: int, mean: float, std: float
) -> Iterable[Any]:
    if not workload.count:
        found = datasets.ImageFolder(str(folder / workload.name), changes(workload, mean, std, files=True))
        return loader(found, workers, batch)
    return loader(Items(pictures, changes(workload, mean, std, files=False)), workers, batch)


def batches(workload: Any, pictures: Any, workers: int, batch: int, mean: float, std: float) -> Iterable[Any]:
    change = changes(workload, mean, std, files=False)
    return loader(Batches(pictures, change), workers, batch, collate_fn=lambda made: made)
