"""`powertrain evaluate`, `report`, `compare`, `export` and `runs`: what is done with runs that exist."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from powertrain.cli.exit_codes import FINE
from powertrain.io.console import aligned, byte_count, one_line, say
from powertrain.io.plain_json import dumps
from powertrain.recipe.source import of_tables, override
from powertrain.train.evaluate import review
from powertrain.train.folder import listing
from powertrain.train.folder.run_folder import RUNS, RunError


def evaluate(options: argparse.Namespace) -> int:
    return review.evaluate(
        options.run, options.json, options.trust, options.changed_data, options.checkpoint, options.file
    )


def report(options: argparse.Namespace) -> int:
    if options.all:
        flags = {"--card": options.card, "--group": options.group, "--licence": options.licence}
        for flag in (flag for flag, given in flags.items() if given):
            raise RunError(f"[report] received --all and {flag}; expected one of them; leave one out")
        from powertrain.train.report.leaderboard import write_leaderboard

        say(write_leaderboard(options.run or RUNS))
        return FINE
    if options.run is None:
        raise RunError("[report] received no folder; expected that of a run, or --all; powertrain runs lists them")
    if options.card:
        say(review.model_card(options.run, options.group, options.licence, options.trust))
        return FINE
    if options.group or options.licence:
        raise RunError("[report] received --group or --licence; expected --card with them; add it")
    say(review.rewrite_report(options.run, options.trust))
    return FINE


def export(options: argparse.Namespace) -> int:
    opened = review.open_run(options.run, options.trust, checkpoint=options.checkpoint)
    found = opened.export(options.to, options.out, **settings_of(options.set))
    if options.json:
        say(dumps({**asdict(found), "path": str(found.path)}))
        return FINE
    say(one_line(f"exported {found.path}"))
    near = f"largest difference {found.difference:.2g}, allowed {found.allowed:.2g}"
    say(one_line(f"checked  {found.checked}" + (f": {near}" if found.examples else "")))
    if found.note:
        say(one_line(f"note     {found.note}"))
    return FINE


def settings_of(texts: list[str]) -> dict[str, Any]:
    """KEY=VALUE, with values as `powertrain train --set` takes them."""
    source = of_tables({})
    override(source, texts)
    return dict(source.tables)


def compare(options: argparse.Namespace) -> int:
    opened = [review.open_run(one, options.trust) for one in options.runs]
    found = opened[0].compare(*opened[1:], confidence=options.confidence)
    say(dumps(found.table()) if options.json else str(found))
    return FINE


def runs(options: argparse.Namespace) -> int:
    if options.what not in VERBS:  # powertrain runs DIR
        if options.folders or not Path(options.what).is_dir():
            received = one_line(options.what)
            raise RunError(f"[runs] received {received}; expected {', '.join(VERBS)} or a folder; check it")
        options.what, options.folders = "list", [Path(options.what)]
    verb, wanted = VERBS[options.what]
    if len(options.folders) not in wanted:
        raise RunError(
            f"[runs {options.what}] received {len(options.folders)} folders; expected {wanted[-1]}; powertrain runs "
            "lists them"
        )
    if options.set and verb is not _prune:
        raise RunError(f"[runs {options.what}] received --set; expected --set with prune only; leave it out")
    for line in verb(options):
        say(one_line(line))
    return FINE


def _list(options: argparse.Namespace) -> Iterator[str]:
    root = options.folders[0] if options.folders else RUNS
    rows = listing.list_runs(root)
    if options.json:
        yield dumps(rows)
    elif rows:
        yield from (_line(row) for row in rows)
    else:
        yield f"no runs in {root}; begin with: powertrain train digits"


def _line(row: dict[str, Any]) -> str:
    return f"{row['run']:<24} {row['state']:<12} {row['steps']:>9,} steps  {row['summary']}"


def _show(options: argparse.Namespace) -> Iterator[str]:
    found = listing.show_run(options.folders[0])
    if options.json:
        yield dumps(found)
        return
    yield _line(found)
    whole = [row for row in found["checkpoints"] if not row["damaged"]]
    names = list(dict.fromkeys(name for row in whole for name in row["values"]))
    rows = [("checkpoint", "steps", "seconds", "size", "kept as", *names)]
    for row in found["checkpoints"]:
        if row["damaged"]:
            rows.append((str(row["round"]), "damaged", *[""] * (3 + len(names))))
            continue
        values = [f"{row['values'][name]:.4g}" if name in row["values"] else "" for name in names]
        of = (f"{row['steps']:,}", f"{row['seconds']:.1f}", byte_count(row["bytes"]), " ".join(row["kept"]))
        rows.append((str(row["round"]), *of, *values))
    yield from aligned(rows)


def _diff(options: argparse.Namespace) -> Iterator[str]:
    found = listing.diff(options.folders)
    if options.json:
        yield dumps(found)
    elif found:
        yield from aligned([("", *map(str, options.folders)), *((key, *row) for key, row in found.items())])
    else:
        yield "nothing differs, to the bits of the weights"


def _hash(options: argparse.Namespace) -> Iterator[str]:
    yield listing.run_hash(options.folders[0])


def _prune(options: argparse.Namespace) -> Iterator[str]:
    dropped = listing.prune(options.folders[0], options.set)
    if options.json:
        yield dumps(dropped)
    else:
        yield f"dropped {', '.join(map(str, dropped)) or 'nothing'}; powertrain runs show {options.folders[0]}"


# With how many folders each may be called.
VERBS: dict[str, tuple[Callable[[argparse.Namespace], Iterator[str]], tuple[int, ...]]] = {
    "list": (_list, (0, 1)),
    "show": (_show, (1,)),
    "diff": (_diff, (2,)),
    "hash": (_hash, (1,)),
    "prune": (_prune, (1,)),
}
