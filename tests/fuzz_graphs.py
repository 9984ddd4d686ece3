"""Random graphs of 50 ops, random shapes and dtypes: the same bits whichever way they are run, and the right numbers.

Each graph is grown eagerly from a seed. Then
  - every op's result is compared with its case file's reference in float64, by the one rule of oracles.py, on the
    values that the op was given, where these are of moderate size: so the tolerance is that of one op;
  - the whole graph, and the gradient of a weighted sum of its results, are compiled with each pass on and off and run
    with 1, 2 and 4 threads, and must give the eager bits;
  - a process with the plain instruction set must give the same bits.

`python tests/fuzz_graphs.py --count 10000` prints the seed of each difference, `--seed 7` shows one graph.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import random
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import powertrain as pt
from calls import outputs, to_array
from fuzz_ops import GROWERS, Call, Values
from kit import case_files
from oracles import EPS, check, same_bits

OPS = 50
THREADS = (1, 2, 4)
# (simplify, fuse)
PASSES = tuple(itertools.product((True, False), repeat=2))
# Within these a float32 computation of one op neither overflows nor loses what float64 keeps.
MODERATE = (1e-4, 1e4)
# A case file's K fits the inputs that it draws; here come others.
K = 4
# Ops whose integer inputs are places, or the condition of a choice.
OF_PLACES = ("take", "where")


@dataclass
class Graph:
    """Inputs, and calls on values by their places; `results` are the places that are given back."""

    seed: int
    inputs: list[Any] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    results: list[int] = field(default_factory=list)

    def run(self, *inputs: Any) -> list[Any]:
        """The results from these inputs, by the same calls."""
        values: dict[int, Any] = dict(zip(self.input_places(), inputs, strict=True))
        for call in self.calls:
            values.update(zip(call.made, outputs(call.apply([values[at] for at in call.places])), strict=True))
        return [values[at] for at in self.results]

    def input_places(self) -> list[int]:
        made = {at for call in self.calls for at in call.made}
        return [at for at in range(len(self.values)) if at not in made]

    def listing(self) -> str:
        shown = dict(enumerate(self.values))
        lines = [f"v{at} = input {shown[at].dtype.name}{list(shown[at].shape)}" for at in self.input_places()]
        for call in self.calls:
            kinds = ", ".join(f"v{at} {shown[at].dtype.name}{list(shown[at].shape)}" for at in call.made)
            lines.append(f"{kinds} = {call}")
        return "\n".join([*lines, f"results: {', '.join(f'v{at}' for at in self.results)}"])


def grow(seed: int, ops: int = OPS) -> Graph:
    """The graph of a seed. What is chosen depends on shapes and dtypes alone, never on values."""
    rng = random.Random(seed)
    graph = Graph(seed)
    values = Values(rng, np.random.default_rng(seed), graph.values, large=rng.random() < 0.1)
    for _ in range(3):
        values.new_input()
    refused = 0
    while len(graph.calls) < ops and refused < 20 * ops:
        grower = rng.choices([g for g, _ in GROWERS], [weight for _, weight in GROWERS])[0]
        call = grower(values)
        if call is None:
            refused += 1
            continue
        try:
            results = outputs(call.apply([graph.values[at] for at in call.places]))
        except (pt.ShapeError, pt.DTypeError, pt.IndexError):  # not for these shapes or dtypes
            refused += 1
            continue
        call.made = list(range(len(graph.values), len(graph.values) + len(results)))
        graph.values += results
        graph.calls.append(call)
    last = range(len(graph.values) - 3, len(graph.values))
    graph.results = sorted({*last, *rng.sample(range(len(graph.values)), 3)})
    graph.inputs = [graph.values[at] for at in graph.input_places()]
    return graph


# ------------------------------------------------------------ oracles

FILES = case_files()


def against_numpy(graph: Graph) -> Iterator[str]:
    """What is wrong with the calls of a graph, each by itself."""
    for call in graph.calls:
        module = FILES.get(call.op)
        given = [to_array(graph.values[at]) for at in call.places]
        if module is None or not all(map(moderate, given)):
            continue
        # The ops that compute with integers as floats say so in the results.
        computes = graph.values[call.made[0]].dtype.is_float and call.op not in OF_PLACES
        wide = [value.astype("float64") if value.dtype.kind == "f" or computes else value for value in given]
        try:
            want, sizes = referred(call, module, wide)
        except ValueError:  # NumPy refuses: an integer to a negative power, a reshape of nothing to -1
            continue
        for at, value, size in zip(call.made, want, sizes, strict=True):
            got = graph.values[at]
            try:
                if value.dtype.kind in "biu" or got.dtype.name not in EPS:
                    np.testing.assert_array_equal(to_array(got), value)
                else:
                    k = K * max(1, getattr(module, "K", 4))
                    check(to_array(got), value, size, k, got.dtype.name, call.op)
            except AssertionError as error:
                yield f"v{at} = {call} against NumPy: {' '.join(str(error).split())}"


def referred(call: Call, module: Any, inputs: list[Any]) -> tuple[list[Any], list[Any]]:
    """The reference's results, and the size of what each summed."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing
        want = [np.asarray(y) for y in outputs(call.applied_to(module.reference, inputs))]
        magnitude = getattr(module, "magnitude", None)
        return want, [np.asarray(y) for y in outputs(call.applied_to(magnitude, inputs))] if magnitude else want


