"""The text of a recipe: found by name or path, read with care, parsed, with `--set` changes laid over it."""

from __future__ import annotations

import errno
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from powertrain import _core
from powertrain.io.inputs import read_file
from powertrain.io.plain_number import plain_number
from powertrain.io.printable import printable
from powertrain.plugin.conversion import Mistake
from powertrain.plugin.registry import PluginError, Registry
from powertrain.plugin.wording import show, suggestion
from powertrain.recipe.locate import locate
from powertrain.recipe.toml import document, is_plain
from powertrain.recipe.values import DEEPEST, LARGEST, TOO_DEEP, demand_depth, demand_short_keys, strange_values

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MOST_BYTES = 1 << 20


class RecipeError(_core.Error):
    """Everything that is wrong with a recipe, one line each."""

    def __init__(self, lines: Sequence[str]) -> None:
        # Names and values in them come from files: nothing of them may move a terminal's cursor.
        self.lines = tuple(printable(line) for line in lines)
        super().__init__("\n".join(self.lines))


@dataclass
class Source:
    """A parsed recipe and where its keys stand."""

    path: Path
    text: str
    tables: dict[str, Any]
    lines: dict[tuple[str | int, ...], int]
    overridden: set[tuple[str | int, ...]] = field(default_factory=set)
    given_by: str = "--set "  # what gave the overrides, in front of their keys; in Python they are arguments

    def place(self, path: tuple[str | int, ...]) -> str:
        """`digits.toml:4 model.chanels`, or `--set model.chanels` for what the command line gave."""
        dotted = ".".join(_short(str(key)) for key in path)
        if any(path[: len(given)] == given for given in self.overridden):
            return f"{self.given_by}{dotted}"
        known = (path[:length] for length in range(len(path), 0, -1) if path[:length] in self.lines)
        nearest = next(known, None)
        line = f":{self.lines[nearest]}" if nearest is not None else ""
        return f"{self.path.name}{line} {dotted}".rstrip()

    def say(self, mistakes: Iterable[Mistake]) -> list[str]:
        """The mistakes as lines, in the order of the file."""
        ordered = sorted(mistakes, key=lambda mistake: self._line(mistake.path))
        return [f"[{self.place(mistake.path)}] {mistake.text}" for mistake in ordered]

    def _line(self, path: tuple[str | int, ...]) -> int:
        lines = (self.lines[path[:length]] for length in range(len(path), 0, -1) if path[:length] in self.lines)
        return next(lines, 0)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."


def find(name: str, registry: Registry) -> Path:
    """The file of a recipe, given as a path or as the name of an installed one."""
    if not name.strip():
        text = "[recipe] received no name; expected the name or the path of a recipe; see powertrain recipes"
        raise RecipeError([text])
    path = Path(name)
    try:
        there, folder = path.exists(), path.is_dir()
    except (OSError, ValueError) as error:  # a name that is too long, or holds a NUL
        raise RecipeError([f"[{name[:60]}] it cannot be a path: {error}; expected a recipe; check the path"]) from None
    if path.suffix == ".toml" or (there and not folder):
        if not there:
            raise RecipeError(
                [f"[{name}] there is no such file; expected a recipe; check the path ({path.absolute()})"]
            )
        return path
    if folder and (path / "recipe.toml").is_file():
        return path / "recipe.toml"
    try:
        return Path(str(registry.load("recipe", name)))
    except PluginError as error:
        near = [str(item) for item in sorted(Path().glob("*.toml"))]
        text = str(error) if str(error).startswith("[") else f"[{name}] {error}"
        hint = suggestion(f"{name}.toml", near) if "did you mean" not in text else ""
        raise RecipeError([f"{text}{hint}"]) from error


def read(path: Path) -> Source:
    """Read and parse a file; whatever is wrong with it as a text becomes one clear line."""
    name = path.name
    try:
        raw = read_file(path, MOST_BYTES)
    except OSError as error:
        if error.errno == errno.EFBIG:
            text = f"received more than {MOST_BYTES >> 10} KiB; expected a TOML file of a few lines; is it a data file?"
            raise RecipeError([f"[{name}] {text}"]) from None
        raise RecipeError([f"[{name}] it could not be read: {error.strerror}; expected a TOML file"]) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start} is not UTF-8; expected a TOML text; save it as UTF-8, or is it a binary file?"
        raise RecipeError([f"[{name}:{line}] {message}"]) from error
    if not text.strip():
        message = "the file is empty; expected the sections data, model, optimizer and run"
        raise RecipeError([f"[{name}] {message}; see powertrain recipes for examples"])
    try:
        demand_short_keys(text)
        tables = tomllib.loads(text)
        # Before anything walks the tables: functions that call themselves would end at Python's own limit.
        demand_depth(tables)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError alone
        raise RecipeError([_syntax(name, text, error)]) from error
    source = Source(path, text, tables, locate(text))
    if strange := [Mistake(place, said) for place, said in strange_values(tables)]:
        raise RecipeError(source.say(strange))
    return source


def of_tables(tables: Mapping[str, Any]) -> Source:
    """The recipe that a Python dictionary is. It stands in the folder in which the program runs."""
    try:
        demand_depth(tables)
    except RecursionError:
        raise RecipeError([f"[recipe] received tables {TOO_DEEP}; expected at most {DEEPEST} levels"]) from None
    made = _copied(tables)
    text = document(made) if is_plain(made) else ""
    source = Source(Path.cwd() / "recipe", text, made, {})
    if strange := [Mistake(place, said) for place, said in strange_values(made)]:
        raise RecipeError(source.say(strange))
    return source


