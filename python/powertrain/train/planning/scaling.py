"""How long a step takes on many devices: what each one computes, what they exchange, and which of it overlaps.

A message of n bytes takes latency + n / bandwidth (Hockney 1994). A device sends to one other at a time, and no two
messages share a link. Each device has a batch of its own, of one size whatever their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

BACKWARD = 2.0  # times as long as the forward pass: two products for each of its products
GROWTH = 4  # from one number of devices in a table to the next


@dataclass(frozen=True)
class Network:
    """What joins two devices: seconds before the first byte arrives, and bytes per second."""

    latency: float
    bandwidth: float

    def send(self, size: float) -> float:
        return self.latency + size / self.bandwidth

    def halving(self, size: float, devices: int) -> float:
        """Seconds to sum arrays of so many bytes, of which each device keeps its part: with partners at a distance of
        1, 2, 4 and so on, which get one half of what is left. To collect such parts takes as long, by doubling.

        Devices above a power of two give their array to others first (Thakur, Rabenseifner & Gropp 2005).
        """
        rounds = devices.bit_length() - 1
        folded = self.send(size) if devices > 1 << rounds else 0.0
        return folded + rounds * self.latency + (1 - 0.5**rounds) * size / self.bandwidth

    def ring(self, size: float, devices: int) -> float:
        """The same around a ring: the fewest bytes for any number of devices, and a latency for each of them."""
        return (devices - 1) * self.send(size / devices)

    def scatter(self, size: float, devices: int) -> float:
        """By the way that is faster, as libraries choose. An all-reduce takes twice as long."""
        return min(self.halving(size, devices), self.ring(size, devices))

    @classmethod
    def fitted(cls, measured: Sequence[tuple[int, float, float]]) -> Network:
        """The network that explains best what all-reduces by halving and doubling took: powers of two of devices,
        bytes, seconds. Every measurement counts by its relative error."""
        rows = [(2 * (count.bit_length() - 1), 2 * (1 - 1 / count) * size) for count, size, _ in measured]
        seconds = np.array([took for _, _, took in measured])
        (latency, per_byte), *_ = np.linalg.lstsq(np.array(rows) / seconds[:, None], np.ones(len(rows)), rcond=None)
        return cls(max(float(latency), 0.0), 1 / float(per_byte))


@dataclass(frozen=True)
class Work:
    """A step on one device: seconds without any other device, bytes of the parameters, and of what a block hands on.

    The model is a row of `blocks` of one size, whose gradients are ready one after the other.
    """

    forward: float
    backward: float
    update: float
    parameters: float
    blocks: int
    activations: float = 0.0


def slowest(devices: int, spread: float) -> float:
    """How much longer than the mean the slowest device takes, where times are normal with this relative deviation.

    The mean of the largest of so many draws, to 3 % of the deviation (Blom 1958).
    """
    return 1 + spread * NormalDist().inv_cdf((devices - 0.375) / (devices + 0.25)) if devices > 1 else 1.0


def data_parallel(work: Work, network: Network, devices: int) -> float:
    """Every device has the whole model, and gradients are summed while those of blocks before are computed."""
    sent = 2 * network.scatter(work.parameters / work.blocks, devices)
    return _overlapped(work, sent) + work.update


def zero_1(work: Work, network: Network, devices: int) -> float:
    """Every device updates a part of the parameters, then all collect them (Rajbhandari et al. 2020, stage 1)."""
    sent = network.scatter(work.parameters / work.blocks, devices)
    return _overlapped(work, sent) + work.update / devices + network.scatter(work.parameters, devices)


def zero_3(work: Work, network: Network, devices: int) -> float:
    """Every device holds a part of each block, which all collect before they need it, forward and backward (stage 3).
    The next block is collected while one is computed."""
    block = network.scatter(work.parameters / work.blocks, devices)
    free = now = 0.0  # when the network and the processor are free
    for seconds, sent in ((work.forward / work.blocks, 0.0), (work.backward / work.blocks, block)):
        arrived = free = max(free, now) + block
        for rest in range(work.blocks - 1, -1, -1):
            started = max(now, arrived)
            if rest:
                arrived = free = max(free, started) + block
            now = started + seconds
            if sent:
                free = max(free, now) + sent
    return max(now, free) + work.update / devices


def pipeline(work: Work, network: Network, devices: int, stages: int, microbatches: int) -> float:
    """The blocks lie on the devices of a group, which works on one batch for each of them, in microbatches one after
    the other (Huang et al. 2019). The groups are data parallel.

    Activations are sent while others are computed, but the first ones of each stage are waited for.
    """
    turns = (microbatches + stages - 1) / microbatches
    # A stage computes as much for the batches of its group as one device did for its own.
    compute = turns * (work.forward + work.backward)
    sent = network.send(stages * work.activations / microbatches)
    waiting = 2 * (stages - 1) * sent if stages > 1 else 0.0
    gradients = 2 * network.scatter(work.parameters / stages, devices // stages)
    return compute + waiting + gradients + work.update / stages


def _overlapped(work: Work, sent: float) -> float:
    """When forward, backward and the exchange of every block's gradient are done, where each exchange begins as soon as
    its block is done and the one before has ended."""
    free = 0.0
    for done in range(1, work.blocks + 1):
        free = max(free, work.forward + work.backward * done / work.blocks) + sent
    return max(free, work.forward + work.backward)


FORMS: Mapping[str, Callable[[Work, Network, int], float]] = {
    "data parallel": data_parallel,
    "ZeRO-1": zero_1,
    "ZeRO-3": zero_3,
}


@dataclass(frozen=True)
class Cluster:
    """Devices that a run might have: how many at most, what joins them, and how much their times differ."""

    devices: int
    network: Network
    spread: float = 0.0


@dataclass(frozen=True)
class Scaled:
    """A step on so many devices: seconds for each way to share it."""

    devices: int
    seconds: Mapping[str, float]


def scaled(step: float, parameters: int, blocks: int, cluster: Cluster) -> Iterator[Scaled]:
    """What a step becomes that takes so many seconds on one device, with gradients of so many bytes. Its update counts
    as a part of the backward pass."""
    forward = step / (1 + BACKWARD)
    devices = 1
    while True:
        factor = slowest(devices, cluster.spread)
        work = Work(forward * factor, (step - forward) * factor, 0.0, parameters, max(1, blocks))
        yield Scaled(devices, {name: form(work, cluster.network, devices) for name, form in FORMS.items()})
        if devices == cluster.devices:
            return
        devices = min(GROWTH * devices, cluster.devices)
