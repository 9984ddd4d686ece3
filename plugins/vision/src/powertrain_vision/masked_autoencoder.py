"""The masked autoencoder (He et al. 2022): most patches of a picture are hidden, and a network says what they show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.builtin.models import ViT
from powertrain.data import spaced_examples
from powertrain.plugin import Baseline, Batch, Inputs, Run, Section, Step, as_images, image_shape, param
from powertrain_vision.errors import VisionError
from powertrain_vision.patches import chosen, cut, joined
from powertrain_vision.places import SHOWN, beside_section, held_out, map_section
from powertrain_vision.probe import ProbedStrategy

MOST = 10_000  # examples of which the simple predictor takes the mean


class MaskedAutoencoder(ProbedStrategy):
    """Minimizes the squared error of the hidden patches. `model` is a vit, which sees the others alone and so costs a
    quarter; `decoder` reads what it says of each, and is left out once the run is trained.

    The representation of a picture, which `predict` gives, is what the vit says of its patches when it sees them all:
    `code` numbers of each, side by side.
    """

    NAME = "masked-autoencoder"

    @dataclass(frozen=True)
    class Params:
        hide: float = param(
            0.75, above=0, below=1, doc="share of the patches to hide; at least one is hidden, and one shown"
        )
        code: int = param(64, low=2, doc="numbers of each patch that the decoder reads: the outputs of the vit")
        probe: int = param(10, low=0, doc="labels of each class for the linear probe at the end; 0 leaves it out")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    needs = ("model", "model.decoder", "optimizer")
    example_recipe = """\
data          = { use = "digits", split = { valid = 0.1 } }
features      = [{ use = "scale", by = 0.0625 }]
model.model   = { use = "vit", patch = 2, layers = 1, heads = 2, width = 8 }
model.decoder = { use = "patch-decoder", heads = 2 }
strategy      = { use = "masked-autoencoder", code = 8, probe = 5 }
optimizer     = { use = "adamw", lr = 1e-3, weight_decay = 0.0 }
run           = { until = "100 rounds", batch_size = 16 }
"""

    def setup(self, run: Run) -> None:
        self.prepare(run)
        given, code = run.dataset.inputs(), self.params.code
        model = run.model(inputs=Inputs("regression", given.shape, code, given.dtype))
        if not isinstance(model, ViT):
            raise VisionError(
                f"[{self.NAME}] model.model is a {type(model).__name__}; expected a vit, of which patches can be left "
                'out; model.model = { use = "vit", patch = 4 }'
            )
        self.model, self.side, self.shape = model, model.patch.kernel_size[0], image_shape(self.NAME, given)
        height, width, channels = self.shape
        self.patches = (height // self.side) * (width // self.side)
        self.kept = min(max(round(self.patches * (1 - self.params.hide)), 1), self.patches - 1)
        if self.patches < 2:
            raise VisionError(
                f"[{self.NAME}] pictures of {height} x {width} are one patch of {self.side}; expected two or more, "
                "since some are hidden; lower model.model.patch"
            )
        pixels = self.patches * self.side**2 * channels
        self.decoder = run.model("decoder", inputs=Inputs("regression", (self.patches + 1, code), pixels))
        self.opt = run.optim("model", "decoder")
        self.data = run.data("train")

    def said(self, tokens: Any) -> Any:
        """What the vit says of some tokens: [batch, tokens, code]."""
        return self.model.head(self.model.ln_f(self.model.blocks(self.model.dropout(tokens))))

    def rebuilt(self, t: Step, x: Any) -> tuple[Any, Any, Any]:
        """The patches of pictures, what the decoder makes of each, and 1 where it was hidden."""
        tokens, batch = self.model.tokens(x), x.shape[0]
        picked = chosen(t.rng, batch, self.patches, self.kept)
        back = pt.permute_dims(picked, (0, 2, 1))
        code = self.said(pt.concat([tokens[:, :1], pt.matmul(picked, tokens[:, 1:])], axis=1))
        seen = pt.concat([code[:, :1], pt.matmul(back, code[:, 1:])], axis=1)
        wanted = cut(as_images(x), self.side)
        return wanted, pt.reshape(self.decoder(seen), tuple(wanted.shape)), 1 - pt.sum(back, axis=2)

    def losses(self, t: Step, batch: Batch) -> Any:
        wanted, made, hidden = self.rebuilt(t, batch.x)
        apart = pt.mean(pt.square(made - wanted), axis=2)
        return pt.sum(apart * hidden, axis=1) / (self.patches - self.kept)

    def step(self, t: Step, batch: Batch) -> None:
        losses = self.losses(t, batch)
        t.minimize(self.opt, losses, batch.weight)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def predict(self, t: Step, batch: Batch) -> Any:
        """The representation: what the vit says of the patches, side by side. Their mean would forget places."""
        return pt.reshape(self.said(self.model.tokens(batch.x))[:, 1:], (batch.x.shape[0], -1))

    def simple(self, dataset: Any, part: str) -> Sequence[Baseline]:
        train, held = (_some(dataset.splits[name]) for name in ("train", part))
        apart = float(np.square(held - train.mean(axis=0)).mean())
        dummy = Baseline("dummy", "loss", apart, "every pixel by its mean in training")
        return [dummy, *super().simple(dataset, part)]

    def pictures(self, t: Step, batch: Batch) -> Any:
        """What the model sees of pictures, grey where it is hidden, and the pictures that it completes."""
        wanted, made, hidden = self.rebuilt(t, batch.x)
        hidden = pt.reshape(hidden, (*hidden.shape, 1))
        grey = (pt.min(wanted) + pt.max(wanted)) / 2
        rows = [wanted * (1 - hidden) + middle * hidden for middle in (grey, made)]
        return pt.stack([joined(row, self.side, self.shape) for row in rows])

    def sections(self, run: Run) -> Sequence[Section]:
        x = held_out(run, SHOWN)["x"]
        seen, completed = run.compute(self.pictures, x=x)
        lines = (f"It sees {self.kept} of {self.patches} patches of each.",)
        return [beside_section("Reconstructions", x, {"seen": seen, "completed": completed}, lines), *map_section(run)]


def _some(source: Any) -> Any:
    return np.asarray(spaced_examples(source, MOST)["x"], np.float64)
