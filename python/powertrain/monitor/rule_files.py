"""Rules in a TOML file: tables [[rule]] that look at windows, and [[detector]] that look at every example."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from powertrain.io.inputs import read_file
from powertrain.monitor.errors import MonitorError
from powertrain.monitor.rules import Rule
from powertrain.monitor.stream_rules import ERROR, DetectorRule
from powertrain.plugin.wording import suggestion

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_MOST_BYTES = 1 << 20
_TABLES = ("rule", "detector")


def read_rules(path: str | Path) -> tuple[Rule | DetectorRule, ...]:
    """The rules of a TOML file: a table [[rule]] for each, with the fields of `Rule`, or [[detector]] with `name`,
    `use`, `of` and the settings of the detector.

    Errors    a file that is no TOML; a rule with a field or a value that there is not
    Example
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "rules.toml"
        >>> _ = path.write_text('[[rule]]\\nname = "ages"\\nwatch = "psi"\\nfeature = "age"\\nabove = 0.25')
        >>> pt.monitor.read_rules(path)[0].above
        0.25
    """
    where = f"rules {path}"
    try:
        tables = tomllib.loads(read_file(path, _MOST_BYTES).decode())
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise MonitorError(f"[{where}] {said}; expected a TOML file with tables [[rule]]; check the file") from error
    good = bool(tables) and set(tables) <= set(_TABLES)
    if not good or not all(_is_list_of_tables(given) for given in tables.values()):
        named = ", ".join(tables) or "nothing"
        raise MonitorError(f"[{where}] it has {named}; expected tables [[rule]] or [[detector]]; add one")
    rules = [_rule(one, where) for one in tables.get("rule", ())]
    return (*rules, *(_detector(one, where) for one in tables.get("detector", ())))


def _is_list_of_tables(given: object) -> bool:
    return isinstance(given, list) and all(isinstance(one, Mapping) for one in given)


def _rule(table: Mapping[str, Any], where: str) -> Rule:
    kinds = {one.name: (int if one.type == "int" else float if "float" in str(one.type) else str)
             for one in dataclasses.fields(Rule)}  # fmt: skip
    for name, value in table.items():
        kind = kinds.get(name)
        if kind is None:
            raise MonitorError(
                f"[{where}] no field {name}; expected one of {', '.join(kinds)}{suggestion(name, kinds)}"
            )
        right = isinstance(value, (int, float) if kind is float else kind) and not isinstance(value, bool)
        if not right:
            wanted = {int: "a whole number", float: "a number", str: "a text"}[kind]
            raise MonitorError(f"[{where}] {name} = {value!r}; expected {wanted}; correct it")
    lacking = [name for name in ("name", "watch") if name not in table]
    if lacking:
        raise MonitorError(f"[{where}] a rule without {lacking[0]}; expected that field; add it")
    return Rule(**table)


def _detector(table: Mapping[str, Any], where: str) -> DetectorRule:
    for name in ("name", "use", "of"):
        value = table.get(name, ERROR if name == "of" else None)
        if value is None:
            raise MonitorError(f"[{where}] a detector without {name}; expected that field; add it")
        if not isinstance(value, str):
            raise MonitorError(f"[{where}] {name} = {value!r}; expected a text; correct it")
    settings = {name: value for name, value in table.items() if name not in ("name", "use", "of")}
    return DetectorRule(table["name"], table["use"], table.get("of", ERROR), settings)
