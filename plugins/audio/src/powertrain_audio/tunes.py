"""Tunes for language models: each note, rest and bar line is a token, and a line break stands between two tunes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError, DataModule, Windows, data_folders, read_text
from powertrain.plugin import Data, Section, param
from powertrain_audio.abc_notation import BAR, WHOLE, Event, Tune, tunes_of

WHERE = "abc-tunes"
UNKNOWN, END, LINE = "?", "\n", "|"
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
WORD = re.compile(r"([A-G]#?|z)(-?\d?):(\d{1,3})/(\d{1,2})|(\d{1,2}/\d{1,2})|\|")
MOST_WORDS = 1 << 16
ALIKE = 16  # notes in a row that make two tunes forms of one; 12 would make one family of most reels
COLLECTIONS = ("ryansMammoth", "oneills1850")  # of music21's corpus: printed in 1883 and 1903


def word_of(event: Event) -> str:
    """`F#5:3/16`, `z:1/8`, `|`."""
    if event.is_bar:
        return LINE
    length = Fraction(event.length, WHOLE)
    name = "z" if event.pitch is None else f"{NAMES[event.pitch % 12]}{event.pitch // 12 - 1}"
    return f"{name}:{length.numerator}/{length.denominator}"


class TuneWords:
    """The words of tunes and their numbers. A text is a tune a line: a meter, then notes, rests and bar lines."""

    def __init__(self, words: Sequence[str]) -> None:
        wrong = next((word for word in words if not WORD.fullmatch(word)), None)
        if wrong is not None or not 0 < len(words) <= MOST_WORDS or list(words) != sorted(set(words)):
            raise DataError(
                WHERE, f"{len(words):,} words, {wrong or 'in another order'}", "expected notes, meters and bar lines, "
                "in order, each once", "resume with the data and versions of run.lock",
            )  # fmt: skip
        self.words = (UNKNOWN, END, *words)
        self._numbers = {word: number for number, word in enumerate(self.words)}
        self.meters = tuple(word for word in words if word[0].isdigit())

    @classmethod
    def fit(cls, tunes: Sequence[Tune]) -> TuneWords:
        return cls(sorted({word for tune in tunes for word in _words(tune)}))

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, text: str) -> NDArray[np.int64]:
        return np.array([self._numbers.get(word, 0) for word in re.findall(r"\n|\S+", text)], dtype=np.int64)

    def decode(self, tokens: Any) -> str:
        words = (self.words[number] for number in np.asarray(tokens).ravel().tolist())
        return "".join(word if word == END else f"{word} " for word in words)

    def encoded(self, tunes: Sequence[Tune]) -> NDArray[np.int64]:
        """Tunes one after another, the end of one before each."""
        return self.encode(END + END.join(" ".join(_words(tune)) for tune in tunes) + END)

    def tune(self, tokens: Any) -> Tune:
        """What comes before the first end, beginning with a meter; 4/4 where it lacks one."""
        meter, events = "4/4", list[Event]()
        for number in np.asarray(tokens).ravel().tolist():
            word = self.words[number]
            if word == END:
                break
            found = WORD.fullmatch(word)
            if found and found[5]:
                meter = meter if events else word
            elif found:
                events.append(BAR if word == LINE else _event(found))
        return Tune(meter, tuple(events))

    def state(self) -> dict[str, Any]:
        return {"words": np.frombuffer(" ".join(self.words[2:]).encode(), dtype=np.uint8)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> TuneWords:
        return cls(np.asarray(state["words"], dtype=np.uint8).tobytes().decode("ascii", "replace").split())


def _words(tune: Tune) -> list[str]:
    return [tune.meter, *map(word_of, tune.events)]


def _event(found: re.Match[str]) -> Event:
    length = WHOLE * int(found[3]) // max(1, int(found[4]))
    pitch = None if found[1] == "z" else NAMES.index(found[1]) + 12 * (int(found[2] or 4) + 1)
    return Event(pitch, max(1, length))


class AbcTunes(Data, declares=True):
    """Melodies of .abc files, each moved into a key without sharps and flats, without repeats being played out. Tunes
    that share 16 notes in a row are forms of one, and stay in one part. Without a path: 2,900 fiddle tunes from Ryan's
    Mammoth Collection (1883) and O'Neill's Music of Ireland (1903), as music21 has them."""

    examples = ({"path": "examples.abc", "context": 8, "valid": 0.3},)
    examples_folder: ClassVar[Path] = Path(__file__).parent

    @dataclass(frozen=True)
    class Params:
        path: Path | None = param(None, doc="a .abc file, or a folder of such, also further below; else music21's")
        context: int = param(128, low=2, doc="tokens that the model sees")
        valid: float = param(0.1, low=0, below=1, doc="share of the tunes for validation")
        test: float = param(0.0, low=0, below=1, doc="share of the tunes for the test")
        seed: int = param(0, low=0, doc="which tunes are held out")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        files = _files(base / params.path if params.path else None)
        read = [tune for file in files for tune in tunes_of(read_text(file, WHERE))]
        tunes = list(dict.fromkeys(read))
        if not tunes:
            raise DataError(WHERE, f"no tune in {files[0]}", "expected melodies in ABC notation", "check the path")
        parts = _divided(tunes, {"valid": params.valid, "test": params.test}, params.seed)
        words = TuneWords.fit(parts["train"])
        sources = {
            part: Windows(words.encoded(chosen), params.context, 1 if part == "train" else params.context)
            for part, chosen in parts.items()
        }
        sizes = [
            (part, f"{len(chosen):,}", f"{sum(len(tune.events) for tune in chosen):,}")
            for part, chosen in parts.items()
        ]
        page = Section("Tunes", rows=(("part", "tunes", "notes, rests and bar lines"), *sizes))
        made = DataModule(
            WHERE, "language", sources, len(words), state=words.state(), context=params.context, sections=(page,)
        )  # fmt: skip
        return cls.reopen(params, made)

    @classmethod
    def reopen(cls, params: Any, kept: DataModule) -> DataModule:
        return dataclasses.replace(kept, vocabulary=TuneWords.from_state(kept.state))


def _files(path: Path | None) -> list[Path]:
    roots = [path] if path else [folder / name for folder in data_folders("music21/corpus") for name in COLLECTIONS]
    roots = [root for root in roots if root.exists()]
    files = [file for root in roots for file in ([root] if root.is_file() else sorted(root.rglob("*.abc")))]
    if not files:
        where = path or "POWERTRAIN_DATA" + ("" if data_folders() else ", which is not set")
        raise DataError(
            WHERE, f"no .abc file in {where}", "expected the data set in one of them",
            "set path; or get music21's with `pip download --no-deps music21`, "
            "`unzip music21-*.whl 'music21/corpus/*.abc' -d FOLDER` and POWERTRAIN_DATA=FOLDER",
        )  # fmt: skip
    return files


def _divided(tunes: Sequence[Tune], shares: Mapping[str, float], seed: int) -> dict[str, list[Tune]]:
    """The tunes of each part: families drawn one after another, until a part has its share."""
    families: dict[int, list[int]] = {}
    for at, root in enumerate(_families(tunes)):
        families.setdefault(root, []).append(at)
    groups = list(families.values())
    order = np.random.Generator(np.random.Philox(key=seed)).permutation(len(groups))
    parts: dict[str, list[Tune]] = {"train": []}
    wanted = {part: share * len(tunes) for part, share in shares.items() if share > 0}
    for at in order.tolist():
        # A family larger than what is left of a part would make it too large; it is learned from.
        part = next(
            (part for part, most in wanted.items() if len(parts.get(part, ())) + len(groups[at]) <= most), "train"
        )
        parts.setdefault(part, []).extend(tunes[one] for one in groups[at])
    if not parts["train"] or set(wanted) - set(parts):
        raise DataError(
            WHERE, f"{len(tunes):,} tunes", f"expected some for {', '.join(['train', *wanted])}", "add more tunes"
        )
    return parts


def _families(tunes: Sequence[Tune]) -> list[int]:
    """For each tune the number of its family: those that are linked by runs of notes that two share."""
    roots, first = list(range(len(tunes))), dict[bytes, int]()

    def root(at: int) -> int:
        while roots[at] != at:
            roots[at] = roots[roots[at]]
            at = roots[at]
        return at

    for at, tune in enumerate(tunes):
        for run in runs_of(tune, ALIKE):
            roots[root(at)] = root(first.setdefault(run, at))
    return [root(at) for at in range(len(tunes))]


def runs_of(tune: Tune, count: int) -> set[bytes]:
    """Each so many pitches in a row, without rests and bar lines, as bytes."""
    pitches = bytes(event.pitch for event in tune.events if event.pitch is not None)
    return {pitches[at : at + count] for at in range(len(pitches) - count + 1)}
