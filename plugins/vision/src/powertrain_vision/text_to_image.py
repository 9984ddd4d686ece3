"""Pictures drawn from text: diffusion in the codes of an autoencoder (Rombach et al. 2022), told a caption."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.plugin import Baseline, Batch, Inputs, Range, Run, Section, Step, Strategy, param
from powertrain_vision.captions import WHERE, encoded
from powertrain_vision.errors import VisionError
from powertrain_vision.picture_codes import CodeParams, PictureCodes
from powertrain_vision.retrieval import pairs_of

try:
    from powertrain_generative.averages import WeightAverage
    from powertrain_generative.pixels import demand_unit
    from powertrain_generative.way import placed, walked
    from powertrain_vision.drawings import SCORES, drawing_scores, drawing_sections, simple_drawings
except ImportError as error:
    raise ImportError(
        "powertrain-generative is not installed; expected it; pip install 'powertrain-vision[generation]'"
    ) from error

NAME = "text-to-image"
CHUNK = 100  # pictures that are drawn at once
KEPT = 100  # held-out captions that a run keeps, to draw them without its data


class TextToImage(Strategy):
    """For `code_steps` steps `encoder` and `decoder` learn to turn pictures into small maps of numbers, and back. Then
    they stay as they are: `model` learns to take noise out of such maps, told what `captions` makes of each caption,
    but for a share, so that samples can be guided (Ho and Salimans 2022). An average of its weights draws."""

    @dataclass(frozen=True)
    class Params(CodeParams):
        keep: float = param(0.998, low=0, below=1, doc="share of the average of the weights that a step keeps")
        untold: float = param(0.1, low=0, high=1, doc="share of the examples whose caption the model is not told")
        judged: int = param(1000, low=0, doc="held-out captions that are drawn and judged at the end; 0 for none")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    task = WHERE
    needs = ("model", "model.encoder", "model.decoder", "model.captions", "optimizer")
    scores: ClassVar[tuple[str, ...]] = SCORES
    example_recipe = """\
data           = { use = "captioned-folder", path = "FOLDER", height = 8, width = 8, context = 32 }
model.model    = { use = "unet", widths = [4], condition = 4 }
model.encoder  = { use = "map-encoder", channels = [4] }
model.decoder  = { use = "map-decoder", channels = [4] }
model.captions = { use = "caption-encoder", width = 4 }
strategy       = { use = "text-to-image", code = [4, 4, 2], code_steps = 20, judged = 0 }
optimizer      = { use = "adam", lr = 1e-3 }
run            = { until = "100 rounds", batch_size = 4 }
""".replace("FOLDER", str(Path(__file__).parent / "examples"))

    def setup(self, run: Run) -> None:
        demand_unit(NAME, run)
        self.codes = PictureCodes(NAME, run, self.params)
        self.averaged = WeightAverage(NAME, run, Inputs("regression", self.params.code, math.prod(self.params.code)))
        self.model, self.average = self.averaged.of, self.averaged.model
        said = getattr(self.model, "condition", None)
        if not isinstance(said, int):
            raise VisionError(f"[{NAME}] {type(self.model).__name__} as model.model; expected unet, which can be told")
        words = Inputs(WHERE, (run.dataset.outputs,), said, "int64", vocabulary=256)
        self.captions, self.opt = run.model("captions", inputs=words), run.optim("model", "captions")
        self.held = run.slot(f"{NAME}.held", pairs_of(run.dataset, run.dataset.judged_part, KEPT)[1])
        self.data = run.data("train")

    def code_step(self, t: Step, batch: Batch) -> None:
        self.codes.step(t, self.codes.seen(t, batch.x), batch.weight)

    def misses(self, t: Step, x: Any, model: Any, said: Any) -> Any:
        """The squared error of the direction at a random place of each code's way."""
        codes, when = self.codes.scaled(x), t.rng.uniform(size=(x.shape[0],))
        place, direction = placed(codes, t.rng.normal(size=tuple(codes.shape)), when)
        return pt.mean(pt.square(model(place, when, said=said) - direction), axis=1)

    def losses(self, t: Step, batch: Batch) -> Any:
        return self.misses(t, batch.x, self.average, self.captions(batch.y))

    def step(self, t: Step, batch: Batch) -> None:
        told = pt.astype(t.rng.uniform(size=(batch.x.shape[0], 1)) >= self.params.untold, "float32")
        losses = self.misses(t, self.codes.seen(t, batch.x), self.model, self.captions(batch.y) * told)
        t.minimize(self.opt, losses, batch.weight)
        self.averaged.follow(self.params.keep)
        t.log("loss", pt.sum(losses * batch.weight), pt.sum(batch.weight))

    def round(self, run: Run) -> None:
        # What is learned follows from the steps so far, so that it does not matter where a round ends.
        count, learned = run.quota(self.data, self.params.round_steps), self.params.code_steps
        first = max(0, min(count, learned - run.progress.steps))
        if first:
            run.loop(self.code_step, self.data, first)
        if count > first:
            if run.progress.steps == learned:
                self.codes.measure(run)
            run.loop(self.step, self.data, count - first)

    def predict(self, t: Step, batch: Batch) -> Any:
        """What comes back of a picture through its code, as rows."""
        return self.codes.pixels(self.codes.plain(batch.x))

    def guided(self, t: Step, batch: Batch) -> Any:
        """The direction of each code, moved away from the one for no caption in particular."""
        said = self.captions(batch.y)
        told, without = (self.average(batch.x, batch.when, said=one) for one in (said, 0 * said))
        return without + pt.reshape(batch.guidance, (-1, 1)) * (told - without)

    def sample(
        self,
        run: Run,
        count: int,
        seed: int,
        *,
        caption: str | None = None,
        steps: Annotated[int, Range(low=1, high=1000)] = 50,
        guidance: Annotated[float, Range(low=0, high=100)] = 2.0,
        noise: Annotated[float, Range(low=0, high=1)] = 0.0,
    ) -> Any:
        """Pictures of a caption, or of held-out captions in turn."""
        self.codes.demand_measured(NAME)
        y = self.held.value.numpy() if caption is None else encoded([caption], run.dataset.outputs, ["the caption"])
        return self.drawn(run, np.resize(y, (count, y.shape[1])), seed, steps, guidance, noise)

    def drawn(self, run: Run, y: Any, seed: int, steps: int = 50, guidance: float = 2.0, noise: float = 0.0) -> Any:
        """A picture of each caption."""
        rng, made, bound = pt.random.Generator(seed), [], float(self.codes.bound.value.item())
        for start in range(0, len(y), CHUNK):
            some = {"y": y[start : start + CHUNK], "guidance": np.full(len(y[start : start + CHUNK]), guidance, "f")}

            def direction(x: Any, when: Any, some: Any = some) -> Any:
                return run.compute(self.guided, x=x, when=when, **some)

            x = rng.normal(size=(len(some["y"]), *self.params.code)).numpy()
            made.append(run.compute(self.codes.shown, x=walked(direction, x, steps, noise, rng, bound)))
        return np.clip(np.concatenate(made), 0, 1).reshape(-1, *run.dataset.inputs().shape)

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        return drawing_scores(run, part, self.drawn, self.params.judged) if self.codes.measured else {}

    def simple(self, dataset: Any, part: str) -> list[Baseline]:
        return simple_drawings(dataset, part, self.params.judged) if self.params.judged else []

    def sections(self, run: Run) -> list[Section]:
        return drawing_sections(run, self.drawn) if self.codes.measured else []
