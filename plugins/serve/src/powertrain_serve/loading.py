"""Loads what is wanted in the background, warms it up, and then swaps the table in one step.

Requests that were given a model keep it until they are answered; nothing of a table that is in use changes. If anything
cannot be loaded, the old table stays.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from powertrain.models import resolved
from powertrain_serve.errors import ServeError
from powertrain_serve.model import Model
from powertrain_serve.settings import Settings
from powertrain_serve.table import Share, Table, Versions
from powertrain_serve.wanted import Wanted
from powertrain_serve.writers import is_pretrained

Key = tuple[str, str, Path, int]


class Loader:
    """Keeps the table. `wanted` says what is to be in it, and is asked again by `reload`.

    >>> from powertrain_serve.wanted import of_arguments
    >>> Loader(Settings(), lambda: of_arguments(["digits=runs/digits-1"])).ready
    False
    """

    def __init__(self, settings: Settings, wanted: Callable[[], Mapping[str, Wanted]]) -> None:
        self.settings, self.wanted = settings, wanted
        self.table = Table({})
        self._loaded: dict[Key, Model] = {}
        self._one = threading.Lock()

    @property
    def ready(self) -> bool:
        return bool(self.table.names)

    def reload(self) -> list[str]:
        """Read again what is wanted, load what is new, swap; the names and versions that were loaded."""
        with self._one:
            wanted = self.wanted()
            loaded: dict[Key, Model] = {}
            for name, one in wanted.items():
                for version, given in one.versions.items():
                    folder = resolved(given)  # a name of the registry may stand for another version by now
                    key = (name, version, folder.resolve(), _saved(folder))
                    loaded[key] = self._loaded.get(key) or self._opened(name, version, folder)
            new = [f"{name} {version}" for name, version, folder, saved in set(loaded) - set(self._loaded)]
            models = {(model.name, model.version): model for model in loaded.values()}
            self.table = Table({name: _versions(name, one, models) for name, one in wanted.items()})
            self._loaded = loaded
            return sorted(new)

    def _opened(self, name: str, version: str, folder: Path) -> Model:
        model = Model.of_folder(name, version, folder, self.settings.trust, self.settings.threads)
        model.warm(self.settings.limits.batch)
        return model


def _saved(folder: Path) -> int:
    """When the run was saved last: one that was trained on since is loaded again."""
    if is_pretrained(folder):
        return folder.stat().st_mtime_ns if folder.exists() else 0
    try:
        return (folder / "checkpoints").stat().st_mtime_ns
    except OSError as error:
        raise ServeError(
            f"[serve {folder}] no checkpoints ({error.strerror}); expected the folder of a run; powertrain runs "
            "lists them"
        ) from None


def _versions(name: str, wanted: Wanted, models: Mapping[tuple[str, str], Model]) -> Versions:
    shares = (None if share is None else Share(*share) for share in (wanted.canary, wanted.shadow))
    return Versions(
        {version: models[name, version] for version in wanted.versions}, wanted.live, wanted.aliases, *shares
    )
