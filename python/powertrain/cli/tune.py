"""`powertrain tune`: a search for the best settings of a recipe."""

from __future__ import annotations

import argparse

from powertrain.cli.exit_codes import BY_SIGNAL, FINE, MISSED
from powertrain.io.console import say
from powertrain.io.plain_json import dumps
from powertrain.train.display.display import Display
from powertrain.tuning.search import Settings, search
from powertrain.tuning.space import read_space


def tune(options: argparse.Namespace) -> int:
    settings = Settings(
        options.recipe, read_space(options.space), tuple(options.set), options.trials, options.workers, options.metric,
        options.seed, not options.no_prune, options.study, options.max_minutes, options.trust,
    )  # fmt: skip
    found = search(settings, Display(options.json))
    if options.json:
        say(dumps(found.table()), flush=True)
    if found.signal:
        return BY_SIGNAL + found.signal
    return FINE if found.met else MISSED
