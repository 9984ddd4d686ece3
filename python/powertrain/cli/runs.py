"""`powertrain evaluate`, `report`, `compare`, `export` and `runs`: what is done with runs that exist."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from powertrain.cli.exit_codes import FINE
from powertrain.io.console import one_line, say
from powertrain.io.plain_json import dumps
from powertrain.recipe.source import of_tables, override
from powertrain.train.evaluate import review
from powertrain.train.folder.run_folder import RUNS, RunError


def evaluate(options: argparse.Namespace) -> int:
    return review.evaluate(options.run, options.json, options.trust, options.changed_data)


def report(options: argparse.Namespace) -> int:
    if options.all:
        if options.card:
            raise RunError("[report] received --all and --card; expected one of them; leave one out")
        from powertrain.train.report.leaderboard import write_leaderboard

        say(write_leaderboard(options.run or RUNS))
        return FINE
    if options.run is None:
        raise RunError("[report] received no folder; expected that of a run, or --all; powertrain runs lists them")
    if options.card:
        say(review.model_card(options.run, options.group, options.licence, options.trust))
        return FINE
    if options.group or options.licence:
        raise RunError("[report] received --group or --licence; expected --card beside them; add it")
    say(review.rewrite_report(options.run, options.trust))
    return FINE


def export(options: argparse.Namespace) -> int:
    found = review.open_run(options.run, options.trust).export(options.to, options.out, **settings_of(options.set))
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
    if options.what not in ("list", "hash"):  # powertrain runs DIR
        if options.folder is not None or not Path(options.what).is_dir():
            raise RunError(f"[runs] received {one_line(options.what)}; expected list, hash or a folder; check it")
        options.what, options.folder = "list", Path(options.what)
    if options.what == "hash":
        if options.folder is None:
            raise RunError("[runs hash] received no folder; expected one; powertrain runs lists them")
        say(review.run_hash(options.folder))
        return FINE
    rows = review.list_runs(options.folder or RUNS)
    if options.json:
        say(dumps(rows))
        return FINE
    for row in rows:
        say(one_line(f"{row['run']:<24} {row['state']:<12} {row['steps']:>9,} steps  {row['summary']}"))
    if not rows:
        say(f"no runs in {options.folder or RUNS}; begin with: powertrain train digits")
    return FINE
