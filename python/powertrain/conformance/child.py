"""The process in which a plugin is imported and examined. It answers with one line of JSON on a pipe of its own, since
a plugin may print whatever it likes; how it ends otherwise is the parent's to see."""

from __future__ import annotations

import faulthandler
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

# How an import was stopped from inside, by what its error says.
STOPPED = {"hang": "its import", "prints": "it printed", "exit": "os._exit"}


def main() -> None:
    request = json.loads(sys.stdin.read())
    faulthandler.enable()
    sys.path[:] = request["path"]
    answer = {"probe": probe, "examine": examine, "digest": digest}[request["task"]](request)
    with os.fdopen(request["answer"], "w") as pipe:
        json.dump(answer, pipe, allow_nan=False)
    sys.stdout.flush()
    os._exit(0)  # threads and exit handlers of a plugin have nothing to say any more


def probe(request: dict[str, Any]) -> list[dict[str, str]]:
    """Import each entry: what went wrong, by its name."""
    from powertrain.plugin.registry import Plugin, PluginError

    answers = []
    for entry in request["entries"]:
        try:
            Plugin(**entry).load()
            answers.append({"cause": ""})
        except PluginError as error:
            answers.append({"cause": str(error)})
    return answers


def digest(request: dict[str, Any]) -> str:
    """What the data of a plugin come to, built here; empty where they cannot be."""
    import importlib

    from powertrain.conformance.data import digest_of
    from powertrain.conformance.finding import Subject
    from powertrain.conformance.parameters import cases

    try:
        plugin: Any = importlib.import_module(request["module"])
        for name in request["name"].split("."):
            plugin = getattr(plugin, name)
        params = cases(Subject("data", request["name"], plugin, None, ""))[request["case"]]
        return digest_of(plugin.build(params, Path(request["folder"])))
    except Exception:  # such as a class that was made in a function: what another process cannot build is no fault
        return ""


def examine(request: dict[str, Any]) -> list[dict[str, str]]:
    """The findings of one plugin, each once: a fault shows on several inputs."""
    from dataclasses import asdict

    return [asdict(finding) for finding in dict.fromkeys(findings(request["entry"]))]


def findings(entry: dict[str, str]) -> Iterator[Any]:
    from powertrain.conformance import parameters, usage
    from powertrain.conformance.finding import BrokenError, Finding, Subject, source_line
    from powertrain.plugin.importing import in_words
    from powertrain.plugin.params import params_of
    from powertrain.plugin.protocols import unfit
    from powertrain.plugin.registry import Plugin, PluginError

    plugin = Plugin(**entry)
    try:
        loaded = plugin.load()
    except PluginError as error:
        cause = str(error.__cause__ and in_words(error.__cause__)).splitlines()[0]
        stopped = next((code for code, words in STOPPED.items() if words in str(error)), "import")
        kind = {"SystemExit": "exit", "_Stop": stopped}.get(type(error.__cause__).__name__, "import")
        text = f"importing {plugin.target} failed: {cause.removeprefix('_Stop: ')}"
        yield Finding(kind, f"plugin {plugin.full_name}", text, "a plugin that can be imported", "fix the import")
        return
    where = f"{plugin.full_name}{source_line(loaded)}"
    check = check_of(plugin.group)
    subject = Subject(plugin.group, plugin.full_name, loaded, None, where)
    if check is None:
        return
    if plugin.group == "recipe":
        yield from check(subject)
        return
    try:
        if plugin.group == "kernel":
            yield from check(subject)
            return
        if text := unfit(plugin.group, loaded, plugin.name):
            received, _, rest = text.partition("; expected ")
            expected, _, fix = rest.partition("; ")
            raise BrokenError(subject.finding("protocol", received, expected, fix))
        yield from parameters.check_parameters(subject)
        found = False
        with usage.reads(params_of(loaded)) as read:
            for params in parameters.cases(subject):
                for one in check(Subject(plugin.group, plugin.full_name, loaded, params, where)):
                    found = True
                    yield one
        if not found:
            yield from usage.unread(subject, read)
    except BrokenError as broken:
        yield broken.finding
    except SystemExit as error:
        yield subject.finding(
            "exit",
            f"it called sys.exit({error.code!r})",
            "an exception that says what is wrong",
            "raise ValueError instead",
            error,
        )
    except Exception as error:
        yield subject.raised("it", error)


# The modules of the checks of each group, of which a process needs one.
CHECKS = {
    "model": "models",
    "loss": "losses",
    "metric": "metrics",
    "data": "data",
    "transform": "transforms",
    "strategy": "strategies",
    "optimizer": "optimizers",
    "schedule": "schedules",
    "callback": "callbacks",
    "env": "envs",
    "recipe": "recipes",
    "kernel": "kernels",
    "backend": "backends",
    "task": "tasks",
    "exporter": "exporters",
}


def check_of(group: str) -> Callable[..., Iterator[Any]] | None:
    """What examines the plugins of a group."""
    import importlib

    if group not in CHECKS:
        return None
    module = importlib.import_module(f"powertrain.conformance.{CHECKS[group]}")
    check: Callable[..., Iterator[Any]] = getattr(module, f"check_{group}")
    return check


if __name__ == "__main__":
    main()
