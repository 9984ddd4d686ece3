"""Imports one plugin, and turns whatever it does meanwhile into one error that names it.

It may raise, exit, print, hang or not be there. It has a limit of processor time, since all is slow on a busy machine.
The limit holds in the main thread, where Python hears the clock; `powertrain plugins check` imports in a process of its
own, which can be killed from outside. An import that goes on whatever is raised in it leaves no other way than to end
the process, which says whose it was.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from powertrain.io.console import complain, one_line

SECONDS = 10.0
FAR = 20  # times the limit by the clock: an import that wakes up now and then, for ever
LEAST = 1e-3  # seconds of processor time that tell an import at work from looks at one that sleeps
VARIABLE = "POWERTRAIN_IMPORT_SECONDS"
MOST_PRINTED = 1 << 16
MOST_IGNORED = 3  # stops, a second apart
ENDED = 2  # exit code of a process that an import would not give back: the user's to fix, as in the command line


class _Stop(BaseException):
    """Ends an import from inside; no Exception, so that the plugin's own handlers let it pass."""


def guarded(action: Callable[[], Any], whose: str) -> tuple[Any, str, BaseException | None]:
    """Run an import: (what it gave, "", None), or (None, the cause in words, the exception)."""
    pressed: list[int] = []
    try:
        with _captured() as printed, _limited(whose), _listening(pressed), _staying():
            found = action()
    except KeyboardInterrupt as error:
        if pressed:
            raise
        return None, in_words(error), error
    except SystemExit as error:
        return None, f"exited with {error.code!r}", error
    except _Stop as error:
        return None, str(error), error
    except BaseException as error:
        return None, in_words(error), error
    if text := printed.getvalue():
        complain(text.rstrip("\n"))  # never to stdout, whose lines may be a program's input
    return found, "", None


def in_words(error: BaseException) -> str:
    """`ValueError: its text`, whatever the exception's own text does."""
    try:
        return f"{type(error).__name__}: {error}".removesuffix(": ")
    except Exception:
        return type(error).__name__


def error_text(error: BaseException) -> str:
    """The text of an error that says where it arose, as ours do; of another one with its name."""
    words = in_words(error)
    return text if (text := words.partition(": ")[2]).startswith("[") else words


class _Capture(io.StringIO):
    """Takes what is printed, up to a limit."""

    def write(self, text: str) -> int:
        if self.tell() + len(text) > MOST_PRINTED:
            raise _Stop(f"it printed more than {MOST_PRINTED >> 10} KiB while it was imported")
        return super().write(text)

    def close(self) -> None:
        """It is no plugin's to close."""


@contextlib.contextmanager
def _staying() -> Iterator[None]:
    """An import neither ends the process nor leaves it in another folder, where relative paths mean other files."""
    end, process = os._exit, os.getpid()

    def leave(status: int) -> NoReturn:
        if os.getpid() != process:  # a child that it forked may end
            end(status)
        raise _Stop(f"ended the process by os._exit({status})")

    try:
        folder = os.open(".", os.O_RDONLY)
    except OSError:  # it was removed
        folder = -1
    os._exit = leave
    try:
        yield
    finally:
        os._exit = end
        if folder >= 0:
            os.fchdir(folder)
            os.close(folder)


@contextlib.contextmanager
def _captured() -> Iterator[_Capture]:
    printed = _Capture()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        yield printed


@contextlib.contextmanager
def _handled(number: int, handler: Callable[[int, Any], None]) -> Iterator[None]:
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        if before is not None:  # what no Python code had set cannot be set again
            signal.signal(number, before)


@contextlib.contextmanager
def _alarm(handler: Callable[[int, Any], None], seconds: float, again: float) -> Iterator[None]:
    """Calls a handler after so long, and then again and again. A process has one such timer: the program's own goes on
    afterwards with what is left of its time, and rings at once where it would have rung meanwhile."""
    began = time.monotonic()
    left = interval = 0.0
    try:
        with _handled(signal.SIGALRM, handler):
            left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, again)
            try:
                yield
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:  # once the program's own handler is back
        if left > 0:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 1e-6), interval)


@contextlib.contextmanager
def _listening(pressed: list[int]) -> Iterator[None]:
    """Notes whether Ctrl-C was pressed: an import can raise KeyboardInterrupt by itself."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    handler = before

    def hear(number: int, frame: Any) -> None:
        pressed.append(number)
        handler(number, frame)

    with _handled(signal.SIGINT, hear):
        yield


class _Clock:
    """What an import has used of its time, looked at again and again in the thread that it runs in."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.began = self.moved = time.monotonic()
        self.first = self.used = time.thread_time()

    def over(self) -> str:
        """Why the import is to end, in words; empty while it may go on."""
        now, used = time.monotonic(), time.thread_time()
        if used - self.used > LEAST:  # since the last look: many of these together take longer
            self.moved = now
        self.used = used
        if used - self.first > self.seconds:
            return f"used more than {self.seconds:g} s of processor time"
        if now - self.moved > self.seconds:
            return f"used no processor time for {self.seconds:g} s"
        return f"took more than {FAR * self.seconds:g} s" if now - self.began > FAR * self.seconds else ""


@contextlib.contextmanager
def _limited(whose: str) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    clock, end, ignored, again = _Clock(_seconds()), os._exit, 0, 0.0

    def look(number: int, frame: Any) -> None:
        nonlocal ignored, again
        said = clock.over()
        if not said or time.monotonic() < again:
            return
        if ignored == MOST_IGNORED:
            text = f"[plugins] the import of {one_line(whose)} {said}"
            text += " and goes on whatever is raised in it; expected one that ends; fix or uninstall it\n"
            os.write(2, text.encode())
            end(ENDED)
        ignored, again = ignored + 1, time.monotonic() + 1
        raise _Stop(f"its import {said} (where a plugin needs that long, set {VARIABLE} to more)")

    pause = min(1.0, clock.seconds / 20)
    with _alarm(look, pause, pause):
        yield


def _seconds() -> float:
    try:
        given = float(os.environ.get(VARIABLE, ""))
    except ValueError:
        return SECONDS
    return given if 0 < given < 1e6 else SECONDS
