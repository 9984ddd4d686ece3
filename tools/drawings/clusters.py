"""How a step of one device becomes longer on many."""

from __future__ import annotations

from dataclasses import replace

from chart import Chart

from powertrain.train.planning.scaling import FORMS, Network, Work, data_parallel, pipeline, slowest

DEVICES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
STAGES = 4


def scaling() -> str:
    """350 million parameters, 300 ms of computing, 100 Gbit/s between two devices."""
    network = Network(5e-6, 12.5e9)
    work = Work(0.1, 0.2, 0.005, 4 * 350e6, blocks=24, activations=8e6)
    chart = Chart("A step of 305 ms on one device", (1, 10_000), (0, 0.8), "devices", "seconds", log_x=True)
    for place, (name, form) in enumerate(FORMS.items()):
        chart.line(DEVICES, [form(work, network, count) for count in DEVICES], name, colour=place)
    groups = [count for count in DEVICES if count >= STAGES]
    piped = [pipeline(work, network, count, STAGES, 16) for count in groups]
    chart.line(groups, piped, "pipeline of 4", colour=3)
    waited = []
    for count in DEVICES:
        factor = slowest(count, 0.05)
        waited.append(data_parallel(replace(work, forward=0.1 * factor, backward=0.2 * factor), network, count))
    chart.line(DEVICES, waited, "data parallel, spread 5 %", colour=0, dashed=True)
    return chart.svg()


DRAWINGS = (scaling,)
