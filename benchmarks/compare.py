"""Powertrain and its peers in turns, each in a process of its own: a table of medians, and the losses compared.

    python benchmarks/compare.py mlp_tiny lenet --threads 1 2 --rounds 3

In turns, since medians of one machine move by some percent between runs, and more when others use it. A peer is as
fast as its best round, and so are we. A step whose losses leave the reference is marked `!`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from powertrain.bench.arrays import WORKLOADS

HERE = Path(__file__).parent
TORCH = ("torch eager", "torch fused", "torch compile")
# Keeps freed memory, as an engine with an arena does by nature; without it PyTorch loses up to a third to page faults.
KEEP = {"MALLOC_MMAP_THRESHOLD_": "1000000000", "MALLOC_TRIM_THRESHOLD_": "4000000000"}


def measure(framework: str, workload: str, threads: int, seconds: float) -> dict[str, Any] | None:
    options = ["--threads", str(threads), "--seconds", str(seconds)]
    name, _, variant = framework.partition(" ")
    if name == "powertrain":
        code = "import sys; from powertrain.bench import main; sys.exit(main(sys.argv[1:]))"
        command = [sys.executable, "-c", code, workload, *options, "--json"]
    else:
        command = [sys.executable, "-m", "peers.torch_bench", workload, variant, *options]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), **({} if name == "powertrain" else KEEP)}
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{framework} {workload}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def cell(result: dict[str, Any] | None) -> str:
    if result is None:
        return "-"
    # Two steps of a badly conditioned training agree to 1e-3; the others to 1e-4.
    allowed = 0.05 if WORKLOADS[result["workload"]].sgd else 1e-3
    return f"{result['median_ms']:.4g}{'' if result['loss_error'] <= allowed else '!'}"


def row(workload: str, threads: int, frameworks: list[str], rounds: int, seconds: float) -> str:
    best: dict[str, dict[str, Any]] = {}
    for _ in range(rounds):
        for framework in frameworks:
            result = measure(framework, workload, threads, seconds)
            if result and result["median_ms"] < best.get(framework, result)["median_ms"] + 1e-12:
                best[framework] = result
    cells = [cell(best.get(framework)) for framework in frameworks]
    peers = [result["median_ms"] for framework, result in best.items() if framework != "powertrain"]
    ratio = f"{min(peers) / best['powertrain']['median_ms']:.2f}" if peers and "powertrain" in best else "-"
    return f"| {workload} | {threads} | {' | '.join(cells)} | {ratio} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workloads", nargs="*", default=[name for name in WORKLOADS if name != "gpt2_124m"])
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--peers", nargs="*", default=list(TORCH))
    arguments = parser.parse_args()
    frameworks = ["powertrain", *arguments.peers]
    print(f"| workload | threads | {' | '.join(frameworks)} | times as fast as the best peer |")
    print(f"| --- | --- |{' --- |' * (len(frameworks) + 1)}")
    for workload in arguments.workloads:
        for threads in arguments.threads:
            print(row(workload, threads, frameworks, arguments.rounds, arguments.seconds), flush=True)


if __name__ == "__main__":
    main()
