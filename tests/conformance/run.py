"""Runs other people's suites against the engine: prints the counts and whatever no row of docs/conformance.md explains.

`python tests/conformance/run.py [SUITE]...`; `--write` keeps the counts in docs/conformance.md; `--of NAME` runs some.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from conformance import deviations
from conformance.suites import SUITES


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=", ".join(SUITES))
    parser.add_argument("--of", nargs="*", help="only these ops, modules or optimizers")
    parser.add_argument("--write", action="store_true", help="keep the counts in docs/conformance.md")
    chosen = parser.parse_args()
    results = []
    for name in chosen.suites or SUITES:
        if reason := SUITES[name].absent():
            print(f"{name}: left out, since {reason}")
            continue
        result = deviations.collect(name, SUITES[name].outcomes(chosen.of))
        results.append(result)
        report(result, whole=not chosen.of)
    text = deviations.counts(results)
    print(text)
    if chosen.write and not chosen.of:
        deviations.write_counts(text)
    return 1 if any(one.unexplained if chosen.of else one.problems() for one in results) else 0


def report(result: deviations.Result, whole: bool) -> None:
    wanted: Counter[str] = Counter()
    for (name, argument), count in result.missing.items():
        wanted[f"{name}: {argument}"] = count
    print(f"{result.suite}: not offered, by op and argument")
    for text, count in sorted(wanted.items(), key=lambda item: (-item[1], item[0])):
        print(f"  {count:5} {text}")
    if whole:
        print(f"{result.suite}: names without a counterpart: {', '.join(SUITES[result.suite].not_offered())}")
        print(*result.problems(), sep="\n")
    else:
        print(*(f"{name}: {one.kind} in {one.where}: {one.detail}" for name, one in result.unexplained), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
