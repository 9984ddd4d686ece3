"""The samples of a run from its beginning to its end, one row for each evaluation that is shown."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from powertrain._core import Error
from powertrain.data.source import evenly_spaced
from powertrain.io.files import Files
from powertrain.train.report.elements import NOTHING, players
from powertrain.train.report.markup import Html, as_it_stands, html, joined
from powertrain.train.samples import sheets
from powertrain.train.samples.sheets import Sheet

ROWS, PLAYERS = 8, 4  # evaluations that are shown: of pictures, of sounds

Found = tuple[int, Sheet, bytes]  # with the steps before


def filmstrip(files: Files, history: Sequence[Mapping[str, Any]]) -> Html:
    """The samples that a run wrote while it trained; nothing where it wrote none."""
    pictures, sounds = _of_kind(files, history, "pictures", ROWS), _of_kind(files, history, "sounds", PLAYERS)
    if not pictures and not sounds:
        return NOTHING
    heard = {f"After {step:,} steps": content for step, _, content in sounds}
    return html("<h2>While it trained</h2>{}{}", _strip(pictures) if pictures else NOTHING, players(heard))


def _of_kind(files: Files, history: Sequence[Mapping[str, Any]], kind: str, most: int) -> list[Found]:
    """Some of the evaluations whose files are there, from the first to the last."""
    known = {}
    for event in history:
        sheet = Sheet.of_event(event) if event["event"] == sheets.EVENT else None
        if sheet is not None and sheet.kind == kind:
            known[event["round"]] = (event["step"], sheet)
    there = set(files.names(sheets.FOLDER))
    rounds = [round for round in known if sheets.file_name(round, kind) in there]
    found = []
    for at in evenly_spaced(len(rounds), most).tolist() if rounds else ():
        step, sheet = known[rounds[at]]
        content = _read(files, rounds[at], sheet)
        if content is not None:
            found.append((step, sheet, content))
    return found


def _read(files: Files, round: int, sheet: Sheet) -> bytes | None:
    try:
        return sheets.read(files, round, sheet)
    except (Error, OSError):  # a report is written all the same
        return None


def _strip(found: Sequence[Found]) -> Html:
    shown = max(sheet.columns for _, sheet, _ in found)
    count = max(sheet.count for _, sheet, _ in found)
    more = html("<p>The first {} of {} samples.</p>", shown, count) if count > shown else NOTHING
    rows = joined(_row(*one) for one in found)
    return html(
        '{}<div class="scroll" tabindex="0" role="region" aria-label="samples while it trained">'
        '<table class="film">{}</table></div>', more, rows,
    )  # fmt: skip


def _row(step: int, sheet: Sheet, content: bytes) -> Html:
    """The first row of a sheet, cut into its pictures by the page: the sheet is in it once."""
    titles = sheet.titles or ("",) * sheet.count
    cells = joined(_cell(sheet, at, titles[at]) for at in range(sheet.columns))
    data = as_it_stands(base64.b64encode(content).decode())
    return html(
        '<tr style="--sheet:url(data:image/png;base64,{})"><th scope="row">{} steps</th>{}</tr>', data, f"{step:,}",
        cells,
    )  # fmt: skip


def _cell(sheet: Sheet, at: int, title: str) -> Html:
    across = 100 * at / max(sheet.columns - 1, 1)
    style = (
        f"aspect-ratio:{sheet.width}/{sheet.height};background-size:{100 * sheet.columns}% {100 * sheet.rows}%;"
        f"background-position:{across:.4f}% 0"
    )
    below = html("<small>{}</small>", title) if title else NOTHING
    return html(
        '<td><div role="img" aria-label="{}" style="{}"></div>{}</td>', title or f"sample {at + 1}", style, below
    )
