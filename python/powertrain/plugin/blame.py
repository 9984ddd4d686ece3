"""Whose fault an exception is: a plugin's that raised it, or the engine's."""

from __future__ import annotations

from pathlib import Path

from powertrain.plugin.importing import in_words
from powertrain.plugin.local import MODULE_PREFIX
from powertrain.plugin.registry import ENGINE, registry


def blame(error: BaseException) -> str | None:
    """What a person is told where a plugin's own code raised an exception; None where the engine's did.

    Libraries that either calls, such as NumPy, are passed over: the innermost caller of them counts.
    """
    owners = {plugin.module: plugin.distribution for plugin in registry().plugins() if plugin.distribution != ENGINE}
    found, trace = None, error.__traceback__
    while trace is not None:
        code, module = trace.tb_frame.f_code, str(trace.tb_frame.f_globals.get("__name__", ""))
        top = module.partition(".")[0]
        if top == ENGINE:
            found = None
        elif top in owners or module.startswith(MODULE_PREFIX):
            file = Path(code.co_filename).name
            found = (owners.get(top, f"./{file}"), f"{file}:{trace.tb_lineno}", code.co_name)
        trace = trace.tb_next
    if found is None:
        return None
    owner, line, function = found
    return (
        f"[plugin {owner}] {function} in {line} raised {in_words(error)}; expected no exception, or one that says what "
        "to fix; the lines above show the calls"
    )
