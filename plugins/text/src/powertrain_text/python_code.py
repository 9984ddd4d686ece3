"""A model that writes Python: next tokens are predicted, and what is drawn goes through Python's own parser."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.data import DataError, evenly_spaced
from powertrain.plugin import Batch, LanguageStrategy, Range, Run, Section, Step, param
from powertrain_text.code_measures import LONG, first_statement, share_copied, share_parsed, simple_bits
from powertrain_text.source_code import FILE
from powertrain_text.tokenizer import Tokenizer

BEGIN = "\n\n\ndef"  # what functions are asked for with; the space behind it belongs to the next token
LONGEST = 160  # tokens of a function
SHOWN, EVERY = 3, 4  # functions that are shown, and evaluations between two times
MOST, ROWS = 1024, 64  # windows whose bits are counted, and those of one call
EXAMPLES = str(Path(__file__).with_name("tokenizer.py")).replace("\\", "/")


class PythonCode(LanguageStrategy):
    """Minimizes the cross-entropy of the next token. Then it counts the bits for each byte of held-out source, and
    writes functions, to measure how many of them Python's parser takes, and how many of their lines are copies."""

    scores: ClassVar[tuple[str, ...]] = ("bits", "parsed", "copied")
    forms: ClassVar[tuple[str, ...]] = (".py",)
    example_recipe: ClassVar[str] = f"""\
data      = {{ use = "python-source", path = "{EXAMPLES}", size = 300, context = 8, valid = 0.0 }}
model     = {{ use = "gpt", layers = 1, heads = 2, width = 8 }}
strategy  = {{ use = "python-code", judged = 2 }}
optimizer = {{ use = "adamw", lr = 1e-3, weight_decay = 0.0 }}
run       = {{ until = "100 rounds", batch_size = 4 }}
"""

    @dataclass(frozen=True)
    class Params:
        judged: int = param(100, low=0, doc="functions that are written and parsed at the end; 0 for none")
        round_steps: int = param(64, low=1, doc="limit on steps between two commits; results do not depend on it")

    params: Params

    def setup(self, run: Run) -> None:
        if not isinstance(run.dataset.vocabulary, Tokenizer):
            raise DataError(
                "python-code", f"the data {run.dataset.name}, which has no tokens of bytes",
                "expected those of python-source", 'data = { use = "python-source" }; next_token learns other texts',
            )  # fmt: skip
        super().setup(run)
        run.after_evaluation(self.show)
        self.sizes = np.array([len(one) for one in run.dataset.vocabulary.token_bytes()])
        self.written: list[str] | None = None

    def nats(self, t: Step, batch: Batch) -> Any:
        return pt.sum(self.loss(self.model(batch.x), batch.y), axis=1)

    def bits(self, run: Run, part: str) -> float:
        """Bits for each byte of the source, of windows that are evenly spaced."""
        source: Any = run.dataset.splits[part]
        picked = evenly_spaced(len(source), MOST)
        nats, size = 0.0, 0
        for at in range(0, len(picked), ROWS):
            rows = picked[at : at + ROWS]
            fields = source.fetch(np.resize(rows, ROWS))
            found = run.compute(self.nats, x=fields["x"], y=fields["y"])[: len(rows)]
            nats += float(found.astype(np.float64).sum())
            size += int(self.sizes[fields["y"][: len(rows)]].sum())
        return nats / math.log(2) / max(size, 1)

    def sample(
        self,
        run: Run,
        count: int,
        seed: int,
        *,
        begin: str = BEGIN,
        temperature: Annotated[float, Range(low=0.05, high=5)] = 0.7,
    ) -> Any:
        """Functions, or what follows another text, as rows of tokens, filled up with the sign that begins a file."""
        words: Any = run.dataset.vocabulary
        rows = self.continued(run, begin, count, LONGEST, end=FILE, temperature=temperature, seed=seed)
        return np.concatenate([np.tile(words.encode(begin), (count, 1)), rows], axis=1)

    def write(self, run: Run, drawn: Any, form: str) -> bytes:
        return "\n\n".join(text.strip("\n") + "\n" for text in self.statements(run, drawn)).encode()

    def statements(self, run: Run, rows: Any) -> list[str]:
        """The first statement of each row of tokens, such as a function."""
        words: Any = run.dataset.vocabulary
        texts = [words.decode(row).partition(FILE) for row in rows]
        return [first_statement(text.lstrip("\n"), bool(end)) for text, end, _ in texts]

    def show(self, run: Run, number: int) -> str | None:
        """What a person sees after some evaluations; drawn apart from the run's random numbers, so it changes none."""
        if number % EVERY and not run.done:
            return None
        return "\n\n".join(text.strip("\n") for text in self.statements(run, self.sample(run, SHOWN, number)))

    def real(self, run: Run, part: str) -> list[str]:
        """Functions of a part, cut as those that are written."""
        words: Any = run.dataset.vocabulary
        pieces = self.text(run, part).split(f"{BEGIN} ")[1:]
        picked = evenly_spaced(len(pieces), max(1, self.params.judged))
        most = len(words.encode(BEGIN)) + LONGEST
        return self.statements(run, [words.encode(f"{BEGIN} {pieces[at]}{BEGIN}")[:most] for at in picked])

    def text(self, run: Run, part: str) -> str:
        words: Any = run.dataset.vocabulary
        source: Any = run.dataset.splits[part]
        return str(words.decode(source.tokens))

    def score(self, run: Run, part: str) -> Mapping[str, float]:
        found = {"bits": self.bits(run, part)}
        if self.params.judged:
            self.written = self.made(run)
            found["parsed"] = share_parsed(self.written)
            found["copied"] = share_copied(self.written, self.text(run, "train"))
        return found

    def made(self, run: Run) -> list[str]:
        """The functions by which the model is judged."""
        return self.statements(run, self.sample(run, self.params.judged, 1))

    def sections(self, run: Run) -> list[Section]:
        part = run.dataset.judged_part
        train, held = (self.text(run, name) for name in ("train", part))
        found = {"this model": self.bits(run, part), **simple_bits(train.encode(), held.encode())}
        rows = [(name, f"{bits:.3f}") for name, bits in sorted(found.items(), key=lambda row: row[1])]
        pages = [Section(f"Bits for each byte of {part}", rows=(("by", "bits"), *rows))]
        functions = {f"people, in {part}": self.real(run, part)}
        if self.params.judged:
            functions = {"this model": self.written or self.made(run), **functions}
        table = [
            (name, f"{len(texts):,}", f"{share_parsed(texts):.1%}", f"{share_copied(texts, train):.1%}")
            for name, texts in functions.items()
            if texts
        ]
        if table:
            lines = (
                f"Those that people wrote are cut as those of a model are, after {LONGEST} tokens. Copied are lines of "
                f"{LONG} characters or more that stand in the training part too.",
            )
            pages.append(Section("Functions", lines, (("by", "functions", "parsed", "copied"), *table)))
        return pages
