"""`python -m peers.torch_bench WORKLOAD VARIANT --threads N --seconds S`: PyTorch timed alike; one line of JSON."""

import argparse
import json

from powertrain.bench import bind, report
from powertrain.bench.arrays import WORKLOADS
from powertrain.bench.measure import measure


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("variant")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--seconds", type=float, default=3.0)
    arguments = parser.parse_args()
    threads = bind(arguments.threads)

    import torch

    from peers.torch_steps import step

    torch.set_num_threads(threads)
    timing = measure(step(arguments.workload, arguments.variant), arguments.seconds)
    print(json.dumps(report(arguments.workload, threads, timing)))


if __name__ == "__main__":
    main()
