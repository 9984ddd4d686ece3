"""Powertrain and its peers side by side: tables on the screen, the same as JSON, Markdown and pictures in a folder.

    python benchmarks/run.py                                  # everything but threads and scaling: some 20 minutes
    python benchmarks/run.py --quick --workloads lenet        # a few seconds for each framework
    python benchmarks/run.py --sections scaling threads
    python benchmarks/run.py --keep docs/benchmarks.md                 # and put its rows among the last ones
    python benchmarks/run.py --document docs/benchmarks/full-run.md    # and put its tables there

How it is measured: docs/benchmarks/method.md.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import datetime
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from powertrain.cli.bench.arrays import WorkloadError, find
from powertrain.io.plain_json import dumps
from race import caches, last, machine, table
from race.field import FULL, QUICK, Field
from race.page import parts, replace
from race.sections import (
    DEFAULT_SECTIONS,
    PEERS,
    QUICK_PEERS,
    SECTIONS,
    Options,
    Section,
    set_shares,
    task_of,
    workload_of,
)

ROOFLINE_SECONDS = 1.5
PLACE, LAST = "benchmarks/run.py", "benchmarks/run.py, last of each state"  # in a document


def measured_roofline(threads: int | None) -> dict[str, Any]:
    with Field(["powertrain"], threads) as one:
        return one.workers["powertrain"].ask(60.0, do="roofline", seconds=ROOFLINE_SECONDS)


def better(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {key: max(value, other[key]) for key, value in one.items()}


def about(
    described: dict[str, Any], sections: Sequence[Section], roofline: dict[str, Any], written: Sequence[float | None]
) -> dict[str, Any]:
    entries = [entry for section in sections for result in section.results for entry in result.entries]
    states = collections.Counter(turn.state for entry in entries for turn in entry.turns if turn.state)
    return {
        "date": datetime.date.today().isoformat(),
        "machine": described,
        "caches": {"written_gbytes": list(written), "turns": dict(states)},
        "versions": sorted({entry.version for entry in entries if entry.version}),
        "roofline": roofline,
        "others_cores": [turn.others for entry in entries for turn in entry.turns if turn.others is not None],
    }


def text(sections: Sequence[Section], facts: dict[str, Any]) -> str:
    parts = ["\n".join(f"- {line}" for line in table.heading(facts))]
    for section in sections:
        parts += [f"## {section.title}", section.text()]
        label = task_of if section.name in ("products", "optimizer", "generation") else workload_of
        below = [table.slower(section.results, label), "\n".join(table.notes(section.results, label))]
        parts += [part for part in below if part]
    return "\n\n".join([*parts, table.MARKS])


def write(folder: Path, sections: Sequence[Section], facts: dict[str, Any], written: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    found = {**facts, "sections": {section.name: section.as_json() for section in sections}}
    (folder / "benchmarks.json").write_text(dumps(found, indent=1), encoding="utf-8")
    (folder / "benchmarks.md").write_text(written + "\n", encoding="utf-8")
    print(f"written: {folder}/benchmarks.json, {folder}/benchmarks.md", file=sys.stderr)
    for section in sections:
        if section.draw is None or not section.results:
            continue
        path = folder / f"{section.name}.png"
        try:
            section.draw(path)
            print(f"written: {path}", file=sys.stderr)
        except ModuleNotFoundError:
            print(f"{path} not drawn: matplotlib is not installed; pip install matplotlib", file=sys.stderr)


def keep(document: Path, sections: Sequence[Section], facts: dict[str, Any]) -> None:
    """Put the training steps of this run among the last rows of each state."""
    found = [result for section in sections if section.name == "steps" for result in section.results]
    new = last.rows_of(found, workload_of, facts["machine"], facts["date"])
    replace(document, LAST, lambda old: last.updated(old, new))


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workloads", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--bf16", nargs="*", metavar="NAME", help="workloads to train in bf16 too (default: gpt2_124m)")
    parser.add_argument("--sections", nargs="*", choices=SECTIONS, default=list(DEFAULT_SECTIONS), metavar="NAME",
                        help=f"of {', '.join(SECTIONS)} (default: {', '.join(DEFAULT_SECTIONS)})")  # fmt: skip
    parser.add_argument("--peers", nargs="*", choices=PEERS, metavar="NAME", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--quick", action="store_true", help="short turns, fewer of them, no torch.compile, no mlx")
    parser.add_argument("--threads", type=int, metavar="N", help="cores for everyone (default: all)")
    parser.add_argument("--rounds", type=int, metavar="N", help="turns of each framework")
    parser.add_argument("--seconds", type=float, metavar="S", help="of samples in a turn")
    parser.add_argument("--laps", type=int, default=1, metavar="N", help="processes of each, of which the best counts")
    parser.add_argument("--out", type=Path, default=Path("build/benchmarks"), metavar="DIR")
    parser.add_argument("--document", type=Path, metavar="FILE", help="into docs/benchmarks/full-run.md its tables")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="into docs/benchmarks.md its rows of training steps")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    given = options(arguments)
    pace = QUICK if given.quick else FULL
    pace = dataclasses.replace(pace, rounds=given.rounds or pace.rounds, seconds=given.seconds or pace.seconds)
    peers = given.peers if given.peers is not None else QUICK_PEERS if given.quick else PEERS
    asked = Options(peers=peers, threads=given.threads, pace=pace, laps=given.laps)
    try:
        for workload in (*(given.workloads or ()), *(given.bf16 or ())):
            find(workload)
        for document, place in ((given.document, PLACE), (given.keep, LAST)):
            if document is not None:
                parts(document, place)
    except (WorkloadError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if given.workloads:
        asked = dataclasses.replace(asked, workloads=given.workloads)
    if given.bf16 is not None:
        asked = dataclasses.replace(asked, low=given.bf16)
    described, at_start = machine.describe(), caches.written_gbytes()  # before anybody commits beside it
    print(*table.caches_line({"written_gbytes": [at_start], "turns": {}}), file=sys.stderr)
    before = measured_roofline(given.threads)
    sections = []
    for name in given.sections:
        print(f"{name} ...", file=sys.stderr, flush=True)
        sections.append(SECTIONS[name](asked))
    roofline = better(before, measured_roofline(given.threads))  # what disturbs only makes it lower
    for result in (result for section in sections for result in section.results):
        set_shares(result, roofline)
    facts = about(described, sections, roofline, [at_start, caches.written_gbytes()])
    written = text(sections, facts)
    print(written)
    write(given.out, sections, facts, written)
    if given.document is not None:
        replace(given.document, PLACE, lambda old: written.replace("\n## ", "\n### "))
    if given.keep is not None:
        keep(given.keep, sections, facts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
