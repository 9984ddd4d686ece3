"""Ctrl-C and its like, while a run trains."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun


class Interrupts:
    """The handlers of a run, and those that were there before."""

    def __init__(self, run: TrainRun) -> None:
        self.run = run
        self._handlers: dict[int, Any] = {}

    def watch(self) -> None:
        """The first Ctrl-C ends the run at the next commit, or its final evaluation at the next batch; the second ends
        it at once. This holds until the run is closed."""

        def handler(number: int, frame: Any) -> None:
            if self.run.stop:
                raise KeyboardInterrupt(number)
            self.run.request_stop(f"interrupted by {signal.Signals(number).name}", number)
            with contextlib.suppress(RuntimeError):  # it came in the middle of another line
                self.run.display.warn(
                    "stopping after this round; press Ctrl-C again to stop at once, at the last checkpoint"
                )

        if threading.current_thread() is not threading.main_thread():  # Python gives signals to no other
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # What is ignored stays so: nohup means a closed terminal, a shell's & means Ctrl-C.
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._handlers[number] = signal.signal(number, handler)

    def close(self) -> None:
        """Give the signals back to whoever had them."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()
