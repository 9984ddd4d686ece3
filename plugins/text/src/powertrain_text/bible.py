"""The verses of two translations of the Bible, which Debian has as modules of the SWORD project."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from powertrain.data import DataError, DataModule, data_folders, find_files, read_bytes
from powertrain.plugin import param
from powertrain_text.pairs import Paired, PairParams, of_pairs

WHERE = "bible-verses"
MODULES = Path("usr/share/sword/modules/texts/ztext")  # of Debian's packages
ENGLISH, SPANISH = "engKJV2006eb", "spaRV1909eb"
TESTAMENTS = ("ot", "nt")
MOST = 1 << 26  # bytes of a block that is unpacked; the largest book has less than one million
HOW = (
    "get it with `apt-get install sword-text-kjv sword-text-sparv`, or by `apt-get download` of both, "
    "`dpkg-deb -x PACKAGE.deb FOLDER` of each and POWERTRAIN_DATA=FOLDER"
)
ASIDE = re.compile(r"<(note|title)\b(?:[^>]*/>|.*?</\1>)", re.DOTALL)


class BibleVerses(Paired):
    """31,084 verses in English (King James, 1769) and in Spanish (Reina-Valera, 1909)."""

    @dataclass(frozen=True, kw_only=True)
    class Params(PairParams):
        path: Path | None = param(
            None, doc=f"folder of {ENGLISH} and {SPANISH}; else $POWERTRAIN_DATA and Debian's place"
        )
        reverse: bool = param(False, doc="from Spanish to English")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        folders = [base / params.path] if params.path else [*data_folders("sword", str(MODULES)), "/" / MODULES]
        first, *_ = find_files(
            [f"{module}/{part}.bzv" for module in (ENGLISH, SPANISH) for part in TESTAMENTS], folders, WHERE, HOW
        )
        both = [read_sword(first.parent.parent / module) for module in (ENGLISH, SPANISH)]
        if len(both[0]) != len(both[1]):
            raise DataError(
                WHERE, f"{len(both[0]):,} and {len(both[1]):,} verses", "expected as many", "fetch both packages again"
            )
        pairs = [pair for pair in zip(*(both[::-1] if params.reverse else both), strict=True) if all(pair)]
        return of_pairs(WHERE, pairs, params)


def read_sword(folder: Path) -> list[str]:
    """The verses of a zText module in their order, without markup, notes and titles; empty where there is none.

    .bzz holds packed blocks, .bzs where each begins and its size, .bzv the block, place and size of each verse.
    """
    found: list[str] = []
    for part in TESTAMENTS:
        try:
            packed, blocks = read_bytes(folder / f"{part}.bzz", WHERE), []
            for at, size, _ in struct.iter_unpack("<III", read_bytes(folder / f"{part}.bzs", WHERE)):
                blocks.append(zlib.decompressobj().decompress(packed[at : at + size], MOST))
            for block, at, size in struct.iter_unpack("<IIH", read_bytes(folder / f"{part}.bzv", WHERE)):
                found.append(plain(blocks[block][at : at + size].decode()) if size else "")
        except (zlib.error, struct.error, IndexError, UnicodeDecodeError) as error:
            raise DataError(
                WHERE, f"{folder}: the testament {part} cannot be read: {error}", "expected a zText module of SWORD",
                "fetch the package again",
            ) from None  # fmt: skip
    return found


def plain(verse: str) -> str:
    """A verse of OSIS without its markup.

    >>> plain("<title>Psalm</title><w lemma='x'>In the</w>  beginning <note>or first</note>¶")
    'In the beginning'
    """
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", ASIDE.sub("", verse))).strip(" ¶")
