"""`powertrain profile`: a recipe or workload, profiled and shown."""

from __future__ import annotations

import argparse

import powertrain as pt
from powertrain.cli.exit_codes import FINE
from powertrain.cli.profile import table, targets, trace, without
from powertrain.io.console import say
from powertrain.io.plain_json import dumps


def profile(options: argparse.Namespace) -> int:
    if options.threads is not None:
        pt.set_threads(options.threads)
    target = targets.Target(options.recipe, tuple(options.set), options.precision, options.trust)
    if options.without is not None:
        changes = targets.change(target, options.without, options.steps)
        if options.json:
            say(dumps({"steps": [without.as_json(one) for one in changes]}))
        else:
            say("\n\n".join(map(without.text, changes)))
        return FINE
    profiles = targets.profile(target, options.steps)
    trace.write(options.trace, profiles)
    if options.json:
        say(dumps({"trace": str(options.trace), "steps": [table.as_json(one) for one in profiles]}))
        return FINE
    for one in profiles:
        say(table.text(one, options.top) + "\n")
    say(f"trace  {options.trace}: open it at https://ui.perfetto.dev")
    return FINE
