"""Plugins in a file beside the recipe: `use = "./model.py:Net"`. The file is read once; its text is what gets hashed,
copied into the run and executed, so all three are the same bytes."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import linecache
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from powertrain.io.inputs import read_file
from powertrain.plugin import trust
from powertrain.plugin.importing import guarded
from powertrain.plugin.registry import PluginError
from powertrain.plugin.wording import suggestion

MOST_BYTES = 1 << 24  # of a Python file
MODULE_PREFIX = "powertrain_local_"


@dataclass(frozen=True)
class LocalFile:
    """A file beside the recipe, as it was when it was read."""

    path: Path
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def is_local(name: str) -> bool:
    """Whether a `use` names a file instead of an installed plugin."""
    return name.startswith(("./", "../", "/")) or name.partition(":")[0].endswith(".py")


def load_local(name: str, base: Path, trusted: bool = False) -> tuple[Any, LocalFile]:
    """The object that `./file.py:Name` means, seen from the folder of the recipe. Where that is the folder of a run,
    the file must be the run's own, and this user have trained with it before, or trust it."""
    file_name, colon, attribute = name.rpartition(":")
    if not colon or not attribute.isidentifier() or "\0" in name:
        raise PluginError(
            f'received {name}; expected a file and the name of an object in it; write use = "./model.py:Net"'
        )
    path = (base / file_name).resolve()
    if not path.is_relative_to(base.resolve()):
        raise PluginError(
            f"received {name}; expected a file in the recipe's folder or below, since a run keeps a copy of it; "
            f"move {path.name} there"
        )
    try:
        file = LocalFile(path, read_file(path, MOST_BYTES))
    except OSError as error:
        raise PluginError(
            f"received {name}; expected a Python file at {path}; it could not be read: {error.strerror}"
        ) from error
    of_run = trust.is_run(base)
    if of_run:
        trust.demand(name, file.sha256, base, trusted)
    # A run keeps copies of the files that its recipe names, and of no others: what else lies there is not its own.
    module = _execute(file, beside=trusted or not of_run)
    if not hasattr(module, attribute):
        public = [word for word in vars(module) if not word.startswith("_")]
        raise PluginError(f"{path.name} has no {attribute}; expected one of its names{suggestion(attribute, public)}")
    return getattr(module, attribute), file


def _execute(file: LocalFile, beside: bool) -> types.ModuleType:
    # Named by content: two runs in one process that use different files of one name do not meet.
    module_name = f"{MODULE_PREFIX}{file.path.stem}_{file.sha256[:12]}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    module = types.ModuleType(module_name)
    module.__file__ = str(file.path)
    sys.modules[module_name] = module  # dataclasses look their module up here
    linecache.checkcache(str(file.path))
    code = functools.partial(compile, file.content, str(file.path), "exec")
    with _importable(file.path.parent) if beside else contextlib.nullcontext():
        _, cause, error = guarded(lambda: exec(code(), module.__dict__), f"./{file.path.name}")
    if error is not None:
        del sys.modules[module_name]
        raise PluginError(
            f"[plugin ./{file.path.name}{_line_in(error, file.path)}] it could not be imported: {cause}; "
            f"expected a file that can be imported; fix {file.path.name}"
        ) from error
    return module


@contextlib.contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """For files that it imports itself."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):  # it took the folder out itself
            sys.path.remove(str(folder))


def _line_in(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError) and error.lineno:
        return f":{error.lineno}"
    trace, line = error.__traceback__, ""
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = f":{trace.tb_lineno}"
        trace = trace.tb_next
    return line
