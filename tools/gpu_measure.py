"""Measure pt.cuda's first device, for tools/gpu.py: `gpu_measure.py [--small] [--products]` prints a line of JSON for
each number, as soon as it has it. Each is the median of calls that are waited for, after some that are not counted.
`--products` measures nothing but matrix products."""

from __future__ import annotations

import functools
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import powertrain as pt
from powertrain.cli.bench.arrays import find
from powertrain.cli.bench.steps import compiled_step

SMALL = "--small" in sys.argv
SECONDS = 0.1 if SMALL else 1.0  # for each number
WARM_UP = 3
DEVICE = "cuda"
SIZES = (64,) if SMALL else (1024, 2048, 4096, 8192)
# Workloads of the benchmarks, their precision, and the rows and the context of a batch where it is not their own: for
# the last one others have published times.
WORKLOADS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    (("mlp_tiny", "f32", ()), ("mlp_tiny", "bf16", ()))
    if SMALL
    else (
        ("resnet18", "f32", ()),
        ("resnet18", "bf16", ()),
        ("gpt2_124m", "f32", ()),
        ("gpt2_124m", "bf16", ()),
        ("gpt2_124m", "bf16", (32, 1024)),
    )
)


class Measured(NamedTuple):
    what: str
    size: str
    value: float
    unit: str


def seconds_of(call: Callable[[], Any], wait: Callable[[], Any] = pt.cuda.synchronize) -> float:
    """The median of a call whose work is waited for."""
    for _ in range(WARM_UP):
        call()
    wait()
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        wait()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def copies() -> Iterator[Measured]:
    mebibytes = 1 if SMALL else 256
    host = np.ones(mebibytes << 18, np.float32)
    tensor, there = pt.asarray(host), pt.tensor(host, device=DEVICE)
    size = f"{mebibytes} MiB"
    yield Measured("copy to the device", size, host.nbytes / seconds_of(lambda: tensor.to(DEVICE)) / 1e9, "GB/s")
    yield Measured("copy from the device", size, host.nbytes / seconds_of(lambda: there.to("cpu")) / 1e9, "GB/s")
    yield Measured("copy on the device, read and written", size, rate_of_copying(host.size) / 1e9, "GB/s")
    added = seconds_of(lambda: there + there)
    yield Measured("x + x, read and written", size, 2 * host.nbytes / added / 1e9, "GB/s")