def moderate(array: Any) -> bool:
    if array.dtype.kind != "f":
        return True
    size = np.abs(array[array != 0])
    return bool(((size >= MODERATE[0]) & (size <= MODERATE[1])).all())


def bits(tensors: Any) -> list[Any]:
    return [to_array(y) for y in tensors]


def differences(graph: Graph, function: Callable[..., Any], what: str) -> Iterator[str]:
    """Where a function of the graph's inputs gives other bits than eagerly with one thread."""
    pt.set_threads(1)
    eager = bits(function(*graph.inputs))
    for simplify, fuse in PASSES:
        compiled = pt.compile(lambda *xs: tuple(function(*xs)), simplify=simplify, fuse=fuse)
        for threads in THREADS if simplify and fuse else THREADS[:1]:
            pt.set_threads(threads)
            got = bits(outputs(compiled(*graph.inputs)))
            for at, (ours, want) in enumerate(zip(got, eager, strict=True)):
                if not same_bits(ours, want):
                    yield f"{what} {at}: compiled differs with simplify={simplify}, fuse={fuse}, {threads} threads"
                    return
    for threads in THREADS[1:]:
        pt.set_threads(threads)
        if not all(map(same_bits, bits(function(*graph.inputs)), eager)):
            yield f"{what}: eager differs with {threads} threads"


def gradient_of(graph: Graph) -> Callable[..., Any] | None:
    """The gradient of a weighted sum of the float results by the float inputs, if the graph has one."""
    floats = [at for at, x in enumerate(graph.inputs) if x.dtype.name in ("float32", "float64")]
    weights = np.random.default_rng(graph.seed).standard_normal(len(graph.results))

    def total(*xs: Any) -> Any:
        inputs = list(graph.inputs)
        for at, x in zip(floats, xs, strict=True):
            inputs[at] = x
        terms = [w * y.astype("float64").sum() for w, y in zip(weights, graph.run(*inputs), strict=True)
                 if y.dtype.is_float]  # fmt: skip
        return sum(terms[1:], terms[0])

    if not floats or not any(graph.values[at].dtype.is_float for at in graph.results):
        return None
    slope = pt.grad(total, argnums=tuple(range(len(floats))))

    def gradient(*inputs: Any) -> Any:
        return slope(*[inputs[at] for at in floats])

    return gradient


def problems(seed: int, ops: int = OPS) -> Iterator[str]:
    """Everything that is wrong with the graph of a seed, but for other instruction sets."""
    threads = pt.get_threads()
    try:
        graph = grow(seed, ops)
        yield from against_numpy(graph)
        yield from differences(graph, graph.run, "result")
        gradient = gradient_of(graph) if seed % 3 == 0 else None
        if gradient is not None:
            yield from differences(graph, gradient, "gradient")
    finally:
        pt.set_threads(threads)


def digest(seed: int, ops: int = OPS) -> str:
    """The bits of all values of a graph, whatever the payload of a NaN."""
    sha = hashlib.sha256()
    for value in grow(seed, ops).values:
        array = to_array(value)
        sha.update(np.where(array != array, array.dtype.type(np.nan), array).tobytes() if array.dtype.kind == "f"
                   else array.tobytes())  # fmt: skip
    return sha.hexdigest()


def digests_elsewhere(first: int, count: int, isa: str, ops: int = OPS) -> list[str]:
    """The digests of a range of seeds in a process with another instruction set."""
    command = [sys.executable, __file__, "--digests", "--first", str(first), "--count", str(count), "--ops", str(ops)]
    folder = Path(__file__).parent
    paths = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "POWERTRAIN_ISA": isa, "PYTHONPATH": paths}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--ops", type=int, default=OPS)
    parser.add_argument("--seed", type=int, help="show the graph of one seed and what is wrong with it")
    parser.add_argument("--digests", action="store_true", help="only the digest of each seed")
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.count)
    if chosen.seed is not None:
        print(grow(chosen.seed, chosen.ops).listing())
        seeds = range(chosen.seed, chosen.seed + 1)
    if chosen.digests:
        print(*(digest(seed, chosen.ops) for seed in seeds), sep="\n")
        return 0
    wrong = 0
    batch = 200
    for first in range(seeds.start, seeds.stop, batch):
        some = range(first, min(first + batch, seeds.stop))
        elsewhere = digests_elsewhere(first, len(some), "generic", chosen.ops)
        for seed, other in zip(some, elsewhere, strict=True):
            found = list(problems(seed, chosen.ops))
            if digest(seed, chosen.ops) != other:
                found.append("POWERTRAIN_ISA=generic gives other bits")
            wrong += bool(found)
            for line in found:
                print(f"seed {seed}: {line}", flush=True)
    print(f"{len(seeds)} graphs of {chosen.ops} ops, {wrong} with a difference ({pt.isa()})")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
