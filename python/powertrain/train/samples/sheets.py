"""The files of samples in the folder of a run: sheets of pictures and sounds, few and small, each named by an event.

A file has the number of its round. So a run that goes on from an earlier commit writes the same files again, and those
of rounds that it does again are nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from powertrain.io.console import one_line
from powertrain.io.files import Files

FOLDER = "samples"
EVENT = "shown"
KINDS = {"pictures": ("png", "image/png"), "sounds": ("wav", "audio/wav")}  # with the ends of names, and media types
MOST_SAMPLES = 32  # of an evaluation
MOST_ROUNDS = 48  # of whose files a run keeps
MOST_BYTES = 1 << 20  # of a file
MOST_SIDE = 96  # pixels of a picture
COLUMNS = 8  # pictures side by side
MOST_LETTERS = 80  # of a title
SHAPE = {"kind": str, "count": int, "width": int, "height": int, "titles": [str]}


@dataclass(frozen=True)
class Sheet:
    """Samples of one evaluation in one file. Pictures have a size in pixels, and lie in rows of eight."""

    kind: str
    count: int
    width: int = 0
    height: int = 0
    titles: tuple[str, ...] = ()

    @classmethod
    def of_event(cls, line: Mapping[str, Any]) -> Sheet | None:
        """What a line of a ledger says; None where no run writes such."""
        found = cls(line["kind"], line["count"], line["width"], line["height"], tuple(line["titles"]))
        sized = 0 < found.width <= MOST_SIDE and 0 < found.height <= MOST_SIDE
        fits = found.kind in KINDS and 0 < found.count <= MOST_SAMPLES and len(found.titles) in (0, found.count)
        if not fits or (found.kind == "pictures" and not sized):
            return None
        titles = tuple(one_line(title[:MOST_LETTERS]) for title in found.titles)
        return cls(found.kind, found.count, found.width, found.height, titles)

    def event(self) -> dict[str, Any]:
        return {**asdict(self), "titles": [title[:MOST_LETTERS] for title in self.titles]}

    @property
    def columns(self) -> int:
        return min(self.count, COLUMNS)

    @property
    def rows(self) -> int:
        return -(-self.count // COLUMNS)

    def name(self, round: int) -> str:
        return f"{FOLDER}/{file_name(round, self.kind)}"

    def holds(self, content: bytes) -> bool:
        """Whether bytes are such a file. A picture of other sizes may take any memory to show."""
        if self.kind == "sounds":
            return content[:4] == b"RIFF" and content[8:12] == b"WAVE"
        size = (self.columns * self.width).to_bytes(4, "big") + (self.rows * self.height).to_bytes(4, "big")
        return content[:16] == b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" and content[16:24] == size


def file_name(round: int, kind: str) -> str:
    return f"round-{round:012d}.{KINDS[kind][0]}"


def round_of(name: str) -> int | None:
    """Of which round a file is; None of others."""
    found = re.fullmatch(rf"round-([0-9]{{12,18}})\.({'|'.join(end for end, _ in KINDS.values())})", name)
    return int(found[1]) if found else None


def thinned(rounds: Sequence[int]) -> list[int]:
    """Of too many rounds those that are about evenly spread, the first and the newest among them.

    >>> thinned([3, 6, 9]), thinned(range(1, 50))[:3], thinned(range(1, 51))[-2:]
    ([3, 6, 9], [1, 3, 4], [49, 50])
    """
    kept = list(rounds)
    while len(kept) > MOST_ROUNDS:  # the one whose neighbours are nearest to each other is missed least
        del kept[min(range(1, len(kept) - 1), key=lambda at: kept[at + 1] - kept[at - 1])]
    return kept


def write(files: Files, round: int, found: Mapping[Sheet, bytes]) -> None:
    """Write the samples of a round, and drop those that are too many, or of rounds that are done again."""
    names = {name: at for name in files.names(FOLDER) if (at := round_of(name)) is not None}
    kept = thinned(sorted({*(at for at in names.values() if at < round), round}))
    for sheet, content in found.items():
        files.replace(sheet.name(round), content)
    for name, at in names.items():
        if at not in kept:
            files.remove(f"{FOLDER}/{name}")


def read(files: Files, round: int, sheet: Sheet) -> bytes | None:
    """The file of some samples; None where there is none, or something else."""
    try:
        content = files.read(sheet.name(round), MOST_BYTES)
    except FileNotFoundError:
        return None
    return content if sheet.holds(content) else None
