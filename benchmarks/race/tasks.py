"""The work that frameworks race on, by name: `train WORKLOAD PRECISION`, `adamw_10m`, `gemm MxKxN FORM PRECISION`,
`generate KIND BATCH PRECISION`, and the cases of race.op_cases."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from powertrain.cli.bench.arrays import find
from race import op_calls

ADAMW_PARAMETERS = 10_000_000
ADAMW_BYTES = 28 * ADAMW_PARAMETERS  # reads p, g, m, v and writes p, m, v
SHAPES = ((512, 512, 512), (2048, 2048, 2048), (64, 784, 256), (768, 256, 3072), (256, 768, 50257))
FORMS = ("AB", "AtB", "ABt", "AtBt")


def training(workload: str, precision: str = "f32") -> str:
    return f"train {workload} {precision}"


def gemm(shape: tuple[int, int, int], form: str, precision: str = "f32") -> str:
    return f"gemm {'x'.join(map(str, shape))} {form} {precision}"


def generation(kind: str, batch: int, precision: str) -> str:
    return f"generate {kind} {batch} {precision}"


def gflop(task: str) -> float:
    """Of one step: products and convolutions. 0 for work that is memory traffic."""
    kind, *rest = task.split()
    if kind == "train":
        return find(rest[0]).gflop
    if kind == "gemm":
        m, k, n = map(int, rest[0].split("x"))
        return 2e-9 * m * k * n
    return 0.0


def prepare(task: str, peer: ModuleType, variant: str) -> Callable[[], Any]:
    """The function that does the work once."""
    kind, *rest = task.split()
    if kind == "train":
        step: Callable[[], Any] = peer.training(rest[0], variant, rest[1])
        return step
    if kind == "op":
        return op_calls.prepare(peer.__name__.removeprefix("peers.").removesuffix("_steps"), task)
    if kind == "generate":
        read: Callable[[], Any] = peer.generating(rest[0], int(rest[1]), rest[2])
        return read
    rng = np.random.default_rng(0)
    if kind == "adamw_10m":
        weights = [rng.normal(0, 0.02, (250, 400)).astype(np.float32) for _ in range(ADAMW_PARAMETERS // 100_000)]
        gradients = [rng.normal(0, 0.01, (250, 400)).astype(np.float32) for _ in weights]
        update: Callable[[], Any] = peer.adamw(variant, weights, gradients)
        return update
    m, k, n = map(int, rest[0].split("x"))
    a, b = rng.normal(0, 1, (m, k)).astype(np.float32), rng.normal(0, 1, (k, n)).astype(np.float32)
    turn_a, turn_b = rest[1].startswith("At"), rest[1].endswith("Bt")
    stored_a, stored_b = np.ascontiguousarray(a.T if turn_a else a), np.ascontiguousarray(b.T if turn_b else b)
    multiply: Callable[[], Any] = peer.product(variant, stored_a, stored_b, turn_a, turn_b, rest[2])
    return multiply


def losses_of(task: str) -> bool:
    return task.startswith("train ")


def is_op(task: str) -> bool:
    return task.startswith("op ")


def is_generation(task: str) -> bool:
    return task.startswith("generate ")
