"""`powertrain generate`: go on with a text, shown as it is written."""

from __future__ import annotations

import argparse

from powertrain.cli.exit_codes import FINE
from powertrain.data import InputFile
from powertrain.io.console import say
from powertrain.io.plain_json import dumps
from powertrain.train.evaluate.review import open_run

SETTINGS = ("max_new_tokens", "temperature", "top_k", "top_p", "min_p", "repetition_penalty", "stop", "seed")
STDIN, LINES = "-", 4096  # lines that are read at once


def generate(options: argparse.Namespace) -> int:
    prompt = options.prompt
    if prompt == STDIN:
        prompt = "\n".join(line for lines in InputFile(None).lines(LINES) for line in lines)
    trained = open_run(options.run, options.trust)
    settings = {name: getattr(options, name) for name in SETTINGS}
    if options.json:
        say(dumps({"prompt": prompt, "text": trained.generate(prompt, **settings)}))
        return FINE
    pieces = trained.stream(prompt, **settings)
    say(prompt, end="")
    for piece in pieces:
        say(piece.text, end="", flush=True)
    say()
    return FINE
