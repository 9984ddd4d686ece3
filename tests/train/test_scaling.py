"""The model of a step on many devices: against schedules that are played message by message, and at its limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from powertrain.train.planning.scaling import (
    FORMS,
    Cluster,
    Network,
    Work,
    data_parallel,
    pipeline,
    scaled,
    slowest,
    zero_3,
)
from powertrain.train.workers.shared_memory import partners
from running import SMALL, run

NETWORK = Network(5e-6, 12.5e9)
FAST = Network(0.0, 1e30)
WORK = Work(forward=0.010, backward=0.020, update=0.002, parameters=400e6, blocks=16)


def played_halving(network: Network, size: float, devices: int) -> float:
    """The clocks of devices that meet the partners of the engine's own transport, each pair as soon as both can."""
    clocks = np.zeros(devices)
    for number in range(devices.bit_length() - 1):
        size /= 2
        pairs = [(rank, partners(rank, devices)[number]) for rank in range(devices)]
        clocks = np.array([max(clocks[a], clocks[b]) + network.send(size) for a, b in pairs])
    return float(clocks.max())


def played_ring(network: Network, size: float, devices: int) -> float:
    clocks = np.zeros(devices)
    for _ in range(devices - 1):
        clocks = np.maximum(clocks, np.roll(clocks, 1)) + network.send(size / devices)
    return float(clocks.max())


@pytest.mark.parametrize("devices", [1, 2, 8, 1024])
@pytest.mark.parametrize("size", [0.0, 4096.0, 1e9])
def test_an_exchange_takes_what_its_messages_take(devices: int, size: float) -> None:
    assert NETWORK.halving(size, devices) == pytest.approx(played_halving(NETWORK, size, devices), rel=1e-9)
    assert NETWORK.ring(size, devices) == pytest.approx(played_ring(NETWORK, size, devices), rel=1e-9)


def test_other_numbers_than_powers_of_two_give_their_array_first() -> None:
    assert NETWORK.halving(1e9, 11) == pytest.approx(NETWORK.send(1e9) + NETWORK.halving(1e9, 8), rel=1e-12)
    assert NETWORK.scatter(1e9, 11) == NETWORK.ring(1e9, 11) < NETWORK.halving(1e9, 11)
    assert NETWORK.scatter(1e3, 1024) == NETWORK.halving(1e3, 1024) < NETWORK.ring(1e3, 1024)


@pytest.mark.parametrize("devices", [2, 4, 16, 256])
def test_the_slowest_device_is_the_largest_of_normal_draws(devices: int) -> None:
    largest = np.random.default_rng(0).normal(size=(40_000, devices)).max(axis=1).mean()
    assert abs((slowest(devices, 1.0) - 1) - largest) < 0.03
    assert slowest(1, 0.5) == 1.0 and slowest(devices, 0.0) == 1.0


def test_a_network_that_costs_nothing_leaves_the_computing() -> None:
    compute = WORK.forward + WORK.backward
    assert data_parallel(WORK, FAST, 64) == pytest.approx(compute + WORK.update)
    for name in ("ZeRO-1", "ZeRO-3"):
        assert FORMS[name](WORK, FAST, 64) == pytest.approx(compute + WORK.update / 64)
    assert pipeline(WORK, FAST, 64, stages=4, microbatches=12) == pytest.approx(compute * 15 / 12 + WORK.update / 4)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_one_device_exchanges_nothing(form: Callable[[Work, Network, int], float]) -> None:
    assert form(WORK, NETWORK, 1) == pytest.approx(WORK.forward + WORK.backward + WORK.update)


def test_the_exchange_is_hidden_behind_the_backward_pass_but_for_the_last_block() -> None:
    small = replace(WORK, parameters=4e6)
    block = 2 * NETWORK.scatter(small.parameters / small.blocks, 8)
    assert block < small.backward / small.blocks
    assert data_parallel(small, NETWORK, 8) == pytest.approx(0.032 + block)


def test_a_slow_network_is_busy_from_the_first_gradient_on() -> None:
    slow = Network(5e-6, 1e9)
    block = 2 * slow.scatter(WORK.parameters / WORK.blocks, 8)
    busy = WORK.forward + WORK.backward / WORK.blocks + WORK.blocks * block + WORK.update
    assert data_parallel(WORK, slow, 8) == pytest.approx(busy)
    # Each block is collected twice and summed once: three exchanges for the two of an all-reduce.
    alone = replace(WORK, forward=0.0, backward=0.0, update=0.0)
    assert zero_3(alone, slow, 8) == pytest.approx(1.5 * data_parallel(alone, slow, 8))


