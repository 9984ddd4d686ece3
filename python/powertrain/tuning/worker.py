"""A process that trains trials, one after the other, as a search tells it on its standard input."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from powertrain.io.channel import Channel
from powertrain.io.children import failed, parents_channel
from powertrain.plugin.importing import error_text
from powertrain.tuning.trial import described, finished, share_threads, trained


def main() -> None:
    """Answer jobs until there are no more."""
    share_threads(int(sys.argv[1]))
    channel = parents_channel()
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
        return failed(error_text(error))
