"""`powertrain retrain`: a challenger on new data, compared with the champion."""

from __future__ import annotations

import argparse

from powertrain.cli.exit_codes import FINE, MISSED
from powertrain.io.console import one_line, say
from powertrain.io.plain_json import dumps
from powertrain.train.display.display import Display
from powertrain.train.retraining.retrain import Settings
from powertrain.train.retraining.retrain import retrain as trained_again


def retrain(options: argparse.Namespace) -> int:
    settings = Settings(
        options.policy, options.test, options.share, options.last, options.rule, options.margin,
        overrides=tuple(options.set), name=options.name, folder=options.folder, trust=options.trust,
    )  # fmt: skip
    found = trained_again(options.run, options.data, settings, Display(options.json))
    if options.json:
        say(dumps(found.table()))
    else:
        say(one_line(found.line()))
        version = f" as {found.version.uri}" if found.version is not None else ""
        say(f"{'promoted' if found.promoted else 'not promoted'}{version}: {found.why}")
    return FINE if found.promoted else MISSED
