"""One run of the processes of an MPI job, each of which calls `pt.fit`: they join, and get the same in the end."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from powertrain.io.launcher import launched, together
from powertrain.io.plain_json import dumps
from powertrain.io.records import to_json
from powertrain.plugin.brought import brought
from powertrain.plugin.transport import Transport, WorkerError
from powertrain.train.deciding.decision import decision_of
from powertrain.train.display.live import in_notebook
from powertrain.train.evaluate.reference import class_names
from powertrain.train.folder.run_folder import fitting
from powertrain.train.session import Outcome, follow
from powertrain.train.workers.agreement import demand_alike, told
from powertrain.train.workers.cluster import demand_policy

if TYPE_CHECKING:
    from powertrain.recipe import Recipe

ALONE = "pass workers=1 to train a run in each process"
SAME = f"call pt.fit with the same arguments in each process, or {ALONE}"


class Joined(Transport, Protocol):
    """The transport of a process that has joined others, which call `pt.fit` too."""

    def conclude(self, arrays: Sequence[NDArray[Any]]) -> None:
        """End the run: fill the arrays of each worker with those of worker 0, of the same dtypes and sizes."""


@contextlib.contextmanager
def joined(workers: int | None, ray: str | None, when_lost: str | None) -> Iterator[Joined | None]:
    """The transport to the other processes of an MPI job, for the time of one run. None where this process trains
    alone: no launcher has started it, `workers` is 1, or a run that all share calls for it, as a callback may."""
    count = launched()
    if count == 1 or workers == 1:
        yield None
        return
    if in_notebook():
        raise WorkerError(
            f"[fit] received a notebook in a job of {count} processes of mpirun, which train one run together; "
            f"expected a script, which each of them runs to its end; start it with mpirun, or {ALONE}"
        )
    mpi = brought("fit", "powertrain_distributed.mpi", f"leads to the other {count - 1} processes of mpirun", "mpi")
    with mpi.joined(count, each_raises=True) as transport, together():
        if workers not in (None, count):
            raise WorkerError(
                f"[fit] received workers={workers!r}, and mpirun has started {count} processes, which are the workers; "
                f"expected no other number of them; leave workers out, or {ALONE}"
            )
        if ray is not None:
            raise WorkerError(
                f"[fit] received ray={ray!r}, and mpirun has started {count} processes, which are the workers; "
                "expected them from MPI or from Ray; leave ray out, or start the script without mpirun"
            )
        demand_policy(when_lost, ray)
        yield transport


def train_together(
    transport: Joined,
    recipe: Recipe,
    asked: Mapping[str, object],
    place: Callable[[], Path],
    lead: Callable[[Path], Outcome],
) -> Outcome:
    """Train a run as one of several processes, which all have `asked` for the same. The first one chooses the `place`,
    and leads. Each gets what the first one's run came to, and the model with the weights that it judged."""
    _demand_shards(recipe, transport.size)
    facts = {name: to_json(value) for name, value in {"recipe": recipe.tables, **asked}.items()}
    demand_alike(transport, facts, SAME)
    leads = transport.rank == 0
    path = Path(told(transport, str(place()) if leads else ""))
    if leads:
        outcome = lead(path)
    else:
        run = follow(recipe, path, transport, changed_data=bool(asked["changed_data"]))
        outcome = Outcome(run, {}, False, False)
    return _told(transport, outcome)


def _told(transport: Joined, outcome: Outcome) -> Outcome:
    """The outcome of the first process, for each of them."""
    leads, run = transport.rank == 0, outcome.run
    said = {
        "results": outcome.results, "finished": outcome.finished, "met": outcome.met, "stopped": run.stop_reason,
        "progress": run.progress.array().tolist(), "decision": run.evaluations.decision.to_json(0).decode(),
    }  # fmt: skip
    text = np.frombuffer(dumps(said).encode(), np.uint8) if leads else np.zeros(0, np.uint8)
    length = np.array([text.size])
    transport.conclude([length])
    text = text if leads else np.zeros(int(length[0]), np.uint8)
    weights = {name: np.array(slot.numpy()) for name, slot in sorted(run.table.model_slots().items())}
    transport.conclude([text, *weights.values()])
    if leads:
        return outcome
    said = json.loads(text.tobytes())
    run.table.set_model(weights)
    names = class_names(run)
    run.evaluations.decide(decision_of(said["decision"].encode(), 0, 0 if names is None else len(names)))
    run.progress.restore(np.array(said["progress"]))
    if said["stopped"]:
        run.request_stop(said["stopped"])
    results = fitting(to_json(said["results"])) if said["finished"] else said["results"]
    return Outcome(run, results, said["finished"], said["met"])


def _demand_shards(recipe: Recipe, count: int) -> None:
    shards = recipe.run.shards
    if shards % count:
        fit = ", ".join(str(1 << bit) for bit in range(shards.bit_length()))
        raise WorkerError(
            f"[fit] received run.shards = {shards} in {count} processes that mpirun has started, which train one run "
            f"together; expected a number of processes that divides the shards: {fit}; pass "
            f'run={{"shards": {1 << (count - 1).bit_length()}}}, or another number to mpirun, or {ALONE}'
        )
