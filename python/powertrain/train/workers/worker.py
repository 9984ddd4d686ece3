"""A process that takes part in a run, as the worker that leads it says on its standard input."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.io.channel import Channel
from powertrain.io.children import failed, parents_channel
from powertrain.plugin.importing import error_text
from powertrain.plugin.transport import Transport, WorkerError
from powertrain.recipe import load_recipe
from powertrain.train.session import follow
from powertrain.train.workers.processes import LOST
from powertrain.train.workers.shared_memory import SharedMemory

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FAILED = 1


def main() -> None:
    """Compute until the run is over, or the worker that leads it is gone."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the worker that leads decides when to stop
        signal.signal(number, signal.SIG_IGN)
    channel = parents_channel()
    job = channel.receive()
    if job is None:
        return
    threading.Thread(target=_end_with_leader, args=(channel,), daemon=True).start()
    sockets = {partner: socket.socket(fileno=descriptor) for partner, descriptor in job["sockets"]}
    transport = SharedMemory(job["rank"], job["size"], job["memory"], sockets, Partners())
    os._exit(_outcome(job, transport, channel))  # threads of plugins may be left


def _outcome(job: Mapping[str, Any], transport: SharedMemory, channel: Channel) -> int:
    """Take part in the run; the exit code."""
    try:
        failure = take_part(job, transport)
    except WorkerError:  # the worker that leads sees it, too
        return LOST
    if failure:
        channel.send(failed(failure))
    return FAILED if failure else 0


def take_part(job: Mapping[str, Any], transport: Transport) -> str:
    """Follow a run to its end. What went wrong here alone is returned, in words, to be told where somebody reads it."""
    try:
        pt.set_threads(job["threads"])
        recipe = load_recipe(job["recipe"], job["settings"], trust=job["trust"])
        follow(recipe, Path(job["folder"]), transport, changed_data=job["changed_data"])
        return ""
    except WorkerError:
        raise
    except Exception as error:  # of whatever kind
        return error_text(error)


def _end_with_leader(channel: Channel) -> None:
    channel.receive()
    os._exit(LOST)


class Partners:
    """What a worker that does not lead looks at while it waits: nothing, since it ends with the one that does."""

    def look(self, beats: NDArray[np.int64]) -> None:
        pass

    def lost(self, partner: int) -> WorkerError:
        return WorkerError(f"[workers] worker {partner} has ended; expected all to train to the end; train again")
