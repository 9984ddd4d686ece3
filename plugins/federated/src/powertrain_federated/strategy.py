"""Federated averaging (McMahan et al. 2017) and FedProx (Li et al. 2020), simulated: clients are parts of the data."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

import powertrain as pt
from powertrain.data import permutation
from powertrain.plugin import Batch, Run, Section, Step, Strategy, param
from powertrain_federated.averaging import Average
from powertrain_federated.errors import FederatedError
from powertrain_federated.page import table
from powertrain_federated.partition import DEAL, Rows, by_dirichlet, evenly, sorted_pieces

if TYPE_CHECKING:
    from powertrain.data import Batch as HostBatch
    from powertrain.plugin import Part

AT_ONCE = 1000  # examples whose labels are read together


class Federated(Strategy):
    """In each round some clients train the common model on their own examples. Each begins with the same weights, and
    with a new optimizer. The weights become the mean of theirs, by their numbers of examples.

    With `proximal` above 0 a client pays for moving away from the common weights, as in FedProx.
    """

    @dataclass(frozen=True)
    class Params:
        clients: int = param(10, low=1, high=10_000, doc="parts into which the training examples are divided")
        fraction: float = param(1.0, above=0, high=1, doc="share of the clients that take part in a round")
        epochs: int = param(1, low=1, doc="passes of a client over its own examples in a round")
        partition: Literal["even", "dirichlet", "sorted"] = param("even", doc="how examples are divided")
        alpha: float = param(0.5, low=0.01, doc="dirichlet: the smaller, the more the classes of clients differ")
        pieces: int = param(2, low=1, doc="sorted: pieces for each client, of the examples sorted by class")
        proximal: float = param(0.0, low=0, doc="weight of half the squared distance to the common weights")
        decay: float = param(1.0, above=0, high=1, doc="factor on the learning rate after each round")
        seed: int = param(0, low=0, high=2**63 - 1, doc="of the partition, and of who takes part in a round")

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"clients": 4, "fraction": 0.5, "partition": "dirichlet"},
        {"clients": 3, "partition": "sorted", "proximal": 0.1, "decay": 0.9},
    )
    example_recipe: ClassVar[str] = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "mlp", hidden = [16] }
strategy  = { use = "federated", clients = 4, fraction = 0.5, partition = "dirichlet" }
optimizer = { use = "sgd", lr = 0.1 }
run       = { until = "4 rounds", batch_size = 32 }
"""

    def setup(self, run: Run) -> None:
        super().setup(run)
        if self.opt.schedule is not None:
            raise FederatedError(
                "[federated] the optimizer has a schedule; expected none, since the optimizer of a client starts "
                "afresh in each round; leave it out, and write strategy.decay, a factor on the rate after each round"
            )
        if self.opt.accumulate > 1:
            raise FederatedError(
                f"[federated] the optimizer accumulates {self.opt.accumulate} batches; expected an update for each "
                "batch, since what a client still holds at the end of its turn would be lost; give a larger "
                "run.batch_size"
            )
        if not self.data.has_epochs:
            raise FederatedError(
                f"[federated] {run.dataset.name} is a stream, or windows of one text; expected examples that can be "
                "divided among clients; give the data set a length, or split the text into examples"
            )
        self.rows = self.divided(run)
        self.clients = [run.data("train", rows=rows.tolist(), name=f"client-{at}") for at, rows in enumerate(self.rows)]
        run.take_turns(self.clients, lambda: self.turns(run.progress.rounds))
        self.trained = [(path, slot) for path, slot in self.model.named_parameters() if slot.trainable]
        self.common = []
        if self.params.proximal:
            self.common = [run.slot(f"common.{path}", slot.value) for path, slot in self.trained]

    def divided(self, run: Run) -> list[Rows]:
        """The rows of each client."""
        params, count = self.params, len(run.dataset.splits["train"])
        least = params.clients * (params.pieces if params.partition == "sorted" else 1)
        if count < least:
            raise FederatedError(
                f"[federated] {count:,} training examples for {params.clients:,} clients; expected {least:,} or more, "
                "so that each has some; give fewer clients"
            )
        if params.partition == "even":
            return evenly(count, params.clients, params.seed)
        if run.dataset.task != "classification":
            raise FederatedError(
                f'[federated] partition = "{params.partition}" in a {run.dataset.task} task; expected classification, '
                'whose classes it divides; write partition = "even"'
            )
        if params.partition == "sorted":
            return sorted_pieces(labels_of(run), params.clients, params.pieces, params.seed)
        return by_dirichlet(labels_of(run), params.clients, params.alpha, params.seed)

    @property
    def taking(self) -> int:
        """How many clients take part in a round."""
        return max(1, round(self.params.fraction * self.params.clients))

    def chosen(self, number: int) -> list[int]:
        """The clients that take part in a round, by its number."""
        order = permutation(self.params.clients, self.params.seed, DEAL + 1 + number)
        return sorted(order[: self.taking].tolist())

    def turns(self, number: int) -> Iterator[tuple[Part, int]]:
        """Each client that trains, from a round on, and its batches."""
        for later in itertools.count(number):
            for at in self.chosen(later):
                yield self.clients[at], self.params.epochs * len(self.clients[at])

    def round(self, run: Run) -> None:
        if self.common:
            for common, (_, slot) in zip(self.common, self.trained, strict=True):
                common.value = slot.value
        average = Average(self.model)
        for number in self.chosen(run.progress.rounds):
            client = self.clients[number]
            with run.fork("model"):
                run.loop(self.step, Turn(run, client), self.params.epochs * len(client))
                average.add(len(self.rows[number]))
            client.close()
        average.take()
        self.opt.lr = self.opt.lr * self.params.decay

    def step(self, t: Step, batch: Batch) -> None:
        losses = self.loss(self.model(batch.x), batch.y)
        if not losses.shape:
            raise FederatedError(
                "[federated] the loss is one number for a batch; expected one value per example, since the last batch "
                "of a client is filled up; leave the mean out of the loss"
            )
        losses = pt.mean(pt.reshape(losses, (losses.shape[0], -1)), axis=1)
        t.minimize(self.opt, losses + self.distance() if self.common else losses, batch.weight)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def distance(self) -> Any:
        """Traced: proximal / 2 times the squared distance to the common weights. It counts like an example's loss."""
        pairs = zip(self.trained, self.common, strict=True)
        squares = [pt.sum(pt.square(slot.value - common.value)) for (_, slot), common in pairs]
        return self.params.proximal / 2 * sum(squares[1:], squares[0])

    def sections(self, run: Run) -> Sequence[Section]:
        model = sum(slot.numpy().nbytes for _, slot in self.model.named_slots())
        rounds = run.progress.rounds
        lines = (
            f"{self.taking:,} of {self.params.clients:,} clients took part in each of {rounds:,} rounds.",
            f"Each of them would get and send {model / 1e6:,.2f} MB in a round: "
            f"{2 * model * self.taking * rounds / 1e9:,.3f} GB in all.",
            "This was a simulation: one process saw all examples.",
        )
        labels = labels_of(run) if run.dataset.task == "classification" else None
        return [Section("Clients", lines, table(self.rows, labels, run.dataset.labels))]


class Turn:
    """Batches of one client. An epoch of the run is as many examples as all clients have."""

    has_epochs = True

    def __init__(self, run: Run, client: Part) -> None:
        self._run, self._client = run, client

    @property
    def epoch(self) -> int:
        return self._run.progress.examples // len(self._run.dataset.splits["train"])

    @property
    def padded(self) -> int:
        return self._client.padded

    def left_in_epoch(self) -> int:
        return self._client.left_in_epoch()

    def take(self, count: int) -> Iterator[HostBatch]:
        return self._client.take(count)


def labels_of(run: Run) -> Any:
    """The labels of the training examples."""
    source = run.dataset.splits["train"]
    rows = np.arange(len(source))
    return np.concatenate([source.fetch(rows[at : at + AT_ONCE])["y"] for at in range(0, len(rows), AT_ONCE)])
