"""Whose fault an exception is: a plugin's that raised it, or the engine's. Where in a plugin a call was refused."""

from __future__ import annotations

import dis
import functools
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any, NamedTuple

from powertrain._core import Error
from powertrain.plugin.importing import in_words
from powertrain.plugin.local import MODULE_PREFIX
from powertrain.plugin.registry import ENGINE, registry

# Where errors are made that speak of recipes, files and runs: to those who train, not to those who write plugins.
_TO_USERS = tuple(f"{ENGINE}.{room}." for room in ("data", "io", "plugin", "recipe", "train"))
_RAISES = dis.opmap["RAISE_VARARGS"]


class Place(NamedTuple):
    """A line of a plugin's code that an exception passed."""

    owner: str
    line: str
    function: str
    raised: bool  # by a `raise` of its own


def blame(error: BaseException) -> str | None:
    """What a person is told where a plugin's own code raised an exception; None where the engine's did.

    Libraries that either calls, such as NumPy, are passed over: the innermost caller of them counts.
    """
    found = None
    for place in _places(error.__traceback__):
        found = place
    if found is None:
        return None
    return (
        f"[plugin {found.owner}] {found.function} in {found.line} raised {in_words(error)}; expected no exception, or "
        "one that says what to fix; the lines above show the calls"
    )


def called_from(error: BaseException) -> str:
    """`; at loss.py:4 in focal`, the line of a plugin whose call the engine refused; nothing where there is none, or
    where the text has it."""
    if not isinstance(error, Error) or type(error).__module__.startswith(_TO_USERS):
        return ""
    places = [place for place in _places(error.__traceback__) if place is not None]
    if not places or places[-1].raised or places[-1].line in str(error):
        return ""
    return f"; at {places[-1].line} in {places[-1].function}"


def written_in(function: Callable[..., Any]) -> str:
    """`focal in loss.py:9`: a function, or an object that is called like one, and where it is written."""
    while isinstance(function, functools.partial):
        function = function.func
    called = function if inspect.isroutine(function) else type(function).__call__
    name = getattr(function, "__qualname__", type(function).__name__).rpartition("<locals>.")[2]
    code = getattr(inspect.unwrap(called), "__code__", None)
    return f"{name} in {Path(code.co_filename).name}:{code.co_firstlineno}" if isinstance(code, CodeType) else name


def _places(trace: TracebackType | None) -> Iterator[Place | None]:
    """The lines of plugins that an exception passed, outermost first, and None for those of the engine."""
    owners = {plugin.module: plugin.distribution for plugin in registry().plugins() if plugin.distribution != ENGINE}
    while trace is not None:
        code, module = trace.tb_frame.f_code, str(trace.tb_frame.f_globals.get("__name__", ""))
        top = module.partition(".")[0]
        if top == ENGINE:
            yield None
        elif top in owners or module.startswith(MODULE_PREFIX):
            file = Path(code.co_filename).name
            raised = code.co_code[trace.tb_lasti] == _RAISES
            yield Place(owners.get(top, f"./{file}"), f"{file}:{trace.tb_lineno}", code.co_name, raised)
        trace = trace.tb_next
