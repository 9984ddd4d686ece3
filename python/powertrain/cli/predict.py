"""`powertrain predict`: predict with a trained run, from a file, a folder or standard input."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain.cli.exit_codes import BY_SIGNAL, FINE, MISSED
from powertrain.data import DataError, InputFile
from powertrain.io.console import complain, one_line, say
from powertrain.io.plain_json import dumps
from powertrain.train.display.live import live_line
from powertrain.train.evaluate import predict as prediction
from powertrain.train.evaluate.answers import answer_file
from powertrain.train.evaluate.review import open_run
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.train.evaluate.predictions import Predictions

STDIN = Path("-")
EACH_CLASS = ("probabilities", "scores")  # of all classes, which one line has no room for unless it is asked


def predict(options: argparse.Namespace) -> int:
    unread: list[DataError] = []
    given = InputFile(None if options.file == STDIN else options.file, unread.append)
    trained = open_run(options.run, options.trust, checkpoint=options.checkpoint)
    dataset = trained.run.dataset
    if dataset.kind.tokens and dataset.vocabulary is not None and not given.arrays:
        raise RunError(
            f"[predict] {options.run} is the run of a language model; expected one that gives a prediction for each "
            f"example; powertrain generate {options.run} TEXT continues a text"
        )
    answers = prediction.answered(trained.run, given, options.id)
    try:
        code = _written(answers, options.out) if options.out is not None else _printed(answers, options)
    finally:
        for error in unread:
            complain(error)
    if unread and code == FINE:
        complain(f"files of {given.name} that cannot be read: {len(unread):,}; predictions are of the other files")
        return MISSED
    return code


def _printed(answers: Iterable[Predictions], options: argparse.Namespace) -> int:
    for said in answers:
        for row in said:
            say(dumps(row) if options.json else _line(row, options.probabilities))
        sys.stdout.flush()
    return FINE


def _written(answers: Iterable[Predictions], out: Path) -> int:
    """Answers in a file, and on a terminal how far it is."""
    live, count = live_line(sys.stderr), 0
    try:
        with answer_file(out) as write:
            for said in answers:
                write(said)
                count += len(said)
                if live is not None:
                    live.show(f"{count:,} examples")
    except KeyboardInterrupt as error:
        complain(f"stopped after {count:,} examples; {out} is as it was before")
        return BY_SIGNAL + (error.args[0] if error.args else signal.SIGINT)
    finally:
        if live is not None:
            live.stop()
    say(f"{count:,} answers in {out}")
    return FINE


def _line(row: Mapping[str, Any], every: bool) -> str:
    """An answer on one line: the file or the row, and what was said. A score is called one, since it may pass for a
    probability."""
    place, *said = row.items()
    words = [f"{place[1]:>6}" if place[0] == "row" else one_line(place[1])]
    for name, value in said:
        if name not in EACH_CLASS:
            words.append(f"score {one_line(value)}" if name == "score" else one_line(value))
        elif every:
            words.append(" ".join(f"{one_line(label)} {number}" for label, number in value.items()))
    return "  ".join(words)
