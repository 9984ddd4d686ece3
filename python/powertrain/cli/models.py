"""`powertrain models`: the registry of trained models."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from powertrain.cli.exit_codes import FINE
from powertrain.io.console import one_line, say
from powertrain.io.plain_json import dumps
from powertrain.models import Registry, RegistryError, Version, open_registry


def models(options: argparse.Namespace) -> int:
    registry = open_registry(options.folder)
    {"list": _list, "register": _register, "promote": _promote, "rollback": _rollback, "history": _history}[
        options.what
    ](registry, options)
    return FINE


def _list(registry: Registry, options: argparse.Namespace) -> None:
    names = [options.name] if options.name else registry.names()
    found = [version for name in names for version in registry.versions(name)]
    if options.json:
        say(dumps([_table(one) for one in found]))
        return
    for one in found:
        say(_line(one))
    if not found:
        say(f"no models in {registry.place}; begin with: powertrain models register NAME RUN")


def _register(registry: Registry, options: argparse.Namespace) -> None:
    if options.which is None:
        raise RegistryError("[models register] received no run; expected the folder of one; powertrain runs lists them")
    _say(registry.register(_name(options), Path(options.which), alias=options.alias, why=options.why), options)


def _promote(registry: Registry, options: argparse.Namespace) -> None:
    chosen = options.which or "challenger"
    _say(registry.promote(_name(options), chosen, alias=options.alias or "champion", why=options.why), options)


def _rollback(registry: Registry, options: argparse.Namespace) -> None:
    _say(registry.rollback(_name(options), why=options.why), options)


def _history(registry: Registry, options: argparse.Namespace) -> None:
    for line in registry.history(options.name):
        if options.json:
            say(dumps(line))
            continue
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(line["time"]))
        what = f"registered {line['run']}" if line["event"] == "register" else f"is {line.get('alias')}"
        why = f": {line['why']}" if line.get("why") else ""
        say(one_line(f"{at}  {line['name']}/{line['version']}  {what}{why}"))


def _name(options: argparse.Namespace) -> str:
    if options.name is None:
        raise RegistryError(f"[models {options.what}] received no name; expected that of a model; for example fraud")
    return str(options.name)


def _say(version: Version, options: argparse.Namespace) -> None:
    say(dumps(_table(version)) if options.json else _line(version))


def _line(version: Version) -> str:
    values = "  ".join(f"{name} {value:.4g}" for name, value in version.values.items())
    return one_line(f"{version.name:<16} {version.number:>4}  {', '.join(version.aliases):<24} {version.run}  {values}")


def _table(version: Version) -> dict[str, Any]:
    return {**vars(version), "uri": version.uri, "aliases": list(version.aliases)}
