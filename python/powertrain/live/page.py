"""The live page as texts, for a server: its files by their paths, and what they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from powertrain import charts
from powertrain.io.plain_json import dumps
from powertrain.live.board import Board

STATIC = Path(__file__).parent / "static"


class LivePage:
    """What a server hands out: `files`, which map a path to its kind and content, JSON texts about runs, and
    their samples."""

    def __init__(self, places: Sequence[Path]) -> None:
        self.board = Board(places)
        self.files = {
            "/": ("text/html", _text("page.html")),
            "/page.css": ("text/css", _text("page.css")),
            "/page.js": ("text/javascript", _text("page.js")),
            "/charts.css": ("text/css", charts.style()),
            "/charts.js": ("text/javascript", charts.script()),
        }

    def runs(self) -> str:
        return dumps(self.board.runs())

    def load(self) -> str:
        return dumps(self.board.load())

    def run(self, id: str) -> str | None:
        found = self.board.run(id)
        return None if found is None else dumps(found)

    def samples(self, id: str, name: str) -> tuple[str, bytes] | None:
        return self.board.samples(id, name)


def _text(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")
