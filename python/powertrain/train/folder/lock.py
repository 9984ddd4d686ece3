"""run.lock: the versions and the code that a run began with, and how those of today differ from them."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import powertrain as pt
from powertrain.io.console import one_line
from powertrain.io.files import Files, FolderError
from powertrain.io.inputs import read_file
from powertrain.io.records import MisfitError, from_json
from powertrain.plugin.registry import ENGINE, registry
from powertrain.plugin.trust import LOCK_SHAPE

if TYPE_CHECKING:
    from powertrain.recipe import Recipe, Use

LOCK = "run.lock"
CODE = (".py", ".so", ".c", ".h", ".cpp", ".hpp", ".cu", ".cuh")
# What changes the numbers of a run beside its plugins; other things in run.lock do not.
COMPARED = ("powertrain", "numpy", "backend")


def versions(recipe: Recipe) -> dict[str, Any]:
    """What run.lock holds: everything whose version could change the numbers."""
    return {
        "powertrain": getattr(pt, "__version__", "unknown"),
        "isa": pt.isa(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        **_of_backend(recipe),
        "uses": [{"group": use.group, **use.origin, **_code_of(use)} for use in recipe.uses()],
        "command": sys.argv[1:],
    }


def _of_backend(recipe: Recipe) -> dict[str, str]:
    """What a backend says that its numbers depend on, such as the version of a compiler."""
    use = recipe.run.backend
    if use is None:
        return {}
    version = str(use.plugin.build(use.params).version())
    return {"backend": version} if version else {}


def _code_of(use: Use) -> dict[str, str]:
    """The SHA-256 of the sources in the package of a plugin; the engine's own go by their version."""
    if use.entry is None or use.entry.distribution == ENGINE:
        return {}
    spec = importlib.util.find_spec(use.entry.module)
    if spec is None:
        return {}
    digest = hashlib.sha256()
    for root in map(Path, spec.submodule_search_locations or [spec.origin or ""]):
        found = sorted(root.rglob("*")) if root.is_dir() else [root]
        for path in found:
            if path.suffix in CODE and path.is_file():
                digest.update(f"{path.relative_to(root.parent).as_posix()}\0".encode() + read_file(path))
    return {"code": digest.hexdigest()}


def differences(files: Files, recipe: Recipe) -> list[str]:
    """What has another version or other code than when the run began; nothing where all is the same."""
    before, now = read(files), versions(recipe)
    said = [f"{name} {before[name]} is {now[name]} now" for name in COMPARED
            if isinstance(before.get(name), str) and name in now and before[name] != now[name]]  # fmt: skip
    known = {(use["group"], use["use"]): use for use in before["uses"]}
    for use in now["uses"]:
        old, whose = known.get((use["group"], use["use"]), {}), use.get("distribution")
        if whose in (None, ENGINE) or "version" not in old:
            continue
        was, now_is = (f"{one.get('distribution')} {one['version']}" for one in (old, use))
        if was != now_is:
            said.append(f"{was} is {now_is} now")
        elif "code" in old and old["code"] != use.get("code"):
            said.append(f"the code of {now_is} was edited")
    return [one_line(text) for text in dict.fromkeys(said)]


@contextlib.contextmanager
def naming_not_installed(folder: Path | None) -> Iterator[None]:
    """Add to what is wrong with the recipe of a run which distributions of its run.lock are not installed; nothing
    without the folder of a run."""
    from powertrain.recipe import RecipeError

    try:
        yield
    except RecipeError as error:
        if folder is None:
            raise
        lines = [
            f"[{folder / LOCK}] the run was trained with {name} {version}, which is not installed; expected its "
            f"plugins; if you trust them: pip install {name}=={version}"
            for name, version in dict.fromkeys((name, version) for _, name, version in not_installed(Files(folder)))
        ]
        if not lines:
            raise
        raise RecipeError([*error.lines, *lines]) from error


def not_installed(files: Files) -> list[tuple[str, str, str]]:
    """Plugins that the run was trained with and that are not installed: the group, the distribution and its version."""
    installed = {plugin.distribution for plugin in registry().plugins()}
    found = []
    for use in read(files)["uses"]:
        name, version = str(use.get("distribution", "")), str(use.get("version", ""))
        plain = re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,99} [0-9][A-Za-z0-9.+!-]{0,49}", f"{name} {version}")
        if plain and name not in installed:  # a stranger may have written it: what follows is a command
            found.append((use["group"], name, version))
    return found


def read(files: Files) -> Mapping[str, Any]:
    """What run.lock holds; without plugins where it cannot be read, which others say."""
    try:
        found: Mapping[str, Any] = from_json(files.read(LOCK), LOCK_SHAPE)
    except (OSError, MisfitError, FolderError):
        return {"uses": []}
    return found
