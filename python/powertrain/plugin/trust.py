"""Whether the code in the folder of a run may be run here.

A recipe that somebody gives to `powertrain train` is a program, and so are the files that it names: who trains it runs
them. The folder of a run holds copies of both, and comes by mail too. So its files run only

* as the run began with them: their SHA-256 is what `run.lock` says; and
* where this user trained with the same name of the same file before, or says `--trust`.

What a user trained with is remembered in a file of their own, one line for each: SHA-256, name, file. What follows from
it is said in `docs/security.md`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from powertrain._core import Error
from powertrain.io.files import Files, FolderError
from powertrain.io.records import MisfitError, from_json
from powertrain.io.urls import Url, urls_in
from powertrain.plugin.registry import PluginError

if TYPE_CHECKING:
    from powertrain.recipe import Use

STORE = "trusted"
_URL = "url"  # of a URL, in place of the name in a file
LOCK_SHAPE = {"uses": [{"group": str, "use": str}]}


def is_run(folder: Path) -> bool:
    """Whether a recipe's folder is that of a run, with copies of somebody's files."""
    return os.path.lexists(folder / "run.json")


def file_of(name: str) -> str:
    """model.py, of ./model.py:Net."""
    return os.path.normpath(name.rpartition(":")[0])


def locked(files: Files) -> dict[str, str]:
    """The SHA-256 of each file that a run began with, by its name."""
    try:
        found = from_json(files.read("run.lock"), LOCK_SHAPE)
    except (OSError, MisfitError) as error:
        raise FolderError(
            f"[{files.path / 'run.lock'}] it cannot be read; expected the versions that made it; restore it, or "
            "begin a new run without --resume"
        ) from error
    return {use["file"]: use["sha256"] for use in found["uses"] if isinstance(use.get("file"), str) and "sha256" in use}


def demand(name: str, sha256: str, folder: Path, trusted: bool) -> None:
    """Refuse a file in the folder of a run that it did not begin with, or that nobody here vouches for."""
    file = file_of(name)
    began_with = locked(Files(folder)).get(file)
    if began_with != sha256:
        raise PluginError(
            f"{file} is not the file that the run began with: its SHA-256 is {sha256[:12]}…, in run.lock "
            f"{str(began_with)[:12]}…; expected the same; restore it, or begin a new run"
        )
    if not trusted and (sha256, name.rpartition(":")[2]) not in remembered():
        raise PluginError(
            f"{file} is code in the folder of a run that was not made here, and code can do whatever you can; expected "
            f"your consent; read {folder / file}, and where you trust it give the same command with --trust (in Python "
            "trust=True)"
        )


def demand_url(url: Url, folder: Path, trusted: bool) -> None:
    """Refuse a URL that the recipe in the folder of a run reads, and that nobody here vouches for. A request tells who
    asks, uses this user's keys, and comes from inside of this network."""
    if is_run(folder) and not trusted and (_sha256(url), _URL) not in remembered():
        raise PluginError(
            f"{url} is read by the recipe in the folder of a run that was not made here; expected your consent, "
            "since a request tells the server who you are; if you trust it, add --trust to the command (in Python "
            "trust=True)"
        )


def _sha256(url: Url) -> str:
    return hashlib.sha256(url.text.encode("utf-8", "surrogatepass")).hexdigest()


def remember(uses: Iterable[Use]) -> str:
    """Note the files and URLs that this user trains with; what went wrong, in words."""
    lines = {}
    for use in uses:
        if use.file is not None:
            lines[use.file.sha256, use.name.rpartition(":")[2]] = use.file.path.name
        lines.update({(_sha256(url), _URL): url.scheme for url in urls_in(use.params)})
    new = [f"{sha256} {name} {lines[sha256, name]}\n" for sha256, name in lines.keys() - remembered()]
    if not new:
        return ""
    folder = _folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = Files(folder).appending(STORE, 0o600)
        try:
            os.write(descriptor, "".join(sorted(new)).encode("utf-8", "backslashreplace"))
        finally:
            os.close(descriptor)
    except (OSError, RuntimeError, Error) as error:
        return str(error)
    return ""


def remembered() -> set[tuple[str, str]]:
    """What this user trained with: (SHA-256, name). Nothing where others could have written it."""
    try:
        with Files(_folder()).reading(STORE) as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return set()
            lines = file.read().decode("utf-8", "replace").splitlines()
    except (OSError, RuntimeError, Error):
        return set()
    return {(words[0], words[1]) for words in map(str.split, lines) if len(words) > 1}


def _folder() -> Path:
    given = os.environ.get("XDG_STATE_HOME", "")
    return (Path(given) if given.startswith("/") else Path.home() / ".local" / "state") / "powertrain"
