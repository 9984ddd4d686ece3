"""Times a training step of two processes with one thread each beside one process with two threads, and PyTorch's DDP.

`python benchmarks/shared_step.py [WORKLOAD] [ROUNDS]`, gpt_char and 10 without. Groups of processes take turns on the
same batches. The figure of a group is the median of its turns, as its first process sees them. Beside it is the
processor time of a process, which other programs disturb less.
"""

from __future__ import annotations

import importlib.util
import itertools
import multiprocessing
import os
import socket
import statistics
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from powertrain.cli.bench.arrays import find
from powertrain.train.workers.processes import connected
from powertrain.train.workers.shared_memory import SharedMemory, new_memory
from powertrain.train.workers.worker import Partners

WORKERS = 2
SECONDS = 0.5  # of one turn
GROUPS = {  # processes, and the threads of each
    "one process": (1, WORKERS),
    "one process, shards": (1, WORKERS),
    "workers": (WORKERS, 1),
    "PyTorch, one process": (1, WORKERS),
    "PyTorch DDP, gloo": (WORKERS, 1),
}


def engine_step(workload: str, rank: int, size: int, threads: int, shards: int, links: Any) -> Callable[[], float]:
    """A step of the engine; with shards it is that of a run with `run.shards`."""
    import powertrain as pt
    import powertrain.nn.functional as F
    from powertrain.cli.bench import steps
    from powertrain.optim import AdamW
    from powertrain.train.run.named_slots import SlotTable
    from powertrain.train.run.shards import ShardedStep, Shards
    from powertrain.train.run.step import Step

    pt.set_threads(threads)
    if shards == 1:
        plain = steps.training_step(workload)
        return lambda: plain().item()
    table = SlotTable({})
    table.modules["model"] = model = steps.build(workload)
    optimizer = AdamW(model, lr=1e-3, weight_decay=0.01)
    held = Shards(shards, table)
    held.cut = size > 1
    if size > 1:
        memory, ends = links
        held.transport = SharedMemory(rank, size, memory, ends[rank], Partners())

    def record(t: Step, arrays: tuple[Any, ...]) -> None:
        x, y = arrays
        losses = F.cross_entropy(model(x), y, ignore_index=None, reduction="none")
        t.minimize(optimizer, losses)
        t.log("loss", pt.sum(losses), losses.size)

    def finish(t: Step) -> list[Any]:
        return [t.logged["loss"][0] / t.logged["loss"][1]]

    step = ShardedStep(held, record, Step, finish)
    batches = itertools.cycle(cut(workload, rank, size))
    return lambda: step(*next(batches))[0].item()


def cut(workload: str, rank: int, size: int) -> list[tuple[Any, ...]]:
    """Of each batch the examples of one process."""

    def part(array: Any) -> Any:
        rows = len(array) // size
        return np.ascontiguousarray(array[rank * rows : (rank + 1) * rows])

    return [(part(x), part(y)) for x, y in find(workload).batches()]


def torch_step(workload: str, rank: int, size: int, threads: int, port: int) -> Callable[[], float]:
    """A step of PyTorch, eager with the fused optimizer; of several processes by DistributedDataParallel over gloo."""
    import torch
    import torch.nn.functional as F

    from peers.torch_steps import FORWARD, training

    torch.set_num_threads(threads)
    if size == 1:
        alone = training(workload, "fused", "f32")
        return lambda: alone().item()

    class Net(torch.nn.Module):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            weights = find(workload).weights()
            self.named = {name: torch.nn.Parameter(torch.from_numpy(value)) for name, value in weights.items()}
            for name, value in self.named.items():
                self.register_parameter(name.replace(".", "_"), value)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return FORWARD[workload](self.named, x)

    store = torch.distributed.TCPStore("127.0.0.1", port, size, is_master=rank == 0)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=size)
    net = torch.nn.parallel.DistributedDataParallel(Net())
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01, fused=True)
    batches = itertools.cycle([(torch.from_numpy(x), torch.from_numpy(y)) for x, y in cut(workload, rank, size)])

    def step() -> float:
        x, y = next(batches)
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(net(x).flatten(0, -2), y.flatten())
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def serve(pipe: Connection, name: str, workload: str, rank: int, links: Any) -> None:
    """A process of a group: takes as many steps as it is told, and answers with the seconds of one."""
    size, threads = GROUPS[name]
    if name.startswith("PyTorch"):
        step = torch_step(workload, rank, size, threads, links)
    else:
        step = engine_step(workload, rank, size, threads, 1 if name == "one process" else WORKERS, links)
    pipe.send([step() for _ in range(5)])
    while count := pipe.recv():
        for _ in range(3):
            step()
        began, used = time.perf_counter(), time.process_time()
        for _ in range(count):
            step()
        pipe.send(((time.perf_counter() - began) / count, (time.process_time() - used) / count))


class Group:
    """Processes that make a step together."""

    def __init__(self, name: str, workload: str) -> None:
        self.size, _ = GROUPS[name]
        links: Any = None
        if name == "workers":
            links = new_memory(), connected(self.size)
        elif name.startswith("PyTorch"):
            links = free_port()
        context = multiprocessing.get_context("fork")  # nothing has computed here
        self.pipes = []
        for rank in range(self.size):
            ours, theirs = context.Pipe()
            context.Process(target=serve, args=(theirs, name, workload, rank, links), daemon=True).start()
            self.pipes.append(ours)
        self.losses = np.mean([pipe.recv() for pipe in self.pipes], axis=0)
        self.count = max(3, round(SECONDS / self.turn(5)[0]))
        self.turns: list[float] = []
        self.used: list[float] = []

    def turn(self, count: int) -> tuple[float, float]:
        """Seconds of a step, and of the processor for a step of one process."""
        for pipe in self.pipes:
            pipe.send(count)
        told = [pipe.recv() for pipe in self.pipes]
        return told[0][0], statistics.mean(used for _, used in told)

    def take_turn(self) -> None:
        seconds, used = self.turn(self.count)
        self.turns.append(seconds)
        self.used.append(used)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def main(workload: str, rounds: int) -> None:
    names = [name for name in GROUPS if not name.startswith("PyTorch") or importlib.util.find_spec("torch")]
    groups = {name: Group(name, workload) for name in names}
    for number in range(rounds):
        for name in names if number % 2 else names[::-1]:
            groups[name].take_turn()
    print(f"{workload}, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    print("| processes | threads of each | ms | fastest | processor | losses |\n|" + " --- |" * 6)
    for name, group in groups.items():
        middle, least, used = (1e3 * one for one in (statistics.median(group.turns), min(group.turns), min(group.used)))
        losses = " ".join(f"{loss:.4f}" for loss in group.losses[:3])
        print(f"| {name} | {GROUPS[name][1]} | {middle:.2f} | {least:.2f} | {used:.2f} | {losses} |")
    for name, other in [
        ("workers", "one process"),
        ("workers", "one process, shards"),
        ("workers", "PyTorch DDP, gloo"),
    ]:
        if other in groups:
            ratio = statistics.median(a / b for a, b in zip(groups[name].turns, groups[other].turns, strict=True))
            print(f"{name} / {other}: {ratio:.3f}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "gpt_char", int(sys.argv[2]) if len(sys.argv) > 2 else 10)
