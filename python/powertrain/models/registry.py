"""The registry: a ledger that is only appended to, under a lock, and what follows from its lines."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from powertrain._core import Error
from powertrain.io.console import one_line
from powertrain.io.file_lock import FileLock
from powertrain.io.files import Files, synced
from powertrain.io.records import MisfitError, from_json, to_json
from powertrain.models.folders import copy_run, hash_folder
from powertrain.plugin import trust
from powertrain.plugin.wording import suggestion

CHAMPION, CHALLENGER = "champion", "challenger"
LEDGER = "ledger.jsonl"
SCHEME = "models:/"
MLFLOW = "mlflow"
WAIT = 60.0  # seconds for another process to let go of the lock
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCHEME = re.compile(r"models:/+(.*)")
_MOST_LINE, _MOST_BYTES = 1 << 20, 1 << 28
_SHAPE = {"event": str, "name": str, "version": int, "time": float}
_SHAPES: dict[str, dict[Any, Any]] = {
    "register": {"run": str, "sha256": str, "values": {...: float}},
    "alias": {"alias": str, "before": (int,), "why": str},
}


class RegistryError(Error, ValueError):  # type: ignore[misc, unused-ignore]
    """A name, a version or a folder that the registry cannot use.

    Example
        >>> issubclass(pt.models.RegistryError, ValueError)
        True
    """


class AliasMovedError(RegistryError):
    """An alias that stands for another version than the one that was to be replaced.

    Example
        >>> issubclass(pt.models.AliasMovedError, pt.models.RegistryError)
        True
    """


@dataclass(frozen=True)
class Version:
    """One registered model.

    Example
        >>> pt.models.Version("fraud", 3, "runs/fraud-7", "", {}, 0.0, ("champion",)).uri
        'models:/fraud/3'
    """

    name: str
    number: int
    run: str  # the folder that it is a copy of
    sha256: str
    values: Mapping[str, float]  # what was measured of it, by names such as test.accuracy
    time: float  # seconds since 1970
    aliases: tuple[str, ...] = ()

    @property
    def uri(self) -> str:
        """What `pt.load` and the command take."""
        return f"{SCHEME}{self.name}/{self.number}"


@dataclass
class ModelHistory:
    """What follows from the lines of one model."""

    versions: dict[int, Version] = field(default_factory=dict)
    aliases: dict[str, int] = field(default_factory=dict)
    champions: list[int] = field(default_factory=list)  # each before the next; a rollback takes the last off


class Registry:
    """The models of a folder: $POWERTRAIN_MODELS, or `models`, where none is given.

    Every change is one line of `ledger.jsonl`, appended under a lock, so that several processes may register and
    promote at once. Nothing is ever taken out of it: `history` tells who was champion when, and why.

    Example
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> run = pt.fit("digits", epochs=1, folder=f"{folder}/run", verbose=False)
        >>> registry = pt.models.Registry(f"{folder}/models")
        >>> first = registry.register("digits", run.folder)
        >>> registry.promote("digits", first.number, why="the first").aliases
        ('champion',)
        >>> np.asarray(pt.load(registry.path("digits")).predict(np.zeros((1, 8, 8)))).shape
        (1, 10)
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None) -> None:
        given = os.fspath(folder if folder is not None else _usual())
        if mlflow_address(given) is not None:
            raise RegistryError(
                f"[models] received {one_line(given)} for a registry of files; expected a folder; write "
                "pt.models.open_registry(), which opens MLflow's too"
            )
        self.folder = Path(given)
        self._files = Files(self.folder)

    @property
    def place(self) -> str:
        """Where it is, in words."""
        return str(self.folder)

    def names(self) -> list[str]:
        """The models that are registered."""
        return sorted(self._read())

    def versions(self, name: str) -> list[Version]:
        """The versions of a model, oldest first."""
        model = self._read().get(checked_name(name), ModelHistory())
        return [_with_aliases(model, number) for number in sorted(model.versions)]

    def version(self, name: str, version: int | str = CHAMPION) -> Version:
        """A version by its number or by an alias."""
        found = self._read()
        if checked_name(name) not in found:
            raise RegistryError(
                f"[models {name}] there is no such model in {self.place}; expected one of "
                f"{', '.join(sorted(found)) or 'none yet'}{suggestion(name, found)}; powertrain models register adds "
                "one"
            )
        model = found[name]
        number = _number(version)
        number = model.aliases.get(str(version)) if number is None else number
        if number not in model.versions:
            known = ", ".join([*map(str, sorted(model.versions)), *sorted(model.aliases)])
            raise RegistryError(
                f"[models {name}] it has no {one_line(version)}; expected one of {known}; powertrain models list shows "
                "them"
            )
        return _with_aliases(model, number)

    def path(self, name: str, version: int | str = CHAMPION) -> Path:
        """The folder of a version, which `pt.load` opens."""
        return self._folder_of(self.version(name, version))

    def history(self, name: str | None = None) -> list[dict[str, Any]]:
        """What happened, oldest first: each line of the ledger, of one model or of all."""
        return [line for line in self._lines() if name is None or line["name"] == name]

    def register(self, name: str, run: str | os.PathLike[str], *, alias: str | None = None, why: str = "") -> Version:
        """Copy a finished run into the registry as the next version of a model, and give it an alias."""
        source = Path(run)
        checked_name(name)
        if alias is not None:
            checked_name(alias)
        if not trust.is_run(source):
            raise RegistryError(
                f"[models {name}] {source} is not a run; expected the folder of one; powertrain runs lists them"
            )
        if not Files(source).there("results.json"):
            raise RegistryError(
                f"[models {name}] {source} has no results yet; expected a finished run; train it to its end first"
            )
        values = _values(source)
        with self._locked():
            model = self._read().get(name, ModelHistory())
            number = self._keep(name, model, source, values)
            if alias is not None:
                self._append("alias", name, number, alias=alias, before=model.aliases.get(alias), why=why)
        return self.version(name, number)

    def promote(
        self,
        name: str,
        version: int | str = CHALLENGER,
        *,
        alias: str = CHAMPION,
        why: str = "",
        over: int | None = None,
    ) -> Version:
        """Let an alias stand for a version. Its files must be those that were registered.

        `over` is the number of the version that the alias must still stand for, 0 for none. So nobody who compared two
        versions takes the place of a third, which another process promoted meanwhile: that is an AliasMovedError.
        """
        checked_name(alias)
        with self._locked():
            chosen = self.version(name, version)
            self._demand_whole(chosen)
            before = self._read()[name].aliases.get(alias)
            if over is not None and (before or 0) != over:
                raise AliasMovedError(
                    f"[models {name}] {alias} is version {before or 'none'} by now; expected version {over or 'none'}, "
                    "which this one is to replace; compare it with the new one first"
                )
            if before != chosen.number:
                self._append("alias", name, chosen.number, alias=alias, before=before, why=why)
        return self.version(name, chosen.number)

    def rollback(self, name: str, *, why: str = "") -> Version:
        """Make the champion what it was before the last promotion."""
        with self._locked():
            self.version(name)
            champions = self._read()[name].champions
            if len(champions) < 2:
                raise RegistryError(
                    f"[models {name}] version {champions[-1]} was the first champion; expected one before it; promote "
                    "another version instead"
                )
            back = self.version(name, champions[-2])
            self._demand_whole(back)
            self._append("alias", name, back.number, alias=CHAMPION, before=champions[-1], why=why, rollback=True)
        return self.version(name, back.number)

    def _keep(self, name: str, model: ModelHistory, source: Path, values: Mapping[str, float]) -> int:
        """Keep the files of a run as the next version of a model; its number."""
        # A copy whose line was never written, since the process was killed, has its number all the same.
        number = max([0, *model.versions, *_numbers(self.folder / name)]) + 1
        (self.folder / name).mkdir(exist_ok=True)
        sha256 = copy_run(source, self.folder / name / str(number))
        self._append("register", name, number, run=str(source), sha256=sha256, values=values)
        return number

    def _folder_of(self, version: Version) -> Path:
        return self.folder / version.name / str(version.number)

    def _demand_whole(self, version: Version) -> None:
        if hash_folder(self._folder_of(version)) != version.sha256:
            raise RegistryError(
                f"[models {version.name}] the files of version {version.number} are not those that were registered; "
                f"expected SHA-256 {version.sha256[:12]}…; restore {self._folder_of(version)}, or register the run "
                "again"
            )

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Only one process at a time changes the registry; another one waits, for a minute at most."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock, until = FileLock(self._files), time.monotonic() + WAIT
        while not lock.held:
            try:
                lock.take()
            except BlockingIOError:
                if time.monotonic() > until:
                    raise RegistryError(
                        f"[models {self.folder}] another process has held it for {WAIT:g} s; expected it to be free; "
                        "wait for that process"
                    ) from None
                time.sleep(0.02)
        try:
            yield
        finally:
            lock.let_go()

    def _append(self, event: str, name: str, version: int, **values: Any) -> None:
        line = to_json({"event": event, "name": name, "version": version, "time": round(time.time(), 3), **values})
        file = self._files.appending(LEDGER)
        try:
            size = os.fstat(file).st_size
            # A kill in the middle of a line left half of one, which ends before the next begins.
            torn = size > 0 and os.pread(file, 1, size - 1) != b"\n"
            raw = b"\n" * torn + line + b"\n"
            if os.write(file, raw) != len(raw):
                raise RegistryError(
                    f"[models {self.folder}] the disk is full; expected free space; delete what you no longer need"
                )
            synced(file)
        finally:
            os.close(file)

    def _lines(self) -> Iterator[dict[str, Any]]:
        try:
            raw = self._files.read(LEDGER, _MOST_BYTES)
        except FileNotFoundError:
            return
        for line in raw.split(b"\n"):
            try:
                found = from_json(line[:_MOST_LINE], _SHAPE)
                made = from_json(line[:_MOST_LINE], {**_SHAPE, **_SHAPES.get(found["event"], {})})
            except MisfitError:  # torn by a kill, or damaged
                continue
            if _NAME.fullmatch(made["name"]):
                yield made

    def _read(self) -> dict[str, ModelHistory]:
        """What follows from the ledger."""
        models: dict[str, ModelHistory] = {}
        for line in self._lines():
            model, number = models.setdefault(line["name"], ModelHistory()), line["version"]
            if line["event"] == "register":
                model.versions[number] = Version(
                    line["name"], number, line["run"], line["sha256"], line["values"], line["time"]
                )
            elif line["event"] == "alias" and number in model.versions:
                model.aliases[line["alias"]] = number
                if line["alias"] == CHAMPION:
                    if line.get("rollback") is True and len(model.champions) > 1:
                        model.champions.pop()
                    else:
                        model.champions.append(number)
        return {name: model for name, model in models.items() if model.versions}


