"""Which runs are to be served: from the command line, or from a TOML file that can be read again."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from powertrain.models import resolved
from powertrain_serve.errors import ServeError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MOST_BYTES = 1 << 20
_REGISTRY = "models:/"  # how names of the registry begin, which `resolved` makes folders of
_EXAMPLE = '[models.digits] versions = { 1 = "runs/digits-1" }, live = "1"'
_KEYS = ("versions", "live", "aliases", "canary", "shadow")


@dataclass(frozen=True)
class Wanted:
    """One model: the folder of each version, and who gets the traffic."""

    versions: Mapping[str, Path]
    live: str
    aliases: Mapping[str, str] = field(default_factory=dict)
    canary: tuple[str, float] | None = None
    shadow: tuple[str, float] | None = None


def of_arguments(runs: Sequence[str]) -> dict[str, Wanted]:
    """Runs as the command takes them: DIR or models:/NAME, or NAME= before it; each is version 1 of its name."""
    found: dict[str, Wanted] = {}
    for text in runs:
        name, equals, folder = text.partition("=")
        path = Path(folder if equals else text)
        name = name if equals else _name_of(path)
        _demand_name(name, f"serve {text}")
        if name in found:
            raise ServeError(f"[serve {text}] two runs are called {name}; expected a name for each; write OTHER={path}")
        found[name] = Wanted({"1": path}, "1")
    return found


def _name_of(path: Path) -> str:
    """What a model is called: as its folder is; in the registry as the folder of its versions."""
    return resolved(path).parent.name if str(path).startswith(_REGISTRY) else path.resolve().name


def of_file(path: Path) -> dict[str, Wanted]:
    """The tables [models.NAME] of a TOML file; folders count from where it lies, and models:/NAME@ALIAS
    names one of the registry."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ServeError(f"[serve {path}] more than a megabyte; expected tables as {_EXAMPLE}; shorten it")
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise ServeError(f"[serve {path}] {said}; expected a TOML file; check it") from None
    models = tables.pop("models", None)
    if tables or not isinstance(models, dict) or not models:
        raise ServeError(
            f"[serve {path}] {', '.join(tables) or 'no models'}; expected tables [models.NAME] alone; for example "
            f"{_EXAMPLE}"
        )
    return {name: _wanted(name, table, path) for name, table in models.items()}


def _wanted(name: str, table: Any, path: Path) -> Wanted:
    where = f"serve {path} models.{name}"
    _demand_name(name, where)
    if not isinstance(table, dict) or set(table) - set(_KEYS):
        unknown = sorted(set(table) - set(_KEYS)) if isinstance(table, dict) else [repr(table)]
        raise ServeError(f"[{where}] {', '.join(unknown)}; expected {', '.join(_KEYS)}; check the names")
    versions = _texts(table.get("versions", {}), where, "versions", '{ 1 = "runs/digits-1" }')
    if not versions:
        raise ServeError(f'[{where}] no versions; expected one or more; write versions = {{ 1 = "runs/digits-1" }}')
    for version in versions:
        _demand_name(version, where)
    live = table.get("live", next(iter(versions)) if len(versions) == 1 else None)
    aliases = _texts(table.get("aliases", {}), where, "aliases", '{ stable = "1" }')
    named: list[tuple[str, Any]] = [("live", live), *((f"aliases.{alias}", one) for alias, one in aliases.items())]
    for what, one in named:
        _demand_version(one, versions, f"{where}.{what}")
    for alias in aliases:
        _demand_name(alias, where)
        if alias in versions:
            raise ServeError(f"[{where}.aliases] {alias} is a version too; expected a name of its own; rename it")
    folders = {
        version: Path(folder) if folder.startswith(_REGISTRY) else path.parent / folder
        for version, folder in versions.items()
    }
    shares = {what: _share(table.get(what), versions, f"{where}.{what}") for what in ("canary", "shadow")}
    return Wanted(folders, str(live), aliases, **shares)


def _demand_name(name: str, where: str) -> None:
    if not 0 < len(name) <= 80 or not all(sign.isascii() and (sign.isalnum() or sign in "._-") for sign in name):
        raise ServeError(
            f"[{where}] the name {name[:80]!r}; expected up to 80 letters, digits and . _ -, since it stands in "
            "addresses; write NAME=DIR"
        )


def _texts(value: Any, where: str, what: str, example: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ServeError(f"[{where}.{what}] {value!r}; expected a table of texts; write {what} = {example}")
    return value


def _demand_version(version: Any, versions: Mapping[str, Any], where: str) -> None:
    if not isinstance(version, str) or version not in versions:
        raise ServeError(f"[{where}] {version!r}; expected one of {', '.join(versions)}; name one of the versions")


def _share(value: Any, versions: Mapping[str, Any], where: str) -> tuple[str, float] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"version", "percent"}:
        raise ServeError(f'[{where}] {value!r}; expected both keys; write {{ version = "2", percent = 5 }}')
    _demand_version(value["version"], versions, where)
    percent = value["percent"]
    if isinstance(percent, bool) or not isinstance(percent, (int, float)) or not 0 <= percent <= 100:
        raise ServeError(f"[{where}] percent = {percent!r}; expected a number from 0 to 100; for example 5")
    return value["version"], float(percent)
