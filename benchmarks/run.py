"""Powertrain and its peers side by side: tables on the screen, the same as JSON, Markdown and pictures in a folder.

    python benchmarks/run.py                                  # everything but threads and scaling: some 20 minutes
    python benchmarks/run.py --quick --workloads lenet        # a few seconds for each framework
    python benchmarks/run.py --sections scaling threads

How it is measured: docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from powertrain.bench.arrays import WorkloadError, find
from race import machine, table
from race.field import FULL, QUICK, Field
from race.sections import DEFAULT_SECTIONS, PEERS, QUICK_PEERS, SECTIONS, Options, Section, set_shares, workload_of

ROOFLINE_SECONDS = 1.5
BEGIN, END = "<!-- begin: benchmarks/run.py -->", "<!-- end: benchmarks/run.py -->"


def measured_roofline(threads: int | None) -> dict[str, Any]:
    with Field(["powertrain"], threads) as one:
        return one.workers["powertrain"].ask(60.0, do="roofline", seconds=ROOFLINE_SECONDS)


def better(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {key: max(value, other[key]) for key, value in one.items()}


def about(sections: Sequence[Section], roofline: dict[str, Any]) -> dict[str, Any]:
    entries = [entry for section in sections for result in section.results for entry in result.entries]
    return {
        "machine": machine.describe(),
        "versions": sorted({entry.version for entry in entries if entry.version}),
        "roofline": roofline,
        "others_cores": [turn.others for entry in entries for turn in entry.turns if turn.others is not None],
    }


def text(sections: Sequence[Section], facts: dict[str, Any]) -> str:
    parts = ["\n".join(table.heading(facts))]
    for section in sections:
        parts += [f"## {section.title}", section.text()]
        label = workload_of if section.name not in ("products", "optimizer") else lambda result: result.task
        missing = "\n".join(table.notes(section.results, label))
        parts += [missing] if missing else []
    return "\n\n".join([*parts, table.MARKS])


def write(folder: Path, sections: Sequence[Section], facts: dict[str, Any], written: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    found = {**facts, "sections": {section.name: section.as_json() for section in sections}}
    (folder / "benchmarks.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
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


def replace_table(document: Path, written: str) -> None:
    """Puts the tables where the last ones were in a document: between two comments."""
    before, begin, rest = document.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"[--document] {document} without the lines {BEGIN} and {END}; expected both; add them")
    document.write_text(f"{before}{BEGIN}\n\n{written}\n\n{END}{after}", encoding="utf-8")


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
    parser.add_argument("--document", type=Path, metavar="FILE", help="put the tables into docs/benchmarks.md too")
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
    except WorkloadError as error:
        print(error, file=sys.stderr)
        return 2
    if given.workloads:
        asked = dataclasses.replace(asked, workloads=given.workloads)
    if given.bf16 is not None:
        asked = dataclasses.replace(asked, low=given.bf16)
    before = measured_roofline(given.threads)
    sections = []
    for name in given.sections:
        print(f"{name} ...", file=sys.stderr, flush=True)
        sections.append(SECTIONS[name](asked))
    roofline = better(before, measured_roofline(given.threads))  # what disturbs only makes it lower
    for result in (result for section in sections for result in section.results):
        set_shares(result, roofline)
    facts = about(sections, roofline)
    written = text(sections, facts)
    print(written)
    write(given.out, sections, facts, written)
    if given.document is not None:
        replace_table(given.document, written.replace("\n## ", "\n### "))
    return 0


if __name__ == "__main__":
    sys.exit(main())
