"""`powertrain quantize`: a copy of a run with small weights, and what it costs."""

from __future__ import annotations

import argparse

from powertrain.cli.exit_codes import FINE, MISSED
from powertrain.io.console import one_line, say
from powertrain.io.plain_json import dumps
from powertrain.train.evaluate.review import open_run


def quantize(options: argparse.Namespace) -> int:
    opened = open_run(options.run, options.trust)
    found = opened.quantize(
        options.bits, group_size=options.group_size, activations=options.activations, skip=options.skip,
        examples=options.examples, tolerance=options.tolerance, folder=options.out, trust=options.trust,
    )  # fmt: skip
    if options.json:
        say(dumps(found.table()))
    else:
        for line in found.lines():
            say(one_line(line))
        say(f"written to {found.folder}" if found.kept else f"nothing written: it costs more than {found.tolerance:g}")
    return FINE if found.kept else MISSED
