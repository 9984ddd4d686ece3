"""Representations of pictures without labels: two views of one picture must get places that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.plugin import Batch, Inputs, Run, Section, Step, nt_xent, param
from powertrain_vision.places import SHOWN, beside_section, held_out, map_section
from powertrain_vision.probe import ProbedStrategy
from powertrain_vision.views import ViewParams, strong

EXAMPLE = """\
data            = { use = "digits", split = { valid = 0.1 } }
features        = [{ use = "scale", by = 0.0625 }]
model.model     = { use = "cnn", channels = [4] }
model.projector = { use = "mlp", hidden = [8] }
strategy        = { use = "NAME", width = 8, places = 8, probe = 5 }
optimizer       = { use = "adamw", lr = 1e-3, weight_decay = 0.0 }
run             = { until = "100 rounds", batch_size = 16 }
"""


@dataclass(frozen=True)
class PairParams(ViewParams):
    """Views are changed more than those of a classifier: other pictures than the two views are to be told apart."""

    shift: float = param(0.2, low=0, high=0.5, doc="share of the picture by which a view moves, at most")
    zoom: float = param(0.5, low=0, high=2, doc="share by which it is larger or smaller, at most")
    erase: float = param(0.0, low=0, below=1, doc="side of a square that is erased, as a share of the picture")
    width: int = param(128, low=2, doc="numbers of the representation: the outputs of `model`")
    places: int = param(64, low=2, doc="numbers that the loss compares: the outputs of `projector`")
    probe: int = param(10, low=0, doc="labels of each class for the linear probe at the end; 0 leaves it out")
    round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")


class TwoViews(ProbedStrategy, declares=True):
    """What both share. `model` makes the representation of a picture; `projector` reads it and makes the place that the
    loss compares. Once trained, the projector is left out: what makes views alike there need not be lost before."""

    needs = ("model", "model.projector", "optimizer")

    def setup(self, run: Run) -> None:
        self.prepare(run)
        given, width = run.dataset.inputs(), self.params.width
        self.model = run.model(inputs=Inputs("regression", given.shape, width, given.dtype))
        self.projector = run.model("projector", inputs=Inputs("regression", (width,), self.params.places))
        self.opt = run.optim("model", "projector")
        self.data = run.data("train")

    def placed(self, t: Step, x: Any) -> tuple[Any, Any]:
        """The places of two views of each picture. One pass over both, so that batch norm measures them together."""
        views = pt.concat([self.view(t, x), self.view(t, x)], axis=0)
        places, count = self.projector(self.model(views)), x.shape[0]
        return places[:count], places[count:]

    def view(self, t: Step, x: Any) -> Any:
        return pt.reshape(strong(t, x, self.params), tuple(x.shape))

    def step(self, t: Step, batch: Batch) -> None:
        total, count = pt.sum(self.losses(t, batch) * batch.weight), pt.sum(batch.weight)
        t.minimize(self.opt, total / count, couples=True)
        t.log("loss", total, count)

    def predict(self, t: Step, batch: Batch) -> Any:
        """The representation."""
        return self.model(batch.x)

    def sections(self, run: Run) -> Sequence[Section]:
        x = held_out(run, SHOWN)["x"]
        views = {"one view": run.compute(lambda t, batch: self.view(t, batch.x), x=x)}
        lines = (
            "Training draws new views like these of each picture; the model must place the two views of one "
            "picture close together.",
        )
        return [*map_section(run), beside_section("Views", x, views, lines)]


class SimCLR(TwoViews):
    """SimCLR (Chen et al. 2020): of all places in a batch, that of the other view of a picture must be the nearest."""

    NAME = "simclr"
    example_recipe = EXAMPLE.replace("NAME", "simclr")

    @dataclass(frozen=True)
    class Params(PairParams):
        temperature: float = param(0.2, above=0, doc="below 1 the nearest others count most")

    def losses(self, t: Step, batch: Batch) -> Any:
        return nt_xent(*self.placed(t, batch.x), batch.weight, self.params.temperature)


class VICReg(TwoViews):
    """VICReg (Bardes et al. 2022): both places must be equal, each of their numbers must vary over the batch, and no
    two numbers may vary together. No picture is pushed away from another, so batches may be small."""

    NAME = "vicreg"
    example_recipe = EXAMPLE.replace("NAME", "vicreg")

    @dataclass(frozen=True)
    class Params(PairParams):
        same: float = param(25.0, low=0, doc="weight of the squared distance of the two places")
        spread: float = param(25.0, low=0, doc="weight of what the deviation of a number lacks of 1")
        apart: float = param(1.0, low=0, doc="weight of the squared covariances of different numbers")

    def losses(self, t: Step, batch: Batch) -> Any:
        settings, views = self.params, self.placed(t, batch.x)
        distance = pt.mean(pt.square(views[0] - views[1]), axis=1)
        lacking, together = zip(*(spread_of(places, batch.weight) for places in views), strict=True)
        return settings.same * distance + settings.spread * sum(lacking) / 2 + settings.apart * sum(together)


def spread_of(places: Any, weight: Any) -> tuple[Any, Any]:
    """What the deviations of the numbers lack of 1, on average, and the sum of their squared covariances, for each."""
    weight, width = pt.reshape(weight, (-1, 1)), places.shape[1]
    count = pt.sum(weight)
    centred = places - pt.sum(places * weight, axis=0, keepdims=True) / count
    covariance = pt.matmul(pt.permute_dims(centred * weight, (1, 0)), centred) / pt.maximum(count - 1, 1.0)
    variance = pt.sum(pt.square(centred) * weight, axis=0) / pt.maximum(count - 1, 1.0)
    lacking = pt.mean(pt.relu(1 - pt.sqrt(variance + 1e-4)))
    return lacking, (pt.sum(pt.square(covariance)) - pt.sum(pt.square(variance))) / width
