"""The folder of a run: which recipe made it, with which versions, and what came out."""

from __future__ import annotations

import contextlib
import fcntl
import json
import platform
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain import _core
from powertrain.train.checkpoint import Checkpoints, write_durably
from powertrain.train.ledger import finite

if TYPE_CHECKING:
    from powertrain.recipe import Recipe

# What may differ between a run and its resumption: how long, how fast and how it is judged; not what is trained.
FREE = ("run.until", "run.stop", "run.workers", "run.threads", "run.save_seconds", "expect", "report")


class RunError(_core.Error):
    """A folder that cannot be used as asked."""


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = Checkpoints(path / "checkpoints")
        self._lock: Any = None

    @property
    def started(self) -> bool:
        return (self.path / "run.json").is_file()

    def lock(self) -> None:
        """Only one process may train in a folder."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._lock = (self.path / ".lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(
                f"[{self.path}] another process is training here; expected a free folder; wait for it, or give "
                "--run another folder"
            ) from error

    def unlock(self) -> None:
        if self._lock is None:
            return
        if not self.started:  # a folder in which nothing began would pass for a run
            (self.path / ".lock").unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # what else is in it is not ours
                self.path.rmdir()
        self._lock.close()
        self._lock = None

    def begin(self, recipe: Recipe) -> None:
        """Write down what is about to be trained, with copies of the files that it uses."""
        for use in recipe.uses():
            if use.file is not None:
                target = self.path / use.file.path.relative_to(recipe.path.resolve().parent)
                target.parent.mkdir(parents=True, exist_ok=True)
                write_durably(target, use.file.content)
        write_durably(self.path / "recipe.toml", recipe.text.encode())
        write_durably(self.path / "run.lock", _json(versions(recipe)))
        about = {
            "recipe": recipe.name,
            "base": str(recipe.path.resolve().parent),
            "overrides": list(recipe.overrides),
            "tables": recipe.tables,
        }
        write_durably(self.path / "run.json", _json(about))  # last: with it the folder is a run

    def about(self) -> dict[str, Any]:
        try:
            about: dict[str, Any] = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(
                f"[{self.path}] it holds no run; expected a folder that powertrain train made; see powertrain runs"
            ) from error
        return about

    def compare(self, recipe: Recipe) -> None:
        """Refuse to resume with another recipe: the numbers would belong to neither."""
        before, now = dict(_leaves(self.about()["tables"])), dict(_leaves(json.loads(_json(recipe.tables))))
        changed = [
            f"{key} was {json.dumps(before.get(key))}, is {json.dumps(now.get(key))}"
            for key in sorted({*before, *now})
            if before.get(key) != now.get(key) and not key.startswith(FREE)
        ]
        try:
            locked = json.loads((self.path / "run.lock").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(
                f"[{self.path / 'run.lock'}] it cannot be read; expected the versions that made it; bring it back, "
                "or begin a new run without --resume"
            ) from error
        files = {use["file"]: use["sha256"] for use in locked["uses"] if "file" in use}
        for use in recipe.uses():
            if use.file is not None and files.get(use.file.path.name, use.file.sha256) != use.file.sha256:
                changed.append(f"{use.file.path.name} is not the file that the run began with")
        if changed:
            raise RunError(
                f"[{self.path}] the recipe has changed since this run began: {'; '.join(changed)}; expected the same "
                "recipe; undo the change, or begin a new run without --resume"
            )

    def finish(self, results: Mapping[str, Any]) -> None:
        write_durably(self.path / "results.json", _json(results))

    def results(self) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = json.loads((self.path / "results.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found


def versions(recipe: Recipe) -> dict[str, Any]:
    """What run.lock holds: everything whose version could change the numbers."""
    import numpy

    import powertrain as pt

    return {
        "powertrain": getattr(pt, "__version__", "unknown"),
        "isa": pt.isa(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "system": f"{platform.system()} {platform.machine()}",
        **_of_backend(recipe),
        "uses": [{"group": use.group, **use.origin} for use in recipe.uses()],
        "command": sys.argv[1:],
    }


def _of_backend(recipe: Recipe) -> dict[str, str]:
    """What a backend says that its numbers depend on, such as the version of a compiler."""
    use = recipe.run.backend
    if use is None:
        return {}
    made = use.plugin(use.params)
    return {"backend": str(made.version())} if hasattr(made, "version") else {}


def new_folder(root: Path, name: str) -> Path:
    """runs/NAME-1, runs/NAME-2, ..."""
    return root / f"{name}-{max([0, *_numbers(root, name)]) + 1}"


def latest_folder(root: Path, name: str) -> Path | None:
    """The newest run of a recipe."""
    numbers = [number for number in _numbers(root, name) if (root / f"{name}-{number}" / "run.json").is_file()]
    return root / f"{name}-{max(numbers)}" if numbers else None


def _numbers(root: Path, name: str) -> list[int]:
    if not root.is_dir():
        return []
    found = (re.fullmatch(rf"{re.escape(name)}-(\d+)", path.name) for path in root.iterdir())
    return [int(match[1]) for match in found if match]


def _leaves(tables: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if isinstance(tables, Mapping):
        return [leaf for key, value in tables.items() for leaf in _leaves(value, f"{prefix}.{key}" if prefix else key)]
    return [(prefix, tables)]


def _json(value: Any) -> bytes:
    return (json.dumps(finite(value), indent=1, ensure_ascii=False, default=str) + "\n").encode()