def played_zero_3(work: Work, network: Network, devices: int) -> float:
    """The tasks of the processor and of the network one by one: each begins when what it needs is there."""
    block = network.scatter(work.parameters / work.blocks, devices)
    wire, chip = [0.0], [0.0]
    for seconds, summed in ((work.forward / work.blocks, False), (work.backward / work.blocks, True)):
        collected = [max(wire[-1], chip[-1]) + block]
        wire.append(collected[0])
        for number in range(work.blocks):
            begun = max(chip[-1], collected[number])
            if number + 1 < work.blocks:
                collected.append(max(wire[-1], begun) + block)
                wire.append(collected[-1])
            chip.append(begun + seconds)
            if summed:
                wire.append(max(wire[-1], chip[-1]) + block)
    return max(wire[-1], chip[-1]) + work.update / devices


@pytest.mark.parametrize("bandwidth", [1e8, 5e9, 5e10, 1e12])
def test_blocks_are_collected_while_others_are_computed(bandwidth: float) -> None:
    network = Network(5e-6, bandwidth)
    assert zero_3(WORK, network, 64) == pytest.approx(played_zero_3(WORK, network, 64))


def test_a_pipeline_waits_for_its_ends_and_sums_less() -> None:
    work = replace(WORK, activations=1e6)
    found = pipeline(work, NETWORK, 64, stages=4, microbatches=8)
    waiting = 2 * 3 * NETWORK.send(4 * 1e6 / 8)
    summed = 2 * NETWORK.scatter(100e6, 16)
    assert found == pytest.approx(0.030 * 11 / 8 + waiting + summed + 0.0005)


def test_a_table_ends_with_the_devices_asked_for() -> None:
    rows = list(scaled(0.03, 400_000_000, 16, Cluster(10_000, NETWORK, spread=0.02)))
    assert [row.devices for row in rows] == [1, 4, 16, 64, 256, 1024, 4096, 10_000]
    for name in FORMS:
        seconds = [row.seconds[name] for row in rows]
        assert seconds[0] == pytest.approx(0.03) and seconds == sorted(seconds)
    assert [row.devices for row in scaled(0.03, 4, 1, Cluster(1, NETWORK))] == [1]


def test_latency_and_bandwidth_are_found_in_times() -> None:
    times = [
        (count, size, 2 * NETWORK.halving(size, count)) for count in (2, 4, 8) for size in (4096, 1 << 20, 1 << 26)
    ]
    found = Network.fitted(times)
    assert found.latency == pytest.approx(NETWORK.latency) and found.bandwidth == pytest.approx(NETWORK.bandwidth)
    noise = np.random.default_rng(0).normal(1, 0.05, len(times))
    found = Network.fitted([(count, size, took * by) for (count, size, took), by in zip(times, noise, strict=True)])
    assert found.latency == pytest.approx(NETWORK.latency, rel=0.2)
    assert found.bandwidth == pytest.approx(NETWORK.bandwidth, rel=0.2)


def test_a_plan_predicts_a_step_on_more_devices(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    words = ["plan", "small.toml", "--devices", "100", "--latency", "1e-5", "--bandwidth", "1e9", "--spread", "0.05"]
    found = json.loads(run([*words, "--json"], tmp_path).stdout)
    step = next(item["each"] for item in found["times"] if item["name"] == "steps")
    blocks = sum(layer["trained"] > 0 for layer in found["layers"])
    rows = scaled(step, 4 * found["trained"], blocks, Cluster(100, Network(1e-5, 1e9), 0.05))
    assert found["scaling"] == [json.loads(json.dumps(asdict(row))) for row in rows]
    shown = run(words, tmp_path).stdout.splitlines()
    first = next(at for at, line in enumerate(shown) if line.startswith("scale "))
    assert shown[first + 1].split() == ["devices", "data", "parallel", "ZeRO-1", "ZeRO-3"]
    assert [line.split()[0] for line in shown[first + 2 : first + 7]] == ["1", "4", "16", "64", "100"]


def test_a_recipe_whose_gradients_nobody_knows_is_refused(tmp_path: Path) -> None:
    done = run(["plan", "digits-k-means", "--devices", "8"], tmp_path, expect=2)
    assert done.stderr.strip() == (
        "[plan --devices] digits-k-means has no training steps of the engine; expected a recipe with an optimizer, "
        "since devices exchange its gradients; leave --devices out"
    )
