"""What runs on disk are, without opening them: a list, one of them, how two differ; and which checkpoints stay."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from powertrain.data.kept import differences
from powertrain.io.hashing import hash_arrays
from powertrain.plugin.conversion import check
from powertrain.plugin.tables import flat
from powertrain.recipe.sections import Keep
from powertrain.recipe.source import of_tables, override
from powertrain.train.folder import lock
from powertrain.train.folder.checkpoint import Checkpoint, CheckpointError, Checkpoints
from powertrain.train.folder.keeping import Metas, Policy
from powertrain.train.folder.run_folder import RunError, RunFolder
from powertrain.train.folder.summaries import RunSummary, differing, summaries, summary, texts

TYPED = ("command",)  # of run.lock: what was typed says nothing about the numbers


def run_hash(path: Path) -> str:
    """One SHA-256 over all slots of the last whole checkpoint."""
    return hash_arrays(_newest(Checkpoints(path)).arrays)


def _newest(checkpoints: Checkpoints) -> Checkpoint:
    """The newest checkpoint that is whole."""
    found, problems = checkpoints.latest()
    if found is None:
        trouble = f" ({'; '.join(problems)})" if problems else ""
        raise RunError(
            f"[{checkpoints.files.path}] it has no checkpoint that can be read{trouble}; expected a run; see "
            "powertrain runs"
        )
    return found


def list_runs(root: Path) -> list[dict[str, Any]]:
    """Every run in a folder: how far it came and what came out."""
    return [_row(one) for one in summaries(root)]


def _row(one: RunSummary) -> dict[str, Any]:
    scores = [f"{name} {value:.4g}" for name, value in one.scores.items()]
    said = "  ".join([one.results["part"], *scores]) if one.results else one.problem
    return {"run": str(one.path), "state": one.state, "steps": one.steps, "summary": said}


def show_run(path: Path) -> dict[str, Any]:
    """A run with its checkpoints, oldest first: what each holds, and why it is kept."""
    folder = RunFolder(path)
    policy, metas = keeping(folder), folder.checkpoints.metas()
    rows = [_checkpoint(folder, number, metas, policy) for number in folder.checkpoints.numbers()]
    one = summary(path)
    return {**_row(one), "recipe": one.recipe, "checkpoints": rows}


def _checkpoint(folder: RunFolder, number: int, metas: Metas, policy: Policy) -> dict[str, Any]:
    if number not in metas:
        return {"round": number, "damaged": True}
    try:
        files = folder.checkpoints.files_of(number)
        size = sum((folder.path / name).stat(follow_symlinks=False).st_size for name in files)
    except (CheckpointError, OSError):
        return {"round": number, "damaged": True}
    meta = metas[number]
    return {
        "round": number, "damaged": False, "steps": meta["steps"], "seconds": meta["seconds"], "bytes": size,
        "kept": policy.reasons(number, metas), "values": meta.get("values", {}),
    }  # fmt: skip


def keeping(folder: RunFolder, settings: Sequence[str] = ()) -> Policy:
    """Which checkpoints of a run stay, by its recipe and by settings KEY=VALUE over that."""
    tables = folder.about()["tables"]
    written = flat(tables).items()
    source = of_tables({key.removeprefix("run.keep."): value for key, value in written if key.startswith("run.keep.")})
    override(source, settings)
    made, mistakes = check(Keep, source.tables, "run.keep")
    if mistakes:
        said = "; ".join(f"{'.'.join(map(str, one.path)) or 'run.keep'}: {one.text}" for one in mistakes)
        raise RunError(f"[{folder.path} run.keep] {said}")
    return Policy.of(made)


def prune(path: Path, settings: Sequence[str] = ()) -> list[int]:
    """Drop the checkpoints of a run that its policy does not keep, or that settings over it do not; their rounds."""
    folder = RunFolder(path)
    policy = keeping(folder, settings)
    with folder.locked():
        return folder.checkpoints.prune(policy, _newest(folder.checkpoints).number)


def diff(paths: Sequence[Path]) -> dict[str, tuple[str, ...]]:
    """What differs between two runs: settings, versions, data, how far they came, and the bits of their weights."""
    folders = [RunFolder(path) for path in paths]
    data = [folder.about()["data"] for folder in folders]
    said = [{**_versions(folder), **summary(folder.path).settings, **_position(folder)} for folder in folders]
    found = {key: tuple(one.get(key, "") for one in said) for key in differing(said)}
    changes = differences(*data) if all(data) else []
    return {**found, **{f"data {at + 1}": ("", change) for at, change in enumerate(changes)}}


def _versions(folder: RunFolder) -> dict[str, str]:
    return {key: text for key, text in texts(lock.read(folder.files)).items() if key not in TYPED}


def _position(folder: RunFolder) -> dict[str, str]:
    row, found = _row(summary(folder.path)), folder.checkpoints.latest()[0]
    digest = hash_arrays(found.arrays) if found is not None else ""
    return {"state": row["state"], "steps": f"{row['steps']:,}", "results": row["summary"], "hash": digest[:16]}
