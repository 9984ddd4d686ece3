"""A process that trains trials, one after the other, as a search tells it on its standard input."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any

from powertrain.io.printable import printable
from powertrain.plugin.importing import in_words
from powertrain.tuning.channel import Channel
from powertrain.tuning.trial import described, finished, share_threads, trained

LONGEST_REASON = 500


def main() -> None:
    """Answer jobs until there are no more. What a plugin prints goes to the log, not between the answers."""
    share_threads(int(sys.argv[1]))
    channel = Channel(os.dup(0), os.dup(1))
    empty, end = os.pipe()  # who asks for input meets its end
    os.dup2(empty, 0)
    os.dup2(2, 1)
    os.close(empty)
    os.close(end)
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):  # the search is gone, or wants an end at once
        while (job := channel.receive()) is not None:
            channel.send(_done(job, channel))


def _done(job: dict[str, Any], channel: Channel) -> dict[str, Any]:
    def asked(number: int, value: float) -> str:
        channel.send({"value": value, "evaluation": number})
        answer = channel.receive()
        return "the search ended" if answer is None else str(answer["end"])

    try:
        if job["do"] == "describe":
            return {"done": described(job)}
        if job["do"] == "train":
            return {"done": trained(job, asked, lambda: channel.closed)}
        return {"done": finished(job)}
    except Exception as error:  # of whatever kind: the search goes on without this trial
        text = str(error) if str(error).startswith("[") else in_words(error)
        return {"failed": printable(text, keep="\n")[:LONGEST_REASON]}
