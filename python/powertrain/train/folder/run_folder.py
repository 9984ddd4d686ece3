"""The folder of a run: which recipe made it, with which versions, and what came out."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from powertrain._core import Error
from powertrain.data.kept import RECORD, differences
from powertrain.io.array_pieces import Arrays
from powertrain.io.console import one_line
from powertrain.io.file_lock import LOCK_FILE, FileLock
from powertrain.io.files import Files, NotAllowedError, make_folder
from powertrain.io.plain_json import dumps
from powertrain.io.records import MisfitError, from_json, to_json
from powertrain.plugin import trust
from powertrain.plugin.tables import flat
from powertrain.recipe.durations import Duration
from powertrain.train.folder import background
from powertrain.train.folder.checkpoint import FOLDER, Checkpoints
from powertrain.train.folder.ledger import FILE, read_lines
from powertrain.train.folder.lock import LOCK, versions

if TYPE_CHECKING:
    from powertrain.recipe import Recipe

T = TypeVar("T")

# What may differ between a run and its resumption: how long, how fast and how it is judged; not what is trained.
FREE = (
    "run.until", "run.stop", "run.keep", "run.histograms", "run.zero", "run.num_workers", "run.threads", "run.device",
    "run.save_seconds", "evaluate.samples", "expect", "report",
    "data.use.made_by",  # data that have changed are told by their examples
)  # fmt: skip
RUNS = Path("runs")  # where runs are that nobody named a folder for
RUN, RESULTS, REPORT, EXAMPLES = "run.json", "results.json", "report.html", "examples.safetensors"
QUANTIZED = "quantized.json"  # of a run with quantized layers: which, and what that cost
PRUNED = "pruned.json"  # of a run with pruned weights: how many, which layers are smaller, and what that cost
DECISION = "decision.json"  # of a classifier with a calibration or a threshold

ABOUT = {"recipe": str, "base": str, "overrides": [str], "tables": {}, "objects": [str], "data": (RECORD,)}
NUMBERS = {...: float}
MEASURED = {
    "run": str, "recipe": str, "part": str, "fit": str, "hash": str, "steps": int, "rounds": int, "seconds": float,
    "examples_per_second": float, "energy": {"watt_hours": float, "low": float, "high": float, "method": str},
    "baselines": [{"name": str, "metric": str, "value": float, "how": str}],
    "expect": [{"name": str, "limit": str, "value": (float,), "met": bool}],
}  # fmt: skip
# Which results of earlier versions lack.
MEASURED_LATER = {"parameters": int, "data_wait": {"seconds": float, "share": float}}


class RunError(Error):  # type: ignore[misc, unused-ignore]
    """A folder that cannot be used as asked."""


class RunFolder:
    """One run on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.files = Files(path)
        self.checkpoints = Checkpoints(path)
        self._lock = FileLock(self.files)
        self._empty = False

    @property
    def started(self) -> bool:
        return self.files.there(RUN)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process may write into a folder."""
        self.lock()
        try:
            yield
        finally:
            self.unlock()

    def lock(self) -> None:
        make_folder(self.path)
        self._empty = not any(self.path.iterdir())
        try:
            self._take()
        except OSError as error:
            busy = isinstance(error, BlockingIOError)
            why = "another process is training here" if busy else f"it cannot be locked: {error.strerror}"
            raise RunError(
                f"[{self.path}] {why}; expected a free folder; wait for it, or give --run another folder"
            ) from error

    def _take(self) -> None:
        try:
            self._lock.take()
        except BlockingIOError:
            background.finish()  # a run of this process was interrupted while its checkpoint was written
            self._lock.take()

    def unlock(self) -> None:
        if not self._lock.held:
            return
        if not self.started:  # a folder in which nothing began would pass for a run
            self.files.remove(LOCK_FILE)
            if self._empty:
                with contextlib.suppress(OSError):
                    self.path.rmdir()
        self._lock.let_go()

    def write_beside(self, work: Callable[[], T]) -> Future[T]:
        """Begin work in another thread that writes into the folder. Where it is locked, it stays so until the work is
        done, whatever becomes of whoever began it."""
        if not self._lock.held:  # a temporary one, which nobody else knows
            return background.begin(work)

        def locked() -> T:
            try:
                return work()
            finally:
                self._lock.let_go()

        self._lock.share()
        return background.begin(locked)

    def demand_free(self, recipe: Recipe) -> None:
        """Refuse to begin over what is no run, such as somebody's own recipe, or what is left of one."""
        for name in (FOLDER, FILE, RESULTS):
            if self.files.there(name):
                raise RunError(
                    f"[{self.path}] it holds {name} and no {RUN}; expected a new folder; restore {RUN}, or give "
                    "--run another folder"
                )
        for name, content in self._copies(recipe).items():
            if self.files.there(name) and self.files.read(name) != content:
                raise RunError(
                    f"[{self.path}] it holds another {name}; expected a new folder, since a run keeps a copy of its "
                    "recipe there; give --run another folder"
                )

    def _copies(self, recipe: Recipe) -> dict[str, bytes]:
        """The recipe and the files that it uses, by their names in the folder."""
        base = recipe.path.resolve().parent
        files = [use.file for use in recipe.uses() if use.file is not None]
        copies = {file.path.relative_to(base).as_posix(): file.content for file in files}
        # No text says what Python objects are: then the tables in run.json alone describe the run.
        return copies if recipe.objects else {**copies, "recipe.toml": recipe.text.encode()}

    def begin(self, recipe: Recipe, data: Mapping[str, Any] | None, examples: Arrays) -> None:
        """Write down what is trained, with copies of the files that it uses, the record of its data, and the identities
        of its examples by part."""
        for name, content in self._copies(recipe).items():
            self.files.replace(name, content)
        self.files.replace(LOCK, _json(versions(recipe)))
        self.keep_examples(examples)
        about = {
            "recipe": recipe.name,
            "base": str(recipe.path.resolve().parent),
            "overrides": list(recipe.overrides),
            "tables": recipe.tables,
            "objects": list(recipe.objects),
            "data": data,
        }
        self.files.replace(RUN, _json(about))  # last: with it the folder is a run

    def about(self) -> dict[str, Any]:
        try:
            about: dict[str, Any] = from_json(self.files.read(RUN), ABOUT)
        except FileNotFoundError as error:
            raise RunError(
                f"[{self.path}] it holds no run; expected a folder that powertrain train made; see powertrain runs"
            ) from error
        except MisfitError as error:
            raise RunError(
                f"[{self.path / RUN}] {error}; expected what powertrain train wrote; restore it, or begin a new run"
            ) from error
        if "\0" in about["base"]:
            raise RunError(f"[{self.path / RUN}] base is not a path; expected the recipe's folder; restore it")
        return about

    def compare(self, recipe: Recipe) -> None:
        """Refuse to resume with another recipe, whose numbers would belong to neither, or a run that is quantized or
        pruned."""
        for file, verb in ((QUANTIZED, "quantize"), (PRUNED, "prune")):
            if self.files.there(file):
                raise RunError(
                    f"[{self.path}] its weights are {verb}d, and are not trained on; expected the run that it was made "
                    f"from; resume that one, and {verb} it again"
                )
        before, now = flat(self.about()["tables"]), flat(json.loads(_json(recipe.tables)))
        changed = [
            f"{key} was {_value(before.get(key))}, is {_value(now.get(key))}"
            for key in sorted({*before, *now})
            if before.get(key) != now.get(key) and not key.startswith(FREE)
        ]
        known = trust.locked(self.files)
        for use in recipe.uses():
            if use.file is not None and known.get(use.origin["file"]) != use.file.sha256:
                changed.append(f"{use.file.path.name} is not the file that the run began with")
        if changed:
            free = ", ".join(key for key in FREE if not key.startswith("data."))
            raise RunError(
                f"[{self.path}] the recipe has changed since this run began: {'; '.join(changed)}; expected the same "
                f"recipe, in which only {free} may change; undo the change, or begin a new run without --resume"
            )

    def target(self) -> Duration | None:
        """How long the run was to train when it was last begun or taken up."""
        last = Duration.parse(self.about()["tables"].get("run", {}).get("until"))
        for line in read_lines(self.path):
            if line["event"] == "resume":
                last = Duration.parse(line.get("until")) or last
        return last

    def changes(self, data: Mapping[str, Any] | None) -> list[str]:
        """How the data differs from what the run was trained on; nothing where it does not."""
        before = self.about()["data"]
        return differences(before, data) if before and data else []

    def refuse_changes(self, changes: Sequence[str]) -> None:
        """Refuse data that has changed: parts may be others, and what was trained on would be tested on."""
        if changes:
            raise RunError(
                f"[{self.path}] the data has changed since this run began: {'; '.join(changes)}; expected the same "
                "data; restore it, begin a new run, or go on with --changed-data (in Python changed_data=True)"
            )

    def take_data(self, data: Mapping[str, Any], examples: Arrays) -> None:
        """From here on these are the run's data."""
        self.keep_examples(examples)
        self.files.replace(RUN, _json({**self.about(), "data": data, "changed": True}))

    def keep_examples(self, examples: Arrays) -> None:
        from safetensors.numpy import save

        if examples:
            self.files.replace(EXAMPLES, save(dict(examples)))
        else:
            self.files.remove(EXAMPLES)

    def examples(self) -> dict[str, NDArray[Any]] | None:
        """The identities of the run's examples by part; None where they were not kept."""
        from safetensors.numpy import load

        try:
            found = load(self.files.read(EXAMPLES))
        except FileNotFoundError:
            return None
        except Exception as error:  # of whatever kind: the file may be anybody's
            raise self._odd_examples(type(error).__name__) from error
        if any(one.dtype != np.uint64 or one.ndim != 1 for one in found.values()) or "train" not in found:
            raise self._odd_examples(", ".join(f"{name} {one.dtype}{list(one.shape)}" for name, one in found.items()))
        return found

    def _odd_examples(self, received: str) -> RunError:
        return RunError(
            f"[{self.path / EXAMPLES}] it holds {received}; expected what powertrain train wrote; restore it, or "
            "remove it: the parts are then drawn again"
        )

    def finish(self, results: Mapping[str, Any]) -> None:
        self.files.replace(RESULTS, _json(results))

    def results(self) -> dict[str, Any] | None:
        """What came out; None where there is nothing yet."""
        try:
            return fitting(self.files.read(RESULTS))
        except FileNotFoundError:
            return None
        except MisfitError as error:
            raise RunError(
                f"[{self.path / RESULTS}] {error}; expected what powertrain train wrote; train with --resume to write "
                "it again"
            ) from error


