"""The loop of a server stays awake for a moment where requests come soon, and sleeps where they do not."""

from __future__ import annotations

import asyncio
import selectors
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from powertrain_serve.listening import server
from powertrain_serve.loading import Loader
from powertrain_serve.polling import SOON, Polling
from powertrain_serve.service import Service
from powertrain_serve.settings import Settings

IT = [(selectors.SelectorKey(0, 0, selectors.EVENT_READ, None), selectors.EVENT_READ)]


class Clocked(selectors.DefaultSelector):
    """A clock, and waits that take what the test says: each of no time a tenth of a moment, a longer one its own.

    Nobody else's: other servers of this process wait for what there is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now, self.slept, self.asked = 100.0, 0.0, list[float | None]()
        self.ready: list[int] = []  # the calls, counted from 0, at which something is there

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.asked.append(timeout)
        self.now += SOON / 10 if timeout == 0 else self.slept
        return IT if len(self.asked) - 1 in self.ready or timeout != 0 else []


class Timed(Polling, Clocked):
    """A loop's selector that asks such a clock and waits so."""

    def clock(self) -> float:
        return self.now


@pytest.fixture
def polling() -> Iterator[Timed]:
    with Timed() as made:
        yield made


def test_after_a_long_wait_it_sleeps(polling: Timed) -> None:
    polling.slept = 2 * SOON
    for _ in range(3):
        assert polling.select(None) == IT
    assert polling.asked == [None, None, None]


def test_after_a_short_wait_it_looks_again_before_it_sleeps(polling: Timed) -> None:
    polling.slept = SOON / 2
    polling.select(None)
    polling.ready = [4]
    assert polling.select(None) == IT
    assert polling.asked == [None, 0, 0, 0, 0]


def test_for_a_moment_only(polling: Timed) -> None:
    polling.slept = SOON / 2
    polling.select(None)
    polling.select(1.0)
    *awake, asleep = polling.asked[1:]
    assert awake == [0] * 10
    assert asleep == pytest.approx(1.0 - SOON)
    polling.asked.clear()
    polling.select(None)  # the wait before was longer than a moment
    assert polling.asked == [None]


def test_it_does_not_outstay_a_timer(polling: Timed) -> None:
    polling.slept = SOON / 2
    polling.select(None)
    assert polling.select(SOON / 3) == []
    assert polling.asked == [None, 0, 0, 0, 0]
    assert polling.select(0) == []  # what is ready is asked for, without a wait
    assert polling.select(-1) == IT


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_it_sees_what_comes_while_it_is_awake_and_while_it_sleeps(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    with Polling() as polling:
        polling.register(ours, selectors.EVENT_READ)
        theirs.send(b"a")
        for wait in (0.0, SOON / 4, 30 * SOON):
            timer = threading.Timer(wait, theirs.send, (b"a",))
            timer.start()
            ((key, events),) = polling.select(5.0)
            assert (key.fileobj, events) == (ours, selectors.EVENT_READ)
            assert ours.recv(1) == b"a"
            timer.join()


def test_idle_it_takes_no_time_of_a_processor(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    with Polling() as polling:
        polling.register(ours, selectors.EVENT_READ)
        theirs.send(b"a")
        polling.select(1.0)
        ours.recv(1)
        began = time.thread_time()
        assert polling.select(0.3) == []
        assert time.thread_time() - began < 0.05


def test_a_server_has_such_a_loop() -> None:
    settings = Settings()
    made = server(None, Service(settings, Loader(settings, dict)))
    factory = made.config.get_loop_factory()
    assert factory is not None
    loop = factory()
    try:
        assert isinstance(loop, asyncio.SelectorEventLoop)
        assert isinstance(getattr(loop, "_selector"), Polling)  # noqa: B009
    finally:
        loop.close()
