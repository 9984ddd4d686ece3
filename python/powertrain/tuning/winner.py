"""The recipe of the best trial, as a file that stands by itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from powertrain.io.urls import as_text, located
from powertrain.plugin.params import parameters, params_of
from powertrain.recipe.toml import document

if TYPE_CHECKING:
    from powertrain.io.files import Files
    from powertrain.recipe import Recipe
    from powertrain.tuning.study import Trial


def write_recipe(recipe: Recipe, trial: Trial, files: Files, words: str) -> str:
    """Write NAME-best.toml into a folder, with copies of the Python files that it uses; its name."""
    base = recipe.path.resolve().parent
    for use in recipe.uses():
        if use.file is not None:
            files.replace(use.file.path.relative_to(base).as_posix(), use.file.content)
    paths = {use.name: _paths(use.plugin) for use in recipe.uses()}
    tables = _from_anywhere(recipe.tables, paths, base)
    name = f"{recipe.name}-best.toml"
    files.replace(name, f"# {words}\n{document(tables)}".encode())
    return name


def _paths(plugin: Any) -> frozenset[str]:
    """The parameters of a plugin that are paths."""
    fields = parameters(params_of(plugin))
    return frozenset(field.name for field in fields if Path in (field.type, *get_args(field.type)))


def _from_anywhere(value: Any, paths: Mapping[str, frozenset[str]], base: Path) -> Any:
    """Tables whose relative paths, which are seen from the recipe's folder, are whole ones."""
    if isinstance(value, list):
        return [_from_anywhere(one, paths, base) for one in value]
    if not isinstance(value, Mapping):
        return value
    # The weights that a model begins with are the engine's own key of its table.
    known = {"weights", *paths.get(str(value.get("use")), ())} if "use" in value else frozenset()
    return {
        key: as_text(located(one, base)) if key in known and isinstance(one, str) else _from_anywhere(one, paths, base)
        for key, one in value.items()
    }
