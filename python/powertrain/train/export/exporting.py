"""`run.export(...)`: written aside, compared with the engine, and only then put where it was asked for."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from powertrain._core import Error
from powertrain.plugin.conversion import check
from powertrain.plugin.exporter import Exported, Exporter, ExportError, Runner
from powertrain.plugin.importing import in_words
from powertrain.plugin.params import params_of
from powertrain.plugin.protocols import unfit
from powertrain.plugin.registry import PluginError, registry
from powertrain.plugin.wording import show
from powertrain.random.default import drawing_from
from powertrain.train.export.comparing import check_set, compare
from powertrain.train.export.trained import TrainedModel

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun


def export(
    run: TrainRun,
    to: str | Exporter,
    path: str | os.PathLike[str] | None,
    settings: Mapping[str, Any],
    with_data: Callable[[], TrainRun],
) -> Exported:
    """Write a run by an exporter. `with_data` opens it with its data, to be compared on."""
    name, exporter = _made(to, settings)
    with drawing_from(run.generator):
        trained = TrainedModel(run)
        target = _target(exporter, trained, path)
        try:
            return _exported(name, exporter, trained, target, with_data)
        except OSError as error:
            raise ExportError(
                f"[export {name}] {target} cannot be written: {error.strerror or error}; expected a folder in which "
                "this user may write, on a disk with room; what was written of it was removed; give another path"
            ) from error


def _exported(
    name: str, exporter: Exporter, trained: TrainedModel, target: Path, with_data: Callable[[], TrainRun]
) -> Exported:
    """Written beside the target, tried there, and then renamed."""
    aside = Path(tempfile.mkdtemp(prefix=".powertrain-export-", dir=target.parent))
    try:
        check = check_set(trained.run, with_data)
        written = aside / target.name
        _write(name, exporter, trained, written)
        runner, note = _loaded(name, exporter, trained, written)
        if runner is None:
            found = Exported(target, name, "not compared", 0, 0.0, 0.0, note)
        else:
            near = compare(trained.run, check, runner, name)
            words = f"{check.words}, in part" if note else check.words
            found = Exported(target, name, words, near.examples, near.largest, near.allowed, note)
        _demand_free(target)  # once more: what came meanwhile is somebody's
        written.rename(target)
        return found
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _made(to: str | Exporter, settings: Mapping[str, Any]) -> tuple[str, Exporter]:
    """The exporter of a name, with its parameters; or one that was made already."""
    if isinstance(to, Exporter):
        if settings:
            raise ExportError(
                f"[export] received {', '.join(settings)} together with an exporter; expected none, since an exporter "
                "has its own parameters; pass them where it is made"
            )
        return type(to).__name__, to
    if not isinstance(to, str):
        raise ExportError(f'[export] received {show(to)}; expected the name of an exporter; for example "c"')
    try:
        plugin: Any = registry().load("exporter", to)
    except PluginError as error:
        text = str(error)
        raise ExportError(text if text.startswith("[") else f"[export] {text}") from error
    if text := unfit("exporter", plugin, to):
        raise ExportError(f"[export] {text}")
    made, mistakes = check(params_of(plugin), settings, to)
    if mistakes:
        words = "; ".join(f"{'.'.join(map(str, one.path)) or to}: {one.text}" for one in mistakes)
        raise ExportError(f"[export {to}] {words}")
    return to, plugin.build(made)


def _target(exporter: Exporter, trained: TrainedModel, path: str | os.PathLike[str] | None) -> Path:
    """Where the result goes: into an existing folder, or under the name that is given."""
    usual = exporter.filename(trained)
    target = Path(usual if path is None else path)
    if path is not None and target.is_dir():
        target = target / usual
    if not target.parent.is_dir():
        raise ExportError(f"[export] there is no folder {target.parent}; expected one; make it, or give another path")
    _demand_free(target)
    return target


def _demand_free(target: Path) -> None:
    if os.path.lexists(target):
        raise ExportError(f"[export] {target} exists already; expected a new path; remove it, or give another one")


def _write(name: str, exporter: Exporter, trained: TrainedModel, path: Path) -> None:
    try:
        exporter.write(trained, path)
    except (Error, OSError):
        raise
    except Exception as error:
        raise ExportError(
            f"[export {name}] it could not be written: {in_words(error)}; expected a run that {name} can export; "
            "nothing was written; please report it to its author"
        ) from error
    if not os.path.lexists(path):
        raise ExportError(
            f"[export {name}] the exporter wrote no {path.name}; expected a file or a folder of that name; fix its "
            "write"
        )


def _loaded(name: str, exporter: Exporter, trained: TrainedModel, path: Path) -> tuple[Runner | None, str]:
    """What computes from what was written, and what cannot be tried here."""
    try:
        return exporter.load(trained, path), exporter.lacks(trained)
    except Error:
        raise
    except Exception as error:
        raise ExportError(
            f"[export {name}] what was written cannot be loaded: {in_words(error)}; expected what can be run here; it "
            "was removed; please report this to its author"
        ) from error
