"""`powertrain prune`: copies of a run with fewer weights, and what each costs."""

from __future__ import annotations

import argparse

from powertrain.cli.exit_codes import FINE, MISSED
from powertrain.io.console import aligned, one_line, say
from powertrain.io.plain_json import dumps
from powertrain.train.evaluate.review import open_run
from powertrain.train.folder.run_folder import RunError
from powertrain.train.pruning.prune import Pruned


def prune(options: argparse.Namespace) -> int:
    if options.out is not None and len(options.sparsity) > 1:
        raise RunError(
            f"[prune] received --out with {len(options.sparsity)} sparsities; expected one; leave --out out, so that "
            "each run has a folder of its own"
        )
    opened = open_run(options.run, options.trust)
    found = []
    for sparsity in options.sparsity:
        one = opened.prune(
            sparsity, structured=options.structured, until=options.until, skip=options.skip,
            tolerance=options.tolerance, folder=options.out, trust=options.trust, verbose=not options.json,
        )  # fmt: skip
        found.append(one)
        if not options.json:
            for line in one.lines():
                say(one_line(line))
            say(f"written to {one.folder}" if one.kept else f"nothing written: it costs more than {one.tolerance:g}")
    if options.json:
        say(dumps([one.table() for one in found]))
    elif len(found) > 1:
        for line in _beside(found):
            say(line)
    return FINE if all(one.kept for one in found) else MISSED


def _beside(found: list[Pruned]) -> list[str]:
    """What each sparsity costs, one a line."""
    first = found[0]
    rows: list[tuple[str, ...]] = [
        ("sparsity", f"{first.part} {first.metric}", "after the cut", "not zero", "bytes", "packed")
    ]
    rows.append(("0", f"{first.before[first.part][first.metric]:.4g}", "", *_sizes(first, 0)))
    for one in found:
        values = (f"{scores[one.part][one.metric]:.4g}" for scores in (one.after, one.cut))
        rows.append((f"{one.sparsity:g}", *values, *_sizes(one, 1)))
    return aligned(rows)


def _sizes(one: Pruned, at: int) -> tuple[str, str, str]:
    return f"{one.weights[at]:,}", f"{one.bytes[at]:,}", f"{one.packed[at]:,}"
