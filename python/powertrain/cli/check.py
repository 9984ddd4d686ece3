"""`powertrain check`: wrong labels, duplicates, outliers and leaks in the data of a recipe."""

from __future__ import annotations

import argparse

from powertrain.cli.exit_codes import FINE, MISSED
from powertrain.cli.teller import Teller
from powertrain.io.console import one_line, say
from powertrain.train.checking.check import as_json
from powertrain.train.checking.check import check as look


def check(options: argparse.Namespace) -> int:
    teller = Teller(quiet=options.json)
    try:
        found = look(
            options.recipe, near=options.near, folds=options.folds, train=options.train, out=options.out,
            trust=options.trust, tell=teller.moving,
        )  # fmt: skip
    finally:
        teller.end()
    if options.json:
        say(as_json(found))
    else:
        for line in found.lines():
            say(one_line(line))
        say(f"page: {found.page}")
    return MISSED if found.serious else FINE
