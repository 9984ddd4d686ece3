"""Pictures and captions in one space (CLIP, Radford et al. 2021): what belongs together lies together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import Baseline, Batch, Inputs, Run, Section, Step, Strategy, param
from powertrain_vision.captions import WHERE, encoded
from powertrain_vision.errors import VisionError
from powertrain_vision.places import together_section
from powertrain_vision.retrieval import KS, nearest_section, pairs_of, recall_section, recalls, simple_recalls
from powertrain_vision.views import ViewParams, demand_views, strong

NEVER = 1e9  # taken off a score, so that its share of a softmax is 0


class Clip(Strategy):
    """Of all captions in a batch, a picture must find its own, and a caption its picture. `model` makes `width` numbers
    of a picture, which are its place; `captions` as many of a caption.

    At the end, `caption_recall@k` is the share of held-out pictures whose caption is among the k nearest of all
    held-out captions, and `picture_recall@k` that of captions whose picture is among the k nearest pictures.
    """

    NAME = "clip"

    @dataclass(frozen=True)
    class Params(ViewParams):
        shift: float = param(0.1, low=0, high=0.5, doc="share of the picture by which a view moves, at most")
        erase: float = param(0.0, low=0, below=1, doc="side of a square that is erased, as a share of the picture")
        width: int = param(64, low=2, doc="length of the vectors: the outputs of both models")
        temperature: float = param(0.1, above=0, doc="below 1 the nearest others count most")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    task = WHERE
    needs = ("model", "model.captions", "optimizer")
    scores = tuple(f"{name}_recall@{k}" for name in ("caption", "picture") for k in KS)
    example_recipe = """\
data           = { use = "captioned-folder", path = "FOLDER", context = 32, split = { valid = 0.25 } }
model.model    = { use = "cnn", channels = [4] }
model.captions = { use = "caption-encoder", width = 8 }
strategy       = { use = "clip", width = 8 }
optimizer      = { use = "adamw", lr = 1e-3, weight_decay = 0.0 }
run            = { until = "100 rounds", batch_size = 4 }
""".replace("FOLDER", str(Path(__file__).parent / "examples"))

    def setup(self, run: Run) -> None:
        demand_views(self.NAME, run)
        given, width, context = run.dataset.inputs(), self.params.width, run.dataset.outputs
        self.model = run.model(inputs=Inputs("regression", given.shape, width, given.dtype))
        self.captions = run.model("captions", inputs=Inputs(WHERE, (context,), width, "int64", vocabulary=256))
        self.opt = run.optim("model", "captions")
        self.data = run.data("train")

    def apart(self, pictures: Any, batch: Batch) -> Any:
        """The mean of two cross-entropies: of the caption by the picture, and of the picture by the caption."""
        places = F.normalize(self.model(pictures)), F.normalize(self.captions(batch.y))
        scores = pt.matmul(places[0], pt.permute_dims(places[1], (1, 0))) / self.params.temperature
        padding = NEVER * pt.astype(batch.weight == 0, "float32")
        partner = pt.arange(scores.shape[0])
        both = (scores - padding, pt.permute_dims(scores, (1, 0)) - padding)
        return sum(F.cross_entropy(one, partner, ignore_index=None, reduction="none") for one in both) / 2

    def losses(self, t: Step, batch: Batch) -> Any:
        return self.apart(batch.x, batch)

    def step(self, t: Step, batch: Batch) -> None:
        losses = self.apart(pt.reshape(strong(t, batch.x, self.params), tuple(batch.x.shape)), batch)
        total, count = pt.sum(losses * batch.weight), pt.sum(batch.weight)
        t.minimize(self.opt, total / count, couples=True)
        t.log("loss", total, count)

    def predict(self, t: Step, batch: Batch) -> Any:
        """The places of pictures, of length 1."""
        return F.normalize(self.model(batch.x))

    def placed(self, t: Step, batch: Batch) -> Any:
        """The places of captions, of length 1."""
        return F.normalize(self.captions(batch.y))

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        x, y = pairs_of(run.dataset, part)
        return recalls(run.predict(x) @ run.compute(self.placed, y=y).T, y)

    def simple(self, dataset: Any, part: str) -> Sequence[Baseline]:
        return simple_recalls(dataset, part)

    def sections(self, run: Run) -> Sequence[Section]:
        part = run.dataset.judged_part
        x, y = pairs_of(run.dataset, part)
        pictures, captions = run.predict(x), run.compute(self.placed, y=y)
        scores = pictures @ captions.T
        return [
            recall_section(recalls(scores, y), self.simple(run.dataset, part)),
            nearest_section(x, y, scores),
            together_section(pictures, captions),
        ]


def place_captions(trained: Any, captions: Sequence[str]) -> NDArray[np.float32]:
    """Give the places of captions by a run of clip that `pt.load` or `pt.fit` gave: rows of length 1.

    A product with the places of pictures, `trained.predict(pictures).outputs`, says how near each picture lies to each
    caption.

    Errors    a caption without a word, or of more bytes than the run's context: DataError
    Example
        >>> places = place_captions(pt.load("runs/stamps-clip-1"), ["a dog", "a house"])  # doctest: +SKIP
        >>> pictures = pt.load("runs/stamps-clip-1").predict("house.png").outputs  # doctest: +SKIP
        >>> (pictures @ places.T).argmax(axis=1)  # doctest: +SKIP
        array([1])
    """
    run = trained.run
    if not isinstance(run.strategy, Clip):
        raise VisionError(
            f"[place_captions] a run of {type(run.strategy).__name__}; expected one of clip, which reads captions; "
            'train one with strategy = "clip"'
        )
    found: NDArray[np.float32] = run.compute(run.strategy.placed, y=encoded(captions, run.dataset.outputs))
    return found
