"""Long calls that Ctrl-C ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

import powertrain as pt


def is_interrupted_beside_a_thread(call: Callable[[], object]) -> None:
    """Whoever interrupts a long call, ends it, and other threads go on meanwhile."""
    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    def interrupt():
        time.sleep(0.5)
        signal.raise_signal(signal.SIGINT) if os.name == "nt" else os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    threads = [threading.Thread(target=tick), threading.Thread(target=interrupt)]
    try:
        for thread in threads:
            thread.start()
        with pytest.raises(KeyboardInterrupt):
            call()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        signal.signal(signal.SIGINT, before)
    assert len(ticks) > 10
    assert float((pt.ones(()) + 1.0).item()) == 2.0
