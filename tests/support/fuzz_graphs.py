"""Random graphs of 50 ops, random shapes and dtypes: the same bits whichever way they are run, and the right numbers.

Each graph is grown eagerly from a seed. Then
  - every op's result is compared with its case file's reference in float64 (fuzz_numpy.py), on the values that the op
    was given: so the tolerance is that of one op;
  - the whole graph, and the gradient of a weighted sum of its results, are compiled with each pass on and off and run
    with 1, 2 and 4 threads, and must give the eager bits;
  - processes with other instruction sets must give the same bits;
  - every fifth graph has signaling NaNs among its inputs, and must give the bits that it gives with quiet ones.
With `--device cuda` a graph is run on a simulated GPU: each call must give the CPU's bits, products the right numbers
(fuzz_devices.py), and the whole graph and its gradient the same bits compiled as eagerly there.

Graphs are examined in child processes (fuzz_children.py), so that one that crashes is a seed among the others.
`python tests/support/fuzz_graphs.py --count 10000` prints the seed of each difference, `--seed 7` shows one graph.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import fuzz_children
import powertrain as pt
import signaling_nan
from calls import outputs, to_array
from fuzz_devices import PRODUCTS, against_cpu
from fuzz_numpy import against_numpy
from fuzz_ops import GROWERS, Call, Values
from oracles import same_bits
from simulated_gpu import BUILT, simulated_gpus

OPS = 50
THREADS = (1, 2, 4)
# (simplify, fuse)
PASSES = tuple(itertools.product((True, False), repeat=2))
ISAS = ("generic", "avx2")
# Ops without a gradient by one of their inputs: graphs with one of them are run without gradients.
PARTLY_DIFFERENTIABLE = ("igamma", "igammac")
# Seeds of one child: it takes a second to start.
BATCH = 100


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
    nans = random.Random(f"NaNs of {seed}") if with_signaling_nans(seed) else None
    values = Values(rng, np.random.default_rng(seed), graph.values, rng.random() < 0.1, nans)
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


def bits(tensors: Any) -> list[Any]:
    return [to_array(y) for y in tensors]


def differences(graph: Graph, function: Callable[..., Any], what: str, many: Sequence[int] = THREADS) -> Iterator[str]:
    """Where a function of the graph's inputs gives other bits than eagerly with one thread; `many` are all threads."""
    pt.set_threads(1)
    eager = bits(function(*graph.inputs))
    for simplify, fuse in PASSES:
        compiled = pt.compile(lambda *xs: tuple(function(*xs)), simplify=simplify, fuse=fuse)
        for threads in many if simplify and fuse else many[:1]:
            pt.set_threads(threads)
            got = bits(outputs(compiled(*graph.inputs)))
            for at, (ours, want) in enumerate(zip(got, eager, strict=True)):
                if not same_bits(ours, want):
                    yield f"{what} {at}: compiled differs with simplify={simplify}, fuse={fuse}, {threads} threads"
                    return
    for threads in many[1:]:
        pt.set_threads(threads)
        if not all(map(same_bits, bits(function(*graph.inputs)), eager)):
            yield f"{what}: eager differs with {threads} threads"


def with_gradient(seed: int) -> bool:
    """Every third: it takes as long as all the rest."""
    return seed % 3 == 0


def with_signaling_nans(seed: int) -> bool:
    """A few: what is given a NaN is not compared with NumPy."""
    return seed % 5 == 1


def quiet_nans(graph: Graph) -> Iterator[str]:
    """Where the graph gives something else if the NaNs among its inputs are quiet."""
    quieted = [signaling_nan.quiet(x) if x.dtype.name in signaling_nan.FLOATS else x for x in graph.inputs]
    for at, got, want in zip(graph.results, bits(graph.run(*graph.inputs)), bits(graph.run(*quieted)), strict=True):
        if not same_bits(got, want):
            yield f"v{at}: other bits of signaling NaNs than of quiet ones"


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
    if any(call.op in PARTLY_DIFFERENTIABLE for call in graph.calls):
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
        yield from against_numpy(graph.calls, graph.values)
        yield from differences(graph, graph.run, "result")
        yield from quiet_nans(graph) if with_signaling_nans(seed) else ()
        gradient = gradient_of(graph) if with_gradient(seed) else None
        if gradient is not None:
            yield from differences(graph, gradient, "gradient")
    finally:
        pt.set_threads(threads)


def problems_there(seed: int, device: str, ops: int = OPS) -> Iterator[str]:
    """Everything that is wrong on a device with the graph of a seed."""
    graph = grow(seed, ops)
    there = replace(graph, inputs=[x.to(device) for x in graph.inputs])
    yield from against_cpu(graph.calls, graph.values, device)
    yield from differences(there, there.run, "result", many=(1,))
    gradient = gradient_of(graph) if with_gradient(seed) else None
    gradient_there = gradient_of(there)
    if gradient is not None and gradient_there is not None:
        yield from differences(there, gradient_there, "gradient", many=(1,))
        if not any(call.op in PRODUCTS for call in graph.calls):
            here, other = (bits(outputs(g(*h.inputs))) for g, h in ((gradient, graph), (gradient_there, there)))
            yield from (
                f"gradient {at}: not the CPU's bits"
                for at, (x, y) in enumerate(zip(here, other, strict=True))
                if not same_bits(x, y)
            )