def rate_of_copying(numbers: int) -> float:
    """Bytes a second that are read and written where two halves are joined: nothing else than a copy."""
    halves = [pt.ones((numbers // 2,), device=DEVICE) for _ in range(2)]
    return 8 * numbers / seconds_of(functools.partial(pt.compile(lambda a, b: pt.concat([a, b])), *halves))


def products() -> Iterator[Measured]:
    for dtype in ("float32", "bfloat16"):
        for n in SIZES:
            step = pt.compile(lambda x: x @ x)
            seconds = seconds_of(functools.partial(step, pt.ones((n, n), device=DEVICE).astype(dtype)))
            ours = not step.programs[0]["instructions"][0]["kernel"].startswith("cublaslt")
            what = f"x @ x, {dtype}" if ours else f"x @ x, {dtype}, cuBLASLt"
            yield Measured(what, f"{n} x {n}", 2 * n**3 / seconds / 1e12, "TFLOP/s")


def adamw() -> Iterator[Measured]:
    for numbers in (1 << 10,) if SMALL else (1 << 20, 1 << 26):
        traffic = 7 * 4 * numbers  # gradient, weight and two moments read, the last three written
        seconds = seconds_of(update_of(numbers))
        yield Measured("AdamW", f"{numbers} weights", traffic / seconds / 1e9, "GB/s")
        share = traffic / seconds / rate_of_copying(numbers)
        yield Measured("AdamW, of a copy's rate", f"{numbers} weights", 100 * share, "%")


def update_of(numbers: int) -> Callable[[], Any]:
    model = pt.nn.Linear(numbers // 64, 64, bias=False, device=DEVICE)
    opt = pt.optim.AdamW(model, lr=1e-3)
    loss_and_grads = pt.nn.value_and_grad(model, lambda: model.weight.value.sum())

    @pt.compile
    def step() -> Any:
        loss, grads = loss_and_grads()
        opt.update(grads)
        return loss

    return step


def batch_of(name: str, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """The first batch of a workload; of a text, in another shape if one is given."""
    workload = find(name)
    if not shape:
        x, y = workload.batches()[0]
        return x, y
    tokens = np.random.default_rng(1).integers(0, workload.classes, (shape[0], shape[1] + 1))
    return tokens[:, :-1], tokens[:, 1:]


def told(who: str, name: str, precision: str, x: Any, seconds: float) -> Iterator[Measured]:
    size = f"{' x '.join(map(str, x.shape))}, {precision}"
    yield Measured(f"step of {name}, {who}", size, 1e3 * seconds, "ms")
    if find(name).text:
        yield Measured(f"{name}, {who}", size, x.size / seconds / 1e3, "thousand tokens/s")


def steps() -> Iterator[Measured]:
    """Training steps of workloads, whose batch is on the device."""
    for name, precision, shape in WORKLOADS:
        step, _ = compiled_step(name, precision, DEVICE)
        x, y = batch_of(name, shape)
        there = [pt.tensor(np.moveaxis(x, 1, -1) if x.ndim == 4 else x, device=DEVICE), pt.tensor(y, device=DEVICE)]
        yield from told("powertrain", name, precision, x, seconds_of(lambda step=step, there=there: step(*there)))


def peers() -> Iterator[Measured]:
    """By PyTorch, where it is installed with CUDA: cuBLASLt's products, and compiled steps with a fused AdamW."""
    try:
        import torch
    except ImportError:
        return
    if not torch.cuda.is_available():
        return
    sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks" / "peers"))
    import torch_steps

    def seconds_there(call: Callable[[], Any]) -> float:
        return seconds_of(call, torch.cuda.synchronize)

    for dtype in (torch.float32, torch.bfloat16):
        for n in SIZES:
            x = torch.ones((n, n), device=DEVICE, dtype=dtype)
            rate = 2 * n**3 / seconds_there(lambda x=x: x @ x) / 1e12
            yield Measured(f"x @ x, {str(dtype).partition('.')[2]}, PyTorch", f"{n} x {n}", rate, "TFLOP/s")
    for name, precision, shape in WORKLOADS:
        if not find(name).text:  # torch_steps has the statistics of norms on the CPU
            continue
        weights = {key: torch.from_numpy(value).to(DEVICE) for key, value in find(name).weights().items()}
        parameters = {key: value.requires_grad_() for key, value in weights.items()}
        optimizer = torch.optim.AdamW(parameters.values(), lr=1e-3, weight_decay=0.01, fused=True)
        arrays = batch_of(name, shape)
        x, y = (torch.from_numpy(part.copy()).to(DEVICE) for part in arrays)

        def loss(name: str = name, p: Any = parameters, x: Any = x, y: Any = y, half: bool = precision != "f32") -> Any:
            with torch.autocast(DEVICE, torch.bfloat16, enabled=half):
                logits = torch_steps.FORWARD[name](p, x)
            return torch.nn.functional.cross_entropy(logits.float().flatten(0, -2), y.flatten())

        compiled = torch.compile(loss)

        def step(optimizer: Any = optimizer, loss: Any = compiled) -> None:
            optimizer.zero_grad(set_to_none=True)
            loss().backward()
            optimizer.step()

        yield from told("PyTorch compiled", name, precision, arrays[0], seconds_there(step))


def main() -> None:
    for part in (products,) if "--products" in sys.argv else (copies, products, adamw, steps, peers):
        try:
            for one in part():
                print(json.dumps(one._asdict()), flush=True)
        except (pt.Error, RuntimeError) as error:  # the other parts are still worth having
            print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
