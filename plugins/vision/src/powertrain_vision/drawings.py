"""How good pictures drawn from captions are: measures by a judge that learned from the training part, and pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.data import DataModule
from powertrain.plugin import Baseline, Run, Section, pictures_section
from powertrain_generative.judge import SCORES as QUALITY
from powertrain_generative.judge import measures
from powertrain_vision.captions import WHERE, Captions, decoded, encoded
from powertrain_vision.retrieval import pairs_of, recalls, words_of

CAPTION_RECALL = "caption_recall@10"
REAL_RECALL, SHUFFLED_RECALL = f"real_{CAPTION_RECALL}", f"shuffled_{CAPTION_RECALL}"
SCORES = (*QUALITY, CAPTION_RECALL, REAL_RECALL, SHUFFLED_RECALL)
# The judge: the clip of the recipe stamps-clip, the same bits for the same data on any machine.
STEPS, BATCH, RATE, WIDTH = 400, 128, 2e-3, 64
SHOWN, TIMES = 8, 4  # held-out captions of the page, and pictures drawn of each
FREE = ("a red apple", "a green apple", "a red flower", "a yellow flower", "a bird", "a fish", "a house", "a dog")
Draw = Callable[..., Any]


class Judge:
    """A clip that learned from the training part: where it places pictures, and how near captions lie to them."""

    def __init__(self, dataset: Any) -> None:
        self.context = dataset.outputs
        train = DataModule(dataset.name, WHERE, {"train": dataset.train}, self.context, own_task=Captions())
        self.run: Any = pt.fit(
            {
                "model": {
                    "model": {"use": "cnn", "channels": [16, 32, 64]},
                    "captions": {"use": "caption-encoder", "width": 128},
                },
                "strategy": {"use": "clip", "width": WIDTH, "flip": True, "turn": 10, "zoom": 0.3, "light": 0.2},
                "optimizer": {"use": "adamw", "lr": RATE, "weight_decay": 0.5, "schedule": "cosine"},
                "run": {"until": f"{STEPS} steps", "batch_size": BATCH, "num_workers": 1},
                "report": {"baseline": False, "worst": 0, "profile": False},
            },
            data=train,
            verbose=False,
        )

    def features(self, x: NDArray[Any]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self.run.run.predict(np.asarray(x, np.float32))
        return found

    def recall(self, features: NDArray[Any], y: NDArray[Any]) -> float:
        """How often a caption is among the 10 nearest of its picture, of all these captions."""
        strategy = self.run.run.strategy
        return recalls(features @ self.run.run.compute(strategy.placed, y=y).T, y)[CAPTION_RECALL]


def drawing_scores(run: Run, part: str, draw: Draw, count: int) -> Mapping[str, float]:
    """Draw a picture of each held-out caption, and judge how near they come to the real ones. Each must find its
    caption, as the real one does, and one that was drawn of another caption does not."""
    if not count:
        return {}
    x, y = pairs_of(run.dataset, part, count)
    judge = Judge(run.dataset)
    made, real = judge.features(draw(run, y, 1)), judge.features(x)
    asked = {CAPTION_RECALL: made, REAL_RECALL: real, SHUFFLED_RECALL: np.roll(made, len(made) // 2, axis=0)}
    return {**measures(made, real), **{name: judge.recall(one, y) for name, one in asked.items()}}


def simple_drawings(dataset: Any, part: str, count: int) -> list[Baseline]:
    """Training pictures in the place of drawn ones: of the caption with most words in common, and of any caption."""
    (x, y), (known, said) = pairs_of(dataset, part, count), pairs_of(dataset, "train")
    judge, words = Judge(dataset), [set(words_of(text)) for text in decoded(said)]
    nearest = np.array(
        [
            int(np.argmax([len(asked & one) / max(1, len(asked | one)) for one in words]))
            for asked in (set(words_of(text)) for text in decoded(y))
        ]
    )
    evenly = np.linspace(0, len(known) - 1, len(y)).astype(np.int64)
    ways = {
        "dummy": (evenly, "training pictures of other captions in their place"),
        "retrieval": (nearest, "the training picture whose caption has most words in common"),
    }
    real, found = judge.features(x), []
    for name, (picked, how) in ways.items():
        made = judge.features(known[picked])
        values = {**measures(made, real), CAPTION_RECALL: judge.recall(made, y)}
        found += [Baseline(name, key, value, how, key != "frechet") for key, value in values.items()]
    return found


def drawing_sections(run: Run, draw: Draw) -> list[Section]:
    """Held-out pictures above what is drawn of their captions; and pictures of captions that nobody wrote."""
    x, y = pairs_of(run.dataset, run.dataset.judged_part, SHOWN)
    drawn = draw(run, np.concatenate([y] * TIMES), 0)
    rows = ("held out", *["drawn"] * TIMES)
    said = ("From left to right, each column of the caption below.",)
    page = pictures_section("Drawn from captions", np.concatenate([x, drawn]), columns=len(x), lines=said, rows=rows)
    table = [("column", "its caption"), *((str(at), text) for at, text in enumerate(decoded(y), 1))]
    pages = [Section(page.title, page.lines, tuple(table), page.draw)]
    free = [text for text in FREE if len(text) + 2 <= run.dataset.outputs]
    if free:
        made = draw(run, np.repeat(encoded(free, run.dataset.outputs), SHOWN, axis=0), 1)
        pages.append(pictures_section("Captions of our own", made, columns=SHOWN, rows=free))
    return pages