def digest(graph: Graph) -> str:
    """The bits of all values of a graph and of its gradient, whatever the payload of a NaN."""
    gradient = gradient_of(graph) if with_gradient(graph.seed) else None
    sha = hashlib.sha256()
    for array in bits([*graph.values, *(outputs(gradient(*graph.inputs)) if gradient else ())]):
        sha.update(np.where(array != array, array.dtype.type(np.nan), array).tobytes() if array.dtype.kind == "f"
                   else array.tobytes())  # fmt: skip
    return sha.hexdigest()


# ------------------------------------------------------------ many graphs


def only_digest(seed: int, ops: int = OPS) -> tuple[str, list[str]]:
    return digest(grow(seed, ops)), []


def everything(seed: int, ops: int = OPS) -> tuple[str, list[str]]:
    return digest(grow(seed, ops)), list(problems(seed, ops))


def on_gpu(seed: int, ops: int = OPS) -> tuple[None, list[str]]:
    return None, list(problems_there(seed, simulated_gpus(1)[0], ops))


def child(examine: str, ops: int = OPS) -> list[str]:
    """The command of a child, which is followed by its seeds."""
    code = "import fuzz_graphs, sys; fuzz_graphs.serve_child(*sys.argv[1:])"
    return [sys.executable, "-c", code, examine, str(ops)]


def serve_child(examine: str, ops: str, first: str, count: str) -> None:
    function = {"digest": only_digest, "everything": everything, "gpu": on_gpu}[examine]
    fuzz_children.serve(range(int(first), int(first) + int(count)), lambda seed: function(seed, int(ops)))


def examined(
    children: fuzz_children.Children, examine: str, seeds: range, isas: Sequence[str], ops: int
) -> dict[int, list[str]]:
    """What is wrong with each seed, other instruction sets included."""
    here = {answer.seed: answer for answer in children.answers(child(examine, ops), seeds)}
    wrong = {seed: list(answer.wrong) for seed, answer in here.items()}
    for isa in isas:
        for answer in children.answers(child("digest", ops), seeds, POWERTRAIN_ISA=isa):
            found = wrong.setdefault(answer.seed, [])
            found += [f"POWERTRAIN_ISA={isa}: {line}" for line in answer.wrong]
            expected = here[answer.seed].digest if answer.seed in here else None
            if answer.digest and expected and answer.digest != expected:
                found.append(f"POWERTRAIN_ISA={isa} gives other bits")
    return wrong


def run_many(seeds: range, jobs: int, ops: int, device: str = "cpu") -> int:
    """The number of graphs with a difference. The differences go to stdout, how far it is to stderr."""
    examine, others = ("everything", ISAS) if device == "cpu" else ("gpu", ())
    isas = [name for name in others if name != pt.isa() and fuzz_children.has_isa(name)]
    children = fuzz_children.Children()
    batches = [seeds[at : at + BATCH] for at in range(0, len(seeds), BATCH)]
    done = differ = 0
    began = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        try:
            waiting = [pool.submit(examined, children, examine, batch, isas, ops) for batch in batches]
            for finished in as_completed(waiting):
                for seed, wrong in finished.result().items():
                    done += 1
                    differ += bool(wrong)
                    for line in wrong:
                        print(f"seed {seed}: {line}", flush=True)
                print(f"{done} of {len(seeds)} graphs, {differ} with a difference, {time.monotonic() - began:.0f} s",
                      file=sys.stderr, flush=True)  # fmt: skip
        finally:  # without it the pool would wait for all that are left
            children.stop()
            pool.shutdown(cancel_futures=True)
            beside = f" against {', '.join(isas)}" if isas else ""
            print(f"{done} graphs of {ops} ops, {differ} with a difference ({device}, {pt.isa()}{beside})")
    return differ


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--ops", type=int, default=OPS)
    parser.add_argument("--jobs", type=int, default=2, help="children at a time")
    parser.add_argument("--seed", type=int, help="show the graph of one seed, and examine it alone")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu", help="cuda: a simulated GPU, beside the CPU"
    )
    chosen = parser.parse_args()
    if chosen.device == "cuda" and not BUILT.exists():
        parser.error(f"{BUILT} is not there: make cuda-sim")
    for number in (signal.SIGINT, signal.SIGTERM):  # a background process of a shell ignores the first
        signal.signal(number, signal.default_int_handler)
    seeds = range(chosen.first, chosen.first + chosen.count)
    if chosen.seed is not None:
        seeds = range(chosen.seed, chosen.seed + 1)
        code = f"import fuzz_graphs; print(fuzz_graphs.grow({chosen.seed}, {chosen.ops}).listing())"
        subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parent)
    try:
        return 1 if run_many(seeds, chosen.jobs, chosen.ops, chosen.device) else 0
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