def _usual() -> str:
    return os.environ.get("POWERTRAIN_MODELS") or "models"


def mlflow_address(given: str) -> str | None:
    """What stands behind `mlflow:`, the URI of a tracking server or of its store; None of a folder."""
    return given.partition(":")[2] if given == MLFLOW or given.startswith(f"{MLFLOW}:") else None


def open_registry(where: str | os.PathLike[str] | None = None) -> Registry:
    """The registry of a folder, or MLflow's: "mlflow", which is where MLFLOW_TRACKING_URI says, or "mlflow:URI".

    Without `where` it is what $POWERTRAIN_MODELS says, else the folder `models`.

    Errors    MLflow that is not installed, or does not answer: RegistryError
    Example
        >>> import tempfile
        >>> pt.models.open_registry(tempfile.mkdtemp()).names()
        []
    """
    given = os.fspath(_usual() if where is None else where)
    address = mlflow_address(given)
    if address is None:
        return Registry(given)
    from powertrain.models.mlflow_registry import MLflowRegistry

    return MLflowRegistry(address)


def resolved(given: str | os.PathLike[str]) -> Path:
    """The folder of models:/NAME, models:/NAME@ALIAS or models:/NAME/VERSION; any other path as it is.

    Example
        >>> pt.models.resolved("runs/digits-1").name
        'digits-1'
    """
    match = _SCHEME.fullmatch(os.fspath(given))
    if match is None:
        return Path(given)
    name, sign, version = re.match(r"([^@/]*)([@/]?)(.*)", match[1]).groups()  # type: ignore[union-attr]
    if not _NAME.fullmatch(name) or (sign and not _NAME.fullmatch(version)) or (sign == "/" and not version.isdigit()):
        raise RegistryError(
            f"[models] received {one_line(given)}; expected models:/NAME, models:/NAME@ALIAS or models:/NAME/VERSION; "
            "powertrain models list shows them"
        )
    return open_registry().path(name, version or CHAMPION)


