"""A model that writes tunes: next notes are predicted, and what is drawn can be heard and looked at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np

from powertrain.data import DataError
from powertrain.plugin import LanguageStrategy, Range, Run, Section, param
from powertrain_audio.abc_notation import Tune
from powertrain_audio.playing import beginning, midi, wav
from powertrain_audio.tune_measures import RUN, draw_tunes, share_copied, share_of_bars
from powertrain_audio.tunes import END, TuneWords

LONGEST = 300  # tokens of a tune that is drawn
SHOWN = 6  # tunes of the report
HEARD = 3  # of them, whose beginnings can be heard there
EXAMPLES = json.dumps(str(Path(__file__).with_name("examples.abc")), allow_nan=False)


class Melody(LanguageStrategy):
    """Minimizes the cross-entropy of the next note, rest or bar line. Then it draws tunes, to measure how many of their
    bars are as long as the meter asks, and how much of them comes in the training part."""

    scores: ClassVar[tuple[str, ...]] = ("bars", "copied")
    forms: ClassVar[tuple[str, ...]] = (".mid", ".wav")

    example_recipe: ClassVar[str] = f"""\
data      = {{ use = "abc-tunes", path = {EXAMPLES}, context = 8, valid = 0.3 }}
model     = {{ use = "gpt", layers = 1, heads = 2, width = 8 }}
strategy  = {{ use = "melody", judged = 2 }}
optimizer = {{ use = "adamw", lr = 1e-3, weight_decay = 0.0 }}
run       = {{ until = "100 rounds", batch_size = 4 }}
"""

    @dataclass(frozen=True)
    class Params:
        judged: int = param(100, low=0, doc="tunes that are drawn and measured at the end; 0 for none")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    params: Params

    def setup(self, run: Run) -> None:
        if not isinstance(run.dataset.vocabulary, TuneWords):
            raise DataError(
                "melody", f"the data {run.dataset.name}, which has no tunes", "expected those of abc-tunes",
                'data = { use = "abc-tunes" }; next_token learns other texts',
            )  # fmt: skip
        super().setup(run)

    def sample(
        self,
        run: Run,
        count: int,
        seed: int,
        *,
        meter: str = "",
        temperature: Annotated[float, Range(low=0.05, high=5)] = 0.9,
    ) -> Any:
        """Tunes as rows of tokens, filled up with ends; of a meter, such as 6/8, or of any."""
        words: Any = run.dataset.vocabulary
        if meter and meter not in words.meters:
            raise DataError(
                "melody", f"meter {meter!r}", f"expected one of {', '.join(words.meters)}", "leave it out for any"
            )
        rows = self.continued(run, f"{END}{meter}", count, LONGEST, end=END, temperature=temperature, seed=seed)
        drawn, told = np.full((count, 1 + LONGEST), words.encode(END)[0]), words.encode(meter)
        drawn[:, : len(told)] = told
        drawn[:, len(told) : len(told) + LONGEST] = rows
        return drawn

    def write(self, run: Run, drawn: Any, form: str) -> bytes:
        words: Any = run.dataset.vocabulary
        tunes = [words.tune(row) for row in drawn]
        return midi(tunes) if form == ".mid" else wav(tunes)

    def drawn(self, run: Run, count: int, seed: int) -> list[Tune]:
        words: Any = run.dataset.vocabulary
        return [words.tune(row) for row in self.sample(run, count, seed)]

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        if not self.params.judged:
            return {}
        tunes = self.drawn(run, self.params.judged, 1)
        return {"bars": share_of_bars(tunes), "copied": share_copied(tunes, tunes_of_part(run, "train"))}

    def sections(self, run: Run) -> list[Section]:
        tunes, train = self.drawn(run, SHOWN, 0), tunes_of_part(run, "train")
        part = run.dataset.judged_part
        held = tunes_of_part(run, part)
        said = [f"Of the bars of {part} tunes, {share_of_bars(held):.1%} are as long as their meter asks."]
        if part != "train":
            said.append(f"Of their runs of {RUN} notes, {share_copied(held, train):.1%} come in the training part.")
        heard = {
            f"the beginning of {at}, {tune.meter}": wav([beginning(tune)]) for at, tune in enumerate(tunes[:HEARD], 1)
        }
        return [
            Section("Tunes that it wrote", tuple(said), draw=lambda figure: draw_tunes(figure, tunes), sounds=heard)
        ]


def tunes_of_part(run: Run, part: str) -> list[Tune]:
    source: Any = run.dataset.splits[part]
    words: Any = run.dataset.vocabulary
    ends = np.flatnonzero(source.tokens == words.encode(END)[0])
    pieces = np.split(source.tokens, ends)
    return [words.tune(piece[1:]) for piece in pieces[1:] if len(piece) > 1]
