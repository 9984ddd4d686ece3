"""`powertrain bench WORKLOAD`: one published workload, trained and timed by fixed rules."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import Any

from powertrain.cli.arguments import Parser
from powertrain.cli.bench.arrays import WORKLOADS, WorkloadError, find
from powertrain.cli.bench.losses import compare_losses
from powertrain.cli.bench.measure import Timing, measure
from powertrain.io.console import complain, say
from powertrain.io.plain_json import dumps
from powertrain.program.autocast import PRECISIONS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("workload", nargs="?", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument("--precision", choices=PRECISIONS, default="f32", help="what to train in (default: f32)")
    parser.add_argument("--threads", type=int, help="bind to this many cores, with as many threads (default: all)")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long to take samples (default: 3)")
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def main(arguments: Sequence[str] | argparse.Namespace | None = None) -> int:
    """Run from a command line's words or from what a parser made of them. Returns the exit code."""
    if not isinstance(arguments, argparse.Namespace):
        parser = Parser(prog="powertrain bench", description=__doc__)
        add_arguments(parser)
        arguments = parser.parse_args(arguments)
    try:
        check(arguments.workload)
    except WorkloadError as error:
        complain(error)
        return 2
    result = run(arguments.workload, arguments.threads, arguments.seconds, arguments.precision)
    say(dumps(result) if arguments.json else sentence(result))
    return 0


def check(workload: str | None) -> None:
    """That there is such a workload."""
    if workload is None:
        raise WorkloadError(f"[bench] no workload; expected one of {', '.join(WORKLOADS)}; for example mlp_mnist")
    find(workload)


def run(workload: str, threads: int | None = None, seconds: float = 3.0, precision: str = "f32") -> dict[str, Any]:
    """Train and time a workload; the figures by name."""
    threads = bind(threads)
    import powertrain as pt
    from powertrain.cli.bench.steps import training_step

    pt.set_threads(threads)
    return report(workload, threads, measure(training_step(workload, precision=precision), seconds), precision)


def report(workload: str, threads: int, timing: Timing, precision: str = "f32") -> dict[str, Any]:
    published = find(workload)
    share, wrong = compare_losses(timing.losses, published.losses[:4], published.sgd, precision)
    return {
        "workload": workload,
        "precision": precision,
        "threads": threads,
        "median_ms": round(timing.median_ms, 5),
        "min_ms": round(timing.min_ms, 5),
        "steps": timing.steps,
        "loss_first": timing.losses[0],
        "loss_last": timing.loss_last,
        "losses": list(timing.losses),
        "loss_error": loss_error(workload, timing.losses),
        "losses_agree": None if share is None else not wrong,
        "first_step_s": round(timing.first_step_s, 4),
        "gflops": round(published.gflop / timing.median_ms * 1e3, 2),
    }


def loss_error(workload: str, losses: Sequence[float]) -> float | None:
    """The largest difference to the reference in steps 1 to 4; None where there is no reference."""
    reference = find(workload).losses[:4]
    return max((abs(got - want) for got, want in zip(losses, reference, strict=False)), default=None)


def bind(threads: int | None) -> int:
    """Keep this process on as many cores as it has threads, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        return threads or os.cpu_count() or 1
    cores = sorted(os.sched_getaffinity(0))
    if threads is not None:
        os.sched_setaffinity(0, cores[:threads])
    return threads or len(cores)


def sentence(result: dict[str, Any]) -> str:
    error = result["loss_error"]
    verdict = "" if result["losses_agree"] else ", which is too much: this is other work"
    checked = "" if error is None else f", within {error:.1e} of the reference in steps 1 to 4{verdict}"
    return (
        f"{result['workload']} in {result['precision']}: {result['median_ms']:.4g} ms a step "
        f"(fastest {result['min_ms']:.4g}) with {result['threads']} threads, {result['gflops']:.4g} GFLOP/s; "
        f"loss {result['loss_first']:.5f} -> {result['loss_last']:.5f}{checked}"
    )
