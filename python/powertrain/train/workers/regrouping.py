"""A run that goes on with others where a worker is lost: from the last checkpoint, in the same process."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeVar

from powertrain.io.console import complain
from powertrain.plugin.transport import LostWorkerError, Transport
from powertrain.train.folder.checkpoint import Checkpoints

T = TypeVar("T")

# Workers may be lost so often before the next checkpoint; then it is no accident.
MOST_LOSSES = 3


class Groups(Protocol):
    """Workers that are started again where they end: by a cluster, or by this process."""

    @property
    def then(self) -> str:
        """With whom a run goes on after a loss, in words."""

    def group(self) -> AbstractContextManager[Transport]:
        """Workers that begin a run together, or go on with it, and this process as their first. The block ends in a
        LostWorkerError where one of them is lost, and in another error where going on would be no use."""


def lead(
    groups: Groups,
    folder: Path,
    resume: bool,
    max_minutes: float | None,
    attempt: Callable[[Transport, bool, float | None], T],
) -> T:
    """Lead a run to its end: `attempt` gets a transport, whether to resume, and how many minutes are left."""
    losses, reached, start = 0, None, time.monotonic()
    while True:
        try:
            with groups.group() as transport:
                spent = (time.monotonic() - start) / 60
                return attempt(transport, resume, None if max_minutes is None else max(0.0, max_minutes - spent))
        except LostWorkerError as error:
            now = Checkpoints(folder).newest_meta().get("progress")
            losses, reached = (losses + 1 if now == reached else 1), now
            if losses == MOST_LOSSES:
                raise
            complain(f"{str(error).partition(';')[0]}; the run goes on from its last checkpoint, {groups.then}")
            resume = True
