"""The plan of a run: what its parts take, counted from what was measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.data.cached import caches_of
from powertrain.io.records import to_json
from powertrain.nn.display import counts, parts
from powertrain.train.folder.keeping import Policy
from powertrain.train.folder.ledger import FILE, read_history
from powertrain.train.folder.run_folder import RunError
from powertrain.train.planning.compiled import arena_bytes
from powertrain.train.planning.counting import Extent, evaluations, saves
from powertrain.train.planning.rehearsal import Rehearsal, rehearse, rings
from powertrain.train.planning.scaling import Cluster, Scaled, scaled
from powertrain.train.report.energy import Usage
from powertrain.train.samples import sheets

if TYPE_CHECKING:
    from powertrain.recipe import Recipe


@dataclass(frozen=True)
class Layer:
    """A module with parameters of its own."""

    name: str
    kind: str
    parameters: int
    trained: int


@dataclass(frozen=True)
class Item:
    """What a part of the run takes: so many times so many seconds, and what comes once."""

    name: str
    count: int
    each: float
    seconds: float


@dataclass(frozen=True)
class Prices:
    """What the user pays."""

    hour: float | None = None  # for the machine
    kwh: float | None = None


@dataclass(frozen=True)
class Stop:
    """An end before the target."""

    reason: str
    seconds: float  # of training until then
    share: float  # of the training


@dataclass(frozen=True)
class Plan:
    """What a run will cost."""

    recipe: str
    until: str
    data: Mapping[str, int]  # examples of each part
    steps: int
    rounds: int
    batch_size: int
    parameters: int
    trained: int
    layers: tuple[Layer, ...]
    step_flops: float | None  # None: not known, since the engine does not compute it
    run_flops: float | None
    training_seconds: float  # as results.json says
    seconds: float  # of the whole command
    processor_seconds: float  # of it, of all cores together
    times: tuple[Item, ...]
    waiting: float  # share of the steps in which they wait for their data
    memory: Mapping[str, int]  # bytes
    peaks: Mapping[str, int]  # the most held until the end of each part
    storage: Mapping[str, int]  # bytes
    energy: Mapping[str, Any]
    money: Mapping[str, float]
    stops: tuple[Stop, ...] = ()
    unknown: tuple[str, ...] = ()
    measured: Mapping[str, Any] = field(default_factory=dict)
    scaling: tuple[Scaled, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def plan(
    recipe: Recipe,
    *,
    prices: Prices = Prices(),
    max_minutes: float | None = None,
    cluster: Cluster | None = None,
    before: Usage | None = None,
) -> Plan:
    """What the run of a recipe will cost. Some of it is run, in a temporary folder; `before` is what the process
    took already. With a cluster, also what a step would take on its devices."""
    with tempfile.TemporaryDirectory(prefix="powertrain-plan-") as folder:
        found = rehearse(recipe, Path(folder))
        made = _plan(recipe, found, prices, max_minutes, before or Usage())
        return made if cluster is None else replace(made, scaling=tuple(_scaling(made, cluster)))


def _scaling(plan: Plan, cluster: Cluster) -> Iterator[Scaled]:
    """Gradients are float32, of each layer with trained parameters by itself."""
    step = next((item.each for item in plan.times if item.name == "steps" and item.count), None)
    if step is None or not plan.trained:
        raise RunError(
            f"[plan --devices] {plan.recipe} has no training steps of the engine; expected a recipe with an "
            "optimizer, since devices exchange its gradients; leave --devices out"
        )
    return scaled(step, 4 * plan.trained, sum(layer.trained > 0 for layer in plan.layers), cluster)


def _plan(recipe: Recipe, found: Rehearsal, prices: Prices, max_minutes: float | None, before: Usage) -> Plan:
    run, extent = found.run, found.extent()
    times, training, whole = _times(found, extent, before)
    modules = run.table.modules
    sizes = [counts(module) for module in modules.values()]
    layers = [Layer(f"{role}.{part.path}".rstrip("."), part.kind, part.parameters, part.trained)
              for role, module in modules.items() for part in parts(module) if part.parameters]  # fmt: skip
    step_flops, run_flops = _flops(found, extent)
    energy = whole.energy()
    stops = tuple(_stops(found, extent, training, max_minutes))
    hours = whole.seconds / 3600
    money = {"machine": None if prices.hour is None else prices.hour * hours,
             "energy": None if prices.kwh is None else prices.kwh * energy.watt_hours / 1000}  # fmt: skip
    looped = found.stepper.looped.values()
    timed = sum(sum(one.seconds) for one in looped)
    return Plan(
        recipe.name, str(recipe.run.until), {part: len(rows) for part, rows in run.dataset.splits.items()},
        extent.steps, round(extent.rounds), recipe.run.batch_size,
        sum(total for total, _ in sizes), sum(trained for _, trained in sizes), tuple(layers),
        step_flops, run_flops, training.seconds, whole.seconds, whole.busy, times,
        sum(one.waiting for one in looped) / timed if timed else 0.0,
        _memory(found, extent), {stage.name: stage.peak for stage in found.stages}, _storage(found, extent),
        {"watt_hours": energy.watt_hours, "low": energy.low, "high": energy.high, "method": energy.method},
        {name: value for name, value in money.items() if value is not None},
        stops, tuple(_unknown(found, recipe)),
        {"steps": found.stepper.calls, "rounds": len(found.rounds), "evaluations": len(found.evaluations.took)},
    )  # fmt: skip


def _counted(found: Rehearsal, extent: Extent) -> tuple[int, Usage, int]:
    """How many evaluations there are and what they take, and how many checkpoints."""
    whole, count = found.evaluations.whole, evaluations(extent, found.run.horizon)
    took = whole[-1] * count + (whole[0] - whole[-1]) * bool(count)
    seconds = (extent.training + took).seconds
    least, cost = found.run.recipe.run.save_seconds, found.saver.took[-1].seconds
    return count, took, max(saves(extent, seconds, least, cost), _marks(found, extent))


def _marks(found: Rehearsal, extent: Extent) -> int:
    """How many checkpoints `run.keep.every` asks for."""
    every = Policy.of(found.run.recipe.run.keep).every
    return 0 if every is None else int(extent.amounts[every.unit] // every.amount)


def _times(found: Rehearsal, extent: Extent, before: Usage) -> tuple[tuple[Item, ...], Usage, Usage]:
    """The parts of the time, what the training takes, and the whole command."""
    looks, looking, saved = _counted(found, extent)
    rounds, save = extent.training, found.saver.took[-1]
    # Written beside training, which loses the processor's time that it takes; the last one is waited for.
    beside = Usage(save.busy, save.busy, save.joules)
    saving = beside * max(0, saved - 1) + save * min(1, saved)
    training = rounds + looking + saving
    start = before + found.start
    unit, count = ("steps", extent.steps) if extent.steps else ("rounds", round(extent.rounds))
    each = (rounds.seconds - extent.first) / max(count, 1)
    items = (
        Item("start", 1, start.seconds, start.seconds),
        Item("first rounds", 1, extent.first, extent.first),
        Item(unit, count, each, rounds.seconds - extent.first),
        Item("evaluations", looks, found.evaluations.whole[-1].seconds, looking.seconds),
        Item("checkpoints", saved, saving.seconds / max(1, saved), saving.seconds),
        Item("end", 1, found.end.seconds, found.end.seconds),
    )
    return items, training, start + training + found.end


def _flops(found: Rehearsal, extent: Extent) -> tuple[float | None, float | None]:
    """Of a step, and of all rounds; evaluations are left out."""
    looped = found.stepper.looped.values()
    inside = sum(one.flops * one.wanted for one in looped)
    steps = sum(one.wanted for one in looped)
    outside = found.stepper.other_flops / len(found.rounds)
    each = inside / steps if steps else 0.0
    total = each * extent.steps + outside * extent.rounds
    return each or None, total or None


def _memory(found: Rehearsal, extent: Extent) -> dict[str, int]:
    """What the process holds at its peak, as far as its parts are known; `peak` is all of it, `imports` what it held
    before the recipe was read."""
    run, stepper = found.run, found.stepper
    table = run.table
    weights = sum(slot.numpy().nbytes for slot in table.model_slots().values())
    moments = sum(slot.numpy().nbytes for one in table.optimizers.values() for _, slot in one.named_slots())
    replay = sum(rows.nbytes for ring in rings(run) for rows in ring.rows().values())
    best = sum(array.nbytes for array in run.early.weights.values()) if run.early is not None else 0
    twice = table.bytes_while_saving() if _counted(found, extent)[2] > 1 else 0
    caches = [one for source in run.dataset.splits.values() for one in caches_of(source)]
    cached, filled = sum(one.full_bytes for one in caches), sum(one.held_bytes for one in caches)
    peaks = {stage.name: stage.peak for stage in found.stages}
    peak = max(*peaks.values(), peaks["evaluation"] + twice) + found.evaluations.sampled.more_bytes + cached - filled
    known = {
        "imports": found.stages[0].resident,
        "data": max(0, found.stages[1].resident - found.stages[0].resident),
        "weights": weights,
        "optimizer": moments,
        "replay": replay,
        "cache": cached,
        "best weights": best,
        "checkpoint on its way": twice,
        "arena of a step": max(map(arena_bytes, stepper.compiled.values()), default=0),
        "arena of an evaluation": found.evaluations.sampled.arena_bytes,
    }
    known = {name: size for name, size in known.items() if size}
    device = {"device": found.device_bytes} if found.device_bytes else {}
    return {**known, "others": max(0, peak - sum(known.values())), "peak": peak, **device}


def _storage(found: Rehearsal, extent: Extent) -> dict[str, int]:
    """The folder of the run at its end, with as many checkpoints as are kept at most; what training never changes is
    stored once."""
    lasting = sum(size for name, size in found.checkpoint.items() if "/lasting-" in name)
    newest = max((name for name in found.checkpoint if name.endswith(".json")), default="")
    each = sum(size for name, size in found.checkpoint.items() if newest and name.startswith(newest[: -len("json")]))
    policy, (looks, _, saved) = Policy.of(found.run.recipe.run.keep), _counted(found, extent)
    kept = min(policy.last, saved) + min(policy.best, looks) + _marks(found, extent)
    apart = ("checkpoints/", f"{sheets.FOLDER}/", FILE)
    rest = sum(size for name, size in found.files.items() if not name.startswith(apart))
    made = {"checkpoints": kept * each + lasting, "ledger": _ledger(found, extent), "report and others": rest}
    if shown := [size for name, size in found.files.items() if name.startswith(f"{sheets.FOLDER}/")]:
        made["samples"] = round(min(sheets.MOST_ROUNDS, looks) * sum(shown) / _evaluated(found))
    return {**made, "all": sum(made.values())}


def _evaluated(found: Rehearsal) -> int:
    """How many evaluations were rehearsed."""
    return max(1, sum(event["event"] == "metrics" for event in read_history(found.run.folder.path)))


def _ledger(found: Rehearsal, extent: Extent) -> int:
    """Lines of evaluations come with these, those of episodes with what is played."""
    sizes: dict[str, list[int]] = {}
    for line in read_history(found.run.folder.path):
        sizes.setdefault(line["event"], []).append(len(to_json(line)) + 1)
    often = dict.fromkeys(("metrics", "sample", sheets.EVENT), evaluations(extent, found.run.horizon))
    rounds = extent.rounds / len(found.rounds)
    return round(sum(
        float(np.mean(each)) * often[event] if event in often else sum(each) * (rounds if event == "episodes" else 1)
        for event, each in sizes.items()
    ))  # fmt: skip


def _stops(found: Rehearsal, extent: Extent, training: Usage, max_minutes: float | None) -> Iterator[Stop]:
    run = found.run
    count = evaluations(extent, run.horizon)
    if run.early is not None and (least := run.early.patience + 1) < count:
        share = least / count
        yield Stop(
            f"early stopping, at the earliest after {least} of {count} evaluations", training.seconds * share, share
        )
    if max_minutes is not None and 60 * max_minutes < training.seconds:
        yield Stop(f"--max-minutes {max_minutes:g}", 60 * max_minutes, 60 * max_minutes / training.seconds)


def _unknown(found: Rehearsal, recipe: Recipe) -> Iterator[str]:
    """What no measurement of a beginning tells."""
    run, count = found.run, len(found.rounds)
    if found.over:
        yield "the run is short, or one round: all of it was run, and the plan took as long as it will"
    elif run.table.optimizers and not found.stepper.looped:
        yield f"what learning takes: {recipe.strategy.name} made no step in the {count:,} rounds that were measured"
    elif not found.stepper.looped:
        yield f"if later rounds take longer: {recipe.strategy.name} has no steps, and {count:,} rounds were measured"
    if run.dataset.kind.plays:
        yield "how long episodes will be: trained models may play longer or shorter ones in evaluations"
    if recipe.callbacks:
        yield "what callbacks take: they were left out, since they may tell others of a run"
