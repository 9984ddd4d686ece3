"""Next-frame prediction: a network sees the last frames of a film, and draws the one that follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import Baseline, Batch, Inputs, Run, Section, Step, Strategy, as_floats, param, pictures_section
from powertrain_generative.films import demanded_size, whole_films

MOST = 500  # held-out films that are continued
STRIPS = 3  # of the report


class NextFrame(Strategy):
    """Minimizes the cross-entropy of each pixel of the next frame, from 0 for black to 1 for white, at every place of
    a film. The loss that is reported is the mean squared error. Then films are continued frame by frame, each drawn
    from those that the model drew before."""

    scores: ClassVar[tuple[str, ...]] = ("ahead",)
    example_recipe: ClassVar[str] = """\
data      = { use = "moving-digits", frames = 4, side = 10, train = 40, held = 4 }
model     = { use = "frame-cnn", width = 4, layers = 1 }
strategy  = { use = "next-frame", past = 2 }
optimizer = { use = "adam", lr = 1e-3 }
run       = { until = "100 rounds", batch_size = 8 }
"""

    @dataclass(frozen=True)
    class Params:
        past: int = param(4, low=1, doc="frames that the model sees")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    params: Params

    def setup(self, run: Run) -> None:
        self.past, self.size = self.params.past, demanded_size(run, self.params.past)
        pixels = self.size[0] * self.size[1]
        self.model = run.model(inputs=Inputs("regression", (*self.size, self.past), pixels))
        self.opt = run.optim("model")
        self.data = run.data("train")

    def said(self, frames: Any) -> Any:
        """A logit for each pixel that follows `past` frames, as rows."""
        return self.model(pt.permute_dims(frames, (0, 2, 3, 1)))

    def step(self, t: Step, batch: Batch) -> None:
        follows = pt.reshape(as_floats(batch.y), (-1, 1, *self.size))
        film, count = pt.concat([as_floats(batch.x), follows], axis=1), batch.x.shape[0]
        starts = range(film.shape[1] - self.past)
        said = self.said(pt.concat([film[:, at : at + self.past] for at in starts], axis=0))
        wanted = pt.reshape(pt.concat([film[:, at + self.past] for at in starts], axis=0), tuple(said.shape))

        def of_films(pixels: Any) -> Any:
            return pt.mean(pt.reshape(pt.mean(pixels, axis=1), (len(starts), count)), axis=0)

        losses = of_films(F.binary_cross_entropy_with_logits(said, wanted, reduction="none"))
        t.minimize(self.opt, losses, batch.weight)
        t.log("loss", pt.sum(of_films(pt.square(pt.sigmoid(said) - wanted)) * batch.weight), pt.sum(batch.weight))

    def predict(self, t: Step, batch: Batch) -> Any:
        """The frame that follows, as a row of pixels."""
        return pt.sigmoid(self.said(as_floats(batch.x)[:, -self.past :]))

    def losses(self, t: Step, batch: Batch) -> Any:
        return pt.mean(pt.square(self.predict(t, batch) - as_floats(batch.y)), axis=1)

    def continued(self, t: Step, batch: Batch) -> Any:
        """The first `past` frames of each film, and drawn ones in the place of all others and of the target."""
        frames = [as_floats(batch.x)[:, at] for at in range(self.past)]
        for _ in range(batch.x.shape[1] + 1 - self.past):
            said = self.said(pt.stack(frames[-self.past :], axis=1))
            frames.append(pt.reshape(pt.sigmoid(said), (-1, *self.size)))
        return pt.stack(frames, axis=1)

    def misses(self, run: Run, part: str) -> NDArray[np.float64]:
        """The mean squared error of each frame ahead in films of a part."""
        films = whole_films(run.dataset.splits[part], MOST)
        drawn = np.asarray(run.compute(self.continued, x=films[:, :-1]), np.float32)
        return np.asarray(np.square(drawn - films)[:, self.past :].mean(axis=(0, 2, 3)), np.float64)

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        return {"ahead": float(self.misses(run, part).mean())}

    def simple(self, dataset: Any, part: str) -> list[Baseline]:
        films, train = whole_films(dataset.splits[part], MOST), whole_films(dataset.train, MOST)
        once = float(np.square(films[:, -1] - films[:, -2]).mean())
        mean = float(np.square(films[:, -1] - train.mean(axis=(0, 1))).mean())
        return [
            Baseline("repeat", "loss", once, "the last frame once more"),
            Baseline("dummy", "loss", mean, "the mean of all frames of training"),
        ]

    def sections(self, run: Run) -> list[Section]:
        part = run.dataset.judged_part
        films = whole_films(run.dataset.splits[part], STRIPS)
        strips = np.stack([films, run.compute(self.continued, x=films[:, :-1])], axis=1)
        seen = f"The model sees the first {self.past} frames, and draws each of the others from those before it."
        shown = pictures_section(
            "Films", strips.reshape(-1, *self.size), columns=films.shape[1], lines=(seen,),
            rows=[name for _ in films for name in ("film", "continued")],
        )  # fmt: skip
        held, misses = whole_films(run.dataset.splits[part], MOST), self.misses(run, part)
        still = np.square(held[:, self.past :] - held[:, self.past - 1 : self.past]).mean(axis=(0, 2, 3))

        def draw(figure: Any) -> None:
            axes, ahead = figure.add_subplot(), np.arange(1, len(misses) + 1)
            axes.plot(ahead, still, marker="o", color="C7", label="the last frame that was seen, every time")
            axes.plot(ahead, misses, marker="o", color="C0", label="drawn frames")
            axes.set(xlabel="frames ahead", ylabel="mean squared error", xticks=ahead)
            axes.set_ylim(bottom=0)
            axes.legend(loc="best", frameon=False)

        says = f"The mean is {misses.mean():.4f} over all frames ahead, {still.mean():.4f} of the last that was seen."
        return [shown, Section("Errors by frames ahead", (says,), draw=draw)]