def fitting(raw: bytes) -> dict[str, Any]:
    """Results whose numbers are numbers, those of the judged part too."""
    found = from_json(raw, MEASURED)
    parts = {part: NUMBERS for part in ("train", "valid", "test", "env") if part in found or part == found["part"]}
    later = {name: shape for name, shape in MEASURED_LATER.items() if name in found}
    made: dict[str, Any] = from_json(raw, {**MEASURED, **parts, **later})
    if made["part"] not in parts:
        raise MisfitError("the part does not belong to the data")
    return made


def new_folder(root: Path, name: str) -> Path:
    """runs/NAME-1, runs/NAME-2, ...; made at once, so that no two processes take the same."""
    make_folder(root)
    number = max([0, *_numbers(root, name)])
    while True:
        number += 1
        path = root / f"{name}-{number}"
        try:
            path.mkdir()
            return path
        except FileExistsError:
            continue
        except PermissionError as error:
            raise NotAllowedError.of(error, path) from error


def latest_folder(root: Path, name: str) -> Path | None:
    """The newest run of a recipe."""
    numbers = [number for number in _numbers(root, name) if (root / f"{name}-{number}" / RUN).is_file()]
    return root / f"{name}-{max(numbers)}" if numbers else None


def _numbers(root: Path, name: str) -> list[int]:
    if not root.is_dir():
        return []
    found = (re.fullmatch(rf"{re.escape(name)}-([0-9]+)", path.name) for path in root.iterdir())
    return [int(match[1]) for match in found if match]


def _value(value: Any) -> str:
    return one_line(dumps(value, ensure_ascii=False))


def _json(value: Any) -> bytes:
    return to_json(value, indent=1) + b"\n"
