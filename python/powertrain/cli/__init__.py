"""The command `powertrain`. A verb is a module of this folder, imported when it is given, so that --help is quick."""

from __future__ import annotations

import argparse
import errno
import gc
import signal
import sys
from collections.abc import Callable, Sequence

from powertrain.cli.exit_codes import BY_SIGNAL, FINE, OURS, USER
from powertrain.cli.parser import parser
from powertrain.errors.modules import answer_calls
from powertrain.io.console import complain, say, silence
from powertrain.io.named import resolve

# What the system says where a stream or a file takes no more: its disk is full, or its terminal is gone.
_NO_PLACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; the exit code is 0 fine, 1 an expectation missed, 2 the user's mistake, 3 ours, or above 128 what
    a signal ended."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["bench"]:  # it reads its own arguments
        return _guarded(lambda: _bench(given[1:]))
    takes = parser()
    options, unknown = takes.parse_known_args(given)
    if unknown:
        from powertrain.cli.unknown import refusal

        complain(refusal(options, unknown))
        return USER
    if options.version:
        from powertrain.cli.version import version

        say(version())
        return FINE
    if options.verb is None:
        takes.print_help()
        return FINE
    return _guarded(lambda: _act(options, own_process=arguments is None))


def _act(options: argparse.Namespace, own_process: bool) -> int:
    return int(_verb(options.action, own_process)(options))


def _verb(action: str, own_process: bool) -> Callable[[argparse.Namespace], int]:
    """What a verb does. Modules are not garbage: to look for some took an eighth of the time of their import, and half
    of the time of the end of a process that has no other purpose."""
    collects = gc.isenabled()
    gc.disable()
    try:
        found: Callable[[argparse.Namespace], int] = resolve(f"powertrain.cli.{action}")
        return found
    finally:
        if own_process:
            gc.freeze()
        if collects:
            gc.enable()


def _bench(arguments: list[str]) -> int:
    from powertrain.cli.bench import main as bench

    return int(bench(arguments) or 0)


def _guarded(action: Callable[[], int]) -> int:
    """Run an action; mistakes of the user become one message, ours a traceback and how to report it."""
    try:
        code = action()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as error:
        complain("stopped; what was saved is kept, and powertrain train with --resume continues from there")
        return BY_SIGNAL + (error.args[0] if error.args else signal.SIGINT)
    except BrokenPipeError:
        silence(sys.stdout)  # the reader went away, for example `head`; nothing is left to say
        return BY_SIGNAL + signal.SIGPIPE
    except Exception as error:
        from powertrain.plugin.blame import blame, called_from

        if said := _users(error):
            complain(said + called_from(error))
            if isinstance(error, OSError) and error.filename is None:
                silence(sys.stdout)  # what is left in its buffer has no place either
            return USER
        import traceback

        complain(traceback.format_exc().rstrip())
        if told := blame(error):
            complain(told)
            return USER
        complain("this is a bug in powertrain; please report it with the lines above")
        return OURS


def _users(error: Exception) -> str:
    """What an error says that the user can fix; nothing where it is none of those."""
    ours = any(kind.__module__.startswith("powertrain") for kind in type(error).__mro__)
    if isinstance(error, OSError) and error.filename is None:
        wanted = "expected a place for what is printed or written; free some space, or choose another place"
        return f"[output] {error.strerror}; {wanted}" if error.errno in _NO_PLACE else ""
    if isinstance(error, OSError):
        name = str(error.filename)
        name = name if len(name) <= 200 else f"{name[:197]}..."
        lacking = _left_out(error)
        if lacking is None and ours:
            return str(error)  # it says more
        expected, fix = lacking or ("a path that can be read or written", "check it and its rights")
        return f"[{name}] {error.strerror}; expected {expected}; {fix}"
    if ours and (str(error).startswith("[") or type(error).__name__ == "PluginError"):
        return str(error)
    if isinstance(error, MemoryError):
        return f"[memory] {error}; expected sizes that fit; use a smaller batch or model"
    return ""


def _left_out(error: OSError) -> tuple[str, str] | None:
    if error.errno != errno.ENOENT:
        return None  # who has lost rights, for one, may not be able to import anything
    from powertrain.plugin.packaged import left_out

    return left_out(error)


answer_calls(__name__)
