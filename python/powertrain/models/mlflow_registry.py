"""MLflow's model registry in the place of the folder of files: what others of a team see, and promote, there."""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from powertrain.io.console import one_line
from powertrain.io.records import to_json
from powertrain.models.folders import copy_run, hash_folder
from powertrain.models.registry import CHAMPION, MLFLOW, ModelHistory, Registry, RegistryError, Version

EXPERIMENT = "powertrain"  # that the callback `mlflow` logs to, too
FILES = "run"  # among the artifacts of a run of MLflow
HASH, RUN, VALUES, EVENT = (f"powertrain.{name}" for name in ("sha256", "run", "values", "event."))


class MLflowRegistry(Registry):
    """The models of MLflow's registry that were registered from here, by the same methods as those of a folder.

    A version is a version of MLflow's, with the files of the run as artifacts, and its aliases are MLflow's: whoever
    moves one there moves it here. The history is of what was done from here; it stands in tags of the model. MLflow
    has no lock: of two processes that promote at once the later one wins, whatever `over` says.
    """

    def __init__(self, address: str = "") -> None:
        try:
            self._mlflow: Any = importlib.import_module("mlflow")
        except ImportError as error:
            raise RegistryError(
                f"[models] MLflow cannot be imported ({error}); expected it, since its registry was asked for; "
                'pip install "powertrain-loggers[mlflow]"'
            ) from error
        with _told("open"):
            self._client = self._mlflow.MlflowClient(address or None, address or None)
        self._address = address
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        self.folder = Path(base) / "powertrain" / "models"  # of copies of what was opened

    @property
    def place(self) -> str:
        return f"{MLFLOW}:{self._address}" if self._address else MLFLOW

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        yield

    def _keep(self, name: str, model: ModelHistory, source: Path, values: Mapping[str, float]) -> int:
        aside = Path(tempfile.mkdtemp(prefix="powertrain-models-"))
        try:
            sha256 = copy_run(source, aside / FILES)
            with _told("register", name):
                return self._uploaded(name, source, aside / FILES, sha256, values)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _uploaded(self, name: str, source: Path, files: Path, sha256: str, values: Mapping[str, float]) -> int:
        client = self._client
        found = client.get_experiment_by_name(EXPERIMENT)
        id = client.create_experiment(EXPERIMENT) if found is None else found.experiment_id
        run = client.create_run(id, run_name=f"{name} {source.name}").info
        client.log_artifacts(run.run_id, str(files), FILES)
        for key, value in values.items():
            client.log_metric(run.run_id, key, value)
        client.set_terminated(run.run_id)
        if name not in self._names():
            client.create_registered_model(name)
        tags = {HASH: sha256, RUN: str(source), VALUES: to_json(dict(values)).decode()}
        made = client.create_model_version(name, f"{run.artifact_uri}/{FILES}", run.run_id, tags=tags)
        return int(made.version)

    def _folder_of(self, version: Version) -> Path:
        """A copy of the files of a version on this machine, by their hash; made when it is first asked for."""
        target = self.folder / version.sha256
        if target.is_dir():
            return target
        self.folder.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".download-", dir=self.folder))
        try:
            with _told("download", version.name):
                run = self._client.get_model_version(version.name, str(version.number)).run_id
                found = Path(self._client.download_artifacts(run, FILES, str(aside)))
            if hash_folder(found) != version.sha256:
                raise RegistryError(
                    f"[models {version.name}] the files of version {version.number} are not those that were "
                    f"registered; expected SHA-256 {version.sha256[:12]}…; register the run again"
                )
            with contextlib.suppress(OSError):  # another process was quicker
                found.rename(target)
            return target
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _append(self, event: str, name: str, version: int, **values: Any) -> None:
        """Move an alias, and note it."""
        now = time.time()
        with _told("promote", name):
            self._client.set_registered_model_alias(name, values["alias"], str(version))
            line = {"event": event, "name": name, "version": version, "time": round(now, 3), **values}
            self._client.set_registered_model_tag(name, f"{EVENT}{int(now * 1e6):020}", to_json(line).decode())

    def _lines(self) -> Iterator[dict[str, Any]]:
        found = []
        for model in self._models():
            for one in self._versions(model.name):
                found.append({
                    "event": "register", "name": model.name, "version": one.number, "time": one.time, "run": one.run,
                    "sha256": one.sha256, "values": dict(one.values),
                })  # fmt: skip
            found += _events(model)
        yield from sorted(found, key=lambda line: float(line["time"]))

    def _read(self) -> dict[str, ModelHistory]:
        models = {}
        for one in self._models():
            versions = {version.number: version for version in self._versions(one.name)}
            aliases = {alias: int(number) for alias, number in one.aliases.items() if int(number) in versions}
            champions: list[int] = []
            for line in _events(one):
                if line["alias"] == CHAMPION:
                    if line.get("rollback") is True and len(champions) > 1:
                        champions.pop()
                    else:
                        champions.append(line["version"])
            now = aliases.get(CHAMPION)
            if now is not None and champions[-1:] != [now]:  # somebody moved it in MLflow
                champions.append(now)
            models[one.name] = ModelHistory(versions, aliases, champions)
        return {name: model for name, model in models.items() if model.versions}

    def _models(self) -> list[Any]:
        with _told("list"):
            return _every(functools.partial(self._client.search_registered_models, max_results=100))

    def _names(self) -> set[str]:
        return {one.name for one in self._models()}

    def _versions(self, name: str) -> list[Version]:
        """Those that were registered from here: of others nobody knows what they hold."""
        with _told("list", name):
            found = _every(functools.partial(self._client.search_model_versions, f"name='{name}'", max_results=100))
        made = []
        for one in found:
            if HASH in one.tags:
                values = _table(one.tags.get(VALUES, ""))
                at = one.creation_timestamp / 1000
                made.append(Version(name, int(one.version), one.tags.get(RUN, ""), one.tags[HASH], values, at))
        return sorted(made, key=lambda version: version.number)


def _every(search: Any) -> list[Any]:
    """All pages of a search."""
    found: list[Any] = []
    token = None
    while True:
        page = search(page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _events(model: Any) -> list[dict[str, Any]]:
    """What was done to the aliases of a model from here, oldest first."""
    lines = [_table(text) for key, text in sorted(model.tags.items()) if key.startswith(EVENT)]
    wanted = {"event", "name", "version", "time", "alias"}
    return [line for line in lines if wanted <= line.keys()]


def _table(text: str) -> dict[str, Any]:
    """A tag that holds a table, as JSON; an empty one where somebody wrote something else into it."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def _told(what: str, name: str = "") -> Iterator[None]:
    """MLflow's own errors, and those of its server, as ours."""
    try:
        yield
    except RegistryError:
        raise
    except Exception as error:  # of whatever kind: of a store, a server or a network
        where = f"models {name}" if name else "models"
        raise RegistryError(
            f"[{where}] MLflow does not {what}: {one_line(error)}; expected a registry that answers; check "
            "MLFLOW_TRACKING_URI, or the address behind mlflow:"
        ) from error