def registered_name(given: str | os.PathLike[str]) -> str | None:
    """The NAME of models:/NAME, with or without what follows; None of any other path."""
    match = _SCHEME.fullmatch(os.fspath(given))
    return None if match is None else re.split("[@/]", match[1], maxsplit=1)[0]


def _with_aliases(model: ModelHistory, number: int) -> Version:
    version = model.versions[number]
    aliases = tuple(sorted(alias for alias, to in model.aliases.items() if to == number))
    return Version(version.name, number, version.run, version.sha256, version.values, version.time, aliases)


def checked_name(name: str) -> str:
    """The name of a model or of an alias; a RegistryError where it can be none."""
    fits = isinstance(name, str) and _NAME.fullmatch(name) and not name.isdigit()
    if not fits or name.lower() == LEDGER:  # its folder would be where the ledger is; on some disks in any case
        raise RegistryError(
            f"[models] received the name {one_line(repr(name))}; expected letters, digits, points, dashes and "
            f"underscores, at most 64, not digits alone and not {LEDGER}; for example fraud-model"
        )
    return name


def _number(version: int | str) -> int | None:
    if isinstance(version, int):
        return version
    return int(version) if version.isascii() and version.isdigit() else None


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return [int(path.name) for path in folder.iterdir() if path.name.isascii() and path.name.isdigit()]


def _values(run: Path) -> dict[str, float]:
    """What the run's results say of the part that it was judged by; nothing where they are damaged."""
    try:
        results = from_json(Files(run).read("results.json"), {"part": str})
        part = results["part"]
        found = from_json(Files(run).read("results.json"), {part: {...: float}})[part]
    except MisfitError:
        return {}
    return {f"{part}.{name}": value for name, value in found.items()}
