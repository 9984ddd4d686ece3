"""Melodies in ABC notation, in which folk tunes are written down: what it says becomes pitches and lengths."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

WHOLE = 96  # parts of a whole note, in which lengths are counted: a triplet of 32nds still is a number of them
LOWEST, HIGHEST, LONGEST = 36, 100, 2 * WHOLE  # notes beyond these are mistakes of writing
SCALE = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
MODES = {"": 0, "maj": 0, "ion": 0, "mix": -1, "dor": -2, "m": -3, "min": -3, "aeo": -3, "phr": -4, "loc": -5, "lyd": 1}
ACCIDENTALS = {"": None, "=": 0, "^": 1, "^^": 2, "_": -1, "__": -2}
SHARPS = "FCGDAEB"
IN_TIME_OF = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}  # so many notes of a tuplet; others as the meter is

_LENGTH = r"(\d{0,3})(/{0,3})(\d{0,3})"
_NOTE = rf"(\^\^|\^|__|_|=|)([A-Ga-g])([',]*){_LENGTH}"
_PARTS = re.compile(
    rf"""(?P<skip>[\s~.`\\*\]kuvyHLMOPSTJRK]+|"[^"]*"|![^!]*!|\+[^+]*\+|\{{[^}}]*\}}|\[[1-9][0-9,.-]*)
    |\[(?P<field>[A-Za-z]:[^\]]*)\]
    |(?P<bar>\[\||:*\|[:|\]]*|::+)(?:\ ?[1-9](?:[,-][1-9])*)?
    |\((?P<tuplet>[2-9])(?::(?P<time>[1-9]?)(?::(?P<many>[1-9]?))?)?
    |(?P<note>{_NOTE})
    |(?P<rest>[zx]){_LENGTH}
    |\[(?P<chord>(?:(?:\^\^|\^|__|_|=|)[A-Ga-g][',]*\d*/*\d*)+)\]{_LENGTH}
    |(?P<broken>>{{1,3}}|<{{1,3}})
    |(?P<tie>-)
    |(?P<slur>[()])""",
    re.VERBOSE,
)


class UnreadableError(ValueError):
    """A tune that is left out: what it has is not one melody of notes in one meter."""


@dataclass(frozen=True)
class Event:
    """A note of a MIDI pitch, a rest (pitch None), or a bar line (length 0)."""

    pitch: int | None
    length: int = 0

    @property
    def is_bar(self) -> bool:
        return self.length == 0


BAR = Event(None)


@dataclass(frozen=True)
class Tune:
    meter: str
    events: tuple[Event, ...]


def tunes_of(text: str) -> Iterator[Tune]:
    """The tunes of a file that can be read, in its order; each without sharps and flats in its key, so in C or one of
    the modes on its notes."""
    for part in re.split(r"^X:", text, flags=re.MULTILINE)[1:]:
        try:
            yield _tune(part.splitlines()[1:])
        except UnreadableError:
            continue


def _tune(lines: list[str]) -> Tune:
    header: dict[str, str] = {}
    begin = 0
    for at, line in enumerate(lines, 1):
        name, colon, value = line.partition(":")
        if colon and len(name) == 1:
            header.setdefault(name, value.partition("%")[0].strip())
        if name == "K":
            begin = at
            break
    else:
        raise UnreadableError("no key")
    reader = _Reader(header)
    for line in lines[begin:]:
        body = line.partition("%")[0]
        if re.match(r"[A-Za-z]:[^|:]", body):
            reader.field(body)
        else:
            reader.read(body)
    return reader.tune()


class _Reader:
    def __init__(self, header: dict[str, str]) -> None:
        self.meter = _meter(header.get("M", ""))
        over, under = map(int, self.meter.split("/"))
        self.unit = _unit(header["L"]) if "L" in header else Fraction(1, 16 if over / under < 0.75 else 8)
        self.compound = over % 3 == 0 and over > 3
        self.sharps = _sharps(header["K"])
        raised = 7 * self.sharps % 12
        self.shift = -raised if raised <= 6 else 12 - raised
        self.events: list[tuple[int | None, Fraction]] = []  # of a bar line the length is 0
        self.marked: dict[tuple[str, str], int] = {}  # accidentals of this bar
        self.tied = False
        self.next_share = Fraction(1)  # of the note behind a < or >
        self.tuplet, self.tuplet_left = Fraction(1), 0

    def field(self, text: str) -> None:
        name, _, value = text.partition(":")
        if name == "K":
            self.sharps = _sharps(value.strip())
        elif name == "L":
            self.unit = _unit(value.strip())
        elif name == "M" and _meter(value.strip()) != self.meter:
            raise UnreadableError("another meter")

    def read(self, line: str) -> None:
        at = 0
        while at < len(line):
            found = _PARTS.match(line, at)
            if found is None or found.end() == at:
                raise UnreadableError(f"{line[at]!r}")
            at = found.end()
            self.take(found)

    def take(self, found: re.Match[str]) -> None:
        parts = [part or "" for part in found.groups()]
        if found["field"]:
            self.field(found["field"])
        elif found["bar"]:
            self.marked.clear()
            if self.events and self.events[-1][1]:
                self.events.append((None, Fraction(0)))
            self.tied = False
        elif found["tuplet"]:
            many = int(found["tuplet"])
            time = int(found["time"] or 0) or IN_TIME_OF.get(many, 3 if self.compound else 2)
            self.tuplet, self.tuplet_left = Fraction(time, many), int(found["many"] or many)
        elif found["note"]:
            at = _PARTS.groupindex["note"]
            self.sound(self.pitch(*parts[at : at + 3]), self.length(*parts[at + 3 : at + 6]))
        elif found["rest"]:
            at = _PARTS.groupindex["rest"]
            self.sound(None, self.length(*parts[at : at + 3]))
        elif found["chord"]:
            notes = list(re.finditer(_NOTE, found["chord"]))
            at = _PARTS.groupindex["chord"]
            inner = self.length(*(part or "" for part in notes[0].groups()[3:6]))
            top = max(self.pitch(*(part or "" for part in note.groups()[:3])) for note in notes)
            self.sound(top, inner * self.length(*parts[at : at + 3]) / self.unit)
        elif found["broken"]:
            self.lean(found["broken"])
        elif found["tie"]:
            self.tied = True

    def length(self, times: str, slashes: str, under: str) -> Fraction:
        if under and slashes != "/":
            raise UnreadableError("length")
        parts = int(under) if under else 2 ** len(slashes)
        if parts == 0:
            raise UnreadableError("length")
        return self.unit * Fraction(int(times or 1), parts)

    def pitch(self, accidental: str, letter: str, octave: str) -> int:
        place = letter, octave
        said = ACCIDENTALS[accidental]
        if said is not None:
            self.marked[place] = said
        upper = letter.upper()
        order = SHARPS if self.sharps > 0 else SHARPS[::-1]
        signed = (1 if self.sharps > 0 else -1) if order.index(upper) < abs(self.sharps) else 0
        base = 60 + SCALE[upper] + (12 if letter.islower() else 0)
        return base + 12 * (octave.count("'") - octave.count(",")) + self.marked.get(place, signed) + self.shift

    def sound(self, pitch: int | None, length: Fraction) -> None:
        length *= self.next_share
        self.next_share = Fraction(1)
        if self.tuplet_left:
            length, self.tuplet_left = length * self.tuplet, self.tuplet_left - 1
        if self.tied and pitch is not None and self.events and self.events[-1][0] == pitch:
            self.events[-1] = pitch, self.events[-1][1] + length
        else:
            self.events.append((pitch, length))
        self.tied = False

    def lean(self, signs: str) -> None:
        """a > b: the first is longer by half, the second shorter; of >> it is three quarters."""
        if not self.events or not self.events[-1][1]:
            raise UnreadableError("a > or < without a note beside it")
        short = Fraction(1, 2 ** len(signs))
        first, self.next_share = (2 - short, short) if signs[0] == ">" else (short, 2 - short)
        pitch, length = self.events[-1]
        self.events[-1] = pitch, length * first

    def tune(self) -> Tune:
        made = []
        for pitch, length in self.events:
            parts = length * WHOLE
            low = pitch is not None and not LOWEST <= pitch <= HIGHEST
            if parts.denominator != 1 or parts > LONGEST or low:
                raise UnreadableError("a note")
            made.append(Event(pitch, int(parts)))
        while made and made[-1].is_bar:
            made.pop()
        if sum(not event.is_bar for event in made) < 8:
            raise UnreadableError("hardly a note")
        return Tune(self.meter, tuple(made))


def _meter(text: str) -> str:
    text = {"C": "4/4", "C|": "2/2"}.get(text, text)
    if not re.fullmatch(r"[1-9]\d?/(2|4|8|16)", text):
        raise UnreadableError("meter")
    return text


def _unit(text: str) -> Fraction:
    if not re.fullmatch(r"1/(1|2|4|8|16|32)", text):
        raise UnreadableError("unit")
    return Fraction(text)


def _sharps(text: str) -> int:
    """How many sharps a key has; flats are below 0."""
    found = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if not found or "exp" in text:
        raise UnreadableError("key")
    mode = found[3].lower()
    mode = mode if mode == "m" else mode[:3]
    sharps = FIFTHS[found[1]] + {"#": 7, "b": -7, "": 0}[found[2]] + MODES.get(mode, 0)
    if abs(sharps) > 7:
        raise UnreadableError("key")
    return sharps
