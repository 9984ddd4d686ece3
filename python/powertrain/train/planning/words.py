"""A plan as lines for a person."""

from __future__ import annotations

from collections.abc import Iterator

from powertrain.io.console import byte_count, one_line
from powertrain.train.display.display import duration, short_number
from powertrain.train.planning.plan import Item, Plan

PARTS = {"start": "imports, data and model", "first rounds": "tracing and the first steps more",
         "end": "last evaluation, baselines, report"}  # fmt: skip
LAYERS = 12  # shown; all are in the JSON


def text(plan: Plan) -> str:
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    parts = " / ".join(f"{part} {count:,}" for part, count in plan.data.items())
    steps = f"{plan.steps:,} steps of {plan.batch_size:,}" if plan.steps else f"{plan.rounds:,} rounds"
    yield one_line(f"plan   {plan.recipe}: {plan.until}, {steps}" + (f" ({parts})" if parts else ""))
    yield from _parameters(plan)
    if plan.run_flops is not None:
        each = f"{_flops(plan.step_flops)} a step, " if plan.step_flops is not None else ""
        yield f"work   {each}{_flops(plan.run_flops)} the run without evaluations (a multiply-add is 2)"
    else:
        yield "work   not known: the engine does not compute it"
    stopped = " at most" if plan.stops else ""
    yield (
        f"time   {_seconds(plan.seconds)}{stopped}, of which training {_seconds(plan.training_seconds)}; "
        f"{_seconds(plan.processor_seconds)} of all cores"
    )
    yield from (f"       {_item(item)}" for item in plan.times if item.count)
    if plan.waiting > 0:
        yield f"       steps wait {plan.waiting:.0%} of their time for data"
    yield from _memory(plan)
    stored = ", ".join(f"{name} {byte_count(size)}" for name, size in plan.storage.items() if name != "all")
    yield f"disk   {byte_count(plan.storage['all'])}: {stored}"
    energy = plan.energy
    yield (
        f"energy {energy['watt_hours']:.2g} Wh, between {energy['low']:.2g} and {energy['high']:.2g} "
        f"({energy['method']})"
    )
    if plan.money:
        yield "money  " + ", ".join(f"{name} {value:.2g}" for name, value in plan.money.items())
    yield from _scaling(plan)
    for stop in plan.stops:
        yield f"stop   {stop.reason}: training ends after {_seconds(stop.seconds)}, {stop.share:.0%} of it"
    for sentence in plan.unknown:
        yield f"open   {one_line(sentence)}"
    made = ", ".join(f"{count:,} {name}" for name, count in plan.measured.items() if count)
    yield f"by     measuring {made}"


def _parameters(plan: Plan) -> Iterator[str]:
    if not plan.parameters:
        yield "model  no parameters that the engine knows"
        return
    frozen = plan.parameters - plan.trained
    yield f"model  {plan.parameters:,} parameters, {plan.trained:,} trained" + (
        f", {frozen:,} frozen" if frozen else ""
    )
    shown = plan.layers[:LAYERS]
    width = max((len(layer.name) for layer in shown), default=0)
    for layer in shown:
        kind = layer.kind + ("" if layer.trained else ", frozen")
        yield one_line(f"       {layer.name:<{width}}  {layer.parameters:>12,}  {kind}")
    if rest := plan.layers[LAYERS:]:
        yield f"       and {len(rest)} more with {sum(layer.parameters for layer in rest):,}"


def _memory(plan: Plan) -> Iterator[str]:
    memory = dict(plan.memory)
    peak, imports, device = memory.pop("peak"), memory.pop("imports", 0), memory.pop("device", 0)
    last = next(name for name, held in plan.peaks.items() if held == max(plan.peaks.values()))
    yield (
        f"memory {byte_count(peak)} at the peak ({last}), {byte_count(peak - imports)} without the "
        f"{byte_count(imports)} of imports"
    )
    yield "       " + ", ".join(f"{name} {byte_count(size)}" for name, size in memory.items() if size)
    if device:
        yield f"       {byte_count(device)} of the GPU"


def _scaling(plan: Plan) -> Iterator[str]:
    if not plan.scaling:
        return
    yield "scale  a step, if each device has a batch of its own (powertrain help scaling)"
    yield f"       {'devices':>8}" + "".join(f"{name:>15}" for name in plan.scaling[0].seconds)
    for row in plan.scaling:
        yield f"       {row.devices:>8,}" + "".join(f"{_seconds(seconds):>15}" for seconds in row.seconds.values())


def _item(item: Item) -> str:
    named = PARTS.get(item.name, f"{item.count:,} {item.name}")
    each = f" ({_seconds(item.each)} each)" if item.count > 1 else ""
    return f"{_seconds(item.seconds):>8}  {named}{each}"


def _seconds(value: float) -> str:
    if value < 1:
        return f"{1000 * value:.3g} ms"
    return f"{value:.1f} s" if value < 10 else duration(value)


def _flops(count: float) -> str:
    for unit, size in (("Pflop", 1e15), ("Tflop", 1e12), ("Gflop", 1e9)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{short_number(count)} flop"
