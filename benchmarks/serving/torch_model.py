"""The perceptron of the benchmark in PyTorch, and what a server says of its answers."""

from __future__ import annotations

import itertools
import os
from typing import Any

import torch


def made() -> Any:
    """In evaluation mode, with random weights: how long it takes does not depend on them."""
    torch.set_num_threads(int(os.environ["SERVE_THREADS"]))
    sizes = [int(size) for size in os.environ["SERVE_SIZES"].split(",")]
    layers: list[Any] = [torch.nn.Flatten()]
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1]).eval()


def said(shares: Any) -> dict[str, Any]:
    return {"predictions": [{"label": str(int(row.argmax())), "probabilities": row.tolist()} for row in shares]}