def _copied(value: Any) -> Any:
    """Tables and lists that may be changed; other values as TOML has them, and objects as they are."""
    if isinstance(value, Mapping):
        return {str(key): _copied(one) for key, one in value.items()}
    if isinstance(value, list) or (isinstance(value, tuple) and is_plain(value)):
        return [_copied(one) for one in value]
    return str(value) if isinstance(value, Path) else plain_number(value)


def place(source: Source, keys: tuple[str | int, ...], value: Any) -> None:
    """Lay a Python value over the tables."""
    if problem := _place(source.tables, keys, value):
        raise RecipeError([f"[{'.'.join(map(str, keys))}] {problem}"])


def _syntax(name: str, text: str, error: Exception) -> str:
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    if found is None:
        end = text.rstrip().count("\n") + 1
        reason = str(error).replace("(at end of document)", "at the end of the file")
        reason = TOO_DEEP if isinstance(error, RecursionError) else reason
        reason = f"a number of too many digits; integers go to {LARGEST:,}" if "integer string" in reason else reason
        return f"[{name}:{end}] not valid TOML: {reason}; expected key = value; see toml.io"
    line, reason = int(found[1]), str(error)[: found.start()].strip()
    lines = text.splitlines()
    received = lines[line - 1].strip() if line <= len(lines) else ""
    received = _short(received)
    whole = lines[line - 1] if line <= len(lines) else ""
    wanted = _wanted(reason, whole[: int(found[2]) - 1], whole[int(found[2]) - 1 :])
    return f"[{name}:{line}] not valid TOML in column {found[2]}: {reason}; received {received}; expected {wanted}"


def _wanted(reason: str, before: str, rest: str) -> str:
    """What belongs where the reader stopped, for the ways in which people write what is no TOML."""
    if any(word in reason for word in ("overwrite", "twice", "Duplicate")):
        return "each name once; join the two"
    word = re.match(r"[\w./:-]+", rest)
    if rest.startswith(":") or (not before.strip() and rest.startswith("{")):
        return 'key = value, as in model = "mlp"; this is no YAML or JSON'
    if rest[:1] in ("\u201c", "\u201d", "\u2018", "\u2019"):
        return 'straight quotes, "'
    if word and word[0].lower() in ("true", "false"):
        return f"small letters; write {word[0].lower()}"
    if word and before.rstrip().endswith(("=", "[", ",")) and not word[0][0].isdigit():
        return f'a text in quotes; write "{word[0]}"'
    if "Illegal character" in reason and before.count('"') % 2:
        return 'a quote that ends the text; write "'
    return "key = value"


def override(source: Source, settings: Iterable[str]) -> None:
    """Lay `--set key.path=value` over the tables. A value is TOML; what is no TOML value is a text."""
    mistakes = []
    for setting in settings:
        key, equals, value = setting.partition("=")
        parts = key.strip().split(".")
        # An index of an array has few digits; what has more is a name, if it is anything.
        keys = tuple(int(part) if re.fullmatch("[0-9]{1,9}", part) else part for part in parts)
        fits = len(keys) <= DEEPEST and all(isinstance(part, int) or re.fullmatch(r"[\w@-]+", part) for part in keys)
        if not equals or not fits:
            mistakes.append(
                f"[{source.given_by}{setting[:60]}] expected KEY=VALUE, for example --set optimizer.lr=1e-3"
            )
            continue
        problem = _set(source.tables, keys, value)
        if problem:
            mistakes.append(f"[{source.given_by}{key.strip()}] {problem}")
        source.overridden.add(keys)
    if mistakes:
        raise RecipeError(mistakes)


def as_written(text: str) -> Any:
    """The value that a text means in `--set`: one of TOML, or else the text itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _set(tables: dict[str, Any], keys: tuple[str | int, ...], text: str) -> str:
    """Read a value and lay it over the tables; what is wrong with it, or nothing."""
    try:
        demand_short_keys(text)
        value = as_written(text)
    except (ValueError, RecursionError):
        return f"received {show(text)}; expected a value of TOML, of few digits and few levels"
    try:
        demand_depth(value)
    except RecursionError:
        return f"received a value {TOO_DEEP}; expected at most {DEEPEST} levels"
    if said := next((said for _, said in strange_values(value)), ""):
        return said
    return _place(tables, keys, value)


def _place(tables: Any, keys: tuple[str | int, ...], value: Any) -> str:
    here: Any = tables
    for at, key in enumerate(keys):
        if isinstance(here, list):
            if not isinstance(key, int) or key >= len(here):
                return f"received {key}; expected an index from 0 to {len(here) - 1}"
        elif isinstance(key, int):
            return f"{'.'.join(map(str, keys[:at])) or 'a recipe'} is no list; expected a name instead of {key}"
        if at == len(keys) - 1:
            here[key] = value
            return ""
        if isinstance(here, dict):
            here.setdefault(key, {})
        below = here[key]
        if isinstance(below, str):  # model = "cnn" is short for model = { use = "cnn" }
            below = here[key] = {"use": below}
        if not isinstance(below, (dict, list)):
            return f"{'.'.join(map(str, keys[: at + 1]))} is a single value; expected a table"
        here = below
    return ""
